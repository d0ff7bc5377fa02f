"""`extraction` under a tissue: its keys go before the study's, one by one, and everything knows tissues apart."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, ConfigDict

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
from imaging_data import box, values, write

import prldh
from prldh.apply.apply import apply_models
from prldh.core.errors import PrldhError, StudyError

N = 24

pytestmark = pytest.mark.usefixtures("undrawn", "unrepeated")


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    a: int = 1
    b: int = 1


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    needed: float
    scale: float = 1.0
    inner: Inner = Inner()
    free: dict[str, int] = {}


class Source:
    """Says what it was told: every setting is part of a value."""

    name, version, Settings = "told", "1", Settings

    def extract(self, case, settings):
        free = sum(settings.free.values())
        told = {
            "needed": settings.needed,
            "scale": settings.scale,
            "a": settings.inner.a,
            "b": settings.inner.b,
            "free": free,
        }
        return tuple(
            {name: float(case.image.values[m].mean()) + 1000.0 * value for name, value in told.items()}
            for m in case.masks
        )

    def metadata(self, settings):
        return {"needed": settings.needed}

    def for_steps(self, settings):
        return {"needed": settings.needed}


@pytest.fixture
def cohort(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "study"
    folder.mkdir()
    generator = np.random.default_rng(5)
    rows, clinical = [], []
    for k in range(N):
        has_event = int(generator.random() < 0.5)
        write(folder / f"i{k}.nii.gz", values(k) + np.int16(100 * has_event))
        rows.append([f"P{k:02d}", f"i{k}.nii.gz", "mask.nii.gz"])
        clinical.append([f"P{k:02d}", has_event])
    write(folder / "mask.nii.gz", box())
    for name, header, lines in (
        ("cases", ["patient_id", "image", "mask"], rows),
        ("clinical", ["patient_id", "y"], clinical),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, *lines])
    return folder


def _study(folder: Path, general: dict, one: dict, two: dict, **more) -> dict:
    """Two tissues, ``one`` and ``two``, of the same images, each with settings of its own."""
    tissues = {
        name: {"images": str(folder / "cases.csv"), "sources": ["told"]} | ({"extraction": own} if own else {})
        for name, own in (("one", one), ("two", two))
    }
    return {
        "engine": "python",
        "clinical": {"table": str(folder / "clinical.csv"), "id": "patient_id", "outcome": "y", "event": 1},
        "tissues": tissues,
        "extraction": general,
        "selection": [],
        "learner": "ridge",
        "validation": {"leave_one_out": False, "folds": 2, "bootstrap": 0},
        "report": {"figures": []},
        "yardstick": False,
    } | more


def _extract(study: dict) -> prldh.Extraction:
    return prldh.extract(study, None, jobs=1, plugins=[Source()])


def test_a_tissue_s_keys_go_before_the_study_s_one_by_one(cohort):
    general = {"told": {"scale": 3, "inner": {"a": 5, "b": 6}, "free": {"x": 2, "y": 3}}}
    study = _study(
        cohort, general, {"told": {"needed": 7}}, {"told": {"needed": 8, "inner": {"b": 9}, "free": {"z": 4}}}
    )
    first, second = (_extract(study).about[t]["sources"]["told"]["settings"] for t in ("one", "two"))
    assert first == {"needed": 7, "scale": 3, "inner": {"a": 5, "b": 6}, "free": {"x": 2, "y": 3}}
    assert second == {"needed": 8, "scale": 3, "inner": {"a": 5, "b": 9}, "free": {"z": 4}}


def test_without_settings_of_its_own_a_tissue_has_the_study_s(cohort):
    done = _extract(_study(cohort, {"told": {"needed": 2}}, {}, {"told": {"scale": 4}}))
    settings = {t: done.about[t]["sources"]["told"]["settings"] for t in ("one", "two")}
    assert (settings["one"]["needed"], settings["one"]["scale"]) == (2, 1)
    assert (settings["two"]["needed"], settings["two"]["scale"]) == (2, 4)
    difference = done.tables["two"][0]["scale"] - done.tables["one"][0]["scale"]
    np.testing.assert_allclose(difference, 3000)


def test_masks_of_one_tissue_alone_are_perturbed(cohort):
    study = _study(cohort, {"told": {"needed": 2}}, {"perturb": {"n": 2}}, {})
    images = _extract(study).images
    assert images.tissues["one"].perturbed.shape[0] == 2 and images.tissues["two"].perturbed is None
    study = _study(cohort, {"told": {"needed": 2}, "perturb": {"n": 3, "translation_mm": 0}}, {"perturb": {"n": 2}}, {})
    of = {name: t.perturbation for name, t in _extract(study).images.tissues.items()}
    assert (of["one"].n, of["two"].n, of["one"].translation_mm) == (2, 3, 0)


@pytest.mark.parametrize(
    ("general", "own", "message"),
    [
        (
            {},
            {"told": {"needed": 1, "scael": 2}},
            "tissues.one.extraction.told: unknown key 'scael'; did you mean 'scale'?",
        ),
        ({"told": {"scael": 2}}, {"told": {"needed": 1}}, "extraction.told: unknown key 'scael'"),
        (
            {"told": {"scale": 2}},
            {"told": {"needed": 1, "inner": {"c": 1}}},
            "tissues.one.extraction.told: unknown key 'inner.c'",
        ),
        ({"told": {"scale": 2}}, {}, "extraction.told: needed: this key is required"),
        ({}, {"told": {}}, "extraction.told: needed: this key is required"),
        (
            {},
            {"tolt": {"needed": 1}},
            "tissues.one.extraction.tolt: there is no feature source of that name; did you mean 'told'?",
        ),
        (
            {"told": {"needed": 1}},
            {"pyradiomics": {}},
            "tissues.one.extraction.pyradiomics: the tissue is not measured by",
        ),
        ({"told": {"needed": 1}}, {"told": {"inner": 3}}, "tissues.one.extraction.told: inner: must be a mapping"),
        ({"told": {"needed": 1}}, {"told": 3}, "tissues.one.extraction.told"),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(cohort, general, own, message):
    with pytest.raises(PrldhError) as error:
        _extract(_study(cohort, general, own, {"told": {"needed": 1}}))
    assert message in str(error.value), error.value


def test_settings_of_images_where_there_are_none_are_refused(cohort):
    study = _study(cohort, {"told": {"needed": 1}}, {}, {})
    study["tissues"]["three"] = {"radscore": "score", "extraction": {"told": {"needed": 1}}}
    with pytest.raises(PrldhError, match=r"tissues.three: extraction is about images, and radscore is given"):
        prldh.extract(study, None, plugins=[Source()])


class AsksItsSource:
    """A selector that keeps all, and says what it was told of the source of its rows."""

    name, version = "asks", "1"

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

    def fit(self, rows, settings, seed, engine):
        from prldh.api import Selection

        told = {"tissue": rows.tissue, "made_by": {k: dict(v) for k, v in rows.made_by.items()}}
        return Selection(np.arange(len(rows.names)), {}, {"told": told})


@pytest.mark.parametrize("by_source", [True, False])
def test_steps_know_the_tissue_and_what_its_source_tells_them(cohort, tmp_path, by_source):
    study = _study(
        cohort,
        {},
        {"told": {"needed": 1}},
        {"told": {"needed": 2}},
        selection=[{"asks": {}}],
        selection_by_source=by_source,
    )
    data = prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[Source(), AsksItsSource()]).data
    for tissue, needed in (("one", 1), ("two", 2)):
        told = data["tissues"][tissue]["selection"]["steps"][-1]["details"]["told"]
        assert told == {"tissue": tissue, "made_by": {"told": {"needed": needed}}}
        assert data["images"][tissue]["sources"]["told"]["computed"] == {"needed": needed}


def test_new_patients_are_measured_as_each_tissue_was(cohort, tmp_path):
    study = _study(cohort, {"told": {"scale": 3}}, {"told": {"needed": 1}}, {"told": {"needed": 2}})
    data = prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[Source()]).data
    new = {
        "name": "again",
        "clinical": {"table": str(cohort / "clinical.csv")},
        "tissues": {name: {"images": str(cohort / "cases.csv")} for name in ("one", "two")},
    }
    path = tmp_path / "again.yaml"
    path.write_text(json.dumps(new))
    apply_models(tmp_path / "out", path, plugins=[Source()])
    made = pd.read_csv(next((tmp_path / "out").rglob("again/**/predictions.csv")))
    for tissue in ("one", "two"):
        own = {s["id"]: s["value"] for s in data["tissues"][tissue]["scores"]}
        again = made.drop_duplicates("id").set_index("id")[f"radscore_{tissue}"]
        assert len(own) == N and len(set(own.values())) > 2
        for patient, value in own.items():
            assert again[patient] == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_other_settings_than_the_study_s_are_told(cohort, tmp_path):
    study = _study(cohort, {"told": {"scale": 3}}, {"told": {"needed": 1}}, {"told": {"needed": 2}})
    prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[Source()])
    images = {"images": str(cohort / "cases.csv")}
    new = {
        "name": "other",
        "clinical": {"table": str(cohort / "clinical.csv")},
        "tissues": {"one": images | {"extraction": {"told": {"needed": 1.5}}}, "two": images},
    }
    path = tmp_path / "other.yaml"
    path.write_text(json.dumps(new))
    told = apply_models(tmp_path / "out", path, plugins=[Source()])["warnings"]
    (of_settings,) = (w["message"] for w in told if w["code"] == "PRL-220")
    # what is said of one tissue stands for it, and the study's for the rest
    assert of_settings.startswith("tissue one: 'told' measures the new patients with another needed than")


def test_steps_masks_and_units_other_than_the_study_s_are_told_and_what_is_not_said_is_the_study_s(cohort, tmp_path):
    study = _study(cohort, {"told": {"scale": 3}}, {"told": {"needed": 1}}, {"told": {"needed": 2}})
    study["imaging"] = {"pet": "suv_bw"}
    prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[Source()])
    images = {"images": str(cohort / "cases.csv")}

    def told(one: dict, **more: object) -> list[str]:
        new = {"name": "n", "clinical": {"table": str(cohort / "clinical.csv")}, "tissues": {"one": one, "two": images}}
        (tmp_path / "n.yaml").write_text(json.dumps(new | more))
        applied = apply_models(tmp_path / "out", tmp_path / "n.yaml", plugins=[Source()], force=True)
        return [w["message"].split(" than ")[0] for w in applied["warnings"] if w["code"] == "PRL-220"]

    assert told(images) == told(images, imaging={"memory_gb": 3}) == []
    assert told(images | {"lesions": "largest", "image_steps": ["z_score"]}) == [
        "tissue one: 'told' measures the new patients with another lesions and image_steps"
    ]
    assert told(images, imaging={"pet": "as_stored"}) == [
        f"tissue {name}: 'told' measures the new patients with another imaging.pet" for name in ("one", "two")
    ]


class Refuses(Source):
    """Refuses one of its settings itself, which it knows as the study's."""

    def check(self, settings):
        if settings.scale > 5:
            raise StudyError("extraction.told.scale: too large.")


@pytest.mark.parametrize(("general", "own", "place"), [({"scale": 6}, {}, ""), ({}, {"scale": 6}, "tissues.one.")])
def test_what_a_source_refuses_is_said_where_it_stands(cohort, general, own, place):
    study = _study(cohort, {"told": {"needed": 1} | general}, {"told": own}, {})
    with pytest.raises(StudyError) as error:
        prldh.extract(study, None, jobs=1, plugins=[Refuses()])
    assert str(error.value) == f"{place}extraction.told.scale: too large."

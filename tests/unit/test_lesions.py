"""Several lesions of one image: a row a patient, or a row a lesion."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from imaging_data import GRID
from lesion_data import Plain, image_of, lesions_of, measure, study_of, write_patients

import prldh
from prldh.core.errors import DataError, StudyError
from prldh.data.imaging import cases_as_measured, read, read_cases, rows_by_patient
from prldh.study import read_study

pytest.importorskip("SimpleITK", reason="images need SimpleITK")

NAMES = ("mean", "sd", "voxels")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path_factory.mktemp("cache")))


def _cases(patients, lesions=(1, 2, 3), **more):
    return [
        {"patient_id": p, "lesion": f"L{k}", "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz", "label": k, **more}
        for p in patients
        for k in lesions
    ]


def _clinical(patients):
    return [{"patient_id": p, "event": i % 2} for i, p in enumerate(patients)]


def _single(patient: int, lesion: int) -> np.ndarray:
    found = measure(image_of(patient), lesions_of(patient, 3) == lesion)
    return np.array([found[name] for name in NAMES])


def _extract(study, out=None):
    done = prldh.extract(study, out, jobs=1, plugins=[Plain()])
    return done, done.tables["liver"][0]


@pytest.mark.parametrize(
    ("way", "weights"),
    [
        (None, (1, 1, 1)),
        ("mean", (1, 1, 1)),
        ("volume", (4, 8, 12)),
        ("largest", (0, 0, 1)),
        ("three_largest", (4, 8, 12)),
    ],
)
def test_a_patient_is_one_row_of_his_lesions(tmp_path, way, weights):
    patients = write_patients(tmp_path)
    study = study_of(tmp_path, _cases(patients), _clinical(patients), **({} if way is None else {"lesions": way}))
    done, table = _extract(study, tmp_path / "out")
    assert list(table.index) == patients
    for i, patient in enumerate(patients):
        by_hand = np.average([_single(i, k) for k in (1, 2, 3)], axis=0, weights=weights)
        np.testing.assert_allclose(table.loc[patient, list(NAMES)], by_hand, rtol=1e-12)
    about = json.loads((tmp_path / "out" / "features" / "liver.json").read_text())
    combined = way or "by_source"
    assert about["lesions"] == {"combined": combined, "n": 9, "n_patients": 3, "n_several": 3, "most": 3}
    assert [c["lesion"] for c in about["cases"][:3]] == ["L1", "L2", "L3"]
    assert not done.images.warnings


def test_of_four_lesions_the_smallest_is_left_out_and_ties_are_in(tmp_path):
    patients = write_patients(tmp_path, 1, 4)
    study = study_of(tmp_path, _cases(patients, (1, 2, 3, 4)), _clinical(patients), lesions="three_largest")
    found = _extract(study)[1]
    values = image_of(0)
    each = [measure(values, lesions_of(0, 4) == k)["mean"] for k in (2, 3, 4)]
    assert found.loc["P0", "mean"] == pytest.approx(np.average(each, weights=[8, 12, 16]), rel=1e-12)


def test_parts_of_one_lesion_are_one_lesion(tmp_path):
    patients = write_patients(tmp_path, 1)
    cases = _cases(patients)
    cases[0]["lesion"] = cases[1]["lesion"]  # 4 and 8 voxels: 12 together, as many as the third
    done, table = _extract(study_of(tmp_path, cases, _clinical(patients), lesions="largest"))
    parts = (_single(0, 1) + _single(0, 2)) / 2
    np.testing.assert_allclose(table.loc["P0", list(NAMES)], (parts + _single(0, 3)) / 2, rtol=1e-12)
    assert done.images.tissues["liver"].lesions.n == 2


def _by_lesion(patients):
    cases = [
        {"lesion_id": f"{p}-{k}", "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz", "label": k}
        for p in patients
        for k in (1, 2, 3)
    ]
    clinical = [{"lesion_id": c["lesion_id"], "who": c["lesion_id"][:2], "event": i % 2} for i, c in enumerate(cases)]
    return cases, clinical


def test_lesions_are_rows_of_their_own_and_the_image_is_read_once(tmp_path, monkeypatch):
    patients = write_patients(tmp_path)
    cases, clinical = _by_lesion(patients)
    opened = []
    plain_read = read._values
    monkeypatch.setattr(
        read, "_values", lambda header, **k: opened.append(header.files[0].name) or plain_read(header, **k)
    )
    shuffled = [cases[i] for i in np.random.default_rng(0).permutation(len(cases))]
    study = study_of(tmp_path, shuffled, clinical, "lesion_id", patient="who", share_images=True)
    done, table = _extract(study)
    assert list(table.index) == [c["lesion_id"] for c in cases]
    for i, patient in enumerate(patients):
        for k in (1, 2, 3):  # as of the lesion alone
            np.testing.assert_array_equal(table.loc[f"{patient}-{k}", list(NAMES)], _single(i, k))
    tissue = done.images.tissues["liver"]
    assert vars(tissue.lesions) == {"combined": None, "n": 9, "n_patients": 3, "n_several": 3, "most": 3}
    assert not done.images.warnings
    measuring = opened[-6:]  # an image and its label map a patient, after the checks
    assert sorted(measuring) == sorted(f"{p}{end}" for p in patients for end in (".nii.gz", "_mask.nii.gz"))


def test_the_lesion_may_be_the_id_where_patient_id_names_the_patient(tmp_path):
    patients = write_patients(tmp_path, 2)
    cases, clinical = _by_lesion(patients)
    cases = [{"patient_id": c["lesion_id"][:2], "lesion": c.pop("lesion_id"), **c} for c in cases]
    clinical = [{"patient_id": c["who"], **c} for c in clinical]
    study = study_of(tmp_path, cases, clinical, "lesion_id", patient="patient_id", share_images=True)
    assert len(_extract(study)[1]) == 6


def test_without_share_images_the_same_image_twice_is_refused_with_the_way_out(tmp_path):
    patients = write_patients(tmp_path)
    cases, clinical = _by_lesion(patients)
    study = study_of(tmp_path, cases, clinical, "lesion_id", patient="who")
    with pytest.raises(DataError, match="share_images: true"):
        _extract(study)
    found = prldh.check(study, plugins=[Plain()])["liver"]
    assert {f.kind for f in found if f.severity == "refused"} == {"duplicate_image"}


def test_an_image_of_two_patients_is_refused_though_images_are_shared(tmp_path):
    patients = write_patients(tmp_path)
    cases, clinical = _by_lesion(patients)
    clinical[0]["who"] = "P1"  # a lesion in the image of P0
    study = study_of(tmp_path, cases, clinical, "lesion_id", patient="who", share_images=True)
    done, table = _extract(study)
    assert [i for i, _ in done.images.tissues["liver"].aside] == ["P0-1", "P0-2", "P0-3"] and len(table) == 6
    assert "the same image as that of patient P1" in done.images.tissues["liver"].aside[1][1]


def test_shared_images_without_a_patient_are_told(tmp_path):
    patients = write_patients(tmp_path)
    cases, clinical = _by_lesion(patients)
    done, table = _extract(study_of(tmp_path, cases, clinical, "lesion_id", share_images=True))
    (told,) = done.images.warnings
    assert told.code == "PRL-200" and "9 ids" in told.message and len(table) == 9


def test_one_region_under_two_names_is_refused_or_told(tmp_path):
    patients = write_patients(tmp_path, 2)
    cases, clinical = _by_lesion(patients)
    cases[1]["label"] = 1
    with pytest.raises(DataError, match=r"same region of P0-1 and P0-2 in rows 2 and 3"):
        _extract(study_of(tmp_path, cases, clinical, "lesion_id", patient="who", share_images=True))
    (tmp_path / "copy.nii.gz").write_bytes((tmp_path / "P0_mask.nii.gz").read_bytes())
    cases[1]["mask"] = "copy.nii.gz"
    done, _ = _extract(study_of(tmp_path, cases, clinical, "lesion_id", patient="who", share_images=True))
    assert [w.code for w in done.images.warnings] == ["PRL-201"] and "2 and 3" in done.images.warnings[0].message


def test_a_lesion_put_aside_is_told_and_the_others_stand(tmp_path):
    patients = write_patients(tmp_path, 2)
    cases = _cases(patients)
    cases[2]["label"] = 9  # the largest of P0 is not there
    done, table = _extract(study_of(tmp_path, cases, _clinical(patients), lesions="largest"))
    np.testing.assert_array_equal(table.loc["P0", list(NAMES)], _single(0, 2))
    assert [w.code for w in done.images.warnings] == ["PRL-031"]


@pytest.mark.parametrize(
    ("tissue", "expected"),
    [
        ({"lesions": "median"}, "'mean', 'volume', 'largest' or 'three_largest'"),
        ({"share_images": "often"}, "true or false"),
        ({"lesion": "mean"}, "did you mean 'lesions'"),
    ],
)
def test_what_is_wrong_in_the_study_file_is_told(tmp_path, tissue, expected):
    patients = write_patients(tmp_path, 1)
    with pytest.raises(StudyError, match=expected):
        _extract(study_of(tmp_path, _cases(patients), _clinical(patients), **tissue))


def test_keys_of_images_are_refused_beside_tables():
    tissue = {"features": ["a.csv"], "lesions": "mean"}
    with pytest.raises(StudyError, match="lesions is about images, and features is given"):
        prldh.extract(
            {
                "clinical": {"table": "c.csv", "id": "i", "outcome": "o", "event": 1},
                "tissues": {"liver": tissue},
            },
            None,
        )


@pytest.mark.parametrize(("way", "shares"), [(None, [1, 1, 1]), ("largest", [1]), ("three_largest", [4, 8, 12])])
def test_whoever_explains_values_gets_the_cases_as_they_were_measured(tmp_path, way, shares):
    patients = write_patients(tmp_path, 1)
    study = study_of(tmp_path, _cases(patients), _clinical(patients), lesions=way, image_steps=["z_score"])
    settings, folder = read_study(study)
    rows = read_cases(tmp_path / "liver.csv", "liver", "patient_id")
    found = cases_as_measured(settings, folder, rows, is_by_volume=False)
    spacing = np.prod(GRID.spacing_mm)
    assert [share / (spacing if way == "three_largest" else 1) for _, share in found] == pytest.approx(shares)
    table = _extract(study)[1]
    by_hand = [measure(case.image.values, case.masks[0])["mean"] for case, _ in found]
    assert np.average(by_hand, weights=[s for _, s in found]) == pytest.approx(table.loc["P0", "mean"], rel=1e-12)


class Trained(Plain):
    """Was trained on patient P1."""

    name = "trained"

    def trained_on(self, settings):
        return {hashlib.sha256(b"P1").hexdigest()}


def test_a_network_that_saw_the_patient_is_told_of_each_of_his_lesions(tmp_path):
    patients = write_patients(tmp_path)
    cases, clinical = _by_lesion(patients)
    study = study_of(tmp_path, cases, clinical, "lesion_id", patient="who", share_images=True, sources=["trained"])
    tissue = prldh.extract(study, tmp_path / "out", jobs=1, plugins=[Trained()]).images.tissues["liver"]
    (told,) = tissue.blocks(tissue.ids)[1]
    assert told.code == "PRL-035" and "P1-1, P1-2, P1-3" in told.message
    about = json.loads((tmp_path / "out" / "features" / "liver.json").read_text())
    assert about["sources"]["trained"]["trained_on"]["ids"] == ["P1-1", "P1-2", "P1-3"]


def test_whoever_trains_on_images_gets_a_patient_s_lesions_as_one_patient_s(tmp_path):
    patients = write_patients(tmp_path)
    cases, clinical = _by_lesion(patients)
    study, folder = read_study(study_of(tmp_path, cases, clinical, "lesion_id", patient="who", share_images=True))
    rows = read_cases(tmp_path / "liver.csv", "liver", "lesion_id", share_images=True)
    assert [row.patient for row in rows_by_patient(study, folder, rows)] == [p for p in patients for _ in range(3)]

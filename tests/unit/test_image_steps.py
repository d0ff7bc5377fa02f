"""Image steps: SimpleITK's numbers, of one image alone, in order, and part of the key of what is kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from imaging_data import GRID
from lesion_data import Plain, image_of, lesions_of, measure, study_of, write_patients
from pydantic import BaseModel, ConfigDict

import prldh
from prldh.core import Case, DataError, Geometry, PluginError, StudyError, Volume
from prldh.data.imaging import stepping
from prldh.data.imaging.image_steps import IMAGE_STEPS, N4, HistogramEqualisation, ZScore
from prldh.testing import checks_of

sitk = pytest.importorskip("SimpleITK", reason="images need SimpleITK")

SPACED = Geometry((40, 36, 12), (0.8, 0.9, 2.5), (-20.0, 5.0, 30.0), GRID.direction)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path_factory.mktemp("cache")))


def _head(size=SPACED.size) -> np.ndarray:
    """A bright disc in noise (z, y, x), half as bright again at its right."""
    z, y, x = np.ogrid[tuple(slice(0, n) for n in size[::-1])]
    disc = ((y - size[1] / 2) / size[1]) ** 2 + ((x - size[0] / 2) / size[0]) ** 2 < 0.1
    noise = np.random.default_rng(0).normal(30, 5, size[::-1])
    return (noise + 400 * disc * (1 + 0.5 * x / size[0]) + 0 * z).clip(1).astype(np.int16)


def _case(values: np.ndarray, geometry: Geometry = SPACED) -> Case:
    size = values.shape[::-1]
    mask = np.zeros(values.shape, dtype=bool)
    mask[values.shape[0] // 2, values.shape[1] // 2, values.shape[2] // 2] = True
    values.setflags(write=False)
    return Case("P1", "brain", 2, Volume(values, replace(geometry, size=size), "MR"), (mask,))


def _apply(step, values, **settings) -> np.ndarray:
    return step.apply(_case(values), step.Settings(**settings)).image.values


def _as_sitk(values, kind=None):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(SPACED.spacing_mm)
    image.SetOrigin(SPACED.origin_mm)
    image.SetDirection(SPACED.direction)
    return image if kind is None else sitk.Cast(image, kind)


def test_n4_is_simpleitk_s_and_takes_the_field_away():
    values = _head()
    image = _as_sitk(values, sitk.sitkFloat32)
    inside = sitk.OtsuThreshold(image, 0, 1, 200)
    filtering = sitk.N4BiasFieldCorrectionImageFilter()
    filtering.SetNumberOfThreads(1)
    filtering.Execute(sitk.Shrink(image, [4, 4, 3]), sitk.Shrink(inside, [4, 4, 3]))  # of 12 slices 4 are left
    theirs = sitk.GetArrayFromImage(image / sitk.Exp(filtering.GetLogBiasFieldAsImage(image)))
    ours = _apply(N4(), values)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    within = sitk.GetArrayFromImage(inside) == 1
    before, after = (x[within].std() / x[within].mean() for x in (values.astype(float), ours))
    assert after < before / 3
    np.testing.assert_array_equal(ours, _apply(N4(), values))
    assert np.abs(_apply(N4(), values, shrink=1, iterations=[20]) - ours).max() > 0


def test_the_z_score_is_simpleitk_s_and_of_the_foreground_what_it_says():
    values = _head()
    theirs = sitk.GetArrayFromImage(sitk.Normalize(_as_sitk(values, sitk.sitkFloat64)))
    np.testing.assert_allclose(_apply(ZScore(), values), theirs, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(_apply(ZScore(), values, scale=100), 100 * theirs, rtol=1e-9, atol=1e-7)
    inside = sitk.GetArrayFromImage(sitk.OtsuThreshold(_as_sitk(values, sitk.sitkFloat64), 0, 1, 200)) == 1
    of_inside = _apply(ZScore(), values, inside="foreground")[inside]
    assert of_inside.mean() == pytest.approx(0, abs=1e-12) and of_inside.std(ddof=1) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(("radius", "theirs"), [(2, [2, 2, 2]), ([3, 2, 1], [3, 2, 1])])
def test_equalisation_is_simpleitk_s(radius, theirs):
    values = _head()
    expected = sitk.AdaptiveHistogramEqualization(_as_sitk(values, sitk.sitkFloat32), theirs, 0.2, 0.4)
    found = _apply(HistogramEqualisation(), values, alpha=0.2, beta=0.4, radius=radius)
    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(expected))


@pytest.mark.parametrize("step", IMAGE_STEPS, ids=lambda step: step.name)
def test_any_image_is_processed_or_refused_with_a_reason(step):
    """Sizes, types and values as people have them; what is left is finite, of the same size, and of another copy."""
    head = _head((20, 18, 6))
    given = {
        "one slice": head[3:4],
        "one row": head[3:4, 9:10],
        "two slices": head[2:4],
        "sagittal": np.moveaxis(head, 0, 2),
        "tiny": head[:2, 7:9, 7:9],
        "unsigned": head.astype(np.uint8),
        "float": head / np.float32(7),
        "double": head * 1e-12,
        "huge": head * 1e30,
        "hounsfield": head - np.int16(1000),
        "zeros around": np.where(head > 100, head, 0),
        "constant": np.full_like(head, 5),
        "all zero": np.zeros_like(head),
        "two values": (head > 100).astype(np.uint16),
        "one bright voxel": np.eye(1, head.size, 7, dtype=np.int32).reshape(head.shape),
    }
    settings = {"radius": 1} if step.name == "histogram_equalisation" else {}
    refused = {}
    for what, values in given.items():
        values = np.ascontiguousarray(values)
        before = values.copy()
        try:
            found = _apply(step, values, **settings)
        except DataError as error:
            refused[what] = str(error)
            continue
        np.testing.assert_array_equal(values, before)
        assert found.shape == values.shape and np.isfinite(found).all(), what
    assert {"constant", "all zero"} <= set(refused)
    assert ("hounsfield" in refused) == (step.name == "n4")
    assert all(reason.endswith(".") for reason in refused.values())


def test_they_run_in_order_and_a_tissue_s_own_go_before_the_study_s(tmp_path):
    patients = write_patients(tmp_path)
    cases = [{"patient_id": p, "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz", "label": 3} for p in patients]
    clinical = [{"patient_id": p, "event": i % 2} for i, p in enumerate(patients)]
    steps = [{"histogram_equalisation": {"radius": 1}}, {"z_score": {"scale": 10}}]
    study = study_of(tmp_path, cases, clinical, image_steps=steps)
    done = prldh.extract(study, tmp_path / "out", jobs=1, plugins=[Plain()])
    for i, patient in enumerate(patients):
        case = _case(image_of(i), GRID)
        case = HistogramEqualisation().apply(case, HistogramEqualisation.Settings(radius=1))
        values = ZScore().apply(case, ZScore.Settings(scale=10)).image.values
        assert done.tables["liver"][0].loc[patient].to_dict() == measure(values, lesions_of(i, 3) == 3)
    about = json.loads((tmp_path / "out" / "features" / "liver.json").read_text())
    assert [(s["name"], s["ibsi_item"]) for s in about["image_steps"]] == [
        ("histogram_equalisation", "47"),
        ("z_score", "46"),
    ]
    assert about["image_steps"][0]["settings"] == {"alpha": 0.3, "beta": 0.3, "radius": 1}
    study["tissues"]["liver"]["image_steps"] = []
    raw = prldh.extract(study, None, jobs=1, plugins=[Plain()])
    assert raw.tables["liver"][0].loc["P0"].to_dict() == measure(image_of(0), lesions_of(0, 3) == 3)


def test_another_step_or_setting_measures_again_and_the_same_does_not(tmp_path, monkeypatch):
    patients = write_patients(tmp_path, 2)
    cases = [{"patient_id": p, "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz", "label": 3} for p in patients]
    clinical = [{"patient_id": p, "event": i % 2} for i, p in enumerate(patients)]

    def n_computed(*steps):
        study = study_of(tmp_path, cases, clinical, image_steps=list(steps))
        done = prldh.extract(study, None, jobs=1, plugins=[Plain()])
        return sum(r.n_computed for r in done.images.tissues["liver"].results)

    assert [n_computed(), n_computed()] == [2, 0]
    assert [n_computed("z_score"), n_computed("z_score"), n_computed()] == [2, 0, 0]
    assert [n_computed({"z_score": {"scale": 2}}), n_computed({"z_score": {}})] == [2, 0]
    equalised = {"histogram_equalisation": {"radius": 1}}
    assert [n_computed(equalised, "z_score"), n_computed("z_score", equalised)] == [2, 2]
    monkeypatch.setattr(ZScore, "version", "2")
    assert n_computed("z_score") == 2
    monkeypatch.setattr(ZScore, "fingerprint", lambda self, settings: "another library")
    assert [n_computed("z_score"), n_computed("z_score")] == [2, 0]


def test_lesions_of_one_image_are_processed_once(tmp_path, monkeypatch):
    patients = write_patients(tmp_path, 2)
    cases = [
        {"patient_id": p, "lesion": k, "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz", "label": k}
        for k in (1, 2, 3)
        for p in patients
    ]
    clinical = [{"patient_id": p, "event": i % 2} for i, p in enumerate(patients)]
    calls = []
    plainly = ZScore.apply
    monkeypatch.setattr(ZScore, "apply", lambda self, *given: calls.append(1) or plainly(self, *given))
    monkeypatch.setattr(stepping, "_LAST", stepping.LastImage())
    study = study_of(tmp_path, cases, clinical, image_steps=["z_score"], lesions="largest")
    found = prldh.extract(study, None, jobs=1, plugins=[Plain()]).tables["liver"][0]
    assert len(calls) == 2
    values = _apply(ZScore(), image_of(1))
    assert found.loc["P1"].to_dict() == measure(values, lesions_of(1, 3) == 3)


class NoSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Odd:
    """An image step that gives what it is told to give."""

    name, version, Settings = "odd", "1", NoSettings

    def __init__(self, give):
        self.give = give

    def apply(self, case, settings):
        return self.give(case)


def _with_image(case, **changes):
    return replace(case, image=replace(case.image, **changes))


@pytest.mark.parametrize(
    ("give", "expected"),
    [
        (lambda case: None, "gives NoneType in place of a case"),
        (lambda case: _with_image(case, values=case.image.values.tolist()), "no array of numbers"),
        (lambda case: _with_image(case, values=case.image.values[1:]), "and a geometry of"),
        (lambda case: replace(case, masks=()), "gives 0 masks for 1"),
        (lambda case: replace(case, masks=(case.masks[0].astype(int),)), "no boolean array"),
    ],
)
def test_a_strange_answer_names_the_step(tmp_path, give, expected):
    with pytest.raises(PluginError, match=f"the image step 'odd' .*{expected}"):
        _extract_odd(tmp_path, give)


@pytest.mark.parametrize(
    ("give", "expected"),
    [
        (lambda case: _with_image(case, values=case.image.values * np.nan), "leaves voxels that are NaN or infinite"),
        (lambda case: replace(case, masks=(case.masks[0] & False,)), "leaves nothing of a mask"),
        (lambda case: 1 / 0, "failed on it: ZeroDivisionError"),
    ],
)
def test_what_befalls_one_image_puts_that_case_aside(tmp_path, give, expected):
    def of_the_first(case):
        return give(case) if case.patient == "P0" else case

    done = _extract_odd(tmp_path, of_the_first)
    ((patient, reason),) = done.images.tissues["liver"].aside
    assert patient == "P0" and f"the image step 'odd' {expected}" in reason and len(done.tables["liver"][0]) == 1


def _extract_odd(folder, give):
    patients = write_patients(folder, 2)
    cases = [{"patient_id": p, "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz", "label": 3} for p in patients]
    clinical = [{"patient_id": p, "event": i % 2} for i, p in enumerate(patients)]
    study = study_of(folder, cases, clinical, image_steps=["odd"])
    return prldh.extract(study, None, jobs=1, plugins=[Plain(), Odd(give)])


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["zscore"], "image_steps: there is no image step 'zscore'.*Did you mean 'z_score'"),
        ([{"n4": {"shrik": 2}}], "image_steps.n4: unknown key 'shrik'; did you mean 'shrink'"),
        ([{"n4": {"shrink": 0}}], "image_steps.n4: shrink: .*at least 1"),
        ([{"z_score": {"inside": "mask"}}], "image_steps.z_score: inside: .*'image' or 'foreground'"),
        ([{"z_score": {"scale": float("inf")}}], "image_steps.z_score: scale: .*finite"),
        ([{"n4": {"iterations": [50] * 40}}], "image_steps.n4: iterations: .*at most 8"),
        ([{"histogram_equalisation": {"radius": 10**9}}], "image_steps.histogram_equalisation: radius"),
        (["z_score", "z_score"], "'z_score' stands there twice"),
        ([{"histogram_equalisation": {"alpha": 1.5}}], "alpha"),
    ],
)
def test_what_is_wrong_in_the_study_file_is_told(tmp_path, steps, expected):
    pd.DataFrame({"patient_id": ["a"], "image": ["i.nii"], "mask": ["m.nii"]}).to_csv(tmp_path / "liver.csv")
    study = study_of(tmp_path, [{"patient_id": "a", "image": "i.nii", "mask": "m.nii"}], [{"patient_id": "a"}])
    study["image_steps"] = steps
    with pytest.raises((StudyError, PluginError), match=expected):
        prldh.extract(study, None, jobs=1, plugins=[Plain()])


_NEAR_LIMIT = np.random.default_rng(0).integers(2**31 - 50, 2**31 - 1, SPACED.size[::-1]).astype(np.int32)
_TWO_VALUES = np.where(_head() > 200, 32767, -32768).astype(np.int16)


@pytest.mark.parametrize(
    ("step", "values", "expected"),
    [
        (N4(), _NEAR_LIMIT, "single precision"),
        (HistogramEqualisation(), _NEAR_LIMIT, "single precision"),
        (N4(), _head() * 1e300, "single precision"),
        (N4(), _TWO_VALUES, "foreground has one value"),
        (N4(), np.ones(SPACED.size[::-1]), "the image has one value"),
        (ZScore(), _head() * 1e200, "SD no number holds"),
    ],
)
def test_what_a_step_cannot_take_is_refused_for_its_true_reason(step, values, expected):
    with pytest.raises(DataError, match=expected):
        _apply(step, values)


@pytest.mark.parametrize("step", IMAGE_STEPS, ids=lambda step: step.name)
def test_built_in_steps_keep_what_plugins_promise(step):
    raw = {"radius": 1} if step.name == "histogram_equalisation" else None
    for check in checks_of(step, raw):
        check()


def test_the_kit_finds_a_step_that_remembers():
    seen = []

    def remembers(case):
        seen.append(1)
        return _with_image(case, values=case.image.values + len(seen))

    broken = {}
    for check in checks_of(Odd(remembers)):
        try:
            check()
        except AssertionError as failure:
            broken[check.promise] = str(failure)
    assert "depends on nothing but the case and its settings" in broken


class Binned(Plain):
    """Says the range of a region's intensities, and its bin width, as a program with bins does."""

    def extract(self, case, settings):
        return tuple({"range": float(np.ptp(case.image.values[mask]))} for mask in case.masks)

    def describe(self, names, settings):
        return {name: {"unit": "1", "ibsi": "2OJQ", "family": "plain", "image_type": "original"} for name in names}

    def metadata(self, settings):
        return {"setting": {"binWidth": 25.0}}


@pytest.mark.parametrize(
    ("steps", "codes"), [([], []), (["z_score"], ["PRL-203"]), ([{"z_score": {"scale": 100}}], [])]
)
def test_bins_that_are_wide_for_what_a_step_left_are_told(tmp_path, steps, codes):
    patients = write_patients(tmp_path, 2)
    cases = [{"patient_id": p, "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz"} for p in patients]
    clinical = [{"patient_id": p, "event": i % 2} for i, p in enumerate(patients)]
    done = prldh.extract(study_of(tmp_path, cases, clinical, image_steps=steps), None, jobs=1, plugins=[Binned()])
    assert [w.code for w in done.images.warnings] == codes

"""What the checks find before anything is computed."""

from __future__ import annotations

import gzip
import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.data.imaging.check import Finding, check_cases
from prldh.study.imaging import ReadSettings

#: So that the data's 2.5 mm slices are no finding of their own.
SETTINGS = ReadSettings(anisotropy=5)


def _kinds(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(f.patient, f.severity, f.kind) for f in findings]


@pytest.fixture
def image(tmp_path) -> Path:
    return data.write(tmp_path / "image.nii.gz", data.values())


@pytest.fixture
def mask(tmp_path) -> Path:
    return data.write(tmp_path / "mask.nii.gz", data.box())


def test_nothing_is_found_where_all_is_well(image, mask):
    assert check_cases([data.row(image, mask, label=1), data.row(image, mask, label=2, line=3)], SETTINGS) == []


def test_every_problem_of_a_case_is_told_at_once_and_the_rest_goes_on(tmp_path, image, mask):
    rows = [
        data.row(tmp_path / "none.nii", tmp_path / "nor this.nii", patient="A", line=2),
        data.row(image, tmp_path / "absent.nii", mask, label=7, patient="B", line=3),
        data.row(image, mask, label=1, patient="B", line=4),
    ]
    findings = check_cases(rows, SETTINGS)
    assert _kinds(findings) == [("A", "refused", "missing_file")] * 2 + [
        ("B", "refused", "missing_file"),
        ("B", "refused", "absent_label"),
    ]
    assert "nor this.nii" in findings[1].message and [f.line for f in findings] == [2, 2, 3, 3]


def test_border_one_slice_several_labels_and_equal_readers_only_warn(tmp_path, image):
    array = np.zeros_like(data.box())
    array[0, 2:5, 9:12] = 1
    thin = data.write(tmp_path / "thin.nii.gz", array)
    findings = check_cases([data.row(image, thin, thin)], SETTINGS)
    assert {f.severity for f in findings} == {"warning"}
    assert sorted({f.kind for f in findings}) == ["border", "equal_readers", "one_slice"]
    assert next(f.message for f in findings if f.kind == "border").count("the last in x, the first in z") == 1
    assert "(in z)" in next(f.message for f in findings if f.kind == "one_slice")
    (several,) = check_cases([data.row(image, data.write(tmp_path / "m.nii.gz", data.box()))], SETTINGS)
    assert several.kind == "several_labels" and several.severity == "warning" and "1, 2" in several.message


def test_an_image_of_one_slice_has_no_border_across_it(tmp_path):
    grid = replace(data.GRID, size=(12, 10, 1))
    image = data.write(tmp_path / "i.nii", data.values(size=grid.size), grid)
    mask = data.write(tmp_path / "m.nii", data.box()[2:3], grid)
    assert [f.kind for f in check_cases([data.row(image, mask, label=1)], SETTINGS)] == ["one_slice"]


def test_anisotropy_is_a_setting(image, mask):
    rows = [data.row(image, mask, label=1)]
    (found,) = check_cases(rows)
    assert (
        (found.severity, found.kind) == ("warning", "anisotropy")
        and "3.12 times" in found.message
        and "0.8 x 0.9 x 2.5" in found.message
    )
    assert check_cases(rows, ReadSettings(anisotropy=3.2)) == []


def test_refusals_are_those_of_reading(tmp_path, image, mask):
    far = data.write(tmp_path / "far.nii.gz", data.box(), replace(data.GRID, origin_mm=(900.0, 0.0, 0.0)))
    flat = data.write(tmp_path / "empty.nii.gz", np.zeros_like(data.box()))
    bad = data.values().astype(np.float32)
    bad[0, 0, 0] = np.nan
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nxxxxxxxx")
    rows = [
        data.row(image, far),
        data.row(image, flat, line=3),
        data.row(data.write(tmp_path / "nan.nii", bad), mask, label=1, line=4),
        data.row(tmp_path / "a.png", mask, line=5),
        data.row(image, mask, segment="L4", line=6),
    ]
    assert [(f.line, f.kind) for f in check_cases(rows, SETTINGS) if f.severity == "refused"] == [
        (2, "another_patient"),
        (3, "empty_mask"),
        (4, "not_finite"),
        (5, "no_volume"),
        (6, "absent_label"),
    ]


def test_a_mask_on_another_grid_is_warned_about_and_one_with_flipped_axes_not_even_that(tmp_path, image):
    import SimpleITK as sitk

    plain = sitk.ReadImage(str(data.write(tmp_path / "m.nii", (data.box() == 1).astype(np.uint8))))
    flipped = data.write_from(tmp_path / "flipped.nii", sitk.Flip(plain, [True, True, False]))
    assert check_cases([data.row(image, flipped)], SETTINGS) == []
    fine = data.write_from(tmp_path / "fine.nii", sitk.Expand(plain, [2, 2, 1], sitk.sitkNearestNeighbor))
    (found,) = check_cases([data.row(image, fine)], SETTINGS)
    assert (found.severity, found.kind) == ("warning", "geometry") and "nearest neighbour" in found.message


# ---------------------------------------------------------------- images among each other


def test_the_same_image_for_two_patients(tmp_path, image, mask):
    """By path, by content under another name and packed anew, but not for two rows of one patient or by chance of equal
    size."""
    again = tmp_path / "again.nii.gz"
    with gzip.open(image) as file, gzip.GzipFile(again, "wb", compresslevel=1, mtime=7) as packed:
        packed.write(file.read())
    other = data.write(tmp_path / "other.nii.gz", data.values(5))
    rows = [
        data.row(image, mask, label=1, patient="A"),
        data.row(image, mask, label=2, patient="A", line=3),
        data.row(again, mask, label=1, patient="B", line=4),
        data.row(other, mask, label=1, patient="C", line=5),
        data.row(image, mask, label=1, patient="D", line=6),
    ]
    findings = check_cases(rows, SETTINGS)
    assert _kinds(findings) == [(p, "refused", "duplicate_image") for p in ("A", "A", "B", "D")]
    assert "patient A, D" in findings[2].message
    plain = [data.write(tmp_path / f"{i}.mha", data.values(i // 2)) for i in range(4)]
    findings = check_cases(
        [data.row(p, mask, label=1, patient=f"P{i}", line=i) for i, p in enumerate(plain, 2)], SETTINGS
    )
    assert [(f.patient, f.kind) for f in findings] == [
        (f"P{i}", "duplicate_image") for i in range(2, 6)
    ] and "P3" in findings[0].message


def test_a_dicom_series_under_another_name_and_uid_is_the_same_image(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        data.write_series(tmp_path / name, data.values(seed), patient=name)
        data.write_series(tmp_path / f"{name}m", data.box().astype(np.int16), patient=name)
    rows = [
        data.row(tmp_path / n, tmp_path / f"{n}m", label=1, patient=f"P{n}", line=i) for i, n in enumerate("abc", 2)
    ]
    assert [(f.patient, f.kind) for f in check_cases(rows, SETTINGS) if f.severity == "refused"] == [
        ("Pa", "duplicate_image"),
        ("Pb", "duplicate_image"),
    ]


def test_mixed_spacings_and_modalities_are_said_of_the_tissue(tmp_path):
    rows = []
    for i, (modality, thickness) in enumerate((("CT", 2.5), ("MR", 2.5), ("MR", 3.0))):
        grid = replace(data.GRID, spacing_mm=(0.8, 0.9, thickness))
        data.write_series(tmp_path / f"{i}", data.values(i), grid, modality=modality)
        data.write_series(tmp_path / f"m{i}", data.box().astype(np.int16), grid)
        rows.append(data.row(tmp_path / f"{i}", tmp_path / f"m{i}", label=1, patient=f"P{i}", line=i + 2))
    findings = [f for f in check_cases(rows, SETTINGS) if f.line == 0]
    assert [(f.patient, f.tissue, f.severity, f.kind) for f in findings] == [
        ("", "disc", "warning", "mixed_modalities"),
        ("", "disc", "warning", "mixed_spacings"),
    ]
    assert "MR in 2, CT in 1" in findings[0].message and "0.8, 0.9, 2.5-3 mm" in findings[1].message
    assert [f for f in check_cases(rows[:1], SETTINGS) if f.line == 0] == []


# ---------------------------------------------------------------- privacy


def test_identifying_fields_are_told_by_name_and_never_by_value(tmp_path):
    data.write_series(tmp_path / "s", data.values())
    data.write_series(tmp_path / "m", data.box().astype(np.int16))
    (found,) = check_cases([data.row(tmp_path / "s", tmp_path / "m", label=1)], SETTINGS)
    assert (found.severity, found.kind) == ("note", "identifying")
    assert "PatientName" in found.message and "PatientBirthDate" in found.message
    for secret in (data.NAME, data.HOSPITAL_ID, data.BIRTH):
        assert secret not in str(astuple(found))


def test_a_table_whose_ids_are_the_hospital_s_is_warned_about(tmp_path):
    import pydicom

    files = data.write_series(tmp_path / "s", data.values())
    data.write_series(tmp_path / "m", data.box().astype(np.int16))
    rows = [data.row(tmp_path / "s", tmp_path / "m", label=1, patient=data.HOSPITAL_ID)]
    (warned,) = [f for f in check_cases(rows, SETTINGS) if f.severity == "warning"]
    assert warned.kind == "identifying" and "pseudonym" in warned.message and data.HOSPITAL_ID not in warned.message
    for file in files:
        one = pydicom.dcmread(file)
        one.PatientIdentityRemoved = "YES"
        one.save_as(file)
    assert [f for f in check_cases(rows, SETTINGS) if f.severity == "warning"] == []


# ---------------------------------------------------------------- as a whole


def test_processes_find_the_same_and_say_how_far_they_are(tmp_path, image, mask):
    rows = [data.row(image, mask, label=k, patient="A", line=k) for k in (2, 3, 1, 9)]
    done: list[int] = []
    assert check_cases(rows, SETTINGS, jobs=2, progress=done.append) == check_cases(rows, SETTINGS) and done == [
        1,
        2,
        3,
        4,
    ]
    assert check_cases([], SETTINGS) == []


def test_a_library_that_fails_in_its_own_way_does_not_end_the_check(monkeypatch, image, mask):
    import prldh.data.imaging.check as check

    def fail(*arguments):
        raise ZeroDivisionError(data.NAME)

    monkeypatch.setattr(check, "fit_mask", fail)
    (found,) = check_cases([data.row(image, mask)], SETTINGS)
    assert found.severity == "refused" and "ZeroDivisionError" in found.message and data.NAME not in found.message


def test_missing_libraries_are_told_with_the_line_that_mends_it(monkeypatch, image, mask):
    import importlib.util

    from prldh.core.errors import PluginError
    from prldh.data.imaging.read import need_libraries

    need_libraries.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match=r"SimpleITK, pydicom,.*pip install 'prldh\[images\]'"):
        check_cases([data.row(image, mask)], SETTINGS)


def test_reading_modules_import_without_the_libraries():
    """The core reads no image, and starts quickly where they are not installed."""
    import subprocess

    code = (
        "import sys; import prldh.data.imaging.check, prldh.data.imaging.cases;"
        " print([m for m in ('SimpleITK', 'pydicom', 'highdicom') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )

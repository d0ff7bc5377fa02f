"""Images in every format come out the same."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.read import files_of, read_header, read_image
from prldh.data.imaging.refusal import CaseRefused
from prldh.study.imaging import ReadSettings


def _same_geometry(found, wanted, atol=1e-4) -> bool:
    return found.size == wanted.size and np.allclose(to_mm(found), to_mm(wanted), atol=atol)


@pytest.mark.parametrize("grid", [data.GRID, data.SAGITTAL], ids=["axial", "sagittal"])
@pytest.mark.parametrize("name", ["größe 1.nii", "a b.nii.gz", "a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
def test_values_and_geometry_of_each_format(tmp_path, name, grid):
    folder = tmp_path / "Ordner mit Ü"
    folder.mkdir()
    path = data.write(folder / name, data.values(), grid)
    image = read_image(path)
    assert image.values.dtype == np.int16 and np.array_equal(image.values, data.values())
    assert _same_geometry(image.geometry, grid) and image.modality is None
    assert len(files_of(path)) == (2 if name.endswith(("hdr", "mhd")) else 1)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int32, np.float32, np.float64])
def test_the_type_stays_as_it_is_stored(tmp_path, kind):
    array = np.abs(data.values()) % 100
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        found = read_image(data.write(tmp_path / name, array.astype(kind))).values
        assert found.dtype == kind and np.array_equal(found, array)


def test_a_big_endian_header_is_read(tmp_path):
    import struct

    one = data.write(tmp_path / "a.nii", data.values()).read_bytes()
    big = bytearray(one)
    for form, at in [
        ("i", 0),
        ("8h", 40),
        ("h", 70),
        ("h", 72),
        ("8f", 76),
        ("3f", 108),
        ("h", 252),
        ("h", 254),
        ("6f", 256),
        ("12f", 280),
    ]:
        struct.pack_into(">" + form, big, at, *struct.unpack_from("<" + form, one, at))
    big[123] = one[123]
    (tmp_path / "big.nii").write_bytes(bytes(big[:352]) + np.frombuffer(one[352:], "<i2").astype(">i2").tobytes())
    image = read_image(tmp_path / "big.nii")
    assert np.array_equal(image.values, data.values()) and _same_geometry(image.geometry, data.GRID)


def test_a_fourth_axis_of_length_one_is_no_axis(tmp_path):
    import SimpleITK as sitk

    image = sitk.JoinSeries([sitk.GetImageFromArray(data.values())])
    sitk.WriteImage(image, str(tmp_path / "a.nii"))
    assert np.array_equal(read_image(tmp_path / "a.nii").values, data.values())


def test_slope_and_intercept_of_nifti_count(tmp_path):
    import struct

    path = data.write(tmp_path / "a.nii", data.values())
    content = bytearray(path.read_bytes())
    struct.pack_into("<2f", content, 112, 0.5, 10)
    path.write_bytes(content)
    assert np.allclose(read_image(path).values, data.values() * 0.5 + 10)


def test_the_same_image_is_decoded_once(tmp_path):
    path = data.write(tmp_path / "a.nii.gz", data.values())
    first = read_image(path)
    assert read_image(path).values is first.values and not first.values.flags.writeable
    data.write(path, data.values(1))
    assert np.array_equal(read_image(path).values, data.values(1))


# ---------------------------------------------------------------- DICOM series


@pytest.mark.parametrize("grid", [data.GRID, data.SAGITTAL], ids=["axial", "sagittal"])
def test_a_series_is_put_in_order_by_place(tmp_path, grid):
    files = data.write_series(tmp_path / "Serie ä", data.values(), grid)
    (tmp_path / "Serie ä" / "readme.txt").write_text("not DICOM")
    image = read_image(tmp_path / "Serie ä")
    assert (
        np.array_equal(image.values, data.values()) and _same_geometry(image.geometry, grid) and image.modality == "MR"
    )
    one = read_image(files[3])
    assert np.array_equal(one.values, data.values()), "a file of the series stands for the series"
    assert set(files_of(files[3])) == set(files)


def test_slope_and_intercept_of_each_slice_count(tmp_path):
    array = np.abs(data.values()).astype(np.uint16)
    slopes = [1, 0.5, 2.25, 1, 3, 0.125]  # as in PET; read by the first file's type, halves would be cut off
    data.write_series(tmp_path / "s", array, slopes=slopes, intercept=-7.5)
    assert np.allclose(read_image(tmp_path / "s").values, array * np.reshape(slopes, (-1, 1, 1)) - 7.5, rtol=1e-12)


def test_unsigned_values_with_an_intercept_become_negative(tmp_path):
    array = np.abs(data.values()).astype(np.uint16)
    data.write_series(tmp_path / "s", array, slopes=[1] * 6, intercept=-1024, modality="CT")
    image = read_image(tmp_path / "s")
    assert (
        np.array_equal(image.values, array.astype(int) - 1024)
        and image.modality == "CT"
        and image.values.dtype.kind == "i"
    )


def test_compressed_series_are_decoded(tmp_path):
    import pydicom

    for path in data.write_series(tmp_path / "s", data.values()):
        one = pydicom.dcmread(path)
        one.compress(pydicom.uid.RLELossless)
        one.save_as(path)
    assert np.array_equal(read_image(tmp_path / "s").values, data.values())
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(CaseRefused, match="cannot be decoded|damaged"):
        read_image(tmp_path / "s")


def test_several_series_are_told_apart_by_uid_or_refused_with_the_list(tmp_path):
    data.write_series(tmp_path, data.values(1), uid="1.2.3.1", prefix="a")
    data.write_series(tmp_path, data.values(2), uid="1.2.3.2", prefix="b", modality="CT")
    with pytest.raises(CaseRefused) as caught:
        read_header(tmp_path)
    message = str(caught.value)
    assert "1.2.3.1 (MR, 6 slices)" in message and "1.2.3.2 (CT, 6 slices)" in message and "folder#UID" in message
    assert caught.value.kind == "several_series"
    assert np.array_equal(read_image(Path(f"{tmp_path}#1.2.3.2")).values, data.values(2))
    assert np.array_equal(read_image(next(tmp_path.glob("a*"))).values, data.values(1))
    with pytest.raises(CaseRefused, match=r"no series 1\.2\.9.*1\.2\.3\.1"):
        read_header(Path(f"{tmp_path}#1.2.9"))


def test_a_missing_slice_is_found(tmp_path):
    data.write_series(tmp_path / "s", data.values(), leave_out=(3,))
    with pytest.raises(CaseRefused, match="2.5 mm apart mostly, 5 mm between slices 3 and 4 of 5") as caught:
        read_header(tmp_path / "s")
    assert caught.value.kind == "missing_slice"


def test_a_doubled_slice_is_found(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    shutil.copy(files[2], tmp_path / "s" / "copy.dcm")
    with pytest.raises(CaseRefused, match=r"1 slice\(s\) at the place of another"):
        read_header(tmp_path / "s")


def test_a_tilted_gantry_is_refused(tmp_path):
    data.write_series(tmp_path / "s", data.values(), tilt=0.4)
    with pytest.raises(CaseRefused, match="tilted gantry") as caught:
        read_header(tmp_path / "s")
    assert caught.value.kind == "tilted"


def test_a_localiser_among_the_slices_is_refused(tmp_path):
    data.write_series(tmp_path / "s", data.values(), uid="1.2.3")
    data.write_series(
        tmp_path / "s", data.values(), data.SAGITTAL, uid="1.2.3", prefix="loc", leave_out=(1, 2, 3, 4, 5)
    )
    with pytest.raises(CaseRefused, match="several orientations"):
        read_header(tmp_path / "s")


def test_many_frames_in_one_file(tmp_path):
    """Enhanced DICOM comes out as the series that it was made of."""
    hd = pytest.importorskip("highdicom")
    import pydicom

    array = np.abs(data.values()).astype(np.uint16)
    files = data.write_series(tmp_path / "s", array, slopes=[2] * 6, intercept=-5)
    sources = [pydicom.dcmread(f) for f in files]
    for one in sources:
        one.FrameOfReferenceUID, one.ImageType = "1.2.3.4", ["ORIGINAL", "PRIMARY", "OTHER"]
    many = hd.legacy.LegacyConvertedEnhancedMRImage(sources, hd.UID(), 1, hd.UID(), 1)
    path = tmp_path / "many.dcm"
    many.save_as(path)
    image = read_image(path)
    assert (
        np.array_equal(image.values, array * 2.0 - 5)
        and _same_geometry(image.geometry, data.GRID)
        and image.modality == "MR"
    )


def test_a_header_is_read_once_while_its_files_stay_as_they_are(tmp_path, monkeypatch):
    from prldh.data.imaging import read

    calls = []
    whole = read.read_series_header
    monkeypatch.setattr(read, "read_series_header", lambda path, settings: calls.append(path) or whole(path, settings))
    files = data.write_series(tmp_path / "series", data.values(), uid="1.2.3")
    assert read_header(tmp_path / "series") is read_header(tmp_path / "series") and len(calls) == 1
    files[2].unlink()
    with pytest.raises(CaseRefused):
        read_header(tmp_path / "series")
    data.write_series(tmp_path / "series", data.values(1), uid="1.2.3")
    assert np.array_equal(read_image(tmp_path / "series").values, data.values(1)) and len(calls) == 3


def test_the_page_of_images_names_every_setting_with_its_default():
    page = (Path(__file__).parents[2] / "docs" / "images.md").read_text(encoding="utf-8")
    rows = dict(
        line.strip("| ").split(" | ", 1) for line in page.splitlines() if line.startswith("| `") and " | " in line
    )
    told = {key.strip("`"): text.rsplit(" | ", 1)[-1].strip("` ") for key, text in rows.items()}
    settings = {name: field.default for name, field in ReadSettings.model_fields.items()}
    assert {name: told.get(name) for name in settings} == {
        name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in settings.items()
    }

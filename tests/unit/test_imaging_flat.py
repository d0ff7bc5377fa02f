"""Images of one plane: NIfTI, NRRD and MetaImage of two axes, pictures, radiographs, ultrasound."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.data.imaging.check import check_cases
from prldh.data.imaging.read import load_case, read_header, read_image
from prldh.data.imaging.refusal import CaseRefused

PLANE, MASK = data.values()[2], data.box()[2]


def _write(path: Path, array: np.ndarray, spacing=(0.4, 0.5)) -> Path:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((-7.0, 3.0))
    sitk.WriteImage(image, str(path))
    return path


def _picture(path: Path, array: np.ndarray) -> Path:
    from PIL import Image

    Image.fromarray(array).save(path)
    return path


def _dicom(path: Path, array: np.ndarray, modality: str, **fields: object) -> Path:
    """A file of one plane without position or orientation."""
    import pydicom

    (file,) = data.write_series(
        path.parent / f"{path.stem} made", array[None] if array.ndim == 2 else array[None, ..., 0]
    )
    one = pydicom.dcmread(file)
    for name in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceThickness",
        "FrameOfReferenceUID",
    ):
        delattr(one, name)
    one.Modality = modality
    if array.ndim == 3:
        one.SamplesPerPixel, one.PhotometricInterpretation, one.PlanarConfiguration = 3, "RGB", 0
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 8, 8, 7, 0
        one.PixelData = array.tobytes()
    for name, value in fields.items():
        setattr(one, name, value)
    one.save_as(path)
    return path


@pytest.mark.parametrize("name", ["i.nii", "i.nii.gz", "i.nrrd", "i.mha"])
def test_two_axes(tmp_path, name):
    image = _write(tmp_path / name, PLANE)
    mask = _write(tmp_path / f"m{name}", MASK)
    case = load_case(data.row(image, mask, label=1))
    assert case.image.is_flat and np.array_equal(case.image.values, PLANE[None])
    assert np.array_equal(case.masks[0], MASK[None] == 1)
    assert np.allclose(case.image.geometry.spacing_mm, (0.4, 0.5, 1.0))
    kinds = [f.kind for f in check_cases([data.row(image, mask, label=1)])]
    assert kinds == ["flat"]
    assert not read_image(data.write(tmp_path / "v.nii", data.values()[2:3])).is_flat  # a volume of one slice says more


def test_nan_in_a_plane_is_found(tmp_path):
    array = PLANE.astype(np.float32)
    array[3, 4] = np.nan
    with pytest.raises(CaseRefused, match=r"1 voxel\(s\) that are NaN .* at \(4, 3, 0\)"):
        read_image(_write(tmp_path / "i.nii", array))


@pytest.mark.parametrize("ending", ["png", "tif", "bmp"])
def test_pictures_in_grey(tmp_path, ending):
    grey = (PLANE % 256).astype(np.uint8)
    image, mask = _picture(tmp_path / f"i.{ending}", grey), _picture(tmp_path / "m.png", (MASK == 1) * np.uint8(255))
    case = load_case(data.row(image, mask))
    assert np.array_equal(case.image.values[0], grey) and case.image.values.dtype == np.uint8
    assert np.array_equal(case.masks[0][0], MASK == 1)
    said = {f.kind: f for f in check_cases([data.row(image, mask)])}
    assert set(said) == {"flat", "no_size"} and "in pixels" in said["no_size"].message


def test_16_bits_and_grey_that_is_stored_as_colour(tmp_path):
    wide = (PLANE.astype(np.int32) + 1000).astype(np.uint16)
    assert np.array_equal(read_image(_picture(tmp_path / "w.png", wide)).values[0], wide)
    grey = (PLANE % 256).astype(np.uint8)
    opaque = np.dstack([grey] * 3 + [np.full_like(grey, 255)])
    assert np.array_equal(read_image(_picture(tmp_path / "g.png", opaque)).values[0], grey)
    opaque[4, 4, 0] ^= 8
    with pytest.raises(CaseRefused, match="is in colour") as caught:
        read_image(_picture(tmp_path / "c.png", opaque))
    assert caught.value.kind == "no_volume"
    mask = _picture(tmp_path / "m.png", (MASK == 1) * np.uint8(255))
    refused = [f for f in check_cases([data.row(tmp_path / "c.png", mask)]) if f.severity == "refused"]
    assert "is in colour" in refused[0].message


def test_a_damaged_picture_is_found_by_the_checks(tmp_path):
    grey = (PLANE % 256).astype(np.uint8)
    mask = _picture(tmp_path / "m.png", (MASK == 1) * np.uint8(255))
    whole = _picture(tmp_path / "a.png", grey).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    none = bytearray(_picture(tmp_path / "b.bmp", grey).read_bytes())
    none[22:26] = bytes(4)  # no rows
    (tmp_path / "none.bmp").write_bytes(none)
    for name in ("cut.png", "none.bmp"):
        (refused,) = [f for f in check_cases([data.row(tmp_path / name, mask)]) if f.severity == "refused"]
        assert "cannot be read as a picture" in refused.message and refused.kind == "no_volume"


def test_a_mask_of_other_pixels_is_refused(tmp_path):
    image = _picture(tmp_path / "i.png", (PLANE % 256).astype(np.uint8))
    mask = _picture(tmp_path / "m.png", (MASK[:-1] == 1) * np.uint8(255))
    with pytest.raises(CaseRefused, match="12 x 9 and 12 x 10 pixels") as caught:
        load_case(data.row(image, mask))
    assert caught.value.kind == "geometry"


@pytest.mark.parametrize(
    ("modality", "fields", "spacing"),
    [
        ("DX", {"PixelSpacing": [0.2, 0.1]}, (0.1, 0.2)),
        ("DX", {"ImagerPixelSpacing": [0.3, 0.3], "EstimatedRadiographicMagnificationFactor": 1.5}, (0.2, 0.2)),
        ("MG", {"ImagerPixelSpacing": [0.07, 0.07]}, (0.07, 0.07)),
        ("US", {"SequenceOfUltrasoundRegions": [(3, 3, 0.012, 0.011)]}, (0.12, 0.11)),
        ("US", {"SequenceOfUltrasoundRegions": [(3, 3, 0.01, -0.01), (4, 5, 1, 1)]}, (0.1, 0.1)),
        ("US", {"SequenceOfUltrasoundRegions": [(3, 3, 0.01, 0.01), (3, 3, 0.02, 0.02)]}, None),
        ("US", {}, None),
    ],
)
def test_radiographs_and_ultrasound(tmp_path, modality, fields, spacing):
    import pydicom

    regions = []
    for x_unit, y_unit, x, y in fields.get("SequenceOfUltrasoundRegions", ()):
        region = pydicom.Dataset()
        region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = x_unit, y_unit
        region.PhysicalDeltaX, region.PhysicalDeltaY = x, y
        regions.append(region)
    told = fields | ({"SequenceOfUltrasoundRegions": regions} if regions else {})
    image = _dicom(tmp_path / "i.dcm", PLANE, modality, RescaleSlope=2, RescaleIntercept=-5, **told)
    mask = _picture(tmp_path / "m.png", (MASK == 1) * np.uint8(255))
    case = load_case(data.row(image, mask))
    assert np.array_equal(case.image.values[0], PLANE * 2.0 - 5) and case.image.modality == modality
    assert np.array_equal(case.masks[0][0], MASK == 1)
    assert np.allclose(case.image.geometry.spacing_mm[:2], spacing or (1, 1))
    assert ("no_size" in {f.kind for f in check_cases([data.row(image, mask)])}) == (spacing is None)
    volume = data.write(tmp_path / "m.nii.gz", (MASK == 1)[None].astype(np.uint8))  # of one slice, lying elsewhere
    assert np.array_equal(load_case(data.row(image, volume)).masks[0][0], MASK == 1)
    assert "pixel by pixel" in " ".join(f.message for f in check_cases([data.row(image, volume)]))


def test_two_views_of_one_series_are_told_apart_by_their_files(tmp_path):
    for seed, name in enumerate(("ap.dcm", "lat.dcm")):
        _dicom(tmp_path / name, data.values(seed)[0], "DX", SeriesInstanceUID="1.2.3")
    for seed, name in enumerate(("ap.dcm", "lat.dcm")):
        assert np.array_equal(read_image(tmp_path / name).values[0], data.values(seed)[0])


def test_grey_ultrasound_that_is_stored_as_colour(tmp_path):
    grey = (PLANE % 256).astype(np.uint8)
    path = _dicom(tmp_path / "i.dcm", np.dstack([grey] * 3), "US")
    assert np.array_equal(read_image(path).values[0], grey)
    coloured = np.dstack([grey, grey, grey ^ 1])
    with pytest.raises(CaseRefused, match="is in colour"):
        read_image(_dicom(tmp_path / "c.dcm", coloured, "US"))


def test_a_ct_that_lost_its_place_is_no_plane_and_many_frames_are_said_to_be_so(tmp_path):
    import pydicom

    with pytest.raises(CaseRefused, match="without position"):
        read_header(_dicom(tmp_path / "i.dcm", PLANE, "CT"))
    one = pydicom.dcmread(_dicom(tmp_path / "u.dcm", PLANE, "US"))
    one.NumberOfFrames, one.PixelData = 3, PLANE.tobytes() * 3
    one.save_as(tmp_path / "u.dcm")
    with pytest.raises(CaseRefused, match="3 frames and does not say where each lies"):
        read_header(tmp_path / "u.dcm")


def test_luma_and_chroma_without_colour_are_grey(tmp_path):
    grey = (PLANE % 256).astype(np.uint8)
    neutral = np.dstack([grey, np.full_like(grey, 128), np.full_like(grey, 128)])
    path = _dicom(tmp_path / "i.dcm", neutral, "US", PhotometricInterpretation="YBR_FULL")
    assert np.array_equal(read_image(path).values[0], grey)
    neutral[3, 3, 1] = 160
    with pytest.raises(CaseRefused, match="is in colour"):
        read_image(_dicom(tmp_path / "c.dcm", neutral, "US", PhotometricInterpretation="YBR_FULL"))


def test_radiographs_of_both_senses_are_a_finding(tmp_path):
    mask = _picture(tmp_path / "m.png", (MASK == 1) * np.uint8(255))
    rows = []
    for k in (1, 2):
        path = _dicom(tmp_path / f"{k}.dcm", data.values(k)[2], "DX", PhotometricInterpretation=f"MONOCHROME{k}")
        rows.append(data.row(path, mask, patient=f"P{k}", line=k + 1))
    (said,) = [f for f in check_cases(rows) if f.kind == "mixed_units"]
    assert said.severity == "warning" and "MONOCHROME1 in 1, MONOCHROME2 in 1" in said.message
    assert not [f for f in check_cases(rows[:1]) if f.kind == "mixed_units"]


def test_the_picture_of_a_case_of_coarse_pixels_shows_its_plane(tmp_path):
    """Pixels wider than what stands for the thickness."""
    import io

    from PIL import Image

    from prldh.data.imaging.pictures import draw_case

    image = _write(tmp_path / "i.nii", PLANE, (3.0, 3.0))
    case = load_case(data.row(image, _write(tmp_path / "m.nii", MASK, (3.0, 3.0)), label=1))
    drawn = np.array(Image.open(io.BytesIO(draw_case(case))).convert("L"))
    assert np.count_nonzero(drawn.any(axis=1)) > 100, "rows of the plane, not one"


def test_planes_among_volumes_are_told_and_a_plane_laid_on_a_volume_is_refused_by_its_slices(tmp_path):
    import SimpleITK as sitk

    volume = data.row(
        data.write(tmp_path / "i.nrrd", data.values()), data.write(tmp_path / "m.nrrd", data.box()), label=1
    )
    for name in ("plane", "plane_mask"):
        sitk.WriteImage(sitk.GetImageFromArray(data.box()[2]), str(tmp_path / f"{name}.png"))
    plane = data.row(tmp_path / "plane.png", tmp_path / "plane_mask.png", label=1, patient="P2", line=3)
    assert "mixed_planes" in {finding.kind for finding in check_cases([volume, plane])}
    assert "mixed_planes" not in {finding.kind for finding in check_cases([volume])}
    with pytest.raises(CaseRefused, match="have 12 x 10 x 1 and 12 x 10 x 6 voxels"):
        load_case(data.row(tmp_path / "i.nrrd", tmp_path / "plane_mask.png"))

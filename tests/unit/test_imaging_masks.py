"""Masks: label maps, 3D Slicer, DICOM SEG, RTSTRUCT; and how they come onto the grid of their image."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.core.imaging import Geometry
from prldh.data.imaging.contours import fill
from prldh.data.imaging.grids import fit, overlaps, place, to_mm
from prldh.data.imaging.read import files_of, load_case, read_mask
from prldh.data.imaging.refusal import CaseRefused
from prldh.study.imaging import ReadSettings


@pytest.fixture
def image(tmp_path) -> Path:
    return data.write(tmp_path / "image.nii.gz", data.values())


def _load(image, mask, **meant):
    return load_case(data.row(image, mask, **meant)).masks[0]


# ---------------------------------------------------------------- label maps


@pytest.mark.parametrize("name", ["m.nii.gz", "m.nrrd", "m.mha"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_label_maps(tmp_path, image, name, kind):
    mask = data.write(tmp_path / name, data.box().astype(kind))
    assert np.array_equal(_load(image, mask, label=2), data.box() == 2)
    assert np.array_equal(_load(image, mask), data.box() != 0)
    found, grid = read_mask(mask, data.row(image, mask, label=1))
    assert found.dtype == bool and np.array_equal(found, data.box() == 1) and grid.size == data.GRID.size


def test_a_dicom_series_may_be_a_label_map(tmp_path):
    data.write_series(tmp_path / "i", data.values())
    data.write_series(tmp_path / "m", data.box().astype(np.int16))
    assert np.array_equal(_load(tmp_path / "i", tmp_path / "m", label=1), data.box() == 1)


def test_an_absent_label_is_told_with_those_there(tmp_path, image):
    mask = data.write(tmp_path / "m.nii.gz", data.box())
    with pytest.raises(CaseRefused, match=r"no label 3\. Labels there: 1, 2") as caught:
        _load(image, mask, label=3)
    assert caught.value.kind == "absent_label"
    with pytest.raises(CaseRefused, match=r"segment 'L4'.*labels there: 1, 2"):
        _load(image, mask, segment="L4")


def test_an_empty_mask_and_probabilities_are_refused(tmp_path, image):
    for label in (None, 1):
        with pytest.raises(CaseRefused, match="is empty") as caught:
            _load(image, data.write(tmp_path / "empty.nii.gz", np.zeros_like(data.box())), label=label)
        assert caught.value.kind == "empty_mask"
    with pytest.raises(CaseRefused, match="fractions"):
        _load(image, data.write(tmp_path / "p.nii.gz", data.box().astype(np.float32) * 0.3))
    with pytest.raises(CaseRefused, match="NaN"):
        _load(image, data.write(tmp_path / "n.nii.gz", np.where(data.box() > 0, np.nan, 0).astype(np.float32)))


def test_what_several_sources_get_cannot_be_changed_by_one(tmp_path, image):
    case = load_case(data.row(image, data.write(tmp_path / "m.nii.gz", data.box())))
    for array in (case.image.values, *case.masks):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


def test_image_and_mask_swapped_or_the_same(tmp_path, image):
    mask = data.write(tmp_path / "m.nii.gz", data.box())
    for label in (None, 1):
        with pytest.raises(
            CaseRefused, match=r"has \d,?\d+ different values: it is an image, no label map\. Check that .* not swapped"
        ) as caught:
            _load(mask, image, label=label)
        assert caught.value.kind == "swapped"
    with pytest.raises(CaseRefused, match="image and mask are one file, 'image.nii.gz'"):
        _load(image, image)
    # 360 labels on an image of more values
    parcels = data.write(tmp_path / "p.nii.gz", np.arange(720, dtype=np.int16).reshape(6, 10, 12) // 2)
    assert _load(image, parcels, label=300).sum() == 2


def test_two_readers(tmp_path, image):
    masks = [data.write(tmp_path / f"m{k}.nii.gz", (data.box() == k).astype(np.uint8)) for k in (1, 2)]
    case = load_case(data.row(image, *masks, patient="P7", line=9))
    assert (case.patient, case.tissue, case.line) == ("P7", "disc", 9)
    assert [np.array_equal(m, data.box() == k) for m, k in zip(case.masks, (1, 2), strict=True)] == [True, True]
    assert np.array_equal(case.image.values, data.values())


# ---------------------------------------------------------------- 3D Slicer


def _layers() -> np.ndarray:
    return np.stack([(data.box() == 1) * 1 + (data.box() == 2) * 2, data.box() > 0]).astype(np.uint8)


def test_segments_by_name_that_overlap(tmp_path, image):
    path = data.write_slicer(
        tmp_path / "ä m.seg.nrrd", _layers(), [("L4/5 disc", 1, 0), ("L5/S1 disc", 2, 0), ("Beide Bänder", 1, 1)]
    )
    assert np.array_equal(_load(image, path, segment="L4/5 disc"), data.box() == 1)
    assert np.array_equal(_load(image, path, segment="l5/s1 DISC"), data.box() == 2)
    assert np.array_equal(_load(image, path, segment="Beide Bänder"), data.box() > 0)
    assert np.array_equal(_load(image, path, label=2), data.box() == 2)
    assert np.array_equal(_load(image, path), data.box() > 0)
    with pytest.raises(CaseRefused, match=r"2 times label 1.*'L4/5 disc' \(1\).*'Beide Bänder' \(1\)"):
        _load(image, path, label=1)
    with pytest.raises(CaseRefused, match="no segment 'L3'.*'L4/5 disc'") as caught:
        _load(image, path, segment="L3")
    assert caught.value.kind == "absent_label"


def test_a_segmentation_cropped_to_its_segments_and_an_empty_segment(tmp_path, image):
    cut = data.box()[1:5, 2:8, 1:11]
    grid = replace(data.GRID, size=cut.shape[::-1], origin_mm=tuple(to_mm(data.GRID) @ [1, 2, 1, 1])[:3])
    path = data.write_slicer(
        tmp_path / "m.seg.nrrd", cut[np.newaxis], [("one", 1, 0), ("two", 2, 0), ("none", 3, 0)], grid
    )
    assert np.array_equal(_load(image, path, segment="two"), data.box() == 2)
    with pytest.raises(CaseRefused, match="segment 'none' .* is empty") as caught:
        _load(image, path, segment="none")
    assert caught.value.kind == "empty_mask"


def test_slicerio_agrees(tmp_path):
    """slicerio writes the file; the segment's voxels are those it was given."""
    slicerio = pytest.importorskip("slicerio")
    turn = to_mm(data.GRID)
    segments = [
        {"name": n, "labelValue": v, "color": [1, 0, 0], "layer": 0, "id": f"S{v}"} for n, v in (("a", 1), ("b", 2))
    ]
    written = {
        "voxels": data.box().transpose(2, 1, 0).copy(),
        "ijkToLPS": turn,
        "encoding": "gzip",
        "containedRepresentationNames": ["Binary labelmap"],
        "masterRepresentation": "Binary labelmap",
        "segments": segments,
    }
    slicerio.write_segmentation(str(tmp_path / "m.seg.nrrd"), written)
    image = data.write(tmp_path / "i.nii", data.values())
    assert np.array_equal(_load(image, tmp_path / "m.seg.nrrd", segment="b"), data.box() == 2)


# ---------------------------------------------------------------- DICOM SEG


def test_dicom_seg_with_segments_that_overlap(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    masks = {"L4/5": data.box() == 1, "L5/S1": data.box() == 2, "all": data.box() > 0}
    path = data.write_seg(tmp_path / "seg.dcm", files, masks)
    for i, (name, mask) in enumerate(masks.items(), 1):
        assert np.array_equal(_load(tmp_path / "s", path, segment=name), mask)
        assert np.array_equal(_load(tmp_path / "s", path, label=i), mask)
    assert np.array_equal(_load(tmp_path / "s", path), data.box() > 0)
    with pytest.raises(CaseRefused, match=r"no segment 'L3'.*'L4/5' \(1\)"):
        _load(tmp_path / "s", path, segment="L3")


def test_a_fractional_seg_counts_from_one_half_on(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    path = data.write_seg(
        tmp_path / "seg.dcm", files, {"a": (data.box() == 1) * 0.4 + (data.box() == 2) * 0.6}, "FRACTIONAL"
    )
    assert np.array_equal(_load(tmp_path / "s", path), data.box() == 2)


def test_a_seg_of_another_patient_or_scan_is_refused(tmp_path):
    data.write_series(tmp_path / "s", data.values())
    other = data.write_series(tmp_path / "o", data.values(), patient="someone else")
    moved = data.write_series(tmp_path / "m", data.values(), frame="1.2.3.99")
    for files, what in ((other, "different PatientIDs"), (moved, "different frames of reference")):
        path = data.write_seg(tmp_path / "seg.dcm", files, {"a": data.box() == 1})
        with pytest.raises(CaseRefused, match=what) as caught:
            _load(tmp_path / "s", path)
        assert caught.value.kind == "another_patient" and "someone else" not in str(caught.value)


# ---------------------------------------------------------------- RTSTRUCT


def _rectangle(k: float, x0: float, x1: float, y0: float, y1: float, grid: Geometry = data.GRID) -> np.ndarray:
    index = np.array([[x0, y0, k, 1], [x1, y0, k, 1], [x1, y1, k, 1], [x0, y1, k, 1]])
    return (index @ to_mm(grid).T)[:, :3]


@pytest.mark.parametrize("grid", [data.GRID, data.SAGITTAL], ids=["axial", "sagittal"])
def test_contours_with_a_hole(tmp_path, grid):
    data.write_series(tmp_path / "s", data.values(), grid)
    contours = [_rectangle(k, 1.5, 8.5, 0.5, 7.5, grid) for k in (2, 3)] + [_rectangle(3, 3.5, 5.5, 2.5, 4.5, grid)]
    path = data.write_rtstruct(
        tmp_path / "rs.dcm", {"GTV 1": contours, "Körper": [_rectangle(1, 0.5, 3.5, 0.5, 3.5, grid)]}
    )
    wanted = np.zeros(data.GRID.size[::-1], bool)
    wanted[2:4, 1:8, 2:9] = True
    wanted[3, 3:5, 4:6] = False
    assert np.array_equal(_load(tmp_path / "s", path, segment="GTV 1"), wanted)
    assert np.array_equal(_load(tmp_path / "s", path, label=1), wanted)
    with pytest.raises(CaseRefused, match=r"does not say which.*'GTV 1' \(1\), 'Körper' \(2\)"):
        _load(tmp_path / "s", path)
    with pytest.raises(CaseRefused, match="no ROI 'CTV'.*'GTV 1'"):
        _load(tmp_path / "s", path, segment="CTV")
    (tmp_path / "folder").mkdir()
    path.rename(tmp_path / "folder" / "rs.dcm")
    assert np.array_equal(_load(tmp_path / "s", tmp_path / "folder", label=1), wanted), "the only file of a folder"
    assert files_of(tmp_path / "folder") == (tmp_path / "folder" / "rs.dcm",)
    elsewhere = data.write_rtstruct(tmp_path / "other.dcm", {"a": contours}, frame="1.2.3.99")
    with pytest.raises(CaseRefused, match="different frames of reference"):
        _load(tmp_path / "s", elsewhere)


def test_contours_on_an_image_whose_axes_are_turned(tmp_path):
    """The same contours on a NIfTI of the same voxels with axes flipped and in another order: slices then lie along
    x."""
    import SimpleITK as sitk

    plain = data.write(tmp_path / "i.nii", data.values())
    path = data.write_rtstruct(tmp_path / "rs.dcm", {"a": [_rectangle(k, 1.5, 6.5, 0.5, 7.5) for k in (2, 3)]})
    turned = sitk.Flip(sitk.PermuteAxes(sitk.ReadImage(str(plain)), [2, 0, 1]), [True, False, True])
    sitk.WriteImage(turned, str(tmp_path / "t.nii"))
    straight, other = _load(plain, path), _load(tmp_path / "t.nii", path)
    assert np.array_equal(np.flip(straight.transpose(1, 2, 0), (0, 2)), other) or straight.sum() == other.sum() > 0
    back = sitk.GetImageFromArray(other.astype(np.uint8))
    back.CopyInformation(turned)
    assert np.array_equal(_load(plain, data.write_from(tmp_path / "b.nii", back)), straight)


def test_contours_elsewhere_or_oblique_are_refused():
    with pytest.raises(CaseRefused, match="no contour .* lies in the image"):
        fill([_rectangle(40, 1, 5, 1, 5)], data.GRID, "rs.dcm")
    with pytest.raises(CaseRefused, match="1 beyond the image"):
        fill([_rectangle(40, 1, 5, 1, 5), _rectangle(2, 1, 5, 1, 5)], data.GRID, "rs.dcm")
    with pytest.raises(CaseRefused, match="1 between its slices"):
        fill([_rectangle(2.4, 1, 5, 1, 5)], data.GRID, "rs.dcm")
    with pytest.raises(CaseRefused, match="thicker slices"):
        fill([_rectangle(k, 1, 5, 1, 5) for k in (1, 3, 5)], data.GRID, "rs.dcm")
    # a centre upon an edge is right of it
    assert fill([_rectangle(k, 0.5, 5, 0.5, 5) for k in (1, 2, 5)], data.GRID, "rs.dcm")[[1, 2, 5]].sum() == 3 * 16
    slanted = _rectangle(2, 1, 5, 1, 5)
    slanted[:2, 2] += 5
    with pytest.raises(CaseRefused, match="do not lie in slices"):
        fill([slanted], data.GRID, "rs.dcm")
    with pytest.raises(CaseRefused, match="no numbers"):
        fill([np.full((4, 3), np.nan)], data.GRID, "rs.dcm")
    with pytest.raises(CaseRefused, match="centre of no voxel"):
        fill([_rectangle(2, 1.2, 1.4, 1.2, 1.4)], data.GRID, "rs.dcm")


def test_filling_agrees_with_matplotlib_on_random_polygons():
    """Centres strictly inside or outside; matplotlib's winding rule equals even-odd for a simple polygon."""
    from matplotlib.path import Path as Polygon

    generator = np.random.default_rng(4)
    grid = replace(data.GRID, size=(40, 30, 1), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    x, y = np.meshgrid(np.arange(40), np.arange(30))
    for _ in range(20):
        angle = np.sort(generator.uniform(0, 2 * np.pi, 25))
        radius = generator.uniform(3, 25, 25)  # a star around its centre, partly outside the image
        corners = np.column_stack([18 + radius * np.cos(angle), 14 + radius * np.sin(angle), np.zeros(25)])
        inside = Polygon(corners[:, :2]).contains_points(np.column_stack([x.ravel(), y.ravel()])).reshape(30, 40)
        assert np.array_equal(fill([corners], grid, "x")[0], inside)


# ---------------------------------------------------------------- grids


def _all_turns() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return list(product(permutations(range(3)), product((1, -1), repeat=3)))


@pytest.mark.parametrize(("order", "signs"), _all_turns())
def test_a_mask_with_axes_turned_or_flipped_on_the_same_voxels_is_the_same_mask(order, signs):
    """All 48 ways; the turned array and its geometry describe the same voxels in space."""
    array = data.box() == 2
    xyz = array.transpose(2, 1, 0).transpose(order)
    matrix = to_mm(data.GRID)
    steps, origin = matrix[:3, list(order)], matrix[:3, 3].copy()
    for axis, sign in enumerate(signs):
        if sign < 0:
            xyz = np.flip(xyz, axis)
            origin = origin + steps[:, axis] * (xyz.shape[axis] - 1)
    steps = steps * np.array(signs)
    spacing = np.linalg.norm(steps, axis=0)
    turned = Geometry(xyz.shape, tuple(spacing), tuple(origin), tuple((steps / spacing).ravel()))
    how = fit(turned, data.GRID, 0.1)
    assert how.is_same_grid and how.misfit < 1e-9 and not how.is_moved
    assert np.array_equal(place(xyz.transpose(2, 1, 0), data.GRID, how), array)


@pytest.mark.parametrize("shift", [(2, -1, 1), (-3, 4, -2), (0, 0, 1)])
def test_a_larger_smaller_or_moved_grid_of_the_same_voxels_is_exact(shift):
    big = np.zeros((12, 16, 20), bool)
    big[5:7, 6:9, 8:11] = True
    grid = replace(
        data.GRID, size=(20, 16, 12), origin_mm=tuple((to_mm(data.GRID) @ [*(-3 + s for s in shift), 1])[:3])
    )
    how = fit(grid, data.GRID, 0.1)
    found = place(big, data.GRID, how)
    low = [5 - 3 + shift[2], 6 - 3 + shift[1], 8 - 3 + shift[0]]
    wanted = np.zeros(data.GRID.size[::-1], bool)
    wanted[tuple(slice(max(a, 0), max(a + n, 0)) for a, n in zip(low, (2, 3, 3), strict=True))] = True
    assert how.is_same_grid and found.any() and np.array_equal(found, wanted)


def test_headers_that_differ_by_rounding_are_the_same_grid(tmp_path, image):
    """Up to the tolerance the mask is used as it is; beyond it, it is resampled."""
    near = replace(
        data.GRID, origin_mm=tuple(o + 0.05 * s for o, s in zip(data.GRID.origin_mm, data.GRID.spacing_mm, strict=True))
    )
    assert np.array_equal(_load(image, data.write(tmp_path / "m.nii.gz", data.box(), near), label=2), data.box() == 2)
    assert fit(near, data.GRID, 0.04).is_same_grid is False


def test_another_grid_is_resampled_by_nearest_neighbour(tmp_path, image):
    import SimpleITK as sitk

    fine = sitk.Expand(
        sitk.ReadImage(str(data.write(tmp_path / "m.nii.gz", data.box()))), [2, 2, 2], sitk.sitkNearestNeighbor
    )
    assert np.array_equal(_load(image, data.write_from(tmp_path / "fine.nii.gz", fine), label=2), data.box() == 2)


def test_too_coarse_a_grid_is_refused_and_the_setting_allows_it(tmp_path):
    image = data.write(
        tmp_path / "i.nii",
        np.zeros((12, 30, 36), np.int16),
        replace(data.GRID, size=(36, 30, 12), spacing_mm=(0.25, 0.3, 1.25)),
    )
    mask = data.write(tmp_path / "m.nii.gz", data.box())
    with pytest.raises(CaseRefused, match=r"voxels 3\.2 times larger.*imaging\.max_spacing_ratio") as caught:
        load_case(data.row(image, mask, label=1))
    assert caught.value.kind == "geometry"
    assert load_case(data.row(image, mask, label=1), ReadSettings(max_spacing_ratio=4, outside=0.9)).masks[0].any()


def test_a_mask_elsewhere_in_space_is_another_patient_s(tmp_path, image):
    far = replace(data.GRID, origin_mm=(500.0, 5.0, 30.0))
    assert not overlaps(far, data.GRID)
    with pytest.raises(CaseRefused, match="do not overlap in space") as caught:
        _load(image, data.write(tmp_path / "m.nii.gz", data.box(), far))
    assert caught.value.kind == "another_patient"


def test_a_region_partly_outside_is_refused_beyond_the_setting(tmp_path, image):
    shifted = replace(data.GRID, origin_mm=(data.GRID.origin_mm[0] + 3 * 0.8, *data.GRID.origin_mm[1:]))
    mask = data.write(tmp_path / "m.nii.gz", data.box(), shifted)
    with pytest.raises(CaseRefused, match=r"lies by 33\.3% outside") as caught:
        _load(image, mask, label=2)
    assert caught.value.kind == "outside_image" and "same number of voxels" in str(caught.value)
    found = load_case(data.row(image, mask, label=2), ReadSettings(outside=0.9)).masks[0]
    assert np.array_equal(found[:, :, 3:], (data.box() == 2)[:, :, :-3])

"""NIfTI in its other forms: NIfTI-2, header and voxels apart, slopes that are none, sheared axes."""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.core.imaging import Geometry
from prldh.data.imaging.check import check_cases
from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.read import files_of, formats_of, load_case, read_header, read_image
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.imaging.shear import Sheared, straighten, upright_grid

ROWS = {"<": "little", ">": "big"}


def _first(path: Path) -> bytearray:
    return bytearray(data.write(path.with_name("plain.nii"), data.values()).read_bytes())


def _second(one: bytes, order: str = "<", slope: tuple[float, float] = (1, 0)) -> bytes:
    """The same file as NIfTI-2 (https://nifti.nimh.nih.gov/nifti-2)."""

    def told(form: str, at: int) -> tuple:
        return struct.unpack_from("<" + form, one, at)

    two = bytearray(544)
    struct.pack_into(order + "i", two, 0, 540)
    two[4:12] = b"n+2\0\r\n\x1a\n"
    struct.pack_into(order + "2h", two, 12, *told("2h", 70))
    struct.pack_into(order + "8q", two, 16, *told("8h", 40))
    struct.pack_into(order + "8d", two, 104, *told("8f", 76))
    struct.pack_into(order + "q", two, 168, 544)
    struct.pack_into(order + "2d", two, 176, *slope)
    struct.pack_into(order + "2i", two, 344, *told("2h", 252))
    struct.pack_into(order + "6d", two, 352, *told("6f", 256))
    struct.pack_into(order + "12d", two, 400, *told("12f", 280))
    struct.pack_into(order + "i", two, 500, one[123])
    voxels = np.frombuffer(one[352:], "<i2").astype(order + "i2")
    return bytes(two) + voxels.tobytes()


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("grid", [data.GRID, data.SAGITTAL], ids=["axial", "sagittal"])
def test_nifti_2(tmp_path, name, order, grid):
    one = data.write(tmp_path / "one.nii", data.values(), grid)
    two = _second(one.read_bytes(), order)
    (tmp_path / name).write_bytes(gzip.compress(two) if name.endswith("gz") else two)
    image, expected = read_image(tmp_path / name), read_image(one)
    assert np.array_equal(image.values, expected.values) and image.values.dtype == np.int16
    assert np.allclose(to_mm(image.geometry), to_mm(expected.geometry), atol=1e-5)
    (tmp_path / "cut.nii").write_bytes(two[:-10])
    with pytest.raises(CaseRefused, match="is cut off"):
        read_header(tmp_path / "cut.nii")


def test_scaling_of_nifti_2(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(_second(_first(path), slope=(0.5, 10)))
    assert np.array_equal(read_image(path).values, data.values() * 0.5 + 10)


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("named", ["hdr", "img"])
def test_header_and_voxels_apart(tmp_path, packed, named):
    one = _first(tmp_path / "x")
    one[344:348] = b"ni1\0"
    struct.pack_into("<f", one, 108, 0)
    pack = gzip.compress if packed else bytes
    (tmp_path / f"a.hdr{packed}").write_bytes(pack(one[:348]))
    (tmp_path / f"a.img{packed}").write_bytes(pack(one[352:]))
    path = tmp_path / f"a.{named}{packed}"
    image = read_image(path)
    assert np.array_equal(image.values, data.values()) and np.allclose(to_mm(image.geometry), to_mm(data.GRID))
    assert [f.name for f in files_of(path)] == [f"a.hdr{packed}", f"a.img{packed}"]
    (tmp_path / f"a.img{packed}").write_bytes(pack(one[352:-9]))
    with pytest.raises(CaseRefused, match="is cut off"):
        read_header(path)
    (tmp_path / f"a.{'img' if named == 'hdr' else 'hdr'}{packed}").unlink()
    with pytest.raises(CaseRefused, match="one half of a pair") as caught:
        read_header(path)
    assert caught.value.kind == "missing_file"


def test_analyze_says_that_it_does_not_tell_left_from_right(tmp_path):
    for name, array in (("a", data.values()), ("m", data.box().astype(np.int16))):
        one = bytearray(data.write(tmp_path / "plain.nii", array).read_bytes())
        one[108:112], one[148:348] = bytes(4), bytes(200)
        (tmp_path / f"{name}.hdr").write_bytes(one[:348])
        (tmp_path / f"{name}.img").write_bytes(one[352:])
    row = data.row(tmp_path / "a.hdr", tmp_path / "m.img", label=1)
    case = load_case(row)
    assert sorted(case.image.values[case.masks[0]]) == sorted(data.values()[data.box() == 1])
    (said,) = [f for f in check_cases([row]) if f.kind == "orientation"]
    assert said.severity == "warning" and "which side is left" in said.message


@pytest.mark.parametrize("scaling", [(np.nan, np.nan), (np.nan, 0), (0, 5), (0, np.nan), (0, 0)])
def test_a_slope_of_0_or_none_means_values_as_they_are_stored(tmp_path, scaling):
    one = _first(tmp_path / "x")
    struct.pack_into("<2f", one, 112, *scaling)
    (tmp_path / "a.nii").write_bytes(one)
    image = read_image(tmp_path / "a.nii")
    assert np.array_equal(image.values, data.values()) and image.values.dtype == np.int16
    assert np.allclose(to_mm(image.geometry), to_mm(data.GRID))


# ---------------------------------------------------------------- shear

AXES = np.array([[0.8, 0.2, 0, -20], [0, 0.9, 0.1, 5], [0, 0, 2.5, 30]])


def _sheared(path: Path, array: np.ndarray) -> Path:
    one = bytearray(data.write(path.with_name("plain.nii"), array).read_bytes())
    struct.pack_into("<2h", one, 252, 0, 1)
    one[280:328] = (AXES * [[-1], [-1], [1]]).astype("<f4").tobytes()  # NIfTI's axes
    path.write_bytes(one)
    return path


def test_a_sheared_image_is_resampled_and_that_is_said(tmp_path):
    """A linear function of position is the same function on the upright grid, within the slanted image."""
    z, y, x = np.indices(data.GRID.size[::-1])
    place = np.stack([x, y, z, np.ones_like(x)], axis=-1) @ AXES.T
    array = (place @ [3.0, -2.0, 0.5] + 100).astype(np.float32)
    image = read_image(_sheared(tmp_path / "a.nii", array))
    turn = np.reshape(image.geometry.direction, (3, 3))
    assert np.allclose(turn @ turn.T, np.eye(3)) and np.allclose(
        image.geometry.spacing_mm, np.linalg.norm(AXES[:, :3], axis=0)
    )
    z, y, x = np.indices(image.geometry.size[::-1])
    index = np.stack([x, y, z, np.ones_like(x)], axis=-1)
    mm = index @ to_mm(image.geometry).T
    back = mm @ np.linalg.inv(np.vstack([AXES, [0, 0, 0, 1]])).T
    inside = np.all((back[..., :3] >= 0) & (back[..., :3] <= np.array(data.GRID.size) - 1), axis=-1)
    assert inside.sum() > 400
    assert np.allclose(image.values[inside], (mm[..., :3] @ [3.0, -2.0, 0.5] + 100)[inside], atol=1e-3)


def test_a_sheared_mask_goes_the_same_way(tmp_path):
    image = _sheared(tmp_path / "a.nii", data.values())
    mask = _sheared(tmp_path / "m.nii", data.box())
    case = load_case(data.row(image, mask, label=1))
    volume = case.masks[0].sum() * np.prod(case.image.geometry.spacing_mm)
    assert volume == pytest.approx((data.box() == 1).sum() * abs(np.linalg.det(AXES[:, :3])), rel=0.1)
    said = [f for f in check_cases([data.row(image, mask, label=1)]) if f.kind == "sheared"]
    assert [f.severity for f in said] == ["warning"] * 2
    assert formats_of(data.row(image, mask))["image"] == "sheared NIfTI"
    assert "linearly" in said[0].message and "nearest" in said[1].message


def test_an_upright_grid_holds_the_slanted_voxels():
    sheared = Sheared((12, 10, 6), tuple(AXES.ravel()))
    grid = upright_grid(sheared)
    found = straighten(np.ones((6, 10, 12), np.uint8), sheared, grid, is_mask=True)
    volume = found.sum() * np.prod(grid.spacing_mm)
    assert volume == pytest.approx(720 * abs(np.linalg.det(AXES[:, :3])), rel=0.02)
    assert isinstance(grid, Geometry)


@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr"])
def test_a_sheared_nrrd(tmp_path, name):
    import nrrd

    header = {
        "space": "left-posterior-superior",
        "space directions": AXES[:, :3].T,
        "space origin": AXES[:, 3],
        "kinds": ["domain"] * 3,
        "encoding": "raw",
    }
    nrrd.write(str(tmp_path / name), data.values().transpose(2, 1, 0), header)
    image, same = read_image(tmp_path / name), read_image(_sheared(tmp_path / "s.nii", data.values()))
    assert np.allclose(to_mm(image.geometry), to_mm(same.geometry), atol=1e-5)
    assert np.allclose(image.values, same.values, atol=1e-2)

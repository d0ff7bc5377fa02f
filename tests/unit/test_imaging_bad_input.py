"""Damaged, wrong and hostile files: one clear message each, nothing allocated, nothing of the patient told."""

from __future__ import annotations

import gzip
import re
import resource
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.core.errors import DataError
from prldh.data.imaging.read import load_case, read_header, read_image
from prldh.data.imaging.refusal import CaseRefused
from prldh.study.imaging import ReadSettings


def _refused(path: Path, *expected: str, kind: str | None = None, settings: ReadSettings | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read_image(path, settings)
    message = str(caught.value)
    assert isinstance(caught.value, CaseRefused)
    assert "\n" not in message and message.endswith(".") and path.name.split("#")[0] in message
    for part in expected:
        assert part in message, message
    if kind:
        assert caught.value.kind == kind
    return message


def _nifti(path: Path, *changes: tuple[str, int, object], array: np.ndarray | None = None) -> Path:
    """A NIfTI file whose header is changed: (struct format, offset, value)."""
    plain = data.write(path.with_name("plain.nii"), data.values() if array is None else array)
    content = bytearray(plain.read_bytes())
    for form, at, value in changes:
        struct.pack_into("<" + form, content, at, value)
    with gzip.open(path, "wb") if path.name.endswith(".gz") else path.open("wb") as file:
        file.write(content)
    return path


# ---------------------------------------------------------------- wrong files


def test_a_missing_or_empty_file(tmp_path):
    _refused(tmp_path / "none.nii.gz", "not found", str(tmp_path), kind="missing_file")
    (tmp_path / "empty.nii").touch()
    _refused(tmp_path / "empty.nii", "is empty")


@pytest.mark.parametrize("name", ["a.nii", "a.nrrd", "a.mha", "a.img"])
def test_a_picture_in_place_of_a_volume(tmp_path, name):
    from PIL import Image

    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / name, format="PNG")
    _refused(tmp_path / name, "is a picture, whatever its ending says", kind="no_volume")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd", "a.dcm", "a.xyz"])
def test_noise_in_place_of_a_volume(tmp_path, name):
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(5000))
    _refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "b.mha"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
def test_a_file_that_is_cut_off(tmp_path, name, part):
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(data.values()), str(tmp_path / name), name != "b.mha")
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * part)])
    _refused(tmp_path / name)


def test_a_gzip_file_whose_middle_is_damaged(tmp_path):
    path = data.write(tmp_path / "a.nii.gz", data.values())
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8] = b"\xff" * 8
    path.write_bytes(content)
    _refused(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
def test_nan_and_infinity(tmp_path, name, kind, bad):
    array = data.values().astype(kind)
    array[2, 3, 4] = array[4, 1, 1] = bad
    _refused(data.write(tmp_path / name, array), "2 voxel(s) that are NaN or infinite", "(4, 3, 2)", kind="not_finite")


def test_what_is_no_volume(tmp_path):
    import SimpleITK as sitk

    many = [sitk.GetImageFromArray(data.values(i)) for i in range(3)]
    for name in ("t.nii", "t.nii.gz", "t.nrrd", "t.mha"):
        sitk.WriteImage(sitk.JoinSeries(many), str(tmp_path / name))
        _refused(tmp_path / name, "4 axes (12 x 10 x 6 x 3)", kind="no_volume")
        sitk.WriteImage(sitk.Compose(*many), str(tmp_path / name))
        _refused(tmp_path / name, kind="no_volume")
    for name in ("c.nii", "c.nrrd", "c.mha"):
        sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True), str(tmp_path / name))
        _refused(tmp_path / name, kind="no_volume")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6), np.complex64)), str(tmp_path / "z.nii"))
    _refused(tmp_path / "z.nii", kind="no_volume")


@pytest.mark.parametrize("spacing", [0.0, float("nan"), float("inf")])
def test_a_spacing_that_is_none(tmp_path, spacing):
    _refused(_nifti(tmp_path / "a.nii", ("f", 88, spacing)), "spacing", kind="geometry")
    for name, line in (("a.mha", "ElementSpacing"), ("a.nrrd", "space directions")):
        path = data.write(tmp_path / name, data.values())
        content = path.read_bytes()
        old = re.search(rf"{line}.*\n".encode(), content)[0]
        new = (
            f"ElementSpacing = 0.8 {spacing} 2.5\n"
            if name == "a.mha"
            else f"space directions: (0.8,0,0) (0,{spacing},0) (0,0,2.5)\n"
        )
        path.write_bytes(content.replace(old, new.encode()))
        _refused(path)


# ---------------------------------------------------------------- hostile files


def _hostile(folder: Path) -> dict[str, Path]:
    """Small files that claim 1e12 voxels, or more."""
    found = {"nifti": _nifti(folder / "a.nii", ("h", 42, 32000), ("h", 44, 32000), ("h", 46, 1000))}
    found["nifti.gz"] = _nifti(folder / "a.nii.gz", ("h", 42, 32000), ("h", 44, 32000), ("h", 46, 1000))
    for name, old in (("a.nrrd", b"sizes: 12 10 6"), ("a.mha", b"DimSize = 12 10 6"), ("a.mhd", b"DimSize = 12 10 6")):
        path = data.write(folder / name, data.values())
        path.write_bytes(path.read_bytes().replace(old, old.split(b"12")[0] + b"10000 10000 10000"))
        found[name] = path
    series = data.write_series(folder / "s", data.values())
    import pydicom

    for file in series:
        one = pydicom.dcmread(file)
        one.Rows = one.Columns = 65535
        one.save_as(file)
    found["dicom"] = folder / "s"
    return found


def test_a_header_that_claims_too_much_is_refused_before_anything_is_allocated(tmp_path):
    files = _hostile(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, path in files.items():
        message = _refused(path)
        assert name == "dicom" or "GB are allowed" in message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_the_limit_of_memory_is_what_reading_takes(tmp_path):
    """300 MB of 16-bit voxels are read within 2 GB, a GB of them is not: from headers alone, on files with holes."""
    small = _nifti(tmp_path / "a.nii", ("h", 42, 512), ("h", 44, 512), ("h", 46, 572))
    with small.open("r+b") as file:
        file.truncate(352 + 512 * 512 * 572 * 2)
    assert read_header(small).geometry.size == (512, 512, 572)
    large = _nifti(tmp_path / "b.nii", ("h", 42, 1024), ("h", 44, 1024), ("h", 46, 512))
    with large.open("r+b") as file:
        file.truncate(352 + 1024 * 1024 * 512 * 2)
    _refused(large, "1024 x 1024 x 512", "3.22 GB", "2 GB are allowed", "imaging.memory_gb", kind="too_large")
    assert read_header(large, ReadSettings(memory_gb=4)).geometry.size == (1024, 1024, 512)


@pytest.mark.parametrize("sizes", [(-12, 10, 6), (0, 10, 6), (12, 10, -1)])
def test_sizes_below_one(tmp_path, sizes):
    _refused(_nifti(tmp_path / "a.nii", *(("h", 42 + 2 * i, n) for i, n in enumerate(sizes))))
    path = data.write(tmp_path / "a.mha", data.values())
    path.write_bytes(
        path.read_bytes().replace(b"DimSize = 12 10 6", f"DimSize = {sizes[0]} {sizes[1]} {sizes[2]}".encode())
    )
    _refused(path)
    path = data.write(tmp_path / "a.nrrd", data.values())
    path.write_bytes(path.read_bytes().replace(b"sizes: 12 10 6", f"sizes: {sizes[0]} {sizes[1]} {sizes[2]}".encode()))
    _refused(path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    """A GB of zeros behind a small volume, and voxels said to begin behind it."""
    plain = data.write(tmp_path / "plain.nii", data.values()).read_bytes()
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(plain) + gzip.compress(bytes(1 << 23)) * (1 << 7))
    tracemalloc.start()
    assert np.array_equal(read_image(path).values, data.values()), "what the header asks for is there"
    assert tracemalloc.get_traced_memory()[1] < 50e6
    far = bytearray(plain)
    struct.pack_into("<f", far, 108, 1e9)
    path.write_bytes(gzip.compress(bytes(far)) + gzip.compress(bytes(1 << 23)) * (1 << 7))
    tracemalloc.reset_peak()
    _refused(path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["/etc/hostname", "../secret.raw", "sub/../../secret.raw", "link.raw"])
def test_a_detached_header_reads_nothing_outside_its_folder(tmp_path, name):
    folder = tmp_path / "case"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret.raw").write_bytes(data.values().tobytes())
    (folder / "link.raw").symlink_to(tmp_path / "secret.raw")
    for header, field in (("a.mhd", "ElementDataFile = "), ("a.nhdr", "data file: ")):
        path = data.write(folder / header, data.values())
        path.write_text(re.sub(rf"{field}.*", field + name, path.read_text()))
        _refused(path, "outside its own folder", kind="path_escapes")


@pytest.mark.parametrize("name", ["LIST", "a%02d.raw 1 6 1", "LIST 2", "absent.raw"])
def test_lists_of_data_files_are_not_followed(tmp_path, name):
    for header, field in (("a.mhd", "ElementDataFile = "), ("a.nhdr", "data file: ")):
        path = data.write(tmp_path / header, data.values())
        path.write_text(re.sub(rf"{field}.*", field + name, path.read_text()) + "\n/etc/hostname\n")
        _refused(path, "not beside it", kind="missing_file")


def test_metaimage_s_other_separator_hides_nothing(tmp_path):
    """MetaIO takes ``:`` for ``=``."""
    path = data.write(tmp_path / "a.mhd", data.values())
    path.write_text(re.sub(r"ElementDataFile = .*", "ElementDataFile : /etc/hostname", path.read_text()))
    _refused(path, "outside its own folder")
    path = data.write(tmp_path / "a.mha", data.values())
    path.write_bytes(re.sub(rb"CompressedDataSize = \d+", b"CompressedDataSize : 1000000000000", path.read_bytes()))
    _refused(path, "cut off")


# ---------------------------------------------------------------- DICOM


@pytest.mark.parametrize("part", [0.1, 0.3, 0.8, 0.999])
def test_a_dicom_file_that_is_cut_off(tmp_path, part):
    files = data.write_series(tmp_path / "s", data.values())
    content = files[2].read_bytes()
    files[2].write_bytes(content[: int(len(content) * part)])
    with pytest.raises(CaseRefused, match="cut off|damaged|lost its beginning") as caught:
        read_image(tmp_path / "s")
    assert files[2].name in str(caught.value)


def test_a_dicom_file_without_its_beginning_or_none_at_all(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    files[0].write_bytes(files[0].read_bytes()[132:])
    with pytest.raises(CaseRefused, match="not a DICOM file") as caught:
        read_image(tmp_path / "s")
    assert files[0].name in str(caught.value)
    (tmp_path / "leer").mkdir()
    _refused(tmp_path / "leer", "no DICOM images", kind="missing_file")


def test_an_element_that_claims_more_than_the_file_holds(tmp_path):
    """GDCM would take 4 GB for it before it reads: in the data set, in a nested item, in the voxels, and by an unknown
    type."""
    import pydicom

    files = data.write_series(tmp_path / "s", data.values())
    one = pydicom.dcmread(files[3])
    item = pydicom.Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3.4567"
    one.ReferencedImageSequence = [item]
    one.save_as(files[3])
    whole = files[3].read_bytes()
    assert np.array_equal(read_image(tmp_path / "s").values, data.values())
    for old, new in (
        (b"\x08\0\x50\0SH\x02\0", b"\x08\0\x50\0UN\0\0\xf0\xff\xff\xff"),
        (b"\x08\0\x40\x11SQ\0\0", b"\x08\0\x40\x11SQ\0\0\xf0\xff\xff\xff"),
        (b"\x08\0\x55\x11UI\x0a\0", b"\x08\0\x55\x11UI\xff\xff"),
        (b"\xe0\x7f\x10\0OW\0\0", b"\xe0\x7f\x10\0OW\0\0\xf0\xff\xff\xff"),
        (b"\x08\0\x50\0SH", b"\x08\0\x50\x00?!"),
        (b"\x02\0\x03\0UI", b"\x02\0\x03\0UX"),
        (b"\xe0\x7f\x10\0OW\0\0\xf0\0", b"\xe0\x7f\x10\0OW\0\0\0\0"),
    ):
        assert old in whole
        at = whole.index(old)
        files[3].write_bytes(whole[:at] + new + whole[at + len(new) :])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(CaseRefused):
            read_image(tmp_path / "s")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_a_deflated_file_is_unpacked_no_further_than_it_may(tmp_path, monkeypatch):
    import zlib

    import pydicom

    from prldh.data.imaging import dicom_file

    path, *_ = data.write_series(tmp_path / "s", data.values())
    one = pydicom.dcmread(path)
    one.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    one.save_as(path)
    whole = path.read_bytes()
    for part in (0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(CaseRefused):
            read_image(path)
    monkeypatch.setattr(dicom_file, "_LARGEST_HEADER", 1 << 22)
    at = whole.index(b"DICM") + 4
    at += 12 + int.from_bytes(whole[at + 8 : at + 12], "little")
    pack = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = b"\x08\0\x08\0UN\0\0" + (1 << 30).to_bytes(4, "little")
    packed = pack.compress(bomb) + b"".join(pack.compress(bytes(1 << 20)) for _ in range(64)) + pack.flush()
    path.write_bytes(whole[:at] + packed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _refused(path, "unpacks to too much", kind="too_large")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000, "kB"


def test_damaged_segmentations_and_contours(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    seg = data.write_seg(tmp_path / "seg.dcm", files, {"a": data.box() == 1})
    contours = data.write_rtstruct(
        tmp_path / "rs.dcm", {"a": [np.array([[-18.0, 7, 35], [-14, 7, 35], [-14, 11, 35]])]}
    )
    assert load_case(data.row(tmp_path / "s", seg, contours)).masks[1].any()
    for path in (seg, contours):
        whole = path.read_bytes()
        for part in (0.15, 0.5, 0.9, 0.99):
            path.write_bytes(whole[: int(len(whole) * part)])
            with pytest.raises(CaseRefused):
                load_case(data.row(tmp_path / "s", path))
    import pydicom

    bad = pydicom.dcmread(data.write_rtstruct(tmp_path / "rs.dcm", {"a": [np.zeros((3, 3))]}))
    bad.ROIContourSequence[0].ContourSequence[0].ContourData = ["1", "2", "3", "4"]
    bad.save_as(tmp_path / "rs.dcm")
    with pytest.raises(CaseRefused, match="damaged or incomplete"):
        load_case(data.row(tmp_path / "s", tmp_path / "rs.dcm"))


def test_random_damage_is_refused_or_harmless(tmp_path):
    """Bytes changed at random, mostly in headers: the case is read, or put aside with a message; nothing else is
    raised."""
    from random import Random

    folder = tmp_path / "s"
    series = data.write_series(folder, data.values())
    segments = np.stack([data.box(), data.box() > 0]).astype(np.uint8)
    images = [
        data.write(tmp_path / name, data.values().astype(kind))
        for name, kind in (("a.nii", "i2"), ("a.nii.gz", "f4"), ("a.nrrd", "i2"), ("a.mha", "i2"))
    ]
    masks = [
        data.write_seg(tmp_path / "seg.dcm", series, {"a": data.box() == 1}),
        data.write_slicer(tmp_path / "m.seg.nrrd", segments, [("a", 1, 0), ("b", 1, 1)]),
        data.write_rtstruct(tmp_path / "rs.dcm", {"a": [np.array([[-18.0, 7, 35], [-14, 7, 35], [-14, 11, 35]])]}),
    ]
    random, outcomes = Random(7), set()
    for path in [*images, series[2], *masks] * 12:
        whole = path.read_bytes()
        content = bytearray(whole)
        for _ in range(random.choice((1, 2, 8))):
            at = random.randrange(min(len(content), random.choice((400, 1500, 100_000))))
            content[at] = random.choice((0, 255, random.randrange(256), 48 + random.randrange(10), content[at] ^ 1))
        path.write_bytes(content)
        try:
            load_case(
                data.row(folder, path, segment="a")
                if path in masks
                else data.row(folder if path in series else path, masks[0])
            )
            outcomes.add("read")
        except CaseRefused as error:
            assert str(error).endswith(".")
            outcomes.add("refused")
        path.write_bytes(whole)
    assert outcomes == {"read", "refused"}


def test_nothing_of_the_patient_is_told_by_messages_warnings_or_logs(tmp_path, capfd, caplog, recwarn):
    """Every way of failing above on files of a named patient, with identifying text in broken fields too."""
    import logging

    import pydicom

    caplog.set_level(logging.DEBUG)
    files = data.write_series(tmp_path / "s", data.values())
    other = data.write_series(tmp_path / "o", data.values(), patient="OTHER-ID")
    told = []

    def fail(image, mask=None):
        with pytest.raises(CaseRefused) as caught:
            load_case(data.row(image, mask)) if mask else read_image(image)
        told.append(f"{caught.value} {caught.value.__dict__}")

    fail(tmp_path / "s", data.write_seg(tmp_path / "seg.dcm", other, {"a": data.box() == 1}))
    fail(tmp_path / "s", data.write_rtstruct(tmp_path / "rs.dcm", {"a": [np.zeros((3, 3))]}, patient="OTHER-ID"))
    content = files[1].read_bytes()
    for start, length in ((b"\x28\x00\x10\x00US\x02\x00", 2), (b"\x20\x00\x32\x00DS", 6)):  # Rows, ImagePositionPatient
        at = content.find(start)
        assert at > 0
        files[1].write_bytes(
            content[: at + len(start)] + data.NAME.encode()[:length].ljust(length) + content[at + len(start) + length :]
        )
        fail(tmp_path / "s")
    files[1].write_bytes(content[:700])
    fail(tmp_path / "s")
    files[1].write_bytes(content)
    one = pydicom.dcmread(files[1])
    one["SeriesInstanceUID"] = pydicom.DataElement(0x0020000E, "UI", data.NAME)
    one.save_as(files[1])
    fail(tmp_path / "s")
    out, err = capfd.readouterr()
    everything = " ".join([out, err, caplog.text, *told, *(str(w.message) for w in recwarn)])
    for secret in (data.NAME, "Mustermann", "Erika", data.HOSPITAL_ID, "OTHER-ID", data.BIRTH):
        assert secret not in everything

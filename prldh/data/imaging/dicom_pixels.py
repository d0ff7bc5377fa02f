"""Voxels of DICOM files as they are stored, one frame after the other.

Of every number as many bits count as BitsStored says, up to HighBit (PS3.5, 8.1.1); what stands above or below may be
anything. GDCM follows this where the highest of these bits is BitsStored − 1 and not more than 16 are allocated, so
that other files are decoded here, as are those of many frames and deflated ones.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from prldh.data.imaging.dicom_file import quiet_pydicom, read_dataset
from prldh.data.imaging.refusal import CaseRefused


def stored_frames(path: Path, frames: Iterable[int]) -> Iterator[np.ndarray]:
    """The stored numbers (row, column) of some frames of a file, counted from 0.

    Raises
    ------
    CaseRefused
        If they cannot be decoded, or not by the libraries that are installed.
    """
    dataset, _ = read_dataset(path, stop_before_pixels=False)
    wanted = list(frames)
    try:
        is_packed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
        decode = None if is_packed else _decoder(dataset)
    except Exception:  # absent, or no transfer syntax
        raise _undecodable(path) from None
    if decode is None:
        yield from _unpacked_frames(dataset, path, wanted)
        return
    for index in wanted:
        try:
            yield within_bits(decode(index), dataset)
        except Exception:  # pydicom's text may quote the file
            raise _undecodable(path) from None


def _undecodable(path: Path) -> CaseRefused:
    return CaseRefused(
        f"the voxels of '{path.name}' cannot be decoded: they are fewer than its header says, or of another type."
        " Copy or export it again."
    )


def within_bits(raw: np.ndarray, dataset: Any) -> np.ndarray:
    """The bits that are a number's own, with their sign."""
    if raw.dtype.kind not in "iu" or "BitsStored" not in dataset:  # floating point
        return raw
    width, stored = 8 * raw.dtype.itemsize, int(dataset.BitsStored)
    high = int(dataset.get("HighBit", stored - 1))
    if not stored - 1 <= high < width or stored < 1:
        raise ValueError("bits beyond a number's own")
    kind = "i" if int(dataset.get("PixelRepresentation") or 0) else "u"
    bits = raw.view(f"{raw.dtype.byteorder}u{raw.dtype.itemsize}").astype(f"u{raw.dtype.itemsize}")
    return (bits << (width - 1 - high)).view(f"{kind}{raw.dtype.itemsize}") >> (width - stored)


def colour_frame(path: Path) -> np.ndarray:
    """The pixels (row, column, channel) of a file in colour, as red, green and blue.

    Raises
    ------
    CaseRefused
        As :func:`stored_frames`.
    """
    dataset, _ = read_dataset(path, stop_before_pixels=False)
    try:
        return _decoder(dataset, is_raw=False)(0)
    except Exception:  # no such decoder is installed, or it is damaged: GDCM tells which
        pass
    with tempfile.TemporaryDirectory() as folder:
        return _by_gdcm(dataset, path, 0, Path(folder) / "0.dcm")


def _decoder(dataset: Any, is_raw: bool = True) -> Callable[[int], np.ndarray]:
    from pydicom.pixels import get_decoder

    decoder: Any = get_decoder(dataset.file_meta.TransferSyntaxUID)

    def decode(index: int) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: np.ndarray = decoder.as_array(dataset, index=index, raw=is_raw, correct_unused_bits=False)[0]
            return found

    return decode


def _unpacked_frames(dataset: Any, path: Path, frames: list[int]) -> Iterator[np.ndarray]:
    """Compressed frames, by pydicom where it can, by GDCM where it cannot."""
    try:
        decode = _decoder(dataset)
        found = [within_bits(decode(index), dataset) for index in frames]
    except Exception:  # no such decoder is installed, or it is damaged: GDCM tells which
        found = []
    if found:
        yield from found
        return
    with tempfile.TemporaryDirectory() as folder:
        for index in frames:
            yield _by_gdcm(dataset, path, index, Path(folder) / f"{index}.dcm")


def _by_gdcm(dataset: Any, path: Path, index: int, place: Path) -> np.ndarray:
    """One compressed frame as a file of its own, which GDCM decodes."""
    pydicom = quiet_pydicom()
    import SimpleITK as sitk
    from pydicom.encaps import encapsulate, get_frame

    try:
        one = pydicom.Dataset()
        one.file_meta = pydicom.dataset.FileMetaDataset()
        one.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = pydicom.uid.generate_uid()
        for name in (
            "Rows",
            "Columns",
            "BitsAllocated",
            "BitsStored",
            "HighBit",
            "PixelRepresentation",
            "SamplesPerPixel",
            "PhotometricInterpretation",
        ):
            setattr(one, name, dataset.get(name))
        n = int(dataset.get("NumberOfFrames") or 1)
        one.PixelData = encapsulate([get_frame(dataset.PixelData, index, number_of_frames=n)])
        one["PixelData"].is_undefined_length = True
        one.save_as(place, enforce_file_format=True)
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(place))
        values = sitk.GetArrayFromImage(reader.Execute())
        place.unlink()
        shape = (int(dataset.Rows), int(dataset.Columns))
        return values.reshape(shape if values.size == shape[0] * shape[1] else (*shape, -1))
    except Exception:
        syntax = dataset.file_meta.TransferSyntaxUID
        raise CaseRefused(
            f"the compressed voxels of '{path.name}' ({syntax.name if syntax.is_transfer_syntax else 'unknown syntax'})"
            " cannot be decoded by pydicom and GDCM as installed here, though the file may be whole. Save it"
            " uncompressed."
        ) from None

"""Images and masks: damaged headers and voxels, and rows of the table that names them."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from changes import CHECK_IMAGES, rewritten
from verdicts import Case


def _nifti(file: str, place: int, content: bytes) -> Callable[[Path], None]:
    """Bytes of the header of a compressed NIfTI file."""

    def change(folder: Path) -> None:
        raw = bytearray(gzip.decompress((folder / file).read_bytes()))
        raw[place : place + len(content)] = content
        (folder / file).write_bytes(gzip.compress(bytes(raw)))

    return change


def nifti_headers(file: str) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Headers of a compressed NIfTI file that are wrong in one place."""

    short = lambda *v: struct.pack(f"<{len(v)}h", *v)  # noqa: E731
    real = lambda *v: struct.pack(f"<{len(v)}f", *v)  # noqa: E731
    headers: dict[str, tuple[int, bytes]] = {
        "size_of_header": (0, struct.pack("<i", 999)),
        "huge_dims": (40, short(3, 32767, 32767, 32767)),
        "negative_dims": (40, short(3, -1, -5, 6)),
        "zero_dims": (40, short(3, 0, 10, 6)),
        "no_dims": (40, short(0)),
        "many_dims": (40, short(30000)),
        "five_dims": (40, short(5, 12, 10, 6, 2, 2)),
        "unknown_type": (70, short(7777)),
        "colour": (70, short(128, 24)),
        "complex": (70, short(32, 64)),
        "bits": (72, short(3)),
        "zero_spacing": (76, real(1, 0, 0, 0)),
        "negative_spacing": (76, real(1, -1, 1, 1)),
        "nan_spacing": (76, real(1, float("nan"), 1, 1)),
        "infinite_spacing": (76, real(1, float("inf"), 1, 1)),
        "tiny_spacing": (76, real(1, 1e-30, 1, 1)),
        "offset_beyond": (108, real(1e9)),
        "offset_negative": (108, real(-1)),
        "offset_nan": (108, real(float("nan"))),
        "slope_nan": (112, real(float("nan"), float("nan"))),
        "slope_infinite": (112, real(float("inf"), 0)),
        "slope_huge": (112, real(1e38, 0)),
        "affine_nan": (252, short(0, 1) + real(*[float("nan")] * 6) + real(*[float("nan")] * 12)),
        "affine_zero": (252, short(0, 1) + real(*[0.0] * 6) + real(*[0.0] * 12)),
        "magic": (344, b"xxxx"),
        "units": (123, b"\xff"),
    }
    for name, (place, content) in headers.items():
        yield name, _nifti(file, place, content)


def images() -> Iterator[Case]:
    """Headers and voxels that are damaged, in an image and in a mask."""

    for kind in ("image", "mask"):
        for name, change in nifti_headers(f"{kind}2.nii.gz"):
            yield Case("images", f"{kind}.{name}", "images", CHECK_IMAGES, change)
        ways: dict[str, Callable[[bytes], bytes]] = {
            "empty": lambda b: b"",
            "cut": lambda b: b[: len(b) // 2],
            "cut_header": lambda b: gzip.compress(gzip.decompress(b)[:200]),
            "cut_voxels": lambda b: gzip.compress(gzip.decompress(b)[:-100]),
            "not_gzip": lambda b: gzip.decompress(b),
            "random": lambda b: random.Random(2).randbytes(3000),
            "text": lambda b: b"not an image",
            "gzip_bomb": lambda b: gzip.compress(gzip.decompress(b) + bytes(300_000_000), 9),
            "csv": lambda b: b"a,b\n1,2\n",
            "flipped": lambda b: b[:100] + bytes(255 - x for x in b[100:110]) + b[110:],
        }
        for name, how in ways.items():
            yield Case("images", f"{kind}.{name}", "images", CHECK_IMAGES, rewritten(f"{kind}2.nii.gz", how))
    for name, value in {"nan": float("nan"), "infinite": float("inf"), "huge": 3e38}.items():

        def voxels(folder: Path, value=value) -> None:
            import SimpleITK as sitk

            image = sitk.ReadImage(str(folder / "image2.nii.gz"))
            array = sitk.GetArrayFromImage(image).astype("float32")
            array[2, 3, 4] = value
            found = sitk.GetImageFromArray(array)
            found.CopyInformation(image)
            sitk.WriteImage(found, str(folder / "image2.nii.gz"))

        yield Case("images", f"voxels.{name}", "images", CHECK_IMAGES, voxels)
    rows: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
        "no_mask_column": lambda t: t.drop(columns="mask"),
        "double_patient": lambda t: pd.concat([t, t.iloc[:1]]),
        "unknown_patient": lambda t: t.assign(patient_id=["X", *t["patient_id"][1:]]),
        "blank_image": lambda t: t.assign(image=["", *t["image"][1:]]),
        "label_text": lambda t: t.assign(label=["a", *["1"] * (len(t) - 1)]),
        "label_missing": lambda t: t.assign(label="9"),
        "label_half": lambda t: t.assign(label="1.5"),
        "label_huge": lambda t: t.assign(label="1e30"),
        "segment_of_nifti": lambda t: t.assign(segment="disc"),
        "image_as_mask": lambda t: t.assign(mask=t["image"]),
        "mask_as_image": lambda t: t.assign(image=t["mask"]),
        "one_image_for_all": lambda t: t.assign(image=t["image"][0]),
        "no_rows": lambda t: t.iloc[:0],
    }
    for name, how in rows.items():

        def change_rows(folder: Path, how=how) -> None:
            how(pd.read_csv(folder / "disc.csv", dtype=str)).to_csv(folder / "disc.csv", index=False)

        yield Case("images", f"rows.{name}", "images", CHECK_IMAGES, change_rows)

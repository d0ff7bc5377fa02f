"""Deflated DICOM (PS3.5, A.5), unpacked no further than it is read: a small file may unpack to any size."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

from prldh.core import file_bytes
from prldh.data.imaging.dicom_lengths import value_of

DEFLATED = b"1.2.840.10008.1.2.1.99"
_PLAIN = b"1.2.840.10008.1.2.1".ljust(len(DEFLATED), b"\0")
_PIECE = 1 << 16


class TooLarge(Exception):
    """A file unpacks to more than was allowed."""


class Inflated(io.RawIOBase):
    """A deflated DICOM file as if it were not: the same file in explicit little endian.

    Parameters
    ----------
    path : Path
    most : int
        So many bytes are unpacked at most; then :class:`TooLarge` is raised.
    """

    name = ""  # which pydicom asks for

    def __init__(self, path: Path, most: int) -> None:
        packed = file_bytes(path)
        at = 132
        while packed[at : at + 2] == b"\x02\0":
            _, after = value_of(packed, at, len(packed), "<", True)
            if after is None:
                raise ValueError("meta information without an end")
            at = after
        self._content = bytearray(packed[:at].replace(DEFLATED, _PLAIN))
        self._packed = packed[at:]
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._most, self._place = most, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._unpack(self._most)
            offset += len(self._content)
        self._place = offset + (self._place if whence == io.SEEK_CUR else 0)
        return self._place

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer)
        self._unpack(self._place + wanted)
        piece = self._content[self._place : self._place + wanted]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def _unpack(self, wanted: int) -> None:
        """Have that many bytes, or all there are."""
        while len(self._content) < wanted and self._packed and not self._inflater.eof:
            if len(self._content) >= self._most:
                raise TooLarge
            self._content += self._inflater.decompress(self._packed, _PIECE)
            self._packed = self._inflater.unconsumed_tail

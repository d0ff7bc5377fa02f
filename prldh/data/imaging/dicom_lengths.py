"""Whether the lengths in a DICOM file fit into it.

GDCM takes room for as much as an element says it holds, up to 4 GB, before it reads; a damaged or hostile file may say
anything. The elements are therefore walked (DICOM PS3.5, 7.1, 7.5 and A.4) before GDCM is given the file.
"""

from __future__ import annotations

import struct

_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_SHORT = frozenset(
    (
        b"AE",
        b"AS",
        b"AT",
        b"CS",
        b"DA",
        b"DS",
        b"DT",
        b"FD",
        b"FL",
        b"IS",
        b"LO",
        b"LT",
        b"PN",
        b"SH",
        b"SL",
        b"SS",
        b"ST",
        b"TM",
        b"UI",
        b"UL",
        b"US",
    )
)
_OPEN = 0xFFFFFFFF
_IMPLICIT, _BIG_ENDIAN = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2"
_ITEM, _PIXELS = (0xFFFE, 0xE000), (0x7FE0, 0x0010)


def lengths_fit(content: bytes) -> bool:
    """Whether every element of a file (its bytes, preamble included) ends within it, nested ones included."""
    try:
        at, syntax = 132, b""
        while struct.unpack_from("<H", content, at)[0] == 2:
            start, after = value_of(content, at, len(content), "<", True)
            if after is None:
                return False
            if content[at : at + 4] == b"\x02\0\x10\0":
                syntax = content[start:after].rstrip(b"\0 ")
            at = after
        _elements(content, at, len(content), ">" if syntax == _BIG_ENDIAN else "<", syntax != _IMPLICIT)
    except (struct.error, ValueError, RecursionError):
        return False
    return True


def _elements(content: bytes, at: int, end: int, order: str, is_explicit: bool) -> int:
    """Walk elements up to ``end`` or the end of their item; returns where the next thing begins. Zeros at the end are
    padding."""
    while at < end and (content[at] or content[at:end].strip(b"\0")):
        tag = struct.unpack_from(order + "HH", content, at)
        if tag[0] == 0xFFFE:  # the item ends here
            return at + 8
        start, after = value_of(content, at, end, order, is_explicit)
        if tag == _PIXELS and after is None:
            at = _items(content, start, end, order, None)
            continue
        vr = content[at + 4 : at + 6] if is_explicit else b""
        if after is None:
            at = _items(content, start, end, order, is_explicit and vr != b"UN")
        else:
            if vr == b"SQ":
                _items(content, start, after, order, True)
            at = after
    return at


def _items(content: bytes, at: int, end: int, order: str, is_explicit: bool | None) -> int:
    """Walk the items of a sequence up to ``end`` or its delimiter; items of compressed voxels (None) hold no
    elements."""
    while at < end:
        *tag, length = struct.unpack_from(order + "HHI", content, at)
        at += 8
        if tuple(tag) != _ITEM:
            return at
        if length == _OPEN and is_explicit is not None:
            at = _elements(content, at, end, order, is_explicit)
            continue
        if at + length > end:
            raise ValueError("an item beyond the file")
        if is_explicit is not None:
            _elements(content, at, at + length, order, is_explicit)
        at += length
    return at


def value_of(content: bytes, at: int, end: int, order: str, is_explicit: bool) -> tuple[int, int | None]:
    """Where an element's value begins and ends; None where its end is marked, not told."""
    vr = content[at + 4 : at + 6]
    if not is_explicit:
        start, length = at + 8, struct.unpack_from(order + "I", content, at + 4)[0]
    elif vr in _LONG:
        start, length = at + 12, struct.unpack_from(order + "I", content, at + 8)[0]
    elif vr in _SHORT:
        start, length = at + 8, struct.unpack_from(order + "H", content, at + 6)[0]
    else:
        raise ValueError("an element of no known type")
    if length == _OPEN:
        return start, None
    if start + length > end:
        raise ValueError("a value beyond the file")
    return start, start + length

"""Names: of the files that are written, and none of those that were read, which may name patients, in messages that are
written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from prldh.core import CaseRow, StudyError
from prldh.data.imaging.cases import split_series


def without_names(message: str, row: CaseRow) -> str:
    """A message on a row of a cases table, its image and masks called by what they are. In messages, names stand in
    quotes or as whole paths.

    Examples
    --------
    >>> from pathlib import Path
    >>> row = CaseRow("disc", "P1", 2, Path("a/Erika M.nii"), (Path("a/Erika M mask.nii"),))
    >>> without_names("the mask 'Erika M mask.nii' and its image 'Erika M.nii' do not overlap.", row)
    'the mask and its image do not overlap.'
    >>> without_names("not found: a/Erika M.nii. Correct the path.", row)
    'not found: the image. Correct the path.'
    """
    called: dict[str, str] = {}
    beside: dict[str, str] = {}
    for k, path in enumerate((row.image, *row.masks)):
        what = "the image" if k == 0 else "the mask" if len(row.masks) == 1 else f"the mask of reader {k}"
        place, _ = split_series(path)
        inside = (
            place
            if place.is_dir()
            else place.parent
            if place.suffix.lower() in (".dcm", ".ima", ".dicom", "")
            else None
        )
        if inside is not None and inside.is_dir():
            beside |= {file.name: f"a file of {what}" for file in inside.iterdir() if file.name in message}
        called |= {place.name: what, path.name: what}
        message = message.replace(str(path), what).replace(str(place), what)
    called = beside | called
    for name in sorted(called, key=len, reverse=True):
        what = called[name]
        noun = what.split()[1]
        quoted = rf"{noun} '{re.escape(name)}'"
        message = re.sub(rf"\bits {quoted}", f"its {what[4:]}", message)
        message = re.sub(rf"\b(?:the )?{quoted}", what, message)
        message = message.replace(f"'{name}'", what)
    return message


def file_stem(tissue: str) -> str:
    """A tissue's name as a file name: what a file system may refuse becomes ``_``."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", tissue).strip(". ") or "_"


def refuse_same_stems(tissues: Iterable[str]) -> None:
    """Two tissues whose files would have one name, where upper and lower case may be the same.

    Raises
    ------
    StudyError
    """
    seen: dict[str, str] = {}
    for name in tissues:
        other = seen.setdefault(file_stem(name).lower(), name)
        if other != name:
            raise StudyError(
                f"tissues: '{other}' and '{name}' would be written to files of one name. Rename one of them."
            )

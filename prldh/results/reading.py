"""Reading a finished run: ``results.json``, and what `prldh apply` wrote beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from prldh.core import DataError, PrldhError, file_bytes, is_file, is_folder, is_there, resolved, shown, shown_path
from prldh.results.document import Document
from prldh.results.folder_files import External, Pooled, Provenance
from prldh.results.held import hold, parse, read_held

SCHEMA: Final = "prldh-results/1"
EXTERNAL_SCHEMA: Final = "prldh-external/1"
POOLED_SCHEMA: Final = "prldh-external-pooled/1"


#: What to do about results that are not what was written.
AGAIN = "Put the file back that was written, or run `prldh analyze … --force` again."


def read_results(folder: Path) -> dict[str, Any]:
    """``results.json`` of an output folder, held to its schema.

    Raises
    ------
    DataError
        If there is none, it is not JSON, of another schema, or not as a run writes it.
    """
    path = folder / "results.json" if is_folder(folder) else folder
    refuse_other(folder)
    try:
        data = parse(path, file_bytes(path), AGAIN)
    except FileNotFoundError:
        if is_file(folder / RESULTS):
            raise DataError(
                f"{shown_path(folder)} is what `prldh apply` said of a cohort. Give the run's folder,"
                f" {shown_path(resolved(folder).parents[1])}."
            ) from None
        if not is_there(folder):
            raise DataError(f"{shown_path(folder)} is not there. Give the output folder of `prldh analyze`.") from None
        raise DataError(
            f"no results in {folder}: results.json is missing. Run `prldh analyze STUDY.yaml --out {folder}` first."
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read as results: {error.strerror or error}. {AGAIN}") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA and path == folder and path.name != "results.json":
        raise DataError(
            f"{shown_path(path)} holds no results of a run{_beside(path)}. Give the output folder of `prldh analyze"
            " STUDY.yaml --out FOLDER`, or its results.json."
        )
    if schema != SCHEMA:
        raise DataError(
            f"{path}: schema is {schema!r}, this version reads {SCHEMA!r}. Run `prldh analyze … --force` again with"
            " this version."
        )
    hold(path, data, Document, AGAIN)
    return data


def _beside(path: Path) -> str:
    """Where the results are that a file of a finished run lies beside."""
    return f"; {shown_path(path.parent)} does" if is_file(path.parent / "results.json") else ""


def refuse_other(folder: Path) -> None:
    """Refuse what is given for a run's folder and is a file of another kind, such as a study file.

    Raises
    ------
    DataError
        If it is a file that is no ``results.json``.
    """
    if not is_file(folder) or folder.name == "results.json" or folder.suffix.lower() == ".json":
        return
    what = {**dict.fromkeys((".yaml", ".yml"), "a study file or cohort file"), ".csv": "a table", ".html": "a page"}
    raise DataError(
        f"{shown_path(folder)} is {what.get(folder.suffix.lower(), 'a file')}, and not a finished run. Give the output"
        " folder of `prldh analyze STUDY.yaml --out FOLDER`."
    )


def read_provenance(folder: Path) -> dict[str, Any] | None:
    """``provenance.json`` of an output folder, held to its schema; None where it is lost.

    Raises
    ------
    DataError
        If it is there and not as a run writes it.
    """
    try:
        return read_held(folder / "provenance.json", Provenance, AGAIN)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(
            f"{folder / 'provenance.json'} cannot be read: {error.strerror or error}. Mend that, or remove it."
        ) from None


def files_read(run: Path) -> list[dict[str, Any]]:
    """What a run and its external validations read, by ``sha256`` and ``bytes``; what was altered so that it does not
    say so is left out."""
    found: list[dict[str, Any]] = []
    with suppress(DataError):
        found += (read_provenance(run) or {}).get("files", ())
    with suppress(DataError):
        found += [each for entry in read_external(run) for each in entry.get("files", ())]
    return found


def folder_of(run: Path) -> Path:
    """The folder of a run, for which its ``results.json`` may stand."""
    return run.parent if run.name == "results.json" and is_file(run) else run


def altered_files(folder: Path) -> list[str]:
    """The files of a finished run that are not what it wrote, by its ``provenance.json``; none where that is lost or of
    a version that did not keep their checksums."""
    provenance = read_provenance(folder) or {}
    return [name for name, sha256 in provenance.get("written", {}).items() if not _has_checksum(folder / name, sha256)]


def _why(error: Exception) -> str:
    """What is wrong with files that do not fit together, in words."""
    return f"there is no {shown(str(error), 80)}" if isinstance(error, KeyError) else "its parts do not fit together"


@contextmanager
def finished(*folders: Path, others: Iterable[Path] = ()) -> Iterator[None]:
    """For what is done with finished folders: where it fails as the files do not fit together, and some of them are not
    what was written, that is what is said. ``others``: more files that are known to be altered.

    Raises
    ------
    DataError
        In the place of whatever was raised, where a file was altered.
    """
    try:
        yield
    except PrldhError:
        raise
    except Exception as error:
        altered = [str(folder / name) for folder in folders for name in altered_files(folder)]
        altered += [str(path) for path in others if str(path) not in altered]
        unknown = [str(folder) for folder in folders if "written" not in (read_provenance(folder) or {})]
        if not altered and unknown:
            raise DataError(
                f"{', '.join(unknown[:3])} cannot be used ({_why(error)}): it is of another"
                " version, or was changed. Run `prldh analyze … --force` again with this version."
            ) from error
        if not altered:
            raise
        raise DataError(
            f"{', '.join(altered[:3])} {'was' if len(altered) == 1 else 'were'} changed after the run, and cannot be"
            f" used as it is now ({_why(error)}). {AGAIN}"
        ) from error


FOLDER = "external"
RESULTS = "external.json"
POOLED = "pooled.json"


def read_external(run: Path) -> list[dict[str, Any]]:
    """What was said of every cohort beside a run, by name; ``is_stale`` where the run's models are others now."""
    try:
        sha256 = hashlib.sha256(file_bytes(run / "model.json")).hexdigest()
    except OSError:
        sha256 = None
    entries = []
    for path in sorted((run / FOLDER).glob(f"*/{RESULTS}")):
        entry = read_applied(path, External)
        entries.append({**entry, "is_stale": entry["model_sha256"] != sha256, "folder": f"{FOLDER}/{path.parent.name}"})
    return sorted(entries, key=lambda entry: entry["name"])


def read_pooled(run: Path) -> dict[str, Any] | None:
    """What was said of several cohorts together; None where nothing was. ``is_stale`` where the run's models or what is
    said of one of the cohorts are others now."""
    path = run / FOLDER / POOLED
    if not path.exists():
        return None
    entry = read_applied(path, Pooled)
    try:
        sha256 = hashlib.sha256(file_bytes(run / "model.json")).hexdigest()
    except OSError:
        sha256 = None
    is_same = entry["model_sha256"] == sha256 and all(
        _has_checksum(run / cohort["folder"] / RESULTS, cohort["sha256"]) for cohort in entry["cohorts"]
    )
    return {**entry, "is_stale": not is_same}


def read_applied(path: Path, kind: Any = External) -> dict[str, Any]:
    """What `prldh apply` wrote, as it wrote it."""
    do = "Run `prldh apply … --force` again, or remove its folder."
    try:
        return read_held(path, kind, do)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. {do}") from None


def _has_checksum(path: Path, sha256: str) -> bool:
    return is_file(path) and hashlib.sha256(file_bytes(path)).hexdigest() == sha256

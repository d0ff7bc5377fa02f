"""A plan before the run: what settings, tables (less the outcome), images, files, seed and versions were, as digests,
and how far a later run followed it. Making a plan reads no outcome."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prldh.chain import Protocol, plan_models
from prldh.core import DataError, OutputError, Warn, check_target, file_bytes, given_path, seal_of, warn, write_whole
from prldh.data import digest_cases, digest_table, some
from prldh.data.imaging import check_names
from prldh.plugins import Registry
from prldh.results import NOT_THERE, Deviation, PlanFollowed, differing_settings, shown_setting, way_as_run
from prldh.run.protocols import resolve_protocols
from prldh.run.provenance import PACKAGES, iso, sha256_of, version_of
from prldh.study import Study, TableFile, read_study

SCHEMA = "prldh-plan/1"
#: Keys of the study file that change no number, and the seed, which a plan names by itself.
NO_SETTINGS = {"compute", "title", "report", "seed"}
#: A title that a study has for want of one.
UNTITLED = Study.model_fields["title"].default
#: What every plan holds.
FIXED: dict[str, type | tuple[type, ...]] = {
    "made": str,
    "title": str,
    "study_file": (dict, type(None)),
    "seed": int,
    **dict.fromkeys(("settings", "patients", "tables", "images", "files", "versions"), dict),
}
SourceOfStudy = str | os.PathLike | dict | Study


def write_plan(
    study: SourceOfStudy, out: str | os.PathLike, *, force: bool = False, plugins: Sequence[Any] = ()
) -> list[str]:
    """``prldh plan``: write down what an analysis will be, before outcomes are looked at.

    Parameters
    ----------
    study
        Path of a study file, or its content.
    out
        The file to write, JSON.
    force
        Replace a file that is there.
    plugins
        As :func:`prldh.analyze` takes them.

    Returns
    -------
    list of str
        The lines to print.

    Raises
    ------
    PrldhError
        For anything that a user can mend. The outcome may be blank, or not there yet: it is not read.
    """
    out = given_path(out, "out")
    check_target(out, "--out", never=_inputs(study), force=force)
    content = describe_plan(study, plugins)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    try:
        write_whole(out, text.encode(), is_result=True)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written: {error.strerror or error}. Give another place with --out."
        ) from None
    n_columns = sum(len(table["columns"]) for table in content["tables"].values())
    counts = {"table": len(content["tables"]), "column": n_columns, "file": len(content["files"])}
    tables, columns, files = (f"{n} {noun}{'s' * (n != 1)}" for noun, n in counts.items())
    images = f", images of {', '.join(content['images'])}" if content["images"] else ""
    return [
        f"{content['title']}: {content['patients']['n']} rows in the clinical table, the outcome not read",
        f"fixed: settings, seed {content['seed']}, {tables} with {columns}{images}, {files} that settings name,"
        " versions",
        f"plan: {out}",
        f"SHA-256 of this file: {hashlib.sha256(text.encode()).hexdigest()}",
        "Register the file, or this number, where others keep the time: a date in a file proves nothing.",
    ]


def describe_plan(source: SourceOfStudy, plugins: Sequence[Any] = ()) -> dict[str, Any]:
    """The content of a plan's file."""
    study, folder = read_study(source)
    registry = Registry(plugins)
    protocol, protocols = resolve_protocols(study, registry, folder)
    check_names(study, registry)
    plan_models(study)
    content = {
        "schema": SCHEMA,
        "made": iso(time.time()),
        "title": study.title,
        "study_file": _study_file(source),
        **_fixed(study, folder, registry, protocol, protocols),
    }
    return {**content, "sha256": seal_of(content)}


def read_plan(path: str | os.PathLike) -> dict[str, Any]:
    """The content of a plan's file.

    Raises
    ------
    DataError
        If it is missing, damaged, changed by hand or of another schema.
    """
    path = given_path(path, "plan_file")
    again = "Give the file that `prldh plan` wrote."
    try:
        content = json.loads(file_bytes(path))
    except FileNotFoundError:
        raise DataError(f"--plan {path} is not there. {again}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"--plan {path} is damaged, or no plan: {error}. {again}") from None
    except OSError as error:
        raise DataError(f"--plan {path} cannot be read: {error.strerror or error}. {again}") from None
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise DataError(f"--plan {path}: schema is {schema!r}, this version reads {SCHEMA!r}. {again}")
    if content.get("sha256") != seal_of(content):
        raise DataError(f"--plan {path} was changed after `prldh plan` wrote it: its own checksum differs. {again}")
    absent = [key for key, kind in FIXED.items() if not isinstance(content.get(key), kind)]
    if absent:
        raise DataError(f"--plan {path} is damaged: it lacks {', '.join(absent)}. {again}")
    return {**content, "file": path.name, "file_sha256": sha256_of(path)}


def follow_plan(
    planned: Mapping[str, Any],
    source: SourceOfStudy,
    study: Study,
    folder: Path,
    registry: Registry,
    protocol: Protocol,
    protocols: Mapping[str, Protocol],
    started: float,
) -> tuple[PlanFollowed, list[Warn]]:
    """How far a run follows a plan, and a warning where it departs from it.

    Parameters
    ----------
    planned
        What :func:`read_plan` gives.
    source
        The study as it was given to the run; ``study`` and ``folder`` are the same as read, with what the command line
        overrides.
    registry, protocol, protocols
        As the run has them, before it chooses.
    started
        When the run began, in seconds since 1970.

    Raises
    ------
    DataError
        If the plan is of another study: neither its title nor its patients are this one's.
    """
    found = _fixed(study, folder, registry, protocol, protocols)
    is_titled = study.title == planned["title"] != UNTITLED
    if not is_titled and found["patients"] != planned["patients"]:
        raise DataError(
            f"--plan {planned['file']} is the plan of another study ('{planned['title']}', {planned['patients']['n']}"
            f" rows): neither its title nor its patients are this one's ('{study.title}', {found['patients']['n']}"
            " rows). Give the plan of this study."
        )
    deviations = tuple(_deviations(planned, found))
    files = [each and each["sha256"] for each in (planned["study_file"], _study_file(source))]
    followed = PlanFollowed(
        file=planned["file"],
        sha256=planned["file_sha256"],
        made=planned["made"],
        began=iso(started),
        is_same_file=None if None in files else files[0] == files[1],
        compared={
            "settings": _count(found["settings"]),
            "seed": 1,
            **{kind: len({*planned[kind], *found[kind]}) for kind in ("tables", "images", "files", "versions")},
        },
        deviations=deviations,
    )
    if not deviations:
        return followed, []
    n, listed = len(deviations), some([f"{each.kind}: {each.what}" for each in deviations], limit=400)
    told = warn.PLAN_DEVIATIONS(n=n, file=planned["file"], is_are="is" if n == 1 else "are", listed=listed)
    return followed, [told]


# ---------------------------------------------------------------- what is fixed


def _fixed(
    study: Study, folder: Path, registry: Registry, protocol: Protocol, protocols: Mapping[str, Protocol]
) -> dict[str, Any]:
    """Everything that a plan fixes, of a study and its inputs as they are now."""
    settings = study.model_dump(mode="json", exclude=NO_SETTINGS)
    settings |= way_as_run(protocol) | {"protocols": {name: way_as_run(own) for name, own in protocols.items()}}
    outcome, id_column = study.clinical.outcome, study.clinical.id
    clinical_read, is_unique = study.clinical.read, study.clinical.patient is None
    tables = {
        name: asdict(
            digest_table(
                folder / table.path,
                id_column,
                (outcome,),
                table.read.joined_as(clinical_read),
                is_unique,
                _needed(study) if name == "clinical" else {},
            )
        )
        for name, table in _tables(study).items()
    }
    images = {
        name: asdict(
            digest_cases(folder / cases.path, name, id_column, study.imaging, cases.read.joined_as(clinical_read))
        )
        for name, tissue in study.tissues.items()
        if (cases := tissue.cases()) is not None
    }
    clinical = tables["clinical"]
    return {
        "settings": settings,
        "settings_sha256": seal_of(settings),
        "seed": study.seed,
        "patients": {"n": clinical["rows"], "sha256": clinical["ids"]},
        "tables": tables,
        "images": images,
        "files": {name: sha256_of(folder / name) for name in sorted(_files(settings, folder, {*study.inputs()}))},
        "versions": _versions(registry, [protocol, *protocols.values()]),
    }


def _tables(study: Study) -> dict[str, TableFile]:
    """The tables by what they are, so that a file may have another name."""
    tables = {"clinical": TableFile(path=study.clinical.table, read=study.clinical.read)}
    for name, tissue in study.tissues.items():
        for source, readers in tissue.tables().items():
            for k, table in enumerate(readers):
                tables[f"{name}, {source}, reader {k + 1}"] = table
    return tables


def _needed(study: Study) -> dict[str, str]:
    """The columns that the clinical table must have, the outcome aside, by where the study file names them."""
    clinical = study.clinical
    needed = {f"clinical.covariates.{name}": name for name in clinical.covariates}
    needed |= {f"clinical.columns.{name}": column for name, column in clinical.columns.items()}
    needed |= {f"tissues.{name}.radscore": t.radscore for name, t in study.tissues.items() if t.radscore is not None}
    return needed if clinical.patient is None else {**needed, "clinical.patient": clinical.patient}


def _files(settings: Any, folder: Path, tables: set[str]) -> Iterator[str]:
    """Files that settings name, such as presets and checkpoints: not the tables, which are compared by content."""
    if isinstance(settings, Mapping):
        for value in settings.values():
            yield from _files(value, folder, tables)
    elif isinstance(settings, (list, tuple)):
        for value in settings:
            yield from _files(value, folder, tables)
    elif isinstance(settings, str) and settings not in tables and _is_file(folder, settings):
        yield settings


def _is_file(folder: Path, name: str) -> bool:
    try:
        return bool(name) and (folder / name).is_file()
    except (OSError, ValueError):
        return False


def _versions(registry: Registry, protocols: Sequence[Protocol]) -> dict[str, str]:
    """Versions of the program, Python, its packages, plugins, and of the steps and learners that are used."""
    versions = {"prldh": version_of("prldh"), "python": platform.python_version()}
    versions |= {name: version_of(name) for name in PACKAGES}
    versions |= {each.name: each.version for each in registry.distributions}
    for protocol in protocols:
        for item in (*(step.selector for step in protocol.steps), protocol.learner.learner):
            versions[f"step or learner '{item.name}'"] = str(getattr(item, "version", ""))
    return {name: version for name, version in versions.items() if version}


def _inputs(source: SourceOfStudy) -> list[Path]:
    """The study file and the tables that it reads."""
    study, folder = read_study(source)
    own = [] if isinstance(source, (dict, Study)) else [Path(source)]
    return [*own, *(folder / path for path in study.inputs())]


def _study_file(source: SourceOfStudy) -> dict[str, str] | None:
    """The study file's name and the digest of its bytes; None of a study that is no file."""
    if isinstance(source, (dict, Study)):
        return None
    return {"name": Path(source).name, "sha256": sha256_of(Path(source))}


# ---------------------------------------------------------------- what differs


def _deviations(planned: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Deviation]:
    for each in differing_settings(planned["settings"], found["settings"]):
        yield Deviation("settings", each.key, *map(shown_setting, each.values))
    if planned["seed"] != found["seed"]:
        yield Deviation("seed", "seed", str(planned["seed"]), str(found["seed"]))
    for name, before, now in _pairs(planned["tables"], found["tables"]):
        if before is None or now is None:
            yield Deviation("tables", name, *(_of_table(each) for each in (before, now)))
        elif before["sha256"] != now["sha256"]:
            yield from _of_content(name, before, now)
    for name, before, now in _pairs(planned["images"], found["images"]):
        if before is None or now is None or before["sha256"] != now["sha256"]:
            yield Deviation("images", name, *(_of_cases(each) for each in (before, now)))
    for kind in ("files", "versions"):
        for name, before, now in _pairs(planned[kind], found[kind]):
            if before != now:
                shown = [NOT_THERE if each is None else each for each in (before, now)]
                texts = [shown_setting(each) for each in shown]
                yield Deviation(kind, name, *(f"SHA-256 {t[:16]}…" if len(t) == 64 else t for t in texts))


def _pairs(planned: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys([*planned, *found]):
        yield name, planned.get(name), found.get(name)


def _of_table(table: Mapping[str, Any] | None) -> str:
    if table is None:
        return shown_setting(NOT_THERE)
    return f"{table['file']}: {table['rows']} rows, {len(table['columns'])} columns"


def _of_cases(cases: Mapping[str, Any] | None) -> str:
    if cases is None:
        return shown_setting(NOT_THERE)
    return f"{cases['file']}: {cases['cases']} cases, SHA-256 {cases['sha256'][:16]}…"


def _of_content(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Deviation]:
    """What of a table is other than it was: its patients, or else the columns that came, went or changed."""
    if before["ids"] != now["ids"]:
        other = " (other ids)" if before["rows"] == now["rows"] else ""
        yield Deviation("tables", name, f"{before['rows']} rows", f"{now['rows']} rows{other}")
    gone = [column for column in before["columns"] if column not in now["columns"]]
    new = [column for column in now["columns"] if column not in before["columns"]]
    if gone:
        yield Deviation("tables", name, f"columns {some(gone)}", shown_setting(NOT_THERE))
    if new:
        yield Deviation("tables", name, shown_setting(NOT_THERE), f"columns {some(new)}")
    changed = [c for c, own in before["columns"].items() if now["columns"].get(c, own) != own]
    if before["ids"] == now["ids"] and changed:
        yield Deviation("tables", name, f"columns {some(changed)}", "other values in them")


def _count(settings: Any) -> int:
    """How many settings there are, counted where they are compared."""
    if isinstance(settings, Mapping) and settings:
        return sum(map(_count, settings.values()))
    return 1

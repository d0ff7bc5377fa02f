"""What a rule says of an item, and the evidence it points to: in words for the reader, with the key for programs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from prldh.ibsi import Extraction

FILLED, CONTRADICTED, AUTHOR, ANSWERED, NOT_APPLICABLE = (
    "filled",
    "contradicted",
    "author",
    "answered",
    "not applicable",
)
STATUSES = (FILLED, CONTRADICTED, AUTHOR, ANSWERED, NOT_APPLICABLE)


#: What stands in the results and in the study file, by the beginning of the key.
RESULTS = {
    "choice": "choice among protocols",
    "clinical_model": "model of the covariates alone",
    "cohort": "patients",
    "comparisons": "comparisons",
    "images": "feature sources",
    "ledger": "what was fitted on whom",
    "missing": "missing data",
    "models": "models",
    "plan": "plan",
    "sample_size": "sample size",
    "study": "schemes of validation",
    "subgroups": "subgroups",
    "table_one": "Table 1",
    "tissues": "Radscores",
    "yardstick": "plain models beside the study's",
}
SETTINGS = {
    "adjust": "adjustment",
    "choose": "choice among protocols",
    "clinical.covariates": "covariates",
    "clinical.outcome": "outcome and event",
    "clinical.table": "clinical table",
    "comparisons": "comparisons",
    "learner": "learner",
    "missing": "missing data",
    "models": "models",
    "report.checklists": "checklists",
    "seed": "seed",
    "selection": "selection",
    "subgroups": "subgroups",
    "tissues": "tissues",
    "title": "title",
    "transforms": "transforms",
    "validation": "validation",
    "validation.scope": "scope of validation",
}
FILES = {
    "model.json": "frozen models",
    "reproduce": "data for doing it again",
    "reproduce/analysis.R": "analysis in plain R",
    "tables/features_ibsi.csv": "table of the selected features",
}
#: What ``where`` of an extraction is, where its record is a file of the output folder.
EXTRACTED, OF_RUN = "features/", "results.json"


@dataclass(frozen=True)
class Evidence:
    """Where it stands: in words, as a link relative to the output folder (None: nothing to link to), and as a ``key``
    that a program can follow."""

    where: str
    href: str | None = None
    key: str = ""


def report(anchor: str) -> Evidence:
    """A section of the report."""
    name = anchor.removeprefix("plugin-").replace("-", " ")
    return Evidence(f"report, section {name}", f"report.html#{anchor}", anchor)


def result(*keys: str) -> Evidence:
    """Keys of results.json, all of one part."""
    return Evidence(f"results, {RESULTS[re.split(r'[.[]', keys[0])[0]]}", OF_RUN, f"results.json: {', '.join(keys)}")


def setting(key: str) -> Evidence:
    """A setting of the study file, as run."""
    words = SETTINGS.get(key) or SETTINGS[key.split(".")[0]]
    return Evidence(f"study file, {words}", "report.html#provenance", f"study file: {key}")


def file(name: str) -> Evidence:
    """A file of the output folder for others to use."""
    return Evidence(f"output folder, {FILES[name]}", name, name)


def cohort_file(name: str, folder: str) -> Evidence:
    """What the frozen models did on other patients."""
    return Evidence(f"results on {name}", f"{folder}/external.json", f"{folder}/external.json")


def extraction(e: Extraction, what: str, key: str = "") -> Evidence:
    """Where something of an extraction stands: its settings (and which), image types, versions, voxel size, or
    else."""
    place = e.place(what)
    of = e.where if e.is_file else f"results, images of {e.name}" if e.where == OF_RUN else f"extraction of {e.name}"
    return Evidence(f"{of}, {what}", e.where, f"{e.where}: {place}{f', {key}' if key else ''}")


@dataclass(frozen=True)
class Finding:
    """What the run shows of an item.

    ``remaining``: what a filled item still needs from the author; ``verdict``: yes or no where the status alone does
    not say.
    """

    status: str
    value: str | None = None
    evidence: tuple[Evidence, ...] = ()
    reason: str | None = None
    remaining: str | None = None
    verdict: str | None = None


def filled(value: str | None, *evidence: Evidence, remaining: str | None = None) -> Finding:
    """The run shows it."""
    return Finding(FILLED, value, evidence, remaining=remaining)


def contradicted(value: str, *evidence: Evidence) -> Finding:
    """The run shows the contrary."""
    return Finding(CONTRADICTED, value, evidence)


def ask(value: str | None = None, *evidence: Evidence) -> Finding:
    """Only the author can answer; ``value`` is what the run shows beside."""
    return Finding(AUTHOR, value, evidence)


def not_applicable(reason: str, *evidence: Evidence) -> Finding:
    """The item does not apply to this study."""
    return Finding(NOT_APPLICABLE, reason=reason, evidence=evidence)

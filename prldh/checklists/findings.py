"""What a rule says of an item, and the evidence it points to."""

from __future__ import annotations

from dataclasses import dataclass

FILLED, CONTRADICTED, AUTHOR, ANSWERED, NOT_APPLICABLE = (
    "filled",
    "contradicted",
    "author",
    "answered",
    "not applicable",
)
STATUSES = (FILLED, CONTRADICTED, AUTHOR, ANSWERED, NOT_APPLICABLE)


@dataclass(frozen=True)
class Evidence:
    """Where it stands: in words, and as a link relative to the output folder (None: nothing to link to)."""

    where: str
    href: str | None = None


def report(anchor: str) -> Evidence:
    """A section of report.html."""
    return Evidence(f"report, section {anchor.replace('-', ' ')}", f"report.html#{anchor}")


def result(key: str) -> Evidence:
    """A key of results.json."""
    return Evidence(f"results.json: {key}", "results.json")


def setting(key: str) -> Evidence:
    """A setting of the study file, as run."""
    return Evidence(f"study file: {key}", "report.html#provenance")


def file(name: str, key: str = "") -> Evidence:
    """A file of the output folder."""
    return Evidence(f"{name}: {key}" if key else name, name)


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

"""The few lines that a terminal shows at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: Which held-out number leads, the most honest first.
HONEST = (("pipeline", "folds"), ("pipeline", "leave_one_out"), ("pipeline", "bootstrap"), ("model", "folds"), ("model", "leave_one_out"), ("model", "bootstrap"))


#: Stages whose warnings change what was asked for, so that the terminal tells them too.
TOLD_AT_ONCE = ("engines", "cohort", "features")


def honest_auc(entry: dict[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    """The most honest AUC of a model that has a number: (scope, scheme, {estimate, low, high}), or None.

    Of the bootstrap it is .632+: where features are selected from more of them than patients the optimism correction is too hopeful.
    """
    for scope, scheme in HONEST:
        found = entry["validation"].get(scope, {}).get(scheme)
        if not found:
            continue
        for key in ("auc", "auc_mean"):
            value = found.get(key, {})
            if value.get("b632plus") is not None:
                return scope, scheme, {"estimate": value["b632plus"], "low": value.get("b632plus_low"), "high": value.get("b632plus_high")}
            if value.get("estimate") is not None:
                return scope, scheme, value
    return None


def scheme_words(scheme: str) -> str:
    """A scheme of :func:`honest_auc` in words."""
    return "bootstrap, .632+" if scheme == "bootstrap" else scheme.replace("_", "-")


def interval(found: dict[str, Any], digits: int = 3) -> str:
    """``0.857 (0.797, 0.918)``; a dash for what does not exist."""
    shown = [f"{found[k]:.{digits}f}" if found.get(k) is not None else "–" for k in ("estimate", "low", "high")]
    return f"{shown[0]} ({shown[1]}, {shown[2]})"


def summarise_run(data: dict[str, Any], out: Path) -> str:
    """Cohort, each model's apparent and honest AUC, the largest difference between the engines, and where the report is."""
    cohort = data["cohort"]
    left_out = f", {len(cohort['excluded'])} left out" if cohort["excluded"] else ""
    lines = [f"{data['study']['title']}: {cohort['n']} patients, {cohort['events']} events{left_out}"]
    width = max(len(_label(m)) for m in data["models"])
    lines.append(f"{'model':{width}}  apparent AUC (95% CI)    honest AUC")
    for entry in data["models"]:
        honest = honest_auc(entry)
        shown = f"{interval(honest[2])}  {scheme_words(honest[1])}, scope {honest[0]}" if honest else "not validated"
        lines.append(f"{_label(entry):{width}}  {interval(entry['auc']):23}  {shown}")
    differences = [abs(row["difference"]) for row in data["agreement"] if row["difference"] is not None]
    if differences:
        lines.append(f"R and Python: {len(differences)} quantities compared, largest difference {max(differences):.1e}")
    lines += [f"warning: {w['message']}" for w in data["warnings"] if w["stage"] in TOLD_AT_ONCE]
    n = len(data["warnings"])
    lines.append(f"{n} warning{'s' * (n != 1)}, listed in the report")
    lines.append(f"report: {out / 'report.html'}")
    return "\n".join(lines)


def _label(entry: dict[str, Any]) -> str:
    return entry["name"] + (", adjusted" if entry["adjusted"] else "")

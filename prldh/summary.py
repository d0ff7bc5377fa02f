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


def summarise_findings(found: dict[str, list[Any]]) -> tuple[str, bool]:
    """The checks of images as a table in text, the gravest first, and whether no case would be put aside."""
    rank = {"refused": 0, "warning": 1, "note": 2}
    every = sorted(((rank[f.severity], f.tissue, f.line, f) for findings in found.values() for f in findings), key=lambda item: item[:3])
    lines = []
    for _, _, _, f in every:  # line 0: of the tissue as a whole
        place = f", patient {f.patient} (line {f.line})" if f.line else ""
        lines.append(f"{f.severity:8} {f.tissue}{place}: {f.message}")
    counts = {severity: sum(f.severity == severity for *_, f in every) for severity in rank}
    n_aside = len({(f.tissue, f.line) for *_, f in every if f.severity == "refused"})
    lines.append(f"{n_aside} case{'s' * (n_aside != 1)} would be put aside, {counts['warning']} warnings, {counts['note']} notes.")
    return "\n".join(lines), not n_aside


def summarise_extraction(done: Any, out: Path) -> str:
    """What ``prldh extract`` says at its end: cases, what was put aside and why, agreement of readers, verification."""
    lines = []
    for name, about in done.about.items():
        tissue = done.images.tissues[name]
        computed = sum(r.n_computed > 0 for r in tissue.results)
        lines.append(
            f"{name}: {about['n_measured']} of {about['n_cases']} cases measured ({computed} now, {about['n_measured'] - computed} kept from before), "
            f"{about['n_patients']} patients, {len(about['features'])} features, {about['n_readers']} reader{'s' * (about['n_readers'] > 1)}."
        )
        lines += [f"  put aside: patient {case['patient']} (line {case['line']}): {case['reason']}" for case in about["put_aside"]]
    # patients put aside are listed with their cases already
    lines += [f"  {w.message}" for w in done.images.warnings if "were put aside:" not in w.message]
    if done.verified:
        worst = max(done.verified, key=done.verified.get)
        lines.append(f"Verified against the reference: {len(done.verified)} features, largest relative difference {done.verified[worst]:.1e} ({worst}).")
    return "\n".join([*lines, f"Features: {out / 'features'}"])

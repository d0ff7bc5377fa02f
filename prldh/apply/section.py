"""The report's section "External validation": what stands beside the run in its folder ``external``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from prldh.apply.apply import FIGURES, POOLED_FIGURES
from prldh.apply.figures import shown_figures, shown_pooled
from prldh.pages import create_environment
from prldh.results import CLASSIFIED, FOLDER, honest_auc, led_by, read_external, read_pooled, unknown_leakage


class ExternalValidation:
    """Empty where ``prldh apply`` has written nothing."""

    name = "external-validation"
    title = "External validation"
    version = "1"

    def render(self, results: dict[str, Any], folder: Path) -> str:
        """An HTML fragment; templates escape what comes from data."""

        cohorts = [_shown(e) for e in read_external(folder)]
        if not cohorts:
            return ""
        figures = {
            e["name"]: [{**f, "svg": Markup(f["svg"])} for f in shown_figures(e, folder / e["folder"] / FIGURES)]
            for e in cohorts
        }
        own = {
            (m["name"], m["adjusted"]): {
                "apparent": m["auc"],
                "held_out": honest_auc(m),
                "how": led_by(results, m),
                "unknown": unknown_leakage(results, m),
            }
            for m in results["models"]
        }
        template = create_environment().get_template("sections/external.html.j2")
        pooled = read_pooled(folder)
        forests = []
        if pooled is not None and not pooled["is_stale"]:
            by_name = {e["name"]: e for e in cohorts}
            drawn = shown_pooled(
                pooled, [by_name[c["name"]] for c in pooled["cohorts"]], folder / FOLDER / POOLED_FIGURES
            )
            forests = [{**f, "svg": Markup(f["svg"])} for f in drawn]
        return template.render(
            cohorts=cohorts,
            recalibrated=any(e["recalibration"] for e in cohorts),
            pooled=pooled,
            pooled_level=None if pooled is None else f"{100 * pooled['confidence']:g}",
            figures=figures,
            forests=forests,
            own=own,
            study=results["study"]["title"],
            classified=CLASSIFIED,
        )


#: Fewer patients of either outcome than this, and an external validation is imprecise (Collins, Ogundimu & Altman
#: 2016).
ENOUGH = 100
#: So many of those left out are named on the page.
NAMED = 50
#: So many features of a tissue are shown on the page.
FEATURES = 15


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with what the page says of it beside its own numbers; one of before lacks what came later."""
    later = {"n_judged": entry["n"], "events_judged": entry["events"], "n_without_outcome": 0, "recalibration": None}
    entry = {**later, "domain_shift": {}, **entry}
    events, excluded = entry["events"], entry["excluded"]
    non_events = None if events is None else entry["n"] - entry["n_without_outcome"] - events
    judged = entry["events_judged"]
    return {
        **entry,
        "level": f"{100 * entry['confidence']:g}",
        "non_events": non_events,
        "is_small": judged is not None and min(judged, entry["n_judged"] - judged) < ENOUGH,
        "shifts": [_shift_shown(tissue, shift) for tissue, shift in entry["domain_shift"].items()],
        "n_excluded": len(excluded),
        "named": excluded[:NAMED],
        "n_unnamed": max(0, len(excluded) - NAMED),
    }


def _shift_shown(tissue: str, shift: dict[str, Any]) -> dict[str, Any]:
    """A tissue's shift with the features that the page shows: the most different first, those without a number last."""
    features = sorted(shift["features"], key=lambda f: -1.0 if f["smd"] is None else abs(f["smd"]), reverse=True)
    return {
        **shift,
        "tissue": tissue,
        "n_features": len(features),
        "shown": features[:FEATURES],
        "n_unshown": max(0, len(features) - FEATURES),
    }

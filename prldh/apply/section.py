"""The report's section "External validation": what stands beside the run in its folder ``external``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from prldh.apply.apply import FIGURES
from prldh.apply.figures import shown_figures
from prldh.pages import create_environment
from prldh.results import CLASSIFIED, honest_auc, led_by, read_external, unknown_leakage


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
                "how": led_by(m),
                "unknown": unknown_leakage(results, m),
            }
            for m in results["models"]
        }
        template = create_environment().get_template("sections/external.html.j2")
        return template.render(
            cohorts=cohorts,
            figures=figures,
            own=own,
            study=results["study"]["title"],
            classified=CLASSIFIED,
        )


#: Fewer patients of either outcome than this, and an external validation is imprecise (Collins, Ogundimu & Altman
#: 2016).
ENOUGH = 100
#: So many of those left out are named on the page.
NAMED = 50


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry with what the page says of it beside its own numbers."""
    events, excluded = entry["events"], entry["excluded"]
    non_events = None if events is None else entry["n"] - events
    return {
        **entry,
        "level": f"{100 * entry['confidence']:g}",
        "non_events": non_events,
        "is_small": events is not None and min(events, non_events) < ENOUGH,
        "n_excluded": len(excluded),
        "named": excluded[:NAMED],
        "n_unnamed": max(0, len(excluded) - NAMED),
    }

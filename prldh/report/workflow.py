"""The study's way as one figure, as a paper's Figure 1: from images or tables to features by source, the selection's
steps, Radscore, models, validation and report. What stands in the boxes is the study's own; nothing is computed."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from prldh.report.boxes import BETWEEN, WIDTH, Box, fitted, join_down, page_of, put_box
from prldh.results import Words

#: Columns of tissues; of more the first are drawn.
MOST_TISSUES = 4
#: Models that are named.
MOST_MODELS = 6
#: Left of the boxes stand the stages.
STAGES = 66.0
#: The stages of a tissue, from above.
OF_TISSUES = ("Images and regions", "Features", "Selection", "Radscore")
#: Of one box: its paragraphs.
Paragraphs = list[str]


def tissue_stages(name: str, data: dict[str, Any], words: Words) -> dict[str, Paragraphs]:
    """What a tissue went through, by stage; a stage that it lacks is not there."""
    tissue = data["tissues"][name]
    selection = tissue["selection"]
    stages = {OF_TISSUES[0]: _images((data.get("images") or {}).get(name))}
    if not selection:
        stages["Radscore"] = [f"{name}: a score that came as the column {tissue.get('column') or name}"]
        return stages
    steps = selection["steps"]
    sources = list(dict.fromkeys(s["source"] for s in steps)) or list(selection.get("sources") or {})
    firsts = {source: next(s["n_in"] for s in steps if s["source"] == source) for source in sources if steps}
    readers = selection.get("readers") or 1
    stages["Features"] = [
        name if readers == 1 else f"{name}, {readers} readers",
        *(f"{source}: {firsts[source]} features" if source in firsts else source for source in sources),
    ]
    stages["Selection"] = [
        f"{source}: {firsts[source]} → "
        + " → ".join(f"{s['n_out']} ({words.step(s['name']).short_label})" for s in steps if s["source"] == source)
        for source in firsts
    ]
    n = len(selection["features"])
    method = (tissue.get("radscore") or {}).get("method")
    learner = f", {words.learner_label(method)}" if method else ""
    stages["Radscore"] = [f"{n} feature{'s' if n != 1 else ''}{learner}"]
    return stages


def _images(images: dict[str, Any] | None) -> Paragraphs:
    if not images:
        return []
    n = len(images["cases"])
    readers = images.get("n_readers") or 1
    masks = "masks of one reader" if readers == 1 else f"masks of {readers} readers"
    return [f"{n} region{'s' if n != 1 else ''}, {masks}"]


def study_stages(data: dict[str, Any], words: Words) -> dict[str, Paragraphs]:
    """What all tissues share, by stage."""
    cohort, models = data["cohort"], data["models"]
    names = list(dict.fromkeys(m["name"] for m in models))
    named = "; ".join(names[:MOST_MODELS]) + (
        f"; and {len(names) - MOST_MODELS} more" if len(names) > MOST_MODELS else ""
    )
    kinds = [
        kind
        for kind, adjusted in (("unadjusted", False), ("adjusted", True))
        if any(m["adjusted"] == adjusted for m in models)
    ]
    scopes = {scope: words.scope(scope) for scope in ("pipeline", "model")}
    schemes = {
        scope: list(dict.fromkeys(words.scheme(s).label for m in models for s in m["validation"].get(scope) or {}))
        for scope in scopes
    }
    return {
        "Patients": [
            f"{cohort['n']} analysed of {cohort['n_read']}: {cohort['events']} with the event,"
            f" {cohort['n'] - cohort['events']} without"
        ],
        "Models": [named, " and ".join(kinds)] if names else [],
        "Validation": [f"{', '.join(schemes[scope])}: {told}" for scope, told in scopes.items() if schemes[scope]],
        "Report": [_measures(data)],
    }


def _measures(data: dict[str, Any]) -> str:
    engines = {"both": "R and Python, compared", "r": "R", "python": "Python"}.get(
        data["study"]["settings"].get("engine", ""), ""
    )
    return "Discrimination, calibration, decision curves" + (f"; statistics in {engines}" if engines else "")


def draw_workflow(shared: dict[str, Paragraphs], tissues: list[dict[str, Paragraphs]]) -> Figure:
    """Patients over all columns, a column a tissue, and models, validation and report over all columns again."""
    room, gap = WIDTH - STAGES - 4, 10.0
    wide = (room - gap * (len(tissues) - 1)) / max(len(tissues), 1)
    across = [(STAGES + room / 2, room)]
    columns = [(STAGES + wide / 2 + k * (wide + gap), wide) for k in range(len(tissues))]
    rows = [
        ("Patients", across, [shared["Patients"]]),
        *((stage, columns, [tissue.get(stage, []) for tissue in tissues]) for stage in OF_TISSUES),
        *((stage, across, [shared[stage]]) for stage in ("Models", "Validation", "Report")),
    ]
    top, placed = 4.0, []
    for stage, places, texts in rows:
        row = {
            x: Box(tuple(line for text in paragraphs for line in fitted(text, width, 6)), x, top, width)
            for (x, width), paragraphs in zip(places, texts, strict=True)
            if paragraphs
        }
        if row:
            placed.append((stage, row))
            top = max(box.bottom for box in row.values()) + BETWEEN
    figure, axis = page_of(top - BETWEEN + 4)
    ends: dict[float, Box] = {}  # the lowest box of each column so far
    for stage, row in placed:
        first = next(iter(row.values()))
        axis.text(4, first.middle, stage.replace(" and ", "\nand "), va="center", fontweight="bold")
        for x, box in row.items():
            put_box(axis, box)
            above = [ends[x]] if x in ends and len(row) > 1 else list(dict.fromkeys(ends.values()))
            for each in above if box.width == room else above[:1]:
                join_down(axis, each, box)
        if first.width == room:
            ends = dict.fromkeys([x for x, _ in columns] or [first.x], first)
        else:
            ends |= row
    return figure

"""Panels for journals, as the paper's Figures 2 to 6 and two for its supplement: which the results allow. They are
files, not shown in the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypedDict

from PIL import Image

from prldh.core import DataError, file_at
from prldh.data.imaging import file_stem
from prldh.pages import level_of
from prldh.report.drawing import Drawing, slug
from prldh.report.figure_plan import decision_range, lead_scheme
from prldh.report.model_drawings import Range
from prldh.report.panel_drawings import (
    Part,
    draw_forest_panel,
    draw_heat_maps,
    draw_partial_panel,
    draw_parts,
    draw_roc_panel,
    draw_score_panel,
    draw_use_panel,
)
from prldh.report.step_drawings import put_part
from prldh.results import Words, read_held

#: Curves that are told apart in one panel; of more models the first are drawn.
MOST_CURVES = 6
#: The longest page: 230 mm hold four rows.
MOST_TISSUES = 4
#: What `prldh explain` said of heat maps whose values were too large, by the number of places.
FORMER = "prldh-explanation/1"


class _Explained(TypedDict):
    file: str


class Explained(_Explained, total=False):
    """A patient whose heat map was drawn; earlier versions told no level."""

    level: str


class Explanation(TypedDict):
    """What `prldh explain` writes beside its pictures, as far as a panel shows it."""

    schema: Literal["prldh-explanation/1", "prldh-explanation/2"]
    tissue: str
    patients: tuple[Explained, ...]


def plan_panels(data: dict[str, Any], words: Words, beside: Path | None = None) -> list[Drawing]:
    """``beside``: the output folder, where heat maps may lie."""
    kinds = {
        kind: own[:MOST_CURVES]
        for kind, adjusted in (("unadjusted", False), ("adjusted", True))
        if (own := [m for m in data["models"] if m["adjusted"] == adjusted])
    }
    panels = []
    if kinds:
        first = (
            " Of more models the first are drawn."
            if any(len(own) == MOST_CURVES for own in kinds.values())
            and len(data["models"]) > sum(map(len, kinds.values()))
            else ""
        )
        panels += [
            _panel(
                "figure2_roc",
                "ROC curves",
                f"Apparent ROC curves with AUC and {level_of(data)}% CI; dotted, hollow marks: held-out predictions,"
                f" {words.scope('pipeline')}. {_letters(kinds)}{first}",
                draw_roc_panel,
                kinds,
                f"{level_of(data)}% CI",
            ),
            *_interaction(data["interaction"]),
            _panel(
                "figure4_partial_roc",
                "Partial ROC curves",
                f"Upper row: high sensitivity; lower row: high specificity; by column {', '.join(kinds)}.{first}",
                draw_partial_panel,
                kinds,
            ),
            _use(kinds, first, words, decision_range(data, [m for own in kinds.values() for m in own])),
        ]
    return [*panels, *_heat_maps(beside, data["tissues"]), *_selection(data["tissues"], words), *_scores(data)]


def _panel(name: str, title: str, description: str, draw: Any, *given: Any) -> Drawing:
    return Drawing(name, title, description, lambda: draw(*given), is_wide=True, is_panel=True)


def _letters(parts: Any) -> str:
    return "; ".join(f"{chr(ord('A') + k)}: {part}" for k, part in enumerate(parts)) + "."


def _interaction(interaction: dict[str, Any] | None) -> list[Drawing]:
    rows = (
        {kind: interaction[kind] for kind in ("unadjusted", "adjusted") if interaction.get(kind)} if interaction else {}
    )
    if not interaction or not rows:
        return []
    return [
        _panel(
            "figure3_interaction",
            "Odds ratios of the groups",
            f"Forest plot of the groups' odds ratios against {interaction['reference']}. {_letters(rows)}",
            draw_forest_panel,
            rows,
        )
    ]


def _use(kinds: dict[str, list[dict[str, Any]]], first: str, words: Words, within: Range) -> Drawing:
    """Of held-out predictions where all models have them, and else apparent."""
    held = {kind: lead_scheme(models) for kind, models in kinds.items()}
    schemes = set(held.values())
    lead = schemes.pop() if len(schemes) == 1 else None
    entries = {
        kind: [(m["name"], m["validation"][lead[0]][lead[1]] if lead else m) for m in models]
        for kind, models in kinds.items()
    }
    if lead and not all(
        key in e
        for own in entries.values()
        for _, e in own
        for key in ("calibration", "decision_curve", "clinical_impact")
    ):
        lead, entries = None, {kind: [(m["name"], m) for m in models] for kind, models in kinds.items()}
    of = f"predictions of {words.held_out(*lead)}" if lead else "apparent"
    about = (
        f"Rows: calibration, decision and clinical impact curves, {of}; by column {', '.join(kinds)}. The single"
        f" figures have bands.{first}"
    )
    return _panel(
        "figure5_use",
        "Calibration, decision and clinical impact curves",
        about,
        draw_use_panel,
        entries,
        "held out" if lead else "apparent",
        within,
    )


def _heat_maps(beside: Path | None, tissues: Iterable[str]) -> list[Drawing]:
    """Of each tissue that ``prldh explain`` has drawn; other files in its folder are somebody's own."""
    panels = []
    names = {file_stem(name) for name in tissues}
    for path in sorted((beside / "explanation").glob("*.json")) if beside else ():
        if path.stem not in names:
            continue
        try:
            about = read_held(path, Explanation, "Draw the heat maps again: `prldh explain --force`.")
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}. Mend that, or remove it.") from None
        if about["schema"] == FORMER:  # their scale was wrong
            continue
        pictures = [(p.get("level", ""), path.parent / f"{Path(p['file']).name}.png") for p in about["patients"]]
        if pictures and all(_is_picture(picture) for _, picture in pictures):
            panel = _panel(
                f"figure6_heat_maps_{slug(about['tissue'])}",
                f"{about['tissue']}: heat maps",
                "What each place adds to the Radscore (log odds, which add up to its deep part); upright, the patient's"
                f" right at the left of axial and coronal pictures. {_letters(level for level, _ in pictures)}",
                draw_heat_maps,
                pictures,
            )
            panels.append(replace(panel, pictures=tuple(picture for _, picture in pictures)))
    return panels


def _is_picture(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with Image.open(file_at(path)) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            f"{path} is damaged, and no picture: {error}. Draw it again: `prldh explain --force`."
        ) from None
    return True


def _selection(tissues: dict[str, Any], words: Words) -> list[Drawing]:
    panels = []
    for name, tissue in tissues.items():
        parts: list[Part] = [
            (f"{step['source']}: {heading}", partial(put_part, part=part))
            for number, step in enumerate((tissue["selection"] or {"steps": []})["steps"])
            for figure in words.figures.get((name, number), ())
            for heading, part in figure.parts
        ]
        if len(parts) > 1:
            columns = 2 if len(parts) in (2, 4) else 3
            rows = -(-len(parts) // columns)
            panels.append(
                _panel(
                    f"figure_s1_selection_{slug(name)}",
                    f"{name}: selection of features",
                    f"By number of features, dashed: the chosen one. {_letters(heading for heading, _ in parts)}",
                    draw_parts,
                    parts,
                    columns,
                    2.1 * rows,
                )
            )
    return panels


def _scores(data: dict[str, Any]) -> list[Drawing]:
    """Where Table 1 has the Radscores' quartiles by outcome."""
    table = {entry["variable"]: entry["rows"][0] for entry in data["table_one"] if len(entry["rows"]) == 1}
    known = {
        name: (t, table[name])
        for name, t in data["tissues"].items()
        if all("q1" in table.get(name, {}).get(key, {}) for key in ("event", "nonevent"))
    }
    if not known:
        return []
    shown = dict(list(known.items())[:MOST_TISSUES])
    about = (
        "Left: every patient in ascending order, from the cutoff; right: median, quartiles, least and highest by"
        f" outcome. Tissues from above: {', '.join(shown)}."
    )
    return [_panel("figure_s2_radscores", "Radscores by patient and outcome", about, draw_score_panel, shown)]

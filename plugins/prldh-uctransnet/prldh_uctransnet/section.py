"""The report's section "Deep features": what trained the network, its curves, and the heat maps, where they are
there."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

from prldh.api import file_bytes, file_text, is_file
from prldh_uctransnet.curves import draw_curves
from prldh_uctransnet.drawing import FORMER, SCHEMA, in_words, signed
from prldh_uctransnet.library_table import SOURCE

#: What must be known of a patient with a heat map.
NUMBERS = {
    "id",
    "file",
    "level",
    "radscore",
    "deep_part",
    "n_slices",
    "n_places",
    "map_sum",
    "share_inside",
    "area_inside",
}


class DeepFeatures:
    """Empty where no tissue was measured by ``uctransnet`` and nothing is explained."""

    name = "deep-features"
    title = "Deep features"

    def render(self, results: dict[str, Any], folder: Path) -> str:
        """An HTML fragment from results and what `prldh explain` drew into ``folder``; what comes from data is
        escaped."""
        fragments = []
        for tissue in results["tissues"]:
            entry = ((results.get("images") or {}).get(tissue) or {}).get("sources", {}).get(SOURCE)
            parts = [
                *(_network(entry, results["cohort"]["n"]) if entry else ()),
                *_heat_maps(folder / "explanation", tissue),
            ]
            if parts:
                fragments += [f"<h3>{escape(tissue)}</h3>", *parts]
        return "\n".join(fragments)


def _network(entry: dict[str, Any], n: int) -> list[str]:
    """Who trained the network, how, and its curves."""
    computed = entry.get("computed") or {}
    sentences = [f"Checkpoint {escape(str(computed.get('checkpoint_sha256', ''))[:16])} (first digits of its SHA-256)."]
    sentences += _computed_on(computed.get("computed_on"))
    training = computed.get("training")
    if not training:
        return [f"<p>{' '.join(sentences)} The checkpoint does not say how it was trained.</p>"]
    sentences.append(
        f"Trained by {training['n_patients']} patients, of whom {training['n_validation']} chose the epoch; epoch"
        f" {training['epoch']} was kept"
    )
    dice = (training.get("validation") or {}).get("validation_dice")
    sentences[-1] += f", with a validation Dice of {dice:.3f}." if dice is not None else "."
    shown = {k: v for k, v in (training.get("settings") or {}).items() if v is not None}
    sentences.append(
        "Settings of the training: " + ", ".join(f"{escape(k)} {escape(_plain(v))}" for k, v in shown.items()) + "."
    )
    parts = [f"<p>{' '.join(sentences)}</p>", _who(entry.get("trained_on"), n)]
    history = training.get("history")
    if history:
        svg = base64.b64encode(draw_curves(history, int(training["epoch"]))).decode()
        first, last = history[0], history[-1]
        text = (
            f"Training loss from {first['loss']:.3f} to {last['loss']:.3f} and validation loss from"
            f" {first['validation_loss']:.3f} to {last['validation_loss']:.3f} over {len(history)} epochs; validation"
            f" Dice from {first['validation_dice']:.3f} to {last['validation_dice']:.3f}."
        )
        parts.append(
            _figure(f"data:image/svg+xml;base64,{svg}", text, f"<strong>Training curves.</strong> {text}", "wide")
        )
    return parts


def _computed_on(about: dict[str, Any] | None) -> list[str]:
    """The device that the run's settings stand for here, with its versions and precision."""
    if not about:
        return []
    names = {"gpu": "", "capability": "compute capability ", "cuda": "CUDA ", "cudnn": "cuDNN ", "torch": "torch "}
    parts = [str(about["device"]), *(f"{name}{about[key]}" for key, name in names.items() if about.get(key))]
    tf32 = ", its convolutions in TF32" if about.get("tf32") else ""
    return [f"Computed on {escape(', '.join(parts))}, precision {escape(str(about['precision']))}{tf32}."]


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _who(trained_on: dict[str, Any] | None, n: int) -> str:
    if not trained_on or trained_on["n_trained"] is None:
        return "<p>On whom it was trained is not known, nor whether analysed patients are among them.</p>"
    if not trained_on["n"]:
        return f"<p>None of the {n} analysed patients trained it.</p>"
    ids = ", ".join(escape(i) for i in trained_on["ids"])
    return (
        f"<p><strong>LEAK: {trained_on['n']} of {n} analysed patients trained it or chose its epoch</strong>:"
        f" {ids}.</p>"
    )


def _heat_maps(folder: Path, tissue: str) -> list[str]:
    """The heat maps of a tissue, as `prldh explain` wrote them."""
    about = next((a for path in sorted(folder.glob("*.json")) if (a := _read(path)) and a["tissue"] == tissue), None)
    if about is None:
        return []
    if about["schema"] == FORMER:
        return [
            "<p>The heat maps in the folder <code>explanation</code> were drawn by an earlier version, whose scale was"
            " too large by the number of places; they are not shown. Draw them again:"
            " <code>prldh explain --force</code></p>"
        ]
    n = about["patients"][0]["n_places"] if about["patients"] else 0
    note = (
        "One patient a quarter of the Radscores, the one nearest its middle, unless others were named. Each picture is"
        f" cut into {n} places, and the colours are what each of them adds to the Radscore, in log odds: red raises it,"
        " blue lowers it, one scale for all, and the picture shows through where little is added. The map adds up to"
        " the deep part of the Radscore where one slice is taken; with several, the maps of all of them do, and the"
        " slice with most of the region is shown. What the network sees of a place reaches beyond it. The share inside"
        " the outline is that of the absolute values; a map without any preference would have that of the picture. The"
        " outline is the first reader's. Pictures stand upright in radiological orientation, the patient's right at the"
        " left of the picture: A anterior, P posterior, R right, L left, H head, F feet."
    )
    figures = _group(folder, about["patients"], "Where the Radscore comes from", "", _of_radscore)
    figures += [f"<p>{note}</p>"] if figures else []
    if about.get("has_segmentation"):
        figures += _group(folder, about["patients"], "What the network segments by", "_segmentation", _of_segmentation)
    return figures


def _group(folder: Path, patients: list[dict[str, Any]], title: str, ending: str, texts: Any) -> list[str]:
    """One kind of heat map of all patients, two in a row; nothing where none was drawn."""
    shown = []
    for patient in patients:
        path = folder / f"{Path(str(patient['file'])).name}{ending}.png"
        if is_file(path):
            alt, caption = texts(patient)
            shown.append(
                _figure(
                    f"data:image/png;base64,{base64.b64encode(file_bytes(path)).decode()}",
                    alt,
                    escape(caption),
                    "case",
                )
            )
    return [f"<h4>{title}</h4>", f'<div class="cases" style="max-width:42rem">{"".join(shown)}</div>'] if shown else []


def _of_radscore(patient: dict[str, Any]) -> tuple[str, str]:
    numbers = f"Radscore {signed(patient['radscore'])}, of it deep {signed(patient['deep_part'])}"
    if patient["n_slices"] > 1:
        numbers += f", of that this slice of {patient['n_slices']} {signed(patient['map_sum'])}"
    numbers += f"; {in_words(patient['share_inside'], patient['area_inside'])}"
    return f"Heat map of the Radscore: {_who_is(patient)}; {numbers}.", f"{_capital(_who_is(patient))}: {numbers}"


def _of_segmentation(patient: dict[str, Any]) -> tuple[str, str]:
    return (
        f"Grad-CAM of the segmentation: {_who_is(patient)}.",
        f"{_capital(_who_is(patient))}: Grad-CAM of the segmentation",
    )


def _who_is(patient: dict[str, Any]) -> str:
    return f"{patient['level']}, patient {patient['id']}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _figure(uri: str, alt: str, caption: str, kind: str) -> str:
    return (
        f'<figure class="{kind}"><img src="{uri}" alt="{escape(alt)}"'
        f' style="max-width:100%"><figcaption>{caption}</figcaption></figure>'
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(file_text(path))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("schema") not in (SCHEMA, FORMER):
        return None
    needed, patients = NUMBERS if content["schema"] == SCHEMA else {"file"}, content.get("patients")
    is_whole = isinstance(patients, list) and all(isinstance(p, dict) and needed <= p.keys() for p in patients)
    return content if is_whole and "tissue" in content else None

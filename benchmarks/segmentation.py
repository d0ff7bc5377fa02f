"""Dice and HD95 of slices that a network has not seen: each is held out once, in folds, and neither trains nor chooses
the epoch.

    python benchmarks/segmentation.py FOLDER --label 1        # FOLDER/images/*.png and FOLDER/masks/NAME.npy

A reduced schedule for a CPU: an eighth of the published width, 128 x 128, batches of 2, learning rate 0.003 (README.md
says how they were chosen). The published recipe is `prldh segment train`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from prldh_uctransnet.checkpoints import load_checkpoint
from prldh_uctransnet.evaluation import Agreement, compare, summarise
from prldh_uctransnet.keeping import BEST
from prldh_uctransnet.prediction import Segmenter
from prldh_uctransnet.recipe import Recipe
from prldh_uctransnet.slices import load_image, slices_of
from prldh_uctransnet.training import train

from prldh.core import CaseRow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--label", type=int, default=1)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda", "mps"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the summary there, too")
    arguments = parser.parse_args()
    images = sorted((arguments.folder / "images").iterdir())
    rows = [
        CaseRow("disc", p.stem, i + 2, p, (arguments.folder / "masks" / f"{p.stem}.npy",), arguments.label)
        for i, p in enumerate(images)
    ]
    recipe = Recipe(
        size=arguments.size,
        width=arguments.width,
        epochs=arguments.epochs,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        device=arguments.device,
    )
    slices = [slices_of(load_image([row], None), recipe) for row in rows]
    fold = np.random.default_rng(arguments.seed).permutation(len(rows)) % arguments.folds
    agreements: list[Agreement] = []
    start = time.perf_counter()
    for k in range(arguments.folds):
        held_out = [row for row, f in zip(rows, fold, strict=True) if f == k]
        own = recipe.model_copy(update={"held_out": tuple(row.patient for row in held_out)})
        with tempfile.TemporaryDirectory() as folder:
            best = train(slices, own, arguments.seed, Path(folder), say=lambda text: None)["best"]
            segmenter = Segmenter(load_checkpoint(Path(folder) / BEST), arguments.device)
        for row in held_out:
            case = load_image([row], None)
            agreements.append(compare(row.patient, row.line, case.masks[0], segmenter(case.image), (1.0, 1.0, 1.0)))
        drawn = [c.dice for c in agreements[-len(held_out) :] if c.n_reference]
        print(
            f"fold {k + 1}: epoch {best['epoch']} chosen at a validation Dice of {best['validation_dice']:.3f}; held"
            f" out {len(held_out)}, mean Dice of the {len(drawn)} with the region {np.mean(drawn):.3f}",
            flush=True,
        )
    print(f"{time.perf_counter() - start:.0f} s, {time.process_time():.0f} s of CPU; distances in pixels")
    print(table(agreements))
    print(json.dumps(summarise(agreements), indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(summarise(agreements), indent=2))


def table(cases: list[Agreement]) -> str:
    """A row a slice, as Markdown."""
    rows = ["| slice | pixels drawn | found | Dice | HD95 |", "|---|---|---|---|---|"]
    for c in sorted(cases, key=lambda c: (not c.n_reference, -np.nan_to_num(c.dice))):
        hd95 = f"{c.hd95_mm:.1f}" if np.isfinite(c.hd95_mm) else "–"
        rows.append(f"| {c.patient} | {c.n_reference} | {c.n_found} | {c.dice:.3f} | {hd95} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

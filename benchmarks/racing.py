"""How often racing chooses the size of features that the exact forests choose, and what it saves.

    python benchmarks/racing.py --resamples 40

Bootstrap samples of a synthetic block and of the tables given with --tables (default: ../shared/data/tables, where it
is there). Per data set: share of resamples with the same size and with the same final set after the steps that follow
the forest by default, mean AUC that the exact curve loses by the raced size, and CPU time of the forests, racing /
exact.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from pipeline import make_block

from prldh.chain.selection import CorrelationSelector, LassoSvmRfeSelector, MrmrForestSelector, MrmrForestSettings
from prldh.core import TrainingRows
from prldh.engines import PythonEngine

TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"


def read_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Numeric columns that vary, missing values as the median, and the two classes of the column Target."""
    import pandas as pd

    table = pd.read_csv(path)
    outcome = table.pop("Target").to_numpy()
    table = table.drop(columns="ID", errors="ignore")
    numbers = table.select_dtypes("number")
    values = numbers.fillna(numbers.median()).to_numpy(dtype=float)
    varies = np.ptp(values, axis=0) > 0
    return values[:, varies], (outcome == outcome.max()).astype(np.int8)


def final_set(
    rows: TrainingRows, kept: np.ndarray, seed: np.random.SeedSequence, engine: PythonEngine
) -> tuple[str, ...]:
    for selector in (CorrelationSelector(), LassoSvmRfeSelector()):
        rows = TrainingRows(rows.values[:, kept], None, rows.outcome, rows.patient, tuple(rows.names[j] for j in kept))
        if not kept.size:
            return ()
        kept = selector.fit(rows, selector.Settings(), seed, engine).kept
    return tuple(rows.names[j] for j in kept)


def compare(values: np.ndarray, outcome: np.ndarray, n_resamples: int, trees: int) -> str:
    generator, engine, selector = np.random.default_rng(1), PythonEngine(), MrmrForestSelector()
    exact, raced = (MrmrForestSettings(trees=trees, racing=racing) for racing in (False, True))
    names, same, same_set, lost, seconds = tuple(map(str, range(values.shape[1]))), 0, 0, [], np.zeros(2)
    for number in range(n_resamples):
        drawn = np.sort(generator.integers(0, outcome.size, outcome.size))
        sample = values[drawn]
        varies = np.flatnonzero(np.ptp(sample, axis=0) > 0)
        rows = TrainingRows(sample[:, varies], None, outcome[drawn], drawn, tuple(names[j] for j in varies))
        seed, selections = np.random.SeedSequence(number), []
        for way, settings in enumerate((exact, raced)):
            start = time.process_time()
            selections.append(selector.fit(rows, settings, seed, engine))
            seconds[way] += time.process_time() - start
        sizes = [one.details["chosen_size"] for one in selections]
        mean = dict(zip(selections[0].details["curve"]["sizes"], selections[0].details["curve"]["mean"], strict=True))
        same += sizes[0] == sizes[1]
        lost.append(mean[sizes[0]] - mean[sizes[1]])
        sets = [final_set(rows, one.kept, seed, engine) for one in selections]
        same_set += sets[0] == sets[1]
    return (
        f"same size {same}/{n_resamples}, same final set {same_set}/{n_resamples}, mean AUC lost {np.mean(lost):.5f} "
        f"(most {np.max(lost):.5f}), CPU s of ranking and forests {seconds[0] / n_resamples:.3f} exact, "
        f"{seconds[1] / n_resamples:.3f} racing, ratio {seconds[1] / seconds[0]:.2f}"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--resamples", type=int, default=40)
    options.add_argument("--trees", type=int, default=500)
    options.add_argument("--tables", type=Path, default=TABLES)
    chosen = options.parse_args()
    block = make_block(80, 60, 1)
    compare(*block, 1, 4)  # compiled before the clock runs
    print("synthetic 170 x 1735:", compare(*make_block(170, 1735, 1), chosen.resamples, chosen.trees), flush=True)
    for name in ("WORC-Desmoid", "Dong2022"):
        path = chosen.tables / f"{name}.gz"
        summary = (
            compare(*read_table(path), chosen.resamples, chosen.trees)
            if path.exists()
            else "skipped: the table is absent"
        )
        print(f"{name}:", summary, flush=True)


if __name__ == "__main__":
    main()

"""Reading a wide table of features, as Parquet and as CSV, against pandas in the same run, as ratios.

    python benchmarks/tables.py                        300 patients x 20,000 features, two readers
    python benchmarks/tables.py --features 2000 --repeats 5

CPU seconds of one core, median of --repeats, from the file to a matrix of finite doubles with its ids checked. pandas
reads the same file with ``read_parquet`` and ``read_csv`` and checks nothing. The matrices must be equal to the last
bit.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from prldh.data.ids import check_ids
from prldh.data.tables import open_table


def write_tables(folder: Path, n: int, p: int, readers: int) -> dict[str, list[Path]]:
    """One table a reader, in both formats."""
    generator = np.random.default_rng(1)
    paths: dict[str, list[Path]] = {"Parquet": [], "CSV": []}
    for reader in range(readers):
        values = generator.normal(size=(n, p)) * 10.0 ** generator.integers(-6, 7, size=p)
        frame = pd.DataFrame(values, columns=[f"feature_{j}" for j in range(p)])
        frame.insert(0, "patient_id", [f"P{i:04d}" for i in range(n)])
        for kind, path in (("Parquet", folder / f"{reader}.parquet"), ("CSV", folder / f"{reader}.csv")):
            frame.to_parquet(path) if kind == "Parquet" else frame.to_csv(path, index=False)
            paths[kind].append(path)
    return paths


def read_ours(path: Path) -> np.ndarray:
    table = open_table(path)
    check_ids(table, "patient_id", "benchmark")
    return table.values([name for name in table.columns if name != "patient_id"])[0]


def read_by_pandas(path: Path) -> np.ndarray:
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    else:
        with warnings.catch_warnings():  # newer versions are exact by themselves, and say so
            warnings.simplefilter("ignore")
            frame = pd.read_csv(path, float_precision="round_trip")
    return frame.drop(columns="patient_id").to_numpy(dtype=float)


def measure(read: Callable[[Path], np.ndarray], paths: list[Path], repeats: int) -> tuple[float, list[np.ndarray]]:
    seconds = []
    for _ in range(repeats):
        before = time.process_time()
        values = [read(path) for path in paths]
        seconds.append(time.process_time() - before)
    return float(np.median(seconds)), values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--features", type=int, default=20_000)
    parser.add_argument("--readers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_tables(Path(folder), chosen.patients, chosen.features, chosen.readers)
        print("| format | prldh, CPU s | pandas | ratio |\n|---|---|---|---|")
        for kind, own in paths.items():
            ours, values = measure(read_ours, own, chosen.repeats)
            theirs, wanted = measure(read_by_pandas, own, chosen.repeats)
            assert all(np.array_equal(a, b) for a, b in zip(values, wanted, strict=True))
            print(f"| {kind} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()

"""CPU seconds of one refit's stages, ours against plain scikit-learn and plain R, in one run and as ratios.

    python benchmarks/pipeline.py --trees 20 --sizes 6     # tries it; the protocol's own: --trees 500 --sizes 30
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegressionCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from prldh.engines.python import PythonEngine
from prldh.selection.folds import stratified_folds
from prldh.selection.forest import size_curve
from prldh.selection.mrmr import rank_mrmr
from prldh.selection.svm_rfe import rank_svm_rfe


def make_block(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (n, p) in correlated groups of 20 columns, and an outcome (n,) that five groups tell of."""
    generator = np.random.default_rng(seed)
    groups = generator.normal(size=(n, p // 20 + 1))
    values = groups[:, np.arange(p) // 20] + 0.6 * generator.normal(size=(n, p))
    return values, (groups[:, :5].sum(axis=1) + 2 * generator.normal(size=n) > 1).astype(int)


def plain_mrmr(values: np.ndarray, outcome: np.ndarray, k: int) -> np.ndarray:
    def information(other: np.ndarray) -> np.ndarray:
        r = np.array([np.corrcoef(values[:, j], other)[0, 1] for j in range(values.shape[1])])
        return -0.5 * np.log1p(-np.minimum(r**2, 1 - 1e-12))

    relevance, redundancy, order = information(outcome), np.zeros(values.shape[1]), []
    for step in range(k):
        score = relevance - redundancy / max(step, 1)
        score[order] = -np.inf
        order.append(int(np.argmax(score)))
        redundancy += information(values[:, order[-1]])
    return np.array(order)


def plain_forest(values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, trees: int) -> None:
    for k in range(5):
        for size in range(1, values.shape[1] + 1):
            forest = RandomForestClassifier(trees, max_features="sqrt", random_state=k)
            forest.fit(values[fold != k, :size], outcome[fold != k]).predict_proba(values[fold == k, :size])


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def plain_r(values: np.ndarray, outcome: np.ndarray, trees: int, sizes: int) -> dict[str, float | str]:
    """Stage: CPU seconds, or why it was skipped."""
    if shutil.which("Rscript") is None:
        return dict.fromkeys(("mrmr", "forest", "lasso", "svm_rfe"), "skipped: R is absent")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        header = ",".join(["y", *(f"f{j}" for j in range(values.shape[1]))])
        np.savetxt(table, np.column_stack([outcome, values]), delimiter=",", header=header, comments="")
        script = Path(__file__).with_name("plain_r.R")
        said = subprocess.run(["Rscript", str(script), str(table), str(trees), str(sizes)], capture_output=True, text=True, check=True)
    lines = (line.split(" ", 1) for line in said.stdout.splitlines())
    return {stage: rest if rest.startswith("skipped") else float(rest) for stage, rest in lines}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [("patients", 170), ("features", 1735), ("trees", 500), ("sizes", 30), ("seed", 1)]:
        options.add_argument(f"--{name}", type=int, default=default)
    chosen = options.parse_args()
    x, y = make_block(chosen.patients, chosen.features, chosen.seed)
    fold, folds = stratified_folds(y, 5, 1), stratified_folds(y, 10, 1) + 1
    order = rank_mrmr(x, y, chosen.sizes).order
    ranked, kept = np.ascontiguousarray(x[:, order]), np.ascontiguousarray(x[:, order[:10]])
    scaled = StandardScaler().fit_transform(kept)
    sizes, engine = np.arange(1, order.size + 1), PythonEngine()
    size_curve(ranked, y, fold, 1, 1, sizes), engine.cv_lasso(kept, y, folds)  # compiled before the clock runs
    lasso = LogisticRegressionCV(Cs=100, cv=10, l1_ratios=(1.0,), solver="liblinear", scoring="neg_log_loss")
    stages = {
        "mrmr": (lambda: rank_mrmr(x, y, chosen.sizes), lambda: plain_mrmr(x, y, chosen.sizes)),
        "forest": (lambda: size_curve(ranked, y, fold, chosen.trees, 1, sizes), lambda: plain_forest(ranked, y, fold, chosen.trees)),
        "lasso": (lambda: engine.cv_lasso(kept, y, folds), lambda: lasso.fit(scaled, y)),
        "svm_rfe": (lambda: rank_svm_rfe(kept, y), lambda: RFE(SVC(kernel="linear"), n_features_to_select=1).fit(scaled, y)),
    }
    in_r = plain_r(x, y, chosen.trees, chosen.sizes)
    print(f"{'stage':8} {'ours, s':>9} {'scikit-learn / ours':>20}   R / ours")
    totals = np.zeros(2)
    for stage, (ours, plain) in stages.items():
        seconds = np.array([cpu_seconds(ours), cpu_seconds(plain)])
        totals += seconds
        r = in_r[stage]
        print(f"{stage:8} {seconds[0]:9.3f} {seconds[1] / seconds[0]:20.1f}   {r if isinstance(r, str) else f'{r / seconds[0]:.1f}'}")
    whole = sum(in_r.values()) / totals[0] if all(isinstance(r, float) for r in in_r.values()) else None
    said = "no ratio: a stage was skipped" if whole is None else f"{whole:.1f}"
    print(f"{'all':8} {totals[0]:9.3f} {totals[1] / totals[0]:20.1f}   {said}")


if __name__ == "__main__":
    main()

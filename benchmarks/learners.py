"""Penalised learners' paths against glmnet, at the same folds, penalties and tolerance, in one run, as ratios.

    python benchmarks/learners.py                      LASSO, elastic net and ridge on two tables and a synthetic one
    python benchmarks/learners.py --tolerance 1e-10    glmnet takes minutes where columns are much alike

A fit is a path on everyone and one on each of ten folds, lambda chosen by deviance. CPU seconds of one core, median of
--repeats; neither compilation nor the loading of R's packages is timed. Columns that are copies of an earlier one are
taken out before, as at alpha 1 prldh would not use them. Tables are those of --tables (default: ../shared/data/tables,
where it is there). Beside the ratio stand whether lambda.min is the same and the largest difference of a coefficient
there, in units of the largest.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from racing import TABLES, read_table

from prldh.chain.shared import stratified_folds
from prldh.stats.elastic_net import copies_of_earlier, cv_elastic_net

ALPHAS = (1.0, 0.55, 0.1, 0.0)
SCRIPT = """
suppressPackageStartupMessages(library(glmnet))
arguments <- commandArgs(TRUE)
numbers <- readBin(arguments[1], "double", 1e9)
n <- numbers[1]; p <- numbers[2]
y <- numbers[2 + seq_len(n)]; fold <- as.integer(numbers[2 + n + seq_len(n)])
x <- matrix(numbers[-seq_len(2 + 2 * n)], n, p)
fit <- function(alpha) cv.glmnet(x, y, family = "binomial", foldid = fold, alpha = alpha,
                                 thresh = as.numeric(arguments[3]), maxit = 1e8)
invisible(cv.glmnet(x[, 1:2], y, family = "binomial", foldid = fold))   # loaded before the clock runs
out <- file(arguments[2], "wb")
for (alpha in as.numeric(strsplit(arguments[5], ",")[[1]])) {
  spent <- sapply(seq_len(as.integer(arguments[4])), function(i) {
    before <- proc.time(); found <<- fit(alpha); sum((proc.time() - before)[1:2])
  })
  b <- as.matrix(coef(found, s = "lambda.min"))
  writeBin(as.double(c(median(spent), found$lambda.min, b)), out)
}
close(out)
"""


@dataclass(frozen=True)
class Fit:
    """One way's CPU seconds, its lambda.min, and the coefficients there (p + 1,)."""

    seconds: float
    penalty: float
    coefficients: np.ndarray


def synthetic(n: int = 150, p: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Independent columns, five of which the outcome is made of."""
    generator = np.random.default_rng(1)
    values = generator.normal(size=(n, p))
    return values, (values[:, :5].sum(axis=1) + 2 * generator.normal(size=n) > 0).astype(np.int8)


def without_copies(values: np.ndarray) -> np.ndarray:
    standardised = ((values - values.mean(axis=0)) / values.std(axis=0)).T
    return values[:, ~copies_of_earlier(np.ascontiguousarray(standardised))]


def fit_ours(values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, tolerance: float, repeats: int) -> list[Fit]:
    fits = []
    for alpha in ALPHAS:
        seconds = []
        for _ in range(repeats):
            start = time.process_time()
            found = cv_elastic_net(values, outcome, fold, alpha=alpha, tolerance=tolerance)
            seconds.append(time.process_time() - start)
        fits.append(Fit(float(np.median(seconds)), found["lambda_min"], found["coefficients"]))
    return fits


def fit_glmnet(values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, tolerance: float, repeats: int) -> list[Fit]:
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given", Path(folder) / "found"
        np.concatenate([values.shape, outcome, fold, values.T.ravel()]).astype(float).tofile(given)
        asked = [str(tolerance), str(repeats), ",".join(map(str, ALPHAS))]
        subprocess.run(["Rscript", "-e", SCRIPT, str(given), str(found), *asked], check=True)
        table = np.fromfile(found).reshape(len(ALPHAS), -1)
    return [Fit(row[0], row[1], row[2:]) for row in table]


def compare(name: str, values: np.ndarray, outcome: np.ndarray, tolerance: float, repeats: int) -> None:
    values = without_copies(values)
    fold = stratified_folds(outcome, 10, 1) + 1
    cv_elastic_net(values[:, :2], outcome, fold, alpha=0.5, tolerance=tolerance)  # compiled before the clock runs
    ours = fit_ours(values, outcome, fold, tolerance, repeats)
    theirs = fit_glmnet(values, outcome, fold, tolerance, repeats)
    scale = values.std(axis=0)
    for alpha, a, b in zip(ALPHAS, ours, theirs, strict=True):
        off = np.abs((a.coefficients - b.coefficients)[1:] * scale).max() / np.abs(b.coefficients[1:] * scale).max()
        same = "same" if np.isclose(a.penalty, b.penalty, rtol=1e-9) else "another"
        print(
            f"{name} {values.shape[0]} x {values.shape[1]}, alpha {alpha:g}: prldh {a.seconds:.3f} CPU s, glmnet"
            f" {b.seconds:.3f}, ratio {a.seconds / b.seconds:.2f}; {same} lambda.min, coefficients differ by {off:.1e}",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tolerance", type=float, default=1e-7)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--tables", type=Path, default=TABLES)
    chosen = options.parse_args()
    if shutil.which("Rscript") is None:
        raise SystemExit("R is absent: install it with glmnet (Debian: r-cran-glmnet)")
    compare("synthetic", *synthetic(), chosen.tolerance, chosen.repeats)
    for name in ("Dong2022", "WORC-Desmoid"):
        path = chosen.tables / f"{name}.gz"
        if path.exists():
            compare(name, *read_table(path), chosen.tolerance, chosen.repeats)
        else:
            print(f"{name}: skipped: the table is absent", flush=True)


if __name__ == "__main__":
    main()

"""Problems drawn at random, and what sva, metafor and vegan answer: writes ``data/golden_drawn.json``.

    python tests/golden/make_golden_drawn.py

R with sva, metafor, vegan and jsonlite. The tests read the file and need none of them.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SCRIPT = """
suppressPackageStartupMessages({library(sva); library(metafor); library(vegan); library(jsonlite)})
asked <- fromJSON("asked.json", simplifyVector = FALSE)
rows <- function(x) do.call(rbind, lapply(x, unlist))
combat <- function(q) {
  mod <- if (is.null(q$covariates)) NULL else cbind(1, rows(q$covariates))
  utils::capture.output(found <- suppressMessages(suppressWarnings(ComBat(
    t(rows(q$values)), unlist(q$batch), mod = mod, par.prior = q$is_parametric,
    ref.batch = if (is.null(q$reference)) NULL else as.character(q$reference)))))
  t(found)
}
pooled <- function(q) {
  fit <- rma(unlist(q$y), unlist(q$v), method = "REML", test = "knha", level = 100 * q$level,
             control = list(threshold = 1e-12, maxiter = 1e5, stepadj = 0.5))
  new <- predict(fit, level = 100 * q$level)
  list(estimate = fit$b[1], low = fit$ci.lb, high = fit$ci.ub, se = fit$se, tau2 = fit$tau2, i2 = fit$I2 / 100,
       q = fit$QE, q_p = fit$QEp, prediction_low = new$pi.lb, prediction_high = new$pi.ub)
}
permanova <- function(q) {
  x <- rows(q$values)
  found <- adonis2(x ~ factor(unlist(q$groups)), method = "euclidean", permutations = 2)
  list(f = found$F[1], r2 = found$R2[1])
}
answers <- list(
  combat = lapply(asked$combat, combat), pooled = lapply(asked$pooled, pooled),
  permanova = lapply(asked$permanova, permanova),
  made_by = paste(R.version.string, "sva", packageVersion("sva"), "metafor", packageVersion("metafor"),
                  "vegan", packageVersion("vegan")))
writeLines(toJSON(answers, digits = NA, auto_unbox = TRUE), "answers.json")
"""


def short(values):
    return [[float(f"{x:.6g}") for x in row] for row in values]


def batches(rng, k):
    """Features of patients of unequal batches, one of them of a single patient where k is 3 and 7, and with a feature
    that is constant in a batch where k is 2 and 6."""
    while True:
        sizes = rng.integers(3, 16, int(rng.integers(2, 6)))
        if k % 4 == 3:
            sizes[-1] = 1
        batch = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        n, p, q = len(batch), int(rng.choice([3, 5, 9])), int(rng.integers(0, 3))
        covariates = np.column_stack([rng.normal(60, 9, n).round(1), rng.integers(0, 2, n)])[:, :q]
        design = np.column_stack([batch[:, None] == np.arange(len(sizes)), covariates])
        if n > design.shape[1] + 4 and np.linalg.matrix_rank(design) == design.shape[1]:
            break
    unit = np.exp(rng.normal(0, 2, p))
    values = rng.normal(size=(n, p)) * np.exp(rng.normal(0, 0.4, (len(sizes), 1)))[batch]
    values += rng.normal(size=(len(sizes), p))[batch] + 0.02 * covariates.sum(axis=1, keepdims=True)
    values = np.exp(values) if k % 5 == 4 else values
    values = values * unit + rng.normal(0, 50, p)
    if k % 4 == 2:
        values[batch == 0, 1] = values[0, 1]
    reference = int(rng.integers(0, len(sizes) - 1)) if k % 4 == 1 else None
    return {
        "batch": batch.tolist(),
        "covariates": covariates.tolist() if q else None,
        "values": short(values),
        "is_parametric": bool(k % 3),
        "reference": reference,
    }


def centres(rng, k):
    """Estimates of 2 to 25 centres that agree, differ, or differ hugely."""
    n = int(rng.choice([2, 2, 3, 4, 7, 25]))
    v = 10.0 ** rng.uniform(-4, 1, n) if k % 3 else rng.uniform(0.02, 0.3, n)
    y = 0.5 + [0.0, 0.1, 1.0, 30.0][k % 4] * rng.normal(size=n) + np.sqrt(v) * rng.normal(size=n)
    y = np.full(n, 0.5) + 0.001 * rng.normal(size=n) if k % 10 == 9 else y  # nearer than chance would have them
    return {"y": short([y])[0], "v": short([v])[0], "level": [0.95, 0.9, 0.99][k % 3]}


def groups(rng, k):
    n, p = int(rng.integers(6, 25)), [1, 3, 30][k % 3]
    group = rng.permutation(np.arange(n) % int(rng.integers(2, 5)))
    return {"values": short(rng.normal(size=(n, p)) + group[:, None] * (k % 2)), "groups": group.tolist()}


def main() -> None:
    rng = np.random.default_rng(20261201)
    asked = {
        "combat": [batches(rng, k) for k in range(16)],
        "pooled": [centres(rng, k) for k in range(40)],
        "permanova": [groups(rng, k) for k in range(9)],
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "asked.json").write_text(json.dumps(asked))
        subprocess.run(["Rscript", "-e", SCRIPT], cwd=folder, check=True)
        answers = json.loads(Path(folder, "answers.json").read_text())
    target = Path(__file__).parent / "data" / "golden_drawn.json"
    target.write_text(json.dumps({"asked": asked, "answers": answers}) + "\n")


if __name__ == "__main__":
    main()

"""cv.glmnet by itself, in one R process for many problems: no code of prldh's R package."""

from __future__ import annotations

import subprocess

import numpy as np

SCRIPT = """
arguments <- commandArgs(TRUE)
for (i in seq_len(as.integer(arguments[2]))) {
  name <- function(what) file.path(arguments[1], paste0(what, i, ".txt"))
  problem <- as.matrix(read.table(name("problem"), colClasses = "numeric"))
  fit <- glmnet::cv.glmnet(problem[, -(1:2)], problem[, 1], family = "binomial",
    type.measure = "deviance", foldid = problem[, 2],
                           thresh = as.numeric(arguments[3]), maxit = 1e7)
  path <- as.matrix(coef(fit$glmnet.fit, s = fit$lambda))
  write.table(format(cbind(fit$lambda, fit$cvm, fit$cvsd, fit$nzero, fit$lambda.min, t(path)), digits = 17),
    name("found"),
              quote = FALSE, row.names = FALSE, col.names = FALSE)
}
"""


def cv_glmnet(problems, folder, thresh=1e-14):
    """``problems`` are (values, outcome, fold ids 1 … K); a dictionary each, as :func:`prldh.stats.lasso.cv_lasso`
    gives."""
    for i, (values, outcome, fold) in enumerate(problems, 1):
        np.savetxt(folder / f"problem{i}.txt", np.column_stack([outcome, fold, values]), fmt="%.17g")
    done = subprocess.run(
        ["Rscript", "-e", SCRIPT, str(folder), str(len(problems)), str(thresh)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = []
    for i in range(1, len(problems) + 1):
        table = np.loadtxt(folder / f"found{i}.txt", ndmin=2)
        path, at = table[:, 5:].T, int(np.flatnonzero(table[:, 0] == table[0, 4])[0])
        found.append(
            {
                "lambda": table[:, 0],
                "cv_mean": table[:, 1],
                "cv_sd": table[:, 2],
                "n_nonzero": table[:, 3],
                "lambda_min": table[0, 4],
                "path": path,
                "coefficients": path[:, at],
            }
        )
    return found

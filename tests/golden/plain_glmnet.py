"""cv.glmnet by itself, in one R process for many problems: no code of prldh's R package."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import numpy as np

SCRIPT = """
arguments <- commandArgs(TRUE)
for (i in seq_len(as.integer(arguments[2]))) {
  name <- function(what) file.path(arguments[1], paste0(what, i, ".txt"))
  problem <- as.matrix(read.table(name("problem"), colClasses = "numeric"))
  asked <- scan(name("asked"), quiet = TRUE)
  fit <- glmnet::cv.glmnet(problem[, -(1:2)], problem[, 1], family = "binomial",
    type.measure = "deviance", foldid = problem[, 2],
    thresh = asked[1], alpha = asked[2], maxit = 1e7, exclude = if (length(asked) > 2) asked[-(1:2)])
  path <- as.matrix(coef(fit$glmnet.fit, s = fit$lambda))
  numbers <- cbind(fit$lambda, fit$cvm, fit$cvsd, fit$nzero, fit$lambda.min, fit$lambda.1se, t(path))
  write.table(format(numbers, digits = 17), name("found"),
              quote = FALSE, row.names = FALSE, col.names = FALSE)
}
"""


@dataclass(frozen=True)
class Asked:
    """``thresh``, ``alpha``, and the columns, from 0, that are not used."""

    thresh: float = 1e-14
    alpha: float = 1.0
    excluded: tuple[int, ...] = ()


def cv_glmnet(problems, folder, *asked):
    """``problems`` are (values, outcome, fold ids 1 … K), ``asked`` the same for all or one for each; a dictionary
    each, as :func:`prldh.stats.elastic_net.cv_elastic_net` gives."""
    each_asked = asked if len(asked) > 1 else (asked or (Asked(),)) * len(problems)
    for i, ((values, outcome, fold), one) in enumerate(zip(problems, each_asked, strict=True), 1):
        np.savetxt(folder / f"problem{i}.txt", np.column_stack([outcome, fold, values]), fmt="%.17g")
        np.savetxt(folder / f"asked{i}.txt", [one.thresh, one.alpha, *(j + 1 for j in one.excluded)], fmt="%.17g")
    done = subprocess.run(["Rscript", "-e", SCRIPT, str(folder), str(len(problems))], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = []
    for i in range(1, len(problems) + 1):
        table = np.loadtxt(folder / f"found{i}.txt", ndmin=2)
        path, at = table[:, 6:].T, int(np.flatnonzero(table[:, 0] == table[0, 4])[0])
        found.append(
            {
                "lambda": table[:, 0],
                "cv_mean": table[:, 1],
                "cv_sd": table[:, 2],
                "n_nonzero": table[:, 3],
                "lambda_min": table[0, 4],
                "lambda_1se": table[0, 5],
                "path": path,
                "coefficients": path[:, at],
            }
        )
    return found

"""The Python engine against plain R on random data: no code of the project's own R package, no rpy2, just Rscript."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from prldh.engines.python import PythonEngine
from prldh.stats.lowess import lowess
from prldh.stats.partial_roc import stratified_rows
from prldh.stats.quantiles import quantile

pytestmark = [pytest.mark.r, pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")]

engine = PythonEngine()

PRELUDE = """
show <- function(x) cat(sprintf("%.17g", as.vector(x)), "\\n")
fit <- function(x, y, o = NULL, eps = 1e-8) suppressWarnings(
  glm.fit(x, y, offset = o, family = binomial(), control = list(epsilon = eps)))
"""


@pytest.fixture
def run_r(tmp_path):
    """Run an R script that finds the given matrices by name and prints lines with ``show``: a list of arrays."""

    def run(script: str, **matrices: np.ndarray) -> list[np.ndarray]:
        loads = []
        for name, values in matrices.items():
            np.savetxt(tmp_path / name, np.atleast_2d(np.asarray(values, float).T).T, fmt="%.17g")
            loads.append(f'{name} <- as.matrix(read.table("{name}")); dimnames({name}) <- NULL')
            if np.ndim(values) == 1:
                loads.append(f"{name} <- {name}[, 1]")
        (tmp_path / "script.R").write_text("\n".join([PRELUDE, *loads, script]))
        done = subprocess.run(["Rscript", "script.R"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [np.array(line.split(), dtype=object) for line in done.stdout.splitlines() if line.strip()]

    return run


def numbers(line: np.ndarray) -> np.ndarray:
    return np.array([np.nan if value == "NA" else float(value) for value in line])


def close(actual, line, rtol=1e-8, atol=1e-12):
    np.testing.assert_allclose(np.asarray(actual, float).ravel(order="F"), numbers(line), rtol=rtol, atol=atol)


def random_study(seed: int, n: int = 120, k: int = 4):
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(n), rng.normal(size=(n, k - 1))])
    design[:, -1] = rng.integers(0, 2, n)
    log_odds = design @ np.array([-0.4, 1.0, *[0.3] * (k - 2)])
    return design, (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(float)


# -- logistic regression ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_glm(run_r, seed):
    design, outcome = random_study(seed)
    lines = run_r(
        """
        m <- fit(x, y)
        show(m$coefficients); show(sqrt(diag(chol2inv(qr.R(m$qr)))))
        show(m$deviance); show(m$null.deviance); show(m$iter)
        """,
        x=design,
        y=outcome,
    )
    mine = engine.fit_logistic(design, outcome)
    for key, line in zip(
        ("coefficients", "standard_errors", "deviance", "null_deviance", "iterations"), lines, strict=True
    ):
        close(mine[key], line)


def test_glm_aliases_what_r_aliases(run_r):
    design, outcome = random_study(4)
    dummies = np.eye(3)[np.arange(len(outcome)) % 3]
    design = np.column_stack([design, dummies, 2 * design[:, 1] - design[:, 2], np.zeros(len(outcome))])
    lines = run_r("m <- fit(x, y); show(m$coefficients); show(m$deviance)", x=design, y=outcome)
    mine = engine.fit_logistic(design, outcome)
    assert np.array_equal(np.isnan(mine["coefficients"]), np.isnan(numbers(lines[0])))
    close(mine["coefficients"], lines[0])
    close(mine["deviance"], lines[1])


def test_separated_glm_ends_where_r_ends(run_r):
    """Complete and quasi-complete separation: nothing is estimated, but both stop at the same step."""
    design = np.column_stack([np.ones(20), np.arange(20.0), np.sin(np.arange(20.0))])
    for outcome in (np.arange(20) > 9, (np.arange(20) > 9) | (np.arange(20) == 9) & (design[:, 2] > 0)):
        quasi = np.column_stack([design, np.arange(20) > 14])
        for x in (design, quasi):
            script = "m <- fit(x, y); show(m$iter); show(m$converged + 0); show(m$coefficients)"
            lines = run_r(script, x=x, y=outcome.astype(float))
            mine = engine.fit_logistic(x, outcome.astype(float))
            assert mine["iterations"] == numbers(lines[0])[0]
            assert mine["converged"] == numbers(lines[1])[0]
            close(mine["coefficients"], lines[2], rtol=1e-5)


@pytest.mark.parametrize("seed", [5, 6])
def test_profile_limits_by_uniroot(run_r, seed):
    design, outcome = random_study(seed, n=80)
    lines = run_r(
        """
        m <- fit(x, y, eps = 1e-14); se <- sqrt(diag(chol2inv(qr.R(m$qr))))
        limit <- function(j, side, level) {
          f <- function(b) fit(x[, -j], y, x[, j] * b, 1e-14)$deviance - m$deviance - qchisq(level, 1)
          uniroot(f, m$coefficients[j] + sort(side * c(0, 6) * se[j]), tol = 1e-13)$root
        }
        for (level in c(0.95, 0.5)) for (side in c(-1, 1)) show(sapply(1:4, limit, side, level))
        """,
        x=design,
        y=outcome,
    )
    for level, (low, high) in ((0.95, lines[:2]), (0.5, lines[2:])):
        mine = engine.profile_limits(design, outcome, level)
        close(mine[:, 0], low, rtol=1e-9, atol=1e-10)
        close(mine[:, 1], high, rtol=1e-9, atol=1e-10)


def test_refits(run_r):
    design, outcome = random_study(7)
    rows = np.random.default_rng(0).integers(0, len(outcome), (20, len(outcome)))
    lines = run_r(
        "show(t(apply(rows, 1, function(i) fit(x[i + 1, ], y[i + 1])$coefficients)))", x=design, y=outcome, rows=rows
    )
    close(engine.refit_logistic(design, outcome, rows.ravel(), [len(outcome)] * 20)["coefficients"], lines[0])


def test_likelihood_ratio(run_r):
    design, outcome = random_study(8)
    script = "a <- fit(x[, 1:2], y)$deviance - fit(x, y)$deviance; show(c(a, 2, pchisq(a, 2, lower.tail = FALSE)))"
    lines = run_r(script, x=design, y=outcome)
    close(list(engine.likelihood_ratio(design[:, :2], design, outcome).values()), lines[0])


# -- tables ----------------------------------------------------------------------------------------------------


def test_fisher(run_r):
    rng = np.random.default_rng(9)
    tables = []
    while len(tables) < 60:
        table = rng.integers(0, rng.integers(4, 16), (rng.integers(2, 7), 2))
        if (table.sum(axis=1) > 0).all() and (table.sum(axis=0) > 0).all():
            tables.append(table)
    flat = np.concatenate([table.ravel(order="F") for table in tables])
    lines = run_r(
        """
        at <- 0
        for (n in sizes) {
          table <- matrix(flat[at + seq_len(2 * n)], n); at <- at + 2 * n
          show(c(fisher.test(table, workspace = 2e7)$p.value,
            unlist(suppressWarnings(chisq.test(table, correct = FALSE))[c(1, 3)])))
        }
        """,
        flat=flat,
        sizes=np.array([len(table) for table in tables]),
    )
    for table, line in zip(tables, lines, strict=True):
        chi2 = engine.categorical_test(table, "chi2")
        close([engine.categorical_test(table, "fisher")["p"], chi2["statistic"], chi2["p"]], line)


@pytest.mark.parametrize("kind", ["t", "welch", "wilcoxon"])
def test_two_samples(run_r, kind):
    call = {
        "t": "t.test(a, b, var.equal = TRUE)",
        "welch": "t.test(a, b)",
        "wilcoxon": "suppressWarnings(wilcox.test(a, b))",
    }
    rng = np.random.default_rng(10)
    for n_a, n_b, digits in ((12, 9, 9), (49, 49, 9), (50, 20, 9), (30, 40, 0), (5, 80, 1)):
        a, b = np.round(rng.normal(size=n_a), digits), np.round(rng.normal(0.5, 2, n_b), digits)
        line = run_r(f"m <- {call[kind]}; show(c(m$statistic, m$p.value))", a=a, b=b)[0]
        mine = engine.continuous_test(a, b, kind)
        close([mine["statistic"], mine["p"]], line, rtol=1e-9)


def test_one_variable(run_r):
    rng = np.random.default_rng(12)
    for n, digits in ((3, 9), (4, 9), (5, 9), (6, 9), (11, 9), (12, 9), (60, 0), (700, 9), (5000, 9)):
        x = np.round(rng.gamma(3.0, size=n), digits)
        script = (
            "m <- shapiro.test(x); show(c(m$statistic, m$p.value));"
            " show(c(mean(x), sd(x), median(x), quantile(x, c(0.25, 0.75)), range(x)))"
        )
        normality, moments = run_r(script, x=x)
        close(list(engine.shapiro_wilk(x).values()), normality, rtol=1e-9)
        close(list(engine.moments(x).values()), moments, rtol=1e-12)


def test_proportions(run_r):
    cases = np.array([(0, 7), (7, 7), (1, 2), (3, 41), (60, 72), (999, 1000)])
    for level in (0.95, 0.8):
        script = (
            f"for (i in 1:6) {{ m <- binom.test(n[i, 1], n[i, 2], conf.level = {level}); show(c(m$estimate,"
            " m$conf.int)) }"
        )
        for case, line in zip(cases, run_r(script, n=cases), strict=True):
            close(list(engine.proportion(*case, level).values()), line, rtol=1e-9)


# -- quantiles, smoothing, groups ------------------------------------------------------------------------------


def test_quantiles_to_the_last_bit(run_r):
    rng = np.random.default_rng(11)
    for n in (3, 11, 113, 171):
        values = np.round(rng.random(n), 3) / 7
        for parts in (3, 5, 10):
            line = run_r(f"show(quantile(v, seq(0, 1, 1 / {parts})))", v=values)[0]
            shares = np.minimum(np.arange(parts + 1) * (1.0 / parts), 1.0)
            assert np.array_equal(quantile(values, shares), numbers(line))


def test_lowess(run_r):
    """Also with ties, a few points, a lump of them within delta of each other, and a long gap."""
    rng = np.random.default_rng(12)
    for x in (
        rng.random(113),
        np.round(rng.random(200), 2),
        rng.random(6),
        np.repeat([0.1, 0.2, 0.3, 0.4, 0.9], 12),
        np.r_[rng.random(50) / 1000, 0.9, 0.95],
    ):
        y = (rng.random(len(x)) < x).astype(float)
        lines = run_r("m <- lowess(x, y, iter = 0); show(m$x); show(m$y)", x=x, y=y)
        mine_x, mine_y = lowess(x, y)
        assert np.array_equal(mine_x, numbers(lines[0]))
        close(mine_y, lines[1], rtol=1e-10)


def test_hosmer_lemeshow_bins(run_r):
    """hoslem.test's own lines, so that the package is not needed."""
    rng = np.random.default_rng(13)
    for n, digits in ((171, 9), (171, 1), (60, 2), (23, 9)):
        p = np.clip(np.round(rng.random(n), digits), 0.01, 0.99)
        y = (rng.random(n) < p).astype(float)
        lines = run_r(
            """
            qq <- unique(quantile(p, probs = seq(0, 1, 1 / 10)))
            cutp <- cut(p, breaks = qq, include.lowest = TRUE)
            obs <- xtabs(cbind(1 - y, y) ~ cutp); expect <- xtabs(cbind(1 - p, p) ~ cutp)
            x2 <- sum((obs - expect)^2 / expect)
            show(c(x2, 1 - pchisq(x2, nrow(obs) - 2))); show(rowSums(obs)); show(obs[, 2]); show(expect[, 2])
            """,
            p=p,
            y=y,
        )
        mine = engine.hosmer_lemeshow(y, p)
        close([mine["statistic"], mine["p"]], lines[0], rtol=1e-9)
        for key, line in zip(("n", "observed", "expected"), lines[1:], strict=True):
            close(mine[key], line)


# -- packages --------------------------------------------------------------------------------------------------


def test_proc(run_r):
    rng = np.random.default_rng(14)
    for digits in (9, 1, 0):
        outcome = rng.integers(0, 2, 80).astype(float)
        a, b = np.round(rng.normal(size=80) + outcome, digits), np.round(rng.normal(size=80) + outcome / 2, digits)
        lines = run_r(
            """
            suppressMessages(library(pROC))
            r <- function(s) roc(y, s, levels = c(0, 1), direction = "<", quiet = TRUE)
            m <- roc.test(r(a), r(b), method = "delong", paired = TRUE)
            show(c(m$statistic, m$p.value, m$conf.int)); show(c(var(r(a)), ci.auc(r(a))))
            for (focus in c("sensitivity", "specificity")) for (range in list(c(1, 0.8), c(0.93, 0.41), c(0.505, 0.5)))
              show(c(auc(r(a), partial.auc = range, partial.auc.focus = focus), suppressWarnings(
                auc(r(a), partial.auc = range, partial.auc.focus = focus, partial.auc.correct = TRUE))))
            """,
            y=outcome,
            a=a,
            b=b,
        )
        test, area = engine.compare_auc(outcome, a, b), engine.auc(outcome, a)
        close([test["statistic"], test["p"], test["low"], test["high"]], lines[0])
        close([area["variance"], area["low"], area["estimate"], area["high"]], lines[1])
        cases = [(f, r) for f in ("sensitivity", "specificity") for r in ((1, 0.8), (0.93, 0.41), (0.505, 0.5))]
        for (focus, ends), line in zip(cases, lines[2:], strict=True):
            area = engine.partial_auc(outcome, a, focus, *ends)
            close([area["estimate"], area["corrected"]], line)


def test_partial_area_bootstrap_near_proc(run_r):
    """Different random numbers: standard deviation and percentiles agree within their own error."""
    rng = np.random.default_rng(15)
    outcome = np.repeat([0.0, 1.0], [60, 50])
    a, b = rng.normal(size=110) + 1.5 * outcome, rng.normal(size=110) + 0.7 * outcome
    script = """
        suppressMessages(library(pROC)); set.seed(1)
        r <- function(s) roc(y, s, levels = c(0, 1), direction = "<", quiet = TRUE)
        m <- roc.test(r(a), r(b), method = "bootstrap", boot.n = 2000, progress = "none", partial.auc = c(1, 0.8),
                      partial.auc.focus = "sensitivity", reuse.auc = FALSE)
        show(c(m$estimate[1] - m$estimate[2], m$statistic))
        show(ci.auc(r(b), method = "bootstrap", boot.n = 2000, progress = "none",
          partial.auc = c(1, 0.8), partial.auc.correct = TRUE,
                    partial.auc.focus = "sensitivity", reuse.auc = FALSE))
        """
    lines = run_r(script, y=outcome, a=a, b=b)
    difference, statistic = numbers(lines[0])
    rows = stratified_rows(outcome, 2000, rng)
    mine = engine.compare_partial_auc(outcome, a, b, "sensitivity", 1, 0.8, rows, 2000)
    np.testing.assert_allclose(mine["difference"], difference, rtol=1e-12)
    np.testing.assert_allclose(mine["statistic"], statistic, rtol=0.08)
    area = engine.partial_auc(outcome, b, "sensitivity", 1, 0.8, rows, 2000)
    np.testing.assert_allclose([area["corrected_low"], area["corrected_high"]], numbers(lines[1])[[0, 2]], rtol=0.03)


LASSO_CASES = {
    "few features": (170, 10, 1.0),
    "no signal": (120, 25, 0.0),
    "more features than patients": (90, 300, 1.0),
    "nearly separated": (60, 8, 5.0),
    "few patients a fold": (25, 4, 0.5),
}


@pytest.mark.parametrize("case", LASSO_CASES)
def test_glmnet(run_r, case):
    """At thresh 1e-14 glmnet's coefficients are right to about 1e-6, less where the likelihood is flat."""
    n, p, size = LASSO_CASES[case]
    rng = np.random.default_rng(16)
    values = rng.normal(size=(n, p)) * np.exp(rng.normal(size=p)) + rng.normal(size=p)
    values[:, -1] = 3.0
    log_odds = size * (values[:, :3] - values[:, :3].mean(axis=0)).sum(axis=1)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(float)
    folds = np.arange(n) % 10 + 1
    lines = run_r(
        """
        suppressMessages(library(glmnet))
        m <- suppressWarnings(cv.glmnet(x, y, family = "binomial", foldid = f, thresh = 1e-14, maxit = 1e7))
        show(m$lambda); show(m$cvm); show(m$cvsd); show(m$nzero); show(m$lambda.min)
        show(as.matrix(coef(m, s = "lambda.min"))); show(as.matrix(coef(m$glmnet.fit)))
        """,
        x=values,
        y=outcome,
        f=folds,
    )
    mine = engine.cv_lasso(values, outcome, folds)
    close(mine["lambda"], lines[0], rtol=1e-12)
    close(mine["cv_mean"], lines[1], rtol=1e-4)
    close(mine["cv_sd"], lines[2], rtol=1e-3)
    assert np.array_equal(mine["n_nonzero"], numbers(lines[3]))
    close(mine["lambda_min"], lines[4], rtol=1e-12)
    scale = np.abs(mine["coefficients"]).max()
    close(mine["coefficients"], lines[5], rtol=1e-5, atol=2e-5 * scale)
    close(mine["path"], lines[6], rtol=1e-3, atol=1e-3 * np.abs(mine["path"]).max())

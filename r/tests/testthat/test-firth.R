group <- rep(0:1, each = 8)
outcome <- c(1, 1, 1, 0, 0, 0, 0, 0, rep(1, 8))   # nobody without the event in the second group
table_design <- cbind(1, group)

test_that("a 2x2 table gets 1/2 more in each cell", {
  found <- fit_firth(table_design, outcome)
  expect_equal(unname(found$coefficients), log(c(3.5 / 5.5, (8.5 / 0.5) / (3.5 / 5.5))), tolerance = 1e-12)
  expect_equal(unname(found$standard_errors), sqrt(c(1 / 3.5 + 1 / 5.5, 1 / 3.5 + 1 / 5.5 + 1 / 8.5 + 1 / 0.5)), tolerance = 1e-12)
  expect_equal(found$deviance, -2 * found$log_likelihood)
  expect_equal(found$converged, 1)
})

penalised <- function(x, y, b) {
  p <- plogis(drop(x %*% b))
  sum(log(ifelse(y == 1, p, 1 - p))) + as.numeric(determinant(crossprod(x, x * (p * (1 - p))))$modulus) / 2
}

test_that("estimates, tests and limits are those of the penalised likelihood, maximised by optim", {
  set.seed(3)
  x <- cbind(1, rnorm(60), rep(0:2, 20) == 2, runif(60))
  y <- rbinom(60, 1, 0.4)
  y[x[, 3] == 1] <- 0
  found <- fit_firth(x, y)
  limits <- firth_limits(x, y)
  for (shift in c(-1e-3, 1e-3)) for (j in 1:4) {
    expect_lt(penalised(x, y, replace(found$coefficients, j, found$coefficients[j] + shift)), found$log_likelihood)
  }
  expect_equal(penalised(x, y, found$coefficients), found$log_likelihood, tolerance = 1e-12)
  held <- function(j, b) {
    start <- found$coefficients[-j]
    for (again in 1:5) start <- optim(start, function(o) -penalised(x, y, append(o, b, j - 1)), method = "BFGS", control = list(reltol = 1e-15))$par
    penalised(x, y, append(start, b, j - 1))
  }
  for (j in 1:4) {
    expect_equal(pchisq(2 * (found$log_likelihood - held(j, 0)), 1, lower.tail = FALSE), found$p_values[[j]], tolerance = 1e-5)
    for (side in 1:2) expect_equal(2 * (found$log_likelihood - held(j, limits[j, side])), qchisq(0.95, 1), tolerance = 1e-6)
  }
})

test_that("refits are fits on the resample, aliased columns as glm's", {
  set.seed(4)
  x <- cbind(asah_design, asah_design[, 2] * 2)
  samples <- list(sample(113, replace = TRUE), 1:113, which(event == 1))
  found <- refit_firth(x, event, unlist(samples) - 1L, lengths(samples))$coefficients
  for (i in 1:2) {
    alone <- fit_firth(x[samples[[i]], ], event[samples[[i]]])$coefficients
    expect_identical(is.na(alone), c(FALSE, FALSE, FALSE, FALSE, TRUE))
    expect_equal(found[i, ], ifelse(is.na(alone), 0, alone), tolerance = 1e-12)
  }
  expect_true(all(is.na(found[3, ])))
  expect_equal(is.na(firth_limits(x, event)[, 1]), is.na(alone))
  expect_error(refit_firth(x, event, 1:3, 4), "lengths must add up")
})

test_that("limits and tests are maxima where the others' estimates are no start for them", {
  outcome <- rep(0:1, c(12, 12))
  x <- cbind(1, seq(-3, 3, length.out = 24), rep(c(0, 1, 0), 8))
  profile <- firth_profile(firth_columns(x, outcome), 2)
  whole <- profile$at
  profile$at <- function(b, start, ...) {   # none but from near the last place, or from 0
    found <- whole(b, start, ...)
    far <- any(start != 0) && abs(b - start[3] / start_scale) > 0.5
    if (far) modifyList(found, list(value = found$value - 50, is_converged = FALSE)) else found
  }
  start_scale <- whole(1, 0 * profile$best)$beta[3]
  fit <- fit_firth(x, outcome)
  drop <- qchisq(0.95, 1) / 2
  value <- firth_columns(x, outcome)$value
  unit <- sqrt(2 * drop) * fit$standard_errors[2]
  expect_gt(unit, 0.5)
  for (side in c(-1, 1))
    expect_equal(firth_side(profile, fit$coefficients[2], value - drop, side, unit), unname(firth_limits(x, outcome)[2, (side + 3) / 2]),
                 tolerance = 1e-9)
  expect_gt(abs(fit$coefficients[2]), 0.5)
  expect_equal(firth_at_zero(profile)$value, whole(0, profile$best)$value, tolerance = 1e-10)
})

# What defines a limit: glm with the coefficient held there has a deviance qchisq(level, 1) above the best.
excess <- function(design, outcome, j, b) {
  control <- list(epsilon = 1e-14, maxit = 100)
  fit <- function(...) suppressWarnings(glm.fit(..., y = outcome, family = binomial(), control = control))$deviance
  fit(design[, -j, drop = FALSE], offset = design[, j] * b) - fit(design)
}

test_that("limits lie where the likelihood says", {
  set.seed(5)
  random <- cbind(1, matrix(rnorm(80 * 4), 80) %*% diag(c(1, 100, 1e-3, 1)))
  cases <- list(list(asah_design, event), list(random, rbinom(80, 1, 0.4)))
  for (case in cases) for (level in c(0.95, 0.5)) {
    limits <- profile_limits(case[[1]], case[[2]], level)
    for (j in seq_len(ncol(case[[1]]))) for (side in 1:2) {
      expect_lt(abs(excess(case[[1]], case[[2]], j, limits[j, side]) - qchisq(level, 1)), 1e-9)
    }
    expect_true(all(limits[, 1] < limits[, 2]))
  }
})

test_that("two groups: the limits have a likelihood that can be written down", {
  outcome <- rep(c(0, 1, 0, 1), c(12, 8, 5, 15))
  limits <- profile_limits(cbind(rep(1, 40), rep(0:1, each = 20)), outcome)
  # One group alone (its reparametrised intercept) is a binomial likelihood
  alone <- profile_limits(cbind(rep(1, 20)), outcome[1:20])
  fall <- function(b) 2 * (8 * log(0.4) + 12 * log(0.6) - 8 * plogis(b, log.p = TRUE) - 12 * plogis(-b, log.p = TRUE)) - qchisq(0.95, 1)
  expect_equal(alone[[1, 2]], uniroot(fall, c(0, 5), tol = 1e-13)$root, tolerance = 1e-11)
  expect_equal(limits[1, ], alone[1, ], tolerance = 1e-10)
})

test_that("separation leaves limits without end", {
  complete <- profile_limits(cbind(1, 1:10), rep(0:1, each = 5))
  expect_equal(complete[2, 2], c(upper = Inf))
  expect_true(is.finite(complete[2, 1]))
  expect_equal(complete[1, 1], c(lower = -Inf))
  quasi <- profile_limits(cbind(1, c(1, 2, 3, 4, 5, 5, 6, 7, 8, 9)), rep(0:1, each = 5))
  expect_equal(quasi[2, 2], c(upper = Inf))
  nearly <- profile_limits(cbind(1, c(1, 2, 3, 4, 5, 4.999, 6, 7, 8, 9)), rep(0:1, each = 5))
  expect_true(all(is.finite(nearly)))
  empty_cell <- profile_limits(cbind(1, rep(0:1, each = 6)), c(0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))
  expect_equal(empty_cell[2, 1], c(lower = -Inf))
  expect_true(all(is.finite(empty_cell[1, ])))
  expect_true(all(is.na(profile_limits(cbind(1, 1:4), rep(0, 4)))))
})

test_that("aliased columns are glm's", {
  set.seed(6)
  for (i in 1:20) {
    x <- cbind(1, matrix(rnorm(170 * 6), 170) %*% diag(10^runif(6, -3, 3)))
    x <- cbind(x, x %*% matrix(rnorm(14), 7), outer(sample(3, 170, TRUE), 1:3, "=="))
    y <- rbinom(170, 1, 0.4)
    expected <- coef(glm(y ~ x - 1, family = binomial))
    found <- fit_logistic(x, y)
    expect_equal(is.na(found$coefficients), unname(is.na(expected)))
    expect_equal(found$coefficients, unname(expected), tolerance = 1e-6)
    expect_equal(is.na(found$standard_errors), is.na(found$coefficients))
  }
  limits <- profile_limits(x, y)
  expect_equal(is.na(limits[, 1]), is.na(found$coefficients))
  used <- !is.na(found$coefficients)
  expect_equal(limits[used, ], profile_limits(x[, used], y))
})

test_that("standard errors are glm's", {
  fit <- glm(event ~ asah_design - 1, family = binomial)
  found <- fit_logistic(asah_design, event)
  expect_equal(found$standard_errors, unname(sqrt(diag(vcov(fit)))))
  expect_equal(found$covariance, unname(vcov(fit)))
  expect_equal(found$p_values, unname(summary(fit)$coefficients[, 4]))
})

test_that("refits are fits on the resample", {
  set.seed(7)
  samples <- list(sample(113, replace = TRUE), 1:113, which(event == 1), 2:113)
  rows <- unlist(samples) - 1L
  found <- refit_logistic(asah_design, event, rows, lengths(samples))$coefficients
  for (i in c(1, 2, 4)) {
    alone <- fit_logistic(asah_design[samples[[i]], ], event[samples[[i]]])$coefficients
    expect_identical(found[i, ], alone)
  }
  expect_true(all(is.na(found[3, ])))
})

test_that("refits count what they alias as 0 and tell of separation once", {
  x <- cbind(1, c(1, 1, 0, 0, 0, 0), 1:6)
  y <- c(0, 1, 0, 1, 0, 1)
  no_second <- refit_logistic(x, y, 2:5, 4)$coefficients
  expect_equal(no_second[2], 0)
  expect_warning(refit_logistic(cbind(1, 1:6), rep(0:1, each = 3), rep(0:5, 3), rep(6, 3)), "3 of 3 refits")
  # one that neither converges nor keeps within 0 and 1 is one refit, though glm warns twice
  expect_warning(refit_logistic(cbind(1, c(1, 2, 3, 1e6)), rep(0:1, each = 2), 0:3, 4), "1 of 1 refits")
  expect_error(refit_logistic(x, y, 1:6, 6), "row numbers from 0 to 5")
  expect_error(refit_logistic(x, y, 0:5, 5), "lengths must add up")
})

test_that("likelihood ratio is anova's", {
  small <- glm(event ~ age, family = binomial, data = asah)
  large <- glm(event ~ age + s100b + ndka, family = binomial, data = asah)
  expected <- anova(small, large, test = "LRT")
  found <- likelihood_ratio(cbind(1, asah$age), asah_design, event)
  expect_equal(c(found$statistic, found$df, found$p), c(expected$Deviance[2], expected$Df[2], expected[["Pr(>Chi)"]][2]))
  same <- likelihood_ratio(asah_design, asah_design, event)
  expect_equal(c(same$statistic, same$df, same$p), c(0, 0, NA))
})

test_that("equal rows have equal log-odds", {
  set.seed(8)
  x <- matrix(rnorm(20 * 30), 20)[rep(1:20, 7), ]
  eta <- linear_predictor(x, rnorm(30))
  expect_identical(eta[1:20], eta[121:140])
  expect_equal(linear_predictor(cbind(1, 2:3), c(1, NA)), c(1, 1))
})

test_that("variance inflation is that of the correlations, of coefficients or of columns", {
  fit <- glm(event ~ age + s100b + ndka, family = binomial, data = asah)
  expect_equal(variance_inflation(asah_design, event, 0:2)$vif, unname(diag(solve(cov2cor(vcov(fit)[-1, -1])))))
  columns <- unname(asah_design[, -1])
  found <- collinearity(columns)
  expect_equal(found$vif, diag(solve(cor(columns))))
  expect_equal(found$condition_number, kappa(unit_length(cbind(1, columns)), exact = TRUE))
  expect_true(all(is.na(collinearity(cbind(columns, columns[, 1]))$vif)))
})

test_that("FLIC's and FLAC's mean prediction is the share of events", {
  for (predictions in c("flic", "flac")) {
    b <- refit_firth(asah_design, event, seq_along(event) - 1, length(event), predictions)$coefficients[1, ]
    expect_equal(mean(plogis(asah_design %*% b)), mean(event))
  }
  expect_error(refit_firth(asah_design, event, 0, 1, "flick"), "one of firth, flic, flac")
})

test_that("a spline is linear beyond its knots", {
  knots <- spline_knots(asah$age, 4)
  expect_length(knots, 4)
  expect_equal(diff(spline_basis(c(200, 300, 400), knots), differences = 2), matrix(0, 1, 3))
})

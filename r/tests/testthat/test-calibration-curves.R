study <- function(seed, n = 60) {
  set.seed(seed)
  outcome <- rbinom(n, 1, 0.4)
  list(outcome = outcome, a = plogis(outcome - 0.6 + rnorm(n)), b = round(plogis(rnorm(n)), 1), rows = sample(n, 40 * n, TRUE) - 1)
}

test_that("bands are rmda's from the same samples", {
  # rmda's limits are of type 1; at this level type 7 falls on the same values
  boot <- jsonlite::fromJSON(test_path("fixtures", "rmda_bootstrap.json"))$curve
  level <- 1 - 24 / 499
  set.seed(1)
  rows <- replicate(500, sample.int(113, replace = TRUE)) - 1
  curve <- decision_curve(event, golden$rmda$risk, boot$thresholds, rows, 500, level)
  impact <- clinical_impact(event, golden$rmda$risk, boot$thresholds, 1, rows, 500, level)
  near <- function(found, expected) expect_lt(max(abs(found - expected)), 1e-12)
  near(curve$low, boot$NB_lower)
  near(curve$high, boot$NB_upper)
  near(curve$standardized_low, boot$sNB_lower)
  near(curve$standardized_high, boot$sNB_upper)
  near(impact$high_risk_low, boot$prob.high.risk_lower)
  near(impact$high_risk_high, boot$prob.high.risk_upper)
  near(impact$high_risk_events_low, boot$DP_lower)
  near(impact$high_risk_events_high, boot$DP_upper)
})

test_that("net interventions avoided are those of the net benefits", {
  thresholds <- c(0, 0.1, 0.5, 0.9, 1)
  found <- decision_curve(event, asah_risk, thresholds)
  inner <- 2:4
  odds <- thresholds[inner] / (1 - thresholds[inner])
  expect_equal(found$avoided[inner], (found$net_benefit - found$all)[inner] / odds * 100)
  expect_equal(is.na(found$avoided), c(TRUE, FALSE, FALSE, FALSE, TRUE))
  expect_identical(decision_curve(event, rep(0.4, 113), 0.2)$avoided, 0)
})

test_that("a difference is that of the curves, and of a curve to itself nothing", {
  d <- study(1)
  thresholds <- c(0.5, 0.1, 0.3)
  found <- compare_decision_curves(d$outcome, d$a, d$b, thresholds, d$rows, 40, 0.8)
  net <- function(p, i = seq_along(p)) decision_curve(d$outcome[i], p[i], thresholds)$net_benefit
  expect_equal(found$difference, net(d$a) - net(d$b))
  each <- apply(matrix(d$rows + 1, 60), 2, function(i) net(d$a, i) - net(d$b, i))
  expect_equal(found$low, apply(each, 1, quantile, 0.1, names = FALSE))
  expect_equal(found$high, apply(each, 1, quantile, 0.9, names = FALSE))
  itself <- compare_decision_curves(d$outcome, d$b, d$b, thresholds, d$rows, 40)
  expect_true(all(unlist(itself[c("difference", "low", "high")]) == 0))
})

test_that("the out-of-bag curve is the mean of the held-out ones", {
  d <- study(2)
  drawn <- matrix(d$rows + 1, 60)
  out <- 1 - t(apply(drawn, 2, function(i) tabulate(i, 60) > 0))
  many <- t(apply(drawn, 2, function(i) pmin(pmax(d$a + rnorm(60) / 10, 0), 1)))
  thresholds <- c(0.5, 0.1, 0.3)
  found <- out_of_bag_decision_curve(d$outcome, many, out, thresholds, 0.8)
  each <- lapply(1:40, function(i) decision_curve(d$outcome[out[i, ] == 1], many[i, out[i, ] == 1], thresholds))
  for (key in c("net_benefit", "all", "avoided")) expect_equal(found[[key]], rowMeans(sapply(each, `[[`, key)))
  expect_equal(found$avoided, (found$net_benefit - found$all) / (thresholds / (1 - thresholds)) * 100)
  expect_equal(found$standardized_high, apply(sapply(each, `[[`, "standardized"), 1, quantile, 0.9, names = FALSE))
  many[1, ] <- NA
  out[2, ] <- 0
  expect_equal(out_of_bag_decision_curve(d$outcome, many, out, thresholds),
               out_of_bag_decision_curve(d$outcome, many[-(1:2), ], out[-(1:2), ], thresholds))
  nobody <- out_of_bag_decision_curve(d$outcome, many, out * 0, thresholds)
  expect_true(all(is.na(unlist(nobody[-1]))))
})

test_that("the Brier score is the sum of its parts", {
  parts <- function(outcome, p) unlist(calibration(outcome, p)[c("miscalibration", "discrimination", "uncertainty")], use.names = FALSE)
  expect_equal(parts(c(0, 1, 0, 1), c(0.1, 0.4, 0.6, 0.9)), c(0.06, 0.125, 0.25))
  for (p in list(asah_risk, pmin(round(asah_risk, 1), 0.9), rep(0.4, 113))) {
    found <- parts(event, p)
    expect_equal(found[1] - found[2] + found[3], calibration(event, p)$brier)
    expect_true(all(found >= 0))
  }
  # Equal predictions are pooled whatever their order
  expect_equal(parts(c(0, 0, 1, 0, 1), c(2, 2, 2, 6, 6) / 10), parts(c(1, 0, 0, 1, 0), c(2, 2, 2, 6, 6) / 10))
})

test_that("the curve's band is of curves smoothed again", {
  d <- study(3)
  largest <- which.max(d$a) - 1
  d$rows[d$rows == largest & seq_along(d$rows) <= 30 * 60] <- (largest + 1) %% 60   # few samples reach the right end
  found <- calibration(d$outcome, d$a, d$rows, 40, 0.8)
  each <- apply(matrix(d$rows + 1, 60), 2, function(i) {
    smooth <- lowess(d$a[i], d$outcome[i], iter = 0)
    approx(smooth$x, smooth$y, xout = found$curve_predicted, ties = mean)$y
  })
  reached <- rowSums(!is.na(each)) >= 20
  limits <- function(share) ifelse(reached, apply(each, 1, quantile, share, na.rm = TRUE), NA)
  expect_equal(found$curve_low, limits(0.1))
  expect_equal(found$curve_high, limits(0.9))
  expect_equal(which(!reached), 60)
  expect_true(all(is.na(calibration(d$outcome, d$a)$curve_low)))
  groups <- calibration(event, ifelse(asah$gender == "Male", 0.5, 0.3))
  by_hand <- binom.test(sum(event[asah$gender != "Male"]), sum(asah$gender != "Male"))$conf.int
  expect_equal(c(groups$curve_low[1], groups$curve_high[1]), as.numeric(by_hand))
})

test_that("predictions that separate the outcomes have no slope", {
  outcome <- rep(0:1, each = 3)
  for (p in list(1:6 / 10, c(1, 2, 5, 5, 7, 8) / 10, outcome)) {
    expect_silent(found <- calibration(outcome, p))
    expect_equal(c(found$intercept, found$slope), c(NA, Inf))
    expect_equal(calibration(1 - outcome, p)$slope, -Inf)
  }
})

test_that("what does not fit is refused", {
  expect_error(clinical_impact(event, asah_risk, c(0.5, -0.1)), "within 0 and 1: found -0.1")
  expect_error(compare_decision_curves(event, asah_risk, asah_risk, NaN), "within 0 and 1: found NaN")
  expect_error(out_of_bag_decision_curve(event, t(asah_risk), t(event * 0 + 1), 2), "within 0 and 1: found 2")
  expect_error(decision_curve(event, asah_risk, numeric(0)), "within 0 and 1: found none")
  expect_error(out_of_bag_decision_curve(event, t(asah_risk), t(event), 0.5)$low, NA)
  expect_error(out_of_bag_decision_curve(event, asah_risk, event, 0.5), "one row a resample and 113 columns: found 113 x 1")
  expect_error(calibration(event, asah_risk, 0:112, 2), "samples of 113 row numbers: found 113 for 2")
  expect_error(calibration(event, asah_risk, 1:113, 1), "from 0 to 112")
})

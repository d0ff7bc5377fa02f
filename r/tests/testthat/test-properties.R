score_pair <- function(seed, n = 60) {
  set.seed(seed)
  outcome <- rbinom(n, 1, 0.4)
  list(outcome = outcome, a = outcome + rnorm(n), b = round(outcome + rnorm(n)))
}

test_that("the area is the Mann-Whitney statistic, ties counting half, and turns round with the score", {
  for (seed in 1:5) {
    d <- score_pair(seed)
    pairs <- outer(d$b[d$outcome == 1], d$b[d$outcome == 0], "-")
    expect_equal(auc(d$outcome, d$b)$estimate, mean((pairs > 0) + (pairs == 0) / 2))
    expect_equal(auc(d$outcome, -d$b)$estimate, 1 - auc(d$outcome, d$b)$estimate)
    expect_equal(auc(d$outcome, exp(d$a)), auc(d$outcome, d$a))
  }
})

test_that("a score against itself, or its own transform, does not differ", {
  d <- score_pair(1)
  same <- list(difference = 0, low = 0, high = 0, statistic = 0, p = 1)
  expect_equal(compare_auc(d$outcome, d$a, d$a), same)
  expect_equal(compare_auc(d$outcome, d$a, exp(d$a)), same)
  rows <- stratified_rows(d$outcome, 50)
  expect_equal(compare_partial_auc(d$outcome, d$a, d$a, "sensitivity", 1, 0.8, rows, 50), same)
  expect_equal(compare_partial_auc(d$outcome, d$a, exp(d$a), "sensitivity", 1, 0.8, rows, 50), same)
})

test_that("a constant score is worth nothing", {
  outcome <- rep(0:1, 10)
  expect_equal(auc(outcome, rep(3, 20))$estimate, 0.5)
  cut <- youden(outcome, rep(3, 20))
  expect_equal(c(cut$threshold, cut$tp, cut$fp), c(-Inf, 10, 10))
})

test_that("perfect scores end at 1, quietly", {
  outcome <- rep(0:1, each = 10)
  expect_silent(found <- auc(outcome, 1:20))
  expect_equal(found, list(estimate = 1, variance = 0, low = 1, high = 1))
})

test_that("one outcome gives NA, not an error", {
  for (outcome in list(rep(0, 10), rep(1, 10))) {
    expect_true(all(is.na(unlist(auc(outcome, 1:10)))))
    expect_true(all(is.na(unlist(compare_auc(outcome, 1:10, 10:1)))))
    expect_true(all(is.na(unlist(youden(outcome, 1:10)))))
    expect_true(all(is.na(unlist(partial_auc(outcome, 1:10)))))
    line <- calibration(outcome, seq(0.1, 0.9, length.out = 10))
    expect_true(all(is.na(unlist(line[c("intercept", "slope", "citl")]))))
    expect_equal(line$brier, mean((seq(0.1, 0.9, length.out = 10) - outcome)^2))
    expect_equal(is.finite(decision_curve(outcome, (1:10) / 11, 0.5)$standardized), outcome[1] == 1)
    curve <- roc_curve(outcome, 1:10)
    expect_equal(c(anyNA(curve$sensitivities), anyNA(curve$specificities)), outcome[1] == c(0, 1))
    expect_equal(curve$thresholds[c(1, 2, 11)], c(-Inf, 1.5, Inf))
  }
})

test_that("Youden is pROC's best, the higher sensitivity where several tie", {
  best_of <- function(d, score) {
    roc <- pROC::roc(d$outcome, score, levels = 0:1, direction = "<", quiet = TRUE)
    best <- pROC::coords(roc, "best", ret = c("threshold", "sensitivity"), transpose = FALSE)
    best$threshold[which.max(best$sensitivity)]
  }
  for (seed in 1:20) {
    d <- score_pair(seed)
    expect_equal(youden(d$outcome, d$a)$threshold, best_of(d, d$a))
    expect_equal(youden(d$outcome, d$b)$threshold, best_of(d, d$b))
  }
  tied <- youden(c(0, 1, 0, 1), 1:4)   # J is 1/2 above 1.5 and above 3.5
  expect_equal(c(tied$threshold, tied$sensitivity), c(1.5, 1))
})

test_that("strictly above holds between neighbouring doubles", {
  low <- 1 + .Machine$double.eps
  score <- c(low, 1 + 2 * .Machine$double.eps)
  cut <- youden(c(0, 1), score)
  expect_equal(c(cut$tp, cut$fp, cut$fn, cut$tn), c(1, 0, 0, 1))
  expect_true(score[1] <= cut$threshold && score[2] > cut$threshold)
})

test_that("net benefit: nobody above 1, everybody above nothing, limits around the curve", {
  set.seed(2)
  rows <- sample(113, 200 * 113, replace = TRUE) - 1
  thresholds <- c(0, 0.2, 0.5, 1)
  found <- decision_curve(event, asah_risk, thresholds, rows, 200)
  expect_equal(found$net_benefit[1], mean(event))
  expect_true(is.na(found$net_benefit[4]) && is.na(found$low[4]))
  inside <- found$low[1:3] <= found$net_benefit[1:3] & found$net_benefit[1:3] <= found$high[1:3]
  expect_true(all(inside))
  by_hand <- apply(matrix(rows + 1, 113), 2, function(r) decision_curve(event[r], asah_risk[r], 0.2)$net_benefit)
  expect_equal(c(found$low[2], found$high[2]), quantile(by_hand, c(0.025, 0.975), names = FALSE))
  expect_true(all(is.na(decision_curve(event, asah_risk, 0.3)$low)))
})

test_that("permuting patients changes nothing", {
  set.seed(3)
  order <- sample(113)
  expect_equal(auc(event[order], asah$s100b[order]), auc(event, asah$s100b))
  expect_equal(hosmer_lemeshow(event[order], asah_risk[order]), hosmer_lemeshow(event, asah_risk))
  expect_equal(calibration(event[order], asah_risk[order]), calibration(event, asah_risk))
})

test_that("few distinct predictions are calibrated by group", {
  probability <- ifelse(asah$gender == "Male", 0.5, 0.3)
  found <- calibration(event, probability)
  expect_equal(found$method, "groups")
  expect_equal(found$curve_observed, as.numeric(tapply(event, probability, mean)))
  expect_true(is.na(found$ici))
  constant <- calibration(event, rep(0.3, 113))
  expect_true(is.na(constant$slope) && is.na(constant$intercept))
  expect_equal(constant$citl, qlogis(mean(event)) - qlogis(0.3))
})

test_that("one or two groups leave Hosmer and Lemeshow without a p", {
  one <- suppressWarnings(hosmer_lemeshow(event, rep(0.4, 113)))
  expect_equal(c(one$statistic, one$p, one$n_groups, one$n), c(NA, NA, 1, 113))
  two <- suppressWarnings(hosmer_lemeshow(event, ifelse(asah$s100b > 0.2, 0.6, 0.2), 3))
  expect_true(two$df < 1 && is.na(two$p))
})

test_that("tests of a baseline table", {
  expect_equal(continuous_test(1:10, 4:14, "t")$df, 19)
  expect_lt(continuous_test(1:10, 4:14, "t")$statistic, 0)   # non-event minus event
  expect_equal(continuous_test(1:10, 4:14, "welch")$p, t.test(1:10, 4:14)$p.value)
  expect_equal(continuous_test(c(1.1, 2, 3), c(2.5, 4, 6), "wilcoxon")$p, 0.2)   # exact: 2 + 2 of 20 orders
  for (kind in c("t", "welch", "wilcoxon")) {
    expect_true(all(is.na(unlist(continuous_test(rep(2, 5), rep(2, 4), kind)))))
  }
  tea <- matrix(c(3, 1, 1, 3), 2)
  expect_equal(categorical_test(tea, "fisher")$p, 34 / 70)   # Fisher's tea
  expect_equal(suppressWarnings(categorical_test(tea, "chi2"))$statistic, 2)
  expect_true(all(is.na(unlist(categorical_test(matrix(c(4, 5), 1), "chi2")))))
  large <- matrix(c(20, 31, 24, 15, 11, 19, 14, 28, 9, 13, 21, 17), 6)
  expect_equal(categorical_test(large, "fisher")$p, fisher.test(large, workspace = 2e7)$p.value)
})

test_that("readers: agreement, disagreement, nothing to agree on", {
  set.seed(4)
  x <- matrix(rnorm(60), 20)
  for (form in c("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")) {
    perfect <- icc(x, x, form)
    expect_equal(unlist(perfect, use.names = FALSE), rep(1, 9))
    noisy <- icc(x, x + rnorm(60, sd = 0.5), form)
    expect_true(all(noisy$low < noisy$estimate & noisy$estimate < noisy$high & noisy$high < 1))
  }
  expect_equal(icc(x, x + 5, "ICC3")$estimate, rep(1, 3))
  expect_lt(max(icc(x, x + 5, "ICC2")$estimate), 0.5)
  expect_true(all(is.na(unlist(icc(matrix(2, 20, 1), matrix(2, 20, 1))))))
})

test_that("errors say what is wrong", {
  expect_error(auc(c(0, 1, 2), 1:3), "outcome must be 0 or 1.*found 2 at position 3")
  expect_error(auc(c(0, 1), c(1, NA)), "score must be finite")
  expect_error(auc(c(0, 1), 1:3), "one number for each of the 2 outcomes: found 3")
  expect_error(calibration(c(0, 1), c(0.2, 1.2)), "probability must be within 0 and 1")
  expect_error(decision_curve(c(0, 1), c(0.2, 0.4), 1.5), "thresholds must be")
  expect_error(decision_curve(c(0, 1), c(0.2, 0.4), 0.5, 0:2, 1), "samples of 2 row numbers")
  expect_error(cv_elastic_net(matrix(rnorm(20), 10), rep(0:1, 5), rep_len(1:3, 10), alpha = 2), "from 0 \\(ridge\\)")
  expect_error(cv_lasso(matrix(1:10, 10), rep(0:1, 5), rep_len(1:5, 10)), "at least two columns")
  expect_error(cv_lasso(matrix(rnorm(20), 10), rep(0, 10), rep_len(1:5, 10)), "both outcomes")
  expect_error(cv_lasso(matrix(rnorm(20), 10), rep(0:1, 5), rep_len(1:2, 10)), "three folds")
  expect_error(icc(matrix(0, 2, 2), matrix(0, 3, 2)), "same patients")
})

test_that("versions name every package", {
  found <- package_versions()
  expect_named(found, c("R", "pROC", "glmnet", "ResourceSelection", "rmda", "stats"))
  expect_false(anyNA(found[c("R", "pROC", "glmnet")]))
})

test_that("reclassification counts what moves, by hand", {
  y <- c(1, 1, 1, 0, 0, 0, 0, 0)
  old <- c(0.3, 0.6, 0.7, 0.6, 0.7, 0.4, 0.2, 0.45)
  new <- c(0.6, 0.4, 0.8, 0.3, 0.2, 0.6, 0.2, 0.35)
  found <- reclassification(y, old, new, 0.5)
  expect_equal(found$nri, 0 / 3 + 1 / 5)
  expect_equal(found$cnri, 1 / 3 + 2 / 5)
  expect_equal(found$table_events, rbind(c(0, 1), c(1, 1)))
  expect_equal(found$nri_z, 0.2 / sqrt(2 / 9 + 3 / 25 - 1 / 125))
  expect_equal(reclassification(y, new, old, 0.5)$idi, -found$idi)
})

test_that("without moves, or with one outcome, there is no test", {
  same <- reclassification(c(0, 1, 1), c(0.1, 0.4, 0.8), c(0.1, 0.4, 0.8), 0.5)
  expect_equal(c(same$nri, same$cnri, same$idi), c(0, 0, 0))
  expect_true(all(is.na(c(same$nri_p, same$cnri_p, same$idi_p))))
  expect_true(is.na(reclassification(c(1, 1), c(0.1, 0.4), c(0.3, 0.2), 0.5)$nri))
  expect_error(reclassification(c(0, 1), c(0.1, 0.4), c(0.3, 0.2), c(0.5, 0.2)), "ascending cut points")
})

test_that("the penalised likelihood-ratio test of one column is fit_firth's", {
  group <- rep(0:1, each = 8)
  event <- c(1, 1, 1, 0, 0, 0, 0, 0, rep(1, 8))
  test <- likelihood_ratio_firth(cbind(rep(1, 16)), cbind(1, group), event)
  expect_equal(test$p, fit_firth(cbind(1, group), event)$p_values[[2]], tolerance = 1e-8)
  value <- function(a, b) a * log(a / (a + b)) + b * log(b / (a + b))
  expect_equal(test$statistic, 2 * (value(3.5, 5.5) + value(8.5, 0.5) - value(12, 6)))
  expect_true(is.na(likelihood_ratio_firth(cbind(1, group), cbind(1, rev(seq_along(group))), event)$p))
})

test_that("Rothman and Keller's patients have Hosmer and Lemeshow's intervals", {
  cases <- c(225, 6, 8, 3)
  controls <- c(166, 12, 18, 20)
  logs <- log(cases / controls)
  variance <- 1 / cases + 1 / controls
  found <- additive_interaction(logs[1:3] - logs[4], diag(variance[1:3]) + variance[4])
  expect_equal(round(unlist(found), 2), c(reri.estimate = 3.74, reri.low = -1.84, reri.high = 9.32, ap.estimate = 0.41, ap.low = -0.07,
                                          ap.high = 0.9, s.estimate = 1.87, s.low = 0.65, s.high = 5.42))
})

test_that("standardised risks of a saturated model are the crude ones", {
  group <- rep(0:1, each = 8)
  event <- c(1, 1, 1, 0, 0, 0, 0, 0, rep(1, 7), 0)
  design <- cbind(1, group)
  fit <- fit_logistic(design, event)
  expect_equal(drop(standardized_risks(design, rbind(fit$coefficients), 1, 0:15, 16)$risks), c(3, 7) / 8, tolerance = 1e-6)
  ratios <- standardized_risk_ratios(design, fit$coefficients, fit$covariance, 1)
  expect_equal(ratios$logs, log(3 / 7), tolerance = 1e-6)
  expect_equal(drop(ratios$covariance), 1 / 3 + 1 / 7 - 2 / 8, tolerance = 1e-4)
})

test_that("limits may be infinite, and areas of different patients need both outcomes", {
  logs <- log(rbind(c(9, 3, 2), c(9, 3, 2), c(4, 1, 1) * 1e8))
  found <- additive_interaction_resampled(logs)
  expect_equal(found$reri, list(low = 5, high = Inf, n_defined = 3))
  expect_equal(found$ap$low, 0.5 + 0.05 * (5 / 9 - 0.5), tolerance = 1e-6)
  expect_equal(compare_independent_auc(c(0, 1), 1:2, c(0, 1), 1:2)[c("difference", "p")], list(difference = 0, p = NA_real_))
})

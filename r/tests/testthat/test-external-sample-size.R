test_that("the sizes that pmvalsampsize's own tests hold it to", {
  # pmvalsampsize(type = "b", prevalence = 0.018, cstatistic = 0.8, lpnormal = c(-5, 2.5), oeciwidth = 1, simobs = 1000)
  set.seed(123456)
  found <- external_sample_size(0.018, rnorm(1000, -5, 2.5), 0.8, NA, 0.2456)
  expect_equal(c(found$n_observed_expected, found$n_slope, found$n_auc, found$n), c(905, 4501, 4252, 4501))
  # lpbeta = c(0.5, 0.5)
  set.seed(123456)
  p <- rbeta(1000, 0.5, 0.5)
  found <- external_sample_size(0.018, log(p / (1 - p)), 0.8, NA, 0.2456)
  expect_equal(c(found$n_observed_expected, found$n_slope, found$n_auc, found$n), c(905, 1641, 4252, 4252))
})

test_that("what cannot be anticipated is refused, and what is not defined is left out", {
  expect_error(external_sample_size(1, 0, 0.8, 0.5), "prevalence")
  expect_error(external_sample_size(0.5, numeric(0), 0.8, 0.5), "log_odds")
  found <- external_sample_size(0.3, rep(0.2, 5), NA, 1.5)
  expect_true(is.na(found$n_slope) && is.na(found$n_auc) && is.na(found$n_net_benefit))
  expect_equal(found$n, found$n_observed_expected)
})

test_that("a held-out distance is Mahalanobis's from the others", {
  set.seed(1)
  x <- matrix(rnorm(60), 12)
  own <- sapply(1:12, function(i) mahalanobis(x[i, , drop = FALSE], colMeans(x[-i, ]), cov(x[-i, ])))
  expect_equal(held_out_distances(x), own)
  expect_true(all(is.na(held_out_distances(cbind(1:9, 1:9)))))
})

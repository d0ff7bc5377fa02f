test_that("adjusted p-values, by hand", {
  p <- c(0.01, 0.02, 0.03, NA, 0.04)
  expect_equal(adjust_p(p, "holm"), c(0.04, 0.06, 0.06, NA, 0.06))
  expect_equal(adjust_p(p, "bh"), c(0.04, 0.04, 0.04, NA, 0.04))
  expect_error(adjust_p(p, "bonferroni"), "holm")
  expect_error(adjust_p(1.1, "holm"), "within 0 and 1")
})

test_that("standardised differences, by hand", {
  expected <- (5 - 2) / sqrt((1 + 20 / 3) / 2)
  expect_equal(standardized_mean_difference(c(1, 2, 3), c(2, 4, 6, 8)), expected)
  expect_equal(standardized_mean_difference(c(2, 4, 6, 8), c(1, 2, 3)), -expected)
  expect_equal(standardized_mean_difference(c(1, 1), c(1, 1)), 0)
  expect_true(is.na(standardized_mean_difference(c(1, 1), c(0, 0))))
  expect_equal(standardized_level_difference(cbind(c(75, 25), c(50, 50))), 0.25 / sqrt(0.21875))
  # shares 0.2 0.3 0.5 and 0.4 0.4 0.2
  square <- (0.1^2 * 0.205 + 2 * 0.1 * -0.3 * 0.115 + 0.3^2 * 0.225) / (0.225 * 0.205 - 0.115^2)
  counts <- cbind(c(20, 30, 50), c(40, 40, 20))
  for (rows in list(1:3, c(2, 3, 1), c(3, 1, 2))) expect_equal(standardized_level_difference(counts[rows, ]), sqrt(square))
  expect_equal(standardized_level_difference(rbind(counts, 0)), sqrt(square))
  expect_true(is.na(standardized_level_difference(diag(10, 2))))
})

test_that("the stability index, by hand", {
  same <- selection_stability(matrix(c(1, 0, 1, 0, 0), 7, 5, byrow = TRUE))
  expect_equal(same, list(estimate = 1, variance = 0, low = 1, high = 1))
  expect_equal(selection_stability(diag(2))$estimate, -1)
  expect_equal(selection_stability(rbind(c(1, 1, 0, 0), c(1, 0, 1, 0), c(1, 1, 0, 0)))$estimate, 1 / 3)
  expect_true(is.na(selection_stability(matrix(0, 3, 2))$estimate))
  # Theorem 7, sum by sum
  z <- rbind(c(1, 1, 0, 0, 0), c(1, 0, 1, 0, 0), c(1, 1, 1, 0, 0), c(0, 1, 0, 1, 0))
  found <- selection_stability(z)
  d <- 5
  p <- colMeans(z)
  k <- rowSums(z)
  chance <- mean(k) / d * (1 - mean(k) / d)
  phi <- numeric(4)
  for (i in 1:4) {
    phi[i] <- (mean(z[i, ] * p) - k[i] * mean(k) / d^2 +
                 found$estimate / 2 * (2 * mean(k) * k[i] / d^2 - k[i] / d - mean(k) / d + 1)) / chance
  }
  expect_equal(found$variance, 4 / 16 * sum((phi - mean(phi))^2))
  expect_equal(found$high - found$estimate, 1.959963984540054 * sqrt(found$variance))
})

compare_decision_curves <- function(outcome, a, b, thresholds, rows = integer(0), n_resamples = 0, level = 0.95) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  a <- check_probability(a, n)
  b <- check_probability(b, n)
  thresholds <- check_thresholds(thresholds)
  times <- cbind(rep(1L, n), times_drawn(rows, n_resamples, n))
  of_a <- positives(outcome, a, thresholds, times)
  of_b <- positives(outcome, b, thresholds, times)
  odds <- thresholds / (1 - thresholds)
  difference <- na_if_nan((of_a$true - of_b$true - (of_a$false - of_b$false) * odds) / n)
  band <- percentile_band(difference[, -1, drop = FALSE], level)
  list(threshold = thresholds, difference = difference[, 1], low = band$low, high = band$high)
}

# Areas of unrelated patients, by DeLong's variance of each. pROC's unpaired test has the same statistic, and a t distribution.
compare_independent_auc <- function(outcome_a, a, outcome_b, b, level = 0.95) {
  first <- auc(outcome_a, a, level)
  second <- auc(outcome_b, b, level)
  difference <- first$estimate - second$estimate
  error <- sqrt(first$variance + second$variance)
  statistic <- difference / error
  if (isTRUE(error == 0)) statistic <- if (difference == 0) 0 else sign(difference) * Inf
  half <- qnorm((1 + level) / 2) * error
  list(difference = difference, low = difference - half, high = difference + half,
       statistic = statistic, p = 2 * pnorm(-abs(statistic)))
}

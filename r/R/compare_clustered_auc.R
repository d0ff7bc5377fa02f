compare_clustered_auc <- function(outcome, a, b, patient, level = 0.95) {
  outcome <- check_outcome(outcome)
  a <- check_numbers(a, "a", length(outcome))
  b <- check_numbers(b, "b", length(outcome))
  if (!has_both_classes(outcome)) return(no_comparison())
  if (same_curve(outcome, a, b)) return(list(difference = 0, low = 0, high = 0, statistic = 0, p = 1))
  first <- placement_sums(outcome, a, patient)
  second <- placement_sums(outcome, b, patient)
  sums <- list(events = first$events - second$events, others = first$others - second$others)
  difference <- first$estimate - second$estimate
  error <- sqrt(clustered_variance(sums, outcome, patient))
  statistic <- if (is.na(error)) NA_real_ else if (error == 0) sign(difference) * Inf else difference / error
  if (isTRUE(error == 0 && difference == 0)) statistic <- 0
  half <- qnorm((1 + level) / 2) * error
  list(difference = difference, low = difference - half, high = difference + half, statistic = statistic,
       p = 2 * pnorm(-abs(statistic)))
}

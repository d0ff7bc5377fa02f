compare_partial_auc_asymptotic <- function(outcome, a, b, focus = c("sensitivity", "specificity"), from = 1, to = 0.8, level = 0.95) {
  focus <- match.arg(focus)
  range <- check_range(from, to)
  outcome <- check_outcome(outcome)
  a <- check_numbers(a, "a", length(outcome))
  b <- check_numbers(b, "b", length(outcome))
  if (!has_both_classes(outcome)) return(c(no_comparison(), df = NA_real_))
  difference <- whole_sample_area(outcome, a, focus, range) - whole_sample_area(outcome, b, focus, range)
  part <- difference_spread(outcome, a, b, focus, range)
  # DeLong's test leaves the noise of its variance out, so only what the range adds to it counts
  excess <- part$noise - difference_spread(outcome, a, b, focus, c(high = 1, low = 0))$noise
  df <- if (excess > ROUNDING) 2 / excess else Inf
  test <- test_difference(difference, sqrt(part$variance), level, df)
  c(test, df = if (is.na(part$variance)) NA_real_ else df)
}

# Variance of the difference of two partial areas, and the squared coefficient of variation of that very estimate.
difference_spread <- function(outcome, a, b, focus, range) {
  values <- Map(`-`, restricted_placements(outcome, a, focus, range), restricted_placements(outcome, b, focus, range))
  variance <- vapply(values, variance_of_mean, numeric(1))
  noise <- vapply(values, function(x) {
    k <- length(x)
    if (k < 2) return(0)
    centred <- x - mean(x)
    2 * variance_of_mean(x)^2 / (k - 1) + (mean(centred^4) - 3 * mean(centred^2)^2) / k^3
  }, numeric(1))
  total <- sum(variance)
  list(variance = total, noise = if (!is.na(total) && total > ROUNDING^2) sum(noise) / total^2 else 0)
}

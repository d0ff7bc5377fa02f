roc_curve <- function(outcome, score) {
  outcome <- check_outcome(outcome)
  score <- check_numbers(score, "score", length(outcome))
  if (!has_both_classes(outcome)) return(half_a_curve(outcome, score))
  roc <- make_roc(outcome, score)
  list(thresholds = roc$thresholds, sensitivities = roc$sensitivities, specificities = roc$specificities)
}

# With one outcome pROC refuses; the thresholds exist all the same, and one of the two shares.
half_a_curve <- function(outcome, score) {
  values <- sort(unique(score))
  thresholds <- c(-Inf, (values[-1] + values[-length(values)]) / 2, Inf)
  above <- vapply(thresholds, function(threshold) mean(score > threshold), numeric(1))
  nothing <- rep(NA_real_, length(thresholds))
  only_events <- outcome[1] == 1
  list(thresholds = thresholds, sensitivities = if (only_events) above else nothing,
       specificities = if (only_events) nothing else 1 - above)
}

roc_curve <- function(outcome, score) {
  outcome <- check_outcome(outcome)
  score <- check_numbers(score, "score", length(outcome))
  if (!has_both_classes(outcome)) {
    stop("roc_curve needs both outcomes: found only ", outcome[1], ".", call. = FALSE)
  }
  roc <- make_roc(outcome, score)
  list(thresholds = roc$thresholds, sensitivities = roc$sensitivities, specificities = roc$specificities)
}

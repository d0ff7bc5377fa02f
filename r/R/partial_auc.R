partial_auc <- function(outcome, score, focus = c("sensitivity", "specificity"), from = 1, to = 0.8, rows = integer(0),
                        n_resamples = 0, level = 0.95) {
  focus <- match.arg(focus)
  range <- check_range(from, to)
  outcome <- check_outcome(outcome)
  score <- check_numbers(score, "score", length(outcome))
  times <- times_drawn(rows, n_resamples, length(outcome))
  if (!has_both_classes(outcome)) {
    none <- rep(list(NA_real_), 7)
    return(setNames(none, c("estimate", "corrected", "variance", "low", "high", "corrected_low", "corrected_high")))
  }
  area <- whole_sample_area(outcome, score, focus, range)
  corrected <- mcclish(area, range)
  limits <- percentile_band(matrix(partial_areas(outcome, score, focus, range, times), nrow = 1), level)
  variance <- sum(vapply(restricted_placements(outcome, score, focus, range), variance_of_mean, numeric(1)))
  # Below the diagonal McClish's correction is undefined; of limits pROC gives it all the same, below 0.5
  list(estimate = area, corrected = if (corrected > 0.5 - ROUNDING) corrected else NA_real_, variance = variance,
       low = limits$low, high = limits$high,
       corrected_low = mcclish(limits$low, range), corrected_high = mcclish(limits$high, range))
}

whole_sample_area <- function(outcome, score, focus, range) {
  as.numeric(pROC::auc(make_roc(outcome, score), partial.auc = as.numeric(range), partial.auc.focus = focus))
}

# 0.5 on the diagonal, 1 for the whole range.
mcclish <- function(area, range) {
  largest <- range[["high"]] - range[["low"]]
  smallest <- (2 - range[["high"]] - range[["low"]]) * largest / 2
  (1 + (area - smallest) / (largest - smallest)) / 2
}

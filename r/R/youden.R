youden <- function(outcome, score) {
  outcome <- check_outcome(outcome)
  score <- check_numbers(score, "score", length(outcome))
  keys <- c("threshold", "tp", "fp", "fn", "tn", "sensitivity", "specificity")
  if (!has_both_classes(outcome)) return(setNames(as.list(rep(NA_real_, 7)), keys))

  roc <- make_roc(outcome, score)
  index <- roc$sensitivities + roc$specificities - 1
  tied <- which(index >= max(index) - 1e-12)
  # Thresholds ascend, so the first has the highest sensitivity
  best <- tied[which.max(roc$sensitivities[tied])]
  threshold <- roc$thresholds[best]
  # Between two neighbouring doubles the midpoint is one of them. pROC then takes the upper (positive is >= there);
  # strictly above, it is the lower.
  if (threshold %in% score) threshold <- max(score[score < threshold])

  positive <- score > threshold
  tp <- sum(positive & outcome == 1)
  fp <- sum(positive & outcome == 0)
  fn <- sum(outcome == 1) - tp
  tn <- sum(outcome == 0) - fp
  list(threshold = threshold, tp = as.numeric(tp), fp = as.numeric(fp), fn = as.numeric(fn), tn = as.numeric(tn),
       sensitivity = tp / (tp + fn), specificity = tn / (tn + fp))
}

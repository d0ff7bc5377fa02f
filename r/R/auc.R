auc <- function(outcome, score, level = 0.95) {
  outcome <- check_outcome(outcome)
  score <- check_numbers(score, "score", length(outcome))
  if (!has_both_classes(outcome)) {
    return(list(estimate = NA_real_, variance = NA_real_, low = NA_real_, high = NA_real_))
  }
  roc <- make_roc(outcome, score)
  # pROC warns that an area of 1 has an interval of 1 to 1; the numbers say so themselves
  interval <- suppressWarnings(as.numeric(pROC::ci.auc(roc, conf.level = level, method = "delong")))
  list(estimate = as.numeric(roc$auc),
       variance = na_if_nan(as.numeric(suppressWarnings(pROC::var(roc, method = "delong")))),
       low = na_if_nan(interval[1]), high = na_if_nan(interval[3]))
}

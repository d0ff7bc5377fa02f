partial_auc <- function(outcome, score, focus = c("sensitivity", "specificity"), from = 1, to = 0.8) {
  focus <- match.arg(focus)
  outcome <- check_outcome(outcome)
  score <- check_numbers(score, "score", length(outcome))
  if (!has_both_classes(outcome)) return(list(estimate = NA_real_, corrected = NA_real_))
  roc <- make_roc(outcome, score)
  area <- function(correct) {
    as.numeric(pROC::auc(roc, partial.auc = c(from, to), partial.auc.focus = focus, partial.auc.correct = correct))
  }
  # pROC warns where McClish's correction is undefined (below the diagonal); NA says it
  list(estimate = area(FALSE), corrected = suppressWarnings(na_if_nan(area(TRUE))))
}

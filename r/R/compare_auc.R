compare_auc <- function(outcome, a, b, level = 0.95) {
  outcome <- check_outcome(outcome)
  a <- check_numbers(a, "a", length(outcome))
  b <- check_numbers(b, "b", length(outcome))
  if (!has_both_classes(outcome)) return(no_comparison())
  roc_a <- make_roc(outcome, a)
  roc_b <- make_roc(outcome, b)
  difference <- as.numeric(roc_a$auc) - as.numeric(roc_b$auc)
  # One curve: pROC's 0/0, or a standard error that is only rounding
  if (same_curve(outcome, a, b)) return(list(difference = 0, low = 0, high = 0, statistic = 0, p = 1))
  # A single patient of a class has no variance: pROC stops at NA
  if (min(table(outcome)) < 2) {
    nothing <- no_comparison()
    nothing$difference <- difference
    return(nothing)
  }
  test <- pROC::roc.test(roc_a, roc_b, method = "delong", paired = TRUE, conf.level = level)
  statistic <- as.numeric(test$statistic)
  list(difference = difference,
       low = na_if_nan(test$conf.int[1]), high = na_if_nan(test$conf.int[2]),
       statistic = na_if_nan(statistic), p = na_if_nan(as.numeric(test$p.value)))
}

no_comparison <- function() {
  list(difference = NA_real_, low = NA_real_, high = NA_real_, statistic = NA_real_, p = NA_real_)
}

# Every event stands to every non-event in both scores alike.
same_curve <- function(outcome, a, b) {
  against <- function(score) sign(outer(score[outcome == 1], score[outcome == 0], "-"))
  all(against(a) == against(b))
}

compare_partial_auc <- function(outcome, a, b, focus = c("sensitivity", "specificity"), from = 1, to = 0.8,
                                n_resamples = 2000, seed = 1, level = 0.95) {
  focus <- match.arg(focus)
  outcome <- check_outcome(outcome)
  a <- check_numbers(a, "a", length(outcome))
  b <- check_numbers(b, "b", length(outcome))
  if (!has_both_classes(outcome)) return(no_comparison())
  if (same_ranking(a, b)) return(list(difference = 0, low = 0, high = 0, statistic = 0, p = 1))
  roc_a <- make_roc(outcome, a)
  roc_b <- make_roc(outcome, b)
  set.seed(seed)
  test <- pROC::roc.test(roc_a, roc_b, method = "bootstrap", paired = TRUE, boot.stratified = TRUE,
                         boot.n = n_resamples, partial.auc = c(from, to), partial.auc.focus = focus,
                         reuse.auc = FALSE, progress = "none")
  difference <- as.numeric(test$estimate[1]) - as.numeric(test$estimate[2])
  statistic <- as.numeric(test$statistic)
  # pROC gives difference / sd and not the sd, which a difference of exactly 0 hides
  spread <- if (difference == 0) {
    resampled_spread(outcome, a, b, focus, from, to, n_resamples, seed)
  } else {
    difference / statistic
  }
  half <- qnorm(1 - (1 - level) / 2) * spread
  list(difference = difference, low = na_if_nan(difference - half), high = na_if_nan(difference + half),
       statistic = na_if_nan(statistic), p = na_if_nan(2 * pnorm(-abs(statistic))))
}

# The standard deviation of the differences over the very resamples that roc.test draws from this seed.
resampled_spread <- function(outcome, a, b, focus, from, to, n_resamples, seed) {
  controls <- which(outcome == 0)
  cases <- which(outcome == 1)
  area <- function(score, picked) {
    roc <- make_roc(outcome[picked], score[picked])
    as.numeric(pROC::auc(roc, partial.auc = c(from, to), partial.auc.focus = focus))
  }
  set.seed(seed)
  differences <- vapply(seq_len(n_resamples), function(i) {
    picked <- c(controls[sample(seq_along(controls), replace = TRUE)], cases[sample(seq_along(cases), replace = TRUE)])
    area(a, picked) - area(b, picked)
  }, numeric(1))
  sd(differences)
}

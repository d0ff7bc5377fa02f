compare_partial_auc <- function(outcome, a, b, focus = c("sensitivity", "specificity"), from = 1, to = 0.8, rows, n_resamples,
                                level = 0.95) {
  focus <- match.arg(focus)
  range <- check_range(from, to)
  outcome <- check_outcome(outcome)
  a <- check_numbers(a, "a", length(outcome))
  b <- check_numbers(b, "b", length(outcome))
  times <- times_drawn(rows, n_resamples, length(outcome))
  if (!has_both_classes(outcome)) return(no_comparison())
  difference <- whole_sample_area(outcome, a, focus, range) - whole_sample_area(outcome, b, focus, range)
  resampled <- partial_areas(outcome, a, focus, range, times) - partial_areas(outcome, b, focus, range, times)
  test_difference(difference, sd(resampled, na.rm = TRUE), level)
}

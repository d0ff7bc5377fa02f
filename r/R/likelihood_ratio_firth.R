# Both models under the large one's penalty: the small one is the large one with what lies outside its span held at 0.
# On columns of the large design the same as anova(large, small, method = "nested") of logistf.
likelihood_ratio_firth <- function(design_small, design_large, outcome) {
  outcome <- check_outcome(outcome)
  small <- check_design(design_small, length(outcome))
  large <- check_design(design_large, length(outcome))
  both <- cbind(small, large)
  columns <- estimable_columns(both)   # the small model's come first, so that they are the ones kept
  if (length(columns) != length(estimable_columns(large))) return(list(statistic = NA_real_, df = NA_real_, p = NA_real_))
  n_small <- length(estimable_columns(small))
  n_large <- length(columns)
  x <- firth_basis(both[, columns, drop = FALSE])$x
  fall <- firth_maximise(x, outcome, numeric(n_large), n_large)$value - firth_maximise(x, outcome, numeric(n_large), n_small)$value
  statistic <- max(0, 2 * fall)   # rounding may leave -1e-14
  df <- n_large - n_small
  list(statistic = statistic, df = df, p = if (df > 0) pchisq(statistic, df, lower.tail = FALSE) else NA_real_)
}

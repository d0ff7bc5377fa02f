likelihood_ratio <- function(design_small, design_large, outcome) {
  small <- fit_logistic(design_small, outcome)
  large <- fit_logistic(design_large, outcome)
  df <- sum(!is.na(large$coefficients)) - sum(!is.na(small$coefficients))
  statistic <- max(0, 2 * (large$log_likelihood - small$log_likelihood))   # rounding may leave -1e-14
  list(statistic = statistic, df = df,
       p = if (df > 0) pchisq(statistic, df, lower.tail = FALSE) else NA_real_)
}

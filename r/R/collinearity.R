# Variance inflation factors from the columns' correlation matrix, Belsley's condition number (with the intercept, columns
# at unit length), and the same of the columns about their means.
collinearity <- function(values) {
  values <- as.matrix(values)
  p <- ncol(values)
  nothing <- list(vif = rep(NA_real_, p), condition_number = NA_real_, condition_number_centred = NA_real_)
  low <- apply(values, 2, min)
  span <- apply(values, 2, max) - low
  if (p >= nrow(values) || any(!is.finite(span) | span == 0)) return(nothing)
  centred <- sweep(sweep(values, 2, low), 2, span, "/")   # neither squares nor means of what is huge or tiny
  centred <- sweep(centred, 2, colMeans(centred))
  condition <- condition_number(centred)
  if (is.na(condition)) return(nothing)
  list(vif = vapply(seq_len(p), function(j) inflation(centred, seq_len(p) == j), 0),
       condition_number = condition_number(cbind(1, values)), condition_number_centred = condition)
}

condition_number <- function(columns) {
  singular <- svd(unit_length(columns), 0, 0)$d
  if (min(singular) > 1e-11 * singular[1]) singular[1] / min(singular) else NA_real_
}

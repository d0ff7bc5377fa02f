# The correlation of predicted and observed events; NA where one of them does not vary.
matthews_correlation <- function(tp, fp, fn, tn) {
  predicted <- rep(c(1, 1, 0, 0), c(tp, fp, fn, tn))
  observed <- rep(c(1, 0, 1, 0), c(tp, fp, fn, tn))
  varies <- length(unique(predicted)) > 1 && length(unique(observed)) > 1
  list(estimate = if (varies) stats::cor(predicted, observed) else NA_real_)
}

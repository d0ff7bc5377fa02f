# A row of predictions a repeat: the interval is of the patients' squared errors, averaged over the repeats.
brier_score <- function(outcome, probability, level = 0.95) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  probability <- matrix(as.numeric(probability), ncol = n)
  squares <- colMeans((probability - rep(outcome, each = nrow(probability)))^2)
  half <- qnorm((1 + level) / 2) * sd(squares) / sqrt(n)
  list(estimate = mean(squares), low = max(0, mean(squares) - half), high = min(1, mean(squares) + half))
}

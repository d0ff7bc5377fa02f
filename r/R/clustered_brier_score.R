# A row of predictions a repeat; squared errors are clustered in patients, of whom each has its number of rows.
clustered_brier_score <- function(outcome, probability, patient, level = 0.95) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  probability <- matrix(as.numeric(probability), ncol = n)
  squares <- colMeans((probability - rep(outcome, each = nrow(probability)))^2)
  estimate <- mean(squares)
  sums <- rowsum(squares - estimate, patient)
  number <- length(sums)
  if (number < 2) return(list(estimate = estimate, low = NA_real_, high = NA_real_))
  half <- qnorm((1 + level) / 2) * sqrt(number / (number - 1) * sum(sums^2)) / n
  list(estimate = estimate, low = max(0, estimate - half), high = min(1, estimate + half))
}

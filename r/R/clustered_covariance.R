# Liang and Zeger's sandwich, rows clustered in patients, times G / (G - 1).
clustered_covariance <- function(design, outcome, patient) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  b <- fit_logistic(design, outcome)$coefficients
  kept <- is.finite(b)
  covariance <- matrix(NA_real_, ncol(design), ncol(design))
  number <- length(unique(patient))
  if (number < 2) return(covariance)
  own <- design[, kept, drop = FALSE]
  p <- plogis(drop(own %*% b[kept]))
  scores <- rowsum(own * (outcome - p), patient)
  bread <- solve(crossprod(own, own * (p * (1 - p))))
  covariance[kept, kept] <- number / (number - 1) * bread %*% crossprod(scores) %*% bread
  covariance
}

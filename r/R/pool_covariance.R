pool_covariance <- function(estimates, covariances) {
  estimates <- as.matrix(estimates)
  covariances <- as.matrix(covariances)
  m <- nrow(estimates)
  k <- ncol(estimates)
  if (nrow(covariances) != m * k || ncol(covariances) != k) {
    stop("covariances must be ", m, " matrices of ", k, " columns, one below the other.", call. = FALSE)
  }
  within <- matrix(0, k, k)
  for (j in seq_len(m)) within <- within + covariances[(j - 1) * k + seq_len(k), , drop = FALSE] / m
  if (m == 1) within else within + (1 + 1 / m) * var(estimates)
}

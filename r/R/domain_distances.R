domain_distances <- function(values, mean, covariance, n, shares) {
  values <- matrix(as.numeric(values), ncol = length(mean))
  covariance <- as.matrix(covariance)
  p <- length(mean)
  sd <- sqrt(diag(covariance))
  if (n <= p || !all(sd > 0) || is_singular(covariance / outer(sd, sd))) {
    return(list(squared = rep(NA_real_, nrow(values)), limits = rep(NA_real_, length(shares))))
  }
  standardised <- sweep(sweep(values, 2, mean), 2, sd, "/")
  list(squared = as.numeric(mahalanobis(standardised, FALSE, covariance / outer(sd, sd))),
       limits = p * (n + 1) * (n - 1) / (n * (n - p)) * qf(shares, p, n - p))
}

is_singular <- function(correlation) {
  values <- eigen(correlation, symmetric = TRUE, only.values = TRUE)$values
  min(values) <= 1e-10 * max(values)
}

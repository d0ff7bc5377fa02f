held_out_distances <- function(values) {
  values <- as.matrix(values)
  n <- nrow(values)
  if (n <= ncol(values) + 1) return(rep(NA_real_, n))
  everyone <- domain_distances(values, colMeans(values), cov(values), n, numeric(0))
  share <- everyone$squared / (n - 1)
  c <- n / (n - 1)
  left <- 1 - c * share
  ifelse(left > 1e-12, (n - 2) * c^2 * share / left, Inf)
}

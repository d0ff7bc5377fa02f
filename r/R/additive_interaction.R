# RERI, AP and S from log ratios of (both, first alone, second alone) against neither; delta method, S on the log scale.
additive_interaction <- function(logs, covariance, level = 0.95) {
  logs <- as.numeric(logs)
  covariance <- as.matrix(covariance)
  if (length(logs) != 3 || any(dim(covariance) != 3)) {
    stop("logs must be three log ratios and covariance their 3 x 3 covariance: found ", length(logs), " and ",
         paste(dim(covariance), collapse = " x "), ".", call. = FALSE)
  }
  z <- qnorm((1 + level) / 2)
  interval <- function(estimate, gradient) {
    half <- z * sqrt(max(sum(gradient * (covariance %*% gradient)), 0))   # rounding may leave -1e-18
    list(estimate = estimate, low = estimate - half, high = estimate + half)
  }
  r <- exp(logs)
  reri <- r[1] - r[2] - r[3] + 1
  top <- r[1] - 1
  bottom <- r[2] + r[3] - 2
  is_defined <- isTRUE(top > 1e-6 && bottom > 1e-6)   # no excess: 0 by arithmetic, in floating point of either sign
  list(reri = interval(reri, c(r[1], -r[2], -r[3])),
       ap = interval(reri / r[1], c(r[2] + r[3] - 1, -r[2], -r[3]) / r[1]),
       s = if (is_defined) lapply(interval(log(top / bottom), c(r[1] / top, -r[2] / bottom, -r[3] / bottom)), exp)
           else list(estimate = NA_real_, low = NA_real_, high = NA_real_))
}

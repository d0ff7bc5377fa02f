# Percentile limits over resamples, a row each. A measure beyond exp(12) in size stands for an infinite one that the iterations
# did not reach, and takes its place among the others; where such ratios cancel, RERI does not exist.
additive_interaction_resampled <- function(logs, level = 0.95) {
  logs <- as.matrix(logs)
  if (ncol(logs) != 3) stop("logs must have three columns, a row a resample: found ", ncol(logs), ".", call. = FALSE)
  ratios <- exp(logs)
  reri <- ratios[, 1] - ratios[, 2] - ratios[, 3] + 1
  top <- ratios[, 1] - 1
  bottom <- ratios[, 2] + ratios[, 3] - 2
  largest <- pmax(ratios[, 1], ratios[, 2], ratios[, 3])
  is_lost <- !is.na(largest) & largest > exp(12) & abs(reri) < 1e-6 * largest
  limits <- function(values) {
    defined <- values[!is.na(values)]
    defined <- ifelse(abs(defined) > exp(12), sign(defined) * Inf, defined)
    tail <- (1 - level) / 2
    found <- if (length(defined)) quantile(defined, c(tail, 1 - tail), names = FALSE) else c(NA_real_, NA_real_)
    list(low = found[1], high = found[2], n_defined = as.numeric(length(defined)))
  }
  list(reri = limits(ifelse(is_lost, NA_real_, reri)), ap = limits(reri / ratios[, 1]),
       s = limits(ifelse(!is.na(top) & top > 1e-6 & bottom > 1e-6, top / bottom, NA_real_)))
}

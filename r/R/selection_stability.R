selection_stability <- function(selected, level = 0.95) {
  selected <- as.matrix(selected)
  if (!all(selected %in% c(0, 1))) stop("selected must be a matrix of 0 and 1, a row a resample.", call. = FALSE)
  m <- nrow(selected)
  d <- ncol(selected)
  if (m < 2 || d == 0 || sum(selected) %in% c(0, m * d)) {
    return(list(estimate = NA_real_, variance = NA_real_, low = NA_real_, high = NA_real_))
  }
  p <- colMeans(selected)
  k <- rowSums(selected)
  share <- mean(k) / d
  chance <- share * (1 - share)
  estimate <- 1 - mean(p * (1 - p)) * m / (m - 1) / chance
  each <- (as.numeric(selected %*% p) / d - k * share / d +
             estimate / 2 * (2 * k * share / d - k / d - share + 1)) / chance
  variance <- 4 / m^2 * sum((each - mean(each))^2)
  half <- qnorm((1 + level) / 2) * sqrt(variance)
  list(estimate = estimate, variance = variance, low = estimate - half, high = min(estimate + half, 1))
}

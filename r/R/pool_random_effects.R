# Random effects by REML with Hartung and Knapp's interval: metafor's rma(test = "knha"), tau2 to rounding.
pool_random_effects <- function(estimates, variances, level = 0.95) {
  y <- as.numeric(estimates)
  v <- as.numeric(variances)
  if (length(y) != length(v)) {
    stop("estimates and variances must be vectors as long as each other: found ", length(y), " and ", length(v), ".", call. = FALSE)
  }
  if (any(v < 0, na.rm = TRUE)) {
    stop("variances must not be negative: found ", format(v[which(v < 0)[1]]), ". Square the standard errors.", call. = FALSE)
  }
  none <- list(estimate = NA_real_, low = NA_real_, high = NA_real_, se = NA_real_, df = NA_real_, factor = NA_real_,
               tau2 = NA_real_, i2 = NA_real_, q = NA_real_, q_p = NA_real_, prediction_low = NA_real_,
               prediction_high = NA_real_, reason = "")
  answer <- function(...) replace(none, names(list(...)), list(...))
  k <- length(y)
  if (!k) return(answer(reason = "there is no estimate."))
  if (!all(is.finite(y)) || !all(is.finite(v)) || !all(v > 0)) {
    return(answer(reason = "an estimate has no finite variance above 0, and so no weight."))
  }
  if (k == 1) return(answer(estimate = y, reason = "one estimate alone says nothing of how centres differ."))
  tau2 <- reml_variance(y, v)
  weight <- 1 / (v + tau2)
  fixed <- 1 / v
  estimate <- sum(weight * y) / sum(weight)
  df <- k - 1
  q <- sum(fixed * (y - sum(fixed * y) / sum(fixed))^2)
  typical <- df / (sum(fixed) - sum(fixed^2) / sum(fixed))
  own <- list(estimate = estimate, df = df, tau2 = tau2, i2 = tau2 / (tau2 + typical), q = q,
              q_p = pchisq(q, df, lower.tail = FALSE))
  if (max(y) - min(y) <= 1e-12 * max(abs(y))) {
    return(do.call(answer, c(own, reason = "all estimates are equal, and an interval would have no width.")))
  }
  factor <- sum(weight * (y - estimate)^2) / df
  error <- sqrt(factor / sum(weight))
  times <- qt((1 + level) / 2, df)
  own <- c(own, low = estimate - times * error, high = estimate + times * error, se = error, factor = factor)
  if (k < 3) return(do.call(answer, c(own, reason = "an interval for a new centre needs three estimates.")))
  width <- times * sqrt(tau2 + error^2)
  do.call(answer, c(own, prediction_low = estimate - width, prediction_high = estimate + width))
}

# Where the restricted likelihood is largest, from 0 on; of several maxima the highest.
reml_variance <- function(y, v) {
  slope <- function(tau2) {
    weight <- 1 / (v + tau2)
    sum((weight * (y - sum(weight * y) / sum(weight)))^2) - (sum(weight) - sum(weight^2) / sum(weight))
  }
  likelihood <- function(tau2) {
    weight <- 1 / (v + tau2)
    -0.5 * (sum(log(v + tau2)) + log(sum(weight)) + sum(weight * (y - sum(weight * y) / sum(weight))^2))
  }
  most <- max(v, 3 * (max(y) - min(y))^2)
  grid <- c(0, most * 10^(-(160:0) / 20))
  slopes <- vapply(grid, slope, 0)
  best <- 0
  for (i in which(slopes[-length(slopes)] > 0 & slopes[-1] <= 0)) {
    low <- grid[i]
    high <- grid[i + 1]
    repeat {
      middle <- low + (high - low) / 2
      if (!(low < middle && middle < high)) break
      if (slope(middle) > 0) low <- middle else high <- middle
    }
    best <- c(best, low)
  }
  best[which.max(vapply(best, likelihood, 0))]
}

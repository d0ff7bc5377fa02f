# Rule D2: of the statistics alone.
pool_likelihood_ratio <- function(statistics, df) {
  d <- as.numeric(statistics)
  m <- length(d)
  if (!isTRUE(df > 0) || !m || !all(is.finite(d) & d >= 0)) {
    return(list(statistic = NA_real_, df1 = df, df2 = NA_real_, p = NA_real_, riv = NA_real_))
  }
  riv <- if (all(d == d[1])) 0 else (1 + 1 / m) * var(sqrt(d))
  if (riv == 0) {
    return(list(statistic = d[1] / df, df1 = df, df2 = Inf, p = pchisq(d[1], df, lower.tail = FALSE), riv = 0))
  }
  statistic <- (mean(d) / df - (m + 1) / (m - 1) * riv) / (1 + riv)
  df2 <- df^(-3 / m) * (m - 1) * (1 + 1 / riv)^2
  list(statistic = statistic, df1 = df, df2 = df2, p = pf(statistic, df, df2, lower.tail = FALSE), riv = riv)
}

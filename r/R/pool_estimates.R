# Rubin's rules. Where all imputations agree the analysis is that of complete data.
pool_estimates <- function(estimates, variances, df_complete = Inf, level = 0.95) {
  estimates <- as.matrix(estimates)
  variances <- as.matrix(variances)
  if (!all(dim(estimates) == dim(variances)) || !nrow(estimates)) {
    stop("estimates and variances must be matrices alike, a row an imputation.", call. = FALSE)
  }
  each <- lapply(seq_len(ncol(estimates)), function(j) pool_one(estimates[, j], variances[, j], df_complete, level))
  keys <- c("estimate", "se", "df", "low", "high", "p", "fmi", "riv", "lambda")
  setNames(lapply(keys, function(key) vapply(each, function(one) one[[key]], 0)), keys)
}

pool_one <- function(estimates, variances, df_complete, level) {
  none <- c(estimate = NA_real_, se = NA_real_, df = NA_real_, low = NA_real_, high = NA_real_, p = NA_real_, fmi = NA_real_,
            riv = NA_real_, lambda = NA_real_)
  m <- length(estimates)
  if (!all(is.finite(estimates))) return(as.list(none))
  is_one <- all(estimates == estimates[1])
  estimate <- if (is_one) estimates[1] else mean(estimates)
  if (!all(is.finite(variances))) return(as.list(replace(none, "estimate", estimate)))
  within <- mean(variances)
  between <- if (is_one) 0 else (1 + 1 / m) * var(estimates)
  total <- within + between
  lambda <- if (total == 0) 0 else between / total
  df <- if (lambda == 0) df_complete else (m - 1) / lambda^2
  if (lambda > 0 && is.finite(df_complete)) {
    observed <- (df_complete + 1) / (df_complete + 3) * df_complete * (1 - lambda)
    df <- 1 / (1 / df + 1 / observed)
  }
  se <- sqrt(total)
  half <- qt((1 + level) / 2, df) * se
  list(estimate = estimate, se = se, df = df, low = estimate - half, high = estimate + half,
       p = na_if_nan(2 * pt(-abs(estimate / se), df)),
       fmi = if (lambda == 0) 0 else lambda + (1 - lambda) * 2 / (df + 3),
       riv = if (between == 0) 0 else between / within, lambda = lambda)
}

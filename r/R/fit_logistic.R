fit_logistic <- function(design, outcome) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  columns <- estimable_columns(design)
  fit <- fit_columns(design, outcome, columns)

  k <- ncol(design)
  rank <- fit$rank
  used <- columns[fit$qr$pivot[seq_len(rank)]]
  covariance <- matrix(NA_real_, k, k)
  rownames(covariance) <- colnames(covariance) <- colnames(design)
  covariance[used, used] <- chol2inv(fit$qr$qr[seq_len(rank), seq_len(rank), drop = FALSE])
  coefficients <- setNames(rep(NA_real_, k), colnames(design))
  coefficients[columns] <- fit$coefficients
  standard_errors <- sqrt(diag(covariance))
  list(coefficients = coefficients,
       standard_errors = standard_errors,
       p_values = 2 * pnorm(-abs(coefficients / standard_errors)),
       covariance = covariance,
       log_likelihood = -fit$deviance / 2,   # 0/1 outcomes: the saturated model's log-likelihood is 0
       deviance = fit$deviance,
       null_deviance = fit$null.deviance,
       converged = as.numeric(fit$converged),
       iterations = as.numeric(fit$iter))
}

# Which columns can be estimated. glm.fit pivots at min(1e-7, epsilon / 1000): with an epsilon as small as ours that is
# 1e-15, below rounding, and a column that is the sum of others would get a coefficient of 1e15. So columns are aliased
# first, at the tolerance of glm's default epsilon, and glm.fit sees the rest.
estimable_columns <- function(design) {
  decomposed <- qr(design, tol = 1e-11)
  sort(decomposed$pivot[seq_len(decomposed$rank)])
}

fit_columns <- function(design, outcome, columns = seq_len(ncol(design)), offset = NULL) {
  if (length(columns) < ncol(design)) design <- design[, columns, drop = FALSE]
  glm.fit(design, outcome, offset = offset, family = binomial(), control = list(epsilon = 1e-12, maxit = 50))
}

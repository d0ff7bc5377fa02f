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

# Which columns can be estimated: decided before fitting, at the tolerance of glm's default epsilon, so that it does not
# depend on the weights.
estimable_columns <- function(design) {
  decomposed <- qr(design, tol = 1e-11)
  sort(decomposed$pivot[seq_len(decomposed$rank)])
}

fit_columns <- function(design, outcome, columns = seq_len(ncol(design)), offset = NULL) {
  if (length(columns) < ncol(design)) design <- design[, columns, drop = FALSE]
  glm.fit(design, outcome, offset = offset, family = binomial(), control = glm.control())
}

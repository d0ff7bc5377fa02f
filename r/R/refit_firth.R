refit_firth <- function(design, outcome, rows, lengths, predictions = "firth") {
  if (!predictions %in% c("firth", "flic", "flac"))
    stop("predictions must be one of firth, flic, flac: found ", predictions, ".", call. = FALSE)
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  resamples <- check_resamples(rows, lengths, nrow(design))
  coefficients <- matrix(NA_real_, length(resamples), ncol(design), dimnames = list(NULL, colnames(design)))
  for (i in seq_along(resamples)) {
    picked <- resamples[[i]]
    if (!has_both_classes(outcome[picked])) next   # as refit_logistic: stays NA
    x <- design[picked, , drop = FALSE]
    columns <- estimable_columns(x)
    basis <- firth_basis(x[, columns, drop = FALSE])
    found <- firth_maximise(basis$x, outcome[picked], numeric(length(columns)), length(columns))
    coefficients[i, ] <- 0
    b <- backsolve(basis$triangle, found$beta)
    own <- x[, columns, drop = FALSE]
    if (predictions == "flic") b[1] <- flic_intercept(own, outcome[picked], b)
    if (predictions == "flac") b <- flac(own, outcome[picked], found$state$leverage)
    coefficients[i, columns] <- b
  }
  list(coefficients = coefficients)
}

# Firth's slopes with the intercept by maximum likelihood: the mean prediction is the share of events. By the root of the
# score, as glm's steps may run away from far offsets.
flic_intercept <- function(x, outcome, b) {
  offset <- drop(x[, -1, drop = FALSE] %*% b[-1])
  uniroot(function(intercept) sum(outcome - plogis(intercept + offset)), c(-1, 1) * (max(abs(offset)) + 40), tol = 1e-13,
          maxiter = 10000)$root
}

# Maximum likelihood on the augmented data, each patient twice more with half of the leverage as the weight, and with a
# covariate that tells these apart.
flac <- function(x, outcome, leverage) {
  n <- length(outcome)
  augmented <- cbind(x[rep(seq_len(n), 3), , drop = FALSE], rep(c(0, 1, 1), each = n))
  fit <- suppressWarnings(glm.fit(augmented, c(outcome, outcome, 1 - outcome), weights = c(rep(1, n), leverage / 2, leverage / 2),
                                  family = binomial(), control = list(epsilon = 1e-14, maxit = 100)))   # weights are no counts
  fit$coefficients[seq_len(ncol(x))]
}

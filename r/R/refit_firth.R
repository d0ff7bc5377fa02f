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
    times <- tabulate(picked, nrow(design))   # a patient drawn twice counts twice, and is worked out once
    drawn <- which(times > 0)
    times <- times[drawn]
    x <- design[drawn, , drop = FALSE]
    columns <- estimable_columns(x)
    x <- x[, columns, drop = FALSE]
    basis <- firth_basis(x)
    found <- firth_maximise(basis$x, outcome[drawn], numeric(length(columns)), length(columns), times)
    coefficients[i, ] <- 0
    b <- backsolve(basis$triangle, found$beta)
    if (predictions == "flic") b[1] <- flic_intercept(x, outcome[drawn], b, times)
    if (predictions == "flac") b <- flac(x, outcome[drawn], found$state$leverage, times)
    coefficients[i, columns] <- b
  }
  list(coefficients = coefficients)
}

# Firth's slopes with the intercept by maximum likelihood: the mean prediction is the share of events. By the root of the
# score, as glm's steps may run away from far offsets.
flic_intercept <- function(x, outcome, b, times) {
  offset <- drop(x[, -1, drop = FALSE] %*% b[-1])
  uniroot(function(intercept) sum(times * (outcome - plogis(intercept + offset))), c(-1, 1) * (max(abs(offset)) + 40),
          tol = 1e-13, maxiter = 10000)$root
}

# Maximum likelihood on the augmented data, each patient twice more with half of the leverage as the weight, and with a
# covariate that tells these apart. "leverage" is that of all the times that a patient counts.
flac <- function(x, outcome, leverage, times) {
  n <- length(outcome)
  augmented <- cbind(x[rep(seq_len(n), 3), , drop = FALSE], rep(c(0, 1, 1), each = n))
  fit <- suppressWarnings(glm.fit(augmented, c(outcome, outcome, 1 - outcome), weights = c(times, leverage / 2, leverage / 2),
                                  family = binomial(), control = list(epsilon = 1e-14, maxit = 100)))   # weights are no counts
  fit$coefficients[seq_len(ncol(x))]
}

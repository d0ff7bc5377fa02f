refit_firth <- function(design, outcome, rows, lengths) {
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
    coefficients[i, columns] <- backsolve(basis$triangle, found$beta)
  }
  list(coefficients = coefficients)
}

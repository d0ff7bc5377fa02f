refit_logistic <- function(design, outcome, rows, lengths) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  resamples <- check_resamples(rows, lengths, nrow(design))
  coefficients <- matrix(NA_real_, length(resamples), ncol(design), dimnames = list(NULL, colnames(design)))
  n_warned <- 0
  for (i in seq_along(resamples)) {
    picked <- resamples[[i]]
    if (!has_both_classes(outcome[picked])) next   # nothing to fit: stays NA
    warned <- FALSE   # glm may have two things to say of one fit
    withCallingHandlers(
      coefficients[i, ] <- refit_once(design[picked, , drop = FALSE], outcome[picked]),
      warning = function(w) {
        warned <<- TRUE
        invokeRestart("muffleWarning")
      })
    n_warned <- n_warned + warned
  }
  # One line instead of thousands
  if (n_warned) {
    warning("refit_logistic: ", n_warned, " of ", length(resamples),
            " refits did not converge or reached fitted probabilities of 0 or 1", call. = FALSE)
  }
  list(coefficients = coefficients)
}

refit_once <- function(design, outcome) {
  columns <- estimable_columns(design)
  coefficients <- numeric(ncol(design))
  fitted <- fit_columns(design, outcome, columns)$coefficients
  coefficients[columns] <- ifelse(is.na(fitted), 0, fitted)
  coefficients
}

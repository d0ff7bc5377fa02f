refit_logistic <- function(design, outcome, rows, lengths) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  rows <- as.integer(rows)
  ends <- cumsum(as.integer(lengths))
  if (sum(lengths) != length(rows)) {
    stop("lengths must add up to the ", length(rows), " row numbers: found ", sum(lengths), ".", call. = FALSE)
  }
  if (length(rows) && (anyNA(rows) || min(rows) < 0 || max(rows) >= nrow(design))) {
    stop("rows must be row numbers from 0 to ", nrow(design) - 1, ": found ",
         paste(range(rows), collapse = " to "), ".", call. = FALSE)
  }
  coefficients <- matrix(NA_real_, length(lengths), ncol(design), dimnames = list(NULL, colnames(design)))
  n_warned <- 0
  for (i in seq_along(ends)) {
    picked <- rows[seq.int(to = ends[i], length.out = lengths[i])] + 1L
    if (!has_both_classes(outcome[picked])) next   # nothing to fit: stays NA
    withCallingHandlers(
      coefficients[i, ] <- refit_once(design[picked, , drop = FALSE], outcome[picked]),
      warning = function(w) {
        n_warned <<- n_warned + 1
        invokeRestart("muffleWarning")
      })
  }
  # One line instead of thousands
  if (n_warned) {
    warning("refit_logistic: ", n_warned, " of ", length(ends),
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

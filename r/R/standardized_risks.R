standardized_risks <- function(design, coefficients, columns, rows, lengths) {
  design <- check_design(design, nrow(as.matrix(design)))
  coefficients <- as.matrix(coefficients)
  columns <- check_columns(columns, design)
  resamples <- check_resamples(rows, lengths, nrow(design))
  is_nothing <- rowSums(!is.na(coefficients)) == 0
  coefficients[is.na(coefficients)] <- 0
  others <- design
  others[, columns] <- 0
  base <- others %*% t(coefficients)
  groups <- cbind(0, coefficients[, columns, drop = FALSE])
  risks <- matrix(NA_real_, length(resamples), ncol(groups))
  for (i in which(!is_nothing)) {
    log_odds <- base[resamples[[i]], i]
    risks[i, ] <- vapply(groups[i, ], function(own) mean(plogis(log_odds + own)), 0)
  }
  list(risks = risks)
}

# 0-based columns as 1-based ones.
check_columns <- function(columns, design) {
  columns <- as.integer(columns) + 1L
  if (!length(columns) || anyNA(columns) || min(columns) < 1 || max(columns) > ncol(design)) {
    stop("columns must be numbers from 0 to ", ncol(design) - 1, ": found ", paste(columns - 1, collapse = ", "), ".", call. = FALSE)
  }
  columns
}

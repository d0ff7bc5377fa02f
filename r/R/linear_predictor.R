# Column by column: a matrix product may add up equal rows in different orders, and two patients with the same
# covariates would then differ in the last bit and no longer be tied.
linear_predictor <- function(design, coefficients) {
  design <- as.matrix(design)
  if (length(coefficients) != ncol(design)) {
    stop("coefficients must be one for each of the ", ncol(design), " columns of design: found ",
         length(coefficients), ".", call. = FALSE)
  }
  used <- which(!is.na(coefficients))
  terms <- lapply(used, function(j) design[, j] * coefficients[[j]])
  unname(Reduce(`+`, terms, numeric(nrow(design))))
}

# car::vif's numbers, from the fit's triangular factor rather than from its covariance, which a dependency of eight digits
# would leave without any.
variance_inflation <- function(design, outcome, terms) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  df <- tabulate(as.integer(terms) + 1)
  vif <- rep(NA_real_, length(df))
  if (length(df) > 1 && length(estimable_columns(design)) == ncol(design)) {
    fit <- fit_columns(design, outcome)
    triangle <- qr.R(fit$qr)[-1, -1, drop = FALSE]   # what the intercept leaves of the columns
    if (fit$rank == ncol(design)) vif <- vapply(seq_along(df) - 1, function(term) inflation(triangle, terms == term), 0)
  }
  list(vif = vif, df = as.numeric(df), vif_per_df = vif^(1 / (2 * df)))
}

# det(own'own) / det(own'own outside the other columns).
inflation <- function(centred, own) {
  units <- unit_length(centred)
  diagonal <- function(columns) abs(diag(qr.R(qr(columns, tol = 0))))
  alone <- diagonal(units[, own, drop = FALSE])
  outside <- diagonal(units[, order(own), drop = FALSE])[seq.int(to = length(own), length.out = sum(own))]
  if (isTRUE(all(outside > 1e-11))) prod(alone / outside)^2 else NA_real_
}

unit_length <- function(columns) {
  scaled <- sweep(columns, 2, apply(abs(columns), 2, max), "/")   # of what is huge or tiny the squares do not overflow
  sweep(scaled, 2, sqrt(colSums(scaled^2)), "/")
}

standardized_level_difference <- function(counts) {
  counts <- as.matrix(counts)
  counts <- counts[rowSums(counts) > 0, , drop = FALSE]
  totals <- colSums(counts)
  if (nrow(counts) == 0 || any(totals == 0)) return(NA_real_)
  shares <- sweep(counts, 2, totals, "/")[-1, , drop = FALSE]
  difference <- shares[, 2] - shares[, 1]
  if (length(difference) == 0 || max(abs(difference)) < 1e-12) return(0)
  spread <- Reduce(`+`, lapply(1:2, function(j) diag(shares[, j], nrow(shares)) - outer(shares[, j], shares[, j]))) / 2
  parts <- eigen(spread, symmetric = TRUE)
  along <- as.numeric(crossprod(parts$vectors, difference))
  is_flat <- parts$values < 1e-12
  if (any(abs(along[is_flat]) > 1e-9)) return(NA_real_)
  sqrt(sum(along[!is_flat]^2 / parts$values[!is_flat]))
}

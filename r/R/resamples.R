# Bootstrap samples of all patients: 0-based row numbers, one sample after another, as 1-based columns (n x samples).
drawn_rows <- function(rows, n_resamples, n) {
  if (length(rows) != n * n_resamples) {
    stop("rows must hold n_resamples samples of ", n, " row numbers: found ", length(rows), " for ", n_resamples, ".",
         call. = FALSE)
  }
  drawn <- matrix(as.integer(rows) + 1L, nrow = n, ncol = n_resamples)
  if (length(drawn) && (anyNA(drawn) || min(drawn) < 1 || max(drawn) > n)) {
    stop("rows must be row numbers from 0 to ", n - 1, ".", call. = FALSE)
  }
  drawn
}

# How often each sample (column) holds each patient (row).
times_drawn <- function(rows, n_resamples, n) {
  drawn <- drawn_rows(rows, n_resamples, n)
  matrix(vapply(seq_len(n_resamples), function(i) tabulate(drawn[, i], n), integer(n)), nrow = n, ncol = n_resamples)
}

# Percentile limits of each row over the resamples (columns) that define it; none where fewer than ``fewest`` do.
percentile_band <- function(resampled, level, fewest = 1) {
  tail <- (1 - level) / 2
  bounds <- apply(resampled, 1, function(values) {
    values <- values[!is.na(values)]
    if (length(values) < max(fewest, 1)) return(c(NA_real_, NA_real_))
    quantile(values, c(tail, 1 - tail), names = FALSE)
  })
  list(low = bounds[1, ], high = bounds[2, ])
}

# Bootstrap samples drawn within each outcome: 0-based row numbers end to end.
stratified_rows <- function(outcome, n_resamples) {
  place <- split(seq_along(outcome), outcome)
  as.vector(replicate(n_resamples, unlist(lapply(place, function(x) x[sample.int(length(x), replace = TRUE)])) - 1))
}

held_out_counts <- function(outcome, in_sample, rows, lengths, held_out, test_rows, test_lengths) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  train <- check_resamples(rows, lengths, n)
  test <- check_resamples(test_rows, test_lengths, n)
  resample <- rep(seq_along(train), lengths)
  cutoffs <- mapply(youden_cutoff, lapply(train, function(r) outcome[r]), split(in_sample, factor(resample, seq_along(train))))
  positive <- held_out > rep(cutoffs, test_lengths)
  event <- outcome[unlist(test)] == 1
  list(tp = sum(positive & event), fp = sum(positive & !event), fn = sum(!positive & event), tn = sum(!positive & !event))
}

# As youden() has it, without pROC's objects: there is one a resample. Everyone is positive where there is one class.
youden_cutoff <- function(outcome, score) {
  if (!has_both_classes(outcome)) return(-Inf)
  values <- sort(unique(score))
  last <- length(values)
  place <- match(score, values)
  above <- function(of) c(1, 1 - cumsum(tabulate(place[outcome == of], last)) / sum(outcome == of))
  index <- above(1) - above(0)
  best <- which(index >= max(index) - 1e-12)[1]   # cutoffs ascend, so the first has the highest sensitivity
  if (best == 1) return(-Inf)
  if (best > last) return(Inf)
  middle <- (values[best - 1] + values[best]) / 2
  if (middle >= values[best]) values[best - 1] else middle   # neighbouring doubles have none between them
}

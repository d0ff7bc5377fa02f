out_of_bag_decision_curve <- function(outcome, probability, out_of_bag, thresholds, level = 0.95) {
  outcome <- check_outcome(outcome)
  thresholds <- check_thresholds(thresholds)
  held_out <- check_held_out(probability, out_of_bag, length(outcome))
  is_event <- held_out$is_out & rep(outcome == 1, each = nrow(held_out$is_out))
  true <- count_above(held_out$probability, is_event, thresholds)
  false <- count_above(held_out$probability, held_out$is_out & !is_event, thresholds)
  size <- rowSums(held_out$is_out)
  events <- rowSums(is_event)
  resampled <- benefits(true, false, events, size, thresholds)
  # The mean of no resample does not exist
  point <- lapply(resampled, function(values) na_if_nan(rowMeans(values)))
  prevalence <- mean(events / size)
  point$standardized <- if (isTRUE(prevalence > 0)) point$net_benefit / prevalence else rep(NA_real_, length(thresholds))
  curve <- as_decision_curve(thresholds, point, treat_all(prevalence, thresholds), resampled, level)
  for (prefix in c("", "standardized_", "avoided_")) {
    ends <- paste0(prefix, c("low", "high"))
    mean_of <- point[[match(prefix, c("", "standardized_", "avoided_"))]]
    curve[ends] <- around_mean(mean_of, curve[[ends[1]]], curve[[ends[2]]])
  }
  curve
}

# Percentiles over resamples, where they hold the mean: of few values that differ from 0 they may not.
around_mean <- function(mean, low, high) {
  holds <- !is.na(mean) & !is.na(low) & !is.na(high) & low <= mean + 1e-9 & mean - 1e-9 <= high
  list(low = ifelse(holds, low, NA_real_), high = ifelse(holds, high, NA_real_))
}

# Predictions and who is out of bag (resamples x patients), of the resamples that count: with out-of-bag patients, and a
# prediction for each of them.
check_held_out <- function(probability, out_of_bag, n) {
  probability <- as.matrix(probability)
  out_of_bag <- as.matrix(out_of_bag)
  if (!identical(dim(probability), dim(out_of_bag)) || ncol(probability) != n) {
    stop("probability and out_of_bag must have one row a resample and ", n, " columns: found ",
         paste(dim(probability), collapse = " x "), " and ", paste(dim(out_of_bag), collapse = " x "), ".", call. = FALSE)
  }
  if (!all(out_of_bag %in% c(0, 1))) stop("out_of_bag must be 0 or 1. Recode it.", call. = FALSE)
  is_out <- out_of_bag == 1
  outside <- probability[is_out & !is.na(probability) & (probability < 0 | probability > 1)]
  if (length(outside)) {
    stop("probability must be within 0 and 1: found ", format(outside[1]), ". A score is not a probability.", call. = FALSE)
  }
  used <- rowSums(is_out) > 0 & rowSums(is_out & is.na(probability)) == 0
  list(probability = probability[used, , drop = FALSE], is_out = is_out[used, , drop = FALSE])
}

# How many of ``who`` (resamples x patients) lie strictly above each threshold (thresholds x resamples), where each resample
# has its own predictions: one table of how many thresholds lie below them, resample by resample, added up from above.
count_above <- function(probability, who, thresholds) {
  n_places <- length(thresholds) + 1
  below <- findInterval(probability[who], sort(thresholds), left.open = TRUE)
  place <- below + 1 + n_places * (row(probability)[who] - 1)
  counts <- matrix(tabulate(place, n_places * nrow(probability)), n_places, nrow(probability))
  from_there_up <- upper.tri(diag(n_places), diag = TRUE)[-1, , drop = FALSE] + 0
  (from_there_up %*% counts)[rank(thresholds, ties.method = "first"), , drop = FALSE]
}

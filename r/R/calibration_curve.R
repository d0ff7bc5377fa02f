# rms::val.prob's smooth, lowess without robustness iterations, at the distinct predictions, with its band over bootstrap
# samples; fewer than five predictions are groups.
calibration_curve <- function(outcome, probability, rows, n_resamples, level) {
  drawn <- drawn_rows(rows, n_resamples, length(outcome))
  predicted <- sort(unique(probability))
  if (length(predicted) < 5) return(calibration_groups(outcome, probability, predicted, level))
  smooth_at <- function(places) read_lowess(probability, outcome, places)
  distance <- abs(probability - smooth_at(probability))
  refitted <- vapply(seq_len(n_resamples), function(i) {
    read_lowess(probability[drawn[, i]], outcome[drawn[, i]], predicted)
  }, numeric(length(predicted)))
  # A few samples that reach a lone prediction are no band
  band <- percentile_band(matrix(refitted, nrow = length(predicted)), level, fewest = n_resamples / 2)
  list(ici = mean(distance), e50 = as.numeric(quantile(distance, 0.5)), e90 = as.numeric(quantile(distance, 0.9)),
       emax = max(distance), curve_predicted = predicted, curve_observed = smooth_at(predicted),
       curve_low = band$low, curve_high = band$high, method = "lowess")
}

# Smooth, and read off by linear interpolation; NA outside the range, and where there is no range.
read_lowess <- function(x, y, places) {
  smooth <- lowess(x, y, iter = 0)
  first <- !duplicated(smooth$x)
  if (sum(first) < 2) return(rep(NA_real_, length(places)))
  approx(smooth$x[first], smooth$y[first], xout = places, ties = "ordered")$y
}

calibration_groups <- function(outcome, probability, predicted, level) {
  shares <- lapply(predicted, function(p) proportion(sum(outcome[probability == p]), sum(probability == p), level))
  list(ici = NA_real_, e50 = NA_real_, e90 = NA_real_, emax = NA_real_, curve_predicted = predicted,
       curve_observed = vapply(shares, `[[`, numeric(1), "estimate"), curve_low = vapply(shares, `[[`, numeric(1), "low"),
       curve_high = vapply(shares, `[[`, numeric(1), "high"), method = "groups")
}

decision_curve_at_prevalence <- function(outcome, probability, thresholds, prevalence, rows = integer(0), n_resamples = 0,
                                         level = 0.95) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  probability <- check_probability(probability, n)
  thresholds <- check_thresholds(thresholds)
  if (!is.numeric(prevalence) || length(prevalence) != 1 || is.na(prevalence) || prevalence <= 0 || prevalence >= 1)
    stop("prevalence must lie between 0 and 1: found ", prevalence, call. = FALSE)
  times <- cbind(rep(1L, n), times_drawn(rows, n_resamples, n))
  share <- mean(outcome)
  event <- probability * (prevalence / share)
  shifted <- round(event / (event + (1 - probability) * ((1 - prevalence) / (1 - share))), 12)
  if (share == 0 || share == 1) shifted <- probability
  count <- positives(outcome, shifted, thresholds, times)
  events <- colSums(times * outcome)
  # Every sample is weighted to the prevalence: its events count for that share of the patients, the others for the rest.
  # The rates first: where everyone is above a threshold they are 1, and nothing is avoided, exactly
  per_sample <- function(values) rep(values, each = length(thresholds))
  found <- benefits(prevalence * (count$true / per_sample(events)), (1 - prevalence) * (count$false / per_sample(n - events)),
                    rep(prevalence, ncol(times)), rep(1, ncol(times)), thresholds)
  point <- lapply(found, function(values) values[, 1])
  resampled <- lapply(found, function(values) values[, -1, drop = FALSE])
  as_decision_curve(thresholds, point, treat_all(prevalence, thresholds), resampled, level)
}

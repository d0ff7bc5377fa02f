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
  # every sample is weighted to the prevalence: its events count for prevalence * n patients, the others for the rest
  per_sample <- function(values) rep(values, each = length(thresholds))
  found <- benefits(count$true * per_sample(prevalence * n / events),
                    count$false * per_sample((1 - prevalence) * n / (n - events)),
                    rep(prevalence * n, ncol(times)), rep(n, ncol(times)), thresholds)
  point <- lapply(found, function(values) values[, 1])
  resampled <- lapply(found, function(values) values[, -1, drop = FALSE])
  as_decision_curve(thresholds, point, treat_all(prevalence, thresholds), resampled, level)
}

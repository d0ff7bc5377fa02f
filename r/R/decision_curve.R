decision_curve <- function(outcome, probability, thresholds, rows = integer(0), n_resamples = 0, level = 0.95) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  probability <- check_probability(probability, n)
  thresholds <- check_thresholds(thresholds)
  times <- cbind(rep(1L, n), times_drawn(rows, n_resamples, n))   # the cohort itself, then its resamples
  count <- positives(outcome, probability, thresholds, times)
  found <- benefits(count$true, count$false, colSums(times * outcome), rep(n, ncol(times)), thresholds)
  point <- lapply(found, function(values) values[, 1])
  source <- "prldh"
  rmda <- rmda_curve(outcome, probability, thresholds)
  if (!is.null(rmda)) {
    point$net_benefit <- na_if_nan(rmda$NB)
    point$standardized <- na_if_nan(rmda$sNB)
    source <- "rmda"
  }
  resampled <- lapply(found, function(values) values[, -1, drop = FALSE])
  c(as_decision_curve(thresholds, point, treat_all(mean(outcome), thresholds), resampled, level), list(source = source))
}

# Net benefit, standardised net benefit and net interventions avoided (thresholds x samples) of samples with so many
# events among so many patients.
benefits <- function(true, false, events, n, thresholds) {
  odds <- thresholds / (1 - thresholds)
  per_sample <- function(values) rep(values, each = length(thresholds))
  events <- per_sample(events)
  n <- per_sample(n)
  net_benefit <- (true - false * odds) / n
  standardized <- net_benefit / (events / n)
  standardized[events == 0] <- NA_real_
  # (net - all) / odds without its cancellation, so that acting on everyone avoids exactly nothing
  avoided <- 100 * (n - events - false - (events - true) / odds) / n
  avoided[thresholds == 0 | thresholds == 1, ] <- NA_real_
  lapply(list(net_benefit = net_benefit, standardized = standardized, avoided = avoided), na_if_nan)
}

treat_all <- function(prevalence, thresholds) na_if_nan(prevalence - (1 - prevalence) * thresholds / (1 - thresholds))

# The keys of a decision curve, from what benefits() gives for the points and for the resamples.
as_decision_curve <- function(thresholds, point, all, resampled, level) {
  band <- lapply(resampled, percentile_band, level)
  list(threshold = thresholds, net_benefit = point$net_benefit, standardized = point$standardized, all = all,
       low = band$net_benefit$low, high = band$net_benefit$high,
       standardized_low = band$standardized$low, standardized_high = band$standardized$high,
       avoided = point$avoided, avoided_low = band$avoided$low, avoided_high = band$avoided$high)
}

clinical_impact <- function(outcome, probability, thresholds, population = 1000, rows = integer(0), n_resamples = 0,
                            level = 0.95) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  probability <- check_probability(probability, n)
  thresholds <- check_thresholds(thresholds)
  times <- cbind(rep(1L, n), times_drawn(rows, n_resamples, n))
  count <- positives(outcome, probability, thresholds, times)
  high_risk <- population * (count$true + count$false) / n
  high_risk_events <- population * count$true / n
  band <- percentile_band(high_risk[, -1, drop = FALSE], level)
  band_events <- percentile_band(high_risk_events[, -1, drop = FALSE], level)
  rmda <- rmda_curve(outcome, probability, thresholds)
  list(threshold = thresholds,
       high_risk = if (is.null(rmda)) high_risk[, 1] else population * rmda$prob.high.risk,
       high_risk_events = if (is.null(rmda)) high_risk_events[, 1] else population * rmda$DP,
       high_risk_low = band$low, high_risk_high = band$high,
       high_risk_events_low = band_events$low, high_risk_events_high = band_events$high,
       source = if (is.null(rmda)) "prldh" else "rmda")
}

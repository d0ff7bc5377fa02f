clinical_impact <- function(outcome, probability, thresholds, population = 1000) {
  outcome <- check_outcome(outcome)
  probability <- check_probability(probability, length(outcome))
  thresholds <- check_thresholds(thresholds)
  curve <- rmda_curve(outcome, probability, thresholds)
  if (!is.null(curve)) {
    return(list(threshold = thresholds, high_risk = population * curve$prob.high.risk,
                high_risk_events = population * curve$DP, source = "rmda"))
  }
  above <- outer(thresholds, probability, "<")
  list(threshold = thresholds,
       high_risk = population * rowSums(above) / length(outcome),
       high_risk_events = population * drop(above %*% outcome) / length(outcome),
       source = "prldh")
}

# What the Brier score owes to miscalibration, and what discrimination takes off: the score of isotonic regression of the
# outcome on the prediction, as reliabilitydiag has it. Events come first among equal predictions, since a falling run
# is always pooled.
brier_decomposition <- function(outcome, probability) {
  if (!length(outcome)) return(list(miscalibration = NA_real_, discrimination = NA_real_, uncertainty = NA_real_))
  order <- order(probability, -outcome)
  outcome <- outcome[order]
  probability <- probability[order]
  share <- mean(outcome)
  recalibrated <- isoreg(outcome)$yf
  list(miscalibration = max(0, mean((probability - outcome)^2) - mean((recalibrated - outcome)^2)),   # rounding may leave -1e-17
       discrimination = mean((recalibrated - share)^2),
       uncertainty = share * (1 - share))
}

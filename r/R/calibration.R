calibration <- function(outcome, probability, rows = integer(0), n_resamples = 0, level = 0.95, log_odds = numeric(0)) {
  outcome <- check_outcome(outcome)
  probability <- check_probability(probability, length(outcome))
  # near 0 and 1 a probability is one number for many log odds
  logit <- if (length(log_odds)) log_odds else qlogis(pmin(pmax(probability, 1e-15), 1 - 1e-15))
  line <- calibration_line(outcome, logit)
  brier <- mean((probability - outcome)^2)
  share <- mean(outcome)
  test <- spiegelhalter_test(outcome, probability)
  c(list(intercept = line$intercept, slope = line$slope, citl = line$citl, brier = na_if_nan(brier)),
    brier_decomposition(outcome, probability),
    list(scaled_brier = if (has_both_classes(outcome)) 1 - brier / (share * (1 - share)) else NA_real_,
         spiegelhalter_z = test$z, spiegelhalter_p = test$p),
    calibration_curve(outcome, probability, rows, n_resamples, level))
}

# rms::val.prob's S:z and S:p; nothing varies where every prediction is 0, 0.5 or 1.
spiegelhalter_test <- function(outcome, probability) {
  weight <- 1 - 2 * probability
  variance <- sum(weight^2 * probability * (1 - probability))
  if (variance < 1e-20) return(list(z = NA_real_, p = NA_real_))
  z <- sum((outcome - probability) * weight) / sqrt(variance)
  list(z = z, p = 2 * pnorm(-abs(z)))
}

# Cox's recalibration: the joint fit as rms::val.prob, and the intercept alone with the slope fixed at 1.
calibration_line <- function(outcome, logit) {
  line <- list(intercept = NA_real_, slope = NA_real_, citl = NA_real_)
  if (!has_both_classes(outcome)) return(line)
  ones <- matrix(1, length(outcome), 1)
  # The score's root; glm's own iterations run away where predictions are confident and wrong
  score <- function(a) sum(outcome - plogis(a + logit))
  line$citl <- uniroot(score, c(-1, 1) * (max(abs(logit)) + 40), tol = 1e-13, maxiter = 10000)$root
  design <- cbind(ones, logit)
  if (length(estimable_columns(design)) == 2) {
    sign <- separating_sign(outcome, logit)
    if (sign != 0) {
      line$slope <- sign * Inf
      return(line)
    }
    joint <- as.numeric(fit_columns(design, outcome)$coefficients)
    line$intercept <- joint[1]
    line$slope <- joint[2]
  }
  line
}

# 1 where the predictions separate the classes, -1 where they do so the wrong way round: the slope then has no bound.
separating_sign <- function(outcome, logit) {
  events <- range(logit[outcome == 1])
  others <- range(logit[outcome == 0])
  if (events[1] >= others[2]) 1 else if (events[2] <= others[1]) -1 else 0
}

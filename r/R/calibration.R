calibration <- function(outcome, probability) {
  outcome <- check_outcome(outcome)
  probability <- check_probability(probability, length(outcome))
  logit <- qlogis(pmin(pmax(probability, 1e-15), 1 - 1e-15))
  line <- calibration_line(outcome, logit)
  curve <- calibration_curve(outcome, probability)
  brier <- mean((probability - outcome)^2)
  share <- mean(outcome)
  test <- spiegelhalter_test(outcome, probability)
  list(intercept = line$intercept, slope = line$slope, citl = line$citl,
       brier = brier,
       scaled_brier = if (has_both_classes(outcome)) 1 - brier / (share * (1 - share)) else NA_real_,
       spiegelhalter_z = test$z, spiegelhalter_p = test$p,
       ici = curve$ici, e50 = curve$e50, e90 = curve$e90, emax = curve$emax,
       curve_predicted = curve$predicted, curve_observed = curve$observed, method = curve$method)
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
    joint <- as.numeric(fit_columns(design, outcome)$coefficients)
    line$intercept <- joint[1]
    line$slope <- joint[2]
  }
  line
}

# rms::val.prob's smooth: lowess without robustness iterations, read off at the predictions.
calibration_curve <- function(outcome, probability) {
  predicted <- sort(unique(probability))
  if (length(predicted) < 5) {
    observed <- vapply(predicted, function(p) mean(outcome[probability == p]), numeric(1))
    return(list(predicted = predicted, observed = observed, ici = NA_real_, e50 = NA_real_, e90 = NA_real_, emax = NA_real_,
                method = "groups"))
  }
  smooth <- lowess(probability, outcome, iter = 0)
  observed_at <- function(p) approx(smooth$x, smooth$y, xout = p, ties = mean)$y
  distance <- abs(probability - observed_at(probability))
  list(predicted = predicted, observed = observed_at(predicted), ici = mean(distance),
       e50 = as.numeric(quantile(distance, 0.5)), e90 = as.numeric(quantile(distance, 0.9)), emax = max(distance), method = "lowess")
}

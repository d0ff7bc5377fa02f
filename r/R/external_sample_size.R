external_sample_size <- function(prevalence, log_odds, auc, threshold, se_log_observed_expected = 0.051,
                                 se_slope = 0.2 / 3.92, se_auc = 0.1 / 3.92, se_net_benefit = 0.051) {
  if (!isTRUE(prevalence > 0 && prevalence < 1)) {
    stop("prevalence must lie between 0 and 1: found ", format(prevalence), ".", call. = FALSE)
  }
  log_odds <- as.numeric(log_odds)
  if (!length(log_odds) || !all(is.finite(log_odds))) {
    stop("log_odds must be finite, one a patient: found ", length(log_odds), ", some of them not.", call. = FALSE)
  }
  p <- plogis(log_odds)
  others <- prevalence * (1 - prevalence)
  sensitivity <- specificity <- weight <- NA_real_
  if (isTRUE(threshold > 0 && threshold < 1)) {
    weight <- (1 - prevalence) / prevalence * threshold / (1 - threshold)
    if (sum(p) > 0 && sum(1 - p) > 0) {
      sensitivity <- sum(p[p > threshold]) / sum(p)
      specificity <- sum((1 - p)[p <= threshold]) / sum(1 - p)
    }
  }
  variance <- sensitivity * (1 - sensitivity) / prevalence +
    weight^2 * specificity * (1 - specificity) / (1 - prevalence) + weight^2 * (1 - specificity)^2 / others
  up <- function(x) ceiling(round(x, 9))
  needed <- list(n_observed_expected = up((1 - prevalence) / (prevalence * se_log_observed_expected^2)),
                 n_slope = up(variance_of_slope(log_odds, p) / se_slope^2),
                 n_auc = up(patients_for_auc(auc, others, se_auc)),
                 n_net_benefit = up(variance / se_net_benefit^2))
  n <- max(unlist(needed), na.rm = TRUE)
  c(needed, list(n = n, events = up(n * prevalence), sensitivity = sensitivity, specificity = specificity,
                 net_benefit = sensitivity - weight * (1 - specificity)))
}

# The variance of the slope times n: of a logistic model on the log odds, at intercept 0 and slope 1.
variance_of_slope <- function(log_odds, p) {
  weight <- p * (1 - p)
  total <- mean(weight)
  if (!(total > 0)) return(NA_real_)
  center <- mean(weight * log_odds) / total
  spread <- mean(weight * (log_odds - center)^2)
  if (spread > 1e-10 * max(mean(weight * log_odds^2), total)) 1 / spread else NA_real_
}

# The least n at which Newcombe's standard error is no larger: the root of a quadratic.
patients_for_auc <- function(auc, others, se) {
  if (!isTRUE(auc > 0 && auc < 1)) return(NA_real_)
  product <- auc * (1 - auc)
  share <- (1 - auc) / (2 - auc) + auc / (1 + auc)
  a <- se^2 * others
  b <- product * share / 2
  (b + sqrt(b^2 + 4 * a * product * (1 - share))) / (2 * a)
}

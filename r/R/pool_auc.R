pool_auc <- function(estimates, variances, level = 0.95) {
  a <- as.numeric(estimates)
  is_edge <- any(a <= 0 | a >= 1, na.rm = TRUE)   # no logit there
  if (is_edge) {
    found <- pool_one(a, variances, Inf, level)
    found$low <- max(found$low, 0)
    found$high <- min(found$high, 1)
    variance <- found$se^2
  } else {
    found <- pool_one(qlogis(a), variances / (a * (1 - a))^2, Inf, level)
    for (key in c("estimate", "low", "high")) found[[key]] <- plogis(found[[key]])
    variance <- (found$se * found$estimate * (1 - found$estimate))^2
  }
  c(found[c("estimate", "low", "high")], variance = variance, found[c("df", "fmi", "riv", "lambda")],
    scale = if (is_edge) "identity" else "logit")
}

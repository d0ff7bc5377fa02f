# Profile penalised-likelihood limits, solved. logistf's are the same at its own tolerance.
firth_limits <- function(design, outcome, level = 0.95) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  limits <- matrix(NA_real_, ncol(design), 2, dimnames = list(colnames(design), c("lower", "upper")))
  fit <- firth_columns(design, outcome)
  drop <- qchisq(level, 1) / 2
  for (j in seq_along(fit$columns)) {
    profile <- firth_profile(fit, j)
    unit <- sqrt(2 * drop * fit$covariance[j, j])
    for (side in c(-1, 1)) {
      limits[fit$columns[j], (side + 3) / 2] <- firth_side(profile, fit$estimates[j], fit$value - drop, side, unit)
    }
  }
  limits
}

# Where the profile comes down to "wanted", beyond the estimate on one side: Newton in a bracket.
firth_side <- function(profile, estimate, wanted, side, unit) {
  inner <- estimate
  outer <- Inf
  b <- estimate + side * unit
  reached <- estimate
  start <- profile$best
  for (iteration in 1:200) {
    found <- profile$at(b, start, most = 50)
    if (!found$is_converged) {   # too far from where the others are: nearer, from where they follow
      b <- (b + reached) / 2
      next
    }
    reached <- b
    start <- found$beta
    excess <- wanted - found$value
    if (excess < 0) inner <- b else outer <- b
    falling <- -side * found$slope
    step <- if (falling > 0) -excess / falling else Inf
    if (is.infinite(outer)) {
      distance <- abs(b - estimate)
      b <- b + side * min(max(step, 0.1 * distance), distance)
      next
    }
    candidate <- b + side * step
    if (abs(candidate - b) <= 1e-12 * max(unit, abs(b))) return(candidate)   # what is left is rounding
    if (!is.finite(candidate) || (candidate - inner) * (candidate - outer) >= 0) candidate <- (inner + outer) / 2
    if (abs(outer - inner) <= 1e-13 * max(unit, abs(b))) return(candidate)
    b <- candidate
  }
  b
}

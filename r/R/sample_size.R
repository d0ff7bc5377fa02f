sample_size <- function(prevalence, parameters, r2_cox_snell, n_at_hand = NULL, shrinkage = 0.9, optimism = 0.05,
                        margin = 0.05) {
  if (!isTRUE(prevalence > 0 && prevalence < 1)) {
    stop("prevalence must lie between 0 and 1: found ", format(prevalence), ".", call. = FALSE)
  }
  largest <- 1 - exp(2 * (prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)))
  if (!isTRUE(r2_cox_snell > 0 && r2_cox_snell < largest)) {
    stop("r2_cox_snell must lie between 0 and ", format(largest, digits = 4), ", the largest at a prevalence of ",
         format(prevalence), ": found ", format(r2_cox_snell), ".", call. = FALSE)
  }
  if (!isTRUE(parameters >= 0)) stop("parameters must not be negative: found ", format(parameters), ".", call. = FALSE)
  if (!isTRUE(shrinkage > r2_cox_snell && shrinkage < 1)) {
    stop("shrinkage must lie between r2_cox_snell and 1: found ", format(shrinkage), ".", call. = FALSE)
  }
  per_shrinkage <- patients_per_parameter(r2_cox_snell, shrinkage)
  per_optimism <- patients_per_parameter(r2_cox_snell, r2_cox_snell / (r2_cox_snell + optimism * largest))
  up <- function(x) ceiling(round(x, 9))
  n_shrinkage <- up(parameters * per_shrinkage)
  n_optimism <- up(parameters * per_optimism)
  n_risk <- up((1.96 / margin)^2 * prevalence * (1 - prevalence))
  n <- max(n_shrinkage, n_optimism, n_risk)
  most <- c(NA_real_, NA_real_)
  overall <- NA_real_
  if (!is.null(n_at_hand)) {
    most <- floor(round(n_at_hand / c(per_shrinkage, per_optimism), 9))
    overall <- if (n_risk <= n_at_hand) min(most) else 0
  }
  list(n_shrinkage = n_shrinkage, n_optimism = n_optimism, n_risk = n_risk, n = n, events = up(n * prevalence),
       r2_max = largest, max_parameters_shrinkage = most[1], max_parameters_optimism = most[2],
       max_parameters = overall)
}

# Patients a parameter for an expected uniform shrinkage factor (Riley et al. 2019, equation 11).
patients_per_parameter <- function(r2_cox_snell, shrinkage) 1 / ((shrinkage - 1) * log(1 - r2_cox_snell / shrinkage))

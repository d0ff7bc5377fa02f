hosmer_lemeshow <- function(outcome, probability, groups = 10) {
  outcome <- check_outcome(outcome)
  probability <- check_probability(probability, length(outcome))
  breaks <- unique(as.numeric(quantile(probability, seq(0, 1, 1 / groups))))
  n_groups <- max(1, length(breaks) - 1)
  # cut() would take a single break for a number of groups
  group <- if (length(breaks) > 1) cut(probability, breaks, include.lowest = TRUE) else factor(rep(1, length(outcome)))
  total <- function(values) as.numeric(sums_by(values, group))
  n <- total(rep(1, length(outcome)))
  observed <- total(outcome)
  expected <- total(probability)
  if (n_groups < groups) {
    warning("hosmer_lemeshow: ties left ", n_groups, " of the ", groups, " groups asked for", call. = FALSE)
  }

  df <- n_groups - 2
  if (n_groups < 2) {
    statistic <- list(value = NA_real_, source = "prldh")
  } else if (can_use("ResourceSelection")) {
    test <- suppressWarnings(ResourceSelection::hoslem.test(outcome, probability, g = groups))
    statistic <- list(value = as.numeric(test$statistic), source = "ResourceSelection")
  } else {
    non_events <- (n - observed) - total(1 - probability)
    value <- sum(non_events^2 / total(1 - probability)) + sum((observed - expected)^2 / expected)
    statistic <- list(value = value, source = "prldh")
  }
  value <- na_if_nan(statistic$value)
  list(statistic = value, df = df, p = if (df < 1) NA_real_ else 1 - pchisq(value, df), n_groups = n_groups,
       lower = if (length(breaks) > 1) breaks[-length(breaks)] else breaks,
       upper = if (length(breaks) > 1) breaks[-1] else breaks,
       n = n, observed = observed, expected = expected, source = statistic$source)
}

# Sums by group, 0 for a group without members (with fewer patients than groups there are such).
sums_by <- function(values, group) {
  sums <- tapply(values, group, sum)
  sums[is.na(sums)] <- 0
  sums
}

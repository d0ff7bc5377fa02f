hosmer_lemeshow <- function(outcome, probability, groups = 10, lost = 2) {
  outcome <- check_outcome(outcome)
  probability <- check_probability(probability, length(outcome))
  breaks <- unique(as.numeric(quantile(probability, seq(0, 1, 1 / groups))))
  # cut() would take a single break for a number of groups
  group <- if (length(breaks) > 1) cut(probability, breaks, include.lowest = TRUE) else factor(rep(1, length(outcome)))
  total <- function(values) as.numeric(sums_by(values, group))
  n <- total(rep(1, length(outcome)))
  observed <- total(outcome)
  expected <- total(probability)
  n_groups <- sum(n > 0)   # with fewer patients than groups some stay empty, and the statistic is 0/0
  if (n_groups < groups) {
    warning("hosmer_lemeshow: ties left ", n_groups, " of the ", groups, " groups asked for", call. = FALSE)
  }

  df <- n_groups - lost
  test <- hosmer_lemeshow_statistic(outcome, probability, groups, n, observed, expected, total(1 - probability))
  edges <- if (length(breaks) > 1) breaks else rep(breaks, 2)
  list(statistic = test$statistic, df = df, p = if (df < 1) NA_real_ else 1 - pchisq(test$statistic, df),
       n_groups = n_groups, lower = edges[-length(edges)], upper = edges[-1],
       n = n, observed = observed, expected = expected, source = test$source)
}

hosmer_lemeshow_statistic <- function(outcome, probability, groups, n, observed, expected, expected_non_events) {
  if (sum(n > 0) < 2) return(list(statistic = NA_real_, source = "prldh"))
  if (can_use("ResourceSelection")) {
    test <- suppressWarnings(ResourceSelection::hoslem.test(outcome, probability, g = groups))   # its warning is ours
    return(list(statistic = na_if_nan(as.numeric(test$statistic)), source = "ResourceSelection"))
  }
  statistic <- sum((observed - expected)^2 / expected) + sum((n - observed - expected_non_events)^2 / expected_non_events)
  list(statistic = na_if_nan(statistic), source = "prldh")
}

# Sums by group, 0 for a group without members (with fewer patients than groups there are such).
sums_by <- function(values, group) {
  sums <- tapply(values, group, sum)
  sums[is.na(sums)] <- 0
  sums
}

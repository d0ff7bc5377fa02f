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
  filled <- n > 0   # with fewer patients than groups, or edges that differ by rounding alone, some stay empty
  n_groups <- sum(filled)
  if (n_groups < groups) {
    warning("hosmer_lemeshow: ties left ", n_groups, " of the ", groups, " groups asked for", call. = FALSE)
  }

  df <- n_groups - lost
  test <- hosmer_lemeshow_statistic(outcome, probability, groups, n, observed, expected, total(1 - probability))
  edges <- if (length(breaks) > 1) breaks else rep(breaks, 2)
  list(statistic = test$statistic, df = df, p = if (df < 1) NA_real_ else 1 - pchisq(test$statistic, df),
       n_groups = n_groups, lower = edges[-length(edges)][filled], upper = edges[-1][filled],
       n = n[filled], observed = observed[filled], expected = expected[filled], source = test$source)
}

hosmer_lemeshow_statistic <- function(outcome, probability, groups, n, observed, expected, expected_non_events) {
  if (sum(n > 0) < 2) return(list(statistic = NA_real_, source = "prldh"))
  if (can_use("ResourceSelection")) {
    test <- suppressWarnings(ResourceSelection::hoslem.test(outcome, probability, g = groups))   # its warning is ours
    statistic <- as.numeric(test$statistic)
    if (!is.nan(statistic)) return(list(statistic = statistic, source = "ResourceSelection"))   # 0/0 in an empty group
  }
  list(statistic = pearson(observed, expected) + pearson(n - observed, expected_non_events), source = "prldh")
}

# Sum of (observed - expected)^2 / expected; nothing where 0 was expected and met.
pearson <- function(observed, expected) {
  differs <- observed != expected
  sum((observed[differs] - expected[differs])^2 / expected[differs])
}

# Sums by group, 0 for a group without members (with fewer patients than groups there are such).
sums_by <- function(values, group) {
  sums <- tapply(values, group, sum)
  sums[is.na(sums)] <- 0
  sums
}

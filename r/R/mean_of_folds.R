# Fewer degrees of freedom than these, and there is no interval: it would hold less often than it says.
LEAST_DF <- 20

mean_of_folds <- function(outcome, score, lengths, n_repeats = 1, level = 0.95) {
  outcome <- check_outcome(outcome)
  fold <- factor(rep(seq_along(lengths), lengths), seq_along(lengths))
  folds <- Map(function(y, s) list(events = s[y == 1], others = s[y == 0]), split(outcome, fold), split(score, fold))
  parts <- vapply(folds, function(f) {
    above <- outer(f$events, f$others, ">") + 0.5 * outer(f$events, f$others, "==")
    spread <- function(placements) if (length(placements) > 1) var(placements) else 0
    c(mean(above), spread(rowMeans(above)), spread(colMeans(above)), length(f$events), length(f$others))
  }, numeric(5))
  estimate <- mean(parts[1, ])
  none <- list(estimate = estimate, low = NA_real_, high = NA_real_, se = NA_real_, df = NA_real_)
  if (any(parts[4:5, ] < 2)) return(none)
  component <- function(variances, sizes) {
    sum((sizes - 1) * variances) / sum(sizes - 1) * mean(1 / sizes) * n_repeats / length(sizes)
  }
  components <- c(component(parts[2, ], parts[4, ]), component(parts[3, ], parts[5, ]))
  variance <- sum(components)
  if (estimate <= 0 || estimate >= 1 || variance == 0) return(none)
  none$df <- df <- variance^2 / sum(components^2 / (rowSums(parts[4:5, , drop = FALSE] - 1) / n_repeats))
  if (df < LEAST_DF) return(none)
  se <- sqrt(variance)
  limits <- plogis(qlogis(estimate) + c(-1, 1) * qt((1 + level) / 2, df) * se / (estimate * (1 - estimate)))
  list(estimate = estimate, low = limits[1], high = limits[2], se = se, df = df)
}

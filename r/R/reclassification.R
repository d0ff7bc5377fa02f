reclassification <- function(outcome, a, b, categories, level = 0.95) {
  outcome <- check_outcome(outcome)
  a <- check_probability(a, length(outcome))
  b <- check_probability(b, length(outcome))
  cuts <- check_categories(categories)
  event <- outcome == 1
  # A probability equal to a cut point is in the lower category
  category <- function(p) findInterval(p, cuts, left.open = TRUE)
  old <- category(a)
  new <- category(b)
  n <- c(sum(event), sum(!event))
  found <- list(n_events = n[1], n_nonevents = n[2])
  moves <- list(nri = sign(new - old), cnri = sign(b - a))
  for (name in names(moves)) {
    count <- function(own, way) sum(moves[[name]][own] == way)
    counts <- list(up_events = count(event, 1), down_events = count(event, -1),
                   up_nonevents = count(!event, 1), down_nonevents = count(!event, -1))
    found <- c(found, describe_change(name, net_share(counts$up_events, counts$down_events, n[1]),
                                      net_share(counts$down_nonevents, counts$up_nonevents, n[2]), level))
    names(counts) <- paste(name, names(counts), sep = "_")
    found <- c(found, counts)
  }
  change <- b - a
  found <- c(found, describe_change("idi", mean_and_variance(change[event]), mean_and_variance(-change[!event]), level))
  tabulate_moves <- function(own) {
    each <- seq_len(length(cuts) + 1) - 1
    counts <- table(factor(old[own], each), factor(new[own], each))
    matrix(as.numeric(counts), length(each))
  }
  c(found, list(table_events = tabulate_moves(event), table_nonevents = tabulate_moves(!event)))
}

check_categories <- function(categories) {
  categories <- as.numeric(categories)
  if (anyNA(categories) || any(categories <= 0 | categories >= 1) || any(diff(categories) <= 0)) {
    stop("categories must be ascending cut points within 0 and 1: found ", paste(format(categories), collapse = ", "), ".",
         call. = FALSE)
  }
  categories
}

# Estimate and variance, exactly 0 where all patients move alike.
net_share <- function(right, wrong, n) {
  if (n == 0) return(c(NA_real_, NA_real_))
  c((right - wrong) / n, ((right + wrong) * n - (right - wrong)^2) / n^3)
}

mean_and_variance <- function(values) {
  if (!length(values)) return(c(NA_real_, NA_real_))
  c(mean(values), var(values) / length(values))
}

# Wald's interval and test of the whole and its parts; without a standard error (below 1e-14 it is rounding) there are none.
describe_change <- function(name, events, nonevents, level) {
  keys <- c(name, paste0(name, "_events"), paste0(name, "_nonevents"))
  parts <- list(events + nonevents, events, nonevents)
  found <- lapply(parts, function(part) {
    error <- sqrt(part[2])
    if (is.na(error) || error <= 1e-14) error <- NA_real_
    half <- qnorm((1 + level) / 2) * error
    z <- part[1] / error
    list(part[1], part[1] - half, part[1] + half, z, 2 * pnorm(-abs(z)))
  })
  setNames(unlist(found, recursive = FALSE), paste0(rep(keys, each = 5), c("", "_low", "_high", "_z", "_p")))
}

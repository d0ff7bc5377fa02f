proportion <- function(successes, total, level = 0.95) {
  if (total == 0) return(list(estimate = NA_real_, low = NA_real_, high = NA_real_))
  interval <- binom.test(successes, total, conf.level = level)$conf.int
  list(estimate = successes / total, low = interval[1], high = interval[2])
}

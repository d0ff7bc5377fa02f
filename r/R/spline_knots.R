# Knots at Harrell's default quantiles, by the rules of Hmisc's rcspline.eval; fewer than asked for where ties leave no more.
spline_knots <- function(values, n_knots) {
  x <- sort(as.numeric(values))
  distinct <- unique(x)
  if (length(distinct) - 2 <= n_knots) return(distinct[-c(1, length(distinct))])
  outer <- if (n_knots == 3) 0.1 else if (n_knots > 6) 0.025 else 0.05
  share <- tabulate(match(x, distinct)) / length(x)
  first <- last <- numeric(0)
  if (max(share[-c(1, length(share))]) < 0.05) {   # a value that many have at either end is a knot itself
    if (share[1] >= 0.05) {
      first <- distinct[2]
      x <- x[x > first]
    }
    if (share[length(share)] >= 0.05) {
      last <- max(x[x < max(x)])
      x <- x[x < last]
    }
  }
  k <- n_knots - length(first) - length(last)
  if (k == 1) return(sort(unique(c(first, median(x), last))))
  at <- function(p) quantile(x, p, names = FALSE)
  knots <- distinct
  if (length(distinct) > k) {
    knots <- at(seq(if (k == 2) 0.5 else outer, 1 - outer, length.out = k))
    if (length(unique(knots)) < min(k, 3)) {
      knots <- at(seq(outer, 1 - outer, length.out = 2 * k))
      if (length(first) && length(unique(knots)) < 3)
        knots <- sort(c(first, if (length(last)) (first + last) / 2 else median(x), if (length(last)) last else at(1 - outer)))
      if (length(unique(knots)) < 3) return(sort(unique(knots)))
    }
  }
  if (length(x) < 100) {
    if (!length(first)) knots[1] <- x[5]
    if (!length(last)) knots[k] <- x[length(x) - 4]
  }
  sort(unique(c(first, knots, last)))
}

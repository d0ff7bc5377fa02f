# The share of each column's sum of squares that lies between groups.
eta_squared <- function(values, groups) {
  x <- as.matrix(values)
  group <- match(groups, sort(unique(groups)))
  constant <- apply(x, 2, function(column) max(column) == min(column))
  x <- sweep(x, 2, colMeans(x))
  between <- colSums(rowsum(x, group)^2 / tabulate(group, max(group)))
  share <- pmin(unname(between / colSums(x^2)), 1)
  share[constant] <- NA_real_
  share
}

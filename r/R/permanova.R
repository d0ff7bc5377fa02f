# Anderson's permutational analysis of variance on Euclidean distances; permutations are rows of row numbers, from 0 on.
permanova <- function(values, groups, permutations) {
  x <- as.matrix(values)
  n <- nrow(x)
  if (length(groups) != n) {
    stop("values must have one row for each of the ", length(groups), " groups: found ", n, ".", call. = FALSE)
  }
  group <- match(groups, sort(unique(groups)))
  k <- max(group)
  nothing <- list(f = NA_real_, r2 = NA_real_, p = NA_real_)
  if (k < 2 || k >= n) return(nothing)
  x <- sweep(x, 2, colMeans(x))
  total <- sum(x^2)
  if (!(total > 0)) return(nothing)
  between <- function(order) {
    sums <- rowsum(x, group[order])
    sum(rowSums(sums^2) / tabulate(group, k))
  }
  ratio <- function(among) if (total - among > 0) among / (k - 1) / ((total - among) / (n - k)) else Inf
  observed <- between(seq_len(n))
  answer <- list(f = ratio(observed), r2 = observed / total, p = NA_real_)
  if (!length(permutations)) return(answer)
  orders <- matrix(as.integer(permutations), ncol = n) + 1L
  reached <- sum(apply(orders, 1, between) >= observed * (1 - 1e-10))
  answer$p <- (reached + 1) / (nrow(orders) + 1)
  answer
}

# Every feature alone against the outcome: the numbers of wilcox.test(exact = FALSE), t.test(var.equal = TRUE) and cor, which are
# too slow to be called for thousands of features.
univariate_screen <- function(values, outcome) {
  outcome <- check_outcome(outcome)
  values <- as.matrix(values)
  if (!is.numeric(values) || nrow(values) != length(outcome)) {
    stop("values must be a numeric matrix with one row for each of the ", length(outcome), " outcomes: found ", nrow(values),
         " rows.", call. = FALSE)
  }
  storage.mode(values) <- "double"
  p <- ncol(values)
  event <- outcome == 1
  n1 <- sum(event)
  n0 <- sum(!event)
  found <- list(auc = NA, r = NA, w = NA, p_wilcoxon = NA, t = NA, p_t = NA)
  if (n0 && n1 && p) {
    usable <- colSums(!is.finite(values)) == 0
    values[, !usable] <- 0
    usable <- usable & colSums(values != rep(values[1, ], each = nrow(values))) > 0
    values <- values / rep(apply(values, 2, power_of_two), each = nrow(values))
    found <- c(univariate_rank_test(values, event, n0, n1), univariate_pooled_t(values, event, n0, n1))
    found <- lapply(found, function(x) ifelse(usable, x, NA))
  }
  lapply(found[c("auc", "r", "w", "p_wilcoxon", "t", "p_t")], function(x) na_if_nan(as.numeric(rep_len(x, p))))
}

univariate_rank_test <- function(values, event, n0, n1) {
  n <- n0 + n1
  ranks <- apply(values, 2, rank)
  ties <- apply(values, 2, function(x) {
    lengths <- rle(sort(x))$lengths
    sum(lengths^3 - lengths)
  })
  w <- colSums(ranks[!event, , drop = FALSE]) - n0 * (n0 + 1) / 2
  z <- w - n0 * n1 / 2
  z <- (z - sign(z) * 0.5) / sqrt(n0 * n1 / 12 * (n + 1 - ties / (n * (n - 1))))
  list(auc = 1 - w / (n0 * n1), w = w, p_wilcoxon = 2 * pnorm(-abs(z)))
}

univariate_pooled_t <- function(values, event, n0, n1) {
  n <- n0 + n1
  without <- values[!event, , drop = FALSE]
  with_event <- values[event, , drop = FALSE]
  mean0 <- colMeans(without)
  mean1 <- colMeans(with_event)
  squares <- function(x, mean) colSums((x - rep(mean, each = nrow(x)))^2)
  error <- sqrt((squares(without, mean0) + squares(with_event, mean1)) / (n - 2) * (1 / n0 + 1 / n1))
  t <- (mean0 - mean1) / error
  # t.test calls such data essentially constant and stops
  t[!(error >= 10 * .Machine$double.eps * pmax(abs(mean0), abs(mean1)) & error > 0)] <- NA
  r <- (mean1 - mean0) * sqrt(n0 * n1 / n) / sqrt(squares(values, colMeans(values)))
  list(r = pmin(pmax(r, -1), 1), t = t, p_t = if (n > 2) 2 * pt(-abs(t), n - 2) else rep(NA_real_, ncol(values)))
}

bootstrap_measures <- function(outcome, log_odds, in_sample, rows, lengths) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  log_odds <- as.matrix(log_odds)
  picked <- check_resamples(rows, lengths, n)
  if (!identical(dim(log_odds), c(length(picked), n)) || length(in_sample) != length(rows)) {
    stop("log_odds must have one row for each of the ", length(picked), " resamples and one column for each of the ", n,
         " outcomes, and in_sample one number a row drawn.", call. = FALSE)
  }
  ends <- cumsum(lengths)
  drawn <- lapply(seq_along(picked), function(r) in_sample[seq.int(to = ends[r], length.out = lengths[r])])
  known <- lapply(seq_along(picked), function(r) which(!is.na(log_odds[r, ])))  # whom a sample's model predicts
  everyone <- lapply(seq_along(picked), function(r) log_odds[r, ])
  out <- Map(setdiff, known, picked)
  sets <- list(boot = list(y = lapply(picked, function(p) outcome[p]), x = drawn),
               original = list(y = lapply(known, function(p) outcome[p]), x = Map(function(x, p) x[p], everyone, known)),
               oob = list(y = lapply(out, function(p) outcome[p]), x = Map(function(x, p) x[p], everyone, out)))
  found <- lapply(sets, function(set) {
    lines <- calibration_lines(set$y, set$x)
    list(auc = mapply(mann_whitney, set$y, lapply(set$x, ranked_log_odds)), brier = mapply(function(y, x) if (length(y)) mean((plogis(x) - y)^2) else NA_real_, set$y, set$x),
         intercept = lines$intercept, slope = lines$slope)
  })
  measures <- c("auc", "brier", "intercept", "slope")
  values <- lapply(measures, function(m) lapply(names(sets), function(s) as.numeric(found[[s]][[m]])))
  setNames(unlist(values, recursive = FALSE), paste(rep(measures, each = 3), rep(names(sets), 4), sep = "_"))
}

mann_whitney <- function(y, x) {
  events <- sum(y)
  others <- length(y) - events
  if (events == 0 || others == 0) return(NA_real_)
  (sum(rank(x)[y == 1]) - events * (events + 1) / 2) / (events * others)
}

# Logistic regression of every y on its x: Newton's steps with halving, all resamples at once, because a thousand calls of glm.fit for
# two coefficients take seconds. Resamples are padded with weight 0. NA where the likelihood has no maximum.
calibration_lines <- function(y, x) {
  m <- length(y)
  size <- max(lengths(y), 1)
  pad <- function(values) vapply(values, function(v) c(v, numeric(size - length(v))), numeric(size))
  used <- vapply(y, function(v) rep(c(1, 0), c(length(v), size - length(v))), numeric(size))
  dim(used) <- c(size, m)
  n <- colSums(used)
  y_padded <- matrix(pad(y), size, m)
  x_padded <- matrix(pad(x), size, m)
  has_line <- mapply(function(y, x) {
    if (!has_both_classes(y)) return(FALSE)
    min(x[y == 1]) < max(x[y == 0]) && min(x[y == 0]) < max(x[y == 1])
  }, y, x)
  found <- list(intercept = rep(NA_real_, m), slope = rep(NA_real_, m))
  if (!any(has_line)) return(found)
  keep <- which(has_line)
  w <- used[, keep, drop = FALSE]
  yy <- y_padded[, keep, drop = FALSE]
  centre <- colSums(w * x_padded[, keep, drop = FALSE]) / n[keep]
  away <- w * sweep(x_padded[, keep, drop = FALSE], 2, centre)
  scale <- sqrt(colSums(away^2) / n[keep])
  z <- sweep(away, 2, scale, "/")
  events <- colSums(yy)
  a <- log(events / (n[keep] - events))
  b <- numeric(length(keep))
  likelihood <- function(a, b, columns) {
    eta <- rep(a, each = size) + rep(b, each = size) * z[, columns, drop = FALSE]
    colSums(w[, columns, drop = FALSE] * (yy[, columns, drop = FALSE] * eta - pmax(eta, 0) - log1p(exp(-abs(eta)))))
  }
  value <- likelihood(a, b, seq_along(keep))
  going <- seq_along(keep)
  for (iteration in 1:100) {
    zz <- z[, going, drop = FALSE]
    p <- plogis(rep(a[going], each = size) + rep(b[going], each = size) * zz)
    residual <- w[, going, drop = FALSE] * (yy[, going, drop = FALSE] - p)
    weight <- w[, going, drop = FALSE] * p * (1 - p)
    u0 <- colSums(residual)
    u1 <- colSums(residual * zz)
    h00 <- colSums(weight)
    h01 <- colSums(weight * zz)
    h11 <- colSums(weight * zz^2)
    det <- h00 * h11 - h01^2
    flat <- !(det > 0)   # every probability is 0 or 1 to rounding
    if (any(flat)) {
      a[going[flat]] <- NA
      going <- going[!flat]
      if (!length(going)) break
      next
    }
    step_a <- (h11 * u0 - h01 * u1) / det
    step_b <- (h00 * u1 - h01 * u0) / det
    shrink <- rep(1, length(going))
    repeat {
      tried <- likelihood(a[going] + shrink * step_a, b[going] + shrink * step_b, going)
      worse <- tried < value[going] - 1e-12 * abs(value[going]) & shrink > 1e-6
      if (!any(worse)) break
      shrink[worse] <- shrink[worse] / 2
    }
    a[going] <- a[going] + shrink * step_a
    b[going] <- b[going] + shrink * step_b
    value[going] <- tried
    moving <- pmax(abs(step_a), abs(step_b)) >= 1e-12 * (1 + abs(a[going]) + abs(b[going]))
    going <- going[moving]
    if (!length(going)) break
  }
  found$intercept[keep] <- a - b * centre / scale
  found$slope[keep] <- b / scale
  found
}

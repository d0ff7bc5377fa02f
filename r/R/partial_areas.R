# Partial areas of many samples of the same patients at once, for the bootstrap and the jackknife. A range of sensitivity is
# one of specificity with the classes exchanged and the score turned round.

# Areas that differ by less are equal: what is left is rounding.
ROUNDING <- 1e-12

check_range <- function(from, to) {
  ends <- suppressWarnings(as.numeric(c(from, to)))
  if (length(ends) != 2 || anyNA(ends) || min(ends) < 0 || max(ends) > 1 || ends[1] == ends[2]) {
    stop("a partial area needs two different ends in 0..1: found ", paste(from, collapse = ", "), " and ",
         paste(to, collapse = ", "), ".", call. = FALSE)
  }
  c(high = max(ends), low = min(ends))
}

# The area in each sample (column of ``times``, which holds each patient so many times); NA where a class is missing.
partial_areas <- function(outcome, score, focus, range, times) {
  if (focus == "sensitivity") {
    outcome <- 1 - outcome
    score <- -score
  }
  group <- match(score, sort(unique(score), decreasing = TRUE))
  # A block of samples at a time: all of them at once could be much memory
  block <- ceiling(seq_len(ncol(times)) * as.numeric(nrow(times)) / 2e6)
  found <- lapply(split(seq_len(ncol(times)), block), function(columns) {
    counts <- times[, columns, drop = FALSE]
    areas_of_counts(rowsum(counts * outcome, group), rowsum(counts * (1 - outcome), group), range)
  })
  as.numeric(unlist(found, use.names = FALSE))
}

# From counts (distinct scores, descending x samples). Summed is what lies above the curve, in steps between the neighbouring
# points whose false positive fraction is within the range.
areas_of_counts <- function(events, others, range) {
  tp <- column_cumsum(events)
  fp <- column_cumsum(others)
  m <- rep(tp[nrow(tp), ], each = nrow(tp))
  n <- rep(fp[nrow(fp), ], each = nrow(fp))
  left <- pmax((fp - others) / n, 1 - range[["high"]])
  right <- pmin(fp / n, 1 - range[["low"]])
  step <- which(right > left & m > 0)
  middle <- (tp - events)[step] + ((left[step] + right[step]) / 2 * n[step] - (fp - others)[step]) * events[step] / others[step]
  above <- matrix(0, nrow(tp), ncol(tp))
  above[step] <- (right[step] - left[step]) * (m[step] - middle) / m[step]
  areas <- range[["high"]] - range[["low"]] - colSums(above)
  areas[tp[nrow(tp), ] == 0 | fp[nrow(fp), ] == 0] <- NA_real_
  areas
}

# Of whole numbers, so that one sum over all columns is exact.
column_cumsum <- function(counts) {
  ends <- cumsum(colSums(counts))
  matrix(cumsum(counts), nrow(counts)) - rep(c(0, ends[-length(ends)]), each = nrow(counts))
}

# Placement values restricted to the range, of events and non-events: the jackknife's pseudo-values in each class.
restricted_placements <- function(outcome, score, focus, range) {
  n <- length(outcome)
  area <- partial_areas(outcome, score, focus, range, matrix(1, n, 1))
  size <- ifelse(outcome == 1, sum(outcome), n - sum(outcome))
  values <- size * area - (size - 1) * partial_areas(outcome, score, focus, range, 1 - diag(n))
  list(events = values[outcome == 1], others = values[outcome == 0])
}

variance_of_mean <- function(values) {
  if (length(values) < 2) return(NA_real_)
  var(values) / length(values)
}

# Test of a difference by t, with infinite degrees of freedom by the normal distribution; rounding is no spread.
test_difference <- function(difference, error, level, df = Inf) {
  if (abs(difference) < ROUNDING) difference <- 0
  if (!is.na(error) && error < ROUNDING) error <- 0
  statistic <- if (identical(error, 0) && difference == 0) 0 else difference / error
  half <- qt(1 - (1 - level) / 2, df) * error
  list(difference = difference, low = difference - half, high = difference + half, statistic = statistic,
       p = 2 * pt(-abs(statistic), df))
}

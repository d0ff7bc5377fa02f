# Checks that several verbs share. Each error says what, found, do.

check_outcome <- function(outcome) {
  outcome <- as.numeric(outcome)
  wrong <- which(!outcome %in% c(0, 1))
  if (length(wrong)) {
    stop("outcome must be 0 or 1 (1 = event): found ", format(outcome[wrong[1]]), " at position ",
         wrong[1], " and ", length(wrong) - 1, " more. Recode it.", call. = FALSE)
  }
  outcome
}

check_numbers <- function(values, name, n) {
  values <- as.numeric(values)
  if (length(values) != n) {
    stop(name, " must have one number for each of the ", n, " outcomes: found ", length(values), ".",
         call. = FALSE)
  }
  if (!all(is.finite(values))) {
    stop(name, " must be finite: found ", format(values[!is.finite(values)][1]), " at position ",
         which(!is.finite(values))[1], ". Leave such patients out, or impute.", call. = FALSE)
  }
  values
}

check_probability <- function(probability, n) {
  probability <- check_numbers(probability, "probability", n)
  if (any(probability < 0 | probability > 1)) {
    stop("probability must be within 0 and 1: found ",
         format(probability[probability < 0 | probability > 1][1]), ". A score is not a probability.",
         call. = FALSE)
  }
  probability
}

check_design <- function(design, n) {
  if (length(dim(design)) != 2) {
    stop("design must have two dimensions, rows and columns: found ", max(1, length(dim(design))), ".", call. = FALSE)
  }
  design <- as.matrix(design)
  if (!is.numeric(design) || nrow(design) != n) {
    stop("design must be a numeric matrix with one row for each of the ", n, " outcomes: found ",
         nrow(design), " rows.", call. = FALSE)
  }
  if (!all(is.finite(design))) {
    stop("design must be finite: column ", which(colSums(!is.finite(design)) > 0)[1],
         " is not. Leave such patients out, or impute.", call. = FALSE)
  }
  storage.mode(design) <- "double"
  design
}

# 0-based row numbers end to end as a list of 1-based ones, one element a resample.
check_resamples <- function(rows, lengths, n) {
  rows <- as.integer(rows)
  lengths <- as.integer(lengths)
  if (sum(lengths) != length(rows)) {
    stop("lengths must add up to the ", length(rows), " row numbers: found ", sum(lengths), ".", call. = FALSE)
  }
  if (length(rows) && (anyNA(rows) || min(rows) < 0 || max(rows) >= n)) {
    stop("rows must be row numbers from 0 to ", n - 1, ": found ", paste(range(rows), collapse = " to "), ".", call. = FALSE)
  }
  ends <- cumsum(lengths)
  lapply(seq_along(ends), function(i) rows[seq.int(to = ends[i], length.out = lengths[i])] + 1L)
}

has_both_classes <- function(outcome) any(outcome == 0) && any(outcome == 1)

# NaN says "undefined", which for a reader of the results is NA.
na_if_nan <- function(x) {
  x[is.nan(x)] <- NA_real_
  x
}

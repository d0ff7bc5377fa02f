# Any number of readers: patients by readers by features, or patients by readers of one feature.
icc_of_ratings <- function(ratings, form = c("ICC2", "ICC1", "ICC3", "ICC1k", "ICC2k", "ICC3k"), level = 0.95) {
  form <- match.arg(form)
  size <- dim(ratings)
  if (length(size) == 2) size <- c(size, 1L)
  if (length(size) != 3) {
    stop("ratings must be patients by readers by features: found ", length(size), " dimensions.", call. = FALSE)
  }
  if (size[2] < 2) return(lapply(list(estimate = NA, low = NA, high = NA), function(x) rep(NA_real_, size[3])))
  ratings <- array(as.numeric(ratings), size)
  icc_of_readers(lapply(seq_len(size[2]), function(k) matrix(ratings[, k, ], size[1], size[3])), form, level)
}

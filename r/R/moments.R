# Of nothing, nothing; of one value no standard deviation.
moments <- function(values) {
  values <- as.numeric(values)
  quartiles <- quantile(values, c(0.25, 0.5, 0.75), names = FALSE)
  ends <- if (length(values)) range(values) else c(NA_real_, NA_real_)
  list(mean = na_if_nan(mean(values)), sd = sd(values), median = quartiles[2], q1 = quartiles[1], q3 = quartiles[3],
       min = ends[1], max = ends[2])
}

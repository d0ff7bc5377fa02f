# Of nothing, nothing; of one value no standard deviation.
moments <- function(values) {
  values <- as.numeric(values)
  quartiles <- quantile(values, c(0.25, 0.5, 0.75), names = FALSE)
  list(mean = na_if_nan(mean(values)), sd = sd(values), median = quartiles[2], q1 = quartiles[1], q3 = quartiles[3])
}

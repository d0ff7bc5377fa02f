describe_values <- function(values) {
  values <- as.numeric(values)
  if (!length(values)) return(setNames(as.list(rep(NA_real_, 7)), c("mean", "sd", "median", "q1", "q3", "min", "max")))
  quartiles <- quantile(values, c(0.25, 0.5, 0.75), names = FALSE)
  unit <- power_of_two(values)
  list(mean = mean(values / unit) * unit, sd = sd(values / unit) * unit, median = quartiles[2], q1 = quartiles[1], q3 = quartiles[3],
       min = min(values), max = max(values))
}

shapiro_wilk <- function(values) {
  values <- as.numeric(values)
  if (length(values) < 3 || length(values) > 5000 || length(unique(values)) < 2) return(list(statistic = NA_real_, p = NA_real_))
  unit <- power_of_two(values)   # shapiro.test takes a small range for none
  test <- shapiro.test(values / unit)
  list(statistic = as.numeric(test$statistic), p = as.numeric(test$p.value))
}

standardized_mean_difference <- function(nonevent, event) {
  nonevent <- as.numeric(nonevent)
  event <- as.numeric(event)
  if (min(length(nonevent), length(event)) < 2) return(NA_real_)
  if (diff(range(nonevent)) == 0 && diff(range(event)) == 0) return(if (nonevent[1] == event[1]) 0 else NA_real_)
  (mean(event) - mean(nonevent)) / sqrt((var(event) + var(nonevent)) / 2)
}

continuous_test <- function(nonevent, event, kind = c("t", "welch", "wilcoxon")) {
  kind <- match.arg(kind)
  nonevent <- as.numeric(nonevent)
  event <- as.numeric(event)
  nothing <- list(statistic = NA_real_, p = NA_real_, df = NA_real_)
  if (!length(nonevent) || !length(event) || length(unique(c(nonevent, event))) < 2) return(nothing)
  if (kind == "wilcoxon") {
    # The warning only says that ties rule out the exact p, which is the documented default
    test <- suppressWarnings(wilcox.test(nonevent, event))
    return(list(statistic = as.numeric(test$statistic), p = as.numeric(test$p.value), df = NA_real_))
  }
  unit <- power_of_two(c(nonevent, event))
  nonevent <- nonevent / unit
  event <- event / unit
  # t.test stops where the groups have no spread, or too few members to have one
  test <- tryCatch(t.test(nonevent, event, var.equal = kind == "t"), error = function(e) NULL)
  if (is.null(test)) return(nothing)
  list(statistic = as.numeric(test$statistic), p = as.numeric(test$p.value), df = as.numeric(test$parameter))
}

# Of the reference group and every other against the group of the last column; the covariance by the delta method.
standardized_risk_ratios <- function(design, coefficients, covariance, columns) {
  design <- check_design(design, nrow(as.matrix(design)))
  columns <- check_columns(columns, design)
  aliased <- is.na(coefficients)
  coefficients[aliased] <- 0
  covariance[aliased, ] <- covariance[, aliased] <- 0
  each <- lapply(c(NA, columns), function(own) {
    there <- design
    there[, columns] <- 0
    if (!is.na(own)) there[, own] <- 1
    p <- plogis(drop(there %*% as.numeric(coefficients)))
    list(log = log(mean(p)), slope = colMeans(p * (1 - p) * there) / mean(p))
  })
  last <- length(each)
  logs <- vapply(each, function(group) group$log, 0)
  slopes <- do.call(rbind, lapply(each, function(group) group$slope - each[[last]]$slope))[-last, , drop = FALSE]
  list(logs = logs[-last] - logs[last], covariance = unname(slopes %*% covariance %*% t(slopes)))
}

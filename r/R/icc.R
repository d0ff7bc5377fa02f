icc <- function(first, second, form = c("ICC2", "ICC1", "ICC3", "ICC1k", "ICC2k", "ICC3k"), level = 0.95) {
  form <- match.arg(form)
  first <- as.matrix(first)
  second <- as.matrix(second)
  if (!identical(dim(first), dim(second))) {
    stop("first and second must have the same patients and features: found ", paste(dim(first), collapse = " x "),
         " and ", paste(dim(second), collapse = " x "), ".", call. = FALSE)
  }
  icc_of_readers(list(first, second), form, level)
}

# Readers as a list, each an n x p matrix.
icc_of_readers <- function(readings, form, level = 0.95) {
  squares <- icc_mean_squares(readings)
  n <- nrow(readings[[1]])
  k <- length(readings)
  single <- substr(form, 1, 4)
  agreement <- switch(single,
    ICC1 = icc_oneway(squares$between, squares$within, n - 1, n * (k - 1), k, level),
    ICC2 = icc_two_way_random(squares, n, k, level),
    ICC3 = icc_oneway(squares$between, squares$error, n - 1, (n - 1) * (k - 1), k, level))
  # The mean of k readings: Spearman-Brown, which is monotone, so limits go the same way
  if (form != single) agreement <- lapply(agreement, function(r) k * r / (1 + (k - 1) * r))
  usable <- n > 1 & squares$varies
  lapply(agreement, function(r) unname(ifelse(usable & squares$alike, 1, ifelse(usable & !is.nan(r), r, NA_real_))))
}

icc_mean_squares <- function(readings) {
  units <- do.call(pmax, lapply(readings, function(r) apply(r, 2, power_of_two)))
  readings <- lapply(readings, function(r) r / rep(units, each = nrow(r)))
  n <- nrow(readings[[1]])
  k <- length(readings)
  patient <- Reduce(`+`, readings) / k
  reader <- lapply(readings, colMeans)
  grand <- Reduce(`+`, reader) / k
  centred <- function(matrix, by) matrix - rep(by, each = nrow(matrix))
  within <- Reduce(`+`, lapply(readings, function(r) colSums((r - patient)^2)))
  readers <- n * Reduce(`+`, lapply(reader, function(r) (r - grand)^2))
  # Residuals rather than within minus readers: perfect readers who differ by a constant leave nothing
  error <- Reduce(`+`, Map(function(r, by) colSums((centred(r, by) - centred(patient, grand))^2), readings, reader))
  # A column that is constant for every reader tells patients apart for none
  varies <- Reduce(`|`, lapply(readings, function(r) apply(r, 2, max) > apply(r, 2, min)))
  alike <- Reduce(`&`, lapply(readings[-1], function(r) colSums(r != readings[[1]]) == 0))   # 1, and not more by rounding
  list(between = k * colSums(centred(patient, grand)^2) / (n - 1), readers = readers / (k - 1),
       within = within / (n * (k - 1)), error = error / ((n - 1) * (k - 1)), varies = varies, alike = alike)
}

# ICC1 with the within-patient mean square, ICC3 with the residual one: the same formulas. F and its quantiles are
# multiplied out so that perfect agreement (nothing to divide by) gives 1.
icc_oneway <- function(between, noise, df_between, df_noise, k, level) {
  tail <- 1 - (1 - level) / 2
  shrink <- qf(tail, df_between, df_noise)
  stretch <- qf(tail, df_noise, df_between)
  ratio <- function(b, e) (b - e) / (b + (k - 1) * e)
  list(estimate = ratio(between, noise), low = ratio(between, shrink * noise), high = ratio(stretch * between, noise))
}

# Shrout and Fleiss's interval with Satterthwaite's degrees of freedom.
icc_two_way_random <- function(squares, n, k, level) {
  between <- squares$between
  readers <- squares$readers
  error <- squares$error
  estimate <- (between - error) / (between + (k - 1) * error + k * (readers - error) / n)
  weight <- n * (1 + (k - 1) * estimate) - k * estimate
  df <- (k - 1) * (n - 1) * (k * estimate * readers + weight * error)^2 /
    ((n - 1) * k^2 * estimate^2 * readers^2 + weight^2 * error^2)
  perfect <- readers == 0 & error == 0
  df[perfect] <- 1
  tail <- 1 - (1 - level) / 2
  f_low <- qf(tail, n - 1, df)
  f_high <- qf(tail, df, n - 1)
  noise <- k * readers + (k * n - k - n) * error
  list(estimate = estimate,
       low = n * (between - f_low * error) / (f_low * noise + n * between),
       high = n * (f_high * between - error) / (noise + n * f_high * between))
}

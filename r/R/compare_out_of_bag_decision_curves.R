compare_out_of_bag_decision_curves <- function(outcome, a, b, out_of_bag, thresholds, level = 0.95) {
  outcome <- check_outcome(outcome)
  thresholds <- check_thresholds(thresholds)
  gone <- is.na(a) | is.na(b)
  a[gone] <- NA
  b[gone] <- NA
  of_a <- check_held_out(a, out_of_bag, length(outcome))
  of_b <- check_held_out(b, out_of_bag, length(outcome))
  is_event <- of_a$is_out & rep(outcome == 1, each = nrow(of_a$is_out))
  is_other <- of_a$is_out & !is_event
  true <- count_above(of_a$probability, is_event, thresholds) - count_above(of_b$probability, is_event, thresholds)
  false <- count_above(of_a$probability, is_other, thresholds) - count_above(of_b$probability, is_other, thresholds)
  difference <- na_if_nan(sweep(true - false * thresholds / (1 - thresholds), 2, rowSums(of_a$is_out), "/"))
  mean_of <- na_if_nan(rowMeans(difference))
  band <- percentile_band(difference, level)
  c(list(threshold = thresholds, difference = mean_of), around_mean(mean_of, band$low, band$high))
}

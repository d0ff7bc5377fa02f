# Obuchowski (1997): the placements of a patient's rows are added up before they are squared; with one row a patient it
# is DeLong's variance.
clustered_auc <- function(outcome, score, patient, level = 0.95) {
  outcome <- check_outcome(outcome)
  score <- check_numbers(score, "score", length(outcome))
  if (!has_both_classes(outcome)) {
    return(list(estimate = NA_real_, variance = NA_real_, low = NA_real_, high = NA_real_))
  }
  found <- placement_sums(outcome, score, patient)
  variance <- clustered_variance(found, outcome, patient)
  half <- qnorm((1 + level) / 2) * sqrt(variance)
  list(estimate = found$estimate, variance = variance,
       low = max(0, found$estimate - half), high = min(1, found$estimate + half))
}

# Sums by patient of how often each of its rows stands on the right side, less the area.
placement_sums <- function(outcome, score, patient) {
  event <- outcome == 1
  right <- outer(score[event], score[!event], function(a, b) (a > b) + (a == b) / 2)
  area <- mean(right)
  by_patient <- function(rows, values) {
    sums <- setNames(numeric(length(unique(patient))), sort(unique(patient)))
    own <- tapply(values - area, patient[rows], sum)
    sums[names(own)] <- own
    sums
  }
  list(estimate = area, events = by_patient(event, rowMeans(right)), others = by_patient(!event, colMeans(right)))
}

clustered_variance <- function(sums, outcome, patient) {
  event <- outcome == 1
  number <- c(length(unique(patient[event])), length(unique(patient[!event])), length(unique(patient)))
  if (min(number[1:2]) < 2) return(NA_real_)
  corrected <- number / (number - 1)
  total <- corrected[1] * sum(sums$events^2) / sum(event)^2 + corrected[2] * sum(sums$others^2) / sum(!event)^2 +
    2 * corrected[3] * sum(sums$events * sums$others) / (sum(event) * sum(!event))
  max(total, 0)
}

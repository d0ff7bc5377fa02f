# True and false positives (thresholds x samples) of acting strictly above each threshold, where each sample (column of
# ``times``) holds a patient so many times. All counts at all thresholds are two matrix products.
positives <- function(outcome, probability, thresholds, times) {
  above <- outer(thresholds, probability, "<") + 0
  list(true = above %*% (times * outcome), false = above %*% (times * (1 - outcome)))
}

check_thresholds <- function(thresholds) {
  thresholds <- as.numeric(thresholds)
  wrong <- thresholds[is.na(thresholds) | thresholds < 0 | thresholds > 1]
  if (!length(thresholds) || length(wrong)) {
    stop("thresholds must be probabilities within 0 and 1: found ", if (length(wrong)) format(wrong[1]) else "none", ".",
         call. = FALSE)
  }
  thresholds
}

# rmda's table for the model, or NULL where rmda is missing or refuses (it needs both outcomes). The columns' names are
# fresh because rmda overwrites any called All or None.
rmda_curve <- function(outcome, probability, thresholds) {
  if (!can_use("rmda") || !has_both_classes(outcome)) return(NULL)
  table <- data.frame(prldh_outcome = outcome, prldh_probability = probability)
  curve <- rmda::decision_curve(prldh_outcome ~ prldh_probability, data = table, fitted.risk = TRUE,
                                thresholds = thresholds, confidence.intervals = "none", study.design = "cohort")
  derived <- curve$derived.data
  derived[derived$model == "prldh_outcome ~ prldh_probability", ]
}

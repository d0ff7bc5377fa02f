decision_curve <- function(outcome, probability, thresholds, rows = integer(0), n_resamples = 0, level = 0.95) {
  outcome <- check_outcome(outcome)
  n <- length(outcome)
  probability <- check_probability(probability, n)
  thresholds <- check_thresholds(thresholds)
  odds <- thresholds / (1 - thresholds)
  point <- net_benefit(outcome, probability, thresholds)
  prevalence <- mean(outcome)
  interval <- net_benefit_interval(outcome, probability, thresholds, rows, n_resamples, level)
  list(threshold = thresholds,
       net_benefit = point$net_benefit,
       standardized = na_if_nan(point$net_benefit / prevalence),
       all = prevalence - (1 - prevalence) * odds,
       low = interval$low, high = interval$high, source = point$source)
}

net_benefit <- function(outcome, probability, thresholds) {
  curve <- rmda_curve(outcome, probability, thresholds)
  if (!is.null(curve)) return(list(net_benefit = na_if_nan(curve$NB), source = "rmda"))
  above <- outer(thresholds, probability, "<")
  true <- drop(above %*% outcome)
  false <- drop(above %*% (1 - outcome))
  list(net_benefit = na_if_nan((true - false * thresholds / (1 - thresholds)) / length(outcome)), source = "prldh")
}

# Resamples keep the probabilities, so each is a vector of how often a patient was drawn, and all counts of positives
# at all thresholds are two matrix products.
net_benefit_interval <- function(outcome, probability, thresholds, rows, n_resamples, level) {
  nothing <- rep(NA_real_, length(thresholds))
  n <- length(outcome)
  if (length(rows) != n * n_resamples) {
    stop("rows must hold n_resamples samples of ", n, " row numbers: found ", length(rows), " for ", n_resamples, ".",
         call. = FALSE)
  }
  if (n_resamples == 0) return(list(low = nothing, high = nothing))
  drawn <- matrix(as.integer(rows) + 1L, nrow = n)
  if (anyNA(drawn) || min(drawn) < 1 || max(drawn) > n) {
    stop("rows must be row numbers from 0 to ", n - 1, ".", call. = FALSE)
  }
  times <- apply(drawn, 2, tabulate, nbins = n)
  above <- outer(thresholds, probability, "<") + 0
  odds <- thresholds / (1 - thresholds)
  resampled <- (above %*% (times * outcome) - odds * (above %*% (times * (1 - outcome)))) / n
  bounds <- apply(resampled, 1, function(values) {
    if (anyNA(values)) return(c(NA_real_, NA_real_))   # a threshold of 1
    quantile(values, c((1 - level) / 2, 1 - (1 - level) / 2), names = FALSE)
  })
  list(low = bounds[1, ], high = bounds[2, ])
}

check_thresholds <- function(thresholds) {
  thresholds <- as.numeric(thresholds)
  if (!length(thresholds) || anyNA(thresholds) || any(thresholds < 0 | thresholds > 1)) {
    stop("thresholds must be probabilities within 0 and 1: found ",
         format(c(thresholds[is.na(thresholds) | thresholds < 0 | thresholds > 1], NA)[1]), ".", call. = FALSE)
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

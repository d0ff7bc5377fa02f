# ---- data --------------------------------------------------------------------------------------------------------------
# One line a patient, or several. Text is read as text, and its levels are ordered as the study file has it.

is_factor <- vapply(study$covariates, function(covariate) length(covariate$levels) > 0, NA)
column_of <- function(variables) vapply(variables, function(variable) variable$column, "")
as_text <- c("id", "patient", column_of(study$covariates[is_factor]))
# Text that a spreadsheet takes for a formula has an apostrophe before it, where the study says so.
as_it_was <- function(table) {
  is_text <- vapply(table, is.character, NA) & identical(study$csv_formulas, "escape")
  table[is_text] <- lapply(table[is_text], function(text) sub("^'('*[-=+@\t\r].)", "\\1", text))
  table
}
read_table <- function(file) {
  text <- intersect(as_text, names(read.csv(file, nrows = 1)))
  as_it_was(read.csv(file, colClasses = setNames(rep("character", length(text)), text), na.strings = ""))
}
with_levels <- function(table) {
  for (covariate in study$covariates[is_factor]) if (covariate$column %in% names(table))
    table[[covariate$column]] <- factor(table[[covariate$column]], levels = covariate$levels)
  table
}
cohort <- with_levels(read_table("cohort.csv"))
y <- cohort$outcome
n <- nrow(cohort)
# Where several lines are one patient's, "patient" tells whose; folds and samples then hold patients whole.
is_clustered <- isTRUE(study$is_clustered)

# Blank covariates, filled in several times by multiple imputation: as many data sets. Without it the cohort alone.
data_sets <- list(cohort)
if (file.exists("imputed.csv.gz")) {
  imputed <- with_levels(read_table("imputed.csv.gz"))
  data_sets <- lapply(split(imputed, imputed$imputation), function(filled) {
    for (column in setdiff(names(filled), c("imputation", "id"))) cohort[[column]] <- filled[[column]]
    cohort
  })
}

# Bootstrap samples: how often each (a row) holds each patient (a column).
read_counts <- function(name, whose = 1) {
  file <- paste0("drawn_", gsub("[^[:alnum:]_]", "_", name), if (whose > 1) paste0("_", whose), ".csv.gz")
  if (!file.exists(file)) return(matrix(0L, 0, n))
  matrix(scan(file, integer(), sep = ",", quiet = TRUE), ncol = n, byrow = TRUE)
}
patients_in <- function(counts) lapply(seq_len(nrow(counts)), function(k) rep(seq_len(n), counts[k, ]))
# The same as prldh.R takes them: numbers of patients from 0, one sample after the other.
as_rows <- function(counts) unlist(patients_in(counts)) - 1
read_draws <- function(whose) {
  bands <<- read_counts("bands", whose)
  band_rows <<- as_rows(bands)
  in_partial_areas <<- t(read_counts("partial_areas", whose))   # drawn within each outcome
  in_interaction <<- read_counts("interaction", whose)
}
read_draws(1)

# Resamples of the validation: who trains, who is held out, and in which repetition.
folds <- if (file.exists("folds.csv")) read_table("folds.csv")
resamples_of <- function(scheme) {
  if (study$schemes[[scheme]] == "bootstrap") {
    return(lapply(patients_in(read_counts(scheme)), function(train) {
      list(train = train, test = setdiff(seq_len(n), train), repetition = 1)
    }))
  }
  own <- folds[folds$scheme == scheme, ]
  key <- paste(own$repetition, own$fold)
  lapply(split(own, factor(key, unique(key))), function(fold) {
    test <- which(cohort$id %in% fold$id)
    list(train = setdiff(seq_len(n), test), test = test, repetition = fold$repetition[1])
  })
}
schemes <- lapply(setNames(names(study$schemes), names(study$schemes)), function(scheme) {
  resamples <- resamples_of(scheme)
  Map(function(resample, r) c(resample, list(number = r, everyone = resample$train)), resamples, seq_along(resamples))
})

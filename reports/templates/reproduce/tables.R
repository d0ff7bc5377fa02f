# ---- cohort, sample size, Table 1 --------------------------------------------------------------------------------------

continuous <- study$covariates[!is_factor]
ranges <- lapply(setNames(continuous, vapply(continuous, function(covariate) covariate$name, "")), function(covariate) {
  own <- range(cohort[[covariate$column]], na.rm = TRUE)
  list(low = own[1], high = own[2])
})
of_patients <- if (is_clustered) list(n_patients = length(unique(cohort$patient)), events_patients = length(unique(cohort$patient[y == 1])))
tell("cohort", c(list(n = n, events = sum(y), n_read = n + study$n_excluded, ranges = ranges), of_patients))

blank <- is.na(cohort[column_of(study$covariates)])
if (file.exists("imputed.csv.gz")) {
  counts <- colSums(blank)
  variables_with_blanks <- named_by(lapply(counts[counts > 0], function(k) list(n_missing = k)), labels[names(counts)[counts > 0]])
  tell("missing", list(variables = variables_with_blanks, n_patients = sum(rowSums(blank) > 0), imputations = length(data_sets)))
}

# Riley's criteria, for the parameters that each model estimates.
prevalence <- mean(y)
largest <- 1 - exp(2 * (prevalence * log(prevalence) + (1 - prevalence) * log(1 - prevalence)))
r2 <- study$sample_size
cox_snell <- if (is.null(r2$r2_cox_snell)) r2$r2_nagelkerke * largest else r2$r2_cox_snell
tell("sample_size.settings", list(prevalence = prevalence, r2_cox_snell = cox_snell, r2_nagelkerke = cox_snell / largest,
                                  shrinkage = 0.9, optimism = 0.05, margin = 0.05))
tissues_of <- function(model) {
  grouped <- lapply(study$groups[column_of(study$groups) %in% model$terms], `[[`, "tissues")
  unique(c(names(tissue_columns)[unlist(tissue_columns) %in% columns_in(model$terms)], unlist(grouped)))
}
for (model in study$models) {
  take_patients(model$terms)
  parameters <- length(prldh$estimable_columns(design_of(model$terms, data_sets[[1]]))) - 1
  needed <- prldh$sample_size(prevalence, parameters, cox_snell, n, 0.9, 0.05, 0.05)
  screened <- Filter(function(tissue) tissue$name %in% tissues_of(model), study$tissues)
  tell(sprintf("sample_size.models[%s]", name_of_model(model$name, model$adjusted)), list(
    n_parameters = parameters, n_candidates_screened = sum(vapply(screened, `[[`, 0, "n_features")),
    n_needed = needed$n, events_needed = needed$events,
    criteria = list("[shrinkage]" = list(n = needed$n_shrinkage, max_parameters = needed$max_parameters_shrinkage),
                    "[optimism]" = list(n = needed$n_optimism, max_parameters = needed$max_parameters_optimism),
                    "[risk]" = list(n = needed$n_risk)),
    n = n, events = sum(y), events_per_parameter = if (parameters > 0) sum(y) / parameters else NA,
    max_parameters = needed$max_parameters))
}
take_patients()

nothing <- list(statistic = NA, df = NA, p = NA)
as_test <- function(test) {
  if (inherits(test, "try-error")) return(nothing)
  list(statistic = test$statistic, df = if (is.null(test$parameter)) NA else test$parameter, p = test$p.value)
}
moments <- function(values) {
  quartiles <- quantile(values, c(0.25, 0.5, 0.75), names = FALSE)
  ends <- if (length(values)) range(values) else c(NA, NA)
  list(mean = mean(values), sd = sd(values), median = quartiles[2], q1 = quartiles[1], q3 = quartiles[3], min = ends[1], max = ends[2])
}
normality <- function(values) {
  test <- try(shapiro.test(values), silent = TRUE)   # there is none of fewer than 3 values, or constant ones
  if (inherits(test, "try-error")) list(statistic = NA, p = NA) else list(statistic = test$statistic, p = test$p.value)
}
row_of_numbers <- function(values, outcome) {
  without <- values[outcome == 0]
  with <- values[outcome == 1]
  test <- if (length(unique(values)) < 2) nothing else as_test(try(switch(study$table_one$continuous,
    t = t.test(without, with, var.equal = TRUE), welch = t.test(without, with),
    wilcoxon = suppressWarnings(wilcox.test(without, with))), silent = TRUE))
  cells <- list(total = moments(values), nonevent = moments(without), event = moments(with))
  c(test, list(rows = cells, smd = prldh$standardized_mean_difference(without, with),
               normality = list(nonevent = normality(without), event = normality(with))))
}
row_of_levels <- function(values, outcome) {
  counts <- unclass(table(values, factor(outcome, 0:1)))
  share <- function(column, total) Map(function(k) list(n = k, percent = if (total) 100 * k / total else NA), column)
  cells <- Map(function(total, nonevent, event) list(total = total, nonevent = nonevent, event = event),
               share(rowSums(counts), sum(counts)), share(counts[, 1], sum(counts[, 1])), share(counts[, 2], sum(counts[, 2])))
  observed <- counts[rowSums(counts) > 0, , drop = FALSE]
  test <- nothing
  if (nrow(observed) > 1 && all(colSums(observed) > 0)) {
    pearson <- suppressWarnings(chisq.test(observed, correct = FALSE))
    if (mean(pearson$expected < 5) > 0.2) {   # Cochran's rule
      test$p <- fisher.test(observed, workspace = 2e7)$p.value
    } else test <- as_test(pearson)
  }
  c(test, list(rows = named_by(cells, rownames(counts)), smd = prldh$standardized_level_difference(counts)))
}
row_of <- function(column) {
  known <- !is.na(cohort[[column]])
  values <- cohort[[column]][known]
  row <- (if (is.factor(values)) row_of_levels else row_of_numbers)(values, y[known])
  row <- if_independent(row, c("statistic", "p"))
  c(row, list(unknown = list(total = sum(!known), nonevent = sum(!known & y == 0), event = sum(!known & y == 1))))
}
is_own_column <- vapply(study$tissues, function(tissue) tissue$name %in% vapply(study$covariates, `[[`, "", "name"), NA)
in_own_terms <- vapply(study$groups, function(group) any(vapply(study$models, function(model) group$column %in% model$own, NA)), NA)
in_table <- c(study$covariates, study$tissues[!is_own_column], study$groups[in_own_terms])
table_one <- named_by(lapply(column_of(in_table), row_of), vapply(in_table, `[[`, "", "name"))
for (k in seq_along(study$covariates)) table_one[[k]]$n_missing <- sum(blank[, k])
method <- study$table_one$adjust_p
adjusted_p <- function(p, method) p.adjust(p, c(holm = "holm", bh = "BH")[[method]])
if (method != "none") {
  adjusted <- adjusted_p(vapply(table_one, function(row) as.numeric(row$p), 0), method)
  for (k in seq_along(table_one)) table_one[[k]][[paste0("p_", method)]] <- adjusted[[k]]
}
if (!study$table_one$standardized_differences) table_one <- lapply(table_one, function(row) row[names(row) != "smd"])
tell("table_one", table_one)

# ---- variables by high and low Radscore, or by a covariate's two levels -------------------------------------------------

for (pair in study$associations) {
  cutoff <- if (is.null(pair$tissue)) NA else cutoffs[[pair$tissue]]
  member <- if (is.null(pair$tissue)) match(cohort[[pair$by]], pair$groups) - 1
            else if (is.finite(cutoff)) as.numeric(cohort[[pair$by]] > cutoff) else NA
  known <- !is.na(member) & !is.na(cohort[[pair$column]])
  values <- cohort[[pair$column]][known]
  member <- member[known]
  row <- if_independent((if (is.factor(values)) row_of_levels else row_of_numbers)(values, member), c("statistic", "p"))
  row$smd <- row$normality <- NULL
  in_either <- function(cells) setNames(cells, c("total", "first", "second"))
  row$rows <- if (is.factor(values)) lapply(row$rows, in_either) else in_either(row$rows)
  tell(sprintf("associations[%s]", pair$name), c(row, list(
    n_first = sum(member == 0), n_second = sum(member == 1), n_missing = sum(!known), cutoff = cutoff)))
}

# ---- each variable alone -----------------------------------------------------------------------------------------------

univariable_rows <- function(model) {
  known <- !is.na(cohort[[model$column]])
  outcome <- y[known]
  counts <- list(n = length(outcome), events = sum(outcome))
  if (model$fit == "none") return(named_by(list(counts), labels[[model$column]]))
  x <- design_of(model$column, cohort[known, , drop = FALSE])
  tests <- overall_tests(list(x), model$fit == "firth", outcome)
  if (length(tests)) tell("univariate.overall_tests", tests)
  fit <- fit_once(x, outcome, model$fit)
  lapply(terms_of(x, fit, model$infinite)[-1], function(term) c(counts, term))
}
if (!is.null(study$univariate)) {
  found <- lapply(study$univariate$models, univariable_rows)
  rows <- do.call(c, found)
  is_fitted <- rep(vapply(study$univariate$models, `[[`, NA, "is_fitted"), lengths(found))   # on these outcomes: their p means nothing
  p <- ifelse(is_fitted, NA, vapply(rows, function(row) if (is.null(row$p)) NA else as.numeric(row$p), 0))
  for (method in study$univariate$adjusted) {
    adjusted <- adjusted_p(p, method)
    for (k in which(!is_fitted)) rows[[k]][[paste0("p_", method)]] <- adjusted[[k]]
  }
  tell("univariate.alpha", 0.05)
  tell("univariate.terms", rows)
}

# Features: those that the report lists and those of the Radscores are in features.csv.gz, one a line.
features <- NULL
if (file.exists("features.csv.gz"))
  features <- as_it_was(
    read.csv("features.csv.gz", header = FALSE, colClasses = c("character", "character", rep("numeric", n)), na.strings = "")
  )
values_of <- function(tissue, name) as.numeric(features[features[[1]] == tissue & features[[2]] == name, -(1:2)])
for (tissue in names(study$univariate$shown)) {
  shown <- study$univariate$shown[[tissue]]
  screened <- as_it_was(read.csv("univariate_p.csv.gz", colClasses = c("character", "numeric"), na.strings = ""))
  p <- screened$p[screened$tissue == tissue]   # of all its features, the smallest first
  each <- lapply(shown, function(name) {
    x <- values_of(tissue, name)
    test <- if (study$univariate$test == "t") t.test(x[y == 0], x[y == 1], var.equal = TRUE) else
      suppressWarnings(wilcox.test(x[y == 0], x[y == 1], exact = FALSE))
    if_independent(list(auc = as.numeric(auc(roc_of(y, x))), r = cor(x, y, use = "complete.obs"), statistic = test$statistic, p = test$p.value),
                   c("statistic", "p"))
  })
  p[seq_along(each)] <- vapply(each, `[[`, 0, "p")
  below <- list(p = sum(p < 0.05, na.rm = TRUE))
  for (method in study$univariate$adjusted) {
    adjusted <- adjusted_p(p, method)
    below[[paste0("p_", method)]] <- sum(adjusted < 0.05, na.rm = TRUE)
    for (k in seq_along(each)) each[[k]][[paste0("p_", method)]] <- adjusted[k]
  }
  tell(paste0("univariate.features.", tissue), list(n = length(p), n_tested = sum(!is.na(p)), n_below_by_chance = 0.05 * sum(!is.na(p)),
                                                    n_below = below, smallest = named_by(each, shown)))
}

# ---- Radscores ---------------------------------------------------------------------------------------------------------
# Where the program selected features: the logistic model of those that were selected, each in standard deviations from its mean.
# Coefficients of another learner are its own, by penalties that it chose in folds that it drew: from these the scores are made.

for (tissue in study$tissues) {
  entry <- list(cutoff = cutoffs[[tissue$name]])
  scores <- cohort[[if (is.null(tissue$applied)) tissue$column else tissue$applied]]
  if (!is.null(tissue$radscore)) {
    x <- vapply(tissue$radscore$features, function(name) values_of(tissue$name, name), numeric(n))
    center <- colMeans(x)
    scale <- sqrt(colMeans(sweep(x, 2, center)^2))
    found <- if (ncol(x) > 1) prldh$collinearity(x)
    entry$radscore <- list(center = as.list(center), scale = as.list(scale), collinearity = list(
      vif = setNames(as.list(found$vif), colnames(x)), condition_number = found$condition_number_centred))
    standardized <- sweep(sweep(x, 2, center), 2, scale, "/")
    b <- c(tissue$radscore$intercept, tissue$radscore$coefficients)
    if (tissue$radscore$is_logistic) {
      b <- coef(suppressWarnings(glm(y ~ standardized, family = binomial())))
      b[is.na(b)] <- 0
      entry$radscore <- c(entry$radscore, list(intercept = b[[1]], coefficients = setNames(as.list(b[-1]), tissue$radscore$features)))
    }
    added <- sweep(standardized, 2, b[-1], "*")   # by each feature to each patient's score
    scores <- b[[1]] + rowSums(added)
    most <- head(sort(setNames(colMeans(abs(added)), tissue$radscore$features), decreasing = TRUE), 20)
    entry$radscore$contributions <- list(base = b[[1]], mean_absolute = as.list(most))
  }
  known <- !is.na(scores)
  tell(paste0("tissues.", tissue$name), c(entry, list(scores = data.frame(value = scores[known], outcome = y[known]))))
}

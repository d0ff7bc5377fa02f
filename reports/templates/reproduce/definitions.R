# ---- definitions -------------------------------------------------------------------------------------------------------

level <- study$confidence
tails <- c((1 - level) / 2, (1 + level) / 2)
z <- qnorm(tails[2])

# Prints a number, a vector, the columns of a table, or a list of these under their names.
tell <- function(key, value) {
  if (is.list(value)) {
    star <- if (is.data.frame(value)) "[*]" else ""
    for (k in seq_along(value)) {
      name <- names(value)[k]
      tell(paste0(key, star, if (!startsWith(name, "[")) ".", name), value[[k]])
    }
  } else if (length(value) && !is.character(value)) {
    cat(gsub("[\t\r\n]", " ", key), "\t", paste(sprintf("%.15g", as.numeric(value)), collapse = " "), "\n", sep = "")
  }
}
name_of_model <- function(name, adjusted) paste0(name, if (adjusted) ", adjusted" else ", unadjusted")
only_finite <- function(x) ifelse(is.finite(x), x, NA)
# A list as a list named [a], [b], ... by what each element says of itself.
named_by <- function(entries, names) setNames(entries, sprintf("[%s]", names))

# High is strictly above the cutoff. Youden's: midpoints between observed values, the higher sensitivity where several tie.
youden <- function(outcome, score) {
  values <- sort(unique(score))
  below <- values[-length(values)]
  middle <- (below + values[-1]) / 2
  cuts <- c(-Inf, ifelse(middle < values[-1], middle, below), Inf)
  share_above <- function(scores) 1 - findInterval(cuts, sort(scores)) / length(scores)
  sensitivity <- share_above(score[outcome == 1])
  index <- sensitivity - share_above(score[outcome == 0])
  cuts[which(index >= max(index) - 1e-12)[1]]
}

# The four groups of two Radscores.
make_groups <- function(data, tissues, cutoffs) {
  high <- lapply(tissues, function(tissue) ifelse(data[[tissue_columns[[tissue]]]] > cutoffs[[tissue]], "high", "low"))
  levels <- c(t(outer(paste(c("high", "low"), tissues[1]), paste(c("high", "low"), tissues[2]), paste, sep = ", ")))
  factor(paste0(high[[1]], " ", tissues[1], ", ", high[[2]], " ", tissues[2]), levels = levels)
}
with_groups <- function(data, cutoffs) {
  for (group in study$groups) data[[group$column]] <- make_groups(data, group$tissues, cutoffs)
  data
}
tissue_columns <- setNames(as.list(column_of(study$tissues)), vapply(study$tissues, function(tissue) tissue$name, ""))
youden_of_known <- function(outcome, score) youden(outcome[!is.na(score)], score[!is.na(score)])
cutoffs <- lapply(tissue_columns, function(column) youden_of_known(y, cohort[[column]]))
cohort <- with_groups(cohort, cutoffs)
data_sets <- lapply(data_sets, with_groups, cutoffs)

# Where models are made of cross-fitted Radscores (each patient's by fits on others), what they predict is of the scores that all
# patients' fit gives: a column of its own. Without such a column both are the same.
cross_fitted <- Filter(function(tissue) !is.null(tissue$applied), study$tissues)
with_applied_scores <- function(data) {
  for (tissue in cross_fitted) data[[tissue$column]] <- data[[tissue$applied]]
  with_groups(data, cutoffs)
}

# Where every model takes the patients without blanks in its own terms, take_patients(terms) puts these in the place of everyone,
# and take_patients() everyone again. Resamples are everyone's, less the others; bands have samples of their own.
everyone <- list(cohort = cohort, data_sets = data_sets, schemes = schemes)
taken <- list(whose = 1, rows = seq_len(n))
columns_in <- function(terms) unlist(lapply(terms, function(term) {
  if (term %in% names(composed)) vapply(composed[[term]]$factors, `[[`, "", "column") else term
}))
whose_of <- function(terms) {
  if (length(study$patients) < 2) return(1)
  terms <- columns_in(terms)
  grouped <- lapply(study$groups[column_of(study$groups) %in% terms], function(group) tissue_columns[group$tissues])
  own <- setdiff(c(terms, unlist(grouped)), column_of(study$groups))
  blank <- own[vapply(own, function(column) anyNA(everyone$cohort[[column]]), NA)]
  which(vapply(study$patients, function(patients) setequal(unlist(patients$columns), blank), NA))
}
take_patients <- function(terms = NULL) {
  whose <- if (is.null(terms)) 1 else whose_of(terms)
  if (whose == taken$whose) return(invisible())
  columns <- unlist(study$patients[[whose]]$columns)
  rows <- if (length(columns)) which(complete.cases(everyone$cohort[columns])) else seq_len(nrow(everyone$cohort))
  taken <<- list(whose = whose, rows = rows)
  cohort <<- everyone$cohort[rows, ]
  data_sets <<- if (whose == 1) everyone$data_sets else list(cohort)
  y <<- cohort$outcome
  n <<- nrow(cohort)
  read_draws(whose)
  place <- match(seq_len(nrow(everyone$cohort)), rows)
  own <- function(these) place[these][!is.na(place[these])]
  schemes <<- lapply(setNames(names(study$schemes), names(study$schemes)), function(scheme) {
    resamples <- lapply(everyone$schemes[[scheme]], function(one) replace(one, c("train", "test"), list(own(one$train), own(one$test))))
    if (study$schemes[[scheme]] == "bootstrap") resamples else Filter(function(one) length(one$test) > 0, resamples)
  })
}

# Design matrix of some columns, treatment-coded. Levels that nobody has get no column. Columns are named as results.json names terms.
variables <- c(study$covariates, study$tissues, study$groups)
labels <- setNames(vapply(variables, function(variable) variable$name, ""), column_of(variables))
columns_of <- function(name, values) {
  if (!is.factor(values)) return(matrix(values, ncol = 1, dimnames = list(NULL, name)))
  values <- droplevels(values)
  if (nlevels(values) < 2) return(matrix(0, length(values), 0))
  x <- model.matrix(~ values)[, -1, drop = FALSE]
  colnames(x) <- paste0(name, levels(values)[-1])
  x
}
# Functions and products of columns; "train" are the patients whose observed values, in the data "made_of", place a spline's knots.
composed <- setNames(as.list(study$composed), vapply(study$composed, `[[`, "", "name"))
factor_of <- function(factor, data, train, made_of) {
  values <- data[[factor$column]]
  if (factor$form == "identity") return(columns_of(factor$name, values))
  if (factor$form == "spline") {
    observed <- if (factor$column %in% column_of(study$covariates)) cohort[[factor$column]] else made_of[[factor$column]]
    knots <- prldh$spline_knots(na.omit(observed[train]), factor$knots)
    x <- prldh$spline_basis(values, knots)
    colnames(x) <- paste0(factor$name, labels[[factor$column]], strrep("'", seq_len(ncol(x)) - 1))
    attr(x, "knots") <- setNames(list(knots), factor$name)
    return(x)
  }
  columns_of(factor$name, if (factor$form == "log") log(values) else values^2)
}
composed_of <- function(term, data, train, made_of) {
  found <- lapply(composed[[term]]$factors, factor_of, data, train, made_of)
  x <- Reduce(function(a, b) {
    at <- expand.grid(a = seq_len(ncol(a)), b = seq_len(ncol(b)))   # the first factor's columns run fastest
    product <- a[, at$a, drop = FALSE] * b[, at$b, drop = FALSE]
    colnames(product) <- paste(colnames(a)[at$a], colnames(b)[at$b], sep = ":")
    product
  }, found)
  attr(x, "knots") <- do.call(c, lapply(found, attr, "knots"))
  x
}
design_of <- function(terms, data, train = seq_len(nrow(data)), made_of = data) {
  blocks <- lapply(terms, function(term) {
    if (term %in% names(composed)) composed_of(term, data, train, made_of) else columns_of(labels[[term]], data[[term]])
  })
  x <- do.call(cbind, c(list("(Intercept)" = rep(1, nrow(data))), blocks))
  colnames(x)[1] <- "(Intercept)"
  names_of_terms <- ifelse(terms %in% names(composed), terms, labels[terms])
  attr(x, "variables") <- rep(unname(names_of_terms), vapply(blocks, ncol, 0))
  knots <- do.call(c, lapply(blocks, attr, "knots"))
  attr(x, "knots") <- knots[!duplicated(names(knots))]
  x
}
# The same of other scores, for a model that is made of the first: its columns, 0 in those of groups that nobody is in.
design_like <- function(own, terms, data, train = seq_len(nrow(data)), made_of = data) {
  x <- design_of(terms, data, train, made_of)
  if (identical(colnames(x), colnames(own))) return(x)
  x <- x[, match(colnames(own), colnames(x))]
  x[is.na(x)] <- 0
  colnames(x) <- colnames(own)
  x
}

# Where lines are clustered in patients, what takes them to be independent does not exist.
if_independent <- function(found, keys) {
  if (is_clustered) found[intersect(keys, names(found))] <- NA
  found
}
# Logistic regression by maximum likelihood or by Firth's likelihood. Limits are of the profile likelihood, solved; confint() of glm
# interpolates them.
fit_once <- function(x, outcome, how) {
  if (is_clustered) return(fit_clustered(x, outcome, how))
  if (how == "firth") {
    fit <- prldh$fit_firth(x, outcome)
    limits <- prldh$firth_limits(x, outcome, level)
    return(list(b = fit$coefficients, se = fit$standard_errors, p = fit$p_values, covariance = fit$covariance,
                log_likelihood = fit$log_likelihood, low = limits[, 1], high = limits[, 2]))
  }
  fit <- suppressWarnings(glm(outcome ~ 0 + x, family = binomial()))
  b <- unname(coef(fit))
  used <- !is.na(b)
  table <- coef(summary(fit))
  se <- p <- rep(NA_real_, length(b))
  se[used] <- table[, 2]
  p[used] <- table[, 4]
  covariance <- matrix(NA_real_, length(b), length(b))
  covariance[used, used] <- summary(fit)$cov.scaled
  limits <- prldh$profile_limits(x, outcome, level)
  list(b = b, se = se, p = p, covariance = covariance, log_likelihood = as.numeric(logLik(fit)), low = limits[, 1], high = limits[, 2])
}
# The same of clustered lines: Liang and Zeger's sandwich, and Wald's limits by it; of Firth's likelihood neither.
fit_clustered <- function(x, outcome, how) {
  nothing <- rep(NA_real_, ncol(x))
  is_firth <- how == "firth"
  fit <- if (is_firth) prldh$fit_firth(x, outcome) else suppressWarnings(prldh$fit_logistic(x, outcome))
  found <- list(b = unname(fit$coefficients), se = nothing, p = nothing, covariance = matrix(NA_real_, ncol(x), ncol(x)),
                log_likelihood = fit$log_likelihood, low = nothing, high = nothing)
  if (is_firth || length(outcome) < n) return(found)   # variances are of everyone at hand
  found$covariance <- suppressWarnings(prldh$clustered_covariance(x, outcome, cohort$patient))
  found$se <- unname(sqrt(diag(found$covariance)))
  found$p <- 2 * pnorm(-abs(found$b / found$se))
  eta <- drop(x %*% found$b)
  if (isTRUE(min(eta[outcome == 1]) > max(eta[outcome == 0]))) return(found)   # told apart: residuals vanish
  found[c("low", "high")] <- list(found$b - z * found$se, found$b + z * found$se)
  found
}
# Of several imputed data sets one fit, by Rubin's rules.
fit_all <- function(xs, outcome, how) {
  fits <- lapply(xs, fit_once, outcome, how)
  if (length(fits) == 1) return(fits[[1]])
  b <- do.call(rbind, lapply(fits, `[[`, "b"))
  variances <- do.call(rbind, lapply(fits, function(fit) diag(fit$covariance)))
  pooled <- prldh$pool_estimates(b, variances, length(outcome) - sum(is.finite(b[1, ])), level)
  list(b = pooled$estimate, se = pooled$se, p = pooled$p, low = pooled$low, high = pooled$high, fmi = pooled$fmi,
       covariance = prldh$pool_covariance(b, do.call(rbind, lapply(fits, `[[`, "covariance"))),
       log_likelihood = mean(vapply(fits, `[[`, 0, "log_likelihood")))
}
# How far the terms of a model say the same; means over imputed data sets.
collinearity_of <- function(xs, has_inflation) {
  variable <- attr(xs[[1]], "variables")
  names <- unique(variable)
  if (!length(names)) return(list(condition_number = NA, condition_number_centred = NA))
  terms <- match(variable, names) - 1
  whole <- lapply(xs, function(x) prldh$collinearity(x[, -1, drop = FALSE]))
  factors <- vapply(xs, function(x) prldh$variance_inflation(x, y, terms)$vif, numeric(length(names)))
  vif <- if (has_inflation) rowMeans(matrix(factors, length(names))) else rep(NA, length(names))
  list(condition_number = mean(vapply(whole, `[[`, 0, "condition_number")),
       condition_number_centred = mean(vapply(whole, `[[`, 0, "condition_number_centred")),
       terms = named_by(Map(function(df, vif) list(df = df, vif = vif, vif_per_df = vif^(1 / (2 * df))), tabulate(terms + 1), vif), names))
}
# Nested models: the likelihood-ratio test. By Firth's likelihood both are fitted under the larger model's penalty.
likelihood_ratio <- function(small, large, is_firth, outcome = y) {
  one <- function(k) {
    x <- small[[(k - 1) %% length(small) + 1]]
    w <- large[[(k - 1) %% length(large) + 1]]
    if (is_firth) return(prldh$likelihood_ratio_firth(x, w, outcome))
    fits <- suppressWarnings(list(glm(outcome ~ 0 + x, family = binomial()), glm(outcome ~ 0 + w, family = binomial())))
    test <- do.call(anova, c(fits, test = "LRT"))
    list(statistic = max(0, test$Deviance[2]), df = test$Df[2], p = if (test$Df[2] > 0) test[["Pr(>Chi)"]][2] else NA)
  }
  found <- lapply(seq_len(max(length(small), length(large))), function(k) if_independent(one(k), c("statistic", "p")))
  if (length(found) == 1 || is.na(found[[1]]$p)) return(found[[1]][c("statistic", "df", "p")])
  pooled <- prldh$pool_likelihood_ratio(vapply(found, `[[`, 0, "statistic"), found[[1]]$df)
  list(statistic = pooled$statistic, df = pooled$df1, df2 = pooled$df2, p = pooled$p)
}
# The same of leaving out each term that has several columns and is not contained in a product, as drop1() does.
factors_of <- function(term) {
  if (!term %in% names(composed)) return(paste("identity", term))
  vapply(composed[[term]]$factors, function(factor) paste(factor$form, factor$name), "")
}
is_contained <- function(term, terms) {
  own <- unique(factors_of(term))
  any(vapply(setdiff(terms, term), function(other) {
    factors <- unique(factors_of(other))
    all(own %in% factors) && length(factors) > length(own)
  }, NA))
}
overall_tests <- function(xs, is_firth, outcome = y) {
  variable <- attr(xs[[1]], "variables")
  names <- Filter(function(name) !is_contained(name, unique(variable)), unique(variable[duplicated(variable)]))
  without <- function(name) lapply(xs, function(x) x[, c(TRUE, variable != name), drop = FALSE])
  named_by(lapply(names, function(name) likelihood_ratio(without(name), xs, is_firth, outcome)), names)
}
# The terms of a fit, a list each; infinite estimates do not exist.
terms_of <- function(x, fit, infinite) {
  entries <- lapply(seq_len(ncol(x)), function(j) {
    b <- if (j %in% infinite) NA else fit$b[j]
    entry <- list(b = b, se = fit$se[j], p = fit$p[j], or = exp(b), low = exp(only_finite(fit$low[j])),
                  high = exp(only_finite(fit$high[j])))
    if (j %in% infinite) entry[c("se", "p")] <- NA
    if (is.null(fit$fmi)) entry else c(entry, fmi = fit$fmi[j])
  })
  named_by(entries, colnames(x))
}
# Log odds, summed column by column and rounded, so that patients with the same values are tied.
log_odds <- function(x, b) round(prldh$linear_predictor(x, unname(b)), 10)
# Means over imputations (rows), rounded in the same way.
mean_log_odds <- function(etas) if (nrow(etas) == 1) etas[1, ] else round(colMeans(etas), 10)
# Probabilities as they are ranked: where groups separate the outcome glm stops with each at log odds of about 20, and what is
# between two of them is rounding, which is left out. And as they are held against given thresholds.
ranked <- function(eta) plogis(prldh$ranked_log_odds(eta))
rounded <- function(eta) round(plogis(eta), 12)

# ROC curves: higher means event, always.
roc_of <- function(outcome, score) roc(outcome, score, levels = c(0, 1), direction = "<", quiet = TRUE)
# DeLong's interval; where lines are clustered in patients Obuchowski's, of everyone at hand.
delong <- function(outcome, score) {
  none <- list(estimate = NA, low = NA, high = NA, variance = NA)
  if (length(unique(outcome)) < 2) return(none)
  if (is_clustered && length(outcome) < n) return(replace(none, "estimate", rank_area(outcome, score)))
  if (is_clustered) return(prldh$clustered_auc(outcome, score, cohort$patient, level)[names(none)])
  curve <- roc_of(outcome, score)
  interval <- suppressWarnings(as.numeric(ci.auc(curve, conf.level = level)))
  list(estimate = as.numeric(auc(curve)), low = interval[1], high = interval[3], variance = suppressWarnings(as.numeric(var(curve))))
}
# The same of the scores of several imputed data sets (rows).
pooled_delong <- function(outcome, scores) {
  each <- apply(scores, 1, function(score) delong(outcome, score), simplify = FALSE)
  if (length(each) == 1) return(each[[1]])
  pooled <- prldh$pool_auc(vapply(each, `[[`, 0, "estimate"), vapply(each, `[[`, 0, "variance"), level)
  pooled[c("estimate", "low", "high", "variance", "fmi")]
}
# The empirical curve without points that lie on straight lines between others.
roc_vertices <- function(outcome, score) {
  curve <- roc_of(outcome, score)
  x <- 1 - curve$specificities
  dx <- diff(x)
  dy <- diff(curve$sensitivities)
  last <- length(dx)
  turns <- c(TRUE, abs(dx[-last] * dy[-1] - dx[-1] * dy[-last]) > 1e-15, TRUE)
  events <- sum(outcome == 1)
  hits <- round(curve$sensitivities * events)   # limits are Clopper and Pearson's
  limits <- data.frame(sensitivity_low = ifelse(hits == 0, 0, qbeta((1 - level) / 2, hits, events - hits + 1)),
                       sensitivity_high = ifelse(hits == events, 1, qbeta((1 + level) / 2, hits + 1, events - hits)))
  data.frame(threshold = curve$thresholds, sensitivity = curve$sensitivities, specificity = 1 - x,
             if_independent(limits, names(limits)))[turns, ]
}
# Mann and Whitney's area.
rank_area <- function(outcome, score) {
  events <- sum(outcome == 1)
  others <- sum(outcome == 0)
  (sum(rank(score)[outcome == 1]) - events * (events + 1) / 2) / (events * others)
}

# Measures of a table of predicted and observed events: each a statistic, whose arguments are sums of the table's cells.
classify <- function(counts) {
  values <- lapply(study$classification, function(measure) {
    given <- lapply(measure$cells, function(cells) sum(unlist(counts[cells])))
    if_independent(do.call(prldh[[measure$statistic]], c(given, if (measure$has_interval) list(level = level))), c("low", "high"))
  })
  setNames(values, vapply(study$classification, function(measure) measure$key, ""))
}
count_positives <- function(positive, outcome) {
  list(tp = sum(positive & outcome == 1), fp = sum(positive & outcome == 0),
       fn = sum(!positive & outcome == 1), tn = sum(!positive & outcome == 0))
}
hosmer_lemeshow <- function(outcome, p, lost) {
  found <- suppressWarnings(prldh$hosmer_lemeshow(outcome, p, study$hosmer_lemeshow_groups, lost))
  list(statistic = found$statistic, df = if (!is.na(found$statistic)) found$df else NA, p = if (is_clustered) NA else found$p,
       groups = data.frame(found[c("lower", "upper", "n", "observed", "expected")]))
}
calibration <- function(outcome, p, eta, rows, n_samples) {
  found <- prldh$calibration(outcome, p, rows, n_samples, level, eta)
  numbers <- if_independent(found[study$calibration], c("spiegelhalter_z", "spiegelhalter_p"))
  bin <- findInterval(p, 1:19 / 20) + 1
  count <- function(own) as.numeric(table(factor(bin[outcome == own], 1:20)))
  c(numbers, list(histogram = data.frame(low = 0:19 / 20, high = 1:20 / 20, nonevent = count(0), event = count(1)),
                  curve = data.frame(predicted = found$curve_predicted, observed = found$curve_observed, low = found$curve_low,
                                     high = found$curve_high)))
}
as_curve <- function(found) data.frame(found[!vapply(found, is.character, NA)])
decision_curve <- function(outcome, p) as_curve(prldh$decision_curve(outcome, p, study$thresholds, band_rows, nrow(bands), level))
decision_curve_elsewhere <- function(outcome, p) {
  as_curve(prldh$decision_curve_at_prevalence(outcome, p, study$thresholds, study$prevalence, band_rows, nrow(bands), level))
}
clinical_impact <- function(outcome, p) as_curve(prldh$clinical_impact(outcome, p, study$thresholds, 1000, band_rows, nrow(bands), level))

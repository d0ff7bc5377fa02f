# ---- validation --------------------------------------------------------------------------------------------------------
# Scope "model" keeps Radscores and the cutoffs of groups, and fits the logistic model again in every resample. Scope "pipeline"
# makes these anew as well: cutoffs from the training patients; Radscores of selected features as the learners made them.

read_refits <- function(file) {
  if (!file.exists(file)) return(NULL)
  columns <- c("character", "integer", "character", rep("numeric", n + 1))
  as_it_was(read.csv(file, header = FALSE, colClasses = columns, na.strings = ""))
}
refitted <- read_refits("refitted.csv.gz")
remade <- read_refits("cross_fitted.csv.gz")   # the same, training patients' scores by fits on the others among them
line_of <- function(table, scheme, resample, tissue) {
  table[table[[1]] == scheme & table[[2]] == resample$number & table[[3]] == tissue$name, ]
}
# Everyone with the Radscores of a resample: those that its fit gives, or those that its models are made of.
refitted_data <- function(scheme, resample, is_made_of = FALSE) {
  data <- cohort
  cuts <- list()
  for (tissue in study$tissues) {
    if (tissue$n_features) {
      own <- line_of(refitted, scheme, resample, tissue)
      if (is_made_of && NROW(instead <- line_of(remade, scheme, resample, tissue))) own <- instead
      data[[tissue$column]] <- as.numeric(own[-(1:4)])[taken$rows]
      cuts[[tissue$name]] <- own[[4]]
    } else {
      train <- resample$everyone   # of these whoever has the score
      train <- train[!is.na(everyone$cohort[[tissue$column]][train])]
      cuts[[tissue$name]] <- threshold_of(everyone$cohort$outcome[train], everyone$cohort[[tissue$column]][train])
    }
  }
  with_groups(data, cuts)
}
# Everyone is high where the training patients have one outcome.
threshold_of <- function(outcome, score) if (length(unique(outcome)) < 2) -Inf else youden(outcome, score)
training_threshold <- function(train, score) threshold_of(y[train], score)

# Whether the model of a resample is its only term's Radscore as it is: of the study's way, or of the one chosen there.
chosen <- if (file.exists("chosen.csv"))
  as_it_was(read.csv("chosen.csv", colClasses = c("character", "integer", "character", "character")))
made_by <- function(column) Filter(function(tissue) tissue$column == column, study$tissues)[[1]]
is_as_is <- function(model, scope, scheme, resample) {
  if (scope == "model") return(model$predicts_by == "as_is")
  made <- Filter(function(tissue) tissue$n_features > 0, study$tissues)
  if (length(model$terms) > 1 || !model$terms[[1]] %in% column_of(made)) return(FALSE)
  stage <- if (is.null(chosen)) study$second_stage else chosen$second_stage[chosen$scheme == scheme & chosen$resample == resample$number]
  identical(stage, "as_is")
}

# Coefficients of the model fitted on some rows; 0 where they do not determine one, NA where they have one outcome.
refit <- function(x, rows, how) {
  if (length(unique(y[rows])) < 2) return(rep(NA_real_, ncol(x)))
  if (!how %in% c("maximum likelihood", "as_is")) return(prldh$refit_firth(x, y, rows - 1, length(rows), how)$coefficients[1, ])
  b <- suppressWarnings(glm.fit(x[rows, , drop = FALSE], y[rows], family = binomial()))$coefficients
  ifelse(is.na(b), 0, b)
}
# Log odds of all patients by the model of each resample (a row), which of these are the intercept alone, and log odds of the
# training patients by the scores that the model is made of, among which its threshold is found.
predict_resamples <- function(model, scope, scheme) {
  resamples <- schemes[[scheme]]
  etas <- matrix(0, length(resamples), n)
  alone <- logical(length(resamples))
  made_of <- list()
  for (r in seq_along(resamples)) {
    train <- resamples[[r]]$train
    is_fixed <- scope == "model" || !model$is_refitted
    if (is_as_is(model, scope, scheme, resamples[[r]])) {
      data <- if (is_fixed) cohort else refitted_data(scheme, resamples[[r]])
      etas[r, ] <- data[[model$terms[[1]]]]
      # where nothing was left of the features, everyone's score is the cutoff
      alone[r] <- !is_fixed && all(etas[r, ] == line_of(refitted, scheme, resamples[[r]], made_by(model$terms[[1]]))[[4]])
      made_of[[r]] <- etas[r, train]
      next
    }
    own <- if (is_fixed) cohort else refitted_data(scheme, resamples[[r]], is_made_of = TRUE)
    x <- if (is_fixed && !model$has_splines) model$xs[[1]] else design_of(model$terms, own, train)
    b <- refit(x, train, model$predicts_by)
    alone[r] <- !any(b[-1] != 0, na.rm = TRUE)
    made_of[[r]] <- log_odds(x[train, , drop = FALSE], b)
    if (!is_fixed && !is.null(remade)) x <- design_like(x, model$terms, refitted_data(scheme, resamples[[r]]), train, own)
    etas[r, ] <- log_odds(x, b)
  }
  list(scheme = scheme, etas = etas, alone = alone, made_of = made_of)
}
# Predictions of held-out patients together, a row a repetition.
held_out <- function(predictions) {
  resamples <- schemes[[predictions$scheme]]
  pooled <- matrix(NA_real_, max(vapply(resamples, `[[`, 0, "repetition")), n)
  for (r in seq_along(resamples)) {
    test <- resamples[[r]]$test
    pooled[resamples[[r]]$repetition, test] <- predictions$etas[r, test]
  }
  pooled
}

# -- folds and leave-one-out

mean_of <- function(found, keys) sapply(keys, function(key) mean(vapply(found, function(one) as.numeric(one[[key]]), 0)), simplify = FALSE)
limits <- c("estimate", "low", "high")
# Mean over folds; a refit that is the intercept alone counts 0.5. The interval is of the logit, with DeLong's variances within
# folds, divisors m - 1, pooled over folds, and Satterthwaite's degrees of freedom; none with one patient of a class in a fold.
mean_over_folds <- function(predictions) {
  resamples <- schemes[[predictions$scheme]]
  found <- Map(function(resample, r) {
    outcome <- y[resample$test]
    if (length(unique(outcome)) < 2) return(NULL)
    score <- if (predictions$alone[r]) 0 * outcome else prldh$ranked_log_odds(predictions$etas[r, resample$test])
    above <- vapply(score[outcome == 1], function(s) mean(score[outcome == 0] < s) + 0.5 * mean(score[outcome == 0] == s), 0)
    below <- vapply(score[outcome == 0], function(s) mean(score[outcome == 1] > s) + 0.5 * mean(score[outcome == 1] == s), 0)
    list(area = mean(above), spread = c(var(above), var(below)), size = c(length(above), length(below)))
  }, resamples, seq_along(predictions$alone))
  found <- Filter(Negate(is.null), found)
  counts <- list(n_folds = length(found), n_folds_one_class = length(predictions$alone) - length(found))
  if (!length(found)) return(c(list(estimate = NA, low = NA, high = NA, se = NA), counts))
  estimate <- mean(vapply(found, `[[`, 0, "area"))
  none <- c(list(estimate = estimate, low = NA, high = NA, se = NA), counts)
  sizes <- vapply(found, `[[`, c(0, 0), "size")
  if (is_clustered || any(predictions$alone) || min(sizes) < 2 || estimate <= 0 || estimate >= 1) return(none)
  repeats <- sum(lengths(lapply(resamples, `[[`, "test"))) / n
  lost <- rowSums(sizes - 1)
  parts <- rowSums((sizes - 1) * vapply(found, `[[`, c(0, 0), "spread")) / lost * rowMeans(1 / sizes) / (length(found) / repeats)
  if (sum(parts) == 0) return(none)
  df <- sum(parts)^2 / sum(parts^2 / (lost / repeats))
  if (df < 20) return(none)
  se <- sqrt(sum(parts))
  ends <- plogis(qlogis(estimate) + c(-1, 1) * qt((1 + level) / 2, df) * se / (estimate * (1 - estimate)))
  c(list(estimate = estimate, low = ends[1], high = ends[2], se = se), counts)
}
pooled_area <- function(predictions, pooled) {
  if (any(predictions$alone)) return(list(estimate = NA, low = NA, high = NA, variance = NA))
  found <- apply(pooled, 1, function(eta) delong(y, ranked(eta)), simplify = FALSE)
  areas <- vapply(found, `[[`, 0, "estimate")
  c(mean_of(found, c(limits, "variance")),
    if (length(found) > 1) list(repeats = list(n = length(found), sd = sd(areas), min = min(areas), max = max(areas))))
}
brier_interval <- function(pooled) {
  if (is_clustered) return(prldh$clustered_brier_score(y, plogis(pooled), cohort$patient, level))
  squares <- colMeans((plogis(pooled) - rep(y, each = nrow(pooled)))^2)
  half <- z * sd(squares) / sqrt(n)
  list(estimate = mean(squares), low = max(0, mean(squares) - half), high = min(1, mean(squares) + half))
}
# Intercept and slope of the outcome on held-out log odds.
calibration_line <- function(eta) {
  none <- list(estimate = NA, low = NA, high = NA)
  if (diff(range(eta)) == 0) return(list(intercept = none, slope = none))
  b <- coef(suppressWarnings(glm(y ~ eta, family = binomial())))
  if (anyNA(b)) return(list(intercept = none, slope = none))
  ends <- if (is_clustered) do.call(cbind, fit_clustered(cbind(1, eta), y, "maximum likelihood")[c("low", "high")]) else
    prldh$profile_limits(cbind(1, eta), y, level)
  found <- lapply(1:2, function(k) list(estimate = b[[k]], low = only_finite(ends[k, 1]), high = only_finite(ends[k, 2])))
  setNames(found, c("intercept", "slope"))
}
mean_curve <- function(curves) Reduce(`+`, curves) / length(curves)
# Groups as one: a random-effects summary of their AUCs on the logit scale, less groups of one class, of equal predictions or
# with an AUC of 0 or 1, which have no variance. Where one of these has an AUC of 0 or 0.5, the others' would be too hopeful.
groups_as_one <- function(predictions, resamples) {
  areas <- lapply(seq_along(resamples), function(r) {
    test <- resamples[[r]]$test
    if (length(unique(y[test])) < 2) return(c(NA, NA))
    p <- ranked(predictions$etas[r, test])
    found <- if (is_clustered) prldh$clustered_auc(y[test], p, cohort$patient[test], level) else prldh$auc(y[test], p, level)
    c(found$estimate, found$variance)
  })
  a <- sapply(areas, `[`, 1)
  v <- sapply(areas, `[`, 2)
  is_pooled <- !predictions$alone & !is.na(v) & v > 0 & a > 0 & a < 1
  found <- prldh$pool_random_effects(qlogis(a[is_pooled]), v[is_pooled] / (a * (1 - a))[is_pooled]^2, level)
  if (any(!is_pooled & a <= 0.5, na.rm = TRUE)) found[] <- NA
  ends <- c("estimate", "low", "high", "prediction_low", "prediction_high")
  c(lapply(found[ends], plogis), found[c("tau2", "i2", "q", "q_p")], list(n_groups = sum(is_pooled)))
}
describe_held_out <- function(predictions) {
  resamples <- schemes[[predictions$scheme]]
  pooled <- held_out(predictions)
  p <- rounded(pooled)
  repetitions <- seq_len(nrow(pooled))
  lines <- lapply(repetitions, function(k) calibration_line(pooled[k, ]))
  calibrations <- lapply(repetitions, function(k) calibration(y, p[k, ], pooled[k, ], if (k == 1) band_rows, if (k == 1) nrow(bands) else 0))
  numbers <- setdiff(names(calibrations[[1]]), c("curve", "histogram"))
  counts <- list(tp = 0, fp = 0, fn = 0, tn = 0)   # of the first repetition, at the threshold of each refit's training patients
  for (r in seq_along(resamples)) if (resamples[[r]]$repetition == 1) {
    train <- resamples[[r]]$train
    test <- resamples[[r]]$test
    cut <- training_threshold(train, ranked(predictions$made_of[[r]]))
    counts <- Map(`+`, counts, count_positives(ranked(predictions$etas[r, test]) > cut, y[test]))
  }
  c(list(n_resamples = length(resamples), n_intercept_only = sum(predictions$alone), n_repeats = nrow(pooled),
         auc = pooled_area(predictions, pooled)),
    if (any(lengths(lapply(resamples, `[[`, "test")) > 1)) list(auc_mean = mean_over_folds(predictions)),
    list(brier = brier_interval(pooled), intercept = mean_of(lapply(lines, `[[`, "intercept"), limits),
         slope = mean_of(lapply(lines, `[[`, "slope"), limits),
         calibration = c(mean_of(calibrations, numbers), calibrations[[1]][c("curve", "histogram")]),
         hosmer_lemeshow = hosmer_lemeshow(y, p[1, ], 0),
         decision_curve = mean_curve(lapply(repetitions, function(k) decision_curve(y, p[k, ]))),
         clinical_impact = mean_curve(lapply(repetitions, function(k) clinical_impact(y, p[k, ]))), confusion = counts),
    classify(counts),
    if (!is.null(study$prevalence))
      list(decision_curve_at_prevalence = mean_curve(lapply(repetitions, function(k) decision_curve_elsewhere(y, p[k, ])))),
    if (!any(predictions$alone)) list(roc = roc_vertices(y, ranked(pooled[1, ]))),
    if (predictions$scheme %in% unlist(study$by_group)) list(auc_groups = groups_as_one(predictions, resamples)))
}

# -- bootstrap

# Harrell's optimism, .632 and .632+ of one measure: its values in the samples, of the samples' models on everyone, and on patients
# outside. "nothing" is its value where predictions say nothing; a calibration line has none.
correct_optimism <- function(apparent, boot, original, oob, nothing, high_is_better, bounds) {
  ends <- function(values) pmin(pmax(quantile(values, tails, names = FALSE), bounds[1]), bounds[2])
  found <- list(apparent = apparent, n_defined = sum(is.finite(boot) & is.finite(original)), no_information = nothing)
  pairs <- is.finite(boot) & is.finite(original)
  if (any(pairs) && is.finite(apparent)) {
    optimism <- mean(boot[pairs] - original[pairs])
    found <- c(found, list(estimate = apparent - optimism, optimism = optimism, resampled = mean(boot[pairs])))
  }
  out <- is.finite(oob) & is.finite(boot)
  if (!any(out)) return(found)
  outside <- mean(oob[out])
  around <- ends(oob[out])
  found <- c(found, list(oob = outside, oob_low = around[1], oob_high = around[2]))
  if (!is.finite(apparent)) return(found)
  rules <- list(b632 = c(weight = 0.632, outside = outside))
  if (!is.na(nothing)) {   # Efron and Tibshirani: the weight grows with the relative rate of overfitting
    bounded <- if (high_is_better) max(outside, nothing) else min(outside, nothing)
    up <- if (high_is_better) 1 else -1
    overfit <- up * (apparent - bounded)
    span <- up * (apparent - nothing)
    rate <- if (overfit > 1e-12 && span > 1e-12) min(overfit / span, 1) else 0
    rules$b632plus <- c(weight = 0.632 / (1 - 0.368 * rate), outside = bounded)
  }
  for (name in names(rules)) {
    weight <- rules[[name]][["weight"]]
    found[[name]] <- (1 - weight) * apparent + weight * rules[[name]][["outside"]]
  }
  found
}
out_of_bag <- function(scheme) do.call(rbind, lapply(schemes[[scheme]], function(resample) as.numeric(!seq_len(n) %in% resample$train)))
describe_bootstrap <- function(predictions, apparent) {
  trained <- lapply(schemes[[predictions$scheme]], `[[`, "train")
  in_sample <- unlist(Map(function(train, r) predictions$etas[r, train], trained, seq_along(trained)))
  found <- prldh$bootstrap_measures(y, predictions$etas, in_sample, unlist(trained) - 1, lengths(trained))
  everyone <- prldh$bootstrap_measures(y, t(apparent), apparent, seq_len(n) - 1, n)
  p <- plogis(apparent)
  by_chance <- mean(y) * mean((1 - p)^2) + mean(1 - y) * mean(p^2)   # all pairs of predictions and outcomes
  usable <- is.finite(found$auc_boot)
  of <- function(measure, nothing, high_is_better, bounds) {
    values <- lapply(found[paste0(measure, c("_boot", "_original", "_oob"))], function(x) ifelse(usable, x, NA))
    correct_optimism(everyone[[paste0(measure, "_original")]], values[[1]], values[[2]], values[[3]], nothing, high_is_better, bounds)
  }
  curve <- prldh$out_of_bag_decision_curve(y, rounded(predictions$etas), out_of_bag(predictions$scheme) * !is.na(predictions$etas), study$thresholds, level)
  list(n_resamples = length(trained), n_usable = sum(usable), n_intercept_only = sum(predictions$alone),
       auc = of("auc", 0.5, TRUE, c(0, 1)), brier = of("brier", by_chance, FALSE, c(0, 1)),
       intercept = of("intercept", NA, TRUE, c(-Inf, Inf)), slope = of("slope", NA, TRUE, c(-Inf, Inf)), decision_curve = as_curve(curve))
}
# Means over the samples of what each says of the patients outside.
mean_out_of_bag <- function(predictions) {
  trained <- lapply(schemes[[predictions$scheme]], `[[`, "train")
  in_sample <- unlist(Map(function(train, r) predictions$etas[r, train], trained, seq_along(trained)))
  found <- prldh$bootstrap_measures(y, predictions$etas, in_sample, unlist(trained) - 1, lengths(trained))
  sapply(c("auc", "brier", "slope"), function(measure) {
    values <- found[[paste0(measure, "_oob")]]
    list(estimate = if (any(is.finite(values))) mean(values[is.finite(values)]) else NA)
  }, simplify = FALSE)
}

# Models with imputed covariates are not validated here: in every resample the imputations were made anew, by Python.
can_predict <- function(model, scope) !model$is_imputed && (scope == "model" || !model$needs_refits || study$has_refits)
predictions_of <- list()
for (k in seq_along(fitted)) {
  model <- fitted[[k]]
  found <- list()
  take_patients(model$terms)
  for (scope in study$scopes) if (can_predict(model, scope)) {
    message("validation, scope ", scope, ": ", model$label)
    for (scheme in names(schemes)) {
      key <- paste(model$label, scope, scheme)
      before <- paste(model$label, "model", scheme)
      if (!model$is_refitted && before %in% names(predictions_of)) {   # nothing more to refit: the same predictions
        predictions_of[[key]] <- predictions_of[[before]]
        found[[scope]][[scheme]] <- found$model[[scheme]]
        next
      }
      predictions <- predict_resamples(model, scope, scheme)
      predictions_of[[key]] <- predictions
      is_bootstrap <- study$schemes[[scheme]] == "bootstrap"
      found[[scope]][[scheme]] <- if (is_bootstrap) describe_bootstrap(predictions, model$etas[1, ]) else describe_held_out(predictions)
    }
  }
  area <- function(entry) if (is.null(entry$auc$estimate)) NA else entry$auc$estimate
  if (all(c("model", "pipeline") %in% names(found)))
    found$difference <- Map(function(a, b) if (model$leakage_is_known) area(a) - area(b) else NA, found$model, found$pipeline)
  tell(paste0(place_of(model), ".validation"), found)
  # The way from features to a score was chosen anew within every training set, by this model: what it says is of the choice.
  if (!is.null(study$choice) && model$name == study$choice$model && model$adjusted == study$choice$adjusted) {
    for (scheme in intersect(unlist(study$choice$schemes), names(found$pipeline))) {
      often <- sapply(unlist(study$choice$ways), function(way) sum(chosen$protocol[chosen$scheme == scheme] == way), simplify = FALSE)
      judged <- if (study$schemes[[scheme]] == "bootstrap") mean_out_of_bag(predictions_of[[paste(model$label, "pipeline", scheme)]]) else
        Filter(Negate(is.null), found$pipeline[[scheme]][c("auc", "auc_mean", "brier", "slope")])
      tell(paste0("choice.validation.", scheme), c(judged, list(how_often = often)))
    }
  }
}
take_patients()

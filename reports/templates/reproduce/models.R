# ---- models ------------------------------------------------------------------------------------------------------------

# Partial areas of the samples drawn within each outcome, kept: comparisons need them again.
resampled_areas <- new.env()
partial_areas_of <- function(key, p, focus) {
  name <- paste(key, focus, taken$whose)
  if (is.null(resampled_areas[[name]]))
    assign(name, prldh$partial_areas(y, p, focus, range_of(focus), in_partial_areas), envir = resampled_areas)
  resampled_areas[[name]]
}
range_of <- function(focus) c(high = study$partial[[focus]][1], low = study$partial[[focus]][2])
partial_area <- function(p, focus) {
  as.numeric(suppressWarnings(auc(roc_of(y, p), partial.auc = study$partial[[focus]], partial.auc.focus = focus)))
}
describe_partial_areas <- function(key, p, focus) {
  range <- range_of(focus)
  curve <- roc_of(y, p)
  corrected <- suppressWarnings(auc(curve, partial.auc = study$partial[[focus]], partial.auc.focus = focus, partial.auc.correct = TRUE))
  areas <- partial_areas_of(key, p, focus)
  limits <- if (any(!is.na(areas))) quantile(areas, tails, names = FALSE, na.rm = TRUE) else c(NA, NA)
  width <- range[["high"]] - range[["low"]]
  smallest <- width * (2 - range[["high"]] - range[["low"]]) / 2   # what lies below the diagonal
  mcclish <- (1 + (limits - smallest) / (width - smallest)) / 2
  list(estimate = partial_area(p, focus), low = limits[1], high = limits[2],
       variance = prldh$partial_auc(y, p, focus, range[["high"]], range[["low"]])$variance,
       corrected = as.numeric(corrected), corrected_low = mcclish[1], corrected_high = mcclish[2],
       from = range[["high"]], to = range[["low"]], n_resamples = ncol(in_partial_areas))
}

# Log odds by the coefficients of a model made of the designs xs, one a data set: those of the scores that all patients' fit gives.
predict_applied <- function(terms, data, xs, b) {
  if (length(cross_fitted)) xs <- Map(function(one, x) design_like(x, terms, with_applied_scores(one), made_of = one), data, xs)
  do.call(rbind, lapply(xs, log_odds, b))
}
# Everything that is said of a model on the patients that made it; etas: a row an imputed data set; made_of: the log odds of the
# scores that it was made of, among which its threshold is found.
describe_predictions <- function(key, etas, made_of = etas) {
  p <- plogis(mean_log_odds(etas))
  in_order <- ranked(mean_log_odds(etas))
  near <- rounded(mean_log_odds(etas))
  threshold <- youden(y, ranked(mean_log_odds(made_of)))
  counts <- count_positives(in_order > threshold, y)
  c(list(auc = pooled_delong(y, ranked(etas)),
         pauc = sapply(names(study$partial), function(focus) describe_partial_areas(key, in_order, focus), simplify = FALSE),
         threshold = threshold, confusion = counts),
    classify(counts),
    list(hosmer_lemeshow = hosmer_lemeshow(y, p, 2), calibration = calibration(y, p, mean_log_odds(etas), band_rows, nrow(bands)),
         decision_curve = decision_curve(y, near), clinical_impact = clinical_impact(y, near), roc = roc_vertices(y, in_order)),
    if (!is.null(study$prevalence)) list(decision_curve_at_prevalence = decision_curve_elsewhere(y, near)))
}

# A Radscore that is taken as it is: nothing is fitted, its log odds are the model's.
describe_as_is <- function(model, label, x) {
  eta <- x[, 2]
  own <- setNames(list(list(b = 0), list(b = 1)), sprintf("[%s]", colnames(x)))
  tell(sprintf("models[%s]", label), c(
    list(n_parameters = 0, n = n, events = sum(y), n_imputations = 0, log_likelihood = sum(y * eta - ifelse(eta > 0, eta, 0) - log1p(exp(-abs(eta))))),
    describe_predictions(label, t(eta)), list(prediction = list(coefficients = own))))
  c(model, list(label = label, xs = list(x), etas = t(eta), rows = taken$rows))
}

# Where a model's numbers stand in results.json: that of the covariates alone, which others are held against, for itself.
place_of <- function(model) if (isTRUE(model$is_alone)) "clinical_model" else sprintf("models[%s]", name_of_model(model$name, model$adjusted))
fitted <- lapply(c(study$models, if (!is.null(study$covariates_alone)) list(study$covariates_alone)), function(model) {
  label <- if (isTRUE(model$is_alone)) "(covariates alone)" else name_of_model(model$name, model$adjusted)
  message("model: ", label)
  take_patients(model$terms)
  data <- if (model$is_imputed) data_sets else list(data_sets[[1]])
  xs <- lapply(data, function(one) design_of(model$terms, one))
  if (model$fit == "as_is") return(describe_as_is(model, label, xs[[1]]))
  fit <- fit_all(xs, y, model$fit)
  b <- fit$b
  prediction <- NULL
  if (model$predicts_by != model$fit) {   # Firth's fit, whose predictions are corrected
    own <- vapply(xs, function(x) prldh$refit_firth(x, y, seq_len(n) - 1, n, model$predicts_by)$coefficients[1, ], numeric(ncol(xs[[1]])))
    b <- rowMeans(matrix(own, ncol(xs[[1]])))
    prediction <- list(prediction = list(coefficients = named_by(lapply(b, function(value) list(b = value)), colnames(xs[[1]]))))
  }
  made_of <- do.call(rbind, lapply(xs, log_odds, b))
  etas <- predict_applied(model$terms, data, xs, b)
  # A score that enters with a negative coefficient, judged in its given direction; covariates have none
  own <- match(labels[unlist(model$scores)], colnames(xs[[1]]))
  turned <- own[!own %in% model$infinite & !is.na(fit$b[own]) & fit$b[own] < 0]
  raw <- lapply(turned, function(j) pooled_delong(y, do.call(rbind, lapply(xs, function(x) x[, j])))[c("estimate", "low", "high")])
  tell(place_of(model), c(
    list(n_parameters = sum(is.finite(fit$b)) - 1, n = n, events = sum(y), n_imputations = if (length(xs) > 1) length(xs) else 0,
         log_likelihood = fit$log_likelihood, terms = terms_of(xs[[1]], fit, model$infinite),
         overall_tests = overall_tests(xs, model$fit == "firth"),
         collinearity = collinearity_of(xs, model$fit != "firth" && !length(model$infinite))),
    describe_predictions(label, etas, made_of), prediction,
    if (length(attr(xs[[1]], "knots"))) list(knots = attr(xs[[1]], "knots")),
    list(raw_auc = named_by(raw, colnames(xs[[1]])[turned]))))
  c(model, list(label = label, xs = xs, etas = etas, rows = taken$rows))
})
take_patients()

# ---- comparisons -------------------------------------------------------------------------------------------------------

five <- c("difference", "low", "high", "statistic", "p")
same_curve <- function(a, b) {
  against <- function(score) sign(outer(score[y == 1], score[y == 0], "-"))
  all(against(a) == against(b))
}
# DeLong's paired test.
compare_areas <- function(a, b) {
  if (is_clustered) return(prldh$compare_clustered_auc(y, a, b, cohort$patient, level))
  if (same_curve(a, b)) return(list(difference = 0, low = 0, high = 0, statistic = 0, p = 1))
  difference <- as.numeric(auc(roc_of(y, a))) - as.numeric(auc(roc_of(y, b)))
  if (min(table(y)) < 2) return(list(difference = difference, low = NA, high = NA, statistic = NA, p = NA))   # no variance
  test <- roc.test(roc_of(y, a), roc_of(y, b), method = "delong", paired = TRUE, conf.level = level)
  list(difference = difference, low = test$conf.int[1], high = test$conf.int[2], statistic = test$statistic, p = test$p.value)
}
# Of several imputed data sets (rows) pooled.
compare_pooled_areas <- function(first, second) {
  m <- max(nrow(first), nrow(second))
  row_of_matrix <- function(etas, k) ranked(etas[(k - 1) %% nrow(etas) + 1, ])
  found <- lapply(seq_len(m), function(k) compare_areas(row_of_matrix(first, k), row_of_matrix(second, k)))
  if (m == 1) return(found[[1]])
  width <- vapply(found, function(one) one$high - one$low, 0)
  pooled <- prldh$pool_estimates(matrix(vapply(found, `[[`, 0, "difference")), matrix((width / (2 * z))^2), Inf, level)
  list(difference = pooled$estimate, low = pooled$low, high = pooled$high,
       statistic = if (pooled$se > 0) pooled$estimate / pooled$se else NA, p = pooled$p)
}
# A bootstrap test by the spread of the differences, and the asymptotic one.
compare_partial_areas <- function(keys, a, b, focus) {
  range <- range_of(focus)
  asymptotic <- prldh$compare_partial_auc_asymptotic(y, a, b, focus, range[["high"]], range[["low"]], level)[five]
  asymptotic <- if_independent(asymptotic, five[-1])
  if (!ncol(in_partial_areas)) return(c(asymptotic, list(asymptotic = asymptotic)))
  difference <- partial_area(a, focus) - partial_area(b, focus)
  spread <- sd(partial_areas_of(keys[1], a, focus) - partial_areas_of(keys[2], b, focus), na.rm = TRUE)
  c(prldh$test_difference(difference, spread, level), list(asymptotic = asymptotic))
}
describe_move <- function(found, key) {
  numbers <- function(part) {
    setNames(found[paste0(part, c("", "_low", "_high", "_z", "_p"))], c("estimate", "low", "high", "statistic", "p"))
  }
  parts <- lapply(c(events = "events", nonevents = "nonevents"), function(part) {
    moved <- if (key != "idi") setNames(found[paste0(key, c("_up_", "_down_"), part)], c("up", "down"))
    c(numbers(paste0(key, "_", part)), n = found[[paste0("n_", part)]], moved)
  })
  c(numbers(key), parts)
}
describe_reclassification <- function(a, b) {
  share <- round(mean(y), 12)
  cuts <- if (!is.null(study$risk_categories)) study$risk_categories else if (share > 0 && share < 1) share
  found <- prldh$reclassification(y, a, b, cuts, level)
  found <- if_independent(found, grep("_(low|high|z|p)$", names(found), value = TRUE))
  k <- length(cuts)
  table <- data.frame(old = rep(0:k, each = k + 1), new = rep(0:k, k + 1), events = c(t(found$table_events)),
                      nonevents = c(t(found$table_nonevents)))
  list(categories = cuts, nri = describe_move(found, "nri"), continuous_nri = describe_move(found, "cnri"),
       idi = describe_move(found, "idi"), table = table)
}
rank_of <- function(x) length(prldh$estimable_columns(x))
# The smaller model's columns lie in the span of the larger one's.
compare_nested <- function(first, second) {
  if (rank_of(first$xs[[1]]) == rank_of(second$xs[[1]])) return(NULL)
  models <- if (rank_of(first$xs[[1]]) < rank_of(second$xs[[1]])) list(first, second) else list(second, first)
  if (rank_of(cbind(models[[1]]$xs[[1]], models[[2]]$xs[[1]])) > rank_of(models[[2]]$xs[[1]])) return(NULL)
  likelihood_ratio(models[[1]]$xs, models[[2]]$xs, "firth" %in% c(first$fit, second$fit))
}
compare_predictions <- function(key, keys, first, second, nested = NULL) {
  a <- ranked(mean_log_odds(first))
  b <- ranked(mean_log_odds(second))
  near <- lapply(list(first, second), function(etas) rounded(mean_log_odds(etas)))
  areas <- compare_pooled_areas(first, second)
  size <- list(n = n, events = sum(y))
  tell(sprintf("comparisons[%s, auc]", key), c(size, areas, if (!is.null(nested)) list(likelihood_ratio = nested)))
  for (focus in names(study$partial)) {
    tell(sprintf("comparisons[%s, pauc_%s]", key, focus), c(size, compare_partial_areas(keys, a, b, focus)))
  }
  curve <- prldh$compare_decision_curves(y, near[[1]], near[[2]], study$thresholds, band_rows, nrow(bands), level)
  tell(sprintf("net_benefit_differences[%s]", key), c(size, list(curve = as_curve(curve))))
  tell(sprintf("reclassification[%s]", key), c(size, describe_reclassification(near[[1]], near[[2]])))
}

# A model as it stands where its patients are those at hand, else fitted to these; and its predictions of them.
how_refitted <- function(model) {
  is_it <- function(one) one$name == model$name && one$adjusted == model$adjusted && one$patients == taken$whose
  Filter(is_it, study$refitted_to_compare)
}
is_fitted <- function(model) identical(model$rows, taken$rows) || length(how_refitted(model)) > 0
on_these <- function(model) {
  if (identical(model$rows, taken$rows)) return(model)
  how <- how_refitted(model)[[1]]
  x <- design_of(model$terms, cohort)
  b <- fit_all(list(x), y, how$fit)$b
  if (how$predicts_by != how$fit) b <- prldh$refit_firth(x, y, seq_len(n) - 1, n, how$predicts_by)$coefficients[1, ]
  model[c("fit", "predicts_by", "xs", "etas")] <-
    list(how$fit, how$predicts_by, list(x), predict_applied(model$terms, list(cohort), list(x), b))
  model
}
predictions_on_these <- function(model, scope, scheme) {
  if (identical(model$rows, taken$rows)) return(predictions_of[[paste(model$label, scope, scheme)]])
  key <- paste(model$label, scope, scheme, taken$whose)
  if (is.null(predictions_of[[key]])) predictions_of[[key]] <<- predict_resamples(model, scope, scheme)
  predictions_of[[key]]
}

# Two models on the patients whom both have, each as fitted to these; nothing where they cannot be compared.
meet <- function(one, other) {
  take_patients(unique(c(one$terms, other$terms)))
  if (length(unique(y)) < 2) return(NULL)   # nobody to compare
  if (!is_fitted(one) || !is_fitted(other)) return(NULL)   # too few distinct values for a spline's knots
  list(on_these(one), on_these(other))
}
for (pair in study$pairs) for (adjusted in c(FALSE, TRUE)) {
  models <- lapply(pair, function(name) Filter(function(model) model$name == name && model$adjusted == adjusted, fitted))
  if (any(lengths(models) == 0)) next
  both <- meet(models[[1]][[1]], models[[2]][[1]])
  if (is.null(both)) next
  first <- both[[1]]
  second <- both[[2]]
  label <- name_of_model(paste(pair[1], "vs", pair[2]), adjusted)
  message("comparison: ", label)
  compare_predictions(paste0(label, ", apparent"), c(first$label, second$label), first$etas, second$etas, compare_nested(first, second))
  for (scope in study$scopes) if (can_predict(first, scope) && can_predict(second, scope)) for (scheme in names(schemes)) {
    keys <- paste(c(first$label, second$label), scope, scheme)
    found <- list(predictions_on_these(first, scope, scheme), predictions_on_these(second, scope, scheme))
    key <- paste0(label, ", scope ", scope, ", ", scheme)
    if (study$schemes[[scheme]] == "bootstrap") {   # on patients outside the samples
      p <- lapply(found, function(predictions) rounded(predictions$etas))
      curve <- prldh$compare_out_of_bag_decision_curves(y, p[[1]], p[[2]], out_of_bag(scheme) * !is.na(p[[1]]), study$thresholds, level)
      tell(sprintf("net_benefit_differences[%s]", key), list(n = n, events = sum(y), curve = as_curve(curve)))
    } else if (!any(found[[1]]$alone, found[[2]]$alone)) {
      compare_predictions(key, keys, held_out(found[[1]])[1, , drop = FALSE], held_out(found[[2]])[1, , drop = FALSE])
    }
  }
}

# By how much the AUC of every model is larger than that of the covariates alone.
alone <- Filter(function(model) isTRUE(model$is_alone), fitted)
for (model in if (length(alone)) Filter(function(model) !isTRUE(model$is_alone), fitted)) {
  if (setequal(unlist(model$terms), unlist(alone[[1]]$terms))) next   # it is that model
  both <- meet(model, alone[[1]])
  if (is.null(both)) next
  label <- name_of_model(paste(model$name, "vs", alone[[1]]$name), model$adjusted)
  key <- function(place) sprintf("clinical_model.added_value[%s, %s, auc]", label, place)
  size <- list(n = n, events = sum(y))
  nested <- compare_nested(both[[1]], both[[2]])
  tell(key("apparent"), c(size, compare_pooled_areas(both[[1]]$etas, both[[2]]$etas), if (!is.null(nested)) list(likelihood_ratio = nested)))
  for (scope in study$scopes) if (can_predict(both[[1]], scope) && can_predict(both[[2]], scope)) for (scheme in names(schemes)) {
    if (study$schemes[[scheme]] == "bootstrap") next
    found <- lapply(both, predictions_on_these, scope, scheme)
    if (any(found[[1]]$alone, found[[2]]$alone)) next
    areas <- lapply(found, function(predictions) held_out(predictions)[1, , drop = FALSE])
    tell(key(paste0("scope ", scope, ", ", scheme)), c(size, compare_pooled_areas(areas[[1]], areas[[2]])))
  }
}
take_patients()

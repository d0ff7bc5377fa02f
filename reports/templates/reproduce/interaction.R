# ---- interaction -------------------------------------------------------------------------------------------------------
# Of the two Radscores: odds ratios of the four groups, product terms, additive measures against low/low, ROC curves within strata.

estimate_of <- function(fit, j, has_estimate) {
  none <- list(b = NA, se = NA, p = NA, or = NA, low = NA, high = NA)
  if (is.na(j)) return(none)
  found <- list(b = fit$b[j], se = fit$se[j], p = fit$p[j], or = exp(fit$b[j]), low = exp(only_finite(fit$low[j])),
                high = exp(only_finite(fit$high[j])))
  if (has_estimate) found else replace(found, c("b", "se", "p", "or"), NA)
}
# Columns of the pair with those of the adjusting covariates beside them, one matrix an imputed data set.
beside <- function(own, adjust) lapply(data_sets, function(data) cbind(own, design_of(adjust, data)[, -1, drop = FALSE]))
describe_product <- function(own, kind, product) {
  xs <- beside(cbind("(Intercept)" = 1, own, product = own[, 1] * own[, 2]), kind$adjust)
  fit <- fit_all(xs, y, product$fit)
  without <- lapply(xs, function(x) x[, -4, drop = FALSE])
  c(estimate_of(fit, 4, product$has_estimate), list(likelihood_ratio = likelihood_ratio(without, xs, product$fit == "firth")))
}
# Delta-method limits of RERI, AP and S, and percentiles over the bootstrap samples.
measures_of <- function(logs, covariance, resampled) {
  is_defined <- !is.null(logs)
  delta <- if (is_defined) prldh$additive_interaction(logs, covariance, level)
  boot <- if (is_defined && nrow(in_interaction)) prldh$additive_interaction_resampled(resampled, level)
  sapply(c("reri", "ap", "s"), function(key) {
    found <- if (is_defined) delta[[key]] else list(estimate = NA, low = NA, high = NA)
    if (!nrow(in_interaction)) return(found)
    ends <- if (is_defined) boot[[key]] else list(low = NA, high = NA, n_defined = 0)
    c(found, list(boot_low = ends$low, boot_high = ends$high, n_resamples = nrow(in_interaction), n_defined = ends$n_defined))
  }, simplify = FALSE)
}
against_last <- function(risks) log(risks[, 1:3, drop = FALSE]) - log(risks[, 4])
# From the odds ratios of a model of the groups, and from the ratios of its standardised risks.
describe_additive <- function(xs, fit, how, without_estimate) {
  columns <- match(paste0("groups", levels(groups)[-1]), colnames(xs[[1]]))
  if (anyNA(columns) || length(without_estimate) || !all(is.finite(fit$b[columns])))
    return(list(odds = measures_of(NULL), risks = measures_of(NULL)))
  to_lowest <- rbind(c(0, 0, -1), c(1, 0, -1), c(0, 1, -1))   # high/high is the model's reference
  standardized <- lapply(xs, function(x) prldh$standardized_risk_ratios(x, fit$b, fit$covariance, columns - 1))
  mean_part <- function(key) Reduce(`+`, lapply(standardized, `[[`, key)) / length(standardized)
  odds <- risks <- matrix(0, 0, 3)
  for (k in seq_along(xs)) {   # each imputed data set takes its turn
    turn <- seq_len(nrow(in_interaction))[(seq_len(nrow(in_interaction)) - 1) %% length(xs) + 1 == k]
    if (!length(turn)) next
    rows <- patients_in(in_interaction[turn, , drop = FALSE])
    b <- do.call(rbind, lapply(rows, function(own) {
      if (length(unique(groups[own])) < 4) rep(NA_real_, ncol(xs[[k]])) else unname(refit(xs[[k]], own, how))
    }))
    odds <- rbind(odds, b[, columns, drop = FALSE] %*% t(to_lowest))
    found <- prldh$standardized_risks(xs[[k]], b, columns - 1, unlist(rows) - 1, lengths(rows))$risks
    risks <- rbind(risks, suppressWarnings(against_last(found)))
  }
  list(odds = measures_of(drop(to_lowest %*% fit$b[columns]), to_lowest %*% fit$covariance[columns, columns] %*% t(to_lowest), odds),
       risks = measures_of(mean_part("logs"), mean_part("covariance"), risks))
}
describe_crude <- function() {
  belongs <- outer(as.integer(groups), 1:4, "==") + 0
  size <- colSums(belongs)
  events <- colSums(belongs * y)
  logs <- covariance <- NULL
  if (all(size > 0 & events > 0)) {
    variance <- 1 / events - 1 / size
    logs <- drop(against_last(t(events / size)))
    covariance <- diag(variance[1:3]) + variance[4]
  }
  risks <- pmax((in_interaction %*% (belongs * y)) / (in_interaction %*% belongs), 1e-9)   # a risk of 0 as a model would have it
  measures_of(logs, covariance, against_last(risks))
}
describe_strata <- function(tissue, other) {
  score <- cohort[[tissue_columns[[tissue]]]]
  is_high <- cohort[[tissue_columns[[other]]]] > cutoffs[[other]]
  strata <- lapply(list(is_high, !is_high), function(own) {
    entry <- list(n = sum(own), events = sum(y[own]), auc = delong(y[own], score[own])[limits])
    if (length(unique(y[own])) == 2) c(entry, list(roc = roc_vertices(y[own], score[own]))) else entry
  })
  list(strata = named_by(strata, paste(c("high", "low"), other)),
       comparison = if_independent(prldh$compare_independent_auc(y[is_high], score[is_high], y[!is_high], score[!is_high], level), five[-1]))
}

if (!is.null(study$interaction)) {
  pair <- study$interaction$tissues
  own <- unlist(tissue_columns[pair])
  standardize <- function(score) if (isTRUE(sd(score) > 0)) (score - mean(score)) / sd(score) else 0 * score
  entry <- list(product = list(), additive = list())
  for (name in names(study$interaction$kinds)) {
    message("interaction, ", name)
    kind <- study$interaction$kinds[[name]]
    take_patients(c(own, kind$adjust))
    groups <- make_groups(cohort, pair, cutoffs)
    scores <- lapply(own, function(column) cohort[[column]])
    high <- sapply(pair, function(tissue) as.numeric(cohort[[tissue_columns[[tissue]]]] > cutoffs[[tissue]]))
    standardized <- sapply(scores, standardize)
    others <- levels(droplevels(groups))[-1]
    indicators <- cbind(1, vapply(others, function(group) as.numeric(groups == group), numeric(n)))
    colnames(indicators) <- c("(Intercept)", paste0("groups", others))
    xs <- beside(indicators, kind$adjust)
    fit <- fit_all(xs, y, kind$fit)
    entry[[name]] <- named_by(lapply(levels(groups), function(group) {
      j <- match(paste0("groups", group), colnames(indicators))
      c(list(n = sum(groups == group), events = sum(y[groups == group])), estimate_of(fit, j, !group %in% kind$without_estimate))
    }), levels(groups))
    entry$product[[name]] <- list(groups = describe_product(high, kind, kind$products$groups),
                                  scores = describe_product(standardized, kind, kind$products$scores))
    additive <- describe_additive(xs, fit, kind$fit, kind$without_estimate)
    entry$additive[[name]] <- additive$odds
    if (name == "adjusted" || is_clustered) entry$additive[[paste0(name, "_risk_ratio")]] <- additive$risks
  }
  take_patients(own)
  groups <- make_groups(cohort, pair, cutoffs)
  if (!is_clustered) entry$additive$unadjusted_risk_ratio <- describe_crude()   # by counts of independent patients
  entry$stratified_roc <- named_by(list(describe_strata(pair[1], pair[2]), describe_strata(pair[2], pair[1])), pair)
  tell("interaction", entry)
}

prldh_validate <- function(formula, data = NULL, event = NULL, method = c("logistic", "firth"), folds = 10, repeats = 1,
                           leave_one_out = TRUE, bootstrap = 200, level = 0.95, seed = 1, weights = NULL) {
  if (missing(formula)) formula <- NULL
  if (missing(method)) method <- "logistic"
  if (!is.character(method) || length(method) != 1 || !method %in% c("logistic", "firth")) {
    refuse("method", "\"logistic\" or \"firth\"", shown(method), "The latter is for separated or rare outcomes.")
  }
  if (!has_seed()) on.exit(drop_seed())
  level <- check_level(level)
  seed <- check_seed(seed)
  check_flag(leave_one_out, "leave_one_out")
  repeats <- check_count(repeats, "repeats", 1)
  weights <- find_weights(substitute(weights), data, formula, parent.frame())
  read <- read_rows(formula, data, event, weights)
  y <- read$y
  n <- length(y)
  if (min(sum(y), n - sum(y)) < 2) {
    refuse(shown_name(read$about$outcome), "an outcome with at least two patients of either class",
           paste(min(sum(y), n - sum(y)), "of one"),
           "With fewer no refit has both.")
  }
  design <- build_design(read)
  fit <- fit_everyone(design, y, method, level)
  schemes <- list()
  if (leave_one_out) schemes$leave_one_out <- matrix(seq_len(n), n, 1)
  fold_of <- read_folds(folds, repeats, y, seed, read)
  if (!is.null(fold_of)) schemes$folds <- fold_of
  drawn <- read_samples(bootstrap, n, seed, read)

  apparent <- linear_predictor(design, fit$coefficients)
  judged <- list(apparent = judge(y, list(apparent), level))
  predictions <- list(apparent = tell_predictions(read, y, "apparent", 1L, NA_integer_, apparent))
  for (scheme in names(schemes)) {
    held <- refit_folds(design, y, schemes[[scheme]], method)
    if (scheme == "folds" && held$n_one_class) message(held$n_one_class,
                                                       " folds hold one class alone and do not count in the mean over folds.")
    if (held$n_alone) message(scheme, ": ", held$n_alone, " refits ended as the intercept alone; the pooled AUC is not defined.")
    judged[[scheme]] <- judge(y, held$log_odds, level, is_defined = !held$n_alone)
    predictions[[scheme]] <- bind_rows(lapply(seq_along(held$log_odds), function(r) {
      tell_predictions(read, y, scheme, r, schemes[[scheme]][, r], held$log_odds[[r]])
    }))
    if (scheme == "folds") judged$folds_mean <- mean_over_folds(y, held, schemes[[scheme]], level)
  }
  samples <- judge_samples(design, y, drawn, method, apparent, level)
  performance <- bind_rows(c(Map(as_row, names(judged), judged), samples$rows))
  about <- c(read$about, list(level = level, seed = seed, method = method, repeats = if (is.null(fold_of)) 0L else ncol(fold_of),
                              n_folds = if (is.null(fold_of)) 0L else max(apply(fold_of, 2, function(f) length(unique(f)))),
                              n_samples = length(drawn), n_usable = samples$n_usable, printed = "performance"))
  tables <- list(performance = performance, bootstrap = samples$table, coefficients = fit$table,
                 predictions = bind_rows(predictions),
                 decision_curve = samples$curve)
  new_result(tables, about, "prldh_validate")
}

# ---- the model

# Treatment contrasts whatever the user's options are; levels that nobody has are not columns.
build_design <- function(read) {
  if (attr(read$terms, "intercept") == 0) refuse("formula", "a model with an intercept", shown(read$about$formula),
                                                 "Leave 0 + or - 1 out.")
  frame <- read$predictors
  is_category <- vapply(frame, function(column) is.factor(column) || is.character(column), TRUE)
  attr(frame, "terms") <- stats::delete.response(read$terms)   # a model frame: terms such as poly(x, 2) are columns of it
  frame[is_category] <- lapply(frame[is_category], function(column) {
    factor(column, if (is.factor(column)) levels(droplevels(column)) else sort(unique(column), method = "radix"))
  })
  design <- stats::model.matrix(attr(frame, "terms"), frame,
                                contrasts.arg = lapply(frame[is_category], function(column) "contr.treatment"))
  n <- nrow(design)
  if (ncol(design) >= n) {
    widest <- if (any(is_category)) frame[is_category][[which.max(vapply(frame[is_category], nlevels, 1L))]]
    name <- if (any(is_category)) names(frame)[is_category][which.max(vapply(frame[is_category], nlevels, 1L))]
    refuse("The model", paste("one of fewer coefficients than the", n, "patients"), ncol(design),
           paste0(if (!is.null(widest) && nlevels(widest) > 10) paste0(name, " alone has ", nlevels(widest), " levels. ") else "",
                  "Use fewer variables, or choose among them by a penalised model, whose choice has to be repeated in every",
                  " resample."))
  }
  size <- apply(abs(design), 2, max)
  far <- colnames(design)[size > 1e100 | (size > 0 & size < 1e-100)]
  if (length(far)) refuse(far[1], "numbers of a size that has squares", shown(size[[far[1]]]), "Give it in another unit.")
  matrix(as.numeric(design), n, ncol(design), dimnames = list(NULL, colnames(design)))
}

fit_everyone <- function(design, y, method, level) {
  if (method == "logistic") {
    apart <- separated_columns(design, y)
    if (length(apart)) {
      refuse("The outcome", "one that the variables do not tell apart without error",
             paste("separation by", paste(shown(apart, 4), collapse = ", ")),
             "Maximum likelihood has no finite estimates here: method = \"firth\" has, or leave that variable out.")
    }
  }
  fit <- if (method == "firth") fit_firth(design, y) else suppressWarnings(fit_logistic(design, y))   # separation was looked for
  limits <- if (method == "firth") firth_limits(design, y, level) else profile_limits(design, y, level)
  b <- unname(fit$coefficients)
  lost <- colnames(design)[is.na(b)]
  if (length(lost)) message("Not estimable beside the other columns, and without effect: ", paste(lost, collapse = ", "), ".")
  list(coefficients = fit$coefficients,
       table = data.frame(term = colnames(design), b = b, se = unname(fit$standard_errors), p = unname(fit$p_values), or = exp(b),
                          low = exp(unname(limits[, 1])), high = exp(unname(limits[, 2]))))
}

# Columns whose coefficients run away. Where estimates are finite, Newton's steps have ended long before the twentieth;
# where patients are told apart, each step moves their log odds by about one.
separated_columns <- function(design, y) {
  columns <- estimable_columns(design)
  x <- design[, columns, drop = FALSE]
  steps <- function(most) {
    suppressWarnings(glm.fit(x, y, family = binomial(), control = list(epsilon = 1e-300, maxit = most)))$coefficients
  }
  moved <- steps(24) - steps(18)
  moved[is.na(moved)] <- 0
  towards <- drop(x %*% moved) * (2 * y - 1)
  # A direction in which nobody gets worse (Albert and Anderson 1984). Where one patient does, estimates are finite, if far
  if (max(abs(towards)) < 1 || min(towards) < -1e-6 * max(towards)) return(character(0))
  width <- apply(x, 2, function(column) max(column) - min(column))
  far <- abs(moved) * width > 1
  if (any(far)) colnames(x)[far] else colnames(x)[-1]
}

refit <- function(design, y, rows, method) {
  lengths <- lengths(rows)
  found <- suppressWarnings(if (method == "firth") refit_firth(design, y, unlist(rows) - 1L, lengths)
                            else refit_logistic(design, y, unlist(rows) - 1L, lengths))
  found$coefficients
}

# ---- folds

# A column of fold numbers a repeat; NULL where there are none.
read_folds <- function(folds, repeats, y, seed, read) {
  n <- length(y)
  if (is.null(folds)) return(NULL)
  if (is.numeric(folds) && length(folds) == 1 && is.null(dim(folds))) {
    k <- check_count(folds, "folds")
    if (k == 0) return(NULL)
    if (k == 1 || k > n) refuse("folds", paste("0 (none), or a number from 2 to the", n, "patients"), k, "Ten is usual.")
    return(with_seed(seed, vapply(seq_len(repeats), function(r) deal_folds(y, k), integer(n))))
  }
  given <- tryCatch(as.matrix(folds), error = function(e) NULL)
  if (is.null(given) || is.list(folds) && !is.data.frame(folds) || is.function(folds)) {
    refuse("folds", "a number of folds, or each row's fold", shown(folds), "Several repeats are columns.")
  }
  if (read$is_weighted) refuse("folds", "a number where there are weights", "each row's fold",
                               "Repeat the rows in data instead of weighting them.")
  if (nrow(given) == read$about$n_read) given <- given[read$place, , drop = FALSE]
  if (nrow(given) != n || anyNA(given)) {
    refuse("folds", paste("a number of folds, or the fold of each of the", read$about$n_read, "rows, without blanks"),
           if (anyNA(given)) "blanks" else nrow(given), "Several repeats are columns.")
  }
  given <- vapply(seq_len(ncol(given)), function(r) match(given[, r], sort(unique(given[, r]))), integer(n))
  for (r in seq_len(ncol(given))) {
    has_both <- vapply(unique(given[, r]), function(k) has_both_classes(y[given[, r] != k]), TRUE)
    if (!all(has_both)) refuse("folds", "folds whose other patients have both outcomes",
                               "one that leaves one class to fit", "Deal events and others evenly.")
  }
  given
}

# Class by class, so that folds differ by at most one patient of each, and by at most one in all.
deal_folds <- function(y, k) {
  fold <- integer(length(y))
  order <- sample.int(k)
  filled <- 0L
  for (class in c(1, 0)) {
    members <- which(y == class)
    fold[members[sample.int(length(members))]] <- order[(filled + seq_along(members) - 1L) %% k + 1L]
    filled <- filled + length(members)
  }
  fold
}

refit_folds <- function(design, y, fold_of, method) {
  log_odds <- vector("list", ncol(fold_of))
  n_alone <- n_one_class <- 0L
  for (r in seq_len(ncol(fold_of))) {
    parts <- split(seq_along(y), fold_of[, r])
    coefficients <- refit(design, y, lapply(parts, function(test) seq_along(y)[-test]), method)
    eta <- numeric(length(y))
    for (k in seq_along(parts)) eta[parts[[k]]] <- linear_predictor(design[parts[[k]], , drop = FALSE], coefficients[k, ])
    n_alone <- n_alone + sum(rowSums(coefficients[, -1, drop = FALSE] != 0) == 0)
    n_one_class <- n_one_class + sum(!vapply(parts, function(test) has_both_classes(y[test]), TRUE))
    log_odds[[r]] <- eta
  }
  list(log_odds = log_odds, n_alone = n_alone, n_one_class = if (max(tabulate(fold_of[, 1])) > 1) n_one_class else 0L)
}

# Means over the repeats of what pooled held-out predictions give.
judge <- function(y, log_odds, level, is_defined = TRUE) {
  areas <- lapply(log_odds, function(eta) auc(y, plogis(eta), level))
  mean_of <- function(key) if (is_defined) mean(vapply(areas, `[[`, 1, key)) else NA_real_
  brier <- brier_score(y, do.call(rbind, lapply(log_odds, plogis)), level)
  lines <- colMeans(do.call(rbind, lapply(log_odds, function(eta) unlist(line_limits(y, eta, level)))))
  c(list(auc = mean_of("estimate"), auc_low = mean_of("low"), auc_high = mean_of("high"), brier = brier$estimate,
         brier_low = brier$low,
         brier_high = brier$high), as.list(lines))
}

mean_over_folds <- function(y, held, fold_of, level) {
  parts <- unlist(lapply(seq_len(ncol(fold_of)), function(r) {
    lapply(split(seq_along(y), fold_of[, r]), function(test) list(y = y[test], eta = held$log_odds[[r]][test]))
  }), recursive = FALSE)
  parts <- Filter(function(part) has_both_classes(part$y), parts)
  if (!length(parts)) return(list(auc = NA_real_))
  found <- mean_of_folds(unlist(lapply(parts, `[[`, "y")), unlist(lapply(parts, `[[`, "eta")),
                         lengths(lapply(parts, `[[`, "y")), ncol(fold_of), level)
  has_interval <- !held$n_alone
  list(auc = found$estimate, auc_low = if (has_interval) found$low else NA_real_,
       auc_high = if (has_interval) found$high else NA_real_)
}

PERFORMANCE <- c("auc", "auc_low", "auc_high", "brier", "brier_low", "brier_high", "intercept", "intercept_low",
                 "intercept_high", "slope",
                 "slope_low", "slope_high")

as_row <- function(estimate, found) {
  values <- lapply(PERFORMANCE, function(key) if (is.null(found[[key]])) NA_real_ else as.numeric(found[[key]]))
  data.frame(estimate = estimate, setNames(values, PERFORMANCE))
}

tell_predictions <- function(read, y, scheme, r, fold, log_odds) {
  data.frame(row = read$row, outcome = y, scheme = scheme, `repeat` = r, fold = fold, probability = plogis(log_odds),
             log_odds = log_odds, check.names = FALSE)
}

# ---- bootstrap

# Samples as lists of row numbers.
read_samples <- function(bootstrap, n, seed, read) {
  if (is.null(bootstrap)) return(list())
  if (is.numeric(bootstrap) && length(bootstrap) == 1 && is.null(dim(bootstrap))) {
    n_samples <- check_count(bootstrap, "bootstrap")
    check_size(n, n_samples)
    drawn <- matrix(draw_rows(seed, n, n_samples) + 1L, n, n_samples)
    return(lapply(seq_len(n_samples), function(b) drawn[, b]))
  }
  counts <- tryCatch(as.matrix(bootstrap), error = function(e) NULL)
  if (is.null(counts) || !is.numeric(counts) || ncol(counts) != n || anyNA(counts) || any(counts < 0 | counts != floor(counts)) ||
        any(rowSums(counts) != n)) {
    refuse("bootstrap", paste0("a number of samples, or how often each of them (rows) holds each of the ", n,
                               " patients (columns)"),
           if (is.null(dim(counts))) shown(bootstrap) else paste(dim(counts), collapse = " x "),
           if (read$about$n_left_out) "Rows were left out: the columns are those of the rows used." else "Each row adds up to the number of patients.")
  }
  lapply(seq_len(nrow(counts)), function(b) rep(seq_len(n), counts[b, ]))
}

judge_samples <- function(design, y, drawn, method, apparent, level) {
  if (!length(drawn)) {
    return(list(table = data.frame(measure = character(0)), rows = list(), curve = data.frame(threshold = numeric(0)),
                n_usable = 0L))
  }
  coefficients <- refit(design, y, drawn, method)
  log_odds <- t(apply(coefficients, 1, function(b) if (anyNA(b)) rep(NA_real_, length(y)) else linear_predictor(design, b)))
  in_sample <- unlist(lapply(seq_along(drawn), function(b) log_odds[b, drawn[[b]]]))
  rows <- unlist(drawn) - 1L
  found <- bootstrap_measures(y, log_odds, in_sample, rows, lengths(drawn))
  everyone <- bootstrap_measures(y, t(apparent), apparent, seq_along(y) - 1L, length(y))
  usable <- is.finite(found$auc_boot)
  if (any(!usable)) message(sum(!usable), " of ", length(usable), " bootstrap samples have one class alone and do not count.")
  p <- plogis(apparent)
  by_chance <- list(auc = 0.5, brier = mean(y) * mean((1 - p)^2) + mean(1 - y) * mean(p^2), intercept = NA_real_,
                    slope = NA_real_)
  table <- bind_rows(lapply(names(by_chance), function(measure) {
    of <- function(where) ifelse(usable, found[[paste0(measure, "_", where)]], NA_real_)
    correct_optimism(measure, everyone[[paste0(measure, "_original")]], of("boot"), of("original"), of("oob"),
                     by_chance[[measure]], level)
  }))
  out <- t(vapply(drawn, function(rows) as.numeric(!seq_along(y) %in% rows), numeric(length(y))))
  curve <- out_of_bag_decision_curve(y, round(plogis(log_odds), 12), out, seq(0, 0.99, 0.01), level)
  of <- function(key) setNames(as.list(table[[key]]), table$measure)
  kinds <- c(optimism_corrected = "estimate", out_of_bag = "oob", b632 = "b632", b632plus = "b632plus")
  rows <- Map(function(name, key) {
    found <- of(key)
    if (key == "oob") found <- c(found, setNames(as.list(c(table$oob_low, table$oob_high)),
                                                 c(paste0(table$measure, "_low"), paste0(table$measure, "_high"))))
    as_row(name, found)
  }, names(kinds), kinds)
  list(table = table, rows = unname(rows), curve = as.data.frame(curve), n_usable = sum(usable))
}

# Harrell's correction and its relatives (Efron and Tibshirani 1997), as Python's correct_optimism has them.
correct_optimism <- function(measure, apparent, boot, original, oob, no_information, level) {
  pairs <- is.finite(boot) & is.finite(original)
  out <- is.finite(oob) & is.finite(boot)
  row <- data.frame(measure = measure, estimate = NA_real_, apparent = apparent, optimism = NA_real_,
                    resampled = NA_real_, oob = NA_real_,
                    oob_low = NA_real_, oob_high = NA_real_, b632 = NA_real_, b632plus = NA_real_, n_defined = sum(pairs),
                    no_information = as.numeric(no_information))
  if (any(pairs) && is.finite(apparent)) {
    row$optimism <- mean(boot[pairs] - original[pairs])
    row$estimate <- apparent - row$optimism
    row$resampled <- mean(boot[pairs])
  }
  if (!any(out)) return(row)
  row$oob <- mean(oob[out])
  tail <- (1 - level) / 2
  bounds <- if (measure %in% c("auc", "brier")) c(0, 1) else c(-Inf, Inf)
  row[c("oob_low", "oob_high")] <- as.list(pmin(pmax(quantile(oob[out], c(tail, 1 - tail), names = FALSE), bounds[1]), bounds[2]))
  if (!is.finite(apparent)) return(row)
  row$b632 <- 0.368 * apparent + 0.632 * row$oob
  if (is.na(no_information)) return(row)
  sign <- if (measure == "brier") -1 else 1
  bounded <- sign * max(sign * row$oob, sign * no_information)
  overfit <- sign * (apparent - bounded)
  span <- sign * (apparent - no_information)
  rate <- if (overfit > 1e-12 && span > 1e-12) min(overfit / span, 1) else 0
  weight <- 0.632 / (1 - 0.368 * rate)
  row$b632plus <- (1 - weight) * apparent + weight * bounded
  row
}

# ---- looking at it

# Held-out predictions first, then the apparent ones: what prldh_roc() and its sisters draw of a validation.
rows_of_validation <- function(x, alone) {
  if (!alone) refuse("A validation", "given alone", "data, event or weights beside it",
                     "It has its patients and its event: leave them out.")
  if (is.null(x$predictions)) refuse("A validation", "what prldh_validate() returned, whole", "one without predictions", "Run it again.")
  about <- about_of(x)
  own <- x$predictions[x$predictions$`repeat` == 1, ]
  y <- own$outcome[own$scheme == "apparent"]
  scheme <- intersect(c("folds", "leave_one_out"), own$scheme)[1]
  if (is.na(scheme)) refuse("The validation", "one with folds or leave-one-out", "the bootstrap alone",
                            "Its patients have no single held-out prediction: set folds = 10.")
  label <- if (scheme == "leave_one_out") "held out (leave-one-out)" else {
    paste0("held out (", about$n_folds, " folds", if (about$repeats > 1) ", repeat 1", ")")
  }
  scores <- lapply(c(scheme, "apparent"), function(which) round(own$probability[own$scheme == which], 12))
  list(y = y, scores = setNames(scores, c(label, "apparent")),
       about = about[c("outcome", "event", "non_event", "n", "events", "n_read", "n_left_out", "left_out", "formula")],
       held_out = label)
}

print.prldh_validate <- function(x, digits = 3, ...) {
  about <- about_of(x)
  digits <- check_digits(digits)
  print_heading(paste0("Validation of a logistic model", if (about$method == "firth") " (Firth's likelihood)" else "",
                       ": ", shown(about$formula)), about)
  k <- x$performance
  print_shown(data.frame(label = label_of(k$estimate, about), auc = interval(k$auc, k$auc_low, k$auc_high, digits),
                         brier = as_decimals(k$brier, digits),
                         slope = as_decimals(k$slope, digits)), c("", paste0("AUC (", percent(about$level), ")"), "Brier", "slope"))
  cat("\n", wrap(paste0("Held-out lines tell how the model does in patients who did not fit it; the apparent line flatters. ",
                        "Intervals of pooled predictions are DeLong's, conditional on the refits.")), sep = "")
  invisible(x)
}

label_of <- function(estimate, about) {
  repeats <- if (about$repeats > 1) paste0(", ", about$repeats, " repeats") else ""
  labels <- c(apparent = "apparent", leave_one_out = "held out: leave-one-out",
              folds = paste0("held out: ", about$n_folds, " folds", repeats),
              folds_mean = "  mean over folds", optimism_corrected = paste0("bootstrap (", about$n_samples, "): less optimism"),
              out_of_bag = "  out of bag", b632 = "  .632", b632plus = "  .632+")
  unname(labels[estimate])
}

plot.prldh_validate <- function(x, which = c("roc", "calibration", "decision"), ...) {
  if (!is.character(which) || !all(which %in% c("roc", "calibration", "decision"))) {
    refuse("which", "\"roc\", \"calibration\" or \"decision\"", shown(which), "Each is a plot of its own.")
  }
  which <- match.arg(which)
  drawn <- switch(which, roc = prldh_roc(x), calibration = prldh_calibration(x), decision = prldh_dca(x, n_resamples = 0))
  plot(drawn, ...)
  invisible(x)
}

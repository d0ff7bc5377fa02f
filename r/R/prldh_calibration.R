prldh_calibration <- function(formula, data = NULL, event = NULL, level = 0.95, n_resamples = 200, seed = 1, weights = NULL) {
  if (missing(formula)) formula <- NULL
  level <- check_level(level)
  n_resamples <- check_count(n_resamples, "n_resamples")
  seed <- check_seed(seed)
  if (inherits(formula, "prldh_validate")) {
    read <- rows_of_validation(formula, alone = is.null(data) && is.null(event) && missing(weights))
    scores <- read$scores
  } else {
    weights <- find_weights(substitute(weights), data, formula, parent.frame())
    read <- read_rows(formula, data, event, weights, may_be_constant = TRUE)
    scores <- read_probabilities(read)
  }
  y <- read$y
  check_size(length(y), n_resamples)
  rows <- draw_rows(seed, length(y), n_resamples)
  # glm.fit's remark on fitted probabilities of 0 or 1 is of the calibration line, whose slope and limits tell it
  found <- lapply(scores, function(p) suppressWarnings(calibration(y, p, rows, n_resamples, level)))
  keys <- c("intercept", "slope", "citl", "brier", "scaled_brier", "ici", "e50", "e90", "emax", "spiegelhalter_z",
            "spiegelhalter_p")
  line <- bind_rows(lapply(scores, function(p) line_limits(y, qlogis(pmin(pmax(p, 1e-15), 1 - 1e-15)), level)))
  numbers <- data.frame(prediction = names(scores), n = length(y), events = sum(y),
                        bind_lists(found, setNames(keys, keys)))
  numbers <- data.frame(numbers, line[c("intercept_low", "intercept_high", "slope_low", "slope_high")],
                        method = vapply(found, `[[`, "", "method"))
  rownames(numbers) <- NULL
  curve <- bind_rows(Map(function(name, one) {
    data.frame(prediction = name, predicted = one$curve_predicted, observed = one$curve_observed, low = one$curve_low,
               high = one$curve_high)
  }, names(scores), found))
  patients <- bind_rows(Map(function(name, p) data.frame(prediction = name, outcome = y, probability = p),
                            names(scores), scores))
  about <- c(read$about, list(level = level, n_resamples = n_resamples, seed = seed, printed = "calibration",
                              held_out = read$held_out))
  new_result(list(calibration = numbers, curve = curve, patients = patients), about, "prldh_calibration")
}

# Intercept and slope of the joint calibration line, with profile-likelihood limits.
line_limits <- function(y, log_odds, level) {
  none <- data.frame(intercept = NA_real_, intercept_low = NA_real_, intercept_high = NA_real_, slope = NA_real_,
                     slope_low = NA_real_,
                     slope_high = NA_real_)
  if (!has_both_classes(y) || max(log_odds) == min(log_odds) || separating_sign(y, log_odds) != 0) return(none)
  design <- cbind(1, log_odds)
  b <- suppressWarnings(fit_logistic(design, y))$coefficients
  if (!all(is.finite(b))) return(none)
  limits <- profile_limits(design, y, level)
  limits[!is.finite(limits)] <- NA_real_
  data.frame(intercept = b[[1]], intercept_low = limits[1, 1], intercept_high = limits[1, 2], slope = b[[2]],
             slope_low = limits[2, 1],
             slope_high = limits[2, 2])
}

print.prldh_calibration <- function(x, digits = 3, ...) {
  about <- about_of(x)
  digits <- check_digits(digits)
  print_heading("Calibration", about)
  k <- x$calibration
  print_shown(data.frame(prediction = k$prediction, slope = interval(k$slope, k$slope_low, k$slope_high, digits),
                         citl = as_decimals(k$citl, digits), ici = as_decimals(k$ici, digits),
                         brier = as_decimals(k$brier, digits)),
              c("", paste0("slope (", percent(about$level), ")"), "in the large", "ICI", "Brier"))
  if (any(k$method == "groups")) {
    cat("\n", wrap("Fewer than five distinct predictions are shown as groups, and have no ICI."), sep = "")
  }
  invisible(x)
}

plot.prldh_calibration <- function(x, main = NULL, xlab = "predicted probability", ylab = "observed share of events", col = NULL,
                                   spikes = TRUE, legend = nrow(x$calibration) <= 12, ...) {
  before <- plot_settings(square = TRUE, ...)
  on.exit(par(before))
  labels <- x$calibration$prediction
  colours <- colours_of(length(labels), col)
  lines <- lines_of(length(labels))
  if (is.null(main)) main <- if (is.null(about_of(x)$held_out)) "Calibration" else "Calibration, held out and apparent"
  floor <- if (isTRUE(spikes)) -0.2 else 0
  open_plot(c(0, 1), c(floor, 1), xlab, ylab, main, seq(0, 1, 0.2), seq(0, 1, 0.2))
  segments(0, 0, 1, 1, col = "grey55", lty = "22")
  for (k in rev(seq_along(labels))) {
    curve <- x$curve[x$curve$prediction == labels[k], ]
    if (x$calibration$method[k] == "groups") {
      segments(curve$predicted, curve$low, curve$predicted, curve$high, col = colours[k], lwd = 1.5)
      points(curve$predicted, curve$observed, pch = 21, bg = "white", col = colours[k], lwd = 2, cex = 1.1)
    } else {
      clipped <- function(values) pmin(pmax(values, 0), 1)
      if (k == 1) band(curve$predicted, clipped(curve$low), clipped(curve$high), colours[k])
      lines(curve$predicted, clipped(curve$observed), col = colours[k], lty = lines[k], lwd = 2.2)
    }
  }
  if (isTRUE(spikes)) draw_spikes(x$patients[x$patients$prediction == labels[1], ], colours[1])
  if (isTRUE(legend)) {
    k <- x$calibration
    named_lines(1, paste0(labels, "  slope ", as_decimals(k$slope, 2), ", ICI ", as_decimals(k$ici, 2)), colours, lines,
                y = 0.02, xjust = 1, yjust = 0)
  }
  invisible(x)
}

# How many patients have which prediction: with the event upwards, without it downwards.
draw_spikes <- function(patients, colour) {
  places <- (seq_len(50) - 0.5) / 50
  counts <- function(of) tabulate(pmin(floor(patients$probability[patients$outcome == of] * 50) + 1, 50), 50)
  up <- counts(1)
  down <- counts(0)
  unit <- 0.08 / max(up, down)
  rect(0, -0.2, 1, 0, col = "white", border = NA)
  segments(0, -0.1, 1, -0.1, col = "grey60")
  segments(places, -0.1, places, -0.1 + up * unit, col = colour, lwd = 3)
  segments(places, -0.1, places, -0.1 - down * unit, col = "grey45", lwd = 3)
  text(1, -0.05, "event", adj = c(1, 0.5), cex = 0.7, col = colour)
  text(1, -0.15, "no event", adj = c(1, 0.5), cex = 0.7, col = "grey35")
}

prldh_dca <- function(formula, data = NULL, event = NULL, thresholds = seq(0, 0.99, 0.01), level = 0.95,
                      n_resamples = 200, seed = 1,
                      prevalence = NULL, weights = NULL) {
  if (missing(formula)) formula <- NULL
  level <- check_level(level)
  n_resamples <- check_count(n_resamples, "n_resamples")
  seed <- check_seed(seed)
  thresholds <- read_thresholds(thresholds)
  is_share <- is.numeric(prevalence) && length(prevalence) == 1 && isTRUE(prevalence > 0 && prevalence < 1)
  if (!is.null(prevalence) && !is_share) {
    refuse("prevalence", "a number between 0 and 1", shown(prevalence),
           "It is the share of events where the model is to be used; leave it out for that of data.")
  }
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
  curves <- lapply(scores, function(p) {
    if (is.null(prevalence)) decision_curve(y, p, thresholds, rows, n_resamples, level)
    else decision_curve_at_prevalence(y, p, thresholds, prevalence, rows, n_resamples, level)
  })
  table <- bind_rows(Map(function(name, curve) {
    data.frame(model = name, curve[setdiff(names(curve), "source")], none = 0)
  }, names(scores), curves))
  useful <- bind_rows(lapply(names(scores), function(name) where_useful(table[table$model == name, ])))
  about <- c(read$about, list(level = level, n_resamples = n_resamples, seed = seed, prevalence = prevalence,
                              printed = "useful", held_out = read$held_out))
  new_result(list(net_benefit = table, useful = useful), about, "prldh_dca")
}

read_thresholds <- function(thresholds) {
  wrong <- if (is.numeric(thresholds)) thresholds[is.na(thresholds) | thresholds < 0 | thresholds > 1]
  if (!is.numeric(thresholds) || !length(thresholds) || length(wrong)) {
    refuse("thresholds", "probabilities within 0 and 1", shown(if (length(wrong)) wrong[1] else thresholds),
           "A threshold is the risk from which one would act.")
  }
  sort(unique(as.numeric(thresholds)))
}

# The thresholds at which a model is worth more than acting on everyone and than acting on nobody, as one run.
where_useful <- function(curve) {
  gain <- curve$net_benefit - pmax(curve$all, 0, na.rm = TRUE)
  is_above <- !is.na(gain) & gain > 1e-12
  found <- data.frame(model = curve$model[1], thresholds = sum(is_above), from = NA_real_, to = NA_real_, largest_gain = 0)
  if (!any(is_above)) return(found)
  runs <- rle(is_above)
  last <- cumsum(runs$lengths)
  longest <- which.max(runs$lengths * runs$values)
  found$from <- curve$threshold[last[longest] - runs$lengths[longest] + 1]
  found$to <- curve$threshold[last[longest]]
  found$largest_gain <- max(gain[is_above])
  found
}

print.prldh_dca <- function(x, digits = 3, ...) {
  about <- about_of(x)
  digits <- check_digits(digits)
  print_heading("Decision curves", about)
  if (!is.null(about$prevalence)) cat("Net benefit at a prevalence of ", format(about$prevalence), ".\n\n", sep = "")
  print_shown(data.frame(model = x$useful$model,
                         range = ifelse(is.na(x$useful$from), "nowhere",
                                        paste(as_decimals(x$useful$from, 2), "to", as_decimals(x$useful$to, 2))),
                         gain = as_decimals(x$useful$largest_gain, digits)),
              c("", "above treat-all and treat-none (longest run)", "largest gain"))
  invisible(x)
}

plot.prldh_dca <- function(x, main = NULL, xlab = "threshold probability", ylab = "net benefit", col = NULL,
                           xlim = NULL, ylim = NULL,
                           bands = length(unique(x$net_benefit$model)) == 1, legend = nrow(x$useful) <= 12, ...) {
  before <- plot_settings(square = FALSE, ...)
  on.exit(par(before))
  table <- x$net_benefit
  labels <- unique(table$model)
  colours <- colours_of(length(labels), col)
  lines <- lines_of(length(labels))
  if (is.null(main)) main <- if (is.null(about_of(x)$held_out)) "Decision curve" else "Decision curve, held out and apparent"
  top <- max(c(table$net_benefit, table$all), na.rm = TRUE)
  if (isTRUE(bands)) top <- max(top, table$high, na.rm = TRUE)
  if (is.null(ylim)) ylim <- c(-0.18, 1.06) * max(top, 0.01)
  if (is.null(xlim)) xlim <- if (length(unique(table$threshold)) > 1) range(table$threshold) else c(0, 1)
  open_plot(xlim, ylim, xlab, ylab, main)
  first <- table[table$model == labels[1], ]
  inside <- function(values) ifelse(values < ylim[1], NA, values)
  treat_all <- clip_line(first$threshold, first$all, ylim[1])
  if (isTRUE(bands)) for (k in seq_along(labels)) {
    own <- table[table$model == labels[k], ]
    band(own$threshold, pmax(own$low, ylim[1]), pmax(own$high, ylim[1]), colours[k])
  }
  lines(treat_all$x, treat_all$y, col = "grey45", lwd = 1.6)
  segments(xlim[1], 0, xlim[2], 0, col = "black", lwd = 1.6)
  for (k in rev(seq_along(labels))) {
    own <- table[table$model == labels[k], ]
    is_point <- nrow(own) == 1
    lines(own$threshold, inside(own$net_benefit), col = colours[k], lty = lines[k], lwd = 2.2, type = if (is_point) "p" else "l")
  }
  if (isTRUE(legend)) {
    named_lines("topright", c(labels, "treat all", "treat none"), c(colours, "grey45", "black"),
                c(lines, "solid", "solid"), inset = c(0.01, 0.01))
  }
  invisible(x)
}

# A line until it leaves the plot at the bottom.
clip_line <- function(x, y, bottom) {
  known <- is.finite(y)
  x <- x[known]
  y <- y[known]
  out <- which(y < bottom)[1]
  if (is.na(out)) return(list(x = x, y = y))
  if (out == 1) return(list(x = numeric(0), y = numeric(0)))
  share <- (y[out - 1] - bottom) / (y[out - 1] - y[out])
  list(x = c(x[seq_len(out - 1)], x[out - 1] + share * (x[out] - x[out - 1])), y = c(y[seq_len(out - 1)], bottom))
}

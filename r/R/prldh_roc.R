prldh_roc <- function(formula, data = NULL, event = NULL, level = 0.95, weights = NULL) {
  if (missing(formula)) formula <- NULL
  if (!has_seed()) on.exit(drop_seed())
  level <- check_level(level)
  if (inherits(formula, "prldh_validate")) {
    read <- rows_of_validation(formula, alone = is.null(data) && is.null(event) && missing(weights))
    scores <- read$scores
  } else {
    weights <- find_weights(substitute(weights), data, formula, parent.frame())
    read <- read_rows(formula, data, event, weights)
    scores <- read_scores(read)
  }
  y <- read$y
  each <- function(what) lapply(scores, what)
  areas <- each(function(score) auc(y, score, level))
  cutoffs <- each(function(score) youden(y, score))
  points <- Map(function(score, name) {
    curve <- roc_curve(y, score)
    data.frame(score = name, threshold = curve$thresholds, sensitivity = curve$sensitivities, specificity = curve$specificities)
  }, scores, names(scores))
  tables <- list(areas = cbind(data.frame(score = names(scores), n = length(y), events = sum(y)),
                               bind_lists(areas, c(auc = "estimate", low = "low", high = "high", variance = "variance"))),
                 cutoffs = cbind(data.frame(score = names(scores)), bind_lists(cutoffs)),
                 comparisons = compare_scores(y, scores, level),
                 points = bind_rows(points))
  about <- c(read$about, list(level = level, method = "DeLong", printed = c("areas", "comparisons"), held_out = read$held_out))
  new_result(tables, about, "prldh_roc")
}

# Weights as they were written: a column of data first, else an object where the formula was written.
find_weights <- function(written, data, formula, caller) {
  force(data)
  where <- if (inherits(formula, "formula") && !is.null(environment(formula))) environment(formula) else caller
  tryCatch(eval(written, if (is.data.frame(data)) as.list(data), where), error = function(e) {
    tryCatch(eval(written, if (is.data.frame(data)) as.list(data), caller), error = function(e) {
      refuse("weights", "a column of data or a vector", paste("none:", conditionMessage(e)),
             "Name the column that counts patients.")
    })
  })
}

# Lists with the same keys as a data frame, a row each; names of ``keys`` are the columns' names.
bind_lists <- function(lists, keys = setNames(names(lists[[1]]), names(lists[[1]]))) {
  columns <- lapply(keys, function(key) unname(vapply(lists, function(list) as.numeric(list[[key]]), 1)))
  as.data.frame(columns)
}

bind_rows <- function(tables) {
  table <- do.call(rbind, unname(tables))
  rownames(table) <- NULL
  table
}

# Every pair on the same patients, paired; of very many pairs of patients the comparison would fill the memory.
compare_scores <- function(y, scores, level) {
  none <- data.frame(a = character(0), b = character(0), difference = numeric(0), low = numeric(0), high = numeric(0),
                     statistic = numeric(0), p = numeric(0))
  if (length(scores) < 2 || length(scores) > 12 || sum(y) * sum(1 - y) > 5e7) return(none)
  pairs <- utils::combn(length(scores), 2)
  bind_rows(lapply(seq_len(ncol(pairs)), function(k) {
    found <- compare_auc(y, scores[[pairs[1, k]]], scores[[pairs[2, k]]], level)
    data.frame(a = names(scores)[pairs[1, k]], b = names(scores)[pairs[2, k]], found)
  }))
}

print.prldh_roc <- function(x, digits = 3, ...) {
  about <- about_of(x)
  digits <- check_digits(digits)
  print_heading(if (nrow(x$areas) > 1) "ROC curves" else "ROC curve", about)
  print_shown(data.frame(score = x$areas$score, AUC = as_decimals(x$areas$auc, digits),
                         interval = paste(as_decimals(x$areas$low, digits), "to",
                                          as_decimals(x$areas$high, digits))),
              c("", "AUC", paste0(percent(about$level), " (DeLong)")))
  if (nrow(x$comparisons)) {
    cat("\nDifferences of AUC on the same patients (DeLong, paired)\n")
    print_shown(data.frame(pair = paste(x$comparisons$a, "-", x$comparisons$b),
                           difference = with(x$comparisons, interval(difference, low, high, digits)),
                           p = shown_p(x$comparisons$p)), c("", paste0("difference (", percent(about$level), ")"), "p"))
  }
  low <- x$areas$score[!is.na(x$areas$auc) & x$areas$auc < 0.5]
  if (length(low)) {
    cat("\n", wrap(paste0("Below 0.5: ", paste(low, collapse = ", "),
                          ". Higher is taken to mean event, and the direction is never guessed; ",
                          "where lower means event, write I(-", low[1], "), or turn the event round with event = ", shown(about$non_event), ".")), sep = "")
  }
  invisible(x)
}

print_shown <- function(table, heads) {
  names(table) <- heads
  text <- as.matrix(table)
  text[, 1] <- formatC(text[, 1], width = -max(nchar(c(text[, 1], heads[1]), "width")))
  dimnames(text) <- list(rep("", nrow(text)), heads)
  print(text, quote = FALSE, right = TRUE)
}

shown_p <- function(p) ifelse(is.na(p), "-", ifelse(p < 0.001, "< 0.001", formatC(p, digits = 3, format = "f")))

plot.prldh_roc <- function(x, main = NULL, xlab = "1 - specificity", ylab = "sensitivity", col = NULL,
                           cutoff = nrow(x$areas) == 1, legend = nrow(x$areas) <= 12, ...) {
  before <- plot_settings(square = TRUE, ...)
  on.exit(par(before))
  labels <- x$areas$score
  colours <- colours_of(length(labels), col)
  lines <- lines_of(length(labels))
  if (is.null(main)) main <- if (is.null(about_of(x)$held_out)) "ROC curve" else "ROC curve, held out and apparent"
  open_plot(c(0, 1), c(0, 1), xlab, ylab, main, seq(0, 1, 0.2), seq(0, 1, 0.2))
  segments(0, 0, 1, 1, col = "grey55", lty = "22")
  text(0.72, 0.72, "chance", col = "grey40", cex = 0.8, srt = 45, adj = c(0.5, 1.6))
  for (k in rev(seq_along(labels))) {
    curve <- x$points[x$points$score == labels[k], ]
    lines(1 - curve$specificity, curve$sensitivity, col = colours[k], lty = lines[k], lwd = 2.2, xpd = TRUE)
  }
  if (isTRUE(cutoff)) {
    points(1 - x$cutoffs$specificity, x$cutoffs$sensitivity, pch = 21, bg = "white", col = colours, lwd = 2, cex = 1.1,
           xpd = TRUE)
    if (nrow(x$cutoffs) == 1) {
      text(1 - x$cutoffs$specificity + 0.025, x$cutoffs$sensitivity,
           paste0("Youden: > ", format(signif(x$cutoffs$threshold, 3))), adj = c(0, 1.7),
           cex = 0.8, col = "grey25")
    }
  }
  if (isTRUE(legend)) {
    named_lines("bottomright", paste0(labels, "  ", with(x$areas, interval(auc, low, high, 2))), colours, lines,
                inset = c(0.02, 0.03))
  }
  invisible(x)
}

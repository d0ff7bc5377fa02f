# A result for R users is a named list of data frames; "about" tells of whom and with what settings they were computed.

new_result <- function(tables, about, class) structure(tables, about = about, class = c(class, "prldh_result"))

about_of <- function(x) attr(x, "about")

#' as.data.frame(x, "areas"): the generic's second argument is row.names, so a single name there is that of a table.
as.data.frame.prldh_result <- function(x, row.names = NULL, optional = FALSE, ..., what = NULL) {
  if (is.null(what) && is.character(row.names) && length(row.names) == 1) {
    what <- row.names
    row.names <- NULL
  }
  if (is.null(what)) what <- names(x)[1]
  if (!is.character(what) || length(what) != 1 || !what %in% names(x)) {
    refuse("The table", paste("one of", paste(names(x), collapse = ", ")), shown(what), "names() lists them.")
  }
  table <- unclass(x)[[what]]
  if (!is.null(row.names) && length(row.names) != nrow(table)) {
    refuse("row.names", paste("a table's name, or a name for each of the", nrow(table), "rows"), length(row.names), "names() lists the tables.")
  }
  if (!is.null(row.names)) rownames(table) <- row.names
  table
}

summary.prldh_result <- function(object, digits = 3, ...) structure(list(object = object, digits = digits),
                                                                    class = "summary.prldh_result")

print.summary.prldh_result <- function(x, ...) {
  object <- x$object
  print(object, digits = x$digits)
  others <- Filter(function(name) is_short(object[[name]]), setdiff(names(object), about_of(object)$printed))
  for (name in others) {
    cat("\n", name, "\n", sep = "")
    print_table(object[[name]], x$digits)
  }
  rest <- setdiff(names(object), c(others, about_of(object)$printed))
  rest <- rest[vapply(rest, function(name) nrow(object[[name]]) > 0, TRUE)]
  if (length(rest)) {
    sizes <- paste0(rest, " (", vapply(rest, function(name) nrow(object[[name]]), 1L), " rows)")
    cat("\n", wrap(paste0("Also here, for as.data.frame(x, \"name\"): ", paste(sizes, collapse = ", "), ".")), sep = "")
  }
  invisible(x)
}

is_short <- function(table) nrow(table) > 0 && nrow(table) <= 25 && ncol(table) <= 16

wrap <- function(text) paste0(paste(strwrap(text, width = min(getOption("width"), 100)), collapse = "\n"), "\n")

print_table <- function(table, digits = 3) {
  text <- table
  for (name in names(table)) if (is.double(table[[name]])) text[[name]] <- as_shown(table[[name]], digits)
  print.data.frame(text, row.names = FALSE, right = TRUE)
}

# So many decimals; small numbers keep as many digits. What does not exist is a dash.
as_shown <- function(values, digits = 3) {
  whole <- is.finite(values) & values == round(values) & abs(values) < 1e6
  if (all(whole | is.na(values))) return(ifelse(is.na(values), "-", formatC(values, format = "d", big.mark = "")))
  vapply(values, function(v) {
    if (is.na(v)) return("-")
    if (is.infinite(v)) return(if (v > 0) "Inf" else "-Inf")
    if ((v != 0 && abs(v) < 10^-digits) || abs(v) >= 1e6) return(formatC(v, digits = digits, format = "g"))
    formatC(v, digits = digits, format = "f")
  }, "")
}

interval <- function(estimate, low, high, digits = 3) {
  limits <- ifelse(is.na(low) & is.na(high), "", paste0(" (", as_decimals(low, digits), " to ", as_decimals(high, digits), ")"))
  paste0(as_decimals(estimate, digits), limits)
}

as_decimals <- function(values, digits = 3) {
  values <- round(values, digits) + 0
  values[!is.na(values) & values == 0] <- 0   # no minus before nothing
  ifelse(is.na(values), "-", trimws(formatC(values, digits = digits, format = "f")))
}

percent <- function(level) paste0(format(100 * level), " %")

check_digits <- function(digits) {
  if (!is.numeric(digits) || length(digits) != 1 || is.na(digits) || digits < 0) return(3L)
  as.integer(min(digits, 15))
}

print_heading <- function(title, about) {
  cat(title, "\n", sep = "")
  cat(wrap(paste0("Event: ", about$outcome, " = ", shown(about$event), "; ", about$n, " patients, ", about$events,
                  " with the event.",
                  if (isTRUE(about$n_left_out > 0)) paste0(" Left out: ", about$n_left_out, " of ", about$n_read,
                                                           " rows, ", tell_reasons(about$left_out), "."))))
  cat("\n")
}

# ---- drawing

# Told apart by readers who are colour-blind (Okabe and Ito 2008), and by type of line.
COLOURS <- c("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES <- c("solid", "42", "22", "8242", "12")

colours_of <- function(n, col) rep_len(if (is.null(col)) COLOURS else col, n)

lines_of <- function(n) rep_len(LINES, n)

faded <- function(colour, alpha = 0.16) grDevices::adjustcolor(colour, alpha.f = alpha)

# An empty plot with a light grid, so that all of the package's look alike.
open_plot <- function(xlim, ylim, xlab, ylab, main, x_at = pretty(xlim), y_at = pretty(ylim)) {
  plot(NA, xlim = xlim, ylim = ylim, xlab = "", ylab = "", axes = FALSE, xaxs = "i", yaxs = "i", main = "")
  x_at <- x_at[x_at >= xlim[1] - 1e-9 & x_at <= xlim[2] + 1e-9]
  y_at <- y_at[y_at >= ylim[1] - 1e-9 & y_at <= ylim[2] + 1e-9]
  abline(v = x_at, h = y_at, col = "grey92", lwd = 0.8)
  axis(1, at = x_at, lwd = 0, lwd.ticks = 1, col.ticks = "grey60", tcl = -0.3, padj = -0.4)
  axis(2, at = y_at, las = 1, lwd = 0, lwd.ticks = 1, col.ticks = "grey60", tcl = -0.3, hadj = 0.8)
  title(main = main, adj = 0, font.main = 1, cex.main = 1.1, line = 1)
  title(xlab = xlab, line = 2.2)
  title(ylab = ylab, line = 2.9)
}

# Settings that plots change, and what the user sets beside them; the old ones, to be put back afterwards.
plot_settings <- function(square, ...) {
  own <- list(mar = c(3.6, 4.2, 2.6, 1), pty = if (square) "s" else "m", mgp = c(2.2, 0.7, 0), lend = "butt")
  par(utils::modifyList(own, list(...)))
}

band <- function(x, low, high, colour) {
  known <- is.finite(low) & is.finite(high)
  if (sum(known) < 2) return(invisible())
  runs <- split(which(known), cumsum(c(1, diff(which(known)) > 1)))
  for (run in runs) polygon(c(x[run], rev(x[run])), c(low[run], rev(high[run])), col = faded(colour), border = NA)
}

# Small enough to take two thirds of the width.
named_lines <- function(where, labels, colours, lines, ...) {
  cex <- 0.85
  width <- max(strwidth(labels, cex = cex)) + 4.5 * strwidth("M", cex = cex)
  cex <- cex * min(1, 0.66 * diff(par("usr")[1:2]) / width)
  legend(where, legend = labels, col = colours, lty = lines, lwd = 2, bg = faded("white", 0.7), box.col = NA, seg.len = 2.6,
         cex = cex, y.intersp = 1.15, ...)
}

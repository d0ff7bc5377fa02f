adjust_p <- function(p, method) {
  if (!method %in% c("holm", "bh")) stop('method must be "holm" or "bh": found "', method, '".', call. = FALSE)
  p <- as.numeric(p)
  if (any(p < 0 | p > 1, na.rm = TRUE)) stop("p-values must lie within 0 and 1.", call. = FALSE)
  p.adjust(p, if (method == "bh") "BH" else "holm")
}

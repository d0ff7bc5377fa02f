# Log odds as they are ranked: at 10 decimals, and far from 0 at as many as a probability of 14 decimals knows, at least 2. Where
# groups separate the outcome, glm.fit stops with each at about 20, and what is between two of them is rounding. What is rounded
# less finely stays above all that is rounded more finely.
ranked_log_odds <- function(log_odds) {
  if (!length(log_odds)) return(log_odds)
  log10_e <- 0.4342944819032518
  rounded <- function(size, tens) {
    scale <- 10^pmin(pmax(14 - tens, 2), 10)
    round(size * scale) / scale
  }
  far <- is.na(log_odds) | abs(log_odds) > 1e12
  size <- ifelse(far, 0, abs(log_odds))
  tens <- ceiling(size * log10_e)
  least <- rounded(pmax(tens - 1, 0) / log10_e, tens - 1)
  ranked <- sign(log_odds) * pmax(rounded(size, tens), least)
  ranked[far] <- log_odds[far]
  ranked
}

# Log odds as they are ranked: at 10 decimals, and far from 0 at as many as a probability of 14 decimals knows, at least 2. Where
# groups separate the outcome, glm.fit stops with each at about 20, and what is between two of them is rounding.
ranked_log_odds <- function(log_odds) {
  if (!length(log_odds)) return(log_odds)
  round(log_odds, pmin(pmax(14 - ceiling(abs(log_odds) * log10(exp(1))), 2), 10))
}

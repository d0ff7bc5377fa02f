# Restricted cubic spline: the values, and length(knots) - 2 columns in their units. Hmisc::rcspline.eval(inclx = TRUE).
spline_basis <- function(values, knots) {
  k <- length(knots)
  if (k < 3) return(matrix(values, ncol = 1))
  unit <- (knots[k] - knots[1])^(2 / 3)
  cube <- function(j) pmax((values - knots[j]) / unit, 0)^3
  curved <- vapply(seq_len(k - 2), function(j) {
    cube(j) + ((knots[k - 1] - knots[j]) * cube(k) - (knots[k] - knots[j]) * cube(k - 1)) / (knots[k] - knots[k - 1])
  }, numeric(length(values)))
  unname(cbind(values, matrix(curved, length(values))))
}

# The largest power of two that is no larger than the largest absolute value; 1 where there is none. Statistics that do not
# depend on the unit are computed of values divided by it: no digit changes, and values near the largest or the smallest
# number have squares.
power_of_two <- function(values) {
  largest <- max(0, abs(values))
  if (is.finite(largest) && largest > 0) 2^floor(log2(largest)) else 1
}

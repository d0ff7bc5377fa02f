# Rscript tests/golden/make_golden_firth_predictions.R, from the repository's root: plain glm's own numbers of FLIC and FLAC,
# given Firth's coefficients (by iterating glm on the augmented data, no code of the project).
data <- read.csv("prldh/demo/published_cohort.csv", stringsAsFactors = TRUE)
y <- as.numeric(data$recurrence == "yes")
x <- model.matrix(~ age + segment + disc, data)   # nobody with one of the segments has the event
tight <- list(epsilon = 1e-15, maxit = 200)
fit <- function(x, y, w = rep(1, length(y)), o = NULL) suppressWarnings(
  glm.fit(x, y, weights = w, offset = o, family = binomial(), control = tight))
leverage <- function(x, b) {
  p <- plogis(drop(x %*% b))
  hat <- qr.Q(qr(x * sqrt(p * (1 - p))))
  rowSums(hat^2)
}
b <- numeric(ncol(x))
for (k in 1:2000) {   # Firth's estimates solve the score of the augmented data with their own leverages
  h <- leverage(x, b)
  new <- fit(rbind(x, x, x), c(y, y, 1 - y), c(rep(1, length(y)), h / 2, h / 2))$coefficients
  if (max(abs(new - b)) < 1e-13) break
  b <- new
}
h <- leverage(x, b)
offset <- drop(x[, -1] %*% b[-1])
flic <- c(fit(matrix(1, length(y)), y, o = offset)$coefficients, b[-1])
flac <- fit(cbind(rbind(x, x, x), rep(c(0, 1, 1), each = length(y))), c(y, y, 1 - y), c(rep(1, length(y)), h / 2, h / 2))$coefficients
write(jsonlite::toJSON(list(firth = unname(b), flic = unname(flic), flac = unname(flac[seq_along(b)]), columns = colnames(x)),
                       digits = NA, pretty = TRUE), "tests/golden/data/golden_firth_predictions.json")

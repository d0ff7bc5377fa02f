# Rscript tests/golden/make_golden_terms.R, from the repository's root: writes tests/golden/data/golden_terms.json.
suppressPackageStartupMessages({library(car); library(jsonlite)})
data <- read.csv("prldh/demo/published_cohort.csv", stringsAsFactors = TRUE)
data$y <- as.numeric(data$recurrence == "yes")
data$pfirrmann <- factor(data$pfirrmann, levels = c("III", "IV", "V"))
models <- list(numbers = c("age", "bmi", "disc"), factors = c("age", "pfirrmann", "occupation", "disc"))
golden <- lapply(models, function(terms) {
  fit <- glm(reformulate(terms, "y"), binomial, data)
  x <- model.matrix(fit)
  unit <- function(x) sweep(x, 2, sqrt(colSums(x^2)), "/")
  inflation <- as.matrix(vif(fit))
  tests <- drop1(fit, test = "LRT")[-1, ]
  list(terms = terms, gvif = unname(inflation[, 1]),
       df = unname(if (ncol(inflation) > 1) inflation[, 2] else rep(1, length(terms))),
       condition_number = kappa(unit(x), exact = TRUE),
       condition_number_centred = kappa(unit(scale(x[, -1], scale = FALSE)), exact = TRUE),
       features_vif = unname(diag(solve(cor(x[, -1])))),
       drop1 = list(df = tests$Df, statistic = tests$LRT, p = tests[["Pr(>Chi)"]]))
})
golden$made_by <- paste(R.version.string, "car", packageVersion("car"))
write(toJSON(golden, digits = NA, pretty = TRUE, auto_unbox = TRUE), "tests/golden/data/golden_terms.json")

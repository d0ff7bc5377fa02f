# Rscript tests/golden/make_golden_external_size.R, from the repository's root: writes
# tests/golden/data/golden_external_size.json. The log odds are those that pmvalsampsize 0.1.0 draws with its seed and
# simobs = 1000; the sizes are those that its own tests (tests/testthat/test_bin.R) hold it to.
set.seed(123456)
normal <- rnorm(1000, -5, 2.5)
set.seed(123456)
p <- rbeta(1000, 0.5, 0.5)
set.seed(1)
rows <- matrix(rnorm(60), 12)
new <- matrix(rnorm(20), 4)
golden <- list(
  made_by = R.version.string,
  normal = list(log_odds = normal, sizes = c(905, 4501, 4252)),
  beta = list(log_odds = log(p / (1 - p)), sizes = c(905, 1641, 4252)),
  mahalanobis = list(rows = rows, new = new, squared = mahalanobis(new, colMeans(rows), cov(rows)),
                     held_out = sapply(1:12, function(i) mahalanobis(rows[i, , drop = FALSE], colMeans(rows[-i, ]),
                                                                     cov(rows[-i, ])))))
writeLines(jsonlite::toJSON(golden, digits = NA, auto_unbox = TRUE), "tests/golden/data/golden_external_size.json")

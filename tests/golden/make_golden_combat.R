# Rscript tests/golden/make_golden_combat.R, from the repository's root: writes tests/golden/data/golden_combat.json.
suppressPackageStartupMessages({library(sva); library(jsonlite)})
# features of 31 patients in three centres, by a formula that Python has as well
inputs <- function(n, p, batch) {
  i <- seq_len(n)
  sapply(seq_len(p), function(j) {
    10 * j + (1 + 0.3 * j) * (sin(i * j * 1.7) + cos(i * i + j)) + batch * (0.5 + 0.1 * j) + batch * 0.4 * sin(i * 3.1 + j * 2.3) +
      0.03 * j * i
  })
}
n <- 31
batch <- rep(c(0, 1, 2), c(9, 14, 8))[order((seq_len(n) * 7) %% n)]
age <- 40 + (seq_len(n) * 13) %% 37
sex <- (seq_len(n) * 5) %% 3 == 0
mod <- model.matrix(~ age + sex)
dat <- t(inputs(n, 12, batch))
quiet <- function(...) suppressMessages(t(ComBat(dat, batch, ...)))
wide <- t(inputs(n, 60, batch))
flat <- dat
flat[3, batch == 1] <- 5  # no variance within a batch
flat[7, ] <- 2
alone <- batch
alone[4] <- 3  # a batch of one row: sva then corrects every batch in location alone
golden <- list(
  n = n, batch = batch, age = age, sex = as.integer(sex), values = t(dat),
  parametric = quiet(), nonparametric = quiet(par.prior = FALSE), reference = quiet(ref.batch = "1"),
  parametric_mod = quiet(mod = mod), nonparametric_mod = quiet(mod = mod, par.prior = FALSE),
  reference_mod = quiet(mod = mod, ref.batch = "2"),
  reference_nonparametric_mod = quiet(mod = mod, ref.batch = "0", par.prior = FALSE),
  wide = suppressMessages(t(ComBat(wide, batch, mod = mod)))[, c(1, 17, 60)],
  flat = {utils::capture.output(found <- suppressMessages(t(ComBat(flat, batch, mod = mod)))); found},
  alone = suppressMessages(t(ComBat(dat, alone, mod = mod)))[4, ],
  alone_nonparametric = suppressMessages(t(ComBat(dat, alone, par.prior = FALSE)))[4, ],
  calls = "sva::ComBat(dat, batch, mod = model.matrix(~ age + sex), par.prior, ref.batch)",
  made_by = paste(R.version.string, "sva", packageVersion("sva")))
write(toJSON(golden, digits = NA, auto_unbox = TRUE), "tests/golden/data/golden_combat.json")

example_run <- function() {
  installed <- system.file("extdata", "run", package = "prldh")
  if (nzchar(installed)) installed else test_path("..", "..", "inst", "extdata", "run")
}

test_that("a run is a list of its tables", {
  run <- read_run(example_run())
  expect_s3_class(run, "prldh_run")
  expect_identical(as.data.frame(run, "models"), run$models)
  expect_identical(as.data.frame(run), run$models)
  expect_identical(run$models$model, c("Clinical", "Radscore", "Clinical and Radscore"))
  expect_type(run$models$adjusted, "logical")
  expect_identical(run$cohort$id[1], "P001")
  expect_identical(dim(run$drawn_bootstrap), c(100L, 120L))
  expect_output(print(run), "Run: Recurrence after surgery.*120 patients, 40 with the event.*Radscore.*Tables: models")
  expect_output(print(summary(run)), "terms")
  expect_identical(read_run(file.path(example_run(), "results.json")), run)
  expect_lte(max(nchar(capture.output(print(run)))), 80)
})

test_that("R repeats the run's numbers", {
  run <- read_run(example_run())
  own <- run$folds[run$folds$scheme == "folds", ]
  fold_of <- sapply(1:2, function(r) with(own[own$repetition == r, ], fold[match(run$cohort$id, id)]))
  models <- list(Clinical = outcome ~ age + size + sex, Radscore = outcome ~ tumour, "Clinical and Radscore" = outcome ~ age + size + sex + tumour)
  for (name in names(models)) {
    again <- prldh_validate(models[[name]], run$cohort, folds = fold_of, bootstrap = run$drawn_bootstrap)
    # Relative, small numbers as if of size 1e-3; a run rounds log odds to ten decimals
    near <- function(found, expected) {
      expect_identical(unname(is.na(found)), unname(is.na(expected)))
      expect_lt(max(abs(found - expected) / pmax(abs(expected), 1e-3), 0, na.rm = TRUE), 1e-7)
    }
    there <- run$validation[run$validation$model == name, ]
    for (scheme in c("leave_one_out", "folds")) {
      here <- again$performance[again$performance$estimate == scheme, ]
      for (key in PERFORMANCE) near(here[[key]], there[[key]][there$scheme == scheme])
    }
    here <- again$performance[again$performance$estimate == "folds_mean", ]
    near(unlist(here[c("auc", "auc_low", "auc_high")]), unlist(there[there$scheme == "folds", c("auc_mean", "auc_mean_low", "auc_mean_high")]))
    boot <- run$bootstrap[run$bootstrap$model == name, ]
    for (key in setdiff(names(again$bootstrap), "measure")) near(again$bootstrap[[key]], boot[[key]][match(again$bootstrap$measure, boot$measure)])
    terms <- run$terms[run$terms$model == name, ]
    for (key in c("b", "se", "p", "or", "low", "high")) near(again$coefficients[[key]], terms[[key]])
    apparent <- again$predictions[again$predictions$scheme == "apparent", ]
    d <- data.frame(y = apparent$outcome, p = round(apparent$probability, 12))
    curve <- run$decision_curve[run$decision_curve$model == name & is.na(run$decision_curve$scheme), ]
    near(prldh_dca(y ~ p, d, thresholds = curve$threshold, n_resamples = 0)$net_benefit$net_benefit, curve$net_benefit)
    row <- run$models[run$models$model == name, ]
    near(unlist(prldh_roc(y ~ p, d)$areas[c("auc", "low", "high")]), unlist(row[c("auc", "auc_low", "auc_high")]))
  }
})

test_that("a folder that is not whole is told", {
  place <- tempfile()
  dir.create(place)
  on.exit(unlink(place, recursive = TRUE))
  writeLines("{\"schema\": ", file.path(place, "results.json"))
  expect_error(read_run(place), "whole JSON")
  writeLines("{\"schema\": \"other/1\"}", file.path(place, "results.json"))
  expect_error(read_run(place), "results of a run: found schema \"other/1\"")
  file.copy(file.path(example_run(), "results.json"), place, overwrite = TRUE)
  run <- read_run(place)
  expect_identical(names(run), "models")
  expect_output(print(run), "Run:")
  dir.create(file.path(place, "tables"))
  writeLines(c("id,size", "007,1.5", "012,"), file.path(place, "tables", "own.csv"))
  expect_identical(read_run(place)$own, data.frame(id = c("007", "012"), size = c(1.5, NA)))
})

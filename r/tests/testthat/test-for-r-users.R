# What R users call: formula and data in, data frames out, the numbers of the functions that Python calls.
quiet <- suppressMessages
asah$risk <- asah_risk
printed <- function(x) gsub("\\s+", " ", paste(capture.output(print(x)), collapse = " "))

test_that("ROC curves are auc(), youden() and compare_auc()", {
  found <- prldh_roc(outcome ~ s100b + ndka + wfns, asah, event = "Poor")
  expect_s3_class(found, "prldh_roc")
  for (k in 1:3) {
    score <- as.numeric(asah[[c("s100b", "ndka", "wfns")[k]]])
    alone <- auc(event, score)
    expect_identical(unlist(found$areas[k, c("auc", "variance", "low", "high")], use.names = FALSE), unlist(alone, use.names = FALSE))
    expect_identical(unlist(found$cutoffs[k, -1]), unlist(youden(event, score)))
  }
  expect_identical(as.list(found$comparisons[1, 3:7]), compare_auc(event, asah$s100b, asah$ndka))
  expect_identical(as.data.frame(found, "points")$sensitivity[found$points$score == "ndka"], roc_curve(event, asah$ndka)$sensitivities)
  turned <- prldh_roc(outcome ~ s100b, asah, event = "Good")
  expect_equal(turned$areas$auc, 1 - found$areas$auc[1])
  expect_match(printed(turned), "never guessed; where lower means event, write I(-s100b)", fixed = TRUE)
})

test_that("the area is pROC's", {
  theirs <- pROC::ci.auc(pROC::roc(asah$outcome, asah$s100b, levels = c("Good", "Poor"), direction = "<"))
  ours <- quiet(prldh_roc(outcome ~ s100b, asah))$areas
  expect_equal(c(ours$low, ours$auc, ours$high), as.numeric(theirs), tolerance = 1e-12)
})

test_that("factors, text, logicals and numbers are outcomes, and the event is named", {
  asah$text <- as.character(asah$outcome)
  asah$poor <- asah$outcome == "Poor"
  asah$number <- event
  asah$code <- event + 1
  areas <- list()
  for (name in c("outcome", "text", "code")) {
    formula <- reformulate("s100b", name)
    expect_message(found <- prldh_roc(formula, asah), paste0("Event: ", name, " = .*second level"))
    areas[[name]] <- found$areas$auc
  }
  for (name in c("poor", "number")) {
    expect_silent(found <- prldh_roc(reformulate("s100b", name), asah))
    areas[[name]] <- found$areas$auc
  }
  areas$expression <- prldh_roc(I(outcome == "Poor") ~ s100b, asah)$areas$auc
  areas$workspace <- prldh_roc(event ~ asah$s100b)$areas$auc
  expect_length(unique(unlist(areas)), 1)
  expect_silent(prldh_roc(outcome ~ s100b, asah, event = "Poor"))
  expect_equal(prldh_roc(code ~ s100b, asah, event = 1)$areas$auc, 1 - areas$code)
  asah$outcome <- factor(asah$outcome, c("Poor", "Good", "never"))
  expect_message(found <- prldh_roc(outcome ~ s100b, asah), "Good")
  expect_equal(found$areas$auc, 1 - areas$code)
})

test_that("blanks are left out and counted", {
  asah$s100b[c(3, 5)] <- NA
  asah$outcome[5] <- NA
  asah$ndka[7] <- NaN
  expect_message(found <- prldh_roc(outcome ~ s100b + ndka, asah, event = "Poor"), "3 of 113 rows left out: blank in outcome \\(1\\), blank in s100b \\(2\\), blank in ndka \\(1\\)")
  kept <- asah[-c(3, 5, 7), ]
  expect_identical(found$areas$auc[1], auc(as.numeric(kept$outcome == "Poor"), kept$s100b)$estimate)
  expect_match(printed(found), "Left out: 3 of 113 rows")
  expect_identical(attr(found, "about")$n_left_out, 3L)
  v <- quiet(prldh_validate(outcome ~ s100b + ndka, asah, leave_one_out = FALSE, bootstrap = 0))
  expect_identical(unique(v$predictions$row), rownames(kept))
})

test_that("weights are counts of patients", {
  asah$count <- rep(c(2, 1, 0), length.out = 113)
  expect_message(found <- prldh_roc(outcome ~ s100b, asah, event = "Poor", weights = count), "75 rows stand for 113 patients|76 rows stand for")
  long <- asah[rep(1:113, asah$count), ]
  expect_identical(found$areas, prldh_roc(outcome ~ s100b, long, event = "Poor")$areas)
  expect_identical(quiet(prldh_roc(outcome ~ s100b, asah, weights = "count"))$areas, found$areas)
  expect_identical(quiet(prldh_roc(outcome ~ s100b, asah, weights = asah$count))$areas, found$areas)
  w <- quiet(prldh_validate(outcome ~ s100b, asah, weights = count, bootstrap = 20))
  expect_identical(w$performance, quiet(prldh_validate(outcome ~ s100b, long, bootstrap = 20))$performance)
  for (f in list(prldh_dca, prldh_calibration)) {
    expect_identical(quiet(f(outcome ~ risk, asah, weights = count, n_resamples = 5))[[1]], quiet(f(outcome ~ risk, long, n_resamples = 5))[[1]])
  }
})

test_that("calibration is calibration(), with limits of the line", {
  found <- prldh_calibration(outcome ~ risk, asah, event = "Poor", n_resamples = 30, seed = 4)
  rows <- draw_rows(4, 113, 30)
  alone <- calibration(event, asah_risk, rows, 30)
  for (key in c("intercept", "slope", "citl", "brier", "ici", "emax", "scaled_brier")) expect_identical(found$calibration[[key]], alone[[key]])
  expect_identical(found$curve$low, alone$curve_low)
  limits <- profile_limits(cbind(1, qlogis(asah_risk)), event)
  expect_equal(c(found$calibration$slope_low, found$calibration$slope_high), unname(limits[2, ]))
})

test_that("calibration is rms's", {
  skip_if_not_installed("rms")
  theirs <- rms::val.prob(asah_risk, event, pl = FALSE)
  ours <- prldh_calibration(outcome ~ risk, asah, event = "Poor", n_resamples = 0)$calibration
  expect_equal(unname(theirs[c("Brier", "Eavg", "Emax", "S:z", "S:p")]),
               c(ours$brier, ours$ici, ours$emax, ours$spiegelhalter_z, ours$spiegelhalter_p), tolerance = 1e-8)
})

test_that("decision curves are decision_curve(), and rmda's", {
  found <- prldh_dca(outcome ~ risk, asah, event = "Poor", n_resamples = 20, seed = 2)
  alone <- decision_curve(event, asah_risk, seq(0, 0.99, 0.01), draw_rows(2, 113, 20), 20)
  for (key in setdiff(names(alone), "source")) expect_identical(found$net_benefit[[key]], alone[[key]])
  theirs <- golden$rmda
  at <- prldh_dca(outcome ~ risk, transform(asah, risk = theirs$risk), event = "Poor", thresholds = theirs$curve$thresholds, n_resamples = 0)
  expect_near(at$net_benefit$net_benefit, theirs$curve$NB)
  expect_near(at$net_benefit$standardized, theirs$curve$sNB)
  shifted <- prldh_dca(outcome ~ risk, asah, event = "Poor", n_resamples = 0, prevalence = 0.1)$net_benefit
  expect_identical(shifted$net_benefit, decision_curve_at_prevalence(event, asah_risk, seq(0, 0.99, 0.01), 0.1)$net_benefit)
  expect_equal(found$useful$thresholds, sum(alone$net_benefit > pmax(alone$all, 0) + 1e-12))
})

test_that("coefficients are glm's, with solved limits", {
  found <- quiet(prldh_validate(outcome ~ age + gender * s100b, asah, folds = 0, leave_one_out = FALSE, bootstrap = 0))
  theirs <- summary(glm(outcome ~ age + gender * s100b, binomial, asah))$coefficients
  expect_equal(unname(as.matrix(found$coefficients[c("b", "se", "p")])), unname(theirs[, c(1, 2, 4)]), tolerance = 1e-12)
  expect_identical(found$coefficients$term, rownames(theirs))
  firth <- quiet(prldh_validate(outcome ~ age, asah, method = "firth", bootstrap = 10, folds = 5))
  expect_equal(firth$coefficients$b, unname(fit_firth(cbind(1, asah$age), event)$coefficients))
})

test_that("leave-one-out and folds are refits of glm", {
  folds <- rep(1:5, length.out = 113)
  found <- quiet(prldh_validate(outcome ~ age + s100b, asah, folds = folds, bootstrap = 0))
  by_hand <- numeric(113)
  for (k in 1:5) by_hand[folds == k] <- predict(glm(outcome ~ age + s100b, binomial, asah[folds != k, ]), asah[folds == k, ])
  held <- found$predictions[found$predictions$scheme == "folds", ]
  expect_equal(held$log_odds, by_hand, tolerance = 1e-12)
  area <- auc(event, plogis(by_hand))
  row <- found$performance[found$performance$estimate == "folds", ]
  expect_equal(c(row$auc, row$auc_low, row$auc_high), c(area$estimate, area$low, area$high), tolerance = 1e-12)
  expect_equal(row$brier, mean((plogis(by_hand) - event)^2), tolerance = 1e-12)
  expect_equal(c(row$intercept, row$slope), unname(coef(glm(event ~ by_hand, binomial))), tolerance = 1e-8)
  mean_area <- mean_of_folds(event[order(folds)], by_hand[order(folds)], tabulate(folds))
  expect_equal(unlist(found$performance[found$performance$estimate == "folds_mean", 2:4], use.names = FALSE), unlist(mean_area[1:3], use.names = FALSE))
  alone <- vapply(1:113, function(i) predict(glm(outcome ~ age + s100b, binomial, asah[-i, ]), asah[i, ]), 1)
  expect_equal(found$predictions$log_odds[found$predictions$scheme == "leave_one_out"], unname(alone), tolerance = 1e-12)
})

test_that("the bootstrap is rms::validate's of the same samples", {
  skip_if_not_installed("rms")
  samples <- 40
  set.seed(5)
  fit <- rms::lrm(outcome ~ age + s100b, asah, x = TRUE, y = TRUE)
  theirs <- rms::validate(fit, B = samples)
  # predab.resample draws by sample(1:n, n, replace = TRUE), one after another
  set.seed(5)
  drawn <- t(replicate(samples, tabulate(sample(113, replace = TRUE), 113)))
  ours <- quiet(prldh_validate(outcome ~ age + s100b, asah, folds = 0, leave_one_out = FALSE, bootstrap = drawn))$bootstrap
  dxy <- theirs["Dxy", ]
  auc <- ours[ours$measure == "auc", ]
  expect_equal(c(2 * auc$optimism, 2 * auc$estimate - 1), unname(dxy[c("optimism", "index.corrected")]), tolerance = 1e-6)
  brier <- ours[ours$measure == "brier", ]
  expect_equal(c(brier$optimism, brier$estimate), unname(theirs["B", c("optimism", "index.corrected")]), tolerance = 1e-6)
})

test_that("a seed gives the same numbers, whatever the user's generator, and leaves it where it was", {
  asah$risk <- asah_risk
  calls <- list(function() prldh_calibration(outcome ~ risk, asah, event = "Poor", n_resamples = 5),
                function() prldh_dca(outcome ~ risk, asah, event = "Poor", n_resamples = 5),
                function() prldh_validate(outcome ~ s100b, asah, event = "Poor", bootstrap = 5, leave_one_out = FALSE))
  for (call in calls) {
    set.seed(9)
    before <- .Random.seed
    first <- call()
    expect_identical(.Random.seed, before)
    old <- suppressWarnings(RNGkind("Wichmann-Hill", "Box-Muller", "Rounding"))
    kinds <- RNGkind()
    expect_identical(unclass(call())[[1]], unclass(first)[[1]])
    expect_identical(RNGkind(), kinds)
    suppressWarnings(RNGkind(old[1], old[2], old[3]))
    rm(".Random.seed", envir = globalenv())
    call()
    expect_false(exists(".Random.seed", globalenv(), inherits = FALSE))
    set.seed(1)
  }
  differ <- function(seed) prldh_validate(outcome ~ s100b, asah, event = "Poor", bootstrap = 5, leave_one_out = FALSE, seed = seed)$performance
  expect_false(identical(differ(1), differ(2)))
})

test_that("folds are dealt within classes", {
  y <- rep(c(1, 0), c(13, 24))
  fold <- with_seed(1, deal_folds(y, 5))
  expect_true(all(abs(tabulate(fold[y == 1], 5) - 13 / 5) < 1) && all(abs(tabulate(fold[y == 0], 5) - 24 / 5) < 1))
  expect_lte(diff(range(tabulate(fold, 5))), 1)
})

test_that("a validation's held-out predictions are drawn and named", {
  v <- quiet(prldh_validate(outcome ~ s100b + ndka, asah, bootstrap = 0, repeats = 2))
  curves <- prldh_roc(v)
  expect_identical(curves$areas$score, c("held out (10 folds, repeat 1)", "apparent"))
  first <- v$predictions[v$predictions$scheme == "folds" & v$predictions$`repeat` == 1, ]
  expect_equal(curves$areas$auc[1], auc(first$outcome, first$probability)$estimate)
  expect_match(prldh_calibration(v, n_resamples = 0)$calibration$prediction[1], "held out")
  expect_match(prldh_dca(v, n_resamples = 0)$net_benefit$model[1], "held out")
  expect_match(prldh_roc(quiet(prldh_validate(outcome ~ s100b, asah, folds = 0, bootstrap = 0)))$areas$score[1], "leave-one-out")
  expect_error(prldh_roc(quiet(prldh_validate(outcome ~ s100b, asah, folds = 0, bootstrap = 2, leave_one_out = FALSE))), "set folds = 10")
})

test_that("results print, have summaries and tables, and are drawn without changing settings", {
  v <- quiet(prldh_validate(outcome ~ s100b + ndka, asah, bootstrap = 20))
  asah$sex_risk <- ifelse(asah$gender == "Male", 0.5, 0.3)
  results <- list(prldh_roc(outcome ~ s100b + ndka, asah, event = "Poor"), prldh_roc(outcome ~ s100b, asah, event = "Poor"),
                  prldh_calibration(outcome ~ risk + sex_risk, asah, event = "Poor", n_resamples = 5),
                  prldh_dca(outcome ~ risk, asah, event = "Poor", n_resamples = 5), v)
  pdf(NULL)
  on.exit(dev.off())
  before <- par(no.readonly = TRUE)
  for (x in results) {
    expect_output(expect_invisible(print(x)), "Event: outcome = \"Poor\"; 113 patients, 41 with the event")
    wide <- nchar(capture.output(print(x)))
    expect_lte(max(wide), 80)
    expect_output(print(summary(x)), "as.data.frame")
    expect_identical(as.data.frame(x), x[[1]])
    for (name in names(x)) expect_s3_class(as.data.frame(x, name), "data.frame")
    expect_identical(as.data.frame(x, what = names(x)[2]), x[[2]])
    expect_error(as.data.frame(x, "nothing"), "must be one of")
    expect_invisible(plot(x))
    after <- par(no.readonly = TRUE)
    moved <- c("usr", "xaxp", "yaxp", "plt", "pin", "fin", "fig", "page", "mfg")   # of the last plot, as of any
    expect_identical(after[setdiff(names(after), moved)], before[setdiff(names(before), moved)])
  }
  for (which in c("roc", "calibration", "decision")) expect_invisible(plot(v, which))
})

test_that("names mask nothing of pROC, stats and rms", {
  ours <- c("prldh_roc", "prldh_calibration", "prldh_dca", "prldh_validate", "read_run")
  for (package in Filter(function(p) requireNamespace(p, quietly = TRUE), c("pROC", "stats", "graphics", "base", "utils", "rms", "Hmisc"))) {
    expect_identical(intersect(ours, getNamespaceExports(package)), character(0))
  }
  if ("prldh" %in% loadedNamespaces()) expect_setequal(getNamespaceExports("prldh"), ours)
})

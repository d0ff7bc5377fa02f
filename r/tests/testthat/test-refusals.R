# Mistakes: one message each, that says what, what it should be, what was found, and what to do.
asah$risk <- asah_risk
asah$same <- 1
asah$apart <- event * 2 + seq_len(113) / 1000
asah$id <- sprintf("P%03d", seq_len(113))
asah$many <- as.numeric(seq_len(113))
asah$infinite <- replace(asah$s100b, 4, Inf)
asah$blank <- NA_real_
asah$day <- as.Date("2024-01-01") + seq_len(113)
asah$pieces <- as.list(seq_len(113))

cases <- list(
  list(quote(prldh_roc()), "outcome ~ score"),
  list(quote(prldh_roc(outcome ~ s100b, asah, weights = many * 1e6)), "at most 1,000,000 patients"),
  list(quote(prldh_roc(outcome ~ s100)), "no \"outcome\", \"s100\".*data = "),
  list(quote(prldh_roc(outcome ~ s100, asah)), "no column \"s100\".*Did you mean \"s100b\""),
  list(quote(prldh_roc(outcom ~ s100b, asah)), "no column \"outcom\".*\"outcome\""),
  list(quote(prldh_roc(outcome ~ zzz, asah)), "no column \"zzz\".*data has \"gos6\""),
  list(quote(prldh_roc(outcome ~ c, asah)), "no column \"c\""),
  list(quote(prldh_roc(~ s100b, asah)), "outcome ~ score"),
  list(quote(prldh_roc("outcome ~ s100b", asah)), "outcome ~ score"),
  list(quote(prldh_roc(asah$outcome, asah$s100b)), "outcome ~ score"),
  list(quote(prldh_roc(outcome ~ 1, asah)), "at least one variable"),
  list(quote(prldh_roc(outcome ~ s100b, as.matrix(asah))), "data frame.*matrix"),
  list(quote(prldh_roc(outcome ~ s100b, asah[0, ])), "with rows: found none"),
  list(quote(prldh_roc(outcome ~ s100b, asah[asah$outcome == "Good", ])), "\"Good\" alone in the 72 rows"),
  list(quote(prldh_roc(many ~ s100b, asah)), "two values: found 113"),
  list(quote(prldh_roc(wfns ~ s100b, asah)), "two values: found 5"),
  list(quote(prldh_roc(day ~ s100b, asah)), "class Date"),
  list(quote(prldh_roc(cbind(s100b, ndka) ~ age, asah)), "one column with two values"),
  list(quote(prldh_roc(outcome ~ same, asah)), "varies: found 1 in all 113"),
  list(quote(prldh_roc(outcome ~ infinite, asah)), "finite: found Inf in row 4"),
  list(quote(prldh_roc(outcome ~ blank, asah)), "none of 113"),
  list(quote(prldh_roc(outcome ~ gender, asah)), "higher means event: found class factor"),
  list(quote(prldh_roc(outcome ~ id, asah)), "class character"),
  list(quote(prldh_roc(outcome ~ day, asah)), "class Date"),
  list(quote(prldh_roc(outcome ~ pieces, asah)), "pieces must be|can be computed"),
  list(quote(prldh_roc(outcome ~ cbind(age, s100b), asah)), "one score a term"),
  list(quote(prldh_roc(outcome ~ age * s100b, asah)), "joined by"),
  list(quote(prldh_roc(outcome ~ s100b, asah, event = "poor")), "event must be one of \"Good\", \"Poor\": found \"poor\""),
  list(quote(prldh_roc(outcome ~ s100b, asah, event = c("Good", "Poor"))), "event must be one of"),
  list(quote(prldh_roc(outcome ~ s100b, asah, event = NA)), "event must be one of"),
  list(quote(prldh_roc(outcome ~ s100b, asah, event = list("Poor"))), "event must be one of"),
  list(quote(prldh_roc(outcome ~ s100b, asah, level = 95)), "between 0 and 1, such as 0.95: found 95"),
  list(quote(prldh_roc(outcome ~ s100b, asah, weights = risk)), "whole numbers"),
  list(quote(prldh_roc(outcome ~ s100b, asah, weights = -1 * many)), "counts of patients"),
  list(quote(prldh_roc(outcome ~ s100b, asah, weights = 1:3)), "each of the 113 rows: found 3"),
  list(quote(prldh_roc(outcome ~ s100b, asah, weights = "count")), "no column \"count\""),
  list(quote(prldh_roc(outcome ~ s100b, cbind(asah, s100b = 1))), "two columns \"s100b\""),
  list(quote(prldh_roc(outcome ~ log(nothing), asah)), "no column \"nothing\""),
  list(quote(prldh_roc(outcome ~ nosuch(s100b), asah)), "can be computed from data"),
  list(quote(prldh_calibration(outcome ~ s100b + age, asah)), "within 0 and 1: found 2.07.*not a probability"),
  list(quote(prldh_calibration(outcome ~ risk, asah, n_resamples = -1)), "n_resamples must be a whole number of 0 or more: found -1"),
  list(quote(prldh_calibration(outcome ~ risk, asah, n_resamples = TRUE)), "n_resamples must be a whole number"),
  list(quote(prldh_calibration(outcome ~ risk, asah, n_resamples = 1e7)), "at most 442477"),
  list(quote(prldh_calibration(outcome ~ risk, asah, seed = "a")), "seed must be one whole number"),
  list(quote(prldh_dca(outcome ~ age, asah)), "not a probability"),
  list(quote(prldh_dca(outcome ~ risk, asah, thresholds = c(0.1, 2))), "within 0 and 1: found 2"),
  list(quote(prldh_dca(outcome ~ risk, asah, thresholds = "a")), "within 0 and 1: found \"a\""),
  list(quote(prldh_dca(outcome ~ risk, asah, prevalence = 1)), "prevalence must be a number between 0 and 1"),
  list(quote(prldh_validate(outcome ~ I(s100b * 1e200), asah)), "Give it in another unit"),
  list(quote(prldh_roc(prldh_validate(outcome ~ age, asah, bootstrap = 0)["performance"])), "outcome ~ score"),
  list(quote(as.data.frame(prldh_roc(outcome ~ age, asah), c("a", "b"))), "a name for each of the 1 rows: found 2"),
  list(quote(prldh_calibration(outcome ~ risk, transform(asah, risk = pmin(1, risk) + 1e-9 * (risk == max(risk)) + (risk == max(risk)) * (1 - risk)))), "found 1.000000001"),
  list(quote(prldh_roc(outcome ~ outcome, asah)), "cannot predict itself"),
  list(quote(prldh_roc(outcome ~ s100b, asah, weights = nosuch)), "object 'nosuch' not found. Name the column"),
  list(quote(prldh_roc(prldh_validate(outcome ~ age, asah, bootstrap = 0), event = "Poor")), "leave them out"),
  list(quote(prldh_roc(prldh_roc(outcome ~ age, asah))), "class prldh_roc"),
  list(quote(prldh_validate(outcome ~ age, asah, method = c("firth", "logistic"))), "found \"firth\", \"logistic\""),
  list(quote(prldh_validate(outcome ~ apart, asah)), "separation by \"apart\".*firth"),
  list(quote(prldh_validate(outcome ~ ., asah[c("outcome", "id", "age")])), "fewer coefficients than the 113 patients: found 114.*id alone has 113 levels"),
  list(quote(prldh_validate(outcome ~ age + 0, asah)), "an intercept"),
  list(quote(prldh_validate(outcome ~ age + offset(s100b), asah)), "Leave the offset out"),
  list(quote(prldh_validate(outcome ~ age + (1 | gender), asah)), "random effects are not handled"),
  list(quote(prldh_validate(outcome ~ age, asah, method = "probit")), "\"logistic\" or \"firth\": found \"probit\""),
  list(quote(prldh_validate(outcome ~ age, asah, folds = 1)), "2 to the 113 patients: found 1"),
  list(quote(prldh_validate(outcome ~ age, asah, folds = 114)), "found 114"),
  list(quote(prldh_validate(outcome ~ age, asah, folds = 1:5)), "fold of each of the 113 rows"),
  list(quote(prldh_validate(outcome ~ age, asah, folds = as.integer(outcome))), "object 'outcome' not found|both outcomes"),
  list(quote(prldh_validate(outcome ~ age, asah, folds = event)), "leaves one class to fit"),
  list(quote(prldh_validate(outcome ~ age, asah, repeats = 0)), "repeats must be a whole number of 1 or more"),
  list(quote(prldh_validate(outcome ~ age, asah, leave_one_out = NA)), "TRUE or FALSE"),
  list(quote(prldh_validate(outcome ~ age, asah, bootstrap = matrix(1, 2, 5))), "113 patients.*found 2 x 5"),
  list(quote(prldh_validate(outcome ~ age, asah, bootstrap = "many")), "a number of samples"),
  list(quote(prldh_validate(outcome ~ age, asah[c(1, which(event == 1)), ])), "at least two patients of either class"),
  list(quote(read_run(3)), "folder of a finished run"),
  list(quote(read_run("no such folder")), "no folder no such folder"),
  list(quote(read_run(tempdir())), "which has a results.json: found none in")
)

test_that("a mistake has one message that names it", {
  for (case in cases) {
    told <- tryCatch(suppressMessages({ eval(case[[1]]); "no error" }), error = function(e) e)
    label <- paste(deparse(case[[1]]), collapse = " ")
    expect_s3_class(told, "error")
    expect_match(conditionMessage(told), case[[2]], info = label)
    if (!grepl("not found", case[[2]])) expect_null(conditionCall(told), info = label)
  }
})

test_that("separation is not seen where estimates are finite", {
  set.seed(1)
  for (k in 1:30) {
    d <- data.frame(x = rnorm(40) * 10^(k %% 5), g = factor(sample(3, 40, TRUE)))
    d$y <- rbinom(40, 1, plogis(3 * scale(d$x)[, 1]))
    apart <- min(d$x[d$y == 1]) >= max(d$x[d$y == 0])
    expect_identical(length(separated_columns(model.matrix(~ x + g, d), d$y)) > 0, apart || any(table(d$g, d$y) == 0))
  }
  x <- rnorm(2000)
  y <- as.integer(x > 0)
  y[order(x)[sum(x < 0) - 3]] <- 1   # one patient on the wrong side, with three between
  expect_length(separated_columns(cbind("(Intercept)" = 1, x = x), y), 0)
  expect_identical(separated_columns(cbind("(Intercept)" = 1, x = x, z = rnorm(2000)), as.integer(x > 0))[1], "x")
  quasi <- data.frame(y = c(0, 0, 0, 1, 1, 1, 0, 1), g = c(0, 0, 0, 0, 1, 1, 0, 0))
  expect_match(separated_columns(model.matrix(~ g, quasi), quasi$y), "g")
  expect_output(print(suppressMessages(prldh_validate(outcome ~ apart, asah, method = "firth", folds = 5, bootstrap = 5))), "Firth")
})

test_that("odd but honest input is taken", {
  same <- function(...) suppressMessages(prldh_validate(..., bootstrap = 5, folds = 3, leave_one_out = FALSE))
  expect_equal(same(outcome ~ poly(age, 2), asah)$predictions$log_odds, same(outcome ~ age + I(age^2), asah)$predictions$log_odds)
  expect_length(same(outcome ~ splines::ns(age, 3) + factor(wfns), asah)$coefficients$term, 8)
  expect_identical(unclass(same(outcome ~ ordered(wfns), asah))$performance, unclass(same(outcome ~ factor(wfns), asah))$performance)
  old <- options(contrasts = c("contr.sum", "contr.poly"), na.action = "na.fail", OutDec = ",")
  on.exit(options(old))
  asah$age[1] <- NA
  expect_true("genderFemale" %in% same(outcome ~ age + gender, asah)$coefficients$term)
  options(old)
  expect_identical(suppressMessages(prldh_validate(outcome ~ age, asah, folds = NULL, bootstrap = NULL))$performance$estimate, c("apparent", "leave_one_out"))
  expect_identical(prldh_calibration(outcome ~ risk, transform(asah, risk = 0.4), event = "Poor", n_resamples = 0)$calibration$method, "groups")
  expect_identical(prldh_dca(outcome ~ risk, transform(asah, risk = 0), event = "Poor", n_resamples = 0)$useful$thresholds, 0L)
  inside <- function(table, counts) prldh_roc(outcome ~ s100b, table, event = "Poor", weights = counts)
  expect_message(inside(asah, rep(2, 113)), "226 patients")
  expect_identical(prldh_roc(y ~ `a b`, data.frame(y = event, `a b` = asah$s100b, check.names = FALSE))$areas$score, "a b")
  set.seed(1)
  n <- 1e5
  large <- data.frame(y = rbinom(n, 1, 0.2), p = runif(n))
  expect_s3_class(prldh_roc(y ~ p, large), "prldh_roc")
})

test_that("plots take names of axes and graphical parameters", {
  pdf(NULL)
  on.exit(dev.off())
  curves <- prldh_roc(outcome ~ s100b, asah, event = "Poor")
  expect_silent(plot(curves, main = "own", xlab = "false alarms", ylab = "found", cex.axis = 2, col = "red", cutoff = FALSE, legend = FALSE))
  expect_identical(par("cex.axis"), 1)
  expect_silent(plot(prldh_dca(outcome ~ risk, asah, event = "Poor", n_resamples = 2), xlab = "risk", xlim = c(0, 0.5), ylim = c(-0.1, 0.4)))
  expect_silent(plot(prldh_calibration(outcome ~ risk, asah, event = "Poor", n_resamples = 2), ylab = "share", spikes = FALSE))
})

test_that("columns that cannot be estimated are told", {
  asah$twice <- asah$age * 2
  expect_message(found <- prldh_validate(outcome ~ age + twice, asah, event = "Poor", bootstrap = 5), "Not estimable.*: twice")
  expect_equal(found$performance$auc, suppressMessages(prldh_validate(outcome ~ age, asah, bootstrap = 5))$performance$auc)
})

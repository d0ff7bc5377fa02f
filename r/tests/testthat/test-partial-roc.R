ranges <- list(c(1, 0.8), c(0.9, 0.6), c(1, 0), c(0.505, 0.5))

proc_area <- function(outcome, score, range, focus, correct = FALSE) {
  roc <- pROC::roc(outcome, score, levels = 0:1, direction = "<", quiet = TRUE)
  as.numeric(pROC::auc(roc, partial.auc = range, partial.auc.focus = focus, partial.auc.correct = correct,
                       allow.invalid.partial.auc.correct = TRUE))
}

test_that("the area of every resample is pROC's", {
  set.seed(1)
  rows <- stratified_rows(event, 20)
  drawn <- matrix(rows + 1, nrow = 113)
  for (marker in c("wfns", "s100b")) for (focus in c("sensitivity", "specificity")) for (range in ranges) {
    score <- asah[[marker]]
    by_hand <- apply(drawn, 2, function(r) proc_area(event[r], score[r], range, focus))
    corrected <- apply(drawn, 2, function(r) proc_area(event[r], score[r], range, focus, TRUE))
    found <- partial_auc(event, score, focus, range[1], range[2], rows, 20, level = 0.8)
    expect_equal(c(found$low, found$high), quantile(by_hand, c(0.1, 0.9), names = FALSE), tolerance = 1e-12)
    expect_equal(c(found$corrected_low, found$corrected_high), quantile(corrected, c(0.1, 0.9), names = FALSE), tolerance = 1e-12)
    other <- apply(drawn, 2, function(r) proc_area(event[r], asah$ndka[r], range, focus))
    test <- compare_partial_auc(event, score, asah$ndka, focus, range[1], range[2], rows, 20)
    difference <- proc_area(event, score, range, focus) - proc_area(event, asah$ndka, range, focus)
    expect_equal(test$statistic, difference / sd(by_hand - other), tolerance = 1e-10)
    expect_equal(test$p, 2 * pnorm(-abs(difference / sd(by_hand - other))), tolerance = 1e-10)
  }
})

test_that("the bootstrap test and interval are pROC's, up to the random numbers", {
  rocs <- lapply(asah[c("s100b", "ndka")], function(s) pROC::roc(event, s, levels = 0:1, direction = "<", quiet = TRUE))
  set.seed(2)
  rows <- stratified_rows(event, 2000)
  for (focus in c("sensitivity", "specificity")) {
    theirs <- pROC::roc.test(rocs$s100b, rocs$ndka, method = "bootstrap", boot.n = 2000, progress = "none", reuse.auc = FALSE,
                             partial.auc = c(1, 0.8), partial.auc.focus = focus)
    found <- compare_partial_auc(event, asah$s100b, asah$ndka, focus, 1, 0.8, rows, 2000)
    expect_equal(found$difference, as.numeric(theirs$estimate[1] - theirs$estimate[2]), tolerance = 1e-12)
    expect_equal(found$statistic, as.numeric(theirs$statistic), tolerance = 0.08)   # the spread's own error is 1.6 %
    limits <- pROC::ci.auc(rocs$s100b, method = "bootstrap", boot.n = 2000, progress = "none", reuse.auc = FALSE,
                           partial.auc = c(1, 0.8), partial.auc.focus = focus, partial.auc.correct = TRUE)
    found <- partial_auc(event, asah$s100b, focus, 1, 0.8, rows, 2000)
    expect_equal(c(found$corrected_low, found$corrected_high), as.numeric(limits)[c(1, 3)], tolerance = 0.03)
  }
})

test_that("restricted placement values leave one patient out, and over the whole range are DeLong's", {
  whole <- check_range(1, 0)
  wfns <- as.numeric(asah$wfns)
  found <- restricted_placements(event, wfns, "specificity", whole)
  pairs <- outer(wfns[event == 1], wfns[event == 0], "-")
  above <- (pairs > 0) + (pairs == 0) / 2
  expect_equal(found, list(events = rowMeans(above), others = colMeans(above)), tolerance = 1e-11)
  expect_equal(partial_auc(event, asah$wfns, "sensitivity", 0, 1)$variance, auc(event, asah$wfns)$variance, tolerance = 1e-11)
  delong <- compare_auc(event, asah$wfns, asah$ndka)
  expect_equal(compare_partial_auc_asymptotic(event, asah$wfns, asah$ndka, "sensitivity", 1, 0)[names(delong)], delong, tolerance = 1e-9)

  range <- check_range(1, 0.8)
  found <- restricted_placements(event, asah$s100b, "sensitivity", range)
  m <- sum(event)
  without <- vapply(which(event == 1), function(i) proc_area(event[-i], asah$s100b[-i], c(1, 0.8), "sensitivity"), numeric(1))
  expect_equal(found$events, m * proc_area(event, asah$s100b, c(1, 0.8), "sensitivity") - (m - 1) * without, tolerance = 1e-10)
})

test_that("blocks of samples change nothing", {
  set.seed(3)
  n <- 700
  outcome <- rep(0:1, c(450, 250))
  score <- rnorm(n) + outcome
  times <- times_drawn(stratified_rows(outcome, 5000), 5000, n)   # two blocks
  together <- partial_areas(outcome, score, "specificity", check_range(1, 0.8), times)
  last <- partial_areas(outcome, score, "specificity", check_range(1, 0.8), times[, 4990:5000])
  expect_identical(together[4990:5000], last)
})

test_that("partial areas at the edge", {
  outcome <- rep(0:1, each = 3)
  rows <- stratified_rows(outcome, 10)
  for (focus in c("sensitivity", "specificity")) {
    perfect <- partial_auc(outcome, 1:6, focus, 1, 0.8, rows, 10)
    expect_equal(unlist(perfect[c("corrected", "variance", "corrected_low", "corrected_high")], use.names = FALSE), c(1, 0, 1, 1))
    constant <- partial_auc(outcome, rep(2, 6), focus, 0.9, 0.6, rows, 10)
    expect_equal(c(constant$estimate, constant$corrected, constant$variance), c(0.3 * 0.25, 0.5, 0))
    expect_true(is.na(partial_auc(outcome, 6:1, focus)$corrected))
    same <- list(difference = 0, low = 0, high = 0, statistic = 0, p = 1)
    expect_equal(compare_partial_auc(outcome, 1:6, c(1, 2, 2, 9, 9, 8), focus, 1, 0.8, rows, 10), same)
    expect_equal(compare_partial_auc_asymptotic(outcome, 1:6, c(1, 2, 2, 9, 9, 8), focus, 1, 0.8), c(same, df = Inf))
    apart <- compare_partial_auc_asymptotic(outcome, 1:6, 6:1, focus, 1, 0.8)
    expect_equal(c(apart$difference, apart$statistic, apart$p), c(0.2, Inf, 0))
    for (one_class in list(rep(0, 6), rep(1, 6))) {
      expect_true(all(is.na(unlist(partial_auc(one_class, 1:6, focus, 1, 0.8, rows, 10)))))
      expect_true(all(is.na(unlist(compare_partial_auc(one_class, 1:6, 6:1, focus, 1, 0.8, rows, 10)))))
      expect_true(all(is.na(unlist(compare_partial_auc_asymptotic(one_class, 1:6, 6:1, focus)))))
    }
    three <- compare_partial_auc_asymptotic(c(0, 0, 1), c(1, 2, 1.5), c(3, 2, 1), focus, 1, 0)
    expect_equal(three$difference, 0.5)
    expect_true(all(is.na(unlist(three[-1]))))
  }
  mixed <- c(0, 0, 0, 0, 0, 0, 0:5)   # the first sample has no event
  expect_equal(partial_auc(outcome, 1:6, "sensitivity", 1, 0.8, mixed, 2)$corrected_low, 1)
  expect_true(is.na(compare_partial_auc(outcome, 1:6, 6:1, "sensitivity", 1, 0.8, mixed, 2)$p))
})

test_that("errors of partial areas say what is wrong", {
  expect_error(partial_auc(c(0, 1), 1:2, "sensitivity", 0.8, 0.8), "two different ends")
  expect_error(partial_auc(c(0, 1), 1:2, "sensitivity", 1.2, 0.8), "found 1.2 and 0.8")
  expect_error(compare_partial_auc(c(0, 1), 1:2, 2:1, "specificity", 1, 0.8, 0:4, 2), "found 5 for 2")
  expect_error(compare_partial_auc(c(0, 1), 1:2, 2:1, "specificity", 1, 0.8, 1:2, 1), "from 0 to 1")
})

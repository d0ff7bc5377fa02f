markers <- c("wfns", "s100b", "ndka")

test_that("areas, DeLong variances and intervals are pROC's", {
  for (marker in markers) {
    expected <- golden$roc[[marker]]
    found <- auc(event, asah[[marker]])
    expect_near(found$estimate, expected$auc)
    expect_near(found$variance, expected$var_delong)
    expect_near(c(found$low, found$high), expected$ci_delong_95[c(1, 3)])
    found <- auc(event, asah[[marker]], level = 0.9)
    expect_near(c(found$low, found$high), expected$ci_delong_90[c(1, 3)])
  }
})

test_that("curves are pROC's", {
  for (marker in markers) {
    expected <- golden$roc[[marker]]
    found <- roc_curve(event, asah[[marker]])
    expect_near(found$thresholds, expected$thresholds)
    expect_near(found$sensitivities, expected$sensitivities)
    expect_near(found$specificities, expected$specificities)
  }
})

test_that("paired DeLong tests are pROC's", {
  for (pair in names(golden$roc_test_delong_paired)) {
    expected <- golden$roc_test_delong_paired[[pair]]
    names <- strsplit(pair, "_vs_")[[1]]
    found <- compare_auc(event, asah[[names[1]]], asah[[names[2]]])
    expect_near(found$statistic, expected$Z)
    expect_near(found$p, expected$p)
    expect_near(c(found$low, found$high), expected$diff_ci_95)
    expect_near(found$difference, expected$estimate[1] - expected$estimate[2])
  }
})

test_that("partial areas are pROC's, plain and corrected", {
  for (marker in markers) {
    expected <- golden[["pauc_1_0.8"]][[marker]]
    for (focus in c("sensitivity", "specificity")) {
      key <- substr(focus, 1, 4)
      found <- partial_auc(event, asah[[marker]], focus, 1, 0.8)
      expect_near(found$estimate, expected[[key]])
      expect_near(found$corrected, expected[[paste0(key, "_corrected")]])
    }
  }
})

test_that("Youden's cutoffs are pROC's", {
  for (marker in markers) {
    expected <- golden$coords[[marker]]
    found <- youden(event, asah[[marker]])
    for (key in names(found)) expect_near(found[[key]], expected[[key]])
  }
})

test_that("Clopper-Pearson is binom.test's, and has its closed form at the ends", {
  expect_equal(proportion(0, 10), list(estimate = 0, low = 0, high = 1 - 0.025^(1 / 10)))
  expect_equal(proportion(10, 10), list(estimate = 1, low = 0.025^(1 / 10), high = 1))
  expect_true(all(is.na(unlist(proportion(0, 0)))))
})

test_that("univariate screens are wilcox.test's and t.test's numbers", {
  set.seed(1)
  outcome <- rep(0:1, c(25, 15))
  values <- cbind(rnorm(40), round(rnorm(40)), outcome + rnorm(40), 5)
  found <- univariate_screen(values, outcome)
  for (j in 1:3) {
    a <- values[outcome == 0, j]
    b <- values[outcome == 1, j]
    w <- wilcox.test(a, b, exact = FALSE)
    t <- t.test(a, b, var.equal = TRUE)
    expect_near(c(found$w[j], found$p_wilcoxon[j]), c(w$statistic, w$p.value), 1e-10)
    expect_near(c(found$t[j], found$p_t[j]), c(t$statistic, t$p.value), 1e-10)
    expect_near(found$r[j], cor(values[, j], outcome), 1e-10)
    expect_near(found$auc[j], auc(outcome, values[, j])$estimate, 1e-12)
  }
  expect_true(all(is.na(sapply(found, `[`, 4))))   # constant
  expect_true(all(is.na(unlist(univariate_screen(values, rep(0, 40))))))
  expect_error(univariate_screen(values, outcome[-1]), "one row for each")
})

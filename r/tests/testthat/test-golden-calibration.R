with_own_code <- function(own, code) {
  before <- use_own_code(own)
  on.exit(use_own_code(before))
  force(code)
}

test_that("Hosmer-Lemeshow is ResourceSelection's, by either code", {
  wfns <- fitted(glm(event ~ as.numeric(as.character(asah$wfns)), family = binomial))
  risk <- fitted(glm(event ~ age + s100b + ndka, family = binomial, data = asah))
  cases <- list(aSAH_m1_g10 = list(risk, 10), aSAH_m1_g5 = list(risk, 5), aSAH_wfns_g10_ties = list(wfns, 10))
  for (own in c(TRUE, FALSE)) for (name in names(cases)) {
    expected <- golden$hoslem[[name]]
    found <- with_own_code(own, suppressWarnings(hosmer_lemeshow(event, cases[[name]][[1]], cases[[name]][[2]])))
    expect_near(found$statistic, expected$chisq)
    expect_near(found$df, expected$df)
    expect_near(found$p, expected$p)
    expect_near(found$observed, expected$observed_y0_y1[, 2])
    expect_near(found$n, rowSums(expected$observed_y0_y1))
    expect_near(found$expected, expected$expected_y0_y1[, 2])
    expect_equal(found$n_groups, nrow(expected$observed_y0_y1))
  }
})

test_that("merged groups are told", {
  expect_warning(hosmer_lemeshow(event, ifelse(asah$gender == "Male", 0.2, 0.5)), "ties left")
})

test_that("calibration is val.prob's", {
  found <- calibration(event, asah_risk)
  expected <- golden$val_prob_asah$values
  expect_near(found$brier, expected$Brier, 1e-8)   # val.prob had glm's default epsilon
  expect_near(found$spiegelhalter_z, expected$`S:z`, 1e-6)
  expect_near(found$spiegelhalter_p, expected$`S:p`, 1e-6)
  expect_near(found$scaled_brier, 1 - expected$Brier / (mean(event) * mean(1 - event)), 1e-8)
  expect_near(found$ici, expected$Eavg, 1e-6)
  expect_near(found$e90, expected$E90, 1e-6)
  expect_near(found$emax, expected$Emax, 1e-6)
  # Apparent: 0 and 1 by construction
  expect_lt(abs(found$intercept), 1e-8)
  expect_lt(abs(found$slope - 1), 1e-8)
  expect_lt(abs(found$citl), 1e-8)
})

test_that("decision and impact curves are rmda's, by either code", {
  curve <- golden$rmda$curve
  for (own in c(TRUE, FALSE)) {
    found <- with_own_code(own, decision_curve(event, golden$rmda$risk, curve$thresholds))
    expect_lt(max(abs(found$net_benefit - curve$NB)), 1e-12)
    expect_lt(max(abs(found$standardized - curve$sNB)), 1e-12)
    impact <- with_own_code(own, clinical_impact(event, golden$rmda$risk, curve$thresholds))
    expect_lt(max(abs(impact$high_risk / 1000 - curve$prob.high.risk)), 1e-12)
    expect_lt(max(abs(impact$high_risk_events / 1000 - curve$DP)), 1e-12)
  }
})

test_that("intraclass correlations are Shrout and Fleiss's, with psych's intervals", {
  ratings <- golden$icc_shrout_fleiss_1979$ratings
  published <- c(ICC1 = 0.17, ICC2 = 0.29, ICC3 = 0.71, ICC1k = 0.44, ICC2k = 0.62, ICC3k = 0.91)
  for (form in names(published)) {
    expected <- golden$icc_shrout_fleiss_1979$results
    expected <- expected[expected$type == form, ]
    found <- icc_of_ratings(ratings, form)
    expect_equal(round(found$estimate, 2), published[[form]])
    expect_near(found$estimate, expected$ICC, 1e-10)
    expect_near(found$low, expected[["lower bound"]], 1e-8)
    expect_near(found$high, expected[["upper bound"]], 1e-8)
  }
})

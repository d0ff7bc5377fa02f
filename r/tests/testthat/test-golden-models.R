test_that("logistic fits are glm's", {
  fits <- list(aSAH_age_s100b_ndka = asah_design, aSAH_wfns = cbind(1, as.numeric(as.character(asah$wfns))))
  for (name in names(fits)) {
    expected <- golden$glm[[name]]
    found <- fit_logistic(fits[[name]], event)
    expect_near(found$coefficients, expected$coef, 1e-10)
    expect_near(found$standard_errors, expected$se, 1e-4)
    expect_near(found$p_values, expected$p, 1e-3)
    expect_near(found$deviance, expected$deviance, 1e-8)
    expect_near(found$null_deviance, expected$null_deviance, 1e-8)
    expect_near(found$log_likelihood, expected$loglik, 1e-8)
    # confint.glm interpolates: near, and no nearer
    expect_lt(max(abs(profile_limits(fits[[name]], event) - expected$ci_profile)), 1e-3)
  }
})

test_that("the LASSO is glmnet's", {
  found <- new.env()
  utils::data("BinomialExample", package = "glmnet", envir = found)
  example <- found$BinomialExample
  lasso <- cv_lasso(example$x, example$y, golden$glmnet$foldid)
  n <- length(golden$glmnet$lambda)
  expect_near(lasso$lambda[1:n], golden$glmnet$lambda)
  expect_near(lasso$cv_mean[1:40], golden$glmnet$cvm[1:40], 1e-3)   # golden: default thresh
  expect_near(lasso$lambda_min, golden$glmnet$lambda_min)
  expect_lt(max(abs(lasso$coefficients - golden$glmnet$tight$coef)), 1e-5)
  expect_equal(dim(lasso$path), c(31, length(lasso$lambda)))
  expect_equal(lasso$path[, which(lasso$lambda == lasso$lambda_min)], lasso$coefficients)
  expect_equal(colSums(lasso$path[-1, ] != 0), lasso$n_nonzero)
  same <- cv_elastic_net(example$x, example$y, golden$glmnet$foldid, tolerance = 1e-14)
  expect_equal(same[names(lasso)], lasso)
  expect_gte(same$lambda_1se, same$lambda_min)
  expect_true(all(cv_elastic_net(example$x, example$y, golden$glmnet$foldid, alpha = 0)$coefficients != 0))
})

# Full-precision results of pROC 1.18.0, glmnet 4.1-6, ResourceSelection 0.3-6, rmda 1.6, psych and rms on the data that
# pROC and glmnet carry.
golden <- jsonlite::fromJSON(test_path("fixtures", "golden.json"))

asah <- local({
  found <- new.env()
  utils::data("aSAH", package = "pROC", envir = found)
  found$aSAH
})
event <- as.numeric(asah$outcome == "Poor")
asah_design <- cbind(1, asah$age, asah$s100b, asah$ndka)
asah_risk <- plogis(linear_predictor(asah_design, fit_logistic(asah_design, event)$coefficients))

expect_near <- function(found, expected, relative = 1e-8) {
  expected <- suppressWarnings(as.numeric(expected))
  found <- as.numeric(found)
  expect_equal(is.na(found), is.na(expected))
  same <- found == expected
  error <- abs(found - expected) / pmax(abs(expected), 1e-12)
  error[!is.na(same) & same] <- 0
  expect_lte(max(error, 0, na.rm = TRUE), relative)
}

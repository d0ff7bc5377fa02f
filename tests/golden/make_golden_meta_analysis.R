# Rscript tests/golden/make_golden_meta_analysis.R, from the repository's root: writes
# tests/golden/data/golden_meta_analysis.json.
suppressPackageStartupMessages({library(metafor); library(jsonlite)})
i <- seq_len(9)
cohorts <- list(
  bcg = with(escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg), list(yi = c(yi), vi = c(vi))),
  formula = list(yi = 0.8 + sin(i), vi = 0.02 + 0.03 * (i %% 4)),
  three = list(yi = c(0.2, 1.1, 1.9), vi = c(0.05, 0.2, 0.1)),
  two = list(yi = c(0.5, 1.6), vi = c(0.1, 0.2)),
  homogeneous = list(yi = c(1.01, 0.99, 1.02, 0.98, 1), vi = c(0.04, 0.09, 0.02, 0.05, 0.07)),
  uneven = list(yi = c(1.5, 0.2, 0.9, 2.4), vi = c(0.001, 0.5, 0.04, 3)))
golden <- lapply(cohorts, function(cohort) {
  # REML to rounding; metafor's default stops where tau2 changes by less than 1e-5
  fit <- rma(yi, vi, data = cohort, method = "REML", test = "knha", control = list(threshold = 1e-14, maxiter = 1e5))
  new <- predict(fit)
  default <- rma(yi, vi, data = cohort, method = "REML", test = "knha")
  c(cohort, list(estimate = c(fit$beta), low = fit$ci.lb, high = fit$ci.ub, se = fit$se, factor = fit$s2w, tau2 = fit$tau2,
                 i2 = fit$I2 / 100, q = fit$QE, q_p = fit$QEp, prediction_low = new$pi.lb, prediction_high = new$pi.ub,
                 tau2_at_default = default$tau2))
})
golden$call <- "metafor::rma(yi, vi, method = \"REML\", test = \"knha\", control = list(threshold = 1e-14, maxiter = 1e5)); predict()"
golden$made_by <- paste(R.version.string, "metafor", packageVersion("metafor"))
write(toJSON(golden, digits = NA, pretty = TRUE, auto_unbox = TRUE), "tests/golden/data/golden_meta_analysis.json")

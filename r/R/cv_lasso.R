cv_lasso <- function(values, outcome, fold_ids, n_lambda = 100) {
  found <- cv_elastic_net(values, outcome, fold_ids, 1, n_lambda, 1e-14)
  found[names(found) != "lambda_1se"]
}

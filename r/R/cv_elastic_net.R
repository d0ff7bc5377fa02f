cv_elastic_net <- function(values, outcome, fold_ids, alpha = 1, n_lambda = 100, tolerance = 1e-7) {
  outcome <- check_outcome(outcome)
  values <- check_design(values, length(outcome))
  check_elastic_net(values, outcome, fold_ids, alpha)
  # glmnet's default of 1e5 passes ends the path early at a small thresh
  fit <- glmnet::cv.glmnet(values, outcome, family = "binomial", foldid = as.integer(fold_ids), standardize = TRUE,
                           type.measure = "deviance", alpha = alpha, nlambda = n_lambda, thresh = tolerance, maxit = 1e7,
                           exclude = if (alpha == 1) copies_of_earlier(values))
  path <- fit$glmnet.fit
  kept <- match(fit$lambda, path$lambda)   # cv.glmnet drops lambdas whose error it cannot judge
  coefficients <- rbind(as.numeric(path$a0), dense(path$beta))[, kept, drop = FALSE]
  list(lambda = fit$lambda, cv_mean = as.numeric(fit$cvm), cv_sd = as.numeric(fit$cvsd),
       n_nonzero = as.numeric(fit$nzero), lambda_min = fit$lambda.min, lambda_1se = fit$lambda.1se,
       coefficients = coefficients[, match(fit$lambda.min, fit$lambda)], path = coefficients)
}

# Columns that equal an earlier one but for position, scale and sign: any division between them solves the lasso.
copies_of_earlier <- function(values) {
  centred <- sweep(values, 2, colMeans(values))
  spread <- sqrt(colMeans(centred^2))
  standardised <- sweep(centred, 2, ifelse(spread > 0, spread, 1), "/")
  signed <- sweep(standardised, 2, ifelse(standardised[1, ] < 0, -1, 1), "*")
  which(duplicated(round(signed, 9), MARGIN = 2) & spread > 0)
}

check_elastic_net <- function(values, outcome, fold_ids, alpha) {
  if (ncol(values) < 2) {
    stop("a penalised regression needs at least two columns of values: found ", ncol(values),
         ". With one there is nothing to select.", call. = FALSE)
  }
  if (!has_both_classes(outcome)) {
    stop("a penalised regression needs both outcomes: found only ", outcome[1], ".", call. = FALSE)
  }
  if (length(fold_ids) != length(outcome)) {
    stop("fold_ids must have one number for each of the ", length(outcome), " outcomes: found ",
         length(fold_ids), ".", call. = FALSE)
  }
  n_folds <- length(unique(fold_ids))
  if (n_folds < 3) {
    stop("a penalised regression needs at least three folds: found ", n_folds, ". Use more folds.", call. = FALSE)
  }
  if (alpha < 0 || alpha > 1) {
    stop("alpha is a share of the lasso from 0 (ridge) to 1 (lasso): found ", alpha, ".", call. = FALSE)
  }
}

# A sparse matrix written out by hand, so that nothing depends on which packages are attached.
dense <- function(sparse) {
  full <- matrix(0, sparse@Dim[1], sparse@Dim[2])
  full[cbind(sparse@i + 1L, rep(seq_len(sparse@Dim[2]), diff(sparse@p)))] <- sparse@x
  full
}

# One refit in plain R: mRMR, random forests by number of features, correlation, cv.glmnet, SVM-RFE.
# Rscript plain_r.R TABLE.csv TREES SIZES -- prints "stage CPU-seconds" lines; a stage whose package is absent says so.
arguments <- commandArgs(TRUE)
data <- as.matrix(read.csv(arguments[1]))
y <- data[, 1]; x <- data[, -1]
trees <- as.integer(arguments[2]); sizes <- seq_len(as.integer(arguments[3]))
seconds <- function(expr) { t <- proc.time(); force(expr); d <- proc.time() - t; unname(d[1] + d[2]) }
information <- function(r) -0.5 * log1p(-pmin(r^2, 1 - 1e-12))
mrmr <- function(k) {
  relevance <- information(as.vector(cor(x, y)))
  redundancy <- numeric(ncol(x)); chosen <- integer(0)
  for (step in seq_len(k)) {
    score <- relevance - redundancy / max(step - 1, 1)
    score[chosen] <- -Inf
    chosen <- c(chosen, which.max(score))
    redundancy <- redundancy + information(as.vector(cor(x, x[, chosen[step]])))
  }
  chosen
}
set.seed(1)
cat("mrmr", seconds(order <- mrmr(max(sizes))), "\n")
fold <- sample(rep_len(1:5, nrow(x)))
if (requireNamespace("randomForest", quietly = TRUE)) {
  cat("forest", seconds(for (k in 1:5) for (s in sizes) {
    use <- order[seq_len(s)]
    forest <- randomForest::randomForest(x[fold != k, use, drop = FALSE], factor(y[fold != k]), ntree = trees)
    predict(forest, x[fold == k, use, drop = FALSE], type = "prob")
  }), "\n")
} else cat("forest skipped: the package randomForest is absent\n")
kept <- x[, order[seq_len(min(10, length(order)))], drop = FALSE]
if (requireNamespace("glmnet", quietly = TRUE)) {
  cat("lasso", seconds(glmnet::cv.glmnet(kept, y, family = "binomial", nfolds = 10)), "\n")
} else cat("lasso skipped: the package glmnet is absent\n")
if (requireNamespace("e1071", quietly = TRUE)) {
  cat("svm_rfe", seconds({
    left <- seq_len(ncol(kept))
    while (length(left) > 1) {
      machine <- e1071::svm(kept[, left, drop = FALSE], factor(y), kernel = "linear", cost = 1)
      left <- left[-which.min((t(machine$coefs) %*% machine$SV)^2)]
    }
  }), "\n")
} else cat("svm_rfe skipped: the package e1071 is absent\n")

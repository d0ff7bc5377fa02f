# One refit of the default protocol in plain R, as an analyst would write it.
# Rscript plain_r.R TABLE.csv TREES SIZE[,SIZE...] -- prints "stage CPU-seconds" lines, then "kept NAME ...".
suppressPackageStartupMessages({library(randomForest); library(glmnet); library(e1071)})
arguments <- commandArgs(TRUE)
data <- as.matrix(read.csv(arguments[1]))
y <- data[, 1]; x <- data[, -1]
trees <- as.integer(arguments[2]); sizes <- as.integer(strsplit(arguments[3], ",")[[1]])
set.seed(1)

timed <- function(stage, expr) {
  before <- proc.time(); value <- force(expr); spent <- proc.time() - before
  cat(stage, unname(spent[1] + spent[2]), "\n"); value
}
folds_of <- function(k) { # stratified
  fold <- integer(length(y))
  for (class in 0:1) fold[y == class] <- sample(rep_len(seq_len(k), sum(y == class)))
  fold
}
auc <- function(score, event) {
  n <- sum(event); (sum(rank(score)[event == 1]) - n * (n + 1) / 2) / (n * sum(event == 0))
}
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
best_size <- function(order, fold) {
  mean_aucs <- sapply(sizes, function(s) mean(sapply(1:5, function(k) {
    use <- order[seq_len(s)]
    forest <- randomForest(x[fold != k, use, drop = FALSE], factor(y[fold != k]), ntree = trees)
    auc(predict(forest, x[fold == k, use, drop = FALSE], type = "prob")[, 2], y[fold == k])
  })))
  sizes[which.max(mean_aucs)]
}
uncorrelated <- function(use) {
  strength <- abs(as.vector(cor(x[, use, drop = FALSE], y)))
  kept <- integer(0)
  for (j in use[order(-strength)]) {
    if (abs(cor(x[, j], y)) >= 0.3 && !any(abs(cor(x[, j], x[, kept, drop = FALSE])) > 0.9)) kept <- c(kept, j)
  }
  if (length(kept)) sort(kept) else use[which.max(strength)]
}
lasso <- function(z) {
  fit <- cv.glmnet(z, y, family = "binomial", foldid = folds_of(10), standardize = FALSE)
  which(as.vector(coef(fit, s = "lambda.min"))[-1] != 0)
}
svm_rfe <- function(z) {
  machine <- function(rows, use) svm(z[rows, use, drop = FALSE], factor(y[rows]), kernel = "linear", cost = 1, scale = FALSE)
  everyone <- seq_along(y); left <- seq_len(ncol(z)); ranking <- integer(0)
  while (length(left) > 1) {
    fit <- machine(everyone, left)
    worst <- which.min((t(fit$coefs) %*% fit$SV)^2)
    ranking <- c(left[worst], ranking); left <- left[-worst]
  }
  ranking <- c(left, ranking)
  fold <- folds_of(10)
  accuracy <- sapply(seq_along(ranking), function(s) mean(sapply(1:10, function(k) {
    use <- ranking[seq_len(s)]
    mean(predict(machine(which(fold != k), use), z[fold == k, use, drop = FALSE]) == y[fold == k])
  })))
  sort(ranking[seq_len(which.max(accuracy))])
}

order <- timed("mrmr", mrmr(max(sizes)))
size <- timed("forest", best_size(order, folds_of(5)))
kept <- timed("correlation", uncorrelated(sort(order[seq_len(size)])))
if (length(kept) > 1) {
  z <- scale(x[, kept, drop = FALSE])
  by_lasso <- timed("lasso", lasso(z))
  by_svm <- timed("svm_rfe", svm_rfe(z))
  both <- intersect(by_lasso, by_svm)
  chosen <- if (length(both)) both else if (length(by_lasso)) by_lasso else by_svm
  kept <- kept[chosen]
}
invisible(timed("model", glm(y ~ x[, kept, drop = FALSE], family = binomial)))
cat("kept", colnames(x)[kept], "\n")

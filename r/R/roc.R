# Direction and levels are always given: pROC would otherwise turn a reversed score round and call it good.
make_roc <- function(outcome, score) {
  pROC::roc(outcome, score, levels = c(0, 1), direction = "<", quiet = TRUE)
}

categorical_test <- function(counts, kind = c("chi2", "fisher")) {
  kind <- match.arg(kind)
  counts <- as.matrix(counts)
  nothing <- list(statistic = NA_real_, p = NA_real_, df = NA_real_)
  # chisq.test would take a single row for a goodness-of-fit question
  if (nrow(counts) < 2 || any(colSums(counts) == 0)) return(nothing)
  if (kind == "fisher") return(list(statistic = NA_real_, p = fisher_p(counts), df = NA_real_))
  # The caller has decided between chi-squared and exact; R's warning about small expected counts says nothing new
  test <- suppressWarnings(chisq.test(counts, correct = FALSE))
  list(statistic = as.numeric(test$statistic), p = as.numeric(test$p.value), df = as.numeric(test$parameter))
}

# Exact always: more room for the network algorithm where its default is too small, never simulation.
fisher_p <- function(counts) {
  for (workspace in c(2e5, 2e7, 2e8)) {
    p <- tryCatch(fisher.test(counts, workspace = workspace, conf.int = FALSE)$p.value, error = identity)
    if (is.numeric(p)) return(p)
  }
  stop("Fisher's exact test is out of reach for this table (", nrow(counts), " rows, ", sum(counts), " patients): ",
       conditionMessage(p), " Use the chi-squared test.", call. = FALSE)
}

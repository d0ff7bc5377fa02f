# Rscript tests/golden/make_golden_permanova.R, from the repository's root: writes tests/golden/data/golden_permanova.json.
suppressPackageStartupMessages({library(vegan); library(jsonlite)})
n <- 30
group <- seq_len(n) %% 3
values <- sapply(seq_len(8), function(j) sin(seq_len(n)^2 * j) + 0.25 * group * (j %% 3))
wide <- sapply(seq_len(50), function(j) cos(seq_len(n)^2 * j * 0.7) + 0.2 * group * (j %% 2))
set.seed(5)
facts <- function(x) {
  found <- adonis2(x ~ factor(group), method = "euclidean", permutations = 9999)
  list(f = found$F[1], r2 = found$R2[1], p = found[["Pr(>F)"]][1],
       eta2 = unname(apply(x, 2, function(column) summary(lm(column ~ factor(group)))$r.squared)))
}
golden <- list(n = n, values = facts(values), wide = facts(wide),
               call = "vegan::adonis2(x ~ factor(group), method = \"euclidean\", permutations = 9999)",
               made_by = paste(R.version.string, "vegan", packageVersion("vegan")))
write(toJSON(golden, digits = NA, pretty = TRUE, auto_unbox = TRUE), "tests/golden/data/golden_permanova.json")

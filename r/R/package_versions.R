package_versions <- function() {
  version_of <- function(package) {
    tryCatch(as.character(utils::packageVersion(package)), error = function(e) NA_character_)
  }
  packages <- c("pROC", "glmnet", "ResourceSelection", "rmda", "stats")
  c(R = paste(R.version$major, R.version$minor, sep = "."),
    vapply(packages, version_of, character(1)))
}

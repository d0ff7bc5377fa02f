# ResourceSelection and rmda are suggested packages: where they are installed their numbers are taken, elsewhere
# our own code of the same definition runs. Tests force our own code to hold both to the same values.
use_own_code <- function(own = TRUE) {
  old <- isTRUE(getOption("prldh.own_code"))
  options(prldh.own_code = isTRUE(own))
  invisible(old)
}

can_use <- function(package) {
  !isTRUE(getOption("prldh.own_code")) && requireNamespace(package, quietly = TRUE)
}

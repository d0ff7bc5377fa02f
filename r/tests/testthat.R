library(testthat)
library(prldh)

test_check("prldh")

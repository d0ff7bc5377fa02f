test_that("the worked example of Riley et al. (Cox-Snell 0.288, 24 parameters, prevalence 0.174)", {
  found <- sample_size(0.174, 24, 0.288)
  expect_equal(c(found$n_shrinkage, found$n_optimism, found$n_risk), c(623, 662, 221))
  expect_equal(c(found$n, found$events), c(662, 116))
  expect_true(is.na(found$max_parameters))
  expect_equal(sample_size(0.174, 24, 0.288, n_at_hand = 662)$max_parameters, 24)
  expect_equal(sample_size(0.174, 24, 0.288, n_at_hand = 661)$max_parameters, 23)
  expect_equal(sample_size(0.174, 1, 0.288, n_at_hand = 220)$max_parameters, 0)
})

test_that("what cannot be anticipated is refused", {
  expect_error(sample_size(0.5, 1, 0.75), "largest at a prevalence")
  expect_error(sample_size(1, 1, 0.1), "prevalence")
  expect_error(sample_size(0.5, -1, 0.1), "parameters")
})

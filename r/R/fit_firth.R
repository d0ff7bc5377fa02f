# Firth's penalised likelihood: the log-likelihood plus half the log determinant of the information. The same iterations as
# the Python engine's: Fisher's scoring from coefficients of 0, as logistf has it, and near the maximum Newton's method, whose
# curvature is computed anew only where progress slows down.
fit_firth <- function(design, outcome) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  fit <- firth_columns(design, outcome)
  k <- ncol(design)
  columns <- fit$columns
  covariance <- matrix(NA_real_, k, k, dimnames = list(colnames(design), colnames(design)))
  covariance[columns, columns] <- fit$covariance
  coefficients <- p_values <- setNames(rep(NA_real_, k), colnames(design))
  coefficients[columns] <- fit$estimates
  is_converged <- fit$is_converged
  for (j in seq_along(columns)) {
    zero <- firth_at_zero(firth_profile(fit, j))
    p_values[columns[j]] <- pchisq(max(2 * (fit$value - zero$value), 0), 1, lower.tail = FALSE)
    is_converged <- is_converged && zero$is_converged
  }
  null <- firth_maximise(fit$basis$x, outcome, numeric(length(columns)), 1)$value
  list(coefficients = coefficients,
       standard_errors = sqrt(diag(covariance)),
       p_values = p_values,
       covariance = covariance,
       log_likelihood = fit$value + fit$log_determinant,
       deviance = -2 * (fit$value + fit$log_determinant),
       null_deviance = -2 * (null + fit$log_determinant),
       converged = as.numeric(is_converged),
       iterations = as.numeric(fit$iterations))
}

firth_columns <- function(design, outcome) {
  columns <- estimable_columns(design)
  x <- design[, columns, drop = FALSE]
  basis <- firth_basis(x)
  fit <- firth_maximise(basis$x, outcome, numeric(length(columns)), length(columns))
  weight <- fit$state$weight
  information <- crossprod(basis$x, basis$x * weight)
  leverage <- weight * rowSums((basis$x %*% solve(information)) * basis$x)
  # logistf's since 1.24: the information of the augmented data
  augmented <- crossprod(basis$x, basis$x * (weight * (1 + leverage)))
  inverse <- backsolve(basis$triangle, diag(length(columns)))
  list(columns = columns, x = x, outcome = outcome, basis = basis, value = fit$value,
       estimates = backsolve(basis$triangle, fit$beta),
       covariance = inverse %*% solve(augmented) %*% t(inverse),
       log_determinant = sum(log(abs(diag(basis$triangle)))),   # what the basis takes away from the penalty
       iterations = fit$iterations, is_converged = fit$is_converged)
}

# Orthogonal columns of length sqrt(n), and the triangle that turns them back, its diagonal positive: a column's coefficient
# rises where that of its basis does. No tolerance: nothing is moved.
firth_basis <- function(x) {
  decomposed <- qr(x, tol = 0)
  root <- sqrt(nrow(x))
  triangle <- qr.R(decomposed) / root
  sign <- ifelse(diag(triangle) < 0, -1, 1)
  list(x = qr.Q(decomposed) * rep(sign * root, each = nrow(x)), triangle = triangle * sign)
}

# The penalised likelihood with coefficient j held and the others maximised; its column stays in the penalty.
firth_profile <- function(fit, j) {
  order <- c(seq_len(ncol(fit$x))[-j], j)
  basis <- firth_basis(fit$x[, order, drop = FALSE])
  k <- length(order)
  scale <- basis$triangle[k, k]
  at <- function(b, start, most = 500) {
    start[k] <- b * scale
    found <- firth_maximise(basis$x, fit$outcome, start, k - 1, most = most)
    list(value = found$value, beta = found$beta, slope = scale * sum(basis$x[, k] * found$state$residual),
         is_converged = found$is_converged)
  }
  list(at = at, best = drop(basis$triangle %*% fit$estimates[order]))
}

# Where the coefficient is 0: from the others' estimates, or, where no maximum is found from there, from 0.
firth_at_zero <- function(profile) {
  found <- profile$at(0, profile$best)
  if (found$is_converged) return(found)
  again <- profile$at(0, 0 * profile$best)
  if (again$is_converged || again$value > found$value) again else found
}

# Over the first coefficients ("free" of them), in at most "most" iterations; the others stay where they are. Row i counts
# times[i] times.
firth_maximise <- function(x, outcome, beta, free, times = rep(1, nrow(x)), most = 500) {
  wide <- t(x)
  log_odds <- drop(x %*% beta)
  state <- firth_state(x, outcome, log_odds, times)
  if (state$value == -Inf) {   # a start so far out that rounding leaves no information
    beta[seq_len(free)] <- 0
    log_odds <- drop(x %*% beta)
    state <- firth_state(x, outcome, log_odds, times)
    if (state$value == -Inf)   # and so far out is what is held
      return(list(beta = beta, value = -Inf, state = state, iterations = 0, is_converged = FALSE))
  }
  root <- NULL
  is_known <- is_settled <- FALSE
  before <- Inf
  is_converged <- FALSE
  for (iteration in seq_len(most)) {
    state <- firth_residuals(wide, outcome, state, times)
    score <- drop(state$unit %*% state$residual)[seq_len(free)]
    squared <- sum(score^2)
    factor <- state$root[seq_len(free), seq_len(free), drop = FALSE]
    if (squared >= 0.3) {
      root <- factor
      is_known <- FALSE
    } else if (!is_known || squared > 0.05 * before || (squared < 1e-6 && !is_settled)) {
      curvature <- firth_curvature(state, times)[seq_len(free), seq_len(free), drop = FALSE]
      relative <- firth_root(curvature)
      is_known <- !is.null(relative)
      root <- if (is_known) relative %*% factor else factor
      is_settled <- is_known && squared < 1e-6   # a maximum, not a saddle
      if (!is_known && free) {
        score <- score + firth_way_off_a_saddle(curvature, score, factor)
        squared <- sum(score^2)
      }
    }
    is_rounding <- squared < 1e-18 && squared > 0.25 * before
    before <- squared
    step <- if (free) backsolve(root, backsolve(root, crossprod(factor, score), transpose = TRUE)) else numeric(0)
    moved <- drop(x[, seq_len(free), drop = FALSE] %*% step)
    longest <- max(abs(moved))
    size <- if (longest > 0) min(1, 5 / longest) else 1
    trial <- NULL
    for (halving in 1:60) {
      trial <- firth_state(x, outcome, log_odds + size * moved, times)
      if (trial$value >= state$value || (squared < 1e-8 && trial$value > -Inf)) break
      size <- size / 2
      trial <- NULL
    }
    if (is.null(trial)) {
      is_converged <- squared < 1e-12
      break
    }
    beta[seq_len(free)] <- beta[seq_len(free)] + size * drop(step)
    log_odds <- log_odds + size * moved
    state <- trial
    if (squared < 1e-24 || is_rounding) {
      is_converged <- TRUE
      break
    }
  }
  list(beta = beta, value = state$value, state = firth_residuals(wide, outcome, state, times), iterations = iteration,
       is_converged = is_converged)
}

# A step of one standard error in the direction that bends upwards most; score and step in coordinates of unit information.
# A level that has one patient with the event and one without makes the likelihood symmetrical: mirrored in that level's
# coefficient it is the same. Fisher's scoring keeps to the mirror plane, where rounding alone would decide which of two equal
# maxima is reached. So where there is no slope, the last coefficient that the step moves falls.
firth_way_off_a_saddle <- function(curvature, score, root) {
  way <- eigen(curvature, symmetric = TRUE)$vectors[, length(score)]
  slope <- sum(way * score)
  if (abs(slope) > 1e-8) return(sign(slope) * way)
  moved <- backsolve(root, way)
  last <- max(which(abs(moved) > 1e-6 * max(abs(moved))))
  if (moved[last] > 0) -way else way
}

firth_state <- function(x, outcome, log_odds, times) {
  mu <- plogis(log_odds)
  weight <- times * mu * plogis(-log_odds)
  root <- firth_root(crossprod(x * sqrt(weight)))
  value <- if (is.null(root)) -Inf else sum(times * plogis((2 * outcome - 1) * log_odds, log.p = TRUE)) + sum(log(root[on_diagonal(root)]))
  list(value = value, mu = mu, weight = weight, root = root)
}

firth_root <- function(matrix) {
  if (!length(matrix)) return(NULL)
  root <- tryCatch(chol.default(matrix), error = function(e) NULL)
  if (is.null(root)) return(NULL)
  places <- on_diagonal(root)
  if (any(root[places]^2 <= 1e-14 * matrix[places])) NULL else root
}

# Where the diagonal of a square matrix stands in it: diag() takes as long as the decomposition of a small one.
on_diagonal <- function(matrix) {
  k <- nrow(matrix)
  seq.int(1, k * k, k + 1)
}

# The transposed design in coordinates of unit information, and of all the times that a row counts the leverages and the
# residuals of the penalised score.
firth_residuals <- function(wide, outcome, state, times) {
  state$unit <- backsolve(state$root, wide, transpose = TRUE)
  state$leverage <- state$weight * colSums(state$unit^2)
  state$residual <- times * (outcome - state$mu) + state$leverage * (0.5 - state$mu)
  state
}

# Minus the second derivatives of the penalised log-likelihood, in coordinates of unit information.
firth_curvature <- function(state, times) {
  scaled <- function(factor) state$unit * rep(factor, each = nrow(state$unit))
  tilted <- scaled(1 - 2 * state$mu)
  first <- state$weight - 0.5 * state$leverage * (1 - 6 * state$weight / times)
  scaled(first) %*% t(state$unit) + 0.5 * tilted %*% crossprod(scaled(sqrt(state$weight)))^2 %*% t(tilted)
}

# Profile-likelihood limits, solved. confint.glm interpolates a spline through a few points and is off by up to 2e-4.
profile_limits <- function(design, outcome, level = 0.95) {
  outcome <- check_outcome(outcome)
  design <- check_design(design, length(outcome))
  limits <- matrix(NA_real_, ncol(design), 2, dimnames = list(colnames(design), c("lower", "upper")))
  columns <- estimable_columns(design)
  if (!has_both_classes(outcome)) return(limits)
  x <- design[, columns, drop = FALSE]
  # Separation is a result here (an infinite limit), so glm.fit's warning about it says nothing new
  best <- suppressWarnings(fit_columns(x, outcome))$coefficients
  best[is.na(best)] <- 0
  for (j in seq_along(columns)) {
    limits[columns[j], ] <- profile_one(x, outcome, best, j, qchisq(level, 1))
  }
  limits
}

# The other columns are replaced by an orthonormal basis of their span and column j by what of it they do not explain: the
# profile over b is the same, and the fits are well conditioned.
profile_one <- function(x, outcome, best, j, cutoff) {
  n <- nrow(x)
  others <- if (ncol(x) > 1) qr.Q(qr(x[, -j, drop = FALSE])) * sqrt(n) else matrix(0, n, 0)
  own <- x[, j] - drop(others %*% crossprod(others, x[, j])) / n
  scale <- sqrt(sum(own^2) / n)
  log_odds <- linear_predictor(x, best)
  start <- drop(crossprod(others, log_odds - best[j] * own)) / n
  top <- maximise(cbind(others, own / scale), outcome, numeric(n), c(start, best[j] * scale))
  centre <- top$beta[length(top$beta)] / scale
  curve <- function(b, start) {
    fit <- maximise(others, outcome, b * own, start)
    # Far out steps end where rounding does: before the likelihood is said to have fallen, another start is tried
    if (fit$farthest > 12 && 2 * (top$value - fit$value) > cutoff) {
      again <- maximise(others, outcome, b * own, numeric(length(start)))
      if (again$value > fit$value) fit <- again
    }
    # Convex in b, 0 at the maximum; its slope is that of the score (envelope theorem)
    list(b = b, beta = fit$beta, value = 2 * (top$value - fit$value) - cutoff,
         slope = -2 * sum(own * (outcome - fit$mu)))
  }
  unit <- min(top$error, 1) / scale   # under separation there is no standard error to speak of
  first <- list(b = centre, beta = top$beta[-length(top$beta)], value = -cutoff)
  c(profile_side(curve, first, unit, -1), profile_side(curve, first, unit, 1))
}

# Outwards in doubling steps until the likelihood has fallen far enough, then Newton: from outside, on a convex curve,
# it comes back without overshooting.
profile_side <- function(curve, first, unit, side) {
  before <- inside <- first
  for (doubling in 0:30) {
    b <- first$b + side * unit * 2^doubling
    # Where the likelihood never falls the others follow b in proportion, so the start does too
    slope <- if (identical(before$b, inside$b)) 0 else (inside$beta - before$beta) / (inside$b - before$b)
    outside <- curve(b, inside$beta + slope * (b - inside$b))
    if (outside$value > 0) return(profile_root(curve, inside$b, outside, unit))
    before <- inside
    inside <- outside
  }
  side * Inf
}

profile_root <- function(curve, inside, point, unit) {
  for (iteration in 1:100) {
    b <- point$b - point$value / point$slope
    if (!is.finite(b) || (b - inside) * (b - point$b) > 0) b <- (inside + point$b) / 2   # never outside the bracket
    if (abs(b - point$b) <= 1e-14 * max(unit, abs(b))) return(b)
    nearer <- curve(b, point$beta)
    if (nearer$value <= 0) {
      # At or, by rounding, just past the root: a last Newton step from here settles it
      last <- b - nearer$value / nearer$slope
      if (abs(last - b) <= 1e-12 * max(unit, abs(b))) return(last)
      inside <- b
    } else {
      point <- nearer
    }
  }
  point$b
}

# Newton with step halving on the log-likelihood, which plogis keeps exact far out where glm.fit cuts it off at 30.
maximise <- function(x, outcome, offset, beta) {
  sign <- 2 * outcome - 1
  log_likelihood <- function(log_odds) sum(plogis(sign * log_odds, log.p = TRUE))
  log_odds <- offset + drop(x %*% beta)
  value <- log_likelihood(log_odds)
  error <- Inf
  for (iteration in 1:200) {
    mu <- plogis(log_odds)
    # From the wrong side's probability: outcome - mu would lose all digits near 0 and 1
    residual <- sign * plogis(-sign * log_odds)
    if (!length(beta)) break
    # Of a patient far on the wrong side the curvature is almost 0 and says nothing of where to go: a bound of it instead
    # (T. S. Jaakkola, M. I. Jordan, Statistics and Computing 10 (2000) 25-37)
    weight <- plogis(log_odds) * plogis(-log_odds)
    wrong <- sign * log_odds < -20
    weight[wrong] <- 0.5 / abs(log_odds[wrong])
    information <- crossprod(x * sqrt(weight))
    newton <- newton_step(information, drop(crossprod(x, residual)))
    # of the last coefficient: its variance is the square of the last diagonal element of the triangle's inverse
    error <- if (is.null(newton$root)) Inf else 1 / newton$root[length(beta), length(beta)]
    step <- newton$step
    direction <- drop(x %*% step)
    if (!all(is.finite(direction)) || !any(direction != 0)) break   # separated: no slope left to climb
    step_size <- min(1, max(30, abs(log_odds) / 2) / max(abs(direction)))
    for (halving in 1:40) {
      new_value <- log_likelihood(log_odds + step_size * direction)
      if (new_value >= value) break
      step_size <- step_size / 2
    }
    if (new_value < value) break
    beta <- beta + step_size * step
    log_odds <- offset + drop(x %*% beta)
    gain <- new_value - value
    value <- new_value
    # The gain of the next step is about the square of this one's
    if (gain <= 1e-13 * (abs(value) + 1e-3)) break
  }
  list(beta = beta, value = value, mu = plogis(log_odds), error = error, farthest = max(abs(log_odds)))
}

# Information * step = score, by Cholesky. Under separation the information vanishes along the directions in which the
# likelihood has little left to gain: there the pivot is held above rounding, so that the step is long and not undefined.
newton_step <- function(information, score) {
  root <- tryCatch(chol(information), error = function(e) NULL)
  if (!is.null(root) && all(diag(root)^2 > 1e-13 * diag(information))) {
    return(list(step = backsolve(root, forwardsolve(t(root), score)), root = root))
  }
  k <- length(score)
  lower <- matrix(0, k, k)
  for (j in seq_len(k)) {
    before <- seq_len(j - 1)
    pivot <- max(information[j, j] - sum(lower[j, before]^2), 1e-13 * information[j, j])
    lower[j, j] <- if (pivot > 1e-250) sqrt(pivot) else 1e-125
    after <- seq_len(k)[-seq_len(j)]
    lower[after, j] <- (information[after, j] - lower[after, before, drop = FALSE] %*% lower[j, before]) / lower[j, j]
  }
  list(step = backsolve(t(lower), forwardsolve(lower, score)), root = NULL)
}

# What the functions for R users share when they read a formula and a data frame. Files called prldh_* are for R users alone:
# Python neither loads them nor writes them into reproduce/.

# The rows that are used: outcome as 0/1, the other variables, and what was left out and why.
read_rows <- function(formula, data, event, weights, may_be_constant = FALSE) {
  if (!inherits(formula, "formula") || length(formula) != 3) {
    refuse("formula", "an outcome, ~ and what predicts it", shown(formula), "Write outcome ~ score.")
  }
  from_data <- !is.null(data)
  if (from_data && !is.data.frame(data)) {
    refuse("data", "a data frame with one row a patient", paste("an object of class", class(data)[1]),
           "as.data.frame() makes one of a matrix or a list.")
  }
  if (from_data) data <- as.data.frame(data)
  if (from_data && !nrow(data)) refuse("data", "a data frame with rows", "none", "Look at how it was read or filtered.")
  frame <- build_frame(formula, data)
  if (ncol(frame$values) < 2) {
    refuse("formula", "an outcome, and other variables that predict it", shown(formula), "The outcome cannot predict itself.")
  }
  n_read <- nrow(frame$values)
  weights <- read_weights(weights, data, n_read)
  columns <- frame$values
  named <- names(columns)[1]
  if (!is.null(dim(columns[[1]])) || is.list(columns[[1]])) {
    refuse(shown_name(named), "one column with two values", paste("an object of class", class(columns[[1]])[1]),
           "Counts of events and survival times are not handled.")
  }
  blank <- vapply(columns, function(column) rowSums(is.na(as.matrix(column))) > 0, logical(n_read))
  dim(blank) <- c(n_read, length(columns))
  drop <- rowSums(blank) > 0
  no_weight <- if (is.null(weights)) rep(FALSE, n_read) else !drop & (is.na(weights) | weights == 0)
  left_out <- rbind(data.frame(reason = sprintf("blank in %s", names(columns)), rows = as.integer(colSums(blank))),
                    data.frame(reason = "weight 0 or blank", rows = sum(no_weight)))
  left_out <- left_out[left_out$rows > 0, , drop = FALSE]
  rownames(left_out) <- NULL
  keep <- which(!drop & !no_weight)
  n_left_out <- n_read - length(keep)
  if (!length(keep)) {
    refuse("data", "rows without blanks in the columns used", paste0("none of ", n_read, " (", tell_reasons(left_out), ")"),
           "Fill these columns, impute, or leave them out of the formula.")
  }
  if (n_left_out) message(n_left_out, " of ", n_read, " rows left out: ", tell_reasons(left_out), ".")
  outcome <- read_outcome(columns[[1]][keep, drop = TRUE], event, named)
  predictors <- columns[keep, -1, drop = FALSE]
  for (name in names(predictors)) check_predictor(predictors[[name]], name, keep, may_be_constant)
  rows <- keep
  if (!is.null(weights)) {
    rows <- rep(keep, weights[keep])
    message("weights: ", length(keep), " rows stand for ", length(rows), " patients.")
  }
  place <- match(rows, keep)
  list(y = outcome$y[place], predictors = predictors[place, , drop = FALSE], terms = frame$terms, place = rows,
       row = rownames(columns)[rows], is_weighted = !is.null(weights),
       about = list(outcome = named, event = outcome$event, non_event = outcome$non_event, n = length(rows),
                    events = sum(outcome$y[place]), n_read = n_read, n_left_out = n_left_out, left_out = left_out,
                    formula = formula))
}

# One message for a mistake: what, what it should be, what was found, what to do.
refuse <- function(what, expected, found, do) {
  stop(what, " must be ", expected, ": found ", found, ". ", do, call. = FALSE)
}

# A few values, quoted where they are text.
shown <- function(values, most = 6) {
  if (is.null(values)) return("NULL")
  if (is.function(values)) return("a function")
  if (inherits(values, "formula") || is.language(values)) return(paste(deparse(values), collapse = " "))
  if (is.list(values)) return(paste("an object of class", class(values)[1]))
  text <- if (is.character(values) || is.factor(values)) dQuote(as.character(values), FALSE) else format(values, trim = TRUE)
  text <- vapply(text, function(t) if (nchar(t) > 40) paste0(substr(t, 1, 37), "...") else t, "", USE.NAMES = FALSE)
  if (!length(text)) return("nothing")
  if (length(text) > most) text <- c(text[seq_len(most)], paste(length(text) - most, "more"))
  paste(text, collapse = ", ")
}

tell_reasons <- function(left_out) {
  if (!nrow(left_out)) return("no reason")
  paste0(left_out$reason, " (", left_out$rows, ")", collapse = ", ")
}

build_frame <- function(formula, data) {
  terms <- tryCatch(stats::terms(formula, data = data),
                    error = function(e) refuse("formula", "one that R can read", conditionMessage(e), "Write outcome ~ score."))
  for (name in c("offset", "|")) {
    if (name %in% all.names(formula[[3]])) {
      refuse("formula", "a sum of variables", shown(formula[[3]]),
             if (name == "|") "Groups and random effects are not handled: leave | out." else "Leave the offset out.")
    }
  }
  if (!length(attr(terms, "term.labels"))) {
    refuse("formula", "an outcome and at least one variable", shown(formula), "Name what predicts the outcome after ~.")
  }
  check_names(terms, data, environment(formula))
  used <- intersect(all.vars(terms), names(data))
  twice <- used[used %in% names(data)[duplicated(names(data))]]
  if (length(twice)) refuse("data", "a data frame whose columns have different names",
                            paste("two columns", shown(twice[1])), "Rename one.")
  values <- tryCatch(stats::model.frame(terms, data, na.action = stats::na.pass, drop.unused.levels = FALSE),
                     error = function(e) refuse("formula", "one that can be computed from data", conditionMessage(e),
                                                "Try its terms one by one with model.frame()."))
  if (!is.null(data) && nrow(values) != nrow(data)) {
    refuse("formula", paste("of variables with", nrow(data), "values each, as data has rows"), nrow(values),
           "Take all variables from data.")
  }
  list(terms = attr(values, "terms"), values = unpack(values))
}

# Every column that is named as such is looked for in data alone, so that a slip of the pen is not some object elsewhere.
check_names <- function(terms, data, environment) {
  variables <- as.list(attr(terms, "variables"))[-1]
  plain <- vapply(Filter(is.name, variables), as.character, "")
  is_there <- function(name) {
    if (!is.null(data) && name %in% names(data)) return(TRUE)
    found <- get0(name, environment, inherits = TRUE)
    !is.null(found) && !is.function(found) && (is.null(data) || !name %in% plain)
  }
  missing <- Filter(function(name) !is_there(name), unique(c(plain, unlist(lapply(variables, names_in)))))
  if (!length(missing)) return(invisible())
  if (is.null(data)) refuse("formula", "of variables that exist", paste("no", shown(missing)), "Name the table with data = .")
  near <- agrep(missing[1], names(data), value = TRUE, ignore.case = TRUE)
  refuse("formula", "of columns of data", paste("no column", shown(missing)),
         paste0(if (length(near)) paste0("Did you mean ", shown(near, 3), "? ") else "", "data has ",
                shown(names(data), 12), "."))
}

# Names of an expression that have to exist; not those after $ and @.
names_in <- function(expression) {
  if (is.name(expression)) return(setdiff(as.character(expression), ""))
  if (!is.call(expression)) return(character(0))
  head <- if (is.name(expression[[1]])) as.character(expression[[1]]) else ""
  if (head %in% c("::", ":::", "function")) return(character(0))
  parts <- as.list(expression)[-1]
  unlist(lapply(if (head %in% c("$", "@")) parts[1] else parts, names_in))
}

# Columns of a model frame as plain vectors; those of class AsIs (of I()) without it.
unpack <- function(values) {
  for (name in names(values)) {
    if (inherits(values[[name]], "AsIs")) class(values[[name]]) <- setdiff(class(values[[name]]), "AsIs")
  }
  attr(values, "terms") <- NULL
  values
}

# More rows than these are not made of weights.
MOST_PATIENTS <- 1e6

read_weights <- function(weights, data, n) {
  if (is.character(weights) && length(weights) == 1 && !is.null(data)) {
    if (!weights %in% names(data)) refuse("weights", "a column of data", paste("no column", shown(weights)),
                                          paste0("data has ", shown(names(data), 12), "."))
    weights <- data[[weights]]
  }
  if (is.null(weights)) return(NULL)
  if (!(is.numeric(weights) || is.logical(weights)) || length(weights) != n) {
    refuse("weights", paste("one number for each of the", n, "rows"), paste(length(weights), "of class", class(weights)[1]),
           "Give a column of counts, or leave weights out.")
  }
  known <- weights[!is.na(weights)]
  wrong <- known[known < 0 | known != floor(known) | !is.finite(known)]
  if (length(wrong)) {
    refuse("weights", "counts of patients, whole numbers of 0 or more", shown(wrong[1]),
           "Sampling weights have no intervals here: the survey package has these.")
  }
  if (sum(known) > MOST_PATIENTS) {
    refuse("weights", paste("counts that add up to at most", format(MOST_PATIENTS, big.mark = ",", scientific = FALSE),
                            "patients"),
           format(sum(known), big.mark = ",", scientific = FALSE), "Each of them is a row here.")
  }
  as.numeric(weights)
}

# 0/1 of an outcome of two values. The event is the second level, and that is told wherever it could have been the other.
read_outcome <- function(values, event, name) {
  name <- shown_name(name)
  if (is.factor(values)) {
    levels <- levels(droplevels(values))
  } else if (is.logical(values) || is.character(values)) {
    levels <- sort(unique(as.character(values)), method = "radix")
  } else if (is.numeric(values)) {
    levels <- as.character(sort(unique(as.numeric(values))))
    values <- as.numeric(values)
  } else {
    refuse(name, "an outcome of two values", paste("class", class(values)[1]), "Make a factor, a logical or 0/1 of it.")
  }
  text <- as.character(values)
  if (length(levels) == 1) {
    refuse(name, "an outcome of two values", paste0(shown(levels), " alone in the ", length(text), " rows used"),
           "With one class there is nothing to tell apart: look at the rows that were left out or filtered.")
  }
  if (length(levels) > 2) {
    refuse(name, "an outcome of two values", paste0(length(levels), ", ", shown(levels)),
           "Choose one in the formula, such as I(x == \"value\") ~ score, or leave the other rows out.")
  }
  if (!is.null(event)) {
    if (!is.atomic(event) || length(event) != 1 || is.na(event) || !as.character(event) %in% levels) {
      refuse("event", paste("one of", shown(levels)), shown(event), paste0("It is the value of ", name, " that means event."))
    }
    event <- as.character(event)
  } else {
    event <- levels[2]
    is_plain <- is.logical(values) || identical(levels, c("0", "1"))
    if (!is_plain) message("Event: ", name, " = ", shown(event), ", the second level (event = ", shown(levels[1]),
                           " turns it round).")
  }
  list(y = as.numeric(text == event), event = event, non_event = setdiff(levels, event))
}

shown_name <- function(name) if (nchar(name) > 60) paste0(substr(name, 1, 57), "...") else name

check_predictor <- function(values, name, rows, may_be_constant) {
  shape <- as.matrix(values)
  is_usable <- is.numeric(values) || is.logical(values) || is.factor(values) || is.character(values)
  if (is.list(values) || !is_usable || inherits(values, "integer64")) {
    refuse(name, "numbers, a factor, text or a logical", paste("class", class(values)[1]),
           "Convert it, such as with as.numeric().")
  }
  infinite <- is.numeric(values) & !is.finite(shape)
  if (any(infinite)) {
    row <- which(rowSums(infinite) > 0)[1]
    refuse(name, "finite", paste0(shown(shape[row, infinite[row, ]][1]), " in row ", rows[row]),
           "Set it to NA to leave that row out, or correct it.")
  }
  first <- shape[1, ]
  constant <- nrow(shape) > 1 && all(vapply(seq_along(first), function(j) all(shape[, j] == first[j]), TRUE))
  if (constant && !may_be_constant) {
    refuse(name, "a column that varies", paste0(shown(first[[1]]), " in all ", nrow(shape), " rows used"),
           "It tells nobody apart: leave it out of the formula.")
  }
}

# Variables as scores: numbers, one each; an ordered factor by its order.
read_scores <- function(read) {
  if (any(attr(read$terms, "order") > 1)) {
    refuse("formula", "scores joined by +", paste(shown(read$about$formula), "with an interaction"),
           "Fit a model, and give its predictions.")
  }
  named <- as.character(names(read$predictors))
  scores <- lapply(named, function(name) {
    values <- read$predictors[[name]]
    if (!is.null(dim(values))) refuse(name, "one score a term", paste(ncol(values), "columns"), "Name the columns one by one.")
    if (is.ordered(values) || is.logical(values)) return(as.numeric(values))
    if (!is.numeric(values)) {
      refuse(name, "numbers, where higher means event", paste("class", class(values)[1]),
             "Make an ordered factor of it, or a number, such as I(sex == \"f\").")
    }
    as.numeric(values)
  })
  names(scores) <- gsub("^`(.*)`$", "\\1", named)
  scores
}

read_probabilities <- function(read) {
  scores <- read_scores(read)
  for (name in names(scores)) {
    outside <- scores[[name]][scores[[name]] < 0 | scores[[name]] > 1]
    if (length(outside)) {
      refuse(name, "probabilities within 0 and 1", format(outside[1], digits = 15),
             "A score is not a probability: fit a model, such as by prldh_validate(), and take its predictions.")
    }
  }
  scores
}

# ---- settings

check_level <- function(level) {
  if (!is.numeric(level) || length(level) != 1 || is.na(level) || level <= 0 || level >= 1) {
    refuse("level", "a number between 0 and 1, such as 0.95", shown(level), "It is the coverage of the intervals.")
  }
  as.numeric(level)
}

check_count <- function(value, name, least = 0) {
  is_count <- is.numeric(value) && length(value) == 1 && isTRUE(is.finite(value) && value == floor(value) && value >= least)
  if (!is_count) {
    refuse(name, paste("a whole number of", least, "or more"), shown(value),
           if (least == 0) "0 switches it off." else "Give one number.")
  }
  as.integer(min(value, .Machine$integer.max))
}

check_seed <- function(seed) {
  if (!is.numeric(seed) || length(seed) != 1 || !is.finite(seed) || seed != floor(seed) || abs(seed) > .Machine$integer.max) {
    refuse("seed", "one whole number", shown(seed), "The same seed gives the same numbers.")
  }
  as.integer(seed)
}

check_flag <- function(value, name) {
  if (!is.logical(value) || length(value) != 1 || is.na(value)) refuse(name, "TRUE or FALSE", shown(value), "")
  value
}

# Bands of larger tables would fill the memory.
check_size <- function(n, n_resamples) {
  if (as.numeric(n) * n_resamples > 5e7) {
    refuse("n_resamples", paste("at most", floor(5e7 / n), "for", n, "rows"), n_resamples,
           "Of so many rows the band is thin: n_resamples = 0 leaves it out.")
  }
}

# Random numbers of a seed, always by the same generators; the user's own go on as if nothing had been drawn.
with_seed <- function(seed, code) {
  before <- get0(".Random.seed", globalenv(), inherits = FALSE)   # before RNGkind(), which makes one
  kinds <- RNGkind()
  on.exit({
    suppressWarnings(RNGkind(kinds[1], kinds[2], kinds[3]))
    if (is.null(before)) rm(".Random.seed", envir = globalenv()) else assign(".Random.seed", before, envir = globalenv())
  })
  set.seed(seed, "Mersenne-Twister", "Inversion", "Rejection")
  force(code)
}

# pROC's compiled code asks for random numbers' state, which makes one where a session has none yet.
has_seed <- function() exists(".Random.seed", globalenv(), inherits = FALSE)

drop_seed <- function() if (has_seed()) rm(".Random.seed", envir = globalenv())

# Bootstrap samples of all patients: row numbers from 0, one sample after another.
draw_rows <- function(seed, n, n_resamples) {
  with_seed(seed, as.vector(vapply(seq_len(n_resamples), function(i) sort(sample.int(n, replace = TRUE)), integer(n)))) - 1L
}

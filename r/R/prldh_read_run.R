read_run <- function(folder) {
  if (!is.character(folder) || length(folder) != 1 || is.na(folder) || !nzchar(folder)) {
    refuse("folder", "the folder of a finished run", shown(folder), "Give its path, such as \"results\".")
  }
  if (basename(folder) == "results.json") folder <- dirname(folder)
  file <- file.path(folder, "results.json")
  if (!dir.exists(folder) || !file.exists(file)) {
    refuse("folder", "the folder of a finished run, which has a results.json",
           if (dir.exists(folder)) paste("none in", folder) else paste("no folder", folder),
           "It is the folder that prldh analyze was given with --out.")
  }
  if (!requireNamespace("jsonlite", quietly = TRUE)) {
    stop("read_run() reads results.json with the package jsonlite, which is not installed. Run",
         " install.packages(\"jsonlite\").", call. = FALSE)
  }
  results <- tryCatch(jsonlite::fromJSON(file, simplifyVector = FALSE), error = function(e) {
    refuse("results.json", "whole JSON", conditionMessage(e), "Copy the folder again, or run the analysis again.")
  })
  if (!is.list(results) || !grepl("^prldh-results/", paste(results$schema, collapse = ""))) {
    refuse("results.json", "the results of a run", paste("schema", shown(unlist(results$schema))),
           "Give the folder of prldh analyze.")
  }
  files <- c(sort(list.files(file.path(folder, "tables"), "[.]csv$", full.names = TRUE), method = "radix"),
             Filter(file.exists, file.path(folder, c("predictions.csv", "reproduce/cohort.csv", "reproduce/folds.csv"))))
  tables <- lapply(files, read_table_of_run)
  names(tables) <- sub("[.]csv$", "", basename(files))
  samples <- list.files(file.path(folder, "reproduce"), "^drawn_.*[.]csv([.]gz)?$", full.names = TRUE)
  for (path in samples) {
    counts <- tryCatch(utils::read.csv(path, header = FALSE),
                       error = function(e) refuse(basename(path), "whole CSV", conditionMessage(e),
                                                  "Copy the folder again."))
    tables[[sub("[.]csv([.]gz)?$", "", basename(path))]] <- counts
  }
  # Where a run was written without tables, the models are there all the same
  if (is.null(tables$models)) tables <- c(list(models = models_of(results)), tables)
  tables <- tables[c("models", setdiff(names(tables), "models"))]
  cohort <- results$cohort
  about <- list(title = as_text(results$study$title), outcome = as_text(cohort$outcome), event = as_text(cohort$event),
                n = as.integer(cohort$n),
                events = as.integer(cohort$events), folder = normalizePath(folder), seed = results$study$seed,
                reported = as_text(results$engines$reported),
                n_warnings = length(results$warnings), printed = c("models", "validation"), results = results)
  new_result(tables, about, "prldh_run")
}

as_text <- function(value) if (is.null(value)) "" else paste(unlist(value), collapse = ", ")

# Numbers as numbers, True and False as logicals; names of columns as they are. Ids with zeros before them stay text.
read_table_of_run <- function(path) {
  text <- tryCatch(utils::read.csv(path, colClasses = "character", check.names = FALSE, na.strings = "", encoding = "UTF-8"),
                   error = function(e) refuse(basename(path), "whole CSV", conditionMessage(e),
                                              "Copy the folder again, or run the analysis again."))
  text[] <- lapply(text, function(column) {
    known <- column[!is.na(column)]
    if (length(known) && all(known %in% c("True", "False"))) return(column == "True")
    if (any(grepl("^0[0-9]", known))) return(column)
    utils::type.convert(column, as.is = TRUE, na.strings = character(0))
  })
  text
}

models_of <- function(results) {
  if (!length(results$models)) return(data.frame(model = character(0), adjusted = logical(0), auc = numeric(0),
                                                 auc_low = numeric(0), auc_high = numeric(0)))
  bind_rows(lapply(results$models, function(model) {
    number <- function(value) if (is.null(value)) NA_real_ else as.numeric(value)
    data.frame(model = as_text(model$name), adjusted = isTRUE(model$adjusted), n = number(model$n), events = number(model$events),
               auc = number(model$auc$estimate), auc_low = number(model$auc$low), auc_high = number(model$auc$high))
  }))
}

print.prldh_run <- function(x, digits = 3, ...) {
  about <- about_of(x)
  digits <- check_digits(digits)
  print_heading(paste0("Run: ", about$title), about)
  models <- x$models
  name <- paste0(models$model, ifelse(models$adjusted %in% TRUE, ", adjusted", ""))
  shown <- data.frame(model = name, auc = interval(models$auc, models$auc_low, models$auc_high, digits))
  heads <- c("", "AUC, apparent")
  held <- if (nrow(models)) x$validation
  for (scheme in unique(held$scheme)) {
    own <- held[held$scheme == scheme & held$scope == "model", ]
    if (!nrow(own)) own <- held[held$scheme == scheme, ]
    place <- match(paste(models$model, models$adjusted), paste(own$model, own$adjusted))
    shown[[scheme]] <- as_decimals(own$auc[place], digits)
    heads <- c(heads, gsub("_", " ", scheme))
  }
  if (nrow(models)) print_shown(shown, heads) else cat("No models.\n")
  cat("\n", wrap(paste0("Tables: ", paste(names(x), collapse = ", "), ". as.data.frame(run, \"terms\") or run$terms gives one.",
                        if (about$n_warnings) paste0(" The run has ", about$n_warnings, " warnings (run$warnings)."))), sep = "")
  invisible(x)
}

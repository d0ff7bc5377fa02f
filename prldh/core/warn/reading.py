"""What there may be to say of the engines, the patients and their features: PRL-001 to PRL-035, of new patients:
PRL-100 to PRL-101, and of tables as they come: PRL-140 to PRL-148."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

WITHOUT_R = WarnKind(
    "PRL-001",
    "engines",
    "agreement",
    "R cannot be used",
    "R was asked for as well but cannot be used; every number is Python's alone. {error}",
    "The study asks for both engines, and R, rpy2 or an R package is missing. Nothing was checked against R.",
    "Run `prldh doctor`, which prints the line that mends it, or set `engine: python`.",
)
ENGINE_REMARK = WarnKind(
    "PRL-002",
    "engine {engine}",
    "warnings",
    "An engine remarks on a computation",
    "{function}: {message}",
    "What R or the Python engine says of one of its functions, in its own words: a fit that does not converge, fitted"
    " probabilities of 0 or 1, groups lost to ties. It may have happened in a resample alone.",
    "Where a model's own warning says the same, follow that one. Otherwise there is nothing to do.",
)

# ---------------------------------------------------------------- patients

LEFT_OUT_BLANK = WarnKind(
    "PRL-010",
    "cohort",
    "patients",
    "Patients are left out for blanks",
    "{count} left out for blank {what}: {listed}.",
    "Every number is of the patients that remain. Where blanks do not come about by chance, these are other patients"
    " than those that were meant.",
    "Fill in the cells, or set `missing: by_model` or `missing: multiple_imputation`. Scores and outcomes are never"
    " imputed.",
)
ABSENT_LEVELS = WarnKind(
    "PRL-011",
    "cohort",
    "models",
    "A level that no analysed patient has",
    "'{covariate}': no analysed patient has {levels}: no coefficient{reference}.",
    "A declared level of a covariate does not occur, so that models say nothing of it. Where it was the reference, odds"
    " ratios are against another level than was declared.",
    "Correct the declared levels, or their order, in `clinical.covariates`.",
)
ONE_LEVEL = WarnKind(
    "PRL-012",
    "cohort",
    "models",
    "A covariate that does not vary",
    "'{covariate}' is '{level}' for every analysed patient: models cannot contain it, and it is left out of them.",
    "A factor with one level has no odds ratio; adjusted models go without it.",
    "Nothing, or remove it from `clinical.covariates`.",
)
IMPUTED = WarnKind(
    "PRL-013",
    "cohort",
    "missing",
    "Blank covariates are imputed",
    "multiple imputation: {cells} of {listed} in {patients} of {n} patients {are} imputed. This assumes that values are"
    " missing at random given the other covariates, the Radscores and the outcome.",
    "Numbers are pooled over several completed data sets by Rubin's rules. The assumption cannot be tested on these"
    " data.",
    "Say in the paper why it holds, or compare with `missing: complete_case`.",
)
IMPUTED_ONCE = WarnKind(
    "PRL-017",
    "cohort",
    "missing",
    "Blank covariates are imputed once",
    "imputations: 1 takes the imputed values as if they had been observed: standard errors, intervals and p-values"
    " leave out how uncertain these are.",
    "How uncertain imputed values are shows in the differences between several completed data sets (Rubin's rules);"
    " with one there are none, so that intervals are too narrow and p-values too small.",
    "Set `imputation: {imputations: 20}`, or as many as per cent of the patients have blanks.",
)

COMPLETE_CASE_LOSES = WarnKind(
    "PRL-014",
    "cohort",
    "patients",
    "Patients are left out of models that have no use for their blanks",
    "missing: complete_case leaves {n_left_out} patients with blanks out of every model, also where a model does not"
    " use what is blank. With `missing: by_model` {listed}.{unused}",
    "A model needs its own terms alone. Leaving out whoever has a blank anywhere loses patients, and may lose them by"
    " how they fare.",
    "Set `missing: by_model`, where every model takes the patients without blanks in its own terms; or declare no"
    " covariate that nothing needs.",
)
ABSENT_LEVELS_OF_MODEL = WarnKind(
    "PRL-015",
    "cohort",
    "models",
    "A level that no patient of a model has",
    "{model}: among its {n} patients without blanks, {message}",
    "With `missing: by_model` a model has patients of its own, and these lack a level that others have. Where it was"
    " the reference, odds ratios are against another level than in other models.",
    "Merge rare levels, or read this model's odds ratios beside its reference.",
)
LEVELS_AS_ONE = WarnKind(
    "PRL-016",
    "cohort",
    "patients",
    "A level that is written in two ways",
    "'{covariate}': {n} cells with '{cell}' are read as the level '{level}'.",
    "A whole number with and without a decimal point is one level, as programs turn one into the other; so are yes and"
    " Yes, and texts that look the same: an accent in two forms of Unicode, a space that does not break, characters"
    " without a width. Nothing else is merged: 01, 1e0 and 1 are three levels, Male and male two.",
    "Nothing, or write them alike.",
)

# ---------------------------------------------------------------- tables of features

CLINICAL_TABLE_AGAIN = WarnKind(
    "PRL-020",
    "features",
    "features",
    "Features and clinical data are one table",
    "{table} is the clinical table as well: outcome, covariates and scores in it were not taken as features.",
    "All other columns of that table were taken as features.",
    "See in the section on features that nothing there is known only after the outcome.",
)
NAMED_LIKE_COVARIATES = WarnKind(
    "PRL-021",
    "features",
    "features",
    "Features that are named like columns of the study",
    "{table} has features named like covariates, Radscores or other columns of the study: {listed}. They are taken as"
    " features; remove them if they are none.",
    "A clinical variable, another Radscore, a centre or the patient's number may have slipped into the table of"
    " features, and then into the Radscore. Case and forms of characters count for nothing here.",
    "Remove these columns, or rename them if they are features.",
)
DIAGNOSTICS = WarnKind(
    "PRL-022",
    "features",
    "features",
    "PyRadiomics' diagnostics are no features",
    "{n} PyRadiomics diagnostics columns of {table} were not taken as features.",
    "Columns that begin with `diagnostics_` tell of images and software, not of patients.",
    "Nothing.",
)
SAME_READERS = WarnKind(
    "PRL-023",
    "features",
    "features",
    "Two readers' tables hold the same values",
    "tissue {tissue}: {first} and {second} hold the same values: the readers' agreement says nothing.",
    "Every intraclass correlation is 1, so that a step that drops features by it drops none.",
    "Give the second reader's own table, or one table alone.",
)
CONSTANT_FEATURES = WarnKind(
    "PRL-024",
    "features",
    "features",
    "Constant features are dropped",
    "tissue {tissue}, source {source}: {dropped} dropped: {listed}.",
    "A feature with one value for everyone tells patients apart in nothing.",
    "Nothing, where few are. Many of them point to masks or settings that are wrong.",
)

BLANK_FEATURES = WarnKind(
    "PRL-025",
    "features",
    "features",
    "Blank features are filled",
    "tissue {tissue}, source {source}: {n} of {n_all} features are blank for some of {n_patients} of {n_all_patients}"
    " patients: {listed}. They are filled from training patients, in every resample anew.",
    "A transform of the study fills blanks, here and in every resample by what its training patients have. A value that"
    " was filled tells nothing of its patient; where blanks do not come about by chance, it misleads.",
    "Say in the paper how many there were and why. Extract again what can be extracted, or leave out features that are"
    " blank for many.",
)
WHOLLY_BLANK = WarnKind(
    "PRL-026",
    "features",
    "features",
    "Features that no patient has",
    "tissue {tissue}, source {source}: {n} features are blank for every patient and are dropped: {listed}.",
    "The columns are there and hold nothing by the first reader.",
    "Look at the extraction, or remove these columns.",
)
FILLED_FEATURES = WarnKind(
    "PRL-027",
    "external",
    "plugin-external-validation",
    "Blank features of new patients are filled",
    "tissue {tissue}: features of {n_patients} of {n_all_patients} new patients are blank and are filled from the"
    " study's training patients: {listed}.",
    "A transform of the study fills blanks, and its frozen parameters do so for new patients. Their Radscores rest in"
    " part on the study's patients.",
    "Extract these features again where that can be done.",
)

# ---------------------------------------------------------------- images

STRANGERS_LEFT_OUT = WarnKind(
    "PRL-030",
    "images",
    "images",
    "Images of patients who are not in the clinical table",
    "tissue {tissue}: {patients} of {table} {are} not in the clinical table and {were} left out: {listed}.",
    "The cases table has ids that the clinical table has not. Their images were not measured.",
    "Correct the ids where they are written in two ways.",
)
REGIONS_ASIDE = WarnKind(
    "PRL-031",
    "images",
    "images",
    "Regions of a patient are put aside",
    "tissue {tissue}, patient {patient}: {n_aside} of {n} regions put aside, the others stand for all: {reason}",
    "A region could not be measured, and the patient's values are the mean over the others.",
    "Mend the image or mask that the reason names.",
)
PATIENTS_ASIDE = WarnKind(
    "PRL-032",
    "images",
    "patients",
    "Patients are put aside for their images",
    "tissue {tissue}: {n_aside} of {n} patients {were} put aside: {listed}",
    "No region of theirs could be measured; every number is of the patients that remain.",
    "Mend the images or masks that the reasons name; `prldh extract STUDY.yaml --check` lists them all.",
)
NOT_KEPT = WarnKind(
    "PRL-033",
    "images",
    "images",
    "Measured cases are not kept",
    "tissue {tissue}: finished cases could not be kept for a later run; the folder for kept work cannot be written or"
    " the disk is full.",
    "The numbers are right. The next run measures these cases again.",
    "Make room, or let `PRLDH_CACHE` name a folder that can be written.",
)
WITHOUT_VALUE = WarnKind(
    "PRL-034",
    "images",
    "images",
    "Features without a value for some patient",
    "tissue {tissue}: {n} features without a value for some patient were left out: {listed}.",
    "A texture or filter does not exist in small or flat regions. Such a feature is used for nobody.",
    "Nothing, where few are; otherwise look at the smallest masks.",
)
TRAINED_ON_PATIENTS = WarnKind(
    "PRL-035",
    "images",
    "validation",
    "A source was trained on patients of this study",
    "LEAK: tissue {tissue}: {n_trained} of {n} analysed patients trained the source '{source}': {listed}. Held out or"
    " not, they are known to it, and validation with its features is too favourable. Train it on other patients.",
    "A network has seen these patients before validation held them out, so that no scheme holds them out in truth.",
    "Train it on other patients, or leave these patients out of the analysis.",
)

SHARED_IMAGES = WarnKind(
    "PRL-200",
    "images",
    "validation",
    "Rows share images, and nothing says whose they are",
    "tissue {tissue}: {n} ids share their image with others: {listed}. Without clinical.patient each is held out and"
    " counted as a patient of its own, while others of the same patient train.",
    "Lesions of one patient are alike, and what trains on one knows something of the others: validation is then too"
    " favourable, and intervals are too narrow.",
    "Name the column that holds the patient as `clinical: {patient: COLUMN}`; or, where each image's lesions are one"
    " patient's, give the clinical table one row a patient and the cases table a column `lesion`.",
)
SAME_REGION = WarnKind(
    "PRL-201",
    "images",
    "images",
    "One region stands in several rows",
    "tissue {tissue}: rows {listed} of the cases table hold the same image and the same mask, byte by byte.",
    "Copies of one file under several names are one region, which counts several times.",
    "Correct the paths, or remove the rows that are one too many.",
)

FEW_BINS = WarnKind(
    "PRL-203",
    "images",
    "images",
    "Regions span few grey levels",
    "tissue {tissue}, source {source}: after the image steps half of the regions span {n:.2g} bins of width {width:g}"
    " or fewer, so that texture and entropy say little.",
    "A step that changes the scale of intensities, such as a z-score, leaves the bin width as it was. With a few grey"
    " levels textures are alike in everyone.",
    "Give the step a scale that suits the bin width (100 with a width of 5 to 25), or the source a width or number of"
    " bins that suits the scale.",
)
ONE_MASK = WarnKind(
    "PRL-202",
    "external",
    "plugin-external-validation",
    "One reader's masks stand for a consensus",
    "tissue {tissue}: the study's features are of a consensus mask ({consensus}), and these patients have one reader's"
    " masks, which stand for it.",
    "The Radscore was made of masks of several readers. One reader's differ from these as readers differ.",
    "Give the masks of the study's readers, or say in the paper that one reader segmented the new patients.",
)

# ---------------------------------------------------------------- new patients

SAME_PATIENTS = WarnKind(
    "PRL-100",
    "external",
    "plugin-external-validation",
    "New patients have ids of the study's",
    "{n_same} of {n} new patients have ids of the study's patients: {listed}. If they are the same people, this is no"
    " external validation.",
    "A model's own patients flatter it.",
    "Remove the patients who made the models, or give new ids where they are other people.",
)
FAR_FEATURES = WarnKind(
    "PRL-101",
    "external",
    "plugin-external-validation",
    "Features lie far from the study's",
    "tissue {tissue}: the mean of {listed} lies more than {limit:g} SD of the study's patients from theirs. Look for"
    " another table, unit, scanner or extraction setting before these numbers are believed.",
    "Patients seldom differ so much; tables, units and settings do. The Radscore is extrapolated.",
    "Extract the features as the study's were, and compare a patient whom both have.",
)
OTHER_EXTRACTION = WarnKind(
    "PRL-220",
    "external",
    "plugin-external-validation",
    "New images are measured in another way than the study's",
    "tissue {tissue}: '{source}' measures the new patients with another {keys} than the study's. The models were made"
    " of values as the study measured them.",
    "The cohort file gives settings of its own, a file that they name has changed, or another version computes other"
    " settings. Values of another network, bin width or spacing are other features under the same names.",
    "Leave `extraction`, `image_steps`, `consensus`, `lesions` and `imaging` out of the cohort file, and name the"
    " study's own checkpoint and parameter file.",
)

# ---------------------------------------------------------------- tables as they come

ALIKE_LEVELS = WarnKind(
    "PRL-140",
    "cohort",
    "patients",
    "Levels that differ in case or spaces alone",
    "'{covariate}': {listed} differ in case or spaces alone and are levels of their own.",
    "Two writings of one level are more often a slip of typing than two levels. Each has a coefficient of its own, from"
    " its own patients.",
    "Write them alike in the table if they mean the same.",
)
PLACEHOLDER_LEVELS = WarnKind(
    "PRL-141",
    "cohort",
    "patients",
    "A level that may stand for a blank",
    "'{covariate}': {listed} {are} read as {levels}. If they stand for blanks, say read: {{missing: [{quoted}]}} under"
    " clinical.",
    "A dash, a question mark, `n/a` or a number such as 9 or -99 among levels that are numbers is a level as any other,"
    " with patients and a coefficient of its own, unless the study file says that it is a blank.",
    "Say `read: {missing: [...]}` under `clinical`, or leave it where the level means something.",
)
EXTRA_PATIENTS = WarnKind(
    "PRL-142",
    "features",
    "features",
    "A table of features has further patients",
    "tissue {tissue}: {n} of {n_all} patients of {table} are not in the clinical table and were left out, as join:"
    " inner says: {listed}.",
    "Nothing is known of them but their features. They are used for nothing.",
    "See that they are other patients and not the study's under other ids.",
)
BATCH_COLUMNS = WarnKind(
    "PRL-143",
    "features",
    "features",
    "Columns of PyRadiomics' batch table that are no features",
    "{table} is a table of PyRadiomics; these columns of it were not taken as features: {listed}.",
    "PyRadiomics repeats the table that it was given (image, mask, label and whatever else) before its features. Paths,"
    " labels and columns of text alone are no features.",
    "Nothing.",
)
ROW_NAMES_LEFT_OUT = WarnKind(
    "PRL-144",
    "features",
    "features",
    "Names of rows are no feature",
    "The first column of {table} has no name: it is called {name} here, and was not taken as a feature.",
    "R writes the names or numbers of rows before the columns, without a name of their own.",
    "Nothing; where it holds the ids, say `id: row.names` under `clinical`.",
)
CODED_BLANKS = WarnKind(
    "PRL-147",
    "tables",
    "warnings",
    "Numbers that may stand for blanks",
    "{table}: {listed}. If that stands for a blank, say read: {{missing: [{quoted}]}} for this table.",
    "Numbers such as -999 and 9999 are written where nothing was measured, and are computed with as numbers, unless the"
    " study file says that they are blanks. A number is told that no other of its column is near: the rule is in"
    " [tables](tables.md#numbers-that-stand-for-blanks).",
    "Say `read: {missing: [...]}` for that table, or correct the cells; nothing where it was measured.",
)
ALIKE_IDS = WarnKind(
    "PRL-148",
    "tables",
    "patients",
    "Ids that may be one patient's",
    "{table}: {listed} differ in case, in width or in how a number is written, and are patients of their own.",
    "One patient in two rows counts twice, and may be trained on and held out at once. Ids that differ in nothing that"
    " can be seen are refused.",
    "Keep one row a patient where these are the same, or name the column that says whose rows they are as"
    " `clinical: {patient: COLUMN}`.",
)
HIDDEN_ROWS = WarnKind(
    "PRL-146",
    "tables",
    "warnings",
    "Rows that a workbook does not show",
    "{table}: {n} rows of patients are hidden, by hand or by a filter; they were read as the others.",
    "A spreadsheet program leaves such rows out of what it shows, and not out of the file: who filters a table to look"
    " at some patients may save it so.",
    "Nothing, where they belong to the study; otherwise delete these rows in the workbook.",
)
CSV_FORMULAS = WarnKind(
    "PRL-145",
    "tables",
    "warnings",
    "Names that a spreadsheet takes for formulas",
    "names begin as formulas of a spreadsheet do, and stand in the CSV files as they are: {listed}.",
    "A cell of a CSV file that begins with =, +, - or @ and is no number is run as a formula by spreadsheet programs,"
    " with whatever it asks for. The numbers here are right; what a spreadsheet shows in such a cell may be another"
    " text.",
    "Look where the names come from before you open the CSV files in a spreadsheet program, or say `report:"
    " {csv_formulas: escape}`, which puts an apostrophe before each.",
)

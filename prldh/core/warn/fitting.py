"""What there may be to say of what was fitted to all patients: PRL-040 to PRL-086."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

_COLLINEAR = "Such coefficients are large, of opposite signs and cannot be told one by one; predictions may still hold."
_COLLINEARITY = (
    "A variance inflation factor (VIF) above 10 (Kutner et al. 2005; of a term with several columns GVIF^(1/df)), a"
    " condition number of the columns about their means, scaled to unit length, above 30 (Belsley, Kuh & Welsch 1980),"
    " a column that others give with an adjusted R² above 0.999, which is then named with its sum, or as many columns"
    " as patients, which have no inflation factors."
)

# ---------------------------------------------------------------- selection and Radscore

STEP_REMARK = WarnKind(
    "PRL-040",
    "selection",
    "radscores",
    "A selection step remarks on its fit",
    "{step}, source {source}: {message}",
    "What a step, built in or a plugin's, says in its own words: readers that are missing, inner folds that patients"
    " are too few for, a part that was left out.",
    "Read the step's page for the setting that it names.",
)
KEPT_ALONE = WarnKind(
    "PRL-041",
    "selection",
    "radscores",
    "The strongest feature is kept alone",
    "{failure} It was kept alone, as if_empty: best says.",
    "No feature met the setting of the step. The one with the largest correlation with the outcome stands for all.",
    "Loosen the setting, or set `if_empty: stop` where that is no Radscore for you.",
)
SOURCE_EMPTIED = WarnKind(
    "PRL-042",
    "selection",
    "radscores",
    "A step leaves nothing of one source",
    "{failure} The other source goes on alone.",
    "The Radscore has features of the other sources alone.",
    "Loosen the setting that the sentence names, or leave the source out.",
)
PERTURBED_NOT_USED = WarnKind(
    "PRL-043",
    "selection",
    "radscores",
    "Perturbed masks cannot follow a choice among images",
    "values of perturbed masks are not those of the images that stay, and are not used from here on",
    "A step chose among a patient's single images, which perturbed masks do not have.",
    "Let steps that judge by perturbed masks stand before it.",
)
RADSCORE_SEPARATED = WarnKind(
    "PRL-044",
    "selection",
    "radscores",
    "The Radscore separates the outcome completely",
    "the selected features separate the outcome completely: the Radscore's coefficients are not finite"
    " maximum-likelihood estimates.",
    "There are so many features for so few patients that the fit is perfect. Its apparent numbers say nothing.",
    "Select fewer features, set `radscore: lasso`, and read the validation of the whole modelling process.",
)
NO_CUTOFF = WarnKind(
    "PRL-045",
    "radscore",
    "radscores",
    "No cutoff of a Radscore beats calling everyone high",
    "tissue {tissue}: no cutoff beats calling everyone high; there is no cutoff, and everyone is high.",
    "Youden's index is 0 everywhere: higher scores do not go with the event. Groups by this score are one group.",
    "See whether the score is given the wrong way round: higher must mean event.",
)
COLLINEAR_FEATURES = WarnKind(
    "PRL-046",
    "radscore",
    "radscores",
    "Features of a Radscore that say the same",
    "tissue {tissue}: the Radscore's features are collinear: {listed}. " + _COLLINEAR,
    _COLLINEARITY,
    "Read the Radscore as a whole and none of its coefficients alone; lower the selection's limit of correlation.",
)

# ---------------------------------------------------------------- models

_FIRTH = (
    "The model is fitted by Firth's penalised likelihood (Firth 1993, Heinze & Schemper 2002), here and in every"
    " resample: intervals are profile penalised-likelihood, p-values penalised likelihood-ratio tests."
)

NOT_ESTIMABLE = WarnKind(
    "PRL-050",
    "models",
    "models",
    "Terms that are not estimable",
    "{model}: not estimable beside the other terms, left out as R does: {listed}.",
    "The term is a sum of others, so that it has no coefficient of its own.",
    "Take one of the terms that say the same out of the model.",
)
SEPARATED_FIRTH = WarnKind(
    "PRL-051",
    "models",
    "models",
    "Separation: Firth's likelihood in place of the maximum",
    "{model}: the outcome is separated by some terms, whose maximum-likelihood estimates are infinite: {listed}. "
    + _FIRTH
    + " {predictions}",
    "Some value of a term goes with one outcome alone.",
    "Say so in the paper, or merge levels that few patients have. `separation: warn` gives maximum likelihood;"
    " `firth: {predictions: flic}` corrects predictions.",
)
SEPARATED = WarnKind(
    "PRL-052",
    "models",
    "models",
    "Separation: estimates that do not exist",
    "{model}: the outcome is separated by some terms; their maximum-likelihood estimates do not exist:"
    " {listed}. The other estimates are the limits of the likelihood.",
    "Some value of a term goes with one outcome alone, and `separation: warn` keeps maximum likelihood.",
    "Set `separation: firth`, or merge levels that few patients have.",
)
NOT_CONVERGED = WarnKind(
    "PRL-053",
    "models",
    "models",
    "A fit that did not converge",
    "{model}: the fit did not converge.",
    "The coefficients, or what a p-value of Firth's fit compares them with, are those of the last iteration and not the"
    " likelihood's maximum.",
    "Look for terms on very different scales or with few patients a level; do not publish these numbers.",
)
AGAINST_DIRECTION = WarnKind(
    "PRL-054",
    "models",
    "performance",
    "A score enters against its direction",
    "{model}: '{term}' enters with a negative coefficient, against its given direction (higher means event); the AUC of"
    " the raw values is {auc:.3f}.",
    "The model turns the score round, so that its AUC is not that of the score as it is read. In a model of several"
    " terms the others may be the cause.",
    "Compare with the AUC of the raw values; turn the score round in the table if its direction was given wrongly.",
)
AUC_ONE = WarnKind(
    "PRL-055",
    "models",
    "performance",
    "The AUC is 1 or 0",
    "{model}: the AUC is {auc:g}, {interval}; it does not mean certainty.",
    "The model ranks all of these patients rightly, or all wrongly (0): the variance of such an order is 0 or, with"
    " one patient of an outcome, not known.",
    "With 1 look for a predictor that knows the outcome, and read the held-out AUC; with 0 see whether the event or a"
    " score is coded the other way round. Few patients come to either by chance.",
)
NO_THRESHOLD = WarnKind(
    "PRL-056",
    "models",
    "performance",
    "No threshold beats calling everyone positive",
    "{model}: no threshold beats calling everyone positive; there is no threshold.",
    "Youden's index is 0 at every threshold; sensitivity and specificity are those of calling everyone positive.",
    "Nothing: the model tells nobody apart.",
)
NO_HOSMER_LEMESHOW = WarnKind(
    "PRL-057",
    "models",
    "calibration",
    "Hosmer–Lemeshow's test is not defined",
    "{model}: Hosmer–Lemeshow's test is not defined: {groups} of distinct predictions.",
    "It needs three groups of patients with different predictions; a model of one factor may have fewer.",
    "Read the calibration curve and its line.",
)
COLLINEAR_TERMS = WarnKind(
    "PRL-058",
    "models",
    "models",
    "Terms of a model that say the same",
    "{model}: its terms are collinear: {listed}. " + _COLLINEAR,
    _COLLINEARITY,
    "Leave out one of the terms that are named, such as a sum beside its parts.",
)
WITHOUT_MAIN_EFFECT = WarnKind(
    "PRL-059",
    "models",
    "models",
    "A product or square without its own factors",
    "{model}: the term '{term}' stands without {listed}, which is not added by itself: without it, what the term says"
    " depends on where the columns have their zero, and on the reference levels.",
    "A product `a:b` or a square `x^2` is one term; the columns that it is made of are terms of their own.",
    "Name them among the model's terms, or in `adjust`.",
)

# ---------------------------------------------------------------- tables

NO_TEST = WarnKind(
    "PRL-060",
    "table one",
    "table-one",
    "A variable without a test",
    "'{variable}' does not vary enough for a test: it has no statistic and no p.",
    "A group is empty, or all of its values are the same.",
    "Nothing.",
)
NO_UNIVARIABLE_MODEL = WarnKind(
    "PRL-061",
    "univariate",
    "univariate",
    "A variable without a univariable model",
    "'{variable}' has no univariable model: it or the outcome does not vary among the {n} patients who have it.",
    "There is no odds ratio where there is one value, or one outcome.",
    "Nothing, or fill in blanks.",
)
TOO_FEW_PATIENTS = WarnKind(
    "PRL-062",
    "sample size",
    "sample-size",
    "Fewer patients than Riley's criteria ask for",
    "{n} {rows}, {events} with the event, are fewer than {whose} by Riley's criteria ({needed}, at an anticipated"
    " Nagelkerke R² of {r2:.2f}): expect overfitting, and wide intervals of what is predicted.",
    "The models have more candidate parameters than so many patients can carry.",
    "Use fewer terms and features, add patients, and lead with held-out numbers.",
)
NO_ASSOCIATION = WarnKind(
    "PRL-064",
    "associations",
    "associations",
    "An association without a test",
    "'{variable}' by '{by}' has no test: a group ({first} or {second}) has nobody, or the values do not vary.",
    "There is nothing to compare: a group is empty, all values are the same, or the Radscore has no cutoff.",
    "Nothing, or name another pair under `associations`.",
)

# ---------------------------------------------------------------- comparisons

NESTED = WarnKind(
    "PRL-070",
    "comparisons",
    "comparisons",
    "DeLong's test of nested models",
    "'{first}' and '{second}' ({label}) are nested: a test of their apparent AUCs, such as DeLong's, is not valid under"
    " the null hypothesis (Demler 2012). {advice}",
    "One model's terms are all among the other's. Their apparent AUCs are then too close for the test's theory.",
    "Report the likelihood-ratio test, and the comparison of held-out predictions.",
)
NOT_COMPARED = WarnKind(
    "PRL-071",
    "comparisons",
    "comparisons",
    "Held-out predictions that are not compared",
    "'{first}' and '{second}' ({label}), {scope}, {scheme}: not compared, as refits ended as the intercept alone.",
    "A refit without any term gives everyone in a fold the same prediction, and pooling such folds means nothing.",
    "Compare by another scheme, or loosen the selection.",
)
NO_COMMON_PATIENTS = WarnKind(
    "PRL-073",
    "comparisons",
    "comparisons",
    "Models without common patients of both outcomes",
    "'{first}' and '{second}' ({label}) are not compared: {n} patients have no blanks in the terms of both, {events} of"
    " them with the event.",
    "With `missing: by_model` a comparison is of the patients that both models have, and it needs some with the event"
    " and some without.",
    "Fill in blanks, or do not compare these models.",
)
UNPLACED_KNOTS = WarnKind(
    "PRL-074",
    "comparisons",
    "comparisons",
    "Too few distinct values for a spline among fewer patients",
    "{what} left out: {listed}.",
    "With `missing: by_model` a comparison is of the patients that both models have, and an interaction of those"
    " without blanks in all of its terms; a spline's knots are placed anew on these.",
    "Use fewer knots, or fill in blanks.",
)
NO_COVARIATES_ALONE = WarnKind(
    "PRL-075",
    "comparisons",
    "comparisons",
    "No model of the covariates alone",
    "there is no model of the covariates alone to hold the others against: {reason}",
    "Every run fits and validates the covariates without anything of the images, so that the added value of a Radscore"
    " can be told. Here that model cannot be fitted; the others are not touched.",
    "Fill in blanks, or change the terms under `adjust`.",
)
RECLASSIFICATION = WarnKind(
    "PRL-072",
    "reclassification",
    "reclassification",
    "What net reclassification cannot tell",
    "Net reclassification improvement and IDI can be positive for useless markers and for badly calibrated models"
    " (Hilden & Gerds 2014, Pepe et al. 2015), and tests of their apparent values are not valid for nested models"
    " (Kerr et al. 2014, Demler et al. 2017). Whether the second model adds to the first is told by the"
    " likelihood-ratio test and by the difference in net benefit: read these first.",
    "It stands beside every table of reclassification.",
    "Report the likelihood-ratio test and the difference in net benefit with it, or instead.",
)

# ---------------------------------------------------------------- two tissues together

INTERACTION_SEPARATED = WarnKind(
    "PRL-080",
    "interaction",
    "interaction",
    "Separation in the groups of two tissues",
    "{kind}: the outcome is separated by some terms. "
    + _FIRTH
    + " With it predicted probabilities are biased towards 1/2 (Puhr 2017).",
    "A group of the two Radscores, or a covariate, goes with one outcome alone.",
    "Say so in the paper; read odds ratios with their wide intervals.",
)
NO_ADDITIVE_INTERACTION = WarnKind(
    "PRL-081",
    "interaction",
    "interaction",
    "Additive interaction is not defined",
    "{kind}: additive interaction is not defined: a group has no patients, or no events and non-events.",
    "RERI, AP and S need a finite odds ratio of every group.",
    "Nothing: these data do not tell.",
)
NO_PRODUCT_TERM = WarnKind(
    "PRL-082",
    "interaction",
    "interaction",
    "A product term without an estimate",
    "{kind}: the product term of the {product} has no estimate: {reason}.",
    "The multiplicative interaction cannot be told from these data.",
    "Nothing, or set `separation: firth`.",
)
FEW_SAMPLES_DEFINED = WarnKind(
    "PRL-083",
    "interaction",
    "interaction",
    "Additive interaction does not exist in every bootstrap sample",
    "a measure of additive interaction does not exist in every bootstrap sample (a group has no patients, or S no"
    " excess risk), and its percentile limits are of the others alone: {listed}.",
    "The limits leave out the samples in which the measure would be extreme, so that they are too narrow.",
    "Report how many samples have it, or the delta-method limits.",
)
INFINITE_LIMITS = WarnKind(
    "PRL-084",
    "interaction",
    "interaction",
    "Percentile limits that are infinite",
    "a percentile limit is infinite and left out, as in too many bootstrap samples a group has no events, or no"
    " non-events: {listed}.",
    "The data do not bound the measure on that side.",
    "Report it as unbounded.",
)
NO_STRATIFIED_CURVE = WarnKind(
    "PRL-085",
    "interaction",
    "interaction",
    "A stratum without a ROC curve",
    "{score} within {group}: there is no ROC curve, as {events} of the {n} patients there have the event.",
    "A curve needs patients with and without the event.",
    "Nothing.",
)
NO_INTERACTION_PATIENTS = WarnKind(
    "PRL-086",
    "interaction",
    "interaction",
    "An interaction without patients of both outcomes",
    "{kind}: no interaction, as {n} patients have no blanks in its terms, {events} of them with the event.",
    "With `missing: by_model` an interaction is of the patients without blanks in the two scores, and adjusted in the"
    " covariates too.",
    "Fill in blanks, or adjust for less.",
)

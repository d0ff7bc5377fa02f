"""What there may be to say of validation, PRL-090 to PRL-099, PRL-104 to PRL-106, PRL-111 and PRL-112, and of
numbers that do not exist: PRL-110."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

LEAK = WarnKind(
    "PRL-090",
    "validation",
    "validation",
    "A fit was handed held-out rows",
    "LEAK: {scope}, {scheme}: fits of '{stage}' were handed {n} held-out rows. These numbers are no validation.",
    "The record of what every fit was handed has held-out patients among its training rows.",
    "It is a fault of a step or validator, most likely a plugin's: `prldh plugins check NAME` shows it. Report it.",
)
NO_NULL_RUN = WarnKind(
    "PRL-091",
    "validation",
    "validation",
    "No null run",
    "null_permutations: no null run, as no scheme that validates the whole modelling process holds patients out.",
    "Permuted outcomes are analysed by the leading scheme that holds patients out; this study has none.",
    "Switch cross-validation (`validation.folds`) or leave-one-out on with `scope: pipeline`, or set"
    " `validation.null_permutations: 0`.",
)
NOTHING_SELECTED = WarnKind(
    "PRL-092",
    "validation",
    "validation",
    "The selection left nothing in some resamples",
    "tissue {tissue}, {scheme}: in {n_empty} of {n} resamples the selection left nothing; the Radscore is constant"
    " there.",
    "Which features are selected hangs on a few patients.",
    "Loosen the steps, or set `if_empty: best`; read the section on stability.",
)
FOLDS_OF_ONE_CLASS = WarnKind(
    "PRL-093",
    "validation",
    "validation",
    "Folds that held out one class",
    "{n} {parts} held out one class only: {so}.",
    "A fold without events, or without non-events, has no AUC of its own. Pooled numbers hold its patients;"
    " where nothing is pooled there is no AUC.",
    "Use fewer folds, or larger parts.",
)
INTERCEPT_ALONE = WarnKind(
    "PRL-094",
    "validation",
    "validation",
    "Refits that ended as the intercept alone",
    "{n_alone} of {n} refits ended as the intercept alone; pooled predictions then compare intercepts of different"
    " folds, so that there is no pooled AUC.",
    "Held out, an event lowers the intercept of its own fold: pooled, such predictions order patients the wrong way.",
    "Read the mean of the folds' AUCs, in which such a fold counts 0.5, or loosen the selection.",
)
BELOW_HALF = WarnKind(
    "PRL-095",
    "validation",
    "validation",
    "The held-out AUC lies below 0.5",
    "the pooled held-out AUC lies below 0.5: leaving a patient out moves the fit against that patient, which shows"
    " where a model has little to say. It is no sign of a useful marker turned round.",
    "The whole interval lies below 0.5. Tables mark such a number, the mean of folds leads in its place, and the text"
    " for the paper leaves it out.",
    "Read the mean of folds or .632+, and report the model as one that tells nothing.",
)
SAMPLES_OF_ONE_CLASS = WarnKind(
    "PRL-096",
    "validation",
    "validation",
    "Bootstrap samples with one class",
    "{n} bootstrap samples had one class and do not count.",
    "A sample without events, or without non-events, cannot be fitted.",
    "Nothing, where few are: the patients of one outcome are very few.",
)
SAMPLES_OF_INTERCEPT = WarnKind(
    "PRL-097",
    "validation",
    "validation",
    "Bootstrap refits that ended as the intercept alone",
    "{n_alone} of {n} bootstrap refits ended as the intercept alone (AUC 0.5).",
    "In these samples the selection, or the fit, left no term.",
    "Nothing: they count as what they are. Many of them say that the selection is unstable.",
)
NO_CALIBRATION_LINE = WarnKind(
    "PRL-098",
    "validation",
    "validation",
    "Bootstrap samples without a calibration line",
    "in {n_undefined} of {n} bootstrap samples the predictions were constant or separated, so that the calibration line"
    " does not exist there.",
    "Corrected intercept and slope are of the other samples.",
    "Nothing, where few are; otherwise read the calibration of cross-validation.",
)
UNSEEN_LEVELS = WarnKind(
    "PRL-099",
    "validation",
    "validation",
    "Held-out patients with a level that was not trained",
    "{n} held-out predictions are of patients with a level that no training patient has; it counts as the reference"
    " level there.",
    "A level of a covariate is so rare that some training rows lack it.",
    "Merge it with another level.",
)
IMPLAUSIBLE_PREDICTIONS = WarnKind(
    "PRL-104",
    "validation",
    "validation",
    "Held-out predictions that nobody would believe",
    "held-out log odds of {n} of {n_patients} patients are beyond ±{limit:g} in {n_refits} of {n_resamples} refits,"
    " that is probabilities nearer to 0 or 1 than 3.1e-7: {listed}. Cause: {cause}.",
    "No data of a clinical study support such certainty. Either the refit's training patients are separated, so that"
    " its coefficients have no bound, or a patient's value lies far outside those that it was fitted to.",
    "Look at the values of these patients for errors of units or decimals; use fewer terms, or `separation: firth`."
    " Calibration and Brier score of these predictions say little.",
)
NEVER_SELECTED_AGAIN = WarnKind(
    "PRL-105",
    "validation",
    "radscores",
    "Features of the frozen model that no resample selected",
    "tissue {tissue}, {scheme}: {n_features} of the {features} of the frozen Radscore {were} selected in 0 of"
    " {resamples}: {listed}.",
    "With a few other patients none of these features would be in the Radscore: validation is of other models than the"
    " one that is frozen.",
    "Do not rely on this Radscore: loosen the selection, or take features that are selected often.",
)
NO_TWO_STAGE = WarnKind(
    "PRL-106",
    "validation",
    "validation",
    "No two-stage interval where everything is refitted",
    "bootstrap_interval: two_stage gives {n} of {n_models} models no interval: their Radscore or the cutoffs of their"
    " groups were made of these patients.",
    "An interval stands only where simulations showed how often it holds. None were made of refits of the whole"
    " modelling process, each of which would itself be resampled.",
    "Read the intervals of the held-out AUCs, or set `bootstrap_interval: none`.",
)
FEWER_KNOTS = WarnKind(
    "PRL-107",
    "validation",
    "validation",
    "Resamples in which a spline has fewer knots",
    "in {n} of {n_resamples} resamples the training rows have too few distinct values for all knots of a spline, which"
    " has fewer there, and with fewer than 3 is a straight line.",
    "Knots are placed anew in every resample; rows that are drawn again, or left out, leave fewer distinct values.",
    "Nothing, where few are; otherwise use fewer knots.",
)
NULL_VALUES = WarnKind(
    "PRL-110",
    "null values",
    "warnings",
    "Numbers that do not exist",
    "{part}: {listed} without a value: {reason}.",
    "For every part of `results.json`: which numbers have no value there (`null`), how many, and why.",
    "Nothing: a number that does not exist is never made up.",
)
SCORE_GIVEN = WarnKind(
    "PRL-111",
    "validation",
    "validation",
    "A score that came as a column",
    "the score of '{tissue}' came as a column: this run cannot know how it was made, so the leakage of its models is"
    " unknown.",
    "Features may have been selected, or coefficients fitted, on patients that are held out here: then held-out numbers"
    " are as hopeful as apparent ones. Where the whole modelling process is validated, cutoffs, the"
    " logistic model and its threshold are refitted, not the score.",
    "Give the features (`features:`) instead of the score, or say how the score was made, and on whom.",
)
REPEATED_OTHERWISE = WarnKind(
    "PRL-112",
    "validation",
    "validation",
    "A refit that was another one in another process",
    "one refit was repeated in another process, and it is not the same: {found}. Something of this depends on more"
    " than training rows, settings and seed: {listed}.",
    "Where a step or learner of a plugin takes part, one refit is made twice, the second time by a process that was"
    " started for it. What is drawn without the seed, kept from one fit to the next, or read from elsewhere differs"
    " there, and the run cannot be repeated. Of what is built in the test suite shows that it is the same.",
    "`prldh plugins check NAME` may show which promise is broken. Tell its author, or leave it out.",
)

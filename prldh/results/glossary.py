"""What the statistical terms of a page mean, a record each: the page explains those that it uses."""

from __future__ import annotations

from dataclasses import dataclass

from prldh.core import ALL_THAT_IS_FITTED, OPTIMISM_FROM_SELECTION, REFITTED, WHOLE


@dataclass(frozen=True)
class Term:
    """A term, its meaning in a sentence or two, the ``keys`` of the measures that it explains, and other ``forms`` in
    which a page writes it. What
    begins with a small letter is found with a capital as well."""

    name: str
    meaning: str
    keys: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return "term-" + "".join(c if c.isalnum() else "-" for c in self.name.lower())


GLOSSARY: tuple[Term, ...] = (
    Term(
        "AUC",
        "Area under the ROC curve: how often a patient with the event has a higher prediction than one without. 0.5 is"
        " chance, 1 is perfect.",
        ("auc",),
        ("AUCs", "c-statistic"),
    ),
    Term("apparent", "Of the patients that made the model, and so too good by construction."),
    Term("held out", "Of patients that took no part in making the model that predicts them.", (), ("held-out",)),
    Term(
        WHOLE,
        "Everything that made the model, selection of features and cutoffs included, is made anew from the training"
        " patients of every resample.",
    ),
    Term(
        ALL_THAT_IS_FITTED,
        "What this run fits is made anew from the training patients of every resample. A part of a model was made"
        " outside this run, and whether it had seen the patients held out is not known.",
    ),
    Term(
        REFITTED,
        "Radscores and cutoffs are kept, and the logistic model alone is fitted anew in every resample: what was chosen"
        " had seen all patients.",
    ),
    Term(
        OPTIMISM_FROM_SELECTION,
        "By how much the AUC with the model refitted exceeds that of the whole modelling process: what choosing on all"
        " patients pretends.",
    ),
    Term(
        "mean of folds",
        "The AUC of each fold's held-out patients, averaged over the folds.",
        ("auc_mean",),
    ),
    Term(
        "pooled AUC",
        "One AUC of the held-out predictions of all folds together.",
    ),
    Term(
        "groups as one",
        "The AUCs of groups that were held out one after the other, pooled by random effects.",
        ("auc_groups",),
    ),
    Term(
        "CI",
        "Confidence interval: over many studies such intervals hold the true value as often as the percentage says.",
        (),
        ("confidence interval",),
    ),
    Term(
        "partial AUC",
        "Area under a part of the ROC curve alone: at high sensitivity, or at high specificity.",
        ("pauc",),
        ("partial areas", "partial area", "partial areas under the ROC curve"),
    ),
    Term(
        "McClish-corrected",
        "A partial area rescaled, so that 0.5 is chance and 1 perfect whatever the range.",
        (),
        ("McClish's correction",),
    ),
    Term(
        "threshold",
        "The probability above which a patient is called positive; here Youden's unless something else is said.",
        ("threshold",),
        ("cutoff",),
    ),
    Term(
        "Youden's index",
        "Sensitivity plus specificity less 1; the threshold at which it is largest.",
        (),
        ("Youden's threshold", "Youden's cutoff", "Youden threshold", "Youden"),
    ),
    Term(
        "classification",
        "Patients called positive or negative at a threshold, beside whether they had the event: true and false"
        " positives and negatives.",
        ("confusion",),
        ("confusion matrix",),
    ),
    Term("accuracy", "Share of patients that are rightly called positive or negative.", ("accuracy",)),
    Term("sensitivity", "Share of patients with the event that are called positive.", ("sensitivity",)),
    Term("specificity", "Share of patients without the event that are called negative.", ("specificity",)),
    Term("PPV", "Positive predictive value: share of those called positive that have the event.", ("ppv",)),
    Term("NPV", "Negative predictive value: share of those called negative that have no event.", ("npv",)),
    Term(
        "Matthews correlation",
        "Correlation of calls and events, from −1 to 1; 0 is chance, also where events are rare.",
        ("matthews_correlation",),
    ),
    Term(
        "calibration",
        "Whether predicted probabilities come true: of patients with 30% predicted, 30% should have the event.",
        ("calibration",),
    ),
    Term(
        "calibration slope",
        "1 is right; below 1, predictions are too extreme, as those of overfitted models are.",
        ("slope",),
        ("slope",),
    ),
    Term(
        "calibration intercept",
        "Intercept of the line of outcomes on predicted log odds; 0 is right where the slope is 1.",
        ("intercept",),
        ("intercept",),
    ),
    Term(
        "calibration in the large",
        "Whether predictions are too high or too low on the whole: the intercept with the slope held at 1; 0 is right.",
        ("citl",),
        ("in the large",),
    ),
    Term(
        "Brier score",
        "Mean squared distance of predicted probability and outcome; 0 is perfect.",
        ("brier",),
        ("Brier",),
    ),
    Term(
        "scaled Brier",
        "1 less the Brier score over that of predicting the share of events for everyone; 1 is perfect, 0 no better"
        " than that share.",
        ("scaled_brier",),
    ),
    Term(
        "miscalibration",
        "The part of the Brier score that recalibration would remove; 0 is right.",
        ("miscalibration",),
    ),
    Term(
        "discrimination",
        "The part of the Brier score by which predictions tell patients apart; more is better.",
        ("discrimination",),
    ),
    Term(
        "uncertainty",
        "The Brier score of predicting the share of events for everyone.",
        ("uncertainty",),
    ),
    Term(
        "Spiegelhalter's test",
        "Asks whether the predictions are the true probabilities; a small p says that they are not.",
        ("spiegelhalter_z", "spiegelhalter_p"),
        ("Spiegelhalter z",),
    ),
    Term(
        "ICI",
        "Integrated calibration index: mean distance of the smooth calibration curve from the diagonal; 0 is perfect.",
        ("ici",),
    ),
    Term(
        "E50",
        "E50, E90 and Emax: median, 90th percentile and maximum of that distance.",
        ("e50", "e90", "emax"),
        ("E90", "Emax"),
    ),
    Term(
        "Hosmer–Lemeshow",
        "Test of observed against expected events in groups by prediction; a small p speaks against the calibration, a"
        " large one does not speak for it.",
        ("hosmer_lemeshow",),
    ),
    Term(
        "net benefit",
        "Share of patients rightly called high risk, less the share wrongly so weighted by the odds of the threshold.",
        ("decision_curve", "decision_curve_at_prevalence"),
        ("decision curve", "decision curves", "treat all", "standardised"),
    ),
    Term(
        "clinical impact",
        "Of 1,000 patients, how many are called high risk at a threshold, and how many of these have the event.",
        ("clinical_impact",),
        ("high risk per 1,000",),
    ),
    Term(
        "interventions avoided",
        "Net interventions avoided: fewer patients treated than by treating everyone, at the same number of events"
        " missed.",
        (),
        ("net interventions avoided", "interventions avoided per 100"),
    ),
    Term(
        "optimism",
        "By how much a number of the patients that made a model exceeds what other patients would give.",
    ),
    Term(
        ".632+",
        "Bootstrap estimate that weighs the apparent number with that of patients out of bag, more towards the latter"
        " the more the model overfits.",
        (),
        (".632",),
    ),
    Term("out of bag", "Of the patients that a bootstrap sample did not draw."),
    Term(
        "cross-validation",
        "Patients are dealt into parts; each part is predicted by a model made of the others.",
    ),
    Term("leave-one-out", "Each patient is predicted by a model made of all the others."),
    Term("bootstrap", "Samples of as many patients, drawn with replacement: how much a number would vary."),
    Term("OR", "Odds ratio: the factor by which the odds of the event change a unit, or against the reference level."),
    Term("SE", "Standard error: how much an estimate varies from study to study."),
    Term(
        "p",
        "How often chance alone would give as much, were there nothing to find. A small p is no effect's size, a large"
        " one no proof of none.",
    ),
    Term(
        "VIF",
        "Variance inflation factor: how much a coefficient's variance grows by what its column shares with the others.",
        (),
        ("(G)VIF",),
    ),
    Term("NRI", "Net reclassification improvement: events moved up and non-events moved down, less the reverse."),
    Term("IDI", "Integrated discrimination improvement: growth of the distance of the mean predictions of outcomes."),
    Term("RERI", "Relative excess risk due to interaction: 0 without interaction on the additive scale."),
    Term("AP", "Attributable proportion due to interaction: 0 without."),
    Term("Radscore", "One number a patient, put together from selected image features.", (), ("Radscores",)),
    Term("ICC", "Intraclass correlation: how well readers, or perturbed masks, agree on a feature; 1 is perfect."),
    Term(
        "yardstick",
        "A plain penalised model of all features on the same resamples, with which the study's own is compared.",
    ),
    Term(
        "null run",
        "The whole modelling process on permuted outcomes, where the true AUC is 0.5: what it reaches by chance alone.",
        (),
        ("null",),
    ),
    Term("τ²", "Variance of the true values between groups or cohorts."),
    Term("I²", "Share of the variation between groups that is more than chance."),
    Term("standardised difference", "Difference of two groups in units of their standard deviation."),
)
TERMS_BY_MEASURE = {key: term for term in GLOSSARY for key in term.keys}

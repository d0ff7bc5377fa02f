"""Warnings of frozen models on new patients."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

_SECTION = "plugin-external-validation"

MODELS_NOT_APPLIED = WarnKind(
    "PRL-150",
    "external",
    _SECTION,
    "Models are not applied",
    "{n} of {n_all} models are not applied: {listed}.",
    "A column or a tissue that they need is not there, or they have no finite coefficient. The others are applied to"
    " all patients who have what these need.",
    "Give what is missing, where these models are wanted.",
)
WITHOUT_OUTCOME = WarnKind(
    "PRL-151",
    "external",
    _SECTION,
    "New patients without an outcome",
    "{n} of {n_all} new patients with predictions have no outcome: {listed}. They have predictions and are left out of"
    " the validation.",
    "Their cell of the outcome is blank. Where those who were not followed up differ from the others, the validation is"
    " of the others alone.",
    "Fill in what is known, and say in the paper why the others have none.",
)
SHARED_PATIENTS = WarnKind(
    "PRL-155",
    "external",
    _SECTION,
    "Cohorts have ids in common",
    "{n} ids are in more than one cohort: {listed}. Each cohort is judged by itself; pooled, the same people would"
    " count more than once.",
    "Random effects take cohorts to be of different patients: with the same people twice the intervals are too narrow.",
    "Leave these patients in one cohort alone, or give ids of their own where they are other people.",
)
EDITED_MODELS = WarnKind(
    "PRL-152",
    "external",
    _SECTION,
    "The models are not those that the run wrote",
    "model.json was changed after it was written, and is applied as it is.",
    "Its checksum is not the one that was kept with it; --accept-edited allowed it. What the report says of the study's"
    " models may not be true of these.",
    "Put the file back that the run wrote, or say in the paper what was changed.",
)
FAR_PATIENTS = WarnKind(
    "PRL-153",
    "external",
    _SECTION,
    "New patients lie outside the study's",
    "tissue {tissue}: {n_beyond} of {n} new patients lie, by the {n_features} features of the Radscore, beyond the"
    " limit that 1% of the study's population would pass. For them the Radscore is extrapolated.",
    "The Mahalanobis distance by the study's covariance says how usual a patient's features are together, though each"
    " of them may be usual alone.",
    "Look at the features that differ most (the report lists them): scanners and settings first, then patients."
    " Features that are far from normal pass the limit in the study as well: compare with the study's own distances.",
)
FAR_COVARIATES = WarnKind(
    "PRL-156",
    "external",
    _SECTION,
    "Covariates lie far from the study's",
    "{listed}: far from the study's patients. Look for another unit, coding or table before these numbers are"
    " believed.",
    "The mean is more than 3 SD of the study's patients from theirs, or more than 10% of the new patients lie beyond"
    " the study's least or largest value by more than half of what is between these. Models are extrapolated there.",
    "Give the column in the study's unit and coding; where it is right, say that the models were made of other"
    " patients.",
)
REVERSED_SLOPE = WarnKind(
    "PRL-154",
    "external",
    _SECTION,
    "A recalibration turns predictions round",
    "{model}: the slope that was fitted is {slope:.2f}: recalibrated predictions rank patients the other way round.",
    "In the patients that fit, higher predictions go with fewer events. No recalibration mends such a model.",
    "Look at the coding of outcome and event, at the features, and at the number of patients that fit.",
)
BEYOND_REACH = WarnKind(
    "PRL-157",
    "external",
    _SECTION,
    "Radscores were held to the study's range",
    "tissue {tissue}: the features of {n_beyond} of {n} new patients sum to a Radscore that lies farther beyond the"
    " study's than a quarter of their range ({low:.3g} to {high:.3g}); it was taken for that end.",
    "A penalised score of features far from all that the study saw is an extrapolation, often of an artefact or of"
    " another unit. How far beyond the end such patients lie does not count.",
    "Look at these patients' features first: units, scanners and settings, then their masks.",
)

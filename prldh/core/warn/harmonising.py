"""What there may be to say of batches that are brought together: PRL-160 and on."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

BATCH_CONFOUNDED = WarnKind(
    "PRL-160",
    "selection",
    "radscores",
    "The outcome differs between batches",
    "the outcome differs between batches of {batch} (events: {listed}; chi-square p {p:.2g}{alone}): harmonisation"
    " takes away what features have in common with both, and pooled performance may be that of telling batches apart.",
    "Where prevalence differs between centres or scanners, a batch effect and a difference between outcomes cannot be"
    " told apart. Taking one away takes part of the other; leaving it in lets a score tell centres, not patients.",
    "Validate by `leave_one_group_out` on the batch, and read performance within centres. Keep covariates that explain"
    " why the centres differ; the outcome itself cannot be kept.",
)
NOT_HARMONISED = WarnKind(
    "PRL-161",
    "selection",
    "radscores",
    "Features that do not vary within some batch are not harmonised",
    "{source}: {n} of {n_features} features do not vary within some batch, or but for batches, and stay as they are:"
    " {listed}.",
    "A feature that is constant within a batch has no spread there that could be brought to that of others; sva's"
    " ComBat leaves it as it is, and so does this.",
    "Drop nearly constant features before (`near_constant`), or look at how the batch measures them.",
)
NOT_REACHED = WarnKind(
    "PRL-162",
    "validation",
    "validation",
    "Held-out patients whom a step cannot be applied to are skipped",
    "{scheme}: {n} predictions of held-out patients are left out in {n_resamples} of {n_all} samples, as the step"
    " '{step}' cannot be applied to them there: {why}.",
    "A bootstrap sample may lack a whole batch. What is fitted on it knows nothing of that batch, and its patients are"
    " not predicted by that sample.",
    "Nothing, where few are. Otherwise join batches that are too small, or set `unseen` of the step.",
)
OF_ALL_ROWS = WarnKind(
    "PRL-163",
    "selection",
    "radscores",
    "Some cross-fitted scores are those of the fit on all training patients",
    "{n} of {n_all} cross-fitted scores are of the fit on all training patients, as no other fold has their batch.",
    "Second-stage scores come from fits that did not see the patient. A batch that lies in one fold alone cannot be"
    " harmonised by the others; its patients then keep the score of the fit that saw them.",
    "Join batches that are too small, or set `unseen: unchanged`.",
)

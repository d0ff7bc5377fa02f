"""What there may be to say of learners, protocols and the choice among them: PRL-130 and on."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

LEARNER_REMARK = WarnKind(
    "PRL-130",
    "radscore",
    "radscores",
    "A learner remarks on its fit",
    "learner {learner}: {message}",
    "What a learner, built in or a plugin's, says in its own words: no convergence, fewer inner folds than asked for.",
    "Read what docs/learners.md says of the learner for the setting that it names.",
)
CROSS_FITTED = WarnKind(
    "PRL-131",
    "models",
    "models",
    "Standard errors are conditional on cross-fitted scores",
    "tissue {tissue}: models are made of cross-fitted scores (folds by patient); their standard errors, p and"
    " intervals are conditional on these scores, and the calibration of apparent predictions is not 0 and 1 by"
    " construction.",
    "With `second_stage: cross_fitted` coefficients, cutoffs and thresholds come from scores of patients that the"
    " score's own fit did not see. The applied score is refitted on everyone.",
    "Read the validation of the whole modelling process for how well the models hold.",
)
SCHEMES_LEFT_OUT = WarnKind(
    "PRL-132",
    "validation",
    "validation",
    "A scheme is left out, as the choice would be made anew in each of its resamples",
    "{listed}: not run, as the choice among {n_ways} protocols would be made anew within each training set. Name it in"
    " choose.schemes to have it run.",
    "With `choose`, all that is refitted includes the choosing, which is refitted in inner folds. Leave-one-out and the"
    " bootstrap take hours then, and are run where `choose.schemes` names them.",
    "Name the scheme in `choose.schemes`; how long it takes is told as the run begins.",
)

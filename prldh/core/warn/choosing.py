"""What there may be to say of learners, protocols and the choice among them: PRL-120 to PRL-139."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

LEARNER_REMARK = WarnKind(
    "PRL-120",
    "radscore",
    "radscores",
    "A learner remarks on its fit",
    "learner {learner}: {message}",
    "What a learner, built in or a plugin's, says in its own words: no convergence, fewer inner folds than asked for.",
    "Read what docs/learners.md says of the learner for the setting that it names.",
)
CROSS_FITTED = WarnKind(
    "PRL-121",
    "models",
    "models",
    "Standard errors are conditional on cross-fitted scores",
    "tissue {tissue}: models are made of cross-fitted scores (five folds by patient); their standard errors, p and"
    " intervals are conditional on these scores, and the calibration of apparent predictions is not 0 and 1 by"
    " construction.",
    "With `second_stage: cross_fitted` coefficients, cutoffs and thresholds come from scores of patients that the"
    " score's own fit did not see. The applied score is refitted on everyone.",
    "Read the validation of the whole chain for how well the models hold.",
)

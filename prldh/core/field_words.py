"""The field's words for what files call by shorter names: files keep their keys, what people read says these."""

from __future__ import annotations

#: What a validation fits anew in every resample, by ``scope``: everything, or the logistic model alone. Where a part of
#: a model was made outside the run, :data:`ALL_THAT_IS_FITTED` stands for the whole.
SCOPE_WORDS = {"pipeline": "whole modelling process validated", "model": "model refitted"}
WHOLE, REFITTED = SCOPE_WORDS["pipeline"], SCOPE_WORDS["model"]
#: The whole, where a part was made outside the run: that part was validated by nobody.
ALL_THAT_IS_FITTED = "all that this run fits, fitted anew"
#: What the AUC with the model refitted is above that of the whole modelling process.
OPTIMISM_FROM_SELECTION = "optimism from selection"


def scheme_words(scheme: str) -> str:
    """A scheme of validation as people read it, where the object behind it is not at hand to be asked.

    Examples
    --------
    >>> [scheme_words(name) for name in ("folds", "leave_one_out")]
    ['cross-validation', 'leave-one-out']
    """
    return "cross-validation" if scheme == "folds" else scheme.replace("_", "-")


def scope_words(scope: str, whole: str = WHOLE) -> str:
    """A scope as people read it; a name that is none stays. ``whole``: what the scope pipeline is.

    Examples
    --------
    >>> scope_words("pipeline")
    'whole modelling process validated'
    >>> scope_words("pipeline", ALL_THAT_IS_FITTED)
    'all that this run fits, fitted anew'
    """
    return whole if scope == "pipeline" else SCOPE_WORDS.get(scope, scope)

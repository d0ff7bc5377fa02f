"""The field's words for what files call by shorter names: files keep their keys, what people read says these."""

from __future__ import annotations

#: What a validation fits anew in every resample, by ``scope``: everything, or the logistic model alone.
SCOPE_WORDS = {"pipeline": "whole modelling process validated", "model": "model refitted"}
WHOLE, REFITTED = SCOPE_WORDS["pipeline"], SCOPE_WORDS["model"]
#: The whole, where a part was made outside the run: that part was validated by nobody.
ALL_THAT_IS_FITTED = "all that this run fits, fitted anew"
#: What the AUC with the model refitted is above that of the whole modelling process.
OPTIMISM_FROM_SELECTION = "optimism from selection"


def scope_words(scope: str) -> str:
    """A scope as people read it; a name that is none stays.

    Examples
    --------
    >>> scope_words("pipeline")
    'whole modelling process validated'
    """
    return SCOPE_WORDS.get(scope, scope)

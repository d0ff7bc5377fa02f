"""How a model is fitted, and likelihood-ratio tests: of nested models, and of a term with all its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from prldh.core import ABSENT, Absent, Design, Inline, Later, Number, finite, record_of
from prldh.engines import StatisticsEngine

#: How a model was fitted, as its entry's ``fit`` says it.
Likelihood = Literal["maximum likelihood", "firth", "as_is"]
MAXIMUM_LIKELIHOOD: Final = "maximum likelihood"
FIRTH: Final = "firth"
#: Not fitted: a score that is log odds already.
AS_IS: Final = "as_is"


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test; ``df2`` where the statistic is F, pooled over imputed data sets."""

    statistic: Number
    df: Number
    p: Number
    method: Later[str]
    df2: Number | Absent = ABSENT


@dataclass(frozen=True)
class OverallTest:
    """The test of leaving a term out with all its columns."""

    term: str
    test: Inline[LikelihoodRatio]


def compare_likelihoods(
    small: Sequence[Design],
    large: Sequence[Design],
    fits: Sequence[str],
    outcome: np.ndarray,
    engine: StatisticsEngine,
) -> LikelihoodRatio:
    """Likelihood-ratio test of nested models; it does not exist where its p is None.

    ``fits`` tells how the two were fitted: where both are by maximum likelihood it is the usual test; where one is
    Firth's, the penalised test with the large model's penalty. Over imputed data sets the statistics are pooled by Li,
    Meng, Raghunathan and Rubin's rule (D2): ``statistic`` is then F.
    """
    y = outcome.astype(float)
    is_likely = all(how == MAXIMUM_LIKELIHOOD for how in fits)
    test = engine.likelihood_ratio if is_likely else engine.likelihood_ratio_firth
    m = max(len(small), len(large))
    answers = [test(small[k % len(small)].matrix, large[k % len(large)].matrix, y) for k in range(m)]
    method = "likelihood ratio" if is_likely else "penalised likelihood ratio (Firth)"
    if m == 1 or finite(answers[0]["p"]) is None:
        return record_of(LikelihoodRatio, answers[0], method=method)
    pooled = engine.pool_likelihood_ratio(np.array([answer["statistic"] for answer in answers]), answers[0]["df"])
    method += f", F of {m} imputed data sets (D2)"
    return record_of(LikelihoodRatio, {**pooled, "df": pooled["df1"]}, method=method)


def overall_tests(
    designs: Sequence[Design], how: str, outcome: np.ndarray, engine: StatisticsEngine
) -> tuple[OverallTest, ...]:
    """The likelihood-ratio test of each term that has several columns, such as the levels of a factor; R: ``drop1(fit,
    test = "LRT")``.

    A term that is contained in a product has none, as R has it: what its test says would depend on which level is the
    reference, or where a number has its 0. A model by Firth's likelihood is tested by the penalised ratio, with the
    penalty of the whole model.
    """
    tests = []
    for term in dict.fromkeys(designs[0].variables[1:]):
        if designs[0].variables.count(term) > 1 and not _is_contained(designs[0], term):
            without = [design.without(term) for design in designs]
            tests.append(OverallTest(term, compare_likelihoods(without, designs, [how], outcome, engine)))
    return tuple(tests)


def _is_contained(design: Design, term: str) -> bool:
    """Whether another term multiplies everything that this one is made of by something more."""
    factors: dict[str, set[tuple[str, str, int]]] = {}
    for variable, parts in zip(design.variables, design.parts, strict=False):
        factors.setdefault(variable, set()).update((part.variable, part.function, len(part.knots)) for part in parts)
    own = factors.get(term, set())
    return bool(own) and any(own < others for others in factors.values())

"""One refit made twice, here and in a process that was started for it: what a stranger's step finds may depend on its
training rows, its settings and its seed alone.

Of prldh's own steps and learners the test suite shows it; only protocols with another project's are refitted here.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.chain import Protocol
from prldh.core import Resample, TissueRefit, Warn, warn
from prldh.models import Plan
from prldh.plugins import describe_error, is_strangers
from prldh.validation.spread import Refits, refit_inputs, refit_one
from prldh.work import over_processes

#: Scores that differ by less than this share are the same: sums in another order.
ROUNDING = 1e-9
Refit = Mapping[str, TissueRefit]


def repeat_elsewhere(plan: Plan) -> tuple[Warn, ...]:
    """A warning for each protocol with a stranger's step or learner whose first refit is another one in another
    process, or cannot be made there. Within a daemonic process, such as one of ``multiprocessing.Pool``, which may
    start none, nothing is repeated."""
    if not plan.blocks or multiprocessing.current_process().daemon:
        return ()
    warnings = []
    for protocol in {id(each): each for each in (plan.protocol, *plan.protocols.values())}.values():
        strangers = _strangers_of(protocol, plan)
        found = _difference(plan, protocol) if strangers else None
        if found is not None:
            warnings.append(warn.REPEATED_OTHERWISE(listed=", ".join(strangers), found=found))
    return tuple(dict.fromkeys(warnings))


def _strangers_of(protocol: Protocol, plan: Plan) -> list[str]:
    """The steps and learners of a protocol that another project brings, each with its plugin."""
    whose = {brought: str(each) for each in plan.registry.took_part() for brought in each.brings}
    items = [("transform" if step.is_transform else "selector", step.selector) for step in protocol.steps]
    learners = [protocol.learner.learner]
    for learner in learners:  # one that is made of others holds these, with their settings
        learners += [part for part, _ in getattr(learner, "learners", ())]
    items += [("learner", learner) for learner in learners]
    return [
        f"the {noun} '{item.name}' of {whose.get(f'{noun} {item.name}', 'a plugin')}"
        for noun, item in items
        if is_strangers(item)
    ]


def _difference(plan: Plan, protocol: Protocol) -> str | None:
    """What another process finds otherwise in the first resample, or on everyone where there is none."""
    scheme, (_, resamples) = next(iter(plan.schemes.items()), ("everyone", ("", [])))
    n, study = plan.cohort.n, plan.study
    resample = resamples[0] if resamples else Resample(np.arange(n), np.empty(0, dtype=np.int64), 0, 0)
    settings = Refits(plan.cohort.subjects, protocol, study.seed, None, None, study.imputation)
    given = (settings, *refit_inputs(plan), (scheme, 0, resample))
    here, _, _ = refit_one(*given)
    try:
        there = _in_another_process(given)
    except MemoryError:
        raise
    except Exception as error:  # of pickling, of the plugin, of a process that ended
        return f"it could not be made there ({describe_error(error)})"
    return _compare(here or {}, there)


def _in_another_process(given: tuple[Any, ...]) -> Refit:
    """The same refit by a process of its own, which knows nothing of what was fitted here."""
    [(there, _, _)] = over_processes(_refit, iter([given]), 1)
    return there or {}


def _refit(given: tuple[Any, ...]) -> tuple[Any, ...]:
    return refit_one(*given)


def _compare(here: Refit, there: Refit) -> str | None:
    for name, own in here.items():
        other = there[name]
        if own.features != other.features:
            return f"tissue {name}: {len(own.features)} features here and {len(other.features)} there, or others"
        for what, a, b in (("score", own.values, other.values), ("cutoff", own.cutoff, other.cutoff)):
            if not np.allclose(a, b, rtol=ROUNDING, atol=ROUNDING, equal_nan=True):
                return f"tissue {name}: another {what}"
    return None

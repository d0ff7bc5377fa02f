"""The checks of learners: what :class:`prldh.plugins.interfaces.Learner` and the scores that it fits promise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from string import Formatter
from typing import Any

import numpy as np

from prldh.core import BUILT_IN, DataError, FittedScore, PluginError, StepRun, TrainingRows
from prldh.engines import PythonEngine
from prldh.plugins import ComposesLearners, LearnerMethods, Registry, check_score
from prldh.stats import auc
from prldh.testing.fresh import CARRIES, ELSEWHERE, N_WIDE, P_WIDE, carries_nothing, finds_the_same_elsewhere
from prldh.testing.parts import (
    NAMED,
    TRAVELS,
    UNKNOWN,
    WORDS,
    CheckFailed,
    as_json,
    has_name_and_version,
    in_other_weather,
    read_settings,
    refuses_unknown_keys,
    require,
    travels,
    unchangeable,
)

#: Log odds closer than this are the same where sums may be taken in another order.
CLOSE = 1e-6


def made_rows(n: int = 80, p: int = 5, seed: int = 0) -> TrainingRows:
    """Training rows (n, p): the first two features tell of the outcome, the third is a copy of the first, the fourth
    has ties throughout."""
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.arange(n) % 5 < 2).astype(np.int8)
    values = generator.normal(size=(n, p))
    values[:, :2] += 0.8 * outcome[:, None]
    if p > 3:
        values[:, 2], values[:, 3] = values[:, 0], np.round(values[:, 3])
    parts = (unchangeable(part) for part in (values, outcome, np.arange(n)))
    values, outcome, patient = parts
    return TrainingRows(values, None, outcome, patient, tuple(f"feature {j}" for j in range(p)))


def composed(learner: Any, raw: Any) -> tuple[Any, Any]:
    """The learner and its settings, ready to be fitted: one that is made of others has these, of those built in."""
    settings = read_settings(learner, raw)
    if not isinstance(learner, ComposesLearners):
        return learner, settings
    parts, where = [], str(getattr(learner, "name", learner))
    for part in learner.parts(settings):
        ((name, own),) = ({part: None} if isinstance(part, str) else part).items()
        chosen = Registry(load_entry_points=False).choose("register_learners", name, where)
        parts.append(composed(chosen, own))
    return learner.compose(parts), settings


def _fit(learner: Any, raw: Any, rows: TrainingRows) -> FittedScore:
    ready, settings = composed(learner, raw)
    score = ready.fit(rows, settings, np.random.SeedSequence(7), PythonEngine())
    try:
        check_score(learner, score, rows.names)
    except PluginError as error:
        raise CheckFailed(str(error)) from None
    require(len(set(score.names)) == len(score.names), "names hold a column twice")
    as_json(getattr(score, "details", {}), "details")
    fitted: FittedScore = score
    return fitted


def _log_odds(score: FittedScore, rows: TrainingRows) -> np.ndarray:
    """Of these rows, which have to be finite numbers, one a row."""
    found = np.asarray(score.apply(rows.values, rows.names, {}))
    n = rows.outcome.size
    require(found.shape == (n,) and found.dtype.kind == "f", f"apply gives {found.dtype} {found.shape}, not ({n},)")
    require(
        bool(np.isfinite(found).all()), f"apply gives {int((~np.isfinite(found)).sum())} log odds that are infinite"
    )
    return found


def _is_deterministic(learner: Any, raw: Any) -> None:
    """Of read-only rows; whatever was fitted before, and whatever state other random numbers are in."""
    rows, others = made_rows(), made_rows(seed=1)
    first = _log_odds(_fit(learner, raw, rows), others)
    _fit(learner, raw, made_rows(seed=2))
    again = in_other_weather(lambda: _log_odds(_fit(learner, raw, rows), others))
    require(np.array_equal(first, again), "the same rows and seed gave two scores; draw from the seed alone")


def _text_of(score: FittedScore, others: TrainingRows) -> str:
    """All that a score says of others, as text."""
    return as_json([list(score.names), score.state, _log_odds(score, others)], "what it found")


def _carries_nothing(learner: Any, raw: Any) -> None:
    def finding(seed: int) -> Callable[[Any], Callable[[], str]]:
        rows, others = made_rows(seed=seed), made_rows(seed=3)
        return lambda own: partial(_text_of, _fit(own, raw, rows), others)

    carries_nothing(learner, finding(2), finding(0))


def _find(learner: Any, raw: Any) -> str:
    return _text_of(_fit(learner, raw, made_rows(N_WIDE, P_WIDE)), made_rows(N_WIDE, P_WIDE, seed=1))


def _is_the_same_elsewhere(learner: Any, raw: Any) -> None:
    """Here after another fit, there as the first."""
    _fit(learner, raw, made_rows(seed=2))
    finds_the_same_elsewhere(_find, learner, raw)


def _same_in_any_order(
    change: Callable[[TrainingRows], TrainingRows], what: str, first: Callable[[TrainingRows], TrainingRows] = replace
) -> Callable[[Any, Any], None]:
    def check(learner: Any, raw: Any) -> None:
        rows, others = first(made_rows()), made_rows(seed=1)
        before, after = (_log_odds(_fit(learner, raw, each), others) for each in (rows, change(rows)))
        worst = float(np.abs(before - after).max())
        require(
            worst <= CLOSE * max(1.0, float(np.abs(before).max())),
            f"{what} in another order give other scores; sort by rows.patient or by name before anything is drawn",
        )

    return check


def _turned(rows: TrainingRows) -> TrainingRows:
    return rows.of_rows(np.random.default_rng(3).permutation(rows.outcome.size))


def _columns_turned(rows: TrainingRows) -> TrainingRows:
    return rows.take(np.arange(len(rows.names))[::-1])


def _bootstrapped(rows: TrainingRows) -> TrainingRows:
    n = rows.outcome.size
    return rows.of_rows(np.sort(np.random.default_rng(1).integers(0, n, n)))


def _with_constants(rows: TrainingRows) -> TrainingRows:
    return replace(rows, values=unchangeable(np.where(np.arange(len(rows.names)) == 4, 3.0, rows.values)))


def _tied(rows: TrainingRows) -> TrainingRows:
    return replace(rows, values=unchangeable(np.round(rows.values)))


def _of_few_features(rows: TrainingRows) -> TrainingRows:
    return rows.take(np.array([0]))


def _survives(change: Callable[[TrainingRows], TrainingRows]) -> Callable[[Any, Any], None]:
    def check(learner: Any, raw: Any) -> None:
        rows = change(made_rows())
        score = _fit(learner, raw, rows)
        _log_odds(score, rows)
        _log_odds(score, made_rows(seed=1))

    return check


def _rises_with_the_event(learner: Any, raw: Any) -> None:
    """Higher means event: on rows that did not train, where the features tell of it."""
    others = made_rows(200, seed=1)
    area = auc(others.outcome, _log_odds(_fit(learner, raw, made_rows()), others))["estimate"]
    require(area > 0.6, f"log odds do not rise with the event: AUC {area:.2f} where a good score has about 0.78")


def _applies_to_anyone(learner: Any, raw: Any) -> None:
    """Columns by name, in any order and among others; a missing one has a message. A row's score is its own."""
    score, others = _fit(learner, raw, made_rows()), made_rows(seed=1)
    found = _log_odds(score, others)
    turned = _columns_turned(others)
    more = replace(turned, values=np.column_stack([turned.values, np.ones(80)]), names=(*turned.names, "more"))
    require(np.array_equal(found, _log_odds(score, more)), "apply gives other log odds where columns stand otherwise")
    own = others.take(np.array([others.names.index(name) for name in score.names], dtype=np.intp))
    require(np.array_equal(found, score.log_odds(own.values)), "log_odds of its own columns are not what apply gives")
    alone = [_log_odds(score, others.of_rows(np.array([row])))[0] for row in (0, 41)]
    require(np.allclose(alone, found[[0, 41]], rtol=1e-12, atol=1e-12), "a row's score depends on the rows beside it")
    for name in score.names[:1]:
        fewer = others.take(np.array([j for j, each in enumerate(others.names) if each != name]))
        try:
            score.apply(fewer.values, fewer.names, {})
        except DataError as error:
            require(name in str(error), f"the message does not name the column '{name}' that is missing: {error}")
        else:
            raise CheckFailed(f"apply says nothing of the column '{name}' that is missing; take_columns does")


def _is_the_same_from_its_state(learner: Any, raw: Any) -> None:
    """Through JSON, bit by bit; applying changes no state."""
    others = made_rows(seed=1)
    score = _fit(learner, raw, made_rows())
    require(isinstance(score.state, dict), f"its state must be a dictionary, found {type(score.state).__name__}")
    try:
        text = json.dumps(score.state, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckFailed(f"its state is not JSON: {error}") from None
    again = _read(learner, json.loads(text), score)
    require(again.names == score.names, f"from_state gives other names: {again.names} and {score.names}")
    is_same = np.array_equal(_log_odds(score, others), _log_odds(again, others))
    require(is_same, "what from_state gives makes other log odds of the same rows")
    require(json.dumps(score.state) == text, "applying it changed its state")


def _read(learner: Any, state: Mapping[str, Any], like: Any = None) -> FittedScore:
    """The score of a state again, as the frozen models are read."""
    own = BUILT_IN.get(getattr(like, "name", ""))
    if own is not None:
        score: Any = own.from_state(state)
    elif isinstance(learner, ComposesLearners):
        score = learner.from_parts(state, _read_part)
    else:
        score = learner.from_state(state)
    return score


def _read_part(entry: Mapping[str, Any]) -> FittedScore:
    name = entry["step"]
    maker: Any = BUILT_IN.get(name)
    if maker is None:
        maker = Registry(load_entry_points=False).choose("register_learners", name, "a part of a score")
    require(entry["version"] == maker.version, f"a part is of version {entry['version']}, not {maker.version}")
    return _read(maker, entry["state"])


def _says_what_the_report_can_use(learner: Any, raw: Any) -> None:
    if not isinstance(learner, LearnerMethods):
        return
    settings = read_settings(learner, raw).model_dump(mode="json")
    sentence = learner.methods(StepRun(settings))
    require(isinstance(sentence, str) and sentence.strip() != "", f"methods must return text, found {sentence!r}")
    unknown = [key for _, key, _, _ in Formatter().parse(sentence) if key is not None and key not in settings]
    require(not unknown, f"methods names '{{{unknown[0] if unknown else ''}}}', which is none of its settings")
    keys = {reference.key for reference in getattr(learner, "references", ())}
    strange = [key for key in re.findall(r"@(\w+)", sentence) if key not in keys]
    require(not strange, f"methods cites '{strange[0] if strange else ''}', which is none of its references")


LEARNER_CHECKS: dict[str, Callable[[Any, Any], None]] = {
    NAMED: has_name_and_version,
    UNKNOWN: refuses_unknown_keys,
    TRAVELS: travels,
    "finds the same for the same rows and seed": _is_deterministic,
    CARRIES: _carries_nothing,
    ELSEWHERE: _is_the_same_elsewhere,
    "finds the same for rows in any order": _same_in_any_order(_turned, "rows"),
    "finds the same for columns in any order": _same_in_any_order(_columns_turned, "columns"),
    "finds the same for copies of patients in any order": _same_in_any_order(_turned, "copies", _bootstrapped),
    "survives ties": _survives(_tied),
    "survives constant columns": _survives(_with_constants),
    "survives a bootstrap sample's copies of patients": _survives(_bootstrapped),
    "takes one feature": _survives(_of_few_features),
    "gives higher log odds where the event is likelier": _rises_with_the_event,
    "is applied to anyone, by the columns' names": _applies_to_anyone,
    "is the same again from its state": _is_the_same_from_its_state,
    WORDS: _says_what_the_report_can_use,
}

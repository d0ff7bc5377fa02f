"""Ways from features to a score beside each other, on the same resamples: protocols, the choice among them, and the
yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from prldh.chain import ChosenLearner, Protocol, Step, probability
from prldh.chain.learners import YARDSTICKS
from prldh.chain.transforms import ImputeTransform
from prldh.core import BOOTSTRAP, Interval, ModelSpec, Number, Predictions, TissueRefit, finite, scheme_words
from prldh.engines import PythonEngine, StatisticsEngine
from prldh.models import Patients, Plan
from prldh.stats import auc_of_rows, corrected_resampled, ranked_log_odds
from prldh.validation.choice_entries import (
    Candidate,
    ChoiceEntry,
    ChoiceScheme,
    Difference,
    FromReference,
    NumberOfFeatures,
    ProtocolEntry,
    ProtocolModel,
    ProtocolScheme,
    ProtocolTissue,
    YardstickEntry,
    YardstickScheme,
)
from prldh.validation.choosing import Decision, judged_model
from prldh.validation.engine_run import EngineRun
from prldh.validation.entries import HeldOutArea, IntervalBy
from prldh.validation.implausible import implausible_predictions
from prldh.validation.predict import predict_refitted
from prldh.validation.refit import predict_scope_pipeline
from prldh.validation.spread import POOLED, Helpers, Refitted, in_many_folds, refit_all
from prldh.validation.summaries import Judged, judge_held_out, judges_part

if TYPE_CHECKING:
    from prldh.core import Progress

CORRECTED = "mean over resamples; Nadeau and Bengio's corrected variance, Student's t"
NO_INTERVAL_HERE = (
    "corrected resampled intervals are of folds and of splits at random; groups that are left out differ by more than"
    " chance"
)
NO_SPREAD = "there are fewer than two resamples, or the difference is the same in all of them"
OUT_OF_BAG = "mean over bootstrap samples of what each says of the patients out of its bag"
#: What the study's own way is called beside those that it names.
OWN = "the study's own"
CHOICE = "the choice, made anew"


def compared_schemes(plan: Plan) -> list[str]:
    """Where ways are compared: the schemes that ``choose`` names, or those that hold several patients out at once."""
    if plan.study.choose is not None and plan.study.choose.schemes is not None:
        return list(plan.study.choose.schemes)
    return in_many_folds(plan)


def compare_protocols(
    plan: Plan, runs: Sequence[EngineRun], helpers: Helpers, decision: Decision | None, progress: Progress
) -> None:
    """Each way that the study names, beside its own or the chosen one."""
    schemes = {name: plan.schemes[name] for name in compared_schemes(plan)}
    if not plan.protocols or not (schemes or decision):
        return
    run, entries = runs[0], dict[str, ProtocolEntry]()
    refitted = dict(run.choosing.by_way) if run.choosing else {}
    reference = CHOICE if decision else OWN
    for name, protocol in plan.protocols.items():
        own = replace(plan, protocol=protocol, schemes=schemes)
        if name not in refitted and schemes:
            refitted[name] = refit_all(own, None, helpers, partial(progress, f"protocol '{name}'"), f"of '{name}'")
        entries[name] = ProtocolEntry(
            dict.fromkeys(plan.blocks, _in_words(protocol)),
            {scheme: _describe_scheme(own, run, scheme, name, refitted[name], reference) for scheme in schemes},
        )
    choice = _describe_choice(plan, run, decision, entries, schemes) if decision else None
    for each in runs:
        each.protocols, each.choice = entries, choice


def _in_words(protocol: Protocol) -> ProtocolTissue:
    transforms, selection = (tuple(map(str, steps)) for steps in (protocol.transforms, protocol.selection))
    return ProtocolTissue(transforms, selection, str(protocol.learner), protocol.second_stage)


def _describe_scheme(
    plan: Plan, run: EngineRun, scheme: str, way: str, refitted: Refitted, reference: str
) -> ProtocolScheme:
    """The models of a way that its second stage can make, under one scheme."""
    models = []
    for i, spec in enumerate(plan.specs):
        made = [name for name in plan.variables(spec) if name in plan.blocks]
        if not made or (plan.protocol.second_stage == "as_is" and not plan.is_as_is(spec)):
            continue
        how = run.models[i].predicts_by
        predictions, patients = predict_refitted(
            plan, spec, scheme, refitted.tissues, refitted.completed, PythonEngine(), how
        )
        outcome = patients.cohort.outcome
        judged = judge(predictions, patients, run.engine, run.assessment.level)
        tissues = refitted.tissues[scheme]
        _tell_of_implausible(
            run, f"protocol '{way}', model '{spec.name}'", scheme, predictions, patients, spec.terms, tissues
        )
        counts = [sum(len(each[name].features) for name in made) for each in tissues]
        models.append(
            ProtocolModel(
                spec.name,
                spec.adjusted,
                judged.auc,
                judged.auc_mean,
                judged.brier,
                judged.slope,
                NumberOfFeatures(float(np.median(counts)), float(min(counts)), float(max(counts))),
                float(sum(each[made[0]].seconds for each in tissues)),
                sum(any(each[name].empty_step is not None for name in made) for each in tissues),
                _from_reference(run, i, spec, scheme, predictions, outcome, reference),
            )
        )
    return ProtocolScheme(tuple(models))


def _tell_of_implausible(
    run: EngineRun,
    whose: str,
    scheme: str,
    predictions: Predictions,
    patients: Patients,
    terms: Sequence[str],
    tissues: Sequence[Mapping[str, TissueRefit]],
) -> None:
    """One such patient makes a slope 0, which would otherwise stand without a word."""
    refits = patients.refits(scheme, tissues)
    label = f"{whose}, {scheme_words(scheme)}"
    run.warnings += [w.about(label) for w in implausible_predictions(predictions, patients.cohort, terms, refits)]


def judge(predictions: Predictions, patients: Patients, engine: StatisticsEngine, level: float) -> Judged:
    """What is said of a way's predictions: of patients held out; of a bootstrap, means over the samples of what each
    says of the patients out of its bag."""
    engine, outcome = engine.of_rows(patients.rows), patients.cohort.outcome
    if predictions.kind != BOOTSTRAP:
        if judges_part(predictions):
            engine = engine.of_rows(predictions.held_out_rows[0])
        return judge_held_out(predictions, outcome, engine, level)[0]
    rows = np.concatenate([r.train for r in predictions.resamples])
    lengths = np.array([len(r.train) for r in predictions.resamples])
    in_sample = np.concatenate([predictions.in_sample(r) for r in range(len(lengths))])
    measures = engine.bootstrap_measures(outcome.astype(float), predictions.log_odds, in_sample, rows, lengths)

    def mean(measure: str) -> Number:
        values = np.asarray(measures[f"{measure}_oob"], dtype=float)
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else None

    area = HeldOutArea(mean("auc"), None, None, None, OUT_OF_BAG)
    intercept, slope = (Interval(mean(measure), None, None) for measure in ("intercept", "slope"))
    return Judged(area, None, IntervalBy(mean("brier"), None, None, OUT_OF_BAG), intercept, slope)


def _from_reference(
    run: EngineRun,
    i: int,
    spec: ModelSpec,
    scheme: str,
    predictions: Predictions,
    outcome: np.ndarray,
    reference: str,
) -> FromReference | None:
    """How a way's predictions differ from those of the run's model i, of the same patients."""
    own = run.predictions.get((i, "pipeline", scheme))
    if own is None:
        return None
    return difference_of(predictions, own, outcome, run.assessment.level, reference, spec.name)


def difference_of(
    first: Predictions, second: Predictions, outcome: np.ndarray, level: float, reference: str, model: str
) -> FromReference:
    """The first's AUC and Brier score less the second's, resample by resample on the same held-out patients."""
    areas, scores = (
        np.array([measures_of(each, r, outcome) for r in range(len(each.resamples))]).T for each in (first, second)
    )
    share = float(np.mean([len(r.test) / len(r.train) for r in first.resamples]))
    is_held_out = first.kind != BOOTSTRAP and any(len(r.test) > 1 and not r.group for r in first.resamples)
    differences = []
    for own, other in zip(areas, scores, strict=True):
        values = (own - other)[~np.isnan(own - other)]
        answer = corrected_resampled(values, share, level)
        low, high = (finite(answer[end]) if is_held_out else None for end in ("low", "high"))
        reason = NO_INTERVAL_HERE if not is_held_out else NO_SPREAD
        if low is None:
            differences.append(Difference(finite(answer["estimate"]), None, None, "mean over resamples", reason))
        else:
            differences.append(Difference(answer["estimate"], low, high, CORRECTED))
    return FromReference(reference, model, len(first.resamples), *differences)


def measures_of(predictions: Predictions, r: int, outcome: np.ndarray) -> tuple[float, float]:
    """AUC (NaN with one class; 0.5 where nothing was left) and Brier score of the patients that a resample holds
    out."""
    test = predictions.resamples[r].test
    y, eta = outcome[test], predictions.log_odds[r, test]
    brier = float(np.mean((probability(eta) - y) ** 2))
    return float(auc_of_rows(y, ranked_log_odds(eta)[None, :])[0]), brier


# ---------------------------------------------------------------- the choice


def _describe_choice(
    plan: Plan,
    run: EngineRun,
    decision: Decision,
    entries: Mapping[str, ProtocolEntry],
    schemes: Mapping[str, object],
) -> ChoiceEntry:
    choose, spec = plan.study.choose, judged_model(plan)
    assert choose is not None and spec is not None
    i = plan.specs.index(spec)
    sign = -1.0 if choose.measure == "brier" else 1.0
    candidates = {
        way: Candidate(finite(sign * mean), finite(se))
        for way, mean, se in zip(decision.ways, decision.means, decision.errors, strict=True)
    }
    validation = {}
    for scheme in schemes:
        predictions = run.predictions[i, "pipeline", scheme]
        judged = judge(predictions, plan.patients_of(spec.terms), run.engine, run.assessment.level)
        assert run.choosing is not None
        chosen = run.choosing.chosen[scheme]
        looks = {way: _looks(entries[way], scheme, spec, choose.measure) for way in choose.among}
        known = [way for way in looks if not np.isnan(looks[way])]
        best = max(known, key=lambda way: sign * looks[way]) if known else None
        own = _number(judged.auc_mean or judged.auc) if choose.measure == "auc" else _number(judged.brier)
        validation[scheme] = ChoiceScheme(
            judged.auc,
            judged.auc_mean,
            judged.brier,
            judged.slope,
            {way: chosen.count(way) for way in choose.among},
            best,
            None if best is None else finite(sign * (looks[best] - own)),
        )
    return ChoiceEntry(
        choose.rule,
        choose.measure,
        spec.name,
        choose.folds,
        decision.chosen,
        _because(decision, choose.rule, sign, "AUC" if choose.measure == "auc" else "Brier score"),
        candidates,
        validation,
    )


def _number(entry: object) -> float:
    value = getattr(entry, "estimate", None)
    return np.nan if value is None else float(value)


def _looks(entry: ProtocolEntry, scheme: str, spec: ModelSpec, measure: str) -> float:
    model = next(m for m in entry.validation[scheme].models if (m.name, m.adjusted) == (spec.name, spec.adjusted))
    return _number(model.brier if measure == "brier" else model.auc_mean or model.auc)


def _because(decision: Decision, rule: str, sign: float, noun: str) -> str:
    """Why the rule chose what it chose on everyone."""
    means, errors = decision.means, decision.errors
    if np.isnan(means).any():
        return f"no inner fold has both outcomes, so that the first listed stands: '{decision.chosen}'"
    best, chosen = int(np.argmax(means)), decision.ways.index(decision.chosen)
    if best == chosen:
        side = "largest" if sign > 0 else "smallest"
        return f"'{decision.chosen}' has the {side} mean {noun} in the inner folds, {sign * means[best]:.3f}"
    return (
        f"'{decision.chosen}' ({sign * means[chosen]:.3f}) is the first listed within one standard error"
        f" ({errors[chosen]:.3f}) of the best, '{decision.ways[best]}' ({sign * means[best]:.3f}), by mean {noun} in"
        " the inner folds"
    )


# ---------------------------------------------------------------- the yardstick


def measure_by_yardstick(plan: Plan, runs: Sequence[EngineRun], helpers: Helpers, progress: Progress) -> None:
    """A plain LASSO and a plain ridge of all tissues' features on the same resamples, beside the study's own model."""
    spec, run = judged_model(plan), runs[0]
    schemes = {name: plan.schemes[name] for name in compared_schemes(plan)}
    if not plan.study.yardstick or not plan.blocks or spec is None or not schemes:
        return
    i, patients = plan.specs.index(spec), plan.patients_of(spec.terms)
    entries: dict[str, YardstickEntry] = {}
    for learner in YARDSTICKS:
        medians = Step(ImputeTransform(), ImputeTransform.Settings())  # of blanks, where there are any
        protocol = Protocol((medians,), False, "stop", ChosenLearner(learner, learner.Settings()), "as_is")
        own = replace(plan, protocol=protocol, schemes=schemes)
        refitted = refit_all(own, None, helpers, partial(progress, f"yardstick, {learner.label}"), is_pooled=True)
        entries[learner.name] = {
            scheme: _describe_yardstick(patients, run, i, scheme, learner.label, refitted, spec.name)
            for scheme in schemes
        }
    for each in runs:
        each.yardstick = entries


def _describe_yardstick(
    patients: Patients, run: EngineRun, i: int, scheme: str, learner: str, refitted: Refitted, model: str
) -> YardstickScheme:
    kind, resamples = patients.schemes[scheme]
    tissues, score = patients.refits(scheme, refitted.tissues[scheme]), ModelSpec(POOLED, False, (POOLED,), (POOLED,))
    predictions = predict_scope_pipeline(score, patients.cohort, kind, resamples, tissues, PythonEngine())
    outcome, level = patients.cohort.outcome, run.assessment.level
    judged, difference = judge(predictions, patients, run.engine, level), None
    _tell_of_implausible(
        run, f"yardstick, {learner}", scheme, predictions, patients, score.terms, refitted.tissues[scheme]
    )
    own = run.predictions.get((i, "pipeline", scheme))
    if own is not None:
        difference = difference_of(predictions, own, outcome, level, CHOICE if run.choosing else OWN, model)
    is_better = difference is not None and difference.auc.low is not None and difference.auc.low > 0
    return YardstickScheme(judged.auc, judged.auc_mean, judged.brier, judged.slope, difference, is_better)

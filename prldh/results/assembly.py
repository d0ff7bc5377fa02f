"""What a run found: the content of ``results.json``, and the same as data frames."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from prldh.chain import probability
from prldh.chain.selection import unit_columns
from prldh.core import TissueFit, Warn, add_up, clean, warn
from prldh.data import describe_missing
from prldh.data.imaging import describe_images
from prldh.engines import PythonEngine
from prldh.models import describe_sample_size, mean_log_odds, roc_vertices
from prldh.results.nulls import explain_nulls
from prldh.results.reading import SCHEMA
from prldh.results.tables import make_tables
from prldh.stats import proportion, selection_stability
from prldh.validation import held_out

if TYPE_CHECKING:
    from prldh.models import EngineRun, Plan


@dataclass(frozen=True)
class Results:
    """Results of a study.

    ``data`` is exactly what ``results.json`` holds; ``tables`` are the same as data frames, with ``extra`` ones that
    are too long for it; ``predictions`` is ``predictions.csv``.
    """

    data: dict[str, Any]
    predictions: pd.DataFrame = field(repr=False)
    extra: dict[str, pd.DataFrame] = field(repr=False, default_factory=dict)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:

        return {**make_tables(self.data), **self.extra}

    def __repr__(self) -> str:
        cohort = self.data["cohort"]
        return (
            f"<Results: {self.data['study']['title']}; {cohort['n']} patients, {cohort['events']} events,"
            f" {len(self.data['models'])} models>"
        )

    def to_json(self) -> str:
        return json.dumps(self.data, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def assemble(plan: Plan, runs: list[EngineRun], agreement: list[dict[str, Any]], warnings: list[Warn]) -> Results:
    """One record of everything, the reported engine's numbers first."""
    run = runs[0]
    cohort, study = plan.cohort, plan.study
    patients, short = describe_sample_size(
        study.sample_size, cohort, plan.specs, [d[0] for d in run.designs], plan.blocks
    )
    data = {
        "schema": SCHEMA,
        "study": _study(plan),
        "cohort": {
            "n": cohort.n,
            "events": cohort.n_events,
            "outcome": cohort.outcome_name,
            "event": cohort.event,
            "non_event": cohort.non_event,
            "n_read": cohort.n + len(cohort.excluded),
            "excluded": [{"id": i, "reason": r} for i, r in cohort.excluded],
            "ranges": {
                c.name: {"low": cohort.table[c.name].min(), "high": cohort.table[c.name].max()}
                for c in cohort.covariates
                if c.kind == "continuous"
            },
        },
        "sample_size": patients,
        "missing": describe_missing(cohort, study.imputation),
        "table_one": run.table_one,
        "univariate": run.univariate,
        "tissues": {name: _tissue(plan, run, name) for name in study.tissues},
        "models": [_model(plan, run, i) for i in range(len(plan.specs))],
        "ledger": _ledger(run),
        "comparisons": run.comparisons,
        "net_benefit_differences": run.net_benefit_differences,
        "reclassification": run.reclassification,
        "interaction": run.interaction,
        "engines": _engines(runs),
        "agreement": agreement,
        "warnings": [],
    }
    if plan.images.tissues:
        data["images"] = {
            name: describe_images(tissue, plan.cohort.ids) for name, tissue in plan.images.tissues.items()
        }
    data = clean(data)
    everything = [
        *_leaks(data["ledger"]),
        *warnings,
        *short,
        *run.warnings,
        *(w for each in runs for w in each.engine.warnings),
        *explain_nulls(data),
    ]
    data["warnings"] = [asdict(w) for w in dict.fromkeys(everything)]
    return Results(
        data,
        _predictions(plan, run),
        {"univariate_features": run.univariate_features} if len(run.univariate_features) else {},
    )


def _study(plan: Plan) -> dict[str, Any]:
    """The study as it was run; how the work was spread is in provenance.json, for it does not change the numbers."""
    settings = plan.study.model_dump(mode="json", exclude={"compute"})
    settings["selection"] = [
        {s.selector.name: (s.said or s.settings).model_dump(mode="json")} for s in plan.protocol.steps
    ]
    return {
        "title": plan.study.title,
        "seed": plan.study.seed,
        "settings": settings,
        "schemes": {name: {"kind": kind, "n_resamples": len(rows)} for name, (kind, rows) in plan.schemes.items()},
    }


def _tissue(plan: Plan, run: EngineRun, name: str) -> dict[str, Any]:
    fit = run.fits[name]
    entry: dict[str, Any] = {"selection": None, "radscore": None, "cutoff": fit.cutoff}
    entry["scores"] = [
        {"id": i, "value": float(v), "outcome": int(y)}
        for i, v, y in zip(plan.cohort.ids, fit.values, plan.cohort.outcome, strict=True)
    ]
    entry["column"] = plan.study.tissues[name].radscore
    if fit.radscore is None:
        return entry
    score = fit.radscore
    names = [f for _, f in score.features]
    entry["selection"] = {
        "steps": [
            {
                "name": s.name,
                "source": s.source,
                "n_in": s.n_in,
                "n_out": s.n_out,
                "dropped": s.dropped,
                "details": s.details,
            }
            for s in fit.steps
        ],
        "features": names,
        "sources": {f: s for s, f in score.features},
        "correlation": _correlation(run, name, names),
        **({"sensitivity": run.sensitivity[name]} if run.sensitivity.get(name) else {}),
        **({"images_kept": _images_kept(plan, fit, name)} if fit.choices else {}),
        "readers": 2 if any(b.second is not None for b in plan.blocks[name]) else 1,
        "stability": _stability(
            run, name, names, sum(len(b.names) for b in plan.blocks[name]), plan.study.performance.confidence
        ),
    }
    entry["radscore"] = {
        "intercept": score.intercept,
        **{
            key: dict(zip(names, map(float, values), strict=True))
            for key, values in (("coefficients", score.coefficients), ("center", score.center), ("scale", score.scale))
        },
        "method": plan.protocol.radscore,
    }
    return entry


def _images_kept(plan: Plan, fit: TissueFit, name: str) -> dict[str, dict[str, list[int]]]:
    """Source → patient → the positions, from 0, of the first reader's images that the Radscore's values are means
    of."""
    found = {}
    for block in plan.blocks[name]:
        choices = [choice for choice in fit.choices if choice.source == block.source]
        if not choices or block.images is None:
            continue
        images = block.images[0]
        number = np.arange(len(images.row)) - np.searchsorted(images.row, images.row)  # of an image among its patient's
        for choice in choices:
            stays = choice.stays(images, block.names)
            images, number = images.where(stays), number[stays]
        of_patient = np.split(number, np.flatnonzero(np.diff(images.row)) + 1)
        found[block.source] = {
            patient: positions.tolist() for patient, positions in zip(plan.cohort.ids, of_patient, strict=True)
        }
    return found


def _correlation(run: EngineRun, name: str, features: list[str]) -> list[list[float]]:
    """Pearson's r between the features of the Radscore, in their order, on all patients (reader 1)."""
    columns = {feature: block.first[:, j] for block in run.blocks[name] for j, feature in enumerate(block.names)}
    if not features:
        return []
    units = unit_columns(np.column_stack([columns[feature] for feature in features]))
    return np.clip(units @ units.T, -1.0, 1.0).tolist()


def _stability(run: EngineRun, name: str, in_model: list[str], n_features: int, level: float) -> dict[str, Any]:
    """How often each feature was selected, by scheme, with Clopper–Pearson's interval; features that never were are
    left out, but for the interval of those in the model.

    ``index`` is Nogueira's over all columns read of the tissue. ``ranked`` are the model's features, the most often
    selected first.
    """
    found = {}
    for scheme, refits in run.refits.items():
        chosen = [set(refit[name].features) for refit in refits]
        counts = Counter(feature for features in chosen for feature in features)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        matrix = np.zeros((len(refits), max(n_features, len(counts))))
        for j, (feature, _) in enumerate(ranked):
            matrix[:, j] = [feature in features for features in chosen]
        intervals = {
            feature: proportion(count, len(refits), level)
            for feature, count in [*ranked, *((f, 0) for f in in_model if f not in counts)]
        }
        index = selection_stability(matrix, level)
        found[scheme] = {
            "n_resamples": len(refits),
            "n_empty": sum(r[name].empty_step is not None for r in refits),
            "frequency": {feature: count / len(refits) for feature, count in ranked},
            "intervals": {feature: [interval["low"], interval["high"]] for feature, interval in intervals.items()},
            "intervals_method": "Clopper–Pearson",
            "index": {
                **{k: index[k] for k in ("estimate", "low", "high")},
                "n_features": n_features,
                "method": "Nogueira, Sechidis and Brown 2018",
            },
            "ranked": sorted(in_model, key=lambda feature: (-counts[feature], feature)),
        }
    return found


def _model(plan: Plan, run: EngineRun, i: int) -> dict[str, Any]:
    entry = dict(run.models[i])
    y = plan.cohort.outcome.astype(float)
    level = plan.study.performance.confidence
    entry["roc"] = roc_vertices(run.engine, y, probability(mean_log_odds(run.log_odds[i])), level)
    for (j, scope, scheme), predictions in run.predictions.items():
        if j == i and predictions.kind == "held_out" and not predictions.alone.any():
            entry["validation"][scope][scheme]["roc"] = roc_vertices(
                run.engine, y, probability(held_out(predictions)[0]), level
            )
    return entry


def _ledger(run: EngineRun) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By scope and scheme, one row a stage: how many fits, and how many rows they read, held-out ones among them."""
    found: dict[str, dict[str, list]] = {}
    for (scope, scheme), ledgers in run.ledger.items():
        found.setdefault(scope, {})[scheme] = add_up(ledgers)
    return found


def _leaks(ledger: dict[str, dict[str, list[dict[str, Any]]]]) -> list[Warn]:
    return [
        warn.LEAK(scope=scope, scheme=scheme.replace("_", "-"), stage=row["stage"], n=row["n_held_out_rows_read"])
        for scope, schemes in ledger.items()
        for scheme, rows in schemes.items()
        for row in rows
        if row["n_held_out_rows_read"]
    ]


def _engines(runs: list[EngineRun]) -> dict[str, Any]:
    versions = {run.engine.name: run.engine.versions() for run in runs}
    if "python" not in versions:
        versions["python"] = PythonEngine().versions()
    return {
        "reported": runs[0].engine.name,
        "r": versions.get("r"),
        "python": versions["python"],
        "note": (
            "Selection, Radscores and refits of scope pipeline run on Python's learners in every resample; the reported"
            " engine summarises them."
        ),
    }


def _predictions(plan: Plan, run: EngineRun) -> pd.DataFrame:
    """``predictions.csv``: apparent and held-out predictions of every model."""
    frames = []
    cohort = plan.cohort
    for i, spec in enumerate(plan.specs):
        base = {"id": cohort.ids, "outcome": cohort.outcome, "model": spec.name, "adjusted": spec.adjusted}
        frames.append(
            pd.DataFrame(
                {
                    **base,
                    "scope": "",
                    "scheme": "apparent",
                    "repeat": 0,
                    "fold": 0,
                    "log_odds": mean_log_odds(run.log_odds[i]),
                }
            )
        )
        for (j, scope, scheme), predictions in run.predictions.items():
            if j != i or predictions.kind != "held_out":
                continue
            for r, resample in enumerate(predictions.resamples):
                rows = resample.test
                frames.append(
                    pd.DataFrame(
                        {
                            "id": [cohort.ids[k] for k in rows],
                            "outcome": cohort.outcome[rows],
                            "model": spec.name,
                            "adjusted": spec.adjusted,
                            "scope": scope,
                            "scheme": scheme,
                            "repeat": resample.repeat,
                            "fold": resample.fold,
                            "log_odds": predictions.log_odds[r, rows],
                        }
                    )
                )
    table = pd.concat(frames, ignore_index=True)
    table["probability"] = probability(table["log_odds"].to_numpy())
    return table[["id", "outcome", "model", "adjusted", "scope", "scheme", "repeat", "fold", "probability", "log_odds"]]


# ---------------------------------------------------------------- JSON

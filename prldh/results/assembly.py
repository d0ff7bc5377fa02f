"""What a run found: the content of ``results.json``, and the same as data frames."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from prldh.chain import Protocol, probability
from prldh.core import (
    ABSENT,
    BOOTSTRAP,
    Cohort,
    DataError,
    LedgerRow,
    Warn,
    add_up,
    clean,
    nearest,
    quoted,
    scheme_words,
    scope_words,
    warn,
)
from prldh.data import describe_missing
from prldh.data.imaging import describe_images
from prldh.engines import PACKAGES, PythonEngine, packages_of
from prldh.models import Plan, describe_sample_size, mean_log_odds
from prldh.results.agreement import compare_runs
from prldh.results.asking import words_of
from prldh.results.document import (
    CohortEntry,
    Document,
    EnginesEntry,
    Excluded,
    Range,
    SchemeEntry,
    StudyEntry,
)
from prldh.results.entries import clinical_model, model_entry
from prldh.results.leakage import given_scores
from prldh.results.nulls import explain_nulls
from prldh.results.planned import PlanFollowed
from prldh.results.reading import SCHEMA
from prldh.results.shown import View
from prldh.results.sizes import cohort_in_words
from prldh.results.strangers import describe_statistics
from prldh.results.table_columns import describe_columns
from prldh.results.tables import make_tables
from prldh.results.tissues import tissue_entry
from prldh.results.words import Words
from prldh.stats import correct_optimism, proportion, selection_stability
from prldh.validation import EngineRun

#: By scope and scheme.
ByScheme = Mapping[str, Mapping[str, tuple[LedgerRow, ...]]]


class NoTable(DataError, KeyError):
    """There is no table of that name."""

    __str__ = Exception.__str__  # a KeyError shows the quoted text


class Tables(dict[str, pd.DataFrame]):
    """Data frames by name; to ask for one that is not there tells those that are.

    Raises
    ------
    NoTable
        If there is none of that name: a ``KeyError``, with the message of a ``DataError``.
    """

    def __missing__(self, name: object) -> pd.DataFrame:
        near = nearest(str(name), self)
        raise NoTable(
            f"there is no table {quoted(name)}{f'; did you mean {near!r}?' if near else '.'} There are:"
            f" {', '.join(self)}."
        )


@dataclass(frozen=True)
class Results:
    """Results of a study; ``words`` are those of the objects behind it.

    ``data`` is exactly what ``results.json`` holds; ``tables`` are the same as data frames, with ``extra`` ones that
    are too long for it; ``predictions`` is ``predictions.csv``. A notebook shows the report's first screen, where there
    is a ``view``, as of :func:`prldh.analyze` and :func:`prldh.read_results`.
    """

    data: dict[str, Any]
    predictions: pd.DataFrame = field(repr=False)
    extra: dict[str, pd.DataFrame] = field(repr=False, default_factory=dict)
    words: Words = field(repr=False, default=Words())
    view: View | None = field(repr=False, default=None, compare=False)

    @cached_property
    def tables(self) -> Tables:
        """The tables by name; ``docs/result_tables.md`` says what each row and column is."""
        return Tables({**make_tables(self.data), **self.extra})

    def describe(self, table: str) -> pd.DataFrame:
        """What each column of a table means, and whether rows differ by it (``is_key``).

        Raises
        ------
        DataError
            With the names that there are, if there is none of that name.
        """
        return describe_columns(table, self.tables[table])

    def __repr__(self) -> str:
        cohort = self.data["cohort"]
        return (
            f"<Results: {self.data['study']['title']}; {cohort_in_words(self.data)}, {cohort['events']} events,"
            f" {len(self.data['models'])} models>"
        )

    def _repr_html_(self) -> str | None:
        return None if self.view is None else self.view.html(self.data, self.words)

    def figure(self, name: str) -> Any:
        """A figure of the report: a notebook shows it (SVG and PNG), ``save(path)`` writes it.

        Raises
        ------
        DataError
            With the names that there are, if there is none of that name.
        """
        return self._shown().figure(self.data, self.words, name)

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of all figures."""
        return tuple(self._shown().drawings(self.data, self.words))

    def _shown(self) -> View:
        if self.view is None:
            raise DataError("these results were not read from a run. Read its folder with prldh.read_results.")
        return self.view

    def to_json(self) -> str:
        return json.dumps(self.data, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def assemble(plan: Plan, runs: list[EngineRun], warnings: list[Warn], followed: PlanFollowed | None = None) -> Results:
    """One record of everything, the reported engine's numbers first; ``followed``: how far the plan was that was made
    before."""
    run, cohort = runs[0], plan.cohort
    sizes, short = describe_sample_size(
        plan.study.sample_size,
        cohort,
        plan.specs,
        [plan.patients_of(spec.terms).cohort for spec in plan.specs],
        [d[0] for d in run.designs[: len(plan.specs)]],
        plan.blocks,
    )
    predictions = _predictions(plan, run)
    images = {name: describe_images(tissue, cohort.ids) for name, tissue in plan.images.tissues.items()}
    document = Document(
        schema=SCHEMA,
        study=_study(plan),
        cohort=_cohort(cohort),
        sample_size=sizes,
        missing=describe_missing(cohort, plan.study.imputation) if plan.imputes else None,
        table_one=tuple(run.table_one),
        associations=run.associations,
        univariate=run.univariate,
        tissues={name: tissue_entry(plan, run, name) for name in plan.study.tissues},
        protocols=run.protocols or ABSENT,
        choice=run.choice or ABSENT,
        yardstick=run.yardstick or None,
        models=tuple(
            model_entry(run, i, plan.patients_of(spec.terms).cohort.outcome) for i, spec in enumerate(plan.specs)
        ),
        clinical_model=clinical_model(plan, run, is_whole=True),
        ledger=_ledger(run),
        comparisons=tuple(run.comparisons),
        net_benefit_differences=tuple(run.net_benefit_differences),
        reclassification=tuple(run.reclassification),
        interaction=run.interaction,
        engines=_engines(plan, runs),
        agreement=tuple(compare_runs(plan, runs)),
        warnings=(),
        images=images or ABSENT,
        subgroups=run.subgroups or ABSENT,
        plan=followed or ABSENT,
        statistics=describe_statistics(plan.registry, predictions) or ABSENT,
    )
    data = clean(document)
    everything = [
        *_leaks(document.ledger, plan.whole),
        *_given(data),
        *warnings,
        *short,
        *run.warnings,
        *(w for each in runs for w in each.engine.warnings),
        *explain_nulls(data),
    ]
    data["warnings"] = clean(list(dict.fromkeys(everything)))
    return Results(
        data,
        predictions,
        {"univariate_features": run.univariate_features} if len(run.univariate_features) else {},
        words_of(data, plan.registry),
    )


def _study(plan: Plan) -> StudyEntry:
    """The study as it was run; how the work was spread is in provenance.json, for it does not change the numbers."""
    settings = plan.study.model_dump(mode="json", exclude={"compute"})
    own = way_as_run(plan.protocol)
    settings |= {key: own[key] for key in ("transforms", "selection")}
    if any(tissue.radscore is None for tissue in plan.study.tissues.values()):
        settings |= {key: own[key] for key in ("learner", "second_stage")}
    schemes = {name: SchemeEntry(kind, len(rows)) for name, (kind, rows) in plan.schemes.items()}
    return StudyEntry(plan.study.title, plan.study.seed, settings, schemes)


def way_as_run(protocol: Protocol) -> dict[str, Any]:
    """A way from features to a score by the keys of the study file, with the defaults of its steps and learner."""
    steps = {
        key: [{s.selector.name: (s.settings_given or s.settings).model_dump(mode="json")} for s in own]
        for key, own in (("transforms", protocol.transforms), ("selection", protocol.selection))
    }
    learner = {protocol.learner.learner.name: protocol.learner.settings.model_dump(mode="json")}
    return {**steps, "learner": learner, "second_stage": protocol.second_stage}


def _cohort(cohort: Cohort) -> CohortEntry:
    return CohortEntry(
        n=cohort.n,
        events=cohort.n_events,
        outcome=cohort.outcome_name,
        event=cohort.event,
        non_event=cohort.non_event,
        n_read=cohort.n + len(cohort.excluded),
        excluded=tuple(Excluded(*each) for each in cohort.excluded),
        ranges={
            c.name: Range(cohort.table[c.name].min(), cohort.table[c.name].max())
            for c in cohort.covariates
            if c.kind == "continuous"
        },
        n_patients=cohort.n_patients[0] if cohort.patients is not None else ABSENT,
        events_patients=cohort.n_patients[1] if cohort.patients is not None else ABSENT,
    )


def _ledger(run: EngineRun) -> ByScheme:
    """By scope and scheme, one row a stage: how many fits, and how many rows they were handed, held-out ones among
    them."""
    by_scope: dict[str, dict[str, tuple[LedgerRow, ...]]] = {}
    for (scope, scheme), ledgers in run.ledger.items():
        by_scope.setdefault(scope, {})[scheme] = add_up(ledgers)
    return by_scope


def _leaks(ledger: ByScheme, whole: str) -> list[Warn]:
    return [
        warn.LEAK(scope=fitted, scheme=scheme_words(scheme), stage=row.stage, n=row.n_held_out_rows_read)
        for scope, schemes in ledger.items()
        for fitted in (scope_words(scope, whole),)
        for scheme, rows in schemes.items()
        for row in rows
        if row.n_held_out_rows_read
    ]


def _given(data: dict[str, Any]) -> list[Warn]:
    """A warning for every score that came as a column, where patients were held out."""
    return [warn.SCORE_GIVEN(tissue=name) for name in given_scores(data) if data["study"]["schemes"]]


def _engines(plan: Plan, runs: list[EngineRun]) -> EnginesEntry:
    versions = {run.engine.name: run.engine.versions() for run in runs}
    return EnginesEntry(
        reported="r" if runs[0].engine.name == "r" else "python",
        r=versions.get("r"),
        python=versions.get("python") or PythonEngine().versions(),
        note=(
            "On everyone each engine selects and fits by its own code; R's LASSO is glmnet's. In every resample"
            " selection (the LASSO's solver included), Radscores and refits of the whole modelling process are"
            " of Python's learners; the reported engine summarises them."
        ),
        called={run.engine.name: run.engine.packages_called() for run in runs}
        | {"python": _python_packages(plan, runs)},
    )


def _python_packages(plan: Plan, runs: list[EngineRun]) -> tuple[str, ...]:
    """What a run calls in Python: by its engine, and beside engines in selection and its stability."""
    called = {name for run in runs if run.engine.name == "python" for name in run.engine.packages_called()}
    if any(fit.score is not None for fit in runs[0].fits.values()):
        called.update(packages_of(step.selector.fit for step in plan.protocol.steps))
        called.update(packages_of([plan.protocol.learner.learner.fit]))
    if runs[0].refits:
        called.update(packages_of([proportion, selection_stability, correct_optimism]))
    return tuple(name for name in PACKAGES if name in called)


def _predictions(plan: Plan, run: EngineRun) -> pd.DataFrame:
    """``predictions.csv``: apparent and held-out predictions of every model."""
    frames = []
    for i, spec in enumerate(plan.specs):
        cohort = plan.patients_of(spec.terms).cohort
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
            if j != i or predictions.kind == BOOTSTRAP:
                continue
            resamples = predictions.resamples
            n_each, rows = [len(each.test) for each in resamples], np.concatenate([each.test for each in resamples])
            # one table a scheme: one a resample takes seconds where patients are left out one by one
            frames.append(
                pd.DataFrame(
                    {
                        "id": [cohort.ids[k] for k in rows],
                        "outcome": cohort.outcome[rows],
                        "model": spec.name,
                        "adjusted": spec.adjusted,
                        "scope": scope,
                        "scheme": scheme,
                        "repeat": np.repeat([each.repeat for each in resamples], n_each),
                        "fold": np.repeat([each.fold for each in resamples], n_each),
                        "log_odds": predictions.log_odds[np.repeat(np.arange(len(resamples)), n_each), rows],
                    }
                )
            )
    table = pd.concat(frames, ignore_index=True)
    table["probability"] = probability(table["log_odds"].to_numpy())
    return table[["id", "outcome", "model", "adjusted", "scope", "scheme", "repeat", "fold", "probability", "log_odds"]]

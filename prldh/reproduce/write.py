"""``reproduce/``: the analysed data, every resample that was drawn, and plain R that computes the report's numbers
again.

A reviewer needs this folder, R and its package pROC, and nothing of Python: ``analysis.R`` reads from top to bottom and
calls R's and pROC's own functions where they give a number, those of ``prldh.R`` (the R package of this project in one
file) elsewhere. What the learners chose is data here: Radscores, and those of every refit.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from prldh import __version__
from prldh.chain import GROUPS, adjusting_terms
from prldh.chain.learners import LogisticLearner
from prldh.core import (
    APPARENT,
    BOOTSTRAP,
    CALIBRATION,
    HELD_OUT,
    Factor,
    LinearScore,
    Measure,
    ModelSpec,
    Resample,
    at,
    csv_cell,
    csv_of,
    parse_term,
)
from prldh.engines import r_sources
from prldh.models import Association
from prldh.models.interaction import draw_interaction_rows
from prldh.pages import create_environment
from prldh.validation import judged_model

if TYPE_CHECKING:
    from prldh.models import Plan
    from prldh.validation import EngineRun

#: More refitted Radscores than this are left out, with scope ``pipeline`` of the models that need them: they would be
#: many megabytes.
MOST_REFITTED = 500_000
R = "r"
"""The engine whose language the folder is in."""
PATIENT = "patient"
"""The column that tells whose a row is, where several may be one patient's."""
WIDTH = 120
"""Columns of R code."""
_RESERVED = set(
    "if else repeat while function for next break in TRUE FALSE NULL Inf NaN"
    " NA NA_integer_ NA_real_ NA_character_".split()
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._]*")


def write_reproduction(data: dict[str, Any], plan: Plan, run: EngineRun, folder: Path) -> None:
    """Write the folder: ``README.md``, ``analysis.R``, ``prldh.R``, and the data as CSV."""
    folder.mkdir()
    names = _column_names(plan, run)
    _write_cohort(plan, run, names, folder)
    _write_resamples(plan, folder)
    _write_imputations(plan, run, names, folder)
    _write_features(plan, run, folder)
    has_refits = _write_refits(plan, run, folder)
    _write_chosen(plan, run, folder)
    study = describe_study(data, plan, run, names) | {"has_refits": has_refits}
    environment = create_environment(for_html=False)
    title = " ".join(plan.study.title.split())
    sources = [path.read_text(encoding="utf-8") for path in r_sources()]
    files = sorted(path.name for path in folder.iterdir())
    for name, template, content in (
        ("analysis.R", "analysis.R.j2", {"study": as_r(study)}),
        ("prldh.R", "reproduce/prldh.R.j2", {"version": __version__, "sources": sources}),
        (
            "README.md",
            "reproduce/README.md.j2",
            {
                "study": study,
                "files": files,
                "about": _about_samples(plan),
                "left_out": _left_out(plan),
                "python_alone": [measure.label for measure in plan.measures if R not in measure.computed_by],
                "learner": getattr(plan.protocol.learner.learner, "label", plan.protocol.learner.learner.name),
                "is_cross_fitted": run.is_cross_fitted,
                "has_other_scores": any(fit.score is not None and fit.radscore is None for fit in run.fits.values()),
                "ways": _ways(run),
                "has_subgroups": bool(run.subgroups),
                "by_group": _by_group(plan),
            },
        ),
    ):
        (folder / name).write_text(
            environment.get_template(template).render(title=title, **content) + "\n", encoding="utf-8"
        )


def _about_samples(plan: Plan) -> dict[str, str]:
    """What the bootstrap samples of each file are for."""
    about = {f"drawn_{_file_name(scheme)}.csv.gz": f"the validation ({scheme})" for scheme in plan.schemes}
    for k, each in enumerate(plan.patients.values(), 1):
        among = f", among the patients without blanks in {', '.join(each.variables)}" if each.variables else ""
        about |= {
            _file_of_draws("bands", k): f"the bands of curves{among}",
            _file_of_draws("partial_areas", k): f"partial areas, drawn within each outcome{among}",
            _file_of_draws("interaction", k): f"the interaction{among}",
        }
    return about


def _file_of_draws(name: str, k: int) -> str:
    """Of the k-th patients, from 1: everyone."""
    return f"drawn_{name}{f'_{k}' if k > 1 else ''}.csv.gz"


def _ways(run: EngineRun) -> list[str]:
    """What the run says of ways beside its own, in words; their refits are not in the folder."""
    named = {
        "Each protocol alone": run.protocols,
        "How each did in the inner folds of the choice, and what choosing cost": run.choice,
        "The yardstick (a plain LASSO and a plain ridge)": run.yardstick,
    }
    return [words for words, entry in named.items() if entry]


def _by_group(plan: Plan) -> list[str]:
    """The schemes that hold out one group after the other."""
    return [name for name, (_, resamples) in plan.schemes.items() if all(r.group for r in resamples)]


def _left_out(plan: Plan) -> list[str]:
    return [name for name, (kind, resamples) in plan.schemes.items() if not _is_simple(kind, resamples, plan.cohort.n)]


# ---------------------------------------------------------------- the study, as R reads it


def describe_study(data: dict[str, Any], plan: Plan, run: EngineRun, names: Names) -> dict[str, Any]:
    """Settings and models: what ``analysis.R`` begins with. No statistic is among them, but for what R has no function
    for: how each model was fitted, and which estimates are infinite (by linear programming, Konis 2007)."""
    study, settings = plan.study, plan.study.performance
    adjust = adjusting_terms(study)
    return {
        "confidence": settings.confidence,
        "csv_formulas": study.report.csv_formulas,
        "partial": {focus: list(ends) for focus, ends in settings.partial_ranges().items()},
        "hosmer_lemeshow_groups": settings.hosmer_lemeshow_groups,
        "thresholds": list(settings.thresholds),
        "prevalence": settings.prevalence,
        "risk_categories": settings.risk_categories,
        "sample_size": study.sample_size.model_dump(exclude_none=True),
        "table_one": study.table_one.model_dump(include={"continuous", "adjust_p", "standardized_differences"}),
        "is_clustered": plan.cohort.patients is not None,
        "patients": [{"columns": [names.of_term(v) for v in each.variables]} for each in plan.patients.values()],
        "refitted_to_compare": _describe_refitted(plan, run),
        "associations": [_describe_association(each, names) for each in run.associations],
        "n_excluded": len(plan.cohort.excluded),
        "covariates": [
            {"name": c.name, "column": names.covariates[c.name], "levels": list(c.levels)}
            for c in plan.cohort.covariates
        ],
        "tissues": [_describe_tissue(plan, run, names, name) for name in run.fits],
        "groups": [{"name": term, "column": column, "tissues": _pair(term)} for term, column in names.groups.items()],
        "composed": [_describe_term(term, names) for term in names.composed],
        "models": [_describe_model(plan, names, *pair) for pair in zip(plan.specs, data["models"], strict=True)],
        "covariates_alone": None
        if plan.covariates_alone is None
        else _describe_model(plan, names, plan.covariates_alone, data["clinical_model"]) | {"is_alone": True},
        "pairs": [list(pair) for pair in plan.pairs],
        "calibration": [m.key for m in at(CALIBRATION, plan.measures) if R in m.computed_by],
        "classification": [_describe_measure(m) for m in plan.measures if m.cells and R in m.computed_by],
        "schemes": {name: kind for name, (kind, _) in plan.schemes.items() if name not in _left_out(plan)},
        "by_group": _by_group(plan),
        "scopes": [scope for scope in ("model", "pipeline") if scope in study.validation.scope],
        "univariate": _describe_univariate(data["univariate"], names),
        "interaction": _describe_interaction(data["interaction"], [names.of_term(name) for name in adjust]),
        **_describe_second_stage(plan, run),
    }


def _describe_second_stage(plan: Plan, run: EngineRun) -> dict[str, Any]:
    """How scores become models where that is not by a fit to the scores of the patients who made them; and the schemes
    in which the way from features to a score was chosen, with the model that it was judged by."""
    found: dict[str, Any] = {}
    if plan.blocks and plan.protocol.second_stage != "in_sample":
        found["second_stage"] = plan.protocol.second_stage
    if run.choice is not None:
        schemes = [scheme for scheme in run.choice.validation if scheme not in _left_out(plan)]
        spec = judged_model(plan)
        found["choice"] = {
            "model": run.choice.model,
            "adjusted": spec is not None and spec.adjusted,
            "ways": list(run.choice.candidates),
            "schemes": schemes,
        }
    return found


def _describe_refitted(plan: Plan, run: EngineRun) -> list[dict[str, Any]]:
    """How models were fitted to patients that they share with another; ``patients`` are numbered from 1."""
    whose = {variables: k for k, variables in enumerate(plan.patients, 1)}
    return [
        {
            "name": plan.all_specs[i].name,
            "adjusted": plan.all_specs[i].adjusted,
            "patients": whose[variables],
            "fit": each.fit,
            "predicts_by": each.predicts_by,
        }
        for (i, variables), each in run.on_common.items()
    ]


def _describe_association(each: Association, names: Names) -> dict[str, Any]:
    """The columns of the variable and of what divides the patients; ``groups`` are the levels of a covariate."""
    is_tissue = each.by in names.tissues
    return {
        "name": f"{each.variable} by {each.by}",
        "column": names.of_term(each.variable),
        "by": names.of_term(each.by),
        "tissue": each.by if is_tissue else None,
        "groups": [] if is_tissue else list(each.groups),
    }


def _describe_measure(measure: Measure) -> dict[str, Any]:
    """How R computes a measure of predicted and observed events."""
    return {
        "key": measure.key,
        "statistic": measure.function,
        "cells": {argument: list(cells) for argument, cells in measure.cells.items()},
        "has_interval": measure.has_interval(APPARENT),
    }


def _describe_tissue(plan: Plan, run: EngineRun, names: Names, name: str) -> dict[str, Any]:
    blocks, score = plan.blocks.get(name, ()), run.fits[name].radscore
    tissue: dict[str, Any] = {
        "name": name,
        "column": names.tissues[name],
        "n_features": sum(len(b.names) for b in blocks),
    }
    if name in names.applied:
        tissue["applied"] = names.applied[name]
    if score is not None and score.features:
        tissue["radscore"] = {"features": [f for _, f in score.features], "is_logistic": _is_logistic(plan, score)}
        if not _is_logistic(plan, score):
            tissue["radscore"] |= {"intercept": score.intercept, "coefficients": score.coefficients.tolist()}
    return tissue


def _is_logistic(plan: Plan, score: LinearScore) -> bool:
    """Whether the score is a logistic model: so is one feature alone, which no learner had to choose for."""
    return isinstance(plan.protocol.learner.learner, LogisticLearner) or (
        len(score.features) == 1 and not score.details
    )


def _describe_model(plan: Plan, names: Names, spec: ModelSpec, entry: Mapping[str, Any]) -> dict[str, Any]:
    variables = plan.variables(spec)
    terms = [names.of_term(term) for term in spec.terms]
    return {
        "name": spec.name,
        "adjusted": spec.adjusted,
        "terms": terms,
        "own": terms[: len(spec.own_terms)],
        "scores": [term for term, name in zip(terms, spec.terms, strict=True) if name in plan.study.tissues],
        "fit": entry["fit"],
        "predicts_by": entry.get("prediction", {}).get("method", entry["fit"]),
        "infinite": _infinite(entry["terms"]) if entry["separation"] else [],
        "is_imputed": plan.is_imputed(spec),
        "is_refitted": plan.is_refitted(spec),
        "leakage_is_known": "reason" not in entry["validation"].get("difference", {}),
        "needs_refits": any(name in plan.blocks for name in variables),
        "has_splines": plan.has_splines(spec),
    }


def _describe_term(term: str, names: Names) -> dict[str, Any]:
    """A function or product of columns, which are multiplied."""
    return {
        "name": term,
        "factors": [
            {"column": names.of_term(f.variable), "form": f.function, "knots": f.knots, "name": f.text}
            for f in names.composed[term]
        ],
    }


def _describe_univariate(univariate: Mapping[str, Any] | None, names: Names) -> dict[str, Any] | None:
    if univariate is None:
        return None
    variables: dict[tuple[str, bool], list] = {}
    for row in univariate["terms"]:
        variables.setdefault((row["variable"], row["is_radscore"]), []).append(row)
    models = [
        {
            "column": (names.tissues if is_radscore else names.covariates)[name],
            "fit": rows[0]["fit"],
            "is_fitted": rows[0]["is_fitted"],
            "infinite": _infinite([{"b": 0.0}, *rows]),
        }
        for (name, is_radscore), rows in variables.items()
    ]
    shown = {name: [row["feature"] for row in entry["smallest"]] for name, entry in univariate["features"].items()}
    return {"test": univariate["test"], "adjusted": univariate["adjusted"], "models": models, "shown": shown}


def _describe_interaction(interaction: Mapping[str, Any] | None, adjust: list[str]) -> dict[str, Any] | None:
    if interaction is None:
        return None
    kinds = {}
    for kind, columns in (("unadjusted", []), ("adjusted", adjust)):
        if interaction[kind] is None:
            continue
        products = {
            key: {"fit": own["fit"], "has_estimate": own["b"] is not None}
            for key, own in interaction["product"][kind].items()
        }
        without = [row["group"] for row in interaction[kind] if row["b"] is None and row["n"] and not row["reference"]]
        kinds[kind] = {
            "adjust": columns,
            "fit": interaction["fit"][kind],
            "without_estimate": without,
            "products": products,
        }
    return {"tissues": interaction["pair"], "kinds": kinds}


def _infinite(terms: Sequence[Mapping[str, Any]]) -> list[int]:
    """Positions, from 1, of terms without an estimate: infinite ones, and those that R finds to be aliased as well."""
    return [j for j, term in enumerate(terms, 1) if term["b"] is None]


def _pair(term: str) -> list[str]:
    match = GROUPS.match(term)
    return [match["first"], match["second"]] if match else []


def _is_simple(kind: str, resamples: Sequence[Resample], n: int) -> bool:
    """Whether everyone who is not held out trains; a plugin's scheme may have it otherwise, and is then left out."""
    return kind == BOOTSTRAP or (
        kind == HELD_OUT
        and all(np.array_equal(np.sort(r.train), np.setdiff1d(np.arange(n), r.test)) for r in resamples)
    )


# ---------------------------------------------------------------- columns


class Names:
    """Columns of ``cohort.csv`` by what they hold: their own names where R takes these as they are, else ``x1``, ``x2``
    …

    ``tissues`` are the scores that models are made of; ``applied``, of tissues whose models are made of cross-fitted
    scores, those that the frozen models give.
    """

    def __init__(
        self,
        covariates: Iterable[str],
        tissues: Iterable[str],
        groups: Iterable[str],
        composed: Mapping[str, Sequence[Factor]] = MappingProxyType({}),
        applied: Iterable[str] = (),
    ) -> None:
        self.taken = {"id", "outcome", PATIENT}
        self.covariates = {name: self._free(name) for name in covariates}
        self.tissues = {name: self._free(name) for name in tissues}
        self.groups = {term: self._free("groups") for term in groups}
        self.composed = composed
        self.applied = {name: self._free(f"{self.tissues[name]}_applied") for name in applied}

    def of_term(self, term: str) -> str:
        """The column of a model's term, where a tissue's name means its Radscore; a function or product is its own."""
        if term in self.composed:
            return term
        return next(columns[term] for columns in (self.tissues, self.groups, self.covariates) if term in columns)

    def _free(self, name: str) -> str:
        is_plain = _PLAIN.fullmatch(name) and name not in _RESERVED | self.taken
        k = 1
        while not is_plain and f"x{k}" in self.taken:
            k += 1
        column = name if is_plain else f"x{k}"
        self.taken.add(column)
        return column


def _column_names(plan: Plan, run: EngineRun) -> Names:
    groups = dict.fromkeys(term for spec in plan.specs for term in spec.terms if GROUPS.match(term))
    known = {**{c.name: not c.levels for c in plan.cohort.covariates}, **dict.fromkeys(run.fits, True)}
    terms = (*(term for spec in plan.specs for term in spec.terms), *adjusting_terms(plan.study))
    composed = {term: parse_term(term, known) for term in terms if term not in known and term not in groups}
    cross_fitted = [name for name, fit in run.fits.items() if fit.cross_fitted is not None]
    return Names((c.name for c in plan.cohort.covariates), run.fits, groups, composed, cross_fitted)


# ---------------------------------------------------------------- data


def _write_cohort(plan: Plan, run: EngineRun, names: Names, folder: Path) -> None:
    cohort = plan.cohort
    table = pd.DataFrame({"id": cohort.ids, "outcome": cohort.outcome})
    if cohort.patients is not None:
        table[PATIENT] = cohort.patients
    for name, column in names.covariates.items():
        table[column] = _as_text(cohort.table[name])
    for name, column in names.tissues.items():
        table[column] = run.fits[name].fitting
    for name, column in names.applied.items():
        table[column] = run.fits[name].values
    _write_csv(folder / "cohort.csv", table, plan)


def _as_text(column: pd.Series) -> pd.Series:
    """Levels as text, blanks empty; numbers as they are."""
    return column if column.dtype.kind == "f" else column.astype(object).where(column.notna(), "")


def _write_resamples(plan: Plan, folder: Path) -> None:
    """Folds by patient; bootstrap samples as counts, one line a sample and one number a patient."""
    cohort = plan.cohort
    folds = []
    for scheme, (kind, resamples) in plan.schemes.items():
        if kind != BOOTSTRAP:
            folds += [(scheme, r.repeat + 1, r.fold + 1, cohort.ids[k]) for r in resamples for k in r.test]
        else:
            _write_counts(folder / f"drawn_{_file_name(scheme)}.csv.gz", [r.train for r in resamples], cohort.n)
    if folds:
        _write_csv(folder / "folds.csv", pd.DataFrame(folds, columns=["scheme", "repetition", "fold", "id"]), plan)
    n_interaction = 0 if cohort.patients is not None else plan.study.performance.interaction_bootstrap
    for k, each in enumerate(plan.patients.values(), 1):
        if not each.has_both:
            continue
        n, draws = each.cohort.n, each.draws
        interaction = draw_interaction_rows(plan.study.seed, n, n_interaction)
        for name, rows in (
            ("bands", draws.patients),
            ("partial_areas", draws.stratified),
            ("interaction", interaction),
        ):
            _write_counts(folder / _file_of_draws(name, k), rows, n)


def _write_counts(path: Path, rows: Iterable[np.ndarray], n: int) -> None:
    lines = [",".join(map(str, np.bincount(row, minlength=n))) for row in rows]
    if lines:
        _write_gz(path, "\n".join(lines) + "\n")


def _write_imputations(plan: Plan, run: EngineRun, names: Names, folder: Path) -> None:
    """The completed columns of every imputation, one data set below the other."""
    if not plan.imputes:
        return
    tables = []
    for k, completed in enumerate(run.completed):
        columns = {names.covariates[name]: _as_text(completed.table[name]) for name in plan.cohort.incomplete}
        tables.append(
            pd.DataFrame({"imputation": k + 1, "id": plan.cohort.ids, **{c: list(v) for c, v in columns.items()}})
        )
    _write_csv(folder / "imputed.csv.gz", pd.concat(tables), plan)


def _write_features(plan: Plan, run: EngineRun, folder: Path) -> None:
    """First reader's values of the features that make the Radscores or that the report lists, one line a feature;
    p-values of all."""
    lines = []
    screens = run.univariate.features if run.univariate else {}
    shown = {name: {each.feature for each in screen.smallest} for name, screen in screens.items()}
    for name, blocks in run.blocks.items():
        wanted = shown.get(name, set()) | {feature for _, feature in run.fits[name].features}
        lines += [
            (name, feature, *block.first[:, j])
            for block in blocks
            for j, feature in enumerate(block.names)
            if feature in wanted
        ]
    if lines:
        _write_csv(folder / "features.csv.gz", pd.DataFrame(lines), plan, header=False)
    if len(run.univariate_features):
        _write_csv(folder / "univariate_p.csv.gz", run.univariate_features[["tissue", "p"]], plan)


def _write_refits(plan: Plan, run: EngineRun, folder: Path) -> bool:
    """Radscores and cutoffs that the learners made in every resample, one line a resample and tissue; whether they were
    written.

    Beside them, where there are any, the scores that each resample's model is made of: those of its training patients
    by fits on the others among them.
    """
    refits = [
        (scheme, r, name, refit[name])
        for scheme, of_scheme in run.refits.items()
        for r, refit in enumerate(of_scheme, 1)
        for name in plan.blocks
    ]
    cross_fitted = [each for each in refits if each[-1].cross_fitted is not None]
    if not 0 < (len(refits) + len(cross_fitted)) * plan.cohort.n <= MOST_REFITTED:
        return False
    formulas = plan.study.report.csv_formulas
    for file, rows in (
        ("refitted.csv.gz", [(*place, float(each.cutoff), each.values) for *place, each in refits]),
        ("cross_fitted.csv.gz", [(*place, float(each.cutoff), each.fitting) for *place, each in cross_fitted]),
    ):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [*(csv_cell(each, formulas) for each in place), *np.asarray(values, dtype=float).tolist()]
            for *place, values in rows
        )
        if rows:
            _write_gz(folder / file, text.getvalue())
    return True


def _write_chosen(plan: Plan, run: EngineRun, folder: Path) -> None:
    """The way that was chosen in every resample, with its second stage."""
    if run.choosing is None:
        return
    rows = [
        (scheme, r, way, plan.protocols[way].second_stage)
        for scheme, ways in run.choosing.chosen.items()
        for r, way in enumerate(ways, 1)
    ]
    columns = ["scheme", "resample", "protocol", "second_stage"]
    _write_csv(folder / "chosen.csv", pd.DataFrame(rows, columns=columns), plan)


def _file_name(scheme: str) -> str:
    return re.sub(r"\W", "_", scheme)


def _write_csv(path: Path, table: pd.DataFrame, plan: Plan, header: bool = True) -> None:
    """A table, packed where its name says so."""
    text = csv_of(table, plan.study.report.csv_formulas, header)
    if path.suffix == ".gz":
        _write_gz(path, text)
    else:
        path.write_text(text, encoding="utf-8", newline="")


def _write_gz(path: Path, text: str) -> None:
    """Compressed without name and time, so that a second run writes the same bytes."""
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as stream:
        stream.write(text.encode("utf-8"))
    path.write_bytes(raw.getvalue())


# ---------------------------------------------------------------- Python values as R code


def as_r(value: Any, indent: int = 0) -> str:
    """R code of a value: dicts and lists of dicts are lists, other lists vectors, None is NULL.

    Examples
    --------
    >>> print(as_r({"level": 0.95, "odd name": ["a", "b"], "none": None}))
    list(
      level = 0.95,
      "odd name" = c("a", "b"),
      none = NULL
    )
    """
    if isinstance(value, Mapping):
        inner = [f"{_r_name(key)} = {as_r(item, indent + 2)}" for key, item in value.items()]
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (Mapping, list, tuple)) for item in value):
        inner = [as_r(item, indent + 2) for item in value]
    elif isinstance(value, (list, tuple)):
        return _r_vector([_r_scalar(item) for item in value], indent)
    else:
        return _r_scalar(value)
    pad = " " * (indent + 2)
    if any("\n" in item for item in inner) or not indent:
        return "list(\n" + ",\n".join(pad + item for item in inner) + "\n" + " " * indent + ")"
    return f"list({_filled(inner, pad)})"


def _filled(items: Sequence[str], pad: str) -> str:
    """Items with commas between them, on as many lines as they need."""
    lines = [""]
    for k, item in enumerate(items):
        item += "," if k < len(items) - 1 else ""
        if lines[-1] and len(pad) + len(lines[-1]) + len(item) > WIDTH - len("list("):
            lines.append("")
        lines[-1] += f" {item}" if lines[-1] else item
    return f"\n{pad}".join(lines)


def _r_vector(items: list[str], indent: int) -> str:
    return f"c({_filled(items, ' ' * (indent + 2))})" if items else "NULL"


def _r_scalar(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # JSON's escapes are R's too
    if isinstance(value, float) and not math.isfinite(value):
        return "NA" if math.isnan(value) else "Inf" if value > 0 else "-Inf"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _r_name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and name not in _RESERVED else json.dumps(name, ensure_ascii=False)

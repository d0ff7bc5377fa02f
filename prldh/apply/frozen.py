"""The frozen models of a run, as ``model.json`` holds them, and what they say of new patients."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from prldh.chain import GROUPS, evaluate, from_states, group_codes, group_levels, log_odds
from prldh.core import (
    SEAL,
    CsvFormulas,
    DataError,
    FittedStep,
    LinearScore,
    Part,
    cell_of_csv,
    file_at,
    file_bytes,
    formulas_of,
    is_file,
    is_there,
    resolved,
    same_text,
    seal_of,
    shown_path,
    variables_in,
)
from prldh.plugins import Registry
from prldh.results import RESULTS, FrozenModels, folder_of, hold, parse, read_applied, read_provenance, read_results
from prldh.run import MODEL_SCHEMA

#: The predictions of a cohort, and what stands there in the column ``part`` of those who recalibrate.
PREDICTIONS, FITS = "predictions.csv", "fit"


class Want(NamedTuple):
    """What a model takes of a covariate or Radscore: its value or, of values above 0, the logarithm."""

    variable: str
    form: Literal["value", "log"] = "value"


@dataclass(frozen=True)
class Frozen:
    """A run's models. ``model`` and ``results`` are the contents of its files, ``sha256`` is that of ``model.json``,
    ``is_edited``: another one than the run wrote; ``made_by``: the ids of those whose predictions the run wrote;
    ``recalibrated_by``: of those whom it was recalibrated on."""

    model: Mapping[str, Any]
    results: Mapping[str, Any]
    sha256: str
    is_edited: bool = False
    recalibrated_by: frozenset[str] = frozenset()
    made_by: frozenset[str] = frozenset()

    @property
    def settings(self) -> Mapping[str, Any]:
        """The study's settings."""
        return self.results["study"]["settings"]

    def in_order(self, model: Mapping[str, Any]) -> list[str]:
        """The covariates and tissues of a model's terms, each once."""
        known = {*self.model["tissues"], *(covariate["name"] for covariate in self.model["covariates"])}
        return list(dict.fromkeys(name for term in model["terms"] for name in variables_in(term, known)))

    def needs(self, model: Mapping[str, Any]) -> set[str]:
        """The same as a set."""
        return set(self.in_order(model))

    def wants(self, model: Mapping[str, Any]) -> set[Want]:
        """What a patient must have for a prediction by this model."""
        logs = {p.variable for c in model["coefficients"] for p in _parts_of(c) if p.function == "log"}
        return {Want(name) for name in self.needs(model)} | {Want(name, "log") for name in logs}

    @property
    def takes_by_model(self) -> bool:
        """Whether a patient with blanks is predicted by the models that do not need them."""
        return self.settings.get("missing") == "by_model"

    def chain(self, tissue: str, registry: Registry) -> tuple[FittedStep, ...]:
        """The fitted steps from a tissue's features to its Radscore; none where that is a column."""
        own, plugins = self.model["tissues"][tissue]["chain"], self.model.get("plugins", ())
        return from_states(own, registry, f"tissues.{tissue}", plugins)

    def levels(self, covariate: str) -> tuple[str, ...]:
        """The levels that patients of the study had: of others the models know nothing."""
        (entry,) = [row for row in self.results["table_one"] if row["variable"] == covariate]
        return tuple(row["level"] for row in entry["rows"] if row["total"]["n"])


def read_frozen(run: Path, registry: Registry, accept_edited: bool = False) -> Frozen:
    """The models of an output folder of ``prldh analyze``, or the recalibrated ones of a cohort's folder in it.

    Raises
    ------
    DataError
        If there are none, they are of another schema or, unless that is accepted, others than were written.
    """
    run = folder_of(run)
    home = home_of(run)
    is_recalibrated, path = home != run, run / "model.json"
    results = read_results(home)
    if is_recalibrated and not is_there(path):
        raise DataError(
            f"{shown_path(run)} is what `prldh apply` said of a cohort, and the models were not recalibrated there."
            f" Give {shown_path(home)}, or recalibrate them: `prldh apply {shown_path(home)} COHORT.yaml --recalibrate"
            " slope --force`."
        )
    do = f"{'Recalibrate with `prldh apply`' if is_recalibrated else 'Run `prldh analyze`'} again."
    try:
        raw = file_bytes(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read as models: {error.strerror or error}. {do}") from None
    model = parse(path, raw, do)
    schema = model.get("schema") if isinstance(model, dict) else None
    if schema == "prldh-model/1":
        model = _of_schema_1(model, results)
    elif schema != MODEL_SCHEMA:
        raise DataError(
            f"{path} is not of the schema {MODEL_SCHEMA!r}. Run `prldh analyze … --force` again with this version."
        )
    else:
        hold(path, model, FrozenModels, do)
    _refuse_others(path, model, results, do)
    sha256, written = hashlib.sha256(raw).hexdigest(), _written(run, is_recalibrated)
    is_edited = written not in (None, sha256) or model.get(SEAL) not in (None, seal_of(model))
    frozen = Frozen(
        model,
        results,
        sha256,
        is_edited,
        _who_fitted(run, formulas_of(results["study"]["settings"])) if is_recalibrated else frozenset(),
        # with scores their ids are among the results
        frozenset() if results["tissues"] else _who_is_predicted(home, formulas_of(results["study"]["settings"])),
    )
    if is_edited and not accept_edited:
        for tissue in model["tissues"]:  # what is damaged is told as such
            frozen.chain(tissue, registry)
        raise DataError(
            f"{path} is not the file that was written: its SHA-256 begins with {sha256[:12]}, and not with"
            f" {str(written)[:12]}. Put that file back, or give --accept-edited to apply this one."
            if written not in (None, sha256)
            else f"{path} is not the file that was written: its own checksum differs. Put that file back, or give"
            " --accept-edited to apply this one."
        )
    return frozen


def _refuse_others(path: Path, model: Mapping[str, Any], results: Mapping[str, Any], do: str) -> None:
    """Models, tissues and covariates are those of the results beside: a file may be well and of another run."""
    known = {
        "model": ({name_of(m) for m in model["models"]}, {name_of(m) for m in results["models"]}),
        "tissue": (set(model["tissues"]), set(results["tissues"])),
        "covariate": ({c["name"] for c in model["covariates"]}, {row["variable"] for row in results["table_one"]}),
    }
    for noun, (own, there) in known.items():
        for name in sorted(own - there):
            raise DataError(f"{path} has the {noun} {name}, which results.json beside it does not have. {do}")
    for name, tissue in model["tissues"].items():
        training = tissue.get("training") or {"names": []}
        n = len(training["names"])
        if any(len(training[key]) != n for key in ("mean", "sd") if n):
            raise DataError(f"{path}: tissues.{name}.training: names, mean and sd are not as many. {do}")


def home_of(run: Path) -> Path:
    """The output folder of ``prldh analyze``: the folder itself, or the one that a cohort's folder lies in."""
    run = folder_of(run)
    is_recalibrated = is_file(run / RESULTS) and not is_there(run / "results.json")
    return resolved(run).parents[1] if is_recalibrated else run


def _who_is_predicted(home: Path, formulas: CsvFormulas) -> frozenset[str]:
    """The ids of the study's patients, as its predictions tell."""
    path = home / PREDICTIONS
    if not is_file(path):
        return frozenset()
    table = pd.read_csv(file_at(path), dtype=str, keep_default_na=False)
    return frozenset(cell_of_csv(i, formulas) for i in table.get("id", ()))


def _who_fitted(place: Path, formulas: CsvFormulas) -> frozenset[str]:
    """The ids of those whom the models of a cohort's folder were recalibrated on, as its predictions tell."""
    path = place / PREDICTIONS
    if not is_file(path):
        return frozenset()
    table = pd.read_csv(file_at(path), dtype=str, keep_default_na=False)
    return (
        frozenset(cell_of_csv(i, formulas) for i in table.loc[table["part"] == FITS, "id"])
        if "part" in table
        else frozenset()
    )


def _written(run: Path, is_recalibrated: bool) -> str | None:
    """The checksum that the models had when they were written; None where none is kept."""
    if is_recalibrated:
        entry = read_applied(run / RESULTS)
        return (entry.get("recalibration") or {}).get("model_sha256")
    return (read_provenance(run) or {}).get("model_sha256")


def _of_schema_1(model: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    """The models as schema 2 has them. Schema 1 held the linear score alone, and not which images a step chose."""
    tissues = {}
    for name, tissue in model["tissues"].items():
        score = {"step": LinearScore.name, "version": "1", "source": None, "state": tissue["radscore"]}
        chose_images = "images_kept" in (results["tissues"][name]["selection"] or {})
        chain = [score | {"state": None}] if chose_images else [score] if tissue["radscore"] else []
        tissues[name] = {"cutoff": tissue["cutoff"], "column": tissue["column"], "chain": chain}
    return {**model, "schema": MODEL_SCHEMA, "tissues": tissues}


def name_of(model: Mapping[str, Any]) -> str:
    """A model's name in a sentence.

    Examples
    --------
    >>> name_of({"name": "Disc", "adjusted": True})
    "'Disc', adjusted"
    """
    return f"'{model['name']}'" + (", adjusted" if model["adjusted"] else "")


def why_not(model: Mapping[str, Any], results: Mapping[str, Any]) -> str | None:
    """Why a model cannot be applied: a separated term has no finite coefficient. None where it can."""
    entry = next(m for m in results["models"] if (m["name"], m["adjusted"]) == (model["name"], model["adjusted"]))
    infinite = {s["term"] for s in entry["separation"]} if entry["fit"] != "firth" else set()
    listed = [c["term"] for c in model["coefficients"] if c["b"] is None and c["term"] in infinite]
    return f"it has no finite coefficient of {', '.join(listed)} (separation)" if listed else None


def predict(
    model: Mapping[str, Any],
    columns: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float | None],
) -> np.ndarray:
    """Log odds (n,) of new patients by one model.

    ``columns``: covariates, float64 where continuous and text otherwise; ``scores``: Radscores by tissue. A coefficient
    that is null as the term could not be estimated beside the others counts 0, as in R.
    """
    n = len(next(iter([*scores.values(), *columns.values()])))
    limits = {name: -np.inf if cutoff is None else cutoff for name, cutoff in cutoffs.items()}
    design = [_column_of(c, n, columns, scores, limits) for c in model["coefficients"]]
    b = np.array([np.nan if c["b"] is None else c["b"] for c in model["coefficients"]])
    return log_odds(np.column_stack(design), b)


def _parts_of(coefficient: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(Part(**{**part, "knots": tuple(part["knots"])}) for part in coefficient.get("parts", ()))


def _column_of(
    coefficient: Mapping[str, Any],
    n: int,
    columns: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    limits: Mapping[str, float],
) -> np.ndarray:
    parts = _parts_of(coefficient)
    if not parts:
        return _column(coefficient["variable"], coefficient["level"], n, columns, scores, limits)
    own = [evaluate(p, _column(p.variable, p.level, n, columns, scores, limits)) for p in parts]
    return np.multiply.reduce(own)


def _column(
    variable: str,
    level: str | None,
    n: int,
    columns: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
) -> np.ndarray:
    match = GROUPS.match(variable)
    if match:
        labels = group_levels(match["first"], match["second"])
        return (group_codes(scores, cutoffs, match["first"], match["second"]) == labels.index(level)).astype(float)
    if variable == "(Intercept)":
        return np.ones(n)
    if level is None:
        return np.asarray(scores[variable] if variable in scores else columns[variable], dtype=float)
    wanted = same_text(level)
    return np.array([same_text(cell) == wanted for cell in columns[variable]], dtype=float)

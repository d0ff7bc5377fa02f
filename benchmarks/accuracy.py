"""How well protocols and the choice among them do on public radiomics tables: everything refitted on ten folds.

    python benchmarks/accuracy.py FOLDER [--tables NAME…] [--repeats 1] [--jobs 2] [--second-stage as_is]
    python benchmarks/accuracy.py FOLDER --penalised [--tables NAME…]   # slopes and Brier scores by second stage

FOLDER holds ``NAME.gz``: gzip CSV with ID, Target 0/1 and features (radMLBench's collection). Prints a Markdown table
of the mean of the folds' AUCs by table: each protocol, the best single one, and the choice (``rule: best``); then
calibration slopes and Brier scores, and CPU seconds. Nothing is tuned to these tables: every setting is a default.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import prldh
from prldh.plugins import Registry
from prldh.run import resolve_protocols
from prldh.study import Study

TABLES = ("WORC-Lipo", "WORC-Desmoid", "WORC-Liver", "WORC-GIST", "Dong2022")
FLEXIBLE = ("elastic_net", "ridge", "random_forest", "boosting")
PROTOCOLS: dict[str, dict[str, Any]] = {
    "published": {},
    "lasso": {"selection": [], "learner": "lasso"},
    **{name: {"selection": [], "learner": name} for name in FLEXIBLE},
    "mean": {"selection": [], "learner": {"mean": {"of": ["lasso", *FLEXIBLE]}}},
}


PENALISED = {
    f"{name}, {stage}": {"selection": [], "learner": name, "second_stage": stage}
    for name in ("lasso", "elastic_net", "ridge")
    for stage in ("in_sample", "cross_fitted", "as_is")
}


def study_of(folder: Path, table: str, repeats: int, stage: str | None) -> dict[str, Any]:
    """A study of one table, whose features are one tissue."""
    frame = pd.read_csv(folder / f"{table}.gz", compression="gzip", dtype={"ID": str}).copy()
    outcome = frame["Target"].to_numpy()
    own = Path(tempfile.mkdtemp())
    ids = [f"P{k:04d}" for k in range(len(frame))]
    pd.DataFrame({"id": ids, "outcome": outcome}).to_csv(own / "clinical.csv", index=False)
    frame.drop(columns=["ID", "Target"]).assign(id=ids).to_csv(own / "features.csv", index=False)
    protocols = {
        name: {**keys, **({"second_stage": stage} if stage and "learner" in keys else {})}
        for name, keys in PROTOCOLS.items()
    }
    return {
        "title": table,
        "engine": "python",
        "clinical": {"table": str(own / "clinical.csv"), "id": "id", "outcome": "outcome", "event": 1},
        "tissues": {"lesion": {"features": str(own / "features.csv")}},
        "if_empty": "best",
        "transforms": [{"impute": {"method": "median"}}],
        "univariate": False,
        "protocols": protocols,
        "choose": {"among": list(protocols), "folds": 5, "rule": "best"},
        "validation": {"leave_one_out": False, "folds": 10, "repeats": repeats, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": ["svg"]},
    }


def penalised(folder: Path, table: str, repeats: int) -> dict[str, Any]:
    """The same for penalised learners with each second stage, without a choice."""
    study = study_of(folder, table, repeats, None)
    del study["choose"]
    return study | {"selection": [], "learner": "lasso", "protocols": PENALISED, "yardstick": False}


def run(study: dict[str, Any], jobs: int) -> tuple[dict[str, Any], float]:
    """Results of a study, and seconds by the clock."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        results = prldh.analyze(study, Path(out) / "out", jobs=jobs, force=True)
    return results.data, time.perf_counter() - started


def show_grid(study: dict[str, Any]) -> None:
    """Every protocol with all settings of its steps and learner, and how often the choice fits each."""
    _, protocols = resolve_protocols(Study.model_validate(study), Registry())
    outer, inner = study["validation"]["folds"] * study["validation"]["repeats"], study["choose"]["folds"]
    print(f"each protocol is fitted in {outer} outer folds and, for the choice, in {inner} inner ones of each:\n")
    for name, protocol in protocols.items():
        steps = [f"{s.selector.name} {s.settings.model_dump(exclude_none=True)}" for s in protocol.steps]
        learner = f"{protocol.learner.learner.name} {protocol.learner.settings.model_dump()}"
        print(f"- {name}: {'; '.join([*steps, learner])}; second stage {protocol.second_stage}")
    print(flush=True)


def numbers_of(data: dict[str, Any]) -> dict[str, dict[str, float]]:
    """By way: AUC (mean of folds), Brier score, slope, CPU seconds of its refits; the choice last."""
    ways = {name: entry["validation"]["folds"]["models"][0] for name, entry in data["protocols"].items()}
    if "choice" in data:
        ways["choice"] = data["choice"]["validation"]["folds"]
    return {
        name: {
            "auc": entry["auc_mean"]["estimate"],
            "brier": entry["brier"]["estimate"],
            "slope": entry["slope"]["estimate"],
            "seconds": entry.get("seconds"),
        }
        for name, entry in ways.items()
    }


def show(by_table: dict[str, dict[str, dict[str, float]]], key: str, digits: int) -> None:
    ways = list(next(iter(by_table.values())))
    print(f"\n{key}\n\n| table | {' | '.join(ways)} |\n|---|{'---|' * len(ways)}")
    for table, numbers in by_table.items():
        print(f"| {table} | {' | '.join(_text(numbers[way][key], digits) for way in ways)} |")
    means = [np.mean([n[way][key] for n in by_table.values() if n[way][key] is not None] or [np.nan]) for way in ways]
    print(f"| mean | {' | '.join(_text(mean, digits) for mean in means)} |", flush=True)


def _text(value: float | None, digits: int) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--second-stage", choices=["as_is", "cross_fitted"])
    parser.add_argument("--without-choice", action="store_true", help="the protocols alone, a sixth of the time")
    parser.add_argument("--penalised", action="store_true", help="penalised learners with each second stage")
    parser.add_argument("--keep", type=Path, help="write every table's numbers to this file as they come")
    given = parser.parse_args()
    by_table: dict[str, dict[str, dict[str, float]]] = {}
    for table in given.tables:
        if given.penalised:
            study = penalised(given.folder, table, given.repeats)
        else:
            study = study_of(given.folder, table, given.repeats, given.second_stage)
            if given.without_choice:
                del study["choose"]
            elif not by_table:
                show_grid(study)
        data, seconds = run(study, given.jobs)
        by_table[table] = numbers_of(data)
        print(f"{table}: {seconds:.0f} s", flush=True)
        if "choice" in data:
            often = data["choice"]["validation"]["folds"]["how_often"]
            print(f"chosen {often}, on everyone {data['choice']['chosen']}", flush=True)
        if given.keep:
            given.keep.write_text(json.dumps(by_table, indent=1))
    for key, digits in (("auc", 3), ("slope", 2), ("brier", 4), ("seconds", 0)):
        show(by_table, key, digits)


if __name__ == "__main__":
    main()

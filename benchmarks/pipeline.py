"""One refit of the default protocol, and the whole scheme of refits: ours, plain scikit-learn and plain R in one run,
as ratios.

    python benchmarks/pipeline.py                 one refit of 170 patients x 1,735 features, every way
    python benchmarks/pipeline.py --scheme        a study of 1,180 refits (170 leave-one-out, 10 folds, 1,000 bootstrap
    samples) on --jobs processes python benchmarks/pipeline.py --growth        the ratios as patients and features grow,
    drawn to benchmarks/growth.svg

Times are CPU seconds of one core but for --scheme, which is by the clock. Compilation is not timed. --growth gives all
three ways the same smaller forests (100 trees, sizes 1, 10, 20 and 30), or plain Python would take hours.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from plain_sklearn import refit as refit_in_sklearn
from threadpoolctl import threadpool_limits

from prldh.chain import Protocol, Step, fit_tissue
from prldh.core import TrainingRows
from prldh.engines import PythonEngine
from prldh.plugins import Registry
from prldh.run import resolve_protocols
from prldh.study import Study

HERE = Path(__file__).parent
GROWTH = {
    "patients": (100, 170, 500, 1000, 2000),
    "features": (500, 1735, 5000),
    "trees": 100,
    "sizes": [1, 10, 20, 30],
}


def make_block(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (n, p) in correlated groups of 20 columns, and an outcome (n,) that five groups tell of."""
    generator = np.random.default_rng(seed)
    groups = generator.normal(size=(n, p // 20 + 1))
    values = groups[:, np.arange(p) // 20] + 0.6 * generator.normal(size=(n, p))
    return values, (groups[:, :5].sum(axis=1) + 2 * generator.normal(size=n) > 1).astype(np.int8)


class Timed:
    """A selector that adds the CPU seconds of its fits to ``seconds``."""

    def __init__(self, selector, seconds):
        self.selector, self.seconds, self.name = selector, seconds, selector.name

    def fit(self, *arguments):
        start = time.process_time()
        selection = self.selector.fit(*arguments)
        self.seconds[self.name] = self.seconds.get(self.name, 0) + time.process_time() - start
        return selection


def protocol_of(trees: int, sizes: list[int], racing: bool) -> Protocol:
    forest = {"trees": trees, "sizes": sizes, **({"racing": True} if racing else {})}
    steps = [{"mrmr_forest": forest}, {"correlation": {}}, {"lasso_svm_rfe": {}}]
    study = Study.model_validate(
        {"clinical": {"table": "-", "id": "id", "outcome": "y", "event": 1}, "selection": steps, "if_empty": "best"}
    )
    return resolve_protocols(study, Registry())[0]


def refit_ours(
    values: np.ndarray, outcome: np.ndarray, protocol: Protocol, rows: np.ndarray | None = None, seed: int = 1
) -> tuple[dict[str, float], list[str]]:
    """CPU seconds by step and in all, and the features kept."""
    rows = np.arange(outcome.size) if rows is None else rows
    seconds: dict[str, float] = {}
    timed = replace(protocol, steps=tuple(Step(Timed(s.selector, seconds), s.settings) for s in protocol.steps))
    names = tuple(f"f{j}" for j in range(values.shape[1]))
    with threadpool_limits(1):
        start = time.process_time()
        training = (TrainingRows(values[rows], None, outcome[rows], rows, names),)
        fit = fit_tissue(training, ("features",), timed, np.random.SeedSequence(seed), PythonEngine())
        seconds["all"] = time.process_time() - start
    return seconds, [f for _, f in fit.radscore.features]


def refit_in_r(values: np.ndarray, outcome: np.ndarray, trees: int, sizes: list[int]) -> dict[str, float] | str:
    """CPU seconds by stage and in all, or why there are none."""
    if shutil.which("Rscript") is None:
        return "R is absent"
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        header = ",".join(["y", *(f"f{j}" for j in range(values.shape[1]))])
        np.savetxt(table, np.column_stack([outcome, values]), delimiter=",", header=header, comments="")
        process = subprocess.run(
            ["Rscript", str(HERE / "plain_r.R"), str(table), str(trees), ",".join(map(str, sizes))],
            capture_output=True,
            text=True,
        )
    if process.returncode:
        return process.stderr.strip().splitlines()[-1] + " (Debian: r-cran-randomforest r-cran-glmnet r-cran-e1071)"
    stages = dict(line.split(" ", 1) for line in process.stdout.splitlines() if not line.startswith("kept"))
    seconds = {stage: float(spent) for stage, spent in stages.items()}
    return seconds | {"all": sum(seconds.values())}


def compare(
    n: int, p: int, trees: int, sizes: list[int], seed: int, ways: set[str], repeats: int = 3
) -> dict[str, dict[str, float] | str]:
    """CPU seconds of one refit, every way; ours is the median of ``repeats``."""
    values, outcome = make_block(n, p, seed)
    timings: dict[str, dict[str, float] | str] = {}
    for name, racing in (("ours", False), ("racing", True)):
        if name in ways:
            protocol = protocol_of(trees, sizes, racing)
            runs = [refit_ours(values, outcome, protocol)[0] for _ in range(repeats)]
            timings[name] = sorted(runs, key=lambda r: r["all"])[repeats // 2]
    if "sklearn" in ways:
        seconds, _ = refit_in_sklearn(values, outcome, trees, sizes)
        timings["sklearn"] = seconds | {"all": sum(seconds.values())}
    if "r" in ways:
        timings["r"] = refit_in_r(values, outcome, trees, sizes)
    return timings


def show_refit(timings: dict[str, dict[str, float] | str]) -> None:
    ours = timings["ours"]
    for name, seconds in timings.items():
        if isinstance(seconds, str):
            print(f"{name:8} not measured: {seconds}")
            continue
        stages = ", ".join(f"{stage} {spent:.3f}" for stage, spent in seconds.items() if stage != "all")
        ratio = "" if name == "ours" else f"   {seconds['all'] / ours['all']:.1f} x ours"
        print(f"{name:8} {seconds['all']:8.3f} s{ratio}   ({stages})")


def run_scheme(n: int, p: int, bootstraps: int, blocks: int, jobs: int, racing: bool, seed: int) -> None:
    """A whole study by ``prldh.analyze``: leave-one-out, 10 folds and bootstrap samples of the whole chain, by the
    clock."""
    import prldh

    outcome = make_block(n, p, seed)[1]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["PRLDH_CACHE"] = str(folder / "cache")  # nothing is resumed
        ids = [f"P{i:04d}" for i in range(n)]
        pd.DataFrame({"id": ids, "y": outcome}).to_csv(folder / "clinical.csv", index=False)
        tissues: dict[str, dict] = {}
        for block in range(blocks):
            # the same outcome, other noise: the first block as make_block has it
            values = make_block(n, p, seed)[0] + (np.random.default_rng(block).normal(0, 0.5, (n, p)) if block else 0)
            name = folder / f"block{block}.parquet"
            pd.DataFrame(values, columns=[f"b{block}f{j}" for j in range(p)]).assign(id=ids).to_parquet(name)
            tissues.setdefault(f"tissue{block // 2 + 1}", {"features": {}})["features"][
                "radiomics" if block % 2 == 0 else "deep"
            ] = [str(name)]
        study = {
            "title": "benchmark",
            "engine": "python",
            "clinical": {"table": str(folder / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
            "tissues": tissues,
            "selection": [
                {"icc": {}},
                {"mrmr_forest": {"racing": True} if racing else {}},
                {"correlation": {}},
                {"lasso_svm_rfe": {}},
            ],
            "if_empty": "best",
            "validation": {"leave_one_out": True, "folds": 10, "bootstrap": bootstraps, "scope": ["pipeline"]},
            "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
            "univariate": False,
            "report": {"figures": []},
        }
        clock: dict[str, list[float]] = {}
        started = time.monotonic()
        prldh.analyze(
            study,
            folder / "out",
            jobs=jobs,
            progress=lambda stage, done, total: clock.setdefault(stage, []).append(time.monotonic()),
        )
        whole = time.monotonic() - started
    stage = clock["validation of the whole modelling process"]
    print(
        f"{n + 10 + bootstraps} refits of {blocks} block{'s' * (blocks > 1)} of {n} x {p} on {jobs}"
        f" processes{', racing' if racing else ''}: {stage[-1] - stage[0]:.0f} s from the first refit to the last; the"
        f" whole run {whole:.0f} s"
    )


def grow(seed: int, ways: set[str]) -> None:
    """The grid of patients and features, printed and drawn."""
    cells = {}
    for p in GROWTH["features"]:
        for n in GROWTH["patients"]:
            cells[n, p] = compare(n, p, GROWTH["trees"], GROWTH["sizes"], seed, ways, repeats=1)
            print(f"--- {n} patients x {p} features", flush=True)
            show_refit(cells[n, p])
    draw_growth(cells, HERE / "growth.svg")
    print(f"drawn: {HERE / 'growth.svg'}")


def draw_growth(cells: dict[tuple[int, int], dict], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels = figure.subplots(1, len(GROWTH["features"]), sharey=True)
    styles = {
        "ours": ("#0072B2", "o-", "prldh"),
        "r": ("#D55E00", "s--", "plain R"),
        "sklearn": ("#009E73", "^:", "plain scikit-learn"),
    }
    for axes, p in zip(panels, GROWTH["features"], strict=True):
        for way, (colour, style, label) in styles.items():
            points = [
                (n, cells[n, p][way]["all"]) for n in GROWTH["patients"] if isinstance(cells[n, p].get(way), dict)
            ]
            if points:
                axes.loglog(*zip(*points, strict=True), style, color=colour, label=label)
        axes.set(title=f"{p:,} features", xlabel="patients")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("CPU seconds a refit")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center")
    figure.savefig(path)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in [
        ("patients", 170),
        ("features", 1735),
        ("trees", 500),
        ("sizes", 30),
        ("seed", 1),
        ("bootstraps", 1000),
        ("blocks", 1),
        ("jobs", 2),
    ]:
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--scheme", action="store_true")
    options.add_argument("--growth", action="store_true")
    options.add_argument("--racing", action="store_true", help="with --scheme: drop sizes that cannot win")
    options.add_argument("--ways", default="ours,racing,sklearn,r")
    chosen = options.parse_args()
    ways = set(chosen.ways.split(","))
    values, outcome = make_block(60, 60, 0)
    for racing in (False, True):
        refit_ours(values, outcome, protocol_of(20, [1, 2, 3], racing))  # compiled before the clock runs
    if chosen.growth:
        grow(chosen.seed, ways - {"racing"})
    elif chosen.scheme:
        run_scheme(
            chosen.patients, chosen.features, chosen.bootstraps, chosen.blocks, chosen.jobs, chosen.racing, chosen.seed
        )
    else:
        print(f"one refit, {chosen.patients} patients x {chosen.features} features, CPU seconds")
        show_refit(
            compare(chosen.patients, chosen.features, chosen.trees, list(range(1, chosen.sizes + 1)), chosen.seed, ways)
        )


if __name__ == "__main__":
    main()

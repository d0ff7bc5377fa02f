"""Runs a study's reproduce/analysis.R by plain Rscript.

Every printed number is held against results.json, and the other way round.
"""

from __future__ import annotations

import math
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Parts of the results that are no statistics: settings, versions, R beside Python, which rows each fit has read.
NO_STATISTICS = ("study", "engines", "agreement", "ledger")
#: Numbers that plain R does not print, and why. Everything else has to be printed.
NOT_REPRODUCED = {
    r"missing\.(iterations|imputations_in_resamples|iterations_in_resamples)": "settings",
    r"tissues\..*\.selection\.": "the learners' own: selection, its details and its stability over resamples",
    r"tissues\..*\.radscore\.(intercept|coefficients|reach)": "of a learner whose folds are its own, such as LASSO's",
    r"tissues\..*\.radscore\.(details|importance|contributions)\.": "the learner's own, and of permuted features",
    r"protocols\.|yardstick\.": "each protocol's own refits, and the yardstick's, are not in the folder",
    r"choice\.(folds|candidates\.|validation\.\w+\.cost)": "a setting; inner folds; beside each protocol alone",
    r"(models\[.*\]|clinical_model)\.validation\.\w+\.bootstrap\.(auc|brier)\.((b632|b632plus)_)?(low|high)$": (
        "of the two-stage bootstrap, ten thousand refits a model: Python's, whatever the engine"
    ),
    r"(models\[.*\]|clinical_model)\.validation\.\w+\.\w+\.groups\[": (
        "single groups that were held out; the groups as one are printed"
    ),
    r"models\[.*\]\.validation\.pipeline\.\w+\.null\.": "the learners' work again, on permuted outcomes",
}
IMPUTED = (
    "the imputations within resamples are drawn by Python, a hundred thousand values a study, and are not in the folder"
)
#: What an entry of a list is known by. Lists without are tables, whose columns are printed whole.
IDENTITY = ("variable", "term", "group", "feature", "level")
VALUE = tuple[float | None, ...]
EXACT, LOOSE = (1e-6, 1e-3), (1e-3, 0.1)
"""Relative difference that is allowed, and the number below which it is absolute."""
TWO_REFITS = re.compile(r"(models\[.*\]|clinical_model)\.validation\.(pipeline\.|difference\.)")
"""Scope pipeline is refitted by Python's engine for the report, and by R here. In a sample whose groups are
separated their infinite log odds end 1e-8 apart or tied, as rounding has it: a few numbers may differ a little."""


def compare_with_plain_r(data: dict[str, Any], out: Path) -> int:
    """Returns how many numbers were compared; fails where one differs, is unknown, or is missing without a reason."""
    return compare_printed(data, run_plain_r(out / "reproduce"))


def compare_printed(data: dict[str, Any], printed: dict[str, list[VALUE]]) -> int:
    """The same with what was printed."""
    wanted = flatten(data)
    strange = [name for name in printed if name not in wanted]
    assert not strange, strange[:10]
    off = [(name, line) for name, lines in printed.items() for line in _differences(name, wanted[name], lines, EXACT)]
    wrong = [
        line
        for name, line in off
        if not TWO_REFITS.match(name) or [*_differences(name, wanted[name], printed[name], LOOSE)]
    ]
    assert not wrong, f"{len(wrong)} differ, such as\n" + "\n".join(wrong[:20])
    assert len(off) <= 40, f"{len(off)} of scope pipeline differ by more than rounding, such as\n" + "\n".join(
        line for _, line in off[:20]
    )
    allowed = re.compile("|".join([*NOT_REPRODUCED, *_imputed_models(data)]))
    is_number = {name for name, lines in wanted.items() if any(v is not None for line in lines for v in line)}
    missing = [name for name in wanted if name in is_number and name not in printed and not allowed.match(name)]
    assert not missing, f"{len(missing)} are not printed, such as {missing[:20]}"
    return sum(len([v for v in line if v is not None]) for name in printed for line in wanted[name])


def run_plain_r(folder: Path) -> dict[str, list[VALUE]]:
    """What analysis.R prints: a list of lines by name, as two terms may have one name."""
    done = subprocess.run(["Rscript", "--vanilla", "analysis.R"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    printed: dict[str, list[VALUE]] = defaultdict(list)
    for line in done.stdout.splitlines():
        name, values = line.split("\t")
        printed[name].append(
            tuple(float(v) if math.isfinite(float(v)) else None for v in values.replace("NA", "nan").split(" "))
        )
    return printed


def flatten(data: dict[str, Any]) -> dict[str, list[VALUE]]:
    """Every number of the results by its name: ``models[Disc, unadjusted].terms[age].b``; of a table its columns,
    ``roc[*].threshold``."""
    found: dict[str, list[VALUE]] = defaultdict(list)
    for part, value in data.items():
        if part not in NO_STATISTICS:
            for name, numbers in _walk(part, part, value):
                found[re.sub(r"[\t\r\n]", " ", name)].append(numbers)
    return found


def _walk(path: str, key: str, value: Any) -> Iterator[tuple[str, VALUE]]:
    if isinstance(value, dict):
        for k, v in value.items():
            yield from _walk(f"{path}{k}" if k.startswith("[") else f"{path}.{k}", k, v)
    elif isinstance(value, list):
        yield from _walk_list(path, key, value)
    elif _is_number(value):
        yield path, (value,)


def _walk_list(path: str, key: str, values: list) -> Iterator[tuple[str, VALUE]]:
    if values and all(_is_number(v) for v in values):
        yield path, tuple(values)
    elif values and all(isinstance(v, dict) for v in values):
        if any(_identity(key, v) is not None for v in values):
            for v in values:
                yield from _walk(f"{path}{_identity(key, v)}", key, v)
        else:
            for k in values[0]:
                column = tuple(v.get(k) for v in values)
                if all(_is_number(x) for x in column):
                    yield f"{path}[*].{k}", column


def _identity(key: str, entry: dict[str, Any]) -> str | None:
    if "adjusted" in entry:
        name = entry["name"] if "name" in entry else f"{entry['a']} vs {entry['b']}"
        parts = [name, "adjusted" if entry["adjusted"] else "unadjusted"]
        if "scheme" in entry:
            parts += ["apparent"] if entry["scheme"] is None else [f"scope {entry['scope']}", entry["scheme"]]
        return f"[{', '.join([*parts, *([entry['measure']] if 'measure' in entry else [])])}]"
    if key in ("criteria", "variables", "stratified_roc"):
        return f"[{entry['name']}]"
    if key == "associations":
        return f"[{entry['variable']} by {entry['by']}]"
    if key == "terms":
        return f"[{entry['term']}]"
    if key == "rows" and entry["level"] is None:
        return ""
    return next((f"[{entry[k]}]" for k in IDENTITY if k in entry), None)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _differences(name: str, wanted: list[VALUE], printed: list[VALUE], allowed: tuple[float, float]) -> Iterator[str]:
    if [len(line) for line in wanted] != [len(line) for line in printed]:
        yield f"{name}: {[len(line) for line in wanted]} numbers, printed are {[len(line) for line in printed]}"
        return
    for one, other in zip(wanted, printed, strict=True):
        pairs = list(zip(one, other, strict=True))
        wrong = [k for k, (a, b) in enumerate(pairs) if not _is_near(a, b, *allowed)]
        if wrong:
            yield (
                f"{name}: {pairs[wrong[0]][0]!r}, printed is {pairs[wrong[0]][1]!r} ({len(wrong)} of {len(pairs)}"
                " differ)"
            )


def _is_near(a: float | None, b: float | None, relative: float, least: float) -> bool:
    return a is b if a is None or b is None else abs(a - b) <= relative * max(abs(a), least)


def _imputed_models(data: dict[str, Any]) -> Iterator[str]:
    """Held-out numbers of models with imputed covariates: :data:`IMPUTED`."""
    if data.get("clinical_model", {}).get("n_imputations"):
        yield r"clinical_model\.(validation|added_value\[.*, scope )"
    for model in data["models"]:
        if model["n_imputations"]:
            yield rf"clinical_model\.added_value\[{re.escape(model['name'])} vs .*, scope "
            kind = "adjusted" if model["adjusted"] else "unadjusted"
            name = re.escape(model["name"])
            yield rf"models\[{name}, {kind}\]\.validation"
            yield (
                rf"(comparisons|net_benefit_differences|reclassification)\[({name} vs .*|.* vs {name}), {kind}, scope "
            )

"""A synthetic cohort whose tables print as a published study's, and what that study printed.

The study: Zhang G, Zhu Z, Zheng H, et al. (2026) Deep learning-radiomics assessment of intervertebral disc and
paraspinal muscle heterogeneity for predicting postoperative recurrent lumbar disc herniation. Front. Artif. Intell.
9:1757269 (CC BY). Its patients are not public. The 170 patients here are invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from math import isfinite
from typing import Any

import pandas as pd

SYNTHETIC = "not reproducible from the printed tables: patients are synthetic"
NO_DELONG = (
    "the paper calls this DeLong's test, which is not defined for partial areas; here it is a bootstrap test, and "
    "the patients are synthetic"
)
BY_COUNTS = "follows from the printed counts alone"

# Reference first. Two references are the commonest level, not the lowest: nobody with a preoperative VAS of 3 or with
# segment L3/5 had a recurrence, and against such a level every other coefficient would be infinite.
COVARIATES: dict[str, dict[str, Any]] = {
    "age": {"type": "continuous"},
    "sex": {"type": "categorical", "levels": ["female", "male"]},
    "bmi": {"type": "continuous"},
    "smoking": {"type": "categorical", "levels": ["no", "yes"]},
    "duration": {"type": "continuous"},
    "diabetes": {"type": "categorical", "levels": ["no", "yes"]},
    "hypertension": {"type": "categorical", "levels": ["no", "yes"]},
    "vas_pre": {"type": "categorical", "levels": ["5", "3", "4", "6", "7", "8"]},
    "vas_post": {"type": "categorical", "levels": ["2", "3"]},
    "occupation": {"type": "categorical", "levels": ["office", "labour", "farm", "own"]},
    "pfirrmann": {"type": "ordinal", "levels": ["III", "IV", "V"]},
    "modic": {"type": "categorical", "levels": ["normal", "I", "II", "III"]},
    "herniation_type": {"type": "categorical", "levels": ["bulge", "herniation", "prolapse"]},
    "segment": {"type": "categorical", "levels": ["L4/5", "L3/5", "L5/S1"]},
}
GROUPS = "groups(disc, muscle)"
MODELS = {
    "Pfirrmann grade": "pfirrmann",
    "Disc Radscore": "disc",
    "Muscle Radscore": "muscle",
    "Disc and muscle groups": GROUPS,
}


# ---- the cohort and its study file ----


def published_cohort() -> pd.DataFrame:
    """Read the synthetic cohort.

    A seeded search (``tests/make_published_cohort.py``) made it: continuous columns and Radscores were annealed until
    their printed statistics were those of the paper, categorical columns have the paper's counts and were dealt at
    random within outcome groups, and of 8,000 deals the one was kept whose adjusted models come nearest to the
    paper's. Nothing about how a patient's values hang together is known from the paper, so results that depend on it
    (adjusted models, validation, comparisons) resemble the paper's without being claimed to match.

    Returns
    -------
    pandas.DataFrame
        170 rows, 39 with ``recurrence`` "yes". ``age`` and ``duration`` in years, ``bmi`` in kg/m2, ``disc`` and
        ``muscle`` Radscores (log-odds scale, higher means recurrence); the other columns are text.

    References
    ----------
    Zhang G et al. (2026) Front. Artif. Intell. 9:1757269 (CC BY).

    Examples
    --------
    >>> published_cohort()["recurrence"].value_counts().to_dict()
    {'no': 131, 'yes': 39}
    """
    numbers = {"age", "bmi", "duration", "disc", "muscle"}
    with files("prldh.demo").joinpath("published_cohort.csv").open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream, dtype=str, keep_default_na=False)
    return frame.astype({name: float for name in frame.columns if name in numbers})


def published_study(table: str = "clinical.csv") -> dict[str, Any]:
    """Write the study file of the published analysis, for the cohort stored as ``table``.

    Returns
    -------
    dict
        The keys of a study file, ready for YAML.
    """
    return {
        "title": "Synthetic: disc and muscle Radscores for postoperative recurrence",
        "seed": 20260101,
        "engine": "both",
        "clinical": {
            "table": table,
            "id": "patient_id",
            "outcome": "recurrence",
            "event": "yes",
            "covariates": {name: dict(settings) for name, settings in COVARIATES.items()},
        },
        "tissues": {"disc": {"radscore": "disc"}, "muscle": {"radscore": "muscle"}},
        "models": [{"name": name, "terms": [term]} for name, term in MODELS.items()],
        "validation": {"leave_one_out": True, "folds": 10, "bootstrap": 1000, "scope": ["model", "pipeline"]},
        "comparisons": [["Disc Radscore", "Disc and muscle groups"]],
    }


# ---- what the paper printed ----


@dataclass(frozen=True)
class PaperValue:
    """One printed number.

    ``printed`` is the paper's own string, ``locate`` the path of our number in ``results.json`` (see ``look_up``).
    ``exact`` means that the cohort gives every printed digit; ``note`` says why not, or where the number comes from.
    """

    quantity: str
    printed: str
    locate: str
    exact: bool = False
    note: str = ""


TABLE_1 = """
age -0.28 0.781 | sex 1.69 0.194 | bmi -1.51 0.134 | smoking 1.01 0.315 | duration -2.36 0.019 | diabetes 2.41 0.121
hypertension 0.25 0.620 | vas_pre - 0.542 | vas_post 0.01 0.908 | occupation - 0.899 | pfirrmann 0.02 0.992
modic - 0.561 | herniation_type 2.27 0.321 | segment - 0.187 | disc -7.94 <0.001 | muscle -4.46 <0.001
groups(disc, muscle) 51.95 <0.001
"""

MEASURES = ("auc", "accuracy", "sensitivity", "specificity", "ppv", "npv")
TABLE_2 = {
    ("Pfirrmann grade", False): (
        "0.506 (0.412, 0.600); 0.571 (0.493, 0.646); 0.385 (0.234, 0.554); "
        "0.626 (0.537, 0.709); 0.234 (0.138, 0.357); 0.774 (0.682, 0.849)"
    ),
    ("Pfirrmann grade", True): (
        "0.719 (0.628, 0.811); 0.700 (0.625, 0.768); 0.641 (0.472, 0.788); "
        "0.718 (0.632, 0.793); 0.403 (0.281, 0.536); 0.870 (0.792, 0.927)"
    ),
    ("Disc Radscore", False): (
        "0.857 (0.797, 0.918); 0.806 (0.738, 0.863); 0.744 (0.579, 0.870); "
        "0.824 (0.748, 0.885); 0.558 (0.413, 0.695); 0.915 (0.850, 0.959)"
    ),
    ("Disc Radscore", True): (
        "0.898 (0.845, 0.951); 0.812 (0.745, 0.868); 0.821 (0.665, 0.925); "
        "0.809 (0.731, 0.873); 0.561 (0.424, 0.693); 0.938 (0.877, 0.975)"
    ),
    ("Muscle Radscore", False): (
        "0.718 (0.627, 0.809); 0.677 (0.601, 0.746); 0.692 (0.524, 0.830); "
        "0.672 (0.584, 0.751); 0.386 (0.272, 0.510); 0.880 (0.800, 0.936)"
    ),
    ("Muscle Radscore", True): (
        "0.822 (0.750, 0.894); 0.759 (0.687, 0.821); 0.769 (0.607, 0.889); "
        "0.756 (0.673, 0.827); 0.484 (0.355, 0.614); 0.917 (0.848, 0.961)"
    ),
    ("Disc and muscle groups", False): (
        "0.841 (0.772, 0.909); 0.806 (0.738, 0.863); 0.744 (0.579, 0.870); "
        "0.824 (0.748, 0.885); 0.558 (0.413, 0.695); 0.915 (0.850, 0.959)"
    ),
    ("Disc and muscle groups", True): (
        "0.898 (0.838, 0.958); 0.871 (0.811, 0.917); 0.821 (0.665, 0.925); "
        "0.885 (0.818, 0.934); 0.681 (0.529, 0.809); 0.943 (0.886, 0.977)"
    ),
}

# Leave-one-out, 10 folds and bootstrap with intervals. The AUC of the bootstrap is that of the patients whom a sample
# does not hold: the mean over the samples themselves would lie above the apparent one.
TABLE_3 = {
    ("Disc Radscore", False): "0.846 (0.783, 0.910); 0.847 (0.783, 0.911); 0.857 (0.766, 0.932)",
    ("Disc Radscore", True): "0.824 (0.750, 0.898); 0.825 (0.750, 0.900); 0.801 (0.677, 0.908)",
    ("Muscle Radscore", False): "0.701 (0.606, 0.795); 0.699 (0.602, 0.795); 0.719 (0.590, 0.834)",
    ("Muscle Radscore", True): "0.702 (0.610, 0.793); 0.696 (0.604, 0.787); 0.689 (0.561, 0.821)",
    ("Disc and muscle groups", False): "0.764 (0.672, 0.856); 0.791 (0.706, 0.876); 0.833 (0.729, 0.928)",
    ("Disc and muscle groups", True): "0.811 (0.729, 0.894); 0.824 (0.746, 0.901); 0.784 (0.654, 0.904)",
}

TABLE_4 = {
    ("unadjusted", "high disc, low muscle"): "-0.886 0.579 0.126 0.413 0.129 1.267",
    ("unadjusted", "low disc, high muscle"): "-2.118 0.561 <0.001 0.120 0.038 0.346",
    ("unadjusted", "low disc, low muscle"): "-3.830 0.698 <0.001 0.022 0.005 0.075",
    ("adjusted", "high disc, low muscle"): "-1.408 0.709 0.047 0.245 0.057 0.945",
    ("adjusted", "low disc, high muscle"): "-2.729 0.701 <0.001 0.065 0.015 0.237",
    ("adjusted", "low disc, low muscle"): "-4.704 0.847 <0.001 0.009 0.001 0.041",
}

# Numbers that the paper's own counts refute, by quantity. All are 1 in the last digit and look as if they had been
# rounded to four decimals first (as caret prints a confusion matrix), then to three.
TWICE = "the paper seems to have rounded twice, to four decimals and then to three: by its own counts "
CONTRADICTIONS = {
    "Table 2, Disc Radscore, unadjusted: accuracy, high": TWICE + "the exact limit of 137/170 is 0.86245",
    "Table 2, Disc and muscle groups, unadjusted: accuracy, high": TWICE + "the exact limit of 137/170 is 0.86245",
    "Table 2, Disc and muscle groups, unadjusted: auc": TWICE + "the area is 0.84048",
    "Table 2, Muscle Radscore, unadjusted: accuracy": TWICE + "it is (27 + 88)/170 = 0.67647; the text has 0.667",
}


def _read_table_1() -> Iterator[PaperValue]:
    for row in re.split(r"[|\n]", TABLE_1.strip()):
        variable, statistic, p = row.strip().rsplit(" ", 2)
        at = f"table_one[variable={variable}]"
        if statistic != "-":  # Fisher's test has none
            yield PaperValue(f"Table 1, {variable}: statistic", statistic, f"{at}.statistic", True)
        yield PaperValue(f"Table 1, {variable}: p", p, f"{at}.p", True)


INTERVAL = ("estimate", "low", "high")
OUT_OF_BAG = ("oob", "oob_low", "oob_high")


def _read_interval(
    quantity: str, cell: str, at: str, exact: bool, note: str, keys: tuple[str, str, str] = INTERVAL
) -> Iterator[PaperValue]:
    """Three values from "estimate (low, high)", which our results have under ``keys``."""
    for part, key, printed in zip(INTERVAL, keys, re.findall(r"[\d.]+", cell), strict=True):
        name = quantity if part == "estimate" else f"{quantity}, {part}"
        contradiction = CONTRADICTIONS.get(name, "")
        yield PaperValue(name, printed, f"{at}.{key}", exact and not contradiction, contradiction or note)


def _model(name: str, is_adjusted: bool) -> tuple[str, str]:
    return f"{name}, {'adjusted' if is_adjusted else 'unadjusted'}", f"models[name={name},adjusted={is_adjusted}]"


def _read_table_2() -> Iterator[PaperValue]:
    for (name, is_adjusted), row in TABLE_2.items():
        title, at = _model(name, is_adjusted)
        for measure, cell in zip(MEASURES, row.split("; "), strict=True):
            yield from _read_interval(
                f"Table 2, {title}: {measure}",
                cell,
                f"{at}.{measure}",
                not is_adjusted,
                SYNTHETIC if is_adjusted else "",
            )


def _read_table_3() -> Iterator[PaperValue]:
    for (name, is_adjusted), row in TABLE_3.items():
        title, at = _model(name, is_adjusted)
        leave_one_out, folds, bootstrap = row.split("; ")
        scheme = f"{at}.validation.model"
        # Leaving one patient out of four groups needs their counts only: this one the paper's tables do determine.
        by_counts = name == "Disc and muscle groups" and not is_adjusted
        yield from _read_interval(
            f"Table 3, {title}: leave-one-out AUC",
            leave_one_out,
            f"{scheme}.leave_one_out.auc",
            by_counts,
            BY_COUNTS if by_counts else SYNTHETIC,
        )
        yield from _read_interval(f"Table 3, {title}: 10-fold AUC", folds, f"{scheme}.folds.auc", False, SYNTHETIC)
        yield from _read_interval(
            f"Table 3, {title}: bootstrap AUC", bootstrap, f"{scheme}.bootstrap.auc", False, SYNTHETIC, OUT_OF_BAG
        )


def _read_table_4() -> Iterator[PaperValue]:
    for (form, group), row in TABLE_4.items():
        for key, printed in zip(("b", "se", "p", "or", "low", "high"), row.split(), strict=True):
            yield PaperValue(
                f"Table 4, {form}, {group}: {key}",
                printed,
                f"interaction.{form}[group={group}].{key}",
                form == "unadjusted",
                SYNTHETIC if form == "adjusted" else BY_COUNTS,
            )


def _read_text() -> Iterator[PaperValue]:
    for tissue, cutoff in (("disc", "-0.824"), ("muscle", "-0.970")):
        yield PaperValue(f"Section 3.4, {tissue} Radscore: cutoff", cutoff, f"tissues.{tissue}.cutoff", True)
    areas = {"Disc Radscore": ("0.116", "0.104"), "Disc and muscle groups": ("0.104", "0.097")}
    p_values = {False: ("0.466", "0.646"), True: ("0.768", "0.646")}
    for i, focus in enumerate(("sensitivity", "specificity")):
        for name, printed in areas.items():
            title, at = _model(name, False)
            yield PaperValue(
                f"Section 3.4, {title}: partial AUC, {focus} 1-0.8", printed[i], f"{at}.pauc.{focus}.estimate", True
            )
        for is_adjusted, p in p_values.items():
            yield PaperValue(
                f"Section 3.4, disc against groups, {'adjusted' if is_adjusted else 'unadjusted'}: p, partial AUC,"
                f" {focus}",
                p[i],
                f"comparisons[a=Disc Radscore,b=Disc and muscle groups,adjusted={is_adjusted},scope=null,scheme=null,"
                f"measure=pauc_{focus}].p",
                False,
                NO_DELONG,
            )


PAPER_VALUES: tuple[PaperValue, ...] = (
    *_read_table_1(),
    *_read_table_2(),
    *_read_table_3(),
    *_read_table_4(),
    *_read_text(),
)


# ---- ours beside the paper's ----


def look_up(results: dict[str, Any], locate: str) -> float | None:
    """Find one number in the content of ``results.json``.

    Parameters
    ----------
    results
        The content of ``results.json``.
    locate
        Keys joined by dots; ``[key=value,key=value]`` takes the entry of a list whose keys read so as text, null for
        a missing value. No comma followed directly by a key and "=" may stand in a value.

    Returns
    -------
    float or None
        None where the results have no such entry, or null there.

    Raises
    ------
    LookupError
        Where more than one entry of a list fits.

    Examples
    --------
    >>> look_up({"models": [{"name": "A", "adjusted": False, "auc": {"estimate": 0.7}}]},
    ...         "models[name=A,adjusted=False].auc.estimate")
    0.7
    """
    here: Any = results
    for key, conditions in re.findall(r"([^.\[\]]+)(?:\[([^\]]*)\])?\.?", locate):
        here = here.get(key) if isinstance(here, dict) else None
        if conditions:
            wanted = dict(part.split("=", 1) for part in re.split(r",(?=\w+=)", conditions))
            fitting = [entry for entry in here or [] if all(_as_text(entry.get(k)) == v for k, v in wanted.items())]
            if len(fitting) > 1:
                raise LookupError(f"{locate}: {len(fitting)} entries of '{key}' fit [{conditions}], one was expected")
            here = fitting[0] if fitting else None
    return None if here is None else float(here)


def _as_text(value: Any) -> str:
    return "null" if value is None else str(value)


def format_as_printed(value: float, printed: str) -> str:
    """Round ``value`` half up to as many decimals as ``printed`` has; "<0.001" where both are below that.

    An odds ratio of 33/80 = 0.4125 is printed as 0.413; binary floats and the last digits of a fit would make it 0.412,
    so the value is first rounded to 9 decimals.

    Examples
    --------
    >>> format_as_printed(0.41249999999, "0.413"), format_as_printed(4e-8, "<0.001")
    ('0.413', '<0.001')
    """
    if printed.startswith("<") and value < float(printed.lstrip("< ")):
        return printed
    if not isfinite(value):
        return str(value)
    decimals = len(printed.partition(".")[2])
    return str(Decimal(f"{value:.9f}").quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def compare_with_paper(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Set our numbers beside the paper's.

    Parameters
    ----------
    results
        The content of ``results.json`` for the study of ``published_study``.

    Returns
    -------
    list of dict
        ``quantity``, ``paper`` (as printed), ``ours`` (as many digits, or None where the results lack it), ``agrees``,
        ``exact`` (whether agreement is to be expected) and ``note``; one for each of ``PAPER_VALUES``, in that order.
    """
    rows = []
    for value in PAPER_VALUES:
        number = look_up(results, value.locate)
        ours = None if number is None else format_as_printed(number, value.printed)
        note = value.note if ours is not None else "; ".join(filter(None, ("not in these results", value.note)))
        rows.append(
            {
                "quantity": value.quantity,
                "paper": value.printed,
                "ours": ours,
                "agrees": ours == value.printed,
                "exact": value.exact,
                "note": note,
            }
        )
    return rows

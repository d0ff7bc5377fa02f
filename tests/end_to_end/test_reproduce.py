"""``reproduce/analysis.R`` in plain R: every number of the results again, for studies of every kind; what is not
printed has a reason."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from plain_r import compare_printed, flatten, run_plain_r

import prldh
from prldh.reproduce.columns import Names
from prldh.reproduce.r_text import as_r

pytestmark = pytest.mark.r
GROUPS = "groups(disc, back muscle)"
SCHEMES = {"leave_one_out": True, "folds": 5, "repeats": 2, "bootstrap": 12}
PERFORMANCE = {
    "decision_bootstrap": 30,
    "partial_auc_bootstrap": 60,
    "interaction_bootstrap": 20,
    "thresholds": [0.5, 0.0, 0.1, 0.3, 0.05],
}


def cohort(n: int = 80, seed: int = 1) -> pd.DataFrame:
    """Names and levels that R would not take as they are; half of the scores' values are tied."""
    g = np.random.default_rng(seed)
    disc, age = np.round(g.standard_normal(n), 1), np.round(g.normal(55, 9, n))
    muscle = np.round(0.4 * disc + g.standard_normal(n), 2)
    grade, site = (
        g.choice(["I", "II", "III"], n, p=[0.3, 0.4, 0.3]),
        g.choice(["neck, left", 'the "back"', "Wirbelsäule"], n),
    )
    log_odds = -1 + 0.8 * disc + 0.6 * muscle + 0.03 * (age - 55) + 0.5 * (grade == "III")
    return pd.DataFrame(
        {
            "id": [f"0{i:02d}" for i in range(n)],
            "relapse": np.where(g.random(n) < 1 / (1 + np.exp(-log_odds)), "yes", "no"),
            "age (years)": age,
            "grade": grade,
            "if": site,
            "disc": disc,
            "muscle": muscle,
        }
    )


def study(**changes) -> dict:
    found = {
        "title": 'Ünusual\n"names"',
        "seed": 3,
        "engine": "python",
        "clinical": {
            "table": "clinical.csv",
            "id": "id",
            "outcome": "relapse",
            "event": "yes",
            "covariates": {
                "age (years)": "continuous",
                "grade": {"type": "ordinal", "levels": ["II", "I", "III", "IV"]},
                "if": "categorical",
            },
        },
        "tissues": {"disc": {"radscore": "disc"}, "back muscle": {"radscore": "muscle"}},
        "models": [
            {"name": "Disc, alone", "terms": ["disc"]},
            {"name": "Both [2]", "terms": ["disc", "back muscle"]},
            {"name": "Groups", "terms": [GROUPS]},
        ],
        "adjust": ["age (years)", "grade"],
        "validation": SCHEMES,
        "performance": PERFORMANCE,
    }
    for key, value in changes.items():
        found[key] = {**found[key], **value} if isinstance(found.get(key), dict) and key != "tissues" else value
    return found


def separated(n: int = 80) -> pd.DataFrame:
    table = cohort(n)
    table.loc[table["grade"] == "I", "relapse"] = "no"
    return table


def with_blanks(table: pd.DataFrame) -> pd.DataFrame:
    g = np.random.default_rng(5)
    return table.assign(
        **{
            "age (years)": table["age (years)"].where(g.random(len(table)) > 0.2),
            "if": table["if"].where(g.random(len(table)) > 0.1),
        }
    )


def several_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of 60 patients, of whom half have two or three; their ids read as numbers."""
    whose = np.r_[:60, :30, :10][: len(table)]
    return table.assign(who=[f"0{k}" for k in whose], centre=[f"centre {k % 3}" for k in whose])


CLUSTERED = {
    "clinical": {**study()["clinical"], "patient": "who", "columns": {"centre": "centre"}},
    "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 12, "leave_one_group_out": {"column": "centre"}},
}


def formulas() -> pd.DataFrame:
    """Ids, levels and blanks that a spreadsheet would run, or that look as if an apostrophe had been put there."""
    table = cohort().replace({"grade": {"I": "=1+1", "II": "'-II", "III": "-1.5"}})
    table["id"] = [("=", "+", "-", "@", "'=", "''+")[i % 6] + name for i, name in enumerate(table["id"])]
    return table.replace({"if": {"neck, left": "@neck", 'the "back"': "+back"}})


SETTINGS = {
    "engine": "r",
    "table_one": {"continuous": "wilcoxon", "adjust_p": "holm", "standardized_differences": True},
    "sample_size": {"r2_cox_snell": 0.2},
    "univariate": {"adjust_p": "bh"},
    "associations": [["grade", "disc"], ["if", "disc"], ["age (years)", "back muscle"], ["disc", "back muscle"]],
    "performance": {
        **PERFORMANCE,
        "confidence": 0.9,
        "partial_auc": {"sensitivity": [1, 0.9], "specificity": [0.8, 0.2]},
        "risk_categories": [0.2, 0.4],
        "hosmer_lemeshow_groups": 5,
        "prevalence": 0.12,
    },
}
TWO = [{"name": "Disc, alone", "terms": ["disc"]}, {"name": "Groups", "terms": [GROUPS]}]
PRODUCT = {"name": "Product", "terms": ["disc", "grade", "disc:grade"]}
IMPUTATION = {"missing": "multiple_imputation", "imputation": {"imputations": 3, "imputations_in_resamples": 2}}
HELD_OUT_TWICE = {"leave_one_out": False}  # the first three studies are refitted without each patient too
NO_FOLDS = {"validation": {"leave_one_out": True, "folds": 0, "repeats": 1, "bootstrap": 12}}
NO_RESAMPLES = {
    "validation": {"leave_one_out": False, "folds": 0, "repeats": 1, "bootstrap": 0},
    "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
}
STUDIES = {
    "both engines": (cohort, study(engine="both")),
    "other settings": (lambda: with_blanks(cohort()), study(**SETTINGS)),
    "separated, Firth": (separated, study()),
    "functions and products": (
        lambda: cohort(120),  # of 80, fits of 16 parameters diverge in some samples, and end wherever rounding has it
        study(
            engine="both",
            validation=HELD_OUT_TWICE,
            adjust=["rcs(age (years), 4)", "grade"],
            models=[
                {"name": "Log", "terms": ["log(age (years))", "disc", "disc^2"]},
                {"name": "Product", "terms": ["disc", "grade", "if", "disc:grade", "grade : if"]},
                {"name": "Spline", "terms": ["rcs(disc, 3)", "rcs(age (years),5):if"]},
            ],
        ),
    ),
    "imputed, functions": (
        lambda: with_blanks(cohort()),
        study(
            models=[TWO[0], {"name": "Spline", "terms": ["rcs(age (years), 3)", "disc:if"]}],
            adjust=["rcs(age (years), 4)"],
            validation=HELD_OUT_TWICE,
            **IMPUTATION,
        ),
    ),
    "separated, FLIC": (
        separated,
        study(models=[*TWO, PRODUCT], firth={"predictions": "flic"}, validation=HELD_OUT_TWICE),
    ),
    "separated, infinite": (
        separated,
        study(engine="r", separation="warn", univariate=False, models=TWO, validation=HELD_OUT_TWICE),
    ),
    "imputed": (lambda: with_blanks(separated()), study(models=TWO, validation=HELD_OUT_TWICE, **IMPUTATION)),
    "no resamples, no adjusting": (cohort, study(adjust=[], **NO_RESAMPLES)),
    "no tissues": (
        cohort,
        study(
            tissues={},
            adjust=[],
            models=[{"name": "Clinical", "terms": ["grade", "if"]}, {"name": "Grade", "terms": ["grade"]}],
            validation={"scope": "pipeline"},
        ),
    ),
    "clustered": (lambda: several_rows(cohort(100)), study(engine="both", models=TWO, **CLUSTERED)),
    "clustered, other settings": (
        lambda: several_rows(with_blanks(cohort(100))),
        study(**{**SETTINGS, **CLUSTERED, "engine": "python", "missing": "by_model"}),
    ),
    "clustered, Firth": (lambda: several_rows(separated(100)), study(**CLUSTERED)),
    "formulas, escaped": (
        formulas,
        study(
            clinical={
                "covariates": {
                    "age (years)": "continuous",
                    "grade": {"type": "ordinal", "levels": ["'-II", "=1+1", "-1.5"]},
                    "if": "categorical",
                }
            },
            models=[*TWO, {"name": "=Sum", "terms": ["disc", "if"]}],
            report={"csv_formulas": "escape"},
            validation={"leave_one_out": False, "bootstrap": 5},
        ),
    ),
    "three patients": (lambda: cohort().sort_values("relapse", kind="stable").iloc[[0, 1, -1]], study(**NO_FOLDS)),
}


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory):
    """Results and what plain R prints, by study; pictures and the page take the longest and are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.run.outputs.write_figures", lambda *given, **how: [])
        patch.setattr("prldh.run.outputs.render_report", lambda *content: "")
        yield _Analyzed(tmp_path_factory)


class _Analyzed:
    def __init__(self, factory) -> None:
        self.factory, self.found = factory, {}

    def __call__(self, name: str):
        if name not in self.found:
            make, settings = STUDIES[name]
            out = analyze(make(), settings, self.factory.mktemp("study"))
            self.found[name] = json.loads((out / "results.json").read_text()), run_plain_r(out / "reproduce"), out
        return self.found[name]


def analyze(table: pd.DataFrame, settings: dict, folder):
    table.to_csv(folder / "clinical.csv", index=False)
    settings = copy.deepcopy(settings)
    settings["clinical"]["table"] = str(folder / "clinical.csv")
    prldh.analyze(settings, folder / "out", jobs=1)
    return folder / "out"


#: These take a minute each.
SLOW = ("clustered, other settings", "clustered, Firth")
#: One of each kind; of the others, `make test-ci`.
QUICK = ("both engines", "separated, Firth", "functions and products", "clustered", "three patients", "no tissues")


def _marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.slow,) if name in SLOW else () if name in QUICK else (pytest.mark.ci,)


@pytest.mark.parametrize("name", [pytest.param(n, marks=_marks(n)) for n in STUDIES])
def test_plain_r_prints_every_number_of_the_results(analyzed, name):
    data, printed, _ = analyzed(name)
    assert compare_printed(data, printed) > 1000
    kinds = {model["fit"] for model in data["models"]}
    penalised = ("separated, Firth", "separated, FLIC", "imputed", "three patients", "clustered, Firth")
    assert ("firth" in kinds) == (name in penalised)


def test_what_is_not_printed_are_settings_and_imputed_models_held_out(analyzed):
    """The list of exceptions is short: with scores given as columns it is empty but for imputation."""
    for name in ("both engines", "separated, Firth"):
        data, printed, _ = analyzed(name)
        assert set(flatten(data)) - set(printed) <= {
            k for k, lines in flatten(data).items() if all(v is None for line in lines for v in line)
        }
    data, printed, _ = analyzed("imputed")
    left_out = {
        k
        for k, lines in flatten(data).items()
        if k not in printed and any(v is not None for line in lines for v in line)
    }
    assert left_out and all(".validation." in k or ", scope " in k or k.startswith("missing.") for k in left_out)
    # the covariates alone are imputed, and so is what every model adds to them
    assert not any("unadjusted" in k and not k.startswith("clinical_model.") for k in left_out)


def test_the_comparison_can_fail(analyzed):
    data, printed, _ = analyzed("separated, Firth")
    changed = copy.deepcopy(data)
    changed["models"][0]["calibration"]["curve"][2]["low"] += 1e-4
    with pytest.raises(AssertionError, match=r"1 differ, such as\n.*calibration.curve\[\*\].low"):
        compare_printed(changed, printed)
    added = copy.deepcopy(data)
    added["models"][1]["terms"][1]["vif"] = 1.5
    with pytest.raises(AssertionError, match="1 are not printed"):
        compare_printed(added, printed)
    with pytest.raises(AssertionError, match="strange"):
        compare_printed(data, {**printed, "strange": [(1.0,)]})
    nothing = copy.deepcopy(data)
    nothing["interaction"]["stratified_roc"][0]["comparison"]["p"] = None
    with pytest.raises(AssertionError, match="1 differ"):
        compare_printed(nothing, printed)


def test_the_folder_stands_alone_and_has_the_same_bytes_again(analyzed, tmp_path):
    _, printed, out = analyzed("three patients")
    shutil.copytree(out / "reproduce", tmp_path / "elsewhere")
    assert run_plain_r(tmp_path / "elsewhere") == printed
    make, settings = STUDIES["three patients"]
    again = analyze(make(), settings, tmp_path) / "reproduce"
    assert sorted(p.name for p in again.iterdir()) == sorted(p.name for p in (out / "reproduce").iterdir())
    for path in again.iterdir():
        assert path.read_bytes() == (out / "reproduce" / path.name).read_bytes(), path.name
    readme = (again / "README.md").read_text()
    assert set(re.findall(r"^\| `([^`]+)` \|", readme, re.M)) == {p.name for p in again.iterdir()} - {"README.md"}


@pytest.mark.ci
def test_locale_does_not_matter(analyzed):
    """Names and levels hold letters that are not ASCII."""
    _, _, out = analyzed("no resamples, no adjusting")
    said = {
        subprocess.run(
            ["Rscript", "--vanilla", "analysis.R"],
            cwd=out / "reproduce",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": locale},
            capture_output=True,
            check=True,
        ).stdout
        for locale in ("C", "C.UTF-8")
    }
    assert len(said) == 1 and "Wirbelsäule".encode() in said.pop()


# ---------------------------------------------------------------- selected features


@pytest.fixture(scope="module")
def selected(analyzed, tmp_path_factory):
    """Two readers, two sources, features that are selected in every resample anew; a name that R might read as
    missing."""
    folder = tmp_path_factory.mktemp("features")
    g = np.random.default_rng(2)
    table = cohort(70, seed=4)
    event = (table["relapse"] == "yes").to_numpy()
    tissues = {}
    for tissue in ("disc", "NA"):
        tissues[tissue] = {"features": {}}
        for source, p in (("shape", 6), ("texture", 9)):
            first = g.standard_normal((70, p)) + 0.8 * event[:, None] * (np.arange(p) < 2)
            files = []
            for reader, values in enumerate((first, first + 0.2 * g.standard_normal(first.shape))):
                files.append(str(folder / f"{tissue}_{source}_{reader}.csv"))
                pd.DataFrame(values, columns=[f"{source} {j}" for j in range(p)]).assign(id=table["id"]).to_csv(
                    files[-1], index=False
                )
            tissues[tissue]["features"][source] = files
    settings = study(
        tissues=tissues,
        selection=[{"icc": {}}, {"correlation": {"between": 0.9, "outcome": 0.2}}],
        models=None,
        adjust=["age (years)"],
        if_empty="best",
        validation={"leave_one_out": False, "folds": 5, "repeats": 1, "bootstrap": 8},
        univariate={"test": "t", "shown": 5},
    )
    out = analyze(table[["id", "relapse", "age (years)", "grade", "if"]], settings, folder)
    return json.loads((out / "results.json").read_text()), out, table, settings


def test_everything_but_the_selection_is_printed_where_features_are_selected(selected):
    data, out, _, _ = selected
    printed = run_plain_r(out / "reproduce")
    assert compare_printed(data, printed) > 8000
    for name in (
        "tissues.disc.radscore.coefficients.",
        "models[Disc Radscore, adjusted].validation.pipeline.bootstrap.auc.b632plus",
        "univariate.features.disc.smallest[shape 0].p_bh",
    ):
        assert any(key.startswith(name) for key in printed), name
    left_out = {
        k
        for k, lines in flatten(data).items()
        if k not in printed and any(v is not None for line in lines for v in line)
    }
    learners_own = (".selection.", ".radscore.importance.", ".radscore.contributions.patients", "yardstick.")
    assert left_out and all(any(part in k for part in learners_own) for k in left_out)


@pytest.mark.ci
def test_many_refitted_radscores_are_left_out_and_scope_pipeline_with_them(selected, tmp_path, monkeypatch):
    """Also: LASSO's coefficients are the learner's."""
    _, _, table, settings = selected
    monkeypatch.setattr("prldh.reproduce.draws.MOST_REFITTED", 10)
    out = analyze(table[["id", "relapse", "age (years)", "grade", "if"]], {**settings, "radscore": "lasso"}, tmp_path)
    assert not (out / "reproduce" / "refitted.csv.gz").exists()
    readme = (out / "reproduce" / "README.md").read_text()
    assert "would be a large file" in readme and "LASSO" in readme
    printed = run_plain_r(out / "reproduce")
    own = [k for k in printed if k.startswith("models")]  # the covariates alone have no features to refit
    assert any(".validation.model." in k for k in own) and not any(".validation.pipeline." in k for k in own)
    assert "tissues.disc.radscore.center.shape 0" in printed and "tissues.disc.radscore.intercept" not in printed


# ---------------------------------------------------------------- parts


def test_columns_keep_their_names_where_r_takes_them():
    names = Names(["age", "if", "x1", "id", "Größe", "disc"], ["disc", "a b"], [GROUPS, "groups(a, b)"])
    assert names.covariates == {"age": "age", "if": "x1", "x1": "x2", "id": "x3", "Größe": "x4", "disc": "disc"}
    assert names.tissues == {"disc": "x5", "a b": "x6"}
    assert names.groups == {GROUPS: "groups", "groups(a, b)": "x7"}
    assert names.of_term("disc") == "x5" and names.of_term("age") == "age"


def test_python_values_become_r_values():
    value = {
        "a": [0.1, 1e-300],
        "odd 'name'\n": 'say "é"\\',
        "empty": [],
        "flags": [True, False],
        "nested": [{"x": None}, {"y": float("inf")}],
        "long": list(range(200)),
    }
    script = (
        f"x <- {as_r(value)}; stopifnot(identical(x$a, c(0.1, 1e-300)), identical(names(x)[2], \"odd 'name'\\n\"),"
        " identical(x[[2]], 'say \"é\"\\\\'), is.null(x$empty), identical(x$flags, c(TRUE, FALSE)),"
        " is.null(x$nested[[1]]$x), x$nested[[2]]$y == Inf, sum(x$long) == 19900); cat('fine')"
    )
    assert max(map(len, as_r(value).splitlines())) <= 130
    assert subprocess.run(["Rscript", "--vanilla", "-e", script], capture_output=True, text=True).stdout == "fine"

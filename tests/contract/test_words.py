"""What objects say of themselves: declared members, records that refuse nonsense, and strangers that fail to say it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import unmarked

import prldh
from prldh.chain.selection.protocol import SELECTORS
from prldh.core.figures import Across, Curve, Paths, Points, StepFigure
from prldh.core.references import Reference
from prldh.core.words import Purpose, Remark
from prldh.plugins.registry import Registry
from prldh.plugins.words import Cited, Drawn, Labelled, SelectorMethods
from prldh.results.asking import words_of
from prldh.testing.kit import checks_of
from prldh.testing.parts import CheckFailed
from prldh.validation.resampling import VALIDATORS

pytestmark = pytest.mark.usefixtures("undrawn")

CORRELATION = next(each for each in SELECTORS if each.name == "correlation")
SMITH = Reference("smith2020", "Smith, Ann", "On it", "Journal", 2020)
CURVE = Curve(Across("size"), "share", [1, 2, 3], [0.5, None, 0.7])


class Stranger(type(CORRELATION)):
    """A step that says nothing of itself but what a test gives it."""

    name, label, short_label, purposes, methods = (
        "stranger",
        "Of a stranger",
        "stranger",
        {},
        lambda self, run: "it ran",
    )


def stranger(**members) -> Stranger:
    kind = type("Stranger", (Stranger,), {"__module__": __name__, **members})
    return kind()


def results(settings: dict | None = None) -> dict:
    """Results in which the stranger took part."""
    step = {"name": "stranger", "source": "features", "details": {"n": 3}}
    return {
        "study": {"settings": {"selection": [{"stranger": settings or {"between": 0.9, "outcome": 0.3}}]}},
        "tissues": {"disc": {"selection": {"steps": [step], "readers": 1}}},
    }


def asked(item):
    return words_of(results(), Registry([item], load_entry_points=False, load_built_ins=False))


def test_built_ins_say_everything_that_the_report_asks_for():
    for each in SELECTORS:
        assert isinstance(each, Labelled) and isinstance(each, SelectorMethods) and each.label != each.name
    drawn = {"mrmr_forest", "lasso_svm_rfe", "lasso", "elastic_net", "stability", "boruta"}
    assert {each.name for each in SELECTORS if isinstance(each, Drawn)} == drawn
    assert not any(isinstance(each, Cited) for each in VALIDATORS) and all(isinstance(v, Labelled) for v in VALIDATORS)


def test_what_a_stranger_says_is_kept_as_plain_data():
    item = stranger(
        references=(SMITH,),
        methods=lambda self, run: "above {between} [@smith2020] it was gone",
        figures=lambda self, details: [StepFigure("curve", "t", "d", (("part", CURVE),), f"{details['n']} seen")],
        remarks=lambda self, found: [Remark(f"{source}: {details['n']}", True) for source, details in found],
        purposes={"redundancy": "of those above {between} one"},
    )
    words = asked(item)
    assert not words.warnings and words.step("stranger").label == "Of a stranger"
    sentence = words.sentences[0]
    assert sentence.places == {"between": ("study", "settings", "selection", 0, "stranger", "between")}
    assert sentence.references == {"smith2020": SMITH} and words.figures["disc", 0][0].seen == "3 seen"
    assert words.remarks == {"disc": ((Remark("features: 3", True),),)}
    assert words.step("stranger").serves(Purpose.REDUNDANCY)
    assert words.step("stranger").purpose(Purpose.REDUNDANCY, {"between": 0.9}) == "of those above 0.9 one"


FAILURES = {
    "raises": ({"methods": lambda self, run: 1 / 0}, "ZeroDivisionError"),
    "no text": ({"methods": lambda self, run: None}, "methods of 'stranger' gives NoneType in place of text"),
    "unknown value": ({"methods": lambda self, run: "above {limit}"}, "asks for {limit}, which is no number or text"),
    "unknown paper": ({"methods": lambda self, run: "as [@jones1999]"}, "cites jones1999, which is none of its"),
    "label": ({"label": " "}, "label is ' ' in place of text"),
    "figures": ({"figures": lambda self, details: ["f"]}, "figures gives str in place of StepFigure"),
    "a figure of another length": (
        {"figures": lambda self, details: [Curve(Across("x"), "y", [1, 2], [1])]},
        "y has 1 values, and x has 2",
    ),
    "remarks": ({"remarks": lambda self, found: "text"}, "remarks gives str in place of Remark"),
    "purpose": ({"purposes": {"beauty": ""}}, "'beauty' is not a valid Purpose"),
    "a purpose's setting": ({"purposes": {Purpose.COLLINEARITY: "{limit}"}}, "asks for {limit}, which is none of its"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_stranger_that_fails_to_say_it_has_general_words_and_a_warning(what):
    members, message = FAILURES[what]
    words = asked(stranger(**members))
    (warning,) = words.warnings
    assert message in warning.message and "stranger" in warning.message and "general words" in warning.message
    assert words.step("stranger").short_label == "stranger" and not words.figures and not words.remarks
    check = next(c for c in checks_of(stranger(**members)) if "says of itself" in str(c))
    with pytest.raises(CheckFailed, match="general words"):
        check()


def test_what_a_stranger_does_to_details_changes_no_results():
    data = results()
    item = stranger(figures=lambda self, details: details.clear() or [])
    words_of(data, Registry([item], load_entry_points=False, load_built_ins=False))
    assert data == results()


def test_a_run_is_not_lost_for_words_that_fail(tmp_path):
    rng = np.random.default_rng(1)
    outcome = np.arange(40) % 5 < 2
    pd.DataFrame({"id": range(40), "y": outcome.astype(int)}).to_csv(tmp_path / "t.csv", index=False)
    features = pd.DataFrame({f"f{j}": outcome + rng.normal(size=40) for j in range(3)}).assign(id=range(40))
    features.to_csv(tmp_path / "f.csv", index=False)
    study = {
        "engine": "python",
        "clinical": {"table": str(tmp_path / "t.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": str(tmp_path / "f.csv")}},
        "selection": [{"stranger": {"outcome": 0.0}}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": []},
    }
    item = stranger(methods=lambda self, run: 1 / 0)
    found = prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[item])
    page = unmarked((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "the step stranger was applied" in page and "ZeroDivisionError" in page
    assert not any("ZeroDivisionError" in warning["message"] for warning in found.data["warnings"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Curve(Across("x"), "y", [1, 2], [1, 2], low=[0]), "low has 1 values, and x has 2"),
        (lambda: Points(Across("x"), "y", [1], [1], [0, 0]), "error has 2 values, and x has 1"),
        (lambda: Paths(Across("x"), "y", [1], {"f": [0, 1]}), "a line has 2 values, and x has 1"),
        (lambda: StepFigure("f", "t", "d", ()), "the figure 'f' has no parts"),
    ],
)
def test_figures_refuse_what_cannot_be_drawn(make, message):
    with pytest.raises(ValueError, match=message):
        make()

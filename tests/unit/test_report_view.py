"""What stands first on the page and how: three sentences, numbers, warnings, alternative texts; results of another
schema."""

from __future__ import annotations

import copy
import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prldh.core.errors import DataError
from prldh.pages import create_environment
from prldh.pages.format import (
    interval,
    isolated,
    measured,
    number,
    p_value,
    percent,
    share,
    statistic,
    typeset,
    typeset_within,
)
from prldh.plugins.registry import Registry
from prldh.report.answer import answer_view
from prldh.report.answer_plan import MOST_MODELS, answer_rows
from prldh.report.page import render
from prldh.report.seen import seen_in_figures
from prldh.report.subgroups import _notes, subgroup_panels
from prldh.report.view import ROWS_OPEN, _references, _warnings, note_on_intervals, pooled_title, summary_rule
from prldh.results.asking import words_of
from prldh.results.lead import interval as lead_interval
from prldh.results.measures import BY_KEY
from prldh.results.variables import Variables
from prldh.results.words import Words

REGISTRY = Registry()
AUC = {"estimate": 0.8464, "low": 0.7891, "high": 0.9032}


def model(name: str = "Disc Radscore", **validation) -> dict:
    terms = [{"variable": None}, {"variable": "disc"}]
    return {"name": name, "adjusted": False, "auc": dict(AUC), "terms": terms, "validation": validation}


def results(*models: dict, confidence: float = 0.95, selected: bool = True, repeats: int = 1) -> dict:
    schemes = {
        "folds": {"kind": "held_out", "n_resamples": 10 * repeats},
        "bootstrap": {"kind": "bootstrap", "n_resamples": 25},
        "leave_one_out": {"kind": "held_out", "n_resamples": 170},
        "by_year": {"kind": "held_out", "n_resamples": 3},
    }
    return {
        "cohort": {"n": 170, "events": 55, "outcome": "recurrence", "event": "yes"},
        "models": list(models),
        "tissues": {
            "disc": {
                "selection": {"steps": [{"name": "a_step", "source": "features", "details": {}}] if selected else []}
            }
        },
        "study": {
            "settings": {"performance": {"confidence": confidence}, "validation": {"repeats": repeats}},
            "schemes": schemes,
        },
    }


def lead(data: dict) -> tuple[list[str], list[str]]:
    answer = answer_view(data, words_of(data, REGISTRY))
    assert len(answer["sentences"]) == 3 and all(s.endswith(".") and "None" not in s for s in answer["sentences"])
    return answer["sentences"], answer["notes"]


def folds(estimate: float, low: float | None, high: float | None) -> dict:
    return {"auc": {"estimate": estimate, "low": low, "high": high}}


def test_a_small_study_has_no_decimals_and_a_negative_slope_has_a_minus_sign():
    entry = folds(0.389, 0.009, 0.769) | {"slope": {"estimate": -1.312, "low": -3.98, "high": 0.75}}
    data = results(model(pipeline={"folds": entry}))
    data["cohort"] |= {"n": 12, "events": 6}
    shown = answer_view(data, Words())
    assert "(6 of 12, 50%) from those without" in shown["sentences"][0]
    tiles = {tile.label: tile for tile in shown["tiles"]}
    assert tiles["Patients and events"].detail == "50% have recurrence = yes"
    assert tiles["Held-out calibration slope"].value == "−1.31"


def test_three_sentences_with_intervals():
    good = model(
        pipeline={"folds": folds(0.8312, 0.7714, 0.8896)},
        model={"folds": folds(0.8411, 0.7834, 0.8988)},
        difference={"folds": 0.0099},
    )
    (asked, honest, hopeful), notes = lead(results(good))
    assert (
        asked
        == "What was asked: how well the model “Disc Radscore” tells patients with recurrence = yes (55 of 170, 32.4%)"
        " from those without."
    )
    assert (
        honest
        == "The honest answer: in patients held out from fitting (10-fold cross-validation, everything fitted anew each"
        " time, selection included), it reaches an AUC of 0.831 (95% CI 0.771 to 0.890), where 0.5 is chance and 1"
        " is perfect."
    )
    assert (
        hopeful
        == "In the patients to whom it was fitted it reaches 0.846 (95% CI 0.789 to 0.903), and 0.841 (95% CI 0.783 to"
        " 0.899) where the logistic model alone is fitted anew each time, so that the optimism from selection is 0.010."
    )
    assert notes == []


@pytest.mark.parametrize("variable", ["disc", "groups(disc, muscle)"])
def test_a_score_that_came_as_a_column_is_never_called_honest(variable):
    """Nor a model with one part made here: part of the chain lay outside the run."""
    given = model(
        pipeline={"folds": folds(0.87, 0.81, 0.93)},
        model={"folds": folds(0.88, 0.82, 0.94)},
        difference={"folds": 0.01},
    )
    given["terms"] = [{"variable": None}, {"variable": variable}]
    data = results(given)
    data["tissues"] = {"disc": {"selection": None}, "muscle": {"selection": {"steps": []}}}
    (_, answer, hopeful), notes = lead(data)
    everything = " ".join([answer, hopeful, *notes])
    assert "onest" not in everything and "everything" not in everything and "optimism from selection" not in everything
    assert answer.startswith("In patients held out from fitting (10-fold") and "0.870 (95% CI 0.810 to 0.930)" in answer
    is_given_alone = variable == "disc"  # of groups, the cutoff and the other score are made here
    assert ("the score taken as given, and what this run makes of it fitted anew each time" in answer) == is_given_alone
    assert answer.endswith(
        "The score of disc came as a column: this run cannot know how it was made, so leakage is unknown."
    )


@pytest.mark.parametrize(
    ("trained_on", "is_unknown"),
    [({"n_trained": 9, "n": 2}, True), ({"n_trained": None, "n": 0}, True), ({"n_trained": 9, "n": 0}, False)],
)
def test_a_source_that_these_patients_may_have_trained_is_not_called_honest_either(trained_on, is_unknown):
    data = results(model(pipeline={"folds": folds(0.87, 0.81, 0.93)}))
    data["images"] = {"disc": {"sources": {"net": {"trained_on": trained_on}}}}
    answer = lead(data)[0][1]
    assert ("leakage is unknown" in answer) == is_unknown and ("honest" in answer) != is_unknown


def test_nothing_selected_costs_nothing_and_no_cost_is_printed():
    plain = model(
        "Age",
        pipeline={"folds": folds(0.6, 0.5, 0.7)},
        model={"folds": folds(0.6, 0.5, 0.7)},
        difference={"folds": 0.0},
    )
    plain["terms"] = [{"variable": None}, {"variable": "age"}]
    (_, answer, hopeful), _ = lead(results(plain))
    assert "The honest answer" in answer and "selection" not in answer and "leakage" not in hopeful


def test_a_pooled_auc_that_is_an_artefact_is_named_and_does_not_lead():
    entry = folds(0.254, 0.174, 0.335) | {"auc_mean": {"estimate": 0.52, "low": 0.4, "high": 0.64}}
    (_, answer, _), notes = lead(results(model(pipeline={"folds": entry})))
    assert "mean of folds" in answer and "0.520 (95% CI 0.400 to 0.640)" in answer and "0.254" not in answer
    assert any("0.254 (0.174, 0.335)" in note and "artefact" in note for note in notes)
    (_, answer, _), notes = lead(results(model(pipeline={"leave_one_out": folds(0.0, 0.0, 0.0)})))
    assert answer.startswith("Of other patients nothing is known: no usable held-out AUC") and "artefact" in notes[0]


def test_the_best_of_several_leads_at_the_studys_level_of_confidence():
    weak, strong = (model(name, pipeline={"folds": folds(e, 0.4, 0.9)}) for name, e in (("Weak", 0.6), ("Strong", 0.7)))
    (asked, honest, _), notes = lead(results(weak, strong, confidence=0.9, selected=False, repeats=5))
    assert (
        "2 models tell" in asked
        and "the model with the highest of these AUCs, “Strong”, reaches" in honest
        and "an AUC of 0.700 (90% CI 0.400 to 0.900)" in honest
    )
    assert "10-fold cross-validation, repeated 5 times, everything fitted anew each time)" in honest
    assert "includes 0.5" in notes[0] and "The best of several" in notes[1]


def test_the_bootstrap_leads_by_632_and_costs_leakage_by_optimism():
    auc = {"estimate": 0.78, "low": 0.76, "high": 0.88, "b632plus": 0.75, "b632plus_low": 0.7, "b632plus_high": 0.8}
    (_, honest, hopeful), _ = lead(
        results(
            model(
                pipeline={"bootstrap": {"auc": auc}},
                model={"bootstrap": folds(0.84, 0.81, 0.87)},
                difference={"bootstrap": -0.06},
            )
        )
    )
    assert "(.632+ bootstrap, 25 samples," in honest and "0.750 (95% CI 0.700 to 0.800)" in honest
    assert (
        "corrected for optimism it is 0.780 (95% CI 0.760 to 0.880) with everything fitted anew and 0.840" in hopeful
        and "is −0.060" in hopeful
    )


def test_the_first_figure_always_holds_the_model_of_the_sentences():
    """Of many models the first are shown, and the best held out is among them."""
    models = [model(f"m{k}", pipeline={"folds": folds(0.9 if k == 19 else 0.6, 0.5, 0.95)}) for k in range(20)]
    rows, _ = answer_rows(results(*models), Words())
    assert [row.name for row in rows] == [f"m{k}" for k in range(MOST_MODELS - 1)] + ["m19"]
    few, _ = answer_rows(results(*models[:5]), Words())
    assert [row.name for row in few] == [f"m{k}" for k in range(5)]


def test_what_is_said_of_the_levels_of_several_models_is_said_once():
    entry = {"adjusted": False, "left_out": ["f"], "q": None, "reason": "fewer than two levels have an AUC"}
    known = entry | {
        "q": 1.0,
        "df": 1,
        "p": 0.3,
        "tau2": 0.0,
        "i2": 0.25,
        "n_levels": 2,
        "left_out": [],
        "reason": None,
    }
    said = _notes([{"name": "A", **entry}, {"name": "B", **known}, {"name": "C", **entry}])
    assert len(said) == 2 and said[0].startswith("A; C: not compared, as fewer") and "I² 25%," in said[1]


@pytest.mark.parametrize(
    ("test", "summary", "is_told"), [("t", "median", True), ("wilcoxon", "median", False), ("t", "mean", False)]
)
def test_a_test_of_means_beside_a_median_is_told(test, summary, is_told):
    data = {"study": {"settings": {}}, "table_one": [{"test": test, "summary": summary}]}
    assert ("compares means" in summary_rule(data)) == is_told
    data["study"]["settings"]["table_one"] = {"p_values": False}
    assert "compares means" not in summary_rule(data)


def test_a_long_table_that_is_not_a_sections_first_view_folds():
    template = create_environment().from_string(
        "{% import 'macros.html.j2' as m with context %}{% call m.folded(n, 'All pairs') %}<table></table>{% endcall %}"
    )
    shown = {n: template.render(n=n, view={"rows_open": ROWS_OPEN}) for n in (ROWS_OPEN, ROWS_OPEN + 1)}
    assert "<details>" not in shown[ROWS_OPEN] and f"All pairs: {ROWS_OPEN + 1} rows</summary>" in shown[ROWS_OPEN + 1]
    assert all("<table></table>" in each for each in shown.values())


def test_what_was_not_done_is_not_told():
    (_, honest, hopeful), notes = lead(results(model()))
    assert (
        honest == "Of other patients nothing is known, as no validation was asked for."
        and "too high by construction" in hopeful
        and notes == []
    )
    (_, honest, hopeful), _ = lead(results(model(model={"leave_one_out": folds(0.7, None, None)})))
    assert (
        "leave-one-out cross-validation, the logistic model alone fitted anew each time), it reaches an AUC of 0.700"
        " (no interval)"
        in honest
        and "leakage" not in hopeful
    )
    assert "by-year, 3 fits" in lead(results(model(pipeline={"by_year": folds(0.7, 0.6, 0.8)})))[0][1]


# ---------------------------------------------------------------- numbers


def test_a_name_from_right_to_left_leaves_the_numbers_after_it_in_their_order():
    area = {"estimate": 0.714, "low": 0.531, "high": 0.846}
    level = {"level": "سابقا", "is_blank": False, "n": 9, "events": 4}
    entry = {"scope": "pipeline", "scheme": "folds", "levels": [level | {"models": [{**model(), "auc": area}]}]}
    *_, told = subgroup_panels(results(model()) | {"subgroups": {"smoker": entry}}, "smoker")
    assert "Disc Radscore: \u2068سابقا\u2069 0.714 (0.531, 0.846)." in told and isolated("disc") == "disc"


def test_numbers_in_warnings_are_set_as_those_of_tables():
    told = _warnings([{"stage": "validation", "message": "nearer to 0 than 3.1e-07 in P1e-05"}])
    assert told["main"][0][1][0]["text"] == "nearer to 0 than 3.1 × 10⁻⁷ in P1e-05"


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [("0.5", "0.5"), ("-0.5", "−0.5"), ("1.39e-04", "1.39 × 10⁻⁴"), ("-1.2e+07", "−1.2 × 10⁷"), ("–", "–")],
)
def test_numbers_are_typeset(shown, wanted):
    assert typeset(shown) == wanted


@given(st.floats(0, 1) | st.sampled_from([0.0005, 0.001, 0.0009999, 0.9995, 0.99949, 1.0]))
def test_p_is_never_zero(value):
    shown = html.unescape(re.sub(r"<[^>]*>", "", str(p_value(value)))).replace("\u00a0", " ")
    assert shown not in ("0.000", "1.000")
    assert (shown == "< 0.001") == (value < 0.001)


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (statistic({"statistic": 3e-10}), "< 0.01"),
        (statistic({"statistic": -2e-12}), "> −0.01"),
        (statistic({"statistic": 0.0}), "0.00"),
        (statistic({"statistic": 2e-5}), "2.0 × 10⁻⁵"),
        (number(-1e-17, 3, 1e-9), "0.000"),
        (measured(-4e-16, BY_KEY["intercept"]), "0.000"),
        (measured(3e-9, BY_KEY["citl"]), "0.000"),
        (measured(-2e-5, BY_KEY["intercept"]), "−2.00 × 10⁻⁵"),
        (percent(0.001), "< 0.01"),
        (percent(99.999), "> 99.99"),
        (percent(0.0), "0.00"),
        (share(0.0001), "< 0.1"),
        (share(1.0), "100.0"),
    ],
)
def test_zero_is_printed_for_nothing_else(shown, wanted):
    assert html.unescape(re.sub(r"<[^>]*>", "", str(shown))).replace("\u00a0", " ") == wanted


def test_signs_of_numbers_in_sentences_are_those_of_tables():
    text = "P-1 has -0.7 (-1.2, 3e-07); [-4] of T-2, 2020-01-02, mask--3"
    assert typeset_within(text) == "P-1 has −0.7 (−1.2, 3 × 10⁻⁷); [−4] of T-2, 2020-01-02, mask--3"


def test_full_values_stand_behind_rounded_ones():
    assert number(-0.123456) == '<span title="-0.123456">−0.123</span>'
    assert number(2e-8, 3, 1e-6) == '<span title="2e-08">0.000</span>'
    assert (
        interval({"estimate": 0.5, "low": -0.25, "high": None})
        == '<span title="0.5 (-0.25, None)">0.500 (−0.250,\u00a0–)</span>'
    )
    assert interval({"estimate": 0.5, "low": None, "high": None}) == number(0.5)
    assert [
        interval({"estimate": e, "low": 1.0, "high": 2000.0}).split(">")[1].split("<")[0].replace("\u00a0", " ")
        for e in (9.9, 12.0, 1234.5)
    ] == ["9.900 (1.000, 2000.000)", "12.00 (1.00, 2000.00)", "1234.5 (1.0, 2000.0)"]
    assert interval({"estimate": None, "low": None, "high": 3.0}).endswith(
        "– (–,\u00a03.000)</span>"
    ) and 'class="none"' in interval({"estimate": None})
    words = words_of(results(model()), REGISTRY)
    assert [words.scheme(name).label for name in ("folds", "leave_one_out", "by_year")] == [
        "cross-validation",
        "leave-one-out",
        "by-year",
    ]


# ---------------------------------------------------------------- warnings


def test_what_is_said_of_several_models_is_said_once():
    same = "the outcome is separated."
    given = [{"stage": "models", "message": f"model '{name}', adjusted: {same}"} for name in ("A", "B: c")] + [
        {"stage": "models", "message": "plain words: of nobody"},
        {"stage": "validation", "message": "model 'A', model refitted, leave-one-out: lies below 0.5"},
        {"stage": "engine r", "message": "hosmer_lemeshow: ties"},
        {"stage": "null values", "message": "RERI: without a value"},
    ]
    shown = _warnings(given)
    (title, own), (_, validation) = shown["main"]
    assert title == "Models" and own[0] == {
        "text": "The outcome is separated.",
        "of": ["model 'A', adjusted", "model 'B: c', adjusted"],
    }
    assert own[1] == {"text": "plain words: of nobody", "of": []} and validation[0]["of"] == [
        "model 'A', model refitted, leave-one-out"
    ]
    assert [t for t, _ in shown["technical"]] == ["Engine R", "Numbers without a value"] and shown["n_technical"] == 2
    assert _warnings([]) == {"main": [], "technical": [], "n_technical": 0}


def test_odds_ratios_say_to_what_they_compare():
    table = [
        {"variable": v, "rows": [{"level": level} for level in levels]}
        for v, levels in (("sex", ["female", "male"]), ("grade", ["III", "IV", "V"]), ("age", [None]))
    ]
    terms = [
        {"variable": "(Intercept)", "level": None},
        {"variable": "age", "level": None},
        {"variable": "grade", "level": "IV"},
        {"variable": "grade", "level": "V"},
        {"variable": "sex", "level": "male"},
        {"variable": "lost", "level": "x"},
    ]
    assert (
        _references(terms, {"table_one": table}, Variables({"sex": "Sex"}, known=("sex",))) == "grade, III; Sex, female"
        and _references(terms[:2], {"table_one": table}, Variables()) == ""
    )


# ---------------------------------------------------------------- figures in words


def test_curves_are_read_out():
    point = {"threshold": 0.2, "net_benefit": 0.1, "all": 0.05, "avoided": 12.34}
    m = model() | {
        "decision_curve": [
            {**point, "threshold": 0.1, "net_benefit": 0.02, "all": 0.03},
            point,
            {**point, "threshold": 0.3, "all": -0.2, "net_benefit": 0.04},
        ],
        "clinical_impact": [
            {"threshold": 0.2, "high_risk": 412.3, "high_risk_events": 208.1},
            {"threshold": 0.9, "high_risk": 0, "high_risk_events": 0},
        ],
        "calibration": {"slope": 1.0, "ici": 0.04},
        "pauc": {"sensitivity": {"estimate": 0.123}, "specificity": {"estimate": 0.087}},
        "roc": [
            {"specificity": 0.7, "sensitivity": 0.9, "sensitivity_low": 0.8, "sensitivity_high": 0.95},
            {"specificity": 0.85, "sensitivity": 0.6, "sensitivity_low": 0.5, "sensitivity_high": 0.7},
        ],
    }
    data = {
        "models": [m],
        "tissues": {
            "L5 disc": {
                "cutoff": 0.0,
                "selection": None,
                "scores": [{"value": v, "outcome": y} for v, y in ((-1, 0), (1, 0), (2, 1), (0.0, 1))],
            }
        },
        "interaction": None,
    }
    names = [
        "decision_unadjusted",
        "impact_unadjusted",
        "avoided_unadjusted",
        "calibration_unadjusted",
        "partial_roc_unadjusted",
        "roc_bands_unadjusted",
        "scores_L5_disc",
        "flow",
        "roc_adjusted",
    ]
    seen = seen_in_figures(data, Words(), names)
    assert (
        seen["decision_unadjusted"]
        == "Disc Radscore: above both treating everyone and no one at 2 thresholds between 0.20 and 0.30."
    )
    assert (
        "412 of 1,000 are called high risk, 208 of them with the event" in seen["impact_unadjusted"]
        and "at a threshold of 0.20, 12.3 per 100" in seen["avoided_unadjusted"]
    )
    assert (
        "slope 1.00" in seen["calibration_unadjusted"]
        and "0.123 by sensitivity, 0.087 by specificity" in seen["partial_roc_unadjusted"]
    )
    assert "apparent, at a specificity of 0.850 the sensitivity is 0.600 (0.500, 0.700)" in seen["roc_bands_unadjusted"]
    assert (
        seen["scores_L5_disc"] == "1 of 2 patients with the event and 1 of 2 without lie above the cutoff of 0.000."
        and seen["flow"] == seen["roc_adjusted"] == ""
    )
    never = copy.deepcopy(data)
    for p in never["models"][0]["decision_curve"]:
        p["net_benefit"] = -0.1
    assert "nowhere above both" in seen_in_figures(never, Words(), ["decision_unadjusted"])["decision_unadjusted"]


def test_results_of_an_older_schema_are_refused_with_the_command(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"schema": "prldh-results/0", "models": []}))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(
        DataError,
        match=(
            r"schema is 'prldh-results/0', this version reads 'prldh-results/1'\. Run `prldh analyze … --force` again"
        ),
    ):
        render(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


TITLES = {"held_out": "pooled", "holdout": "of the part held out", "repeated_holdout": "mean over splits"}


@pytest.mark.parametrize(
    ("kind", "n_repeats", "has_mean", "is_clustered", "wanted", "absent"),
    [
        ("held_out", 1, True, False, ["DeLong's", "mean of folds is of its logit"], ["repeats", "Obuchowski"]),
        ("held_out", 3, True, False, ["Over repeats both are means"], ["Nadeau"]),
        ("held_out", 3, False, False, ["Over repeats it is a mean"], ["folds", "both"]),
        ("holdout", 1, False, True, ["Obuchowski's"], ["folds", "repeats", "DeLong"]),
        ("repeated_holdout", 9, False, False, ["Nadeau and Bengio's"], ["pooled", "Over repeats"]),
    ],
)
def test_intervals_are_told_of_the_schemes_that_ran(kind, n_repeats, has_mean, is_clustered, wanted, absent):
    entry = {"n_repeats": n_repeats, "auc": {"estimate": 0.7, "low": 0.6, "high": 0.8}}
    entry |= {"auc_mean": {"estimate": 0.7}} if has_mean else {}
    data = {
        "study": {"schemes": {"mine": {"kind": kind}}, "settings": {}},
        "cohort": {"n": 9, "events": 3} | ({"n_patients": 5} if is_clustered else {}),
        "models": [{"name": "A", "adjusted": False, "n": 9, "validation": {"pipeline": {"mine": entry}}}],
    }
    note, title = note_on_intervals(data), pooled_title(data)
    assert title == f"AUC, {TITLES[kind]}"
    assert all(words in note for words in wanted) and not any(words in note for words in absent), note


@pytest.mark.parametrize(
    ("n", "features", "said"),
    [
        (1, ["a"], "1 of 1 feature (a) was not selected in the one resample (cross-validation)"),
        (4, ["a", "b"], "2 of 2 features (a, b) were selected in 0 of the 4 resamples (cross-validation)"),
    ],
)
def test_features_that_no_resample_selected_are_counted_in_english(n, features, said):
    data = results(model(pipeline={"folds": folds(0.7, 0.6, 0.8)}))
    stability = {"folds": {"frequency": {}, "n_resamples": n}}
    data["tissues"] = {"disc": {"selection": {"features": features, "steps": [], "stability": stability}}}
    _, notes = lead(data)
    assert any(said in note for note in notes), notes


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ({"estimate": 0.7784}, "0.778 (no interval)"),
        ({"estimate": None, "low": None, "high": None}, "–"),
        ({"estimate": 0.7, "low": 0.6, "high": 0.8}, "0.700 (0.600, 0.800)"),
    ],
)
def test_what_has_no_interval_is_told_so_in_text(entry, shown):
    assert lead_interval(entry) == shown

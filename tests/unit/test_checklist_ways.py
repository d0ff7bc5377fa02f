"""What checklists say of the way from features to predictions: transforms, learner, second stage, the choice among
protocols, plain models beside it."""

from __future__ import annotations

import pytest
from test_checklists import GIVEN, _dossier, _entry

from prldh.checklists import way_rules
from prldh.checklists.built_in import RULES
from prldh.checklists.dossier import Dossier, dossier_of

SCORE = {
    "method": "lasso",
    "second_stage": "cross_fitted",
    "intercept": -0.5,
    "details": {"lambda": 0.0321, "rule": "min", "paths": [1, 2]},
    "importance": {},
}
FOREST = {**SCORE, "method": "random_forest", "second_stage": "as_is", "intercept": None, "details": {}}
AREA = {"estimate": 0.71, "low": 0.6, "high": 0.8}
JUDGED = {"auc": AREA, "auc_mean": None, "difference": {"auc": AREA, "model": "Disc"}, "is_better": False}
CHOICE = {
    "chosen": "b",
    "rule": "one_se",
    "measure": "auc",
    "folds": 5,
    "because": "'b' is the first listed within one standard error",
    "validation": {"folds": {"cost": 0.0421}},
}
LEARNER = {"study__settings__learner": {"lasso": {"folds": 10, "rule": "min"}}, "tissues__disc__radscore": SCORE}
WAYS = {**LEARNER, "protocols": {"a": {}, "b": {}}}
CHOSEN = {**WAYS, "choice": CHOICE}
SCALED = {"study__settings__transforms": [{"impute": {"method": "median"}}, {"scale": {"method": "power"}}]}
HARMONISED = {
    "study__settings__transforms": [{"combat": {"batch": "centre", "method": "parametric", "unseen": "refuse"}}]
}
YARDSTICK = {"yardstick": {"lasso": {"folds": JUDGED}, "ridge": {"folds": {**JUDGED, "is_better": True}}}}

CASES = [
    ("algorithm", {}, "filled", "prldh 0.1, Python 3.11"),
    ("algorithm", GIVEN, "author", "logistic regression"),
    ("algorithm", LEARNER, "filled", "Radscore by LASSO; models of it fitted to cross-fitted scores"),
    ("algorithm", {"tissues__disc__radscore": FOREST}, "filled", "Radscore by random forest; models of it not fitted"),
    ("tuning", {}, "filled", "seed 3"),
    ("tuning", LEARNER, "filled", "learner LASSO (folds 10, rule min); disc: lambda 0.0321, rule min by the learner"),
    ("tuning", SCALED, "filled", "blanks filled (method median), scaling (method power), ICC (threshold 0.75)"),
    ("tuning", WAYS, "filled", "2 protocols compared on the same resamples (a, b), none of them chosen"),
    (
        "tuning",
        CHOSEN,
        "filled",
        "'b' chosen by the rule “within one standard error” on AUC in 5 inner folds, anew within every training",
    ),
    ("algorithm", CHOSEN, "filled", "Radscore by LASSO (by 'b', which was chosen on everyone); models of it"),
    (
        "building",
        CHOSEN,
        "filled",
        "2 in the Radscore (by 'b', which was chosen on everyone); Radscore by LASSO; models",
    ),
    ("scaling", {}, "filled", "no harmonisation of sites"),
    (
        "scaling",
        HARMONISED,
        "filled",
        "batch effects of centre (ComBat, parametric; unseen batches: refuse",
    ),
    ("scaling", GIVEN, "author", None),
    ("scaling", {**SCALED, **LEARNER}, "filled", "scaling (method power); each feature less its mean"),
    ("scaling", {"tissues__disc__radscore": FOREST}, "filled", "features enter random forest as they are"),
    ("scaling", {**SCALED, "tissues__disc__radscore": FOREST}, "filled", "scaling (method power); whether a transform"),
    ("handling", {}, "filled", "linear in the log odds"),
    ("handling", SCALED, "filled", "transforms of features: blanks filled (method median)"),
    ("model_choice", {}, "author", "2 models (Disc, Clinical), Disc also adjusted"),
    ("model_choice", WAYS, "author", "none of them chosen by the run"),
    ("model_choice", CHOSEN, "filled", "looks better than the nested choice by cross-validation: 0.042"),
    ("building", {}, "filled", "validated by cross-validation (10 refits)"),
    ("building", {"study__schemes": {}}, "contradicted", "no internal validation"),
    ("building", CHOSEN, "filled", "Radscore by LASSO; models of it fitted to cross-fitted scores"),
    ("classical", {}, "author", "logistic regressions"),
    ("classical", {"tissues__disc__radscore": FOREST}, "author", "of a Radscore by random forest"),
    (
        "classical",
        YARDSTICK,
        "filled",
        "a plain ridge regression of all features: AUC 0.710 (0.600, 0.800), difference from 'Disc' 0.710 (0.600,"
        " 0.800), better than that",
    ),
    ("specification", {"tissues__disc__radscore": FOREST}, "filled", "the scores of disc, which are no sums"),
    ("interpretability", {"tissues__disc__radscore": FOREST}, "filled", "odds ratios of every term; how often each"),
    ("interpretability", {"tissues__disc__radscore": {**SCORE, "importance": {"folds": {}}}}, "filled", "AUC of held"),
    ("calibration", {"study__schemes": {}}, "contradicted", "perfect by construction"),
    ("calibration", {"study__schemes": {}, **LEARNER}, "contradicted", "apparent alone: nothing was held out"),
]


def rule_of(name):
    return next(getattr(m, name) for m in RULES if hasattr(m, name))


@pytest.mark.parametrize(("rule", "changes", "status", "said"), CASES)
def test_a_rule_says_what_the_run_shows(rule, changes, status, said):
    found = rule_of(rule)(_dossier(**changes))
    assert found.status == status, found
    assert (said is None and found.value is None) or said in found.value, found.value
    assert found.evidence or status == "author"


def test_every_rule_on_ways_is_tried_and_asks_the_author_without_an_analysis():
    rules = {n for n, f in vars(way_rules).items() if hasattr(f, "__wrapped__") and f.__module__ == way_rules.__name__}
    assert len(rules) > 5 and rules <= {case[0] for case in CASES}
    for rule in rules:
        assert rule_of(rule)(Dossier()).status == "author"


@pytest.mark.parametrize(
    ("standard", "number", "changes", "said"),
    [
        ("clear", "34", LEARNER, "Radscore by LASSO"),
        ("clear", "37", CHOSEN, "anew within every training set (nested)"),
        ("metrics", "25", YARDSTICK, "on the same resamples (cross-validation)"),
        ("metrics", "C5", {"tissues__disc__radscore": FOREST}, "every Radscore is made of features, by random forest"),
        ("tripod-ai", "12b", SCALED, "transforms of features"),
        ("tripod-ai", "12c", CHOSEN, "2 protocols compared"),
    ],
)
def test_items_find_them(standard, number, changes, said):
    entry = _entry(standard, number, _dossier(**changes))
    assert entry["status"] == "filled" and said in entry["value"]


def test_a_plugin_s_learner_is_called_by_its_name():
    results = dict(_dossier(**LEARNER).run)
    results["tissues"]["disc"]["radscore"] = {**SCORE, "method": "my_learner"}
    found = way_rules.algorithm(dossier_of(results, None))
    assert "Radscore by my learner" in found.value


def test_the_yardstick_is_told_of_the_scheme_that_leads_and_without_a_difference_that_is_none():
    """Leave-one-out, which has no difference of AUCs, stands first."""
    none = {**JUDGED, "difference": {"auc": dict.fromkeys(AREA), "model": "Disc"}}
    for schemes, label in (({"leave_one_out": none, "folds": JUDGED}, "cross-validation"), ({"folds": none}, "")):
        found = _entry("metrics", "25", _dossier(yardstick={"lasso": schemes}))
        assert f"({label}" in found["value"] and "– (" not in found["value"]
        assert ("difference from" in found["value"]) == bool(label)


def test_what_was_not_there_is_not_named():
    """No steps, no logistic model, no score given as a column, no model beside that of the covariates themselves."""
    as_is = _dossier()
    for model in as_is.run["models"]:
        model["fit"] = "as_is"
    value = _entry("clear", "34", as_is)["value"]
    assert value.startswith("Radscores as they are; prldh") and "logistic" not in value
    selection = {"steps": [], "features": ["a"], "readers": 1, "sources": {"a": "features"}, "stability": {"folds": {}}}
    bare = {"tissues": {"disc": {"selection": selection}}, "study__settings__selection": []}
    assert _entry("clear", "33", _dossier(**bare))["value"] == "disc: no step of selection; 1 in the Radscore"
    assert "selected" not in _entry("clear", "43", _dossier(**bare))["value"]
    alone = _dossier(tissues={}, clinical_model={"terms": [], "added_value": []})
    assert _entry("tripod-ai", "9a", alone)["value"] is None
    assert "covariates alone" not in _entry("clear", "36", alone)["value"]

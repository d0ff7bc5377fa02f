"""The checklists: the inventory against the facts, every rule on small dossiers, answers, the METRICS score, and
files."""

from __future__ import annotations

import copy
import csv
import dataclasses
import hashlib
import io
import json
import random
import re
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from prldh.checklists import data_rules, model_rules, performance_rules
from prldh.checklists.answers import apply_answers, merge, read_answers, write_questions
from prldh.checklists.built_in import RULES, built_in_checklists
from prldh.checklists.dossier import Dossier, dossier_of, read_dossier
from prldh.checklists.filling import OPTIONAL, fill, gather_answers, known_items
from prldh.checklists.items import STANDARDS, load_standard
from prldh.checklists.score import band, metrics_score, settle_conditions
from prldh.checklists.wording import describe_counts, describe_score
from prldh.checklists.writing import write_checklist
from prldh.core.errors import DataError, PluginError
from prldh.ibsi import feature_names
from prldh.ibsi.extraction import Extraction, from_metadata
from prldh.ibsi.feature_files import read_dictionary, read_feature_file
from prldh.ibsi.feature_names import aggregation, describe_feature, features, parse_name
from prldh.plugins.registry import Registry
from prldh.results.asking import words_of
from prldh.results.features import selected_features

REGISTRY = Registry()
COUNTS = {"ibsi": (104, 76), "clear": (58, 58), "metrics": (30, 30), "tripod-ai": (52, 27), "claim": (44, 44)}
FACTS = {
    "ibsi": "ibsi_reporting",
    "clear": "clear",
    "metrics": "metrics",
    "tripod-ai": "tripod_ai",
    "claim": "claim_2024",
}


def _checklist(name: str):
    return next(c for c in built_in_checklists() if c.name == name)


def _entry(name: str, number: str, dossier: Dossier):
    return next(e for e in _checklist(name).evaluate(dossier) if e["number"] == number)


# ---------------------------------------------------------------- the inventory


@pytest.mark.parametrize("name", STANDARDS)
def test_every_item_is_there_once_with_its_question_and_source(name):
    standard = load_standard(name)
    numbers = [i.number for i in standard.items]
    rows, items = COUNTS[name]
    assert len(numbers) == len(set(numbers)) == rows
    assert {int("".join(c for c in n if c.isdigit())) for n in numbers} == set(range(1, items + 1))
    assert all(i.text and i.section and i.question.endswith("?") for i in (*standard.items, *standard.conditions))
    assert standard.citation and standard.source and standard.completeness and standard.licence


@pytest.mark.parametrize("name", STANDARDS)
def test_the_inventory_is_that_of_the_facts(name, shared_data):
    facts = yaml.safe_load((shared_data.parent / "checklists" / f"{FACTS[name]}.yaml").read_text())
    found = {i.number: i for i in load_standard(name).items}
    assert [str(item["item"]) for item in facts["items"]] == list(found)
    for item in facts["items"]:
        own = found[str(item["item"])]
        assert own.section == (item.get("section") or item["category"])
        assert own.weight == item.get("weight")
        assert list(own.modality) == item.get("modality", [])
        assert list(own.dicom) == item.get("dicom_keywords", [])
        assert list(own.conditions) == (item.get("applies_if_all_yes") or [])
    if name == "tripod-ai":
        for item in facts["items"]:
            assert set(found[str(item["item"])].applies) == {k for k, applies in item["applies"].items() if applies}


#: Words that carry no fact.
FILLERS = {"and", "are", "etc", "for", "gives", "if", "is", "it", "its", "of", "per", "their", "with"}


def _unnamed(item, fact: str) -> list[str]:
    """The words of a fact that an item does not name, endings aside."""
    own = f"{item.topic} {item.text}".lower()
    words = [word.lower() for word in re.findall(r"[A-Za-z0-9+]{2,}", fact)]
    return [word for word in words if word not in FILLERS and word[:5] not in own]


@pytest.mark.parametrize("name", STANDARDS)
def test_every_item_says_all_that_the_official_one_asks_for(name, shared_data):
    """Everything that the facts name, in sentences of our own: more than a title of the item."""
    facts = yaml.safe_load((shared_data.parent / "checklists" / f"{FACTS[name]}.yaml").read_text())
    found = {i.number: i for i in load_standard(name).items}
    lacking = {
        number: words
        for item in facts["items"]
        for number in [str(item["item"])]
        if (words := _unnamed(found[number], item.get("report") or item["criterion"]))
    }
    assert not lacking
    assert load_standard(name).url.startswith("https://doi.org/")
    assert (
        load_standard(name).url.removeprefix("https://doi.org/") in facts["citation"] if "citation" in facts else True
    )


def test_metrics_weights_conditions_and_bands_are_those_of_the_facts(shared_data):
    facts = yaml.safe_load((shared_data.parent / "checklists" / "metrics.yaml").read_text())
    standard = load_standard("metrics")
    assert [c.number for c in standard.conditions] == list(facts["conditions"])
    for condition in standard.conditions:
        assert not _unnamed(condition, facts["conditions"][condition.number]), condition.text
    assert list(standard.bands) == [(b["name"], b["min"]) for b in facts["scoring"]["bands"]]
    by_category: dict[str, float] = {}
    for item in standard.items:
        by_category[item.section] = by_category.get(item.section, 0) + item.weight
    assert by_category == pytest.approx(facts["scoring"]["category_weights"], abs=2e-4)
    assert sum(by_category.values()) == pytest.approx(facts["scoring"]["sum_of_weights"], abs=2e-4)


def test_codes_and_deviations_are_those_of_the_facts(shared_data):
    folder = shared_data.parent / "checklists"
    with (folder / "ibsi_feature_codes.csv").open(newline="") as handle:
        facts = {row["pyradiomics_name"]: row for row in csv.DictReader(handle)}
    assert set(facts) == set(features())
    for name, row in features().items():
        assert {k: v for k, v in row.items() if k != "definition"} == {
            k: facts[name][k] for k in row if k != "definition"
        }
        assert row["definition"].endswith(".") and len(row["definition"]) > 15
    wanted = {
        d["id"]
        for d in yaml.safe_load((folder / "pyradiomics_ibsi_deviations.yaml").read_text())["deviations"]
        if d["reporting_items"]
    }
    assert {
        d["id"] for d in yaml.safe_load((feature_names.DATA / "pyradiomics_deviations.yaml").read_text())["deviations"]
    } == wanted


def test_all_of_them_register_like_a_strangers():
    found = Registry(load_entry_points=False).registered("register_checklists")
    assert set(found) == set(STANDARDS)
    assert {origin for _, origin in found.values()} == {"prldh"}


def test_every_rule_stands_at_an_item():
    for checklist in built_in_checklists():
        numbers = {i.number for i in (*checklist.standard.items, *checklist.standard.conditions)}
        assert set(checklist.rules) <= numbers


# ---------------------------------------------------------------- names of features


@pytest.mark.parametrize(
    ("name", "key", "image", "prefix"),
    [
        ("original_shape_Sphericity", "shape_Sphericity", "Original", ""),
        ("wavelet-LLH_glcm_Idm", "glcm_Idm", "Wavelet", ""),
        ("wavelet2-HH_glrlm_RunEntropy", "glrlm_RunEntropy", "Wavelet", ""),
        ("log-sigma-0-5-mm-3D_firstorder_10Percentile", "firstorder_10Percentile", "LoG", ""),
        ("lbp-3D-m1_gldm_DependenceEntropy", "gldm_DependenceEntropy", "LBP3D", ""),
        ("lbp-2D_ngtdm_Busyness", "ngtdm_Busyness", "LBP2D", ""),
        ("squareroot_glszm_ZoneEntropy", "glszm_ZoneEntropy", "SquareRoot", ""),
        ("original_shape2D_Perimeter", "shape2D_Perimeter", "Original", ""),
        ("MR_T2_original_ngtdm_Contrast", "ngtdm_Contrast", "Original", "MR_T2"),
        ("disc_wavelet-LLH_glcm_Idm", "glcm_Idm", "Wavelet", "disc"),
        ("wavelet.LLH_glcm_Idm", "glcm_Idm", "Wavelet", ""),
        ("log.sigma.1.0.mm.3D_firstorder_Mean", "firstorder_Mean", "LoG", ""),
        ("T1_log_sigma_2_mm_3D_glszm_ZoneEntropy", "glszm_ZoneEntropy", "LoG", "T1"),
        ("original_shape2d_perimeter", "shape2D_Perimeter", "Original", ""),
        ("ORIGINAL_GLCM_IDM", "glcm_Idm", "Original", ""),
        ("original_glcm_Idm_ADC", "glcm_Idm", "Original", ""),
        ("original_original_glcm_Idm", "glcm_Idm", "Original", "original"),
        ("wavelet_original_shape_Sphericity", "shape_Sphericity", "Original", "wavelet"),
    ],
)
def test_names_are_taken_apart(name, key, image, prefix):
    found = parse_name(name)
    assert (found.key, found.image_type, found.prefix) == (key, image, prefix)


@pytest.mark.parametrize(
    "name",
    [
        "uctransnet_000",
        "age",
        "original_glcm_Nothing",
        "original_shape",
        "unoriginal_glcm_Idm",
        "wavelet-LXH_glcm_Idm",
        "cm_joint_max_3d_avg",
        "F_morph.vol",
        "original_glcm_Idmx",
        "",
    ],
)
def test_other_names_are_said_to_be_unknown(name):
    assert parse_name(name) is None
    row = describe_feature(name)
    assert row["deviates"] == "unknown" and row["ibsi_code"] is None and "not a name of PyRadiomics" in row["note"]


def test_spellings_of_other_programs_are_described_alike():
    settings = {"binCount": None, "force2D": True}
    wanted = describe_feature("wavelet-LLH_glszm_ZoneEntropy", settings)
    for name in (
        "wavelet.LLH_glszm_ZoneEntropy",
        "WAVELET_LLH_GLSZM_ZONEENTROPY",
        "muscle_wavelet-LLH_glszm_ZoneEntropy_reader2",
    ):
        assert describe_feature(name, settings) | {"feature": ""} == wanted | {"feature": ""}
    assert (
        parse_name("wavelet.llh_glcm_Idm").image == "wavelet-LLH"
        and parse_name("lbp_3d_M1_gldm_DependenceEntropy").image == "lbp-3D-m1"
    )
    assert parse_name("disc_original_glcm_Idm_T2").suffix == "T2"


def test_every_feature_of_pyradiomics_is_known():
    radiomics = pytest.importorskip("radiomics")
    from radiomics import getFeatureClasses

    names = {f"{c}_{f}" for c, feature_class in getFeatureClasses().items() for f in feature_class.getFeatureNames()}
    assert names == set(features()), radiomics.__version__


@pytest.mark.parametrize(
    ("family", "flat", "weighting", "code"),
    [
        ("glcm", False, None, "ITBB"),
        ("glrlm", False, "no_weighting", "IAZD"),
        ("glcm", True, None, "JJUI"),
        ("glrlm", True, "no_weighting", "ZW7Z"),
        ("glszm", False, None, "KOBO"),
        ("ngtdm", True, None, "62GR"),
        ("firstorder", True, None, "DHQ4"),
        ("glcm", False, "euclidean", None),
        ("shape2D", False, None, None),
    ],
)
def test_aggregation_codes(family, flat, weighting, code):
    assert aggregation(family, flat, weighting) == code


def test_deviations_depend_on_the_settings():
    glcm, kurtosis, energy = "original_glcm_Idm", "original_firstorder_Kurtosis", "original_firstorder_Energy"
    assert describe_feature(glcm, {})["deviates"] == "by bin edges"
    assert describe_feature(glcm, {"binCount": 32})["deviates"] == "no"
    assert describe_feature(glcm)["deviates"] == "by bin edges, where the bin width was fixed"
    assert "defaults were used" in describe_feature(glcm)["aggregation"]
    assert (
        describe_feature(kurtosis, {})["deviates"] == "yes" and "subtract 3" in describe_feature(kurtosis, {})["note"]
    )
    assert describe_feature(kurtosis, {"corrections": ("kurtosis",)})["deviates"] == "no"
    assert (
        describe_feature(energy, {})["deviates"] == "no"
        and describe_feature(energy, {"voxelArrayShift": 300})["deviates"] == "yes"
    )
    assert describe_feature("original_glcm_MCC", {})["deviates"] == "no IBSI code"
    assert "no IBSI reference values" in describe_feature("square_firstorder_Mean", {})["note"]


# ---------------------------------------------------------------- dossiers


def _model(name: str, *terms: str, adjusted: bool = False, validation: dict | None = None) -> dict:
    auc = {"estimate": 0.8, "low": 0.7, "high": 0.9, "method": "DeLong"}
    held = {"auc": auc, "calibration": {"curve": [0.1]}, "slope": auc}
    return {
        "name": name,
        "adjusted": adjusted,
        "n": 100,
        "events": 40,
        "fit": "maximum likelihood",
        "auc": auc,
        "threshold": 0.4,
        "terms": [{"term": t, "variable": t} for t in ("(Intercept)", *terms)],
        "validation": {"pipeline": {"folds": held}} if validation is None else validation,
    }


def _results(**changes) -> dict:
    """What an analysis of one tissue of two readers shows; small, and every rule finds its keys."""
    steps = [
        {
            "name": "icc",
            "source": "features",
            "n_in": 4,
            "n_out": 3,
            "dropped": {"original_shape_Flatness": "ICC 0.3"},
            "details": {},
        },
        {
            "name": "correlation",
            "source": "features",
            "n_in": 3,
            "n_out": 2,
            "dropped": {"original_glcm_Idm": "r 0.95"},
            "details": {},
        },
    ]
    names = ["original_shape_Sphericity", "original_firstorder_Mean"]
    data = {
        "study": {
            "title": "T",
            "seed": 3,
            "schemes": {"folds": {"kind": "held_out", "n_resamples": 10}},
            "settings": {
                "clinical": {"table": "c.csv", "covariates": {"age": {"type": "continuous"}}},
                "tissues": {"disc": {"radscore": None, "images": None, "features": ["f.csv"]}},
                "selection": [{"icc": {"threshold": 0.75}}, {"correlation": {"between": 0.9}}],
                "validation": {"scope": ["model", "pipeline"]},
                "adjust": None,
                "missing": "complete_case",
                "radscore": "logistic",
                "report": {"checklists": []},
            },
        },
        "cohort": {
            "n": 100,
            "events": 40,
            "n_read": 101,
            "excluded": [{"id": "x", "reason": "blank"}],
            "outcome": "relapse",
            "event": "yes",
        },
        "sample_size": {
            "models": [{"name": "Disc", "adjusted": False, "n_needed": 80, "is_enough": True, "max_parameters": 5}]
        },
        "missing": None,
        "table_one": [{"variable": "age"}],
        "tissues": {
            "disc": {
                "selection": {
                    "steps": steps,
                    "features": names,
                    "readers": 2,
                    "sources": dict.fromkeys(names, "features"),
                    "stability": {"folds": {}},
                }
            }
        },
        "models": [_model("Disc", "disc"), _model("Clinical", "age"), _model("Disc", "disc", "age", adjusted=True)],
        "ledger": {"pipeline": {"folds": [{"stage": "icc", "n_held_out_rows_read": 0}]}},
        "comparisons": [
            {
                "a": "Disc",
                "b": "Clinical",
                "adjusted": False,
                "scope": "pipeline",
                "scheme": "folds",
                "measure": "auc",
                "method": "DeLong",
                "p": 0.2,
            }
        ],
        "engines": {"r": None, "python": {"version": "3.11"}},
    }
    for place, value in changes.items():
        inner, keys = data, place.split("__")
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
    return data


def _dossier(**changes) -> Dossier:
    results = copy.deepcopy(_results(**changes))
    return dossier_of(results, {"prldh": "0.1"}, words=words_of(results, REGISTRY))


GIVEN = {"tissues": {"disc": {"selection": None}}}


@pytest.mark.parametrize(
    "ran", [("folds", "leave_one_out"), ("leave_one_out", "bootstrap"), ("groups", "folds")], ids=str
)
@pytest.mark.parametrize("artefacts", [(), (0,), (0, 1)], ids=str)
def test_the_comparison_is_of_the_predictions_that_lead_and_are_no_artefacts(ran, artefacts):
    """In whatever order the results list the schemes."""
    base = _results()["comparisons"][0]
    rows = [{**base, "scope": None, "scheme": None, "p": 0.9}]
    rows += [
        {**base, "scope": s, "scheme": n, "p": 0.5 if s == "model" else 0.1 * (1 + k)}
        for s in ("model", "pipeline")
        for k, n in reversed(list(enumerate(ran)))
    ]
    held = [
        {"auc": {"estimate": 0.2, "low": 0.1, "high": 0.3}} if k in artefacts else {"auc": {"estimate": 0.7}}
        for k in range(2)
    ]
    if ran[0] == "groups":
        held[0] |= {"column": "centre", "groups": []}
    models = [
        _model(n, "disc", validation={s: dict(zip(ran, held, strict=True)) for s in ("pipeline", "model")})
        for n in ("Disc", "Clinical")
    ]
    found = performance_rules.comparison(_dossier(models=models, comparisons=rows))
    if artefacts == (0, 1):
        assert found.status == "author" and "artefacts: no result" in found.value
    else:
        assert f"p {0.1 * (1 + len(artefacts)):.3f}" in found.value and "0.9" not in found.value


def _trained(**trained_on) -> dict:
    """Changes to the results: the feature source ``net`` was trained on these."""
    return {
        "images": {
            "disc": {
                "sources": {"net": {"version": "1", "settings": {}, "packages": {}, "trained_on": trained_on}},
                "cases": [],
            }
        }
    }


#: rule, changes to the results, status, and what its value or reason says
PLAN = {
    "file": "plan.json",
    "sha256": "ab12",
    "made": "2026-01-02T03:04:05+00:00",
    "compared": {"settings": 50, "seed": 1},
    "deviations": [{"kind": "seed", "what": "seed", "planned": "3", "found": "4"}],
}
BY_CENTRE = {
    "subgroups": {
        "centre": {
            "levels": [
                {"level": "A", "is_blank": False, "n": 60, "events": 30},
                {"level": "B", "is_blank": False, "n": 40, "events": 10},
                {"level": "blank", "is_blank": True, "n": 1, "events": 1},
            ],
            "heterogeneity": [{"name": "D", "adjusted": False, "p": 0.2}],
        }
    }
}
SHORT = {"name": "Disc", "adjusted": False, "n_needed": 300, "is_enough": False, "max_parameters": 0}
CASES = [
    ("sample_size", {}, "filled", "80: enough for every model"),
    (
        "sample_size",
        {"sample_size__models": [SHORT, {**SHORT, "name": "Other", "adjusted": True}]},
        "filled",
        "too few for Disc, Other (adjusted)",
    ),
    ("enough_for_features", {}, "filled", "disc 2"),
    (
        "enough_for_features",
        {"sample_size__models": [SHORT]},
        "contradicted",
        "fewer than Riley",
    ),
    (
        "enough_for_features",
        {"sample_size__models": [{"n_needed": 80, "is_enough": True, "max_parameters": 1}]},
        "contradicted",
        "more than the 1 parameters",
    ),
    ("enough_for_features", GIVEN, "author", "is not known"),
    ("missing_data", {}, "filled", "1 of 101"),
    ("missing_data", {"cohort__excluded": []}, "filled", "no patient was left out"),
    (
        "missing_data",
        {"missing": {"n_patients": 7, "imputations": 20, "variables": [{"name": "age", "n_missing": 7}]}},
        "filled",
        "20 imputations",
    ),
    (
        "missing_data",
        {"warnings": [{"code": "PRL-025", "stage": "features", "message": "tissue disc: 2 of 3 features are blank."}]},
        "filled",
        "left out, each with its reason (patients with blanks left out); tissue disc: 2 of 3 features are blank",
    ),
    ("class_balance", {}, "filled", "40 of 100 (40.0%)"),
    ("participants", {}, "author", "101 patients read, 1 left out, 100 analysed"),
    ("outcome", {}, "author", "relapse"),
    ("counts_per_analysis", {}, "filled", "Disc, adjusted: 100 patients, 40 events"),
    ("baseline", {}, "filled", "age"),
    ("baseline", {"table_one": []}, "author", None),
    ("one_set", {}, "not applicable", "resampling"),
    ("covariates", {}, "filled", "age (continuous)"),
    ("covariates", {"study__settings__clinical__covariates": {}}, "not applicable", "no predictor"),
    ("preselection", {}, "filled", "4 → ICC 3 → correlation 2"),
    ("preselection", GIVEN, "author", "disc"),
    ("feature_counts", {}, "filled", "disc 4"),
    ("feature_counts", GIVEN, "author", None),
    ("reduction", {}, "filled", "threshold 0.75"),
    (
        "reduction",
        {"study__settings__validation__scope": ["model"]},
        "contradicted",
        "the whole modelling process was not validated",
    ),
    ("reduction", GIVEN, "author", None),
    ("selected_features", {}, "filled", "original_shape_Sphericity"),
    ("reliability", {}, "filled", "3 of 4 features kept by ICC"),
    ("reliability", {"tissues__disc__selection__readers": 1}, "author", "one reader"),
    (
        "reliability",
        {"tissues__disc__selection__readers": 1, "images": {"disc": {"perturbation": {"n": 10}}}},
        "filled",
        "ICC of 10 perturbed masks",
    ),
    ("unstable_removed", {}, "filled", "ICC of two readers"),
    ("unstable_removed", {"tissues__disc__selection__readers": 1}, "author", "one reader"),
    (
        "unstable_removed",
        {"tissues__disc__selection__readers": 1, "study__settings__tissues": {"disc": {"images": "i.csv"}}},
        "contradicted",
        "never judged",
    ),
    ("redundancy", {}, "filled", "by correlation"),
    (
        "redundancy",
        {"study__settings__selection": [], "study__settings__transforms": [{"cluster": {"threshold": 0.8}}]},
        "filled",
        "by cluster",
    ),
    ("redundancy", {"study__settings__selection": [{"icc": {}}]}, "author", "no step"),
    ("readers", {}, "author", "tables of 2 readers"),
    ("readers", GIVEN, "author", None),
    ("confounders", {}, "filled", "adjusted for age"),
    ("confounders", {"models": [_model("Disc", "disc")]}, "author", "no model"),
    ("outputs", {}, "filled", "Disc: 0.400"),
    ("specification", {}, "filled", "file of the frozen models"),
    ("interpretability", {}, "filled", "how often"),
    ("no_leakage", {}, "filled", "no held-out row was handed to any fit"),
    ("no_leakage", {"study__schemes": {}}, "contradicted", "no patient was held out"),
    (
        "no_leakage",
        {"study__settings__validation__scope": ["model"]},
        "contradicted",
        "features were selected on all patients",
    ),
    (
        "no_leakage",
        {"study__settings__validation__scope": ["model"], **GIVEN, "models": [_model("G", "groups(disc, muscle)")]},
        "contradicted",
        "group cutoffs were chosen",
    ),
    ("no_leakage", {"study__settings__validation__scope": ["model"], **GIVEN}, "author", "came as columns"),
    (
        "no_leakage",
        {"ledger": {"pipeline": {"folds": [{"stage": "icc", "n_held_out_rows_read": 4}]}}},
        "contradicted",
        "held-out rows were handed to fits of ICC",
    ),
    ("no_leakage", GIVEN, "author", "whether held-out patients took part in making them is not known"),
    ("no_leakage", _trained(n_trained=9, n=2, ids=["a", "b"]), "contradicted", "net of disc by 2 of 100"),
    ("no_leakage", _trained(n_trained=9, n=0, ids=[]), "filled", "no held-out row was handed to any fit"),
    ("no_leakage", _trained(n_trained=None, n=0, ids=[]), "author", "not known of net of disc"),
    ("internal_external", {}, "filled", "no external data in this run"),
    ("internal_external", {"study__schemes": {}}, "contradicted", "nothing"),
    ("performance", {}, "filled", "right in 60.0%"),
    ("performance", {"study__schemes": {}}, "contradicted", "nothing was held out"),
    ("performance_intervals", {}, "filled", "0.800 (0.700, 0.900)"),
    ("measures", {}, "filled", "decision curves"),
    ("uncertainty", {}, "filled", "95% intervals: AUC by DeLong"),
    ("calibration", {}, "filled", "held-out predictions of every model"),
    ("calibration", {"study__schemes": {}}, "contradicted", "perfect by construction"),
    (
        "calibration",
        {"models": [_model("Disc", "disc", validation={})]},
        "contradicted",
        "no held-out calibration slope of Disc",
    ),
    (
        "calibration",
        {"models": [_model("Disc", "disc", validation={"pipeline": {"bootstrap": {"slope": {"estimate": 0.8}}}})]},
        "filled",
        "slope and intercept on held-out predictions of every model",
    ),
    (
        "calibration",
        {"models": [_model("Disc", "disc", validation={"pipeline": {"folds": {"slope": {"estimate": None}}}})]},
        "contradicted",
        "no held-out calibration slope of Disc",
    ),
    ("comparison", {}, "filled", "Disc – Clinical: p 0.200"),
    ("comparison", {"models": [_model("Disc", "disc")]}, "not applicable", "the study has 1 model (Disc)"),
    ("comparison", {"comparisons": []}, "author", "no pair"),
    ("non_radiomic", {}, "filled", "Disc – Clinical"),
    ("non_radiomic", {"models": [_model("Disc", "disc")]}, "contradicted", "every model of this run holds a Radscore"),
    ("non_radiomic", {"models": [_model("G", "groups(disc, muscle)")]}, "contradicted", "every model"),
    ("non_radiomic", {"comparisons": []}, "author", "Clinical stands beside the models"),
    ("non_radiomic", {"tissues": {}}, "author", "not known"),
    ("multicollinearity", {}, "filled", "above 0.9"),
    (
        "multicollinearity",
        {"study__settings__selection": [], "study__settings__transforms": [{"cluster": {"threshold": 0.8}}]},
        "filled",
        "of each cluster of features correlated from 0.8 on one was kept",
    ),
    ("multicollinearity", {"study__settings__selection": [{"icc": {}}]}, "author", "no step"),
    ("flowchart", {}, "author", "4 → ICC 3"),
    ("subgroups", {}, "author", "no subgroups"),
    ("subgroups", BY_CENTRE, "filled", "by centre (A 60 (30 events), B 40 (10 events), Cochran's Q"),
    ("subgroups", BY_CENTRE, "filled", "of the logit AUC: D p 0.200)"),
    ("performance_intervals", BY_CENTRE, "filled", "; by centre, with intervals"),
    (
        "confounders",
        BY_CENTRE,
        "filled",
        "Disc; held-out AUC, calibration slope and calibration in the large by centre (A 60 (30 events)",
    ),
    ("protocol", {}, "author", None),
    (
        "protocol",
        {"plan": PLAN},
        "filled",
        "departed from in the seed, listed one by one. It was followed in 50",
    ),
    ("registration", {}, "author", None),
    ("registration", {"plan": PLAN | {"deviations": []}}, "author", "followed in everything: 50 settings, the seed"),
    ("n_patients", {}, "author", "100 patients of one clinical table"),
    ("table_checks", {}, "author", "1 of 101 patients left out"),
    (
        "table_checks",
        {"images": {"disc": {"put_aside": [{}], "n_cases": 9, "findings": [{}, {}], "sources": {}, "cases": []}}},
        "author",
        "disc: headers, geometry and masks checked, 1 of 9 regions put aside, 2 findings",
    ),
    ("guidelines", {}, "author", None),
    ("guidelines", {"study__settings__report": {"checklists": ["clear", "metrics"]}}, "author", "CLEAR, METRICS"),
    ("regions", {}, "author", "disc"),
    ("internal", {}, "filled", "of the same source, by cross-validation (10 refits)"),
    ("internal", {"study__schemes": {}}, "contradicted", "tested nothing"),
    ("other_institution", {}, "author", "by cross-validation (10 refits); the frozen models can be applied"),
    ("other_institution", {"study__schemes": {}}, "author", "on no patients but those that made the models"),
    ("new_predictions", {}, "not applicable", "this run developed its models"),
    ("new_case_mix", {}, "not applicable", "this run developed its models"),
    ("not_evaluation", {}, "not applicable", "this run developed its models"),
]


@pytest.mark.parametrize(("rule", "changes", "status", "said"), CASES)
def test_a_rule_says_what_the_run_shows(rule, changes, status, said):
    function = next(getattr(module, rule) for module in RULES if hasattr(module, rule))
    found = function(_dossier(**changes))
    assert found.status == status, found
    text = found.value or found.reason
    assert (said is None and text is None) or said in text, text
    assert found.evidence or status == "author"


def test_every_rule_of_the_run_is_tried():
    tried = {case[0] for case in CASES}
    for module in (data_rules, model_rules, performance_rules):
        rules = {n for n, f in vars(module).items() if hasattr(f, "__wrapped__") and f.__module__ == module.__name__}
        assert len(rules) > 4 and rules <= tried, rules - tried


@pytest.mark.parametrize("rule", sorted({case[0] for case in CASES}))
def test_without_an_analysis_the_author_is_asked(rule):
    function = next(getattr(module, rule) for module in RULES if hasattr(module, rule))
    assert function(Dossier()).status == "author"


HOSPITAL = {"name": "Hospital B", "n": 80, "events": 30, "folder": "external/Hospital_B", "is_validated": True}


@pytest.mark.parametrize(
    ("standard", "number", "status", "said"),
    [
        ("metrics", "27", "author", "tested on other patients: Hospital B (80 patients, 30 events)"),
        ("clear", "38", "filled", "on other patients, Hospital B (80 patients, 30 events)"),
        ("tripod-ai", "16", "filled", "case mix beside the study's"),
        ("tripod-ai", "12g", "filled", "nothing was fitted to the new patients"),
        ("tripod-ai", "20c", "filled", "every predictor beside the study's"),
        ("tripod-ai", "24", "not applicable", "none was updated"),
    ],
)
def test_other_patients_that_the_models_were_tested_on(standard, number, status, said):
    found = _entry(standard, number, dataclasses.replace(_dossier(), external=(HOSPITAL,)))
    assert found["status"] == status and said in (found["value"] or found["reason"])
    assert {"report.html#plugin-external-validation", "external/Hospital_B/external.json"} <= {
        e["href"] for e in found["evidence"]
    }


def test_a_recalibration_is_the_updating_that_tripod_asks_for():
    again = {"recalibration": {"method": "slope", "n": 40, "events": 15}, "n_judged": 38, "events_judged": 14}
    dossier = dataclasses.replace(_dossier(), external=(HOSPITAL | again,))
    for number in ("12f", "24"):
        found = _entry("tripod-ai", number, dossier)
        assert found["status"] == "filled" and "intercept and slope of each model were fitted on 40" in found["value"]
    assert "nothing was fitted" not in _entry("tripod-ai", "12g", dossier)["value"]
    assert "Hospital B (38 patients, 14 events)" in _entry("clear", "38", dossier)["value"]


def test_only_cohorts_with_outcomes_and_the_same_models_count(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    sha256 = hashlib.sha256(b"{}").hexdigest()
    for name, changes in (
        ("a", {}),
        ("b", {"is_validated": False}),
        ("c", {"model_sha256": "other"}),
    ):
        (tmp_path / "external" / name).mkdir(parents=True)
        entry = HOSPITAL | {"schema": "prldh-external/1", "name": name, "model_sha256": sha256} | changes
        (tmp_path / "external" / name / "external.json").write_text(json.dumps(entry))
    assert [c["name"] for c in dossier_of(_results(), None, tmp_path).external] == ["a"]
    assert dossier_of(_results(), None).external == ()
    (tmp_path / "external" / "a" / "external.json").write_text(json.dumps(entry | {"schema": "another/1"}))
    with pytest.raises(DataError, match=r"external\.json is not as it was written: schema: one of prldh-external/1"):
        dossier_of(_results(), None, tmp_path)


def test_what_models_add_to_the_covariates_is_never_of_artefacts():
    """Where the covariates' own pooled AUC is an artefact, its difference from a model's is none of that model."""
    row = {"a": "Disc", "b": "Covariates alone", "adjusted": False, "measure": "auc", "method": "DeLong", "p": 0.0036}
    row |= {"scope": "pipeline", "scheme": "folds", "difference": 0.275, "low": 0.1, "high": 0.45}
    found = {}
    for high in (0.4, 0.6):
        held = {"pipeline": {"folds": {"auc": {"estimate": 0.3, "low": 0.1, "high": high}}}}
        alone = {
            "name": "Covariates alone",
            "adjusted": False,
            "terms": [],
            "auc": {"estimate": 0.6, "low": 0.5, "high": 0.7},
        }
        alone |= {"validation": held, "added_value": [row]}
        found[high] = _entry("metrics", "24", _dossier(clinical_model=alone))
    assert "0.275" in found[0.6]["value"] and found[0.6]["status"] == "filled"
    assert "0.275" not in found[0.4]["value"] and found[0.4]["status"] == "author"


def test_nested_models_are_told_by_the_likelihood_ratio_where_nothing_was_held_out():
    row = {"a": "Disc", "b": "Covariates alone", "adjusted": True, "measure": "auc", "method": "DeLong", "p": 0.003}
    row |= {"scope": None, "scheme": None, "difference": 0.2, "low": 0.1, "high": 0.3, "likelihood_ratio": {"p": 0.2}}
    alone = {
        "name": "Covariates alone",
        "adjusted": False,
        "terms": [],
        "auc": {"estimate": 0.6, "low": 0.5, "high": 0.7},
    }
    alone |= {"validation": {}, "added_value": [row]}
    found = _entry("clear", "42", _dossier(clinical_model=alone))
    assert "p 0.200 (likelihood ratio)" in found["value"] and "0.003" not in found["value"]
    assert "on the patients to whom the models were fitted" in found["value"] and found["status"] == "author"


@pytest.mark.parametrize(
    ("tissue", "said"),
    [
        ({"features": ["a.csv"], "images": None}, "disc: features of a given table; what measured them is not known"),
        ({"features": ["a.csv", "b.csv"], "images": None}, "disc: features of given tables; what"),
        ({"features": {"x": ["a.csv"], "y": ["b.csv"]}, "images": None}, "given tables called x, y; what measured"),
        ({"features": None, "images": "i.csv", "sources": ["mine"]}, "disc: features measured on images by mine"),
    ],
)
def test_where_features_come_from_is_told_as_far_as_it_is_known(tissue, said):
    selection = {"steps": [], "features": ["a"], "readers": 1, "sources": {"a": "features"}, "stability": {}}
    study = {"study__settings__tissues": {"disc": tissue}, "tissues": {"disc": {"selection": selection}}}
    found = _entry("metrics", "C3", _dossier(**study))
    assert said in found["value"] and found["status"] == "author"


def test_what_a_run_knows_beside_is_told_where_the_author_answers():
    """Items of METRICS, CLEAR and TRIPOD+AI that only an author answers, with what the run shows of them."""
    content = _metadata()
    for case in content["cases"]:
        case["formats"] = {"image": "NIfTI", "masks": ["DICOM SEG, manual", "3D Slicer segmentation"]}
    content |= {"put_aside": [], "findings": [], "n_cases": 2, "agreement": {"dice": {"mean": 0.9123}}}
    dossier = _dossier(images={"disc": content}, study__settings__tissues={"disc": {"images": "i.csv"}})
    for standard, number, said in (
        ("metrics", "C2", "masks of 2 readers; disc: mean Dice 0.912 between them"),
        ("metrics", "8", "DICOM SEG, manual (2)"),
        ("metrics", "10", "the first reader's enter"),
        ("metrics", "6", "imaging modality: MRI (2)"),
        ("metrics", "23", "MRI (2)"),
        ("metrics", "2", "101 patients read"),
        ("clear", "19", "3D Slicer segmentation (2)"),
        ("clear", "16", "in-plane resolution: 0.5 × 0.5 mm (2)"),
        ("clear", "55", "PyRadiomics' defaults"),
        ("tripod-ai", "7", "0 of 2 regions put aside"),
        ("ibsi", "1", "the study's tissues are disc"),
    ):
        found = _entry(standard, number, dossier)
        assert said in found["value"] and (found["status"] == "author" or (standard, number) == ("tripod-ai", "7")), (
            found
        )
    assert _entry("tripod-ai", "9b", dossier)["remaining"].startswith("when they were measured")


def test_names_of_pyradiomics_mean_that_there_was_a_mask():
    assert _entry("metrics", "C1", _dossier())["verdict"] == "yes"
    steps = [{"name": "icc", "source": "features", "n_in": 1, "n_out": 1, "dropped": {}, "details": {}}]
    deep = {
        "disc": {"selection": {"steps": steps, "features": ["deep_1"], "readers": 2, "sources": {}, "stability": {}}}
    }
    found = _entry("metrics", "C1", _dossier(tissues=deep))
    assert found["status"] == "author" and found["value"] == "disc: tables of 2 readers"


@pytest.mark.parametrize("name", STANDARDS)
def test_nothing_is_claimed_where_nothing_is_known(name):
    entries = [e for e in _checklist(name).evaluate(Dossier())]
    assert {e["status"] for e in entries} == {"author"}
    assert not any(e["value"] or e["evidence"] for e in entries)


def test_a_study_of_given_scores_claims_nothing_of_images_or_features():
    entries = _checklist("ibsi").evaluate(_dossier(**GIVEN))
    assert {e["number"] for e in entries if e["status"] not in ("author",)} <= {"73"}
    assert next(e for e in _checklist("metrics").evaluate(_dossier(**GIVEN)) if e["number"] == "C5")["verdict"] is None


def test_rows_for_evaluation_alone_do_not_apply_to_a_development():
    entries = {e["number"]: e["status"] for e in _checklist("tripod-ai").evaluate(_dossier())}
    assert {n for n in ("12f", "12g", "20c", "24") if entries[n] == "not applicable"} == {"12f", "12g", "20c", "24"}


# ---------------------------------------------------------------- extraction

SETTINGS = {
    "binWidth": 25.0,
    "normalize": False,
    "resampledPixelSpacing": None,
    "distances": [1],
    "force2D": False,
    "label": 1,
}


def _metadata(**changes) -> dict:
    names = ["original_shape_Sphericity", "original_glcm_Idm", "original_glszm_ZoneEntropy"]
    computed = {"setting": SETTINGS, "imageType": {"Original": {}}, "corrections": []}
    cases = [
        {"patient": "1", "spacing_mm": [0.5, 0.5, 3.0], "modality": "MR"},
        {"patient": "2", "spacing_mm": [0.5, 0.5, 4.0], "modality": "MR"},
    ]
    content = {
        "schema": "prldh-features/1",
        "tissue": "disc",
        "n_measured": 2,
        "n_readers": 2,
        "cases": cases,
        "features": dict.fromkeys(names, {}),
        "sources": {
            "pyradiomics": {
                "version": "1",
                "settings": {"binWidth": None},
                "packages": {"pyradiomics-bhklab": "3.1.4"},
                "computed": computed,
            }
        },
    }
    return content | changes


def _extracted(**settings) -> Dossier:
    content = _metadata()
    content["sources"]["pyradiomics"]["computed"]["setting"] = SETTINGS | settings
    return Dossier(extractions=(from_metadata("disc", "features/disc.json", content),))


IMAGE_CASES = [
    ("8", {}, "filled", "MRI (2)"),
    ("14", {}, "not applicable", "the images are MRI; this is about CT"),
    ("16", {}, "not applicable", "PET"),
    ("19", {}, "author", None),
    ("28", {}, "filled", "0.5 × 0.5 mm (2)"),
    ("30", {}, "filled", "3 mm (1), 4 mm (1)"),
    ("29", {}, "author", None),
    ("38", {}, "not applicable", "PET"),
    ("41", {}, "filled", "not resampled"),
    ("41", {"resampledPixelSpacing": [1, 1, 1]}, "filled", "without such a filter"),
    ("42", {}, "author", "none in the extraction"),
    ("46", {}, "filled", "none in the extraction"),
    ("46", {"normalize": True, "normalizeScale": 100, "removeOutliers": 3}, "filled", "times 100, clipped at 3 SD"),
    ("47", {"voxelArrayShift": 300}, "author", "intensities shifted by 300"),
    ("50a", {}, "filled", "not resampled"),
    ("50a", {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkLinear"}, "filled", "linear"),
    ("50b", {}, "not applicable", "not resampled"),
    ("50b", {"resampledPixelSpacing": [1, 1, 1]}, "filled", "corner of the origin voxel"),
    ("50c", {"resampledPixelSpacing": [1, 1, 1]}, "author", None),
    ("51", {"resampledPixelSpacing": [1, 1, 1]}, "filled", "1 × 1 × 1 mm"),
    ("52", {}, "not applicable", "CT"),
    ("53", {"resampledPixelSpacing": [1, 1, 1]}, "filled", "nearest"),
    ("54", {"resampledPixelSpacing": [1, 1, 1]}, "filled", "none"),
    ("55", {}, "filled", "none"),
    ("55", {"resegmentRange": [-3, 3], "resegmentMode": "sigma"}, "filled", "-3 to 3, sigma"),
    ("56a", {}, "filled", "Q3RU"),
    ("56a", {"binCount": 32}, "filled", "K15C"),
    ("56b", {}, "filled", "25 (PyRadiomics' default)"),
    ("56b", {"binWidth": 5}, "filled", "bin width 5"),
    ("56c", {}, "filled", "counted from 0"),
    ("57", {}, "filled", "none"),
    ("58", {}, "filled", "3 with PyRadiomics' names"),
    ("59", {}, "author", "2 differ by bin edges"),
    ("61", {}, "filled", "pyradiomics-bhklab 3.1.4"),
    ("62", {}, "filled", "ITBB"),
    ("62", {"weightingNorm": "no_weighting"}, "filled", "IAZD"),
    ("63", {}, "filled", "none"),
    ("64", {"symmetricalGLCM": False}, "filled", "asymmetric"),
    ("65", {"distances": [1, 2]}, "filled", "1, 2, Chebyshev"),
    ("66", {"force2D": True}, "filled", "8 neighbours"),
    ("67", {}, "not applicable", "distance zone"),
    ("69", {}, "not applicable", "no ngtdm"),
    ("70", {}, "not applicable", "no gldm"),
    ("71", {}, "not applicable", "no gldm"),
]


@pytest.mark.parametrize(("number", "settings", "status", "said"), IMAGE_CASES)
def test_an_image_item_follows_from_the_settings(number, settings, status, said):
    found = _entry("ibsi", number, _extracted(**settings))
    assert found["status"] == status, found
    text = found["value"] or found["reason"]
    assert (said is None and text is None) or said in text, text


def test_sheared_images_were_resampled_when_they_were_read():
    content = _metadata()
    for case in content["cases"]:
        case["formats"] = {"image": "sheared NIfTI", "masks": ["label map, NIfTI"]}
    found = _entry("ibsi", "50a", Dossier(extractions=(from_metadata("disc", "features/disc.json", content),)))
    assert found["value"] == "not resampled; 2 with sheared axes resampled linearly onto an upright grid when read"


def test_settings_of_a_source_that_were_left_out_are_not_taken_for_none():
    content = _metadata()
    del content["sources"]["pyradiomics"]["computed"]
    found = from_metadata("disc", "features/disc.json", content)
    assert found.settings is None
    assert _entry("ibsi", "56b", Dossier(extractions=(found,)))["status"] == "author"


def test_settings_by_modality_are_those_of_the_images_there_are():
    content = _metadata()
    content["sources"]["pyradiomics"]["computed"]["modality"] = {
        "MR": {"setting": SETTINGS | {"normalize": True}, "imageType": {"Original": {}}},
        "CT": {"setting": SETTINGS},
    }
    assert from_metadata("disc", "x", content).setting("normalize") == (True,)
    content["cases"].append({"patient": "3", "modality": None})
    assert from_metadata("disc", "x", content).setting("normalize") == (False, True)


def test_where_one_tissue_is_not_known_the_author_is_asked():
    known = _extracted().extractions[0]
    found = _entry(
        "ibsi", "56a", Dossier(extractions=(known, Extraction("muscle", "results.json", ("original_glcm_Idm",))))
    )
    assert found["status"] == "author" and "not known of muscle" in found["value"]


def test_dicom_fields_answer_with_counts():
    content = _metadata()
    content["cases"] = [
        {"dicom": {"Manufacturer": "A", "MagneticFieldStrength": 3.0}},
        {"dicom": {"Manufacturer": "B"}},
        {"dicom": {"Manufacturer": "A"}},
    ]
    dossier = Dossier(extractions=(from_metadata("disc", "x", content),))
    assert _entry("ibsi", "7", dossier)["value"] == "manufacturer A (2), B (1)"
    assert _entry("ibsi", "27", dossier)["value"] == "magnetic field strength 3 T (1)"


def test_corrections_to_ibsi_reach_the_table_and_the_checklist():
    content = _metadata()
    content["sources"]["pyradiomics"]["computed"]["corrections"] = ["bin_edges"]
    found = from_metadata("disc", "x", content)
    assert describe_feature("original_glcm_Idm", found.plain_settings())["deviates"] == "no"
    assert "as IBSI defines it" in _entry("ibsi", "56c", Dossier(extractions=(found,)))["value"]
    assert selected_features(_results(images={"disc": content}))[0]["tissue"] == "disc"


# ---------------------------------------------------------------- PyRadiomics files


def _feature_file(folder: Path, **columns) -> Path:
    base = {
        "case": ["a", "b"],
        "diagnostics_Versions_PyRadiomics": ["v3.1.0"] * 2,
        "diagnostics_Configuration_Settings": ["{'binWidth': 20, 'normalize': True, 'label': 1}"] * 2,
        "diagnostics_Configuration_EnabledImageTypes": ["{'Original': {}, 'LoG': {'sigma': [1.0]}}"] * 2,
        "diagnostics_Image-original_Spacing": ["(0.5, 0.5, 2.0)", "[0.5 0.5 3.0]"],
        "original_shape_Sphericity": ["0.5", "0.6"],
        "log-sigma-1-0-mm-3D_glcm_Idm": ["1", "2"],
    } | columns
    path = folder / "features.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([k for k, v in base.items() if v is not None])
        writer.writerows(zip(*(v for v in base.values() if v is not None), strict=True))
    return path


def test_a_pyradiomics_file_fills_the_ibsi_items(tmp_path):
    dossier = read_dossier(_feature_file(tmp_path), REGISTRY)
    found = {e["number"]: e for e in _checklist("ibsi").evaluate(dossier)}
    assert found["56b"]["value"] == "bin width 20"
    assert found["46"]["value"].startswith("z-score over the whole image")
    assert "sigma 1 mm" in found["57"]["value"]
    assert found["61"]["value"] == "PyRadiomics v3.1.0"
    assert found["30"]["value"].startswith("2 mm (1), 3 mm (1)")
    assert found["62"]["value"] == "shape: over the whole region (3D) (DHQ4); glcm: 3D, mean over directions (ITBB)"
    assert (
        found["56b"]["evidence"][0]["key"] == "features.csv: diagnostics_Configuration_Settings, binWidth, binCount"
        and found["56b"]["evidence"][0]["where"] == "features.csv, settings"
    )
    assert (
        "bin width 20" in _entry("clear", "28", dossier)["value"]
        and "label" not in _entry("clear", "28", dossier)["value"]
    )


def test_rows_with_other_settings_show_both(tmp_path):
    path = _feature_file(
        tmp_path, diagnostics_Configuration_Settings=["{'binWidth': 20}", '{"binWidth": 25, "force2D": true}']
    )
    found = read_feature_file(path)
    assert found.setting("binWidth") == (20, 25) and found.setting("force2D") == (False, True)
    assert _entry("ibsi", "56b", Dossier(extractions=(found,)))["value"] == "bin width 20 or 25"


def test_names_alone_leave_the_settings_to_the_author(tmp_path):
    path = _feature_file(
        tmp_path,
        **{
            c: None
            for c in (
                "diagnostics_Versions_PyRadiomics",
                "diagnostics_Configuration_Settings",
                "diagnostics_Configuration_EnabledImageTypes",
                "diagnostics_Image-original_Spacing",
            )
        },
    )
    dossier = read_dossier(path, REGISTRY)
    assert _entry("ibsi", "58", dossier)["status"] == "filled"
    assert {_entry("ibsi", n, dossier)["status"] for n in ("46", "56a", "61", "62")} == {"author"}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch PLANTED')",
        "{'a': open('x')}",
        "{",
        "[1, 2]",
        "5",
        "{'a': " * 400,
        "{'a': '" + "x" * 30_000 + "'}",
    ],
)
def test_settings_that_are_no_dictionary_are_refused_and_never_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError, match=r"diagnostics_Configuration_Settings, case 2: settings are expected as a dictionary"
    ):
        read_feature_file(_feature_file(tmp_path, diagnostics_Configuration_Settings=["{'binWidth': 20}", text]))
    assert not (tmp_path / "PLANTED").exists()


def test_settings_are_read_as_python_or_json_writes_them():
    for text in (
        "{'binWidth': 5, 'normalize': False}",
        '{"binWidth": 5, "normalize": false}',
        "OrderedDict([('binWidth', 5), ('normalize', False)])",
    ):
        assert read_dictionary(text, "here") == {"binWidth": 5, "normalize": False}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,age\n1,2\n", "is no table of PyRadiomics"),
        ("id,general_info_Version\n1,2\n", "PyRadiomics 2.0 or before"),
        ("", "is empty"),
    ],
)
def test_other_tables_are_refused(header, message, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(header)
    with pytest.raises(DataError, match=message):
        read_dossier(path, REGISTRY)


def test_a_voxel_size_that_is_none_names_the_row(tmp_path):
    with pytest.raises(
        DataError, match=r"Spacing, case 1: a voxel size of two or three numbers is expected; found '\(1\)'"
    ):
        read_feature_file(_feature_file(tmp_path, **{"diagnostics_Image-original_Spacing": ["(1)", "(1, 1, 1)"]}))


def test_folders_that_hold_neither_are_refused(tmp_path):
    with pytest.raises(DataError, match="is not there"):
        read_dossier(tmp_path / "none", REGISTRY)
    with pytest.raises(DataError, match=r"holds neither results\.json .* nor features/TISSUE\.json"):
        read_dossier(tmp_path, REGISTRY)
    (tmp_path / "results.json").write_text('{"schema": "prldh-results/0"}')
    with pytest.raises(DataError, match=r"schema is 'prldh-results/0'"):
        read_dossier(tmp_path, REGISTRY)


def test_a_folder_of_extract_is_read(tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "disc.json").write_text(json.dumps(_metadata()))
    dossier = read_dossier(tmp_path, REGISTRY)
    assert dossier.results is None and dossier.extractions[0].where == "features/disc.json"
    assert _entry("ibsi", "48b", dossier)["value"] == "disc: masks of 2 readers"
    assert (
        _entry("ibsi", "56b", dossier)["evidence"][0]["key"]
        == "features/disc.json: sources.pyradiomics.computed.setting, binWidth, binCount"
    )
    assert _entry("metrics", "C1", dossier)["verdict"] == "yes"
    (tmp_path / "features" / "disc.json").write_text("{")
    with pytest.raises(DataError, match=r"disc\.json is damaged"):
        read_dossier(tmp_path, REGISTRY)


# ---------------------------------------------------------------- answers


def _read(tmp_path, text):
    path = tmp_path / "checklist.yaml"
    path.write_text(text, encoding="utf-8")
    return gather_answers(built_in_checklists(), path)


def test_a_half_filled_file_is_read(tmp_path):
    text = (
        "clear:\n  '8': {question: 'Q?', answer: 'page 3: ethics', comment: }\n  '10':\n    question: Q?\n    answer:\n"
        "    comment:\n  14: no\nibsi:\nmetrics:\n  C1: yes\n  '4': {answer: true}\n"
    )
    assert _read(tmp_path, text) == {
        "clear": {"8": {"answer": "page 3: ethics"}, "14": {"answer": "no"}},
        "metrics": {"C1": {"answer": "yes"}, "4": {"answer": "yes"}},
    }
    assert _read(tmp_path, "") == {} and _read(tmp_path, "# nothing\n") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claer: {'1': x}", "there is no checklist 'claer'; did you mean 'clear'"),
        ("clear: {'59': x}", "clear has no item '59'; did you mean '58'"),
        ("tripod-ai: {'3': x}", "no item '3'; did you mean '3a'"),
        ("clear: {Z: x}", "there are 1 to 58"),
        ("tripod-ai: {18g: x}", "did you mean '18f'"),
        ("clear: {'1': {anwser: x}}", "unknown key 'anwser'; did you mean 'answer'"),
        ("metrics: {'4': page 3}", "the answer is yes or no; found 'page 3'"),
        ("metrics: {'4': n/a}", "yes or no"),
        ("clear: {'1': a, '1': b}", "'1' stands twice"),
        ("- a", "found a list"),
        ("clear: text", "items are expected"),
        ("clear: {'1': {answer: [a]}}", "answer is text; found a list"),
        ("clear: {'1': {answer: a: b}}", "is not valid YAML"),
        ("a: &x {b: *x}", r"line 1 has '\*x' within '&x' itself"),
    ],
)
def test_a_slip_in_the_answers_is_told(text, message, tmp_path):
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        _read(tmp_path, text)


def test_answers_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(DataError, match="answers not found"):
        read_answers(tmp_path / "none.yaml", {})
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_answers(tmp_path / "b.yaml", {})


def test_conditional_items_of_metrics_may_be_not_applicable(tmp_path):
    assert _read(tmp_path, "metrics: {'9': n/a}") == {"metrics": {"9": {"answer": "n/a"}}}
    known, strict = known_items(built_in_checklists())
    assert strict["metrics"]["9"] and not strict["metrics"]["4"] and not strict["metrics"]["C1"]
    assert len(known["clear"]) == 58


def test_an_answer_stands_beside_what_the_run_shows_and_does_not_undo_it():
    rows = [
        {"number": str(i), "status": s, "verdict": v, "reason": None}
        for i, (s, v) in enumerate([("author", None), ("contradicted", "no"), ("filled", "yes"), ("author", None)])
    ]
    found = apply_answers(
        rows,
        {
            "0": {"answer": "yes"},
            "1": {"answer": "yes", "comment": "no leak"},
            "2": {"answer": "no"},
            "3": {"answer": "n/a", "comment": "no CT"},
        },
    )
    assert [(e["status"], e["verdict"], e["answer"]) for e in found] == [
        ("answered", "yes", "yes"),
        ("contradicted", "no", "yes"),
        ("filled", "yes", "no"),
        ("not applicable", "n/a", "n/a"),
    ]
    assert found[3]["reason"] == "so the author: no CT"


def test_questions_come_back_with_their_answers(tmp_path):
    answers = {
        "clear": {"8": {"answer": 'page 3: "x" é', "comment": "c"}, "15": {"answer": "no", "page": "7"}},
        "ibsi": {"5": {"answer": "none"}},
    }
    filled = fill(_checklist("clear"), _dossier(), answers)
    write_questions(tmp_path / "q.yaml", {"clear": filled.entries}, answers)
    text = (tmp_path / "q.yaml").read_text(encoding="utf-8")
    assert gather_answers(built_in_checklists(), tmp_path / "q.yaml") == answers
    asked = yaml.load(text, Loader=yaml.BaseLoader)["clear"]
    assert set(asked["30"]) == {"question", "shown", "page"}  # filled, so that only the page is open
    assert asked["2"]["question"].endswith("?") and "answer" in asked["2"]
    assert "Left to say: why these" in asked["39"]["question"]
    assert merge(answers, {"clear": {"8": {"answer": "page 4"}}})["clear"]["8"] == {"answer": "page 4", "comment": "c"}


# ---------------------------------------------------------------- the score


def _verdicts(verdicts: dict[str, str | None]) -> list[dict]:
    standard = load_standard("metrics")
    rows = []
    for item in (*standard.conditions, *standard.items):
        is_condition = item in standard.conditions
        rows.append(
            {
                "number": item.number,
                "weight": item.weight,
                "conditions": list(item.conditions),
                "is_condition": is_condition,
                "status": "author",
                "verdict": verdicts.get(item.number),
                "reason": None,
                "remaining": None,
            }
        )
    return settle_conditions(rows)


ALL_YES = {i.number: "yes" for i in (*load_standard("metrics").conditions, *load_standard("metrics").items)}


def test_the_score_by_hand():
    assert metrics_score(_verdicts(ALL_YES))["score"] == 100.0
    found = metrics_score(_verdicts(ALL_YES | {"27": "no", "2": "no"}))
    assert (
        found["score"]
        == round(100 * (1 - (0.0749 + 0.0735) / sum(i.weight for i in load_standard("metrics").items)), 1)
        == 85.2
    )
    assert found["band"] == "excellent" and found["n_no"] == 2 and found["n_open"] == 0
    # items 17 and 9 drop out with their conditions: 0.02 and 0.0225 leave the denominator, whatever was said of them
    without = metrics_score(_verdicts(ALL_YES | {"C5": "no", "C2": "no", "17": "no", "9": "no", "27": "no"}))
    whole = sum(i.weight for i in load_standard("metrics").items) - 0.02 - 0.0225
    assert without["score"] == round(100 * (whole - 0.0749) / whole, 1) and without["n_not_applicable"] == 2


def test_the_score_of_a_filled_checklist_is_that_of_a_few_lines(shared_data):
    """Computed again from the published weights, conditions and bands, for answers drawn at random."""
    facts = yaml.safe_load((shared_data.parent / "checklists" / "metrics.yaml").read_text())
    checklist, dossier = _checklist("metrics"), _dossier()
    open_items = [e["number"] for e in checklist.evaluate(dossier) if e["status"] == "author"]
    assert len(open_items) > 20
    generator, bands = random.Random(3), set()
    for share in (0.1, 0.3, 0.5, 0.7, 0.9) * 6:
        given = {number: {"answer": "yes" if generator.random() < share else "no"} for number in open_items}
        done = fill(checklist, dossier, {"metrics": given})
        verdict = {e["number"]: e["verdict"] for e in checklist.evaluate(dossier)} | {
            k: v["answer"] for k, v in given.items()
        }
        yes = whole = 0.0
        for item in facts["items"]:
            if all(verdict[c] == "yes" for c in item["applies_if_all_yes"]):
                whole += item["weight"]
                yes += item["weight"] * (verdict[str(item["item"])] == "yes")
        expected = round(100 * yes / whole, 1)
        assert done.score["score"] == done.score["low"] == done.score["high"] == expected and done.score["n_open"] == 0
        least = [b["name"] for b in facts["scoring"]["bands"] if b["min"] <= expected][-1]
        assert done.score["band"] == least
        bands.add(least)
    assert len(bands) > 3


def test_an_open_condition_leaves_its_items_open():
    found = metrics_score(_verdicts({k: v for k, v in ALL_YES.items() if k != "C4"}))
    assert found["open"] == ["14", "15", "16"] and found["open_conditions"] == ["C4"]
    assert found["score"] is None and found["low"] == 93.0 and found["high"] == 100.0


def test_nothing_answered_has_no_score():
    found = metrics_score(_verdicts({}))
    assert found["score"] is None and found["band"] is None and (found["low"], found["high"]) == (0.0, 100.0)
    assert describe_score(found) == [
        "METRICS score: between 0.0% and 100.0%, as the 30 items still open are answered no or yes. It has no band"
        " before every item is answered."
    ]


@given(st.dictionaries(st.sampled_from(sorted(ALL_YES)), st.sampled_from(["yes", "no"])))
def test_no_band_is_told_while_an_item_is_open(answers):
    found = metrics_score(_verdicts(answers))
    told = " ".join(describe_score(found))
    assert (found["band"] is not None) == (found["score"] is not None) == (found["n_open"] == 0)
    older = " ".join(
        describe_score({**found, "score": 90.0, "band": "excellent"})
    )  # as files of former versions have it
    assert found["n_open"] == 0 or older == told
    assert found["n_open"] == 0 or not any(f"({name})" in told for name, _ in load_standard("metrics").bands)


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (0, "very low"),
        (19.9, "very low"),
        (20, "low"),
        (39.9, "low"),
        (40, "moderate"),
        (59.9, "moderate"),
        (60, "good"),
        (79.9, "good"),
        (80, "excellent"),
        (100, "excellent"),
    ],
)
def test_bands(score, name):
    assert band(score) == name


@given(
    st.dictionaries(st.sampled_from(sorted(ALL_YES)), st.sampled_from(["yes", "no"])),
    st.dictionaries(st.sampled_from(sorted(ALL_YES)), st.sampled_from(["yes", "no"])),
)
def test_whatever_the_open_answers_turn_out_to_be_the_score_stays_in_its_range(first, later):
    """Conditions among the later answers make items drop out as well."""
    before, after = metrics_score(_verdicts(first)), metrics_score(_verdicts({**later, **first}))
    if after["score"] is not None and before["low"] is not None:
        closed = metrics_score(_verdicts({**dict.fromkeys(ALL_YES, "no"), **later, **first}))["score"]
        assert closed is None or before["low"] - 0.05 <= closed <= before["high"] + 0.05
    assert before["score"] is None or before["low"] <= before["score"] <= before["high"]


# ---------------------------------------------------------------- files

NASTY = '<script>alert(1)</script> & "quoted" =cmd()'


@pytest.fixture
def nasty():
    answers = {"clear": {"8": {"answer": "=HYPERLINK(1)", "comment": NASTY}}}
    return fill(_checklist("clear"), dossier_of(_results(study__title=NASTY), None), answers)


def test_html_is_one_file_and_escaped(nasty):
    html = write_checklist(nasty, "html", "../").decode()
    assert "<script" not in html and "&lt;script&gt;" in html
    assert 'href="../report.html#validation"' in html and html.count('<tr id="item-') == 58
    link = f'href="{load_standard("clear").url}"'
    assert html.count(link) == 2
    for marker in ("http://", "https://", "@import", "url("):
        assert marker not in html.replace(link, "").split("<h2>Source</h2>")[0]
    unlinked = write_checklist(nasty, "html", None).decode().split("<main")[1].replace('href="#item-', "")
    assert "href" not in unlinked.replace(link, "")


def test_links_are_addresses_whatever_the_files_are_called():
    entry = {
        "number": "1",
        "text": "x",
        "status": "filled",
        "evidence": [{"where": "w", "href": h} for h in ("external/A #1 50%?/é.json", "report.html#plugin-a")],
    }
    filled = dataclasses.replace(
        fill(_checklist("clear"), Dossier(), {}),
        entries=[{**dict.fromkeys(OPTIONAL), "conditions": [], "is_condition": False, **entry}],
    )
    html = write_checklist(filled, "html", "../").decode()
    assert 'href="../external/A%20%231%2050%25%3F/%C3%A9.json"' in html and 'href="../report.html#plugin-a"' in html


def test_html_of_an_extraction_links_to_its_metadata_alone():
    html = write_checklist(fill(_checklist("ibsi"), _extracted(), {}), "html", "../").decode()
    assert "../features/disc.json" in html and "report.html" not in html


def test_csv_holds_every_item_and_no_formula(nasty):
    rows = list(csv.DictReader(io.StringIO(write_checklist(nasty, "csv", None).decode())))
    assert len(rows) == 58
    assert next(r for r in rows if r["number"] == "8")["answer"] == "'=HYPERLINK(1)"
    assert not any(v[:1] in "=+-@" for r in rows for v in r.values() if v)


def test_json_holds_counts_and_score():
    found = json.loads(write_checklist(fill(_checklist("metrics"), _dossier(), {}), "json", None))
    assert found["schema"] == "prldh-checklist/1" and found["score"]["n_open"] == len(found["score"]["open"])
    assert sum(found["counts"].values()) == 30 and len(found["items"]) == 35


def test_docx_holds_every_item(nasty):
    docx = pytest.importorskip("docx")
    document = docx.Document(io.BytesIO(write_checklist(nasty, "docx", None)))
    (table,) = document.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row[0] for row in rows[1:] if len(set(row)) > 1] == [str(i) for i in range(1, 59)]
    sections = list(dict.fromkeys(item.section for item in load_standard("clear").items))
    assert [row[0] for row in rows if len(set(row)) == 1] == sections
    assert NASTY in "\n".join(c.text for t in document.tables for r in t.rows for c in r.cells)
    assert table._tbl.xml.count("w:tblHeader") == 1
    about = document.core_properties
    assert about.title.startswith("CLEAR v1.0 (2023): ") and about.author == "prldh" and not about.comments
    assert document.part.rels and load_standard("clear").url in {r.target_ref for r in document.part.rels.values()}
    assert write_checklist(nasty, "docx", None) == write_checklist(nasty, "docx", None)


def assert_fixed_columns(table, room: int) -> list[int]:
    """Grid, cells and table of a Word file say the same widths, in twips, and fit into the room: LibreOffice goes by
    the one, Word by the other."""
    from docx.oxml.ns import qn

    properties = table._tbl.tblPr
    grid = [int(column.get(qn("w:w"))) for column in table._tbl.tblGrid.findall(qn("w:gridCol"))]
    assert properties.find(qn("w:tblLayout")).get(qn("w:type")) == "fixed"
    whole = properties.find(qn("w:tblW"))
    assert (whole.get(qn("w:type")), int(whole.get(qn("w:w")))) == ("dxa", sum(grid)) and sum(grid) <= room // 635 + 1
    for row in table._tbl.tr_lst:
        widths = [int(cell.tcPr.find(qn("w:tcW")).get(qn("w:w"))) for cell in row.tc_lst]
        assert widths == (grid if len(widths) > 1 else [sum(grid)])
    return grid


def test_columns_of_word_are_the_same_in_every_program(nasty, tmp_path):
    docx = pytest.importorskip("docx")
    from prldh.pages import JournalTable, write_word

    document = docx.Document(io.BytesIO(write_checklist(nasty, "docx", None)))
    page = document.sections[0]
    room = page.page_width - page.left_margin - page.right_margin
    assert assert_fixed_columns(document.tables[0], room) == [794, 4082, 1417, 1814, 6690]
    table = JournalTable("t", "Table 1", ["Variable", "p"], [["age, years, at surgery", "0.1"], ["x", "< 0.001"]], [])
    write_word(table, tmp_path / "t.docx")
    written = docx.Document(str(tmp_path / "t.docx"))
    page = written.sections[0]
    grid = assert_fixed_columns(written.tables[0], page.page_width - page.left_margin - page.right_margin)
    assert grid[0] > 2 * grid[1] and written.core_properties.title == "Table 1"


def test_without_python_docx_the_line_to_run_is_told(nasty, monkeypatch):
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(PluginError, match=r"python-docx, which is not installed.*pip install python-docx"):
        write_checklist(nasty, "docx", None)


def test_control_characters_do_not_break_word(nasty):
    pytest.importorskip("docx")
    filled = fill(_checklist("clear"), dossier_of(_results(study__title="a\x00\x0bb"), None), {})
    assert write_checklist(filled, "docx", None)[:2] == b"PK"


def test_counts_are_told():
    assert describe_counts(fill(_checklist("clear"), Dossier(), {})) == "58 items: 58 for the author"


class Stranger:
    """A plugin's checklist: the four keys of an entry, nothing else."""

    name, version = "mine", "1"

    def evaluate(self, dossier):
        return [{"number": 1, "text": "mine", "status": "filled", "evidence": []}]


def test_a_strangers_checklist_is_filled_and_written():
    filled = fill(Stranger(), Dossier(), {})
    assert filled.counts == {"filled": 1} and filled.entries[0]["number"] == "1"
    for form in ("html", "csv", "json"):
        assert write_checklist(filled, form, None)


@pytest.mark.parametrize("entries", [None, [{}], [{"number": 1, "text": "x", "status": "maybe"}]])
def test_a_strangers_slip_is_told(entries):
    stranger = Stranger()
    stranger.evaluate = lambda dossier: entries
    with pytest.raises(PluginError, match="checklist 'mine'.*Mend the plugin"):
        fill(stranger, Dossier(), {})

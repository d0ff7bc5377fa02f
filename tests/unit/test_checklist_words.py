"""What a reader of a checklist meets: words, and answers that agree with each other."""

from __future__ import annotations

import re

import pytest
from test_checklist_ways import CASES as WAYS
from test_checklists import BY_CENTRE, CASES, GIVEN, _dossier, _extracted, _metadata, _model

from prldh.checklists.built_in import built_in_checklists
from prldh.checklists.dossier import Dossier
from prldh.checklists.facts import facts_of
from prldh.checklists.filling import fill
from prldh.ibsi.extraction import from_metadata

#: What a program calls things: braces, names of files, paths, keys with underscores or with capitals in them, scopes.
INTERNAL = re.compile(
    r"[{}\[\]]|\b[\w-]+\.(?:json|yaml|csv|parquet|R|py)\b|\b[\w.-]+/[\w.-]+/|\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b"
    r"|\b[a-z]+[A-Z][A-Za-z]+\b|\bscope (?:model|pipeline)\b|`"
)
#: Names that are written so.
NAMES = ("mRMR", "pROC", "mAs")


def _gain(name: str, scope: str | None, **changes) -> dict:
    return {
        "a": name,
        "b": "covariates alone",
        "adjusted": False,
        "scope": scope,
        "scheme": "folds" if scope else None,
        "measure": "auc",
        "method": "DeLong",
        "difference": 0.12,
        "low": 0.02,
        "high": 0.22,
        "p": 0.021,
        **changes,
    }


CLINICAL = {
    "clinical_model": {
        **_model("covariates alone", "age"),
        "added_value": [_gain("Disc", None), _gain("Disc", "pipeline"), _gain("Disc", "model")],
    }
}
ONE = {"models": [_model("Disc", "disc"), _model("Disc", "disc", "age", adjusted=True)], "comparisons": []}
HELD = {"auc": {"estimate": 0.8, "low": 0.7, "high": 0.9}}
GROUPED = {
    **HELD,
    "column": "centre",
    "groups": [{"level": "A", "auc": {"estimate": 0.81}}, {"level": "B", "auc": {"estimate": 0.77}}],
    "auc_groups": {**HELD["auc"], "prediction_low": 0.5, "prediction_high": 0.95},
}
COST = {"difference": {"leave_one_group_out": 0.02}}
CENTRES = {
    "models": [_model("Disc", "disc", validation={"pipeline": {"leave_one_group_out": GROUPED}, **COST})],
    "study__schemes": {"leave_one_group_out": {"kind": "held_out", "n_resamples": 2}},
    "comparisons": [],
}
PERHAPS = [
    {},
    GIVEN,
    CLINICAL,
    {**ONE, **CLINICAL},
    ONE,
    CENTRES,
    {**CENTRES, **BY_CENTRE, **CLINICAL},
    *{str(c): c for _, c, _, _ in (*CASES, *WAYS) if c and "images" not in c}.values(),
]
SETTINGS = [
    {},
    {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline", "resegmentRange": [-3, 3]},
    {"gldm_a": 1, "weightingNorm": "no_weighting", "voxelArrayShift": 300, "binCount": 32, "force2D": True},
]


def _texts(dossier: Dossier):
    """Everything that is shown of every item of every checklist."""
    for checklist in built_in_checklists():
        for entry in fill(checklist, dossier, {}).entries:
            shown = [entry[key] for key in ("text", "topic", "question", "value", "reason", "remaining")]
            yield checklist.name, entry, [t for t in shown if t] + [e["where"] for e in entry["evidence"]]


def _assert_plain(dossier: Dossier, told: list) -> None:
    """No text of a checklist shows what the program calls things."""
    own = set(NAMES) | {f for e in dossier.extractions for f in e.features} | set(dossier.selected)
    if dossier.results is not None:
        own |= facts_of(dossier).names
        own |= {f for t in dossier.selected.values() for f in t["selection"]["features"]}
    for name, entry, texts in told:
        for text in texts:
            for word in sorted(own, key=len, reverse=True):
                text = text.replace(word, "")
            assert not INTERNAL.search(text), (name, entry["number"], INTERNAL.search(text)[0], text)


@pytest.mark.parametrize("changes", PERHAPS, ids=lambda changes: " ".join(changes)[:60])
def test_no_reader_meets_what_the_program_calls_things_nor_answers_that_disagree(changes):
    dossier = _dossier(**changes)
    told = list(_texts(dossier))
    _assert_plain(dossier, told)
    _assert_agreed(dossier, told)


@pytest.mark.parametrize("settings", SETTINGS)
def test_nor_of_an_extraction(settings):
    dossier = _extracted(**settings)
    _assert_plain(dossier, list(_texts(dossier)))


def test_nor_of_headers_and_image_steps():
    content = _metadata()
    content["cases"] = [
        {
            "patient": "a",
            "spacing_mm": [1.0, 1.0, 3.0],
            "modality": "MR",
            "dicom": {"RepetitionTime": "2500", "MRAcquisitionType": "3D", "ScanningSequence": "GR", "KVP": "120"},
            "formats": {"image": "NIfTI", "masks": ["label map, NIfTI"]},
        }
    ]
    content["image_steps"] = [
        {
            "name": "n4",
            "version": "1",
            "settings": {"shrink_factor": 4, "levels": [50, 40]},
            "packages": {},
            "label": "bias field",
            "ibsi_item": "45",
        }
    ]
    dossier = Dossier(extractions=(from_metadata("disc", "features/disc.json", content),))
    _assert_plain(dossier, list(_texts(dossier)))
    found = {entry["number"]: entry for name, entry, _ in _texts(dossier) if name == "ibsi"}
    assert found["19"]["value"] == "repetition time 2500 ms (1)" and found["19"]["status"] == "filled"


def _assert_agreed(dossier: Dossier, told: list) -> None:
    """How many models there are, whether pairs were compared, models adjusted, subgroups looked at, others tested."""
    facts = facts_of(dossier)
    text = "\n".join(t for _, entry, _ in told for t in (entry["value"], entry["reason"]) if t)
    counts = {m.lower() for m in re.findall(r"\b(\d+|one|two|three) models?\b", text, re.IGNORECASE)}
    assert counts <= {str(len(facts.models))}
    if len(facts.models) > 1 or facts.clinical:
        assert "nothing to compare" not in text
    if facts.clinical:
        assert "none of clinical covariates alone" not in text
    assert not ("no pair of models was compared" in text and facts.pairs)
    assert ("no model of this run is adjusted" in text) == (not facts.adjusted)
    assert ("examined no subgroups" in text) == (not facts.subgroups and not facts.grouped and not facts.cohorts)
    if facts.cohorts:
        assert "no external data" not in text
    assert len(set(re.findall(r"the covariates alone \((.*?)\)", text))) <= 1


def test_the_covariates_alone_fill_what_asks_for_a_clinical_model():
    dossier = _dossier(**ONE, **CLINICAL)
    found = {(name, entry["number"]): entry for name, entry, _ in _texts(dossier)}
    for place in (("clear", "42"), ("clear", "48"), ("metrics", "24"), ("ibsi", "73")):
        entry = found[place]
        assert entry["status"] == "filled" and entry["value"].startswith(
            "the covariates alone (age): apparent AUC 0.800"
        )
        assert "whole modelling process validated): Disc 0.120 (0.020, 0.220), p 0.021" in entry["value"]
    assert (
        found["clear", "41"]["status"] == "filled" and "against the covariates alone" in found["clear", "41"]["value"]
    )
    without = {(name, entry["number"]): entry for name, entry, _ in _texts(_dossier(**ONE))}
    assert without["clear", "42"]["status"] == "contradicted" and without["clear", "41"]["status"] == "not applicable"


def test_the_covariates_alone_are_those_that_their_model_holds():
    """Not all that the study declares: `adjust` may name some."""
    alone = {"clinical_model": {**CLINICAL["clinical_model"], **_model("covariates alone", "sex")}}
    found = {(name, entry["number"]): entry for name, entry, _ in _texts(_dossier(**ONE, **alone))}
    assert found["clear", "42"]["value"].startswith("the covariates alone (sex): apparent AUC")


def test_subgroups_and_groups_held_out_answer_for_confounders_and_clusters():
    found = {(name, e["number"]): e for name, e, _ in _texts(_dossier(**CENTRES))}
    for place in (("metrics", "19"), ("clear", "36"), ("tripod-ai", "12d"), ("tripod-ai", "23b")):
        assert found[place]["status"] == "filled"
        assert (
            "groups of centre held out whole, by leave-one-group-out (AUC of Disc: A 0.810, B 0.770; pooled 0.800"
            in (found[place]["value"])
        )


def test_features_are_counted_of_each_tissue():
    tissues = {name: _dossier().run["tissues"]["disc"] for name in ("disc", "muscle")}
    (value,) = (
        e["value"] for name, e, _ in _texts(_dossier(tissues=tissues)) if (name, e["number"]) == ("clear", "26")
    )
    assert value.startswith("in each of disc, muscle: 4 with PyRadiomics' names")

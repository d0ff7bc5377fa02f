"""The feature library: features whose correlations are those of the library stay, by training rows alone and without the outcome."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from prldh_uctransnet.library import FeatureLibrary, LibrarySettings, cluster_features, read_library

import prldh
from prldh.errors import DataError, StudyError
from prldh.plan import resolve_steps
from prldh.plugins import create_plugin_manager
from prldh.records import TrainingRows
from prldh.study import Study

NAMES = tuple(f"uctransnet_{i:03d}" for i in range(20))
SELECTOR = FeatureLibrary()


def _values(n, seed, is_broken):
    """Two groups of ten features, each sharing one factor; in a broken cohort the second group shares none, as it does in the library."""
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(n, 2))
    values = factors[:, np.arange(20) // 10] + 0.5 * generator.normal(size=(n, 20))
    if is_broken:
        values[:, 10:] = generator.normal(size=(n, 10))
    return values


@pytest.fixture
def settings(tmp_path):
    frame = pd.DataFrame(_values(150, 1, False), columns=NAMES)
    frame.insert(0, "patient_id", [f"L{i}" for i in range(150)])
    frame.to_csv(tmp_path / "library.csv", index=False)
    return LibrarySettings(library=str(tmp_path / "library.csv"))


def _rows(values, names=NAMES, seed=0):
    outcome = np.random.default_rng(seed).integers(0, 2, len(values)).astype(np.int8)
    return TrainingRows(values, None, outcome, np.arange(len(values)), names)


def _fit(rows, settings, seed=1):
    return SELECTOR.fit(rows, settings, np.random.SeedSequence(seed), None)


def test_features_that_behave_as_in_the_library_stay(settings):
    found = _fit(_rows(_values(120, 2, True)), settings)
    assert found.kept.tolist() == list(range(10))
    assert set(found.dropped) == set(NAMES[10:]) and all("farther from the library" in why for why in found.dropped.values())
    assert found.details["reading"] == "A" and found.details["scores"][0] > found.details["scores"][1]


def test_the_score_is_the_mean_cosine_by_hand():
    cohort, library = _values(60, 3, True), _values(80, 4, False)
    cluster, scores, cosines = cluster_features(cohort, library, np.random.SeedSequence(1))
    a, b = np.corrcoef(cohort.T), np.corrcoef(library.T)
    expected = [a[j] @ b[j] / np.sqrt(a[j] @ a[j] * (b[j] @ b[j])) for j in range(20)]
    np.testing.assert_allclose(cosines, expected, rtol=1e-12)
    for k in (0, 1):
        assert scores[k] == pytest.approx(np.mean([e for e, c in zip(expected, cluster, strict=True) if c == k]))


def test_neither_outcome_nor_scale_nor_order_of_patients_matters(settings):
    rows = _rows(_values(120, 2, True))
    expected = _fit(rows, settings).kept.tolist()
    assert _fit(dataclasses.replace(rows, outcome=1 - rows.outcome), settings).kept.tolist() == expected
    assert _fit(dataclasses.replace(rows, values=rows.values * np.linspace(1, 9, 20) + 3), settings).kept.tolist() == expected
    assert _fit(dataclasses.replace(rows, values=rows.values[::-1].copy()), settings).kept.tolist() == expected


def test_constant_features_have_a_reason(settings):
    values = _values(120, 2, True)
    values[:, 3] = 1
    found = _fit(_rows(values), settings)
    assert found.dropped["uctransnet_003"] == "constant in the training rows" and 3 not in found.kept
    values[:, 1:] = 0
    assert _fit(_rows(values), settings).kept.tolist() == [0]


def test_other_sources_pass_and_half_a_library_is_refused(settings):
    values = _values(50, 2, True)
    assert _fit(_rows(values, tuple(f"radiomics_{i}" for i in range(20))), settings).kept.size == 20
    with pytest.raises(DataError, match="lacks 1 of 20 features: new"):
        _fit(_rows(values, (*NAMES[:-1], "new")), settings)


def test_a_library_that_cannot_be_used_is_told(tmp_path):
    with pytest.raises(StudyError, match="is not there"):
        read_library(str(tmp_path / "absent.csv"))
    for text, message in (
        ("id,a\n1,x\n2,3\n3,4\n", "no number"),
        ("id,a\n1,2\n2,3\n", "at least 3 rows"),
        ("id,a\n1,2\n2,inf\n3,1\n", "finite"),
        ("id,a\n1,2\n2,nan\n3,1\n", "no number"),
    ):
        (tmp_path / "l.csv").write_text(text)
        with pytest.raises(DataError, match=message):
            read_library(str(tmp_path / "l.csv"))


def test_the_path_is_relative_to_the_study_file_and_an_absent_library_is_told_before_anything_is_read(settings, tmp_path):
    plugins = create_plugin_manager()
    study = Study.model_validate({"clinical": {"table": "c.csv", "id": "id", "outcome": "y", "event": 1}, "selection": [{"feature_library": {"library": "library.csv"}}]})
    (step,) = resolve_steps(study, plugins, tmp_path)
    assert step.settings.library == settings.library and str(step) == "feature_library: {library: library.csv}"
    with pytest.raises(StudyError, match="elsewhere.library.csv is not there"):
        resolve_steps(study, plugins, tmp_path / "elsewhere")


def test_kept_refits_are_not_those_of_another_library(settings, tmp_path, monkeypatch):
    """The same command after the library has changed gives what a fresh run gives."""
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    n = 60
    y = np.arange(n) % 2
    values = _values(n, 5, False) + y[:, None] * np.linspace(0, 1, 20)
    frame = pd.read_csv(tmp_path / "library.csv")
    frame.iloc[:, 1:] = _values(len(frame), 6, True)
    frame.to_csv(tmp_path / "library.csv", index=False)
    ids = [f"P{i}" for i in range(n)]
    pd.DataFrame({"id": ids, "y": y}).to_csv(tmp_path / "clinical.csv", index=False)
    pd.DataFrame(values, columns=NAMES).assign(id=ids).to_csv(tmp_path / "features.csv", index=False)
    (tmp_path / "study.yaml").write_text(
        "clinical: {table: clinical.csv, id: id, outcome: y, event: 1}\nengine: python\nif_empty: best\nreport: {figures: []}\n"
        "tissues: {disc: {features: features.csv}}\nselection: [feature_library: {library: library.csv}]\n"
        "validation: {leave_one_out: false, folds: 3, bootstrap: 0}\nperformance: {decision_bootstrap: 0, partial_auc_bootstrap: 0}\n"
    )
    first = prldh.analyze(tmp_path / "study.yaml", tmp_path / "first", jobs=1).data
    assert first["study"]["settings"]["selection"][0]["feature_library"]["library"] == "library.csv", "as the study file has it"
    frame.iloc[:, 1:] = frame.iloc[:, [*range(11, 21), *range(1, 11)]].to_numpy()  # now the other ten share a factor
    frame.to_csv(tmp_path / "library.csv", index=False)
    again = prldh.analyze(tmp_path / "study.yaml", tmp_path / "again", jobs=1).data
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "empty"))
    fresh = prldh.analyze(tmp_path / "study.yaml", tmp_path / "fresh", jobs=1).data
    held_out = [d["models"][0]["validation"]["pipeline"]["folds"]["auc"] for d in (first, again, fresh)]
    assert held_out[1] == held_out[2] != held_out[0]

"""The feature library: features whose correlations are those of the library stay, by training rows alone and without
the outcome."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import yaml
from make_image_cohort import write_cohort
from pages import unmarked
from prldh_uctransnet.explanation import explain_study
from prldh_uctransnet.library import FeatureLibrary, LibrarySettings, cluster_features
from prldh_uctransnet.library_table import read_library

import prldh
from prldh.apply.apply import apply_models
from prldh.chain.applying import apply_chain, apply_to_training, change_values, tables_of
from prldh.chain.radscore import fit_tissue, training_rows
from prldh.chain.steps import Protocol, Step, read_answer
from prldh.core.errors import DataError, StudyError
from prldh.core.records import FeatureBlock, ImageValues, Subjects, TrainingRows
from prldh.engines.python import PythonEngine
from prldh.plugins.registry import Registry
from prldh.run.extraction import extract
from prldh.run.protocols import resolve_protocols
from prldh.study.study import Study

pytestmark = pytest.mark.usefixtures("undrawn", "unrepeated")

NAMES = tuple(f"uctransnet_{i:03d}" for i in range(20))
SELECTOR = FeatureLibrary()


def _values(n, seed, is_broken):
    """Two groups of ten features, each sharing one factor; in a broken cohort the second group shares none, as it does
    in the library."""
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
    assert set(found.dropped) == set(NAMES[10:]) and all(
        "farther from the library" in why for why in found.dropped.values()
    )
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
    assert (
        _fit(dataclasses.replace(rows, values=rows.values * np.linspace(1, 9, 20) + 3), settings).kept.tolist()
        == expected
    )
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
    with pytest.raises(StudyError, match="not found"):
        read_library(str(tmp_path / "absent.csv"))
    for text, message in (
        ("id,a\n1,x\n2,3\n3,4\n", "no number"),
        ("id,a\n1,2\n2,3\n", "at least 3 rows"),
        ("id,a\n1,2\n2,inf\n3,1\n", "finite"),
        ("id,a\n1,2\n2,nan\n3,1\n", "no number"),
        ("seed\n3\n4\n5\n", "there is one column, .seed."),
    ):
        (tmp_path / "l.csv").write_text(text)
        with pytest.raises(DataError, match=message):
            read_library(str(tmp_path / "l.csv"))


def test_the_path_is_relative_to_the_study_file_and_an_absent_library_is_told_before_anything_is_read(
    settings, tmp_path
):
    plugins = Registry()
    study = Study.model_validate(
        {
            "clinical": {"table": "c.csv", "id": "id", "outcome": "y", "event": 1},
            "tissues": {"disc": {"features": "f.csv"}},
            "selection": [{"feature_library": {"library": "library.csv"}}],
        }
    )
    (step,) = resolve_protocols(study, plugins, tmp_path)[0].steps
    assert (
        step.settings.library == settings.library and str(step) == "feature_library: {library: library.csv, reading: A}"
    )
    with pytest.raises(StudyError, match="not found: .*elsewhere.library.csv"):
        resolve_protocols(study, plugins, tmp_path / "elsewhere")


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
        "clinical: {table: clinical.csv, id: id, outcome: y, event: 1}\nengine: python\nif_empty: best\nreport:"
        " {figures: []}\ntissues: {disc: {features: features.csv}}\nselection: [feature_library: {library:"
        " library.csv}]\nvalidation: {leave_one_out: false, folds: 3, bootstrap: 0}\nperformance: {decision_bootstrap:"
        " 0, partial_auc_bootstrap: 0}\n"
    )
    first = prldh.analyze(tmp_path / "study.yaml", tmp_path / "first", jobs=1).data
    assert first["study"]["settings"]["selection"][0]["feature_library"]["library"] == "library.csv", (
        "as the study file has it"
    )
    frame.iloc[:, 1:] = frame.iloc[:, [*range(11, 21), *range(1, 11)]].to_numpy()  # now the other ten share a factor
    frame.to_csv(tmp_path / "library.csv", index=False)
    again = prldh.analyze(tmp_path / "study.yaml", tmp_path / "again", jobs=1).data
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "empty"))
    fresh = prldh.analyze(tmp_path / "study.yaml", tmp_path / "fresh", jobs=1).data
    held_out = [d["models"][0]["validation"]["pipeline"]["folds"]["auc"] for d in (first, again, fresh)]
    assert held_out[1] == held_out[2] != held_out[0]


def _images(values, row, weight=None):
    row = np.asarray(row)
    return ImageValues(
        np.asarray(values, dtype=float), row, np.ones(len(row)) if weight is None else np.asarray(weight, dtype=float)
    )


def _image_rows(n=60, per_patient=4, seed=2, share=0.5):
    """Rows whose images are either as the library's or far away, by turns at random; every patient has some of both
    kinds."""
    generator = np.random.default_rng(seed)
    is_near = np.concatenate([generator.permutation(np.arange(per_patient) < share * per_patient) for _ in range(n)])
    values = np.where(
        is_near[:, None], _values(n * per_patient, seed, False), 8 + generator.normal(size=(n * per_patient, 20))
    )
    images = _images(values, np.repeat(np.arange(n), per_patient))
    outcome = generator.integers(0, 2, n).astype(np.int8)
    return TrainingRows(images.pooled(), None, outcome, np.arange(n), NAMES, None, (images,)), is_near


def test_images_that_are_as_the_librarys_stay(settings):
    rows, is_near = _image_rows()
    found = _fit(rows, settings.model_copy(update={"reading": "B"}))
    assert found.kept.tolist() == list(range(20)) and not found.dropped
    assert found.images(rows.images[0]).tolist() == is_near.tolist()
    assert (
        found.details["reading"] == "B" and found.details["n_images"] == 240 and found.details["n_images_kept"] == 120
    )
    assert found.details["distances"][0] < found.details["distances"][1]


def test_the_nearer_cluster_by_hand(settings):
    from sklearn.cluster import KMeans

    rows, _ = _image_rows(seed=5)
    found = _fit(rows, settings.model_copy(update={"reading": "B"}), seed=9)
    library = pd.read_csv(settings.library).iloc[:, 1:].to_numpy()
    z = (rows.images[0].values - library.mean(axis=0)) / library.std(axis=0)
    state = int(np.random.SeedSequence(9).generate_state(1)[0])
    cluster = KMeans(n_clusters=2, n_init=10, random_state=state).fit_predict(z)
    near = min((0, 1), key=lambda k: np.sum(z[cluster == k].mean(axis=0) ** 2))
    assert found.images(rows.images[0]).tolist() == (cluster == near).tolist()


def test_a_patient_far_from_the_library_is_represented_by_the_nearest_image(settings):
    rows, _ = _image_rows()
    rule = _fit(rows, settings.model_copy(update={"reading": "B"})).images
    stranger = _images(np.array([[9.0] * 20, [7.0] * 20, [8.0] * 20]), [0, 0, 0])
    assert rule(stranger).tolist() == [False, True, False]


def test_one_image_a_patient_leaves_everything_as_it_is(settings):
    rows, _ = _image_rows(per_patient=1)
    found = _fit(rows, settings.model_copy(update={"reading": "B"}))
    assert found.images(rows.images[0]).all()
    table = dataclasses.replace(rows, images=None)
    found = _fit(table, settings.model_copy(update={"reading": "B"}))
    assert found.images is None and "no single images" in found.warnings[0]


def test_a_mean_of_images_is_weighted_and_copies_of_a_patient_keep_theirs():
    images = _images([[1, 10], [3, 20], [5, 30], [7, 40]], [0, 0, 1, 2], [1, 3, 1, 0.2])
    np.testing.assert_allclose(images.pooled(), [[2.5, 17.5], [5, 30], [7, 40]])
    drawn = images.of_rows(np.array([2, 0, 0]))
    assert drawn.row.tolist() == [0, 1, 1, 2, 2] and drawn.values[:, 0].tolist() == [7, 1, 3, 1, 3]
    np.testing.assert_allclose(drawn.pooled(), [[7, 40], [2.5, 17.5], [2.5, 17.5]])


def test_reading_b_of_a_fit_is_what_a_plain_loop_gives(settings):
    """Chosen on training rows, applied to everyone by the same centroids, in both readers; later steps see the new
    means."""
    rows, _ = _image_rows(n=80, seed=7)
    images = rows.images[0]
    second = images._replace(values=images.values + 0.1)
    everyone = FeatureBlock("uctransnet", NAMES, images.pooled(), second.pooled(), None, (images, second))
    training = np.random.default_rng(1).integers(0, 80, 80)
    step = Step(SELECTOR, settings.model_copy(update={"reading": "B"}))
    protocol = Protocol((step,), True, "best")
    (drawn,) = training_rows((everyone,), Subjects.each(rows.outcome), training)
    fit = fit_tissue((drawn,), ("uctransnet",), protocol, np.random.SeedSequence(3), PythonEngine())
    choice, _, score = fit.chain
    library = pd.read_csv(settings.library).iloc[:, 1:].to_numpy()
    expected = np.full((80, 20), np.nan)
    for patient in range(80):
        own = images.values[images.row == patient]
        z = (own - library.mean(axis=0)) / library.std(axis=0)
        distance = np.array(
            [[np.sqrt(np.sum((image - centroid) ** 2)) for image in z] for centroid in choice.fitted.choose.centroids]
        )
        stays = distance[0] <= distance[1]
        expected[patient] = own[stays].mean(axis=0) if stays.any() else own[distance[0].argmin()]
    (changed,) = change_values((everyone,), fit.chain)
    np.testing.assert_allclose(changed.first, expected, rtol=1e-12)
    left, _ = apply_to_training(
        choice.fitted, training_rows((everyone,), Subjects.each(rows.outcome), np.arange(80))[0]
    )
    np.testing.assert_allclose(left.second, expected + 0.1, rtol=1e-12)
    score = score.fitted
    by_hand = score.intercept + ((expected - score.center) / score.scale) @ score.coefficients
    np.testing.assert_allclose(apply_chain(fit.chain, tables_of((everyone,))), by_hand, rtol=1e-9)
    np.testing.assert_allclose(fit.values, by_hand[training], rtol=1e-9)


@pytest.fixture(scope="module")
def image_study(tmp_path_factory, checkpoint):
    """Thirty synthetic patients, of whom the last six are the library; slices of theirs and of the others are
    measured."""
    folder = tmp_path_factory.mktemp("library")
    write_cohort(folder, 30)
    clinical = pd.read_csv(folder / "clinical.csv")
    clinical[24:].to_csv(folder / "library_patients.csv", index=False)
    clinical[:24].to_csv(folder / "analysed.csv", index=False)
    study = {
        "clinical": {"table": "library_patients.csv", "id": "patient_id", "outcome": "recurrence", "event": "yes"},
        "engine": "python",
        "if_empty": "best",
        "report": {"figures": []},
        "tissues": {"disc": {"images": "disc.csv", "sources": ["uctransnet"]}},
        "extraction": {"uctransnet": {"checkpoint": str(checkpoint), "size": 32, "slices": "all", "device": "cpu"}},
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }
    (folder / "library.yaml").write_text(yaml.safe_dump(study))
    extract(folder / "library.yaml", folder / "library", jobs=1)
    study["clinical"]["table"] = "analysed.csv"
    study["selection"] = [
        {"feature_library": {"library": "library/features/disc.uctransnet.images.csv", "reading": "B"}},
        {"correlation": {"outcome": 0.4}},
    ]
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return folder


def test_single_images_are_written_and_serve_as_a_library(image_study):
    images = pd.read_csv(image_study / "library/features/disc.uctransnet.images.csv")
    pooled = pd.read_csv(image_study / "library/features/disc.reader1.csv")
    assert len(images) > 2 * len(pooled) and list(images.columns[:3]) == ["patient_id", "reader", "weight"]
    means = images[images.reader == 1].groupby("patient_id", sort=False).mean()[list(pooled.columns[1:])]
    np.testing.assert_allclose(means.to_numpy(), pooled.iloc[:, 1:].to_numpy(), rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def results(image_study):
    return prldh.analyze(image_study / "study.yaml", image_study / "run", jobs=1)


def test_the_sensitivity_of_the_readings_is_in_the_report(image_study, results):
    entry = results.data["tissues"]["disc"]["selection"]
    (step,) = [s for s in entry["steps"] if s["name"] == "feature_library"]
    assert step["details"]["reading"] == "B" and step["details"]["n_images_kept"] <= step["details"]["n_images"]
    assert sum(map(len, entry["images_kept"]["uctransnet"].values())) == step["details"]["n_images_kept"]
    found = {s["setting"]: s for s in entry["sensitivity"]}
    assert list(found) == ["reading A", "reading B", "without it"] and [s["is_used"] for s in found.values()] == [
        False,
        True,
        False,
    ]
    assert found["reading B"]["features"] == entry["features"]
    model = results.data["models"][0]
    assert found["reading B"]["auc"]["estimate"] == pytest.approx(model["auc"]["estimate"])
    assert found["reading B"]["held_out"]["auc"]["estimate"] == pytest.approx(
        model["validation"]["pipeline"]["folds"]["auc_mean"]["estimate"]
    )
    page = unmarked((image_study / "run" / "report.html").read_text())
    assert "Sensitivity of the selection" in page and "are our readings" in page and "reading B, this study’s" in page
    assert len(pd.read_csv(image_study / "run" / "tables" / "sensitivity.csv")) == 3


def test_frozen_models_choose_the_images_of_new_patients(image_study, results):
    """The study's own patients, measured again, without the library: the predictions of the run."""
    content = {"name": "Own", "clinical": {"table": "analysed.csv"}, "tissues": {"disc": {"images": "disc.csv"}}}
    (image_study / "cohort.yaml").write_text(yaml.safe_dump(content))
    found = apply_models(image_study / "run", image_study / "cohort.yaml", jobs=1)
    mine = pd.read_csv(image_study / "run" / found["folder"] / "predictions.csv")
    said = results.predictions.query("scheme == 'apparent'")
    np.testing.assert_allclose(mine["log_odds"], said["log_odds"], atol=1e-9)
    clinical = pd.read_csv(image_study / "analysed.csv")
    clinical[3:8].to_csv(image_study / "few.csv", index=False)
    content = {**content, "name": "Few", "clinical": {"table": "few.csv"}}
    (image_study / "cohort.yaml").write_text(yaml.safe_dump(content))
    few = apply_models(image_study / "run", image_study / "cohort.yaml", jobs=1)
    few = pd.read_csv(image_study / "run" / few["folder"] / "predictions.csv")
    assert few["log_odds"].tolist() == mine["log_odds"][3:8].tolist()


def test_tables_hold_no_images_to_choose_from(image_study, results):
    table = "library/features/disc.reader1.csv"
    content = {
        "name": "Tables",
        "clinical": {"table": "library_patients.csv"},
        "tissues": {"disc": {"features": table}},
    }
    (image_study / "cohort.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(DataError, match="tissues.disc: its selection chose among single images, which tables"):
        apply_models(image_study / "run", image_study / "cohort.yaml")


def test_what_was_fitted_is_the_same_again_from_its_state(settings):
    rows, _ = _image_rows(n=30, seed=2)
    chosen = settings.model_copy(update={"reading": "B"})
    fitted = read_answer(SELECTOR.fit(rows, chosen, np.random.SeedSequence(1), None), rows).fitted[0]
    again = SELECTOR.from_state(json.loads(json.dumps(fitted.state, allow_nan=False)))
    others, _ = _image_rows(n=50, seed=8)
    images = others.images[0]
    columns = {"row": images.row, "weight": images.weight}
    expected = fitted.apply(images.values, others.names, columns)
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(again.apply(images.values, others.names, columns), expected)
    turned = images.take(np.arange(len(others.names))[::-1])
    np.testing.assert_array_equal(again.apply(turned.values, others.names[::-1], columns), expected)


@pytest.mark.parametrize("setting", ["reading A", "without it"])
def test_what_the_sensitivity_says_is_what_a_run_with_that_setting_gives(image_study, results, setting):
    study = yaml.safe_load((image_study / "study.yaml").read_text())
    library, other = study["selection"]
    library["feature_library"]["reading"] = "A"
    study["selection"] = [library, other] if setting == "reading A" else [other]
    (image_study / "other.yaml").write_text(yaml.safe_dump(study))
    data = prldh.analyze(image_study / "other.yaml", image_study / "other", jobs=1, force=True).data
    (told,) = [s for s in results.data["tissues"]["disc"]["selection"]["sensitivity"] if s["setting"] == setting]
    assert told["features"] == data["tissues"]["disc"]["selection"]["features"]
    assert told["auc"]["estimate"] == pytest.approx(data["models"][0]["auc"]["estimate"])
    assert told["held_out"]["auc"]["estimate"] == pytest.approx(
        data["models"][0]["validation"]["pipeline"]["folds"]["auc_mean"]["estimate"]
    )


def test_heat_maps_are_of_the_images_that_stay(image_study, results):
    """All features are deep, so that their part, over the images that stay, and the intercept are the score."""
    explain_study(image_study / "study.yaml", image_study / "run")
    about = json.loads((image_study / "run" / "explanation" / "disc.json").read_text())
    intercept = results.data["tissues"]["disc"]["radscore"]["intercept"]
    kept = results.data["tissues"]["disc"]["selection"]["images_kept"]["uctransnet"]
    assert (
        len({len(kept[p["id"]]) for p in about["patients"]}) > 1
        or min(len(kept[p["id"]]) for p in about["patients"]) > 1
    )
    for patient in about["patients"]:
        assert patient["deep_part"] + intercept == pytest.approx(patient["radscore"], rel=1e-3, abs=1e-3)

"""Three readers, as feature tables and as masks: every one's values enter the intraclass correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

import prldh
from prldh.core import PrldhError
from prldh.engines import PythonEngine

pytestmark = pytest.mark.usefixtures("undrawn")

N, P = 50, 6


@pytest.fixture
def study(tmp_path) -> dict:
    g = np.random.default_rng(12)
    event = g.integers(0, 2, N)
    ids = [f"P{i:02d}" for i in range(N)]
    truth = event[:, None] + g.normal(0, 1, (N, P))
    spread = np.array([0.2, 0.2, 0.5, 0.9, 1.5, 3.0])
    tables = []
    for reader in range(3):
        values = truth + spread * g.normal(0, 1, (N, P)) * (1 if reader < 2 else 4)
        tables.append(str(tmp_path / f"reader{reader + 1}.csv"))
        pd.DataFrame(values, columns=[f"f{j}" for j in range(P)]).assign(id=ids).sample(
            frac=1, random_state=reader
        ).to_csv(tables[-1], index=False)
    pd.DataFrame({"id": ids, "y": event}).to_csv(tmp_path / "clinical.csv", index=False)
    return {
        "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": 1, "covariates": {}},
        "tissues": {"disc": {"features": tables}},
        "selection": [{"icc": {"threshold": 0.7}}],
        "engine": "both",
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "univariate": False,
        "report": {"figures": [], "checklists": ["clear"]},
    }


def _readers(study: dict) -> list[np.ndarray]:
    paths = study["tissues"]["disc"]["features"]
    return [pd.read_csv(path).set_index("id").sort_index().to_numpy() for path in paths]


def test_the_icc_of_three_tables_is_that_of_three_readers(study, tmp_path):
    selection = prldh.analyze(study, tmp_path / "out", jobs=1).data["tissues"]["disc"]["selection"]
    assert selection["readers"] == 3
    of_three = PythonEngine().icc_of_ratings(np.stack(_readers(study), axis=1))["estimate"]
    of_two = PythonEngine().icc(*_readers(study)[:2])["estimate"]
    kept = {f"f{j}" for j in np.flatnonzero(of_three > 0.7)}
    assert set(selection["features"]) == kept != {f"f{j}" for j in np.flatnonzero(of_two > 0.7)}
    dropped = selection["steps"][0]["dropped"]
    assert set(dropped) == {f"f{j}" for j in range(P)} - kept
    assert selection["steps"][0]["details"]["estimate"]["max"] == pytest.approx(of_three.max())


def test_the_order_of_the_other_readers_does_not_matter(study, tmp_path):
    first = prldh.analyze(study, tmp_path / "first", jobs=1, engine="python")
    study["tissues"]["disc"]["features"][1:] = study["tissues"]["disc"]["features"][:0:-1]
    second = prldh.analyze(study, tmp_path / "second", jobs=1, engine="python")
    scores = [each.data["tissues"]["disc"]["radscore"] for each in (first, second)]
    assert scores[0] == scores[1]


def test_a_third_readers_table_is_checked_as_the_second_is(study, tmp_path):
    paths = study["tissues"]["disc"]["features"]
    table = pd.read_csv(paths[2])
    table.rename(columns={"f3": "g3"}).to_csv(paths[2], index=False)
    with pytest.raises(PrldhError, match=r"only in reader1.csv: f3; only in reader3.csv: g3"):
        prldh.analyze(study, tmp_path / "out", jobs=1)
    study["tissues"]["disc"]["features"] = [*paths[:2], paths[1]]
    with pytest.raises(PrldhError, match="reader2.csv is given for two readers"):
        prldh.analyze(study, tmp_path / "out", jobs=1)
    pd.read_csv(paths[0]).to_csv(paths[2], index=False)
    study["tissues"]["disc"]["features"] = paths
    results = prldh.analyze(study, tmp_path / "out", jobs=1, engine="python")
    assert any(
        w["code"] == "PRL-023" and "reader1.csv and reader3.csv" in w["message"] for w in results.data["warnings"]
    )


def _images(folder, n: int = 3) -> pd.DataFrame:
    g = np.random.default_rng(3)
    rows = []
    for i in range(n):
        image = sitk.GetImageFromArray(g.normal(100, 20, (6, 24, 24)))
        sitk.WriteImage(image, str(folder / f"image{i}.nii.gz"))
        row = {"patient_id": f"P{i}", "image": f"image{i}.nii.gz"}
        for reader in range(3):
            mask = np.zeros((6, 24, 24), np.uint8)
            mask[1:5, 4 + reader : 18, 4:18] = 1
            name = f"mask{i}_{reader}.nii.gz"
            sitk.WriteImage(sitk.GetImageFromArray(mask), str(folder / name))
            row[f"mask_reader{reader + 1}"] = name
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def images(tmp_path) -> tuple[dict, pd.DataFrame]:
    pd.DataFrame({"id": ["P0", "P1", "P2"], "y": [0, 1, 0]}).to_csv(tmp_path / "clinical.csv", index=False)
    table = _images(tmp_path)
    table.to_csv(tmp_path / "cases.csv", index=False)
    return {
        "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"images": str(tmp_path / "cases.csv")}},
    }, table


def test_three_masks_a_case_make_three_tables(images, tmp_path):
    study, _ = images
    prldh.extract(study, tmp_path / "out", jobs=1)
    tables = [pd.read_csv(tmp_path / "out" / "features" / f"disc.reader{k}.csv") for k in (1, 2, 3)]
    volumes = [table["original_shape_VoxelVolume"].tolist() for table in tables]
    assert volumes[0][0] == 4 * 14 * 14 and volumes[1][0] == 4 * 13 * 14 and volumes[2][0] == 4 * 12 * 14


def test_masks_of_readers_are_numbered_without_a_gap(images, tmp_path):
    study, table = images
    table.drop(columns="mask_reader2").to_csv(tmp_path / "cases.csv", index=False)
    with pytest.raises(PrldhError, match="no 'mask_reader2'"):
        prldh.extract(study, tmp_path / "out", jobs=1)

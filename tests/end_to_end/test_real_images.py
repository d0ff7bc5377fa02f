"""Real images of four sources through `prldh extract`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")

import prldh


def _extract(folder: Path, cases: list[dict], verify: int = 0) -> prldh.Extraction:
    pd.DataFrame(cases).to_csv(folder / "cases.csv", index=False)
    ids = list(dict.fromkeys(case["patient_id"] for case in cases))
    pd.DataFrame({"patient_id": ids, "y": "a"}).to_csv(folder / "clinical.csv", index=False)
    study = folder / "study.yaml"
    study.write_text(
        "clinical: {table: clinical.csv, id: patient_id, outcome: y, event: b}\ntissues: {roi: {images: cases.csv}}\n"
    )
    return prldh.extract(study, folder / "out", verify=verify)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))


def test_back_muscles_on_ct_and_a_disc_on_mr(shared_data, tmp_path):
    folder = shared_data / "totalsegmentator"
    muscles = [
        {
            "patient_id": "CT",
            "image": folder / "example_ct_sm.nii.gz",
            "mask": folder / "example_seg.nii.gz",
            "label": label,
        }
        for label in (86, 87)
    ]
    disc = {
        "patient_id": "MR",
        "image": folder / "example_mr_sm.nii.gz",
        "mask": folder / "example_seg_mr.nii.gz",
        "label": 20,
    }
    done = _extract(tmp_path, [*muscles, disc])
    table = done.tables["roi"][0]
    assert table.shape == (2, 1223) and np.isfinite(table.to_numpy()).all()
    import SimpleITK

    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / "example_seg.nii.gz")))
    sizes = [int((labels == label).sum()) for label in (86, 87)]
    assert [case["n_voxels"] for case in done.about["roi"]["cases"][:2]] == [[n] for n in sizes]
    assert table.loc["CT", "original_shape_VoxelVolume"] == pytest.approx(27 * np.mean(sizes), rel=1e-4)


def test_discs_per_label_become_one_row_a_patient(shared_data, tmp_path):
    folder = shared_data / "lumbar_mri"
    cases = [
        {"patient_id": s, "image": folder / f"{s}_t2.nii.gz", "mask": folder / f"{s}_discs.nii.gz", "label": level}
        for s in ("subject20", "subject25")
        for level in range(1, 6)
    ]
    done = _extract(tmp_path, cases)
    assert done.tables["roi"][0].shape == (2, 1223)
    assert [case["label"] for case in done.about["roi"]["cases"]] == [1, 2, 3, 4, 5] * 2


@pytest.mark.slow
def test_the_ibsi_phantom_from_dicom_and_rtstruct(shared_data, tmp_path):
    folder = shared_data / "ibsi" / "ct_phantom"
    dicom = {
        "patient_id": "P",
        "image": folder / "dicom" / "image",
        "mask": folder / "dicom" / "mask" / "DCM_RS_00060.dcm",
        "segment": "GTV-1",
    }
    done = _extract(tmp_path, [dicom], verify=1)
    assert len(done.verified) == 1223 and max(done.verified.values()) < 1e-9
    (tmp_path / "nifti").mkdir()
    nifti = {
        "patient_id": "P",
        "image": folder / "nifti" / "image" / "phantom.nii.gz",
        "mask": folder / "nifti" / "mask" / "mask.nii.gz",
    }
    same = _extract(tmp_path / "nifti", [nifti])
    first, second = done.tables["roi"][0].iloc[0], same.tables["roi"][0].iloc[0]
    assert first["original_firstorder_Mean"] == pytest.approx(second["original_firstorder_Mean"], rel=1e-3)

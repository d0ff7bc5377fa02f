"""A consensus mask of several readers: SimpleITK's numbers, ties outside, and the readers' own for the ICC."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imaging_data import GRID, write
from lesion_data import Plain, image_of, lesions_of, measure, study_of

import prldh
from prldh.core.errors import DataError
from prldh.data.imaging.consensus import consensus_mask, staple

sitk = pytest.importorskip("SimpleITK", reason="images need SimpleITK")

WAYS = ("staple", "majority", "intersection")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path_factory.mktemp("cache")))


def _as_sitk(masks):
    return [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]


@pytest.mark.parametrize("n_readers", [2, 3, 4, 5])
def test_probabilities_and_votes_are_simpleitk_s(n_readers):
    generator = np.random.default_rng(n_readers)
    for _ in range(25):
        shape = tuple(generator.integers(2, 12, 3))
        truth = generator.random(shape) < generator.random()
        masks = [truth ^ (generator.random(shape) < 0.4 * generator.random()) for _ in range(n_readers)]
        if all(np.array_equal(mask, masks[0]) for mask in masks) or not np.logical_and.reduce(masks).any():
            continue
        theirs = sitk.GetArrayFromImage(sitk.STAPLE(_as_sitk(masks), 1.0))
        np.testing.assert_allclose(staple(masks), theirs, atol=1e-9)
        is_clear = np.abs(theirs - 0.5) > 1e-6
        if (theirs > 0.5 + 1e-6).any():  # else nothing is inside, which is refused
            np.testing.assert_array_equal(consensus_mask(masks, "staple")[is_clear], (theirs > 0.5)[is_clear])
        votes = sitk.GetArrayFromImage(sitk.LabelVoting(_as_sitk(masks), 0))  # a tie is labelled 0
        np.testing.assert_array_equal(consensus_mask(masks, "majority"), votes == 1)
        np.testing.assert_array_equal(consensus_mask(masks, "intersection"), np.logical_and.reduce(masks))


def test_of_two_readers_the_majority_is_what_both_have():
    a, b = np.zeros((2, 3, 9, 9), dtype=bool)
    a[1, 2:6, 2:6] = b[1, 3:7, 3:7] = True
    np.testing.assert_array_equal(consensus_mask([a, b], "majority"), a & b)


@pytest.mark.parametrize("way", WAYS)
def test_equal_masks_are_their_own_consensus_even_where_they_fill_the_image(way):
    for mask in (np.ones((3, 4, 5), dtype=bool), np.eye(4, dtype=bool)[None]):
        np.testing.assert_array_equal(consensus_mask([mask, mask.copy()], way), mask)


@pytest.mark.parametrize("way", WAYS)
def test_masks_that_share_nothing_have_no_consensus(way):
    a, b = np.zeros((2, 3, 9, 9), dtype=bool)
    a[1, :3], b[1, 6:] = True, True
    with pytest.raises(DataError, match=f"nothing is inside the consensus .{way}. of 2 readers"):
        consensus_mask([a, b], way)


def _write(folder: Path, n: int = 3, seed: int = 0) -> list[str]:
    """Patients whose second reader's mask has another extent, on another crop of the grid."""
    cases = []
    for i in range(n):
        labels = lesions_of(seed + i, 3)
        write(folder / f"P{i:02d}.nii.gz", image_of(seed + i))
        first, second = (labels == 3).astype(np.uint8), (labels == 3).astype(np.uint8)
        second[np.unravel_index(np.flatnonzero(second)[: 1 + i % 3], second.shape)] = 0
        second[4 + i % 2] |= first.any(axis=0)
        write(folder / f"P{i:02d}_1.nii.gz", first)
        image = sitk.GetImageFromArray(second)
        for setter, value in zip(
            (image.SetOrigin, image.SetSpacing, image.SetDirection),
            (GRID.origin_mm, GRID.spacing_mm, GRID.direction),
            strict=True,
        ):
            setter(value)
        sitk.WriteImage(image[:, 1:, 1:], str(folder / f"P{i:02d}_2.nii.gz"))
        cases.append(
            {
                "patient_id": f"P{i:02d}",
                "image": f"P{i:02d}.nii.gz",
                "mask_reader1": f"P{i:02d}_1.nii.gz",
                "mask_reader2": f"P{i:02d}_2.nii.gz",
            }
        )
    return cases


def _mask(folder: Path, patient: int, reader: int) -> np.ndarray:
    image = sitk.ReadImage(str(folder / f"P{patient:02d}_{reader}.nii.gz"))
    found = np.zeros(GRID.size[::-1], dtype=bool)
    low = 0 if reader == 1 else 1
    found[low:, low:] = sitk.GetArrayFromImage(image) > 0
    return found


def _clinical(cases):
    return [{"patient_id": c["patient_id"], "event": i % 2} for i, c in enumerate(cases)]


@pytest.mark.parametrize("way", WAYS)
def test_values_are_of_the_consensus_and_each_reader_has_his_own(tmp_path, way):
    cases = _write(tmp_path)
    study = study_of(tmp_path, cases, _clinical(cases), consensus=way)
    done = prldh.extract(study, tmp_path / "out", jobs=1, plugins=[Plain()])
    features = tmp_path / "out" / "features"
    agreed = pd.read_parquet(features / "liver.consensus.parquet").set_index("patient_id")
    about = json.loads((features / "liver.json").read_text())
    assert about["consensus"] == way and about["n_readers"] == 2
    for i in range(3):
        masks = [_mask(tmp_path, i, reader) for reader in (1, 2)]
        for reader, mask in enumerate(masks):
            assert done.tables["liver"][reader].iloc[i].to_dict() == measure(image_of(i), mask)
        by_hand = consensus_mask(masks, way)
        assert agreed.iloc[i].to_dict() == measure(image_of(i), by_hand)
        entry = about["cases"][i]
        assert entry["consensus"]["n_voxels"] == by_hand.sum() and len(entry["consensus"]["dice"]) == 2
        assert entry["dice"] == pytest.approx(2 * (masks[0] & masks[1]).sum() / sum(m.sum() for m in masks))
    tissue = done.images.tissues["liver"]
    (block,) = tissue.blocks(tissue.ids)[0]
    assert block.is_consensus and len(block.raters) == 2
    order = [tissue.names.index(name) for name in block.names]
    np.testing.assert_array_equal(block.first, tissue.consensus[:, order])
    np.testing.assert_array_equal(block.raters[0], tissue.readers[0][:, order])


def test_another_way_measures_the_consensus_alone_and_what_was_measured_stays(tmp_path):
    cases = _write(tmp_path)
    plain = prldh.extract(study_of(tmp_path, cases, _clinical(cases)), None, jobs=1, plugins=[Plain()])
    asked = []

    class Counting(Plain):
        def extract(self, case, settings):
            asked.append(len(case.masks))
            return super().extract(case, settings)

    study = study_of(tmp_path, cases, _clinical(cases), consensus="majority")
    Counting.__module__ = Plain.__module__
    found = prldh.extract(study, None, jobs=1, plugins=[Counting()])
    assert asked == [1, 1, 1]
    for one, other in zip(plain.tables["liver"], found.tables["liver"], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_case_without_consensus_is_put_aside_and_one_reader_is_refused(tmp_path):
    cases = _write(tmp_path)
    far = np.zeros(GRID.size[::-1], dtype=np.uint8)
    far[0, -1, -1] = 1
    write(tmp_path / "P01_2.nii.gz", far)
    study = study_of(tmp_path, cases, _clinical(cases), consensus="majority")
    done = prldh.extract(study, None, jobs=1, plugins=[Plain()])
    assert [f.kind for f in done.images.tissues["liver"].findings if f.patient == "P01"][-1] == "disjoint_readers"
    ((patient, reason),) = done.images.tissues["liver"].aside
    assert patient == "P01" and "nothing is inside the consensus (majority)" in reason
    alone = [{**{k: v for k, v in c.items() if not k.startswith("mask")}, "mask": c["mask_reader1"]} for c in cases]
    with pytest.raises(DataError, match=r"tissues.liver.consensus: staple is of several readers' masks"):
        prldh.extract(study_of(tmp_path, alone, _clinical(cases), consensus="staple"), None, plugins=[Plain()])

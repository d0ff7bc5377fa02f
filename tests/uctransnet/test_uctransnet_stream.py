"""From rectangles to values: pictures made one by one and many at once, batches across patients, and a study whose
images others read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from prldh_uctransnet.crops import crops_of, picture_of_crop, pictures_on
from prldh_uctransnet.regions import pictures_of
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.source import NAMES, UCTransNetSource
from test_uctransnet_heatmaps import _write_cohort
from test_uctransnet_regions import make_case

import prldh
from prldh.core.errors import DataError, PluginError

SOURCE = UCTransNetSource()


def _cases(n, kind=np.float32, spacing=(0.7, 0.9, 3.0)):
    """Regions of many sizes, smaller and larger than the picture."""
    generator, made = np.random.default_rng(5), []
    for i in range(n):
        values = (1000 * generator.random((4, 60 + i, 70))).astype(kind)
        masks = np.zeros((2, *values.shape), bool)
        masks[0, 1:3, 3 + i : 9 + 5 * i + i, 5 : 12 + 6 * i] = True
        masks[1, 1:4, 4:40, 5 : 28 + i] = True
        made.append(make_case(values, *masks, spacing=spacing, patient=f"P{i}"))
    return made


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.uint8, np.int32, np.float32, np.float64])
def test_a_picture_of_a_rectangle_is_that_of_the_image(kind):
    for more in ({}, {"margin_mm": 3, "roi": "square"}, {"scale": "image"}):
        settings = Settings(size=48, slices="all", **more)
        for case in _cases(3, kind):
            crops = list(crops_of(case, settings))
            expected = np.concatenate([pictures_of(case, reader, settings) for reader in (0, 1)])
            assert [c.reader for c in crops] == [0] * 2 + [1] * 3
            np.testing.assert_array_equal([picture_of_crop(c, 48) for c in crops], expected)
            two = kind in (np.int16, np.uint16, np.uint8)
            assert all(c.values.dtype == (kind if two else np.float32) for c in crops)
            found = pictures_on(torch.device("cpu"), crops, 48)
            np.testing.assert_allclose(found.numpy(), expected, atol=2e-6)


def test_rectangles_of_all_sizes_become_pictures_together():
    settings = Settings(size=32, slices="all")
    crops = [
        c
        for spacing in ((1, 1, 1), (0.5, 1.3, 2))
        for case in _cases(8, spacing=spacing)
        for c in crops_of(case, settings)
    ]
    assert len({c.values.shape for c in crops}) > 15
    np.testing.assert_allclose(
        pictures_on(torch.device("cpu"), crops, 32).numpy(), [picture_of_crop(c, 32) for c in crops], atol=2e-6
    )


def test_what_has_no_picture_has_no_rectangle():
    case = _cases(1)[0]
    flat = make_case(np.zeros_like(case.image.values), *case.masks)
    with pytest.raises(DataError, match="holds one value alone"):
        list(crops_of(flat, Settings()))
    with pytest.raises(DataError, match="mask is empty"):
        list(crops_of(make_case(case.image.values, case.masks[0], case.masks[0] & False), Settings()))
    case.image.values[1, 10, 10] = np.inf
    with pytest.raises(DataError, match="not finite"):
        list(crops_of(case, Settings(margin_mm=50, slices="all")))


def _stream(cases, settings, pieces=2):
    """As a run does it: some pieces of a case, then word that it is whole."""
    stream, answers = SOURCE.open_stream(settings), []
    for owner, case in enumerate(cases):
        crops = list(SOURCE.prepare(case, settings))
        for start in range(0, len(crops), pieces):
            answers += stream.put(owner, crops[start : start + pieces], False)
        answers += stream.put(owner, (), True)
        held = len(stream._held) + sum(len(part) for part, _ in stream._flying)
        assert held < 2 * stream.embedder.batch + pieces, "pictures do not pile up"
    answers += stream.close()
    assert not stream._cases and not stream._held and not stream._flying
    return dict(answers), [owner for owner, _ in answers]


@pytest.mark.parametrize(("batch", "pool", "device"), [(4, "mean", "cpu"), (100, "max", "cpu"), (4, "mean", "not cpu")])
def test_values_are_those_of_each_case_alone(checkpoint, batch, pool, device, monkeypatch):
    """Also where pictures are made on the device and two batches are under way, played on a CPU."""
    settings = Settings(checkpoint=str(checkpoint), size=32, slices="all", device="cpu", batch=batch, pool=pool)
    cases = _cases(7)
    alone = [SOURCE.extract(case, settings) for case in cases]
    if device != "cpu":
        from prldh_uctransnet import source, streaming

        embedder = source._embedder_of(settings)
        monkeypatch.setattr(embedder, "launch", lambda crops, size: embedder._run_crops(crops, size))
        monkeypatch.setattr(streaming, "is_waited_for", lambda device: False)
    found, order = _stream(cases, settings)
    assert sorted(order) == list(range(7))
    for one, other in zip(alone, (found[i] for i in range(7)), strict=True):
        assert len(other) == 2 and all(tuple(values) == NAMES for values in other)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(list(a.values()), list(b.values()), atol=2e-5)
            if pool == "mean":
                np.testing.assert_allclose(a.images, b.images, atol=2e-5)


def test_a_case_that_is_dropped_leaves_nothing(checkpoint):
    settings = Settings(checkpoint=str(checkpoint), size=32, slices="all", device="cpu", batch=3)
    cases = _cases(3)
    stream = SOURCE.open_stream(settings)
    crops = [list(SOURCE.prepare(case, settings)) for case in cases]
    answers = stream.put(0, crops[0][:4], False)
    stream.drop(0)
    answers += stream.put(1, crops[1], True) + stream.put(0, crops[0], True) + stream.put(2, crops[2], True)
    found = dict(answers + stream.close())
    for i, case in enumerate(cases):
        for a, b in zip(SOURCE.extract(case, settings), found[i], strict=True):
            np.testing.assert_allclose(list(a.values()), list(b.values()), atol=2e-5)
    stream.put(0, crops[0], True)
    stream.drop(0)
    assert stream.close() == []


def test_values_that_are_not_finite_name_their_patient(checkpoint, monkeypatch):
    settings = Settings(checkpoint=str(checkpoint), size=32, device="cpu")
    stream = SOURCE.open_stream(settings)
    monkeypatch.setattr(
        type(stream.embedder), "launch", lambda self, crops, size: torch.full((len(crops), 512), np.nan)
    )
    stream.put(0, list(SOURCE.prepare(_cases(1)[0], settings)), True)
    with pytest.raises(PluginError, match="not finite for patient P0"):
        stream.close()


def test_a_cpu_needs_no_readers_and_a_gpu_all_jobs(checkpoint, monkeypatch):
    from prldh_uctransnet import source

    settings = Settings(checkpoint=str(checkpoint), size=32, device="cpu")
    assert SOURCE.readers(settings, 8) == 0 and SOURCE.readers(settings.model_copy(update={"readers": 3}), 8) == 3
    embedder = source._embedder_of(settings)
    monkeypatch.setattr(embedder, "device", torch.device("cuda"))
    assert SOURCE.readers(settings, 8) == 8
    assert "readers" not in settings.model_copy(update={"readers": 3}).model_dump(), "values do not depend on it"


@pytest.mark.slow
def test_a_study_whose_images_others_read_has_the_same_values(tmp_path, checkpoint, monkeypatch):
    study = _write_cohort(tmp_path, 8, checkpoint)
    (tmp_path / "i3.nii.gz").write_bytes(b"no image")
    found = []
    for readers in (None, 2):
        monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / f"cache{readers}"))
        content = json.loads(study.read_text())
        content["extraction"]["uctransnet"] |= {"readers": readers} if readers else {}
        study.write_text(json.dumps(content))
        found.append(prldh.extract(study, None, jobs=1))
    a, b = (done.tables["disc"][0] for done in found)
    assert a.index.tolist() == b.index.tolist() and len(a) == 7
    np.testing.assert_allclose(a, b, atol=2e-5)
    assert [r.reason for r in found[0].images.tissues["disc"].results] == [
        r.reason for r in found[1].images.tissues["disc"].results
    ]

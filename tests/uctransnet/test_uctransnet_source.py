"""The feature source: the encoder's 512 values, the same one case at a time and many together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from prldh_uctransnet import UCTransNet
from prldh_uctransnet.checkpoints import hash_patient, load_checkpoint, save_checkpoint
from prldh_uctransnet.embedding import Embedder, Encoder
from prldh_uctransnet.regions import pictures_of
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.source import NAMES, UCTransNetSource
from test_uctransnet_regions import make_case

from prldh.core.errors import DataError, PluginError, StudyError
from prldh.plugins.interfaces import FeatureSource
from prldh.plugins.registry import Registry
from prldh.plugins.settings import settings_of

SOURCE = UCTransNetSource()


@pytest.fixture(scope="module")
def cases():
    generator = np.random.default_rng(3)
    made = []
    for i in range(3):
        values = generator.normal(size=(5, 40, 44)).astype(np.float32)
        masks = np.zeros((2, *values.shape), bool)
        masks[0, 1:4, 3 + i : 22, 5:30] = True
        masks[1, 1:3, 4:24, 5:28] = True
        made.append(make_case(values, *masks, patient=f"P{i}"))
    return made


@pytest.fixture
def settings(checkpoint):
    return Settings(checkpoint=str(checkpoint), size=32, slices="all", device="cpu")


def test_it_is_registered_and_keeps_the_interface():
    assert isinstance(SOURCE, FeatureSource)
    assert "uctransnet" in Registry().registered("register_feature_sources")


def test_values_are_those_of_the_plain_network(cases, settings, checkpoint):
    network = load_checkpoint(checkpoint).network
    for reader, found in enumerate(SOURCE.extract(cases[0], settings)):
        pictures = torch.from_numpy(pictures_of(cases[0], reader, settings))[:, None]
        with torch.inference_mode():
            expected = network.embed(pictures).numpy()
        assert tuple(found) == NAMES and NAMES[0] == "uctransnet_000" and NAMES[-1] == "uctransnet_511"
        np.testing.assert_allclose(list(found.values()), expected.mean(axis=0), atol=2e-5)
        (largest,) = (SOURCE.extract(cases[0], settings.model_copy(update={"pool": "max"}))[reader],)
        np.testing.assert_allclose(list(largest.values()), expected.max(axis=0), atol=2e-5)


def test_many_together_are_each_alone(cases, settings):
    alone = [SOURCE.extract(case, settings) for case in cases]
    for batch in (1, 4, 100):
        together = SOURCE.extract_many(cases, settings.model_copy(update={"batch": batch}))
        for a, b in zip(alone, together, strict=True):
            for one, other in zip(a, b, strict=True):
                np.testing.assert_allclose(list(one.values()), list(other.values()), atol=1e-5)


def test_one_bad_case_does_not_stop_the_others(cases, settings):
    bad = make_case(cases[0].image.values, cases[0].masks[0] & False, patient="bad")
    found = SOURCE.extract_many([cases[0], bad, cases[1]], settings)
    assert isinstance(found[1], DataError) and "empty" in str(found[1])
    np.testing.assert_allclose(
        list(found[2][0].values()), list(SOURCE.extract(cases[1], settings)[0].values()), atol=1e-5
    )
    with pytest.raises(DataError, match="empty"):
        SOURCE.extract(bad, settings)


def test_without_a_checkpoint_it_says_how_to_train_one(cases):
    for ask in (SOURCE.check, SOURCE.fingerprint, SOURCE.trained_on, lambda s: SOURCE.extract(cases[0], s)):
        with pytest.raises(StudyError, match=r"prldh segment train STUDY\.yaml"):
            ask(Settings())


def test_a_bad_checkpoint_stops_the_run_with_its_place(cases, tmp_path):
    path = tmp_path / "c.pt"
    with pytest.raises(PluginError, match=r"extraction\.uctransnet\.checkpoint: checkpoint not found: .*c\.pt"):
        SOURCE.extract(cases[0], Settings(checkpoint=str(path)))
    with pytest.raises(PluginError, match=r"extraction\.uctransnet\.checkpoint: .*c\.pt cannot be read"):
        SOURCE.fingerprint(Settings(checkpoint=str(path)))
    torch.save({"w": torch.zeros(1)}, path)
    with pytest.raises(PluginError, match="another architecture"):
        SOURCE.extract(cases[0], Settings(checkpoint=str(path)))


def test_what_no_image_could_change_is_refused_first(settings, tmp_path):
    assert SOURCE.check(settings) is None
    with pytest.raises(PluginError, match="not found"):
        SOURCE.check(Settings(checkpoint=str(tmp_path / "absent.pt")))
    save_checkpoint(tmp_path / "narrow.pt", {"state_dict": UCTransNet(image_size=16, width=4).state_dict()})
    with pytest.raises(PluginError, match="a network of width 4 has no 512 values"):
        SOURCE.check(Settings(checkpoint=str(tmp_path / "narrow.pt")))


def test_a_replaced_checkpoint_is_read_again(cases, settings, checkpoint, tmp_path):
    path = tmp_path / "c.pt"
    content = torch.load(checkpoint, weights_only=True)
    torch.save(content, path)
    own = settings.model_copy(update={"checkpoint": str(path)})
    before, mark = SOURCE.extract(cases[0], own), SOURCE.fingerprint(own)
    content["state_dict"]["down4.nConvs.1.norm.bias"] += 1
    torch.save(content | {"more": 1}, path)
    assert SOURCE.extract(cases[0], own) != before and SOURCE.fingerprint(own) != mark


def test_training_patients_are_known_by_their_hash(settings):
    assert SOURCE.trained_on(settings) == {hash_patient("P1"), hash_patient("P2")}
    # FIPS 180-2, appendix B.1
    assert hash_patient("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_features_are_described(settings):
    about = SOURCE.describe(NAMES, settings)
    assert set(about) == set(NAMES)
    assert about["uctransnet_007"] == {"unit": None, "ibsi": None, "family": "deep", "channel": 7}


def test_a_grey_picture_for_a_colour_network_is_the_same_in_each_channel():
    torch.manual_seed(0)
    network = UCTransNet(n_channels=3, image_size=16).eval()
    picture = torch.rand(2, 1, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(
            Encoder(network)(picture), network.embed(picture.expand(2, 3, 16, 16)), atol=1e-5, rtol=1e-4
        )


def test_bytes_are_scaled_on_the_device(checkpoint):
    embedder = Embedder(load_checkpoint(checkpoint).network, "cpu")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    np.testing.assert_allclose(embedder(pictures), embedder(pictures.astype(np.float32) / 255), atol=1e-6)
    assert embedder(pictures[:0]).shape == (0, 512)


def test_too_little_memory_halves_the_batch(checkpoint):
    embedder = Embedder(load_checkpoint(checkpoint).network, "cpu", batch=8)
    pictures = np.random.default_rng(0).random((5, 16, 16), dtype=np.float32)
    expected, run = embedder(pictures), embedder._run

    def small(limit):
        def limited(part):
            if len(part) > limit:
                raise torch.OutOfMemoryError("no memory")
            return run(part)

        return limited

    embedder._run = small(2)
    np.testing.assert_allclose(embedder(pictures), expected, atol=1e-6)
    assert embedder.batch == 2 and embedder.halvings == 2
    embedder._run = small(0)
    with pytest.raises(PluginError, match="does not fit into the memory"):
        embedder(pictures)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"slice": "all"}, "did you mean 'slices'"),
        ({"train": {"epoch": 3}}, "unknown key 'train.epoch'; did you mean 'epochs'"),
        ({"slices": {"middle": 0}}, "slices"),
        ({"size": 100}, "multiple of 16"),
        ({"margin_mm": -1}, "margin_mm"),
    ],
)
def test_settings_are_checked(raw, message):
    with pytest.raises(StudyError, match=message):
        settings_of(Settings, raw, "extraction.uctransnet")
    assert settings_of(Settings, {"slices": {"middle": 3}}, "x").slices.middle == 3


def test_a_device_that_is_not_there_is_told(checkpoint):
    if not torch.cuda.is_available():
        with pytest.raises(PluginError, match="device: cuda is asked for"):
            Embedder(load_checkpoint(checkpoint).network, "cuda")


def test_a_checkpoint_lies_beside_the_study_file(tmp_path):
    assert Settings(checkpoint="net/best.pt").relative_to(tmp_path).checkpoint == str(tmp_path / "net" / "best.pt")
    assert Settings(checkpoint="/net/best.pt").relative_to(tmp_path).checkpoint == "/net/best.pt"
    assert Settings().relative_to(tmp_path) == Settings()


def test_how_a_network_would_be_trained_is_no_part_of_the_values(settings):
    other = Settings(**settings.model_dump(), train={"epochs": 3})
    assert other.train.epochs == 3 and other.model_dump(mode="json") == settings.model_dump(mode="json")

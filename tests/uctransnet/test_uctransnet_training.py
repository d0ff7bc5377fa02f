"""Training on a narrow network: it learns, is repeatable, goes on where it stopped, and stops with what is good."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from prldh_uctransnet import augmentation, keeping, parallel, training
from prldh_uctransnet.checkpoints import hash_patient, load_checkpoint, read_content
from prldh_uctransnet.loading import Ahead, rows_of
from prldh_uctransnet.recipe import Recipe
from prldh_uctransnet.slices import Slices
from prldh_uctransnet.training import add_gradients, begin, split_patients, train
from prldh_uctransnet.validating import loss_function

from prldh.core.errors import DataError, OutputError, PluginError, StudyError

TINY = Recipe(size=32, width=4, batch=4, epochs=3, learning_rate=3e-3, validation=0.4, device="cpu")


def write_study(folder, n, cases, recipe):
    """Clinical and cases table and a study file of patients P0, P1 …; ``cases``: a row's image and mask, with {} for
    the patient."""
    ids = [f"P{i}" for i in range(n)]
    (folder / "clinical.csv").write_text("id,y\n" + "".join(f"{i},{k % 2}\n" for k, i in enumerate(ids)))
    (folder / "cases.csv").write_text("id,image,mask\n" + "".join(f"{i},{cases.format(i, i)}\n" for i in ids))
    content = {
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"images": "cases.csv"}},
        "extraction": {"uctransnet": {"train": recipe}},
    }
    (folder / "study.yaml").write_text(json.dumps(content))
    return folder / "study.yaml"


def make_slices(n_patients=5, n_slices=1, seed=0, size=32):
    """Bright ellipses in noise."""
    generator, made = np.random.default_rng(seed), []
    y, x = np.mgrid[:size, :size]
    for i in range(n_patients):
        centre, radius = generator.uniform(10, 22, (n_slices, 2)), generator.uniform(4, 9, (n_slices, 2))
        masks = np.array(
            [((y - c[0]) / r[0]) ** 2 + ((x - c[1]) / r[1]) ** 2 <= 1 for c, r in zip(centre, radius, strict=True)]
        )
        pictures = np.clip(0.3 + 0.4 * masks + 0.1 * generator.normal(size=masks.shape), 0, 1)
        made.append(Slices(f"P{i}", pictures.astype(np.float16), masks.astype(np.uint8)))
    return made


def _weights(path):
    return load_checkpoint(path).network.state_dict()


def test_it_overfits_two_slices(tmp_path):
    """Two slices, seen by two patients who train and two who choose the epoch: what is learnt is what is asked."""
    two = make_slices(2)
    images = [Slices(f"P{i}", two[i % 2].pictures, two[i % 2].targets) for i in range(4)]
    training_ids, _ = split_patients([s.patient for s in images], Recipe(validation=0.5), 1)
    assert {int(p[1]) % 2 for p in training_ids} == {0, 1}, "both slices train"
    recipe = TINY.model_copy(
        update={"validation": 0.5, "epochs": 40, "augment": False, "width": 8, "learning_rate": 1e-2}
    )
    log = train(images, recipe, 1, tmp_path, say=lambda text: None)
    assert log["best"]["validation_dice"] > 0.95
    network = load_checkpoint(tmp_path / "best.pt").network
    for image in two:
        with torch.inference_mode():
            found = network(torch.from_numpy(image.pictures).float()[:, None])[:, 0].numpy() > 0
        assert 2 * (found & (image.targets == 1)).sum() / (found.sum() + image.targets.sum()) > 0.95


def test_the_same_seed_gives_the_same_network_and_another_another(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(make_slices(), TINY.model_copy(update={"epochs": 1}), seed, tmp_path / name, say=lambda text: None)
    a, b, c = (_weights(tmp_path / name / "last.pt") for name in "abc")
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert any(not torch.equal(a[k], c[k]) for k in a)


def test_a_resumed_run_ends_where_the_whole_one_does(tmp_path):
    images = make_slices(6, 2)
    whole = train(images, TINY, 3, tmp_path / "whole", say=lambda text: None)
    train(images, TINY.model_copy(update={"epochs": 1}), 3, tmp_path / "parts", say=lambda text: None)
    (tmp_path / "parts" / ".partial-x.pt").write_bytes(b"half")
    parts = train(images, TINY, 3, tmp_path / "parts", is_resumed=True, say=lambda text: None)
    assert parts["history"] == whole["history"] and len(whole["history"]) == 3
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == [
        "best.pt",
        "last.pt",
        "training.json",
    ], "no scraps of a killed run"
    for name in ("last.pt", "best.pt"):
        a, b = _weights(tmp_path / "whole" / name), _weights(tmp_path / "parts" / name)
        assert all(torch.equal(a[k], b[k]) for k in a)
    assert json.loads((tmp_path / "parts" / "training.json").read_text())["history"] == whole["history"]


def test_a_run_is_taken_up_with_its_own_settings_and_patients_alone(tmp_path):
    images = make_slices()
    one = TINY.model_copy(update={"epochs": 1})
    train(images, one, 3, tmp_path, say=lambda text: None)
    with pytest.raises(PluginError, match=r"train\.learning_rate \(0\.003 there, 0\.1 here\)"):
        train(images, one.model_copy(update={"learning_rate": 0.1}), 3, tmp_path, is_resumed=True)
    with pytest.raises(PluginError, match="train.seed"):
        train(images, one, 4, tmp_path, is_resumed=True)
    with pytest.raises(PluginError, match="its patients"):
        train([*images, Slices("P9", images[0].pictures, images[0].targets)], one, 3, tmp_path, is_resumed=True)
    with pytest.raises(DataError, match="not found"):
        train(images, one, 3, tmp_path / "nowhere", is_resumed=True)


def test_parts_of_a_batch_add_up_to_the_batch():
    """Without dropout and with BatchNorm as in evaluation, gradients do not depend on how many slices fit at a time."""
    images = make_slices(5)
    pictures, targets = rows_of(images)
    found = []
    for micro in (5, 2, 1):
        run = begin(TINY.model_copy(update={"batch": 5, "micro_batch": micro}), 1)
        run.network.eval()
        loss = add_gradients(run, Ahead(pictures, targets, run.device, 0), np.arange(5))
        found.append((loss, [p.grad for p in run.network.parameters()]))
    for loss, gradients in found[1:]:
        assert loss == pytest.approx(found[0][0], abs=1e-6)
        for a, b in zip(gradients, found[0][1], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)


def test_a_cpu_takes_as_many_slices_at_once_as_its_memory_holds():
    """The published recipe in steps of four; small networks take the whole batch. On a CPU too much memory ends the
    process unheard."""
    assert training._fitting(Recipe()) == 4 and training._fitting(Recipe(size=512)) == 1
    assert begin(TINY, 1).micro_batch == 4 and begin(TINY.model_copy(update={"micro_batch": 3}), 1).micro_batch == 3


def test_the_loss_is_bce_plus_dice_a_slice():
    generator = torch.Generator().manual_seed(0)
    logits, mask = (
        torch.randn(3, 1, 8, 8, generator=generator),
        (torch.rand(3, 1, 8, 8, generator=generator) > 0.6).float(),
    )
    p = torch.sigmoid(logits)
    dice = 1 - (2 * (p * mask).sum((1, 2, 3)) + 1e-5) / ((p + mask).sum((1, 2, 3)) + 1e-5)
    bce = torch.nn.functional.binary_cross_entropy_with_logits(logits, mask)
    assert loss_function()(logits, mask).item() == pytest.approx((bce + dice.mean()).item(), abs=1e-6)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_epoch(tmp_path, monkeypatch):
    images = make_slices()
    one = TINY.model_copy(update={"epochs": 1})
    train(images, one, 3, tmp_path, say=lambda text: None)
    good = (tmp_path / "last.pt").read_bytes()
    monkeypatch.setattr(training, "loss_function", lambda: lambda logits, y: logits.mean() * float("nan"))
    with pytest.raises(
        DataError, match=r"loss is not finite any more in epoch 2, step 1; the checkpoints of epoch 1 are kept"
    ):
        train(images, TINY, 3, tmp_path, is_resumed=True, say=lambda text: None)
    assert (tmp_path / "last.pt").read_bytes() == good
    with pytest.raises(DataError, match="no epoch was finished"):
        train(images, TINY, 3, tmp_path / "new", say=lambda text: None)
    assert not (tmp_path / "new").exists()


def test_too_little_memory_halves_the_part_and_goes_on(monkeypatch):
    images, said = make_slices(5), []
    pictures, targets = rows_of(images)
    run = begin(TINY.model_copy(update={"batch": 5}), 1)
    plain = training.add_gradients

    def limited(run, slices, batch):
        if run.micro_batch > 1:
            raise torch.OutOfMemoryError("no memory")
        return plain(run, slices, batch)

    monkeypatch.setattr(training, "add_gradients", limited)
    loss = training._step_with_less_memory(run, Ahead(pictures, targets, run.device, 0), np.arange(5), said.append)
    assert np.isfinite(loss) and run.micro_batch == 1
    assert said == [
        "the memory of cpu is too small: 2 slices at a time from here on, still 5 a step",
        "the memory of cpu is too small: 1 slices at a time from here on, still 5 a step",
    ]


def test_patients_are_split_not_slices():
    patients = [f"P{i}" for i in range(10) for _ in range(3)]
    a, b = split_patients(patients, Recipe(held_out=("P3",)), 5)
    assert not set(a) & set(b) and set(a) | set(b) | {"P3"} == set(patients) and len(b) == 2
    assert split_patients(patients[::-1], Recipe(held_out=("P3",)), 5) == (a, b), "the order of rows does not matter"
    assert len({tuple(split_patients(patients, Recipe(), s)[1]) for s in range(8)}) > 3


def test_processes_share_a_batch(monkeypatch):
    """Every slice is computed once, in as many parts everywhere, and the mean over processes of the weighted sums is
    the sum over the batch."""
    for n_slices, n, at_once in ((8, 4, 1), (5, 2, 2), (2, 3, 4), (9, 2, 4), (7, 1, 3)):
        seen, weighted, n_parts = [], 0.0, set()
        for rank in range(n):
            monkeypatch.setenv("RANK", str(rank))
            monkeypatch.setenv("WORLD_SIZE", str(n))
            parts = parallel.own_parts(np.arange(n_slices) + 1, at_once)
            assert all(0 < len(part) <= at_once for part, _ in parts), "the others would wait for a part without slices"
            n_parts.add(len(parts))
            seen += [int(i) for part, weight in parts if weight for i in part]
            weighted += sum(weight * part.sum() for part, weight in parts) / n
        assert sorted(seen) == list(range(1, n_slices + 1)) and len(n_parts) == 1
        assert weighted == pytest.approx(n_slices * (n_slices + 1) / 2)


@pytest.mark.parametrize(
    ("n", "recipe", "message"),
    [
        (5, Recipe(), "are 1 to choose the epoch by"),
        (3, Recipe(validation=0.6), "1 to train on"),
        (1, Recipe(), "0 to choose"),
        (9, Recipe(held_out=("X",)), "held_out names 'X'"),
    ],
)
def test_a_split_with_one_patient_is_refused(n, recipe, message):
    with pytest.raises(StudyError, match=message):
        split_patients([f"P{i}" for i in range(n)], recipe, 1)


def test_the_best_epoch_is_kept_with_its_provenance_and_training_ends_early(tmp_path, monkeypatch):
    scores = iter([0.2, 0.6, 0.6, 0.5, 0.9])
    monkeypatch.setattr(
        training, "validate", lambda run, images: {"validation_loss": 1.0, "validation_dice": next(scores)}
    )
    recipe = TINY.model_copy(update={"epochs": 9, "patience": 2, "held_out": ("P0",), "validation": 0.5})
    log = train(make_slices(), recipe, 3, tmp_path, say=lambda text: None)
    assert log["best"]["epoch"] == 2 and len(log["history"]) == 4, (
        "the earlier of two that tie; two epochs without a better one"
    )
    about = load_checkpoint(tmp_path / "best.pt").provenance
    assert about["epoch"] == 2 and about["validation"]["validation_dice"] == 0.6
    assert set(about["patients_sha256"]) == {hash_patient(f"P{i}") for i in (1, 2, 3, 4)}, (
        "a held-out patient did not train"
    )
    assert about["settings"]["learning_rate"] == 3e-3 and about["versions"]["torch"] and "P1" not in json.dumps(about)
    assert read_content(tmp_path / "last.pt")["training"]["best"]["epoch"] == 2


def test_a_disk_that_is_full_is_told_and_the_last_epoch_stays(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeping, "save_checkpoint", full)
    with pytest.raises(OutputError, match=r"epoch 1 cannot be written .* use --resume"):
        train(make_slices(), TINY, 3, tmp_path, say=lambda text: None)


def test_augmentation_moves_picture_and_target_alike_and_depends_on_its_seed_alone():
    images = make_slices(6, size=64)
    x = torch.from_numpy(np.concatenate([s.targets for s in images]))[:, None].float()
    drawn = [augmentation.draw(1, 2, i, True) for i in range(6)]
    moved, target = augmentation.apply(x, x, drawn)
    assert set(target.unique().tolist()) == {0.0, 1.0} and not torch.equal(target, x)
    assert ((moved > 0.5).float() - target).abs().mean() < 0.02, (
        "a picture that is its own target stays so, but for the grey values' exponent"
    )
    assert all(
        np.array_equal(a[0], b[0])
        for a, b in zip(drawn, [augmentation.draw(1, 2, i, True) for i in range(6)], strict=True)
    )
    assert not np.array_equal(augmentation.draw(1, 2, 0, True)[0], augmentation.draw(1, 3, 0, True)[0])
    signs = [np.linalg.det(augmentation.draw(1, 1, i, True)[0][:, :2]) < 0 for i in range(60)]
    assert 15 < sum(signs) < 45 and not any(
        np.linalg.det(augmentation.draw(1, 1, i, False)[0][:, :2]) < 0 for i in range(60)
    )

"""The network against the published implementation's outputs for seeded weights, and what it accepts beyond it."""

from __future__ import annotations

import pytest
import torch
from prldh_uctransnet import UCTransNet
from torch.nn import functional

from prldh.core.errors import DataError


@pytest.fixture(scope="module")
def network(seeded_weights):
    made = UCTransNet()
    made.load_state_dict(seeded_weights)
    return made.double().eval()


def _samples(values, expected):
    return values.detach().flatten()[expected["index"]], torch.tensor(expected["value"], dtype=values.dtype)


def test_keys_shapes_and_count_are_the_published_ones(published_keys):
    with torch.device("meta"):
        three, one = UCTransNet(n_channels=3), UCTransNet(n_channels=1)
    found = {
        key: {"shape": list(v.shape), "dtype": str(v.dtype).removeprefix("torch.")}
        for key, v in three.state_dict().items()
    }
    assert found == published_keys["keys"]
    assert {name for name, _ in three.named_parameters()} == set(published_keys["parameter_names"])
    assert sum(p.numel() for p in three.parameters()) == 66_430_657
    assert sum(p.numel() for p in one.parameters()) == 66_429_505


def test_outputs_in_evaluation(network, reference, reference_input):
    seen = {}
    names = [n for n in reference["eval"]["intermediates"] if n != "mtc.encoder.layer.0.channel_attn"]
    hooks = [
        network.get_submodule(n).register_forward_hook(lambda m, i, out, n=n: seen.__setitem__(n, out)) for n in names
    ]
    with torch.inference_mode():
        logits = network(reference_input[0])
        embedding = network.embed(reference_input[0])
    for hook in hooks:
        hook.remove()
    for name in names:
        expected = reference["eval"]["intermediates"][name]
        expected, found = (expected, seen[name]) if isinstance(expected, list) else ([expected], [seen[name]])
        for e, f in zip(expected, found, strict=True):
            assert list(f.shape) == e["shape"]
            assert float(f.double().mean()) == pytest.approx(e["mean"], rel=1e-11)
            assert float(f.double().norm()) == pytest.approx(e["l2"], rel=1e-11)
    found, expected = _samples(logits, reference["eval"]["logits_samples"])
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(
        embedding, torch.tensor(reference["eval"]["gap512"], dtype=torch.float64), rtol=1e-11, atol=1e-11
    )
    assert torch.equal(embedding, seen["down4"].mean((2, 3))), (
        "the encoder alone must give what the whole network gives"
    )


@pytest.mark.ci
def test_one_training_step(seeded_weights, reference, reference_input):
    expected = reference["train_dropout0"]
    network = UCTransNet()
    network.load_state_dict(seeded_weights)
    network.double().train()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    image, mask = reference_input
    logits = network(image)
    probability = torch.sigmoid(logits)
    bce = functional.binary_cross_entropy_with_logits(logits, mask)
    overlap = (probability * mask).sum((1, 2, 3))
    dice = (1 - (2 * overlap + 1e-5) / ((probability + mask).sum((1, 2, 3)) + 1e-5)).mean()
    assert bce.item() == pytest.approx(expected["bce"], rel=1e-11)
    assert dice.item() == pytest.approx(expected["dice_loss_linear_denominator_smooth1e-5"], rel=1e-11)
    torch.testing.assert_close(*_samples(probability, expected["prob_samples"]), rtol=1e-10, atol=1e-11)
    (bce + dice).backward()
    gradients = {name: p.grad for name, p in network.named_parameters()}
    assert set(gradients) == set(expected["grad_l2_of_bce_plus_dice"])
    for name, length in expected["grad_l2_of_bce_plus_dice"].items():
        assert float(gradients[name].norm()) == pytest.approx(length, rel=1e-9, abs=1e-12), name
    for name, key in (
        ("down4.nConvs.1.conv.weight", "grad_samples_down4"),
        ("mtc.encoder.layer.0.channel_attn.query2.1.weight", "grad_samples_q2_layer0_head1"),
    ):
        torch.testing.assert_close(*_samples(gradients[name], expected[key]), rtol=1e-9, atol=1e-12)
    state = network.state_dict()
    for name, e in expected["running_after"].items():
        assert float(state[name].double().norm()) == pytest.approx(e["l2"], rel=1e-11), name


def test_other_sizes_several_classes_and_channels():
    torch.manual_seed(1)
    network = UCTransNet(n_channels=3, n_classes=4, image_size=32).eval()
    with torch.inference_mode():
        for height, width in ((32, 32), (16, 16), (48, 32), (16, 64)):
            x = torch.rand(2, 3, height, width)
            assert network(x).shape == (2, 4, height, width)
            assert network.embed(x).shape == (2, 512)


def test_position_embeddings_are_interpolated_on_their_grid():
    embedding = UCTransNet(image_size=64).mtc.embeddings_1
    rows = torch.arange(4.0)[:, None].expand(4, 4)  # a plane over the grid stays one, away from the borders
    with torch.no_grad():
        embedding.position_embeddings.copy_(rows.reshape(1, 16, 1).expand(1, 16, 64))
    assert embedding.positions(4, 4) is embedding.position_embeddings
    larger = embedding.positions(8, 12).reshape(8, 12, 64)
    assert torch.allclose(larger[:, :1], larger, atol=1e-6), "width must not mix into height"
    torch.testing.assert_close(larger[3:5, 0, 0], torch.tensor([1.25, 1.75]), atol=1e-6, rtol=0)


def test_start_values():
    torch.manual_seed(0)
    network = UCTransNet(image_size=32)
    mlp = network.mtc.encoder.layer[0].ffn4
    assert float(mlp.fc1.weight.detach().abs().max()) <= (6 / (512 + 2048)) ** 0.5
    assert float(mlp.fc1.bias.detach().std()) == pytest.approx(1e-6, rel=0.1)
    assert not network.mtc.embeddings_4.position_embeddings.detach().any()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 1, 100, 224), "multiples of 16, found 100 x 224"),
        ((1, 3, 32, 32), r"takes images \(B, 1, H, W\)"),
        ((1, 32, 32), "takes images"),
        ((1, 1, 0, 16), "multiples of 16"),
    ],
)
def test_wrong_images_are_refused(shape, message):
    with torch.device("meta"):
        network = UCTransNet(image_size=32)
        with pytest.raises(DataError, match=message):
            network(torch.zeros(shape))


def test_a_wrong_size_is_refused():
    with pytest.raises(DataError, match=r"multiple of 16, found 100. Use 96"):
        UCTransNet(image_size=100)

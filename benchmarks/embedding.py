"""Images a second of the 512-value embedding, and how much the quicker ways change the values. Runs on a CPU and on a
GPU.

python benchmarks/embedding.py                                            # the device that is there
python benchmarks/embedding.py --batches 128 256 512 --precisions bf16 --compile     # on a GPU
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from prldh_uctransnet import UCTransNet
from prldh_uctransnet.devices import PRECISIONS, changes_in_sds, choose_device
from prldh_uctransnet.embedding import FLOPS_PER_IMAGE, Embedder
from prldh_uctransnet.regions import pictures_of
from prldh_uctransnet.settings import Settings

from prldh.core import Case, Geometry, Volume

SIZE = 224


def make_network(seed: int) -> UCTransNet:
    """Seeded weights that keep the signal's size from layer to layer, and BatchNorm figures that are not trivial."""
    torch.manual_seed(seed)
    network = UCTransNet(image_size=SIZE)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.8, 1.4)
    return network.eval()


def make_cases(n: int, seed: int) -> list[Case]:
    """Volumes of smooth noise with a region of about 120 x 160 pixels on three slices."""
    generator, made = np.random.default_rng(seed), []
    geometry = Geometry((320, 320, 5), (0.6, 0.6, 4.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    for i in range(n):
        values = generator.normal(size=(5, 320, 320)).cumsum(axis=1).cumsum(axis=2).astype(np.float32)
        mask = np.zeros(values.shape, bool)
        mask[1:4, 90:210, 80:240] = True
        made.append(Case(f"P{i}", "disc", i + 2, Volume(values, geometry, "MR"), (mask,)))
    return made


def seconds(work: Callable[[], object], device: torch.device, at_least: float) -> float:
    """The least time of one call among calls for ``at_least`` seconds (three or more); the first is not counted."""
    work()
    times: list[float] = []
    while len(times) < 3 or sum(times) < at_least:
        wait(device)
        start = time.perf_counter()
        work()
        wait(device)
        times.append(time.perf_counter() - start)
    return min(times)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def matrix_rate(device: torch.device, dtype: torch.dtype, at_least: float) -> float:
    """FLOP/s of a square matrix product: what the device can do in practice."""
    n = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    return 2 * n**3 / seconds(lambda: a @ b, device, at_least)


def bare_encoder(network: UCTransNet, batch: int, device: torch.device, at_least: float) -> float:
    """Seconds an image of ``network.embed`` as it stands, single precision, images on the device already."""
    x = torch.rand(batch, 1, SIZE, SIZE, device=device)
    with torch.inference_mode():
        return seconds(lambda: network.embed(x), device, at_least) / batch


def end_to_end(cases: list[Case], embedder: Embedder, settings: Settings) -> int:
    """Cases in memory to values, as the feature source does it: regions, resizing, batches, network. Returns the number
    of pictures."""
    pictures = np.concatenate([pictures_of(case, 0, settings) for case in cases])
    embedder(pictures)
    return len(pictures)


def between_patients(
    network: UCTransNet, device: torch.device, precisions: list[str], n: int, seed: int
) -> dict[str, dict[str, float]]:
    """How far each precision moves the values of ``n`` patients from single precision on the CPU, in SDs between these
    patients and, as is often told, of the largest value."""
    cases, settings = make_cases(n, seed), Settings(slices="largest")
    pictures = np.concatenate([pictures_of(case, 0, settings) for case in cases])
    reference = Embedder(network.cpu(), "cpu")(pictures)
    network.to(device)
    print(f"\nlargest change from single precision on the CPU, {n} simulated patients, {reference.shape[1]} features:")
    found = {}
    for precision in precisions:
        values = Embedder(network, device.type, precision)(pictures)
        changes = changes_in_sds(values, reference)
        finite = changes[np.isfinite(changes)]
        share = np.abs(values - reference).max() / np.abs(reference).max()
        print(
            f"{precision}: {finite.max():.3f} SD between patients (median feature {np.median(finite):.3f} SD), which is"
            f" {share:.1%} of the largest value; {np.isinf(changes).sum()} features without spread changed"
        )
        found[precision] = {
            "largest_sd": float(finite.max()),
            "median_sd": float(np.median(finite)),
            "share_of_largest_value": float(share),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batches", type=int, nargs="+")
    parser.add_argument("--precisions", nargs="+", choices=list(PRECISIONS), default=["fp32", "bf16"])
    parser.add_argument(
        "--patients", type=int, default=40, help="patients whose values are compared between precisions"
    )
    parser.add_argument("--only-precision", action="store_true", help="compare precisions, measure no speed")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    parser.add_argument("--compile", action="store_true", help="also through torch.compile")
    parser.add_argument("--seconds", type=float, default=3.0, help="least time of each measurement")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    is_gpu = device.type == "cuda"
    if is_gpu:
        torch.set_float32_matmul_precision("high")  # as cuDNN's convolutions, which take TF32: one floor for both
    if arguments.only_precision:
        given = (device, arguments.precisions, arguments.patients, arguments.seed)
        write_numbers(arguments.json, {"between_patients": between_patients(make_network(arguments.seed), *given)})
        return
    batches = arguments.batches or ([128, 256, 512] if is_gpu else [1, 8, 16])
    network = make_network(arguments.seed)
    pictures = np.random.default_rng(arguments.seed).integers(
        0, 256, (max(batches) * (8 if is_gpu else 1), SIZE, SIZE), dtype=np.uint8
    )
    sample = pictures[:16]
    with torch.inference_mode():  # on the CPU, where single precision is single precision
        expected = network.embed(torch.from_numpy(sample)[:, None].float() / 255).numpy()
    network = network.to(device)
    name = torch.cuda.get_device_name() if is_gpu else f"CPU, {torch.get_num_threads()} threads"
    print(
        f"torch {torch.__version__}, {name}; {FLOPS_PER_IMAGE / 1e9:.1f} GFLOP an image; values: mean "
        f"{expected.mean():.3f}, largest {expected.max():.3f}"
    )
    rates = {p: matrix_rate(device, PRECISIONS[p], arguments.seconds) for p in arguments.precisions}
    for precision, rate in rates.items():
        print(
            f"matrix product in {precision}: {rate / 1e12:.2f} TFLOP/s; floor {FLOPS_PER_IMAGE / rate * 1e6:.0f} us an"
            " image"
        )
    for batch in batches:
        print(
            f"bare encoder, fp32, batch {batch}: {1 / bare_encoder(network, batch, device, arguments.seconds):.1f}"
            " images/s"
        )
    print(
        "\nprecision  compiled  batch  images/s on device  share of the floor  images/s from uint8 host memory  "
        "largest change (of the largest value)"
    )
    ways = []
    for precision in arguments.precisions:
        for is_compiled in (False, True) if arguments.compile else (False,):
            for batch in batches:
                torch.compiler.reset()  # every batch size is compiled anew, and torch stops at eight
                embedder = Embedder(network, device.type, precision, batch, is_compiled)
                on_device = embedder.to_device(torch.from_numpy(pictures[:batch]))
                with torch.inference_mode():
                    one = seconds(lambda e=embedder, x=on_device: e.encoder(x), device, arguments.seconds) / batch
                held = pictures if is_gpu else pictures[:batch]
                host = seconds(lambda e=embedder, x=held: e(x), device, arguments.seconds) / len(held)
                change = np.abs(embedder(sample) - expected).max()
                ways.append(
                    {
                        "precision": precision,
                        "compiled": is_compiled,
                        "batch": batch,
                        "on_device_per_second": 1 / one,
                        "share_of_floor": FLOPS_PER_IMAGE / one / rates[precision],
                        "from_host_per_second": 1 / host,
                        "largest_change": float(change),
                    }
                )
                print(
                    f"{precision:9}  {is_compiled!s:8}  {batch:5}  {1 / one:18.1f} "
                    f" {FLOPS_PER_IMAGE / one / rates[precision]:17.0%}  {1 / host:31.1f}  {change:.2e}"
                    f" ({change / expected.max():.1e})"
                )
    print(
        "\nfrom cases in memory (three slices each), fp32, against the bare encoder at the same batch, measured in"
        " turn:"
    )
    cases, settings = make_cases(16 if not is_gpu else 256, arguments.seed), Settings(slices="all")
    for batch in batches:
        embedder = Embedder(network, device.type, "fp32", batch)
        n = end_to_end(cases[:1], embedder, settings) * len(cases)
        ratios = []
        for _ in range(3):
            bare = bare_encoder(network, batch, device, 0)
            start = time.perf_counter()
            end_to_end(cases, embedder, settings)
            ratios.append((time.perf_counter() - start) / n / bare)
        print(
            f"batch {batch}: {np.median(ratios):.2f} times the bare encoder's time (three trials:"
            f" {', '.join(f'{r:.2f}' for r in ratios)})"
        )
    changes = between_patients(network, device, arguments.precisions, arguments.patients, arguments.seed)
    write_numbers(arguments.json, {"device": name, "matrix_flops": rates, "ways": ways, "between_patients": changes})


def write_numbers(path: Path | None, numbers: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(numbers, indent=2))


if __name__ == "__main__":
    main()

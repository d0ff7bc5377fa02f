"""1,223 features of a muscle and a disc in a 512 × 512 × 60 CT: the fast path against PyRadiomics' default, in one run,
as ratios.

    python benchmarks/extraction.py                   one patient, one process; values are compared as well
    python benchmarks/extraction.py --cohort 6 --jobs 2   the fast path over patients in processes, by the clock,
    against PyRadiomics in one python benchmarks/extraction.py --growth          the ratio as region and image grow,
    drawn to benchmarks/extraction_growth.svg

The image is made: soft tissue in air, two muscles and a disc with texture of their own. Times are CPU seconds of one
core but for --cohort. Reading files and compiling are not timed; the first use of an installation compiles, and later
ones find that done.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from prldh_pyradiomics.settings import Settings
from prldh_pyradiomics.source import PyRadiomicsSource
from prldh_pyradiomics.verify import compare

from prldh.core import Case, Geometry, Volume

HERE = Path(__file__).parent
SPACING = (0.8, 0.8, 3.0)
SHAPE = (60, 512, 512)
GROWTH = {"muscle voxels": (2_000, 10_000, 40_000, 160_000, 400_000), "slices of 512 x 512": (15, 30, 60, 120)}
MUSCLE, DISC = 160_000, 5_000


def make_patient(
    shape: tuple[int, int, int] = SHAPE, muscle: int = MUSCLE, disc: int = DISC, seed: int = 1
) -> dict[str, Case]:
    """A muscle on both sides of the spine and a disc, of about so many voxels, in a CT of 16-bit numbers."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    z, y, x = (g.astype(np.float32) for g in np.ogrid[: shape[0], : shape[1], : shape[2]])
    middle, depth = shape[1] / 2, shape[0] - 4
    width = np.sqrt(muscle / depth / 2 / np.pi)  # two cylinders
    a = (disc * 3 / 4 / np.pi / 0.16 / 0.8) ** (1 / 3)  # an ellipsoid with half-axes a, 0.8 a and 0.16 a
    masks = {
        "muscle": (
            (((y - middle - 80) ** 2 + (np.abs(x - middle) - 60) ** 2) < width**2) & (z >= 2) & (z < shape[0] - 2)
        ),
        "disc": ((x - middle) / a) ** 2 + ((y - middle) / (0.8 * a)) ** 2 + ((z - shape[0] // 2) / (0.16 * a)) ** 2 < 1,
    }
    values = np.where(((y - middle) / 170) ** 2 + ((x - middle) / 230) ** 2 < 1, -80.0, -1000.0) + np.zeros(
        shape, np.float32
    )
    texture = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), (0.5, 1, 1))
    for name, level in (("muscle", 55), ("disc", 90)):
        values[masks[name]] = level
    values += 25 * texture / texture.std()
    values[rng.random(shape) < 1e-5] = 1500  # metal and bone set the extremes of the image
    volume = Volume(
        values.astype(np.int16),
        Geometry(shape[::-1], SPACING, (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)),
        "CT",
    )
    return {
        name: Case("P1", name, 2, volume, (np.ascontiguousarray(np.broadcast_to(mask, shape)),))
        for name, mask in masks.items()
    }


def fast(case: Case) -> dict[str, float]:
    return PyRadiomicsSource().extract(case, Settings())[0]


def pyradiomics_default(case: Case) -> dict[str, float]:
    """PyRadiomics as its documentation uses it, with the six image types."""
    import radiomics
    from prldh_pyradiomics.own import quietly, sitk_image
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    radiomics.setVerbosity(60)
    extractor = RadiomicsFeatureExtractor(additionalInfo=False)
    for name in ("Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential"):
        extractor.enableImageTypeByName(name)
    with quietly():
        features = extractor.execute(
            sitk_image(case.image.values, case.image), sitk_image(case.masks[0].astype(np.uint8), case.image)
        )
    return {name: float(value) for name, value in features.items()}


def cpu_seconds(function: Callable, case: Case, repeats: int = 1) -> tuple[float, dict[str, float]]:
    """The least CPU time of some runs, and the values."""
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        values = function(case)
        least = min(least, time.process_time() - start)
    return least, values


def warm_up() -> None:
    """Compile and import before anything is timed."""
    small = make_patient((20, 64, 64), 2000, 500)
    fast(small["disc"])
    pyradiomics_default(small["disc"])


def one_patient() -> None:
    warm_up()
    total = np.zeros(2)
    for name, case in make_patient().items():
        ours, values = cpu_seconds(fast, case, 3)
        theirs, reference = cpu_seconds(pyradiomics_default, case)
        differences = compare(values, reference)
        total += ours, theirs
        print(
            f"{name:7s} {case.masks[0].sum():7d} voxels, {len(values)} features: fast {ours:6.2f} s, PyRadiomics"
            f" {theirs:6.2f} s, {theirs / ours:5.1f} times; largest difference {max(differences.values()):.1e}"
        )
    print(f"patient: fast {total[0]:.2f} s, PyRadiomics {total[1]:.2f} s, {total[1] / total[0]:.1f} times")
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        peak, before = pool.apply(peak_memory)
    print(
        f"memory of a worker that makes and measures this patient: {peak:.2f} GB at most, {before:.2f} GB of it before"
        " measuring"
    )


def peak_memory() -> tuple[float, float]:
    """Peak memory in GB of this process after measuring a patient, and before."""
    patient = make_patient()
    fast(make_patient((20, 64, 64), 2000, 500)["disc"])
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of making the image
    for case in patient.values():
        fast(case)
    return _status("VmHWM"), before


def _status(key: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 2**20
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure_patient(seed: int) -> tuple[float, float]:
    """Seconds of the fast path on one made patient, by the clock and of the processor."""
    patient = make_patient(seed=seed)
    clock, processor = time.perf_counter(), time.process_time()
    for case in patient.values():
        fast(case)
    return time.perf_counter() - clock, time.process_time() - processor


def cohort(n: int, jobs: int) -> None:
    """Patients that every worker makes itself; only measuring is timed, so the clock is that of the busiest worker."""
    warm_up()
    patient = make_patient()
    theirs = np.zeros(2)
    for case in patient.values():
        clock, (processor, _) = time.perf_counter(), cpu_seconds(pyradiomics_default, case)
        theirs += time.perf_counter() - clock, processor
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, initializer=warm_up) as pool:
        seconds = np.sum(pool.map(measure_patient, range(n), chunksize=1), axis=0) / jobs
    for label, ours, reference in zip(("by the clock", "of the processor"), seconds, n * theirs, strict=True):
        print(
            f"{n} patients, {label}: fast in {jobs} processes {ours:.1f} s, PyRadiomics in one {reference:.1f} s (one"
            f" patient measured), {reference / ours:.1f} times"
        )


def growth() -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    warm_up()
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, (label, sizes) in zip(axes, GROWTH.items(), strict=True):
        rows = []
        for size in sizes:
            is_region = label.startswith("muscle")
            case = (
                make_patient(muscle=size)["muscle"]
                if is_region
                else make_patient((size, 512, 512), muscle=20_000)["muscle"]
            )
            own, reference = cpu_seconds(fast, case, 2)[0], cpu_seconds(pyradiomics_default, case)[0]
            rows.append((own, reference))
            print(
                f"{label} {size:7d}: fast {own:6.2f} s, PyRadiomics {reference:6.2f} s, {reference / own:5.1f} times",
                flush=True,
            )
        ours, theirs = np.transpose(rows)
        axis.loglog(sizes, theirs, "o-", color="#b2182b", label="PyRadiomics")
        axis.loglog(sizes, ours, "o-", color="#2166ac", label="fast path")
        axis.set(xlabel=label, ylabel="CPU seconds for 1,223 features")
        axis.legend(frameon=False)
    figure.savefig(HERE / "extraction_growth.svg", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", type=int, metavar="N")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--growth", action="store_true")
    arguments = parser.parse_args()
    if arguments.cohort:
        cohort(arguments.cohort, arguments.jobs)
    elif arguments.growth:
        growth()
    else:
        one_patient()


if __name__ == "__main__":
    main()

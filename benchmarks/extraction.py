"""1,223 features of a muscle and a disc in a 512 × 512 × 60 CT: the fast path against PyRadiomics' default, in one run,
as ratios.

    python benchmarks/extraction.py                   one patient, one process; values are compared as well
    python benchmarks/extraction.py --cohort 6 --jobs 2   the fast path over patients in processes, by the clock,
    against PyRadiomics in one
    python benchmarks/extraction.py --growth          the ratio as region and image grow, drawn to
    benchmarks/extraction_growth.svg
    python benchmarks/extraction.py --study           20 masks of 14 x 40 x 40: the whole command `prldh extract`
    against a loop of PyRadiomics over the same files, each a process
    python benchmarks/extraction.py --public FOLDER   brain1 and the CT muscle, from a folder with pyradiomics/ and
    totalsegmentator/
    python benchmarks/extraction.py --others FOLDER   Nyxus, MIRP and flash-radiomics on the first case of --study, each
    in an environment of its own below FOLDER, which is made by pip where it is not there

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
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from prldh_pyradiomics.settings import Settings
from prldh_pyradiomics.source import PyRadiomicsSource
from prldh_pyradiomics.verify import compare, relative_difference

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


LOOP = """
import csv, sys
from pathlib import Path
import radiomics
from radiomics.featureextractor import RadiomicsFeatureExtractor

radiomics.setVerbosity(60)
extractor = RadiomicsFeatureExtractor(additionalInfo=False)
for name in ("Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential"):
    extractor.enableImageTypeByName(name)
folder = Path(sys.argv[1])
rows = []
for row in csv.DictReader((folder / "cases.csv").open()):
    values = extractor.execute(str(folder / row["image"]), str(folder / row["mask"]))
    rows.append({"patient_id": row["patient_id"], **{name: float(value) for name, value in values.items()}})
writer = csv.DictWriter(Path(sys.argv[2]).open("w"), list(rows[0]))
writer.writeheader()
writer.writerows(rows)
"""


def make_study(folder: Path, n: int = 20) -> Path:
    """A study of ``n`` small cases as files: 14 x 40 x 40 voxels, an ellipsoid of 3,461."""
    import SimpleITK as sitk
    from scipy import ndimage

    rng = np.random.default_rng(1)
    z, y, x = np.ogrid[:14, :40, :40]
    mask = ((z - 7) / 5) ** 2 + ((y - 20) / 13) ** 2 + ((x - 20) / 13) ** 2 < 1
    cases, clinical = ["patient_id,image,mask"], ["patient_id,outcome"]
    for i in range(n):
        values = 100 + 160 * ndimage.gaussian_filter(rng.normal(size=mask.shape), (0.5, 1, 1))
        for name, array in ((f"i{i}", values.astype(np.int16)), (f"m{i}", mask.astype(np.uint8))):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing(SPACING)
            sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
        cases.append(f"P{i},i{i}.nii.gz,m{i}.nii.gz")
        clinical.append(f"P{i},{i % 2}")
    (folder / "cases.csv").write_text("\n".join(cases) + "\n")
    (folder / "clinical.csv").write_text("\n".join(clinical) + "\n")
    study = folder / "study.yaml"
    study.write_text(
        "title: Small cases\nclinical: {table: clinical.csv, id: patient_id, outcome: outcome, event: 1}\n"
        "tissues: {muscle: {images: cases.csv, sources: [pyradiomics]}}\n"
    )
    return study


def cpu_of(command: list[str], **environment: str) -> float:
    """CPU seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def small_study() -> None:
    """The whole command, started anew each time with nothing kept, against the loop; in turn, and the medians."""
    import csv

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = make_study(folder)
        program = str(Path(sys.executable).parent / "prldh")
        ours, theirs, starts = [], [], []
        for k in range(6):  # the first compiles
            out = folder / f"out{k}"
            own = cpu_of([program, "extract", str(study), "--out", str(out)], PRLDH_CACHE=str(folder / f"cache{k}"))
            reference = cpu_of([sys.executable, "-c", LOOP, str(folder), str(folder / "loop.csv")])
            start = cpu_of([program, "--help"])
            if k:
                ours, theirs, starts = [*ours, own], [*theirs, reference], [*starts, start]
        rows = [list(csv.DictReader(p.open())) for p in (out / "features" / "muscle.reader1.csv", folder / "loop.csv")]
        mine, their = ({row["patient_id"]: row for row in table} for table in rows)
        worst = max(
            relative_difference(float(mine[i][name]), float(their[i][name]))
            for i in mine
            for name in mine[i]
            if name != "patient_id"
        )
    own, reference = statistics.median(ours), statistics.median(theirs)
    print(
        f"20 masks of 14 x 40 x 40, whole command: prldh {own:.2f} s, PyRadiomics {reference:.2f} s,"
        f" {reference / own:.1f} times; prldh --help {statistics.median(starts):.2f} s; largest difference {worst:.1e}"
    )


def public(folder: Path) -> None:
    """Real cases, one process, against PyRadiomics."""
    import SimpleITK as sitk

    def case_of(image: str, mask: str, labels: tuple[int, ...]) -> Case:
        picture, drawn = (sitk.ReadImage(str(folder / name)) for name in (image, mask))
        geometry = Geometry(picture.GetSize(), picture.GetSpacing(), picture.GetOrigin(), picture.GetDirection())
        inside = np.isin(sitk.GetArrayFromImage(drawn), labels)
        return Case("P1", "region", 2, Volume(sitk.GetArrayFromImage(picture), geometry, None), (inside,))

    warm_up()
    for name, case in {
        "brain1": case_of("pyradiomics/brain1_image.nrrd", "pyradiomics/brain1_label.nrrd", (1,)),
        "CT muscle": case_of("totalsegmentator/example_ct_sm.nii.gz", "totalsegmentator/example_seg.nii.gz", (86, 87)),
    }.items():
        ours, values = cpu_seconds(fast, case, 7)
        theirs, reference = cpu_seconds(pyradiomics_default, case, 3)
        worst = max(compare(values, reference).values())
        print(
            f"{name:10s} {case.masks[0].sum():6d} voxels: fast {1000 * ours:5.0f} ms, PyRadiomics"
            f" {1000 * theirs:5.0f} ms, {theirs / ours:.1f} times; largest difference {worst:.1e}"
        )


#: Beside PyRadiomics: what a process of its environment does with an image and a mask, printing CPU seconds and values
#: as JSON; and PyRadiomics' names of those values whose definition is the same.
OTHERS = {
    "flash-radiomics": (
        """
from flash_radiomics import RadiomicsFeatureExtractor
import tempfile
e = RadiomicsFeatureExtractor({"setting": {"binWidth": 25.0, "hdf5OutputDirectory": tempfile.mkdtemp()}, "imageType": {
    name: {} for name in ("Original", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential")}}, backend="cpu")
def measure():
    return {k: float(v) for k, v in e.execute(image, mask, label=1).items() if not k.startswith("diagnostics")}
""",
        None,
        ("numpy", "h5py", "SimpleITK", "pykwalify", "PyWavelets", "scipy", "scikit-image", "scikit-learn", "trimesh"),
    ),
    "nyxus": (
        """
from nyxus import Nyxus3D
n = Nyxus3D(["*3D_ALL*"])
def measure():
    table = n.featurize_files([image], [mask], single_roi=False)
    return {k: float(table[k].iloc[0]) for k in table.columns if k.startswith("3")}
""",
        {
            "3MEAN": "Mean", "3MEDIAN": "Median", "3MIN": "Minimum", "3MAX": "Maximum", "3RANGE": "Range",
            "3SKEWNESS": "Skewness", "3KURTOSIS": "Kurtosis", "3ENERGY": "Energy", "3ENTROPY": "Entropy",
            "3UNIFORMITY": "Uniformity", "3ROOT_MEAN_SQUARED": "RootMeanSquared", "3VARIANCE_BIASED": "Variance",
            "3P10": "10Percentile", "3P90": "90Percentile", "3INTERQUARTILE_RANGE": "InterquartileRange",
            "3MEAN_ABSOLUTE_DEVIATION": "MeanAbsoluteDeviation",
            "3ROBUST_MEAN_ABSOLUTE_DEVIATION": "RobustMeanAbsoluteDeviation",
        },
        ("numpy",),
    ),
    "mirp": (
        """
from mirp import extract_features
def measure():
    table = extract_features(image=image, mask=mask, base_discretisation_method="fixed_bin_size",
                             base_discretisation_bin_width=25.0, resegmentation_intensity_range=[-10000.0, 10000.0])[0]
    families = ("stat_", "cm_", "rlm_", "szm_", "ngt_", "ngl_", "morph_")
    return {k: float(table[k].iloc[0]) for k in table.columns if k.startswith(families)}
""",
        {
            "stat_mean": "Mean", "stat_median": "Median", "stat_min": "Minimum", "stat_max": "Maximum",
            "stat_range": "Range", "stat_skew": "Skewness", "stat_var": "Variance", "stat_energy": "Energy",
            "stat_rms": "RootMeanSquared", "stat_p10": "10Percentile", "stat_p90": "90Percentile",
            "stat_iqr": "InterquartileRange", "stat_mad": "MeanAbsoluteDeviation",
            "stat_rmad": "RobustMeanAbsoluteDeviation",
        },
        ("numpy",),
    ),
}  # fmt: skip
MEASURE = """
import json, sys, time
image, mask = sys.argv[1:]
CODE
measure()
best = 1e9
for _ in range(3):
    start = time.process_time()
    values = measure()
    best = min(best, time.process_time() - start)
print("RESULT" + json.dumps([best, values]))
"""


def others(folder: Path) -> None:
    """Other libraries on one case: time a case, and how many of their values are ours."""
    import json
    import venv

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        make_study(place, 1)
        image, mask = str(place / "i0.nii.gz"), str(place / "m0.nii.gz")
        from prldh.api import CaseRow, load_case

        case = load_case(CaseRow("muscle", "P0", 2, Path(image), (Path(mask),), None, None))
        warm_up()
        own, values = cpu_seconds(fast, case, 7)
        print(f"prldh: {1000 * own:.0f} ms a case, {len(values)} values")
        for tool, (code, names, packages) in OTHERS.items():
            python = folder / tool / "bin" / "python"
            try:
                if not python.exists():
                    venv.create(folder / tool, with_pip=True)
                    install = [str(python), "-m", "pip", "install", "-q", tool, *packages]
                    subprocess.run(install, check=True, capture_output=True, timeout=900)
                done = subprocess.run(
                    [str(python), "-c", MEASURE.replace("CODE", code), image, mask],
                    check=True, capture_output=True, text=True, timeout=900, cwd=place,
                )  # fmt: skip
            except (subprocess.SubprocessError, OSError) as error:
                told = (getattr(error, "stderr", None) or str(error)) or type(error).__name__
                last = (told.decode() if isinstance(told, bytes) else told).strip().splitlines()[-1][:200]
                print(f"{tool}: not measured here ({last})")
                continue
            seconds, theirs = json.loads(done.stdout.rpartition("RESULT")[2])
            same = {k: k for k in theirs if k in values} if names is None else {
                k: f"original_firstorder_{v}" for k, v in names.items() if k in theirs
            }  # fmt: skip
            n = sum(relative_difference(theirs[k], values[v]) < 1e-6 for k, v in same.items())
            print(
                f"{tool}: {1000 * seconds:.0f} ms a case, {len(theirs)} values, {seconds / own:.1f} times ours; of"
                f" {len(same)} with the same definition {n} agree to 1e-6"
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
    parser.add_argument("--study", action="store_true")
    parser.add_argument("--public", type=Path, metavar="FOLDER")
    parser.add_argument("--others", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.study:
        small_study()
    elif arguments.public:
        public(arguments.public)
    elif arguments.others:
        others(arguments.others)
    elif arguments.cohort:
        cohort(arguments.cohort, arguments.jobs)
    elif arguments.growth:
        growth()
    else:
        one_patient()


if __name__ == "__main__":
    main()

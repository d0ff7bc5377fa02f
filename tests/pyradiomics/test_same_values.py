"""The fast path gives PyRadiomics' own values: on public images, in corners, and on random images and regions.

rtol is 1e-9. Where a value of PyRadiomics is below 1e-5 it may be rounding around 0 (the skewness of a symmetric
region, the least axis of a flat one): there the difference must stay below 1e-14, which is what `relative_difference`
counts; of a deviation in grey levels, below that share of the largest.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")
pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")

import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from cases import ball, make_case, read_case, textured
from prldh_pyradiomics.settings import Settings
from prldh_pyradiomics.source import PyRadiomicsSource

SOURCE = PyRadiomicsSource()
RTOL = 1e-9


def assert_same(case, rtol=RTOL, **wanted) -> None:
    differences = SOURCE.verify(case, Settings(**wanted))
    worst = max(differences, key=differences.get)
    n_wrong = sum(d > rtol for d in differences.values())
    assert differences[worst] <= rtol, f"{worst} differs by {differences[worst]:.2g}; {n_wrong} features do"


IMAGES = {
    "brain1": ("pyradiomics", "brain1_image.nrrd", "brain1_label.nrrd", None, 12),
    "breast1": ("pyradiomics", "breast1_image.nrrd", "breast1_label.nrrd", None, None),
    "digital phantom": ("ibsi/digital_phantom", "image/phantom.nii.gz", "mask/mask.nii.gz", None, None),
    "CT muscle": ("totalsegmentator", "example_ct_sm.nii.gz", "example_seg.nii.gz", 86, None),
    "CT vertebra": ("totalsegmentator", "example_ct_sm.nii.gz", "example_seg.nii.gz", 30, None),
    "MR muscle": ("totalsegmentator", "example_mr_sm.nii.gz", "example_seg_mr.nii.gz", 46, None),
    "MR disc": ("totalsegmentator", "example_mr_sm.nii.gz", "example_seg_mr.nii.gz", 24, None),
}


@pytest.mark.parametrize("name", IMAGES)
def test_public_images_1223_features(shared_data, name):
    folder, image, mask, label, around = IMAGES[name]
    case = read_case(shared_data / folder, image, mask, label=label, around=around)
    assert_same(case)
    assert len(SOURCE.extract(case, Settings())[0]) == 1223


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["subject20", "subject25"])
@pytest.mark.parametrize("label", [1, 3])
def test_lumbar_discs(shared_data, subject, label):
    assert_same(read_case(shared_data / "lumbar_mri", f"{subject}_t2.nii.gz", f"{subject}_discs.nii.gz", label=label))


@pytest.mark.slow
def test_ct_phantom(shared_data):
    folder = shared_data / "ibsi" / "ct_phantom" / "nifti"
    assert_same(read_case(folder, "image/phantom.nii.gz", "mask/mask.nii.gz"))


SHAPE = (9, 15, 12)


def corner_cases():
    values = textured(SHAPE)
    inside = ball(SHAPE, (4, 7, 6), (3, 5, 4))
    single = np.zeros(SHAPE, bool)
    single[4, 3:9, 2:8] = True
    sagittal = np.zeros(SHAPE, bool)
    sagittal[2:7, 3:9, 5] = True
    pieces = ball(SHAPE, (2, 3, 3), (2, 2, 2)) | ball(SHAPE, (6, 11, 9), (2, 3, 2))
    diagonal = np.zeros(SHAPE, bool)
    diagonal[range(5), range(5), range(5)] = True
    apart = np.zeros(SHAPE, bool)
    apart[1, 2, 3] = apart[1, 2, 7] = apart[6, 9, 3] = True
    two_values = np.where(np.indices(SHAPE).sum(axis=0) % 2, 40, -10).astype(np.int16)
    return {
        "inside": (values, inside),
        "even sizes": (values[:8, :14], inside[:8, :14]),
        "whole image": (values, np.ones(SHAPE, bool)),
        "first corner": (values, ball(SHAPE, (0, 0, 0), (4, 6, 5))),
        "last corner": (values, ball(SHAPE, (8, 14, 11), (4, 6, 5))),
        "low side": (values, ball(SHAPE, (4, 0, 6), (2, 3, 3))),
        "high side": (values, ball(SHAPE, (4, 14, 6), (2, 3, 3))),
        "one slice": (values, single),
        "one sagittal slice": (values, sagittal),
        "one slice image": (values[4:5], single[4:5]),
        "several components": (values, pieces),
        "a diagonal": (values, diagonal),
        "voxels apart": (values, apart),
        "constant region": (np.where(inside, 37, values).astype(np.int16), inside),
        "constant float": (np.full(SHAPE, 0.1), inside),
        "constant image": (np.full(SHAPE, 37, np.int16), inside),
        "two values": (two_values, inside),
        "negative": ((values - 2000).astype(np.int16), inside),
        "symmetric": ((np.indices(SHAPE)[2] * 50 - 275).astype(np.int16), np.ones(SHAPE, bool)),
        "single precision": (values.astype(np.float32) / 3, inside),
        "other byte order": (values.astype(">i2"), inside),
        "unsigned": ((values + 400).astype(np.uint16), inside),
        "8 bit": (np.clip(values + 128, 0, 255).astype(np.uint8), inside),
        "below one": (values / 1e3, inside),
    }


@pytest.mark.parametrize("name", corner_cases())
def test_corners(name):
    values, mask = corner_cases()[name]
    spacing = (0.7, 0.9, 3.3) if len(name) % 2 else (1.0, 1.0, 1.0)
    assert_same(make_case(values, mask, spacing_mm=spacing))


SETTINGS = {
    "bin count": {"binCount": 16},
    "narrow bins": {"binWidth": 12},
    "normalised": {"normalize": True, "normalizeScale": 100, "removeOutliers": 2},
    "resampled": {"resampledPixelSpacing": [1.5, 1.5, 2.0]},
    "in-plane": {"resampledPixelSpacing": [1.5, 1.5, 0.0], "interpolator": "sitkLinear"},
    "cut before": {"preCrop": True, "padDistance": 3},
    "slice by slice": {"force2D": True},
    "sagittal slices": {"force2D": True, "force2Ddimension": 2},
    "weighted": {"weightingNorm": "euclidean"},
    "pooled": {"weightingNorm": "no_weighting"},
    "block norm": {"weightingNorm": "manhattan"},
    "longest step": {"weightingNorm": "infinity"},
    "far neighbours": {"distances": [1, 2], "gldm_a": 1},
    "not symmetric": {"symmetricalGLCM": False},
    "within a range": {"resegmentRange": [-100, 150]},
    "within sigmas": {"resegmentRange": [-1.5, 1.5], "resegmentMode": "sigma", "resegmentShape": True},
    "shifted": {"voxelArrayShift": 1000},
    "another wavelet": {"wavelet": "db3"},
    "two levels": {"level": 2},
    "from level 1": {"start_level": 1},
    "long wavelet": {"wavelet": "coif3"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name):
    shape = (11, 17, 14)
    case = make_case(textured(shape, 3, 70), ball(shape, (5, 8, 5), (4, 6, 5)), spacing_mm=(0.8, 1.0, 2.5))
    assert_same(case, **SETTINGS[name])


@pytest.mark.parametrize("exact", [False, True])
def test_log_of_an_image_that_is_cut(exact):
    shape = (30, 60, 60)
    masks = ball(shape, (14, 30, 30), (3, 5, 4)), ball(shape, (16, 33, 30), (3, 5, 4))
    case = make_case(textured(shape, 5), *masks, spacing_mm=(1.0, 1.0, 2.0))
    assert_same(case, rtol=RTOL if exact else 1e-6, preset="protocol-log", sigma=[1.0, 1.5], exact_log=exact)


@st.composite
def random_cases(draw):
    shape = draw(st.tuples(*(st.integers(low, 13) for low in (1, 3, 3))))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    kind = draw(st.sampled_from(["int16", "float32", "float64", "uint8"]))
    levels = draw(st.sampled_from([2, 9, 300]))
    values = rng.integers(0, levels, shape) * (900 // levels)
    values = values - 450 if kind != "uint8" else values % 256
    values = values + rng.random(shape) if kind.startswith("float") else values
    box = [sorted(draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))) for n in shape]
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b + 1) for a, b in box)] = True
    mask &= rng.random(shape) < draw(st.sampled_from([0.3, 0.8, 1.0]))
    extent = [int(np.ptp(p)) > 0 for p in np.nonzero(mask)] if mask.any() else []
    if sum(extent) < 2:  # too little for PyRadiomics: the whole image instead
        mask[:] = True
    spacing = draw(st.tuples(*[st.sampled_from([0.5, 1.0, 1.37, 4.0])] * 3))
    return make_case(values.astype(kind), mask, spacing_mm=spacing)


#: Without shrinking: an example takes a third of a second, and the message names the feature.
RANDOM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
}


@given(random_cases())
@settings(max_examples=12, **RANDOM)
def test_random_images_and_regions(case):
    assert_same(case)


@pytest.mark.slow
@given(random_cases())
@settings(max_examples=1000, **RANDOM)
def test_many_random_images_and_regions(case):
    assert_same(case)


def test_readers_are_independent_of_each_other():
    """Both readers at once, from the filters' common part, are what each gives alone."""
    shape = (12, 20, 18)
    values = textured(shape, 7)
    masks = ball(shape, (3, 5, 5), (3, 4, 4)), ball(shape, (9, 15, 13), (2, 4, 4))
    both = SOURCE.extract(make_case(values, *masks), Settings(preset="protocol-1223", sigma=[1.0]))
    alone = [SOURCE.extract(make_case(values, m), Settings(preset="protocol-1223", sigma=[1.0]))[0] for m in masks]
    assert len(both) == 2
    for one, other in zip(both, alone, strict=True):
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-6, equal_nan=True)

"""The parts of the fast path by themselves, against the libraries that define them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import pdist

pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
pywt = pytest.importorskip("pywt", reason="PyWavelets is not installed")
pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")

sys.path.insert(0, str(Path(__file__).parent))
from cases import ball, textured  # noqa: E402
from prldh_pyradiomics import kernels, shape  # noqa: E402
from prldh_pyradiomics.formulas import order_statistics  # noqa: E402
from prldh_pyradiomics.region import Region, directions  # noqa: E402
from prldh_pyradiomics.verify import compare, relative_difference  # noqa: E402
from prldh_pyradiomics.wavelet import axis_cut, wavelet_images  # noqa: E402


@given(st.integers(1, 60), st.data(), st.integers(1, 12))
def test_axis_cut_keeps_what_a_circular_filter_sees(n, data, reach):
    start = data.draw(st.integers(0, n - 1))
    stop = data.draw(st.integers(start + 1, n))
    index, at = axis_cut(n, start, stop, reach)
    even = n + n % 2
    assert len(index) % 2 == 0 and len(index) <= even and index.min() >= 0 and index.max() < n
    padded = np.where(np.arange(even) == n, 0, np.arange(even))
    for offset in range(-reach, reach + 1):
        seen = index[(at + np.arange(stop - start) + offset) % len(index)]
        np.testing.assert_array_equal(seen, padded[(start + np.arange(stop - start) + offset) % even])


@pytest.mark.parametrize("wavelet", ["coif1", "haar", "db7", "bior3.1"])
@pytest.mark.parametrize("kind", [np.int16, np.float32, np.float64])
def test_wavelets_of_a_part_are_those_of_the_whole_to_the_last_bit(wavelet, kind):
    """Rounding of values that are 0 in theory decides their bin, so nothing less will do."""
    size = (23, 40, 37)
    values = textured(size, 1).astype(kind)
    values[:, 20:] = 100  # a flat part, where details are rounding alone
    padded = np.pad(values, [(0, n % 2) for n in size], "wrap")
    whole = pywt.swtn(padded, wavelet, level=1, start_level=0, axes=(2, 1, 0))[0]
    for box in (
        (0, 5, 0, 9, 0, 7),
        (18, 23, 31, 40, 30, 37),
        (10, 12, 18, 24, 15, 20),
        (0, 23, 3, 5, 36, 37),
        (11, 12, 0, 40, 0, 1),
    ):
        part = tuple(slice(a, b) for a, b in zip(box[::2], box[1::2], strict=True))
        for name, values_of in wavelet_images(values, part, {"wavelet": wavelet}).items():
            expected = whole[name.removeprefix("wavelet-").replace("L", "a").replace("H", "d")][part]
            assert values_of.dtype == expected.dtype
            np.testing.assert_array_equal(values_of, expected, err_msg=name)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=50), st.floats(0.1, 500))
@settings(deadline=None)
def test_bins_are_numpys(values, width):
    from radiomics import imageoperations

    values = np.array(values)
    edges = np.asarray(imageoperations.getBinEdges(values, binWidth=width))
    bins, counts = kernels.assign_bins(values, edges)
    np.testing.assert_array_equal(bins, np.digitize(values, edges))
    np.testing.assert_array_equal(counts, np.bincount(bins, minlength=len(edges) + 1))


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=60))
def test_percentiles_are_numpys_to_the_last_bit(values):
    percentiles, median = order_statistics(np.array(values), (10, 25, 75, 90))
    np.testing.assert_array_equal(percentiles, np.percentile(values, [10, 25, 75, 90]))
    assert median == np.median(values)


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.float32])
def test_values_on_an_edge_belong_to_the_bin_above(kind):
    values = np.arange(0, 251, 25).astype(kind)
    bins, _ = kernels.assign_bins(values, np.arange(0.0, 300.0, 25.0))
    np.testing.assert_array_equal(bins, np.arange(1, 12))


masks = st.builds(
    lambda seed, size, fill: np.random.default_rng(seed).random(size) < fill,
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(1, 7)] * 3),
    st.sampled_from([0.1, 0.5, 0.9, 1.0]),
).filter(lambda m: m.any())


@given(masks, st.tuples(*[st.sampled_from([0.5, 1.0, 3.3])] * 3))
@settings(deadline=None)
def test_mesh_is_pyradiomics(mask, spacing):
    """Surface, volume and diameters from counted patterns and hulls, against PyRadiomics' walk over triangles and all
    pairs."""
    from radiomics import cShape

    padded = np.pad(mask, 1)
    surface, volume, diameters = cShape.calculate_coefficients(padded, np.array(spacing))
    counts = shape.count_cubes(padded.view(np.uint8))
    assert shape.surface_by_pattern(spacing) @ counts[:, 0] == pytest.approx(surface, rel=1e-12)
    assert (shape.volume_by_pattern() * counts).sum() * np.prod(spacing) == pytest.approx(volume, rel=1e-11)
    np.testing.assert_array_equal(shape.diameters(padded.view(np.uint8), spacing), diameters)


def test_diameter_of_a_large_ball_is_that_of_all_pairs():
    mask = np.pad(ball((21, 25, 23), (10, 12, 11), (9, 11, 10)), 1)
    spacing = (2.0, 0.7, 1.1)
    surface = [(np.argwhere(np.diff(mask.astype(int), axis=a)) + 0.5 * np.eye(3)[a]) * spacing for a in range(3)]
    assert shape.diameters(mask.view(np.uint8), spacing)[3] == pytest.approx(
        pdist(np.concatenate(surface)).max(), rel=1e-14
    )


def test_zones_are_scipys_connected_components():
    rng = np.random.default_rng(4)
    mask = rng.random((6, 9, 8)) < 0.8
    level = rng.integers(1, 4, mask.shape)
    region = Region.of(mask, (1.0, 1.0, 1.0))
    grid, places, strides = region.layout(1)
    grid[places] = level[mask]
    ranks, sizes = kernels.measure_zones(grid, places, directions(region.size, (1,)) @ strides)
    expected = []
    for k in (1, 2, 3):
        labels, n = ndimage.label((level == k) & mask, structure=np.ones((3, 3, 3)))
        expected += [(k, int((labels == i + 1).sum())) for i in range(n)]
    assert sorted(zip(ranks.tolist(), sizes.tolist(), strict=True)) == sorted(expected)
    assert not grid.any()


@pytest.mark.parametrize(
    ("value", "reference", "expected"),
    [
        (1.1, 1.0, 0.1),
        (0.0, 0.0, 0.0),
        (np.nan, np.nan, 0.0),
        (1.0, np.nan, np.inf),
        (np.nan, 1.0, np.inf),
        (np.inf, np.inf, 0.0),
        (np.inf, 1.0, np.inf),
        (1e-14, 0.0, 1e-9),
    ],
)
def test_relative_difference(value, reference, expected):
    assert relative_difference(value, reference) == pytest.approx(expected)


def test_what_is_rounding_of_a_deviation_grows_with_the_grey_levels():
    """One unit in the last place of 194, which a region of the values 0 and 194 gave on one side alone."""
    levels = {"square_firstorder_Minimum": 0.0, "square_firstorder_Maximum": 194.0}
    names = [f"square_firstorder_{name}" for name in ("RobustMeanAbsoluteDeviation", "Mean", "Skewness")]
    reference = {**levels, **dict.fromkeys(names, 0.0)}
    found = compare({**reference, **dict.fromkeys(names, np.spacing(194.0))}, reference)
    assert [found[name] < 1e-9 for name in names] == [True, False, False]
    assert compare({**reference, names[0]: 1e-9}, reference)[names[0]] > 1e-9

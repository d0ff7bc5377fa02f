"""The features of one filtered image by PyRadiomics' formulas, without PyRadiomics.

Sums are taken in another order than NumPy's, which changes the last digits. Where a feature is a difference of which
less than a hundred-thousandth is left (the cluster shade of a symmetric region), or an eigenvalue near 0, those digits
are all there is: PyRadiomics' own classes then compute it, in its own order (:mod:`prldh_pyradiomics.classes`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from prldh_pyradiomics import sums
from prldh_pyradiomics.texture import GreyLevels

#: Less than this is left of a difference: its digits depend on the order of summation.
LITTLE = 1e-5
#: Singular values of a co-occurrence matrix from which on, and up to which, they are those of PyRadiomics' matrix.
CORRELATIONS = (0.01, 0.9999)

#: A class's features by name, in PyRadiomics' order. What is not there is left to PyRadiomics' class.
Values = dict[str, float]


def firstorder(grey: GreyLevels) -> Values:
    """As PyRadiomics', but without its care for NaN, which there is none of, and with what several features need
    computed once."""
    x = grey.values.astype(float)
    n = len(x)
    p = grey.counts / float(n)
    mean = x.mean()
    deviations = x - mean
    squares = deviations**2
    (p10, p25, p75, p90), median = order_statistics(x, (10, 25, 75, 90))
    variance = squares.mean()
    scale = variance if variance else 1.0
    shift = grey.options.get("voxelArrayShift", 0)
    shifted = x + shift if shift else x
    energy = (shifted * shifted).sum()
    low, high = x.min(), x.max()
    middle = x[(x >= p10) & (x <= p90)]
    return {
        "10Percentile": p10,
        "90Percentile": p90,
        "Energy": energy,
        "Entropy": -1.0 * (p * np.log2(p + sums.EPS)).sum(),
        "InterquartileRange": p75 - p25,
        "Kurtosis": (squares**2).mean() / scale**2.0,
        "Maximum": high,
        "Mean": mean,
        "MeanAbsoluteDeviation": np.abs(deviations).mean(),
        "Median": median,
        "Minimum": low,
        "Range": high - low,
        "RobustMeanAbsoluteDeviation": np.abs(middle - middle.mean()).mean(),
        "RootMeanSquared": np.sqrt(energy / float(n)),
        "StandardDeviation": np.sqrt(variance),  # deprecated: where it is asked for by name
        "Skewness": (squares * deviations).mean() / scale**1.5,
        "TotalEnergy": energy * np.multiply.reduce(grey.region.spacing_mm[::-1]),
        "Uniformity": (p**2).sum(),
        "Variance": variance,
    }


def order_statistics(x: np.ndarray, percents: tuple[float, ...]) -> tuple[list[float], float]:
    """Percentiles (NumPy's linear ones, to the last bit) and the median of x (n,), all from one partial sort."""
    n = len(x)
    places = [(n - 1) * np.float64(p / 100) for p in percents]
    below = [int(np.floor(v)) for v in places]
    wanted = {*below, *(min(b + 1, n - 1) for b in below), (n - 1) // 2, n // 2}
    x = np.partition(x, sorted(wanted))
    percentiles = []
    for place, low in zip(places, below, strict=True):
        share, a, b = place - low, x[low], x[min(low + 1, n - 1)]
        percentiles.append(b - (b - a) * (1 - share) if share >= 0.5 else a + (b - a) * share)
    return percentiles, np.mean(x[(n - 1) // 2 : n // 2 + 1])


def glcm(grey: GreyLevels) -> Values:
    """Means over the directions in which there are pairs."""
    n = grey.n_levels
    if grey.options.get("weightingNorm") is not None:
        return {}
    pairs, n_grey = grey.pairs_by_direction, int(grey.levels[-1])
    root, totals = np.empty((len(pairs), n, n)), np.empty(len(pairs))
    out = np.empty((len(pairs), len(sums.COOCCURRENCE)))
    is_symmetric = bool(grey.options.get("symmetricalGLCM", True))
    room = np.empty(n), np.empty(n), np.empty(2 * n_grey + 1), np.empty(n_grey + 1)
    sums.cooccurrence(pairs, grey.levels.astype(float), n_grey, is_symmetric, *room, root, totals, out)
    kept = totals > 0
    if kept.sum() < 2:
        return {}
    mean = dict(zip(sums.COOCCURRENCE, out[kept].mean(axis=0).tolist(), strict=True))
    terms = mean.pop("shade_terms")
    del mean["information"]
    if n == 1:  # nothing varies, so nothing is rounded
        return mean | {"Imc1": 0.0, "Imc2": 0.0, "MCC": 1.0}
    if abs(mean["ClusterShade"]) < LITTLE * terms:
        del mean["ClusterShade"]
    if out[kept, -1].min() < LITTLE:
        del mean["Imc2"]
    for name in ("Correlation", "Imc1"):
        if abs(mean[name]) < LITTLE:
            del mean[name]
    correlations = _second_singular_values(root[kept], is_symmetric)
    if CORRELATIONS[0] < correlations.min() and correlations.max() < CORRELATIONS[1]:
        mean["MCC"] = float(correlations.mean())
    return mean


def _second_singular_values(root: np.ndarray, is_symmetric: bool) -> np.ndarray:
    """Of each of some matrices (k, n, n), n at least 2."""
    if is_symmetric:
        return np.asarray(np.sort(np.abs(np.linalg.eigvalsh(root)), axis=1)[:, -2])
    return np.asarray(np.linalg.svd(root, compute_uv=False)[:, 1])


def _of_lengths(tables: np.ndarray, levels: np.ndarray, sizes: np.ndarray, names: dict[str, str]) -> Values:
    """Means over the directions in which there is something; ``names``: PyRadiomics' → those of
    :data:`~prldh_pyradiomics.sums.LENGTHS`."""
    out = np.empty((len(tables), len(sums.LENGTHS)))
    sums.lengths(tables, levels.astype(float), sizes.astype(float), np.empty(len(sizes)), out)
    kept = out[out[:, 0] > 0]
    if not len(kept):
        return {}
    mean = dict(zip(sums.LENGTHS, kept.mean(axis=0).tolist(), strict=True))
    return {name: mean[own] for name, own in names.items()}


def _named(small: str, large: str, what: str, size: str, left_out: tuple[str, ...] = ()) -> dict[str, str]:
    """PyRadiomics' names of a class, in its order: it calls a zone small, a run short, and so on."""
    names = {
        f"{small}Emphasis": "SmallEmphasis",
        f"{large}Emphasis": "LargeEmphasis",
        "GrayLevelNonUniformity": "GrayLevelNonUniformity",
        "GrayLevelNonUniformityNormalized": "GrayLevelNonUniformityNormalized",
        f"{size}NonUniformity": "NonUniformity",
        f"{size}NonUniformityNormalized": "NonUniformityNormalized",
        f"{what}Percentage": "Percentage",
        "GrayLevelVariance": "GrayLevelVariance",
        f"{what}Variance": "Variance",
        f"{what}Entropy": "Entropy",
        f"{small}LowGrayLevelEmphasis": "SmallLowGrayLevelEmphasis",
        f"{small}HighGrayLevelEmphasis": "SmallHighGrayLevelEmphasis",
        f"{large}LowGrayLevelEmphasis": "LargeLowGrayLevelEmphasis",
        f"{large}HighGrayLevelEmphasis": "LargeHighGrayLevelEmphasis",
    }
    plain = "" if what == "Dependence" else what  # of dependences it says LowGrayLevelEmphasis
    names |= {f"{end}GrayLevel{plain}Emphasis": f"{end}GrayLevelEmphasis" for end in ("Low", "High")}
    return {name: names[name] for name in sorted(names) if name not in left_out}


RUNS = _named("ShortRun", "LongRun", "Run", "RunLength")
ZONES = _named("SmallArea", "LargeArea", "Zone", "SizeZone")
DEPENDENCES = _named(
    "SmallDependence",
    "LargeDependence",
    "Dependence",
    "Dependence",
    ("DependencePercentage", "GrayLevelNonUniformityNormalized"),
)


def glrlm(grey: GreyLevels) -> Values:
    """Means over the directions in which there are runs."""
    if grey.options.get("weightingNorm") is not None:
        return {}
    runs = grey.runs_by_direction
    return _of_lengths(runs, grey.levels, np.arange(1, runs.shape[2] + 1), RUNS)


def glszm(grey: GreyLevels) -> Values:
    table, sizes = grey.zones
    return _of_lengths(table[None], grey.levels, sizes, ZONES)


def gldm(grey: GreyLevels) -> Values:
    table = grey.dependence[None]
    return _of_lengths(table, grey.levels, np.arange(1, table.shape[2] + 1), DEPENDENCES)


def ngtdm(grey: GreyLevels) -> Values:
    out = np.empty(len(sums.NEIGHBOURHOOD))
    sums.neighbourhood(grey.counts, grey.differences, grey.levels.astype(float), out)
    return dict(zip(sums.NEIGHBOURHOOD, out.tolist(), strict=True))


FORMULAS: dict[str, Callable[[GreyLevels], Values]] = {
    "firstorder": firstorder,
    "glcm": glcm,
    "gldm": gldm,
    "glrlm": glrlm,
    "glszm": glszm,
    "ngtdm": ngtdm,
}
#: Every feature that is not deprecated, by class, in PyRadiomics' order.
NAMES: dict[str, tuple[str, ...]] = {
    "firstorder": (
        *("10Percentile", "90Percentile", "Energy", "Entropy", "InterquartileRange", "Kurtosis", "Maximum"),
        *(
            "MeanAbsoluteDeviation",
            "Mean",
            "Median",
            "Minimum",
            "Range",
            "RobustMeanAbsoluteDeviation",
            "RootMeanSquared",
        ),
        *("Skewness", "TotalEnergy", "Uniformity", "Variance"),
    ),
    "glcm": tuple(sorted((*sums.COOCCURRENCE[:-2], "MCC"))),
    "gldm": tuple(DEPENDENCES),
    "glrlm": tuple(RUNS),
    "glszm": tuple(ZONES),
    "ngtdm": sums.NEIGHBOURHOOD,
}

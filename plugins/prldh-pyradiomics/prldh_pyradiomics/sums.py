"""PyRadiomics' formulas of textures as compiled sums over the matrices, each matrix read once for all its features."""

from __future__ import annotations

import numpy as np

from prldh_pyradiomics.machine_code import kernel

EPS = float(np.spacing(1))

#: What :func:`cooccurrence` gives of a direction, in this order; ``shade_terms`` and ``information`` say how much of
#: ClusterShade and Imc2 is left of what they are differences of.
COOCCURRENCE = (
    "Autocorrelation",
    "ClusterProminence",
    "ClusterShade",
    "ClusterTendency",
    "Contrast",
    "Correlation",
    "DifferenceAverage",
    "DifferenceEntropy",
    "DifferenceVariance",
    "Id",
    "Idm",
    "Idmn",
    "Idn",
    "Imc1",
    "Imc2",
    "InverseVariance",
    "JointAverage",
    "JointEnergy",
    "JointEntropy",
    "MaximumProbability",
    "SumAverage",
    "SumEntropy",
    "SumSquares",
    "shade_terms",
    "information",
)


@kernel("i4[:,:,:]", "f8[:]", "i8", "i8", "f8[:]", "f8[:]", "f8[:]", "f8[:]", "f8[:,:,:]", "f8[:]", "f8[:,:]")
def cooccurrence(
    pairs: np.ndarray,
    levels: np.ndarray,
    n_grey: int,
    is_symmetric: int,
    px: np.ndarray,
    py: np.ndarray,
    by_sum: np.ndarray,
    by_difference: np.ndarray,
    root: np.ndarray,
    totals: np.ndarray,
    out: np.ndarray,
) -> None:
    """:data:`COOCCURRENCE` of every direction: fills ``out`` (directions, 25), ``totals`` (directions), and ``root``
    (directions, levels, levels), p / √(px py + ε), whose second largest singular value is the maximal correlation
    coefficient (to second order in ε / px py, where PyRadiomics' matrix divides by px py + ε).

    ``pairs`` (directions, rank, neighbour's rank) with rank 0 outside, which is not counted; ``levels`` (levels,)
    ascending, the last is ``n_grey``. The others are room: ``px``, ``py`` (levels,), ``by_sum`` (2 n_grey + 1,),
    ``by_difference`` (n_grey + 1,).
    """
    n = len(levels)
    eps = 2.220446049250313e-16
    for a in range(len(pairs)):
        total = 0.0
        for i in range(n):
            for j in range(n):
                total += pairs[a, i + 1, j + 1]
        if is_symmetric:
            total *= 2
        totals[a] = total
        if total == 0:
            continue
        for k in range(len(by_sum)):
            by_sum[k] = 0.0
        for k in range(len(by_difference)):
            by_difference[k] = 0.0
        for i in range(n):
            px[i] = 0.0
            py[i] = 0.0
        ux = 0.0
        uy = 0.0
        for i in range(n):
            for j in range(n):
                count = pairs[a, i + 1, j + 1]
                if is_symmetric:
                    count += pairs[a, j + 1, i + 1]
                p = count / total
                root[a, i, j] = p
                px[i] += p
                py[j] += p
                ux += levels[i] * p
                uy += levels[j] * p
        auto = prominence = shade = shade_terms = tendency = contrast = 0.0
        var_x = var_y = covariance = energy = entropy = largest = 0.0
        hxy1 = hxy2 = hx = hy = 0.0
        for i in range(n):
            if px[i] > 0:
                hx -= px[i] * np.log2(px[i] + eps)
            if py[i] > 0:
                hy -= py[i] * np.log2(py[i] + eps)
            dx = levels[i] - ux
            for j in range(n):
                product = px[i] * py[j]
                log = np.log2(product + eps)
                hxy2 -= product * log
                p = root[a, i, j]
                if p == 0:
                    continue
                dy = levels[j] - uy
                sum_ = levels[i] + levels[j]
                deviation = sum_ - ux - uy
                square = deviation * deviation
                difference = levels[i] - levels[j]
                auto += p * (levels[i] * levels[j])
                tendency += p * square
                cube = p * (square * deviation)
                shade += cube
                shade_terms += abs(cube)
                prominence += p * (square * square)
                contrast += p * (difference * difference)
                var_x += p * (dx * dx)
                var_y += p * (dy * dy)
                covariance += p * dx * dy
                energy += p * p
                entropy -= p * np.log2(p + eps)
                hxy1 -= p * log
                largest = max(largest, p)
                by_sum[int(sum_)] += p
                by_difference[int(abs(difference))] += p
                root[a, i, j] = p / np.sqrt(product + eps)
        deviations = np.sqrt(var_x) * np.sqrt(var_y)
        difference_average = 0.0
        for k in range(n_grey):
            difference_average += k * by_difference[k]
        difference_entropy = difference_variance = inverse = idm = idmn = id_ = idn = 0.0
        for k in range(n_grey):
            q = by_difference[k]
            if q == 0:
                continue
            difference_entropy -= q * np.log2(q + eps)
            difference_variance += q * ((k - difference_average) * (k - difference_average))
            idm += q / (1.0 + float(k) * k)
            idmn += q / (1.0 + float(k) * k / (float(n_grey) * n_grey))
            id_ += q / (1.0 + k)
            idn += q / (1.0 + k / float(n_grey))
            if k > 0:
                inverse += q / (float(k) * k)
        sum_average = sum_entropy = 0.0
        for k in range(2, 2 * n_grey + 1):
            q = by_sum[k]
            if q > 0:
                sum_average += k * q
                sum_entropy -= q * np.log2(q + eps)
        most = max(hx, hy)
        information = hxy2 - entropy
        out[a, 0] = auto
        out[a, 1] = prominence
        out[a, 2] = shade
        out[a, 3] = tendency
        out[a, 4] = contrast
        out[a, 5] = 1.0 if deviations == 0 else covariance / (deviations + eps)
        out[a, 6] = difference_average
        out[a, 7] = difference_entropy
        out[a, 8] = difference_variance
        out[a, 9] = id_
        out[a, 10] = idm
        out[a, 11] = idmn
        out[a, 12] = idn
        out[a, 13] = 0.0 if most == 0 else (entropy - hxy1) / most
        out[a, 14] = 0.0 if information <= 0 else np.sqrt(1 - np.exp(-2 * information))
        out[a, 15] = inverse
        out[a, 16] = ux
        out[a, 17] = energy
        out[a, 18] = entropy
        out[a, 19] = largest
        out[a, 20] = sum_average
        out[a, 21] = sum_entropy
        out[a, 22] = var_x
        out[a, 23] = shade_terms
        out[a, 24] = information


#: What :func:`lengths` gives of a direction, in this order: in PyRadiomics' names of zones.
LENGTHS = (
    "Total",
    "SmallEmphasis",
    "LargeEmphasis",
    "GrayLevelNonUniformity",
    "GrayLevelNonUniformityNormalized",
    "NonUniformity",
    "NonUniformityNormalized",
    "Percentage",
    "GrayLevelVariance",
    "Variance",
    "Entropy",
    "LowGrayLevelEmphasis",
    "HighGrayLevelEmphasis",
    "SmallLowGrayLevelEmphasis",
    "SmallHighGrayLevelEmphasis",
    "LargeLowGrayLevelEmphasis",
    "LargeHighGrayLevelEmphasis",
)


@kernel("i8[:,:,:]", "f8[:]", "f8[:]", "f8[:]", "f8[:,:]")
def lengths(tables: np.ndarray, levels: np.ndarray, sizes: np.ndarray, of_size: np.ndarray, out: np.ndarray) -> None:
    """:data:`LENGTHS` of tables (directions, level, size) of runs, zones or dependences: fills ``out`` (directions,
    17). ``sizes`` what the columns stand for; ``of_size`` is room for as many."""
    eps = 2.220446049250313e-16
    n, m = len(levels), len(sizes)
    for a in range(len(tables)):
        total = 0.0
        for i in range(n):
            for j in range(m):
                total += tables[a, i, j]
        out[a, 0] = total
        if total == 0:
            continue
        for j in range(m):
            of_size[j] = 0.0
        grey = grey_mean = entropy = low = high = 0.0
        small_low = small_high = large_low = large_high = 0.0
        for i in range(n):
            level = levels[i] * levels[i]
            of_level = 0.0
            for j in range(m):
                count = float(tables[a, i, j])
                if count == 0:
                    continue
                of_level += count
                of_size[j] += count
                size = sizes[j] * sizes[j]
                p = count / total
                entropy -= p * np.log2(p + eps)
                small_low += count / (level * size)
                small_high += count * level / size
                large_low += count * size / level
                large_high += count * (size * level)
            grey += of_level * of_level
            grey_mean += of_level / total * levels[i]
            low += of_level / level
            high += of_level * level
        grey_variance = 0.0
        for i in range(n):
            of_level = 0.0
            for j in range(m):
                of_level += tables[a, i, j]
            grey_variance += of_level / total * ((levels[i] - grey_mean) * (levels[i] - grey_mean))
        small = large = uniform = mean = n_voxels = variance = 0.0
        for j in range(m):
            size = sizes[j] * sizes[j]
            small += of_size[j] / size
            large += of_size[j] * size
            uniform += of_size[j] * of_size[j]
            n_voxels += of_size[j] * sizes[j]
            mean += of_size[j] / total * sizes[j]
        for j in range(m):
            variance += of_size[j] / total * ((sizes[j] - mean) * (sizes[j] - mean))
        out[a, 1] = small / total
        out[a, 2] = large / total
        out[a, 3] = grey / total
        out[a, 4] = grey / (total * total)
        out[a, 5] = uniform / total
        out[a, 6] = uniform / (total * total)
        out[a, 7] = total / n_voxels
        out[a, 8] = grey_variance
        out[a, 9] = variance
        out[a, 10] = entropy
        out[a, 11] = low / total
        out[a, 12] = high / total
        out[a, 13] = small_low / total
        out[a, 14] = small_high / total
        out[a, 15] = large_low / total
        out[a, 16] = large_high / total


#: What :func:`neighbourhood` gives, in this order.
NEIGHBOURHOOD = ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength")


@kernel("i8[:]", "f8[:]", "f8[:]", "f8[:]")
def neighbourhood(counts: np.ndarray, differences: np.ndarray, levels: np.ndarray, out: np.ndarray) -> None:
    """:data:`NEIGHBOURHOOD` of the numbers of voxels and the sums of differences by level: fills ``out`` (5,)."""
    n = len(levels)
    n_voxels = 0.0
    of_differences = 0.0
    for i in range(n):
        n_voxels += counts[i]
        of_differences += differences[i]
    coarse = contrast = absolute = complexity = strength = 0.0
    for i in range(n):
        p = counts[i] / n_voxels
        coarse += p * differences[i]
        for j in range(n):
            q = counts[j] / n_voxels
            apart = levels[i] - levels[j]
            contrast += p * q * (apart * apart)
            absolute += abs(levels[i] * p - levels[j] * q)
            complexity += abs(apart) * (p * differences[i] + q * differences[j]) / (p + q)
            strength += (p + q) * (apart * apart)
    out[0] = 0.0 if absolute == 0 else coarse / absolute
    out[1] = 1e6 if coarse == 0 else 1 / coarse
    out[2] = complexity / n_voxels
    out[3] = 0.0 if n < 2 else contrast * of_differences / n_voxels / (n * (n - 1))
    out[4] = 0.0 if of_differences == 0 else strength / of_differences

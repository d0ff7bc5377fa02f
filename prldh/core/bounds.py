"""The most of anything that settings may ask for: beyond these a number is a slip of the keyboard, would fill the
memory, or changes nothing that is reported. ``tests/contract/test_bounds.py`` holds every settings model to having one.
"""

from __future__ import annotations

#: Bootstrap samples, permutations, repeats, halves and splits: all are held at once, 1 GB of 5,000 patients; between
#: two runs of so many the ends of a 95% interval move by a hundredth of its width.
RESAMPLES = 20_000
#: Folds, inner and outer: more than these is leaving one out, which has its own scheme.
FOLDS = 1_000
#: Trees of a forest within a selection step, where forests are grown for each size and fold.
TREES = 10_000
#: Imputed data sets, rounds of the chained equations and donors: all data sets are held at once.
IMPUTATIONS = 1_000
#: Features or components that a step keeps, ranks or shows; a table of more is read by nobody.
FEATURES = 100_000
#: Points of a curve, cut points and values that are tried: a figure has no more pixels.
POINTS = 1_000
#: Groups of patients by risk: each needs some.
GROUPS = 100
#: Names in a list (models, terms, levels, columns, tables): the page has a row or a figure for each.
NAMES = 1_000
#: Steps one after the other, and protocols, each of which is refitted in each resample.
STEPS = 100
#: Worker processes: no machine has more cores, and each needs a few hundred MB.
JOBS = 512
#: A seed: the largest whole number that every reader of JSON keeps.
SEED = 2**53
#: A row or a sheet's number: Excel's last row.
ROWS = 1_048_576
#: A number that a setting holds: beyond it neighbouring whole numbers are one double.
NUMBER = 1e15

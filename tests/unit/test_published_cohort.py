"""The synthetic cohort prints the paper's numbers: judged by scipy, statsmodels, scikit-learn and code written here,
never by prldh's own statistics.

Numbers typed here are those of Zhang G et al. (2026) Front. Artif. Intell. 9:1757269 (CC BY), tables 1, 2 and 4.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, special, stats
from sklearn.metrics import roc_curve

from prldh.demo.published import (
    COVARIATES,
    GROUPS,
    PAPER_VALUES,
    compare_with_paper,
    format_as_printed,
    look_up,
    published_cohort,
    published_study,
)
from prldh.study.study import Study

COHORT = published_cohort()
OUTCOME = (COHORT["recurrence"] == "yes").to_numpy().astype(int)
HIGH_DISC, HIGH_MUSCLE = (COHORT["disc"] > -0.824).to_numpy(), (COHORT["muscle"] > -0.970).to_numpy()
GROUP_NAMES = ["high disc, high muscle", "high disc, low muscle", "low disc, high muscle", "low disc, low muscle"]
GROUP = np.array(GROUP_NAMES)[2 * ~HIGH_DISC + ~HIGH_MUSCLE]

# level: total (percent), without recurrence (percent), with recurrence (percent)
PAPER_COUNTS = {
    "sex": {"female": "72 42.35 59 45.04 13 33.33", "male": "98 57.65 72 54.96 26 66.67"},
    "smoking": {"no": "124 72.94 98 74.81 26 66.67", "yes": "46 27.06 33 25.19 13 33.33"},
    "diabetes": {"no": "133 78.24 106 80.92 27 69.23", "yes": "37 21.76 25 19.08 12 30.77"},
    "hypertension": {"no": "106 62.35 83 63.36 23 58.97", "yes": "64 37.65 48 36.64 16 41.03"},
    "vas_pre": {
        "3": "1 0.59 1 0.76 0 0.00",
        "4": "8 4.71 5 3.82 3 7.69",
        "5": "79 46.47 62 47.33 17 43.59",
        "6": "68 40.00 53 40.46 15 38.46",
        "7": "10 5.88 6 4.58 4 10.26",
        "8": "4 2.35 4 3.05 0 0.00",
    },
    "vas_post": {"2": "134 78.82 103 78.63 31 79.49", "3": "36 21.18 28 21.37 8 20.51"},
    "occupation": {
        "office": "63 37.06 47 35.88 16 41.03",
        "labour": "15 8.82 11 8.40 4 10.26",
        "farm": "72 42.35 57 43.51 15 38.46",
        "own": "20 11.76 16 12.21 4 10.26",
    },
    "pfirrmann": {
        "III": "64 37.65 49 37.40 15 38.46",
        "IV": "88 51.76 68 51.91 20 51.28",
        "V": "18 10.59 14 10.69 4 10.26",
    },
    "modic": {
        "normal": "45 26.47 36 27.48 9 23.08",
        "I": "1 0.59 1 0.76 0 0.00",
        "II": "107 62.94 83 63.36 24 61.54",
        "III": "17 10.00 11 8.40 6 15.38",
    },
    "herniation_type": {
        "bulge": "26 15.29 19 14.50 7 17.95",
        "herniation": "130 76.47 99 75.57 31 79.49",
        "prolapse": "14 8.24 13 9.92 1 2.56",
    },
    "segment": {
        "L3/5": "6 3.53 6 4.58 0 0.00",
        "L4/5": "107 62.94 85 64.89 22 56.41",
        "L5/S1": "57 33.53 40 30.53 17 43.59",
    },
    GROUPS: {
        "high disc, high muscle": "31 18.24 11 8.40 20 51.28",
        "high disc, low muscle": "21 12.35 12 9.16 9 23.08",
        "low disc, high muscle": "39 22.94 32 24.43 7 17.95",
        "low disc, low muscle": "79 46.47 76 58.02 3 7.69",
    },
}
# mean and SD: all, without recurrence, with recurrence
PAPER_MEANS = {
    "age": "58.44 14.38 58.27 14.64 59.00 13.64",
    "bmi": "24.65 3.40 24.44 3.46 25.37 3.12",
    "duration": "4.06 6.08 3.46 5.41 6.05 7.66",
    "disc": "-1.41 1.90 -1.95 1.64 0.40 1.54",
    "muscle": "-1.23 1.16 -1.44 1.07 -0.54 1.19",
}


# ---- statistics, written again ----


def column(name):
    return GROUP if name == GROUPS else COHORT[name].to_numpy()


def counts(name):
    """(levels, 2): without and with recurrence."""
    return np.array(
        [[np.sum((column(name) == level) & (OUTCOME == k)) for k in (0, 1)] for level in PAPER_COUNTS[name]]
    )


def fisher_p(table):
    """Freeman-Halton: the probability of every table with these margins that is no likelier than this one."""
    totals, n_events = table.sum(axis=1), table[:, 1].sum()
    ranges = [range(min(t, n_events) + 1) for t in totals[:-1]]
    tables = np.array(list(itertools.product(*ranges)))
    tables = np.column_stack([tables, n_events - tables.sum(axis=1)])
    tables = tables[(tables[:, -1] >= 0) & (tables[:, -1] <= totals[-1])]

    def log_probability(events):
        chosen = special.gammaln(totals + 1) - special.gammaln(events + 1) - special.gammaln(totals - events + 1)
        return chosen.sum(axis=-1)

    weights = log_probability(tables)
    seen = log_probability(table[:, 1])
    return np.exp(special.logsumexp(weights[weights <= seen + 1e-7]) - special.logsumexp(weights))


def delong(score, outcome=OUTCOME):
    """AUC and its 95 % interval, from the placements of events and non-events."""
    wins = np.subtract.outer(score[outcome == 1], score[outcome == 0])
    wins = np.where(wins > 0, 1.0, np.where(wins == 0, 0.5, 0.0))
    variance = wins.mean(1).var(ddof=1) / wins.shape[0] + wins.mean(0).var(ddof=1) / wins.shape[1]
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    return {"estimate": wins.mean(), "low": wins.mean() - half, "high": wins.mean() + half}


def partial_areas(score):
    fpr, tpr, _ = roc_curve(OUTCOME, score, drop_intermediate=False)

    def area(x, y):
        """Under y, for x from 0 to 0.2; where x stands still, the curve's vertical steps add nothing."""
        total = 0.0
        for x0, x1, y0, y1 in zip(x[:-1], x[1:], y[:-1], y[1:], strict=True):
            if x0 < min(x1, 0.2):
                end = min(x1, 0.2)
                total += (end - x0) * (y0 + (y0 + (y1 - y0) * (end - x0) / (x1 - x0))) / 2
        return total

    return {
        "specificity": {"estimate": area(fpr, tpr)},
        "sensitivity": {"estimate": area((1 - tpr)[::-1], (1 - fpr)[::-1])},
    }


def youden(score):
    """J at every midpoint between neighbouring values, best first: (J, cutoff)."""
    values = np.unique(score)
    cuts = (values[:-1] + values[1:]) / 2
    j = [np.mean(score[OUTCOME == 1] > c) + np.mean(score[OUTCOME == 0] <= c) - 1 for c in cuts]
    return sorted(zip(j, cuts, strict=True), reverse=True)


def clopper_pearson(k, n):
    low, high = stats.binomtest(int(k), int(n)).proportion_ci(0.95, method="exact")
    return {"estimate": k / n, "low": low, "high": high}


def confusion(score):
    is_positive = score > youden(score)[0][1]
    return tuple(
        int(np.sum((is_positive == p) & (k == OUTCOME))) for p, k in ((True, 1), (True, 0), (False, 1), (False, 0))
    )


def performance(name, score):
    tp, fp, fn, tn = confusion(score)
    return {
        "name": name,
        "adjusted": False,
        "auc": delong(score),
        "pauc": partial_areas(score),
        "accuracy": clopper_pearson(tp + tn, 170),
        "sensitivity": clopper_pearson(tp, tp + fn),
        "specificity": clopper_pearson(tn, tn + fp),
        "ppv": clopper_pearson(tp, tp + fp),
        "npv": clopper_pearson(tn, tn + fn),
    }


def rates(labels):
    """The fitted probability of a logistic model with one factor: the level's share of events."""
    return np.array([OUTCOME[labels == label].mean() for label in labels])


def profile_limit(sign, e, n, e_ref, n_ref):
    """One limit of the profile-likelihood interval of the log odds ratio e/n against e_ref/n_ref."""

    def log_likelihood(log_odds, delta):
        return (
            e_ref * log_odds
            - n_ref * np.logaddexp(0, log_odds)
            + e * (log_odds + delta)
            - n * np.logaddexp(0, log_odds + delta)
        )

    def profile(delta):
        return -optimize.minimize_scalar(
            lambda a: -log_likelihood(a, delta), bounds=(-9, 9), method="bounded", options={"xatol": 1e-10}
        ).fun

    best = special.logit(e / n) - special.logit(e_ref / n_ref)
    drop = profile(best) - stats.chi2.ppf(0.95, 1) / 2
    return optimize.brentq(lambda delta: profile(delta) - drop, *sorted((best, best + sign * 4)), xtol=1e-10)


def odds_ratios():
    dummies = np.column_stack([np.ones(170)] + [GROUP == name for name in GROUP_NAMES[1:]]).astype(float)
    fit = sm.GLM(OUTCOME, dummies, family=sm.families.Binomial()).fit(tol=1e-12)
    reference = counts(GROUPS)[0]
    rows = []
    for i, name in enumerate(GROUP_NAMES[1:], start=1):
        cell = counts(GROUPS)[i]
        low, high = (np.exp(profile_limit(s, cell[1], cell.sum(), reference[1], reference.sum())) for s in (-1, 1))
        rows.append(
            {
                "group": name,
                "b": fit.params[i],
                "se": fit.bse[i],
                "p": fit.pvalues[i],
                "or": np.exp(fit.params[i]),
                "low": low,
                "high": high,
            }
        )
    return rows


def table_one():
    rows = []
    for name in PAPER_MEANS:
        t = stats.ttest_ind(column(name)[OUTCOME == 0], column(name)[OUTCOME == 1])
        rows.append({"variable": name, "statistic": t.statistic, "p": t.pvalue})
    for name in PAPER_COUNTS:
        table = counts(name)
        chi2, p, _, expected = stats.chi2_contingency(table, correction=False)
        if np.mean(expected < 5) > 0.2:
            chi2, p = None, fisher_p(table)
        rows.append({"variable": name, "statistic": chi2, "p": p})
    return rows


@pytest.fixture(scope="module")
def results():
    """What prldh should find, in the shape of results.json, without prldh."""
    groups = performance("Disc and muscle groups", rates(GROUP))
    left_out = np.array(
        [
            (OUTCOME[same].sum() - y) / (same.sum() - 1)
            for y, same in ((y, label == GROUP) for y, label in zip(OUTCOME, GROUP, strict=True))
        ]
    )
    groups["validation"] = {"model": {"leave_one_out": {"auc": delong(left_out)}}}
    models = [
        performance("Pfirrmann grade", rates(column("pfirrmann"))),
        performance("Disc Radscore", column("disc")),
        performance("Muscle Radscore", column("muscle")),
        groups,
    ]
    return {
        "table_one": table_one(),
        "models": models,
        "interaction": {"unadjusted": odds_ratios()},
        "tissues": {name: {"cutoff": youden(column(name))[0][1]} for name in ("disc", "muscle")},
    }


def off(value, printed):
    """Distance from the printed number, in units of its last digit: up to 0.5 prints the same."""
    return abs(value - float(printed)) * 10 ** len(printed.partition(".")[2])


# ---- the cohort ----


def test_patients_are_170_with_39_recurrences():
    assert len(COHORT) == 170 and OUTCOME.sum() == 39
    assert COHORT["patient_id"].tolist() == [f"S{i:03d}" for i in range(1, 171)]
    assert not COHORT.isna().any().any() and not (COHORT == "").any().any()


@pytest.mark.parametrize("name", PAPER_COUNTS)
def test_counts_and_percentages(name):
    assert set(column(name)) == set(PAPER_COUNTS[name])
    for (without, with_), printed in zip(counts(name), PAPER_COUNTS[name].values(), strict=True):
        found = (without + with_, 170, without, 131, with_, 39)
        for n, of, n_printed, percent in zip(
            found[::2], found[1::2], printed.split()[::2], printed.split()[1::2], strict=True
        ):
            assert n == int(n_printed)
            assert off(100 * n / of, percent) <= 0.5


@pytest.mark.parametrize("name", PAPER_MEANS)
def test_means_and_deviations(name):
    printed = PAPER_MEANS[name].split()
    for i, rows in enumerate((OUTCOME >= 0, OUTCOME == 0, OUTCOME == 1)):
        assert off(column(name)[rows].mean(), printed[2 * i]) < 0.475
        assert off(column(name)[rows].std(ddof=1), printed[2 * i + 1]) < 0.475


def test_values_are_plausible():
    age = COHORT["age"]
    assert (age % 1 == 0).all() and (age.min(), age.max()) == (21, 88)
    assert (age[OUTCOME == 1].min(), age[OUTCOME == 1].max()) == (30, 87)
    assert COHORT["duration"].min() >= 0.25  # inclusion asks for three months
    assert COHORT["bmi"].between(15, 40).all()
    assert COHORT["disc"].is_unique and COHORT["muscle"].is_unique


# ---- every printed number that the cohort can match ----


@pytest.mark.parametrize("value", [v for v in PAPER_VALUES if v.exact], ids=lambda v: v.quantity)
def test_exact_values_print_as_published(value, results):
    found = look_up(results, value.locate)
    assert found is not None, value.locate
    if value.printed == "<0.001":
        assert found < 0.001
    else:
        assert off(found, value.printed) <= 0.5 + 1e-9
    assert format_as_printed(found, value.printed) == value.printed


def test_free_numbers_keep_clear_of_rounding(results):
    """Where the cohort had a choice, no number depends on how a tie is rounded."""
    free = [
        v
        for v in PAPER_VALUES
        if v.exact
        and v.printed != "<0.001"
        and (
            "variable=age" in v.locate
            or "variable=bmi" in v.locate
            or "variable=duration" in v.locate
            or "Radscore" in v.locate
            and (".auc." in v.locate or ".pauc." in v.locate)
            or "tissues." in v.locate
        )
    ]
    assert len(free) > 10
    assert max(off(look_up(results, v.locate), v.printed) for v in free) < 0.47


@pytest.mark.parametrize(
    ("name", "cutoff", "expected"), [("disc", -0.824, (29, 23, 10, 108)), ("muscle", -0.970, (27, 43, 12, 88))]
)
def test_youden_maximum_has_no_rival(name, cutoff, expected):
    (best, at), (second, _) = youden(column(name))[:2]
    assert at == pytest.approx(cutoff, abs=1e-9)
    assert best - second > 0.003
    assert confusion(column(name)) == expected


def test_pfirrmann_by_disc_radscore():
    """The discussion: grades do not differ between high and low disc Radscores, p = 0.347."""
    table = [
        [np.sum((column("pfirrmann") == grade) & (side == HIGH_DISC)) for side in (True, False)]
        for grade in ("III", "IV", "V")
    ]
    assert off(stats.chi2_contingency(table, correction=False)[1], "0.347") < 0.47


# ---- the comparison ----


def test_four_printed_numbers_contradict_the_printed_counts(results):
    """Each is what rounding to four decimals and then to three makes of the right number."""
    rows = {r["quantity"].removeprefix("Table 2, "): r for r in compare_with_paper(results)}
    expected = {
        "Disc Radscore, unadjusted: accuracy, high": ("0.863", "0.862"),
        "Disc and muscle groups, unadjusted: accuracy, high": ("0.863", "0.862"),
        "Disc and muscle groups, unadjusted: auc": ("0.841", "0.840"),
        "Muscle Radscore, unadjusted: accuracy": ("0.677", "0.676"),
    }
    differing = {q: (r["paper"], r["ours"]) for q, r in rows.items() if r["ours"] and not r["agrees"]}
    assert differing == expected
    assert all("rounded twice" in rows[q]["note"] and not rows[q]["exact"] for q in expected)


def test_comparison_agrees_wherever_it_should(results):
    rows = compare_with_paper(results)
    assert len(rows) == len(PAPER_VALUES) == len({r["quantity"] for r in rows})
    assert all(r["agrees"] for r in rows if r["exact"])
    assert all(r["note"] for r in rows if not r["exact"])


def test_comparison_of_nothing_says_so():
    assert all(
        r["ours"] is None and not r["agrees"] and r["note"].startswith("not in these results")
        for r in compare_with_paper({})
    )


def test_look_up_reads_null_and_commas_and_refuses_two():
    results = {"comparisons": [{"a": "x, y", "scope": None, "p": 0.5}, {"a": "x, y", "scope": "model", "p": None}]}
    assert look_up(results, "comparisons[a=x, y,scope=null].p") == 0.5
    assert look_up(results, "comparisons[a=x, y,scope=model].p") is None
    with pytest.raises(LookupError, match="2 entries"):
        look_up(results, "comparisons[a=x, y].p")


@pytest.mark.parametrize(
    ("value", "printed", "expected"),
    [
        (33 / 80 - 1e-13, "0.413", "0.413"),
        (0.00099, "<0.001", "<0.001"),
        (0.0012, "<0.001", "0.001"),
        (-7.9385, "-7.94", "-7.94"),
        (0.6, "0.600", "0.600"),
        (float("inf"), "0.945", "inf"),
    ],
)
def test_format_as_printed(value, printed, expected):
    assert format_as_printed(value, printed) == expected


def test_study_file_is_valid_and_fits_the_cohort():
    study = Study(**published_study())
    assert study.title.startswith("Synthetic: ")
    assert len(study.models) == 4 and study.adjust is None
    for name, settings in COVARIATES.items():
        if "levels" in settings:
            assert set(settings["levels"]) == set(COHORT[name])

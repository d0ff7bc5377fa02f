"""Random forests over sizes: exactness where the kernel takes other ways, and racing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from pydantic import ValidationError
from selection_reference import reference_forest

from prldh.chain.selection.forest import RACING_MARGIN, RACING_SHARE, forest_scores, size_curve
from prldh.chain.selection.mrmr_forest import MrmrForestSelector, MrmrForestSettings
from prldh.chain.shared.folds import stratified_folds
from prldh.core.records import TrainingRows

pytestmark = pytest.mark.usefixtures("undrawn")


def make_table(seed: int, n: int, p: int, n_telling: int = 2) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, p))
    return x, (x[:, :n_telling].sum(axis=1) + 0.5 * generator.normal(size=n) > 0).astype(int)


def test_more_than_128_drawn_rows_equal_the_plain_forest():
    x, y = make_table(3, 280, 3)
    x = np.round(x, 1)
    fold = stratified_folds(y, 4, 1)
    np.testing.assert_array_equal(forest_scores(x, y, fold, 1, 8, [1, 3]), reference_forest(x, y, fold, 1, 8, [1, 3]))


def test_all_sizes_of_many_columns_equal_the_plain_forest():
    x, y = make_table(4, 30, 40)
    x[:, 5:9] = 1.0
    fold, sizes = stratified_folds(y, 3, 1), list(range(1, 41))
    np.testing.assert_array_equal(forest_scores(x, y, fold, 2, 5, sizes), reference_forest(x, y, fold, 2, 5, sizes))


def test_one_column_and_any_order_of_sizes():
    x, y = make_table(5, 30, 6)
    fold = stratified_folds(y, 3, 1)
    np.testing.assert_array_equal(
        forest_scores(x[:, :1], y, fold, 3, 5, [1]), reference_forest(x[:, :1], y, fold, 3, 5, [1])
    )
    np.testing.assert_array_equal(
        forest_scores(x, y, fold, 9, 5, [4, 1, 4]), forest_scores(x, y, fold, 9, 5, [1, 4])[[1, 0, 1]]
    )
    with pytest.raises(ValueError, match="sizes must lie in 1 … 6"):
        forest_scores(x, y, fold, 9, 5, [7])


def test_racing_drops_sizes_that_lag_and_leaves_the_others_as_they_are():
    x, y = make_table(6, 80, 12, n_telling=6)
    fold, sizes = stratified_folds(y, 5, 1), np.arange(1, 13)
    exact, raced = size_curve(x, y, fold, 60, 3, sizes), size_curve(x, y, fold, 60, 3, sizes, racing=True)
    assert 1 in raced.dropped and sorted([*raced.dropped, *raced.sizes]) == sizes.tolist()
    stays = np.isin(sizes, raced.sizes)
    np.testing.assert_array_equal(raced.by_fold, exact.by_fold[stays])
    first = size_curve(x, y, fold, round(60 * RACING_SHARE), 3, sizes)
    np.testing.assert_array_equal(stays, first.mean >= first.mean.max() - RACING_MARGIN)
    assert exact.dropped == ()


def test_racing_of_one_tree_and_of_one_size_is_exact():
    x, y = make_table(7, 40, 4)
    fold = stratified_folds(y, 4, 1)
    for trees, sizes in [(1, np.array([1, 4])), (20, np.array([2]))]:
        np.testing.assert_array_equal(
            size_curve(x, y, fold, trees, 3, sizes, racing=True).by_fold,
            size_curve(x, y, fold, trees, 3, sizes).by_fold,
        )


def test_racing_refuses_the_one_standard_error_rule():
    with pytest.raises(ValidationError, match="racing drops sizes that the rule one_se may choose"):
        MrmrForestSettings(racing=True, rule="one_se")
    assert not MrmrForestSettings().racing


def test_racing_agreement_is_measured_on_everyone():
    x, y = make_table(6, 80, 12, n_telling=6)
    rows = TrainingRows(x, None, y, np.arange(80), tuple(f"f{j}" for j in range(12)))
    seed, selector = np.random.SeedSequence(4), MrmrForestSelector()
    raced, plain = (MrmrForestSettings(features=12, trees=60, seeds=3, racing=racing) for racing in (True, False))
    found, exact = selector.fit(rows, raced, seed, None), selector.fit(rows, plain, seed, None)
    told = selector.describe(rows, raced, seed, found)
    by_seed = selector.describe(rows, plain, seed, exact)["size_by_seed"]["sizes"]
    agreement = told["racing_agreement"]
    assert found.details["curve"]["dropped"] and "dropped" not in exact.details["curve"]
    assert agreement["n"] == 3 and agreement["exact_size"] == exact.details["chosen_size"]
    assert agreement["agrees"] == (found.details["chosen_size"] == exact.details["chosen_size"])
    assert agreement["n_same"] == sum(a == b for a, b in zip(told["size_by_seed"]["sizes"], by_seed, strict=True))
    assert agreement["mean_auc_lost"] >= 0
    alone = selector.describe(rows, raced.model_copy(update={"seeds": 0}), seed, found)
    assert alone["racing_agreement"]["n"] == 1 and "size_by_seed" not in alone


def test_a_run_says_how_racing_agrees(tmp_path):
    import prldh
    from prldh.run.terminal import summarise_run

    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 12))
    y = (x[:, 0] + x[:, 1] + rng.normal(size=60) > 0).astype(int)
    pd.DataFrame(x, columns=[f"f{j}" for j in range(12)]).assign(id=range(60)).to_csv(tmp_path / "f.csv", index=False)
    pd.DataFrame({"id": range(60), "y": y}).to_csv(tmp_path / "c.csv", index=False)
    study = {
        "engine": "python",
        "clinical": {"table": str(tmp_path / "c.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": [str(tmp_path / "f.csv")]}},
        "selection": [{"mrmr_forest": {"racing": True, "trees": 60, "seeds": 3}}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "report": {"figures": []},
    }
    results = prldh.analyze(study, tmp_path / "out")
    found = next(s for s in results.data["tissues"]["disc"]["selection"]["steps"] if s["name"] == "mrmr_forest")[
        "details"
    ]["racing_agreement"]
    assert found["n"] == 3 and 0 <= found["n_same"] <= 3 and found["mean_auc_lost"] >= 0
    sentence = f"over 3 forest seeds both agree {found['n_same']} times"
    assert sentence in summarise_run(results, tmp_path / "out") and sentence in unmarked(
        (tmp_path / "out" / "report.html").read_text()
    )

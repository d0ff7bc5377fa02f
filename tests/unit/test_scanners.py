"""Four synthetic scanners whose effects are known: ComBat within training rows takes them away, and a scanner left out
shows what pooled folds hide."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from scipy.stats import rankdata

from prldh.demo.scanners import CONTRAST, LEVEL, PARAMETERS, SCANNERS, draw_lesions, write_scanners_study
from prldh.stats.combat import apply_combat, effect_of_new_batch, fit_combat
from prldh.stats.permanova import eta_squared


def measure(lesion):
    """A few features of a lesion: grey levels, how they change from voxel to voxel, size and elongation."""
    image = lesion.image.astype(float)
    inside = image[lesion.mask > 0]
    sd = inside.std()
    steps = [np.abs(np.diff(image, axis=axis)).mean() for axis in range(3)]
    z, y, x = np.nonzero(lesion.mask)
    return [inside.mean(), sd, np.percentile(inside, 10), *steps, steps[0] / sd, inside.size, np.log(x.std() / z.std())]


@pytest.fixture(scope="module")
def cohort():
    lesions = draw_lesions()
    values = np.array([measure(lesion) for lesion in lesions])
    batch = np.array([SCANNERS.index(lesion.scanner) for lesion in lesions])
    return values, batch, np.array([lesion.has_event for lesion in lesions], dtype=float)


def area(y, score):
    return (rankdata(score)[y == 1].sum() - y.sum() * (y.sum() + 1) / 2) / (y.sum() * (1 - y).sum())


def test_the_known_effect_is_recovered_from_training_rows(cohort):
    values, batch, _ = cohort
    train = np.arange(len(values)) % 2 == 0
    fit = fit_combat(values[train], batch[train])
    location = np.array([effect.location * fit.spread for effect in fit.effects])
    known = np.array([s.offset + s.gain * LEVEL for s in SCANNERS])
    np.testing.assert_allclose(location[:, 0] - location[0, 0], known - known[0], rtol=0.02)  # the mean grey level
    contrast = values[:, 1][:, None] * (batch[:, None] == np.arange(4))
    seen = contrast.sum(axis=0) / (batch[:, None] == np.arange(4)).sum(axis=0)
    assert (np.diff(seen) > 0).all() and seen[0] == pytest.approx(CONTRAST, rel=0.1)
    held_out = apply_combat(fit, values[~train], batch[~train])
    before, after = (eta_squared(each, batch[~train])[:6] for each in (values[~train], held_out))
    assert before[0] > 0.95 and np.median(before) > 0.5 and np.median(after) < 0.3


def test_a_scanner_left_out_shows_what_pooled_folds_hide(cohort):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    values, batch, y = cohort

    def score(own, train):
        z = StandardScaler().fit(own[train]).transform(own)
        return LogisticRegression(C=0.05, max_iter=2000).fit(z[train], y[train]).decision_function(z)

    fold = np.random.default_rng(0).permutation(len(y)) % 5
    pooled, within, left_out = ({} for _ in range(3))
    for name in ("as measured", "harmonised"):
        held_out = np.empty(len(y))
        for k in range(5):
            train = np.flatnonzero(fold != k)
            own = (
                values
                if name == "as measured"
                else apply_combat(fit_combat(values[train], batch[train]), values, batch)
            )
            held_out[fold == k] = score(own, train)[fold == k]
        pooled[name] = area(y, held_out)
        within[name] = np.mean([area(y[batch == s], held_out[batch == s]) for s in range(4)])
        areas = []
        for s in range(4):
            train, own = np.flatnonzero(batch != s), values
            if name == "harmonised":
                number = np.where(batch == s, 3, batch - (batch > s))
                fit = fit_combat(values[train], number[train])
                new = effect_of_new_batch(fit, values[batch == s])
                own = apply_combat(fit, values, number, None, (new,))
            areas.append(area(y[batch == s], score(own, train)[batch == s]))
        left_out[name] = np.mean(areas)
    assert pooled["as measured"] > 0.8
    assert pooled["as measured"] - left_out["as measured"] > 0.1  # pooled folds reward telling scanners apart
    assert pooled["as measured"] - within["as measured"] > 0.1
    assert abs(pooled["harmonised"] - within["harmonised"]) < 0.08  # nothing of the scanners is left to tell apart
    assert abs(left_out["harmonised"] - within["harmonised"]) < 0.1


def test_the_study_is_written(tmp_path):
    pytest.importorskip("SimpleITK")
    path = write_scanners_study(tmp_path, 2)
    study = yaml.safe_load(path.read_text())
    assert yaml.safe_load((tmp_path / "parameters.yaml").read_text()) == PARAMETERS
    assert study["transforms"][1]["combat"]["unseen"] == "own_rows"
    assert len(list((tmp_path / "images").glob("*.nii.gz"))) == 16
    assert [lesion.risk for lesion in draw_lesions(2)] == [lesion.risk for lesion in draw_lesions(2)]

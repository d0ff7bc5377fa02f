"""MIRP through prldh: promises, a study's settings in MIRP's words, and its values beside PyRadiomics'."""

from __future__ import annotations

import math

import numpy as np
import pytest
from prldh_mirp.source import MirpSettings, MirpSource, describe, values_of

from prldh.api import DataError
from prldh.testing import parametrize_with_checks
from prldh.testing.cases import make_case

mirp = pytest.importorskip("mirp", reason="MIRP is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


@parametrize_with_checks([MirpSource()])
def test_conforms(check):
    check()


@pytest.fixture(scope="module")
def measured():
    case = make_case(readers=1)
    return case, MirpSource().extract(case, MirpSettings())[0]


def test_values_are_those_of_the_region(measured):
    case, values = measured
    inside = case.image.values[case.masks[0]].astype(float)
    assert values["stat_mean"] == pytest.approx(inside.mean(), rel=1e-6)
    assert values["stat_var"] == pytest.approx(inside.var(), rel=1e-6)
    assert values["morph_vol_approx"] == pytest.approx(inside.size * 3.0)  # voxels of 1 × 1 × 3 mm
    assert len(values) > 150 and all(map(math.isfinite, values.values()))


def test_every_feature_is_known_to_the_plugin(measured):
    """Names that MIRP gives have a family, and all but those that IBSI does not define a code."""
    found = {name: describe(name) for name in measured[1]}
    assert not [name for name, about in found.items() if about["label"] == name]
    assert {name.split("_")[0] for name, about in found.items() if about["ibsi"] is None} <= {"ivh"}


def test_settings_reach_mirp(measured):
    case, values = measured
    fine = MirpSource().extract(case, MirpSettings(bin_width=20, low=-400))[0]
    assert "cm_contrast_d1_3d_v_mrg_fbs_w20.0" in fine and "cm_contrast_d1_3d_v_mrg_fbn_n32" in values
    cubes = MirpSource().extract(case, MirpSettings(spacing_mm=2))[0]
    assert cubes["morph_vol_approx"] % 8 == 0 and cubes["stat_mean"] != values["stat_mean"]


@pytest.mark.parametrize(("directions", "n_equal"), [("averaged", 101), ("merged", 64)])
def test_it_agrees_with_pyradiomics(directions, n_equal):
    """By IBSI's codes, 32 bins: what the README says. Merged matrices are another definition of GLCM and GLRLM."""
    pytest.importorskip("radiomics", reason="PyRadiomics is not installed")
    from prldh_pyradiomics.source import PyRadiomicsSource

    case = make_case(readers=1)
    values = MirpSource().extract(case, MirpSettings(directions=directions))[0]
    other = PyRadiomicsSource()
    settings = other.Settings(preset="ibsi", binCount=32)
    theirs = other.extract(case, settings)[0]
    about = other.describe(list(theirs), settings)
    by_code: dict[str, list[float]] = {}
    for name, value in theirs.items():
        by_code.setdefault(str(about[name]["ibsi"]), []).append(value)
    shared = {name: by_code[code] for name in values if (code := describe(name)["ibsi"]) in by_code}
    equal = [n for n, found in shared.items() if any(np.isclose(values[n], v, rtol=1e-6, atol=1e-9) for v in found)]
    assert (len(equal), len(shared)) == (n_equal, 101), sorted(set(shared) - set(equal))
    assert directions == "averaged" or {n.split("_")[0] for n in set(shared) - set(equal)} == {"cm", "rlm"}


def test_what_cannot_be_measured_is_told():
    with pytest.raises(DataError, match="too small or of one grey level"):
        values_of({"sample_name": "a", "stat_mean": 1.0, "stat_skew": float("nan")})

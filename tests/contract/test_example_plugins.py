"""The example plugins without their libraries: what they do by themselves, and what they say where one is missing.
With the libraries their own tests run, in environments of their own: ``make test-plugins``."""

from __future__ import annotations

import importlib
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

import prldh
from prldh.api import DataError, PluginError, TrainingRows
from prldh.plugins import Registry

ROOT = Path(__file__).parents[2] / "plugins" / "examples"
#: Plugin → its library, as it is imported.
LIBRARIES = {"mirp": "mirp", "relief": "skrebate", "lightgbm": "lightgbm"}
SEED = np.random.SeedSequence(1)


@pytest.fixture(params=sorted(LIBRARIES))
def plugin(request, monkeypatch):
    """Each plugin as a module, where its library is not there."""
    return _load(request.param, monkeypatch)


def _load(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / f"prldh-{name}"))
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    return importlib.import_module(f"prldh_{name}")


def _registered(module):
    registry = Registry(load_entry_points=False)
    registry.register(module, name="example")
    hooks = [hook for hook in vars(module) if hook.startswith("register_")]
    return [item for hook in hooks for item, owner in registry.registered(hook).values() if owner == "example"]


def test_they_are_all_here():
    assert {path.parent.name for path in ROOT.glob("*/pyproject.toml")} == {f"prldh-{name}" for name in LIBRARIES}
    for name, library in LIBRARIES.items():
        project = tomllib.loads((ROOT / f"prldh-{name}" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        asked = {r.name: r for r in map(Requirement, project["dependencies"])}
        assert asked["prldh"].specifier.contains(prldh.__version__) and library in asked
        assert project["entry-points"]["prldh"] == {name: f"prldh_{name}"}
        tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / f"prldh-{name}" / "tests").glob("*.py"))
        assert "parametrize_with_checks" in tests and f'importorskip("{library}"' in tests


def test_set_up_leaves_them_alone():
    """They bring large libraries: neither the environment nor what is released holds them."""
    setup = (ROOT.parents[1] / "tools" / "setup.sh").read_text(encoding="utf-8")
    assert "for plugin in plugins/*/; do" in setup and not (ROOT / "pyproject.toml").exists()


def test_without_its_library_a_plugin_says_what_to_install(plugin):
    (item,) = _registered(plugin)
    with pytest.raises(PluginError, match=r"cannot be imported .*Run: pip install \w+"):
        item.check(item.Settings())


def test_mirps_settings_and_names(monkeypatch):
    _load("mirp", monkeypatch)
    source = importlib.import_module("prldh_mirp.source")
    said = source.MirpSettings(bin_width=25, low=-100, spacing_mm=1, directions="averaged").for_mirp()
    assert said["base_discretisation_bin_width"] == 25 and said["new_spacing"] == 1
    assert said["glcm_spatial_method"] == "3d_average" and said["resegmentation_intensity_range"][0] == -100
    assert source.MirpSettings().for_mirp()["base_discretisation_n_bins"] == 32
    for wrong in ({"bins": 8, "bin_width": 1, "low": 0}, {"bin_width": 5}, {"low": 2, "high": 1}, {"bin": 3}):
        with pytest.raises(ValueError):
            source.MirpSettings(**wrong)
    for name in ("cm_contrast_d1_3d_v_mrg_fbn_n32", "cm_contrast_d1_3d_avg_fbs_w20.0"):
        assert source.describe(name)["ibsi"] == "ACUI"
    assert source.describe("morph_volume") == {
        "unit": "mm3",
        "ibsi": "RNU0",
        "family": "morphology (3d)",
        "label": "Morphology (3D) - volume",
    }
    row = {"sample_name": "a", "image_modality": "mr", "stat_mean": 2, "stat_var": 1.5}
    assert source.values_of(row) == {"stat_mean": 2.0, "stat_var": 1.5}
    with pytest.raises(DataError, match="no value of stat_skew and 1 more"):
        source.values_of(row | {"stat_skew": float("nan"), "stat_kurt": float("inf")})


def test_reliefs_reasons_and_rows_without_spread(monkeypatch):
    _load("relief", monkeypatch)
    selector = importlib.import_module("prldh_relief.selector")
    told = selector.reasons(("a", "b", "c"), np.array([0.5, 0.1, 0.0]), np.array([0]), np.array([0, 1]), 1)
    assert told == {"b": "weight 0.1 is not among the 1 largest", "c": "has one value"}
    rows = TrainingRows(np.ones((6, 2)), None, np.array([0, 1] * 3, np.int8), np.arange(6), ("a", "b"))
    found = selector.ReliefSelector().fit(rows, selector.ReliefSettings(), SEED, None)
    assert list(found.kept) == [] and set(found.dropped.values()) == {"has one value"}


def test_lightgbms_parameters_and_rows_without_spread(monkeypatch):
    _load("lightgbm", monkeypatch)
    learner = importlib.import_module("prldh_lightgbm.learner")
    said = learner.parameters(learner.LightgbmSettings(leaves=3), SEED)
    assert said["num_leaves"] == 3 and said["num_threads"] == 1 and said["deterministic"]
    assert learner.positions(("a [mm]", "b")) == ["c0", "c1"]
    rows = TrainingRows(np.ones((8, 1)), None, np.array([0, 0, 0, 1] * 2, np.int8), np.arange(8), ("a",))
    found = learner.LightgbmLearner().fit(rows, learner.LightgbmSettings(), SEED, None)
    again = learner.LightgbmLearner().from_state(found.state)
    np.testing.assert_allclose(again.apply(np.zeros((2, 1)), ("a",), {}), np.log(2 / 6))

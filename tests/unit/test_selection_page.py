"""docs/selection.md: the defaults it names are the settings' own, and all of them are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from sklearn.svm import SVC

from prldh.chain.selection.protocol import SELECTORS
from prldh.chain.shared.linear import TIE
from prldh.stats import elastic_net, lasso, penalised_path

PAGE = (Path(__file__).parents[2] / "docs" / "selection.md").read_text(encoding="utf-8")
SECTIONS = {found[1]: found[2] for found in re.finditer(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)}


@pytest.mark.parametrize("selector", SELECTORS, ids=lambda s: s.name)
def test_the_pages_defaults_are_the_settings_own(selector):
    written = {
        key: yaml.safe_load(value)
        for key, value in re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", SECTIONS[selector.name], re.M)
    }
    actual = selector.Settings().model_dump(mode="json")
    assert actual.pop("if_empty") is None
    assert written == actual


def test_the_constants_of_the_page_are_those_of_the_code():
    assert set(SECTIONS) == {s.name for s in SELECTORS}
    assert TIE == 1e-10 and "Scores that differ by less than 1e-10 are ties" in PAGE
    assert SVC().tol == 0.001 and "tolerance of 0.001" in PAGE
    text = re.sub(r"\s+", " ", SECTIONS["lasso_svm_rfe"])
    assert (penalised_path._F_DEV, penalised_path._DEV_MAX, penalised_path._MIN_LAMBDAS) == (1e-5, 0.999, 5)
    assert "grows by less than 1e-5 or passes 0.999 (after at least five)" in text
    assert elastic_net._CLIP == 1e-5 and "clipped at 1e-5" in text
    assert lasso._TOLERANCE == 1e-14 and "Ours solve to 1e-14" in text

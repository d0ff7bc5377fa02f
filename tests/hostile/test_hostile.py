"""Hostile input: one clear message or the right result; no traceback, no hang, nothing half written, nothing silent.

A tenth of the cases here, all of them in ``make test-slow``; ``make hostile`` counts them and writes
``docs/reliability.md``.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import campaign
import families
from verdicts import GOOD

CASES = families.every_case()


def _hold(tried, cases, jobs):
    verdicts = list(tried.run(cases, jobs))
    print("\n" + campaign.table(Counter((v.case.family, v.kind) for v in verdicts)))
    bad = [v for v in verdicts if v.kind not in GOOD]
    assert not bad, f"{len(bad)} of {len(verdicts)}:\n" + "\n".join(map(str, bad[:20]))


def test_there_are_a_thousand_of_every_kind():
    assert len(CASES) >= 1000
    assert set(Counter(c.family for c in CASES)) == set(campaign.FAMILIES)
    assert {c.family for c in campaign.quick(CASES)} == set(campaign.FAMILIES)


def test_the_page_of_promises_names_tests_and_families_that_are_there():
    root = Path(__file__).parents[2]
    text = (root / "docs" / "reliability.md").read_text(encoding="utf-8")
    promises = text[text.index("| promise | tests |") :].split("## Limits")[0]
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", promises)
    assert len(named) > 30
    for path, test in named:
        content = (root / path).read_text(encoding="utf-8")
        assert f"def {test or 'test_'}" in content, (path, test)
    listed = re.findall(r"famil(?:y|ies) ([\w, ]+)", promises)
    families_named = {name.strip() for each in listed for name in each.split(", ")}
    assert families_named == set(campaign.FAMILIES) - {"arguments", "images", "scans"}  # of no promise in the table


def test_a_tenth(tmp_path):
    """Reports are rendered where odd cells come to stand in them (``ON_PAGES``) and of cases tried here always,
    two of markup in titles and names among them. Of others that go through, such as the rest of the family ``writing``,
    the page is a stub here: rendering is a third of such a case's time, 40 CPU seconds for the tenth of that family.
    ``test_every_case`` renders every one."""
    _hold(campaign.Campaign(tmp_path, has_pages=False), campaign.quick(CASES), 1)


@pytest.mark.slow
def test_every_case(tmp_path):
    _hold(campaign.Campaign(tmp_path), CASES, 2)

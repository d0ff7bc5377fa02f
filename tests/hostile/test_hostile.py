"""Hostile input: one clear message or the right result; no traceback, no hang, nothing half written, nothing silent.

A twentieth of the cases here, all of them in ``make test-slow``; ``make hostile`` counts them and writes
``docs/reliability.md``.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import campaign
import families
from verdicts import GOOD

CASES = families.every_case()


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    return campaign.Campaign(tmp_path_factory.mktemp("hostile"))


def _hold(tried, cases, jobs):
    verdicts = list(tried.run(cases, jobs))
    print("\n" + campaign.table(Counter((v.case.family, v.kind) for v in verdicts)))
    bad = [v for v in verdicts if v.kind not in GOOD]
    assert not bad, f"{len(bad)} of {len(verdicts)}:\n" + "\n".join(map(str, bad[:20]))


def test_there_are_a_thousand_of_every_kind():
    assert len(CASES) >= 1000
    assert set(Counter(c.family for c in CASES)) == set(campaign.FAMILIES)
    assert {c.family for c in campaign.quick(CASES)} == set(campaign.FAMILIES)


def test_a_twentieth(tried):
    _hold(tried, campaign.quick(CASES), 1)


@pytest.mark.slow
def test_every_case(tried):
    _hold(tried, CASES, 2)

"""Hostile input: one clear message or the right result; no traceback, no hang, nothing half written, nothing silent.

A tenth of the cases here, all of them in ``make test-slow``; ``make hostile`` counts them and writes
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


def _hold(tried, cases, jobs):
    verdicts = list(tried.run(cases, jobs))
    print("\n" + campaign.table(Counter((v.case.family, v.kind) for v in verdicts)))
    bad = [v for v in verdicts if v.kind not in GOOD]
    assert not bad, f"{len(bad)} of {len(verdicts)}:\n" + "\n".join(map(str, bad[:20]))


def test_there_are_a_thousand_of_every_kind():
    assert len(CASES) >= 1000
    assert set(Counter(c.family for c in CASES)) == set(campaign.FAMILIES)
    assert {c.family for c in campaign.quick(CASES)} == set(campaign.FAMILIES)


def test_a_tenth(tmp_path):
    _hold(campaign.Campaign(tmp_path, has_pages=False), campaign.quick(CASES), 1)


@pytest.mark.slow
def test_every_case(tmp_path):
    _hold(campaign.Campaign(tmp_path), CASES, 2)

"""prldh's conformance kit on the feature source."""

from __future__ import annotations

from prldh.testing.kit import checks_of


def test_the_source_conforms(checkpoint):
    from prldh_uctransnet.source import UCTransNetSource

    for check in checks_of(UCTransNetSource(), {"checkpoint": str(checkpoint), "size": 32, "device": "cpu"}):
        check()

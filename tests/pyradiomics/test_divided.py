"""One case whose filtered images are spread over processes: the same values, whatever the jobs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("radiomics", reason="PyRadiomics is not installed (it needs a C compiler)")
pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")

sys.path.insert(0, str(Path(__file__).parent))
from cases import ball, make_case, textured
from prldh_pyradiomics.settings import Settings
from prldh_pyradiomics.source import PyRadiomicsSource

from prldh.data.imaging import ChosenSource
from prldh.work import work

SOURCE = PyRadiomicsSource()
SHAPE = (12, 18, 16)


@pytest.fixture(scope="module")
def case():
    inside = ball(SHAPE, (6, 9, 8), (4, 6, 5))
    return make_case(textured(SHAPE), inside, ball(SHAPE, (6, 9, 8), (4, 5, 5)), spacing_mm=(0.8, 0.9, 2.0))


SETTINGS = {
    "default": {},
    "Laplacians": {"preset": "protocol-log", "sigma": [1.0, 2, 3.0]},
    "two levels": {"level": 2, "sigma": [1.5]},
    "slice by slice": {"force2D": True},
    "IBSI": {"preset": "ibsi", "resampledPixelSpacing": [1.0, 1.0, 1.0]},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_parts_are_the_whole_in_its_order(case, name):
    settings = Settings(**SETTINGS[name])
    whole = SOURCE.extract(case, settings)
    parts = [SOURCE.extract_part(case, settings, part) for part in SOURCE.parts(case, settings)]
    assert all(values for part in parts for values in part), "a part without values"
    for reader, values in enumerate(whole):
        assert [pair for part in parts for pair in part[reader].items()] == list(values.items())


def test_pyradiomics_itself_is_not_divided(case):
    assert SOURCE.parts(case, Settings(backend="pyradiomics")) == []


@pytest.mark.parametrize("worth_s", [0.0, 1e9])
def test_processes_share_a_case_where_it_is_worth_it(case, monkeypatch, worth_s):
    monkeypatch.setattr(work, "WORTH_S", worth_s)
    spread = []
    over_processes = work.Workers._over_processes

    def watched(workers, function, items):
        spread.append((workers.jobs, len(items)))
        return over_processes(workers, function, items)

    monkeypatch.setattr(work.Workers, "_over_processes", watched)
    settings = Settings()
    chosen = ChosenSource(SOURCE, settings, {}, "", jobs=2)
    answers = chosen.extract(case)
    assert [list(a.items()) for a in answers] == [list(v.items()) for v in SOURCE.extract(case, settings)]
    assert spread == ([(2, 12)] if worth_s == 0 else [])

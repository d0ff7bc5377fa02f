"""Progress: time left from what was computed, kept work aside; plain lines where there is no terminal."""

from __future__ import annotations

import io
import time

import pytest

import prldh.work.progress
from prldh import pipeline
from prldh.work.progress import Pace, alive, show_progress, spell


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(prldh.work.progress.time, "monotonic", lambda: Clock.now)
    return Clock


def _written(monkeypatch, clock, calls, terminal=False):
    """What is written when a stage is told of: (seconds since the call before, stage, done, total)."""
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr("sys.stderr", stream)
    with show_progress() as progress:
        for seconds, *call in calls:
            clock.now += seconds
            progress(*call)
    return stream.getvalue()


def test_kept_work_does_not_count(clock):
    pace = Pace(300)
    assert pace.left(300, 400) is None  # found kept, nothing computed yet
    clock.now += 2
    assert pace.left(301, 400) == pytest.approx(99 * 2)
    assert pace.left(351, 400) == pytest.approx(49 * 2)  # another 50 were found: the null run's next permutation
    clock.now += 4
    assert pace.left(352, 400) == pytest.approx(48 * 3)
    assert pace.left(400, 400) is None


def test_lines_come_at_the_start_then_every_ten_seconds_then_at_the_end(monkeypatch, clock):
    calls = [
        (0, "refits", 4, 40),
        *[(1, "refits", k, 40) for k in range(5, 41)],
        (0, "report", 0, 1),
        (1, "report", 1, 1),
    ]
    assert _written(monkeypatch, clock, calls).splitlines() == [
        "refits: 4/40",
        "refits: 15/40, about 25 s left",
        "refits: 26/40, about 14 s left",
        "refits: 37/40, about 3 s left",
        "refits: 40/40, 36 s",
        "report: 0/1",
    ]


def test_a_sentence_stands_alone(monkeypatch, clock):
    calls = [(0, "resuming: 312 of 1,180 resamples are kept", 0, 0), (0, "refits", 312, 1180)]
    assert _written(monkeypatch, clock, calls) == "resuming: 312 of 1,180 resamples are kept\nrefits: 312/1180\n"


def test_bars(monkeypatch, clock):
    monkeypatch.setenv("COLUMNS", "160")
    calls = [(0, "resuming: 3 of 9 [kept]", 0, 0), (0, "refits", 3, 9), (100, "refits", 4, 9), (100, "refits", 5, 9)]
    shown = _written(monkeypatch, clock, calls, terminal=True)
    assert "resuming: 3 of 9 [kept]" in shown and "5/9" in shown and "6 min 40 s left" in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"), (3599, "59 min 59 s"), (7500, "2 h 5 min")],
)
def test_lengths_of_time(seconds, text):
    assert spell(seconds) == text


def test_a_step_that_takes_long_is_told_again_and_one_that_is_over_is_not():
    told: list[tuple[str, int, int]] = []
    with alive(lambda *step: told.append(step), after_s=0.02) as progress:
        progress("models", 1, 3)
        deadline = time.monotonic() + 20
        while len(told) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        progress("models", 3, 3)
        progress("a sentence", 0, 0)
        n = len(told)
        time.sleep(0.2)
    assert told[:3] == [("models", 1, 3)] * 3 and len(told) == n and told[-1] == ("a sentence", 0, 0)


def test_starting_the_engines_is_a_stage_and_reading_the_study_is_none(tmp_path, monkeypatch):
    """Where R starts, seconds went by without a word; a study that cannot be read is one message and no more."""

    class Reached(Exception):
        pass

    def stop(*_, **__):
        raise Reached

    rows = [f"P{k},{k % 2},{k * 7 % 40}" for k in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["id,y,score", *rows]))
    clinical = {"table": str(tmp_path / "t.csv"), "id": "id", "outcome": "y", "event": 1}
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(pipeline, "open_engines", stop)
    with pytest.raises(Reached):
        study = {"clinical": clinical, "tissues": {"disc": {"radscore": "score"}}, "engine": "python"}
        pipeline.analyze(study, tmp_path / "out", jobs=1, progress=lambda *step: told.append(step))
    assert told == [("engines", 0, 1)]

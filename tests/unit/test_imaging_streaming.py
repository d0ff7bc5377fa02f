"""Cases read by some processes for a device that one has: the results of one process, whose fault a failure is, and
reading that costs no time beside computing."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest
from imaging_data import box, row, values, write
from pydantic import BaseModel

from prldh.core import DataError, PluginError
from prldh.data.imaging.compute import compute_cases
from prldh.data.imaging.consensus import Consensus
from prldh.data.imaging.sources import ChosenSource
from prldh.data.imaging.streaming import n_readers, read_pieces, stream_cases
from prldh.plugins import ExtractsStream
from prldh.study import ReadSettings


class Settings(BaseModel):
    n: int = 2
    seconds: float = 0.0
    wrong: str = ""


@dataclass
class Piece:
    reader: int
    values: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.values.nbytes


def _about(name, found):
    return {f"{name}_mean": float(found.mean()), f"{name}_top": float(found.max())}


class Plain:
    """Measures where it is asked."""

    name, version, Settings = "plain", "1", Settings

    def extract(self, case, settings):
        return tuple(_about(self.name, case.image.values[mask]) for mask in case.masks)

    def describe(self, names, settings):
        return {}


class Streamed(Plain):
    """The same by a device: one voxel layer is a piece."""

    name = "streamed"

    def readers(self, settings, jobs):
        return settings.n and min(settings.n, jobs)

    def prepare(self, case, settings):
        time.sleep(settings.seconds)
        for reader, mask in enumerate(case.masks):
            for layer, inside in zip(case.image.values, mask, strict=True):
                if inside.any():
                    yield Piece(reader, layer[inside])
                if settings.wrong == "dark" and case.patient == "P2":
                    raise DataError("too dark.")
                if settings.wrong == "breaks" and case.patient == "P2":
                    raise ValueError("oops")

    def open_stream(self, settings):
        return Device(self, settings)


class Device:
    """Answers three cases late."""

    def __init__(self, source, settings):
        self.source, self.settings = source, settings
        self.held, self.whole = {}, []

    def put(self, owner, pieces, is_last):
        self.held.setdefault(owner, []).extend(pieces)
        if is_last:
            time.sleep(self.settings.seconds)
            self.whole.append(owner)
            if self.settings.wrong == "device":
                raise RuntimeError("the device is lost")
        return self._answers(3)

    def drop(self, owner):
        self.held.pop(owner, None)
        self.whole = [o for o in self.whole if o != owner]

    def close(self):
        return self._answers(0)

    def _answers(self, late):
        found = []
        while len(self.whole) > late:
            owner = self.whole.pop(0)
            of = {
                r: [p.values for p in self.held[owner] if p.reader == r] for r in {p.reader for p in self.held[owner]}
            }
            found.append((owner, tuple(_about(self.source.name, np.concatenate(of[r])) for r in sorted(of))))
            del self.held[owner]
        return found


def _shared(folder, kept, consensus=None, **settings):
    sources = {s.name: ChosenSource.of(s, Settings(**settings), folder) for s in (Plain(), Streamed())}
    return sources, ReadSettings(), None, consensus, (), kept


@pytest.fixture
def rows(tmp_path):
    pytest.importorskip("SimpleITK")
    made = []
    for i in range(8):
        image = write(tmp_path / f"i{i}.nii.gz", values(i))
        masks = [write(tmp_path / f"m{i}_{k}.nii.gz", (box() > k).astype(np.uint8)) for k in range(2)]
        made.append(row(image, *masks, patient=f"P{i}", line=i + 2))
    return made


def _stream(rows, shared, **more):
    progress = []
    found = stream_cases([rows[:3], *([r] for r in rows[3:])], shared, 2, progress.append, print, **more)
    assert progress == sorted(progress) and progress[-1] == len(rows)
    return [result for batch in found for result in batch]


def test_results_are_those_of_one_process_and_are_kept(rows, tmp_path):
    assert isinstance(Streamed(), ExtractsStream) and not isinstance(Plain(), ExtractsStream)
    consensus = Consensus(consensus="majority")
    found = _stream(rows, _shared(tmp_path, tmp_path / "kept", consensus))
    assert n_readers(_shared(tmp_path, tmp_path, n=0)[0], 4) == 0 and n_readers(_shared(tmp_path, tmp_path)[0], 4) == 2
    alone = compute_cases(*_shared(tmp_path, tmp_path / "other", consensus), rows)
    for one, other in zip(found, alone, strict=True):
        assert one.row == other.row and one.about == other.about and one.picture == other.picture
        assert one.values["plain"] == other.values["plain"] and one.consensus["plain"] == other.consensus["plain"]
        for k in range(2):
            assert list(one.values["streamed"][k].values()) == list(one.values["plain"][k].values())
        assert len(one.consensus["streamed"]) == 1 and one.n_computed == 2 and one.is_kept
    again = _stream(rows, _shared(tmp_path, tmp_path / "kept", consensus))
    assert [r.n_computed for r in again] == [0] * 8 and [r.values for r in again] == [r.values for r in found]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [("dark", "too dark."), ("breaks", "the source 'streamed' failed on it (ValueError in test_im")],
)
def test_one_bad_case_does_not_end_the_others(rows, tmp_path, wrong, reason):
    (tmp_path / "i5.nii.gz").write_bytes(b"no image")
    found = _stream(rows, _shared(tmp_path, tmp_path / "kept", wrong=wrong, n=1))
    assert [r.reason is None for r in found] == [True, True, False, True, True, False, True, True]
    assert found[2].reason.startswith(reason) and not found[2].values and found[3].values["streamed"]


def test_a_device_that_fails_ends_the_run_with_its_source(rows, tmp_path):
    with pytest.raises(PluginError, match=r"'streamed' failed while it computed \(RuntimeError .*the device is lost"):
        _stream(rows, _shared(tmp_path, tmp_path / "kept", wrong="device", n=1))


@pytest.mark.slow
def test_reading_costs_no_time_beside_computing(rows, tmp_path, monkeypatch):
    """A device as slow as reading, one reader: by the clock, from the first case on, at most 0.6 of both added up. Both
    sleep for most of it, so that other work on this machine matters little."""
    n, times = 16, []
    many = [
        row(write(tmp_path / f"more{i}.nii.gz", values(100 + i)), *rows[0].masks, patient=f"P{i}", line=i + 2)
        for i in range(n)
    ]
    shared = _shared(tmp_path, tmp_path / "kept", n=1, seconds=0.2)
    compute_cases({"plain": shared[0]["plain"]}, *shared[1:], many)  # pictures and plain values are kept
    start = time.perf_counter()
    assert sum(1 for _ in read_pieces(["streamed"], *shared, many)) == 2 * n
    reading = (time.perf_counter() - start) / n

    def put(self, owner, pieces, is_last):
        times.append(time.perf_counter())
        time.sleep(reading if is_last else 0)
        self.settings = Settings()
        return original(self, owner, pieces, is_last)

    original = Device.put
    monkeypatch.setattr(Device, "put", put)
    stream_cases([[r] for r in many], shared, 1, lambda done: None, print)
    assert times[-1] + reading - times[0] < 0.6 * n * 2 * reading

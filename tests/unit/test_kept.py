"""Finished work on disk: exact, checked, and never in the way."""

from __future__ import annotations

import os
import time

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import prldh.work.kept
from prldh.work.kept import KeptWork, decode, digest_of, encode

STUDY = "5" * 64
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | arrays.arrays(
        st.sampled_from(["<f8", "<i8", "i1", "?", "<f4"]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)


def _same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)


@given(st.recursive(leaves, lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_what_is_read_is_what_was_written(content):
    assert _same(content, decode(encode(content)))


def test_objects_are_refused():
    with pytest.raises(TypeError):
        encode([np.array([object()])])
    with pytest.raises(TypeError):
        encode([{1, 2}])
    with pytest.raises(TypeError):
        digest_of({1, 2})


@pytest.mark.parametrize(
    "other",
    [
        ["a", [1.0, None], np.zeros((2, 3))],
        ["a", [1, None], np.zeros((3, 2))],
        ["a", [1, None], np.zeros((2, 3), np.float32)],
        ["a", 1, None, np.zeros((2, 3))],
        ["a", ["1", None], np.zeros((2, 3))],
        ["a", [1, None], np.array([[0, 0, 0], [0, 0, 1e-300]])],
        ["a", [True, None], np.zeros((2, 3))],
    ],
)
def test_a_digest_tells_apart(other):
    one = ["a", [1, None], np.zeros((2, 3))]
    assert digest_of(one) == digest_of(["a", (1, None), np.asfortranarray(np.zeros((2, 3)))])
    assert digest_of(one) != digest_of(other)


def _records(n=3):
    return {digest_of(i): [f"record {i}", np.arange(5.0) + i] for i in range(n)}


def _kept(records):
    kept = KeptWork(STUDY, print)
    for key, content in records.items():
        kept.keep(key, content)
    kept.close()
    (path,) = prldh.work.kept.cache_folder("resamples").glob("*.kept")
    return path


def _found(records, told=None):
    kept = KeptWork(STUDY, (told if told is not None else []).append)
    found = [key for key, content in records.items() if _same(kept.find(key), content)]
    assert kept.n_kept == len(found)  # nothing damaged was taken for whole
    return kept, found


def test_found_again_until_forgotten():
    records = _records()
    path = _kept(records)
    assert path.stat().st_mode & 0o077 == 0  # scores of patients are nobody else's
    kept, found = _found(records)
    assert found == list(records) and kept.find("absent") is None
    assert KeptWork("6" * 64, print).find(found[0]) is None
    kept.forget()
    assert not path.exists() and _found(records)[1] == []


@pytest.mark.parametrize("share", np.linspace(0, 1, 23)[:-1])
def test_a_file_cut_off_anywhere_gives_what_is_whole(share):
    records = _records()
    path = _kept(records)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert _found(records)[1] == list(records)[: int(share * 3)]  # records are of one size


@pytest.mark.parametrize("at", range(0, 300, 7))
def test_a_damaged_byte_costs_no_more_than_its_record_and_those_behind(at):
    records = _records()
    path = _kept(records)
    content = bytearray(path.read_bytes())
    size = len(content) // 3
    for wrong in (0x00, 0x0A, content[at] ^ 0x01):
        if content[at] == wrong:
            continue
        path.write_bytes(bytes(content[:at]) + bytes([wrong]) + bytes(content[at + 1 :]))
        found = _found(records)[1]
        assert list(records)[at // size] not in found and found[: at // size] == list(records)[: at // size]


def test_two_runs_at_once_do_not_meet():
    records = _records(6)
    one, two = KeptWork(STUDY, print), KeptWork(STUDY, print)
    for i, (key, content) in enumerate(records.items()):
        (one, two)[i % 2].keep(key, content)
    one.keep(list(records)[1], records[list(records)[1]])  # both did this one
    assert _found(records)[1] == list(records)
    one.forget()  # it is done; the other goes on
    two.keep(digest_of("more"), ["more"])
    two.close()
    assert _found(records)[1] == list(records)[1::2]
    two.forget()
    assert _found(records)[1] == []


def test_where_nothing_can_be_kept_it_is_told_once(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "file"))
    told: list[str] = []
    kept, found = _found(_records(), told)
    kept.keep("a" * 64, [1])
    kept.keep("b" * 64, [2])
    assert (
        found == [] and kept.n_kept == 0 and len(told) == 1 and "cannot be kept" in told[0] and "PRLDH_CACHE" in told[0]
    )
    kept.forget()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk")
def test_a_full_disk(monkeypatch):
    told: list[str] = []
    kept = KeptWork(STUDY, told.append)
    monkeypatch.setattr(kept, "_open", lambda: open("/dev/full", "wb"))
    for i in range(3):
        kept.keep(digest_of(i), [np.zeros(10)])
    assert len(told) == 1 and "No space left" in told[0] and kept.n_kept == 0
    kept.forget()


def test_what_unfinished_runs_leave_goes_in_time(monkeypatch):
    _kept(_records())
    folder = prldh.work.kept.cache_folder("resamples")
    monkeypatch.setattr(prldh.work.kept, "KEEP_BYTES", 250)
    for name, days in (("old", 40), ("new", 1), ("newer", 0.5), ("newest", 0.1)):
        (folder / f"{name}.kept").write_bytes(b"x" * 100)
        os.utime(folder / f"{name}.kept", times=(time.time() - days * 86400,) * 2)
    kept = KeptWork(STUDY, print)
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith("5")) == ["newer.kept", "newest.kept"]
    assert kept.find(digest_of(0)) is not None  # the study's own are spared

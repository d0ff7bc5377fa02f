"""Work that comes piece by piece from processes: all of it, in order, within its memory, and what goes wrong."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from prldh.core import ComputeError, DataError
from prldh.work import Kind, Pieces

MB = 1024**2


def several(prefix, item):
    """``item`` pieces that say where they come from."""
    for k in range(item):
        yield prefix, item, k


def large(item):
    for _ in range(4):
        yield bytes(MB)


def failing(item):
    yield item
    if item == 3:
        raise DataError("the third is bad")


def dying_once(mark, item):
    yield "first", item
    if item == 2 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield "second", item


def dying(item):
    yield item
    os.kill(os.getpid(), signal.SIGKILL)


def test_everything_comes_and_each_item_s_pieces_in_their_order():
    items = [3, 0, 1, 4, 2]
    with Pieces(several, items, 2, ("x",)) as pieces:
        found: dict[int, list] = {i: [] for i in range(5)}
        for i, kind, piece in pieces:
            found[i].append(piece if kind is Kind.PIECE else kind)
    for i, n in enumerate(items):
        assert found[i] == [("x", n, k) for k in range(n)] + [Kind.END]
    with Pieces(several, [], 2, ("x",)) as pieces:
        assert list(pieces) == []


def test_what_waits_to_be_used_stays_within_its_memory():
    """Four processes make 48 MB; whoever uses it is slow. At most 3 MB wait, and the piece that reached them."""
    with Pieces(large, range(12), 4, limit=3 * MB) as pieces:
        n = 0
        for _, kind, _ in pieces:
            n += kind is Kind.PIECE
            if n < 20:
                time.sleep(0.01)
    assert n == 48 and 2 * MB < pieces.most_bytes <= 4 * MB + 4096


def test_an_error_is_raised_here_and_the_processes_are_gone():
    with pytest.raises(DataError, match="the third is bad"), Pieces(failing, range(40), 2) as pieces:
        for _ in pieces:
            pass
    assert not any(helper.process.is_alive() for helper in pieces._helpers)


def test_what_a_dead_process_had_begins_anew(tmp_path):
    said = []
    with Pieces(dying_once, range(6), 2, (str(tmp_path / "mark"),), say=said.append) as pieces:
        found: dict[int, list] = {i: [] for i in range(6)}
        for i, kind, piece in pieces:
            if kind is Kind.ANEW:
                found[i].clear()
            elif kind is Kind.PIECE:
                found[i].append(piece)
    assert found == {i: [("first", i), ("second", i)] for i in range(6)}
    assert len(said) == 1 and "died" in said[0]


def test_processes_that_die_again_and_again_end_the_run():
    with pytest.raises(ComputeError, match="died 3 times"), Pieces(dying, range(6), 2) as pieces:
        for _ in pieces:
            pass

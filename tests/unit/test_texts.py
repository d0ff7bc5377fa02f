"""What of a value a message shows."""

from __future__ import annotations

import pytest

from prldh.core import shown


def _inside(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def _itself() -> list:
    value: list = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        "a" * 1_000_000,
        "\x1b[31mred\x07\x00",
        "\u202eevil\u200b",
        "\ud800",
        "line\r\nline",
        10**5000,
        [10**5000] * 1000,
        {"a" * 1000: {"b": list(range(10_000))}},
        _inside(100_000),
        _itself(),
        None,
        float("nan"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_at_most_80_characters_all_of_which_print(value):
    text = shown(value)
    assert 0 < len(text) <= 80
    assert text.isprintable()


def test_what_prints_and_is_short_is_shown_as_it_is():
    assert shown("Größe (mm) – 3 µm") == "Größe (mm) – 3 µm"
    assert shown("a" * 80) == "a" * 80
    assert shown("a" * 81) == "a" * 77 + "..."
    assert shown(10**5000) == "a number of 5,001 digits"

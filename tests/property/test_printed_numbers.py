"""What is printed lies on the side of every bound that the number lies on: p and interval never contradict each other
by rounding."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from prldh.core import LEAST, plain, without_rounding
from prldh.pages.format import (
    BOUNDS,
    LEVELS,
    from_to,
    interval,
    interval_text,
    number,
    p_text,
    p_value,
    percent_text,
    quantity,
)
from prldh.results import interval as terminal

NEAR = st.sampled_from([*LEVELS, *BOUNDS, 0.0, 2.0, 30.0, 400.0])
#: Numbers of all sizes, many of them a hair beside what they are held against.
NUMBERS = st.one_of(
    st.floats(-1e3, 1e3),
    st.builds(lambda bound, off: bound + off, NEAR, st.floats(-6e-4, 6e-4)),
)


def number_of(shown: str) -> float:
    mantissa, _, power = shown.replace("−", "-").partition(" × 10")
    return float(mantissa) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)


def side(value: float, bound: float) -> int:
    return 0 if abs(value - bound) <= 2e-9 else 1 if value > bound else -1


@given(
    p=st.one_of(
        st.floats(0, 1), st.builds(lambda level, off: level + off, st.sampled_from(LEVELS), st.floats(-1e-3, 1e-3))
    )
)
def test_a_printed_p_lies_where_it_lies(p):
    shown = p_text(p)
    assert shown == Markup(p_value(p)).striptags().replace("\u00a0", " ")
    if shown[0] not in "<>":
        assert float(shown) == pytest.approx(p, abs=5e-4 + 1e-12)
        for level in LEVELS:
            assert side(float(shown), level) == side(p, level)


@given(value=st.one_of(st.floats(-1e-6, 1e-6), st.floats(-1e3, 1e3)), digits=st.integers(1, 6))
def test_nothing_but_0_is_printed_as_0(value, digits):
    """On the page, in text, on the terminal and in Word alike, as all of them take this one rule."""
    shown = plain(value, digits)
    for printed in (shown, Markup(number(value, digits)).striptags().replace("\u00a0", " ")):
        is_nothing = not re.search("[1-9]", printed.partition("e")[0].partition(" × ")[0])
        assert is_nothing == (value == 0)
        assert printed.startswith(("<", ">")) == (0 < abs(value) < LEAST)
    if 0 < abs(value) < LEAST:
        assert shown == ("< 1e-09" if value > 0 else "> -1e-09")
    assert (terminal({"estimate": value, "low": None, "high": value}, digits)) == f"{shown} (–, {shown})"


def test_what_is_nothing_beside_its_interval_is_rounding():
    assert interval_text({"estimate": -4e-17, "low": -0.4, "high": 0.4}) == "0.000 (−0.400, 0.400)"
    assert interval_text({"estimate": 0.112, "low": -5e-17, "high": 0.218}) == "0.112 (0.000, 0.218)"
    assert "(&lt;\u00a01" in interval({"estimate": 0.112, "low": 2e-10, "high": 0.218})
    assert terminal({"estimate": -4e-17, "low": -0.4, "high": 0.4}) == "0.000 (-0.400, 0.400)"
    assert interval_text({"estimate": 200.0, "low": 1.5, "high": 1e13}) == "200.0 (1.5, 1.0 × 10¹³)"
    assert interval_text({"estimate": 2.7e43, "low": 4.8e8, "high": 1.5e78}) == "2.7 × 10⁴³ (4.8 × 10⁸, 1.5 × 10⁷⁸)"
    assert interval_text({"estimate": 1e-12, "low": 1e-30, "high": 0.2}) == "< 1 × 10⁻⁹ (< 1 × 10⁻⁹, 0.200)"
    assert interval_text({"estimate": -3.0, "low": -5e13, "high": 40.0}) == "−3.000 (−5.00 × 10¹³, 40.000)"
    infinite = {"estimate": 5.0, "low": -float("inf"), "high": 7.0}
    assert interval_text(infinite).startswith("5.000 (−inf")
    tiny = {"estimate": 3e-12, "low": 1e-15, "high": 2e-11}
    assert interval_text(tiny) == "< 1 × 10⁻⁹ (< 1 × 10⁻⁹, < 1 × 10⁻⁹)"
    assert interval(tiny).count("&lt;\u00a01\u00a0×\u00a010⁻⁹") == 3


def test_what_is_not_known_has_no_brackets_and_powers_are_set_as_a_journal_sets_them():
    """In captions, alternative texts, forest plots and tables for Word alike, as all of them take this one rule."""
    unknown = {"estimate": None, "low": None, "high": None}
    assert interval_text(unknown) == "not known" and interval_text({**unknown, "estimate": 0.667}) == "0.667"
    assert interval_text({"estimate": 0.0028, "low": 1.39e-4, "high": 0.0171}) == "0.003 (1.39 × 10⁻⁴, 0.017)"


def test_what_was_measured_keeps_its_decimals():
    shown = {(20.0, 90.0): "20 to 90", (15.4, 32.0): "15.4 to 32.0", (-1.2345, 2.0): "−1.23 to 2.00", (0, 1): "0 to 1"}
    assert {ends: Markup(from_to(*ends)).striptags().replace("\u00a0", " ") for ends in shown} == shown
    assert "–" in from_to(None, None)
    tiny = Markup(from_to(1.04e-11, 2e-11)).striptags().replace("\u00a0", " ")
    assert tiny == "1.0 × 10⁻¹¹ to 2.0 × 10⁻¹¹" and "10⁻¹¹" in quantity(1.04e-11)  # moles in a litre, and no rounding


@given(middle=NUMBERS, ends=st.tuples(NUMBERS, NUMBERS))
def test_printed_limits_lie_where_they_lie(middle, ends):
    low, high = sorted(ends)
    entry = {"estimate": middle, "low": low, "high": high}
    text = re.sub("[<>] ", "", interval_text(entry)).strip(")").replace(" × ", "×")
    shown = [number_of(part.replace("×", " × ")) for part in re.split(r"[ (,)]+", text)]
    page = re.sub(r"[\u00a0 ]", "", Markup(interval(entry)).striptags())
    for value, printed in zip((middle, low, high), shown, strict=True):
        assert printed == pytest.approx(value, abs=0.05 + 1e-9)
    for value, printed in zip((low, high), shown[1:], strict=True):
        for bound in (0.0, *BOUNDS):
            assert side(printed, bound) == side(value, bound), (entry, page)


@pytest.mark.parametrize(
    ("p", "odds", "shown"),
    [
        (0.0498, (1.5, 1.0004, 2.25), ("0.0498", "1.5000 (1.0004, 2.2500)")),
        (0.0503, (1.5, 0.9996, 2.25), ("0.0503", "1.5000 (0.9996, 2.2500)")),
        (0.05, (1.5, 1.0, 2.25), ("0.050", "1.500 (1.000, 2.250)")),
        (0.04999999999, (30.4, 1.004, 921.0), ("0.050", "30.400 (1.004, 921.000)")),
    ],
)
def test_a_p_just_below_its_level_stands_beside_an_interval_without_1(p, odds, shown):
    entry = dict(zip(("estimate", "low", "high"), odds, strict=True))
    assert (p_text(p), interval_text(entry)) == shown


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_percentages_have_the_decimals_of_their_patients(n, share):
    part = round(n * share)
    shown = percent_text(100 * part / n, n)
    assert len(shown.partition(".")[2]) == (0 if n < 100 else 1) or shown[0] in "<>" or shown in ("0.0", "100.0")
    assert (shown in ("0", "0.0")) == (part == 0) and (shown in ("100", "100.0")) == (part == n)


def test_what_is_no_number_is_not_0():
    estimate, *limits = without_rounding(math.nan, -1.0, 1.0)
    assert estimate is not None and math.isnan(estimate) and limits == [-1.0, 1.0]

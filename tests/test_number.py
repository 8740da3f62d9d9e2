"""Exact numbers: what is read, what is refused before it costs anything, and what the others would answer."""

from __future__ import annotations

import decimal
import math
import sys
import time
from decimal import ROUND_DOWN
from decimal import ROUND_HALF_DOWN
from decimal import ROUND_HALF_EVEN
from decimal import ROUND_HALF_UP
from decimal import ROUND_UP
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricelang.number import LIMIT
from pricelang.number import MODES
from pricelang.number import NumberError
from pricelang.number import decimal_or_fraction
from pricelang.number import decimal_text
from pricelang.number import parse_decimal
from pricelang.number import printable
from pricelang.number import round_to

DECIMAL_MODES = {
    "half up": ROUND_HALF_UP,
    "half down": ROUND_HALF_DOWN,
    "half even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
}
WIDE = decimal.Context(prec=400, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)

decimals = st.builds(
    lambda digits, places: Fraction(digits, 10**places), st.integers(-LIMIT, LIMIT), st.integers(0, 30)
)
fractions = st.builds(Fraction, st.integers(-LIMIT, LIMIT), st.integers(1, 10**30))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.000", 0),
        ("007", 7),
        ("1000", 1000),
        ("1000.0", 1000),
        ("-12.50", Fraction(-25, 2)),
        ("1e3", 1000),
        ("1E+3", 1000),
        ("25e-1", Fraction(5, 2)),
        ("0.1", Fraction(1, 10)),
        ("9" * 30, 10**30 - 1),
        ("9" * 30 + "." + "9" * 30, Fraction(10**60 - 1, 10**30)),
        ("1e29", 10**29),
        ("1e-30", Fraction(1, 10**30)),
        ("10e-31", Fraction(1, 10**30)),
        ("1." + "0" * 100, 1),
        ("0e999999999999", 0),
        ("1" + "0" * 100 + "e-100", 1),
        ("0." + "0" * 100 + "1e101", 1),
        ("1e+00000000000000000003", 1000),
    ],
)
def test_numbers_that_are_read(text: str, value: Fraction) -> None:
    assert parse_decimal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "abc",
            "NaN",
            "nan",
            "sNaN",
            "Infinity",
            "-Infinity",
            "inf",
            "1_000",
            "1,000",
            "１０００",
            "١٢",
            "²",
        ),
        *(" 1", "1 ", "1\n", "+1", ".5", "5.", "1.2.3", "1e", "e5", "1e1.5", "--1", "0x10", "1/3", "1\x00", "−1", "$1"),
        *("1.\u0660", "9" * 2000 + "x", "𝟏𝟎"),
    ],
)
def test_texts_that_are_no_numbers(text: str) -> None:
    with pytest.raises(NumberError) as caught:
        parse_decimal(text)
    assert caught.value.code == "not-a-number"
    assert "not a number" in caught.value.message
    assert len(caught.value.message) < 200
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1" + "0" * 30, "too large"),
        ("-1e30", "too large"),
        ("1e40", "too large"),
        ("1e999999999", "too large"),
        ("1e" + "9" * 500, "too large"),
        ("1e-31", "too fine"),
        ("0." + "3" * 31, "too fine"),
        ("1e-999999999", "too fine"),
        ("9" * 1001, "more than 1,000 characters"),
        ("1e" + "9" * 5000, "more than 1,000 characters"),
    ],
)
def test_numbers_out_of_bounds(text: str, word: str) -> None:
    with pytest.raises(NumberError) as caught:
        parse_decimal(text)
    assert caught.value.code == "too-large"
    assert word in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("text", ["9" * 10_000_000, "9" * 10_000_000 + "x", "1e" + "9" * 10_000_000, "1e999999999"])
def test_nothing_hangs(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(NumberError):
        parse_decimal(text)
    assert time.perf_counter() - start < 1


@given(decimals)
def test_text_and_back(value: Fraction) -> None:
    text = decimal_text(value)
    if abs(value) < LIMIT:
        assert parse_decimal(text) == value
    assert Fraction(text) == value
    assert "e" not in text.lower()
    assert text == "0" or not text.lstrip("-").startswith("0") or text.lstrip("-").startswith("0.")
    if "." in text:
        assert not text.endswith(("0", "."))


@given(fractions)
def test_any_fraction_has_a_text(value: Fraction) -> None:
    text = decimal_text(value)
    assert Fraction(text) == value
    if "/" in text:
        assert math.gcd(*map(int, text.split("/"))) == 1
        assert 10**200 % value.denominator != 0
    else:
        assert 10**200 % value.denominator == 0


@given(st.text("0123456789.eE+-x_ ", max_size=40))
def test_what_is_read_is_what_decimal_reads(text: str) -> None:
    try:
        value = parse_decimal(text)
    except NumberError as error:
        if error.code == "not-a-number":
            return
        number = Decimal(text)
        assert number.adjusted() >= 30 or int(number.normalize(WIDE).as_tuple().exponent) < -30
    else:
        number = Decimal(text)
        assert value == (0 if not number else Fraction(number))


def test_texts_of_numbers() -> None:
    assert decimal_text(0) == "0"
    assert decimal_text(-5) == "-5"
    assert decimal_text(Fraction(0)) == "0"
    assert decimal_text(Fraction(1, 8)) == "0.125"
    assert decimal_text(Fraction(-1, 2000)) == "-0.0005"
    assert decimal_text(Fraction(10**31)) == "1" + "0" * 31
    assert decimal_text(Fraction(2, 6)) == "1/3"
    assert decimal_text(Fraction(-7, 15)) == "-7/15"
    assert decimal_text(Fraction(1, 5**200)) == str(WIDE.divide(1, Decimal(5**200)).__format__("f"))
    assert decimal_text(Fraction(1, 5**200 * 3)) == f"1/{5**200 * 3}"


def test_texts_longer_than_python_writes_ints() -> None:
    digits = sys.get_int_max_str_digits() + 100
    assert decimal_text(10**digits) == "1" + "0" * digits
    assert decimal_text(Fraction(1, 10**digits)) == "0." + "0" * (digits - 1) + "1"


@given(st.one_of(decimals, fractions))
def test_the_callers_decimal_context_takes_no_part(value: Fraction) -> None:
    calm = decimal_or_fraction(value)
    hostile = decimal.Context(prec=1, Emax=1, Emin=-1, traps=[decimal.Inexact, decimal.Rounded, decimal.FloatOperation])
    with decimal.localcontext(hostile):
        result = decimal_or_fraction(value)
        text = decimal_text(value)
    assert str(result) == str(calm)
    assert text == decimal_text(value)
    assert isinstance(result, Fraction) == ("/" in text)
    assert Fraction(result) == value


@given(decimals, st.integers(1, 999), st.integers(0, 12), st.sampled_from(MODES))
def test_rounding_as_decimal_rounds(value: Fraction, step: int, places: int, mode: str) -> None:
    size = Fraction(step, 10**places)
    rounded = round_to(value, size, mode)
    with decimal.localcontext(WIDE):
        ratio = Fraction(value / size)
        twice, rest = divmod(abs(ratio) * 2, 1)  # a decimal that rounds as the ratio does, which may have no end
        near = Decimal(int(twice)) / 2 + (Decimal("0.1") if rest else 0)
        count = int(near.quantize(Decimal(1), rounding=DECIMAL_MODES[mode]))
    assert rounded == (count if value >= 0 else -count) * size


@given(fractions, fractions.filter(bool), st.sampled_from(MODES))
def test_rounding_by_its_definition(value: Fraction, other: Fraction, mode: str) -> None:
    size = abs(other)
    rounded = round_to(value, size, mode)
    assert type(rounded) is Fraction
    assert (rounded / size).denominator == 1
    assert abs(rounded - value) < size
    assert round_to(-value, size, mode) == -rounded
    assert round_to(rounded, size, mode) == rounded
    if mode.startswith("half"):
        assert abs(rounded - value) * 2 <= size
    elif mode == "up":
        assert abs(rounded) >= abs(value)
    else:
        assert abs(rounded) <= abs(value)


@pytest.mark.parametrize(
    ("mode", "half", "odd_half", "more", "less"),
    [
        ("half up", 1, 2, 1, 0),
        ("half down", 0, 1, 1, 0),
        ("half even", 0, 2, 1, 0),
        ("up", 1, 2, 1, 1),
        ("down", 0, 1, 0, 0),
    ],
)
def test_rounding_at_the_half(mode: str, half: int, odd_half: int, more: int, less: int) -> None:
    for sign in (1, -1):
        cents = [round_to(Fraction(sign * n, 1000), Fraction(1, 100), mode) * 100 * sign for n in (5, 15, 6, 4, 0)]
        assert cents == [half, odd_half, more, less, 0]


def test_roundings_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="half sideways"):
        round_to(Fraction(1), Fraction(1), "half sideways")
    with pytest.raises(ValueError, match="above zero"):
        round_to(Fraction(1), Fraction(0), "up")


def test_what_someone_sent_is_printed_safely() -> None:
    assert printable("plain") == "plain"
    assert printable("a\u202eb\n\x1b\ud800") == "a\\u202eb\\u000a\\u001b\\ud800"
    assert len(printable("x" * 10_000)) == 60
    assert len(printable("\x00" * 59)) == 60
    assert printable("é" * 60) == "é" * 60

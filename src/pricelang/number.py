"""Exact numbers: read from text, written as text, rounded. Nothing here passes through a float.

Whoever sends a number decides its length, so its size is settled from the text alone before anything is computed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

MAX_DIGITS = 30
"""Digits that may stand before the point: every number read is below 10^30."""

MAX_DECIMALS = 30
"""Digits that may stand after the point, zeros at the end not counted."""

MAX_CHARACTERS = 1000
"""Characters a number may be written with."""

LIMIT = 10**MAX_DIGITS

MODES = ("half up", "half down", "half even", "up", "down")
"""Ways to round, all mirrored around zero: `up` is away from it."""

_SHAPE = re.compile(r"(-?)([0-9]++)(?:\.([0-9]++))?(?:[eE]([+-]?)([0-9]++))?")
_SHOWN = 60
_FIVES = {5**power: power for power in range(128)}
_GREATEST_FIVE = 5**127
# Python refuses to write out ints of more than 4,300 digits; Decimal does not.
_LONG_INT_BITS = 14_000


class NumberError(ValueError):
    """A text that is no number that can be taken. `code` is not-a-number or too-large."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NumberText(str):
    """A number that was sent as a number, kept by its text; a text in quotes stays a plain `str`."""

    __slots__ = ()


def printable(text: str) -> str:
    """What someone sent, safe to print: at most 60 characters, and what cannot be seen as its code point."""
    head = text[: _SHOWN + 1]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in head)
    if len(text) > _SHOWN or len(head) > _SHOWN:
        head = head[: _SHOWN - 1] + "…"
    return head


def quoted(text: str) -> str:
    """The same between quotes."""
    return f'"{printable(text)}"'


# --- from text ------------------------------------------------------------------------------------------------------


def parse_decimal(text: str) -> Fraction:
    """The value of a number written with the digits 0 to 9: `12`, `-0.5`, `1e6`. `NumberError` for anything else."""
    if len(text) <= MAX_DIGITS and text.isascii() and text.isdigit():
        return Fraction(int(text))
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise NumberError("not-a-number", _not_a_number(text))
    if len(text) > MAX_CHARACTERS:
        raise NumberError("too-large", f"{printable(text)} is written with more than {MAX_CHARACTERS:,} characters")
    minus, whole, decimals, exponent_sign, exponent = found.groups()
    digits = (whole + (decimals or "")).lstrip("0")
    if not digits:
        return Fraction(0)
    figures = digits.rstrip("0")
    power = len(digits) - len(figures) - len(decimals or "")  # the value is figures × 10^power
    if exponent:
        size = exponent.lstrip("0")
        if len(size) > 4:  # beyond what any mantissa of this length makes up for
            raise NumberError("too-large", _too_small(text) if exponent_sign == "-" else _too_large(text))
        power += int(exponent_sign + (size or "0"))
    if len(figures) + power > MAX_DIGITS:
        raise NumberError("too-large", _too_large(text))
    if power < -MAX_DECIMALS:
        raise NumberError("too-large", _too_small(text))
    number = int(minus + figures)
    return Fraction(number * 10**power) if power >= 0 else Fraction(number, 10**-power)


def _not_a_number(text: str) -> str:
    if not text.strip():
        return "an empty text is not a number"
    return f"{quoted(text)} is not a number; write it with the digits 0 to 9, like 1000 or 12.5"


def _too_large(text: str) -> str:
    return f"{printable(text)} is too large; a number may have at most {MAX_DIGITS} digits before the point"


def _too_small(text: str) -> str:
    return f"{printable(text)} is too fine; a number may have at most {MAX_DECIMALS} digits after the point"


# --- to text --------------------------------------------------------------------------------------------------------


def _int_text(number: int) -> str:
    if number.bit_length() < _LONG_INT_BITS:
        return str(number)
    return format(Decimal(number), "f")


def _five_power(number: int) -> int | None:
    """The power of five that an odd number is, or None."""
    power = _FIVES.get(number)
    if power is not None or number < _GREATEST_FIVE:
        return power
    power = 0
    while number % 5 == 0:
        number //= 5
        power += 1
    return power if number == 1 else None


def decimal_text(value: Fraction | int) -> str:
    """The value's decimal digits, all of them, without exponent; `n/d` in lowest terms where they do not end."""
    if isinstance(value, int):
        return _int_text(int(value))
    over, under = value.as_integer_ratio()
    if under == 1:
        return _int_text(over)
    twos = (under & -under).bit_length() - 1
    fives = _five_power(under >> twos)
    if fives is None:
        return f"{_int_text(over)}/{_int_text(under)}"
    places = max(twos, fives)
    digits = _int_text(abs(over) * 2 ** (places - twos) * 5 ** (places - fives)).rjust(places + 1, "0")
    return f"{'-' if over < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def decimal_or_fraction(value: Fraction) -> Decimal | Fraction:
    """The value as a `Decimal` of all its digits, or as it is where no decimal holds it.

    The caller's decimal context takes no part: neither its precision nor its traps.
    """
    text = decimal_text(value)
    return value if "/" in text else Decimal(text)


# --- rounding -------------------------------------------------------------------------------------------------------


def round_to(value: Fraction, size: Fraction, mode: str) -> Fraction:
    """The multiple of `size` that a value rounds to; minus x rounds to minus what x rounds to."""
    size_over, size_under = size.as_integer_ratio()
    if size_over <= 0:
        raise ValueError("a rounding step must be above zero")
    over, under = value.as_integer_ratio()
    by = under * size_over
    count, rest = divmod(abs(over) * size_under, by)
    if mode == "half up":
        count += 2 * rest >= by
    elif mode == "half even":
        count += 2 * rest > by or (2 * rest == by and count % 2 == 1)
    elif mode == "half down":
        count += 2 * rest > by
    elif mode == "up":
        count += rest > 0
    elif mode != "down":
        raise ValueError(f"there is no rounding {quoted(mode)}; use one of {', '.join(MODES)}")
    if over < 0:
        count = -count
    return Fraction(count * size_over) if size_under == 1 else Fraction(count * size_over, size_under)

"""Numbers of the core as the rule file writes them, and the next number that could stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping
from fractions import Fraction

from pricelang.number import decimal_text
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.source import Source
from pricelang.units import find_unit

_NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)([KMB]?)(?![\w.])")
_WORD = re.compile(r"[A-Za-z][A-Za-z-]*")
_SIZES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
MONEY = "$€£¥₹"
_NO_UNITS = frozenset(
    (
        "and",
        "at",
        "allow",
        "beyond",
        "by",
        "during",
        "each",
        "every",
        "expires",
        "for",
        "from",
        "in",
        "less",
        "more",
        "of",
        "on",
        "once",
        "or",
        "per",
        "plus",
        "to",
        "up",
        "when",
        "with",
    )
)
"""Words that may stand behind a number and are not its unit."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A number and the one in its place: as written, and in base units."""

    old: str
    new: str
    value: Fraction


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    value: Fraction
    money: str  # its sign, where one stands before it
    percent: bool
    more: str  # the word behind it


def text_at(place: Place, sources: Mapping[str, Source]) -> str:
    """What stands at a place, "" where its text is not there."""
    source = sources.get(place.path)
    if source is None or place.line > len(source.starts):
        return ""
    line = source.line(place.line)
    found = line[place.column - 1 : place.end - 1] if place.end > place.column else line
    return re.split(r"\s#", found)[0]


def next_number(value: Fraction, place: Place, sources: Mapping[str, Source], unit: Fraction) -> Changed | None:
    """The number at a place that a value was read from, one more in its last digit. None where none there is it.

    `unit`: what one of it may be in base units; so much of it is added to a zero.
    """
    tokens = list(_tokens(text_at(place, sources)))
    words = _WORD.findall(text_at(place, sources))
    factors = {Fraction(1), Fraction(1, 100), *(found.factor for one in words if (found := find_unit(one, {})))}
    sizes = {one.value for one in tokens if one.value} | {Fraction(1)}
    known = {unit, *(over / (under * size) for over in factors for under in factors for size in sizes)}
    fitting = [one for one in tokens if (value / one.value in known if one.value else not value)]
    if not fitting:
        return None
    # a rate's own number goes before the size it is per, which may fit as well
    token = min(fitting, key=lambda one: (value != one.value * (Fraction(1, 100) if one.percent else 1), not one.money))
    return _bumped(token, value, unit)


def _tokens(text: str) -> Iterator[_Token]:
    for match in _NUMBER.finditer(text):
        value = Fraction(match[1].replace(",", "")) * _SIZES[match[2]]
        sign = text[match.start() - 1 : match.start()] if match.start() else ""
        behind = text[match.end() :]
        percent = behind.lstrip().startswith("%")
        word = re.match(r"\s+([A-Za-z][A-Za-z-]*)", behind)
        more = word[1] if word is not None and word[1] not in _NO_UNITS else ""
        yield _Token(match[0], value, sign if sign in MONEY else "", percent, more)


def _bumped(token: _Token, value: Fraction, unit: Fraction) -> Changed:
    decimals = len(token.text.partition(".")[2]) if token.text[-1].isdigit() else 0
    new = token.value + Fraction(1, 10**decimals)
    text = with_commas(new, decimals)
    tail = "%" if token.percent else f" {token.more}" if token.more else ""
    after = value * new / token.value if token.value else new * unit
    return Changed(f"{token.money}{token.text}{tail}", f"{token.money}{text}{tail}", after)


def with_commas(value: Fraction, decimals: int = 0) -> str:
    """A decimal with thousands apart, and so many decimals at least."""
    whole, _, rest = decimal_text(value).partition(".")
    return f"{int(whole):,}" + (f".{rest.ljust(decimals, '0')}" if rest or decimals else "")

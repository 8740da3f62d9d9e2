"""Figures and words as they stand in a cell. Every figure keeps the digits of the catalog."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

WIDEST_NAMES = 72
_NAME = re.compile(r"[A-Za-z]\w*(?:-[A-Za-z_]\w*)*", re.ASCII)


def shifted(figure: Decimal, places: int) -> Decimal:
    """A figure times ten to the power of `places`; the digits stay."""
    sign, digits, exponent = figure.as_tuple()
    assert isinstance(exponent, int)
    return Decimal((sign, digits, exponent + places))


def plain(figure: Decimal) -> str:
    """The shortest text of a figure, without an exponent."""
    text = format(figure, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(figure: Decimal) -> str:
    """A price as a cell: `$2.50`, or `free`. Cents are written in full."""
    if not figure:
        return "free"
    text = plain(figure)
    whole, _, decimals = text.partition(".")
    return f"${whole}.{decimals:0<2}" if decimals else f"${whole}"


def count(number: int) -> str:
    """`200K`, `1M`, `199,999`."""
    for size, letter in ((1_000_000, "M"), (1_000, "K")):
        if number and number % size == 0:
            return f"{number // size}{letter}"
    return f"{number:,}"


def bands(edges: Sequence[int]) -> tuple[str, ...]:
    """The key cells of a model's bands: `up to 32K`, `above 32K up to 128K`, `above 128K`; `any` where there is one."""
    if not edges:
        return ("any",)
    cells = [f"up to {count(edges[0])}"]
    for low, high in pairwise(edges):
        cells.append(f"above {count(low)} up to {count(high)}")
    return (*cells, f"above {count(edges[-1])}")


def rows_of_names(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The names of a model in as many key cells as keep them readable."""
    rows: list[list[str]] = []
    width = 0
    for name in names:
        if not rows or width + 2 + len(name) > WIDEST_NAMES:
            rows.append([])
            width = -2
        rows[-1].append(name)
        width += 2 + len(name)
    return [tuple(row) for row in rows]


def block_name(text: str) -> str:
    """A text as the name of a ruleset, a usage or a table."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-") or "provider"
    name = re.sub(r"-(?=[^A-Za-z_]|$)|--+", "_", name)
    if not name[0].isalpha():
        name = f"provider_{name}"
    return name if _NAME.fullmatch(name) else re.sub(r"\W", "_", name, flags=re.ASCII)


def snake(text: str) -> str:
    """`contentPolicyUnits` as `content_policy_units`."""
    return block_name(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()).replace("-", "_")


def word(text: str) -> str:
    """A word of a closed set as it is written."""
    if re.fullmatch(r"""[^\s,:()|"\\]+""", text) and text.lower() not in _TAKEN:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text in quotes."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


_TAKEN = {"one", "not", "given", "like", "or", "and", "default", "optional", "of"}

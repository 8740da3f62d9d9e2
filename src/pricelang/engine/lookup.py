"""Finds the one row of a table that fits a record, and the layer that gives a cell at its instant."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

from pricelang.core.program import KeyAny
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.core.program import Row
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.engine.intake import RecordError
from pricelang.number import decimal_text

Value = Fraction | str | bool | Unlimited | None
MOST_COMBINATIONS = 10_000


class Rows:
    """A table's rows made ready: exact keys in a dictionary, bands, patterns and `any` beside them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.exact: dict[tuple[KeyPart, ...], int] = {}
        self.others: list[tuple[int, int]] = []  # (how many `any`, row)
        for number, row in enumerate(table.rows):
            parts = [part for key in row.keys for part in key]
            combinations = 1
            for key in row.keys:
                combinations *= len(key)
            if combinations <= MOST_COMBINATIONS and not any(isinstance(p, KeyBand | KeyLike | KeyAny) for p in parts):
                for combination in itertools.product(*row.keys):
                    self.exact.setdefault(combination, number)
            else:
                self.others.append((self._anys(number), number))
        self.others.sort()

    def find(self, values: Sequence[Value], but: int | None = None) -> list[int]:
        """The rows that fit these values: those without `any` first, and only then those with it. `but` leaves a key
        out (the band that a tier looks up by itself)."""
        found: list[int] = []
        best = None
        if but is None:
            number = self.exact.get(tuple(values))  # type: ignore[arg-type]
            if number is not None:
                found.append(number)
                best = 0
        else:
            fitting = [n for n, row in enumerate(self.table.rows) if self._fits(row, values, but)]
            fewest = min((self._anys(n) for n in fitting), default=0)
            return [n for n in fitting if self._anys(n) == fewest]
        for anys, number in self.others:
            if best is not None and anys > best:
                break
            if self._fits(self.table.rows[number], values, but):
                found.append(number)
                best = anys
        return found

    def _anys(self, number: int) -> int:
        return sum(any(isinstance(part, KeyAny) for part in key) for key in self.table.rows[number].keys)

    def _fits(self, row: Row, values: Sequence[Value], but: int | None) -> bool:
        return all(
            index == but or any(fits(part, value) for part in parts)
            for index, (parts, value) in enumerate(zip(row.keys, values, strict=True))
        )

    def no_row(self, values: Sequence[Value]) -> RecordError:
        """The error of a record that no row fits, with the nearest name."""
        from difflib import get_close_matches  # only where something is wrong

        table = self.table
        for index, (key, value) in enumerate(zip(table.keys, values, strict=True)):
            known = [part for row in table.rows for part in row.keys[index]]
            if any(fits(part, value) for part in known):
                continue
            near = get_close_matches(str(value), [part for part in known if isinstance(part, str)], 1, 0.5)
            hint = f"; the nearest is `{near[0]}`" if near else ""
            said = shown(value, key.type.factor, key.type.unit)
            return RecordError(
                "no-row", key.name, f"the table `{table.name}` has no row for the {key.name} {said}{hint}"
            )
        names = " and ".join(
            f"{key.name} {shown(value, key.type.factor, key.type.unit)}"
            for key, value in zip(table.keys, values, strict=True)
        )
        return RecordError("no-row", table.keys[0].name, f"the table `{table.name}` has no row for {names}")


def shown(value: Value, factor: Fraction = Fraction(1), unit: str = "") -> str:
    """A key's value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return f"{decimal_text(value / factor)} {unit}".strip()
    return f"`{value}`" if value is not None else "that is not given"


def fits(part: KeyPart, value: Value) -> bool:
    """Whether a part of a key cell fits a value."""
    match part:
        case KeyAny():
            return True
        case KeyBand():
            return isinstance(value, Fraction) and in_band(part, value)
        case KeyLike():
            return isinstance(value, str) and like(part.pattern, value)
    return type(part) is type(value) and part == value


def in_band(band: KeyBand, value: Fraction) -> bool:
    """Whether a number lies in a band, edges included as written."""
    if band.low is not None and (value < band.low or (value == band.low and not band.low_included)):
        return False
    return band.high is None or value < band.high or (value == band.high and band.high_included)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.S)


def like(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for any run of characters; upper and lower case differ."""
    return _pattern(pattern).fullmatch(text) is not None


def meet(one: str, two: str) -> bool:
    """Whether some text fits both patterns."""
    if "*" not in one or "*" not in two:
        literal, pattern = (one, two) if "*" not in one else (two, one)
        return like(pattern, literal)
    (head, tail), (front, end) = ends_of(one), ends_of(two)
    fits_front = head.startswith(front) or front.startswith(head)
    return fits_front and (tail.endswith(end) or end.endswith(tail))


def ends_of(pattern: str) -> tuple[str, str]:
    """What stands before the first star of a pattern, and behind the last."""
    head, _, rest = pattern.partition("*")
    return head, rest.rpartition("*")[2]

"""Tokens: how many went in, came out and were served from a cache, by what the fields that count them are called."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pricelang.core.program import Program
from pricelang.number import decimal_text
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.plain import dataclass
from pricelang.report.contents import Contents
from pricelang.report.rows import ZERO
from pricelang.report.rows import Row


@dataclass(slots=True)
class Tokens:
    """Tokens of some rows, and what these cost. `total` counts those once that are a part of others."""

    input: Fraction = ZERO
    output: Fraction = ZERO
    cached: Fraction = ZERO
    total: Fraction = ZERO
    amount: Fraction = ZERO

    def as_dict(self) -> dict[str, object]:
        """The tokens as other programs read them: every figure a decimal string."""
        return {
            "input_tokens": decimal_text(self.input),
            "output_tokens": decimal_text(self.output),
            "cached_tokens": decimal_text(self.cached),
            "total_tokens": decimal_text(self.total),
            "cost": decimal_text(self.amount),
        }


class Counter:
    """Finds the tokens in the rows of one program.

    A field that counts tokens is cached where its name says `cach…`, output where it says `output` or `completion`, and
    input otherwise. What is declared a part of another field is not counted again in the total.
    """

    def __init__(self, contents: Contents) -> None:
        self.kinds: dict[str, dict[str, tuple[str, bool]]] = {}
        program: Program = contents.program
        for usage in program.usages.values():
            parts = {part for whole in usage.wholes for part in whole.parts}
            self.kinds[usage.name] = {
                contents.names[usage.name, one.name]: (_kind(one.name), one.name not in parts)
                for one in usage.inputs
                if one.type.unit == "token" and not usage.is_resource
            }

    def of(self, rows: Iterable[Row], every: bool = False) -> Tokens:
        """The tokens of rows; the amount is of the rows that have some, or of `every` row."""
        found = Tokens()
        for row in rows:
            kinds = self.kinds.get(row.type, {})
            if kinds or every:
                found.amount += row.amount
            for name, (kind, counts) in kinds.items():
                value = row.quantities.get(name, ZERO)
                setattr(found, kind, getattr(found, kind) + value)
                found.total += value if counts else ZERO
        return found


def _kind(name: str) -> str:
    if "cach" in name:
        return "cached"
    return "output" if "output" in name or "completion" in name else "input"


def tokens(rows: Iterable[Row], contents: Contents, unit: str = "month", zone: str | None = None) -> dict[str, object]:
    """The tokens of each period (one of `period.UNITS`) in which there was usage, and of all time."""
    where = zone or contents.program.zone
    counter = Counter(contents)
    periods: dict[Fraction, list[Row]] = {}
    everything = [row for row in rows if counter.kinds.get(row.type)]
    for row in everything:
        periods.setdefault(period_start(row.belongs, unit, where), []).append(row)
    return {
        "zone": where,
        "currency": contents.program.currency,
        "periods": [
            {"period": period_name(start, unit, where), **counter.of(held).as_dict()}
            for start, held in sorted(periods.items())
        ],
        "all_time": counter.of(everything).as_dict(),
    }

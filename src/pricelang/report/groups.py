"""Usage by what one likes: rows grouped by fields of their records and by periods, added up exactly."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from fractions import Fraction

from pricelang.number import decimal_text
from pricelang.period import UNITS
from pricelang.period import next_period
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.period import start_of_day
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.report.contents import Contents
from pricelang.report.rows import ZERO
from pricelang.report.rows import ReportError
from pricelang.report.rows import Row
from pricelang.report.rows import nearest

PLAIN = ("type", "account", "kind", "id", "label")
"""What every row can be grouped by, besides the fields of its record and the periods."""


@dataclass(slots=True)
class Sum:
    """Rows added up: how many charges stand, the sum of each quantity, the amount in the ruleset's currency."""

    count: int = 0
    quantities: dict[str, Fraction] = field(default_factory=dict)
    amount: Fraction = ZERO

    def add(self, row: Row) -> None:
        """Adds one row."""
        self.count += row.count
        self.amount += row.amount
        for name, value in row.quantities.items():
            self.quantities[name] = self.quantities.get(name, ZERO) + value

    def as_dict(self) -> dict[str, object]:
        """The sum as other programs read it: every figure a decimal string."""
        return {
            "count": decimal_text(self.count),
            "quantities": {name: decimal_text(value) for name, value in self.quantities.items()},
            "amount": decimal_text(self.amount),
        }


def day_span(first: str | None, last: str | None, zone: str) -> tuple[Fraction | None, Fraction | None]:
    """From the start of one day to the end of another, both included; None is open. Dates as 2026-02-28.

    `ReportError` for what is no date, or a last day before the first.
    """
    try:
        start = start_of_day(first, zone) if first is not None else None
        stop = next_period(start_of_day(last, zone), "day", zone) if last is not None else None
    except ValueError as error:
        raise ReportError(f"{error}") from None
    if start is not None and stop is not None and stop <= start:
        raise ReportError(f"the last day, {last}, lies before the first, {first}")
    return start, stop


def within(rows: Iterable[Row], start: Fraction | None, stop: Fraction | None) -> list[Row]:
    """The rows that belong from one instant up to, not including, another; None is open."""
    return [row for row in rows if (start is None or row.belongs >= start) and (stop is None or row.belongs < stop)]


def grouped(
    rows: Iterable[Row], by: Sequence[str], contents: Contents, zone: str
) -> list[tuple[tuple[str | None, ...], Sum]]:
    """The rows by these fields and periods. Together the groups are all the rows: their amounts add up to the whole.

    `by` names fields of the records, `minute` … `year` (in the zone), `type` (also `category`), `account`, `kind`, `id`
    or `label`; a record's own field of such a name comes first. A key is None where the row has no such field. Periods
    come in their order, and within them the largest amounts first. `ReportError` for a name that nothing has.
    """
    found: dict[tuple[str | None, ...], Sum] = {}
    rows = list(rows)
    keys = [_key(name, rows, contents, zone) for name in by]
    for row in rows:
        key = tuple(one(row) for one in keys)
        found.setdefault(key, Sum()).add(row)
    own = {name for row in rows for name in row.fields} | set(contents.fields)
    periods = [index for index, name in enumerate(by) if name in UNITS and name not in own]

    def order(one: tuple[tuple[str | None, ...], Sum]) -> tuple[object, ...]:
        key, sum = one
        names = tuple((part is None, part or "") for part in key)
        return (*(key[index] or "" for index in periods), -sum.amount, names)

    return sorted(found.items(), key=order)


def summed(rows: Iterable[Row]) -> Sum:
    """All the rows added up."""
    whole = Sum()
    for row in rows:
        whole.add(row)
    return whole


def _key(name: str, rows: list[Row], contents: Contents, zone: str) -> Callable[[Row], str | None]:
    """How a row's value of what is grouped by is read."""
    fields = list(dict.fromkeys([*contents.fields, *(one for row in rows for one in row.fields)]))
    if name in fields:
        return lambda row: row.fields.get(name)
    if name in UNITS:
        return lambda row: period_name(period_start(row.belongs, name, zone), name, zone)
    match name:
        case "type" | "category":
            return lambda row: row.type
        case "account":
            return lambda row: row.account
        case "kind":
            return lambda row: row.kind
        case "id":
            return lambda row: row.id
        case "label":
            return lambda row: contents.label(row.type, row.fields) or row.label or None
    numbers = {one.name for usage in contents.program.usages.values() for one in usage.inputs}
    if name in numbers:
        raise ReportError(f"{name} is a quantity: it is added up, and nothing can be grouped by it")
    raise nearest("field", name, [*fields, *UNITS, *PLAIN])


def usage(
    rows: Iterable[Row],
    contents: Contents,
    by: Sequence[str] = (),
    first: str | None = None,
    last: str | None = None,
    zone: str | None = None,
) -> dict[str, object]:
    """The usage report: a group for each combination of keys between two days (both included), and the total."""
    where = zone or contents.program.zone
    chosen = within(rows, *day_span(first, last, where))
    groups = [
        {**dict(zip(by, key, strict=True)), **sum.as_dict()}
        for key, sum in (grouped(chosen, by, contents, where) if by else [])
    ]
    return {
        "from": first,
        "to": last,
        "zone": where,
        "currency": contents.program.currency,
        "by": list(by),
        "groups": groups,
        "total": summed(chosen).as_dict(),
    }

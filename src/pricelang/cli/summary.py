"""Charges at a glance: what was charged for what, as a table that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from fractions import Fraction
from typing import TYPE_CHECKING

from pricelang.cli.findings import counted
from pricelang.cli.findings import width
from pricelang.core.program import Program
from pricelang.engine.charge import Charge
from pricelang.number import decimal_text
from pricelang.number import printable
from pricelang.number import round_to
from pricelang.period import instant_text
from pricelang.report.contents import label_field
from pricelang.units import plural

if TYPE_CHECKING:
    from pricelang.engine.columnar.totals import Groups

MOST_GROUPS = 25
"""Groups of one usage that are listed; the cheaper ones are put together."""

MOST_DECIMALS = 6

_ZERO = Fraction(0)


@dataclass(slots=True)
class _Total:
    charges: int = 0
    amount: Fraction = _ZERO
    lines: dict[tuple[str, str], list[Fraction]] = field(default_factory=dict)  # (line, unit): quantity, amount

    def add(self, other: _Total) -> None:
        self.charges += other.charges
        self.amount += other.amount
        for key, (quantity, amount) in other.lines.items():
            mine = self.lines.setdefault(key, [_ZERO, _ZERO])
            mine[0] += quantity
            mine[1] += amount


class Summary:
    """Adds up charges, by usage and main key."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.keys = {name: label_field(program, name) for name in program.usages}
        self.totals: dict[str, dict[str, _Total]] = {}
        self.accounts: set[str] = set()
        self.first: Fraction | None = None
        self.last: Fraction | None = None

    def key_of(self, record: Mapping[str, object]) -> str:
        """What a record is put under: the value of its usage's main key."""
        kind = record.get("type")
        name = self.keys.get(kind) if isinstance(kind, str) else None
        value = record.get(name) if name is not None else None
        return printable(value) if isinstance(value, str) else ""

    def add(self, charge: Charge, key: str) -> None:
        """Takes in a charge; `key` is what its record is put under."""
        total = self.totals.setdefault(charge.type, {}).setdefault(key, _Total())
        total.charges += 1
        for line in charge.lines:
            total.amount += line.exact_amount
            entry = total.lines.setdefault((line.name, line.unit), [_ZERO, _ZERO])
            entry[0] += line.exact_quantity
            entry[1] += line.exact_amount
        self.accounts.add(charge.account)
        self.first = charge.at if self.first is None else min(self.first, charge.at)
        self.last = charge.at if self.last is None else max(self.last, charge.at)

    def add_groups(self, groups: Groups, first: Fraction | None, last: Fraction | None) -> None:
        """Takes in sums by usage, main keys and account, without their lines."""
        names = groups.table().column_names[:-2]
        for row in groups.table().to_pylist():
            kind = row["type"]
            name = self.keys.get(kind)
            value = row.get(name) if name is not None and name in names else None
            key = printable(value) if isinstance(value, str) else ""
            total = self.totals.setdefault(kind, {}).setdefault(key, _Total())
            total.charges += row["records"]
            total.amount += Fraction(row["amount"])
            self.accounts.add(row["account"])
        self.first, self.last = first, last

    def text(self) -> str:
        """The table."""
        everything = [total for groups in self.totals.values() for total in groups.values()]
        if not everything or self.first is None or self.last is None:
            return f"{self.program.title}\nnothing was charged"
        amount = sum((total.amount for total in everything), _ZERO)
        figures = [total.amount for total in everything] + [
            one[1] for total in everything for one in total.lines.values()
        ]
        places = self._places([*figures, amount])
        rows: list[tuple[str, str, str, str]] = [("", "charges", "quantity", self.program.currency)]
        for usage, groups in self.totals.items():
            rows += [("", "", "", ""), *self._usage(usage, groups, places)]
        charges = sum(total.charges for total in everything)
        rows += [("", "", "", ""), ("Total", f"{charges:,}", "", _money(amount, places))]
        days = sorted({instant_text(self.first)[:10], instant_text(self.last)[:10]})
        head = f"{counted(charges, 'charge')} to {counted(len(self.accounts), 'account')}, {' to '.join(days)} (UTC)"
        text = f"{self.program.title or self.program.name}\n{head}\n\n{_table(rows)}"
        if round_to(amount, Fraction(1, 10**places), "half even") != amount:
            exact = f"{_exact(amount)} {self.program.currency}"
            text += f"\n\nAmounts are shown to {places} decimals; the exact total is {exact}."
        return text

    def _usage(self, usage: str, groups: dict[str, _Total], places: int) -> list[tuple[str, str, str, str]]:
        known = self.program.usages.get(usage)
        whole = _Total()
        for total in groups.values():
            whole.add(total)
        rows = [
            (known.title if known and known.title else usage, f"{whole.charges:,}", "", _money(whole.amount, places))
        ]
        ranked = sorted(groups.items(), key=lambda one: (-one[1].amount, one[0]))
        if len(ranked) > MOST_GROUPS + 1:
            rest = _Total()
            for _, total in ranked[MOST_GROUPS:]:
                rest.add(total)
            ranked = [*ranked[:MOST_GROUPS], (f"{len(ranked) - MOST_GROUPS} others", rest)]
        if len(ranked) == 1 and not ranked[0][0]:
            return rows + _lines(ranked[0][1], "  ", places)
        for key, total in ranked:
            lines = _lines(total, "    ", places)
            quantity = lines[0][2] if len(lines) == 1 else ""
            rows.append(
                (
                    f"  {key or _rest_name(self.keys.get(usage))}",
                    f"{total.charges:,}",
                    quantity,
                    _money(total.amount, places),
                )
            )
            rows += lines if len(lines) > 1 else []
        return rows

    def _places(self, amounts: list[Fraction]) -> int:
        """Decimals that show every amount in full, within bounds; two at least."""
        most = 2
        for amount in amounts:
            text = decimal_text(amount)
            most = max(most, MOST_DECIMALS if "/" in text else len(text.partition(".")[2]))
        return min(most, MOST_DECIMALS)


def _lines(total: _Total, indent: str, places: int) -> list[tuple[str, str, str, str]]:
    return [
        (f"{indent}{name}", "", _quantity(quantity, unit), _money(amount, places))
        for (name, unit), (quantity, amount) in total.lines.items()
    ]


def _money(amount: Fraction, places: int) -> str:
    return _grouped(round_to(amount, Fraction(1, 10**places), "half even"), places)


def _quantity(quantity: Fraction, unit: str) -> str:
    shown = round_to(quantity, Fraction(1, 1000), "half even")
    text = _grouped(shown, len(decimal_text(shown).partition(".")[2]))
    return f"{text} {unit if quantity == 1 else plural(unit)}".rstrip() if unit else text


def _exact(amount: Fraction) -> str:
    text = decimal_text(amount)
    return text if "/" in text else _grouped(amount, len(text.partition(".")[2]))


def _grouped(value: Fraction, places: int) -> str:
    """A decimal with commas between thousands and this many decimals."""
    whole, _, decimals = decimal_text(abs(value)).partition(".")
    text = f"{int(whole):,}" + (f".{decimals.ljust(places, '0')}" if places else "")
    return f"-{text}" if value < 0 else text


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    """Columns: the first to the left, the others to the right."""
    widths = [max(width(row[column]) for row in rows) for column in range(4)]
    lines = []
    for row in rows:
        cells = [row[0] + " " * (widths[0] - width(row[0]))]
        cells += [" " * (widths[column] - width(row[column])) + row[column] for column in (1, 2, 3)]
        lines.append("   ".join(cells).rstrip())
    return "\n".join(lines)


def _rest_name(key: str | None) -> str:
    """What stands for charges under no value of the main key: those of periods' ends, or records without it."""
    return f"(no {key})" if key is not None else "(all)"

"""The cells that prices can ask for: each is there, at every time between its first and its last date."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.layers import FAR
from pricelang.check.scope import Scope
from pricelang.core import ops
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.diagnostics import codes
from pricelang.period import instant_text
from pricelang.units import currencies_in


def check_used_cells(scope: Scope) -> None:
    """Each cell that a price can ask for is there, at every time between its first and its last date."""
    for (table_name, column), _place in scope.cells_used.items():
        info = scope.tables.get(table_name)
        if info is None or info.table is None or info.broken:
            continue
        table = info.table
        for number, row in enumerate(table.rows):
            _check_cell(table, number, row.shown, column, scope)


def _check_cell(table: Table, number: int, shown: str, column: str, scope: Scope) -> None:
    always: list[tuple[Fraction, Fraction]] = []
    place = table.rows[number].place
    for layer in table.layers:
        if (number, column) not in layer.cells:
            continue
        if layer.when is None:
            return
        if isinstance(layer.when, ops.InForce):
            start = layer.when.start if layer.when.start is not None else -FAR
            always.append((start, layer.when.stop if layer.when.stop is not None else FAR))
            place = layer.cells[number, column][1]
    if not always:
        scope.findings.add(codes.MISSING_CELL, place, column=column, row=shown or table.name)
        return
    always.sort()
    end = always[0][1]
    for start, stop in always[1:]:
        if start > end:
            when = f"from {_day(instant_text(end))} to {_day(instant_text(start))}"
            scope.findings.add(codes.DATE_GAP, place, column=column, row=shown or table.name, when=when)
            return
        end = max(end, stop)


def _day(text: str) -> str:
    return text.removesuffix("T00:00:00Z")


def check_unlimited(scope: Scope) -> None:
    """No price asks for a cell that says `unlimited`, which is no amount."""
    for name, column in scope.cells_priced:
        info = scope.tables.get(name)
        if info is None or info.table is None or not currencies_in(info.columns[column].unit.dims):
            continue
        for layer in info.table.layers:
            for (_, own), (value, place) in layer.cells.items():
                if own == column and isinstance(value, Unlimited):
                    advice = "write an amount, `free`, or `—` where it is not offered"
                    scope.findings.add(
                        codes.BAD_CELL, place, advice, text="unlimited", kind="an amount that a price asks for"
                    )

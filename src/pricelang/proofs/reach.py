"""What can never happen: rows, cells, cases, lines and prices that no record comes by, and idle conditions."""

from __future__ import annotations

from collections.abc import Iterator

from pricelang.core import ops
from pricelang.core.program import Layer
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.diagnostics import codes
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.source import Place


def prove_reached(study: Study) -> None:
    """Finds what stands in the rules and no record comes by."""
    before = len(study.findings.listed)
    is_whole = all(one.is_whole for one in study.usages)
    if is_whole:
        seen: set[tuple[object, ...]] = set()
        for one in study.usages:
            seen.update(one.walker.seen)
        _prices(study, seen)
        for table in _priced_tables(study.program, seen):
            _table(study, table, seen)
    found = study.findings.listed[before:]
    answer = REFUTED if found else PROVED if is_whole else OPEN
    said = "; ".join(f"{one.message}" for one in found) or "some record comes by everything that prices say"
    study.claims.append(Claim("reach", study.program.name, answer, said, tuple(found)))


def _say(study: Study, place: Place, what: str, why: str) -> None:
    if (place.path, place.line) not in study.known:
        study.add(codes.NEVER_HAPPENS, place, what=what, why=why)


def _prices(study: Study, seen: set[tuple[object, ...]]) -> None:
    for price in study.program.prices:
        if ("price", price.place) not in seen:
            _say(study, price.place, f"this price of `{price.usage}`", "holds for no record")
            continue
        for line in price.lines:
            if ("line", line.place) not in seen:
                _say(study, line.place, f"the line `{line.label}`", "holds for no record of this price")
                continue
            _steps(study, line.steps, seen)
        _steps(study, price.together, seen)


def _steps(study: Study, steps: tuple[ops.Step, ...], seen: set[tuple[object, ...]]) -> None:
    for step in steps:
        met, unmet = (("step", step.place, one) in seen for one in (True, False))
        if not met and not unmet:
            continue  # nothing comes so far, which is said above it
        if not met:
            _say(study, step.place, "this step", "never applies: its condition holds for no record that comes here")
            continue
        if getattr(step, "when", None) is not None and not unmet:
            _say(study, step.place, "the condition of this step", "holds for every record that comes here")
        if isinstance(step, ops.Rate):
            for case in step.cases:
                if ("case", case.place) not in seen:
                    _say(study, case.place, "this case", "never applies: those above it take every record")


def _priced_tables(program: Program, seen: set[tuple[object, ...]]) -> Iterator[Table]:
    """The tables that only prices ask."""
    asked = {key[1] for key in seen if key[0] == "row"}
    others = tables_in(program.policy) | tables_in(program.allowances)
    for name, table in program.tables.items():
        if name in asked and name not in others:
            yield table


def tables_in(node: object) -> set[str]:
    """The tables that are asked anywhere beneath a node of the core."""
    found: set[str] = set()
    todo: list[object] = [node]
    while todo:
        one = todo.pop()
        match one:
            case ops.Cell(table=name) | ops.BandTable(table=name):
                found.add(name)
            case Place():
                pass
            case tuple():
                todo.extend(one)
            case dict():
                todo.extend(one.values())
            case _ if hasattr(one, "__dataclass_fields__"):
                todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    return found


def _table(study: Study, table: Table, seen: set[tuple[object, ...]]) -> None:
    rows = {row for row in range(len(table.rows)) if ("row", table.name, row) in seen}
    for number, row in enumerate(table.rows):
        if number not in rows:
            _say(study, row.place, f"the row `{row.shown or table.name}`", "fits no record")
    columns = {key[2] for key in seen if key[0] == "cell" and key[1] == table.name}
    for number, layer in enumerate(table.layers):
        cells = [(row, column) for row, column in layer.cells if row in rows and column in columns]
        dead = [
            (row, column)
            for row, column in cells
            if ("cell", table.name, column, row, number) not in seen
            and (layer.when is not None or any((row, column) in other.cells for other in table.layers[:number]))
        ]  # a cell of the list by itself that is not asked for is one of a row that is not priced by it
        if not dead:
            continue
        if len(dead) == len(cells) and layer.place is not None and layer.rank:
            _say(study, layer.place, f"this layer ({_named(layer)})", f"never applies: {_why(table, number)}")
            continue
        for where in dead:
            place = layer.cells[where][1]
            what = f"`{where[1]}` of `{table.rows[where[0]].shown or table.name}`"
            _say(study, place, f"this {what}", f"never applies: {_why(table, number)}")


def _named(layer: Layer) -> str:
    return layer.name or layer.shown


def _why(table: Table, number: int) -> str:
    return "what lies on top of it always holds, or its own condition never does"

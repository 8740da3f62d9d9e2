"""What time does to prices: offers that cost more than the price beneath them, and what ends soon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Layer
from pricelang.core.program import Line
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.engine.charge import Charge
from pricelang.period import instant_text
from pricelang.proofs.box import Box
from pricelang.proofs.sample import Bench
from pricelang.proofs.sample import Sample
from pricelang.proofs.spans import Words
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.walk import Walker
from pricelang.source import Place

MOST_TRIED = 20
"""Cells of one offer of which a record is looked for."""
OFFER = 2  # the rank of a layer with an end


def prove_offers(study: Study) -> None:
    """No offer costs more than what would hold without it."""
    before = len(study.findings.listed)
    for one in study.usages:
        told: set[tuple[str, int]] = set()
        tried: dict[tuple[str, int], int] = {}
        cells = [
            (str(key[1]), str(key[2]), int(str(key[3])), int(str(key[4])))
            for key in one.walker.seen
            if key[0] == "cell"
        ]
        for name, column, row, number in cells:
            table = study.program.tables[name]
            is_new = table.layers[number].rank == OFFER and (name, number) not in told
            if not is_new or tried.get((name, number), 0) >= MOST_TRIED:
                continue
            dearer = _is_dearer(study, one, table, column, row, number)
            if dearer:
                told.add((name, number))
            elif dearer is None:
                tried[name, number] = tried.get((name, number), 0) + 1
    found = study.findings.listed[before:]
    is_whole = all(one.is_whole for one in study.usages)
    answer = REFUTED if found else PROVED if is_whole else OPEN
    said = "; ".join(one.message for one in found) or "no offer costs more than the price beneath it"
    study.claims.append(Claim("offers", study.program.name, answer, said, tuple(found)))


def _is_dearer(study: Study, one: UsageStudy, table: Table, column: str, row: int, number: int) -> bool | None:
    """Whether a cell of an offer is, at some time, above what would hold without it, and a record pays more for it;
    None where it is above, and no such record was found."""
    if not any((row, column) in layer.cells for layer in table.layers[number + 1 :]):
        return False
    layer = table.layers[number]
    rest = {key: value for key, value in layer.cells.items() if key != (row, column)}
    layers = (*table.layers[:number], replace(layer, cells=rest), *table.layers[number + 1 :])
    other_table = replace(table, layers=layers)
    program = replace(study.program, tables={**study.program.tables, table.name: other_table})
    without = Walker(program, one.usage, one.walker.room)
    place = layer.cells[row, column][1]
    is_above = False
    for box, met in one.walker.test(layer.when, one.walker.room.start()):
        if not met:
            continue
        for inner, beneath in without.cell_of_row(other_table, row, column, box):
            for last, mine in one.walker.cell_of_row(table, row, column, inner):
                if not isinstance(mine, ops.Const) or not isinstance(beneath, ops.Const) or mine.value <= beneath.value:
                    continue
                if is_above:
                    continue  # one box of a cell is tried
                is_above = True
                sample = _paying(study, one, table, column, row, last, program)
                if sample is None:
                    continue
                type = table.columns[column]
                size = 1 / type.factor if type.factor else Fraction(1)
                per = f" per {type.unit.partition(' per ')[2]}" if " per " in type.unit else ""
                study.add(
                    codes.DEAR_OFFER,
                    place,
                    record=sample.text(),
                    column=column,
                    row=table.rows[row].shown or table.name,
                    dear=amount(mine.value * size, study.program.currency) + per,
                    cheap=amount(beneath.value * size, study.program.currency) + per,
                )
                return True
    return None if is_above else False


def _paying(
    study: Study, one: UsageStudy, table: Table, column: str, row: int, box: Box, program: Program
) -> Sample | None:
    """A record of a box that pays more than it would by another program."""
    cheaper = Bench(program)
    lines = {(id(price), id(line)): (price, line) for price, line, _ in one.ends}
    for price, line in lines.values():
        if column not in {name for _, name in _asked(line, table.name)}:
            continue
        for inner, held in one.walker.prices(box):
            if held is not price:
                continue
            for ends in one.walker.line(line, inner):
                if not isinstance(ends.line, Line) or not _comes_by(one, table, row, ends.box):
                    continue
                sample = study.sample(one, ends.box, line)
                mine = study.cost(sample) if sample is not None else None
                other = cheaper.charge(sample) if sample is not None else None
                if mine is not None and isinstance(other, Charge) and mine > other.exact_amount:
                    return sample
    return None


def _comes_by(one: UsageStudy, table: Table, row: int, box: Box) -> bool:
    for index, key in enumerate(table.keys):
        known = box.known.get(str(getattr(key.of, "name", "")))
        if isinstance(known, Words) and known.allowed is not None:
            words = {part for part in table.rows[row].keys[index] if isinstance(part, str | bool)}
            if words and not words & known.allowed:
                return False
    return True


def _asked(node: object, table: str) -> Iterator[tuple[str, str]]:
    todo: list[object] = [node]
    while todo:
        one = todo.pop()
        match one:
            case ops.Cell(table=name, column=column):
                if name == table:
                    yield name, column
            case ops.BandTable(table=name):
                if name == table:
                    yield from ((name, each) for each in (one.rate, one.flat) if each is not None)
            case Place():
                pass
            case tuple():
                todo.extend(one)
            case _ if hasattr(one, "__dataclass_fields__"):
                todo.extend(getattr(one, name) for name in one.__dataclass_fields__)


# --- what ends ------------------------------------------------------------------------------------------------------


def find_expiring(study: Study, now: Fraction, until: Fraction) -> None:
    """What ends between two instants: layers of prices, steps and cases, prices with dates, and grants."""
    for stop, place, what, after in _ends(study.program):
        if now <= stop <= until:
            days = (stop - now) / 86_400
            when = f"on {_day(stop)} ({_in(days)})"
            study.add(codes.EXPIRES, place, after, what=what, when=when)


def _in(days: Fraction) -> str:
    whole = int(days)
    return "today" if whole < 1 else "in a day" if whole == 1 else f"in {whole} days"


def _day(instant: Fraction) -> str:
    return instant_text(instant).replace("T", " ").replace(":00Z", " UTC").removesuffix(" 00:00 UTC")


def _ends(program: Program) -> Iterator[tuple[Fraction, Place, str, str]]:
    for table in program.tables.values():
        for number, layer in enumerate(table.layers):
            stop = _stop(layer.when)
            if stop is None or not layer.cells:
                continue
            place = layer.place or next(iter(layer.cells.values()))[1]
            yield stop, place, f"the offer {_named(layer)}", _after(table, number, layer)
    for price in program.prices:
        stop = _stop(price.when)
        if stop is not None:
            yield stop, price.place, f"this price of `{price.usage}`", "see that another price holds from then on"
        for line in price.lines:
            stop = _stop(line.when)
            if stop is not None:
                yield stop, line.place, f"the line `{line.label}`", ""
            for step in (*line.steps, *price.together):
                for when, where in _conditions(step):
                    stop = _stop(when)
                    if stop is not None:
                        yield stop, where, "this condition", ""
    for grant in program.policy.grants:
        if grant.stop is not None:
            yield grant.stop, grant.place, f"the grant `{grant.name}`", ""


def _conditions(step: ops.Step) -> Iterator[tuple[ops.Cond | None, Place]]:
    yield getattr(step, "when", None), step.place
    if isinstance(step, ops.Rate):
        for case in step.cases:
            yield case.when, case.place


def _named(layer: Layer) -> str:
    return f"“{layer.name}”" if layer.name else f"({layer.shown})"


def _stop(when: ops.Cond | None) -> Fraction | None:
    """When a condition ends for good."""
    match when:
        case ops.InForce():
            return when.stop
        case ops.All():
            stops = [stop for one in when.of if (stop := _stop(one)) is not None]
            return min(stops, default=None)
    return None


def _after(table: Table, number: int, layer: Layer) -> str:
    """What holds when a layer has ended."""
    for row, column in layer.cells:
        below = next((one for one in table.layers[number + 1 :] if (row, column) in one.cells), None)
        name = table.rows[row].shown or table.name
        if below is None:
            return f"nothing stands beneath `{column}` of `{name}`: it has no price from then on"
    return "from then on the price beneath it holds"

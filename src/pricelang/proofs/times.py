"""What time does to prices: offers that cost more than the price beneath them, and what ends soon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Layer
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.engine.charge import Charge
from pricelang.period import instant_text
from pricelang.proofs.sample import Bench
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.source import Place

OFFER = 2  # the rank of a layer with an end


def prove_offers(study: Study) -> None:
    """No offer costs more than what would hold without it."""
    before = len(study.findings.listed)
    for one in study.usages:
        told: set[tuple[str, int]] = set()
        for key, box in one.walker.seen.items():
            if key[0] != "cell":
                continue
            table, column, row, number = (
                study.program.tables[str(key[1])],
                str(key[2]),
                int(str(key[3])),
                int(str(key[4])),
            )
            layer = table.layers[number]
            if layer.rank != OFFER or (table.name, number) in told:
                continue
            if _is_dearer(study, one, table, column, row, number, box):
                told.add((table.name, number))
    found = study.findings.listed[before:]
    is_whole = all(one.is_whole for one in study.usages)
    answer = REFUTED if found else PROVED if is_whole else OPEN
    said = "; ".join(one.message for one in found) or "no offer costs more than the price beneath it"
    study.claims.append(Claim("offers", study.program.name, answer, said, tuple(found)))


def _is_dearer(study: Study, one: UsageStudy, table: Table, column: str, row: int, number: int, box: object) -> bool:
    """Whether a cell of an offer is above the one beneath it, and a record pays more for it."""
    value, place = table.layers[number].cells[row, column]
    beneath = [layer for layer in table.layers[number + 1 :] if (row, column) in layer.cells]
    if not beneath or not isinstance(value, Fraction | Share):
        return False
    dear = _figure(table, row, column, number)
    cheap = _figure(table, row, column, table.layers.index(beneath[0]))
    if dear is None or cheap is None or dear <= cheap:
        return False
    without = replace(
        table.layers[number], cells={k: v for k, v in table.layers[number].cells.items() if k != (row, column)}
    )
    layers = (*table.layers[:number], without, *table.layers[number + 1 :])
    program = replace(study.program, tables={**study.program.tables, table.name: replace(table, layers=layers)})
    for _, line, ends in one.ends:
        if ends.line is None or column not in {name for _, name in _asked(line, table.name)}:
            continue
        if ends.box.known.get("@at") != getattr(box, "known", {}).get("@at"):
            continue
        sample = study.sample(one, ends.box, line)
        if sample is None:
            continue
        mine, other = study.cost(sample), Bench(program).charge(sample)
        if mine is None or not isinstance(other, Charge) or mine <= other.exact_amount:
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
            dear=amount(dear * size, study.program.currency) + per,
            cheap=amount(cheap * size, study.program.currency) + per,
        )
        return True
    return False


def _figure(table: Table, row: int, column: str, number: int, depth: int = 0) -> Fraction | None:
    """The figure of a cell in a layer, shares put in from what lies there or beneath."""
    given = table.layers[number].cells.get((row, column))
    if given is None:
        return None
    value = given[0]
    if isinstance(value, Share):
        for below in range(number, len(table.layers)):
            if (row, value.column) in table.layers[below].cells and depth < 8:
                of = _figure(table, row, value.column, below, depth + 1)
                return of * value.share if of is not None else None
        return None
    return value if isinstance(value, Fraction) else None


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
                    for column in (one.rate, one.flat):
                        if column is not None:
                            yield name, column
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
            study.add(codes.EXPIRES, place, after, what=what, when=when, after="")


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
                for when, place in _conditions(step):
                    stop = _stop(when)
                    if stop is not None:
                        yield stop, place, "this condition", ""
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

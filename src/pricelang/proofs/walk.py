"""Every way a price can go, for all records at once: a box of records, and what its lines come down to for them.

A price is read as `engine/record.py` reads it, with a box in place of a record. Where the box does not say which way
it goes, it is cut in two and both ways are gone. What is left at the end has no table, no condition and no date in it:
lines whose steps hold plain figures. Quantities are taken to be more than nothing, as nothing is asked of none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from pricelang.core import ops
from pricelang.core.program import CellValue
from pricelang.core.program import Custom
from pricelang.core.program import KeyBand
from pricelang.core.program import Line
from pricelang.core.program import NotOffered
from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.core.program import UsageType
from pricelang.light import assert_never
from pricelang.plain import dataclass
from pricelang.proofs import box as b
from pricelang.proofs.box import Box
from pricelang.proofs.box import Room
from pricelang.proofs.box import room_of
from pricelang.proofs.linear import added
from pricelang.proofs.linear import linear
from pricelang.proofs.rows import Lookups
from pricelang.proofs.rows import Refused
from pricelang.proofs.rows import band_key
from pricelang.proofs.rows import name_of
from pricelang.proofs.spans import Span
from pricelang.proofs.spans import Words
from pricelang.source import Place

ZERO = Fraction(0)
MOST_OF_LINE = 10_000
"""Ways of one line, beside four for each row of the tables."""
MOST_WAYS = 200_000
"""Ways of one price that are gone; of a price with more, what was not seen is not decided."""

_T = TypeVar("_T")


class TooMany(Exception):
    """A price with more ways than are gone."""


@dataclass(frozen=True, slots=True)
class Ends:
    """One way to the end: records of `box` are priced by `line`, or refused; None where the line does not hold."""

    box: Box
    line: Line | Refused | None


@dataclass(frozen=True, slots=True)
class World:
    """Records of `box` are priced by `lines` and `together`, which hold figures alone."""

    box: Box
    price: Price
    lines: tuple[Line | Refused, ...]
    together: tuple[ops.Step, ...] | Refused


class Walker:
    """Goes through the prices of one usage. `seen` is what any way came by (rows, cells, cases, steps, prices), each
    with the first box that came there."""

    def __init__(
        self,
        program: Program,
        usage: UsageType,
        room: Room | None = None,
        hours: Mapping[str, str] | None = None,
    ) -> None:
        """`hours`: the names that the room has for the hours of the program, where they are others."""
        self.hours = hours or {}
        self.program = program
        self.usage = usage
        self.room = room or room_of(program, usage)
        self.computed = {one.name: one.of for one in usage.computed}
        self.seen: dict[tuple[object, ...], Box] = {}
        self.ways = self.begun = 0  # in all, and when the line at hand was begun
        self.most = MOST_OF_LINE + 4 * sum(len(table.rows) for table in program.tables.values())
        self.layers: dict[str, dict[tuple[int, str], list[tuple[int, CellValue, Place]]]] = {}
        self.custom: set[str] = set()
        self.broken: list[tuple[Box, Refused]] = []  # where a condition itself refuses a record
        self.lookups = Lookups(self)

    # --- prices and lines -----------------------------------------------------------------------------------------

    def prices(self, box: Box) -> Iterator[tuple[Box, Price | Refused]]:
        """The price that holds, or why there is none."""
        mine = [price for price in self.program.prices if price.usage == self.usage.name]
        for inner, met in self.all_of([price.when for price in mine], box, self.test):
            found = [price for price, holds in zip(mine, met, strict=True) if holds]
            self.count()
            if len(found) == 1:
                self.see(inner, "price", found[0].place)
                yield inner, found[0]
            elif not found:
                yield inner, Refused("no-price", self.usage.place)
            else:
                yield inner, Refused("two-prices", found[1].place, name=str(found[0].place.line))

    def line(self, line: Line, box: Box) -> Iterator[Ends]:
        """Every way a line can go, by itself."""
        self.begun = self.ways
        for inner, met in self.test(line.when, box):
            if not met:
                yield Ends(inner, None)
                continue
            self.see(inner, "line", line.place)
            yield from self._line(line, inner)

    def _line(self, line: Line, box: Box) -> Iterator[Ends]:
        for inner, of in self.expr(line.of, box, line.place, True):
            if isinstance(of, Refused):
                self.count()
                yield Ends(inner, of)
                continue
            if line.free_reason is not None:
                self.count()
                yield Ends(inner, replace(line, of=of, steps=(), when=None))
                continue
            for last, steps in self.steps(line.steps, inner):
                self.count()
                if isinstance(steps, Refused):
                    yield Ends(last, steps)
                else:
                    yield Ends(last, replace(line, of=of, steps=steps, when=None))

    def worlds(self, box: Box) -> Iterator[World]:
        """Every way all lines of a price can go together; a line that is refused stands as such."""
        for inner, price in self.prices(box):
            if isinstance(price, Refused):
                continue
            for last, lines in self.all_of(price.lines, inner, self._ended):
                for end, together in self.steps(price.together, last):
                    self.count()
                    kept = tuple(line for line in lines if line is not None)
                    yield World(end, price, kept, together)

    def _ended(self, line: Line, box: Box) -> Iterator[tuple[Box, Line | Refused | None]]:
        for one in self.line(line, box):
            yield one.box, one.line

    def steps(self, steps: Sequence[ops.Step], box: Box) -> Iterator[tuple[Box, tuple[ops.Step, ...] | Refused]]:
        """Steps with their figures put in, those whose condition is not met left out."""
        if not steps:
            yield box, ()
            return
        for inner, first in self.step(steps[0], box):
            if isinstance(first, Refused):
                yield inner, first
                continue
            for last, rest in self.steps(steps[1:], inner):
                yield last, rest if isinstance(rest, Refused) else (*first, *rest)

    def see(self, box: Box, *what: object) -> None:
        if what not in self.seen:
            self.seen[what] = box

    def count(self) -> None:
        self.ways += 1
        if self.ways > MOST_WAYS or self.ways - self.begun > self.most:
            raise TooMany

    def step(self, step: ops.Step, box: Box) -> Iterator[tuple[Box, tuple[ops.Step, ...] | Refused]]:
        when: ops.Cond | None = getattr(step, "when", None)
        for inner, met in self.test(when, box):
            self.see(inner, "step", step.place, met)
            if not met:
                if isinstance(step, ops.Rate | ops.Tiers):  # what is not priced costs nothing
                    self.see(inner, "unpriced", step.place)
                    free = ops.Case(None, ops.Const(ZERO), step.place)
                    yield inner, (ops.Rate((free,), None, step.place),)
                else:
                    yield inner, ()
                continue
            for last, made in self._step(step, inner):
                yield last, made if isinstance(made, Refused) else (made,)

    def _step(self, step: ops.Step, box: Box) -> Iterator[tuple[Box, ops.Step | Refused]]:
        match step:
            case ops.AtLeast() | ops.AtMost():
                for inner, bound in self.expr(step.bound, box, step.place):
                    if isinstance(bound, Refused) and bound.code == "unlimited" and isinstance(step, ops.AtMost):
                        yield inner, ops.Adjust(1, False, ops.Const(ZERO), None, None, step.place)
                    elif isinstance(bound, Refused):
                        yield inner, bound
                    else:
                        yield inner, replace(step, bound=bound, when=None)
            case ops.RoundUp() | ops.Packages():
                for inner, size in self.expr(step.size, box, step.place):
                    yield inner, size if isinstance(size, Refused) else replace(step, size=size, when=None)
            case ops.Adjust():
                for inner, by in self.expr(step.by, box, step.place):
                    yield inner, by if isinstance(by, Refused) else replace(step, by=by, when=None)
            case ops.Rate():
                for inner, rate, place in self.case(step, box):
                    if isinstance(rate, Refused):
                        yield inner, rate
                    else:
                        yield inner, ops.Rate((ops.Case(None, rate, place),), None, step.place)
            case ops.Tiers():
                yield from self.tiers(step, box)
            case ops.Round():
                yield box, replace(step, when=None)
            case ops.Beyond():
                yield box, step
            case _:
                assert_never(step)

    def case(self, step: ops.Rate, box: Box) -> Iterator[tuple[Box, ops.Expr | Refused, Place]]:
        """The first case that holds."""
        left = [box]
        for case in step.cases:
            further: list[Box] = []
            for one in left:
                for inner, met in self.test(case.when, one):
                    if not met:
                        further.append(inner)
                        continue
                    self.see(inner, "case", case.place)
                    if case.rate is None:
                        yield inner, Refused("not-offered", case.place), case.place
                        continue
                    for last, rate in self.expr(case.rate, inner, case.place):
                        yield last, rate, case.place
            left = further
        for one in left:
            yield one, Refused("no-case", step.place), step.place

    def tiers(self, step: ops.Tiers, box: Box) -> Iterator[tuple[Box, ops.Step | Refused]]:
        if not isinstance(step.bands, ops.BandTable):
            for inner, bands in self.all_of(step.bands, box, self.band):
                wrong = next((band for band in bands if isinstance(band, Refused)), None)
                made = tuple(band for band in bands if isinstance(band, ops.Band))
                yield inner, wrong or replace(step, bands=made, when=None)
            return
        named = step.bands
        table = self.program.tables[named.table]
        index = band_key(table)
        for inner, rows in self.lookups.rows(table, box, step.place, index):
            if isinstance(rows, Refused):
                yield inner, rows
                continue
            parts = [(row, part) for row in rows for part in table.rows[row].keys[index] if isinstance(part, KeyBand)]
            parts.sort(key=lambda one: (one[1].low or ZERO, not one[1].low_included))
            if not _meet([part for _, part in parts]):
                yield inner, Refused("no-row", step.place, table.name, name="bands")

            def banded(one: tuple[int, KeyBand], box: Box) -> Iterator[tuple[Box, ops.Band | Refused]]:
                row, part = one
                place = table.rows[row].place
                columns = [named.rate, named.flat]
                for last, figures in self.all_of(columns, box, lambda c, at: self.figure_of(table, row, c, at)):
                    wrong = next((one for one in figures if isinstance(one, Refused)), None)
                    low = (part.low or ZERO) * named.factor
                    high = part.high * named.factor if part.high is not None else None
                    rate, flat = (None if isinstance(one, Refused) else one for one in figures)
                    if wrong is not None and wrong.code != "not-offered":
                        yield last, wrong
                    else:
                        yield last, ops.Band(low, part.low_included, high, part.high_included, rate, flat, place)

            for last, bands in self.all_of(parts, inner, banded):
                wrong = next((band for band in bands if isinstance(band, Refused)), None)
                made = tuple(band for band in bands if isinstance(band, ops.Band))
                yield last, wrong or replace(step, bands=made, when=None)

    def band(self, band: ops.Band, box: Box) -> Iterator[tuple[Box, ops.Band | Refused]]:
        for inner, rate in self.maybe(band.rate, box, band.place):
            for last, flat in self.maybe(band.flat, inner, band.place):
                if isinstance(rate, Refused):
                    yield last, rate
                elif isinstance(flat, Refused):
                    yield last, flat
                else:
                    yield last, replace(band, rate=rate, flat=flat)

    def maybe(self, expr: ops.Expr | None, box: Box, place: Place) -> Iterator[tuple[Box, ops.Expr | Refused | None]]:
        if expr is None:
            yield box, None
        else:
            yield from self.expr(expr, box, place)

    def figure_of(
        self, table: Table, row: int, column: str | None, box: Box
    ) -> Iterator[tuple[Box, ops.Expr | Refused | None]]:
        if column is None:
            yield box, None
        else:
            yield from self.cell_of_row(table, row, column, box)

    # --- figures --------------------------------------------------------------------------------------------------

    def expr(
        self, expr: ops.Expr, box: Box, place: Place, lenient: bool = False
    ) -> Iterator[tuple[Box, ops.Expr | Refused]]:
        """An expression without tables and computed fields. `lenient`: an optional quantity not given is none."""
        match expr:
            case ops.Const() | ops.LineValue():
                yield box, expr
            case ops.Field():
                of = self.computed.get(expr.name)
                if of is not None:
                    yield from self.expr(of, box, place, lenient)
                    return
                if expr.name == "requests":  # a record is one
                    yield box, ops.Const(Fraction(1))
                    return
                yes, no = b.cut_given(self.room, box, expr.name)
                if yes is not None:
                    yield yes, expr
                if no is not None:
                    yield no, ops.Const(ZERO) if lenient else Refused("missing-field", place, name=expr.name)
            case ops.Attribute():
                yes, no = b.cut_given(self.room, box, f"account.{expr.name}")
                if yes is not None:
                    yield yes, expr
                if no is not None:
                    yield no, Refused("missing-attribute", place, name=expr.name)
            case ops.Cell():
                yield from self.cell(expr, box, place)
            case ops.Sum():
                for inner, terms in self.all_of(
                    [term for _, term in expr.terms], box, lambda one, at: self.expr(one, at, place, lenient)
                ):
                    signs = [sign for sign, _ in expr.terms]
                    yield inner, _first(terms) or ops.Sum(tuple(zip(signs, terms, strict=True)))
            case ops.Product():
                for inner, factors in self.all_of(
                    expr.factors, box, lambda one, at: self.expr(one, at, place, lenient)
                ):
                    yield inner, _first(factors) or ops.Product(tuple(factors))
            case ops.Quotient():
                for inner, over in self.expr(expr.over, box, place, lenient):
                    for last, under in self.expr(expr.under, inner, place, lenient):
                        wrong = _first([over, under])
                        if wrong is not None:
                            yield last, wrong
                            continue
                        assert not isinstance(over, Refused)
                        assert not isinstance(under, Refused)
                        yield from self._divided(over, under, last, place)
            case _:
                assert_never(expr)

    def _divided(
        self, over: ops.Expr, under: ops.Expr, box: Box, place: Place
    ) -> Iterator[tuple[Box, ops.Expr | Refused]]:
        total = linear(under)
        if total is None:
            yield box, ops.Quotient(over, under)
            yield box, Refused("division-by-zero", place)  # it may come to nothing
            return
        above, rest = b.cut_sum(self.room, box, total, ">")
        below, zero = b.cut_sum(self.room, rest, total, "<") if rest is not None else (None, None)
        for one in (above, below):
            if one is not None:
                yield one, ops.Quotient(over, under)
        if zero is not None:
            yield zero, Refused("division-by-zero", place)

    def cell(self, cell: ops.Cell, box: Box, place: Place) -> Iterator[tuple[Box, ops.Expr | Refused]]:
        table = self.program.tables[cell.table]
        for inner, rows in self.lookups.rows(table, box, place, None):
            if isinstance(rows, Refused):
                yield inner, replace(rows, column=cell.column)
            elif len(rows) > 1:
                yield inner, Refused("two-rows", table.rows[rows[1]].place, table.name, cell.column, rows[1], rows=rows)
            else:
                yield from self.cell_of_row(table, rows[0], cell.column, inner)

    def cells_of(self, table: Table) -> dict[tuple[int, str], list[tuple[int, CellValue, Place]]]:
        """For each cell the layers that name it, topmost first."""
        found = self.layers.get(table.name)
        if found is None:
            found = {}
            for number, layer in enumerate(table.layers):
                for key, (value, place) in layer.cells.items():
                    found.setdefault(key, []).append((number, value, place))
            self.layers[table.name] = found
        return found

    def cell_of_row(self, table: Table, row: int, column: str, box: Box) -> Iterator[tuple[Box, ops.Expr | Refused]]:
        """The topmost layer in force that names the cell."""
        left = [box]
        for number, value, place in self.cells_of(table).get((row, column), ()):
            layer = table.layers[number]
            further: list[Box] = []
            for one in left:
                for inner, met in self.test(layer.when, one):
                    if not met:
                        further.append(inner)
                        continue
                    self.see(inner, "cell", table.name, column, row, number)
                    match value:
                        case NotOffered():
                            yield inner, Refused("not-offered", place, table.name, column, row)
                        case Unlimited():
                            yield inner, Refused("unlimited", place, table.name, column, row)
                        case Custom():
                            self.custom.add(f"{table.name}.{column}")
                            yield inner, ops.Attribute(f"{table.name}.{column}")
                        case Share():
                            for last, of in self.cell_of_row(table, row, value.column, inner):
                                if isinstance(of, ops.Const):
                                    yield last, ops.Const(of.value * value.share)
                                elif isinstance(of, Refused):
                                    yield last, replace(of, code="share-of-dash") if of.code == "not-offered" else of
                                else:
                                    yield last, ops.Product((of, ops.Const(value.share)))
                        case Fraction():
                            yield inner, ops.Const(value)
                        case _:
                            yield inner, Refused("wrong-type", place, table.name, column, row)
            left = further
        for one in left:
            yield one, Refused("no-price-in-force", table.rows[row].place, table.name, column, row)

    # --- conditions -----------------------------------------------------------------------------------------------

    def test(self, cond: ops.Cond | None, box: Box) -> Iterator[tuple[Box, bool]]:
        """The parts of a box in which a condition is met, and not."""
        match cond:
            case None:
                yield box, True
            case ops.IsOneOf():
                for inner, of in self.expr(cond.of, box, self.usage.place):
                    if isinstance(of, Refused):
                        yield from self._unread(of, inner)
                        continue
                    yield from self._is_one_of(cond, of, inner)
            case ops.IsLike():
                for inner, of in self.expr(cond.of, box, self.usage.place):
                    name = None if isinstance(of, Refused) else name_of(of)
                    if name is None:
                        yield from self._unread(of, inner)
                        continue
                    yield from _both(b.cut_like(self.room, inner, name, cond.pattern))
            case ops.IsGiven():
                name = cond.of.name if isinstance(cond.of, ops.Field) else f"account.{cond.of.name}"
                yield from _both(b.cut_given(self.room, box, name))
            case ops.Compare():
                for inner, left in self.expr(cond.left, box, self.usage.place):
                    for last, right in self.expr(cond.right, inner, self.usage.place):
                        if isinstance(left, Refused) or isinstance(right, Refused):
                            yield from self._unread(left if isinstance(left, Refused) else right, last)
                            continue
                        one, two = linear(left), linear(right)
                        if one is None or two is None:
                            yield from _both(b.cut_open(last, ops.Compare(left, cond.op, right)))
                        else:
                            yield from _both(b.cut_sum(self.room, last, added(one, two, -1), cond.op))
            case ops.During():
                yield from _both(b.cut_hours(self.room, box, self.hours.get(cond.hours, cond.hours)))
            case ops.InForce():
                yield from b.cut_time(self.room, box, cond.start, cond.stop)
            case ops.NewCustomer():
                yield from b.cut_time(self.room, box, cond.since, None, b.SIGNUP)
            case ops.Not():
                for inner, met in self.test(cond.of, box):
                    yield inner, not met
            case ops.All() | ops.AnyOf():
                yield from self._several(cond.of, box, isinstance(cond, ops.All))
            case _:
                assert_never(cond)

    def _several(self, conds: Sequence[ops.Cond], box: Box, all_: bool) -> Iterator[tuple[Box, bool]]:
        if not conds:
            yield box, all_
            return
        for inner, met in self.test(conds[0], box):
            if met is not all_:
                yield inner, met
            else:
                yield from self._several(conds[1:], inner, all_)

    def _is_one_of(self, cond: ops.IsOneOf, of: ops.Expr, box: Box) -> Iterator[tuple[Box, bool]]:
        name = name_of(of)
        known = self.room.of(box, name) if name is not None else None
        if name is not None and isinstance(known, Words):
            yield from _both(b.cut_words(self.room, box, name, cond.values))
            return
        numbers = [one for one in cond.values if isinstance(one, Fraction)]
        if isinstance(of, ops.Const):
            yield box, of.value in numbers
            return
        if name is None or not isinstance(known, Span):
            yield from _both(b.cut_open(box, ops.IsOneOf(of, cond.values)))
            return
        left: Box | None = box
        for value in numbers:
            if left is None:
                break
            yes, left = b.cut_number(self.room, left, name, value)
            if yes is not None:
                yield yes, True
        if left is not None:
            yield left, False

    def _unread(self, why: ops.Expr | Refused, box: Box) -> Iterator[tuple[Box, bool]]:
        """A condition about what is not given is not met (R23); another error refuses the record."""
        if isinstance(why, Refused) and why.code in ("missing-field", "missing-attribute"):
            yield box, False
            return
        if isinstance(why, Refused):
            self.broken.append((box, why))
        yield box, False

    # --- several --------------------------------------------------------------------------------------------------

    def all_of(self, items: Sequence[_T], box: Box, way) -> Iterator[tuple[Box, list]]:  # type: ignore[no-untyped-def, type-arg]
        """Each of some things in turn, in every combination of their ways."""
        if not items:
            yield box, []
            return
        for inner, first in way(items[0], box):
            for last, rest in self.all_of(items[1:], inner, way):
                yield last, [first, *rest]


def _meet(bands: list[KeyBand]) -> bool:
    """Whether bands in order take every quantity above nothing."""
    if not bands or (bands[0].low or ZERO) > 0 or bands[-1].high is not None:
        return False
    return all(
        one.high is not None
        and (two.low or ZERO) <= one.high
        and ((two.low or ZERO) < one.high or one.high_included or two.low_included)
        for one, two in itertools.pairwise(bands)
    )


def _both(cut: b.Cut) -> Iterator[tuple[Box, bool]]:
    yes, no = cut
    if yes is not None:
        yield yes, True
    if no is not None:
        yield no, False


def _first(found: Sequence[ops.Expr | Refused]) -> Refused | None:
    return next((one for one in found if isinstance(one, Refused)), None)

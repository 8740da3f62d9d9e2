"""The steps of a line as nodes: each makes a new figure of what the one above left."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import Table
from pricelang.engine.columnar.figures import Amount
from pricelang.engine.columnar.figures import NotColumnar
from pricelang.engine.columnar.figures import Number
from pricelang.engine.columnar.figures import Text
from pricelang.engine.columnar.nodes import Array
from pricelang.engine.columnar.nodes import Node
from pricelang.engine.columnar.rows import Finder
from pricelang.engine.columnar.terms import Terms
from pricelang.engine.compiled.tables import band_index
from pricelang.engine.compiled.tables import follow_on
from pricelang.engine.compiled.writer import beneath
from pricelang.engine.lookup import Value
from pricelang.plain import dataclass

MOST_GROUPS = 20_000
ONE = Fraction(1)


@dataclass(slots=True)
class Piece:
    """A line on its way: what is there, the quantity as billed, and the place of the row that gave the rate."""

    value: Amount
    quantity: Number
    row: Node


@dataclass(frozen=True, slots=True)
class Total:
    """What is counted of an account in a period, for one step: `key` names the step, as the record engine does."""

    key: tuple[str, str, int]
    unit: str
    zone: str
    exactly: bool
    scale: int
    apart: tuple[str, ...]  # the sources of the words that are counted apart


@dataclass(frozen=True, slots=True)
class Band:
    """A band as nodes: its edges, where it is there at all, and code for what a unit and its beginning cost."""

    low: Number
    high: Number | None
    low_included: Node
    high_included: Node
    there: Node
    endless: Node  # it has no upper edge
    cost: Callable[[], tuple[Number | None, Number | None, Node]]  # rate, flat amount, row


class Steps(Terms):
    """Nodes for what stands below a line: sizes, bounds, rates, bands, shares, roundings."""

    def conditional(self, cond: ops.Cond | None, value: Amount, change: Callable[[Amount], Amount]) -> Amount:
        """A step on an amount under a condition."""
        if cond is None:
            return change(value)
        when = self.condition(cond)
        with self.under(when):
            changed = change(value)
        return self.choose_amount(when, changed, value)

    def step(self, step: ops.Step, piece: Piece, key: tuple[str, str, int]) -> None:
        match step:
            case ops.Rate():
                self.rate(step, piece)
            case ops.Tiers():
                self.tiers(step, piece, key)
            case ops.Beyond():
                raise NotColumnar("an allowance is used up")
            case ops.AtLeast() if step.each is not None:
                raise NotColumnar("a minimum is settled at the end of a period")
            case ops.AtMost() | ops.RoundUp() | ops.Packages() if step.each is not None:
                piece.value = self.conditional(step.when, piece.value, lambda value: self.counted(step, value, key))
            case ops.RoundUp() | ops.AtLeast() | ops.AtMost() if step.moves_end:
                pass
            case _:
                piece.value = self.conditional(step.when, piece.value, lambda value: self.money_step(step, value))

    # --- steps on a figure

    def money_step(self, step: ops.Step, value: Amount) -> Amount:
        """One step on a figure, both as rounded and as exact. Nothing stays nothing."""
        if isinstance(step, ops.Round):
            return Amount(self.rounded(value.rounded, step.size, step.mode), value.exact)
        rounded = self.guarded(step, value.rounded)
        if value.same and not self.splits(step):
            return Amount(rounded, rounded)
        self.exactly = True
        try:
            return Amount(rounded, self.guarded(step, value.exact))
        finally:
            self.exactly = False

    def splits(self, node: object) -> bool:
        """Whether anything beneath reads an earlier line that was rounded."""
        if isinstance(node, ops.LineValue):
            amount = self.lines.get(node.label)
            return amount is not None and not amount.same
        return any(self.splits(one) for one in beneath(node))

    def guarded(self, step: ops.Step, value: Number) -> Number:
        """What a step makes of a figure; nothing stays nothing, and then no bound is asked for."""
        there = self.graph.is_there(value.node)
        with self.under(there):
            found = self.one(step, value)
        match step:
            case ops.RoundUp() | ops.Packages():
                return found  # of nothing, nothing is begun
            case ops.Adjust(share=True):
                return found
            case ops.AtMost(bound=ops.Const(bound)) if bound >= 0:
                return found
        return self.choose(there, found, self.nothing)

    def one(self, step: ops.Step, value: Number) -> Number:
        match step:
            case ops.AtLeast():
                return self.most(value, self.number(step.bound))
            case ops.AtMost():
                bound, limitless = self.limit(step.bound)
                return self.choose(limitless, value, self.least(value, bound))
            case ops.RoundUp():
                size = self.size(step.size)
                return self.multiply(self.begun(value, size), size)
            case ops.Packages():
                return self.begun(value, self.size(step.size))
            case ops.Adjust():
                by = self.number(step.by)
                after = self.add([(1, value), (step.sign, self.multiply(value, by) if step.share else by)])
                return self.most(after, self.nothing) if step.of_quantity else after
        raise NotColumnar("a step that is not known here")

    def limit(self, expr: ops.Expr) -> tuple[Number, Node]:
        """A number, and where it is `unlimited` instead."""
        if isinstance(expr, ops.Cell):
            return self.cell_or_unlimited(expr.table, expr.column)
        return self.number(expr), self.graph.no

    def size(self, expr: ops.Expr) -> Number:
        """The size of a step or package, which is above zero."""
        size = self.number(expr)
        if size.const is not None and size.const <= 0:
            self.fail(self.graph.yes)
            return self.constant(ONE)
        self.fail(self.graph.at_most(size.node, self.graph.zero))
        return size

    # --- rates

    def rate(self, step: ops.Rate, piece: Piece) -> None:
        """A quantity times the rate of the first case that holds; nothing is not priced."""
        graph = self.graph
        when = graph.yes if step.when is None else self.condition(step.when)
        value = piece.value
        there = self.there(value)
        with self.under(graph.both(when, there)):
            rate, row = self.cases(step.cases)
        rounded = self.multiply(value.rounded, rate)
        priced = Amount(rounded, rounded if value.same else self.multiply(value.exact, rate))
        none = Amount(self.nothing, self.nothing)
        piece.value = self.choose_amount(when, priced, none)
        piece.quantity = self.choose(when, piece.quantity, self.nothing)
        piece.row = row  # a line of which nothing is there is left out

    def cases(self, cases: tuple[ops.Case, ...]) -> tuple[Number, Node]:
        """The rate of the first case that holds, and the row that gave it."""
        graph = self.graph
        if not cases:
            self.fail(graph.yes)
            return self.nothing, graph.const(-1)
        first = cases[0]
        when = graph.yes if first.when is None else self.condition(first.when)
        with self.under(when):
            self.place = graph.const(-1)
            if first.rate is None:
                self.fail(graph.yes)
                rate, row = self.nothing, graph.const(-1)
            else:
                rate = self.number(first.rate)
                row = self.place
        if when is graph.yes:
            return rate, row
        with self.under(graph.negate(when)):
            other, other_row = self.cases(cases[1:])
        return self.choose(when, rate, other), graph.select(when, row, other_row)

    # --- what counts over a period

    def before(self, key: tuple[str, str, int], each: ops.Period, value: Number, when: Node, exactly: bool) -> Number:
        """What was counted before this record, at the scale of what it adds."""
        unit = each.unit
        if unit == "bill":
            if "signup" in self.program.bill:
                raise NotColumnar("a period begins with the signup")
            unit = self.program.bill.split()[0]
        apart = []
        for one in each.apart:
            word = self.value(one)
            if not isinstance(word, Text) or word.given is not None:
                raise NotColumnar("something is counted apart by more than a text (`for each`)")
            apart.append(word.source)
        total = Total(key, unit, each.zone, exactly, value.scale, tuple(apart))
        return Number(self.graph.counted(total, value.node, self.graph.both(self.path, when)), value.scale)

    def counted(self, step: ops.Step, value: Amount, key: tuple[str, str, int]) -> Amount:
        """A step on the period's running total: the record gets the increase."""
        each = getattr(step, "each", None)
        if each is None:
            return self.money_step(step, value)
        there = self.there(value)
        before = self.before(key, each, value.rounded, there, False)
        earlier = Amount(before, before if value.same else self.before(key, each, value.exact, there, True))
        with self.under(there):
            rounded = self.add([(1, earlier.rounded), (1, value.rounded)])
            later = Amount(rounded, rounded if value.same else self.add([(1, earlier.exact), (1, value.exact)]))
            old, new = self.money_step(step, earlier), self.money_step(step, later)
        change = self.add([(1, new.rounded), (-1, old.rounded)])
        same = new.same and old.same
        found = Amount(change, change if same else self.add([(1, new.exact), (-1, old.exact)]))
        return self.choose_amount(there, found, Amount(self.nothing, self.nothing))

    # --- tiers

    def tiers(self, step: ops.Tiers, piece: Piece, key: tuple[str, str, int]) -> None:
        graph = self.graph
        when = graph.yes if step.when is None else self.condition(step.when)
        value = piece.value
        there = graph.both(when, self.there(value))
        if not value.same:
            with self.under(there):
                self.fail(graph.negate(graph.is_there(value.rounded.node)))
        with self.under(there):
            bands = self.bands(step)
            before: Amount | None = None
            if step.each is not None:
                rounded = self.before(key, step.each, value.rounded, graph.yes, False)
                exact = rounded if value.same else self.before(key, step.each, value.exact, graph.yes, True)
                before = Amount(rounded, exact)
            cost, row = self.banded(step, bands, before.rounded if before else None, value.rounded)
            same = cost
            if not value.same:
                same, _ = self.banded(step, bands, before.exact if before else None, value.exact)
        none = self.nothing
        rounded = self.choose(there, cost, none)
        piece.value = Amount(rounded, rounded if same is cost else self.choose(there, same, none))
        piece.quantity = self.choose(when, piece.quantity, none)
        piece.row = row

    def banded(self, step: ops.Tiers, bands: list[Band], before: Number | None, value: Number) -> tuple[Number, Node]:
        """What a quantity costs by its bands, after what was counted before."""
        after = value if before is None else self.add([(1, before), (1, value)])
        if step.graduated:
            return self.graduated(bands, before or self.nothing, after)
        if before is None:
            return self.volume(bands, after)
        now, row = self.volume(bands, after)
        earlier, _ = self.volume(bands, before)
        return self.add([(1, now), (-1, earlier)]), row

    def graduated(self, bands: list[Band], before: Number, after: Number) -> tuple[Number, Node]:
        """Each unit at its band's rate; a band's fixed amount when it is entered."""
        graph = self.graph
        self.fail(self.compare(after, "<", before))  # less than nothing gives back what the units cost
        self.fail(self.compare(before, "<", self.nothing))
        followed = all(one.there is graph.yes for one in bands) and all(one.endless is graph.no for one in bands[:-1])
        if followed and bands[-1].endless is graph.yes:
            return self.graduated_without_end(bands, before, after)
        parts: list[tuple[int, Number]] = []
        row = graph.const(-1)
        covered: list[tuple[int, Number]] = []
        whole = self.add([(1, after), (-1, before)])
        for band in bands:
            top = after
            if band.high is not None:
                top = self.choose(band.endless, after, self.least(after, band.high))
            low = self.most(before, band.low)
            units = self.most(self.add([(1, top), (-1, low)]), self.nothing)
            units = self.least(self.choose(band.there, units, self.nothing), whole)
            touched = graph.is_there(units.node)
            with self.under(touched):
                rate, flat, place = band.cost()
            if rate is not None:
                parts.append((1, self.multiply(units, rate)))
            if flat is not None:
                entered = graph.both(touched, self.compare(before, "<=", band.low))
                parts.append((1, self.choose(entered, flat, self.nothing)))
            row = graph.select(touched, place, row)
            covered.append((1, units))
        self.fail(graph.is_there(self.add([*covered, (-1, whole)]).node))
        return self.add(parts), row

    def graduated_without_end(self, bands: list[Band], before: Number, after: Number) -> tuple[Number, Node]:
        """The same of bands that cover every quantity: what lies below an edge, less what lay below the one before."""
        graph = self.graph
        parts: list[tuple[int, Number]] = []
        row = graph.const(-1)
        below = self.nothing
        for band in bands:
            top, bottom = after, before
            if band.endless is not graph.yes and band.high is not None:
                top, bottom = self.least(after, band.high), self.least(before, band.high)
            up_to = self.add([(1, top), (-1, bottom)])
            units = self.most(self.add([(1, up_to), (-1, below)]), self.nothing)
            below = up_to
            touched = graph.is_there(units.node)
            with self.under(touched):
                rate, flat, place = band.cost()
            if rate is not None:
                parts.append((1, self.multiply(units, rate)))
            if flat is not None:
                entered = graph.both(touched, self.compare(before, "<=", band.low))
                parts.append((1, self.choose(entered, flat, self.nothing)))
            row = graph.select(touched, place, row)
        return self.add(parts), row

    def volume(self, bands: list[Band], total: Number) -> tuple[Number, Node]:
        """All units at the rate of the band the total reaches; nothing costs nothing."""
        graph = self.graph
        asked = graph.is_there(total.node)
        remaining = asked
        chain: list[tuple[Node, Number, Node]] = []
        for band in bands:
            low, high = self.compare(band.low, "<", total), band.endless
            low = graph.either(low, graph.both(band.low_included, self._equal(band.low, total)))
            if band.high is not None:
                high = graph.either(high, self.compare(total, "<", band.high))
                high = graph.either(high, graph.both(band.high_included, self._equal(band.high, total)))
            inside = graph.both(band.there, graph.both(low, high))
            mine = graph.both(remaining, inside)
            with self.under(mine):
                rate, flat, place = band.cost()
            parts = [] if rate is None else [(1, self.multiply(total, rate))]
            parts += [] if flat is None else [(1, flat)]
            chain.append((mine, self.add(parts), place))
            remaining = graph.both(remaining, graph.negate(inside))
        self.fail(remaining)
        amount, row = self.nothing, graph.const(-1)
        for mine, cost, place in reversed(chain):
            amount = self.choose(mine, cost, amount)
            row = graph.select(mine, place, row)
        return amount, row

    def _equal(self, left: Number, right: Number) -> Node:
        scale = self.common([left, right])
        return self.graph.equal(self.at_scale(left, scale), self.at_scale(right, scale))

    def bands(self, step: ops.Tiers) -> list[Band]:
        if isinstance(step.bands, ops.BandTable):
            return self._table_bands(step, step.bands)
        if step.graduated and not follow_on([(one.low, one.high) for one in step.bands]):
            raise NotColumnar("bands that do not follow on each other")
        return [self._band(one) for one in step.bands]

    def _band(self, one: ops.Band) -> Band:
        graph = self.graph

        def cost() -> tuple[Number | None, Number | None, Node]:
            if one.rate is None and one.flat is None:
                self.fail(graph.yes)
            rate = self.number(one.rate) if one.rate is not None else None
            return rate, self.number(one.flat) if one.flat is not None else None, graph.const(-1)

        return Band(
            self.constant(one.low),
            None if one.high is None else self.constant(one.high),
            graph.truth(one.low_included),
            graph.truth(one.high_included),
            graph.yes,
            graph.truth(one.high is None),
            cost,
        )

    def _table_bands(self, step: ops.Tiers, named: ops.BandTable) -> list[Band]:
        """Bands that stand in a table: its rows that fit in all other keys, one after another."""
        graph = self.graph
        table = self.program.tables[named.table]
        index = band_index(table)
        node, finder = self.row(table, index)
        if node.op == "row":
            finder = node.data
        groups = self._groups(table, finder, index)
        ready: list[list[tuple[Fraction, bool, Fraction | None, bool, int]]] = []
        for group in groups:
            found = []
            for row in group:
                for part in table.rows[row].keys[index]:
                    assert isinstance(part, KeyBand)
                    low = (part.low or Fraction(0)) * named.factor
                    high = part.high * named.factor if part.high is not None else None
                    found.append((low, part.low_included, high, part.high_included, row))
            found.sort(key=lambda one: (one[0], not one[1]))
            if step.graduated and not follow_on([(one[0], one[2]) for one in found]):
                found = []
            ready.append(found)
        self.fail(graph.take_truth(Array([not one for one in ready]), node))
        most = max((len(one) for one in ready), default=0)
        if not most:
            raise NotColumnar(f"the table {table.name} has no bands that follow on each other")
        return [self._table_band(table, named, node, ready, number) for number in range(most)]

    def _table_band(
        self,
        table: Table,
        named: ops.BandTable,
        group: Node,
        ready: list[list[tuple[Fraction, bool, Fraction | None, bool, int]]],
        number: int,
    ) -> Band:
        graph = self.graph
        mine = [one[number] if number < len(one) else None for one in ready]
        some = next(one for one in mine if one is not None)
        lows = [(one or some)[0] for one in mine]
        highs = [(one or some)[2] for one in mine]
        high = next((one for one in highs if one is not None), None)
        filled = [high if one is None else one for one in highs]
        row = graph.take(Array([(one or some)[4] for one in mine]), group)

        def cost() -> tuple[Number | None, Number | None, Node]:
            found: list[Number | None] = []
            place = graph.const(-1)
            for column in (named.rate, named.flat):
                if column is None:
                    found.append(None)
                    continue
                value, limitless = self.cell_of_row(table, row, column)
                self.fail(limitless)
                found.append(value)
                if column == (named.rate if named.rate is not None else named.flat):
                    place = self.place
            return found[0], found[1], place

        return Band(
            self._table_edge(lows, group),
            None if high is None else self._table_edge([one for one in filled if one is not None], group),
            graph.take_truth(Array([(one or some)[1] for one in mine]), group),
            graph.take_truth(Array([(one or some)[3] for one in mine]), group),
            graph.take_truth(Array([one is not None for one in mine]), group),
            graph.take_truth(Array([one is None for one in highs]), group),
            cost,
        )

    def _table_edge(self, edges: list[Fraction], group: Node) -> Number:
        scale = self.common([self.constant(one) for one in edges])
        return Number(self.graph.take(Array([int(one * scale) for one in edges]), group), scale)

    def _groups(self, table: Table, finder: Finder, index: int) -> list[tuple[int, ...]]:
        """All groups of rows that values may come to, each with its number."""
        if not finder.groups and any(number != index for number, _ in enumerate(table.keys)):
            known: list[list[Value]] = []
            total = 1
            for number, kind in enumerate(finder.kinds):
                at = number if number < index else number + 1
                parts = [part for row in table.rows for part in row.keys[at]]
                if any(isinstance(part, KeyLike) for part in parts):
                    raise NotColumnar(f"bands of the table {table.name} are found by a pattern")
                if kind.kind == "truth":
                    values: list[Value] = [True, False]
                elif kind.kind == "word":
                    values = [*dict.fromkeys(part for part in parts if isinstance(part, str)), "\0"]
                else:
                    values = [finder.value_of(number, code, []) for code in range(2 * len(kind.edges) + 1)]
                known.append(values)
                total *= len(values)
                if total > MOST_GROUPS:
                    raise NotColumnar(f"the table {table.name} has very many groups of bands")
            for one in itertools.product(*known):
                finder.find(list(one))
        if not finder.groups:
            finder.find([])
        finder.closed = True
        if not finder.groups:
            raise NotColumnar(f"the table {table.name} has no bands")
        return finder.groups

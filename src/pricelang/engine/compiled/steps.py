"""The steps of a line in code: each makes a new figure of what the one above left."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Allowance
from pricelang.core.program import Line
from pricelang.engine.allowances import WITHOUT_END
from pricelang.engine.compiled import tables
from pricelang.engine.compiled.expressions import Expressions
from pricelang.engine.compiled.scales import NOTHING
from pricelang.engine.compiled.scales import ROUNDINGS
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import Word
from pricelang.engine.compiled.scales import add
from pricelang.engine.compiled.scales import at_scale
from pricelang.engine.compiled.scales import atom
from pricelang.engine.compiled.scales import bare
from pricelang.engine.compiled.scales import common
from pricelang.engine.compiled.scales import common_of
from pricelang.engine.compiled.scales import constant
from pricelang.engine.compiled.scales import multiply
from pricelang.engine.compiled.writer import RETURN
from pricelang.engine.compiled.writer import Amount
from pricelang.engine.compiled.writer import AmountJoin
from pricelang.engine.compiled.writer import Join
from pricelang.engine.compiled.writer import Piece
from pricelang.engine.compiled.writer import beneath
from pricelang.engine.compiled.writer import told

EARLIEST = -62_000_000_000
LATEST = 253_000_000_000
"""Seconds since 1970 between which every calendar period has a start and an end (years 6 to 9987)."""


class Steps(Expressions):
    """Code for what stands below a line: sizes, bounds, rates, bands, shares, roundings."""

    # --- branches that meet again

    @contextmanager
    def when(self, cond: ops.Cond | None) -> Iterator[bool]:
        """Writes beneath `if`, where there is a condition."""
        if cond is None:
            yield False
            return
        with self.under(f"if {bare(self.condition(cond))}:"):
            yield True

    def conditional(self, cond: ops.Cond | None, value: Amount, change: Callable[[Amount], Amount]) -> Amount:
        """A step on an amount under a condition."""
        if cond is None:
            return change(value)
        join = AmountJoin(self)
        with self.when(cond):
            join.add(change(value))
        with self.under("else:"):
            join.add(value)
        return join.done()

    # --- steps

    def step(self, line: Line, step: ops.Step, piece: Piece) -> None:
        match step:
            case ops.Rate():
                self.rate(step, piece)
            case ops.Tiers():
                self.tiers(step, piece)
            case ops.Beyond():
                self.beyond(step, piece)
            case ops.AtLeast() if step.each is not None:
                self.settled_later(step, step.each, piece.value)
            case ops.AtMost() | ops.RoundUp() | ops.Packages() if step.each is not None:
                piece.value = self.conditional(step.when, piece.value, lambda value: self.counted(step, value))
            case ops.RoundUp() | ops.AtLeast() | ops.AtMost() if step.moves_end:
                pass
            case _:
                piece.value = self.conditional(step.when, piece.value, lambda value: self.money_step(step, value))

    def settled_later(self, step: ops.AtLeast, each: ops.Period, value: Amount) -> None:
        """A minimum that the end of a period charges: here only what may go wrong where it is counted."""
        with self.when(step.when), self.under(f"if {value.there}:"):
            self.period(each)

    def counted(self, step: ops.Step, value: Amount) -> Amount:
        """A step on a period's total: with nothing counted before, the record is the total."""
        each = getattr(step, "each", None)
        if each is not None and each.apart:
            with self.under(f"if {value.there}:"):
                self.period(each)
        elif each is not None:
            self.period(each)
        return self.money_step(step, value)

    def period(self, each: ops.Period) -> None:
        """What may go wrong where a period is asked for."""
        if ("time", "calendar") not in self.loaded:
            second = self.second()
            with self.into(self.head), self.under(f"if not {EARLIEST} < {second} < {LATEST}:"):
                self.out(RETURN)
            self.loaded["time", "calendar"] = Word(second, False)
        if each.unit == "bill" and "signup" in self.program.bill and ("time", "signup") not in self.loaded:
            with self.into(self.head), self.under("if signup is not None:  # the period starts on its day"):
                self.out(RETURN)
            self.loaded["time", "signup"] = Word("signup", False)
        for one in each.apart:
            self.value(one)

    def beyond(self, step: ops.Beyond, piece: Piece) -> None:
        """What an allowance does not cover; with nothing counted before, all of it is there."""
        allowance = self.program.allowances[step.allowance]
        if self.asks_time(allowance.size):
            raise NotCompiled(f"the size of the allowance {allowance.name} may change while a period runs")
        if allowance.kept and ("time", "kept") not in self.loaded:
            second = self.second()
            with (
                self.into(self.head),
                self.under(f"if signup is not None or {second} < 0:  # units may have been kept"),
            ):
                self.out(RETURN)
            self.loaded["time", "kept"] = Word(second, False)
        value = self.named_amount(piece.value)
        join = AmountJoin(self)
        with self.under(f"if {value.rounded.code}:  # beyond {told(allowance.place)}"):
            self.period(allowance.each)
            if allowance.kept_at_most is not None:
                self.number(allowance.kept_at_most)
            left = self._left(value.rounded, self._size_of(allowance), allowance.name)
            join.add(Amount(left, left))
        with self.under("else:"):
            join.add(value)
        piece.value = join.done()

    def _size_of(self, allowance: Allowance) -> Figure:
        """The units of a period, which are not less than none."""
        size, may_lack = self.limit(allowance.size)
        join = Join(self, "size")
        if may_lack:
            with self.under(f"if {size.code} is NO_LIMIT:"):
                join.add(constant(WITHOUT_END))
            with self.under("else:"):
                join.add(self._bound("max", size, NOTHING))
            return join.done()
        return self.named(self._bound("max", size, NOTHING), "size")

    def _left(self, value: Figure, size: Figure, allowance: str) -> Figure:
        """What is left of a quantity; where several lines draw on an allowance, what they leave is a fraction."""
        units = self.units.get(allowance)
        if units is None:
            return self.named(add([(1, value), (-1, self._bound("min", value, size))]), "left")
        with self.under(f"if {units} is None:"):
            self.out(f"{units} = {at_scale(size, None)}")
        taken = self.named(self._bound("min", value, Figure(units, None)), "taken")
        self.out(f"{units} -= {taken.code}")
        return self.named(add([(1, value), (-1, taken)]), "left")

    def asks_time(self, node: object) -> bool:
        """Whether what a node comes to may differ from instant to instant, for the same record."""
        match node:
            case ops.InForce() | ops.During():
                return True
            case ops.Cell(table=name):
                table = self.program.tables[name]
                return self.asks_time(tuple(layer.when for layer in table.layers) + tuple(key.of for key in table.keys))
            case ops.Field(name=name):
                return self.asks_time(self.engine.computed[self.usage.name].get(name))
            case tuple():
                return any(self.asks_time(one) for one in node)
        return any(self.asks_time(one) for one in beneath(node))

    def money_step(self, step: ops.Step, value: Amount) -> Amount:
        """One step on a figure, both as rounded and as exact."""
        if isinstance(step, ops.Round):
            return Amount(self.rounded(step, value.rounded), value.exact)
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

    def guarded(self, step: ops.Step, value: Figure) -> Figure:
        """What a step makes of a figure; nothing stays nothing, and then no bound is asked for."""
        value = self.named(value, "amount")
        match step:
            case ops.RoundUp(size=ops.Const(size)) | ops.Packages(size=ops.Const(size)) if size > 0:
                return self.named(self.one(step, value), "amount")
            case ops.Adjust(share=True, by=ops.Const()):
                return self.named(self.one(step, value), "amount")
        join = Join(self, "amount")
        with self.under(f"if {value.code}:"):
            join.add(self.one(step, value))
        with self.under("else:"):
            join.add(NOTHING)
        return join.done()

    def one(self, step: ops.Step, value: Figure) -> Figure:
        match step:
            case ops.AtLeast():
                return self._bound("max", value, self.number(step.bound))
            case ops.AtMost():
                return self._at_most(value, step.bound)
            case ops.RoundUp():
                size = self.size(step.size)
                return multiply([self._begun(value, size), size])
            case ops.Packages():
                return self._begun(value, self.size(step.size))
            case ops.Adjust():
                by = self.number(step.by)
                after = add([(1, value), (step.sign, multiply([value, by]) if step.share else by)])
                return self._bound("max", self.named(after, "left"), NOTHING) if step.of_quantity else after
        raise NotCompiled("a step that is not known here")

    def _at_most(self, value: Figure, expr: ops.Expr) -> Figure:
        bound, may_lack = self.limit(expr)
        if not may_lack:
            return self._bound("min", value, bound)
        join = Join(self, "amount")
        with self.under(f"if {bound.code} is NO_LIMIT:"):
            join.add(value)
        with self.under("else:"):
            join.add(self._bound("min", value, bound))
        return join.done()

    def _bound(self, word: str, value: Figure, bound: Figure) -> Figure:
        scale = common_of([value, bound])
        return Figure(f"{word}({at_scale(value, scale)}, {at_scale(bound, scale)})", scale)

    def size(self, expr: ops.Expr) -> Figure:
        """The size of a step or package, which is above zero."""
        size = self.named(self.number(expr), "size")
        if size.const is None or size.const <= 0:
            with self.under(f"if {size.code} <= 0:"):
                self.out(RETURN)
        return size if size.const != 0 else constant(Fraction(1))

    def _begun(self, value: Figure, size: Figure) -> Figure:
        """How many of a size are begun: a whole number."""
        scale = common_of([value, size])
        begun = f"-(-{atom(at_scale(value, scale))} // {atom(at_scale(size, scale))})"
        return self.named(Figure(begun, 1), "begun")

    def rounded(self, step: ops.Round, value: Figure) -> Figure:
        of = multiply([value, constant(1 / step.size)])
        if of.scale is None:
            size = self.bind("size", step.size)
            return self.named(Figure(f"round_to({at_scale(value, None)}, {size}, {step.mode!r})", None), "rounded")
        count = Figure(f"{self.bind('round', ROUNDINGS[step.mode])}({of.code}, {of.scale})", 1)
        return self.named(multiply([count, constant(step.size)]), "rounded")

    # --- rates

    def rate(self, step: ops.Rate, piece: Piece) -> None:
        """A quantity times the rate of the first case that holds; nothing is not priced."""
        value = self.named_amount(piece.value)
        join = AmountJoin(self)
        quantity = Join(self, "quantity") if step.when is not None else None
        row = self.name("row_place")
        if self.places:
            self.out(f"{row} = None")
        with self.when(step.when) as asked:
            with self.under(f"if {value.there}:"):
                self.cases(step.cases, value, join, row)
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
            if quantity is not None:
                quantity.add(piece.quantity)
        if asked and quantity is not None:
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
                quantity.add(NOTHING)
            piece.quantity = quantity.done()
        piece.value, piece.row = join.done(), row

    def cases(self, cases: tuple[ops.Case, ...], value: Amount, join: AmountJoin, row: str) -> None:
        if not cases:
            self.out(f"{RETURN}  # no case holds")
            return
        first = cases[0]
        with self.when(first.when) as asked:
            if first.rate is None:
                self.out(f"{RETURN}  # not offered, {told(first.place)}")
            else:
                self.place = "None"
                rate = self.named(self.number(first.rate), "rate")
                if self.places and self.place != "None":
                    self.out(f"{row} = {self.place}")
                rounded = multiply([value.rounded, rate])
                join.add(Amount(rounded, rounded if value.same else multiply([value.exact, rate])))
        if asked:
            with self.under("else:"):
                self.cases(cases[1:], value, join, row)

    def named_amount(self, value: Amount) -> Amount:
        rounded = self.named(value.rounded, "amount")
        return Amount(rounded, rounded if value.same else self.named(value.exact, "exactly"))

    # --- tiers

    def tiers(self, step: ops.Tiers, piece: Piece) -> None:
        value = self.named_amount(piece.value)
        join = AmountJoin(self)
        quantity = Join(self, "quantity") if step.when is not None else None
        row = self.name("row_place")
        if self.places:
            self.out(f"{row} = None")
        with self.when(step.when) as asked:
            with self.under(f"if {value.there}:"):
                if step.each is not None:
                    self.period(step.each)
                rounded = self.banded(step, value.rounded, row)
                join.add(Amount(rounded, rounded if value.same else self.banded(step, value.exact, None)))
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
            if quantity is not None:
                quantity.add(piece.quantity)
        if asked and quantity is not None:
            with self.under("else:"):
                join.add(Amount(NOTHING, NOTHING))
                quantity.add(NOTHING)
            piece.quantity = quantity.done()
        piece.value, piece.row = join.done(), row

    def banded(self, step: ops.Tiers, value: Figure, row: str | None) -> Figure:
        """What a quantity costs by its bands; `row` is set to the row of the highest band that was touched."""
        join = Join(self, "cost")
        self.out(f"{join.name} = 0")
        if isinstance(step.bands, ops.BandTable):
            self._table_bands(step, step.bands, value, join, row)
        elif step.graduated:
            self._graduated(step.bands, value, join)
        else:
            self._volume(step.bands, value, join)
        return join.done()

    def _graduated(self, bands: tuple[ops.Band, ...], value: Figure, join: Join) -> None:
        if not tables.follow_on([(one.low, one.high) for one in bands]):
            raise NotCompiled("bands that do not follow on each other")
        edges = [edge for one in bands for edge in (one.low, one.high) if edge is not None]
        scale = common([value.scale, *(edge.denominator for edge in edges)])
        q = self.named(Figure(at_scale(value, scale), scale), "q")
        last = bands[-1].high
        beyond = f" or {q.code} > {at_scale(constant(last), scale)}" if last is not None else ""
        with self.under(f"if {q.code} < 0{beyond}:  # no band covers it"):
            self.out(RETURN)
        for one in bands:
            low = at_scale(constant(one.low), scale)
            with self.under(f"if {q.code} > {low}:  # {told(one.place)}"):
                units = q.code
                if one.high is not None:
                    units = f"min({units}, {at_scale(constant(one.high), scale)})"
                if one.low:
                    units = f"{units} - {low}"
                self.band(one, Figure(units, scale), join)

    def band(self, one: ops.Band, units: Figure, join: Join) -> None:
        """Adds what units cost in a band of the rule file."""
        if one.rate is None and one.flat is None:
            self.out(f"{RETURN}  # not offered")
            return
        parts = [multiply([units, self.number(one.rate)])] if one.rate is not None else []
        parts += [self.number(one.flat)] if one.flat is not None else []
        join.more(add([(1, part) for part in parts]))

    def _volume(self, bands: tuple[ops.Band, ...], value: Figure, join: Join) -> None:
        edges = [edge for one in bands for edge in (one.low, one.high) if edge is not None]
        scale = common([value.scale, *(edge.denominator for edge in edges)])
        q = self.named(Figure(at_scale(value, scale), scale), "q")
        with self.under(f"if {q.code}:"):
            self._reached(bands, q, join)

    def _reached(self, bands: tuple[ops.Band, ...], q: Figure, join: Join) -> None:
        if not bands:
            self.out(f"{RETURN}  # no band covers it")
            return
        one = bands[0]
        inside = f"{q.code} {'>=' if one.low_included else '>'} {at_scale(constant(one.low), q.scale)}"
        if one.high is not None:
            inside += f" and {q.code} {'<=' if one.high_included else '<'} {at_scale(constant(one.high), q.scale)}"
        with self.under(f"if {inside}:  # {told(one.place)}"):
            self.band(one, q, join)
        with self.under("else:"):
            self._reached(bands[1:], q, join)

    def _table_bands(self, step: ops.Tiers, named: ops.BandTable, value: Figure, join: Join, row: str | None) -> None:
        """Bands that stand in a table: its rows that fit in all other keys, one after another."""
        table = self.table(named.table)
        index = tables.band_index(table.table)
        scale = common([value.scale, *tables.edges(table.table, index, named.factor)])
        given = self.keys(table, index)
        find = table.band_searcher(given, index, scale, named.factor, step.graduated)
        q = self.named(Figure(at_scale(value, scale), scale), "q")
        bands, band = self.name("bands"), self.name("row")
        self.out(f"{bands} = {self.bind('find_bands', find)}({', '.join(one.code for one in given)})")
        with self.under(f"if not {bands} or {q.code} < 0:"):
            self.out(RETURN)
        if step.graduated:
            with self.under(f"for low, _, high, _, {band} in {bands}:"):
                with self.under(f"if {q.code} <= low:"):
                    self.out("break")
                units = self.name("units")
                self.out(f"{units} = ({q.code} if high is None or {q.code} < high else high) - low")
                self._band_of_row(table, named, band, Figure(units, scale), join, row)
            with self.under(f"if high is not None and {q.code} > high:  # no band covers it"):
                self.out(RETURN)
            return
        with self.under(f"if {q.code}:"):
            with self.under(f"for low, above, high, up_to, {band} in {bands}:"):
                high = f"high is None or {q.code} < high or ({q.code} == high and up_to)"
                with self.under(f"if ({q.code} > low or ({q.code} == low and above)) and ({high}):"):
                    self._band_of_row(table, named, band, q, join, row)
                    self.out("break")
            with self.under("else:"):
                self.out(f"{RETURN}  # no band covers it")

    def _band_of_row(
        self, table: tables.TableData, named: ops.BandTable, band: str, units: Figure, join: Join, row: str | None
    ) -> None:
        parts = []
        for column, times in ((named.rate, units), (named.flat, None)):
            if column is None:
                continue
            value = self.cell_of_row(table, band, column)
            if isinstance(value, Word):
                self.out(RETURN)
                return
            if row is not None and self.places and column == (named.rate if named.rate is not None else named.flat):
                self.out(f"{row} = {self.place}")
            parts.append(multiply([times, value]) if times is not None else value)
        join.more(add([(1, part) for part in parts]))

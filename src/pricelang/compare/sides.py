"""One ruleset over the columns of a source, beside another: what becomes of each record of a batch."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from pricelang.compare.accounts import Known
from pricelang.compare.records import take_ends
from pricelang.compare.rows import Rows
from pricelang.compare.tally import CHARGED
from pricelang.compare.tally import DUPLICATE
from pricelang.compare.tally import Tally
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.columnar.batch import BAD
from pricelang.engine.columnar.batch import ROUNDED
from pricelang.engine.columnar.batch import Part
from pricelang.engine.columnar.batch import Priced
from pricelang.engine.columnar.batch import Pricer
from pricelang.engine.columnar.forms import array_of
from pricelang.engine.columnar.ordered import Ordered
from pricelang.engine.columnar.ordered import Slice
from pricelang.engine.columnar.plan import Plan
from pricelang.engine.columnar.plan import UsagePlan
from pricelang.engine.columnar.price import LineOut
from pricelang.engine.columnar.run import Columnar
from pricelang.engine.columnar.run import PlainRun
from pricelang.engine.columnar.run import Wanted
from pricelang.engine.columnar.sources import Source
from pricelang.engine.columnar.words import Ints
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Seen
from pricelang.engine.stream import counts_over_time
from pricelang.engine.stream import true_ups
from pricelang.library import Ruleset
from pricelang.plain import dataclass

MOST = 2**62
FIRST_LINE = 2
"""Where the outputs of lines begin: for each line that a row may price, whether it is there, and the row."""


def rowed(usage: UsagePlan) -> list[LineOut]:
    """The lines of a usage that a row of a table may price."""
    return [one for one in usage.built.lines if not (one.row.op == "const" and one.row.data < 0)]


def outputs_of(usage: UsagePlan) -> list[Any]:
    """What is asked of a usage's graph."""
    found = [usage.built.bad, usage.built.rounded.node]
    for one in rowed(usage):
        found += [one.there, one.row]
    return found


assert (BAD, ROUNDED) == (0, 1)


class RowsPricer(Pricer):
    """A pricer that tells rows beside amounts."""

    def _outputs(self, usage: UsagePlan) -> list[Any]:
        return outputs_of(usage)


@dataclass(slots=True)
class View:
    """What became of the records of a batch, by their places in it: amounts are a scale's times what they are, whole
    numbers of 64 bits or exact numbers of any length; `lines` are the rows by a line's label, below 0 for none."""

    states: Any
    amounts: Any
    refusals: dict[int, Rejection]
    lines: dict[str, Ints]
    moments: Any  # of the charged, in 10^-instants seconds


class Side:
    """One ruleset. `plan` is None where columns cannot take it."""

    def __init__(self, rules: Ruleset, known: Known, rows: Rows) -> None:
        self.columnar: Columnar = rules.columnar(known.attributes, known.signups)
        self.program = rules.program
        self.counted = counts_over_time(rules.program)
        self.rows = rows
        self.plan: Plan | None = None
        self.ordered: Ordered | None = None
        self.scale = 1
        self._luts: dict[int, Ints] = {}
        self._seen = Seen()

    def begin(self, source: Source) -> bool:
        """Makes the ruleset ready for a source; False where columns cannot take it."""
        columnar, wanted = self.columnar, Wanted()
        loops = wanted.loops_for(source)
        if self.counted:
            plan = columnar.ordered_plan(source)
            if plan is None:
                return False
            self.ordered = Ordered(plan, columnar.engine, columnar.account_of, True, loops, outputs_of)
        else:
            plan = Plan(columnar.engine, columnar.sources, source.schema, loops)
        self.plan = plan
        self.run = PlainRun(columnar, source, wanted, plan)
        self.pricer = RowsPricer(plan, Intake(self.program), columnar.rate_one)
        self.instants = max((one.built.shape.instants for one in plan.usages.values()), default=6)
        return True

    def scales(self) -> list[int]:
        assert self.plan is not None
        return [one.built.rounded.scale for one in self.plan.usages.values()]

    # --- ids that occur again

    def judge(self, row: int, raw: Any) -> None:
        """Decides what becomes of a record with an id of several; all of them are given in order."""
        if self.ordered is None:
            self.run.judge(row, raw, self._seen, self.pricer.intake)

    def judged(self, owners: set[str]) -> None:
        """All were given; `owners` are the accounts they are of."""
        if self.ordered is None:
            self.run.repeat_rows = np.array(sorted(self.run.repeats), np.int64)
        elif owners:
            self.ordered.own |= owners
            self.ordered.seen = Seen()

    def _verdicts(self, rows: Ints) -> dict[int, Rejection] | None:
        if not self.run.repeats:
            return None
        places = np.flatnonzero(np.isin(rows, self.run.repeat_rows))
        return {place: self.run.repeats[int(rows[place])] for place in places.tolist()}

    # --- batches

    def price(self, one: Slice) -> View:
        """Prices the records of a slice: those of a ruleset that counts in order, one slice after another."""
        if self.ordered is None:
            return self._view(self.pricer.price(one.batch, self._verdicts(one.rows)), one.batch.num_rows)
        priced = self.ordered.price(one)
        _back_to_places(priced, one.rows)
        return self._view(priced, one.batch.num_rows)

    def _view(self, priced: Priced, count: int) -> View:
        found = View(np.zeros(count, np.int8), np.zeros(count, np.int64), {}, {}, np.zeros(count, np.int64))
        for part in priced.parts:
            self._part(part, found, count)
        if priced.charges:
            found.lines = {label: numbers.copy() for label, numbers in found.lines.items()}
        for row, charge in priced.charges:
            self._charge(row, charge, found, count)
        for row, one in priced.rejections:
            if one.code == "duplicate":
                found.states[row] = DUPLICATE
            found.refusals[row] = one
        return found

    def _part(self, part: Part, found: View, count: int) -> None:
        at: Any = slice(None) if part.rows is None else part.rows
        found.states[at] = CHARGED
        found.moments[at] = part.given.moment
        values = scaled(part.figure(ROUNDED), self.scale // part.usage.built.rounded.scale)
        if values.dtype == object and found.amounts.dtype != object:
            found.amounts = found.amounts.astype(object)
        found.amounts[at] = values
        made: dict[tuple[int, int], Ints] = {}
        for index, line in enumerate(rowed(part.usage)):
            there, row = part.results[FIRST_LINE + 2 * index : FIRST_LINE + 2 * index + 2]
            numbers = made.get((id(there), id(row)))
            if numbers is None:
                places = np.asarray(array_of(row, part.count), np.int64)
                numbers = made[id(there), id(row)] = np.where(there, self._lut(part.usage)[places], -1)
            kept = found.lines.get(line.label)
            if kept is None:
                if part.rows is None and part.count == count:
                    found.lines[line.label] = numbers
                    continue
                kept = found.lines[line.label] = np.full(count, -1, np.int64)
            kept = found.lines[line.label] = kept.copy()  # one array may stand for several lines
            kept[at] = np.where(numbers < 0, kept[at], numbers)

    def _lut(self, usage: UsagePlan) -> Ints:
        """The numbers of rows by a graph's places."""
        found = self._luts.get(id(usage))
        if found is None:
            numbers = [self.rows.numbers.get(place, -1) for place in usage.built.places]
            found = self._luts[id(usage)] = np.array([*numbers, -1], np.int64)
        return found

    def _charge(self, row: int, charge: Charge, found: View, count: int) -> None:
        found.states[row] = CHARGED
        found.moments[row] = int(charge.at * 10**self.instants // 1)
        amount = charge.exact_amount * self.scale
        whole = int(amount) if amount.denominator == 1 else None
        if whole is not None and abs(whole) < MOST:
            found.amounts[row] = whole
        else:
            if found.amounts.dtype != object:
                found.amounts = found.amounts.astype(object)
            found.amounts[row] = amount if whole is None else whole
        for line in charge.lines:
            number = None if line.row is None else self.rows.numbers.get(str(line.row))
            if number is not None:
                if line.name not in found.lines:
                    found.lines[line.name] = np.full(count, -1, np.int64)
                found.lines[line.name][row] = number

    def end(self, tally: Tally, side: int) -> None:
        """Counts what the ends of periods charge."""
        if self.ordered is not None:
            columnar = self.columnar
            take_ends(tally, side, true_ups(columnar.engine, self.ordered.counts(), columnar.account_of))


def scaled(values: Any, factor: int) -> Any:
    """Whole numbers times a factor, in 64 bits where they fit."""
    if values.dtype != object and len(values):
        most = max(abs(int(values.min())), abs(int(values.max())))
        if most * factor >= MOST:
            values = values.astype(object)
    return values if factor == 1 else values * factor


def exact(value: Any, scale: int) -> Fraction:
    """What a scaled number stands for."""
    return Fraction(value) / scale if isinstance(value, Fraction) else Fraction(int(value), scale)


def _back_to_places(priced: Priced, rows: Ints) -> None:
    """Rows of the source as places in the batch."""
    order: Ints | None = None

    def places(of: Any) -> Ints:
        nonlocal order
        if order is None:
            order = np.argsort(rows, kind="stable")
        found: Ints = order[np.searchsorted(rows[order], of)]
        return found

    for part in priced.parts:
        part.rows = None if part.rows is rows else places(part.rows)
    if priced.charges:
        where = places([row for row, _ in priced.charges]).tolist()
        priced.charges = [(place, charge) for place, (_, charge) in zip(where, priced.charges, strict=True)]
    if priced.rejections:
        where = places([row for row, _ in priced.rejections]).tolist()
        priced.rejections = [(place, one) for place, (_, one) in zip(where, priced.rejections, strict=True)]


def share_words(old: Side, new: Side) -> None:
    """Both number the words of a column alike, so that what is known of it is looked up once."""
    mine, others = old.columnar.sources.words, new.columnar.sources.words
    for name in others:
        if name in mine and not name.startswith("account."):
            others[name] = mine[name]


def columns_read(old: Side, new: Side, source: Source) -> list[str] | None:
    """The columns that either asks for; None for all."""
    if old.run.columns is None or new.run.columns is None:
        return None
    return [name for name in source.schema.names if name in old.run.columns or name in new.run.columns]

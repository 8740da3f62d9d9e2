"""The definition: one record priced by reading the core's operations one by one, on exact fractions.

Every other path through the project is right when it agrees with this file, to the last digit. What a figure, a cell
or a condition comes to stands in `evaluation.py`.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.engine import running
from pricelang.engine.account import Account
from pricelang.engine.allowances import take_from
from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.engine.counts import Counts
from pricelang.engine.counts import Key
from pricelang.engine.counts import Minimum
from pricelang.engine.counts import period_of
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.evaluation import Ready
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import shown
from pricelang.engine.pieces import Amount
from pricelang.engine.pieces import Piece
from pricelang.engine.tiers import Reached
from pricelang.engine.tiers import graduated
from pricelang.engine.tiers import volume
from pricelang.engine.tiers import volume_of_record
from pricelang.engine.told import Banded
from pricelang.engine.told import Counted as CountedStep
from pricelang.engine.told import Ended
from pricelang.engine.told import Fed
from pricelang.engine.told import FellShort
from pricelang.engine.told import Later
from pricelang.engine.told import Looked
from pricelang.engine.told import Priced
from pricelang.engine.told import Skipped
from pricelang.engine.told import Stepped
from pricelang.engine.told import Told
from pricelang.engine.told import Unmet
from pricelang.engine.told import figure_of
from pricelang.engine.told import reasons
from pricelang.source import Place

ZERO = Fraction(0)
ONE = Fraction(1)


class Engine(Ready):
    """Prices records of one program. Holds nothing but what it made ready; counts are the caller's."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.prices: dict[str, list[Price]] = {}
        for price in program.prices:
            self.prices.setdefault(price.usage, []).append(price)
        self.minimum_names = minimum_names(program)
        # what is counted is kept under a name that outlives a change of the file's lines
        self.price_names = {
            id(price): f"{usage}#{number}"
            for usage, prices in self.prices.items()
            for number, price in enumerate(prices)
        }

    def rate(self, record: Record, account: Account, counts: Counts, tell: bool = False) -> Charge:
        """The charge of a record. Counts move only if the record is charged. Raises RecordError."""
        pricing = Pricing(self, record, account, counts, tell)
        charge = pricing.charge()
        pricing.commit()
        return charge

    def true_up_id(self, minimum: Minimum) -> str:
        """ACCOUNT/PERIOD/LINE, and what is counted apart."""
        name = self.minimum_names[minimum.line.steps[minimum.step].place]
        return "/".join((_part(minimum.account), minimum.name, name, *(_part(one) for one in minimum.apart)))

    def true_up(self, minimum: Minimum, account: Account, counts: Counts) -> Charge | None:
        """What a period's minimum asks for at its end: a charge of its own, or None where enough was spent."""
        record = Record(
            id="",
            type=minimum.price.usage,
            at=minimum.at,
            stopped=None,
            account=minimum.account,
            values={},
            content=b"",
        )
        pricing = Pricing(self, record, account, counts, True)
        step = minimum.line.steps[minimum.step]
        assert isinstance(step, ops.AtLeast)
        bound = pricing.number(step.bound, step.place)
        share = pricing.share_of_period(step, minimum.start) if step.prorated else ONE
        bound *= share
        short = Amount(max(ZERO, bound - minimum.totals[0]), max(ZERO, bound - minimum.totals[1]))
        if not short.rounded and not short.exact:
            return None
        told: Told = FellShort(
            minimum.at, step, bound, share, minimum.totals[0], short.rounded, minimum.name, minimum.apart
        )
        pricing.told.append(told)
        for later in minimum.line.steps[minimum.step + 1 :]:
            if isinstance(later, ops.Adjust | ops.Round) and pricing.met(later.when):
                short = pricing.money_step(later, short)
        if self.program.round_line is not None and minimum.line.label != "together":
            short.rounded = pricing.money_step(self.program.round_line, short).rounded
        assert step.each is not None
        line = ChargeLine(
            "true-up",
            ONE,
            step.each.unit,
            short.rounded,
            short.exact,
            minimum.line.place,
            None,
            tuple(pricing.told),
        )
        pricing.at = minimum.start
        end = pricing.period(step.each)[1]
        rounding = pricing.round_charge([line]) if self.program.round_charge is not None else []
        lines = (line, *rounding)
        return Charge(self.true_up_id(minimum), minimum.price.usage, end, minimum.account, self.program.currency, lines)


class Pricing(Evaluation):
    """One record on its way through one price."""

    def __init__(self, engine: Engine, record: Record, account: Account, counts: Counts, tell: bool) -> None:
        super().__init__(engine, record, account, counts, tell)
        self.engine = engine

    def commit(self) -> None:
        """Writes what was counted for this record into the stream's counts."""
        counts = self.counts
        counts.totals.update(self.moved)
        for key, made in self.minimums.items():
            kept = counts.minimums.get(key)
            if kept is not None:
                made.at = max(kept.at, made.at)
                made.totals = [kept.totals[0] + made.totals[0], kept.totals[1] + made.totals[1]]
            counts.minimums[key] = made
        counts.wallets.update(self.wallets)
        counts.first.setdefault(self.record.account, self.record.at)

    def charge(self) -> Charge:
        """All lines of the one price that holds, what finishes them together, and the header's rounding."""
        price = self.price()
        made: list[ChargeLine] = []
        for line in price.lines:
            self.at = self.record.at
            made += self.line(price, line)
        self.at = self.record.at
        made += self.together(price, made)
        if self.program.round_charge is not None:
            made += self.round_charge(made)
        return Charge(
            self.record.id,
            self.record.type,
            self.record.at,
            self.record.account,
            self.program.currency,
            tuple(made),
            self.record.stopped,
            left_out=tuple(self.left_out),
        )

    def price(self) -> Price:
        prices = self.engine.prices.get(self.record.type, [])
        found = [price for price in prices if self.met(price.when)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise RecordError("no-price", "type", f"no price of `{self.record.type}` holds for this record")
        lines = " and ".join(str(price.place) for price in found)
        raise RecordError("two-prices", "type", f"two prices of `{self.record.type}` hold for this record, {lines}")

    def together(self, price: Price, made: list[ChargeLine]) -> list[ChargeLine]:
        """Steps on the sum of the lines; each step is a line of its own."""
        total = Amount(sum((line.exact_amount for line in made), ZERO), sum((line.exact_before for line in made), ZERO))
        found: list[ChargeLine] = []
        for index, step in enumerate(price.together):
            if (not total.rounded and not total.exact) or not self.met(getattr(step, "when", None)):
                continue
            before = Amount(total.rounded, total.exact)
            self.told = []
            if isinstance(step, ops.AtLeast) and step.each is not None:
                whole = Line(
                    "together", ops.Const(ZERO), price.together, None, True, "charge", ONE, None, None, price.place
                )
                self._minimum(price, whole, index, step, Piece(self.at, ONE, total))
                continue
            total = self.counted_money(step, total, (self.engine.price_names[id(price)], "together", index))
            change = Amount(total.rounded - before.rounded, total.exact - before.exact)
            if change.rounded or change.exact:
                place = step.place
                found.append(
                    ChargeLine(
                        name_of(step), ONE, "charge", change.rounded, change.exact, place, None, tuple(self.told)
                    )
                )
        return found

    def round_charge(self, made: list[ChargeLine]) -> list[ChargeLine]:
        step = self.program.round_charge
        assert step is not None
        total = sum((line.exact_amount for line in made), ZERO)
        change = self.rounded(step, total) - total
        if not change:
            return []
        told = (Stepped(self.at, step, step.size, total, total + change),) if self.tell else ()
        return [ChargeLine("rounding", ONE, "charge", change, ZERO, step.place, None, told)]

    def line(self, price: Price, line: Line) -> list[ChargeLine]:
        """What a line charges: one line of the charge, or for a resource one for each row that applied."""
        self.told = []
        if self.usage.is_resource and self.record.stopped is not None and (line.every or line.by_time):
            pieces = running.pieces(self, line)
        elif self.met(line.when):
            start = self.start(line)
            pieces = [Piece(self.at, ONE, start, start.rounded)]
        else:
            pieces = []
        if self.tell and not pieces and line.when is not None:
            self.told.append(Unmet(self.at, line, reasons(self, line.when)))
        if line.free_reason is not None:
            quantity = sum((piece.value.rounded * piece.length for piece in pieces), ZERO)
            self.lines[line.label] = Amount(quantity, quantity)  # it costs nothing, and can feed a line below
            if self.tell:
                self.leave_out(line, self.told)
            return []
        priced = line.every is not None
        for index, step in enumerate(line.steps):
            if not priced and isinstance(step, ops.Rate | ops.Tiers):
                priced = True
                for piece in pieces:
                    piece.quantity = piece.value.rounded * piece.length
            self.step(price, line, index, step, pieces)
        if self.program.round_line is not None and line.charged:
            self._on_total(pieces, self.program.round_line, line.charged)
        self.at = self.record.at
        total = Amount(
            sum((piece.value.rounded for piece in pieces), ZERO), sum((piece.value.exact for piece in pieces), ZERO)
        )
        self.lines[line.label] = total
        if self.tell:
            ended = [Ended(one.at, one.length, one.quantity, one.value.rounded, line) for one in pieces]
            self.told += ended
        if not line.charged:
            if self.tell:
                self.fed[line.label] = Fed(line, total.rounded, tuple(self.told))
            return []
        return self.charge_lines(line, pieces, priced)

    def charge_lines(self, line: Line, pieces: list[Piece], priced: bool) -> list[ChargeLine]:
        """Pieces of one row are one line of the charge; a line whose quantity is zero is left out."""
        groups: list[list[Piece]] = []
        for piece in pieces:
            if groups and groups[-1][-1].row == piece.row:
                groups[-1].append(piece)
            else:
                groups.append([piece])
        if self.tell and not groups:
            self.leave_out(line, self.told)
        told = _told_of(self.told) if self.tell else {}
        found = []
        for group in groups:
            quantity = sum((piece.quantity for piece in group), ZERO)
            rounded = sum((piece.value.rounded for piece in group), ZERO)
            exact = sum((piece.value.exact for piece in group), ZERO)
            if not quantity and not rounded and not exact:
                if self.tell:
                    self.leave_out(line, [one for piece in group for one in told.get(piece.at, ())])
                continue
            found.append(
                ChargeLine(
                    line.label,
                    quantity / line.factor,
                    line.unit,
                    rounded,
                    exact,
                    line.place,
                    group[-1].row,
                    tuple(one for piece in group for one in told.get(piece.at, ())),
                )
            )
        return found

    def leave_out(self, line: Line, told: list[Told]) -> None:
        """Keeps what was told of a line that charges nothing."""
        self.left_out.append(ChargeLine(line.label, ZERO, line.unit, ZERO, ZERO, line.place, None, tuple(told)))

    def step(self, price: Price, line: Line, index: int, step: ops.Step, pieces: list[Piece]) -> None:
        """One step on all pieces of a line; what has come to nothing stays nothing (R8)."""
        key = (self.engine.price_names[id(price)], line.label, index)
        match step:
            case ops.Rate():
                for piece in pieces:
                    self._rate(step, piece)
            case ops.Tiers():
                whole = Amount(
                    sum((piece.value.rounded * piece.length for piece in pieces), ZERO),
                    sum((piece.value.exact * piece.length for piece in pieces), ZERO),
                )
                before = Amount(ZERO, ZERO)
                for piece in pieces:
                    after = Amount(
                        before.rounded + piece.value.rounded * piece.length,
                        before.exact + piece.value.exact * piece.length,
                    )
                    self._tiers(step, piece, key, before, whole)
                    before = after
            case ops.Beyond():
                for piece in pieces:
                    self._beyond(step, piece)
            case ops.Adjust(share=True):
                for piece in pieces:
                    self._at(piece)
                    if self.applies(step):
                        piece.value = self.money_step(step, piece.value)
            case ops.AtLeast() if step.each is not None:
                for piece in pieces:
                    self._at(piece)
                    if self.applies(step) and (piece.value.rounded or piece.value.exact):
                        self._minimum(price, line, index, step, piece)
            case ops.AtMost() | ops.RoundUp() | ops.Packages() if step.each is not None:
                for piece in pieces:
                    self._at(piece)
                    if self.applies(step):
                        piece.value = self.counted(step, piece.value, step.each, key)
            case ops.RoundUp() | ops.AtLeast() | ops.AtMost() if step.moves_end:
                pass  # the running time was moved before it was cut into pieces
            case _:
                self._on_total(pieces, step, True)

    def applies(self, step: ops.Step) -> bool:
        """Whether a step's condition, if it has one, is met."""
        when: ops.Cond | None = getattr(step, "when", None)
        if when is None or self.holds(when):
            return True
        if self.tell:
            self.told.append(Skipped(self.at, step, reasons(self, when)))
        return False

    def _at(self, piece: Piece) -> None:
        self.at = piece.at

    def _on_total(self, pieces: list[Piece], step: ops.Step, charged: bool) -> None:
        """A step on the record as a whole; for a resource in pieces, the last piece gets the difference."""
        if not pieces or not charged:
            return
        self.at = pieces[0].at
        if not self.applies(step):
            return
        if len(pieces) == 1:
            pieces[0].value = self.money_step(step, pieces[0].value)
            return
        if not self._is_money(pieces):  # a size, which is what it is in every piece
            for piece in pieces:
                self.at = piece.at
                piece.value = self.money_step(step, piece.value)
            return
        total = Amount(
            sum((piece.value.rounded for piece in pieces), ZERO), sum((piece.value.exact for piece in pieces), ZERO)
        )
        after = self.money_step(step, Amount(total.rounded, total.exact), pieces[-1].at)
        last = pieces[-1].value
        pieces[-1].value = Amount(last.rounded + after.rounded - total.rounded, last.exact + after.exact - total.exact)

    def _is_money(self, pieces: list[Piece]) -> bool:
        return any(piece.quantity for piece in pieces)

    def _rate(self, step: ops.Rate, piece: Piece) -> None:
        self._at(piece)
        if not self.applies(step):
            piece.value, piece.quantity = Amount(ZERO, ZERO), ZERO
            return
        if not piece.value.rounded and not piece.value.exact:
            return
        case = next((one for one in step.cases if self.met(one.when)), None)
        if case is None:
            raise RecordError("no-case", None, f"no case of line {step.place} holds for this record")
        if case.rate is None:
            raise RecordError("not-offered", None, f"this is not offered ({case.place})")
        self.row = None
        rate = self.number(case.rate, case.place)
        piece.row = self.row
        before = piece.value.rounded
        piece.value = Amount(piece.value.rounded * piece.length * rate, piece.value.exact * piece.length * rate)
        if self.tell:
            earlier = step.cases[: step.cases.index(case)]
            passed = tuple((one, reasons(self, one.when)) for one in earlier if one.when is not None)
            self.told.append(Priced(self.at, step, before, piece.length, rate, piece.value.rounded, case, passed))

    def _beyond(self, step: ops.Beyond, piece: Piece) -> None:
        self._at(piece)
        if not piece.value.rounded:
            return
        before = piece.value.rounded
        left = take_from(self, step.allowance, before * piece.length)
        if piece.length != 1 and piece.length:
            left /= piece.length
        piece.value = Amount(left, left)

    def _minimum(self, price: Price, line: Line, index: int, step: ops.AtLeast, piece: Piece) -> None:
        """Keeps the period's total; what it falls short of is charged at the period's end (R6)."""
        assert step.each is not None
        start, _, name = self.period(step.each)
        apart = tuple(self.value(one, step.place) for one in step.each.apart)
        key: Key = (self.record.account, self.engine.price_names[id(price)], line.label, index, start, apart)
        made = self.minimums.get(key)
        if made is None:
            made = Minimum(self.record.account, price, line, index, start, name, piece.at, [ZERO, ZERO], apart)
            self.minimums[key] = made
        made.totals = [made.totals[0] + piece.value.rounded, made.totals[1] + piece.value.exact]
        made.at = max(made.at, piece.at)
        if self.tell:
            self.told.append(Later(piece.at, step, name))

    def share_of_period(self, step: ops.AtLeast, start: Fraction) -> Fraction:
        """The share of a period from signup on (R28); the whole where the signup is not known or lies before."""
        assert step.each is not None
        self.at = start
        first, stop, _ = self.period(step.each)
        if self.account.signup is None or self.account.signup <= first:
            return ONE
        day = period_of(self.account.signup, "day", step.each.zone, self.program.bill, None)[0]
        days = round((stop - max(first, day)) / 86400)
        whole = round((stop - first) / 86400)
        return Fraction(max(0, days), max(1, whole))

    def total_key(self, each: ops.Period, key: Key, place: Place) -> Key:
        start, _, _ = self.period(each)
        apart = tuple(self.value(one, place) for one in each.apart)
        return (self.record.account, *key, start, apart)

    def totals(self, key: Key) -> tuple[Fraction, Fraction]:
        return self.moved.get(key) or self.counts.totals.get(key) or (ZERO, ZERO)

    def counted(self, step: ops.Step, value: Amount, each: ops.Period, key: Key) -> Amount:
        """A step on the period's running total: the record gets the increase (R1)."""
        if not value.rounded and not value.exact:
            return value
        total_key = self.total_key(each, key, step.place)
        before = self.totals(total_key)
        after = (before[0] + value.rounded, before[1] + value.exact)
        self.moved[total_key] = after
        mark = len(self.told)
        old = self.money_step(step, Amount(*before))
        new = self.money_step(step, Amount(*after))
        result = Amount(new.rounded - old.rounded, new.exact - old.exact)
        if self.tell:
            del self.told[mark:]
            by = figure_of(self, step)
            name = self.period(each)[2]
            apart = tuple(self.value(one, step.place) for one in each.apart)
            told = CountedStep(self.at, step, by, value.rounded, result.rounded, before[0], after[0], name, apart)
            self.told.append(told)
        return result

    def counted_money(self, step: ops.Step, value: Amount, key: Key) -> Amount:
        each = getattr(step, "each", None)
        if each is not None:
            return self.counted(step, value, each, key)
        return self.money_step(step, value)

    def money_step(self, step: ops.Step, value: Amount, told_at: Fraction | None = None) -> Amount:
        """One step on one figure, both as rounded and as exact. Nothing stays nothing (R8)."""
        before = value.rounded
        self.exactly = False
        rounded = self.one(step, value.rounded, True) if value.rounded else ZERO
        self.exactly = True
        try:
            exact = self.one(step, value.exact, False) if value.exact else ZERO
        finally:
            self.exactly = False
        if self.tell and rounded != before:
            at = self.at if told_at is None else told_at
            self.told.append(Stepped(at, step, figure_of(self, step), before, rounded))
        return Amount(rounded, exact)

    def _tiers(self, step: ops.Tiers, piece: Piece, key: Key, earlier: Amount, whole: Amount) -> None:
        """Tiers on a piece: after what the period has counted, or after the record's earlier pieces of `whole`."""
        self._at(piece)
        quantity = piece.value.rounded * piece.length
        exact = piece.value.exact * piece.length
        if not self.applies(step):
            piece.value, piece.quantity = Amount(ZERO, ZERO), ZERO
            return
        if not quantity and not exact:
            piece.value = Amount(ZERO, ZERO)
            return
        before = (earlier.rounded, earlier.exact)
        if step.each is not None:
            total_key = self.total_key(step.each, key, step.place)
            before = self.totals(total_key)
            self.moved[total_key] = (before[0] + quantity, before[1] + exact)
        reached = Reached(self, step)
        rounded = self._between(step, reached, before[0], before[0] + quantity, whole.rounded)
        piece.row = reached.row
        parts = tuple(reached.parts) if self.tell else ()
        same = (quantity, before[0], whole.rounded) == (exact, before[1], whole.exact)
        exactly = rounded if same else self._between(step, reached, before[1], before[1] + exact, whole.exact)
        if self.tell:
            credit = sum((one.units * one.rate + one.flat for one in parts), ZERO) - rounded
            name = self.period(step.each)[2] if step.each is not None else ""
            apart = tuple(self.value(one, step.place) for one in step.each.apart) if step.each is not None else ()
            self.told.append(Banded(piece.at, step, quantity, parts, credit, rounded, before[0], name, apart))
        piece.value = Amount(rounded, exactly)

    def _between(
        self, step: ops.Tiers, reached: Reached, before: Fraction, after: Fraction, whole: Fraction
    ) -> Fraction:
        if step.graduated:
            return graduated(reached, before, after)
        if step.each is not None:
            return volume(reached, before, after)
        return volume_of_record(reached, before, after, whole)


def minimum_names(program: Program) -> dict[Place, str]:
    """What each minimum of a period is called in ids: its line, with the usage where two usages share the label."""
    found = [
        (label, price.usage, step.place)
        for price in program.prices
        for label, steps in (*((line.label, line.steps) for line in price.lines), ("together", price.together))
        for step in steps
        if isinstance(step, ops.AtLeast) and step.each is not None
    ]
    labels = Counter(label for label, _, _ in found)
    both = Counter((label, usage) for label, usage, _ in found)
    return {
        place: label
        if labels[label] == 1
        else f"{usage}.{label}"
        if both[label, usage] == 1
        else f"{usage}.{label}@{place.line}"
        for label, usage, place in found
    }


def _part(value: object) -> str:
    """A part of such an id; what is not given is empty."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else shown(value) if isinstance(value, bool | Fraction) else str(value)
    return text.replace("%", "%25").replace("/", "%2F")


def name_of(step: ops.Step) -> str:
    """The name of a `together` step as a line of the charge."""
    match step:
        case ops.AtLeast():
            return "minimum"
        case ops.AtMost():
            return "maximum"
        case ops.Adjust():
            return step.name or ("surcharge" if step.sign > 0 else "discount")
    return "rounding"


def _told_of(told: list[Told]) -> dict[Fraction, list[Told]]:
    """What was told of each piece, by its instant; cells go with what they were looked up for."""
    found: dict[Fraction, list[Told]] = {}
    looked: list[Told] = []
    for one in told:
        looked.append(one)
        if not isinstance(one, Looked):
            found.setdefault(one.at, []).extend(looked)
            looked = []
    return found

"""A program made ready for accounts: its engine, its policy, and how account figures are read at an instant."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pricelang.account.floors import floors
from pricelang.account.reach import attributes_of
from pricelang.account.reach import beneath
from pricelang.account.reach import fields_of
from pricelang.account.state import State
from pricelang.core import ops
from pricelang.core.policy import Length
from pricelang.core.policy import Limit
from pricelang.core.policy import Spend
from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.core.program import Unlimited
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.compiled import Compiled
from pricelang.engine.counts import Counts
from pricelang.engine.counts import period_of
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import value_reader
from pricelang.engine.lookup import Value
from pricelang.engine.record import Engine
from pricelang.engine.record import Pricing
from pricelang.engine.stream import counts_over_time
from pricelang.period import add_duration
from pricelang.period import period_name
from pricelang.source import Place

ZERO = Fraction(0)
DEFAULT_ORDER = ("promotional first", "soonest to expire", "oldest")
DEFAULT_RESERVATION = Fraction(900)
WITHOUT_END = Fraction(10) ** 60
NO_COUNTS = Counts()


class Terms:
    """What accounts of one program need, prepared once. Holds no account."""

    def __init__(self, program: Program, compiled: bool = True, fingerprint: str = "") -> None:
        self.program = program
        self.fingerprint = fingerprint
        self.policy = program.policy
        self.engine = Engine(program)
        self.compiled = Compiled(self.engine) if compiled else None
        self.intake = Intake(program)
        self.readers = {one.name: value_reader(one) for one in program.account}
        self.counting = counts_over_time(program)
        self.counts_in = {usage: self._counts(usage) for usage in program.usages}
        self.priced_by = {name: fields_of(program, name) for name, one in program.usages.items() if one.is_resource}
        self.priced_attributes = attributes_of(program)
        self.drawn_by_running = {
            one.allowance
            for price in program.prices
            if price.usage in self.priced_by
            for one in beneath(program, price)
            if isinstance(one, ops.Beyond)
        }
        self.order = (self.policy.funds.order if self.policy.funds else ()) or DEFAULT_ORDER
        self.takes_funds = self.policy.takes_funds
        self.spend_limits = tuple(limit for limit in self.policy.limits if isinstance(limit.question.measure, Spend))
        self.money_limits = frozenset(limit.name for limit in self.spend_limits)
        self.asked = {usage: self._asked(usage) for usage in program.usages}
        self.alerting = tuple(limit for limit in self.policy.limits if limit.alert is not None)
        self.suspending = tuple(limit for limit in self.policy.limits if limit.suspensions)
        self.floors = floors(self.engine)
        self.finishes = bool(self.policy.finish) or program.round_bill is not None

    def _counts(self, usage: str) -> bool:
        """Whether what one record of a usage costs depends on those before."""
        steps = [
            step
            for price in self.program.prices
            if price.usage == usage
            for step in (*price.together, *(step for line in price.lines for step in line.steps))
        ]
        return any(isinstance(step, ops.Beyond) or getattr(step, "each", None) is not None for step in steps)

    def price_names(self, usage: str) -> list[str]:
        """The names under which the prices of a usage count."""
        return [self.engine.price_names[id(price)] for price in self.engine.prices.get(usage, ())]

    def _asked(self, usage: str) -> tuple[Limit, ...]:
        """The limits that can refuse a usage, in the order written."""
        return tuple(
            limit
            for limit in self.policy.limits
            if any(one.usages is None or usage in one.usages for one in limit.refusals)
        )

    def pays(self, usage: str) -> bool:
        """Whether a usage is paid from the balance; what is not goes on the bill."""
        if not self.takes_funds:
            return False
        funds = self.policy.funds
        return funds is None or funds.pays is None or usage in funds.pays

    @property
    def reservation_seconds(self) -> int | None:
        """How long a reservation lasts, where that is the same for all and whole; else None."""
        rule = self.policy.funds
        if rule is None or rule.reservations is None:
            return int(DEFAULT_RESERVATION)
        length = rule.reservations
        if not isinstance(length.of, ops.Const) or length.unit != "second" or length.of.value.denominator != 1:
            return None
        return int(length.of.value)

    # --- figures of an account

    def view(self, state: State) -> Account:
        """The account as prices see it."""
        return Account(state.name, state.attributes, state.signup)

    def evaluation(self, state: State, at: Fraction, record: Record | None = None) -> Evaluation:
        """What reads figures and conditions for an account at an instant, with a record if there is one."""
        if record is None:
            record = Record("", "account", at, None, state.name, {}, b"")
        made = Evaluation(self.engine, record, self.view(state), NO_COUNTS, False)
        made.at = at
        return made

    def amount(self, expr: ops.Expr, state: State, at: Fraction, place: Place) -> Fraction | None:
        """An amount of the account's; None where an attribute it needs is not given."""
        try:
            value = self.evaluation(state, at).value(expr, place)
        except RecordError as error:
            if self.not_given(error):
                return None
            raise
        if value is None or isinstance(value, Unlimited):
            return None
        return value if isinstance(value, Fraction) else None

    def not_given(self, error: RecordError) -> bool:
        """Whether a figure is missing because the account has no such field, as one without a plan."""
        return error.code in ("missing-attribute", "missing-field") and error.field in self.readers

    def later(self, at: Fraction, length: Length, state: State, place: Place) -> Fraction:
        """The instant that lies a length of time after another."""
        return self._away(at, length, state, place, 1)

    def before(self, at: Fraction, length: Length, state: State, place: Place) -> Fraction:
        """The instant that lies a length of time before another, days and months counted back on the calendar."""
        return self._away(at, length, state, place, -1)

    def _away(self, at: Fraction, length: Length, state: State, place: Place, sign: int) -> Fraction:
        size = sign * self.evaluation(state, at).number(length.of, place)
        try:
            if length.unit == "month" and size.denominator == 1:
                return add_duration(at, size, "month", self.program.zone)
            if length.unit == "month":
                return at + size * 730 * 3600
            days = size / 86400
            if length.unit == "day" and days.denominator == 1:
                return add_duration(at, days, "day", self.program.zone)
            return at + size
        except (ValueError, OverflowError) as error:
            raise RecordError("bad-time", "at", f"the time lies too near the end of the calendar: {error}") from None

    def period(self, each: ops.Period, state: State, at: Fraction, signup: bool = False) -> tuple[Fraction, Fraction]:
        """The period an instant lies in."""
        if signup and each.unit in ("month", "quarter", "year"):
            start, stop, _ = period_of(at, "bill", each.zone, f"{each.unit} from signup", state.signup)
            return start, stop
        start, stop, _ = period_of(at, each.unit, each.zone, self.program.bill, state.signup)
        return start, stop

    def period_name(self, each: ops.Period, start: Fraction, signup: bool = False) -> str:
        unit = each.unit if each.unit != "bill" else self.program.bill.split()[0]
        anchored = signup or (each.unit == "bill" and "signup" in self.program.bill)
        return period_name(start, "day" if anchored else unit, each.zone)

    def bill_period(self, state: State, at: Fraction) -> tuple[Fraction, Fraction]:
        """The billing period an instant lies in."""
        return self.period(ops.Period("bill", self.program.zone), state, at)

    # --- prices

    def price(
        self, record: Record, state: State, attributes: dict[str, Value] | None = None
    ) -> tuple[Charge, Pricing | None]:
        """The charge of a record, and what is to be committed if it stands. Raises RecordError.

        `attributes` are those that held when it was authorized, where the account has others now.
        """
        account = self.view(state) if attributes is None else Account(state.name, attributes, state.signup)
        if not self.counts_in[record.type]:
            if self.compiled is not None:
                return self.compiled.rate(record, account), None
            return self.engine.rate(record, account, Counts()), None
        pricing = Pricing(self.engine, record, account, state.counts, False)
        return pricing.charge(), pricing

    def price_part(self, record: Record, state: State, labels: frozenset[str]) -> Charge:
        """What some lines of a price charge, counted at once. Raises RecordError."""
        pricing = _Part(self.engine, record, self.view(state), state.counts, labels)
        charge = pricing.charge()
        pricing.commit()
        return charge

    # --- attributes

    def attributes(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Attributes as sent, read; null takes one away."""
        found: dict[str, Value] = {}
        for key, raw in given.items():
            found[key] = None if raw is None else self.attribute(key)(raw)
        return found

    def attribute(self, key: str) -> Callable[[object], Value]:
        """How an attribute is read: a field of the account, or `TABLE.COLUMN` for a `custom` cell."""
        reader = self.readers.get(key)
        if reader is not None:
            return reader
        table, _, column = key.partition(".")
        known = self.program.tables.get(table)
        if known is None or column not in known.columns:
            raise RecordError("unknown-field", key, f"the account has no field `{key}`")
        kind = known.columns[column]
        if kind.kind in ("text", "date"):
            return str
        return value_reader(Input(key, FieldType("number", (), kind.factor, kind.unit)))


class _Part(Pricing):
    """Only some lines of a price; what finishes them together is done where none is left out."""

    def __init__(
        self, engine: Engine, record: Record, account: Account, counts: Counts, labels: frozenset[str]
    ) -> None:
        super().__init__(engine, record, account, counts, False)
        self.labels = labels

    def price(self) -> Price:
        whole = super().price()
        lines = tuple(line for line in whole.lines if line.label in self.labels)
        if len(lines) == len(whole.lines):
            return whole
        made = replace(whole, lines=lines, together=())
        self.part = made  # kept, so that nothing else gets its identity
        self.engine.price_names[id(made)] = self.engine.price_names[id(whole)]
        return made

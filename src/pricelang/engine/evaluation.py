"""One record being read: the figures, cells and conditions that its prices ask for, and what a step makes of one."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Custom
from pricelang.core.program import Line
from pricelang.core.program import NotOffered
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.core.program import UsageType
from pricelang.engine.account import Account
from pricelang.engine.charge import ChargeLine
from pricelang.engine.counts import Counts
from pricelang.engine.counts import Key
from pricelang.engine.counts import Minimum
from pricelang.engine.counts import Wallet
from pricelang.engine.counts import period_of
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.lookup import Rows
from pricelang.engine.lookup import Value
from pricelang.engine.lookup import like
from pricelang.engine.lookup import shown
from pricelang.engine.pieces import Amount
from pricelang.engine.told import Began
from pricelang.engine.told import Fed
from pricelang.engine.told import Looked
from pricelang.engine.told import Passed
from pricelang.engine.told import Told
from pricelang.engine.told import reasons
from pricelang.engine.told import values_in
from pricelang.light import assert_never
from pricelang.number import round_to
from pricelang.period import in_window
from pricelang.source import Place

ZERO = Fraction(0)
ONE = Fraction(1)
NO_USAGE = UsageType("account", "", False, (), (), (), Place("", 1))
"""What an account is asked about that is about no record."""
NOTHING: dict[str, ops.Expr] = {}


class Ready:
    """A program made ready for reading records: its rows indexed, its defaults at hand."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows = {name: Rows(table) for name, table in program.tables.items()}
        self.defaults = {one.name: one.default for one in program.account if one.default is not None}
        self.optional = {one.name for one in program.account if one.optional}
        self.edges: dict[int, tuple[set[Fraction], set[str]]] = {}
        self.computed = {name: {one.name: one.of for one in usage.computed} for name, usage in program.usages.items()}


class Evaluation:
    """One record and its account, at one instant; the instant moves where a resource is priced in pieces."""

    def __init__(self, ready: Ready, record: Record, account: Account, counts: Counts, tell: bool) -> None:
        self.ready = ready
        self.program = ready.program
        self.record = record
        self.account = account
        self.counts = counts
        self.usage: UsageType = ready.program.usages.get(record.type) or NO_USAGE
        self.at = record.at
        self.lines: dict[str, Amount] = {}
        self.lenient = False  # quantities are read, where one that is not given is none
        self.exactly = False  # lines are read as they were before rounding
        self.row: Place | None = None
        self.tell = tell
        self.told: list[Told] = []
        self.fed: dict[str, Fed] = {}
        self.left_out: list[ChargeLine] = []
        self.moved: dict[Key, tuple[Fraction, Fraction]] = {}
        self.minimums: dict[Key, Minimum] = {}
        self.wallets: dict[Key, Wallet] = {}

    def value(self, expr: ops.Expr, place: Place) -> Value:
        """What an expression comes to: a number in base units, a text, a truth value, or None where not given."""
        match expr:
            case ops.Const():
                return expr.value
            case ops.Field():
                return self.field(expr.name)
            case ops.Attribute():
                return self.attribute(expr.name)
            case ops.Cell():
                return self.cell(expr.table, expr.column)
            case ops.LineValue():
                amount = self.lines.get(expr.label)
                if amount is None:
                    return ZERO
                return amount.exact if self.exactly else amount.rounded
            case ops.Sum():
                return sum((sign * self.number(term, place) for sign, term in expr.terms), ZERO)
            case ops.Product():
                product = ONE
                for factor in expr.factors:
                    product *= self.number(factor, place)
                return product
            case ops.Quotient():
                under = self.number(expr.under, place)
                if under == 0:
                    raise RecordError("division-by-zero", None, f"a division by zero in line {place}")
                return self.number(expr.over, place) / under
        return assert_never(expr)

    def number(self, expr: ops.Expr, place: Place) -> Fraction:
        """A number that must be there."""
        value = self.value(expr, place)
        if isinstance(value, Fraction):
            return value
        if isinstance(expr, ops.Attribute):
            raise RecordError(
                "missing-attribute", expr.name, f"the account has no {expr.name}, and its price needs one"
            )
        if isinstance(value, Unlimited):
            raise RecordError("not-offered", None, f"the figure in line {place} is unlimited, and no price")
        if isinstance(expr, ops.Field) and value is None and self.lenient:
            return ZERO  # an optional quantity that is not given is no quantity (R23)
        if isinstance(expr, ops.Field):
            raise RecordError("missing-field", expr.name, f"{expr.name} is not given, and the price needs it")
        raise RecordError("wrong-type", None, f"the figure in line {place} is no number")

    def field(self, name: str) -> Value:
        computed = self.ready.computed.get(self.usage.name, NOTHING).get(name)
        if computed is not None:
            return self.value(computed, self.usage.place)
        if name == "id":
            return self.record.id
        if name == "duration" and self.usage.is_resource and self.record.stopped is not None:
            return self.record.stopped - self.record.at
        return self.record.values.get(name)

    def attribute(self, name: str) -> Value:
        value = self.account.values.get(name)
        if value is None:
            value = self.ready.defaults.get(name)
        if value is None and name not in self.ready.optional:
            raise RecordError("missing-attribute", name, f"the account `{self.account.name}` has no {name}")
        return value

    def keys(self, table: Table, but: int | None = None) -> list[Value]:
        found: list[Value] = []
        for index, key in enumerate(table.keys):
            if index == but or key.of is None:
                found.append(None)
                continue
            value = self.value(key.of, table.place)
            if value is None:
                raise RecordError(
                    "missing-field", key.name, f"{key.name} is not given, and the table `{table.name}` needs it"
                )
            found.append(value)
        return found

    def cell(self, name: str, column: str) -> Value:
        """The value in force of a cell, in the one row that fits."""
        table = self.program.tables[name]
        values = self.keys(table)
        rows = self.ready.rows[name].find(values)
        if not rows:
            raise self.ready.rows[name].no_row(values)
        if len(rows) > 1:
            lines = ", ".join(str(table.rows[row].place.line) for row in rows)
            shown_keys = " and ".join(shown(value) for value in values)
            raise RecordError(
                "two-rows", table.keys[0].name, f"rows {lines} of the table `{name}` all fit {shown_keys}"
            )
        return self.cell_of_row(table, rows[0], column)

    def cell_of_row(self, table: Table, row: int, column: str, shares: int = 0) -> Value:
        """The topmost layer in force that names the cell gives it (R18)."""
        passed: list[Passed] = []
        for layer in table.layers:
            given = layer.cells.get((row, column))
            if given is None:
                continue
            if layer.when is not None and not self.holds(layer.when):
                if self.tell:
                    passed.append(Passed(layer, *given, reasons(self, layer.when)))
                continue
            value, place = given
            if not shares:
                self.row = place
            if self.tell:
                came = self.custom(table, column) if isinstance(value, Custom) else value
                came = came if isinstance(came, Fraction | str) else None
                self.told.append(Looked(table, column, row, table.rows[row], layer, value, came, place, tuple(passed)))
            match value:
                case NotOffered():
                    said = table.rows[row].shown
                    raise RecordError(
                        "not-offered", column, f"{column} is not offered for {said or table.name} ({place})"
                    )
                case Custom():
                    return self.custom(table, column)
                case Share():
                    of = self.cell_of_row(table, row, value.column, shares + 1)
                    return of * value.share if isinstance(of, Fraction) else of
            return value
        said = table.rows[row].shown or table.name
        raise RecordError("no-price-in-force", column, f"no {column} of {said} is in force at this time")

    def custom(self, table: Table, column: str) -> Value:
        name = f"{table.name}.{column}"
        value = self.account.values.get(name)
        if value is None:
            raise RecordError(
                "missing-attribute", name, f"the {column} is the account's own, and the account has no `{name}`"
            )
        return value

    def met(self, when: ops.Cond | None) -> bool:
        return when is None or self.holds(when)

    def holds(self, cond: ops.Cond) -> bool:
        """Whether a condition is met at the instant at hand. What is not given meets none but `is not given` (R23)."""
        place = self.usage.place
        match cond:
            case ops.IsOneOf():
                value = self.value(cond.of, place)
                return value is not None and any(type(one) is type(value) and one == value for one in cond.values)
            case ops.IsLike():
                value = self.value(cond.of, place)
                return isinstance(value, str) and like(cond.pattern, value)
            case ops.IsGiven():
                return self.value(cond.of, place) is not None
            case ops.Compare():
                left, right = self.value(cond.left, place), self.value(cond.right, place)
                if not isinstance(left, Fraction) or not isinstance(right, Fraction):
                    return False
                match cond.op:
                    case "<":
                        return left < right
                    case "<=":
                        return left <= right
                    case ">":
                        return left > right
                return left >= right
            case ops.During():
                hours = self.program.hours[cond.hours]
                return in_window(self.at, hours.windows, hours.zone)
            case ops.InForce():
                return (cond.start is None or self.at >= cond.start) and (cond.stop is None or self.at < cond.stop)
            case ops.NewCustomer():
                return self.account.signup is not None and self.account.signup >= cond.since
            case ops.Not():
                return not self.holds(cond.of)
            case ops.All():
                return all(self.holds(one) for one in cond.of)
            case ops.AnyOf():
                return any(self.holds(one) for one in cond.of)
        return assert_never(cond)

    def period(self, each: ops.Period) -> tuple[Fraction, Fraction, str]:
        return period_of(self.at, each.unit, each.zone, self.program.bill, self.account.signup)

    def start(self, line: Line) -> Amount:
        """What a line begins with."""
        self.row = None
        self.exactly = False
        self.lenient = True
        rounded = self.number(line.of, line.place)
        self.exactly = True
        try:
            exact = self.number(line.of, line.place)
        finally:
            self.exactly = self.lenient = False
        if line.is_quantity:
            rounded, exact = max(rounded, ZERO), max(exact, ZERO)
        if self.tell:
            values = values_in(self, line.of, line.place)
            fed = [self.fed.get(of.label) for of, _ in values if isinstance(of, ops.LineValue)]
            self.told.append(Began(self.at, rounded, values, tuple(one for one in fed if one is not None)))
        return Amount(rounded, exact)

    def one(self, step: ops.Step, value: Fraction, rounding: bool) -> Fraction:
        """What a step makes of a figure."""
        match step:
            case ops.AtLeast():
                return max(value, self.number(step.bound, step.place))
            case ops.AtMost():
                bound = self.value(step.bound, step.place)
                if isinstance(bound, Unlimited):
                    return value
                return min(value, self.number(step.bound, step.place))
            case ops.RoundUp():
                size = self.size(step.size, step.place)
                return -(-value // size) * size
            case ops.Packages():
                return Fraction(-(-value // self.size(step.size, step.place)))
            case ops.Adjust():
                by = self.number(step.by, step.place)
                after = value + step.sign * (value * by if step.share else by)
                return max(after, ZERO) if step.of_quantity else after
            case ops.Round():
                return self.rounded(step, value) if rounding else value
        raise AssertionError(step)

    def size(self, expr: ops.Expr, place: Place) -> Fraction:
        size = self.number(expr, place)
        if size <= 0:
            raise RecordError("not-a-number", None, f"the size of a step or package in line {place} is not above zero")
        return size

    def rounded(self, step: ops.Round, value: Fraction) -> Fraction:
        return round_to(value, step.size, step.mode)

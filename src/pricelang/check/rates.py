"""What stands at a point of a line, and what a quantity at a rate comes to."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.scope import Scope
from pricelang.check.scope import Typed
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import PLAIN
from pricelang.units import Unit
from pricelang.units import is_money


@dataclass(slots=True)
class State:
    """What stands at a point of a line: a quantity or money, its unit, and how it came there."""

    unit: Unit
    priced: bool  # it is money, or came out of `at`
    resource: bool = False
    by_time: str | None = None
    has_time: bool = False  # the quantity is (a multiple of) the running time
    counted: bool = False  # a step above counts over a period
    volume: bool = False
    apart: tuple[ops.Expr, ...] = ()  # what all counts above keep apart
    minimum: bool = False  # a step above is a minimum that the end of a period charges
    packages: bool = False
    time_wanted: str | None = None  # an allowance of a resource is of size by this time
    counted_in: Unit = PLAIN  # the unit of the quantity when it was priced


def by_time_of(unit: Unit, size: Unit) -> str | None:
    """The time by which a unit counts a resource's size: `second` for GB-hours, `month` for GB-months."""
    for base in ("second", "month"):
        if unit.dims == (size * Unit(((base, 1),))).dims:
            return base
    return None


def price(rate: Typed, place: Place, state: State, scope: Scope) -> Unit | None:
    """What a quantity at a rate comes to; a rate of another unit is a finding."""
    if rate.type.kind != "number":
        scope.findings.add(
            codes.WRONG_KIND,
            place,
            what="this",
            kind=str(rate.type),
            expected="a rate",
            advice="write a rate such as `$5 per 1M tokens`",
        )
        return None
    if rate.type.zero:
        return scope.money
    per = state.unit.name or "one"
    if rate.type.bare or not rate.type.unit.dims:
        if is_money(state.unit.dims) and rate.type.percent:
            return state.unit
        if state.unit.dims:
            scope.findings.add(codes.BARE_RATE, place, like=f"$5 per {per}")
            return None
    unit = state.unit * rate.type.unit
    if state.resource:
        powers = dict(unit.dims)
        if is_money(_without_time(unit)):
            by_time = next((base for base in ("month", "second") if powers.get(base, 0) == -1), None)
            if by_time is None and state.has_time and "second" not in powers:
                by_time = "second"
            if by_time is not None and state.by_time not in (None, by_time):
                left, right = "rates per month", "rates per hour"
                scope.findings.add(codes.UNIT_MIX, place, "write all of them per one time", left=left, right=right)
                return None
            if by_time is not None:
                state.by_time = by_time
                return Unit(_without_time(unit)) if "month" in powers or "second" in powers else unit
            if not state.has_time:
                scope.findings.add(
                    codes.NO_TIME,
                    place,
                    what="a resource",
                    advice="write a rate per time" + (f", such as `$5 per {per}-hour`" if per.isalpha() else ""),
                )
                return None
    if is_money(unit.dims):
        return unit
    if is_money(rate.type.unit.dims) and state.unit.dims:
        scope.findings.add(
            codes.NOT_A_RATE,
            place,
            f"write what the amount is per, such as `$5 per {per}`",
            quantity=state.unit.plural,
            rate="an amount that is per nothing",
        )
        return None
    if any(base == (scope.currency or "USD") for base, _ in rate.type.unit.dims) or not _declared(unit):
        expected = state.unit.name or "unit"
        scope.findings.add(codes.NOT_A_RATE, place, quantity=state.unit.plural, rate=str(rate.type), expected=expected)
        return None
    return Unit(unit.dims, Fraction(1), unit.dims[0][0])


def _without_time(unit: Unit) -> tuple[tuple[str, int], ...]:
    return tuple((base, power) for base, power in unit.dims if base not in ("second", "month"))


def _declared(unit: Unit) -> bool:
    """A line may come to a declared unit (credits that feed another line): one base unit, once."""
    return len(unit.dims) == 1 and unit.dims[0][1] == 1


def not_priced_yet(step: n.StepDecl, state: State, scope: Scope) -> bool:
    state.counted_in = state.unit
    if state.priced:
        scope.findings.add(codes.PRICED_TWICE, step.place)
        return False
    return True


def asks_record(when: ops.Cond, apart: tuple[ops.Expr, ...] = ()) -> bool:
    """Whether a condition can differ between the records of one count; `apart` is what the count keeps apart."""
    match when:
        case ops.Not():
            return asks_record(when.of, apart)
        case ops.All() | ops.AnyOf():
            return any(asks_record(one, apart) for one in when.of)
        case ops.During():
            return True
        case ops.InForce() | ops.NewCustomer():
            return False
        case ops.Compare():
            return not isinstance(when.left, ops.Attribute) and when.left not in apart
    return not isinstance(when.of, ops.Attribute) and when.of not in apart


def asks_time(when: ops.Cond) -> bool:
    """Whether a condition can change while a resource runs."""
    match when:
        case ops.During() | ops.InForce():
            return True
        case ops.Not():
            return asks_time(when.of)
        case ops.All() | ops.AnyOf():
            return any(asks_time(one) for one in when.of)
    return False

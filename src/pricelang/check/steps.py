"""Steps of a line: each checked against what the one above left, and turned into the core's operation."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.bands import Edges
from pricelang.check.bands import check_bands
from pricelang.check.bands import meet
from pricelang.check.bands import shown_edges
from pricelang.check.conditions import condition
from pricelang.check.conditions import exclude_each_other
from pricelang.check.conditions import implies
from pricelang.check.figures import adapt
from pricelang.check.figures import constant
from pricelang.check.figures import figure
from pricelang.check.header import period_word
from pricelang.check.header import rounding
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import Typed
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.period import known_zone
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import PACKAGE
from pricelang.units import PLAIN
from pricelang.units import SECOND
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
    minimum: bool = False  # a step above is a minimum that the end of a period charges
    packages: bool = False
    time_wanted: str | None = None  # an allowance of a resource is of size by this time
    counted_in: Unit = PLAIN  # the unit of the quantity when it was priced


def lower_steps(steps: tuple[n.StepDecl, ...], state: State, scope: Scope) -> tuple[ops.Step, ...] | None:
    """The core's steps for those written; `state` is left as the line ends. None where a finding says why not."""
    found: list[ops.Step] = []
    good = True
    for step in steps:
        made = _step(step, state, scope)
        if made is None:
            good = False
            if step.word in ("at", "at cases", "graduated", "volume"):
                state.priced, state.unit = True, scope.money  # so that one mistake is one finding
            continue
        found.append(made)
        if step.each is not None:
            state.counted = True
    return tuple(found) if good else None


def _step(step: n.StepDecl, state: State, scope: Scope) -> ops.Step | None:
    when: ops.Cond | None = None
    if step.when is not None:
        when = condition(step.when, scope)
        if when is None:
            return None
        if state.counted and _asks_record(when):
            scope.findings.add(codes.COUNT_THEN_CONDITION, step.place)
    each: ops.Period | None = None
    if step.each is not None:
        each = period(step.each, scope)
        if each is None:
            return None
    if state.minimum and (step.word not in ("less", "plus", "rounded") or (when is not None and _asks_record(when))):
        scope.findings.add(codes.STEP_ORDER, step.place, what="at the period's end there is no record that this could ask",
                           advice="put it above the minimum of the period")  # fmt: skip
        return None
    match step.word:
        case "in steps of" | "in packages of":
            return _sized(step, state, scope, when, each)
        case "beyond":
            return _beyond(step, state, scope)
        case "at least" | "at most":
            return _bound(step, state, scope, when, each)
        case "at":
            return _at(step, state, scope, when)
        case "at cases":
            return _cases(step, state, scope, when)
        case "graduated" | "volume":
            return _tiers(step, state, scope, when, each)
        case "less" | "plus":
            return _adjust(step, state, scope, when)
    return _rounded(step, state, scope, when)


def _asks_record(when: ops.Cond) -> bool:
    match when:
        case ops.Not():
            return _asks_record(when.of)
        case ops.All() | ops.AnyOf():
            return any(_asks_record(one) for one in when.of)
        case ops.During():
            return True
        case ops.InForce() | ops.NewCustomer():
            return False
        case ops.Compare():
            return not isinstance(when.left, ops.Attribute)
    return not isinstance(when.of, ops.Attribute)


def period(spec: n.EachSpec, scope: Scope) -> ops.Period | None:
    """The period that `each` names, with what is counted apart."""
    unit = period_word(spec.period, scope)
    zone = spec.zone or scope.zone
    if not known_zone(zone):
        scope.findings.add(codes.UNKNOWN_ZONE, spec.place, name=zone)
        return None
    apart = [figure(one, scope) for one in spec.apart]
    if unit is None or any(one is None for one in apart):
        return None
    return ops.Period(unit, zone, tuple(one.expr for one in apart if one is not None))


def _sized(
    step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None, each: ops.Period | None
) -> ops.Step | None:
    assert step.amount is not None
    if state.priced:
        scope.findings.add(codes.STEP_ORDER, step.place, what=f"`{step.word}` counts a quantity, and stands below its price",
                           advice="put it above `at`")  # fmt: skip
        return None
    if each is not None and state.resource:
        scope.findings.add(codes.STEP_ORDER, step.place, what="what a resource uses is not rounded up over a period",
                           advice="leave out `each`, or send what it used as a usage")  # fmt: skip
        return None
    typed = figure(step.amount, scope)
    if typed is None:
        return None
    moves_end = state.resource and typed.type.unit.dims == SECOND.dims and state.unit.dims != SECOND.dims
    moves_end = moves_end or (state.resource and state.has_time and typed.type.unit.dims == SECOND.dims)
    adapted = typed if moves_end else adapt(typed, state.unit, step.amount.place, scope)
    if adapted is None:
        return None
    if isinstance(adapted.expr, ops.Const) and adapted.expr.value <= 0:
        scope.findings.add(codes.ZERO_SIZE, step.place, what="step" if step.word == "in steps of" else "package")
        state.unit = state.unit if step.word == "in steps of" else PACKAGE
        return None
    if step.word == "in steps of":
        return ops.RoundUp(adapted.expr, each, when, step.place, moves_end)
    if state.resource and state.has_time:
        scope.findings.add(codes.STEP_ORDER, step.place, what="running time is not sold in packages",
                           advice="write `in steps of`, or `every started hour`")  # fmt: skip
        return None
    state.unit, state.packages = PACKAGE, True
    return ops.Packages(adapted.expr, each, when, step.place)


def _beyond(step: n.StepDecl, state: State, scope: Scope) -> ops.Step | None:
    assert isinstance(step.amount, n.Name)
    name = step.amount.text
    allowance = scope.allowances.get(name)
    if allowance is None and name in scope.allowance_names:
        return None  # it is declared, and what is wrong with it is said there
    if allowance is None:
        scope.unknown("allowance", name, step.amount.place, scope.allowances)
        return None
    if state.priced:
        scope.findings.add(codes.STEP_ORDER, step.place, what="an allowance covers a quantity, and stands below its price",
                           advice="put it above `at`")  # fmt: skip
        return None
    unit = scope.allowance_units.get(name)
    if unit is not None and state.resource and not state.has_time:
        state.time_wanted = by_time_of(unit, state.unit)
        if state.time_wanted is None:
            scope.findings.add(codes.NO_TIME, step.place, what="a resource", advice="an allowance of it is of size by time"
                               ", such as `5 GB-months`")  # fmt: skip
            return None
    elif unit is not None and unit.dims != state.unit.dims:
        scope.findings.add(codes.UNIT_MIX, step.place, f"the allowance `{name}` is of {unit.plural}",
                           left=str(Type("number", state.unit)), right=str(Type("number", unit)))  # fmt: skip
        return None
    state.counted = True
    return ops.Beyond(name, step.place)


def _bound(
    step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None, each: ops.Period | None
) -> ops.Step | None:
    assert step.amount is not None
    typed = figure(step.amount, scope)
    if typed is None:
        return None
    if not state.priced and is_money(typed.type.unit.dims) and not is_money(state.unit.dims):
        scope.findings.add(codes.UNPRICED_STEP, step.place, step=f"{step.word} {_text(step.amount)}")
        return None
    moves_end = state.resource and not state.priced and typed.type.unit.dims == SECOND.dims
    adapted = typed if moves_end else adapt(typed, state.unit, step.amount.place, scope)
    if adapted is None or (each is not None and step.word == "at least" and not _known_at_end(step, adapted, scope)):
        return None
    state.minimum = state.minimum or (each is not None and step.word == "at least" and state.priced)
    if step.word == "at most":
        return ops.AtMost(adapted.expr, each, when, step.place, moves_end)
    if each is not None and not state.priced:
        state.minimum = False
        scope.findings.add(codes.EACH_MINIMUM, step.place)
        return None
    if each is None and state.volume:
        scope.findings.add(codes.TIERS_STEP_BELOW, step.place)
        return None
    return ops.AtLeast(adapted.expr, each, when, step.place, moves_end, step.prorated is not None)


def _known_at_end(step: n.StepDecl, typed: Typed, scope: Scope) -> bool:
    """Whether a figure needs no record: what the end of a period charges knows only the account."""
    assert step.amount is not None
    todo: list[ops.Expr] = [typed.expr]
    while todo:
        match todo.pop():
            case ops.Field() | ops.LineValue():
                break
            case ops.Cell(table=name):
                if any(scope.field(key) is not None for key in scope.tables[name].keys):
                    break
            case ops.Sum(terms=terms):
                todo += [term for _, term in terms]
            case ops.Product(factors=factors):
                todo += factors
            case ops.Quotient(over=over, under=under):
                todo += [over, under]
    else:
        return True
    scope.findings.add(codes.STEP_ORDER, step.amount.place, what="at the period's end there is no record that this could ask",
                       advice="take the amount from the account, or write it out")  # fmt: skip
    return False


def _text(node: n.Expr) -> str:
    return str(getattr(node, "text", "")) or "…"


def price(rate: Typed, place: Place, state: State, scope: Scope) -> Unit | None:
    """What a quantity at a rate comes to; a rate of another unit is a finding."""
    if rate.type.kind != "number":
        scope.findings.add(codes.WRONG_KIND, place, what="this", kind=str(rate.type), expected="a rate",
                           advice="write a rate such as `$5 per 1M tokens`")  # fmt: skip
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
            if powers.get("month", 0) == -1:
                state.by_time = "month"
                return Unit(_without_time(unit))
            if powers.get("second", 0) == -1:
                state.by_time = "second"
                return Unit(_without_time(unit))
            if state.has_time and "second" not in powers:
                state.by_time = "second"
                return unit
            if not state.has_time:
                scope.findings.add(codes.NO_TIME, place, what="a resource",
                                   advice=f"write a rate per time, such as `$5 per {per}-hour`")  # fmt: skip
                return None
    if is_money(unit.dims):
        return unit
    if is_money(rate.type.unit.dims) and state.unit.dims:
        scope.findings.add(codes.NOT_A_RATE, place, f"write what the amount is per, such as `$5 per {per}`",
                           quantity=state.unit.plural, rate="an amount that is per nothing")  # fmt: skip
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


def _priced(step: n.StepDecl, state: State, scope: Scope) -> bool:
    state.counted_in = state.unit
    if state.priced:
        scope.findings.add(codes.PRICED_TWICE, step.place)
        return False
    return True


def _at(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    assert step.amount is not None
    if not _priced(step, state, scope):
        return None
    rate = figure(step.amount, scope)
    if rate is None:
        return None
    unit = price(rate, step.amount.place, state, scope)
    if unit is None:
        return None
    state.unit, state.priced = unit, True
    return ops.Rate((ops.Case(None, rate.expr, step.place),), when, step.place)


def _cases(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    if not _priced(step, state, scope):
        return None
    if not step.cases:
        scope.findings.add(codes.EMPTY_CASES, step.place)
        return None
    cases: list[ops.Case] = []
    unit: Unit | None = None
    closed = False
    good = True
    for case in step.cases:
        earlier = [one.when for one in cases if one.when is not None]
        if closed or (case.when is None and good and exhaustive(earlier, scope)):
            scope.findings.add(codes.DEAD_CASE, case.place)
        asked = condition(case.when, scope) if case.when is not None else None
        if case.when is not None and asked is None:
            good = False
            continue
        if asked is not None and state.counted and _asks_record(asked):
            scope.findings.add(codes.COUNT_THEN_CONDITION, case.place)
        if asked is not None and not closed and any(implies(asked, one) for one in earlier):
            same = any(asked == one for one in earlier)
            scope.findings.add(codes.DEAD_CASE, case.place, "a case above asks the same" if same else None)
        closed = closed or case.when is None
        if case.value is None:
            cases.append(ops.Case(asked, None, case.place))
            continue
        rate = figure(case.value, scope)
        came = price(rate, case.value.place, state, scope) if rate is not None else None
        if rate is None or came is None:
            good = False
            continue
        if unit is not None and unit.dims != came.dims:
            scope.findings.add(codes.UNIT_MIX, case.place, "all cases come to one unit", left=str(Type("number", came)),
                               right=str(Type("number", unit)))  # fmt: skip
            good = False
            continue
        unit = unit if unit is not None and rate.type.zero else came
        cases.append(ops.Case(asked, rate.expr, case.place))
    if good and not closed and not exhaustive([case.when for case in cases if case.when is not None], scope):
        scope.findings.add(codes.NO_CASE_LEFT, step.place)
        good = False
    if not good or not cases:
        return None
    state.unit, state.priced = unit or scope.money, True
    return ops.Rate(tuple(cases), when, step.place)


def exhaustive(asked: list[ops.Cond], scope: Scope) -> bool:
    """Whether conditions plainly take every record: every word of one closed field, or both sides of one edge."""
    for one in asked:
        for two in asked:
            if one == ops.Not(two):
                return True
            if isinstance(one, ops.Compare) and isinstance(two, ops.Compare) and one.left == two.left:
                pairs = {one.op, two.op}
                if one.right == two.right and pairs in ({"<", ">="}, {"<=", ">"}, {"<=", ">="}):
                    return True
    values: dict[ops.Expr, set[object]] = {}
    for one in asked:
        if isinstance(one, ops.IsOneOf):
            values.setdefault(one.of, set()).update(one.values)
    for of, named in values.items():
        info = scope.field(of.name) if isinstance(of, ops.Field) else None
        if isinstance(of, ops.Attribute):
            info = scope.account.get(of.name)
        if info is not None and not info.type.optional:
            if info.type.kind == "choice" and named >= set(info.type.choices):
                return True
            if info.type.kind == "truth" and len(named) == 2:
                return True
    return False


def _tiers(
    step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None, each: ops.Period | None
) -> ops.Step | None:
    if not _priced(step, state, scope):
        return None
    made: tuple[ops.Band, ...] | ops.BandTable | None
    if step.columns:
        made = _band_table(step, state, scope)
        for band in step.bands:
            scope.findings.add(codes.OUT_OF_PLACE, band.place, what="a band", advice="the bands come from the table")
    else:
        made = _bands(step, state, scope)
    if made is None:
        return None
    state.unit, state.priced = scope.money, True
    if each is not None and step.word == "volume":
        state.volume = True
    return ops.Tiers(step.word == "graduated", made, each, when, step.place)


def by_time_of(unit: Unit, size: Unit) -> str | None:
    """The time by which a unit counts a resource's size: `second` for GB-hours, `month` for GB-months."""
    for base in ("second", "month"):
        if unit.dims == (size * Unit(((base, 1),))).dims:
            return base
    return None


def _counted_unit(step: n.StepDecl, state: State, scope: Scope) -> Unit | None:
    """The unit of what tiers count: the quantity's, or for a resource's size that by time which its rates are per."""
    if not state.resource or state.has_time:
        return state.unit
    for band in step.bands:
        for node in (band.value, band.plus):
            if isinstance(node, n.Per):
                unit = scope.unit(node.size.unit)
                if unit is not None and by_time_of(unit, state.unit):
                    return unit
    for member in step.columns:
        info = scope.tables.get(member.of)
        if info is not None and member.name in info.columns:
            unit = scope.money / info.columns[member.name].unit
            base = by_time_of(unit, state.unit)
            if base is not None:
                return Unit(unit.dims, unit.factor, f"{state.unit.name}-{'hour' if base == 'second' else 'month'}")
    scope.findings.add(codes.NO_TIME, step.place, what="a resource",
                       advice=f"write rates per time, such as `$5 per {state.unit.name}-month`")  # fmt: skip
    return None


def _bands(step: n.StepDecl, state: State, scope: Scope) -> tuple[ops.Band, ...] | None:
    if not step.bands:
        scope.findings.add(codes.NO_BANDS, step.place, word=step.word)
        return None
    counted = _counted_unit(step, state, scope)
    if counted is None:
        return None
    edges: list[Edges] = []
    for band in step.bands:
        low = constant(band.low, scope, counted) if band.low is not None else None
        high = constant(band.high, scope, counted) if band.high is not None else None
        if (band.low is not None and low is None) or (band.high is not None and high is None):
            return None
        edges.append(Edges(low, band.low_included, high, band.high_included, band.place))
    met = meet(edges)
    before = len(scope.findings.listed)
    shown = [shown_edges(edge, counted) for edge in met]
    check_bands(shown, scope.findings, counted.plural if counted.name else "", open_ends=True)
    good = len(scope.findings.listed) == before
    found: list[ops.Band] = []
    for band, edge in zip(step.bands, met, strict=True):
        values = _band_values(band, state, scope)
        if values is None:
            good = False
            continue
        low = edge.low if edge.low is not None else Fraction(0)
        found.append(ops.Band(low, edge.low_included, edge.high, edge.high_included, *values, band.place))
    return tuple(sorted(found, key=lambda band: (band.low, band.low_included))) if good else None


def _band_values(band: n.BandDecl, state: State, scope: Scope) -> tuple[ops.Expr | None, ops.Expr | None] | None:
    """The rate and the flat amount of a band; an amount that is per nothing is flat."""
    if band.value is None:
        return None, None
    rate: ops.Expr | None = None
    flat: ops.Expr | None = None
    for node in (band.value, band.plus):
        if node is None:
            continue
        typed = figure(node, scope)
        if typed is None:
            return None
        if typed.type.zero:
            rate = rate or typed.expr
        elif is_money(typed.type.unit.dims):
            flat = typed.expr
        else:
            unit = price(typed, node.place, state, scope)
            if unit is None:
                return None
            rate = typed.expr
    return rate, flat


def _band_table(step: n.StepDecl, state: State, scope: Scope) -> ops.BandTable | None:
    rate: str | None = None
    flat: str | None = None
    table = step.columns[0].of
    info = scope.tables.get(table)
    if info is None:
        scope.unknown("table", table, step.columns[0].place, scope.tables)
        return None
    if info.band_key is None:
        scope.findings.add(codes.NOT_A_BAND_TABLE, step.columns[0].place, name=table)
        return None
    for member in step.columns:
        if member.of != table:
            scope.findings.add(codes.WRONG_KIND, member.place, what=f"`{member.of}`", kind="another table",
                               expected=f"`{table}`", advice="both columns stand in one table")  # fmt: skip
            return None
        if member.name not in info.columns:
            scope.unknown(f"column of `{table}`", member.name, member.place, info.columns)
            return None
        scope.cells_used.setdefault((table, member.name), member.place)
        type = info.columns[member.name]
        if is_money(type.unit.dims) and not type.zero:
            flat = member.name
        else:
            unit = price(Typed(ops.Cell(table, member.name), type), member.place, state, scope)
            if unit is None:
                return None
            rate = member.name
    for index, key in enumerate(info.keys):
        if index != info.band_key and scope.field(key) is None and key not in scope.account:
            scope.findings.add(codes.KEY_NOT_A_FIELD, step.place, scope.nearest(key, scope.field_names()), key=key,
                               what=f"`{scope.usage.name}`" if scope.usage else "this")  # fmt: skip
            return None
    factor = Fraction(1)
    counted = _counted_unit(step, state, scope)
    if counted is None:
        return None
    if info.band_unit is None or info.band_unit == PLAIN:
        factor = counted.factor
    elif info.band_unit.dims != counted.dims:
        scope.findings.add(codes.UNIT_MIX, step.place, f"the bands of `{table}` are of {info.band_unit.plural}",
                           left=str(Type("number", state.unit)), right=str(Type("number", info.band_unit)))  # fmt: skip
        return None
    return ops.BandTable(table, rate, flat, factor)


def _adjust(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    assert step.amount is not None
    typed = figure(step.amount, scope)
    if typed is None or (state.minimum and not _known_at_end(step, typed, scope)):
        return None
    sign = 1 if step.word == "plus" else -1
    if typed.type.percent or (not typed.type.unit.dims and not typed.type.bare and not typed.type.zero):
        return ops.Adjust(sign, True, typed.expr, when, step.name, step.place)
    if not state.priced and is_money(typed.type.unit.dims) and not is_money(state.unit.dims):
        scope.findings.add(codes.UNPRICED_STEP, step.place, step=step.word)
        return None
    if typed.type.bare:
        scope.findings.add(codes.BARE_RATE, step.amount.place, "write a percentage or an amount", like="10%")
        return None
    adapted = adapt(typed, state.unit, step.amount.place, scope)
    if adapted is None:
        return None
    return ops.Adjust(sign, False, adapted.expr, when, step.name, step.place)


def _rounded(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    assert step.round is not None
    spec = rounding(step.round, scope, state.unit)
    if spec is None:
        return None
    return ops.Round(spec[0], spec[1], when, step.place)


def conditions_overlap(left: ops.Cond | None, right: ops.Cond | None, scope: Scope) -> bool:
    """Whether both could be met by one record."""
    return not exclude_each_other(left, right, scope.hours)

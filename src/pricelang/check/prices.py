"""Prices: their lines, what finishes them together, allowances; and that every usage has a price."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.conditions import condition
from pricelang.check.conditions import exclude_each_other
from pricelang.check.figures import adapt
from pricelang.check.figures import figure
from pricelang.check.figures import limit_figure
from pricelang.check.header import period_word
from pricelang.check.rates import State
from pricelang.check.rates import asks_time
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import UsageInfo
from pricelang.check.steps import lower_steps
from pricelang.check.steps import period
from pricelang.core import ops
from pricelang.core.program import Allowance
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.syntax import nodes as n
from pricelang.units import SECOND
from pricelang.units import Unit
from pricelang.units import describe
from pricelang.units import find_unit
from pricelang.units import is_money

STARTED = ("minute", "hour", "day", "week", "month", "year")


@dataclass(slots=True)
class Lowered:
    """A price in the core beside what was written, for the passes that look at both."""

    node: n.PriceBlock
    price: Price
    usage: UsageInfo


def read_allowances(blocks: list[n.AllowanceBlock], scope: Scope) -> None:
    """Free units of a period; they go into the scope."""
    for block in blocks:
        if block.name in scope.allowances:
            line = scope.allowances[block.name].place.line
            scope.findings.add(codes.REPEATED, block.place, what="the allowance", name=block.name, line=line)
        scope.allowance_names.add(block.name)
        if block.size is None or block.each is None:
            scope.findings.add(
                codes.EMPTY_BLOCK,
                block.place,
                what=f"`allowance {block.name}`",
                advice="add a line such as `2,000 requests every month`",
            )
            continue
        within = scope.inside(None, tuple(scope.usages.values()))
        size = limit_figure(block.size, within)
        each = period(block.each, within)
        if size is None or each is None:
            continue
        asked = sorted(
            _record_fields(size.expr, within) - {one.name for one in each.apart if isinstance(one, ops.Field)}
        )
        if asked:
            what = f"the size of this allowance depends on the {asked[0]} of each record"
            advice = f"count it apart: `for each {asked[0]}`"
            scope.findings.add(codes.STEP_ORDER, block.size.place, what=what, advice=advice)
            continue
        if size.type.kind != "number" or (size.type.bare and not size.type.zero):
            scope.findings.add(
                codes.WRONG_KIND,
                block.place,
                what="the size of an allowance",
                kind=str(size.type),
                expected="a quantity such as `2,000 requests`",
                advice="",
            )
            continue
        kept = 0
        at_most: ops.Expr | None = None
        if block.kept is not None and block.kept_unit is not None:
            unit = period_word(block.kept_unit, scope)
            if unit is not None and unit != each.unit:
                scope.findings.add(
                    codes.WRONG_KIND,
                    block.place,
                    what="what is kept",
                    kind=f"counted in {unit}s",
                    expected=f"{each.unit}s, like the allowance",
                    advice="",
                )
            kept = int(block.kept)
            if block.kept.denominator != 1 or kept > 120:
                scope.findings.add(
                    codes.WRONG_KIND,
                    block.place,
                    what="what is kept",
                    kind="not a small whole number",
                    expected="a number of periods",
                    advice="",
                )
                kept = 0
        if block.kept_at_most is not None:
            most = limit_figure(block.kept_at_most, within)
            most = adapt(most, size.type.unit, block.kept_at_most.place, scope) if most is not None else None
            at_most = most.expr if most is not None else None
        scope.allowance_units[block.name] = size.type.unit
        scope.allowances[block.name] = Allowance(block.name, block.title, size.expr, each, kept, at_most, block.place)


def _record_fields(expr: ops.Expr, scope: Scope) -> set[str]:
    """The fields of a record that a figure asks for."""
    match expr:
        case ops.Field():
            return {expr.name}
        case ops.Cell():
            return {key for key in scope.tables[expr.table].keys if scope.field(key) is not None}
        case ops.Sum():
            return {name for _, term in expr.terms for name in _record_fields(term, scope)}
        case ops.Product():
            return {name for factor in expr.factors for name in _record_fields(factor, scope)}
        case ops.Quotient():
            return _record_fields(expr.over, scope) | _record_fields(expr.under, scope)
    return set()


def read_prices(blocks: list[n.PriceBlock], scope: Scope) -> list[Lowered]:
    """Every price of a usage or a resource; `price account` and `price bill` are checked elsewhere."""
    found: list[Lowered] = []
    for block in blocks:
        name = block.usage.text
        if name in ("account", "bill"):
            continue
        usage = scope.usages.get(name)
        if usage is None:
            scope.unknown("usage or resource", name, block.usage.place, scope.usages)
            continue
        price = _price(block, usage, scope.inside(usage))
        if price is not None:
            found.append(Lowered(block, price, usage))
    priced = {block.usage.text for block in blocks}
    for name, usage in scope.usages.items():
        if name not in priced:
            scope.findings.add(codes.NO_PRICE, usage.place, name=name)
    of_usage: dict[str, list[Lowered]] = {}
    for later in found:
        for earlier in of_usage.setdefault(later.usage.name, []):
            if not exclude_each_other(earlier.price.when, later.price.when, scope.hours):
                scope.findings.add(codes.OVERLAPPING_PRICES, later.node.place, name=later.usage.name)
        of_usage[later.usage.name].append(later)
    return found


def _price(block: n.PriceBlock, usage: UsageInfo, scope: Scope) -> Price | None:
    when = condition(block.when, scope) if block.when is not None else None
    scope.given = when
    if usage.is_resource and when is not None and asks_time(when):
        what = "a resource can run from one of these times into another"
        scope.findings.add(codes.STEP_ORDER, block.place, what=what, advice="put the condition on each line instead")
    if not block.lines:
        scope.findings.add(
            codes.EMPTY_BLOCK,
            block.place,
            what=f"`price {usage.name}`",
            advice="add a line such as `calls: requests at $0.01 per request`",
        )
    lines: list[Line] = []
    seen: dict[str, int] = {}
    fed = {name.text for line in block.lines for name in names_in(line)}
    good = block.when is None or when is not None
    for decl in block.lines:
        label = decl.label.text
        if label in seen:
            scope.findings.add(codes.LINE_TWICE, decl.label.place, name=label, line=seen[label])
        seen.setdefault(label, decl.label.place.line)
        if label in usage.fields and label in fed and not _feeds_itself(decl, label) and _comes_before(block, label):
            # a later line that names it could mean the field or the line
            scope.findings.add(codes.LABEL_HIDES_FIELD, decl.label.place, name=label)
        line = _line(decl, usage, scope, label in fed)
        if line is None:
            good = False
            if label not in usage.fields:
                scope.lines[label] = Type("number", zero=True)
        else:
            lines.append(line[0])
            if label not in usage.fields:
                scope.lines[label] = line[1]
    together: tuple[ops.Step, ...] | None = ()
    if block.together is not None:
        tiers = [step for line in lines for step in line.steps if getattr(step, "each", None) is not None]
        volume = any(isinstance(step, ops.Tiers) and not step.graduated for step in tiers)
        together = lower_steps(block.together, State(scope.money, True, counted=bool(tiers), volume=volume), scope)
    for step in together or ():
        asked = getattr(step, "when", None)
        if usage.is_resource and (getattr(step, "each", None) is not None or (asked is not None and asks_time(asked))):
            what = "`together` looks at a resource's whole run, not at its times or periods"
            scope.findings.add(codes.STEP_ORDER, step.place, what=what, advice="put the step under each line")
            good = False
    later = any(isinstance(step, ops.AtLeast) and step.each is not None for line in lines for step in line.steps)
    if later and together:
        what = "the minimum of a period on a line is charged at the period's end, and `together` would not see it"
        advice = "put the minimum under `together`, or its other steps under the line"
        scope.findings.add(codes.STEP_ORDER, together[0].place, what=what, advice=advice)
    if not good or together is None:
        return None
    return Price(usage.name, when, tuple(lines), together, block.place)


def _feeds_itself(decl: n.LineDecl, label: str) -> bool:
    return any(name.text == label for name in names_in(decl))


def _comes_before(block: n.PriceBlock, label: str) -> bool:
    """Whether a line after the one of this label names it."""
    after = False
    for decl in block.lines:
        if after and any(name.text == label for name in names_in(decl)):
            return True
        after = after or decl.label.text == label
    return False


def names_in(line: n.LineDecl) -> list[n.Name]:
    """The plain names that stand in a line's figures."""
    found: list[n.Name] = []

    def walk(node: n.Expr | None) -> None:
        match node:
            case n.Name():
                found.append(node)
            case n.ShareOf():
                walk(node.of)
            case n.Arithmetic():
                for _, part in node.parts:
                    walk(part)

    walk(line.of)
    for step in line.steps:
        if step.word != "beyond":
            walk(step.amount)
        for case in step.cases:
            walk(case.value)
    return found


def _line(decl: n.LineDecl, usage: UsageInfo, scope: Scope, fed: bool) -> tuple[Line, Type] | None:
    when: ops.Cond | None = None
    if decl.when is not None:
        when = condition(decl.when, scope)
        if when is None:
            return None
    typed = figure(decl.of, scope)
    if typed is None or (isinstance(decl.of, n.Name) and decl.of.text in scope.lines and typed.type.zero):
        return None  # the finding stands where the mistake is
    if typed.type.zero and isinstance(decl.of, n.Name | n.RestOf):
        return None  # its type is not known, and why was said where it is declared
    if typed.type.kind != "number":
        scope.findings.add(
            codes.WRONG_KIND,
            decl.of.place,
            what="this",
            kind=str(typed.type),
            expected="a quantity",
            advice="begin the line with a field that counts something",
        )
        return None
    if decl.free is not None:
        line = Line(
            decl.label.text,
            typed.expr,
            (),
            when,
            False,
            typed.type.unit.name,
            typed.type.unit.factor,
            None,
            None,
            decl.place,
            decl.free,
            True,
        )
        return line, typed.type
    if decl.every is not None:
        return _every(decl, decl.every, typed.expr, typed.type, usage, scope, when)
    state = State(typed.type.unit, is_money(typed.type.unit.dims) and not typed.type.zero, usage.is_resource)
    state.counted_in = typed.type.unit
    expr = typed.expr
    if usage.is_resource:
        stripped = _without_duration(expr)
        if stripped is None:
            scope.findings.add(
                codes.STEP_ORDER,
                decl.of.place,
                what="running time can only be multiplied",
                advice="write it as `duration` or `size × duration`",
            )
            return None
        expr, state.has_time = stripped
    counts_money = bool(decl.steps) and decl.steps[0].word in ("at", "graduated", "volume", "at cases")
    if state.priced and state.has_time and not counts_money:
        what = "running time is multiplied by an amount here"
        advice = "write `duration at` and a rate per time, such as `duration at $2 per hour`"
        scope.findings.add(codes.STEP_ORDER, decl.of.place, what=what, advice=advice)
        return None
    if state.priced and decl.steps and decl.steps[0].word in ("at", "graduated", "volume", "at cases"):
        state.priced = False  # an amount of money as the quantity: `amount at 2%`, or bands of spend
    if typed.type.bare and not typed.type.zero:
        scope.findings.add(
            codes.WRONG_KIND,
            decl.of.place,
            what="this",
            kind="a plain number",
            expected="a quantity or an amount",
            advice="write `requests at …` for each record",
        )
        return None
    if typed.type.by_time and usage.is_resource:
        state.has_time = True
    steps = lower_steps(decl.steps, state, scope)
    if steps is None:
        return None
    if not is_money(state.unit.dims) and not typed.type.zero:
        if not fed:
            way_out: str | None = None
            if isinstance(decl.of, n.Per):
                unit = scope.unit(decl.of.size.unit)
                counted = next(
                    (one.name for one in usage.fields.values() if unit and one.type.unit.dims == unit.dims), "…"
                )
                way_out = f"begin with what is counted, such as `{counted} at` and the rate"
            scope.findings.add(codes.NOT_MONEY, decl.place, way_out, what=describe(state.unit.dims))
            return None
    elif usage.is_resource and not state.by_time and any(isinstance(s, ops.Rate | ops.Tiers) for s in steps):
        state.by_time = "second" if state.has_time else None
    if state.time_wanted is not None and state.by_time not in (None, state.time_wanted):
        scope.findings.add(
            codes.UNIT_MIX,
            decl.place,
            "count all of the line in months, or all in hours",
            left="what is free",
            right="what is priced",
        )
        return None
    charged = is_money(state.unit.dims) or typed.type.zero
    unit = state.counted_in if state.counted_in.dims or not typed.type.unit.dims else typed.type.unit
    if isinstance(decl.of, n.Arithmetic) and not state.packages:
        written = _rate_unit(decl, scope)
        unit = written if written is not None and written.dims == unit.dims else unit
    if usage.is_resource and state.by_time:
        unit = _time_unit(unit, decl, state, scope)
    line = Line(
        label=decl.label.text,
        of=expr,
        steps=steps,
        when=when,
        charged=charged,
        unit=unit.name,
        factor=unit.factor,
        every=None,
        by_time=state.by_time,
        place=decl.place,
        is_quantity=not is_money(typed.type.unit.dims),
    )
    return line, Type("number", scope.money if typed.type.zero and not state.unit.dims else state.unit)


def _time_unit(unit: Unit, decl: n.LineDecl, state: State, scope: Scope) -> Unit:
    """The unit in which a quantity by time is shown: that of the rate where it is written, else hours or months."""
    if state.has_time and state.by_time == "second":
        return unit
    if state.has_time:
        return Unit((("month", 1),), Fraction(1), "month")
    written = _rate_unit(decl, scope)
    if written is not None:
        return written
    if state.by_time == "month":
        return Unit(unit.dims, unit.factor, f"{unit.name}-month" if unit.name else "month")
    return Unit(unit.dims, unit.factor * 3600, f"{unit.name}-hour" if unit.name else "hour")


def _rate_unit(decl: n.LineDecl, scope: Scope) -> Unit | None:
    """The unit that the line's rate is written per, where it stands on the line."""
    for step in decl.steps:
        for written in (step.amount, *(case.value for case in step.cases), *(band.value for band in step.bands)):
            if isinstance(written, n.Per):
                return scope.unit(written.size.unit)
    return None


def _without_duration(expr: ops.Expr) -> tuple[ops.Expr, bool] | None:
    """A resource's quantity without its running time, and whether it had one; None where time is added or divided."""
    match expr:
        case ops.Field(name="duration"):
            return ops.Const(Fraction(1)), True
        case ops.Product():
            left: list[ops.Expr] = []
            times = 0
            for factor in expr.factors:
                found = _without_duration(factor)
                if found is None:
                    return None
                left.append(found[0])
                times += found[1]
            return (ops.Product(tuple(left)), times == 1) if times <= 1 else None
        case ops.Sum():
            found_any = [_without_duration(term) for _, term in expr.terms]
            return None if any(one is None or one[1] for one in found_any) else (expr, False)
        case ops.Quotient():
            over, under = _without_duration(expr.over), _without_duration(expr.under)
            if over is None or under is None or under[1]:
                return None
            return ops.Quotient(over[0], under[0]), over[1]
    return expr, False


def _every(
    decl: n.LineDecl,
    every: n.EveryDecl,
    expr: ops.Expr,
    type: Type,
    usage: UsageInfo,
    scope: Scope,
    when: ops.Cond | None,
) -> tuple[Line, Type] | None:
    """`every started hour`: the amount at the start and at each hour after that."""
    if not usage.is_resource:
        scope.findings.add(
            codes.NO_TIME,
            every.place,
            what="only a resource",
            advice=f"declare `resource {usage.name}`, or count its time in a field",
        )
        return None
    name = every.period.text.removesuffix("s")
    if name not in STARTED:
        known = ", ".join(f"`{one}`" for one in STARTED)
        scope.findings.add(codes.UNKNOWN_PERIOD, every.period.place, f"write one of {known}", name=every.period.text)
        return None
    if not every.started:
        scope.findings.add(
            codes.NO_TIME,
            every.place,
            what="a fee every calendar period",
            advice=f"write `every started {name}`, or put the fee under `price account`",
        )
        return None
    unit = find_unit(name, {})
    assert unit is not None
    one = unit if unit.dims == SECOND.dims else Unit((("month", 1),), unit.factor, name)
    came = type.unit
    if not is_money(came.dims) and not type.zero:
        came = Unit(came.dims) * Unit(one.dims)
        if not is_money(came.dims):
            scope.findings.add(
                codes.NOT_A_RATE, decl.of.place, quantity=f"started {name}s", rate=str(type), expected=name
            )
            return None
        expr = ops.Product((expr, ops.Const(one.factor)))
    state = State(scope.money, True, True)
    steps = lower_steps(decl.steps, state, scope)
    if steps is None:
        return None
    line = Line(decl.label.text, expr, steps, when, True, name, Fraction(1), name, None, decl.place)
    return line, Type("number", scope.money)

"""Steps of a line: each checked against what the one above left, and turned into the core's operation."""

from __future__ import annotations

from pricelang.check.cases import cases
from pricelang.check.conditions import condition
from pricelang.check.figures import adapt
from pricelang.check.figures import figure
from pricelang.check.figures import limit_figure
from pricelang.check.header import period_word
from pricelang.check.header import rounding
from pricelang.check.rates import State
from pricelang.check.rates import asks_record
from pricelang.check.rates import asks_time
from pricelang.check.rates import by_time_of
from pricelang.check.rates import not_priced_yet
from pricelang.check.rates import price
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import Typed
from pricelang.check.tiers import tiers
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.period import known_zone
from pricelang.syntax import nodes as n
from pricelang.units import PACKAGE
from pricelang.units import SECOND
from pricelang.units import is_money


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
            mine = getattr(made, "each", None)
            apart = mine.apart if mine is not None else ()
            state.apart = tuple(one for one in state.apart if one in apart) if state.counted else apart
            state.counted = True
    return tuple(found) if good else None


def _step(step: n.StepDecl, state: State, scope: Scope) -> ops.Step | None:
    when: ops.Cond | None = None
    if step.when is not None:
        when = condition(step.when, scope)
        if when is None:
            return None
        if state.counted and asks_record(when, state.apart):
            scope.findings.add(codes.COUNT_THEN_CONDITION, step.place)
        if state.resource and step.word not in ("at", "at cases", "graduated", "volume") and asks_time(when):
            share = step.word in ("less", "plus") and isinstance(step.amount, n.Percent | n.Member | n.Name)
            if not share:
                what = "a resource can run from one of these times into another"
                advice = "give the rate the condition, or a share such as `less 10%`"
                scope.findings.add(codes.STEP_ORDER, step.place, what=what, advice=advice)
                return None
    each: ops.Period | None = None
    if step.each is not None:
        each = period(step.each, scope)
        if each is None:
            return None
    if state.minimum and (step.word not in ("less", "plus", "rounded") or (when is not None and asks_record(when))):
        scope.findings.add(
            codes.STEP_ORDER,
            step.place,
            what="at the period's end there is no record that this could ask",
            advice="put it above the minimum of the period",
        )
        return None
    match step.word:
        case "in steps of" | "in packages of":
            return _sized(step, state, scope, when, each)
        case "beyond":
            if when is not None:
                advice = "give the line the condition, and write another line for the other records"
                scope.findings.add(
                    codes.PARTIAL_EFFECT, step.place, what="an allowance has no condition", advice=advice
                )
                return None
            return _beyond(step, state, scope)
        case "at least" | "at most":
            return _bound(step, state, scope, when, each)
        case "at":
            return _at(step, state, scope, when)
        case "at cases":
            return cases(step, state, scope, when)
        case "graduated" | "volume":
            return tiers(step, state, scope, when, each)
        case "less" | "plus":
            return _adjust(step, state, scope, when)
    return _rounded(step, state, scope, when)


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
        scope.findings.add(
            codes.STEP_ORDER,
            step.place,
            what=f"`{step.word}` counts a quantity, and stands below its price",
            advice="put it above `at`",
        )
        return None
    if each is not None and state.resource:
        scope.findings.add(
            codes.STEP_ORDER,
            step.place,
            what="what a resource uses is not rounded up over a period",
            advice="leave out `each`, or send what it used as a usage",
        )
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
        state.unit, state.packages = PACKAGE, True
        scope.findings.add(
            codes.STEP_ORDER,
            step.place,
            what="running time is not sold in packages",
            advice="write `in steps of`, or `every started hour`",
        )
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
        scope.findings.add(
            codes.STEP_ORDER,
            step.place,
            what="an allowance covers a quantity, and stands below its price",
            advice="put it above `at`",
        )
        return None
    unit = scope.allowance_units.get(name)
    if unit is not None and state.resource and not state.has_time:
        state.time_wanted = by_time_of(unit, state.unit)
        if state.time_wanted is None:
            scope.findings.add(
                codes.NO_TIME,
                step.place,
                what="a resource",
                advice="an allowance of it is of size by time, such as `5 GB-months`",
            )
            return None
    elif unit is not None and unit.dims != state.unit.dims:
        scope.findings.add(
            codes.UNIT_MIX,
            step.place,
            f"the allowance `{name}` is of {unit.plural}",
            left=str(Type("number", state.unit)),
            right=str(Type("number", unit)),
        )
        return None
    state.counted, state.apart = True, ()
    return ops.Beyond(name, step.place)


def _bound(
    step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None, each: ops.Period | None
) -> ops.Step | None:
    assert step.amount is not None
    if each is not None and state.resource and not state.priced:
        what = "what a resource uses is not limited over a period"
        advice = "put the limit below the price, as an amount, or send what it used as a usage"
        scope.findings.add(codes.STEP_ORDER, step.place, what=what, advice=advice)
        return None
    limits = step.word == "at most" and not isinstance(step.amount, n.NoLimit)
    typed = limit_figure(step.amount, scope) if limits else figure(step.amount, scope)
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
    scope.findings.add(
        codes.STEP_ORDER,
        step.amount.place,
        what="at the period's end there is no record that this could ask",
        advice="take the amount from the account, or write it out",
    )
    return False


def _text(node: n.Expr) -> str:
    return str(getattr(node, "text", "")) or "…"


def _at(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    assert step.amount is not None
    if not not_priced_yet(step, state, scope):
        return None
    rate = figure(step.amount, scope)
    if rate is None:
        return None
    unit = price(rate, step.amount.place, state, scope)
    if unit is None:
        return None
    state.unit, state.priced = unit, True
    return ops.Rate((ops.Case(None, rate.expr, step.place),), when, step.place)


def _adjust(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    assert step.amount is not None
    typed = figure(step.amount, scope)
    if typed is None or (state.minimum and not _known_at_end(step, typed, scope)):
        return None
    sign = 1 if step.word == "plus" else -1
    share = typed.type.percent or typed.type.zero
    if state.resource and state.has_time and not state.priced and not share:
        _no_step_of_time(step, scope)
        return None
    if typed.type.percent:
        return ops.Adjust(sign, True, typed.expr, when, step.name, step.place)
    if not state.priced and is_money(typed.type.unit.dims) and not is_money(state.unit.dims):
        scope.findings.add(codes.UNPRICED_STEP, step.place, step=step.word)
        return None
    if typed.type.bare or (not typed.type.unit.dims and not typed.type.zero):
        scope.findings.add(codes.BARE_RATE, step.amount.place, "write a percentage or an amount", like="10%")
        return None
    adapted = adapt(typed, state.unit, step.amount.place, scope)
    if adapted is None:
        return None
    of_quantity = not state.priced and not is_money(state.unit.dims)
    return ops.Adjust(sign, False, adapted.expr, when, step.name, step.place, of_quantity)


def _rounded(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    assert step.round is not None
    if state.resource and state.has_time and not state.priced:
        _no_step_of_time(step, scope)
        return None
    spec = rounding(step.round, scope, state.unit)
    if spec is None:
        return None
    return ops.Round(spec[0], spec[1], when, step.place)


def _no_step_of_time(step: n.StepDecl, scope: Scope) -> None:
    what = f"`{step.word}` cannot stand on the running time of a resource"
    advice = "write `in steps of`, `at least` or `at most`, or put it below the price"
    scope.findings.add(codes.STEP_ORDER, step.place, what=what, advice=advice)

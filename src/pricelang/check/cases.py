"""`at` with cases: the first that holds gives the rate; together they take every record."""

from __future__ import annotations

from pricelang.check.conditions import condition
from pricelang.check.conditions import implies
from pricelang.check.figures import figure
from pricelang.check.rates import State
from pricelang.check.rates import asks_record
from pricelang.check.rates import not_priced_yet
from pricelang.check.rates import price
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.units import Unit


def cases(step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None) -> ops.Step | None:
    if not not_priced_yet(step, state, scope):
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
        if asked is not None and state.counted and asks_record(asked, state.apart):
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
            scope.findings.add(
                codes.UNIT_MIX,
                case.place,
                "all cases come to one unit",
                left=str(Type("number", came)),
                right=str(Type("number", unit)),
            )
            good = False
            continue
        unit = unit if unit is not None and rate.type.zero else came
        cases.append(ops.Case(asked, rate.expr, case.place))
    asks = [case.when for case in cases if case.when is not None]
    if good and not closed and not exhaustive(asks, scope, scope.given):
        scope.findings.add(codes.NO_CASE_LEFT, step.place)
        good = codes.NO_CASE_LEFT.code in scope.findings.let
    if not good or not cases:
        return None
    state.unit, state.priced = unit or scope.money, True
    return ops.Rate(tuple(cases), when, step.place)


def exhaustive(asked: list[ops.Cond], scope: Scope, given: ops.Cond | None = None) -> bool:
    """Whether conditions plainly take every record: every word of one closed field, or both sides of one edge.

    `given` is a condition that all those records meet.
    """
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
            if info.type.kind == "choice" and named >= _open_words(info.type.choices, of, given):
                return True
            if info.type.kind == "truth" and len(named) == 2:
                return True
    return False


def _open_words(choices: tuple[str, ...], of: ops.Expr, given: ops.Cond | None) -> set[object]:
    """The words of a closed field that can come here, under the condition of the price."""
    words: set[object] = set(choices)
    for one in given.of if isinstance(given, ops.All) else (given,):
        if isinstance(one, ops.IsOneOf) and one.of == of:
            words &= set(one.values)
    return words

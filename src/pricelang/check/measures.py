"""Amounts, lengths of time and names as the account's blocks use them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from fractions import Fraction

from pricelang.check.figures import figure
from pricelang.check.header import length_of
from pricelang.check.scope import Scope
from pricelang.check.scope import Typed
from pricelang.check.scope import UsageInfo
from pricelang.core import ops
from pricelang.core.policy import Length
from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.units import MONTH
from pricelang.units import SECOND


def money_figure(node: n.Expr, what: str, scope: Scope) -> ops.Expr | None:
    """An amount of money. Another kind of figure is a finding."""
    typed = figure(node, scope)
    if typed is None:
        return None
    check_keys(node, (), scope)
    if typed.type.kind != "number" or not (typed.type.zero or typed.type.unit.dims == scope.money.dims):
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what=what,
            kind=str(typed.type),
            expected="an amount of money",
            advice=f"write one such as `{money_like(scope)}`",
        )
        return None
    return typed.expr


def time_figure(node: n.Expr, what: str, scope: Scope) -> Length | None:
    """A length of time above zero."""
    typed = figure(node, scope)
    if typed is None:
        return None
    check_keys(node, (), scope)
    if typed.type.kind != "number" or typed.type.unit.dims not in (SECOND.dims, MONTH.dims):
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what=what,
            kind=str(typed.type),
            expected="a length of time",
            advice="write one such as `30 days`",
        )
        return None
    if constant_value(typed.expr) == 0:
        scope.findings.add(codes.ZERO_SIZE, node.place, what="time")
    return length_of(typed)


def check_names(words: Iterable[n.Word], scope: Scope) -> list[UsageInfo]:
    """The usages and resources that words name, each once."""
    found: list[UsageInfo] = []
    for word in words:
        usage = scope.usages.get(word.text)
        if usage is None:
            scope.unknown("usage or resource", word.text, word.place, scope.usages)
        elif usage in found:
            scope.findings.add(codes.REPEATED, word.place, what="the name", name=word.text, line=word.place.line)
        else:
            found.append(usage)
    return found


def check_keys(node: n.Expr, usages: Iterable[UsageInfo], scope: Scope) -> None:
    """The tables in a figure are keyed by fields of these usages or of the account."""
    about = list(usages)
    for member in members(node):
        table = scope.tables.get(member.of)
        if table is None:
            continue
        for key in table.keys:
            if key in scope.account:
                continue
            usage = next((one for one in about if key not in one.fields), None)
            if usage is None and about:
                continue
            known = [*(usage.fields if usage is not None else ()), *scope.account]
            what = f"`{usage.name}`" if usage is not None else "the account"
            scope.findings.add(codes.KEY_NOT_A_FIELD, member.place, scope.nearest(key, known), key=key, what=what)


def members(node: n.Expr) -> Iterator[n.Member]:
    """The columns and attributes that a figure names."""
    match node:
        case n.Member():
            yield node
        case n.ShareOf():
            yield from members(node.of)
        case n.Arithmetic():
            for _, part in node.parts:
                yield from members(part)


def constant_value(expr: ops.Expr) -> Fraction | None:
    """The value of an expression that is written out."""
    match expr:
        case ops.Const():
            return expr.value
        case ops.Product():
            value = Fraction(1)
            for factor in expr.factors:
                one = constant_value(factor)
                if one is None:
                    return None
                value *= one
            return value
        case ops.Sum():
            total = Fraction(0)
            for sign, term in expr.terms:
                one = constant_value(term)
                if one is None:
                    return None
                total += sign * one
            return total
        case ops.Quotient():
            over, under = constant_value(expr.over), constant_value(expr.under)
            return over / under if over is not None and under else None
    return None


def is_unlimited(typed: Typed) -> bool:
    """Whether the figure is the word `unlimited`."""
    return isinstance(typed.expr, ops.Const) and typed.expr.value >= Fraction(10) ** 60


def money_like(scope: Scope) -> str:
    """An amount as it is written in this ruleset."""
    return "$5" if scope.currency in ("", "USD") else f"{scope.currency} 5"

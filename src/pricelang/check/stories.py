"""Stories in examples: the accounts' events and what is expected of them, checked for names, units and types."""

from __future__ import annotations

from pricelang.check.figures import figure
from pricelang.check.limits import STATUSES
from pricelang.check.measures import money_like
from pricelang.check.scope import Scope
from pricelang.check.usages import value_of
from pricelang.check.written import written_figure
from pricelang.diagnostics import codes
from pricelang.source import Place
from pricelang.syntax import nodes as n

REASONS = ("refused", "alert", "suspended", "resumed")
"""What a limit brings about, and an example can expect `by` its name."""


def check_stories(blocks: tuple[n.Block, ...], scope: Scope) -> None:
    """The names of limits, codes and of what was started; amounts of money; values of the account's fields."""
    limits = [block.name for block in blocks if isinstance(block, n.LimitBlock)]
    redeemed = [block.code for block in blocks if isinstance(block, n.GrantBlock) and block.code is not None]
    for block in blocks:
        if not isinstance(block, n.ExampleBlock):
            continue
        running: list[str] = []
        for item in block.items:
            if isinstance(item, n.ExpectDecl):
                _expected(item, limits, scope)
            elif isinstance(item, n.EventDecl) and item.verb.text not in scope.usages:
                _event(item, redeemed, running, scope)


def _expected(item: n.ExpectDecl, limits: list[str], scope: Scope) -> None:
    if item.status is not None and item.status not in STATUSES:
        scope.findings.add(codes.BAD_STATUS, item.place, status=item.status)
    if item.kind in REASONS and item.name is not None and item.name.text not in limits:
        scope.unknown("limit", item.name.text, item.name.place, limits)
    if item.kind == "balance" and item.amount is not None:
        _money(item.amount, "a balance", scope)


def _event(item: n.EventDecl, redeemed: list[str], running: list[str], scope: Scope) -> None:
    words = item.words
    match item.verb.text:
        case "topup" | "payment" | "refund" if words:
            node = _figure_of(words, scope)
            if node is None:
                scope.findings.add(
                    codes.BAD_FIELD_VALUE,
                    words[0].place,
                    f"write one such as `{money_like(scope)}`",
                    what=f"`{_text(words)}` is no amount of money",
                )
            elif not isinstance(node, n.Name):
                _money(node, f"a {item.verb.text}", scope)
        case "redeem" if words and words[0].text not in redeemed:
            scope.unknown("code", words[0].text, words[0].place, redeemed)
        case "set":
            for one in item.fields:
                if one.name in scope.account:
                    value_of(one.value, scope.account[one.name].type, scope, one.name)
            if len(words) > 1 and words[0].text in scope.account:
                value = n.Word(_text(words[1:]), _place(words[1:]))
                value_of(value, scope.account[words[0].text].type, scope, words[0].text)
        case "start" if words and words[0].text in scope.usages:
            running.extend(word.text for word in words[1:2])
            fields = scope.usages[words[0].text].fields
            for one in item.fields:
                if one.name in fields:
                    value_of(one.value, fields[one.name].type, scope, one.name)
        case "stop" if words and words[0].text not in running:
            scope.unknown("thing running", words[0].text, words[0].place, running)


def _money(node: n.Expr, what: str, scope: Scope) -> None:
    typed = figure(node, scope.inside(None))
    if typed is None or typed.type.zero:
        return
    if typed.type.kind != "number" or typed.type.unit.dims != scope.money.dims:
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what=what,
            kind=str(typed.type),
            expected="an amount of money",
            advice=f"write one such as `{money_like(scope)}`",
        )


def _figure_of(words: tuple[n.Word, ...], scope: Scope) -> n.Expr | None:
    return written_figure(_text(words), _place(words), scope)


def _text(words: tuple[n.Word, ...]) -> str:
    return " ".join(word.text for word in words)


def _place(words: tuple[n.Word, ...]) -> Place:
    first = words[0].place
    return Place(first.path, first.line, first.column, words[-1].place.end)

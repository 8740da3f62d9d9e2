"""Example blocks: records as a program would send them, and what must come out."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pricelang.check.conditions import instant_of
from pricelang.check.conditions import number_of
from pricelang.check.figures import figure
from pricelang.check.header import rounding
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.stories import STORY_WORDS
from pricelang.check.stories import sent_fields
from pricelang.check.stories import story_event
from pricelang.check.stories import story_expectation
from pricelang.check.usages import EVENT_WORDS
from pricelang.check.usages import value_of
from pricelang.check.written import written_figure
from pricelang.core import ops
from pricelang.core.program import Example
from pricelang.core.program import ExampleRecord
from pricelang.core.program import Expectation
from pricelang.diagnostics import codes
from pricelang.period import instant_text
from pricelang.syntax import nodes as n
from pricelang.units import PERCENT
from pricelang.units import is_money

Value = Fraction | str | bool | None
MOST_TIMES = 100_000
"""How often a record of an example may be there."""


def read_examples(blocks: list[n.ExampleBlock], scope: Scope) -> tuple[Example, ...]:
    """Examples in order; those that need an account's balance or limits are marked as stories."""
    names = {block.name: block for block in blocks}
    seen: dict[str, int] = {}
    found = []
    for block in blocks:
        if block.name in seen:
            scope.findings.add(codes.REPEATED, block.place, what="the example", name=block.name, line=seen[block.name])
        seen[block.name] = block.place.line
        found.append(_example(block, scope, names))
    return tuple(found)


def _example(block: n.ExampleBlock, scope: Scope, names: dict[str, n.ExampleBlock]) -> Example:
    accounts: dict[str, dict[str, Value]] = {}
    items: list[ExampleRecord | Expectation] = []
    story = False
    first_account = "example"
    number = 0
    for item in block.items:
        match item:
            case n.GivenDecl():
                if not accounts:
                    first_account = item.account
                accounts[item.account] = _attributes(item, scope)
            case n.EventDecl():
                number += 1
                if item.verb.text in EVENT_WORDS:
                    story = True
                    _check_event(item, scope)
                    event = story_event(item, first_account, number, items, scope)
                    if event is not None:
                        items.append(event)
                    continue
                times = _times(item, scope)
                record = _record(item, first_account, number, scope, times is not None)
                if record is not None:
                    items += _repeated(record, times or 1)
            case n.ExpectDecl():
                if number == 0:
                    lines = range(block.place.line, item.place.line)
                    if not any(finding.place.line in lines for finding in scope.findings):
                        scope.findings.add(codes.EXAMPLE_ORDER, item.place)
                    continue
                if item.kind in STORY_WORDS or (item.kind == "line" and item.name and item.name.text in STORY_WORDS):
                    story = True
                    wanted = story_expectation(item, scope)
                    if wanted is not None:
                        items.append(wanted)
                    continue
                expected = _expectation(item, scope, names)
                if expected is not None:
                    items.append(expected)
    if not any(isinstance(item, n.ExpectDecl) for item in block.items) and not scope.findings.has_errors:
        scope.findings.add(codes.EXAMPLE_EMPTY, block.place)
    return Example(block.name, accounts, tuple(items), story, block.place)


def _comma_missing(one: n.Assignment, known: Iterable[str], scope: Scope) -> bool:
    """A value that runs on into the next field, because a comma was forgotten; one in quotes is meant as it is."""
    words = one.value.text.split()
    if one.value.place.end - one.value.place.column != len(one.value.text) or len(words) < 3:
        return False
    names = set(known) - {one.name}
    inside = next((word for word in words[1:-1] if word in names), None)
    if inside is None:
        return False
    scope.findings.add(
        codes.BAD_FIELD_VALUE,
        one.value.place,
        f"write `…, {inside} …`, or the whole value in quotes",
        what=f"a comma is missing before `{inside}`",
    )
    return True


def _attributes(item: n.GivenDecl, scope: Scope) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for one in item.attributes:
        if _comma_missing(one, scope.account, scope):
            continue
        info = scope.account.get(one.name)
        if info is None:
            table, _, column = one.name.partition(".")
            known = scope.tables.get(table)
            if column and known is not None and column in known.columns:
                found[one.name] = _custom(one, known.columns[column], scope)
                continue
            scope.unknown("field of the account", one.name, one.place, scope.account)
            continue
        found[one.name] = value_of(one.value, info.type, scope, one.name)
    return found


def _custom(one: n.Assignment, type: Type, scope: Scope) -> Value:
    """A `custom` cell's value: a rate may be written as the column writes it, as an amount alone."""
    if type.kind == "number" and any(power < 0 for _, power in type.unit.dims):
        node = written_figure(one.value.text, one.value.place, scope)
        if isinstance(node, n.Money):
            typed = figure(node, scope)
            return node.value * type.unit.factor if typed is not None else None
    return value_of(one.value, type, scope, one.name)


def _check_event(item: n.EventDecl, scope: Scope) -> None:
    """Names in the events of a story; what they do is not asked here."""
    if item.verb.text == "set":
        for one in item.fields:
            if one.name not in scope.account and one.name != "account":
                scope.unknown("field of the account", one.name, one.place, scope.account)
        if item.words and item.words[0].text not in scope.account:
            scope.unknown("field of the account", item.words[0].text, item.words[0].place, scope.account)
    if item.verb.text == "start" and item.words:
        usage = scope.usages.get(item.words[0].text)
        if usage is None or not usage.is_resource:
            known = [name for name, one in scope.usages.items() if one.is_resource]
            scope.unknown("resource", item.words[0].text, item.words[0].place, known)
            return
        for one in item.fields:
            if one.name not in usage.fields:
                scope.unknown(f"field of `{usage.name}`", one.name, one.place, usage.fields)


def _times(item: n.EventDecl, scope: Scope) -> int | None:
    """`chat 600 times: …`: how often a record is there."""
    if len(item.words) != 2 or item.words[1].text != "times":
        return None
    number = number_of(item.words[0].text)
    if number is None or number.denominator != 1 or not 1 <= number <= MOST_TIMES:
        what = f"`{item.words[0].text} times` is no count"
        scope.findings.add(
            codes.BAD_FIELD_VALUE, item.words[0].place, f"write a whole number, at most {MOST_TIMES:,}", what=what
        )
        return 1
    return int(number)


def _repeated(record: ExampleRecord, times: int) -> list[ExampleRecord]:
    """The record as often as it is there, each with an id of its own."""
    if times == 1:
        return [record]
    own = record.raw["id"]
    return [ExampleRecord({**record.raw, "id": f"{own}-{count}"}, record.place) for count in range(1, times + 1)]


def _record(item: n.EventDecl, account: str, number: int, scope: Scope, times: bool) -> ExampleRecord | None:
    usage = scope.usages.get(item.verb.text)
    if usage is None:
        scope.unknown("usage, resource or event", item.verb.text, item.verb.place, [*scope.usages, *EVENT_WORDS])
        return None
    for word in item.words if not times else ():
        scope.findings.add(
            codes.OUT_OF_PLACE,
            word.place,
            what=f"`{word.text}`",
            advice=f"write the fields after a colon: `{usage.name}: …`",
        )
    if not item.at.text or (item.to is not None and not item.to.text):
        return None  # a date that does not exist, which the parser has said
    try:
        at = instant_text(instant_of(item.at.text, scope.zone))
        to = instant_text(instant_of(item.to.text, scope.zone)) if item.to is not None else None
    except ValueError:
        scope.findings.add(codes.BAD_DATE, item.at.place, text=item.at.text)
        return None
    raw: dict[str, object] = {"id": f"example-{number}", "type": usage.name, "account": account}
    if usage.is_resource:
        if to is None:
            scope.findings.add(
                codes.BAD_FIELD_VALUE,
                item.place,
                "write `START to STOP`, both with date and time",
                what=f"`{usage.name}` runs over time, and its end is missing",
            )
            return None
        raw |= {"started": at, "stopped": to}
    else:
        if to is not None and item.to is not None:
            scope.findings.add(codes.BAD_FIELD_VALUE, item.to.place, "", what=f"`{usage.name}` is a point in time")
            return None
        raw["at"] = at
    run_on = [one for one in item.fields if _comma_missing(one, usage.fields, scope)]
    if run_on:
        return None
    return ExampleRecord(raw, item.place) if sent_fields(item.fields, usage, raw, scope) else None


def _expectation(item: n.ExpectDecl, scope: Scope, names: dict[str, n.ExampleBlock]) -> Expectation | None:
    amount: Fraction | None = None
    name = item.name.text if item.name is not None else None
    kind = item.kind
    if kind == "line" and name == "shown":
        kind = "shown"
    if item.amount is not None:
        typed = figure(item.amount, scope)
        if typed is None:
            return None
        percent_allowed = kind in ("less", "more") and typed.type.percent
        if not isinstance(typed.expr, ops.Const) or not (
            is_money(typed.type.unit.dims) or typed.type.zero or percent_allowed
        ):
            expected = Type("number", scope.money)
            scope.findings.add(
                codes.WRONG_KIND,
                item.amount.place,
                what="this",
                kind=str(typed.type),
                expected=f"an amount in {expected}",
                advice="write an amount such as `$0.0005`",
            )
            return None
        amount = typed.expr.value
        if kind in ("less", "more"):
            if name not in names:
                scope.unknown("example", name or "", item.place, names)
                return None
            kind = f"{kind} share" if percent_allowed else kind
    round_step: ops.Round | None = None
    if item.round is not None:
        spec = rounding(item.round, scope, PERCENT if kind.endswith("share") else None)
        if spec is None:
            return None
        round_step = ops.Round(spec[0], spec[1], None, item.place)
    if kind in ("charge", "total", "line", "shown", "rejected") or kind.startswith(("less", "more")):
        return Expectation(kind, amount, name, round_step, item.place)
    scope.unknown("thing to expect", kind, item.place, ("charge", "total", "rejected", *STORY_WORDS))
    return None

"""Stories in examples: the accounts' events and what is expected of them, checked for names, units and types."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.conditions import instant_of
from pricelang.check.figures import figure
from pricelang.check.limits import STATUSES
from pricelang.check.measures import money_like
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import UsageInfo
from pricelang.check.usages import value_of
from pricelang.check.written import written_figure
from pricelang.core import ops
from pricelang.core.program import ExampleRecord
from pricelang.core.program import Expectation
from pricelang.diagnostics import codes
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.source import Place
from pricelang.syntax import nodes as n

STORY_WORDS = frozenset(
    {"balance", "refused", "accepted", "alert", "refill", "suspended", "resumed", "bill", "receipt"}
)
"""What only a story can expect."""
NONE = "none"
"""Takes a field of the account away."""
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
    word = item.name.text if item.kind == "line" and item.name is not None else item.kind
    if word in ("balance", "refill", "bill", "receipt") and item.amount is not None:
        _money(item.amount, f"a {word}", scope)


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
                if one.name in scope.account and one.value.text.lower() != NONE:
                    value_of(one.value, scope.account[one.name].type, scope, one.name)
            if len(words) > 1 and words[0].text in scope.account:
                value = n.Word(_text(words[1:]), _place(words[1:]))
                if value.text.lower() == NONE:
                    return
                value_of(value, scope.account[words[0].text].type, scope, words[0].text)
        case "start" if words and words[0].text in scope.usages:
            running.extend(word.text for word in words[1:2])
            fields = scope.usages[words[0].text].fields
            for one in item.fields:
                if one.name in fields:
                    value_of(one.value, fields[one.name].type, scope, one.name)
        case "stop" | "change" if words and words[0].text not in running:
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


# --- into the core --------------------------------------------------------------------------------------------------


def story_event(
    item: n.EventDecl, account: str, number: int, before: list[ExampleRecord | Expectation], scope: Scope
) -> ExampleRecord | None:
    """An event of a story, as a program would send it."""
    if not item.at.text:
        return None
    try:
        at = instant_text(instant_of(item.at.text, scope.zone))
    except ValueError:
        scope.findings.add(codes.BAD_DATE, item.at.place, text=item.at.text)
        return None
    own = next((one.value.text for one in item.fields if one.name == "account"), account)
    raw: dict[str, object] = {"id": f"example-{number}", "type": item.verb.text, "at": at, "account": own}
    fields = tuple(one for one in item.fields if one.name != "account")
    good = _filled(item, fields, raw, before, scope)
    return ExampleRecord(raw, item.place) if good else None


def _filled(
    item: n.EventDecl,
    fields: tuple[n.Assignment, ...],
    raw: dict[str, object],
    before: list[ExampleRecord | Expectation],
    scope: Scope,
) -> bool:
    words, verb = item.words, item.verb.text
    match verb:
        case "topup" | "refund":
            amount = _amount(words, scope)
            if amount is None:
                return _misses(item, f"an amount, such as `{verb} {money_like(scope)}`", scope)
            raw["amount"] = amount
            if verb == "refund":
                raw["of"] = _last(before, ("topup", "payment"))
        case "payment":
            if words and words[0].text == "failed":
                raw["ok"] = False
        case "redeem" | "subscribe":
            if not words:
                return _misses(item, "a code" if verb == "redeem" else "a plan", scope)
            raw["code" if verb == "redeem" else "plan"] = _text(words)
        case "set" | "signup":
            found = _given(item, fields, scope)
            if found is None:
                return False
            raw["attributes"] = found
        case "start":
            usage = scope.usages.get(words[0].text) if words else None
            if usage is None or len(words) < 2:
                return _misses(item, "what is started and its name, such as `start deployment d-1`", scope)
            raw |= {"resource": usage.name, "resource_id": _text(words[1:])}
            return sent_fields(fields, usage, raw, scope)
        case "change" | "stop":
            if not words:
                return _misses(item, f"what was started, such as `{verb} d-1`", scope)
            raw["resource_id"] = _text(words)
            started = _started(before, _text(words))
            if verb == "change" and started in scope.usages:
                return sent_fields(fields, scope.usages[started], raw, scope)
        case "authorize" | "settle" | "correct":
            usage = scope.usages.get(words[0].text) if words else None
            if usage is None and not (verb == "correct" and not words):
                return _misses(item, f"a usage, such as `{verb} chat: …`", scope)
            kinds = ("authorize",) if verb == "settle" else tuple(scope.usages)
            if verb != "authorize":
                raw["hold" if verb == "settle" else "of"] = _last(before, kinds)
            if usage is not None:
                inside: dict[str, object] = {"type": usage.name}
                raw["usage"] = inside
                return sent_fields(fields, usage, inside, scope)
        case "release":
            raw["hold"] = _last(before, ("authorize",))
    return True


def _misses(item: n.EventDecl, what: str, scope: Scope) -> bool:
    scope.findings.add(codes.BAD_FIELD_VALUE, item.place, f"write {what}", what=f"`{item.verb.text}` says too little")
    return False


def _last(before: list[ExampleRecord | Expectation], kinds: tuple[str, ...]) -> str:
    """The id of the last event of these kinds in the story."""
    for item in reversed(before):
        if isinstance(item, ExampleRecord) and item.raw.get("type") in kinds:
            return str(item.raw["id"])
    return "none"


def _started(before: list[ExampleRecord | Expectation], name: str) -> str:
    for item in reversed(before):
        if isinstance(item, ExampleRecord) and item.raw.get("resource_id") == name and "resource" in item.raw:
            return str(item.raw["resource"])
    return ""


def _amount(words: tuple[n.Word, ...], scope: Scope) -> str | None:
    node = _figure_of(words, scope) if words else None
    typed = figure(node, scope.inside(None).quiet()) if node is not None else None
    if typed is None or not isinstance(typed.expr, ops.Const):
        return None
    return decimal_text(typed.expr.value)


def _given(item: n.EventDecl, fields: tuple[n.Assignment, ...], scope: Scope) -> dict[str, object] | None:
    """The attributes that an event gives: behind its word, or after a colon."""
    words = item.words
    given = [(one.name, one.value) for one in fields]
    if len(words) > 1:
        given.append((words[0].text, n.Word(_text(words[1:]), _place(words[1:]))))
    found: dict[str, object] = {}
    for name, value in given:
        info = scope.account.get(name)
        table, _, column = name.partition(".")
        known = scope.tables.get(table)
        type = info.type if info is not None else known.columns.get(column) if known is not None else None
        if type is None:
            return None  # which was said
        if value.text.lower() == NONE:
            found[name] = None
            continue
        sent = _sent(value, type, scope, name)
        if sent is None:
            return None
        found[name] = sent
    return found


def sent_fields(fields: tuple[n.Assignment, ...], usage: UsageInfo, raw: dict[str, object], scope: Scope) -> bool:
    """Puts fields, as a program would send them, into a record; False where a finding says what is wrong."""
    for one in fields:
        if one.name in ("account", "id"):
            raw[one.name] = one.value.text
            continue
        info = usage.fields.get(one.name)
        inputs = usage.usage.inputs if usage.usage is not None else ()
        if info is None and any(each.counts_text and each.counts_text[0] == one.name for each in inputs):
            raw[one.name] = one.value.text
            continue
        if info is None or info.computed or (one.name == "duration" and usage.is_resource):
            scope.unknown(f"field of `{usage.name}`", one.name, one.place, usage.fields)
            continue
        if one.name in raw:
            scope.findings.add(codes.REPEATED, one.place, what="the field", name=one.name, line=one.place.line)
        sent = _sent(one.value, info.type, scope, one.name)
        if sent is None:
            return False
        raw[one.name] = sent
    return True


def _sent(word: n.Word, type: Type, scope: Scope, name: str) -> object:
    """A value in the unit of its field."""
    value = value_of(word, type, scope, name)
    if not isinstance(value, Fraction):
        return value
    number = value / type.unit.factor
    if number.denominator == 1:
        return number.numerator
    text = decimal_text(number)
    if "/" in text:
        scope.findings.add(codes.BAD_FIELD_VALUE, word.place, "", what=f"`{word.text}` has endless decimals here")
        return None
    return text


def story_expectation(item: n.ExpectDecl, scope: Scope) -> Expectation | None:
    """What a story expects of an account."""
    name = item.name.text if item.name is not None else None
    kind = name if item.kind == "line" and name is not None else item.kind
    amount: Fraction | None = None
    if item.amount is not None:
        typed = figure(item.amount, scope.inside(None).quiet())
        if typed is None or not isinstance(typed.expr, ops.Const):
            return None
        amount = typed.expr.value
    return Expectation(kind, amount, None if kind == name else name, None, item.place, item.status)

"""Limits: what each asks, in which unit, over which period, and what follows from it."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.conditions import condition
from pricelang.check.conditions import key_value
from pricelang.check.figures import figure
from pricelang.check.figures import limit_figure
from pricelang.check.measures import check_keys
from pricelang.check.measures import check_names
from pricelang.check.measures import constant_value
from pricelang.check.measures import is_unlimited
from pricelang.check.measures import money_like
from pricelang.check.measures import time_figure
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import Typed
from pricelang.check.scope import UsageInfo
from pricelang.check.steps import period
from pricelang.core import ops
from pricelang.core import policy as p
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.syntax import nodes as n
from pricelang.units import PLAIN
from pricelang.units import Unit
from pricelang.units import currencies_in

STATUSES = (402, 429)
_OVER_TIME = {"second", "month", "byte"}


@dataclass(slots=True)
class _Measured:
    """What a limit measures: its type, the usages it is about, and whether it counts over a period."""

    type: Type
    about: list[UsageInfo]
    counts: bool
    measure: p.Measure


def read_limit(block: n.LimitBlock, scope: Scope) -> p.Limit | None:
    """One limit: its question, then its consequences. None where a finding says why not."""
    refused = _consequences(block, scope)
    question = None
    if block.question is None:
        scope.findings.add(
            codes.LIMIT_INCOMPLETE,
            block.place,
            name=block.name,
            why="asks nothing",
            advice="add a line such as `spend each day may reach $50`",
        )
    else:
        question = _question(block.question, refused, scope)
    if not block.consequences:
        scope.findings.add(
            codes.LIMIT_INCOMPLETE,
            block.place,
            name=block.name,
            why="has no consequence",
            advice="add a line such as `refuse with 402`, `suspend RESOURCE` or `alert`",
        )
    if question is None:
        return None
    return _limit(block, question, scope)


def _limit(block: n.LimitBlock, question: p.Question, scope: Scope) -> p.Limit:
    alert: tuple[Fraction, ...] | None = None
    refusals = []
    suspensions = []
    for one in block.consequences:
        names = tuple(word.text for word in one.names)
        match one.word:
            case "alert":
                alert = (*(alert or ()), *(level / 100 for level in one.levels))
            case "refuse":
                refusals.append(p.Refusal(names or None, one.status or 402))
            case "suspend":
                after = time_figure(one.after, "the time until a suspension", scope.inside(None)) if one.after else None
                suspensions.append(p.Suspension(names, after))
    return p.Limit(block.name, block.title, question, alert, tuple(refusals), tuple(suspensions), block.place)


def _consequences(block: n.LimitBlock, scope: Scope) -> list[UsageInfo]:
    """The usages that the limit refuses by name."""
    refused: list[UsageInfo] = []
    seen: dict[str, int] = {}
    for one in block.consequences:
        names = check_names(one.names, scope)
        for name in [usage.name for usage in names] or [""] * (one.word != "suspend"):
            key = f"{one.word} {name}".strip()
            if key in seen:
                scope.findings.add(codes.REPEATED, one.place, what="the consequence", name=key, line=seen[key])
            seen.setdefault(key, one.place.line)
        match one.word:
            case "refuse":
                refused += names
                if one.status not in STATUSES:
                    scope.findings.add(codes.BAD_STATUS, one.place, status=one.status)
            case "suspend":
                for usage in names:
                    if not usage.is_resource:
                        scope.findings.add(
                            codes.ACCOUNT_WORD,
                            one.place,
                            f"write `refuse {usage.name} with 402`",
                            what=f"`{usage.name}` does not run, so it cannot be suspended",
                        )
            case "alert":
                _levels(one, block.question, scope)
    return refused


def _levels(one: n.Consequence, question: n.Question | None, scope: Scope) -> None:
    if one.levels and question is not None and question.word in ("may fall to", "must be"):
        scope.findings.add(
            codes.ACCOUNT_WORD,
            one.place,
            "write `alert` alone, and a limit for each amount",
            what=f"a limit with `{question.word}` has no share to alert at",
        )
    elif any(not 0 < level <= 100 for level in one.levels):
        scope.findings.add(
            codes.ACCOUNT_WORD,
            one.place,
            "write one such as `80%`",
            what="an alert comes above 0% and at 100% at the latest",
        )
    elif list(one.levels) != sorted(set(one.levels)):
        scope.findings.add(
            codes.ACCOUNT_WORD, one.place, "write each once, the lowest first", what="the levels of an alert rise"
        )


_WORDS = {"may reach": "reach", "may not exceed": "exceed", "may fall to": "fall", "must be": "be"}


def _question(asked: n.Question, refused: list[UsageInfo], scope: Scope) -> p.Question | None:
    """The measure, its period, and a bound of the same unit. None where a finding says why not."""
    measured = _measure(asked, refused, scope)
    if measured is None:
        return None
    about = measured.about
    within = scope.inside(None, tuple(about))
    when = condition(asked.when, within) if asked.when is not None else None
    bound: ops.Expr | None = None
    values: tuple[str | bool | Fraction, ...] = ()
    each: ops.Period | None = None
    if asked.word == "must be":
        values = _values(asked, measured.type, scope)
    else:
        if not _window(asked, measured.counts, about, within) or asked.bound is None:
            return None
        each = period(asked.each, within) if asked.each is not None else None
        typed = limit_figure(asked.bound, within)
        if typed is None:
            return None
        check_keys(asked.bound, about, scope)
        if _fits(typed, measured.type, asked.bound, scope):
            _decides(asked, typed, scope)
        bound = typed.expr
    quiet = within.quiet()
    rolling = time_figure(asked.rolling, "", quiet) if asked.rolling is not None else None
    apart = [figure(node, quiet) for node in asked.apart]
    counted = about
    if isinstance(measured.measure, p.Quantity) and not refused:
        counted = [usage for usage in about if not usage.is_resource] or about
    if isinstance(measured.measure, p.Spend):
        counted = list(scope.usages.values())
    unit = measured.type.unit
    return p.Question(
        _WORDS[asked.word],
        measured.measure,
        tuple(usage.name for usage in counted),
        each,
        rolling,
        tuple(one.expr for one in apart if one is not None),
        bound,
        values,
        when,
        unit.name,
        unit.factor,
        asked.place,
    )


def _measure(asked: n.Question, refused: list[UsageInfo], scope: Scope) -> _Measured | None:
    """The type of what is measured, the usages it is about, and whether it counts over a period."""
    everyone = refused or list(scope.usages.values())
    if asked.running is not None:
        return _running(asked, asked.running, scope)
    assert asked.of is not None
    of = asked.of
    falls = asked.word == "may fall to"
    if isinstance(of, n.Name) and of.text in ("spend", "balance", "paid balance"):
        if falls != (of.text != "spend") or asked.word == "must be":
            word = "may reach" if of.text == "spend" else "may fall to"
            scope.findings.add(
                codes.ACCOUNT_WORD,
                asked.place,
                f"write `{of.text} {'' if falls else '… '}{word} …`"
                if of.text == "spend"
                else f"write `{of.text} may fall to …`",
                what=f"`{of.text} {asked.word}` asks nothing",
            )
            return None
        measure = p.Spend() if of.text == "spend" else p.Balance(of.text == "paid balance")
        return _Measured(Type("number", scope.money), everyone, of.text == "spend", measure)
    if isinstance(of, n.Name) and " " in of.text:
        what = f"`{of.text}` is nothing that can be limited"
        scope.findings.add(
            codes.ACCOUNT_WORD, of.place, "write `balance`, `paid balance`, `spend` or a quantity", what=what
        )
        return None
    if isinstance(of, n.Member):
        typed = figure(of, scope.inside(None, tuple(everyone)))
        if typed is None:
            return None
        if falls:
            scope.findings.add(codes.ACCOUNT_WORD, asked.place, "write `may not exceed`", what="only `balance` falls")
            return None
        check_keys(of, everyone, scope)
        if typed.type.kind != "number" and asked.word != "must be":
            scope.findings.add(
                codes.WRONG_KIND,
                of.place,
                what=f"`{of.of}.{of.name}`",
                kind=str(typed.type),
                expected="a number",
                advice="write `must be` and the values that are allowed",
            )
            return None
        return _Measured(typed.type, everyone, False, p.Figure(typed.expr))
    if asked.word in ("must be", "may fall to"):
        known = "a field of the account, such as `account.card`" if asked.word == "must be" else "`balance`"
        scope.findings.add(codes.ACCOUNT_WORD, asked.place, f"write {known}", what=f"`{asked.word}` asks about {known}")
        return None
    return _quantity(of, refused, scope)


def _running(asked: n.Question, name: n.Word, scope: Scope) -> _Measured | None:
    usage = scope.usages.get(name.text)
    if usage is None or not usage.is_resource:
        known = [one.name for one in scope.usages.values() if one.is_resource]
        scope.unknown("resource", name.text, name.place, known)
        return None
    if asked.word in ("must be", "may fall to"):
        scope.findings.add(
            codes.ACCOUNT_WORD,
            asked.place,
            "write `may not exceed` and a number",
            what=f"what runs is counted, and `{asked.word}` is not about counts",
        )
        return None
    if asked.of is None:
        return _Measured(Type("number", PLAIN), [usage], False, p.Running(usage.name, None))
    assert isinstance(asked.of, n.Name)
    info = usage.fields.get(asked.of.text)
    if info is None:
        scope.unknown(f"field of `{usage.name}`", asked.of.text, asked.of.place, usage.fields)
        return None
    if info.type.kind != "number":
        scope.findings.add(
            codes.WRONG_KIND,
            asked.of.place,
            what=f"`{asked.of.text}`",
            kind=str(info.type),
            expected="a quantity",
            advice="",
        )
        return None
    return _Measured(info.type, [usage], False, p.Running(usage.name, info.name))


def _quantity(of: n.Expr, refused: list[UsageInfo], scope: Scope) -> _Measured | None:
    """A quantity of the record, or a sum of them. It is about the usages that have them all."""
    names = _summed(of)
    if not names:
        scope.findings.add(
            codes.ACCOUNT_WORD,
            of.place,
            "write a quantity, or a sum such as `(input_tokens + output_tokens)`",
            what="a limit counts quantities and their sums",
        )
        return None
    known = sorted({name for usage in scope.usages.values() for name in usage.fields})
    missing = [name for name in names if name.text not in known]
    for name in missing:
        measures = ["spend", "balance", *known]
        scope.unknown("quantity to limit", name.text, name.place, measures)
    if missing:
        return None
    wanted = {name.text for name in names}
    for usage in refused:
        for name in names:
            if name.text not in usage.fields:
                scope.unknown(f"field of `{usage.name}`", name.text, name.place, usage.fields)
                return None
    about = refused or [usage for usage in scope.usages.values() if wanted <= set(usage.fields)]
    if not about:
        scope.findings.add(
            codes.ACCOUNT_WORD, of.place, "add up fields of one usage", what="no usage has all of these fields"
        )
        return None
    type: Type | None = None
    for usage in about:
        for name in names:
            found = usage.fields[name.text].type
            if found.kind != "number":
                scope.findings.add(
                    codes.WRONG_KIND,
                    name.place,
                    what=f"`{name.text}`",
                    kind=str(found),
                    expected="a quantity",
                    advice="",
                )
                return None
            if type is not None and not type.zero and not found.zero and type.unit.dims != found.unit.dims:
                scope.findings.add(
                    codes.UNIT_MIX, name.place, "count each in a limit of its own", left=str(type), right=str(found)
                )
                return None
            type = found if type is None or type.zero else type
    assert type is not None
    fields = tuple((1, ops.Field(name.text)) for name in names)
    return _Measured(type, about, True, p.Quantity(fields[0][1] if len(fields) == 1 else ops.Sum(fields)))


def _summed(node: n.Expr) -> list[n.Name]:
    match node:
        case n.Name():
            return [node]
        case n.Arithmetic() if all(sign == "+" for sign, _ in node.parts):
            parts = [_summed(part) for _, part in node.parts]
            return [name for part in parts for name in part] if all(parts) else []
    return []


def _window(asked: n.Question, counts: bool, about: list[UsageInfo], scope: Scope) -> bool:
    """The period, where what is asked counts over one; only there."""
    good = True
    if asked.each is not None:
        for node in asked.apart:
            check_keys(node, about, scope)
            if isinstance(node, n.Name) and (usage := next((u for u in about if node.text not in u.fields), None)):
                scope.unknown(f"field of `{usage.name}`", node.text, node.place, usage.fields)
                good = False
        good = good and period(asked.each, scope) is not None
    if asked.rolling is not None:
        good = time_figure(asked.rolling, "the time a limit looks back", scope) is not None
        for node in asked.apart:
            good = figure(node, scope) is not None and good
    windowed = asked.each is not None or asked.rolling is not None
    if counts and not windowed:
        scope.findings.add(
            codes.LIMIT_WINDOW,
            asked.place,
            "add a period such as `each day`, or `in any 60 seconds`",
            what="this counts over no period",
        )
        return False
    if windowed and not counts:
        scope.findings.add(
            codes.LIMIT_WINDOW,
            asked.place,
            "leave out the period",
            what="this is so at one moment, and is not counted over a period",
        )
        return False
    return good


def _fits(bound: Typed, type: Type, node: n.Expr, scope: Scope) -> bool:
    """Whether a bound has the unit of what is measured. A plain number counts requests, tokens and resources."""
    if bound.type.kind != "number" or (bound.type.percent and not type.percent):
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what="the bound of a limit",
            kind=str(bound.type),
            expected=str(type),
            advice="",
        )
        return False
    if bound.type.zero or type.zero or bound.type.unit.dims == type.unit.dims:
        return True
    if not bound.type.unit.dims and not _needs_unit(type.unit):
        return True
    if not bound.type.unit.dims:
        like = money_like(scope) if currencies_in(type.unit.dims) else f"10 {type.unit.plural}"
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what="the bound of a limit",
            kind="a plain number",
            expected=str(type),
            advice=f"write its unit, such as `{like}`",
        )
        return False
    scope.findings.add(
        codes.UNIT_MIX,
        node.place,
        f"write the bound in {type.unit.plural or 'plain numbers'}",
        left=str(type),
        right=str(bound.type),
    )
    return False


def _needs_unit(unit: Unit) -> bool:
    return bool(currencies_in(unit.dims)) or any(base in _OVER_TIME for base, _ in unit.dims)


def _decides(asked: n.Question, bound: Typed, scope: Scope) -> None:
    """A limit that is always or never met decides nothing. A figure that could not be read says nothing of it."""
    value = constant_value(bound.expr) if not bound.type.zero or isinstance(asked.bound, n.NoLimit) else None
    assert asked.bound is not None
    if is_unlimited(bound):
        scope.findings.add(
            codes.DECIDES_NOTHING,
            asked.bound.place,
            "delete it, or write a bound",
            what="a limit of `unlimited`",
            why="is never met",
        )
    elif value == Fraction(0) and asked.word == "may reach":
        scope.findings.add(
            codes.DECIDES_NOTHING,
            asked.bound.place,
            "write a bound above zero",
            what="this limit",
            why="is met before anything is used",
        )
    elif value == Fraction(0) and asked.word == "may not exceed":
        scope.findings.add(
            codes.DECIDES_NOTHING,
            asked.bound.place,
            "write a bound above zero",
            what="this limit",
            why="refuses everything",
        )


def _values(asked: n.Question, type: Type, scope: Scope) -> tuple[str | bool | Fraction, ...]:
    """`must be`: words of the field's type, and not all of them."""
    assert isinstance(asked.of, n.Member)
    name = f"{asked.of.of}.{asked.of.name}"
    values = [key_value(word.text, type, word.place, scope, name) for word in asked.values]
    everything: set[object] = {True, False} if type.kind == "truth" else set(type.choices)
    if None not in values and everything and set(values) >= everything and not type.optional:
        scope.findings.add(
            codes.DECIDES_NOTHING,
            asked.place,
            "leave out the values that are not allowed",
            what=f"`{name}`",
            why="is always one of these",
        )
    return tuple(value for value in values if value is not None)

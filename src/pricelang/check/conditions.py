"""Conditions: their words typed by the field they ask about, their dates turned into instants."""

from __future__ import annotations

import datetime
from fractions import Fraction

from pricelang.check.figures import adapt
from pricelang.check.figures import figure
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import Typed
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.period import known_zone
from pricelang.period import local_instant
from pricelang.period import start_of_day
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import is_money

_TRUTH = {"yes": True, "true": True, "no": False, "false": False}


def condition(node: n.Cond, scope: Scope) -> ops.Cond | None:
    """The core's condition for what was written, or None where a finding says why not."""
    match node:
        case n.Joined():
            parts = [condition(part, scope) for part in node.of]
            if any(part is None for part in parts):
                return None
            known = tuple(part for part in parts if part is not None)
            return ops.AnyOf(known) if node.word == "or" else ops.All(known)
        case n.Negated():
            inner = condition(node.of, scope)
            return ops.Not(inner) if inner is not None else None
        case n.Is():
            return _is(node, scope)
        case n.Given():
            return _given(node, scope)
        case n.Like():
            return _like(node, scope)
        case n.Range():
            return _range(node, scope)
        case n.During():
            if node.hours not in scope.hours:
                scope.unknown("block of hours", node.hours, node.place, scope.hours)
                return None
            return ops.During(node.hours)
        case n.Dates():
            return in_force(node, scope)


def _is(node: n.Is, scope: Scope) -> ops.Cond | None:
    typed = figure(node.of, scope)
    if typed is None:
        return None
    values: list[str | bool | Fraction] = []
    for word in node.values:
        value = key_value(word.text, typed.type, word.place, scope, _said(node.of))
        if value is None:
            return None
        values.append(value)
    found = ops.IsOneOf(typed.expr, tuple(values))
    if not node.negated:
        return found
    if isinstance(typed.expr, ops.Field | ops.Attribute) and typed.type.optional:
        # a field that is not given meets no condition but `is not given` (R23)
        return ops.All((ops.IsGiven(typed.expr), ops.Not(found)))
    return ops.Not(found)


def _said(node: n.Expr) -> str:
    match node:
        case n.Name():
            return node.text
        case n.Member():
            return f"{node.of}.{node.name}"
    return "this"


def key_value(text: str, type: Type, place: Place, scope: Scope, field: str) -> str | bool | Fraction | None:
    """A word read as a value of a field: in its unit, among its words; None with a finding."""
    match type.kind:
        case "text":
            return text
        case "choice":
            if text not in type.choices:
                scope.findings.add(
                    codes.UNKNOWN_VALUE, place, scope.nearest(text, type.choices), name=text, field=field, known=""
                )
                return None
            return text
        case "truth":
            if text.lower() not in _TRUTH:
                scope.findings.add(codes.UNKNOWN_VALUE, place, "write `yes` or `no`", name=text, field=field)
                return None
            return _TRUTH[text.lower()]
        case "date":
            try:
                datetime.date.fromisoformat(text)
            except ValueError:
                scope.findings.add(codes.BAD_DATE, place, text=text)
                return None
            return text
    value = number_of(text)
    if value is None:
        scope.findings.add(codes.WRONG_KIND, place, what=f"`{text}`", kind="a text", expected="a number", advice="")
        return None
    return value * type.unit.factor


def number_of(text: str) -> Fraction | None:
    """A number as people write it (`1,000`, `10K`, `20%` without its sign), or None."""
    scale = {"K": 3, "M": 6, "B": 9}
    body = text.strip().rstrip("%").strip()
    power = scale.get(body[-1:], 0)
    if power:
        body = body[:-1]
    groups = body.split(".")[0].split(",")
    grouped = all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3 and groups[0][0] != "0"
    if len(groups) > 1 and not grouped:
        return None
    body = body.replace(",", "")
    whole, _, decimals = body.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (decimals or "0").strip("0123456789") or len(body) > 40:
        return None
    if "." in body and not decimals:
        return None
    return Fraction(body) * Fraction(10) ** power


def _given(node: n.Given, scope: Scope) -> ops.Cond | None:
    typed = figure(node.of, scope)
    if typed is None:
        return None
    if not isinstance(typed.expr, ops.Field | ops.Attribute):
        scope.findings.add(
            codes.WRONG_KIND, node.place, what="this", kind="a calculation", expected="a field", advice=""
        )
        return None
    found = ops.IsGiven(typed.expr)
    return ops.Not(found) if node.negated else found


def _like(node: n.Like, scope: Scope) -> ops.Cond | None:
    typed = figure(node.of, scope)
    if typed is None:
        return None
    if typed.type.kind not in ("text", "choice"):
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what=f"`{_said(node.of)}`",
            kind=str(typed.type),
            expected="a text",
            advice="`like` compares texts",
        )
        return None
    found: ops.Cond = ops.IsLike(typed.expr, node.pattern.text)
    if node.negated:
        found = ops.Not(found)
        if isinstance(typed.expr, ops.Field | ops.Attribute) and typed.type.optional:
            return ops.All((ops.IsGiven(typed.expr), found))
    return found


def _range(node: n.Range, scope: Scope) -> ops.Cond | None:
    typed = figure(node.of, scope)
    if typed is None:
        return None
    if typed.type.kind != "number":
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what=f"`{_said(node.of)}`",
            kind=str(typed.type),
            expected="a number",
            advice="only numbers are above or below",
        )
        return None
    parts: list[ops.Cond] = []
    for bound, included, op in ((node.low, node.low_included, ">"), (node.high, node.high_included, "<")):
        if bound is None:
            continue
        edge = _edge(bound, typed, scope)
        if edge is None:
            return None
        parts.append(ops.Compare(typed.expr, op + ("=" if included else ""), edge.expr))
    return parts[0] if len(parts) == 1 else ops.All(tuple(parts))


def _edge(bound: n.Expr, typed: Typed, scope: Scope) -> Typed | None:
    edge = figure(bound, scope)
    if edge is None:
        return None
    if typed.type.percent and edge.type.percent:
        return edge
    if edge.type.bare and is_money(typed.type.unit.dims):
        return edge  # a plain number beside a field of money is an amount
    return adapt(edge, typed.type.unit, bound.place, scope)


def in_force(node: n.Dates, scope: Scope) -> ops.InForce | None:
    """Dates as a half-open range of instants: a day is inclusive, a time of day is not (R19)."""
    if any(word is not None and not word.text for word in (node.start, node.stop)):
        return None  # a date that does not exist, which the parser has said
    zone = node.zone or scope.zone
    if not known_zone(zone):
        scope.findings.add(codes.UNKNOWN_ZONE, node.place, name=zone)
        return None
    try:
        start = instant_of(node.start.text, zone) if node.start else None
        stop = None
        if node.stop is not None:
            if len(node.stop.text) == 10:
                day = datetime.date.fromisoformat(node.stop.text) + datetime.timedelta(days=1)
                stop = start_of_day(day, zone)
            else:
                stop = instant_of(node.stop.text, zone)
    except (ValueError, OverflowError):
        scope.findings.add(codes.BAD_DATE, node.place, text=(node.stop or node.start or n.Word("")).text)
        return None
    if start is not None and stop is not None and stop <= start:
        scope.findings.add(codes.DATES_REVERSED, node.place)
        return None
    return ops.InForce(start, stop)


def instant_of(text: str, zone: str) -> Fraction:
    """A local date, or a date and time, as an instant."""
    day = datetime.date.fromisoformat(text[:10])
    if len(text) == 10:
        return start_of_day(day, zone)
    hours, minutes, seconds = (*map(int, text[11:].split(":")), 0)[:3]
    if hours == 24 and not minutes and not seconds:
        return start_of_day(day + datetime.timedelta(days=1), zone)
    return local_instant(day, hours * 3600 + minutes * 60 + seconds, zone)


def exclude_each_other(left: ops.Cond | None, right: ops.Cond | None, hours: dict[str, ops.Hours]) -> bool:
    """Whether two conditions are plainly never both met: different words of one field, ranges or hours apart."""
    if left is None or right is None:
        return False
    if left == ops.Not(right) or right == ops.Not(left):
        return True
    if isinstance(left, ops.AnyOf):
        return all(exclude_each_other(one, right, hours) for one in left.of)
    if isinstance(right, ops.AnyOf):
        return all(exclude_each_other(left, one, hours) for one in right.of)
    if isinstance(left, ops.All):
        return any(exclude_each_other(one, right, hours) for one in left.of) or _ranges_apart(left, right)
    if isinstance(right, ops.All):
        return any(exclude_each_other(left, one, hours) for one in right.of) or _ranges_apart(right, left)
    match left, right:
        case ops.IsOneOf(of=a, values=v), ops.IsOneOf(of=b, values=w) if a == b:
            return not set(v) & set(w)
        case (ops.IsOneOf(of=a, values=v), ops.Not(of=ops.IsOneOf(of=b, values=w))) | (
            ops.Not(of=ops.IsOneOf(of=b, values=w)),
            ops.IsOneOf(of=a, values=v),
        ) if a == b:
            return set(v) <= set(w)
        case (ops.IsOneOf(of=a), ops.Not(of=ops.IsGiven(of=b))) | (
            ops.Not(of=ops.IsGiven(of=b)),
            ops.IsOneOf(of=a),
        ) if a == b:
            return True
        case ops.InForce(start=s, stop=e), ops.InForce(start=t, stop=f):
            return (e is not None and t is not None and e <= t) or (f is not None and s is not None and f <= s)
        case ops.During(hours=one), ops.During(hours=two):
            return one != two and one in hours and two in hours and _windows_apart(hours[one], hours[two])
        case ops.Compare(), ops.Compare():
            return _ranges_apart(ops.All((left,)), right)
    return False


def implies(one: ops.Cond, other: ops.Cond) -> bool:
    """Whether every record that meets one condition plainly meets the other."""
    if one == other:
        return True
    if isinstance(one, ops.AnyOf):
        return all(implies(part, other) for part in one.of)
    if isinstance(other, ops.All):
        return all(implies(one, part) for part in other.of)
    if isinstance(other, ops.AnyOf):
        return any(implies(one, part) for part in other.of)
    if isinstance(one, ops.All):
        return any(implies(part, other) for part in one.of)
    match one, other:
        case ops.IsOneOf(of=a, values=v), ops.IsOneOf(of=b, values=w) if a == b:
            return set(v) <= set(w)
        case ops.InForce(start=s, stop=e), ops.InForce(start=t, stop=f):
            starts = t is None or (s is not None and s >= t)
            return starts and (f is None or (e is not None and e <= f))
        case (
            ops.Compare(left=a, op=op, right=ops.Const(value=low)),
            ops.Compare(left=b, op=than, right=ops.Const(value=high)),
        ) if a == b and op[0] == than[0]:
            if low == high:
                return op == than or len(than) == 2
            return low > high if op[0] == ">" else low < high
    return False


def _ranges_apart(left: ops.All, right: ops.Cond) -> bool:
    parts = (*left.of, *(right.of if isinstance(right, ops.All) else (right,)))
    spans: dict[ops.Expr, list[ops.Compare]] = {}
    for part in parts:
        if isinstance(part, ops.Compare) and isinstance(part.right, ops.Const):
            spans.setdefault(part.left, []).append(part)
    for compares in spans.values():
        for one in compares:
            for two in compares:
                if one.op[0] == "<" and two.op[0] == ">":
                    high, low = one.right, two.right
                    assert isinstance(high, ops.Const)
                    assert isinstance(low, ops.Const)
                    if high.value < low.value or (high.value == low.value and (one.op == "<" or two.op == ">")):
                        return True
    return False


def _windows_apart(one: ops.Hours, two: ops.Hours) -> bool:
    if one.zone != two.zone:
        return False
    return not set(_minutes(one)) & set(_minutes(two))


def _minutes(hours: ops.Hours) -> list[tuple[int, int]]:
    """Each minute of the week that the hours cover, as (weekday, minute); seconds are widened to their minute."""
    found = []
    for window in hours.windows:
        stop = window.stop if window.stop > window.start else window.stop + 86400
        for day in window.days:
            for minute in range(window.start // 60, (stop + 59) // 60):
                found.append(((day + minute // 1440) % 7, minute % 1440))
    return found

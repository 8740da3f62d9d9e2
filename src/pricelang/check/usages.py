"""Usages, resources and the account: their fields, what includes what, what is computed."""

from __future__ import annotations

import datetime
from dataclasses import replace
from fractions import Fraction

from pricelang.check.conditions import key_value
from pricelang.check.figures import figure
from pricelang.check.figures import rest_expr
from pricelang.check.scope import RESERVED_FIELDS
from pricelang.check.scope import FieldInfo
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import UsageInfo
from pricelang.check.scope import builtin_fields
from pricelang.check.scope import field_type
from pricelang.check.written import written_number
from pricelang.core.program import Computed
from pricelang.core.program import Input
from pricelang.core.program import UsageType
from pricelang.core.program import Whole
from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.units import PERCENT
from pricelang.units import PLAIN
from pricelang.units import WHOLE
from pricelang.units import currencies_in

EVENT_WORDS = (
    *("signup", "set", "topup", "payment", "redeem", "subscribe", "start", "change", "stop", "authorize", "settle"),
    *("release", "refund", "correct", "clock", "bill", "account"),
)


def read_account(block: n.AccountBlock, scope: Scope, words: dict[str, tuple[str, ...]]) -> tuple[Input, ...]:
    """The account's fields: they go into the scope, and into the core."""
    inputs = []
    for decl in block.fields:
        if isinstance(decl, n.ComputedDecl):
            scope.findings.add(codes.OUT_OF_PLACE, decl.place, what="a computed field", advice="the account has none")
            continue
        if decl.may_change or decl.part_of or decl.counts:
            what = "`may change`" if decl.may_change else "`part of`" if decl.part_of else "a counted text"
            scope.findings.add(
                codes.OUT_OF_PLACE, decl.place, what=what, advice="a field of the account has a value only"
            )
        type = _type(decl, scope, words)
        if decl.name in scope.account:
            line = scope.account[decl.name].place.line
            scope.findings.add(codes.REPEATED, decl.place, what="the field", name=decl.name, line=line)
        if type is None:
            continue
        scope.account[decl.name] = FieldInfo(decl.name, type, decl.place)
        inputs.append(_input(decl, type, scope))
    return tuple(inputs)


def read_usage(block: n.UsageBlock, scope: Scope, words: dict[str, tuple[str, ...]]) -> None:
    """One usage or resource; it goes into the scope."""
    if block.name in EVENT_WORDS:
        scope.findings.add(codes.TAKEN_NAME, block.place, name=block.name, why="is the name of an event")
    if block.name in scope.usages:
        line = scope.usages[block.name].place.line
        scope.findings.add(codes.REPEATED, block.place, what="the usage", name=block.name, line=line)
        return
    info = UsageInfo(block.name, block.is_resource, builtin_fields(block.is_resource, block.place), block.place)
    scope.usages[block.name] = info
    within = scope.inside(info)
    inputs: list[Input] = []
    for decl in block.fields:
        if (
            decl.name in RESERVED_FIELDS
            or decl.name in ("requests",)
            or (block.is_resource and decl.name == "duration")
        ):
            scope.findings.add(codes.TAKEN_NAME, decl.place, name=decl.name, why="is there on every record already")
            continue
        if decl.name in info.fields:
            line = info.fields[decl.name].place.line
            scope.findings.add(codes.REPEATED, decl.place, what="the field", name=decl.name, line=line)
            continue
        if isinstance(decl, n.FieldDecl):
            type = _type(decl, scope, words)
            if type is None:
                # the name is known all the same, so that one mistake is one finding
                info.fields[decl.name] = FieldInfo(decl.name, Type("number", zero=True), decl.place)
                info.broken = True
                continue
            if decl.may_change and not block.is_resource:
                scope.findings.add(
                    codes.OUT_OF_PLACE,
                    decl.place,
                    what="`may change`",
                    advice="only what runs can change: declare a `resource`",
                )
            parts = tuple(word.text for word in decl.part_of)
            info.fields[decl.name] = FieldInfo(decl.name, type, decl.place, parts)
            inputs.append(_input(decl, type, scope))
    computed = []
    for decl in block.fields:
        if isinstance(decl, n.ComputedDecl) and decl.name not in info.fields:
            made = _computed(decl, within)
            if made is not None:
                computed.append(made)
    _check_parts(block, info, scope)
    wholes = []
    for name, inside in info.parts().items():
        if name in info.fields:
            wholes.append(Whole(name, tuple(inside), rest_expr(name, info.fields)))
    info.usage = UsageType(
        block.name, block.title, block.is_resource, tuple(inputs), tuple(computed), tuple(wholes), block.place
    )


def _computed(decl: n.ComputedDecl, scope: Scope) -> Computed | None:
    assert scope.usage is not None
    typed = figure(decl.of, scope)
    scope.usage.fields.setdefault(decl.name, FieldInfo(decl.name, Type("number", zero=True), decl.place, computed=True))
    if typed is None:
        return None
    if typed.type.kind != "number":
        scope.findings.add(
            codes.WRONG_KIND, decl.place, what="a computed field", kind=str(typed.type), expected="a number", advice=""
        )
        return None
    unit = typed.type.unit
    if decl.unit is not None:
        declared = PLAIN if decl.unit.text == "number" else scope.unit(decl.unit)
        if declared is None:
            return None
        if declared.dims != unit.dims:
            scope.findings.add(
                codes.UNIT_MIX,
                decl.unit.place,
                f"this comes to {Type('number', unit)}",
                left=str(Type("number", unit)),
                right=str(Type("number", declared)),
            )
            return None
        unit = declared
    info = FieldInfo(decl.name, Type("number", unit), decl.place, computed=True)
    scope.usage.fields[decl.name] = info
    return Computed(decl.name, typed.expr)


def _type(decl: n.FieldDecl, scope: Scope, words: dict[str, tuple[str, ...]]) -> Type | None:
    """The type of a field as declared."""
    match decl.kind:
        case "truth":
            return Type("truth", optional=decl.optional)
        case "choice":
            names = tuple(word.text for word in decl.choices)
            if len(names) == 1:
                if names[0] not in words:
                    scope.unknown("table", names[0], decl.place, words)
                    return None
                names = words[names[0]]
            elif len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                scope.findings.add(codes.REPEATED, decl.place, what="the value", name=twice, line=decl.place.line)
            return Type("choice", choices=names, optional=decl.optional)
        case "rate":
            assert decl.unit is not None
            assert decl.per is not None
            over, under = scope.unit(decl.unit), scope.unit(decl.per.unit)
            if over is None or under is None or not decl.per.count:
                return None
            unit = over / under
            unit = type(unit)(unit.dims, unit.factor / decl.per.count, unit.name)
            return Type("number", unit, optional=decl.optional)
        case "count":
            assert decl.unit is not None
            if decl.unit.text not in ("characters", "character"):
                scope.findings.add(
                    codes.SYNTAX,
                    decl.place,
                    what=f"only characters are counted, not {decl.unit.text}",
                    advice="write `characters of TEXT`",
                )
                return None
    assert decl.unit is not None
    plain = {
        "text": Type("text"),
        "number": Type("number", PLAIN),
        "date": Type("date"),
        "percent": Type("number", PERCENT, percent=True),
    }.get(decl.unit.text)
    if plain is not None:
        return Type(plain.kind, plain.unit, percent=plain.percent, optional=decl.optional)
    unit_found = scope.unit(decl.unit)
    if unit_found is None:
        return None
    money = currencies_in(unit_found.dims)
    if money and scope.currency and money != [scope.currency]:
        scope.findings.add(codes.CURRENCY_MIX, decl.unit.place, other=money[0], currency=scope.currency)
        return None
    whole = len(unit_found.dims) == 1 and unit_found.dims[0][0] in WHOLE and unit_found.factor == 1
    return Type("number", unit_found, optional=decl.optional, whole=whole)


def _input(decl: n.FieldDecl, type: Type, scope: Scope) -> Input:
    default: Fraction | str | bool | None = None
    if decl.default is not None:
        default = value_of(decl.default, type, scope, decl.name)
    counts = (decl.counts, not decl.without_spaces) if decl.counts else None
    return Input(decl.name, field_type(type), decl.optional, default, counts, decl.place, decl.may_change)


def value_of(word: n.Word, type: Type, scope: Scope, name: str) -> Fraction | str | bool | None:
    """A value as written beside a field's name: a number may carry its unit or its currency."""
    text = word.text
    if type.kind == "number":
        return written_number(word, type, scope)
    if type.kind == "date":
        try:
            return datetime.date.fromisoformat(text).isoformat()
        except ValueError:
            scope.findings.add(codes.BAD_DATE, word.place, text=text)
            return None
    return key_value(text, type, word.place, scope, name)


def _check_parts(block: n.UsageBlock, info: UsageInfo, scope: Scope) -> None:
    for decl in block.fields:
        if not isinstance(decl, n.FieldDecl):
            continue
        for word in decl.part_of:
            whole = info.fields.get(word.text)
            if whole is None:
                scope.unknown("field", word.text, word.place, [name for name in info.fields if name != decl.name])
                info.broken = True
            elif _includes(info, word.text, decl.name):
                scope.findings.add(codes.UNKNOWN_PART, word.place, name=decl.name)
                info.fields[decl.name] = replace(info.fields[decl.name], part_of=())
                info.broken = True
            elif whole.type.zero or info.fields[decl.name].type.zero:
                continue
            elif whole.type.unit.dims != info.fields[decl.name].type.unit.dims or whole.type.kind != "number":
                scope.findings.add(codes.PART_UNIT, word.place, name=decl.name, whole=word.text)
                info.fields[decl.name] = replace(info.fields[decl.name], type=Type("number", zero=True))
                info.broken = True


def _includes(info: UsageInfo, part: str, whole: str) -> bool:
    """Whether `part` is `whole` itself, or a part of it at any depth."""
    seen = {part}
    todo = [part]
    while todo:
        one = todo.pop()
        if one == whole:
            return True
        above = info.fields[one].part_of if one in info.fields else ()
        todo += [up for up in above if up not in seen]
        seen.update(above)
    return False

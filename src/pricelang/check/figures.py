"""Figures and calculations: their units proved, their values in base units."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pricelang.check.scope import FieldInfo
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import Typed
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import PERCENT
from pricelang.units import PLAIN
from pricelang.units import Unit
from pricelang.units import currencies_in
from pricelang.units import currency
from pricelang.units import find_unit

WITHOUT_LIMIT = Fraction(10) ** 60
"""`unlimited`, where something is limited: more than a record can hold."""
ZERO = Typed(ops.Const(Fraction(0)), Type("number", zero=True))


def figure(node: n.Expr, scope: Scope) -> Typed | None:
    """The core's expression for what was written, or None where a finding says why not."""
    match node:
        case n.Number():
            return _number(node, scope)
        case n.Money():
            code = scope.money_code(node.currency, node.place)
            return Typed(ops.Const(node.value), Type("number", currency(code))) if code else None
        case n.Percent():
            return Typed(ops.Const(node.value / 100), Type("number", PERCENT, percent=True))
        case n.Per():
            return _rate(node, scope)
        case n.Name():
            return _name(node, scope)
        case n.Member():
            return _member(node, scope)
        case n.RestOf():
            return _rest_of(node, scope)
        case n.ShareOf():
            of = figure(node.of, scope)
            if of is None or not _is_number(of, node.of.place, scope):
                return None
            return Typed(ops.Product((ops.Const(node.share), of.expr)), of.type)
        case n.Arithmetic():
            return _sum(node, scope) if node.parts[0][0] in "+-" else _product(node, scope)
        case n.Free():
            return ZERO
        case n.NoLimit():
            advice = "leave the step out, or write it in a cell of a table"
            scope.findings.add(codes.OUT_OF_PLACE, node.place, what="`unlimited`", advice=advice)
            return None


def _number(node: n.Number, scope: Scope) -> Typed | None:
    if node.unit is None:
        return Typed(ops.Const(node.value), Type("number", PLAIN, bare=True))
    unit = scope.unit(node.unit)
    if unit is None:
        return None
    return Typed(ops.Const(node.value * unit.factor), Type("number", unit))


def _rate(node: n.Per, scope: Scope) -> Typed | None:
    amount = figure(node.amount, scope)
    unit = scope.unit(node.size.unit)
    if amount is None or unit is None:
        return None
    if node.size.count == 0:
        scope.findings.add(codes.ZERO_SIZE, node.size.place, what="size")
        return None
    if amount.type.bare:
        scope.findings.add(codes.BARE_RATE, node.amount.place, like=f"$5 per {node.size.unit.text}")
        return None
    assert isinstance(amount.expr, ops.Const)
    value = amount.expr.value / (node.size.count * unit.factor)
    return Typed(ops.Const(value), Type("number", amount.type.unit / unit))


def _name(node: n.Name, scope: Scope) -> Typed | None:
    found = scope.field(node.text)
    line = scope.lines.get(node.text)
    if line is not None:
        return Typed(ops.LineValue(node.text), line)
    if found is None:
        advice = None
        if node.text in scope.account:
            advice = f"write `account.{node.text}`"
        elif node.text in scope.tables:
            advice = (
                f"write a column of the table, such as `{node.text}.{next(iter(scope.tables[node.text].columns), '…')}`"
            )
        elif find_unit(node.text, scope.units) is not None:
            advice = f"a rate is written with `per`, such as `$0.05 per {node.text}`"
        known = [*scope.field_names(), *scope.lines]
        advice = advice or scope.nearest(node.text, known)
        scope.findings.add(codes.UNKNOWN_NAME, node.place, advice, kind="field or line", name=node.text)
        return None
    if scope.usage is not None:
        scope.quantities_used.add((scope.usage.name, node.text))
    return Typed(ops.Field(node.text), found.type)


def _member(node: n.Member, scope: Scope) -> Typed | None:
    if node.of == "account":
        info = scope.account.get(node.name)
        if info is None:
            scope.unknown("field of the account", node.name, node.place, scope.account)
            return None
        return Typed(ops.Attribute(node.name), info.type)
    table = scope.tables.get(node.of)
    if table is None:
        scope.unknown("table", node.of, node.place, scope.tables)
        return None
    if not table.columns and table.node.header is None and table.node.csv is not None:
        return ZERO  # its file could not be read, and why was said
    if node.name not in table.columns:
        if table.broken:
            return ZERO
        if node.name in table.keys and scope.field(node.name) is not None:
            return _name(n.Name(node.name, node.place), scope)
        scope.unknown(f"column of `{node.of}`", node.name, node.place, [*table.columns])
        return None
    scope.cells_used.setdefault((node.of, node.name), node.place)
    if not scope.bounding:
        scope.cells_priced.setdefault((node.of, node.name), node.place)
    _check_keys(table.keys, table.band_key, node, scope)
    return Typed(ops.Cell(node.of, node.name), table.columns[node.name])


def _check_keys(keys: tuple[str, ...], band: int | None, node: n.Member, scope: Scope) -> None:
    """Each key of the table is a field of the record or of the account."""
    if scope.usage is None:
        return
    for index, key in enumerate(keys):
        if key in scope.usage.fields:
            scope.quantities_used.add((scope.usage.name, key))
        elif key not in scope.account and not scope.share_base:
            if index == band and scope.tables[node.of].band_unit is not None:
                continue
            known = [*scope.usage.fields, *scope.account]
            scope.findings.add(
                codes.KEY_NOT_A_FIELD, node.place, scope.nearest(key, known), key=key, what=f"`{scope.usage.name}`"
            )


def _rest_of(node: n.RestOf, scope: Scope) -> Typed | None:
    found = scope.field(node.name)
    if found is None or scope.usage is None:
        scope.unknown("field", node.name, node.place, scope.field_names())
        return None
    parts = [info for info in scope.usage.fields.values() if node.name in info.part_of]
    if not parts and scope.usage.broken:
        return Typed(ops.Field(node.name), found.type)
    if not parts:
        scope.findings.add(
            codes.UNKNOWN_NAME,
            node.place,
            f"declare one with `part of {node.name}`, or leave out `rest of`",
            kind="part of",
            name=node.name,
        )
        return None
    scope.quantities_used.add((scope.usage.name, node.name))
    return Typed(rest_expr(node.name, scope.usage.fields), found.type)


def rest_expr(whole: str, fields: Mapping[str, FieldInfo]) -> ops.Expr:
    """What is left of a whole without its parts: parts are apart, but for what is declared part of several (R22)."""
    direct = dict.fromkeys(name for name, info in fields.items() if whole in info.part_of)
    terms: list[tuple[int, ops.Expr]] = [(1, ops.Field(whole))]
    terms += [(-1, ops.Field(name)) for name in direct]
    for name, info in fields.items():
        shared = [part for part in info.part_of if part in direct]
        if len(shared) > 1:
            terms += [(1, ops.Field(name))] * (len(shared) - 1)
    return ops.Sum(tuple(terms))


def _is_number(typed: Typed, place: Place, scope: Scope) -> bool:
    if typed.type.kind != "number":
        scope.findings.add(codes.WRONG_KIND, place, what="this", kind=str(typed.type), expected="a number", advice="")
        return False
    return True


def _sum(node: n.Arithmetic, scope: Scope) -> Typed | None:
    found = [(sign, part, figure(part, scope)) for sign, part in node.parts]
    if any(typed is None or not _is_number(typed, part.place, scope) for _, part, typed in found):
        return None
    typed_parts = [(sign, part, typed) for sign, part, typed in found if typed is not None]
    lead = next((t.type for _, _, t in typed_parts if not t.type.bare and not t.type.zero), typed_parts[0][2].type)
    terms: list[tuple[int, ops.Expr]] = []
    if lead.percent or any(typed.type.percent for _, _, typed in typed_parts):
        plain = next((part for _, part, typed in typed_parts if not typed.type.percent and not typed.type.zero), None)
        if plain is not None:
            other = next((t.type for _, p, t in typed_parts if p is plain), lead)
            left, right = "a plain number" if not other.unit.dims else str(other), "a percentage"
            advice = "write it as a percentage: 1 is `100%`"
            if other.unit.dims:
                advice = "write it as a step of its own beneath, such as `plus $0.30`"
            scope.findings.add(codes.UNIT_MIX, plain.place, advice, left=left, right=right)
            return None
    for sign, part, typed in typed_parts:
        adapted = adapt(typed, lead.unit, part.place, scope)
        if adapted is None:
            return None
        terms.append((-1 if sign == "-" else 1, adapted.expr))
    if all(isinstance(term, ops.Const) for _, term in terms):
        total = sum((sign * term.value for sign, term in terms if isinstance(term, ops.Const)), Fraction(0))
        return Typed(ops.Const(total), lead)
    return Typed(ops.Sum(tuple(terms)), lead)


def _product(node: n.Arithmetic, scope: Scope) -> Typed | None:
    over: list[ops.Expr] = []
    under: list[ops.Expr] = []
    unit = PLAIN
    zero = bare = True
    for sign, part in node.parts:
        typed = figure(part, scope)
        if typed is None or not _is_number(typed, part.place, scope):
            return None
        zero = zero and typed.type.zero
        bare = bare and typed.type.bare
        (under if sign == "/" else over).append(typed.expr)
        plain = typed.type.unit if not typed.type.percent else PLAIN
        unit = unit / plain if sign == "/" else unit * plain
    expr: ops.Expr = ops.Product(tuple(over)) if len(over) != 1 else over[0]
    if under:
        expr = ops.Quotient(expr, ops.Product(tuple(under)) if len(under) > 1 else under[0])
    if not unit.dims:
        unit = PLAIN
    return Typed(expr, Type("number", unit, bare=bare, zero=zero))


def adapt(typed: Typed, unit: Unit, place: Place, scope: Scope) -> Typed | None:
    """A figure in the unit that is expected: a plain number takes it on; another unit is a finding."""
    if typed.type.kind != "number":
        scope.findings.add(
            codes.WRONG_KIND, place, what="this", kind=str(typed.type), expected=str(Type("number", unit)), advice=""
        )
        return None
    if typed.type.zero or (typed.type.unit.dims == unit.dims and not (typed.type.bare and unit.factor != 1)):
        return Typed(typed.expr, Type("number", unit))
    if typed.type.bare and not _has_money(unit):
        expr = typed.expr
        if isinstance(expr, ops.Const):
            expr = ops.Const(expr.value * unit.factor)
        else:
            expr = ops.Product((expr, ops.Const(unit.factor)))
        return Typed(expr, Type("number", unit))
    if typed.type.bare:
        advice = f"write it with its currency, such as `{scope.currency} 5`"
        expected = str(Type("number", unit))
        scope.findings.add(codes.WRONG_KIND, place, advice, what="this", kind="a plain number", expected=expected)
        return None
    scope.findings.add(
        codes.UNIT_MIX,
        place,
        f"write it in {Type('number', unit)}",
        left=str(typed.type),
        right=str(Type("number", unit)),
    )
    return None


def constant(node: n.Expr, scope: Scope, unit: Unit | None = None) -> Fraction | None:
    """The value of a figure that must be written out, in base units of the unit that is expected."""
    typed = figure(node, scope)
    if typed is None:
        return None
    if unit is not None:
        typed = adapt(typed, unit, node.place, scope)
        if typed is None:
            return None
    if not isinstance(typed.expr, ops.Const):
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what="this",
            kind="not a fixed figure",
            expected="a figure",
            advice="write the figure itself",
        )
        return None
    return typed.expr.value


def _has_money(unit: Unit) -> bool:
    return bool(currencies_in(unit.dims))


def limit_figure(node: n.Expr, scope: Scope) -> Typed | None:
    """A figure that limits something, and may come from a cell that says `unlimited`."""
    if isinstance(node, n.NoLimit):
        return Typed(ops.Const(WITHOUT_LIMIT), Type("number", zero=True))
    scope.bounding = True
    try:
        return figure(node, scope)
    finally:
        scope.bounding = False

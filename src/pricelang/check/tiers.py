"""`graduated` and `volume`: bands in the line or from a table."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.bands import Edges
from pricelang.check.bands import check_bands
from pricelang.check.bands import meet
from pricelang.check.bands import shown_edges
from pricelang.check.figures import constant
from pricelang.check.figures import figure
from pricelang.check.rates import State
from pricelang.check.rates import by_time_of
from pricelang.check.rates import not_priced_yet
from pricelang.check.rates import price
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import Typed
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.units import PLAIN
from pricelang.units import Unit
from pricelang.units import is_money


def tiers(
    step: n.StepDecl, state: State, scope: Scope, when: ops.Cond | None, each: ops.Period | None
) -> ops.Step | None:
    if not not_priced_yet(step, state, scope):
        return None
    made: tuple[ops.Band, ...] | ops.BandTable | None
    if step.columns:
        made = _band_table(step, state, scope)
        for band in step.bands:
            scope.findings.add(codes.OUT_OF_PLACE, band.place, what="a band", advice="the bands come from the table")
    else:
        made = _bands(step, state, scope)
    if made is None:
        return None
    state.unit, state.priced = scope.money, True
    if each is not None and step.word == "volume":
        state.volume = True
    return ops.Tiers(step.word == "graduated", made, each, when, step.place)


def _counted_unit(step: n.StepDecl, state: State, scope: Scope) -> Unit | None:
    """The unit of what tiers count: the quantity's, or for a resource's size that by time which its rates are per."""
    if not state.resource or state.has_time:
        return state.unit
    for band in step.bands:
        for node in (band.value, band.plus):
            if isinstance(node, n.Per):
                unit = scope.unit(node.size.unit)
                if unit is not None and by_time_of(unit, state.unit):
                    return unit
    for member in step.columns:
        info = scope.tables.get(member.of)
        if info is not None and member.name in info.columns:
            unit = scope.money / info.columns[member.name].unit
            base = by_time_of(unit, state.unit)
            if base is not None:
                return Unit(unit.dims, unit.factor, f"{state.unit.name}-{'hour' if base == 'second' else 'month'}")
    scope.findings.add(
        codes.NO_TIME,
        step.place,
        what="a resource",
        advice="write rates per time"
        + (f", such as `$5 per {per}-month`" if (per := state.unit.name).isalpha() else ""),
    )
    return None


def _bands(step: n.StepDecl, state: State, scope: Scope) -> tuple[ops.Band, ...] | None:
    if not step.bands:
        scope.findings.add(codes.NO_BANDS, step.place, word=step.word)
        return None
    counted = _counted_unit(step, state, scope)
    if counted is None:
        return None
    edges: list[Edges] = []
    for band in step.bands:
        low = constant(band.low, scope, counted) if band.low is not None else None
        high = constant(band.high, scope, counted) if band.high is not None else None
        if (band.low is not None and low is None) or (band.high is not None and high is None):
            return None
        edges.append(Edges(low, band.low_included, high, band.high_included, band.place))
    met = meet(edges)
    before = len(scope.findings.listed)
    shown = [shown_edges(edge, counted) for edge in met]
    check_bands(shown, scope.findings, counted.plural if counted.name else "", open_ends=True)
    good = len(scope.findings.listed) == before
    found: list[ops.Band] = []
    for band, edge in zip(step.bands, met, strict=True):
        values = _band_values(band, state, scope)
        if values is None:
            good = False
            continue
        low = edge.low if edge.low is not None else Fraction(0)
        found.append(ops.Band(low, edge.low_included, edge.high, edge.high_included, *values, band.place))
    return tuple(sorted(found, key=lambda band: (band.low, band.low_included))) if good else None


def _band_values(band: n.BandDecl, state: State, scope: Scope) -> tuple[ops.Expr | None, ops.Expr | None] | None:
    """The rate and the flat amount of a band; an amount that is per nothing is flat."""
    if band.value is None:
        return None, None
    rate: ops.Expr | None = None
    flat: ops.Expr | None = None
    for node in (band.value, band.plus):
        if node is None:
            continue
        typed = figure(node, scope)
        if typed is None:
            return None
        if typed.type.zero:
            rate = rate or typed.expr
        elif is_money(typed.type.unit.dims):
            flat = typed.expr
        else:
            unit = price(typed, node.place, state, scope)
            if unit is None:
                return None
            rate = typed.expr
    return rate, flat


def _band_table(step: n.StepDecl, state: State, scope: Scope) -> ops.BandTable | None:
    rate: str | None = None
    flat: str | None = None
    table = step.columns[0].of
    info = scope.tables.get(table)
    if info is None:
        scope.unknown("table", table, step.columns[0].place, scope.tables)
        return None
    if info.band_key is None:
        scope.findings.add(codes.NOT_A_BAND_TABLE, step.columns[0].place, name=table)
        return None
    for member in step.columns:
        if member.of != table:
            scope.findings.add(
                codes.WRONG_KIND,
                member.place,
                what=f"`{member.of}`",
                kind="another table",
                expected=f"`{table}`",
                advice="both columns stand in one table",
            )
            return None
        if member.name not in info.columns:
            scope.unknown(f"column of `{table}`", member.name, member.place, info.columns)
            return None
        scope.cells_used.setdefault((table, member.name), member.place)
        scope.cells_priced.setdefault((table, member.name), member.place)
        type = info.columns[member.name]
        if is_money(type.unit.dims) and not type.zero:
            flat = member.name
        else:
            unit = price(Typed(ops.Cell(table, member.name), type), member.place, state, scope)
            if unit is None:
                return None
            rate = member.name
    for index, key in enumerate(info.keys):
        if index != info.band_key and scope.field(key) is None and key not in scope.account:
            scope.findings.add(
                codes.KEY_NOT_A_FIELD,
                step.place,
                scope.nearest(key, scope.field_names()),
                key=key,
                what=f"`{scope.usage.name}`" if scope.usage else "this",
            )
            return None
    factor = Fraction(1)
    counted = _counted_unit(step, state, scope)
    if counted is None:
        return None
    if info.band_unit is None or info.band_unit == PLAIN:
        factor = counted.factor
    elif info.band_unit.dims != counted.dims:
        scope.findings.add(
            codes.UNIT_MIX,
            step.place,
            f"the bands of `{table}` are of {info.band_unit.plural}",
            left=str(Type("number", state.unit)),
            right=str(Type("number", info.band_unit)),
        )
        return None
    return ops.BandTable(table, rate, flat, factor)

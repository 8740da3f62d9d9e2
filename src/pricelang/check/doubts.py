"""What is allowed and yet doubtful: prices that round to nothing, endless decimals, steps without effect."""

from __future__ import annotations

import itertools
from fractions import Fraction

from pricelang.check.conditions import exclude_each_other
from pricelang.check.header import Header
from pricelang.check.measures import constant_value
from pricelang.check.prices import Lowered
from pricelang.check.scope import Scope
from pricelang.check.scope import UsageInfo
from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.diagnostics import codes
from pricelang.diagnostics.shown import amount
from pricelang.diagnostics.shown import counted
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import Unit

ZERO = Fraction(0)
_MONTHS = (28 * 86_400, 30 * 86_400, 31 * 86_400)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A rate as it can be: money per base unit, how many base units its own unit has, and how it is written."""

    rate: Fraction
    size: Fraction
    shown: str


def check_doubts(prices: list[Lowered], header: Header, scope: Scope) -> None:
    """Warnings about what a price does."""
    for lowered in prices:
        lines = {line.label: line for line in lowered.price.lines}
        for decl in lowered.node.lines:
            line = lines.get(decl.label.text)
            if line is None:
                continue
            within = scope.inside(lowered.usage)
            _rounds_to_nothing(line, decl, header, within)
            _endless(line, decl, lowered, header, within)
            _without_effect(line, lowered.price.when, lowered.usage, scope)
        _bounds(lowered.price.together, scope)


# --- rates ----------------------------------------------------------------------------------------


def _figures(line: Line, decl: n.LineDecl, scope: Scope) -> list[tuple[_Figure, int]]:
    """The rates that a line can be charged at, each with the position of its step."""
    found: list[tuple[_Figure, int]] = []
    nodes = {step.place: step for step in decl.steps}
    for position, step in enumerate(line.steps):
        match step:
            case ops.Rate():
                written = nodes.get(step.place)
                cases = {case.place: case.value for case in written.cases} if written is not None else {}
                for case in step.cases:
                    node = cases.get(case.place) or (written.amount if written is not None else None)
                    found += [(one, position) for one in _rates(case.rate, node, line, scope)]
            case ops.Tiers(bands=tuple() as bands):
                written = nodes.get(step.place)
                values = {band.place: band.value for band in written.bands} if written is not None else {}
                for band in bands:
                    found += [(one, position) for one in _rates(band.rate, values.get(band.place), line, scope)]
            case ops.Tiers(bands=ops.BandTable(table=table, rate=rate)) if rate is not None:
                found += [(one, position) for one in _cells(ops.Cell(table, rate), line, scope)]
    return found


def _rates(expr: ops.Expr | None, node: n.Expr | None, line: Line, scope: Scope) -> list[_Figure]:
    if isinstance(expr, ops.Cell):
        return _cells(expr, line, scope)
    value = constant_value(expr) if expr is not None else None
    if not value:
        return []
    if isinstance(node, n.Per):
        unit = scope.quiet().unit(node.size.unit)
        size = node.size.count * (unit.factor if unit is not None else 1)
        written = (
            amount(node.amount.value, scope.currency)
            if isinstance(node.amount, n.Money)
            else amount(value * size, scope.currency)
        )
        return [_Figure(value, size, f"{written} per {_size(node.size)}")]
    return [_Figure(value, line.factor, f"{amount(value * line.factor, scope.currency)} per {line.unit or 'unit'}")]


def _cells(cell: ops.Cell, line: Line, scope: Scope) -> list[_Figure]:
    """The cheapest figure of a column, for each way it divides."""
    info = scope.tables.get(cell.table)
    if info is None or info.table is None or cell.column not in info.columns:
        return []
    unit = info.columns[cell.column].unit
    per = f" per {unit.name.partition(' per ')[2]}" if " per " in unit.name else ""
    values = {
        value: info.table.rows[row].shown
        for layer in info.table.layers
        for (row, name), (value, _) in layer.cells.items()
        if name == cell.column and isinstance(value, Fraction) and value > 0
    }
    size = 1 / unit.factor if unit.factor else Fraction(1)
    return [
        _Figure(value, size, f"{amount(value * size, scope.currency)}{per}" + (f" of `{row}`" if row else ""))
        for value, row in sorted(values.items())
    ]


def _size(size: n.Size) -> str:
    if size.count == 1:
        return size.unit.text
    return f"{counted(size.count)} {size.unit.text}"


def _rounds_to_nothing(line: Line, decl: n.LineDecl, header: Header, scope: Scope) -> None:
    """The price of the rate's own unit is rounded to zero."""
    figures = _figures(line, decl, scope)
    for figure, position in figures:
        if figure.rate <= 0:
            continue
        price = figure.rate * figure.size
        for step in line.steps[position + 1 :]:
            if isinstance(step, ops.AtLeast | ops.Adjust) and not (isinstance(step, ops.Adjust) and step.share):
                price = ZERO  # an amount stands between, and is there for every record
                break
            if isinstance(step, ops.Round) and round_to(price, step.size, step.mode) == 0:
                scope.findings.add(codes.ROUNDS_TO_ZERO, step.place, what=figure.shown)
                return
        if price and line.charged and header.round_line is not None:
            rounding = header.round_line
            if round_to(price, rounding.size, rounding.mode) == 0:
                scope.findings.add(codes.ROUNDS_TO_ZERO, rounding.place, what=figure.shown)
                return


# --- endless decimals -----------------------------------------------------------------------------


def _endless(line: Line, decl: n.LineDecl, lowered: Lowered, header: Header, scope: Scope) -> None:
    """A smallest quantity times its rate has repeating decimals, and no rounding stands below."""
    if not line.charged or header.round_line or header.round_charge or header.round_bill:
        return
    if any(isinstance(step, ops.Round) for step in lowered.price.together):
        return
    for figure, position in _figures(line, decl, scope):
        if any(isinstance(step, ops.Round) for step in line.steps[position:]):
            continue
        for granule, shown in _granules(line, position, lowered.usage, scope):
            if not _ends(granule * figure.rate):
                scope.findings.add(
                    codes.ENDLESS_DECIMALS,
                    line.place,
                    f"add `rounded to 0.000001 {scope.currency}, half even`",
                    what=f"{shown} at {figure.shown}",
                )
                return


def _granules(line: Line, position: int, usage: UsageInfo, scope: Scope) -> list[tuple[Fraction, str]]:
    """The smallest quantities that reach a rate, in base units, and in words."""
    for step in reversed(line.steps[:position]):
        match step:
            case ops.Packages():
                return [(Fraction(1), "a package")]
            case ops.RoundUp() if step.moves_end or line.by_time is None:
                size = constant_value(step.size)
                if size is None:
                    return []
                if line.by_time == "month":
                    return [(size / days, "a step") for days in _MONTHS]
                if step.moves_end:
                    return [(size, f"{counted(size)} seconds")]
                return [(size, f"{counted(size / line.factor)} {_plural(line)}")]
    if line.by_time == "month":
        return [(Fraction(1, days), "a second of a month") for days in _MONTHS]
    if line.by_time == "second":
        return [(Fraction(1), "1 second")]
    return [
        (granule, f"{counted(granule / unit.factor)} {unit.name}".strip())
        for granule, unit in _smallest(line.of, usage, scope)
    ]


def _plural(line: Line) -> str:
    return Unit((), Fraction(1), line.unit).plural if line.unit else "units"


def _smallest(expr: ops.Expr, usage: UsageInfo, scope: Scope) -> list[tuple[Fraction, Unit]]:
    """One of each field's own unit, as far as that is plain: fields, their sums and their products with figures."""
    match expr:
        case ops.Field():
            info = usage.fields.get(expr.name)
            if info is None or info.computed or info.type.kind != "number":
                return []
            return [(info.type.unit.factor, info.type.unit)]
        case ops.Sum():
            return [one for _, term in expr.terms for one in _smallest(term, usage, scope)]
    return []


def _ends(value: Fraction) -> bool:
    return "/" not in decimal_text(value)


# --- steps without effect -------------------------------------------------------------------------


def _without_effect(line: Line, when: ops.Cond | None, usage: UsageInfo, scope: Scope) -> None:
    """Conditions that can never hold or always do, and steps that change nothing."""
    if line.when is not None:
        if exclude_each_other(line.when, when, scope.hours):
            _say(line.place, "the condition of this line", "can never hold under that of its `price`", scope)
        else:
            _condition(line.when, line.place, usage, scope)
    for step in line.steps:
        asked = getattr(step, "when", None)
        if asked is not None:
            if exclude_each_other(asked, line.when, scope.hours) or exclude_each_other(asked, when, scope.hours):
                _say(step.place, "the condition of this step", "can never hold here", scope)
            else:
                _condition(asked, step.place, usage, scope)
        if isinstance(step, ops.Rate):
            for case in step.cases:
                if case.when is not None:
                    _condition(case.when, case.place, usage, scope)
        match step:
            case ops.Adjust() if constant_value(step.by) == 0:
                _say(step.place, "this step", "adds and takes off nothing", scope)
            case ops.AtLeast() if constant_value(step.bound) == 0 and not _can_fall_below(line, step):
                _say(step.place, "a minimum of nothing", "changes nothing", scope)
            case ops.RoundUp() if constant_value(step.size) == 1 and _whole(line.of, usage) and not step.moves_end:
                _say(step.place, "this step", "rounds whole numbers up to whole numbers", scope)
    _bounds(line.steps, scope)


def _can_fall_below(line: Line, step: ops.Step) -> bool:
    """Whether something above a step can leave less than nothing: `less`, a credit of a volume band, a difference."""
    above = line.steps[: line.steps.index(step)]
    taken = any(isinstance(one, ops.Adjust) and (one.sign < 0 or not isinstance(one.by, ops.Const)) for one in above)
    credited = any(isinstance(one, ops.Tiers) and not one.graduated for one in above)
    return taken or credited or not isinstance(line.of, ops.Field | ops.Const | ops.Cell)


def _whole(expr: ops.Expr, usage: UsageInfo) -> bool:
    info = usage.fields.get(expr.name) if isinstance(expr, ops.Field) else None
    return info is not None and info.type.whole


def _bounds(steps: tuple[ops.Step, ...], scope: Scope) -> None:
    """A minimum above the maximum beside it, and a rounding of what is round already."""
    for above, step in itertools.pairwise(steps):
        if getattr(above, "when", None) is not None or getattr(step, "when", None) is not None:
            continue
        match above, step:
            case (ops.AtLeast() as least, ops.AtMost() as most) if least.each == most.each:
                one, two = constant_value(least.bound), constant_value(most.bound)
                if one is not None and two is not None and one > two and least.moves_end == most.moves_end:
                    _say(step.place, "with this maximum", "the minimum above decides nothing", scope)
            case (ops.AtMost() as most, ops.AtLeast() as least) if least.each == most.each:
                one, two = constant_value(least.bound), constant_value(most.bound)
                if one is not None and two is not None and one > two and least.moves_end == most.moves_end:
                    _say(step.place, "with this minimum", "the maximum above decides nothing", scope)
            case (ops.Round() as first, ops.Round() as second) if (first.size / second.size).denominator == 1:
                _say(second.place, "this rounding", "meets only what is rounded to it already", scope)


def _condition(when: ops.Cond, place: Place, usage: UsageInfo, scope: Scope) -> None:
    """A condition that is plainly always or never met."""
    match when:
        case ops.All() | ops.AnyOf():
            for index, one in enumerate(when.of):
                before = when.of[:index] if isinstance(when, ops.All) else ()
                if any(exclude_each_other(one, two, scope.hours) for two in before):
                    _say(place, "this condition", "can never hold", scope)
                    return
            for one in when.of:
                _condition(one, place, usage, scope)
        case ops.Not():
            _condition(when.of, place, usage, scope)
        case ops.Compare(left=ops.Field(), right=ops.Const(value=value)) if value <= 0:
            if when.op == ">=" or when.op == "<" or value < 0:
                word = "always holds" if when.op[0] == ">" else "can never hold"
                _say(place, "this condition", f"{word}: quantities are never negative", scope)
        case ops.IsOneOf():
            info = usage.fields.get(when.of.name) if isinstance(when.of, ops.Field) else None
            if isinstance(when.of, ops.Attribute):
                info = scope.account.get(when.of.name)
            if info is None or info.type.optional:
                return
            everything: set[object] = {True, False} if info.type.kind == "truth" else set(info.type.choices)
            if everything and set(when.values) >= everything:
                _say(place, "this condition", f"always holds: `{info.name}` has no other values", scope)


def _say(place: Place, what: str, why: str, scope: Scope) -> None:
    scope.findings.add(codes.NEVER_MATTERS, place, what=what, why=why)

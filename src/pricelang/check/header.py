"""The header, declared units and hours."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.figures import constant
from pricelang.check.figures import figure
from pricelang.check.scope import PERIODS
from pricelang.check.scope import Scope
from pricelang.check.scope import Typed
from pricelang.core import ops
from pricelang.core.policy import Length
from pricelang.diagnostics import codes
from pricelang.period import Window
from pricelang.period import known_zone
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import CURRENCIES
from pricelang.units import CURRENCY_ALIASES
from pricelang.units import MONTH
from pricelang.units import SECOND
from pricelang.units import Unit
from pricelang.units import find_unit

MODES = ("half up", "half even", "half down", "up", "down")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(slots=True)
class Header:
    """What the ruleset's first block says."""

    bill: str = "month"
    round_line: ops.Round | None = None
    round_charge: ops.Round | None = None
    round_bill: ops.Round | None = None
    show_to: Fraction | None = None
    show_place: Place | None = None
    late: Length | None = None


def read_header(block: n.RulesetBlock, scope: Scope) -> Header:
    """Currency and zone go into the scope; the rest is returned."""
    header = Header()
    seen: dict[str, int] = {}
    for setting in block.settings:
        key = setting.kind + (setting.word if setting.kind == "round" else "")
        if key in seen:
            scope.findings.add(codes.REPEATED, setting.place, what="the setting", name=setting.kind, line=seen[key])
        seen[key] = setting.place.line
    for setting in block.settings:
        if setting.kind == "currency":
            code = CURRENCY_ALIASES.get(setting.word, setting.word)
            if code not in CURRENCIES:
                scope.findings.add(codes.UNKNOWN_CURRENCY, setting.place, name=setting.word)
                code = "USD"
            scope.currency = code
        elif setting.kind == "timezone":
            if known_zone(setting.word):
                scope.zone = setting.word
            else:
                scope.findings.add(codes.UNKNOWN_ZONE, setting.place, name=setting.word)
    for setting in block.settings:
        match setting.kind:
            case "bill":
                word = setting.word.removesuffix(" from signup")
                period = period_word(n.Word(word, setting.place), scope)
                header.bill = setting.word if period else "month"
            case "round" if isinstance(setting.value, n.RoundSpec):
                spec = rounding(setting.value, scope)
                if spec is None:
                    continue
                step = ops.Round(spec[0], spec[1], None, setting.place)
                match setting.word:
                    case "line" | "lines":
                        header.round_line = step
                    case "charge" | "charges":
                        header.round_charge = step
                    case "bill" | "bills":
                        header.round_bill = step
                    case _:
                        scope.unknown("thing to round", setting.word, setting.place, ("line", "charge", "bill"))
            case "late" if setting.value is not None and not isinstance(setting.value, n.RoundSpec):
                _late(setting.value, header, scope)
            case "show" if setting.value is not None and not isinstance(setting.value, n.RoundSpec):
                header.show_to = constant(setting.value, scope, scope.money)
                header.show_place = setting.place
    return header


def _late(node: n.Expr, header: Header, scope: Scope) -> None:
    """How long late usage is accepted: a length of time."""
    typed = figure(node, scope)
    if typed is None:
        return
    if typed.type.unit.dims not in (SECOND.dims, MONTH.dims) or not isinstance(typed.expr, ops.Const):
        scope.findings.add(
            codes.WRONG_KIND,
            node.place,
            what="how long late usage is accepted",
            kind=str(typed.type),
            expected="a length of time",
            advice="write one such as `3 days`",
        )
    else:
        header.late = length_of(typed)


def length_of(typed: Typed) -> Length:
    """A length of time as the core has it."""
    if typed.type.unit.dims == MONTH.dims:
        return Length(typed.expr, "month")
    return Length(typed.expr, "day" if typed.type.unit.name in ("day", "week") else "second")


def read_units(blocks: list[n.UnitBlock], scope: Scope) -> None:
    """Declared units, each worth an amount of another one or of money, or a measure of its own."""
    for block in sorted(blocks, key=lambda one: one.equals is not None):  # a worth may name a unit declared below
        if find_unit(block.name, scope.units) is not None:
            scope.findings.add(codes.TAKEN_NAME, block.place, name=block.name, why="is a unit already")
            continue
        if block.equals is None:
            scope.units[block.name] = Unit(((block.name, 1),), Fraction(1), block.name)
            continue
        typed = figure(block.equals, scope)
        if typed is None:
            continue
        if not isinstance(typed.expr, ops.Const) or typed.type.kind != "number" or typed.type.bare:
            scope.findings.add(
                codes.WRONG_KIND,
                block.place,
                what="the worth of a unit",
                kind="not an amount",
                expected="an amount such as `0.01 USD`",
                advice="",
            )
            continue
        if typed.expr.value <= 0:
            scope.findings.add(codes.ZERO_SIZE, block.place, what="unit")
            continue
        if not Fraction(1, 10**40) <= typed.expr.value <= 10**40:
            scope.findings.add(codes.NUMBER_TOO_LONG, block.place, most=40)
            scope.units[block.name] = Unit(typed.type.unit.dims, Fraction(1), block.name)
            continue
        scope.units[block.name] = Unit(typed.type.unit.dims, typed.expr.value, block.name)


def read_hours(blocks: list[n.HoursBlock], scope: Scope) -> None:
    """Windows of local time, none of which may cover a time twice."""
    for block in blocks:
        zone = block.zone or scope.zone
        if not known_zone(zone):
            scope.findings.add(codes.UNKNOWN_ZONE, block.place, name=zone)
            zone = "UTC"
        windows: list[Window] = []
        covered: set[tuple[int, int]] = set()
        for decl in block.windows:
            days = _days(decl, scope)
            for start, stop in decl.spans:
                if start >= 86400 or (start == stop):
                    scope.findings.add(
                        codes.SYNTAX,
                        decl.place,
                        what="these hours have no length",
                        advice="write the start and the end, such as `22:00 to 06:00`",
                    )
                    continue
                window = Window(days, start, stop)
                seconds = _seconds_covered(window)
                if any(_overlaps(span, covered) for span in seconds):
                    scope.findings.add(codes.WINDOW_OVERLAP, decl.place)
                covered.update(seconds)
                windows.append(window)
        if not block.windows:
            scope.findings.add(
                codes.EMPTY_BLOCK,
                block.place,
                what=f"`hours {block.name}`",
                advice="add a line such as `Monday to Friday  00:00 to 06:00`",
            )
        scope.hours[block.name] = ops.Hours(block.name, zone, tuple(windows), block.place)


def _days(decl: n.WindowDecl, scope: Scope) -> tuple[int, ...]:
    if not decl.days:
        return tuple(range(7))
    found: list[int] = []
    for word in decl.days:
        name = word.text.lower()
        match = next((i for i, day in enumerate(DAYS) if name in (day, day[:3], day + "s")), None)
        if name in ("weekdays", "weekday") and not decl.run:
            found.extend(range(5))
        elif name in ("weekends", "weekend") and not decl.run:
            found.extend((5, 6))
        elif match is None:
            scope.unknown("day of the week", word.text, word.place, [day.capitalize() for day in DAYS])
        else:
            found.append(match)
    if decl.run and len(found) == 2:
        first, last = found
        return tuple((first + step) % 7 for step in range((last - first) % 7 + 1))
    return tuple(dict.fromkeys(found)) or (0,)


def _seconds_covered(window: Window) -> list[tuple[int, int]]:
    """Spans of seconds of the week."""
    stop = window.stop if window.stop > window.start else window.stop + 86400
    spans = []
    for day in window.days:
        first, last = day * 86400 + window.start, day * 86400 + stop
        if last > 7 * 86400:
            spans += [(first, 7 * 86400), (0, last - 7 * 86400)]
        else:
            spans.append((first, last))
    return spans


def _overlaps(span: tuple[int, int], covered: set[tuple[int, int]]) -> bool:
    return any(span[0] < stop and start < span[1] for start, stop in covered)


def rounding(spec: n.RoundSpec, scope: Scope, unit: Unit | None = None) -> tuple[Fraction, str] | None:
    """The size and the mode of a rounding."""
    size = constant(spec.to, scope, unit or scope.money)
    if size is None:
        return None
    if size <= 0:
        scope.findings.add(codes.ZERO_SIZE, spec.place, what="rounding step")
        return None
    if not spec.mode:
        scope.findings.add(
            codes.UNKNOWN_MODE,
            spec.place,
            "add a comma and `half up`, `half even`, `up` or `down`",
            what="the rounding does not say which way",
        )
        return None
    if spec.mode not in MODES:
        scope.findings.add(codes.UNKNOWN_MODE, spec.place, what=f"`{spec.mode}` is not a way to round")
        return None
    return size, spec.mode


def period_word(word: n.Word, scope: Scope) -> str | None:
    """A calendar period that a word names."""
    name = word.text.removesuffix("s") if word.text not in PERIODS else word.text
    if name not in PERIODS:
        scope.findings.add(codes.UNKNOWN_PERIOD, word.place, name=word.text, known=", ".join(f"`{p}`" for p in PERIODS))
        return None
    return name

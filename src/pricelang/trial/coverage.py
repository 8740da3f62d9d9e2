"""What of a ruleset its examples touch, and what none of them does: points, counted by kind, with their places.

A point is touched as the engine's trace tells it (`watch.py`): a cell that gave its value, a step that changed what
was there, a condition that was met and one that was not, a limit that refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from pricelang.core import ops
from pricelang.core.policy import Limit
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.engine.record import name_of
from pricelang.number import decimal_text
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.trial.edges import nodes_in
from pricelang.trial.watch import Key
from pricelang.trial.watch import Watch

KINDS = {
    "row": "rows",
    "layer": "layers",
    "cell": "cells",
    "price": "prices",
    "line": "lines",
    "case": "cases",
    "band": "bands",
    "step": "steps",
    "condition": "conditions",
    "hours": "hours",
    "allowance": "allowances",
    "fee": "fees",
    "grant": "grants",
    "package": "top-up packages",
    "refill": "refills",
    "refusal": "refusals",
    "suspension": "suspensions",
    "alert": "alerts",
    "bill": "steps of the bill",
}
"""The kinds of points, with the plural, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that an example may touch. `any_of`: it is touched when one of these is; `within`: it is told of that
    one where that one is not touched either."""

    kind: str
    what: str
    place: Place
    any_of: tuple[Key, ...]
    within: Point | None = None


@dataclass(slots=True)
class Coverage:
    """The points of one program, and which of them its examples touch."""

    points: list[Point]
    touched: set[Key]

    def is_touched(self, point: Point) -> bool:
        return any(key in self.touched for key in point.any_of)

    @property
    def missed(self) -> list[Point]:
        """What no example touches, in order of place; what is part of something that is missed as a whole is left
        to that."""
        found = [one for one in self.points if not self.is_touched(one)]
        whole = {id(one) for one in found}
        found = [one for one in found if one.within is None or id(one.within) not in whole]
        return sorted(found, key=lambda one: (one.place.path, one.place.line, one.place.column))

    def counts(self) -> dict[str, tuple[int, int]]:
        """For each kind how many points are touched, of how many."""
        found: dict[str, tuple[int, int]] = {}
        for kind in KINDS:
            mine = [one for one in self.points if one.kind == kind]
            if mine:
                found[kind] = sum(map(self.is_touched, mine)), len(mine)
        return found

    @property
    def total(self) -> tuple[int, int]:
        """Points that are touched, of how many."""
        return sum(map(self.is_touched, self.points)), len(self.points)

    @property
    def percent(self) -> int:
        """Whole percents, rounded down; all of nothing is 100."""
        touched, total = self.total
        return 100 * touched // total if total else 100


def coverage_of(program: Program, watch: Watch) -> Coverage:
    """What the examples that were watched touch."""
    touched = {key for keys in watch.by_example.values() for key in keys}
    return Coverage(list(points_of(program)), touched)


def points_of(program: Program) -> Iterator[Point]:
    """Everything in a program that an example can touch."""
    used = used_columns(program)
    for table in program.tables.values():
        yield from _table(table, used.get(table.name, set()))
    named = [price.usage for price in program.prices]
    for price in program.prices:
        yield from _price(price, named.count(price.usage) > 1)
    for name, hours in program.hours.items():
        if any(isinstance(one, ops.During) and one.hours == name for one in nodes_in((program.prices, program.tables))):
            yield Point("hours", f"within hours `{name}`", hours.place, (("hours", name, True),))
            yield Point("hours", f"outside hours `{name}`", hours.place, (("hours", name, False),))
    for allowance in program.allowances.values():
        name = allowance.name
        yield Point("allowance", f"allowance `{name}`: units taken", allowance.place, (("allowance", name),))
        yield Point("allowance", f"allowance `{name}`: used up", allowance.place, (("allowance", name, "used up"),))
    if program.round_charge is not None:
        yield _step(program.round_charge, "rounding of each charge")
    if program.round_line is not None:
        yield _step(program.round_line, "rounding of each line")
    yield from _policy(program)


def used_columns(program: Program) -> dict[str, set[str]]:
    """For each table the columns that anything asks for."""
    used: dict[str, set[str]] = {}
    for one in nodes_in((program.prices, program.policy, program.allowances, program.tables, program.usages)):
        if isinstance(one, ops.Cell):
            used.setdefault(one.table, set()).add(one.column)
        elif isinstance(one, ops.BandTable):
            used.setdefault(one.table, set()).update(name for name in (one.rate, one.flat) if name is not None)
    for table in program.tables.values():
        mine = used.setdefault(table.name, set())
        shares = [(column, value.column) for layer in table.layers for (_, column), (value, _) in layer.cells.items()
                  if isinstance(value, Share)]  # fmt: skip
        for _ in table.columns:  # a share may be of a share
            mine |= {of for column, of in shares if column in mine}
    return used


def _table(table: Table, used: set[str]) -> Iterator[Point]:
    """Rows, layers and cells of the columns that are asked for."""
    keys: dict[int, list[Key]] = {}
    by_layer: dict[int, list[Key]] = {}
    for number, layer in enumerate(table.layers):
        for row, column in layer.cells:
            if column in used:
                key: Key = ("cell", table.name, id(layer), row, column)
                keys.setdefault(row, []).append(key)
                by_layer.setdefault(number, []).append(key)
    rows = {}
    for row, mine in keys.items():
        one = table.rows[row]
        rows[row] = Point("row", f"row `{one.shown}` of {table.name}", one.place, tuple(mine))
        yield rows[row]
    for number, layer in enumerate(table.layers):
        if number not in by_layer:
            continue
        whole: Point | None = None
        if layer.rank and layer.place is not None:
            said = f' "{layer.name}"' if layer.name else ""
            whole = Point("layer", f"`{layer.shown}`{said} of {table.name}", layer.place, tuple(by_layer[number]))
            yield whole
        for (row, column), (_, place) in layer.cells.items():
            if column in used:
                what = f"{column} of `{table.rows[row].shown or table.name}`" + (f", {layer.shown}" if whole else "")
                key = ("cell", table.name, id(layer), row, column)
                within = whole if layer.rank else rows[row]
                yield Point("cell", what, place, (key,), within)


def _price(price: Price, one_of_many: bool) -> Iterator[Point]:
    whole: Point | None = None
    if one_of_many or price.when is not None:
        whole = Point("price", f"price {price.usage}", price.place, (("price", id(price)),))
        yield whole
        if price.when is not None and not one_of_many:
            yield Point("condition", f"price {price.usage}: its condition not met", price.place, (_no(price.when),))
    for line in price.lines:
        yield from _line(price, line, whole)
    for step in price.together:
        yield from _steps(f"price {price.usage}", step, whole)


def _line(price: Price, line: Line, whole: Point | None) -> Iterator[Point]:
    name = f"line `{line.label}` of {price.usage}"
    own = Point("line", name, line.place, (("line", id(line)),), whole)
    yield own
    if line.when is not None:
        yield Point("condition", f"{name}: its condition not met", line.place, (_no(line.when),), own)
    for step in line.steps:
        yield from _steps(name, step, own)


def _steps(name: str, step: ops.Step, own: Point | None) -> Iterator[Point]:
    if isinstance(step, ops.Rate):
        if len(step.cases) > 1 or step.cases[0].when is not None:
            for number, case in enumerate(step.cases):
                yield Point("case", f"{name}: case {number + 1}", case.place, (("case", id(case)),), own)
    elif isinstance(step, ops.Tiers):
        if isinstance(step.bands, tuple):
            for number, band in enumerate(step.bands):
                yield Point("band", f"{name}: band {number + 1}", band.place, (("band", id(band)),), own)
    elif not isinstance(step, ops.Beyond):
        yield _step(step, f"{name}: {word_of(step)} changes something", own)
    when: ops.Cond | None = getattr(step, "when", None)
    if when is not None:
        yield Point(
            "condition", f"{name}: condition of {word_of(step)} met", step.place, (("cond", id(when), True),), own
        )
        yield Point("condition", f"{name}: condition of {word_of(step)} not met", step.place, (_no(when),), own)


def _step(step: ops.Step, what: str, own: Point | None = None) -> Point:
    return Point("step", what, step.place, (("step", id(step)),), own)


def _no(when: ops.Cond) -> Key:
    return ("cond", id(when), False)


def word_of(step: ops.Step) -> str:
    """A step by its word."""
    match step:
        case ops.AtLeast():
            return "`at least`"
        case ops.AtMost():
            return "`at most`"
        case ops.RoundUp():
            return "`in steps of`"
        case ops.Packages():
            return "`in packages of`"
        case ops.Adjust():
            return f'"{step.name}"' if step.name else "`plus`" if step.sign > 0 else "`less`"
        case ops.Round():
            return "`rounded`"
        case ops.Tiers():
            return "`graduated`" if step.graduated else "`volume`"
        case ops.Beyond():
            return f"`beyond {step.allowance}`"
    return "the price"


def _policy(program: Program) -> Iterator[Point]:
    policy = program.policy
    for fee in policy.fees:
        yield Point("fee", f"fee `{fee.label}`", fee.place, (("fees", fee.label),))
        if fee.when is not None:
            yield Point("condition", f"fee `{fee.label}`: its condition not met", fee.place, (_no(fee.when),))
    for grant in policy.grants:
        kind = "code" if grant.on == "code" else "grant"
        yield Point("grant", f"grant `{grant.name}`", grant.place, ((kind, grant.name),))
    for package in policy.topup.packages if policy.topup is not None else ():
        yield Point("package", f"top-up `{package.shown}`", package.place, (("package", id(package)),))
    if policy.refill is not None:
        yield Point("refill", "refill", policy.refill.place, (("refill", None, None),))
    for limit in policy.limits:
        yield from _limit(limit, tuple(program.usages))
    for finish in policy.finish:
        for step in finish.steps:
            what = f"price bill: {word_of(step)}"
            yield Point("bill", what, step.place, (("step", id(step)), ("bill", name_of(step))))
    if program.round_bill is not None:
        step = program.round_bill
        yield Point("bill", "rounding of the bill", step.place, (("bill", "rounding"),))


def _limit(limit: Limit, usages: tuple[str, ...]) -> Iterator[Point]:
    taken: set[str] = set()
    for refusal in limit.refusals:
        names = [name for name in (refusal.usages or usages) if name not in taken]
        taken |= set(names)
        asked = limit.question.about
        names = [name for name in names if not asked or name in asked] or names
        keys: list[Key] = [("refusal", limit.name, name) for name in names]
        yield Point("refusal", f"limit `{limit.name}`: refused with {refusal.status}", limit.place, tuple(keys))
    for level in limit.alert or ():
        said = f"{decimal_text(level * 100)}%"
        yield Point("alert", f"limit `{limit.name}`: alert at {said}", limit.place, (("alert", limit.name, said),))
    if limit.alert == ():
        yield Point("alert", f"limit `{limit.name}`: alert", limit.place, (("alert", limit.name, None),))
    for suspension in limit.suspensions:
        keys = [("suspended", limit.name, name, "of") for name in suspension.resources]
        what = f"limit `{limit.name}`: {' and '.join(suspension.resources)} suspended"
        yield Point("suspension", what, limit.place, tuple(keys))
    when = limit.question.when
    if when is not None:
        yield Point("condition", f"limit `{limit.name}`: its condition not met", limit.place, (_no(when),))

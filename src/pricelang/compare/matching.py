"""Which names of the new rules mean what other names of the old ones meant: what was renamed and not changed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

from pricelang.compare.shape import Names
from pricelang.compare.shape import Shaper
from pricelang.core import ops
from pricelang.core.program import Program
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.period import local_clock
from pricelang.period import local_instant
from pricelang.source import Place

Used = dict[tuple[str, str], set[str]]
_T = TypeVar("_T")


def match_names(old: Program, new: Program) -> Names:
    """What the names of the new program are called in the old one."""
    names = Names()
    shaper = Shaper(names)

    def hours(one: ops.Hours) -> Hashable:
        return (one.zone, tuple(sorted((w.days, w.start, w.stop) for w in one.windows)))

    names.hours = alike(old.hours, new.hours, hours)
    names.allowances = alike(
        old.allowances,
        new.allowances,
        lambda one: (shaper.of(one.size), shaper.of(one.each), one.kept, shaper.of(one.kept_at_most)),
    )
    for name, usage in new.usages.items():
        if name in old.usages:
            left = {one.name: one.of for one in old.usages[name].computed}
            right = {one.name: one.of for one in usage.computed}
            names.computed.update(alike(left, right, shaper.of))
    used, uses = used_cells(old), used_cells(new)
    names.tables = _tables(old, new, used, uses)
    for name, table in new.tables.items():
        other = old.tables.get(names.tables.get(name, name))
        if other is not None:
            found = _columns(other, table, used, uses)
            names.columns.update({(name, column): theirs for column, theirs in found.items()})
    return names


def alike(old: Mapping[str, _T], new: Mapping[str, _T], shape: Callable[[_T], object]) -> dict[str, str]:
    """For names that are only in the new: the name only in the old of what has the same shape."""
    left = {name: one for name, one in old.items() if name not in new}
    found: dict[str, str] = {}
    for name, one in new.items():
        if name in old:
            continue
        match = next((theirs for theirs, other in left.items() if shape(other) == shape(one)), None)
        if match is not None:
            found[name] = match
            del left[match]
    return found


# --- tables ---------------------------------------------------------------------------------------------------------


def used_cells(program: Program) -> Used:
    """For each column of each table what asks for it: lines, fees, limits, grants, by their names."""
    found: Used = {}

    def note(who: str, node: object) -> None:
        for one in beneath(node):
            if isinstance(one, ops.Cell):
                found.setdefault((one.table, one.column), set()).add(who)
            elif isinstance(one, ops.BandTable):
                for column in (one.rate, one.flat):
                    if column is not None:
                        found.setdefault((one.table, column), set()).add(who)

    for price in program.prices:
        for line in price.lines:
            note(f"{price.usage}/{line.label}", line)
        note(f"{price.usage}/", price.together)
    policy = program.policy
    for fee in policy.fees:
        note(f"fee {fee.label}", fee)
    for limit in policy.limits:
        note(f"limit {limit.name}", limit)
    for grant in policy.grants:
        note(f"grant {grant.name}", grant)
    for allowance in program.allowances.values():
        note(f"allowance {allowance.name}", allowance)
    note("refill", policy.refill)
    note("funds", policy.funds)
    note("bill", policy.finish)
    for usage in program.usages.values():
        note(f"usage {usage.name}", usage)
    return found


def beneath(node: object) -> Iterator[object]:
    """A node of the core and all beneath it."""
    todo = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, tuple | list):
            todo.extend(one)
        elif hasattr(type(one), "__match_args__") and not isinstance(one, Place):
            yield one
            names: tuple[str, ...] = getattr(type(one), "__match_args__", ())
            todo.extend(getattr(one, name) for name in names)


def _tables(old: Program, new: Program, used: Used, uses: Used) -> dict[str, str]:
    """Tables that are only in the new, by the name of the one only in the old that is most like them."""
    left = [table for name, table in old.tables.items() if name not in new.tables]
    right = [table for name, table in new.tables.items() if name not in old.tables]
    if not left or not right:
        return {}
    scores = [
        (score, index, other, one.name, theirs.name)
        for index, one in enumerate(right)
        for other, theirs in enumerate(left)
        if (score := _likeness(theirs, one, used, uses)) >= 1
    ]
    found: dict[str, str] = {}
    for _, _, _, mine, theirs_ in sorted(scores, key=lambda one: (-one[0], one[1], one[2])):
        if mine not in found and theirs_ not in found.values():
            found[mine] = theirs_
    return found


def _likeness(old: Table, new: Table, used: Used, uses: Used) -> Fraction:
    """How much two tables have in common: their rows count twice, their columns and what uses them once."""
    if len(old.keys) != len(new.keys):
        return Fraction(0)
    rows = _shared({repr(one.keys) for one in old.rows}, {repr(one.keys) for one in new.rows})
    if old.columns and rows == 1 and _cells(old) == _cells(new):
        return Fraction(5)
    columns = _shared(set(old.columns), set(new.columns))
    asked = _shared(
        {one for name in old.columns for one in used.get((old.name, name), ())},
        {one for name in new.columns for one in uses.get((new.name, name), ())},
    )
    return 2 * rows + columns + asked if rows or asked else Fraction(0)


def _shared(one: set[str], other: set[str]) -> Fraction:
    return Fraction(len(one & other), len(one | other)) if one or other else Fraction(0)


def _cells(table: Table) -> list[object]:
    """A table's columns without their names, and its cells without their order."""
    return sorted((_column(table, name) for name in table.columns), key=repr)


def _column(table: Table, name: str) -> object:
    """The cells of a column, by row and layer; shares of other columns without their names."""
    found = []
    for layer in table.layers:
        for (row, column), (value, _) in layer.cells.items():
            if column == name:
                shape = ("share", value.share) if isinstance(value, Share) else value
                found.append((repr(table.rows[row].keys), repr(layer.when), repr(shape)))
    kind = table.columns[name]
    return (kind.kind, repr(kind.factor), kind.unit, tuple(sorted(found)))


def _columns(old: Table, new: Table, used: Used, uses: Used) -> dict[str, str]:
    """Columns that are only in the new table: those with the same cells, then those that the same lines ask for."""
    left = [name for name in old.columns if name not in new.columns]
    right = [name for name in new.columns if name not in old.columns]
    if not left or not right:
        return {}
    found: dict[str, str] = {}
    shapes = {name: _column(old, name) for name in left}
    for name in right:
        match = next((one for one in left if shapes[one] == _column(new, name)), None)
        if match is None:
            asked = uses.get((new.name, name), set())
            close = [
                one
                for one in left
                if asked & used.get((old.name, one), set()) and old.columns[one].kind == new.columns[name].kind
            ]
            match = close[0] if len(close) == 1 else None
        if match is not None:
            found[name] = match
            left.remove(match)
    return found


# --- a header that changed ------------------------------------------------------------------------------------------


def move_header(old: Program, new: Program, names: Names) -> None:
    """Where currency or time zone changed, `names` of the old program say what figures and dates are in the new one.

    The header tells the change once; a date that begins at the same clock time in the other zone is not told again.
    """
    if old.currency != new.currency:
        names.words = {old.currency: new.currency}
    if old.zone == new.zone:
        return
    names.zones = {old.zone: new.zone}
    theirs = set(_instants(new))
    moved: dict[Fraction, Fraction] = {}
    for at in _instants(old):
        if at not in theirs:
            clock = local_clock(at, old.zone)
            seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
            there = local_instant(clock.date(), seconds, new.zone) + at % 1
            if there in theirs:
                moved[at] = there
    names.instants = moved


def _instants(program: Program) -> Iterator[Fraction]:
    policy = program.policy
    roots: list[object] = [program.prices, program.usages and tuple(program.usages.values()), policy]
    roots += [layer.when for table in program.tables.values() for layer in table.layers]
    for root in roots:
        for node in beneath(root):
            for name in ("start", "stop", "since"):
                at = getattr(node, name, None)
                if isinstance(at, Fraction):
                    yield at
            yield from getattr(node, "changes", ())

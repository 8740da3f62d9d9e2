"""Which row of a table is which: rows of two rulesets are the same by their keys, whatever line they stand in."""

from __future__ import annotations

from collections.abc import Sequence

from pricelang.core.program import KeyBand
from pricelang.core.program import KeyPart
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.plain import dataclass
from pricelang.plain import field

Parts = tuple[KeyPart, ...]


@dataclass(slots=True)
class Rows:
    """The rows of one ruleset: by the place of a cell the row's number, which the same row has in the other ruleset;
    and by number how it is shown."""

    numbers: dict[str, int] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)


def rows_of(old: Program, new: Program) -> tuple[Rows, Rows]:
    """The rows of both rulesets, numbered alike where they are the same."""
    old_rows, new_rows = Rows(), Rows()
    count = 0
    numbered: dict[str, dict[int, int]] = {}
    for table in old.tables.values():
        numbers = {row: count + row for row in range(len(table.rows))}
        count += len(table.rows)
        numbered[table.name] = numbers
        _enter(old_rows, table, numbers)
    pairs = {one.name: other for other, one in table_pairs(old, new)}
    for table in new.tables.values():
        known: dict[int, int] = {}
        other = pairs.get(table.name)
        if other is not None:
            known = {mine: numbered[other.name][its] for its, mine in _row_pairs(other, table)}
        numbers = {}
        for row in range(len(table.rows)):
            if row in known:
                numbers[row] = known[row]
            else:
                numbers[row], count = count, count + 1
        _enter(new_rows, table, numbers)
    return old_rows, new_rows


def _enter(rows: Rows, table: Table, numbers: dict[int, int]) -> None:
    for layer in table.layers:
        for (row, _), (_, place) in layer.cells.items():
            rows.numbers[str(place)] = numbers[row]
    for number, one in enumerate(table.rows):
        rows.numbers.setdefault(str(one.place), numbers[number])
        rows.shown[numbers[number]] = f"row {one.shown} of {table.name}" if one.shown else f"the row of {table.name}"


def table_pairs(old: Program, new: Program) -> list[tuple[Table, Table]]:
    """Tables that are the same: by name, else by their keys and columns, in order."""
    found = [(table, new.tables[name]) for name, table in old.tables.items() if name in new.tables]
    rest = [table for name, table in new.tables.items() if name not in old.tables]
    for name, table in old.tables.items():
        if name in new.tables:
            continue
        shape = ([key.name for key in table.keys], set(table.columns))
        other = next((one for one in rest if ([key.name for key in one.keys], set(one.columns)) == shape), None)
        if other is not None:
            found.append((table, other))
            rest.remove(other)
    return found


def _row_pairs(old: Table, new: Table) -> list[tuple[int, int]]:
    """Rows that are the same: of equal keys first; then, in order, those that have something in common in every key
    that is no band, at first such whose bands begin or end alike."""
    names = [key.name for key in new.keys]
    shared = [(at, names.index(key.name)) for at, key in enumerate(old.keys) if key.name in names]
    if not shared and (old.keys or new.keys):
        return []
    left = [[row.keys[at] for at, _ in shared] for row in old.rows]
    right = [[row.keys[at] for _, at in shared] for row in new.rows]
    found: list[tuple[int, int]] = []
    by_keys: dict[tuple[frozenset[KeyPart], ...], list[int]] = {}
    for number, parts in enumerate(right):
        by_keys.setdefault(tuple(map(frozenset, parts)), []).append(number)
    open_old: list[int] = []
    for number, parts in enumerate(left):
        same = by_keys.get(tuple(map(frozenset, parts)))
        if same:
            found.append((number, same.pop(0)))
        else:
            open_old.append(number)
    open_new = sorted(number for numbers in by_keys.values() for number in numbers)
    index: dict[tuple[int, KeyPart], list[int]] = {}
    for number in open_new:
        for key, part in _exact(right[number]):
            index.setdefault((key, part), []).append(number)
    taken: set[int] = set()
    for near_edges in (True, False):
        rest: list[int] = []
        for number in open_old:
            exact = _exact(left[number])
            near = sorted({one for part in exact for one in index.get(part, ())}) if exact else open_new
            other = next(
                (one for one in near if one not in taken and _alike(left[number], right[one], near_edges)), None
            )
            if other is None:
                rest.append(number)
            else:
                taken.add(other)
                found.append((number, other))
        open_old = rest
    return found


def _exact(keys: Sequence[Parts]) -> list[tuple[int, KeyPart]]:
    return [(at, part) for at, parts in enumerate(keys) for part in parts if not isinstance(part, KeyBand)]


def _alike(left: Sequence[Parts], right: Sequence[Parts], near_edges: bool) -> bool:
    """Whether keys have something in common, bands aside; with `near_edges` bands begin or end alike, too."""
    for one, other in zip(left, right, strict=True):
        if set(one) & set(other):
            continue
        bands = [part for part in one if isinstance(part, KeyBand)]
        others = [part for part in other if isinstance(part, KeyBand)]
        if len(bands) < len(one) or len(others) < len(other):
            return False
        if near_edges and not any(mine.low == its.low or mine.high == its.high for mine in bands for its in others):
            return False
    return True

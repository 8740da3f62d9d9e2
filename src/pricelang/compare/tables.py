"""What changed in tables: rows, columns and cells, each with the dates and conditions it holds for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from pricelang.compare.changes import ACCOUNTS
from pricelang.compare.changes import DOWN
from pricelang.compare.changes import OTHER
from pricelang.compare.changes import UP
from pricelang.compare.changes import WORDING
from pricelang.compare.changes import Change
from pricelang.compare.pair import Pair
from pricelang.compare.shape import Shape
from pricelang.compare.shape import Shaper
from pricelang.compare.timeline import Entry
from pricelang.compare.timeline import Span
from pricelang.compare.timeline import Timelines
from pricelang.compare.wording import Side
from pricelang.compare.wording import with_percent
from pricelang.core import ops
from pricelang.core.program import Custom
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.core.program import Layer
from pricelang.core.program import NotOffered
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.engine.lookup import Rows
from pricelang.engine.lookup import Value
from pricelang.plain import dataclass

MOST_COMBINATIONS = 1000
"""Names of one row that are compared one by one; a row with more is compared as a whole."""

MOST_NAMED = 4
_SCALE = re.compile(r"\bper [\d,.]*[KMB]? ?")


def compare_tables(pair: Pair) -> list[Change]:
    """The changes of all tables, in the order of the new file; removed tables last."""
    found: list[Change] = []
    seen = set()
    for name, table in pair.new.program.tables.items():
        theirs = pair.names.tables.get(name, name)
        old = pair.old.program.tables.get(theirs)
        if old is None:
            found.append(_whole_table(pair, pair.new, table, "new table"))
        else:
            seen.add(theirs)
            found += _Comparison(pair, old, table).changes()
    for name, table in pair.old.program.tables.items():
        if name not in seen:
            found.append(_whole_table(pair, pair.old, table, "the table is gone"))
    return found


def _whole_table(pair: Pair, side: Side, table: Table, said: str) -> Change:
    """A table that is only in one of the programs, its rows as details."""
    shaper = pair.right if side is pair.new else pair.left
    times = Timelines(side.program.hours, shaper)
    group = OTHER
    details = []
    for index, row in enumerate(table.rows):
        label = _keys_words(side, table, row.keys)
        words = ", ".join(
            f"{name} {_spans_words(side, table, name, times.of(table, index, name))}" for name in table.columns
        )
        details.append(Change(group, label, "", words, place=side.place(row.place)))
    count = f"{len(table.rows)} row{'' if len(table.rows) == 1 else 's'}"
    return Change(group, table.name, "", f"{said}, {count}", place=side.place(table.place), details=tuple(details))


def _keys_words(side: Side, table: Table, keys: Sequence[tuple[KeyPart, ...]]) -> str:
    parts = [", ".join(side.key(part, key.type) for part in parts) for key, parts in zip(table.keys, keys, strict=True)]
    return " / ".join(parts) or "the row"


def _spans_words(side: Side, table: Table, column: str, spans: list[Span]) -> str:
    """All that a cell gives, in words."""
    told = []
    for span in spans:
        words = " or ".join(
            side.cell(table, column, one.value) + (f" {side.words().when(one.when)}" if one.when is not None else "")
            for one in span.entries
        )
        dates = side.dates(span.start, span.stop)
        if words or len(spans) == 1:
            told.append(" ".join(filter(None, [words or "no price", dates])))
    return "; ".join(told) or "no price"


@dataclass(frozen=True, slots=True)
class _Unit:
    """One thing that rows are asked for: a value for each key, or a whole row where it has too many."""

    shape: Shape
    row: int
    keys: tuple[tuple[KeyPart, ...], ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A change of a cell with what it is about, to be put together with others."""

    change: Change
    rows: tuple[int | None, int | None]
    column: str = ""
    edges: frozenset[Fraction | None] = frozenset()


Range = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a cell gave under a condition, and gives now. `was`, `now`: the entries of just this condition."""

    old: Entry | None
    new: Entry | None
    was: Entry | None
    now: Entry | None
    order: bool = False

    @property
    def shape(self) -> object:
        of = self.now or self.was
        return (
            repr(of.key) if of is not None else "",
            *(repr(one.shape) if one is not None else "" for one in (self.old, self.new)),
            self.was is None,
            self.now is None,
            self.order,
        )


def _turns(left: tuple[Entry, ...], right: tuple[Entry, ...]) -> list[_Turn]:
    """What differs between two stacks of entries, condition by condition."""
    before = {repr(one.key): one for one in left}
    after = {repr(one.key): one for one in right}
    bottoms = before.get(repr(None)), after.get(repr(None))
    found = []
    for key in sorted({**before, **after}, key=lambda one: (one != repr(None), one)):
        was, now = before.get(key), after.get(key)
        if was is None or now is None or was.shape != now.shape:
            found.append(_Turn(was or bottoms[0], now or bottoms[1], was, now))
    if not found:
        found.append(_Turn(left[0], right[0], left[0], right[0], True))
    return found


class _Comparison:
    """One table and what became of it."""

    def __init__(self, pair: Pair, old: Table, new: Table) -> None:
        self.pair = pair
        self.old = old
        self.new = new
        self.name = new.name
        self.old_times = Timelines(pair.old.program.hours, pair.left)
        self.new_times = Timelines(pair.new.program.hours, pair.right)
        self.columns = {name: pair.names.column(new.name, name) for name in new.columns}
        self.common = [(theirs, mine) for mine, theirs in self.columns.items() if theirs in old.columns]
        self.order = self._key_order()

    def changes(self) -> list[Change]:
        found = self._keys() + self._columns()
        cells = self._rows()
        cells = self._layers(cells, found)
        return found + [one.change for one in cells]

    # --- keys and columns

    def _key_order(self) -> list[int] | None:
        """For each key of the old table which key of the new one it is; None where they are not the same."""
        theirs = [self.pair.left.of(one.of) for one in self.old.keys]
        mine = [self.pair.right.of(one.of) for one in self.new.keys]
        found: list[int] = []
        for shape in theirs:
            index = next((i for i, one in enumerate(mine) if one == shape and i not in found), None)
            if index is None:
                return None
            found.append(index)
        return found if len(found) == len(mine) else None

    def _keys(self) -> list[Change]:
        place = self.pair.new.place(self.new.place)
        if self.order is None:
            old, new = (" and ".join(one.name for one in table.keys) or "nothing" for table in (self.old, self.new))
            if old == new:
                old, new = (
                    " and ".join(side.told(one.of) for one in table.keys)
                    for side, table in ((self.pair.old, self.old), (self.pair.new, self.new))
                )
            return [Change(OTHER, self.name, "", f"rows are found by {new} instead of {old}", old, new, place=place)]
        found = []
        for index, key in enumerate(self.old.keys):
            other = self.new.keys[self.order[index]]
            if not self.pair.same(key.type, other.type):
                old, new = self.pair.old.told(key.type), self.pair.new.told(other.type)
                if old == new:
                    old, new = self.pair.old.spelled(key.type), self.pair.new.spelled(other.type)
                found.append(
                    Change(OTHER, self.name, key.name, f"the key is {new} instead of {old}", old, new, place=place)
                )
        return found

    def _columns(self) -> list[Change]:
        pair = self.pair
        found = []
        place = pair.new.place(self.new.place)
        for theirs, mine in self.common:
            old, new = self.old.columns[theirs], self.new.columns[mine]
            custom = any(
                isinstance(cell[0], Custom)
                for layer in self.new.layers
                for at, cell in layer.cells.items()
                if at[1] == mine
            )
            if not pair.same(old, new):
                written = old.kind == new.kind and _SCALE.sub("per ", old.unit) == _SCALE.sub("per ", new.unit)
                before, after = old.unit or old.kind, new.unit or new.kind
                if before == after:
                    before, after = pair.old.told(old), pair.new.told(new)
                group = (ACCOUNTS if custom else WORDING) if written else OTHER
                said = f"is {'written' if written else ''} in {after} instead of {before}".replace("  ", " ")
                found.append(Change(group, self.name, mine, said, before, after, place=place))
            if custom and (self.old.name, theirs) != (self.new.name, mine):
                before, after = f"{self.old.name}.{theirs}", f"{self.new.name}.{mine}"
                said = f"an account's own price is its attribute {after} instead of {before}"
                found.append(Change(ACCOUNTS, self.name, mine, said, before, after, place=place))
        for name in self.new.columns:
            if self.columns[name] not in self.old.columns:
                found.append(self._whole_column(pair.new, self.new, name, "new column", self.new_times))
        kept = {theirs for theirs, _ in self.common}
        for name in self.old.columns:
            if name not in kept:
                found.append(self._whole_column(pair.old, self.old, name, "the column is gone", self.old_times))
        return found

    def _whole_column(self, side: Side, table: Table, name: str, said: str, times: Timelines) -> Change:
        details = [
            Change(
                OTHER,
                _keys_words(side, table, row.keys),
                name,
                _spans_words(side, table, name, times.of(table, index, name)),
                place=side.place(row.place),
            )
            for index, row in enumerate(table.rows)
        ]
        return Change(OTHER, self.name, name, said, place=side.place(table.place), details=tuple(details))

    # --- rows

    def _units(self, table: Table, shaper: Shaper, order: list[int]) -> dict[Shape, _Unit]:
        """What can be asked of a table: keys in the old table's order."""
        found: dict[Shape, _Unit] = {}
        for index, row in enumerate(table.rows):
            keys = tuple(row.keys[at] for at in order)
            count = 1
            for key in keys:
                count *= len(key)
            if count <= MOST_COMBINATIONS:
                for parts in itertools.product(*keys):
                    shape = tuple(shaper.of(part) for part in parts)
                    found.setdefault(shape, _Unit(shape, index, tuple((part,) for part in parts)))
            else:
                whole: Shape = tuple(tuple(sorted((shaper.of(part) for part in key), key=repr)) for key in keys)
                found.setdefault(whole, _Unit(whole, index, keys))
        return found

    def _rows(self) -> list[_Found]:
        """Cells that changed, rows that came and went."""
        own = list(range(len(self.old.keys)))
        if self.order is None:
            return self._by_other_keys()
        old = self._units(self.old, self.pair.plain, own)
        new = self._units(self.new, self.pair.right, self.order)
        paired: dict[tuple[int, int], list[_Unit]] = {}
        for shape, unit in new.items():
            if shape in old:
                paired.setdefault((old[shape].row, unit.row), []).append(unit)
        came = [unit for shape, unit in new.items() if shape not in old]
        went = [unit for shape, unit in old.items() if shape not in new]
        found = []
        moved, came, went = self._moved_bands(came, went)
        for (theirs, mine), units in paired.items():
            found += self._cells(theirs, mine, self._label(units))
        for before, after in moved:
            found += self._band(before, after)
        return found + self._came(came, went) + self._went(went)

    def _by_other_keys(self) -> list[_Found]:
        """Rows of tables that are not looked up by the same: by the keys of the one where the other has them all."""
        theirs = [self.pair.left.of(one.of) for one in self.old.keys]
        mine = [self.pair.right.of(one.of) for one in self.new.keys]
        wider_is_new = len(mine) > len(theirs)
        few, many = (theirs, mine) if wider_is_new else (mine, theirs)
        matched: list[tuple[int, int]] = []
        if few and len(set(map(repr, many))) == len(many) and all(one in many for one in few):
            at = [many.index(one) for one in few]
            wide, narrow = (self.new, self.old) if wider_is_new else (self.old, self.new)
            shapers = (self.pair.right, self.pair.plain) if wider_is_new else (self.pair.plain, self.pair.right)
            units = self._units(narrow, shapers[1], list(range(len(few))))
            for index, row in enumerate(wide.rows):
                parts = itertools.islice(itertools.product(*(row.keys[one] for one in at)), MOST_COMBINATIONS + 1)
                found = {units.get(tuple(shapers[0].of(part) for part in one)) for one in parts}
                rows = {unit.row if unit is not None else None for unit in found}
                there = rows.pop() if len(rows) == 1 else None
                if there is not None:
                    matched.append((there, index) if wider_is_new else (index, there))
        side, table = (self.pair.new, self.new) if wider_is_new else (self.pair.old, self.old)
        cells = [
            one
            for pair in matched
            for one in self._cells(*pair, _keys_words(side, table, table.rows[pair[1 if wider_is_new else 0]].keys))
        ]
        kept = [{pair[index] for pair in matched} for index in (0, 1)]
        for index, (side, table) in enumerate(((self.pair.old, self.old), (self.pair.new, self.new))):
            for number, row in enumerate(table.rows):
                if number not in kept[index]:
                    cells.append(self._alone(side, table, [_Unit((), number, row.keys)], None))
        return cells

    def _label(self, units: list[_Unit], old: bool = False) -> str:
        side, table = (self.pair.old, self.old) if old else (self.pair.new, self.new)
        keys = self.old.keys
        told = [
            " / ".join(
                ", ".join(side.key(part, key.type) for part in parts)
                for key, parts in zip(keys, unit.keys, strict=True)
            )
            if self.order is not None
            else _keys_words(side, table, unit.keys)
            for unit in units
        ]
        more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED + 1 else ""
        return ", ".join(told[:MOST_NAMED] if more else told) + more or "the row"

    def _moved_bands(
        self, came: list[_Unit], went: list[_Unit]
    ) -> tuple[list[tuple[_Unit, _Unit]], list[_Unit], list[_Unit]]:
        """Bands of which one edge is what it was, all else being the same."""
        moved = []
        left, gone = list(came), list(went)
        for unit in came:
            match = next((other for other in gone if _is_moved_band(other.keys, unit.keys)), None)
            if match is not None:
                moved.append((match, unit))
                gone.remove(match)
                left.remove(unit)
        return moved, left, gone

    def _band(self, before: _Unit, after: _Unit) -> list[_Found]:
        old, new = self._label([before], old=True), self._label([after])
        if old == new:
            old, new = self.pair.old.spelled(before.keys), self.pair.new.spelled(after.keys)
        row = self.new.rows[after.row]
        group = OTHER
        change = Change(
            group,
            self._subject(new),
            "",
            f"the band is {new} instead of {old}",
            old,
            new,
            place=self.pair.new.place(row.place),
        )
        return [_Found(change, (before.row, after.row)), *self._cells(before.row, after.row, new)]

    def _subject(self, label: str) -> str:
        return f"{self.name}: {label}" if label and self.new.keys else self.name

    def _came(self, came: list[_Unit], went: list[_Unit]) -> list[_Found]:
        """Rows that are new: with what their names were priced by before, if anything."""
        rows = Rows(self.old)
        found: list[_Found] = []
        by_row: dict[tuple[int | None, int], list[_Unit]] = {}
        for unit in came:
            by_row.setdefault((_one_row(rows, unit, None), unit.row), []).append(unit)
        for (theirs, mine), units in by_row.items():
            if theirs is None:
                found.append(self._alone(self.pair.new, self.new, units, self._like(mine, went)))
                continue
            label = self._label(units)
            old = _keys_words(self.pair.old, self.old, self.old.rows[theirs].keys)
            change = self._alone(self.pair.new, self.new, units, None).change
            said = f"a row of its own; it was priced by the row {old}"
            cells = self._cells(theirs, mine, label)
            row = Change(
                OTHER, change.subject, "", said, place=change.place, details=tuple(one.change for one in cells)
            )
            found.append(_Found(row, (theirs, mine)))
        return found

    def _went(self, went: list[_Unit]) -> list[_Found]:
        rows = Rows(self.new)
        found: list[_Found] = []
        by_row: dict[tuple[int, int | None], list[_Unit]] = {}
        for unit in went:
            by_row.setdefault((unit.row, _one_row(rows, unit, self.order)), []).append(unit)
        for (theirs, mine), units in by_row.items():
            if mine is None:
                found.append(self._alone(self.pair.old, self.old, units, None))
                continue
            label = self._label(units, old=True)
            new = _keys_words(self.pair.new, self.new, self.new.rows[mine].keys)
            said = f"no row of its own any more; the row {new} prices it"
            cells = self._cells(theirs, mine, label)
            place = self.pair.old.place(self.old.rows[theirs].place)
            change = Change(
                OTHER, self._subject(label), "", said, place=place, details=tuple(one.change for one in cells)
            )
            found.append(_Found(change, (theirs, mine)))
        return found

    def _alone(self, side: Side, table: Table, units: list[_Unit], like: str | None) -> _Found:
        """A row that is only in one of the tables."""
        is_new = side is self.pair.new
        times = self.new_times if is_new else self.old_times
        index = units[0].row
        label = self._label(units, old=not is_new)
        prices = ", ".join(
            f"{name} {_spans_words(side, table, name, times.of(table, index, name))}" for name in table.columns
        )
        if is_new:
            said = f"new row: {prices}" + (f"; same prices as {like}, which is gone" if like else "")
        else:
            said = f"no longer offered; it was {prices}" if self._sells() else f"the row is gone; it was {prices}"
        change = Change(
            OTHER,
            self._subject(label),
            "",
            said,
            "" if is_new else prices,
            prices if is_new else "",
            place=side.place(table.rows[index].place),
        )
        return _Found(change, (None, index) if is_new else (index, None))

    def _sells(self) -> bool:
        return any(kind.kind in ("rate", "money") for kind in self.old.columns.values())

    def _like(self, mine: int, went: list[_Unit]) -> str | None:
        """A row that is gone and had just the prices that a new one has."""
        if not self.common:
            return None
        for unit in went:
            if all(
                _shape(self.old_times.of(self.old, unit.row, theirs)) == _shape(self.new_times.of(self.new, mine, name))
                for theirs, name in self.common
            ):
                return self._label([unit], old=True)
        return None

    # --- cells

    def _cells(self, theirs: int, mine: int, label: str) -> list[_Found]:
        """What changed in one row, column by column; what changed alike at several times is told once."""
        found = []
        for old, new in self.common:
            before = self.old_times.of(self.old, theirs, old)
            after = self.new_times.of(self.new, mine, new)
            alike: dict[object, tuple[_Turn, list[Range]]] = {}
            for left, right, start, stop in _differing(before, after):
                for turn in _turns(left, right):
                    ranges = alike.setdefault(turn.shape, (turn, []))[1]
                    if ranges and ranges[-1][1] == start:
                        ranges[-1] = (ranges[-1][0], stop)
                    else:
                        ranges.append((start, stop))
            for turn, ranges in alike.values():
                change = self._value((old, new), label, (theirs, mine), turn, ranges)
                change = replace(change, details=self._following((old, new), label, (theirs, mine), ranges))
                edges = frozenset(edge for one in ranges for edge in one)
                found.append(_Found(change, (theirs, mine), new, edges))
        return found

    def _following(
        self, columns: tuple[str, str], label: str, rows: tuple[int, int], ranges: list[Range]
    ) -> tuple[Change, ...]:
        """Columns of the row that are shares of one that changed, as they were before, and change with it."""
        found = []
        for old, new in self.common:
            if (old, new) == columns:
                continue
            alike: dict[object, tuple[Fraction, Fraction, list[Range], Entry]] = {}
            for start, stop in ranges:
                left = _at(self.old_times.of(self.old, rows[0], old), start)
                right = _at(self.new_times.of(self.new, rows[1], new), start)
                shares = [
                    one for one in right.entries if isinstance(one.value, Share) and one.value.column == columns[1]
                ]
                before = self.old_times.worth(self.old, rows[0], old, start)
                after = self.new_times.worth(self.new, rows[1], new, start)
                if left.shape == right.shape and shares and before is not None and after is not None:
                    alike.setdefault((before, after), (before, after, [], shares[0]))[2].append((start, stop))
            for before, after, times, entry in alike.values():
                words = self.pair.old.cell(self.old, old, before), self.pair.new.cell(self.new, new, after)
                group = self.pair.cell_group(before, after, (self.old.name, self.new.name), (old, new))
                ratio = self.pair.ratio(before, after) if group in (UP, DOWN) else None
                said = f"{self.pair.new.cell(self.new, new, entry.value)}: {with_percent(words[0], words[1], ratio)}"
                when = self._times(times)
                place = self.pair.new.place(entry.place)
                found.append(Change(group, self._subject(label), new, said, *words, ratio, when, place))
        return tuple(found)

    def _times(self, ranges: list[Range]) -> str:
        return " and ".join(filter(None, (self.pair.new.dates(start, stop) for start, stop in ranges)))

    def _amounts(
        self, columns: tuple[str, str], rows: tuple[int, int], turn: _Turn, at: Fraction | None
    ) -> tuple[object, object]:
        """Two values as amounts: a share of another column is what it comes to, where that can be said."""
        old, new = (one.value if one is not None else None for one in (turn.old, turn.new))
        if isinstance(old, Share) and isinstance(new, Share):
            theirs, mine = self.pair.left.of(old, self.old.name), self.pair.right.of(new, self.new.name)
            assert isinstance(theirs, tuple)
            assert isinstance(mine, tuple)
            return (old.share, new.share) if theirs[1] == mine[1] else (None, None)
        for one in (turn.was, turn.now):
            if one is None or one.when is not None:
                return old, new
        if isinstance(old, Share):
            return self.old_times.worth(self.old, rows[0], columns[0], at), new
        if isinstance(new, Share):
            return old, self.new_times.worth(self.new, rows[1], columns[1], at)
        return old, new

    def _value(
        self, columns: tuple[str, str], label: str, rows: tuple[int, int], turn: _Turn, ranges: list[Range]
    ) -> Change:
        """One value of a cell in place of another."""
        pair = self.pair
        mine = rows[1]
        old, new, was, now = turn.old, turn.new, turn.was, turn.now
        values = tuple(one.value if one is not None else None for one in (old, new))
        words = (
            pair.old.cell(self.old, columns[0], values[0]) if old is not None else "no price",
            pair.new.cell(self.new, columns[1], values[1]) if new is not None else "no price",
        )
        amounts = self._amounts(columns, rows, turn, ranges[0][0])
        group = pair.cell_group(amounts[0], amounts[1], (self.old.name, self.new.name), columns)
        ratio = pair.ratio(amounts[0], amounts[1]) if group in (UP, DOWN) else None
        shares = [isinstance(one, Share) for one in values]
        if any(shares) and not all(shares):  # what a share comes to
            told = [
                f"{words[n]} ({side.cell(table, columns[n], amounts[n])})"
                if shares[n] and amounts[n] is not None
                else words[n]
                for n, (side, table) in enumerate(((pair.old, self.old), (pair.new, self.new)))
            ]
            words = (told[0], told[1])
        if turn.order:
            said = "its conditions are asked in another order"
        elif isinstance(values[1], NotOffered) and old is not None:
            said = f"no longer offered; it was {words[0]}"
        elif isinstance(values[0], NotOffered) and new is not None:
            said = f"now offered: {words[1]}"
        elif old is not None and new is not None and old.shape == new.shape:
            said = f"{words[1]}, {'now by a rule of its own' if was is None else 'no longer by a rule of its own'}"
            group, words = OTHER, ("", words[1])
        elif words[0] == words[1]:
            said = f"{pair.old.spelled(values[0])} → {pair.new.spelled(values[1])}"
        else:
            said = with_percent(words[0], words[1], ratio)
        when = []
        entry = now or was
        if entry is not None and entry.when is not None:
            when.append((pair.new if now is not None else pair.old).words().when(entry.when))
        when.append(self._times(ranges))
        if now is not None and now.layer.name and was is not None and now.layer.name != was.layer.name:
            when.append(f'("{now.layer.name}")')
        place = pair.new.place(new.place if new is not None else self.new.rows[mine].place)
        dates = " ".join(filter(None, when))
        return Change(group, self._subject(label), columns[1], said, words[0], words[1], ratio, dates, place)

    # --- layers

    def _layers(self, cells: list[_Found], found: list[Change]) -> list[_Found]:
        """Layers whose dates moved, told once with the cells that follow; those that were renamed or act otherwise."""
        pair = self.pair
        for old, new in self._same_layers():
            place = pair.new.place(new.place)
            name = f'"{new.name}"' if new.name else pair.new.words().layer(new)
            if old.name != new.name:
                said = f"{_kind(new)} {name} was called {_named(old)}"
                found.append(Change(WORDING, self.name, "", said, old.name or "", new.name or "", place=place))
            before, after = _dates(old.when), _dates(new.when)
            if before is None or after is None:
                continue
            edges = (pair.left.of(before), pair.right.of(after))
            if edges[0] == edges[1]:
                continue
            told = _moved_dates(pair, before, after)
            at = {one for shape in edges for one in shape[1:]} if all(isinstance(s, tuple) for s in edges) else set()  # type: ignore[index]
            mine = [
                one
                for one in cells
                if one.rows[1] is not None and (one.rows[1], one.column) in new.cells and one.edges <= at
            ]
            if not mine or not told:
                continue
            cells = [one for one in cells if not any(one is other for other in mine)]
            groups = {one.change.group for one in mine}
            group = groups.pop() if len(groups) == 1 else OTHER
            change = Change(
                group,
                self.name,
                "",
                f"{_kind(new)} {name} {told}",
                pair.old.dates(before.start, before.stop),
                pair.new.dates(after.start, after.stop),
                place=place,
                details=tuple(one.change for one in mine),
            )
            cells.insert(0, _Found(change, (None, None)))
        return cells

    def _same_layers(self) -> list[tuple[Layer, Layer]]:
        """Layers of both tables that are the same one: by what they say and when, by name, then by when alone."""
        left = [one for one in self.old.layers if one.place is not None]
        right = [one for one in self.new.layers if one.place is not None]

        def whole(layer: Layer, shaper: Shaper, table: Table) -> object:
            cells = [
                (shaper.of(table.rows[row].keys), shaper.names.column(table.name, column), shaper.of(value, table.name))
                for (row, column), (value, _) in layer.cells.items()
            ]
            return (shaper.of(_undated(layer.when)), tuple(sorted(cells, key=repr)))

        def named(layer: Layer, shaper: Shaper, table: Table) -> object:
            return (layer.name, shaper.of(_undated(layer.when))) if layer.name else object()

        def timed(layer: Layer, shaper: Shaper, table: Table) -> object:
            return shaper.of(layer.when)

        found = []
        for passes in ((whole, timed), (named,), (whole,), (timed,)):
            for new in list(right):
                shape = [one(new, self.pair.right, self.new) for one in passes]
                match = next(
                    (old for old in left if [one(old, self.pair.left, self.old) for one in passes] == shape), None
                )
                if match is not None:
                    found.append((match, new))
                    left = [one for one in left if one is not match]
                    right = [one for one in right if one is not new]
        return found


def _kind(layer: Layer) -> str:
    dates = _dates(layer.when)
    return (
        "offer" if dates is not None and dates.stop is not None else "the prices" if dates is not None else "the rule"
    )


def _named(layer: Layer) -> str:
    return f'"{layer.name}"' if layer.name else "nothing"


def _dates(cond: ops.Cond | None) -> ops.InForce | None:
    """The dates of a layer, where it has one range."""
    parts = cond.of if isinstance(cond, ops.All) else (cond,)
    dates = [one for one in parts if isinstance(one, ops.InForce)]
    return dates[0] if len(dates) == 1 else None


def _undated(cond: ops.Cond | None) -> tuple[ops.Cond | None, ...]:
    parts = cond.of if isinstance(cond, ops.All) else (cond,)
    return tuple(one for one in parts if not isinstance(one, ops.InForce))


def _moved_dates(pair: Pair, before: ops.InForce, after: ops.InForce) -> str:
    told = []
    if before.start != after.start:
        old = pair.old.day(before.start) if before.start is not None else "at all times before"
        new = pair.new.day(after.start) if after.start is not None else "at all times before"
        told.append(f"begins {new} instead of {old}")
    if before.stop != after.stop:
        old = pair.old.day(before.stop, last=True) if before.stop is not None else "never"
        new = pair.new.day(after.stop, last=True) if after.stop is not None else "never"
        told.append(f"ends {new} instead of {old}")
    return " and ".join(told)


def _is_moved_band(old: tuple[tuple[KeyPart, ...], ...], new: tuple[tuple[KeyPart, ...], ...]) -> bool:
    """Whether all keys are the same but one, which is a band with one edge of the other's."""
    others = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
    if len(others) != 1:
        return False
    (one,), (other,) = others[0] if all(len(parts) == 1 for parts in others[0]) else (("",), ("",))
    if not (isinstance(one, KeyBand) and isinstance(other, KeyBand)):
        return False
    return (one.low, one.low_included) == (other.low, other.low_included) or (one.high, one.high_included) == (
        other.high,
        other.high_included,
    )


def _one_row(rows: Rows, unit: _Unit, order: list[int] | None) -> int | None:
    """The one row of the other table that fits a name which has no row of its own there."""
    values: list[Value] = []
    for parts in unit.keys:
        if len(parts) != 1 or not isinstance(parts[0], str | bool | Fraction) or isinstance(parts[0], KeyLike):
            return None
        values.append(parts[0])
    if order is not None:  # the other table has its keys in another order
        values = [values[order.index(index)] for index in range(len(order))]
    if any(key.of is None for key in rows.table.keys):
        return None
    found = rows.find(values)
    return found[0] if len(found) == 1 else None


def _shape(spans: list[Span]) -> Shape:
    return tuple((one.start, one.stop, one.shape) for one in spans)


def _differing(
    before: list[Span], after: list[Span]
) -> list[tuple[tuple[Entry, ...], tuple[Entry, ...], Fraction | None, Fraction | None]]:
    """The times at which two timelines differ, and what they give there."""
    found: list[tuple[Span, Span, Fraction | None, Fraction | None]] = []
    cuts = sorted({one.start for one in (*before, *after) if one.start is not None})
    for start, stop in itertools.pairwise([None, *cuts, None]):
        left, right = _at(before, start), _at(after, start)
        if left.shape == right.shape:
            continue
        if found and found[-1][3] == start and found[-1][0].shape == left.shape and found[-1][1].shape == right.shape:
            found[-1] = (found[-1][0], found[-1][1], found[-1][2], stop)
        else:
            found.append((left, right, start, stop))
    return [(left.entries, right.entries, start, stop) for left, right, start, stop in found]


def _at(spans: list[Span], start: Fraction | None) -> Span:
    """The span that holds from an instant on."""
    if start is None:
        return spans[0]
    return next(one for one in reversed(spans) if one.start is None or one.start <= start)

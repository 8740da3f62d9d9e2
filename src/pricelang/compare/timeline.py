"""What a cell of a table gives at each time: its layers cut at their dates, with the conditions that are left."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from pricelang.check.conditions import exclude_each_other
from pricelang.compare.shape import Shape
from pricelang.compare.shape import Shaper
from pricelang.core import ops
from pricelang.core.program import CellValue
from pricelang.core.program import Layer
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.plain import dataclass
from pricelang.source import Place


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the condition it holds under, dates apart; the first that holds gives the cell."""

    when: ops.Cond | None
    value: CellValue
    place: Place
    layer: Layer
    key: Shape  # the shape of the condition
    shape: Shape  # the shape of the value


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to `stop` (None is open): the entries, topmost first. Without any there is no value."""

    start: Fraction | None
    stop: Fraction | None
    entries: tuple[Entry, ...]

    @property
    def shape(self) -> Shape:
        return tuple((one.key, one.shape) for one in self.entries)


class Timelines:
    """The cells of one program's tables; instants as the shaper has them."""

    def __init__(self, hours: dict[str, ops.Hours], shaper: Shaper) -> None:
        self.hours = hours
        self.shaper = shaper

    def of(self, table: Table, row: int, column: str) -> list[Span]:
        """All times, in order, cut where the cell changes."""
        layers = [one for one in table.layers if (row, column) in one.cells]
        cuts = sorted({at for one in layers for at in instants_in(one.when)})
        edges = [None, *cuts, None]
        found: list[Span] = []
        for start, stop in pairwise(edges):
            span = Span(self._shift(start), self._shift(stop), self._entries(table, layers, row, column, start, stop))
            if found and found[-1].shape == span.shape:
                found[-1] = Span(found[-1].start, span.stop, found[-1].entries)
            else:
                found.append(span)
        return found

    def worth(self, table: Table, row: int, column: str, at: Fraction | None, depth: int = 0) -> Fraction | None:
        """The amount that a cell gives from an instant on whatever the record, shares of other columns included."""
        span = next(
            one
            for one in reversed(self.of(table, row, column))
            if one.start is None or (at is not None and one.start <= at)
        )
        if len(span.entries) != 1 or span.entries[0].when is not None:
            return None
        value = span.entries[0].value
        if isinstance(value, Share):
            of = self.worth(table, row, value.column, at, depth + 1) if depth < len(table.columns) else None
            return None if of is None else value.share * of
        return value if isinstance(value, Fraction) else None

    def _shift(self, at: Fraction | None) -> Fraction | None:
        return at if at is None else self.shaper.names.instants.get(at, at)

    def _entries(
        self,
        table: Table,
        layers: list[Layer],
        row: int,
        column: str,
        start: Fraction | None,
        stop: Fraction | None,
    ) -> tuple[Entry, ...]:
        found: list[Entry] = []
        for layer in layers:
            left = within(layer.when, start, stop)
            if left is False:
                continue
            when = None if left is True else left
            value, place = layer.cells[row, column]
            entry = Entry(when, value, place, layer, self.shaper.of(when), self.shaper.of(value, table.name))
            if any(one.key == entry.key for one in found):
                continue  # never reached
            found.append(entry)
            if when is None:
                break
        while len(found) > 1 and found[-2].shape == found[-1].shape and found[-1].when is None:
            del found[-2]  # the condition decides nothing
        return self._ordered(found)

    def _ordered(self, entries: list[Entry]) -> tuple[Entry, ...]:
        """One order for entries whose order decides nothing."""
        left = list(entries)
        found: list[Entry] = []
        while left:
            free = [
                one for index, one in enumerate(left) if all(self._exchangeable(above, one) for above in left[:index])
            ]
            first = min(free, key=lambda one: (one.when is None, repr(one.key)))
            left = [one for one in left if one is not first]
            found.append(first)
        return tuple(found)

    def _exchangeable(self, one: Entry, other: Entry) -> bool:
        return one.shape == other.shape or exclude_each_other(one.when, other.when, self.hours)


def instants_in(cond: ops.Cond | None) -> set[Fraction]:
    """The instants at which dates in a condition begin and end."""
    match cond:
        case ops.InForce():
            return {at for at in (cond.start, cond.stop) if at is not None}
        case ops.Not():
            return instants_in(cond.of)
        case ops.All() | ops.AnyOf():
            return {at for one in cond.of for at in instants_in(one)}
    return set()


def within(cond: ops.Cond | None, start: Fraction | None, stop: Fraction | None) -> ops.Cond | bool:
    """A condition at times from `start` up to `stop`, between which none of its dates begins or ends."""
    match cond:
        case None:
            return True
        case ops.InForce():
            begun = cond.start is None or (start is not None and start >= cond.start)
            return begun and (cond.stop is None or (stop is not None and stop <= cond.stop))
        case ops.Not():
            inner = within(cond.of, start, stop)
            return not inner if isinstance(inner, bool) else ops.Not(inner)
        case ops.All() | ops.AnyOf():
            ends = isinstance(cond, ops.AnyOf)  # what one part decides
            parts: list[ops.Cond] = []
            for one in cond.of:
                left = within(one, start, stop)
                if left is ends:
                    return ends
                if not isinstance(left, bool):
                    parts.append(left)
            if len(parts) < 2:
                return parts[0] if parts else not ends
            return ops.AnyOf(tuple(parts)) if ends else ops.All(tuple(parts))
    return cond

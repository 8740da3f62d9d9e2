"""Finds table rows for many records: each combination of words, truths and pieces is looked up once, and kept."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core.program import KeyBand
from pricelang.engine.lookup import Rows
from pricelang.engine.lookup import Value
from pricelang.plain import dataclass

NO_ROW = -1


@dataclass(frozen=True, slots=True)
class KeyKind:
    """How a key's values are numbered: the words of a source, truths, or pieces of the number line."""

    kind: str  # word, truth, piece
    source: str = ""
    edges: tuple[Fraction, ...] = ()


class Finder:
    """Rows of a table by the numbers of their keys. With a key left out (`but`, that of bands) it gives the number of a
    group of rows, in order of their bands."""

    def __init__(self, rows: Rows, kinds: tuple[KeyKind, ...], but: int | None) -> None:
        self.rows = rows
        self.kinds = kinds
        self.but = but
        self.groups: list[tuple[int, ...]] = []
        self.closed = False
        """Whether all groups are known, and another one is none."""
        self._group: dict[tuple[int, ...], int] = {}
        self._name = (rows.table.name, kinds, but)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finder) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)

    def only(self) -> int:
        """The row of a table without keys."""
        return self.find([])

    def find(self, values: list[Value]) -> int:
        """The one row that fits; below 0 where there is none, or several: the record engine says which."""
        if self.but is None:
            found = self.rows.find(values)
            return found[0] if len(found) == 1 else NO_ROW
        values = [*values[: self.but], None, *values[self.but :]]
        group = tuple(self.rows.find(values, self.but))
        if not group:
            return NO_ROW
        if group not in self._group:
            if self.closed:
                return NO_ROW
            self._group[group] = len(self.groups)
            self.groups.append(group)
        return self._group[group]

    def value_of(self, index: int, code: int, words: list[str]) -> Value:
        """A value that stands for all that have a number."""
        kind = self.kinds[index]
        if kind.kind == "word":
            return words[code]
        if kind.kind == "truth":
            return bool(code)
        edges = kind.edges
        if code % 2:
            return edges[code // 2]
        if not edges:
            return Fraction(0)
        if code == 0:
            return edges[0] - 1
        if code // 2 == len(edges):
            return edges[-1] + 1
        return (edges[code // 2 - 1] + edges[code // 2]) / 2

    def size_of(self, index: int, words: int) -> int:
        """How many numbers a key has."""
        kind = self.kinds[index]
        return words if kind.kind == "word" else 2 if kind.kind == "truth" else 2 * len(kind.edges) + 1


def bands_of(rows: Rows, row: int, index: int) -> list[KeyBand]:
    """The bands that stand in a row's key."""
    return [part for part in rows.table.rows[row].keys[index] if isinstance(part, KeyBand)]

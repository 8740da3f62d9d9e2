"""Tables made ready: keys to rows, and a row as a tuple of (value, place), one for each column and layer read."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

from pricelang.core.program import CellValue
from pricelang.core.program import Custom
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyPart
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.core.program import Unlimited
from pricelang.engine.compiled.scales import ONE
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import Word
from pricelang.engine.compiled.scales import common
from pricelang.engine.compiled.scales import data
from pricelang.engine.lookup import MOST_COMBINATIONS
from pricelang.engine.lookup import Rows
from pricelang.engine.lookup import Value
from pricelang.light import TYPE_CHECKING

MOST_KEPT = 4096
LONGEST_KEPT = 200
DECIMALS = 10**6


class Sign:
    """Something that is no value, in place of one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> str:
        return self.name


OWN = Sign("OWN")
"""In place of a value: it comes from the account."""
NO_LIMIT = Sign("NO_LIMIT")
"""In place of a value: `unlimited`, which is a bound but no price."""

if TYPE_CHECKING:
    from typing import TypeVar

    _F = TypeVar("_F")
Slots = tuple[object, ...]
Bands = tuple[tuple[object, ...], ...]


def scale_for(factor: Fraction) -> int:
    """A scale for numbers that are sent, which holds six decimals of their own unit."""
    return Fraction(factor, DECIMALS).denominator


class TableData:
    """What generated code needs of a table. Which columns and layers it reads is told while the code is made."""

    def __init__(self, table: Table, rows: Rows) -> None:
        self.table = table
        self.finder = rows
        self.slots: dict[tuple[str, int], int] = {}
        self.found: dict[str, list[CellValue]] = {}
        self.shares: dict[str, list[str]] = {}
        self.scales: dict[str, int | None] = {}
        self.ready: list[Slots] = []

    # --- columns

    def values(self, column: str) -> list[CellValue]:
        """What stands in a column, in any layer, each value once."""
        if column not in self.found:
            cells = (cell for layer in self.table.layers for cell in layer.cells.items())
            self.found[column] = list(dict.fromkeys(value for (_, name), (value, _) in cells if name == column))
        return self.found[column]

    def is_text(self, column: str) -> bool:
        kinds = {isinstance(one, str) for one in self.values(column) if isinstance(one, str | Fraction)}
        if len(kinds) == 2:
            raise NotCompiled(f"the column {column} of the table {self.table.name} has texts and numbers")
        return kinds.pop() if kinds else self.table.columns[column].kind in ("text", "date")

    def targets(self, column: str) -> list[str]:
        """The columns that cells of a column are a share of."""
        if column not in self.shares:
            self.shares[column] = list(
                dict.fromkeys(one.column for one in self.values(column) if isinstance(one, Share))
            )
        return self.shares[column]

    def scale(self, column: str, passed: tuple[str, ...] = ()) -> int | None:
        """The scale that holds every value of a column."""
        if column in passed:
            raise NotCompiled(f"the column {column} of the table {self.table.name} is a share of itself")
        if column not in self.scales:
            found: list[int | None] = []
            for value in self.values(column):
                if isinstance(value, Fraction):
                    found.append(value.denominator)
                elif isinstance(value, Custom):
                    found.append(scale_for(self.table.columns[column].factor))
                elif isinstance(value, Share):
                    of = self.scale(value.column, (*passed, column))
                    found.append(None if of is None else of * value.share.denominator)
            self.scales[column] = common(found)
        return self.scales[column]

    def slot(self, column: str, layer: int) -> int:
        """Where in a row's tuple the cell of a layer stands."""
        return self.slots.setdefault((column, layer), len(self.slots))

    def cell(self, row: int, column: str, layer: int) -> object:
        given = self.table.layers[layer].cells.get((row, column))
        if given is None:
            return None
        value, place = given
        return self.value(column, value), place

    def value(self, column: str, value: CellValue) -> object:
        """A value as code reads it: at scale; (which column, share of it); OWN; NO_LIMIT; None where not offered."""
        if isinstance(value, str):
            return value
        if isinstance(value, Fraction):
            return data(value, self.scale(column))
        if isinstance(value, Custom):
            return OWN
        if isinstance(value, Share):
            which = self.targets(column).index(value.column)
            scale, of = self.scale(column), self.scale(value.column)
            if scale is None or of is None:
                return which, value.share
            return which, data(value.share, scale // of)
        return NO_LIMIT if isinstance(value, Unlimited) else None

    # --- rows

    @property
    def is_exact(self) -> bool:
        """Whether a dictionary holds every row."""
        return not self.finder.others

    def band_key(self) -> int | None:
        """The one key that is a band, where all other keys are exact and no two bands meet."""
        found = None
        for index in range(len(self.table.keys)):
            parts = [part for row in self.table.rows for part in row.keys[index]]
            if all(isinstance(part, KeyBand) for part in parts):
                if found is not None:
                    return None
                found = index
            elif not all(isinstance(part, str | bool | Fraction) for part in parts):
                return None
        return found

    def finish(self) -> None:
        """Makes the rows ready, all columns and layers being known."""
        self.ready = [
            tuple(self.cell(row, column, layer) for column, layer in self.slots) for row in range(len(self.table.rows))
        ]

    def fill(self, into: dict[object, Slots], of: list[Figure | Word]) -> None:
        """Exact keys to rows."""
        for parts, row in self.finder.exact.items():
            key = _key(parts, of)
            if key is not None:
                into[key] = self.ready[row]

    def fill_bands(self, into: dict[object, Bands], of: list[Figure | Word], index: int) -> None:
        """The other keys to bands, half-open and at scale; keys whose bands meet are left to the definition."""
        found: dict[object, list[tuple[int | None, int | None, Slots]]] = {}
        others = [one for at, one in enumerate(of) if at != index]
        asked = of[index]
        assert isinstance(asked, Figure)
        assert asked.scale is not None
        for number, row in enumerate(self.table.rows):
            given = [parts for at, parts in enumerate(row.keys) if at != index]
            combinations = 1
            for parts in given:
                combinations *= len(parts)
            if combinations > MOST_COMBINATIONS:
                raise NotCompiled(f"the table {self.table.name} has a row of very many keys")
            for combination in itertools.product(*given):
                key = _key(combination, others)
                if key is None:
                    continue
                for part in row.keys[index]:
                    assert isinstance(part, KeyBand)
                    found.setdefault(key, []).append((*_half_open(part, asked.scale), self.ready[number]))
        for key, bands in found.items():
            bands.sort(key=lambda one: (one[0] is not None, one[0] or 0))
            apart = all(
                one[1] is not None and two[0] is not None and one[1] <= two[0] for one, two in itertools.pairwise(bands)
            )
            if apart:
                into[key] = tuple(bands)

    def searcher(self, of: list[Figure | Word]) -> Callable[..., Slots | None]:
        """Finds the row by asking the definition, and remembers."""

        def look(given: tuple[object, ...]) -> Slots | None:
            rows = self.finder.find(_values(given, of)) if None not in given else []
            return self.ready[rows[0]] if len(rows) == 1 else None

        return _remembering(look)

    def band_searcher(
        self, of: list[Figure | Word], index: int, scale: int | None, factor: Fraction, graduated: bool
    ) -> Callable[..., Bands]:
        """Finds the bands that a tier reads, in order: (low, it included, high, it included, row). Empty where the
        definition has to say what is wrong with them."""

        def look(given: tuple[object, ...]) -> Bands:
            if None in given:
                return ()
            values = _values(given, of)
            values.insert(index, None)
            found = []
            for row in self.finder.find(values, index):
                for part in self.table.rows[row].keys[index]:
                    assert isinstance(part, KeyBand)
                    low = (part.low or Fraction(0)) * factor
                    high = part.high * factor if part.high is not None else None
                    found.append((low, part.low_included, high, part.high_included, self.ready[row]))
            found.sort(key=lambda one: (one[0], not one[1]))
            if graduated and not follow_on([(one[0], one[2]) for one in found]):
                return ()
            return tuple(
                (data(one[0], scale), one[1], None if one[2] is None else data(one[2], scale), *one[3:])
                for one in found
            )

        return _remembering(look)


def _remembering(look: Callable[[tuple[object, ...]], _F]) -> Callable[..., _F]:
    """A search that remembers what it found, of keys that are not too long and not too many."""
    known: dict[object, _F] = {}

    def find(*given: object) -> _F:
        found = known.get(given)
        if found is None:
            found = look(given)
            if found and all(not isinstance(one, str) or len(one) <= LONGEST_KEPT for one in given):
                if len(known) >= MOST_KEPT:
                    known.clear()
                known[given] = found
        return found

    return find


def follow_on(bands: list[tuple[Fraction, Fraction | None]]) -> bool:
    """Whether bands start at nothing and each where the one before ends."""
    at: Fraction | None = Fraction(0)
    for low, high in bands:
        if at is None or low != at or (high is not None and high <= low):
            return False
        at = high
    return bool(bands)


def edges(table: Table, index: int, factor: Fraction) -> list[int | None]:
    """The denominators of all edges of a band key."""
    parts = [part for row in table.rows for part in row.keys[index] if isinstance(part, KeyBand)]
    return [(edge * factor).denominator for part in parts for edge in (part.low, part.high) if edge is not None]


def band_index(table: Table) -> int:
    """The key that a tier looks up itself."""
    return next(i for i, _ in enumerate(table.keys) if all(isinstance(row.keys[i][0], KeyBand) for row in table.rows))


def needs_text(one: KeyPart, of: Figure | Word) -> bool:
    """Whether a key's part and the value it is compared with are of one kind."""
    if isinstance(of, Figure):
        return isinstance(one, Fraction)
    return isinstance(one, bool) if of.truth else isinstance(one, str)


def _key(parts: tuple[KeyPart, ...], of: list[Figure | Word]) -> object:
    """The key under which generated code looks; None where no value comes to it."""
    found: list[object] = []
    for part, one in zip(parts, of, strict=True):
        if not needs_text(part, one):
            raise NotCompiled("a key of a table is of another kind than its values")
        if isinstance(one, Figure) and one.scale is not None:
            assert isinstance(part, Fraction)
            if (part * one.scale).denominator != 1:
                return None
            found.append(data(part, one.scale))
        else:
            found.append(part)
    return found[0] if len(found) == 1 else tuple(found)


def _values(given: tuple[object, ...], of: list[Figure | Word]) -> list[Value]:
    """What the code looks for, as the definition knows it."""
    return [
        Fraction(value, one.scale) if isinstance(one, Figure) and one.scale is not None else value  # type: ignore
        for value, one in zip(given, of, strict=True)
    ]


def _half_open(band: KeyBand, scale: int) -> tuple[int | None, int | None]:
    """The ints at a scale that lie in a band: from the first up to, not including, the second."""
    low = stop = None
    if band.low is not None:
        low = -(-band.low * scale // ONE) if band.low_included else band.low * scale // ONE + 1
    if band.high is not None:
        stop = band.high * scale // ONE + 1 if band.high_included else -(-band.high * scale // ONE)
    return low, stop

"""A table block as a whole: its rows, and the layers of dates, hours and conditions that lie on them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pricelang.check.bands import Edges
from pricelang.check.bands import band_words
from pricelang.check.cells import Column
from pricelang.check.cells import ReadCell
from pricelang.check.cells import column_type
from pricelang.check.cells import header_columns
from pricelang.check.cells import make_column
from pricelang.check.cells import read_cell
from pricelang.check.clashes import missing_rows
from pricelang.check.conditions import condition
from pricelang.check.conditions import exclude_each_other
from pricelang.check.conditions import in_force
from pricelang.check.keys import finish_keys
from pricelang.check.keys import key_type
from pricelang.check.keys import key_words
from pricelang.check.keys import make_key
from pricelang.check.keys import make_rows
from pricelang.check.keys import read_key_part
from pricelang.check.keys import read_keys
from pricelang.check.scope import Scope
from pricelang.check.scope import TableInfo
from pricelang.check.scope import Type
from pricelang.check.scope import UsageInfo
from pricelang.check.written import written_figure
from pricelang.core import ops
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyPart
from pricelang.core.program import Layer
from pricelang.core.program import Share
from pricelang.core.program import Table
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import PLAIN

RANKS = {"base": 0, "from": 1, "offer": 2, "during": 3, "when": 4}
FAR = Fraction(10) ** 15


@dataclass(slots=True)
class _Draft:
    """A layer whose cells are read but not yet typed."""

    rank: int
    level: int
    start: Fraction | None
    when: ops.Cond | None
    name: str | None
    shown: str
    place: Place
    cells: dict[tuple[int, str], ReadCell] = field(default_factory=dict)
    immediately: bool = False


def read_table(block: n.TableBlock, scope: Scope, users: tuple[UsageInfo, ...]) -> TableInfo:
    """A table with its rows, columns and layers; what is wrong with it is in the findings."""
    info = TableInfo(block.name, block, tuple(word.text for word in block.keys), {}, {}, None, broken=True)
    if block.header is None or not block.rows:
        if block.header is None and block.csv is not None:
            return info
        scope.findings.add(codes.NO_HEADER, block.place, name=block.name)
        if block.header is None:
            return info
    scope = scope.inside(None, users)
    columns = header_columns(block.header, block.per, scope)
    by_name = {column.name: column for column in columns}
    key_columns: list[Column] = []
    for word in block.keys:
        if word.text.lower() not in by_name:
            known = ", ".join(f"`{column.name}`" for column in columns)
            scope.findings.add(codes.KEY_NOT_IN_HEADER, word.place, f"the header has {known}", name=word.text)
            return info
        key_columns.append(by_name[word.text.lower()])
    key_names = {column.name for column in key_columns}
    values = [column for column in columns if column.name not in key_names]
    rows = _sized(block.rows, len(columns), scope)
    rows += _new_rows(block, columns, scope)
    info.broken = False
    return _Assembly(block, info, scope, columns, key_columns, values, rows).table()


def _sized(rows: tuple[n.Cells, ...], count: int, scope: Scope) -> list[n.Cells]:
    """Rows with as many cells as the header has; others are findings."""
    found = []
    for row in rows:
        if len(row.cells) != count:
            scope.findings.add(codes.BAD_ROW, row.place, count=len(row.cells), expected=count)
        else:
            found.append(row)
    return found


def _new_rows(block: n.TableBlock, columns: list[Column], scope: Scope) -> list[n.Cells]:
    """Rows that a file on top adds, in the order of the header beneath."""
    found = []
    for layer in _all_layers(block.layers):
        if not layer.new_rows or layer.header is None:
            continue
        theirs = header_columns(layer.header, None, scope)
        place_of = {column.name: column.index for column in theirs}
        for column in theirs:
            if column.name not in {c.name for c in columns}:
                known = ", ".join(f"`{c.name}`" for c in columns)
                scope.findings.add(codes.LAYER_COLUMN, column.place, f"the header has {known}", name=column.name)
        for row in _sized(layer.rows, len(theirs), scope):
            cells = tuple(
                row.cells[place_of[column.name]] if column.name in place_of else n.Word("", row.place)
                for column in columns
            )
            found.append(n.Cells(cells, row.place))
    return found


def _all_layers(layers: tuple[n.LayerDecl, ...]) -> list[n.LayerDecl]:
    return [one for layer in layers for one in (layer, *_all_layers(layer.layers))]


class _Assembly:
    """Puts one table together."""

    def __init__(
        self,
        block: n.TableBlock,
        info: TableInfo,
        scope: Scope,
        columns: list[Column],
        key_columns: list[Column],
        values: list[Column],
        rows: list[n.Cells],
    ) -> None:
        self.block = block
        self.info = info
        self.scope = scope
        self.columns = columns
        self.key_columns = key_columns
        self.values = values
        self.rows = rows
        self.typed = [key_type(column.name, scope) for column in key_columns]
        self.key_types = [
            self._in_its_unit(column, typed[0] if typed else self._band_type(column))
            for column, typed in zip(key_columns, self.typed, strict=True)
        ]
        self.names: list[dict[str, list[int]]] = []
        self.keys: list[tuple[tuple[KeyPart, ...], ...]] = []

    def table(self) -> TableInfo:
        info, scope = self.info, self.scope
        indexes = [column.index for column in self.key_columns]
        names = [column.name for column in self.key_columns]
        read = read_keys([row.cells for row in self.rows], indexes, self.key_types, names, scope)
        info.band_key = self._band_key()
        units = [type.unit if type is not None else PLAIN for type in self.key_types]
        keys = finish_keys(read, self.rows, units, scope)
        self.keys = keys
        missing_rows(info, self.key_types, keys, self.rows, scope)
        self._index_names(indexes)
        drafts = [self._base()]
        for layer in self.block.layers:
            self._layers(layer, (), None, 0, drafts)
        types = self._types(drafts)
        info.columns = types
        info.column_types = {name: make_column(types[name], self._kind(name, drafts)) for name in types}
        self._check_shares(drafts)
        self._find_conflicts(drafts)
        made = tuple(make_key(name, typed) for name, typed in zip(names, self.typed, strict=True))
        layers = sorted(drafts, key=lambda d: (d.level, d.rank, d.start if d.start is not None else -FAR), reverse=True)
        info.table = Table(
            info.name,
            made,
            info.column_types,
            make_rows(keys, self.rows, indexes),
            tuple(
                Layer(
                    draft.rank,
                    draft.start,
                    draft.when,
                    {at: (cell.value, cell.word.place) for at, cell in draft.cells.items()},
                    draft.name,
                    draft.shown,
                    None if draft.rank == 0 and draft.level == 0 else draft.place,
                    draft.immediately,
                )
                for draft in layers
            ),
            self.block.place,
        )
        return info

    def _in_its_unit(self, column: Column, type: Type | None) -> Type | None:
        """A key whose header names a unit is read in it: `minutes (minutes)` for a field in seconds."""
        if column.unit is None:
            return type
        if type is None:
            return Type("number", column.unit)
        if type.kind != "number" or type.unit.dims != column.unit.dims:
            left, right = str(type), str(Type("number", column.unit))
            self.scope.findings.add(codes.UNIT_MIX, column.place, f"`{column.name}` is {left}", left=left, right=right)
            return type
        return replace(type, unit=column.unit)

    def _band_type(self, column: Column) -> Type | None:
        """The type of a key that is no field: its bands are of a quantity whose unit they name."""
        for row in self.rows:
            words = band_words(row.cells[column.index].text)
            edge = words and (words[0] or words[2])
            node = written_figure(edge, row.cells[column.index].place, self.scope) if edge else None
            if isinstance(node, n.Number) and node.unit is not None:
                unit = self.scope.unit(node.unit)
                return Type("number", unit) if unit is not None else None
        return None

    def _band_key(self) -> int | None:
        """The one key that is a band, for `graduated` and `volume`."""
        banded = [
            index
            for index, column in enumerate(self.key_columns)
            if self.rows and all(band_words(row.cells[column.index].text) for row in self.rows)
        ]
        if len(banded) != 1:
            return None
        type = self.key_types[banded[0]]
        if type is not None:
            self.info.band_unit = type.unit
        return banded[0]

    def _index_names(self, indexes: list[int]) -> None:
        """For each key the rows that a word names, so that a layer can name any of them (R48)."""
        for column, type in zip(self.key_columns, self.key_types, strict=True):
            names: dict[str, list[int]] = {}
            for number, row in enumerate(self.rows):
                for word in key_words(row.cells[column.index], type):
                    names.setdefault(_normal(word.text), []).append(number)
            self.names.append(names)

    def _base(self) -> _Draft:
        draft = _Draft(RANKS["base"], 0, None, None, None, "", self.block.place)
        for number, row in enumerate(self.rows):
            for column in self.values:
                cell = read_cell(row.cells[column.index], column, self.scope)
                if cell is not None:
                    draft.cells[number, column.name] = cell
        return draft

    def _layers(
        self, decl: n.LayerDecl, above: tuple[ops.Cond, ...], start: Fraction | None, rank: int, drafts: list[_Draft]
    ) -> None:
        """A layer and those inside it; each stands under all conditions around it and ranks by its highest."""
        scope = self.scope
        if decl.new_rows:
            return
        conds = list(above)
        shown = []
        if decl.dates is not None:
            dates = in_force(decl.dates, scope)
            if dates is None:
                self.info.broken = True
                return
            offer = decl.dates.stop is not None or decl.dates.further_notice
            conds.append(dates)
            start = dates.start if dates.start is not None else start
            rank = max(rank, RANKS["offer" if offer else "from"])
            shown.append(_dates_shown(decl.dates))
            if "new_customers" in decl.effects:
                if dates.start is None:
                    scope.findings.add(
                        codes.PARTIAL_EFFECT,
                        decl.place,
                        what="new customers since when?",
                        advice="begin the layer with `from DATE`",
                    )
                else:
                    conds.append(ops.NewCustomer(dates.start))
                    shown.append("for new customers only")
        if decl.during is not None:
            during = condition(decl.during, scope)
            if during is None:
                return
            conds.append(during)
            rank = max(rank, RANKS["during"])
            shown.append(f"during {decl.during.hours}")
        if decl.when is not None:
            when = condition(decl.when, scope)
            if when is None:
                return
            conds.append(when)
            rank = max(rank, RANKS["when"])
            shown.append("when …")
        if decl.header is not None:
            together = None if not conds else conds[0] if len(conds) == 1 else ops.All(tuple(conds))
            draft = _Draft(rank, decl.level, start, together, decl.name, " ".join(shown), decl.place)
            draft.immediately = "immediately" in decl.effects
            self._layer_cells(decl, draft)
            drafts.append(draft)
        for inner in decl.layers:
            self._layers(
                inner if inner.level >= decl.level else _raised(inner, decl.level), tuple(conds), start, rank, drafts
            )

    def _layer_cells(self, decl: n.LayerDecl, draft: _Draft) -> None:
        assert decl.header is not None
        scope = self.scope
        theirs = header_columns(decl.header, self.block.per, scope)
        known = ", ".join(f"`{column.name}`" for column in self.columns)
        by_name = {column.name: column for column in self.columns}
        keys: list[tuple[int, int]] = []
        for column in theirs:
            ours = by_name.get(column.name)
            if ours is None:
                scope.findings.add(codes.LAYER_COLUMN, column.place, f"the header has {known}", name=column.name)
                continue
            if "(" not in decl.header.cells[column.index].text:
                column.per, column.money, column.unit, column.percent = ours.per, ours.money, ours.unit, ours.percent
            position = next((i for i, key in enumerate(self.key_columns) if key.name == column.name), None)
            if position is not None:
                keys.append((position, column.index))
        if not keys and self.key_columns:
            name = self.key_columns[0].name
            scope.findings.add(codes.KEY_NOT_IN_HEADER, decl.header.place, f"begin the rows with `{name}`", name=name)
            return
        key_names = {column.name for column in self.key_columns}
        for row in _sized(decl.rows, len(theirs), scope):
            for number in self._named_rows(row, keys):
                for column in theirs:
                    if column.name in key_names or column.name not in by_name:
                        continue
                    cell = read_cell(row.cells[column.index], column, scope)
                    if cell is None:
                        continue
                    if (number, column.name) in draft.cells and draft.cells[number, column.name].value != cell.value:
                        line = draft.cells[number, column.name].word.place.line
                        scope.findings.add(
                            codes.LAYER_CONFLICT,
                            cell.word.place,
                            column=column.name,
                            row=self._row_name(number),
                            line=line,
                        )
                    draft.cells[number, column.name] = cell

    def _named_rows(self, row: n.Cells, keys: list[tuple[int, int]]) -> list[int]:
        """The rows of the table that a layer's row names by any one of their names."""
        found: set[int] | None = None
        for position, index in keys:
            cell = row.cells[index]
            numbers: set[int] = set()
            for word in key_words(cell, self.key_types[position]):
                named = {*self.names[position].get(_normal(word.text), ()), *self._rows_of_value(position, word)}
                if not named:
                    advice = self.scope.nearest(word.text, list(self.names[position]))
                    self.scope.findings.add(codes.LAYER_ROW, cell.place, advice, name=word.text)
                    return []
                numbers.update(named)
            found = numbers if found is None else found & numbers
        if found is not None and not found:
            name = " and ".join(row.cells[index].text for _, index in keys)
            self.scope.findings.add(codes.LAYER_ROW, row.place, "", name=name)
        return sorted(found) if found is not None else list(range(len(self.rows)))

    def _rows_of_value(self, position: int, word: n.Word) -> list[int]:
        """The rows whose band or number is the one written, however it is spelled (`above 1.5K`, `above 1,500`)."""
        type = self.key_types[position]
        if type is not None and type.kind != "number":
            return []
        quiet = replace(self.scope, findings=Findings())
        part = read_key_part(word, type, self.key_columns[position].name, quiet)
        return [number for number, keys in enumerate(self.keys) if any(_same_part(part, one) for one in keys[position])]

    def _row_name(self, number: int) -> str:
        return (
            " and ".join(self.rows[number].cells[column.index].text for column in self.key_columns) or self.block.name
        )

    # --- types of columns

    def _types(self, drafts: list[_Draft]) -> dict[str, Type]:
        types: dict[str, Type] = {}
        for column in self.values:
            cells = [draft.cells[at] for draft in drafts for at in draft.cells if at[1] == column.name]
            types[column.name] = column_type(column, cells, self.scope, lambda cell: cell.word.text)
        by_name = {column.name: column for column in self.values}
        for column in self.values:
            if types[column.name].zero and column.unit is None:
                for draft in drafts:
                    for (_, name), cell in draft.cells.items():
                        if name == column.name and isinstance(cell.value, Share) and cell.value.column in by_name:
                            types[column.name] = types[cell.value.column]
        return types

    def _kind(self, name: str, drafts: list[_Draft]) -> str:
        type = self.info.columns[name]
        kinds = [cell.kind for draft in drafts for (_, n_), cell in draft.cells.items() if n_ == name and cell.kind]
        if type.kind != "number":
            return type.kind
        for kind in ("rate", "money", "percent", "number"):
            if kind in kinds:
                return kind
        return "rate" if any(power < 0 for _, power in type.unit.dims) else "number"

    def _check_shares(self, drafts: list[_Draft]) -> None:
        edges: dict[tuple[int, str], set[str]] = {}
        for draft in drafts:
            for (number, name), cell in draft.cells.items():
                value = cell.value
                if not isinstance(value, Share):
                    continue
                if value.column not in self.info.columns:
                    self.scope.unknown("column", value.column, cell.word.place, self.info.columns)
                    cell.value = Fraction(0)
                    continue
                mine, theirs = self.info.columns[name], self.info.columns[value.column]
                if (mine.unit.dims != theirs.unit.dims and not (mine.zero or theirs.zero)) or mine.kind != theirs.kind:
                    self.scope.findings.add(codes.UNIT_MIX, cell.word.place, "", left=str(mine), right=str(theirs))
                edges.setdefault((number, name), set()).add(value.column)
        looped: set[int] = set()
        for number, name in edges:
            seen: set[str] = set()
            todo = [name]
            while todo:
                for after in edges.get((number, todo.pop()), ()):
                    if number in looped:
                        break
                    if after == name:
                        looped.add(number)
                        cells = [d.cells[number, name] for d in drafts if (number, name) in d.cells]
                        place = next(cell.word.place for cell in reversed(cells) if isinstance(cell.value, Share))
                        self.scope.findings.add(codes.SHARE_LOOP, place, column=name)
                        todo.clear()
                        break
                    if after not in seen:
                        seen.add(after)
                        todo.append(after)

    # --- layers that could both hold

    def _find_conflicts(self, drafts: list[_Draft]) -> None:
        by_cell: dict[tuple[int, str], list[_Draft]] = {}
        for draft in drafts:
            if draft.rank:
                for at in draft.cells:
                    by_cell.setdefault(at, []).append(draft)
        told: set[tuple[int, int]] = set()
        for (number, name), layers in by_cell.items():
            for index, later in enumerate(layers):
                for earlier in layers[:index]:
                    if (id(earlier), id(later)) in told or not self._conflict(earlier, later, (number, name)):
                        continue
                    told.add((id(earlier), id(later)))
                    cell = later.cells[number, name]
                    self.scope.findings.add(
                        codes.LAYER_CONFLICT,
                        cell.word.place,
                        column=name,
                        row=self._row_name(number),
                        line=earlier.cells[number, name].word.place.line,
                    )

    def _conflict(self, left: _Draft, right: _Draft, at: tuple[int, str]) -> bool:
        if left.level != right.level or left.rank != right.rank:
            return False
        if left.rank != RANKS["offer"] and left.start != right.start:
            return False
        if left.cells[at].value == right.cells[at].value:
            return False
        return not exclude_each_other(left.when, right.when, self.scope.hours)


def _same_part(written: KeyPart | Edges | None, part: KeyPart) -> bool:
    """Whether what a layer's row names is this part of a row's key; an edge that is left open fits any."""
    if isinstance(written, Edges):
        if not isinstance(part, KeyBand):
            return False
        low = written.low is None or (written.low, written.low_included) == (part.low, part.low_included)
        high = written.high is None or (written.high, written.high_included) == (part.high, part.high_included)
        return low and high
    return written is not None and written == part


def _normal(text: str) -> str:
    words = " ".join(text.split())
    low = words.lower()
    if low == "any" or low.startswith(("up to ", "above ", "below ", "from ", "at least ", "at most ", "like ")):
        return low.replace(",", "")
    return words


def _dates_shown(dates: n.Dates) -> str:
    words = []
    if dates.start is not None:
        words.append(f"from {dates.start.text}")
    if dates.further_notice:
        words.append("until further notice")
    elif dates.stop is not None:
        words.append(f"until {dates.stop.text}")
    return " ".join(words)


def _raised(layer: n.LayerDecl, level: int) -> n.LayerDecl:
    return replace(layer, level=level)

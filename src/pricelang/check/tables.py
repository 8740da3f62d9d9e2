"""Tables: headers and cells typed, rows made to fit records one at a time."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable
from collections.abc import Sequence
from fractions import Fraction

from lark import UnexpectedInput

from pricelang.check.bands import Edges
from pricelang.check.bands import as_key
from pricelang.check.bands import band_words
from pricelang.check.bands import check_bands
from pricelang.check.bands import meet
from pricelang.check.bands import shown_edges
from pricelang.check.conditions import key_value
from pricelang.check.conditions import number_of
from pricelang.check.figures import figure
from pricelang.check.scope import Scope
from pricelang.check.scope import TableInfo
from pricelang.check.scope import Type
from pricelang.check.scope import field_type
from pricelang.check.written import PlacedBuilder
from pricelang.check.written import written_figure
from pricelang.check.written import written_number
from pricelang.core import ops
from pricelang.core.program import CellValue
from pricelang.core.program import ColumnType
from pricelang.core.program import Custom
from pricelang.core.program import Key
from pricelang.core.program import KeyAny
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.core.program import NotOffered
from pricelang.core.program import Row
from pricelang.core.program import Share
from pricelang.core.program import Unlimited
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.syntax.grammar import grammar
from pricelang.units import PERCENT
from pricelang.units import PLAIN
from pricelang.units import SIGNS
from pricelang.units import Unit
from pricelang.units import find_unit

NO_CELL = frozenset({"—", "-", "–", "―", "--"})
_SHARE = re.compile(r"(?:as|(\d[\d.,]*)\s?% of) (.+)$", re.I)
_SIGN = "|".join(re.escape(sign) for sign in SIGNS)
_MONEY = re.compile(rf"({_SIGN})\s?(\d[\d,.]*[KMB]?)$")
_HEADER = re.compile(r"(.*?)\s*\(([^()]*)\)$")
MOST_COMBINATIONS = 20_000
MOST_OPEN_ROWS = 50


@dataclass(slots=True)
class Column:
    """A column as its header declares it."""

    name: str
    index: int
    place: Place
    per: Unit | None = None
    money: str | None = None
    unit: Unit | None = None
    percent: bool = False


@dataclass(slots=True)
class ReadCell:
    """A cell on its way: its value and what it turned out to be."""

    value: CellValue
    kind: str  # rate, money, number, percent, date, text, or "" where the cell's word has a meaning of its own
    unit: Unit
    word: n.Word


def column_name(text: str) -> str:
    """The name a header's words give a column: `Monthly cost` is `monthly_cost`."""
    name = re.sub(r"[^\w]+", "_", text.strip().lower()).strip("_")
    return name or "_"


def header_columns(header: n.Cells, block_per: n.Size | None, scope: Scope) -> list[Column]:
    """The columns of a header row; a unit in brackets belongs to its column alone."""
    per = _size_unit(block_per, scope) if block_per is not None else None
    columns: list[Column] = []
    for index, word in enumerate(header.cells):
        text, column = word.text, Column("", index, word.place, per)
        match = _HEADER.match(text)
        if match and match[1]:
            text = match[1]
            _column_unit(match[2].strip(), column, scope)
        column.name = column_name(text)
        for other in columns:
            if other.name == column.name:
                line = word.place.line
                scope.findings.add(codes.REPEATED, word.place, what="the column", name=column.name, line=line)
        columns.append(column)
    return columns


def _size_unit(size: n.Size, scope: Scope) -> Unit | None:
    unit = scope.unit(size.unit)
    if unit is None or not size.count:
        return None
    return Unit(unit.dims, unit.factor * size.count, _per_name(size.count, unit))


def _per_name(count: Fraction, unit: Unit) -> str:
    if count == 1:
        return unit.name
    return f"{int(count):,} {unit.plural}" if count.denominator == 1 else f"{count} {unit.plural}"


def _column_unit(text: str, column: Column, scope: Scope) -> None:
    column.per = None
    if text == "%":
        column.percent = True
        return
    text = re.sub(r"\s*/\s*", " per ", re.sub(r"^in ", "", text)).strip()
    sign = next((one for one in SIGNS if text.startswith(one)), None)
    if sign is not None:
        column.money = scope.money_code(sign, column.place)
        text = text.removeprefix(sign).strip()
        if not text:
            return
    try:
        tree = grammar().parse(text, start="column_unit")
    except UnexpectedInput:
        scope.findings.add(codes.BAD_CELL, column.place, "write a unit, such as `(per 1M tokens)` or `(GB)`",
                           text=text, kind="the unit of a column")  # fmt: skip
        return
    built = PlacedBuilder(column.place, scope)
    for kid in tree.children:
        if hasattr(kid, "data"):
            column.per = _size_unit(built.size(kid), scope)
            continue
        name = str(kid)
        unit = find_unit(name, scope.units)
        if name.lower() in ("percent",) or name.endswith("%"):
            column.percent = True
        elif unit is None:
            scope.unit(n.UnitName(name, None, column.place))
        elif unit.dims == scope.money.dims and unit.factor == 1:
            column.money = scope.currency
        elif len(unit.dims) == 1 and unit.dims[0][0].isupper() and unit.factor == 1 and len(unit.dims[0][0]) == 3:
            scope.money_code(unit.dims[0][0], column.place)
        else:
            column.unit = unit


def read_cell(word: n.Word, column: Column, scope: Scope) -> ReadCell | None:
    """A cell by its words, or None for one that is empty."""
    text = word.text.strip()
    low = text.lower()
    if not text:
        return None
    if low == "free":
        return ReadCell(Fraction(0), "", PLAIN, word)
    if text in NO_CELL:
        return ReadCell(NotOffered(), "", PLAIN, word)
    if low == "custom":
        return ReadCell(Custom(), "", PLAIN, word)
    if low == "unlimited":
        return ReadCell(Unlimited(), "", PLAIN, word)
    if (low.startswith("as ") or "% of " in low) and (match := _SHARE.match(text)):
        share = Fraction(1) if match[1] is None else (number_of(match[1]) or Fraction(0)) / 100
        return ReadCell(Share(column_name(match[2]), share), "", PLAIN, word)
    money = _MONEY.match(text)
    if money is not None and (value := number_of(money[2])) is not None:
        if scope.money_code(money[1], word.place) is None:
            return ReadCell(Fraction(0), "", PLAIN, word)
        return _priced(value, column, scope, word)
    plain = number_of(text)
    if plain is not None:
        if text.endswith("%") or column.percent:
            return ReadCell(plain / 100, "percent", PERCENT, word)
        if column.money:
            return _priced(plain, column, scope, word)
        if column.unit is not None and column.per is not None:
            return ReadCell(plain * column.unit.factor / column.per.factor, "rate", column.unit / column.per, word)
        if column.unit is not None:
            return ReadCell(plain * column.unit.factor, "number", column.unit, word)
        return ReadCell(plain, "number", PLAIN, word)
    if text[0].isdigit() or text[0] in "$€£¥₹₩U" or text[:3].isupper():
        found = _figure_cell(word, column, scope)
        if found is not None:
            return found
    return ReadCell(text, "text", PLAIN, word)


def _priced(value: Fraction, column: Column, scope: Scope, word: n.Word) -> ReadCell:
    if column.per is None:
        return ReadCell(value, "money", scope.money, word)
    return ReadCell(value / column.per.factor, "rate", scope.money / column.per, word)


def _figure_cell(word: n.Word, column: Column, scope: Scope) -> ReadCell | None:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", word.text):
        try:
            return ReadCell(datetime.date.fromisoformat(word.text).isoformat(), "date", PLAIN, word)
        except ValueError:
            scope.findings.add(codes.BAD_DATE, word.place, text=word.text)
            return ReadCell("2000-01-01", "date", PLAIN, word)
    node = written_figure(word.text, word.place, scope)
    match node:
        case n.Money():
            typed = figure(node, scope)
            if typed is None or not isinstance(typed.expr, ops.Const):
                return ReadCell(Fraction(0), "", PLAIN, word)
            return _priced(typed.expr.value, column, scope, word)
        case n.Per():
            typed = figure(node, scope)
            if typed is None or not isinstance(typed.expr, ops.Const):
                return ReadCell(Fraction(0), "", PLAIN, word)
            return ReadCell(typed.expr.value, "rate", typed.type.unit, word)
        case n.Number() if node.unit is not None and find_unit(node.unit.text, scope.units) is not None:
            typed = figure(node, scope)
            if typed is None or not isinstance(typed.expr, ops.Const):
                return None
            if typed.type.unit.dims == scope.money.dims:
                return _priced(typed.expr.value, column, scope, word)
            return ReadCell(typed.expr.value, "number", typed.type.unit, word)
    return None


def column_type(column: Column, cells: list[ReadCell], scope: Scope, row_of: Callable[[ReadCell], str]) -> Type:
    """The one type of a column's cells; a cell of another kind is a finding."""
    kinds = {cell.kind for cell in cells if cell.kind}
    if not kinds:
        if column.per is not None and column.unit is not None:
            return Type("number", column.unit / column.per)
        if column.per is not None:
            return Type("number", scope.money / column.per)
        return Type("number", column.unit or (scope.money if column.money else PLAIN), zero=column.unit is None)
    if kinds in ({"text"}, {"text", "number"}, {"text", "percent"}, {"text", "date"}, {"text", "number", "percent"}):
        for cell in cells:
            if cell.kind:
                cell.value = cell.word.text
        return Type("text")
    for kind in ("rate", "money", "percent", "date", "number"):
        if kind in kinds:
            break
    chosen = next(cell for cell in cells if cell.kind == kind)
    expected = Type("date") if kind == "date" else Type("number", chosen.unit, percent=kind == "percent")
    for cell in cells:
        if not cell.kind:
            continue
        if cell.kind == "number" and kind in ("rate", "money") and not cell.unit.dims:
            per = f"per {column.per.name}" if column.per is not None else ""
            sign = next((s for s, meanings in SIGNS.items() if meanings[0] == scope.currency and len(s) == 1), "")
            like = f"{sign}{cell.word.text}" if sign else f"{scope.currency} {cell.word.text}"
            scope.findings.add(codes.BARE_CELL, cell.word.place, text=cell.word.text, per=per, like=like)
        elif cell.kind != kind and not (kind == "number" and cell.kind == "percent"):
            advice = f"the column holds {expected}, as in `{row_of(chosen)}`"
            if re.search(r"\d,\d", cell.word.text):
                advice = "thousands are set apart by commas in groups of three, and decimals by a point"
            scope.findings.add(codes.BAD_CELL, cell.word.place, advice,
                               text=cell.word.text, kind=str(expected))  # fmt: skip
        elif cell.unit.dims != chosen.unit.dims:
            scope.findings.add(codes.UNIT_MIX, cell.word.place, "one column has one unit", left=str(Type("number", cell.unit)),
                               right=str(expected))  # fmt: skip
    return expected


# --- keys -------------------------------------------------------------------------------------------------------------------


def key_type(name: str, scope: Scope) -> tuple[Type, ops.Expr] | None:
    """What a key is looked up by: a field of the records that use the table, or else of the account."""
    found = scope.field(name)
    if found is not None:
        return found.type, ops.Field(name)
    if name in scope.account:
        return scope.account[name].type, ops.Attribute(name)
    return None


def key_words(word: n.Word, type: Type | None) -> list[n.Word]:
    """The names of a key cell. A number may have thousands, so only names are cut at commas."""
    text = word.text
    if type is None or type.kind in ("number", "date", "truth") or "," not in text:
        return [word]
    return [n.Word(part.strip(), word.place) for part in text.split(",") if part.strip()]


def read_keys(
    rows: list[tuple[n.Word, ...]], indexes: list[int], types: list[Type | None], names: list[str], scope: Scope
) -> list[list[list[KeyPart | Edges]]]:
    """For each row and key the parts it fits; bands are still as written."""
    found: list[list[list[KeyPart | Edges]]] = []
    for cells in rows:
        keys: list[list[KeyPart | Edges]] = []
        for index, type, name in zip(indexes, types, names, strict=True):
            parts: list[KeyPart | Edges] = []
            for word in key_words(cells[index], type):
                part = read_key_part(word, type, name, scope)
                if part is not None:
                    parts.append(part)
            if not cells[index].text.strip():
                scope.findings.add(codes.BAD_CELL, cells[index].place, "write a name, or `any`", text="",
                                   kind=f"the key `{name}`")  # fmt: skip
            keys.append(parts)
        found.append(keys)
    return found


def read_key_part(word: n.Word, type: Type | None, name: str, scope: Scope) -> KeyPart | Edges | None:
    """What one name, number, band or pattern of a key cell fits."""
    text = word.text
    if text.lower() == "any":
        return KeyAny()
    if type is None or type.kind == "number":
        words = band_words(text)
        if words is not None:
            low, low_in, high, high_in = words
            low_value = _edge(low, type, word, scope) if low is not None else None
            high_value = _edge(high, type, word, scope) if high is not None else None
            if (low is not None and low_value is None) or (high is not None and high_value is None):
                return None
            return Edges(low_value, low_in, high_value, high_in, word.place)
        if type is None:
            return text  # the key is no field, which is said where a price asks for the table
        return written_number(word, type, scope)
    if text.lower().startswith("like ") and type.kind in ("text", "choice"):
        return KeyLike(text[5:].strip())
    return key_value(text, type, word.place, scope, name)


def _edge(text: str, type: Type | None, word: n.Word, scope: Scope) -> Fraction | None:
    return written_number(n.Word(text, word.place), type or Type("number", PLAIN), scope)


def finish_keys(
    read: list[list[list[KeyPart | Edges]]], rows: list[n.Cells], units: list[Unit], scope: Scope
) -> list[tuple[tuple[KeyPart, ...], ...]]:
    """Lets bands meet within the rows that are alike in all other keys, and finds rows that fit one record twice."""
    groups: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    for number, keys in enumerate(read):
        for index, parts in enumerate(keys):
            if any(isinstance(part, Edges) for part in parts):
                others = tuple(frozenset(p) for i, p in enumerate(keys) if i != index and not _banded(p))
                groups.setdefault((index, others), []).append((number, index))
    for (position, _), members in groups.items():
        edges = [part for number, i in members for part in read[number][i] if isinstance(part, Edges)]
        met = iter(meet(edges))
        for number, i in members:
            read[number][i] = [next(met) if isinstance(part, Edges) else part for part in read[number][i]]
        if not any(_banded(p) for number, i in members for j, p in enumerate(read[number]) if j != i):
            unit = units[position] if isinstance(position, int) else PLAIN
            done = [shown_edges(part, unit) for number, i in members for part in read[number][i] if isinstance(part, Edges)]
            # rows of another group may fit what lies between, where a key is a pattern or `any`
            closed = all(_exact(p) for keys in read for j, p in enumerate(keys) if j != position)
            check_bands(done, scope.findings, unit.plural if unit.name else "", open_ends=False, gaps=closed)
    found = []
    for keys in read:
        found.append(tuple(tuple(as_key(p) if isinstance(p, Edges) else p for p in parts) for parts in keys))
    _find_doubles(found, rows, scope)
    return found


def _exact(parts: list[KeyPart | Edges]) -> bool:
    return not any(isinstance(part, KeyAny | KeyLike) for part in parts)


def _banded(parts: list[KeyPart | Edges]) -> bool:
    return any(isinstance(part, Edges) for part in parts)


def _find_doubles(keys: list[tuple[tuple[KeyPart, ...], ...]], rows: list[n.Cells], scope: Scope) -> None:
    seen: dict[tuple[KeyPart, ...], int] = {}
    likes: list[int] = []
    for number, parts in enumerate(keys):
        if any(isinstance(part, KeyLike) for one in parts for part in one):
            likes.append(number)
        total = 1
        for one in parts:
            total *= max(1, len(one))
        if total > MOST_COMBINATIONS:
            continue
        for combination in itertools.product(*parts):
            if combination in seen:
                _two_rows(scope, rows[number], rows[seen[combination]], combination)
                break
            seen[combination] = number
    _find_any_doubles(keys, rows, seen, scope)
    for number in likes:
        for other, parts in enumerate(keys):
            if other != number and (other not in likes or other < number) and _both_fit(keys[number], parts):
                _two_rows(scope, rows[number], rows[other], tuple(one[0] for one in parts if one))
                break


def _find_any_doubles(
    keys: list[tuple[tuple[KeyPart, ...], ...]], rows: list[n.Cells], seen: dict[tuple[KeyPart, ...], int], scope: Scope
) -> None:
    """Rows with as many `any`, in different places, that one record could fit, and no row that fits it better."""
    anys = [
        (number, tuple(any(isinstance(part, KeyAny) for part in one) for one in parts))
        for number, parts in enumerate(keys)
    ]
    anys = [(number, where) for number, where in anys if any(where)][:300]
    for index, (number, where) in enumerate(anys):
        for other, there in anys[:index]:
            if sum(where) != sum(there) or where == there:
                continue
            parts = [
                two if mine and not theirs else one if theirs and not mine else tuple(p for p in one if p in two)
                for mine, theirs, one, two in zip(where, there, keys[number], keys[other], strict=True)
            ]
            combination = next((c for c in itertools.islice(itertools.product(*parts), 1000) if c not in seen), None)
            if combination is not None:
                _two_rows(scope, rows[number], rows[other], combination)
                break


def _two_rows(scope: Scope, row: n.Cells, other: n.Cells, combination: tuple[KeyPart, ...]) -> None:
    shown = " and ".join(f"`{shown_part(part)}`" for part in combination)
    line = other.place.line if other.place.path == row.place.path else f"{other.place}"
    scope.findings.add(codes.TWO_ROWS, row.place, what=shown, line=line)


def shown_part(part: KeyPart) -> str:
    match part:
        case KeyLike():
            return f"like {part.pattern}"
        case KeyAny():
            return "any"
        case KeyBand():
            return "a band"
        case bool():
            return "yes" if part else "no"
    return str(part)


def _both_fit(left: tuple[tuple[KeyPart, ...], ...], right: tuple[tuple[KeyPart, ...], ...]) -> bool:
    return all(any(_meet(a, b) for a in one for b in two) for one, two in zip(left, right, strict=True))


def _meet(left: KeyPart, right: KeyPart) -> bool:
    match left, right:
        case (KeyAny(), KeyAny()):
            return True
        case (KeyAny(), _) | (_, KeyAny()):
            return False
        case KeyLike(), KeyLike():
            return left.pattern == right.pattern
        case KeyLike(), str():
            return like(left.pattern, right)
        case str(), KeyLike():
            return like(right.pattern, left)
        case KeyBand(), KeyBand():
            return left == right
    return left == right


def like(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which `*` stands for any run of characters."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.S) is not None


def missing_rows(
    info: TableInfo,
    keys: list[Type | None],
    rows: list[tuple[tuple[KeyPart, ...], ...]],
    lines: list[n.Cells],
    scope: Scope,
) -> None:
    """Where every key is one of a closed set of words, each combination needs a row."""
    if not keys or any(type is None or type.kind not in ("choice", "truth") for type in keys):
        return
    sets: list[tuple[str | bool, ...]] = [
        type.choices if type.kind == "choice" else (True, False) for type in keys if type is not None
    ]
    if any(not part for row in rows for part in row):
        return  # a word of a key is wrong, and was said
    total = 1
    for one in sets:
        total *= len(one)
    if total > MOST_COMBINATIONS:
        return
    plain: set[tuple[KeyPart, ...]] = set()
    for row in rows:
        if not _is_open(row):
            plain.update(itertools.islice(itertools.product(*row), MOST_COMBINATIONS))
    opened = [row for row in rows if _is_open(row)][:MOST_OPEN_ROWS]
    _find_dead(rows, sets, plain, lines, scope)
    missing = []
    for combination in itertools.product(*sets):
        if combination not in plain and not any(_row_fits(row, combination) for row in opened):
            missing.append(" and ".join(f"`{shown_part(v)}`" for v in combination))
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        scope.findings.add(codes.MISSING_ROW, info.node.place, what=", ".join(missing[:3]) + more)


def _is_open(row: tuple[tuple[KeyPart, ...], ...]) -> bool:
    return any(isinstance(part, KeyAny | KeyLike) for parts in row for part in parts)


def _find_dead(
    rows: list[tuple[tuple[KeyPart, ...], ...]],
    sets: list[tuple[str | bool, ...]],
    plain: set[tuple[KeyPart, ...]],
    lines: list[n.Cells],
    scope: Scope,
) -> None:
    """A row for `any`, or for a pattern, where the other rows name every word that there is."""
    for row, cells in [(row, line) for row, line in zip(rows, lines, strict=True) if _is_open(row)][:MOST_OPEN_ROWS]:
        if all(value in plain for value in itertools.product(*sets) if _row_fits(row, value)):
            name = " and ".join(shown_part(part) for parts in row for part in parts)
            scope.findings.add(codes.DEAD_ROW, cells.place, name=name)


def _row_fits(row: tuple[tuple[KeyPart, ...], ...], values: Sequence[str | bool]) -> bool:
    return all(any(_fits(part, value) for part in parts) for parts, value in zip(row, values, strict=True))


def _fits(part: KeyPart, value: str | bool) -> bool:
    match part:
        case KeyAny():
            return True
        case KeyLike():
            return isinstance(value, str) and like(part.pattern, value)
    return part == value


def make_rows(keys: list[tuple[tuple[KeyPart, ...], ...]], rows: list[n.Cells], indexes: list[int]) -> tuple[Row, ...]:
    return tuple(
        Row(one, row.place, " and ".join(row.cells[index].text for index in indexes))
        for one, row in zip(keys, rows, strict=True)
    )


def make_key(name: str, typed: tuple[Type, ops.Expr] | None) -> Key:
    if typed is None:
        return Key(name, None, field_type(Type("number", PLAIN)))
    return Key(name, typed[1], field_type(typed[0]))


def make_column(type: Type, kind: str) -> ColumnType:
    return ColumnType(kind, type.unit.factor, type.unit.name)


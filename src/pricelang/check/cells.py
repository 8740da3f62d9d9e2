"""Headers and cells of tables: each cell read by its column, each column of one type."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from fractions import Fraction

from pricelang.check.conditions import number_of
from pricelang.check.figures import figure
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.written import PlacedBuilder
from pricelang.check.written import written_figure
from pricelang.core import ops
from pricelang.core.program import CellValue
from pricelang.core.program import ColumnType
from pricelang.core.program import Custom
from pricelang.core.program import NotOffered
from pricelang.core.program import Share
from pricelang.core.program import Unlimited
from pricelang.diagnostics import codes
from pricelang.plain import dataclass
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.syntax.driver import parse_line
from pricelang.units import PERCENT
from pricelang.units import PLAIN
from pricelang.units import SIGNS
from pricelang.units import Unit
from pricelang.units import find_unit

NO_CELL = frozenset({"—", "-", "–", "―", "--", "not offered", "n/a"})
_SHARE = re.compile(r"(?:as|(\d[\d.,]*)\s?% of) (.+)$", re.I)
_SIGN = "|".join(re.escape(sign) for sign in SIGNS)
_MONEY = re.compile(rf"({_SIGN})\s?(\d[\d,.]*[KMB]?)$")
_HEADER = re.compile(r"(.*?)\s*\(([^()]*)\)$")


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
        if column.name[0].isdigit():
            advice = f"begin it with a letter, such as `price {text}`"
            scope.findings.add(codes.BAD_CELL, word.place, advice, text=text, kind="the name of a column")
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
    tree = parse_line(text, "column_unit")
    if tree is None:
        scope.findings.add(
            codes.BAD_CELL,
            column.place,
            "write a unit, such as `(per 1M tokens)` or `(GB)`",
            text=text,
            kind="the unit of a column",
        )
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
    if low in NO_CELL:
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
            said = f"{scope.currency} per {column.per.name}" if kind == "rate" and column.per else str(expected)
            advice = _pasted(cell.word.text, scope) or f"the column holds {said}, as in `{row_of(chosen)}`"
            if re.search(r"\d,\d", cell.word.text):
                advice = "thousands are set apart by commas in groups of three, and decimals by a point"
            scope.findings.add(codes.BAD_CELL, cell.word.place, advice, text=cell.word.text, kind=said)
        elif cell.unit.dims != chosen.unit.dims:
            scope.findings.add(
                codes.UNIT_MIX,
                cell.word.place,
                "one column has one unit",
                left=str(Type("number", cell.unit)),
                right=str(expected),
            )
    return expected


def _pasted(text: str, scope: Scope) -> str:
    """What to write for words that price pages put into a cell."""
    low = text.lower().strip("*_ ")
    if low.startswith("included"):
        return "write `free`"
    if low.startswith(("contact", "talk to", "ask us", "get a quote")):
        return "write `custom`: the account has its own"
    if low in ("tbd", "tba", "none", "not available", "coming soon"):
        return "write `—` where it is not offered"
    if low.startswith("-"):
        return "an amount in a table is never below zero; take it off with `less` under the line"
    if low.startswith("from ") or " – " in low or " - " in low:
        return "write the one figure that is charged"
    if "¢" in low or low.startswith(("$.", "€.", "£.")) or "/" in low or low.endswith("*") or text != low:
        return f"write the amount alone, such as `{scope.currency} 0.05`, and what it is per in the header"
    return ""


def make_column(type: Type, kind: str) -> ColumnType:
    return ColumnType(kind, type.unit.factor, type.unit.name)

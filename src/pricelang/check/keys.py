"""Key cells: the names, bands, numbers and patterns that a row fits."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.bands import Edges
from pricelang.check.bands import as_key
from pricelang.check.bands import band_words
from pricelang.check.bands import check_bands
from pricelang.check.bands import meet
from pricelang.check.bands import shown_edges
from pricelang.check.clashes import find_doubles
from pricelang.check.conditions import key_value
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.check.scope import field_type
from pricelang.check.written import written_number
from pricelang.core import ops
from pricelang.core.program import Key
from pricelang.core.program import KeyAny
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.core.program import Row
from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.units import PLAIN
from pricelang.units import Unit


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
                scope.findings.add(
                    codes.BAD_CELL, cells[index].place, "write a name, or `any`", text="", kind=f"the key `{name}`"
                )
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
    open_keys = {j for keys in read for j, parts in enumerate(keys) if not _exact(parts)}
    for (position, _), members in groups.items():
        edges = [part for number, i in members for part in read[number][i] if isinstance(part, Edges)]
        met = iter(meet(edges))
        for number, i in members:
            read[number][i] = [next(met) if isinstance(part, Edges) else part for part in read[number][i]]
        if not any(_banded(p) for number, i in members for j, p in enumerate(read[number]) if j != i):
            unit = units[position] if isinstance(position, int) else PLAIN
            done = [
                shown_edges(part, unit) for number, i in members for part in read[number][i] if isinstance(part, Edges)
            ]
            # rows of another group may fit what lies between, where a key is a pattern or `any`
            closed = open_keys <= {position}
            check_bands(done, scope.findings, unit.plural if unit.name else "", open_ends=False, gaps=closed)
    found = []
    for keys in read:
        found.append(tuple(tuple(as_key(p) if isinstance(p, Edges) else p for p in parts) for parts in keys))
    find_doubles(found, rows, scope)
    return found


def _exact(parts: list[KeyPart | Edges]) -> bool:
    return not any(isinstance(part, KeyAny | KeyLike) for part in parts)


def _banded(parts: list[KeyPart | Edges]) -> bool:
    return any(isinstance(part, Edges) for part in parts)


def make_rows(keys: list[tuple[tuple[KeyPart, ...], ...]], rows: list[n.Cells], indexes: list[int]) -> tuple[Row, ...]:
    return tuple(
        Row(one, row.place, " and ".join(row.cells[index].text for index in indexes))
        for one, row in zip(keys, rows, strict=True)
    )


def make_key(name: str, typed: tuple[Type, ops.Expr] | None) -> Key:
    if typed is None:
        return Key(name, None, field_type(Type("number", PLAIN)))
    return Key(name, typed[1], field_type(typed[0]))

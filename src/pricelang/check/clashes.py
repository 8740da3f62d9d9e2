"""Rows of a table held against each other: two that fit one record, none that fits, one that can never fit."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from pricelang.check.scope import Scope
from pricelang.check.scope import TableInfo
from pricelang.check.scope import Type
from pricelang.core.program import KeyAny
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n

MOST_COMBINATIONS = 20_000
MOST_OPEN_ROWS = 50
MOST_PATTERNS = 300


def find_doubles(keys: list[tuple[tuple[KeyPart, ...], ...]], rows: list[n.Cells], scope: Scope) -> None:
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
    if len(likes) > MOST_PATTERNS:
        place = rows[likes[MOST_PATTERNS]].place
        scope.findings.add(codes.TOO_MANY, place, what="a table", most=f"{MOST_PATTERNS:,}", of="patterns")
        return
    patterns = set(likes)
    for number in likes:
        for other, parts in enumerate(keys):
            if other != number and (other not in patterns or other < number) and _both_fit(keys[number], parts):
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
    """Where every key is one of a closed set of words, each combination needs a row; where some are, each word does."""
    if any(not part for row in rows for part in row):
        return  # a word of a key is wrong, and was said
    if not keys or any(type is None or type.kind not in ("choice", "truth") for type in keys):
        _missing_words(info, keys, rows, scope)
        return
    sets: list[tuple[str | bool, ...]] = [
        type.choices if type.kind == "choice" else (True, False) for type in keys if type is not None
    ]
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


def _missing_words(
    info: TableInfo, keys: list[Type | None], rows: list[tuple[tuple[KeyPart, ...], ...]], scope: Scope
) -> None:
    """Words of one key for which there is no row at all, whatever the other keys are."""
    for place, type in enumerate(keys):
        if type is None or type.kind != "choice" or not rows:
            continue
        given = {part for row in rows for part in row[place]}
        missing = [f"`{word}`" for word in type.choices if not any(_fits(part, word) for part in given)]
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

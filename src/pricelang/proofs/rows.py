"""The rows of a table that fit the records of a box: the box is cut by the keys, one after the other.

Words that fit the same rows stay together. A pattern is cut out alone, and with one other of each kind that meets it.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import KeyAny
from pricelang.core.program import KeyBand
from pricelang.core.program import KeyLike
from pricelang.core.program import KeyPart
from pricelang.core.program import Program
from pricelang.core.program import Table
from pricelang.core.program import UsageType
from pricelang.engine.lookup import like
from pricelang.engine.lookup import meet
from pricelang.light import TYPE_CHECKING
from pricelang.plain import dataclass
from pricelang.proofs import box as b
from pricelang.proofs.box import Box
from pricelang.proofs.linear import Linear
from pricelang.proofs.linear import added
from pricelang.proofs.linear import linear
from pricelang.proofs.spans import Words
from pricelang.source import Place

if TYPE_CHECKING:
    from pricelang.proofs.walk import Walker


@dataclass(frozen=True, slots=True)
class Refused:
    """A record of this box is refused, as the engine says it: its code, and the place that asked. `row`: of a table."""

    code: str
    place: Place
    table: str = ""
    column: str = ""
    row: int | None = None
    name: str = ""
    rows: tuple[int, ...] = ()


class Lookups:
    """Finds rows for a walk. `looked` are the texts that a table looked up."""

    def __init__(self, walker: Walker) -> None:
        self.walker = walker
        self.program = walker.program
        self.room = walker.room
        self.looked: set[str] = set()
        self._named = named_words(walker.program, walker.usage)
        self._regions: dict[object, list[tuple[Words, tuple[int, ...]]]] = {}
        self._words: dict[tuple[str, int], tuple[dict[KeyPart, list[int]], list[tuple[str, int]], list[int]]] = {}

    def rows(
        self, table: Table, box: Box, place: Place, but: int | None
    ) -> Iterator[tuple[Box, tuple[int, ...] | Refused]]:
        """The rows that fit (more than one only where two do, or bands are looked up apart), or that there is none."""
        yield from self._rows(table, 0, tuple(range(len(table.rows))), box, place, but)

    def _rows(
        self, table: Table, index: int, rows: tuple[int, ...], box: Box, place: Place, but: int | None
    ) -> Iterator[tuple[Box, tuple[int, ...] | Refused]]:
        if index == len(table.keys):
            if not rows:
                yield box, Refused("no-row", place, table.name)
                return
            if len(rows) > 1:
                anys = {row: sum(_is_any(key) for key in table.rows[row].keys) for row in rows}
                fewest = min(anys.values())
                rows = tuple(row for row in rows if anys[row] == fewest)
            for row in rows:
                self.walker.see(box, "row", table.name, row)
            yield box, rows
            return
        key = table.keys[index]
        if index == but or key.of is None:
            yield from self._rows(table, index + 1, rows, box, place, but)
            return
        for inner, of in self.walker.expr(key.of, box, place):
            if isinstance(of, Refused):
                yield inner, replace(of, table=table.name)
            elif key.type.kind == "number":
                yield from self._by_number(table, index, rows, inner, of, place, but)
            else:
                name = name_of(of)
                if name is None:
                    yield inner, Refused("vague", place, table.name)
                    continue
                yield from self._by_word(table, index, rows, inner, name, place, but)

    def _by_word(
        self, table: Table, index: int, rows: tuple[int, ...], box: Box, name: str, place: Place, but: int | None
    ) -> Iterator[tuple[Box, tuple[int, ...] | Refused]]:
        self.looked.add(name)
        known = self.room.of(box, name)
        assert isinstance(known, Words)
        key = (table.name, index, None if len(rows) == len(table.rows) else rows, name, known)
        regions = self._regions.get(key)
        if regions is None:
            regions = self._regions[key] = list(self._words_of(table, index, rows, name, known))
        for words, found in regions:
            inner = box if words is known else box.with_(name, words)
            yield from self._rows(table, index + 1, found, inner, place, but)

    def _words_of(
        self, table: Table, index: int, rows: tuple[int, ...], name: str, known: Words
    ) -> Iterator[tuple[Words, tuple[int, ...]]]:
        """A text cut by the rows that can fit it: words that fit the same, each pattern alone, what two patterns fit,
        and what nothing fits."""
        by_word, patterns, anys = self._index(table, index)
        chosen = None if len(rows) == len(table.rows) else set(rows)

        def kept(found: Iterable[int]) -> tuple[int, ...]:
            return tuple(sorted(row for row in set(found) if chosen is None or row in chosen))

        words: list[str | bool]
        if known.allowed is not None:
            words = sorted(known.allowed, key=str)
        else:
            words = [word for word in by_word if isinstance(word, str | bool)]
            words += [word for word in self.named(name) if word not in by_word]
        groups: dict[tuple[int, ...], list[str | bool]] = {}
        for word in words:
            if known.has(word):
                fitting = [row for pattern, row in patterns if isinstance(word, str) and like(pattern, word)]
                groups.setdefault(kept([*by_word.get(word, ()), *fitting, *anys]), []).append(word)
        for found, these in groups.items():
            same = known.allowed is not None and len(these) == len(known.allowed)
            yield known if same else known.among(these), found
        if known.allowed is not None:
            return
        rest = known.without(words)
        mine: dict[str, list[int]] = {}
        for pattern, row in patterns:
            if chosen is None or row in chosen:
                mine.setdefault(pattern, []).append(row)
        for pattern, fits in mine.items():
            alone = Words(
                None, rest.barred, (*rest.like, pattern), (*rest.unlike, *(one for one in mine if one != pattern))
            )
            if not alone.is_empty:
                yield alone, kept([*fits, *anys])
        yield from self._doubles(table, index, mine, rest, kept, anys)
        none = Words(None, rest.barred, rest.like, (*rest.unlike, *mine))
        if not none.is_empty:
            yield none, kept(anys)

    def _doubles(
        self,
        table: Table,
        index: int,
        mine: dict[str, list[int]],
        rest: Words,
        kept: Callable[[Iterable[int]], tuple[int, ...]],
        anys: list[int],
    ) -> Iterator[tuple[Words, tuple[int, ...]]]:
        """Texts that fit two patterns: for each pattern one other of each kind, as other keys make the kinds."""
        kinds: dict[object, list[str]] = {}
        for pattern, found in mine.items():
            kind = tuple(tuple(part for at, part in enumerate(table.rows[row].keys) if at != index) for row in found)
            kinds.setdefault(kind, []).append(pattern)
        order = {pattern: number for number, pattern in enumerate(mine)}
        for pattern, found in mine.items():
            for patterns in kinds.values():
                for other in patterns:
                    if order[other] <= order[pattern] or not meet(pattern, other):
                        continue
                    both = Words(None, rest.barred, (*rest.like, pattern, other), rest.unlike)
                    if not both.is_empty:
                        yield both, kept([*found, *mine[other], *anys])
                        break

    def _by_number(
        self, table: Table, index: int, rows: tuple[int, ...], box: Box, of: ops.Expr, place: Place, but: int | None
    ) -> Iterator[tuple[Box, tuple[int, ...] | Refused]]:
        parts: dict[KeyPart, list[int]] = {}
        for row in rows:
            for part in table.rows[row].keys[index]:
                parts.setdefault(part, []).append(row)
        always = [row for part, found in parts.items() if isinstance(part, KeyAny) for row in found]
        total = linear(of)
        if total is None:
            yield box, Refused("vague", place, table.name)
            return
        todo: list[tuple[Box, list[int]]] = [(box, always)]
        for part, found in parts.items():
            if isinstance(part, KeyAny):
                continue
            further: list[tuple[Box, list[int]]] = []
            for one, fitting in todo:
                for inner, met in self._in_part(part, total, one):
                    further.append((inner, [*fitting, *found] if met else fitting))
            todo = further
        for inner, fitting in todo:
            yield from self._rows(table, index + 1, tuple(sorted(set(fitting))), inner, place, but)

    def _in_part(self, part: KeyPart, total: Linear, box: Box) -> Iterator[tuple[Box, bool]]:
        match part:
            case KeyBand():
                low = (
                    None
                    if part.low is None
                    else (added(total, Linear((), part.low), -1), ">=" if part.low_included else ">")
                )
                high = (
                    None
                    if part.high is None
                    else (added(total, Linear((), part.high), -1), "<=" if part.high_included else "<")
                )
            case bool() | str() | KeyLike() | KeyAny():
                yield box, False
                return
            case _:
                edge = added(total, Linear((), part), -1)
                low, high = (edge, ">="), (edge, "<=")
        inside: Box | None = box
        for one in (low, high):
            if one is None or inside is None:
                continue
            inside, outside = b.cut_sum(self.room, inside, *one)
            if outside is not None:
                yield outside, False
        if inside is not None:
            yield inside, True

    def _index(self, table: Table, index: int) -> tuple[dict[KeyPart, list[int]], list[tuple[str, int]], list[int]]:
        key = (table.name, index)
        found = self._words.get(key)
        if found is None:
            words: dict[KeyPart, list[int]] = {}
            patterns: list[tuple[str, int]] = []
            anys: list[int] = []
            for number, row in enumerate(table.rows):
                for part in row.keys[index]:
                    match part:
                        case KeyAny():
                            anys.append(number)
                        case KeyLike():
                            patterns.append((part.pattern, number))
                        case str() | bool():
                            words.setdefault(part, []).append(number)
            found = self._words[key] = (words, patterns, anys)
        return found

    def named(self, name: str) -> tuple[str, ...]:
        """The words that any table or condition of this usage has for a text: what a record may well carry."""
        return self._named.get(name, ())

    def named_open(self) -> list[str]:
        """The texts that tables look up and that may be any text."""
        found = []
        for name in self._named:
            one = self.room.inputs.get(name)
            if one is not None and one.type.kind == "text" and name in self.looked:
                found.append(name.removeprefix("account."))
        return found


def name_of(of: ops.Expr | Refused) -> str | None:
    """The field or attribute that an expression is, as boxes name it."""
    match of:
        case ops.Field():
            return of.name
        case ops.Attribute():
            return f"account.{of.name}"
    return None


def _is_any(key: tuple[KeyPart, ...]) -> bool:
    return any(isinstance(part, KeyAny) for part in key)


def band_key(table: Table) -> int:
    """The key that holds bands which a step looks up by itself."""
    return next(i for i, _ in enumerate(table.keys) if all(isinstance(row.keys[i][0], KeyBand) for row in table.rows))


def named_words(program: Program, usage: UsageType) -> dict[str, tuple[str, ...]]:
    """For each text of a usage, the words that its tables and conditions have for it."""
    found: dict[str, dict[str, None]] = {}
    tables: set[str] = set()
    todo: list[object] = [price for price in program.prices if price.usage == usage.name]
    todo += [one.of for one in usage.computed]
    while todo:
        one = todo.pop()
        match one:
            case ops.Cell(table=name) | ops.BandTable(table=name):
                if name in tables:
                    continue
                tables.add(name)
                table = program.tables[name]
                todo.extend(layer.when for layer in table.layers)
                for index, key in enumerate(table.keys):
                    of = name_of(key.of) if key.of is not None else None
                    todo.append(key.of)
                    if of is not None:
                        words = found.setdefault(of, {})
                        for row in table.rows:
                            words.update((part, None) for part in row.keys[index] if isinstance(part, str))
            case ops.IsOneOf():
                of = name_of(one.of)
                if of is not None:
                    found.setdefault(of, {}).update((v, None) for v in one.values if isinstance(v, str))
            case Place() | Fraction() | str() | None:
                pass
            case tuple():
                todo.extend(one)
            case _ if hasattr(one, "__dataclass_fields__"):
                todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    for one in usage.inputs:
        if isinstance(one.default, str) and one.name in found:
            found[one.name][one.default] = None
    return {name: tuple(words) for name, words in found.items()}

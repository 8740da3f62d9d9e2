"""Writing code: lines and blocks, names, what is bound to them, and variables that several branches set."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager

from pricelang.core.program import UsageType
from pricelang.engine.compiled import tables
from pricelang.engine.compiled.blocks import Block
from pricelang.engine.compiled.blocks import Later
from pricelang.engine.compiled.names import NAMES
from pricelang.engine.compiled.scales import NOTHING
from pricelang.engine.compiled.scales import Figure
from pricelang.engine.compiled.scales import NotCompiled
from pricelang.engine.compiled.scales import Word
from pricelang.engine.compiled.scales import at_scale
from pricelang.engine.compiled.scales import atom
from pricelang.engine.compiled.scales import bare
from pricelang.engine.compiled.scales import common_of
from pricelang.engine.record import Engine
from pricelang.plain import dataclass
from pricelang.source import Place

PLAIN = re.compile(r"[A-Za-z0-9_]{1,40}")
"""Names that may be part of a name in code."""

RETURN = "return None"
"""The definition is asked."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with the rules' rounding, and without; the same code where nothing was rounded yet."""

    rounded: Figure
    exact: Figure

    @property
    def same(self) -> bool:
        return self.rounded == self.exact

    @property
    def there(self) -> str:
        """Code that asks whether there is anything."""
        return self.rounded.code if self.same else f"{atom(self.rounded.code)} or {atom(self.exact.code)}"


@dataclass(slots=True)
class Piece:
    """A line on its way: what is there, the quantity as billed, and code for the row that gave the rate."""

    value: Amount
    quantity: Figure
    row: str = "None"


class Writer:
    """Code on its way: the block at hand, the names that are used, what is known so far."""

    def __init__(self, engine: Engine, usage: UsageType) -> None:
        if usage.is_resource:
            raise NotCompiled("a running resource is cut into pieces of time")
        self.engine = engine
        self.program = engine.program
        self.usage = usage
        self.head = Block([])
        self.block = self.head
        self.names: dict[str, object] = dict(NAMES)
        self.count = 0
        self.loaded: dict[tuple[str, str], Figure | Word] = {}
        self.known: dict[object, tuple[Figure | Word | str, str]] = {}  # within a block and those beneath it
        self.tables: dict[str, tables.TableData] = {}
        self.dictionaries: dict[object, str] = {}
        self.fills: list[Callable[[], None]] = []
        self.bound: dict[int, str] = {}
        self.places = True  # which row gave a rate is kept
        self.place = "None"  # code for the place of the cell that was read last
        self.lines: dict[str, Amount] = {}
        self.units: dict[str, str] = {}  # of allowances on which several lines of a price draw: what is left
        self.lenient = False
        self.exactly = False

    def out(self, text: str) -> None:
        self.block.items.append(text)

    @contextmanager
    def into(self, block: Block) -> Iterator[Block]:
        """Writes into a block; what is known there is known there only."""
        here, known = self.block, self.known
        self.block, self.known = block, dict(known)
        try:
            yield block
        finally:
            self.block, self.known = here, known

    @contextmanager
    def under(self, header: str) -> Iterator[Block]:
        self.out(header)
        block = Block([])
        self.block.items.append(block)
        with self.into(block):
            yield block

    def name(self, hint: str) -> str:
        """A name that is not used yet."""
        self.count += 1
        return f"{hint}_{self.count}"

    def bind(self, hint: str, value: object) -> str:
        """A name for something that code cannot spell."""
        name = self.bound.get(id(value))
        if name is None:
            name = self.name(hint)
            self.names[name] = value
            self.bound[id(value)] = name
        return name

    def named(self, figure: Figure, hint: str) -> Figure:
        """The figure in a variable of its own, unless it is one or is known."""
        if figure.const is not None or re.fullmatch(r"[a-z]\w*", figure.code):
            return figure
        name = self.name(hint)
        self.out(f"{name} = {bare(figure.code)}")
        return Figure(name, figure.scale, None, figure.optional, figure.origin)


class Join:
    """One variable that several branches set, at a scale that holds what each of them sets it to."""

    def __init__(self, writer: Writer, hint: str) -> None:
        self.writer = writer
        self.name = writer.name(hint)
        self.set: list[tuple[Later, str, Figure]] = []

    def add(self, figure: Figure) -> None:
        self._later("=", figure)

    def more(self, figure: Figure) -> None:
        """Adds to the variable, which was set to 0."""
        self._later("+=", figure)

    def _later(self, how: str, figure: Figure) -> None:
        later = Later()
        self.writer.block.items.append(later)
        self.set.append((later, how, figure))

    def done(self) -> Figure:
        scale = common_of([figure for _, _, figure in self.set])
        for later, how, figure in self.set:
            later.text = f"{self.name} {how} {at_scale(figure, scale)}"
        return Figure(self.name, scale) if self.set else NOTHING


class AmountJoin:
    """The same of an amount: one variable while nothing is rounded, else two."""

    def __init__(self, writer: Writer) -> None:
        self.rounded = Join(writer, "amount")
        self.exact = Join(writer, "exactly")
        self.same = True

    def add(self, amount: Amount) -> None:
        self.rounded.add(amount.rounded)
        self.exact.add(amount.exact)
        self.same = self.same and amount.same

    def done(self) -> Amount:
        if len(self.rounded.set) == 1:  # one branch: what it came to has its names already
            return Amount(self.rounded.set[0][2], self.exact.set[0][2])
        rounded = self.rounded.done()
        return Amount(rounded, rounded if self.same else self.exact.done())


def told(place: Place) -> str:
    """A place in a comment, in which nothing can end the line."""
    return f"{place!s:.200}".encode("ascii", "replace").decode().replace("\n", " ").replace("\r", " ")


def beneath(node: object) -> list[object]:
    """What a node of the core is made of."""
    if isinstance(node, tuple):
        return list(node)
    if isinstance(node, Place) or not hasattr(node, "__dataclass_fields__"):
        return []
    return [getattr(node, name) for name in node.__dataclass_fields__]

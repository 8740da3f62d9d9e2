"""A ruleset made ready for columns: for each usage its graph, how far 64 bits reach, or why it is left to records."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from fractions import Fraction

import pyarrow as pa

from pricelang.core.program import Input
from pricelang.core.program import UsageType
from pricelang.engine.columnar.columns import Columns
from pricelang.engine.columnar.columns import Sources
from pricelang.engine.columnar.columns import shape_of
from pricelang.engine.columnar.figures import NotColumnar
from pricelang.engine.columnar.figures import Number
from pricelang.engine.columnar.forms import Form
from pricelang.engine.columnar.nodes import ATTRIBUTES
from pricelang.engine.columnar.nodes import Node
from pricelang.engine.columnar.nodes import bounds
from pricelang.engine.columnar.nodes import limit_of
from pricelang.engine.columnar.nodes import needed
from pricelang.engine.columnar.price import Builder
from pricelang.engine.columnar.price import Built
from pricelang.engine.columnar.terms import ACCOUNT
from pricelang.engine.columnar.terms import Accounts
from pricelang.engine.columnar.terms import Shape
from pricelang.engine.record import Engine
from pricelang.number import MAX_DECIMALS
from pricelang.number import MAX_DIGITS
from pricelang.plain import dataclass

MOST_DIGITS = 38
"""Of a decimal in a Parquet file."""

LEAST_LIMIT = 2**24
"""Where 64 bits hold no numbers up to this, all records are reckoned in Python's integers."""


def places_of(scale: int) -> int | None:
    """The digits after the point that a scale needs; None where no number of them will do."""
    twos = (scale & -scale).bit_length() - 1
    rest = scale >> twos
    fives = 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    return max(twos, fives) if rest == 1 else None


@dataclass(frozen=True, slots=True)
class Written:
    """How figures are written in columns: with so many digits after the point, or as text (None) where no number of
    them is proved."""

    amount: int | None
    exact: int | None
    quantity: int | None
    line_amount: int | None
    line_exact: int | None


def built(engine: Engine, usage: UsageType, shape: Shape, accounts: Accounts) -> Built:
    """The graph of a usage. Raises NotColumnar."""
    try:
        return Builder(engine, usage, shape, accounts).built()
    except RecursionError:
        raise NotColumnar("it is nested too deeply") from None


def proof_of(engine: Engine, usage: UsageType, schema: pa.Schema | None = None) -> Written:
    """The digits that figures have for every record that can be sent, whatever it holds; with a schema, for every
    record that its columns can hold."""
    decimals: dict[str, int] = {}
    limits: dict[str, int] = {}
    for one in usage.inputs:
        if one.type.kind == "number":
            decimals[one.name], limits[one.name] = _held_by(one, schema)
    shape = Shape(tuple(sorted(decimals.items())), 9, MAX_DECIMALS)
    try:
        graph = built(engine, usage, shape, Accounts())
    except NotColumnar:
        return Written(None, None, None, None, None)
    limits[ATTRIBUTES] = 10 ** (MAX_DIGITS + MAX_DECIMALS)
    lines = graph.lines
    figures = [
        graph.rounded,
        graph.exact,
        *(figure for one in lines for figure in (one.quantity, one.rounded, one.exact)),
    ]
    known = bounds(needed([one.node for one in figures]), limits)

    def proved(of: list[Number]) -> int | None:
        places = [places_of(one.scale) for one in of]
        if any(one is None for one in places):
            return None
        most = max((one for one in places if one is not None), default=0)
        if most > MOST_DIGITS:
            return None
        for one in of:
            low, high = known[one.node.number]
            if max(-low, high) * Fraction(10**most, one.scale) >= 10**MOST_DIGITS:
                return None
        return most

    return Written(
        proved([graph.rounded]),
        proved([graph.exact]),
        proved([one.quantity for one in lines]),
        proved([one.rounded for one in lines]),
        proved([one.exact for one in lines]),
    )


def _held_by(one: Input, schema: pa.Schema | None) -> tuple[int, int]:
    """The digits after the point that a field's numbers may have, and the greatest at that scale."""
    places = 0 if one.type.whole else MAX_DECIMALS
    most = 10 ** (MAX_DIGITS + places)
    if schema is None or schema.names.count(one.name) != 1 or one.counts_text is not None:
        return places, most
    kind = schema.field(one.name).type
    if pa.types.is_integer(kind):
        return 0, 2**kind.bit_width
    if pa.types.is_floating(kind):
        return 0, 2**53
    if pa.types.is_decimal(kind) and 0 <= kind.scale <= MAX_DECIMALS and kind.precision <= MAX_DIGITS + kind.scale:
        if one.type.whole:
            return 0, int(10 ** max(0, kind.precision - kind.scale))
        return int(kind.scale), int(10**kind.precision)
    return places, most


def written_of(engine: Engine, usages: Iterable[str], schema: pa.Schema | None = None) -> Written:
    """How charges of these usages are written: what is proved of all of them."""
    known = engine.program.usages
    found = [proof_of(engine, known[name], schema) for name in usages if name in known]

    def most(places: list[int | None]) -> int | None:
        return (
            None if any(one is None for one in places) else max((one for one in places if one is not None), default=0)
        )

    return Written(
        most([one.amount for one in found]),
        most([one.exact for one in found]),
        most([one.quantity for one in found]),
        most([one.line_amount for one in found]),
        most([one.line_exact for one in found]),
    )


class UsagePlan:
    """One usage over columns of certain types: its graph and the functions made of it."""

    def __init__(self, sources: Sources, graph: Built, loops: bool = False) -> None:
        self.built = graph
        self.loops = loops
        usage = sources.program.usages[graph.usage]
        figures = [graph.rounded, graph.exact]
        self.outputs = [
            graph.bad,
            *(one.node for one in figures),
            *(node for one in graph.lines for node in (one.there, one.quantity.node, one.rounded.node, one.exact.node)),
        ]
        self.limit = limit_of(self.outputs)
        nodes = needed([*self.outputs, *(one.row for one in graph.lines)])
        self.hours = frozenset(
            node.data.removeprefix("during:") for node in nodes if node.op == "flag" and node.data.startswith("during:")
        )
        self.followed = frozenset(
            node.data for node in nodes if node.op == "word" and node.data.startswith(f"{ACCOUNT}.")
        )
        self.asks_account = bool(self.followed) or any(
            (node.op == "word" and node.data == ACCOUNT) or node.op == "before" for node in nodes
        )
        self.columns = Columns(sources, usage, graph.shape, graph.fields, self.limit)
        self._forms: dict[object, Form] = {}
        self._bounds: dict[int, int] = {}
        self._lock = threading.Lock()

    @property
    def always_wide(self) -> bool:
        return self.limit < LEAST_LIMIT

    def form(self, name: object, outputs: list[Node]) -> Form:
        """A function of some outputs, made once."""
        found = self._forms.get(name)
        if found is None:
            with self._lock:
                found = self._forms.setdefault(name, Form(outputs, self.loops))
        return found

    def bound(self, node: Node) -> int:
        """No number of a node is above this, in records within the limit."""
        found = self._bounds.get(node.number)
        if found is None:
            low, high = bounds(needed([node]), self.limit)[node.number]
            found = self._bounds[node.number] = max(-low, high)
        return found


class Plan:
    """A ruleset over columns of certain types. `why` tells of usages that are left to the record engine."""

    def __init__(self, engine: Engine, sources: Sources, schema: pa.Schema, loops: bool = False) -> None:
        self.engine = engine
        self.sources = sources
        self.usages: dict[str, UsagePlan] = {}
        self.why: dict[str, str] = {}
        for name, usage in engine.program.usages.items():
            try:
                graph = built(engine, usage, shape_of(usage, schema), sources.accounts)
                self.usages[name] = UsagePlan(sources, graph, loops)
            except NotColumnar as reason:
                self.why[name] = str(reason)

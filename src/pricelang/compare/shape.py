"""The core as plain values that can be compared: without places, with one order for what has none, with names given.

Every field of every node takes part unless it is listed here as saying nothing about prices; a field that is added to
the core later takes part by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Share
from pricelang.light import TYPE_CHECKING
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place

if TYPE_CHECKING:
    from typing import Any

Shape = object
"""Strings, fractions, numbers, None, and tuples of them."""

SILENT = {
    "place": "where it stands",
    "Row.shown": "a row's keys as written",
    "Package.shown": "a payment as written",
    "Layer.shown": "a layer's dates as written",
    "Key.name": "a key's heading; what is looked up is its `of`",
    "Layer.rank": "layers stand in their order already",
    "Layer.start": "layers stand in their order already",
    "Layer.immediately": "fees have the days at which they change at once",
}
"""Fields that take no part, and why."""

UNORDERED = frozenset(
    {
        *("IsOneOf.values", "All.of", "AnyOf.of", "Sum.terms", "Product.factors", "FieldType.choices"),
        *("Whole.parts", "Refusal.usages", "Question.about", "Question.values", "Funds.pays", "Grant.pays"),
        *("Suspension.resources", "Fee.changes", "Period.apart", "Question.apart", "Row.keys", "Window.days"),
        *("Hours.windows", "Limit.refusals", "Limit.suspensions", "Limit.alert"),
    }
)
"""Fields in which order says nothing."""


@dataclass(slots=True)
class Names:
    """What the names of one program are called in the other: a renamed table is the same table."""

    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[tuple[str, str], str] = field(default_factory=dict)
    hours: dict[str, str] = field(default_factory=dict)
    allowances: dict[str, str] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)  # of the lines of the price at hand
    # instants, zones, currencies of a header that changed, as the other header has them
    zones: dict[str, str] = field(default_factory=dict)
    instants: Mapping[Fraction, Fraction] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def column(self, table: str, column: str) -> str:
        return self.columns.get((table, column), column)


class Shaper:
    """Makes shapes, with the names of one program as the other has them."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()

    def of(self, node: object, table: str = "") -> Shape:
        """The shape of any value of the core; `table` is the one whose cells are read."""
        names = self.names
        match node:
            case None | Fraction():
                return node
            case bool():
                return ("bool", int(node))
            case str():
                return node
            case int():
                return Fraction(node)
            case ops.Field():
                return ("Field", names.computed.get(node.name, node.name))
            case ops.Cell():
                return ("Cell", names.tables.get(node.table, node.table), names.column(node.table, node.column))
            case ops.LineValue():
                return ("LineValue", names.labels.get(node.label, node.label))
            case ops.During():
                return ("During", names.hours.get(node.hours, node.hours))
            case ops.Beyond():
                return ("Beyond", names.allowances.get(node.allowance, node.allowance))
            case ops.BandTable():
                columns = [names.column(node.table, one) if one else None for one in (node.rate, node.flat)]
                return ("BandTable", names.tables.get(node.table, node.table), *columns, node.factor)
            case ops.InForce():
                return ("InForce", self._instant(node.start), self._instant(node.stop))
            case ops.NewCustomer():
                return ("NewCustomer", self._instant(node.since))
            case Share():
                return ("Share", names.column(table, node.column), node.share)
            case tuple() | list():
                return tuple(self.of(one, table) for one in node)
            case dict():
                return tuple(sorted(((key, self.of(value, table)) for key, value in node.items()), key=repr))
        return self._node(node, table)

    def _instant(self, at: Fraction | None) -> Fraction | None:
        return at if at is None else self.names.instants.get(at, at)

    def _node(self, node: Any, table: str) -> Shape:
        kind = type(node).__name__
        found: list[object] = [kind]
        for name in fields_of(node):
            value = getattr(node, name)
            shape = self.of(value, table)
            if name == "zone":
                shape = self.names.zones.get(value, value)
            elif name == "unit" and isinstance(value, str):
                shape = self._unit(value)
            elif name in ("start", "stop") and isinstance(value, Fraction):
                shape = self._instant(value)
            elif name == "changes":
                shape = tuple(self._instant(one) for one in value)
            if f"{kind}.{name}" in UNORDERED and isinstance(shape, tuple):
                shape = in_order(shape)
            found.append((name, shape))
        return tuple(found)

    def _unit(self, unit: str) -> str:
        """A unit's name, its currency as the other header has it."""
        words = self.names.words
        return " ".join(words.get(one, one) for one in unit.split(" ")) if words else unit

    def same(self, one: object, other: object, table: str = "") -> bool:
        """Whether two values have one shape."""
        return self.of(one, table) == self.of(other, table)


def fields_of(node: Any) -> list[str]:
    """The names of a node's fields that take part."""
    assert not isinstance(node, Place)
    kind = type(node).__name__
    return [one for one in type(node).__match_args__ if one not in SILENT and f"{kind}.{one}" not in SILENT]


def in_order(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Shapes in one order."""
    return tuple(sorted(shapes, key=repr))

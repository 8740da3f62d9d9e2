"""Figures as nodes: a whole number with the scale at which it stands for a figure, and whether it was given.

A figure of scale 100 is held as 100 times what it is. Sums are brought to the least common scale, products multiply
scales; nothing is divided but where a rule rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from math import lcm

from pricelang.engine.columnar.nodes import Graph
from pricelang.engine.columnar.nodes import Node
from pricelang.number import round_to
from pricelang.plain import dataclass

MOST_BITS = 192
"""A scale of more bits is left to the record engine."""


class NotColumnar(Exception):
    """Why a usage is left to the record engine, in words."""


@dataclass(frozen=True, slots=True)
class Number:
    """`node` is `scale` times the figure; `given` tells where it was sent, None that it always is."""

    node: Node
    scale: int
    given: Node | None = None

    @property
    def const(self) -> Fraction | None:
        return Fraction(self.node.data, self.scale) if self.node.op == "const" else None


@dataclass(frozen=True, slots=True)
class Text:
    """A text: the number of its word among those of `source`."""

    source: str
    node: Node
    given: Node | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    node: Node
    given: Node | None = None


Value = Number | Text | Truth


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with the rules' rounding, and without."""

    rounded: Number
    exact: Number

    @property
    def same(self) -> bool:
        return self.rounded is self.exact or (
            self.rounded.node is self.exact.node and self.rounded.scale == self.exact.scale
        )


class Figures:
    """Arithmetic on figures, in the graph of one usage."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.path = self.graph.yes
        """Of which records what is built now is asked."""
        self.bad = self.graph.no
        """Of which records the record engine is asked instead."""
        self.nothing = Number(self.graph.zero, 1)

    def fail(self, when: Node) -> None:
        self.bad = self.graph.either(self.bad, self.graph.both(self.path, when))

    def constant(self, value: Fraction) -> Number:
        return Number(self.graph.const(value.numerator), _sized(value.denominator))

    def at_scale(self, one: Number, scale: int) -> Node:
        """The node at a scale that is a multiple of its own."""
        assert scale % one.scale == 0
        return self.graph.multiply(one.node, self.graph.const(scale // one.scale))

    def common(self, figures: Sequence[Number]) -> int:
        return _sized(lcm(*(one.scale for one in figures)))

    def add(self, terms: Sequence[tuple[int, Number]]) -> Number:
        """Terms with their signs, added up."""
        kept = [(sign, one) for sign, one in terms if one.node is not self.graph.zero]
        if not kept:
            return self.nothing
        if len(kept) == 1 and kept[0][0] > 0:
            return kept[0][1]
        scale = self.common([one for _, one in kept])
        found = self.graph.zero
        for sign, one in sorted(kept, key=lambda term: -term[0]):
            node = self.at_scale(one, scale)
            found = self.graph.add(found, node) if sign > 0 else self.graph.subtract(found, node)
        return Number(found, scale)

    def multiply(self, *factors: Number) -> Number:
        known = Fraction(1)
        node: Node | None = None
        scale = 1
        for one in factors:
            const = one.const
            if const is not None:
                known *= const
            else:
                node = one.node if node is None else self.graph.multiply(node, one.node)
                scale *= one.scale
        if node is None or not known:
            return self.constant(known)
        scale *= known.denominator
        shared = gcd(known.numerator, scale)
        return Number(self.graph.multiply(node, self.graph.const(known.numerator // shared)), _sized(scale // shared))

    def least(self, left: Number, right: Number) -> Number:
        scale = self.common([left, right])
        return Number(self.graph.least(self.at_scale(left, scale), self.at_scale(right, scale)), scale)

    def most(self, left: Number, right: Number) -> Number:
        scale = self.common([left, right])
        return Number(self.graph.most(self.at_scale(left, scale), self.at_scale(right, scale)), scale)

    def choose(self, when: Node, yes: Number, no: Number) -> Number:
        if when is self.graph.yes:
            return yes
        if when is self.graph.no:
            return no
        scale = self.common([yes, no])
        return Number(self.graph.select(when, self.at_scale(yes, scale), self.at_scale(no, scale)), scale)

    def choose_amount(self, when: Node, yes: Amount, no: Amount) -> Amount:
        rounded = self.choose(when, yes.rounded, no.rounded)
        return Amount(rounded, rounded if yes.same and no.same else self.choose(when, yes.exact, no.exact))

    def there(self, amount: Amount) -> Node:
        """Whether there is anything."""
        found = self.graph.is_there(amount.rounded.node)
        return found if amount.same else self.graph.either(found, self.graph.is_there(amount.exact.node))

    def compare(self, left: Number, op: str, right: Number) -> Node:
        scale = self.common([left, right])
        one, other = self.at_scale(left, scale), self.at_scale(right, scale)
        match op:
            case "<":
                return self.graph.less(one, other)
            case "<=":
                return self.graph.at_most(one, other)
            case ">":
                return self.graph.less(other, one)
            case ">=":
                return self.graph.at_most(other, one)
        raise NotColumnar("a comparison that is not known")

    def begun(self, value: Number, size: Number) -> Number:
        """How many of a size are begun: a whole number. The size is above zero where it counts."""
        scale = self.common([value, size])
        graph = self.graph
        over, by = self.at_scale(value, scale), self.at_scale(size, scale)
        if by.op != "const":
            by = graph.most(by, graph.const(1))
        minus = graph.subtract(graph.zero, over)
        return Number(graph.subtract(graph.zero, graph.whole_times(minus, by)), 1)

    def rounded(self, value: Number, size: Fraction, mode: str) -> Number:
        """A figure to a multiple of a size, mirrored around zero."""
        graph = self.graph
        of = self.multiply(value, self.constant(1 / size))
        if of.scale == 1:
            return value
        if value.const is not None:
            return self.constant(round_to(value.const, size, mode))
        by = of.scale
        minus = graph.less(of.node, graph.zero)
        over = of.node
        if self.may_be_negative(of.node):
            over = graph.select(minus, graph.subtract(graph.zero, over), over)
        else:
            minus = graph.no
        count = graph.whole_times(over, graph.const(by))
        if mode != "down":
            rest = graph.subtract(over, graph.multiply(count, graph.const(by)))
            half = {"half up": (by + 1) // 2, "half down": by // 2 + 1, "up": 1}.get(mode)
            if half is not None:
                more = graph.at_most(graph.const(half), rest)
            else:
                odd = graph.equal(
                    graph.subtract(count, graph.multiply(graph.whole_times(count, graph.const(2)), graph.const(2))),
                    graph.const(1),
                )
                more = graph.at_most(graph.const(by // 2 + 1), rest)
                if by % 2 == 0:
                    more = graph.either(more, graph.both(odd, graph.equal(rest, graph.const(by // 2))))
            count = graph.select(more, graph.add(count, graph.const(1)), count)
        count = graph.select(minus, graph.subtract(graph.zero, count), count)
        return self.multiply(Number(count, 1), self.constant(size))

    def may_be_negative(self, node: Node) -> bool:
        from pricelang.engine.columnar.nodes import bounds
        from pricelang.engine.columnar.nodes import needed

        nodes = needed([node])
        return bounds(nodes, 2**62)[node.number][0] < 0


def _sized(scale: int) -> int:
    if scale.bit_length() > MOST_BITS:
        raise NotColumnar("its figures have too many digits")
    return scale

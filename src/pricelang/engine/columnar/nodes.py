"""A graph of whole numbers and truths, one of each for every record of a batch; equal nodes are one node.

A node is made through a `Graph`, which folds what is known already. `bounds` gives for each node between which whole
numbers it lies when every number that records send lies between 0 and a limit; from that follows up to which limit
64 bits hold all of them (`limit_of`).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

INT64 = 2**63 - 1
MOST_BITS = 62
MOST_KNOWN = 2**40
"""A number that is known of a word is at most this."""
MOST_COUNTED = 10**75
ATTRIBUTES = "account."
"""The limit of numbers that are known of accounts, among the limits of fields."""

TRUTHS = frozenset(("flag", "truth", "lt", "le", "eq", "ne", "and", "or", "not", "take_truth", "look_truth"))


class Node:
    """One operation. `args` are nodes; `data` is what else it needs: a constant, a name, an array."""

    __slots__ = ("args", "data", "number", "op")

    def __init__(self, number: int, op: str, args: tuple[Node, ...], data: Any) -> None:
        self.number = number
        self.op = op
        self.args = args
        self.data = data

    @property
    def is_truth(self) -> bool:
        return self.op in TRUTHS or (self.op == "select" and self.args[1].is_truth)

    def __repr__(self) -> str:
        inner = ", ".join(
            [*(f"n{one.number}" for one in self.args), *([repr(self.data)] if self.data is not None else [])]
        )
        return f"n{self.number} = {self.op}({inner})"


class Array:
    """Values that a node looks up by an index, one for each row of a table; there is a 0 for an index below 0."""

    __slots__ = ("high", "low", "same", "values")

    def __init__(self, values: Sequence[int]) -> None:
        self.values = tuple(values)
        self.low = min(0, *self.values)
        self.high = max(0, *self.values)
        self.same = len(set(self.values)) == 1


class Look:
    """What is known of each word of a source. A number of which `missing` is told is asked only where it is there."""

    __slots__ = ("is_truth", "known", "source")

    def __init__(self, source: str, known: Callable[[str], int | bool], is_truth: bool) -> None:
        self.source = source
        self.known = known
        self.is_truth = is_truth


class Graph:
    """The nodes of one usage, in an order in which each comes after what it needs."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[tuple[object, ...], Node] = {}
        self.yes = self._node("truth", (), True)
        self.no = self._node("truth", (), False)
        self.zero = self.const(0)

    def _node(self, op: str, args: tuple[Node, ...], data: Any = None, key: object = None) -> Node:
        name = (op, tuple(one.number for one in args), data if key is None else key)
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = Node(len(self.nodes), op, args, data)
            self.nodes.append(found)
        return found

    # --- leaves

    def const(self, value: int) -> Node:
        return self._node("const", (), value)

    def truth(self, value: bool) -> Node:
        return self.yes if value else self.no

    def number(self, name: str) -> Node:
        """A number that every record has: a whole number from 0 up to the limit."""
        return self._node("number", (), name)

    def moment(self) -> Node:
        """The record's instant, in the unit of its column."""
        return self._node("moment", (), None)

    def word(self, source: str) -> Node:
        """The number of the record's word among those of a source (a text field, the account); below 0 is none."""
        return self._node("word", (), source)

    def flag(self, name: str) -> Node:
        """A truth that is told from outside, for each record or for the whole batch."""
        return self._node("flag", (), name)

    def look(self, word: Node, look: Look) -> Node:
        """What is known of a word: a number, or a truth."""
        return self._node("look_truth" if look.is_truth else "look", (word,), look)

    def piece(self, value: Node, edges: tuple[int, ...]) -> Node:
        """In which piece of the number line a value lies: 2i + 1 at the edge i, 2i between it and the one before."""
        return self._node("piece", (value,), edges)

    def row(self, codes: tuple[Node, ...], finder: object) -> Node:
        """The row that fits words, truths and pieces; below 0 where there is none, or where there are two."""
        return self._node("row", codes, finder)

    def take(self, array: Array, index: Node) -> Node:
        if array.same:
            return self.const(array.values[0])
        return self._node("take", (index,), array, array.values)

    def take_truth(self, array: Array, index: Node) -> Node:
        if array.same:
            return self.truth(bool(array.values[0]))
        return self._node("take_truth", (index,), array, array.values)

    # --- numbers

    def add(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op == "const":
            return self.const(left.data + right.data)
        if left is self.zero:
            return right
        if right is self.zero:
            return left
        return self._node("add", (left, right))

    def subtract(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op == "const":
            return self.const(left.data - right.data)
        if right is self.zero:
            return left
        return self.zero if left is right else self._node("sub", (left, right))

    def multiply(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op != "const":
            left, right = right, left
        if right.op == "const":
            if left.op == "const":
                return self.const(left.data * right.data)
            if right.data == 0:
                return right
            if right.data == 1:
                return left
            if left.op == "mul" and left.args[1].op == "const":
                return self.multiply(left.args[0], self.const(left.args[1].data * right.data))
        return self._node("mul", (left, right))

    def whole_times(self, over: Node, by: Node) -> Node:
        """How many whole times one goes into the other, rounded down; `by` is above zero."""
        if by.op == "const" and by.data == 1:
            return over
        if over.op == "const" and by.op == "const":
            return self.const(over.data // by.data)
        return self._node("div", (over, by))

    def least(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op == "const":
            return self.const(min(left.data, right.data))
        return left if left is right else self._node("min", (left, right))

    def most(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op == "const":
            return self.const(max(left.data, right.data))
        return left if left is right else self._node("max", (left, right))

    def select(self, when: Node, yes: Node, no: Node) -> Node:
        if when is self.yes or yes is no:
            return yes
        if when is self.no:
            return no
        if yes.is_truth:
            return self.either(self.both(when, yes), self.both(self.negate(when), no))
        return self._node("select", (when, yes, no))

    def counted(self, group: object, value: Node, when: Node) -> Node:
        """What was counted in a group of records before this one. Records of which `when` holds are counted."""
        return self._node("before", (value, when), group)

    # --- truths

    def less(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op == "const":
            return self.truth(left.data < right.data)
        return self.no if left is right else self._node("lt", (left, right))

    def at_most(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op == "const":
            return self.truth(left.data <= right.data)
        return self.yes if left is right else self._node("le", (left, right))

    def equal(self, left: Node, right: Node) -> Node:
        if left.op == "const" and right.op == "const":
            return self.truth(left.data == right.data)
        return self.yes if left is right else self._node("eq", (left, right))

    def is_there(self, value: Node) -> Node:
        """Whether a number is not zero."""
        if value.op == "const":
            return self.truth(value.data != 0)
        return self._node("ne", (value, self.zero))

    def both(self, left: Node, right: Node) -> Node:
        if left is self.yes or left is right:
            return right
        if right is self.yes:
            return left
        if left is self.no or right is self.no:
            return self.no
        return self._node("and", (left, right))

    def either(self, left: Node, right: Node) -> Node:
        if left is self.no or left is right:
            return right
        if right is self.no:
            return left
        if left is self.yes or right is self.yes:
            return self.yes
        return self._node("or", (left, right))

    def negate(self, one: Node) -> Node:
        if one.op == "truth":
            return self.truth(not one.data)
        return one.args[0] if one.op == "not" else self._node("not", (one,))


def needed(outputs: Iterable[Node]) -> list[Node]:
    """The nodes that outputs depend on, in order."""
    found: dict[int, Node] = {}
    todo = list(outputs)
    while todo:
        one = todo.pop()
        if one.number not in found:
            found[one.number] = one
            todo += one.args
    return [found[number] for number in sorted(found)]


Bounds = tuple[int, int]


def bound_of(node: Node, args: Sequence[Bounds], limit: int | Mapping[str, int]) -> Bounds:
    """Between which numbers a node lies, given where its arguments do."""
    match node.op:
        case "const":
            value: int = node.data
            return value, value
        case "number":
            return 0, limit if isinstance(limit, int) else limit[str(node.data)]
        case "take":
            return int(node.data.low), int(node.data.high)
        case "add":
            return args[0][0] + args[1][0], args[0][1] + args[1][1]
        case "sub":
            return args[0][0] - args[1][1], args[0][1] - args[1][0]
        case "mul":
            found = [one * other for one in args[0] for other in args[1]]
            return min(found), max(found)
        case "div":
            (low, high), (least, most) = args
            if least < 1:
                least, most = 1, max(most, 1)
            halves = [one // other for one in (low, high) for other in (least, most)]
            return min(halves), max(halves)
        case "min":
            return min(args[0][0], args[1][0]), min(args[0][1], args[1][1])
        case "max":
            return max(args[0][0], args[1][0]), max(args[0][1], args[1][1])
        case "select":
            return min(args[1][0], args[2][0]), max(args[1][1], args[2][1])
        case "before":
            most = limit if isinstance(limit, int) else MOST_COUNTED
            return (0 if args[0][0] >= 0 else -most), most
        case "look":
            return 0, MOST_KNOWN if isinstance(limit, int) else limit[ATTRIBUTES]
    return 0, 1  # a truth; instants and indices are only compared and looked up


def bounds(nodes: Sequence[Node], limit: int | Mapping[str, int]) -> dict[int, Bounds]:
    """The bounds of all of these nodes, which stand in order; the limit is one for all fields, or each field's own."""
    found: dict[int, Bounds] = {}
    for node in nodes:
        found[node.number] = bound_of(node, [found[one.number] for one in node.args], limit)
    return found


def limit_of(outputs: Iterable[Node]) -> int:
    """The greatest 2^k - 1 such that 64 bits hold every node while no number sent is greater; 0 where there is none."""
    nodes = needed(outputs)
    for bits in range(MOST_BITS, 0, -1):
        limit: int = 2**bits - 1
        if all(low >= -INT64 and high <= INT64 for low, high in bounds(nodes, limit).values()):
            return limit
    return 0

"""Graphs as functions of arrays. The NumPy form reckons all records of a batch at once, one node after another; where
numbers may be too long for 64 bits the same code runs on arrays of Python's integers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from pricelang.engine.columnar.given import Column
from pricelang.engine.columnar.given import Given
from pricelang.engine.columnar.given import Made
from pricelang.engine.columnar.loops import can_loop
from pricelang.engine.columnar.loops import loop_form
from pricelang.engine.columnar.nodes import Graph
from pricelang.engine.columnar.nodes import Node
from pricelang.engine.columnar.nodes import needed
from pricelang.engine.columnar.words import Known

MOST_KEPT = 256


def facts_of(nodes: Sequence[Node], given: Given, known: Known) -> dict[int, bool]:
    """The truths that are the same for every record of a batch."""
    found: dict[int, bool] = {}
    for node in nodes:
        match node.op:
            case "flag":
                flag = given.flags[node.data]
                if isinstance(flag, bool):
                    found[node.number] = flag
            case "le" if node.args[1].op == "moment" and node.args[0].op == "const":
                edge = node.args[0].data
                if edge <= given.first:
                    found[node.number] = True
                elif edge > given.last:
                    found[node.number] = False
            case "lt" if node.args[0].op == "row" and len(node.args[0].args) == 1:
                finder = node.args[0].data
                if finder.kinds[0].kind == "word" and node.args[1].op == "const":
                    rows = known.row_of_word(finder)[:-1]
                    if len(rows) and rows.min() >= node.args[1].data:
                        found[node.number] = False
            case "look_truth":
                truths = known.look(node.data)[:-1]
                if len(truths) and truths.all():
                    found[node.number] = True
                elif not truths.any():
                    found[node.number] = False
    return found


def folded(outputs: Sequence[Node], facts: Mapping[int, bool]) -> list[Node]:
    """The same outputs in a graph of their own, what is a fact put in its place."""
    graph = Graph()
    made: dict[int, Node] = {}
    for node in needed(outputs):
        if node.number in facts:
            made[node.number] = graph.truth(facts[node.number])
            continue
        args = [made[one.number] for one in node.args]
        made[node.number] = _again(graph, node, args)
    return [made[one.number] for one in outputs]


def _again(graph: Graph, node: Node, args: list[Node]) -> Node:
    match node.op:
        case "const":
            return graph.const(node.data)
        case "truth":
            return graph.truth(node.data)
        case "number":
            return graph.number(node.data)
        case "moment":
            return graph.moment()
        case "word":
            return graph.word(node.data)
        case "flag":
            return graph.flag(node.data)
        case "take":
            return graph.take(node.data, args[0])
        case "take_truth":
            return graph.take_truth(node.data, args[0])
        case "look" | "look_truth":
            return graph.look(args[0], node.data)
        case "piece":
            return graph.piece(args[0], node.data)
        case "row":
            return graph.row(tuple(args), node.data)
        case "before":
            return graph.counted(node.data, args[0], args[1])
        case "select":
            return graph.select(args[0], args[1], args[2])
        case "not":
            return graph.negate(args[0])
        case "ne":
            return graph.is_there(args[0])
    two: dict[str, Callable[[Node, Node], Node]] = {
        "add": graph.add,
        "sub": graph.subtract,
        "mul": graph.multiply,
        "div": graph.whole_times,
        "min": graph.least,
        "max": graph.most,
        "lt": graph.less,
        "le": graph.at_most,
        "eq": graph.equal,
        "and": graph.both,
        "or": graph.either,
    }
    return two[node.op](args[0], args[1])


class Form:
    """Some outputs of a graph as a function, made once for each set of facts. `loops`: by numba."""

    def __init__(self, outputs: Sequence[Node], loops: bool = False) -> None:
        self.outputs = tuple(outputs)
        self.nodes = needed(outputs)
        self.loops = loops and can_loop(self.nodes)
        self._made: dict[tuple[tuple[int, bool], ...], Made] = {}
        self._lock = threading.Lock()

    def __call__(self, given: Given, known: Known) -> tuple[Column, ...]:
        facts = facts_of(self.nodes, given, known)
        loops = self.loops and not given.wide
        if loops:  # instants are compared in the loop, which is not made anew for each day
            facts = {node.number: facts[node.number] for node in self.nodes if node.number in facts and node.op != "le"}
        key = (*facts.items(), (-1, given.wide))
        made = self._made.get(key)
        if made is None:
            with self._lock:
                if len(self._made) >= MOST_KEPT:
                    self._made.clear()
                made = self._made.get(key)
                if made is None:
                    again = folded(self.outputs, facts)
                    made = self._made[key] = loop_form(again) if loops else numpy_form(again, given.wide)
        return made(given, known)


_CODE = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} // {}",
    "min": "minimum({}, {})",
    "max": "maximum({}, {})",
    "lt": "{} < {}",
    "le": "{} <= {}",
    "eq": "{} == {}",
    "ne": "{} != {}",
    "and": "{} & {}",
    "or": "{} | {}",
    "not": "~{}",
    "select": "where({}, {}, {})",
}


def numpy_form(outputs: Sequence[Node], wide: bool) -> Made:
    """The function. Its source is lines such as `n7 = n3 * n5`."""
    names: dict[str, Any] = {
        "minimum": np.minimum,
        "maximum": np.maximum,
        "where": _where_wide if wide else np.where,
        "search": np.searchsorted,
        "index": _index,
    }
    lines: list[str] = []
    shown: dict[int, str] = {}
    for node in needed(outputs):
        name = f"n{node.number}"
        if node.op in ("const", "truth"):
            shown[node.number] = (
                repr(node.data) if node.data is True or node.data is False or node.data >= 0 else f"({node.data})"
            )
            continue
        args = [shown[one.number] for one in node.args]
        shown[node.number] = name
        lines.append(f"    {name} = {_numpy_code(node, args, names, wide)}")
    result = ", ".join(shown[one.number] for one in outputs)
    text = "\n".join(["def form(given, known):", *lines, f"    return ({result},)", ""])
    exec(compile(text, "<columns>", "exec"), names)
    made: Made = names["form"]
    return made


def _numpy_code(node: Node, args: list[str], names: dict[str, Any], wide: bool) -> str:
    kind = object if wide else np.int64
    match node.op:
        case "number":
            return f"given.numbers[{node.data!r}]"
        case "moment":
            return "given.moment"
        case "word":
            return f"given.words[{node.data!r}]"
        case "flag":
            return f"given.flags[{node.data!r}]"
        case "take":
            names[f"a{node.number}"] = np.array([*node.data.values, 0], kind)
            return f"a{node.number}[index({args[0]})]" if wide else f"a{node.number}[{args[0]}]"
        case "take_truth":
            names[f"a{node.number}"] = np.array([*map(bool, node.data.values), False], np.bool_)
            return f"a{node.number}[index({args[0]})]" if wide else f"a{node.number}[{args[0]}]"
        case "look" | "look_truth":
            names[f"a{node.number}"] = node.data
            return f"known.look(a{node.number})[{args[0]}]" + (".astype(object)" if wide and node.op == "look" else "")
        case "piece":
            edges = np.array(node.data, kind)
            names[f"a{node.number}"] = edges
            return f"search(a{node.number}, {args[0]}, 'left') + search(a{node.number}, {args[0]}, 'right')"
        case "row":
            names[f"a{node.number}"] = node.data
            return f"known.rows(a{node.number}, [{', '.join(args)}], given.count)"
        case "before":
            names[f"a{node.number}"] = node.data
            return f"given.before(a{node.number}, {args[0]}, {args[1]})"
    return _CODE[node.op].format(*args)


def _index(of: Column) -> Column:
    """What is looked up by is never long, though it came of numbers that may be."""
    return np.asarray(of, np.int64)


def _where_wide(when: Column, yes: Column, no: Column) -> Column:
    """`numpy.where` whose result is of Python's integers."""
    return np.where(when, np.asarray(yes, object), np.asarray(no, object))


def array_of(column: Column, count: int, wide: bool = False) -> Any:
    """A column as an array, whatever it is."""
    if isinstance(column, np.ndarray) and column.shape == (count,):
        return column
    if isinstance(column, bool | np.bool_):
        return np.full(count, column, np.bool_)
    return np.full(count, column, object if wide else np.int64)

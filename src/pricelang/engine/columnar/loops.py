"""Graphs as loops over records, compiled by numba: what comes before a record in its period is one number kept for each
account, so that a file in order of time is priced in one pass.

A loop takes each record's truths and numbers from arrays, reckons all nodes, and writes the outputs. A record that is
not `ready`, or of which a node says that the record engine is to be asked, moves no count.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pricelang.engine.columnar.given import Given
from pricelang.engine.columnar.given import Made
from pricelang.engine.columnar.nodes import Node
from pricelang.engine.columnar.nodes import needed
from pricelang.engine.columnar.words import Known

LEAST = 400_000
"""Records below which it does not pay to compile a loop."""

_CODE = {
    "add": "({} + {})",
    "sub": "({} - {})",
    "mul": "({} * {})",
    "div": "({} // {})",
    "min": "min({}, {})",
    "max": "max({}, {})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "eq": "({} == {})",
    "ne": "({} != {})",
    "and": "({} and {})",
    "or": "({} or {})",
    "not": "(not {})",
    "select": "({1} if {0} else {2})",
}


def available() -> bool:
    """Whether numba is installed."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def can_loop(nodes: Sequence[Node]) -> bool:
    """Whether a loop can reckon these: rows that are sought by several keys are found outside of it, before it runs."""
    return all(_is_given(arg) for node in nodes if node.op == "row" for arg in node.args)


def _is_given(node: Node) -> bool:
    return node.op in ("word", "flag", "const", "truth") or (node.op == "piece" and node.args[0].op == "number")


class _Arguments:
    """The arrays a loop is called with: how each is had from a batch, and the name it has in the loop."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.of: list[Any] = []
        self.kinds: list[str] = []
        self._known: dict[object, str] = {}

    def named(self, key: object, of: Any, truths: bool = False) -> str:
        name = self._known.get(key)
        if name is None:
            name = self._known[key] = f"p{len(self.names)}"
            self.names.append(name)
            self.of.append(of)
            self.kinds.append(TRUTHS if truths else NUMBERS)
        return name

    def given(self, given: Given, known: Known) -> list[Any]:
        """The arrays for a batch."""
        kinds = [np.bool_ if kind == TRUTHS else np.int64 for kind in self.kinds]
        return [np.ascontiguousarray(of(given, known), kind) for of, kind in zip(self.of, kinds, strict=True)]


def loop_form(outputs: Sequence[Node]) -> Made:
    """The compiled function of some outputs, none of which depends on what came before."""
    arguments = _Arguments()
    lines, shown = _body(needed(outputs), arguments)
    written: list[str] = []
    kinds: list[Any] = []
    for node in outputs:
        if node.op in ("const", "truth"):
            continue
        written.append(f"        o{len(kinds)}[i] = {shown[node.number]}")
        kinds.append(np.bool_ if node.is_truth else np.int64)
    outs = [f"o{index}" for index in range(len(kinds))]
    head = f"def loop({', '.join(['count', *arguments.names, *outs])}):"
    text = "\n".join([head, "    for i in range(count):", *lines, *written, ""])
    loop = compiled(text, (ONE, *arguments.kinds, *(kind_of(kind) for kind in kinds)))

    def run(given: Given, known: Known) -> tuple[Any, ...]:
        made = [np.empty(given.count, kind) for kind in kinds]
        loop(given.count, *arguments.given(given, known), *made)
        rest = iter(made)
        return tuple(node.data if node.op in ("const", "truth") else next(rest) for node in outputs)

    return run


NUMBERS, TRUTHS, NUMBERS_OUT, TRUTHS_OUT, ONE = "n", "t", "N", "T", "i"
"""Kinds of arguments: arrays that are read, arrays that are written, one number."""


def kind_of(kind: Any) -> str:
    """The kind of an array that is written."""
    return TRUTHS_OUT if kind is np.bool_ else NUMBERS_OUT


@lru_cache(maxsize=256)
def compiled(text: str, kinds: tuple[str, ...]) -> Any:
    """A function of this text for arguments of these kinds, made by numba once; whole numbers are divided without
    asking for zero."""
    import numba
    from numba.core import types

    known = {
        NUMBERS: types.Array(types.int64, 1, "C", readonly=True),
        TRUTHS: types.Array(types.boolean, 1, "C", readonly=True),
        NUMBERS_OUT: types.Array(types.int64, 1, "C"),
        TRUTHS_OUT: types.Array(types.boolean, 1, "C"),
        ONE: types.int64,
    }
    names: dict[str, Any] = {}
    exec(compile(text, "<loop>", "exec"), names)
    signature = tuple(known[kind] for kind in kinds)
    return numba.njit(signature, nogil=True, error_model="numpy", boundscheck=False)(names["loop"])


def _body(nodes: Sequence[Node], arguments: _Arguments) -> tuple[list[str], dict[int, str]]:
    """The lines that reckon nodes for the record `i`, and how each node is written."""
    lines: list[str] = []
    shown: dict[int, str] = {}
    for node in nodes:
        if node.op in ("const", "truth"):
            shown[node.number] = repr(node.data)
            continue
        name = f"n{node.number}"
        if node.op == "before":
            shown[node.number] = name
            continue
        args = [shown[one.number] for one in node.args]
        code = _leaf(node, args, arguments)
        if code is None:
            code = _CODE[node.op].format(*args)
        shown[node.number] = name
        lines.append(f"        {name} = {code}")
    return lines, shown


def _leaf(node: Node, args: list[str], arguments: _Arguments) -> str | None:
    data = node.data
    match node.op:
        case "number":
            return f"{arguments.named(('number', data), lambda given, known: given.numbers[data])}[i]"
        case "moment":
            return f"{arguments.named('moment', lambda given, known: given.moment)}[i]"
        case "word":
            return f"{arguments.named(('word', data), lambda given, known: given.words[data])}[i]"
        case "flag":
            return f"{arguments.named(('flag', data), lambda given, known: _flags(given, data), True)}[i]"
        case "take":
            values = np.array([*data.values, 0], np.int64)
            return f"{arguments.named(('take', node.number), lambda given, known: values)}[{args[0]}]"
        case "take_truth":
            truths = np.array([*map(bool, data.values), False], np.bool_)
            return f"{arguments.named(('take', node.number), lambda given, known: truths, True)}[{args[0]}]"
        case "look" | "look_truth":
            name = arguments.named(("look", id(data)), lambda given, known: known.look(data), data.is_truth)
            return f"{name}[{args[0]}]"
        case "piece":
            edges = np.array(data, np.int64)
            below = " + ".join([f"({one} < {args[0]}) + ({one} <= {args[0]})" for one in edges.tolist()])
            return f"({below or '0'})"
        case "row":
            if len(node.args) == 1 and data.kinds[0].kind == "word":
                rows = arguments.named(("row", node.number), lambda given, known: known.row_of_word(data))
                return f"{rows}[{args[0]}]"
            return f"{arguments.named(('rows', node.number), lambda given, known: _rows(node, given, known))}[i]"
    return None


def _flags(given: Given, name: str) -> Any:
    flag = given.flags[name]
    return np.full(given.count, flag, np.bool_) if isinstance(flag, bool) else flag


def _rows(node: Node, given: Given, known: Known) -> Any:
    """Rows by several keys, found for the whole batch."""
    codes: list[Any] = []
    for one in node.args:
        match one.op:
            case "word":
                codes.append(given.words[one.data])
            case "flag":
                codes.append(given.flags[one.data])
            case "piece":
                edges = np.array(one.data, np.int64)
                numbers = given.numbers[one.args[0].data]
                codes.append(np.searchsorted(edges, numbers, "left") + np.searchsorted(edges, numbers, "right"))
            case _:
                codes.append(one.data)
    return known.rows(node.data, codes, given.count)


# --- what came before ------------------------------------------------------------------------------------------------


class CountedLoop:
    """A loop over records in order of time that keeps totals by group. `stores` tell which `before` nodes are of the
    same groups: these have one array, with a run of numbers for each group: the batch in which it was last moved, then
    for each node the total and its period."""

    def __init__(self, outputs: Sequence[Node], bad: Node, stores: Sequence[Sequence[Node]]) -> None:
        self.outputs = list(outputs)
        arguments = self.arguments = _Arguments()
        self.kinds: list[Any] = []
        shown: dict[int, str] = {}
        place = {node.number: (s, k) for s, nodes in enumerate(stores) for k, node in enumerate(nodes)}
        lines = [f"        at{s} = g{s}[i] * {1 + 2 * len(nodes)}" for s, nodes in enumerate(stores)]
        befores = [node for nodes in stores for node in nodes]
        for node in needed([*outputs, bad, *befores]):
            if node.op in ("const", "truth"):
                shown[node.number] = repr(node.data)
                continue
            name = f"n{node.number}"
            args = [shown[one.number] for one in node.args]
            shown[node.number] = name
            if node.op == "before":
                s, k = place[node.number]
                code = f"m{s}[at{s} + {1 + 2 * k}] if m{s}[at{s} + {2 + 2 * k}] == q{s}_{k}[i] else 0"
            else:
                code = _leaf(node, args, arguments) or _CODE[node.op].format(*args)
            lines.append(f"        {name} = {code}")
        written = []
        for node in outputs:
            if node.op not in ("const", "truth"):
                written.append(f"            o{len(self.kinds)}[i] = {shown[node.number]}")
                self.kinds.append(np.bool_ if node.is_truth else np.int64)
        over = [f"abs(n{node.number} + {shown[node.args[0].number]}) > limit" for node in befores]
        spoilt: list[str] = []
        moved: list[str] = []
        names: list[str] = []
        kinds: list[str] = []
        for s, nodes in enumerate(stores):
            wide = 1 + 2 * len(nodes)
            names += [f"g{s}", f"m{s}", f"old{s}", f"b{s}", *(f"q{s}_{k}" for k, _ in enumerate(nodes))]
            kinds += [NUMBERS, NUMBERS_OUT, NUMBERS_OUT, NUMBERS_OUT, *[NUMBERS] * len(nodes)]
            moved += [
                f"            if m{s}[at{s}] != batch:",
                f"                for c in range({wide}):",
                f"                    old{s}[undone[{s}] * {wide} + c] = m{s}[at{s} + c]",
                f"                old{s}[undone[{s}] * {wide}] = g{s}[i]",
                f"                m{s}[at{s}] = batch",
                f"                undone[{s}] += 1",
            ]
            for k, node in enumerate(nodes):
                value, when = (shown[one.number] for one in node.args[:2])
                spoilt.append(f"            b{s}[i * {len(nodes)} + {k}] = n{node.number}")
                moved += [
                    f"            if {when}:",
                    f"                m{s}[at{s} + {1 + 2 * k}] = n{node.number} + {value}",
                    f"                m{s}[at{s} + {2 + 2 * k}] = q{s}_{k}[i]",
                ]
        outs = [f"o{index}" for index in range(len(self.kinds))]
        given = ["count", "batch", "limit", "ready", "bad", "undone", *arguments.names, *names, *outs]
        text = [
            f"def loop({', '.join(given)}):",
            "    for i in range(count):",
            "        if not ready[i]:",
            "            bad[i] = True",
            "            continue",
            *lines,
            f"        wrong = {' or '.join([shown[bad.number], *over])}",
            "        bad[i] = wrong",
            "        if wrong:",
            "            pass",
            *spoilt,
            "        else:",
            "            pass",
            *moved,
            *written,
            "",
        ]
        first = (ONE, ONE, ONE, TRUTHS, TRUTHS_OUT, NUMBERS_OUT, *arguments.kinds)
        self.loop = compiled("\n".join(text), (*first, *kinds, *map(kind_of, self.kinds)))

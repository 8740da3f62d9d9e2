"""Reads one line by the grammar's parse table, which Lark makes and the cache folder keeps.

What a line is read as is what Lark makes of it (`tests/test_driver.py` compares); what is wrong with one that cannot be
read, Lark is asked for.
"""

from __future__ import annotations

import marshal
import sys
from functools import cache
from pathlib import Path

from pricelang import cachedir
from pricelang.light import TYPE_CHECKING
from pricelang.light import blake2b
from pricelang.plain import dataclass
from pricelang.syntax.lexer import next_token
from pricelang.syntax.trees import Token
from pricelang.syntax.trees import Tree

if TYPE_CHECKING:
    from lark import Lark

_FORM = "table-2"
_DIGEST = 32

Rule = tuple[str, int, str, tuple[tuple[int, bool], ...] | None, bool]
"""What a reduction makes: the symbol, how many it takes, the tree's name, which children stay (and whether their own
children take their place; None is all of them), and whether a single child stands for the tree."""


@dataclass(frozen=True, slots=True)
class Table:
    """For each state what follows a symbol: a state to go to, or, below zero, the complement of a rule's number."""

    keywords: dict[str, str]
    starts: dict[str, tuple[int, int]]
    states: list[dict[str, int]]
    rules: list[Rule]


def parse_line(text: str, start: str) -> Tree | None:
    """The tree of a line by one rule of the grammar, or None where it cannot be read."""
    table = _table()
    states, rules, keywords = table.states, table.rules, table.keywords
    state, last = table.starts[start]
    stack = [state]
    values: list[Token | Tree] = []
    begins: list[int] = []  # of each value where its words begin and end, those included that are in no tree
    ends: list[int] = []
    at, stop = 0, len(text)
    while True:
        while at < stop and text[at] == " ":
            at += 1
        here = states[stack[-1]]
        if at < stop:
            kind, end = next_token(text, at, here, keywords)
        else:
            kind, end = "$END", at
        action = here.get(kind)
        while True:
            if action is None:
                return None
            if action >= 0:
                break
            symbol, size, data, kept, single = rules[~action]
            begin = finish = -1
            children: list[Token | Tree] = []
            if size:
                children = values[-size:]
                begin, finish = begins[-size], ends[-1]
                if begin < 0 or finish < 0:  # what is left out has no place
                    begin = next((one for one in begins[-size:] if one >= 0), -1)
                    finish = next((one for one in reversed(ends[-size:]) if one >= 0), -1)
                del values[-size:], begins[-size:], ends[-size:], stack[-size:]
            if kept is not None:
                children = _kept(children, kept)
            if single and len(children) == 1:
                value = children[0]
                if type(value) is Token:
                    begin, finish = value.start_pos, value.end_pos
            else:
                value = Tree(data, children, begin, finish)
            values.append(value)
            begins.append(begin)
            ends.append(finish)
            stack.append(states[stack[-1]][symbol])
            if stack[-1] == last and kind == "$END":
                return value if isinstance(value, Tree) else None
            action = states[stack[-1]].get(kind)
        if kind == "$END":
            return None
        token = Token(text[at:end])
        token.type = kind
        token.start_pos = at
        token.end_pos = end
        values.append(token)
        begins.append(at)
        ends.append(end)
        stack.append(action)
        at = end


def _kept(children: list[Token | Tree], kept: tuple[tuple[int, bool], ...]) -> list[Token | Tree]:
    found: list[Token | Tree] = []
    for index, expanded in kept:
        child = children[index]
        if not expanded:
            found.append(child)
        elif isinstance(child, Tree):
            found = found + child.children if found else child.children
    return found


# --- the table --------------------------------------------------------------------------------------------------------


@cache
def _table() -> Table:
    text = Path(__file__).with_name("grammar.lark").read_bytes()
    told = f"{_FORM} {sys.version} ".encode()
    name = f"grammar-{blake2b(told + text, digest_size=8).hexdigest()}"
    data = cachedir.read(name)
    if data is not None and blake2b(data[_DIGEST:], digest_size=_DIGEST).digest() == data[:_DIGEST]:
        return Table(*marshal.loads(data[_DIGEST:]))
    from pricelang.syntax.grammar import grammar

    made = table_of(grammar())
    body = marshal.dumps((made.keywords, made.starts, made.states, made.rules))
    cachedir.write(name, blake2b(body, digest_size=_DIGEST).digest() + body)
    return made


def table_of(grammar: Lark) -> Table:
    """The table of a grammar that Lark has compiled."""
    made = grammar.parser.parser._parse_table
    numbers: dict[object, int] = {}
    rules: list[Rule] = []
    for rule in grammar.rules:
        numbers[rule] = len(rules)
        stay = [(at, one) for at, one in enumerate(rule.expansion) if not getattr(one, "filter_out", False)]
        kept = tuple((at, not one.is_term and one.name.startswith("_")) for at, one in stay)
        all_stay = len(kept) == len(rule.expansion) and not any(expanded for _, expanded in kept)
        name = str(rule.alias or rule.options.template_source or rule.origin.name)
        single = bool(rule.options.expand1 and not rule.alias)
        rules.append((str(rule.origin.name), len(rule.expansion), name, None if all_stay else kept, single))
    states: list[dict[str, int]] = [{} for _ in range(max(made.states) + 1)]
    for number, actions in made.states.items():
        for symbol, (action, to) in actions.items():
            states[number][sys.intern(str(symbol))] = ~numbers[to] if action.name == "Reduce" else to
    starts = {name: (made.start_states[name], made.end_states[name]) for name in made.start_states}
    keywords = {
        str(one.pattern.value): str(one.name) for one in grammar.terminals if getattr(one.pattern, "type", "") == "str"
    }
    return Table(keywords, starts, states, rules)

"""Lines are read by the table as Lark reads them: the same trees, the same places, the same lines refused."""

from __future__ import annotations

import string
from pathlib import Path
from random import Random
from typing import Any

import lark
import pytest

from pricelang.syntax.driver import Table
from pricelang.syntax.driver import parse_line
from pricelang.syntax.driver import table_of
from pricelang.syntax.grammar import STARTS
from pricelang.syntax.grammar import grammar
from pricelang.syntax.trees import Token
from pricelang.syntax.trees import Tree

ROOT = Path(__file__).parent.parent
Shape = tuple[Any, ...]


def lines() -> list[str]:
    """Every line of the rule files of the repository, without its comment."""
    found: dict[str, None] = {}
    for path in sorted(
        [*ROOT.glob("rulesets/*/*.price"), *ROOT.glob("tests/**/*.price"), *ROOT.glob("examples/**/*.price")]
    ):
        for line in path.read_text(encoding="utf-8").split("\n"):
            text = line.split("#")[0].strip()
            if text and not text.startswith("|"):
                found[text] = None
    return list(found)


def by_lark(text: str, start: str) -> Shape | None:
    try:
        return _lark_shape(grammar().parse(text, start=start))
    except lark.UnexpectedInput:
        return None


def _lark_shape(one: Any) -> Shape:
    if isinstance(one, lark.Token):
        return str(one), one.type, one.start_pos, one.end_pos
    place = (-1, -1) if one.meta.empty else (one.meta.start_pos, one.meta.end_pos)
    return str(one.data), *place, *map(_lark_shape, one.children)


def by_table(text: str, start: str) -> Shape | None:
    tree = parse_line(text, start)
    return None if tree is None else _shape(tree)


def _shape(one: Tree | Token) -> Shape:
    if isinstance(one, Token):
        return str(one), one.type, one.start_pos, one.end_pos
    return one.data, one.start_pos, one.end_pos, *map(_shape, one.children)


def changed(text: str, random: Random) -> str:
    """A line with a mistake or two: words that are gone, doubled, exchanged or cut, and signs that were not there."""
    words = text.split(" ")
    for _ in range(random.choice((1, 1, 2))):
        at = random.randrange(len(words))
        match random.randrange(5):
            case 0:
                del words[at : at + 1]
            case 1:
                words.insert(at, words[at])
            case 2:
                other = random.randrange(len(words))
                words[at], words[other] = words[other], words[at]
            case 3:
                words[at] = words[at][: random.randrange(len(words[at]) + 1)]
            case _:
                words.insert(at, random.choice([*string.punctuation, "é", "and", "10%", "2026-01-01"]))
        if not words:
            return "x"
    return " ".join(words)


def test_shipped_lines_are_read_as_lark_reads_them() -> None:
    read = 0
    for text in lines():
        for start in STARTS:
            expected = by_lark(text, start)
            assert by_table(text, start) == expected, (text, start)
            read += expected is not None
    assert read > 500


def test_lines_with_mistakes_too() -> None:
    random = Random(7)
    known = lines()
    outcomes = set()
    for _ in range(4_000):
        text, start = changed(random.choice(known), random), random.choice(STARTS)
        expected = by_lark(text, start)
        assert by_table(text, start) == expected, (text, start)
        outcomes.add(expected is None)
    assert outcomes == {True, False}


@pytest.mark.parametrize("text", ["", " ", "   free", '"', "a" * 5000, "(" * 500, "1 + " * 500 + "1", "\u2028", "\x00"])
def test_odd_texts_are_read_as_lark_reads_them(text: str) -> None:
    for start in STARTS:
        assert (parse_line(text, start) is None) == (by_lark_or_deep(text, start) is None)


def by_lark_or_deep(text: str, start: str) -> object:
    try:
        return grammar().parse(text, start=start)
    except lark.UnexpectedInput:
        return None


def test_the_table_says_what_the_grammar_says() -> None:
    """Every form has its rule, and every rule is reached from some state."""
    made: Table = table_of(grammar())
    reduced = {~to for actions in made.states for to in actions.values() if to < 0}
    assert reduced == set(range(len(made.rules)))
    assert set(made.starts) == set(STARTS)

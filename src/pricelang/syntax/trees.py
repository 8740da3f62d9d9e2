"""The tree of one line, and its leaves. Positions are offsets in the line's text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Token(str):
    """A word or a sign of a line, with its kind."""

    __slots__ = ("end_pos", "start_pos", "type")

    type: str
    start_pos: int
    end_pos: int


class Tree:
    """What a form of the grammar was read as. `start_pos` is -1 where it has no words at all."""

    __slots__ = ("children", "data", "end_pos", "start_pos")

    def __init__(self, data: str, children: list[Any], start_pos: int, end_pos: int) -> None:
        self.data = data
        self.children = children
        self.start_pos = start_pos
        self.end_pos = end_pos

    def iter_subtrees(self) -> Iterator[Tree]:
        """The tree and all trees beneath it."""
        todo = [self]
        while todo:
            one = todo.pop()
            yield one
            todo += [kid for kid in one.children if isinstance(kid, Tree)]

"""What a batch gives to the functions that are made of graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pricelang.engine.columnar.words import Known
from pricelang.plain import dataclass

Column = Any
"""An array with a value for each record, or one value for all of them."""


@dataclass(slots=True)
class Given:
    """What a batch gives: numbers, words and truths by name, instants in their column's unit."""

    count: int
    numbers: dict[str, Column]
    words: dict[str, Column]
    flags: dict[str, Column]
    moment: Column
    first: int  # of the instants
    last: int
    before: Callable[[object, Column, Column], Column] | None = None
    wide: bool = False


Made = Callable[[Given, Known], tuple[Column, ...]]
"""A function made of a graph: an output for each record of a batch."""

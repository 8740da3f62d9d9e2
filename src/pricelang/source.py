"""Texts and places in them. A place is a file, a line and a run of characters; it takes no part in equality."""

from __future__ import annotations

from bisect import bisect_right

from pricelang.plain import dataclass
from pricelang.plain import field


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: lines and columns count from 1, in code points; `end` is the column after the last."""

    path: str
    line: int
    column: int = 1
    end: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(slots=True)
class Source:
    """One text with its name, cut into lines at `\\n` and `\\r\\n` only."""

    path: str
    text: str
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        self.starts = starts

    def line(self, number: int) -> str:
        """The text of a line, counting from 1, without its end."""
        start = self.starts[number - 1]
        stop = self.starts[number] - 1 if number < len(self.starts) else len(self.text)
        return self.text[start:stop].removesuffix("\r")

    def place(self, start: int, stop: int) -> Place:
        """The place of a run of characters given by offsets; one that runs over a line's end is cut there."""
        number = bisect_right(self.starts, start)
        column = start - self.starts[number - 1] + 1
        width = len(self.line(number))
        return Place(self.path, number, column, max(column, min(column + max(stop - start, 1), width + 1)))

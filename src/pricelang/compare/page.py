"""A comparison as one HTML page that needs nothing else: no script, no file beside it, no network."""

from __future__ import annotations

import os

from pricelang.compare.changes import Compared
from pricelang.compare.outline import Heading
from pricelang.compare.outline import Plot
from pricelang.compare.outline import Sentence
from pricelang.compare.outline import Table
from pricelang.compare.outline import outline
from pricelang.plain import dataclass

MOST_ROWS = 5_000
"""Rows of one table that a page shows."""

WIDTH, BAR, GAP, LABEL = 720, 22, 8, 190
"""The plot's measures in pixels: its width, a bar, the space between two, and the labels' column."""


class MissingExtra(Exception):
    """What is not installed, and how to install it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the plot where it is drawn. `kind`: up, down or same, by its label."""

    label: str
    count: str
    y: int
    width: int
    kind: str


def as_page(compared: Compared) -> str:
    """The page. Raises `MissingExtra` without Jinja2."""
    try:
        import jinja2
    except ImportError:
        raise MissingExtra("an HTML page needs Jinja2; pip install 'pricelang[html]'") from None
    with open(os.path.join(os.path.dirname(__file__), "page.html"), encoding="utf-8") as file:
        text = file.read()
    templates = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    blocks = []
    for block in outline(compared):
        match block:
            case Heading():
                blocks.append({"kind": "heading", "level": min(block.level, 4), "text": block.text})
            case Sentence():
                blocks.append({"kind": "sentence", "mood": block.kind, "text": block.text})
            case Table():
                left = len(block.rows) - MOST_ROWS
                blocks.append({"kind": "table", "table": block, "rows": block.rows[:MOST_ROWS], "left": max(left, 0)})
            case Plot():
                blocks.append({"kind": "plot", "title": block.title, "bars": bars_of(block), "height": _height(block)})
    title = next(block["text"] for block in blocks if block["kind"] == "heading")
    return templates.from_string(text).render(title=title, blocks=blocks, width=WIDTH, bar=BAR, label=LABEL) + "\n"


def bars_of(plot: Plot) -> list[Bar]:
    """The bars in whole pixels, the longest as wide as there is room."""
    most = max((count for _, count in plot.bars), default=0)
    room = WIDTH - LABEL - 80
    found = []
    for index, (label, count) in enumerate(plot.bars):
        wide = max(count * room // most, 2) if count else 0
        found.append(Bar(label, f"{count:,}", index * (BAR + GAP), wide, _kind(label)))
    return found


def _kind(label: str) -> str:
    """Whether the accounts of a bucket pay less, more or the same."""
    return "same" if label == "0 %" else "down" if "-" in label else "up"


def _height(plot: Plot) -> int:
    return len(plot.bars) * (BAR + GAP)

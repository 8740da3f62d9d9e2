"""A comparison as plain text, for terminals and logs."""

from __future__ import annotations

import unicodedata

from pricelang.compare.changes import Compared
from pricelang.compare.outline import Heading
from pricelang.compare.outline import Plot
from pricelang.compare.outline import Sentence
from pricelang.compare.outline import Table
from pricelang.compare.outline import outline

MOST_ROWS = 100
"""Changes of one group that are shown."""

MOST_FIGURES = 20
"""Rows of a table of figures that are shown."""

WIDEST = 48
"""Columns up to which cells are aligned."""

_BAR = 40


def as_text(compared: Compared) -> str:
    """Headings, sentences and aligned tables; ends with a line break."""
    lines: list[str] = []
    for block in outline(compared):
        match block:
            case Heading():
                lines += ["", block.text] if lines else [block.text]
                if block.level == 1:
                    lines.append("=" * min(width(block.text), 100))
            case Sentence():
                lines.append(f"{'! ' if block.kind == 'bad' else ''}{block.text}")
            case Table():
                lines += _table(block)
            case Plot():
                lines += _plot(block)
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    most = MOST_FIGURES if table.right else MOST_ROWS
    shown = list(table.rows[:most])
    headed = bool(table.right) or table.columns[0] == "Ruleset"  # the columns of changes speak for themselves
    if not headed:
        first = max((width(row[0]) for row in shown if width(row[0]) <= WIDEST), default=0)
        lines = [_change(row, first) for row in shown]
    else:
        lines = _aligned([table.columns, *shown], table.right)
    if len(table.rows) > most:
        lines.append(f"  … and {len(table.rows) - most:,} more; --output-format json has them all")
    return lines


def _change(row: tuple[str, ...], first: int) -> str:
    """What a change is about, then its words, its dates and its place, as far as it has them."""
    about = row[0] + " " * max(0, first - width(row[0]))
    return "  " + "  ".join([about, *(cell for cell in row[1:] if cell)])


def _aligned(rows: list[tuple[str, ...]], right: frozenset[int]) -> list[str]:
    widths = [
        max((width(row[index]) for row in rows if width(row[index]) <= WIDEST), default=0)
        for index in range(len(rows[0]))
    ]
    lines = []
    for row in rows:
        cells = []
        for index, cell in enumerate(row):
            gap = " " * max(0, widths[index] - width(cell))
            cells.append(gap + cell if index in right else cell + gap)
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _plot(plot: Plot) -> list[str]:
    most = max(count for _, count in plot.bars)
    label = max(width(one) for one, _ in plot.bars)
    figures = max(len(f"{count:,}") for _, count in plot.bars)
    lines = [f"{plot.title}:"]
    for one, count in plot.bars:
        bar = "█" * max(count * _BAR // most, 1 if count else 0)
        lines.append(f"  {' ' * (label - width(one))}{one}  {count:>{figures},}  {bar}".rstrip())
    return lines


def width(text: str) -> int:
    """The columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )

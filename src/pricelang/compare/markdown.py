"""A comparison as Markdown, for job summaries of GitHub and GitLab and for comments on a change.

Whatever comes from rule files or records stands in entities, so that it can neither mark anything up, nor mention
anybody, nor break a table.
"""

from __future__ import annotations

import re

from pricelang.compare.changes import Compared
from pricelang.compare.outline import Block
from pricelang.compare.outline import Heading
from pricelang.compare.outline import Plot
from pricelang.compare.outline import Sentence
from pricelang.compare.outline import Table
from pricelang.compare.outline import outline

MOST_CHARACTERS = 60_000
"""Characters of the whole: a comment on GitHub takes 65,536."""

_ROWS = (500, 100, 30, 10, 3, 1)
_PLAIN = re.compile(r"""[^0-9A-Za-z ,.:;?%()→–+=/"'-]""")
_BAR = 20


def as_markdown(compared: Compared) -> str:
    """Headings and tables of GitHub's Markdown; of a long comparison only the first rows of each table."""
    blocks = outline(compared)
    text = ""
    for rows in _ROWS:
        text = _rendered(blocks, rows)
        if len(text) <= MOST_CHARACTERS:
            return text
    end = text.rfind("\n\n", 0, MOST_CHARACTERS - 100)
    return text[:end] + "\n\nThe rest is left out here; `--output-format json` has all of it.\n"


def _rendered(blocks: list[Block], rows: int) -> str:
    found: list[str] = []
    for block in blocks:
        match block:
            case Heading():
                found.append(f"{'#' * (block.level + 1)} {escaped(block.text)}")
            case Sentence():
                mark = {"good": "✅ ", "bad": "❌ "}.get(block.kind, "")
                found.append(mark + escaped(block.text))
            case Table():
                found.append(_table(block, rows))
            case Plot():
                most = max(count for _, count in block.bars)
                bars = tuple(
                    (label, f"{count:,}", "█" * max(count * _BAR // most, 1 if count else 0))
                    for label, count in block.bars
                )
                found.append(_table(Table((block.title, "Accounts", ""), bars, frozenset({1})), rows))
    return "\n\n".join(found) + "\n"


def _table(table: Table, most: int) -> str:
    lines = [
        _row(table.columns),
        "|" + "|".join("---:" if index in table.right else "---" for index in range(len(table.columns))) + "|",
        *(_row(row) for row in table.rows[:most]),
    ]
    text = "\n".join(lines)
    left = len(table.rows) - most
    return f"{text}\n\n… and {left:,} more." if left > 0 else text


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(escaped(cell) or " " for cell in cells) + " |"


def escaped(text: str) -> str:
    """A text in which nothing is a mark: all but letters, digits and plain signs as entities."""
    found = _PLAIN.sub(lambda one: _entity(one[0]), text)
    # a line that begins like a list or a rule
    found = re.sub(r"^([-+=](?=[\s=+-]|$)|\d+[.)](?=\s|$))", lambda one: "".join(map(_entity, one[0])), found)
    # addresses and mentions are found in what is shown, where entities do not help
    if "@" in text or "www." in text or "://" in text:
        return f"<code>{found}</code>"
    return found


def _entity(char: str) -> str:
    return char if ord(char) > 127 and char.isprintable() else f"&#{ord(char)};"

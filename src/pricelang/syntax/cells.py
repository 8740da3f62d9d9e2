"""Cuts table rows into cells at `|`, with the place of each; a Markdown rule row is known by its dashes."""

from __future__ import annotations

import re

from pricelang.source import Source
from pricelang.syntax.nodes import Cells
from pricelang.syntax.nodes import Word
from pricelang.syntax.outline import Line

_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")
_CELL = re.compile(r"(?:[^|\\]|\\.|\\$)*")


def is_row(text: str) -> bool:
    """A line is a row if it begins with `|`, or has a `|` outside quotes."""
    first, bar, _ = text.partition("|")
    return bool(bar) and '"' not in first


def is_rule(text: str) -> bool:
    """Markdown's row of dashes."""
    return bool(_RULE.match(text)) and "-" in text


def cut(line: Line, source: Source) -> Cells:
    """The cells of a row, trimmed; `\\|` stands for a bar. The first and last bar may be left out."""
    text = line.text
    at = 1 if text.startswith("|") else 0
    words: list[Word] = []
    while at <= len(text):
        match = _CELL.match(text, at)
        assert match is not None
        raw = match.group()
        if match.end() == len(text) and not raw.strip() and words:
            break
        inner = raw.strip()
        start = line.start + match.start() + (len(raw) - len(raw.lstrip()) if inner else 0)
        width = len(inner) if inner else max(len(raw), 1)
        words.append(Word(inner.replace("\\|", "|"), source.place(start, start + width)))
        at = match.end() + 1
        if match.end() >= len(text):
            break
    return Cells(tuple(words), source.place(line.start, line.stop))

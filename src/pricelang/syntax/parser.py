"""Text to syntax tree: each line of the outline is parsed by the rule of the block it stands in.

A line that cannot be read is a finding and is left out; what is indented beneath it and all other lines are still read.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.source import Source
from pricelang.syntax import cells
from pricelang.syntax import nodes as n
from pricelang.syntax.blocks.accounts import read_allowance
from pricelang.syntax.blocks.accounts import read_funds
from pricelang.syntax.blocks.accounts import read_grant
from pricelang.syntax.blocks.accounts import read_limit
from pricelang.syntax.blocks.accounts import read_refill
from pricelang.syntax.blocks.examples import read_example
from pricelang.syntax.blocks.fields import read_account
from pricelang.syntax.blocks.fields import read_usage
from pricelang.syntax.blocks.header import read_ruleset
from pricelang.syntax.blocks.header import read_unit
from pricelang.syntax.blocks.hours import read_hours
from pricelang.syntax.blocks.prices import price_lines
from pricelang.syntax.blocks.prices import read_price
from pricelang.syntax.blocks.tables import read_table
from pricelang.syntax.blocks.tables import read_topup
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.outline import Line
from pricelang.syntax.outline import outline
from pricelang.syntax.reader import LineReader

BLOCKS: dict[str, Callable[[LineReader, Line, Any, LineBuilder], n.Block]] = {
    "ruleset": read_ruleset,
    "unit": read_unit,
    "usage": read_usage,
    "hours": read_hours,
    "table": read_table,
    "allowance": read_allowance,
    "price": read_price,
    "resource": read_usage,
    "account": read_account,
    "funds": read_funds,
    "topup": read_topup,
    "refill": read_refill,
    "grant": read_grant,
    "limit": read_limit,
    "example": read_example,
}
"""The fifteen blocks, each with what reads it."""

_LINES = {
    **dict.fromkeys(("usage", "resource", "account"), "field"),
    "hours": "window",
    "limit": "limit_item",
    "example": "example_item",
    "allowance": "allowance_item",
}


def parse(source: Source, findings: Findings) -> n.File:
    """Reads a rule file. Every mistake is a finding with its place; what could be read is in the tree."""
    reader = LineReader(source, findings)
    found = outline(source, findings)
    blocks = [block for line in found.lines if (block := _block(reader, line)) is not None]
    if not found.lines:
        findings.add(codes.NO_RULESET, source.place(0, 1))
    elif not found.lines[0].text.startswith("ruleset"):
        findings.add(codes.NO_RULESET, reader.place(found.lines[0]))
    return n.File(tuple(blocks), tuple(reader.waivers), source.path)


def _block(reader: LineReader, line: Line) -> n.Block | None:
    word = line.text.split(None, 1)[0].rstrip(":")
    if word not in BLOCKS:
        _unknown(reader, line, word)
        return None
    read = reader.tree(line, "block")
    if read is None:
        # the first line is wrong; the lines beneath it are still read for their own mistakes
        for child in line.children if word in _LINES else ():
            reader.tree(child, _LINES[word])
        if word == "price":
            price_lines(reader, line)
        return None
    return BLOCKS[word](reader, line, *read)


def _unknown(reader: LineReader, line: Line, word: str) -> None:
    place = reader.source.place(line.start, line.start + len(word))
    near = [] if reader.findings.full else get_close_matches(word.lower(), list(BLOCKS), 1, 0.6)
    if cells.is_row(line.text):
        reader.out_of_place(line, "a table row", "indent it under its `table`, two spaces in")
    elif near:
        reader.findings.add(codes.UNKNOWN_BLOCK, place, word=word, nearest=near[0])
    else:
        advice = "a block begins with one of " + ", ".join(f"`{name}`" for name in BLOCKS)
        reader.findings.add(codes.UNKNOWN_BLOCK, place, advice, word=word)

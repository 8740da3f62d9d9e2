"""The formatter: every rule file in one layout, whatever the layout it was written in. Nothing that is said changes.

- Two spaces a level. No trailing spaces, one newline at the end, `\\n` between lines, no byte order mark.
- Blank lines: one between blocks; two above a heading, which is a comment at the margin with a blank line on both
  sides; none under the line that opens a block. Elsewhere (inside a block, between blocks of one line such as
  `unit page`, below a comment) at most one, where the author put one. A comment right above a line moves with it.
- Columns: the names of fields, the labels of a price, the days of hours, and the names of neighbouring grants are as
  wide as the widest of them. Tables have outer bars, and cells as wide on the screen as the widest of their column; a
  row of dashes stands under the header of a table, and none under that of a layer, which is a few cells and no more.
- Comments keep their words. One at a line's end stands in column 40, or two spaces after the widest line of its
  paragraph that has one; lines of more than 72 do not push the others.
- Signs: straight quotes, plain spaces and hyphens; `×` for `*` and `/` for `÷` in a calculation, `5%`, `$5`, a space
  between a date and its time. Figures stay as written (`1,000`, `1000`, `1K`), and so do texts, values and cells.

A file with errors is left as it is, and so is one whose lines would become too long to be read again.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import zip_longest

from lark import Token

from pricelang.diagnostics.finding import Findings
from pricelang.source import Source
from pricelang.syntax.cells import cut
from pricelang.syntax.cells import is_row
from pricelang.syntax.cells import is_rule
from pricelang.syntax.grammar import grammar
from pricelang.syntax.outline import MOST_CHARACTERS
from pricelang.syntax.outline import MOST_LINE
from pricelang.syntax.outline import Line
from pricelang.syntax.outline import Outline
from pricelang.syntax.outline import outline
from pricelang.syntax.parser import parse

COMMENTS_AT = 39
WIDE = 72

_TABLES = {"table", "topup"}
_STARTS = {
    "ruleset": "header_item",
    "usage": "field",
    "resource": "field",
    "account": "field",
    "hours": "window",
    "table": "table_item",
    "price": "price_item",
    "allowance": "allowance_item",
    "funds": "funds_item",
    "limit": "limit_item",
    "example": "example_item",
}
_STARTS_BENEATH = {"table": "table_item", "price": "step"}
_TIGHT_BEFORE = {"_COMMA", "_LIST_COMMA", "_COLON", "_RPAR", "_DOT"}
_TIGHT_AFTER = {"_LPAR", "_DOT", "MINUS"}
_SIGNS = {"TIMES": "×", "OVER": "/"}
_SIGN = re.compile(r"(?<=[^A-Za-z\s]) +(?=\d)|(?<=\d) +(?=%)")  # `$ 5`, `5 %`
_CODE = re.compile(r"(?<=\d)(?=[A-Z]{3}$)")  # `5USD`


@dataclass(slots=True)
class _Item:
    """A line of the result: its words, in one or two columns, or a comment that stands alone."""

    depth: int
    text: str
    comment: str = ""
    blank: int = 0  # blank lines above; at first 1 where the author put any
    head: str = ""  # the first column, where the line belongs to a run of lines with two
    block: str = ""  # the first word of the block, for its first line if nothing stands beneath it

    @property
    def is_comment(self) -> bool:
        return not self.text

    @property
    def width(self) -> int:
        return 2 * self.depth + width(self.text)


def layout(source: Source) -> str:
    """The text of a rule file in its one layout; a file with errors is returned as it is."""
    findings = Findings()
    parse(source, findings)
    if findings.has_errors:
        return source.text
    found = outline(source, Findings())
    items = _in_order(found, _Writer(found).items())
    _space(items)
    _align_comments(items)
    lines = []
    for item in items:
        lines += [""] * item.blank
        lines.append((" " * 2 * item.depth + item.text + item.comment).rstrip())
    text = "\n".join(lines) + "\n"
    if len(text) > MOST_CHARACTERS or any(len(item.text) > MOST_LINE for item in items):
        return source.text
    return text


def width(text: str) -> int:
    """The columns that a text takes on the screen: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    shown = [char for char in text if unicodedata.category(char) not in ("Mn", "Me", "Cf")]
    return len(shown) + sum(unicodedata.east_asian_width(char) in "WF" for char in shown)


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def _comment(source: Source, number: int, comment: str) -> str:
    """A comment as its author wrote it: the outline's copy has plain quotes and spaces."""
    return source.line(number).rstrip()[-len(comment) :] if comment else ""


class _Writer:
    """Writes each line of an outline on its own, then the columns of those that belong together."""

    def __init__(self, found: Outline) -> None:
        self.source = found.source
        self.lines = found.lines
        self.written: dict[int, list[_Item]] = {}  # by line number; a rule row may be added to a line, or left out

    def items(self) -> dict[int, list[_Item]]:
        grants: list[_Item] = []
        last = 0
        for line in self.lines:
            word = line.text.split(None, 1)[0]
            item = self.line(line, 0, word, "block")
            if word == "grant" and (last != line.number - 1 or line.children):
                _align(grants)
                grants = []
            last = line.number
            if word == "grant":
                grants.append(item)
            item.block = "" if line.children else word
            self.beneath(line, 1, word)
        _align(grants)
        return self.written

    def beneath(self, parent: Line, depth: int, block: str) -> None:
        start = (_STARTS if depth == 1 else _STARTS_BENEATH).get(block, "topup_item")
        rows = [line for line in parent.children if is_row(line.text)] if block in _TABLES else []
        run = []
        for line in parent.children:
            if not any(line is row for row in rows):
                run.append(self.line(line, depth, block, start))
            self.beneath(line, depth + 1, block)
        _align(run)
        if rows:
            self.table(rows, depth)

    def line(self, line: Line, depth: int, block: str, start: str) -> _Item:
        """A line word by word, with the spaces that its signs want."""
        state = grammar().parse_interactive(line.text, start=start)
        tokens = []
        for token in state.iter_parse():
            if token.type == "SUB" and "ADD" not in state.choices():  # type: ignore[no-untyped-call]
                token = Token.new_borrow_pos("MINUS", token, token)  # `-$5`, and not `$8 - $5`
            tokens.append(token)
        first = _first_column(tokens, start, block)
        item = _Item(depth, "", _comment(self.source, line.number, line.comment))
        item.head, item.text = self.words(line, tokens[:first]), self.words(line, tokens[first:])
        if first and not item.text:
            item.head, item.text = "", item.head
        self.written[line.number] = [item]
        return item

    def words(self, line: Line, tokens: list[Token]) -> str:
        text = ""
        tight = True
        for token in tokens:
            word = str(token)
            if word[0] == '"':  # what stands in quotes is the author's
                at = line.start + (token.start_pos or 0)
                word = f'"{self.source.text[at + 1 : at + len(word) - 1]}"'
            elif token.type in _SIGNS:
                word = _SIGNS[token.type]
            elif token.type in ("MONEY", "PERCENT"):
                word = " ".join(_CODE.sub(" ", _SIGN.sub("", word)).split())
            elif token.type == "DATETIME":
                word = " ".join(word.replace("T", " ").split())
            if not tight and token.type not in _TIGHT_BEFORE and word[0] != "#":  # ` #` would begin a comment
                text += " "
            text += word
            tight = token.type in _TIGHT_AFTER
        return text

    def table(self, rows: list[Line], depth: int) -> None:
        """The rows of one table; the row of dashes is added beneath the header, or left out."""
        rule = rows[1] if len(rows) > 1 and is_rule(rows[1].text) else None
        shown = [line for line in rows if line is not rule]
        texts = [[word.text.replace("|", "\\|") for word in cut(line, self.source).cells] for line in shown]
        columns = [max(map(width, column)) for column in zip_longest(*texts, fillvalue="")]
        for line, cells in zip(shown, texts, strict=True):
            padded = " | ".join(map(_pad, cells, columns))
            self.written[line.number] = [
                _Item(depth, f"| {padded} |", _comment(self.source, line.number, line.comment))
            ]
        dashes = _Item(depth, f"|{'|'.join('-' * (columns[index] + 2) for index in range(len(texts[0])))}|")
        if rule is None:
            if depth == 1:
                self.written[_last(rows[0]).number].append(dashes)
            return
        dashes.comment = _comment(self.source, rule.number, rule.comment)
        stays = depth == 1 or rule.comment or rule.children or (len(rows) > 2 and is_rule(rows[2].text))
        self.written[rule.number] = [dashes] if stays else []


def _first_column(tokens: list[Token], start: str, block: str) -> int:
    """How many tokens stand in the first of two columns; 0 for a line in one piece."""
    kinds = [token.type for token in tokens]
    if start == "window":
        return next((at for at, kind in enumerate(kinds) if kind in ("TIME", "ALL")), 0)
    if start == "block":
        return 2 if block == "grant" else 0
    if kinds[0] != "NAME":
        return 0
    return {"field": 1, "price_item": 2}.get(start, 0)


def _align(run: list[_Item]) -> None:
    """Puts the second columns of lines below one another; a grant that stands alone needs no column."""
    run = [item for item in run if item.head]
    columns = max((width(item.head) for item in run), default=0)
    gap = " " if len(run) == 1 and run[0].depth == 0 else "  "
    for item in run:
        item.text = _pad(item.head, columns) + gap + item.text


def _last(line: Line) -> Line:
    """The last line beneath a line."""
    while line.children:
        line = line.children[-1]
    return line


def _in_order(found: Outline, written: dict[int, list[_Item]]) -> list[_Item]:
    """All lines of the result in the order of the text, the comments between them at the depth they belong to."""
    source = found.source
    numbers = sorted({*written, *found.loose})
    lines = {line.number: line for line in found.every}
    items: list[_Item] = []
    above: list[Line] = []  # the line above and those it stands beneath
    last = 0
    blank = 0
    for at, number in enumerate(numbers):
        blank = 1 if blank or number > last + 1 else 0
        last = number
        if number in lines:
            line = lines[number]
            above = [one for one in above if one.indent < line.indent] + [line]
            new = written[number]
        else:
            indent, comment = found.loose[number]
            below = next((lines[other] for other in numbers[at:] if other in lines), None)
            depth = _comment_depth(indent, above, below)
            if items and items[-1].is_comment:
                depth = min(depth, items[-1].depth)
            new = [_Item(depth, "", _comment(source, number, comment))]
        if new:
            new[0].blank = blank
            blank = 0
            items += new
    return items


def _comment_depth(indent: int, above: list[Line], below: Line | None) -> int:
    """A comment belongs to the line below it or, indented deeper than that, to a block that ends above it."""
    if below is not None and indent <= below.indent:
        return sum(line.indent < below.indent for line in above)
    return sum(line.indent < indent for line in above)


def _space(items: list[_Item]) -> None:
    """Sets the blank lines above each line."""
    for at, item in enumerate(items):
        if at == 0 or item.depth > items[at - 1].depth:
            item.blank = 0
        elif item.depth == 0 and not ((before := items[at - 1]).is_comment and before.depth == 0):
            after = at  # the line that the comments from here on stand above
            while after < len(items) and items[after].is_comment and (after == at or not items[after].blank):
                after += 1
            below = items[after] if after < len(items) else None
            if item.is_comment and (below is None or below.blank):
                item.blank = 2 if item.blank and below is not None else item.blank
            elif not (before.block and below and below.block):
                item.blank = 1


def _align_comments(items: list[_Item]) -> None:
    """Puts the comments at the ends of the lines of a paragraph below one another."""
    start = 0
    for stop in range(1, len(items) + 1):
        if stop < len(items) and not items[stop].blank:
            continue
        ends = [item for item in items[start:stop] if item.comment and not item.is_comment]
        at = max((item.width + 2 for item in ends if item.width <= WIDE), default=0)
        for item in ends:
            item.comment = " " * (max(at, item.width + 2, COMMENTS_AT) - item.width) + item.comment
        start = stop

"""The first block: what the ruleset is called and what holds in all of it; and declared units."""

from __future__ import annotations

from typing import Any

from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader


def read_ruleset(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.RulesetBlock:
    name, *rest = tree.children
    title, based = "", None
    text = line.text
    for token in rest:
        before = text[: token.start_pos]
        if before.rstrip().endswith(" on"):
            based = built.word(token)
        else:
            title = unquote(str(token))
    settings: list[n.Setting] = []
    sources: list[n.SourceNote] = []
    for child in line.children:
        reader.no_children(child)
        read = reader.tree(child, "header_item")
        if read is None:
            continue
        item, at = read
        if item.data == "header_item":
            item = item.children[0]
        if reader.common(item, at, line, sources):
            continue
        settings.append(header_setting(reader, item, at))
    return n.RulesetBlock(str(name), title, based, tuple(settings), tuple(sources), built.place(tree))


def header_setting(reader: LineReader, item: Any, built: LineBuilder) -> n.Setting:
    place = built.place(item)
    kids = item.children
    match item.data:
        case "currency" | "timezone":
            return n.Setting(item.data, str(kids[0]), place=place)
        case "bill":
            word = str(kids[0]) + (" from signup" if len(kids) > 1 else "")
            return n.Setting("bill", word, place=place)
        case "round_header":
            return n.Setting("round", str(kids[0]), built.round_spec(kids[1]), place)
    return n.Setting(item.data, "", built.expr(kids[0]), place)


def read_unit(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.UnitBlock:
    reader.no_children(line)
    equals = built.expr(tree.children[1]) if len(tree.children) > 1 else None
    return n.UnitBlock(str(tree.children[0]), equals, built.place(tree))

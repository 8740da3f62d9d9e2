"""Usages, resources and the account: one field a line."""

from __future__ import annotations

from typing import Any

from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader


def read_usage(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.UsageBlock:
    name, *title = tree.children
    fields = field_lines(reader, line)
    shown = unquote(str(title[0])) if title else ""
    return n.UsageBlock(str(name), shown, tree.data == "resource", fields, built.place(name))


def read_account(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.AccountBlock:
    return n.AccountBlock(field_lines(reader, line), built.place(tree))


def field_lines(reader: LineReader, line: Line) -> tuple[n.FieldDecl | n.ComputedDecl, ...]:
    found: list[n.FieldDecl | n.ComputedDecl] = []
    for child in line.children:
        reader.no_children_but_waivers(child)
        read = reader.tree(child, "field")
        if read is None:
            continue
        item, built = read
        if item.data == "field" and len(item.children) == 1 and item.children[0].data in ("allow", "source"):
            item = item.children[0]
        if reader.common(item, built, line, reader.sources):
            continue
        if item.data == "computed":
            *names, of = item.children
            unit = n.UnitName(str(names[1]), None, built.place(names[1])) if len(names) > 1 else None
            found.append(n.ComputedDecl(str(names[0]), unit, built.expr(of), built.place(item)))
        else:
            found.append(field_decl(reader, item, built))
    return tuple(found)


def field_decl(reader: LineReader, item: Any, built: LineBuilder) -> n.FieldDecl:
    name, kind, *parts = item.children
    kids = kind.children
    words: dict[str, Any] = {}
    match kind.data:
        case "type_unit":
            words = {"kind": "unit", "unit": n.UnitName(str(kids[0]), None, built.place(kids[0]))}
        case "type_rate":
            words = {
                "kind": "rate",
                "unit": n.UnitName(str(kids[0]), None, built.place(kids[0])),
                "per": built.size(kids[1]),
            }
        case "type_truth":
            words = {"kind": "truth"}
        case "type_choice":
            words = {"kind": "choice", "choices": built.names(kids[0])}
        case "type_count":
            text = reader.source.text[built.offset + kind.start_pos : built.offset + kind.end_pos]
            words = {
                "kind": "count",
                "unit": n.UnitName(str(kids[0]), None, built.place(kids[0])),
                "counts": str(kids[1]),
                "without_spaces": text.split()[-2] == "without",
            }
    for part in parts:
        match part.data:
            case "part_of":
                words["part_of"] = built.names(part.children[0])
            case "default":
                words["default"] = built.word(part.children[0])
            case "optional":
                words["optional"] = True
            case "may_change":
                words["may_change"] = True
    return n.FieldDecl(str(name), place=built.place(item), **words)

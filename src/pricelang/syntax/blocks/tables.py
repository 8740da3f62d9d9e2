"""Tables and top-ups: rows, and the layers of dates, hours and conditions between them."""

from __future__ import annotations

from typing import Any

from pricelang.diagnostics import codes
from pricelang.syntax import cells
from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader
from pricelang.syntax.trees import Token


def read_table(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.TableBlock:
    name, *parts = tree.children
    keys: tuple[n.Word, ...] = ()
    per: n.Size | None = None
    csv: n.Word | None = None
    for part in parts:
        match part.data:
            case "table_keys":
                keys = built.names(part.children[0])
            case "table_per":
                per = built.size(part.children[0])
            case "table_from":
                csv = built.word(part.children[0])
    sources: list[n.SourceNote] = []
    header, rows, layers = table_lines(reader, line, sources)
    return n.TableBlock(str(name), keys, per, csv, header, rows, layers, tuple(sources), built.place(name))


def table_lines(
    reader: LineReader, line: Line, sources: list[n.SourceNote]
) -> tuple[n.Cells | None, tuple[n.Cells, ...], tuple[n.LayerDecl, ...]]:
    header: n.Cells | None = None
    rows: list[n.Cells] = []
    layers: list[n.LayerDecl] = []
    after_header = False
    for child in line.children:
        if cells.is_row(child.text):
            reader.no_children_but_waivers(child)
            if header is None:
                header, after_header = cells.cut(child, reader.source), True
                continue
            if not (after_header and cells.is_rule(child.text)):
                rows.append(cells.cut(child, reader.source))
            after_header = False
            continue
        layer = layer_block(reader, child, line, sources)
        if layer is not None:
            layers.append(layer)
    return header, tuple(rows), tuple(layers)


def layer_block(reader: LineReader, line: Line, parent: Line, sources: list[n.SourceNote]) -> n.LayerDecl | None:
    read = reader.tree(line, "table_item")
    if read is None:
        if line.children:
            table_lines(reader, line, [])
        return None
    item, built = read
    if item.data == "table_item" and item.children:
        item = item.children[0]
    if reader.common(item, built, parent, sources):
        reader.no_children(line)
        return None
    header, rows, layers = table_lines(reader, line, sources)
    place = built.place(item)
    if item.data == "new_rows":
        return n.LayerDecl(None, None, None, (), None, header, rows, layers, True, 0, reader.place(line))
    dates: n.Dates | None = None
    during: n.During | None = None
    when: n.Cond | None = None
    effects: list[str] = []
    name: str | None = None
    for kid in item.children:
        if isinstance(kid, Token):
            name = unquote(str(kid))
        elif kid.data in ("dates", "dates_open", "dates_until"):
            dates = built.dates(kid)
        elif kid.data == "during":
            during = n.During(str(kid.children[0]), built.place(kid))
        elif kid.data in ("new_customers", "immediately", "prorated_change", "next_period"):
            effects.append(kid.data)
        else:
            when = built.cond(kid)
    if header is None and not layers:
        reader.findings.add(
            codes.EMPTY_BLOCK, place, what="this layer", advice="put a table with the new cells beneath"
        )
    return n.LayerDecl(dates, during, when, tuple(effects), name, header, rows, layers, False, 0, place)


def read_topup(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.TopupBlock:
    header, rows, layers = table_lines(reader, line, reader.sources)
    for layer in layers:
        reader.findings.add(codes.OUT_OF_PLACE, layer.place, what="a layer", advice="")
    title = unquote(str(tree.children[0])) if tree.children else ""
    return n.TopupBlock(title, header, rows, built.place(tree))

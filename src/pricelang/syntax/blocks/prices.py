"""Prices: lines with the steps, cases and bands indented beneath them."""

from __future__ import annotations

from typing import Any

from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.syntax.blocks.steps import step_lines
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader


def read_price(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.PriceBlock:
    lines, together = price_lines(reader, line)
    when = built.when(tree.children)
    return n.PriceBlock(built.word(tree.children[0]), when, lines, together, built.place(tree))


def price_lines(reader: LineReader, line: Line) -> tuple[tuple[n.LineDecl, ...], tuple[n.StepDecl, ...] | None]:
    lines: list[n.LineDecl] = []
    together: tuple[n.StepDecl, ...] | None = None
    first = line
    for child in line.children:
        read = reader.tree(child, "price_item")
        if read is None:
            step_lines(reader, child, ())
            continue
        item, built = read
        if item.data == "price_item":
            item = item.children[0]
        if reader.common(item, built, line, reader.sources):
            reader.no_children(child)
        elif item.data == "together":
            if together is not None:
                reader.findings.add(
                    codes.REPEATED, reader.place(child), what="the block", name="together", line=first.number
                )
                step_lines(reader, child, ())
                continue
            first = child
            together = step_lines(reader, child, ())
        else:
            lines.append(price_line(reader, child, item, built))
    return tuple(lines), together


def price_line(reader: LineReader, line: Line, item: Any, built: LineBuilder) -> n.LineDecl:
    label, of, *parts = item.children
    place = reader.place(line)
    if item.data == "line_free":
        reader.no_children_but_waivers(line)
        asked = built.when(parts[1:])
        free = unquote(str(parts[0]))
        return n.LineDecl(built.word(label), built.expr(of), (), None, asked, free, place)
    steps: list[n.StepDecl] = []
    every: n.EveryDecl | None = None
    when: n.Cond | None = None
    for part in parts:
        match part.data:
            case "every_started" | "every_period":
                every = built.every(part)
            case "when_clause":
                when = built.cond(part.children[0])
            case "in_steps" | "in_packages" | "beyond" | "at" | "at_cases" | "graduated" | "volume":
                steps.append(built.step(part))
            case _:
                when = built.cond(part)
    inline = len(steps)
    return n.LineDecl(
        built.word(label), built.expr(of), step_lines(reader, line, tuple(steps)), every, when, None, place, inline
    )

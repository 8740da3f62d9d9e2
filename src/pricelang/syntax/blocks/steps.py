"""The steps indented beneath a line; cases and bands join the `at` above them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader

OPEN = ("at cases", "graduated", "volume")
"""Steps that take what is indented beneath them."""


def step_lines(reader: LineReader, line: Line, before: tuple[n.StepDecl, ...]) -> tuple[n.StepDecl, ...]:
    """The steps of a line: those that stand on its own row, then those beneath it.

    Where the row ends in an `at` with nothing behind it (or in tiers), cases and bands beneath the line are its.
    """
    steps = list(before)
    last = len(before) - 1
    for child in line.children:
        read = _step_line(reader, child, line)
        if read is None:
            continue
        item, built, when = read
        if item.data not in ("case", "otherwise", "band_line"):
            steps.append(_step(reader, child, item, built, when))
        elif before and before[-1].word in OPEN:
            steps[last] = _with_case(reader, child, item, built, steps[last])
        else:
            reader.out_of_place(child, "a case", "cases stand beneath an `at` with nothing behind it")
    return tuple(steps)


def _step_line(reader: LineReader, child: Line, parent: Line) -> tuple[Any, LineBuilder, n.Cond | None] | None:
    """A step's clause and its condition; None for a waiver or a line that cannot be read."""
    read = reader.tree(child, "step")
    if read is None:
        step_lines(reader, child, ())
        return None
    item, built = read
    when = None
    if item.data == "step":
        when = built.when(item.children)
        item = item.children[0]
    if reader.common(item, built, parent, reader.sources):
        reader.no_children(child)
        return None
    return item, built, when


def _step(reader: LineReader, line: Line, item: Any, built: LineBuilder, when: n.Cond | None) -> n.StepDecl:
    step = built.step(item)
    if when is not None:
        step = replace(step, when=when)
    if step.word not in OPEN:
        reader.no_children_but_waivers(line)
        return step
    for child in line.children:
        read = _step_line(reader, child, line)
        if read is None:
            continue
        if read[0].data in ("case", "otherwise", "band_line"):
            step = _with_case(reader, child, read[0], read[1], step)
        else:
            reader.out_of_place(child, "a step", "move it out, under the line's label")
    return step


def _with_case(reader: LineReader, line: Line, item: Any, built: LineBuilder, step: n.StepDecl) -> n.StepDecl:
    """A step with one more case or band."""
    reader.no_children_but_waivers(line)
    if item.data == "band_line":
        if step.word == "at cases":
            reader.out_of_place(line, "a band", "write `at graduated` or `at volume` above it")
        return replace(step, bands=(*step.bands, built.band(item.children[0], item.children[1])))
    if step.word != "at cases":
        reader.out_of_place(line, "a case", f"`{step.word}` takes bands such as `up to 10K: $1`")
    *conds, value = item.children
    rate, plus = built.case_value(value)
    if plus is not None:
        reader.out_of_place(line, "`plus` in a case", "write it as a step of its own")
    case = n.CaseDecl(built.cond(conds[0]) if conds else None, rate, built.place(item))
    return replace(step, cases=(*step.cases, case))

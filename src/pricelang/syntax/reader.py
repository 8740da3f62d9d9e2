"""Reads single lines: the tree of each by one rule of the grammar, a finding where it cannot be read."""

from __future__ import annotations

from typing import Any

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.source import Place
from pricelang.source import Source
from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.build import unquote
from pricelang.syntax.driver import parse_line
from pricelang.syntax.outline import Line
from pricelang.syntax.trees import Tree

MOST_NESTED = 60
"""Levels of calculations and conditions in one line."""


class LineReader:
    """One file while it is read: its text, its findings, and the waivers and sources met so far."""

    def __init__(self, source: Source, findings: Findings) -> None:
        self.source = source
        self.findings = findings
        self.waivers: list[n.Waiver] = []
        self.sources: list[n.SourceNote] = []

    def place(self, line: Line) -> Place:
        return self.source.place(line.start, line.stop)

    def tree(self, line: Line, start: str) -> tuple[Any, LineBuilder] | None:
        """The tree of a line, or None with a finding."""
        if line.text.count("(") > 20:
            self.syntax(line, 0, len(line.text), "more than 20 brackets in a line", "use lines of their own")
            return None
        text = line.text
        tree = parse_line(text, start)
        if tree is None:
            from pricelang.syntax import errors  # only where something is wrong

            what, advice, first, last = errors.of(text, start)
            self.syntax(line, first, last, what, advice)
            return None
        if len(text) > MOST_NESTED and _depth(tree) > MOST_NESTED:
            self.syntax(line, 0, len(text), "this line is nested too deeply", "calculate in lines of their own")
            return None
        return tree, LineBuilder(self.source, line.start, self.findings)

    def syntax(self, line: Line, first: int, last: int, what: str, advice: str = "") -> None:
        place = self.source.place(line.start + first, line.start + max(last, first + 1))
        self.findings.add(codes.SYNTAX, place, what=what, advice=advice)

    def out_of_place(self, line: Line, what: str, advice: str = "") -> None:
        self.findings.add(codes.OUT_OF_PLACE, self.place(line), what=what, advice=advice)

    def common(self, tree: Any, built: LineBuilder, parent: Line, sources: list[n.SourceNote]) -> bool:
        """Takes `source` and `allow` lines, which may stand in any block."""
        if tree.data == "allow":
            slug, reason = str(tree.children[0]), unquote(str(tree.children[1]))
            first, last = parent.number, last_line(parent)
            if parent.text.startswith("ruleset"):
                first, last = 1, len(self.source.starts)
            self.waivers.append(n.Waiver(slug, reason, first, last, built.place(tree)))
            return True
        if tree.data == "source":
            checked = str(tree.children[1]) if len(tree.children) > 1 else None
            if checked is not None:
                built.date(tree.children[1])
            sources.append(n.SourceNote(unquote(str(tree.children[0])), checked, built.place(tree)))
            return True
        return False

    def no_children(self, line: Line) -> None:
        for child in line.children:
            self.out_of_place(child, "a line beneath this one")

    def no_children_but_waivers(self, line: Line) -> None:
        """Takes the waivers indented beneath a line; anything else there is out of place."""
        for child in line.children:
            read = self.tree(child, "topup_item") if child.text.startswith("allow ") else None
            if read is not None:
                self.common(read[0].children[0] if read[0].data == "topup_item" else read[0], read[1], line, [])
                self.no_children(child)
            elif not child.text.startswith("allow "):
                self.out_of_place(child, "a line beneath this one")

    def items(self, line: Line, start: str) -> list[tuple[Any, LineBuilder, Line]]:
        """The lines of a block, each parsed by one rule; waivers and sources are taken out."""
        found = []
        for child in line.children:
            self.no_children_but_waivers(child)
            read = self.tree(child, start)
            if read is None:
                continue
            item, built = read
            if item.data == start and item.children and isinstance(item.children[0], Tree):
                item = item.children[0]
            if not self.common(item, built, line, self.sources):
                found.append((item, built, child))
        return found


def _depth(tree: Tree) -> int:
    """How many levels a line's tree has."""
    level: list[Any] = [tree]
    depth = 0
    while level:
        depth += 1
        level = [kid for one in level for kid in one.children if isinstance(kid, Tree)]
    return depth


def last_line(line: Line) -> int:
    """The number of the last line indented beneath a line."""
    while line.children:
        line = line.children[-1]
    return line.number

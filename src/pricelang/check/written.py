"""Figures that stand as words: the value of an example's field, a default, a cell of a table."""

from __future__ import annotations

from fractions import Fraction

from pricelang.check.conditions import number_of
from pricelang.check.figures import adapt
from pricelang.check.figures import figure
from pricelang.check.scope import Scope
from pricelang.check.scope import Type
from pricelang.core import ops
from pricelang.diagnostics import codes
from pricelang.source import Place
from pricelang.source import Source
from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.driver import parse_line

MOST_FIGURE = 200
"""Characters of a figure that stands alone; a longer one is none."""


def written_figure(text: str, place: Place, scope: Scope) -> n.Expr | None:
    """The node of a figure that stands alone, or None where it is none."""
    if len(text) > MOST_FIGURE:
        return None
    tree = parse_line(text, "figure")
    if tree is None:
        return None
    builder = PlacedBuilder(place, scope)
    return builder.expr(tree.children[0])


def written_number(word: n.Word, type: Type, scope: Scope) -> Fraction | None:
    """The value of a figure in base units of a field's type; another unit or no number is a finding."""
    plain = number_of(word.text)
    if plain is not None and not word.text.endswith("%"):
        return plain * type.unit.factor
    node = written_figure(word.text, word.place, scope)
    if node is None:
        what = f"`{word.text}` is no {'percentage' if type.percent else 'number'}"
        if " " in word.text.strip():
            what += "; is a comma missing?"
        scope.findings.add(codes.BAD_FIELD_VALUE, word.place, "", what=what)
        return None
    typed = figure(node, scope)
    if typed is None:
        return None
    if type.percent and typed.type.percent and isinstance(typed.expr, ops.Const):
        return typed.expr.value
    adapted = adapt(typed, type.unit, word.place, scope)
    if adapted is None:
        return None
    if not isinstance(adapted.expr, ops.Const):
        scope.findings.add(codes.BAD_FIELD_VALUE, word.place, "", what=f"`{word.text}` is no number")
        return None
    return adapted.expr.value


class PlacedBuilder(LineBuilder):
    """A builder whose every node stands at the place of the whole word."""

    def __init__(self, place: Place, scope: Scope) -> None:
        super().__init__(Source(place.path, ""), 0, scope.findings)
        self.at = place

    def place(self, item: object) -> Place:
        return self.at

"""What a line comes to as a function of its quantity: straight pieces between roundings, exactly.

A line of figures alone is cut into blocks. Within a block it is straight between finitely many edges; between two
blocks stands a step that only ever goes up (rounding, packages, an allowance). Of such a line it can be told whether
more costs less, and of two lines whether they are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.plain import dataclass
from pricelang.source import Place

ZERO = Fraction(0)
ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Piece:
    """From `low` to `high` (None: without end) the value is `slope` times the quantity, plus `plus`."""

    low: Fraction
    low_in: bool
    high: Fraction | None
    high_in: bool
    slope: Fraction
    plus: Fraction

    def at(self, quantity: Fraction) -> Fraction:
        return self.slope * quantity + self.plus

    def cut(self, low: Fraction, low_in: bool, high: Fraction | None, high_in: bool) -> Piece | None:
        """The part of it between two edges."""
        if low > self.low or (low == self.low and not low_in):
            first, first_in = low, low_in
        else:
            first, first_in = self.low, self.low_in
        if self.high is None or (high is not None and (high < self.high or (high == self.high and not high_in))):
            last, last_in = high, high_in
        else:
            last, last_in = self.high, self.high_in
        if last is not None and (first > last or (first == last and not (first_in and last_in))):
            return None
        return Piece(first, first_in, last, last_in, self.slope, self.plus)

    def of(self, slope: Fraction, plus: Fraction) -> Piece:
        return Piece(self.low, self.low_in, self.high, self.high_in, slope, plus)


Pieces = tuple[Piece, ...]
ALL: Pieces = (Piece(ZERO, False, None, False, ONE, ZERO),)


@dataclass(frozen=True, slots=True)
class Form:
    """`blocks` are one more than the steps between them."""

    blocks: tuple[Pieces, ...]
    between: tuple[ops.Step, ...]


def form_of(steps: tuple[ops.Step, ...]) -> Form | None:
    """The form of a line's steps; None where a figure is the account's own, or another line's."""
    blocks: list[Pieces] = []
    between: list[ops.Step] = []
    now: Pieces | None = ALL
    for step in steps:
        if now is None:
            return None
        if isinstance(step, ops.Round | ops.RoundUp | ops.Packages | ops.Beyond):
            if isinstance(step, ops.RoundUp | ops.Packages) and not isinstance(step.size, ops.Const):
                return None
            blocks.append(now)
            between.append(step)
            now = ALL
        else:
            now = _after(step, now)
    if now is None:
        return None
    return Form((*blocks, now), tuple(between))


def _after(step: ops.Step, pieces: Pieces) -> Pieces | None:
    match step:
        case ops.Rate():
            rate = step.cases[0].rate
            if not isinstance(rate, ops.Const):
                return None
            return _joined([one.of(one.slope * rate.value, one.plus * rate.value) for one in pieces])
        case ops.Adjust():
            if not isinstance(step.by, ops.Const):
                return None
            by = step.sign * step.by.value
            if step.share:
                return _joined([one.of(one.slope * (1 + by), one.plus * (1 + by)) for one in pieces])
            pieces = _parted(pieces)
            moved = [one if not one.slope and not one.plus else one.of(one.slope, one.plus + by) for one in pieces]
            return _bounded(tuple(moved), ZERO, True) if step.of_quantity else _joined(moved)
        case ops.AtLeast() | ops.AtMost():
            if not isinstance(step.bound, ops.Const) or step.moves_end:
                return None
            if isinstance(step, ops.AtLeast) and step.each is not None:
                return pieces  # charged at the period's end
            return _bounded(pieces, step.bound.value, isinstance(step, ops.AtLeast))
        case ops.Tiers():
            return _tiers(step, pieces)
    return None


def _bounded(pieces: Pieces, bound: Fraction, least: bool) -> Pieces:
    """The greater (or the lesser) of the pieces and a bound; what is nothing stays nothing."""
    found: list[Piece] = []
    for one in _parted(pieces) if least else pieces:
        if not one.slope:
            if least and not one.plus:
                found.append(one)
                continue
            found.append(one.of(ZERO, max(one.plus, bound) if least else min(one.plus, bound)))
            continue
        edge = (bound - one.plus) / one.slope
        below = one.cut(ZERO, False, edge, True) if edge > 0 else None
        above = one.cut(max(edge, ZERO), False, None, False)
        for part, is_low in ((below, one.slope > 0), (above, one.slope < 0)):
            if part is not None:
                found.append(part.of(ZERO, bound) if is_low is least else part)
    return _joined(found)


def _parted(pieces: Pieces) -> Pieces:
    """The same with each quantity at which it comes to nothing as a piece of its own: nothing stays nothing."""
    found: list[Piece] = []
    for one in pieces:
        at = -one.plus / one.slope if one.slope else None
        if at is None or at <= 0 or one.cut(at, True, at, True) is None:
            found.append(one)
            continue
        below, above = one.cut(ZERO, True, at, False), one.cut(at, False, None, False)
        found += [part for part in (below, Piece(at, True, at, True, ZERO, ZERO), above) if part is not None]
    return tuple(found)


def _tiers(step: ops.Tiers, pieces: Pieces) -> Pieces | None:
    """Tiers of a quantity that rises; None where a band has no plain figures or the quantity falls."""
    bands = step.bands
    if isinstance(bands, ops.BandTable):
        return None
    laid: list[Piece] = []  # the tiers as pieces over the quantity itself
    before = ZERO
    for band in bands:
        rate = _figure(band.rate)
        flat = _figure(band.flat)
        if rate is None or flat is None:
            return None
        if band.rate is None and band.flat is None:
            break  # not offered
        piece = Piece(band.low, band.low_included and band.low > 0, band.high, band.high_included, rate, ZERO)
        if step.graduated:
            # the units of a band begin behind its lower edge
            piece = Piece(band.low, False, band.high, True, rate, before + flat - rate * band.low)
            if band.high is not None:
                before = piece.at(band.high)
        else:
            piece = piece.of(rate, flat)
        laid.append(piece)
    found: list[Piece] = []
    for one in pieces:
        if one.slope < 0:
            return None
        if not one.slope:
            where = next((p for p in laid if p.cut(one.plus, True, one.plus, True) is not None), None)
            if one.plus and where is None:
                return None
            found.append(one.of(ZERO, where.at(one.plus) if where is not None else ZERO))
            continue
        for piece in laid:
            low = (piece.low - one.plus) / one.slope
            high = (piece.high - one.plus) / one.slope if piece.high is not None else None
            if high is not None and high < 0:
                continue
            part = one.cut(max(low, ZERO), piece.low_in if low > 0 else False, high, piece.high_in)
            if part is not None:
                found.append(part.of(piece.slope * one.slope, piece.slope * one.plus + piece.plus))
    return _joined(found)


def _figure(expr: ops.Expr | None) -> Fraction | None:
    if expr is None:
        return ZERO
    return expr.value if isinstance(expr, ops.Const) else None


def _joined(pieces: list[Piece]) -> Pieces:
    """In order, neighbours on one straight line made one."""
    found: list[Piece] = []
    for one in sorted(pieces, key=lambda each: (each.low, not each.low_in)):
        last = found[-1] if found else None
        if last is not None and (last.slope, last.plus) == (one.slope, one.plus) and last.high == one.low:
            found[-1] = Piece(last.low, last.low_in, one.high, one.high_in, one.slope, one.plus)
        else:
            found.append(one)
    return tuple(found)


def value_at(form: Form, quantity: Fraction) -> Fraction | None:
    """What a quantity comes to in a form without steps between its blocks; None where it has some, or no piece."""
    if form.between:
        return None
    if not quantity:
        return ZERO
    for piece in form.blocks[0]:
        if piece.cut(quantity, True, quantity, True) is not None:
            return piece.at(quantity)
    return None


# --- what can be told of them ---------------------------------------------------------------------------------------


def edges(pieces: Pieces) -> list[Fraction]:
    return sorted({one.high for one in pieces if one.high is not None})


def falls(pieces: Pieces) -> list[Fraction]:
    """The quantities at or behind which more comes to less: edges that drop, and where a falling piece begins."""
    found = [one.low for one in pieces if one.slope < 0]
    if pieces and not pieces[0].low and pieces[0].plus < 0:
        found.append(ZERO)  # of nothing comes nothing, and of the least less than that
    for below, above in itertools.pairwise(pieces):
        if below.high is not None and below.at(below.high) > above.at(above.low):
            found.append(below.high)
    return found


def rises(form: Form) -> bool:
    """Whether more never comes to less."""
    return not any(falls(block) for block in form.blocks)


def never_above(left: Pieces, right: Pieces) -> bool:
    """Whether the left is nowhere above the right."""
    for one in left:
        for two in right:
            part = one.cut(two.low, two.low_in, two.high, two.high_in)
            if part is None:
                continue
            if one.at(part.low) > two.at(part.low):
                return False
            if part.high is None:
                if one.slope > two.slope:
                    return False
            elif one.at(part.high) > two.at(part.high):
                return False
    return _covers(left) == _covers(right)


def _covers(pieces: Pieces) -> tuple[Fraction, Fraction | None]:
    return pieces[0].low, pieces[-1].high


UNSAID = ("place", "title", "shown", "show_place")
"""Parts of a node that say nothing of what it does."""


def shape(node: object, lines: Mapping[str, object] | None = None) -> object:
    """A node of the core without its places: what is equal means the same. `lines`: what stands for the lines that
    feed others, by label; without it a line's label stands for it."""
    match node:
        case Fraction() | str() | bool() | int() | None:
            return node
        case tuple():
            return tuple(shape(one, lines) for one in node)
        case dict():
            return tuple(
                (shape(key), shape(of, lines)) for key, of in sorted(node.items(), key=lambda one: str(one[0]))
            )
        case Place():
            return None
        case ops.LineValue() if lines is not None:
            return ("LineValue", lines.get(node.label, node.label))
    fields = getattr(node, "__dataclass_fields__", None)
    if fields is None:
        return node
    left_out = (*UNSAID, "name") if isinstance(node, ops.Adjust) else UNSAID  # the name of a discount is only shown
    return (type(node).__name__, *(shape(getattr(node, name), lines) for name in fields if name not in left_out))


def line_shape(line: Line) -> object:
    """What a line does, without its label and places."""
    return (shape(line.of), shape(line.steps), line.charged, line.every, line.by_time, line.free_reason is not None)

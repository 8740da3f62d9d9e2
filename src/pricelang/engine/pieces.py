"""What goes down a line: a figure, and the pieces in which a running resource is priced."""

from __future__ import annotations

from fractions import Fraction

from pricelang.plain import dataclass
from pricelang.source import Place


@dataclass(slots=True)
class Amount:
    """A figure on its way down a line: with the rules' rounding, and without."""

    rounded: Fraction
    exact: Fraction


@dataclass(slots=True)
class Piece:
    """A part of what a line charges: all of it, or for a resource the time between two changes.

    `length` is in seconds or months, 1 where time does not count; `quantity` is as billed.
    """

    at: Fraction
    length: Fraction
    value: Amount
    quantity: Fraction = Fraction(0)
    row: Place | None = None

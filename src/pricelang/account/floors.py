"""The minimums of periods that a program has."""

from __future__ import annotations

from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.core.program import Price
from pricelang.engine.record import Engine
from pricelang.plain import dataclass

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Floor:
    """A minimum of a period, of one line or of lines together. `name` outlives a change of the file's lines."""

    name: str
    price: Price
    line: Line
    step: int
    each: ops.Period


def floors(engine: Engine) -> tuple[Floor, ...]:
    """All minimums of periods."""
    found = []
    for prices in engine.prices.values():
        for price in prices:
            own = engine.price_names[id(price)]
            whole = Line(
                "together", ops.Const(ZERO), price.together, None, True, "charge", Fraction(1), None, None, price.place
            )
            for line in (*price.lines, whole):
                for index, step in enumerate(line.steps):
                    if isinstance(step, ops.AtLeast) and step.each is not None:
                        found.append(Floor(f"{own}/{line.label}/{index}", price, line, index, step.each))
    return tuple(found)

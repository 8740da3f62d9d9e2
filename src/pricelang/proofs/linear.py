"""Linear sums of what a record carries: read from expressions, and solved for a smallest record."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pricelang.core import ops
from pricelang.plain import dataclass

ZERO = Fraction(0)
ONE = Fraction(1)
MOST_CONSTRAINTS = 400


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of quantities, each times a figure, and a constant. Base units."""

    of: tuple[tuple[str, Fraction], ...]
    plus: Fraction = ZERO

    def at(self, values: Mapping[str, Fraction]) -> Fraction:
        return sum((factor * values.get(name, ZERO) for name, factor in self.of), self.plus)

    def times(self, factor: Fraction) -> Linear:
        if not factor:
            return Linear((), ZERO)
        return Linear(tuple((name, one * factor) for name, one in self.of), self.plus * factor)


def added(left: Linear, right: Linear, sign: int = 1) -> Linear:
    found = dict(left.of)
    for name, factor in right.of:
        found[name] = found.get(name, ZERO) + sign * factor
    kept = tuple(sorted((name, factor) for name, factor in found.items() if factor))
    return Linear(kept, left.plus + sign * right.plus)


def linear(expr: ops.Expr) -> Linear | None:
    """An expression without cells as a linear sum of fields and attributes (`account.NAME`); None where it is none."""
    match expr:
        case ops.Const():
            return Linear((), expr.value)
        case ops.Field():
            return Linear(((expr.name, ONE),))
        case ops.Attribute():
            return Linear(((f"account.{expr.name}", ONE),))
        case ops.Sum():
            total = Linear(())
            for sign, term in expr.terms:
                part = linear(term)
                if part is None:
                    return None
                total = added(total, part, sign)
            return total
        case ops.Product():
            product = Linear((), ONE)
            for factor in expr.factors:
                part = linear(factor)
                if part is None or (part.of and product.of):
                    return None
                product = product.times(part.plus) if not part.of else part.times(product.plus)
            return product
        case ops.Quotient():
            over, under = linear(expr.over), linear(expr.under)
            if over is None or under is None or under.of or not under.plus:
                return None
            return over.times(1 / under.plus)
    return None


@dataclass(frozen=True, slots=True)
class AtLeastZero:
    """A linear sum that is not below zero, or, where `strict`, above it."""

    sum: Linear
    strict: bool = False


def feasible(constraints: list[AtLeastZero]) -> bool:
    """Whether some numbers meet all of them (Fourier and Motzkin): False where none do, True where some do."""
    todo = list(dict.fromkeys(constraints))
    while True:
        names = sorted({name for one in todo for name, _ in one.sum.of})
        for one in todo:
            if not one.sum.of and (one.sum.plus < 0 or (one.strict and one.sum.plus == 0)):
                return False
        todo = [one for one in todo if one.sum.of]
        if not names:
            return True
        name = min(names, key=lambda each: _cost(todo, each))
        todo = _without(todo, name)
        if len(todo) > MOST_CONSTRAINTS:
            return True  # not shown to be impossible


def _cost(constraints: list[AtLeastZero], name: str) -> int:
    ups = sum(any(n == name and f > 0 for n, f in one.sum.of) for one in constraints)
    downs = sum(any(n == name and f < 0 for n, f in one.sum.of) for one in constraints)
    return ups * downs


def _without(constraints: list[AtLeastZero], name: str) -> list[AtLeastZero]:
    """What the constraints say of the other quantities."""
    lows: list[tuple[AtLeastZero, Fraction]] = []
    highs: list[tuple[AtLeastZero, Fraction]] = []
    rest: list[tuple[AtLeastZero, Fraction]] = []
    for one in constraints:
        factor = dict(one.sum.of).get(name, ZERO)
        (lows if factor > 0 else highs if factor < 0 else rest).append((one, factor))
    found = [one for one, _ in rest]
    for low, up in lows:
        for high, down in highs:
            total = added(low.sum.times(1 / up), high.sum.times(-1 / down))
            found.append(AtLeastZero(total, low.strict or high.strict))
    return list(dict.fromkeys(found))


def range_of(constraints: list[AtLeastZero], name: str) -> tuple[Fraction | None, bool, Fraction | None, bool]:
    """The least and the greatest that one quantity can be, each with whether it can be reached."""
    todo = list(constraints)
    for other in sorted({n for one in todo for n, _ in one.sum.of} - {name}):
        todo = _without(todo, other)
        if len(todo) > MOST_CONSTRAINTS:
            break
    low: Fraction | None = None
    low_in = high_in = True
    high: Fraction | None = None
    for one in todo:
        parts = dict(one.sum.of)
        if set(parts) != {name}:
            continue
        edge = -one.sum.plus / parts[name]
        if parts[name] > 0 and (low is None or edge > low or (edge == low and one.strict)):
            low, low_in = edge, not one.strict
        if parts[name] < 0 and (high is None or edge < high or (edge == high and one.strict)):
            high, high_in = edge, not one.strict
    return low, low_in, high, high_in

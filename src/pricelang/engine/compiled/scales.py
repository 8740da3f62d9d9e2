"""Figures in generated code: an int with a scale known when the code is made, or a fraction where none is.

A figure of scale 100 stands in the code as 100 times what it is. Sums are brought to the least common scale, products
multiply their scales, so nothing is ever divided before a charge is written down.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from math import lcm

from pricelang.light import TYPE_CHECKING
from pricelang.plain import dataclass

if TYPE_CHECKING:
    from typing import Any

ONE = Fraction(1)
MOST_BITS = 1024
"""A scale of more bits is not worth it: such a figure is a fraction."""


class NotCompiled(Exception):
    """Why a usage is left to the definition, in words."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Code that comes to a number. `scale` None: the number itself, a Fraction. `const`: known already. `optional`: may
    come to None, not given. `origin`: code of a Fraction that is the same number."""

    code: str
    scale: int | None
    const: Fraction | None = None
    optional: bool = False
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """Code that comes to a text or a truth value."""

    code: str
    truth: bool
    optional: bool = False


# --- when code is made ------------------------------------------------------------------------------------------------


def constant(value: Fraction) -> Figure:
    return Figure(str(value.numerator), value.denominator, value)


NOTHING = constant(Fraction(0))


def is_wrapped(code: str) -> bool:
    """Whether one pair of brackets surely holds all of it."""
    if not code.startswith("(") or "'" in code or '"' in code:
        return False
    depth = 0
    for at, one in enumerate(code):
        depth += (one == "(") - (one == ")")
        if depth == 0:
            return at == len(code) - 1
    return False


def atom(code: str) -> str:
    """Code that may stand beside an operator."""
    return code if re.fullmatch(r"\w+", code) or is_wrapped(code) else f"({code})"


def bare(code: str) -> str:
    """Code that stands alone."""
    return code[1:-1] if is_wrapped(code) else code


def data(value: Fraction, scale: int | None) -> int | Fraction:
    """A constant at a scale that it fits."""
    if scale is None:
        return value
    over, under = value.as_integer_ratio()
    assert scale % under == 0
    return over * (scale // under)


def at_scale(figure: Figure, scale: int | None) -> str:
    """The code of a figure at a scale that is a multiple of its own."""
    if figure.const is not None:
        known = data(figure.const, scale)
        return str(known) if isinstance(known, int) else f"Fraction({known.numerator}, {known.denominator})"
    if scale is None:
        return figure.code if figure.scale is None else f"Fraction({figure.code}, {figure.scale})"
    assert figure.scale is not None
    factor = scale // figure.scale
    return figure.code if factor == 1 else f"{atom(figure.code)} * {factor}"


def common(scales: Iterable[int | None]) -> int | None:
    """The least scale that holds all; None where there is none."""
    found = 1
    for scale in scales:
        if scale is None:
            return None
        found = lcm(found, scale)
    return found if found.bit_length() <= MOST_BITS else None


def common_of(figures: Sequence[Figure]) -> int | None:
    return common(one.scale for one in figures)


def add(terms: Sequence[tuple[int, Figure]]) -> Figure:
    """Terms with their signs, added up."""
    kept = [(sign, one) for sign, one in terms if one.const != 0]
    if not kept:
        return NOTHING
    if len(kept) == 1 and kept[0][0] == 1:
        return kept[0][1]
    if all(one.const is not None for _, one in kept):
        return constant(sum((sign * one.const for sign, one in kept if one.const is not None), Fraction(0)))
    scale = common_of([one for _, one in kept])
    code = ""
    for sign, one in kept:
        code += (" + " if sign > 0 else " - ") if code else ("" if sign > 0 else "-")
        code += atom(at_scale(one, scale))
    return Figure(code, scale)


def multiply(factors: Sequence[Figure]) -> Figure:
    """Factors, multiplied; those that are known are one number."""
    known = ONE
    others = []
    for one in factors:
        if one.const is not None:
            known *= one.const
        else:
            others.append(one)
    if known == 0 or not others:
        return constant(known)
    if len(others) == 1 and known == 1:
        return others[0]
    scale: int | None = known.denominator
    for one in others:
        scale = None if scale is None or one.scale is None else scale * one.scale
    if scale is None or scale.bit_length() > MOST_BITS:
        codes = [atom(at_scale(one, None)) for one in others]
        codes += [at_scale(constant(known), None)] if known != 1 else []
        return Figure(" * ".join(codes), None)
    shared = gcd(known.numerator, scale)
    factor = known.numerator // shared
    codes = [atom(one.code) for one in others]
    codes += [atom(str(factor))] if factor != 1 else []
    return Figure(" * ".join(codes), scale // shared)


def divide(over: Figure, under: Figure) -> Figure:
    """One by another that is not zero."""
    if under.const is not None:
        return multiply([over, constant(1 / under.const)])
    return Figure(f"{atom(at_scale(over, None))} / {atom(at_scale(under, None))}", None)


# --- when it runs -----------------------------------------------------------------------------------------------------


def scaled(value: object, scale: int) -> int | None:
    """A number at a scale; None where it does not fit, and the definition is asked."""
    if type(value) is not Fraction:
        return None
    over, under = value.as_integer_ratio()
    if under == 1:
        return over * scale
    return None if scale % under else over * (scale // under)


def _fast_fraction(over: int, under: int) -> Fraction:
    """`Fraction(over, under)` for ints, without asking what they are; `under` is above zero."""
    shared = gcd(over, under)
    made: Any = _new(Fraction)
    made._numerator = over // shared
    made._denominator = under // shared
    return made  # type: ignore[no-any-return]


def _fraction_maker() -> Callable[[int, int], Fraction]:
    """The fast way, where fractions of this Python are made so; else the plain one."""
    try:
        same = [(_fast_fraction(*one), Fraction(*one)) for one in ((0, 7), (6, 4), (-(10**40), 30), (5, 1))]
    except (AttributeError, TypeError):
        return Fraction
    alike = all(left == right and hash(left) == hash(right) and str(left) == str(right) for left, right in same)
    return _fast_fraction if alike else Fraction


_new = object.__new__
fraction = _fraction_maker()
"""What a scaled int stands for."""


def exact(value: Fraction | int) -> Fraction:
    return value if type(value) is Fraction else Fraction(value)


def _half_up(over: int, by: int) -> int:
    count, rest = divmod(abs(over), by)
    count += 2 * rest >= by
    return count if over >= 0 else -count


def _half_down(over: int, by: int) -> int:
    count, rest = divmod(abs(over), by)
    count += 2 * rest > by
    return count if over >= 0 else -count


def _half_even(over: int, by: int) -> int:
    count, rest = divmod(abs(over), by)
    count += 2 * rest > by or (2 * rest == by and count % 2 == 1)
    return count if over >= 0 else -count


def _up(over: int, by: int) -> int:
    return -(-over // by) if over >= 0 else over // by


def _down(over: int, by: int) -> int:
    return over // by if over >= 0 else -(-over // by)


ROUNDINGS: dict[str, Callable[[int, int], int]] = {
    "half up": _half_up,
    "half down": _half_down,
    "half even": _half_even,
    "up": _up,
    "down": _down,
}
"""How many whole times `by` goes into a number, rounded."""

"""Whole numbers at a scale as decimals: as text, and as `Decimal`; and what of a charge's line is known beforehand."""

from __future__ import annotations

from decimal import MAX_EMAX
from decimal import MIN_EMIN
from decimal import Context
from decimal import Decimal
from decimal import Inexact
from decimal import InvalidOperation
from fractions import Fraction

from pricelang.engine.compiled.scales import fraction
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place

MOST = 10**1000
"""Greater numbers go by their text."""

# more digits than any such number has at any scale: nothing is ever rounded, and if it were, it would be an error
_EXACT = Context(prec=5_000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[Inexact, InvalidOperation])
_shifted = _EXACT.scaleb
_normal = _EXACT.normalize

# figures of usual size: division by a power of ten needs no more digits than the number has, and leaves no zeros behind
_USUAL = 38
_SMALL = 10**_USUAL
_TENS = tuple(Decimal(10**places) for places in range(_USUAL + 1))
_divided = Context(prec=_USUAL, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[Inexact, InvalidOperation]).divide


@dataclass(frozen=True, slots=True)
class Decimals:
    """How an int at a scale is written as a decimal: times `by`, with so many `places`."""

    by: int
    places: int
    one: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "one", 10**self.places)

    @classmethod
    def of(cls, scale: int) -> Decimals | None:
        """None where no decimal holds one part of the scale."""
        places, rest = 0, scale
        while rest % 10 == 0:
            rest //= 10
            places += 1
        while rest != 1:
            if rest % 2 and rest % 5:
                return None
            rest, places = (rest // 2, places + 1) if rest % 2 == 0 else (rest // 5, places + 1)
        return cls(10**places // scale, places)

    def text(self, value: int) -> str:
        """The decimal digits of an int at the scale, without zeros at the end."""
        if value < 0:
            return f"-{self.text(-value)}"
        places = self.places
        digits = str(value * self.by)
        if not places or not value:
            return digits
        if len(digits) <= places:
            return "0." + digits.rjust(places, "0").rstrip("0")
        rest = digits[-places:].rstrip("0")
        return f"{digits[:-places]}.{rest}" if rest else digits[:-places]

    def fraction(self, value: int) -> Fraction:
        """The same exactly."""
        return fraction(value * self.by, self.one)

    def decimal(self, value: int) -> Decimal:
        """The same as a `Decimal`: no digit is lost, whatever the caller's context."""
        value *= self.by
        if self.places <= _USUAL and -_SMALL < value < _SMALL:
            return _divided(value, _TENS[self.places])
        if not -MOST < value < MOST:
            return Decimal(self.text(value // self.by))
        one = self.one
        return _normal(_shifted(value, -self.places)) if value % one else Decimal(value // one)


@dataclass(frozen=True, slots=True)
class Known:
    """What of a line is known when the code is made: its words, and how its figures are written."""

    name: str
    unit: str
    place: Place
    quantity: Decimals
    amount: Decimals
    exact: Decimals
    words: tuple[str, str, str] = field(init=False, compare=False, repr=False)
    """JSON text before the quantity, before the amount, and after the exact amount."""

    def __post_init__(self) -> None:
        from json.encoder import encode_basestring as quoted  # what is kept was written when it was made

        head = f'{{"name":{quoted(self.name)},"quantity":"'
        unit, rule = f'","unit":{quoted(self.unit)},"amount":"', f'","rule":{quoted(str(self.place))}'
        object.__setattr__(self, "words", (head, unit, rule))

    def text(self, quantity: int, amount: int, exact: int, row: Place | None) -> str:
        """The line as JSON text."""
        head, unit, rule = self.words
        said = self.amount.text(amount)
        before = said if amount == exact and self.amount == self.exact else self.exact.text(exact)
        tail = "}" if row is None else f',"row":{_row(row)}}}'
        return f'{head}{self.quantity.text(quantity)}{unit}{said}","exact":"{before}{rule}{tail}'


_rows: dict[int, tuple[Place, str]] = {}


def _row(place: Place) -> str:
    """A place as JSON text; places are few, and live as long as their program."""
    known = _rows.get(id(place))
    if known is not None and known[0] is place:
        return known[1]
    if len(_rows) > 100_000:
        _rows.clear()
    from json.encoder import encode_basestring as quoted

    text = quoted(str(place))
    _rows[id(place)] = (place, text)
    return text

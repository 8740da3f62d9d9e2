"""Units of quantities, rates and money. Like units divide to a number; unlike ones never mix."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from pricelang.plain import dataclass
from pricelang.plain import field

Dims = tuple[tuple[str, int], ...]
"""Base units with their powers, in order of name: USD per token is (("USD", 1), ("token", -1))."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: `factor` of its base units. `name` is the singular as people read it; it takes no part in equality."""

    dims: Dims
    factor: Fraction = Fraction(1)
    name: str = field(default="", compare=False)

    def __mul__(self, other: Unit) -> Unit:
        return Unit(_join(self.dims, other.dims, 1), self.factor * other.factor, f"{self.name}-{other.name}".strip("-"))

    def __truediv__(self, other: Unit) -> Unit:
        name = f"{self.name} per {other.name}" if other.name else self.name
        return Unit(_join(self.dims, other.dims, -1), self.factor / other.factor, name)

    @property
    def plural(self) -> str:
        return plural(self.name) if self.name else "plain number"


def _join(left: Dims, right: Dims, sign: int) -> Dims:
    powers = dict(left)
    for base, power in right:
        powers[base] = powers.get(base, 0) + sign * power
    return tuple(sorted((base, power) for base, power in powers.items() if power))


def plural(name: str) -> str:
    """The plural of a unit's name: `GB-month` gives `GB-months`; sizes in capitals have none."""
    last = name.rsplit("-", 1)[-1]
    symbol = any(char.isupper() for char in last[1:]) or any(char.isdigit() for char in last)
    if last.isupper() or symbol or last in _NO_PLURAL:
        return name
    if last.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


PLAIN = Unit(())
PERCENT = Unit((), Fraction(1, 100), "percent")
REQUEST = Unit((("request", 1),), Fraction(1), "request")
SECOND = Unit((("second", 1),), Fraction(1), "second")
MONTH = Unit((("month", 1),), Fraction(1), "month")
PACKAGE = Unit((("package", 1),), Fraction(1), "package")
WHOLE = frozenset({"token", "character", "request"})
"""Units that come in whole numbers only."""

_NO_PLURAL = {"ms"}
_SINGLE: dict[str, tuple[str, Fraction]] = {
    "token": ("token", Fraction(1)),
    "character": ("character", Fraction(1)),
    "request": ("request", Fraction(1)),
    "package": ("package", Fraction(1)),
    "millisecond": ("second", Fraction(1, 1000)),
    "ms": ("second", Fraction(1, 1000)),
    "second": ("second", Fraction(1)),
    "minute": ("second", Fraction(60)),
    "hour": ("second", Fraction(3600)),
    "day": ("second", Fraction(86400)),
    "week": ("second", Fraction(7 * 86400)),
    "month": ("month", Fraction(1)),
    "quarter": ("month", Fraction(3)),
    "year": ("month", Fraction(12)),
    "byte": ("byte", Fraction(1)),
    **{size + "B": ("byte", Fraction(1000**power)) for power, size in enumerate("KMGTP", start=1)},
    **{size + "iB": ("byte", Fraction(1024**power)) for power, size in enumerate("KMGTP", start=1)},
}
_ALIASES = {"hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "sec": "second", "secs": "second"}

CURRENCIES = frozenset(
    """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
    MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
    SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED
    VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG""".split()  # noqa: SIM905
)
CURRENCY_ALIASES = {"RMB": "CNY"}
SIGNS: dict[str, tuple[str, ...]] = {
    "US$": ("USD",),
    "$": (
        *(
            "USD",
            "AUD",
            "CAD",
            "NZD",
            "SGD",
            "HKD",
            "TWD",
            "MXN",
            "ARS",
            "CLP",
            "COP",
            "BBD",
            "BMD",
            "BND",
            "BSD",
            "BZD",
        ),
        *("FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD", "TTD", "XCD", "UYU", "DOP"),
    ),
    "€": ("EUR",),
    "£": ("GBP", "EGP", "FKP", "GIP", "SHP", "SDG", "SSP", "SYP", "LBP"),
    "¥": ("CNY", "JPY"),
    "₹": ("INR",),
    "₩": ("KRW", "KPW"),
}
"""What a currency sign can mean; it is read as the ruleset's own currency, or refused."""


def currency(code: str) -> Unit:
    """The unit of a currency."""
    return Unit(((code, 1),), Fraction(1), code)


def is_money(dims: Dims) -> bool:
    """Exactly one currency to the power one, and nothing else."""
    return len(dims) == 1 and dims[0][1] == 1 and dims[0][0] in CURRENCIES


def currencies_in(dims: Dims) -> list[str]:
    """The currencies among base units."""
    return [base for base, _ in dims if base in CURRENCIES]


def singular(word: str, declared: Mapping[str, Unit]) -> str | None:
    """The singular of a unit's word as written, singular or plural; None where it is no unit."""
    if word in _ALIASES:
        return _ALIASES[word]
    if word in declared or word in _SINGLE:
        return word
    for name in (word[:-1] if word.endswith("s") else "", word[:-2] if word.endswith("es") else ""):
        if name and (name in declared or name in _SINGLE):
            return name
    if word.endswith("ies") and (name := word[:-3] + "y") in declared:
        return name
    low = word.lower()
    if low != word and low.rstrip("s") in _SINGLE:
        return low.rstrip("s")
    upper = word.upper()
    return upper if upper != word and upper in _SINGLE and upper.endswith("B") else None


def find_unit(word: str, declared: Mapping[str, Unit]) -> Unit | None:
    """The unit a word names (`tokens`, `GB-months`, a declared one), or None."""
    code = CURRENCY_ALIASES.get(word, word)
    if code in CURRENCIES:
        return currency(code)
    if word.lower() in ("percent",):
        return PERCENT
    whole = singular(word, declared)
    if whole is not None and whole in declared:
        return declared[whole]
    unit: Unit | None = None
    for part in word.split("-"):
        name = singular(part, declared)
        if name is None:
            return None
        if name in declared:
            one = declared[name]
        else:
            base, factor = _SINGLE[name]
            one = Unit(((base, 1),), factor, name)
        unit = one if unit is None else unit * one
    return unit


def builtin_unit_names() -> list[str]:
    """The names of the units that need no declaration, for suggestions."""
    return [plural(name) for name in _SINGLE]


def describe(dims: Dims) -> str:
    """Base units in words: `tokens`, `USD per token`, `a plain number`."""
    if not dims:
        return "a plain number"
    over = [base if base in CURRENCIES else plural(base) for base, power in dims for _ in range(power) if power > 0]
    under = [base for base, power in dims for _ in range(-power) if power < 0]
    text = " × ".join(over) if over else "1"
    return text + (" per " + " × ".join(under) if under else "")

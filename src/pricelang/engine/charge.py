"""What comes out: a charge with its lines, or a rejection. Figures are exact; texts are what programs rely on."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from pricelang.engine.told import Told
from pricelang.light import TYPE_CHECKING
from pricelang.number import decimal_or_fraction
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place

if TYPE_CHECKING:
    from pricelang.engine.compiled.figures import Decimals
    from pricelang.engine.compiled.figures import Known

    ReckonedLine = tuple[Known, int, int, int, Place | None]
    """What is known beforehand, then quantity, amount and exact amount as whole numbers at its scales, and the row."""
    Reckoned = tuple[str, str, int, str, list[ReckonedLine], int, Decimals, str]
    """Id, type, second, account, lines, the amount as a whole number and its scale, currency."""


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a charge. `exact` is before any rounding; `quantity` is as billed, in `unit`; `rule` is the price
    line, `row` the table row that gave the rate."""

    name: str
    exact_quantity: Fraction
    unit: str
    exact_amount: Fraction
    exact_before: Fraction
    rule: Place
    row: Place | None
    told: tuple[Told, ...] = field(default=(), compare=False, repr=False)
    _reckoned: ReckonedLine | None = field(init=False, default=None, compare=False, repr=False)

    @property
    def quantity(self) -> Decimal | Fraction:
        made = self._reckoned
        return made[0].quantity.decimal(made[1]) if made is not None else decimal_or_fraction(self.exact_quantity)

    @property
    def amount(self) -> Decimal | Fraction:
        made = self._reckoned
        return made[0].amount.decimal(made[2]) if made is not None else decimal_or_fraction(self.exact_amount)

    @property
    def exact(self) -> Decimal | Fraction:
        made = self._reckoned
        return made[0].exact.decimal(made[3]) if made is not None else decimal_or_fraction(self.exact_before)

    def __getattr__(self, name: str) -> object:
        """What a line that was reckoned in whole numbers has not been asked for yet."""
        made = None if name == "_reckoned" else self._reckoned
        if made is None:
            raise AttributeError(f"a line of a charge has no {name}")
        known, quantity, amount, before, row = made
        value: object
        match name:
            case "name" | "unit":
                value = getattr(known, name)
            case "exact_quantity":
                value = known.quantity.fraction(quantity)
            case "exact_amount":
                value = known.amount.fraction(amount)
            case "exact_before":
                value = known.exact.fraction(before)
            case "rule":
                value = known.place
            case "row":
                value = row
            case "told":
                value = ()
            case _:
                raise AttributeError(f"a line of a charge has no {name}")
        object.__setattr__(self, name, value)
        return value

    def as_dict(self) -> dict[str, object]:
        """The line as other programs read it: every figure a decimal string, or `n/d`."""
        found: dict[str, object] = {
            "name": self.name,
            "quantity": decimal_text(self.exact_quantity),
            "unit": self.unit,
            "amount": decimal_text(self.exact_amount),
            "exact": decimal_text(self.exact_before),
            "rule": str(self.rule),
        }
        if self.row is not None:
            found["row"] = str(self.row)
        return found


@dataclass(frozen=True, slots=True)
class Charge:
    """What one record costs, in the ruleset's currency. `amount` is after the rules' rounding, `exact` before it; both
    are `Decimal`, or `Fraction` where no decimal holds them. The lines' amounts add up to `amount`. `left_out` are the
    lines that charge nothing, kept where the charge is explained."""

    id: str
    type: str
    at: Fraction
    account: str
    currency: str
    lines: tuple[ChargeLine, ...]
    stopped: Fraction | None = None
    story: Callable[[Charge], str] | None = field(default=None, compare=False, repr=False)
    left_out: tuple[ChargeLine, ...] = field(default=(), compare=False, repr=False)
    _reckoned: Reckoned | None = field(init=False, default=None, compare=False, repr=False)

    @property
    def exact_amount(self) -> Fraction:
        made = self._reckoned
        if made is not None:
            return made[6].fraction(made[5])
        return sum((line.exact_amount for line in self.lines), Fraction(0))

    @property
    def amount(self) -> Decimal | Fraction:
        made = self._reckoned
        return made[6].decimal(made[5]) if made is not None else decimal_or_fraction(self.exact_amount)

    def __getattr__(self, name: str) -> object:
        """What a charge that was reckoned in whole numbers has not been asked for yet."""
        made = None if name == "_reckoned" else self._reckoned
        if made is None:
            raise AttributeError(f"a charge has no {name}")
        if name == "lines":
            found = []
            for one in made[4]:
                line = _new(ChargeLine)
                _reckon_line(line, one)
                found.append(line)
            lines = tuple(found)
            _keep_lines(self, lines)
            return lines
        id, type_, second, account, _, _, _, currency = made
        value: object
        match name:
            case "id":
                value = id
            case "type":
                value = type_
            case "at":
                value = Fraction(second)
            case "account":
                value = account
            case "currency":
                value = currency
            case "stopped" | "story":
                value = None
            case "left_out":
                value = ()
            case _:
                raise AttributeError(f"a charge has no {name}")
        object.__setattr__(self, name, value)
        return value

    @property
    def exact(self) -> Decimal | Fraction:
        return decimal_or_fraction(sum((line.exact_before for line in self.lines), Fraction(0)))

    def as_dict(self) -> dict[str, object]:
        """The charge as other programs read it."""
        return {
            "id": self.id,
            "type": self.type,
            "at": instant_text(self.at),
            "account": self.account,
            "currency": self.currency,
            "amount": decimal_text(self.exact_amount),
            "exact": decimal_text(sum((line.exact_before for line in self.lines), Fraction(0))),
            "lines": [line.as_dict() for line in self.lines],
        }

    def explain(self) -> str:
        """The charge in words that a customer-support person can read out."""
        if self.story is None:
            raise ValueError("this charge was made without its explanation")
        return self.story(self)


_new = object.__new__
_reckon_line = vars(ChargeLine)["_reckoned"].__set__
_reckon = vars(Charge)["_reckoned"].__set__
_keep_lines = vars(Charge)["lines"].__set__


def reckoned(made: Reckoned) -> Charge:
    """A charge that was reckoned in whole numbers; what is asked of it is made when it is asked."""
    one = _new(Charge)
    _reckon(one, made)
    return one


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was not charged. `id` is None where the text was no record; `line` is its line in the file."""

    id: str | None
    code: str
    field: str | None
    message: str
    line: int | None = None

    def explain(self) -> str:
        """Why the record was not charged, in words."""
        name = f"the record `{self.id}`" if self.id is not None else "the record"
        where = f"{name} in line {self.line}" if self.line is not None else name
        about = f", field `{self.field}`" if self.field is not None else ""
        why = self.message if self.message.endswith((".", "?", "!")) else f"{self.message}."
        return f"{where[0].upper()}{where[1:]} was not charged: {why}\nCode {self.code}{about}.\n"

    def as_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "id": self.id,
            "error": {"code": self.code, "field": self.field, "message": self.message},
        }
        if self.line is not None:
            found["line"] = self.line
        return found

"""What an explanation is made of, as plain data for programs and pages: lines, their parts, where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from fractions import Fraction

from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.explain.words import Words
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.source import Place

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Detail:
    """Where a part's figure comes from: a row, the layer in force or one passed over, a case. `what` names it."""

    what: str
    words: str
    place: Place | None = None
    figure: str = ""

    def as_dict(self) -> dict[str, object]:
        found: dict[str, object] = {"what": self.what, "words": self.words}
        if self.figure:
            found["figure"] = self.figure
        if self.place is not None:
            found["place"] = str(self.place)
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that happened on a line. `amount` is what it added in money; `money` is False for what only made the
    quantity. `before` and `after` are what the line stood at, in the unit of the line or in money."""

    what: str
    words: str
    amount: Fraction = ZERO
    money: bool = False
    before: Fraction | None = None
    after: Fraction | None = None
    place: Place | None = None
    details: tuple[Detail, ...] = ()

    def as_dict(self) -> dict[str, object]:
        found: dict[str, object] = {"what": self.what, "words": self.words, "amount": decimal_text(self.amount)}
        if self.before is not None:
            found["before"] = decimal_text(self.before)
        if self.after is not None:
            found["after"] = decimal_text(self.after)
        if self.place is not None:
            found["place"] = str(self.place)
        if self.details:
            found["details"] = [one.as_dict() for one in self.details]
        return found


@dataclass(frozen=True, slots=True)
class LineStory:
    """One line of the charge with its parts; `text` is its line of the rule file."""

    line: ChargeLine
    parts: tuple[Part, ...]
    text: str
    when: str | None

    def as_dict(self) -> dict[str, object]:
        found = self.line.as_dict()
        found["parts"] = [one.as_dict() for one in self.parts]
        found["text"] = self.text
        if self.when is not None:
            found["when"] = self.when
        return found


@dataclass(frozen=True, slots=True)
class Story:
    """A charge with the story of each of its lines. `shown` is the amount with the places that the ruleset prints."""

    charge: Charge
    title: str
    lines: tuple[LineStory, ...]
    left_out: tuple[LineStory, ...]
    shown: Fraction | None
    words: Words = field(compare=False, repr=False)

    def as_dict(self) -> dict[str, object]:
        charge = self.charge
        found: dict[str, object] = {
            "id": charge.id,
            "type": charge.type,
            "title": self.title,
            "at": instant_text(charge.at),
            "account": charge.account,
            "currency": charge.currency,
            "amount": decimal_text(charge.exact_amount),
            "exact": decimal_text(Fraction(charge.exact)),
            "lines": [one.as_dict() for one in self.lines],
            "left_out": [one.as_dict() for one in self.left_out],
        }
        if charge.stopped is not None:
            found["stopped"] = instant_text(charge.stopped)
        if self.shown is not None:
            found["shown"] = decimal_text(self.shown)
        return found

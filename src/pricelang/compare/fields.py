"""The fields that sums are put together by, and what a record says of them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from difflib import get_close_matches
from fractions import Fraction

from pricelang.compare.errors import CompareError
from pricelang.compare.tally import NONE
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.number import NumberError
from pricelang.number import decimal_text
from pricelang.number import parse_decimal
from pricelang.number import quoted
from pricelang.period import parse_instant
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.report.contents import label_field

PERIODS = ("hour", "day", "week", "month", "quarter", "year")
OWN = ("account", "type")

Record = Mapping[str, object]


class Fields:
    """The fields of a comparison, of either ruleset; where both have one, the old one's kind and default hold."""

    def __init__(self, old: Program, new: Program, by: Sequence[str]) -> None:
        self.zone = old.zone
        self.inputs: dict[tuple[str, str], Input] = {}
        for program in (new, old):
            for usage in program.usages.values():
                self.inputs |= {(usage.name, one.name): one for one in usage.inputs}
        known = list(dict.fromkeys([*OWN, *(name for _, name in self.inputs), *PERIODS]))
        for one in by:
            if one not in known:
                near = get_close_matches(one[:60], known, 1, 0.6)
                advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
                raise CompareError(f"charges cannot be put together by {quoted(one)}; {advice}")
        labels = [label_field(program, usage) for program in (old, new) for usage in program.usages]
        models = ["model"] if any(name == "model" for _, name in self.inputs) else []
        self.names = tuple(dict.fromkeys([*OWN, *models, *(one for one in labels if one is not None), *by]))
        self._periods: dict[tuple[str, Fraction], str] = {}
        self._readers = [self._reader(name) for name in self.names]

    def kinds(self, name: str) -> set[str]:
        """The kinds that a field has in the usages."""
        return {one.type.kind for (_, field), one in self.inputs.items() if field == name}

    def is_period(self, name: str) -> bool:
        return name in PERIODS and not self.kinds(name)

    def default(self, usage: object, name: str) -> str:
        """What stands for a field that a record does not give."""
        one = self.inputs.get((usage, name)) if isinstance(usage, str) else None
        if one is None or one.default is None:
            return NONE
        value = one.default / one.type.factor if isinstance(one.default, Fraction) else one.default
        return shown(value, one.type.kind)

    def values(self, raw: Record) -> tuple[str, ...]:
        """What a record says of each field."""
        return tuple([read(raw) for read in self._readers])

    def _reader(self, name: str) -> Callable[[Record], str]:
        if name in OWN:
            return lambda raw: str(raw.get(name) or NONE)
        if self.is_period(name):
            return lambda raw: self._period(name, raw)

        def read(raw: Record) -> str:
            value, usage = raw.get(name), raw.get("type")
            one = self.inputs.get((usage, name)) if isinstance(usage, str) else None
            if one is None:
                return NONE
            return self.default(usage, name) if value is None else shown(value, one.type.kind)

        return read

    def _period(self, unit: str, raw: Record) -> str:
        value = raw.get("at") if raw.get("at") is not None else raw.get("started")
        try:
            return self.period(unit, parse_instant(str(value)))
        except ValueError:
            return NONE

    def period(self, unit: str, at: Fraction) -> str:
        """The name of the period of an instant, in the old rules' time zone."""
        start = period_start(at, unit, self.zone)
        found = self._periods.get((unit, start))
        if found is None:
            found = self._periods[unit, start] = period_name(start, unit, self.zone)
        return found


def shown(value: object, kind: str) -> str:
    """A value as it is told: a number with its digits and no more, a truth as yes or no."""
    if kind == "truth":
        return "yes" if str(value).lower() == "true" else "no"
    if kind == "number":
        if isinstance(value, Fraction):
            return decimal_text(value)
        try:
            return decimal_text(parse_decimal(str(value)))
        except NumberError:
            return str(value)
    return str(value)

"""Gates: what a change in price must not do, written as `total > +1%`, and whether it does.

gate      = subject ( ">" | ">=" | "<" | "<=" ) threshold
subject   = "total" | "any" FIELD | "any balance" | "any bill" | COUNT
threshold = [sign] NUMBER "%" | [sign] money | [sign] NUMBER
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from difflib import get_close_matches
from fractions import Fraction

from pricelang.compare.spread import percent_of
from pricelang.compare.tally import amount_text
from pricelang.compare.told import EventsDiff
from pricelang.compare.told import GateResult
from pricelang.compare.told import Group
from pricelang.compare.told import MoneyDiff
from pricelang.number import decimal_text
from pricelang.number import printable
from pricelang.number import round_to
from pricelang.plain import dataclass
from pricelang.units import CURRENCIES
from pricelang.units import SIGNS

COUNTS = (
    "unpriced",
    "newly refused",
    "newly priced",
    "newly accepted",
    "refused",
    "moved",
    "duplicates",
    "accounts up",
    "accounts down",
    "accounts same",
)
EXAMPLES = "total > +1%, total > +100 USD, any account > +10%, any balance < 0, unpriced > 0"
OF_EVENTS = {"balance": "balances", "bill": "bills"}
MOST_SHOWN = 3
PLACES = Fraction(1, 10**4)

OPS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


class GateError(ValueError):
    """A gate that cannot be read or judged. `column` is where, counted from 1; 0 where it is about the whole."""

    def __init__(self, gate: str, column: int, message: str) -> None:
        where = f" at column {column}" if column else ""
        super().__init__(f"the gate `{printable(gate)}` cannot be used{where}: {message}")
        self.gate = gate
        self.column = column


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate. `kind`: total, any, count; `name`: the field, or what is counted. `unit`: percent, money, number. A
    threshold with a sign is one for the change, one without for what is under the new rules; a percentage is always
    one for the change. `mark` is how its currency was written."""

    text: str
    kind: str
    name: str
    op: str
    value: Fraction
    unit: str
    signed: bool
    mark: str = ""

    @property
    def field(self) -> str | None:
        """The field that sums are needed by; None where none is."""
        return self.name if self.kind == "any" and self.name.casefold() not in OF_EVENTS else None

    @property
    def of_events(self) -> bool:
        """Whether it asks for replayed accounts."""
        return self.name == "newly accepted" or (self.kind == "any" and self.name.casefold() in OF_EVENTS)


def fields_of(gates: Iterable[Gate]) -> tuple[str, ...]:
    """The fields that sums are needed by: what `compare_usage` is to be asked for."""
    found = [gate.field for gate in gates]
    return tuple(dict.fromkeys(one for one in found if one is not None and one.casefold() not in ("account", "type")))


# --- reading --------------------------------------------------------------------------------------------------------

_OP = re.compile(r"[<>=!]+")
_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_SIGN = re.compile(r"[+\-\u2212]")


def parse_gate(text: str) -> Gate:
    """Reads a gate. Raises GateError with the column and what can be written there."""
    found = _OP.search(text)
    if found is None:
        where = len(text.rstrip()) + 1
        raise GateError(text, where, f"a gate compares by >, >=, < or <=, such as {EXAMPLES}")
    if found.group() not in OPS:
        raise GateError(text, found.start() + 1, f"`{found.group()}` is no comparison; there are >, >=, < and <=")
    kind, name = _subject(text, text[: found.start()])
    value, unit, signed, mark = _threshold(text, found.end())
    if kind == "count":
        if signed:
            raise GateError(text, _past(text, found.end()) + 1, f"{name} is counted: write the count without a sign")
        if unit == "money":
            raise GateError(text, _past(text, found.end()) + 1, f"{name} is counted: write a count or a percentage")
    return Gate(text.strip(), kind, name, found.group(), value, unit, signed, mark)


def _past(text: str, at: int) -> int:
    """The place of what comes after spaces."""
    return at + len(text[at:]) - len(text[at:].lstrip())


def _subject(text: str, head: str) -> tuple[str, str]:
    words = head.split()
    column = _past(text, 0) + 1
    if not words:
        raise GateError(text, 1, f"it does not say what is compared; there are {_subjects()}")
    first = words[0].casefold()
    if first == "total" and len(words) == 1:
        return "total", "total"
    if first == "any":
        if len(words) == 1:
            raise GateError(
                text, len(head.rstrip()) + 1, "`any` needs a field after it, such as any account, any model"
            )
        if len(words) > 2:
            at = text.index(words[2], text.index(words[1], text.casefold().index("any") + 3) + len(words[1]))
            raise GateError(text, at + 1, "a field is one word, such as any account, any model")
        return "any", words[1]
    joined = " ".join(words).casefold()
    if joined in COUNTS:
        return "count", joined
    near = get_close_matches(joined[:60], ["total", "any account", "any balance", "any bill", *COUNTS], 1, 0.6)
    advice = f"did you mean {near[0]}?" if near else f"there are {_subjects()}"
    raise GateError(text, column, f"`{printable(head.strip())}` is nothing that a gate compares; {advice}")


def _subjects() -> str:
    return f"total, any FIELD, any balance, any bill, {', '.join(COUNTS)}"


def _threshold(text: str, at: int) -> tuple[Fraction, str, bool, str]:
    """The value, its unit, whether it has a sign, and how its currency is written."""
    at = _past(text, at)
    if at >= len(text.rstrip()):
        raise GateError(text, len(text.rstrip()) + 1, "it ends without a threshold, such as +1%, +100 USD or 0")
    sign = _SIGN.match(text, at)
    factor = -1 if sign is not None and sign.group() != "+" else 1
    if sign is not None:
        at = _past(text, sign.end())
    mark = next((one for one in sorted(SIGNS, key=len, reverse=True) if text.startswith(one, at)), "")
    at = _past(text, at + len(mark))
    number = _NUMBER.match(text, at)
    if number is None:
        raise GateError(text, at + 1, "a number belongs here, such as +1%, +100 USD or 0")
    value = factor * Fraction(number.group().replace(",", ""))
    at = number.end()
    rest = text[at:].strip()
    where = _past(text, at) + 1
    if not rest:
        return value, "money" if mark else "number", sign is not None, mark
    if rest == "%":
        if mark:
            raise GateError(text, where, "a percentage has no currency")
        return value, "percent", sign is not None, ""
    if not mark and (rest.upper() in CURRENCIES or rest in SIGNS):
        return value, "money", sign is not None, rest.upper()
    if rest[:1].isdigit() or rest[:1] in ",._":
        raise GateError(text, where, "this is no number; write 1234.5 or 1,234.5")
    raise GateError(text, where, f"`{printable(rest)}` is no unit; there are % and currencies, such as USD or $")


# --- judging --------------------------------------------------------------------------------------------------------


def judge(gate: Gate, money: MoneyDiff | None, events: EventsDiff | None) -> GateResult:
    """Whether a gate holds: it does unless what it says is so. Raises GateError where what it asks for is not there."""
    if gate.kind == "count":
        return _judge_count(gate, money, events)
    currency = money.currency if money is not None else None
    if gate.of_events:
        if events is None:
            raise GateError(gate.text, 0, f"any {gate.name} is asked of replayed accounts: give events, too")
        groups: Sequence[Group] = getattr(events, OF_EVENTS[gate.name.casefold()])
        return _judge_groups(gate, groups, gate.name.casefold(), currency)
    if money is None:
        raise GateError(gate.text, 0, f"{'the total' if gate.kind == 'total' else f'any {gate.name}'} needs usage")
    _check_currency(gate, money.currency)
    if gate.kind == "total":
        met, said = _said(gate, Group("the total", money.old_total, money.new_total, money.records), money.currency)
        return GateResult(gate.text, not met, f"the total {said}")
    return _judge_groups(gate, _sums(gate, money), gate.name, currency)


def _sums(gate: Gate, money: MoneyDiff) -> Sequence[Group]:
    if gate.name in money.by:
        return money.by[gate.name]
    for name, groups in money.by.items():
        if name.casefold() == gate.name.casefold():
            return groups
    raise GateError(gate.text, 0, f"there are no sums by {gate.name}; there are those by {', '.join(money.by)}")


def _check_currency(gate: Gate, currency: str) -> None:
    if gate.mark and gate.mark != currency and currency not in SIGNS.get(gate.mark, ()):
        raise GateError(gate.text, 0, f"the rulesets charge in {currency}, not in {gate.mark}")


def _judge_groups(gate: Gate, groups: Sequence[Group], what: str, currency: str | None) -> GateResult:
    """Gates on any one of several: told of those that are over it, the greatest change first."""
    unit = currency or (gate.mark if gate.mark in CURRENCIES else "")
    over = [(one, said) for one in groups for met, said in (_said(gate, one, unit),) if met]
    if not over:
        return GateResult(gate.text, True, f"none of {_many(len(groups), what)}")
    told = "; ".join(f"{printable(one.value)} {said}" for one, said in over[:MOST_SHOWN])
    more = f"; and {len(over) - MOST_SHOWN:,} more" if len(over) > MOST_SHOWN else ""
    return GateResult(gate.text, False, f"{len(over):,} of {_many(len(groups), what)}: {told}{more}")


def _many(count: int, what: str) -> str:
    plain = what.isalpha() and what.isascii()
    return f"{count:,} {what}{'s' if count != 1 and plain else ''}" if plain else f"{count:,} values of {what}"


def _said(gate: Gate, one: Group, currency: str) -> tuple[bool, str]:
    """Whether amounts are over a gate, and what they are."""
    old, new = one.old, one.new
    moved = f"goes from {amount_text(old, currency).strip()} to {amount_text(new, currency).strip()}"
    if gate.unit == "percent":
        change = percent_of(old, new)
        if change is None:
            more = new > 0
            word = "increase" if more else "decrease"
            met = more == (gate.op in (">", ">="))
            return met, f"{moved}: any {word} from nothing is beyond every percentage"
        return OPS[gate.op](change, gate.value), f"{moved}, {_percent(change)}"
    if gate.signed:
        change = new - old
        sign = "+" if change >= 0 else ""
        return OPS[gate.op](change, gate.value), f"{moved}, {sign}{amount_text(change, currency).strip()}"
    return OPS[gate.op](new, gate.value), f"is {amount_text(new, currency).strip()} under the new rules"


def _percent(change: Fraction, sign: bool = True) -> str:
    shown = round_to(change, PLACES, "half even")
    text = decimal_text(shown)
    about = "" if shown == change else "about "
    return f"{about}{'+' if sign and change > 0 else ''}{text} %"


def _judge_count(gate: Gate, money: MoneyDiff | None, events: EventsDiff | None) -> GateResult:
    counts = _counts(gate, money, events)
    found = sum(count for count, _, _ in counts)
    whole = sum(of for _, of, _ in counts)
    told = " and ".join(f"{count:,} of {of:,} {what}" for count, of, what in counts)
    said = f"{told} {_WORDS[gate.name]}"
    if gate.unit != "percent":
        return GateResult(gate.text, not OPS[gate.op](Fraction(found), gate.value), said)
    share = Fraction(found, whole) * 100 if whole else Fraction(0)
    return GateResult(gate.text, not OPS[gate.op](share, gate.value), f"{said}, {_percent(share, False)}")


_WORDS = {
    "unpriced": "are priced by the old rules and not by the new ones",
    "newly refused": "are newly refused",
    "newly priced": "are newly priced",
    "newly accepted": "are newly accepted",
    "refused": "cannot be charged under the new rules",
    "moved": "are priced by another row of a table",
    "duplicates": "are duplicates",
    "accounts up": "pay more",
    "accounts down": "pay less",
    "accounts same": "pay the same",
}


def _counts(gate: Gate, money: MoneyDiff | None, events: EventsDiff | None) -> list[tuple[int, int, str]]:
    """What a gate counts: how many, of how many, of what."""
    found: list[tuple[int, int, str]] = []
    if money is not None:
        accounts = money.accounts_up + money.accounts_down + money.accounts_same
        known = {
            "unpriced": money.newly_refused,
            "newly refused": money.newly_refused,
            "newly priced": money.newly_priced,
            "refused": money.newly_refused + money.refused_both,
            "moved": money.moved_rows,
            "duplicates": money.duplicates,
        }
        ways = {
            "accounts up": money.accounts_up,
            "accounts down": money.accounts_down,
            "accounts same": money.accounts_same,
        }
        if gate.name in known:
            found.append((known[gate.name], money.records, "records"))
        elif gate.name in ways:
            found.append((ways[gate.name], accounts, "accounts"))
    if events is not None:
        known = {"newly refused": events.newly_refused, "newly accepted": events.newly_accepted}
        if gate.name in known:
            found.append((known[gate.name], events.events, "events"))
    if not found:
        need = "replayed events" if gate.of_events else "usage"
        raise GateError(gate.text, 0, f"{gate.name} needs {need}")
    return found

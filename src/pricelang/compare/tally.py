"""What is counted while the same records are charged under two rulesets; in the end a `MoneyDiff`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from fractions import Fraction
from heapq import heappush
from heapq import heapreplace
from typing import Any

from pricelang.compare.spread import distribution
from pricelang.compare.told import Group
from pricelang.compare.told import MoneyDiff
from pricelang.compare.told import Moved
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.period import parse_instant
from pricelang.plain import dataclass

ZERO = Fraction(0)

REFUSED, CHARGED, DUPLICATE = 0, 1, 2
"""What became of a record under one ruleset."""

NONE = "(none)"
"""In place of a value that a record does not give."""

ENDS = "(ends of periods)"
"""In place of a value, for what the end of a period charges."""

MOST_SHOWN = 20
MOST_ALIKE = 3
"""Examples of one reason."""

Record = Mapping[str, object]


@dataclass(slots=True)
class Ends:
    """What the ends of periods charge under one ruleset; `refused` could not be charged."""

    count: int = 0
    amount: Fraction = ZERO
    refused: int = 0


class Examples:
    """A few records for each reason, in their order."""

    def __init__(self) -> None:
        self.found: list[Moved] = []
        self._alike: Counter[object] = Counter()

    @property
    def full(self) -> bool:
        return len(self.found) >= MOST_SHOWN

    def wants(self, reason: object) -> bool:
        return not self.full and self._alike[reason] < MOST_ALIKE

    def add(self, reason: object, one: Moved) -> None:
        self._alike[reason] += 1
        self.found.append(one)


class Largest:
    """The records whose charges change most; of equal ones the first."""

    def __init__(self) -> None:
        self._heap: list[tuple[Fraction, int, Fraction, Fraction, Record]] = []
        self._count = 0

    @property
    def least(self) -> Fraction:
        """A change has to be greater than this to be among them."""
        return self._heap[0][0] if len(self._heap) >= MOST_SHOWN else ZERO

    def add(self, raw: Record, old: Fraction, new: Fraction) -> None:
        change = abs(new - old)
        if change <= self.least:
            return
        self._count += 1
        one = (change, -self._count, old, new, raw)
        if len(self._heap) < MOST_SHOWN:
            heappush(self._heap, one)
        else:
            heapreplace(self._heap, one)

    def told(self, why: Callable[[Record, Fraction, Fraction], str]) -> list[Moved]:
        found = sorted(self._heap, key=lambda one: (-one[0], -one[1]))
        return [example(raw, old, new, why(raw, old, new)) for _, _, old, new, raw in found]


class Tally:
    """Counts, sums by fields, and examples."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        self.records = 0
        self.charged_both = 0
        self.newly_refused = 0
        self.newly_priced = 0
        self.refused_both = 0
        self.duplicates = 0
        self.moved = 0
        self.old_total = ZERO
        self.new_total = ZERO
        self.lost = ZERO
        """What the old rules charge for records that the new ones refuse."""
        self.gained = ZERO
        self.sums: dict[tuple[str, ...], list[Any]] = {}
        """By the values of all fields: what was, what is, how many."""
        self.apart: dict[str, dict[str, list[Any]]] = {field: {} for field in fields}
        """By one field alone."""
        self.codes: Counter[str] = Counter()
        """Why the new rules refuse what both refuse."""
        self.refused = Examples()
        self.priced = Examples()
        self.moves = Examples()
        self.largest = Largest()
        self.ends = (Ends(), Ends())

    # --- one record after another

    def record(self, old: int, new: int, was: Fraction, now: Fraction, values: tuple[str, ...]) -> None:
        """Counts one record: what became of it under both, what it comes to, and its values."""
        self.records += 1
        if self.count(old, new) is False:
            return
        self.old_total += was
        self.new_total += now
        kept = self.sums.get(values)
        if kept is None:
            self.sums[values] = [was, now, 1]
        else:
            kept[0] += was
            kept[1] += now
            kept[2] += 1

    def count(self, old: int, new: int, times: int = 1) -> bool:
        """Counts what became of records under both; whether either charges them."""
        if old == CHARGED and new == CHARGED:
            self.charged_both += times
        elif old == CHARGED:
            self.newly_refused += times
        elif new == CHARGED:
            self.newly_priced += times
        elif old == DUPLICATE or new == DUPLICATE:
            self.duplicates += times
            return False
        else:
            self.refused_both += times
            return False
        return True

    def sum(self, field: str, value: str, was: Fraction, now: Fraction, records: int) -> None:
        """Adds to one value of one field."""
        kept = self.apart[field].get(value)
        if kept is None:
            self.apart[field][value] = [was, now, records]
        else:
            kept[0] += was
            kept[1] += now
            kept[2] += records

    def end(self, side: int, account: str, type: str, amount: Fraction) -> None:
        """Counts what the end of a period charges under one ruleset (0: the old one)."""
        ends = self.ends[side]
        ends.count += 1
        ends.amount += amount
        was, now = (ZERO, amount) if side else (amount, ZERO)
        self.old_total += was
        self.new_total += now
        own = {"account": account, "type": type}
        for field in self.fields:
            self.sum(field, own.get(field, ENDS), was, now, 0)

    # --- what comes of it

    def flush(self) -> None:
        """Splits the sums by all fields into those by each."""
        for values, (was, now, records) in self.sums.items():
            for field, value in zip(self.fields, values, strict=True):
                self.sum(field, value, was, now, records)
        self.sums.clear()

    def groups(self) -> dict[str, list[Group]]:
        """The sums by field, the greatest change first."""
        self.flush()
        found: dict[str, list[Group]] = {}
        for field, sums in self.apart.items():
            groups = [Group(value, was, now, records) for value, (was, now, records) in sums.items()]
            groups.sort(key=lambda one: (-abs(one.new - one.old), one.value))
            found[field] = groups
        return found

    def told(self, currency: str, why: Callable[[Record, Fraction, Fraction], str], left_out: list[str]) -> MoneyDiff:
        by = self.groups()
        accounts = by["account"]
        up = sum(one.new > one.old for one in accounts)
        down = sum(one.new < one.old for one in accounts)
        return MoneyDiff(
            currency=currency,
            records=self.records,
            charged_both=self.charged_both,
            old_total=self.old_total,
            new_total=self.new_total,
            by=by,
            accounts_up=up,
            accounts_down=down,
            accounts_same=len(accounts) - up - down,
            distribution=distribution((one.old, one.new) for one in accounts),
            moved_rows=self.moved,
            newly_refused=self.newly_refused,
            newly_priced=self.newly_priced,
            refused_both=self.refused_both,
            duplicates=self.duplicates,
            refused_examples=self.refused.found,
            priced_examples=self.priced.found,
            moved_examples=self.moves.found,
            largest=self.largest.told(why),
            left_out=left_out,
        )


def example(raw: Record, old: Fraction | None, new: Fraction | None, why: str) -> Moved:
    """A record as an example."""

    def text(name: str) -> str:
        value = raw.get(name)
        return "" if value is None else str(value)

    return Moved(text("id"), text("account"), text("type"), _moment(raw), old, new, why)


def _moment(raw: Record) -> str:
    value = raw.get("at") if raw.get("at") is not None else raw.get("started")
    if value is None:
        return ""
    try:
        return instant_text(parse_instant(str(value)))
    except ValueError:
        return str(value)


def amount_text(amount: Fraction, currency: str) -> str:
    """An amount with all its digits."""
    return f"{decimal_text(amount)} {currency}"


def counted(count: int, one: str, more: str | None = None) -> str:
    """`1 record`, `1,200 records`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"

"""What a comparison tells: plain values, shown elsewhere. Amounts are exact, in the rulesets' currency."""

from __future__ import annotations

from fractions import Fraction

from pricelang.plain import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """One value of one field: what its records come to before and after. `records` are those that either charges."""

    value: str
    old: Fraction
    new: Fraction
    records: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One record that is a good example of a change. An amount is None where the record is not charged."""

    id: str
    account: str
    type: str
    at: str
    old: Fraction | None
    new: Fraction | None
    why: str


@dataclass(frozen=True, slots=True)
class MoneyDiff:
    """The same usage under two rulesets. `records` = `charged_both` + `newly_refused` + `newly_priced` +
    `refused_both` + `duplicates`; `moved_rows` are among those that both charge. What the ends of periods charge is in
    the totals and groups, and in no count. `left_out`: sentences on what could not be compared, and why."""

    currency: str
    records: int
    charged_both: int
    old_total: Fraction
    new_total: Fraction
    by: dict[str, list[Group]]
    accounts_up: int
    accounts_down: int
    accounts_same: int
    distribution: list[tuple[str, int]]
    moved_rows: int
    newly_refused: int
    newly_priced: int
    refused_both: int
    duplicates: int
    refused_examples: list[Moved]
    priced_examples: list[Moved]
    moved_examples: list[Moved]
    largest: list[Moved]
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class EventsDiff:
    """The same events replayed under two rulesets. `refused` are examples of events that one accepts and the other does
    not; `balances` and `bills` are by account."""

    events: int
    accounts: int
    refused: list[Moved]
    balances: list[Group]
    bills: list[Group]
    newly_refused: int
    newly_accepted: int
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of a gate; `said` is the reason with its figures."""

    gate: str
    held: bool
    said: str

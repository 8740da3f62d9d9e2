"""What a comparison in money tells: figures and examples, for whoever shows them."""

from __future__ import annotations

from fractions import Fraction

from pricelang.plain import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """One value of one field, and what its records came to before and after."""

    value: str
    old: Fraction
    new: Fraction
    records: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One record that is a good example of a change. `why` is in words; an amount is None where it was refused."""

    id: str
    account: str
    type: str
    at: str
    old: Fraction | None
    new: Fraction | None
    why: str


@dataclass(frozen=True, slots=True)
class MoneyDiff:
    """Usage charged by both rulesets. `by`: for each field its groups, largest absolute change first.

    `distribution`: buckets of the change per account in percent, label and count. `left_out`: sentences about what
    could not be compared, and why.
    """

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
class Refused:
    """What one limit refuses now and did not before, and the reverse."""

    limit: str
    newly_refused: int
    newly_accepted: int
    examples: list[Moved]


@dataclass(frozen=True, slots=True)
class EventsDiff:
    """Events run through accounts of both rulesets. `balances` and `bills`: by account, largest change first."""

    events: int
    accounts: int
    refused: list[Refused]
    balances: list[Group]
    bills: list[Group]
    newly_refused: int
    newly_accepted: int
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a gate held; `said` is the reason, with figures."""

    gate: str
    held: bool
    said: str

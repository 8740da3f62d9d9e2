"""What a comparison of rules tells: changes, each with its words, its direction and its place."""

from __future__ import annotations

from fractions import Fraction

from pricelang.compare.told import EventsDiff
from pricelang.compare.told import GateResult
from pricelang.compare.told import MoneyDiff
from pricelang.plain import dataclass

UP, DOWN, OTHER, RECORDS, ACCOUNTS, WORDING = "up", "down", "other", "records", "accounts", "wording"

GROUPS = {
    UP: "Prices up",
    DOWN: "Prices down",
    OTHER: "Other changes of prices",
    RECORDS: "What records carry",
    ACCOUNTS: "Accounts and policies",
    WORDING: "Not money",
}
"""The groups in their order, with their headings."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `subject` is what it is about (a row of a table, a line of a price), `item` the column or step.

    `said` says it in words; `old` and `new` are the two values in words, "" where there is none. `ratio` is new to old
    less one, where both are amounts. `when` are the dates it holds for, "" for all times. `place` is a file and line of
    the new rules, or of the old ones where it was removed. `details` are changes that this one brings.
    """

    group: str
    subject: str
    item: str
    said: str
    old: str = ""
    new: str = ""
    ratio: Fraction | None = None
    when: str = ""
    place: str = ""
    details: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class RulesDiff:
    """What changed from one ruleset to another. `status`: changed, same, added or removed."""

    name: str
    title: str
    status: str
    old: str
    new: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What is told of one ruleset: its changes and, where usage or events were given, their figures and the gates."""

    rules: RulesDiff
    money: MoneyDiff | None = None
    events: EventsDiff | None = None
    gates: tuple[GateResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything that one comparison tells. `old` and `new` are as users named them."""

    old: str
    new: str
    results: tuple[Result, ...]

    @property
    def held(self) -> bool:
        """Whether every gate held."""
        return all(gate.held for one in self.results for gate in one.gates)

"""A comparison as headings, sentences and tables: one order and one wording for text, Markdown and HTML.

Every text in it is safe to print: control characters, and what cannot be seen, stand as their code points.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pricelang.compare.changes import GROUPS
from pricelang.compare.changes import Change
from pricelang.compare.changes import Compared
from pricelang.compare.changes import Result
from pricelang.compare.changes import RulesDiff
from pricelang.compare.told import EventsDiff
from pricelang.compare.told import GateResult
from pricelang.compare.told import Group
from pricelang.compare.told import MoneyDiff
from pricelang.compare.told import Moved
from pricelang.compare.wording import percent
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.plain import dataclass

MOST_CHARACTERS = 500
"""Characters of one text that are shown."""

_NEAR = Fraction(1, 10**6)
ROUNDED = "Amounts are exact; percentages are rounded for reading."


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A line of text; `kind`: good, bad or ""."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under headings; `right`: the columns of figures. `kind`: up, down or "" for how it is painted."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """How many accounts changed by how much: buckets with their counts."""

    title: str
    bars: tuple[tuple[str, int], ...]


Block = Heading | Sentence | Table | Plot


def clean(text: str) -> str:
    """A text that may come from anybody, on one line and safe to print."""
    head = text[: MOST_CHARACTERS + 1]
    if not head.isprintable():
        head = "".join(one if one.isprintable() else _code_point(one) for one in head)
    return head if len(text) <= MOST_CHARACTERS else f"{head[:MOST_CHARACTERS]}…"


def _code_point(char: str) -> str:
    return " " if char in "\n\t" else f"\\u{ord(char):04x}"


def outline(compared: Compared) -> list[Block]:
    """All that is told, from top to bottom."""
    found: list[Block] = []
    many = len(compared.results) > 1
    found.append(Heading(1, clean(f"{compared.old} → {compared.new}")))
    if many:
        found.append(_overview(compared.results))
    for one in compared.results:
        if many and one.rules.status == "same" and one.money is None and one.events is None:
            continue
        if many:
            found.append(Heading(2, clean(f"{one.rules.title} ({one.rules.name})")))
        found += _result(one, 3 if many else 2)
    return found


def _overview(results: Iterable[Result]) -> Table:
    rows = []
    for one in results:
        counts = [f"{number} {words}" for words, number in _counts(one.rules)]
        rows.append((clean(one.rules.name), ", ".join(counts) or _STATUS[one.rules.status]))
    return Table(("Ruleset", "Changes"), tuple(rows))


_STATUS = {"same": "no change", "added": "new", "removed": "removed", "changed": "changed"}
_SHORT = {
    "up": "up",
    "down": "down",
    "other": "other",
    "records": "of records",
    "accounts": "of accounts",
    "wording": "not money",
}


def _counts(rules: RulesDiff) -> list[tuple[str, int]]:
    groups = [one.group for one in rules.changes]
    return [(_SHORT[group], groups.count(group)) for group in GROUPS if group in groups]


def _result(one: Result, level: int) -> list[Block]:
    found: list[Block] = _gates(one.gates)
    rules = one.rules
    if rules.status == "added":
        found.append(Sentence(f"This ruleset is new: {clean(rules.new)}."))
    elif rules.status == "removed":
        found.append(Sentence(f"This ruleset was removed: {clean(rules.old)}."))
    elif not rules.changes:
        found.append(Sentence("No price, policy or field changed."))
    if one.money is not None:
        found += _money(one.money, level)
    if one.events is not None:
        found += _events(one.events, level, one.money.currency if one.money is not None else "")
    for group, heading in GROUPS.items():
        changes = [change for change in rules.changes if change.group == group]
        if changes:
            found.append(Heading(level, f"{heading} ({len(changes)})"))
            rows = tuple(row for change in changes for row in _rows(change, 0))
            dated = any(row[2] for row in rows)
            columns = ("What", "Change", "When", "Where") if dated else ("What", "Change", "Where")
            rows = rows if dated else tuple((row[0], row[1], row[3]) for row in rows)
            found.append(Table(columns, rows, kind=group if group in ("up", "down") else ""))
    return found


def _rows(change: Change, depth: int) -> list[tuple[str, ...]]:
    what = change.subject + (f", {change.item}" if change.item else "")
    row = ("– " * depth + clean(what), clean(change.said), clean(change.when), clean(change.place))
    return [row, *(one for detail in change.details for one in _rows(detail, depth + 1))]


# --- money ----------------------------------------------------------------------------------------------------------


def _gates(gates: Iterable[GateResult]) -> list[Block]:
    return [
        Sentence(
            f"{'Held' if one.held else 'Did not hold'}: {clean(one.gate)}: {clean(one.said)}",
            "good" if one.held else "bad",
        )
        for one in gates
    ]


def exact(value: Fraction) -> str:
    """An amount with all its digits, thousands apart; where they do not end, as a fraction and what it is about."""
    text = decimal_text(value)
    if "/" in text:
        return f"{text} (about {exact(round_to(value, _NEAR, 'half even'))})"
    whole, _, decimals = text.lstrip("-").partition(".")
    return ("-" if value < 0 else "") + f"{int(whole):,}" + (f".{decimals}" if decimals else "")


def signed(value: Fraction) -> str:
    """A difference with its sign."""
    return f"+{exact(value)}" if value > 0 else exact(value)


def _share(old: Fraction, new: Fraction) -> str:
    return percent(new / old - 1) if old > 0 else "" if old == new else "new" if old == 0 else ""


def _money(money: MoneyDiff, level: int) -> list[Block]:
    found: list[Block] = [Heading(level, "In money")]
    counts = [
        (money.charged_both, "charged by both"),
        (money.moved_rows, "of these by another row or line"),
        (money.newly_refused, "were charged and now are rejected"),
        (money.newly_priced, "were rejected and now are charged"),
        (money.refused_both, "rejected by both"),
        (money.duplicates, "duplicates"),
    ]
    told = ", ".join(f"{number:,} {words}" for number, words in counts if number)
    found.append(Sentence(f"{money.records:,} records" + (f": {told}." if told else ".")))
    currency = clean(money.currency)
    total = ("Total", exact(money.old_total), exact(money.new_total), signed(money.new_total - money.old_total))
    columns = ("", f"Before, {currency}", f"After, {currency}", "Change", "in %")
    right = frozenset({1, 2, 3, 4})
    found.append(Table(columns, ((*total, _share(money.old_total, money.new_total)),), right))
    found.append(Sentence(ROUNDED))
    accounts = (
        (money.accounts_up, "pay more"),
        (money.accounts_down, "pay less"),
        (money.accounts_same, "pay the same"),
    )
    found.append(Sentence("Accounts: " + ", ".join(f"{number:,} {words}" for number, words in accounts) + "."))
    if any(count for _, count in money.distribution):
        found.append(Plot("Accounts by the change of what they pay", _bars(money.distribution)))
    for field, groups in money.by.items():
        found.append(Heading(level + 1, f"By {clean(field)}"))
        found.append(_groups(clean(field), groups, currency))
    for heading, moved in (
        ("Largest changes", money.largest),
        ("Now rejected, for example", money.refused_examples),
        ("Now charged, for example", money.priced_examples),
        ("Priced by another row or line, for example", money.moved_examples),
    ):
        if moved:
            found.append(Heading(level + 1, heading))
            found.append(_moved(moved, currency))
    return found + _notes(money.left_out)


def _bars(distribution: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The buckets without the empty ones at both ends."""
    there = [index for index, (_, count) in enumerate(distribution) if count]
    return tuple((clean(label), count) for label, count in distribution[there[0] : there[-1] + 1])


def _groups(field: str, groups: Iterable[Group], currency: str) -> Table:
    rows = tuple(
        (
            clean(one.value) or "(none)",
            f"{one.records:,}",
            exact(one.old),
            exact(one.new),
            signed(one.new - one.old),
            _share(one.old, one.new),
        )
        for one in groups
    )
    columns = (field, "Records", f"Before, {currency}", f"After, {currency}", "Change", "in %")
    return Table(columns, rows, frozenset(range(1, 6)))


def _moved(moved: Iterable[Moved], currency: str) -> Table:
    rows = tuple(
        (
            clean(one.id),
            clean(one.account),
            clean(one.type),
            clean(one.at),
            "–" if one.old is None else exact(one.old),
            "–" if one.new is None else exact(one.new),
            clean(one.why),
        )
        for one in moved
    )
    columns = ("Record", "Account", "Type", "At", f"Before, {currency}", f"After, {currency}", "Why")
    return Table(columns, rows, frozenset({4, 5}))


def _notes(sentences: Iterable[str]) -> list[Block]:
    return [Sentence(f"Note: {clean(one)}") for one in sentences]


def _events(events: EventsDiff, level: int, currency: str) -> list[Block]:
    found: list[Block] = [Heading(level, "Events, replayed")]
    found.append(
        Sentence(
            f"{events.events:,} events of {events.accounts:,} accounts: {events.newly_refused:,} were accepted and now "
            f"are refused, {events.newly_accepted:,} were refused and now are accepted."
        )
    )
    for heading, groups in (("Balances", events.balances), ("Bills", events.bills)):
        if groups:
            found.append(Heading(level + 1, heading))
            found.append(_groups("account", groups, currency or "at the end"))
    if events.refused:
        found.append(Heading(level + 1, "Decided otherwise, for example"))
        found.append(_moved(events.refused, currency or "charged"))
    return found + _notes(events.left_out)

"""The same events replayed under two rulesets: what is refused now, and what accounts come to."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import tee

from pricelang.account.funds import balance
from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Refused
from pricelang.account.outcome import Rejected
from pricelang.compare.errors import CompareError
from pricelang.compare.money import comparable
from pricelang.compare.tally import ZERO
from pricelang.compare.tally import counted
from pricelang.compare.told import EventsDiff
from pricelang.compare.told import Group
from pricelang.compare.told import Moved
from pricelang.compare.usage import format_of
from pricelang.compare.usage import opened
from pricelang.engine.formats import read_jsonl
from pricelang.library import Ruleset
from pricelang.period import instant_text
from pricelang.report.invoice import invoices
from pricelang.report.journal import read_ledger
from pricelang.report.rows import ReportError

JUST_AFTER = Fraction(1, 10**6)
"""Seconds after the last event under either: what falls due at its instant has come to pass under both."""

MOST_SHOWN = 50
MOST_ALIKE = 10
"""Examples of one reason."""


def compare_events(old: Ruleset, new: Ruleset, events: str) -> EventsDiff:
    """What the events of a file of JSON lines come to under two rulesets, each with accounts of its own in memory.

    Balances and bills are as of just after the account's last event under either. Raises NothingShared,
    CompareError (both ValueErrors) with a sentence.
    """
    comparable(old, new)
    kind = format_of(events, "jsonl")
    if kind != "jsonl":
        raise CompareError(f"{events}: events are JSON lines (.jsonl)")
    with opened(events) as stream, Ledger.open("memory://", old) as before, Ledger.open("memory://", new) as after:
        found = _Decisions()
        first, second = tee(read_jsonl(stream))
        pairs = zip(before.apply_items(first), after.apply_items(second), strict=True)
        for (_, was), (_, now) in pairs:
            found.take(was, now)
        return found.told(before, after)


class _Decisions:
    """What became of the events under both."""

    def __init__(self) -> None:
        self.events = 0
        self.newly_refused = 0
        self.newly_accepted = 0
        self.neither = 0
        self.elsewhere = 0
        self.of: Counter[str] = Counter()
        self._examples: dict[bool, list[Moved]] = {True: [], False: []}
        self._alike: Counter[object] = Counter()

    def take(self, was: Outcome, now: Outcome) -> None:
        self.events += 1
        if was.account is not None:
            self.of[was.account] += 1
        if was.repeated or now.repeated:
            return  # it was decided before, and counted then
        if was.accepted and now.accepted:
            return
        if not was.accepted and not now.accepted:
            self.neither += 1
            if isinstance(was, Refused) and isinstance(now, Refused) and was.limit != now.limit:
                self.elsewhere += 1
            return
        refused = was.accepted
        self.newly_refused += refused
        self.newly_accepted += not refused
        why, text = told(now) if refused else told(was)
        reason = (refused, now.type, why)
        examples = self._examples[refused]
        if len(examples) < MOST_SHOWN and self._alike[reason] < MOST_ALIKE:
            self._alike[reason] += 1
            examples.append(_example(was, now, text if refused else f"the old rules: {text}"))

    def told(self, old: Ledger, new: Ledger) -> EventsDiff:
        names = sorted({*old.accounts(), *new.accounts()})
        balances: list[Group] = []
        bills: list[Group] = []
        missing = [0, 0]
        apart = 0
        for name in names:
            clocks = [_clock(ledger, name) for ledger in (old, new)]
            now = max(one for one in clocks if one is not None) + JUST_AFTER
            sums: list[tuple[Fraction, Fraction]] = []
            for side, (ledger, clock) in enumerate(zip((old, new), clocks, strict=True)):
                if clock is None:
                    missing[side] += 1
                    sums.append((ZERO, ZERO))
                    continue
                try:
                    journal = read_ledger(ledger, name, now)
                except ReportError:
                    apart += 1
                    journal = read_ledger(ledger, name)
                sums.append((balance(journal.state), sum((one.total for one in invoices(journal)), ZERO)))
            (left, billed), (right, bills_now) = sums
            balances.append(Group(name, left, right, self.of[name]))
            bills.append(Group(name, billed, bills_now, self.of[name]))
        said = self._left_out(old, new, missing, apart)
        if not any(one.program.policy.takes_funds for one in (old, new)):
            balances = []
        for groups in (balances, bills):
            groups.sort(key=lambda one: (-abs(one.new - one.old), one.value))
        return EventsDiff(
            events=self.events,
            accounts=len(names),
            refused=[*self._examples[True], *self._examples[False]],
            balances=balances,
            bills=bills,
            newly_refused=self.newly_refused,
            newly_accepted=self.newly_accepted,
            left_out=said,
        )

    def _left_out(self, old: Ledger, new: Ledger, missing: list[int], apart: int) -> list[str]:
        found: list[str] = []
        funds = [one.program.policy.takes_funds for one in (old, new)]
        if not any(funds):
            found.append("Neither ruleset keeps funds: there are bills, and no balances.")
        elif not all(funds):
            with_funds, without = ("old", "new") if funds[0] else ("new", "old")
            found.append(
                f"Only the {with_funds} rules keep funds: a balance under the {without} ones is what is owed at most."
            )
        for side, (name, other) in enumerate((("old", "new"), ("new", "old"))):
            if missing[side]:
                found.append(
                    f"{counted(missing[side], 'account')} did not come to be under the {name} rules, and"
                    f" {'has' if missing[side] == 1 else 'have'} nothing there beside what the {other} ones tell."
                )
        if apart:
            found.append(
                f"{counted(apart, 'account')} of one ruleset ended years before the other's: each is as of its own end."
            )
        if self.neither:
            text = f"{counted(self.neither, 'event')} {'is' if self.neither == 1 else 'are'} accepted by neither"
            if self.elsewhere:
                text += (
                    f"; {self.elsewhere:,} of them {'is' if self.elsewhere == 1 else 'are'} refused by another limit"
                )
            found.append(f"{text}.")
        return found


def _clock(ledger: Ledger, account: str) -> Fraction | None:
    try:
        return ledger.state(account).clock
    except KeyError:
        return None


def told(outcome: Outcome) -> tuple[object, str]:
    """Why an event was not accepted: what tells reasons apart, and words."""
    if isinstance(outcome, Refused):
        return outcome.limit, f"refused with {outcome.status} by the limit {outcome.limit}: {outcome.message}"
    if isinstance(outcome, Rejected):
        return (outcome.code, outcome.field), f"rejected: {outcome.message} ({outcome.code})"
    return outcome.decision, outcome.message or str(outcome.decision)


def _example(was: Outcome, now: Outcome, why: str) -> Moved:
    at = was.at if was.at is not None else now.at
    return Moved(
        was.id or now.id or "",
        was.account or now.account or "",
        was.type or now.type or "",
        instant_text(at) if at is not None else "",
        was.exact_amount if was.accepted else None,
        now.exact_amount if now.accepted else None,
        why,
    )

"""An outcome in words: a line for what was decided, and one beneath it for each thing that happened besides."""

from __future__ import annotations

from fractions import Fraction

from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Rejected
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.period import instant_text

PLACES = Fraction(1, 10**6)


def told(outcome: Outcome, currency: str) -> str:
    """What came of an event, to be read by people; amounts to six decimals."""
    when = instant_text(outcome.at) if outcome.at is not None else "—"
    head = f"{when}  {outcome.account or ''}  {outcome.type or '?'} {outcome.id or ''}".rstrip()
    lines = [f"{head}: {_decision(outcome, currency)}"]
    for posting in outcome.postings:
        if posting.kind in ("fee", "expiry", "true-up", "bill", "grant", "code", "bonus", "difference", "correction"):
            lines.append(
                f"    {posting.kind} {money(posting.amount, currency)}, {posting.source} → {posting.to} ({posting.of})"
            )
        elif posting.kind == "charge" and posting.of != _own(outcome):
            lines.append(
                f"    charged {money(posting.amount, currency)} for {posting.of} at {instant_text(posting.at)}"
            )
    for notice in outcome.notices:
        said = ", ".join(f"{key} {value}" for key, value in notice.items() if key not in ("kind", "at"))
        lines.append(f"    {notice['kind']}: {said}")
    return "\n".join(lines)


def _own(outcome: Outcome) -> object:
    return (outcome.facts or {}).get("of", outcome.id)


def _decision(outcome: Outcome, currency: str) -> str:
    if isinstance(outcome, Rejected):
        where = f" (line {outcome.line})" if outcome.line is not None else ""
        return f"rejected{where}: {outcome.message} ({outcome.code})"
    if outcome.decision == "refused":
        return f"refused {outcome.status}: {outcome.message}"
    said = []
    if outcome.exact_amount:
        said.append(f"charged {money(outcome.exact_amount, currency)}")
    if outcome.reserved is not None:
        said.append(f"reserved {money(outcome.reserved, currency)}")
    if outcome.exact_balance is not None:
        said.append(f"balance {money(outcome.exact_balance, currency)}")
    return ", ".join(said) or "accepted"


def money(amount: Fraction, currency: str) -> str:
    """An amount as people read it."""
    return f"{decimal_text(round_to(amount, PLACES, 'half up'))} {currency}"

"""An outcome in words: a line for what was decided, and one beneath it for each thing that happened besides."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from fractions import Fraction

from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Rejected
from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.period import local_clock
from pricelang.period import parse_instant

PLACES = Fraction(1, 10**6)


def told(outcome: Outcome, currency: str, zone: str = "UTC", funds: bool = True) -> str:
    """What came of an event, to be read by people: times in a zone, amounts to six decimals."""

    def when(at: Fraction) -> str:
        return local_text(at, zone)

    start = when(outcome.at) if outcome.at is not None else "—"
    head = f"{start}  {outcome.account or ''}  {outcome.type or '?'} {outcome.id or ''}".rstrip()
    again = " (again)" if outcome.repeated else ""
    lines = [f"{head}{again}: {_decision(outcome, currency, funds)}"]
    lines += _charges(outcome, currency, when)
    for posting in outcome.postings:
        if posting.kind in ("fee", "expiry", "true-up", "bill", "grant", "code", "bonus", "difference", "correction"):
            moved = f"{posting.source} → {posting.to}"
            lines.append(f"    {posting.kind} {money(posting.amount, currency)}, {moved} ({posting.of})")
        elif posting.kind == "refund":
            lines.append(
                f"    refund {money(posting.amount, currency)} of {posting.of}, {posting.source} → {posting.to}"
            )
    for notice in outcome.notices:
        said = ", ".join(f"{key} {_value(value)}" for key, value in notice.items() if key not in ("kind", "at"))
        at = when(parse_instant(str(notice["at"]))) if "at" in notice else start
        lines.append(f"    {notice['kind']}: {said}" + (f", at {at}" if at != start else ""))
    return "\n".join(lines)


def _value(value: object) -> str:
    """What a notice says: a text, or what is counted apart."""
    return " and ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def _charges(outcome: Outcome, currency: str, when: Callable[[Fraction], str]) -> list[str]:
    """What fell due for what runs: one line for each thing, however many hours it was."""
    found: dict[str, list[tuple[Fraction, Fraction]]] = {}
    for posting in outcome.postings:
        if posting.kind == "charge" and posting.of != _own(outcome):
            hours = found.setdefault(posting.of, [])
            if hours and hours[-1][0] == posting.at:
                hours[-1] = (posting.at, hours[-1][1] + posting.amount)
            else:
                hours.append((posting.at, posting.amount))
    lines = []
    for of, hours in found.items():
        total = sum((amount for _, amount in hours), Fraction(0))
        if len(hours) == 1 and total == outcome.exact_amount:
            continue  # the event's own, said above
        span = when(hours[0][0]) + (f" to {when(hours[-1][0])}" if len(hours) > 1 else "")
        times = f"{len(hours)} charges, " if len(hours) > 1 else ""
        lines.append(f"    {times}{money(total, currency)} for {of}, {span}")
    return lines


def local_text(at: Fraction, zone: str) -> str:
    """An instant as its zone's clock shows it, to the next full second."""
    whole = Fraction(-(-at.numerator // at.denominator))
    clock = local_clock(whole, zone)
    return clock.strftime("%Y-%m-%d %H:%M" + (":%S" if clock.second else ""))


def _own(outcome: Outcome) -> object:
    return (outcome.facts or {}).get("of", outcome.id)


def _decision(outcome: Outcome, currency: str, funds: bool) -> str:
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
    if funds and outcome.exact_balance is not None:
        said.append(f"balance {money(outcome.exact_balance, currency)}")
    return ", ".join(said) or "accepted"


def money(amount: Fraction, currency: str) -> str:
    """An amount as people read it."""
    return f"{decimal_text(round_to(amount, PLACES, 'half up'))} {currency}"

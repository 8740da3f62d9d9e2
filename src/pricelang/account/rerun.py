"""Re-rating of a ledger's accounts, one by one, each told in a line."""

from __future__ import annotations

from datetime import date
from datetime import timedelta
from fractions import Fraction

from pricelang.account.apply import apply
from pricelang.account.journal import Books
from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Outcome
from pricelang.engine.intake import RecordError
from pricelang.number import decimal_text
from pricelang.period import instant_text
from pricelang.period import parse_instant
from pricelang.period import start_of_day


def rerated(
    ledger: Ledger,
    account: str | None,
    start: str | None,
    stop: str | None,
    at: str | None,
    id: str | None,
    dry_run: bool,
) -> list[tuple[str, int]]:
    """A line for each account that was priced again, and how many of its records could not be."""
    zone = ledger.program.zone
    begin = _instant(start, zone, False) if start is not None else None
    end = _instant(stop, zone, True) if stop is not None else None
    if begin is not None and end is not None and begin >= end:
        raise RecordError("bad-time", None, f"there is nothing from {start} to {stop}")
    names = [account] if account is not None else ledger.accounts()
    if account is not None and account not in ledger.accounts():
        raise RecordError("unknown-account", "account", f"the ledger has no account `{account}`")
    found = []
    for name in names:
        clock = ledger.state(name).clock
        when = max(_instant(at, zone, False), clock) if at is not None else clock
        event: dict[str, object] = {
            "id": f"{id or f'rerate-{ledger.fingerprint[:12]}-{instant_text(when)}'}/{name}",
            "type": "rerate",
            "at": instant_text(when),
            "account": name,
            "from": instant_text(begin) if begin is not None else None,
            "to": instant_text(end) if end is not None else None,
        }
        outcome = _tried(ledger, event) if dry_run else ledger.apply(event)
        found.append(_told(name, outcome, ledger.program.currency, dry_run))
    return found


def _tried(ledger: Ledger, raw: dict[str, object]) -> Outcome:
    """What would come of it."""
    event = ledger.reader.read(raw)

    def work(books: Books) -> Outcome:
        return apply(ledger.terms, books.state(str(event.account)), event, books)[1]

    return ledger.store.view(work)


def _told(name: str, outcome: Outcome, currency: str, dry_run: bool) -> tuple[str, int]:
    if not outcome.accepted:
        return f"{name}: {outcome.message}", 1
    facts = outcome.facts or {}
    unpriced = sum(notice["kind"] == "not charged" for notice in outcome.notices)
    would = "would post" if dry_run else "had been done before:" if outcome.repeated else "posted"
    more = f"; {unpriced} could not be priced" if unpriced else ""
    said = f"{facts.get('records', 0)} records, {facts.get('rerated', 0)} of them come to something else"
    return f"{name}: {said}; {would} {decimal_text(outcome.exact_amount)} {currency}{more}", unpriced


def _instant(text: str, zone: str, end: bool) -> Fraction:
    """An instant with its offset, or a day of the ruleset's zone."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            return start_of_day(day, zone)
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise RecordError("bad-time", None, f"`{text}` is no day and no instant: {error}") from None

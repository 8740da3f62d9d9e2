"""Looking up what was decided for an account before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pricelang.account.journal import Entry
from pricelang.account.journal import text_of
from pricelang.account.work import Work


def later(work: Work, entry: Entry | None, id: str) -> Iterator[Entry]:
    """Entries of the account after one (None: all) that name an id somewhere. What was refused is among them: it may
    have posted what had fallen due before it."""
    quoted = text_of({"": id})[4:-1]
    for one in work.past.entries(work.state.name, entry.seq if entry is not None else 0):
        if quoted in one.event_text or quoted in one.outcome_text:
            yield one


def own_entry(work: Work, id: str) -> Entry | None:
    """The accepted entry of an event of this account."""
    entry = work.past.entry(id)
    if entry is None or entry.account != work.state.name or entry.outcome.get("decision") != "accepted":
        return None
    return entry


def postings_of(entry: Entry) -> list[dict[str, Any]]:
    """The postings of an entry, as the journal has them."""
    found = entry.outcome.get("postings")
    return found if isinstance(found, list) else []

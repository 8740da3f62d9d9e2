"""A journal replayed from nothing: every event again to a fresh ledger in memory, which must come to the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import pricelang
from pricelang.account.codec import Codec
from pricelang.account.journal import Entry


def instant(seconds: int) -> str:
    """An instant as it is sent."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def texts(outcome: pricelang.Outcome | Mapping) -> str:
    """An outcome, to the byte."""
    return json.dumps(outcome.as_dict() if isinstance(outcome, pricelang.Outcome) else outcome, ensure_ascii=False)


def event_of(entry: Entry) -> dict:
    """The event that an entry was made of, as it can be sent again."""
    made = {key: value for key, value in entry.event.items() if key != "rules"}
    return made | {"id": entry.id, "account": entry.account}


def picture(ledger: pricelang.Ledger, account: str) -> str:
    """An account as it stands, to the byte; but for the numbers of entries, which another ledger counts otherwise."""
    state = ledger.state(account).copy()
    state.marks = tuple(type(one)(one.at, 0, one.counts) for one in state.marks)
    return Codec(ledger.terms).encode(state)


def replayed(ledger: pricelang.Ledger, rules: pricelang.Ruleset) -> list[str]:
    """What differs between a ledger and its journal replayed."""
    found = []
    with pricelang.Ledger.open("memory://", rules) as fresh:
        for entry in ledger.history():
            outcome = fresh.apply(event_of(entry))
            if texts(outcome) != texts(entry.outcome):
                found.append(f"replayed, {entry.id} comes to {texts(outcome)} and was {texts(entry.outcome)}")
        if fresh.accounts() != ledger.accounts():
            found.append(f"accounts {ledger.accounts()}, replayed {fresh.accounts()}")
        for account in ledger.accounts():
            if picture(fresh, account) != picture(ledger, account):
                found.append(f"{account} is {picture(ledger, account)}, replayed {picture(fresh, account)}")
    return found

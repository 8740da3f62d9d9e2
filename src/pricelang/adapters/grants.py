"""One request and the ledger: what it may use is reserved first, then charged or given back. Ids are made here.

A request has an id of its own, `request/ACCOUNT/KEY`; its settlement is `ID/settle`, its release `ID/release`. A key
that comes again after a refusal or a release is decided anew, as `ID/2`, `ID/3`, …
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from urllib.parse import quote
from uuid import uuid4

from pricelang.account.journal import Books
from pricelang.account.journal import LedgerError
from pricelang.account.ledger import Ledger
from pricelang.account.outcome import Accepted
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Rejected
from pricelang.adapters.told import Problem
from pricelang.period import parse_instant

Record = Mapping[str, object]
log = logging.getLogger("pricelang.asgi")

LONGEST_KEY = 255
MOST_ATTEMPTS = 50
"""A key that was refused or released so often is not decided anew."""

_OWN = ("id", "type", "at", "account")


class Grant:
    """What was reserved for a request. `record` is the usage record with its estimates; texts in it only as counts."""

    def __init__(self, hold: str, record: Record, outcome: Accepted, again: bool = False) -> None:
        self.hold = hold
        self.record = dict(record)
        self.outcome = outcome
        self.again = again


class Grants:
    """Authorizes, settles and releases; blocks while the store works. Safe to use from several threads."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime], pauses: tuple[float, ...]) -> None:
        self._ledger = ledger
        self._now = now
        self._pauses = pauses
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    # --- before

    def ask(self, usage: Record, key: str | None) -> Grant | Outcome:
        """Reserves what a record with estimates costs; an outcome where that was refused or rejected.

        `key` makes it the same request when it comes again: then the grant says so, and nothing more is reserved.
        Raises `Problem` where it is still under way or the key cannot be used, `LedgerError` where the store fails.
        """
        record = {"at": self._now(), **{name: value for name, value in usage.items() if value is not None}}
        account = quote(str(record.get("account", "")), safe="")
        own = record.get("id")
        if own is None and key is None:
            record["id"] = f"request/{account}/{uuid4()}"
            return self._authorize(record)
        base = str(own) if own is not None else f"request/{account}/{_checked(key or '')}"
        for attempt in range(1, MOST_ATTEMPTS + 1):
            record["id"] = base if attempt == 1 else f"{base}/{attempt}"
            found = self._keyed(record)
            if found is not None:
                return found
        raise Problem(409, "this Idempotency-Key was used too often: take a new one", {"code": "key-used-up"})

    def _keyed(self, record: dict[str, object]) -> Grant | Outcome | None:
        """A request whose id may have been used; None where it was, came to nothing, and is to be decided anew."""
        id = str(record["id"])
        with self._lock:
            if id in self._under_way:
                raise _still()
            self._under_way.add(id)
        granted = False
        try:
            found = self._look_and_ask(id, record)
            granted = isinstance(found, Grant) and not found.again
            return found
        finally:
            if not granted:
                self.forget(id)

    def _look_and_ask(self, id: str, record: dict[str, object]) -> Grant | Outcome | None:
        fate, at = self._ledger.store.view(lambda books: self._fate(books, id))
        if fate == "new":
            found = self._authorize(record)
            if isinstance(found, Grant) or not (isinstance(found, Rejected) and found.code == "id-conflict"):
                return found
            fate, at = self._ledger.store.view(lambda books: self._fate(books, id))  # another process was quicker
        if fate == "nothing":
            return None
        same = self._ledger.authorize({**record, "at": at}) if at else None
        if not isinstance(same, Accepted):
            message = f"the id `{id}` was used for a request with other usage"
            return same or Rejected(id, "authorize", None, None, message, code="id-conflict", field="id")
        if fate == "open":
            raise _still()
        return Grant(id, self._kept(record), same, again=True)

    def _fate(self, books: Books, id: str) -> tuple[str, str]:
        """What became of an id: new, open, settled, nothing (refused, released, run out), other; and its instant."""
        entry = books.entry(id)
        if entry is None:
            return "new", ""
        if entry.event.get("type") != "authorize":
            return "other", ""
        at = str(entry.event["at"])
        if entry.outcome.get("decision") != "accepted" or books.entry(f"{id}/release") is not None:
            return "nothing", at
        if books.entry(f"{id}/settle") is not None:
            return "settled", at
        state = books.state(entry.account)
        hold = state.holds.get(id) if state is not None else None
        if hold is None or hold.expires <= parse_instant(self._now().isoformat()):
            return "nothing", at
        return "open", at

    def _authorize(self, record: dict[str, object]) -> Grant | Outcome:
        outcome = self._ledger.authorize(record)
        if not isinstance(outcome, Accepted):
            return outcome
        return Grant(str(record["id"]), self._kept(record), outcome)

    def _kept(self, record: Record) -> Record:
        """The record without texts that are only counted."""
        return self._ledger.terms.intake.kept(record)

    # --- afterwards

    def close(self, grant: Grant, used: Record | None) -> None:
        """Charges what was used (fields that take the place of the estimates), or gives the hold back for None.

        Never raises: what cannot be charged as said is charged as estimated, and a store that fails is tried again.
        What is lost even so is logged as an error, with all it takes to settle it by hand.
        """
        own = {name: grant.record[name] for name in _OWN if name in grant.record}
        own["at"] = self._now()
        try:
            outcome = self._insist(lambda: self._end(grant, own, used))
            if isinstance(outcome, Rejected) and used:
                log.error("%s: used %s: %s; charged as estimated", grant.hold, _json(used), outcome.message)
                outcome = self._insist(lambda: self._end(grant, own, {}))
            if isinstance(outcome, Rejected):
                log.error("%s: not settled: %s", grant.hold, outcome.message)
        except Exception:
            log.exception("%s: not settled: record %s, used %s", grant.hold, _json(grant.record), _json(used))
        finally:
            self.forget(grant.hold)

    def forget(self, id: str) -> None:
        """The request is no longer under way in this program."""
        with self._lock:
            self._under_way.discard(id)

    def _end(self, grant: Grant, own: Record, used: Record | None) -> Outcome:
        if used is None:
            event = {"id": f"{grant.hold}/release", "type": "release", "hold": grant.hold}
            return self._ledger.apply({**event, "at": own["at"], "account": own["account"]})
        return self._ledger.settle(grant.hold, {**grant.record, **used, **own})

    def _insist(self, act: Callable[[], Outcome]) -> Outcome:
        for pause in self._pauses:
            try:
                return act()
            except LedgerError as error:
                log.warning("the ledger is tried again in %s s: %s", pause, error)
                time.sleep(pause)
        return act()


def now_in_utc() -> datetime:
    return datetime.now(UTC)


def _checked(key: str) -> str:
    """A key as it stands in an id: without the quotes of a structured field, and with nothing that an id uses."""
    key = key.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(key) > LONGEST_KEY:
        raise Problem(400, f"Idempotency-Key must have 1 to {LONGEST_KEY} characters", {"code": "bad-key"})
    return quote(key, safe="")


def _still() -> Problem:
    message = "a request with this Idempotency-Key is under way"
    return Problem(409, message, {"code": "in-progress"}, {"retry-after": "1"})


def _json(value: object) -> str:
    return json.dumps(value, default=str)

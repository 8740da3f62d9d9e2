"""What a ledger keeps: one entry for each event that was decided, appended and never changed; and what a store does."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Protocol
from typing import TypeVar

if TYPE_CHECKING:
    from pricelang.account.state import State

T = TypeVar("T")


class LedgerError(Exception):
    """The store cannot be read or written, or was made for something else. Nothing was granted."""


class Entry:
    """One event and what came of it. `seq` counts up over the whole ledger; it is 0 before the entry is written.

    Event and outcome are kept as given and made into JSON text, or read from it, only when that is asked for.
    """

    __slots__ = ("_event", "_event_text", "_outcome", "_outcome_text", "account", "id", "seq")

    def __init__(
        self,
        id: str,
        account: str,
        event: Mapping[str, object] | Callable[[], Mapping[str, object]] | str,
        outcome: Mapping[str, object] | Callable[[], Mapping[str, object] | str] | str,
        seq: int = 0,
    ) -> None:
        self.id = id
        self.account = account
        self.seq = seq
        self._event = None if isinstance(event, str) else event
        self._event_text = event if isinstance(event, str) else None
        self._outcome = None if isinstance(outcome, str) else outcome
        self._outcome_text = outcome if isinstance(outcome, str) else None

    @property
    def event(self) -> Mapping[str, object]:
        """The event, as it can be written to JSON."""
        if self._event is None:
            assert self._event_text is not None
            found: dict[str, object] = json.loads(self._event_text)
            self._event = found
        elif callable(self._event):
            self._event = self._event()
        return self._event

    @property
    def outcome(self) -> Mapping[str, object]:
        """The outcome, as it can be written to JSON."""
        if callable(self._outcome):
            self._made()
        if self._outcome is None:
            assert self._outcome_text is not None
            read: dict[str, object] = json.loads(self._outcome_text)
            self._outcome = read
        assert not callable(self._outcome)
        return self._outcome

    def _made(self) -> None:
        """Asks for the outcome, which comes as an object or as its text."""
        assert callable(self._outcome)
        found = self._outcome()
        if isinstance(found, str):
            self._outcome, self._outcome_text = None, found
        else:
            self._outcome = found

    @property
    def kept(self) -> object:
        """What a journal in memory keeps of it."""
        return self

    @property
    def event_text(self) -> str:
        if self._event_text is None:
            self._event_text = text_of(self.event)
        return self._event_text

    @property
    def outcome_text(self) -> str:
        if self._outcome_text is None and callable(self._outcome):
            self._made()
        if self._outcome_text is None:
            self._outcome_text = text_of(self.outcome)
        return self._outcome_text


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def text_of(value: Mapping[str, object]) -> str:
    """An object as one line of JSON."""
    return _encode(value)


class Books(Protocol):
    """A ledger's books, open for one piece of work that happens whole or not at all."""

    def state(self, account: str) -> State | None:
        """The account as it stands; None where there is none. While the work goes on, nobody else changes it."""

    def entry(self, id: str) -> Entry | None:
        """The entry of an event."""

    def used(self, ids: list[str]) -> set[str]:
        """Which of these ids have an entry already: for many at once."""

    def entries(self, account: str | None = None, after: int = 0) -> Iterator[Entry]:
        """The entries of one account, or of all, whose `seq` is above `after`, in order of `seq`."""

    def accounts(self) -> list[str]:
        """The names of all accounts, in order of the alphabet."""

    def write(self, account: str, state: State, entry: Entry | None) -> None:
        """Keeps the account's new state, and appends the entry; its `seq` is set. An id that is used is an error."""


class Store(Protocol):
    """Where books are kept. Another kind of store is one class like this."""

    def meta(self) -> dict[str, str]:
        """What was kept with `keep_meta`: which ruleset and currency the ledger is for."""

    def keep_meta(self, values: Mapping[str, str]) -> None:
        """Keeps a few texts by name."""

    def transact(self, accounts: list[str] | None, work: Callable[[Books], T]) -> T:
        """Runs a piece of work that may write; the work can be run again from its start if others were in the way.

        When this returns, what was written is durable. An exception of the work undoes all of it. `accounts` are those
        the work will touch; None is all of them.
        """

    def view(self, work: Callable[[Books], T]) -> T:
        """Runs a piece of work that only reads, on one consistent picture."""

    def close(self) -> None:
        """Gives back what the store holds. A closed store is not used again."""

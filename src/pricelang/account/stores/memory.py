"""Books kept in this program's memory alone; and what the other stores need in memory: a draft, and recent states."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import TypeVar

from pricelang.account.journal import Books
from pricelang.account.journal import Entry
from pricelang.account.journal import LedgerError

if TYPE_CHECKING:
    from pricelang.account.state import State

T = TypeVar("T")

Kept = Entry | tuple[Any, ...]
"""An entry, or the row of one that is made again when it is read."""


class Maker(Protocol):
    """What makes an entry of a row, which names its maker by its place."""

    def entry(self, row: tuple[Any, ...], seq: int) -> Entry:
        """The entry."""


class Draft:
    """What one piece of work has written so far, and whether it may still go on.

    Once something went wrong the draft is spoiled: nothing of it is kept, even if the work carries on regardless.
    """

    def __init__(self, writing: bool) -> None:
        self.changed: dict[str, State] = {}
        self.pending: dict[str, Entry] = {}
        self.made: list[Entry] = []
        self.writing = writing
        self._over = False
        self._spoiled: LedgerError | None = None

    def check(self) -> None:
        """Refuses to go on with books that are closed, or with work of which nothing will be kept."""
        if self._spoiled is not None:
            raise self._spoiled
        if self._over:
            raise LedgerError("these books are closed: the work they were opened for is over")

    def put(self, account: str, state: State, entry: Entry | None, number: Callable[[], int]) -> None:
        """Notes a state and an entry; `number` gives the entry's `seq`."""
        self.check()
        if not self.writing:
            raise LedgerError("these books are open for reading only")
        if entry is not None:
            if entry.id in self.pending:
                raise self.used(entry.id)
            entry.seq = number()
            self.pending[entry.id] = entry
            self.made.append(entry)
        self.changed[account] = state

    def used(self, id: str) -> LedgerError:
        """The error for an id that has an entry already."""
        return self.spoil(LedgerError(f'the id "{id}" has an entry already; nothing was written'))

    def spoil(self, error: LedgerError) -> LedgerError:
        """Notes that nothing of this will be kept."""
        self._spoiled = self._spoiled or error
        return error

    def end(self) -> None:
        """The work is over: books that were carried out of it cannot be used."""
        self._over = True

    def undo(self) -> None:
        """Nothing was kept: the entries are as they were before they were written."""
        self._over = True
        for entry in self.made:
            entry.seq = 0


class Recent:
    """The states of the accounts used lately, each with its version: read from text once, not at every event."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._states: OrderedDict[str, tuple[int, State]] = OrderedDict()

    def get(self, account: str) -> tuple[int, State] | None:
        with self._lock:
            found = self._states.get(account)
            if found is not None:
                self._states.move_to_end(account)
            return found

    def keep(self, account: str, version: int, state: State) -> None:
        """Keeps a state that is committed. An older one never takes the place of a newer one."""
        with self._lock:
            found = self._states.get(account)
            if found is not None and found[0] > version:
                return
            self._states[account] = (version, state)
            self._states.move_to_end(account)
            if len(self._states) > self._most:
                self._states.popitem(last=False)


class MemoryStore:
    """Books that are gone when the program ends. Threads take turns, those that only read as well."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.before: Callable[[list[str] | None], None] | None = None
        self.working = False
        self._closed = False
        self._meta: dict[str, str] = {}
        self.states: dict[str, State] = {}
        self.grounds: list[Any] = []
        """What makes entries of rows, by its place: a `Maker` each."""
        self._journal: list[Kept] = []
        self.by_id: dict[str, int] = {}
        self._by_account: dict[str, array[int]] = {}

    def meta(self) -> dict[str, str]:
        with self.lock:
            self.check_open()
            return dict(self._meta)

    def keep_meta(self, values: Mapping[str, str]) -> None:
        with self.lock:
            self.check_open()
            self._meta.update(values)

    def transact(self, accounts: list[str] | None, work: Callable[[Books], T]) -> T:
        with self.lock:
            self.check_open()
            if self.working:
                raise LedgerError(
                    "work on the ledger is under way in this thread: it cannot hold other work that writes"
                )
            if self.before is not None:
                self.before(accounts)
            self.working = True
            draft = Draft(writing=True)
            try:
                result = work(_MemoryBooks(self, draft))
                draft.check()
                self._keep(draft)
            except BaseException:
                draft.undo()
                raise
            finally:
                self.working = False
            return result

    def view(self, work: Callable[[Books], T]) -> T:
        with self.lock:
            self.check_open()
            if self.before is not None and not self.working:
                self.before(None)
            draft = Draft(writing=False)
            try:
                return work(_MemoryBooks(self, draft))
            finally:
                draft.end()

    def is_used(self, id: str) -> bool:
        """Whether an event of that id was decided."""
        return id in self.by_id

    def append(self, id: str, account: str, kept: Kept) -> None:
        """Adds an entry whose account is put in place later, by `before`. The caller holds the lock."""
        journal = self._journal
        journal.append(kept)
        seq = len(journal)
        self.by_id[id] = seq
        seqs = self._by_account.get(account)
        if seqs is None:
            seqs = self._by_account[account] = array("q")
        seqs.append(seq)

    def size(self) -> int:
        """How many entries there are, which is the `seq` of the last."""
        return len(self._journal)

    def entry(self, id: str) -> Entry | None:
        """The entry of an event."""
        seq = self.by_id.get(id)
        return self._made(seq) if seq is not None else None

    def after(self, account: str | None, seq: int) -> Iterator[Entry]:
        """The entries of one account, or of all, that there are now, whose `seq` is above one."""
        if account is None:
            seqs: Sequence[int] = range(max(seq, 0) + 1, len(self._journal) + 1)
        else:
            known = self._by_account.get(account, array("q"))
            seqs = known[bisect_right(known, seq) :]
        return map(self._made, seqs)

    def _made(self, seq: int) -> Entry:
        kept = self._journal[seq - 1]
        if isinstance(kept, Entry):
            return kept
        maker: Maker = self.grounds[kept[0]]
        return maker.entry(kept, seq)

    def close(self) -> None:
        self._closed = True

    def check_open(self) -> None:
        """LedgerError where it is closed."""
        if self._closed:
            raise LedgerError("the ledger's store is closed")

    def _keep(self, draft: Draft) -> None:
        """Puts everything in place; nothing in here can fail half-way."""
        self.states.update(draft.changed)
        for entry in draft.made:
            self.append(entry.id, entry.account, entry.kept)  # type: ignore[arg-type]
        draft.end()


class _MemoryBooks:
    """The books of one piece of work: what the store has, and over it what the work has written."""

    def __init__(self, store: MemoryStore, draft: Draft) -> None:
        self._store = store
        self._draft = draft

    def state(self, account: str) -> State | None:
        self._draft.check()
        changed = self._draft.changed.get(account)
        return self._store.states.get(account) if changed is None else changed

    def entry(self, id: str) -> Entry | None:
        self._draft.check()
        return self._draft.pending.get(id) or self._store.entry(id)

    def used(self, ids: list[str]) -> set[str]:
        self._draft.check()
        return {id for id in ids if self._store.is_used(id) or id in self._draft.pending}

    def entries(self, account: str | None = None, after: int = 0) -> Iterator[Entry]:
        made = [one for one in self._draft.made if one.seq > after and account in (None, one.account)]
        for entry in chain(self._store.after(account, after), made):
            self._draft.check()
            yield entry

    def accounts(self) -> list[str]:
        self._draft.check()
        return sorted(self._store.states.keys() | self._draft.changed.keys())

    def write(self, account: str, state: State, entry: Entry | None) -> None:
        if entry is not None and self._store.is_used(entry.id):
            self._draft.check()
            raise self._draft.used(entry.id)
        self._draft.put(account, state, entry, self._next)

    def _next(self) -> int:
        return self._store.size() + len(self._draft.made) + 1

"""Books kept in a SQLite file, which several threads and several programs may use at once.

What keeps it right and fair:

- One writer at a time. A writer holds a lock on a file of its own (`PATH-lock`) from before its transaction to after
  its commit, the checkpoint that a commit can end with included; so does whoever opens or closes a connection. SQLite's
  own locks would do for exactness, but a program that waits by them can starve; and releases up to 3.51.2 can damage a
  file when a checkpoint overlaps a commit. With the lock held, nothing overlaps.
- Those who only read take no lock and wait for nobody.
- Before this program is forked, the connections are closed, and opened again on both sides when they are needed. SQLite
  cannot bear a connection that is carried over, nor one opened beside it.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from typing import TypeVar

from pricelang.account.journal import Books
from pricelang.account.journal import Entry
from pricelang.account.journal import LedgerError
from pricelang.account.stores.memory import Draft
from pricelang.account.stores.memory import Recent

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from pricelang.account.state import State

T = TypeVar("T")

APPLICATION = 0x70724C67  # "prLg", by which a ledger's file is known
SCHEMA = 1
PATIENCE = 30.0  # seconds that anyone waits for their turn
PAGE = 1000  # entries read, or collected before they are written, at a time

_TABLES = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
    "CREATE TABLE account(name TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL)",
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, account TEXT NOT NULL,"
    " event TEXT NOT NULL, outcome TEXT NOT NULL)",
    "CREATE INDEX journal_account ON journal(account, seq)",
    "CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal"
    " BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END",
    "CREATE TRIGGER journal_never_shrinks BEFORE DELETE ON journal"
    " BEGIN SELECT RAISE(ABORT, 'the journal is only ever added to'); END",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)

_STATE = "SELECT version, CASE WHEN version = ? THEN NULL ELSE state END FROM account WHERE name = ?"
_KEEP_STATE = (
    "INSERT INTO account(name, version, state) VALUES (?, ?, ?)"
    " ON CONFLICT(name) DO UPDATE SET version = excluded.version, state = excluded.state"
)
_ENTRY = "SELECT id, account, event, outcome, seq FROM journal WHERE id = ?"
_ENTRIES = "SELECT id, account, event, outcome, seq FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_ENTRIES_OF = (
    "SELECT id, account, event, outcome, seq FROM journal"
    " WHERE account = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
)
_KEEP_ENTRY = "INSERT INTO journal(seq, id, account, event, outcome) VALUES (?, ?, ?, ?, ?)"
_KEEP_META = "INSERT INTO meta(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value"
_FURTHEST = 2**63 - 1


class SqliteStore:
    """Books in a SQLite file. `durable=False` may lose the last moments when the machine loses power; nothing else.

    One connection writes; those that read are lent out, one for each piece of work under way.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        encode: Callable[[State], str],
        decode: Callable[[str], State],
        durable: bool = True,
    ) -> None:
        self.path = os.path.realpath(path)
        self.encode = encode
        self.decode = decode
        self.recent = Recent()
        self._durable = durable
        self._closed = False
        self._forked = False
        self._owner = 0
        self._turn = _Turn(self.path)
        self._mutex = threading.Lock()
        self._file: tuple[int, int] | None = None
        self._writer: sqlite3.Connection | None = None
        self._idle: list[sqlite3.Connection] = []
        self._lent: set[sqlite3.Connection] = set()
        self._pid = os.getpid()
        try:
            _look(self.path)
        except LedgerError:
            # with a lock beside it, it may be a ledger that is just being made: that is looked at again in one's turn
            if not os.path.exists(self._turn.path):
                raise
        with self._turn:
            self._writing()
        _stores.add(self)

    # --- what a store does ---------------------------------------------------------------------------------------

    def meta(self) -> dict[str, str]:
        return self._view(_SqliteBooks.meta)

    def keep_meta(self, values: Mapping[str, str]) -> None:
        self._transact(lambda books: books.keep_meta(values))

    def transact(self, accounts: list[str] | None, work: Callable[[Books], T]) -> T:
        return self._transact(work)

    def view(self, work: Callable[[Books], T]) -> T:
        return self._view(work)

    def close(self) -> None:
        if self._owner == threading.get_ident():
            raise LedgerError("the ledger's store cannot be closed by work that it runs")
        self._closed = True
        if self._forked or os.getpid() != self._pid:
            self._leave_behind()
            return
        if self._writer is None and not self._idle:
            self._turn.close()
            return
        with self._turn:
            self._close_connections()
        self._turn.close()

    def notes(self) -> list[str]:
        """What is worth knowing of how the file is kept, in plain sentences."""
        notes = []
        if fcntl is None:
            notes.append(
                "this system has no file locks of the kind that keep several writers apart (fcntl):"
                " let one program at a time write to the ledger"
            )
        if _can_lose_the_wal(sqlite3.sqlite_version_info):
            kept = (
                "do not let two programs write to it at once"
                if fcntl is None
                else f"it is kept out by letting one writer at a time into the file, with a lock on {self._turn.path};"
                " do not write to the file with another program while the ledger is in use"
            )
            notes.append(
                f"SQLite {sqlite3.sqlite_version} can, very rarely, damage a file that two programs write to at once"
                f" (the WAL-reset bug, mended in 3.51.3): {kept}"
            )
        if not self._durable:
            notes.append("the ledger is not kept durable: a loss of power can take back what was just granted")
        return notes

    def __del__(self) -> None:
        # closing can end with a checkpoint, which must have its turn like any other
        with contextlib.suppress(Exception):
            self.close()

    # --- work ----------------------------------------------------------------------------------------------------

    def _transact(self, work: Callable[[_SqliteBooks], T]) -> T:
        self._check_open()
        if self._owner == threading.get_ident():
            raise LedgerError("work on the ledger is under way in this thread: it cannot hold other work that writes")
        with self._turn:
            self._owner = threading.get_ident()
            try:
                return self._write(work)
            finally:
                self._owner = 0

    def _write(self, work: Callable[[_SqliteBooks], T]) -> T:
        connection = self._writing()
        _begin(connection, self.path)
        books = _SqliteBooks(self, connection, writing=True)
        try:
            result = work(books)
            books.keep(self._pid)
        except BaseException:
            books.draft.undo()
            self._undo(connection)
            raise
        for account, version, state in books.kept:
            self.recent.keep(account, version, state)
        return result

    def _undo(self, connection: sqlite3.Connection) -> None:
        """Rolls back. A connection that cannot is given up; the next work opens another."""
        if os.getpid() != self._pid:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._writer = None
            connection.close()

    def _view(self, work: Callable[[_SqliteBooks], T]) -> T:
        self._check_open()
        connection = self._borrow()
        books = _SqliteBooks(self, connection, writing=False)
        try:
            books.run("BEGIN")
            return work(books)
        finally:
            books.draft.end()
            self._give_back(connection)

    def _check_open(self) -> None:
        if self._closed:
            raise LedgerError("the ledger's store is closed")
        if self._forked or os.getpid() != self._pid:
            self._forked = True
            raise LedgerError(
                f"{self.path} was in use while this program was forked: open the ledger after the fork, not before"
            )

    # --- connections ---------------------------------------------------------------------------------------------

    def _writing(self) -> sqlite3.Connection:
        """The connection that writes. To be called in one's turn."""
        # asked before anything is opened anew, too: a ledger that is gone is not begun again, empty
        if self._file is not None and _identity(self.path) != self._file:
            raise _replaced(self.path)
        if self._writer is None:
            _look(self.path)
            self._writer = self._open()
            self._file = _identity(self.path)
        return self._writer

    def _borrow(self) -> sqlite3.Connection:
        if _identity(self.path) != self._file:
            raise _replaced(self.path)
        with self._mutex:
            if self._idle:
                connection = self._idle.pop()
                self._lent.add(connection)
                return connection
        # one that reads is opened only beside one that writes, so that it is never the last to close
        if self._owner == threading.get_ident():
            connection = self._open_reader()
        else:
            with self._turn:
                self._writing()
                connection = self._open_reader()
        with self._mutex:
            self._lent.add(connection)
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if os.getpid() != self._pid:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            good = True
        except sqlite3.Error:
            good = False
        with self._mutex:
            self._lent.discard(connection)
            if good and not self._closed:
                self._idle.append(connection)
                return
        if self._owner == threading.get_ident():
            connection.close()
            return
        with self._turn:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        """Opens the connection that writes, and makes the tables in a file that is empty."""
        connection = _connect(self.path, "rwc", PATIENCE)
        try:
            connection.execute("BEGIN")
            empty = _check_schema(connection, self.path)
            connection.execute("COMMIT")
            if empty:
                _make_tables(connection, self.path)
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise LedgerError(f"{self.path} lies where SQLite cannot keep a write-ahead log")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            # on a Mac an ordinary sync leaves data in the drive's own memory; elsewhere this does nothing
            connection.execute(f"PRAGMA fullfsync = {'ON' if self._durable else 'OFF'}")
            # from here on _begin does the waiting, and more fairly
            connection.execute("PRAGMA busy_timeout = 0")
            # a file that cannot be written is told of now, not at the first event
            _begin(connection, self.path)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
            connection.execute("ROLLBACK")
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise _plainly(error, self.path) from error
            raise
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        connection = _connect(self.path, "rw", PATIENCE)
        try:
            connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            connection.close()
            raise _plainly(error, self.path) from error
        return connection

    def _close_connections(self) -> None:
        """To be called in one's turn."""
        with self._mutex:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    # --- forks ---------------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Waits until no work is under way, and closes everything. What cannot be waited for is left to the child."""
        self._fork_ready = False
        if self._owner == threading.get_ident() or self._closed or os.getpid() != self._pid:
            return
        try:
            self._turn.take()
        except LedgerError:
            return
        deadline = time.monotonic() + PATIENCE
        self._mutex.acquire()
        while self._lent and time.monotonic() < deadline:
            self._mutex.release()
            time.sleep(0.001)
            self._mutex.acquire()
        self._fork_ready = True
        if not self._lent:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._turn.let_go_of_file()

    def after_fork(self) -> None:
        """In the parent all goes on."""
        if self._fork_ready:
            self._mutex.release()
            self._turn.give()

    def after_fork_in_child(self) -> None:
        """In the child, everything is new; or refused, where a connection was carried over."""
        if os.getpid() == self._pid or self._forked:
            return
        carried = self._writer is not None or self._idle or self._lent
        if carried and not self._closed:
            self._forked = True
            self._leave_behind()
        # closed, not unlocked: the lock is the parent's
        self._turn.let_go_of_file()
        self._turn = _Turn(self.path)
        self._mutex = threading.Lock()
        self._owner = 0
        self._pid = os.getpid()

    def _leave_behind(self) -> None:
        """Keeps the parent's connections from being closed here: that would pull its locks away."""
        _left_behind.extend(c for c in (self._writer, *self._idle, *self._lent) if c is not None)
        self._writer = None
        self._idle = []
        self._lent = set()


class _SqliteBooks:
    """The books of one piece of work, on one transaction."""

    def __init__(self, store: SqliteStore, connection: sqlite3.Connection, writing: bool) -> None:
        self.draft = Draft(writing)
        self.kept: list[tuple[str, int, State]] = []
        self._store = store
        self._connection = connection
        self._versions: dict[str, int] = {}
        self._states: dict[str, State | None] = {}
        self._last = -1

    def state(self, account: str) -> State | None:
        self.draft.check()
        changed = self.draft.changed.get(account)
        if changed is not None:
            return changed
        if account not in self._versions:
            self._read(account)
        return self._states[account]

    def _read(self, account: str) -> None:
        recent = self._store.recent.get(account)
        row = self.run(_STATE, (-1 if recent is None else recent[0], account)).fetchone()
        state: State | None = None
        version = 0
        if row is not None:
            version, text = row
            if text is not None:
                state = self._store.decode(text)
                self._store.recent.keep(account, version, state)
            elif recent is not None:
                state = recent[1]
        self._versions[account] = version
        self._states[account] = state

    def entry(self, id: str) -> Entry | None:
        self.draft.check()
        pending = self.draft.pending.get(id)
        if pending is not None:
            return pending
        row = self.run(_ENTRY, (id,)).fetchone()
        return None if row is None else Entry(*row)

    def used(self, ids: list[str]) -> set[str]:
        self.draft.check()
        found = {id for id in ids if id in self.draft.pending}
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            marks = ",".join("?" * len(some))
            found.update(id for (id,) in self.run(f"SELECT id FROM journal WHERE id IN ({marks})", tuple(some)))
        return found

    def entries(self, account: str | None = None, after: int = 0) -> Iterator[Entry]:
        self.draft.check()
        upto = self._last_seq() if self.draft.writing else _FURTHEST
        # page by page: a statement left open would get in the way of what is written meanwhile
        while True:
            self.draft.check()
            self._flush()
            if account is None:
                rows = self.run(_ENTRIES, (after, upto, PAGE)).fetchall()
            else:
                rows = self.run(_ENTRIES_OF, (account, after, upto, PAGE)).fetchall()
            for row in rows:
                self.draft.check()
                yield Entry(*row)
            if len(rows) < PAGE:
                return
            after = rows[-1][-1]

    def accounts(self) -> list[str]:
        self.draft.check()
        names = [name for (name,) in self.run("SELECT name FROM account ORDER BY name").fetchall()]
        return sorted({*names, *self.draft.changed}) if self.draft.changed else names

    def write(self, account: str, state: State, entry: Entry | None) -> None:
        self.draft.put(account, state, entry, self._next)
        if len(self.draft.pending) >= PAGE:
            self._flush()

    def _next(self) -> int:
        self._last = self._last_seq() + 1
        return self._last

    def _last_seq(self) -> int:
        # asked once: others are kept out, so what comes after the last entry is known
        if self._last < 0:
            (last,) = self.run("SELECT max(seq) FROM journal").fetchone()
            self._last = last or 0
        return self._last

    def meta(self) -> dict[str, str]:
        return dict(self.run("SELECT name, value FROM meta").fetchall())

    def keep_meta(self, values: Mapping[str, str]) -> None:
        self.run_many(_KEEP_META, list(values.items()))

    def _flush(self) -> None:
        """Writes the entries that wait."""
        rows = list(self.draft.pending.values())
        if not rows:
            return
        values = [(e.seq, e.id, e.account, e.event_text, e.outcome_text) for e in rows]
        try:
            self.run_many(_KEEP_ENTRY, values)
        except LedgerError as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                raise self._used(rows, error) from error.__cause__
            raise
        self.draft.pending.clear()

    def _used(self, rows: list[Entry], error: LedgerError) -> LedgerError:
        """Which of the ids had an entry already."""
        for entry in rows:
            found = self._connection.execute("SELECT seq FROM journal WHERE id = ?", (entry.id,)).fetchone()
            if found is not None and found[0] != entry.seq:
                return self.draft.used(entry.id)
        return error

    def keep(self, pid: int) -> None:
        """Writes what waits, each account once, and makes it last."""
        self.draft.check()
        self._flush()
        for account, state in self.draft.changed.items():
            if account not in self._versions:
                self._read(account)
            self.kept.append((account, self._versions[account] + 1, state))
        encode = self._store.encode
        states = [(account, version, encode(state)) for account, version, state in self.kept]
        if states:
            self.run_many(_KEEP_STATE, states)
        if os.getpid() != pid:
            raise LedgerError("this program was forked by the work: what it wrote is kept, or not, by the parent")
        if not self._connection.in_transaction:
            raise LedgerError(f"{self._store.path}: the transaction was broken off; nothing was written")
        self.run("COMMIT")
        self.draft.end()

    def run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise self.draft.spoil(_plainly(error, self._store.path)) from error

    def run_many(self, statement: str, values: Sequence[Sequence[object]]) -> None:
        try:
            self._connection.executemany(statement, values)
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise self.draft.spoil(_plainly(error, self._store.path)) from error


# --- turns -----------------------------------------------------------------------------------------------------------


class _Queue:
    """A lock whose threads are served in the order in which they came; Python's own lets the quick starve the rest."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self) -> bool:
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        try:
            return gate.acquire(timeout=PATIENCE) or not self._leave(gate)
        except BaseException:
            if not self._leave(gate):
                self.give()
            raise

    def give(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def _leave(self, gate: threading.Lock) -> bool:
        """Leaves the queue; False where the lock had just been handed over."""
        with self._mutex:
            try:
                self._waiting.remove(gate)
            except ValueError:
                return False
            return True


class _Turn:
    """One's turn to write to a file: first among the threads of this program, then among programs.

    Programs try, and wait a random moment of up to a millisecond. Waiting in the system instead (a blocking flock) was
    measured to be as fair; but it could not give up after a while, when a program that is stuck holds the lock.
    """

    def __init__(self, path: str) -> None:
        self.path = f"{path}-lock"
        self._queue = _Queue()
        self._file = -1

    def take(self) -> None:
        if not self._queue.take():
            raise LedgerError(f"{self.path}: no turn to write came for {PATIENCE:.0f} seconds; nothing was written")
        try:
            self._lock()
        except BaseException:
            self._queue.give()
            raise

    def give(self) -> None:
        try:
            if self._file >= 0:
                assert fcntl is not None
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._queue.give()

    def __enter__(self) -> None:
        self.take()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.give()

    def let_go_of_file(self) -> None:
        """Closes the file, which unlocks it too."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def close(self) -> None:
        if self._queue.take():
            self.let_go_of_file()
            self._queue.give()

    def _lock(self) -> None:
        if fcntl is None:
            return
        started = time.monotonic()
        while True:
            try:
                if self._file < 0:
                    self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - started
                if waited > PATIENCE:
                    raise LedgerError(
                        f"another program has kept {self.path} locked for {PATIENCE:.0f} seconds; nothing was written"
                    ) from None
                # who has waited long tries more often, so that nobody's bad luck lasts
                time.sleep(random.random() * (0.001 if waited < 0.1 else 0.0002))
                continue
            except OSError as error:
                raise LedgerError(f"{self.path} cannot be used as the ledger's lock: {error.strerror}") from error
            if os.fstat(self._file).st_nlink:
                return
            # somebody cleared the lock away: the others lock another file of the same name
            self.let_go_of_file()


# --- the file --------------------------------------------------------------------------------------------------------


def _connect(path: str, mode: str, timeout: float) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{Path(path).as_uri()}?mode={mode}",
            uri=True,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise _plainly(error, path) from error


def _begin(connection: sqlite3.Connection, path: str) -> None:
    """Begins to write. Only a program that takes no turns can be in the way here."""
    started = time.monotonic()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.Error as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() - started > PATIENCE:
                raise _plainly(error, path) from error
        time.sleep(random.random() * 0.001)


def _look(path: str) -> None:
    """Refuses what is no ledger before anything beside it is made, without so much as a lock on it."""
    if not os.path.isdir(os.path.dirname(path)):
        raise LedgerError(f"{path} cannot be made: there is no folder {os.path.dirname(path)}")
    if not os.path.exists(path):
        return
    if not os.path.isfile(path):
        raise LedgerError(f"{path} is no file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise LedgerError(f"{path} may not be read and written by this user")
    if fcntl is None:
        return
    # "immutable" reads the file as it lies there. Plain reading would pull away the locks this program has on the file.
    connection = _connect(path, "ro&immutable=1", 0)
    try:
        _check_schema(connection, path)
    except sqlite3.Error as error:
        raise _plainly(error, path) from error
    finally:
        connection.close()


def _make_tables(connection: sqlite3.Connection, path: str) -> None:
    """Makes the tables, all or none. The file is marked before it gets a log, so that `_look` sees the mark."""
    connection.execute("BEGIN EXCLUSIVE")
    if _check_schema(connection, path):
        for statement in _TABLES:
            connection.execute(statement)
    connection.execute("COMMIT")


def _check_schema(connection: sqlite3.Connection, path: str) -> bool:
    """Whether the file is empty. One that is neither empty nor a ledger of this version is refused."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION:
        if version != SCHEMA:
            newer = "a newer pricelang" if version > SCHEMA else "a pricelang that this one does not know"
            raise LedgerError(f"{path} is a ledger of {newer}: its version is {version}, this one reads {SCHEMA}")
        return False
    (things,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application or version or things:
        raise LedgerError(f"{path} is a database of another program, not a ledger; nothing in it was changed")
    return True


def _identity(path: str) -> tuple[int, int]:
    """Which file it is, whatever its name."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise _replaced(path) from error
    return found.st_dev, found.st_ino


def _replaced(path: str) -> LedgerError:
    return LedgerError(f"{path} was removed or replaced while the ledger was open: open the ledger again")


def _code(error: sqlite3.Error) -> int:
    """SQLite's number for the kind of fault."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _plainly(error: Exception, path: str) -> LedgerError:
    """What SQLite says, as a sentence about the ledger."""
    if isinstance(error, UnicodeEncodeError):
        return LedgerError(f"{path}: a text that is no Unicode text cannot be kept; nothing was written")
    assert isinstance(error, sqlite3.Error)
    said = {
        sqlite3.SQLITE_FULL: "there is no room left; nothing was written",
        sqlite3.SQLITE_BUSY: f"another program has kept it locked for {PATIENCE:.0f} seconds; nothing was written",
        sqlite3.SQLITE_LOCKED: "it is locked; nothing was written",
        sqlite3.SQLITE_READONLY: "it may only be read, not written",
        sqlite3.SQLITE_PERM: "it may not be used",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened, or nothing can be made beside it",
        sqlite3.SQLITE_NOTADB: "it is no database",
        sqlite3.SQLITE_CORRUPT: "it is damaged",
        sqlite3.SQLITE_IOERR: "it could not be read or written; send what was not answered again, with the same id",
    }
    sentence = said.get(_code(error))
    return LedgerError(f"{path}: {error}" if sentence is None else f"{path}: {sentence} ({error})")


def _can_lose_the_wal(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the WAL-reset bug: 3.7.0 to 3.51.2, but for two releases that were mended as well."""
    if version[:2] in ((3, 44), (3, 50)):
        return version < ((3, 44, 6) if version[1] == 44 else (3, 50, 7))
    return (3, 7, 0) <= version < (3, 51, 3)


# --- forks -----------------------------------------------------------------------------------------------------------

_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_left_behind: list[sqlite3.Connection] = []
_forking: list[SqliteStore] = []
_one_fork = threading.Lock()


def _before_fork() -> None:
    _one_fork.acquire()
    _forking.extend(_stores)
    for store in _forking:
        store.before_fork()


def _after_fork() -> None:
    for store in _forking:
        store.after_fork()
    _forking.clear()
    _one_fork.release()


def _after_fork_in_child() -> None:
    for store in _forking:
        store.after_fork_in_child()
    _forking.clear()
    _one_fork.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)

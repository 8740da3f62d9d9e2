"""Opens a store by its address. Each kind is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pricelang.account.journal import LedgerError
from pricelang.account.journal import Store

if TYPE_CHECKING:
    from pricelang.account.state import State

KNOWN = "memory://, sqlite:///relative.db, sqlite:////absolute.db, postgresql://user@host/database"


def open_store(url: str, encode: Callable[[State], str], decode: Callable[[str], State]) -> Store:
    """The store at an address; `encode` and `decode` make an account's state into text and back."""
    kind, colon, rest = url.partition("://")
    if kind == "memory" and colon:
        return _memory(rest)
    if kind == "sqlite" and colon:
        return _sqlite(rest, encode, decode)
    if kind in ("postgresql", "postgres") and colon:
        from pricelang.account.stores.postgres import PostgresStore

        return PostgresStore(url, encode, decode)
    # only the kind is told: what follows can hold a password
    raise LedgerError(f'"{kind if colon else url}" is no kind of store; there are: {KNOWN}')


def _memory(rest: str) -> Store:
    from pricelang.account.stores.memory import MemoryStore

    if rest.strip("/"):
        raise LedgerError("a store in memory has no name: write memory://")
    return MemoryStore()


def _sqlite(rest: str, encode: Callable[[State], str], decode: Callable[[str], State]) -> Store:
    from pricelang.account.stores.sqlite import SqliteStore

    path = rest.removeprefix("/")
    if path == ":memory:":
        raise LedgerError("sqlite:///:memory: would be gone with its connection: write memory:// instead")
    if path == rest or not path or path.endswith("/"):
        raise LedgerError("the address of a SQLite file is sqlite:///relative.db or sqlite:////absolute.db")
    if "?" in path:
        raise LedgerError("the address of a SQLite file takes no settings after a question mark")
    return SqliteStore(path, encode, decode)

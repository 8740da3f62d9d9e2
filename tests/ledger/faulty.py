"""Stores that are wrong on purpose: what these tests must find."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import TypeVar

from pricelang.account.journal import Books
from pricelang.account.journal import Entry
from pricelang.account.state import State
from pricelang.account.stores.sqlite import SqliteStore

T = TypeVar("T")
Written = list[tuple[str, State, Entry | None]]


class _Noting:
    """Books that are read as they are, and written later."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.written: Written = []

    def state(self, account: str) -> State | None:
        return self._books.state(account)

    def entry(self, id: str) -> Entry | None:
        return self._books.entry(id)

    def used(self, ids: list[str]) -> set[str]:
        return self._books.used(ids)

    def entries(self, account: str | None = None, after: int = 0) -> Iterator[Entry]:
        return self._books.entries(account, after)

    def accounts(self) -> list[str]:
        return self._books.accounts()

    def write(self, account: str, state: State, entry: Entry | None) -> None:
        self.written.append((account, state, entry))


class ReadThenWrite(SqliteStore):
    """Reads and decides, and only then takes its turn to write."""

    def transact(self, accounts: list[str] | None, work: Callable[[Books], T]) -> T:
        def read(books: Books) -> tuple[T, Written]:
            noting = _Noting(books)
            return work(noting), noting.written

        result, written = self.view(read)
        time.sleep(0.002)

        def write(books: Books) -> None:
            for account, state, entry in written:
                books.write(account, state, entry)

        super().transact(accounts, write)
        return result


class Split(SqliteStore):
    """Commits the journal's row and the account's state one after the other."""

    journal_first = True

    def transact(self, accounts: list[str] | None, work: Callable[[Books], T]) -> T:
        def read(books: Books) -> tuple[T, Written, dict[str, State | None]]:
            noting = _Noting(books)
            result = work(noting)
            return result, noting.written, {account: books.state(account) for account, _, _ in noting.written}

        result, written, before = self.view(read)

        def rows(books: Books) -> None:
            for account, state, entry in written:
                books.write(account, before[account] or state, entry)

        def states(books: Books) -> None:
            for account, state, _ in written:
                books.write(account, state, None)

        for each in (rows, states) if self.journal_first else (states, rows):
            super().transact(accounts, each)
            time.sleep(0.001)
        return result


class SplitStateFirst(Split):
    """The other way round: the state, then the journal's row."""

    journal_first = False

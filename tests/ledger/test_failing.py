"""A ledger whose store fails grants nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import pricelang
from ledger import crowd
from ledger import rules
from ledger.conftest import Url
from ledger.replay import replayed


def _begun(url: str) -> pricelang.Ledger:
    ledger = pricelang.Ledger.open(url, rules.bank())
    ledger.apply({"id": "s", "type": "signup", "at": crowd.NOON, "account": "acme"})
    ledger.apply({"id": "t", "type": "topup", "at": crowd.NOON, "account": "acme", "amount": 10})
    return ledger


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def test_out_of_room(sqlite_url: Url) -> None:
    url = sqlite_url()
    with _begun(url) as ledger:
        store: Any = ledger.store
        (pages,) = store._writer.execute("pragma page_count").fetchone()
        store._writer.execute(f"pragma max_page_count = {pages}")
        granted = 0
        for n in range(500):
            try:
                granted += ledger.apply(crowd.chat(f"c{n}", 0 if n else 1)).accepted
            except pricelang.LedgerError as error:
                assert "no room" in str(error)  # noqa: PT017
                break
        else:
            pytest.fail("the file never was full")
        assert len(ledger.history()) == granted + 2
        with pytest.raises(pricelang.LedgerError):
            list(ledger.apply_many(crowd.chat(f"d{i}", 0) for i in range(200)))
        assert len(ledger.history()) == granted + 2
        assert ledger.balance("acme") == 9
        store._writer.execute("pragma max_page_count = 100000")
        assert ledger.apply(crowd.chat(f"c{n}")).accepted
    with pricelang.Ledger.open(url, rules.bank()) as ledger:
        assert (ledger.balance("acme"), len(ledger.history())) == (Decimal(8), granted + 3)
        assert not replayed(ledger, rules.bank())


def _damaged(path: str) -> None:
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 8)


def _without(table: str) -> Callable[[str], None]:
    def work(path: str) -> None:
        connection = sqlite3.connect(path)
        connection.execute(f"DROP TABLE {table}")
        connection.commit()
        connection.close()

    return work


def _other_state(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE account SET version = version + 1, state = '{\"v\": 99}'")
    connection.commit()
    connection.close()


def _broken_state(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE account SET version = version + 1, state = substr(state, 1, 30)")
    connection.commit()
    connection.close()


HARM = {
    "damaged": _damaged,
    "no journal": _without("journal"),
    "no accounts": _without("account"),
    "a state of another version": _other_state,
    "half a state": _broken_state,
}


@pytest.mark.parametrize("harm", list(HARM))
@pytest.mark.parametrize("running", [False, True])
def test_a_store_that_was_harmed(sqlite_url: Url, harm: str, running: bool) -> None:
    url = sqlite_url()
    ledger = _begun(url)
    for n in range(50):
        ledger.apply(crowd.chat(f"z{n}", 0))
    if not running:
        ledger.close()
    if harm == "damaged" and running:
        ledger.close()  # what lies in the log heals a file that is open
        ledger = pricelang.Ledger.open(url, rules.bank())
    HARM[harm](_path(url))

    def ask() -> None:
        with ledger if running else pricelang.Ledger.open(url, rules.bank()) as asked:
            asked.apply(crowd.chat("c"))

    with pytest.raises(pricelang.LedgerError):
        ask()


def test_an_error_in_the_midst_of_a_batch_grants_nothing(sqlite_url: Url, monkeypatch: pytest.MonkeyPatch) -> None:
    with _begun(sqlite_url()) as ledger:
        decide = ledger._one
        calls: list[int] = []

        def failing(*given: Any) -> Any:
            calls.append(1)
            if len(calls) == 4:
                raise OSError("gone")
            return decide(*given)

        monkeypatch.setattr(ledger, "_one", failing)
        with pytest.raises(OSError, match="gone"):
            list(ledger.apply_many(crowd.chat(f"c{n}") for n in range(6)))
        assert (ledger.balance("acme"), len(ledger.history())) == (10, 2)

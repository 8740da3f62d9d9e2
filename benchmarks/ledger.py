"""How fast a ledger decides: in memory, durably in SQLite one by one and in batches, beside the bare library.

    python benchmarks/ledger.py [--count N] [--postgres URL]

Ratios are what counts: the bare library writes the same rows, of the same sizes, with the same settings, in the same
run, in turns with ours. `authorize + settle` is of a ruleset with three limits.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable

import pricelang

RULES = """
ruleset gateway
  currency USD

account
  daily_limit  USD

usage chat
  model          text
  input_tokens   tokens
  output_tokens  tokens

table models by model, per 1M tokens
  | Model   | Input | Output |
  |---------|-------|--------|
  | small-1 | $0.05 | $0.10  |
  | large-1 | $0.20 | $0.60  |

price chat
  input:   input_tokens at models.input
  output:  output_tokens at models.output

funds
  pay for chat

limit daily "Daily limit"
  spend each day may reach account.daily_limit
  refuse with 402

limit tpm "Tokens per minute"
  (input_tokens + output_tokens) each minute for each model may not exceed 100M tokens
  refuse with 429

limit funds_left
  balance may fall to $0
  refuse with 402
"""

ACCOUNTS = 100


def time_of(second: int) -> str:
    return f"2026-02-17T{10 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def usage(model: str = "large-1", output: int = 500) -> dict[str, object]:
    return {"type": "chat", "model": model, "input_tokens": 1000, "output_tokens": output}


def opened(url: str, rules: pricelang.Ruleset, accounts: int) -> pricelang.Ledger:
    """A ledger with accounts that have funds enough."""
    ledger = pricelang.Ledger.open(url, rules)
    start = "2026-02-01T00:00:00Z"
    for number in range(accounts):
        name = f"account-{number}"
        events = [
            {"id": f"s{number}", "type": "signup", "at": start, "account": name, "daily_limit": 100_000},
            {"id": f"t{number}", "type": "topup", "at": start, "account": name, "amount": 100_000},
        ]
        assert all(outcome.accepted for outcome in map(ledger.apply, events))
    return ledger


def charges(count: int, accounts: int, run: int = 0) -> list[dict[str, object]]:
    """Charges in order of time, fifty a second; each `run` begins where the one before ended."""
    return [
        {"id": f"c{run}-{i}", "at": time_of((run * count + i) // 50), "account": f"account-{i % accounts}", **usage()}
        for i in range(count)
    ]


def each(count: int, work: Callable[[int], object]) -> list[float]:
    """The time of each of so many pieces of work, in microseconds."""
    found = []
    for number in range(count):
        start = time.perf_counter_ns()
        work(number)
        found.append((time.perf_counter_ns() - start) / 1000)
    return found


def told(name: str, times: list[float]) -> None:
    times = sorted(times)
    p99 = times[int(len(times) * 0.99)]
    print(f"{name:<58} {statistics.median(times):9.1f} µs median {p99:9.1f} µs p99")


def in_memory(rules: pricelang.Ruleset, count: int) -> None:
    asked = [
        {
            "id": f"h{i}",
            "type": "authorize",
            "at": time_of(i // 50),
            "account": "account-0",
            "usage": usage(output=4000),
        }
        for i in range(count)
    ]
    used = [
        {
            "id": f"s{i}.",
            "type": "settle",
            "hold": f"h{i}",
            "at": time_of(i // 50),
            "account": "account-0",
            "usage": usage(),
        }
        for i in range(count)
    ]
    ledger = opened("memory://", rules, 1)

    def both(number: int) -> None:
        ledger.apply(asked[number])
        ledger.apply(used[number])

    told("memory: authorize + settle, three limits", each(count, both))
    ledger = opened("memory://", rules, 1)
    events = charges(count, 1)
    told("memory: a charge", each(count, lambda number: ledger.apply(events[number])))
    ledger.apply({"id": "l", "type": "set", "at": time_of(count), "account": "account-0", "daily_limit": "0.01"})
    late = [{**one, "id": f"r{i}", "at": time_of(count + 1)} for i, one in enumerate(events[: count // 20])]
    told("memory: a refusal (402)", each(len(late), lambda number: ledger.apply(late[number])))


class Bare:
    """The library alone: a journal row and an account's row in one durable transaction."""

    def __init__(self, path: str, ledger: pricelang.Ledger) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        run = self.connection.execute
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run("CREATE TABLE account(name TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL)")
        run(
            "CREATE TABLE journal(seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, account TEXT NOT NULL,"
            " event TEXT NOT NULL, outcome TEXT NOT NULL)"
        )
        run("CREATE INDEX journal_account ON journal(account, seq)")
        entry = ledger.history()[-1]
        self.event, self.outcome = entry.event_text, entry.outcome_text
        self.state = "s" * 700
        for number in range(ACCOUNTS):
            run("INSERT INTO account VALUES (?, 0, ?)", (f"account-{number}", self.state))

    def one(self, number: int) -> None:
        run = self.connection.execute
        run("BEGIN IMMEDIATE")
        run(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?)",
            (number, f"c{number}", "account-0", self.event, self.outcome),
        )
        run("UPDATE account SET version = ?, state = ? WHERE name = ?", (number, self.state, "account-0"))
        run("COMMIT")

    def many(self, start: int, count: int) -> None:
        run = self.connection
        run.execute("BEGIN IMMEDIATE")
        rows = [
            (number, f"c{number}", f"account-{number % ACCOUNTS}", self.event, self.outcome)
            for number in range(start, start + count)
        ]
        run.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", rows)
        states = [(start, self.state, f"account-{number}") for number in range(ACCOUNTS)]
        run.executemany("UPDATE account SET version = ?, state = ? WHERE name = ?", states)
        run.execute("COMMIT")


def in_sqlite(rules: pricelang.Ruleset, count: int, folder: str) -> None:
    ledger = opened(f"sqlite:///{folder}/ledger.db", rules, ACCOUNTS)
    events = charges(count, 1)
    ledger.apply(events[0])
    bare = Bare(f"{folder}/bare.db", ledger)
    ours: list[float] = []
    theirs: list[float] = []
    step = 50
    for start in range(1, count - step, step):  # in turns, so that what else the disk does hits both
        theirs += each(step, lambda number, start=start: bare.one(start + number))  # type: ignore[misc]
        ours += each(step, lambda number, start=start: ledger.apply(events[start + number]))  # type: ignore[misc]
    told("SQLite, FULL: the bare library, one durable write each", theirs)
    told("SQLite, FULL: a charge, one durable write each", ours)
    print(f"  {sum(theirs) / sum(ours):.2f} of the bare library's rate ({1e6 * len(ours) / sum(ours):,.0f} a second)")

    batches = 12
    ours, theirs = [], []
    for number in range(batches):
        many = [
            {**one, "account": f"account-{1 + i % (ACCOUNTS - 1)}"}
            for i, one in enumerate(charges(5000, 1, number + 1))
        ]
        theirs += each(1, lambda _, number=number: bare.many(10_000_000 + number * 5000, 5000))  # type: ignore[misc]
        ours += each(1, lambda _, many=many: sum(1 for _ in ledger.apply_many(many)))  # type: ignore[misc]
    rate, best = 5000e6 / statistics.median(ours), 5000e6 / statistics.median(theirs)
    told_as = f"{rate:,.0f} a second; the bare library's rows alone {best:,.0f}: {rate / best:.2f}"
    print(f"SQLite, FULL: charges in batches of 1,000: {told_as}")


def in_postgres(rules: pricelang.Ruleset, count: int, url: str) -> None:
    ledger = opened(url, rules, 1)
    events = charges(count, 1)
    told("Postgres: a charge, one durable transaction each", each(count, lambda number: ledger.apply(events[number])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--postgres", metavar="URL")
    given = parser.parse_args()
    rules = pricelang.load_text(RULES)
    gc.freeze()
    in_memory(rules, given.count)
    with tempfile.TemporaryDirectory() as folder:
        in_sqlite(rules, min(given.count, 2000), folder)
    if given.postgres:
        in_postgres(rules, min(given.count, 500), given.postgres)
    print(f"on {os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")


if __name__ == "__main__":
    main()

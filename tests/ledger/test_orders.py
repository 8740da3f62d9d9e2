"""What does not depend on the order of arrival, on the machine, or on the day's length."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import days
from ledger import orders
from ledger import rules
from ledger import timelines
from ledger.conftest import Url
from ledger.replay import instant

HERE = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("seed", range(8))
def test_all_orders_come_to_the_same(seed: int) -> None:
    tried, wrong = orders.compare(seed, 5)
    assert not wrong, wrong
    assert tried > 20


def test_the_orders_differ_in_what_they_do() -> None:
    """The charges of one event do depend on the order; their sums do not."""
    amounts = set()
    first = [
        {"id": f"e{n}", "type": "chat", "at": instant(orders.SIGNUP + n), "account": "acme", "tokens": 900}
        for n in (1, 2)
    ]
    for order in (first, first[::-1]):
        with orders.pricelang.Ledger.open("memory://", rules.tiers()) as ledger:
            ledger.apply(orders._signup())
            amounts.add(tuple(ledger.apply(event).amount for event in order))
            last = orders.told(ledger)
    assert len(amounts) == 2
    assert last["charged for e1"] == 9


def test_a_journal_is_the_same_to_the_byte_on_every_machine(sqlite_url: Url) -> None:
    expected = orders.digest(6)
    code = "from ledger import orders; print(orders.digest(6))"
    for hash_seed, zone, language in (("0", "Asia/Tokyo", "C"), ("4711", "America/New_York", "C.UTF-8")):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone, "LC_ALL": language, "PYTHONPATH": str(HERE)}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
    assert orders.digest(1, sqlite_url()) == orders.digest(1)


def test_days_are_the_days_of_the_zone() -> None:
    count, odd, wrong = days.run(0, 120)
    assert not wrong, wrong[:3]
    assert count == 120
    assert odd >= 10  # days of 23 or 25 hours, or other than 24


def test_rules_that_change_leave_what_is_posted(sqlite_url: Url) -> None:
    wrong = timelines.run(0, 40, sqlite_url)
    assert not wrong, wrong[:3]

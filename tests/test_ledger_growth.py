"""What once grew or slowed without end: an account does not remember what can decide nothing any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pricelang
from accounts.teller import Teller
from accounts.teller import ruleset

CALL = "usage call\n  n  requests\n  who  text, default me\n\nprice call\n  calls:  n at $0.01 per request\n\nfunds\n  pay for call\n\n"


USAGE = {"type": "call", "n": 1}


def at(second: int) -> str:
    return pricelang.period.instant_text(pricelang.period.parse_instant("2026-02-01T00:00:00Z") + second)


def calls(t: Teller, count: int, seconds: int, who: Callable[[int], str] = lambda number: "me", n: int = 1) -> None:
    """Calls that are all accepted, each some seconds after the one before."""
    begun = t.count
    t.count += count
    sent = (
        {"id": f"c-{number}", "type": "call", "at": at(number * seconds), "account": "a-1", "n": n, "who": who(number)}
        for number in range(begun, begun + count)
    )
    assert {one.decision for one in t.ledger.apply_many(sent)} == {"accepted"}


def test_alerts_that_were_told_are_forgotten_with_their_window() -> None:
    limit = "limit rpm\n  n each minute for each who may not exceed 10\n  alert at 50%, 60%\n  refuse with 429\n"
    t = Teller(ruleset(CALL + limit))
    calls(t, 600, 60, n=6)  # ten hours
    assert len(t.ledger.state("a-1").alerted) <= 2 * 2 * 60  # windows of minutes are kept for an hour


def test_windows_that_ended_do_not_stay_warm(tmp_path: Path) -> None:
    limit = "limit rpm\n  n each minute for each who may not exceed 10\n  refuse with 429\n"
    rules = ruleset(CALL + limit)
    for url in ("memory://", f"sqlite:///{tmp_path}/ledger.db"):
        t = Teller(rules, url=url)
        t.ok("2026-02-01 00:00", "topup", amount=1000)
        calls(t, 3000, 10, lambda number: f"w{number}")  # eight hours
        for number in range(3000, 6000):  # and eight hours one by one
            event = {
                "id": f"d-{number}",
                "type": "call",
                "at": at(number * 10),
                "account": "a-1",
                "n": 1,
                "who": f"w{number}",
            }
            assert t.ledger.apply(event).decision == "accepted"
        warm = t.ledger._warm["a-1"]
        assert len(warm.cells) + len(warm.old) <= 1000  # two hours are 720
        assert len(t.ledger.state("a-1").used) <= 1000


def test_a_settlement_is_not_lost_among_many_that_ran_out() -> None:
    t = Teller(ruleset(CALL))
    for number in range(1100):
        t.ledger.apply({"id": f"h{number}", "type": "authorize", "at": at(0), "account": "a-1", "usage": USAGE})
    t.ok("2026-02-01 01:00", "clock")
    for number in (0, 50, 1099):
        told = t.ok("2026-02-01 01:01", "settle", hold=f"h{number}", usage=USAGE)
        assert told.exact_amount * 100 == 1
    assert t.rejected("2026-02-01 01:01", "settle", hold="h0", usage=USAGE) == "hold-closed"
    assert t.rejected("2026-02-01 01:01", "release", hold="h50") == "hold-closed"


def test_a_clock_for_all_that_nobody_can_follow_moves_nobody() -> None:
    t = Teller(ruleset(CALL))
    t.ledger.apply({"id": "k", "type": "clock", "at": "2040-01-01T00:00:00Z"})
    calls(t, 1, 1)
    assert t.ledger.state("a-1").clock == pricelang.period.parse_instant(at(1))


def slower(work: Callable[[int], None]) -> float:
    """How many times longer the last of four parts of some work takes than the first; where each takes longer than the
    one before, it is seven times."""
    took = []
    for part in range(4):
        before = time.process_time()
        work(part)
        took.append(time.process_time() - before)
    return took[3] / took[0]


def test_a_sliding_limit_does_not_slow_down_with_what_it_holds() -> None:
    t = Teller(ruleset(CALL + "limit day\n  requests in any 24 hours may not exceed 100,000\n  refuse with 429\n"))
    assert slower(lambda part: calls(t, 500, 5)) < 3


def test_records_out_of_order_do_not_slow_down_with_the_hour() -> None:
    tiers = CALL.replace(
        "at $0.01 per request", "at graduated each month\n    up to 10: $1 per request\n    above 10: $0.01 per request"
    )
    t = Teller(ruleset(tiers))

    def swapped(part: int) -> None:
        for number in range(part * 60, part * 60 + 60, 2):
            for one in (number + 1, number):
                event = {"id": f"c{one:04}", "type": "call", "at": at(one), "account": "a-1", "n": 1}
                assert t.ledger.apply(event).decision == "accepted"

    assert slower(swapped) < 3
    assert t.ledger.balance("a-1") == -(10 + 230 * pricelang.number.parse_decimal("0.01"))


def test_topups_do_not_slow_down_with_those_before() -> None:
    t = Teller(ruleset(CALL))

    def topups(part: int) -> None:
        for number in range(part * 150, part * 150 + 150):
            event = {"id": f"t{number}", "type": "topup", "at": at(number), "account": "a-1", "amount": 1}
            assert t.ledger.apply(event).decision == "accepted"

    assert slower(topups) < 3

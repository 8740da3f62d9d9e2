"""What once grew or slowed without end: an account does not remember what can decide nothing any more; and what came
of names, of holds and of times that nobody had thought of."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import pricelang
from accounts.teller import Teller
from accounts.teller import ruleset
from pricelang.cli.main import Commands

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
    assert slower(lambda part: calls(t, 300, 5)) < 3


def test_records_out_of_order_do_not_slow_down_with_the_hour() -> None:
    tiers = CALL.replace(
        "at $0.01 per request", "at graduated each month\n    up to 10: $1 per request\n    above 10: $0.01 per request"
    )
    t = Teller(ruleset(tiers))

    def swapped(part: int) -> None:
        for number in range(part * 40, part * 40 + 40, 2):
            for one in (number + 1, number):
                event = {"id": f"c{one:04}", "type": "call", "at": at(one), "account": "a-1", "n": 1}
                assert t.ledger.apply(event).decision == "accepted"

    assert slower(swapped) < 3
    assert t.ledger.balance("a-1") == -(10 + 150 * pricelang.number.parse_decimal("0.01"))


def test_topups_do_not_slow_down_with_those_before() -> None:
    t = Teller(ruleset(CALL))

    def topups(part: int) -> None:
        for number in range(part * 150, part * 150 + 150):
            event = {"id": f"t{number}", "type": "topup", "at": at(number), "account": "a-1", "amount": 1}
            assert t.ledger.apply(event).decision == "accepted"

    assert slower(topups) < 3


# --- open reservations, names, times --------------------------------------------------------------------------------

FREE = "usage call\n  n  requests\n\nprice call\n  calls:  n at graduated each month\n    up to 20: free\n    above 20: $1 per request\n\nfunds\n  pay for call\n\n"


def test_open_reservations_do_not_all_have_the_same_free_units() -> None:
    limits = "limit daily\n  spend each day may not exceed $10\n  refuse with 402\n"
    t = Teller(ruleset(FREE + limits))
    t.ok("2026-02-02 09:00", "topup", amount=30)
    assert t.hold("2026-02-02 10:00", id="h1", n=20).reserved == 0
    assert t.hold("2026-02-02 10:00", id="h2", n=8).reserved == 8  # the free ones are spoken for
    t.refused("2026-02-02 10:00", "authorize", usage={"type": "call", "n": 3})  # 8 + 3 of 10
    t.refused("2026-02-02 10:00", "call", n=3)
    t.ok("2026-02-02 10:01", "release", hold="h1")
    t.ok("2026-02-02 10:01", "settle", hold="h2", usage={"type": "call", "n": 8})
    assert t.balance == 30  # eight of twenty free ones


def test_open_reservations_do_not_all_have_the_same_cap() -> None:
    capped = CALL.replace("at $0.01 per request\n", "at $1 per request\n    at most $10 each month\n")
    t = Teller(ruleset(capped))
    assert t.hold("2026-02-02 10:00", n=8).reserved == 8
    assert t.hold("2026-02-02 10:00", n=8).reserved == 2  # the cap is 10


def test_a_record_that_has_the_name_of_a_true_up_takes_only_itself_back() -> None:
    flat = "usage call\n  n  requests\n\nprice call\n  calls:  n at $1 per request\n    at least $5 each month\n\n"
    t = Teller(ruleset(flat), "2026-02-01 00:00")
    t.ok("2026-02-10 10:00", "call", id="a-1/2026-02/calls", n=1)
    t.ok("2026-03-01 00:00", "clock")
    names = {one.of for one in t.postings if one.kind == "true-up"}
    assert names == {"a-1/2026-02/calls"}  # else the record above has no such name
    t.ok("2026-03-02 00:00", "correct", of="a-1/2026-02/calls")
    assert t.revenue() == 5


def test_rerate_by_the_same_rules_leaves_alone_what_came_before_a_change_at_its_instant() -> None:
    body = "account\n  plan  one of plans\n\ntable plans by plan\n  | plan | price (per request) |\n  | A    | $1                  |\n  | B    | $3                  |\n\nusage call\n  n  requests\n\nprice call\n  calls:  n at plans.price\n"
    t = Teller(ruleset(body), plan="A")
    assert t.charge("2026-02-02 10:00", n=1) == 1
    t.ok("2026-02-02 10:00", "subscribe", plan="B")
    assert t.ok("2026-02-02 11:00", "rerate").amount == 0


def test_a_late_stop_gives_back_hours_of_what_is_suspended_too() -> None:
    body = "resource vm\n  kind  text\n\nprice vm\n  hours:  $1 every started hour\n\nfunds\n  pay for vm\n\nlimit left\n  balance may fall to $0\n  suspend vm\n"
    t = Teller(ruleset(body))
    t.ok("2026-02-02 00:00", "topup", amount=4)
    t.ok("2026-02-02 00:00", "start", resource="vm", resource_id="v", kind="k")
    t.ok("2026-02-02 05:30", "clock")  # 0 to 3 o'clock are paid, at 4 it is suspended
    assert (t.balance, len(t.told("suspended"))) == (0, 1)
    t.ok("2026-02-02 01:30", "stop", resource_id="v")
    assert t.balance == 2


SIZED = """resource vm
  size  one of S or L, may change

table sizes by size
  | size | price |
  | S    | $1    |
  | L    | $2    |

price vm
  hours:  sizes.price every started hour

funds
  pay for vm
"""


def test_a_refund_of_a_run_is_bounded_by_all_of_its_stretches() -> None:
    t = Teller(ruleset(SIZED))
    t.ok("2026-02-02 00:00", "start", resource="vm", resource_id="v", size="S")
    t.ok("2026-02-02 02:30", "change", resource_id="v", size="L")  # 3 hours at $1
    t.ok("2026-02-02 05:00", "clock")  # 2:30, 3:30, 4:30 at $2
    t.ok("2026-02-02 05:00", "refund", of="v", amount=3)
    assert t.balance == -6
    t.ok("2026-02-02 03:00", "stop", resource_id="v")  # 3 and 2, less 3
    assert t.balance == -2


HOURS = {"x": "02", "y": "04", "z": "06"}


@pytest.mark.parametrize("order", ["xyz", "xzy", "yxz", "yzx", "zxy", "zyx"])
def test_a_cap_holds_for_runs_that_are_told_in_any_order(order: str) -> None:
    body = "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n    at most $6 each day\n\nfunds\n  pay for vm\n"
    t = Teller(ruleset(body))
    for id in order:
        times = {"started": f"2026-02-02T{HOURS[id]}:00:00Z", "stopped": f"2026-02-02T{HOURS[id]}:30:00Z"}
        told = t.ledger.apply({"id": id, "type": "vm", "account": "a-1", "kind": "k", **times})
        assert told.decision == "accepted"
    assert t.balance == -6  # 4 + 2 + 0
    taken = {"id": "t", "type": "correct", "at": "2026-02-03T00:00:00Z", "account": "a-1", "of": order[0]}
    assert t.ledger.apply(taken).decision == "accepted"
    assert t.balance == -6  # 4 + 2


def test_what_runs_does_not_pass_a_limit_that_may_not_be_exceeded() -> None:
    body = "resource vm\n  kind  text\n\nprice vm\n  hours:  $1 every started hour\n\nlimit daily\n  spend each day may not exceed $5\n  suspend vm\n"
    t = Teller(ruleset(body))
    t.ok("2026-02-02 00:10", "start", resource="vm", resource_id="v", kind="k")
    t.ok("2026-02-03 12:00", "clock")
    assert t.revenue("vm", "2026-02-02", "2026-02-03") == 5
    assert t.revenue("vm", "2026-02-03") == 5


KINDS = ("usage", "daily", "tokens", "top", "records", "summary", "balance", "transactions", "invoice")


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A ledger in which something was used that the rules have no more."""
    rules = "ruleset acme\n  currency USD\n\n"
    other = "usage other\n  k  requests\n\nprice other\n  ks:  k at $1 per request\n\n"
    vm = "resource vm\n  kind  text\n\nprice vm\n  hours:  $1 every started hour\n\n"
    old = pricelang.load_text(
        rules + other + vm + CALL.replace("pay for call", "pay for call, other, vm"), "acme.price"
    )
    (tmp_path / "acme.price").write_text(rules + CALL)
    with pricelang.Ledger.open(f"sqlite:///{tmp_path}/ledger.db", old) as ledger:
        for at, type, fields in (
            ("2026-02-01T00:00:00Z", "signup", {}),
            ("2026-02-01T00:00:01Z", "topup", {"amount": 50}),
            ("2026-02-02T10:00:00Z", "other", {"k": 7, "id": "o"}),
            ("2026-02-02T10:00:01Z", "refund", {"of": "o", "amount": 1}),
            ("2026-02-02T10:00:02Z", "correct", {"of": "o", "usage": {"type": "other", "k": 6}}),
            ("2026-02-02T11:00:00Z", "start", {"resource": "vm", "resource_id": "v", "kind": "k"}),
            ("2026-02-02T12:30:00Z", "stop", {"resource_id": "v"}),
        ):
            told = ledger.apply({"id": f"{at}", "type": type, "at": at, "account": "a-1", **fields})
            assert told.decision == "accepted", told
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_tells_of_what_the_rules_have_no_more(lost: Path, kind: str) -> None:
    invoice = ["--account", "a-1", "--period", "2026-02"]
    options = {"invoice": invoice, "balance": ["--account", "a-1"], "usage": ["--by", "type"]}.get(kind, [])
    url = ["--ledger", f"sqlite:///{lost}/ledger.db", "--at", "2026-02-20T00:00:00Z", "--format", "json"]
    result = CliRunner().invoke(Commands("pricelang"), ["report", kind, str(lost / "acme.price"), *url, *options])
    assert result.exit_code == 0, result.output
    if kind in ("usage", "top", "records", "summary", "invoice"):
        assert "other" in result.stdout


def test_a_mistyped_ledger_is_not_made_by_rerate(lost: Path) -> None:
    url = f"sqlite:///{lost}/mistyped.db"
    result = CliRunner().invoke(Commands("pricelang"), ["rerate", str(lost / "acme.price"), "--ledger", url])
    assert result.exit_code == 2
    assert not (lost / "mistyped.db").exists()


def test_a_rerate_of_no_days_does_not_stand_in_the_way_of_the_right_one(lost: Path) -> None:
    command = ["rerate", str(lost / "acme.price"), "--ledger", f"sqlite:///{lost}/ledger.db"]
    CliRunner().invoke(Commands("pricelang"), [*command, "--from", "2026-03-01", "--to", "2026-02-01"])
    right = CliRunner().invoke(Commands("pricelang"), [*command, "--from", "2026-02-01", "--to", "2026-03-01"])
    assert "id-conflict" not in right.output


ALERTED = """account
  daily  USD

limit daily
  spend each day may reach account.daily
  alert at 50%, 100%

"""


def test_an_alert_at_nothing_is_told_once_a_day() -> None:
    t = Teller(ruleset(CALL + ALERTED), daily=0)
    for hour in (8, 9, 12, 20):
        t.ok(f"2026-02-02 {hour:02d}:00", "call", n=0)
    assert [one["level"] for one in t.told("alert")] == ["50%", "100%"]


def test_a_day_that_was_forgotten_alerts_no_more() -> None:
    t = Teller(ruleset(CALL + ALERTED), daily=5)
    t.ok("2026-02-01 00:00", "topup", amount=100)
    t.ok("2026-02-02 10:00", "call", id="c", n=600)
    assert len(t.told("alert")) == 2
    t.ok("2026-05-02 10:00", "correct", of="c", usage={"type": "call", "n": 2000, "at": "2026-02-02T10:00:00Z"})
    assert len(t.told("alert")) == 2
    assert t.paid_for("c") == 20

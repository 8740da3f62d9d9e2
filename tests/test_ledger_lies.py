"""What once made a ledger lie: each case was found by somebody who tried, with the amounts it must come to by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result

import pricelang
from accounts.teller import Teller
from accounts.teller import moment
from accounts.teller import ruleset
from pricelang.cli.main import Commands

CALL = "usage call\n  n  requests\n\nprice call\n  calls:  n at $1 per request\n\n"
VM = "resource vm\n  kind  text\n\nprice vm\n  hours:  $1 every started hour\n\n"
FUNDS = "funds\n  pay for {}\n\n"
BONUS = "topup\n  | pay | bonus |\n  |-----|-------|\n  | any | 100%  |\n\n"
TIERS = """usage call
  n  requests

price call
  calls:  n at graduated each month
    up to 10: $2 per request
    above 10: $1 per request

"""
PLANS = """account
  plan  one of plans
  note  number, optional

table plans by plan
  | plan | price (per request) |
  | A    | $1                  |
  | B    | $10                 |

usage call
  n  requests

price call
  calls:  n at plans.price

"""

Reopen = Callable[..., Teller]


@pytest.fixture
def reopen(tmp_path: Path) -> Reopen:
    """One ledger under one ruleset after another; ids are given, as each teller counts its own."""

    def opened(body: str, signup: str | None = None) -> Teller:
        made = Teller(ruleset(body), url=f"sqlite:///{tmp_path}/ledger.db", signup=None)
        if signup is not None:
            made.ok(signup, "signup", id="signup")
        return made

    return opened


def start(t: Teller, when: str, id: str = "v", resource: str = "vm", **more: Any) -> Any:
    return t.ok(when, "start", resource=resource, resource_id=id, **({"kind": "k"} | more))


def raw(t: Teller, at: str, type: str, id: str, **fields: Any) -> Any:
    """The outcome of an event as it stands, its instant in any writing."""
    return t.ledger.apply({"id": id, "type": type, "at": at, "account": t.account, **fields})


# --- what runs, and what comes out of order -------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["late", "correct", "rerate"])
def test_the_cap_of_what_runs_does_not_begin_anew(odd: str) -> None:
    capped = "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n    at most $6 each month\n\n"
    t = Teller(ruleset(TIERS + capped))
    start(t, "2026-02-02 10:00")  # 10:00 $4, 11:00 $2: the cap
    t.ok("2026-02-02 10:30", "call", id="c", n=3)
    t.ok("2026-02-02 12:30", "clock")
    if odd == "late":
        t.ok("2026-02-02 10:20", "call", n=3)
    elif odd == "correct":
        t.ok("2026-02-02 13:40", "correct", of="c", usage={"type": "call", "n": 4})
    else:
        t.ok("2026-02-02 13:40", "rerate")
    t.ok("2026-02-02 18:30", "clock")
    assert t.revenue("vm") == 6


@pytest.mark.parametrize("odd", ["late", "correct", "rerate"])
def test_the_allowance_of_what_runs_is_not_given_again(odd: str) -> None:
    body = "allowance free\n  2 hours every month\n\nresource vm\n  kind  text\n\nprice vm\n  time:  duration beyond free at $1 per hour\n\n"
    t = Teller(ruleset(TIERS + body))
    start(t, "2026-02-02 10:00")
    t.ok("2026-02-02 10:30", "call", id="c", n=3)
    t.ok("2026-02-02 13:30", "clock")
    if odd == "late":
        t.ok("2026-02-02 10:20", "call", n=3)
    elif odd == "correct":
        t.ok("2026-02-02 13:40", "correct", of="c", usage={"type": "call", "n": 4})
    else:
        t.ok("2026-02-02 13:40", "rerate")
    t.ok("2026-02-02 18:00", "stop", resource_id="v")
    assert t.revenue("vm") == 6  # eight hours, two of them free


@pytest.mark.parametrize(
    ("refunded", "balance"),
    [
        (4, 100),  # all of it was given back
        ("0.5", "99.5"),  # one hour at $1, 0.5 of it given back
    ],
)
def test_a_refund_is_not_given_back_again_by_a_late_stop(refunded: object, balance: str) -> None:
    t = Teller(ruleset(VM + FUNDS.format("vm")))
    t.ok("2026-02-02 09:00", "topup", amount=100)
    start(t, "2026-02-02 10:00")
    t.ok("2026-02-02 13:30", "clock")  # 10, 11, 12 and 13 o'clock: $4
    t.ok("2026-02-02 13:30", "refund", of="v", amount=refunded)
    t.ok("2026-02-02 10:30", "stop", resource_id="v")  # it ran for one started hour
    assert t.balance == Decimal(balance)


def test_a_refund_of_a_run_does_not_make_the_next_of_its_name_dearer() -> None:
    t = Teller(ruleset(VM + FUNDS.format("vm")))
    start(t, "2026-02-02 10:00")
    t.ok("2026-02-02 13:30", "stop", resource_id="v")  # $4
    t.ok("2026-02-02 13:30", "refund", of="v", amount=4)
    start(t, "2026-02-02 14:00")
    t.ok("2026-02-02 16:30", "clock")  # 14, 15 and 16 o'clock
    t.ok("2026-02-02 14:30", "stop", resource_id="v")  # one hour of them
    assert t.balance == -1


def test_a_late_stop_gives_back_the_hours_after_it() -> None:
    t = Teller(ruleset(VM.replace("$1", "$0.60") + FUNDS.format("vm")))
    start(t, "2026-02-02 10:15")
    t.ok("2026-02-02 14:16", "clock")
    assert t.balance == -3  # 10:15 to 14:15: five hours
    t.ok("2026-02-02 11:30", "stop", resource_id="v")
    assert t.balance == Decimal("-1.2")  # 10:15 and 11:15


def test_a_late_start_is_not_charged_all_at_one_instant() -> None:
    limit = "limit daily\n  spend each day may not exceed $8\n  refuse call with 402\n"
    t = Teller(ruleset(VM.replace("$1", "$3") + CALL + FUNDS.format("call, vm") + limit))
    t.ok("2026-02-18 00:40", "clock")
    start(t, "2026-02-17 22:30")
    assert t.moved("charge") == [("2026-02-17 22:30", 3), ("2026-02-17 23:30", 3), ("2026-02-18 00:30", 3)]
    assert t.refused("2026-02-18 00:41", n=6).limits[0].used == 3  # the day has one hour, not three
    t.ok("2026-02-18 00:41", "call", n=5)


def test_a_change_of_what_is_not_charged_starts_no_hour() -> None:
    body = 'resource vm\n  size  GB, may change\n\nprice vm\n  hours:  $1 every started hour\n  storage:  size not charged "included"\n\n'
    t = Teller(ruleset(body + FUNDS.format("vm")))
    t.ok("2026-02-02 10:15", "start", resource="vm", resource_id="v", size=10)
    t.ok("2026-02-02 10:20", "change", resource_id="v", size=20)
    assert t.balance == -1


def test_an_hour_that_is_given_back_returns_to_the_grant_that_paid_it() -> None:
    t = Teller(ruleset(VM + FUNDS.format("vm") + "grant trial $10 on signup, expires after 90 days\n"))
    t.ok("2026-02-02 09:00", "topup", id="v", amount=5)  # an event that happens to have the name of what runs
    start(t, "2026-02-02 10:00", id="v")
    t.ok("2026-02-02 11:00", "clock")  # the hour of 11:00 is charged
    t.ok("2026-02-02 11:00", "stop", resource_id="v")  # and has not begun
    assert (t.left("grant/trial"), t.left("paid/v"), t.left("credit/v")) == (9, 5, 0)


def test_an_hour_of_what_runs_again_is_a_fall_of_the_balance() -> None:
    body = VM.replace("$1", "$3") + FUNDS.format("vm") + "refill $5 when balance below $3, at most 9 each day\n\n"
    t = Teller(ruleset(body + "limit left\n  balance may fall to $0\n  suspend vm\n"))
    t.ok("2026-02-02 09:00", "topup", amount=3)
    start(t, "2026-02-02 10:00")  # $3: nothing is left, a refill is ordered
    t.ok("2026-02-02 11:30", "clock")  # nothing was paid at 11:00
    assert len(t.told("refill")) == len(t.told("suspended")) == 1
    t.ok("2026-02-02 11:40", "payment")  # 5, it runs again, and its hour leaves 2, which is below 3
    assert len(t.told("resumed")) == 1
    assert [one["amount"] for one in t.told("refill")] == ["5", "5"]


def test_an_alert_of_an_hour_is_told_at_a_refusal_too() -> None:
    limits = "limit daily\n  spend each day may reach $6\n  alert at 100%\n\nlimit few\n  n each day may not exceed 1\n  refuse call with 429\n"
    t = Teller(ruleset(VM.replace("$1", "$3") + CALL + limits))
    start(t, "2026-02-02 10:00")
    assert t.refused("2026-02-02 11:00", n=5).limit == "few"  # the second hour begins at this instant
    assert [one["limit"] for one in t.told("alert")] == ["daily"]


# --- what was given back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "refunded", "balance"),
    [
        ("$0.5", 10, 0),  # law 5, all 10 were given back
        ("$0.5", 2, -3),  # law 5 less 2
        ("$2", 10, -10),  # law 20 less 10
    ],
)
def test_a_refund_is_not_given_back_again_by_rerate(reopen: Reopen, price: str, refunded: int, balance: int) -> None:
    old = reopen(CALL + FUNDS.format("call"), "2026-02-01 00:00")
    old.ok("2026-02-02 12:30", "call", id="c", n=10)
    old.ok("2026-02-02 12:30", "refund", id="r", of="c", amount=refunded)
    new = reopen(CALL.replace("$1", price) + FUNDS.format("call"))
    new.ok("2026-02-02 12:40", "rerate", id="x")
    assert new.balance == balance
    new.ok("2026-02-02 12:41", "rerate", id="y")
    assert new.balance == balance


@pytest.mark.parametrize("changed", ["2026-02-02 10:01", "2026-02-02 10:00"])
def test_rerate_by_the_same_rules_keeps_the_plan_of_an_authorization(changed: str) -> None:
    t = Teller(ruleset(PLANS + FUNDS.format("call")), plan="A")
    hold = t.hold("2026-02-02 10:00", n=1)
    t.ok(changed, "subscribe", plan="B")
    assert t.settle("2026-02-02 10:02", hold, n=1).amount == 1
    t.ok("2026-02-03 00:00", "rerate")
    assert t.balance == -1


@pytest.mark.parametrize("steps", [(), (3, 5), (7, 5), (3, 7, 5)])
def test_a_correction_after_a_refund_does_not_depend_on_its_way(steps: tuple[int, ...]) -> None:
    t = Teller(ruleset(CALL + FUNDS.format("call")))
    t.ok("2026-02-02 09:00", "topup", amount=17)
    t.ok("2026-02-02 10:00", "call", id="c", n=5)
    t.ok("2026-02-02 10:01", "refund", of="c", amount=5)
    for n in steps:
        t.ok("2026-02-02 10:02", "correct", of="c", usage={"type": "call", "n": n})
    assert t.balance == 17  # 5 less the 5 that were given back


def test_what_was_refunded_is_not_given_back_again_by_a_difference() -> None:
    t = Teller(ruleset(TIERS + FUNDS.format("call")))
    assert t.charge("2026-02-03 10:00", id="c", n=15) == 25  # 10 at $2, 5 at $1
    t.ok("2026-02-03 10:01", "refund", of="c", amount=25)
    assert t.charge("2026-02-02 10:00", n=10) == 20  # it takes the first ten; c would cost 15 now
    assert (t.paid_for("c"), t.balance) == (0, -20)


@pytest.mark.parametrize("moved", [False, True])
def test_a_refunded_charge_that_is_corrected_leaves_no_room_in_the_limit(moved: bool) -> None:
    limit = "limit daily\n  spend each day may not exceed $10\n  refuse with 402\n"
    t = Teller(ruleset(CALL + FUNDS.format("call") + limit))
    t.ok("2026-02-17 10:00", "call", id="c", n=5)
    t.ok("2026-02-17 10:01", "refund", of="c", amount=5)  # the day is at 0
    usage = {"usage": {"type": "call", "n": 5, "at": "2026-02-18T09:00:00Z"}} if moved else {}
    t.ok("2026-02-18 10:00" if moved else "2026-02-17 10:02", "correct", of="c", **usage)
    for when in ("2026-02-17 11:00", "2026-02-18 11:00"):
        assert t.refused(when, n=11).limits[0].used == 0
        t.ok(when, "call", n=10)
        assert t.refused(when, n=1).limits[0].used == 10


def test_money_back_for_a_settled_hold_returns_to_the_grant_that_paid_it() -> None:
    t = Teller(ruleset(CALL + FUNDS.format("call") + "grant trial $10 on signup, expires after 90 days\n"))
    hold = t.hold("2026-02-02 10:00", n=4)
    t.settle("2026-02-02 10:01", hold, n=4)
    t.ok("2026-02-02 10:02", "refund", of=hold.hold, amount=4)
    assert (t.left("grant/trial"), t.left(f"credit/{hold.hold}")) == (10, 0)


def test_two_refunds_of_one_charge_do_not_both_go_to_the_last_that_paid() -> None:
    t = Teller(ruleset(CALL + FUNDS.format("call") + "grant trial $2 on signup, expires after 90 days\n"))
    t.ok("2026-02-02 09:00", "topup", id="p", amount=10)
    t.ok("2026-02-02 10:00", "call", id="a", n=4)  # 2 of the grant, 2 of the payment
    t.ok("2026-02-02 10:01", "call", id="b", n=3)  # 3 of the payment
    t.ok("2026-02-02 10:02", "refund", of="a", amount=2)
    t.ok("2026-02-02 10:03", "refund", of="a", amount=2)
    assert (t.left("grant/trial"), t.left("paid/p")) == (2, 7)


def test_what_a_correction_took_and_gave_back_returns_to_where_it_came_from() -> None:
    t = Teller(ruleset(CALL + FUNDS.format("call") + "grant trial $5 on signup, expires after 90 days\n"))
    t.ok("2026-02-02 10:00", "call", id="a", n=2)
    t.ok("2026-02-02 10:01", "correct", of="a", usage={"type": "call", "n": 4})
    t.ok("2026-02-02 10:02", "correct", of="a", usage={"type": "call", "n": 1})
    assert (t.left("grant/trial"), t.left("credit/a")) == (4, 0)


@pytest.mark.parametrize("payment", ["t0", "t55"])
def test_a_bonus_that_was_spent_long_ago_is_still_taken_back_from_its_payment(payment: str) -> None:
    t = Teller(ruleset(CALL + FUNDS.format("call") + BONUS))
    for number in range(60):
        t.ok("2026-02-01 01:00", "topup", id=f"t{number}", amount=1)
    t.ok("2026-02-01 02:00", "call", n=60)  # all sixty bonuses
    t.ok("2026-02-01 03:00", "topup", id="last", amount=1)  # funds used up long ago are forgotten here
    # $1 is unused and its $1 of bonus is spent: what comes back and its equal share of the bonus are that $1
    assert t.rejected("2026-02-01 04:00", "refund", of=payment, amount="0.51") == "refund-too-large"
    t.ok("2026-02-01 04:00", "refund", of=payment, amount="0.5")
    assert t.balance == 61  # 60 paid, and 2 of the last top-up, less 1


def test_what_is_taken_away_after_its_minimum_was_settled_leaves_the_minimum() -> None:
    t = Teller(ruleset(CALL.replace("per request\n", "per request\n    at least $5 each month\n")), "2026-02-01 00:00")
    t.ok("2026-02-10 10:00", "call", id="c", n=9)
    t.ok("2026-03-01 00:00", "clock")
    assert t.revenue() == 9
    t.ok("2026-03-02 00:00", "correct", of="c")
    assert t.revenue() == 5


def test_something_that_ran_can_be_refunded() -> None:
    t = Teller(ruleset(VM + FUNDS.format("vm")))
    start(t, "2026-02-02 10:00")
    t.ok("2026-02-02 11:30", "stop", resource_id="v")  # 10:00 and 11:00
    assert t.rejected("2026-02-02 12:00", "refund", of="v", amount=3) == "refund-too-large"
    t.ok("2026-02-02 12:00", "refund", of="v", amount=2)
    assert t.balance == 0


# --- plans of before ------------------------------------------------------------------------------------------------


def many_changes(t: Teller, fields: Callable[[int], dict[str, object]]) -> None:
    """105 changes of an account: more than are remembered. Before them two charges by the plan A, one not settled yet."""
    t.ok("2026-02-01 01:00", "call", id="c", n=1)
    t.hold("2026-02-01 02:00", id="h", n=1)
    t.ok("2026-02-01 03:00", "subscribe", plan="B")
    for number in range(105):
        t.ok("2026-02-01 04:00", "set", **fields(number))


def test_the_plan_of_before_is_not_forgotten_for_fields_that_price_nothing() -> None:
    t = Teller(ruleset(PLANS + FUNDS.format("call")), plan="A")
    many_changes(t, lambda number: {"note": number})
    assert t.ok("2026-02-01 05:00", "settle", hold="h", usage={"type": "call", "n": 1}).amount == 1
    assert t.charge("2026-02-01 01:30", n=1) == 1
    assert t.charge("2026-02-01 03:30", n=1) == 10
    t.ok("2026-02-03 00:00", "rerate")
    assert t.balance == -13


def test_usage_of_a_time_whose_plan_is_forgotten_is_not_priced_by_another() -> None:
    t = Teller(ruleset(PLANS + FUNDS.format("call")), plan="A")
    many_changes(t, lambda number: {"plan": "AB"[number % 2]})
    assert t.ok("2026-02-01 05:00", "settle", hold="h", usage={"type": "call", "n": 1}).amount == 1
    assert t.rejected("2026-02-01 01:30", "call", n=1) == "too-late"
    assert t.balance == -2


@pytest.mark.parametrize("to", ["A", "B"])
def test_rerate_does_not_price_by_another_plan_than_that_of_the_time(to: str) -> None:
    t = Teller(ruleset(PLANS + FUNDS.format("call")), plan="A")
    many_changes(t, lambda number: {"plan": "AB"[number % 2]})
    t.ok("2026-02-01 05:00", "settle", hold="h", usage={"type": "call", "n": 1})
    t.ok("2026-02-01 06:00", "subscribe", plan=to)
    t.tell("2026-02-03 00:00", "rerate")  # by unchanged rules: nothing, whether it is done or said that it cannot be
    assert t.balance == -2


def test_a_late_record_of_tiers_leaves_alone_what_a_forgotten_plan_priced() -> None:
    body = """account
  plan  one of plans

table plans by plan
  | plan | first (per request) |
  | A    | $1                  |
  | B    | $10                 |

usage call
  n  requests

price call
  calls:  n at graduated each month
    up to 10: plans.first
    above 10: $0.5 per request

"""
    t = Teller(ruleset(body + FUNDS.format("call")), plan="A")
    t.ok("2026-02-01 01:00", "call", id="c", n=10)  # 10 by A
    for number in range(105):
        t.ok("2026-02-01 04:00", "subscribe", plan="BA"[number % 2])  # B in the end
    t.tell("2026-02-01 05:00", "correct", of="c", usage={"type": "call", "n": 9})
    assert t.balance in (-10, -9)  # it is not done, or done by A


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "length", "first", "second", "again"),
    [
        # 7 March 20:00 in New York; 8 March has 23 hours there, so a day later is 23 hours later
        ("America/New_York", "1 day", "2026-03-08 01:00", "2026-03-08 06:00", "2026-03-09 00:00"),
        ("UTC", "1 month", "2026-02-10 12:00", "2026-02-20 12:00", "2026-03-10 12:00"),
        ("UTC", "1 month", "2026-01-31 12:00", "2026-02-20 12:00", None),
        ("UTC", "30 days", "2026-01-31 12:00", "2026-02-10 12:00", "2026-03-02 12:00"),
    ],
)
def test_what_is_told_to_try_again_is_not_refused_then(
    zone: str, length: str, first: str, second: str, again: str | None
) -> None:
    limit = f"limit few\n  requests in any {length} may not exceed 1\n  refuse with 429\n"
    t = Teller(ruleset(CALL + limit, zone=zone))
    t.ok(first, "call", n=1)
    told = t.refused(second, n=1).retry_at
    assert again is None or told == moment(again)
    before = t.ledger.apply(
        {"id": "b", "type": "call", "at": pricelang.period.instant_text(told - 1), "account": "a-1", "n": 1}
    )
    assert before.decision == "refused"
    after = t.ledger.apply(
        {"id": "a", "type": "call", "at": pricelang.period.instant_text(told), "account": "a-1", "n": 1}
    )
    assert after.decision == "accepted"


def test_what_is_taken_away_of_a_forgotten_window_leaves_no_room_in_it() -> None:
    limit = "limit hourly\n  n each hour may not exceed 10\n  refuse with 429\n"
    t = Teller(ruleset(CALL + FUNDS.format("call") + limit))
    t.ok("2026-02-01 01:00", "call", id="c", n=10)
    t.ok("2026-02-02 12:00", "clock")
    t.ok("2026-02-02 12:00", "correct", of="c")
    t.ok("2026-02-01 01:00", "call", n=10)
    outcome = t.refused("2026-02-01 01:00", n=10)
    assert outcome.limits[0].used == 10
    assert outcome.retry_at is None or outcome.retry_at >= moment("2026-02-02 12:00")  # not in the account's past


def test_a_notice_and_a_refusal_say_of_which_it_is() -> None:
    body = "usage call\n  n  requests\n  model  text\n\nprice call\n  calls:  n at $1 per request\n\n"
    limit = "limit each\n  spend each day for each model may not exceed $10\n  alert at 50%\n  refuse with 402\n"
    t = Teller(ruleset(body + limit))
    t.ok("2026-02-02 10:00", "call", n=4, model="small")
    t.ok("2026-02-02 10:01", "call", n=5, model="large")
    assert [one["for"] for one in t.told("alert")] == [{"model": "large"}]
    outcome = t.refused("2026-02-02 10:02", n=6, model="large")
    assert outcome.as_dict()["limits"][0]["for"] == {"model": "large"}
    assert "large" in outcome.message


# --- what the journal keeps -----------------------------------------------------------------------------------------


def test_the_lines_that_are_kept_add_up_where_charges_are_rounded() -> None:
    rules = ruleset(CALL.replace("$1", "$0.004"), head="round each charge to $0.01, half up")
    t = Teller(rules)
    for number, at in enumerate(("10:00", "10:01", "10:02")):  # the first goes another way than those that follow
        event = {"id": f"c{number}", "type": "call", "at": f"2026-02-02T{at}:00Z", "account": "a-1", "n": 3}
        first, again = t.ledger.apply(event), t.ledger.apply(event)
        assert first.amount == Decimal("0.01")  # 3 × 0.004 = 0.012
        kept = t.ledger.history()[-1].outcome
        assert [(one["name"], one["amount"]) for one in kept["lines"]] == [("calls", "0.012"), ("rounding", "-0.002")]
        assert first.as_dict() == again.as_dict() == kept
        assert again.repeated


def test_a_time_written_with_a_space_is_kept_as_all_others() -> None:
    t = Teller(ruleset(CALL))
    t.ok("2026-02-02 10:00", "call", n=1)
    told = raw(t, "2026-02-02 10:01:00Z", "call", "c", n=1)
    kept = t.ledger.history()[-1].outcome
    assert told.as_dict()["at"] == kept["at"] == kept["postings"][0]["at"] == "2026-02-02T10:01:00Z"


def test_a_payment_that_has_the_name_of_a_grant_does_not_expire_with_it() -> None:
    grants = "grant trial $3 on signup, expires after 30 days\n\ngrant monthly $1 every month, expires at the end of the month\n"
    t = Teller(ruleset(CALL + FUNDS.format("call") + BONUS + grants))
    for id in ("trial", "grant/trial", "monthly/2026-02", "grant/monthly/2026-02", "p", "p/bonus", "bonus/p"):
        t.ok("2026-01-20 10:00", "topup", id=id, amount=10)
    t.ok("2026-03-15 00:00", "clock")
    assert t.balance == 141  # seven of 10 and their bonuses, and the grant of March
    assert t.rejected("2026-03-15 00:00", "topup", id="@1", amount=10) == "reserved-id"


def test_a_clock_for_all_passes_nobody_by() -> None:
    t = Teller(ruleset(VM + FUNDS.format("vm")))
    start(t, "2026-02-02 10:00")
    t.ok("2026-02-02 10:01", "topup", id="k/a-1", amount=10)  # a name that an entry of the clock might have
    clock = {"id": "k", "type": "clock", "at": "2026-02-02T12:30:00Z"}
    first = t.ledger.apply(clock)
    assert first.decision == "accepted"
    assert t.balance == 7  # 10:00, 11:00, 12:00
    again = t.ledger.apply(clock)
    assert again.repeated
    assert again.as_dict() == first.as_dict()
    other = t.ledger.apply({**clock, "at": "2026-02-02T18:30:00Z"})
    assert (other.decision, other.code) == ("rejected", "id-conflict")
    assert t.balance == 7


def test_a_field_that_is_taken_away_is_taken_away_in_the_journal_too() -> None:
    t = Teller(ruleset(PLANS + FUNDS.format("call")), plan="A", note=3)
    t.ok("2026-02-02 10:00", "set", id="s", note=None)
    assert t.ledger.state("a-1").attributes == {"plan": "A"}
    kept = t.ledger.entry("s")
    assert kept is not None
    assert kept.event["note"] is None
    other = raw(t, "2026-02-02T10:00:00Z", "set", "s", plan="B")
    assert (other.decision, other.code) == ("rejected", "id-conflict")


def test_a_correction_that_does_not_say_when_leaves_a_record_in_its_time() -> None:
    t = Teller(
        ruleset(CALL + FUNDS.format("call") + "limit daily\n  spend each day may not exceed $9\n  refuse with 402\n")
    )
    t.ok("2026-02-17 10:00", "call", id="c", n=1)
    t.ok("2026-02-18 10:00", "correct", of="c", usage={"type": "call", "n": 4})
    assert t.refused("2026-02-18 10:01", n=10).limits[0].used == 0
    assert t.refused("2026-02-17 10:01", n=6).limits[0].used == 4


NEXT = """table prices by model, per request
  | model | price |
  | a     | $1    |

  from 2027-01-01
    | model | price |
    | a     | $9    |

usage call
  model  text
  n      requests

price call
  calls:  n at prices.price

limit daily
  n each day may not exceed 10
  refuse with 429

"""


@pytest.mark.parametrize(
    "at", ["2030-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2026-02-02T10:00:01Z", "2026-01-31T00:00:00Z"]
)
def test_a_usage_within_an_event_is_of_no_time_that_it_could_not_have_of_its_own(at: str) -> None:
    t = Teller(ruleset(NEXT, head="late usage accepted for 0 days"), signup="2026-01-15 00:00")
    t.ok("2026-02-02 09:00", "call", id="c", n=1, model="a")
    usage = {"type": "call", "n": 10, "model": "a", "at": at}  # to come, before the signup, to come, of a closed month
    t.rejected("2026-02-02 10:00", "correct", of="c", usage=usage)
    told = t.tell("2026-02-02 10:00", "authorize", usage=usage)
    assert told.decision != "accepted" or told.reserved == 10  # not the price of 2030, and not its limit
    t.ok("2026-02-02 10:00", "call", n=9 if told.decision != "accepted" else 0, model="a")
    t.refused("2026-02-02 10:00", n=1, model="a")


# --- fees -----------------------------------------------------------------------------------------------------------


def test_a_new_list_price_of_a_fee_waits_for_the_period_whatever_is_set() -> None:
    body = """account
  plan  one of plans
  note  number, optional

table plans by plan
  | plan | fee |
  | A    | $10 |

  from 2026-02-15
    | plan | fee |
    | A    | $12 |

"""
    fee = "price account\n  base:  plans.fee every month in advance\n"
    t = Teller(ruleset(body + CALL + fee), signup="2026-02-03 00:00", plan="A")
    t.ok("2026-02-20 00:00", "set", note=5)
    t.ok("2026-03-01 00:00", "clock")
    assert t.moved("fee") == [("2026-02-03 00:00", 10), ("2026-03-01 00:00", 12)]


def test_the_receipt_of_a_change_of_plan_is_of_what_is_paid() -> None:
    body = (
        "account\n  plan  one of plans\n\ntable plans by plan\n  | plan | fee |\n  | A    | $28 |\n  | B    | $56 |\n\n"
    )
    fee = "price account\n  base:  plans.fee every month in advance, prorated by day\n"
    t = Teller(ruleset(body + CALL + fee), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-15 00:00", "subscribe", plan="B")  # half of February: -14 + 28
    t.ok("2026-02-22 00:00", "subscribe", plan="A")  # a quarter: -14 + 7
    assert [one["amount"] for one in t.told("receipt")] == ["28", "14"]
    assert t.revenue("fees") == 35  # 28 + 14 - 7


# --- what is no event -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", [[], {}, None, 3, True, ["call"], ()])
def test_an_odd_type_takes_nobody_down_with_it(type: object) -> None:
    t = Teller(ruleset(CALL))
    odd = {"id": "x", "type": type, "at": "2026-02-02T10:00:00Z", "account": "a-1"}
    call = {"id": "c", "type": "call", "at": "2026-02-02T10:00:00Z", "account": "a-1", "n": 2}
    assert t.ledger.apply(odd).decision == "rejected"
    assert [(one.decision, one.amount) for one in t.ledger.apply_many([odd, call, odd])] == [
        ("rejected", 0),
        ("accepted", 2),
        ("rejected", 0),
    ]


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"a": found}
    return found


ODD = {
    "not a number": float("nan"),
    "endless": float("inf"),
    "deep": deep(3000),
    "huge": 10**5000,
    "a third": Fraction(1, 3),
    "bytes": b"k",
    "thing": object(),
    "half a letter": "\ud800",
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("type", ["start", "change", "call"])
def test_a_value_that_cannot_be_kept_is_rejected(odd: str, type: str) -> None:
    value = ODD[odd]
    usage = "usage call\n  n  requests\n  d  number, optional\n\nprice call\n  calls:  n at $1 per request\n\n"
    t = Teller(ruleset(usage + VM.replace("text", "text, may change")))
    start(t, "2026-02-02 09:00", id="w")
    fields = {
        "start": {"resource": "vm", "resource_id": "v", "kind": value},
        "change": {"resource_id": "w", "kind": value},
        "call": {"n": 1, "d": value},
    }[type]
    assert raw(t, "2026-02-02T10:00:00Z", type, "x", **fields).decision == "rejected"
    assert t.ledger.entry("x") is None
    t.ok("2026-02-02 10:30", "call", n=1)


@pytest.mark.parametrize("odd", ODD)
def test_the_id_of_a_usage_within_an_event_does_no_harm(odd: str) -> None:
    t = Teller(ruleset(TIERS))
    t.ok("2026-02-02 09:00", "call", id="c", n=1)
    told = raw(t, "2026-02-02T10:00:00Z", "authorize", "h", usage={"type": "call", "n": 1, "id": ODD[odd]})
    assert told.decision in ("accepted", "rejected")
    t.ok("2026-02-02 11:00", "refund", of="c", amount=1)
    t.ok("2026-02-02 11:00", "correct", of="c")
    t.ok("2026-02-02 08:00", "call", n=2)  # late: all are read again


# --- rules that lost something --------------------------------------------------------------------------------------

GPU = "resource gpu\n  kind  text\n\nprice gpu\n  hours:  $2 every started hour\n\n"
OTHER = "usage other\n  k  requests\n\nprice other\n  ks:  k at $1 per request\n\n"


@pytest.mark.parametrize(
    "gpu",
    [
        "",
        GPU.replace("kind  text", "model  text"),
        GPU.replace("kind  text", "kind  text\n  zone  text"),
    ],
    ids=["resource gone", "field renamed", "field added"],
)
def test_what_runs_can_be_stopped_whatever_the_rules_have_become(reopen: Reopen, gpu: str) -> None:
    old = reopen(GPU + CALL + FUNDS.format("gpu, call"), "2026-02-01 00:00")
    old.ok("2026-02-02 03:00", "start", id="s", resource="gpu", resource_id="g", kind="k")
    old.ok("2026-02-02 05:30", "clock", id="c1")
    assert old.balance == -6  # 3, 4 and 5 o'clock
    new = reopen(gpu + CALL + FUNDS.format("gpu, call" if gpu else "call"))
    told = new.ok("2026-02-12 05:30", "clock", id="c2").notices
    assert {one["kind"] for one in told} == {"not charged"}
    assert len(told) <= 11  # once a day, and not for each of 240 hours
    new.ok("2026-02-12 06:00", "topup", id="t", amount=10)
    new.ok("2026-02-12 06:00", "call", id="u", n=1)
    new.ok("2026-02-12 07:00", "stop", id="x", resource_id="g")
    assert new.balance == 3
    assert new.rejected("2026-02-12 07:01", "stop", id="y", resource_id="g") == "not-running"


def test_what_runs_goes_on_where_the_rules_lost_a_field_that_no_price_needs(reopen: Reopen) -> None:
    vm = "resource vm\n  kind  text\n  size  GB, may change\n\nprice vm\n  hours:  $1 every started hour\n\n"
    old = reopen(vm + FUNDS.format("vm"), "2026-02-01 00:00")
    old.ok("2026-02-02 03:00", "start", id="s", resource="vm", resource_id="v", kind="k", size=3)
    new = reopen(VM + FUNDS.format("vm"))
    assert new.ok("2026-02-02 05:30", "clock", id="c").notices == ()
    new.ok("2026-02-02 05:40", "stop", id="x", resource_id="v")
    assert new.balance == -3  # 3, 4 and 5 o'clock


def test_what_runs_and_cannot_be_charged_does_not_count_as_running_after_its_stop(reopen: Reopen) -> None:
    limit = "limit few\n  running gpu may not exceed 1\n  refuse with 402\n"
    old = reopen(GPU + limit, "2026-02-01 00:00")
    old.ok("2026-02-02 03:00", "start", id="s", resource="gpu", resource_id="g", kind="k")
    new = reopen(GPU.replace("kind  text", "model  text") + limit)
    new.refused("2026-02-02 03:30", "start", id="s2", resource="gpu", resource_id="h", model="m")
    new.ok("2026-02-02 03:40", "stop", id="x", resource_id="g")
    new.ok("2026-02-02 03:50", "start", id="s3", resource="gpu", resource_id="h", model="m")


@pytest.mark.parametrize("ends", ["release", "expiry"])
@pytest.mark.parametrize("lost", ["usage", "funds"])
def test_a_reservation_ends_whatever_the_rules_have_become(reopen: Reopen, lost: str, ends: str) -> None:
    old = reopen(CALL + OTHER + FUNDS.format("call, other"), "2026-02-01 00:00")
    old.ok("2026-02-02 01:00", "topup", id="t", amount=10)
    old.ok("2026-02-02 02:00", "authorize", id="h", usage={"type": "other", "k": 4})
    assert old.balance == 6
    new = reopen(CALL + (OTHER if lost == "funds" else "") + FUNDS.format("call"))
    if ends == "release":
        new.ok("2026-02-02 02:01", "release", id="x", hold="h")
    else:
        new.ok("2026-02-02 02:15", "clock", id="x")
    assert new.balance == 10
    assert new.ledger.state("a-1").reserved == {}


def test_a_hold_that_funds_pay_for_no_more_is_settled_on_the_bill(reopen: Reopen) -> None:
    old = reopen(CALL + OTHER + FUNDS.format("call, other"), "2026-02-01 00:00")
    old.ok("2026-02-02 01:00", "topup", id="t", amount=10)
    old.ok("2026-02-02 02:00", "authorize", id="h", usage={"type": "other", "k": 4})
    new = reopen(CALL + OTHER + FUNDS.format("call"))
    told = new.ok("2026-02-02 02:01", "settle", id="x", hold="h", usage={"type": "other", "k": 3})
    assert [(one.source, one.amount) for one in told.postings] == [("bill", 3)]
    assert new.balance == 10


def test_a_record_that_the_rules_cannot_read_holds_up_no_other(reopen: Reopen) -> None:
    old = reopen(TIERS + FUNDS.format("call"), "2026-02-01 00:00")
    old.ok("2026-02-02 01:00", "call", id="c1", n=8)  # 16
    old.ok("2026-02-02 02:00", "call", id="c2", n=5)  # 2 × 2 + 3 × 1 = 7
    renamed = TIERS.replace("  n  requests", "  nn  requests").replace("n at", "nn at")
    new = reopen(renamed + FUNDS.format("call"))
    new.ok("2026-02-02 03:00", "refund", id="r", of="c1", amount=1)
    assert new.balance == -22
    told = new.ok("2026-02-02 03:02", "rerate", id="x").notices
    assert [(one["kind"], one["of"]) for one in told] == [("not charged", "c1"), ("not charged", "c2")]
    assert new.balance == -22
    new.ok("2026-02-02 03:03", "correct", id="v", of="c2")
    assert new.balance == -15
    new.ok("2026-02-02 01:30", "call", id="l", nn=1)  # late
    assert new.rejected("2026-02-02 03:04", "refund", id="r2", of="c1", amount=16) == "refund-too-large"


def test_rerate_tells_nothing_of_what_was_taken_away(reopen: Reopen) -> None:
    old = reopen(CALL, "2026-02-01 00:00")
    old.ok("2026-02-02 01:00", "call", id="c", n=8)
    old.ok("2026-02-02 02:00", "correct", id="v", of="c")
    new = reopen(CALL.replace("  n  requests", "  nn  requests").replace("n at", "nn at"))
    assert new.ok("2026-02-02 03:00", "rerate", id="x").notices == ()


def test_a_usage_that_is_no_more_can_be_refunded_and_not_corrected(reopen: Reopen) -> None:
    old = reopen(CALL + OTHER + FUNDS.format("call, other"), "2026-02-01 00:00")
    old.ok("2026-02-02 01:00", "other", id="o", k=4)
    new = reopen(CALL + FUNDS.format("call"))
    assert new.rejected("2026-02-02 02:00", "correct", id="v", of="o") == "unknown-type"
    new.ok("2026-02-02 02:00", "refund", id="r", of="o", amount=3)
    told = new.ok("2026-02-02 02:01", "rerate", id="x").notices
    assert [(one["kind"], one["of"]) for one in told] == [("not charged", "o")]


# --- files of events, and what is told of them ----------------------------------------------------------------------


def replayed(tmp_path: Path, body: str, lines: list[str], *options: str, zone: str = "UTC") -> Result:
    header = f"ruleset acme\n  currency USD\n  timezone {zone}\n\n"
    (tmp_path / "acme.price").write_text(header + body)
    (tmp_path / "events.jsonl").write_text("".join(f"{line}\n" for line in lines))
    arguments = ["replay", str(tmp_path / "acme.price"), str(tmp_path / "events.jsonl"), *options]
    return CliRunner().invoke(Commands("pricelang"), arguments)


def line(at: str, type: str, id: str, **fields: Any) -> str:
    return json.dumps({"id": id, "type": type, "at": at, "account": "a", **fields})


SIGNUP = line("2026-01-01T00:00:00Z", "signup", "s")
GOOD = line("2026-02-03T00:00:01Z", "call", "c", n=2)


@pytest.mark.parametrize("store", ["memory://", "sqlite"])
@pytest.mark.parametrize(
    "odd",
    [
        line("2026-02-03T00:00:00Z", "topup", "x", amount=0).replace(": 0}", f": {'9' * 5000}}}"),
        line("2026-02-03T00:00:00Z", "call", "x", n=0).replace(": 0}", f": {'9' * 5000}}}"),
        line("2026-02-03T00:00:00Z", "x", "x").replace('"type": "x"', '"type": []'),
        line("2026-02-03T00:00:00Z", "x", "x").replace('"type": "x"', '"type": {}'),
        line("2026-02-03T00:00:00Z", "x", "x").replace('"type": "x"', f'"type": {"9" * 5000}'),
        line("2026-02-03T00:00:00Z", "call", "\ud800", n=1),
        line("2026-02-03T00:00:00Z", "call", "x", n=1, note="\ud800"),
        line("2026-02-03T00:00:00Z", "redeem", "x", code="\ud800"),
        line("2026-02-03T00:00:00Z", "authorize", "x", usage={"type": "call", "n": "\ud800"}),
        line("2026-02-03T00:00:00Z", "clock", "x\u0000"),
    ],
    ids=[
        *("huge amount", "huge quantity", "type a list", "type an object", "type a number"),
        *("half an id", "half a field", "half a code", "half in usage", "zero in id"),
    ],
)
def test_an_odd_line_does_not_keep_the_others_from_being_told(tmp_path: Path, odd: str, store: str) -> None:
    url = store if store == "memory://" else f"sqlite:///{tmp_path}/ledger.db"
    result = replayed(tmp_path, CALL + FUNDS.format("call"), [SIGNUP, odd, GOOD], "--ledger", url)
    told = [json.loads(one)["decision"] for one in result.stdout.splitlines()]
    assert told == ["accepted", "rejected", "accepted"] or (told == ["accepted"] * 3 and "\\u0000" in odd)
    assert result.exit_code == (1 if "rejected" in told else 0)


@pytest.mark.parametrize("id", ['"\\ud800"', "9" * 5000, "[]"], ids=["half a letter", "huge", "list"])
@pytest.mark.parametrize("store", ["memory://", "sqlite"])
def test_the_id_of_a_usage_in_a_file_does_no_harm(tmp_path: Path, id: str, store: str) -> None:
    odd = line("2026-02-03T00:00:00Z", "authorize", "x", usage={"type": "call", "n": 1, "id": 0}).replace(
        "0}}", id + "}}"
    )
    url = store if store == "memory://" else f"sqlite:///{tmp_path}/ledger.db"
    later = line("2026-02-03T00:00:02Z", "refund", "r", of="c", amount=1)
    result = replayed(tmp_path, CALL + FUNDS.format("call"), [SIGNUP, odd, GOOD, later], "--ledger", url)
    told = [json.loads(one)["decision"] for one in result.stdout.splitlines()]
    assert (told[0], told[2:]) == ("accepted", ["accepted", "accepted"])


def words(tmp_path: Path, body: str, lines: list[str], zone: str = "UTC") -> list[str]:
    result = replayed(tmp_path, body, lines, "--text", zone=zone)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_a_charge_that_two_funds_pay_is_told_once(tmp_path: Path) -> None:
    body = CALL + FUNDS.format("call") + "grant trial $1 on signup, expires after 90 days\n"
    topup = line("2026-02-01T00:00:00Z", "topup", "t", amount=10)
    told = words(tmp_path, body, [SIGNUP, topup, GOOD, GOOD])
    assert told[-2:] == [
        "2026-02-03 00:00:01  a  call c: charged 2 USD, balance 9 USD",
        "2026-02-03 00:00:01  a  call c (again): charged 2 USD, balance 9 USD",
    ]


def test_the_hours_of_what_runs_are_told_in_one_line_and_in_the_zone_of_the_rules(tmp_path: Path) -> None:
    begun = line("2026-02-03T01:00:00Z", "start", "b", resource="vm", resource_id="v", kind="k")
    told = words(tmp_path, VM, [SIGNUP, begun, line("2026-02-03T05:30:00Z", "clock", "k")], "Asia/Shanghai")
    assert (
        told[1:]
        == [
            "2026-02-03 09:00  a  start b: charged 1 USD",  # its first hour, said once; and no balance where there are no funds
            "2026-02-03 13:30  a  clock k: accepted",
            "    4 charges, 4 USD for v, 2026-02-03 10:00 to 2026-02-03 13:00",
        ]
    )


def test_time_in_arrears_is_told_to_the_full_second(tmp_path: Path) -> None:
    body = VM.replace("hours:  $1 every started hour", "time:  duration at $1 per hour")
    begun = line("2026-02-03T01:00:00Z", "start", "b", resource="vm", resource_id="v", kind="k")
    told = words(tmp_path, body, [SIGNUP, begun, line("2026-02-03T03:30:00Z", "clock", "k")])
    assert "999" not in "".join(told)
    assert told[-1] == "    2 charges, 2 USD for v, 2026-02-03 02:00 to 2026-02-03 03:00"


def test_a_notice_is_told_with_its_time_and_of_what_it_is(tmp_path: Path) -> None:
    limit = "limit daily\n  spend each day for each id may reach $2\n  alert at 100%\n"
    begun = line("2026-02-03T01:00:00Z", "start", "b", resource="vm", resource_id="v", kind="k")
    refund = line("2026-02-03T06:30:00Z", "refund", "r", of="v", amount=2)
    told = words(tmp_path, VM + limit, [SIGNUP, begun, line("2026-02-03T05:30:00Z", "clock", "k"), refund])
    notice = next(one for one in told if "alert" in one)
    assert notice.startswith("    alert: ")
    assert notice.endswith(", at 2026-02-03 02:00")
    assert "for v" in notice
    assert "{" not in notice
    assert any(one.startswith("    refund 2 USD of v") for one in told)


# --- stories --------------------------------------------------------------------------------------------------------


def story(lines: str, head: str = "") -> pricelang.Ruleset:
    body = "account\n  daily  USD, optional\n\n" + CALL + VM + FUNDS.format("call, vm") + head
    return ruleset(f'{body}\nexample "a story"\n  given account a\n{lines}')


@pytest.mark.parametrize(("total", "holds"), [("$4", True), ("$1", False)])
def test_the_total_of_a_story_leaves_out_no_hours(total: str, holds: bool) -> None:
    lines = f"  2026-02-02 10:00 start vm v: kind k\n  2026-02-02 12:30 clock\n  2026-02-02 12:31 call: n 1\n  expect total {total}\n"
    if holds:
        assert story(lines).name == "acme"  # three hours and a call
    else:
        with pytest.raises(pricelang.RulesetError) as caught:
            story(lines)
        assert "4 USD" in caught.value.findings[0].message


@pytest.mark.parametrize("taken", ["set daily none", "set: daily none"])
def test_a_story_can_take_a_field_away(taken: str) -> None:
    limit = "limit daily\n  spend each day may not exceed account.daily\n  refuse with 402\n"
    lines = "  2026-02-02 10:00 set daily $5\n  2026-02-02 10:01 call: n 6\n  expect refused 402\n  2026-02-02 10:02 {}\n  2026-02-02 10:03 call: n 6\n  expect accepted\n"
    assert story(lines.format(taken), limit).name == "acme"
    with pytest.raises(pricelang.RulesetError):
        story(lines.format("set daily $5"), limit)


def test_a_story_can_set_a_field_of_another_account() -> None:
    limit = "limit daily\n  spend each day may not exceed account.daily\n  refuse with 402\n"
    lines = "  given account b\n  2026-02-02 10:00 set: daily $5, account b\n  2026-02-02 10:01 call: n 6\n  expect accepted\n  2026-02-02 10:02 call: n 6, account b\n  expect refused 402\n"
    assert story(lines, limit).name == "acme"


@pytest.mark.parametrize("times", ["1000", "1,000"])
def test_a_story_counts_to_thousands(times: str) -> None:
    assert story(f"  2026-02-02 10:00 call {times} times: n 1\n  expect balance -$1,000\n").name == "acme"


# --- what time brings, and when -------------------------------------------------------------------------------------


def test_hours_that_came_with_a_refused_event_can_be_given_back() -> None:
    limit = "limit daily\n  n each day may not exceed 1\n  refuse call with 429\n"
    t = Teller(ruleset(CALL + VM + FUNDS.format("call, vm") + limit))
    t.ok("2026-02-01 00:00", "topup", amount=10)
    t.ok("2026-02-02 10:00", "start", resource="vm", resource_id="v", kind="k")
    assert t.tell("2026-02-02 12:30", "call", n=5).decision == "refused"
    assert t.balance == Decimal(7)
    t.ok("2026-02-02 12:31", "refund", of="v", amount=3)
    assert t.balance == Decimal(10)


@pytest.mark.parametrize(("each", "days", "total"), [("day", 10, "10"), ("month", 10, "40")])
def test_a_minimum_counts_what_ran_until_its_end(each: str, days: int, total: str) -> None:
    least = {"day": "$1", "month": "$40"}[each]
    body = (
        f"resource vm\n  size  GB\n\nprice vm\n  a:  size at $0.00036 per GB-hour\n    at least {least} each {each}\n\n"
    )
    t = Teller(ruleset(body + FUNDS.format("vm")))
    t.ok("2026-02-01 00:00", "topup", amount=1000)
    t.ok("2026-02-01 03:15", "start", resource="vm", resource_id="v", size=100)
    t.ok("2026-02-10 07:20", "stop", resource_id="v")
    t.ok({"day": "2026-02-11 00:00", "month": "2026-03-01 00:00"}[each], "clock")
    # January has no use; its days and its month ask for the minimum all the same
    before = {"day": 31, "month": 40}[each]
    assert 1000 - t.balance == Decimal(total) + before


def test_a_fee_that_got_another_name_goes_on(reopen: Reopen) -> None:
    fee = CALL + "price account\n  {}:  $30 every month in advance\n"
    t = reopen(fee.format("plan"), signup="2026-02-15 09:00")
    assert sum(one.amount for one in t.postings if one.kind == "fee") == 30
    t = reopen(fee.format("sub"))
    for when in ("2026-02-16 10:00", "2026-03-01 10:00", "2026-04-01 10:00"):
        t.ok(when, "clock", id=when)
    assert sum(one.amount for one in t.postings if one.kind == "fee") == 60

"""What once made a ledger lie: each case was found by somebody who tried, with the amounts it must come to by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import pricelang
from accounts.teller import Teller
from accounts.teller import moment
from accounts.teller import ruleset

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
    t.ok("2026-02-02 12:30", "clock")
    t.ok("2026-02-02 13:30", "call", id="c", n=3)
    if odd == "late":
        t.ok("2026-02-02 13:20", "call", n=3)
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
    t.ok("2026-02-02 13:30", "call", id="c", n=3)
    if odd == "late":
        t.ok("2026-02-02 13:20", "call", n=3)
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


def test_rerate_by_the_same_rules_keeps_the_plan_of_an_authorization() -> None:
    t = Teller(ruleset(PLANS + FUNDS.format("call")), plan="A")
    hold = t.hold("2026-02-02 10:00", n=1)
    t.ok("2026-02-02 10:01", "subscribe", plan="B")
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
    t = Teller(ruleset(CALL.replace("per request\n", "per request\n    at least $5 each month\n")))
    t.ok("2026-02-10 10:00", "call", id="c", n=9)
    t.ok("2026-03-01 00:00", "clock")
    assert t.revenue(until="2026-03-01") == 9
    t.ok("2026-03-02 00:00", "correct", of="c")
    assert t.revenue(until="2026-03-01") == 5


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
        # the day before 9 March 00:00Z (20:00 in New York) begins on 8 March at 20:00 local time less 23 hours … a day back
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


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), deep(3000), 10**5000, Fraction(1, 3), b"k", object(), "\ud800"]
)
@pytest.mark.parametrize("type", ["start", "change", "call"])
def test_a_value_that_cannot_be_kept_is_rejected(value: object, type: str) -> None:
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


@pytest.mark.parametrize("id", [10**5000, float("nan"), Fraction(1, 3), "\ud800", deep(3000), date(2026, 2, 2)])
def test_the_id_of_a_usage_within_an_event_does_no_harm(id: object) -> None:
    t = Teller(ruleset(TIERS))
    t.ok("2026-02-02 09:00", "call", id="c", n=1)
    told = raw(t, "2026-02-02T10:00:00Z", "authorize", "h", usage={"type": "call", "n": 1, "id": id})
    assert told.decision in ("accepted", "rejected")
    t.ok("2026-02-02 11:00", "refund", of="c", amount=1)
    t.ok("2026-02-02 11:00", "correct", of="c")
    t.ok("2026-02-02 08:00", "call", n=2)  # late: all are read again

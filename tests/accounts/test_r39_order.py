"""R39–R41, R47: what happens at one instant, ids, late usage, the order of arrival; and R2 for accounts."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from teller import Teller
from teller import moment
from teller import ruleset

CALL = """usage call
  n  requests

price call
  calls:  n at $1 per request

"""
TIERS = """usage call
  n  requests

price call
  calls:  n at graduated each month
    up to 10: free
    above 10: $1 per request

"""


def kinds(outcome: Any) -> list[tuple[str, Fraction]]:
    return [(one.kind, one.amount) for one in outcome.postings]


# --- R39 ------------------------------------------------------------------------------------------------------------

NOON = """resource vm
  kind  text

price vm
  hours:  $4 every started hour

usage call
  n  requests

price call
  calls:  n at $1 per request
    at least $2 each month

price account
  plan:  $7 every month in advance

funds
  pay for call and vm
  reservations expire after 1 hour

refill $100 when balance below $1

grant monthly $10 every month, expires at the end of the month

limit low
  balance may fall to $0
  alert
"""


def test_r39_at_one_instant_ends_then_begins_then_fees_and_hours_then_usage_then_refills_and_alerts() -> None:
    t = Teller(ruleset(NOON), signup="2026-01-01 00:00")
    t.ok("2026-01-31 22:00", "start", resource="vm", resource_id="v", kind="a")  # 4 at 22:00, 4 at 23:00
    t.hold("2026-01-31 23:00", n=1)  # until midnight
    outcome = t.ok("2026-02-01 00:00", "call", id="c", n=5)
    at_midnight = [one for one in outcome.postings if one.at == moment("2026-02-01 00:00")]
    found = [(one.kind, one.amount) for one in at_midnight]
    # ends: the 2 that are left of January's ten (10 − 4 − 4) expire, January's minimum of 2 is due, nothing of it used
    assert sorted(found[:2]) == [("expiry", 2), ("true-up", 2)]
    # begins: February's ten; fees and hours: the plan's 7 on the bill, 4 for the hour; usage: 5
    assert found[2] == ("grant", 10)
    assert sorted(found[3:5]) == [("charge", 4), ("fee", 7)]
    assert found[5:] == [("charge", 5)]
    told = [one["kind"] for one in outcome.notices if one["at"] == "2026-02-01T00:00:00Z"]
    assert sorted(told[:2]) == ["expired", "hold expired"]
    assert told[-2:] == ["refill", "alert"]


def test_r39_a_reservation_that_ends_makes_room_for_what_comes_at_that_instant() -> None:
    rules = ruleset(
        CALL
        + "funds\n  pay for call\n  reservations expire after 10 minutes\n\nlimit cap\n  spend each day may not exceed $5\n  refuse with 402\n"
    )
    t = Teller(rules)
    t.hold("2026-02-17 10:00", n=5)
    t.refused("2026-02-17 10:09:59.999", n=1)
    t.ok("2026-02-17 10:10", "call", n=5)


def test_r39_a_stop_at_the_hour_comes_before_the_hour() -> None:
    rules = ruleset("resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n")
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")
    t.ok("2026-02-17 11:00", "stop", resource_id="v")
    assert t.revenue("vm") == 4


def test_r39_money_in_comes_before_hours() -> None:
    rules = ruleset("resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\nfunds\n  pay for vm\n")
    t = Teller(rules)
    t.ok("2026-02-17 09:00", "topup", id="a", amount=4)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")
    outcome = t.ok("2026-02-17 11:00", "topup", id="b", amount=4)
    assert kinds(outcome) == [("topup", 4)]
    outcome = t.ok("2026-02-17 11:00", "clock")
    assert [(one.source, one.amount) for one in outcome.postings] == [("funds/paid/b", 4)]
    assert t.balance == 0


def test_r39_hours_come_before_usage() -> None:
    rules = ruleset(
        CALL
        + "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\nlimit cap\n  spend each day may not exceed $8\n  refuse call with 402\n"
    )
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")
    t.ok("2026-02-17 10:59:59", "call", n=1)
    t.refused("2026-02-17 11:00", n=1)  # 4 + 1 + 4, and 1 more


def test_r39_a_change_of_plan_at_the_start_of_a_month_begins_before_its_fee() -> None:
    body = (
        "account\n  plan  one of plans\n\ntable plans by plan\n  | plan | fee |\n  | A | $28 |\n  | B | $56 |\n\nprice account\n  plan:  plans.fee every month in advance, prorated by day\n\n"
        + CALL
    )
    t = Teller(ruleset(body), plan="A")
    t.ok("2026-02-01 00:00", "subscribe", plan="B")
    t.ok("2026-02-02 00:00", "clock")
    assert t.moved("fee") == [("2026-01-01 00:00", 28), ("2026-02-01 00:00", 56)]


def test_r39_usage_of_one_instant_is_charged_in_the_order_of_its_id() -> None:
    t = Teller(ruleset(TIERS))
    assert t.ok("2026-02-17 10:00", "call", id="b", n=10).amount == 0
    outcome = t.ok("2026-02-17 10:00", "call", id="a", n=10)
    assert outcome.amount == 0  # it comes first
    assert (t.paid_for("a"), t.paid_for("b")) == (0, 10)
    assert t.ok("2026-02-17 10:00", "call", id="c", n=1).amount == 1


def test_r39_what_follows_an_instant_is_looked_at_when_it_is_over() -> None:
    rules = ruleset(
        CALL
        + "funds\n  pay for call\n\ngrant monthly $10 every month, expires at the end of the month\n\nrefill $100 when balance below $5\n\nlimit low\n  balance may fall to $5\n  alert\n"
    )
    t = Teller(rules, signup="2026-01-15 00:00")
    t.ok("2026-03-31", "clock")
    # each month ten go and ten come at one instant: never below five in between
    assert t.told("refill") == []
    assert t.told("alert") == []


def test_r39_the_due_of_several_instants_is_posted_in_order_of_time() -> None:
    t = Teller(ruleset(NOON), signup="2026-01-01 00:00")
    t.ok("2026-01-31 20:30", "start", resource="vm", resource_id="v", kind="a")
    outcome = t.ok("2026-02-01 02:00", "clock")
    times = [one.at for one in outcome.postings]
    assert times == sorted(times)
    charged = [at for at, _ in t.moved("charge")]
    assert list(dict.fromkeys(charged)) == [f"2026-01-31 {hour}:30" for hour in (20, 21, 22, 23)] + [
        "2026-02-01 00:30",
        "2026-02-01 01:30",
    ]
    assert t.paid_for("v") == 6 * 4


# --- R40 ------------------------------------------------------------------------------------------------------------


def test_r40_the_same_id_with_the_same_content_counts_once() -> None:
    t = Teller(
        ruleset(CALL + "funds\n  pay for call\n\nlimit cap\n  n each day may not exceed 10\n  refuse with 429\n")
    )
    first = t.ok("2026-02-17 10:00", "call", id="x", n=6)
    again = t.tell("2026-02-17 10:00", "call", id="x", n="6.0")
    assert (again.decision, again.amount, again.repeated) == ("accepted", 6, True)
    assert again.as_dict() == first.as_dict()
    assert t.balance == -6
    t.ok("2026-02-17 10:01", "call", n=4)


def test_r40_the_same_instant_in_another_offset_is_the_same_content() -> None:
    t = Teller(ruleset(CALL))
    t.ok("2026-02-17 10:00", "call", id="x", n=6)
    assert t.tell("", "call", id="x", at="2026-02-17T11:00:00+01:00", n=6).repeated


@pytest.mark.parametrize(
    "other",
    [
        {"type": "call", "at": "2026-02-17T10:00:00Z", "n": 7},
        {"type": "call", "at": "2026-02-17T10:00:01Z", "n": 6},
        {"type": "chat", "at": "2026-02-17T10:00:00Z", "n": 6},
        {"type": "call", "at": "2026-02-17T10:00:00Z", "n": 6, "account": "a-2"},
        {"type": "topup", "at": "2026-02-17T10:00:00Z", "amount": 6},
    ],
)
def test_r40_the_same_id_with_other_content_is_an_error(other: dict[str, Any]) -> None:
    t = Teller(ruleset(CALL + CALL.replace("call", "chat") + "funds\n  pay for call\n"))
    t.ok("2026-01-01", "signup", account="a-2")
    t.ok("2026-02-17 10:00", "call", id="x", n=6)
    outcome = t.ledger.apply({"id": "x", "account": "a-1", **other})
    assert outcome.code == "id-conflict"
    assert (t.balance, t.ledger.balance("a-2")) == (-6, 0)


def test_r40_ids_are_of_all_events() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n"))
    t.ok("2026-02-17 09:00", "topup", id="x", amount=50)
    assert t.tell("2026-02-17 09:00", "topup", id="x", amount="50.00").repeated
    assert t.rejected("2026-02-17 09:00", "topup", id="x", amount=51) == "id-conflict"
    assert t.rejected("2026-02-17 09:00", "call", id="x", n=1) == "id-conflict"
    assert t.balance == 50


def test_r40_a_rejected_event_uses_up_no_id() -> None:
    t = Teller(ruleset(CALL))
    assert t.rejected("2026-02-17 10:00", id="x", m=1) == "unknown-field"
    assert t.rejected("2026-02-17 10:00", id="x") == "missing-field"
    assert t.charge("2026-02-17 10:00", id="x", n=1) == 1


def test_r40_a_refused_event_that_comes_again_is_answered_alike() -> None:
    rules = ruleset(
        "account\n  most  requests, default 5\n\n"
        + CALL
        + "limit cap\n  n each day may not exceed account.most\n  refuse with 429\n"
    )
    t = Teller(rules)
    first = t.refused("2026-02-17 10:00", id="x", n=6)
    t.ok("2026-02-17 10:01", "set", most=10)
    again = t.refused("2026-02-17 10:00", id="x", n=6)
    assert again.as_dict() == first.as_dict()
    assert t.charge("2026-02-17 10:02", id="y", n=6) == 6  # asked anew, under an id of its own


@pytest.mark.parametrize("n", [-1, "-0.5"])
def test_r40_quantities_are_never_negative(n: object) -> None:
    t = Teller(ruleset(CALL.replace("requests", "minutes").replace("per request", "per minute")))
    assert t.rejected("2026-02-17 10:00", n=n) == "negative"
    hold = t.hold("2026-02-17 10:01", n=5)
    assert t.rejected("2026-02-17 10:02", "settle", hold=hold.hold, usage={"type": "call", "n": n}) == "negative"


def test_r40_a_hold_is_authorized_once() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n"))
    assert not t.hold("2026-02-17 10:00", id="h", n=5).repeated
    assert t.hold("2026-02-17 10:00", id="h", n=5).repeated
    assert t.balance == -5
    assert t.rejected("2026-02-17 10:00", "authorize", id="h", usage={"type": "call", "n": 6}) == "id-conflict"


# --- R41 ------------------------------------------------------------------------------------------------------------

LATE = "late usage accepted for 3 days"


@pytest.mark.parametrize(
    ("now", "at", "taken"),
    [
        ("2026-03-03 23:59:59", "2026-02-01 00:00:00", True),  # the period of all of February ends on 1 March
        ("2026-03-03 23:59:59", "2026-02-28 23:59:59", True),
        ("2026-03-04 00:00:01", "2026-02-28 23:59:59", False),
        ("2026-03-04 00:00:01", "2026-03-01 00:00:00", True),  # of the period at hand
        ("2026-03-31 23:59:59", "2026-03-01 00:00:00", True),
        ("2026-03-02 00:00:00", "2026-01-31 23:59:59", False),
    ],
)
def test_r41_late_usage_is_accepted_for_so_long_after_the_end_of_its_period(now: str, at: str, taken: bool) -> None:
    t = Teller(ruleset(CALL, head=LATE))
    t.ok(now, "clock")
    outcome = t.tell(at, "call", n=1)
    assert outcome.decision == ("accepted" if taken else "rejected")
    if not taken:
        assert outcome.code == "too-late"


def test_r41_the_period_is_the_accounts_billing_period() -> None:
    t = Teller(ruleset(CALL, head=LATE, bill="month from signup"), signup="2026-01-15 12:00")
    t.ok("2026-02-17 23:59:59", "clock")
    t.ok("2026-02-14 23:59:59", "call", n=1)  # the period ended with the 14th; three days are the 15th to the 17th
    t.ok("2026-02-18 00:00:01", "clock")
    assert t.rejected("2026-02-14 23:59:59", n=1) == "too-late"
    t.ok("2026-02-15 00:00", "call", n=1)


def test_r41_late_usage_is_priced_and_counted_in_its_period() -> None:
    body = """usage call
  n  requests

table rates, per request
  | price |
  | $1    |

  from 2026-03-01
    | price |
    | $5    |

price call
  calls:  n at graduated each month
    up to 10: free
    above 10: rates.price
"""
    t = Teller(ruleset(body, head=LATE))
    t.ok("2026-02-20 10:00", "call", n=10)
    assert t.charge("2026-03-02 10:00", n=11) == 5
    assert t.charge("2026-02-28 10:00", n=2) == 2  # February's ten are used, at February's price
    assert t.charge("2026-03-02 11:00", n=1) == 5  # and March has counted nothing of it
    assert (t.revenue("call", "2026-02-01", "2026-03-01"), t.revenue("call", "2026-03-01")) == (2, 10)


def test_r41_late_usage_is_printed_on_the_next_bill() -> None:
    t = Teller(ruleset(CALL, head=LATE))
    t.ok("2026-03-02 10:00", "call", n=1)
    outcome = t.ok("2026-02-28 10:00", "call", n=2)
    charge = outcome.postings[-1]
    assert charge.at == moment("2026-02-28 10:00")
    assert charge.bill is not None
    assert moment("2026-03-01") <= charge.bill < moment("2026-04-01")


def test_r41_a_difference_that_late_usage_makes_is_on_the_next_bill_too() -> None:
    t = Teller(ruleset(TIERS, head=LATE))
    t.ok("2026-02-20 10:00", "call", id="first", n=10)
    t.ok("2026-03-02 10:00", "clock")
    outcome = t.ok("2026-02-10 10:00", "call", n=4)
    assert [(one.kind, one.of, one.amount) for one in outcome.postings if one.amount] == [("difference", "first", 4)]
    bill = outcome.postings[0].bill
    assert bill is not None
    assert moment("2026-03-01") <= bill < moment("2026-04-01")


@pytest.mark.parametrize(
    ("type", "fields"),
    [
        ("correct", {"of": "c"}),
        ("correct", {"of": "c", "usage": {"type": "call", "at": "2026-02-10T10:00:00Z", "n": 9}}),
        ("refund", {"of": "c", "amount": 2}),
    ],
)
def test_r2_what_is_corrected_later_is_on_the_open_bill(type: str, fields: dict[str, Any]) -> None:
    t = Teller(ruleset(CALL))
    t.ok("2026-02-10 10:00", "call", id="c", n=5)
    (posting,) = t.ok("2026-03-02 10:00", type, **fields).postings
    assert posting.at == moment("2026-02-10 10:00")
    assert posting.bill is not None
    assert moment("2026-03-01") <= posting.bill < moment("2026-04-01")


def test_r41_late_usage_of_the_period_at_hand_is_on_its_own_bill() -> None:
    t = Teller(ruleset(CALL, head=LATE))
    t.ok("2026-02-20 10:00", "clock")
    posting = t.ok("2026-02-10 10:00", "call", n=2).postings[-1]
    assert (posting.at, posting.bill) in ((moment("2026-02-10 10:00"), None), (moment("2026-02-10 10:00"), posting.at))


def test_r41_a_settlement_is_never_too_late() -> None:
    t = Teller(ruleset(CALL + "funds\n  reservations expire after 10 days\n", head=LATE))
    hold = t.hold("2026-02-28 23:59:59", n=2)
    assert t.settle("2026-03-08 10:00", hold, n=3).amount == 3


# --- R47 ------------------------------------------------------------------------------------------------------------


def test_r47_a_decision_once_given_stands() -> None:
    t = Teller(ruleset(CALL + "limit cap\n  spend each day may not exceed $10\n  refuse with 402\n"))
    t.ok("2026-02-17 12:00", "call", n=10)
    t.refused("2026-02-17 10:00", n=1)  # earlier, but it arrived later
    assert t.revenue() == 10


def test_r47_a_limit_passed_by_late_usage_takes_nothing_back() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n\nlimit funds\n  balance may fall to $0\n  refuse with 402\n"))
    t.ok("2026-02-17 09:00", "topup", amount=5)
    t.ok("2026-02-17 12:00", "call", n=4)
    t.ok("2026-02-17 10:00", "call", n=4)
    t.refused("2026-02-17 11:00", n=1)
    assert t.balance == -3


def test_r47_late_usage_is_asked_of_the_minute_it_is_of() -> None:
    t = Teller(ruleset(CALL + "limit rpm\n  n each minute may not exceed 5\n  refuse with 429\n"))
    t.ok("2026-02-17 12:00", "call", n=5)
    t.ok("2026-02-17 11:59:59", "call", n=5)
    t.refused("2026-02-17 11:59:58", n=1)
    t.refused("2026-02-17 12:00:30", n=1)


def test_r47_a_refused_event_keeps_what_had_fallen_due() -> None:
    rules = ruleset(
        CALL
        + "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\nfunds\n  pay for vm\n\nlimit cap\n  n each day may not exceed 5\n  refuse call with 429\n"
    )
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")
    outcome = t.refused("2026-02-17 12:30", n=6)
    assert kinds(outcome) == [("charge", 4), ("charge", 4)]
    assert t.ok("2026-02-17 12:30", "clock").balance == -12


def test_r47_a_rejected_event_changes_nothing() -> None:
    rules = ruleset("resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\nfunds\n  pay for vm\n")
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")
    assert t.rejected("2026-02-17 12:30", "stop", resource_id="w") == "not-running"
    assert t.balance == -4
    assert t.ok("2026-02-17 12:30", "clock").balance == -12


def test_r47_an_event_of_the_past_does_not_turn_the_clock_back() -> None:
    rules = ruleset(
        "account\n  card  yes or no, default no\n\n"
        + CALL
        + "limit card\n  account.card must be yes\n  refuse with 402\n"
    )
    t = Teller(rules)
    t.ok("2026-02-17 12:00", "set", card=True)
    t.ok("2026-02-17 10:00", "call", n=1)  # decisions follow arrival: there is a card now
    t.ok("2026-02-17 11:00", "set", card=False)
    t.refused("2026-02-17 12:00", n=1)


SIX = [
    ("2026-02-03 10:00", "a", 4),
    ("2026-02-05 10:00", "b", 8),
    ("2026-02-05 10:00", "c", 3),
    ("2026-02-27 10:00", "d", 20),
    ("2026-03-01 00:00", "e", 15),
]


def told(t: Teller, order: Any) -> dict[str, Fraction]:
    """What each record comes to, told in an order."""
    for when, id, n in order:
        t.ok(when, "call", id=id, n=n)
    return {id: t.paid_for(id) for _, id, _ in SIX}


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_r47_charges_of_tiers_obey_the_law_of_the_period_whatever_the_order(order: tuple[int, ...]) -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    # ten are free each month: 4 of a, 6 of b; then b costs 2, c 3, d 20; in March 10 are free and e costs 5
    assert told(t, [SIX[one] for one in order]) == {"a": 0, "b": 2, "c": 3, "d": 20, "e": 5}
    assert t.balance == -30


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_r47_charges_under_a_cap_obey_the_law_of_the_period_whatever_the_order(order: tuple[int, ...]) -> None:
    body = "usage call\n  n  requests\n\nprice call\n  calls:  n at $1 per request\n    at most $10 each month\n\nfunds\n  pay for call\n"
    t = Teller(ruleset(body))
    # a 4, b 6 of its 8; nothing more in February; March is capped at 10
    assert told(t, [SIX[one] for one in order]) == {"a": 4, "b": 6, "c": 0, "d": 0, "e": 10}
    assert t.balance == -20


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_r47_charges_beyond_an_allowance_obey_the_law_of_the_period_whatever_the_order(order: tuple[int, ...]) -> None:
    body = (
        "allowance free_ones\n  10 requests every month\n  unused kept 1 month\n\n"
        "usage call\n  n  requests\n\nprice call\n  calls:  n beyond free_ones at $1 per request\n\nfunds\n  pay for call\n"
    )
    t = Teller(ruleset(body), signup="2026-01-20 00:00")
    # January's ten were kept: 4 of a and 6 of b are of January; 2 of b, 3 of c and 5 of d are of February; d costs 15;
    # nothing of February is left for March: 10 of its own, e costs 5
    assert told(t, [SIX[one] for one in order]) == {"a": 0, "b": 0, "c": 0, "d": 15, "e": 5}
    assert t.balance == -20


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_r47_charges_of_volume_bands_obey_the_law_of_the_period_whatever_the_order(order: tuple[int, ...]) -> None:
    body = (
        'usage call\n  n  requests\n\nprice call\n  calls:  n at volume each month\n    allow tier-cliff "this is the test"\n'
        "    up to 10: $1 per request\n    above 10: $0.50 per request\n\nfunds\n  pay for call\n"
    )
    t = Teller(ruleset(body))
    # 4 cost 4; 12 cost 6, so b 2; 15 cost 7.50, so c 1.50; 35 cost 17.50, so d 10; e 7.50
    assert told(t, [SIX[one] for one in order]) == {"a": 4, "b": 2, "c": Decimal("1.5"), "d": 10, "e": Decimal("7.5")}
    assert t.balance == -25


def test_r2_a_late_record_makes_a_settled_minimum_less() -> None:
    body = "usage call\n  n  requests\n\nprice call\n  calls:  n at $1 per request\n    at least $10 each month\n"
    t = Teller(ruleset(body), signup="2026-02-01 00:00")
    t.ok("2026-02-10 10:00", "call", n=3)
    t.ok("2026-03-02 10:00", "clock")
    assert t.moved("true-up") == [("2026-03-01 00:00", 7)]
    assert t.charge("2026-02-12 10:00", n=4) == 4
    assert t.revenue() == 10  # 3 + 4 + 7 − 4
    assert t.charge("2026-02-13 10:00", n=6) == 6
    assert t.revenue() == 13
    assert t.charge("2026-02-14 10:00", n=1) == 1
    assert t.revenue() == 14


def test_r2_a_corrected_record_reprices_those_after_it() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    t.ok("2026-02-03 10:00", "call", id="a", n=4)
    t.ok("2026-02-05 10:00", "call", id="b", n=8)
    t.ok("2026-02-06 10:00", "call", id="c", n=3)
    outcome = t.ok("2026-02-07 10:00", "correct", of="a", usage={"type": "call", "at": "2026-02-03T10:00:00Z", "n": 11})
    assert outcome.amount == 1  # 11 less 10 free ones, and it was charged nothing
    # b cost 2 and costs 8, c stays at 3
    assert {id: t.paid_for(id) for id in "abc"} == {"a": 1, "b": 8, "c": 3}
    assert t.balance == -12


def test_r2_a_correction_may_move_a_record_to_another_time() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    t.ok("2026-02-03 10:00", "call", id="a", n=10)
    t.ok("2026-02-05 10:00", "call", id="b", n=10)
    t.ok("2026-02-07 10:00", "correct", of="a", usage={"type": "call", "at": "2026-02-06T10:00:00Z", "n": 10})
    assert {id: t.paid_for(id) for id in "ab"} == {"a": 10, "b": 0}
    t.ok("2026-02-07 10:01", "correct", of="a", usage={"type": "call", "at": "2026-01-31T10:00:00Z", "n": 10})
    assert {id: t.paid_for(id) for id in "ab"} == {"a": 0, "b": 0}
    assert t.balance == 0


def test_r2_a_voided_record_counts_no_more() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    t.ok("2026-02-03 10:00", "call", id="a", n=4)
    t.ok("2026-02-05 10:00", "call", id="b", n=8)
    t.ok("2026-02-06 10:00", "call", id="c", n=3)
    assert t.balance == -5
    outcome = t.ok("2026-02-07 10:00", "correct", of="b")
    assert outcome.amount == -2
    assert {id: t.paid_for(id) for id in "abc"} == {"a": 0, "b": 0, "c": 0}  # 4 + 3 are below ten
    assert t.charge("2026-02-08 10:00", n=4) == 1
    assert t.balance == -1


def test_r2_a_void_gives_back_what_late_usage_had_added() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    t.ok("2026-02-05 10:00", "call", id="b", n=12)  # 2
    t.ok("2026-02-03 10:00", "call", id="a", n=5)  # 12 + 5 = 17: b costs 7 now
    assert {id: t.paid_for(id) for id in "ab"} == {"a": 0, "b": 7}
    assert t.ok("2026-02-07 10:00", "correct", of="b").amount == -7
    assert {id: t.paid_for(id) for id in "ab"} == {"a": 0, "b": 0}
    assert t.balance == 0


def test_r2_a_correction_of_what_late_usage_had_repriced() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    t.ok("2026-02-05 10:00", "call", id="b", n=12)
    t.ok("2026-02-03 10:00", "call", id="a", n=5)
    t.ok("2026-02-07 10:00", "correct", of="b", usage={"type": "call", "at": "2026-02-05T10:00:00Z", "n": 6})
    assert {id: t.paid_for(id) for id in "ab"} == {"a": 0, "b": 1}
    t.ok("2026-02-07 10:01", "correct", of="a")
    assert {id: t.paid_for(id) for id in "ab"} == {"a": 0, "b": 0}
    t.ok("2026-02-07 10:02", "correct", of="b", usage={"type": "call", "at": "2026-02-05T10:00:00Z", "n": 13})
    assert t.balance == -3


def test_r2_a_voided_record_is_voided_once_and_may_be_put_back() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n"))
    t.ok("2026-02-05 10:00", "call", id="b", n=12)
    assert t.ok("2026-02-07 10:00", "correct", of="b").amount == -12
    assert t.rejected("2026-02-07 10:01", "correct", of="b") == "already-corrected"
    assert t.balance == 0
    assert (
        t.ok("2026-02-07 10:02", "correct", of="b", usage={"type": "call", "at": "2026-02-05T10:00:00Z", "n": 3}).amount
        == 3
    )
    assert t.balance == -3


def test_r2_a_refund_of_a_charge_may_give_back_what_late_usage_added() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    t.ok("2026-02-05 10:00", "call", id="b", n=12)
    t.ok("2026-02-03 10:00", "call", id="a", n=5)
    assert t.rejected("2026-02-07 10:00", "refund", of="b", amount=Decimal("7.01")) == "refund-too-large"
    t.ok("2026-02-07 10:00", "refund", of="b", amount=7)
    assert t.balance == 0


def test_r2_no_more_is_given_back_than_was_charged() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n"))
    t.ok("2026-02-05 10:00", "call", id="b", n=12)
    t.ok("2026-02-07 10:00", "refund", of="b", amount=5)
    t.ok("2026-02-07 10:01", "correct", of="b")
    assert t.balance == 0  # 12 were charged: 5 came back first, and 7 with the void


def test_r2_a_correction_may_come_to_a_credit() -> None:
    body = (
        'usage call\n  n  requests\n\nprice call\n  calls:  n at volume each month\n    allow tier-cliff "this is the test"\n'
        "    up to 10: $2 per request\n    above 10: $1 per request\n\nfunds\n  pay for call\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-27 09:00", "call", id="a", n=8)
    assert t.ok("2026-02-27 10:00", "call", id="b", n=1).amount == 2
    # eleven at 1 are 11, less the 16 of a: −5
    outcome = t.ok("2026-02-28 12:00", "correct", of="b", usage={"type": "call", "at": "2026-02-27T10:00:00Z", "n": 3})
    assert (outcome.amount, t.paid_for("b"), t.balance) == (-7, -5, -11)


def test_r2_a_correction_of_a_settled_hold() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    hold = t.hold("2026-02-05 10:00", id="h", n=1)
    assert t.settle("2026-02-05 10:01", hold, n=15).amount == 5
    t.ok("2026-02-06 10:00", "call", id="c", n=1)
    assert (
        t.ok("2026-02-07 10:00", "correct", of="h", usage={"type": "call", "at": "2026-02-05T10:00:00Z", "n": 4}).amount
        == -5
    )
    assert {id: t.paid_for(id) for id in "hc"} == {"h": 0, "c": 0}
    assert t.balance == 0


def test_r2_a_late_record_in_the_midst_of_many() -> None:
    t = Teller(ruleset(TIERS + "funds\n  pay for call\n"))
    for day in range(1, 27, 2):
        t.ok(f"2026-02-{day:02} 10:00", "call", id=f"d-{day:02}", n=2)  # 13 records, 26 in all
    for day in range(2, 27, 2):
        t.ok(f"2026-02-{day:02} 10:00", "call", id=f"d-{day:02}", n=2)  # 13 more between them
    # in order of time: the first five days are free, each of the 21 others costs 2
    assert [t.paid_for(f"d-{day:02}") for day in range(1, 27)] == [0] * 5 + [2] * 21
    assert t.balance == -42


def test_r2_for_each_period_and_value_late_records_count_apart() -> None:
    body = "usage call\n  n  requests\n  model  text\n\nprice call\n  calls:  n at graduated each day for each model\n    up to 10: free\n    above 10: $1 per request\n"
    t = Teller(ruleset(body))
    t.ok("2026-02-17 12:00", "call", id="a", n=10, model="x")
    t.ok("2026-02-17 13:00", "call", id="b", n=10, model="y")
    t.ok("2026-02-17 11:00", "call", id="c", n=3, model="x")
    t.ok("2026-02-16 23:59:59", "call", id="d", n=10, model="y")
    assert {id: t.paid_for(id) for id in "abcd"} == {"a": 3, "b": 0, "c": 0, "d": 0}

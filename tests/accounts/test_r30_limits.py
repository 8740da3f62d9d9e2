"""R30–R34: what limits refuse and how they are asked, reservations, what `spend` and `balance` are. Figures by hand."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from teller import Teller
from teller import moment
from teller import ruleset

CALL = """usage call
  n      requests
  model  text, default small

price call
  calls:  n at $1 per request

"""
CHAT = """usage chat
  n  requests

price chat
  calls:  n at $1 per request

"""


def limit(question: str, *more: str, refuse: str = "refuse with 429") -> str:
    return "limit cap\n" + "".join(f"  {line}\n" for line in (question, *more, refuse))


def refusal(outcome: object) -> tuple[Decimal, Decimal, Decimal]:
    """(asked, used, allowed) of the first limit that refused."""
    failed = outcome.limits[0]  # type: ignore[attr-defined]
    return failed.asked, failed.used, failed.allowed


# --- R30 ------------------------------------------------------------------------------------------------------------


def test_r30_may_not_exceed_lets_through_what_fits_exactly_and_refuses_what_would_pass() -> None:
    t = Teller(ruleset(CALL + limit("n each day may not exceed 10")))
    t.ok("2026-02-17 10:00", "call", n=9)
    assert refusal(t.refused("2026-02-17 10:01", n=2)) == (2, 9, 10)  # 9 + 2 = 11
    t.ok("2026-02-17 10:02", "call", n=1)  # 9 + 1 = 10, exactly at the limit
    assert refusal(t.refused("2026-02-17 10:03", n=1)) == (1, 10, 10)


def test_r30_may_reach_lets_the_one_through_that_passes_and_refuses_the_next() -> None:
    t = Teller(ruleset(CALL + limit("n each day may reach 10")))
    t.ok("2026-02-17 10:00", "call", n=9)  # one below
    t.ok("2026-02-17 10:01", "call", n=5)  # 9 was not yet 10: 14 now
    assert refusal(t.refused("2026-02-17 10:02", n=1)) == (1, 14, 10)


def test_r30_may_reach_refuses_once_exactly_reached() -> None:
    t = Teller(ruleset(CALL + limit("n each day may reach 10")))
    t.ok("2026-02-17 10:00", "call", n=10)
    assert refusal(t.refused("2026-02-17 10:00", n=1)) == (1, 10, 10)


@pytest.mark.parametrize(("paid", "fits"), [(10, True), (11, False)])
def test_r30_money_is_compared_exactly(paid: int, fits: bool) -> None:
    rules = ruleset(CALL.replace("$1 per", "$0.1 per") + limit("spend each day may not exceed $1"))
    t = Teller(rules)
    assert (t.tell("2026-02-17 10:00", "call", n=paid).decision == "accepted") is fits  # 10 × 0.1 is 1, no bit more


def test_r30_balance_may_fall_refuses_once_it_has_fallen_there_and_not_before() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n\n" + limit("balance may fall to $2", refuse="refuse with 402")))
    t.ok("2026-02-17 09:00", "topup", amount=10)
    t.ok("2026-02-17 10:00", "call", n=7)  # 3 left, above 2
    assert t.ok("2026-02-17 10:01", "call", n=5).balance == -2  # 3 is above 2, so this passes in full
    outcome = t.refused("2026-02-17 10:02", n=1)
    assert (outcome.status, refusal(outcome)) == (402, (1, -2, 2))


@pytest.mark.parametrize(("first", "passes"), [(7, True), (8, False), (9, False)])
def test_r30_balance_exactly_at_its_line_one_above_and_one_below(first: int, passes: bool) -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n\n" + limit("balance may fall to $2", refuse="refuse with 402")))
    t.ok("2026-02-17 09:00", "topup", amount=10)
    t.ok("2026-02-17 10:00", "call", n=first)  # leaves 3, 2 or 1
    assert (t.tell("2026-02-17 10:01", "call", n=1).decision == "accepted") is passes


def test_r30_each_request_is_asked_anew() -> None:
    t = Teller(ruleset(CALL + limit("n each minute may not exceed 10")))
    t.ok("2026-02-17 10:00:00", "call", n=8)
    t.refused("2026-02-17 10:00:10", n=3)
    t.ok("2026-02-17 10:00:20", "call", n=2)  # a smaller one after a refusal
    t.refused("2026-02-17 10:00:30", n=1)
    t.ok("2026-02-17 10:01:00", "call", n=3)


def test_r30_a_limit_raised_by_the_account_holds_from_the_next_request() -> None:
    rules = ruleset("account\n  most  requests, optional\n\n" + CALL + limit("n each day may not exceed account.most"))
    t = Teller(rules, most=5)
    t.refused("2026-02-17 10:00", n=6)
    t.ok("2026-02-17 10:01", "set", most=6)
    t.ok("2026-02-17 10:02", "call", n=6)
    t.ok("2026-02-17 10:03", "set", most=None)
    t.ok("2026-02-17 10:04", "call", n=1000)  # an account that has no such figure has no such limit


def test_r30_one_larger_than_the_whole_limit_is_told_never() -> None:
    t = Teller(ruleset(CALL + limit("n each minute may not exceed 10")))
    outcome = t.refused("2026-02-17 10:00", n=11)
    assert "never" in outcome.message
    assert (outcome.retry_at, outcome.retry_after) == (None, None)
    t.ok("2026-02-17 10:00", "call", n=10)
    later = t.refused("2026-02-17 10:00:20", n=10)  # as large as the limit: the next minute takes it
    assert "never" not in later.message
    assert (later.retry_at, later.retry_after) == (moment("2026-02-17 10:01"), 40)


def test_r30_one_larger_than_the_whole_sliding_limit_is_told_never() -> None:
    t = Teller(ruleset(CALL + limit("n in any 60 seconds may not exceed 10")))
    outcome = t.refused("2026-02-17 10:00", n=11)
    assert "never" in outcome.message
    assert outcome.retry_at is None


def test_r30_what_runs_larger_than_the_whole_limit_is_told_never() -> None:
    rules = ruleset(
        "resource disk\n  size  GB, may change\n\nprice disk\n  space:  size at $1 per GB-month\n\n"
        + limit("size of running disk may not exceed 100 GB", refuse="refuse with 402")
    )
    t = Teller(rules)
    outcome = t.refused("2026-02-17 10:00", "start", resource="disk", resource_id="d-1", size=101)
    assert "never" in outcome.message
    t.ok("2026-02-17 10:00", "start", resource="disk", resource_id="d-2", size=60)
    assert "never" not in t.refused("2026-02-17 10:00", "start", resource="disk", resource_id="d-3", size=60).message


def test_r30_may_reach_takes_one_larger_than_the_whole_limit() -> None:
    t = Teller(ruleset(CALL + limit("n each day may reach 10")))
    t.ok("2026-02-17 10:00", "call", n=1000)
    t.refused("2026-02-17 10:01", n=1)


@pytest.mark.parametrize(
    ("period", "used", "before", "after"),
    [
        ("minute", "2026-02-17 10:00:00", "2026-02-17 10:00:59.999", "2026-02-17 10:01:00"),
        ("hour", "2026-02-17 10:00:00", "2026-02-17 10:59:59", "2026-02-17 11:00:00"),
        ("day", "2026-02-17 00:00:00", "2026-02-17 23:59:59", "2026-02-18 00:00:00"),
        ("week", "2026-02-16 00:00:00", "2026-02-22 23:59:59", "2026-02-23 00:00:00"),
        ("month", "2026-02-01 00:00:00", "2026-02-28 23:59:59", "2026-03-01 00:00:00"),
        ("quarter", "2026-02-01 00:00:00", "2026-03-31 23:59:59", "2026-04-01 00:00:00"),
        ("year", "2026-02-01 00:00:00", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
    ],
)
def test_r30_a_limit_of_a_period_on_both_sides_of_its_end(period: str, used: str, before: str, after: str) -> None:
    t = Teller(ruleset(CALL + limit(f"n each {period} may not exceed 1")))
    t.ok(used, "call", n=1)
    outcome = t.refused(before, n=1)
    assert outcome.retry_at == moment(after)
    t.ok(after, "call", n=1)
    t.refused(after, n=1)


def test_r30_a_limit_of_a_day_is_of_the_zone_of_the_ruleset() -> None:
    t = Teller(ruleset(CALL + limit("n each day may not exceed 1"), zone="Europe/Berlin"))
    t.ok("2026-03-28 22:59:59", "call", n=1)  # 23:59:59 there
    t.ok("2026-03-28 23:00", "call", n=1)  # midnight there, of the day with 23 hours
    assert t.refused("2026-03-29 21:59:59", n=1).retry_at == moment("2026-03-29 22:00")
    t.ok("2026-03-29 22:00", "call", n=1)  # 00:00 in summer time


def test_r30_a_limit_of_each_bill_is_of_the_accounts_billing_period() -> None:
    t = Teller(
        ruleset(CALL + limit("n each bill may not exceed 1"), bill="month from signup"), signup="2026-01-31 12:00"
    )
    t.ok("2026-02-27 23:59:59", "call", n=1)
    t.ok("2026-02-28 00:00", "call", n=1)  # signed up on a 31st: the last of February
    t.refused("2026-03-30 23:59:59", n=1)
    t.ok("2026-03-31 00:00", "call", n=1)


def test_r30_in_any_60_seconds_slides() -> None:
    t = Teller(ruleset(CALL + limit("n in any 60 seconds may not exceed 3")))
    t.ok("2026-02-17 10:00:30", "call", n=1)
    t.ok("2026-02-17 10:00:50", "call", n=2)
    outcome = t.refused("2026-02-17 10:01:29.999", n=1)  # 1 + 2 are still inside
    assert outcome.retry_at == moment("2026-02-17 10:01:30")
    t.ok("2026-02-17 10:01:30", "call", n=1)  # the first is 60 seconds old, and out
    assert t.refused("2026-02-17 10:01:30", n=1).retry_at == moment("2026-02-17 10:01:50")
    t.ok("2026-02-17 10:01:50", "call", n=2)
    # two asked when 1 (of :30) and 2 (of :50) are inside: both must go
    assert t.refused("2026-02-17 10:01:51", n=3).retry_at == moment("2026-02-17 10:02:50")


def test_r30_in_any_may_reach() -> None:
    t = Teller(ruleset(CALL + limit("n in any 10 seconds may reach 3")))
    t.ok("2026-02-17 10:00:00", "call", n=2)
    t.ok("2026-02-17 10:00:05", "call", n=5)
    # 7 at :05; the 2 go at :10 and 5 are still more than 3; the 5 go at :15
    assert t.refused("2026-02-17 10:00:06", n=1).retry_at == moment("2026-02-17 10:00:15")
    t.refused("2026-02-17 10:00:14", n=1)
    t.ok("2026-02-17 10:00:15", "call", n=1)


def test_r30_for_each_is_counted_apart() -> None:
    t = Teller(ruleset(CALL + limit("n each minute for each model may not exceed 2")))
    t.ok("2026-02-17 10:00", "call", n=2, model="small")
    t.ok("2026-02-17 10:00", "call", n=2, model="large")
    t.refused("2026-02-17 10:00", n=1, model="small")
    t.refused("2026-02-17 10:00", n=1, model="large")
    t.ok("2026-02-17 10:00", "call", n=1, model="other")


def test_r30_for_each_with_a_figure_of_each() -> None:
    rules = ruleset(
        "table models by model\n  | model | rpm |\n  | small | 3 |\n  | large | 1 |\n\n"
        + CALL
        + limit("requests each minute for each model may not exceed models.rpm")
    )
    t = Teller(rules)
    assert [t.tell("2026-02-17 10:00", "call", n=1, model="small").decision for _ in range(4)] == ["accepted"] * 3 + [
        "refused"
    ]
    assert [t.tell("2026-02-17 10:00", "call", n=1, model="large").decision for _ in range(2)] == [
        "accepted",
        "refused",
    ]


def test_r30_in_any_for_each() -> None:
    t = Teller(ruleset(CALL + limit("n in any 60 seconds for each model may not exceed 2")))
    t.ok("2026-02-17 10:00:00", "call", n=2, model="small")
    t.ok("2026-02-17 10:00:30", "call", n=2, model="large")
    assert t.refused("2026-02-17 10:00:59", n=1, model="small").retry_at == moment("2026-02-17 10:01:00")
    assert t.refused("2026-02-17 10:00:59", n=1, model="large").retry_at == moment("2026-02-17 10:01:30")


def test_r30_must_be() -> None:
    rules = ruleset(
        "account\n  card  yes or no, default no\n  kyc  one of none or basic or full, optional\n\n"
        + CALL
        + limit("account.card must be yes", refuse="refuse with 402").replace("cap", "card")
        + "\n"
        + limit("account.kyc must be basic or full", refuse="refuse with 429").replace("cap", "kyc")
    )
    t = Teller(rules)
    outcome = t.refused("2026-02-17 10:00", n=1)
    assert ([one.name for one in outcome.limits], outcome.status) == (["card", "kyc"], 402)
    t.ok("2026-02-17 10:01", "set", card=True)
    outcome = t.refused("2026-02-17 10:02", n=1)
    assert ([one.name for one in outcome.limits], outcome.status, outcome.retry_at) == (["kyc"], 429, None)
    t.ok("2026-02-17 10:03", "set", kyc="none")
    t.refused("2026-02-17 10:04", n=1)
    t.ok("2026-02-17 10:05", "set", kyc="full")
    t.ok("2026-02-17 10:06", "call", n=1)


def test_r30_running_counts_on_both_sides_of_the_limit() -> None:
    rules = ruleset(
        "resource vm\n  size  GB, may change\n\nprice vm\n  time:  size at $1 per GB-hour\n\n"
        + limit("running vm may not exceed 2", refuse="refuse with 402")
    )
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="a", size=1)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="b", size=1)
    assert refusal(t.refused("2026-02-17 10:00", "start", resource="vm", resource_id="c", size=1)) == (1, 2, 2)
    t.ok("2026-02-17 10:00", "change", resource_id="a", size=50)  # no more of them
    t.ok("2026-02-17 10:01", "stop", resource_id="a")
    t.ok("2026-02-17 10:01", "start", resource="vm", resource_id="c", size=1)


def test_r30_running_sizes_are_asked_of_a_start_and_of_a_change() -> None:
    rules = ruleset(
        "resource vm\n  size  GB, may change\n\nprice vm\n  time:  size at $1 per GB-hour\n\n"
        + limit("size of running vm may not exceed 10 GB", refuse="refuse with 402")
    )
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="a", size=6)
    assert refusal(t.refused("2026-02-17 10:00", "start", resource="vm", resource_id="b", size=5)) == (5, 6, 10)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="b", size=4)  # 10 exactly
    assert refusal(t.refused("2026-02-17 10:01", "change", resource_id="b", size=5)) == (1, 10, 10)
    t.ok("2026-02-17 10:02", "change", resource_id="a", size=5)
    t.ok("2026-02-17 10:03", "change", resource_id="b", size=5)
    t.ok("2026-02-17 10:04", "stop", resource_id="a")
    t.ok("2026-02-17 10:05", "change", resource_id="b", size=10)


def test_r30_what_became_smaller_passes_even_above_the_limit() -> None:
    rules = ruleset(
        "account\n  most  GB, default 10\n\nresource vm\n  size  GB, may change\n\nprice vm\n  time:  size at $1 per GB-hour\n\n"
        + limit("size of running vm may not exceed account.most", refuse="refuse with 402")
    )
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="a", size=10)
    t.ok("2026-02-17 10:01", "set", most=5)
    t.ok("2026-02-17 10:02", "change", resource_id="a", size=8)  # asks for nothing more
    t.refused("2026-02-17 10:03", "change", resource_id="a", size=9)


def test_r30_all_limits_that_fail_are_told_in_the_order_written_and_the_first_gives_the_status() -> None:
    body = (
        CALL
        + "limit day\n  n each day may not exceed 5\n  refuse with 402\n\nlimit minute\n  n each minute may not exceed 3\n  refuse with 429\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 10:00:00", "call", n=3)
    outcome = t.refused("2026-02-17 10:00:30", n=3)
    assert [(one.name, one.status) for one in outcome.limits] == [("day", 402), ("minute", 429)]
    assert (outcome.status, outcome.limit) == (402, "day")
    assert outcome.retry_at == moment("2026-02-18 00:00")  # the later of the two helps


def test_r30_refuse_names_what_is_refused_and_the_rest_passes() -> None:
    t = Teller(ruleset(CALL + CHAT + limit("spend each day may reach $5", refuse="refuse call with 402")))
    t.ok("2026-02-17 10:00", "chat", n=5)
    t.refused("2026-02-17 10:00", n=1)
    t.ok("2026-02-17 10:00", "chat", n=5)


def test_r30_a_quantity_counts_only_the_records_that_have_it() -> None:
    body = CALL.replace("n  ", "k  ").replace("n at", "k at") + CHAT + limit("n each day may not exceed 5")
    t = Teller(ruleset(body))
    t.ok("2026-02-17 10:00", "chat", n=5)
    t.ok("2026-02-17 10:00", "call", k=100)
    t.refused("2026-02-17 10:00", "chat", n=1)


def test_r30_a_limit_with_a_condition_counts_and_asks_only_where_it_is_met() -> None:
    t = Teller(ruleset(CALL + limit("n each day may not exceed 5 when model is large")))
    t.ok("2026-02-17 10:00", "call", n=100, model="small")
    t.ok("2026-02-17 10:00", "call", n=5, model="large")
    t.refused("2026-02-17 10:00", n=1, model="large")
    t.ok("2026-02-17 10:00", "call", n=1, model="small")


def test_r30_an_alert_is_told_once_where_its_level_is_reached() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may reach $10", "alert at 80%, 100%")))
    t.ok("2026-02-17 10:00", "call", n=7)
    assert t.told("alert") == []
    t.ok("2026-02-17 10:01", "call", n=1)  # 8 of 10, exactly 80 %
    assert [(one["level"], one["used"]) for one in t.told("alert")] == [("80%", "8")]
    t.ok("2026-02-17 10:02", "call", n=1)
    t.ok("2026-02-17 10:03", "call", n=5)
    assert [(one["level"], one["used"]) for one in t.told("alert")] == [("80%", "8"), ("100%", "14")]
    t.refused("2026-02-17 10:04", n=1)
    assert len(t.told("alert")) == 2
    t.ok("2026-02-18 00:00", "call", n=20)  # a new day, both at once
    assert [one["level"] for one in t.told("alert")[2:]] == ["80%", "100%"]


def test_r30_an_alert_of_the_balance_is_told_again_when_it_has_fallen_again() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n\nlimit low\n  balance may fall to $5\n  alert\n"))
    t.ok("2026-02-17 09:00", "topup", amount=10)
    t.ok("2026-02-17 10:00", "call", n=4)  # 6
    assert [one["used"] for one in t.told("alert")] == ["0"]  # it began with nothing
    t.ok("2026-02-17 10:01", "call", n=1)  # 5, exactly
    t.ok("2026-02-17 10:02", "call", n=1)
    assert len(t.told("alert")) == 2
    t.ok("2026-02-17 10:03", "topup", amount=2)  # 6
    t.ok("2026-02-17 10:04", "call", n=2)
    assert [one["used"] for one in t.told("alert")] == ["0", "5", "4"]


def test_r30_a_limit_of_nothing_refuses_everything() -> None:
    t = Teller(ruleset("account\n  most  USD, default 0\n\n" + CALL + limit("spend each day may reach account.most")))
    outcome = t.refused("2026-02-17 10:00", n=1)
    assert outcome.retry_at is None  # no midnight helps


# --- R31 ------------------------------------------------------------------------------------------------------------


def test_r31_a_refused_request_counts_for_nothing() -> None:
    body = (
        CALL
        + limit("spend each day may not exceed $10")
        + "\nlimit rpm\n  requests each minute may not exceed 2\n  refuse with 429\n"
    )
    t = Teller(ruleset(body + "\nfunds\n  pay for call\n"))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    for _ in range(5):
        assert [one.name for one in t.refused("2026-02-17 10:00", n=11).limits] == ["cap"]
    assert t.balance == 100
    t.ok("2026-02-17 10:00", "call", n=1)
    t.ok("2026-02-17 10:00", "call", n=9)  # 10 exactly, and the second request of the minute
    assert [one.name for one in t.refused("2026-02-17 10:00", n=1).limits] == ["cap", "rpm"]


def test_r31_a_refused_request_counts_for_nothing_in_what_prices_count() -> None:
    body = (
        "usage call\n  n  requests\n\nprice call\n  calls:  n at graduated each month\n    up to 10: free\n    above 10: $1 per request\n\n"
        + limit("n each minute may not exceed 10")
    )
    t = Teller(ruleset(body))
    t.refused("2026-02-17 10:00", n=11)
    assert t.charge("2026-02-17 10:01", n=10) == 0
    assert t.charge("2026-02-17 10:02", n=10) == 10


def test_r31_a_refused_request_counts_for_nothing_in_an_allowance() -> None:
    body = (
        "allowance free_ones\n  10 requests every month\n\nusage call\n  n  requests\n\nprice call\n  calls:  n beyond free_ones at $1 per request\n\n"
        + limit("n each minute may not exceed 10")
    )
    t = Teller(ruleset(body))
    t.refused("2026-02-17 10:00", n=11)
    assert t.charge("2026-02-17 10:01", n=10) == 0
    assert t.charge("2026-02-17 10:02", n=1) == 1


FUNDED = (
    CALL
    + "funds\n  pay for call\n  reservations expire after 15 minutes\n\n"
    + limit("spend each day may not exceed $10")
)


def test_r31_a_reservation_counts_as_spent_and_used_until_settled() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    hold = t.hold("2026-02-17 10:00", n=8)
    assert (hold.reserved, hold.amount, t.balance) == (8, 0, 92)
    assert refusal(t.refused("2026-02-17 10:01", n=3)) == (3, 8, 10)
    assert t.settle("2026-02-17 10:02", hold, n=5).amount == 5
    assert t.balance == 95
    assert refusal(t.refused("2026-02-17 10:03", n=6)) == (6, 5, 10)
    t.ok("2026-02-17 10:04", "call", n=5)


def test_r31_a_reservation_counts_until_released() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    hold = t.hold("2026-02-17 10:00", n=10)
    t.refused("2026-02-17 10:01", n=1)
    t.ok("2026-02-17 10:02", "release", hold=hold.hold)
    assert t.balance == 100
    t.ok("2026-02-17 10:02", "call", n=10)


def test_r31_a_reservation_counts_until_it_expires() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    t.hold("2026-02-17 10:00", n=10)
    t.refused("2026-02-17 10:14:59", n=1)
    assert t.ok("2026-02-17 10:15", "call", n=10).balance == 90  # it ends first at that instant


def test_r31_reservations_count_in_a_sliding_window() -> None:
    t = Teller(ruleset(CALL + limit("n in any 60 seconds may not exceed 5")))
    hold = t.hold("2026-02-17 10:00:00", n=4)
    t.refused("2026-02-17 10:00:30", n=2)
    t.settle("2026-02-17 10:00:40", hold, n=3)
    t.ok("2026-02-17 10:00:50", "call", n=2)  # 3 + 2
    t.refused("2026-02-17 10:00:59", n=1)
    t.ok("2026-02-17 10:01:00", "call", n=3)  # what was used at the authorize's instant is out


def test_r31_a_reservation_can_be_refused_by_another() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    t.hold("2026-02-17 10:00", n=10)
    assert t.refused("2026-02-17 10:01", "authorize", usage={"type": "call", "n": 1}).limit == "cap"


def test_r31_a_refused_authorize_reserves_nothing_and_cannot_be_settled() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    t.refused("2026-02-17 10:00", "authorize", id="h", usage={"type": "call", "n": 11})
    assert t.balance == 100
    assert t.rejected("2026-02-17 10:01", "settle", hold="h", usage={"type": "call", "n": 1}) == "unknown-hold"


def test_r31_reservations_against_the_balance() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n\n" + limit("balance may fall to $0", refuse="refuse with 402")))
    t.ok("2026-02-17 09:00", "topup", amount=10)
    hold = t.hold("2026-02-17 10:00", n=10)
    t.refused("2026-02-17 10:00", n=1)  # nothing is left beside what is reserved
    t.settle("2026-02-17 10:01", hold, n=9)
    t.ok("2026-02-17 10:02", "call", n=1)


def test_r31_a_reservation_for_what_the_bill_pays_counts_in_limits() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may not exceed $10", refuse="refuse with 402")))
    hold = t.hold("2026-02-17 10:00", n=8)
    t.refused("2026-02-17 10:01", n=3)
    t.ok("2026-02-17 10:02", "release", hold=hold.hold)
    t.ok("2026-02-17 10:03", "call", n=10)


def test_r31_without_a_figure_reservations_last_fifteen_minutes() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n"))
    t.hold("2026-02-17 10:00", n=3)
    assert t.ok("2026-02-17 10:14:59", "clock").balance == -3
    assert t.ok("2026-02-17 10:15", "clock").balance == 0


def test_r31_a_reservation_counts_in_a_period_that_has_ended() -> None:
    t = Teller(
        ruleset(CALL + "funds\n  reservations expire after 1 hour\n\n" + limit("spend each day may not exceed $10"))
    )
    hold = t.hold("2026-02-17 23:59", n=8)
    t.ok("2026-02-18 00:01", "call", n=10)
    t.refused("2026-02-17 23:59:30", n=3)  # of the 17th, of which 8 are reserved
    t.settle("2026-02-18 00:02", hold, n=2)
    t.ok("2026-02-17 23:59:40", "call", n=8)


def test_r31_reservations_count_apart_for_each() -> None:
    t = Teller(ruleset(CALL + limit("n each minute for each model may not exceed 5")))
    hold = t.hold("2026-02-17 10:00", n=5, model="small")
    t.ok("2026-02-17 10:00:10", "call", n=5, model="large")
    t.refused("2026-02-17 10:00:20", n=1, model="small")
    t.settle("2026-02-17 10:00:30", hold, n=4, model="small")
    t.ok("2026-02-17 10:00:40", "call", n=1, model="small")


def test_r31_a_hold_alerts_as_what_is_spent() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may reach $10", "alert at 50%")))
    t.hold("2026-02-17 10:00", n=5)
    assert [(one["level"], one["used"]) for one in t.told("alert")] == [("50%", "5")]


# --- R32 ------------------------------------------------------------------------------------------------------------


def test_r32_settle_is_charged_in_full_never_refused_and_may_pass_a_limit() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    hold = t.hold("2026-02-17 10:00", n=1)
    assert t.settle("2026-02-17 10:01", hold, n=25).amount == 25
    assert t.balance == -5
    assert refusal(t.refused("2026-02-17 10:02", n=1)) == (1, 25, 10)


def test_r32_authorize_fixes_the_window() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    hold = t.hold("2026-02-17 23:59", n=4)
    outcome = t.settle("2026-02-18 00:01", hold, n=6)
    assert [(posting.at, posting.amount) for posting in outcome.postings] == [(moment("2026-02-17 23:59"), 6)]
    t.ok("2026-02-18 00:02", "call", n=10)  # the new day has all its ten
    t.refused("2026-02-18 00:03", n=1)


DATED = """usage call
  n  requests

table rates, per request
  | price |
  | $1    |

  from 2026-02-18
    | price |
    | $3    |

price call
  calls:  n at rates.price

"""


def test_r32_authorize_fixes_the_price_in_force() -> None:
    t = Teller(ruleset(DATED + "funds\n  reservations expire after 1 hour\n"))
    before = t.hold("2026-02-17 23:59:59", n=1)
    after = t.hold("2026-02-18 00:00", n=1)
    assert (before.reserved, after.reserved) == (1, 3)
    assert t.settle("2026-02-18 00:10", before, n=2).amount == 2
    assert t.settle("2026-02-18 00:10", after, n=2).amount == 6


def test_r32_authorize_fixes_prices_of_the_accounts_plan() -> None:
    body = (
        "account\n  plan  one of plans\n\ntable plans by plan, per request\n  | plan | price |\n  | Free | $2 |\n  | Pro | $1 |\n\n"
        "usage call\n  n  requests\n\nprice call\n  calls:  n at plans.price\n\nfunds\n  pay for call\n"
    )
    t = Teller(ruleset(body), plan="Free")
    hold = t.hold("2026-02-17 10:00", n=5)
    t.ok("2026-02-17 10:01", "subscribe", plan="Pro")
    assert t.settle("2026-02-17 10:02", hold, n=5).amount == 10  # 5 × 2: what it cost when it was authorized
    assert t.charge("2026-02-17 10:03", n=5) == 5


def test_r32_settle_after_the_reservation_expired() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    hold = t.hold("2026-02-17 10:00", n=9)
    t.ok("2026-02-17 10:15", "call", n=8)
    assert t.settle("2026-02-17 10:20", hold, n=9).amount == 9  # 8 + 9 = 17 passes the limit
    assert t.balance == 83
    assert t.told("settled late") == [{"at": "2026-02-17T10:20:00Z", "hold": hold.hold}]
    assert refusal(t.refused("2026-02-17 10:21", n=1)) == (1, 17, 10)


def test_r32_settle_counts_where_it_was_authorized_in_what_prices_count() -> None:
    body = (
        "usage call\n  n  requests\n\nprice call\n  calls:  n at graduated each day\n    up to 10: free\n    above 10: $1 per request\n\n"
        "funds\n  reservations expire after 1 hour\n"
    )
    t = Teller(ruleset(body))
    hold = t.hold("2026-02-17 23:30", n=10)
    assert t.charge("2026-02-17 23:40", n=10) == 0
    assert t.charge("2026-02-18 00:01", n=10) == 0
    # 10 at 23:30 come before the 10 at 23:40: its own are free, and the later ones cost 10
    outcome = t.settle("2026-02-18 00:10", hold, n=10)
    assert outcome.amount == 0
    assert t.revenue("call") == 10
    assert t.revenue("call", "2026-02-18") == 0


def test_r32_a_hold_is_settled_once() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    hold = t.hold("2026-02-17 10:00", n=1)
    t.settle("2026-02-17 10:01", hold, n=1)
    assert t.rejected("2026-02-17 10:02", "settle", hold=hold.hold, usage={"type": "call", "n": 1}) == "hold-closed"
    assert t.rejected("2026-02-17 10:02", "release", hold=hold.hold) == "hold-closed"
    assert t.balance == 99


def test_r32_settle_with_nothing_used_is_charged_nothing() -> None:
    t = Teller(ruleset(FUNDED))
    t.ok("2026-02-17 09:00", "topup", amount=100)
    hold = t.hold("2026-02-17 10:00", n=5)
    assert t.settle("2026-02-17 10:01", hold, n=0).amount == 0
    assert t.balance == 100
    t.ok("2026-02-17 10:02", "call", n=10)


# --- R33 ------------------------------------------------------------------------------------------------------------


def test_r33_spend_is_charges_for_usage_before_funds_and_without_fees() -> None:
    body = (
        CALL
        + "price account\n  plan:  $30 every month in advance\n\nfunds\n  pay for call\n\ngrant welcome $100 on signup\n\n"
        + limit("spend each month may not exceed $10")
    )
    t = Teller(ruleset(body), signup="2026-02-17 09:00")
    assert t.moved("fee") == [("2026-02-17 09:00", 30)]
    t.ok("2026-02-17 10:00", "call", n=10)  # all of it paid by a present, and still spent
    assert refusal(t.refused("2026-02-17 10:01", n=1)) == (1, 10, 10)


def test_r33_spend_is_by_the_at_of_a_charge() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may not exceed $10")))
    t.ok("2026-02-17 23:59:59", "call", n=10)
    t.ok("2026-02-18 00:00", "call", n=4)
    t.refused("2026-02-17 12:00", n=1)  # late, and of the 17th
    t.ok("2026-02-18 00:01", "call", n=6)


def test_r33_a_late_record_counts_in_its_own_day() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may not exceed $10")))
    t.ok("2026-02-18 00:00", "call", n=10)
    t.ok("2026-02-17 23:59:59", "call", n=10)
    t.refused("2026-02-17 23:59:58", n=1)


def test_r33_spend_counts_what_runs() -> None:
    body = (
        CALL
        + "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\n"
        + limit("spend each day may not exceed $10")
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 21:30", "start", resource="vm", resource_id="v", kind="a")
    # 21:30 and 22:30 are 8; 2 are left, at 23:30 it would be 12
    t.refused("2026-02-17 22:45", n=3)
    t.ok("2026-02-17 22:45", "call", n=2)
    assert refusal(t.refused("2026-02-17 23:45", n=1)) == (1, 14, 10)  # hours come, limits or not
    t.ok("2026-02-18 00:15", "call", n=10)
    assert refusal(t.refused("2026-02-18 00:45", n=1)) == (1, 14, 10)  # and 4 at 00:30


def test_r33_credits_lower_spend() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may not exceed $10")))
    t.ok("2026-02-17 10:00", "call", id="c", n=10)
    t.refused("2026-02-17 10:01", n=1)
    t.ok("2026-02-17 10:02", "refund", of="c", amount=4)
    t.refused("2026-02-17 10:03", n=5)
    t.ok("2026-02-17 10:04", "call", n=4)


def test_r33_a_credit_lowers_the_spend_of_the_day_it_is_for() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may not exceed $10")))
    t.ok("2026-02-17 10:00", "call", id="c", n=10)
    t.ok("2026-02-18 10:00", "call", n=10)
    t.ok("2026-02-18 10:01", "refund", of="c", amount=4)
    t.refused("2026-02-18 10:02", n=1)
    t.ok("2026-02-17 11:00", "call", n=4)


def test_r33_a_correction_and_a_void_lower_spend() -> None:
    t = Teller(ruleset(CALL + limit("spend each day may not exceed $10")))
    t.ok("2026-02-17 10:00", "call", id="c", n=10)
    t.ok("2026-02-17 10:01", "correct", of="c", usage={"type": "call", "at": "2026-02-17T10:00:00Z", "n": 7})
    t.refused("2026-02-17 10:02", n=4)
    t.ok("2026-02-17 10:03", "call", n=3)
    t.ok("2026-02-17 10:04", "correct", of="c")
    t.ok("2026-02-17 10:05", "call", n=7)
    t.refused("2026-02-17 10:06", n=1)


def test_r33_a_volume_band_that_credits_lowers_spend() -> None:
    body = (
        'usage call\n  n  requests\n\nprice call\n  calls:  n at volume each month\n    allow tier-cliff "this is the test"\n'
        "    up to 10: $1 per request\n    above 10: $0.10 per request\n\n" + limit("spend each day may reach $9")
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 10:00", "call", n=8)
    assert t.charge("2026-02-17 10:01", n=12) == -6  # 20 × 0.10 = 2, less the 8 that were charged
    assert t.charge("2026-02-17 10:02", n=60) == 6  # 80 × 0.10 = 8
    assert t.charge("2026-02-17 10:03", n=10) == 1  # 9
    assert refusal(t.refused("2026-02-17 10:04", n=1))[1:] == (9, 9)


@pytest.mark.parametrize("seed", range(25))
def test_r33_spend_and_balance_of_many_events_are_what_a_list_of_them_adds_up_to(seed: int) -> None:
    dice = random.Random(seed)
    body = (
        CALL
        + "funds\n  pay for call\n  reservations expire after 2 hours\n\n"
        + limit("spend each day may not exceed $100,000", refuse="refuse with 402")
    )
    t = Teller(ruleset(body))
    spent: dict[str, tuple[int, int]] = {}  # id: day and amount
    holds: dict[str, tuple[int, int, int]] = {}  # id: day, amount, minute at which it ends
    paid = 0
    minute = 23 * 60
    for number in range(40):
        minute += dice.randrange(12)
        holds = {id: one for id, one in holds.items() if one[2] > minute}
        day, rest = 10 + minute // 1440, minute % 1440
        when, id, n = f"2026-02-{day} {rest // 60:02}:{rest % 60:02}", f"x-{number}", dice.randrange(20)
        t.ok(when, "clock")
        match dice.randrange(8):
            case 0 | 1:
                t.ok(when, "call", id=id, n=n)
                spent[id] = (day, n)
            case 2:
                t.ok("2026-02-10 22:00", "call", id=id, n=n)  # late
                spent[id] = (10, n)
            case 3 | 4:
                t.hold(when, id=id, n=n)
                holds[id] = (day, n, minute + 120)
            case 5 if holds:
                of = dice.choice(sorted(holds))
                t.ok(when, "settle", hold=of, usage={"type": "call", "n": n})
                spent[of] = (holds.pop(of)[0], n)
            case 6 if spent:
                of = dice.choice(sorted(spent))
                t.ok(when, "correct", of=of)
                del spent[of]
            case 7 if holds:
                of = dice.choice(sorted(holds))
                t.ok(when, "release", hold=of)
                del holds[of]
            case _:
                t.ok(when, "topup", amount=n + 1)
                paid += n + 1
        for asked in (10, 11):
            at = f"2026-02-{asked} 23:59:59" if asked < day else when
            if asked > day:
                continue
            used = t.refused(at, n=100_001).limits[0].used  # one that never passes tells what is used
            assert used == sum(n for day, n in spent.values() if day == asked) + sum(
                n for day, n, _ in holds.values() if day == asked
            )
        assert t.balance == paid - sum(n for _, n in spent.values()) - sum(n for _, n, _ in holds.values())


@pytest.mark.parametrize("seed", range(25))
def test_r31_what_a_sliding_window_holds_is_what_a_list_of_it_adds_up_to(seed: int) -> None:
    dice = random.Random(seed)
    body = (
        CALL
        + "funds\n  reservations expire after 5 minutes\n\n"
        + limit("n in any 10 minutes for each model may not exceed 100,000 requests")
    )
    t = Teller(ruleset(body))
    used: dict[str, tuple[int, int, str]] = {}  # id: second, quantity, model
    ends: dict[str, int] = {}  # holds: the second at which they end
    second = 0
    for number in range(40):
        second += dice.randrange(100)
        now, id, n, model = (
            f"2026-02-17 10:{second // 60:02}:{second % 60:02}"
            if second < 3600
            else f"2026-02-17 11:{second // 60 - 60:02}:{second % 60:02}",
            f"x-{number}",
            dice.randrange(9),
            dice.choice("ab"),
        )
        t.ok(now, "clock")
        for of in [of for of, end in ends.items() if end <= second]:
            del ends[of], used[of]
        match dice.randrange(6):
            case 0 | 1:
                t.ok(now, "call", id=id, n=n, model=model)
                used[id] = (second, n, model)
            case 2:
                t.hold(now, id=id, n=n, model=model)
                used[id], ends[id] = (second, n, model), second + 300
            case 3 if ends:
                of = dice.choice(sorted(ends))
                t.ok(now, "settle", hold=of, usage={"type": "call", "n": n, "model": used[of][2]})
                used[of] = (used[of][0], n, used[of][2])
                del ends[of]
            case 4 if ends:
                of = dice.choice(sorted(ends))
                t.ok(now, "release", hold=of)
                del ends[of], used[of]
            case 5 if set(used) - set(ends):
                of = dice.choice(sorted(set(used) - set(ends)))
                t.ok(now, "correct", of=of)
                del used[of]
        for model in "ab":
            found = t.refused(now, n=100_001, model=model).limits[0].used
            assert found == sum(n for at, n, its in used.values() if its == model and second - 600 < at <= second)


# --- R34 ------------------------------------------------------------------------------------------------------------


def test_r34_balance_is_unexpired_funds_less_reservations() -> None:
    body = CALL + "funds\n  pay for call\n\ngrant trial $5 on signup, expires after 10 days\n"
    t = Teller(ruleset(body), signup="2026-02-17 09:00")
    t.ok("2026-02-17 09:01", "topup", amount=10)
    assert t.balance == 15
    hold = t.hold("2026-02-27 08:50", n=3)
    assert t.balance == 12
    assert t.ok("2026-02-27 08:59:59", "clock").balance == 12
    assert t.ok("2026-02-27 09:00", "clock").balance == 7  # 10 − 3
    t.ok("2026-02-27 09:01", "release", hold=hold.hold)
    assert t.balance == 10


def test_r34_for_a_request_only_funds_that_may_pay_for_it_count() -> None:
    body = (
        CALL
        + CHAT
        + "funds\n  pay for call and chat\n\ngrant chats $5 on signup for chat\n\n"
        + limit("balance may fall to $0", refuse="refuse with 402")
    )
    t = Teller(ruleset(body))
    assert t.balance == 5
    assert refusal(t.refused("2026-02-17 10:00", n=1)) == (1, 0, 0)
    t.ok("2026-02-17 10:01", "chat", n=2)
    t.ok("2026-02-17 10:02", "topup", amount=1)
    t.ok("2026-02-17 10:03", "call", n=1)
    assert t.balance == 3
    t.refused("2026-02-17 10:04", n=1)
    t.ok("2026-02-17 10:05", "chat", n=1)


def test_r34_reservations_take_the_funds_that_would_pay_for_them() -> None:
    body = (
        CALL
        + CHAT
        + "funds\n  pay for call and chat\n  spend promotional first\n\ngrant chats $5 on signup for chat\n\n"
        + limit("balance may fall to $0", refuse="refuse with 402")
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 09:00", "topup", amount=5)
    t.hold("2026-02-17 10:00", "chat", n=5)  # out of the five for chat
    assert t.balance == 5
    t.ok("2026-02-17 10:01", "call", n=5)
    t.refused("2026-02-17 10:02", "chat", n=1)


def test_r34_paid_balance_is_only_what_was_paid_in() -> None:
    body = (
        CALL
        + "funds\n  pay for call\n  spend paid first\n\ngrant trial $5 on signup\n\n"
        + limit("paid balance may fall to $0", refuse="refuse with 402")
    )
    t = Teller(ruleset(body))
    t.refused("2026-02-17 10:00", n=1)
    t.ok("2026-02-17 10:01", "topup", amount=2)
    t.ok("2026-02-17 10:02", "call", n=1)
    t.ok("2026-02-17 10:03", "call", n=1)
    assert t.balance == 5
    t.refused("2026-02-17 10:04", n=1)


def test_r34_what_the_bill_pays_does_not_lower_the_balance() -> None:
    t = Teller(ruleset(CALL + CHAT + "funds\n  pay for call\n"))
    t.ok("2026-02-17 09:00", "topup", amount=10)
    assert t.ok("2026-02-17 10:00", "chat", n=4).balance == 10
    t.hold("2026-02-17 10:01", "chat", n=4)
    assert t.balance == 10

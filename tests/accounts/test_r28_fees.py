"""R6, R16, R28: minimums of a period and fees of an account, by the day where they say so. Figures by hand."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import pytest
from teller import Teller
from teller import moment
from teller import ruleset

PLANS = """account
  plan  one of plans

table plans by plan
  | plan | fee  |
  | Free | free |
  | A    | $28  |
  | B    | $56  |
  | C    | $7   |

"""
CALL = """usage call
  n  requests

price call
  calls:  n at $1 per request

"""


def fees(
    body: str = "every month in advance, prorated by day", zone: str = "UTC", bill: str = "month", head: str = ""
) -> object:
    return ruleset(PLANS + CALL + f"price account\n  plan:  plans.fee {body}\n", zone, head, bill)


def on(t: Teller) -> list[tuple[str, Fraction]]:
    """When fees were charged, and how much."""
    return t.moved("fee")


# --- R16 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signup", "days"),
    [
        ("2026-01-28 10:00", ["01-28 10:00", "02-28 00:00", "03-28 00:00", "04-28 00:00"]),
        ("2026-01-29 10:00", ["01-29 10:00", "02-28 00:00", "03-29 00:00", "04-29 00:00"]),
        ("2026-01-30 10:00", ["01-30 10:00", "02-28 00:00", "03-30 00:00", "04-30 00:00"]),
        ("2026-01-31 10:00", ["01-31 10:00", "02-28 00:00", "03-31 00:00", "04-30 00:00"]),
    ],
)
def test_r16_every_month_from_signup_keeps_the_day_of_signup(signup: str, days: list[str]) -> None:
    t = Teller(fees("every month from signup in advance"), signup=signup, plan="A")
    t.ok("2026-05-15 00:00", "clock")
    assert on(t)[:4] == [(f"2026-{day}", 28) for day in days]


def test_r16_in_a_leap_year() -> None:
    t = Teller(fees("every month from signup in advance"), signup="2024-01-31 10:00", plan="A")
    t.ok("2024-03-31 00:00", "clock")
    assert on(t) == [("2024-01-31 10:00", 28), ("2024-02-29 00:00", 28), ("2024-03-31 00:00", 28)]


def test_r16_every_year_from_signup_on_a_leap_day() -> None:
    t = Teller(fees("every year from signup in advance"), signup="2024-02-29 10:00", plan="A")
    t.ok("2028-03-01 00:00", "clock")
    assert [at for at, _ in on(t)] == [
        "2024-02-29 10:00",
        "2025-02-28 00:00",
        "2026-02-28 00:00",
        "2027-02-28 00:00",
        "2028-02-29 00:00",
    ]


def test_r16_the_day_of_signup_is_of_the_zone() -> None:
    t = Teller(
        fees("every month from signup in advance", zone="Asia/Tokyo"), signup="2026-01-30 20:00", plan="A"
    )  # the 31st there
    t.ok("2026-04-01 00:00", "clock")
    assert [at for at, _ in on(t)] == ["2026-01-30 20:00", "2026-02-27 15:00", "2026-03-30 15:00"]


def test_r16_every_bill_is_the_accounts_billing_period() -> None:
    t = Teller(fees("every bill in advance", bill="month from signup"), signup="2026-01-31 10:00", plan="A")
    t.ok("2026-03-31 00:00", "clock")
    assert [at for at, _ in on(t)] == ["2026-01-31 10:00", "2026-02-28 00:00", "2026-03-31 00:00"]


def test_r16_without_from_signup_months_are_the_calendars() -> None:
    t = Teller(fees("every month in advance"), signup="2026-01-31 10:00", plan="A")
    t.ok("2026-03-01 00:00", "clock")
    assert on(t) == [("2026-01-31 10:00", 28), ("2026-02-01 00:00", 28), ("2026-03-01 00:00", 28)]


# --- R28 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signup", "first"),
    [
        ("2026-02-01 00:00", 28),
        ("2026-02-01 23:59:59", 28),  # the day of signup is in force, all of it
        ("2026-02-02 00:00", 27),
        ("2026-02-15 08:00", 14),
        ("2026-02-28 23:59:59", 1),
    ],
)
def test_r28_a_fee_in_advance_is_prorated_from_the_day_of_signup(signup: str, first: int) -> None:
    t = Teller(fees(), signup=signup, plan="A")
    t.ok("2026-03-01 00:00", "clock")
    t.ok("2026-03-01 00:01", "clock")
    assert on(t) == [
        (signup.removesuffix(":00") if signup.count(":") == 2 else signup, first),
        ("2026-03-01 00:00", 28),
    ]


def test_r28_the_days_of_a_longer_month() -> None:
    t = Teller(fees(head="round charge to $0.01, half up"), signup="2026-03-30 08:00", plan="A")
    assert on(t) == [("2026-03-30 08:00", Decimal("1.81"))]  # 28 × 2 / 31 = 1.806…


def test_r28_a_day_of_23_hours_is_a_day() -> None:
    t = Teller(
        fees(zone="Europe/Berlin", head="round charge to $0.01, half up"), signup="2026-03-28 23:30", plan="A"
    )  # the 29th there
    assert on(t) == [("2026-03-28 23:30", Decimal("2.71"))]  # 28 × 3 / 31 = 2.7096…


def test_r28_without_these_words_a_part_costs_the_whole() -> None:
    t = Teller(fees("every month in advance"), signup="2026-02-28 10:00", plan="A")
    assert on(t) == [("2026-02-28 10:00", 28)]


def test_r28_an_upgrade_credits_what_is_unused_and_charges_the_new_from_that_day() -> None:
    t = Teller(fees(), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-15 18:00", "subscribe", plan="B")
    # 14 of 28 days are left, the 15th belonging to the new: −14 and 28
    assert on(t) == [("2026-02-01 00:00", 28), ("2026-02-15 18:00", -14), ("2026-02-15 18:00", 28)]
    t.ok("2026-03-02 00:00", "clock")
    assert on(t)[3:] == [("2026-03-01 00:00", 56)]


def test_r28_a_downgrade_credits_the_difference() -> None:
    t = Teller(fees(), signup="2026-02-01 00:00", plan="B")
    t.ok("2026-02-22 00:00", "subscribe", plan="C")
    # 7 of 28 days: −14 and 1.75
    assert sum(amount for _, amount in on(t)) == 56 - 14 + Decimal("1.75")


def test_r28_a_change_to_what_is_free_and_back() -> None:
    t = Teller(fees(), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-08 00:00", "subscribe", plan="Free")
    t.ok("2026-02-22 00:00", "subscribe", plan="A")
    # 7 days, and then 7 days more
    assert sum(amount for _, amount in on(t)) == 14


def test_r28_changes_of_one_day_leave_only_the_last() -> None:
    t = Teller(fees(), signup="2026-02-01 00:00", plan="A")
    for hour, plan in enumerate(("B", "C", "Free", "B", "C")):
        t.ok(f"2026-02-15 1{hour}:00", "subscribe", plan=plan)
    # A to the 14th, C from the 15th on
    assert sum(amount for _, amount in on(t)) == 14 + Decimal("3.5")


def test_r28_a_change_back_on_the_same_day_costs_nothing() -> None:
    t = Teller(fees(head="round charge to $0.01, half up"), signup="2026-03-01 00:00", plan="A")
    t.ok("2026-03-10 10:00", "subscribe", plan="B")
    t.ok("2026-03-10 11:00", "subscribe", plan="A")
    assert sum(amount for _, amount in on(t)) == 28


def test_r28_a_change_on_the_day_of_signup() -> None:
    t = Teller(fees(), signup="2026-02-15 10:00", plan="A")
    t.ok("2026-02-15 23:59:59", "subscribe", plan="B")
    assert sum(amount for _, amount in on(t)) == 28  # 14 days of 56


def test_r28_a_change_to_the_same_is_none() -> None:
    t = Teller(fees(), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-15 10:00", "subscribe", plan="A")
    t.ok("2026-02-15 10:00", "set", plan="A")
    assert on(t) == [("2026-02-01 00:00", 28)]


def test_r28_a_plan_that_is_taken_away() -> None:
    t = Teller(fees(), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-08 10:00", "set", plan=None)
    t.ok("2026-04-01 00:00", "clock")
    assert sum(amount for _, amount in on(t)) == 7


def test_r28_a_plan_that_is_taken_in_the_middle() -> None:
    t = Teller(fees(), signup="2026-01-10 00:00")
    t.ok("2026-02-22 10:00", "subscribe", plan="A")
    assert on(t) == [("2026-02-22 10:00", 7)]


def test_r28_a_plan_that_is_optional() -> None:
    rules = ruleset(
        PLANS.replace("one of plans", "one of plans, optional")
        + CALL
        + "price account\n  plan:  plans.fee every month in advance, prorated by day\n"
    )
    t = Teller(rules, signup="2026-01-10 00:00")
    t.ok("2026-02-22 10:00", "subscribe", plan="A")
    t.ok("2026-02-28 10:00", "set", plan=None)
    assert sum(amount for _, amount in on(t)) == 6  # the 22nd to the 27th


def test_r28_the_credit_is_no_more_than_what_was_paid() -> None:
    t = Teller(fees(), signup="2026-02-15 00:00", plan="A")  # 14
    t.ok("2026-02-22 00:00", "subscribe", plan="Free")
    assert sum(amount for _, amount in on(t)) == 7


def test_r28_in_arrears_each_day_costs_what_was_in_force() -> None:
    t = Teller(fees("every month, prorated by day"), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-15 18:00", "subscribe", plan="B")
    assert on(t) == []
    t.ok("2026-03-02 00:00", "clock")
    assert on(t) == [("2026-03-01 00:00", 42)]  # 14 days of 28, 14 days of 56


def test_r28_in_arrears_from_the_day_of_signup() -> None:
    t = Teller(fees("every month, prorated by day"), signup="2026-02-22 18:00", plan="A")
    t.ok("2026-04-02 00:00", "clock")
    assert on(t) == [("2026-03-01 00:00", 7), ("2026-04-01 00:00", 28)]


def test_r28_in_arrears_with_changes_of_one_day() -> None:
    t = Teller(fees("every month, prorated by day"), signup="2026-02-01 00:00", plan="A")
    for hour, plan in enumerate(("B", "Free", "C")):
        t.ok(f"2026-02-15 1{hour}:00", "subscribe", plan=plan)
    t.ok("2026-03-01 00:00", "clock")
    assert on(t) == [("2026-03-01 00:00", Decimal("17.5"))]  # 14 days of 28, 14 of 7


def test_r28_in_arrears_the_fee_belongs_to_the_period_that_ended() -> None:
    t = Teller(fees("every month, prorated by day"), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-03-01 00:00", "clock")
    (posting,) = [one for one in t.postings if one.kind == "fee"]
    assert posting.of == "a-1/2026-02/plan"
    assert posting.bill is not None
    assert moment("2026-02-01") <= posting.bill < moment("2026-03-01")


def test_r28_from_signup_on_the_31st_the_period_has_its_own_days() -> None:
    t = Teller(fees("every month from signup in advance, prorated by day"), signup="2026-01-31 10:00", plan="A")
    t.ok("2026-02-14 10:00", "subscribe", plan="B")
    # 31 January to 27 February are 28 days, of which 14 are left from the 14th on
    assert on(t) == [("2026-01-31 10:00", 28), ("2026-02-14 10:00", -14), ("2026-02-14 10:00", 28)]
    t.ok("2026-02-28 00:00", "clock")
    t.ok("2026-02-28 00:01", "clock")
    assert on(t)[3:] == [("2026-02-28 00:00", 56)]


def test_r28_a_week_is_prorated_too() -> None:
    t = Teller(fees("every week in advance, prorated by day"), signup="2026-02-20 10:00", plan="C")  # a Friday
    t.ok("2026-02-24 00:00", "clock")
    assert on(t) == [("2026-02-20 10:00", 3), ("2026-02-23 00:00", 7)]


def test_r28_a_fee_with_a_condition() -> None:
    rules = ruleset(
        PLANS + CALL + "price account\n  support:  $28 every month in advance, prorated by day when account.plan is B\n"
    )
    t = Teller(rules, signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-15 10:00", "subscribe", plan="B")
    t.ok("2026-02-22 10:00", "subscribe", plan="A")
    assert on(t) == [("2026-02-15 10:00", 14), ("2026-02-22 10:00", -7)]


DATED = """account
  plan  one of plans

table plans by plan
  | plan | fee |
  | A    | $28 |

  from 2026-02-15{}
    | plan | fee |
    | A    | $56 |

"""


def dated(words: str, every: str = "every month in advance, prorated by day") -> object:
    return ruleset(DATED.format(words) + CALL + f"price account\n  plan:  plans.fee {every}\n")


def test_r28_a_new_price_holds_immediately_where_it_says_so() -> None:
    t = Teller(dated(", immediately, prorated"), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-03-01 00:01", "clock")
    assert on(t) == [
        ("2026-02-01 00:00", 28),
        ("2026-02-15 00:00", -14),
        ("2026-02-15 00:00", 28),
        ("2026-03-01 00:00", 56),
    ]


def test_r28_a_new_price_holds_from_the_next_period_where_it_says_so() -> None:
    t = Teller(dated(", from the next period"), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-03-01 00:01", "clock")
    assert on(t) == [("2026-02-01 00:00", 28), ("2026-03-01 00:00", 56)]


def test_r28_a_new_price_for_new_customers_only() -> None:
    rules = dated(", for new customers only")
    old, new = Teller(rules, signup="2026-02-14 23:59:59", plan="A"), Teller(rules, signup="2026-02-15 00:00", plan="A")
    for t in (old, new):
        t.ok("2026-03-01 00:01", "clock")
    assert [amount for _, amount in on(old)] == [15, 28]
    assert [amount for _, amount in on(new)] == [28, 56]


def test_r28_each_part_is_rounded_where_it_says_so() -> None:
    rules = ruleset(
        PLANS
        + CALL
        + "price account\n  plan:  plans.fee every month in advance, prorated by day\n    rounded to $0.01, half up\n"
    )
    t = Teller(rules, signup="2026-03-01 00:00", plan="A")
    t.ok("2026-03-11 10:00", "subscribe", plan="B")
    # 21 of 31 days: −18.967… and 37.935…
    assert on(t) == [
        ("2026-03-01 00:00", 28),
        ("2026-03-11 10:00", Decimal("-18.97")),
        ("2026-03-11 10:00", Decimal("37.94")),
    ]


def test_r28_a_change_in_the_night_is_of_the_day_of_the_zone() -> None:
    t = Teller(fees(zone="America/New_York"), signup="2026-02-01 12:00", plan="A")
    t.ok("2026-02-15 04:59:59", "subscribe", plan="B")  # still the 14th there: 15 days are left
    assert on(t)[1:] == [("2026-02-15 04:59:59", -15), ("2026-02-15 04:59:59", 30)]
    t.ok("2026-02-15 05:00", "subscribe", plan="A")  # the 15th: 14 days
    assert on(t)[3:] == [("2026-02-15 05:00", -28), ("2026-02-15 05:00", 14)]


def test_r28_three_plans_in_one_month() -> None:
    t = Teller(fees(), signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-08 00:00", "subscribe", plan="B")
    t.ok("2026-02-22 00:00", "subscribe", plan="C")
    # 7 days of 28, 14 of 56, 7 of 7
    assert sum(amount for _, amount in on(t)) == 7 + 28 + Decimal("1.75")
    t.ok("2026-03-01 00:00", "clock")
    assert on(t)[-1] == ("2026-03-01 00:00", 7)


@pytest.mark.parametrize("every", ["every month in advance, prorated by day", "every month, prorated by day"])
@pytest.mark.parametrize("seed", range(12))
def test_r28_in_advance_and_in_arrears_each_day_costs_its_share(every: str, seed: int) -> None:
    dice = random.Random(seed)
    t = Teller(fees(every), signup="2026-02-03 09:00", plan="A")
    price = {"A": 28, "B": 56, "C": 7, "Free": 0}
    plan, days = "A", {}
    for day in range(3, 29):
        for hour in range(dice.randrange(3) if dice.random() < 0.3 else 0):
            plan = dice.choice(sorted(price))
            t.ok(f"2026-02-{day:02} 1{hour}:00", "subscribe", plan=plan)
        days[day] = Fraction(price[plan], 28)
    t.ok("2026-03-01 00:00", "clock")
    assert sum(amount for _, amount in on(t)) == sum(days.values()) + (price[plan] if "advance" in every else 0)


def test_r28_fees_go_on_the_bill_and_not_to_the_balance() -> None:
    rules = ruleset(
        PLANS + CALL + "price account\n  plan:  plans.fee every month in advance\n\nfunds\n  pay for call\n"
    )
    t = Teller(rules, signup="2026-02-01 00:00", plan="A")
    t.ok("2026-02-01 01:00", "topup", amount=100)
    t.ok("2026-03-01 00:01", "clock")
    assert t.balance == 100
    assert {one.source for one in t.postings if one.kind == "fee"} == {"bill"}


# --- R6 -------------------------------------------------------------------------------------------------------------

LEAST = """usage call
  n  requests

price call
  calls:  n at $1 per request
    at least $28 each {}

"""


@pytest.mark.parametrize(("used", "more"), [(0, 28), (1, 27), (27, 1), (28, 0), (29, 0)])
def test_r6_a_minimum_is_charged_at_the_end_of_its_period_with_or_without_use(used: int, more: int) -> None:
    t = Teller(ruleset(LEAST.format("month")), signup="2026-02-01 00:00")
    if used:
        assert t.charge("2026-02-10 10:00", n=used) == used
    t.ok("2026-02-28 23:59:59", "clock")
    assert t.moved("true-up") == []
    outcome = t.ok("2026-03-01 00:00", "clock")
    assert t.moved("true-up") == ([("2026-03-01 00:00", more)] if more else [])
    if more:
        (posting,) = outcome.postings
        assert posting.of == "a-1/2026-02/calls"
        assert moment("2026-02-01") <= posting.bill < moment("2026-03-01")
    assert t.revenue() == max(28, used)


def test_r6_each_period_has_its_own() -> None:
    t = Teller(ruleset(LEAST.format("month")), signup="2026-01-01 00:00")
    t.ok("2026-02-10 10:00", "call", n=20)
    t.ok("2026-04-01 00:00", "clock")
    assert t.moved("true-up") == [("2026-02-01 00:00", 28), ("2026-03-01 00:00", 8), ("2026-04-01 00:00", 28)]


def test_r6_it_is_not_prorated_unless_it_says_so() -> None:
    t = Teller(ruleset(LEAST.format("month")), signup="2026-02-28 23:00")
    t.ok("2026-03-01 00:00", "clock")
    assert t.moved("true-up") == [("2026-03-01 00:00", 28)]


@pytest.mark.parametrize(
    ("signup", "least"),
    [("2026-02-01 23:59:59", 28), ("2026-02-02 00:00", 27), ("2026-02-15 08:00", 14), ("2026-02-28 23:59:59", 1)],
)
def test_r6_prorated_from_the_day_of_signup(signup: str, least: int) -> None:
    t = Teller(ruleset(LEAST.format("month, prorated by day")), signup=signup)
    t.ok("2026-04-01 00:00", "clock")
    assert t.moved("true-up") == [("2026-03-01 00:00", least), ("2026-04-01 00:00", 28)]


def test_r6_prorated_with_use() -> None:
    t = Teller(ruleset(LEAST.format("month, prorated by day")), signup="2026-02-15 08:00")
    t.ok("2026-02-20 10:00", "call", n=5)
    t.ok("2026-03-01 00:00", "clock")
    assert t.moved("true-up") == [("2026-03-01 00:00", 9)]  # 14 of 28 days are 14


def test_r6_of_each_bill_from_signup() -> None:
    t = Teller(ruleset(LEAST.format("bill"), bill="month from signup"), signup="2026-01-31 10:00")
    t.ok("2026-02-27 23:59:59", "call", n=5)
    t.ok("2026-02-28 00:00", "call", n=30)
    t.ok("2026-03-31 00:00", "clock")
    assert t.moved("true-up") == [("2026-02-28 00:00", 23)]


def test_r6_a_true_up_is_paid_like_the_usage_it_is_for() -> None:
    t = Teller(ruleset(LEAST.format("month") + "funds\n  pay for call\n"), signup="2026-02-01 00:00")
    t.ok("2026-02-10 10:00", "topup", amount=30)
    t.ok("2026-02-10 10:00", "call", n=8)
    assert t.ok("2026-03-01 00:00", "clock").balance == 2


def test_r6_the_day_at_its_end() -> None:
    t = Teller(ruleset(LEAST.format("day"), zone="Europe/Berlin"), signup="2026-03-28 12:00")
    t.ok("2026-03-29 12:00", "call", n=20)
    t.ok("2026-03-29 22:00", "clock")
    assert t.moved("true-up") == [("2026-03-28 23:00", 28), ("2026-03-29 22:00", 8)]


def test_r6_a_minimum_of_a_resource() -> None:
    body = "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n    at least $28 each day\n"
    t = Teller(ruleset(body), signup="2026-02-17 00:00")
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")
    t.ok("2026-02-17 12:30", "stop", resource_id="v")
    t.ok("2026-02-18 00:00", "clock")
    assert t.revenue("vm") == 28  # three hours are 12, and 16 more


def test_r6_lines_together() -> None:
    body = "usage call\n  n  requests\n  m  requests, default 0\n\nprice call\n  a:  n at $1 per request\n  b:  m at $2 per request\n  together\n    at least $28 each month\n"
    t = Teller(ruleset(body), signup="2026-02-01 00:00")
    t.ok("2026-02-10 10:00", "call", n=8, m=5)
    t.ok("2026-03-01 00:00", "clock")
    assert t.moved("true-up") == [("2026-03-01 00:00", 10)]


def test_r6_a_minimum_is_no_obstacle_to_the_law_of_the_period() -> None:
    t = Teller(ruleset(LEAST.format("month")), signup="2026-02-01 00:00")
    t.ok("2026-02-10 10:00", "call", id="a", n=20)
    t.ok("2026-03-01 00:00", "clock")
    t.ok("2026-03-01 10:00", "correct", of="a", usage={"type": "call", "at": "2026-02-10T10:00:00Z", "n": 5})
    assert t.revenue() == 28
    t.ok("2026-03-01 10:01", "correct", of="a", usage={"type": "call", "at": "2026-02-10T10:00:00Z", "n": 40})
    assert t.revenue() == 40
    t.ok("2026-03-01 10:02", "correct", of="a")
    assert t.revenue() == 28


def test_r6_a_minimum_of_the_whole_bill() -> None:
    t = Teller(
        ruleset(
            CALL + "price account\n  base:  $3 every month in advance\n\nprice bill\n  together\n    at least $28\n"
        ),
        signup="2026-02-01 00:00",
    )
    t.ok("2026-02-10 10:00", "call", n=5)
    t.ok("2026-04-01 00:00", "clock")
    # February: 3 + 5 and 20 more; March: 3 and 25 more
    assert [(at, amount) for at, amount in t.moved("bill")] == [("2026-03-01 00:00", 20), ("2026-04-01 00:00", 25)]

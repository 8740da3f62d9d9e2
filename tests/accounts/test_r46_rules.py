"""R46, R42, R14: new rule files, prices for new customers only, allowances when the plan changes. Figures by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from teller import Teller
from teller import ruleset

# --- R46 ------------------------------------------------------------------------------------------------------------

CALL = """usage call
  n  requests

price call
  calls:  n at {} per request

funds
  pay for call

"""
TIERS = """usage call
  n  requests

price call
  calls:  n at graduated each month
    up to 10: free
    above 10: {} per request

funds
  pay for call
"""


@pytest.fixture
def reopen(tmp_path: Path):
    """One ledger under one ruleset after another."""

    def opened(body: str, signup: str | None = None) -> Teller:
        return Teller(ruleset(body), url=f"sqlite:///{tmp_path}/ledger.db", signup=signup)

    return opened


def said(t: Teller, when: str, id: str, **fields: object) -> Fraction:
    """What a record of its own id is charged."""
    return Fraction(t.charge(when, id=id, **fields))


def total(t: Teller, of: str) -> Fraction:
    """All that the journal says was charged for an id, under all rules."""
    found = Fraction(0)
    for entry in t.ledger.history(t.account):
        for posting in entry.outcome["postings"]:
            if posting["of"] == of:
                found += Fraction(posting["amount"]) * (
                    posting["to"].startswith("revenue/") - posting["from"].startswith("revenue/")
                )
    return found


def test_r46_a_new_rule_file_leaves_alone_what_is_posted(reopen) -> None:
    old = reopen(CALL.format("$1"), "2026-01-01 00:00")
    assert said(old, "2026-02-10 10:00", "a", n=5) == 5
    new = reopen(CALL.format("$3"))
    new.ok("2026-02-11 10:00", "clock", id="c")
    assert new.balance == -5
    assert said(new, "2026-02-11 10:01", "b", n=5) == 15
    assert (total(new, "a"), total(new, "b"), new.balance) == (5, 15, -20)


def test_r46_an_event_that_comes_again_under_new_rules_is_answered_as_it_was(reopen) -> None:
    old = reopen(CALL.format("$1"), "2026-01-01 00:00")
    old.ok("2026-02-10 10:00", "call", id="a", n=5)
    again = reopen(CALL.format("$3")).ok("2026-02-10 10:00", "call", id="a", n=5)
    assert (again.repeated, again.amount) == (True, 5)


def test_r46_counts_go_on_under_new_rules(reopen) -> None:
    old = reopen(TIERS.format("$1"), "2026-01-01 00:00")
    assert said(old, "2026-02-10 10:00", "a", n=12) == 2
    new = reopen(TIERS.format("$3"))
    assert said(new, "2026-02-11 10:00", "b", n=1) == 3
    assert total(new, "a") == 2


def test_r46_late_usage_under_new_rules_does_not_re_rate_what_it_does_not_touch(reopen) -> None:
    old = reopen(TIERS.format("$1"), "2026-01-01 00:00")
    old.ok("2026-02-10 10:00", "call", id="a", n=12)  # 2
    old.ok("2026-02-11 10:00", "call", id="b", n=5)  # 5
    new = reopen(TIERS.format("$3"))
    assert said(new, "2026-02-12 10:00", "c", n=1) == 3
    assert said(new, "2026-02-11 12:00", "d", n=1) == 3  # b lies before it and stays
    assert (total(new, "a"), total(new, "b"), total(new, "c")) == (2, 5, 3)


def test_r46_what_is_taken_away_under_new_rules_gives_back_no_more_than_was_charged(reopen) -> None:
    old = reopen(TIERS.format("$1"), "2026-01-01 00:00")
    old.ok("2026-02-10 10:00", "call", id="a", n=10)
    assert said(old, "2026-02-11 10:00", "b", n=4) == 4
    new = reopen(TIERS.format("$3"))
    new.ok("2026-02-12 10:00", "correct", id="v", of="a")
    assert total(new, "b") == 0  # it is free now: the 4 come back, and not 12
    assert new.balance == 0


def test_r46_a_void_under_new_rules_gives_back_what_was_charged(reopen) -> None:
    old = reopen(CALL.format("$1"), "2026-01-01 00:00")
    old.ok("2026-02-10 10:00", "call", id="a", n=5)
    new = reopen(CALL.format("$3"))
    assert new.ok("2026-02-12 10:00", "correct", id="v", of="a").amount == -5
    assert new.balance == 0


def test_r46_limits_of_new_rules_go_on_counting(reopen) -> None:
    cap = "limit cap\n  n each day may not exceed {}\n  refuse with 429\n"
    old = reopen(CALL.format("$1") + cap.format(10), "2026-01-01 00:00")
    old.ok("2026-02-10 10:00", "call", id="a", n=8)
    new = reopen(CALL.format("$1") + cap.format(12))
    assert new.refused("2026-02-10 10:01", id="b", n=5).limits[0].used == 8
    new.ok("2026-02-10 10:02", "call", id="c", n=4)


def test_r46_a_fee_that_was_paid_is_not_re_rated(reopen) -> None:
    body = "usage call\n  n  requests\n\nprice call\n  calls:  n at $1 per request\n\nprice account\n  plan:  {} every month in advance\n"
    old = reopen(body.format("$28"), "2026-02-01 00:00")
    assert old.moved("fee") == [("2026-02-01 00:00", 28)]
    new = reopen(body.format("$56"))
    new.ok("2026-02-20 00:00", "clock", id="c1")
    assert new.moved("fee") == []
    new.ok("2026-03-01 00:00", "clock", id="c2")
    assert new.moved("fee") == [("2026-03-01 00:00", 56)]


def test_r46_started_hours_that_were_charged_stay_under_new_rules(reopen) -> None:
    body = "resource vm\n  kind  text\n\nprice vm\n  hours:  {} every started hour\n\nfunds\n  pay for vm\n"
    old = reopen(body.format("$4"), "2026-01-01 00:00")
    old.ok("2026-02-17 10:00", "start", id="s", resource="vm", resource_id="v", kind="a")
    old.ok("2026-02-17 11:30", "clock", id="c")
    assert old.balance == -8
    new = reopen(body.format("$5"))
    assert new.ok("2026-02-17 12:00", "clock", id="d").balance == -13  # the hour of 12:00 at 5, those before at 4
    assert new.ok("2026-02-17 12:30", "stop", id="t", resource_id="v").balance == -13


def test_r46_time_that_was_charged_stays_under_new_rules(reopen) -> None:
    body = "resource vm\n  kind  text\n\nprice vm\n  time:  duration at {} per hour\n\nfunds\n  pay for vm\n"
    old = reopen(body.format("$4"), "2026-01-01 00:00")
    old.ok("2026-02-17 10:00", "start", id="s", resource="vm", resource_id="v", kind="a")
    old.ok("2026-02-17 12:00", "clock", id="c")
    assert old.balance == -8
    new = reopen(body.format("$6"))
    assert new.ok("2026-02-17 13:00", "stop", id="t", resource_id="v").balance == -14


# --- R42 ------------------------------------------------------------------------------------------------------------

RATES = """usage call
  n  requests

table rates, per request
  | price |
  | $1    |

  from 2026-06-01, for new customers only
    | price |
    | $2    |
{}
price call
  calls:  n at rates.price

"""
LATER = """
  from 2026-09-01
    | price |
    | $3    |
"""


@pytest.mark.parametrize(
    ("zone", "signup", "price"),
    [
        ("UTC", "2026-05-31 23:59:59", 1),
        ("UTC", "2026-06-01 00:00", 2),
        ("America/New_York", "2026-06-01 03:59:59", 1),
        ("America/New_York", "2026-06-01 04:00", 2),
    ],
)
def test_r42_for_new_customers_only_is_for_signups_from_that_date_on(zone: str, signup: str, price: int) -> None:
    t = Teller(ruleset(RATES.format(""), zone), signup=signup)
    assert t.charge("2026-07-01 10:00", n=1) == price
    assert t.charge("2027-07-01 10:00", n=1) == price


def test_r42_the_others_keep_the_price_beneath_until_a_later_layer_without_these_words() -> None:
    rules = ruleset(RATES.format(LATER))
    old, new = Teller(rules, signup="2026-05-31 23:59:59"), Teller(rules, signup="2026-06-01 00:00")
    assert [old.charge(at, n=1) for at in ("2026-06-01 10:00", "2026-08-31 23:59:59", "2026-09-01 00:00")] == [1, 1, 3]
    assert [new.charge(at, n=1) for at in ("2026-06-01 10:00", "2026-08-31 23:59:59", "2026-09-01 00:00")] == [2, 2, 3]


def test_r42_a_second_layer_for_new_customers_leaves_the_first_of_them_alone() -> None:
    rules = ruleset(RATES.format(LATER.replace("2026-09-01", "2026-09-01, for new customers only")))
    prices = [
        Teller(rules, signup=signup).charge("2026-10-01 10:00", n=1)
        for signup in ("2026-05-01", "2026-08-31 23:59:59", "2026-09-01")
    ]
    assert prices == [1, 2, 3]


def test_r42_what_runs_keeps_the_price_of_its_account() -> None:
    body = (
        RATES.format("")
        .replace("usage call\n  n  requests", "resource vm\n  kind  text")
        .replace("price call\n  calls:  n at rates.price", "price vm\n  hours:  rates.price every started hour")
        .replace(", per request", "")
    )
    rules = ruleset(body)
    old, new = Teller(rules, signup="2026-05-31 23:00"), Teller(rules, signup="2026-06-01 00:00")
    old.ok("2026-05-31 23:30", "start", resource="vm", resource_id="v", kind="a")
    old.ok("2026-06-01 01:00", "stop", resource_id="v")
    new.ok("2026-06-01 00:30", "start", resource="vm", resource_id="v", kind="a")
    new.ok("2026-06-01 01:00", "stop", resource_id="v")
    assert (old.revenue("vm"), new.revenue("vm")) == (2, 2)  # two hours at 1; one at 2


# --- R14 ------------------------------------------------------------------------------------------------------------

PLANS = """account
  plan  one of plans

table plans by plan
  | plan | included (requests) |
  | Free | 10                  |
  | Pro  | 100                 |
  | All  | unlimited           |

allowance included
  plans.included every month{}

usage call
  n  requests

price call
  calls:  n beyond included at $1 per request

"""


def test_r14_an_upgrade_makes_the_allowance_larger_and_keeps_what_is_used() -> None:
    t = Teller(ruleset(PLANS.format("")), plan="Free")
    assert t.charge("2026-02-10 10:00", n=12) == 2
    t.ok("2026-02-11 10:00", "subscribe", plan="Pro")
    assert t.charge("2026-02-12 10:00", n=91) == 1  # 10 are used, 90 are left
    assert t.charge("2026-03-01 00:00", n=101) == 1


def test_r14_a_downgrade_makes_it_smaller_and_keeps_what_is_used() -> None:
    t = Teller(ruleset(PLANS.format("")), plan="Pro")
    assert t.charge("2026-02-10 10:00", n=8) == 0
    t.ok("2026-02-11 10:00", "subscribe", plan="Free")
    assert t.charge("2026-02-12 10:00", n=5) == 3  # 2 were left


def test_r14_a_downgrade_below_what_is_used_leaves_nothing_and_takes_nothing_back() -> None:
    t = Teller(ruleset(PLANS.format("")), plan="Pro")
    assert t.charge("2026-02-10 10:00", n=50) == 0
    t.ok("2026-02-11 10:00", "subscribe", plan="Free")
    assert t.charge("2026-02-12 10:00", n=5) == 5
    assert t.revenue() == 5


def test_r14_there_and_back_gives_nothing_twice() -> None:
    t = Teller(ruleset(PLANS.format("")), plan="Free")
    assert t.charge("2026-02-10 10:00", n=10) == 0
    t.ok("2026-02-11 10:00", "subscribe", plan="Pro")
    assert t.charge("2026-02-12 10:00", n=30) == 0
    t.ok("2026-02-13 10:00", "subscribe", plan="Free")
    assert t.charge("2026-02-14 10:00", n=1) == 1
    t.ok("2026-02-15 10:00", "subscribe", plan="Pro")
    assert t.charge("2026-02-16 10:00", n=61) == 1  # 40 are used; 60 are left


def test_r14_unlimited_for_a_while() -> None:
    t = Teller(ruleset(PLANS.format("")), plan="Free")
    t.ok("2026-02-10 10:00", "call", n=4)
    t.ok("2026-02-11 10:00", "subscribe", plan="All")
    assert t.charge("2026-02-12 10:00", n=5000) == 0
    t.ok("2026-02-13 10:00", "subscribe", plan="Pro")
    assert t.charge("2026-02-14 10:00", n=1) == 1


def test_r14_units_kept_over_are_used_first() -> None:
    t = Teller(ruleset(PLANS.format("\n  unused kept 1 month")), signup="2026-01-01 00:00", plan="Free")
    t.ok("2026-01-10 10:00", "call", n=4)  # 6 are kept
    assert t.charge("2026-02-10 10:00", n=8) == 0  # the 6, and 2 of February's
    t.ok("2026-03-01 00:00", "clock")
    assert t.charge("2026-03-10 10:00", n=19) == 1  # 8 of February's were kept, and 10


def test_r14_kept_units_and_a_change_of_plan() -> None:
    t = Teller(ruleset(PLANS.format("\n  unused kept 1 month")), signup="2026-01-01 00:00", plan="Free")
    t.ok("2026-01-10 10:00", "call", n=4)
    t.ok("2026-02-10 10:00", "call", n=8)  # 6 kept ones and 2 of February
    t.ok("2026-02-11 10:00", "subscribe", plan="Pro")
    assert t.charge("2026-02-12 10:00", n=99) == 1  # 98 of February's hundred


def test_r14_a_late_record_uses_the_allowance_in_the_order_of_time() -> None:
    t = Teller(ruleset(PLANS.format("") + "funds\n  pay for call\n"), plan="Free")
    t.ok("2026-02-10 10:00", "call", id="a", n=8)
    t.ok("2026-02-12 10:00", "call", id="b", n=8)
    t.ok("2026-02-11 10:00", "call", id="c", n=8)
    assert {id: t.paid_for(id) for id in "abc"} == {"a": 0, "b": 8, "c": 6}
    assert t.balance == -14


def test_r2_a_late_record_after_a_change_of_plan_leaves_what_was_charged_before_it_right() -> None:
    t = Teller(ruleset(PLANS.format("") + "funds\n  pay for call\n"), plan="Free")
    t.ok("2026-02-10 10:00", "call", id="a", n=15)  # 5 beyond ten
    t.ok("2026-02-11 10:00", "subscribe", plan="Pro")
    t.ok("2026-02-12 10:00", "call", id="b", n=50)  # free: 10 of 100 are used
    t.ok("2026-02-09 10:00", "call", id="c", n=4)  # under Free: 4 of ten, so that a has 6 free and costs 9
    assert {id: t.paid_for(id) for id in "abc"} == {"a": 9, "b": 0, "c": 0}
    assert t.balance == -9


def test_r2_a_late_record_is_priced_with_the_plan_of_its_time() -> None:
    body = (
        "account\n  plan  one of plans\n\ntable plans by plan, per request\n  | plan | price |\n  | Free | $2 |\n  | Pro | $1 |\n\n"
        "usage call\n  n  requests\n\nprice call\n  calls:  n at plans.price\n"
    )
    t = Teller(ruleset(body), plan="Free")
    t.ok("2026-02-11 10:00", "subscribe", plan="Pro")
    assert t.charge("2026-02-11 10:00", n=1) == 1
    assert t.charge("2026-02-11 09:59:59", n=1) == 2


def test_r2_a_change_of_plan_between_two_records_of_a_tier() -> None:
    body = (
        "account\n  discount  percent, default 0%\n\nusage call\n  n  requests\n\nprice call\n  calls:  n at graduated each month\n"
        "    up to 10: free\n    above 10: $1 per request\n    less account.discount\n\nfunds\n  pay for call\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-10 10:00", "call", id="a", n=12)  # 2
    t.ok("2026-02-11 10:00", "set", discount=50)
    t.ok("2026-02-12 10:00", "call", id="b", n=2)  # 2 less half
    t.ok("2026-02-09 10:00", "call", id="c", n=4)  # a has 6 free ones now, and costs 6, without a discount at its time
    assert {id: t.paid_for(id) for id in "abc"} == {"a": 6, "b": 1, "c": 0}
    assert t.balance == Decimal(-7)

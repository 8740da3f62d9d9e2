"""R35–R38, R44: what funds pay and in which order, refills, bonuses, credits, the ends of grants. Figures by hand."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from teller import Teller
from teller import moment
from teller import ruleset

import pricelang

CALL = """usage call
  n  requests

price call
  calls:  n at $1 per request

"""
CHAT = """usage chat
  n  requests

price chat
  calls:  n at $1 per request

"""
FUNDS = "funds\n  pay for call\n\n"


def sources(outcome: object) -> list[tuple[str, Fraction]]:
    """What paid, and how much."""
    return [(one.source, one.amount) for one in outcome.postings if one.kind == "charge"]  # type: ignore[attr-defined]


# --- R35 ------------------------------------------------------------------------------------------------------------


def test_r35_funds_pay_only_what_pay_for_names() -> None:
    t = Teller(ruleset(CALL + CHAT + FUNDS))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    assert sources(t.ok("2026-02-17 10:00", "call", n=4)) == [("funds/paid/pay", 4)]
    assert sources(t.ok("2026-02-17 10:01", "chat", n=4)) == [("bill", 4)]
    assert t.balance == 6


def test_r35_without_funds_everything_is_billed() -> None:
    t = Teller(ruleset(CALL))
    assert sources(t.ok("2026-02-17 10:00", "call", n=4)) == [("bill", 4)]
    assert t.rejected("2026-02-17 10:01", "topup", amount=10) == "no-funds"


def test_r35_without_pay_for_funds_pay_everything_that_is_used() -> None:
    t = Teller(ruleset(CALL + CHAT + "funds\n  spend oldest\n\nprice account\n  base:  $3 every month in advance\n"))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    assert sources(t.ok("2026-02-17 10:00", "call", n=4)) == [("funds/paid/pay", 4)]
    assert sources(t.ok("2026-02-17 10:01", "chat", n=4)) == [("funds/paid/pay", 4)]
    # fees are no use: they go on the bill
    assert [(one.source, one.amount) for one in t.postings if one.kind == "fee"] == [("bill", 3), ("bill", 3)]
    assert t.balance == 2


def test_r35_what_funds_cannot_cover_makes_the_paid_balance_negative_and_a_topup_covers_it_first() -> None:
    t = Teller(ruleset(CALL + FUNDS))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    assert sources(t.ok("2026-02-17 10:00", "call", n=14)) == [("funds/paid/pay", 10), ("overdraft", 4)]
    assert t.balance == -4
    assert t.ok("2026-02-17 10:01", "topup", id="less", amount=3).balance == -1
    assert t.left("paid/less") == 0
    outcome = t.ok("2026-02-17 10:02", "topup", id="more", amount=3)
    assert [(one.to, one.amount) for one in outcome.postings] == [("overdraft", 1), ("funds/paid/more", 2)]
    assert (t.balance, t.left("paid/more")) == (2, 2)
    assert sources(t.ok("2026-02-17 10:03", "call", n=1)) == [("funds/paid/more", 1)]


def test_r35_a_topup_that_covers_the_overdraft_exactly() -> None:
    t = Teller(ruleset(CALL + FUNDS))
    t.ok("2026-02-17 10:00", "call", n=4)
    assert t.ok("2026-02-17 10:01", "topup", amount=4).balance == 0
    assert sources(t.ok("2026-02-17 10:02", "call", n=1)) == [("overdraft", 1)]


def test_r35_a_present_does_not_pay_what_is_owed() -> None:
    rules = ruleset(
        CALL + FUNDS + "grant GIFT $10 on code GIFT\n\nlimit paid\n  paid balance may fall to -$5\n  alert\n"
    )
    t = Teller(rules)
    t.ok("2026-02-17 10:00", "call", n=5)
    t.ok("2026-02-17 10:01", "redeem", id="r", code="GIFT")
    assert (t.balance, t.left("code/GIFT/r")) == (5, 10)  # 10 given, 5 still owed by the paid balance
    assert sources(t.ok("2026-02-17 10:02", "call", n=10)) == [("funds/code/GIFT/r", 10)]
    assert t.balance == -5


def test_r35_a_grant_for_one_usage_does_not_pay_another() -> None:
    t = Teller(ruleset(CALL + CHAT + "funds\n  pay for call and chat\n\ngrant chats $5 on signup for chat\n"))
    assert sources(t.ok("2026-02-17 10:00", "call", n=2)) == [("overdraft", 2)]
    assert t.balance == 3
    assert sources(t.ok("2026-02-17 10:01", "chat", n=7)) == [("funds/grant/chats", 5), ("overdraft", 2)]


ORDER = """grant early    $1 on code EARLY, expires after 40 days
grant soon     $1 on code SOON, expires after 10 days
grant forever  $1 on code FOREVER, never expires
"""


def order_of(spend: str, grants: str = ORDER) -> list[str]:
    """Which funds are used up in turn: codes and payments of five moments, then five dollars, one at a time."""
    t = Teller(ruleset(CALL + f"funds\n  pay for call\n  spend {spend}\n\n" + grants))
    t.ok("2026-02-17 09:00", "redeem", id="1", code="EARLY")
    t.ok("2026-02-17 09:01", "topup", id="pay1", amount=1)
    t.ok("2026-02-17 09:02", "redeem", id="2", code="SOON")
    t.ok("2026-02-17 09:03", "redeem", id="3", code="FOREVER")
    t.ok("2026-02-17 09:04", "topup", id="pay2", amount=1)
    spent = []
    for minute in range(5):
        spent += [source.split("/")[2] for source, _ in sources(t.ok(f"2026-02-17 10:0{minute}", "call", n=1))]
    return spent


@pytest.mark.parametrize(
    ("spend", "order"),
    [
        ("oldest", ["early", "pay1", "soon", "forever", "pay2"]),
        ("newest", ["pay2", "forever", "soon", "pay1", "early"]),
        ("promotional first", ["early", "soon", "forever", "pay1", "pay2"]),
        ("promotional first, then newest", ["forever", "soon", "early", "pay2", "pay1"]),
        ("promotional first, then soonest to expire, then oldest", ["soon", "early", "forever", "pay1", "pay2"]),
        ("paid first, then soonest to expire", ["pay1", "pay2", "soon", "early", "forever"]),
        ("soonest to expire", ["soon", "early", "pay1", "forever", "pay2"]),  # what never expires: the older first
        ("soonest to expire, then newest", ["soon", "early", "pay2", "forever", "pay1"]),
        ("soonest to expire, then paid first", ["soon", "early", "pay1", "pay2", "forever"]),
    ],
)
def test_r35_funds_are_spent_in_the_order_that_is_written_and_ties_go_to_the_older(
    spend: str, order: list[str]
) -> None:
    assert order_of(spend) == order


def test_r35_ties_of_one_instant_go_to_the_id() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n  spend newest\n"))
    for id in ("b", "c", "a"):
        t.ok("2026-02-17 09:00", "topup", id=id, amount=1)
    assert sources(t.ok("2026-02-17 10:00", "call", n=3)) == [
        ("funds/paid/a", 1),
        ("funds/paid/b", 1),
        ("funds/paid/c", 1),
    ]


def test_r35_one_charge_is_paid_from_several_funds() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n  spend promotional first\n\ngrant trial $3 on signup\n"))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    assert sources(t.ok("2026-02-17 10:00", "call", n=5)) == [("funds/grant/trial", 3), ("funds/paid/pay", 2)]
    assert (t.left("grant/trial"), t.left("paid/pay"), t.balance) == (0, 8, 8)


def test_r35_money_back_for_a_charge_goes_where_it_came_from() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n  spend promotional first\n\ngrant trial $3 on signup\n"))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    t.ok("2026-02-17 10:00", "call", id="c", n=5)
    t.ok("2026-02-17 10:01", "refund", of="c", amount=3)
    assert (t.left("grant/trial"), t.left("paid/pay"), t.balance) == (
        1,
        10,
        11,
    )  # the last to pay is the first to be paid back
    assert t.rejected("2026-02-17 10:02", "refund", of="c", amount=Decimal("2.01")) == "refund-too-large"
    t.ok("2026-02-17 10:03", "refund", of="c", amount=2)
    assert (t.left("grant/trial"), t.left("paid/pay"), t.balance) == (3, 10, 13)


def test_r35_money_back_pays_first_what_is_owed() -> None:
    t = Teller(ruleset(CALL + FUNDS))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    t.ok("2026-02-17 10:00", "call", id="c", n=14)
    assert t.ok("2026-02-17 10:01", "refund", of="c", amount=5).balance == 1
    assert t.left("paid/pay") == 1


def test_r35_a_correction_takes_its_difference_from_the_funds() -> None:
    t = Teller(ruleset(CALL + FUNDS))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    t.ok("2026-02-17 10:00", "call", id="c", n=4)
    t.ok("2026-02-17 10:01", "correct", of="c", usage={"type": "call", "at": "2026-02-17T10:00:00Z", "n": 13})
    assert (t.balance, t.left("paid/pay")) == (-3, 0)
    t.ok("2026-02-17 10:02", "correct", of="c", usage={"type": "call", "at": "2026-02-17T10:00:00Z", "n": 1})
    assert (t.balance, t.left("paid/pay")) == (9, 9)


def test_r35_a_settlement_is_paid_only_when_it_is_settled() -> None:
    t = Teller(ruleset(CALL + "funds\n  pay for call\n  spend promotional first\n\ngrant GIFT $5 on code GIFT\n"))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=10)
    hold = t.hold("2026-02-17 10:00", n=4)
    t.ok("2026-02-17 10:01", "redeem", id="g", code="GIFT")
    assert sources(t.settle("2026-02-17 10:02", hold, n=4)) == [("funds/code/GIFT/g", 4)]


@pytest.mark.parametrize(
    "words",
    [
        "promotional first, then soonest to expire, then oldest",
        "soonest to expire, then newest",
        "paid first, then oldest",
    ],
)
@pytest.mark.parametrize("seed", range(10))
def test_r35_funds_of_many_events_are_what_a_list_of_them_is(words: str, seed: int) -> None:
    dice = random.Random(seed)
    body = CALL + CHAT + f"funds\n  pay for call and chat\n  spend {words}\n\n"
    body += "grant short $9 on code SHORT, expires after 20 minutes\n\ngrant long $7 on code LONG, expires after 50 minutes\n\ngrant talk $8 on code TALK for chat\n"
    t = Teller(ruleset(body))
    lots: list[dict[str, Any]] = []
    owed = 0
    far = 10**9

    def place(lot: dict[str, Any]) -> tuple[Any, ...]:
        keys = {
            "promotional first": lot["paid"],
            "paid first": not lot["paid"],
            "soonest to expire": lot["end"],
            "oldest": lot["at"],
            "newest": -lot["at"],
        }
        return (*(keys[word] for word in words.split(", then ")), lot["at"], lot["id"])

    for minute in range(60):
        when = f"2026-02-17 10:{minute:02}"
        lots = [lot for lot in lots if lot["end"] > minute]
        n = dice.randrange(1, 8)
        match dice.randrange(6):
            case 0:
                t.ok(when, "topup", id=f"p{minute}", amount=n)
                covered = min(owed, n)
                owed -= covered
                lots.append(
                    {
                        "id": f"paid/p{minute}",
                        "left": n - covered,
                        "end": far,
                        "at": minute,
                        "paid": True,
                        "for": ("call", "chat"),
                    }
                )
            case 1:
                code, worth, length = dice.choice([("SHORT", 9, 20), ("LONG", 7, 50), ("TALK", 8, far)])
                t.ok(when, "redeem", id=f"g{minute}", code=code)
                uses = ("chat",) if code == "TALK" else ("call", "chat")
                lots.append(
                    {
                        "id": f"code/{code.lower()}/g{minute}",
                        "left": worth,
                        "end": minute + length if length < far else far,
                        "at": minute,
                        "paid": False,
                        "for": uses,
                    }
                )
            case _:
                usage = dice.choice(["call", "chat"])
                rest, paid = n, []
                for lot in sorted(lots, key=place):
                    part = min(rest, lot["left"]) if usage in lot["for"] else 0
                    if part:
                        lot["left"] -= part
                        rest -= part
                        paid.append((f"funds/{lot['id']}", part))
                owed += rest
                assert sources(t.ok(when, usage, n=n)) == paid + ([("overdraft", rest)] if rest else [])
        assert t.ok(when, "clock").balance == sum(lot["left"] for lot in lots) - owed


# --- R36 ------------------------------------------------------------------------------------------------------------

REFILL = CALL + FUNDS + "refill {} when balance below {}{}\n\n"


def orders(t: Teller) -> list[str]:
    """The amounts that were ordered."""
    return [one["amount"] for one in t.told("refill")]


def test_r36_a_refill_is_looked_at_after_each_fall_and_ordered_only_below_its_line() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", "")))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    t.ok("2026-02-17 10:00", "call", n=10)  # exactly at the line
    assert orders(t) == []
    t.ok("2026-02-17 10:01", "call", n=1)  # 9
    assert orders(t) == ["20"]
    assert t.balance == 9  # nothing comes before it is paid
    assert t.ok("2026-02-17 10:02", "payment").balance == 29


def test_r36_an_account_that_has_nothing_orders_when_it_falls_and_not_before() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", "")))
    assert orders(t) == []  # it begins with nothing: nothing fell
    t.ok("2026-02-17 10:00", "call", n=1)
    # -1 lies 11 below 10: one amount of 20 brings it to 19
    assert orders(t) == ["20"]


@pytest.mark.parametrize(
    ("used", "ordered"),
    [(11, "20"), (30, "20"), (31, "40"), (50, "40"), (51, "60")],
    # from 20: 9 is 1 short; -10 is exactly 20 short; -11 is 21 short; -30 is 40 short; -31 is 41 short
)
def test_r36_it_orders_as_many_amounts_as_bring_the_balance_back_to_its_line(used: int, ordered: str) -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", "")))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    t.ok("2026-02-17 10:00", "call", n=used)
    assert orders(t) == [ordered]


def test_r36_one_order_is_open_at_a_time() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", "")))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    t.ok("2026-02-17 10:00", "call", n=15)
    t.ok("2026-02-17 10:01", "call", n=30)
    assert orders(t) == ["20"]
    assert t.ok("2026-02-17 10:02", "payment").balance == -5
    assert orders(t) == ["20"]  # money came in: nothing fell
    t.ok("2026-02-17 10:03", "call", n=1)
    # -6 is 16 short: one more
    assert orders(t) == ["20", "20"]
    assert t.ok("2026-02-17 10:04", "payment").balance == 14
    assert t.rejected("2026-02-17 10:05", "payment") == "no-order"


def test_r36_an_order_is_paid_once() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", "")))
    t.ok("2026-02-17 10:00", "call", n=1)
    order = t.told("refill")[0]["order"]
    t.ok("2026-02-17 10:01", "payment", id="p", order=order)
    assert t.tell("2026-02-17 10:01", "payment", id="p", order=order).repeated
    assert t.rejected("2026-02-17 10:02", "payment", order=order) == "no-order"
    assert t.balance == 19


def test_r36_a_reservation_is_a_fall_of_the_balance() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", "")))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    t.hold("2026-02-17 10:00", n=11)
    assert orders(t) == ["20"]


def test_r36_the_end_of_funds_is_a_fall_of_the_balance() -> None:
    t = Teller(
        ruleset(REFILL.format("$20", "$10", "") + "grant trial $15 on signup, expires after 10 days\n"),
        signup="2026-02-01 12:00",
    )
    t.ok("2026-02-11 11:59:59", "clock")
    assert orders(t) == []
    t.ok("2026-02-11 13:00", "clock")
    assert t.told("refill") == [{"at": "2026-02-11T12:00:00Z", "order": "a-1/refill/1", "amount": "20"}]


def test_r36_a_refund_of_a_payment_is_a_fall_of_the_balance() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", "")))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=20)
    t.ok("2026-02-17 10:00", "refund", of="pay", amount=11)
    assert orders(t) == ["20"]


def test_r36_hours_of_what_runs_are_falls_of_the_balance_each_at_its_time() -> None:
    body = (
        "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\n"
        "funds\n  pay for vm\n\nrefill $20 when balance below $10\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    t.ok("2026-02-17 10:30", "start", resource="vm", resource_id="v", kind="a")  # 16, 12 at 11:30, 8 at 12:30
    t.ok("2026-02-17 15:00", "clock")
    assert [one["at"] for one in t.told("refill")] == ["2026-02-17T12:30:00Z"]


def test_r36_a_failed_payment_counts_nothing_and_the_next_fall_orders_again() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", ", at most 1 each day")))
    t.ok("2026-02-17 10:00", "call", n=1)
    outcome = t.ok("2026-02-17 10:01", "payment", ok=False)
    assert outcome.balance == -1
    assert orders(t) == ["20"]  # nothing fell
    t.ok("2026-02-17 10:02", "call", n=1)
    assert orders(t) == ["20", "20"]
    assert t.ok("2026-02-17 10:03", "payment", ok=True).balance == 18
    assert t.told("payment failed") == [{"at": "2026-02-17T10:01:00Z", "order": "a-1/refill/1", "amount": "20"}]


def test_r36_before_a_refusal_for_funds_a_refill_is_looked_at() -> None:
    rules = ruleset(REFILL.format("$20", "$10", "") + "limit funds\n  balance may fall to $0\n  refuse with 402\n")
    t = Teller(rules)
    t.refused("2026-02-17 10:00", n=1)
    # 0 is 10 short: one order, and the request stays refused until it is paid
    assert orders(t) == ["20"]
    t.refused("2026-02-17 10:01", n=1)
    assert orders(t) == ["20"]
    t.ok("2026-02-17 10:02", "payment", ok=False)
    t.refused("2026-02-17 10:03", n=1)
    assert orders(t) == ["20", "20"]
    t.ok("2026-02-17 10:04", "payment")
    t.ok("2026-02-17 10:05", "call", n=1)


@pytest.mark.parametrize(
    ("type", "fields"),
    [
        ("authorize", {"usage": {"type": "call", "n": 1}}),
        ("start", {"resource": "vm", "resource_id": "v", "kind": "a"}),
    ],
)
def test_r36_a_refused_authorize_or_start_is_an_occasion_too(type: str, fields: dict[str, object]) -> None:
    body = REFILL.format("$20", "$10", "").replace("pay for call", "pay for call and vm") + (
        "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\nlimit funds\n  balance may fall to $0\n  refuse with 402\n"
    )
    t = Teller(ruleset(body))
    t.refused("2026-02-17 10:00", type, **fields)
    assert orders(t) == ["20"]


def test_r36_a_fall_within_an_order_of_what_is_due_is_looked_at_once_for_each_instant() -> None:
    body = (
        "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n\n"
        "funds\n  pay for vm\n\nrefill $5 when balance below $3\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 09:00", "topup", amount=8)
    for id in ("v", "w"):
        t.ok("2026-02-17 10:00", "start", resource="vm", resource_id=id, kind="a")
    assert orders(t) == ["5"]  # 0: 3 short
    t.ok("2026-02-17 10:01", "payment")
    t.ok("2026-02-17 11:00", "clock")
    # both hours of 11:00 at once: 5 − 8 = −3 is 6 short, two amounts
    assert orders(t) == ["5", "10"]


def test_r36_a_cap_of_a_day_is_of_the_zone() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", ", at most 1 each day"), zone="America/New_York"))
    t.ok("2026-02-17 12:00", "call", n=1)
    t.ok("2026-02-17 12:01", "payment")  # 19
    t.ok("2026-02-18 04:59:59", "call", n=10)  # 23:59:59 there
    assert orders(t) == ["20"]
    t.ok("2026-02-18 05:00", "call", n=1)
    assert orders(t) == ["20", "20"]


def test_r36_a_refusal_for_something_else_is_no_occasion() -> None:
    rules = ruleset(
        REFILL.format("$20", "$10", "") + "limit rpm\n  n each minute may not exceed 5\n  refuse with 429\n"
    )
    t = Teller(rules)
    t.refused("2026-02-17 10:00", n=6)
    assert orders(t) == []


def test_r36_a_fall_at_the_instant_of_a_refused_request_is_looked_at() -> None:
    body = (
        CALL
        + "resource vm\n  kind  text\n\nprice vm\n  hours:  $6 every started hour\n\n"
        + "funds\n  pay for vm and call\n\nrefill $20 when balance below $10\n\n"
        + "limit rpm\n  n each minute may not exceed 5\n  refuse call with 429\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")  # 14
    t.refused("2026-02-17 11:00", n=6)  # the hour of 11:00 has made it 8
    assert t.balance == 8
    assert orders(t) == ["20"]


def test_r36_within_its_cap_counted_when_paid() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", ", at most 3 each day")))
    t.ok("2026-02-17 10:00", "call", n=31)  # -31 is 41 short: three
    assert orders(t) == ["60"]
    t.ok("2026-02-17 10:01", "payment")  # 29, three counted
    t.ok("2026-02-17 10:02", "call", n=29)
    assert orders(t) == ["60"]
    t.ok("2026-02-17 23:59:59", "call", n=1)
    assert orders(t) == ["60"]
    t.ok("2026-02-18 00:00", "call", n=1)  # a new day; -2 is 12 short
    assert orders(t) == ["60", "20"]


def test_r36_the_cap_bounds_an_order_of_many_amounts() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", ", at most 3 each day")))
    t.ok("2026-02-17 10:00", "call", n=5)
    t.ok("2026-02-17 10:01", "payment")  # one
    t.ok("2026-02-17 10:02", "call", n=500)
    assert orders(t) == ["20", "40"]  # 26 would be needed, two are left


def test_r36_an_order_that_is_not_paid_does_not_count_against_the_cap_of_the_day_it_was_ordered() -> None:
    t = Teller(ruleset(REFILL.format("$20", "$10", ", at most 1 each day")))
    t.ok("2026-02-17 23:59", "call", n=5)
    t.ok("2026-02-18 00:01", "payment")  # counted on the 18th
    t.ok("2026-02-18 12:00", "call", n=15)  # 0
    assert orders(t) == ["20"]
    t.ok("2026-02-19 00:00", "call", n=1)
    assert orders(t) == ["20", "20"]


def test_r36_a_refill_to_an_amount_orders_what_is_missing() -> None:
    t = Teller(ruleset(REFILL.format("to $50", "$10", "")))
    t.ok("2026-02-17 09:00", "topup", amount=20)
    t.ok("2026-02-17 10:00", "call", n=Decimal(13))
    assert orders(t) == ["43"]  # 7 and 43 are 50
    assert t.ok("2026-02-17 10:01", "payment").balance == 50


def test_r36_a_refill_of_the_accounts_own_figures() -> None:
    body = "account\n  refill_below  USD, optional\n  refill_amount  USD, optional\n\n" + REFILL.format(
        "account.refill_amount", "account.refill_below", ""
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 10:00", "call", n=1)
    assert orders(t) == []
    t.ok("2026-02-17 10:01", "set", refill_below=5, refill_amount=25)
    t.ok("2026-02-17 10:02", "call", n=1)
    assert orders(t) == ["25"]


def test_r36_a_refill_is_a_topup_bonus_included() -> None:
    body = (
        REFILL.format("$50", "$10", "")
        + "topup\n  | pay | bonus |\n  | $50 | 10% |\n  | any from $1 | 0% |\n\ngrant first $2 on first topup\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 10:00", "call", n=1)
    # 50 less the 1 that is owed, 5 of bonus, and the 2 for the first payment
    assert t.ok("2026-02-17 10:01", "payment", id="p").balance == 56
    assert [(one.kind, one.to, one.amount) for one in t.postings[-4:]] == [
        ("refill", "overdraft", 1),
        ("refill", "funds/paid/p", 49),
        ("bonus", "funds/bonus/p", 5),
        ("grant", "funds/grant/first/p", 2),
    ]


# --- R37 ------------------------------------------------------------------------------------------------------------

TOPUP = (
    CALL
    + FUNDS
    + "topup\n  | pay | bonus |\n  | $10 | 0% |\n  | $50 | 5% |\n  | from $60 below $100 | 6% |\n  | any from $5 | 1% |\n\n"
)


@pytest.mark.parametrize(
    ("paid", "bonus"),
    [
        ("10", "0"),
        ("50", "2.5"),
        ("50.01", "0.5001"),  # no longer the row of 50
        ("49.99", "0.4999"),
        ("59.99", "0.5999"),
        ("60", "3.6"),
        ("99.99", "5.9994"),
        ("100", "1"),
        ("5", "0.05"),
    ],
)
def test_r37_a_bonus_is_the_percentage_of_the_row_that_fits_the_amount_paid(paid: str, bonus: str) -> None:
    t = Teller(ruleset(TOPUP))
    outcome = t.ok("2026-02-17 09:00", "topup", id="pay", amount=paid)
    assert outcome.balance == Decimal(paid) + Decimal(bonus)
    assert t.left("bonus/pay") == Decimal(bonus)
    assert t.left("paid/pay") == Decimal(paid)


def test_r37_an_amount_that_no_row_takes_is_rejected() -> None:
    t = Teller(ruleset(TOPUP))
    assert t.rejected("2026-02-17 09:00", "topup", amount="4.99") == "no-package"
    assert t.rejected("2026-02-17 09:00", "topup", amount=0) == "not-above-zero"


def test_r37_a_bonus_is_promotional() -> None:
    t = Teller(ruleset(TOPUP.replace("pay for call", "pay for call\n  spend promotional first")))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=50)
    assert sources(t.ok("2026-02-17 10:00", "call", n=3)) == [
        ("funds/bonus/pay", Fraction(5, 2)),
        ("funds/paid/pay", Fraction(1, 2)),
    ]


def test_r37_a_bonus_is_paid_last_where_what_was_paid_goes_first() -> None:
    t = Teller(ruleset(TOPUP.replace("pay for call", "pay for call\n  spend paid first")))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=50)
    assert sources(t.ok("2026-02-17 10:00", "call", n=51)) == [("funds/paid/pay", 50), ("funds/bonus/pay", 1)]


@pytest.mark.parametrize(("paid", "bonus"), [("10.10", "0.51"), ("10.30", "0.52"), ("10.01", "0.5")])
def test_r37_a_bonus_is_rounded_like_a_charge(paid: str, bonus: str) -> None:
    # 5 % of 10.10 is 0.505, of 10.30 is 0.515, of 10.01 is 0.5005
    body = CALL + FUNDS + "topup\n  | pay | bonus |\n  | any from $5 | 5% |\n"
    t = Teller(ruleset(body, head="round charge to $0.01, half up"))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=paid)
    assert t.left("bonus/pay") == Decimal(bonus)


def test_r37_a_refund_takes_the_bonus_back_in_proportion() -> None:
    t = Teller(ruleset(TOPUP))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=50)
    t.ok("2026-02-17 10:00", "refund", of="pay", amount=20)
    # 20 of 50 are two fifths: 1 of the 2.50
    assert (t.left("paid/pay"), t.left("bonus/pay"), t.balance) == (30, Decimal("1.5"), Decimal("31.5"))
    t.ok("2026-02-17 10:01", "refund", of="pay", amount=30)
    assert (t.left("paid/pay"), t.left("bonus/pay"), t.balance) == (0, 0, 0)
    assert t.rejected("2026-02-17 10:02", "refund", of="pay", amount=1) == "refund-too-large"


def test_r37_what_was_spent_of_a_bonus_comes_out_of_what_was_paid() -> None:
    t = Teller(ruleset(TOPUP.replace("pay for call", "pay for call\n  spend promotional first")))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=50)
    t.ok("2026-02-17 10:00", "call", n=2)  # 0.50 of the bonus is left
    t.ok("2026-02-17 10:01", "refund", of="pay", amount=20)  # 1 of bonus goes: the 0.50, and 0.50 of what was paid
    assert (t.left("paid/pay"), t.left("bonus/pay"), t.balance) == (Decimal("29.5"), 0, Decimal("29.5"))


def test_r37_only_the_unused_part_of_a_payment_is_given_back() -> None:
    t = Teller(ruleset(TOPUP.replace("pay for call", "pay for call\n  spend paid first")))
    t.ok("2026-02-17 09:00", "topup", id="pay", amount=50)
    t.ok("2026-02-17 10:00", "call", n=30)
    assert t.rejected("2026-02-17 10:01", "refund", of="pay", amount=Decimal("20.01")) == "refund-too-large"
    t.ok("2026-02-17 10:02", "refund", of="pay", amount=20)
    assert t.balance == Decimal("1.5")  # 2.50 less two fifths


def test_r37_a_row_may_give_an_amount_instead() -> None:
    body = (
        CALL
        + "funds\n  pay for call\n  spend promotional first\n\ntopup\n  | pay | get |\n  | $50 | $55 |\n  | any from $1 | as pay |\n"
    )
    t = Teller(ruleset(body))
    t.ok("2026-02-17 09:00", "topup", id="a", amount=50)
    assert (t.balance, t.left("bonus/a")) == (55, 5)
    t.ok("2026-02-17 09:01", "topup", id="b", amount=7)
    assert t.balance == 62


# --- R38 ------------------------------------------------------------------------------------------------------------


def test_r38_credits_are_a_unit_of_fixed_worth_kept_exactly() -> None:
    body = (
        "unit credit = 0.03 USD\n\nusage call\n  n  requests\n\nprice call\n  calls:  n at 1 credit per request\n\n"
        "funds\n  pay for call\n\ngrant trial 100 credits on signup\n\nlimit funds\n  balance may fall to 10 credits\n  refuse with 402\n"
    )
    t = Teller(ruleset(body))
    assert t.balance == 3  # 100 × 0.03
    assert t.charge("2026-02-17 10:00", n=89) == Decimal("2.67")
    t.ok("2026-02-17 10:01", "call", n=1)  # 11 credits were left; now 10
    outcome = t.refused("2026-02-17 10:02", n=1)
    assert t.balance == Decimal("0.3")
    assert outcome.limits[0].used == outcome.limits[0].allowed


def test_r38_a_credit_of_an_endless_decimal_adds_up() -> None:
    body = (
        "unit credit = 0.07 USD\n\nusage call\n  n  requests\n\nprice call\n"
        '  allow endless-decimals "this is the test"\n  calls:  n at 1 credit per 3 requests\n\nfunds\n  pay for call\n\ngrant trial 1 credit on signup\n'
    )
    t = Teller(ruleset(body))
    for minute in range(3):
        assert t.charge(f"2026-02-17 10:0{minute}", n=1) == Fraction(7, 300)
    assert t.balance == 0


def test_r38_topups_give_credits() -> None:
    body = (
        "unit credit = 0.01 USD\n\nusage call\n  minutes  minutes\n\nprice call\n  talk:  minutes at 2 credits per minute\n\n"
        "topup\n  | pay | get |\n  | $5 | 500 credits |\n  | $50 | 5,500 credits |\n\nrefill to 2,000 credits when balance below 500 credits\n"
    )
    t = Teller(ruleset(body))
    assert t.ok("2026-02-17 09:00", "topup", amount=50).balance == 55
    t.ok("2026-02-17 10:00", "call", minutes=2500)  # 5,000 credits: 500 are left, which is not below
    assert t.told("refill") == []
    t.ok("2026-02-17 10:01", "call", minutes=1)
    assert [one["amount"] for one in t.told("refill")] == ["15.02"]  # 2,000 − 498 credits


def test_r38_rates_between_currencies_stand_in_a_dated_table() -> None:
    body = """unit yuan

table fx, per yuan
  | rate  |
  | $0.14 |

  from 2026-03-01
    | rate  |
    | $0.15 |

usage call
  n  requests

price call
  yuan:   n at 2 yuan per request
  calls:  yuan at fx.rate

funds
  pay for call
  reservations expire after 1 day
"""
    t = Teller(ruleset(body))
    hold = t.hold("2026-02-28 23:59:59", n=100)
    assert t.charge("2026-02-28 23:59:59", n=100) == 28
    assert t.charge("2026-03-01 00:00", n=100) == 30
    assert t.settle("2026-03-01 00:01", hold, n=50).amount == 14  # the rate of the authorize


# --- R44 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "at", "taken"),
    [
        ("UTC", "2026-02-28 23:59:59", False),
        ("UTC", "2026-03-01 00:00", True),
        ("UTC", "2026-03-31 23:59:59", True),
        ("UTC", "2026-04-01 00:00", False),
        ("America/New_York", "2026-03-01 04:59:59", False),
        ("America/New_York", "2026-03-01 05:00", True),
        ("America/New_York", "2026-04-01 03:59:59", True),
        ("America/New_York", "2026-04-01 04:00", False),
    ],
)
def test_r44_until_is_the_last_day_to_redeem(zone: str, at: str, taken: bool) -> None:
    t = Teller(ruleset(CALL + FUNDS + "grant W $10 on code WELCOME, from 2026-03-01, until 2026-03-31\n", zone=zone))
    outcome = t.tell(at, "redeem", code="WELCOME")
    assert (outcome.decision, t.balance) == (("accepted", 10) if taken else ("rejected", 0))


def test_r44_until_does_not_end_the_funds() -> None:
    t = Teller(ruleset(CALL + FUNDS + "grant W $10 on code WELCOME, until 2026-03-31\n"))
    t.ok("2026-03-31 23:59:59", "redeem", code="WELCOME")
    assert t.ok("2027-01-01", "clock").balance == 10


def test_r44_a_grant_is_gone_at_the_instant_it_expires() -> None:
    t = Teller(ruleset(CALL + FUNDS + "grant trial $10 on signup, expires after 30 days\n"), signup="2026-02-17 09:30")
    t.ok("2026-03-19 09:29:59.999", "call", n=4)
    outcome = t.ok("2026-03-19 09:30", "call", n=1)
    assert [(one.kind, one.source, one.amount) for one in outcome.postings] == [
        ("expiry", "funds/grant/trial", 6),
        ("charge", "overdraft", 1),
    ]
    assert t.balance == -1


def test_r44_days_are_calendar_days_at_the_same_clock_time() -> None:
    rules = ruleset(CALL + FUNDS + "grant trial $10 on signup, expires after 1 day\n", zone="Europe/Berlin")
    t = Teller(rules, signup="2026-03-28 12:00")  # 13:00 there; 13:00 of the 29th is 11:00 in UTC
    assert t.ok("2026-03-29 10:59:59", "clock").balance == 10
    assert t.ok("2026-03-29 11:00", "clock").balance == 0


def test_r44_hours_are_elapsed_time() -> None:
    rules = ruleset(CALL + FUNDS + "grant trial $10 on signup, expires after 24 hours\n", zone="Europe/Berlin")
    t = Teller(rules, signup="2026-03-28 12:00")
    assert t.ok("2026-03-29 11:59:59", "clock").balance == 10
    assert t.ok("2026-03-29 12:00", "clock").balance == 0


def test_r44_expires_at_the_end_of_the_month_and_comes_again() -> None:
    t = Teller(
        ruleset(CALL + FUNDS + "grant monthly $10 every month, expires at the end of the month\n"),
        signup="2026-01-20 10:00",
    )
    assert t.balance == 10
    t.ok("2026-01-31 23:59:59", "call", n=3)
    outcome = t.ok("2026-02-01", "call", n=1)
    assert [(one.kind, one.source, one.to, one.amount) for one in outcome.postings] == [
        ("expiry", "funds/grant/monthly/2026-01", "promotions", 7),
        ("grant", "promotions", "funds/grant/monthly/2026-02", 10),
        ("charge", "funds/grant/monthly/2026-02", "revenue/call", 1),
    ]
    assert t.balance == 9


def test_r44_a_grant_of_every_month_that_never_expires_adds_up() -> None:
    t = Teller(ruleset(CALL + FUNDS + "grant monthly $10 every month, never expires\n"), signup="2026-01-31 23:59:59")
    assert t.ok("2026-02-01", "clock").balance == 20
    assert t.ok("2026-04-15", "clock").balance == 40  # January to April


def test_r44_the_same_is_given_whether_time_passes_in_one_step_or_in_many() -> None:
    rules = ruleset(
        CALL
        + FUNDS
        + "grant monthly $10 every month, expires at the end of the month\n\ngrant trial $5 on signup, expires after 45 days\n"
    )
    one, many = Teller(rules, signup="2026-01-20 10:00"), Teller(rules, signup="2026-01-20 10:00")
    one.ok("2026-04-15", "clock")
    for month in (2, 3, 4):
        for day in (1, 7, 15):
            many.ok(f"2026-{month:02}-{day:02} 10:00" if (month, day) != (4, 15) else "2026-04-15", "clock")
    assert [(p.kind, p.amount, p.at) for p in one.postings] == [(p.kind, p.amount, p.at) for p in many.postings]
    assert one.balance == many.balance == 10


def test_r44_once_for_each_account() -> None:
    t = Teller(
        ruleset(CALL + FUNDS + "grant W $10 on code WELCOME, once for each account\n\ngrant V $1 on code AGAIN\n")
    )
    t.ok("2026-02-17 09:00", "redeem", code="WELCOME")
    assert t.rejected("2026-02-17 09:01", "redeem", code="WELCOME") == "already-redeemed"
    assert t.rejected("2026-02-17 09:01", "redeem", code="welcome") == "unknown-code"  # names match exactly
    t.ok("2026-02-17 09:02", "redeem", code="AGAIN")
    t.ok("2026-02-17 09:03", "redeem", code="AGAIN")
    assert t.balance == 12
    assert t.ok("2026-02-17 09:04", "signup", account="a-2").balance == 0
    assert t.ok("2026-02-17 09:05", "redeem", code="WELCOME", account="a-2").balance == 10


def test_r44_on_first_topup_once() -> None:
    t = Teller(ruleset(CALL + FUNDS + "grant first $2 on first topup\n"))
    assert t.ok("2026-02-17 09:00", "topup", amount=10).balance == 12
    assert t.ok("2026-02-17 09:01", "topup", amount=10).balance == 22


@pytest.mark.parametrize(("signup", "given"), [("2026-02-28 23:59:59", 0), ("2026-03-01 00:00", 5)])
def test_r44_a_grant_on_signup_within_its_dates(signup: str, given: int) -> None:
    rules = ruleset(CALL + FUNDS + "grant trial $5 on signup, from 2026-03-01, until 2026-03-31\n")
    assert Teller(rules, signup=signup).balance == given


def test_r44_a_reservation_does_not_keep_a_grant_alive() -> None:
    t = Teller(
        ruleset(
            CALL
            + "funds\n  pay for call\n  reservations expire after 1 hour\n\ngrant trial $10 on signup, expires after 1 day\n"
        ),
        signup="2026-02-17 09:00",
    )
    hold = t.hold("2026-02-18 08:59", n=4)
    assert t.balance == 6
    t.ok("2026-02-18 09:00", "clock")
    assert t.balance == -4  # nothing is left, and four are reserved
    assert sources(t.settle("2026-02-18 09:01", hold, n=4)) == [("overdraft", 4)]
    assert t.postings[-1].at == moment("2026-02-18 08:59")


def test_r44_a_code_is_of_promotional_funds() -> None:
    rules = ruleset(CALL + "funds\n  pay for call\n  spend paid first\n\ngrant W $10 on code WELCOME\n")
    t = Teller(rules)
    t.ok("2026-02-17 09:00", "redeem", id="w", code="WELCOME")
    t.ok("2026-02-17 09:01", "topup", id="pay", amount=10)
    assert sources(t.ok("2026-02-17 10:00", "call", n=11)) == [("funds/paid/pay", 10), ("funds/code/W/w", 1)]
    assert isinstance(t.ok("2026-02-17 10:01", "clock"), pricelang.Accepted)

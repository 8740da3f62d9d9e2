"""R24–R27, R29, R15, R43: what runs in accounts, charged as it goes; suspensions. Figures by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from teller import Teller
from teller import instant
from teller import moment
from teller import ruleset

HOURS = """resource vm
  kind  text
  note  text, optional, may change

price vm
  hours:  $4 every started hour

"""
DISK = """resource disk
  size  GB, may change

price disk
  space:  size at {} per GB-month

"""


def run(t: Teller, start: str, stop: str | None, id: str = "v", resource: str = "vm", **fields: object) -> None:
    t.ok(start, "start", resource=resource, resource_id=id, **fields)
    if stop is not None:
        t.ok(stop, "stop", resource_id=id)


def total(rules: object, start: str, stop: str, resource: str = "vm", **fields: object) -> Fraction:
    """What `rate` makes of the closed interval."""
    raw = {"id": "r", "type": resource, "account": "a-1", "started": instant(start), "stopped": instant(stop), **fields}
    return Fraction(rules.rate(raw).amount)  # type: ignore[attr-defined]


def hours(t: Teller) -> list[tuple[str, Fraction]]:
    return t.moved("charge")


# --- R24 ------------------------------------------------------------------------------------------------------------


DATED = """resource vm
  kind  text

table rates, per hour
  | price |
  | $1    |

  from 2026-03-01
    | price |
    | $3    |

price vm
  time:  duration at rates.price

"""


def test_r24_what_runs_is_split_where_its_price_changes() -> None:
    t = Teller(ruleset(DATED))
    run(t, "2026-02-28 22:00", "2026-03-01 04:30", kind="a")
    assert t.revenue("vm") == Decimal("15.5")  # 2 hours at 1, 4.5 hours at 3
    assert t.revenue("vm", "2026-02-01", "2026-03-01") == 2


def test_r24_what_runs_is_split_where_its_size_changes() -> None:
    t = Teller(ruleset("resource vm\n  size  GB, may change\n\nprice vm\n  time:  size at $1 per GB-hour\n"))
    run(t, "2026-02-17 10:00", None, size=2)
    t.ok("2026-02-17 10:30", "change", resource_id="v", size=10)
    t.ok("2026-02-17 12:00", "change", resource_id="v", size=4)
    t.ok("2026-02-17 12:15", "stop", resource_id="v")
    assert t.revenue("vm") == 17  # 2 × ½ + 10 × 1½ + 4 × ¼


def test_r24_what_runs_is_split_where_its_window_changes() -> None:
    body = "hours night\n  every day  22:00 to 06:00\n\nresource vm\n  kind  text\n\nprice vm\n  time:  duration at $2 per hour\n    less 50% during night\n"
    t = Teller(ruleset(body))
    run(t, "2026-02-17 20:30", "2026-02-18 07:30", kind="a")
    assert t.revenue("vm") == 14  # 1½ hours at 2, 8 at 1, 1½ at 2


def test_r24_rounding_up_moves_the_end() -> None:
    rules = ruleset("resource vm\n  kind  text\n\nprice vm\n  time:  duration in steps of 1 hour at $3 per hour\n")
    t = Teller(rules)
    run(t, "2026-02-17 10:00", "2026-02-17 12:20", kind="a")
    assert t.revenue("vm") == 9


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ("2026-02-28 22:10", "2026-03-01 04:30"),
        ("2026-02-27 23:59:59", "2026-03-02 00:00:01"),
        ("2026-02-28 23:00", "2026-03-01 00:00"),
        ("2026-03-01 00:00", "2026-03-01 00:00"),
        ("2026-03-28 12:34:56", "2026-03-30 01:02:03"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize(
    "body", [DATED, DATED.replace("duration at rates.price", "rates.price every started hour"), HOURS]
)
def test_r24_all_that_is_charged_on_the_way_is_what_the_closed_interval_costs(
    start: str, stop: str, zone: str, body: str
) -> None:
    rules = ruleset(body, zone=zone)
    t = Teller(rules)
    run(t, start, stop, kind="a")
    assert t.revenue("vm") == total(rules, start, stop, kind="a")


def test_r24_time_is_charged_as_it_goes() -> None:
    t = Teller(
        ruleset("resource vm\n  kind  text\n\nprice vm\n  time:  duration at $2 per hour\n\nfunds\n  pay for vm\n")
    )
    run(t, "2026-02-17 10:00", None, kind="a")
    assert t.ok("2026-02-17 10:59:59", "clock").balance == 0
    assert t.ok("2026-02-17 11:00", "clock").balance == -2
    assert t.ok("2026-02-17 13:30", "clock").balance == -6
    assert t.ok("2026-02-17 13:45", "stop", resource_id="v").balance == Decimal("-7.5")
    assert t.ok("2026-02-20 00:00", "clock").balance == Decimal("-7.5")


# --- R25 and R15 ----------------------------------------------------------------------------------------------------


def test_r25_an_hour_belongs_to_the_day_in_which_it_starts() -> None:
    t = Teller(ruleset(HOURS + "limit cap\n  spend each day may reach $1000\n  alert at 1%\n"))
    run(t, "2026-02-17 21:30", "2026-02-18 02:00", kind="a")
    assert hours(t) == [
        ("2026-02-17 21:30", 4),
        ("2026-02-17 22:30", 4),
        ("2026-02-17 23:30", 4),
        ("2026-02-18 00:30", 4),
        ("2026-02-18 01:30", 4),
    ]
    assert (t.revenue("vm", "2026-02-17", "2026-02-18"), t.revenue("vm", "2026-02-18")) == (12, 8)
    assert [(one["at"], one["used"]) for one in t.told("alert")] == [("2026-02-17T23:30:00Z", "12")]


def test_r25_an_hour_that_starts_at_midnight_belongs_to_the_new_day() -> None:
    t = Teller(ruleset(HOURS))
    run(t, "2026-02-17 23:00", "2026-02-18 00:30", kind="a")
    assert (t.revenue("vm", "2026-02-17", "2026-02-18"), t.revenue("vm", "2026-02-18")) == (4, 4)


def test_r25_time_is_of_the_day_in_which_it_passes() -> None:
    t = Teller(ruleset("resource vm\n  kind  text\n\nprice vm\n  time:  duration at $2 per hour\n"))
    run(t, "2026-02-17 22:30", "2026-02-18 01:00", kind="a")
    assert (t.revenue("vm", "2026-02-17", "2026-02-18"), t.revenue("vm", "2026-02-18")) == (3, 2)


CAPPED = "resource vm\n  kind  text\n\nprice vm\n  hours:  $4 every started hour\n    at most $6 each day\n\n"


def test_r25_a_cap_of_the_day_counts_hours_in_the_day_in_which_they_start() -> None:
    rules = ruleset(CAPPED)
    t = Teller(rules)
    run(t, "2026-02-17 21:30", "2026-02-18 02:00", kind="a")
    # 4, 2 and 0 on the first day; 4 and 2 on the second
    assert total(rules, "2026-02-17 21:30", "2026-02-18 02:00", kind="a") == 12
    assert (t.revenue("vm", "2026-02-17", "2026-02-18"), t.revenue("vm", "2026-02-18")) == (6, 6)


def test_r25_under_a_cap_an_hour_is_charged_when_it_starts() -> None:
    t = Teller(ruleset(CAPPED + "funds\n  pay for vm\n"))
    run(t, "2026-02-17 21:30", None, kind="a")
    assert t.balance == -4
    assert t.ok("2026-02-17 22:29:59", "clock").balance == -4
    assert t.ok("2026-02-17 22:30", "clock").balance == -6


def test_r15_a_cap_of_the_day_is_of_the_zone() -> None:
    # two machines in turn, so that each counts in the same cap
    rules = ruleset(CAPPED, zone="Europe/Berlin")
    t = Teller(rules)
    run(t, "2026-03-28 21:30", "2026-03-29 01:00", kind="a")  # 22:30 and 23:30 there: 6; 00:30 and 01:30 of the 29th: 6
    assert t.revenue("vm") == 12
    assert t.revenue("vm", "2026-03-28 21:00", "2026-03-28 23:00") == 6
    assert t.revenue("vm", "2026-03-28 23:00") == 6


def test_r4_a_cap_is_shared_by_all_that_runs_on_a_line() -> None:
    t = Teller(ruleset(CAPPED))
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="v", kind="a")
    t.ok("2026-02-17 10:00", "start", resource="vm", resource_id="w", kind="a")
    t.ok("2026-02-17 10:30", "stop", resource_id="v")
    t.ok("2026-02-17 10:30", "stop", resource_id="w")
    assert t.revenue("vm") == 6


def test_r25_time_beyond_an_allowance_of_the_month() -> None:
    body = "allowance free_hours\n  10 hours every month\n\nresource vm\n  kind  text\n\nprice vm\n  time:  duration beyond free_hours at $2 per hour\n"
    t = Teller(ruleset(body))
    run(t, "2026-02-28 12:00", "2026-03-01 11:30", kind="a")
    # twelve hours in February, two beyond; eleven and a half in March, one and a half beyond
    assert (t.revenue("vm", "2026-02-01", "2026-03-01"), t.revenue("vm", "2026-03-01")) == (4, 3)


# --- R26 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stop", "count"),
    [
        ("10:15:00", 1),
        ("10:15:01", 1),
        ("11:14:59", 1),
        ("11:15:00", 1),
        ("11:15:01", 2),
        ("12:15:00", 2),
        ("12:15:00.5", 3),
    ],
)
@pytest.mark.parametrize("body", [HOURS, HOURS.replace("hour\n", "hour\n    at most $1,000 each day\n")])
def test_r26_started_hours_fall_at_the_start_and_every_3600_seconds(stop: str, count: int, body: str) -> None:
    t = Teller(ruleset(body))
    run(t, "2026-02-17 10:15", f"2026-02-17 {stop}", kind="a")
    assert t.revenue("vm") == 4 * count
    assert [at for at, _ in hours(t)] == [f"2026-02-17 {10 + n}:15" for n in range(count)]


def test_r26_each_hour_is_priced_when_it_starts() -> None:
    t = Teller(ruleset(DATED.replace("duration at rates.price", "rates.price every started hour")))
    run(t, "2026-02-28 22:30", "2026-03-01 01:00", kind="a")
    assert hours(t) == [("2026-02-28 22:30", 1), ("2026-02-28 23:30", 1), ("2026-03-01 00:30", 3)]


def test_r26_an_hour_at_which_the_price_changes_costs_the_new_one() -> None:
    t = Teller(ruleset(DATED.replace("duration at rates.price", "rates.price every started hour")))
    run(t, "2026-02-28 23:00", "2026-03-01 00:30", kind="a")
    assert hours(t) == [("2026-02-28 23:00", 1), ("2026-03-01 00:00", 3)]


def test_r26_each_start_starts_an_hour() -> None:
    t = Teller(ruleset(HOURS))
    for minute in (0, 10, 20):
        run(t, f"2026-02-17 10:{minute:02}", f"2026-02-17 10:{minute + 5:02}", kind="a")
    assert t.revenue("vm") == 12


@pytest.fixture
def sized() -> Teller:
    body = (
        "table sizes by size\n  | size | price |\n  | S | $4 |\n  | L | $7 |\n\n"
        "resource vm\n  size  one of S or L, may change\n  note  text, optional, may change\n\n"
        "price vm\n  hours:  sizes.price every started hour\n\n"
    )
    return Teller(ruleset(body))


def test_r26_a_change_of_what_is_priced_starts_a_new_hour(sized: Teller) -> None:
    run(sized, "2026-02-17 10:00", None, size="S")
    sized.ok("2026-02-17 10:40", "change", resource_id="v", size="L")
    sized.ok("2026-02-17 12:00", "stop", resource_id="v")
    assert hours(sized) == [("2026-02-17 10:00", 4), ("2026-02-17 10:40", 7), ("2026-02-17 11:40", 7)]


def test_r26_a_change_on_the_hour_starts_one_hour(sized: Teller) -> None:
    run(sized, "2026-02-17 10:00", None, size="S")
    sized.ok("2026-02-17 11:00", "change", resource_id="v", size="L")
    sized.ok("2026-02-17 11:30", "stop", resource_id="v")
    assert hours(sized) == [("2026-02-17 10:00", 4), ("2026-02-17 11:00", 7)]


def test_r26_a_change_of_what_is_not_priced_starts_no_hour(sized: Teller) -> None:
    run(sized, "2026-02-17 10:00", None, size="S")
    sized.ok("2026-02-17 10:40", "change", resource_id="v", note="other")
    sized.ok("2026-02-17 11:30", "stop", resource_id="v")
    assert hours(sized) == [("2026-02-17 10:00", 4), ("2026-02-17 11:00", 4)]


def test_r26_a_change_to_the_same_starts_no_hour(sized: Teller) -> None:
    run(sized, "2026-02-17 10:00", None, size="S")
    sized.ok("2026-02-17 10:40", "change", resource_id="v", size="S")
    sized.ok("2026-02-17 11:30", "stop", resource_id="v")
    assert hours(sized) == [("2026-02-17 10:00", 4), ("2026-02-17 11:00", 4)]


def test_r26_the_zone_does_not_stretch_an_hour() -> None:
    t = Teller(ruleset(HOURS, zone="Europe/Berlin"))
    run(t, "2026-03-28 23:00", "2026-03-29 03:00", kind="a")  # 00:00 to 05:00 on the clock, four hours of time
    assert t.revenue("vm") == 16


def test_r26_started_days_keep_the_clock_time() -> None:
    t = Teller(ruleset(HOURS.replace("started hour", "started day"), zone="Europe/Berlin"))
    run(t, "2026-03-28 11:00", "2026-03-30 10:00", kind="a")  # noon there, then noon in summer time
    assert hours(t) == [("2026-03-28 11:00", 4), ("2026-03-29 10:00", 4)]


def test_r26_hours_beside_time() -> None:
    body = "resource vm\n  size  GB\n\nprice vm\n  hours:  $4 every started hour\n  space:  size at $1 per GB-hour\n"
    for more in ("", "    at most $1,000 each month\n"):
        t = Teller(ruleset(body.replace("  space", more + "  space")))
        run(t, "2026-02-17 22:30", "2026-02-18 01:00", size=2)
        # started at 22:30, 23:30 and 00:30: 12; two and a half hours of 2 GB: 5
        assert t.revenue("vm") == 17


# --- R27 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "stop", "amount"),
    [
        ("2026-02-01 00:00", "2026-03-01 00:00", 1),
        ("2026-03-01 00:00", "2026-04-01 00:00", 1),
        ("2026-02-10 00:00", "2026-02-11 00:00", Fraction(1, 28)),
        ("2026-03-10 00:00", "2026-03-11 00:00", Fraction(1, 31)),
        ("2026-02-28 00:00", "2026-03-02 00:00", Fraction(1, 28) + Fraction(1, 31)),
        ("2024-02-28 00:00", "2024-03-01 00:00", Fraction(2, 29)),
    ],
)
def test_r27_a_gb_month_is_of_the_calendar_month_at_hand(start: str, stop: str, amount: Fraction) -> None:
    t = Teller(
        ruleset(DISK.format("$1").replace("price disk\n", 'price disk\n  allow endless-decimals "this is the test"\n')),
        signup="2024-01-01",
    )
    run(t, start, stop, resource="disk", size=1)
    assert t.revenue("disk") == amount


def test_r27_a_month_with_a_change_of_the_clock() -> None:
    rules = ruleset(DISK.format("$743"), zone="Europe/Berlin")  # March has 743 hours there
    t = Teller(rules)
    run(t, "2026-03-28 23:00", "2026-03-29 22:00", resource="disk", size=1)  # the day of 23 hours
    assert t.revenue("disk") == 23


def test_r27_a_month_of_730_hours() -> None:
    rules = ruleset(
        "resource disk\n  size  GB, may change\n\nprice disk\n  space:  size at $73 per GB-month of 730 hours\n"
    )
    t = Teller(rules)
    run(t, "2026-02-01 00:00", "2026-02-01 10:00", resource="disk", size=3)
    assert t.revenue("disk") == 3
    run(t, "2026-03-01 00:00", "2026-03-01 10:00", resource="disk", size=3)
    assert t.revenue("disk") == 6


def test_r27_sizes_that_change_over_the_end_of_a_month() -> None:
    t = Teller(ruleset(DISK.format("$868")))  # 868 = 28 × 31: a day of 1 GB costs 31 in February and 28 in March
    run(t, "2026-02-27 00:00", None, resource="disk", size=1)
    t.ok("2026-02-28 12:00", "change", resource_id="v", size=2)
    t.ok("2026-03-01 12:00", "change", resource_id="v", size=1)
    t.ok("2026-03-02 00:00", "stop", resource_id="v")
    # 1½ days of 1 and ½ of 2 in February: 2½ × 31; ½ of 2 and ½ of 1 in March: 1½ × 28
    assert (t.revenue("disk", "2026-02-01", "2026-03-01"), t.revenue("disk", "2026-03-01")) == (Decimal("77.5"), 42)


# --- R29 ------------------------------------------------------------------------------------------------------------


def test_r29_started_hours_are_in_a_window_by_the_clock_at_which_they_start() -> None:
    body = (
        "hours night, Europe/Berlin\n  Friday  22:00 to 06:00\n\nresource vm\n  kind  text\n\n"
        "price vm\n  hours:  $4 every started hour\n    less 50% during night\n"
    )
    t = Teller(ruleset(body))
    run(t, "2026-02-20 20:59:59", "2026-02-20 22:30", kind="a")  # 21:59:59 on Friday there, 22:59:59
    assert [amount for _, amount in hours(t)] == [4, 2]
    run(t, "2026-02-21 04:00", "2026-02-21 06:00", kind="a")  # Saturday 05:00 is Friday's night, 06:00 is not
    assert [amount for _, amount in hours(t)][2:] == [2, 4]


# --- R43 ------------------------------------------------------------------------------------------------------------

BROKE = HOURS + "funds\n  pay for vm\n\nlimit funds\n  balance may fall to $0\n  suspend vm{}\n\n"


def test_r43_a_suspension_takes_effect_when_the_next_hour_would_be_charged() -> None:
    t = Teller(ruleset(BROKE.format("")))
    t.ok("2026-02-17 09:00", "topup", amount=8)
    run(t, "2026-02-17 10:30", None, kind="a")  # 4 left; none after 11:30
    assert t.ok("2026-02-17 12:29:59", "clock").balance == 0
    assert t.told("suspended") == []
    t.ok("2026-02-17 12:30", "clock")
    assert t.told("suspended") == [
        {"at": "2026-02-17T12:30:00Z", "limit": "funds", "resource": "vm", "resource_id": "v"}
    ]
    assert t.ok("2026-02-18 00:00", "clock").balance == 0
    assert hours(t) == [("2026-02-17 10:30", 4), ("2026-02-17 11:30", 4)]


def test_r43_an_hour_is_paid_as_long_as_anything_is_left() -> None:
    t = Teller(ruleset(BROKE.format("")))
    t.ok("2026-02-17 09:00", "topup", amount=9)
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 15:00", "clock")
    assert t.balance == -3  # 9 − 3 × 4: one was left at 12:30
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-17T13:30:00Z"]


def test_r43_it_ends_when_its_question_is_answered_otherwise_and_a_new_hour_starts() -> None:
    t = Teller(ruleset(BROKE.format("")))
    t.ok("2026-02-17 09:00", "topup", amount=4)
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 12:00", "clock")  # suspended at 11:30
    t.ok("2026-02-17 12:10", "topup", amount=10)
    assert [one["at"] for one in t.told("resumed")] == ["2026-02-17T12:10:00Z"]
    t.ok("2026-02-17 13:30", "clock")
    assert hours(t) == [("2026-02-17 10:30", 4), ("2026-02-17 12:10", 4), ("2026-02-17 13:10", 4)]
    assert t.balance == 2


def test_r43_a_topup_that_only_covers_what_is_owed_resumes_nothing() -> None:
    t = Teller(ruleset(BROKE.format("")))
    t.ok("2026-02-17 09:00", "topup", amount=3)
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 12:00", "topup", amount=1)
    assert (t.balance, t.told("resumed")) == (0, [])
    t.ok("2026-02-17 12:01", "topup", amount="0.01")
    assert len(t.told("resumed")) == 1


def test_r43_money_at_the_instant_of_the_next_hour_keeps_it_running() -> None:
    t = Teller(ruleset(BROKE.format("")))
    t.ok("2026-02-17 09:00", "topup", amount=4)
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 11:30", "topup", amount=4)  # money in comes before hours
    t.ok("2026-02-17 11:45", "clock")
    assert (t.told("suspended"), t.balance) == ([], 0)


def test_r43_after_a_grace_of_days() -> None:
    t = Teller(ruleset(BROKE.format(" after 7 days")))
    t.ok("2026-02-01 09:00", "topup", amount=4)
    run(t, "2026-02-10 10:30", None, kind="a")  # nothing is left from this instant on
    t.ok("2026-02-17 10:29:59", "clock")
    assert t.told("suspended") == []
    t.ok("2026-02-17 12:00", "clock")
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-17T10:30:00Z"]
    assert t.balance == 4 - 168 * 4  # the hours of seven days, of which one was paid


def test_r43_a_grace_between_two_hours_ends_at_the_next() -> None:
    rules = ruleset(
        HOURS
        + "account\n  card  yes or no, default yes\n\nlimit card\n  account.card must be yes\n  suspend vm after 1 day\n"
    )
    t = Teller(rules)
    run(t, "2026-02-10 10:30", None, kind="a")
    t.ok("2026-02-10 11:00", "set", card=False)
    t.ok("2026-02-11 12:00", "clock")
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-11T11:30:00Z"]


def test_r43_a_grace_begins_anew_when_the_question_was_answered_otherwise() -> None:
    t = Teller(ruleset(BROKE.format(" after 1 day")))
    t.ok("2026-02-01 09:00", "topup", amount=4)
    run(t, "2026-02-10 10:00", None, kind="a")
    t.ok("2026-02-10 20:30", "topup", amount=45)  # 11 hours were started, one was paid: 40 owed, 5 left
    # 1 left at 21:00, −3 at 22:00: a day from then
    t.ok("2026-02-12 00:00", "clock")
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-11T22:00:00Z"]


def test_r43_fees_go_on() -> None:
    rules = ruleset(BROKE.format("") + "price account\n  plan:  $7 every month in advance\n")
    t = Teller(rules, signup="2026-02-01 00:00")
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-03-01 00:00", "clock")
    t.ok("2026-03-02 00:00", "clock")
    assert t.moved("fee") == [("2026-02-01 00:00", 7), ("2026-03-01 00:00", 7)]
    assert len(t.told("suspended")) == 1


def test_r43_a_stop_while_suspended_costs_nothing() -> None:
    t = Teller(ruleset(BROKE.format("")))
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 15:00", "stop", resource_id="v")
    assert t.balance == -4
    t.ok("2026-02-17 16:00", "topup", amount=100)
    assert t.ok("2026-02-18 00:00", "clock").balance == 96


def test_r43_a_spending_limit_of_a_day_suspends_until_midnight() -> None:
    t = Teller(ruleset(HOURS + "limit cap\n  spend each day may reach $8\n  suspend vm\n"))
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-18 01:59:59", "clock")
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-17T12:30:00Z"]
    assert [one["at"] for one in t.told("resumed")] == ["2026-02-18T00:00:00Z"]
    assert hours(t)[2:] == [("2026-02-18 00:00", 4), ("2026-02-18 01:00", 4)]
    t.ok("2026-02-18 02:00", "clock")
    assert [one["at"] for one in t.told("suspended")][1:] == ["2026-02-18T02:00:00Z"]


def test_r43_a_sliding_spending_limit_suspends_until_enough_has_slid_out() -> None:
    t = Teller(ruleset(HOURS + "limit cap\n  spend in any 5 hours may reach $8\n  suspend vm\n"))
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 16:00", "clock")
    # 4 at 10:30 and 4 at 11:30: suspended at 12:30 until the first slides out
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-17T12:30:00Z"]
    assert [one["at"] for one in t.told("resumed")] == ["2026-02-17T15:30:00Z"]


def test_r43_a_field_of_the_account_suspends_and_resumes() -> None:
    rules = ruleset(
        HOURS + "account\n  card  yes or no, default yes\n\nlimit card\n  account.card must be yes\n  suspend vm\n"
    )
    t = Teller(rules)
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 10:40", "set", card=False)
    t.ok("2026-02-17 11:29", "set", card=True)
    t.ok("2026-02-17 11:31", "set", card=False)  # it was yes when the hour came
    t.ok("2026-02-17 12:40", "set", card=True)
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-17T12:30:00Z"]
    assert [one["at"] for one in t.told("resumed")] == ["2026-02-17T12:40:00Z"]
    assert [at for at, _ in hours(t)] == ["2026-02-17 10:30", "2026-02-17 11:30", "2026-02-17 12:40"]


def test_r43_what_is_suspended_by_two_runs_again_when_both_are_answered() -> None:
    rules = ruleset(
        HOURS
        + "account\n  card  yes or no, default yes\n\nfunds\n  pay for vm\n\nlimit card\n  account.card must be yes\n  suspend vm\n\n"
        + "limit funds\n  balance may fall to $0\n  suspend vm\n"
    )
    t = Teller(rules)
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 10:40", "set", card=False)
    t.ok("2026-02-17 11:40", "set", card=True)
    assert t.told("resumed") == []
    t.ok("2026-02-17 11:50", "topup", amount=20)
    assert {(one["at"], one["resource_id"]) for one in t.told("resumed")} == {("2026-02-17T11:50:00Z", "v")}
    assert t.balance == 12


def test_r43_time_is_charged_until_the_suspension_and_from_the_resumption() -> None:
    body = "resource vm\n  size  GB, may change\n\nprice vm\n  time:  size at $2 per GB-hour\n\nfunds\n  pay for vm\n\nlimit funds\n  balance may fall to $0\n  suspend vm\n"
    t = Teller(ruleset(body))
    t.ok("2026-02-17 09:00", "topup", amount=4)
    run(t, "2026-02-17 10:30", None, size=1)
    # 2 for the hour to 11:30, 2 for the hour to 12:30: nothing is left for the hour that would begin
    t.ok("2026-02-17 20:00", "clock")
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-17T12:30:00Z"]
    assert t.balance == 0
    t.ok("2026-02-17 20:15", "topup", amount=10)
    t.ok("2026-02-17 20:45", "stop", resource_id="v")
    assert t.balance == 9  # half an hour
    assert t.paid_for("v") == 5


@pytest.mark.parametrize("hourly", ["", "  hours:  $4 every started hour\n"])
def test_r43_midnight_is_no_hour(hourly: str) -> None:
    body = f"resource vm\n  size  GB, may change\n\nprice vm\n{hourly}  time:  size at $2 per GB-hour\n\naccount\n  card  yes or no, default yes\n\nlimit card\n  account.card must be yes\n  suspend vm\n"
    t = Teller(ruleset(body))
    run(t, "2026-02-17 22:30", None, size=1)
    t.ok("2026-02-17 23:45", "set", card=False)
    t.ok("2026-02-18 02:00", "clock")
    assert [one["at"] for one in t.told("suspended")] == ["2026-02-18T00:30:00Z"]  # the hours begin at half past


def test_r43_only_what_is_named_is_suspended() -> None:
    rules = ruleset(
        HOURS
        + HOURS.replace("vm", "db")
        + "funds\n  pay for vm and db\n\nlimit funds\n  balance may fall to $0\n  suspend vm\n"
    )
    t = Teller(rules)
    run(t, "2026-02-17 10:30", None, id="v", kind="a")
    run(t, "2026-02-17 10:30", None, id="d", resource="db", kind="a")
    t.ok("2026-02-17 12:30", "clock")
    assert (t.paid_for("v"), t.paid_for("d")) == (4, 12)


def test_r43_a_start_is_refused_where_it_would_be_suspended() -> None:
    rules = ruleset(BROKE.format("").replace("  suspend vm", "  refuse vm with 402\n  suspend vm"))
    t = Teller(rules)
    assert t.refused("2026-02-17 10:30", "start", resource="vm", resource_id="v", kind="a").status == 402
    t.ok("2026-02-17 10:31", "topup", amount=4)
    t.ok("2026-02-17 10:32", "start", resource="vm", resource_id="v", kind="a")
    assert t.ok("2026-02-17 12:00", "stop", resource_id="v").balance == 0


def test_r43_a_suspended_one_that_is_stopped_can_be_started_again() -> None:
    t = Teller(ruleset(BROKE.format("")))
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 12:00", "stop", resource_id="v")
    t.ok("2026-02-17 12:01", "topup", amount=12)
    run(t, "2026-02-17 12:02", "2026-02-17 12:30", kind="a")
    assert t.balance == 4  # −4, 12, −4
    assert t.told("resumed") == []


def test_r43_a_change_while_suspended_costs_nothing_and_holds_from_the_resumption() -> None:
    body = (
        "table sizes by size\n  | size | price |\n  | S | $4 |\n  | L | $7 |\n\nresource vm\n  size  one of S or L, may change\n\n"
        "price vm\n  hours:  sizes.price every started hour\n\nfunds\n  pay for vm\n\nlimit funds\n  balance may fall to $0\n  suspend vm\n"
    )
    t = Teller(ruleset(body))
    run(t, "2026-02-17 10:30", None, size="S")
    t.ok("2026-02-17 12:00", "change", resource_id="v", size="L")
    assert t.balance == -4
    t.ok("2026-02-17 12:30", "topup", amount=20)
    assert hours(t) == [("2026-02-17 10:30", 4), ("2026-02-17 12:30", 7)]


def test_r43_a_refill_resumes_when_it_is_paid() -> None:
    t = Teller(ruleset(BROKE.format("") + "refill $10 when balance below $0\n"))
    run(t, "2026-02-17 10:30", None, kind="a")
    t.ok("2026-02-17 11:45", "payment")
    assert [one["at"] for one in t.told("resumed")] == ["2026-02-17T11:45:00Z"]
    assert t.balance == 2
    assert t.postings[-1].at == moment("2026-02-17 11:45")

"""The rules of meaning, one by one: each test is named after the rule it holds, with figures worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import pricelang

HEAD = """ruleset acme "Acme"
  currency USD
  timezone {zone}
  bill every month

"""


def ruleset(body: str, zone: str = "UTC", files: dict[str, str] | None = None) -> pricelang.Ruleset:
    return pricelang.load_text(HEAD.format(zone=zone) + body, "acme.price", files)


def record(at: str = "2026-02-17T10:00:00Z", id: str = "r-1", account: str = "a-1", **fields: Any) -> dict[str, Any]:
    return {"id": id, "type": "call", "at": at, "account": account, **fields}


def amounts(rules: pricelang.Ruleset, records: Iterable[dict[str, Any]], **words: Any) -> list[str]:
    """The amount of each charge, the code of each rejection."""
    return [
        str(one.amount) if isinstance(one, pricelang.Charge) else one.code
        for one in rules.rate_stream(records, **words)
    ]


def cost(rules: pricelang.Ruleset, *, account: dict[str, Any] | None = None, **words: Any) -> Decimal | Fraction:
    return rules.rate(record(**words), account=account).amount


def refused(rules: pricelang.Ruleset, *, account: dict[str, Any] | None = None, **words: Any) -> str:
    with pytest.raises(pricelang.RecordError) as error:
        rules.rate(record(**words), account=account)
    return error.value.code


CALL = """usage call
  duration  seconds
  region    text, optional

"""


def test_r1_a_line_is_read_from_top_to_bottom() -> None:
    steps = ("    less 50%\n", "    at least $1\n")
    first = ruleset(CALL + "price call\n  a: duration at $0.60 per minute\n" + "".join(steps))
    second = ruleset(CALL + "price call\n  a: duration at $0.60 per minute\n" + "".join(reversed(steps)))
    assert cost(first, duration=60) == 1  # 0.60 halved is 0.30, raised to 1
    assert cost(second, duration=60) == Decimal("0.5")  # 0.60 raised to 1, halved


def test_r1_with_each_the_record_gets_the_increase_of_the_running_total() -> None:
    rules = ruleset(CALL + "price call\n  a: duration at $1 per minute\n    at most $5 each month\n")
    records = [record(f"2026-02-{day:02}T10:00:00Z", f"r-{day}", duration=120) for day in range(1, 5)]
    assert amounts(rules, records) == ["2", "2", "1", "0"]


def test_r2_charges_of_a_period_are_those_of_its_records_in_order_of_at_then_id() -> None:
    rules = ruleset(
        CALL + "price call\n  a: duration at graduated each month\n    up to 60: free\n    above 60: $1 per minute\n"
    )
    records = [
        record("2026-02-03T10:00:00Z", "c", duration=60),
        record("2026-02-02T10:00:00Z", "b", duration=60),
        record("2026-02-02T10:00:00Z", "a", duration=30),
    ]
    charges = {one.id: one.amount for one in rules.rate_stream(records)}
    assert charges == {"a": 0, "b": Decimal("0.5"), "c": 1}
    again = {one.id: one.amount for one in rules.rate_stream(reversed(records))}
    assert again == charges


def test_r3_without_each_a_step_is_about_one_record() -> None:
    rules = ruleset(CALL + "price call\n  a: duration at $1 per minute\n    at most $1.50\n")
    assert amounts(rules, [record(id=str(n), duration=120) for n in range(3)]) == ["1.5", "1.5", "1.5"]


def test_r4_a_count_belongs_to_one_account_and_one_line() -> None:
    rules = ruleset(
        CALL
        + "price call\n  a: requests at graduated each month\n    up to 1: free\n    above 1: $1 per request\n"
        + "  b: requests at graduated each month\n    up to 2: free\n    above 2: $10 per request\n"
    )
    records = [record(id=f"{who}{n}", account=who, duration=1) for who in "ab" for n in range(3)]
    assert amounts(rules, records) == ["0", "1", "11", "0", "1", "11"]


def test_r4_for_each_divides_a_count() -> None:
    rules = ruleset(
        CALL
        + "price call\n  a: requests at graduated each month for each region\n    up to 1: free\n    above 1: $1 per request\n"
    )
    records = [record(id=str(n), duration=1, region=where) for n, where in enumerate(("eu", "us", "eu", "us"))]
    assert amounts(rules, records) == ["0", "0", "1", "1"]


def test_r4_a_named_allowance_is_shared_by_lines() -> None:
    rules = ruleset(
        CALL
        + "allowance free\n  3 requests every month\n\n"
        + "price call\n  a: requests beyond free at $1 per request\n  b: requests beyond free at $10 per request\n"
    )
    assert amounts(rules, [record(id=str(n), duration=1) for n in range(3)]) == ["0", "10", "11"]


def test_r5_a_count_goes_on_when_prices_change_inside_its_period() -> None:
    rules = ruleset(
        """usage call
  calls  requests

table bands by calls
  | calls       | price           |
  | up to 10    | free            |
  | above 10    | $1 per request  |
  from 2026-02-10
    | calls    | price          |
    | above 10 | $2 per request |

price call
  a: calls at graduated bands.price each month
"""
    )
    records = [record("2026-02-09T10:00:00Z", "a", calls=12), record("2026-02-10T00:00:00Z", "b", calls=3)]
    assert amounts(rules, records) == ["2", "6"]


def test_r7_reaching_a_cheaper_volume_band_credits_the_difference_on_that_record() -> None:
    rules = ruleset(
        CALL + 'price call\n  a: requests at volume each month\n    allow tier-cliff "this is the test"\n'
        "    up to 2: $10 per request\n    above 2: $1 per request\n"
    )
    assert amounts(rules, [record(id=str(n), duration=1) for n in range(4)]) == ["10", "10", "-17", "1"]


def test_r7_a_minimum_of_a_record_may_not_stand_below_such_a_step() -> None:
    with pytest.raises(pricelang.RulesetError) as error:
        ruleset(
            CALL + 'price call\n  a: requests at volume each month\n    allow tier-cliff "this is the test"\n'
            "    up to 2: $10 per request\n    above 2: $1 per request\n    at least $5\n"
        )
    assert {one.slug for one in error.value.findings} == {"minimum-below-volume"}


def test_r8_nothing_stays_nothing() -> None:
    rules = ruleset(
        CALL + "price call\n  a: duration in packages of 60 at $1 per package\n    plus $0.30\n    at least $2\n"
    )
    charge = rules.rate(record(duration=0))
    assert charge.amount == 0
    assert charge.lines == ()
    assert cost(rules, duration=1) == 2


def test_r9_the_fixed_amount_of_a_band_is_charged_once_a_period_when_it_is_entered() -> None:
    rules = ruleset(
        CALL
        + "price call\n  a: requests at graduated each month\n    up to 2: $50\n    above 2: $7 plus $1 per request\n"
    )
    records = [record(f"2026-02-{n:02}T00:00:00Z", str(n), duration=1) for n in range(1, 5)]
    records.append(record("2026-03-01T00:00:00Z", "next", duration=1))
    assert amounts(rules, records) == ["50", "0", "8", "1", "50"]


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [("9.999", "9.999"), ("10", "10"), ("10.001", "20.002"), ("20", "40"), ("20.5", "61.5")],
)
def test_r10_bands_meet_at_the_written_edge(quantity: str, amount: str) -> None:
    rules = ruleset(
        "usage call\n  size  GB\n\nprice call\n  a: size at volume\n"
        "    up to 10: $1 per GB\n    above 10 up to 20: $2 per GB\n    above 20: $3 per GB\n"
    )
    assert cost(rules, size=quantity) == Decimal(amount)


def test_r11_each_less_works_on_what_the_one_above_left() -> None:
    rules = ruleset(CALL + "price call\n  a: duration at $1 per second\n    less 10%\n    less 7%\n")
    assert cost(rules, duration=100) == Decimal("83.7")


def test_r11_discounted_units_count_in_full_for_tiers() -> None:
    rules = ruleset(
        CALL
        + "price call\n  a: requests at graduated each month\n    up to 1: $1 per request\n    above 1: $5 per request\n"
        "    less 50%\n"
    )
    assert amounts(rules, [record(id=str(n), duration=1) for n in range(2)]) == ["0.5", "2.5"]


def test_r12_nothing_is_rounded_but_where_the_rules_say() -> None:
    exact = ruleset(CALL + "price call\n  a: duration at $0.0333333333 per second\n")
    assert cost(exact, duration=7) == Decimal("0.2333333331")
    rounded = ruleset(CALL + "price call\n  a: duration at $0.0333333333 per second\n    rounded to $0.01, half up\n")
    charge = rounded.rate(record(duration=7))
    assert (charge.amount, charge.exact) == (Decimal("0.23"), Decimal("0.2333333331"))


def test_r12_a_fraction_that_no_decimal_holds_is_carried_exactly() -> None:
    rules = ruleset(CALL + 'price call\n  allow endless-decimals "this is the test"\n  a: duration at $1 per hour\n')
    charge = rules.rate(record(duration=1))
    assert charge.amount == Fraction(1, 3600)
    assert charge.as_dict()["amount"] == "1/3600"


def test_r12_the_header_rounds_each_line_and_the_sum_is_not_rounded_again() -> None:
    body = CALL + "price call\n  a: duration at $0.014 per second\n  b: requests at $0.014 per request\n"
    lines = pricelang.load_text(
        HEAD.format(zone="UTC").replace("  bill", "  round each line to $0.01, half up\n  bill") + body
    )
    assert lines.rate(record(duration=1)).amount == Decimal("0.02")
    whole = pricelang.load_text(
        HEAD.format(zone="UTC").replace("  bill", "  round charge to $0.01, half up\n  bill") + body
    )
    charge = whole.rate(record(duration=1))
    assert charge.amount == Decimal("0.03")
    assert [(line.name, line.amount) for line in charge.lines][-1] == ("rounding", Decimal("0.002"))


@pytest.mark.parametrize(
    ("mode", "up", "down"),
    [
        ("half up", "0.03", "-0.03"),
        ("half down", "0.02", "-0.02"),
        ("half even", "0.02", "-0.02"),
        ("up", "0.03", "-0.03"),
        ("down", "0.02", "-0.02"),
    ],
)
def test_r13_rounding_is_mirrored(mode: str, up: str, down: str) -> None:
    rules = ruleset(
        CALL + f"price call\n  a: requests at $1 per request\n    less $0.975\n    rounded to $0.01, {mode}\n"
    )
    assert cost(rules, duration=1) == Decimal(up)
    below = ruleset(
        CALL + f"price call\n  a: requests at $1 per request\n    less $1.025\n    rounded to $0.01, {mode}\n"
    )
    assert cost(below, duration=1) == Decimal(down)


def test_r15_periods_are_those_of_the_rulesets_zone() -> None:
    body = CALL + "price call\n  a: requests at graduated each day{}\n    up to 1: free\n    above 1: $1 per request\n"
    records = [record("2026-02-17T22:30:00Z", "a", duration=1), record("2026-02-17T23:30:00Z", "b", duration=1)]
    assert amounts(ruleset(body.format("")), records) == ["0", "1"]
    assert amounts(ruleset(body.format(""), "Europe/Berlin"), records) == ["0", "0"]
    assert amounts(ruleset(body.format(" in Europe/Berlin")), records) == ["0", "0"]


def test_r15_weeks_start_on_monday() -> None:
    rules = ruleset(
        CALL + "price call\n  a: requests at graduated each week\n    up to 1: free\n    above 1: $1 per request\n"
    )
    records = [record(f"2026-02-{day}T12:00:00Z", day, duration=1) for day in ("14", "15", "16")]  # Saturday to Monday
    assert amounts(rules, records) == ["0", "1", "0"]


LAYERS = """hours night
  every day 22:00 to 06:00

usage call
  tier  one of standard or batch, default standard

table rates
  | price |
  | $1    |
  from 2026-03-01
    | price |
    | $2    |
    when tier is batch
      | price |
      | $7    |
  from 2026-03-10 until 2026-03-20 "offer"
    | price |
    | $3    |
  during night
    | price |
    | $4    |
  when tier is batch
    | price |
    | $5    |

price call
  a: rates.price
"""


@pytest.mark.parametrize(
    ("at", "tier", "amount"),
    [
        ("2026-02-28T12:00:00Z", "standard", 1),
        ("2026-03-01T12:00:00Z", "standard", 2),
        ("2026-03-15T12:00:00Z", "standard", 3),
        ("2026-03-15T23:00:00Z", "standard", 4),
        ("2026-02-15T23:00:00Z", "batch", 5),
        ("2026-03-15T23:00:00Z", "batch", 7),
    ],
)
def test_r18_layers_lie_in_order(at: str, tier: str, amount: int) -> None:
    assert cost(ruleset(LAYERS), at=at, tier=tier) == amount


@pytest.mark.parametrize(
    ("at", "amount"),
    [
        ("2026-03-01T04:59:59Z", 1),
        ("2026-03-01T05:00:00Z", 2),  # the first of March begins in New York
        ("2026-04-01T03:59:59Z", 2),  # the last of March ends there, in summer time
        ("2026-04-01T04:00:00Z", 1),
    ],
)
def test_r19_until_includes_a_day_of_the_rulesets_zone(at: str, amount: int) -> None:
    body = "usage call\n  x  text\n\ntable rates\n  | price |\n  | $1 |\n  from 2026-03-01 until 2026-03-31\n    | price |\n    | $2 |\n\nprice call\n  a: rates.price\n"
    assert cost(ruleset(body, "America/New_York"), at=at, x="y") == amount


def test_r19_until_excludes_a_time_of_day() -> None:
    body = "usage call\n  x  text\n\ntable rates\n  | price |\n  | $1 |\n  from 2026-03-01 until 2026-03-31 12:00\n    | price |\n    | $2 |\n\nprice call\n  a: rates.price\n"
    rules = ruleset(body)
    assert cost(rules, at="2026-03-31T11:59:59.999Z", x="y") == 2
    assert cost(rules, at="2026-03-31T12:00:00Z", x="y") == 1


def test_r19_an_offer_that_ends_with_nothing_beneath_is_an_error() -> None:
    body = "usage call\n  x  text\n\ntable rates\n  | name | price |\n  | a |  |\n  from 2026-03-01 until 2026-03-31\n    | name | price |\n    | a | $2 |\n\nprice call\n  a: rates.price\n"
    rules = ruleset(body.replace("table rates", "table rates by name").replace("x  text", "name  text"))
    assert cost(rules, at="2026-03-31T12:00:00Z", name="a") == 2
    assert refused(rules, at="2026-04-01T00:00:00Z", name="a") == "no-price-in-force"


BASE = """usage call
  model  text

table models by model
  | model | price |
  | a, b  | $1    |
  | c     | $2    |
  from 2026-03-01
    | model | price |
    | a     | $3    |

price call
  a: models.price
  b: requests at $10 per request
"""


def test_r20_a_ruleset_based_on_another_lies_on_top_of_all_its_layers() -> None:
    base = HEAD.format(zone="UTC") + BASE
    top = """ruleset bigco based on "acme.price"

table models
  | model | price |
  | b     | $0.50 |
  new rows
    | model | price |
    | d     | $9    |

price call
  b: requests at $20 per request
"""
    rules = pricelang.load_text(top, "bigco.price", {"acme.price": base})
    assert cost(rules, at="2026-03-05T00:00:00Z", model="a") == Decimal("20.5")
    assert cost(rules, model="c") == 22
    assert cost(rules, model="d") == 29
    with pytest.raises(pricelang.RulesetError) as error:
        pricelang.load_text(top.replace("| b     |", "| x     |"), "bigco.price", {"acme.price": base})
    assert [one.slug for one in error.value.findings] == ["layer-row"]


def test_r21_cases_the_first_that_is_true() -> None:
    rules = ruleset(
        CALL + "price call\n  a: duration at\n    when duration above 100: $3 per second\n"
        "    when duration above 10: $2 per second\n    otherwise: $1 per second\n"
    )
    assert [cost(rules, duration=n) for n in (10, 11, 101)] == [10, 22, 303]


def test_r21_exactly_one_row_or_an_error() -> None:
    rules = ruleset(
        "usage call\n  model  text\n\ntable m by model\n  | model | price |\n  | a | $1 |\n  | like x-* | $2 |\n  | like *-y | $3 |\n\n"
        "price call\n  a: m.price\n"
    )
    assert cost(rules, model="a") == 1
    assert cost(rules, model="x-1") == 2
    assert refused(rules, model="A") == "no-row"
    assert refused(rules, model="x-y") == "two-rows"


PARTS = """usage call
  input   tokens
  cached  tokens, part of input, default 0
  audio   tokens, part of input, default 0
  both    tokens, part of cached and audio, default 0

price call
  plain:   rest of input at $1 per token
  cached:  rest of cached at $10 per token
  audio:   rest of audio at $100 per token
  both:    both at $1,000 per token
"""


def test_r22_rest_of_is_the_whole_less_its_declared_parts() -> None:
    charge = ruleset(PARTS).rate(record(input=100, cached=30, audio=20, both=5))
    assert {line.name: line.quantity for line in charge.lines} == {"plain": 55, "cached": 25, "audio": 15, "both": 5}


def test_r22_parts_that_exceed_their_whole_reject_the_record() -> None:
    rules = ruleset(PARTS)
    assert refused(rules, input=10, cached=11) == "part-exceeds-whole"
    assert refused(rules, input=10, cached=6, audio=6) == "part-exceeds-whole"
    assert cost(rules, input=10, cached=6, audio=6, both=2) == 4 * 10 + 4 * 100 + 2 * 1000


def test_r23_a_missing_field_is_an_error_unless_it_has_a_default_or_is_optional() -> None:
    rules = ruleset(
        "usage call\n  tokens_in  tokens\n  tier  text, optional\n  n  requests, default 2\n\n"
        "price call\n  a: tokens_in at $1 per token\n    less 50% when tier is batch\n    less 10% when tier is not given\n"
        "  b: n at $1 per request\n"
    )
    assert refused(rules) == "missing-field"
    assert cost(rules, tokens_in=10) == 11
    assert cost(rules, tokens_in=10, tier="batch") == 7
    assert cost(rules, tokens_in=10, tier="Batch") == 12


def test_r23_what_is_not_given_meets_no_condition() -> None:
    rules = ruleset(CALL + "price call\n  a: requests at $1 per request\n    plus $5 when region is not eu\n")
    assert cost(rules, duration=1) == 1
    assert cost(rules, duration=1, region="us") == 6


def run(started: str, stopped: str, **fields: Any) -> dict[str, Any]:
    return {"id": "r-1", "type": "vm", "started": started, "stopped": stopped, "account": "a-1", **fields}


def test_r24_a_usage_record_is_priced_at_its_at_and_a_resource_is_split_where_its_price_changes() -> None:
    rules = ruleset(
        "resource vm\n  kind  text\n\ntable vms by kind, per hour\n  | kind | price |\n  | a | $1 |\n"
        "  from 2026-03-01\n    | kind | price |\n    | a | $3 |\n\nprice vm\n  a: duration at vms.price\n"
    )
    charge = rules.rate(run("2026-02-28T22:00:00Z", "2026-03-01T04:30:00Z", kind="a"))
    assert [(line.quantity, line.amount) for line in charge.lines] == [(7200, 2), (16200, Decimal("13.5"))]


def test_r24_rounding_up_moves_the_end() -> None:
    rules = ruleset(
        "resource vm\n  kind  text\n\ntable vms by kind, per hour\n  | kind | price |\n  | a | $1 |\n"
        "  from 2026-03-01\n    | kind | price |\n    | a | $3 |\n\n"
        "price vm\n  a: duration in steps of 1 hour at vms.price\n"
    )
    assert rules.rate(run("2026-02-28T23:30:00Z", "2026-02-28T23:45:00Z", kind="a")).amount == 2  # half at 1, half at 3


def test_r25_what_is_charged_at_an_instant_belongs_to_the_period_of_that_instant() -> None:
    rules = ruleset("resource vm\n  kind  text\n\nprice vm\n  a: $1 every started hour\n    at most $2 each day\n")
    charge = rules.rate(run("2026-02-17T21:30:00Z", "2026-02-18T02:00:00Z", kind="a"))
    # 21:30, 22:30, 23:30 on one day; 00:30 and 01:30 on the next
    assert charge.amount == 4


@pytest.mark.parametrize(
    ("stopped", "hours"),
    [("10:00:00", 1), ("10:00:01", 1), ("10:59:59", 1), ("11:00:00", 1), ("11:00:01", 2), ("20:00:00", 10)],
)
def test_r26_started_hours_fall_at_the_start_and_every_hour_after(stopped: str, hours: int) -> None:
    rules = ruleset("resource vm\n  kind  text\n\nprice vm\n  a: $1 every started hour\n")
    charge = rules.rate(run("2026-02-17T10:00:00Z", f"2026-02-17T{stopped}Z", kind="a"))
    assert charge.amount == hours
    assert [line.quantity for line in charge.lines] == [hours]


def test_r26_each_started_hour_is_priced_then() -> None:
    rules = ruleset(
        "resource vm\n  kind  text\n\ntable vms\n  | price |\n  | $1 |\n  from 2026-03-01\n    | price |\n    | $3 |\n\n"
        "price vm\n  a: vms.price every started hour\n"
    )
    charge = rules.rate(run("2026-02-28T22:30:00Z", "2026-03-01T01:00:00Z", kind="a"))
    assert charge.amount == 1 + 1 + 3


def test_r27_per_gb_month_uses_the_length_of_that_calendar_month() -> None:
    rules = ruleset("resource vm\n  size  GB\n\nprice vm\n  a: size at $28 per GB-month\n")
    february = rules.rate(run("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", size=1))
    assert february.amount == 1
    both = rules.rate(run("2026-02-28T00:00:00Z", "2026-03-02T00:00:00Z", size=31))
    assert both.amount == 31 + 28
    fixed = ruleset("resource vm\n  size  GB\n\nprice vm\n  a: size at $73 per GB-month of 730 hours\n")
    assert fixed.rate(run("2026-02-01T00:00:00Z", "2026-02-01T10:00:00Z", size=1)).amount == 1


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-02-20T20:59:59Z", False),  # a Friday in winter: 21:59:59 in Berlin
        ("2026-02-20T21:00:00Z", True),
        ("2026-02-21T04:59:59Z", True),  # Saturday morning belongs to Friday's window
        ("2026-02-21T05:00:00Z", False),
        ("2026-02-22T04:00:00Z", False),  # Sunday morning: Saturday has no window
    ],
)
def test_r29_a_window_past_midnight_belongs_to_the_weekday_it_starts_on(at: str, inside: bool) -> None:
    rules = ruleset(
        "hours night, Europe/Berlin\n  Monday to Friday  22:00 to 06:00\n\n"
        + CALL
        + "price call\n  a: requests at $1 per request\n    less 50% during night\n"
    )
    assert cost(rules, at=at, duration=1) == (Decimal("0.5") if inside else 1)


def test_r40_the_same_id_with_the_same_content_counts_once() -> None:
    rules = ruleset(CALL + "price call\n  a: duration at $1 per second\n")
    records = [
        record(duration=5),
        record(duration="5.0"),
        record(duration=6),
        record(id="r-2", duration=7),
    ]
    assert amounts(rules, records) == ["5", "duplicate", "id-conflict", "7"]
    assert refused(rules, duration=-1) == "negative"


def test_r45_characters_are_counted_from_a_text_after_nfc() -> None:
    rules = ruleset("usage call\n  n  characters of input\n\nprice call\n  a: n at $1 per character\n")
    assert cost(rules, input="你好, a!") == 6
    assert cost(rules, input="e\u0301") == 1  # one letter with its accent
    assert cost(rules, n=12) == 12
    without = ruleset("usage call\n  n  characters of input without spaces\n\nprice call\n  a: n at $1 per character\n")
    assert cost(without, input="你好, a!") == 5


def test_r48_a_layers_row_that_names_any_key_means_the_whole_row() -> None:
    rules = ruleset(
        "usage call\n  model  text\n  in  tokens\n\ntable m by model, per token\n  | model | input | cached |\n"
        "  | a, b | $4 | 50% of input |\n  from 2026-03-01\n    | model | input |\n    | b | $10 |\n\n"
        "price call\n  x: in at m.cached\n"
    )
    assert cost(rules, model="a", **{"in": 1}) == 2
    assert cost(rules, at="2026-03-01T00:00:00Z", model="a", **{"in": 1}) == 5


def test_r17_months_are_added_with_the_day_kept() -> None:
    rules = ruleset("resource vm\n  kind  text\n\nprice vm\n  a: $1 every started month\n")
    charge = rules.rate(run("2026-01-31T10:00:00Z", "2026-03-31T10:00:00Z", kind="a"))
    assert charge.amount == 2  # 31 January and 28 February; a stop on the third starts none
    later = rules.rate(run("2026-01-31T10:00:00Z", "2026-03-31T10:00:01Z", kind="a"))
    assert later.amount == 3

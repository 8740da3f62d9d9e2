"""What once made it lie: each case was found by somebody who tried, with the amount it came to and the one it must."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import pricelang

HEAD = """ruleset acme "Acme"
  currency USD
  allow endless-decimals "amounts are compared exactly here"
  allow tier-cliff "amounts are compared exactly here"

hours night
  every day  22:00 to 06:00

hours late
  every day  23:00 to 24:00

"""


def rules(body: str, files: dict[str, str] | None = None) -> pricelang.Ruleset:
    return pricelang.load_text(HEAD + body, "acme.price", files)


def slugs(body: str, files: dict[str, str] | None = None) -> set[str]:
    with pytest.raises(pricelang.RulesetError) as error:
        rules(body, files)
    return {one.slug for one in error.value.findings if one.is_error}


def run(started: str = "2026-02-17T21:30:00Z", stopped: str = "2026-02-17T23:30:00Z", **fields: Any) -> dict[str, Any]:
    return {"id": "r-1", "type": "vm", "account": "a", "started": started, "stopped": stopped, **fields}


def call(id: str = "r-1", at: str = "2026-02-17T10:00:00Z", account: str = "a", **fields: Any) -> dict[str, Any]:
    return {"id": id, "type": "call", "account": account, "at": at, **fields}


VM = "resource vm\n  size  GB, default 10\n\nprice vm\n"
CALL = "usage call\n  n  tokens, default 0\n  kind  text, optional\n\n"


@pytest.mark.parametrize(
    ("step", "amount"),
    [
        ("at graduated\n    up to 1 hour: $10 per hour\n    above 1 hour: $1 per hour", "8"),  # not each piece anew
        ("at volume\n    up to 1 hour: $10 per hour\n    above 1 hour: $1 per hour", "1.25"),
        ("at $1 per hour", "1.25"),
    ],
)
def test_tiers_of_a_run_go_on_where_it_is_cut(step: str, amount: str) -> None:
    charge = rules(f"{VM}  t: duration {step}\n    less 50% during night\n").rate(run())
    assert charge.amount == Decimal(amount)


def test_what_is_taken_off_a_size_is_taken_off_every_piece() -> None:
    charge = rules(f"{VM}  t: size\n    less 5 GB\n    at $1 per GB-hour\n    less 50% during night\n").rate(run())
    assert charge.amount == Decimal("6.25")
    assert sum(line.quantity for line in charge.lines) == 10


@pytest.mark.parametrize(
    "lines",
    [
        "  t: duration\n    less 1 hour\n    at $1 per hour\n",
        "  t: duration\n    rounded to 1 hour, up\n    at $1 per hour\n",
        "  t: duration / 1 hour × $1\n",
        "  t: duration\n    at most 30 hours each month\n    at $1 per hour\n",
        "  t: size\n    at most 5 GB each day\n    at $1 per GB-hour\n",
        "  t: duration at $1 per hour\n    plus $5 during night\n",
        "  t: duration at $1 per hour\n  together\n    at most $5 each day\n",
        "  t: duration at $1 per hour\n  together\n    less 50% during night\n",
    ],
)
def test_what_cannot_be_told_of_a_run_is_refused(lines: str) -> None:
    assert slugs(VM + lines) == {"step-order"}


def test_a_price_of_a_resource_may_not_depend_on_the_time() -> None:
    body = VM.replace(
        "price vm\n", "price vm from 2026-02-18\n  t: duration at $1 per hour\n\nprice vm until 2026-02-17\n"
    )
    assert slugs(body + "  t: duration at $2 per hour\n") == {"step-order"}


def test_cases_of_one_line_keep_to_one_time() -> None:
    lines = "  c: size at\n    when size above 50 GB: $1 per GB-hour\n    otherwise: $2 per GB-month\n"
    assert slugs(VM + lines) == {"unit-mix"}


def test_bands_of_a_size_are_of_size_by_time() -> None:
    lines = "  c: size at graduated each month\n    up to 5 GB-months: free\n    above 5 GB-months: $1 per GB-month\n"
    whole = run("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", size=7)
    assert rules(VM + lines).rate(whole).amount == 2


@pytest.mark.parametrize(
    "line",
    [
        "x: unlimited",
        "x: n at unlimited",
        "x: n at $1 per token\n    plus unlimited",
        "x: n at $1 per token\n    at least unlimited",
    ],
)
def test_unlimited_is_no_amount(line: str) -> None:
    assert slugs(f"{CALL}price call\n  {line}\n") == {"out-of-place"}


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        ("x: (1 + p) × $1", "unit-mix"),
        ("x: n at $1 per token\n    less k", "bare-rate"),
        ("x: 10% of a + a", "syntax"),
        ("x: n in steps of 1 token × k at $1 per token", "syntax"),
    ],
)
def test_what_reads_in_two_ways_is_refused(line: str, slug: str) -> None:
    fields = "usage call\n  n  tokens\n  p  percent\n  k  number\n  a  USD\n\n"
    assert slug in slugs(f"{fields}price call\n  {line}\n")


def test_a_quantity_is_never_less_than_nothing() -> None:
    body = "unit metre\n\nusage call\n  n  metres\n\nprice call\n  far: n - 200 metres in packages of 100 metres at $0.20 per package\n"
    assert [rules(body).rate(call(n=n)).amount for n in (0, 200, 201)] == [0, 0, Decimal("0.2")]


def test_a_band_column_is_read_in_its_own_unit() -> None:
    body = (
        "usage call\n  time  seconds\n\ntable t by time, per minute\n  | Time (minutes) | Price |\n  | up to 100 | $1 |\n"
        "  | above 100 | $0.5 |\n\nprice call\n  x: time at graduated t.price\n"
    )
    assert rules(body).rate(call(time=6600)).amount == 105


@pytest.mark.parametrize("figure", ["$0,075", "$1,5", "$12,34,567"])
def test_a_decimal_comma_is_never_a_thousand(figure: str) -> None:
    assert slugs(f"{CALL}price call\n  x: n at {figure} per token\n") == {"syntax"}


def test_a_comma_in_a_file_cut_at_semicolons_is_refused() -> None:
    body = 'usage call\n  model  text\n\ntable t by model, from "t.csv"\n\nprice call\n  x: t.price\n'
    assert slugs(body, {"t.csv": "model;price\na;$1,500\n"}) == {"bad-cell"}


def test_true_ups_have_ids_of_their_own() -> None:
    body = "usage other\n  n  tokens\n\n" + CALL
    body += "".join(
        f"price {name}\n  x: n at $1 per token\n    at least $50 each month\n\n" for name in ("call", "other")
    )
    records = [call(n=1), {**call("r-2", n=2), "type": "other"}]
    charges = list(rules(body).rate_stream(records))
    assert {(one.id, one.amount) for one in charges[2:]} == {("a/2026-02/call.x", 49), ("a/2026-02/other.x", 48)}


def test_units_are_kept_from_an_accounts_first_record_on() -> None:
    body = (
        CALL
        + "allowance free\n  10 tokens every month\n  unused kept 1 month\n\nprice call\n  x: n beyond free at $1 per token\n"
    )
    records = [call("a", "2026-01-10T00:00:00Z", n=0), call("b", "2026-02-10T00:00:00Z", n=20)]
    assert [one.amount for one in rules(body).rate_stream(records)] == [0, 0]


def test_counts_of_two_files_never_mix() -> None:
    line = "  x: n at graduated each month\n    up to 5: free\n    above 5: $1 per token\n"
    base = HEAD + CALL.replace("text, optional", "one of p or q") + f"price call when kind is p\n{line}"
    number = base[: base.index("price call")].count("\n")
    top = 'ruleset top based on "base.price"\n' + "\n" * (number - 1) + f"price call when kind is q\n{line}"
    made = pricelang.load_text(top, "top.price", {"base.price": base})
    records = [call("1", n=5, kind="p"), call("2", n=5, kind="q")]
    assert [one.amount for one in made.rate_stream(records)] == [0, 0]


def test_only_a_charge_uses_up_an_id() -> None:
    body = (
        "usage call\n  model  text\n\ntable m by model\n  | model | price |\n  | a | $1 |\n\nprice call\n  x: m.price\n"
    )
    records = [call(model="b"), call(model="a"), call(model="a"), call(model="b")]
    codes = [
        one.code if isinstance(one, pricelang.Rejection) else one.amount for one in rules(body).rate_stream(records)
    ]
    assert codes == ["no-row", 1, "duplicate", "id-conflict"]


def test_a_cap_can_be_each_records_own() -> None:
    made = rules(VM + "  t: $1 every started hour\n    at most $5 each month for each id\n")
    records = [{**run("2026-02-01T00:00:00Z", "2026-02-05T00:00:00Z"), "id": id} for id in ("x", "y")]
    assert [one.amount for one in made.rate_stream(records)] == [5, 5]


def test_a_plain_number_feeds_as_a_plain_number() -> None:
    body = "usage call\n  width  number\n\nprice call\n  w: width / 512\n    rounded to 1, up\n  z: w × $2\n"
    assert rules(body).rate(call(width=1000)).amount == 4


def test_an_attribute_is_checked_however_it_is_sent() -> None:
    body = "account\n  off  percent\n\n" + CALL + "price call\n  x: n at $1 per token\n    less account.off\n"
    made = rules(body)
    for off in (20, "20", Decimal(20), Fraction(20)):
        assert made.rate(call(n=10), account={"off": off}).amount == 8
    with pytest.raises(pricelang.RecordError):
        made.rate(call(n=10), account={"off": Fraction(-5)})


def test_parts_of_parts_do_not_keep_the_checker_busy() -> None:
    fields = "".join(f"  f{n}  tokens, part of f{n - 1} and f{n - 2}, default 0\n" for n in range(2, 60))
    body = f"usage call\n  f0  tokens\n  f1  tokens, part of f0, default 0\n{fields}\nprice call\n  x: f0 at $1 per token\n"
    before = time.process_time()
    rules(body)
    assert time.process_time() - before < 5


def test_a_run_of_many_pieces_is_refused_in_time() -> None:
    made = rules(VM + "  t: $1 every started hour\n    less 50% during night\n")
    before = time.process_time()
    with pytest.raises(pricelang.RecordError) as error:
        made.rate(run("0001-01-01T00:00:00Z", "9000-01-01T00:00:00Z"))
    assert error.value.code == "too-many-instants"
    assert time.process_time() - before < 5

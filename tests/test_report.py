"""Reports: exact figures on small ledgers, sums that are the sums of their postings, every posting on one invoice."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import pricelang
from pricelang.account.replies import posting_of
from pricelang.cli.main import commands
from pricelang.period import parse_instant
from pricelang.report.balance import balance
from pricelang.report.balance import funds
from pricelang.report.balance import postings
from pricelang.report.balance import summary
from pricelang.report.balance import transactions
from pricelang.report.charges import read_charges
from pricelang.report.contents import Contents
from pricelang.report.groups import grouped
from pricelang.report.groups import usage
from pricelang.report.invoice import Invoice
from pricelang.report.invoice import invoice
from pricelang.report.invoice import invoices
from pricelang.report.journal import Journal
from pricelang.report.journal import read_all
from pricelang.report.journal import read_ledger
from pricelang.report.rows import ReportError
from pricelang.report.rows import Row
from pricelang.report.rows import signed
from pricelang.report.rows import total
from pricelang.report.spend import daily
from pricelang.report.spend import projection
from pricelang.report.spend import records
from pricelang.report.spend import spend
from pricelang.report.spend import top
from pricelang.report.tokens import tokens

RULES = """\
ruleset shop "Shop"
  currency USD
  timezone UTC
  bill every month
  show to $0.0001

usage chat "Chat"
  model          text
  agent          text, optional
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens

usage batch "Batches"
  tokens  tokens

resource gpu "GPUs"
  size  text, may change

resource disk "Disks"
  space  GB, may change

table models by model, per 1M tokens
  | model | input | cached | output |
  |-------|-------|--------|--------|
  | small | $1    | $0.50  | $2     |
  | large | $10   | $5     | $20    |

table gpus by size
  | size | hourly |
  |------|--------|
  | S    | $0.60  |
  | L    | $3.50  |

account
  plan  one of plans

table plans by plan
  | plan | fee |
  |------|-----|
  | Free | $0  |
  | Pro  | $31 |

price chat
  input:   rest of input_tokens at models.input
  cached:  cached_tokens at models.cached
  output:  output_tokens at models.output

price batch
  tokens:  tokens at graduated each month
    up to 1M: $1 per 1M tokens
    above 1M: $3 per 1M tokens

price gpu
  hours:  gpus.hourly every started hour

price disk
  space:  space at $0.73 per GB-month

price account
  plan:  plans.fee every month in advance, prorated by day

price bill
  together
    plus 20% "VAT"

funds
  pay for chat and gpu
  spend promotional first, then oldest

topup "Add funds"
  | pay         | bonus |
  |-------------|-------|
  | any from $5 | 10%   |

grant trial $2 on signup, expires after 30 days
"""

WITH_MINIMUM = """\
ruleset least
  currency USD
  timezone Europe/Berlin
  bill every month from signup

usage call
  calls  requests

price call
  calls:  requests at $1 per request
    at least $10 each month
"""


@cache
def rules(text: str = RULES) -> pricelang.Ruleset:
    return pricelang.load_text(text)


class Story:
    """A ledger in memory, and events for it with as few words as can be."""

    def __init__(self, text: str = RULES, url: str = "memory://") -> None:
        self.rules = rules(text)
        self.ledger = pricelang.Ledger.open(url, self.rules)
        self.count = 0

    def __call__(self, at: str, type: str, **words: Any) -> pricelang.Outcome:
        self.count += 1
        at = at if "T" in at else f"{at.replace(' ', 'T')}:00Z"
        times = {} if "started" in words else {"at": at}
        outcome = self.ledger.apply(
            {"id": f"e{self.count}", "account": "acme", **times, "type": type, **words}  # words come last
        )
        assert outcome.decision != "rejected", outcome.message
        return outcome

    def chat(self, at: str, model: str = "small", input: int = 1_000_000, output: int = 0, **more: Any) -> str:
        return str(self(at, "chat", model=model, input_tokens=input, output_tokens=output, **more).id)

    def journal(self, now: str | None = None, account: str = "acme") -> Journal:
        return read_ledger(self.ledger, account, parse_instant(now) if now is not None else None)

    @property
    def contents(self) -> Contents:
        return Contents(self.rules.program)


@pytest.fixture
def story() -> Iterator[Story]:
    made = Story()
    made("2026-02-01 00:00", "signup", plan="Free")
    yield made
    made.ledger.close()


def by(story: Story, *names: str, rows: list[Row] | None = None, zone: str = "UTC") -> dict[Any, str]:
    """Amounts by what they are grouped by."""
    found = grouped(rows if rows is not None else story.journal().rows, names, story.contents, zone)
    return {key if len(key) > 1 else key[0]: str(one.amount) for key, one in found}


def quantities(story: Story, *names: str) -> dict[Any, dict[str, int]]:
    found = grouped(story.journal().rows, names, story.contents, "UTC")
    return {key[0]: {name: int(value) for name, value in one.quantities.items()} for key, one in found}


def lines(one: Invoice) -> list[tuple[str, str, str, str | None, str]]:
    """An invoice's lines: section, label, name, quantity, amount."""
    return [
        (
            line.section,
            line.label,
            line.name,
            str(line.quantity) if line.quantity is not None else None,
            str(line.amount),
        )
        for line in one.lines
    ]


# --- usage by anything --------------------------------------------------------------------------------------------------


def test_usage_by_fields_and_by_days(story: Story) -> None:
    story.chat("2026-02-03 10:00", agent="Sales", output=500_000)
    story.chat("2026-02-03 11:00", "large", 2_000_000, agent="Help", cached_tokens=1_000_000)
    story.chat("2026-02-04 09:00")
    assert by(story, "model") == {"large": "15", "small": "3"}
    assert by(story, "agent") == {"Help": "15", "Sales": "2", None: "1"}
    assert by(story, "day", "model") == {
        ("2026-02-03", "large"): "15",
        ("2026-02-03", "small"): "2",
        ("2026-02-04", "small"): "1",
    }
    assert by(story, "week") == {"2026-W06": "18"}
    assert by(story, "hour") == {"2026-02-03T10": "2", "2026-02-03T11": "15", "2026-02-04T09": "1"}
    assert quantities(story, "model")["large"] == {
        "input_tokens": 2_000_000,
        "output_tokens": 0,
        "cached_tokens": 1_000_000,
    }


def test_usage_between_two_days_has_both_of_them(story: Story) -> None:
    for at in ("2026-02-03 23:59", "2026-02-04 00:00", "2026-02-05 23:59", "2026-02-06 00:00"):
        story.chat(at)
    found = usage(story.journal().rows, story.contents, ["day"], "2026-02-04", "2026-02-05")
    assert found["groups"] == [
        {
            "day": day,
            "count": "1",
            "quantities": {"input_tokens": "1000000", "output_tokens": "0", "cached_tokens": "0"},
            "amount": "1",
        }
        for day in ("2026-02-04", "2026-02-05")
    ]
    assert found["total"]["amount"] == "2"  # type: ignore[index]
    with pytest.raises(ReportError, match="lies before"):
        usage([], story.contents, [], "2026-02-05", "2026-02-04")
    with pytest.raises(ReportError, match="does not exist"):
        usage([], story.contents, [], "2026-02-30", None)


def test_usage_that_costs_nothing_is_used_all_the_same(story: Story) -> None:
    story.chat("2026-02-03 10:00", input=0)
    story("2026-02-03 11:00", "chat", model="large", input_tokens=0, output_tokens=0)
    found = usage(story.journal().rows, story.contents, ["model"])
    assert [(one["model"], one["count"], one["amount"]) for one in found["groups"]] == [  # type: ignore[attr-defined]
        ("large", "1", "0"),
        ("small", "1", "0"),
    ]


def test_what_nothing_can_be_grouped_by_is_said(story: Story) -> None:
    with pytest.raises(ReportError, match='did you mean "model"'):
        by(story, "modell")
    with pytest.raises(ReportError, match="input_tokens is a quantity"):
        by(story, "input_tokens")


def test_the_same_word_for_two_units_is_not_added_up() -> None:
    program = rules(
        "ruleset two\n  currency USD\n\nusage a\n  length  minutes\n\nusage b\n  length  seconds\n\n"
        "price a\n  x:  length at $1 per minute\n\nprice b\n  x:  length at $1 per second\n"
    ).program
    contents = Contents(program)
    assert contents.read("a", {"length": 2})[1] == {"a.length": 2}
    assert contents.read("b", {"length": "0.5"})[1] == {"b.length": Fraction(1, 2)}


def test_days_of_a_zone_where_the_clock_changes(story: Story) -> None:
    # in Berlin 29 March has 23 hours; 22:30 UTC is already the 30th there
    for at in ("2026-03-28 23:30", "2026-03-29 21:30", "2026-03-29 22:30"):
        story.chat(at)
    rows = [row for row in story.journal().rows if row.type == "chat"]
    assert by(story, "day", rows=rows, zone="Europe/Berlin") == {"2026-03-29": "2", "2026-03-30": "1"}
    found = daily(
        rows, story.contents, parse_instant("2026-03-30T10:00:00Z"), "2026-03-28", "2026-03-30", "Europe/Berlin"
    )
    assert [(one["date"], one["cost"]) for one in found["daily"]] == [  # type: ignore[attr-defined]
        ("2026-03-28", "0"),
        ("2026-03-29", "2"),
        ("2026-03-30", "1"),
    ]


# --- what changes charges afterwards --------------------------------------------------------------------------------------


def test_a_late_record_raises_the_groups_of_those_it_moves_up(story: Story) -> None:
    story("2026-02-10 00:00", "batch", id="b-2", tokens=1_000_000)
    story("2026-02-05 00:00", "batch", id="b-1", tokens=1_000_000)
    assert by(story, "id", rows=[row for row in story.journal().rows if row.type == "batch"]) == {
        "b-2": "3",
        "b-1": "1",
    }
    assert by(story, "day", "kind", rows=[row for row in story.journal().rows if row.type == "batch"]) == {
        ("2026-02-05", "charge"): "1",
        ("2026-02-10", "difference"): "2",
        ("2026-02-10", "charge"): "1",
    }


def test_a_correction_takes_from_one_model_and_gives_to_another(story: Story) -> None:
    id = story.chat("2026-02-03 10:00", "large", 1_000_000, agent="Help")
    story("2026-02-05 10:00", "correct", of=id, usage={
        "type": "chat", "at": "2026-02-03T10:00:00Z", "model": "small", "input_tokens": 500_000, "output_tokens": 0,
    })  # fmt: skip
    assert by(story, "model") == {"small": "1/2", "large": "0"}
    assert by(story, "day") == {"2026-02-03": "1/2"}
    assert quantities(story, "model") == {
        "small": {"input_tokens": 500_000, "output_tokens": 0, "cached_tokens": 0},
        "large": {"input_tokens": 0, "output_tokens": 0, "cached_tokens": 0},
    }
    assert [(row.kind, row.count) for row in story.journal().rows] == [
        ("charge", 1),
        ("correction", -1),
        ("correction", 1),
    ]
    story("2026-02-06 10:00", "correct", of=id)
    assert by(story, "model") == {"small": "0", "large": "0"}
    assert sum(row.count for row in story.journal().rows) == 0
    # on the invoice nothing is left of it
    assert lines(invoice(story.journal())) == []


def test_a_correction_takes_back_what_a_late_record_had_added(story: Story) -> None:
    story("2026-02-10 00:00", "batch", id="b-2", tokens=1_000_000)
    story("2026-02-05 00:00", "batch", id="b-1", tokens=1_000_000)
    story("2026-02-12 00:00", "correct", of="b-2")
    told = [(row.id, row.kind, str(row.amount)) for row in story.journal().rows]
    assert told == [
        ("b-2", "charge", "1"),
        ("b-2", "difference", "2"),
        ("b-1", "charge", "1"),
        ("b-2", "correction", "-3"),
    ]
    assert by(story, "type") == {"batch": "1"}


def test_a_refund_lowers_the_day_and_the_model_of_its_charge(story: Story) -> None:
    id = story.chat("2026-02-03 10:00", "large", 100_000, agent="Help")
    story.chat("2026-02-04 10:00")
    story("2026-02-09 10:00", "refund", of=id, amount="0.25")
    assert by(story, "day") == {"2026-02-03": "3/4", "2026-02-04": "1"}
    assert by(story, "agent") == {None: "1", "Help": "3/4"}
    assert [one["amount"] for one in top(story.journal().rows, story.contents)["records"]] == ["1", "0.75"]  # type: ignore[attr-defined]


def test_settled_usage_stands_at_the_instant_it_was_authorized(story: Story) -> None:
    story(
        "2026-02-03 23:59",
        "authorize",
        id="h-1",
        usage={"type": "chat", "model": "small", "input_tokens": 1_500_000, "output_tokens": 0},
    )
    assert funds(story.journal()).reserved == Fraction(3, 2)
    story(
        "2026-02-04 00:01",
        "settle",
        hold="h-1",
        usage={"type": "chat", "model": "small", "input_tokens": 1_000_000, "output_tokens": 0},
    )
    assert by(story, "day", "model", "id") == {("2026-02-03", "small", "h-1"): "1"}
    assert funds(story.journal()).reserved == 0
    assert funds(story.journal("2026-02-04T00:00:00Z")).reserved == Fraction(3, 2)


def test_what_runs_has_the_fields_it_had_when_it_was_charged(story: Story) -> None:
    story("2026-02-03 09:00", "topup", amount=100)
    story("2026-02-03 10:00", "start", resource="gpu", resource_id="g-1", size="S")
    story("2026-02-03 12:30", "change", resource_id="g-1", size="L")
    story("2026-02-03 13:40", "stop", resource_id="g-1")
    # S from 10, 11 and 12; L from 12:30 and 13:30
    assert by(story, "size") == {"L": "7", "S": "9/5"}
    assert quantities(story, "size") == {"L": {"hours": 2}, "S": {"hours": 3}}
    assert lines(invoice(story.journal())) == [
        ("usage", "L", "hours", "2", "7"),
        ("usage", "S", "hours", "3", "9/5"),
    ]


def test_a_closed_run_counts_the_hours_that_were_billed(story: Story) -> None:
    story("2026-02-03 11:30", "gpu", started="2026-02-03T10:00:00Z", stopped="2026-02-03T11:30:00Z", size="S")
    assert quantities(story, "size") == {"S": {"hours": 2}}
    assert by(story, "size") == {"S": "6/5"}


def test_a_run_whose_start_or_stop_is_told_late_has_the_hours_it_ran(story: Story) -> None:
    story.chat("2026-02-28 20:00", input=0)
    story("2026-02-28 17:30", "start", resource="gpu", resource_id="g-1", size="S")
    assert quantities(story, "size")["S"] == {"hours": 3}
    story("2026-03-01 02:00", "clock")
    story("2026-02-28 22:00", "stop", resource_id="g-1")
    # from 17:30 to 22:00 five hours begin; the four after that are given back, on the bill that is open
    assert quantities(story, "size")["S"] == {"hours": 5}
    assert by(story, "size")["S"] == "3"
    february, march = invoices(story.journal())
    hours = [
        (line.section, line.quantity, line.amount)
        for one in (february, march)
        for line in one.lines
        if line.type == "gpu"
    ]
    assert hours == [
        ("usage", 7, Fraction("4.2")),
        ("usage", 2, Fraction("1.2")),
        ("earlier periods", -4, Fraction("-2.4")),
    ]
    story("2026-03-01 03:00", "refund", of="g-1", amount="0.5")
    assert by(story, "size")["S"] == "5/2"


def test_what_is_charged_by_time_tells_how_long_it_ran(story: Story) -> None:
    story("2026-02-03 10:00", "start", resource="disk", resource_id="d-1", space=672)
    story("2026-02-03 11:30", "change", resource_id="d-1", space=1344)
    story("2026-02-03 12:00", "stop", resource_id="d-1")
    rows = [row for row in story.journal().rows if row.type == "disk"]
    assert sum(row.quantities["hours"] for row in rows) == 2
    # February has 672 hours: 672 GB cost $0.73 an hour
    assert total(rows) == Fraction("0.73") * 2 + Fraction("0.73") / 2


# --- spend and balance ------------------------------------------------------------------------------------------------------


def test_spend_to_date(story: Story) -> None:
    for at in (
        "2026-02-08 00:00",
        "2026-02-28 23:59",
        "2026-03-01 00:00",
        "2026-03-08 23:59",
        "2026-03-09 00:00",
        "2026-03-15 10:00",
    ):
        story.chat(at)
    found = {
        name: (one["from"], one["usage"])
        for name, one in spend(story.journal().rows, story.journal().now, "UTC").items()
    }  # type: ignore[index]
    assert found == {
        "today": ("2026-03-15", "1"),
        "last_7_days": ("2026-03-09", "2"),
        "last_14_days": ("2026-03-02", "3"),
        "last_30_days": ("2026-02-14", "5"),
        "month_to_date": ("2026-03-01", "4"),
        "previous_month": ("2026-02-01", "2"),
    }


def test_last_days_over_a_change_of_the_clock_are_days(story: Story) -> None:
    now = parse_instant("2026-04-01T08:00:00Z")
    assert spend([], now, "Europe/Berlin")["last_7_days"]["from"] == "2026-03-26"  # type: ignore[index]
    entries = daily([], story.contents, now, zone="Europe/Berlin")["daily"]
    days = [one["date"] for one in entries]  # type: ignore[attr-defined]
    assert (len(days), len(set(days)), days[0], days[-1]) == (30, 30, "2026-03-03", "2026-04-01")


def test_balance_and_its_parts(story: Story) -> None:
    story("2026-02-03 09:00", "topup", id="t-1", amount=10)
    story.chat("2026-02-03 10:00", input=2_500_000)
    story(
        "2026-02-03 11:00",
        "authorize",
        usage={"type": "chat", "model": "small", "input_tokens": 1_000_000, "output_tokens": 0},
    )
    found = balance(story.journal())
    assert {name: found[name] for name in ("balance", "paid", "promotional", "reserved", "owed")} == {
        "balance": "9.5",
        "paid": "10",
        "promotional": "0.5",
        "reserved": "1",
        "owed": "0",
    }
    assert found["lots"] == [
        {"id": "bonus/t-1", "kind": "bonus", "left": "0.5", "expires": None},
        {"id": "paid/t-1", "kind": "paid", "left": "10", "expires": None},
    ]
    assert found["billing_period"]["next_billing_date"] == "2026-03-01"  # type: ignore[index]
    # before the charge the trial was there
    before = balance(story.journal("2026-02-03T09:30:00Z"))
    assert (before["balance"], before["promotional"]) == ("13", "3")
    assert before["lots"][0] == {"id": "grant/trial", "kind": "grant", "left": "2", "expires": "2026-03-03T00:00:00Z"}  # type: ignore[index]


def test_what_is_owed(story: Story) -> None:
    story.chat("2026-02-03 10:00", input=5_000_000)
    found = balance(story.journal())
    assert (found["balance"], found["owed"], found["lots"]) == ("-3", "3", [])


def test_a_later_instant_is_told_as_if_time_had_come_there_and_nothing_is_written(story: Story) -> None:
    story("2026-02-03 09:00", "topup", amount=100)
    story("2026-02-03 10:00", "start", resource="gpu", resource_id="g-1", size="S")
    before = story.ledger.history()
    later = story.journal("2026-03-05T10:30:00Z")
    # the trial is gone after 30 days, and the hours go on
    hours = 30 * 24 + 1
    in_february = 25 * 24 + 14
    assert by(story, "type", rows=later.rows) == {
        "gpu": str(Fraction("0.6") * hours),
        "bill": str(Fraction("0.12") * in_february),
    }
    assert (funds(later).promotional, funds(later).owed) == (0, Fraction("0.6") * hours - 112)
    assert story.journal().rows[-1].at == parse_instant("2026-02-03T10:00:00Z")
    assert len(story.ledger.history()) == len(before)


def test_projection_of_the_month(story: Story) -> None:
    story("2026-04-01 00:00", "set", plan="Pro")
    story.chat("2026-04-03 00:00", input=6_000_000)
    rows = story.journal().rows
    april = parse_instant("2026-04-07T00:00:00Z")
    # $6 of usage in six days of thirty is $30; the fee of $31 is not scaled
    assert projection(rows, april, "UTC") == 30 + 31
    # an account of three days: $6 in three days, twenty-four to go
    assert projection(rows, april, "UTC", parse_instant("2026-04-04T00:00:00Z")) == 6 + 48 + 31
    assert projection([], parse_instant("2026-04-01T00:00:00Z"), "UTC") == 0


def test_transactions_are_money_in_and_out_newest_first(story: Story) -> None:
    story("2026-02-03 09:00", "topup", id="t-1", amount=10)
    story.chat("2026-02-03 10:00")
    story("2026-02-04 09:00", "refund", id="r-1", of="t-1", amount=5)
    story("2026-03-09 09:00", "clock")
    found = transactions(story.journal().moves, "USD")
    told = [(one["at"][:10], one["kind"], one["of"], one["amount"], one["paid"]) for one in found["transactions"]]  # type: ignore[attr-defined]
    assert told == [
        ("2026-03-03", "expiry", "grant/trial", "-1", "0"),
        ("2026-02-04", "bonus", "t-1", "-0.5", "0"),
        ("2026-02-04", "refund", "t-1", "-5", "-5"),
        ("2026-02-03", "bonus", "t-1", "1", "0"),
        ("2026-02-03", "topup", "t-1", "10", "10"),
        ("2026-02-01", "grant", "grant/trial", "2", "0"),
    ]
    assert found["total"] == {"amount": "6.5", "paid": "5"}
    # and less what was charged
    assert Fraction(str(story.ledger.balance("acme"))) == Fraction("6.5") - 1


def test_a_late_payment_was_not_there_before_it_came(story: Story) -> None:
    story.chat("2026-02-05 10:00")
    story("2026-02-03 09:00", "topup", id="t-1", amount=10)
    story.chat("2026-02-06 10:00")
    assert [move.kind for move in story.journal("2026-02-04T00:00:00Z").moves] == ["grant"]
    assert [(move.kind, move.at) for move in story.journal("2026-02-05T10:00:00Z").moves][1] == (
        "topup",
        parse_instant("2026-02-03T09:00:00Z"),
    )


def test_what_was_paid_for_a_package_and_what_it_is_worth_are_told_apart() -> None:
    story = Story(
        "ruleset packs\n  currency USD\n\nusage chat\n  tokens  tokens\n\nprice chat\n  t:  tokens at $1 per 1M tokens\n\n"
        'funds\n  pay for chat\n\ntopup "Packs"\n  | pay | get |\n  |-----|-----|\n  | $10 | $9  |\n  | $20 | $22 |\n'
    )
    story("2026-02-03 09:00", "signup")
    story("2026-02-03 09:00", "topup", amount=10)
    story("2026-02-03 09:01", "topup", amount=20)
    moves = [(move.kind, move.amount, move.paid) for move in story.journal().moves]
    assert moves == [("topup", 9, 10), ("topup", 20, 20), ("bonus", 2, 0)]
    assert (story.journal().rows, funds(story.journal()).balance) == ([], 31)
    story.ledger.close()


# --- the shapes that usage APIs have --------------------------------------------------------------------------------------


def test_daily_entries_have_date_tokens_and_cost(story: Story) -> None:
    story.chat("2026-02-02 10:00", "small", 1_000, 500)
    found = daily(story.journal().rows, story.contents, story.journal().now, "2026-02-01", "2026-02-03")
    assert found["daily"] == [
        {"date": "2026-02-01", "count": "0", "total_tokens": "0", "cost": "0"},
        {"date": "2026-02-02", "count": "1", "total_tokens": "1500", "cost": "0.002"},
        {"date": "2026-02-03", "count": "0", "total_tokens": "0", "cost": "0"},
    ]
    assert found["total"] == {"count": "1", "total_tokens": "1500", "cost": "0.002"}


def test_the_balance_in_short(story: Story) -> None:
    story("2026-02-28 09:00", "topup", amount=100)
    story.chat("2026-02-28 10:00", agent="Old")
    story.chat("2026-03-03 10:00", agent="Sales", input=2_000_000)
    story.chat("2026-03-03 11:00", "large", agent="Help")
    story("2026-03-03 12:00", "batch", tokens=500_000)
    found = summary(story.journal(), by="agent")
    assert found == {
        "account": "acme",
        "period": "2026-03",
        "currency": "USD",
        "total_spent": "12.5",
        "balance": "98",
        "breakdown": {"chat": "12", "batch": "0.5"},
        "by_agent": [
            {"agent": "Help", "spent": "10"},
            {"agent": "Sales", "spent": "2"},
            {"agent": None, "spent": "0.5"},
        ],
    }
    with pytest.raises(ReportError, match="is no period"):
        summary(story.journal(), "fortnight")


def test_billing_records_have_the_fields_of_the_record_and_the_cost_as_shown(story: Story) -> None:
    id = story.chat("2026-03-05 10:30", "small", 150, 0, agent="Customer Support")
    found = records(story.journal().rows, story.contents, 1)["records"]
    assert found == [
        {
            "id": id,
            "type": "chat",
            "kind": "charge",
            "account": "acme",
            "model": "small",
            "agent": "Customer Support",
            "input_tokens": "150",
            "output_tokens": "0",
            "cached_tokens": "0",
            "cost": "0.0002",
            "amount": "0.00015",
            "timestamp": "2026-03-05T10:30:00Z",
        }
    ]


def test_tokens_by_month_and_of_all_time(story: Story) -> None:
    story.chat("2026-02-02 10:00", "small", 1_000, 500, cached_tokens=400)
    story.chat("2026-03-02 10:00", "small", 10, 5)
    story("2026-03-03 12:00", "batch", tokens=7)
    found = tokens(story.journal().rows, story.contents)
    assert found["periods"] == [
        {
            "period": "2026-02",
            "input_tokens": "1000",
            "output_tokens": "500",
            "cached_tokens": "400",
            "total_tokens": "1500",
            "cost": "0.0018",
        },
        {
            "period": "2026-03",
            "input_tokens": "17",
            "output_tokens": "5",
            "cached_tokens": "0",
            "total_tokens": "22",
            "cost": "0.000027",
        },
    ]
    assert found["all_time"]["total_tokens"] == "1522"  # type: ignore[index]


# --- invoices -------------------------------------------------------------------------------------------------------------


def test_an_invoice_adds_up(story: Story) -> None:
    story("2026-02-15 00:00", "subscribe", plan="Pro")
    story("2026-02-16 09:00", "topup", amount=5)
    story.chat("2026-02-16 10:00", input=3_000_000)
    story.chat("2026-02-16 11:00", "large", 100_000, 50_000)
    story("2026-02-17 10:00", "batch", tokens=2_000_000)
    story("2026-03-01 00:00", "clock")
    one = invoice(story.journal(), "2026-02")
    # half of February's 28 days on the plan; VAT on all of it, and all that funds did not pay is due
    assert lines(one) == [
        ("usage", "", "tokens", "2000000", "4"),
        ("usage", "small", "input", "3000000", "3"),
        ("usage", "large", "input", "100000", "1"),
        ("usage", "large", "output", "50000", "1"),
        ("fees", "", "plan", None, "31/2"),
        ("bill", "", "VAT", None, "49/10"),
    ]
    told = one.as_dict()
    assert (told["invoice"], told["closed"], told["from"], told["to"]) == (
        "2026-02",
        True,
        "2026-02-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
    )
    assert told["total"] == "29.4"
    assert told["paid_from_balance"] == {"paid": "2.5", "promotional": "2.5", "owed": "0", "total": "5"}
    assert told["due"] == "24.4"
    assert told["sections"] == {"usage": "9", "true-ups": "0", "fees": "15.5", "earlier periods": "0", "bill": "4.9"}


def test_what_comes_late_is_printed_on_the_next_invoice(story: Story) -> None:
    story("2026-02-10 00:00", "batch", id="b-2", tokens=1_000_000)
    story("2026-03-01 00:00", "clock")
    closed = invoice(story.journal(), "2026-02").as_dict()
    assert closed["total"] == "1.2"
    story("2026-02-05 00:00", "batch", id="b-1", tokens=1_000_000)  # the clock stands at midnight still
    story("2026-03-04 00:00", "batch", id="b-3", tokens=1_000_000)
    story("2026-04-01 00:00", "clock")
    assert invoice(story.journal(), "2026-02").as_dict() == closed
    march = invoice(story.journal(), "2026-03")
    late = [line for line in march.lines if line.section == "earlier periods"]
    assert {(line.period, line.kind, str(line.amount)) for line in late} == {
        ("2026-02", "charge", "1"),
        ("2026-02", "difference", "2"),
        ("2026-02", "bill", "3/5"),
    }
    assert march.total == 1 + 3 + Fraction(3, 5) + Fraction(1, 5)
    assert march.due == march.total


def test_a_minimum_is_a_true_up_and_what_lowers_it_later_comes_next() -> None:
    story = Story(WITH_MINIMUM)
    story("2026-01-31 12:00", "signup")
    story("2026-02-03 10:00", "call", calls=1)
    story("2026-03-02 10:00", "clock")
    # anchored at 31 January in Berlin: the first period is over with the 27th of February, local time
    first, second = invoices(story.journal())
    assert first.as_dict()["to"] == "2026-02-27T23:00:00Z"
    assert lines(first) == [("usage", "", "calls", "1", "1"), ("true-ups", "", "calls", None, "10")]
    assert lines(second) == [("true-ups", "", "calls", None, "9")]
    story("2026-02-20 10:00", "call", calls=1)
    assert lines(invoice(story.journal(), "2026-01-31")) == lines(first)
    # the call is of a period that is closed, February's minimum of the one at hand
    assert [(line.section, line.period, str(line.amount)) for line in invoice(story.journal(), "2026-02-28").lines] == [
        ("true-ups", "", "8"),
        ("earlier periods", "2026-01-31", "1"),
    ]
    story.ledger.close()


def test_an_invoice_without_charges_and_a_period_that_is_none(story: Story) -> None:
    empty = invoice(story.journal())
    assert (empty.name, empty.lines, empty.total, empty.due, empty.closed) == ("2026-02", [], 0, 0, False)
    with pytest.raises(ReportError, match="no billing period"):
        invoice(story.journal(), "2026-01")


def test_an_empty_ledger() -> None:
    ledger = pricelang.Ledger.open("memory://", rules())
    assert read_all(ledger) == []
    with pytest.raises(ReportError, match='no account "acme"; there are none'):
        read_ledger(ledger, "acme")
    contents = Contents(rules().program)
    assert usage([], contents, ["model"])["groups"] == []
    assert top([], contents)["records"] == []
    assert tokens([], contents)["periods"] == []


def test_a_time_before_signup_is_refused(story: Story) -> None:
    with pytest.raises(ReportError, match="signed up"):
        story.journal("2026-01-01T00:00:00Z")
    with pytest.raises(ReportError, match="five years"):
        story.journal("2036-01-01T00:00:00Z")


# --- whatever happens -----------------------------------------------------------------------------------------------------

START = datetime(2026, 1, 20, tzinfo=UTC)


@st.composite
def events(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events of one account over ten weeks: most in order, some late, some at the very ends of months."""
    found: list[dict[str, Any]] = []
    hours = 0
    kinds = (
        "chat",
        "batch",
        "batch",
        "topup",
        "start",
        "change",
        "stop",
        "correct",
        "refund",
        "subscribe",
        "authorize",
        "settle",
        "clock",
        "rerate",
    )
    for number in range(draw(st.integers(1, 22))):
        hours = draw(st.sampled_from([hours + 1, hours + 30, hours + 200, max(hours, 12 * 24), max(hours, 40 * 24)]))
        late = draw(st.sampled_from([0, 0, 0, 20, 300]))
        kind = draw(st.sampled_from(kinds))
        at = START + timedelta(hours=max(0, hours - late))
        found.append(
            {
                "id": f"e{number}",
                "account": "acme",
                "type": kind,
                "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                **_words(draw, kind, number),
            }
        )
    return found


def _words(draw: st.DrawFn, kind: str, number: int) -> dict[str, Any]:
    count = draw(st.integers(0, 3)) * 500_000
    model = draw(st.sampled_from(["small", "large"]))
    chat = {"model": model, "input_tokens": count, "output_tokens": 1000}
    of = f"e{draw(st.integers(0, max(0, number - 1)))}"
    match kind:
        case "chat":
            return chat
        case "batch":
            return {"tokens": count}
        case "topup":
            return {"amount": draw(st.sampled_from([5, 20]))}
        case "start":
            return {"resource": draw(st.sampled_from(["gpu", "disk"])), "resource_id": "r-1", "size": "S", "space": 100}
        case "change":
            return {"resource_id": "r-1", "size": draw(st.sampled_from(["S", "L"]))}
        case "stop":
            return {"resource_id": "r-1"}
        case "correct":
            other = draw(st.sampled_from([None, {"type": "chat", **chat}, {"type": "batch", "tokens": count}]))
            return {"of": of, **({"usage": other} if other is not None else {})}
        case "refund":
            return {"of": of, "amount": "0.25"}
        case "subscribe":
            return {"plan": draw(st.sampled_from(["Free", "Pro"]))}
        case "authorize":
            return {"usage": {"type": "chat", **chat}}
        case "settle":
            return {"hold": of, "usage": {"type": "chat", **chat}}
    return {}


def run(told: list[dict[str, Any]]) -> Iterator[pricelang.Ledger]:
    """The ledger after each event that was taken."""
    ledger = pricelang.Ledger.open("memory://", rules())
    ledger.apply(
        {"id": "s", "type": "signup", "account": "acme", "at": START.strftime("%Y-%m-%dT%H:%M:%SZ"), "plan": "Free"}
    )
    for event in told:
        if event["type"] == "start":
            event = {
                key: value for key, value in event.items() if key != ("space" if event["resource"] == "gpu" else "size")
            }
        if ledger.apply(event).decision != "rejected":
            yield ledger
    ledger.close()


def journal_postings(ledger: pricelang.Ledger) -> Counter[Any]:
    return Counter(posting_of(one) for entry in ledger.history("acme") for one in entry.outcome["postings"])  # type: ignore[attr-defined]


@settings(max_examples=80)
@given(
    events(),
    st.lists(
        st.sampled_from(["model", "day", "week", "month", "hour", "type", "kind", "agent", "size", "id"]),
        min_size=1,
        max_size=3,
        unique=True,
    ),
)
def test_groups_add_up_to_the_postings_and_every_posting_is_told_once(
    told: list[dict[str, Any]], names: list[str]
) -> None:
    contents = Contents(rules().program)
    for number, ledger in enumerate(run(told), start=1):
        if number % 8 and number != len(told):
            continue
        journal = read_ledger(ledger, "acme")
        known = journal_postings(ledger)
        assert Counter(postings(journal)) == known
        charged = sum(
            (signed(one, book) * many for one, many in known.items() for book in ("revenue/", "fees/", "bill/")),
            Fraction(0),
        )
        groups = grouped(journal.rows, names, contents, "Europe/Berlin")
        assert sum((one.amount for _, one in groups), Fraction(0)) == total(journal.rows) == charged
        assert all(sum((part.amount for part in row.parts), Fraction(0)) == row.amount for row in journal.rows)
        state = ledger.state("acme")
        have = funds(journal)
        assert (have.balance, have.owed) == (Fraction(str(ledger.balance("acme"))), state.overdraft)
        assert have.paid == sum((lot.left for lot in state.lots if lot.kind == "paid"), Fraction(0))


@settings(max_examples=80)
@given(events())
def test_every_charge_is_on_one_invoice_and_a_closed_invoice_stays_as_it_is(told: list[dict[str, Any]]) -> None:
    closed: dict[str, dict[str, object]] = {}
    for ledger in run(told):
        journal = read_ledger(ledger, "acme")
        made = invoices(journal)
        printed = Counter(posting for one in made for row in one.rows for posting in row.postings)
        money = Counter(posting for move in journal.moves for posting in move.postings)
        assert printed + money == journal_postings(ledger)
        for one in made:
            assert one.total == sum((row.amount for row in one.rows), Fraction(0))
            assert one.total - one.paid_from_balance == one.due
        now = {one.name: one.as_dict() for one in made if one.closed}
        assert {name: now.get(name) for name in closed} == closed
        closed = now


# --- from charges -------------------------------------------------------------------------------------------------------------


def test_charges_and_records_come_to_the_same_as_a_ledger(story: Story) -> None:
    sent: list[dict[str, Any]] = [
        {
            "id": "c-1",
            "type": "chat",
            "at": "2026-02-03T10:00:00Z",
            "account": "acme",
            "model": "large",
            "input_tokens": 1000,
            "output_tokens": 50,
        },
        {"id": "c-2", "type": "batch", "at": "2026-02-03T11:00:00Z", "account": "acme", "tokens": 1_500_000},
        {
            "id": "c-3",
            "type": "chat",
            "at": "2026-02-04T10:00:00Z",
            "account": "acme",
            "model": "small",
            "input_tokens": 70,
            "output_tokens": 0,
        },
    ]
    for one in sent:
        assert story.ledger.apply(one).accepted
    charges = [json.loads(json.dumps(one.as_dict())) for one in rules().rate_stream(sent)]
    rows = read_charges(rules().program, charges, sent)
    assert usage(rows, story.contents, ["day", "model"]) == usage(
        story.journal().rows, story.contents, ["day", "model"]
    )
    assert by(story, "model", rows=read_charges(rules().program, charges)) == {None: str(total(rows))}
    with pytest.raises(ReportError, match='"c-3" has no record'):
        read_charges(rules().program, charges, sent[:2])
    with pytest.raises(ReportError, match="is there twice"):
        read_charges(rules().program, [*charges, charges[0]], sent)
    with pytest.raises(ReportError, match="charge 1 is no charge"):
        read_charges(rules().program, [{"id": "x"}], sent)


def test_a_true_up_has_no_record() -> None:
    sent = [{"id": "c-1", "type": "call", "at": "2026-02-03T10:00:00Z", "account": "acme", "calls": 1}]
    charges = [one.as_dict() for one in rules(WITH_MINIMUM).rate_stream(sent)]
    rows = read_charges(rules(WITH_MINIMUM).program, charges, sent)
    assert [(row.kind, row.label, row.amount, row.count) for row in rows] == [
        ("charge", "", 1, 1),
        ("true-up", "calls", 9, 0),
    ]


# --- the command ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rules, a ledger of two accounts, and charges with their records."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.price").write_text(RULES)
    with pricelang.Ledger.open(f"sqlite:///{folder}/ledger.db", pricelang.load(folder / "shop.price")) as ledger:
        for account in ("acme", "zeta"):
            ledger.apply(
                {
                    "id": f"{account}-1",
                    "type": "signup",
                    "at": "2026-02-01T00:00:00Z",
                    "account": account,
                    "plan": "Pro",
                }
            )
            ledger.apply(
                {
                    "id": f"{account}-2",
                    "type": "chat",
                    "at": "2026-02-02T10:00:00Z",
                    "account": account,
                    "model": "small",
                    "agent": "=SUM(A1)",
                    "input_tokens": 1_000_000,
                    "output_tokens": 0,
                }
            )
    record = {
        "id": "r-1",
        "type": "chat",
        "at": "2026-02-02T10:00:00Z",
        "account": "acme",
        "model": "small",
        "input_tokens": 1_000_000,
        "output_tokens": 0,
    }
    (folder / "usage.jsonl").write_text(json.dumps(record) + "\n")
    charge = rules().rate(record)
    (folder / "charges.jsonl").write_text(json.dumps(charge.as_dict()) + "\n")
    return folder


def call(folder: Path, kind: str, *words: str) -> Result:
    where = () if "--ledger" in words or "--charges" in words else ("--ledger", f"sqlite:///{folder}/ledger.db")
    return CliRunner().invoke(
        commands, ["report", kind, str(folder / "shop.price"), *where, *words], env={"NO_COLOR": "1"}
    )


def data(folder: Path, kind: str, *words: str) -> Any:
    result = call(folder, kind, *words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_command_reports_each_kind(shop: Path) -> None:
    assert data(shop, "usage", "--by", "account,type")["groups"][0] == {
        "account": "acme",
        "type": "fees",
        "count": "0",
        "quantities": {},
        "amount": "31",
    }
    assert data(shop, "usage", "--account", "acme")["total"]["amount"] == "32"
    assert (
        data(shop, "daily", "--from", "2026-02-01", "--to", "2026-02-02", "--account", "zeta")["daily"][1]["cost"]
        == "1"
    )
    assert len(data(shop, "daily")["daily"]) == 30
    assert data(shop, "tokens")["all_time"]["input_tokens"] == "2000000"
    assert data(shop, "top", "--most", "1")["records"][0]["id"] == "acme-2"
    assert [one["id"] for one in data(shop, "records", "--account", "acme", "--from", "2026-02-02")["records"]] == [
        "acme-2"
    ]
    assert data(shop, "summary", "--account", "acme", "--by", "agent")["by_agent"][1] == {
        "agent": "=SUM(A1)",
        "spent": "1",
    }
    assert data(shop, "balance", "--account", "acme")["balance"] == "1"
    assert [one["account"] for one in data(shop, "transactions")["transactions"]] == ["zeta", "acme"]
    assert data(shop, "invoice", "--account", "acme", "--period", "2026-02")["due"] == "31"
    assert data(shop, "balance", "--account", "acme", "--at", "2026-03-04T00:00:00Z")["balance"] == "0"


def test_the_command_writes_csv_that_is_no_formula(shop: Path) -> None:
    result = call(shop, "usage", "--by", "agent", "--format", "csv")
    assert list(csv.reader(io.StringIO(result.stdout))) == [
        ["agent", "count", "input_tokens", "output_tokens", "cached_tokens", "amount"],
        ["", "0", "", "", "", "62"],
        ["'=SUM(A1)", "2", "2000000", "0", "0", "2"],
    ]


def test_the_command_writes_tables_for_people(shop: Path) -> None:
    result = call(shop, "invoice", "--account", "acme")
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["section", "period", "kind", "type", "label", "name", "quantity", "unit", "amount"],
        ["usage", "charge", "chat", "small", "input", "1000000", "token", "1"],
        ["fees", "fee", "fees", "plan", "31"],
        ["total", "32"],
        ["paid", "from", "the", "balance", "1"],
        ["due", "31"],
    ]


def test_the_command_takes_charges_in_place_of_a_ledger(shop: Path) -> None:
    where = ("--charges", str(shop / "charges.jsonl"))
    with_usage = (*where, "--usage", str(shop / "usage.jsonl"))
    assert data(shop, "usage", "--by", "model", *with_usage)["groups"][0]["model"] == "small"
    assert data(shop, "usage", "--by", "model", *where)["groups"][0]["model"] is None
    assert data(shop, "daily", *with_usage)["daily"][-1] == {
        "date": "2026-02-02",
        "count": "1",
        "total_tokens": "1000000",
        "cost": "1",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("usage", "--by", "modle"), 'there is no field "modle"; did you mean "model"?'),
        (("usage", "--account", "acmee"), 'there is no account "acmee"; did you mean "acme"?'),
        (("balance",), "name one account with --account; there are: acme, zeta"),
        (("usage", "--ledger", "sqlite:///nowhere.db"), "nowhere.db does not exist"),
        (("usage", "--ledger", "memory://"), "a ledger in memory is gone"),
        (("usage", "--ledger", "mysql://x"), "is no kind of store"),
        (("usage", "--zone", "Mars/Base"), 'there is no time zone "Mars/Base"'),
        (("usage", "--from", "2026-13-01"), "does not exist"),
        (("usage", "--at", "yesterday"), "not a time"),
        (("balance", "--charges", "x.jsonl"), "balance needs a ledger"),
        (("usage", "--charges", "x.jsonl"), "x.jsonl does not exist"),
        (("invoice", "--account", "acme", "--period", "2025-01"), 'there is no billing period "2025-01"'),
        (("invoice", "--by", "model"), "--by has no use for invoice"),
        (("tokens", "--by", "model"), "--by takes one period here"),
        (("nothing",), "'nothing' is not one of"),
    ],
)
def test_what_is_not_there_is_said_and_ends_with_2(shop: Path, words: tuple[str, ...], said: str) -> None:
    result = call(shop, *words)
    assert said in result.stderr
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_ledger_of_other_rules_is_not_read_and_none_is_made(shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.price"
    other.write_text(WITH_MINIMUM)
    words = ["report", "usage", str(other), "--ledger", f"sqlite:///{shop}/ledger.db"]
    result = CliRunner().invoke(commands, words)
    assert result.exit_code == 2
    assert "this ledger was begun for the ruleset `shop`" in result.stderr
    result = CliRunner().invoke(commands, [*words[:-1], f"sqlite:///{tmp_path}/new.db"])
    assert (result.exit_code, (tmp_path / "new.db").exists()) == (2, False)

"""Explanations: their words for one thing each, held against texts, and the law that their parts add up exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

import pricelang
from reference.generate import Generator
from reference.generate import text
from reference.write import write

HERE = Path(__file__).parent
CHAT = {"type": "chat", "model": "large-1", "input_tokens": 1200, "cached_tokens": 200, "output_tokens": 500}
API = [
    {"id": "r-1", "type": "api", "at": "2026-02-03T10:00:00Z", "account": "a-1", "calls": 900},
    {"id": "r-2", "type": "api", "at": "2026-02-04T10:00:00Z", "account": "a-1", "calls": 1500},
    {"id": "r-3", "type": "api", "at": "2026-02-05T10:00:00Z", "account": "a-2", "calls": 100},
    {"id": "r-4", "type": "api", "at": "2026-02-06T10:00:00Z", "account": "a-1", "call": 1},
]
PICTURE = {"type": "picture", "images": 7}
ONE_BY_ONE: dict[str, dict[str, Any]] = {
    "offer_applied": {**CHAT, "at": "2026-03-31T23:59:59Z"},
    "offer_ended": {**CHAT, "at": "2026-04-01T00:00:00Z"},
    "batch": {**CHAT, "at": "2026-03-15T10:00:00Z", "service_tier": "batch"},
    "share_of_another_column": {**CHAT, "at": "2026-02-15T10:00:00Z", "model": "small-1"},
    "cap_reached": {"type": "call", "at": "2026-02-17T10:00:00Z", "region": "us", "duration": 300_000},
    "minimum_and_rounding": {"type": "call", "at": "2026-02-17T23:00:00Z", "duration": 37},
    "package": {"type": "document", "at": "2026-02-17T10:00:00Z", "pages": 250},
    "lines_that_feed": {**PICTURE, "at": "2026-02-17T10:00:00Z"},
    "price_change": {"type": "disk", "started": "2026-02-10T00:00:00Z", "stopped": "2026-03-02T12:00:00Z", "size": 100},
    "started_hours": {
        "type": "machine",
        "started": "2026-02-16T20:30:00Z",
        "stopped": "2026-02-17T02:15:00Z",
        "instance": "S",
    },
}


@cache
def acme() -> pricelang.Ruleset:
    return pricelang.load(HERE / "explain" / "acme.price")


def golden(name: str) -> str:
    return (HERE / "explain" / f"{name}.txt").read_text(encoding="utf-8")


def place(words: str, nth: int | None = None) -> str:
    """The file and line of the one line of the rules that begins so, or of the nth of them."""
    lines = (HERE / "explain" / "acme.price").read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if line.strip().startswith(words)]
    assert len(found) == 1 or nth is not None, words
    return f"acme.price:{found[nth or 0]}"


def explain_one(name: str) -> pricelang.Charge:
    return acme().explain({"id": "r-1", "account": "a-1", **ONE_BY_ONE[name]}, account={"plan": "Pro"})


def explain_api(name: str) -> pricelang.Charge | pricelang.Rejection | None:
    return acme().explain_stream(list(enumerate(API, 1)), name)


def explain_tensoras() -> pricelang.Charge:
    rules = pricelang.load(HERE.parent / "rulesets" / "tensoras")
    return rules.explain(
        {
            "id": "req-1",
            "type": "chat",
            "at": "2026-02-17T10:00:00Z",
            "account": "acme",
            "model": "llama-3.3-70b",
            "input_tokens": 1234,
            "output_tokens": 567,
        }
    )


# --- the texts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_charge_in_words(name: str) -> None:
    assert explain_one(name).explain() == golden(name)


def test_a_record_of_a_shipped_ruleset_in_words() -> None:
    assert explain_tensoras().explain() == golden("tensoras")


@pytest.mark.parametrize(
    ("name", "id"), [("counts_begin", "r-1"), ("counts_go_on", "r-2"), ("true_up", "a-1/2026-02/minimum")]
)
def test_a_charge_in_the_middle_of_a_stream_in_words(name: str, id: str) -> None:
    found = explain_api(id)
    assert found is not None
    assert found.explain() == golden(name)


def test_a_rejected_record_says_why() -> None:
    found = explain_api("r-4")
    assert isinstance(found, pricelang.Rejection)
    assert found.explain() == (
        'The record `r-4` in line 4 was not charged: api has no field "call"; did you mean "calls"?\n'
        "Code unknown-field, field `call`.\n"
    )


def test_a_record_that_is_not_there_is_none() -> None:
    assert explain_api("r-9") is None


def test_the_first_of_two_alike_is_told() -> None:
    found = acme().explain_stream([(1, API[0]), (2, API[0])], "r-1")
    assert isinstance(found, pricelang.Charge)


def test_lines_are_at_most_a_hundred_columns() -> None:
    for path in (HERE / "explain").glob("*.txt"):
        assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 100, path.name


def test_of_many_pieces_the_middle_ones_are_told_together() -> None:
    rules = pricelang.load_text(
        """
ruleset demo "Demo"
  currency USD
  timezone UTC
  bill every month

hours off_peak, UTC
  Monday to Friday  00:00 to 06:00, 22:00 to 24:00

resource disk
  size  GB

price disk
  space:  size at
    when during off_peak: $0.05 per GB-hour
    otherwise: $0.10 per GB-hour
""".lstrip()
    )
    charge = rules.explain(
        {
            "id": "r-1",
            "type": "disk",
            "account": "a-1",
            "size": 7,
            "started": "2025-01-01T00:00:00Z",
            "stopped": "2026-01-01T00:00:00Z",
        }
    )
    words = charge.explain()
    assert len(words.splitlines()) < 150
    assert "more steps, together" in words
    assert "7 GB × " not in words
    assert "6 hours × 7 GB = 42 GB-hours" in words
    add_up(rules.explain_data(charge))


def test_what_a_record_sent_cannot_break_the_page() -> None:
    record = {"id": "r\n1", "account": "a\x1b[31m", **ONE_BY_ONE["cap_reached"], "region": "us\n\ntotal $0"}
    words = acme().explain(record).explain()
    assert "\x1b" not in words
    assert "\ntotal $0" not in words


def test_a_charge_made_without_its_story_says_so() -> None:
    charge = acme().rate({"id": "r-1", "account": "a-1", **ONE_BY_ONE["package"]})
    with pytest.raises(ValueError, match="without its explanation"):
        charge.explain()
    with pytest.raises(ValueError, match="without its explanation"):
        acme().explain_data(charge)


def test_a_charge_with_its_story_is_the_same_charge() -> None:
    told = explain_one("cap_reached")
    record = {"id": "r-1", "account": "a-1", **ONE_BY_ONE["cap_reached"]}
    plain = acme().rate(record, account={"plan": "Pro"})
    assert told == plain
    assert told.as_dict() == plain.as_dict()
    assert not any(line.told for line in plain.lines)


# --- as data -------------------------------------------------------------------------------------------------------


def test_the_story_as_data() -> None:
    data = json.loads(json.dumps(acme().explain_data(explain_one("offer_ended"))))
    assert {name: data[name] for name in ("id", "amount", "exact", "currency")} == {
        "id": "r-1",
        "amount": "0.00051",
        "exact": "0.00051",
        "currency": "USD",
    }
    line = data["lines"][0]
    assert {name: line[name] for name in ("name", "amount", "exact", "rule", "row")} == {
        "name": "input",
        "amount": "0.0002",
        "exact": "0.0002",
        "rule": place("input:"),
        "row": place("| large-1, large-1-latest"),
    }
    assert [(part["what"], part["amount"]) for part in line["parts"]] == [("quantity", "0"), ("rate", "0.0002")]
    rate = line["parts"][1]
    assert rate["words"] == "1,000 tokens × $0.20 per 1M tokens = $0.0002"
    assert (rate["before"], rate["after"]) == ("1000", "0.0002")
    assert [(one["what"], one["place"]) for one in rate["details"]] == [
        ("row", place("| large-1, large-1-latest")),
        ("layer passed", place("| large-1 | $0.10 | $0.30")),
        ("layer passed", place("| large-1 | $0.10 |", 0)),
    ]


def test_no_rate_is_told_in_base_units() -> None:
    for name in ONE_BY_ONE:
        told = explain_one(name).explain()
        assert "per second" not in told
        assert "per byte" not in told


# --- the law -------------------------------------------------------------------------------------------------------


def add_up(data: dict[str, Any]) -> None:
    """Parts add up to their line, lines to the charge: exactly."""
    assert sum(Fraction(line["amount"]) for line in data["lines"]) == Fraction(data["amount"])
    for line in data["lines"]:
        assert sum(Fraction(part["amount"]) for part in line["parts"]) == Fraction(line["amount"]), line


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_the_parts_of_a_charge_add_up(name: str) -> None:
    charge = explain_one(name)
    data = acme().explain_data(charge)
    assert Fraction(data["amount"]) == charge.exact_amount  # type: ignore[arg-type]
    add_up(data)


def random_charges(seed: int) -> Iterator[tuple[pricelang.Ruleset, pricelang.Charge]]:
    """The charges of one random ruleset, each told; in a stream where they share counts."""
    case = Generator(seed).case()
    written = write(case.rules, Random(seed))
    rules = pricelang.load_text(written.text, name="x.price", files=written.files)
    signups = {name: text(at) for name, at in case.signups.items()}
    if case.stream:
        plain = rules.rate_stream(case.records, accounts=case.accounts, signups=signups)
        items = list(enumerate(case.records, 1))
        for one in plain:
            if isinstance(one, pricelang.Charge):
                told = rules.explain_stream(items, one.id, accounts=case.accounts, signups=signups)
                assert told == one
                yield rules, told
        return
    for record in case.records:
        account = {"account": case.accounts[record["account"]], "signup": signups.get(record["account"])}
        try:
            plain = rules.rate(record, **account)
        except pricelang.RecordError:
            continue
        told = rules.explain(record, **account)
        assert told == plain
        yield rules, told


@pytest.mark.parametrize("first", range(0, 160, 20))
def test_the_parts_of_every_random_charge_add_up(first: int) -> None:
    told = 0
    for seed in range(first, first + 20):
        for rules, charge in random_charges(seed):
            data = rules.explain_data(charge)
            assert Fraction(data["amount"]) == charge.exact_amount
            add_up(data)
            assert max(map(len, charge.explain().splitlines())) <= 100
            told += 1
    assert told >= 63  # eight times that are more than five hundred

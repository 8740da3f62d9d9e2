"""The rulesets that are shipped: they check without findings, their examples hold, their samples are charged in full,
and the prices of their pages come out exactly."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from dataclasses import field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pricelang

RULESETS = Path(__file__).parent.parent / "rulesets"
NAMES = ["gpu_credits", "sensenova", "tensoras", "tensormesh", "thinnestai"]


@cache
def rules(name: str) -> pricelang.Ruleset:
    return pricelang.load(RULESETS / name)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pricelang", *words], capture_output=True, text=True, encoding="utf-8", check=False
    )


def figure(number: object) -> Fraction:
    """An exact figure of a charge, whatever it is carried as."""
    return Fraction(str(number))


def rate(name: str, kind: str, at: str = "2026-11-18T12:00:00Z", **fields: Any) -> pricelang.Charge:
    return rules(name).rate({"id": "r-1", "type": kind, "at": at, "account": "a-1", **fields})


def run(name: str, kind: str, started: str, stopped: str, **fields: Any) -> pricelang.Charge:
    """What a resource that ran from one instant to another costs."""
    record = {"id": "r-1", "type": kind, "started": started, "stopped": stopped, "account": "a-1", **fields}
    return rules(name).rate(record)


def lines(charge: pricelang.Charge) -> dict[str, Fraction]:
    return {line.name: figure(line.amount) for line in charge.lines}


# --- all of them ------------------------------------------------------------------------------------------------------


def test_the_five_are_there() -> None:
    assert sorted(path.parent.name for path in RULESETS.glob("*/*.price")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_ruleset_checks_without_findings(name: str) -> None:
    done = command("check", "--strict", "--output-format", "json", str(RULESETS / name))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PL" not in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_ruleset_hold(name: str) -> None:
    done = command("test", str(RULESETS / name))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_ruleset_says_where_its_prices_come_from_and_when_that_was_checked(name: str) -> None:
    text = (RULESETS / name / f"{name}.price").read_text(encoding="utf-8")
    assert '\n  source "https://' in text
    assert all(", checked 2026-11-21" in line for line in text.splitlines() if line.lstrip().startswith("source "))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_charged_in_full(name: str) -> None:
    text = (RULESETS / name / "usage.jsonl").read_text(encoding="utf-8")
    records = [json.loads(line) for line in text.splitlines()]
    assert 20 <= len(records) <= 60
    assert len({record["id"] for record in records}) == len(records)
    assert len({(record.get("at") or record["started"])[:10] for record in records}) >= 5
    items = list(rules(name).rate_stream(records))
    charged = [item for item in items if isinstance(item, pricelang.Charge)]
    assert len(charged) == len(items), [item for item in items if item not in charged]
    assert {charge.id for charge in charged} >= {record["id"] for record in records}
    assert sum(figure(charge.amount) for charge in charged) > 0


# --- Tensoras ---------------------------------------------------------------------------------------------------------


def test_tensoras_worked_example() -> None:
    charge = rate("tensoras", "chat", model="llama-3.3-70b", input_tokens=1000, output_tokens=500)
    assert str(charge.amount) == "0.0005"
    assert lines(charge) == {"input": Fraction("0.0002"), "output": Fraction("0.0003")}


@pytest.mark.parametrize(
    ("model", "price_in", "price_out"),
    [
        ("llama-3.3-70b", "0.20", "0.60"),
        ("qwen-3-32b", "0.10", "0.30"),
        ("deepseek-r1-distill-70b", "0.15", "0.45"),
        ("codestral-latest", "0.30", "0.90"),
        ("llama-3.1-8b", "0.05", "0.10"),
        ("mistral-7b-instruct", "0.04", "0.08"),
    ],
)
def test_tensoras_chat_models(model: str, price_in: str, price_out: str) -> None:
    charge = rate("tensoras", "chat", model=model, input_tokens=1_000_000, output_tokens=1_000_000)
    assert lines(charge) == {"input": Fraction(price_in), "output": Fraction(price_out)}


def test_tensoras_embeddings_have_an_input_only() -> None:
    assert figure(rate("tensoras", "embedding", model="bge-large-en-v1.5", input_tokens=1_000_000).amount) == Fraction(
        "0.01"
    )
    with pytest.raises(pricelang.RecordError) as refused:
        rate("tensoras", "embedding", model="bge-large-en-v1.5", input_tokens=10, output_tokens=10)
    assert refused.value.code == "unknown-field"


def test_tensoras_reranking_counts_query_and_documents() -> None:
    charge = rate("tensoras", "rerank", model="bge-reranker-v2-m3", query_tokens=1000, document_tokens=999_000)
    assert figure(charge.amount) == Fraction("0.02")


# --- Tensormesh -------------------------------------------------------------------------------------------------------


def test_tensormesh_cached_tokens_are_charged_once_and_for_less() -> None:
    plain = rate("tensormesh", "chat", model="sample-large", input_tokens=10_000, output_tokens=0)
    cached = rate(
        "tensormesh", "chat", model="sample-large", input_tokens=10_000, cached_tokens=10_000, output_tokens=0
    )
    assert lines(plain) == {"input": Fraction("0.005")}
    assert lines(cached) == {"cached": Fraction("0.0005")}


def test_tensormesh_a_model_without_a_price_is_a_clear_error() -> None:
    with pytest.raises(pricelang.RecordError) as refused:
        rate("tensormesh", "chat", model="sample-huge", input_tokens=10, output_tokens=10)
    assert refused.value.code == "no-row"
    assert refused.value.field == "model"
    assert "sample-huge" in str(refused.value)


def test_tensormesh_figures_say_that_they_are_placeholders() -> None:
    text = (RULESETS / "tensormesh" / "tensormesh.price").read_text(encoding="utf-8")
    assert text.count('source "placeholders: invented') == text.count(', from "')


# --- GPU credits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "stopped", "amount"),
    [
        ("GPU S", "2026-11-18T20:00:00Z", "6.00"),
        ("GPU S", "2026-11-18T19:00:01Z", "6.00"),
        ("GPU S", "2026-11-18T19:00:00Z", "5.40"),
        ("GPU S", "2026-11-18T10:00:01Z", "0.60"),
        ("GPU M", "2026-11-18T11:00:00Z", "1.80"),
        ("GPU L", "2026-11-18T11:00:00Z", "3.50"),
    ],
)
def test_gpu_credits_hours(instance: str, stopped: str, amount: str) -> None:
    charge = run("gpu_credits", "deployment", "2026-11-18T10:00:00Z", stopped, instance=instance)
    assert figure(charge.amount) == Fraction(amount)


# --- SenseNova --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "price_in", "price_out"),
    [
        ("SenseChat-5", "0.04", "0.1"),
        ("SenseChat", "0.012", "0.012"),
        ("SenseChat-32K", "0.036", "0.036"),
        ("SenseChat-128K", "0.06", "0.06"),
        ("SenseChat-Turbo", "0.002", "0.005"),
        ("SenseChat-5-Cantonese", "0.027", "0.027"),
        ("SenseChat-Vision", "0", "0"),
        ("SenseChat-Character-Pro", "0.015", "0.015"),
        ("SenseChat-Character", "0.012", "0.012"),
    ],
)
def test_sensenova_chat_models(model: str, price_in: str, price_out: str) -> None:
    charge = rate("sensenova", "chat", model=model, input_tokens=1000, output_tokens=1000)
    assert charge.currency == "CNY"
    assert lines(charge) == {"input": Fraction(price_in), "output": Fraction(price_out)}


def test_sensenova_embeddings() -> None:
    charge = rate("sensenova", "embedding", model="nova-embedding-stable", input_tokens=1000)
    assert figure(charge.amount) == Fraction("0.0005")


def test_sensenova_speech_counts_characters() -> None:
    charge = rate("sensenova", "speech", model="nova-tts-1", input="你好, world!")
    assert [(line.name, str(line.quantity)) for line in charge.lines] == [("characters", "9")]
    assert figure(charge.amount) == 0


@pytest.mark.parametrize("method", ["tpm_package", "tokens_package"])
def test_sensenova_billing_methods_exclude_each_other(method: str) -> None:
    record = {
        "id": "r-1",
        "type": "chat",
        "at": "2026-11-18T12:00:00Z",
        "account": "a-1",
        "model": "SenseChat-5",
        "input_tokens": 1000,
        "output_tokens": 1000,
    }
    postpaid = rules("sensenova").rate(record, account={"billing_method": "tokens_postpaid"})
    package = rules("sensenova").rate(record, account={"billing_method": method})
    assert figure(postpaid.amount) == figure(rules("sensenova").rate(record).amount) == Fraction("0.14")
    assert figure(package.amount) == 0


def changed(tmp_path: Path, name: str, *changes: tuple[str, str]) -> pricelang.Ruleset:
    """A ruleset with some of its text replaced."""
    folder = tmp_path / name
    shutil.copytree(RULESETS / name, folder)
    path = folder / f"{name}.price"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return pricelang.load(folder)


OFFER = '  from 2026-01-01 until further notice "limited time offer"\n'
ENDED = '  from 2026-01-01 until 2026-12-31 "limited time offer"\n'
LATER = """  from 2027-01-01
    | model           | input     |
    | SenseChat-5     | 0.08 RMB  |
    | SenseChat-Turbo | 0.004 RMB |

"""


def sense(rules: pricelang.Ruleset, at: str) -> pricelang.Charge:
    return rules.rate(
        {
            "id": "r-1",
            "type": "chat",
            "at": at,
            "account": "a-1",
            "model": "SenseChat-5",
            "input_tokens": 1000,
            "output_tokens": 0,
        }
    )


def test_sensenova_an_offer_that_ends_with_a_price_after_it(tmp_path: Path) -> None:
    later = changed(tmp_path, "sensenova", (OFFER, LATER + ENDED))
    assert figure(sense(later, "2026-12-31T23:59:59+08:00").amount) == Fraction("0.04")
    assert figure(sense(later, "2027-01-01T00:00:00+08:00").amount) == Fraction("0.08")


def test_sensenova_an_offer_that_ends_with_nothing_after_it_is_an_error(tmp_path: Path) -> None:
    ended = changed(tmp_path, "sensenova", (OFFER, ENDED))
    assert figure(sense(ended, "2026-12-31T23:59:59+08:00").amount) == Fraction("0.04")
    with pytest.raises(pricelang.RecordError) as refused:
        sense(ended, "2027-01-01T00:00:00+08:00")
    assert refused.value.code == "no-price-in-force"


# --- thinnestAI -------------------------------------------------------------------------------------------------------


def test_thinnestai_billing_record() -> None:
    charge = rate(
        "thinnestai",
        "chat",
        at="2026-03-05T10:30:00Z",
        agent="Customer Support",
        model="gpt-4o-mini",
        input_tokens=1250,
        output_tokens=340,
    )
    assert str(charge.amount) == "0.0003915"
    assert lines(charge) == {"input": Fraction("0.0001875"), "output": Fraction("0.000204")}


def test_thinnestai_shows_the_billing_record_with_four_decimals_and_charges_it_exactly(tmp_path: Path) -> None:
    """The page's $0.0004 is how the charge is shown: the example beside the rules fails where it is shown otherwise."""
    assert rules("thinnestai").program.show_to == Fraction("0.0001")
    with pytest.raises(pricelang.RulesetError) as failed:
        changed(tmp_path, "thinnestai", ("expect shown $0.0004", "expect shown $0.0003915"))
    assert [finding.slug for finding in failed.value.findings] == ["example-fails"]


@pytest.mark.parametrize(
    ("model", "price_in", "price_out"),
    [
        ("GPT-4o", "2.50", "10.00"),
        ("GPT-4o-mini", "0.15", "0.60"),
        ("GPT-4 Turbo", "10.00", "30.00"),
        ("Claude 3.5 Sonnet", "3.00", "15.00"),
        ("Claude 3 Haiku", "0.25", "1.25"),
        ("Gemini 1.5 Pro", "1.25", "5.00"),
        ("Gemini 1.5 Flash", "0.075", "0.30"),
    ],
)
def test_thinnestai_models(model: str, price_in: str, price_out: str) -> None:
    for name in (model, model.lower().replace(" ", "-")):
        charge = rate("thinnestai", "chat", model=name, input_tokens=1_000_000, output_tokens=1_000_000)
        assert lines(charge) == {"input": Fraction(price_in), "output": Fraction(price_out)}


def test_thinnestai_other_fees_are_charged() -> None:
    assert figure(rate("thinnestai", "voice", duration=60).amount) == Fraction("0.10")
    charge = rate("thinnestai", "ingestion", pages=10, embedding_tokens=5000, stored=10_000)
    assert sum(lines(charge).values()) == Fraction("0.05")
    start, stop = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
    assert figure(run("thinnestai", "phone_number", start, stop, number="+1 555 0100").amount) == 2


# --- what each page says of accounts, and the example that shows it ---------------------------------------------------

FACTS = {
    "tensoras": {
        "the $10 package has no bonus": "the $10 package has no bonus",
        "the $50 package has a bonus of 5%": "the $50 package adds $52.50",
        "the $100 package has a bonus of 10%": "the $100 package adds $110",
        "the $200 package has a bonus of 15%": "the $200 package adds $230",
        "funds are added in packages": "an amount that is no package cannot be paid in",
        "funds are there immediately": "the $10 package has no bonus",
        "usage is deducted from the balance in real time": "usage is taken from the balance at once",
        "funds do not expire": "funds do not expire",
        "receipts for every top-up": "the $50 package adds $52.50",
        "receipts for every plan payment": "the first month is paid by the day, the next in full on the first",
        "a daily limit refuses with 402 until midnight UTC": "a daily limit lasts until midnight UTC",
        "or until it is raised": "or until it is raised",
        "plans cost $29 and $49 a month": "the first month is paid by the day, the next in full on the first",
        "Enterprise costs what is agreed": "the fee of Enterprise is agreed with the customer",
        "a plan can be upgraded at any time": "an upgrade costs the difference for the days that are left",
        "and downgraded": "a downgrade gives it back",
        "plan fees are separate from usage": "an invoice on the first has the plan; usage is paid from the balance",
        "invoices on the first of the month": "an invoice on the first has the plan; usage is paid from the balance",
        "requests per minute by plan": "600 requests a minute with Developer",
        "knowledge bases by plan": "five knowledge bases with Developer, ten with Pro, any number with Enterprise",
        "storage by plan": "5 GB of storage with Developer, 10 GB with Pro, what is agreed with Enterprise",
    },
    "tensormesh": {
        "a balance is required for GPUs": "no GPU without a balance",
        "a valid card is required for GPUs": "no GPU without a card",
        "serverless needs no card": "tokens are paid from the balance, with or without a card",
        "deployments stay active while there is a balance": (
            "a deployment is suspended when the balance is used up, and resumed when there is one"
        ),
        "cached tokens cost less": "eight thousand of the ten thousand tokens were cached",
    },
    "gpu_credits": {
        "the packages": "what the packages are worth",
        "custom amounts from $1": "an amount of one's own, from $1",
        "receipts after each purchase": "an amount of one's own, from $1",
        "deducted at the start and every hour": "the first hour is taken at the start, then one each hour",
        "partial hours are rounded up": "a part of an hour is a whole hour",
        "below 500, 2,000 are added": "below 500 credits, 2,000 are added",
        "codes add their credits instantly": "a code adds its credits at once, and once",
        "low balance warnings": "an alert when credits run low",
        "daily and weekly spend": "an alert when a day, and when a week costs so much",
        "deployment cost alerts": "an alert when one deployment costs so much",
        "credits do not expire": "credits do not expire",
        "unused credits can be refunded": "unused credits are refunded, and no more than those",
        "out of credits a deployment is paused; credits resume it": (
            "at zero a deployment is paused, and credits resume it"
        ),
        "quantized models save about 48%": "the same model quantized saves about 48 percent",
    },
    "sensenova": {
        "requests per minute, then 429": (
            "requests above the limit of a minute fail, and those of the next minute go through"
        ),
        "tokens per minute, then 429": "so it is with tokens",
        "of embeddings too": "and with embeddings",
        "these are the limits of the postpaid method": "a package has limits of its own",
        "postpaid, on hourly bills": "nothing is paid beforehand: usage goes on the bill of its hour",
        "the billing methods are mutually exclusive": "one method takes the place of another",
    },
    "thinnestai": {
        "trial credits for every new account": "trial credits are there from the start, and do not expire",
        "no expiry on trial credits": "trial credits are there from the start, and do not expire",
        "enough for ten minutes of voice": "ten minutes of voice use them up",
        "advanced features require a paid balance": "an advanced feature needs a paid balance",
        "at least $5": "at least $5 can be paid in",
        "deducted in real time": "a message is paid to the last digit",
        "below $5, $25 are charged": "below $5, $25 are added",
        "an alert when daily spend exceeds $10": "an alert when a day costs more than $10",
        "at $0 chat returns an error, calls are not placed": "at zero there is no chat and no call",
        "phone numbers enter a grace period": "a phone number has seven days of grace, is suspended then, and kept",
        "campaigns are paused until balance is restored": "at zero a campaign pauses until the balance is back",
        "nothing is deleted": "a phone number has seven days of grace, is suspended then, and kept",
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_every_policy_of_a_page_has_a_story(name: str) -> None:
    named = {example.name for example in rules(name).program.examples}
    assert {fact: example for fact, example in FACTS[name].items() if example not in named} == {}


@pytest.mark.parametrize(("plan", "most"), [("Developer", 600), ("Pro", 3000), ("Enterprise", 10_000)])
def test_tensoras_requests_per_minute(plan: str, most: int) -> None:
    """The examples show Developer; thousands of requests would make the file slow to read."""
    with pricelang.Ledger.open("memory://", rules("tensoras")) as ledger:
        own = {"plan": plan, "plans.monthly_cost": "500"}  # which is asked for where it is `custom`
        ledger.apply({"id": "s", "type": "signup", "at": "2026-02-17T09:00:00Z", "account": "a-1", "attributes": own})
        ledger.apply({"id": "t", "type": "topup", "at": "2026-02-17T09:00:00Z", "account": "a-1", "amount": "10"})
        chat = {"type": "chat", "account": "a-1", "model": "llama-3.1-8b", "input_tokens": 10, "output_tokens": 1}
        minute = [{**chat, "id": f"r-{n:05}", "at": "2026-02-17T10:00:20Z"} for n in range(most + 1)]
        *passed, last = ledger.apply_many(minute)
        assert all(outcome.accepted for outcome in passed)
        assert isinstance(last, pricelang.Refused)
        assert (last.status, last.limit, last.retry_after) == (429, "requests_per_minute", 40)
        assert ledger.apply({**chat, "id": "next", "at": "2026-02-17T10:01:00Z"}).accepted


def test_sensenova_an_account_has_one_billing_method() -> None:
    with pricelang.Ledger.open("memory://", rules("sensenova")) as ledger:
        ledger.apply({"id": "s", "type": "signup", "at": "2026-02-17T09:00:00Z", "account": "a-1"})
        both = {"billing_method": "tokens_postpaid, tpm_package"}
        outcome = ledger.apply({"id": "b", "type": "set", "at": "2026-02-17T09:00:00Z", "account": "a-1", **both})
        assert isinstance(outcome, pricelang.Rejected)
        assert outcome.field == "billing_method"


# --- events.jsonl: a story of some days, each figure reckoned here from the page's --------------------------------------


def million(*parts: tuple[int, str]) -> Fraction:
    """Quantities at prices per million."""
    return sum((number * Fraction(price) / 1_000_000 for number, price in parts), Fraction(0))


def thousand(*parts: tuple[int, str]) -> Fraction:
    """Quantities at prices per thousand."""
    return 1000 * million(*parts)


def money(*amounts: str) -> Fraction:
    return sum((Fraction(amount) for amount in amounts), Fraction(0))


@dataclass
class Said:
    """What is to come of an events file."""

    charges: dict[str, Fraction]  # of usage, settlements and corrections, by event; every other event charges nothing
    credits: dict[str, list[str]]  # what comes into the funds of each account, and what goes back
    refused: dict[str, tuple[int, str, int | None]]  # by event: status, limit, seconds to wait
    running: dict[str, Fraction] = field(default_factory=dict)  # what ran, of each account, in all
    fees: list[tuple[str, str, str]] = field(default_factory=list)  # account, day, amount
    notices: list[tuple[str, str, str]] = field(default_factory=list)  # event, kind, of what; receipts left aside
    repeated: tuple[str, ...] = ()
    billed: bool = False  # usage goes on the bill


def hour(count: int, price: str) -> Fraction:
    return count * Fraction(price)


TRIAL = million((1250, "0.15"), (340, "0.60"))  # the page's billing record

SAID = {
    "tensoras": Said(
        charges={
            "lumen-04": million((40_000_000, "0.01")),
            "lumen-05": million((1000, "0.20"), (500, "0.60")),
            "lumen-06": million((10_000, "0.02")),
            "lumen-07": million((20_000_000, "0.30"), (2_000_000, "0.90")),
            "lumen-08": million((10_000_000, "0.20"), (1_000_000, "0.60")),
            "lumen-11": million((1_000_000, "0.10"), (200_000, "0.30")),
            "lumen-13": million((3900, "0.20"), (2100, "0.60")),
            "lumen-20": -million((36_000_000, "0.01")),  # four million tokens were sent as forty
            "lumen-21": million((2_000_000, "0.05"), (500_000, "0.10")),
            "lumen-22": million((1_000_000, "0.04"), (1_000_000, "0.08")),
            "lumen-24": million((80_000_000, "0.20"), (10_000_000, "0.60")),
            "lumen-26": million((1000, "0.05"), (500, "0.10")),
            "nora-04": million((200_000, "0.15"), (100_000, "0.45")),
            "harbor-04": million((100_000_000, "0.15"), (20_000_000, "0.45")),
            "harbor-07": million((30_000_000, "0.30"), (10_000_000, "0.90")),
        },
        credits={"lumen": ["52.50", "110"], "nora": ["10"], "harbor": ["230"]},
        refused={
            "lumen-09": (402, "daily_spend", 14 * 3600),  # 7.80 + 2.60 of 10; from 10:00 to midnight
            "lumen-17": (402, "storage", None),
            "lumen-25": (402, "daily_spend", 1),  # 22 of 20, a second before midnight
            "nora-02": (402, "funds_left", None),
            "harbor-05": (402, "storage", None),
        },
        fees=[
            ("harbor", "2026-02-16", "232.14"),  # 13 of 28 days of 500
            ("harbor", "2026-03-01", "500"),
            ("lumen", "2026-02-02", "27.96"),  # 27 of 28 days of 29
            ("lumen", "2026-02-09", "-20.71"),  # 20 of 28 days of 29
            ("lumen", "2026-02-09", "35"),  # 20 of 28 days of 49
            ("lumen", "2026-03-01", "49"),
            ("nora", "2026-02-15", "24.50"),  # half of 49
            ("nora", "2026-02-22", "-12.25"),  # a quarter of 49
            ("nora", "2026-02-22", "7.25"),  # a quarter of 29
            ("nora", "2026-03-01", "29"),
        ],
        repeated=("nora-04",),
    ),
    "gpu_credits": Said(
        charges={
            "orchid-04": hour(1, "0.60"),  # the first hour of each start
            "orchid-07": hour(1, "3.50"),
            "orchid-13": hour(1, "1.80"),
            "kite-04": hour(1, "1.80"),
            "kite-10": hour(3, "0.60"),  # 10:00 to 12:20
            "kite-11": -hour(1, "0.60"),  # it was 12:00
            "kite-13": hour(1, "0.60"),
            **{f"moss-{number:02}": hour(1, "1.80") for number in (3, 5, 7, 9, 11)},
        },
        running={
            # GPU S 9:00 to 17:30; GPU L 18:00 to 23:30; GPU M 9:00 to 15:00
            "orchid": hour(9, "0.60") + hour(6, "3.50") + hour(6, "1.80"),
            # GPU M 10:00 to 15:00, paused, and an hour of the next day; closed intervals of two hours and of one
            "kite": hour(5, "1.80") + hour(1, "1.80") + hour(2, "0.60") + hour(1, "0.60"),
            "moss": hour(5 * 10, "1.80"),
        },
        credits={"orchid": ["20", "1", "20", "20", "-20"], "kite": ["7.50", "10"], "moss": ["100"]},
        refused={"kite-02": (402, "funds_left", None), "kite-06": (402, "funds_left", None)},
        notices=[
            ("orchid-08", "refill", "20"),  # 21 credited, 5.40 and four hours of 3.50 spent: 1.60 left
            ("orchid-09", "payment failed", "20"),
            ("orchid-10", "refill", "20"),
            ("orchid-10", "alert", "daily_spend"),  # 5.40 + 5 × 3.50 = 22.90 of 20
            ("orchid-12", "alert", "deployment_cost"),  # 6 × 3.50 = 21 of 20
            ("orchid-14", "alert", "weekly_spend"),  # 26.40 + 5 × 1.80 = 35.40 of 35
            ("orchid-14", "refill", "20"),  # 14.60 − 6 × 1.80 = 3.80 left
            ("kite-01", "alert", "low_balance"),
            ("kite-05", "alert", "low_balance"),  # 7.50 − 4 × 1.80 = 0.30 of 2
            ("kite-07", "suspended", "funds_left"),
            ("kite-08", "resumed", "funds_left"),
            ("moss-12", "alert", "weekly_spend"),  # the fifth hour of Friday: 45 × 1.80 = 81 of 80
        ],
        repeated=("kite-10",),
    ),
    "sensenova": Said(
        charges={
            "jade-02": thousand((2000, "0.04"), (1500, "0.1")),
            "jade-03": thousand((50_000, "0.002"), (20_000, "0.005")),
            "jade-04": thousand((15_000, "0.012")),
            "jade-05": thousand((32_000, "0.036")),
            "jade-06": thousand((103_000, "0.06")),
            "jade-07": thousand((4000, "0.027")),
            "jade-14": thousand((10_000, "0.012")),
            "jade-15": thousand((400_000, "0.0005")),
            "jade-17": thousand((120_000, "0.0005")),
            "jade-18": thousand((90_000, "0.04"), (10_000, "0.1")),
            "jade-20": thousand((1000, "0.04"), (1000, "0.1")),
            "jade-22": thousand((115_000, "0.06")),
            "jade-24": thousand((8000, "0.04"), (1200, "0.1")),
            "jade-27": thousand((32_000, "0.06")) - thousand((32_000, "0.036")),  # it was the model of 128K
            "river-06": thousand((6000, "0.015")),
            "river-08": thousand((75_000, "0.04"), (10_000, "0.1")),
            "river-09": thousand((75_000, "0.04"), (10_000, "0.1")),
        },
        credits={"jade": [], "river": []},
        refused={
            "jade-11": (429, "requests_per_minute", 20),  # the fourth of three
            "jade-16": (429, "embedding_tokens_per_minute", 30),  # 520,000 of 500,000
            "jade-19": (429, "chat_tokens_per_minute", 45),  # 102,000 of 100,000
            "jade-21": (429, "chat_tokens_per_minute", None),  # 115,000 of 100,000: never
            "river-07": (429, "chat_tokens_per_minute", None),  # what the package took is too large here
        },
        repeated=("jade-20",),
        billed=True,
    ),
    "tensormesh": Said(
        charges={
            "pico-04": million((10_000, "0.50"), (1000, "1.50")),
            "pico-05": million((2000, "0.50"), (8000, "0.05"), (1000, "1.50")),
            "pico-06": million((500_000, "0.10"), (1_500_000, "0.02"), (400_000, "0.30")),
            "pico-10": Fraction("0.50"),  # the half hour since 11:06
            "pico-12": million((8000, "0.25"), (32_000, "0.05"), (6000, "1.00")),
            "atlas-06": Fraction("1.33"),  # 20 minutes of $4, to the cent
            "atlas-07": million((10_000_000, "0.10"), (2_000_000, "0.30")),
            "atlas-08": -million((6_000_000, "0.10")) + million((6_000_000, "0.02")),
            "atlas-09": million((3_000_000, "0.25"), (1_000_000, "0.05"), (500_000, "1.00")),
            "atlas-10": million((400_000, "0.25"), (50_000, "1.00")),
            "atlas-12": million((40_000_000, "0.50"), (6_000_000, "1.50")),
            "atlas-16": million((10_000, "0.50"), (1000, "1.50")),
            "atlas-17": hour(4, "2.00") / 2,  # the half hour since 10:00
        },
        running={
            "pico": Fraction("1.50"),  # an hour and a half of $1
            "atlas": Fraction("17.33")  # two GPUs of $2 for 4 hours and 20 minutes
            + hour(4, "2.00") * Fraction("2.5"),  # four of them for an hour, paused, and an hour and a half
        },
        credits={"pico": ["5"], "atlas": ["50", "40"]},
        refused={
            "pico-02": (402, "funds_left", None),
            "pico-07": (402, "card", None),
            "atlas-02": (402, "funds_left", None),
            "atlas-14": (402, "funds_left", None),
        },
        notices=[("atlas-13", "suspended", "funds_left"), ("atlas-15", "resumed", "funds_left")],
        repeated=("atlas-07",),
    ),
    "thinnestai": Said(
        charges={
            "clinic-02": TRIAL,
            "clinic-04": 4 * Fraction("0.10"),
            "clinic-05": 6 * Fraction("0.10"),
            "clinic-08": TRIAL,
            "clinic-09": million((4000, "3.00"), (600, "15.00")) + 3 * Fraction("0.001"),
            "clinic-10": 40 * Fraction("0.005"),
            "clinic-11": 1200 * Fraction("0.001"),
            "clinic-14": Fraction("7.5") * Fraction("0.10"),
            "clinic-17": -1000 * Fraction("0.001"),  # 200 chunks were sent as 1,200
            "clinic-18": 100 * Fraction("0.10"),
            "clinic-19": 90 * Fraction("0.10"),
            "clinic-21": million((2000, "2.50"), (500, "10.00")),
            "clinic-23": million((100_000, "1.25"), (8000, "5.00")),
            "clinic-24": million((20_000, "0.25"), (4000, "1.25")),
            "agency-03": Fraction(2),
            "agency-05": 80 * Fraction("0.10"),
            "agency-06": 10 * Fraction("0.10"),
            "agency-11": million((3000, "10.00"), (400, "30.00")),
            "agency-13": 50 * Fraction("0.10"),
        },
        running={"clinic": Fraction(0), "agency": Fraction(2 * 2)},  # a month, suspended, and another
        credits={"clinic": ["1", "25", "25"], "agency": ["1", "10", "5", "5"]},
        refused={
            "clinic-03": (402, "advanced_features", None),
            "clinic-06": (402, "funds_left", None),
            "agency-08": (402, "funds_left", None),
            "agency-09": (402, "funds_left", None),
            "agency-14": (402, "funds_left", None),
        },
        notices=[
            ("clinic-19", "refill", "25"),  # a little more than 4.82 left
            ("clinic-19", "alert", "spending_alert"),  # 19 of 10; the 10 of clinic-18 did not exceed it
            ("clinic-20", "payment failed", "25"),
            ("clinic-21", "refill", "25"),
            ("agency-07", "suspended", "funds_left"),
            ("agency-10", "resumed", "funds_left"),
            ("agency-16", "suspended", "funds_left"),  # seven days after 10:00 of the 20th
            ("agency-17", "resumed", "funds_left"),
        ],
        repeated=("clinic-19",),
    ),
}


def events_of(name: str) -> list[dict[str, Any]]:
    text = (RULESETS / name / "events.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@dataclass
class Told:
    """What came of an events file."""

    outcomes: dict[str, pricelang.Outcome]
    again: tuple[str, ...]
    balances: dict[str, Fraction]
    postings: dict[str, list[dict[str, Any]]]


def balances(ledger: pricelang.Ledger) -> dict[str, Fraction]:
    return {account: figure(ledger.balance(account)) for account in ledger.accounts()}


@cache
def told(name: str) -> Told:
    with pricelang.Ledger.open("memory://", rules(name)) as ledger:
        outcomes: dict[str, pricelang.Outcome] = {}
        again: list[str] = []
        for event in events_of(name):
            outcome = ledger.apply(event)
            if event["id"] in outcomes:
                assert outcome.as_dict() == outcomes[event["id"]].as_dict()
                again.append(event["id"])
            outcomes.setdefault(event["id"], outcome)
        return Told(outcomes, tuple(again), balances(ledger), {one: posted(ledger, one) for one in ledger.accounts()})


def posted(ledger: pricelang.Ledger, account: str) -> list[dict[str, Any]]:
    """All postings of an account's journal."""
    outcomes: list[dict[str, Any]] = [dict(entry.outcome) for entry in ledger.history(account)]
    return [posting for outcome in outcomes for posting in outcome["postings"]]


def moved(postings: list[dict[str, Any]], prefix: str) -> Fraction:
    """What went to an account of the books, less what came from it."""
    into = sum((figure(one["amount"]) for one in postings if one["to"].startswith(prefix)), Fraction(0))
    return into - sum((figure(one["amount"]) for one in postings if one["from"].startswith(prefix)), Fraction(0))


@pytest.mark.parametrize("name", NAMES)
def test_events_are_accepted_or_refused_as_the_page_says(name: str) -> None:
    came = told(name)
    assert 30 <= len(events_of(name)) <= 60
    refused = {id: one for id, one in came.outcomes.items() if isinstance(one, pricelang.Refused)}
    assert {id: (one.status, one.limit, one.retry_after) for id, one in refused.items()} == SAID[name].refused
    assert all(one.accepted for id, one in came.outcomes.items() if id not in refused)
    assert came.again == SAID[name].repeated


@pytest.mark.parametrize("name", NAMES)
def test_events_charge_what_the_page_says(name: str) -> None:
    charged = {id: one.exact_amount for id, one in told(name).outcomes.items() if one.exact_amount}
    assert charged == SAID[name].charges


@pytest.mark.parametrize("name", NAMES)
def test_what_is_charged_in_all_is_usage_and_what_ran(name: str) -> None:
    said = SAID[name]
    program = rules(name).program
    resources = [usage for usage in program.usages if program.usages[usage].is_resource]
    for account, postings in told(name).postings.items():
        ran = sum((moved(postings, f"revenue/{usage}") for usage in resources), Fraction(0))
        assert ran == said.running.get(account, Fraction(0)), account
        other = [event for event in events_of(name) if event.get("account") == account and usage_of(event, resources)]
        wanted = sum((said.charges.get(id, Fraction(0)) for id in {event["id"] for event in other}), Fraction(0))
        assert moved(postings, "revenue/") - ran == wanted, account


def usage_of(event: dict[str, Any], resources: list[str]) -> bool:
    """Whether an event is about usage that does not run over time."""
    kind = event["usage"]["type"] if "usage" in event else event["type"]
    return kind not in resources and kind not in ("start", "stop", "change", "clock", "topup")


@pytest.mark.parametrize("name", NAMES)
def test_balances_are_what_came_in_less_what_was_used(name: str) -> None:
    came, said = told(name), SAID[name]
    assert set(came.balances) == set(said.credits)
    for account, balance in came.balances.items():
        used = moved(came.postings[account], "revenue/")
        assert balance == money(*said.credits[account]) - (0 if said.billed else used), account


@pytest.mark.parametrize("name", NAMES)
def test_fees_are_those_of_the_plan(name: str) -> None:
    fees = []
    for account, postings in told(name).postings.items():
        for one in postings:
            if one["kind"] == "fee":
                back = one["from"].startswith("fees/")
                fees.append((account, one["at"][:10], figure(one["amount"]) * (-1 if back else 1)))
    assert fees == [(account, day, Fraction(amount)) for account, day, amount in SAID[name].fees]


@pytest.mark.parametrize("name", NAMES)
def test_notices_come_when_they_should(name: str) -> None:
    notices, receipts = [], []
    for id, outcome in told(name).outcomes.items():
        for one in outcome.notices:
            if one["kind"] == "receipt":
                receipts.append(str(one["of"]))
            else:
                notices.append((id, one["kind"], one.get("limit", one.get("amount"))))
    assert sorted(notices) == sorted(SAID[name].notices)
    # a receipt for each payment: top-ups, refills that were paid, and fees
    paid = [
        event["id"]
        for event in events_of(name)
        if event["type"] == "topup" or (event["type"] == "payment" and event.get("ok", True))
    ]
    # of a change of plan the receipt is of what is paid on balance, and there is none where money comes back
    fees: dict[tuple[str, str], Fraction] = {}
    for id, of, amount in SAID[name].fees:
        fees[id, of] = fees.get((id, of), Fraction(0)) + Fraction(amount)
    assert [of for of in receipts if "/" not in of] == list(dict.fromkeys(paid))
    assert len([of for of in receipts if "/" in of]) == len([amount for amount in fees.values() if amount > 0])


@pytest.mark.parametrize("name", NAMES)
def test_events_that_come_twice_charge_once(name: str) -> None:
    with pricelang.Ledger.open("memory://", rules(name)) as ledger:
        first = list(ledger.apply_many(events_of(name)))
        after, entries = balances(ledger), len(ledger.history())
        second = list(ledger.apply_many(events_of(name)))
        assert balances(ledger) == after == told(name).balances
        assert len(ledger.history()) == entries
        assert not any(isinstance(one, pricelang.Rejected) for one in second)
        one_by_one = [told(name).outcomes[event["id"]].as_dict() for event in events_of(name)]
        in_batches = [outcome.as_dict() for outcome in first]
        assert in_batches == one_by_one
        assert [outcome.as_dict() for outcome in second if outcome.account] == [
            outcome.as_dict() for outcome in first if outcome.account
        ]  # of a clock for all accounts nothing is left to tell


@pytest.mark.parametrize("name", NAMES)
def test_events_replay_from_the_command_line(name: str) -> None:
    done = command("replay", str(RULESETS / name), str(RULESETS / name / "events.jsonl"), "--text")
    assert done.returncode == 0, done.stderr
    assert " 0 rejected" in done.stderr


def test_tensoras_balances() -> None:
    """Added up by hand."""
    assert told("tensoras").balances == {
        "lumen": Fraction("129.62716"),  # 162.50 − 0.04 − 0.0007 − 10.40 − 0.16 − 0.00204 − 0.27 − 22 − 0.0001
        "nora": Fraction("9.925"),
        "harbor": Fraction(188),  # 230 − 24 − 18
    }


def test_gpu_credits_balances() -> None:
    assert told("gpu_credits").balances == {
        "orchid": Fraction("3.80"),  # 41 − 26.40 − 10.80, and 20 that were paid and given back
        "kite": Fraction("4.90"),  # 17.50 − 10.80 − 1.80
        "moss": Fraction(10),
    }


def test_sensenova_bills_of_each_hour() -> None:
    """In Shanghai's hours, eight ahead of UTC; what comes late or is corrected later is on the next bill."""
    bills: dict[str, Fraction] = {}
    for one in told("sensenova").postings["jade"]:
        hour_of = one.get("bill", one["at"])[:13]
        bills[hour_of] = bills.get(hour_of, Fraction(0)) + figure(one["amount"])
    assert bills == {
        "2026-03-02T01": Fraction("0.61"),  # 0.23 + 0.20 + 0.18
        "2026-03-02T02": Fraction("7.44"),  # 1.152 + 6.18 + 0.108
        "2026-03-02T03": Fraction("0.12"),  # of the hour before, that came late
        "2026-03-02T05": Fraction("0.26"),
        "2026-03-02T06": Fraction("4.74"),
        "2026-03-02T07": Fraction("6.9"),
        "2026-03-03T01": Fraction("0.44"),
        "2026-03-03T02": Fraction("0.768"),  # corrected by so much
    }


def test_tensormesh_balances() -> None:
    assert told("tensormesh").balances == {
        "pico": Fraction("3.281"),  # 5 − 0.0065 − 0.0029 − 0.20 − 1.50 − 0.0096
        "atlas": Fraction("21.0935"),  # 90 − 17.33 − 1.12 − 1.30 − 0.15 − 29 − 20 − 0.0065
    }


def test_thinnestai_balances() -> None:
    assert told("thinnestai").balances == {
        # 51 − 2 × 0.0003915 − 1 − 0.024 − 0.20 − 0.20 − 0.75 − 19 − 0.01 − 0.165 − 0.01
        "clinic": Fraction("29.640217"),
        "agency": Fraction("2.958"),  # 21 − 4 − 9 − 0.042 − 5
    }

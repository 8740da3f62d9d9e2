"""The rulesets that are shipped: they check without findings, their examples hold, their samples are charged in full,
and the prices of their pages come out exactly."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
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

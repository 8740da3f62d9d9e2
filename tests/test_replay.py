"""`pricelang replay` and `rerate`, as their users see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result

from pricelang.cli.main import Commands

RULES = """ruleset acme
  currency USD

usage chat
  tokens_in  tokens

price chat
  input:  tokens_in at ${price} per 1M tokens

funds
  pay for chat

limit funds_left
  balance may fall to $0
  refuse with 402
"""

EVENTS = [
    {"id": "s", "type": "signup", "at": "2026-02-17T09:00:00Z", "account": "ada"},
    {"id": "c0", "type": "chat", "at": "2026-02-17T09:00:01Z", "account": "ada", "tokens_in": 1},
    {"id": "t", "type": "topup", "at": "2026-02-17T09:01:00Z", "account": "ada", "amount": "3"},
    {"id": "c1", "type": "chat", "at": "2026-02-17T09:02:00Z", "account": "ada", "tokens_in": 1_000_000},
    {"id": "c2", "type": "chat", "at": "2026-02-17T09:03:00Z", "account": "ada", "tokens_in": 4_000_000},
    {"id": "c3", "type": "chat", "at": "2026-02-17T09:04:00Z", "account": "ada", "tokens_in": 1},
]


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(Commands("pricelang"), list(args), input=stdin)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "acme.price").write_text(RULES.replace("${price}", "$1"))
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return tmp_path


def outcomes(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_outcome_for_each_event(files: Path) -> None:
    result = run("replay", str(files / "acme.price"), str(files / "events.jsonl"))
    assert result.exit_code == 0
    found = outcomes(result)
    assert [one["decision"] for one in found] == ["accepted", "refused", "accepted", "accepted", "accepted", "refused"]
    assert [one["status"] for one in found] == [200, 402, 200, 200, 200, 402]
    assert [one["balance"] for one in found] == ["0", "0", "3", "2", "-2", "-2"]
    assert found[1]["limit"] == "funds_left"
    assert found[1]["amount"] == "0"
    assert found[4]["amount"] == "4"
    assert sum(float(one["amount"]) for one in found[4]["postings"]) == 4
    assert "6 events in = 4 accepted + 2 refused + 0 rejected + 0 repeated" in result.stderr


def test_a_second_run_over_one_ledger_does_nothing(files: Path) -> None:
    url = f"sqlite:///{files / 'ledger.db'}"
    first = run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "--ledger", url)
    second = run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "--ledger", url)
    assert first.stdout == second.stdout
    assert "6 events in = 0 accepted + 0 refused + 0 rejected + 6 repeated" in second.stderr


def test_bad_input_is_rejected_with_its_line_and_the_others_go_on(files: Path) -> None:
    bad = [
        "not json",
        json.dumps({**EVENTS[3], "id": "x1", "account": "bob"}),
        json.dumps({**EVENTS[3], "id": "x2", "tokens_in": -1}),
        json.dumps({**EVENTS[3], "id": "x3", "at": "2026-02-16T09:00:00Z"}),
        json.dumps(
            {
                "id": "x4",
                "type": "settle",
                "at": "2026-02-17T10:00:00Z",
                "account": "ada",
                "hold": "h",
                "usage": {"type": "chat", "tokens_in": 1},
            }
        ),
        json.dumps({"id": "x5", "type": "topup", "at": "2026-02-17T10:00:00Z", "account": "ada", "amount": -5}),
        json.dumps(
            {
                "id": "x6",
                "type": "topup",
                "at": "2026-02-17T10:00:00Z",
                "account": "ada",
                "amount": 5,
                "currency": "EUR",
            }
        ),
        json.dumps({"id": "x7", "type": "topup", "at": "2999-02-17T10:00:00Z", "account": "ada", "amount": 5}),
        json.dumps(
            {"id": "x8", "type": "refund", "at": "2026-02-17T10:00:00Z", "account": "ada", "of": "t", "amount": 4}
        ),
        json.dumps({"id": "c1", "type": "chat", "at": "2026-02-17T09:02:00Z", "account": "ada", "tokens_in": 7}),
        json.dumps({"id": "x9", "type": "sign-up", "at": "2026-02-17T10:00:00Z", "account": "ada"}),
        json.dumps({"id": "@x", "type": "topup", "at": "2026-02-17T10:00:00Z", "account": "ada", "amount": 5}),
    ]
    good = (files / "events.jsonl").read_text()
    result = run("replay", str(files / "acme.price"), "-", stdin=good + "\n".join(bad) + "\n")
    assert result.exit_code == 1
    found = outcomes(result)[6:]
    assert {one["decision"] for one in found} == {"rejected"}
    codes = [one["error"]["code"] for one in found]
    assert codes == [
        *("invalid-json", "unknown-account", "negative", "before-signup", "unknown-hold", "negative", "other-currency"),
        *("too-far-ahead", "refund-too-large", "id-conflict", "unknown-type", "reserved-id"),
    ]
    assert [one["line"] for one in found] == list(range(7, 19))
    assert all(one["error"]["message"] and one["status"] is None and one["postings"] == [] for one in found)
    assert "18 events in = 4 accepted + 2 refused + 12 rejected + 0 repeated" in result.stderr


def test_words_for_people(files: Path) -> None:
    result = run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "--text")
    lines = result.stdout.splitlines()
    assert lines[0] == "2026-02-17 09:00  ada  signup s: balance 0 USD"
    assert lines[1] == "2026-02-17 09:00:01  ada  chat c0: refused 402: funds left: 0 USD left; add funds"
    assert "2026-02-17 09:03  ada  chat c2: charged 4 USD, balance -2 USD" in lines


def test_outcomes_to_a_file_and_no_events_at_all(files: Path) -> None:
    out = files / "out.jsonl"
    (files / "none.jsonl").write_text("")
    result = run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "-o", str(out))
    assert result.stdout == ""
    assert len(out.read_text().splitlines()) == 6
    result = run("replay", str(files / "acme.price"), str(files / "none.jsonl"))
    assert result.exit_code == 0
    assert "0 events in = 0 accepted + 0 refused + 0 rejected + 0 repeated: there are no events" in result.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///no/such/folder/x.db", "the ledger cannot be used"),
        ("redis://localhost", "the ledger cannot be used"),
        ("ledger.db", "the ledger cannot be used"),
    ],
)
def test_a_ledger_that_cannot_be_used_is_exit_2(files: Path, url: str, said: str) -> None:
    result = run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "--ledger", url)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_ledger_of_another_ruleset_is_refused(files: Path) -> None:
    url = f"sqlite:///{files / 'ledger.db'}"
    run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "--ledger", url)
    (files / "other.price").write_text(RULES.replace("acme", "other").replace("${price}", "$1"))
    result = run("replay", str(files / "other.price"), str(files / "events.jsonl"), "--ledger", url)
    assert result.exit_code == 2
    assert "begun for the ruleset `acme`" in result.stderr


def test_rerate_posts_the_difference_once(files: Path) -> None:
    url = f"sqlite:///{files / 'ledger.db'}"
    run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "--ledger", url)
    (files / "acme.price").write_text(RULES.replace("${price}", "$0.50"))
    dry = run("rerate", str(files / "acme.price"), "--ledger", url, "--dry-run")
    assert dry.stdout == "ada: 2 records, 2 of them come to something else; would post -2.5 USD\n"
    done = run("rerate", str(files / "acme.price"), "--ledger", url)
    assert done.stdout == "ada: 2 records, 2 of them come to something else; posted -2.5 USD\n"
    again = run("rerate", str(files / "acme.price"), "--ledger", url, "--id", "second")
    assert again.stdout == "ada: 2 records, 0 of them come to something else; posted 0 USD\n"
    nobody = run("rerate", str(files / "acme.price"), "--ledger", url, "--account", "eve")
    assert nobody.exit_code == 2
    assert "no account `eve`" in nobody.stderr


def test_rerate_of_some_days_only(files: Path) -> None:
    url = f"sqlite:///{files / 'ledger.db'}"
    run("replay", str(files / "acme.price"), str(files / "events.jsonl"), "--ledger", url)
    (files / "acme.price").write_text(RULES.replace("${price}", "$2"))
    done = run(
        "rerate", str(files / "acme.price"), "--ledger", url, "--from", "2026-02-17T09:03:00Z", "--to", "2026-02-17"
    )
    assert done.stdout == "ada: 2 records, 1 of them come to something else; posted 4 USD\n"

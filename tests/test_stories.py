"""The stories of the five rulesets, and of the docs' account page, through every store; and what stories can say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pricelang
from pricelang.core.program import Example
from pricelang.trial.stories import tell

RULESETS = Path(__file__).parent.parent / "rulesets"
STORIES = [
    (folder.name, example.name)
    for folder in sorted(RULESETS.iterdir())
    if folder.is_dir()
    for example in pricelang.load(folder).program.examples
    if example.story
]


def story(ruleset: str, name: str) -> tuple[pricelang.Ruleset, Example]:
    rules = pricelang.load(RULESETS / ruleset)
    return rules, next(example for example in rules.program.examples if example.name == name)


def own_ids(example: Example, run: str) -> Example:
    """The story with ids of its own, so that several can share a ledger."""
    from dataclasses import replace

    from pricelang.core.program import ExampleRecord

    def renamed(value: Any) -> Any:
        return f"{run}/{value}" if isinstance(value, str) and value.startswith("example-") else value

    items = []
    for item in example.items:
        if isinstance(item, ExampleRecord):
            raw = {key: renamed(value) for key, value in item.raw.items()}
            raw["account"] = f"{run}/{raw['account']}"
            item = replace(item, raw=raw)
        items.append(item)
    accounts = {f"{run}/{name}": values for name, values in example.accounts.items()}
    return replace(example, items=tuple(items), accounts=accounts)


def test_there_are_stories() -> None:
    assert len(STORIES) > 40
    assert {ruleset for ruleset, _ in STORIES} == {"gpu_credits", "sensenova", "tensoras", "tensormesh", "thinnestai"}


@pytest.mark.parametrize("store", ["memory", "sqlite", "postgres"])
@pytest.mark.parametrize("ruleset", sorted({ruleset for ruleset, _ in STORIES}))
def test_stories_hold_in_every_store(ruleset: str, store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each ruleset's stories in one ledger, each with accounts of its own."""
    rules = pricelang.load(RULESETS / ruleset)
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'ledger.db'}"}.get(store)
    if url is None:
        url = fresh(request.getfixturevalue("postgres_url"), ruleset)
    with pricelang.Ledger.open(url, rules) as ledger:
        for number, example in enumerate(one for one in rules.program.examples if one.story):
            if len(example.items) > 100 and store != "memory":
                continue  # hundreds of requests in a minute: the store makes no difference to them
            findings, _ = tell(ledger, own_ids(example, f"run-{number}"))
            assert [finding.message for finding in findings] == [], example.name


def fresh(url: str, name: str) -> str:
    """A database of its own on the server."""
    import psycopg

    made = f"stories_{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {made}")
        connection.execute(f"CREATE DATABASE {made}")
    head, _, query = url.partition("?")
    return head.rsplit("/", 1)[0] + f"/{made}" + (f"?{query}" if query else "")


HEAD = """
ruleset acme
  currency USD

usage chat
  tokens_in  tokens

price chat
  input:  tokens_in at $1 per 1M tokens

topup
  | pay | bonus |
  |-----|-------|
  | any | 10%   |

"""


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ("2026-02-17 09:00 topup $10\n  expect balance $10", "the balance comes to 11 USD"),
        ("2026-02-17 09:00 topup $10\n  expect refused 402", "this is accepted"),
        ("2026-02-17 09:00 topup $10\n  expect alert by low", "what is told is nothing"),
        ("2026-02-17 09:00 redeem X\n  expect balance $0", "code"),
        ("2026-02-17 09:00 chat: tokens_in 1M\n  expect balance -$2", "the balance comes to -1 USD"),
        ("2026-02-17 09:00 topup $10\n  expect receipt $11", "the receipt comes to 10 USD"),
        ("2026-02-17 09:00 payment\n  expect accepted", "this is refused as input: no order is open"),
        ("2026-02-17 09:00 chat 3 times: tokens_in 1M\n  expect total $4", "the total comes to 3 USD"),
        ("2026-02-17 09:00 chat 0 times: tokens_in 1M\n  expect total $4", "`0 times` is no count"),
    ],
)
def test_a_story_that_does_not_hold_says_what_came(story: str, said: str) -> None:
    limit = "limit low\n  balance may fall to $0\n  alert\n\n"
    with pytest.raises(pricelang.RulesetError) as caught:
        pricelang.load_text(f'{HEAD}{limit}example "a story"\n  given account a\n  {story}\n')
    assert any(said in finding.message for finding in caught.value.findings), caught.value.findings


def test_authorize_settle_release_correct_and_refund_in_a_story() -> None:
    text = """example "a call in two steps"
  given account a
  2026-02-17 09:00 topup $10
  expect balance $11
  2026-02-17 09:01 authorize chat: tokens_in 5M
  expect balance $6
  2026-02-17 09:02 settle chat: tokens_in 2M
  expect charge $2
  expect balance $9
  2026-02-17 09:03 authorize chat: tokens_in 5M
  2026-02-17 09:04 release
  expect balance $9
  2026-02-17 09:05 chat: tokens_in 4M
  2026-02-17 09:06 correct chat: tokens_in 1M
  expect charge -$3
  expect balance $8
  2026-02-17 09:07 correct
  expect balance $9
  2026-02-17 09:08 refund $5
  expect balance $3.50
  expect total $2
"""
    assert pricelang.load_text(HEAD + text).name == "acme"

"""`test --coverage`: what the examples touch is what the engine did, by kind, with places; and the gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from click.testing import Result

import pricelang
from pricelang.cli.main import commands
from pricelang.trial import outcomes
from pricelang.trial.coverage import Coverage
from pricelang.trial.coverage import coverage_of
from pricelang.trial.watch import watched

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.name for path in (ROOT / "rulesets").iterdir() if path.is_dir())

RULES = """\
ruleset all_kinds
  currency USD
  round each charge to $0.01, half up

unit page
unit image

hours night
  Monday to Sunday  22:00 to 06:00

account
  plan   one of Free or Pro, default Free
  quota  requests, optional

usage chat
  model   text
  tokens  tokens
  images  images, default 0
  pages   pages, default 0

resource server
  size  GB, may change

table models by model, per 1M tokens
  | model | input | notes    |
  |-------|-------|----------|
  | a     | $1    | "anyone" |
  | b     | $2    | "few"    |
  | c     | —     | "none"   |

  from 2026-06-01
    | model | input |
    | a     | $3    |

allowance free_images
  10 images every month

price chat when account.plan is Free
  input:   tokens at models.input
    less 50% "night" during night
    at most $100
  images:  images beyond free_images at $0.10 per image
  pages:   pages at graduated
    up to 5: $1 per page
    above 5 up to 10: $0.50 per page
    above 10: not offered
  flat:    requests at
    when model is b: $5 per request
    otherwise: $1 per request

price chat when account.plan is Pro
  input:  tokens at models.input

price server
  hours:  $0.60 every started hour
  size:   size not charged "included"

price account
  plan:  $29 every month in advance when account.plan is Pro

funds
  pay for server

topup "Add funds"
  | pay         | bonus |
  |-------------|-------|
  | $10         | 5%    |
  | any from $5 | 0%    |

refill $20 when balance below $1

grant welcome $3 on signup

grant later $1 on code LATER

limit rpm
  requests each minute may not exceed account.quota
  alert at 50%
  refuse chat with 429

limit funds_left
  balance may fall to $0
  refuse server with 402
  suspend server
"""


def covered(examples: str) -> Coverage:
    rules = pricelang.load_text(RULES + examples)
    watch, outcomes = watched(rules.program)
    assert not [one for outcome in outcomes.values() for one in outcome.failures]
    return coverage_of(rules.program, watch)


def missed(coverage: Coverage) -> set[str]:
    return {point.what for point in coverage.missed}


def counts(coverage: Coverage) -> dict[str, str]:
    return {kind: f"{mine}/{of}" for kind, (mine, of) in coverage.counts().items()}


def test_the_rules_are_clean_but_for_what_the_table_notes() -> None:
    found = pricelang.load_text(RULES + CHAT).findings
    assert [one.slug for one in found if one.is_error] == []


CHAT = """
example "a chat"
  2026-02-17 10:00 chat: model a, tokens 1M
  expect charge $2
"""


def test_one_example() -> None:
    coverage = covered(CHAT)
    assert counts(coverage) == {
        "row": "1/3",
        "layer": "0/1",
        "cell": "1/4",
        "price": "1/2",
        "line": "2/7",
        "case": "1/2",
        "band": "0/3",
        "step": "0/3",
        "condition": "1/3",
        "hours": "1/2",
        "allowance": "0/2",
        "fee": "0/1",
        "grant": "0/2",
        "package": "0/2",
        "refill": "0/1",
        "refusal": "0/2",
        "suspension": "0/1",
        "alert": "0/1",
    }
    told = missed(coverage)
    assert {"row `b` of models", "price chat", "allowance `free_images`: units taken"} <= told
    # a cell of a row that is missed as a whole is not told again, nor a line of a price
    assert not any("of `b`" in what for what in told)
    places = [(one.place.path, one.place.line) for one in coverage.missed]
    assert places == sorted(places)
    assert ("rules.price", 28) in places  # row b
    assert coverage.percent == 100 * coverage.total[0] // coverage.total[1]


@pytest.mark.parametrize(
    ("example", "touched"),
    [
        (
            "  2026-02-17 23:00 chat: model b, tokens 1M\n  expect charge $6\n",
            {"row `b` of models", "within hours `night`", "line `flat` of chat: case 1",
             'line `input` of chat: "night" changes something', 'line `input` of chat: condition of "night" met'},
        ),
        ("  2026-06-01 10:00 chat: model a, tokens 1M\n  expect charge $4\n", {"`from 2026-06-01` of models"}),
        ("  2026-02-17 10:00 chat: model c, tokens 1M\n  expect rejected not-offered\n", {"row `c` of models"}),
        (
            "  2026-02-17 10:00 chat: model a, tokens 101M\n  expect charge $101\n",
            {"line `input` of chat: `at most` changes something"},
        ),
        (
            "  2026-02-17 10:00 chat: model a, tokens 4,000\n  expect charge $1\n",
            {"rounding of each charge"},
        ),
        (
            "  2026-02-17 10:00 chat: model a, tokens 0, images 11\n  expect charge $1.10\n",
            {"allowance `free_images`: units taken", "allowance `free_images`: used up", "line `images` of chat"},
        ),
        (
            "  2026-02-17 10:00 chat: model a, tokens 0, pages 7\n  expect charge $7\n",
            {"line `pages` of chat", "line `pages` of chat: band 1", "line `pages` of chat: band 2"},
        ),
        (
            "  2026-02-17 10:00 chat: model a, tokens 0, pages 11\n  expect rejected not-offered\n",
            {"line `pages` of chat: band 3"},
        ),
        (
            "  given account a-1: plan Pro\n  2026-02-17 10:00 chat: model a, tokens 1M\n  expect charge $1\n",
            {"price chat", "line `input` of chat"},
        ),
        (
            "  2026-02-17 10:00 signup: plan Pro\n  expect balance $3\n",
            {"fee `plan`", "grant `welcome`"},
        ),
        (
            "  given account a-1\n  2026-02-17 10:00 topup $10\n  expect balance $10.50\n"
            "  2026-02-17 10:01 redeem LATER\n  expect balance $11.50\n",
            {"top-up `$10`", "grant `later`"},
        ),
        (
            "  given account a-1: quota 2\n  2026-02-17 10:00 chat 2 times: model a, tokens 1M\n"
            "  2026-02-17 10:00:01 chat: model a, tokens 1M\n  expect refused 429 by rpm\n",
            {"limit `rpm`: refused with 429", "limit `rpm`: alert at 50%"},
        ),
        (
            "  given account a-1\n  2026-02-17 10:00 topup $5\n  2026-02-17 10:01 start server s-1: size 1\n"
            "  2026-02-17 20:00 clock\n  expect suspended by funds_left\n"
            "  2026-02-17 20:01 start server s-2: size 1\n  expect refused 402 by funds_left\n",
            {"top-up `any from $5`", "limit `funds_left`: refused with 402", "limit `funds_left`: server suspended",
             "refill", "line `hours` of server"},
        ),
    ],
)  # fmt: skip
def test_what_another_example_adds(example: str, touched: set[str]) -> None:
    before = covered(CHAT)
    after = covered(CHAT + '\nexample "another"\n' + example)
    new = {one.what for one in before.points if not before.is_touched(one)} - {
        one.what for one in after.points if not after.is_touched(one)
    }
    assert touched <= new
    assert after.total[0] > before.total[0]


@pytest.mark.parametrize("name", NAMES)
def test_watched_examples_go_as_others_do(name: str) -> None:
    """Watching changes nothing: the same outcomes, also of records that have something to tell and stories."""
    program = pricelang.load(ROOT / "rulesets" / name).program
    _, seen = watched(program)
    assert [one.failures for one in outcomes(program)] == [one.failures for one in seen.values()]


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, ["test", *words], env={"NO_COLOR": "1"})


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.price").write_text(RULES + CHAT, encoding="utf-8")
    return tmp_path / "x.price"


def test_the_report(rules: Path) -> None:
    result = run("--coverage", "x.price")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "x.price: 1 passed, 0 failed"
    assert lines[1].startswith("x.price: coverage 19% (8 of 42: rows 1/3, layers 0/1, cells 1/4, ")
    assert "  x.price:28  row `b` of models: no example" in lines


def test_the_gate(rules: Path) -> None:
    result = run("--coverage", "--fail-under", "20", "x.price")
    assert result.exit_code == 1
    assert "x.price: coverage 19% is less than 20%" in result.output
    assert run("--coverage", "--fail-under", "19", "x.price").exit_code == 0


def test_as_json(rules: Path) -> None:
    result = run("--coverage", "--output-format", "json", "x.price")
    (told,) = json.loads(result.stdout)
    assert told["coverage"]["percent"] == 19
    assert told["coverage"]["kinds"]["top-up packages"] == {"touched": 0, "total": 2}
    row = next(one for one in told["coverage"]["missed"] if one["what"] == "row `b` of models")
    assert (row["path"], row["line"], row["kind"]) == ("x.price", 28, "row")


def test_examples_that_fail_still_fail(rules: Path) -> None:
    rules.write_text(RULES + CHAT.replace("charge $2", "charge $3"), encoding="utf-8")
    result = run("--coverage", "x.price")
    assert result.exit_code == 1
    assert "FAILED a chat" in result.output
    assert "coverage 19%" in result.output


def test_no_examples_at_all(rules: Path) -> None:
    rules.write_text(RULES, encoding="utf-8")
    assert "coverage 0% (0 of 42" in run("--coverage", "x.price").output


@pytest.mark.parametrize("words", [("--fail-under", "5"), ("--coverage", "--output-format", "junit"), ("--coverage", "--most", "3"),
                                   ("--coverage", "--fail-under", "101"), ("--mutate", "--most", "0")])  # fmt: skip
def test_options_that_do_not_go_together(rules: Path, words: tuple[str, ...]) -> None:
    result = run(*words, "x.price")
    assert result.exit_code == 2
    assert "Error: " in result.output


def test_normal_runs_watch_nothing(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith(("pricelang.trial.", "pricelang.cli.exercise"))]:
        monkeypatch.delitem(sys.modules, name)
    assert run("x.price").exit_code == 0
    assert not {"pricelang.trial.watch", "pricelang.trial.mutate", "pricelang.cli.exercise"} & set(sys.modules)

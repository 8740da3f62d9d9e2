"""`test --mutate`: which changes are made, which examples are asked, and that proposed examples tell what they are for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from click.testing import Result

import pricelang
from pricelang.cli.main import commands
from pricelang.cli.proposals import written
from pricelang.files import Folder
from pricelang.library import checked
from pricelang.source import Source
from pricelang.trial.mutants import Mutant
from pricelang.trial.mutants import mutants_of
from pricelang.trial.mutate import MutantTrial
from pricelang.trial.mutate import mutate
from pricelang.trial.mutate import sharing
from pricelang.trial.propose import proposals
from pricelang.trial.watch import watched
from reference.generate import Generator
from reference.write import write

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.name for path in (ROOT / "rulesets").iterdir() if path.is_dir())

RULES = """\
ruleset changes
  currency USD
  round each charge to $0.01, half up

unit page
unit image

hours night
  Monday to Sunday  22:00 to 06:00

account
  quota  requests, optional

usage chat
  model   text
  tokens  tokens
  images  images, default 0
  pages   pages, default 2
  idle    pages, default 1

table models by model, per 1M tokens
  | model | input  | notes |
  |-------|--------|-------|
  | a     | $1.50  | $7    |
  | b     | free   | $8    |

  from 2026-06-01 until 2026-06-30
    | model | input        |
    | a     | $2 per 1K tokens |

table sizes by tokens
  | tokens         | fee |
  |----------------|-----|
  | up to 1,000    | $1  |
  | above 1,000    | $2  |

allowance free_images
  10 images every month
  unused kept 2 months, at most 15 images

price chat
  input:   tokens at models.input
    less 12.5% during night
    at most $100
  images:  images beyond free_images at $0.10 per image
  pages:   pages in steps of 5 pages at volume
    up to 50: $1 per page
    above 50: $2.25 per page
  size:    sizes.fee
  flat:    requests at
    when tokens above 5K: $3 per request
    otherwise: $1 per request
  idle:    idle not charged "not used"

topup "Add funds"
  | pay            | bonus |
  |----------------|-------|
  | $10            | 5%    |
  | from $20       | 10%   |

grant welcome $3 on signup, expires after 30 days

limit rpm
  requests each minute may not exceed 4 requests
  alert at 50%
  refuse with 429

limit funds_left
  balance may fall to $0
  refuse with 402
"""
CHAT = """
example "a chat"
  2026-02-17 10:00 chat: model a, tokens 2M
  expect charge $13
"""


def load(text: str) -> pricelang.Ruleset:
    return pricelang.load_text(text)


def told(rules: pricelang.Ruleset) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for one in mutants_of(rules.program, rules.sources):
        found.setdefault(one.place.line, set()).add(f"{one.old} → {one.new}")
    return found


def test_the_changes_that_are_made() -> None:
    rules = load(RULES)
    lines = {number: line.strip() for number, line in enumerate(RULES.splitlines(), 1)}
    by_text = {lines[number]: changes for number, changes in told(rules).items()}
    assert by_text == {
        "round each charge to $0.01, half up": {"half up → half down", "$0.01 → $0.02"},
        "hours night": {"from 22:00 → from 22:01", "to 06:00 → to 06:01"},
        "images  images, default 0": {"default 0 → default 1"},
        "pages   pages, default 2": {"default 2 → default 3"},
        "| a     | $1.50  | $7    |": {"$1.50 → $1.51"},
        "| b     | free   | $8    |": {"free → 0.01 USD per 1,000,000 tokens"},
        "from 2026-06-01 until 2026-06-30": {
            "from 2026-06-01 → from 2026-06-02",
            "until 2026-06-30 → until 2026-07-01",
        },
        "| a     | $2 per 1K tokens |": {"$2 → $3"},
        "| up to 1,000    | $1  |": {"$1 → $2", "1,000 → 1,001", "up to 1,000 → below 1,000"},
        "| above 1,000    | $2  |": {"$2 → $3"},
        "allowance free_images": {"kept for 2 periods → kept for 3 periods"},
        "10 images every month": {"10 images → 11 images"},
        "unused kept 2 months, at most 15 images": {"15 images → 16 images"},
        "less 12.5% during night": {"12.5% → 12.6%"},
        "at most $100": {"$100 → $101"},
        "images:  images beyond free_images at $0.10 per image": {"$0.10 → $0.11"},
        "pages:   pages in steps of 5 pages at volume": {"5 pages → 6 pages"},
        "up to 50: $1 per page": {"$1 → $2", "50 → 51", "up to 50 → below 50"},
        "above 50: $2.25 per page": {"$2.25 → $2.26"},
        "when tokens above 5K: $3 per request": {"5K → 5,001", "above … → at least …", "$3 → $4"},
        "otherwise: $1 per request": {"$1 → $2"},
        "| $10            | 5%    |": {"$10 → $11", "5% → 6%"},
        "| from $20       | 10%   |": {"10% → 11%", "$20 → $21", "from $20 → above $20"},
        "grant welcome $3 on signup, expires after 30 days": {"$3 → $4", "30 days → 31 days"},
        "limit rpm": {"refuse with 429 → refuse with 402", "alert at 50% → alert at 51%"},
        "requests each minute may not exceed 4 requests": {"4 requests → 5 requests"},
        "limit funds_left": {"refuse with 402 → refuse with 429"},
        "balance may fall to $0": {"$0 → $1"},
    }


def by_text(rules: pricelang.Ruleset, change: str) -> Mutant:
    return next(one for one in mutants_of(rules.program, rules.sources) if f"{one.old} → {one.new}" == change)


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        ("$1.50 → $1.51", "| $1.50  |", "| $1.51  |"),
        ("$2 → $3", "| $2 per 1K tokens |", "| $3 per 1K tokens |"),
        ("from 2026-06-01 → from 2026-06-02", "from 2026-06-01 until", "from 2026-06-02 until"),
        ("until 2026-06-30 → until 2026-07-01", "until 2026-06-30", "until 2026-07-01"),
        ("12.5% → 12.6%", "12.5%", "12.6%"),
        ("half up → half down", "half up", "half down"),
        ("5K → 5,001", "above 5K", "above 5,001"),
        ("above … → at least …", "tokens above 5K", "tokens at least 5K"),
        ("from 22:00 → from 22:01", "22:00", "22:01"),
        ("50 → 51", "up to 50: $1 per page\n    above 50", "up to 51: $1 per page\n    above 51"),
        ("up to 50 → below 50", "up to 50: $1 per page\n    above 50", "below 50: $1 per page\n    from 50"),
        ("1,000 → 1,001", "up to 1,000    | $1  |\n  | above 1,000", "up to 1,001    | $1  |\n  | above 1,001"),
        (
            "up to 1,000 → below 1,000",
            "up to 1,000    | $1  |\n  | above 1,000",
            "below 1,000    | $1  |\n  | from 1,000",
        ),
        ("5% → 6%", "| 5% ", "| 6% "),
        ("$10 → $11", "| $10 ", "| $11 "),
        ("from $20 → above $20", "| from $20 ", "| above $20 "),
        ("30 days → 31 days", "30 days", "31 days"),
        ("alert at 50% → alert at 51%", "alert at 50%", "alert at 51%"),
        ("4 requests → 5 requests", "4 requests", "5 requests"),
        ("refuse with 429 → refuse with 402", "with 429", "with 402"),
        ("15 images → 16 images", "at most 15", "at most 16"),
        ("kept for 2 periods → kept for 3 periods", "kept 2 months", "kept 3 months"),
        ("default 2 → default 3", "default 2", "default 3"),
    ],
)
def test_a_change_is_what_the_changed_text_would_be(change: str, old: str, new: str) -> None:
    """The changed core is the core of the text with the number changed in it."""
    rules = load(RULES)
    assert RULES.count(old) == 1, old
    text = load(RULES.replace(old, new)).program
    core = by_text(rules, change).of(rules.program)
    for part in ("tables", "prices", "policy", "allowances", "hours", "usages", "round_charge"):
        left, right = core_of(getattr(core, part)), core_of(getattr(text, part))
        assert left == right, part


def core_of(node: object) -> object:
    """A part of the core without places and words that are only shown."""
    if isinstance(node, tuple):
        return [core_of(one) for one in node]
    if isinstance(node, dict):
        return {key: core_of(value) for key, value in node.items()}
    if not hasattr(node, "__plain_fields__"):
        return node
    hidden = ("place", "shown")
    names = [one.name for one in node.__plain_fields__ if one.name not in hidden]  # type: ignore[attr-defined]
    if type(node).__name__ == "Place":
        return None
    return type(node).__name__, [core_of(getattr(node, name)) for name in names]


@pytest.mark.parametrize("name", NAMES)
def test_only_examples_that_can_notice_are_run(name: str) -> None:
    """What the map of touched things leaves out would not have noticed either."""
    rules = pricelang.load(ROOT / "rulesets" / name)
    watch, outcomes = watched(rules.program)
    passing = {name for name, outcome in outcomes.items() if not outcome.failures}
    found = mutate(rules.program, rules.sources, watch, passing)
    assert found.noticed > 0
    engine = sharing()
    for mutant in found.survivors:
        trial = MutantTrial(mutant.of(rules.program), engine)
        assert not [one.name for one in rules.program.examples if trial.notices(one)], str(mutant)


def test_examples_notice_what_they_touch() -> None:
    rules = load(RULES + CHAT)
    watch, outcomes = watched(rules.program)
    found = mutate(rules.program, rules.sources, watch, set(outcomes))
    noticed = {str(one) for one in mutants_of(rules.program, rules.sources)} - {str(one) for one in found.survivors}
    assert "input of a: $1.50 → $1.51" in noticed
    assert "chat: flat: $3 → $4" in noticed
    assert "chat: pages: 5 pages → 6 pages" in noticed
    assert "pages: default 2 → default 3" not in noticed  # a step of five is a step of five
    assert "chat: flat: 5K → 5,001" not in noticed
    assert found.percent == 100 * found.noticed // found.tried


def test_examples_that_fail_anyway_notice_nothing() -> None:
    rules = load(RULES + CHAT)
    watch, _ = watched(rules.program)
    assert mutate(rules.program, rules.sources, watch, set()).noticed == 0


def test_drawn_by_a_seed() -> None:
    rules = load(RULES + CHAT)
    watch, outcomes = watched(rules.program)

    def drawn(seed: int) -> list[str]:
        found = mutate(rules.program, rules.sources, watch, set(outcomes), most=12, seed=seed)
        assert found.tried == 12
        assert found.mutants > 35
        return [str(one) for one in found.survivors]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


# --- proposed examples ----------------------------------------------------------------------------------------------


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, [*words], env={"NO_COLOR": "1"})


def proposed_in(output: str) -> str:
    return output.partition("Examples that notice more:\n")[2]


def unnoticed_in(output: str) -> list[str]:
    return [line for line in output.splitlines() if ": no example notices" in line]


def test_each_change_of_the_rules_has_an_example_that_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "x.price"
    file.write_text(RULES + CHAT, encoding="utf-8")
    before = run("test", "--mutate", "x.price")
    assert before.exit_code == 0
    without = [line for line in unnoticed_in(before.output) if "none was found" in line]
    # units that are kept show in the second month at the earliest; ten images are free; of steps of five pages none ends
    # between 50 and 51; and a charge that is capped and rounded does not empty a balance to the cent
    assert {line.split("  ")[-1].partition(": no example")[0] for line in without} <= {
        "images: default 0 → default 1",
        "pages: default 2 → default 3",
        "allowance free_images: kept for 2 periods → kept for 3 periods",
        "allowance free_images: 15 images → 16 images",
        "chat: pages: 50 → 51",
        "limit funds_left: refuse with 402 → refuse with 429",
        "limit funds_left: $0 → $1",
    }
    file.write_text(RULES + CHAT + proposed_in(before.output), encoding="utf-8")
    assert run("check", "x.price").output == "1 ruleset checked: no findings\n"
    after = run("test", "--mutate", "--fail-under", "80", "x.price")
    assert after.exit_code == 0, after.output
    assert len(unnoticed_in(after.output)) == len(without)


@pytest.mark.parametrize("name", NAMES)
def test_pasted_into_the_shipped_rulesets(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed examples are clean, hold, and leave unnoticed only what was said to be without an example."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "rulesets" / name, tmp_path / name)
    before = run("test", "--mutate", name)
    file = tmp_path / name / f"{name}.price"
    text = proposed_in(before.output)
    assert text.count('example "') >= 6
    file.write_text(file.read_text(encoding="utf-8") + "\n" + text.strip("\n") + "\n", encoding="utf-8")
    assert run("check", "--strict", name).output == "1 ruleset checked: no findings\n"
    assert run("fmt", "--check", name).exit_code == 0, "in the one layout"
    after = run("test", "--mutate", name)
    left = [line.split("  ")[-1] for line in unnoticed_in(after.output)]
    said = [line.split("  ")[-1] for line in unnoticed_in(before.output) if "none was found" in line]
    assert left == said


@pytest.mark.parametrize("start", range(0, 12, 3))
def test_of_random_rulesets(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example that is found can be written, reads clean, holds, and tells its change."""
    count = 0
    for seed in range(start, start + 3):
        made = write(Generator(seed).case().rules, Random(seed))
        rules = pricelang.load_text(made.text, name="x.price", files=made.files)
        every = mutants_of(rules.program, rules.sources)
        for one in every:
            assert core_of(one.of(rules.program)) != core_of(rules.program), str(one)
        drawn = Random(seed).sample(every, min(3, len(every)))
        found = proposals(rules.program, drawn, sharing())
        monkeypatch.setattr("pricelang.cli.proposals.Folder", lambda file, files=made.files: Folder(file, files))
        texts = written(rules.program, Path("x.price"), rules.sources, found.proposals)
        assert [mutant for mutant, _ in texts] == [one.mutant for one in found.proposals]
        for mutant, text in texts:
            again = checked(Source("x.price", made.text + "\n" + text), Folder("x.price", made.files))
            assert not again.has_errors
            assert again.program is not None
            assert MutantTrial(mutant.of(again.program), sharing()).notices(again.program.examples[-1])
            count += 1
    assert count >= 2


def test_a_change_that_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "ruleset x\n  currency USD\n\nusage call\n  minutes  minutes\n\nprice call\n  talk:  minutes at $0\n"
    text = text.replace("at $0", "at $1 per minute\n    at most $100\n    at most $90")
    (tmp_path / "x.price").write_text(text, encoding="utf-8")
    lines = unnoticed_in(run("test", "--mutate", "x.price").output)
    assert [line.strip() for line in lines if "$100" in line] == [
        "x.price:9  call: talk: $100 → $101: no example notices, and none was found that would"
    ]


def test_as_json_and_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.price").write_text(RULES.partition("topup")[0] + CHAT, encoding="utf-8")
    result = run("test", "--mutate", "--coverage", "--output-format", "json", "--fail-under", "80", "x.price")
    assert result.exit_code == 1
    (told,) = json.loads(result.stdout)
    mutation = told["mutation"]
    assert mutation["changes"] == mutation["tried"] == mutation["noticed"] + len(mutation["unnoticed"])
    assert mutation["percent"] < 90
    assert any(one.startswith('example "') for one in mutation["proposed"])
    one = next(one for one in mutation["unnoticed"] if one["to"] == "5,001")
    assert (one["path"], one["kind"], one["from"], one["without_example"]) == ("x.price", "number", "5K", False)
    assert "noticed changes" in result.stderr
    assert run("test", "--mutate", "x.price").exit_code == 0

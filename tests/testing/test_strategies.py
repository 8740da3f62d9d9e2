"""Strategies: what they draw is taken, refused or priced as they say, on the shipped and on random rulesets."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as hyp

import pricelang
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.testing import strategies as st
from reference.generate import Generator
from reference.write import write

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.name for path in (ROOT / "rulesets").iterdir() if path.is_dir())
RULES = {name: pricelang.load(ROOT / "rulesets" / name) for name in NAMES}
BUSY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
FEW = settings(parent=BUSY, max_examples=8)


def random_rules(seed: int) -> pricelang.Ruleset:
    written = write(Generator(seed).case().rules, Random(seed))
    return pricelang.load_text(written.text, name="x.price", files=written.files)


@pytest.mark.parametrize("name", NAMES)
def test_records_are_taken(name: str) -> None:
    rules, seen = RULES[name], Counter()
    intake = Intake(rules.program)

    @BUSY
    @given(st.records(rules))
    def taken(record: dict) -> None:
        seen[intake.read(record).type] += 1

    taken()
    assert set(seen) == set(rules.program.usages), "every usage is drawn"


@pytest.mark.parametrize("name", NAMES)
def test_records_with_a_price(name: str) -> None:
    rules = RULES[name]

    @BUSY
    @given(hyp.data())
    def priced(data: hyp.DataObject) -> None:
        account = data.draw(st.accounts(rules))
        record = data.draw(st.records(rules, priced=True, attributes=account))
        assert rules.rate(record, account=account).exact_amount >= 0

    priced()


@pytest.mark.parametrize("name", NAMES)
def test_invalid_records_are_refused_with_their_code(name: str) -> None:
    rules, seen = RULES[name], Counter()
    intake = Intake(rules.program)

    @settings(parent=BUSY, max_examples=200)
    @given(st.invalid_records(rules))
    def refused(one: st.Invalid) -> None:
        with pytest.raises(RecordError) as error:
            intake.read(one.record)
        assert error.value.code == one.code, (one, error.value.message)
        seen[one.code] += 1

    refused()
    assert len(seen) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_events_are_well_formed(name: str) -> None:
    rules = RULES[name]
    decided: Counter = Counter()
    wrong = {"unknown-type", "unknown-field", "missing-field", "wrong-type", "not-a-number", "too-large", "negative",
             "not-whole", "bad-time", "unknown-value", "unknown-account", "account-exists", "not-above-zero"}  # fmt: skip

    @BUSY
    @given(st.events(rules))
    def told(events: list[dict]) -> None:
        with pricelang.Ledger.open("memory://", rules) as ledger:
            for event, outcome in zip(events, ledger.apply_many(events), strict=True):
                decided[event["type"]] += outcome.accepted
                assert getattr(outcome, "code", None) not in wrong, (event, outcome.message)

    told()
    accepted = {kind for kind, count in decided.items() if count}
    assert {"signup", "clock"} <= accepted
    assert accepted & {*rules.program.usages, "start"}


def drawn_of(rules: pricelang.Ruleset, priced: list[dict]) -> None:
    intake = Intake(rules.program)

    @FEW
    @given(hyp.data())
    def drawn(data: hyp.DataObject) -> None:
        intake.read(data.draw(st.records(rules, unknown=True)))
        invalid = data.draw(st.invalid_records(rules))
        with pytest.raises(RecordError) as refused:
            intake.read(invalid.record)
        assert refused.value.code == invalid.code, (invalid, refused.value.message)
        account = data.draw(st.accounts(rules))
        record = data.draw(st.records(rules, account="a-7"))
        assert record["account"] == "a-7"
        with suppress(RecordError):  # not everything that can be sent has a price
            rules.rate(record, account=account)
            priced.append(record)

    drawn()


@pytest.mark.parametrize("start", range(0, 60, 6))
def test_random_rulesets(start: int) -> None:
    priced: list[dict] = []
    for seed in range(start, start + 6):
        drawn_of(random_rules(seed), priced)
    assert len(priced) >= 15


def drawn_from(strategy: hyp.SearchStrategy, count: int = 300) -> list:
    found: list = []

    @settings(parent=BUSY, max_examples=count, database=None, derandomize=True)
    @given(strategy)
    def each(one: object) -> None:
        found.append(one)

    each()
    return found


EDGES = pricelang.load_text("""\
ruleset edges
  currency USD
  timezone Asia/Kolkata

account
  plan   one of Free or Pro, default Free
  quota  requests, optional

hours night
  Monday to Sunday  22:00 to 06:00

usage call
  model   text
  tokens  tokens
  cached  tokens, part of tokens
  size    GB, default 3 GB
  batch   yes or no, optional
  note    text, optional

table models by model, per 1M tokens
  | model | input |
  |-------|-------|
  | a     | $1    |
  | like b* | $2  |
  | c     | —     |

  from 2026-06-01
    | model | input |
    | a     | $3    |

price call
  input:   rest of tokens at models.input
  cached:  cached at graduated
    up to 7,000 tokens: $1 per 1M tokens
    above 7,000 tokens: $2 per 1M tokens
  size:    size at $0.10 per GB
    less 50% during night
    less 10% when account.plan is Pro
""")


def test_records_lie_at_the_edges() -> None:
    found = drawn_from(st.records(EDGES, "call", unknown=True), 800)
    models = {one["model"] for one in found}
    assert {"a", "bx", "b", "c"} <= models
    assert models - {"a", "bx", "b", "c"}, "some that no row has"
    cached = {Fraction(one["cached"]) for one in found}
    assert {Fraction(7000), Fraction(7001), Fraction(6999)} <= cached
    assert max(cached) > 10**17
    times = {one["at"] for one in found}
    assert {"2026-05-31T18:30:00Z", "2026-05-31T18:29:59Z", "2026-05-31T18:30:01Z"} <= times
    assert any("." in at for at in times)
    assert any(at.endswith("+05:30") for at in times)
    assert {at[11:19] for at in times} & {"16:30:00", "00:30:00"}, "the edges of the night"
    assert len({"note" in one for one in found}) == 2
    assert any("size" in one and one["size"] is None for one in found)
    assert any(isinstance(one.get("size"), str) and "." in one["size"] for one in found)


def test_unknown_texts_only_where_wanted() -> None:
    assert {one["model"] for one in drawn_from(st.records(EDGES, "call"))} == {"a", "bx", "b", "c"}
    priced = drawn_from(st.records(EDGES, "call", priced=True))
    assert {one["model"] for one in priced} >= {"a", "bx", "b"}
    # of what is not offered, nothing can be used
    assert all(Fraction(one["tokens"]) == Fraction(one["cached"]) for one in priced if one["model"] == "c")


def test_accounts_leave_out_what_may_be_left_out() -> None:
    found = drawn_from(st.accounts(EDGES))
    assert {one.get("plan") for one in found} == {None, "Free", "Pro"}
    assert len({"quota" in one for one in found}) == 2


def test_a_usage_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="there is no usage `chat`; there are call"):
        st.records(EDGES, "chat")


def test_without_hypothesis(tmp_path: Path) -> None:
    (tmp_path / "hypothesis.py").write_text("raise ModuleNotFoundError('no hypothesis', name='hypothesis')\n")
    code = "import pricelang.testing.strategies"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "pip install 'pricelang[testing]'" in result.stderr

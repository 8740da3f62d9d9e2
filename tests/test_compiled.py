"""The compiled form against the definition: the same charge to the last digit and place, the same errors."""

from __future__ import annotations

import ast
import copy
import json
import pickle
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

import pricelang
from pricelang.core.program import ExampleRecord
from pricelang.engine.account import Account
from pricelang.engine.compiled import Compiled
from pricelang.engine.compiled import path_of
from pricelang.engine.compiled.scales import ROUNDINGS
from pricelang.engine.compiled.scales import atom
from pricelang.engine.compiled.scales import bare
from pricelang.engine.compiled.scales import fraction
from pricelang.engine.compiled.scales import scaled
from pricelang.engine.counts import Counts
from pricelang.engine.direct import Direct
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.record import Engine
from pricelang.number import MODES
from pricelang.number import NumberError
from pricelang.number import parse_decimal
from pricelang.number import round_to
from pricelang.period import instant_text
from pricelang.period import parse_instant
from reference.generate import Generator
from reference.generate import text
from reference.write import write

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("cases/*.price")) + sorted(HERE.parent.glob("rulesets/*/*.price"))
SAMPLED = [path for path in FILES if (path.parent / "usage.jsonl").exists()]
HEADER = 'ruleset tried "Tried"\n  currency USD\n  timezone UTC\n  bill every month\n'


class Both:
    """One ruleset by both paths; what the function gave back is counted."""

    def __init__(self, rules: pricelang.Ruleset) -> None:
        self.rules = rules
        self.engine = Engine(rules.program)
        self.compiled = Compiled(Engine(rules.program))
        self.direct = Direct(self.compiled)
        self.intake = Intake(rules.program)
        self.at_once = 0  # charges of records that were not read first
        self.alone = 0  # charges that the generated function made by itself

    def same(self, raw: dict[str, Any], values: dict[str, Any] | None = None, signup: str | None = None) -> Any:
        """What both paths say of a record; None where it is no record."""
        try:
            record = self.intake.read(raw)
            account = self.rules._account(record.account, values, signup)
        except pricelang.RecordError:
            return None
        got = self.same_record(record, account)
        self.same_direct(raw, account, got)
        return got

    def same_record(self, record: Record, account: Account) -> Any:
        expected = outcome(lambda: self.engine.rate(record, account, Counts()))
        got = outcome(lambda: self.compiled.rate(record, account))
        assert got == expected, f"{record}\n{account}"
        if isinstance(got, pricelang.Charge):
            assert got.as_dict() == expected.as_dict()
            for line in got.lines:
                assert {type(line.exact_quantity), type(line.exact_amount), type(line.exact_before)} == {Fraction}
            self.alone += self.compiled.compile(record.type)(record, account) is not None
        return got

    def same_direct(self, raw: dict[str, Any], account: Account, expected: Any) -> None:
        """A record charged as it was sent, without being read first: the same charge, or none at all."""
        got = self.direct.rate(raw, account)
        if got is None:
            return
        self.at_once += 1
        assert str(got.amount) == str(expected.amount)
        assert str(got.exact) == str(expected.exact)
        assert got.exact_amount == expected.exact_amount
        for mine, other in zip(got.lines, expected.lines, strict=True):
            assert (str(mine.amount), str(mine.exact)) == (str(other.amount), str(other.exact))
            assert (str(mine.quantity), type(mine.quantity)) == (str(other.quantity), type(other.quantity))
        again = self.direct.rate(raw, account)
        assert again is not None
        assert again.as_dict() == expected.as_dict()
        assert (again, hash(again), repr(again)) == (expected, hash(expected), repr(expected))


def outcome(rate: Any) -> Any:
    try:
        return rate()
    except pricelang.RecordError as error:
        return error.code, error.field, error.message


def both(rules: str) -> Both:
    return Both(pricelang.load_text(HEADER + rules))


def record(kind: str, at: str = "2026-02-17T10:00:00Z", **fields: Any) -> dict[str, Any]:
    return {"id": "r-1", "type": kind, "at": at, "account": "a-1", **fields}


# --- the rule files that are there ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_are_charged_alike(path: Path) -> None:
    tried = Both(pricelang.load(path))
    seen = 0
    for example in tried.rules.program.examples:
        for item in example.items:
            if isinstance(item, ExampleRecord):
                values = example.accounts.get(str(item.raw.get("account")), {})
                seen += tried.same(item.raw, values) is not None
    assert seen or path.stem == "lago_fees"  # that one has fees and no usage


@pytest.mark.parametrize("path", SAMPLED, ids=lambda path: path.stem)
def test_samples_are_charged_alike(path: Path) -> None:
    tried = Both(pricelang.load(path))
    for line in (path.parent / "usage.jsonl").read_text(encoding="utf-8").splitlines():
        tried.same(json.loads(line))


@pytest.mark.parametrize("path", SAMPLED, ids=lambda path: path.stem)
def test_streams_are_charged_alike(path: Path) -> None:
    fast = pricelang.load(path)
    slow = pricelang.Ruleset(fast.program, fast.sources, fast.findings, compiled=False)
    records = [json.loads(line) for line in (path.parent / "usage.jsonl").read_text(encoding="utf-8").splitlines()]
    wrong = [{**records[0], "id": "w-1", "model": "not-there"}, {**records[1], "at": "soon"}]
    got, expected = (list(rules.rate_stream([*records, *wrong, records[0]])) for rules in (fast, slow))
    assert got == expected
    assert [item.as_dict() for item in got] == [item.as_dict() for item in expected]


def test_worked_cases_are_charged_alike() -> None:
    rules: dict[str, Both] = {}
    for line in (HERE / "cases" / "expected.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        name = case["rules"]
        tried = rules.setdefault(name, Both(pricelang.load(HERE / "cases" / f"{name}.price")))
        for raw in case["records"]:
            tried.same(raw)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_code_has_no_float_and_names_its_rules(path: Path) -> None:
    rules = pricelang.load(path)
    compiled = Compiled(Engine(rules.program))
    for usage in rules.program.usages:
        how, why = compiled.path_of(usage)
        assert how in ("compiled", "definition")
        assert why
        if how == "definition":
            assert usage not in compiled.source
            continue
        text = compiled.source[usage]
        assert f"{path.name}:" in text
        for node in ast.walk(ast.parse(text)):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex))


# --- random rule files ------------------------------------------------------------------------------------------------


def plainly(raw: dict[str, Any]) -> dict[str, Any]:
    """The record with its instant as a whole second in UTC and its whole numbers as such."""
    found = dict(raw)
    for name, value in raw.items():
        if name == "at":
            with suppress(ValueError):  # what is no instant stays as it is
                found[name] = instant_text(Fraction(parse_instant(value).__floor__()))
        elif name not in ("id", "type", "account") and not isinstance(value, bool | int | None):
            try:
                number = parse_decimal(str(value))
            except NumberError:
                continue
            found[name] = int(number) if number.denominator == 1 else value
    return found


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_random_rulesets_are_charged_alike(first: int) -> None:
    charged = alone = at_once = 0
    for seed in range(first, first + 50):
        case = Generator(seed).case()
        written = write(case.rules, Random(seed))
        tried = Both(pricelang.load_text(written.text, name="x.price", files=written.files))
        signups = {name: text(at) for name, at in case.signups.items()}
        for raw in case.records:
            account = raw["account"]
            charge = tried.same(raw, case.accounts[account], signups.get(account))
            charged += isinstance(charge, pricelang.Charge)
            tried.same(plainly(raw), case.accounts[account], signups.get(account))
        alone += tried.alone
        at_once += tried.at_once
    assert alone > 0.6 * charged  # and not by leaving all of it to the definition
    assert at_once > 0.1 * charged, (at_once, charged)


# --- each construct by hand -------------------------------------------------------------------------------------------

CHAT = """
usage chat
  model          text
  service_tier   one of standard or batch, default standard
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens

table models by model, per 1M tokens
  | model                   | input | cached       | output |
  |-------------------------|-------|--------------|--------|
  | small-1                 | $0.05 | 50% of input | $0.10  |
  | large-1, large-1-latest | $0.20 | $0.05        | $0.60  |
  | it's "odd" \\ # model   | $1    | —            | custom |

  from 2026-03-01 until 2026-03-31 "spring offer"
    | model   | input |
    | large-1 | $0.10 |

  when service_tier is batch
    | model   | input | output |
    | large-1 | $0.10 | $0.30  |

price chat
  input:   rest of input_tokens at models.input
  cached:  cached_tokens at models.cached
  output:  output_tokens at models.output
"""


def test_cells_layers_and_shares() -> None:
    tried = both(CHAT)
    times = ("2026-02-28T23:59:59.999Z", "2026-03-01T00:00:00Z", "2026-03-31T23:59:59.5Z", "2026-04-01T00:00:00Z")
    for at in times:
        for model in ("small-1", "large-1", "large-1-latest", 'it\'s "odd" \\ # model', "large", ""):
            for tier in ("standard", "batch"):
                for sizes in ((0, 0, 0), (1000, 0, 500), (1000, 200, 0), (7, 7, 10**29)):
                    fields = dict(zip(("input_tokens", "cached_tokens", "output_tokens"), sizes, strict=True))
                    for values in ({}, {"models.output": "0.123456"}, {"models.output": Fraction(1, 3)}):
                        tried.same(record("chat", at, model=model, service_tier=tier, **fields), values)
    assert tried.compiled.path_of("chat")[0] == "compiled"
    assert tried.alone > 100


def test_a_record_that_does_not_fit_the_scale_goes_to_the_definition() -> None:
    tried = both(
        "usage pay\n  amount  USD\n\nprice pay\n  fee: 2.9% of amount\n    plus $0.30\n    rounded to $0.01, half up\n"
    )
    for amount in (0, 1, "12.34", "0.000001", "0.0000001", Fraction(1, 3), "1e-30", 10**29):
        tried.same(record("pay", amount=amount))
    assert tried.alone == 5


@pytest.mark.parametrize("mode", MODES)
def test_steps_and_roundings(mode: str) -> None:
    tried = both(f"""
usage call
  region    one of us, eu
  duration  seconds

price call
  minutes: duration
    at least 30 seconds
    in steps of 6 seconds when region is us
    at $0.0503 per minute
    less 50% when duration above 2 minutes
    plus 10% "surcharge" when region is us
    at least $0.01
    at most $50 each month
    rounded to $0.001, {mode}
  again: 3% of minutes
    less $0.01
    rounded to $0.0003, {mode}
  together
    at least $0.05
    less 10% "ten" when region is eu
    rounded to $0.01, {mode}
    at least $9 each day
""")
    for duration in (0, 1, "0.1", 30, "30.000001", 31, 59, 60, 119, 120, 121, 100_000, 10**12, "0.1234567"):
        for region in ("us", "eu"):
            tried.same(record("call", duration=duration, region=region))
    assert tried.alone >= 24


@pytest.mark.parametrize("kind", ["graduated", "volume"])
@pytest.mark.parametrize("each", ["", " each month", " each day in Europe/Berlin for each model"])
def test_bands_in_the_line(kind: str, each: str) -> None:
    tried = both(f"""
usage call
  model  text
  calls  requests

price call
  calls: calls at {kind}{each}
    allow tier-cliff "tried"
    up to 10: $5
    up to 100: free
    up to 200: $0.03 per request
    below 1000: $1 plus $0.02 per request
    up to 5000: $0.0007 per request
    above 5000: not offered
""")
    for calls in (0, 1, 9, 10, 11, 99, 100, 101, 200, 201, 999, 1000, 1001, 5000, 5001, 10**29):
        tried.same(record("call", calls=calls, model="a"))
    assert tried.alone == 15 - 1


@pytest.mark.parametrize("kind", ["graduated", "volume"])
def test_bands_in_a_table(kind: str) -> None:
    tried = both(f"""
usage call
  plan   text
  calls  requests

table bands by plan and calls
  | plan | calls         | price                | flat |
  | Pro  | up to 10      | free                 | $1   |
  | Pro  | up to 100     | $0.03 per request    | $0   |
  | Pro  | above 100     | $0.01 per request    | $2   |
  | Free | up to 10      | free                 | $0   |
  | Free | above 10      | —                    | $0   |
  | any  | up to 1000    | $0.10 per request    | $0   |

  from 2026-03-01
    | plan | calls     | price             |
    | Pro  | up to 100 | $0.02 per request |

price call
  calls: calls at {kind} bands.price plus bands.flat each month
    allow tier-cliff "tried"
""")
    for at in ("2026-02-17T10:00:00Z", "2026-03-17T10:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        for plan in ("Pro", "Free", "Other"):
            for calls in (0, 1, 10, 11, 100, 101, 1000, 1001):
                tried.same(record("call", at, calls=calls, plan=plan))
    assert tried.alone >= 30


def test_keys_that_are_bands_patterns_and_any() -> None:
    tried = both("""
usage chat
  model         text
  long          yes or no
  input_tokens  tokens

table sizes by model and input_tokens, per 1M tokens
  | model | input_tokens | price |
  | a     | up to 200K   | $1    |
  | a     | above 200K   | $2    |
  | b     | below 5      | $3    |
  | b     | from 5       | $4    |

table names by model, per 1M tokens
  | model       | price |
  | a           | $1    |
  | like claude-* | $2  |
  | like claude-3* | $3 |
  | any         | $4    |

price chat
  size:  input_tokens at sizes.price when long is yes
  name:  input_tokens at names.price when long is no
""")
    for model in ("a", "b", "c", "claude-", "claude-3-x", "claude\n-", "Claude-1"):
        for tokens in (0, 1, 4, 5, 9, 10, 200_000, 200_001):
            for long in (True, False):
                tried.same(record("chat", model=model, long=long, input_tokens=tokens))
    assert tried.alone > 40


def test_conditions_cases_hours_and_accounts() -> None:
    tried = both("""
account
  plan     one of Free or Pro, default Free
  rebate   percent, optional
  region   text

hours night, Europe/Berlin
  every day 22:00 to 06:00

usage chat
  model   text
  note    text, optional
  images  number, optional
  tokens  tokens

price chat when account.plan is Pro
  tokens:  tokens at
    when model is like claude-* and not during night: $3 per 1M tokens
    when tokens above 200K or note is given: $2 per 1M tokens
    when images at least 2: $1.5 per 1M tokens
    otherwise: $1 per 1M tokens
  off:  tokens at $1 per 1M tokens when account.rebate is given
    less account.rebate

price chat when account.plan is not Pro and account.region is one of us, eu
  tokens:  tokens at $9 per 1M tokens
    plus 10% from 2026-06-01
""")
    accounts: list[dict[str, Any]] = [
        {},
        {"plan": "Pro"},
        {"region": "us"},
        {"plan": "Pro", "rebate": 10, "region": "x"},
        {"region": "asia"},
        {"plan": "Pro", "rebate": Fraction(1, 7)},
    ]
    for at in ("2026-02-17T10:00:00Z", "2026-02-17T21:00:00Z", "2026-07-01T20:00:00.5Z", "2026-06-01T00:00:00Z"):
        for values in accounts:
            for fields in ({}, {"note": "x"}, {"images": 2}, {"images": "1.5"}):
                for tokens in (0, 1000, 200_001):
                    for model in ("claude-1", "gpt"):
                        tried.same(record("chat", at, model=model, tokens=tokens, **fields), values)
    assert tried.alone > 150


def test_divisions_are_exact_fractions() -> None:
    tried = both("""
usage job
  pages   number
  people  number

price job
  each:  $10 × pages / people
    at most $7
    rounded to $0.01, half even
  rest:  $1 / people
""")
    for pages in (0, 1, 7, "0.5"):
        for people in (0, 1, 3, 7, "0.3"):
            tried.same(record("job", pages=pages, people=people))
    assert tried.alone == 16
    assert "Fraction" in tried.compiled.source["job"]


def test_allowances() -> None:
    tried = both("""
account
  included  requests, default 5

usage search
  model  text
  calls  requests

allowance free_ones
  10 requests every month for each model

allowance kept_ones
  account.included every month
  unused kept 2 months, at most 8 requests

price search
  calls:  calls beyond free_ones at $0.01 per request
  more:   calls beyond kept_ones at $0.02 per request
  again:  calls beyond kept_ones at $0.03 per request when model is b
""")
    for signup in (None, "2026-01-03T00:00:00Z"):
        for included in (None, 0, 7, "2.5", Fraction(1, 3)):
            for model in ("a", "b"):
                for calls in (0, 1, 5, 7, 8, 10, 11, 30):
                    tried.same(record("search", model=model, calls=calls), {"included": included}, signup)
    assert tried.alone >= 40  # kept units of an account whose signup is known are left to the definition


def test_bounds_without_limit() -> None:
    tried = both("""
account
  plan  one of Free, Pro or Team

usage search
  calls  requests

table plans by plan
  | plan | included  | cap       | fee   |
  | Free | 10 requests | $0.05     | free  |
  | Pro  | unlimited | unlimited | $1    |
  | Team | 5 requests | unlimited | —     |

allowance included
  plans.included every month

price search
  calls:  calls beyond included at $0.01 per request
    at most plans.cap each month
  all:    calls at $0.001 per request
    at most plans.cap
  fee:    plans.fee
""")
    for plan in ("Free", "Pro", "Team"):
        for calls in (0, 1, 5, 10, 15, 10**9):
            tried.same(record("search", calls=calls), {"plan": plan})
    assert tried.alone == 12


def test_the_header_rounds_lines_and_the_charge() -> None:
    rules = pricelang.load_text(
        'ruleset tried "Tried"\n  currency USD\n  timezone UTC\n  bill every month\n'
        "  round each line to $0.001, half even\n  round charge to $0.01, up\n"
        "\nusage a\n  x  number\n  y  number\n\nprice a\n  one: $0.0005 × x\n  two: $0.0123 × y\n  three: 5% of two\n"
    )
    tried = Both(rules)
    for x in (0, 1, 2, 3, "0.001", 10**20):
        for y in (0, 1, 50, "0.7"):
            tried.same(record("a", x=x, y=y))
    assert tried.alone == 24


# --- what is left to the definition -----------------------------------------------------------------------------------


def test_path_of_says_how_and_why() -> None:
    rules = both(CHAT + "\nresource disk\n  size  GB\n\nprice disk\n  space: size at $0.10 per GB-month\n").rules
    assert path_of(rules.program, "chat")[0] == "compiled"
    how, why = path_of(rules.program, "disk")
    assert how == "definition"
    assert "time" in why


def test_a_record_made_by_hand_that_lacks_fields_is_refused_alike() -> None:
    tried = both(CHAT)
    bare = Record("r-1", "chat", Fraction(0), None, "a-1", {"model": "large-1"}, b"")
    assert tried.same_record(bare, Account("a-1")).lines == ()
    without = Record("r-1", "chat", Fraction(0), None, "a-1", {"input_tokens": Fraction(5)}, b"")
    assert tried.same_record(without, Account("a-1"))[0] == "missing-field"


def test_a_ruleset_can_be_priced_by_the_definition_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = pricelang.load_text(HEADER + CHAT)
    slow = pricelang.Ruleset(fast.program, fast.sources, fast.findings, compiled=False)
    raw = record("chat", model="large-1", input_tokens=1000, output_tokens=500)
    assert fast.rate(raw) == slow.rate(raw)
    monkeypatch.setattr(Compiled, "rate", lambda *_: pytest.fail("it was asked"))
    slow.rate(raw)
    fast.explain(raw)


# --- nothing of a rule file runs --------------------------------------------------------------------------------------


def test_names_and_texts_cannot_break_out_of_the_code() -> None:
    name = 'x\nraise SystemExit  # \'""".price'
    rules = pricelang.load_text(HEADER + CHAT, name=name)
    tried = Both(rules)
    for model in ('it\'s "odd" \\ # model', "large-1"):
        tried.same(record("chat", model=model, input_tokens=5, output_tokens=5), {"models.output": 1})
    assert tried.alone
    assert "raise" not in {type(node).__name__.lower() for node in ast.walk(ast.parse(tried.compiled.source["chat"]))}


# --- figures ----------------------------------------------------------------------------------------------------------


def test_roundings_are_those_of_the_definition() -> None:
    rng = Random(1)
    for mode, rounding in ROUNDINGS.items():
        for _ in range(500):
            over, by = (
                rng.choice([rng.randint(-50, 50), rng.randint(-(10**30), 10**30)]),
                rng.choice([1, 2, 3, 8, 10**9]),
            )
            assert rounding(over, by) == round_to(Fraction(over, by), Fraction(1), mode)
    assert sorted(ROUNDINGS) == sorted(MODES)


def test_fractions_are_fractions() -> None:
    for over, under in ((0, 5), (6, 4), (-6, 4), (10**40, 10**6), (7, 1)):
        made, plain = fraction(over, under), Fraction(over, under)
        assert (made, hash(made), repr(made), type(made)) == (plain, hash(plain), repr(plain), Fraction)
        assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == plain


@pytest.mark.parametrize(
    ("code", "beside", "alone"),
    [
        ("a", "a", "a"),
        ("a + b", "(a + b)", "a + b"),
        ("(a + b)", "(a + b)", "a + b"),
        ("f(a)", "(f(a))", "f(a)"),
        ("(a) + (b)", "((a) + (b))", "(a) + (b)"),
        ("(a == ')')", "((a == ')'))", "(a == ')')"),
        ("-a", "(-a)", "-a"),
    ],
)
def test_brackets(code: str, beside: str, alone: str) -> None:
    assert (atom(code), bare(code)) == (beside, alone)


def test_what_does_not_fit_a_scale_is_none() -> None:
    assert scaled(Fraction(3, 4), 100) == 75
    assert scaled(Fraction(1, 3), 100) is None
    assert scaled(None, 100) is None
    assert scaled(3, 100) is None

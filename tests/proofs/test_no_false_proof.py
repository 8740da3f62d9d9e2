"""Rules of which a proof once said too much: what it must not say, with the record of which it is not true."""

from __future__ import annotations

from fractions import Fraction

import pytest

import pricelang
from pricelang.diagnostics.finding import Findings
from pricelang.engine.charge import Charge
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.engine.record import Engine
from pricelang.proofs.ask import ask
from pricelang.proofs.cliffs import prove_no_cliffs
from pricelang.proofs.same import NEVER_DEARER
from pricelang.proofs.same import SAME
from pricelang.proofs.same import compare
from pricelang.proofs.study import Study
from pricelang.proofs.unpriced import prove_priced

TOKENS = "usage c\n  x tokens\n  region one of us or eu, default us\n"
OPTIONAL = """usage c
  x hours
  region text, optional
table m by region, per hour
  | region | p  |
  |--------|----|
  | us     | $1 |
  | any    | $1 |
price c
"""
PLAIN = "usage c\n  x number\n  y number\n  z number, default 0\n"


def load(text: str) -> pricelang.Ruleset:
    return pricelang.load_text(f"ruleset x\n  currency USD\n{text}", name="x.price")


def cost(text: str, record: dict[str, object]) -> Fraction | str:
    """What a record comes to, or the code of its refusal. `given` holds what is known of its account."""
    rules = load(text)
    raw = {"id": "r", "type": "c", "at": "2026-02-17T12:30:00Z", "account": "a", **record}
    given = raw.pop("given", {})
    try:
        account = rules._account("a", given, None)
        return Engine(rules.program).rate(Intake(rules.program).read(raw), account, Counts()).exact_amount
    except RecordError as error:
        return error.code


CLIFFS = {
    "with another field": (
        TOKENS
        + "price c\n  a: x at\n    when x above 10 and region is us: $0.1 per token\n    otherwise: $1 per token\n",
        "refuted",
        {"x": 10},
        {"x": 11},
    ),
    "at one number alone": (
        TOKENS + "price c\n  a: x at\n    when x is 5: $100 per token\n    otherwise: $1 per token\n",
        "refuted",
        {"x": 5},
        {"x": 6},
    ),
    "of a product": (
        PLAIN + "price c\n  a: x × y at volume\n    up to 100: $1\n    above 100: $0.5\n",
        "not decided",
        {"x": 10, "y": 1},
        {"x": 10, "y": 20},
    ),
    "of a line that is fed": (
        TOKENS
        + "price c\n  t: x in steps of 5 tokens\n  a: t at volume\n    up to 100: $1 per token\n    above 100: $0.5 per token\n",
        "not decided",
        {"x": 100},
        {"x": 101},
    ),
    "of the account's own rate": (
        "account\n  r USD per token\n"
        + TOKENS
        + "price c\n  a: x at volume\n    up to 100: account.r\n    above 100: $0.5 per token\n",
        "not decided",
        {"x": 100, "given": {"r": 1}},
        {"x": 101, "given": {"r": 1}},
    ),
    "of all lines together": (
        TOKENS + "price c\n  a: x at $1 per token\n  together\n    less $5\n",
        "refuted",
        {"x": 0},
        {"x": 1},
    ),
}


@pytest.mark.parametrize("name", CLIFFS)
def test_more_that_costs_less_is_not_denied(name: str) -> None:
    text, answer, low, high = CLIFFS[name]
    before, after = cost(text, low), cost(text, high)
    assert isinstance(before, Fraction)
    assert isinstance(after, Fraction)
    assert after < before
    study = Study(load(text).program, Findings())
    prove_no_cliffs(study)
    assert [claim.answer for claim in study.claims] == [answer]


def test_what_is_taken_off_is_named() -> None:
    study = Study(load(PLAIN + "price c\n  a: (x - y) at $1\n").program, Findings())
    prove_no_cliffs(study)
    assert study.claims[0].said.endswith("but for what is taken off: y")


UNPRICED = {
    "a condition that divides": (
        "usage c\n  x tokens\n  y tokens\nprice c\n  a: x at\n    when x / y above 2: $2 per token\n    otherwise: $1 per token\n",
        {"x": 1, "y": 0},
    ),
    "divided by a product": (
        "usage c\n  x tokens\n  y number\n  z number\nprice c\n  a: x / (y × z) at $1 per token\n",
        {"x": 1, "y": 0, "z": 1},
    ),
    "any beside a closed set": (
        "usage c\n  x tokens\n  model text\n  region one of us or eu\n"
        "table m by model and region, per token\n  | model | region | p |\n  |---|---|---|\n"
        "  | any | us | $1 |\n  | a | eu | $1 |\nprice c\n  a: x at m.p\n",
        {"x": 1, "model": "b", "region": "eu"},
    ),
    "beyond a constant": (OPTIONAL + "  a: x - 10 hours at m.p\n", {"x": 11}),
    "beyond an allowance": (
        "allowance f\n  100 hours every month\n" + OPTIONAL + "  a: x beyond f at m.p\n",
        {"x": 101},
    ),
    "less a constant": (OPTIONAL + "  a: x\n    less 10 hours\n    at m.p\n", {"x": 101}),
    "a line that is fed": (OPTIONAL + "  t: x in steps of 10 hours\n  a: t at m.p\n", {"x": 101}),
    "bands of one plan": (
        "account\n  plan one of Free, Pro\nusage c\n  x tokens\n  y tokens\n"
        "table m by plan and x\n  | plan | x | p (per token) |\n  |---|---|---|\n"
        "  | Free | up to 10 | $1 |\n  | any | above 10 | $1 |\n  | Pro | up to 10 | $1 |\n"
        "price c\n  a: y at graduated m.p\n",
        {"x": 1, "y": 20, "given": {"plan": "Free"}},
    ),
}


@pytest.mark.parametrize("name", UNPRICED)
def test_a_record_that_is_refused_is_found(name: str) -> None:
    text, record = UNPRICED[name]
    assert isinstance(cost(text, record), str)
    study = Study(load(text).program, Findings())
    prove_priced(study)
    assert [claim.answer for claim in study.claims] == ["refuted"]


def _hours(span: str) -> str:
    return f"hours n\n  every day  {span}\n{PLAIN}price c\n  a: x at $1\n    less 50% during n\n"


def _free(size: int) -> str:
    return f"allowance f\n  {size} requests every month\nusage c\n  x requests\nprice c\n  a: x beyond f at $1 per request\n"


DEFAULT = (
    "usage c\n  x requests\n  t one of a or b, default {}\n"
    "price c\n  a: x at $1 per request when t is a\n  b: x at $2 per request when t is b\n"
)
ACCOUNT = (
    "account\n  p one of A or B, default {}\nusage c\n  x number\n"
    "price c\n  a: x at $1 when account.p is A\n  b: x at $2 when account.p is B\n"
)
CAPS = "account\n  c1 USD\n  c2 USD\n" + PLAIN + "price c\n  a: x at $1\n"
CUSTOM = "usage c\n  m text\n  x tokens\ntable t by m, per token\n  | m | p | q |\n  |---|---|---|\n  | a | custom | custom |\nprice c\n"
REGION = "usage c\n  x number\n  region one of us or eu\n"
OWN = {"t.p": 1, "t.q": 2}
PAIRS = {
    "factors": (PLAIN + "price c\n  a: x × y at $1\n", PLAIN + "price c\n  a: x × z at $1\n", {"x": 2, "y": 3, "z": 4}),
    "lines that feed": (
        PLAIN + "price c\n  a: x at $1\n  b: y at $1\n  c: 10% of a\n",
        PLAIN + "price c\n  a: x at $1\n  b: y at $1\n  c: 10% of b\n",
        {"x": 2, "y": 3},
    ),
    "caps": (
        CAPS + "    at most account.c1\n",
        CAPS + "    at most account.c2\n",
        {"x": 20, "y": 0, "given": {"c1": 1, "c2": 2}},
    ),
    "caps together": (
        CAPS + "  together\n    at most account.c1\n",
        CAPS + "  together\n    at most account.c2\n",
        {"x": 20, "y": 0, "given": {"c1": 1, "c2": 2}},
    ),
    "allowances": (_free(100), _free(50), {"x": 80}),
    "hours": (_hours("12:00 to 13:00"), _hours("22:00 to 06:00"), {"x": 80, "y": 0}),
    "defaults": (DEFAULT.format("a"), DEFAULT.format("b"), {"x": 1}),
    "default quantities": (
        "usage c\n  x number, default 0\nprice c\n  a: x at $1\n",
        "usage c\n  x number, default 5\nprice c\n  a: x at $1\n",
        {},
    ),
    "units": (
        "usage c\n  x minutes\nprice c\n  a: x at $1 per minute\n",
        "usage c\n  x hours\nprice c\n  a: x at $1 per minute\n",
        {"x": 1},
    ),
    "defaults of accounts": (ACCOUNT.format("A"), ACCOUNT.format("B"), {"x": 1}),
    "what is below nothing": (
        PLAIN + "price c\n  z: x at $1\n",
        PLAIN + "price c\n  a: (x - y) at $1\n  b: y at $1\n",
        {"x": 0, "y": 5},
    ),
    "a price for some": (
        REGION + "price c\n  a: x at $1\n",
        REGION + "price c when region is us\n  a: x at $1\n",
        {"x": 1, "region": "eu"},
    ),
    "what is agreed": (CUSTOM + "  a: x at t.p\n", CUSTOM + "  a: x at t.q\n", {"m": "a", "x": 1, "given": OWN}),
    "less than nothing together": (
        PLAIN + "price c\n  a: x at $0.3\n  together\n    less $0.5\n",
        PLAIN + "price c\n  a: x at free\n  together\n    less $0.5\n",
        {"x": 1, "y": 0},
    ),
}


@pytest.mark.parametrize("claim", [SAME, NEVER_DEARER])
@pytest.mark.parametrize("name", PAIRS)
def test_rules_that_differ_are_told_apart(name: str, claim: str) -> None:
    old, new, record = PAIRS[name]
    before, after = cost(old, record), cost(new, record)
    assert isinstance(before, Fraction)
    assert isinstance(after, str) or after > before
    answer = compare(load(old).program, load(new).program, claim)
    assert answer.answer == "refuted"
    assert isinstance(answer.old, Charge)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "price c\n  a: x at $1\n    at least $100 each month\n",
            "price c\n  a: x at $1\n    at least $200 each month\n",
        ),
        (
            "limit l\n  x each day may not exceed 5\n  refuse c with 429\nprice c\n  a: x at $1\n",
            "limit l\n  y each day may not exceed 5\n  refuse c with 429\nprice c\n  a: x at $1\n",
        ),
    ],
)
def test_what_only_accounts_show_is_not_proved(old: str, new: str) -> None:
    for claim in (SAME, NEVER_DEARER):
        assert compare(load(PLAIN + old).program, load(PLAIN + new).program, claim).answer == "not decided"


def test_a_limit_of_other_quantities_is_another() -> None:
    one, two = (
        load(f"{PLAIN}limit l\n  {name} each day may not exceed 5\n  refuse c with 429\nprice c\n  a: x at $1\n")
        for name in "xy"
    )
    assert compare(one.program, two.program, SAME).answer == "not decided"
    assert compare(one.program, one.program, SAME).answer == "proved"


def test_requests_are_counted_one_after_another() -> None:
    program = load(
        "usage c\n  x tokens\nprice c\n  each: requests at graduated each month\n"
        "    up to 100: free\n    above 100: $0.01 per request\n"
    ).program
    assert ask(program, "what do 200 requests cost").data == {"answers": [{"amount": "1"}]}
    assert ask(program, "how many requests for $10").data == {"answers": [{"quantity": "1100", "amount": "10"}]}

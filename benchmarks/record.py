"""One record, from what was sent to its charge and to a decision, beside other ways to the same figure.

    python benchmarks/record.py [--rounds N]

The ruleset has fifty models, three kinds of tokens, an offer with dates and higher prices for long requests. All paths
are timed in turns within one run, so that whatever else the machine does falls on each; what counts is the ratio to
integers written by hand, which comes first. Times are microseconds of this process: the median of the rounds, the
least, and for decisions, which are timed one by one, the 99th of a hundred. What the machine itself adds to one call in
a hundred is shown by an empty loop that takes as long as a decision. Peers that are not installed are named at the end.

    pip install msgspec genai-prices litellm zen-engine common-expression-language \\
        json-logic-qubit rule-engine cel-python

Each peer is given what it is made for: catalogs the tokens of a model that they know, engines the formula of one model
with its rates at hand. None of them writes lines, rounds, or checks the record.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from statistics import median
from time import process_time_ns
from typing import Any

import pricelang
from pricelang.engine.account import Account
from pricelang.engine.compiled.amounts import quick_of
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.record import Engine

MODELS = 50
ROWS = "\n".join(
    f"  | model-{n} | ${(n + 1) * Decimal('0.05')} | ${(n + 1) * Decimal('0.0125')} | ${(n + 1) * Decimal('0.15')} |"
    for n in range(MODELS)
)
RULES = f"""ruleset acme "Acme AI, pay as you go"
  currency USD

usage chat "Chat completions"
  model          text
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens

table models by model, per 1M tokens
  | model | input | cached | output |
  |-------|-------|--------|--------|
{ROWS}

  from 2026-03-01 until 2026-03-31 "spring offer"
    | model   | input |
    | model-1 | $0.05 |

price chat
  input:   rest of input_tokens at models.input
    plus 100% when input_tokens above 200K
  cached:  cached_tokens at models.cached
    plus 100% when input_tokens above 200K
  output:  output_tokens at models.output
    plus 50% when input_tokens above 200K
"""
LEDGER = f"""{RULES}
funds
  pay for chat

limit daily "Daily limit"
  spend each day may reach $1000000
  refuse with 402

limit tpm "Tokens per minute"
  (input_tokens + output_tokens) each minute for each model may not exceed 100B tokens
  refuse with 429

limit funds_left
  balance may fall to $0
  refuse with 402
"""
RECORD: dict[str, Any] = {
    "id": "r-1", "type": "chat", "at": "2026-02-17T10:00:00Z", "account": "a-1", "model": "model-7",
    "input_tokens": 12_000, "cached_tokens": 2_000, "output_tokens": 500,
}  # fmt: skip
SECOND = 1_771_322_400
SCALE = 10**11  # of dollars
RATES = {f"model-{n}": ((n + 1) * 5000, (n + 1) * 1250, (n + 1) * 15000) for n in range(MODELS)}
OFFERS = {"model-1": (1_772_323_200, 1_775_001_600, 5000)}


def by_hand(record: dict[str, Any], at: int) -> int:
    """The price alone, in parts of SCALE; nothing of the record is checked."""
    model = record["model"]
    first, again, out = RATES[model]
    offer = OFFERS.get(model)
    if offer is not None and offer[0] <= at < offer[1]:
        first = offer[2]
    read, cached, written = record["input_tokens"], record["cached_tokens"], record["output_tokens"]
    if read > 200_000:
        return int(((read - cached) * first + cached * again) * 2 + written * out * 3 // 2)
    return int((read - cached) * first + cached * again + written * out)


# --- peers ------------------------------------------------------------------------------------------------------------

VALUES = {"rest": 10_000, "cached": 2_000, "output": 500, "input": 12_000, "first": 0.4, "again": 0.1, "out": 1.2}
FORMULA = (
    "(rest * first + cached * again) * (input > 200000.0 ? 2.0 : 1.0) + output * out * (input > 200000.0 ? 1.5 : 1.0)"
)
FLOATS = {name: float(value) for name, value in VALUES.items()}


def genai_prices() -> Callable[[], object]:
    from genai_prices import Usage
    from genai_prices import calc_price

    usage = Usage(input_tokens=12_000, cache_read_tokens=2_000, output_tokens=500)
    return lambda: calc_price(usage, model_ref="gpt-4o", provider_id="openai")


def litellm() -> Callable[[], object]:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    from litellm import cost_per_token

    return lambda: cost_per_token(
        model="gpt-4o", prompt_tokens=12_000, completion_tokens=500, cache_read_input_tokens=2_000
    )


def zen_engine() -> Callable[[], object]:
    import zen

    text = FORMULA.replace(".0", "")
    compiled = zen.compile_expression(text)
    return lambda: compiled.evaluate(FLOATS)


def zen_obvious() -> Callable[[], object]:
    import zen

    text = FORMULA.replace(".0", "")
    return lambda: zen.evaluate_expression(text, FLOATS)


def rust_cel() -> Callable[[], object]:
    import cel

    program = cel.compile(FORMULA)
    return lambda: program.execute(FLOATS)


def json_logic() -> Callable[[], object]:
    import json_logic

    def var(name: str) -> dict[str, str]:
        return {"var": name}

    long = {">": [var("input"), 200_000]}
    read = {"+": [{"*": [var("rest"), var("first")]}, {"*": [var("cached"), var("again")]}]}
    written = {"*": [{"*": [var("output"), var("out")]}, {"if": [long, 1.5, 1]}]}
    logic = {"+": [{"*": [read, {"if": [long, 2, 1]}]}, written]}
    return lambda: json_logic.jsonLogic(logic, FLOATS)


def rule_engine() -> Callable[[], object]:
    import rule_engine

    rule = rule_engine.Rule(FORMULA)
    return lambda: rule.evaluate(FLOATS)


def cel_python() -> Callable[[], object]:
    import celpy

    environment = celpy.Environment()
    program = environment.program(environment.compile(FORMULA))
    values = {name: celpy.celtypes.DoubleType(value) for name, value in FLOATS.items()}
    return lambda: program.evaluate(values)


PEERS = {
    "genai-prices": genai_prices,
    "litellm": litellm,
    "zen-engine, compiled": zen_engine,
    "zen-engine, obvious": zen_obvious,
    "CEL, in Rust": rust_cel,
    "json-logic": json_logic,
    "rule-engine": rule_engine,
    "cel-python": cel_python,
}


# --- ours -------------------------------------------------------------------------------------------------------------


def ours() -> dict[str, Callable[[], object]]:
    rules = pricelang.load_text(RULES)
    slow = pricelang.Ruleset(rules.program, rules.sources, rules.findings, compiled=False)
    engine, intake, account = Engine(rules.program), Intake(rules.program), Account("a-1")
    kernel = quick_of(engine, "chat", ())
    record = intake.read(RECORD)
    expected = engine.rate(record, account, Counts())
    charge = rules.rate(RECORD)
    assert charge == expected == slow.rate(RECORD)
    found = kernel.function(RECORD, SECOND, account)
    assert found is not None
    assert Fraction(found[0], kernel.scale) == expected.exact_amount == Fraction(by_hand(RECORD, SECOND), SCALE)
    body = json.dumps(RECORD).encode()

    def amount() -> object:
        return rules.rate(RECORD).amount

    def all_read() -> object:
        made = rules.rate(RECORD)
        return made.amount, [line.amount for line in made.lines]

    return {
        "integers by hand": lambda: by_hand(RECORD, SECOND),
        "kernel, amount alone, checks included": lambda: kernel.function(RECORD, SECOND, account),
        "`rate`: a charge, checks included": lambda: rules.rate(RECORD),
        "`rate`, its amount read": amount,
        "`rate`, its amount and its lines' read": all_read,
        "JSON bytes to a charge": lambda: rules.rate(pricelang.read_json(body)),
        "JSON bytes alone": lambda: pricelang.read_json(body),
        "intake alone, for odd records": lambda: intake.read(RECORD),
        "the definition": lambda: slow.rate(RECORD),
    }


def decisions(count: int, status: int = 200) -> Callable[[], Any]:
    """JSON bytes, each a record of its own, to a charge and a decision in memory: accepted, or refused by the balance
    (402) or by a limit (429)."""
    text = LEDGER.replace("100B tokens", "20K tokens") if status == 429 else LEDGER
    ledger = pricelang.Ledger.open("memory://", pricelang.load_text(text))
    start = {"at": "2026-02-01T00:00:00Z", "account": "a-1"}
    ledger.apply({"id": "s", "type": "signup", **start})
    if status != 402:
        ledger.apply({"id": "t", "type": "topup", "amount": 1_000_000, **start})
    ledger.apply({**RECORD, "id": "first"})
    bodies = iter([json.dumps({**RECORD, "id": f"r{n}"}).encode() for n in range(count)])
    read = pricelang.read_json

    def decide() -> Any:
        outcome = ledger.apply(read(next(bodies)))
        assert outcome.status == status
        return outcome

    return decide


def told(decide: Callable[[], Any]) -> Callable[[], object]:
    """The same, with what a gateway answers: the message, and after how many seconds to try again."""

    def tell() -> object:
        outcome = decide()
        return outcome.message, outcome.retry_after

    return tell


def loop_of(microseconds: float) -> Callable[[], object]:
    """An empty loop that takes about so long."""
    start = process_time_ns()
    for _ in range(1_000_000):
        pass
    times = max(1, int(microseconds * 1e9 / (process_time_ns() - start)))

    def wait() -> None:
        for _ in range(times):
            pass

    return wait


def calls_of(path: Callable[[], object]) -> int:
    """So many calls that a round takes about half a millisecond."""
    start = process_time_ns()
    for _ in range(5):
        path()
    return max(1, min(500, 2_500_000 // max(process_time_ns() - start, 1)))


def _timed(path: Callable[[], object]) -> float:
    """Microseconds of one call, with those of reading the clock."""
    start = process_time_ns()
    path()
    return (process_time_ns() - start) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    rounds: int = parser.parse_args().rounds
    paths = ours()
    missing = []
    for name, make in PEERS.items():
        try:
            peer = make()
            peer()
            paths[name] = peer
        except Exception as error:  # whatever keeps a peer from running, the others are timed
            missing.append(f"{name} ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})")
    count = rounds * 100 + 200
    singly = {
        "JSON bytes to a charge and a decision": decisions(count),
        "JSON bytes to a refusal, 402": decisions(count, 402),
        "JSON bytes to a refusal, 429": decisions(count, 429),
        "… and what a client is told of it": told(decisions(count, 429)),
    }
    first = min(_timed(singly["JSON bytes to a charge and a decision"]) for _ in range(100))
    singly["an empty loop that takes as long"] = loop_of(first)
    calls = {name: calls_of(path) for name, path in paths.items()}
    spent: dict[str, list[float]] = {name: [] for name in (*paths, *singly)}
    gc.freeze()
    for _ in range(rounds):
        for name, path in paths.items():
            start = process_time_ns()
            for _ in itertools.repeat(None, calls[name]):
                path()
            spent[name].append((process_time_ns() - start) / calls[name] / 1000)
        for name, path in singly.items():
            spent[name] += [_timed(path) for _ in range(100)]
    base = median(spent["integers by hand"])
    print(f"{f'{rounds} rounds':42} {'× by hand':>10} {'µs':>9} {'least':>9} {'99th':>9}")
    for name, times in spent.items():
        late = f" {sorted(times)[len(times) * 99 // 100]:9.2f}" if name in singly else ""
        print(f"{name:42} {median(times) / base:10.1f} {median(times):9.2f} {min(times):9.2f}{late}")
    for one in missing:
        print(f"not timed: {one}")


if __name__ == "__main__":
    main()

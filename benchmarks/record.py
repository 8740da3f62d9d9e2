"""One record, from what was read to its charge: the definition, the compiled form, and hand-written integers as floor.

    python benchmarks/record.py

The ruleset has dated offers, a condition, a share of another column and three lines. All paths are timed in turns
within one run, so that whatever else the machine does falls on each. Printed are microseconds of this process (not of
the clock): the median and the least of the rounds, and the median as a multiple of the compiled form's. `intake` reads
the record from its fields, and comes before either path. The floors know the one price they were written for: no
layers, no rows, no rounding; they say what the language costs above arithmetic and above writing a charge down.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from fractions import Fraction
from statistics import median
from time import process_time_ns

import pricelang
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.engine.compiled import Compiled
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.record import Engine
from pricelang.source import Place

RULES = """ruleset acme "Acme AI, pay as you go"
  currency USD
  timezone UTC
  bill every month

usage chat "Chat completions"
  model          text
  api_key        text, optional
  service_tier   one of standard or batch, default standard
  input_tokens   tokens
  cached_tokens  tokens, part of input_tokens, default 0
  output_tokens  tokens

table models by model, per 1M tokens
  | model                   | input | cached   | output |
  |-------------------------|-------|----------|--------|
  | small-1                 | $0.05 | as input | $0.10  |
  | large-1, large-1-latest | $0.20 | $0.05    | $0.60  |

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
RECORD = {
    "id": "r-1", "type": "chat", "at": "2026-02-17T10:00:00Z", "account": "a-1", "model": "large-1",
    "input_tokens": 12_000, "cached_tokens": 2_000, "output_tokens": 500,
}  # fmt: skip
RATES = {"small-1": (50, 50, 100), "large-1": (200, 50, 600)}  # billionths of a dollar a token
PLACE = Place("by hand", 1)


def integers(record: dict[str, object]) -> int:
    """The price alone, in billionths of a dollar."""
    first, again, out = RATES[record["model"]]  # type: ignore[index]
    read, cached, written = record["input_tokens"], record["cached_tokens"], record["output_tokens"]
    return (read - cached) * first + cached * again + written * out  # type: ignore[operator, no-any-return]


def line(name: str, quantity: int, amount: int) -> ChargeLine:
    exact = Fraction(amount, 10**9)
    return ChargeLine(name, Fraction(quantity), "token", exact, exact, PLACE, PLACE)


def charge(record: dict[str, object]) -> Charge:
    """The same, written down as a charge with its lines."""
    first, again, out = RATES[record["model"]]  # type: ignore[index]
    read, cached, written = int(str(record["input_tokens"])), 2_000, 500
    lines = (
        line("input", read - cached, (read - cached) * first),
        line("cached", cached, cached * again),
        line("output", written, written * out),
    )
    return Charge("r-1", "chat", Fraction(0), "a-1", "USD", lines, None)


def timed(paths: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The microseconds of each path in each round; every path has its turn."""
    calls = {name: 20 if name == "the definition" else 300 for name in paths}
    spent: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(rounds):
        for name, path in paths.items():
            start = process_time_ns()
            for _ in range(calls[name]):
                path()
            spent[name].append((process_time_ns() - start) / calls[name] / 1000)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    given = parser.parse_args()
    rules = pricelang.load_text(RULES)
    engine, intake = Engine(rules.program), Intake(rules.program)
    compiled = Compiled(engine)
    record, account = intake.read(RECORD), Account("a-1")
    assert compiled.rate(record, account) == engine.rate(record, account, Counts())
    assert compiled.compile("chat")(record, account) is not None
    assert sum((one.exact_amount for one in compiled.rate(record, account).lines), Fraction(0)) == Fraction(
        integers(RECORD), 10**9
    )
    found = timed(
        {
            "integers by hand, a sum": lambda: integers(RECORD),
            "integers by hand, a charge": lambda: charge(RECORD),
            "compiled": lambda: compiled.rate(record, account),
            "the definition": lambda: engine.rate(record, account, Counts()),
            "intake": lambda: intake.read(RECORD),
            "intake and compiled (`rate`)": lambda: rules.rate(RECORD),
        },
        given.rounds,
    )
    base = median(found["compiled"])
    print(f"{f'{given.rounds} rounds, µs':32} {'median':>8} {'least':>8} {'× compiled':>11}")
    for name, times in found.items():
        print(f"{name:32} {median(times):8.2f} {min(times):8.2f} {median(times) / base:11.2f}")


if __name__ == "__main__":
    main()

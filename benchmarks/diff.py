"""What a comparison of two rulesets costs beside charging the same usage under each of them.

    python -m benchmarks.diff [--rows 4000000] [--repeat 3] [--data FOLDER]

The workloads are those of `benchmarks/columnar`: `a`, of which each record is priced by itself, and `b`, whose bands
count by account and month. The new rules have every third price raised by a tenth. `rate` makes sums by account, once
under each ruleset; `compare_usage` does both, by account, type and model, with examples. They are timed in turns within
one run, after a warm-up; the median of each is shown, and the ratio. Totals must agree, or the exit code is 1.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.columnar.generate import generate
from benchmarks.columnar.rules import rule_file
from benchmarks.columnar.workload import Prices

import pricelang
from pricelang.compare.money import compare_usage

MODELS = 50


def raised(text: str) -> str:
    """The same rules with every third price of a table raised by a tenth."""
    count = 0

    def other(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return found[0] if count % 3 else f"| ${(Decimal(found[1]) * Decimal('1.1')).normalize():f}"

    return re.sub(r"\| \$([0-9.]+)", other, text)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    found = work()
    return perf_counter() - start, found


def measure(work: str, rows: int, repeat: int, data: Path) -> bool:
    """Times one workload; whether its totals agree."""
    usage = data / f"{work}-{rows}.parquet"
    if not usage.exists():
        generate(usage, work, rows, MODELS)
    warm = data / f"{work}-20000.parquet"
    if not warm.exists():
        generate(warm, work, 20_000, MODELS)
    text = rule_file(work, Prices(MODELS, 0)).text
    old, new = pricelang.load_text(text), pricelang.load_text(raised(text))
    agree = True
    for unique in (False, True):
        times: list[tuple[float, float, float]] = []
        for turn in range(repeat + 1):
            path = str(usage if turn else warm)
            before, was = timed(lambda: old.rate_many(path, total_by=("account",), ids_unique=unique))  # noqa: B023
            after, now = timed(lambda: new.rate_many(path, total_by=("account",), ids_unique=unique))  # noqa: B023
            both, diff = timed(lambda: compare_usage(old, new, path, ids_unique=unique))  # noqa: B023
            agree = agree and (Fraction(was.amount), Fraction(now.amount)) == (diff.old_total, diff.new_total)
            if turn:
                times.append((before, after, both))
        rates = [median(one[side] for one in times) for side in (0, 1)]
        both = median(one[2] for one in times)
        print(
            f"{work} {'ids unique' if unique else 'ids looked for'}: rate {rates[0]:.2f} s + {rates[1]:.2f} s,"
            f" diff {both:.2f} s, {rows / both:,.0f} records/s, ratio {both / sum(rates):.2f}"
        )
    return agree


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--data", type=Path, help="where usage is kept from one run to the next")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = given.data or Path(folder)
        data.mkdir(parents=True, exist_ok=True)
        agree = [measure(work, given.rows, given.repeat, data) for work in ("a", "b")]
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    if not all(agree):
        print("totals differ", file=sys.stderr)
    return 0 if all(agree) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Writes the rule file of a workload: `python -m benchmarks.columnar.rules --work a --models 50 -o work_a.price`.

Work B may have its daily spending limit; `rate` does not refuse, a ledger does.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from dataclasses import field
from decimal import Decimal
from pathlib import Path

from benchmarks.columnar.workload import BANDS
from benchmarks.columnar.workload import DAILY_LIMIT
from benchmarks.columnar.workload import LINES
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER
from benchmarks.columnar.workload import Prices
from benchmarks.columnar.workload import model_name

_QUANTITY = ("rest of input_tokens", "cached_tokens", "output_tokens")
_EDGES = (f"up to {BANDS[0]:,}", f"up to {BANDS[1]:,}", f"above {BANDS[1]:,}")


@dataclass
class RuleFile:
    """The text of a rule file, and the lines (from 1) of its prices and rows."""

    name: str
    text: str = ""
    price_lines: dict[str, int] = field(default_factory=dict)
    base_rows: dict[int, int] = field(default_factory=dict)
    offer_rows: dict[int, int] = field(default_factory=dict)

    def add(self, line: str = "") -> int:
        self.text += line + "\n"
        return self.text.count("\n")

    def rules_of_lines(self) -> list[str]:
        """`rule` of each line of a charge."""
        return [f"{self.name}:{self.price_lines[line]}" for line in LINES]

    def rows_of_lines(self, models: int) -> list[str]:
        """Work A's `row` by phase, model and line: which row gave the rate. The offer does not name `cached`."""
        base = [f"{self.name}:{self.base_rows[model]}" for model in range(models)]
        offer = [f"{self.name}:{self.offer_rows.get(model, self.base_rows[model])}" for model in range(models)]
        found = []
        for phase in (base, offer):
            for model in range(models):
                found += [phase[model], base[model], phase[model]]
        return found


def _money(picos: int) -> str:
    """A price a token as one of a million tokens."""
    return f"${(Decimal(picos) / 10**6).normalize():f}"


def rule_file(work: str, prices: Prices, *, limit: bool = False) -> RuleFile:
    """The rules of work `a` or `b`; `limit` gives work B its daily spending limit."""
    file = RuleFile(f"work_{work}.price")
    file.add(f'ruleset work_{work} "Work {work.upper()}"')
    file.add("  currency USD")
    file.add("  round each line to $0.000000001, half up")
    file.add()
    file.add('usage chat "Chat completions"')
    file.add("  model          text")
    file.add("  input_tokens   tokens")
    file.add("  cached_tokens  tokens, part of input_tokens")
    file.add("  output_tokens  tokens")
    file.add()
    _table(file, work, prices)
    file.add()
    file.add("price chat")
    for line, quantity in zip(LINES, _QUANTITY, strict=True):
        counted = f"graduated models.{line} each month" if work == "b" else f"models.{line}"
        file.price_lines[line] = file.add(f"  {line + ':':8} {quantity} at {counted}")
        if work == "b":
            file.add('    allow condition-below-count "records are counted in the order of their times"')
        file.add(f'    plus 100% "long request" when input_tokens above {LONG:,}')
    if limit:
        file.add()
        file.add('limit daily_spend "Daily spending limit"')
        file.add(f"  spend each day may not exceed ${Decimal(DAILY_LIMIT).scaleb(-9).normalize():f}")
        file.add("  refuse with 402")
    return file


def _table(file: RuleFile, work: str, prices: Prices) -> None:
    band = " | used" if work == "b" else ""
    file.add(f"table models by model{' and used' if band else ''}, per 1M tokens")
    file.add(f"  | model{band} | input | cached | output |")
    file.add(f"  |---{'|---' if band else ''}|---|---|---|")
    for model in range(prices.models):
        for edge, cells in _rows(work, prices, prices.base[model]):
            row = file.add(f"  | {model_name(model)}{edge} | {' | '.join(_money(cell) for cell in cells)} |")
            file.base_rows.setdefault(model, row)
    file.add()
    file.add(f'  from {OFFER[0]} until {OFFER[1]} "spring offer"')
    file.add(f"    | model{band} | input | output |")
    for model in range(prices.models):
        if prices.offered(model):
            for edge, (read, _, written) in _rows(work, prices, prices.offer[model]):
                row = file.add(f"    | {model_name(model)}{edge} | {_money(read)} | {_money(written)} |")
                file.offer_rows.setdefault(model, row)


def _rows(work: str, prices: Prices, cells: tuple[int, int, int]) -> list[tuple[str, tuple[int, int, int]]]:
    if work == "a":
        return [("", cells)]
    return [(f" | {edge}", band) for edge, band in zip(_EDGES, prices.bands(cells), strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", choices=("a", "b"), required=True)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", action="store_true", help="work B with its daily spending limit")
    parser.add_argument("-o", dest="out", type=Path, required=True)
    given = parser.parse_args()
    given.out.write_text(rule_file(given.work, Prices(given.models, given.seed), limit=given.limit).text)


if __name__ == "__main__":
    main()

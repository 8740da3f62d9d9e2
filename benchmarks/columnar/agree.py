"""Holds the forms written by hand to pricelang, record by record: `python -m benchmarks.columnar.agree`.

A sample of each workload, with the edges of the offer and of long requests among it, is charged by the rule files that
`rules.py` writes: every charge of work A is compared with its line in the Parquet file that each writer makes, every
charge of work B with Python's whole numbers, refusals with those of a ledger; then the totals of all other forms. Exit
code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.columnar.engine import Missing
from benchmarks.columnar.forms import FORMS
from benchmarks.columnar.generate import Generator
from benchmarks.columnar.plain_forms import WorkB
from benchmarks.columnar.plain_forms import records
from benchmarks.columnar.rules import rule_file
from benchmarks.columnar.run import possible
from benchmarks.columnar.workload import DAILY_LIMIT
from benchmarks.columnar.workload import LINES
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER_BEGIN
from benchmarks.columnar.workload import OFFER_END
from benchmarks.columnar.workload import Prices
from benchmarks.columnar.workload import account_name
from benchmarks.columnar.workload import model_name
from benchmarks.columnar.workload import rounded

import pricelang

_WORK_B_ACCOUNTS = 7


def sample(work: str, rows: int, models: int, seed: int) -> pa.Table:
    """Records of the whole span and all edges that meet, in order of time; few accounts climb far in work B."""
    made = Generator(work, rows, models, seed, "short", False)
    found = made.chunk(0, rows).to_pylist()
    edges = (OFFER_BEGIN - 1, OFFER_BEGIN, OFFER_END - 1, OFFER_END)
    reads = (0, 1, LONG - 1, LONG, LONG + 1)
    for at, read, model, part in product(edges, reads, range(min(models, 9)), (0, 3, 1)):
        cached = read // part if part else 0
        found.append(
            {"type": "chat", "at": at, "account": account_name(model), "model": model_name(model),
             "input_tokens": read, "cached_tokens": cached, "output_tokens": (read + model) % 4}
        )  # fmt: skip
    for number, row in enumerate(found):
        if not isinstance(row["at"], int):
            row["at"] = pa.scalar(row["at"], pa.timestamp("us", tz="UTC")).value
        if work == "b":
            row["account"] = account_name(number % _WORK_B_ACCOUNTS)
            if number % 50 == 0:
                row["output_tokens"] += 2_500_000
    found.sort(key=lambda row: row["at"])
    for number, row in enumerate(found):
        row["id"] = f"r-{number:09d}"
    return pa.Table.from_pylist(found, schema=made.schema)


def as_json(table: pa.Table) -> list[dict[str, Any]]:
    """The records as they would be sent."""
    return [{**row, "at": row["at"].isoformat()} for row in table.to_pylist()]


class Differences:
    def __init__(self) -> None:
        self.count = self.compared = 0

    def look(self, what: str, found: object, expected: object) -> None:
        self.compared += 1
        if found != expected:
            self.count += 1
            if self.count <= 20:
                print(f"{what}:\n  by hand   {found}\n  pricelang {expected}", file=sys.stderr)


def plain(charge: dict[str, Any]) -> dict[str, Any]:
    """A charge with figures that compare, from JSON or from Parquet."""
    figures = ("amount", "exact", "quantity")
    found = {key: Decimal(value) if key in figures else value for key, value in charge.items()}
    if isinstance(found["at"], str):
        found["at"] = datetime.fromisoformat(found["at"])
    if "lines" in found:
        found["lines"] = [
            {key: Decimal(value) if key in figures else value for key, value in line.items()} for line in found["lines"]
        ]
    return found


def work_a(folder: Path, table: pa.Table, prices: Prices, differences: Differences) -> tuple[int, int]:
    """Every charge in what each writer writes."""
    rules = pricelang.load(folder / "work_a.price")
    charges = [plain(item.as_dict()) for item in rules.rate_stream(as_json(table))]
    for form in FORMS:
        if form.writes and possible(form, len(charges)):
            try:
                form.run(folder / "a.parquet", prices, folder / "work_a.price", folder / "out.parquet")
            except Missing:
                continue
            written = pq.read_table(folder / "out.parquet").to_pylist()
            differences.look(f"{form.key}: rows", len(written), len(charges))
            for row, charge in zip(written, charges, strict=False):
                expected = charge if "lines" in row else {key: charge[key] for key in charge if key != "lines"}
                differences.look(f"{form.key} {charge['id']}", plain(row), expected)
    return len(charges), int(sum(charge["amount"] for charge in charges).scaleb(9))


def work_b(folder: Path, table: pa.Table, prices: Prices, differences: Differences) -> tuple[int, int]:
    """Every charge by `rate`, by name and amount of its lines."""
    rules = pricelang.load(folder / "work_b.price")
    hand, total, rows = WorkB(prices), 0, list(records(folder / "b.parquet"))
    for row, charge in zip(rows, rules.rate_stream(as_json(table)), strict=True):
        assert isinstance(charge, pricelang.Charge), charge
        lines = hand.lines(row)
        assert lines is not None
        quantities = (row[3] - row[4], row[4], row[5])
        nanos = [
            (name, Decimal(rounded(picos)).scaleb(-9))
            for name, picos, tokens in zip(LINES, lines, quantities, strict=True)
            if tokens
        ]
        differences.look(f"b-rate {charge.id}", nanos, [(line.name, line.amount) for line in charge.lines])
        differences.look(f"b-rate {charge.id}, exact", Decimal(sum(lines)).scaleb(-12), charge.exact)
        total += int(charge.amount.scaleb(9))
    return len(rows), total


def work_b_limit(folder: Path, table: pa.Table, prices: Prices, differences: Differences) -> tuple[int, int, int]:
    """Every decision and amount by a ledger."""
    hand, total, accepted, refused = WorkB(prices, DAILY_LIMIT), 0, 0, 0
    rules = pricelang.load(folder / "limit" / "work_b.price")
    with pricelang.Ledger.open("memory://", rules) as ledger:
        for account in sorted(set(table.column("account").to_pylist())):
            signup = {"id": f"s-{account}", "type": "signup", "at": "2026-01-01T00:00:00Z", "account": account}
            assert ledger.apply(signup).accepted
        for row, record in zip(records(folder / "b.parquet"), as_json(table), strict=True):
            outcome = ledger.apply(record)
            lines = hand.lines(row)
            nanos = None if lines is None else Decimal(sum(map(rounded, lines))).scaleb(-9)
            differences.look(f"b-limit {outcome.id}", nanos, outcome.amount if outcome.accepted else None)
            accepted += outcome.accepted
            refused += not outcome.accepted
            total += int(outcome.amount.scaleb(9))
    return accepted, total, refused


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_500, help="besides the edges")
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    prices, differences = Prices(given.models, given.seed), Differences()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "limit").mkdir()
        tables = {}
        for work in "ab":
            tables[work] = sample(work, given.rows, given.models, given.seed)
            pq.write_table(tables[work], folder / f"{work}.parquet", row_group_size=1000)
            (folder / f"work_{work}.price").write_text(rule_file(work, prices).text)
        (folder / "limit" / "work_b.price").write_text(rule_file("b", prices, limit=True).text)
        a, b = work_a(folder, tables["a"], prices, differences), work_b(folder, tables["b"], prices, differences)
        limit = work_b_limit(folder, tables["b"], prices, differences)
        print(json.dumps({"work a": a, "work b": b, "work b with its limit, and refusals": limit}))
        expected = {"a": (*a, 0), "b-rate": (*b, 0), "b-limit": limit}
        for form in FORMS:
            if (form.tier == "floor" and "decod" in form.name) or not possible(form, a[0]):
                continue
            try:
                rules = folder / f"work_{form.work}.price"
                found = form.run(folder / f"{form.work}.parquet", prices, rules, folder / "out.parquet").plain()
            except Missing:
                continue
            total = (found["rows"], found["nanos"], found.get("refused", 0))
            differences.look(form.key, total, expected[form.kind if form.work == "b" else "a"])
    print(f"{differences.compared:,} comparisons, {differences.count:,} differences")
    return 1 if differences.count else 0


if __name__ == "__main__":
    sys.exit(main())

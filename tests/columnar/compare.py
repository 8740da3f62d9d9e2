"""Random rulesets over columns, against the stream of records: the same charges and rejections, to the last digit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pyarrow as pa

import pricelang
from reference.generate import Case
from reference.generate import Generator
from reference.generate import text
from reference.write import write

STRINGS = 0.3
"""How often a column of numbers is sent as text."""


@dataclass
class Seen:
    """What a range of seeds came to."""

    rulesets: int = 0
    records: int = 0
    charged: int = 0
    by_graph: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        self.rulesets += other.rulesets
        self.records += other.records
        self.charged += other.charged
        self.by_graph += other.by_graph
        self.codes += other.codes
        self.why += other.why
        self.differences += other.differences


def more_records(case: Case, rng: Random, count: int) -> list[dict[str, Any]]:
    """As many records as are wanted: those of the case, and others put together from their values."""
    if not case.records:
        return []
    values: dict[tuple[Any, str], list[Any]] = {}
    for record in case.records:
        for name, value in record.items():
            values.setdefault((record.get("type"), name), []).append(value)
    found = [dict(record) for record in case.records]
    while len(found) < count:
        record = dict(rng.choice(case.records))
        for name in [*record]:
            if name not in ("id", "type", "started", "stopped") and rng.random() < 0.6:
                record[name] = changed(rng.choice(values[record.get("type"), name]), rng)
        record["id"] = f"r-{len(found)}" if rng.random() > 0.02 else rng.choice(found).get("id", "r-0")
        if rng.random() < 0.01:
            record.pop(rng.choice([*record]))
        if rng.random() < 0.01:
            record["surplus"] = "x"
        found.append(record)
    return found[:count]


def changed(value: Any, rng: Random) -> Any:
    """A value, sometimes another of its kind."""
    if type(value) is int and rng.random() < 0.7:
        return rng.choice(
            [value + 1, max(0, value - 1), value * 3, value // 2, rng.randrange(10**6), rng.randrange(10**4), 0]
        )
    if type(value) is int and rng.random() < 0.02:
        return rng.choice([10**13, 2**62, 10**17, -1])
    return value


def table_of(records: list[dict[str, Any]], rng: Random) -> pa.Table:
    """Records as an Arrow table: each column of one type that holds all its values."""
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: [record.get(name) for record in records] for name in names}
    return pa.table({name: column_of(name, values, rng) for name, values in columns.items()})


def by_time(table: pa.Table) -> pa.Table:
    """Records by their instants and ids, as far as these are known."""

    def key(row: dict[str, Any]) -> Any:
        at = row.get("at") or row.get("started")
        try:
            moment = datetime.fromisoformat(at) if isinstance(at, str) else at
            return moment.timestamp(), str(row.get("id"))
        except (ValueError, AttributeError, OverflowError):
            return 0.0, ""

    rows = table.to_pylist()
    return table.take(pa.array(sorted(range(len(rows)), key=lambda one: key(rows[one])), pa.int64()))


def column_of(name: str, values: list[Any], rng: Random) -> pa.Array:
    there = [one for one in values if one is not None]
    if name == "at" and rng.random() < 0.8:
        try:
            moments = [None if one is None else datetime.fromisoformat(one).astimezone(UTC) for one in values]
            return pa.array(moments, pa.timestamp(rng.choice(["us", "ns", "us", "ms"]), "UTC"))
        except (ValueError, TypeError, AttributeError, pa.ArrowInvalid):
            return pa.array(values, pa.string())
    if all(type(one) is int for one in there):
        if all(abs(one) < 2**63 for one in there) and rng.random() > STRINGS:
            if rng.random() < 0.2:
                return pa.array(
                    [None if one is None else Decimal(one) for one in values], pa.decimal128(38, rng.choice([0, 2]))
                )
            return pa.array(values, pa.int64())
        return pa.array([None if one is None else str(one) for one in values], pa.string())
    if all(type(one) is bool for one in there):
        return pa.array(values, pa.bool_())
    found = pa.array([None if one is None else shown(one) for one in values], pa.string())
    return found.dictionary_encode() if rng.random() < 0.5 else found


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def of_stream(one: Any) -> Any:
    """A charge or a rejection as plain data."""
    if isinstance(one, pricelang.Charge):
        lines = [
            (
                line.name,
                line.exact_quantity,
                line.unit,
                line.exact_amount,
                line.exact_before,
                str(line.rule),
                line.row and str(line.row),
            )
            for line in one.lines
        ]
        return one.id, one.type, one.at, one.account, one.currency, one.exact_amount, Fraction(one.exact), lines
    return one.id, one.code, one.field, one.message


def of_columns(charges: pa.Table, rejects: pa.Table) -> list[Any]:
    """The same of tables."""
    unit = {"us": 10**6, "ns": 10**9}[charges.schema.field("at").type.unit]
    charges = charges.set_column(2, "at", charges.column("at").cast(pa.int64()))
    found: list[Any] = []
    for one in charges.to_pylist():
        lines = [
            (
                line["name"],
                Fraction(line["quantity"]),
                line["unit"],
                Fraction(line["amount"]),
                Fraction(line["exact"]),
                line["rule"],
                line["row"],
            )
            for line in one["lines"]
        ]
        at = Fraction(one["at"], unit)
        found.append(
            (
                one["id"],
                one["type"],
                at,
                one["account"],
                one["currency"],
                Fraction(one["amount"]),
                Fraction(one["exact"]),
                lines,
            )
        )
    rejected = [(one["id"], one["code"], one["field"], one["message"]) for one in rejects.to_pylist()]
    return [found, rejected]


def compare(seed: int, count: int = 200, **options: Any) -> Seen:
    """One seed: its ruleset and records in columns, and as a stream of what stands in the columns."""
    from pricelang.columns import source_of
    from pricelang.engine.columnar import run
    from pricelang.engine.columnar.batch import raw_records
    from pricelang.engine.columnar.plan import Plan

    rng = Random(seed)
    case = Generator(seed).case()
    written = write(case.rules, Random(seed))
    rules = pricelang.load_text(written.text, name="x.price", files=written.files)
    records = more_records(case, rng, count)
    seen = Seen(1, len(records))
    table = table_of(records, rng)
    if rng.random() < 0.5:  # in order of time, and in batches of a few records
        table = by_time(table)
    if rng.random() < 0.5:
        table = pa.Table.from_batches(table.to_batches(max_chunksize=rng.choice([1, 3, 7, 20])), table.schema)
    signups = {name: text(at) for name, at in case.signups.items()}
    source = source_of(table, rules.columnar())
    raws = [one for batch in source.table.to_batches() for one in raw_records(batch)]
    items = list(enumerate(raws, start=1))
    expected = [of_stream(one) for one in rules.rate_items(iter(items), accounts=case.accounts, signups=signups)]
    run.IN_MEMORY = 5_000_000 if rng.random() < 0.6 else 30  # records that are sorted in memory
    rated = rules.rate_many(table, accounts=case.accounts, signups=signups, **options)
    charged = [one for one in expected if len(one) > 4]
    rejected = [one for one in expected if len(one) == 4]
    got = of_columns(rated.charges, rated.rejects)
    for what, left, right in (("charges", charged, got[0]), ("rejects", rejected, got[1])):
        if left != right:
            n = next(
                (i for i, (one, other) in enumerate(zip(left, right, strict=False)) if one != other),
                min(len(left), len(right)),
            )
            seen.differences.append(
                f"seed {seed}, {what} {n} of {len(left)} and {len(right)}:\n  expected {left[n : n + 1]}\n  got      {right[n : n + 1]}"
            )
    total = sum((one[5] for one in charged), Fraction(0))
    if Fraction(rated.amount) != total:
        seen.differences.append(f"seed {seed}: the total is {rated.amount}, and charges come to {total}")
    if rated.records != rated.charged + rated.rejected + rated.duplicates or rated.records != len(records):
        seen.differences.append(f"seed {seed}: the counts do not add up: {rated}")
    seen.charged += len(charged)
    seen.codes.update(one[1] for one in rejected)
    plan = Plan(rules._engine, rules.columnar().sources, source.schema)
    seen.why.update(plan.why.values())
    seen.by_graph += rated.in_columns
    return seen

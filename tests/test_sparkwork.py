"""What runs on Spark's workers, without Spark: batches cut anywhere, shuffled here as Spark would, against one machine.

With Spark itself: `tests/spark`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

import pricelang
from columnar.compare import more_records
from columnar.compare import table_of
from pricelang.adapters import sparkwork
from pricelang.engine.stream import counts_over_time
from reference.generate import Generator
from reference.generate import text
from reference.write import write
from spark.compare import for_spark
from spark.compare import instant
from spark.compare import of_machine
from spark.compare import same
from spark.compare import told

SEEDS = 80


def by_columns(row: dict[str, Any]) -> list[Any]:
    return [(row[name] is not None, row[name] if row[name] is not None else 0) for name in sorted(row)]


def shuffled(table: pa.Table, key: str, rng: Random, order: Callable[[dict[str, Any]], Any]) -> list[pa.Table]:
    """Three parts: rows of one key in one of them and one after the other, rows without one anywhere."""
    parts: list[list[int]] = [[], [], []]
    places: dict[Any, int] = {}
    rows = table.to_pylist()
    for row, one in enumerate(rows):
        where = rng.randrange(3) if one.get(key) is None else places.setdefault(one[key], rng.randrange(3))
        parts[where].append(row)
    for part in parts:
        part.sort(key=lambda row: (rows[row].get(key) is not None, rows[row].get(key) or "", order(rows[row])))
    return [table.take(pa.array(part, pa.int64())) for part in parts]


def batches(table: pa.Table, rng: Random) -> list[pa.RecordBatch]:
    """A table in batches of any size, none among them."""
    cuts = sorted(rng.randrange(table.num_rows + 1) for _ in range(6))
    pieces = [table.slice(low, high - low) for low, high in zip([0, *cuts], [*cuts, table.num_rows], strict=True)]
    return [one for piece in pieces for one in piece.combine_chunks().to_batches() or [_none(table)]]


def _none(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=table.schema)


def through(step: Any, parts: list[pa.Table], rng: Random) -> pa.Table:
    found = [out for part in parts for out in step(batches(part, rng))]
    schema = found[0].schema if found else pa.schema([])
    return pa.Table.from_batches(found, schema)


def as_on_spark(rules: pricelang.Ruleset, table: pa.Table, rng: Random, **known: Any) -> Any:
    ship = sparkwork.shipped(rules, known.get("accounts"), known.get("signups"))
    if not counts_over_time(rules.program):
        out = through(sparkwork.RateIds(ship), shuffled(table, "id", rng, by_columns), rng)
    else:
        marked = through(sparkwork.Mark(ship), shuffled(table, "id", rng, by_columns), rng)
        parts = shuffled(marked, "account", rng, lambda row: (instant(row), by_columns(row)))
        out = through(sparkwork.RateAccounts(ship), parts, rng)
    rows = [one is None for one in out.column("code").to_pylist()] if out.num_rows else []
    charges = out.filter(pa.array(rows, pa.bool_())).drop_columns(["code", "field", "message", "record"])
    rejects = out.filter(pa.array([not one for one in rows], pa.bool_())).select(["id", "code", "field", "message"])
    return told(charges, rejects)


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_any_cutting_of_any_shuffle_charges_as_one_machine(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparkwork, "CHUNK", 16)
    kinds: Counter[bool] = Counter()
    codes: Counter[str] = Counter()
    for seed in range(first, first + 20):
        rng = Random(seed)
        case = Generator(seed).case()
        if not case.records:
            continue
        written = write(case.rules, Random(seed))
        rules = pricelang.load_text(written.text, name="x.price", files=written.files)
        table = for_spark(table_of(more_records(case, rng, 140), rng))
        table = pa.concat_tables([table, table.slice(rng.randrange(100), 10)])  # sent twice
        if not {"id", "account"} <= set(table.column_names):
            continue
        known = {"accounts": case.accounts, "signups": {name: text(at) for name, at in case.signups.items()}}
        expected = of_machine(rules, table, **known)
        same(as_on_spark(rules, table, rng, **known), expected)
        kinds[counts_over_time(rules.program)] += 1
        codes.update(eval(one)[1] for one in expected[1])
    assert kinds[True]
    assert kinds[False]
    assert {"duplicate", "id-conflict"} <= set(codes)


@pytest.mark.parametrize("seed", range(20))
def test_rows_of_one_key_are_never_cut_apart(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(seed)
    monkeypatch.setattr(sparkwork, "CHUNK", rng.choice([1, 5, 20]))
    keys = [*[None] * rng.choice([0, 3, 30]), *sorted(rng.choice("abcdefgh") for _ in range(60))]
    table = pa.table({"key": pa.array(keys, pa.string()), "row": range(len(keys))})
    parts = list(sparkwork.whole(batches(table, rng), "key"))
    assert [row for part in parts for row in part.column("row").to_pylist()] == list(range(len(keys)))
    owners: Counter[str] = Counter(key for part in parts for key in set(part.column("key").to_pylist()) if key)
    assert set(owners.values()) == {1}
    assert sparkwork.CHUNK > 1 or len(parts) > 3
    assert all(part.num_rows for part in parts)


def test_two_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for folder, rate in (("parts", "1"), (".", "2")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "models.csv").write_text(f"Model,Rate\na,${rate}\n")
    (tmp_path / "parts" / "base.price").write_text(
        "ruleset base\n  currency USD\n\nusage chat\n  model   text\n  tokens  tokens\n\n"
        'table models by model, per 1M tokens, from "models.csv"\n\nprice chat\n  all:  tokens at models.rate\n'
    )
    (tmp_path / "top.price").write_text(
        'ruleset top based on "parts/base.price"\n\ntable own by model, per 1M tokens, from "models.csv"\n\n'
        "price chat\n  more:  requests at $5 per request\n  all:  tokens at own.rate\n"
    )
    rules = pricelang.load(tmp_path / "top.price")
    read = sparkwork.read(sparkwork.shipped(rules, None, None))
    assert read.program == rules.program
    assert read.fingerprint == rules.fingerprint
    record = {"id": "1", "type": "chat", "at": "2026-02-01T12:00:00Z", "account": "a", "model": "a", "tokens": 10**6}
    assert read.rate(record).amount == 7

"""A DataFrame's charges against one machine's: the same records, put in the order that the adapter promises."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

import pricelang
from columnar.compare import of_columns
from pricelang.adapters import spark as adapter


def table_of_lines(path: Path) -> pa.Table:
    """Records of a file as a table: numbers that are not whole as texts."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: [_plain(row.get(name)) for row in rows] for name in names})


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) else value


def for_spark(table: pa.Table) -> pa.Table:
    """A table of types that Spark has."""
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz))
        columns[name] = column.cast(pa.string()) if pa.types.is_null(column.type) else column
    return pa.table(columns)


def in_order(table: pa.Table) -> pa.Table:
    """Rows by their instants, then by their columns in the order of names, what is not given first."""
    rows = table.to_pylist()
    names = sorted(table.column_names)

    def key(row: int) -> Any:
        one = rows[row]
        return instant(one), [(one[name] is not None, one[name] if one[name] is not None else 0) for name in names]

    return table.take(pa.array(sorted(range(len(rows)), key=key), pa.int64()))


def instant(row: dict[str, Any]) -> datetime:
    found = row.get("at") if row.get("at") is not None else row.get("started")
    try:
        at = datetime.fromisoformat(found) if isinstance(found, str) else found
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else datetime.min.replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)  # such a record is rejected, wherever it stands


def shuffled(table: pa.Table, seed: int = 1) -> pa.Table:
    rows = list(range(table.num_rows))
    Random(seed).shuffle(rows)
    return table.take(pa.array(rows, pa.int64()))


def of_spark(rated: Any) -> tuple[Counter[str], Counter[str]]:
    """What `rate` gave, as plain data: charges, rejections."""
    rated = rated.cache()
    charges = adapter.charges(rated).toArrow()
    rejects = adapter.rejects(rated).toArrow()
    assert charges.num_rows + rejects.num_rows == rated.count()
    rated.unpersist()
    return told(charges, rejects)


def of_machine(rules: pricelang.Ruleset, table: pa.Table, **given: Any) -> tuple[Counter[str], Counter[str]]:
    """The same of one machine."""
    rated = rules.rate_many(in_order(table), **given)
    return told(rated.charges, rated.rejects)


def told(charges: pa.Table, rejects: pa.Table) -> tuple[Counter[str], Counter[str]]:
    charged, rejected = of_columns(charges, rejects)
    return Counter(map(repr, charged)), Counter(map(repr, rejected))


def same(left: tuple[Counter[str], Counter[str]], right: tuple[Counter[str], Counter[str]]) -> None:
    for one, other in zip(left, right, strict=True):
        assert not one - other, list((one - other).items())[:2]
        assert not other - one, list((other - one).items())[:2]

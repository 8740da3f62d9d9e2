"""One table charged in columns and record by record: what differs, in words.

What stands in a table is read here by itself, value by value, so that a fault in how batches are read shows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import pricelang
from columnar.compare import of_columns
from columnar.compare import of_stream
from pricelang.engine.intake import RecordError
from pricelang.period import instant_text

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def records_of(table: pa.Table) -> list[Any]:
    """The records of a table: what is null was not given."""
    found: list[Any] = [{} for _ in range(table.num_rows)]
    for name, column in zip(table.schema.names, table.columns, strict=True):
        row = 0
        for chunk in column.chunks:
            stamp = pa.types.is_timestamp(chunk.type)
            for one in chunk.cast(pa.int64()) if stamp else chunk:
                put(found, row, name, value_of(one, chunk.type if stamp else None))
                row += 1
    return found


def put(found: list[Any], row: int, name: str, value: Any) -> None:
    record = found[row]
    if value is None or isinstance(record, RecordError):
        return
    if isinstance(value, RecordError):
        found[row] = RecordError(value.code, name, f"{name} {value.message}")
    elif name in record:
        message = f"the column {name} stands in this table more than once"
        found[row] = RecordError("repeated-key", name, message)
    else:
        record[name] = value


def value_of(one: Any, stamp: Any) -> Any:
    try:
        value = one.as_py()
    except UnicodeDecodeError:
        return RecordError("invalid-utf8", None, "is not valid UTF-8")
    except (ValueError, OverflowError):
        return RecordError("wrong-type", None, "holds a value that cannot be read")
    if stamp is None or value is None:
        return value
    try:
        text = instant_text(Fraction(value, UNITS[stamp.unit]))
    except (ValueError, OverflowError):
        return f"{value} units of 1/{UNITS[stamp.unit]} seconds since 1970"
    return text if stamp.tz is not None else text.removesuffix("Z")


def expected_of(rules: Any, table: pa.Table, **known: Any) -> list[Any]:
    """Charges and rejections, one record after another."""
    items = list(enumerate(records_of(table), start=1))
    return [of_stream(one) for one in rules.rate_items(iter(items), **known)]


def different(what: str, left: list[Any], right: list[Any]) -> Iterator[str]:
    if left != right:
        pairs = enumerate(zip(left, right, strict=False))
        n = next((i for i, (one, other) in pairs if one != other), min(len(left), len(right)))
        yield (
            f"{what} {n} of {len(left)} and {len(right)}:\n  expected {left[n : n + 1]}\n  got      {right[n : n + 1]}"
        )


def differences(
    rules: Any,
    table: pa.Table,
    *,
    expected: list[Any] | None = None,
    file: bool = False,
    row_group: int | None = None,
    total_by: tuple[str, ...] | None = None,
    known: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[list[str], Any]:
    """What differs, and what `rate_many` gave. With `file` it reads a Parquet file and writes one."""
    known = known or {}
    if expected is None:
        expected = expected_of(rules, table, **known)
    charged = [one for one in expected if len(one) > 4]
    rejected = [one for one in expected if len(one) == 4]
    with tempfile.TemporaryDirectory() as folder:
        usage: Any = table
        if file:
            usage = Path(folder) / "usage.parquet"
            pq.write_table(table, usage, row_group_size=row_group)
            if total_by is None:
                options["out"] = Path(folder) / "charges.parquet"
        rated = rules.rate_many(usage, total_by=total_by, **known, **options)
        charges = pq.read_table(options["out"]) if "out" in options else rated.charges
    found: list[str] = []
    got = of_columns(charges, rated.rejects) if charges is not None else [None, of_rejects(rated.rejects)]
    if charges is not None:
        found += different("charges", charged, got[0])
    found += different("rejects", rejected, got[1])
    total = sum((one[5] for one in charged), Fraction(0))
    if Fraction(rated.amount) != total:
        found.append(f"the total is {rated.amount}, and charges come to {total}")
    duplicates = sum(one[1] == "duplicate" for one in rejected)
    if rated.records != table.num_rows or rated.records != rated.charged + rated.rejected + rated.duplicates:
        found.append(f"the counts do not add up: {rated}")
    if rated.duplicates != duplicates:
        found.append(f"{rated.duplicates} duplicates, and not {duplicates}")
    if total_by is not None:
        found += different("sums", sums_of(rules, table, expected, total_by), of_totals(rated.totals, total_by))
    return found, rated


def of_rejects(rejects: pa.Table) -> list[Any]:
    return [(one["id"], one["code"], one["field"], one["message"]) for one in rejects.to_pylist()]


def of_totals(totals: pa.Table, keys: tuple[str, ...]) -> list[Any]:
    rows = totals.to_pylist()
    return sorted(([str(one[key]) for key in keys], one["records"], Fraction(one["amount"])) for one in rows)


def sums_of(rules: Any, table: pa.Table, expected: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """Sums by keys, made of single charges; a default stands for what was not given."""
    from pricelang.period import period_name
    from pricelang.period import period_start

    program = rules.program
    defaults = {(usage.name, one.name): one.default for usage in program.usages.values() for one in usage.inputs}
    raws = records_of(table)
    sums: dict[tuple[str, ...], list[Any]] = {}
    for row, one in enumerate(expected):
        if len(one) == 4:
            continue
        name, at, account, amount = one[1], one[2], one[3], one[5]
        raw = raws[row] if row < len(raws) else None  # a period's end
        key = []
        for each in keys:
            if each == "type":
                key.append(name)
            elif each == "account":
                key.append(account)
            elif each in ("hour", "day", "week", "month", "quarter", "year"):
                key.append(period_name(period_start(at, each, program.zone), each, program.zone))
            else:
                key.append(str(None if raw is None else raw.get(each, defaults.get((name, each)))))
        kept = sums.setdefault(tuple(key), [0, Fraction(0)])
        kept[0] += 1
        kept[1] += amount
    return sorted((list(key), count, amount) for key, (count, amount) in sums.items())


def load(text: str) -> Any:
    return pricelang.load_text(text, name="x.price")

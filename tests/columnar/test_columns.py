"""Charges in columns are those of the record engine, to the last digit: random rulesets, odd columns, edges of batches."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

pa = pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402

from columnar.compare import Seen  # noqa: E402
from columnar.compare import compare  # noqa: E402
from columnar.proof import batches_of  # noqa: E402
from columnar.proof import prove  # noqa: E402
from columnar.same import differences  # noqa: E402
from columnar.same import load  # noqa: E402
from pricelang.engine.columnar.charges import texts  # noqa: E402
from pricelang.engine.columnar.loops import available  # noqa: E402
from pricelang.number import decimal_text  # noqa: E402

START = 1_767_225_600  # 2026-01-01 in seconds

PLAIN = """ruleset plain
  currency USD

usage chat
  model   text, default small
  region  text, optional
  day     date, optional
  tokens  tokens

price chat
  tok:  tokens at $3 per 1M tokens
"""

COUNTED = """ruleset counted
  currency USD

usage chat
  model   text, default small
  tokens  tokens

price chat
  tok:  tokens at graduated each day
    up to 100: $1 per token
    above 100: $3 per token
"""


def table(count: int = 6, **columns: Any) -> pa.Table:
    """Plain records of one hour each; columns that are given take the place of others, None leaves one out."""
    moments = pa.array([(START + row * 3600) * 10**6 for row in range(count)], pa.int64())
    found = {
        "id": pa.array([f"r{row}" for row in range(count)]),
        "type": pa.array(["chat"] * count),
        "account": pa.array([f"a{row % 2}" for row in range(count)]),
        "at": moments.cast(pa.timestamp("us", "UTC")),
        "tokens": pa.array([40 + row for row in range(count)], pa.int64()),
        **columns,
    }
    return pa.table({name: column for name, column in found.items() if column is not None})


def at_hours(*hours: float) -> pa.Array:
    moments = [(START + round(hour * 3600)) * 10**6 for hour in hours]
    return pa.array(moments, pa.int64()).cast(pa.timestamp("us", "UTC"))


def view(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string_view())


def broken(*values: bytes) -> pa.Array:
    """Texts of which some are not UTF-8."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(list(values)).buffers())


def runs(*values: Any) -> pa.Array:
    return pa.RunEndEncodedArray.from_arrays(pa.array(range(1, len(values) + 1), pa.int32()), pa.array(values))


def words(*values: str | None, index: Any = None, kind: Any = None) -> pa.Array:
    known = list(dict.fromkeys(values))
    codes = pa.array([known.index(one) for one in values], index or pa.int8())
    return pa.DictionaryArray.from_arrays(codes, pa.array(known, kind or pa.string()))


def same(rules: str, usage: pa.Table, **options: Any) -> Any:
    found, rated = differences(load(rules), usage, **options)
    assert not found, "\n".join(found)
    return rated


def writable(usage: pa.Table) -> bool:
    """Whether Parquet has a place for all of it."""
    try:
        pq.write_table(usage, pa.BufferOutputStream())
    except pa.ArrowException:
        return False
    return True


TYPED = {
    "ids of a view": {"id": view("x", "y", "x", "y", "z", "")},
    "types of a view": {"type": view("chat", "chat", None, "x", "chat", "chat")},
    "accounts of a view": {"account": view("a", "b", None, "", "a", "b")},
    "times of a view": {"at": view(*(f"2026-01-0{6 - row}T00:00:00Z" for row in range(6)))},
    "runs": {"tokens": runs(5, 6, None, 7, 8, -1)},
    "runs of types": {"type": runs("chat", "chat", "x", None, "chat", "chat")},
    "a null in a dictionary": {"account": words("a", None, "a", None, "b", "a")},
    "a null in a dictionary of types": {"type": words("chat", None, "chat", "x", "chat", "chat")},
    "a dictionary of long texts": {"account": words(*"aabbab", kind=pa.large_string())},
    "a dictionary of views": {"id": words(*"abcdef", kind=pa.string_view())},
    "wide indices": {"model": words(*"aabbab", index=pa.int64())},
    "broken types": {"type": broken(b"chat", b"\xff", b"chat", b"chat", b"x", b"chat")},
    "broken ids": {"id": broken(b"a", b"b\xff", b"c", b"d", b"e", b"f")},
    "broken accounts": {"account": broken(b"a", b"b\xff", b"a", b"d", b"a", b"f")},
    "broken models": {"model": broken(b"a", b"b\xff", b"c", b"d", b"e", b"f")},
    "no ids": {"id": None},
    "no types": {"type": None},
    "no times": {"at": None},
    "no accounts": {"account": None},
    "no accounts in a row": {"account": pa.array(["a", "b", "a", None, "b", "b"])},
    "nothing in tokens": {"tokens": pa.nulls(6)},
    "surplus": {"extra": pa.array([None, "x", None, None, None, "y"])},
    "surplus lists": {"extra": pa.array([None, [1], None, None, None, []])},
    "surplus without anything": {"extra": pa.nulls(6, pa.struct([("a", pa.int64())]))},
    "bytes": {"tokens": pa.array([1, 2, 127, 0, None, -1], pa.int8())},
    "2^63": {"tokens": pa.array([2**64 - 1, 2**63, 2**63 - 1, 5, 0, 2**40], pa.uint64())},
    "wide": {"tokens": pa.array([2**63 - 1, 2**62, 10**18, 5, 0, 2**40])},
    "10^29": {"tokens": pa.array([Decimal(10) ** 29, Decimal(10) ** 30, Decimal(-5), None, Decimal(0), Decimal(7)])},
    "digits behind the point": {"tokens": pa.array([Decimal("5.00"), Decimal("5.01")] * 3, pa.decimal128(38, 2))},
    "a long scale": {"tokens": pa.array([Decimal(5)] * 6, pa.decimal128(38, 20))},
    "a wide decimal": {"tokens": pa.array([Decimal(5), Decimal(10) ** 40] * 3, pa.decimal256(60, 2))},
    "floats": {"tokens": pa.array([1.0, -0.0, float("nan"), float("inf"), 2.0**53, 1.5])},
    "truths": {"tokens": pa.array([True] * 6)},
    "texts of digits": {"tokens": pa.array(["007", "1 ", "१", "1e3", "1_0", "5\n"])},
    "days": {"at": pa.array([date(2026, 1, 1)] * 6)},
    "times without a zone": {"at": pa.array([START] * 6, pa.int64()).cast(pa.timestamp("s"))},
    "times of another zone": {"at": pa.array([START] * 6, pa.int64()).cast(pa.timestamp("s", "Asia/Tokyo"))},
    "the end of time": {
        "at": pa.array([2**62, -(2**62), 0, 1, 253402300799, 253402300800]).cast(pa.timestamp("s", "UTC"))
    },
    "nanoseconds": {"at": pa.array([2**63 - 1, -(2**63), 0, 1, 10**18, None]).cast(pa.timestamp("ns", "UTC"))},
    "requests": {"requests": pa.array([1, None, 2, 0, 1, 1])},
    "requests as texts": {"requests": pa.array(["1", None, "2", "1.0", "1", "1"])},
}


@pytest.mark.parametrize("rules", [PLAIN, COUNTED], ids=["plain", "counted"])
@pytest.mark.parametrize("case", TYPED)
def test_column(case: str, rules: str) -> None:
    usage = table(**TYPED[case])
    same(rules, usage)
    with batches_of(2):
        same(rules, usage)
        if writable(usage):
            same(rules, usage, file=True, row_group=3)


def test_dates_lie_in_the_calendars_years() -> None:
    days = pa.array([1, -719_162, 2_932_896, 2_932_897, -719_163, None], pa.int32()).cast(pa.date32())
    assert same(PLAIN, table(day=days)).charged == 4


NAMED_TWICE = ("id", "type", "account", "at", "tokens", "model")


@pytest.mark.parametrize("rules", [PLAIN, COUNTED], ids=["plain", "counted"])
@pytest.mark.parametrize("name", NAMED_TWICE)
def test_a_name_that_stands_twice(name: str, rules: str) -> None:
    one = table(id=pa.array(["a", "a", "b", "c", "d", "e"]), model=pa.array(["m"] * 6))
    for other in (one.column(name), pa.nulls(6, one.schema.field(name).type)):
        twice = pa.Table.from_arrays([other, *one.columns], names=[name, *one.schema.names])
        same(rules, twice)
        same(rules, twice, file=True)


@pytest.mark.parametrize("count", [0, 1, 65_535, 65_536, 65_537])
def test_edges_of_batches(count: int) -> None:
    usage = table(count)
    expected = load(PLAIN).rate_many(usage, compiled=False)
    assert (expected.charged, expected.amount) == (count, sum(40 + row for row in range(count)) * Decimal("0.000003"))
    last = expected.charges.slice(max(0, count - 1)).to_pylist()
    assert [one["amount"] for one in last] == [Decimal(40 + count - 1) * Decimal("0.000003")] * (count > 0)
    days, tokens = [row // 24 for row in range(count)], [40 + row for row in range(count)]
    spent: dict[tuple[int, int], int] = {}
    total = 0
    for row in range(count):
        before = spent.get((row % 2, days[row]), 0)
        after = spent[row % 2, days[row]] = before + tokens[row]
        total += 3 * after - 2 * min(after, 100) - 3 * before + 2 * min(before, 100)
    assert load(COUNTED).rate_many(usage, compiled=False).amount == total


def test_a_bad_row_moves_no_total_of_others() -> None:
    """Rows that could not be read, and those whose account is not known, took the totals of others with them."""
    same(COUNTED, table(account=pa.array(["a", "b", "a", None, "b", "b"])))
    same(COUNTED, table(at=at_hours(1, 2, 25, 26, 27, 28), tokens=pa.array([90, 90, 90, 90, 5, -1])))
    odd = table(
        at=at_hours(1, 2, 3, 4, 25, 26),
        account=pa.array(["a"] * 6),
        tokens=pa.array(["60", "5", "50", "1e1", "60", "7"]),
    )
    with batches_of(2):
        same(COUNTED, odd)
        same(COUNTED, odd, total_by=("model", "day"))


def test_small_figures_as_texts() -> None:
    """Arrow writes small decimals with an exponent, of which the zeros were cut off."""
    from fractions import Fraction

    import numpy as np

    values = [0, 1, -1, 5, 10, 100, 10**9, 10**17, -(2**62)]
    for scale in (1, 2, 8, 10, 10**6, 10**7, 10**10, 10**17, 3, 7 * 10**9):
        assert texts(np.array(values), scale).to_pylist() == [decimal_text(Fraction(one, scale)) for one in values]
    rules = PLAIN.replace("$3", "$0.0001") + "\nusage other\n  many  number\n\nprice other\n  x:  $1 × many / 3\n"
    types = pa.array(["chat", "other"] * 3)
    same(rules, table(type=types, tokens=pa.array([1, None] * 3), many=pa.array([None, 1] * 3)))


@pytest.mark.parametrize("quota", ["5", "2000000000000", "1.12345678", "-1", None])
def test_figures_of_accounts_that_columns_cannot_hold(quota: str | None) -> None:
    rules = """ruleset quotas
  currency USD

account
  quota  number, optional

usage chat
  tokens  tokens

price chat when account.quota is given
  tok:  tokens at $3 per 1M tokens

price chat when account.quota is not given
  tok:  tokens at $5 per 1M tokens
"""
    if quota == "-1":
        rules = rules.replace("number, optional", "number, default 7")
        quota = None
        rules = rules.replace("is given", "above 5").replace("is not given", "up to 5")
    same(rules, table(), known={"accounts": {"a0": {} if quota is None else {"quota": quota}}})


def test_an_empty_id_is_told_from_sums_alone() -> None:
    for name in ("id", "account"):
        usage = table(**{name: pa.array(["a", "", "c", "d", "e", "f"])})
        for rules in (PLAIN, COUNTED):
            same(rules, usage, file=True, total_by=("type",), ids_unique=True)


def test_very_many_combinations_of_keys() -> None:
    keys = ("k1", "k2", "k3", "k4")
    rules = "\n".join(
        [
            "ruleset keys", "  currency USD", "", "usage chat", *(f"  {key}  text" for key in keys), "  tokens  tokens",
            "", f"table t by {', '.join(keys)}, per 1M tokens", f"  | {' | '.join(keys)} | p |", "  |---|---|---|---|---|",
            "  | 7 | 7 | 7 | 7 | $5 |", "  | any | any | any | any | $3 |", "", "price chat", "  tok: tokens at t.p", "",
        ]
    )  # fmt: skip
    count = 50_000
    column = pa.array([str(row) for row in range(count)])
    rated = load(rules).rate_many(table(count, tokens=pa.array([1] * count), **dict.fromkeys(keys, column)))
    assert rated.in_columns == count
    assert rated.amount == Decimal(3 * (count - 1) + 5) / 10**6


def test_broken_files(tmp_path: Any) -> None:
    path = tmp_path / "usage.parquet"
    pq.write_table(table(1000), path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[200:1500] = bytes(one ^ 0x5A for one in data[200:1500])
    path.write_bytes(data)
    out = tmp_path / "charges.parquet"
    for options in ({}, {"out": out}, {"total_by": ("type",)}):
        with pytest.raises(ValueError, match="cannot be read"):
            load(PLAIN).rate_many(path, **options)
    assert [one.name for one in tmp_path.iterdir()] == ["usage.parquet"]


def test_a_file_may_be_written_over_itself(tmp_path: Any) -> None:
    path = tmp_path / "usage.parquet"
    pq.write_table(table(), path)
    assert load(PLAIN).rate_many(path, out=path).charged == 6
    assert pq.read_table(path).column("amount").to_pylist()[0] == Decimal("0.000120")


# --- random rulesets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", range(0, 1000, 20))
def test_random_rulesets(start: int) -> None:
    for seed in range(start, start + 20):
        assert not compare(seed).differences


@pytest.mark.parametrize("counted", [False, True], ids=["by themselves", "counted"])
@pytest.mark.parametrize("start", range(0, 96, 6))
def test_rulesets_that_graphs_take(start: int, counted: bool) -> None:
    seen = Seen()
    for seed in range(start, start + 6):
        seen.add(prove(seed, counted))
    assert not seen.differences, seen.differences[0]


def test_most_of_them_are_priced_in_columns() -> None:
    """A proof of what nothing goes through proves nothing."""
    for counted, least in ((False, 0.7), (True, 0.25)):
        seen = Seen()
        for seed in range(1000, 1016):
            seen.add(prove(seed, counted, ways=1))
        assert seen.by_graph >= least * seen.charged > 0


@pytest.mark.skipif(not available(), reason="needs numba")
@pytest.mark.parametrize("counted", [False, True], ids=["by themselves", "counted"])
@pytest.mark.parametrize("start", range(0, 8, 2))
def test_loops(start: int, counted: bool) -> None:
    for seed in range(5000 + start, 5000 + start + 2):
        assert not prove(seed, counted, ways=2, compiled=True).differences

"""Work A by hand in DuckDB: whole numbers scaled by hand in BIGINT, which DuckDB refuses to let overflow.

Its `//` cuts towards zero, which is right here because nothing is below zero; its `/` would be a double.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from benchmarks.columnar.answers import Groups
from benchmarks.columnar.answers import Total
from benchmarks.columnar.answers import Written
from benchmarks.columnar.workload import DAY
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER_BEGIN
from benchmarks.columnar.workload import OFFER_END
from benchmarks.columnar.workload import Prices
from benchmarks.columnar.workload import model_name


def _connected(prices: Prices) -> duckdb.DuckDBPyConnection:
    """A connection of one thread with the prices by model: `i, c, o` as they are, `oi, oc, oo` in the offer."""
    found = duckdb.connect(config={"threads": 1})
    found.execute("set TimeZone = 'UTC'")
    columns = zip(*(base + offer for base, offer in zip(prices.base, prices.offer, strict=True)), strict=True)
    table = {
        "number": pa.array(range(prices.models), pa.int32()),
        "model": pa.array([model_name(number) for number in range(prices.models)]),
        **{
            name: pa.array(column, pa.int64())
            for name, column in zip(("i", "c", "o", "oi", "oc", "oo"), columns, strict=True)
        },
    }
    found.register("given", pa.table(table))
    found.execute("create table prices as select * from given")
    return found


def _picos(columns: str) -> str:
    """The lines of each record in picodollars, with what else is asked for. An error for what is no usage."""
    quantities = ("input_tokens - cached_tokens", "cached_tokens", "output_tokens")
    lines = ", ".join(
        f"({quantity})::bigint * (case when offered then o{short} else {short} end) * times as {short}_picos"
        for quantity, short in zip(quantities, "ico", strict=True)
    )
    return f"""
        select {columns}, {lines} from (
            select *, epoch_us("at") >= {OFFER_BEGIN} and epoch_us("at") < {OFFER_END} as offered,
                case when input_tokens > {LONG} then 2 else 1 end as times
            from (select *, case when cached_tokens < 0 or cached_tokens > input_tokens or output_tokens < 0
                  then error('a record cannot be charged') end as bad from read_parquet(?))
            where bad is null
        ) usage left join prices using (model)"""


_AMOUNT = "(i_picos + 500) // 1000 + (c_picos + 500) // 1000 + (o_picos + 500) // 1000"


def a_sum(path: Path, prices: Prices) -> Total:
    found = _connected(prices).execute(
        f"select count(*), sum({_AMOUNT}), count(*) filter (where i_picos is null) from ({_picos('1')})", [str(path)]
    )
    rows, nanos, missing = found.fetchone() or (0, 0, 0)
    if missing:
        raise ValueError("a model has no price")
    return Total(int(rows), int(nanos or 0))


def a_groups(path: Path, prices: Prices) -> Groups:
    table = (
        _connected(prices)
        .sql(
            f"""select account, epoch_us("at") // {DAY} as day, number, sum({_AMOUNT})::bigint as nanos,
                    count(*) as counts
                from ({_picos('account, "at", number')}) group by all""",
            params=[str(path)],
        )
        .to_arrow_table()
    )
    words = table.column("account").combine_chunks().dictionary_encode()
    columns = [table.column(name).to_numpy() for name in ("day", "number", "nanos", "counts")]
    return Groups(words.dictionary.to_pylist(), words.indices.to_numpy().astype(np.int64), *columns)


def a_lean(path: Path, prices: Prices, out: Path) -> Written:
    """Charges without their lines. The decimals are made by a product: a division would be a double."""
    nano, pico = "0.000000001::decimal(10, 9)", "0.000000000001::decimal(13, 12)"
    _connected(prices).execute(
        f"""copy (
            select id, type, "at", account, 'USD' as currency,
                (({_AMOUNT})::decimal(18, 0) * {nano})::decimal(18, 9) as amount,
                ((i_picos + c_picos + o_picos)::decimal(18, 0) * {pico})::decimal(18, 12) as exact
            from ({_picos('id, type, "at", account')})
        ) to '{out}' (format parquet, compression snappy)""",
        [str(path)],
    )
    return Written(str(out), lines=False)

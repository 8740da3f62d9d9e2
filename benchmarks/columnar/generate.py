"""Usage records by a seed: `python -m benchmarks.columnar.generate --work a --rows 5000000 -o usage.parquet`.

Written a row group at a time, in order of time, each group from a seed of its own, so that memory does not grow with
the rows. Some accounts and models are used far more than others (by rank, with the exponent 0.8), tokens are lognormal,
half of the requests have read part of their input from a cache, and about one in a hundred is long.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.columnar.workload import ACCOUNTS
from benchmarks.columnar.workload import DAY
from benchmarks.columnar.workload import SPAN
from benchmarks.columnar.workload import account_name
from benchmarks.columnar.workload import micros
from benchmarks.columnar.workload import model_name

GROUP = 1 << 20
"""Rows of a row group."""

ENCODINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "zstd": {"compression": "zstd"},
    "delta": {
        "compression": "zstd",
        "use_dictionary": ["type", "account", "model"],
        "column_encoding": dict.fromkeys(
            ("at", "input_tokens", "cached_tokens", "output_tokens"), "DELTA_BINARY_PACKED"
        ),
    },
}
"""How the file is written: as Arrow does unasked (Snappy, dictionaries), with zstd, or with differences and zstd."""

_PICKS = 1 << 16
"""Cells of the table from which accounts and models are drawn."""

Array = np.ndarray[Any, np.dtype[Any]]


def zipf(count: int, exponent: float, order: np.random.Generator) -> Array:
    """A table of `_PICKS` indices below `count`, each as often as its rank asks; ranks are in a random order."""
    weights = 1.0 / np.arange(1, count + 1) ** exponent
    edges = np.cumsum(weights) / weights.sum()
    ranks = np.searchsorted(edges, (np.arange(_PICKS) + 0.5) / _PICKS).clip(max=count - 1)
    return order.permutation(count).astype(np.int32)[ranks]


def text_ids(first: int, rows: int, kind: str) -> pa.StringArray:
    """Ids that are all different: `short` counts (`r-000000017`), `hash` is sixteen hexadecimal digits in no order."""
    number = np.arange(first, first + rows, dtype=np.uint64)
    if kind == "short":
        width, base = 11, np.uint64(10)
        text = np.empty((rows, width), np.uint8)
        text[:, 0], text[:, 1] = ord("r"), ord("-")
        digits = np.frombuffer(b"0123456789", np.uint8)
        last = 2
    else:
        width, base = 16, np.uint64(16)
        text = np.empty((rows, width), np.uint8)
        digits = np.frombuffer(b"0123456789abcdef", np.uint8)
        last = 0
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            number = (number ^ (number >> np.uint64(shift))) * np.uint64(factor)
    for place in range(width - 1, last - 1, -1):
        text[:, place] = digits[(number % base).astype(np.intp)]
        number = number // base
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(text))


def schema(ids: str, tokens: pa.DataType) -> pa.Schema:
    word = pa.dictionary(pa.int32(), pa.string())
    fields = [
        ("id", pa.string()),
        ("type", word),
        ("at", pa.timestamp("us", tz="UTC")),
        ("account", word),
        ("model", word),
        ("input_tokens", tokens),
        ("cached_tokens", tokens),
        ("output_tokens", tokens),
    ]
    return pa.schema(fields if ids != "none" else fields[1:])


class Generator:
    """The rows of one workload, a chunk at a time."""

    def __init__(self, work: str, rows: int, models: int, seed: int, ids: str, int32: bool) -> None:
        day, days = SPAN[work]
        self.begin, self.step = micros(day), days * DAY // max(rows, 1)
        if self.step < 1:
            raise SystemExit(f"{rows:,} records do not fit into {days} days")
        self.rows, self.seed, self.ids = rows, seed, ids
        self.schema = schema(ids, pa.int32() if int32 else pa.int64())
        order = np.random.default_rng([seed, 1 << 32])
        self.account_picks = zipf(ACCOUNTS[work], 0.8, order)
        self.model_picks = zipf(models, 0.8, order)
        self.words = [
            pa.array(["chat"]),
            pa.array([account_name(index) for index in range(ACCOUNTS[work])]),
            pa.array([model_name(index) for index in range(models)]),
        ]

    def chunk(self, first: int, rows: int) -> pa.Table:
        """`rows` records from the one numbered `first`; no two have one instant."""
        draw = np.random.default_rng([self.seed, first])
        number = np.arange(first, first + rows, dtype=np.int64)
        at = self.begin + number * self.step + draw.integers(0, self.step, rows)
        account = self.account_picks[draw.integers(0, _PICKS, rows, dtype=np.uint16)]
        model = self.model_picks[draw.integers(0, _PICKS, rows, dtype=np.uint16)]
        read = np.exp(draw.standard_normal(rows, np.float32) * 1.5 + 7.6).astype(np.int64).clip(1, 150_000)
        long = draw.random(rows, np.float32) < 0.01
        read[long] = draw.integers(100_000, 400_000, int(long.sum()))
        share = (draw.random(rows, np.float32) * 2 - 1).clip(0, 1)
        cached = (read * share).astype(np.int64)
        written = np.exp(draw.standard_normal(rows, np.float32) * 1.2 + 6.0).astype(np.int64).clip(0, 32_000)
        chosen = (np.zeros(rows, np.int32), account, model)
        kind, accounts, models = (
            pa.DictionaryArray.from_arrays(pa.array(index), words)
            for index, words in zip(chosen, self.words, strict=True)
        )
        tokens = [pa.array(column).cast(self.schema.field("input_tokens").type) for column in (read, cached, written)]
        columns = [kind, pa.array(at).cast(pa.timestamp("us", tz="UTC")), accounts, models, *tokens]
        if self.ids != "none":
            columns.insert(0, text_ids(first, rows, self.ids))
        return pa.table(columns, schema=self.schema)


def generate(
    path: Path,
    work: str,
    rows: int,
    models: int,
    seed: int = 0,
    *,
    ids: str = "short",
    int32: bool = False,
    encoding: str = "default",
) -> None:
    """Writes the file in one of `ENCODINGS`; tokens have 64 bits or 32."""
    rest = Generator(work, rows, models, seed, ids, int32)
    partial = path.with_name(path.name + ".part")
    with pq.ParquetWriter(partial, rest.schema, **ENCODINGS[encoding]) as writer:
        for first in range(0, rows, GROUP):
            writer.write_table(rest.chunk(first, min(GROUP, rows - first)), row_group_size=GROUP)
        if not rows:
            writer.write_table(rest.schema.empty_table())
    partial.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", choices=("a", "b"), required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ids", choices=("short", "hash", "none"), default="short")
    parser.add_argument("--int32", action="store_true", help="tokens of 32 bits")
    parser.add_argument("--encoding", choices=tuple(ENCODINGS), default="default")
    parser.add_argument("-o", dest="out", type=Path, required=True)
    given = parser.parse_args()
    options = {"ids": given.ids, "int32": given.int32, "encoding": given.encoding}
    generate(given.out, given.work, given.rows, given.models, given.seed, **options)


if __name__ == "__main__":
    main()

"""Arrow batches of a usage file as NumPy arrays, with the proof that a batch fits an int64.

Every form written by hand reads through here. Words come as Arrow's dictionary indices and a table from these to the
form's own numbers, looked up once for each dictionary and not for each row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.columnar.workload import PICO_A_NANO
from benchmarks.columnar.workload import Prices
from benchmarks.columnar.workload import model_name

ROWS = 1 << 16
"""Rows of a batch."""

Array = np.ndarray[Any, np.dtype[Any]]

TOKENS = ["input_tokens", "cached_tokens", "output_tokens"]
PRICED = ["at", "model", *TOKENS]
WORDS = ["type", "account", "model"]


def single_threaded() -> None:
    """Arrow's own pools kept to one thread, so that a form's threads are those it says."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def opened(path: Path) -> pq.ParquetFile:
    """The file, not mapped into memory: pages of a mapped file would count as memory held."""
    return pq.ParquetFile(path, read_dictionary=WORDS, pre_buffer=False)


def batches(path: Path, columns: list[str], groups: list[int] | None = None) -> Iterator[pa.RecordBatch]:
    """The file's batches, decoded in this thread."""
    file = opened(path)
    yield from file.iter_batches(ROWS, row_groups=groups, columns=columns, use_threads=False)


class Words:
    """Numbers for the words of a dictionary column: those given, and new ones counted on if `grows`."""

    def __init__(self, known: dict[str, int], grows: bool = False) -> None:
        self.known, self.grows = known, grows
        self._last: pa.Array | None = None
        self._table: Array = np.empty(0, np.int32)

    @classmethod
    def of_models(cls, prices: Prices) -> Words:
        return cls({model_name(index): index for index in range(prices.models)})

    def table(self, words: pa.Array) -> Array:
        """The number of each word of a dictionary, in its order. KeyError for one that is not known."""
        if self._last is None or not (words is self._last or words.equals(self._last)):
            texts = words.to_pylist()
            if self.grows:
                for text in texts:
                    self.known.setdefault(text, len(self.known))
            self._table = np.array([self.known.get(text, -1) for text in texts], np.int32)
            self._last = words
        return self._table

    def names(self) -> list[str]:
        return list(self.known)


def whole(column: pa.Array) -> Array:
    """An integer or timestamp column as it lies in memory. ValueError where something is missing."""
    if column.null_count:
        raise ValueError("a value is missing")
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.int64())
    return column.to_numpy(zero_copy_only=True)


@dataclass
class Batch:
    """The columns that the price needs."""

    rows: int
    at: Array
    model: Array
    """Indices into `models`."""
    models: Array
    read: Array
    cached: Array
    written: Array

    @classmethod
    def of(cls, batch: pa.RecordBatch, words: Words) -> Batch:
        model = batch.column("model")
        return cls(
            batch.num_rows,
            whole(batch.column("at")),
            whole(model.indices),
            words.table(model.dictionary),
            *(whole(batch.column(name)) for name in TOKENS),
        )


def prove(most_read: int, most_written: int, dearest: int, rows: int) -> None:
    """OverflowError unless every record's picodollars and a batch's nanodollars fit an int64, by Python's integers."""
    picos = (2 * int(most_read) + int(most_written)) * dearest
    if picos + PICO_A_NANO >= 2**63 or (picos // PICO_A_NANO + 3) * rows >= 2**63:
        raise OverflowError("a batch does not fit 64 bits")


def proved(most_read: int, most_written: int, signs: int, dearest: int, rows: int) -> None:
    """The same after a look at the signs: every quantity taken together is below zero if one of them is."""
    if signs < 0:
        raise ValueError("a record cannot be charged, or comes before the one above it")
    prove(most_read, most_written, dearest, rows)


def price_table(prices: Prices) -> Array:
    """Work A's prices: rows by phase and model, columns input, cached, output."""
    return np.array(prices.table(), np.int64)

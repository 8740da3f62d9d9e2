"""Work A by hand in NumPy, over Arrow batches: whole numbers of 64 bits, proved to fit for each batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
from benchmarks.columnar.answers import Groups
from benchmarks.columnar.answers import Total
from benchmarks.columnar.batches import PRICED
from benchmarks.columnar.batches import TOKENS
from benchmarks.columnar.batches import Array
from benchmarks.columnar.batches import Batch
from benchmarks.columnar.batches import Words
from benchmarks.columnar.batches import batches
from benchmarks.columnar.batches import opened
from benchmarks.columnar.batches import price_table
from benchmarks.columnar.batches import prove
from benchmarks.columnar.batches import whole
from benchmarks.columnar.workload import DAY
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER_BEGIN
from benchmarks.columnar.workload import OFFER_END
from benchmarks.columnar.workload import PICO_A_NANO
from benchmarks.columnar.workload import Prices

DENSE = 1 << 25
"""Cells of totals that are kept as one array; more are sorted."""


def decode(path: Path, prices: Prices) -> Total:
    """The floor: every column of the price is decoded, and nothing done with it."""
    rows = 0
    for batch in batches(path, [*PRICED, "account"]):
        for name in ("at", *TOKENS):
            whole(batch.column(name))
        rows += batch.num_rows
    return Total(rows, None)


class Kernel:
    """Amounts of a batch."""

    def __init__(self, prices: Prices) -> None:
        table = price_table(prices)
        self.models = prices.models
        self.read, self.cached, self.written = (np.ascontiguousarray(table[:, line]) for line in range(3))
        self.dearest = int(table.max())

    def phases(self, batch: Batch) -> Array:
        """The row of the price table for each record."""
        phase = batch.models[batch.model]
        phase += ((batch.at >= OFFER_BEGIN) & (batch.at < OFFER_END)) * np.int32(self.models)
        phase += (batch.read > LONG) * np.int32(2 * self.models)
        return phase

    def check(self, batch: Batch) -> Array:
        """Input that was not cached, after the proof. ValueError for what is no usage."""
        fresh = batch.read - batch.cached
        if batch.rows:
            if fresh.min() < 0 or batch.cached.min() < 0 or batch.written.min() < 0 or batch.models.min() < 0:
                raise ValueError("a record cannot be charged")
            prove(batch.read.max(), batch.written.max(), self.dearest, batch.rows)
        return fresh

    def picos(self, batch: Batch) -> tuple[Array, Array, Array]:
        """Each line before rounding."""
        fresh, phase = self.check(batch), self.phases(batch)
        return (
            fresh * self.read[phase],
            batch.cached * self.cached[phase],
            batch.written * self.written[phase],
        )

    def amounts(self, batch: Batch) -> Array:
        """Each record's nanodollars."""
        total = np.zeros(batch.rows, np.int64)
        for line in self.picos(batch):
            line += PICO_A_NANO // 2
            line //= PICO_A_NANO
            total += line
        return total


def _summed(path: Path, prices: Prices, groups: list[int] | None) -> Total:
    kernel, words = Kernel(prices), Words.of_models(prices)
    rows = total = 0
    for raw in batches(path, PRICED, groups):
        batch = Batch.of(raw, words)
        total += int(kernel.amounts(batch).sum())
        rows += batch.rows
    return Total(rows, total)


def a_sum(path: Path, prices: Prices) -> Total:
    return _summed(path, prices, None)


def a_sum_2(path: Path, prices: Prices) -> Total:
    """In two threads, every other row group each."""
    return in_threads(lambda groups: _summed(path, prices, groups), path, 2)


def in_threads(work, path: Path, threads: int) -> Total:  # type: ignore[no-untyped-def]
    """The total of a form over the file's row groups, dealt to so many threads."""
    count = opened(path).num_row_groups
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(work, [list(range(first, count, threads)) for first in range(threads)]))
    return Total(sum(part.rows for part in found), sum(part.nanos for part in found))


def a_groups(path: Path, prices: Prices) -> Groups:
    """Totals by account, day and model: one array where it is small enough, sorted runs that are merged where not."""
    kernel, words, accounts = Kernel(prices), Words.of_models(prices), Words({}, grows=True)
    first, last = span(path)
    days = last - first + 1
    sums = np.zeros(0, np.int64)
    counts = np.zeros(0, np.int64)
    runs = Runs()
    total = 0
    for raw in batches(path, [*PRICED, "account"]):
        batch = Batch.of(raw, words)
        account = raw.column("account")
        amounts = kernel.amounts(batch)
        total += int(amounts.sum())
        if total >= 2**63:
            raise OverflowError("a total does not fit 64 bits")
        key = accounts.table(account.dictionary)[whole(account.indices)].astype(np.int64)
        key *= days
        key += batch.at // DAY - first
        key *= prices.models
        key += batch.models[batch.model]
        cells = len(accounts.known) * days * prices.models
        if cells <= DENSE:
            if len(sums) < cells:
                sums = np.concatenate([sums, np.zeros(cells - len(sums), np.int64)])
                counts = np.concatenate([counts, np.zeros(cells - len(counts), np.int64)])
            np.add.at(sums, key, amounts)
            np.add.at(counts, key, 1)
        else:
            runs.add(key, amounts, np.ones(batch.rows, np.int64))
    dense = np.flatnonzero(counts)
    runs.add(dense, sums[dense], counts[dense])
    keys, sums, counts = runs.merged()
    rest, model = np.divmod(keys, prices.models)
    account_of, day = np.divmod(rest, days)
    return Groups(accounts.names(), account_of, day + first, model, sums, counts)


class Runs:
    """Sorted runs of keys with their sums; what waits is merged as it grows."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Array, Array, Array]] = []
        self.rows = self.limit = 0

    def add(self, keys: Array, sums: Array, counts: Array) -> None:
        self.waiting.append((keys, sums, counts))
        self.rows += len(keys)
        if self.rows > max(self.limit, 1 << 21):
            self.merged()
            self.limit = 2 * self.rows

    def merged(self) -> tuple[Array, Array, Array]:
        keys, sums, counts = (np.concatenate(part) for part in zip(*self.waiting, strict=True))
        order = np.argsort(keys)
        keys = keys[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        if len(keys):
            sums, counts = np.add.reduceat(sums[order], starts), np.add.reduceat(counts[order], starts)
        self.waiting, self.rows = [(keys[starts], sums, counts)], len(starts)
        return self.waiting[0]


def span(path: Path) -> tuple[int, int]:
    """The first and the last day of a file, from its statistics, as days since 1970."""
    file = opened(path)
    column = file.schema_arrow.get_field_index("at")
    found = [
        file.metadata.row_group(group).column(column).statistics
        for group in range(file.num_row_groups)
        if file.metadata.row_group(group).num_rows
    ]
    edges = [pa.scalar(value).cast(pa.timestamp("us", tz="UTC")).value for one in found for value in (one.min, one.max)]
    return (min(edges) // DAY, max(edges) // DAY) if edges else (0, 0)

"""Work A's charges written to Parquet by hand: kernels in one thread, Arrow's writer in another.

A charge has the columns of a charge as JSON, its decimals as decimals that Parquet keeps in 64 bits, and its lines as a
list of structs; the lean form leaves the lines out. Two ways to fill the lines: NumPy's masks, or a loop by numba.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.columnar.answers import Written
from benchmarks.columnar.batches import PRICED
from benchmarks.columnar.batches import Array
from benchmarks.columnar.batches import Batch
from benchmarks.columnar.batches import Words
from benchmarks.columnar.batches import batches
from benchmarks.columnar.numpy_forms import Kernel
from benchmarks.columnar.rules import rule_file
from benchmarks.columnar.workload import LINES
from benchmarks.columnar.workload import PICO_A_NANO
from benchmarks.columnar.workload import Prices

COPIED = ["id", "type", "at", "account"]
NANOS = pa.decimal64(18, 9)
PICOS = pa.decimal64(18, 12)
COUNT = pa.decimal64(18, 0)
GROUP = 1 << 20


class Filled(NamedTuple):
    """A batch's charges: a figure for each record, then a figure for each line, and where each record's lines end."""

    nanos: Array
    picos: Array
    offsets: Array
    name: Array
    quantity: Array
    line_nanos: Array
    line_picos: Array
    row: Array


def numpy_fill(batch: Batch, kernel: Kernel) -> Filled:
    fresh, phase = kernel.check(batch), kernel.phases(batch)
    prices = (kernel.read, kernel.cached, kernel.written)
    quantity = np.stack([fresh, batch.cached, batch.written], axis=1)
    picos = quantity * np.stack([price[phase] for price in prices], axis=1)
    nanos = (picos + PICO_A_NANO // 2) // PICO_A_NANO
    there = quantity > 0
    offsets = np.zeros(batch.rows + 1, np.int32)
    np.cumsum(there.sum(axis=1), out=offsets[1:])
    name = np.broadcast_to(np.arange(3, dtype=np.int8), there.shape)[there]
    own = (phase % (2 * kernel.models) * 3)[:, None] + np.arange(3, dtype=np.int32)
    return Filled(
        nanos.sum(axis=1), picos.sum(axis=1), offsets, name, quantity[there], nanos[there], picos[there], own[there]
    )  # fmt: skip


def decimals(kind: pa.DataType, figures: Array) -> pa.Array:
    """Whole numbers of the last place as decimals, as they lie in memory."""
    return pa.Array.from_buffers(kind, len(figures), [None, pa.py_buffer(figures)])


class Builder:
    """Arrow batches of charges."""

    def __init__(self, prices: Prices) -> None:
        file = rule_file("a", prices)
        self.words = {
            "name": pa.array(LINES),
            "unit": pa.array(["token"]),
            "rule": pa.array(file.rules_of_lines()),
            "row": pa.array(file.rows_of_lines(prices.models)),
            "currency": pa.array(["USD"]),
        }

    def _chosen(self, name: str, index: Array) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(index), self.words[name], safe=False)

    def build(self, raw: pa.RecordBatch, filled: Filled, lines: bool) -> pa.RecordBatch:
        columns = {name: raw.column(name) for name in COPIED if name in raw.schema.names}
        columns["currency"] = self._chosen("currency", np.zeros(raw.num_rows, np.int8))
        columns["amount"] = decimals(NANOS, filled.nanos)
        columns["exact"] = decimals(PICOS, filled.picos)
        if lines:
            parts = {
                "name": self._chosen("name", filled.name),
                "quantity": decimals(COUNT, filled.quantity),
                "unit": self._chosen("unit", np.zeros(len(filled.name), np.int8)),
                "amount": decimals(NANOS, filled.line_nanos),
                "exact": decimals(PICOS, filled.line_picos),
                "rule": self._chosen("rule", filled.name),
                "row": self._chosen("row", filled.row),
            }
            flat = pa.StructArray.from_arrays(
                list(parts.values()), fields=[pa.field(name, part.type, False) for name, part in parts.items()]
            )
            kind = pa.list_(pa.field("element", flat.type, False))
            columns["lines"] = pa.ListArray.from_arrays(pa.array(filled.offsets), flat, type=kind)
        fields = [pa.field(name, column.type, False) for name, column in columns.items()]
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields))


def write(made: Iterator[pa.RecordBatch], out: Path) -> None:
    """Writes batches in a thread of its own while the next ones are made."""
    queue: Queue[pa.RecordBatch | None] = Queue(4)
    failed: list[BaseException] = []
    words = ["type", "account", "currency", *(f"lines.list.element.{name}" for name in ("name", "unit", "rule", "row"))]

    def work() -> None:
        writer = None
        while (batch := queue.get()) is not None:
            if failed:
                continue
            try:
                if writer is None:
                    writer = pq.ParquetWriter(
                        out, batch.schema, use_dictionary=words, store_decimal_as_integer=True, store_schema=False
                    )
                writer.write_batch(batch, row_group_size=GROUP)
            except BaseException as error:  # told to the thread that makes the batches
                failed.append(error)
        if writer is not None:
            writer.close()

    thread = Thread(target=work)
    thread.start()
    try:
        for batch in made:
            if failed:
                break
            queue.put(batch)
    finally:
        queue.put(None)
        thread.join()
    if failed:
        raise failed[0]


def _charges(
    path: Path, prices: Prices, fill: Callable[[Batch, Kernel], Filled], lines: bool
) -> Iterator[pa.RecordBatch]:
    kernel, words, builder = Kernel(prices), Words.of_models(prices), Builder(prices)
    for raw in batches(path, [*COPIED, *PRICED[1:]]):
        batch = Batch.of(raw, words)
        filled = fill(batch, kernel)
        if batch.rows and int(filled.picos.max()) >= 10**18:
            raise OverflowError("a charge has more than 18 digits")
        yield builder.build(raw, filled, lines)


def _numba_fill() -> Callable[[Batch, Kernel], Filled]:
    from benchmarks.columnar.numba_forms import fill

    return fill


def numpy_lines(path: Path, prices: Prices, out: Path) -> Written:
    write(_charges(path, prices, numpy_fill, True), out)
    return Written(str(out), lines=True)


def numba_lines(path: Path, prices: Prices, out: Path) -> Written:
    write(_charges(path, prices, _numba_fill(), True), out)
    return Written(str(out), lines=True)


def _lean(batch: Batch, kernel: Kernel) -> Filled:
    picos = kernel.picos(batch)
    nanos = sum((line + PICO_A_NANO // 2) // PICO_A_NANO for line in picos)
    none = np.empty(0, np.int64)
    return Filled(nanos, sum(picos), none, none, none, none, none, none)  # type: ignore[arg-type]


def numpy_lean(path: Path, prices: Prices, out: Path) -> Written:
    write(_charges(path, prices, _lean, False), out)
    return Written(str(out), lines=False)


def numba_lean(path: Path, prices: Prices, out: Path) -> Written:
    from benchmarks.columnar.numba_forms import lean

    write(_charges(path, prices, lean, False), out)
    return Written(str(out), lines=False)

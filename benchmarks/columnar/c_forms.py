"""Work A summed by hand in C: the loop of `kernel.c` over Arrow batches, where there is a compiler (`cc`)."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from benchmarks.columnar.answers import Total
from benchmarks.columnar.batches import PRICED
from benchmarks.columnar.batches import Array
from benchmarks.columnar.batches import Batch
from benchmarks.columnar.batches import Words
from benchmarks.columnar.batches import batches
from benchmarks.columnar.batches import price_table
from benchmarks.columnar.batches import proved
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER_BEGIN
from benchmarks.columnar.workload import OFFER_END
from benchmarks.columnar.workload import Prices


@cache
def _library() -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "kernel.so"
        source = Path(__file__).with_name("kernel.c")
        subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", made, source], check=True)
        found = ctypes.CDLL(str(made))
    found.charge_sum.restype = ctypes.c_int64
    return found


def _at(column: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(column.ctypes.data)


def a_sum(path: Path, prices: Prices) -> Total:
    table, words, bounds = price_table(prices), Words.of_models(prices), np.zeros(3, np.int64)
    charge_sum, dearest = _library().charge_sum, int(table.max())
    fixed = [ctypes.c_int64(value) for value in (prices.models, OFFER_BEGIN, OFFER_END, LONG)]
    rows = total = 0
    for raw in batches(path, PRICED):
        batch = Batch.of(raw, words)
        tokens = [np.ascontiguousarray(column, np.int64) for column in (batch.read, batch.cached, batch.written)]
        columns = [batch.at, batch.model, batch.models, *tokens, table]
        total += charge_sum(ctypes.c_int64(batch.rows), *map(_at, columns), *fixed, _at(bounds))
        proved(*bounds.tolist(), dearest, batch.rows)
        rows += batch.rows
    return Total(rows, total)

"""Pricelang itself, where the forms written by hand stand beside it: one function for each kind of work.

What the library gives is turned into the answers of `answers.py`; nothing else of the benchmarks knows its calls.
`compiled` asks for loops by numba, which are left to NumPy without it.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.columnar.answers import Groups
from benchmarks.columnar.answers import Total
from benchmarks.columnar.answers import Written
from benchmarks.columnar.workload import model_name


class Missing(Exception):
    """This pricelang cannot do that."""


@lru_cache
def _loaded(rules: Path) -> Any:
    """The ruleset, read once: what is timed is its work."""
    import pricelang

    return pricelang.load(rules)


def _rate_many(path: Path, rules: Path, compiled: bool, **options: Any) -> Any:
    return _loaded(rules).rate_many(path, ids_unique=True, compiled=compiled, **options)


def _nanos(amount: Decimal) -> int:
    scaled = amount.scaleb(9)
    assert scaled == int(scaled)
    return int(scaled)


def pricelang_sum(path: Path, rules: Path, compiled: bool) -> Total:
    totals = _rate_many(path, rules, compiled, total_by=()).totals
    return Total(totals.column("records")[0].as_py(), _nanos(totals.column("amount")[0].as_py()))


def pricelang_groups(path: Path, rules: Path, compiled: bool) -> Groups:
    import pyarrow as pa

    totals = _rate_many(path, rules, compiled, total_by=("account", "day", "model")).totals
    accounts = totals.column("account").combine_chunks().cast(pa.string()).dictionary_encode()
    models = totals.column("model").combine_chunks().cast(pa.string()).dictionary_encode()
    numbers = {model_name(index): index for index in range(1 << 16)}
    own = np.array([numbers[name] for name in models.dictionary.to_pylist()], np.int64)
    return Groups(
        accounts.dictionary.to_pylist(),
        accounts.indices.to_numpy().astype(np.int64),
        totals.column("day").cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64),
        own[models.indices.to_numpy()],
        np.array([_nanos(amount) for amount in totals.column("amount").to_pylist()], np.int64),
        totals.column("records").to_numpy().astype(np.int64),
    )


def pricelang_write(path: Path, rules: Path, compiled: bool, out: Path) -> Written:
    _rate_many(path, rules, compiled, out=out)
    return Written(str(out), lines=True)


def pricelang_state(path: Path, rules: Path, compiled: bool) -> Total:
    """Work B without its limit, summed."""
    return pricelang_sum(path, rules, compiled)

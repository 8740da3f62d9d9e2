"""Both workloads by hand in loops that numba compiles: a pass over each Arrow batch, nothing kept but what is asked.

Bounds are taken in the same loop, and proved before its result is used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba import njit

from benchmarks.columnar.answers import Groups
from benchmarks.columnar.answers import Total
from benchmarks.columnar.batches import PRICED
from benchmarks.columnar.batches import Array
from benchmarks.columnar.batches import Batch
from benchmarks.columnar.batches import Words
from benchmarks.columnar.batches import batches
from benchmarks.columnar.batches import price_table
from benchmarks.columnar.batches import prove
from benchmarks.columnar.batches import whole
from benchmarks.columnar.numpy_forms import in_threads
from benchmarks.columnar.workload import BANDS
from benchmarks.columnar.workload import DAILY_LIMIT
from benchmarks.columnar.workload import DAY
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER_BEGIN
from benchmarks.columnar.workload import OFFER_END
from benchmarks.columnar.workload import Prices

_HALF = np.uint64(500)
_NANO = np.uint64(1000)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _nanos(picos):  # type: ignore[no-untyped-def]
    """Half up; none is below zero, and a division without a sign is quicker."""
    return np.int64((np.uint64(picos) + _HALF) // _NANO)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _sum(at, model, models, read, cached, written, table, size):  # type: ignore[no-untyped-def]
    """The batch's nanodollars, its largest input and output, and all signs taken together (below zero: a bad one)."""
    total = np.int64(0)
    most_read = most_written = signs = np.int64(0)
    for row in range(len(at)):
        phase = np.int64(models[model[row]])
        signs |= phase
        phase = max(phase, 0)
        if OFFER_BEGIN <= at[row] < OFFER_END:
            phase += size
        first, again, out = np.int64(read[row]), np.int64(cached[row]), np.int64(written[row])
        if first > LONG:
            phase += 2 * size
        most_read = max(most_read, first)
        most_written = max(most_written, out)
        fresh = first - again
        signs |= fresh | again | out
        total += _nanos(fresh * table[phase, 0]) + _nanos(again * table[phase, 1]) + _nanos(out * table[phase, 2])
    return total, most_read, most_written, signs


class _Sum:
    def __init__(self, prices: Prices) -> None:
        self.table, self.size = price_table(prices), prices.models
        self.dearest = int(self.table.max())

    def __call__(self, batch: Batch) -> int:
        total, most_read, most_written, signs = _sum(
            batch.at, batch.model, batch.models, batch.read, batch.cached, batch.written, self.table, self.size
        )
        proved(most_read, most_written, signs, self.dearest, batch.rows)
        return int(total)


def proved(most_read: int, most_written: int, signs: int, dearest: int, rows: int) -> None:
    if signs < 0:
        raise ValueError("a record cannot be charged")
    prove(most_read, most_written, dearest, rows)


def _summed(path: Path, prices: Prices, groups: list[int] | None) -> Total:
    kernel, words = _Sum(prices), Words.of_models(prices)
    rows = total = 0
    for raw in batches(path, PRICED, groups):
        batch = Batch.of(raw, words)
        total += kernel(batch)
        rows += batch.rows
    return Total(rows, total)


def a_sum(path: Path, prices: Prices) -> Total:
    return _summed(path, prices, None)


def a_sum_2(path: Path, prices: Prices) -> Total:
    """In two threads, every other row group each."""
    return in_threads(lambda groups: _summed(path, prices, groups), path, 2)


# --- totals by account, day and model --------------------------------------------------------------------------------


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _slot(keys, key):  # type: ignore[no-untyped-def]
    mask = np.uint64(len(keys) - 1)
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    place = (mixed ^ (mixed >> np.uint64(29))) & mask
    while keys[place] != key and keys[place] != -1:
        place = (place + np.uint64(1)) & mask
    return place


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _grouped(at, model, models, read, cached, written, account, accounts, table, size, keys, sums, counts):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    most_read = most_written = signs = fresh_keys = np.int64(0)
    for row in range(len(at)):
        own = np.int64(models[model[row]])
        signs |= own
        own = max(own, 0)
        phase = own
        if OFFER_BEGIN <= at[row] < OFFER_END:
            phase += size
        first, again, out = np.int64(read[row]), np.int64(cached[row]), np.int64(written[row])
        if first > LONG:
            phase += 2 * size
        most_read = max(most_read, first)
        most_written = max(most_written, out)
        fresh = first - again
        signs |= fresh | again | out | at[row]
        amount = _nanos(fresh * table[phase, 0]) + _nanos(again * table[phase, 1]) + _nanos(out * table[phase, 2])
        total += amount
        day = np.int64(np.uint64(at[row]) // np.uint64(DAY))
        key = (np.int64(accounts[account[row]]) << 36) | (day << 18) | own
        place = _slot(keys, key)
        if keys[place] == -1:
            keys[place] = key
            fresh_keys += 1
        sums[place] += amount
        counts[place] += 1
    return total, most_read, most_written, signs, fresh_keys


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _rehash(keys, sums, counts, new_keys, new_sums, new_counts):  # type: ignore[no-untyped-def]
    for place in range(len(keys)):
        if keys[place] != -1:
            there = _slot(new_keys, keys[place])
            new_keys[there], new_sums[there], new_counts[there] = keys[place], sums[place], counts[place]


def _empty(size: int) -> tuple[Array, Array, Array]:
    return np.full(size, -1, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64)


def a_groups(path: Path, prices: Prices) -> Groups:
    """A hash table with open addressing, at most two thirds full."""
    table, size = price_table(prices), prices.models
    dearest = int(table.max())
    words, accounts = Words.of_models(prices), Words({}, grows=True)
    held = _empty(1 << 18)
    used = total = 0
    for raw in batches(path, [*PRICED, "account"]):
        batch = Batch.of(raw, words)
        account = raw.column("account")
        if 3 * (used + batch.rows) > 2 * len(held[0]):
            bigger = _empty(2 * len(held[0]))
            _rehash(*held, *bigger)
            held = bigger
        added, most_read, most_written, signs, fresh = _grouped(
            batch.at, batch.model, batch.models, batch.read, batch.cached, batch.written,
            whole(account.indices), accounts.table(account.dictionary), table, size, *held,
        )  # fmt: skip
        proved(most_read, most_written, signs, dearest, batch.rows)
        used += int(fresh)
        total += int(added)
        if total >= 2**63:
            raise OverflowError("a total does not fit 64 bits")
    keys, sums, counts = held
    there = keys != -1
    keys = keys[there]
    return Groups(
        accounts.names(), keys >> 36, (keys >> 18) & 0x3FFFF, keys & 0x3FFFF, sums[there], counts[there]
    )


# --- work B ----------------------------------------------------------------------------------------------------------

MONTH, READ, CACHED, WRITTEN, TODAY, SPENT = range(6)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _climb(before, amount, prices):  # type: ignore[no-untyped-def]
    """Picodollars of so many tokens after `before`, each at the price of its band."""
    after = before + amount
    picos = amount * prices[0]
    if after > BANDS[0]:
        picos = np.int64(0)
        low = np.int64(0)
        for band in range(3):
            high = np.int64(BANDS[band]) if band < 2 else after
            start, end = max(low, before), min(high, after)
            if end > start:
                picos += (end - start) * prices[band]
            low = high
    return picos


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _pass(at, model, models, read, cached, written, account, accounts, table, size, months, state, limit):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    most_read = most_written = signs = refused = np.int64(0)
    for row in range(len(at)):
        phase = np.int64(models[model[row]])
        signs |= phase
        phase = max(phase, 0)
        if OFFER_BEGIN <= at[row] < OFFER_END:
            phase += size
        first, again, out = np.int64(read[row]), np.int64(cached[row]), np.int64(written[row])
        most_read = max(most_read, first)
        most_written = max(most_written, out)
        fresh = first - again
        signs |= fresh | again | out | at[row]
        day = np.int64(np.uint64(at[row]) // np.uint64(DAY))
        own = state[accounts[account[row]]]
        if own[TODAY] != day:
            own[TODAY] = day
            own[SPENT] = 0
            month = months[day]
            if own[MONTH] != month:
                own[MONTH] = month
                own[READ] = own[CACHED] = own[WRITTEN] = 0
        times = np.int64(2) if first > LONG else np.int64(1)
        amount = (
            _nanos(times * _climb(own[READ], fresh, table[phase, 0]))
            + _nanos(times * _climb(own[CACHED], again, table[phase, 1]))
            + _nanos(times * _climb(own[WRITTEN], out, table[phase, 2]))
        )
        if own[SPENT] + amount > limit:
            refused += 1
            continue
        own[SPENT] += amount
        own[READ] += fresh
        own[CACHED] += again
        own[WRITTEN] += out
        total += amount
    return total, most_read, most_written, signs, refused


def month_numbers() -> Array:
    """The month of each day since 1970, counted from then, up to 2200."""
    days = np.arange(np.datetime64("1970-01-01"), np.datetime64("2200-01-01"))
    return days.astype("datetime64[M]").astype(np.int64)


def band_table(prices: Prices) -> Array:
    """By phase and model, then line, then band."""
    return np.ascontiguousarray(np.array(prices.banded(), np.int64).transpose(0, 2, 1))


def _counted(path: Path, prices: Prices, limit: int) -> Total:
    table, size, months = band_table(prices), prices.models, month_numbers()
    dearest = 2 * int(table.max())
    words, accounts = Words.of_models(prices), Words({}, grows=True)
    state = np.zeros((1 << 10, 8), np.int64)
    rows = total = refused = tokens = 0
    last = -1
    for raw in batches(path, [*PRICED, "account"]):
        batch = Batch.of(raw, words)
        account = raw.column("account")
        numbers = accounts.table(account.dictionary)
        while len(state) < len(accounts.known):
            state = np.concatenate([state, np.zeros_like(state)])
        if batch.rows and (batch.at[0] < last or (batch.at[1:] < batch.at[:-1]).any()):
            raise ValueError("records are not in the order of their times")
        last = int(batch.at[-1]) if batch.rows else last
        added, most_read, most_written, signs, no = _pass(
            batch.at, batch.model, batch.models, batch.read, batch.cached, batch.written,
            whole(account.indices), numbers, table, size, months, state, limit,
        )  # fmt: skip
        proved(most_read, most_written, signs, dearest, batch.rows)
        tokens += batch.rows * max(int(most_read), int(most_written))
        total += int(added)
        if max(tokens, total) >= 2**63:
            raise OverflowError("a total does not fit 64 bits")
        rows += batch.rows - int(no)
        refused += int(no)
    return Total(rows, total, refused)


def b_rate(path: Path, prices: Prices) -> Total:
    """Graduated by month; nothing is refused."""
    return _counted(path, prices, 2**62)


def b_limit(path: Path, prices: Prices) -> Total:
    """The same with the daily limit: what is refused moves neither the tier nor what was spent."""
    return _counted(path, prices, DAILY_LIMIT)

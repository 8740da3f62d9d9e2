"""Both workloads by hand in loops that numba compiles: a pass over each Arrow batch, nothing kept but what is asked.

Bounds are taken in the same loop, and proved before its result is used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.columnar.answers import Groups
from benchmarks.columnar.answers import Total
from benchmarks.columnar.batches import PRICED
from benchmarks.columnar.batches import Array
from benchmarks.columnar.batches import Batch
from benchmarks.columnar.batches import Words
from benchmarks.columnar.batches import batches
from benchmarks.columnar.batches import price_table
from benchmarks.columnar.batches import proved
from benchmarks.columnar.batches import whole
from benchmarks.columnar.numpy_forms import DENSE
from benchmarks.columnar.numpy_forms import Kernel
from benchmarks.columnar.numpy_forms import in_threads
from benchmarks.columnar.numpy_forms import span
from benchmarks.columnar.workload import BANDS
from benchmarks.columnar.workload import DAILY_LIMIT
from benchmarks.columnar.workload import DAY
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER_BEGIN
from benchmarks.columnar.workload import OFFER_END
from benchmarks.columnar.workload import Prices
from benchmarks.columnar.writers import Filled
from numba import njit

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


# --- charges ---------------------------------------------------------------------------------------------------------


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _fill(
    at, model, models, read, cached, written, table, size,
    nanos, picos, offsets, name, quantity, line_nanos, line_picos, line_row,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Every record's figures, and those of its lines that are not empty (none where there is no room for lines)."""
    most_read = most_written = signs = np.int64(0)
    put = 0
    for row in range(len(at)):
        phase = np.int64(models[model[row]])
        signs |= phase
        phase = max(phase, 0)
        if OFFER_BEGIN <= at[row] < OFFER_END:
            phase += size
        own = 3 * phase
        first, again, out = np.int64(read[row]), np.int64(cached[row]), np.int64(written[row])
        if first > LONG:
            phase += 2 * size
        most_read = max(most_read, first)
        most_written = max(most_written, out)
        signs |= (first - again) | again | out
        amount = exact = np.int64(0)
        for line in range(3):
            tokens = first - again if line == 0 else (again if line == 1 else out)
            pico = tokens * table[phase, line]
            nano = _nanos(pico)
            amount += nano
            exact += pico
            if len(name) and tokens != 0:
                name[put], quantity[put], line_nanos[put], line_picos[put] = line, tokens, nano, pico
                line_row[put] = own + line
                put += 1
        nanos[row], picos[row] = amount, exact
        if len(name):
            offsets[row + 1] = put
    return put, most_read, most_written, signs


def fill(batch: Batch, kernel: Kernel, lines: bool = True) -> Filled:
    """What `writers.numpy_fill` gives, in one loop."""
    table = np.stack([kernel.read, kernel.cached, kernel.written], axis=1)
    most = 3 * batch.rows if lines else 0
    held = Filled(
        *(np.empty(batch.rows, np.int64) for _ in range(2)),
        np.zeros(batch.rows + 1, np.int32),
        np.empty(most, np.int8),
        *(np.empty(most, np.int64) for _ in range(3)),
        np.empty(most, np.int32),
    )
    put, most_read, most_written, signs = _fill(
        batch.at, batch.model, batch.models, batch.read, batch.cached, batch.written, table, kernel.models, *held
    )
    proved(most_read, most_written, signs, kernel.dearest, batch.rows)
    return Filled(*held[:3], *(column[:put] for column in held[3:]))


def lean(batch: Batch, kernel: Kernel) -> Filled:
    return fill(batch, kernel, lines=False)


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
def _grouped(
    at, model, models, read, cached, written, account, accounts, table, size, first_day, days, dense, keys, sums, counts
):  # type: ignore[no-untyped-def]
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
        key = (np.int64(accounts[account[row]]) * days + day - first_day) * size + own
        place = np.uint64(key)
        if not dense:
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
    """One array of totals where it is small enough; else a hash table with open addressing, at most two thirds full."""
    table, size = price_table(prices), prices.models
    dearest = int(table.max())
    words, accounts = Words.of_models(prices), Words({}, grows=True)
    first, last = span(path)
    days = last - first + 1
    held = _empty(1 << 18)
    dense = True
    used = total = 0
    for raw in batches(path, [*PRICED, "account"]):
        batch = Batch.of(raw, words)
        account = raw.column("account")
        numbers = accounts.table(account.dictionary)
        cells = len(accounts.known) * days * size
        if dense and cells > DENSE:
            there = np.flatnonzero(held[2])
            dense, used = False, len(there)
            bigger = _empty(1 << max(18, (2 * used).bit_length()))
            _rehash(there, held[1][there], held[2][there], *bigger)
            held = bigger
        if (cells > len(held[0])) if dense else (3 * (used + batch.rows) > 2 * len(held[0])):
            bigger = _empty(1 << (cells - 1).bit_length() if dense else 2 * len(held[0]))
            if dense:
                for old, new in zip(held, bigger, strict=True):
                    new[: len(old)] = old
            else:
                _rehash(*held, *bigger)
            held = bigger
        added, most_read, most_written, signs, fresh = _grouped(
            batch.at, batch.model, batch.models, batch.read, batch.cached, batch.written,
            whole(account.indices), numbers, table, size, first, days, dense, *held,
        )  # fmt: skip
        proved(most_read, most_written, signs, dearest, batch.rows)
        used += int(fresh)
        total += int(added)
        if total >= 2**63:
            raise OverflowError("a total does not fit 64 bits")
    keys, sums, counts = held
    there = np.flatnonzero(counts)
    keys = there if dense else keys[there]
    rest, model = np.divmod(keys, size)
    account_of, day_of = np.divmod(rest, days)
    return Groups(accounts.names(), account_of, day_of + first, model, sums[there], counts[there])


# --- work B ----------------------------------------------------------------------------------------------------------

MONTH, READ, CACHED, WRITTEN, TODAY, SPENT = range(6)


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _climb(before, amount, table, phase, line):  # type: ignore[no-untyped-def]
    """Picodollars of so many tokens after `before`: all at the first price, less what those above each edge save.

    Without a branch, which would be guessed wrongly as often as accounts differ.
    """
    after = before + amount
    first, second = np.int64(BANDS[0]), np.int64(BANDS[1])
    above = max(after - first, 0) - max(before - first, 0)
    far = max(after - second, 0) - max(before - second, 0)
    return amount * table[phase, line, 0] - above * table[phase, line, 1] - far * table[phase, line, 2]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _pass(at, model, models, read, cached, written, account, accounts, table, size, months, state, limit):  # type: ignore[no-untyped-def]
    """One pass over the batch; instants that run backwards show in the signs."""
    total = np.int64(0)
    before = at[0] if len(at) else np.int64(0)
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
        signs |= fresh | again | out | before | (at[row] - before)
        before = at[row]
        day = np.int64(np.uint64(at[row]) // np.uint64(DAY))
        own = accounts[account[row]]
        if state[own, TODAY] != day:
            state[own, TODAY] = day
            state[own, SPENT] = 0
            month = months[day]
            if state[own, MONTH] != month:
                state[own, MONTH] = month
                state[own, READ] = state[own, CACHED] = state[own, WRITTEN] = 0
        times = np.int64(2) if first > LONG else np.int64(1)
        amount = (
            _nanos(times * _climb(state[own, READ], fresh, table, phase, 0))
            + _nanos(times * _climb(state[own, CACHED], again, table, phase, 1))
            + _nanos(times * _climb(state[own, WRITTEN], out, table, phase, 2))
        )
        if state[own, SPENT] + amount > limit:
            refused += 1
            continue
        state[own, SPENT] += amount
        state[own, READ] += fresh
        state[own, CACHED] += again
        state[own, WRITTEN] += out
        total += amount
    return total, most_read, most_written, signs, refused


def month_numbers() -> Array:
    """The month of each day since 1970, counted from then, up to 2200."""
    days = np.arange(np.datetime64("1970-01-01"), np.datetime64("2200-01-01"))
    return days.astype("datetime64[M]").astype(np.int64)


def band_table(prices: Prices) -> Array:
    """By phase and model, then line: the first band's price, and how much less a token costs in each band after it."""
    table = np.array(prices.banded(), np.int64).transpose(0, 2, 1)
    return np.ascontiguousarray(np.concatenate([table[:, :, :1], -np.diff(table, axis=2)], axis=2))


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
        if batch.rows and batch.at[0] < last:
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

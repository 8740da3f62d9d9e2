"""Both workloads in Python's own whole numbers, a record at a time: what the other forms must come to."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from pathlib import Path

from benchmarks.columnar.answers import Total
from benchmarks.columnar.workload import BANDS
from benchmarks.columnar.workload import DAILY_LIMIT
from benchmarks.columnar.workload import DAY
from benchmarks.columnar.workload import LONG
from benchmarks.columnar.workload import OFFER_BEGIN
from benchmarks.columnar.workload import OFFER_END
from benchmarks.columnar.workload import SECOND
from benchmarks.columnar.workload import Prices
from benchmarks.columnar.workload import model_name
from benchmarks.columnar.workload import rounded

Row = tuple[int, str, str, int, int, int]
"""An instant in microseconds, account, model, input, cached and output tokens."""


def records(path: Path) -> Iterator[Row]:
    from benchmarks.columnar.batches import PRICED
    from benchmarks.columnar.batches import TOKENS
    from benchmarks.columnar.batches import batches
    from benchmarks.columnar.batches import whole

    for batch in batches(path, [*PRICED, "account"]):
        yield from zip(
            whole(batch.column("at")).tolist(),
            batch.column("account").to_pylist(),
            batch.column("model").to_pylist(),
            *(whole(batch.column(name)).tolist() for name in TOKENS),
            strict=True,
        )


class WorkA:
    """The lines of a record in picodollars."""

    def __init__(self, prices: Prices) -> None:
        self.base = {model_name(model): price for model, price in enumerate(prices.base)}
        self.offer = {model_name(model): price for model, price in enumerate(prices.offer)}

    def lines(self, row: Row) -> tuple[int, int, int]:
        at, _, model, read, cached, written = row
        price = (self.offer if OFFER_BEGIN <= at < OFFER_END else self.base)[model]
        times = 2 if read > LONG else 1
        return (
            times * (read - cached) * price[0],
            times * cached * price[1],
            times * written * price[2],
        )


@dataclass
class State:
    month: int = -1
    day: int = -1
    spent: int = 0
    counted: list[int] = field(default_factory=lambda: [0, 0, 0])


class WorkB:
    """The same with bands by month and, if asked, the daily limit."""

    def __init__(self, prices: Prices, limit: int | None = None) -> None:
        banded = prices.banded()
        self.base = {model_name(model): banded[model] for model in range(prices.models)}
        self.offer = {model_name(model): banded[prices.models + model] for model in range(prices.models)}
        self.limit = limit
        self.states: dict[str, State] = {}
        self._months: dict[int, int] = {}

    def month(self, day: int) -> int:
        if day not in self._months:
            there = datetime.fromtimestamp(day * DAY // SECOND, UTC)
            self._months[day] = there.year * 12 + there.month
        return self._months[day]

    def lines(self, row: Row) -> tuple[int, int, int] | None:
        """Picodollars of each line, or None where the record is refused."""
        at, account, model, read, cached, written = row
        state = self.states.get(account)
        if state is None:
            state = self.states[account] = State()
        day = at // DAY
        if state.day != day:
            state.day, state.spent = day, 0
            month = self.month(day)
            if state.month != month:
                state.month, state.counted = month, [0, 0, 0]
        bands = (self.offer if OFFER_BEGIN <= at < OFFER_END else self.base)[model]
        times = 2 if read > LONG else 1
        amounts = (read - cached, cached, written)
        first, second, third = (
            times * _climb(before, amount, bands, line)
            for line, (before, amount) in enumerate(zip(state.counted, amounts, strict=True))
        )
        if self.limit is not None:
            nanos = rounded(first) + rounded(second) + rounded(third)
            if state.spent + nanos > self.limit:
                return None
            state.spent += nanos
        state.counted = [before + amount for before, amount in zip(state.counted, amounts, strict=True)]
        return first, second, third


def _climb(before: int, amount: int, bands: list[tuple[int, int, int]], line: int) -> int:
    after = before + amount
    if after <= BANDS[0]:
        return amount * bands[0][line]
    edges = (0, *BANDS, after)
    return sum(
        max(0, min(high, after) - max(low, before)) * band[line]
        for low, high, band in zip(edges, edges[1:], bands, strict=False)
    )


def _total(rows: Iterable[Row], work: WorkA | WorkB) -> Total:
    charged = nanos = refused = 0
    for row in rows:
        lines = work.lines(row)
        if lines is None:
            refused += 1
        else:
            charged += 1
            nanos += rounded(lines[0]) + rounded(lines[1]) + rounded(lines[2])
    return Total(charged, nanos, refused)


def a_sum(path: Path, prices: Prices) -> Total:
    return _total(records(path), WorkA(prices))


def b_rate(path: Path, prices: Prices) -> Total:
    return _total(records(path), WorkB(prices))


def b_limit(path: Path, prices: Prices) -> Total:
    return _total(records(path), WorkB(prices, DAILY_LIMIT))

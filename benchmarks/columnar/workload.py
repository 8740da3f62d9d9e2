"""What both workloads are made of: models and their prices, dates, bands, names. Plain Python, whole numbers.

A price is in picodollars (1e-12 USD) a token, which is a millionth of a dollar for a million tokens; an amount after
rounding is in nanodollars (1e-9 USD); an instant is in microseconds since 1970. In work A a token costs what its model
and the day say; in work B the tokens of an account's month run through three bands, each line counted apart.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC
from datetime import date
from datetime import datetime
from functools import cached_property

SECOND = 1_000_000
DAY = 86_400 * SECOND
PICO_A_NANO = 1_000

LONG = 200_000
"""Input tokens above which a request costs double."""

BANDS = (1_000_000, 10_000_000)
"""Tokens of an account's month at which work B grows cheaper; the shares of the first band's price are `SHARES`."""

SHARES = (10, 8, 6)
"""Tenths of a model's price in each of work B's bands."""

DAILY_LIMIT = 5_000_000_000
"""Nanodollars an account may spend a day in work B with its limit: a request that would go past it is refused."""

OFFER = (date(2026, 3, 10), date(2026, 3, 20))
"""The offer's first day, and its last."""

SPAN = {"a": (date(2026, 3, 8), 14), "b": (date(2026, 2, 1), 59)}
"""The first day of each workload, and how many days it runs."""

ACCOUNTS = {"a": 1_000, "b": 10_000}

LINES = ("input", "cached", "output")

_INPUT = (37_500, 50_000, 75_000, 100_000, 150_000, 250_000, 300_000, 500_000, 590_000, 800_000, 1_100_000, 1_250_000,
          2_000_000, 2_500_000, 3_000_000, 5_000_000, 15_000_000)  # fmt: skip
_OUTPUT = (2, 3, 4, 5, 8)


def micros(day: date) -> int:
    """The instant at which a day begins, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND


OFFER_BEGIN = micros(OFFER[0])
OFFER_END = micros(OFFER[1]) + DAY


def model_name(index: int) -> str:
    return f"model-{index:04d}"


def account_name(index: int) -> str:
    return f"acct-{index:05d}"


@dataclass(frozen=True)
class Prices:
    """The prices of so many models, drawn by a seed: for each model input, cached and output in picodollars a token."""

    models: int
    seed: int = 0

    @cached_property
    def base(self) -> list[tuple[int, int, int]]:
        draw = random.Random(f"prices {self.seed}")
        found = []
        for _ in range(self.models):
            read = draw.choice(_INPUT)
            found.append((read, read // draw.choice((4, 10)), read * draw.choice(_OUTPUT)))
        return found

    @cached_property
    def offer(self) -> list[tuple[int, int, int]]:
        """The same while the offer lasts: every third model's input and output at four fifths."""
        return [
            (read * 4 // 5, cached, written * 4 // 5) if self.offered(model) else (read, cached, written)
            for model, (read, cached, written) in enumerate(self.base)
        ]

    def offered(self, model: int) -> bool:
        return model % 3 == 0

    def bands(self, prices: tuple[int, int, int]) -> list[tuple[int, int, int]]:
        """A model's prices in each band of work B."""
        read, cached, written = prices
        return [(read * share // 10, cached * share // 10, written * share // 10) for share in SHARES]

    def table(self) -> list[tuple[int, int, int]]:
        """Work A's prices by phase and model: as they are, in the offer, then both for long requests."""
        once = self.base + self.offer
        return once + [(2 * read, 2 * cached, 2 * written) for read, cached, written in once]

    def banded(self) -> list[list[tuple[int, int, int]]]:
        """Work B's prices by phase and model, then band, then line; the long requests' doubling is not in it."""
        return [self.bands(prices) for prices in self.base + self.offer]


def rounded(picos: int) -> int:
    """Nanodollars of so many picodollars (none below zero), half up."""
    return (picos + PICO_A_NANO // 2) // PICO_A_NANO

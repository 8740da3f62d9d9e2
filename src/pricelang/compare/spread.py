"""Changes in percent, and how accounts are spread over them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

EDGES = (1, 5, 10, 20, 50)
"""Percent. A change of just so much is in the bucket nearer to no change."""

FROM_ZERO = "new"


def percent_of(old: Fraction, new: Fraction) -> Fraction | None:
    """The change in percent of what it was; None where it was nothing and is something."""
    if not old:
        return None if new else Fraction(0)
    return (new - old) / abs(old) * 100


def buckets() -> list[str]:
    """The labels, from the greatest decrease to the greatest increase, then what was nothing before."""
    down = [f"below -{EDGES[-1]} %"]
    down += [f"-{high} to -{low} %" for low, high in reversed(list(pairwise(EDGES)))]
    up = [f"{low} to {high} %" for low, high in pairwise(EDGES)]
    return [*down, f"-{EDGES[0]} to 0 %", "0 %", f"0 to {EDGES[0]} %", *up, f"above {EDGES[-1]} %", FROM_ZERO]


def bucket_of(old: Fraction, new: Fraction) -> int:
    """Which of the buckets a change is in."""
    change = percent_of(old, new)
    middle = len(EDGES) + 1
    if change is None:
        return 2 * middle + 1
    if not change:
        return middle
    over = sum(abs(change) > edge for edge in EDGES)
    return middle + 1 + over if change > 0 else middle - 1 - over


def distribution(changes: Iterable[tuple[Fraction, Fraction]]) -> list[tuple[str, int]]:
    """How many accounts are in each bucket; empty buckets are told, too."""
    labels = buckets()
    found = [0] * len(labels)
    for old, new in changes:
        found[bucket_of(old, new)] += 1
    return list(zip(labels, found, strict=True))

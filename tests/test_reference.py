"""The engine against an independent reference: 5,000 random rulesets and their records, without one difference."""

from __future__ import annotations

import pytest

from reference.compare import CONSTRUCTS
from reference.compare import constructs
from reference.generate import Generator
from reference.run import report
from reference.run import run

CHUNK = 250


@pytest.mark.parametrize("first", range(0, 5000, CHUNK))
def test_the_engine_agrees_with_the_reference(first: int) -> None:
    seen = run(first, first + CHUNK)
    assert not seen.differences, report(seen, shown=3)
    assert seen.priced >= 0.8 * seen.records


def test_every_construct_is_hit() -> None:
    found: set[str] = set()
    for seed in range(1000):
        found.update(constructs(Generator(seed).case()))
    assert found >= CONSTRUCTS, sorted(CONSTRUCTS - found)

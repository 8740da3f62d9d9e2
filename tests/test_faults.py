"""The differential test has teeth: faults seeded in the engine are caught."""

from __future__ import annotations

import pytest

from reference.compare import compare
from reference.faults import FAULTS

SEEDS = 1000


def caught_at(name: str, monkeypatch: pytest.MonkeyPatch, seeds: int = SEEDS) -> int | None:
    """The first seed at which a fault shows, or None."""
    FAULTS[name](monkeypatch)
    for seed in range(seeds):
        try:
            if compare(seed).differences:
                return seed
        except Exception:  # a fault that makes the engine fall over is caught too
            return seed
    return None


def test_there_are_thirty() -> None:
    assert len(FAULTS) == 30


@pytest.mark.parametrize("name", FAULTS)
def test_a_seeded_fault_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caught_at(name, monkeypatch) is not None

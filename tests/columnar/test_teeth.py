"""Faults that are put into the columns on purpose: the comparison sees each of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

pytest.importorskip("pyarrow")

import numpy as np

import pricelang.engine.columnar.batch as batch
import pricelang.engine.columnar.columns as columns
import pricelang.engine.columnar.counted as counted
import pricelang.engine.columnar.moments as moments
import pricelang.engine.columnar.ordered as ordered
import pricelang.engine.columnar.run as run
from columnar.proof import prove
from pricelang.engine.columnar.figures import Figures
from pricelang.engine.columnar.nodes import Graph
from pricelang.engine.columnar.steps import Steps
from pricelang.engine.columnar.words import Words

SEEDS = 40
Patch = Callable[[pytest.MonkeyPatch], None]


def wrapped(owner: Any, name: str, change: Callable[..., Any]) -> Patch:
    """`change` gets the function that stands there, and its arguments."""
    kept = getattr(owner, name)
    return lambda patch: patch.setattr(owner, name, lambda *args, **more: change(kept, *args, **more))


def half_down(kept: Any, self: Any, value: Any, size: Any, mode: str) -> Any:
    return kept(self, value, size, "half down" if mode == "half up" else mode)


def more_words(kept: Any, self: Any, dictionary: Any) -> Any:
    found = kept(self, dictionary)
    return found if len(found) < 3 else np.concatenate([found[1:-1], found[:1], found[-1:]])


def without_carry(kept: Any, values: Any, groups: Any, periods: Any, *rest: Any) -> Any:
    found, ends, sums = kept(values, groups, periods, *rest)
    return found, ends, sums * 0


FAULTS: dict[str, tuple[bool, Patch]] = {
    "half up is half down": (False, wrapped(Figures, "rounded", half_down)),
    "an edge belongs to the wrong side": (False, wrapped(Graph, "at_most", lambda kept, self, *of: self.less(*of))),
    "an edge of a key is one too far": (
        False,
        wrapped(Graph, "piece", lambda kept, self, of, edges: kept(self, of, tuple(one + 1 for one in edges))),
    ),
    "bad rows are taken": (False, wrapped(columns, "_valid", lambda kept, column: np.ones(len(column), np.bool_))),
    "what the graph refuses is forgotten": (False, wrapped(Figures, "fail", lambda kept, self, when: None)),
    "a dictionary's numbers are off by one": (False, wrapped(Words, "numbers", more_words)),
    "a package more is begun": (
        False,
        wrapped(
            Figures, "begun", lambda kept, self, *of: self.add([(1, kept(self, *of)), (1, self.constant(Fraction(1)))])
        ),
    ),
    "a time is a second late": (
        False,
        wrapped(moments, "read_instants", lambda kept, texts: (kept(texts)[0] + 10**6, kept(texts)[1])),
    ),
    "repeated ids are not looked for": (False, wrapped(run, "repeated_of", lambda kept, ids: np.zeros(0, np.uint64))),
    "records one by one are dropped": (False, wrapped(batch.Pricer, "_one_by_one", lambda kept, *of: None)),
    "the lowest and the highest are swapped": (
        False,
        wrapped(Figures, "least", lambda kept, self, *of: self.most(*of)),
    ),
    "volume is graduated": (
        True,
        wrapped(Steps, "volume", lambda kept, self, bands, total: self.graduated(bands, self.nothing, total)),
    ),
    "totals are not carried over batches": (True, wrapped(counted, "_running", without_carry)),
    "periods are of UTC": (
        True,
        wrapped(counted, "period_stop", lambda kept, at, unit, zone: kept(at, unit, "UTC")),
    ),
    "ties stand as they came": (True, wrapped(ordered, "_ties", lambda kept, *of: None)),
    "accounts go back without totals": (
        True,
        wrapped(counted.Counting, "load", lambda kept, self, account, counts: None),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    over_time, patch = FAULTS[fault]
    patch(monkeypatch)
    if fault == "a time is a second late":
        monkeypatch.setattr(columns, "read_instants", moments.read_instants)
    for seed in range(SEEDS):
        try:
            if prove(seed, over_time, count=120).differences:
                return
        except Exception:  # to fall over is no wrong amount: it is not taken for one
            continue
    pytest.fail("nothing differs")

"""What came of a run: how many agreed, and how, and how many differed for which known reason."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import pricelang


@dataclass
class Seen:
    counts: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)

    def add(self, how: str, what: str = "") -> None:
        self.counts[how] += 1
        self.shown.setdefault(how, what)

    def differ(self, what: str) -> None:
        self.counts["UNEXPLAINED"] += 1
        self.unexplained.append(what)

    def merge(self, other: Seen) -> None:
        self.counts.update(other.counts)
        self.unexplained += other.unexplained
        for how, what in other.shown.items():
            self.shown.setdefault(how, what)

    def report(self, shown: int = 10) -> str:
        lines = [f"{sum(self.counts.values()):,} records"]
        lines += [f"  {count:8,}  {how}" for how, count in self.counts.most_common()]
        return "\n".join([*lines, *self.unexplained[:shown]])


class Rulesets:
    """The rulesets of a folder, each loaded when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loaded: dict[str, pricelang.Ruleset] = {}

    def __getitem__(self, name: str) -> pricelang.Ruleset:
        if name not in self._loaded:
            self._loaded[name] = pricelang.load(self.folder / f"{name}.price")
        return self._loaded[name]


def amount(random: random.Random) -> int:
    """A count as records have them: often small, sometimes large."""
    return random.choice((random.randint(1, 20), random.randint(1, 5000), random.randint(1, 400_000)))

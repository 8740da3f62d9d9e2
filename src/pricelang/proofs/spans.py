"""What is known of one thing that a record carries: which words, numbers or instants it can still be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from pricelang.core.ops import Hours
from pricelang.engine.lookup import like
from pricelang.engine.lookup import meet
from pricelang.period import in_window
from pricelang.period import window_edges
from pricelang.plain import dataclass
from pricelang.proofs.patterns import TooHard
from pricelang.proofs.patterns import filled
from pricelang.proofs.patterns import shortest
from pricelang.proofs.patterns import together

ZERO = Fraction(0)
Word = str | bool
_DAY = 86_400
SOME_DAY = Fraction(1_767_268_800)  # 2026-01-01T12:00Z: an instant for records whose time does not matter


@dataclass(frozen=True, slots=True)
class Words:
    """Texts or truth values. `allowed`: these alone; None is any text but the `barred`. `like`, `unlike`: patterns."""

    allowed: frozenset[Word] | None = None
    barred: frozenset[Word] = frozenset()
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        if self.allowed is not None:
            return not self.allowed
        if not self.like:
            return False
        if len(self.like) == 2 and not meet(*self.like):
            return True
        try:
            return self._fresh() is None
        except TooHard:
            return False

    @property
    def is_open(self) -> bool:
        """Whether it can be a text that no rule names."""
        return self.allowed is None

    def among(self, words: Iterable[Word]) -> Words:
        """Only those of some words."""
        kept = frozenset(word for word in words if self.has(word))
        return Words(kept)

    def without(self, words: Iterable[Word]) -> Words:
        if self.allowed is not None:
            return Words(self.allowed.difference(words))
        return Words(None, self.barred.union(words), self.like, self.unlike)

    def fitting(self, pattern: str, fits: bool) -> Words:
        """Those that fit a pattern, or do not."""
        if self.allowed is not None:
            return Words(frozenset(w for w in self.allowed if (isinstance(w, str) and like(pattern, w)) is fits))
        if fits:
            return Words(None, self.barred, (*self.like, pattern), self.unlike)
        return Words(None, self.barred, self.like, (*self.unlike, pattern))

    def has(self, word: Word) -> bool:
        if self.allowed is not None:
            return word in self.allowed
        return (
            isinstance(word, str)
            and word not in self.barred
            and all(like(one, word) for one in self.like)
            and not any(like(one, word) for one in self.unlike)
        )

    def some(self) -> Word | None:
        """One of them, the shortest; None where none was found."""
        if self.allowed is not None:
            return min(self.allowed, key=lambda one: (len(str(one)), str(one)), default=None)
        for word in ("other", "another", "unknown"):
            if self.has(word):
                return word
        try:
            return self._fresh()
        except TooHard:
            return None

    def _fresh(self) -> str | None:
        barred = [one for one in self.barred if isinstance(one, str) and all(like(p, one) for p in self.like)]
        if not self.like and not self.unlike:
            longest = max((len(one) for one in barred), default=0)
            return "x" * (longest + 1)
        tried = filled(self.like[0]) if len(self.like) == 1 else together(*self.like) if len(self.like) == 2 else ()
        for word in tried:
            if word and self.has(word):
                return word
        return shortest(self.like, (*self.unlike, *sorted(barred)))


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers between two edges, in base units; None is open. `barred` are left out."""

    low: Fraction | None = None
    low_in: bool = True
    high: Fraction | None = None
    high_in: bool = True
    barred: frozenset[Fraction] = frozenset()
    step: Fraction | None = None  # only multiples of it

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        if self.low > self.high or (self.low == self.high and not (self.low_in and self.high_in)):
            return True
        if self.low == self.high:
            return self.low in self.barred or (self.step is not None and self.low % self.step != 0)
        if self.step is not None:
            return self.smallest() is None
        return False

    def above(self, low: Fraction, included: bool) -> Span:
        if self.low is not None and (self.low > low or (self.low == low and (included or not self.low_in))):
            return self
        return Span(low, included, self.high, self.high_in, self.barred, self.step)

    def below(self, high: Fraction, included: bool) -> Span:
        if self.high is not None and (self.high < high or (self.high == high and (included or not self.high_in))):
            return self
        return Span(self.low, self.low_in, high, included, self.barred, self.step)

    def without(self, value: Fraction) -> Span:
        return Span(self.low, self.low_in, self.high, self.high_in, self.barred | {value}, self.step)

    def has(self, value: Fraction) -> bool:
        if self.low is not None and (value < self.low or (value == self.low and not self.low_in)):
            return False
        if self.high is not None and (value > self.high or (value == self.high and not self.high_in)):
            return False
        return value not in self.barred and (self.step is None or value % self.step == 0)

    def smallest(self, unit: Fraction = Fraction(1), positive: bool = False) -> Fraction | None:
        """The smallest number in it that a record would carry: a multiple of its step, or a short decimal."""
        low = self.low if self.low is not None else ZERO
        if self.low is None and self.high is not None and self.high < 0:
            low = self.high - unit
        floor, included = (low, self.low_in) if not positive or low > 0 else (ZERO, False)
        steps = [self.step] if self.step is not None else [unit / 10**power for power in range(10)]
        for step in steps:
            value = -(-floor // step) * step
            for _ in range(3 + len(self.barred)):
                if (value > floor or included) and self.has(value):
                    return value
                value += step
        return None


@dataclass(frozen=True, slots=True)
class Moment:
    """Instants from `start` up to, not including, `stop`; inside some hours and outside others."""

    start: Fraction | None = None
    stop: Fraction | None = None
    inside: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()

    def within(self, start: Fraction | None, stop: Fraction | None) -> Moment:
        low = start if self.start is None else self.start if start is None else max(self.start, start)
        high = stop if self.stop is None else self.stop if stop is None else min(self.stop, stop)
        return Moment(low, high, self.inside, self.outside)

    def during(self, hours: str, met: bool) -> Moment:
        if met:
            return Moment(self.start, self.stop, self.inside | {hours}, self.outside)
        return Moment(self.start, self.stop, self.inside, self.outside | {hours})

    def some(self, known: dict[str, Hours]) -> Fraction | None:
        """The first instant of it; where it has no beginning, one of an ordinary day. None where there is none."""
        if self.start is not None and self.stop is not None and self.start >= self.stop:
            return None
        return _instant(self, tuple(sorted(known.items())) if self.inside or self.outside else ())


@lru_cache(maxsize=20_000)
def both(one: Words | Span | Moment | bool, two: Words | Span | Moment | bool) -> Words | Span | Moment | bool | None:
    """What lies in both; None where nothing does."""
    found: Words | Span | Moment | bool
    match one, two:
        case Words(), Words():
            if one.allowed is None and two.allowed is None:
                like_, unlike = (*one.like, *two.like), (*one.unlike, *two.unlike)
                found = Words(None, one.barred | two.barred, tuple(dict.fromkeys(like_)), tuple(dict.fromkeys(unlike)))
            else:
                found = one.among(two.allowed) if two.allowed is not None else two.among(one.allowed or ())
            return None if found.is_empty else found
        case Span(), Span():
            found = replace(one, barred=one.barred | two.barred)
            if two.low is not None:
                found = found.above(two.low, two.low_in)
            if two.high is not None:
                found = found.below(two.high, two.high_in)
            return None if found.is_empty else found
        case Moment(), Moment():
            found = replace(one.within(two.start, two.stop), inside=one.inside | two.inside)
            found = replace(found, outside=one.outside | two.outside)
            is_empty = found.start is not None and found.stop is not None and found.start >= found.stop
            return None if is_empty or found.inside & found.outside else found
    return one if one == two else None


def _instant(moment: Moment, hours: tuple[tuple[str, Hours], ...]) -> Fraction | None:
    start = moment.start
    if start is None:
        start = SOME_DAY
        if moment.stop is not None and moment.stop <= SOME_DAY:
            start = moment.stop - (15 if hours else 1) * _DAY
    inside = sum(1 << at for at, (name, _) in enumerate(hours) if name in moment.inside)
    outside = sum(1 << at for at, (name, _) in enumerate(hours) if name in moment.outside)
    for days in (15, 400):  # a week tells, but for two zones whose clocks change in different weeks
        stop = start + days * _DAY if moment.stop is None else min(moment.stop, start + days * _DAY)
        for at, mask in _marked(start, stop, hours):
            if mask & inside == inside and not mask & outside:
                return at
        if not hours:
            break
    return None


@lru_cache(maxsize=2_000)
def _marked(start: Fraction, stop: Fraction, hours: tuple[tuple[str, Hours], ...]) -> tuple[tuple[Fraction, int], ...]:
    """The instants at which any hours begin or end, each with the hours that it lies in as the bits of a number."""
    found = {start}
    for _, one in hours:
        found.update(at for at in window_edges(start, stop, one.windows, one.zone) if start <= at < stop)
    return tuple(
        (at, sum(1 << bit for bit, (_, one) in enumerate(hours) if in_window(at, one.windows, one.zone)))
        for at in sorted(found)
    )

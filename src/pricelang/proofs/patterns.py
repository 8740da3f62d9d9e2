"""Texts that fit some patterns and not others: the shortest there is, exactly, or that there is none.

A pattern has `*` for any run of characters. Patterns are read side by side as finite automata, the positions that one
can stand at as the bits of a number.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache

from pricelang.engine.lookup import ends_of

MOST_STATES = 20_000
"""States that are looked at before the search gives up."""


class TooHard(Exception):
    """More states than are looked at."""


@lru_cache(maxsize=4096)
def shortest(like: tuple[str, ...], unlike: tuple[str, ...]) -> str | None:
    """The shortest text that fits every pattern of `like` and none of `unlike`. Raises TooHard."""
    patterns = (*like, *unlike)
    letters = sorted({char for pattern in patterns for char in pattern if char != "*"})
    fresh = next(
        char for char in "xqzjkvwy0123456789_" + "".join(map(chr, range(0x4E00, 0x5000))) if char not in letters
    )
    alphabet = [fresh, *letters]
    needed = len(like)
    start = tuple(_closed(pattern, 1) for pattern in patterns)
    seen = {start}
    todo: deque[tuple[tuple[int, ...], str]] = deque([(start, "")])
    while todo:
        state, text = todo.popleft()
        if text and all(
            bool(mask >> len(pattern) & 1) is (index < needed)
            for index, (pattern, mask) in enumerate(zip(patterns, state, strict=True))
        ):
            return text
        for char in alphabet:
            after = tuple(_moved(pattern, mask, char) for pattern, mask in zip(patterns, state, strict=True))
            if all(after[:needed]) and after not in seen:
                if len(seen) >= MOST_STATES:
                    raise TooHard
                seen.add(after)
                todo.append((after, text + char))
    return None


def together(one: str, two: str) -> tuple[str, ...]:
    """Texts that fit two patterns which meet."""
    (head, tail), (front, end) = ends_of(one), ends_of(two)
    middles = "".join(part for text in (one, two) for part in text.split("*")[1:-1])
    first, last = max(head, front, key=len), max(tail, end, key=len)
    return first + last, first + middles + last, first + "x" + middles + "x" + last


def filled(pattern: str) -> tuple[str, ...]:
    """Some texts that fit a pattern."""
    return tuple(dict.fromkeys(pattern.replace("*", filler) for filler in ("", "x", "-x", "0")))


def _moved(pattern: str, mask: int, char: str) -> int:
    """The positions that a pattern can stand at after one more character."""
    after = 0
    position = 0
    while mask:
        if mask & 1 and position < len(pattern):
            if pattern[position] == "*":
                after |= 1 << position
            elif pattern[position] == char:
                after |= 1 << (position + 1)
        mask >>= 1
        position += 1
    return _closed(pattern, after)


def _closed(pattern: str, mask: int) -> int:
    """A star may stand for nothing."""
    for position, char in enumerate(pattern):
        if char == "*" and mask >> position & 1:
            mask |= 1 << (position + 1)
    return mask

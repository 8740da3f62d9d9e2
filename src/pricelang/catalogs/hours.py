"""Windows of the week from a membership test: the minutes of a UTC week that belong, as days with spans."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from itertools import pairwise

from pricelang.catalogs.form import Hours

DAY = 24 * 60 * 60
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekly(edges: Iterable[int], holds: Callable[[int, int], bool]) -> Hours | None:
    """The hours in which `holds(weekday, second of the day)`, which changes only at the edges. None if never."""
    marks = sorted({0, DAY, *(edge for edge in edges if 0 < edge < DAY)})
    spans: list[tuple[tuple[int, int], ...]] = []
    for day in range(7):
        found: list[tuple[int, int]] = []
        for start, stop in pairwise(marks):
            if not holds(day, start):
                continue
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], stop)
            else:
                found.append((start, stop))
        spans.append(tuple(found))
    if not any(spans):
        return None
    windows: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    start = 0
    while start < 7:
        end = start
        while end + 1 < 7 and spans[end + 1] == spans[start]:
            end += 1
        if spans[start]:
            windows.append((_days(start, end), tuple((_clock(a), _clock(b)) for a, b in spans[start])))
        start = end + 1
    return Hours(tuple(windows))


def _days(start: int, end: int) -> str:
    if end - start == 6:
        return "every day"
    if start == end:
        return _DAYS[start]
    return f"{_DAYS[start]} to {_DAYS[end]}" if end - start > 1 else f"{_DAYS[start]}, {_DAYS[end]}"


def _clock(second: int) -> str:
    hour, rest = divmod(second, 3600)
    minute, left = divmod(rest, 60)
    return f"{hour:02}:{minute:02}" + (f":{left:02}" if left else "")

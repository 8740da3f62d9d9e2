"""Hours: days and spans of local time."""

from __future__ import annotations

from typing import Any

from pricelang.diagnostics import codes
from pricelang.syntax import nodes as n
from pricelang.syntax.build import LineBuilder
from pricelang.syntax.outline import Line
from pricelang.syntax.reader import LineReader
from pricelang.syntax.trees import Token


def read_hours(reader: LineReader, line: Line, tree: Any, built: LineBuilder) -> n.HoursBlock:
    name, *zone = tree.children
    windows = []
    for child in line.children:
        reader.no_children(child)
        read = reader.tree(child, "window")
        if read is None:
            continue
        item, at = read
        if item.data == "window" and item.children and getattr(item.children[0], "data", "") in ("allow", "source"):
            item = item.children[0]
        if reader.common(item, at, line, reader.sources):
            continue
        day, spans = item.children
        days = at.names(day)
        run = day.data == "day_run"
        times = []
        if spans.data == "all_day":
            times.append((0, 86400))
        else:
            for span in spans.children:
                start, stop = (clock(reader, token, at) for token in span.children)
                times.append((start, stop))
        windows.append(n.WindowDecl(days, run, tuple(times), at.place(item)))
    return n.HoursBlock(str(name), str(zone[0]) if zone else None, tuple(windows), built.place(name))


def clock(reader: LineReader, token: Token, built: LineBuilder) -> int:
    hours, minutes, seconds = (*map(int, str(token).split(":")), 0)[:3]
    if hours > 24 or minutes > 59 or seconds > 59 or (hours == 24 and (minutes or seconds)):
        reader.findings.add(codes.BAD_DATE, built.place(token), text=str(token))
        return 0
    return hours * 3600 + minutes * 60 + seconds

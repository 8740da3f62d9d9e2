"""Resources: a closed interval cut wherever its price, its window or a counted period changes (R24–R27)."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Line
from pricelang.engine.counts import period_of
from pricelang.engine.evaluation import Evaluation
from pricelang.engine.intake import RecordError
from pricelang.engine.pieces import Amount
from pricelang.engine.pieces import Piece
from pricelang.engine.told import Stepped
from pricelang.engine.told import figure_of
from pricelang.period import add_duration
from pricelang.period import month_seconds
from pricelang.period import period_stop
from pricelang.period import window_edges

ZERO = Fraction(0)
ONE = Fraction(1)
MOST_PIECES = 50_000
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}


def pieces(pricing: Evaluation, line: Line) -> list[Piece]:
    """The pieces of a resource's line, in order of time."""
    record = pricing.record
    assert record.stopped is not None
    try:
        if line.every is not None:
            return _starts(pricing, line, line.every, record.at, record.stopped)
        return _lengths(pricing, line, record.at, record.stopped)
    except (ValueError, OverflowError) as error:
        raise RecordError("bad-time", "stopped", f"the time lies too near the end of the calendar: {error}") from None


def _lengths(pricing: Evaluation, line: Line, start: Fraction, stop: Fraction) -> list[Piece]:
    stop = _moved_end(pricing, line, start, stop)
    cuts = _cuts(pricing, line, start, stop, line.by_time == "month")
    found = []
    for begin, end in itertools.pairwise(cuts):
        pricing.at = begin
        if not pricing.met(line.when):
            continue
        length = end - begin
        if line.by_time == "month":
            length /= month_seconds(begin, pricing.program.zone)
        found.append(Piece(begin, length, pricing.start(line)))
    return found


def _moved_end(pricing: Evaluation, line: Line, start: Fraction, stop: Fraction) -> Fraction:
    """Rounding up running time moves its end (R24)."""
    pricing.at = start
    length = stop - start
    for step in line.steps:
        if not isinstance(step, ops.RoundUp | ops.AtLeast | ops.AtMost) or not step.moves_end:
            continue
        if length == 0 or not pricing.met(step.when):
            continue
        before, length = length, pricing.one(step, length, True)
        if pricing.tell and length != before:
            pricing.told.append(Stepped(start, step, figure_of(pricing, step), before, length))
    return start + length


def _starts(pricing: Evaluation, line: Line, every: str, start: Fraction, stop: Fraction) -> list[Piece]:
    """The instants at which a started hour (day, month …) is charged: at the start, and while it runs; one at least."""
    size = _SECONDS.get(every) if every in ("minute", "hour") else None
    last = max(stop, start + Fraction(1, 10**9))
    cuts = _cuts(pricing, line, start, last, False)
    found: list[Piece] = []
    if size is not None:
        if (last - start) / size > 100_000_000:
            raise RecordError("too-many-instants", "stopped", f"more than 100,000,000 started {every}s")
        for begin, end in itertools.pairwise(cuts):
            first = -((start - begin) // size)  # the first whole step at or after the piece's start
            count = -((start - end) // size) - first
            if count > 0:
                _started(pricing, line, start + first * size, int(count), found)
        return found
    instants = []
    number = 0
    at = start
    while at < last:
        instants.append(at)
        number += 1
        if number > MOST_PIECES:
            raise RecordError("too-many-instants", "stopped", f"more than {MOST_PIECES:,} started {every}s")
        at = add_duration(start, number, every, pricing.program.zone)
    for begin, end in itertools.pairwise(cuts):
        low, high = bisect_left(instants, begin), bisect_left(instants, end)
        if low < high:
            _started(pricing, line, instants[low], high - low, found)
    return found


def _started(pricing: Evaluation, line: Line, at: Fraction, count: int, found: list[Piece]) -> None:
    pricing.at = at
    if not pricing.met(line.when):
        return
    one = pricing.start(line)
    found.append(Piece(at, ONE, Amount(one.rounded * count, one.exact * count), Fraction(count), pricing.row))


def _cuts(pricing: Evaluation, line: Line, start: Fraction, stop: Fraction, months: bool) -> list[Fraction]:
    """The instants at which anything that the line asks changes, its start and its end included."""
    found = {start, stop}
    program = pricing.program
    for instant in edges_of(pricing, line)[0]:
        if start < instant < stop:
            found.add(instant)
    for name in edges_of(pricing, line)[1]:
        hours = program.hours[name]
        if (stop - start) / 86400 * max(1, len(hours.windows)) > MOST_PIECES:
            raise _too_many()
        found.update(window_edges(start, stop, hours.windows, hours.zone))
    periods = {(step.each.unit, step.each.zone) for step in line.steps if getattr(step, "each", None) is not None}  # type: ignore[union-attr]
    for step in line.steps:
        if isinstance(step, ops.Beyond):
            each = program.allowances[step.allowance].each
            periods.add((each.unit, each.zone))
    if months:
        periods.add(("month", program.zone))
    for unit, zone in periods:
        at = start
        while at < stop:
            if unit == "bill":
                at = period_of(at, unit, zone, program.bill, pricing.account.signup)[1]
            else:
                at = period_stop(at, unit, zone)
            if at < stop:
                found.add(at)
            if len(found) > MOST_PIECES:
                raise _too_many()
    return sorted(found)


def _too_many() -> RecordError:
    return RecordError("too-many-instants", "stopped", f"it runs over more than {MOST_PIECES:,} pieces of time")


def edges_of(pricing: Evaluation, line: Line) -> tuple[set[Fraction], set[str]]:
    """The instants and the hours that anything beneath a line asks about, in its tables' layers too."""
    engine = pricing.ready
    key = id(line)
    kept = engine.edges.get(key)
    if kept is not None:
        return kept
    instants: set[Fraction] = set()
    hours: set[str] = set()
    tables: set[str] = set()
    todo: list[object] = [line.of, line.when, line.steps]
    while todo:
        one = todo.pop()
        match one:
            case ops.InForce():
                instants.update(edge for edge in (one.start, one.stop) if edge is not None)
            case ops.During():
                hours.add(one.hours)
            case ops.Cell(table=name) | ops.BandTable(table=name):
                if name not in tables:
                    tables.add(name)
                    todo.extend(layer.when for layer in pricing.program.tables[name].layers)
            case tuple():
                todo.extend(one)
            case _ if hasattr(one, "__dataclass_fields__"):
                todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    engine.edges[key] = (instants, hours)
    return instants, hours

"""Calendar time, exactly: instants, local clocks, periods, anniversaries and weekly windows.

An instant is a whole or fractional number of seconds since 1970-01-01T00:00Z, an `int` or a `Fraction` and never a
float. Leap seconds do not exist here: every UTC day has 86,400 seconds. The calendar is the Gregorian one, carried
back to the year 1. Offsets come from the IANA database through `zoneinfo`: the copy of the package
`tzdata`. What lies outside the years 0001 to 9999, in UTC or on the local clock, is a `ValueError`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache

from pricelang.light import TYPE_CHECKING
from pricelang.plain import dataclass

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Instant = Fraction | int
"""Seconds since 1970-01-01T00:00Z."""

UNITS = ("minute", "hour", "day", "week", "month", "quarter", "year")
"""The calendar periods, shortest first."""

_DAY = 86_400
_WEEK = 7 * _DAY
_CLOCK = {"minute": 60, "hour": 3_600}
_ELAPSED = {"millisecond": Fraction(1, 1000), "second": Fraction(1), "minute": Fraction(60), "hour": Fraction(3_600)}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (date.min.toordinal() - _EPOCH_DAY) * _DAY
_END = (date.max.toordinal() + 1 - _EPOCH_DAY) * _DAY
_UNIT = f"not a calendar period; use one of {', '.join(UNITS)}"
_FAR = "a time outside the years 0001 to 9999"

# Offsets are looked up by blocks of days. No zone changes its offset twice within three days (tests/test_period.py
# walks the whole database), so a block holds at most one change, and two equal ends mean none.
_BLOCK = 2 * _DAY

# 1970-01-01 was a Thursday: local seconds plus this, modulo a week, count from Monday midnight.
_MONDAY = 3 * _DAY


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the week on the local clock: from `start` up to, not including, `stop`.

    `days` are weekdays, 0 Monday to 6 Sunday; `start` (0 to 86399) and `stop` (0 to 86400) are seconds of local clock
    time. Where `stop` is not after `start` the window runs past midnight and belongs to the weekday it starts on.
    """

    days: tuple[int, ...]
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not all(0 <= day <= 6 for day in self.days):
            raise ValueError("a weekday is a number from 0 (Monday) to 6 (Sunday)")
        if not (0 <= self.start < _DAY and 0 <= self.stop <= _DAY):
            raise ValueError("a window starts from 00:00 to 23:59:59 and stops from 00:00 to 24:00")


# --- zones ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _listed_names() -> frozenset[str]:
    """The names that come with `tzdata`: one small file, and the same on every machine."""
    from importlib import resources

    try:
        return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
    except (ImportError, OSError):
        return frozenset()


@lru_cache(maxsize=1)
def _installed_names() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


def known_zone(name: object) -> bool:
    """Whether this is `UTC` or a name of the IANA database, letter for letter. Never raises."""
    if not isinstance(name, str) or name in ("Factory", "localtime"):  # neither names a place
        return False
    return name == "UTC" or name in _listed_names() or name in _installed_names()


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of this name; `ValueError` where there is none."""
    from importlib import resources  # needed by few programs, and slow to import
    from zoneinfo import ZoneInfo

    if known_zone(name):
        try:
            # the package's database first: the same digits on every machine, whatever its own says
            with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
                return ZoneInfo.from_file(data, key=name)
        except (ModuleNotFoundError, KeyError, ValueError, OSError):
            pass
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise ValueError("no time zone of this name; write one such as Europe/Berlin, or UTC")


def _seconds(offset: timedelta | None) -> int:
    return 0 if offset is None else offset.days * _DAY + offset.seconds


def _offset_at(second: int, zone_name: str) -> int:
    """Seconds the local clock is ahead of UTC, asked of the database."""
    try:
        return _seconds((_EPOCH_UTC + timedelta(seconds=second)).astimezone(zone(zone_name)).utcoffset())
    except OverflowError:
        raise ValueError(_FAR) from None


@lru_cache(maxsize=16_384)
def _block(number: int, zone_name: str) -> tuple[tuple[int, int], ...]:
    """The offsets of one block: (from second, seconds ahead of UTC), one or two of them."""
    low = max(number * _BLOCK, _FIRST)
    high = min((number + 1) * _BLOCK, _END) - 1
    before, after = _offset_at(low, zone_name), _offset_at(high, zone_name)
    if before == after:
        return ((low, before),)
    start = low
    while high - low > 1:  # `low` still has the offset before, `high` already the one after
        middle = (low + high) // 2
        if _offset_at(middle, zone_name) == before:
            low = middle
        else:
            high = middle
    return ((start, before), (high, after))


def _offset(second: int, zone_name: str) -> int:
    """Seconds the local clock is ahead of UTC at this whole second."""
    if zone_name == "UTC":
        return 0
    pieces = _block(second // _BLOCK, zone_name)
    last = pieces[-1]
    return last[1] if second >= last[0] else pieces[0][1]


def _runs(start: int, stop: int, zone_name: str) -> Iterator[tuple[int, int, int]]:
    """The pieces of `start` to `stop` with one offset each, as long as can be: (from, to, seconds ahead of UTC)."""
    if zone_name == "UTC":
        yield start, stop, 0
        return
    begin, offset = start, _offset(start, zone_name)
    for number in range(start // _BLOCK, (stop - 1) // _BLOCK + 1):
        for second, ahead in _block(number, zone_name):
            if ahead != offset and start < second < stop:
                yield begin, second, offset
                begin, offset = second, ahead
    yield begin, stop, offset


# --- instants and texts ---------------------------------------------------------------------------------------------


def _floor(instant: Instant) -> int:
    """The whole second of an instant, within the years there are."""
    second = instant.numerator // instant.denominator
    if _FIRST <= second < _END:
        return second
    raise ValueError(_FAR)


_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_PLACES = 30


def parse_date(text: str) -> date:
    """A date written `2026-02-28`; a `ValueError` says in plain words what is wrong."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("not a date; write it as 2026-02-28")
    year, month, day = (int(part) for part in found.groups())
    if year == 0:
        raise ValueError("the year 0000 does not exist")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"the date {text} does not exist") from None


@lru_cache(maxsize=4096)
def _day_number(text: str) -> int:
    return parse_date(text).toordinal() - _EPOCH_DAY


def parse_instant(text: str) -> Fraction:
    """An instant written with its offset (RFC 3339; also `+0200`, no seconds, a space for the `T`), in seconds.

    Up to 30 decimals of a second are kept, all of them. A `ValueError` says in plain words what is wrong.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("not a time; write it as 2026-02-28T13:30:00Z or 2026-02-28T13:30:00+02:00")
    day, hours, minutes, seconds, decimals, utc, sign, ahead_hours, ahead_minutes = found.groups()
    whole = _day_number(day) * _DAY
    hour, minute, second = int(hours), int(minutes), int(seconds or 0)
    if hour > 23:
        raise ValueError("hours go from 00 to 23; midnight is 00:00 of the next day")
    if minute > 59:
        raise ValueError("minutes go from 00 to 59")
    if second == 60:
        raise ValueError("leap seconds are not counted; seconds go from 00 to 59")
    if second > 59:
        raise ValueError("seconds go from 00 to 59")
    whole += hour * 3_600 + minute * 60 + second
    if utc is None:
        if sign is None:
            raise ValueError("no offset; write Z, or one such as +02:00, after the time")
        if int(ahead_hours) > 23 or int(ahead_minutes) > 59:
            raise ValueError("an offset goes from -23:59 to +23:59")
        ahead = int(ahead_hours) * 3_600 + int(ahead_minutes) * 60
        whole += ahead if sign == "-" else -ahead
    if not _FIRST <= whole < _END:
        raise ValueError(_FAR)
    if decimals is None:
        return Fraction(whole)
    if len(decimals) > _PLACES:
        raise ValueError(f"more than {_PLACES} decimals of a second")
    return whole + Fraction(int(decimals), 10 ** len(decimals))


def instant_text(instant: Instant) -> str:
    """An instant as `2026-02-01T12:00:00Z`, in UTC, with the decimals of its second where there are any.

    An instant whose decimals do not end (a third of a second) cannot be written so and is a `ValueError`.
    """
    second = _floor(instant)
    text = (_EPOCH + timedelta(seconds=second)).isoformat()
    if instant.denominator == 1:
        return f"{text}Z"
    rest = Fraction(instant) - second
    over, under, places = rest.numerator, rest.denominator, 0
    while under % 10 == 0:
        under, places = under // 10, places + 1
    while under % 2 == 0:
        over, under, places = over * 5, under // 2, places + 1
    while under % 5 == 0:
        over, under, places = over * 2, under // 5, places + 1
    if under != 1:
        raise ValueError("this instant has no end of decimals")
    return f"{text}.{over:0{places}d}Z"


# --- local clocks ---------------------------------------------------------------------------------------------------


def _date(day: int) -> date:
    """The date of a day counted from 1970-01-01."""
    ordinal = day + _EPOCH_DAY
    if 1 <= ordinal <= date.max.toordinal():
        return date.fromordinal(ordinal)
    raise ValueError(_FAR)


def _moment(local: int) -> datetime:
    """Local seconds since the local 1970-01-01T00:00 as a date and a clock time."""
    if _FIRST <= local < _END:
        return _EPOCH + timedelta(seconds=local)
    raise ValueError(_FAR)


def _from_local(local: int, zone_name: str) -> int:
    """The instant of a local time: the first where it is read twice, moved on by the gap where it is skipped."""
    moment = _moment(local)
    if zone_name == "UTC":
        return local
    # For fold=0 zoneinfo answers with the offset before the change, in a gap and in a repeated time alike.
    second = local - _seconds(moment.replace(tzinfo=zone(zone_name)).utcoffset())
    if not _FIRST <= second < _END:
        raise ValueError(_FAR)
    return second


def local_instant(day: date | str, seconds_of_day: int, zone_name: str) -> Fraction:
    """The instant, in seconds, at which the clock of a zone reads a time (0 to 86400 seconds) of a date.

    A time the clock skips lies later by the length of the gap; of a time it reads twice, the first is meant.
    """
    if not 0 <= seconds_of_day <= _DAY:
        raise ValueError("a time of day goes from 00:00 to 24:00")
    number = _day_number(day) if isinstance(day, str) else day.toordinal() - _EPOCH_DAY
    return Fraction(_from_local(number * _DAY + seconds_of_day, zone_name))


def local_clock(instant: Instant, zone_name: str) -> datetime:
    """What calendar and clock of a zone show: a datetime without zone, down to the whole second."""
    second = _floor(instant)
    return _moment(second + _offset(second, zone_name))


@lru_cache(maxsize=16_384)
def _day_start(day: int, zone_name: str) -> int:
    """The first second at which the local clock reads this day or a later one."""
    if zone_name == "UTC":
        return day * _DAY
    local = day * _DAY
    second = _from_local(local, zone_name)
    if second + _offset(second, zone_name) == local:
        return second
    # Midnight is skipped: the day begins where the gap does, which is at or less than its length before `second`.
    *_, last = _runs(max(second - 2 * _DAY, _FIRST), second + 1, zone_name)
    return last[0]


def _day_of(second: int, zone_name: str) -> int:
    """The calendar day an instant belongs to. Days do not overlap: a clock set back over midnight stays in the new."""
    if zone_name == "UTC":
        return second // _DAY
    day = (second + _offset(second, zone_name)) // _DAY
    while _day_start(day + 1, zone_name) <= second:
        day += 1
    return day


def start_of_day(day: date | str, zone_name: str) -> Fraction:
    """The instant, in seconds, at which a date begins in a zone: its first midnight, or the end of a gap over it."""
    number = _day_number(day) if isinstance(day, str) else day.toordinal() - _EPOCH_DAY
    return Fraction(_day_start(number, zone_name))


# --- calendar periods -----------------------------------------------------------------------------------------------


def _months_later(day: date, months: int, anchor_day: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not 1 <= year <= 9999:
        raise ValueError(_FAR)
    return date(year, month, min(anchor_day, _length_of_month(year, month)))


def _length_of_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _days_of(day: int, unit: str) -> tuple[int, int]:
    """The days of the week, month, quarter or year that holds a day: the first, and the first of the next."""
    if unit == "day":
        return day, day + 1
    if unit == "week":
        first = (day + 3) // 7 * 7 - 3
        return first, first + 7
    months = _MONTHS.get(unit)
    if months is None:
        raise ValueError(_UNIT)
    within = _date(day)
    start = date(within.year, (within.month - 1) // months * months + 1, 1)
    return start.toordinal() - _EPOCH_DAY, _months_later(start, months, 1).toordinal() - _EPOCH_DAY


@lru_cache(maxsize=16_384)
def _period_of_day(day: int, unit: str, zone_name: str) -> tuple[Fraction, Fraction]:
    first, following = _days_of(day, unit)
    stop = _day_start(following, zone_name)
    if stop >= _END:
        raise ValueError(_FAR)
    return Fraction(_day_start(first, zone_name)), Fraction(stop)


def _clock_period(second: int, size: int, zone_name: str) -> tuple[int, int]:
    """The minute or hour of the local clock around a second.

    It has its full length, across a change of the clock too, unless the change moves the minute hand: then the change
    ends one and begins another.
    """
    if zone_name == "UTC":
        start = second - second % size
        return start, start + size
    offset = _offset(second, zone_name)
    start = second - (second + offset) % size
    stop = start + size
    if _offset(max(start, _FIRST), zone_name) == offset == _offset(min(stop, _END) - 1, zone_name):
        return start, stop
    for begin, end, ahead in _runs(start, stop, zone_name):
        if (ahead - offset) % size:
            if end <= second:
                start = end
            else:
                stop = begin
                break
    return start, stop


def _period(instant: Instant, unit: str, zone_name: str) -> tuple[Fraction, Fraction]:
    second = _floor(instant)
    size = _CLOCK.get(unit)
    if size is None:
        return _period_of_day(_day_of(second, zone_name), unit, zone_name)
    start, stop = _clock_period(second, size, zone_name)
    if start < _FIRST or stop >= _END:
        raise ValueError(_FAR)
    return Fraction(start), Fraction(stop)


def period_start(instant: Instant, unit: str, zone_name: str) -> Fraction:
    """Where the calendar period (one of `UNITS`) around an instant begins in a zone, in seconds; it is included."""
    if zone_name == "UTC":
        size = _DAY if unit == "day" else _CLOCK.get(unit)
        if size is not None:
            second = _floor(instant)
            return Fraction(second - second % size)
    return _period(instant, unit, zone_name)[0]


def period_stop(instant: Instant, unit: str, zone_name: str) -> Fraction:
    """Where the calendar period (one of `UNITS`) around an instant ends in a zone, in seconds; it is not included."""
    return _period(instant, unit, zone_name)[1]


def next_period(start: Instant, unit: str, zone_name: str) -> Fraction:
    """The start, in seconds, of the period after the one around an instant."""
    return _period(start, unit, zone_name)[1]


def previous_period(start: Instant, unit: str, zone_name: str) -> Fraction:
    """The start, in seconds, of the period before the one around an instant."""
    return _period(_period(start, unit, zone_name)[0] - 1, unit, zone_name)[0]


def month_seconds(instant: Instant, zone_name: str) -> int:
    """The elapsed seconds of the calendar month around an instant in a zone, changes of the clock included."""
    start, stop = _period(instant, "month", zone_name)
    return int(stop - start)


def period_name(start: Instant, unit: str, zone_name: str) -> str:
    """A name for the period around an instant, different for each period of that unit and zone.

    `2026`, `2026-Q1`, `2026-02`, `2026-W08` (ISO 8601), `2026-02-17`, `2026-02-17T10`, `2026-02-17T10:05`; an hour or
    minute the clock reads more than once has its offset behind it.
    """
    second = _floor(start)
    if unit in _CLOCK:
        return _clock_name(_clock_period(second, _CLOCK[unit], zone_name)[0], unit, zone_name)
    day = _date(_day_of(second, zone_name))
    match unit:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04d}-W{week:02d}"
        case "month":
            return f"{day.year:04d}-{day.month:02d}"
        case "quarter":
            return f"{day.year:04d}-Q{(day.month + 2) // 3}"
        case "year":
            return f"{day.year:04d}"
    raise ValueError(_UNIT)


def _clock_name(start: int, unit: str, zone_name: str) -> str:
    size = _CLOCK[unit]
    offset = _offset(start, zone_name)
    label = (start + offset) // size
    name = _moment(label * size).isoformat()[: 13 if unit == "hour" else 16]
    low, high = max(start - 2 * _DAY, _FIRST), min(start + 2 * _DAY, _END)  # a clock was never moved by more than a day
    if _offset(low, zone_name) == offset == _offset(high - 1, zone_name):
        return name
    alike = set()
    for begin, end, ahead in _runs(low, high, zone_name):
        first = max(begin, label * size - ahead)
        if first < min(end, (label + 1) * size - ahead):
            other = _clock_period(first, size, zone_name)[0]
            if (other + _offset(other, zone_name)) // size == label:
                alike.add(other)
    return name + _offset_text(offset) if len(alike) > 1 else name


def _offset_text(offset: int) -> str:
    minutes, seconds = divmod(abs(offset), 60)
    text = f"{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


# --- months from a day, durations -----------------------------------------------------------------------------------


def add_months(day: date, n: int, anchor_day: int) -> date:
    """The date `n` months on (back where negative): the anchor day (1 to 31), or the last of a shorter month."""
    if not 1 <= anchor_day <= 31:
        raise ValueError("a day of the month goes from 1 to 31")
    return _months_later(day, n, anchor_day)


@lru_cache(maxsize=16_384)
def _anchored(day: int, signup_day: int, months: int) -> tuple[int, int]:
    """The anchored period that holds a day: its first day, and the first of the next."""
    first, within = _date(signup_day), _date(day)
    between = (within.year - first.year) * 12 + within.month - first.month
    count = between // months * months
    start = _months_later(first, count, first.day)
    if start > within:
        count -= months
        start = _months_later(first, count, first.day)
    stop = _months_later(first, count + months, first.day)
    return start.toordinal() - _EPOCH_DAY, stop.toordinal() - _EPOCH_DAY


def anchored_period(instant: Instant, signup: Instant, months: int, zone_name: str) -> tuple[Fraction, Fraction]:
    """The period around an instant of those that begin every so many months from signup: start and stop, in seconds.

    Each begins with the local day of signup's number, or the last day of a shorter month, at the start of that day.
    The first begins with the day of signup itself; instants before it fall into periods counted back.
    """
    if months < 1:
        raise ValueError("a period lasts at least one month")
    signup_day = _day_of(_floor(signup), zone_name)
    first, following = _anchored(_day_of(_floor(instant), zone_name), signup_day, months)
    return Fraction(_day_start(first, zone_name)), Fraction(_day_start(following, zone_name))


def anniversaries(signup: Instant, months: int, start: Instant, stop: Instant, zone_name: str) -> list[Fraction]:
    """The starts of the anchored periods from `start` up to, not including, `stop`, in seconds and in order."""
    found: list[Fraction] = []
    if stop <= start:
        return found
    first, following = anchored_period(start, signup, months, zone_name)
    if first == start:
        found.append(first)
    while following < stop:
        found.append(following)
        following = anchored_period(following, signup, months, zone_name)[1]
    return found


def add_duration(instant: Instant, n: Instant, unit: str, zone_name: str) -> Fraction:
    """The instant, in seconds, that lies `n` of a unit later (earlier where negative); the unit may have its plural s.

    Months, quarters and years keep the day, or take the last of a shorter month; these, days and weeks keep the local
    clock time and are whole numbers; hours, minutes, seconds and milliseconds elapse.
    """
    name = unit.removesuffix("s")
    second = _floor(instant)
    elapsed = _ELAPSED.get(name)
    if elapsed is not None:
        later = instant + elapsed * n
        _floor(later)
        return later
    if name not in ("day", "week", "month", "quarter", "year"):
        raise ValueError("not a duration; use milliseconds, seconds, minutes, hours, days, weeks, months or years")
    if n.denominator != 1:
        raise ValueError(f"a part of a {name} has no length of its own; use a whole number")
    if n == 0:
        return Fraction(instant)
    local = second + _offset(second, zone_name)
    day, clock = divmod(local, _DAY)
    if name in _MONTHS:
        within = _date(day)
        day = _months_later(within, n.numerator * _MONTHS[name], within.day).toordinal() - _EPOCH_DAY
    else:
        day += n.numerator * (7 if name == "week" else 1)
    return _from_local(day * _DAY + clock, zone_name) + (Fraction(instant) - second)


def hour_starts(start: Instant, stop: Instant) -> int:
    """How many hours of 3,600 elapsed seconds are started between two instants; the shortest run starts one."""
    if stop < start:
        raise ValueError("the stop lies before the start")
    return max(1, -((start - stop) // 3_600))


# --- weekly windows -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _week(windows: tuple[Window, ...]) -> tuple[int, ...]:
    """Where a week's windows open and close, in turn, in local seconds from Monday 00:00, from 0 to one week."""
    spans: list[tuple[int, int]] = []
    for window in windows:
        length = (window.stop - window.start) if window.stop > window.start else window.stop + _DAY - window.start
        for day in window.days:
            start = day * _DAY + window.start
            stop = start + length
            spans.append((start, min(stop, _WEEK)))
            if stop > _WEEK:
                spans.append((0, stop - _WEEK))
    edges: list[int] = []
    for start, stop in sorted(spans):
        if edges and start <= edges[-1]:
            edges[-1] = max(edges[-1], stop)
        else:
            edges += (start, stop)
    return tuple(edges)


def _open(local: int, week: tuple[int, ...]) -> bool:
    return bisect_right(week, (local + _MONDAY) % _WEEK) % 2 == 1


def in_window(instant: Instant, windows: tuple[Window, ...], zone_name: str) -> bool:
    """Whether an instant's local clock time lies in one of the windows."""
    second = _floor(instant)
    return _open(second + _offset(second, zone_name), _week(windows))


def window_edges(start: Instant, stop: Instant, windows: tuple[Window, ...], zone_name: str) -> list[Fraction]:
    """The instants after `start` and before `stop`, in order and in seconds, at which `in_window` changes.

    The work grows with the number of days between the two and with nothing else.
    """
    if stop <= start:
        return []
    low = _floor(start)
    high = -(-stop.numerator // stop.denominator)
    _floor(high - 1)
    week = _week(windows)
    marks = [mark for mark in week if 0 < mark < _WEEK]
    if (0 in week) != (_WEEK in week):
        marks.insert(0, 0)
    if not marks:
        return []  # always, or never
    found: list[Fraction] = []
    before = None
    for begin, end, ahead in _runs(low, high, zone_name):
        if before is not None and _open(begin - 1 + before, week) != _open(begin + ahead, week):
            found.append(Fraction(begin))
        first = (begin + ahead + _MONDAY) // _WEEK
        last = (end + ahead + _MONDAY) // _WEEK
        for number in range(first, last + 1):
            monday = number * _WEEK - _MONDAY - ahead
            found.extend(Fraction(monday + mark) for mark in marks if begin < monday + mark < end)
        before = ahead
    return found

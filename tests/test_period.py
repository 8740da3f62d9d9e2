"""Calendar time: instants, zones, periods, durations and windows, against `zoneinfo` asked second by second."""

from __future__ import annotations

import calendar
import struct
import zoneinfo
from collections.abc import Callable
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from pricelang import period
from pricelang.period import UNITS
from pricelang.period import Window
from pricelang.period import add_duration
from pricelang.period import add_months
from pricelang.period import anchored_period
from pricelang.period import anniversaries
from pricelang.period import hour_starts
from pricelang.period import in_window
from pricelang.period import instant_text
from pricelang.period import known_zone
from pricelang.period import local_clock
from pricelang.period import local_instant
from pricelang.period import month_seconds
from pricelang.period import next_period
from pricelang.period import parse_date
from pricelang.period import parse_instant
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.period import period_stop
from pricelang.period import previous_period
from pricelang.period import start_of_day
from pricelang.period import window_edges
from pricelang.period import zone

HOUR = 3_600
DAY = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = int((datetime(1, 1, 1, tzinfo=UTC) - EPOCH).days) * DAY
END = int((datetime(9999, 12, 31, tzinfo=UTC) - EPOCH).days + 1) * DAY
BERLIN = "Europe/Berlin"
ZONES = sorted(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
ZONES.remove("Factory")
# Zones with something odd: half-hour summer time, offsets of seconds, days skipped or repeated, changes at midnight.
ODD = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "America/Havana",
    "America/Juneau",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Asia/Manila",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Europe/Amsterdam",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kwajalein",
    "UTC",
]


def seconds(delta: timedelta | None) -> int:
    assert delta is not None
    return delta.days * DAY + delta.seconds


def clock(second: int, name: str) -> int:
    """What the local clock shows, as seconds since its own 1970, asked of zoneinfo directly."""
    return second + seconds((EPOCH + timedelta(seconds=second)).astimezone(zoneinfo.ZoneInfo(name)).utcoffset())


def at(text: str) -> Fraction:
    return parse_instant(text)


def database_file(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


@cache
def changes(name: str) -> tuple[int, ...]:
    """The instants at which a zone's offset changes: those of its file (RFC 8536), and of one later year."""
    data = database_file(name)
    assert data[:4] == b"TZif"
    counts = struct.unpack(">6l", data[20:44])
    if data[4:5] >= b"2":
        isut, isstd, leap, time, kind, char = counts
        data = data[44 + time * 5 + kind * 6 + char + leap * 8 + isstd + isut :]
        counts = struct.unpack(">6l", data[20:44])
    _, _, _, time, kind, _ = counts
    when = struct.unpack(f">{time}q", data[44 : 44 + time * 8])
    which = data[44 + time * 8 : 44 + time * 9]
    table = data[44 + time * 9 : 44 + time * 9 + kind * 6]
    offsets = [struct.unpack(">l", table[n * 6 : n * 6 + 4])[0] for n in range(kind)]
    found, before = [], offsets[0]
    for second, index in zip(when, which, strict=True):
        if offsets[index] != before and second > FIRST:
            found.append(second)
            before = offsets[index]
    start = 4_102_444_800  # 2100-01-01
    for second in range(start, start + 366 * DAY, DAY):
        if clock(second, name) - second != clock(second + DAY, name) - second - DAY:
            low, high = second, second + DAY
            while high - low > 1:
                middle = (low + high) // 2
                if clock(middle, name) - middle == clock(low, name) - low:
                    low = middle
                else:
                    high = middle
            found.append(high)
    return tuple(found)


zones = st.one_of(st.sampled_from(ODD), st.sampled_from(ZONES))
decimals = st.one_of(st.just(Fraction(0)), st.fractions(0, Fraction(999_999, 1_000_000), max_denominator=10**9))
ordinary = st.integers(int(at("1850-01-01T00:00:00Z")), int(at("2150-01-01T00:00:00Z")))
units = st.sampled_from(UNITS)


@st.composite
def zone_and_second(draw: st.DrawFn) -> tuple[str, int]:
    """A zone and a second; every other time one near a change of its clock."""
    name = draw(zones)
    if draw(st.booleans()) and changes(name):
        near = draw(st.sampled_from(changes(name)))
        return name, near + draw(
            st.one_of(st.integers(-2, 2), st.integers(-2 * HOUR, 2 * HOUR), st.integers(-DAY, DAY))
        )
    return name, draw(ordinary)


# --- the database, as this module relies on it -----------------------------------------------------------------------


def test_no_zone_changes_its_offset_twice_within_a_block() -> None:
    gaps = [later - earlier for name in ZONES for earlier, later in pairwise(changes(name))]
    assert len(gaps) > 20_000
    assert min(gaps) > 3 * DAY > period._BLOCK


@given(zone_and_second(), decimals)
def test_the_local_clock_is_zoneinfos(where: tuple[str, int], rest: Fraction) -> None:
    name, second = where
    expected = datetime(1970, 1, 1) + timedelta(seconds=clock(second, name))
    assert local_clock(second + rest, name) == expected
    assert local_clock(second, name).tzinfo is None


# --- zones -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Asia/Kolkata"]
)
def test_known_zones(name: str) -> None:
    assert known_zone(name)
    assert zone(name).key == name
    assert zone(name) is zone(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "../x",
        "../../etc/passwd",
        "/etc/passwd",
        "/usr/share/zoneinfo/UTC",
        "Europe",
        "Europe/",
        "Europe/berlin",
        "EUROPE/BERLIN",
        "utc",
        "Europe/Berlin\n",
        " Europe/Berlin",
        "Europe//Berlin",
        "Europe/../UTC",
        "Europe\\Berlin",
        "right/Europe/Berlin",
        "posix/Europe/Berlin",
        "posixrules",
        "Factory",
        "localtime",
        "zone.tab",
        "tzdata.zi",
        "Mars/Olympus",
        "\x00",
        "UTC\x00",
        "\ud800",
        "é",
        "+02:00",
        "x" * 100_000,
        None,
        7,
        b"UTC",
        [],
    ],
)
def test_unknown_zones(name: object) -> None:
    assert known_zone(name) is False
    if isinstance(name, str):
        with pytest.raises(ValueError, match="no time zone of this name"):
            zone(name)


@given(st.text())
def test_any_text_is_a_zone_or_not(name: str) -> None:
    if known_zone(name):
        assert zone(name).key == name
    else:
        with pytest.raises(ValueError, match="no time zone"):
            zone(name)


def test_all_listed_zones_load() -> None:
    assert all(zone(name).key == name for name in ZONES)


def test_zones_are_known_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(period, "_listed_names", frozenset)
    assert known_zone("UTC")
    assert not known_zone("Mars/Olympus")


# --- instants and texts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", Fraction(0)),
        ("1970-01-01T00:00:00z", Fraction(0)),
        ("1970-01-01t00:00:00Z", Fraction(0)),
        ("1970-01-01 00:00:00Z", Fraction(0)),
        ("1970-01-01T00:00Z", Fraction(0)),
        ("1970-01-01T02:00:00+02:00", Fraction(0)),
        ("1970-01-01T02:00:00+0200", Fraction(0)),
        ("1969-12-31T18:30:00-05:30", Fraction(0)),
        ("1970-01-01T00:00:00-00:00", Fraction(0)),
        ("1969-12-31T23:59:59.5Z", Fraction(-1, 2)),
        ("1970-01-01T00:00:00.1Z", Fraction(1, 10)),
        ("1970-01-01T00:00:00." + "0" * 29 + "1Z", Fraction(1, 10**30)),
        ("2026-02-01T12:00:00Z", Fraction(1_769_947_200)),
        ("2024-02-29T00:00:00Z", Fraction(1_709_164_800)),
        ("0001-01-01T00:00:00Z", Fraction(FIRST)),
        ("9999-12-31T23:59:59Z", Fraction(END - 1)),
    ],
)
def test_an_instant_is_read_exactly(text: str, expected: Fraction) -> None:
    found = parse_instant(text)
    assert found == expected
    assert isinstance(found, Fraction)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-02-01T12:00:00", "no offset"),
        ("2026-02-01 12:00", "no offset"),
        ("2026-02-30T12:00:00Z", "2026-02-30 does not exist"),
        ("2025-02-29T12:00:00Z", "2025-02-29 does not exist"),
        ("2026-13-01T12:00:00Z", "does not exist"),
        ("2026-00-01T12:00:00Z", "does not exist"),
        ("0000-01-01T12:00:00Z", "0000"),
        ("2026-02-01T24:00:00Z", "hours go"),
        ("2026-02-01T12:60:00Z", "minutes go"),
        ("2016-12-31T23:59:60Z", "leap seconds"),
        ("2026-02-01T12:00:61Z", "seconds go"),
        ("2026-02-01T12:00:00+24:00", "an offset goes"),
        ("2026-02-01T12:00:00+02:60", "an offset goes"),
        ("2026-02-01T12:00:00." + "0" * 31 + "Z", "30 decimals"),
        ("2026-02-01T12:00:00." + "0" * 100_000 + "Z", "30 decimals"),
        ("0001-01-01T00:00:00+00:01", "years 0001 to 9999"),
        ("9999-12-31T23:59:59-00:01", "years 0001 to 9999"),
        ("2026-02-01", "not a time"),
        ("2026-02-01T12Z", "not a time"),
        ("2026-02-01T12:00:00.Z", "not a time"),
        ("2026-02-01T12:00:00,5Z", "not a time"),
        ("2026-02-01T12:00.5Z", "not a time"),
        ("2026-02-01T12:00:00+02", "not a time"),
        ("2026-02-01T12:00:00 Z", "not a time"),
        ("2026-02-01T12:00:00Z\n", "not a time"),
        (" 2026-02-01T12:00:00Z", "not a time"),
        ("2026-2-1T12:00:00Z", "not a time"),
        ("12026-02-01T12:00:00Z", "not a time"),
        ("-2026-02-01T12:00:00Z", "not a time"),
        ("２０２６-02-01T12:00:00Z", "not a time"),
        ("2026-02-01T12:00:0٠Z", "not a time"),
        ("2026-02-01T12:00:00\u221202:00", "not a time"),
        ("", "not a time"),
        ("now", "not a time"),
    ],
)
def test_what_is_no_instant_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_instant(text)
    assert len(str(caught.value)) < 120


@given(
    st.one_of(st.text(), st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](Z|\+.*)"))
)
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    try:
        found = parse_instant(text)
    except ValueError:
        return
    assert parse_instant(instant_text(found)) == found


@given(st.integers(FIRST, END - 1), st.integers(0, 10**30 - 1))
@example(0, 0)
@example(-1, 5 * 10**29)
@example(FIRST, 1)
def test_an_instant_is_written_and_read_back(second: int, rest: int) -> None:
    instant = second + Fraction(rest, 10**30)
    assert parse_instant(instant_text(instant)) == instant


@given(st.datetimes(), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_an_offset_is_taken_off(moment: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    exact = (
        (moment.toordinal() - EPOCH.toordinal()) * DAY
        + moment.hour * HOUR
        + moment.minute * 60
        + moment.second
        - minutes * 60
        + Fraction(moment.microsecond, 10**6)
    )
    assume(FIRST <= exact < END)
    text = moment.isoformat()
    assert parse_instant(f"{text}{sign}{hours:02d}:{rest:02d}") == exact
    assert parse_instant(f"{text}{sign}{hours:02d}{rest:02d}") == exact


def test_instants_as_text() -> None:
    assert instant_text(0) == "1970-01-01T00:00:00Z"
    assert instant_text(Fraction(1_769_947_200)) == "2026-02-01T12:00:00Z"
    assert instant_text(Fraction(1, 2)) == "1970-01-01T00:00:00.5Z"
    assert instant_text(Fraction(-1, 8)) == "1969-12-31T23:59:59.875Z"
    assert instant_text(Fraction(1, 10**6)) == "1970-01-01T00:00:00.000001Z"
    assert instant_text(Fraction(3, 40)) == "1970-01-01T00:00:00.075Z"
    assert instant_text(FIRST) == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize("instant", [Fraction(1, 3), Fraction(1, 70), FIRST - 1, END, FIRST - Fraction(1, 10), 10**40])
def test_instants_that_cannot_be_written(instant: Fraction | int) -> None:
    with pytest.raises(ValueError, match=r"decimals|years"):
        instant_text(instant)


@pytest.mark.parametrize("text", ["2026-2-1", "2026-02-01 ", "20260201", "2026-02-29", "0000-01-01", "२०२६-02-01", ""])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a date|not exist"):
        parse_date(text)


# --- local clock times -----------------------------------------------------------------------------------------------


def test_a_local_time_is_found() -> None:
    assert local_instant("2026-02-01", 13 * HOUR, BERLIN) == at("2026-02-01T12:00:00Z")
    assert local_instant(date(2026, 7, 1), 13 * HOUR, BERLIN) == at("2026-07-01T11:00:00Z")
    assert local_instant("2026-02-01", DAY, BERLIN) == start_of_day("2026-02-02", BERLIN)
    assert local_instant("2026-02-01", 60, "UTC") == at("2026-02-01T00:01:00Z")


def test_a_skipped_time_moves_on_by_the_gap() -> None:
    assert local_instant("2026-03-29", 2 * HOUR + 1800, BERLIN) == at("2026-03-29T03:30:00+02:00")
    assert local_instant("2026-03-29", 2 * HOUR, BERLIN) == at("2026-03-29T03:00:00+02:00")
    assert local_instant("2026-10-04", 2 * HOUR + 600, "Australia/Lord_Howe") == at("2026-10-04T02:40:00+11:00")


def test_of_a_repeated_time_the_first_is_meant() -> None:
    assert local_instant("2026-10-25", 2 * HOUR + 1800, BERLIN) == at("2026-10-25T02:30:00+02:00")
    assert local_instant("2026-10-25", 3 * HOUR, BERLIN) == at("2026-10-25T03:00:00+01:00")


@pytest.mark.parametrize("second", [-1, DAY + 1, 10**30])
def test_a_time_of_day_has_bounds(second: int) -> None:
    with pytest.raises(ValueError, match="time of day"):
        local_instant("2026-01-01", second, "UTC")


@given(zone_and_second())
def test_a_local_time_is_the_first_that_reads_it_or_moved_by_the_gap(where: tuple[str, int]) -> None:
    name, second = where
    wanted = clock(second, name)
    day, rest = divmod(wanted, DAY)
    found = local_instant(date.fromordinal(day + EPOCH.toordinal()), rest, name)
    assert found <= second
    assert clock(int(found), name) == wanted
    for near in changes(name):
        if abs(near - second) <= 2 * DAY:
            gap = (clock(near, name) - near) - (clock(near - 1, name) - near + 1)
            if gap > 0:  # inside the gap: as if the clock had gone on
                inside = clock(near - 1, name) + 1 + gap // 2
                day, rest = divmod(inside, DAY)
                moved = local_instant(date.fromordinal(day + EPOCH.toordinal()), rest, name)
                assert clock(int(moved), name) == inside + gap
                assert moved == near + gap // 2


@given(zone_and_second())
def test_r15_a_day_starts_when_the_clock_first_reads_it(where: tuple[str, int]) -> None:
    name, second = where
    number = clock(second, name) // DAY
    start = start_of_day(date.fromordinal(number + EPOCH.toordinal()), name)
    assert start.denominator == 1
    first = int(start)
    assert first <= second
    assert clock(first, name) >= number * DAY
    assert all(clock(earlier, name) < number * DAY for earlier in (first - 1, *range(first - 2 * DAY, first, 900)))


@pytest.mark.parametrize(
    ("day", "name", "expected"),
    [
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00"),  # midnight is skipped
        ("1919-03-31", "America/Toronto", "1919-03-31T00:30:00-04:00"),  # from 23:30 to 00:30
        ("2011-12-30", "Pacific/Apia", "2011-12-31T00:00:00+14:00"),  # a day that never was
        ("2011-12-31", "Pacific/Apia", "2011-12-31T00:00:00+14:00"),
        ("2010-11-07", "America/St_Johns", "2010-11-07T00:00:00-02:30"),  # back over midnight at 00:01
        ("2025-11-02", "America/Havana", "2025-11-02T00:00:00-04:00"),  # midnight comes twice
        ("2026-04-24", "Africa/Cairo", "2026-04-24T01:00:00+03:00"),
        ("2026-02-17", "Asia/Kathmandu", "2026-02-17T00:00:00+05:45"),
    ],
)
def test_r15_days_with_an_odd_beginning(day: str, name: str, expected: str) -> None:
    assert start_of_day(day, name) == at(expected)


# --- R15: calendar periods -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "start", "stop", "name"),
    [
        ("minute", "2026-02-17T10:05:00+01:00", "2026-02-17T10:06:00+01:00", "2026-02-17T10:05"),
        ("hour", "2026-02-17T10:00:00+01:00", "2026-02-17T11:00:00+01:00", "2026-02-17T10"),
        ("day", "2026-02-17T00:00:00+01:00", "2026-02-18T00:00:00+01:00", "2026-02-17"),
        ("week", "2026-02-16T00:00:00+01:00", "2026-02-23T00:00:00+01:00", "2026-W08"),
        ("month", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", "2026-02"),
        ("quarter", "2026-01-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", "2026-Q1"),
        ("year", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00", "2026"),
    ],
)
def test_r15_the_periods_around_an_instant(unit: str, start: str, stop: str, name: str) -> None:
    for instant in (at("2026-02-17T10:05:17.25+01:00"), at(start), at(stop) - Fraction(1, 10**12)):
        assert period_start(instant, unit, BERLIN) == at(start)
        assert period_stop(instant, unit, BERLIN) == at(stop)
        assert period_name(instant, unit, BERLIN) == name


@given(zone_and_second(), decimals, units)
def test_r15_periods_are_half_open_and_leave_nothing_out(where: tuple[str, int], rest: Fraction, unit: str) -> None:
    name, second = where
    instant = second + rest
    start, stop = period_start(instant, unit, name), period_stop(instant, unit, name)
    assert isinstance(start, Fraction)
    assert isinstance(stop, Fraction)
    assert start.denominator == stop.denominator == 1
    assert start <= instant < stop
    assert period_start(start, unit, name) == start
    assert period_stop(start, unit, name) == stop
    assert period_start(stop - Fraction(1, 10**9), unit, name) == start
    assert period_start(stop, unit, name) == stop == next_period(start, unit, name)
    assert previous_period(stop, unit, name) == start
    assert next_period(previous_period(start, unit, name), unit, name) == start


@given(zone_and_second(), units)
def test_r15_every_period_has_a_name_of_its_own(where: tuple[str, int], unit: str) -> None:
    name, second = where
    start = period_start(second, unit, name)
    names = [period_name(start, unit, name)]
    for _ in range(30):
        start = next_period(start, unit, name)
        names.append(period_name(start, unit, name))
        assert period_name(period_stop(start, unit, name) - 1, unit, name) == names[-1]
    assert len(set(names)) == len(names)


@given(st.sampled_from(ODD), st.data())
@settings(max_examples=40, deadline=None)
def test_r15_hours_have_names_of_their_own_across_a_day_of_change(name: str, data: st.DataObject) -> None:
    assume(changes(name))
    middle = data.draw(st.sampled_from(changes(name)))
    start, names = period_start(middle - 26 * HOUR, "hour", name), set()
    while start < middle + 26 * HOUR:
        label = period_name(start, "hour", name)
        assert label not in names
        names.add(label)
        start = next_period(start, "hour", name)


@given(zone_and_second(), st.sampled_from(["week", "month", "quarter", "year"]))
def test_r15_longer_periods_are_made_of_days(where: tuple[str, int], unit: str) -> None:
    name, second = where
    start, stop = period_start(second, unit, name), period_stop(second, unit, name)
    assert period_start(start, "day", name) == start
    assert period_start(stop, "day", name) == stop
    first, last = local_clock(start, name).date(), local_clock(stop - 1, name).date()
    if unit == "week":
        assert 6 <= (stop - start + HOUR * 24) // DAY <= 9
    elif abs((last - first).days) < 360:
        assert first.month <= local_clock(second, name).month <= last.month or first.year != last.year


@given(ordinary, decimals, units)
def test_r15_utc_agrees_with_the_calendar(second: int, rest: Fraction, unit: str) -> None:
    moment = datetime(1970, 1, 1) + timedelta(seconds=second)
    midnight = datetime(moment.year, moment.month, moment.day)
    start = {
        "minute": moment.replace(second=0),
        "hour": moment.replace(minute=0, second=0),
        "day": midnight,
        "week": midnight - timedelta(days=midnight.weekday()),
        "month": midnight.replace(day=1),
        "quarter": midnight.replace(day=1, month=(moment.month - 1) // 3 * 3 + 1),
        "year": midnight.replace(day=1, month=1),
    }[unit]
    expected = seconds(start - datetime(1970, 1, 1))
    assert period_start(second + rest, unit, "UTC") == expected
    assert period_start(second + rest, unit, "Etc/UTC") == expected  # the general path
    assert period_stop(second + rest, unit, "UTC") == period_stop(second + rest, unit, "Etc/UTC")
    assert period_name(second + rest, unit, "UTC") == period_name(second + rest, unit, "Etc/UTC")


@pytest.mark.parametrize(
    ("instant", "hours"),
    [("2026-03-29T12:00:00Z", 23), ("2026-10-25T12:00:00Z", 25), ("2026-06-25T12:00:00Z", 24)],
)
def test_r15_a_day_has_23_24_or_25_hours(instant: str, hours: int) -> None:
    start, stop = period_start(at(instant), "day", BERLIN), period_stop(at(instant), "day", BERLIN)
    assert stop - start == hours * HOUR
    count, hour = 0, start
    while hour < stop:
        assert next_period(hour, "hour", BERLIN) - hour == HOUR
        hour, count = next_period(hour, "hour", BERLIN), count + 1
    assert count == hours


def test_r15_a_repeated_hour_is_two_hours_with_two_names() -> None:
    first, second = at("2026-10-25T02:30:00+02:00"), at("2026-10-25T02:30:00+01:00")
    assert period_start(first, "hour", BERLIN) == at("2026-10-25T02:00:00+02:00")
    assert period_start(second, "hour", BERLIN) == at("2026-10-25T02:00:00+01:00")
    assert period_name(first, "hour", BERLIN) == "2026-10-25T02+02:00"
    assert period_name(second, "hour", BERLIN) == "2026-10-25T02+01:00"
    assert period_name(first, "minute", BERLIN) == "2026-10-25T02:30+02:00"
    assert period_name(second, "minute", BERLIN) == "2026-10-25T02:30+01:00"
    assert period_name(at("2026-10-25T01:30:00+02:00"), "hour", BERLIN) == "2026-10-25T01"
    assert period_name(at("2026-10-25T03:30:00+01:00"), "hour", BERLIN) == "2026-10-25T03"
    assert period_name(at("2026-03-29T03:30:00+02:00"), "hour", BERLIN) == "2026-03-29T03"


def test_r15_half_hours_and_odd_seconds() -> None:
    assert period_start(at("2026-02-17T10:20:00+05:45"), "hour", "Asia/Kathmandu") == at("2026-02-17T10:00:00+05:45")
    howe = "Australia/Lord_Howe"  # on 2026-04-05 the clock goes from 02:00 back to 01:30
    repeated = at("2026-04-05T01:45:00+10:30")
    assert period_start(repeated, "hour", howe) == at("2026-04-05T01:30:00+10:30")
    assert period_stop(repeated, "hour", howe) == at("2026-04-05T02:00:00+10:30")
    assert period_name(repeated, "hour", howe) == "2026-04-05T01+10:30"
    assert period_name(at("2026-04-05T01:45:00+11:00"), "hour", howe) == "2026-04-05T01+11:00"
    amsterdam = local_instant("1900-05-01", 10 * HOUR, "Europe/Brussels")
    assert period_start(amsterdam + 59, "minute", "Europe/Brussels") == amsterdam


def test_r15_two_records_a_second_apart_over_midnight_of_the_month() -> None:
    last, first = at("2026-02-28T23:59:59.999999+01:00"), at("2026-03-01T00:00:00+01:00")
    assert period_name(last, "month", BERLIN) == "2026-02"
    assert period_name(first, "month", BERLIN) == "2026-03"
    assert period_name(first, "month", "UTC") == "2026-02"
    assert period_name(first, "month", "Asia/Kolkata") == "2026-03"


def test_r15_leap_days() -> None:
    assert period_name(at("2024-02-29T12:00:00Z"), "day", "UTC") == "2024-02-29"
    assert month_seconds(at("2024-02-29T12:00:00Z"), "UTC") == 29 * DAY
    assert month_seconds(at("2000-02-01T12:00:00Z"), "UTC") == 29 * DAY
    assert month_seconds(at("1900-02-01T12:00:00Z"), "UTC") == 28 * DAY
    leap = at("2024-07-01T00:00:00Z")
    assert period_stop(leap, "year", "UTC") - period_start(leap, "year", "UTC") == 366 * DAY


@pytest.mark.parametrize(
    ("day", "name"), [("2025-12-29", "2026-W01"), ("2027-01-03", "2026-W53"), ("2026-02-22", "2026-W08")]
)
def test_r15_weeks_start_on_monday_and_have_iso_numbers(day: str, name: str) -> None:
    assert period_name(start_of_day(day, BERLIN), "week", BERLIN) == name
    assert local_clock(period_start(start_of_day(day, BERLIN), "week", BERLIN), BERLIN).weekday() == 0


def test_r15_a_clock_set_back_over_midnight_does_not_reopen_the_day_before() -> None:
    repeated = at("2010-11-06T23:30:00-03:30")  # St. John's, after 00:01 became 23:01
    assert local_clock(repeated, "America/St_Johns").day == 6
    assert period_name(repeated, "day", "America/St_Johns") == "2010-11-07"
    assert period_start(repeated, "day", "America/St_Johns") == at("2010-11-07T00:00:00-02:30")


@pytest.mark.parametrize("unit", ["", "days", "decade", "bill", "Month", "second"])
def test_r15_there_are_no_other_periods(unit: str) -> None:
    with pytest.raises(ValueError, match="not a calendar period"):
        period_start(0, unit, "UTC")
    with pytest.raises(ValueError, match="not a calendar period"):
        period_name(0, unit, BERLIN)


# --- R16: months from signup -----------------------------------------------------------------------------------------


def test_r16_the_31st_takes_the_last_day_and_returns() -> None:
    signup, day, starts = at("2026-01-31T15:30:00+01:00"), date(2026, 1, 31), []
    for n in range(6):
        starts.append(add_months(day, n, 31).isoformat())
    assert starts == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]
    start, stop = anchored_period(signup, signup, 1, BERLIN)
    assert (start, stop) == (start_of_day("2026-01-31", BERLIN), start_of_day("2026-02-28", BERLIN))
    found = []
    for _ in range(5):
        found.append(local_clock(stop, BERLIN).date().isoformat())
        start, stop = anchored_period(stop, signup, 1, BERLIN)
    assert found == starts[1:]


def test_r16_a_leap_day_comes_back_after_four_years() -> None:
    signup = at("2024-02-29T10:00:00Z")
    dates = [
        local_clock(t, "UTC").date().isoformat() for t in anniversaries(signup, 12, 0, at("2029-01-01T00:00Z"), "UTC")
    ]
    assert dates[-5:] == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


def test_r16_every_three_months() -> None:
    signup = at("2025-11-30T10:00:00Z")
    assert anchored_period(at("2026-02-28T00:00:00Z"), signup, 3, "UTC") == (
        at("2026-02-28T00:00:00Z"),
        at("2026-05-30T00:00:00Z"),
    )
    assert anchored_period(at("2026-02-27T23:59:59Z"), signup, 3, "UTC")[0] == at("2025-11-30T00:00:00Z")


def test_r16_the_day_is_the_local_one() -> None:
    signup = at("2026-01-31T23:30:00Z")  # the first of February in Berlin
    assert anchored_period(signup, signup, 1, BERLIN)[1] == at("2026-03-01T00:00:00+01:00")
    assert anchored_period(signup, signup, 1, "UTC")[1] == at("2026-02-28T00:00:00Z")


@given(zone_and_second(), st.integers(-60 * 365, 60 * 365), st.integers(1, 24), decimals)
def test_r16_anchored_periods_leave_nothing_out(where: tuple[str, int], days: int, months: int, rest: Fraction) -> None:
    name, signup = where
    instant = signup + days * DAY + rest
    start, stop = anchored_period(instant, signup, months, name)
    assert start <= instant < stop
    assert anchored_period(start, signup, months, name) == (start, stop)
    assert anchored_period(stop - 1, signup, months, name) == (start, stop)
    assert anchored_period(stop, signup, months, name)[0] == stop
    first = parse_date(period_name(signup, "day", name))
    number = parse_date(period_name(start, "day", name))
    if calendar.monthrange(number.year, number.month)[1] >= first.day:
        skipped = start_of_day(number.replace(day=first.day), name) == start  # or the day itself never was
        assert number.day == first.day or skipped
    else:
        assert number.day == calendar.monthrange(number.year, number.month)[1]


@given(zone_and_second(), st.integers(1, 12), st.integers(0, 2000), st.integers(0, 1500))
def test_r16_anniversaries_are_the_starts(where: tuple[str, int], months: int, after: int, length: int) -> None:
    name, signup = where
    start = signup + after * DAY
    stop = start + length * DAY
    found = anniversaries(signup, months, start, stop, name)
    assert found == sorted(set(found))
    assert all(start <= instant < stop for instant in found)
    assert all(anchored_period(instant, signup, months, name)[0] == instant for instant in found)
    if found:
        assert anchored_period(found[-1], signup, months, name)[1] >= stop
        assert anchored_period(found[0] - 1, signup, months, name)[0] < start or found[0] == start
    else:
        assert length == 0 or anchored_period(start, signup, months, name)[1] >= stop


def test_r16_a_period_has_a_month_at_least() -> None:
    with pytest.raises(ValueError, match="at least one month"):
        anchored_period(0, 0, 0, "UTC")
    with pytest.raises(ValueError, match="day of the month"):
        add_months(date(2026, 1, 1), 1, 0)


@given(st.dates(date(1000, 1, 1), date(3000, 1, 1)), st.integers(-2000, 2000), st.integers(1, 31))
def test_r16_adding_months(day: date, n: int, anchor: int) -> None:
    found = add_months(day, n, anchor)
    assert (found.year - day.year) * 12 + found.month - day.month == n
    assert found.day == min(anchor, calendar.monthrange(found.year, found.month)[1])


# --- R17: durations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "n", "unit", "expected"),
    [
        ("2026-01-31T10:00:00+01:00", 1, "month", "2026-02-28T10:00:00+01:00"),
        ("2026-01-31T10:00:00+01:00", 2, "months", "2026-03-31T10:00:00+02:00"),
        ("2026-03-31T10:00:00+02:00", -1, "month", "2026-02-28T10:00:00+01:00"),
        ("2024-02-29T10:00:00+01:00", 1, "year", "2025-02-28T10:00:00+01:00"),
        ("2024-02-29T10:00:00+01:00", 4, "years", "2028-02-29T10:00:00+01:00"),
        ("2026-11-30T10:00:00+01:00", 1, "quarter", "2027-02-28T10:00:00+01:00"),
        ("2026-03-28T10:00:00+01:00", 1, "day", "2026-03-29T10:00:00+02:00"),
        ("2026-03-28T10:00:00+01:00", 24, "hours", "2026-03-29T11:00:00+02:00"),
        ("2026-10-24T10:00:00+02:00", 1, "day", "2026-10-25T10:00:00+01:00"),
        ("2026-10-24T10:00:00+02:00", 24, "hours", "2026-10-25T09:00:00+01:00"),
        ("2026-03-22T02:30:00+01:00", 1, "week", "2026-03-29T03:30:00+02:00"),
        ("2026-10-18T02:30:00.25+02:00", 1, "week", "2026-10-25T02:30:00.25+02:00"),
        ("2026-10-25T02:30:00+01:00", 0, "days", "2026-10-25T02:30:00+01:00"),
        ("2026-02-17T10:00:00+01:00", 90, "minutes", "2026-02-17T11:30:00+01:00"),
        ("2026-02-17T10:00:00+01:00", 1, "second", "2026-02-17T10:00:01+01:00"),
        ("2026-02-17T10:00:00+01:00", 1, "millisecond", "2026-02-17T10:00:00.001+01:00"),
    ],
)
def test_r17_durations(start: str, n: int, unit: str, expected: str) -> None:
    assert add_duration(at(start), n, unit, BERLIN) == at(expected)


def test_r17_hours_may_be_parts_and_days_may_not() -> None:
    assert add_duration(0, Fraction(3, 2), "hour", BERLIN) == 5400
    assert add_duration(0, Fraction(2), "days", "UTC") == 2 * DAY
    with pytest.raises(ValueError, match="part of a day"):
        add_duration(0, Fraction(1, 2), "days", BERLIN)
    with pytest.raises(ValueError, match="not a duration"):
        add_duration(0, 1, "fortnight", BERLIN)


@given(
    zone_and_second(), decimals, st.integers(-500, 500), st.sampled_from(["day", "week", "month", "quarter", "year"])
)
def test_r17_calendar_durations_keep_the_clock(where: tuple[str, int], rest: Fraction, n: int, unit: str) -> None:
    name, second = where
    n = n // 12 if unit in ("quarter", "year") else n
    later = add_duration(second + rest, n, unit, name)
    before, after = local_clock(second, name), local_clock(later, name)
    if n == 0:
        assert later == second + rest
        return
    if unit in ("day", "week"):
        expected = before + timedelta(days=n * (7 if unit == "week" else 1))
    else:
        months = n * {"month": 1, "quarter": 3, "year": 12}[unit]
        expected = datetime.combine(add_months(before.date(), months, before.day), before.time())
    assert (later - rest).denominator == 1
    if after != expected:  # only where the clock skips it, and then by the gap
        low, high = int(later) - 2 * DAY, int(later)
        gap = seconds(after - expected)
        assert gap > 0
        assert (clock(high, name) - high) - (clock(low, name) - low) == gap


@given(zone_and_second(), decimals, st.fractions(-1000, 1000, max_denominator=1000))
def test_r17_hours_and_less_elapse(where: tuple[str, int], rest: Fraction, n: Fraction) -> None:
    name, second = where
    assert add_duration(second + rest, n, "hours", name) - second - rest == n * HOUR
    assert add_duration(second + rest, n, "minutes", name) - second - rest == n * 60


# --- R26, R27 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 0, 1),
        (0, 1, 1),
        (0, 3600, 1),
        (0, Fraction(36_000_001, 10_000), 2),
        (0, 3601, 2),
        (10, 7210, 2),
        (Fraction(1, 3), Fraction(1, 3) + 7200, 2),
        (-5400, 0, 2),
    ],
)
def test_r26_started_hours(start: Fraction | int, stop: Fraction | int, expected: int) -> None:
    found = hour_starts(start, stop)
    assert found == expected
    assert type(found) is int


def test_r26_hours_elapse_whatever_the_clock_does() -> None:
    day = at("2026-10-25T12:00:00Z")
    assert hour_starts(period_start(day, "day", BERLIN), period_stop(day, "day", BERLIN)) == 25
    day = at("2026-03-29T12:00:00Z")
    assert hour_starts(period_start(day, "day", BERLIN), period_stop(day, "day", BERLIN)) == 23


@given(ordinary, decimals, st.integers(1, 10**7), decimals)
def test_r26_each_start_lies_before_the_stop(second: int, rest: Fraction, length: int, more: Fraction) -> None:
    start = second + rest
    stop = start + length + more
    count = hour_starts(start, stop)
    assert start + (count - 1) * HOUR < stop <= start + count * HOUR


def test_r26_a_stop_does_not_lie_before_the_start() -> None:
    with pytest.raises(ValueError, match="before the start"):
        hour_starts(1, 0)


@pytest.mark.parametrize(
    ("instant", "name", "hours"),
    [
        ("2026-02-10T00:00:00Z", "UTC", 28 * 24),
        ("2024-02-10T00:00:00Z", "UTC", 29 * 24),
        ("2026-03-10T00:00:00Z", "UTC", 31 * 24),
        ("2026-03-10T00:00:00Z", BERLIN, 31 * 24 - 1),
        ("2026-10-10T00:00:00Z", BERLIN, 31 * 24 + 1),
        ("2026-04-10T00:00:00Z", BERLIN, 30 * 24),
        ("2011-12-10T00:00:00Z", "Pacific/Apia", 30 * 24),
    ],
)
def test_r27_the_length_of_a_month(instant: str, name: str, hours: int) -> None:
    found = month_seconds(at(instant), name)
    assert found == hours * HOUR
    assert type(found) is int


@given(zone_and_second())
def test_r27_a_years_months_add_up_to_it(where: tuple[str, int]) -> None:
    name, second = where
    start, stop = period_start(second, "year", name), period_stop(second, "year", name)
    month, total = start, 0
    for _ in range(12):
        total += month_seconds(month, name)
        month = next_period(month, "month", name)
    assert month == stop
    assert total == stop - start


# --- R29: windows ----------------------------------------------------------------------------------------------------

WEEKDAYS = (0, 1, 2, 3, 4)
OFF_PEAK = (
    Window(WEEKDAYS, 0, 6 * HOUR),
    Window(WEEKDAYS, 12 * HOUR, 13 * HOUR),
    Window(WEEKDAYS, 22 * HOUR, DAY),
    Window((5, 6), 0, DAY),
)
NIGHT = (Window((4,), 22 * HOUR, 6 * HOUR),)  # Friday night

windows = st.lists(
    st.builds(
        Window,
        st.lists(st.integers(0, 6), unique=True).map(tuple),
        st.one_of(st.integers(0, 23).map(lambda h: h * HOUR), st.integers(0, DAY - 1)),
        st.one_of(st.integers(0, 24).map(lambda h: h * HOUR), st.integers(0, DAY)),
    ),
    max_size=4,
).map(tuple)


def inside(second: int, chosen: tuple[Window, ...], name: str) -> bool:
    """R29, as the sentence has it."""
    day, time = divmod(clock(second, name), DAY)
    weekday = (day + 3) % 7
    for window in chosen:
        if window.stop > window.start:
            if weekday in window.days and window.start <= time < window.stop:
                return True
        elif (weekday in window.days and time >= window.start) or (
            (weekday - 1) % 7 in window.days and time < window.stop
        ):
            return True
    return False


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-02-17T05:59:59.999Z", True),
        ("2026-02-17T06:00:00Z", False),
        ("2026-02-17T11:59:59.999Z", False),
        ("2026-02-17T12:00:00Z", True),
        ("2026-02-17T13:00:00Z", False),
        ("2026-02-17T22:00:00Z", True),
        ("2026-02-21T15:00:00Z", True),
        ("2026-02-22T23:59:59.999Z", True),
        ("2026-02-23T00:00:00Z", True),
        ("2026-02-23T06:00:00Z", False),
    ],
)
def test_r29_from_the_start_up_to_not_including_the_end(instant: str, expected: bool) -> None:
    assert in_window(at(instant), OFF_PEAK, "UTC") is expected


def test_r29_past_midnight_belongs_to_the_day_it_starts_on() -> None:
    assert not in_window(at("2026-02-20T05:00:00Z"), NIGHT, "UTC")  # Friday morning
    assert in_window(at("2026-02-20T23:00:00Z"), NIGHT, "UTC")
    assert in_window(at("2026-02-21T05:00:00Z"), NIGHT, "UTC")  # Saturday morning
    assert not in_window(at("2026-02-21T23:00:00Z"), NIGHT, "UTC")
    sunday = (Window((6,), 22 * HOUR, 6 * HOUR),)
    assert in_window(at("2026-02-23T05:00:00Z"), sunday, "UTC")  # Monday morning
    assert not in_window(at("2026-02-23T06:00:00Z"), sunday, "UTC")
    assert in_window(at("2026-02-17T07:00:00Z"), (Window((1,), 8 * HOUR, 8 * HOUR),), "UTC") is False
    assert in_window(at("2026-02-18T07:00:00Z"), (Window((1,), 8 * HOUR, 8 * HOUR),), "UTC") is True
    assert in_window(at("2026-02-17T07:00:00Z"), (Window((1,), 0, 0),), "UTC") is True


def test_r29_the_local_clock_decides() -> None:
    assert in_window(at("2026-07-01T04:30:00Z"), OFF_PEAK, BERLIN) is False  # 06:30
    assert in_window(at("2026-01-01T04:30:00Z"), OFF_PEAK, BERLIN) is True  # 05:30


@given(zone_and_second(), decimals, windows)
def test_r29_in_window_is_the_sentence(where: tuple[str, int], rest: Fraction, chosen: tuple[Window, ...]) -> None:
    name, second = where
    assert in_window(second + rest, chosen, name) is inside(second, chosen, name)


def test_r29_edges_of_a_day() -> None:
    start, stop = at("2026-02-17T00:00:00Z"), at("2026-02-18T00:00:00Z")
    assert window_edges(start, stop, OFF_PEAK, "UTC") == [
        at(f"2026-02-17T{hour}:00:00Z") for hour in ("06", "12", "13", "22")
    ]
    assert window_edges(at("2026-02-17T06:00:00Z"), at("2026-02-17T12:00:00Z"), OFF_PEAK, "UTC") == []
    assert window_edges(at("2026-02-17T05:59:59.9Z"), at("2026-02-17T12:00:00.1Z"), OFF_PEAK, "UTC") == [
        at("2026-02-17T06:00:00Z"),
        at("2026-02-17T12:00:00Z"),
    ]


def test_r29_edges_where_the_clock_jumps() -> None:
    small = (Window((0, 1, 2, 3, 4, 5, 6), 2 * HOUR, 3 * HOUR),)  # skipped in spring, twice in autumn
    assert window_edges(at("2026-03-28T12:00Z"), at("2026-03-29T12:00Z"), small, BERLIN) == []
    assert window_edges(at("2026-10-24T12:00Z"), at("2026-10-25T12:00Z"), small, BERLIN) == [
        at("2026-10-25T02:00:00+02:00"),
        at("2026-10-25T03:00:00+01:00"),
    ]
    late = (Window((6,), 2 * HOUR + 1800, 4 * HOUR),)
    assert window_edges(at("2026-03-28T12:00Z"), at("2026-03-29T12:00Z"), late, BERLIN) == [
        at("2026-03-29T03:00:00+02:00"),
        at("2026-03-29T04:00:00+02:00"),
    ]
    assert window_edges(at("2026-10-24T12:00Z"), at("2026-10-25T12:00Z"), late, BERLIN) == [
        at("2026-10-25T02:30:00+02:00"),
        at("2026-10-25T02:00:00+01:00"),
        at("2026-10-25T02:30:00+01:00"),
        at("2026-10-25T04:00:00+01:00"),
    ]


def test_r29_no_edges_where_nothing_changes() -> None:
    always = (Window((0, 1, 2, 3), 0, DAY), Window((4, 5, 6), 0, 0))
    far = at("2200-01-01T00:00:00Z")
    assert window_edges(0, far, always, BERLIN) == []
    assert window_edges(0, far, (), BERLIN) == []
    assert window_edges(0, far, (Window((), 0, HOUR),), BERLIN) == []
    assert window_edges(5, 5, OFF_PEAK, BERLIN) == []
    assert window_edges(10**9, 0, OFF_PEAK, BERLIN) == []
    assert not in_window(0, (), BERLIN)
    assert in_window(0, always, BERLIN)


@given(zone_and_second(), decimals, st.integers(0, 20 * DAY), decimals, windows)
@settings(deadline=None)
def test_r29_edges_are_where_in_window_changes(
    where: tuple[str, int], rest: Fraction, length: int, more: Fraction, chosen: tuple[Window, ...]
) -> None:
    name, second = where
    start = second - 2 * DAY + rest
    stop = start + length + more
    edges = window_edges(start, stop, chosen, name)
    assert edges == sorted(set(edges))
    assert all(start < edge < stop and edge.denominator == 1 for edge in edges)
    assert all(inside(int(edge) - 1, chosen, name) != inside(int(edge), chosen, name) for edge in edges)
    marks = [start, *edges, stop]
    for low, high in pairwise(marks):  # between two edges nothing changes
        state = in_window(low, chosen, name)
        for part in range(25):
            assert in_window(low + (high - low) * Fraction(part, 25), chosen, name) is state


def test_r29_the_edges_of_ten_years() -> None:
    edges = window_edges(at("2020-01-01T00:00Z"), at("2030-01-01T00:00Z"), OFF_PEAK, BERLIN)
    state = in_window(at("2020-01-01T00:00Z"), OFF_PEAK, BERLIN)
    for edge in edges:
        assert in_window(edge, OFF_PEAK, BERLIN) is not state
        state = not state
    assert len(edges) == 10436


@pytest.mark.parametrize(("days", "start", "stop"), [((7,), 0, 1), ((-1,), 0, 1), ((0,), DAY, 1), ((0,), 0, DAY + 1)])
def test_r29_a_window_has_bounds(days: tuple[int, ...], start: int, stop: int) -> None:
    with pytest.raises(ValueError, match=r"weekday|window"):
        Window(days, start, stop)


# --- far away --------------------------------------------------------------------------------------------------------

far = st.one_of(
    st.integers(-40 * DAY, 40 * DAY).map(lambda n: FIRST + n),
    st.integers(-400 * DAY, 400 * DAY).map(lambda n: END + n),
    st.sampled_from([10**30, -(10**30)]),
)


@given(far, decimals, zones, units, windows, st.integers(-(10**30), 10**30))
@settings(max_examples=200, deadline=None)
def test_far_away_nothing_but_a_value_error(
    second: int, rest: Fraction, name: str, unit: str, chosen: tuple[Window, ...], n: int
) -> None:
    instant = second + rest
    calls: list[Callable[[], object]] = [
        lambda: instant_text(second),
        lambda: local_clock(instant, name),
        lambda: period_start(instant, unit, name),
        lambda: period_stop(instant, unit, name),
        lambda: period_name(instant, unit, name),
        lambda: next_period(instant, unit, name),
        lambda: previous_period(instant, unit, name),
        lambda: month_seconds(instant, name),
        lambda: anchored_period(instant, 0, 1, name),
        lambda: anchored_period(0, instant, 5, name),
        lambda: anniversaries(instant, 1, instant, instant + 50 * DAY, name),
        lambda: add_months(date(9999, 12, 31), n, 31),
        lambda: add_duration(instant, 1, unit, name),
        lambda: add_duration(instant, -1, unit, name),
        lambda: add_duration(0, n, unit, name),
        lambda: in_window(instant, chosen, name),
        lambda: window_edges(instant - 10 * DAY, instant, chosen, name),
        lambda: window_edges(instant, instant + 10 * DAY, chosen, name),
        lambda: local_instant("0001-01-01", 0, name),
        lambda: local_instant("9999-12-31", DAY, name),
        lambda: start_of_day("0001-01-01", name),
        lambda: start_of_day("9999-12-31", name),
    ]
    for call in calls:
        try:
            call()
        except ValueError as error:
            assert str(error)  # noqa: PT017 - most calls do answer


def test_the_last_year_has_no_end_but_its_days_have() -> None:
    last = at("9999-12-30T12:00:00Z")
    assert period_stop(last, "day", "UTC") == at("9999-12-31T00:00:00Z")
    assert period_name(last, "year", "UTC") == "9999"
    assert period_name(FIRST, "week", "UTC") == "0001-W01"
    with pytest.raises(ValueError, match="years 0001 to 9999"):
        period_stop(last, "year", "UTC")

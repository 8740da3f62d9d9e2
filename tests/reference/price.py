"""What a described ruleset charges: fractions, one reading from top to bottom, nothing shared with the engine."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from math import floor
from zoneinfo import ZoneInfo

from reference import describe as d

UNITS = {
    "": 1,
    "percent": Fraction(1, 100),
    "token": 1,
    "character": 1,
    "request": 1,
    "GPU": 1,
    "millisecond": Fraction(1, 1000),
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "byte": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "USD": 1,
    "EUR": 1,
    "CNY": 1,
    "month": 1,
}
NOTHING = Fraction(0)


class Rejected(Exception):
    def __init__(self, code: str, name: str | None = None) -> None:
        super().__init__(code, name)
        self.code = code


@dataclass
class Charged:
    """One line of a charge; `row` is the row that gave its price, as described."""

    name: str
    quantity: Fraction
    amount: Fraction
    exact: Fraction
    row: d.Row | None


@dataclass
class Charge:
    id: str
    lines: list[Charged]

    @property
    def amount(self) -> Fraction:
        return sum((line.amount for line in self.lines), NOTHING)

    @property
    def exact(self) -> Fraction:
        return sum((line.exact for line in self.lines), NOTHING)


@dataclass
class Book:
    """What has been counted so far: once as charged and once as if nothing were rounded."""

    accounts: dict = field(default_factory=dict)
    signups: dict = field(default_factory=dict)
    charged: dict = field(default_factory=dict)
    exact: dict = field(default_factory=dict)


# --- time ---------------------------------------------------------------------------------------------------------


def instant(moment: date | datetime, zone: str) -> datetime:
    """A local day or time as an instant."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def end(moment: date | datetime, zone: str) -> datetime:
    """`until` includes a day and excludes a time of day."""
    return instant(moment if isinstance(moment, datetime) else moment + timedelta(days=1), zone)


def period(at: datetime, unit: str, zone: str) -> datetime:
    """The start of the calendar period an instant lies in, on the local clock."""
    local = at.astimezone(ZoneInfo(zone))
    if unit in ("minute", "hour"):  # a repeated hour is one of its own
        return local.replace(second=0, microsecond=0, **({"minute": 0} if unit == "hour" else {})).astimezone(UTC)
    first = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    if unit == "week":
        return first - timedelta(days=first.weekday())
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit)
    return first.replace(day=1, month=first.month - (first.month - 1) % months) if months else first


def anchored(at: datetime, signup: datetime, zone: str) -> datetime:
    """The start of the month that keeps the day of signup, or takes the last day of a shorter month."""
    day, first = (one.astimezone(ZoneInfo(zone)).date() for one in (at, signup))
    months = (day.year - first.year) * 12 + day.month - first.month
    starts = [months_later(first, months - back) for back in (0, 1)]
    return datetime.combine(next(start for start in starts if start <= day), time())


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def following(start: datetime, unit: str) -> datetime:
    """The start of the next period of a day or more."""
    days = {"day": 1, "week": 7, "quarter": 93, "year": 367}.get(unit, 32)
    later = start + timedelta(days=days)
    return later if days < 32 else later.replace(day=1)


def open_at(windows: tuple, at: datetime, zone: str) -> bool:
    """A window past midnight belongs to the weekday it starts on."""
    local = at.astimezone(ZoneInfo(zone))
    clock = Fraction(local.hour * 60 + local.minute) + Fraction(local.second * 10**6 + local.microsecond, 60 * 10**6)
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7
    return any(
        (today in days and start <= clock < stop)
        if start < stop
        else (today in days and clock >= start) or (yesterday in days and clock < stop)
        for days, start, stop in windows
    )


def rounded(value: Fraction, size: Fraction, mode: str) -> Fraction:
    """To a multiple of a size, mirrored around zero."""
    sign, parts = (-1 if value < 0 else 1), abs(value) / size
    low, half = floor(parts), Fraction(1, 2)
    up = {
        "up": parts > low,
        "down": False,
        "half up": parts - low >= half,
        "half down": parts - low > half,
        "half even": parts - low > half or (parts - low == half and low % 2 == 1),
    }[mode]
    return sign * (low + up) * size


# --- one record at one instant ------------------------------------------------------------------------------------


class Reading:
    def __init__(self, rules: d.Ruleset, usage: d.Usage, account: dict, signup: datetime | None, counts: dict) -> None:
        self.rules, self.usage, self.account, self.signup, self.counts = rules, usage, account, signup, counts
        self.at = datetime.min
        self.record: dict = {}
        self.results: dict[str, Fraction] = {}
        self.row_used: d.Row | None = None
        self.fields = {f.name: f for f in usage.fields} | {"requests": d.Field("requests", "number", "request")}
        if usage.resource:
            self.fields["duration"] = d.Field("duration", "number", "second")
        self.tables = {t.name: t for t in rules.tables}
        self.hours = {h.name: h for h in rules.hours}

    def factor(self, unit: str) -> Fraction:
        own = self.rules.units.get(unit)
        if own:
            return own.number * self.factor(own.unit)
        product = Fraction(1)
        for part in unit.split("-"):
            product *= UNITS.get(part, 1)
        return product

    # --- values

    def get(self, name: str):
        of = self.fields.get(name)
        if of is None:
            return self.attribute(name)
        return self.value(of.compute) if of.compute else self.record[name]

    def attribute(self, name: str):
        of = next(f for f in self.rules.account if f.name == name)
        if self.account.get(name) is None:
            if of.default is None and not of.optional:
                raise Rejected("missing-attribute", name)
            given = of.default
        else:
            given = self.account[name]
        return given if given is None or of.kind != "number" else number(given) * self.unit_of(of)

    def unit_of(self, of: d.Field) -> Fraction:
        return self.factor(of.unit) / (of.per[0] * self.factor(of.per[1]) if of.per else 1)

    def rest(self, whole: str) -> Fraction:
        """What is left of a whole; parts lie apart unless one is part of both."""
        parts = [f for f in self.usage.fields if whole in f.part_of]
        covered = sum((self.record[f.name] or NOTHING for f in parts), NOTHING)
        for f in self.usage.fields:
            within = sum(part.name in f.part_of for part in parts)
            covered -= (within - 1) * (self.record[f.name] or NOTHING) if within > 1 else 0
        return (self.record[whole] or NOTHING) - covered

    def value(self, of):
        match of:
            case d.Figure():
                return of.number * self.factor(of.unit)
            case d.Rate():
                lasting = of.month * 3600 if of.month else 1
                return of.price * self.factor(of.unit) / (of.per * self.factor(of.of) * lasting)
            case d.Get():
                return NOTHING if self.get(of.name) is None else self.get(of.name)
            case d.Rest():
                return self.rest(of.name)
            case d.Attribute():
                return self.attribute(of.name)
            case d.Cell():
                table = self.tables[of.table]
                return self.in_force(table, self.row(table), of.column)
            case d.Result():
                return self.results.get(of.label, NOTHING)
            case d.Add():
                return sum((sign * self.value(term) for sign, term in of.terms), NOTHING)
            case d.Times():
                return self.value(of.left) * self.value(of.right)
            case d.Over():
                return self.value(of.left) / self.value(of.right)
            case d.ShareOf():
                return self.value(of.of) * of.percent / 100

    # --- conditions

    def holds(self, of) -> bool:
        match of:
            case None:
                return True
            case d.Is():
                return self.get(of.of.name) in of.values
            case d.Like():
                return like(self.get(of.of.name), of.pattern)
            case d.Given():
                return self.get(of.of.name) is not None
            case d.Within():
                if isinstance(of.of, d.Get) and self.get(of.of.name) is None:
                    return False
                low, high = ((self.value(e[0]), e[1]) if e else None for e in (of.low, of.high))
                return between(self.value(of.of), low, high)
            case d.During():
                hours = self.hours[of.hours]
                return open_at(hours.windows, self.at, hours.zone or self.rules.zone)
            case d.Dates():
                zone = of.zone or self.rules.zone
                return (of.start is None or instant(of.start, zone) <= self.at) and (
                    of.until is None or self.at < end(of.until, zone)
                )
            case d.IsNot():
                return self.get(of.of.of.name) is not None and not self.holds(of.of)
            case d.Not():
                return not self.holds(of.of)
            case d.And():
                return all(self.holds(part) for part in of.of)
            case d.Or():
                return any(self.holds(part) for part in of.of)

    # --- tables

    def fits(self, key: str, part) -> bool:
        asked = self.get(key)
        match part:
            case d.Anything():
                return True
            case None:
                return False
            case d.Pattern():
                return like(asked, part.text)
            case d.Band():
                return asked is not None and between(asked, *self.edges(part))
            case d.Figure():
                return asked == self.value(part)
        return asked == part

    def edges(self, band: d.Band):
        return tuple((e[0] * self.factor(band.unit), e[1]) if e else None for e in (band.low, band.high))

    def rows(self, table: d.Table) -> list[d.Row]:
        """The rows that fit by all keys but the band of a tier; those with fewest `any` only."""
        keys = [n for n, key in enumerate(table.keys) if key != table.band]
        missing = next((table.keys[n] for n in keys if self.get(table.keys[n]) is None), None)
        if missing:
            raise Rejected("missing-field", missing)
        fit = [
            row for row in table.rows if all(any(self.fits(table.keys[n], part) for part in row.keys[n]) for n in keys)
        ]
        open_keys = [sum(isinstance(row.keys[n][0], d.Anything) for n in keys) for row in fit]
        return [row for row, number in zip(fit, open_keys, strict=True) if number == min(open_keys)]

    def row(self, table: d.Table) -> d.Row:
        fit = self.rows(table)
        if len(fit) != 1:
            raise Rejected("two-rows" if fit else "no-row", table.name)
        return fit[0]

    def layer_holds(self, layer: d.Layer) -> bool:
        signed_up = not layer.new_customers or (
            self.signup is not None and instant(layer.start, layer.zone or self.rules.zone) <= self.signup
        )
        return (
            signed_up
            and self.holds(d.Dates(layer.start, layer.until, layer.zone))
            and (layer.hours is None or self.holds(d.During(layer.hours)))
            and self.holds(layer.when)
        )

    def in_force(self, table: d.Table, row: d.Row, column: str):
        """The topmost layer that holds and names the cell gives it; no limit is None."""
        layers = sorted(table.layers, key=lambda one: rank(one, self.rules.zone), reverse=True)
        lying = [(layer, over) for layer in layers for over in layer.rows]
        if self.rules.overlay:
            lying = [(d.Layer(()), over) for over in self.rules.overlay.rows.get(table.name, ())] + lying
        stands = next(
            (
                over
                for layer, over in lying
                if same_row(over, row) and over.cells.get(column) is not None and self.layer_holds(layer)
            ),
            row,
        )
        value = stands.cells.get(column)
        self.row_used = stands
        kind = next(c for c in table.columns if c.name == column)
        match value:
            case None:
                raise Rejected("no-price-in-force", column)
            case "—":
                raise Rejected("not-offered", column)
            case "free":
                return NOTHING
            case "unlimited":
                return None
            case "custom":
                name = f"{table.name}.{column}"
                if self.account.get(name) is None:
                    raise Rejected("missing-attribute", name)
                own = number(self.account[name])
                if kind.kind == "rate":
                    return self.value(d.Rate(own, kind.unit, kind.per, kind.of))
                return self.value(d.Figure(own, kind.unit))
            case d.SameAs():
                got = self.in_force(table, row, value.column) * value.percent / 100
                self.row_used = stands
                return got
        return self.value(value)

    # --- steps

    def running(self, step, key: tuple, value: Fraction) -> tuple[Fraction, Fraction]:
        """The period's running total before and after this record."""
        if step.each is None:
            return NOTHING, value
        key = (*key, self.since(step.each), *(self.get(name) for name in step.each.apart))
        before = self.counts.get(key, NOTHING)
        self.counts[key] = before + value
        return before, before + value

    def since(self, each: d.Each) -> datetime:
        if each.unit == "bill" and self.rules.bill == "month from signup" and self.signup:
            return anchored(self.at, self.signup, each.zone or self.rules.zone)
        if each.unit == "bill":
            return period(self.at, self.rules.bill.split()[0], each.zone or self.rules.zone)
        return period(self.at, each.unit, each.zone or self.rules.zone)

    def step(self, step, key: tuple, value: Fraction) -> Fraction:
        match step:
            case d.At():
                rate = next(rate for when, rate in step.cases if self.holds(when))
                if rate is None:
                    raise Rejected("not-offered")
                return value * self.value(rate)
            case d.Adjust():
                by = self.value(step.by)
                return value + step.sign * (value * by if step.share else by)
            case d.Rounded():
                return rounded(value, step.size, step.mode)
            case d.Beyond():
                return value - self.covered(next(a for a in self.rules.allowances if a.name == step.allowance), value)
            case d.Tiers():
                total = self.graduated if step.graduated else self.volume
            case d.AtMost():
                bound = self.value(step.bound)
                total = lambda left: left if bound is None else min(left, bound)  # noqa: E731
            case d.AtLeast() if step.each:
                self.running(step, ("at least", *key), value)
                return value
            case d.AtLeast():
                return max(value, self.value(step.bound))
            case d.InSteps() | d.InPackages():
                size = self.value(step.size)
                share = 1 if isinstance(step, d.InPackages) else size
                total = lambda left: ceil(left / size) * share  # noqa: E731
        before, after = self.running(step, key, value)
        if isinstance(step, d.Tiers):
            bands = self.bands(step)
            earlier = total(bands, before)
            return total(bands, after) - earlier
        return total(after) - total(before)

    def bands(self, step: d.Tiers) -> list[tuple]:
        """(low, high, what gives the rate, what gives the flat amount) for each band, lowest first."""
        if isinstance(step.bands[0], str):
            table, rate, flat = self.tables[step.bands[0]], step.bands[1], step.bands[2]
            at = table.keys.index(table.band)
            found = []
            for row in self.rows(table):
                low, high = self.edges(row.keys[at][0])
                found.append((low, high, (table, row, rate), (table, row, flat)))
            return sorted(found, key=lambda band: band[0][0] if band[0] else -1)
        return [(*self.edges(tier.band), tier.rate, tier.flat) for tier in step.bands]

    def of_band(self, what) -> Fraction:
        if what is None or (isinstance(what, tuple) and what[2] is None):
            return NOTHING
        return self.in_force(*what) if isinstance(what, tuple) else self.value(what)

    def graduated(self, bands: list[tuple], total: Fraction) -> Fraction:
        amount = NOTHING
        for low, high, rate, flat in bands:
            bottom = low[0] if low else NOTHING
            inside = min(total, high[0]) - bottom if high else total - bottom
            if inside > 0:
                amount += self.of_band(flat) + inside * self.of_band(rate)  # the rate last: its row is shown
        return amount

    def volume(self, bands: list[tuple], total: Fraction) -> Fraction:
        for low, high, rate, flat in bands:
            if total > 0 and between(total, low, high):
                return self.of_band(flat) + total * self.of_band(rate)
        return NOTHING

    def covered(self, of: d.Allowance, value: Fraction) -> Fraction:
        """What an allowance takes over: units kept from earlier periods first, the oldest before the newer."""
        size, now = self.value(of.size), self.since(of.each)
        if size is None:
            return value
        key = ("allowance", of.name, *(self.get(name) for name in of.each.apart))
        began = self.signup or self.counts.get("first")
        first = min(now, period(began, of.each.unit, self.rules.zone)) if began else now
        since, lots = self.counts.get(key, (first, [size]))  # what is left, the period's own units last
        while since < now:
            kept, lots = (lots[-of.kept :] if of.kept else []), []
            spare = self.value(of.kept_at_most) if of.kept_at_most else sum(kept)
            for units in reversed(kept):
                lots.insert(0, min(units, spare))
                spare -= lots[0]
            since, lots = following(since, of.each.unit), [*lots, size]
        asked, left = value, []
        for units in lots:
            left.append(units - min(units, asked))
            asked -= units - left[-1]
        self.counts[key] = (since, left)
        return value - asked

    # --- what runs over time

    def pieces(self, of: d.Line) -> list[tuple[datetime, Fraction]]:
        """The instants at which a run is priced, each with the time it stands for: hours begun, or elapsed time.

        Elapsed time is cut at every half hour, because nothing described changes in between.
        """
        if of.every:
            found, at = [(self.at, Fraction(1))], self.at
            while (at := self.later(len(found), of.every)) < self.stopped:
                found.append((at, Fraction(1)))
            return found
        found, at, stopped = [], self.at, self.moved_end(of)
        while at < stopped:
            half = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0) + timedelta(minutes=30)
            stop = min(half, stopped)
            lasted = Fraction((stop - at) // timedelta(microseconds=1), 10**6)
            if of.by == "month":
                first = period(at, "month", self.rules.zone)
                length = instant(following(first, "month"), self.rules.zone) - instant(first, self.rules.zone)
                lasted /= length // timedelta(seconds=1)
            found.append((at, lasted))
            at = stop
        return found

    def later(self, count: int, unit: str) -> datetime:
        """So many minutes, hours or days after the start; days keep the local clock time."""
        if unit != "day":
            return self.at + timedelta(minutes=count * (60 if unit == "hour" else 1))
        return instant(
            self.at.astimezone(ZoneInfo(self.rules.zone)).replace(tzinfo=None) + timedelta(count), self.rules.zone
        )

    def moved_end(self, line: d.Line) -> datetime:
        """Steps of time above the price move the end of the run."""
        length = Fraction((self.stopped - self.at) // timedelta(microseconds=1), 10**6)
        for step in line.steps[: self.priced_at(line)]:
            if length and self.holds(step.when):
                length = self.step(step, (), length)
        return self.at + timedelta(microseconds=int(length * 10**6))

    def priced_at(self, line: d.Line) -> int:
        return next(n for n, step in enumerate(line.steps) if isinstance(step, d.At | d.Tiers))

    def run(self, line: d.Line) -> list[list]:
        """What a run is charged above the steps that follow its price: each piece priced at its own beginning."""
        found: list[list] = []
        started = self.at
        for at, lasted in self.pieces(line):
            self.at, self.row_used = at, None
            of = amount = self.value(line.of) * self.each_start(line)
            if of and not line.every:
                amount = self.step(line.steps[self.priced_at(line)], (), of)
            if not found or found[-1][2] is not self.row_used:
                found.append([NOTHING, NOTHING, self.row_used])
            found[-1][0] += lasted if line.every else lasted * of
            found[-1][1] += lasted * amount
        self.at = started
        return found

    # --- lines

    def line(self, line: d.Line, rounding: bool) -> list[list]:
        """[quantity as billed, amount, row that gave the price], for a run once for each row in turn."""
        steps = list(line.steps) + ([self.rules.round_line] if self.rules.round_line and line.charged else [])
        if self.usage.resource:
            parts = self.run(line)
            steps = steps if line.every else steps[self.priced_at(line) + 1 :]
        else:
            of = self.value(line.of)
            parts = [[of, of, None]]
        unpriced = any(isinstance(step, d.At | d.Tiers) for step in steps)
        for n, step in enumerate(steps):
            if not self.holds(step.when) or (isinstance(step, d.Rounded) and not rounding):
                continue
            prices = isinstance(step, d.At | d.Tiers)
            if prices:
                parts[0][0], unpriced, self.row_used = parts[0][1], False, None
            each = isinstance(step, d.Adjust) and step.share  # a share of all is that share of each part
            for some in [[part] for part in parts] if each else [parts]:
                total = sum(part[1] for part in some)
                if total:  # nothing stays nothing
                    some[-1][1] += self.step(step, (self.price, line.label, n), total) - total
            if prices:
                parts[0][2] = self.row_used
        self.results[line.label] = sum(part[1] for part in parts)
        shown = self.shown_in(line)
        return [[NOTHING if unpriced else quantity / shown, amount, row] for quantity, amount, row in parts]

    def each_start(self, line: d.Line) -> int:
        """What a price per time is multiplied with where it is charged for each hour (minute, day) begun."""
        columns = self.tables[line.of.table].columns if line.every and isinstance(line.of, d.Cell) else ()
        return UNITS[line.every] if any(c.kind == "rate" for c in columns if c.name == line.of.column) else 1

    def shown_in(self, line: d.Line) -> Fraction:
        """The unit in which a line's quantity is shown: packages, or that of the field it begins with."""
        if line.every or any(isinstance(step, d.InPackages) for step in line.steps):
            return Fraction(1)
        if line.by and line.of != d.Get("duration"):  # the unit of the first rate that is written, or hours or months
            written = [rate for _, rate in line.steps[self.priced_at(line)].cases if isinstance(rate, d.Rate)]
            if written:
                return self.factor(written[0].of) * (written[0].month * 3600 if written[0].month else 1)
            return self.value_unit(d.Get("size")) * (3600 if line.by == "second" else 1)
        return self.value_unit(line.of)

    def value_unit(self, of) -> Fraction:
        if isinstance(of, d.Times):
            return self.value_unit(of.left) * self.value_unit(of.right)
        return self.factor(self.fields[of.name].unit) if isinstance(of, d.Get | d.Rest) else Fraction(1)


def number(given) -> Fraction:
    return given if isinstance(given, Fraction) else Fraction(Decimal(str(given)))


def like(text, pattern: str) -> bool:
    return text is not None and re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def between(value: Fraction, low, high) -> bool:
    above = low is None or value > low[0] or (low[1] and value == low[0])
    return above and (high is None or value < high[0] or (high[1] and value == high[0]))


def same_row(over: d.Row, row: d.Row) -> bool:
    """A layer's row that names any one key of a row means that row."""
    return all(any(part in parts for part in named) for named, parts in zip(over.keys, row.keys, strict=True))


def rank(layer: d.Layer, zone: str) -> tuple:
    offer = layer.until is not None or layer.further_notice
    kind = 4 if layer.when else 3 if layer.hours else 2 if offer else 1
    return kind, instant(layer.start, layer.zone or zone) if layer.start else datetime.min.replace(tzinfo=UTC)


# --- records ------------------------------------------------------------------------------------------------------


def read(usage: d.Usage, record: dict, factor) -> dict:
    """The fields of a record in base units, as they are priced."""
    taken, texts = {"requests": Fraction(1), "duration": Fraction(1)}, {f.counts[0] for f in usage.fields if f.counts}
    for name in record.keys() - {"id", "type", "at", "account", "started", "stopped"} - texts:
        if all(f.name != name or f.compute for f in usage.fields):
            raise Rejected("unknown-field", name)
    for f in usage.fields:
        if f.compute:
            continue
        given = record.get(f.name)
        if given is None and f.counts and record.get(f.counts[0]) is not None:
            text = unicodedata.normalize("NFC", record[f.counts[0]])
            given = len(text if f.counts[1] else "".join(text.split()))
        if given is None:
            if f.default is None and not f.optional:
                raise Rejected("missing-field", f.name)
            given = f.default
        elif f.kind == "number":
            if isinstance(given, bool | list):
                raise Rejected("wrong-type", f.name)
            if not re.fullmatch(r"-?\d+(\.\d+)?", str(given)):
                raise Rejected("not-a-number", f.name)
            checked = number(given)
            if abs(checked) >= 10**30:
                raise Rejected("too-large", f.name)
            if checked < 0:
                raise Rejected("negative", f.name)
            if f.unit in ("token", "character", "request") and checked.denominator != 1:
                raise Rejected("not-whole", f.name)
        elif not isinstance(given, bool if f.kind == "truth" else str):
            raise Rejected("wrong-type", f.name)
        elif f.kind == "choice" and given not in f.choices:
            raise Rejected("unknown-value", f.name)
        taken[f.name] = number(given) * factor(f.unit) if f.kind == "number" and given is not None else given
    return taken


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise Rejected("bad-time", "at")
    return at.astimezone(UTC)


def taken(rules: d.Ruleset, record: dict) -> tuple[d.Usage, datetime, dict]:
    """A record as it is taken in: its usage, its instant, its fields; or why it is not."""
    usage = next((u for u in rules.usages if u.name == record["type"]), None)
    if usage is None:
        raise Rejected("unknown-type", "type")
    reading = Reading(rules, usage, {}, None, {})
    reading.record = read(usage, record, reading.factor)
    for whole in usage.fields:
        if any(whole.name in f.part_of for f in usage.fields) and reading.rest(whole.name) < 0:
            raise Rejected("part-exceeds-whole", whole.name)
    return usage, moment(record["started" if usage.resource else "at"]), reading.record


def charge(rules: d.Ruleset, record: dict, book: Book) -> Charge:
    """What one record is charged; what it counts stands in the book afterwards, if it is charged at all."""
    usage, at, values = taken(rules, record)
    account = record.get("account", "")
    kept = []
    for counts, rounding in ((book.charged, True), (book.exact, False)):
        own = dict(counts.get(account, {}))
        reading = Reading(rules, usage, book.accounts.get(account, {}), book.signups.get(account), own)
        reading.at, reading.record = at, values
        reading.stopped = moment(record["stopped"]) if usage.resource else None
        kept.append((counts, own, lines(reading, rounding)))
    for counts, own, _ in kept:
        own.setdefault("first", at)
        counts[account] = own
    (_, _, charged), (_, _, exact) = kept
    found = []
    for (name, quantity, amount, row), (_, _, before, _) in zip(charged, exact, strict=True):
        if quantity or amount or before:
            found.append(Charged(name, Fraction(1) if quantity is None else quantity, amount, before, row))
    return Charge(record["id"], found)


def lines(reading: Reading, rounding: bool) -> list[tuple]:
    rules, usage = reading.rules, reading.usage
    held = [(n, p) for n, p in enumerate(rules.prices) if p.usage == usage.name and reading.holds(p.when)]
    if not held:
        raise Rejected("no-price", "type")
    reading.price, price = held[0]
    found = []
    for line in price.lines:
        if not line.reason and reading.holds(line.when):
            parts = reading.line(line, rounding)
            if line.charged:
                found += [(line.label, *part) for part in parts]
    total = sum((amount for _, _, amount, _ in found), NOTHING)
    after = [*price.together, *([rules.round_charge] if rules.round_charge else [])]
    for n, step in enumerate(after):
        before = total
        if total and reading.holds(step.when) and (rounding or not isinstance(step, d.Rounded)):
            total = reading.step(step, (reading.price, "together", n), total)
        found.append((step_name(step), None, total - before, None))
    return found


def step_name(step) -> str:
    names = {d.AtLeast: "minimum", d.AtMost: "maximum", d.Rounded: "rounding"}
    return getattr(step, "name", None) or names.get(type(step)) or ("discount" if step.sign < 0 else "surcharge")


def counts_over_time(rules: d.Ruleset) -> bool:
    """Whether any line's price depends on the records before."""
    lines = [line for price in rules.prices for line in price.lines]
    lines += list(rules.overlay.lines.values()) if rules.overlay else []
    steps = [step for line in lines for step in line.steps] + [s for price in rules.prices for s in price.together]
    return any(isinstance(step, d.Beyond) or getattr(step, "each", None) for step in steps)


def charge_all(rules: d.Ruleset, records: list[dict], book: Book) -> list[Charge | Rejected]:
    """Charges in the order given; what is counted is counted in the order of `at`, then `id`.

    Only a record that is charged uses up its id.
    """
    seen: dict[str, dict] = {}
    found: dict[int, Charge | Rejected] = {}
    waiting = []
    for n, record in enumerate(records):
        try:
            _, at, _ = taken(rules, record)
            waiting.append((at, record["id"], n))
        except Rejected as rejected:
            found[n] = rejected
    for _, _, n in sorted(waiting) if counts_over_time(rules) else waiting:
        id = records[n]["id"]
        try:
            if id in seen:
                raise Rejected("duplicate" if seen[id] == records[n] else "id-conflict", "id")
            found[n] = charge(rules, records[n], book)
            seen[id] = records[n]
        except Rejected as rejected:
            found[n] = rejected
    return [found[n] for n in range(len(records))]


def true_ups(rules: d.Ruleset, book: Book) -> list[Charge]:
    """What minimums of a period still ask for when the stream has ended, in order of their ids."""
    found = [
        true_up(rules, book, account, key)
        for account, charged in book.charged.items()
        for key in charged | book.exact[account]
        if key[0] == "at least"
    ]
    return sorted((one for one in found if one.lines), key=lambda one: one.id)


def true_up(rules: d.Ruleset, book: Book, account: str, key: tuple) -> Charge:
    """What one minimum asks for: the steps below it lie on it too, and the header's rounding."""
    _, n, label, at, since, *apart = key
    price = rules.prices[n]
    steps = next((one.steps for one in price.lines if one.label == label), price.together)
    if rules.round_line and label != "together":
        steps = (*steps, rules.round_line)
    usage = next(one for one in rules.usages if one.name == price.usage)
    reading = Reading(rules, usage, book.accounts.get(account, {}), book.signups.get(account), {})
    bound = reading.value(steps[at].bound)
    if steps[at].prorated and reading.signup:
        bound *= since_signup(since, steps[at].each, reading.signup, rules.zone)
    short = []
    for counts, rounding in ((book.charged[account], True), (book.exact[account], False)):
        left = max(bound - counts.get(key, NOTHING), NOTHING)
        for step in steps[at + 1 :]:
            if left and (rounding or not isinstance(step, d.Rounded)):
                left = reading.step(step, (), left)
        short.append(left)
    lines = [Charged("true-up", Fraction(1), *short, None)]
    if rules.round_charge:
        change = rounded(short[0], rules.round_charge.size, rules.round_charge.mode) - short[0]
        lines.append(Charged("rounding", Fraction(1), change, NOTHING, None))
    unit = steps[at].each.unit
    if unit == "bill":
        unit = "day" if rules.bill == "month from signup" and reading.signup else rules.bill.split()[0]
    name = "/".join([account, period_name(since, unit), label, *map(said, apart)])
    return Charge(name, [line for line in lines if line.amount or line.exact])


def since_signup(start: datetime, each: d.Each, signup: datetime, zone: str) -> Fraction:
    """The share of a period's days from the day of signup on."""
    stop = following(start, each.unit)
    day = period(signup, "day", each.zone or zone)
    return Fraction(max((stop - max(start, day)).days, 0), (stop - start).days)


def period_name(since: datetime, unit: str) -> str:
    return {
        "day": f"{since:%Y-%m-%d}",
        "week": f"{since:%G-W%V}",
        "quarter": f"{since:%Y}-Q{(since.month + 2) // 3}",
        "year": f"{since:%Y}",
    }.get(unit, f"{since:%Y-%m}")


def said(value) -> str:
    return {True: "yes", False: "no"}.get(value, value)


def merged(rules: d.Ruleset) -> d.Ruleset:
    """A ruleset with the new rows and the lines of what is based on it; cells it names are looked up first."""
    over = rules.overlay
    if over is None:
        return rules
    tables = tuple(replace(t, rows=(*t.rows, *over.new_rows.get(t.name, ()))) for t in rules.tables)
    prices = tuple(
        replace(p, lines=tuple(over.lines.get((p.usage, line.label), line) for line in p.lines)) for p in rules.prices
    )
    return replace(rules, tables=tables, prices=prices)

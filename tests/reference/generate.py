"""Random rulesets that check clean, and records for them: typed, from a plain seed, with both sides of every edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import is_dataclass
from dataclasses import replace
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from random import Random

from reference import describe as d
from reference.price import UNITS
from reference.price import end
from reference.price import instant
from reference.price import same_row
from reference.write import decimal

ZONES = ("UTC", "UTC", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Asia/Shanghai")
NAMES = ("small-1", "large-1", "llama-3.3-70b", "GPT 4o", "qwen_2", "mix-8x7b", "Nova.pro", "tiny", "vision-2")
TIERS = ("standard", "batch", "flex", "priority")
REGIONS = ("us", "eu", "asia", "me-1")
PERIODS = ("minute", "hour", "day", "week", "month", "month", "month", "quarter", "year", "bill")
MODES = ("half up", "half down", "half even", "up", "down")
PER = {
    "token": ((10**6, "token"), (10**6, "token"), (1000, "token"), (1, "token")),
    "character": ((10**6, "character"), (1000, "character")),
    "request": ((1, "request"), (1000, "request")),
    "second": ((1, "minute"), (1, "hour"), (1, "second"), (15, "minute")),
    "minute": ((1, "minute"), (1, "hour")),
    "millisecond": ((100, "millisecond"), (1, "second")),
    "GB": ((1, "GB"), (1, "TB"), (1, "GiB"), (100, "MB")),
    "page": ((1, "page"), (100, "page"), (1, "dozen")),
    "image": ((1, "image"), (1000, "image")),
    "GB-second": ((1, "GB-second"), (1, "GB-hour")),
    "package": ((1, "package"),),
    "credit": ((1, "credit"),),
}
WHOLE = ("token", "character", "request")


def days(text: str) -> date:
    return date.fromisoformat(text)


@dataclass
class Case:
    """One ruleset with its records; `stream` where they share what is counted."""

    rules: d.Ruleset
    records: list[dict]
    accounts: dict[str, dict]
    signups: dict[str, datetime]
    stream: bool


def nodes(of) -> Iterator:
    """Everything a description is made of."""
    if is_dataclass(of):
        yield of
        for one in fields(of):
            yield from nodes(getattr(of, one.name))
    elif isinstance(of, list | tuple):
        for one in of:
            yield from nodes(one)
    elif isinstance(of, dict):
        for one in of.values():
            yield from nodes(one)


class Generator:
    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.year = self.rng.choice((2026, 2026, 2024, 2018))
        self.hours: list[d.Hours] = []
        self.tables: list[d.Table] = []
        self.account: list[d.Field] = []
        self.allowances: list[d.Allowance] = []
        self.units: dict[str, d.Figure | None] = {}
        self.fields: list[d.Field] = []
        self.keeping = self.chance(0.05)  # one allowance that keeps, and records in period after period

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, of):
        return self.rng.choice(of)

    # --- figures

    def price(self, low: int = 1, high: int = 999) -> Fraction:
        return Fraction(self.rng.randint(low, high), 10 ** self.rng.randint(0, 4 if self.chance(0.95) else 12))

    def percent(self) -> Fraction:
        return self.pick([Fraction(self.rng.randint(1, 60)), Fraction(self.rng.randint(1, 999), 10)])

    def count(self, unit: str) -> Fraction:
        """A size or an edge in a unit: round ones mostly."""
        if unit in ("token", "character"):
            return Fraction(self.pick([100, 1000, 1500, 10_000, 200_000, 10**6, self.rng.randint(1, 5000)]))
        if unit in ("GB", "GB-second"):
            return self.pick([Fraction(self.rng.randint(1, 500)), Fraction(self.rng.randint(1, 99), 4)])
        if unit in ("second", "millisecond"):
            return Fraction(self.pick([1, 6, 10, 30, 60, 90, 600, 3600, self.rng.randint(1, 9999)]))
        return Fraction(self.pick([1, 2, 3, 5, 10, 12, 100, 1000, self.rng.randint(1, 400)]))

    def rate(self, unit: str) -> d.Rate:
        per, of = self.pick(PER[unit])
        return d.Rate(self.price(), self.currency, Fraction(per), of)

    def money(self, low: int = 1, high: int = 500) -> d.Figure:
        return d.Figure(Fraction(self.rng.randint(low, high), self.pick([1, 10, 100])), self.currency)

    def moment(self) -> date | datetime:
        day = days(f"{self.year}-01-01") + timedelta(days=self.rng.randint(0, 360))
        if self.chance(0.4):
            day = day.replace(day=1)
        if self.chance(0.2):
            return datetime(day.year, day.month, day.day, self.rng.randint(0, 23), self.pick([0, 30]))
        return day

    # --- conditions

    def cond(self, deep: int = 0, only: str = "") -> object:
        """One condition; `only` names what it may ask: "record", or everything."""
        ways = []
        for f in self.fields:
            if f.compute or f.counts:
                continue
            if f.kind in ("choice", "truth"):
                ways += [lambda f=f: d.Is(d.Get(f.name), self.values(f))] * 3
            elif f.kind == "text":
                ways += [
                    lambda f=f: d.Is(d.Get(f.name), tuple(self.rng.sample(self.known(f.name), self.pick([1, 1, 2]))))
                ]
                ways += [lambda f=f: d.Like(d.Get(f.name), self.pick(["*-1", "l*", "*a*", "GPT*"]))] * (
                    f.name != "region"
                )
            elif f.kind == "date":
                ways += [lambda f=f: d.Is(d.Get(f.name), ("2026-05-01",))]
            elif f.kind == "number" and f.unit and f.unit != self.currency:
                ways += [lambda f=f: self.within(d.Get(f.name), f.unit)]
            if f.optional:
                ways += [lambda f=f: d.Given(d.Get(f.name))] * 2
        for f in self.account if not only else ():
            if f.kind in ("choice", "truth"):
                ways += [lambda f=f: d.Is(d.Attribute(f.name), self.values(f))]
            if f.optional:
                ways += [lambda f=f: d.Given(d.Attribute(f.name))]
        if self.hours and not only:
            ways += [lambda: d.During(self.pick(self.hours).name)]
        if not only:
            ways += [self.dates]
        if deep < 2 and self.chance(0.3):
            parts = (self.cond(deep + 1, only), self.cond(deep + 1, only))
            return self.pick([d.And, d.Or])(parts)
        found = self.pick(ways)()
        if isinstance(found, d.Is | d.Like) and self.chance(0.15):
            return d.IsNot(found)
        return d.Not(found) if self.chance(0.15) and not isinstance(found, d.Dates) else found

    def values(self, f: d.Field) -> tuple:
        if f.kind == "truth":
            return (self.pick([True, False]),)
        return tuple(self.rng.sample(f.choices, self.pick([1, 1, 2]) if len(f.choices) > 2 else 1))

    def within(self, of, unit: str) -> d.Within:
        low = self.count(unit)
        high = low + self.count(unit)
        edges = (d.Figure(low, unit), self.chance(0.5)), (d.Figure(high, unit), self.chance(0.5))
        kind = self.rng.randrange(3)
        if kind == 2 and not edges[0][1]:
            edges = edges[0], (edges[1][0], True)  # `above A up to B`
        return d.Within(of, None if kind == 0 else edges[0], None if kind == 1 else edges[1])

    def dates(self) -> d.Dates:
        start = self.moment()
        until = days(f"{self.year}-01-01") + timedelta(days=self.rng.randint(361, 500))
        zone = self.pick(ZONES) if self.chance(0.2) else None
        return self.pick([d.Dates(start, None, zone), d.Dates(None, start, zone), d.Dates(start, until, zone)])

    def known(self, name: str) -> tuple[str, ...]:
        return REGIONS if name == "region" else NAMES

    # --- fields

    def make_fields(self) -> list[tuple[object, str]]:
        """Declares the fields of a usage; answers with what is to be charged, each with its unit."""
        rng, charged = self.rng, []
        add = self.fields.append
        add(d.Field("model", "text"))
        if self.chance(0.5):
            default = self.pick([None, "standard"])
            add(d.Field("service_tier", "choice", choices=TIERS[: rng.randint(2, 4)], default=default))
        if self.chance(0.4):
            add(d.Field("region", "text", optional=self.chance(0.3)))
        if self.chance(0.35):
            add(d.Field("cached_prompt", "truth", default=self.pick([None, False])))
        if self.chance(0.3):
            add(d.Field("note", "text", optional=True))
        if self.chance(0.1):
            add(d.Field("day_of_order", "date", optional=self.chance(0.5)))
        kinds = ["tokens", "time", "size", "pages", "scaled", "text", "compute", "money"]
        kinds = rng.sample(kinds, rng.randint(1, 3))
        if "tokens" not in kinds and self.chance(0.5):
            kinds.append("tokens")
        if self.keeping:
            kinds = ["pages"]
        for kind in kinds:
            charged += getattr(self, f"fields_{kind}")()
        if self.chance(0.35):
            charged.append((d.Get("requests"), "request"))
        return charged

    def fields_tokens(self) -> list:
        shape = self.pick(["flat", "part", "two", "chain", "both", "pair"])
        whole = d.Field("input_tokens", "number", "token")
        part = d.Field("cached_tokens", "number", "token", part_of=("input_tokens",), default=Fraction(0))
        audio = d.Field("audio_tokens", "number", "token", part_of=("input_tokens",), optional=self.chance(0.5))
        if not audio.optional:
            audio = replace(audio, default=Fraction(0))
        inner = {"chain": ("cached_tokens",), "both": ("cached_tokens", "audio_tokens")}
        mixed = d.Field("mixed_tokens", "number", "token", part_of=inner.get(shape, ()), default=Fraction(0))
        output = d.Field("output_tokens", "number", "token")
        found = {
            "flat": [whole],
            "pair": [whole, output],
            "part": [whole, part],
            "two": [whole, part, audio],
            "chain": [whole, part, mixed],
            "both": [whole, part, audio, mixed],
        }[shape]
        self.fields += found
        wholes = {name for f in found for name in f.part_of}
        return [((d.Rest if f.name in wholes else d.Get)(f.name), "token") for f in found]

    def fields_time(self) -> list:
        unit = self.pick(["second", "second", "minute", "millisecond"])
        self.fields.append(d.Field("duration", "number", unit))
        return [(d.Get("duration"), unit)]

    def fields_size(self) -> list:
        self.fields.append(d.Field("stored", "number", "GB", optional=self.chance(0.3)))
        return [(d.Get("stored"), "GB")]

    def fields_pages(self) -> list:
        self.units.setdefault("page", None)
        self.units.setdefault("dozen", d.Figure(Fraction(12), "page"))
        self.fields.append(d.Field("pages", "number", "page"))
        return [(d.Get("pages"), "page")]

    def fields_scaled(self) -> list:
        self.units.setdefault("image", None)
        self.fields.append(d.Field("images", "number", "image"))
        self.fields.append(d.Field("scale", "number", default=Fraction(1)))
        return [(d.Times(d.Get("images"), d.Get("scale")), "image")]

    def fields_text(self) -> list:
        self.fields.append(d.Field("letters", "number", "character", counts=("prompt", self.chance(0.5))))
        return [(d.Get("letters"), "character")]

    def fields_compute(self) -> list:
        self.fields.append(d.Field("memory", "number", "GB"))
        self.fields.append(d.Field("run_time", "number", "second"))
        of = d.Times(d.Get("memory"), d.Get("run_time"))
        if self.chance(0.3):
            more = d.Figure(self.count("second"), "second")
            of = d.Times(d.Get("memory"), d.Add(((1, d.Get("run_time")), (1, more))))
        elif self.chance(0.3):
            of = d.Over(of, d.Figure(Fraction(self.pick([2, 3, 7]))))
        self.fields.append(d.Field("compute", "number", "GB-second", compute=of))
        return [(d.Get("compute"), "GB-second")]

    def fields_money(self) -> list:
        self.fields.append(d.Field("amount", "number", self.currency))
        return [(d.Get("amount"), self.currency)]

    def make_account(self) -> None:
        if self.chance(0.45):
            default = self.pick([None, "Free"])
            self.account.append(d.Field("plan", "choice", choices=("Free", "Pro", "Max"), default=default))
        if self.chance(0.2):
            self.account.append(d.Field("partner", "truth", default=False))
        if self.chance(0.2):
            self.account.append(
                d.Field("floor", "number", self.currency, default=Fraction(self.rng.randint(1, 50), 10))
            )
        if self.chance(0.15):
            self.account.append(d.Field("own_rate", "number", self.currency, per=(Fraction(1000), "token")))
        if self.chance(0.15):
            self.account.append(d.Field("discount", "number", "percent", default=Fraction(self.rng.randint(1, 50))))

    def make_hours(self) -> None:
        for name in ("off_peak", "night")[: self.pick([0, 0, 1, 1, 2])]:
            windows = []
            start = self.rng.randint(0, 23) * 60 + self.pick([0, 30])
            stop = (start + self.rng.randint(1, 20) * 30) % 1440 or 1440
            windows.append((self.pick([(0, 1, 2, 3, 4), tuple(range(7)), (0, 2, 4), (4,)]), start, stop))
            if self.chance(0.4) and windows[0][0] == (0, 1, 2, 3, 4) and start < stop:
                windows.append(((5, 6), 0, 1440))
            self.hours.append(d.Hours(name, self.pick([None, None, "UTC", "Europe/Berlin"]), tuple(windows)))

    # --- tables

    def bands(self, unit: str, most: int = 3) -> list[d.Band]:
        """Bands that meet, from nothing up; the last is open."""
        edges = sorted({self.count(unit) for _ in range(self.rng.randint(1, most))})
        kinds = [self.chance(0.8) for _ in edges]  # `up to` includes its edge, `below` does not
        found, low = [], None
        for edge, included in zip(edges, kinds, strict=True):
            found.append(d.Band(low, (edge, included), unit))
            low = (edge, not included)
        return [*found, d.Band(low, None, unit)]

    def key_rows(self, key: str, most: int) -> list[tuple]:
        """The key cells of one key column: each row's alternatives."""
        f = next((f for f in [*self.fields, *self.account] if f.name == key), None)
        if f.kind == "choice":
            return [(choice,) for choice in f.choices]
        if f.kind == "truth":
            return [(True,), (False,)]
        if f.kind == "number":
            return [(band,) for band in self.bands(f.unit, 2)]
        names = list(self.rng.sample(self.known(key), self.rng.randint(1, most)))
        found = []
        while names:
            found.append(tuple(names.pop() for _ in range(min(len(names), self.pick([1, 1, 1, 2])))))
        if self.chance(0.25):
            found.append((d.Pattern(self.pick(["claude-*", "*-instruct", "c*-v2"])),))
            if self.chance(0.3):
                found.append((d.Pattern("*-v2"),))
        if self.chance(0.2):
            found.append((d.Anything(),))
        return found

    def make_table(self, name: str, columns: list[d.Column], keys: list[str] | None = None) -> d.Table:
        if keys is None:
            able = [f.name for f in self.fields if f.kind in ("choice", "truth") or f.name == "region"]
            able += [f.name for f in self.account if f.kind == "choice"]
            able += [
                f.name
                for f in self.fields
                if f.kind == "number" and not f.compute and not f.counts and not f.optional and f.unit != self.currency
            ]
            keys = ["model"] if self.chance(0.7) or not able else []
            if able and (not keys or self.chance(0.35)):
                keys.append(self.pick(able))
        combos: list[tuple] = [()]
        for key in keys:
            rows = self.key_rows(key, 4 if len(keys) == 1 else 2)
            combos = [(*before, row) for before in combos for row in rows]
        rows = tuple(d.Row(combo, {c.name: self.cell(c, columns, True) for c in columns}) for combo in combos)
        table = d.Table(name, tuple(keys), tuple(columns), rows)
        table = replace(table, csv=self.chance(0.08) and self.plain(table))
        if self.chance(0.4):
            return table
        table = replace(table, layers=tuple(self.layers(table)))
        return self.not_yet(table) if keys and self.chance(0.3) else table

    def not_yet(self, table: d.Table) -> d.Table:
        """Takes away cells that a `from`, or one offer alone, gives: before it and after there is no price."""
        rows = []
        for row in table.rows:
            cells = dict(row.cells)
            for column in cells:
                giving = [
                    one for one in table.layers for over in one.rows if same_row(over, row) and column in over.cells
                ]
                plain = [one for one in giving if not (one.when or one.hours or one.new_customers)]
                plain.sort(key=lambda one: instant(one.start, "UTC"))
                if any(isinstance(node, d.Dates) for one in giving for node in nodes(one.when)):
                    continue  # a condition of dates alone counts as a price of those dates
                if plain and (plain[0].until is None or len(plain) == 1) and self.chance(0.5):
                    cells[column] = None
            rows.append(d.Row(row.keys, cells))
        return replace(table, rows=tuple(rows))

    def plain(self, table: d.Table) -> bool:
        return bool(table.keys) or len(table.rows) == 1

    def cell(self, column: d.Column, columns: list[d.Column], base: bool) -> object:
        if column.kind == "percent":
            return d.Figure(Fraction(self.rng.randint(1, 50)), "percent")
        if column.kind == "money":
            return "unlimited" if column.name == "most" and self.chance(0.2) else self.money()
        if column.kind == "quantity" and column.name == "included" and self.chance(0.15):
            return "unlimited"
        if column.kind == "quantity":
            return d.Figure(self.count(column.unit), column.unit)
        others = [
            c.name
            for c in columns[: columns.index(column)]
            if c.kind == "rate" and (c.per, c.of) == (column.per, column.of)
        ]
        draw = self.rng.random()
        if draw < 0.05:
            return "free"
        if draw < 0.07:
            return "—"
        if draw < 0.09:
            return "custom"
        if draw < 0.25 and others:
            return d.SameAs(self.pick(others), self.pick([Fraction(100), Fraction(50), Fraction(25, 2)]))
        return d.Rate(self.price(), column.unit, column.per, column.of)

    def over(self, table: d.Table, rows, columns) -> tuple[d.Row, ...]:
        """Rows of a layer: each names its row by some of its keys, and some of its cells."""
        return tuple(
            d.Row(
                tuple(tuple(self.rng.sample(parts, self.rng.randint(1, len(parts)))) for parts in row.keys),
                {c.name: self.cell(c, list(table.columns), False) for c in columns},
            )
            for row in rows
        )

    def some(self, table: d.Table) -> tuple[d.Row, ...]:
        rows = self.rng.sample(table.rows, self.rng.randint(1, min(3, len(table.rows))))
        able = [c for c in table.columns if c.name != "included"]  # what is free is read where its period begins
        columns = sorted(self.rng.sample(able, self.rng.randint(1, len(able))), key=lambda c: c.name)
        return self.over(table, rows, columns)

    def layers(self, table: d.Table) -> list[d.Layer]:
        found: list[d.Layer] = []
        first = days(f"{self.year}-01-01") + timedelta(days=self.rng.randint(10, 120))
        starts = [first, first + timedelta(days=self.rng.randint(20, 120))][: self.pick([0, 1, 1, 2])]
        for start in starts:
            if self.chance(0.2):
                start = datetime(start.year, start.month, start.day, self.rng.randint(0, 23), self.pick([0, 30]))
            zone = self.pick(ZONES) if self.chance(0.1) else None
            found.append(d.Layer(self.some(table), start=start, new_customers=self.chance(0.15), zone=zone))
        if self.chance(0.4):
            start = self.moment()
            until = start + timedelta(days=self.rng.randint(0 if not isinstance(start, datetime) else 1, 40))
            name = self.pick([None, "spring offer"])
            if self.chance(0.2):
                found.append(d.Layer(self.some(table), start=start, further_notice=True, name=name))
            else:
                found.append(d.Layer(self.some(table), start=start, until=until, name=name))
                if self.chance(0.3) and not isinstance(start, datetime):
                    start = until + timedelta(days=self.rng.randint(1, 30))
                    found.append(d.Layer(self.some(table), start=start, until=start + timedelta(days=3)))
        if self.hours and self.chance(0.5):
            start = self.moment() if self.chance(0.2) else None
            found.append(d.Layer(self.some(table), start=start, hours=self.pick(self.hours).name))
        choices = [f for f in self.fields if f.kind == "choice" and f.name not in table.keys]
        if choices and self.chance(0.5):
            f = self.pick(choices)
            for value in self.rng.sample(f.choices, self.pick([1, 1, 2])):
                hours = self.pick(self.hours).name if self.hours and self.chance(0.25) else None
                start = self.pick([*starts, None]) if starts and self.chance(0.4) else None
                found.append(d.Layer(self.some(table), start=start, hours=hours, when=d.Is(d.Get(f.name), (value,))))
        elif self.chance(0.15):
            found.append(d.Layer(self.some(table), when=self.cond(2)))
        return found

    def rate_column(self, name: str, unit: str, per: tuple | None = None) -> d.Column:
        per, of = per or self.pick(PER[unit])
        return d.Column(name, "rate", self.currency, Fraction(per), of)

    # --- lines

    def each(self) -> d.Each:
        apart = [f.name for f in self.fields if f.kind in ("choice", "text", "truth") and not f.optional]
        return d.Each(
            self.pick(PERIODS),
            self.pick([None, None, None, "Europe/Berlin", "America/New_York"]),
            tuple(self.rng.sample(apart, self.pick([1, 1, 2]) if len(apart) > 1 else 1))
            if apart and self.chance(0.3)
            else (),
        )

    def maybe_each(self, share: float) -> d.Each | None:
        return self.each() if self.chance(share) else None

    def maybe_when(self, share: float = 0.3) -> object:
        return self.cond() if self.chance(share) else None

    def quantity_steps(self, unit: str) -> tuple[list, str]:
        """Steps on a quantity before its price, and the unit it has then."""
        steps: list = []
        if self.chance(0.12):
            kind = self.pick([d.AtLeast, d.AtMost])
            each = self.maybe_each(0.4) if kind is d.AtMost else None
            steps.append(kind(d.Figure(self.count(unit), unit), each, self.maybe_when(0.2)))
        draw = self.rng.random()
        if draw < 0.12:
            columns = [(t.name, c) for t in self.tables for c in t.columns if c.name == "step" and c.unit == unit]
            cells = [d.Cell(table, column.name) for table, column in columns]
            size = self.pick([d.Figure(self.count(unit), unit), *cells])
            steps.append(d.InSteps(size, self.maybe_each(0.3) if not cells else None, self.maybe_when(0.1)))
        elif draw < 0.22:
            steps.append(d.InPackages(d.Figure(self.count(unit), unit), self.maybe_each(0.4)))
            unit = "package"
        elif draw < 0.34:
            steps.append(self.beyond(unit))
        return steps, unit

    def beyond(self, unit: str) -> d.Beyond:
        shared = [a for a in self.allowances if a.unit == unit]
        if shared and self.chance(0.7):
            return d.Beyond(shared[0].name)
        name = f"free_{len(self.allowances) + 1}"
        kept = self.pick([0, 0, 1, 2])
        most = d.Figure(self.count(unit), unit) if kept and self.chance(0.5) else None
        each = d.Each(self.pick(["month", "month", "day", "week", "quarter"]), None, self.each().apart)
        if self.keeping:
            kept, most = self.pick([1, 2, 2, 3]), self.pick([None, most, d.Figure(self.count(unit), unit)])
            each = replace(each, apart=())
        size: object = d.Figure(self.count(unit), unit)
        if not self.keeping and any(c.name == "included" and c.unit == unit for t in self.tables for c in t.columns):
            size = d.Cell("plans", "included")
        self.allowances.append(d.Allowance(name, size, unit, each, kept, most))
        return d.Beyond(name)

    def tiers(self, unit: str) -> d.Tiers:
        each = self.maybe_each(0.6)
        if self.chance(0.3):
            return d.Tiers(self.chance(0.6), self.tier_table(unit), each)
        found = []
        for band in self.bands(unit):
            rate, flat = self.rate(unit), self.money()
            draw = self.rng.random()
            if draw < 0.15:
                rate, flat = None, None
            elif draw < 0.3:
                rate = None
            elif draw < 0.85:
                flat = None
            found.append(d.Tier(band, rate, flat))
        return d.Tiers(self.chance(0.6), tuple(found), each)

    def tier_table(self, unit: str) -> tuple[str, str | None, str | None]:
        """A table of bands: the band key is a field, or says nothing but where the bands stand."""
        name = f"bands_{len(self.tables) + 1}"
        sent = [f.name for f in self.fields if f.unit == unit and not f.optional] + ["requests"] * (unit == "request")
        columns = [self.rate_column("price", unit)]
        if self.chance(0.4):
            columns.append(d.Column("flat", "money", self.currency))
        band_key = self.pick(sent) if sent and self.chance(0.5) else "reached"
        keys = [f.name for f in self.account if f.kind == "choice"][:1] if self.chance(0.5) else []
        tops: list[tuple] = [()]
        for key in keys:
            rows_of_key = self.key_rows(key, 2)
            if self.chance(0.4):
                rows_of_key[-2:] = [(d.Anything(),)]
            tops = [(*before, row) for before in tops for row in rows_of_key]
        rows = []
        for top in tops:
            for band in self.bands(unit, 2):
                cells = {
                    c.name: self.money() if c.kind == "money" else d.Rate(self.price(), c.unit, c.per, c.of)
                    for c in columns
                }
                rows.append(d.Row((*top, (band,)), cells))
        table = d.Table(name, (*keys, band_key), tuple(columns), tuple(rows), band=band_key)
        if self.chance(0.3):
            row = self.pick(rows)
            start = self.moment()
            cells = {"price": d.Rate(self.price(), columns[0].unit, columns[0].per, columns[0].of)}
            table = replace(table, layers=(d.Layer((d.Row(row.keys, cells),), start=start),))
        self.tables.append(table)
        return name, "price", "flat" if len(columns) > 1 else None

    def at(self, unit: str) -> d.At:
        """A rate: written, from the table, or by cases."""
        if self.chance(0.25):
            asked = [self.cond(), self.cond(2)][: self.rng.randint(1, 2)]
            if len(asked) == 2 and subjects(asked[0]) & subjects(asked[1]):
                asked.pop()  # a case that can never apply is an error
            cases = [(when, self.one_rate(unit)) for when in asked]
            if self.chance(0.2):
                cases[0] = (cases[0][0], self.pick([None, replace(self.rate(unit), price=Fraction(0))]))
            return d.At((*cases, (None, self.one_rate(unit))))
        return d.At(((None, self.one_rate(unit)),))

    def one_rate(self, unit: str) -> object:
        if unit == "token" and self.chance(0.2) and any(f.name == "own_rate" for f in self.account):
            return d.Attribute("own_rate")
        if unit in PER and unit not in ("package", "credit") and self.chance(0.7):
            for table in self.tables:
                able = [c for c in table.columns if c.kind == "rate" and same_dimension(c.of, unit)]
                if able and not table.band:
                    cell = d.Cell(table.name, self.pick(able).name)
                    twice = d.Times(cell, d.Figure(Fraction(self.pick([2, 3]))))
                    return self.pick([cell] * 8 + [twice, d.ShareOf(self.percent(), cell)])
        return self.rate(unit)

    def money_steps(self) -> list:
        steps: list = []
        for _ in range(self.pick([0, 0, 1, 1, 2, 3])):
            kind = self.rng.random()
            if kind < 0.3:
                steps.append(d.Adjust(self.pick([-1, -1, 1]), self.share(), True, self.maybe_when(0.6)))
            elif kind < 0.42:
                steps.append(
                    d.Adjust(self.pick([1, 1, -1]), self.bound(), False, self.maybe_when(0.4), self.pick([None, "fee"]))
                )
            elif kind < 0.56:
                steps.append(d.AtLeast(self.bound(), None, self.maybe_when(0.2)))
            elif kind < 0.75:
                steps.append(d.AtMost(self.bound(True), self.maybe_each(0.5), self.maybe_when(0.15)))
            else:
                size = Fraction(1, 10 ** self.rng.randint(0, 6))
                steps.append(d.Rounded(size * self.pick([1, 1, 1, 5]), self.pick(MODES), self.maybe_when(0.1)))
        return steps

    def share(self) -> object:
        ways = [d.Figure(self.percent(), "percent")] * 3
        ways += [d.Cell(t.name, c.name) for t in self.tables for c in t.columns if c.kind == "percent"]
        ways += [d.Attribute(f.name) for f in self.account if f.unit == "percent"]
        return self.pick(ways)

    def bound(self, capping: bool = False) -> object:
        ways = [self.money()] * 4
        cells = [d.Cell(t.name, c.name) for t in self.tables for c in t.columns if c.kind == "money" and not t.band]
        ways += [cell for cell in cells if capping or cell.column != "most"] * 2
        ways += [d.Attribute(f.name) for f in self.account if f.unit == self.currency and not f.per]
        return self.pick(ways)

    def line(self, label: str, of, unit: str) -> d.Line:
        if unit == self.currency:
            return d.Line(label, d.ShareOf(self.percent(), of), tuple(self.money_steps()))
        if self.chance(0.05):
            return d.Line(label, of, charged=False, reason="counted in another price")
        steps, unit = self.quantity_steps(unit) if not self.keeping else ([self.beyond(unit)], unit)
        steps.append(self.tiers(unit) if self.chance(0.35) else self.at(unit))
        credits_back = isinstance(steps[-1], d.Tiers) and not steps[-1].graduated and steps[-1].each
        money = [step for step in self.money_steps() if not (credits_back and isinstance(step, d.AtLeast))]
        if self.chance(0.15):
            money.append(self.least_of_a_period())
            if self.chance(0.4):
                money.append(d.Adjust(1, d.Figure(self.percent(), "percent"), True))
            if self.chance(0.4):
                money.append(d.Rounded(Fraction(1, 10 ** self.rng.randint(1, 4)), self.pick(MODES)))
        return d.Line(label, of, (*steps, *money), self.maybe_when(0.3) if of == d.Get("requests") else None)

    # --- what runs over time

    def resource(self) -> tuple[d.Usage, d.Price]:
        """A machine by the started hour, or what is held by the time it is held."""
        self.fields = [d.Field("kind", "choice", choices=("S", "M", "L"))]
        columns = [d.Column("hourly", "money", self.currency)]
        if self.chance(0.3):
            columns = [self.rate_column("hourly", "second", (1, "hour"))]
        by_hour = self.chance(0.4)
        if by_hour:
            lines = [
                d.Line(
                    "hours",
                    d.Cell("machines", "hourly"),
                    tuple(self.run_steps()),
                    every=self.pick(["hour", "hour", "day", "minute"]),
                )
            ]
        else:
            unit = self.pick(["GB", "GPU"])
            self.fields.append(d.Field("size", "number", unit, changes=self.chance(0.5)))
            if unit == "GPU":
                self.units["GPU"] = None
            if self.chance(0.35):
                return self.running(unit)
            of = f"{unit}-{self.pick(['hour', 'month', 'month'])}"
            month = 730 if of.endswith("month") and self.chance(0.3) else None
            by = "month" if of.endswith("month") and not month else "second"
            rate: object = d.Rate(self.price(), self.currency, Fraction(1), of, month)
            if self.chance(0.6) and not month:
                columns.append(self.rate_column("held", "", (1, of)))
                rate = d.Cell("machines", "held")
            at = d.At(((None, rate),))
            if self.chance(0.3):
                at = d.At(((self.cond(2), rate), (None, d.Rate(self.price(), self.currency, Fraction(1), of, month))))
            lines = [d.Line("space", d.Get("size"), (at, *self.run_steps()), by=by)]
        if len(columns) > 1 or by_hour:
            self.tables.append(self.make_table("machines", columns, ["kind"]))
        return d.Usage("machine", tuple(self.fields), True), d.Price("machine", tuple(lines))

    def running(self, unit: str) -> tuple[d.Usage, d.Price]:
        """What is priced by the time it runs; steps of time move its end."""
        of, per = d.Get("duration"), self.pick(["hour", "minute", "second"])
        if self.chance(0.4):
            of, per = d.Times(d.Get("size"), of), f"{unit}-{per}"
        steps: list = []
        if self.chance(0.4):
            steps.append(d.AtLeast(d.Figure(self.count("second"), "second")))
        if self.chance(0.6):
            steps.append(d.InSteps(d.Figure(*self.pick([(Fraction(15), "minute"), (Fraction(6), "second")]))))
        rate = d.Rate(self.price(), self.currency, Fraction(1), per)
        cases = ((None, rate),)
        if self.chance(0.4):
            cases = ((self.cond(2), replace(rate, price=self.price())), (None, rate))
        line = d.Line("running", of, (*steps, d.At(cases), *self.run_steps()), by="second")
        return d.Usage("machine", tuple(self.fields), True), d.Price("machine", (line,))

    def run_steps(self) -> list:
        """Steps that say the same of a whole run and of its pieces, and roundings and bounds of the whole."""
        steps: list = []
        if self.chance(0.3):
            steps.append(d.Adjust(self.pick([-1, 1]), d.Figure(self.percent(), "percent"), True))
        if self.chance(0.3):
            steps.append(self.pick([d.AtLeast, d.AtMost])(self.money()))
        if self.chance(0.3):
            steps.append(d.Rounded(Fraction(1, 10 ** self.rng.randint(0, 6)), self.pick(MODES)))
        return steps

    # --- the whole

    def overlay(self, usage: d.Usage, price: d.Price) -> d.Overlay | None:
        """What a ruleset based on this one says instead."""
        rows, new_rows, lines = {}, {}, {}
        for table in self.tables:
            if table.band or not table.keys or not table.rows:
                continue
            if self.chance(0.7):
                rows[table.name] = self.some(table)
            keyed = table.keys == ("model",) and not any(
                isinstance(part, d.Anything | d.Pattern) for row in table.rows for part in row.keys[0]
            )
            if keyed and self.chance(0.4):
                cells = {c.name: self.cell(c, list(table.columns), True) for c in table.columns}
                new_rows[table.name] = (d.Row((("added-1",),), cells),)
        if self.chance(0.4):
            line = self.pick(price.lines)
            later = any(isinstance(step, d.AtLeast) and step.each for step in line.steps)  # there is no record then
            less = d.Adjust(-1, d.Figure(self.percent(), "percent") if later else self.share(), True)
            if not line.reason:
                lines[usage.name, line.label] = replace(line, steps=(*line.steps, less))
        return d.Overlay(rows, new_rows, lines) if rows or new_rows or lines else None

    def credit_lines(self, label: str, of, unit: str) -> tuple[d.Line, ...]:
        """A line in a declared unit: one of fixed worth is money; another feeds the line that prices it."""
        per, each = self.pick(PER[unit])
        if self.chance(0.5):
            self.units["credit"] = d.Figure(Fraction(1, self.pick([1, 10, 100])), self.currency)
            return (d.Line(label, of, (d.At(((None, d.Rate(self.price(), "credit", Fraction(per), each)),)),)),)
        self.units["credit"] = None
        first = d.Line(
            f"{label}_used", of, (d.At(((None, d.Rate(self.price(), "credit", Fraction(per), each)),)),), charged=False
        )
        rate = d.At(((None, d.Rate(self.price(), self.currency, Fraction(1), "credit")),))
        return first, d.Line(label, d.Result(first.label), (rate, *self.money_steps()))

    def ruleset(self) -> d.Ruleset:
        self.currency = self.pick(["USD", "USD", "USD", "EUR", "CNY"])
        self.zone = self.pick(ZONES)
        charged = self.make_fields()
        self.make_account()
        self.make_hours()
        columns = []
        for n, (_, unit) in enumerate(charged):
            if unit in PER:
                before = [c for c in columns if same_dimension(c.of, unit)]
                per = (before[0].per, before[0].of) if before and self.chance(0.8) else None
                columns.append(self.rate_column(f"p{n + 1}", unit, per))
        if self.chance(0.2):
            columns.append(d.Column("off", "percent", "percent"))
        if self.chance(0.2):
            columns.append(d.Column("most", "money", self.currency))
        if self.chance(0.15) and charged[0][1] in PER:
            columns.append(d.Column("step", "quantity", charged[0][1]))
        if self.chance(0.2):
            fees = [d.Column("fee", "money", self.currency), d.Column("vat", "percent", "percent")]
            self.tables.append(self.make_table("fees", fees, []))
        plan = next((f for f in self.account if f.name == "plan"), None)
        if plan and self.chance(0.4):
            self.account[self.account.index(plan)] = replace(plan, unit="plans")
            fees = [d.Column("monthly", "money", self.currency), d.Column("cut", "percent", "percent")]
            if charged[0][1] in PER:
                fees.append(d.Column("included", "quantity", charged[0][1]))
            self.tables.append(self.make_table("plans", fees, ["plan"]))
        if columns and self.chance(0.85):
            self.tables.append(self.make_table("models", columns))
        fed = self.chance(0.12)
        lines: tuple = ()
        for n, (of, unit) in enumerate(charged):
            if n == 0 and fed and unit in PER:
                lines += self.credit_lines("l1", of, unit)
            else:
                lines += (self.line(f"l{n + 1}", of, unit),)
        together = tuple(self.together()) if self.chance(0.2) else ()
        if any(isinstance(step, d.Tiers) and not step.graduated and step.each for line in lines for step in line.steps):
            together = tuple(step for step in together if not isinstance(step, d.AtLeast))  # a credit has no minimum
        if any(isinstance(step, d.AtLeast) and step.each for line in lines for step in line.steps):
            together = ()  # it would not see what is charged at the period's end
        prices = (d.Price("call", lines, None, together),)
        split = [f for f in self.fields if f.kind == "choice" and f.choices]
        if split and self.chance(0.1):
            value = (split[0].choices[0],)
            other = tuple(self.line(f"l{n + 1}", of, unit) for n, (of, unit) in enumerate(charged))
            asked = d.Is(d.Get(split[0].name), value)
            prices = (d.Price("call", lines, asked, together), d.Price("call", other, d.IsNot(asked)))
        usages = (d.Usage("call", tuple(self.fields)),)
        overlay = self.overlay(usages[0], prices[0]) if len(prices) == 1 and self.chance(0.12) else None
        if self.chance(0.15):
            usage, price = self.resource()
            usages, prices = (*usages, usage), (*prices, price)
        return d.Ruleset(
            "r",
            self.currency,
            self.zone,
            usages,
            prices,
            tuple(self.tables),
            tuple(self.hours),
            tuple(self.account),
            tuple(self.allowances),
            self.units,
            self.header_rounding(0.15),
            self.header_rounding(0.1),
            self.pick(["month", "month", "month", "week", "month from signup"]),
            overlay,
        )

    def header_rounding(self, share: float) -> d.Rounded | None:
        size = Fraction(1, 10 ** self.rng.randint(2, 6))
        return d.Rounded(size, self.pick(MODES)) if self.chance(share) else None

    def together(self) -> Iterator:
        for _ in range(self.rng.randint(1, 2)):
            kind = self.rng.randrange(4)
            if kind == 0:
                yield d.AtLeast(self.money())
            elif kind == 1:
                yield d.AtMost(self.money(), self.maybe_each(0.3))
            elif kind == 2:
                yield d.Adjust(
                    self.pick([-1, 1]), d.Figure(self.percent(), "percent"), True, None, self.pick([None, "VAT"])
                )
            else:
                yield d.Rounded(Fraction(1, 10 ** self.rng.randint(1, 4)), self.pick(MODES))
        if self.chance(0.2):
            yield self.least_of_a_period()
            if self.chance(0.5):
                yield d.Adjust(1, d.Figure(self.percent(), "percent"), True, None, "VAT")

    def least_of_a_period(self) -> d.AtLeast:
        units = ["day", "week", "month", "month", "quarter", "year", "bill"]
        each = replace(self.each(), unit=self.pick(units))
        return d.AtLeast(self.money(), each, None, each.unit != "bill" and self.chance(0.3))

    # --- records

    def case(self) -> Case:
        rules = self.ruleset()
        found = list(nodes(rules))
        self.edges = edges(rules, found)
        counted = any(isinstance(node, d.Each) for node in found)
        stream = self.chance(0.65 if counted else 0.1)
        accounts = {name: self.attributes(rules, found) for name in ("a-1", "a-2")}
        signups = {name: self.instant() for name in accounts if self.chance(0.5)}
        records = [self.record(rules, n + 1) for n in range(5)]
        if stream and self.chance(0.8):  # near in time, so that they share periods, or each in a later one
            near = self.instant()
            gaps = self.pick(
                [[0, 1, 30, 600, 3000, 7000], [80_000, 400_000, 3_000_000], [86_400], [604_800], [2_600_000]]
            )
            if self.keeping and rules.allowances:
                days = {"day": 1, "week": 7, "month": 29, "quarter": 88}[rules.allowances[0].each.unit]
                gaps = [days * 86_400] * 5 + [0]
            for record in (one for one in records if "at" in one):
                near += timedelta(seconds=self.pick(gaps))
                record["at"] = text(near)
            self.rng.shuffle(records)
        if stream and self.chance(0.1):
            again = dict(records[0])
            if self.chance(0.5):
                again["model"] = "other"
            records[self.rng.randint(1, 4)] = again
        return Case(rules, records, accounts, signups, stream)

    def attributes(self, rules: d.Ruleset, found: list) -> dict:
        given: dict = {}
        for f in rules.account:
            if f.default is not None and self.chance(0.4):
                continue
            if self.chance(0.02):
                continue
            if f.kind == "choice":
                given[f.name] = self.pick(f.choices)
            elif f.kind == "truth":
                given[f.name] = self.chance(0.5)
            else:
                given[f.name] = decimal(self.price(1, 99))
        for table in rules.tables:
            for column in table.columns:
                if (
                    column.kind == "rate"
                    and any(row.cells.get(column.name) == "custom" for row in found if isinstance(row, d.Row))
                    and self.chance(0.9)
                ):
                    given[f"{table.name}.{column.name}"] = decimal(self.price())
        return given

    def instant(self) -> datetime:
        if self.edges["at"] and self.chance(0.5):
            near = self.pick(self.edges["at"])
            return near + timedelta(seconds=self.pick([-1, 0, 0, 1, 60, 86400, -86400]))
        start = datetime(self.year, 1, 1, tzinfo=UTC)
        at = start + timedelta(seconds=self.rng.randint(0, 370 * 86400))
        return at.replace(minute=0, second=0) if self.chance(0.2) else at

    def record(self, rules: d.Ruleset, n: int) -> dict:
        usage = self.pick(rules.usages)
        given: dict = {"id": f"r-{n}", "type": usage.name, "at": text(self.instant(), self.pick([0, 0, 0, 2, -5]))}
        given["account"] = self.pick(["a-1", "a-1", "a-2"]) if not self.keeping else "a-1"
        if usage.resource:
            started = self.instant()
            lasted = self.pick([0, 1, 3599, 3600, 3601, 7200, self.rng.randint(1, 200_000)])
            del given["at"]
            given |= {"started": text(started), "stopped": text(started + timedelta(seconds=lasted))}
        sizes: dict[str, Fraction] = {}
        for f in usage.fields:
            if f.compute or ((f.default is not None or f.optional) and self.chance(0.3)):
                if not f.compute and self.chance(0.1):
                    given[f.name] = None
                continue
            if f.counts:
                if self.chance(0.6):
                    words = self.rng.choices(
                        ["hello", "Zürich", "e\u0301te\u0301", "价格", " ", "  ", "a b c", "👍"],
                        k=self.rng.randint(0, 30),
                    )
                    given[f.counts[0]] = " ".join(words)
                else:
                    given[f.name] = self.rng.randint(0, 10**6)
            elif f.kind == "text":
                given[f.name] = self.text_for(rules, f)
            elif f.kind == "choice":
                given[f.name] = self.pick(f.choices)
            elif f.kind == "truth":
                given[f.name] = self.chance(0.5)
            elif f.kind == "date":
                given[f.name] = self.pick(["2026-05-01", "2026-05-02"])
            else:
                sizes[f.name] = self.size(f)
        for f in usage.fields:  # parts lie within their wholes
            for whole in f.part_of:
                if f.name in sizes and whole in sizes and sizes[f.name] > sizes[whole]:
                    sizes[f.name] = Fraction(int(sizes[whole] * self.rng.randint(0, 4) / 8))
            if f.part_of and f.name in sizes and len(f.part_of) == 1:
                sizes[f.name] = Fraction(int(sizes[f.name] / 2))
        for f in usage.fields:
            if f.part_of and f.name in sizes and any(whole not in sizes for whole in f.part_of):
                sizes[f.name] = Fraction(0)
            elif f.part_of and f.name in sizes:
                sizes[f.name] = min(sizes[f.name], *(sizes[whole] for whole in f.part_of), sizes[f.name])
        for name, value in sizes.items():
            given[name] = int(value) if value.denominator == 1 and self.chance(0.7) else decimal(value)
        if self.chance(0.06):
            self.spoil(given, usage)
        return given

    def text_for(self, rules: d.Ruleset, f: d.Field) -> str:
        known = list(self.known(f.name)) if self.chance(0.1) else []
        for table in rules.tables:
            if f.name in table.keys:
                column = table.keys.index(f.name)
                for row in table.rows:
                    for part in row.keys[column]:
                        if isinstance(part, str):
                            known.append(part)
                        elif isinstance(part, d.Pattern):
                            known.append(part.text.replace("*", self.pick(["x", "3", "sonnet"])))
                        elif isinstance(part, d.Anything):
                            known.append(self.pick(["whatever", "zz"]))
        if rules.overlay and f.name == "model" and any(rules.overlay.new_rows.values()):
            known.append("added-1")
        if self.chance(0.02):
            return self.pick(["unheard-of", "Small-1", "small-", "claude-v2"])
        return self.pick(known or self.known(f.name))

    def size(self, f: d.Field) -> Fraction:
        unit = Fraction(UNITS.get(f.unit, 1))
        if self.keeping and self.allowances and self.allowances[0].unit == f.unit:
            return self.allowances[0].size.number * self.rng.randint(0, 16) / 8
        near = [value for kind, value in self.edges["sizes"] if same_dimension(kind, f.unit)]
        whole = f.unit in WHOLE
        if near and self.chance(0.5):
            value = self.pick(near) / unit
            step = Fraction(1) if whole else self.pick([Fraction(1), Fraction(1, 100)])
            value += self.pick([-step, 0, 0, step])
            value *= self.pick([1, 1, 1, 2, 3])
        elif self.chance(0.08):
            value = Fraction(0)
        elif self.chance(0.03):
            value = Fraction(self.rng.randint(1, 10**6) * 10 ** self.rng.randint(3, 23))
        else:
            value = Fraction(
                self.rng.randint(1, 9999) * 10 ** self.pick([0, 0, 1, 2, 3]), 1 if whole else self.pick([1, 1, 10, 100])
            )
        value = max(value, Fraction(0))
        return Fraction(int(value)) if whole else Fraction(int(value * 1000), 1000)

    def spoil(self, given: dict, usage: d.Usage) -> None:
        """One mistake."""
        sizes = [f for f in usage.fields if f.kind == "number" and f.name in given]
        must = [f for f in usage.fields if f.name in given and f.default is None and not f.optional and not f.counts]
        kind = self.rng.randrange(12)
        if kind == 0 and must:
            del given[self.pick(must).name]
        elif kind == 1:
            given["modell"] = "x"
        elif kind == 2 and sizes:
            given[self.pick(sizes).name] = -1
        elif kind == 3 and any(f.unit == "token" for f in sizes):
            given[next(f.name for f in sizes if f.unit == "token")] = "1.5"
        elif kind == 4 and any(f.part_of for f in sizes):
            given[next(f.name for f in sizes if f.part_of)] = 10**9
        elif kind == 5:
            given["model"] = "not-there"
        elif kind == 6 and "service_tier" in given:
            given["service_tier"] = "Batch"
        elif kind == 7 and sizes:
            given[self.pick(sizes).name] = self.pick([10**30, "1" + "0" * 30])
        elif kind == 8 and sizes:
            given[self.pick(sizes).name] = self.pick(["12a", "1_000", "NaN", ""])
        elif kind == 9 and sizes:
            given[self.pick(sizes).name] = self.pick([True, [1]])
        elif kind == 10 and "at" in given:
            given["at"] = "2026-02-01T12:00:00"
        elif kind == 11:
            given["type"] = "nothing"


def subjects(cond) -> set[str]:
    """What a condition asks."""
    return {getattr(node, "name", type(node).__name__) for node in nodes(cond) if not isinstance(node, d.Figure)}


def same_dimension(left: str, right: str) -> bool:
    family = {
        "minute": "second",
        "hour": "second",
        "millisecond": "second",
        "day": "second",
        "dozen": "page",
        "TB": "GB",
        "MB": "GB",
        "GiB": "GB",
        "GB-hour": "GB-second",
    }
    return family.get(left, left) == family.get(right, right)


def text(at: datetime, ahead: int = 0) -> str:
    if not ahead:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (at.astimezone(UTC) + timedelta(hours=ahead)).strftime("%Y-%m-%dT%H:%M:%S") + f"{ahead:+03d}:00"


def edges(rules: d.Ruleset, found: list) -> dict:
    """Where something changes: instants, and sizes by unit (in base units)."""
    at: list[datetime] = []
    sizes: list[tuple[str, Fraction]] = []
    for node in found:
        if isinstance(node, d.Layer | d.Dates):
            at += [instant(node.start, rules.zone)] if node.start else []
            at += [end(node.until, rules.zone)] if node.until else []
        elif isinstance(node, d.Hours):
            day = datetime(2026, 3, 20)
            for weekdays, start, stop in node.windows:
                start_of = day + timedelta(days=(weekdays[0] - day.weekday()) % 7)
                for minute in (start, stop):
                    at.append(instant(start_of + timedelta(minutes=minute), node.zone or rules.zone))
        elif isinstance(node, d.Figure) and node.unit in UNITS:
            sizes.append((node.unit, node.number * UNITS[node.unit]))
        elif isinstance(node, d.Band):
            sizes += [(node.unit, edge[0] * UNITS.get(node.unit, 1)) for edge in (node.low, node.high) if edge]
    return {"at": at, "sizes": sizes}

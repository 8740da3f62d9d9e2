"""Rulesets that graphs take, and tables of records around their edges, in every type of column: from a plain seed."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

ZONES = ("UTC", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo")
MODES = ("half up", "half down", "half even", "up", "down")
SIZES = ("$0.01", "$0.001", "$0.05", "$0.000001", "$0.0025")
MODELS = ("small-1", "large-1", "claude-3", "claude-4", "GPT 4o", "mix-8x7b", "other", "ünï")
REGIONS = ("us", "eu", "asia")
PERIODS = ("day", "day", "hour", "week", "month", "quarter", "year")
EDGES = (1, 5, 10, 99, 100, 1000, 1024, 4096, 128_000, 200_000, 1_000_000)
RATES = ("$3", "$0.25", "$1.10", "$0.0375", "$12", "$0.000001", "$7.77", "free")
MOMENTS = ("2026-03-01 00:00", "2026-03-29 00:00", "2026-03-29 02:00", "2026-06-01 00:00", "2026-10-25 00:00")
ACCOUNTS = ("a-1", "a-2", "a-3", "b-1", "b-2", "new", "ünknown")


class Maker:
    """One ruleset with tables for it. `counted` has something that counts over a period."""

    def __init__(self, seed: int, counted: bool) -> None:
        self.rng = Random(f"{seed} {counted}")
        self.counted = counted
        self.zone = self.rng.choice(ZONES)
        self.accounts_of_records = [*ACCOUNTS, *(f"c-{number}" for number in range(self.rng.choice((0, 5, 12))))]
        self.edges = sorted(self.rng.sample(EDGES, 3))
        self.short = self.chance(0.75 if counted else 0.3)
        """Figures of few digits, of which 64 bits hold sums."""
        self.hours: list[str] = []
        self.tables: list[str] = []

    def chance(self, of: float) -> bool:
        return self.rng.random() < of

    def pick(self, *of: Any) -> Any:
        return self.rng.choice(of)

    # --- the rules

    def rules(self) -> str:
        head = ["ruleset made", "  currency USD", f"  timezone {self.zone}"]
        if self.chance(0.4):
            head.append(f"  round each line to {self.size()}, {self.pick(*MODES)}")
        if self.chance(0.3):
            head.append(f"  round charge {self.pick(*MODES)} to {self.pick('$0.01', '$0.001', '$0.05')}")
        head += ["", "account", "  plan   one of Free, Pro or Team, default Free", "  discount  percent, default 0%"]
        head += ["  quota  number, optional", "  seat   text, optional"]
        usage = [
            "",
            "usage chat",
            "  model    text",
            f"  region   one of us, eu or asia{self.pick('', ', default eu', ', optional')}",
            f"  big      yes or no, default {self.pick('no', 'yes')}",
            "  input    tokens",
            "  cached   tokens, part of input, default 0",
            "  output   tokens, default 0",
            "  extra    tokens, default 3",
            f"  secs     seconds, default {self.pick('0', '7')}",
            "  coupon   text, optional",
            "  note     text, optional",
            "  pages    number, optional",
            "",
            "usage job",
            "  gpus     number",
            "  runtime  minutes",
            "  size     MB, default 0",
            "  kind     text",
        ]
        prices = [*self.chat(), "", *self.job()]
        return "\n".join([*head, *self.hours, *usage, *self.tables, "", *prices, ""])

    def size(self) -> str:
        return str(self.pick(*SIZES[: 3 if self.short else None]))

    def money(self) -> str:
        if self.short:
            return str(self.pick("$3", "$0.5", "$1.10", "$0.01"))
        return str(self.pick("$3", "$0.25", "$1.10", "$0.0375", "$12.345678", "$0.01"))

    def condition(self) -> str:
        one = self.pick(
            "model is like claude-*",
            "model is small-1 or large-1",
            "model is not other",
            "big is yes",
            "account.plan is Pro or Team",
            "account.quota is given",
            "coupon is given",
            "coupon is SAVE20",
            "coupon is not SAVE20",
            f"input above {self.edges[0]}",
            f"input at least {self.edges[1]}",
            f"input + cached below {self.edges[2]}",
            f"cached at most input / {self.pick(2, 3, 7)}",
            "pages is given",
            "secs above 7",
            "from 2026-03-29",
            "from 2026-03-01 until 2026-05-31",
            "during night",
        )
        if one == "during night":
            self.night()
        if self.chance(0.25):
            other = self.condition()
            return f"{one} {self.pick('and', 'or')} not ({other})" if self.chance(0.5) else f"{one} and {other}"
        return str(one)

    def night(self) -> None:
        if not self.hours:
            zone = self.pick("", f", {self.pick(*ZONES)}")
            self.hours = ["", f"hours night{zone}", f"  every day  {self.pick('22:00 to 06:00', '02:30 to 12:00')}"]

    def table(self, name: str) -> list[str]:
        kind = self.pick("model", "model", "model region", "bands", "plan", "big plan", "none")
        keys: dict[str, list[list[str]]] = {
            "model": [["small-1"], ["large-1, ünï"], [self.pick("like claude-*", "claude-3, claude-4")]],
            "model region": [["small-1", "us"], ["small-1", "any"], ["large-1", "us, eu"], ["any", "any"]],
            "bands": [
                ["small-1", f"up to {self.edges[0]}"],
                ["small-1", f"above {self.edges[0]} up to {self.edges[2]}"],
                ["small-1", f"above {self.edges[2]}"],
                ["like claude-*", "any"],
            ],
            "plan": [["Free"], ["Pro"], ["Team"]],
            "big plan": [["yes", "Free"], ["yes", "any"], ["no", "any"]],
            "none": [[]],
        }
        rows = keys[kind]
        if kind == "model" and self.chance(0.6):
            rows = [*rows, ["any"]]
        by = {
            "model": " by model", "model region": " by model, region", "bands": " by model, input",
            "plan": " by plan", "big plan": " by big, plan", "none": "",
        }[kind]  # fmt: skip
        names = {"bands": "model input", "none": ""}.get(kind, kind).split()

        def cell(first: bool) -> str:
            if not first and self.chance(0.35):
                return str(self.pick("as inp", "50% of inp", *(() if self.short else ("12.5% of inp", "custom")), "—"))
            return str(self.pick(*RATES[: 3 if self.short else None]))

        lines = ["", f"table {name}{by}, per 1M tokens", f"  | {' | '.join([*names, 'inp', 'out'])} |"]
        lines.append(f"  |{'---|' * (len(names) + 2)}")
        lines += [f"  | {' | '.join([*row, cell(True), cell(False)])} |" for row in rows]
        layers = self.rng.sample(
            [
                "from 2026-03-29", "from 2026-03-01 until 2026-05-31", "during night", "when big is yes",
                "from 2026-06-01 09:30 in Europe/Berlin", "from 2026-10-25",
            ],
            self.pick(0, 1, 2, 3),
        )  # fmt: skip
        for layer in layers:
            if "night" in layer:
                self.night()
            some = self.rng.sample(rows, self.pick(1, len(rows)))
            head = [*names, "inp"]
            lines += ["", f"  {layer}", f"    | {' | '.join(head)} |"]
            lines += [f"    | {' | '.join([*row, cell(True)])} |" for row in some]
        return lines

    def bands(self, unit: str, pad: str) -> list[str]:
        low, high = self.edges[0], self.edges[2]
        first = self.pick(f"up to {low}", f"below {low}")
        rest = "above" if first.startswith("up") else "at least"
        value = lambda: self.pick(f"{self.money()} per {unit}", "free", f"$5 plus {self.money()} per {unit}", "$2.50")  # noqa: E731
        one = [f"{pad}{first}: {value()}"]
        if self.chance(0.6):
            mid = f"{pad}above {low} up to {high}" if rest == "above" else f"{pad}from {low} up to {high}"
            return [*one, f"{mid}: {value()}", f"{pad}above {high}: {value()}"]
        return [*one, f"{pad}{rest} {low}: {value()}"]

    def each(self, usage: str) -> str:
        if not self.counted:
            return ""
        zone = f" in {self.pick(*ZONES)}" if self.chance(0.4) else ""
        apart = f" for each {'model' if usage == 'chat' else 'kind'}" if self.chance(0.3) else ""
        unit = "minute" if self.chance(0.02) else self.pick(*PERIODS)
        return f" each {unit}{zone}{apart}"

    def steps(self, usage: str, pad: str = "    ") -> list[str]:
        """Steps of money."""
        when = f" when {self.condition()}" if usage == "chat" and self.chance(0.4) else ""
        found = [
            f'{pad}less {self.pick("10%", "50%" if self.short else "33.3%")} "offer"{when}',
            f'{pad}plus {self.money()} "start"{when}',
            f"{pad}at least {self.money()}{when}",
            f"{pad}at most {self.pick('$5', '$0.5', '$120')}{self.each(usage)}",
            f"{pad}rounded to {self.size()}, {self.pick(*MODES)}",
        ]
        if not self.short:
            found.append(f'{pad}less account.discount "contract"')
        return sorted(self.rng.sample(found, self.pick(0, 0, 1, 2)), key=found.index)

    def line(self, label: str, quantity: str, usage: str, unit: str) -> list[str]:
        form = self.pick("rate", "rate", "tiers", "tiers", "packages", "steps", "cases", "volume")
        each = self.each(usage)
        if form == "rate":
            return [f"  {label}: {quantity} at {self.money()} per {self.pick('', '1000 ')}{unit}", *self.steps(usage)]
        if form in ("tiers", "volume"):
            word = "graduated" if form == "tiers" else "volume"
            allow = ['    allow tier-cliff "so it is"']
            return [f"  {label}: {quantity} at {word}{each}", *allow, *self.bands(unit, "    ")]
        if form == "packages":
            size = self.pick("100", "7", "1000")
            kind = self.pick("packages", "packages")
            return [f"  {label}: {quantity}", f"    in {kind} of {size}{each}", "    at $4.20 per package"]
        if form == "steps":
            size = self.pick("6", "64", "1000")
            return [f"  {label}: {quantity}", f"    in steps of {size}{each}", f"    at {self.money()} per {unit}"]
        if usage == "job":
            return [f"  {label}: {quantity} at {self.money()} per {unit} when kind is like a*"]
        return [
            f"  {label}: {quantity} at",
            f"    when {self.condition()}: {self.money()} per {unit}",
            f"    when {self.condition()}: free",
            f"    otherwise: {self.money()} per {unit}",
        ]

    def chat(self) -> list[str]:
        several = self.chance(0.3)
        lines: list[str] = []
        for number in range(2 if several else 1):
            when = f" when big is {('yes', 'no')[number]}" if several else ""
            name = f"t{number}"
            self.tables += self.table(name)
            lines += ["", f"price chat{when}", f"  inp: rest of input at {name}.inp", *self.steps("chat")]
            lines += [f"  hit: cached at {name}.{self.pick('inp', 'out')}"]
            lines += self.line("more", self.pick("output", "(output + extra)"), "chat", "token")
            if self.chance(0.5):
                lines += self.line("time", "secs", "chat", "second")
            if self.chance(0.3):
                lines += ["  fee: $0.0125", f"  tax: {self.pick('19%', '7.7%')} of fee"]
            if self.chance(0.2):
                lines += ['  gone: pages not charged "free for now"']
            lines += self.together("chat")
        return lines

    def job(self) -> list[str]:
        self.tables += [
            "", "table steps by runtime", "  | runtime | fee |", "  |---|---|",
            "  | below 10 | $1 |", "  | from 10 below 60 | $2.5 |", "  | at least 60 | $0.1 |",
        ]  # fmt: skip
        lines = ["price job", f"  run: gpus × runtime at {self.money()} per minute", "  fee: steps.fee"]
        lines += self.line("data", "size", "job", "MB")
        return [*lines, *self.together("job")]

    def together(self, usage: str) -> list[str]:
        if self.chance(0.5):
            return []
        found = [
            '    less 10% "member"',
            f"    at least {self.money()}",
            f"    at most {self.pick('$20', '$3.33')}{self.each(usage)}",
            '    plus 20% "VAT"',
            f"    rounded to {self.size()}, {self.pick(*MODES)}",
        ]
        return ["  together", *sorted(self.rng.sample(found, self.pick(1, 2, 3)), key=found.index)]

    # --- accounts

    def accounts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name in ACCOUNTS[:5]:
            one: dict[str, Any] = {}
            if self.chance(0.6):
                one["plan"] = self.pick("Free", "Pro", "Team")
            if self.chance(0.5):
                one["discount"] = self.pick("10", "2.5", "0", "100")
            if self.chance(0.3):
                one["quota"] = self.pick("5", "0", "2000000000000", "0.12345678")
            for table in ("t0", "t1"):
                for column in ("inp", "out"):
                    if f"table {table}" in "\n".join(self.tables) and self.chance(0.5):
                        one[f"{table}.{column}"] = self.pick("1.20", "0", "0.123456", "7.7777777")
            found[name] = one
        return found

    # --- records

    def moment(self) -> datetime:
        edge = datetime.strptime(self.pick(*MOMENTS), "%Y-%m-%d %H:%M")
        at = edge.replace(tzinfo=ZoneInfo(self.pick(self.zone, "UTC"))).astimezone(UTC)
        at += timedelta(hours=self.pick(0, 0, 1, 2, -2, 22, 30, 5), minutes=self.pick(0, 0, 30))
        return at + timedelta(microseconds=self.pick(0, 0, 0, 1, -1, 1000, -1000, 10**6, -(10**6), 1_234_567))

    def amount(self) -> int:
        edge = self.pick(*self.edges)
        found = self.pick(0, edge, edge, edge + 1, edge - 1, edge * 3, self.rng.randrange(5000), 7, 100)
        return max(0, int(found))

    def records(self, count: int, in_order: bool) -> list[dict[str, Any]]:
        found = []
        bad = self.pick(0.0, 0.0, 0.0, 0.0, 0.01, 0.04)
        again = self.pick(0.0, 0.0, 0.0, 0.01)
        moments = [self.moment() for _ in range(max(1, count // self.pick(1, 1, 3)))]
        for number in range(count):
            one: dict[str, Any] = {
                "id": f"r{number}" if not self.chance(again) else f"r{self.rng.randrange(count)}",
                "type": "chat" if self.chance(0.7) else "job",
                "account": self.pick(*self.accounts_of_records),
                "at": self.pick(*moments),
            }
            if one["type"] == "chat":
                one |= {"model": self.pick(*MODELS), "input": self.amount()}
                one["cached"] = min(one["input"], self.amount()) if self.chance(0.9) else None
                for name, values in (
                    ("region", REGIONS), ("big", (True, False)), ("secs", (0, 6, 7, 8, 60, 100)),
                    ("output", [self.amount()]), ("extra", [self.amount()]), ("coupon", ("SAVE20", "X")), ("note", ("", "hello")), ("pages", (0, 1, 100)),
                ):  # fmt: skip
                    if self.chance(0.8):
                        one[name] = self.pick(*values)
            else:
                one |= {"gpus": self.pick(0, 1, 2, 8), "runtime": self.pick(0, 1, 9, 10, 11, 59, 60, 61)}
                one |= {"kind": self.pick("a1", "b", "abc"), "size": self.amount()}
            if self.chance(bad):
                name = self.pick(*one)
                one[name] = self.pick(None, None, -1 if type(one[name]) is int else None)
            if self.chance(bad / 8):
                one["input"] = self.pick(2**62, 2**63 - 1, 10**15)
            found.append(one)
        if in_order:
            found.sort(key=lambda one: one["at"] or moments[0])
        elif self.chance(0.5):
            self.rng.shuffle(found)
        return found

    def table_of(self, records: list[dict[str, Any]]) -> pa.Table:
        names = list(dict.fromkeys(name for one in records for name in one))
        if self.chance(0.1) and "note" in names:
            names.remove("note")
        if self.chance(0.1):
            names.append("surplus")
        if self.chance(0.3):
            self.rng.shuffle(names)
        columns = {name: self.column(name, [one.get(name) for one in records]) for name in names}
        table = pa.table(columns)
        if self.chance(0.3) and len(records) > 5:
            cut = self.rng.randrange(len(records))
            table = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
        return table

    def column(self, name: str, values: list[Any]) -> pa.Array:
        if name == "surplus":
            return pa.array([("x" if self.chance(0.02) else None) for _ in values], pa.string())
        if name == "at":
            return self.moments(values)
        there = [one for one in values if one is not None]
        if there and all(type(one) is int for one in there):
            return self.numbers(values, max(there), min(there), name)
        if there and all(type(one) is bool for one in there):
            if self.chance(0.3):
                return pa.array([None if one is None else str(one).lower() for one in values], pa.string())
            return pa.array(values, pa.bool_())
        kind = self.pick(pa.string(), pa.string(), pa.large_string(), pa.string_view())
        column = pa.array([None if one is None else str(one) for one in values], kind)
        if self.chance(0.3):
            column = pa.array(column.to_pylist(), pa.string()).dictionary_encode()
            if self.chance(0.3):
                column = column.cast(pa.dictionary(pa.int16(), pa.large_string())) if name == "model" else column
        return column

    def numbers(self, values: list[Any], most: int, least: int, name: str) -> pa.Array:
        fits = [
            kind
            for kind, low, high in (
                (pa.int8(), -128, 127), (pa.int16(), -(2**15), 2**15 - 1), (pa.int32(), -(2**31), 2**31 - 1),
                (pa.uint8(), 0, 255), (pa.uint16(), 0, 2**16 - 1), (pa.uint32(), 0, 2**32 - 1),
                (pa.int64(), -(2**63), 2**63 - 1), (pa.int64(), -(2**63), 2**63 - 1), (pa.uint64(), 0, 2**64 - 1),
            )
            if low <= least and most <= high
        ]  # fmt: skip
        way = self.pick("int", "int", "int", "decimal", "text", "float")
        broken = not self.short and name in (
            "secs",
            "gpus",
            "runtime",
            "size",
            "pages",
        )  # figures with digits after the point

        def figure(one: int | None) -> Decimal | None:
            if one is None:
                return None
            return Decimal(one) + (Decimal(self.pick("0", "0.5", "0.25", "0.000001")) if broken else 0)

        if way == "decimal":
            scale = self.pick(6, 6, 8) if broken else self.pick(0, 2)
            return pa.array([figure(one) for one in values], pa.decimal128(38, scale))
        if way == "text":
            return pa.array([None if one is None else str(figure(one)) for one in values], pa.string())
        if way == "float" and most < 2**53:
            return pa.array([None if one is None else float(one) for one in values], pa.float64())
        return pa.array(values, self.pick(*fits))

    def moments(self, values: list[Any]) -> pa.Array:
        micros = [None if one is None else round((one - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
                  for one in values]  # fmt: skip
        way = self.pick("us", "us", "ns", "ms", "s", "text", "text", "text", "odd")
        odd = self.pick(0.01, 0.5)
        if way in ("us", "ns", "ms", "s"):
            over, under = {"us": (1, 1), "ns": (1000, 1), "ms": (1, 1000), "s": (1, 10**6)}[way]
            numbers = [None if one is None else one * over // under for one in micros]
            return pa.array(numbers, pa.int64()).cast(pa.timestamp(way, self.pick("UTC", "Europe/Berlin")))
        texts = []
        for one in values:
            if one is None:
                texts.append(None)
            elif way == "odd" and self.chance(odd):
                texts.append(one.astimezone(ZoneInfo("America/New_York")).isoformat())
            else:
                texts.append(one.isoformat().replace("+00:00", self.pick("Z", "+00:00")))
        return pa.array(texts, self.pick(pa.string(), pa.large_string(), pa.string_view()))


def instant(one: datetime) -> Fraction:
    return Fraction(round((one - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)), 10**6)

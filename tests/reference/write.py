"""A described ruleset as the text of a rule file, in many spellings: separators, suffixes, columns in any order."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import date
from datetime import datetime
from fractions import Fraction
from random import Random

from reference import describe as d

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass
class Written:
    """The text, the texts beside it, and where each row stands (`x.price:12`), by `id(row)`."""

    text: str
    files: dict[str, str] = field(default_factory=dict)
    rows: dict[int, str] = field(default_factory=dict)


def write(rules: d.Ruleset, rng: Random, name: str = "x.price") -> Written:
    if rules.overlay is None:
        writer = Writer(rules, rng, name)
        writer.ruleset()
        return Written("\n".join(writer.lines) + "\n", writer.files, writer.rows)
    base = Writer(rules, rng, "base.price")
    base.ruleset()
    over = Writer(rules, rng, name)
    over.overlay(rules.overlay)
    files = {"base.price": "\n".join(base.lines) + "\n", **base.files}
    return Written("\n".join(over.lines) + "\n", files, {**base.rows, **over.rows})


def decimal(value: Fraction) -> str:
    """A figure whose decimals end, in plain digits."""
    sign, value, places = ("-" if value < 0 else ""), abs(value), 0
    while (value * 10**places).denominator != 1:
        places += 1
    digits = str(int(value * 10**places)).zfill(places + 1)
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


class Writer:
    def __init__(self, rules: d.Ruleset, rng: Random, path: str) -> None:
        self.rules, self.rng, self.path = rules, rng, path
        self.lines: list[str] = []
        self.files: dict[str, str] = {}
        self.rows: dict[int, str] = {}

    def put(self, depth: int, text: str) -> None:
        if self.rng.random() < 0.03:
            text += "  # as on the page"
        self.lines.append("  " * depth + text)

    # --- figures

    def number(self, value: Fraction) -> str:
        ways = [decimal(value)]
        if value.denominator == 1 and value >= 1000:
            ways.append(f"{int(value):,}")
        for suffix, size in (("K", 10**3), ("M", 10**6), ("B", 10**9)):
            if value >= size and 1000 * value % size == 0:
                ways.append(decimal(value / size) + suffix)
        if value.denominator != 1 and self.rng.random() < 0.2:
            ways.append(ways[0] + "0")
        return self.rng.choice(ways)

    def unit(self, name: str, many: bool = True) -> str:
        *first, last = name.split("-")
        plural = last if not many or last.endswith("B") or last == "percent" else last + "s"
        return "-".join([*first, plural])

    def money(self, value: Fraction, currency: str) -> str:
        sign, text = ("-" if value < 0 else ""), self.number(abs(value))
        ways = [f"{sign}{currency} {text}", f"{sign}{text} {currency}"]
        return self.rng.choice(ways + [f"{sign}{SIGNS[currency]}{text}"] * 6 if currency in SIGNS else ways)

    def figure(self, of: d.Figure) -> str:
        if of.unit == self.rules.currency:
            return self.money(of.number, of.unit)
        if of.unit == "percent":
            return decimal(of.number) + "%"
        return f"{self.number(of.number)} {self.unit(of.unit)}" if of.unit else self.number(of.number)

    def size(self, per: Fraction, of: str, month: int | None = None) -> str:
        fixed = f" of {month} hours" if month else ""
        if per == 1:
            return f"{self.rng.choice(['', '', '1 '])}{self.unit(of, False)}{fixed}"
        count = self.number(per)
        if per in (10**3, 10**6):
            count = self.rng.choice([count, count, {10**3: "K", 10**6: "M"}[int(per)]])
        return f"{count} {self.unit(of)}{fixed}"

    def rate(self, of: d.Rate) -> str:
        return f"{self.figure(d.Figure(of.price, of.unit))} per {self.size(of.per, of.of, of.month)}"

    def expr(self, of, inner: bool = False) -> str:
        match of:
            case d.Figure():
                return self.figure(of)
            case d.Rate():
                return self.rate(of)
            case d.Get():
                return of.name
            case d.Rest():
                return f"rest of {of.name}"
            case d.Attribute():
                return f"account.{of.name}"
            case d.Cell():
                return f"{of.table}.{of.column}"
            case d.Result():
                return of.label
            case d.ShareOf():
                return f"{decimal(of.percent)}% of {self.expr(of.of, True)}"
            case d.Add():
                text = "".join(f" {'+' if sign > 0 else '-'} {self.expr(term, True)}" for sign, term in of.terms)
                text = text.removeprefix(" + ")
                return f"({text})" if inner else text
            case d.Times():
                sign = self.rng.choice("×*")
                return f"{self.expr(of.left, True)} {sign} {self.expr(of.right, True)}"
            case d.Over():
                return f"{self.expr(of.left, True)} / {self.expr(of.right, True)}"
        raise TypeError(of)

    # --- conditions

    def day(self, of: date | datetime) -> str:
        return of.strftime("%Y-%m-%d %H:%M") if isinstance(of, datetime) else of.isoformat()

    def literal(self, of) -> str:
        if isinstance(of, bool):
            return "yes" if of else "no"
        return f'"{of}"' if " " in of else of

    def cond(self, of, inner: bool = False) -> str:
        match of:
            case d.Is():
                if len(of.values) == 1:
                    return f"{self.expr(of.of)} is {self.literal(of.values[0])}"
                *first, last = [self.literal(v) for v in of.values]
                words = self.rng.choice(["is one of", "is"])
                return f"{self.expr(of.of)} {words} {', '.join(first)} or {last}"
            case d.Like():
                return f"{self.expr(of.of)} is like {of.pattern}"
            case d.Given():
                return f"{self.expr(of.of)} is given"
            case d.Within():
                return f"{self.expr(of.of)} {self.within(of)}"
            case d.During():
                return f"during {of.hours}"
            case d.Dates():
                start = f"from {self.day(of.start)}" if of.start else ""
                until = f"until {self.day(of.until)}" if of.until else ""
                return f"{start} {until}".strip() + (f" in {of.zone}" if of.zone else "")
            case d.IsNot():
                return self.cond(of.of).replace(" is ", " is not ", 1)
            case d.Not(d.Given() as one):
                return f"{self.expr(one.of)} is not given"
            case d.Not():
                return f"not ({self.cond(of.of)})"
            case d.And():
                text = " and ".join(self.cond(part, True) for part in of.of)
            case d.Or():
                text = " or ".join(self.cond(part, True) for part in of.of)
        return f"({text})" if inner else text

    def within(self, of: d.Within) -> str:
        if of.low and of.high:
            (low, low_in), (high, high_in) = of.low, of.high
            if low_in:
                return f"from {self.figure(low)} {'up to' if high_in else 'below'} {self.figure(high)}"
            return f"above {self.figure(low)} up to {self.figure(high)}"
        if of.low:
            return f"{'at least' if of.low[1] else 'above'} {self.figure(of.low[0])}"
        return f"{self.rng.choice(['at most', 'up to']) if of.high[1] else 'below'} {self.figure(of.high[0])}"

    def clause(self, of) -> str:
        if of is None:
            return ""
        if isinstance(of, d.During | d.Dates) and self.rng.random() < 0.6:
            return " " + self.cond(of)
        return " when " + self.cond(of)

    def each(self, of: d.Each | None) -> str:
        if of is None:
            return ""
        zone = f" in {of.zone}" if of.zone else ""
        return f" each {of.unit}{zone}" + (f" for each {' and '.join(of.apart)}" if of.apart else "")

    # --- blocks

    def ruleset(self) -> None:
        rules = self.rules
        self.put(0, f'ruleset {rules.name} "A random ruleset"')
        header = [f"currency {rules.currency}", f"timezone {rules.zone}", f"bill every {rules.bill}"]
        if rules.round_line:
            header.append(f"round each line to {self.rounding(rules.round_line)}")
        if rules.round_charge:
            header.append(f"round charge to {self.rounding(rules.round_charge)}")
        self.rng.shuffle(header)
        for item in header:
            self.put(1, item)
        for unit, worth in rules.units.items():
            self.put(0, f"unit {unit}" + (f" = {self.figure(worth)}" if worth else ""))
        blocks = [
            *(lambda u=u: self.usage(u) for u in rules.usages),
            *(lambda h=h: self.hours(h) for h in rules.hours),
            *(lambda t=t: self.table(t) for t in rules.tables),
            *(lambda p=p: self.price(p) for p in rules.prices),
            *(lambda a=a: self.allowance(a) for a in rules.allowances),
        ]
        if rules.account:
            blocks.append(self.account)
        if self.rng.random() < 0.3:
            self.rng.shuffle(blocks)
        for block in blocks:
            self.put(0, "")
            block()

    def overlay(self, of: d.Overlay) -> None:
        self.put(0, f'ruleset over_{self.rules.name} based on "base.price"')
        tables = {t.name: t for t in self.rules.tables}
        for name in dict.fromkeys([*of.rows, *of.new_rows]):
            self.put(0, self.table_head(tables[name], False))
            if of.rows.get(name):
                self.grid(tables[name], of.rows[name], 1)
            if of.new_rows.get(name):
                self.put(1, "new rows")
                self.grid(tables[name], of.new_rows[name], 2)
        for usage in dict.fromkeys(usage for usage, _ in of.lines):
            self.put(0, f"price {usage}")
            for (one, _), line in of.lines.items():
                if one == usage:
                    self.line(line)

    def usage(self, usage) -> None:
        self.put(0, f"{'resource' if usage.resource else 'usage'} {usage.name}")
        for f in usage.fields:
            self.put(1, self.field(f))

    def account(self) -> None:
        self.put(0, "account")
        for f in self.rules.account:
            self.put(1, self.field(f))

    def field(self, f: d.Field) -> str:
        if f.compute:
            return f"{f.name}  {self.unit(f.unit)} = {self.expr(f.compute)}"
        if f.counts:
            text, spaces = f.counts
            kind = f"characters of {text}{'' if spaces else ' without spaces'}"
        elif f.kind == "choice" and f.unit:
            kind = f"one of {f.unit}"
        elif f.kind == "choice":
            *first, last = f.choices
            kind = f"one of {', '.join(first)} or {last}"
        elif f.kind == "truth":
            kind = "yes or no"
        elif f.kind == "number":
            kind = "number" if not f.unit else f.unit if f.unit == self.rules.currency else self.unit(f.unit)
        else:
            kind = f.kind
        if f.per:
            kind += f" per {self.size(*f.per)}"
        parts = []
        if f.part_of:
            parts.append(f"part of {' and '.join(f.part_of)}")
        if f.default is not None:
            default = self.number(f.default) if isinstance(f.default, Fraction) else self.literal(f.default)
            parts.append(f"default {default}")
        if f.optional:
            parts.append("optional")
        if f.changes:
            parts.append("may change")
        return ", ".join([f"{f.name}  {kind}", *parts])

    def hours(self, hours) -> None:
        self.put(0, f"hours {hours.name}" + (f", {hours.zone}" if hours.zone else ""))
        for days, start, stop in hours.windows:
            if len(days) == 7 and self.rng.random() < 0.7:
                words = "every day"
            elif len(days) > 1 and days == tuple(range(days[0], days[-1] + 1)) and self.rng.random() < 0.7:
                words = f"{DAYS[days[0]]} to {DAYS[days[-1]]}"
            else:
                words = ", ".join(DAYS[day] for day in days)
            span = "all day" if (start, stop) == (0, 1440) else f"{clock(start)} to {clock(stop)}"
            self.put(1, f"{words}  {span}")

    # --- tables

    def table_head(self, table: d.Table, with_file: bool = True) -> str:
        rates = [c for c in table.columns if c.kind == "rate"]
        self.default = (rates[0].per, rates[0].of) if rates and self.rng.random() < 0.8 else None
        head = f"table {table.name}" + (f" by {' and '.join(table.keys)}" if table.keys else "")
        if self.default:
            head += f", per {self.size(*self.default)}"
        return head + (f', from "{table.name}.csv"' if table.csv and with_file else "")

    def table(self, table: d.Table) -> None:
        self.put(0, self.table_head(table))
        if self.rng.random() < 0.05:
            self.put(1, 'source "https://acme.example/prices", checked 2026-02-10')
        if table.csv:
            grid = self.cells(table, table.rows)
            self.files[f"{table.name}.csv"] = "".join(",".join(quoted(c) for c in row) + "\n" for row in grid)
            for n, row in enumerate(table.rows):
                self.rows[id(row)] = f"{table.name}.csv:{n + 2}"
        else:
            self.grid(table, table.rows, 1)
        rest = list(table.layers)
        while rest:
            layer = rest.pop(0)
            inner = [one for one in rest if layer.until is None and self.may_stand_inside(one, layer)]
            self.put(1, self.layer(layer))
            self.grid(table, layer.rows, 2)
            for one in inner:
                if self.rng.random() < 0.8:
                    rest.remove(one)
                    self.put(2, self.words(one.hours, one.when))
                    self.grid(table, one.rows, 3)

    def may_stand_inside(self, one: d.Layer, around: d.Layer) -> bool:
        """Whether hours or a condition of the same date can be written beneath it."""
        if not around.start or (one.start, one.zone) != (around.start, around.zone) or around.when or around.hours:
            return False
        plain = not (one.until or one.further_notice or one.new_customers or around.new_customers)
        return plain and bool(one.when or one.hours)

    def words(self, hours: str | None, when) -> str:
        if hours and when:
            return self.rng.choice(
                [f"during {hours} and when {self.cond(when, True)}", f"when {self.cond(when, True)} and during {hours}"]
            )
        return f"during {hours}" if hours else f"when {self.cond(when)}"

    def layer(self, layer: d.Layer) -> str:
        if layer.start is None:
            return self.words(layer.hours, layer.when)
        text = f"from {self.day(layer.start)}"
        if layer.until:
            text += f" until {self.day(layer.until)}"
        elif layer.further_notice:
            text += " until further notice"
        if layer.zone:
            text += f" in {layer.zone}"
        if layer.hours:
            text += f" during {layer.hours}"
        if layer.when:
            text += f"{' and' if layer.hours else ''} when {self.cond(layer.when, True)}"
        if layer.new_customers:
            text += ", for new customers only"
        return text + (f' "{layer.name}"' if layer.name else "")

    def cells(self, table: d.Table, rows) -> list[list[str]]:
        columns = [c for c in table.columns if any(c.name in row.cells for row in rows)]
        self.rng.shuffle(columns)
        named = {c.name for c in table.columns if all(isinstance(row.cells.get(c.name), str) for row in table.rows)}
        head = [*table.keys, *(self.head(c, c.name in named) for c in columns)]
        sent = {"requests", *(f.name for usage in self.rules.usages for f in usage.fields)}
        return [head] + [
            [
                *(
                    self.key(parts, key == table.band and key not in sent)
                    for key, parts in zip(table.keys, row.keys, strict=True)
                ),
                *(self.cell(row.cells.get(c.name), c) for c in columns),
            ]
            for row in rows
        ]

    def head(self, column: d.Column, wordy: bool) -> str:
        """A column's header; where all cells are words it says the unit."""
        name = self.rng.choice([column.name] * 5 + [column.name.capitalize()])
        if column.kind == "rate" and (column.per, column.of) != self.default:
            return f"{name} (per {self.size(column.per, column.of)})"
        if column.kind == "quantity" and wordy:
            return f"{name} ({self.unit(column.unit)})"
        if column.kind == "money" and (self.default or self.rng.random() < 0.1):
            return f"{name} ({column.unit})"
        return name

    def grid(self, table: d.Table, rows: tuple[d.Row, ...], depth: int) -> None:
        grid = self.cells(table, rows)
        outer = len(grid[0]) == 1 or self.rng.random() < 0.85 or any("" in row for row in grid)
        for n, row in enumerate(grid):
            text = " | ".join(row)
            self.lines.append("  " * depth + (f"| {text} |" if outer else text))
            if n:
                self.rows[id(rows[n - 1])] = f"{self.path}:{len(self.lines)}"
            elif outer and self.rng.random() < 0.5:
                self.lines.append("  " * depth + "|" + "---|" * len(row))

    def key(self, parts, plain: bool = False) -> str:
        return ", ".join(self.key_part(part, plain) for part in parts)

    def key_part(self, part, plain: bool) -> str:
        match part:
            case d.Anything():
                return "any"
            case d.Pattern():
                return f"like {part.text}"
            case d.Band():
                return self.band(replace(part, unit="") if plain else part)
        return self.literal(part).strip('"')

    def cell(self, value, column: d.Column) -> str:
        match value:
            case None:
                return ""
            case str():
                return self.rng.choice([value, value, value.capitalize(), value.upper()])
            case d.SameAs():
                return f"as {value.column}" if value.percent == 100 else f"{decimal(value.percent)}% of {value.column}"
            case d.Rate():
                return self.figure(d.Figure(value.price, value.unit))
        return self.figure(value)

    def band(self, band: d.Band) -> str:
        low, high = ((d.Figure(e[0], band.unit), e[1]) if e else None for e in (band.low, band.high))
        if low is None or low == (d.Figure(Fraction(0), band.unit), False):
            return f"{'up to' if high[1] else 'below'} {self.figure(high[0])}"
        if high is None:
            return f"{self.rng.choice(['at least', 'from']) if low[1] else 'above'} {self.figure(low[0])}"
        if low[1]:
            return f"from {self.figure(low[0])} {'up to' if high[1] else 'below'} {self.figure(high[0])}"
        if not high[1] or self.rng.random() < 0.5:  # it starts where the band before ends
            return f"{'up to' if high[1] else 'below'} {self.figure(high[0])}"
        return f"above {self.figure(low[0])} up to {self.figure(high[0])}"

    # --- lines

    def rounding(self, of: d.Rounded) -> str:
        return f"{self.money(of.size, self.rules.currency)}, {of.mode}"

    def price(self, price: d.Price) -> None:
        self.put(0, f"price {price.usage}" + (f" when {self.cond(price.when)}" if price.when else ""))
        for line in price.lines:
            self.line(line)
        if price.together:
            self.put(1, "together")
            for step in price.together:
                self.step(step)

    def line(self, line: d.Line) -> None:
        if line.reason:
            self.put(1, f'{line.label}: {self.expr(line.of)} not charged "{line.reason}"')
            return
        if line.every:
            self.put(1, f"{line.label}: {self.expr(line.of)} every started {line.every}{self.clause(line.when)}")
            for step in line.steps:
                self.step(step)
            return
        head, steps = f"{line.label}: {self.expr(line.of)}", list(line.steps)
        used_at = False
        if steps and not steps[0].when and isinstance(steps[0], d.InSteps | d.InPackages | d.Beyond):
            if self.rng.random() < 0.6:
                head += self.step_text(steps.pop(0))
                if steps and isinstance(steps[0], d.At) and len(steps[0].cases) == 1 and not steps[0].when:
                    head, used_at = head + self.step_text(steps.pop(0)), True
        elif steps and not steps[0].when and isinstance(steps[0], d.At | d.Tiers) and self.rng.random() < 0.7:
            first, used_at = steps.pop(0), True
            head += self.step_text(first)
            head += self.clause(line.when)
            self.put(1, head)
            self.below(first, 2)
            for step in steps:
                self.step(step)
            return
        del used_at
        self.put(1, head + self.clause(line.when))
        for step in steps:
            self.step(step)

    def step(self, step) -> None:
        self.put(2, self.step_text(step).strip() + self.clause(step.when))
        self.below(step, 3)

    def step_text(self, step) -> str:
        match step:
            case d.InSteps():
                return f" in steps of {self.expr(step.size)}{self.each(step.each)}"
            case d.InPackages():
                return f" in packages of {self.expr(step.size)}{self.each(step.each)}"
            case d.Beyond():
                return f" beyond {step.allowance}"
            case d.At():
                return " at" + (f" {self.expr(step.cases[0][1])}" if self.plain(step) else "")
            case d.Tiers():
                words = " at graduated" if step.graduated else " at volume"
                if isinstance(step.bands[0], str):
                    table, rate, flat = step.bands
                    words += f" {table}.{rate or flat}" + (f" plus {table}.{flat}" if rate and flat else "")
                return words + self.each(step.each)
            case d.AtLeast():
                prorated = ", prorated by day" if step.prorated else ""
                return f" at least {self.expr(step.bound)}{self.each(step.each)}{prorated}"
            case d.AtMost():
                return f" at most {self.expr(step.bound)}{self.each(step.each)}"
            case d.Adjust():
                name = f' "{step.name}"' if step.name else ""
                return f" {'plus' if step.sign > 0 else 'less'} {self.expr(step.by)}{name}"
            case d.Rounded():
                return f" rounded to {self.rounding(step)}"
        raise TypeError(step)

    def plain(self, step: d.At) -> bool:
        return len(step.cases) == 1 and step.cases[0][0] is None

    def below(self, step, depth: int) -> None:
        if isinstance(step, d.At) and not self.plain(step):
            for when, rate in step.cases:
                if when is None:
                    words = "otherwise"
                elif isinstance(when, d.During | d.Dates):
                    words = self.cond(when)
                else:
                    words = f"when {self.cond(when)}"
                self.put(depth, f"{words}: {self.case(rate)}")
        if isinstance(step, d.Tiers) and not isinstance(step.bands[0], str):
            for tier in step.bands:
                self.put(depth, f"{self.band(tier.band)}: {self.tier(tier)}")

    def case(self, rate) -> str:
        if rate is None:
            return "not offered"
        return "free" if isinstance(rate, d.Rate) and not rate.price else self.expr(rate)

    def tier(self, tier: d.Tier) -> str:
        if tier.rate is None and tier.flat is None:
            return "free"
        if tier.rate is None:
            return self.figure(tier.flat)
        if tier.flat is None:
            return self.rate(tier.rate)
        return f"{self.figure(tier.flat)} plus {self.rate(tier.rate)}"

    def allowance(self, of) -> None:
        self.put(0, f'allowance {of.name} "Free use"')
        apart = f" for each {' and '.join(of.each.apart)}" if of.each.apart else ""
        self.put(1, f"{self.expr(of.size)} every {of.each.unit}{apart}")
        if of.kept:
            most = f", at most {self.figure(of.kept_at_most)}" if of.kept_at_most else ""
            self.put(1, f"unused kept {of.kept} {of.each.unit}{'s' if of.kept > 1 else ''}{most}")


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell or '"' in cell else cell

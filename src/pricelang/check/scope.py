"""What names mean while a file is checked: units, fields, tables, hours; and the types that figures have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from pricelang.core.ops import Cond
from pricelang.core.ops import Expr
from pricelang.core.ops import Hours
from pricelang.core.program import Allowance
from pricelang.core.program import ColumnType
from pricelang.core.program import FieldType
from pricelang.core.program import Table
from pricelang.core.program import UsageType
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Place
from pricelang.syntax import nodes as n
from pricelang.units import CURRENCIES
from pricelang.units import CURRENCY_ALIASES
from pricelang.units import PLAIN
from pricelang.units import REQUEST
from pricelang.units import SECOND
from pricelang.units import SIGNS
from pricelang.units import Unit
from pricelang.units import builtin_unit_names
from pricelang.units import currency
from pricelang.units import describe
from pricelang.units import find_unit

PERIODS = ("minute", "hour", "day", "week", "month", "quarter", "year", "bill")
OTHER_NAMES = {
    **dict.fromkeys(("string", "str", "varchar", "enum", "uuid"), "text"),
    **dict.fromkeys(("integer", "int", "float", "double", "decimal", "numeric"), "number"),
    **dict.fromkeys(("bool", "boolean"), "yes or no"),
    **dict.fromkeys(("datetime", "timestamp", "time"), "date"),
}
"""What programmers call the types of fields."""
RESERVED_FIELDS = ("id", "type", "at", "account", "started", "stopped")


@dataclass(frozen=True, slots=True)
class Type:
    """What a figure is. `kind`: number, text, choice, truth, date. `bare`: a plain number that takes its neighbour's
    unit. `zero`: `free`, which goes with any unit. `by_time`: a quantity of a resource that already counts by time."""

    kind: str
    unit: Unit = PLAIN
    bare: bool = False
    percent: bool = False
    zero: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()
    whole: bool = False
    by_time: bool = False

    def __str__(self) -> str:
        if self.kind != "number":
            return {"text": "a text", "choice": "a word", "truth": "yes or no", "date": "a date"}[self.kind]
        if self.percent:
            return "a percentage"
        return describe(self.unit.dims)


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression of the core with its type."""

    expr: Expr
    type: Type


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of a usage or of the account."""

    name: str
    type: Type
    place: Place
    part_of: tuple[str, ...] = ()
    computed: bool = False


@dataclass(slots=True)
class TableInfo:
    """A table on its way into the core."""

    name: str
    node: n.TableBlock
    keys: tuple[str, ...]
    columns: dict[str, Type]
    column_types: dict[str, ColumnType]
    band_key: int | None  # the key that is a band, where there is one
    table: Table | None = None
    band_unit: Unit | None = None
    broken: bool = False  # a finding stands against it, and what it holds is not known


@dataclass(slots=True)
class UsageInfo:
    """A usage or resource on its way into the core."""

    name: str
    is_resource: bool
    fields: dict[str, FieldInfo]
    place: Place
    usage: UsageType | None = None
    broken: bool = False  # what `part of` says is wrong, and was said
    part_index: dict[str, list[str]] | None = None

    def parts(self) -> dict[str, list[str]]:
        """For each field the fields that are declared part of it; asked only when all fields are there."""
        if self.part_index is None:
            self.part_index = {}
            for info in self.fields.values():
                for whole in info.part_of:
                    self.part_index.setdefault(whole, []).append(info.name)
        return self.part_index


@dataclass(slots=True)
class Scope:
    """Everything a pass may look up, and where findings go."""

    findings: Findings
    currency: str = ""
    zone: str = "UTC"
    units: dict[str, Unit] = field(default_factory=dict)
    usages: dict[str, UsageInfo] = field(default_factory=dict)
    account: dict[str, FieldInfo] = field(default_factory=dict)
    hours: dict[str, Hours] = field(default_factory=dict)
    tables: dict[str, TableInfo] = field(default_factory=dict)
    allowances: dict[str, Allowance] = field(default_factory=dict)
    allowance_names: set[str] = field(default_factory=set)
    allowance_units: dict[str, Unit] = field(default_factory=dict)
    # where an expression stands
    usage: UsageInfo | None = None
    lines: dict[str, Type] = field(default_factory=dict)
    within: tuple[UsageInfo, ...] = ()  # usages that use a table, while its conditions are read
    cells_used: dict[tuple[str, str], Place] = field(default_factory=dict)
    quantities_used: set[tuple[str, str]] = field(default_factory=set)
    share_base: bool = False
    given: Cond | None = None  # the condition of the price at hand, which holds for all its records
    bounding: bool = False  # the figure at hand is a limit, which can be `unlimited`
    cells_priced: dict[tuple[str, str], Place] = field(default_factory=dict)

    def inside(self, usage: UsageInfo | None, within: tuple[UsageInfo, ...] = ()) -> Scope:
        """The same scope, standing in a usage's price (or in a table that these usages use)."""
        return replace(self, usage=usage, lines={}, within=within)

    def quiet(self) -> Scope:
        """The same scope, whose findings go nowhere: for what is looked at a second time."""
        return replace(self, findings=Findings())

    # --- units and money

    def unit(self, name: n.UnitName) -> Unit | None:
        """The unit of a name, or None with a finding."""
        unit = find_unit(name.text, self.units)
        if unit is None:
            known = [*self.units, *builtin_unit_names()]
            near = get_close_matches(name.text, known, 1, 0.7)
            single = name.text[:-1] if name.text.endswith("s") else name.text
            advice = f"did you mean `{near[0]}`?" if near else f"declare it with `unit {single}`"
            if name.text in ("k", "m", "b"):
                advice = f"a thousand, a million and a billion are `1K`, `1M` and `1B`: write `{name.text.upper()}`"
            if name.text.lower() in OTHER_NAMES:
                advice = f"did you mean `{OTHER_NAMES[name.text.lower()]}`?"
            self.findings.add(codes.UNKNOWN_UNIT, name.place, advice, name=name.text)
            return None
        if name.month_hours is not None:
            powers = dict(unit.dims)
            months = powers.pop("month", 0)
            if months:
                powers["second"] = powers.get("second", 0) + months
                dims = tuple(sorted((base, power) for base, power in powers.items() if power))
                return Unit(dims, unit.factor * (name.month_hours * 3600) ** months, unit.name)
        return unit

    def money_code(self, written: str, place: Place) -> str | None:
        """The currency that a sign or a code means here, or None with a finding."""
        if not self.currency:
            self.findings.add(codes.NO_CURRENCY, place)
            self.currency = "USD"
        code = CURRENCY_ALIASES.get(written, written)
        if code not in CURRENCIES:
            meanings = SIGNS.get(written, ())
            if self.currency not in meanings:
                self.findings.add(codes.CURRENCY_SIGN, place, sign=written, currency=self.currency)
                return None
            code = self.currency
        if code != self.currency:
            self.findings.add(codes.CURRENCY_MIX, place, other=code, currency=self.currency)
            return None
        return code

    @property
    def money(self) -> Unit:
        return currency(self.currency or "USD")

    # --- names

    def nearest(self, name: str, known: Iterable[str]) -> str | None:
        """Advice with the nearest of the known names, or with all of them where they are few."""
        known = list(known)
        near = get_close_matches(name, known, 1, 0.6)
        if near:
            return f"did you mean `{near[0]}`?"
        if known and len(known) <= 12:
            return "there is " + ", ".join(f"`{one}`" for one in known)
        return ""

    def unknown(self, kind: str, name: str, place: Place, known: Iterable[str]) -> None:
        self.findings.add(codes.UNKNOWN_NAME, place, self.nearest(name, known), kind=kind, name=name)

    def field(self, name: str) -> FieldInfo | None:
        """A field of the usage at hand (of all usages that use the table at hand), if there is one."""
        if self.usage is not None:
            return self.usage.fields.get(name)
        for usage in self.within:
            if name in usage.fields:
                return usage.fields[name]
        return None

    def field_names(self) -> list[str]:
        if self.usage is not None:
            return list(self.usage.fields)
        return sorted({name for usage in self.within for name in usage.fields})


def builtin_fields(is_resource: bool, place: Place) -> dict[str, FieldInfo]:
    """The fields every record has: `requests`, its `id`, and `duration` of a resource."""
    fields = {"requests": FieldInfo("requests", Type("number", REQUEST, whole=True), place)}
    fields["id"] = FieldInfo("id", Type("text"), place)
    if is_resource:
        fields["duration"] = FieldInfo("duration", Type("number", SECOND), place)
    return fields


def field_type(type: Type) -> FieldType:
    """The core's type of a field that is sent."""
    if type.kind == "number":
        return FieldType("number", (), type.unit.factor, type.unit.name, type.whole)
    return FieldType(type.kind, type.choices)

"""The catalog of genai-prices: models with dated prices, hours, variants by context, tiers by size.

What has no price of its own is billed as what it is a part of (`as input`); what is a part of nothing that has a price
is not offered, where genai-prices would charge nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from decimal import Decimal
from decimal import InvalidOperation
from typing import Any

from pricelang.catalogs import figures
from pricelang.catalogs import names
from pricelang.catalogs import reading
from pricelang.catalogs.form import NOT_OFFERED
from pricelang.catalogs.form import Catalog
from pricelang.catalogs.form import Cells
from pricelang.catalogs.form import Condition
from pricelang.catalogs.form import Hours
from pricelang.catalogs.form import Layer
from pricelang.catalogs.form import LeftOut
from pricelang.catalogs.form import Model
from pricelang.catalogs.form import Prices
from pricelang.catalogs.form import Section
from pricelang.catalogs.form import Selector
from pricelang.catalogs.form import Sheet
from pricelang.catalogs.genai_units import METERS
from pricelang.catalogs.hours import DAY
from pricelang.catalogs.hours import weekly
from pricelang.catalogs.tokens import standing_for
from pricelang.catalogs.tokens import with_joins

NAME = "genai-prices"
_LEAST = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}
"""Seconds that genai-prices bills at least: written in its code, not in its data."""


def read(file: str | None) -> Catalog:
    """The whole catalog, from the installed package or a JSON file. Raises NoCatalog."""
    if file is None:
        raw: Any = reading.genai_package()
        origin = f"genai-prices {reading.package_version(NAME)}"
    else:
        raw, origin = reading.from_file(file), file
    if isinstance(raw, Mapping) and isinstance(raw.get("providers"), list):
        raw = raw["providers"]
    if not isinstance(raw, list) or not all(isinstance(one, Mapping) and "id" in one for one in raw):
        raise reading.NoCatalog(f"{origin} is no catalog of genai-prices: a list of providers with `id` is needed")
    return catalog(raw, origin)


def catalog(providers: Sequence[Mapping[str, Any]], origin: str) -> Catalog:
    """Sheets of the providers, in the order of their ids."""
    left: list[LeftOut] = []
    sheets = []
    taken: set[str] = set()
    models = 0
    for provider in sorted(providers, key=lambda one: str(one["id"])):
        models += len(_listed(provider.get("models")))
        sheet = _sheet(provider, left, taken)
        if sheet is not None:
            sheets.append(sheet)
    return Catalog(NAME, origin, models, tuple(sheets), tuple(sorted(left)))


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


# --- one provider ---


def _sheet(provider: Mapping[str, Any], left: list[LeftOut], taken: set[str]) -> Sheet | None:
    id = str(provider["id"])
    entries = [_Entry(id, one, left) for one in _listed(provider.get("models"))]
    kept = _named(id, [one for one in entries if one.sound()], left)
    if not kept:
        return None
    keys = with_joins({key for one in kept for prices in one.all_prices() for key in prices}, METERS)
    if any(one.edges for one in kept) and "input_mtok" not in keys:
        keys.insert(0, "input_mtok")
    models = tuple(sorted((one.model(keys) for one in kept), key=lambda model: (model.key.lower(), model.key)))
    name = figures.block_name(id)
    while name.lower() in taken:
        name += "_2"
    taken.add(name.lower())
    section = Section(
        usage="call",
        title="A call of a model",
        table="models",
        meters=tuple(METERS[key] for key in keys),
        models=models,
        band="input_tokens",
        selectors=_selectors(kept),
        steps=_steps(id, kept, keys),
    )
    title = names.clean(str(provider.get("name") or id))
    urls = [url for url in provider.get("pricing_urls") or [] if isinstance(url, str) and names.clean(url) == url]
    return Sheet(name, title, tuple(urls), (section,), _notes(provider, kept))


def _selectors(entries: Sequence[_Entry]) -> tuple[Selector, ...]:
    words: dict[str, set[str]] = {}
    for entry in entries:
        for variant in entry.variants:
            for key, value in variant.when.items():
                words.setdefault(key, set()).add(value)
    return tuple(Selector(key, "standard", tuple(sorted(words[key] - {"standard"}))) for key in sorted(words))


def _steps(provider: str, entries: Sequence[_Entry], keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    steps: dict[str, tuple[str, ...]] = {}
    by_least: dict[int, list[str]] = {}
    for entry in entries:
        least = _LEAST.get((provider, entry.id))
        if least is not None:
            by_least.setdefault(least, []).extend(name for name in entry.names if not name.startswith("like "))
    for least, models in sorted(by_least.items()):
        listed = ", ".join(figures.word(name) for name in sorted(models))
        step = f"at least {least} seconds when model is {'one of ' if len(models) > 1 else ''}{listed}"
        for key in keys:
            if key in ("audio_hours", "input_audio_hours"):
                steps[METERS[key].field] = (*steps.get(METERS[key].field, ()), step)
    return steps


def _notes(provider: Mapping[str, Any], entries: Sequence[_Entry]) -> tuple[tuple[str, str], ...]:
    """The remarks on prices; one that several models share is told once."""
    notes: list[tuple[str, str]] = []
    if said := names.clean(str(provider.get("price_comments") or "")):
        notes.append(("All", said))
    shared: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda one: one.id):
        if said := names.clean(str(entry.raw.get("price_comments") or "")):
            shared.setdefault(said, []).append(entry.id)
    notes += [(", ".join(models), said) for said, models in shared.items()]
    return tuple(notes)


def _named(provider: str, entries: Sequence[_Entry], left: list[LeftOut]) -> list[_Entry]:
    """Gives each model its names: its id, what the first matching rule gives it, patterns that meet nothing else."""

    def first(name: str) -> _Entry | None:
        return next((one for one in entries if names.fits(one.match, name.lower())), None) if name else None

    owners: dict[str, _Entry] = {}
    kept = []
    for entry in entries:
        why = names.writable(entry.id) or ("another model has this id" if entry.id in owners else None)
        if why:
            left.append(LeftOut(provider, entry.id, "the model", why, True))
            continue
        owners[entry.id] = entry
        entry.names.append(entry.id)
        kept.append(entry)
    patterns: list[tuple[str, _Entry]] = []
    for entry in kept:
        for kind, text in names.alternatives(entry.match) if entry.match else ():
            if kind == "left":
                entry.leave(f"the matching rule `{text}`", "only names and patterns with `*` can be written", left)
            elif kind == "like":
                patterns.append((text, entry))
            elif text not in owners:
                why = names.writable(text)
                if why is None and first(text) is not entry:
                    why = "an earlier model takes it"
                if why:
                    entry.leave(f"the name `{text}`", why, left)
                    continue
                owners[text] = entry
                entry.names.append(text)
    _patterned(patterns, owners, left)
    return kept


def _patterned(patterns: Sequence[tuple[str, _Entry]], owners: Mapping[str, _Entry], left: list[LeftOut]) -> None:
    """Narrower patterns come before wider ones; a wider one that takes a name of another model is left out."""
    chosen: list[tuple[str, _Entry]] = []
    # of two that are as long the one listed first stands, as it would win
    for text, entry in sorted(patterns, key=lambda one: -len(one[0])):
        plainest = text.strip("*")
        if any(text == pattern and owner is entry for pattern, owner in chosen):
            continue
        why = names.writable(plainest)
        if why is None and any(owner is not entry and names.like(text, name) for name, owner in owners.items()):
            why = "it takes names of other models too"
        if why is None and any(owner is not entry and names.collide(text, one) for one, owner in chosen):
            why = "it meets the pattern of another model"
        if why is None and len(chosen) >= names.MOST_PATTERNS:
            why = f"a table has {names.MOST_PATTERNS} patterns at most here"
        if why:
            entry.leave(f"the matching rule `{text}`", why, left)
        else:
            chosen.append((text, entry))
    for entry in {id(owner): owner for _, owner in chosen}.values():
        own = [text for text, owner in chosen if owner is entry]
        needed = [
            text for text in own if not any(text != one and names.like(one, text.replace("*", "")) for one in own)
        ]
        entry.names = [entry.names[0], *(one for one in entry.names[1:] if not _taken(one, needed))]
        if _taken(entry.names[0], needed):
            entry.names = entry.names[1:]
            entry.names.insert(0, f"like {needed[0]}")
            needed = needed[1:]
        entry.names += [f"like {text}" for text in sorted(needed)]


def _taken(name: str, patterns: Sequence[str]) -> bool:
    return any(names.like(pattern, name) for pattern in patterns)


# --- one model ---


@dataclass(slots=True)
class _Price:
    """Prices by key, each a list of (above, figure): the base above -1, then the tiers."""

    figures: dict[str, tuple[tuple[int, Decimal], ...]]

    def at(self, key: str, size: int) -> Decimal | None:
        """The figure of a request whose input is just above `size`."""
        tiers = self.figures.get(key)
        return None if tiers is None else [figure for above, figure in tiers if above <= size][-1]


@dataclass(slots=True)
class _Dated:
    prices: _Price
    start: date | None = None
    span: tuple[int, int] | None = None


@dataclass(slots=True)
class _Variant:
    when: dict[str, str]
    dated: _Dated


@dataclass
class _Entry:
    """A model as the catalog has it, read."""

    provider: str
    raw: Mapping[str, Any]
    left: list[LeftOut]
    names: list[str] = field(default_factory=list)
    standard: list[_Dated] = field(default_factory=list)
    variants: list[_Variant] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        prices = self.raw.get("prices")
        given = _listed(prices) if isinstance(prices, list) else [{"prices": prices or {}}]
        try:
            self.standard = [self._dated(one) for one in given]
            for variant in _listed(self.raw.get("price_variants")):
                when = {str(key): str(value) for key, value in (variant.get("when") or {}).items()}
                self.variants.append(_Variant(when, self._dated(variant)))
        except (ValueError, KeyError, TypeError, InvalidOperation) as error:
            self.faults.append(f"its prices cannot be read ({error})")

    @property
    def id(self) -> str:
        return str(self.raw.get("id"))

    @property
    def match(self) -> Mapping[str, Any]:
        clause = self.raw.get("match")
        return clause if isinstance(clause, Mapping) and len(clause) else {"equals": self.id}

    @property
    def edges(self) -> tuple[int, ...]:
        found = {above for prices in self.all_figures() for tiers in prices.values() for above, _ in tiers}
        return tuple(sorted(found - {-1}))

    def all_figures(self) -> list[dict[str, tuple[tuple[int, Decimal], ...]]]:
        return [one.prices.figures for one in self.standard] + [one.dated.prices.figures for one in self.variants]

    def all_prices(self) -> list[set[str]]:
        return [set(prices) for prices in self.all_figures()]

    def leave(self, what: str, reason: str, left: list[LeftOut], whole: bool = False) -> None:
        left.append(LeftOut(self.provider, self.id, what, reason, whole))

    def sound(self) -> bool:
        """Whether it can be written; if not, that is noted."""
        if not self.faults and not self.standard:
            self.faults.append("it has no prices")
        if self.faults:
            self.leave("the model", self.faults[0], self.left, True)
        return not self.faults

    def _dated(self, raw: Mapping[str, Any]) -> _Dated:
        prices = raw.get("prices")
        if not isinstance(prices, Mapping):
            raise ValueError("a price is no mapping")
        found: dict[str, tuple[tuple[int, Decimal], ...]] = {}
        for key, value in prices.items():
            if value is None:
                continue
            if key not in METERS:
                self.leave(f"the price `{key}`", "it is of nothing that is known to be counted", self.left)
                continue
            found[str(key)] = _tiers(value)
        return _constrained(_Price(found), raw.get("constraint"))

    # --- to the common form ---

    def model(self, keys: Sequence[str]) -> Model:
        starts = sorted({one.start for one in self.standard if one.start})
        ends: list[date | None] = [*starts, None]
        days: list[date | None] = [None, *starts]
        plain = [self._at(day, None) for day in days]
        layers = [Layer(self._cells(plain[0], keys))]
        for before, day, prices in zip(plain, days[1:], plain[1:], strict=False):
            changed = _changed(self._cells(before, keys), self._cells(prices, keys))
            if changed:
                layers.append(Layer(changed, start=day))
        layers += self._by_hours(days, ends, plain, keys)
        for number in range(len(self.variants)):
            layers += self._variant(number, keys)
        checked = self.raw.get("prices_checked")
        return Model(
            names=tuple(self.names),
            layers=tuple(layers),
            edges=self.edges,
            checked=str(checked)[:10] if _is_date(checked) else None,
        )

    def _at(self, day: date | None, second: int | None) -> _Price:
        """The standard prices on a day (None: before all dates), at a second of it (None: outside all spans)."""
        for one in reversed(self.standard):
            if one.start is not None and (day is None or day < one.start):
                continue
            if one.span is not None and (second is None or not _within(one.span, second)):
                continue
            return one.prices
        return self.standard[0].prices

    def _by_hours(
        self, days: Sequence[date | None], ends: Sequence[date | None], plain: Sequence[_Price], keys: Sequence[str]
    ) -> list[Layer]:
        """Layers for the hours; days on end with the same change are one layer."""
        marks = sorted({0, *(edge for one in self.standard if one.span for edge in one.span if edge < DAY)})
        if not any(one.span for one in self.standard):
            return []
        runs: dict[tuple[Hours, tuple[tuple[str, Cells], ...]], list[list[int]]] = {}
        for number, day in enumerate(days):
            beneath = self._cells(plain[number], keys)
            seconds: dict[tuple[tuple[str, Cells], ...], list[int]] = {}
            for mark in marks:
                changed = _changed(beneath, self._cells(self._at(day, mark), keys))
                if changed:
                    seconds.setdefault(tuple(changed.items()), []).append(mark)
            for cells, held in seconds.items():
                hours = _daily(marks, held)
                spells = runs.setdefault((hours, cells), [])
                if spells and spells[-1][1] == number - 1:
                    spells[-1][1] = number
                else:
                    spells.append([number, number])
        return [
            Layer(dict(cells), days[first], _before(ends[last]), hours)
            for (hours, cells), spells in runs.items()
            for first, last in spells
        ]

    def _variant(self, number: int, keys: Sequence[str]) -> list[Layer]:
        """Layers for a variant: for each of its cells, where no earlier variant that holds as well has one."""
        variant = self.variants[number]
        own = self._cells(variant.dated.prices, [key for key in keys if key in variant.dated.prices.figures])
        rivals = [one for one in self.variants[:number] if _can_meet(one.when, variant.when)]
        layers: list[Layer] = []
        for day, end in self._spells(variant, rivals):
            for hours, second in _parts_of_a_day(variant, rivals):
                active = [one for one in rivals if _is_on(one, day, second)]
                groups: dict[tuple[tuple[Condition, ...], ...], dict[str, Cells]] = {}
                for name, cells in own.items():
                    against = [
                        one.when for one in active if any(METERS[key].field == name for key in one.dated.prices.figures)
                    ]
                    groups.setdefault(_apart(variant.when, against), {})[name] = cells
                for conditions, prices in groups.items():
                    layers += [Layer(prices, day, _before(end), hours, condition) for condition in conditions]
        return layers

    def _spells(self, variant: _Variant, rivals: Sequence[_Variant]) -> list[tuple[date | None, date | None]]:
        start = variant.dated.start
        later = {one.dated.start for one in rivals if one.dated.start and (start is None or one.dated.start > start)}
        edges: list[date | None] = [start, *sorted(later)]
        return list(zip(edges, [*edges[1:], None], strict=True))

    def _cells(self, prices: _Price, keys: Sequence[str]) -> dict[str, Cells]:
        """The cells of each column: a price, the column that stands for it, or not offered."""
        priced = set(prices.figures)
        sizes = (-1, *self.edges)
        cells: dict[str, Cells] = {}
        for key in keys:
            stands = None if key in priced else standing_for(key, priced, METERS)
            if key in priced:
                own = [prices.at(key, size) for size in sizes]
                cells[METERS[key].field] = tuple(figures.money(one) for one in own if one is not None)
            else:
                text = NOT_OFFERED if stands is None else f"as {METERS[stands].name}"
                if key == "requests_kcount" and priced:
                    text = figures.money(Decimal(0))  # every record is a request
                cells[METERS[key].field] = (text,) * len(sizes)
        return cells


def _changed(before: Prices, after: Prices) -> dict[str, Cells]:
    return {name: cells for name, cells in after.items() if before[name] != cells}


def _before(day: date | None) -> date | None:
    return None if day is None else day - timedelta(days=1)


def _can_meet(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(other.get(key, value) == value for key, value in one.items())


def _is_on(variant: _Variant, day: date | None, second: int) -> bool:
    dated = variant.dated
    if dated.start is not None and (day is None or day < dated.start):
        return False
    return dated.span is None or _within(dated.span, second)


def _parts_of_a_day(variant: _Variant, rivals: Sequence[_Variant]) -> list[tuple[Hours | None, int]]:
    """The hours in which a variant holds, cut where an earlier one begins or ends, each with a second of them."""
    spans = [one.dated.span for one in (variant, *rivals) if one.dated.span]
    if not spans:
        return [(None, 0)]
    marks = sorted({0, *(edge for span in spans for edge in span if edge < DAY)})
    found: dict[tuple[bool, ...], list[int]] = {}
    for mark in marks:
        if variant.dated.span is None or _within(variant.dated.span, mark):
            found.setdefault(tuple(_within(span, mark) for span in spans), []).append(mark)
    return [(None if held == marks else _daily(marks, held), held[0]) for held in found.values()]


def _apart(when: Mapping[str, str], rivals: Sequence[Mapping[str, str]]) -> tuple[tuple[Condition, ...], ...]:
    """Conditions, no two of which hold at once, that together say: `when` holds and none of the rivals does."""
    base: tuple[Condition, ...] = tuple((key, True, (value,)) for key, value in sorted(when.items()))
    found = [base]
    for rival in rivals:
        rest = [(key, value) for key, value in sorted(rival.items()) if key not in when]
        split: list[tuple[Condition, ...]] = []
        for conditions in found:
            for number, (key, value) in enumerate(rest):
                met: tuple[Condition, ...] = tuple((one, True, (said,)) for one, said in rest[:number])
                split.append((*conditions, *met, (key, False, (value,))))
        found = split
    return tuple(merged for conditions in found if (merged := _merged(conditions)) is not None)


def _merged(conditions: Sequence[Condition]) -> tuple[Condition, ...] | None:
    """One condition a field and verb; None where they cannot hold together."""
    is_: dict[str, set[str]] = {}
    not_: dict[str, set[str]] = {}
    for key, holds, words in conditions:
        (is_ if holds else not_).setdefault(key, set()).update(words)
    merged: list[Condition] = []
    for key, only in is_.items():
        if len(only) > 1 or only & not_.get(key, set()):
            return None
        merged.append((key, True, tuple(only)))
    merged += [(key, False, tuple(sorted(none))) for key, none in not_.items() if key not in is_]
    return tuple(merged)


# --- reading ---


def _tiers(value: Any) -> tuple[tuple[int, Decimal], ...]:
    if isinstance(value, Mapping):
        tiers = [(-1, _figure(value["base"]))]
        for tier in sorted(value.get("tiers") or [], key=lambda one: int(one["start"])):
            tiers.append((int(tier["start"]), _figure(tier["price"])))
        return tuple(tiers)
    return ((-1, _figure(value)),)


def _figure(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise ValueError(f"{value} is no figure")
    figure = value if isinstance(value, Decimal) else Decimal(str(value))
    if not figure.is_finite() or figure < 0:
        raise ValueError(f"{value} is no price")
    return figure


def _constrained(prices: _Price, raw: Any) -> _Dated:
    if not raw:
        return _Dated(prices)
    if not isinstance(raw, Mapping):
        raise ValueError("a constraint is no mapping")
    if raw.get("start_date") is not None:
        start = raw["start_date"]
        return _Dated(prices, start=start if isinstance(start, date) else date.fromisoformat(str(start)[:10]))
    if raw.get("start_time") is not None and raw.get("end_time") is not None:
        return _Dated(prices, span=(_second(raw["start_time"]), _second(raw["end_time"])))
    raise ValueError("a constraint is neither a date nor hours")


def _second(value: Any) -> int:
    """The second of the UTC day."""
    given = value if isinstance(value, time) else time.fromisoformat(str(value))
    at = datetime.combine(date(2000, 1, 1), given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    return at.hour * 3600 + at.minute * 60 + at.second


def _within(span: tuple[int, int], second: int) -> bool:
    start, end = span
    return second >= start or second < end if end < start else start <= second < end


def _daily(marks: Sequence[int], held: Sequence[int]) -> Hours:
    """The hours of every day from each mark that is held to the next mark."""
    found = weekly(marks, lambda _, second: max(mark for mark in marks if mark <= second) in held)
    assert found is not None
    return found


def _is_date(value: Any) -> bool:
    try:
        return value is not None and bool(date.fromisoformat(str(value)[:10]))
    except ValueError:
        return False

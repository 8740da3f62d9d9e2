"""A sheet as the text of a rule file, in the formatter's layout. The same sheet gives the same text."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from itertools import pairwise

from pricelang.catalogs import figures
from pricelang.catalogs.form import NOT_OFFERED
from pricelang.catalogs.form import Condition
from pricelang.catalogs.form import Hours
from pricelang.catalogs.form import Layer
from pricelang.catalogs.form import Meter
from pricelang.catalogs.form import Model
from pricelang.catalogs.form import Section
from pricelang.catalogs.form import Sheet
from pricelang.engine.lookup import meet
from pricelang.source import Source
from pricelang.syntax.layout import layout
from pricelang.units import find_unit
from pricelang.units import plural

MARK = "# Written by `pricelang import"
WIDEST_HOURS = 44
_TOKENS = "1M tokens"
_DOUBLED = (
    "the catalog takes the first that fits; a name that fits two of them is refused here rather than priced by chance"
)
_CLIFF = "the catalog has no price for long requests there, which are billed at the standard price"

Called = Mapping[Hours, str]
"""The name of each block of hours in a file."""


def text_of(sheet: Sheet, source: str) -> str:
    """The whole file."""
    lines = [f"{MARK} {source}`, which writes it anew: put changes into a ruleset based on it.", ""]
    lines += _header(sheet)
    units = dict.fromkeys(meter.unit for section in sheet.sections for meter in section.meters)
    declared = [f"unit {unit}" for unit in units if find_unit(unit, {}) is None]
    lines += [*declared, ""] if declared else []
    called = _called({layer.hours for layer in _layers(sheet) if layer.hours})
    for hours, name in called.items():
        lines += [*_hours(hours, name), ""]
    for section in sheet.sections:
        lines += _section(section, called)
    lines += _notes(sheet.notes)
    return layout(Source(f"{sheet.name}.price", "\n".join(lines).rstrip() + "\n"))


def layers_of(sheet: Sheet) -> int:
    """How many layers the table of a sheet has that has the most."""
    return max((len(_blocks(section)) for section in sheet.sections), default=0)


def _layers(sheet: Sheet) -> Iterator[Layer]:
    for section in sheet.sections:
        for model in section.models:
            yield from model.layers


def _header(sheet: Sheet) -> list[str]:
    sources = [f"  source {figures.quoted(url)}" for url in sheet.sources]
    return [
        f"ruleset {sheet.name} {figures.quoted(sheet.title)}",
        *sources,
        "  currency USD",
        "  timezone UTC",
        "",
    ]


def _called(hours: Collection[Hours]) -> Called:
    """What the hours of a file are called: by their windows, or `special_hours` where that is too long to read."""
    called: dict[Hours, str] = {}
    for one in sorted(hours):
        name = one.name if len(one.name) <= WIDEST_HOURS else "special_hours"
        taken = sum(other == name or other.startswith(f"{name}_") for other in called.values())
        called[one] = name if not taken else f"{name}_{taken + 1}"
    return called


def _hours(hours: Hours, name: str) -> list[str]:
    lines = [f"hours {name}"]
    for days, spans in hours.windows:
        clock = ", ".join(f"{start} to {end}" for start, end in spans)
        lines.append(f"  {days}  {'all day' if clock == '00:00 to 24:00' else clock}")
    return lines


# --- a section ---


def _section(section: Section, called: Called) -> list[str]:
    return [*_usage(section), "", *_table(section, called), "", *_price(section), ""]


def _usage(section: Section) -> list[str]:
    lines = [f"usage {section.usage} {figures.quoted(section.title)}", "  model  text"]
    for selector in section.selectors:
        words = [figures.word(word) for word in (selector.default, *selector.words)]
        listed = f"{', '.join(words[:-1])} or {words[-1]}"
        lines.append(f"  {selector.field}  one of {listed}, default {words[0]}")
    if section.band and all(meter.field != section.band for meter in section.meters):
        lines.append(f"  {section.band}  number, default 0")
    for meter in section.meters:
        if meter.field == "requests":
            continue
        wholes = [whole.field for whole in wholes_of(meter, section.meters)]
        part = f", part of {' and '.join(wholes)}" if wholes else ""
        needed = not wholes and _always(meter, section)
        lines.append(f"  {meter.field}  {plural(meter.unit)}{part}{'' if needed else ', default 0'}")
    return lines


def wholes_of(meter: Meter, meters: Sequence[Meter]) -> list[Meter]:
    """What a meter is directly a part of."""
    above = [one for one in meters if one.dims < meter.dims]
    return [one for one in above if not any(one.dims < other.dims for other in above)]


def _always(meter: Meter, section: Section) -> bool:
    """Whether every record has to give it: the only thing that is counted, or tokens of models of text."""
    others = [one for one in section.meters if one.unit != "token" and one.field != "web_searches"]
    if len(section.meters) > 1 and (others or meter.unit != "token"):
        return False
    return all(cell != NOT_OFFERED for model in section.models for cell in model.layers[0].prices[meter.field])


def _table(section: Section, called: Called) -> list[str]:
    banded = any(model.edges for model in section.models)
    tokens = any(meter.per == _TOKENS for meter in section.meters)
    keys = f"model and {section.band}" if banded else "model"
    lines = [f"table {section.table} by {keys}{f', per {_TOKENS}' if tokens else ''}"]
    if _is_doubled(section):
        lines.append(f"  allow two-fit {figures.quoted(_DOUBLED)}")
    source = _common(model.source for model in section.models)
    checked = _common(model.checked for model in section.models)
    if source:
        lines.append(f"  source {figures.quoted(source)}{f', checked {checked}' if checked else ''}")
    told = any(model.source and model.source != source for model in section.models)
    dated = any(model.checked and model.checked != checked for model in section.models)
    header = ["Model", *([_shown(section.band or "")] if banded else [])]
    header += [f"{meter.column}{'' if meter.per == _TOKENS else f' (per {meter.per})'}" for meter in section.meters]
    header += [f"{share.column} (%)" for share in section.shares]
    header += [*(["Source"] if told else []), *(["Checked"] if dated else [])]
    lines.append(_row(header))
    lines.append(_row(["---"] * len(header)))
    for model in section.models:
        lines += _rows(model, section, banded, told, dated, source)
    for block in _blocks(section):
        lines += ["", *_layer(block, section, banded, called)]
    return lines


def _common(given: Iterable[str | None]) -> str | None:
    """What most say; the first in the alphabet of those as frequent."""
    counted = Counter(one for one in given if one)
    return min(counted, key=lambda one: (-counted[one], one)) if counted else None


def _shown(field: str) -> str:
    return field.replace("_", " ").capitalize()


def _row(cells: Sequence[str]) -> str:
    return "  | " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rows(model: Model, section: Section, banded: bool, told: bool, dated: bool, source: str | None) -> Iterator[str]:
    where = "not stated" if model.source is None else "" if model.source == source else model.source
    for names in figures.rows_of_names(model.names):
        for number, band in enumerate(figures.bands(model.edges)):
            cells = [", ".join(names), *([band] if banded else [])]
            cells += [_cell(model, model.layers[0], meter, number, section) for meter in section.meters]
            cells += [model.shares.get(share.column, "0") for share in section.shares]
            cells += [*([where] if told else []), *([model.checked or ""] if dated else [])]
            yield _row(cells)


def _cell(model: Model, layer: Layer, meter: Meter, number: int, section: Section) -> str:
    """A cell as it is written: what is priced as something that is not offered is not offered."""
    cell = layer.prices[meter.field][number]
    return NOT_OFFERED if _resolved(model, layer, cell, number, section) == NOT_OFFERED else cell


def _resolved(model: Model, layer: Layer, cell: str, number: int, section: Section) -> str:
    """What a cell comes to that may be priced `as` another."""
    fields = {meter.name: meter.field for meter in section.meters}
    for _ in section.meters:
        field = fields.get(cell.removeprefix("as ")) if cell.startswith("as ") else None
        if field is None:
            break
        cell = layer.prices.get(field, model.layers[0].prices[field])[number]
    return cell


def _is_doubled(section: Section) -> bool:
    """Whether some text fits the patterns of two rows."""
    rows = [row for model in section.models for row in figures.rows_of_names(model.names)]
    patterns = [
        (name.removeprefix("like "), number)
        for number, row in enumerate(rows)
        for name in row
        if name.startswith("like ")
    ]
    return any(one != two and meet(name, other) for (name, one), (other, two) in combinations(patterns, 2))


def _has_cliff(section: Section) -> bool:
    """Whether something costs less in a band than in the one below it."""
    for model in section.models:
        for layer in model.layers:
            for cells in layer.prices.values():
                found = [_resolved(model, layer, cell, number, section) for number, cell in enumerate(cells)]
                figures_ = [Fraction(one[1:]) if one.startswith("$") else Fraction(0) for one in found]
                offered = [figure for figure, one in zip(figures_, found, strict=True) if one != NOT_OFFERED]
                if any(high < low for low, high in pairwise(offered)):
                    return True
    return False


Block = tuple[Layer, list[tuple[Model, Layer]]]


def _blocks(section: Section) -> list[Block]:
    """The layers of all models, those that hold at the same time under one head, in the order of their rank."""
    found: dict[tuple[object, ...], Block] = {}
    for model in section.models:
        for layer in model.layers[1:]:
            head = (layer.start, layer.until, layer.hours, layer.when)
            found.setdefault(head, (layer, []))[1].append((model, layer))
    return sorted(found.values(), key=lambda block: _rank(block[0]))


def _rank(layer: Layer) -> tuple[object, ...]:
    kind = 4 if layer.when else 3 if layer.hours else 2 if layer.until else 1
    hours = layer.hours.name if layer.hours else ""
    return kind, layer.when, hours, str(layer.start or ""), str(layer.until or "")


def _layer(block: Block, section: Section, banded: bool, called: Called) -> Iterator[str]:
    layer, entries = block
    used = [meter for meter in section.meters if any(meter.field in one.prices for _, one in entries)]
    by_band = banded and any(len(set(cells)) > 1 for _, one in entries for cells in one.prices.values())
    yield f"  {_head(layer, called)}"
    header = ["Model", *([_shown(section.band or "")] if by_band else []), *(meter.column for meter in used)]
    yield "  " + _row(header)
    for model, one in entries:
        for names in figures.rows_of_names(model.names):
            for number, band in enumerate(figures.bands(model.edges) if by_band else ("",)):
                cells = [
                    _cell(model, one, meter, number, section) if meter.field in one.prices else "" for meter in used
                ]
                yield "  " + _row([names[0], *([band] if by_band else []), *cells])


def _head(layer: Layer, called: Called) -> str:
    words = [f"from {layer.start}"] if layer.start else []
    words += [f"until {layer.until}"] if layer.until else []
    words += [f"during {called[layer.hours]}"] if layer.hours else []
    conditions = " and ".join(_condition(one) for one in layer.when)
    return " ".join(
        [*words, *(["and"] if words and conditions else []), *([f"when {conditions}"] if conditions else [])]
    )


def _condition(condition: Condition) -> str:
    field, holds, words = condition
    verb = "is" if holds else "is not"
    if len(words) == 1:
        return f"{field} {verb} {figures.word(words[0])}"
    return f"{field} {verb} one of {', '.join(figures.word(word) for word in words)}"


def _price(section: Section) -> list[str]:
    lines = [f"price {section.usage}"]
    if _has_cliff(section):
        lines.append(f"  allow tier-cliff {figures.quoted(_CLIFF)}")
    for meter in section.meters:
        has_parts = any(meter in wholes_of(one, section.meters) for one in section.meters)
        quantity = f"rest of {meter.field}" if has_parts else meter.field
        at = f"at {section.table}.{meter.name}"
        steps = section.steps.get(meter.field, ())
        waiver = (
            ['    allow endless-decimals "the catalog prices by the hour, and rounds nothing"']
            if _endless(meter, section)
            else []
        )
        if steps:
            lines += [f"  {meter.name}: {quantity}", *(f"    {step}" for step in steps), f"    {at}"]
        else:
            lines.append(f"  {meter.name}: {quantity} {at}")
        lines += waiver
        lines += [
            f"    plus {section.table}.{share.name} when {share.field} is {figures.word(share.word)}"
            for share in section.shares
            if meter.field in share.on
        ]
    return lines


def _endless(meter: Meter, section: Section) -> bool:
    """Whether a second at any of the prices has decimals without end."""
    if meter.per != "hour":
        return False
    cells = [cell for model in section.models for layer in model.layers for cell in layer.prices.get(meter.field, ())]
    left = [(Fraction(cell[1:]) / 3600).denominator for cell in cells if cell.startswith("$")]
    return any(_without(_without(one, 2), 5) != 1 for one in left)


def _without(number: int, factor: int) -> int:
    while number % factor == 0:
        number //= factor
    return number


def _notes(notes: Sequence[tuple[str, str]]) -> list[str]:
    if not notes:
        return []
    lines = ["", "# What the catalog remarks", ""]
    for whom, text in notes:
        lines += [f"# {line}" for line in textwrap.wrap(f"{whom}: {text}", 116)]
        lines.append("#")
    return lines[:-1]

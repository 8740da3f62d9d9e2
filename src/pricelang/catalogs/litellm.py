"""The catalog of litellm: entries by name, each with a provider, a mode and its prices by the unit."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pricelang.catalogs import figures
from pricelang.catalogs import names
from pricelang.catalogs import reading
from pricelang.catalogs.form import NOT_OFFERED
from pricelang.catalogs.form import Catalog
from pricelang.catalogs.form import LeftOut
from pricelang.catalogs.form import Meter
from pricelang.catalogs.form import Model
from pricelang.catalogs.form import Section
from pricelang.catalogs.form import Selector
from pricelang.catalogs.form import Share
from pricelang.catalogs.form import Sheet
from pricelang.catalogs.litellm_keys import METERS
from pricelang.catalogs.litellm_keys import read as read_keys
from pricelang.catalogs.litellm_rates import Rates
from pricelang.catalogs.tokens import with_joins

NAME = "litellm"
_FILE = "model_prices_and_context_window_backup.json"
_NOT_MODELS = {"sample_spec": "it describes the keys of an entry"}
_SECTIONS = {
    "chat": ("chat", "Chat, completions and responses"),
    "embedding": ("embedding", "Embeddings"),
    "realtime": ("realtime", "Realtime sessions"),
    "image": ("image", "Images made and edited"),
    "video": ("video", "Videos made"),
    "transcription": ("transcription", "Transcriptions"),
    "speech": ("speech", "Speech"),
    "rerank": ("rerank", "Reranking"),
    "search": ("search", "Searches"),
    "ocr": ("ocr", "Pages read"),
    "guardrail": ("guardrail", "Guardrails"),
}
_MODES = {
    "completion": "chat",
    "responses": "chat",
    "evaluation": "chat",
    "extraction": "chat",
    "moderation": "chat",
    "image_generation": "image",
    "image_edit": "image",
    "video_generation": "video",
    "audio_transcription": "transcription",
    "audio_speech": "speech",
    "vector_store": "search",
}
_SELECTORS = ("service_tier", "search_context_size", "image_size", "resolution")


def read(file: str | None) -> Catalog:
    """The whole catalog, from the installed package or a JSON file. Raises NoCatalog."""
    if file is None:
        raw = reading.package_file(NAME, NAME, _FILE)
        origin = f"litellm {reading.package_version(NAME)}"
    else:
        raw, origin = reading.from_file(file), file
    if not isinstance(raw, Mapping) or not any(
        isinstance(one, Mapping) and "litellm_provider" in one for one in raw.values()
    ):
        raise reading.NoCatalog(
            f"{origin} is no catalog of litellm: entries by name with `litellm_provider` are needed"
        )
    return catalog(raw, origin)


def catalog(entries: Mapping[str, Any], origin: str) -> Catalog:
    """Sheets of the providers, in the order of their names."""
    left: list[LeftOut] = []
    providers: dict[str, list[_Entry]] = {}
    taken: dict[str, str] = {}
    for name, raw in entries.items():
        provider = str(raw.get("litellm_provider") or "") if isinstance(raw, Mapping) else ""
        why = _NOT_MODELS.get(name)
        if why is None and not provider:
            why = "it names no provider"
        why = why or names.writable(name)
        if why:
            left.append(LeftOut(provider if name not in _NOT_MODELS else "", name, "the entry", why, True))
            continue
        providers.setdefault(provider, []).append(_Entry(name, provider, raw))
    sheets = []
    for provider in sorted(providers):
        name = figures.block_name(provider)
        while taken.get(name.lower(), provider) != provider:
            name += "_2"
        taken[name.lower()] = provider
        sheets.append(_sheet(name, provider, providers[provider], left))
    return Catalog(NAME, origin, len(entries), tuple(sheets), tuple(sorted(left)))


@dataclass
class _Entry:
    name: str
    provider: str
    raw: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.keys = read_keys(self.raw)
        mode = self.raw.get("mode")
        self.mode = str(mode) if mode is not None else None
        self.rates = Rates(self.provider, self.mode, self.keys)

    @property
    def section(self) -> str:
        return _MODES.get(self.mode or "chat", self.mode or "chat")

    @property
    def source(self) -> str | None:
        url = self.raw.get("source")
        return url if isinstance(url, str) and url and names.clean(url) == url else None


def _sheet(name: str, provider: str, entries: Sequence[_Entry], left: list[LeftOut]) -> Sheet:
    by_section: dict[str, list[_Entry]] = {}
    for entry in entries:
        by_section.setdefault(entry.section, []).append(entry)
    order = [*_SECTIONS, *sorted(set(by_section) - set(_SECTIONS))]
    sections = [_section(one, by_section[one], left) for one in order if one in by_section]
    for entry in entries:
        left += [LeftOut(provider, entry.name, f"`{key}`", why) for key, why in entry.keys.unread.items()]
        if not entry.keys.prices_anything:
            left.append(LeftOut(provider, entry.name, "a price", "the catalog has none: its row says `—`"))
    return Sheet(name, provider, (), tuple(sections), _notes(entries))


def _section(kind: str, entries: Sequence[_Entry], left: list[LeftOut]) -> Section:
    usage, title = _SECTIONS.get(kind, (figures.block_name(kind), kind.replace("_", " ").capitalize()))
    entries = sorted(entries, key=lambda one: (one.name.lower(), one.name))
    keys = _meters(entries)
    extra = _units(entries)
    models = [_model(entry, keys, extra) for entry in entries]
    keys = _worth_a_column(keys, models)
    meters = (*(METERS[key] for key in keys), *extra.values())
    shares = _shares(entries, meters)
    banded = any(model.edges for model in models)
    band = ("max_results" if kind == "search" else "input_tokens") if banded else None
    return Section(usage, title, f"{usage}_models", meters, tuple(models), band, _selectors(models, shares), shares)


def _meters(entries: Sequence[_Entry]) -> list[str]:
    """The columns that any entry has a price for, and what is a part of two of them."""
    priced = {meter for entry in entries for meter in entry.rates.priced()}
    found = with_joins(
        priced & set(METERS),
        METERS,
        lambda key: METERS["cache_read"].dims < METERS[key].dims,
    )
    return found or ["input"]


def _units(entries: Sequence[_Entry]) -> dict[str, Meter]:
    """Meters of what a guardrail counts, by the catalog's own names."""
    found: dict[str, Meter] = {}
    for entry in entries:
        for name in entry.keys.units:
            field = figures.snake(name)
            column = field.replace("_", " ").capitalize()
            found[name] = Meter(field, column, "text_unit", "1K text_units", frozenset({("unit", field)}))
    return dict(sorted(found.items()))


def _model(entry: _Entry, keys: Sequence[str], extra: Mapping[str, Meter]) -> Model:
    try:
        layers = list(entry.rates.layers(keys))
    except (ValueError, KeyError, TypeError) as error:
        entry.keys.unread["off_peak_pricing"] = f"it cannot be read ({error})"
        entry.keys.off_peak = None
        layers = list(entry.rates.layers(keys))
    for name, meter in extra.items():
        price = entry.keys.units.get(name)
        cell = NOT_OFFERED if price is None else figures.money(figures.shifted(price, 3))
        layers[0] = layers[0].with_cells(meter.field, (cell,) * len(entry.rates.sizes))
    shares = {_column(at): figures.plain((one - 1) * 100) for at, one in entry.keys.uplifts.items()}
    return Model((entry.name,), tuple(layers), entry.rates.edges, shares, entry.source, None, entry.rates.words())


def _worth_a_column(keys: Sequence[str], models: Sequence[Model]) -> list[str]:
    """Without the tokens that nobody has a price for, such as the output of embeddings, if something else is left."""
    if all(METERS[key].unit == "token" and key in ("input", "output") for key in keys):
        real = [key for key in keys if any(_is_price(cell) for model in models for cell in _cells(model, key))]
        return real or list(keys)
    return list(keys)


def _cells(model: Model, key: str) -> list[str]:
    field = METERS[key].field
    return [cell for layer in model.layers for cell in layer.prices.get(field, ())]


def _is_price(cell: str) -> bool:
    return cell.startswith("$")


def _column(at: str) -> str:
    field, _, word = at.partition(" ")
    return f"{'Regional' if field == 'endpoint' else word.upper() if len(word) == 2 else word.capitalize()} surcharge"


def _shares(entries: Sequence[_Entry], meters: Sequence[Meter]) -> tuple[Share, ...]:
    found: dict[str, str] = {}
    tokens = frozenset(meter.field for meter in meters if meter.unit == "token")
    for entry in entries:
        for at in entry.keys.uplifts:
            found[at] = _column(at)
    return tuple(Share(found[at], at.split(" ")[0], at.split(" ")[1], tokens) for at in sorted(found))


def _selectors(models: Sequence[Model], shares: Sequence[Share]) -> tuple[Selector, ...]:
    words: dict[str, set[str]] = {}
    for model in models:
        for layer in model.layers:
            for field, _, said in layer.when:
                words.setdefault(field, set()).update(said)
        for field, given in model.words.items():
            words.setdefault(field, set()).update(given)
    for share in shares:
        words.setdefault(share.field, set()).add(share.word)
    found = []
    for field in [*_SELECTORS, *sorted(set(words) - set(_SELECTORS))]:
        if field in words:
            default = "medium" if field == "search_context_size" else _DEFAULTS.get(field, "standard")
            found.append(Selector(field, default, tuple(sorted(words[field] - {default}))))
    return tuple(found)


_DEFAULTS = {"endpoint": "global", "inference_geo": "global", "data_residency": "global"}


def _notes(entries: Sequence[_Entry]) -> tuple[tuple[str, str], ...]:
    """The catalog's remarks on prices; one that several entries share is told once."""
    shared: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda one: one.name):
        metadata = entry.raw.get("metadata")
        said = [entry.raw.get("comment")]
        said += [metadata.get(key) for key in ("notes", "comment")] if isinstance(metadata, Mapping) else []
        for text in said:
            if isinstance(text, str) and (shown := names.clean(text)):
                shared.setdefault(shown, []).append(entry.name)
    return tuple((", ".join(who), text) for text, who in shared.items())

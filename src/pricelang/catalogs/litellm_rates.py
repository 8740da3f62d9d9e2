"""The prices of an entry of litellm as cells: what a request costs on each tier at each size, as litellm has it.

A tier without a price of its own has the standard one. Cached and written tokens without a price are billed as input,
other tokens as what they are a part of; for anything else no price means not offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pricelang.catalogs import figures
from pricelang.catalogs.form import NOT_OFFERED
from pricelang.catalogs.form import Cells
from pricelang.catalogs.form import Hours
from pricelang.catalogs.form import Layer
from pricelang.catalogs.hours import DAY
from pricelang.catalogs.hours import weekly
from pricelang.catalogs.litellm_keys import METERS
from pricelang.catalogs.litellm_keys import TIERS
from pricelang.catalogs.litellm_keys import TOKEN_KEYS
from pricelang.catalogs.litellm_keys import Keys
from pricelang.catalogs.litellm_keys import figure
from pricelang.catalogs.tokens import standing_for

_WALL_CLOCK = {"audio_transcription", "chat", "completion", "embedding", "responses", None}
_IMAGE_MODES = {"image_generation", "image_edit"}
_BY_TIER = {
    "input",
    "output",
    "cache_read",
    "cache_write",
    "input_audio",
    "input_image",
    "input_video",
    "cache_audio_read",
}
_DAYS = {"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 7}


@dataclass(slots=True)
class Rates:
    """An entry made ready: its meters, its bands, and what each costs."""

    provider: str
    mode: str | None
    keys: Keys

    def __post_init__(self) -> None:
        self._settle_images()
        self._settle_seconds()
        self._settle_cache()

    # --- what the keys mean in this mode ---

    def _settle_images(self) -> None:
        """A picture that is made has one price, wherever it stands."""
        rates = self.keys.rates
        if self.mode in _IMAGE_MODES and ("input_images", 0, "") in rates and ("images", 0, "") not in rates:
            for meter, above, tier in [rate for rate in rates if rate[0] == "input_images"]:
                rates["images", above, tier] = rates.pop((meter, above, tier))

    def _settle_seconds(self) -> None:
        """Seconds of one thing, whatever key they stand under."""
        rates = self.keys.rates
        field = "audio_seconds" if self.mode == "audio_transcription" else "seconds"
        given = {name: rates.pop((name, 0, "")) for name in _SECONDS if (name, 0, "") in rates}
        if self.mode == "video_generation" and ("output_video_seconds", 0, "") in rates:
            given = {"output_video_seconds": rates.pop(("output_video_seconds", 0, "")), **given}
        if not given:
            return
        order = list(given)
        if self.mode == "audio_transcription" and given.get("output_seconds"):
            order = ["output_seconds", *(one for one in order if one != "output_seconds")]
        rates[field, 0, ""] = given[order[0]]
        for name in order[1:]:
            if given[name] and given[name] != given[order[0]]:
                self.keys.unread[name] = f"the price of {order[0]} stands for all of the time"

    def _settle_cache(self) -> None:
        """Fireworks' cached tokens cost half of the standard input where no price is stated: litellm has it so."""
        rates, block = self.keys.rates, self.keys.off_peak
        standard = rates.get(("input", 0, ""))
        if self.provider != "fireworks_ai" or standard is None or ("cache_read", 0, "") in rates:
            return
        rates["cache_read", 0, ""] = _half(standard)
        if block is not None and "cache_read_input_token_cost" not in block:
            own = block.get("input_cost_per_token")
            half = _half(standard if own is None else figure(own))
            self.keys.off_peak = {**block, "cache_read_input_token_cost": half}

    # --- bands ---

    @property
    def edges(self) -> tuple[int, ...]:
        """Where the bands end: each takes its edge, where the provider's threshold does not."""
        if self.keys.tiers:
            ends = sorted(int(one[1]) for tier in self.keys.tiers if (one := _range(tier)) is not None)
            return tuple(dict.fromkeys(ends[:-1]))
        inclusive = 1 if self.provider == "xai" else 0
        found = {above - inclusive for _, above, _ in self.keys.rates if above}
        return tuple(sorted(found))

    def _crossed(self, size: int) -> list[int]:
        inclusive = 1 if self.provider == "xai" else 0
        return sorted({above for _, above, _ in self.keys.rates if above and above - inclusive <= size})

    @property
    def sizes(self) -> tuple[int, ...]:
        """The edge beneath each band; the first has none."""
        return (-1, *self.edges)

    # --- layers ---

    def layers(self, meters: Sequence[str]) -> tuple[Layer, ...]:
        base = self._cells("", meters)
        layers = [Layer(base)]
        for tier in TIERS:
            if any(rate[2] == tier for rate in self.keys.rates):
                layers += _layer(base, self._cells(tier, meters), ("service_tier", tier))
        layers += self._selected(base, "images", "image_size", self.keys.image_sizes)
        layers += self._selected(base, "seconds", "resolution", self.keys.resolutions)
        searches = {size: one for size, one in self.keys.searches.items() if size != self._search_size}
        layers += self._selected(base, "web_searches", "search_context_size", searches)
        hours = self._off_peak_hours()
        if hours is not None:
            changed = {name: cells for name, cells in self._off_peak_cells(meters).items() if cells != base[name]}
            layers += [Layer(changed, hours=hours)] if changed else []
        return tuple(layers)

    def words(self) -> dict[str, tuple[str, ...]]:
        """The words of each selector that the entry has a price for."""
        found = {
            "service_tier": tuple(tier for tier in TIERS if any(rate[2] == tier for rate in self.keys.rates)),
            "image_size": tuple(sorted(self.keys.image_sizes)),
            "resolution": tuple(sorted(self.keys.resolutions)),
        }
        return {field: words for field, words in found.items() if words}

    def _selected(self, base: Mapping[str, Cells], meter: str, field: str, given: Mapping[str, Decimal]) -> list[Layer]:
        name = METERS[meter].field
        found = []
        for word, price in sorted(given.items()):
            cells = (money(meter, price),) * len(self.sizes)
            if cells != base[name]:
                found.append(Layer({name: cells}, when=((field, True, (word,)),)))
        return found

    @property
    def _search_size(self) -> str:
        return "medium" if "medium" in self.keys.searches else min(self.keys.searches, default="medium")

    def priced(self) -> set[str]:
        """The meters with a price of their own."""
        found = {meter for meter, _, _ in self.keys.rates}
        found |= {TOKEN_KEYS[key] for tier in self.keys.tiers for key in tier if key in TOKEN_KEYS}
        found |= {"queries"} if any("input_cost_per_query" in tier for tier in self.keys.tiers) else set()
        found |= {TOKEN_KEYS[key] for key in self.keys.off_peak or () if key in TOKEN_KEYS}
        found |= {"images"} if self.keys.image_sizes else set()
        found |= {"seconds"} if self.keys.resolutions else set()
        found |= {"web_searches"} if self.keys.searches else set()
        return found

    def _cells(self, tier: str, meters: Sequence[str]) -> dict[str, Cells]:
        return {METERS[meter].field: tuple(self._cell(meter, tier, size) for size in self.sizes) for meter in meters}

    def _cell(self, meter: str, tier: str, size: int) -> str:
        if meter == "web_searches" and self.keys.searches:
            return money(meter, self.keys.searches[self._search_size])
        if meter not in _TOKEN_METERS:
            tiered = self._tier_at(size)
            if meter == "queries" and tiered is not None and "input_cost_per_query" in tiered:
                return money(meter, figure(tiered["input_cost_per_query"]))
            price = self._rate(meter, tier, size)
            if price is None and meter == "requests" and self.keys.prices_anything:
                price = Decimal(0)  # every record is a request
            return NOT_OFFERED if price is None else money(meter, price)
        if tier == "batch" and self._has_batch():
            return self._batch_cell(meter, size)
        return self._token_cell(meter, tier, size)

    def _has_batch(self) -> bool:
        return any(tier == "batch" and meter in _TOKEN_METERS for meter, _, tier in self.keys.rates)

    # --- tokens ---

    def _token_cell(self, meter: str, tier: str, size: int) -> str:
        tiered = self._tier_at(size)
        price = self._of_tier(meter, tiered) if tiered is not None else None
        if price is None and (tiered is None or meter not in _TIERED or self._thinks_flat(meter, tiered)):
            price = self._reasoning(tier) if meter == "output_reasoning" else self._rate(meter, tier, size)
        return money(meter, price) if price is not None else self._instead(meter)

    def _thinks_flat(self, meter: str, tiered: Mapping[str, Any]) -> bool:
        """A tier with a price of input alone leaves the price of reasoning as it is."""
        return meter == "output_reasoning" and "output_cost_per_token" not in tiered

    def _instead(self, meter: str) -> str:
        """What a token without a price of its own costs."""
        priced = self.priced() & _TOKEN_METERS
        if meter == "output" and "output_image" in priced and "output" not in priced:
            return f"as {METERS['output_image'].name}"
        for kind in ("cache_read", "cache_write"):  # cached tokens of all kinds are billed alike
            if METERS[kind].dims < METERS[meter].dims and "input" in priced:
                priced |= {kind}
                priced -= {"input_audio", "input_image", "input_video"}
        stands = standing_for(meter, priced, METERS)
        return NOT_OFFERED if stands is None else f"as {METERS[stands].name}"

    def _rate(self, meter: str, tier: str, size: int) -> Decimal | None:
        rates = self.keys.rates
        own = tier if meter in _BY_TIER or meter not in _TOKEN_METERS else ""
        price = rates.get((meter, 0, own), rates.get((meter, 0, "")))
        for above in self._crossed(size):
            price = rates.get((meter, above, tier), rates.get((meter, above, ""), price))
        return price

    def _reasoning(self, tier: str) -> Decimal | None:
        rates = self.keys.rates
        if (price := rates.get(("output_reasoning", 0, tier))) is not None:
            return price
        if tier and ("output", 0, tier) in rates:
            return None
        return rates.get(("output_reasoning", 0, ""))

    def _tier_at(self, size: int) -> Mapping[str, Any] | None:
        """The tier of `tiered_pricing` for a size just above this one; beyond the last it is the last."""
        tiers = sorted((one for one in self.keys.tiers if _range(one)), key=lambda one: _range(one) or (0, 0))
        for one in tiers:
            found = _range(one)
            if found is not None and size < found[1]:
                return one
        return tiers[-1] if tiers else None

    def _of_tier(self, meter: str, tiered: Mapping[str, Any]) -> Decimal | None:
        if "input_cost_per_token" not in tiered:
            return None
        key = next((key for key, one in TOKEN_KEYS.items() if one == meter), "")
        if key in tiered:
            return figure(tiered[key])
        if meter == "output":
            return self.keys.rates.get(("output", 0, ""))
        return None

    # --- batch ---

    def _batch_cell(self, meter: str, size: int) -> str:
        """As litellm bills a batch: what has no price for it is half of the standard, or as input or output."""
        rates = self.keys.rates
        price = rates.get((meter, 0, "batch"))
        for above in self._crossed(size):
            price = rates.get((meter, above, "batch"), price)
        if price is not None and (meter in _BATCH_ALONE or ("input", 0, "batch") in rates):
            return money(meter, price)
        halved = _BATCH_ALONE if ("input", 0, "batch") in rates else {*_BATCH_ALONE, "cache_read", "cache_write"}
        if meter in halved and (standard := rates.get((meter, 0, ""))) is not None:
            return money(meter, _half(standard))
        if meter == "output":
            return self._instead(meter)
        if meter == "citation":
            return self._token_cell(meter, "", size)
        for kind, written in (("cache_read", "cache_read"), ("cache_write", "cache_write")):
            if METERS[kind].dims < METERS[meter].dims:
                return f"as {METERS[written].name}"
        side = "output" if METERS["output"].dims <= METERS[meter].dims else "input"
        return NOT_OFFERED if side == meter else f"as {METERS[side].name}"

    # --- hours ---

    def _off_peak_cells(self, meters: Sequence[str]) -> dict[str, Cells]:
        cells = self._cells("", meters)
        if self.keys.tiers:  # what had the input price of its tier keeps it
            for name in ("cache_read_tokens", "cache_write_tokens"):
                if name in cells and "input_tokens" in cells:
                    pairs = zip(cells[name], cells["input_tokens"], strict=True)
                    cells[name] = tuple(of_input if own == "as input" else own for own, of_input in pairs)
        for key, value in (self.keys.off_peak or {}).items():
            meter = TOKEN_KEYS.get(key)
            if meter in meters and meter in _OFF_PEAK:
                cells[METERS[meter].field] = (money(meter, figure(value)),) * len(self.sizes)
        return cells

    def _off_peak_hours(self) -> Hours | None:
        """The hours of the block: spans of UTC, on weekdays of a calendar that may be another one."""
        block = self.keys.off_peak
        if block is None:
            return None
        rules: list[tuple[list[tuple[int, int]], set[int] | None]] = []
        flat = _spans(block.get("hours_utc"))
        if flat:
            rules.append((flat, None))
        for window in block.get("windows") or []:
            if isinstance(window, Mapping):
                days = window.get("weekdays")
                allowed = None if days is None else {day for one in days if (day := _weekday(one))}
                rules.append((_spans(window.get("hours_utc")), allowed))
        shift = _shift(block.get("weekday_timezone"))
        edges = {edge for spans, _ in rules for span in spans for edge in span} | {-shift % DAY}

        def holds(day: int, second: int) -> bool:
            there = (day + (second + shift) // DAY) % 7 + 1
            return any(
                (days is None or there in days) and any(_within(span, second) for span in spans)
                for spans, days in rules
            )

        return weekly(edges, holds)


_SECONDS = ("cost_per_second", "input_seconds", "output_seconds")
_TOKEN_METERS = {meter for meter, one in METERS.items() if one.unit == "token"}
_TIERED = {"input", "output", "cache_read", "cache_write", "cache_write_1h", "output_reasoning"}
_BATCH_ALONE = {"input", "output", "output_image"}
_OFF_PEAK = {"input", "output", "cache_read", "cache_write", "output_reasoning"}


def money(meter: str, price: Decimal) -> str:
    """A price as it stands in the meter's column."""
    per = METERS[meter].per
    return figures.money(figures.shifted(price, 6 if per.startswith("1M ") else 3 if per.startswith("1K ") else 0))


def _layer(base: Mapping[str, Cells], cells: Mapping[str, Cells], when: tuple[str, str]) -> list[Layer]:
    changed = {name: own for name, own in cells.items() if own != base[name]}
    return [Layer(changed, when=((when[0], True, (when[1],)),))] if changed else []


def _half(price: Decimal) -> Decimal:
    sign, digits, exponent = price.as_tuple()
    assert isinstance(exponent, int)
    half = str(int("".join(map(str, digits))) * 5)
    return Decimal((sign, tuple(map(int, half)), exponent - 1))


def _range(tier: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    found = tier.get("range", tier.get("max_results_range"))
    if not isinstance(found, list) or len(found) != 2:
        return None
    return figure(found[0]), figure(found[1])


def _spans(value: Any) -> list[tuple[int, int]]:
    found = []
    for text in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
        start, _, end = str(text).partition("-")
        found.append((_second(start), _second(end)))
    return found


def _second(text: str) -> int:
    hour, _, minute = text.strip().partition(":")
    return int(hour) * 3600 + int(minute) * 60


def _within(span: tuple[int, int], second: int) -> bool:
    start, end = span
    return start <= second < end if start < end else second >= start or second < end


def _weekday(value: Any) -> int | None:
    if isinstance(value, str):
        return _DAYS.get(value.strip().lower()[:3])
    return int(value) if 1 <= int(value) <= 7 else None


def _shift(zone: Any) -> int:
    """Seconds that a calendar's clock is ahead of UTC. Raises ValueError where that changes with the season."""
    if not isinstance(zone, str) or not zone.strip():
        return 0
    from datetime import datetime

    offsets = {ZoneInfo(zone).utcoffset(datetime(2026, month, 15)) for month in (1, 4, 7, 10)}
    if len(offsets) > 1:
        raise ValueError(f"weekdays of {zone}, whose clock changes")
    offset = offsets.pop()
    return int(offset.total_seconds()) if offset else 0

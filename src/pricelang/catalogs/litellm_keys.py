"""The keys of an entry of litellm: which price each one is, above how many tokens, on which tier of service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from decimal import Decimal
from decimal import InvalidOperation
from typing import Any

from pricelang.catalogs.form import Meter
from pricelang.catalogs.tokens import PER
from pricelang.catalogs.tokens import TOKENS

TOKEN_KEYS = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cache_read",
    "explicit_cache_read_input_token_cost": "explicit_cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "input_audio",
    "cache_read_input_audio_token_cost": "cache_audio_read",
    "cache_creation_input_audio_token_cost": "cache_audio_write",
    "input_cost_per_image_token": "input_image",
    "cache_read_input_image_token_cost": "cache_image_read",
    "input_cost_per_video_token": "input_video",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "output_reasoning",
    "output_cost_per_audio_token": "output_audio",
    "output_cost_per_image_token": "output_image",
    "output_cost_per_video_token": "output_video",
    "citation_cost_per_token": "citation",
}
_OTHER_METERS = {
    # meter: field, column, unit, per
    "input_characters": ("input_characters", "Input characters", "character", "1M characters"),
    "output_characters": ("output_characters", "Output characters", "character", "1M characters"),
    "input_images": ("input_images", "Input images", "image", "image"),
    "images": ("images", "Images", "image", "image"),
    "pixels": ("pixels", "Pixels", "pixel", "1M pixels"),
    "output_pixels": ("output_pixels", "Output pixels", "pixel", "1M pixels"),
    "seconds": ("seconds", "Time", "second", "second"),
    "audio_seconds": ("audio_seconds", "Audio time", "second", "second"),
    "input_audio_seconds": ("input_audio_seconds", "Input audio time", "second", "second"),
    "input_video_seconds": ("input_video_seconds", "Input video time", "second", "second"),
    "output_video_seconds": ("output_video_seconds", "Output video time", "second", "second"),
    "queries": ("queries", "Queries", "query", "1K queries"),
    "requests": ("requests", "Requests", "request", "1K requests"),
    "messages": ("text_messages", "Messages", "message", "1K messages"),
    "web_searches": ("web_searches", "Web searches", "search", "1K searches"),
    "maps_searches": ("maps_searches", "Maps searches", "search", "1K searches"),
    "code_sessions": ("code_sessions", "Code sessions", "session", "session"),
    "pages": ("pages", "Pages", "page", "1K pages"),
    "annotated_pages": ("annotated_pages", "Annotated pages", "page", "1K pages"),
    "credits": ("credits", "Credits", "credit", "credit"),
}
METERS: dict[str, Meter] = {
    **TOKENS,
    "explicit_cache_read": Meter(
        "explicit_cache_read_tokens",
        "Explicit cache read",
        "token",
        PER,
        TOKENS["cache_read"].dims | {("explicit", "yes")},
    ),
    "citation": Meter("citation_tokens", "Citations", "token", PER, frozenset({("citations", "yes")})),
    **{
        key: Meter(field, column, unit, per, frozenset({("field", field)}))
        for key, (field, column, unit, per) in _OTHER_METERS.items()
    },
}
"""Each meter by a key of ours, in the order of columns."""

_PLAIN = {
    "input_cost_per_character": "input_characters",
    "output_cost_per_character": "output_characters",
    "input_cost_per_image": "input_images",
    "output_cost_per_image": "images",
    "input_cost_per_pixel": "pixels",
    "output_cost_per_pixel": "output_pixels",
    "cost_per_second": "cost_per_second",
    "input_cost_per_second": "input_seconds",
    "output_cost_per_second": "output_seconds",
    "input_cost_per_audio_per_second": "input_audio_seconds",
    "input_cost_per_video_per_second": "input_video_seconds",
    "output_cost_per_video_per_second": "output_video_seconds",
    "input_cost_per_query": "queries",
    "input_cost_per_request": "requests",
    "input_cost_per_text_message": "messages",
    "google_maps_grounding_cost_per_query": "maps_searches",
    "code_interpreter_cost_per_session": "code_sessions",
    "ocr_cost_per_page": "pages",
    "annotation_cost_per_page": "annotated_pages",
    "ocr_cost_per_credit": "credits",
}
TIERS = ("batch", "flex", "balanced", "priority", "fast", "ultrafast", "decisions")
_TAIL = re.compile(r"(?:_above_(\d+)(k?)_tokens)?(?:_(batches|flex|balanced|priority|fast|ultrafast|decisions))?")
_RESOLUTION = re.compile(r"output_cost_per_second_(\w+)")
_IMAGE_SIZE = re.compile(r"output_cost_per_image_([\w.]+)")
_SOUNDS_LIKE_A_PRICE = re.compile(r"cost|pric|multiplier|uplift|_fee|free|discount")
_NO_PRICE = {"token_count_model", "minimax_free_input_images"}
_KNOWN_REASONS = {
    "input_dbu_cost_per_token": "the same price in Databricks units, beside the one in USD",
    "output_dbu_cost_per_token": "the same price in Databricks units, beside the one in USD",
    "search_free_requests": "free searches that a group of models shares; litellm's own cost functions charge them too",
}

Rate = tuple[str, int, str]
"""A meter, above how many tokens (0: any), the tier (empty: standard)."""


@dataclass(slots=True)
class Keys:
    """What an entry says of prices."""

    rates: dict[Rate, Decimal] = field(default_factory=dict)
    resolutions: dict[str, Decimal] = field(default_factory=dict)
    image_sizes: dict[str, Decimal] = field(default_factory=dict)
    searches: dict[str, Decimal] = field(default_factory=dict)
    uplifts: dict[str, Decimal] = field(default_factory=dict)
    units: dict[str, Decimal] = field(default_factory=dict)
    tiers: list[Mapping[str, Any]] = field(default_factory=list)
    off_peak: Mapping[str, Any] | None = None
    unread: dict[str, str] = field(default_factory=dict)

    @property
    def prices_anything(self) -> bool:
        return bool(self.rates or self.resolutions or self.image_sizes or self.searches or self.units or self.tiers)


def read(entry: Mapping[str, Any]) -> Keys:
    """The prices of an entry; keys that sound like prices and are not understood are `unread`, with why."""
    keys = Keys()
    for key, value in entry.items():
        if value is None:
            continue
        try:
            if not _read(key, value, entry, keys) and _SOUNDS_LIKE_A_PRICE.search(key) and key not in _NO_PRICE:
                keys.unread[key] = _KNOWN_REASONS.get(key, "it is of nothing that is known to be counted")
        except (ValueError, InvalidOperation, TypeError, KeyError) as error:
            keys.unread[key] = f"it cannot be read ({error})"
    return keys


def _read(key: str, value: Any, entry: Mapping[str, Any], keys: Keys) -> bool:
    match key:
        case "tiered_pricing":
            keys.tiers = [one for one in value if isinstance(one, Mapping)]
            return True
        case "off_peak_pricing":
            keys.off_peak = value if isinstance(value, Mapping) else None
            return keys.off_peak is not None
        case "search_context_cost_per_query":
            sizes = value if isinstance(value, Mapping) else {"search_context_size_medium": value}
            keys.searches = {str(size).removeprefix("search_context_size_"): figure(one) for size, one in sizes.items()}
            return True
        case "guardrail_cost_per_unit":
            keys.units = {str(name): figure(one) for name, one in value.items()}
            return True
        case "input_cost_per_token_cache_hit":
            return figure(value) == figure(entry.get("cache_read_input_token_cost"))
        case "regional_endpoint_uplift_multiplier":
            keys.uplifts["endpoint regional"] = figure(value)
            return True
        case "provider_specific_entry":
            return _specific(value, keys)
    if key.startswith("regional_processing_uplift_multiplier_"):
        keys.uplifts[f"data_residency {key.rpartition('_')[2]}"] = figure(value)
        return True
    for known, meter in {**TOKEN_KEYS, **_PLAIN}.items():
        tail = _TAIL.fullmatch(key, len(known)) if key.startswith(known) else None
        if tail is not None:
            above = int(tail[1]) * (1000 if tail[2] else 1) if tail[1] else 0
            tier = "batch" if tail[3] == "batches" else tail[3] or ""
            keys.rates[meter, above, tier] = figure(value)
            return True
    if found := _RESOLUTION.fullmatch(key):
        keys.resolutions[found[1]] = figure(value)
        return True
    if found := _IMAGE_SIZE.fullmatch(key):
        keys.image_sizes[found[1]] = figure(value)
        return True
    return False


def _specific(value: Any, keys: Keys) -> bool:
    """Multipliers of a region (`us`) or of speed (`fast`); what is no number is no price."""
    if not isinstance(value, Mapping):
        return False
    for name, one in value.items():
        if name == "minimax_free_input_images":
            keys.unread[f"provider_specific_entry.{name}"] = "input images that are free, so many in each request"
        elif isinstance(one, Decimal | int | float) and not isinstance(one, bool):
            keys.uplifts["speed fast" if name == "fast" else f"inference_geo {name}"] = figure(one)
    return True


def figure(value: Any) -> Decimal:
    """A price; raises ValueError for what is none. Floats are read by their shortest text."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise ValueError("it is no figure")
    found = value if isinstance(value, Decimal) else Decimal(str(value))
    if not found.is_finite() or found < 0:
        raise ValueError(f"{value} is no price")
    return found

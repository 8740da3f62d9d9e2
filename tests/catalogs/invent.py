"""Catalogs made up at random, in the shape of genai-prices' JSON: dates out of order, hours, tiers, variants that overlap."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Any

from pricelang.catalogs.genai_units import METERS
from pricelang.catalogs.tokens import with_joins

_KEYS = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "input_audio_mtok",
    "output_reasoning_mtok",
    "audio_hours",
    "web_searches_kcount",
    "requests_kcount",
    "input_document_kpages",
)
_WORDS = {"processing": ("batch",), "service_tier": ("flex", "priority"), "region": ("eu", "us-east/1")}


def providers(seed: int) -> list[dict[str, Any]]:
    """A catalog of one provider with some models; figures are texts, as exact as they stand."""
    picked = random.Random(seed)
    models = [_model(picked, f"model-{number}{picked.choice(('', '.5', ':x', '/y', ' z'))}") for number in range(4)]
    return [{"id": f"made-{seed}", "name": f"Made up {seed}", "api_pattern": "x", "models": models}]


def _model(picked: random.Random, id: str) -> dict[str, Any]:
    prices: list[dict[str, Any]] = [{"prices": _prices(picked)}]
    for _ in range(picked.choice((0, 0, 1, 2, 3))):
        prices.append({"constraint": _constraint(picked), "prices": _prices(picked)})
    model: dict[str, Any] = {
        "id": id,
        "match": {"or": [{"equals": id}, {"equals": f"{id}-latest"}]},
        "prices": prices[0]["prices"] if len(prices) == 1 else prices,
    }
    standard = set.intersection(*(set(one["prices"]) for one in prices))
    variants = []
    for _ in range(picked.choice((0, 0, 1, 2, 4))):
        keys = picked.sample(sorted(_WORDS), picked.choice((1, 1, 2)))
        variant: dict[str, Any] = {
            "when": {key: picked.choice(_WORDS[key]) for key in keys},
            "prices": {key: _figure(picked) for key in sorted(standard) if picked.random() < 0.6},
        }
        if picked.random() < 0.5:
            variant["constraint"] = _constraint(picked)
        variants.append(variant)
    return {**model, **({"price_variants": variants} if variants else {})}


def _prices(picked: random.Random) -> dict[str, Any]:
    chosen = with_joins({"input_mtok", *(key for key in _KEYS if picked.random() < 0.4)}, METERS)
    edges = sorted(picked.sample((32_000, 128_000, 199_999, 200_000, 524_288), 2))
    return {
        key: {"base": _figure(picked), "tiers": [{"start": edge, "price": _figure(picked)} for edge in edges]}
        if picked.random() < 0.25
        else _figure(picked)
        for key in chosen
    }


def _figure(picked: random.Random) -> str:
    return picked.choice(("0", "1", "0.25", "3.6", "0.000125", "12.3456789", str(picked.randint(1, 99_999) / 1000)))


def _constraint(picked: random.Random) -> dict[str, Any]:
    if picked.random() < 0.6:
        return {"start_date": f"2026-{picked.randint(1, 12):02}-{picked.randint(1, 28):02}"}
    start, end = picked.sample(("00:00:00Z", "00:30:00Z", "06:00:00Z", "12:15:00Z", "16:30:00Z", "23:00:00Z"), 2)
    return {"start_time": start, "end_time": end}


# --- in the shape of litellm's entries ---

_TIERS = ("", "_flex", "_priority", "_batches")
_PROVIDERS = ("openai", "anthropic", "gemini", "xai", "deepinfra", "azure", "fireworks_ai")


def entries(seed: int, keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """Some entries of one provider: tiers with and without prices of their own, sizes, hours, regions.

    Of all combinations only these `keys`: litellm reads no others.
    """
    picked = random.Random(seed)
    provider = picked.choice(_PROVIDERS)
    made = {f"{provider}/made-up-{seed}-{number}": _entry(picked, provider) for number in range(4)}
    kept = {name: {key: value for key, value in one.items() if key in keys} for name, one in made.items()}
    for one in kept.values():  # a batch without a price of input is reckoned by rules of its own, which no entry needs
        if "input_cost_per_token_batches" not in one:
            for key in [key for key in one if key.endswith("_batches")]:
                del one[key]
    return kept


def _entry(picked: random.Random, provider: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"litellm_provider": provider, "mode": picked.choice(("chat", "responses", "embedding"))}
    keys = ["input_cost_per_token", "output_cost_per_token"]
    keys += [key for key in _MORE if picked.random() < 0.4]
    edges = picked.sample((32, 128, 200, 272), picked.choice((0, 0, 1, 2)))
    tiers = [tier for tier in _TIERS if not tier or picked.random() < 0.4]
    for key in keys:  # where input and output are free, some of litellm's functions charge nothing at all
        for tier in tiers:
            if tier and (picked.random() < 0.3 or key not in _TIERED):
                continue
            entry[f"{key}{tier}"] = _rate(picked) or (1e-06 if key in keys[:2] and not tier else 0.0)
            for edge in edges if key in _SIZED else ():
                if picked.random() < 0.7:
                    entry[f"{key}_above_{edge}k_tokens{tier}"] = _rate(picked)
    if not edges and tiers == [""] and picked.random() < 0.3:
        entry["tiered_pricing"] = [
            {"range": [0, 32000.0], "input_cost_per_token": _rate(picked), "output_cost_per_token": _rate(picked)},
            {"range": [32000.0, 1000000.0], "input_cost_per_token": _rate(picked), "cache_read_input_token_cost": 1e-7}
            | ({"output_cost_per_token": _rate(picked)} if picked.random() < 0.5 else {}),
        ]
    if tiers == [""] and picked.random() < 0.3:
        entry["off_peak_pricing"] = {
            "input_cost_per_token": _rate(picked),
            "weekday_timezone": picked.choice(("", "Asia/Shanghai", "UTC")),
            "windows": [
                {"hours_utc": ["22:30-06:00", "12:00-13:00"], "weekdays": [1, 2, 5]},
                {"hours_utc": "00:00-00:00", "weekdays": ["sat"]},
            ],
        }
    if provider == "openai" and picked.random() < 0.4:
        entry |= {"regional_processing_uplift_multiplier_eu": 1.1, "regional_processing_uplift_multiplier_us": 1.05}
    if provider == "anthropic" and picked.random() < 0.4:
        entry["provider_specific_entry"] = {"us": 1.1, "fast": 2.0}
    return entry


_MORE = (
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
    "input_cost_per_audio_token",
    "input_cost_per_image_token",
    "output_cost_per_reasoning_token",
    "output_cost_per_audio_token",
)
_SIZED = {
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
}
_TIERED = _SIZED | {"output_cost_per_reasoning_token"}


def _rate(picked: random.Random) -> float:
    return picked.choice((0.0, 1e-06, 3e-07, 2.5e-06, 1.25e-07, picked.randint(1, 9999) / 1e9))

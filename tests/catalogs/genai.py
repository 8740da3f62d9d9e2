"""Records of genai-prices' models, priced by `genai_prices.calc_price` and by the imported rule files."""

from __future__ import annotations

import random
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import genai_prices
from genai_prices import types
from genai_prices.data_snapshot import get_snapshot
from genai_prices.units import _get_registry

from catalogs.seen import Rulesets
from catalogs.seen import Seen
from catalogs.seen import amount
from pricelang.catalogs.figures import block_name
from pricelang.schema import schema

LEAST_OF_ALL = {"whisper-large-v3", "whisper-large-v3-turbo"}


def run(folder: Path, first: int, last: int) -> Seen:
    """The records of the seeds from first up to, not including, last."""
    rulesets = Rulesets(folder)
    seen = Seen()
    for seed in range(first, last):
        _one(random.Random(seed), rulesets, seen)
    return seen


@cache
def models() -> list[tuple[types.Provider, types.ModelInfo]]:
    return [(provider, model) for provider in get_snapshot().providers for model in provider.models]


@cache
def fields(ruleset: Any) -> frozenset[str]:
    described = schema(ruleset.program)
    return frozenset(name for one in _objects(described) for name in one.get("properties", {}))


def _objects(described: Any) -> list[dict[str, Any]]:
    if isinstance(described, dict):
        return [described, *(one for value in described.values() for one in _objects(value))]
    if isinstance(described, list):
        return [one for value in described for one in _objects(value)]
    return []


def _one(picked: random.Random, rulesets: Rulesets, seen: Seen) -> None:
    provider, model = picked.choice(models())
    rules = rulesets[block_name(provider.id)]
    usage = _usage(picked, model, fields(rules))
    at = _instant(picked, model)
    context = _context(picked, provider)
    record = {"id": "r", "type": "call", "at": at.isoformat(), "account": "a", **context, **usage}
    theirs = _theirs(provider, model, usage, at, context)
    named = record | {"model": model.id}
    told = f"{provider.id} {named} theirs {theirs}"
    try:
        ours = Fraction(rules.rate(named).exact)
    except Exception as error:
        seen.differ(f"{told} ours {error!r}")
        return
    if ours == Fraction(theirs):
        seen.add("equal to the last digit")
    elif abs(ours - Fraction(theirs)) <= Fraction(1, 10**26) * max(ours, 1) and _repeats(ours):
        seen.add("decimals without end, which they cut at 28 digits", told)
    elif model.id in LEAST_OF_ALL and usage.get("audio_seconds") != usage.get("input_audio_seconds"):
        seen.add("ten seconds at least, of audio that is only partly input", told)
    else:
        seen.differ(f"{told} ours {ours}")


def _repeats(figure: Fraction) -> bool:
    left = figure.denominator
    for factor in (2, 5):
        while left % factor == 0:
            left //= factor
    return left != 1 or len(str(Decimal(figure.numerator))) > 20


def _theirs(
    provider: types.Provider, model: types.ModelInfo, usage: dict[str, int], at: datetime, context: dict[str, str]
) -> Decimal:
    counted = genai_prices.Usage(**usage)
    asked = {key: word for key, word in context.items() if word != "standard"}
    found = provider.find_model(model.id)
    if found is model:
        told = genai_prices.calc_price(
            counted, model.id, provider_id=provider.id, genai_request_timestamp=at, price_context=asked or None
        )
    else:  # an id that its own matching rule does not take
        told = model.calc_price(counted, provider, genai_request_timestamp=at, price_context=asked or None)
    return told.total_price


def _prices(model: types.ModelInfo) -> list[types.ModelPrice]:
    return [*_standards(model), *(one.prices for one in model.price_variants or ())]


def _usage(picked: random.Random, model: types.ModelInfo, known: frozenset[str]) -> dict[str, int]:
    """Counts of what the model has a price for on all days, and of what is a part of that."""
    registry = _get_registry()
    always = set.intersection(*(_keys(prices) for prices in _standards(model)))
    priced = [registry.unit_for_price_key(key) for key in sorted(always)]
    able = [
        unit
        for unit in registry.units.values()
        if unit.usage_key in known and any(one.dimensions.items() <= unit.dimensions.items() for one in priced)
    ]
    leaves = {unit.usage_key: amount(picked) for unit in able if picked.random() < 0.6}
    edges = sorted({tier.start for prices in _prices(model) for tier in _tiers(prices)})
    if edges and picked.random() < 0.5:
        leaves["input_tokens"] = max(0, picked.choice(edges) + picked.choice((-1, 0, 1)))
        if picked.random() < 0.5:
            leaves = {key: count for key, count in leaves.items() if key in ("input_tokens", "output_tokens")}
    counts: dict[str, int] = {}
    for unit in able:
        counts[unit.usage_key] = sum(
            leaves.get(one.usage_key, 0) for one in able if unit.dimensions.items() <= one.dimensions.items()
        )
    return {key: count for key, count in counts.items() if key != "requests"}


def _standards(model: types.ModelInfo) -> list[types.ModelPrice]:
    return [model.prices] if isinstance(model.prices, types.ModelPrice) else [one.prices for one in model.prices]


def _keys(prices: types.ModelPrice) -> set[str]:
    return {key for key, value in vars(prices).items() if value is not None}


def _tiers(prices: types.ModelPrice) -> list[types.Tier]:
    return [tier for value in vars(prices).values() if isinstance(value, types.TieredPrices) for tier in value.tiers]


def _instant(picked: random.Random, model: types.ModelInfo) -> datetime:
    """Any instant of some years, often just before or after a change of the price."""
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=picked.randrange(4 * 365 * 86400))
    given = [] if isinstance(model.prices, types.ModelPrice) else [one.constraint for one in model.prices]
    given += [one.constraint for one in model.price_variants or ()]
    if picked.random() < 0.6 and (chosen := picked.choice([*given, None])) is not None:
        if isinstance(chosen, types.StartDateConstraint):
            start = datetime.combine(chosen.start_date, datetime.min.time(), UTC)
            return start + timedelta(seconds=picked.choice((-1, 0, 1, 40_000)))
        edge = picked.choice((chosen.start_time, chosen.end_time))
        there = datetime.combine(at.date(), edge).replace(tzinfo=edge.tzinfo or UTC).astimezone(UTC)
        return there + timedelta(seconds=picked.choice((-1, 0, 1)))
    return at


def _context(picked: random.Random, provider: types.Provider) -> dict[str, str]:
    words: dict[str, set[str]] = {}
    for model in provider.models:
        for variant in model.price_variants or ():
            for key, word in variant.when.items():
                words.setdefault(key, {"standard"}).add(word)
    return {key: picked.choice(sorted(words[key])) for key in sorted(words) if picked.random() < 0.7}

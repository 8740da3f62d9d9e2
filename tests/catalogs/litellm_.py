"""Records of litellm's entries, priced by `litellm.cost_per_token` (images and videos by its functions for these) and by the files."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import litellm
    from litellm import cost_calculator
    from litellm.litellm_core_utils.llm_cost_calc import utils as cost_utils
    from litellm.types.utils import CacheCreationTokenDetails
    from litellm.types.utils import CompletionTokensDetailsWrapper
    from litellm.types.utils import PromptTokensDetailsWrapper
    from litellm.types.utils import Usage

from catalogs.seen import Rulesets
from catalogs.seen import Seen
from catalogs.seen import amount
from pricelang.catalogs.figures import block_name
from pricelang.catalogs.litellm import _MODES
from pricelang.catalogs.litellm_keys import read as read_keys
from pricelang.core.program import Program

FLOAT_ERROR = Fraction(1, 2**47)
TOKEN_SECTIONS = {"chat", "embedding", "realtime"}
TIERS = ("flex", "balanced", "priority", "ultrafast")
litellm.suppress_debug_info = True
logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)


Entry = tuple[str, dict[str, Any]]


def run(folder: Path, first: int, last: int, among: Sequence[Entry] | None = None) -> Seen:
    """The records of the seeds from first up to, not including, last; of these entries, or of all that have a price."""
    rulesets = Rulesets(folder)
    seen = Seen()
    for seed in range(first, last):
        _one(random.Random(seed), rulesets, seen, entries() if among is None else among)
    return seen


@cache
def entries() -> list[Entry]:
    """The entries that have a price, in the order of the catalog."""
    return [
        (name, entry)
        for name, entry in litellm.model_cost.items()
        if name != "sample_spec" and entry.get("litellm_provider") and read_keys(entry).prices_anything
    ]


def section(entry: Mapping[str, Any]) -> str:
    mode = entry.get("mode") or "chat"
    return _MODES.get(mode, mode)


def _one(picked: random.Random, rulesets: Rulesets, seen: Seen, among: Sequence[Entry]) -> None:
    name, entry = picked.choice(among)
    kind = section(entry)
    provider = entry["litellm_provider"]
    rules = rulesets[block_name(provider)]
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=picked.randrange(365 * 1440))
    fields = _fields(rules.program, kind)
    make = _tokens if kind in TOKEN_SECTIONS else _OTHERS.get(kind)
    asked = make(picked, name, entry, fields) if make else None
    if asked is None:
        seen.add(f"no cost function of litellm takes it: {kind}")
        return
    usage, theirs_of = asked
    record = {"id": "r", "type": kind, "at": at.isoformat(), "account": "a", "model": name, **usage}
    cost_utils.current_billing_time = lambda: at
    try:
        theirs: float | str = theirs_of()
    except Exception as error:
        theirs = f"{type(error).__name__}: {error}"[:300]
    try:
        ours: Fraction | str = Fraction(rules.rate(record).exact)
    except Exception as error:
        ours = f"{getattr(error, 'code', type(error).__name__)}: {error}"
    told = f"{provider} {record} theirs {theirs!r} ours {ours if isinstance(ours, str) else float(ours)!r}"
    if not isinstance(theirs, str) and not isinstance(ours, str):
        if Fraction(theirs) == ours:
            seen.add("equal to the last digit")
            return
        if abs(Fraction(theirs) - ours) <= FLOAT_ERROR * max(ours, Fraction(theirs)):
            seen.add("equal but for the error of floats")
            return
    why = _reason(rulesets, record, entry, theirs, ours)
    if why:
        seen.add(why, told)
    else:
        seen.differ(told)


def _fields(program: Program, kind: str) -> set[str]:
    return {field.name for field in program.usages[kind].inputs} if kind in program.usages else set()


# --- tokens ---


def _tokens(
    picked: random.Random, name: str, entry: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], Callable[[], float]] | None:
    leaves = {field: amount(picked) for field in sorted(_LEAVES & known) if picked.random() < 0.5}
    leaves |= {"input_tokens": amount(picked), "output_tokens": amount(picked)}
    edges = sorted({int(above) for _, above, _ in read_keys(entry).rates if above})
    edges += [int(tier["range"][1]) for tier in entry.get("tiered_pricing") or () if "range" in tier]
    if edges and picked.random() < 0.6:
        leaves = {"output_tokens": amount(picked)}
        total = picked.choice(edges) + picked.choice((-1, 0, 1))
        if "cache_read_tokens" in known:
            leaves["cache_read_tokens"] = picked.randint(0, total)
        leaves["input_tokens"] = total - leaves.get("cache_read_tokens", 0)

    def of(field: str) -> int:
        return leaves.get(field, 0)

    cached_audio, written_1h = of("cache_audio_read_tokens"), of("cache_write_1h_tokens")
    cached = of("cache_read_tokens") + cached_audio
    written = of("cache_write_tokens") + written_1h
    audio = of("input_audio_tokens") + cached_audio
    prompt = of("input_tokens") + of("cache_read_tokens") + written + audio + of("input_image_tokens")
    prompt += of("input_video_tokens")
    reasoning, audio_out = of("output_reasoning_tokens"), of("output_audio_tokens")
    image_out, video_out = of("output_image_tokens"), of("output_video_tokens")
    completion = of("output_tokens") + reasoning + audio_out + image_out + video_out
    usage: dict[str, Any] = {
        "input_tokens": prompt,
        "cache_read_tokens": cached,
        "cache_audio_read_tokens": cached_audio,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": written_1h,
        "input_audio_tokens": audio,
        "input_image_tokens": of("input_image_tokens"),
        "input_video_tokens": of("input_video_tokens"),
        "output_tokens": completion,
        "output_reasoning_tokens": reasoning,
        "output_audio_tokens": audio_out,
        "output_image_tokens": image_out,
        "output_video_tokens": video_out,
    }
    usage = {field: count for field, count in usage.items() if field in known}
    words = {}
    for field, choices in _CONTEXT.items():
        if field in known and picked.random() < 0.6:
            words[field] = picked.choice(choices)
    tier = words.get("service_tier", "standard")
    if tier != "standard" and not any(rate[2] == tier for rate in read_keys(entry).rates):
        del words["service_tier"]
        tier = "standard"
    counted = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=PromptTokensDetailsWrapper(
            cached_tokens=cached,
            audio_tokens=audio,
            image_tokens=of("input_image_tokens"),
            video_tokens=of("input_video_tokens"),
            cache_creation_tokens=written,
            cache_creation_token_details=CacheCreationTokenDetails(
                ephemeral_5m_input_tokens=written - written_1h, ephemeral_1h_input_tokens=written_1h
            )
            if written_1h
            else None,
            cached_tokens_details={"audio_tokens": cached_audio} if cached_audio else None,
        ),
        completion_tokens_details=CompletionTokensDetailsWrapper(
            reasoning_tokens=reasoning, audio_tokens=audio_out, image_tokens=image_out, video_tokens=video_out
        ),
    )
    if words.get("inference_geo", "global") != "global":
        counted.inference_geo = words["inference_geo"]
    if words.get("speed") == "fast":
        counted.speed = "fast"

    def theirs() -> float:
        return sum(
            litellm.cost_per_token(
                model=name,
                custom_llm_provider=_provider(entry),
                usage_object=counted,
                call_type="retrieve_batch" if tier == "batch" else _CALLS.get(entry.get("mode"), "completion"),
                service_tier=tier if tier in TIERS else None,
                data_residency=words.get("data_residency") if words.get("data_residency") != "global" else None,
                vertex_location="us-east5" if words.get("endpoint") == "regional" else None,
            )
        )

    return {**usage, **words}, theirs


_LEAVES = {
    "cache_read_tokens",
    "cache_audio_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "input_video_tokens",
    "output_reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "output_video_tokens",
}
_CONTEXT = {
    "service_tier": ("standard", "batch", *TIERS),
    "data_residency": ("global", "eu", "us"),
    "inference_geo": ("global", "us"),
    "speed": ("standard", "fast"),
    "endpoint": ("global", "regional"),
}
_CALLS = {"embedding": "embedding"}


def _provider(entry: Mapping[str, Any]) -> str:
    """What a caller names as the provider of an entry."""
    provider = str(entry["litellm_provider"])
    if provider.startswith("vertex_ai-"):
        return "vertex_ai"
    return {"bedrock_converse": "bedrock"}.get(provider, provider)


# --- the rest ---


def _images(
    picked: random.Random, name: str, entry: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], Callable[[], float]] | None:
    number = picked.randint(1, 9)
    per_image = entry.get("input_cost_per_image", entry.get("output_cost_per_image"))
    if per_image is not None:
        usage = {"images": number}
    elif entry.get("input_cost_per_pixel") is not None:
        usage = {"pixels": 1024 * 768 * number}
    else:
        return None
    return usage, lambda: cost_calculator.default_image_cost_calculator(
        name, entry["litellm_provider"], n=number, size="1024x768", model_info=dict(entry)
    )


def _videos(
    picked: random.Random, name: str, entry: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], Callable[[], float]] | None:
    seconds = picked.randint(1, 60)
    sizes = [key.removeprefix("output_cost_per_second_") for key in entry if key.startswith("output_cost_per_second_")]
    plain = "output_cost_per_second" in entry or "output_cost_per_video_per_second" in entry
    size = picked.choice([*sizes, *(["standard"] if plain else [])]) if sizes or plain else None
    if size is None:
        return None
    usage: dict[str, Any] = {"seconds": seconds, **({"resolution": size} if size != "standard" else {})}
    return usage, lambda: cost_calculator.default_video_cost_calculator(
        name, seconds, entry["litellm_provider"], video_resolution=None if size == "standard" else size
    )


def _transcriptions(
    picked: random.Random, name: str, entry: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], Callable[[], float]] | None:
    if "audio_seconds" in known and ("input_cost_per_second" in entry or "output_cost_per_second" in entry):
        seconds = picked.randint(1, 5000)
        return {"audio_seconds": seconds}, lambda: sum(
            litellm.cost_per_token(
                model=name,
                custom_llm_provider=_provider(entry),
                call_type="transcription",
                audio_transcription_file_duration=seconds,
            )
        )
    return _tokens(picked, name, entry, known) if "input_cost_per_token" in entry else None


def _speech(
    picked: random.Random, name: str, entry: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], Callable[[], float]] | None:
    if not entry.get("input_cost_per_character"):
        return _tokens(picked, name, entry, known) if "input_cost_per_token" in entry else None
    letters = amount(picked)
    return {"input_characters": letters}, lambda: sum(
        litellm.cost_per_token(
            model=name, custom_llm_provider=_provider(entry), call_type="speech", prompt_characters=letters
        )
    )


def _reranks(
    picked: random.Random, name: str, entry: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], Callable[[], float]] | None:
    if not entry.get("input_cost_per_query"):
        return None
    number = picked.randint(1, 50)
    return {"queries": number}, lambda: sum(
        litellm.cost_per_token(
            model=name,
            custom_llm_provider=_provider(entry),
            call_type="rerank",
            rerank_billed_units={"search_units": number},
        )
    )


def _searches(
    picked: random.Random, name: str, entry: Mapping[str, Any], known: set[str]
) -> tuple[dict[str, Any], Callable[[], float]] | None:
    number = picked.randint(1, 50)
    return {"queries": number}, lambda: sum(
        litellm.cost_per_token(
            model=name, custom_llm_provider=_provider(entry), call_type="search", number_of_queries=number
        )
    )


_OTHERS: dict[str, Callable[..., tuple[dict[str, Any], Callable[[], float]] | None]] = {
    "image": _images,
    "video": _videos,
    "transcription": _transcriptions,
    "speech": _speech,
    "rerank": _reranks,
    "search": _searches,
}


# --- differences that are known ---

_ANOTHER = "litellm looks for the name with another prefix and finds another entry"
_FRAME = ("id", "type", "at", "account", "model")


def _reason(
    rulesets: Rulesets, record: Mapping[str, Any], entry: Mapping[str, Any], theirs: float | str, ours: Fraction | str
) -> str | None:
    """Why litellm's own functions come to another amount than the catalog's figures: each is reckoned again, not guessed."""
    if isinstance(theirs, str):
        return None
    name, provider = record["model"], entry["litellm_provider"]

    def equals(other: Fraction | None) -> bool:
        return other is not None and abs(Fraction(theirs) - other) <= FLOAT_ERROR * max(other, Fraction(theirs))

    def again(model: str = name, **changes: Any) -> Fraction | None:
        other = litellm.model_cost.get(model, {})
        if not other.get("litellm_provider"):
            return None
        rules = rulesets[block_name(other["litellm_provider"])]
        known = _fields(rules.program, section(other)) | set(_FRAME)
        kept = {key: value for key, value in record.items() if key in known}
        try:
            return Fraction(rules.rate({**kept, "type": section(other), "model": model, **changes}).exact)
        except Exception:
            return None

    if isinstance(ours, str):
        if ours.startswith("not-offered: input is") and "input_cost_per_token" not in entry:
            return "tokens that the entry has no price for: here refused, there free"
        if ours.startswith("not-offered: output is") and "output_cost_per_token" not in entry:
            return "tokens that the entry has no price for: here refused, there free"
        return None
    others = [f"{_provider(entry)}/{name}", name.removeprefix(f"{provider}/")]
    others = [one for one in others if one != name and one in litellm.model_cost]
    if any(
        equals(again(one)) or (provider == "perplexity" and equals(_of_perplexity(record, litellm.model_cost[one])))
        for one in others
    ):
        return _ANOTHER
    if record.get("service_tier") == "batch":
        for one in others:  # whose batches litellm bills at half, cached tokens without a price at nothing
            found, whole = litellm.model_cost[one], again(one, service_tier="standard")
            free = "cache_read_input_token_cost" not in found
            cached = record.get("cache_read_tokens", 0) * Fraction(str(found.get("input_cost_per_token") or 0))
            if whole is not None and equals((whole - (cached if free else 0)) / 2):
                return _ANOTHER
    if record.get("service_tier") == "batch" and equals(again(inference_geo="global", speed="standard")):
        return "litellm's function for batches does not look at the region or the speed"
    if record.get("service_tier", "standard") != "standard" and equals(again(service_tier="standard")):
        return "litellm's function for this provider does not look at the tier"
    if provider == "xai" and equals(again(**_without_details(record))):
        return "litellm's function for xAI bills all output alike, and does not look at the tier"
    if record.get("service_tier") == "batch" and "input_cost_per_token_batches" not in entry:
        half = Fraction(str(entry.get("input_cost_per_token") or 0)) / 2
        plain = (
            again(inference_geo="global", speed="standard") if "speed" in record or "inference_geo" in record else ours
        )
        if plain is not None and equals(plain - record.get("cache_read_tokens", 0) * half):
            return "a batch without a price of input: litellm charges nothing for cached tokens without a price"
    both = record["type"] == "image" and "input_cost_per_image" in entry and "output_cost_per_image" in entry
    if both and equals(Fraction(str(entry["input_cost_per_image"])) * record["images"]):
        return "litellm bills an image made at the price of one sent"
    if provider == "parallel_ai" and record["type"] == "search":
        return "litellm has the price of this search in its code" if theirs == 0.005 else None
    if provider == "perplexity" and equals(_of_perplexity(record, entry)):
        return "litellm's function for Perplexity knows neither cached tokens nor sizes"
    tier = record.get("service_tier")
    plain = entry.get("input_cost_per_audio_token")
    own = entry.get(f"input_cost_per_audio_token_{tier}")
    if plain is not None and own is not None:
        fresh = record["input_audio_tokens"] - record.get("cache_audio_read_tokens", 0)
        if equals(ours - fresh * (Fraction(str(own)) - Fraction(str(plain)))):
            return "litellm drops the tier's price of audio tokens when it reads the entry"
    return None


def _without_details(record: Mapping[str, Any]) -> dict[str, Any]:
    parts = [field for field in record if field.startswith("output_") and field != "output_tokens"]
    return {**dict.fromkeys(parts, 0), **({"service_tier": "standard"} if "service_tier" in record else {})}


def _of_perplexity(record: Mapping[str, Any], entry: Mapping[str, Any]) -> Fraction:
    thought = record.get("output_reasoning_tokens", 0)
    output = Fraction(str(entry.get("output_cost_per_token") or 0))
    of_thought = entry.get("output_cost_per_reasoning_token")
    return (
        record["input_tokens"] * Fraction(str(entry.get("input_cost_per_token") or 0))
        + (record["output_tokens"] - thought) * output
        + thought * (output if of_thought is None else Fraction(str(of_thought)))
    )

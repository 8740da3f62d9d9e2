"""Usage objects of others: each kind with its own way of counting comes to the same charge, and nothing is lost."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pricelang
from pricelang.cli.main import commands
from pricelang.engine.intake import RecordError
from pricelang.maps.reading import MappingError
from pricelang.maps.reading import names
from pricelang.number import printable

ROOT = Path(__file__).parent.parent
AT = "2026-02-17T10:00:00Z"
UNIX = 1771322400

TOLD = """
ruleset told
  currency USD

usage chat
  model               text
  input_tokens        tokens
  cached_tokens       tokens, part of input_tokens, default 0
  cache_write_tokens  tokens, part of input_tokens, default 0
  output_tokens       tokens

price chat
  input:   rest of input_tokens at $3 per 1M tokens
  cached:  cached_tokens at $0.30 per 1M tokens
  write:   cache_write_tokens at $3.75 per 1M tokens
  output:  output_tokens at $15 per 1M tokens
"""


@pytest.fixture(scope="module")
def told():
    return pricelang.load_text(TOLD)


def fields(usage: str, lines: str) -> pricelang.Ruleset:
    return pricelang.load_text(
        f"ruleset r\n  currency USD\n\nusage chat\n  model  text\n{usage}\nprice chat\n{lines}\n"
    )


def rate(*args):
    """The command's exit code, and all that it printed."""
    result = CliRunner().invoke(commands, ["rate", *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


# --- objects as they come -------------------------------------------------------------------------------------------
# Each takes: tokens that are neither read from nor written to a cache, those read, those written, those that come out,
# and how many of these were reasoned.


def openai(plain, read, written, out, thought):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": UNIX,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "."}, "logprobs": None}],
        "usage": {
            "prompt_tokens": plain + read + written,
            "completion_tokens": out,
            "total_tokens": plain + read + written + out,
            "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": thought,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": None,
    }


def responses(plain, read, written, out, thought):
    return {
        "id": "resp-1",
        "object": "response",
        "created_at": UNIX,
        "model": "m",
        "status": "completed",
        "metadata": {},
        "user": None,
        "output": [],
        "usage": {
            "input_tokens": plain + read + written,
            "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
            "output_tokens": out,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": plain + read + written + out,
        },
    }


def beside(plain, read, written, out, thought):
    """A compatible sender that counts what was reasoned beside the completion."""
    found = openai(plain, read, written, out, thought)
    found["usage"]["completion_tokens"] -= thought
    return found


def anthropic(plain, read, written, out, thought):
    return {
        "id": "msg-1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": "end_turn",
        "timestamp": AT,
        "usage": {
            "input_tokens": plain,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": out,
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
            "service_tier": "standard",
            "inference_geo": "not_available",
        },
    }


def flat(plain, read, written, out, thought):
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "other",
        "gen_ai.response.model": "m",
        "gen_ai.response.id": "r-1",
        "timestamp": AT,
        "gen_ai.usage.input_tokens": plain + read + written,
        "gen_ai.usage.output_tokens": out,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_creation.input_tokens": written,
        "gen_ai.usage.reasoning.output_tokens": thought,
    }


def pairs(found):
    kinds = {int: "intValue", str: "stringValue"}
    return [
        {"key": key, "value": {kinds[type(value)]: str(value)}} for key, value in found.items() if key != "timestamp"
    ]


def otlp(*counts):
    span = {"traceId": "t", "spanId": "s-1", "name": "chat m", "kind": 3, "startTimeUnixNano": f"{UNIX}000000000"}
    return {**span, "attributes": pairs(flat(*counts))}


def older(plain, read, written, out, thought):
    return {
        "span_id": "s-1",
        "start_time": AT,
        "attributes": {
            "llm.request.type": "chat",
            "gen_ai.request.model": "m",
            "gen_ai.usage.prompt_tokens": plain + read + written,
            "gen_ai.usage.completion_tokens": out,
            "llm.usage.total_tokens": plain + read + written + out,
            "gen_ai.usage.cache_read_input_tokens": read,
            "gen_ai.usage.cache_creation_input_tokens": written,
        },
    }


def apart(plain, read, written, out, thought):
    return {**flat(plain, read, written, out, thought), "gen_ai.usage.input_tokens": plain}


def event(plain, read, written, out, thought):
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "//gateway",
        "type": "chat",
        "time": AT,
        "subject": "acme",
        "datacontenttype": "application/json",
        "data": {
            "model": "m",
            "input_tokens": plain + read + written,
            "cached_tokens": str(read),
            "cache_write_tokens": written,
            "output_tokens": out,
        },
    }


def packed(*counts):
    found = event(*counts)
    found["data_base64"] = base64.b64encode(json.dumps(found.pop("data")).encode()).decode()
    return found


def gemini(plain, read, written, out, thought):
    """Without a count of what was written; nothing that is zero is sent."""
    usage = {
        "promptTokenCount": plain + read + written,
        "cachedContentTokenCount": read,
        "candidatesTokenCount": out - thought,
        "thoughtsTokenCount": thought,
        "totalTokenCount": plain + read + written + out,
    }
    usage = {key: value for key, value in usage.items() if value}
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": plain + read + written}]
    return {"responseId": "g-1", "modelVersion": "m", "createTime": AT, "usageMetadata": usage}


def bedrock(plain, read, written, out, thought):
    usage = {"inputTokens": plain, "outputTokens": out, "totalTokens": plain + read + written + out}
    cache = {"cacheReadInputTokens": read, "cacheWriteInputTokens": written}
    details = [{"ttl": "5m", "inputTokens": written}] if written else []
    usage = {**usage, **cache, "cacheDetails": details}
    return {"requestId": "b-1", "modelId": "m", "timestamp": AT, "usage": usage, "metrics": {"latencyMs": 412}}


SOURCES = [
    ("openai", openai),
    ("openai", responses),
    ("openai", beside),
    ("anthropic", anthropic),
    ("otel", flat),
    ("otel", otlp),
    ("otel", older),
    ("otel_apart", apart),
    ("cloudevents", event),
    ("cloudevents", packed),
    ("gemini", gemini),
    ("bedrock", bedrock),
]
IDS = [f"{name}-{make.__name__}" for name, make in SOURCES]
GIVEN = {"account": "acme", "type": "chat"}
count = st.integers(0, 10**12)


@pytest.mark.parametrize(("name", "make"), SOURCES, ids=IDS)
def test_a_real_object(name, make, told):
    written = 0 if name == "gemini" else 500
    record = pricelang.mapping(name, told, GIVEN).record(make(1000, 8000, written, 300, 120))
    assert record["at"] == AT
    assert (record["type"], record["account"], record["model"]) == ("chat", "acme", "m")
    assert record["input_tokens"] == 9000 + written
    assert int(record["cached_tokens"]) == 8000
    assert record["output_tokens"] == 300
    charge = told.rate(record)
    assert {line.name: int(line.quantity) for line in charge.lines if line.quantity} == {
        "input": 1000,
        "cached": 8000,
        "output": 300,
        **({"write": 500} if written else {}),
    }


@pytest.mark.parametrize(("name", "make"), SOURCES, ids=IDS)
@given(plain=count, read=count, written=count, out=st.integers(1, 10**12), share=st.integers(0, 100))
def test_whichever_way_is_counted_it_is_the_same_charge(name, make, plain, read, written, out, share):
    """The parts are the whole, and the amount is that of the four counts, to the last digit."""
    written = 0 if name == "gemini" else written
    if not plain + read + written:
        return  # Gemini leaves nothing out but this
    rules = _told()
    record = pricelang.mapping(name, rules, GIVEN).record(make(plain, read, written, out, out * share // 100))
    assert record["input_tokens"] == plain + read + written
    charge = rules.rate(record)
    amount = plain * 300 + read * 30 + written * 375 + out * 1500
    assert charge.exact_amount * 10**8 == amount


_RULES: list[pricelang.Ruleset] = []


def _told() -> pricelang.Ruleset:
    if not _RULES:
        _RULES.append(pricelang.load_text(TOLD))
    return _RULES[0]


@pytest.mark.parametrize(("name", "make"), SOURCES, ids=IDS)
@pytest.mark.parametrize("ruleset", ["tensormesh", "tensoras"])
def test_from_a_file_to_a_charge(name, make, ruleset, tmp_path):
    """End to end: the line of a rejection is the line of its object, and cached tokens need a field."""
    model = "sample-large" if ruleset == "tensormesh" else "llama-3.3-70b"
    good, cached = named(make, model, 10_000, 0, 0, 1_000, 0), named(make, model, 2_000, 8_000, 0, 1_000, 0)
    usage = tmp_path / "usage.jsonl"
    first, second = json.dumps(good).replace('-1"', '-2"'), json.dumps(cached)
    usage.write_text("\n".join([first, "", second, "{"]))
    out, rejects = tmp_path / "charges.jsonl", tmp_path / "rejects.jsonl"
    args = [str(ROOT / "rulesets" / ruleset), str(usage), "--map", name, "--set", "account=acme", "--set", "type=chat"]
    code, text = rate(*args, "-o", str(out), "--rejects", str(rejects))
    assert code == 1, text
    found = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert (found[-1]["line"], found[-1]["error"]["code"]) == (4, "invalid-json")
    amounts = [json.loads(line)["amount"] for line in out.read_text().splitlines()]
    if ruleset == "tensormesh":
        assert amounts == ["0.0065", "0.0029"]
        assert len(found) == 1
    else:
        assert amounts == ["0.0026"]
        assert (found[0]["line"], found[0]["error"]["code"], found[0]["error"]["field"]) == (
            3,
            "unknown-field",
            "cached_tokens",
        )


def named(make, model, *counts):
    if make is packed:
        found = named(event, model, *counts)
        found["data_base64"] = base64.b64encode(json.dumps(found.pop("data")).encode()).decode()
        return found
    return json.loads(json.dumps(make(*counts)).replace('"m"', f'"{model}"'))


# --- what is refused ------------------------------------------------------------------------------------------------


def refused(name, raw, given=GIVEN, rules=None) -> RecordError:
    with pytest.raises(RecordError) as found:
        pricelang.mapping(name, rules, given).record(raw)
    return found.value


def without(found, *path):
    found = json.loads(json.dumps(found))
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return found


def changed(found, *path):
    *path, value = path
    found = json.loads(json.dumps(found))
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return found


COUNTS = (1000, 800, 100, 300, 100)


@pytest.mark.parametrize(
    ("name", "raw", "code", "field"),
    [
        ("openai", without(openai(*COUNTS), "usage"), "missing-field", "input_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", None), "missing-field", "input_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "many"), "wrong-type", "usage"),
        ("openai", changed(openai(*COUNTS), "usage", 12), "unmapped", "usage"),
        ("openai", changed(openai(*COUNTS), "usage", [1]), "wrong-type", "usage"),
        ("openai", changed(openai(*COUNTS), "usage", "prompt_tokens", -1), "negative", "usage.prompt_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "prompt_tokens", True), "wrong-type", "usage.prompt_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "prompt_tokens", "a few"), "not-a-number", "usage.prompt_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "prompt_tokens", {}), "wrong-type", "usage.prompt_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "total_tokens", 99), "counts-differ", "usage.total_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "input_tokens", 7), "counts-differ", "usage.input_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "dream_tokens", 7), "unmapped", "usage.dream_tokens"),
        ("openai", changed(openai(*COUNTS), "usage", "tools", [{"n": 1}]), "unmapped", "usage.tools.*.n"),
        ("openai", changed(openai(*COUNTS), "created", 10**14), "bad-time", "created"),
        (
            "openai",
            changed(openai(*COUNTS), "usage", "prompt_tokens_details", "dream_tokens", 1),
            "unmapped",
            "usage.prompt_tokens_details.dream_tokens",
        ),
        (
            "openai",
            changed(openai(*COUNTS), "usage", "prompt_tokens_details", "audio_tokens", 5),
            "unclear-part",
            "cached_tokens",
        ),
        ("anthropic", without(anthropic(*COUNTS), "usage", "input_tokens"), "missing-field", "input_tokens"),
        ("anthropic", without(anthropic(*COUNTS), "usage", "output_tokens"), "missing-field", "output_tokens"),
        (
            "anthropic",
            changed(anthropic(*COUNTS), "usage", "cache_creation", "ephemeral_1h_input_tokens", 1),
            "counts-differ",
            "usage.cache_creation_input_tokens",
        ),
        (
            "anthropic",
            changed(anthropic(*COUNTS), "usage", "cache_creation", "ephemeral_1d_input_tokens", 1),
            "unmapped",
            "usage.cache_creation.ephemeral_1d_input_tokens",
        ),
        (
            "anthropic",
            changed(
                anthropic(*COUNTS),
                "usage",
                "iterations",
                [
                    {"type": "compaction", "input_tokens": 9000, "output_tokens": 10},
                    {"type": "message", "input_tokens": 1000, "output_tokens": 300},
                ],
            ),
            "counts-differ",
            "usage.input_tokens",
        ),
        ("anthropic", ["a", "list"], "not-an-object", None),
        ("otel", apart(10, 800, 0, 5, 0), "part-exceeds-whole", "input_tokens"),
        (
            "otel",
            changed(flat(*COUNTS), "gen_ai.operation.name", "invoke_agent"),
            "unknown-type",
            "gen_ai.operation.name",
        ),
        ("otel", changed(flat(*COUNTS), "gen_ai.usage.dreams", "3"), "unmapped", "gen_ai.usage.dreams"),
        ("otel", {"attributes": [{"key": "a", "value": {}}, {"key": "a", "value": {}}]}, "repeated-key", "a"),
        ("cloudevents", without(event(*COUNTS), "time"), "missing-field", "at"),
        ("cloudevents", changed(event(*COUNTS), "data", "text"), "wrong-type", "data"),
        ("cloudevents", changed(event(*COUNTS), "data", "id", "x"), "repeated-key", "data.id"),
        ("cloudevents", changed(event(*COUNTS), "data_base64", "e30="), "repeated-key", "data_base64"),
        ("cloudevents", changed(packed(*COUNTS), "data_base64", "?"), "wrong-type", "data_base64"),
        ("cloudevents", changed(packed(*COUNTS), "data_base64", "W10="), "not-an-object", "data_base64"),
        ("cloudevents", changed(packed(*COUNTS), "data_base64", 5), "wrong-type", "data_base64"),
        (
            "gemini",
            changed(gemini(*COUNTS), "usageMetadata", "totalTokenCount", 5000),
            "counts-differ",
            "usageMetadata.totalTokenCount",
        ),
        (
            "gemini",
            changed(gemini(*COUNTS), "usageMetadata", "promptTokensDetails", [{"modality": "SMELL", "tokenCount": 3}]),
            "unmapped",
            "usageMetadata.promptTokensDetails.*[modality=SMELL].tokenCount",
        ),
        ("bedrock", changed(bedrock(*COUNTS), "usage", "dreamTokens", 3), "unmapped", "usage.dreamTokens"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_place(name, raw, code, field):
    error = refused(name, raw)
    assert (error.code, error.field) == (code, None if field is None else printable(field))
    assert error.field is None or error.field.removeprefix("data.") in error.message


@given(
    st.sampled_from(SOURCES),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=4) | st.just("1e999999999"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["key", "value", "a", "tokens"]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.data(),
)
def test_any_value_anywhere_is_taken_or_refused(source, value, data):
    """Whatever stands in the place of anything, there is a record or a `RecordError`."""
    name, make = source
    raw = make(*COUNTS) if name != "gemini" else make(1000, 800, 0, 300, 100)
    inner: object = raw
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
            inner[key] = value
            break
        inner = inner[key]
    for found in pricelang.mapping(name, _told(), GIVEN).records(raw):
        assert isinstance(found, dict | RecordError)
        if isinstance(found, dict):
            with suppress(RecordError):
                _told().rate(found)


@given(st.text("abz_", min_size=1, max_size=8), st.integers(1, 9))
def test_a_count_of_any_name_is_not_lost(word, amount):
    """A count that no field takes refuses its object, at whatever depth; a zero does no harm."""
    for name, make, root in (
        ("openai", openai, "usage"),
        ("anthropic", anthropic, "usage"),
        ("gemini", gemini, "usageMetadata"),
    ):
        counts = (1000, 800, 0, 300, 100)
        mapping = pricelang.mapping(name, _told(), GIVEN)
        fits = mapping.record(make(*counts))
        for path in ((root, f"new_{word}"), (root, "more", word), (root, "more", word, "tokens")):
            found = make(*counts)
            inner = found
            for key in path[:-1]:
                inner = inner.setdefault(key, {})
            inner[path[-1]] = 0
            assert mapping.record(found) == fits
            inner[path[-1]] = amount
            assert refused(name, found).code == "unmapped"


def test_null_and_empty_details_are_nothing():
    raw = openai(100, 0, 0, 5, 0)
    raw["usage"]["prompt_tokens_details"] = None
    raw["usage"]["completion_tokens_details"] = []
    assert pricelang.mapping("openai", _told(), GIVEN).record(raw)["input_tokens"] == 100


def test_a_usage_object_alone_with_its_record_beside_it():
    flat_usage = {**openai(100, 50, 0, 5, 0)["usage"], "id": "r", "at": AT, "model": "m"}
    record = pricelang.mapping("openai", _told(), GIVEN).record(flat_usage)
    assert (record["input_tokens"], record["cached_tokens"], record["output_tokens"]) == (150, 50, 5)
    flat_usage = {**anthropic(100, 50, 0, 5, 0)["usage"], "id": "r", "at": AT, "model": "m"}
    record = pricelang.mapping("anthropic", _told(), GIVEN).record(flat_usage)
    assert (record["input_tokens"], record["cached_tokens"], record["output_tokens"]) == (150, 50, 5)
    flat_usage["dream_tokens"] = 1
    assert refused("anthropic", flat_usage).code == "unmapped"


def test_large_counts_keep_every_digit():
    big = 10**29 - 1
    record = pricelang.mapping("openai", _told(), GIVEN).record(openai(big, 1, 0, 7, 0))
    assert record["input_tokens"] == 10**29


def test_embeddings_and_transcriptions():
    rules = pricelang.load(ROOT / "rulesets/tensoras")
    raw = {
        "object": "list",
        "data": [],
        "model": "bge-large-en-v1.5",
        "usage": {"prompt_tokens": 100_000, "completion_tokens": 0, "total_tokens": 100_000},
    }
    record = pricelang.mapping("openai", rules, {"id": "e-1", "at": AT, "account": "a"}).record(raw)
    assert str(rules.rate(record).amount) == "0.001"
    raw = {"text": "…", "usage": {"type": "duration", "seconds": 12}}
    assert pricelang.mapping("openai").record(raw)["seconds"] == 12


# --- parts and wholes -----------------------------------------------------------------------------------------------


def told_as(cached, lines):
    usage = f"  input_tokens   tokens\n  cached_tokens  tokens, {cached}default 0\n  output_tokens  tokens\n"
    return fields(usage, f"{lines}\n  output:  output_tokens at $9 per 1M tokens")


PLAIN = "  input:   input_tokens at $3 per 1M tokens"
EACH = f"{PLAIN}\n  cached:  cached_tokens at $1 per 1M tokens"
BY_HAND = "  input:   input_tokens - cached_tokens at $3 per 1M tokens\n  cached:  cached_tokens at $1 per 1M tokens"
REST = "  input:   rest of input_tokens at $3 per 1M tokens\n  cached:  cached_tokens at $1 per 1M tokens"


def own(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(("cached", "lines"), [("part of input_tokens, ", REST), ("", EACH), ("", BY_HAND)])
@pytest.mark.parametrize(("name", "make"), [one for one in SOURCES if one[0] != "cloudevents"], ids=IDS[:8] + IDS[10:])
def test_whichever_way_the_ruleset_counts_it_is_the_same_charge(name, make, cached, lines):
    """Cached tokens in the input, beside it, or taken off by hand: what is sent fits the rules."""
    rules = told_as(cached, lines)
    record = pricelang.mapping(name, rules, GIVEN).record(make(1000, 8000, 0, 300, 0))
    assert rules.rate(record).exact_amount * 10**6 == 1000 * 3 + 8000 * 1 + 300 * 9


def test_a_ruleset_that_does_not_say_whether_cached_is_part_is_asked(tmp_path):
    unsaid = told_as("", f"{PLAIN}\n    less 50% when cached_tokens above 0 tokens")
    raw = openai(1000, 8000, 0, 300, 0)
    assert refused("openai", raw, rules=unsaid).code == "unclear-part"
    assert pricelang.mapping("openai", unsaid, GIVEN).record(openai(1000, 0, 0, 300, 0))["input_tokens"] == 1000
    beside_it = pricelang.mapping(own(tmp_path, 'based_on = "openai"\napart = ["cached_tokens"]'), unsaid, GIVEN)
    assert (beside_it.record(raw)["input_tokens"], beside_it.record(raw)["cached_tokens"]) == (1000, 8000)
    in_it = pricelang.mapping(own(tmp_path, 'based_on = "openai"\nwithin = ["cached_tokens"]'), unsaid, GIVEN)
    assert (in_it.record(raw)["input_tokens"], in_it.record(raw)["cached_tokens"]) == (9000, 8000)


AUDIO = fields(
    "  tier                     one of standard, batch or priority, default standard\n"
    "  input_tokens             tokens\n  cache_read_tokens        tokens, part of input_tokens, default 0\n"
    "  input_audio_tokens       tokens, part of input_tokens, default 0\n"
    "  cache_audio_read_tokens  tokens, part of cache_read_tokens and input_audio_tokens, default 0\n"
    "  output_tokens            tokens\n  output_reasoning_tokens  tokens, part of output_tokens, default 0\n",
    "  input:   rest of input_tokens at $1 per 1M tokens\n  read:    rest of cache_read_tokens at $2 per 1M tokens\n"
    "  audio:   rest of input_audio_tokens at $3 per 1M tokens\n  both:    cache_audio_read_tokens at $4 per 1M tokens\n"
    "  output:  rest of output_tokens at $5 per 1M tokens\n  reason:  output_reasoning_tokens at $6 per 1M tokens",
)


def test_a_ruleset_may_call_its_fields_otherwise_and_have_parts_of_two_wholes():
    raw = openai(0, 0, 0, 121, 21)
    raw["usage"] |= {"prompt_tokens": 132, "total_tokens": 253}
    cached = {"cached_tokens": 64, "cached_tokens_details": {"text_tokens": 54, "audio_tokens": 10}}
    raw["usage"]["prompt_tokens_details"] = {"text_tokens": 119, "audio_tokens": 13, **cached}
    raw["service_tier"] = "priority"
    record = pricelang.mapping("openai", AUDIO, GIVEN).record(raw)
    assert record["tier"] == "priority"
    quantities = {line.name: int(line.quantity) for line in AUDIO.rate(record).lines}
    assert quantities == {"input": 132 - 64 - 13 + 10, "read": 54, "audio": 3, "both": 10, "output": 100, "reason": 21}


HOURS = fields(
    "  input_tokens           tokens\n  cached_tokens          tokens, part of input_tokens, default 0\n"
    "  cache_write_tokens     tokens, part of input_tokens, default 0\n"
    "  cache_write_1h_tokens  tokens, part of {whole}, default 0\n  output_tokens          tokens\n".replace(
        "{whole}", "input_tokens"
    ),
    "  input:   rest of input_tokens at $3 per 1M tokens\n  cached:  cached_tokens at $0.30 per 1M tokens\n"
    "  write:   cache_write_tokens at $3.75 per 1M tokens\n  hour:    cache_write_1h_tokens at $6 per 1M tokens\n"
    "  output:  output_tokens at $15 per 1M tokens",
)


def test_writes_for_an_hour_are_counted_once():
    raw = anthropic(100, 0, 70, 5, 0)
    raw["usage"]["cache_creation"] = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 40}
    record = pricelang.mapping("anthropic", HOURS, GIVEN).record(raw)
    assert (record["cache_write_tokens"], record["cache_write_1h_tokens"], record["input_tokens"]) == (30, 40, 170)
    quantities = {line.name: int(line.quantity) for line in HOURS.rate(record).lines}
    assert quantities == {"input": 100, "write": 30, "hour": 40, "output": 5}
    rest = pricelang.mapping("anthropic", _told(), GIVEN).record(raw)
    with pytest.raises(RecordError) as error:
        _told().rate(rest)
    assert error.value.field == "cache_write_1h_tokens"


def test_words_that_say_nothing_are_left_out_and_others_are_not():
    raw = openai(1, 0, 0, 1, 0)
    assert "service_tier" not in pricelang.mapping("openai", _told(), GIVEN).record(raw)
    raw["service_tier"] = "priority"
    assert pricelang.mapping("openai", _told(), GIVEN).record(raw)["service_tier"] == "priority"


def test_what_the_objects_say_stays_but_for_the_type():
    raw = {**openai(1, 0, 0, 1, 0), "user": "u-1"}
    record = pricelang.mapping("openai", None, {"account": "acme", "type": "talk", "model": "x", "id": "y"}).record(raw)
    assert (record["account"], record["type"], record["model"], record["id"]) == ("u-1", "talk", "m", "chatcmpl-1")
    assert "account" not in pricelang.mapping("openai").record(openai(1, 0, 0, 1, 0))


# --- several in one -------------------------------------------------------------------------------------------------


def test_an_export_holds_many_and_what_is_no_usage_is_counted(tmp_path):
    spans = [{**otlp(10_000, 0, 0, 1_000, 0), "spanId": str(n)} for n in range(3)]
    for n, span in enumerate(spans):
        span["attributes"] = [one for one in span["attributes"] if "response" not in one["key"]]
        span["attributes"].append({"key": "gen_ai.response.model", "value": {"stringValue": "sample-large"}})
        span["attributes"].append({"key": "gen_ai.response.id", "value": {"stringValue": f"r-{n}"}})
    spans[1]["attributes"][-3]["value"] = {"boolValue": True}
    spans.append({"name": "GET /", "spanId": "h", "attributes": []})
    resource = {"attributes": [{"key": "tenant.id", "value": {"stringValue": "t-9"}}]}
    line = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    usage = tmp_path / "usage.jsonl"
    usage.write_text("\n" + json.dumps(line))
    code, text = rate(str(ROOT / "rulesets/tensormesh"), str(usage), "--map", "otel")
    assert code == 1
    assert text.count('"account": "t-9"') == 2
    assert '{"id": "r-1", "error": {"code": "wrong-type"' in text
    assert '"line": 2}' in text
    assert (
        "3 records in = 2 charged + 1 rejected + 0 duplicates; apart from these, 1 objects without usage were left out"
        in text
    )


def test_results_of_a_batch():
    message = without(anthropic(*COUNTS), "timestamp")
    message["usage"]["service_tier"] = "batch"
    record = pricelang.mapping("anthropic").record(
        {"custom_id": "c", "result": {"type": "succeeded", "message": message}}
    )
    assert (record["id"], record["service_tier"], record["input_tokens"]) == ("msg-1", "batch", 1900)
    assert refused("anthropic", {"custom_id": "c", "result": {"type": "errored"}}).code == "missing-field"


# --- files of mappings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_those_that_come_along_can_be_read(name):
    assert pricelang.mapping(name).title


def test_one_of_ones_own(tmp_path):
    text = """
        based_on = "openai"
        each = "response"
        ignore = ["usage.dream_tokens"]

        [fields]
        account = "^customer.name"
        id = { join = ["^region", "id"], by = ":" }
        region = { value = "eu" }
        cached_tokens = { from = "usage.from_cache", as = "count" }
        reasoning_tokens = false

        [rename]
        cached_tokens = "cache_read_tokens"
    """
    raw = {"customer": {"name": "acme"}, "region": "eu-1", "response": openai(100, 0, 0, 5, 0)}
    raw["response"]["usage"] |= {"dream_tokens": 4, "from_cache": 60}
    mapping = pricelang.mapping(own(tmp_path, text))
    record = mapping.record(raw)
    assert (record["account"], record["id"], record["region"]) == ("acme", "eu-1:chatcmpl-1", "eu")
    assert (record["input_tokens"], record["cache_read_tokens"]) == (100, 60)
    raw["response"] = openai(100, 50, 0, 5, 5)
    error = refused(own(tmp_path, text), raw)
    assert (error.code, error.field) == ("unmapped", "usage.prompt_tokens_details.cached_tokens")


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("colour = 1", "colour", "no such key"),
        ("[field]\na = 'b'", "field", "did you mean `fields`"),
        ("a = ", None, "not TOML"),
        ("", "fields", "no field is mapped"),
        ("fields = 3", "fields", "must be a table"),
        ("[fields]\na = 3", "fields.a", "must be a path"),
        ("[fields]\na = ''", "fields.a.from", "must be a text"),
        ("[fields]\na = []", "fields.a.from", "a path is missing"),
        ("[fields]\na = 'b..c'", "fields.a.from", "name is missing"),
        ("[fields]\na = 'b.*[x].c'", "fields.a.from", "no name"),
        ("[fields]\n'a b' = 'b'", "fields", "no name of a field"),
        ("[fields]\na = { form = 'b' }", "fields.a.form", "did you mean `from`"),
        ("[fields]\na = { from = 'b', sum = ['c'] }", "fields.a", "give one of"),
        ("[fields]\na = { from = 'b', as = 'tokens' }", "fields.a.as", "one of sent, count"),
        ("[fields]\na = { sum = ['b'], as = 'sent' }", "fields.a.sum", "only counts"),
        ("[fields]\na = { from = 'b', as = 'count', words = { a = 'b' } }", "fields.a.words", "for texts"),
        ("[fields]\na = { from = 'b', words = { a = 1 } }", "fields.a.words", "table of texts"),
        ("[fields]\na = { from = 'b', required = 'yes' }", "fields.a.required", "true or false"),
        ("[fields]\na = { value = 0.5 }", "fields.a.value", "a text"),
        ("[fields]\na = 'b'\n[parts]\na = 'c'", "parts", "is not a count"),
        ("[fields]\na = { sum = ['b'] }\n[parts]\na = 'a'", "parts", "part of itself"),
        ("[fields]\na = { sum = ['b'] }\nc = { sum = ['d'] }\n[parts]\na = 'c'\nc = 'a'", "parts", "part of itself"),
        ("[fields]\na = 'b'\n[also]\nc = 'd'", "also", "is not a field"),
        ("[fields]\na = { sum = ['b'] }\n[[totals]]\nis = 'c'", "totals.of", "missing"),
        ("needs = ['c']\n[fields]\na = 'b'", "needs", "is not a field"),
        ("[fields]\na = 'b'\n[rename]\nc = 'd'", "rename.c", "is not a field"),
        ("[fields]\na = 'b'\nc = 'd'\n[rename]\nc = 'a'", "rename", "two fields"),
        ("based_on = 'opeani'", "based_on", "did you mean openai"),
        ("based_on = 'nowhere.toml'", "based_on", "cannot be read"),
        ("based_on = 'own.toml'", "based_on", "in a ring"),
        ("bare = 'x'\n[fields]\na = 'b'", "bare", "must be a table"),
        ("rest = ['x']", "rest", "must be a text"),
        ("each = '^a'\n[fields]\na = 'b'", "each", "no path of names"),
        ("apart = ['a']\nwithin = ['a']\n[fields]\na = { sum = ['b'] }", "apart", "`within` too"),
    ],
)
def test_a_fault_in_a_file_is_told_with_its_key(tmp_path, text, key, words):
    path = own(tmp_path, text)
    with pytest.raises(MappingError) as found:
        pricelang.mapping(path)
    assert found.value.key == key
    assert words in found.value.message
    assert str(found.value).startswith(path)


def test_commands_say_what_is_wrong(tmp_path):
    usage = tmp_path / "usage.jsonl"
    usage.write_text(json.dumps(openai(1, 0, 0, 1, 0)))
    csv = tmp_path / "usage.csv"
    csv.write_text("id,type,at,account\n")

    def run(*args, path=usage):
        return rate(str(ROOT / "rulesets/tensoras"), str(path), *args)

    for args, words in [
        (["--map", "opnai"], "did you mean openai? known: anthropic, bedrock, cloudevents"),
        (["--map", str(tmp_path / "no.toml")], "cannot be read"),
        (["--map", "openai", "--set", "account"], "FIELD=VALUE"),
        (["--map", "openai", "--set", "colour=red"], "no usage of the ruleset has a field"),
        (["--map", "openai", "--set", "type=talk"], "it has chat, embedding, rerank"),
        (["--set", "account=a"], "--map"),
    ]:
        code, text = run(*args)
        assert code == 2, text
        assert words in text
    code, text = run("--map", "openai", path=csv)
    assert (code, "JSON lines" in text) == (2, True)
    code, text = run("--map", "openai")
    assert (code, '"field": "account"' in text) == (1, True)

"""The JSON Schema of the usage records that a ruleset takes: a record that fits it is read without an error.

What a schema cannot say stays with the reader: that parts are not more than their whole, that a date exists.
"""

from __future__ import annotations

from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.number import LIMIT
from pricelang.number import MAX_DECIMALS
from pricelang.number import MAX_DIGITS
from pricelang.units import plural

Schema = dict[str, object]

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_INSTANT = f"^{_DAY}T{_CLOCK}:[0-5][0-9](\\.[0-9]{{1,{MAX_DECIMALS}}})?(Z|[+-]{_CLOCK})$"
_NUMBER = f"^[0-9]{{1,{MAX_DIGITS}}}(\\.[0-9]{{1,{MAX_DECIMALS}}})?$"
_WHOLE = f"^[0-9]{{1,{MAX_DIGITS}}}(\\.0{{1,{MAX_DECIMALS}}})?$"


def schema(program: Program) -> Schema:
    """The schema of one record of any usage of a ruleset."""
    return {
        "$schema": DRAFT,
        "title": f"A usage record of {program.title or program.name}",
        "oneOf": [{"$ref": f"#/$defs/{usage.name}"} for usage in program.usages.values()],
        "$defs": {usage.name: _usage(usage) for usage in program.usages.values()},
    }


def _usage(usage: UsageType) -> Schema:
    instant: Schema = {"type": "string", "format": "date-time", "pattern": _INSTANT}
    times = ("started", "stopped") if usage.is_resource else ("at",)
    fields: dict[str, object] = {
        "id": {"type": "string", "minLength": 1, "description": "the same id is charged once"},
        "type": {"const": usage.name},
        **dict.fromkeys(times, instant),
        "account": {"type": "string", "minLength": 1},
    }
    required = ["id", "type", *times, "account"]
    counted: dict[str, list[Input]] = {}
    for given in usage.inputs:
        if given.name == "requests":
            fields["requests"] = {"const": 1, "description": "every record is one request"}
            continue
        may_miss = given.optional or given.default is not None
        if given.counts_text is not None:
            counted.setdefault(given.counts_text[0], []).append(given)
            fields[given.name] = _value(given.type)
            continue
        fields[given.name] = _or_null(_value(given.type)) if may_miss else _value(given.type)
        if not may_miss:
            required.append(given.name)
    for text, counts in counted.items():
        names = " and ".join(given.name for given in counts)
        fields[text] = {"type": "string", "description": f"the text itself, in place of {names}"}
    made: Schema = {"title": usage.title or usage.name, "type": "object", "properties": fields, "required": required}
    either = [_either(text, counts) for text, counts in counted.items()]
    if either:
        made["allOf"] = either
    made["additionalProperties"] = False
    return made


def _either(text: str, counts: list[Input]) -> Schema:
    """A text or its counts: not both, and one of them where a count must be given."""
    needed = [given.name for given in counts if not given.optional and given.default is None]
    without_counts: Schema = {"required": [text], "not": {"anyOf": [{"required": [given.name]} for given in counts]}}
    without_text: Schema = {"required": needed, "not": {"required": [text]}}
    return {"oneOf": [without_counts, without_text]}


def _or_null(value: Schema) -> Schema:
    return {"anyOf": [value, {"type": "null"}]}


def _value(kind: FieldType) -> Schema:
    match kind.kind:
        case "number":
            return _number(kind)
        case "choice":
            return {"type": "string", "enum": list(kind.choices)}
        case "truth":
            return {"type": "boolean"}
        case "date":
            return {"type": "string", "format": "date", "pattern": f"^{_DAY}$"}
        case _:
            return {"type": "string"}


def _number(kind: FieldType) -> Schema:
    made: Schema = {
        "anyOf": [
            {"type": "integer" if kind.whole else "number", "minimum": 0, "exclusiveMaximum": LIMIT},
            {"type": "string", "pattern": _WHOLE if kind.whole else _NUMBER},
        ]
    }
    if kind.unit:
        made["description"] = f"in {plural(kind.unit)}"
    return made

"""The file of accounts for two rulesets: each is told the attributes that it knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pricelang.compare.errors import CompareError
from pricelang.engine.formats import read_jsonl
from pricelang.engine.intake import RecordError
from pricelang.engine.stream import Item
from pricelang.library import Ruleset
from pricelang.number import NumberText
from pricelang.number import quoted
from pricelang.plain import dataclass
from pricelang.plain import field

MOST_SHOWN = 20
KEYS = ("account", "signup", "attributes")


@dataclass(slots=True)
class Known:
    """What one ruleset is told of accounts."""

    attributes: dict[str, dict[str, object]] = field(default_factory=dict)
    signups: dict[str, str] = field(default_factory=dict)


def read_accounts(path: str | None, old: Ruleset, new: Ruleset) -> tuple[Known, Known, list[str]]:
    """What both are told of the accounts in a file of JSON lines, and sentences about what only one of them knows.
    Raises CompareError with every line that will not do for either."""
    found = Known(), Known()
    if path is None:
        return (*found, [])
    lines: dict[str, int] = {}
    wrong: list[str] = []
    alone: Counter[tuple[int, str]] = Counter()
    try:
        with open(path, "rb") as stream:
            for number, item in read_jsonl(stream):
                try:
                    name, signup, attributes = _line(item)
                    if name in lines:
                        message = f"the account {quoted(name)} is there already, in line {lines[name]}"
                        raise RecordError("repeated-account", "account", message)
                    _tell(found, (old, new), name, signup, attributes, alone)
                except RecordError as error:
                    wrong.append(f"line {number}: {error.message} ({error.code})")
                    continue
                lines[name] = number
    except OSError as error:
        raise CompareError(f"{path} cannot be read: {(error.strerror or 'error').lower()}") from None
    if wrong:
        more = [f"and {len(wrong) - MOST_SHOWN} more"] if len(wrong) > MOST_SHOWN else []
        told = "\n".join(f"  {one}" for one in wrong[:MOST_SHOWN] + more)
        raise CompareError(f"{path}: the accounts cannot be taken\n{told}")
    said = [
        f"The attribute {key} of {times} account{'s' if times > 1 else ''} is known to the {('old', 'new')[side]} rules"
        f" only; the {('new', 'old')[side]} ones are not told it."
        for (side, key), times in sorted(alone.items())
    ]
    return (*found, said)


def _line(item: Item) -> tuple[str, str | None, Mapping[str, object]]:
    if isinstance(item, RecordError):
        raise item
    for key in item:
        if key not in KEYS:
            message = f"{quoted(key)} is no key of an account; there are account, signup and attributes"
            raise RecordError("unknown-field", key, message)
    name, signup, attributes = (item.get(key) for key in KEYS)
    if not isinstance(name, str) or isinstance(name, NumberText) or not name:
        raise RecordError("wrong-type", "account", "account must be a text that is not empty")
    if signup is not None and (not isinstance(signup, str) or isinstance(signup, NumberText)):
        raise RecordError("wrong-type", "signup", "signup must be a text")
    if attributes is not None and not isinstance(attributes, dict):
        raise RecordError("wrong-type", "attributes", "attributes must be an object with the account's fields")
    return name, signup, attributes or {}


def _tell(
    found: tuple[Known, Known],
    rules: tuple[Ruleset, Ruleset],
    name: str,
    signup: str | None,
    attributes: Mapping[str, object],
    alone: Counter[tuple[int, str]],
) -> None:
    """Tells each ruleset the attributes it takes. Raises RecordError for one that neither takes."""
    own: tuple[dict[str, object], dict[str, object]] = ({}, {})
    for key, value in attributes.items():
        errors: list[RecordError | None] = []
        for side, one in enumerate(rules):
            try:
                one.accounts_of({name: {key: value}})
            except RecordError as error:
                errors.append(error)
                continue
            errors.append(None)
            own[side][key] = value
        first, second = errors
        for wrong, other in ((first, second), (second, first)):
            if wrong is not None and (other is not None or wrong.code != "unknown-field"):
                raise wrong
        if first is not None or second is not None:
            alone[0 if first is None else 1, key] += 1
    for side, one in enumerate(rules):
        one.accounts_of({name: own[side]}, None if signup is None else {name: signup})
        found[side].attributes[name] = own[side]
        if signup is not None:
            found[side].signups[name] = signup

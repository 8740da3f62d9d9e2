"""The file of accounts: JSON lines of `account`, `signup` and `attributes`, validated before anything is charged."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Annotated
from typing import Any

from pydantic import BaseModel
from pydantic import BeforeValidator
from pydantic import ConfigDict
from pydantic import StringConstraints
from pydantic import ValidationError

from pricelang.cli.rules import Unreadable
from pricelang.cli.usage import opened
from pricelang.engine.formats import read_jsonl
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import shown
from pricelang.library import Ruleset
from pricelang.number import NumberText
from pricelang.number import printable
from pricelang.number import quoted

MOST_SHOWN = 20


@dataclass(slots=True)
class Accounts:
    """What is known of accounts: for each name its attributes, and when it signed up."""

    attributes: dict[str, dict[str, object]] = field(default_factory=dict)
    signups: dict[str, str] = field(default_factory=dict)


def _no_number(value: object) -> object:
    if isinstance(value, NumberText):
        raise ValueError("a number where a text is meant")
    return value


_Text = Annotated[str, StringConstraints(min_length=1), BeforeValidator(_no_number)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    account: _Text
    signup: _Text | None = None
    attributes: dict[str, Any] = {}


def read_accounts(path: str, rules: Ruleset) -> Accounts:
    """The accounts of a file; every line that will not do is said, and ends the command."""
    found = Accounts()
    lines: dict[str, int] = {}
    wrong: list[str] = []
    with opened(path) as stream:
        for number, item in read_jsonl(stream):
            try:
                if isinstance(item, RecordError):
                    raise item
                line = _Line.model_validate(item)
                if line.account in lines:
                    raise RecordError(
                        "repeated-account",
                        "account",
                        f"the account {quoted(line.account)} is there already, in line {lines[line.account]}",
                    )
                rules._account(line.account, line.attributes, line.signup)
            except ValidationError as error:
                wrong.append(f"line {number}: {_told(error)}")
                continue
            except RecordError as error:
                wrong.append(f"line {number}: {error.message} ({error.code})")
                continue
            lines[line.account] = number
            found.attributes[line.account] = line.attributes
            if line.signup is not None:
                found.signups[line.account] = line.signup
    if wrong:
        more = [f"and {len(wrong) - MOST_SHOWN} more"] if len(wrong) > MOST_SHOWN else []
        told = "\n".join(f"  {one}" for one in wrong[:MOST_SHOWN] + more)
        raise Unreadable(f"{path}: the accounts cannot be taken, and nothing was charged\n{told}")
    return found


_PLAIN = {
    "missing": "is missing",
    "extra_forbidden": "is no key of an account; there are account, signup and attributes",
    "string_type": "must be a text",
    "string_too_short": "is empty",
    "dict_type": "must be an object with the account's fields",
}


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    where = printable(".".join(str(part) for part in first["loc"])) or "the line"
    given = "" if first["type"] == "missing" else f", and {shown(first['input'])} is not"
    if first["type"] in ("missing", "extra_forbidden", "string_too_short"):
        given = ""
    said = _PLAIN.get(first["type"]) or ("must be a text" if first["type"] == "value_error" else first["msg"])
    return f"{where} {said}{given}"

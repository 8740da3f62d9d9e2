"""What an HTTP client is told of a decision: problem documents (RFC 9457) and RateLimit fields.

The fields are those of draft-ietf-httpapi-ratelimit-headers-11; `quota-exceeded` is its problem type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping
from fractions import Fraction
from http import HTTPStatus

from pricelang.account.ledger import Ledger
from pricelang.account.limits import bound_of
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Refused
from pricelang.account.outcome import Rejected
from pricelang.account.windows import used
from pricelang.account.windows import window_of
from pricelang.core.ops import Const
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Spend
from pricelang.core.program import Program
from pricelang.engine.intake import RecordError
from pricelang.number import decimal_text
from pricelang.plain import dataclass

Headers = list[tuple[bytes, bytes]]
QUOTA = "https://iana.org/assignments/http-problem-types#quota-exceeded"
QUOTA_TITLE = "Request cannot be satisfied as assigned quota has been exceeded"
STATUS = {"unknown-account": 403, "id-conflict": 422}
"""The status of a rejection by its code; all others are 400."""

_SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_LARGEST = 10**15 - 1  # of a structured field's integer


class Problem(Exception):
    """An answer in place of the app's: `application/problem+json` with a status from 400 to 599.

    `more` are further members of the document, `headers` further fields of the answer. `usage` may raise it.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        type: str = "about:blank",
        title: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = dict(more or {})
        self.headers = dict(headers or {})
        self.type = type
        self.title = title if title is not None else _phrase(status)

    def body(self, instance: str) -> bytes:
        """The document, as UTF-8; `instance` is the path that was asked for."""
        own = {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail}
        return json.dumps({**own, "instance": instance, **self.more}, ensure_ascii=False).encode()

    def fields(self, length: int) -> Headers:
        """The answer's header fields, for a body of so many bytes."""
        named = {
            "content-type": "application/problem+json",
            "content-length": str(length),
            "cache-control": "no-store",
            **self.headers,
        }
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


def problem_of(outcome: Outcome, program: Program) -> Problem:
    """What a client is told in place of an answer, of an outcome that is refused or rejected."""
    if isinstance(outcome, Refused):
        return _refused(outcome, program)
    assert isinstance(outcome, Rejected)
    status = STATUS.get(outcome.code, 400)
    return Problem(status, outcome.message, {"code": outcome.code, "field": outcome.field, "id": outcome.id})


def _refused(outcome: Refused, program: Program) -> Problem:
    counted = [item for item in (_item(outcome, failed.name, program) for failed in outcome.limits) if item is not None]
    headers = fields_of(counted)
    if outcome.retry_after is not None:
        headers["retry-after"] = str(outcome.retry_after)
    balance = outcome.exact_balance
    more = {
        "id": outcome.id,
        **outcome.reasons(),
        "balance": decimal_text(balance) if balance is not None else None,
    }
    status = outcome.status or 402
    if not counted:
        return Problem(status, outcome.message, more, headers)
    more["violated-policies"] = [item.name for item in counted]
    return Problem(status, outcome.message, more, headers, QUOTA, QUOTA_TITLE)


# --- RateLimit fields -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """What a limit on a stretch of time allows and leaves, in whole units, rounded down.

    `window` is how long the stretch is and `rest` how long it goes on, in seconds; None where that is not one figure.
    """

    name: str
    unit: str
    allowed: int
    left: int
    window: int | None
    rest: int | None


def fields_of(items: Iterable[Item]) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` as structured fields; none where there is nothing to tell."""
    told = list(items)
    if not told:
        return {}
    return {
        "ratelimit-policy": ", ".join(map(_policy, told)),
        "ratelimit": ", ".join(map(_standing, told)),
    }


def _policy(item: Item) -> str:
    unit = f";qu={_string(item.unit)}" if item.unit != "request" else ""
    window = f";w={item.window}" if item.window else ""
    return f"{_string(item.name)};q={item.allowed}{unit}{window}"


def _standing(item: Item) -> str:
    rest = f";t={item.rest}" if item.rest is not None else ""
    return f"{_string(item.name)};r={item.left}{rest}"


def _string(text: str) -> str:
    """A text as a structured field has it: in quotes, of plain characters only."""
    plain = "".join(one if " " <= one <= "~" else "?" for one in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _whole(value: Fraction) -> int:
    return max(0, min(_LARGEST, value.numerator // value.denominator))


def _up(value: Fraction) -> int:
    return max(0, -(-value.numerator // value.denominator))


def _item(outcome: Refused, name: str, program: Program) -> Item | None:
    """A limit that refused, from the outcome alone; None where it is not about a stretch of time."""
    limit = next((one for one in program.policy.limits if one.name == name), None)
    failed = next(one for one in outcome.limits if one.name == name)
    if limit is None or failed.allowed is None or not isinstance(limit.question.measure, Spend | Quantity):
        return None
    rest = None
    if failed.retry_at is not None and outcome.at is not None:
        rest = _up(failed.retry_at - outcome.at)
    left = failed.allowed - failed.used
    return Item(name, failed.unit, _whole(failed.allowed), _whole(left), _window(limit), rest)


def _window(limit: Limit) -> int | None:
    """How many seconds a limit's stretch of time has; None where they are not always as many."""
    question = limit.question
    if question.each is not None:
        return _SECONDS.get(question.each.unit)
    rolling = question.rolling
    if rolling is None or rolling.unit == "month" or not isinstance(rolling.of, Const):
        return None
    return _up(rolling.of.value)


class Standing:
    """How an account stands with the limits on what it sends: requests, tokens. One view of the store for each."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        asked = ledger.terms.asked.items()
        self._limits = {usage: [one for one in limits if _countable(one)] for usage, limits in asked}

    def items(self, record: Mapping[str, object]) -> list[Item]:
        """The limits that the record counts in, as they are after it. Raises `LedgerError`."""
        limits = self._limits.get(str(record["type"]))
        if not limits:
            return []
        try:
            state = self._ledger.state(str(record["account"]))
            read_record = self._ledger.terms.intake.read(record)
        except (KeyError, RecordError):
            return []
        read = self._ledger.terms.evaluation(state, read_record.at, read_record)
        found = []
        for limit in limits:
            question = limit.question
            try:
                allowed = bound_of(limit, read) if read.met(question.when) else None
                window = window_of(self._ledger.terms, limit, state, read)
                count = used(self._ledger.terms, limit, state, window, read.at)
            except RecordError:
                continue  # the account does not have the figures: there is no such limit for it
            if allowed is None:
                continue
            left = max(Fraction(0), allowed - count) / question.factor
            rest = None
            if question.each is not None:
                rest = _up(self._ledger.terms.period(question.each, state, read.at)[1] - read.at)
            whole = _whole(allowed / question.factor)
            found.append(Item(limit.name, question.unit, whole, _whole(left), _window(limit), rest))
        return found


def _countable(limit: Limit) -> bool:
    """Limits in whole units; what is left of an amount of money would be rounded down to nothing long before it is."""
    return isinstance(limit.question.measure, Quantity) and limit.question.factor == 1

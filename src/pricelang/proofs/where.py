"""Which records are meant: `model is large-1 and input_tokens above 200K`, as a condition of the core."""

from __future__ import annotations

import re
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.program import Input
from pricelang.core.program import UsageType
from pricelang.number import NumberError
from pricelang.number import parse_decimal
from pricelang.period import parse_date
from pricelang.period import parse_instant
from pricelang.units import SIGNS

_ASKED = re.compile(
    r"(?P<name>[A-Za-z_][\w.]*)\s+"
    r"(?P<word>is not|is like|is given|is|above|below|at least|at most|up to|from|until|on)\b\s*"
    r"(?P<rest>.*)",
    re.S,
)
_SIGNS = {"above": ">", "below": "<", "at least": ">=", "at most": "<=", "up to": "<="}
_SUFFIXES = {"K": 10**3, "M": 10**6, "B": 10**9}
CAN = (
    "write such as `model is large-1`, `model is small-1 or large-1`, `tier is not batch`, `input_tokens above 200K`, "
    "`input_tokens up to 200K`, `type is chat`, "
    "`at from 2026-03-01`, `at until 2026-03-31`, with `and` between them"
)


class NotUnderstood(ValueError):
    """A question or a condition that says nothing which can be asked; the message says what can be."""


def where(text: str, usage: UsageType, account: tuple[Input, ...]) -> ops.Cond | None:
    """The condition that a text puts on records of a usage; None where it names a field that they do not have.

    Raises NotUnderstood.
    """
    conds: list[ops.Cond] = []
    for part in re.split(r"\s+and\s+", text.strip()):
        asked = _ASKED.fullmatch(part.strip())
        if asked is None:
            raise NotUnderstood(f"`{part.strip()}` is no condition: {CAN}")
        cond = _cond(asked["name"], asked["word"], asked["rest"].strip(), usage, account)
        if cond is None:
            return None
        conds.append(cond)
    return conds[0] if len(conds) == 1 else ops.All(tuple(conds))


def field_of(name: str, usage: UsageType, account: tuple[Input, ...]) -> tuple[ops.Field | ops.Attribute, Input] | None:
    """A field of a usage, or one of the account (`account.plan`, or `plan` where no field has the name)."""
    for one in usage.inputs:
        if one.name == name:
            return ops.Field(name), one
    short = name.removeprefix("account.")
    for one in account:
        if one.name == short:
            return ops.Attribute(short), one
    return None


def _cond(name: str, word: str, rest: str, usage: UsageType, account: tuple[Input, ...]) -> ops.Cond | None:
    if name == "type" and word in ("is", "is not"):
        named = usage.name in re.split(r"\s+or\s+|\s*,\s*", rest)
        return ops.All(()) if named is (word == "is") else None
    if name in ("at", "date") and word in ("from", "until", "on"):
        return _dates(word, rest)
    found = field_of(name, usage, account)
    if found is None:
        return None
    of, one = found
    if word == "is given":
        return ops.IsGiven(of)
    if word == "is like":
        return ops.IsLike(of, rest.strip("`\"'"))
    if word in ("is", "is not"):
        values = tuple(value_of(each.strip().strip("`\"'"), one) for each in re.split(r"\s+or\s+|\s*,\s*", rest))
        cond: ops.Cond = ops.IsOneOf(of, values)
        return ops.Not(cond) if word == "is not" else cond
    if word in _SIGNS:
        value = value_of(rest, one)
        if not isinstance(value, Fraction):
            raise NotUnderstood(f"`{name}` is no number, and cannot be {word} `{rest}`")
        return ops.Compare(of, _SIGNS[word], ops.Const(value))
    raise NotUnderstood(f"`{name} {word} {rest}` is no condition: {CAN}")


def value_of(text: str, one: Input) -> str | bool | Fraction:
    """A value as people write it, for a field. Raises NotUnderstood."""
    match one.type.kind:
        case "truth":
            if text not in ("yes", "no", "true", "false"):
                raise NotUnderstood(f"`{one.name}` is yes or no, not `{text}`")
            return text in ("yes", "true")
        case "choice":
            if text not in one.type.choices:
                raise NotUnderstood(
                    f"`{text}` is not one of the values of `{one.name}`: {', '.join(one.type.choices[:12])}"
                )
            return text
        case "number":
            number = number_of(text)
            if number is None:
                raise NotUnderstood(f"`{text}` is no number, as `{one.name}` wants one")
            return number * one.type.factor
    return text


def number_of(text: str, currency: str = "") -> Fraction | None:
    """`1,000`, `2.5M`, `$3` as a number; None where it is none. A sign has to mean the currency, where one is given."""
    sign = text.strip()[:1]
    if currency and sign in "$€£¥" and currency not in SIGNS.get(sign, ()):
        raise NotUnderstood(f"`{sign}` does not mean {currency}, in which these rules charge")
    plain = text.strip().lstrip("$€£¥").replace(",", "").strip()
    factor = _SUFFIXES.get(plain[-1:].upper(), 1)
    if factor != 1:
        plain = plain[:-1]
    try:
        return Fraction(parse_decimal(plain)) * factor
    except (NumberError, ValueError):
        return None


def instant(text: str) -> Fraction:
    """A date (its first second in UTC) or an instant. Raises NotUnderstood."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            parse_date(text)
            text += "T00:00:00Z"
        return Fraction(parse_instant(text))
    except ValueError as error:
        raise NotUnderstood(f"`{text}` is no date: {error}") from None


def _dates(word: str, rest: str) -> ops.Cond:
    at = instant(rest)
    day = Fraction(86_400) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", rest) else Fraction(1)
    if word == "from":
        return ops.InForce(at, None)
    if word == "until":
        return ops.InForce(None, at + day)
    return ops.InForce(at, at + day)

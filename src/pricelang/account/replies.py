"""Outcomes read back from the journal: an event that comes again is answered as it was the first time."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pricelang.account.journal import Entry
from pricelang.account.outcome import Accepted
from pricelang.account.outcome import Failed
from pricelang.account.outcome import Outcome
from pricelang.account.outcome import Posting
from pricelang.account.outcome import Refused
from pricelang.engine.charge import ChargeLine
from pricelang.period import parse_instant
from pricelang.source import Place

_FACTS = ("of", "record", "rerated", "records")


def outcome_of(entry: Entry) -> Outcome:
    """The outcome that an entry holds: equal to the one that was first given, in all that it tells."""
    raw: Mapping[str, Any] = entry.outcome
    told = {
        "id": raw["id"],
        "type": raw["type"],
        "at": _instant(raw["at"]),
        "account": raw["account"],
        "message": raw.get("message", ""),
        "exact_amount": Fraction(raw["amount"]),
        "exact_balance": _figure(raw["balance"]),
        "lines": tuple(_line(one) for one in raw["lines"]),
        "postings": tuple(posting_of(one) for one in raw["postings"]),
        "notices": tuple(raw["notices"]),
        "repeated": True,
    }
    if raw["decision"] == "refused":
        limits = tuple(_failed(one) for one in raw["limits"])
        return Refused(**told, limits=limits)
    facts = {name: raw[name] for name in _FACTS if name in raw}
    return Accepted(**told, hold=raw.get("hold"), reserved=_figure(raw.get("reserved")), facts=facts or None)


def posting_of(raw: Mapping[str, Any]) -> Posting:
    """A posting as the journal has it."""
    return Posting(
        raw["kind"],
        raw["from"],
        raw["to"],
        Fraction(raw["amount"]),
        parse_instant(raw["at"]),
        raw["of"],
        _instant(raw.get("bill")),
    )


def _failed(raw: Mapping[str, Any]) -> Failed:
    return Failed(
        raw["name"],
        Fraction(raw["asked"]),
        Fraction(raw["used"]),
        _figure(raw["allowed"]),
        raw["unit"],
        raw["status"],
        _instant(raw["retry_at"]),
        raw["message"],
        tuple(raw.get("for", {}).items()),
    )


def _line(raw: Mapping[str, Any]) -> ChargeLine:
    return ChargeLine(
        raw["name"],
        Fraction(raw["quantity"]),
        raw["unit"],
        Fraction(raw["amount"]),
        Fraction(raw["exact"]),
        _place(raw["rule"]),
        _place(raw["row"]) if "row" in raw else None,
    )


def _place(text: str) -> Place:
    path, _, line = text.rpartition(":")
    return Place(path, int(line))


def _figure(text: str | None) -> Fraction | None:
    return Fraction(text) if text is not None else None


def _instant(text: str | None) -> Fraction | None:
    return parse_instant(text) if text is not None else None

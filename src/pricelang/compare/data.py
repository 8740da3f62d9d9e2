"""A comparison as plain data for other programs: figures are decimal strings, `n/d` where the digits do not end."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pricelang.compare.changes import Change
from pricelang.compare.changes import Compared
from pricelang.compare.changes import Result
from pricelang.compare.told import EventsDiff
from pricelang.compare.told import Group
from pricelang.compare.told import MoneyDiff
from pricelang.compare.told import Moved
from pricelang.number import decimal_text


def as_data(compared: Compared) -> dict[str, object]:
    """The whole comparison; the keys stay as they are."""
    return {
        "old": compared.old,
        "new": compared.new,
        "held": compared.held,
        "rulesets": [_result(one) for one in compared.results],
    }


def _result(one: Result) -> dict[str, object]:
    found: dict[str, object] = {
        "name": one.rules.name,
        "title": one.rules.title,
        "status": one.rules.status,
        "old": one.rules.old,
        "new": one.rules.new,
        "changes": [_change(change) for change in one.rules.changes],
    }
    if one.money is not None:
        found["money"] = _money(one.money)
    if one.events is not None:
        found["events"] = _events(one.events)
    if one.gates:
        found["gates"] = [{"gate": gate.gate, "held": gate.held, "said": gate.said} for gate in one.gates]
    return found


def _change(one: Change) -> dict[str, object]:
    found: dict[str, object] = {
        "group": one.group,
        "subject": one.subject,
        "item": one.item,
        "change": one.said,
        "old": one.old or None,
        "new": one.new or None,
        "ratio": _figure(one.ratio),
        "when": one.when or None,
        "place": one.place,
    }
    if one.details:
        found["details"] = [_change(detail) for detail in one.details]
    return found


def _figure(value: Fraction | None) -> str | None:
    return None if value is None else decimal_text(value)


def _money(money: MoneyDiff) -> dict[str, object]:
    return {
        "currency": money.currency,
        "records": money.records,
        "charged_both": money.charged_both,
        "newly_refused": money.newly_refused,
        "newly_priced": money.newly_priced,
        "refused_both": money.refused_both,
        "duplicates": money.duplicates,
        "moved_rows": money.moved_rows,
        "old_total": _figure(money.old_total),
        "new_total": _figure(money.new_total),
        "change": _figure(money.new_total - money.old_total),
        "accounts": {"up": money.accounts_up, "down": money.accounts_down, "same": money.accounts_same},
        "distribution": [{"change": label, "accounts": count} for label, count in money.distribution],
        "by": {field: _groups(groups) for field, groups in money.by.items()},
        "largest": _moved(money.largest),
        "refused_examples": _moved(money.refused_examples),
        "priced_examples": _moved(money.priced_examples),
        "moved_examples": _moved(money.moved_examples),
        "left_out": list(money.left_out),
    }


def _groups(groups: Iterable[Group]) -> list[dict[str, object]]:
    return [
        {
            "value": one.value,
            "records": one.records,
            "old": _figure(one.old),
            "new": _figure(one.new),
            "change": _figure(one.new - one.old),
        }
        for one in groups
    ]


def _moved(moved: Iterable[Moved]) -> list[dict[str, object]]:
    return [
        {
            "id": one.id,
            "account": one.account,
            "type": one.type,
            "at": one.at,
            "old": _figure(one.old),
            "new": _figure(one.new),
            "why": one.why,
        }
        for one in moved
    ]


def _events(events: EventsDiff) -> dict[str, object]:
    return {
        "events": events.events,
        "accounts": events.accounts,
        "newly_refused": events.newly_refused,
        "newly_accepted": events.newly_accepted,
        "balances": _groups(events.balances),
        "bills": _groups(events.bills),
        "refused": _moved(events.refused),
        "left_out": list(events.left_out),
    }

"""START HERE: what changed between two rulesets, without usage. Works on the core: how rules are written says nothing.

names matched → header → records → tables → prices → accounts → examples → changes, in their groups
"""

from __future__ import annotations

from pricelang.compare.changes import ACCOUNTS
from pricelang.compare.changes import GROUPS
from pricelang.compare.changes import OTHER
from pricelang.compare.changes import WORDING
from pricelang.compare.changes import Change
from pricelang.compare.changes import RulesDiff
from pricelang.compare.inputs import compare_inputs
from pricelang.compare.lines import compare_prices
from pricelang.compare.pair import Pair
from pricelang.compare.policies import compare_policies
from pricelang.compare.tables import compare_tables
from pricelang.compare.wording import Side
from pricelang.compare.wording import window_words
from pricelang.core.ops import Hours
from pricelang.core.ops import Round
from pricelang.core.program import Example
from pricelang.library import Ruleset

COMPARED = {
    "name": "a ruleset's name says nothing about its prices",
    "title": "header",
    "currency": "header",
    "zone": "header",
    "bill": "header",
    "usages": "records",
    "account": "records",
    "hours": "hours",
    "tables": "tables",
    "prices": "prices",
    "allowances": "accounts",
    "round_line": "header",
    "round_charge": "header",
    "round_bill": "header",
    "show_to": "header",
    "show_place": "where it stands",
    "sources": "examples and sources",
    "examples": "examples and sources",
    "policy": "accounts",
}
"""Where each field of a program is compared; a test holds that none is missing."""


def compare_rules(old: Ruleset, new: Ruleset, old_file: str = "", new_file: str = "", name: str = "") -> RulesDiff:
    """The changes from one ruleset to another. The files are for places; `name` is what both are called."""
    pair = Pair(Side(old, old_file), Side(new, new_file))
    changes = [
        *_header(pair),
        *compare_inputs(pair),
        *_hours(pair),
        *compare_tables(pair),
        *compare_prices(pair),
        *compare_policies(pair),
        *_sources(pair),
        *_examples(pair),
    ]
    order = list(GROUPS)
    changes.sort(key=lambda one: order.index(one.group))
    status = "changed" if changes else "same"
    return RulesDiff(name or new.name, new.title, status, old_file, new_file, tuple(changes))


def _header(pair: Pair) -> list[Change]:
    old, new = pair.old.program, pair.new.program
    place = pair.new.file
    found: list[Change] = []

    def turned(group: str, item: str, left: str, right: str, said: str = "") -> None:
        found.append(Change(group, "ruleset", item, said or f"{left} → {right}", left, right, place=place))

    if old.title != new.title:
        turned(WORDING, "title", old.title, new.title, f'is called "{new.title}" instead of "{old.title}"')
    if old.currency != new.currency:
        said = f"all amounts are in {new.currency} instead of {old.currency}"
        turned(OTHER, "currency", old.currency, new.currency, said)
    if old.zone != new.zone:
        said = f"days, months and dates begin in {new.zone} instead of {old.zone}"
        turned(OTHER, "timezone", old.zone, new.zone, said)
    if old.bill != new.bill:
        turned(ACCOUNTS, "bill", old.bill, new.bill, f"a bill every {new.bill} instead of every {old.bill}")
    for item in ("line", "charge", "bill"):
        left, right = getattr(old, f"round_{item}"), getattr(new, f"round_{item}")
        if not pair.same(left, right):
            words = _round(pair.old, left), _round(pair.new, right)
            if words[0] == words[1]:
                words = pair.old.spelled(left), pair.new.spelled(right)
            turned(OTHER, f"round each {item}", words[0], words[1], f"{words[1]} instead of {words[0]}")
    if old.show_to != new.show_to:
        told = [
            side.words().money(one) if one is not None else "all digits"
            for side, one in ((pair.old, old.show_to), (pair.new, new.show_to))
        ]
        turned(WORDING, "show to", told[0], told[1], f"amounts are shown to {told[1]} instead of {told[0]}")
    return found


def _round(side: Side, one: Round | None) -> str:
    return f"rounded to {side.words().money(one.size)}, {one.mode}" if one is not None else "not rounded"


def _hours(pair: Pair) -> list[Change]:
    found: list[Change] = []
    old, new = pair.old.program.hours, pair.new.program.hours
    seen = set()
    for name, one in new.items():
        theirs = pair.names.hours.get(name, name)
        place = pair.new.place(one.place)
        if theirs not in old:
            words = _windows(one)
            found.append(Change(OTHER, f"hours {name}", "", f"new: {words}", "", words, place=place))
            continue
        seen.add(theirs)
        if pair.differing(old[theirs], one, ("name",)):
            left, right = _windows(old[theirs]), _windows(one)
            if left == right:
                left, right = pair.old.spelled(old[theirs]), pair.new.spelled(one)
            found.append(Change(OTHER, f"hours {name}", "", f"{right} instead of {left}", left, right, place=place))
    for name, one in old.items():
        if name not in seen:
            words = _windows(one)
            place = pair.old.place(one.place)
            found.append(Change(OTHER, f"hours {name}", "", f"gone; they were {words}", words, place=place))
    return found


def _windows(hours: Hours) -> str:
    return f"{'; '.join(window_words(one) for one in hours.windows)} {hours.zone}"


def _sources(pair: Pair) -> list[Change]:
    """Where prices come from: pages by their address, and the day they were checked."""
    old, new = pair.old.program.sources, pair.new.program.sources
    if sorted(old, key=repr) == sorted(new, key=repr):
        return []
    told = []
    for url, checked in sorted(set(old) ^ set(new), key=repr):
        mark = "now" if (url, checked) in new else "before"
        told.append(f"{mark} {url}" + (f", checked {checked}" if checked else ""))
    said = "; ".join(told) or "the same pages, another number of times"
    return [Change(WORDING, "sources", "", said, place=pair.new.file)]


def _examples(pair: Pair) -> list[Change]:
    """Examples: they are tests, and charge nobody. Told together."""
    old = {one.name: one for one in pair.old.program.examples}
    new = {one.name: one for one in pair.new.program.examples}
    found: list[Change] = []

    def note(side: Side, one: Example, said: str) -> None:
        found.append(Change(WORDING, f'"{one.name}"', "", said, place=side.place(one.place)))

    for name, one in new.items():
        if name not in old:
            note(pair.new, one, "new")
        elif not pair.same(old[name], one):
            note(pair.new, one, "states something else")
    for name, one in old.items():
        if name not in new:
            note(pair.old, one, "gone")
    if not found:
        return []
    counts = {said: sum(one.said == said for one in found) for said in ("new", "states something else", "gone")}
    words = {"new": "new", "states something else": "stating something else", "gone": "gone"}
    said = ", ".join(f"{count} {words[what]}" for what, count in counts.items() if count)
    return [Change(WORDING, "examples", "", said, place=pair.new.file, details=tuple(found))]

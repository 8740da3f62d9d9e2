"""What changed in what is sent: usages and resources, their fields, and the fields of accounts."""

from __future__ import annotations

from pricelang.compare.changes import OTHER
from pricelang.compare.changes import RECORDS
from pricelang.compare.changes import WORDING
from pricelang.compare.changes import Change
from pricelang.compare.pair import Pair
from pricelang.compare.wording import input_words
from pricelang.core.program import Input
from pricelang.core.program import UsageType
from pricelang.core.program import Whole


def compare_inputs(pair: Pair) -> list[Change]:
    """Usages that came and went, and the fields of those that stayed."""
    found: list[Change] = []
    old, new = pair.old.program.usages, pair.new.program.usages
    for name, usage in new.items():
        if name in old:
            found += _usage(pair, old[name], usage)
        else:
            said = f"records of a new type are taken: {_kind(usage)} {name}"
            like = _like(pair, usage)
            said += f", just like `{like}`, which is gone" if like else ""
            found.append(Change(RECORDS, name, "", said, "", name, place=pair.new.place(usage.place)))
    for name, usage in old.items():
        if name not in new:
            said = f"records of this type are no longer taken: {_kind(usage)} {name}"
            found.append(Change(RECORDS, name, "", said, name, "", place=pair.old.place(usage.place)))
    return found + _inputs(pair, "account", pair.old.program.account, pair.new.program.account)


def _kind(usage: UsageType) -> str:
    return "resource" if usage.is_resource else "usage"


def _like(pair: Pair, usage: UsageType) -> str | None:
    """A usage that is gone and had the same fields and prices."""
    for name, one in pair.old.program.usages.items():
        if name in pair.new.program.usages or pair.differing(one, usage, ("name", "title")):
            continue
        old = [price for price in pair.old.program.prices if price.usage == name]
        new = [price for price in pair.new.program.prices if price.usage == usage.name]
        if len(old) == len(new) and not any(
            pair.differing(left, right, ("usage",)) for left, right in zip(old, new, strict=True)
        ):
            return name
    return None


def _usage(pair: Pair, old: UsageType, new: UsageType) -> list[Change]:
    place = pair.new.place(new.place)
    found: list[Change] = []
    if old.is_resource != new.is_resource:
        said = f"is a {_kind(new)} instead of a {_kind(old)}"
        found.append(Change(RECORDS, new.name, "", said, _kind(old), _kind(new), place=place))
    if old.title != new.title:
        said = f'is called "{new.title}" instead of "{old.title}"'
        found.append(Change(WORDING, new.name, "", said, old.title, new.title, place=place))
    found += _inputs(pair, new.name, old.inputs, new.inputs)
    return found + _computed(pair, old, new, place) + _wholes(pair, old, new, place)


def _inputs(pair: Pair, subject: str, old: tuple[Input, ...], new: tuple[Input, ...]) -> list[Change]:
    """Fields by name: a new one that must be sent refuses records that fitted."""
    found: list[Change] = []
    before = {one.name: one for one in old}
    after = {one.name: one for one in new}
    for name, one in after.items():
        place = pair.new.place(one.place)
        words = input_words(one, pair.new)
        if name not in before:
            must = subject != "account" and not one.optional and one.default is None
            said = f"new field: {words}" + ("; records without it are rejected" if must else "")
            found.append(Change(RECORDS, subject, name, said, "", words, place=place))
            continue
        other = before[name]
        if pair.same(other, one):
            continue
        was = input_words(other, pair.old)
        if was == words:
            was, words = pair.old.spelled(other), pair.new.spelled(one)
        said = f"{words} instead of {was}"
        if (
            subject != "account"
            and (other.optional or other.default is not None)
            and not (one.optional or one.default is not None)
        ):
            said += "; records without it are rejected"
        gone = [choice for choice in other.type.choices if choice not in one.type.choices]
        if gone and one.type.kind == "choice":
            said += f"; {', '.join(gone)} is rejected" if len(gone) == 1 else f"; {', '.join(gone)} are rejected"
        both = other.default is not None and one.default is not None
        group = OTHER if both and other.default != one.default else RECORDS
        found.append(Change(group, subject, name, said, was, words, place=place))
    for name, one in before.items():
        if name not in after:
            said = f"the field is gone; it was {input_words(one, pair.old)}; records with it are rejected"
            found.append(
                Change(RECORDS, subject, name, said, input_words(one, pair.old), place=pair.old.place(one.place))
            )
    return found


def _computed(pair: Pair, old: UsageType, new: UsageType, place: str) -> list[Change]:
    found = []
    before = {one.name: one.of for one in old.computed}
    seen = set()
    for one in new.computed:
        theirs = pair.names.computed.get(one.name, one.name)
        words = pair.new.told(one.of, new.name)
        if theirs not in before:
            said = f"new computed field: {words}"
            found.append(Change(OTHER, new.name, one.name, said, "", words, place=place))
            continue
        seen.add(theirs)
        if not pair.same(before[theirs], one.of):
            was = pair.old.told(before[theirs], new.name)
            if was == words:
                was, words = pair.old.spelled(before[theirs]), pair.new.spelled(one.of)
            said = f"computed as {words} instead of {was}"
            found.append(Change(OTHER, new.name, one.name, said, was, words, place=place))
    for name, of in before.items():
        if name not in seen:
            was = pair.old.told(of, new.name)
            place = pair.old.place(old.place)
            found.append(Change(OTHER, new.name, name, f"no longer computed; it was {was}", was, place=place))
    return found


def _wholes(pair: Pair, old: UsageType, new: UsageType, place: str) -> list[Change]:
    found = []
    before = {one.of: one for one in old.wholes}
    for one in new.wholes:
        other = before.pop(one.of, None)
        if other is None:
            said = f"{_parts(one)} are part of it"
            found.append(Change(OTHER, new.name, one.of, said, place=place))
        elif not pair.same(other, one):
            was, words = _parts(other), _parts(one)
            if was == words:
                was, words = pair.old.told(other.rest, new.name), pair.new.told(one.rest, new.name)
                said = f"its rest is {words} instead of {was}"
            else:
                said = f"its parts are {words} instead of {was}"
            found.append(Change(OTHER, new.name, one.of, said, was, words, place=place))
    for name, one in before.items():
        said = f"{_parts(one)} are no longer part of it"
        found.append(Change(OTHER, new.name, name, said, place=place))
    return found


def _parts(whole: Whole) -> str:
    return ", ".join(whole.parts)

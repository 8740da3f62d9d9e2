"""One mistake, one finding: what only follows from a line that could not be read is left out."""

from __future__ import annotations

import re
from collections import Counter

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Finding
from pricelang.source import Source

_DECEIVING = {codes.HIDDEN_CHARACTER.code, codes.LOOK_ALIKE.code, codes.TAB.code}
_UNREAD = _DECEIVING | {
    rule.code
    for rule in (
        *(codes.SYNTAX, codes.UNKNOWN_BLOCK, codes.OUT_OF_PLACE, codes.NUMBER_TOO_LONG, codes.LINE_TOO_LONG),
        *(codes.INDENTATION, codes.TOO_DEEP, codes.FILE_REFUSED, codes.NO_BASE, codes.FILE_TOO_LARGE),
        *(codes.BAD_ROW, codes.BAD_DATE, codes.UNREADABLE, codes.TOO_MANY),
    )
}
"""A line with one of these was not read, or not as it was meant."""

_ABSENT = {
    rule.code
    for rule in (
        *(codes.EMPTY_BLOCK, codes.NO_CURRENCY, codes.NO_HEADER, codes.MISSING_ROW, codes.BAND_GAP, codes.NO_PRICE),
        *(codes.NEVER_CHARGED, codes.UNUSED_FIELD, codes.NO_CASE_LEFT, codes.EMPTY_CASES, codes.NO_BANDS),
        *(codes.LIMIT_INCOMPLETE, codes.EXAMPLE_EMPTY, codes.EXAMPLE_ORDER, codes.NO_RULESET, codes.KEY_NOT_IN_HEADER),
        *(codes.MISSING_CELL, codes.DATE_GAP, codes.ACCOUNT_WORD, codes.NOT_MONEY),
        *(codes.UNUSED_BLOCK, codes.NEVER_MATTERS),
    )
}
"""Something is not there: in the block of an unread line, it may be in that line."""

_NAMED = _ABSENT | {
    rule.code
    for rule in (
        *(codes.UNKNOWN_NAME, codes.UNKNOWN_UNIT, codes.LAYER_ROW, codes.LAYER_COLUMN, codes.KEY_NOT_A_FIELD),
        *(codes.UNKNOWN_VALUE, codes.NOT_A_BAND_TABLE, codes.CURRENCY_SIGN, codes.CURRENCY_MIX),
    )
}
"""A name is not known: it may be what an unread line declares."""

_CURRENCY = {codes.NO_CURRENCY.code, codes.CURRENCY_SIGN.code, codes.CURRENCY_MIX.code}

_UNUSED = {codes.UNUSED_BLOCK.code, codes.UNUSED_FIELD.code}
"""Nothing uses a name: an error may be about that very name."""

_CAUSES = {
    codes.TOO_DEEP.code: {codes.OUT_OF_PLACE.code},
    codes.LABEL_HIDES_FIELD.code: {codes.TWICE_PLAIN.code, codes.CHARGED_TWICE.code},
}
"""In one block, the first brings about the others."""

_ONCE = {codes.NO_CURRENCY.code, codes.KEY_NOT_A_FIELD.code}
"""Said once in the same words, wherever it shows."""

_QUOTED = re.compile(r"`([^`]+)`")
_WORD = re.compile(r"[A-Za-z_]\w*")


def without_echoes(findings: list[Finding], sources: dict[str, Source]) -> list[Finding]:
    """The findings that stand on their own."""
    unread = [one for one in findings if one.code in _UNREAD]
    deceiving = {(one.place.path, one.place.line) for one in unread if one.code in _DECEIVING}
    blocks = {(one.place.path, _block(one, sources)) for one in unread}
    words = {word for one in unread for word in _words(one, sources)}
    no_base = any(one.code == codes.NO_BASE.code for one in findings)
    errors = any(one.is_error for one in findings)
    said = {word for one in findings if one.is_error for word in _QUOTED.findall(f"{one.message} {one.advice}")}
    caused = {
        (effect, one.place.path, _block(one, sources)) for one in findings for effect in _CAUSES.get(one.code, ())
    }
    no_code = any(one.code == codes.UNKNOWN_CURRENCY.code for one in findings)
    often = Counter((one.code, one.message) for one in findings if one.code in _CURRENCY)
    kept: list[Finding] = []
    once: set[tuple[str, str]] = set()
    for one in findings:
        effect = bool(caused) and (one.code, one.place.path, _block(one, sources)) in caused
        if effect or (no_code and one.code in _CURRENCY):
            hides = True
        elif one.code in _UNREAD:
            hides = (one.place.path, one.place.line) in deceiving and one.code not in _DECEIVING
        elif one.code == codes.UNUSED_WAIVER.code:
            hides = errors
        elif one.code in _UNUSED and said & set(_QUOTED.findall(one.message)):
            hides = True
        else:
            hides = (
                (no_base and one.code in _NAMED)
                or _follows(one, blocks, words, sources)
                or (one.code, one.message) in once
            )
            hides = hides or (one.code, str(one.place)) in once
        if not hides:
            kept.append(one)
            if one.code in _ONCE or often[one.code, one.message] > 3:
                once.add((one.code, one.message))
            elif one.code == codes.ROUNDS_TO_ZERO.code:
                once.add((one.code, str(one.place)))
    return kept


def _follows(one: Finding, blocks: set[tuple[str, int]], words: set[str], sources: dict[str, Source]) -> bool:
    if one.code in _ABSENT and (one.place.path, _block(one, sources)) in blocks:
        return True
    return one.code in _NAMED and any(word in words for word in _names(one))


def _names(one: Finding) -> list[str]:
    if one.code in _CURRENCY:
        return ["currency"]
    return [word for quoted in _QUOTED.findall(one.message) for word in (quoted, *_WORD.findall(quoted))]


def _words(one: Finding, sources: dict[str, Source]) -> list[str]:
    source = sources.get(one.place.path)
    if source is None or one.place.line > len(source.starts):
        return []
    number = one.place.line
    named = [
        text
        for other in sources.values()
        if other is not source and one.place.path in other.text
        for text in other.text.split("\n")
        if f'"{one.place.path}"' in text
    ]
    if named:
        return _WORD.findall(" ".join(named))  # a table's file: its table was not read
    found = _WORD.findall(source.line(number)[:400])
    if source.line(number)[:1].strip():  # the first line of a block: what is beneath was not read either
        number += 1
        while number <= len(source.starts) and len(found) < 5_000:
            line = source.line(number)
            if line[:1].strip() and not line.startswith("#"):
                break
            found += _WORD.findall(line[:400])
            number += 1
    return found


def _block(one: Finding, sources: dict[str, Source]) -> int:
    """The line at which the block of a finding begins: the last one above that is not indented."""
    source = sources.get(one.place.path)
    number = one.place.line
    while source is not None and 1 < number <= len(source.starts):
        text = source.line(number)
        if text[:1].strip() and not text.startswith(("#", "|")):
            break
        number -= 1
    return number

"""Nothing goes unpriced: every record that fits the schema has exactly one price for each unit, at every date."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pricelang.core.program import KeyAny
from pricelang.core.program import KeyBand
from pricelang.core.program import Line
from pricelang.core.program import Table
from pricelang.diagnostics import codes
from pricelang.engine.intake import RecordError
from pricelang.period import instant_text
from pricelang.proofs.box import AT
from pricelang.proofs.box import Box
from pricelang.proofs.rows import Refused
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import quantities_in
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Moment
from pricelang.proofs.spans import Span
from pricelang.proofs.spans import Words
from pricelang.proofs.study import OPEN
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.study import UsageStudy
from pricelang.proofs.study import expanded
from pricelang.source import Place

MEANT = ("not-offered", "unlimited")
"""Refusals that the rules say themselves."""
TRIED = 8
MOST_BROKEN = 200
SIZES = (Fraction(10), Fraction(1000), Fraction(10**6), Fraction(10**9))
"""Of a quantity of which so little is not asked for that nothing is refused."""

Failure = tuple[Line | None, Box, Refused]


def prove_priced(study: Study) -> None:
    """Finds records that fit and are refused, or fit twice."""
    for one in study.usages:
        _prove(study, one)


def _prove(study: Study, one: UsageStudy) -> None:
    before = len(study.findings.listed)
    failures: dict[tuple[object, ...], list[Failure]] = {}
    for box, price in one.prices:
        if isinstance(price, Refused):
            failures.setdefault((price.code, price.place), []).append((None, box, price))
    for box, wrong in one.walker.broken[:MOST_BROKEN]:
        failures.setdefault((wrong.code, wrong.place, "condition"), []).append((None, box, wrong))
    offered = False
    later: dict[tuple[str, int], list[Failure]] = {}
    for _, line, ends in one.ends:
        refused = ends.line
        if not isinstance(refused, Refused):
            continue
        if refused.code in MEANT:
            offered = True
        elif _is_unknown(one, ends.box, refused):
            pass  # a word that no rule has is refused by its name
        elif refused.code == "no-price-in-force" and refused.row is not None:
            later.setdefault((refused.table, refused.row), []).append((line, ends.box, refused))
        else:
            key: tuple[object, ...] = (refused.code, refused.place, refused.column, refused.row, refused.name)
            if refused.code == "two-rows":
                key = (refused.code, refused.table)  # the same rows for every line
            failures.setdefault(key, []).append((line, ends.box, refused))
    for found in later.values():
        _by_time(study, one, found, failures)
    undecided = [not _refute(study, one, found) for found in failures.values()]
    refuted = study.findings.listed[before:]
    kinds = (
        "every record has one price for each unit, at every date"
        + (", but for what the rules say is not offered" if offered else "")
        + _open_words(one)
    )
    answer = REFUTED if refuted else OPEN if any(undecided) or not one.is_whole else PROVED
    if not one.is_whole:
        study.undecided(
            one.usage.place, f"every record of `{one.usage.name}` has a price", "its prices go too many ways"
        )
    said = kinds if answer == PROVED else "; ".join(each.message for each in refuted) or "see the notes"
    study.claims.append(Claim("unpriced", one.usage.name, answer, said, tuple(refuted)))


def _open_words(one: UsageStudy) -> str:
    named = one.walker.lookups.named_open()
    return f"; a {' or '.join(named)} that no rule names is refused" if named else ""


def _is_unknown(one: UsageStudy, box: Box, refused: Refused) -> bool:
    """Whether a record is refused for a text that no rule names."""
    if refused.code != "no-row":
        return False
    table = one.walker.program.tables[refused.table]
    for index, key in enumerate(table.keys):
        name = getattr(key.of, "name", None)
        has_any = any(isinstance(part, KeyAny) for row in table.rows for part in row.keys[index])
        for known in (box.known.get(f"{name}"), box.known.get(f"account.{name}")):
            if isinstance(known, Words) and known.is_open and not known.like and not has_any:
                return True
    return False


def _by_time(
    study: Study, one: UsageStudy, found: list[Failure], failures: dict[tuple[object, ...], list[Failure]]
) -> None:
    """Cells that have no price at some time: before a row begins it is not there; what is missing beside others is."""
    table = study.program.tables[found[0][2].table]
    row = found[0][2].row
    columns = {refused.column for _, _, refused in found}
    beside = {
        column for column, number in _cells(one, table.name) if number == row and not _always_missing(column, columns)
    }
    for failure in found:
        _, box, refused = failure
        at = box.known.get(AT)
        key = (refused.code, refused.place, refused.column, refused.row, "")
        if not isinstance(at, Moment) or at.inside or at.outside:
            failures.setdefault(key, []).append(failure)
        elif at.start is not None and at.stop is None:
            _ends(study, one, failure, at.start)
        elif at.stop is not None and at.start is None:
            if _has_price_at(one, table.name, row, beside | columns - {refused.column}, at):
                failures.setdefault((*key, "before"), []).append(failure)
        else:
            failures.setdefault((*key, at), []).append(failure)


def _cells(one: UsageStudy, table: str) -> set[tuple[str, int]]:
    return {(key[2], key[3]) for key in one.walker.seen if key[0] == "cell" and key[1] == table}  # type: ignore[misc]


def _always_missing(column: str, columns: set[str]) -> bool:
    return column in columns


def _has_price_at(one: UsageStudy, table: str, row: int | None, columns: set[str], at: Moment) -> bool:
    """Whether another column of the row has a price at that time."""
    program = one.walker.program
    for layer in program.tables[table].layers:
        for column in columns:
            if (row, column) not in layer.cells:
                continue
            start = getattr(layer.when, "start", None)
            if layer.when is None or (start is None and hasattr(layer.when, "stop")):
                return True
            if start is not None and at.stop is not None and start < at.stop:
                return True
    return False


def _ends(study: Study, one: UsageStudy, failure: Failure, start: Fraction) -> None:
    """A price that ends, and nothing comes after it."""
    line, box, refused = failure
    table = study.program.tables[refused.table]
    assert refused.row is not None
    sample = study.sample(one, box, line)
    if sample is None or not isinstance(study.bench.charge(sample), RecordError):
        return
    place = end_of(table, refused, start)
    study.add(
        codes.PRICE_ENDS,
        place,
        record=sample.text(),
        column=refused.column,
        row=table.rows[refused.row].shown or table.name,
        day=instant_text(start).removesuffix("T00:00:00Z"),
    )


def end_of(table: Table, refused: Refused, stop: Fraction) -> Place:
    """The cell that ends when a price does."""
    found = [
        place
        for layer in table.layers
        for (row, column), (_, place) in layer.cells.items()
        if row == refused.row and column == refused.column and getattr(layer.when, "stop", None) == stop
    ]
    return max(found, default=refused.place, key=lambda each: each.line)


def _refute(study: Study, one: UsageStudy, found: list[Failure]) -> bool:
    """Says of some boxes that their records are refused, if the engine says so too. Gives whether it did."""
    for line, box, refused in found[:TRIED]:
        sample = study.sample(one, box, line)
        if sample is None:
            continue
        error = study.bench.charge(sample)
        if isinstance(error, RecordError):
            pairs = len({each.rows for _, _, each in found})
            _say(study, one, sample, error, refused, box, pairs)
            return True
    made = len(found) > TRIED
    for line, box, refused in found[:TRIED]:
        for sample in _larger(one, box, line):
            made = True
            error = study.bench.charge(sample)
            if isinstance(error, RecordError) and error.code == refused.code:
                _say(study, one, sample, error, refused, box, 1)
                return True
    line, box, refused = found[0]
    if refused.code == "vague" or box.open or made:
        place = line.place if line is not None else _place(study, one, refused, box)
        study.undecided(
            place, f"every record of `{one.usage.name}` has a price here", "it turns on more than can be told"
        )
        return False
    return True  # no record lies in it: the parts exclude each other


def _larger(one: UsageStudy, box: Box, line: Line | None) -> Iterator[Sample]:
    """Records of a box that carry more than the smallest: of which more is asked."""
    room, custom = one.walker.room, one.walker.custom
    numbers = [each for each in one.usage.inputs if each.type.kind == "number" and each.name != "requests"]
    names = quantities_in(expanded(line.of, one.usage)) if line is not None else set()
    for positive in ({each.name for each in numbers}, set[str]()):
        sample = sample_of(room, box, custom, positive)
        if sample is not None:
            yield sample
    for size in SIZES:
        for chosen in ([each for each in numbers if each.name in names], *([each] for each in numbers), numbers):
            sample = sample_of(room, box, custom, names, {each.name: size * each.type.factor for each in chosen})
            if chosen and sample is not None:
                yield sample


def _say(
    study: Study,
    one: UsageStudy,
    sample: Sample,
    error: RecordError,
    refused: Refused,
    box: Box,
    pairs: int,
) -> None:
    name, record = one.usage.name, sample.text()
    place = _place(study, one, refused, box)
    if error.code == "no-price":
        study.add(codes.PRICE_GAP, place, record=record, name=name)
    elif error.code in ("two-prices", "two-rows"):
        more = f", and so do {pairs - 1} more pairs of rows with theirs" if pairs > 1 else ""
        study.add(codes.TWO_FIT, place, record=record, usage=name, why=error.message + more)
    else:
        study.add(codes.UNPRICED, place, record=record, what=f"a record that fits `{name}`", why=error.message)


def _place(study: Study, one: UsageStudy, refused: Refused, box: Box) -> Place:
    """Where a refusal is best mended."""
    inputs = one.walker.room.inputs
    if refused.code == "no-price":
        return max((p.place for p in study.program.prices if p.usage == one.usage.name), key=lambda each: each.line)
    if refused.code in ("missing-field", "missing-attribute"):
        asked = inputs.get(refused.name if refused.code == "missing-field" else f"account.{refused.name}")
        return (asked.place if asked is not None else None) or refused.place
    if refused.code != "no-row":
        return refused.place
    table = study.program.tables[refused.table]
    for index, key in enumerate(table.keys):
        name = str(getattr(key.of, "name", ""))
        if key.type.kind == "number":
            return _nearest(table, index, box.known.get(name))
        known = box.known.get(name)
        if not isinstance(known, Words) or not known.allowed:
            continue
        given = inputs.get(name)
        if given is not None and given.default in known.allowed and given.place is not None:
            return given.place
        for other in study.program.tables.values():
            at = [number for number, each in enumerate(other.keys) if getattr(each.of, "name", None) == name]
            for row in other.rows if at and other is not table else ():
                if any(part in known.allowed for part in row.keys[at[0]] if isinstance(part, str)):
                    return row.place
    return table.place


def _nearest(table: Table, index: int, known: object) -> Place:
    """The row beside a number that none takes: the first for what lies below all, else the last below it."""
    low = known.low if isinstance(known, Span) else None
    found = table.rows[0].place
    for row in table.rows:
        for part in row.keys[index]:
            high = part.high if isinstance(part, KeyBand) else None
            if low is not None and high is not None and high <= low:
                found = row.place
    return found

"""The errors of the checker that a record runs into, each with the smallest record that does.

The checker finds them in what is written, before there is a program. Here the rules were read once more with those
errors let through, and the ways of that program are gone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from pricelang.core.reading import Reading
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.engine.charge import Charge
from pricelang.engine.intake import RecordError
from pricelang.proofs.rows import Refused
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Span
from pricelang.proofs.study import Study
from pricelang.proofs.topups import event
from pricelang.source import Place

_REFUSED = {
    codes.MISSING_CELL.code: ("no-price-in-force", "two-rows"),
    codes.MISSING_ROW.code: ("no-row",),
    codes.TWO_ROWS.code: ("two-rows",),
    codes.BAND_GAP.code: ("no-row",),
    codes.BAND_OVERLAP.code: ("two-rows",),
    codes.DATE_GAP.code: ("no-price-in-force",),
    codes.NO_PRICE.code: ("no-price",),
    codes.NO_CASE_LEFT.code: ("no-case",),
    codes.OVERLAPPING_PRICES.code: ("two-prices",),
}
_CHARGED = (codes.CHARGED_TWICE.code, codes.NEVER_CHARGED.code)
_PLAIN = (codes.LAYER_CONFLICT.code, codes.WINDOW_OVERLAP.code, codes.DEAD_CASE.code)
LET = frozenset((*_REFUSED, *_CHARGED, *_PLAIN))
"""The codes of errors that may be let through to find their records."""


def with_records(findings: list[Finding], lenient: Reading) -> list[Finding]:
    """The findings, those of `LET` with a record where one was found by the program that was read leniently."""
    if lenient.program is None:
        return findings
    study = Study(lenient.program, Findings())
    refusals = list(_refusals(study))
    return [_with_record(one, study, refusals) if one.code in LET and not one.record else one for one in findings]


def _refusals(study: Study) -> Iterator[tuple[Refused, Sample, Place]]:
    for one in study.usages:
        for box, price in one.prices:
            if isinstance(price, Refused):
                sample = study.sample(one, box)
                if sample is not None and isinstance(study.bench.charge(sample), RecordError):
                    yield price, sample, price.place
        for _, line, ends in one.ends:
            if isinstance(ends.line, Refused) and ends.line.code in {
                code for each in _REFUSED.values() for code in each
            }:
                sample = study.sample(one, ends.box, line)
                if sample is not None and isinstance(study.bench.charge(sample), RecordError):
                    yield ends.line, sample, line.place


def _with_record(finding: Finding, study: Study, refusals: list[tuple[Refused, Sample, Place]]) -> Finding:
    topup = study.program.policy.topup
    if topup is not None and any(one.place.line == finding.place.line for one in topup.packages):
        paid = _numbers_in(finding.message)  # it is about payments
        middle = sum(paid[:2], Fraction(0)) / len(paid[:2]) if paid else None
        return replace(finding, record=event(middle)) if middle else finding
    wanted = _REFUSED.get(finding.code, ())
    sample: Sample | None = None
    if wanted:
        fitting = [one for one in refusals if one[0].code in wanted]
        sample = min(fitting, key=lambda one: _distance(finding, study, *one), default=(None, None, None))[1]
    if sample is None and finding.code == codes.BAND_GAP.code:
        sample = _between(finding, study)
    if sample is None and finding.code in (*_CHARGED, codes.BAND_GAP.code, codes.BAND_OVERLAP.code):
        sample = _of_field(finding, study)
    if sample is None and finding.code in (*_PLAIN, codes.BAND_OVERLAP.code, codes.TWO_ROWS.code):
        sample = _nearest_line(finding, study)
    return replace(finding, record=sample.text()) if sample is not None else finding


def _distance(finding: Finding, study: Study, refused: Refused, sample: Sample, line: Place) -> tuple[bool, int]:
    """How well a refusal fits a finding: the words of the record in its message, then how near its place is."""
    said = set(re.findall(r"`([^`]*)`", finding.message))
    known = {str(value) for value in (*sample.raw.values(), *sample.given.values())}
    table = study.program.tables.get(refused.table)
    places = [refused.place.line, line.line, *([table.place.line] if table is not None else [])]
    named = bool(said & known) or refused.column in said or refused.table in said
    return not named, min(abs(finding.place.line - one) for one in places)


def _of_field(finding: Finding, study: Study) -> Sample | None:
    """A record with some of the field that a finding names."""
    names = set(re.findall(r"`([^`]*)`", finding.message)) | set(re.findall(r"[a-z_]+", finding.message))
    for one in study.usages:
        named = [each.name for each in one.usage.inputs if each.name in names and each.type.kind == "number"]
        for _, _, ends in one.ends:
            if ends.line is None or isinstance(ends.line, Refused):
                continue
            sample = sample_of(one.walker.room, ends.box, one.walker.custom, named or _numbers(study, one.usage.name))
            if sample is not None and isinstance(study.bench.charge(sample), Charge):
                return sample
    return None


def _between(finding: Finding, study: Study) -> Sample | None:
    """A record with a quantity between the two that a finding names, which is refused."""
    numbers = _numbers_in(finding.message)
    values = [*numbers, *((low + high) / 2 for low, high in itertools.pairwise(numbers))]
    for one in study.usages:
        for _, _, ends in one.ends:
            for name in _numbers(study, one.usage.name) if isinstance(ends.line, Refused) else ():
                factor = one.walker.room.inputs[name].type.factor
                for value in values:
                    fixed = {name: value * factor}
                    sample = sample_of(one.walker.room, ends.box, one.walker.custom, (), fixed)
                    if sample is not None and isinstance(study.bench.charge(sample), RecordError):
                        return sample
    return None


def _numbers_in(text: str) -> list[Fraction]:
    return [Fraction(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def _numbers(study: Study, usage: str) -> list[str]:
    return [each.name for each in study.program.usages[usage].inputs if each.type.kind == "number"]


def _nearest_line(finding: Finding, study: Study) -> Sample | None:
    """The record of the line that stands nearest to a finding, at a time of its cell where it is one."""
    found: tuple[int, Sample] | None = None
    for one in study.usages:
        for key, box in one.walker.seen.items():
            if key[0] != "cell":
                continue
            table = study.program.tables[str(key[1])]
            layer = table.layers[int(str(key[4]))]
            place = layer.cells[int(str(key[3])), str(key[2])][1]
            far = abs(place.line - finding.place.line)
            if found is None or far < found[0]:
                spans = [name for name, known in box.known.items() if isinstance(known, Span)]
                sample = sample_of(one.walker.room, box, one.walker.custom, spans or _numbers(study, one.usage.name))
                if sample is not None:
                    found = far, sample
    if found is None:
        return _of_field(finding, study)
    return found[1]

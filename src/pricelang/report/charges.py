"""Rows without a ledger: charges as `pricelang rate` writes them, together with the usage records they are of."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pricelang.core.program import Program
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.number import quoted
from pricelang.period import parse_instant
from pricelang.report.contents import Contents
from pricelang.report.journal import parts_of
from pricelang.report.rows import ReportError
from pricelang.report.rows import Row


def read_charges(
    program: Program, charges: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]] | None = None
) -> list[Row]:
    """A row for each charge, in their order, with the fields of its record.

    What is charged at the end of a period (ACCOUNT/PERIOD/LINE) has no record. Without records no row has fields.
    `ReportError` for what is no charge of this ruleset, an id that is there twice, or a charge whose record is missing.
    """
    contents = Contents(program)
    known = _by_id(program, records) if records is not None else None
    seen: set[str] = set()
    rows = []
    for number, charge in enumerate(charges, start=1):
        row = _row(program, contents, charge, known, number)
        if row.id in seen:
            raise ReportError(f"the charge {quoted(row.id)} is there twice")
        seen.add(row.id)
        rows.append(row)
    return rows


def _by_id(program: Program, records: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The first record of each id; a text that is only counted is counted, and dropped."""
    intake = Intake(program)
    found: dict[str, Mapping[str, Any]] = {}
    for raw in records:
        id = raw.get("id")
        if not isinstance(id, str) or id in found:
            continue
        try:
            found[id] = intake.kept(raw)
        except RecordError:
            continue  # a record that was rejected has no charge
    return found


def _row(
    program: Program,
    contents: Contents,
    charge: Mapping[str, Any],
    known: dict[str, Mapping[str, Any]] | None,
    number: int,
) -> Row:
    try:
        id, type, account = str(charge["id"]), str(charge["type"]), str(charge["account"])
        at, amount = parse_instant(str(charge["at"])), Fraction(str(charge["amount"]))
        parts, currency = parts_of(charge["lines"], amount), charge["currency"]
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        raise ReportError(f"charge {number} is no charge as `pricelang rate` writes it") from None
    if type not in program.usages or currency != program.currency:
        raise ReportError(f"the charge {quoted(id)} is of another ruleset")
    kind = "charge"
    raw = known.get(id) if known is not None else None
    if known is not None and raw is None:
        if not id.startswith(f"{account}/"):
            raise ReportError(f"the charge {quoted(id)} has no record among the usage")
        kind = "true-up"
    fields, quantities = contents.read(type, raw) if raw is not None else ({}, {})
    if raw is not None and program.usages[type].is_resource:
        lines = [(one.unit, one.quantity) for one in parts if one.quantity is not None]
        quantities = contents.ran(type, raw, lines)
    label = "/".join(id.split("/")[2:]) if kind == "true-up" else ""
    return Row(
        id, kind, type, label, account, at, at, at, amount,
        fields=fields, quantities=quantities, parts=parts, count=1 if kind == "charge" else 0,
    )  # fmt: skip

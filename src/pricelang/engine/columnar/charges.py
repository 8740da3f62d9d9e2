"""Charges as Arrow columns: figures as decimals or texts, the lines of each charge as a list of structs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.columnar.plan import MOST_DIGITS
from pricelang.engine.columnar.plan import Written
from pricelang.engine.columnar.plan import places_of
from pricelang.engine.columnar.words import Ints
from pricelang.number import decimal_text
from pricelang.plain import dataclass

WORD = pa.dictionary(pa.int32(), pa.string())

LEAST_SHOWN = 6
"""Arrow writes decimals below 10 to the power of minus this with an exponent."""


def figure_type(places: int | None) -> pa.DataType:
    """Decimals where the digits after the point are proved, else text (`n/d` where no decimal holds it)."""
    return pa.string() if places is None else pa.decimal128(MOST_DIGITS, places)


def schema_of(written: Written, unit: str = "us") -> pa.Schema:
    """The columns of charges."""
    line = pa.struct(
        [
            pa.field("name", WORD, False),
            pa.field("quantity", figure_type(written.quantity), False),
            pa.field("unit", WORD, False),
            pa.field("amount", figure_type(written.line_amount), False),
            pa.field("exact", figure_type(written.line_exact), False),
            pa.field("rule", WORD, False),
            pa.field("row", WORD),
        ]
    )
    return pa.schema(
        [
            pa.field("id", pa.string(), False),
            pa.field("type", WORD, False),
            pa.field("at", pa.timestamp(unit, "UTC"), False),
            pa.field("account", WORD, False),
            pa.field("currency", WORD, False),
            pa.field("amount", figure_type(written.amount), False),
            pa.field("exact", figure_type(written.exact), False),
            pa.field("lines", pa.list_(pa.field("element", line, False)), False),
        ]
    )


REJECTS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("code", pa.string()),
        pa.field("field", pa.string()),
        pa.field("message", pa.string()),
        pa.field("row", pa.int64()),
    ]
)
"""The columns of records that are not charged; `row` counts from 1."""


def decimals(values: Any, scale: int, places: int) -> pa.Array:
    """Whole numbers that are `scale` times the figure, as decimals."""
    by = 10**places
    assert by % scale == 0
    factor = by // scale
    if values.dtype != object:
        fits = factor == 1 or (not len(values)) or max(abs(int(values.min())), abs(int(values.max()))) * factor < 2**63
        if fits:
            halves = np.empty((len(values), 2), np.int64)
            if factor == 1:
                halves[:, 0] = values
            else:
                np.multiply(values, factor, out=halves[:, 0])
            np.right_shift(halves[:, 0], 63, out=halves[:, 1])
            return pa.Array.from_buffers(pa.decimal128(MOST_DIGITS, places), len(values), [None, pa.py_buffer(halves)])
    data = b"".join((int(one) * factor).to_bytes(16, "little", signed=True) for one in values.tolist())
    return pa.Array.from_buffers(pa.decimal128(MOST_DIGITS, places), len(values), [None, pa.py_buffer(data)])


def texts(values: Any, scale: int) -> pa.Array:
    """The same as texts: all digits, none too many, no exponent."""
    places = places_of(scale)
    if values.dtype == object or places is None or places > 17:
        kept: dict[int, str] = {}
        found = []
        for one in values.tolist():
            text = kept.get(one)
            if text is None:
                text = kept[one] = decimal_text(Fraction(int(one), scale))
            found.append(text)
        return pa.array(found, pa.string())
    if scale == 1:
        return pa.array(values).cast(pa.string())
    shown = decimals(values, scale, places).cast(pa.string())
    found = pc.utf8_rtrim(pc.utf8_rtrim(shown, "0"), ".")
    small = np.abs(values) * (10**places // scale) < 10 ** max(0, places - LEAST_SHOWN)
    if places <= LEAST_SHOWN or not small.any():
        return found
    kept = {one: decimal_text(Fraction(one, scale)) for one in np.unique(values[small]).tolist()}
    return pc.replace_with_mask(found, pa.array(small), pa.array([kept[one] for one in values[small].tolist()]))


def figures(values: Any, scale: int, places: int | None) -> pa.Array:
    return texts(values, scale) if places is None else decimals(values, scale, places)


def words(numbers: Any, known: Sequence[str]) -> pa.Array:
    """Texts by their numbers among those that are known; below 0 is none."""
    indices = np.asarray(numbers, np.int32)
    mask = indices < 0
    if mask.any():
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=mask), pa.array(known, pa.string()))
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(known, pa.string()))


def one_word(word: str, count: int) -> pa.Array:
    return words(np.zeros(count, np.int32), [word])


@dataclass(slots=True)
class LineColumns:
    """One line of all records of a batch."""

    label: str
    unit: str
    rule: str
    there: Any
    quantity: tuple[Any, int]
    amount: tuple[Any, int]
    exact: tuple[Any, int]
    row: Any


def _name_table(texts_of: list[str]) -> tuple[list[str], list[int]]:
    known = list(dict.fromkeys(texts_of))
    return known, [known.index(one) for one in texts_of]


def line_lists(lines: list[LineColumns], places: list[str], count: int, written: Written) -> pa.Array:
    """The lines of each record, in order, as lists of structs."""
    kind = schema_of(written).field("lines").type
    if not lines:
        offsets = np.zeros(count + 1, np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array([], kind.value_type), type=kind)
    sizes = np.zeros(count, np.int32)
    for one in lines:
        sizes += one.there
    offsets = np.zeros(count + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    total = int(offsets[-1])
    everywhere = len(lines) * count == total
    at: list[Any] = []
    filled = offsets[:-1].copy()
    for index, one in enumerate(lines):
        if everywhere:
            at.append(slice(index, None, len(lines)))
            continue
        rows = np.flatnonzero(one.there)
        at.append((rows, filled[rows]))
        filled[rows] += 1

    def spread(values: list[Any], kind: Any) -> Any:
        whole = np.empty(total, kind)
        for where, value in zip(at, values, strict=True):
            if isinstance(where, slice):
                whole[where] = value
            else:
                rows, places_ = where
                whole[places_] = value[rows] if isinstance(value, np.ndarray) else value
        return whole

    def figure(of: list[tuple[Any, int]], digits: int | None) -> pa.Array:
        scale = 1
        from math import lcm

        for _, one in of:
            scale = lcm(scale, one)
        if digits is not None:
            scale = 10**digits
        values = [_scaled(value, scale // one) for value, one in of]
        wide = any(value.dtype == object for value in values)
        return figures(spread(values, object if wide else np.int64), scale, digits)

    names, name_numbers = _name_table([one.label for one in lines])
    units, unit_numbers = _name_table([one.unit for one in lines])
    rules, rule_numbers = _name_table([one.rule for one in lines])
    columns = [
        words(spread(list(name_numbers), np.int32), names),
        figure([one.quantity for one in lines], written.quantity),
        words(spread(list(unit_numbers), np.int32), units),
        figure([one.amount for one in lines], written.line_amount),
        figure([one.exact for one in lines], written.line_exact),
        words(spread(list(rule_numbers), np.int32), rules),
        words(spread([one.row for one in lines], np.int32), places),
    ]
    structs = pa.StructArray.from_arrays(columns, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets), structs, type=kind)


def _scaled(values: Any, factor: int) -> Any:
    if factor == 1:
        return values
    if values.dtype != object and len(values):
        most = max(abs(int(values.min())), abs(int(values.max())))
        if most * factor >= 2**63:
            values = values.astype(object)
    return values * factor


# --- charges of the record engine ------------------------------------------------------------------------------------


def _figure(value: Fraction, places: int | None) -> Any:
    from decimal import Decimal

    return decimal_text(value) if places is None else Decimal(decimal_text(value))


def charge_rows(charges: Sequence[Charge], written: Written, unit: str = "us") -> pa.RecordBatch:
    """Charges that the record engine made, as the same columns."""
    schema = schema_of(written, unit)
    plain = pa.schema([_without_words(field) for field in schema])
    rows = [
        {
            "id": one.id,
            "type": one.type,
            "at": int(one.at * 10 ** (9 if unit == "ns" else 6) // 1),
            "account": one.account,
            "currency": one.currency,
            "amount": _figure(one.exact_amount, written.amount),
            "exact": _figure(sum((line.exact_before for line in one.lines), Fraction(0)), written.exact),
            "lines": [
                {
                    "name": line.name,
                    "quantity": _figure(line.exact_quantity, written.quantity),
                    "unit": line.unit,
                    "amount": _figure(line.exact_amount, written.line_amount),
                    "exact": _figure(line.exact_before, written.line_exact),
                    "rule": str(line.rule),
                    "row": None if line.row is None else str(line.row),
                }
                for line in one.lines
            ],
        }
        for one in charges
    ]
    return shaped(pa.RecordBatch.from_pylist(rows, schema=plain), schema)


def shaped(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Charges whose words are plain texts, as the columns of charges."""
    return pa.RecordBatch.from_arrays(
        [_with_words(column, field.type) for column, field in zip(batch.columns, schema, strict=True)], schema=schema
    )


def _without_words(field: pa.Field) -> pa.Field:
    if pa.types.is_dictionary(field.type):
        return pa.field(field.name, pa.string(), field.nullable)
    if pa.types.is_list(field.type):
        inner = pa.struct([_without_words(one) for one in field.type.value_type])
        return pa.field(field.name, pa.list_(pa.field("element", inner, False)), False)
    return field


def _with_words(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return column.dictionary_encode().cast(kind) if len(column) else pa.array([], kind)
    if pa.types.is_list(kind):
        inner = column.flatten()
        fields = list(kind.value_type)
        made = pa.StructArray.from_arrays(
            [_with_words(inner.field(number), one.type) for number, one in enumerate(fields)], fields=fields
        )
        offsets = column.offsets.to_numpy()
        return pa.ListArray.from_arrays(pa.array(offsets - offsets[0], pa.int32()), made, type=kind)
    return column


def reject_rows(rejections: Sequence[tuple[int, Rejection]]) -> pa.RecordBatch:
    """Records that are not charged, with the row each stands in, counting from 1."""
    return pa.RecordBatch.from_pylist(
        [
            {"id": one.id, "code": one.code, "field": one.field, "message": one.message, "row": row}
            for row, one in rejections
        ],
        schema=REJECTS,
    )


def row_numbers(count: int, start: int) -> Ints:
    """The numbers of a batch's rows, counting from 1 at the start of the file."""
    return np.arange(start + 1, start + count + 1, dtype=np.int64)

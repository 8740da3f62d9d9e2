"""Columns of kinds for which Arrow has few functions (views, runs), as the plain kind that holds the same."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def plain_kind(kind: pa.DataType) -> pa.DataType:
    """The kind that a column is read as."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_run_end_encoded(kind):
        return plain_kind(kind.value_type)
    if pa.types.is_dictionary(kind):
        inner = plain_kind(kind.value_type)
        return kind if inner == kind.value_type else inner
    return kind


def plain_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_type(plain_kind(field.type)) for field in schema])


def plain(column: Any) -> Any:
    """An array or a chunked array of the plain kind."""
    kind = plain_kind(column.type)
    if kind == column.type:
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([plain(one) for one in column.chunks], kind)
    if pa.types.is_run_end_encoded(column.type):
        return plain(pc.run_end_decode(column))
    if isinstance(column.type, pa.DictionaryType):
        words = plain(column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, words).dictionary_decode()
    return column.cast(kind)


def plain_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    schema = plain_schema(batch.schema)
    if schema == batch.schema:
        return batch
    return pa.RecordBatch.from_arrays([plain(one) for one in batch.columns], schema=schema)


def plain_table(table: pa.Table) -> pa.Table:
    schema = plain_schema(table.schema)
    if schema == table.schema:
        return table
    return pa.Table.from_arrays([plain(one) for one in table.columns], schema=schema)


def stands_once(schema: pa.Schema, name: str) -> bool:
    return bool(schema.names.count(name) == 1)


def repeats(schema: pa.Schema) -> bool:
    """Whether two columns have one name."""
    return len(set(schema.names)) != len(schema.names)

"""Where records come from, in batches: a Parquet file, an Arrow table. Rows count from 0, in their order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from pricelang.engine.columnar.kinds import plain_batch
from pricelang.engine.columnar.kinds import plain_schema
from pricelang.engine.columnar.kinds import plain_table
from pricelang.engine.columnar.kinds import repeats
from pricelang.engine.columnar.kinds import stands_once
from pricelang.plain import dataclass

BATCH = 65_536
"""Records of a batch."""


class SourceError(Exception):
    """A file that cannot be read at all, in words."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A run of rows that can be read apart from the others."""

    number: int
    start: int
    count: int


class Source(Protocol):
    """Records in columns."""

    schema: pa.Schema
    count: int

    def units(self) -> list[Unit]:
        """Runs of rows, in order."""
        ...

    def batches(self, unit: Unit, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        """The batches of a run, with these columns (None: all)."""
        ...

    def rows(self, unit: Unit, rows: Any) -> pa.RecordBatch:
        """Whole rows of a run, by their places in it."""
        ...

    def never_null(self, name: str) -> bool:
        """Whether it is known without reading it that a column holds something in every row."""
        ...

    def never_empty(self, name: str) -> bool:
        """Whether it is known without reading it that a column holds a text that is not empty in every row."""
        ...

    def always_null(self, name: str) -> bool:
        """Whether it is known without reading it that a column holds nothing."""
        ...

    def constant(self, name: str) -> str | None:
        """The text that a column has in every row, where that is known without reading it."""
        ...

    def types(self) -> frozenset[str] | None:
        """The usages that records name; None where that is not known."""
        ...


def _plain(schema: pa.Schema, words: frozenset[str]) -> list[str]:
    names = [name for name in schema.names if name in words and stands_once(schema, name)]
    return [name for name in names if _is_text(schema.field(name).type)]


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if isinstance(kind, pa.DictionaryType) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


class ParquetSource:
    """A Parquet file. `words` are the columns whose texts are worth a dictionary."""

    def __init__(self, path: str | os.PathLike[str], words: frozenset[str]) -> None:
        self.path = os.fspath(path)
        try:
            first = pq.ParquetFile(self.path)
            self._words = _plain(first.schema_arrow, words)
            self._file = pq.ParquetFile(self.path, read_dictionary=self._words)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{self.path} cannot be read as Parquet: {error}") from None
        self.schema = plain_schema(self._file.schema_arrow)
        self.count = self._file.metadata.num_rows

    def units(self) -> list[Unit]:
        found = []
        start = 0
        for number in range(self._file.metadata.num_row_groups):
            count = self._file.metadata.row_group(number).num_rows
            found.append(Unit(number, start, count))
            start += count
        return found

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(self.path, read_dictionary=self._words, metadata=self._file.metadata)

    def batches(self, unit: Unit, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        with self._open() as file:
            try:
                yield from map(plain_batch, file.iter_batches(BATCH, [unit.number], columns, use_threads=False))
            except (pa.ArrowException, OSError) as error:
                raise SourceError(f"{self.path} cannot be read to its end: {error}") from None

    def rows(self, unit: Unit, rows: Any) -> pa.RecordBatch:
        with self._open() as file:
            try:
                found = plain_table(file.read_row_group(unit.number, use_threads=False)).take(pa.array(rows))
            except (pa.ArrowException, OSError) as error:
                raise SourceError(f"{self.path} cannot be read to its end: {error}") from None
        batches = found.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=found.schema)

    def _nulls(self, name: str) -> list[tuple[int, int]] | None:
        """For each row group, how many rows and how many nulls; None where the file does not say."""
        metadata = self._file.metadata
        found = []
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            for number in range(row_group.num_columns):
                column = row_group.column(number)
                if column.path_in_schema == name:
                    known = column.statistics
                    if known is None or not known.has_null_count:
                        return None
                    found.append((row_group.num_rows, known.null_count))
        return found if len(found) == metadata.num_row_groups else None

    def never_null(self, name: str) -> bool:
        found = self._nulls(name)
        return found is not None and all(not nulls for _, nulls in found)

    def never_empty(self, name: str) -> bool:
        if not self.never_null(name) or not _is_text(_value_type(self.schema.field(name).type)):
            return False
        metadata = self._file.metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        columns = [group.column(number) for group in groups for number in range(group.num_columns)]
        known = [one.statistics for one in columns if one.path_in_schema == name]
        try:
            return all(one.has_min_max and one.min not in ("", b"") for one in known)
        except UnicodeDecodeError:
            return False

    def always_null(self, name: str) -> bool:
        found = self._nulls(name)
        return found is not None and all(nulls == rows for rows, nulls in found)

    def constant(self, name: str) -> str | None:
        if not self.never_null(name) or not _is_text(_value_type(self.schema.field(name).type)):
            return None
        found = set()
        metadata = self._file.metadata
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            for number in range(row_group.num_columns):
                column = row_group.column(number)
                if column.path_in_schema == name:
                    known = column.statistics
                    try:
                        if not known.has_min_max or known.min != known.max:
                            return None
                        found.add(known.min)
                    except UnicodeDecodeError:
                        return None
        only = found.pop() if len(found) == 1 else None
        return only if isinstance(only, str) else None

    def types(self) -> frozenset[str] | None:
        if "type" not in self.schema.names:
            return frozenset()
        if repeats(self.schema):
            return None
        only = self.constant("type")
        if only is not None:
            return frozenset({only})
        return _words(batch.column(0) for unit in self.units() for batch in self.batches(unit, ["type"]))


class TableSource:
    """An Arrow table in memory."""

    def __init__(self, table: pa.Table, words: frozenset[str]) -> None:
        table = plain_table(table)
        for name in _plain(table.schema, words):
            index = table.schema.get_field_index(name)
            if index >= 0:
                with contextlib.suppress(pa.ArrowException):
                    table = table.set_column(index, name, table.column(index).dictionary_encode())
        self.table = table.unify_dictionaries()
        self.schema = self.table.schema
        self.count = self.table.num_rows

    def units(self) -> list[Unit]:
        return [Unit(0, 0, self.count)] if self.count else []

    def batches(self, unit: Unit, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        yield from (self.table if columns is None else self.table.select(columns)).to_batches(BATCH)

    def rows(self, unit: Unit, rows: Any) -> pa.RecordBatch:
        batches = self.table.take(pa.array(rows)).combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=self.schema)

    def never_null(self, name: str) -> bool:
        return False

    def never_empty(self, name: str) -> bool:
        return False

    def always_null(self, name: str) -> bool:
        return False

    def constant(self, name: str) -> str | None:
        return None

    def types(self) -> frozenset[str] | None:
        if "type" not in self.schema.names:
            return frozenset()
        if repeats(self.schema):
            return None
        return _words(self.table.column("type").chunks)


def _words(columns: Iterable[pa.Array]) -> frozenset[str] | None:
    """The words of a column of texts; None where not all can be read."""
    found: set[str] = set()
    known: object = None
    for column in columns:
        if not isinstance(column.type, pa.DictionaryType):
            if not _is_text(column.type):
                continue
            column = column.dictionary_encode()
        words = column.dictionary
        if len(words) > 1000 or not _is_text(words.type):
            words = column.unique()
        if known is not None and words.equals(known):
            continue
        known = words
        try:
            found.update(word for word in words.to_pylist() if isinstance(word, str))
        except UnicodeDecodeError:
            return None
    return frozenset(found)

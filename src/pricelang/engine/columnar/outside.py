"""Sorting what memory does not hold: records are split by their accounts into files, each of which is sorted by itself;
what comes of them is merged back into the order the records came in.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.engine.columnar.words import Ints

ROW = "\0row"
"""The column that holds a record's row while it is away from its place."""


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same without dictionaries, which differ from batch to batch."""
    columns = [_decoded(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _decoded(column: pa.Array) -> pa.Array:
    if isinstance(column.type, pa.DictionaryType):
        return column.dictionary_decode()
    if pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type):
        inner = column.flatten()
        fields = [_decoded(inner.field(number)) for number in range(inner.type.num_fields)]
        names = [field.name for field in inner.type]
        offsets = column.offsets.to_numpy()
        moved = pa.array(offsets - offsets[0], pa.int32())
        return pa.ListArray.from_arrays(moved, pa.StructArray.from_arrays(fields, names))
    return column


class Spill:
    """Batches in files, one for each part; a batch carries the rows of its records. Removed when it is left."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self._folder = tempfile.TemporaryDirectory(prefix="pricelang-")
        self._files: dict[int, tuple[Any, Any]] = {}

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()
        self._folder.cleanup()

    def _path(self, part: int) -> str:
        return os.path.join(self._folder.name, str(part))

    def add(self, part: int, batch: pa.RecordBatch, rows: Ints) -> None:
        made = plain(batch)
        whole = pa.RecordBatch.from_arrays([*made.columns, pa.array(rows, pa.int64())], [*made.schema.names, ROW])
        if part not in self._files:
            file = pa.OSFile(self._path(part), "wb")
            self._files[part] = (file, pa.ipc.new_stream(file, whole.schema))
        self._files[part][1].write_batch(whole)

    def finish(self) -> None:
        """Nothing more is added."""
        for file, writer in self._files.values():
            writer.close()
            file.close()
        self._files = {}

    def read(self, part: int) -> Iterator[pa.RecordBatch]:
        """The batches of a part, in the order they were added."""
        if os.path.exists(self._path(part)):
            with pa.memory_map(self._path(part)) as file:
                yield from pa.ipc.open_stream(file)

    def merged(self, most: int) -> Iterator[pa.RecordBatch]:
        """All batches in the order of their rows; those of each part stand in it already."""
        readers = [self.read(part) for part in range(self.parts)]
        heads = [next(reader, None) for reader in readers]
        while any(head is not None for head in heads):
            # up to this row every reader has been read
            edge = min(int(_rows(head)[-1]) for head in heads if head is not None)
            taken: list[pa.RecordBatch] = []
            for number, head in enumerate(heads):
                if head is None:
                    continue
                cut = int(np.searchsorted(_rows(head), edge, "right"))
                if cut:
                    taken.append(head.slice(0, cut))
                rest = head.slice(cut)
                heads[number] = rest if rest.num_rows else next(readers[number], None)
            table = pa.Table.from_batches(taken)
            order = np.argsort(table.column(ROW).to_numpy(), kind="stable")
            for start in range(0, len(order), most):
                some = table.take(pa.array(order[start : start + most])).drop([ROW]).combine_chunks()
                yield from some.to_batches()


def _rows(batch: pa.RecordBatch) -> Ints:
    found: Ints = batch.column(batch.schema.get_field_index(ROW)).to_numpy()
    return found

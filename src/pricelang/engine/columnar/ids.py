"""Which records were sent before: found out by digests of their ids, and decided by the ids and contents themselves.

Digests that occur once are of ids that occur once. Only records whose digest occurs again are read a second time, in
order, and judged as the stream of records does: an id is used up by a record that is charged.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.engine.columnar.words import Ints

PARTS = 64
IN_MEMORY = 8_000_000
"""Digests that are held in memory; more go to a temporary folder, in parts."""

Digests = np.ndarray[Any, np.dtype[np.uint64]]
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def digests(ids: pa.Array) -> Digests:
    """A digest of each id; 0 where there is none."""
    if isinstance(ids.type, pa.DictionaryType):
        ids = ids.dictionary_decode()
    count = len(ids)
    found = np.zeros(count, np.uint64)
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)) or not count:
        return found
    kind = np.int64 if pa.types.is_large_string(ids.type) else np.int32
    _, offset_data, data = ids.buffers()
    offsets = np.frombuffer(offset_data, kind)[ids.offset : ids.offset + count + 1].astype(np.int64)
    if data is None:
        return found
    letters = np.frombuffer(data, np.uint8)
    lengths = np.diff(offsets)
    low, high = int(lengths.min()), int(lengths.max())
    sizes = [low] if low == high else np.unique(lengths).tolist()
    for size in sizes:
        if not size:
            continue
        if low == high:
            block = letters[offsets[0] : offsets[-1]].reshape(count, size)
            found = _mixed(block)
            continue
        rows = np.flatnonzero(lengths == size)
        found[rows] = _mixed(letters[offsets[rows][:, None] + np.arange(size)])
    if ids.null_count:
        found[~ids.is_valid().to_numpy(zero_copy_only=False)] = 0
    return found


def _mixed(block: np.ndarray[Any, np.dtype[np.uint8]]) -> Digests:
    count, size = block.shape
    padded = -(-size // 8) * 8
    if padded != size:
        whole = np.zeros((count, padded), np.uint8)
        whole[:, :size] = block
        block = whole
    pieces = np.ascontiguousarray(block).view(np.uint64)
    mixed = np.full(count, size + 1, np.uint64) * _MIX
    for column in range(pieces.shape[1]):
        mixed ^= pieces[:, column]
        mixed *= _MIX
        mixed ^= mixed >> _SHIFT
    mixed *= _MIX
    mixed ^= mixed >> np.uint64(32)
    mixed[mixed == 0] = 1
    return mixed


class Repeated:
    """Collects digests, in memory or in files, and tells which occur more than once."""

    def __init__(self, most: int = IN_MEMORY) -> None:
        self.most = most
        self._held: list[Digests] = []
        self._count = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Repeated:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, some: Digests) -> None:
        self._held.append(some)
        self._count += len(some)
        if self._count >= self.most:
            self._spill()

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="pricelang-")
        whole = np.concatenate(self._held)
        whole.sort()
        edges = np.searchsorted(whole, np.arange(1, PARTS, dtype=np.uint64) << np.uint64(58))
        for number, part in enumerate(np.split(whole, edges)):
            with open(os.path.join(self._folder.name, str(number)), "ab") as file:
                part.tofile(file)
        self._held = []
        self._count = 0

    def found(self) -> Digests:
        """The digests that occur more than once, in order."""
        if self._folder is None:
            return _repeated(np.concatenate(self._held)) if self._held else np.zeros(0, np.uint64)
        if self._held:
            self._spill()
        names = [os.path.join(self._folder.name, str(number)) for number in range(PARTS)]
        return np.concatenate([_repeated(np.fromfile(name, np.uint64)) for name in names])


def _repeated(some: Digests) -> Digests:
    some.sort()
    again = some[1:][some[1:] == some[:-1]]
    again = again[again != 0]
    return np.unique(again)


def among(some: Digests, sought: Digests) -> Ints:
    """The places of digests that are among others, which stand in order."""
    if not len(sought):
        return np.zeros(0, np.int64)
    at = np.searchsorted(sought, some)
    at[at == len(sought)] = 0
    return np.flatnonzero(sought[at] == some)


def repeated_of(columns: Iterable[pa.Array]) -> Digests:
    """The digests that occur more than once in a column of ids."""
    with Repeated() as found:
        for column in columns:
            found.add(digests(column))
        return found.found()

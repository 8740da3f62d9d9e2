"""Words as numbers: each text of a source gets one when it is first met; what is known of it is looked up by that.

Arrays that are looked up by such a number have one more value at their end, for none (a number below 0).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from pricelang.engine.columnar.nodes import Look
from pricelang.engine.columnar.rows import NO_ROW
from pricelang.engine.columnar.rows import Finder

MOST_KEPT = 16
"""Dictionaries of which the numbers are kept."""

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


class Words:
    """The words of one source."""

    def __init__(self) -> None:
        self.list: list[str] = []
        self._number: dict[str, int] = {}
        self._kept: dict[tuple[object, ...], tuple[pa.Array, Ints]] = {}
        self._alike: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.list)

    def number(self, word: str) -> int:
        found = self._number.get(word)
        if found is None:
            with self._lock:
                found = self._number.get(word)
                if found is None:
                    found = len(self.list)
                    self.list.append(word)
                    self._number[word] = found
        return found

    def numbers(self, dictionary: pa.Array) -> Ints:
        """The numbers of the words of an Arrow dictionary, and -1 at the end."""
        key = _memory(dictionary)
        kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        for one, numbers in list(self._kept.values()):
            if len(one) == len(dictionary) and one.equals(dictionary):
                return numbers
        words = dictionary.to_pylist()
        found = np.array([*(-1 if word is None else self.number(word) for word in words), -1], np.int64)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:  # another thread was faster, and `_alike` knows arrays that are kept only
                return kept[1]
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
                self._alike.clear()
            self._kept[key] = (dictionary, found)
            if (found[:-1] == np.arange(len(dictionary))).all():
                self._alike.add(id(found))
        return found

    def alike(self, numbers: Ints) -> bool:
        """Whether numbers that were just given are the places of the words in their dictionary."""
        return id(numbers) in self._alike


def _memory(one: pa.Array) -> tuple[object, ...]:
    """Where an array lies, which tells it from every other that is held."""
    return (len(one), one.offset, str(one.type), *(None if b is None else b.address for b in one.buffers()))


class Known:
    """What is known of all words: looked up once for each, and kept."""

    def __init__(self, words: dict[str, Words], derived: dict[str, Callable[[str], str | None]]) -> None:
        self.words = words
        self.derived = derived
        """Sources whose words follow from the account's name: how."""
        self._looks: dict[int, np.ndarray[Any, Any]] = {}
        self._derived: dict[str, Ints] = {}
        self._rows: dict[Finder, Ints] = {}
        self._sought: dict[Finder, dict[tuple[int, ...], int]] = {}
        self._keep: list[Look] = []
        self._lock = threading.RLock()

    def look(self, look: Look) -> np.ndarray[Any, Any]:
        """What a look knows of each word of its source so far, and 0 or False at the end."""
        source = self.words[look.source]
        found = self._looks.get(id(look))
        if found is None or len(found) != len(source) + 1:
            with self._lock:
                done = 0 if found is None else len(found) - 1
                count = len(source)
                more: np.ndarray[Any, Any] = np.zeros(count + 1, np.bool_ if look.is_truth else np.int64)
                if found is not None:
                    more[:done] = found[:-1]
                for index in range(done, count):
                    more[index] = look.known(source.list[index])
                if found is None:
                    self._keep.append(look)
                found = self._looks[id(look)] = more
        return found

    def follow(self, source: str, accounts: Ints) -> Ints:
        """The words that follow from accounts."""
        words = self.words["account"]
        found = self._derived.get(source)
        if found is None or len(found) != len(words) + 1:
            with self._lock:
                done = 0 if found is None else len(found) - 1
                count = len(words)
                more = np.full(count + 1, -1, np.int64)
                if found is not None:
                    more[:done] = found[:-1]
                of, number = self.derived[source], self.words[source].number
                for index in range(done, count):
                    word = of(words.list[index])
                    more[index] = -1 if word is None else number(word)
                found = self._derived[source] = more
        return found[accounts]

    # --- rows

    def row_of_word(self, finder: Finder) -> Ints:
        """The rows by the number of the one word that is their key, and none at the end."""
        source = self.words[finder.kinds[0].source]
        found = self._rows.get(finder)
        if found is None or len(found) != len(source) + 1:
            with self._lock:
                done = 0 if found is None else len(found) - 1
                count = len(source)
                more = np.full(count + 1, NO_ROW, np.int64)
                if found is not None:
                    more[:done] = found[:-1]
                for index in range(done, count):
                    more[index] = finder.find([source.list[index]])
                found = self._rows[finder] = more
        return found

    def rows(self, finder: Finder, codes: list[Any], count: int) -> Ints:
        """The rows that fit codes of several keys; a code may be one for all records."""
        if len(codes) == 1 and finder.kinds[0].kind == "word":
            one: Ints = self.row_of_word(finder)[codes[0]]
            return one
        sizes = [
            finder.size_of(index, len(self.words[kind.source]) if kind.kind == "word" else 0)
            for index, kind in enumerate(finder.kinds)
        ]
        total = 1
        for size in sizes:
            total *= size
        if total >= 2**62:
            return self._rows_apart(finder, codes, count)
        joint = np.zeros(count, np.int64)
        none = np.zeros(count, np.bool_)
        for code, size in zip(codes, sizes, strict=True):
            whole = np.broadcast_to(np.asarray(code, np.int64), (count,))
            none |= whole < 0
            joint *= size
            joint += whole
        if none.all():
            return np.full(count, NO_ROW, np.int64)
        if none.any():
            joint[none] = 0
        distinct, inverse = np.unique(joint, return_inverse=True)
        found = np.empty(len(distinct), np.int64)
        for index, one_code in enumerate(distinct.tolist()):
            parts: list[int] = []
            rest = one_code
            for size in reversed(sizes):
                rest, part = divmod(rest, size)
                parts.append(part)
            key = tuple(reversed(parts))
            found[index] = self._row(finder, key)
        rows: Ints = found[inverse]
        if none.any():
            rows[none] = NO_ROW
        return rows

    def _row(self, finder: Finder, key: tuple[int, ...]) -> int:
        """The row of one combination of codes: sought once, and kept."""
        sought = self._sought.setdefault(finder, {})
        row = sought.get(key)
        if row is None:
            words = [self.words[kind.source].list if kind.kind == "word" else [] for kind in finder.kinds]
            values = [finder.value_of(at, part, words[at]) for at, part in enumerate(key)]
            row = sought[key] = finder.find(values)
        return row

    def _rows_apart(self, finder: Finder, codes: list[Any], count: int) -> Ints:
        """The same where one number does not hold all combinations."""
        columns = [np.broadcast_to(np.asarray(code, np.int64), (count,)).tolist() for code in codes]
        keys = zip(*columns, strict=True)
        return np.array([NO_ROW if min(key) < 0 else self._row(finder, key) for key in keys], np.int64)

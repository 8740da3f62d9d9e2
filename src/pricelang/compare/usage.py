"""Usage files as they are compared: which format, and the records of those that are read one by one."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from pricelang.compare.errors import CompareError
from pricelang.engine.formats import FileError
from pricelang.engine.formats import Item
from pricelang.engine.formats import read_csv
from pricelang.engine.formats import read_jsonl

FORMATS = ("jsonl", "csv", "parquet")
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def format_of(path: str, given: str | None) -> str:
    """The format of a file: what its name tells, else what was given; `-` is JSON lines. Raises CompareError."""
    if given is not None and given not in FORMATS:
        raise CompareError(f"there is no format {given}; there are {', '.join(FORMATS)}")
    if path != "-":
        if not os.path.exists(path):
            raise CompareError(f"{path or 'a file without a name'} does not exist")
        if os.path.isdir(path):
            raise CompareError(f"{path} is a folder; name a file of usage records")
    found = SUFFIXES.get(os.path.splitext(path)[1].lower()) or given or ("jsonl" if path == "-" else None)
    if found is None:
        raise CompareError(f"{path}: the name does not tell the format (.jsonl, .csv or .parquet); say it")
    if found == "parquet" and path == "-":
        raise CompareError("Parquet is read from a file, not from standard input")
    return found


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A file to be read, or standard input. Raises CompareError."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise CompareError(f"{path} cannot be read: {(error.strerror or 'error').lower()}") from None
    with stream:
        yield stream


def items_of(stream: BinaryIO, path: str, kind: str) -> Iterator[Item]:
    """The records of JSON lines or CSV with their lines. Raises CompareError where a header will not do."""
    if kind != "csv":
        return read_jsonl(stream)
    if not _begun(stream):
        return iter(())
    try:
        return read_csv(stream)
    except FileError as error:
        raise CompareError(f"{path}: {error.message} ({error.code})") from None


def _begun(stream: BinaryIO) -> bool:
    """Whether there is anything in a file of CSV; blank lines before its header are passed over."""
    if not isinstance(stream, io.BufferedReader):
        return True
    while head := stream.peek(1):
        blank = len(head) - len(head.lstrip(b"\xef\xbb\xbf \t\r\n"))
        if blank < len(head):
            return True
        stream.read(len(head))
    return False

"""How far a long run is, on a terminal."""

from __future__ import annotations

import os
import sys
import time
from typing import BinaryIO

FIRST_AFTER = 1.0
BETWEEN = 0.25


class Progress:
    """A line on stderr that is written over: records, records a second, how much of the file."""

    def __init__(self, stream: BinaryIO, shown: bool) -> None:
        self.shown = shown and sys.stderr.isatty()
        self.stream = stream
        self.started = time.monotonic()
        self.due = self.started + FIRST_AFTER
        self.standing = False
        self.size = 0
        if self.shown:
            try:
                self.size = os.fstat(stream.fileno()).st_size if stream.seekable() else 0
            except (OSError, ValueError):
                self.size = 0

    def tell(self, number: int) -> None:
        """Shows the count of records, if it is time to."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + BETWEEN
        share = f", {100 * self.stream.tell() // self.size} %" if self.size else ""
        rate = int(number / (now - self.started))
        sys.stderr.write(f"\r\x1b[K{number:,} records{share}, {rate:,} a second")
        sys.stderr.flush()
        self.standing = True

    def clear(self) -> None:
        """Takes the line away."""
        if self.standing:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.standing = False

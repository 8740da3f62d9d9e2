"""The folder in which things are kept that can be made again: the user's own, or none. Whatever fails here is no error.

`PRICELANG_CACHE` names a folder, or is `off`; else it is `pricelang` in `XDG_CACHE_HOME` or in `~/.cache`. A folder or
a file that belongs to somebody else, or that others may write to, is not used.
"""

from __future__ import annotations

import contextlib
import os
import stat
from functools import cache

MOST_BYTES = 64_000_000
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def folder() -> str | None:
    """The folder, made if it is not there; None where nothing can be kept, or is not to be."""
    given = os.environ.get("PRICELANG_CACHE", "").strip()
    if given == "off":
        return None
    return _usable(given or _default())


def _default() -> str:
    root = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(root):
        root = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(root, "pricelang")


@cache
def _usable(path: str) -> str | None:
    if not os.path.isabs(path):
        if path.startswith("~"):  # there is no home
            return None
        path = os.path.abspath(path)
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path if _is_ours(os.stat(path)) else None
    except (OSError, ValueError):
        return None


def _is_ours(found: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):
        return True
    return found.st_uid == os.getuid() and not found.st_mode & _WRITABLE_BY_OTHERS


def read(name: str) -> bytes | None:
    """What is kept under a name; None where there is nothing that can be trusted."""
    where = folder()
    if where is None:
        return None
    try:
        with open(os.path.join(where, name), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or not _is_ours(found) or found.st_size > MOST_BYTES:
                return None
            return file.read(MOST_BYTES)
    except OSError:
        return None


def write(name: str, data: bytes) -> bool:
    """Keeps data under a name: all of it at once, or nothing. Whether it was kept."""
    where = folder()
    if where is None or len(data) > MOST_BYTES:
        return False
    passing = os.path.join(where, f".{name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(passing, flags, 0o600), "wb") as file:
            file.write(data)
        os.replace(passing, os.path.join(where, name))
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(passing)
        return False
    return True


def prune(prefix: str, most: int) -> None:
    """Leaves of the files whose names begin so at most the `most` that were written last."""
    where = folder()
    if where is None:
        return
    try:
        with os.scandir(where) as listed:
            found = [(one.stat().st_mtime_ns, one.path) for one in listed if one.name.lstrip(".").startswith(prefix)]
        for _, path in sorted(found)[:-most]:
            os.unlink(path)
    except OSError:
        return

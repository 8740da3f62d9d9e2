"""Files that are written whole or not at all: under another name first, then renamed."""

from __future__ import annotations

import os
import stat
from types import TracebackType
from typing import BinaryIO


class Written:
    """A file in the writing. Its name holds the old content, or nothing, until all of the new is there.

    `kept` is set to False to leave it so.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.target = os.path.realpath(path)
        self.temporary: str | None = None
        self.kept = True
        mode = self._mode()
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "is a folder, and a file is needed", path)
        if mode is not None and not stat.S_ISREG(mode):  # a device or a pipe: written as it comes
            self.stream: BinaryIO = open(self.target, "wb")  # noqa: SIM115
            return
        folder, name = os.path.split(self.target)
        temporary = os.path.join(folder, f".{name[:100]}.{os.getpid()}.tmp")
        try:
            if mode is not None and not os.access(self.target, os.W_OK):
                raise PermissionError(13, "permission denied")
            self.stream = open(temporary, "xb")  # noqa: SIM115
        except OSError as error:
            raise type(error)(error.errno, f"cannot be written: {error.strerror}", path) from None
        self.temporary = temporary
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))

    def _mode(self) -> int | None:
        try:
            return os.stat(self.target).st_mode
        except OSError:
            return None

    def __enter__(self) -> Written:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.temporary is None:
            self.stream.close()
            return
        try:
            self.stream.close()
            if kind is None and self.kept:
                os.replace(self.temporary, self.target)
                return
        except OSError:
            os.unlink(self.temporary)
            raise
        os.unlink(self.temporary)


def write_text(path: str, text: str) -> None:
    """Replaces a file's content at once."""
    with Written(path) as file:
        file.stream.write(text.encode())

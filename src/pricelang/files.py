"""A ruleset and its folder: which file is meant, and which files it may name. Nothing outside the folder is read."""

from __future__ import annotations

import os

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.light import TYPE_CHECKING
from pricelang.source import Place
from pricelang.source import Source

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 8_000_000
SUFFIX = ".price"


class NotReadable(Exception):
    """A path that cannot be read; the message is for people."""


def ruleset_path(path: str | os.PathLike[str]) -> str:
    """The rule file that a path means: itself, or in a folder the file named after it. Raises NotReadable."""
    found = os.fspath(path)
    if os.path.isdir(found):
        named = os.path.join(found, f"{os.path.basename(os.path.realpath(found))}{SUFFIX}")
        if not os.path.isfile(named):
            raise NotReadable(f"the folder {path} has no file {os.path.basename(named)}")
        return named
    if not os.path.exists(found):
        raise NotReadable(f"{path} does not exist")
    return found


def ruleset_file(path: str | os.PathLike[str]) -> Path:
    """The same as a `Path`."""
    from pathlib import Path  # most of what a program needs at its start is without

    return Path(ruleset_path(path))


def ruleset_paths(path: str | os.PathLike[str]) -> list[str]:
    """Every ruleset at a path: the file itself; the folder's own; or those of the folders beneath it."""
    found = os.fspath(path)
    if not os.path.isdir(found):
        return [ruleset_path(path)]
    named = os.path.join(found, f"{os.path.basename(os.path.realpath(found))}{SUFFIX}")
    if os.path.isfile(named):
        return [named]
    files: list[str] = []
    for folder, beneath, names in os.walk(found):
        beneath[:] = [name for name in beneath if not name.startswith(".")]
        here = [name for name in names if name.endswith(SUFFIX) and not name.startswith(".")]
        own = f"{os.path.basename(folder)}{SUFFIX}"
        if folder != found and os.path.exists(os.path.join(folder, own)):
            here = [name for name in here if name == own]
        files += [os.path.join(folder, name) for name in here]
    if not files:
        raise NotReadable(f"the folder {path} has no rule files (they end in {SUFFIX})")
    return sorted(files, key=lambda file: file.split(os.sep))


def ruleset_files(path: str | os.PathLike[str]) -> list[Path]:
    """The same as `Path`s."""
    from pathlib import Path

    return [Path(file) for file in ruleset_paths(path)]


def read_text(path: str | os.PathLike[str], shown: str) -> Source | Finding:
    """The text of a file, or the finding that says why it cannot be read."""
    findings = Findings()
    place = Place(shown, 1)
    try:
        if os.stat(path).st_size > MOST_BYTES:
            findings.add(codes.FILE_TOO_LARGE, place, what="file", most=f"{MOST_BYTES:,} bytes")
            return findings.listed[0]
        with open(path, "rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            findings.add(codes.FILE_TOO_LARGE, place, most=f"{MOST_BYTES:,} bytes, and so")
            return findings.listed[0]
    except OSError as error:
        findings.add(
            codes.UNREADABLE, place, "", what=f"the file cannot be read: {(error.strerror or 'error').lower()}"
        )
        return findings.listed[0]
    try:
        return Source(shown, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        findings.add(codes.UNREADABLE, Place(shown, line), what=f"byte {error.start + 1:,} of the file is not UTF-8")
        return findings.listed[0]


class Folder:
    """Reads the files that a rule file names: in the ruleset's own folder only, whatever links say.

    Texts are named as seen from that folder (`acme.price`, `models.csv`), wherever it stands.
    """

    def __init__(self, file: str | os.PathLike[str], files: dict[str, str] | None = None) -> None:
        self.file = os.fspath(file)
        self.root = os.path.dirname(os.path.realpath(self.file))
        self.files = files

    def __call__(self, name: str, beside: str) -> Source | str:
        """The text of a named file, or why it is refused."""
        if self.files is not None:
            if name in self.files:
                return Source(name, self.files[name])
            return "does not exist"
        if not name or "\x00" in name or os.path.isabs(name) or "\\" in name or ":" in name[:3]:
            return "is not a name of a file in the ruleset's folder"
        path = os.path.join(os.path.dirname(self.file), os.path.dirname(beside), name)
        try:
            real = os.path.realpath(path)
            if os.path.islink(real):  # links in a ring lead nowhere
                return "cannot be read"
            inside = _lies_in(real, self.root)
        except (OSError, ValueError):
            return "cannot be read"
        if not inside and name.endswith(SUFFIX):
            # a base ruleset may stand in a neighbouring folder of the same collection, in a folder of its own
            own, file = os.path.split(real)
            collection, folder = os.path.split(own)
            inside = os.path.dirname(self.root) == collection and os.path.splitext(file)[0] == folder
        if not inside:
            return "lies outside the ruleset's folder"
        if not os.path.isfile(real):
            return "does not exist"
        read = read_text(real, os.path.normpath(os.path.join(os.path.dirname(beside), name)))
        if isinstance(read, Finding):
            return read.message
        return read


def _lies_in(path: str, folder: str) -> bool:
    try:
        return os.path.commonpath([path, folder]) == folder
    except ValueError:  # on another drive
        return False

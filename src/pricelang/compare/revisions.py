"""The rules that one side of a comparison names: a file, a folder, or a path in a revision of a git repository.

Of a revision everything is read out of that revision, base rulesets and CSV files too, and nothing of the folder as it
stands. `git` is run without a shell and asked for objects only: no hook, filter or pager of the repository runs.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess

from pricelang.files import MOST_BYTES
from pricelang.files import SUFFIX
from pricelang.files import NotReadable
from pricelang.files import read_text
from pricelang.files import ruleset_path
from pricelang.files import ruleset_paths
from pricelang.library import Ruleset
from pricelang.library import RulesetError
from pricelang.number import printable
from pricelang.plain import dataclass
from pricelang.reading import checked
from pricelang.reading import reading_of
from pricelang.source import Source

MOST_FILES = 100_000
MOST_LINKS = 10
MOST_SECONDS = 120
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_BRACES = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Named:
    """One ruleset of those that were named. `path`: from what was named, "" where it is the only one; `file`: as users
    write it (`HEAD~1:rulesets/acme/acme.price`)."""

    path: str
    file: str
    rules: Ruleset


@dataclass(slots=True)
class WithErrors(Exception):
    """Rules with errors: their file as users write it, and what was found."""

    file: str
    error: RulesetError


def open_rules(spec: str) -> list[Named]:
    """Every ruleset that a path or a revision names, in order of their paths.

    Raises `NotReadable` with a sentence where there is none, `WithErrors` for the first one with errors.
    """
    if "\0" in spec:
        raise NotReadable("a path holds characters that no path has")
    parts = revision_of(spec)
    return _in_revision(*parts) if parts is not None else _on_disk(spec)


def revision_of(spec: str) -> tuple[str, str] | None:
    """A revision and a path in it; None for a path on disk. What exists as a file is one, whatever its name."""
    if os.path.exists(spec) or _DRIVE.match(spec):
        return None
    plain = _BRACES.sub(lambda found: "{" + "x" * (len(found[0]) - 2) + "}", spec)  # main@{2026-01-01 10:00}:rulesets
    at = plain.find(":")
    return (spec[:at], spec[at + 1 :]) if at >= 0 else None


def _on_disk(spec: str) -> list[Named]:
    files = ruleset_paths(spec)
    alone = len(files) == 1 and (not os.path.isdir(spec) or files == [_own(spec)])
    found = []
    for file in files:
        read = read_text(file, file)
        if not isinstance(read, Source):
            raise NotReadable(f"{file}: {read.message}")
        reading = reading_of(file, examples=False)  # examples that do not hold yet are the business of `check`
        if reading.program is None or reading.has_errors:
            raise WithErrors(file, RulesetError(reading.findings, reading.sources))
        rules = Ruleset(reading.program, reading.sources, reading.findings)
        found.append(Named("" if alone else _key(os.path.relpath(file, spec)), file, rules))
    return found


def _own(folder: str) -> str | None:
    try:
        return ruleset_path(folder)
    except NotReadable:
        return None


def _key(file: str) -> str:
    """What a ruleset in a folder is called: `acme` for `acme/acme.price`, else its file without the ending."""
    folder, name = posixpath.split(file.replace(os.sep, "/"))
    name = name.removesuffix(SUFFIX)
    return folder if posixpath.basename(folder) == name else posixpath.join(folder, name)


# --- revisions ------------------------------------------------------------------------------------------------------


def _in_revision(revision: str, path: str) -> list[Named]:
    tree = Tree(revision)
    top = tree.inside(path)
    files = tree.rulesets(top, path)
    alone = len(files) == 1 and (files[0] == top or posixpath.dirname(files[0]) == top)
    found = []
    for file in files:
        rules = _loaded(tree, file)
        inner = posixpath.relpath(file, top or ".") if not alone else ""
        found.append(Named(_key(inner) if inner else "", f"{revision}:{file}", rules))
    return found


def _loaded(tree: Tree, file: str) -> Ruleset:
    text = tree.text(file)
    shown = f"{tree.revision}:{file}"
    if not isinstance(text, str):
        raise NotReadable(f"{shown} {text.why}")
    name = posixpath.basename(file)
    reading = checked(Source(name, text), TreeFolder(tree, file), examples=False)
    if reading.program is None or reading.has_errors:
        raise WithErrors(shown, RulesetError(reading.findings, reading.sources))
    return Ruleset(reading.program, reading.sources, reading.findings)


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path of a revision. `kind`: file, link, folder or module."""

    kind: str
    id: str
    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a text cannot be had."""

    why: str


class Tree:
    """The files of one revision of the repository that the command is run in."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        if not revision:
            raise NotReadable("a revision is missing before the colon; write one such as HEAD~1:rulesets/acme")
        if revision.startswith("-") or not revision.isprintable():
            raise NotReadable(f"`{printable(revision)}` is no revision of a git repository")
        if _git("rev-parse", "--git-dir").returncode:
            raise NotReadable(self._no_repository())
        found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        commit = found.stdout.decode("ascii", "replace").strip()
        if found.returncode or not re.fullmatch(r"[0-9a-f]{40,64}", commit):
            shallow = _git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
            hint = "; this clone is shallow, and older revisions have to be fetched first" if shallow else ""
            raise NotReadable(f"there is no revision `{printable(revision)}` in this git repository{hint}")
        self.commit = commit
        self._known: dict[str, Entry | None] = {"": Entry("folder", "", 0)}

    def _no_repository(self) -> str:
        said = _git("rev-parse", "--git-dir").stderr.decode("utf-8", "replace")
        if "dubious ownership" in said:
            return "git does not trust this repository: it belongs to someone else (see safe.directory in its manual)"
        return f"`{printable(self.revision)}:…` names a revision, and this folder is in no git repository"

    # --- paths

    def inside(self, path: str) -> str:
        """A path of the revision, from its top; `./` and `../` count from the folder of the command, as with git."""
        start = ""
        if path in (".", "..") or path.startswith(("./", "../")):
            start = os.fsdecode(_git("rev-parse", "--show-prefix").stdout).rstrip("\n")
        found = posixpath.normpath(posixpath.join(start, path)) if path or start else ""
        if found.startswith(("/", "../")) or found == "..":
            raise NotReadable(f"{self._shown(path)} lies outside the repository; paths count from its top")
        return "" if found == "." else found

    def _shown(self, path: str) -> str:
        return printable(f"{self.revision}:{path}")

    def entry(self, path: str) -> Entry | None:
        """What stands at a path, not following links."""
        if path not in self._known:
            listed = self._list(path, False)
            self._known[path] = listed[0][1] if listed and listed[0][0] == path else None
        return self._known[path]

    def _list(self, path: str, beneath: bool) -> list[tuple[str, Entry]]:
        words = ["ls-tree", "-z", "-l", "--full-tree", *(["-r"] if beneath else []), self.commit]
        if path:
            words += ["--", f"{path}/" if beneath else path]
        done = _git(*words)
        if done.returncode:
            raise NotReadable(f"git cannot list {self._shown(path)}: {_said(done)}")
        found: list[tuple[str, Entry]] = []
        for one in done.stdout.split(b"\0"):
            if not one:
                continue
            facts, _, name = one.partition(b"\t")
            mode, kind, id, size = facts.decode("ascii").split()
            kind = {"blob": "link" if mode == "120000" else "file", "tree": "folder"}.get(kind, "module")
            found.append((os.fsdecode(name), Entry(kind, id, int(size) if size != "-" else 0)))
            if len(found) > MOST_FILES:
                raise NotReadable(f"{self._shown(path)} has more than {MOST_FILES:,} files")
        return found

    def real(self, path: str) -> str | None:
        """A path with every link in it followed; None for one that leads nowhere or out of the repository."""
        left = [one for one in path.split("/") if one]
        done: list[str] = []
        links = 0
        while left:
            name = left.pop(0)
            if name == ".":
                continue
            if name == "..":
                if not done:
                    return None
                done.pop()
                continue
            entry = self.entry("/".join([*done, name]))
            if entry is not None and entry.kind == "link":
                links += 1
                target = os.fsdecode(self._blob(entry))
                if links > MOST_LINKS or target.startswith("/") or "\0" in target:
                    return None
                left = [one for one in target.split("/") if one] + left
                continue
            done.append(name)
        return "/".join(done)

    def _blob(self, entry: Entry) -> bytes:
        done = _git("cat-file", "blob", entry.id)
        if done.returncode:
            raise NotReadable(f"git cannot read an object of {printable(self.revision)}: {_said(done)}")
        return done.stdout

    def text(self, path: str) -> str | Refused:
        """The text of a file, its links followed, or why there is none."""
        real = self.real(path)
        entry = self.entry(real) if real is not None else None
        if entry is None or entry.kind != "file":
            return Refused("is a folder" if entry is not None and entry.kind == "folder" else "does not exist")
        if entry.size > MOST_BYTES:
            return Refused(f"is larger than {MOST_BYTES:,} bytes")
        data = self._blob(entry)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            return Refused(f"cannot be read: byte {error.start + 1:,} of the file is not UTF-8")

    # --- rulesets

    def rulesets(self, top: str, path: str) -> list[str]:
        """Every ruleset at a path, as `files.ruleset_paths` finds them on disk."""
        real = self.real(top)
        entry = self.entry(real) if real is not None else None
        if real is None or entry is None:
            raise NotReadable(self._no_path(top, path))
        if entry.kind == "file":
            return [top]
        if entry.kind != "folder":
            raise NotReadable(f"{self._shown(path)} is another repository (a submodule), and is not read")
        own = posixpath.join(real, f"{self._name(real)}{SUFFIX}")
        found = self.entry(own)
        if found is not None and found.kind in ("file", "link"):
            return [own]
        files = [name for name, one in self._list(real, True) if one.kind in ("file", "link")]
        by_folder: dict[str, list[str]] = {}
        for file in files:
            inner = posixpath.relpath(file, real or ".")
            if file.endswith(SUFFIX) and not any(part.startswith(".") for part in inner.split("/")):
                by_folder.setdefault(posixpath.dirname(file), []).append(file)
        rules: list[str] = []
        for folder, here in by_folder.items():
            named = posixpath.join(folder, f"{posixpath.basename(folder)}{SUFFIX}")
            rules += [named] if folder != real and named in here else here
        if not rules:
            raise NotReadable(f"the folder {self._shown(path)} has no rule files (they end in {SUFFIX})")
        return sorted(rules, key=lambda file: file.split("/"))

    def _name(self, folder: str) -> str:
        """The name of a folder; at the top that of the repository's."""
        if folder:
            return posixpath.basename(folder)
        return posixpath.basename(os.fsdecode(_git("rev-parse", "--show-toplevel").stdout).strip())

    def _no_path(self, top: str, path: str) -> str:
        said = f"there is no {printable(path or '.')} in the revision {printable(self.revision)}"
        here = os.fsdecode(_git("rev-parse", "--show-prefix").stdout).strip()
        if here and not path.startswith("."):
            near = self.entry(posixpath.normpath(posixpath.join(here, top)))
            if near is not None:
                return f"{said}; paths count from the top of the repository: write {self._shown(f'./{path}')}"
        return said


class TreeFolder:
    """Reads the files that a rule file of a revision names, as `files.Folder` does on disk: in its own folder only."""

    def __init__(self, tree: Tree, file: str) -> None:
        self.tree = tree
        self.file = file
        self.root = posixpath.dirname(tree.real(file) or file)

    def __call__(self, name: str, beside: str) -> Source | str:
        """The text of a named file, or why it is refused."""
        if not name or "\x00" in name or name.startswith("/") or "\\" in name or ":" in name[:3]:
            return "is not a name of a file in the ruleset's folder"
        path = posixpath.join(posixpath.dirname(self.file), posixpath.dirname(beside), name)
        real = self.tree.real(path)
        if real is None:
            return "lies outside the ruleset's folder"
        inside = not self.root or real == self.root or real.startswith(f"{self.root}/")
        if not inside and name.endswith(SUFFIX):
            # a base ruleset may stand in a neighbouring folder of the same collection, in a folder of its own
            own, file = posixpath.split(real)
            collection, folder = posixpath.split(own)
            inside = posixpath.dirname(self.root) == collection and posixpath.splitext(file)[0] == folder
        if not inside:
            return "lies outside the ruleset's folder"
        text = self.tree.text(real)
        if not isinstance(text, str):
            return text.why
        return Source(posixpath.normpath(posixpath.join(posixpath.dirname(beside), name)), text)


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    """Runs git, which may neither ask for anything nor fetch nor write."""
    settings = {
        **os.environ,
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "none",  # what a partial clone lacks is not fetched, by whatever its settings say
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        return subprocess.run(
            ["git", "--no-pager", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=settings,
            timeout=MOST_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise NotReadable("git is not installed, and a revision can't be read without it") from None
    except subprocess.TimeoutExpired:
        raise NotReadable(f"git did not answer within {MOST_SECONDS} seconds") from None
    except OSError as error:
        raise NotReadable(f"git cannot be run: {(error.strerror or 'error').lower()}") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    text = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return printable(text[0].removeprefix("fatal: ")) if text else "it does not say why"

"""Readings of rule files that are kept from one process to the next, so that what did not change is not read again.

A file of the cache folder holds what came of one rule file: program, findings, texts, and code. It holds too what was
read for it: the text of the rule file, and every file it named, with what was found then, be it a refusal. Only where
all of this is found again, by the same code, Python and time zones, is the file used. A file that is damaged, or made
by others, is as good as none.

What is unpickled may be made of the classes of the core and of nothing else, and is looked at only if its digest is
right; the functions' code is `marshal`, as in the `.pyc` files of Python.
"""

from __future__ import annotations

import importlib
import io
import marshal
import os
import pickle
import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from types import CodeType

from pricelang import cachedir
from pricelang.core.program import ExampleRecord
from pricelang.core.reading import Reading
from pricelang.diagnostics.finding import Finding
from pricelang.files import Folder
from pricelang.light import TYPE_CHECKING
from pricelang.light import blake2b
from pricelang.number import NumberText
from pricelang.source import Place
from pricelang.source import Source

if TYPE_CHECKING:
    from typing import Any

PREFIX = "ruleset-"
MOST_FILES = 256
_DIGEST = 32
_MODULES = (
    "pricelang.core.ops",
    "pricelang.core.policy",
    "pricelang.core.program",
    "pricelang.core.reading",
    "pricelang.diagnostics.finding",
    "pricelang.period",
    "pricelang.source",
    "pricelang.engine.compiled",
    "pricelang.engine.compiled.figures",
)
_ROUNDINGS = ("_half_up", "_half_down", "_half_even", "_up", "_down")
_OTHERS = {
    ("fractions", "Fraction"),
    ("pricelang.number", "NumberText"),
    ("pricelang.engine.compiled.tables", "OWN"),
    ("pricelang.engine.compiled.tables", "NO_LIMIT"),
    *(("pricelang.engine.compiled.scales", name) for name in _ROUNDINGS),
}
_MANY = (Place, ExampleRecord)
"""Classes of which there are so many that compiling their `__init__` is worth it."""

_Asked = tuple[str, str, str]
Loader = Callable[[str, str], Source | str]


class Noted:
    """Reads the files that a rule file names, and notes what was asked and what came of it."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.asked: list[_Asked] = []

    def __call__(self, name: str, beside: str) -> Source | str:
        found = self.folder(name, beside)
        self.asked.append((name, beside, _came(found)))
        return found


def _came(found: Source | str) -> str:
    """What came of asking for a file, in few letters."""
    if isinstance(found, str):
        return f"refused: {found}"
    return _digest(f"{found.path}\0{found.text}")


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


class Kept(Mapping[tuple[str, str], object]):
    """What generated functions are made from, each read when it is asked for."""

    def __init__(self, code: dict[tuple[str, str], bytes]) -> None:
        self._code = code

    def __getitem__(self, which: tuple[str, str]) -> object:
        made: object = _Reader(io.BytesIO(self._code[which])).load()
        return made

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._code)

    def __len__(self) -> int:
        return len(self._code)


# --- looking and keeping ----------------------------------------------------------------------------------------------


def look(
    file: str | os.PathLike[str], source: Source, folder: Loader
) -> tuple[Reading, list[Finding] | None, list[Finding] | None] | None:
    """What is kept of a rule file with this text, and the findings of its examples and of proofs if they were made. Or
    None."""
    data = cachedir.read(_name(file))
    stamp = _stamp()
    if data is None or stamp is None or not data.startswith(stamp):
        return None
    right, body = data[len(stamp) : len(stamp) + _DIGEST], data[len(stamp) + _DIGEST :]
    if _sealed(body) != right:
        return None
    try:
        text, asked, reading, failed, refuted, code = _Reader(io.BytesIO(body)).load()
        if text != _came(source) or any(_came(folder(name, beside)) != came for name, beside, came in asked):
            return None
    except Exception:
        return None  # whatever is wrong with it, it can be made again
    reading.code = Kept(code)
    return reading, failed, refuted


def keep(
    file: str | os.PathLike[str],
    source: Source,
    asked: list[_Asked],
    reading: Reading,
    failed: list[Finding] | None,
    refuted: list[Finding] | None,
) -> None:
    """Keeps a reading; `failed` are the findings of its examples, `refuted` of proofs, None where there were none."""
    stamp = _stamp()
    if stamp is None or cachedir.folder() is None:
        return
    pickled = {which: _pickled(made) for which, made in reading.code.items()}
    code = {which: made for which, made in pickled.items() if made is not None}
    kept = Reading(reading.program, reading.findings, reading.more, reading.sources, waivers=reading.waivers)
    body = _pickled((_came(source), asked, kept, failed, refuted, code))
    if body is None:
        return
    name = _name(file)
    is_new = cachedir.read(name) is None
    if cachedir.write(name, stamp + _sealed(body) + body) and is_new:
        cachedir.prune(PREFIX, MOST_FILES)


def _sealed(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST).digest()


def _name(file: str | os.PathLike[str]) -> str:
    """A rule file has one place in the cache folder, whatever its text."""
    return PREFIX + _digest(os.path.abspath(file))


@cache
def _stamp() -> bytes | None:
    """What has to be the same besides the files: this code, this Python, these time zones. None: it cannot be told."""
    try:
        from tzdata import IANA_VERSION  # type: ignore[import-untyped]
    except ImportError:
        return None
    home = os.path.dirname(os.path.abspath(__file__))
    told = [
        str(vars(sys.modules["pricelang"])["__version__"]),
        sys.version,
        sys.implementation.cache_tag or "",
        IANA_VERSION,
        home,
    ]
    try:
        folders = [home]
        while folders:
            with os.scandir(folders.pop()) as listed:
                for one in sorted(listed, key=lambda entry: entry.name):
                    if one.is_dir():
                        folders.append(one.path)
                    elif one.name.endswith((".py", ".lark")):
                        found = one.stat()
                        told.append(f"{one.path} {found.st_size} {found.st_mtime_ns}")
    except OSError:
        return None
    return f"pricelang {_digest(chr(0).join(told))}\n".encode()


# --- how it is written ------------------------------------------------------------------------------------------------


def _named(module: str, name: str) -> object:
    """What a kept file names by this module and name; UnpicklingError for all but the classes of the core."""
    if (module, name) in _OTHERS:
        return getattr(importlib.import_module(module), name)
    if module in _MODULES:
        found = vars(importlib.import_module(module)).get(name)
        if isinstance(found, type) and found.__module__ == module and hasattr(found, "__plain_fields__"):
            return found
    raise pickle.UnpicklingError(f"{module}.{name} is not kept")


def _is_named(one: object) -> bool:
    """Whether something is what a kept file may name."""
    try:
        module, name = str(one.__module__), str(getattr(one, "__name__", None) or one.name)  # type: ignore[attr-defined]
        return _named(module, name) is one
    except (AttributeError, pickle.UnpicklingError):
        return False


def _made(kind: type, *values: object) -> object:
    """An instance with these values, without `__init__`, which is compiled at its first use."""
    one: object = object.__new__(kind)
    for field, value in zip(kind.__plain_fields__, values, strict=True):  # type: ignore[attr-defined]
        object.__setattr__(one, field.name, value)
    return one


def _code(data: bytes) -> CodeType:
    made = marshal.loads(data)
    if not isinstance(made, CodeType):
        raise pickle.UnpicklingError("no code")
    return made


class _Writer(pickle.Pickler):
    """Writes what is made of plain values and the classes of the core; refuses all else."""

    def reducer_override(self, one: Any) -> Any:
        kind = type(one)
        if kind is Fraction:
            return Fraction, (one.numerator, one.denominator)
        if kind is Source:
            return Source, (one.path, one.text)
        if kind is NumberText:
            return NumberText, (str.__str__(one),)
        if kind is CodeType:
            return _code, (marshal.dumps(one),)
        if hasattr(kind, "__plain_fields__") and _is_named(kind):
            values = [getattr(one, field.name) for field in kind.__plain_fields__]
            return (kind, tuple(values)) if kind in _MANY else (_made, (kind, *values))
        if one in (_code, _made) or _is_named(one):
            return NotImplemented
        raise pickle.PicklingError(f"{kind.__name__} is not kept")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if module == __name__ and name in ("_code", "_made"):
            return globals()[name]
        return _named(module, name)


def _pickled(one: object) -> bytes | None:
    """The bytes of something, or None where it holds what is not kept."""
    into = io.BytesIO()
    try:
        _Writer(into, 5).dump(one)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError, ValueError):
        return None
    return into.getvalue()

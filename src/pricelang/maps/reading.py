"""Mappings from their TOML files: strictly, each mistake with its file and key."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources

from pricelang.maps.mapping import TIMES
from pricelang.maps.mapping import Overlap
from pricelang.maps.mapping import Source
from pricelang.maps.mapping import Total
from pricelang.maps.mapping import UsageMapping
from pricelang.maps.mapping import Where
from pricelang.maps.mapping import all_above
from pricelang.maps.mapping import glob
from pricelang.maps.paths import segments
from pricelang.number import quoted

MAX_FILE = 1_000_000
"""Bytes of a mapping file."""

MAX_BASES = 8
"""Mappings that stand one on another."""

Table = dict[str, object]

_TOP = (
    "title", "based_on", "each", "only", "lift", "bare", "rest", "encoded", "watch", "ignore", "apart", "within",
    "needs", "fields", "rename", "parts", "totals", "overlaps", "refuse", "also",
)  # fmt: skip
_FIELD = ("from", "sum", "less", "join", "by", "as", "value", "words", "omit", "required", "detail", "any")
_TARGET = re.compile(r"[^\W\d]\w*")
_KINDS = ("sent", "count", *TIMES)


class MappingError(Exception):
    """A mapping that cannot be used: `path` is its file or name, `key` the place in it, `message` a sentence."""

    def __init__(self, path: str, key: str | None, message: str) -> None:
        super().__init__(f"{path}: {key}: {message}" if key else f"{path}: {message}")
        self.path = path
        self.key = key
        self.message = message


def names() -> list[str]:
    """The mappings that come with pricelang."""
    files = resources.files("pricelang.maps").iterdir()
    return sorted(one.name.removesuffix(".toml") for one in files if one.name.endswith(".toml"))


@lru_cache(maxsize=32)
def _shipped(name: str) -> UsageMapping:
    return _made(name, _merged(name, None, ()))


def load(name_or_path: str) -> UsageMapping:
    """The mapping of that name that comes with pricelang, or of a TOML file."""
    if not _is_path(name_or_path):
        return _shipped(name_or_path)
    return _made(name_or_path, _merged(name_or_path, None, ()))


def _is_path(name: str) -> bool:
    return name.endswith(".toml") or "/" in name or os.sep in name


def _unknown(name: str, told_in: str | None) -> MappingError:
    known = names()
    near = get_close_matches(name[:60].lower(), known, 1, 0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    message = f"there is no mapping {quoted(name)}; {hint}known: {', '.join(known)}; or name a file that ends in .toml"
    return MappingError(told_in or "--map", "based_on" if told_in else None, message)


# --- the file -------------------------------------------------------------------------------------------------------


def _merged(name: str, told_in: str | None, before: tuple[str, ...]) -> Table:
    """The tables of a file, laid over those of the one it is based on."""
    if _is_path(name):
        path = name if told_in is None or not _is_path(told_in) else os.path.join(os.path.dirname(told_in), name)
        text, key = _text(path, told_in), os.path.realpath(path)
    else:
        if name not in names():
            raise _unknown(name, told_in)
        path = key = name
        text = (resources.files("pricelang.maps") / f"{name}.toml").read_text("utf-8")
    if key in before or len(before) >= MAX_BASES:
        raise MappingError(path, "based_on", "these mappings are based on one another in a ring, or are too many")
    try:
        found: Table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingError(path, None, f"this is not TOML: {error}") from None
    _checked(path, found)
    base = found.pop("based_on", None)
    if base is None:
        return found
    return _laid(_merged(_word(path, "based_on", base), path, (*before, key)), found)


def _text(path: str, told_in: str | None) -> str:
    where = told_in or path
    key = "based_on" if told_in else None
    about = f"{path} " if told_in else ""
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise MappingError(where, key, f"{about}is larger than {MAX_FILE:,} bytes".strip())
        return data.decode()
    except UnicodeDecodeError:
        raise MappingError(where, key, f"{about}is not valid UTF-8".strip()) from None
    except OSError as error:
        raise MappingError(where, key, f"{about}cannot be read: {(error.strerror or 'error').lower()}") from None
    except ValueError:
        raise MappingError(where, key, "a path holds characters that no path has") from None


def _checked(path: str, found: Table) -> None:
    for key in found:
        if key not in _TOP:
            raise MappingError(path, key, f"there is no such key{_near(key, _TOP)}")
    for key in ("fields", "rename", "parts", "refuse", "also"):
        if not isinstance(found.get(key, {}), dict):
            raise MappingError(path, key, "this must be a table")


def _near(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word[:60], known, 1, 0.6)
    return f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(known)}"


def _laid(base: Table, over: Table) -> Table:
    """Fields one by one; `ignore`, `apart`, `within` added to those below; anything else in its place."""
    merged = dict(base)
    for key, value in over.items():
        below = base.get(key)
        if key in ("fields", "rename", "parts", "also") and isinstance(below, dict) and isinstance(value, dict):
            merged[key] = {**below, **value}
        elif key in ("ignore", "apart", "within") and isinstance(below, list) and isinstance(value, list):
            merged[key] = [*below, *value]
        else:
            merged[key] = value
    return merged


# --- what stands in it ----------------------------------------------------------------------------------------------


def _word(path: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise MappingError(path, key, "this must be a text")
    return value


def _words(path: str, key: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise MappingError(path, key, "this must be a text or a list of texts")
    return tuple(value)


def _truth(path: str, key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise MappingError(path, key, "this must be true or false")
    return value


def _where(path: str, key: str, text: str) -> Where:
    try:
        return Where(text, segments(text.removeprefix("^")), text.startswith("^"))
    except ValueError as error:
        raise MappingError(path, key, f"{quoted(text)} is no path: {error}") from None


def _places(path: str, key: str, value: object) -> tuple[Where, ...]:
    found = tuple(_where(path, key, text) for text in _words(path, key, value))
    if not found:
        raise MappingError(path, key, "a path is missing")
    return found


def _terms(path: str, key: str, value: object) -> tuple[tuple[Where, ...], ...]:
    if not isinstance(value, list) or not value:
        raise MappingError(path, key, "this must be a list of paths, each of them one or a list of alternatives")
    return tuple(_places(path, key, one) for one in value)


def _target(path: str, key: str, name: str) -> str:
    if not _TARGET.fullmatch(name):
        raise MappingError(path, key, f"{quoted(name)} is no name of a field; use letters, digits and _")
    return name


def _source(path: str, target: str, value: object) -> Source:
    key = f"fields.{_target(path, 'fields', target)}"
    if isinstance(value, str | list):
        value = {"from": value}
    if not isinstance(value, dict):
        raise MappingError(path, key, "this must be a path, a list of paths, a table, or false to leave it out")
    for name in value:
        if name not in _FIELD:
            raise MappingError(path, f"{key}.{name}", f"there is no such key{_near(name, _FIELD)}")
    ways = [name for name in ("from", "sum", "join", "value") if name in value]
    if len(ways) != 1:
        raise MappingError(path, key, "give one of `from`, `sum`, `join` and `value`")
    kind = value.get("as", "count" if "sum" in value or "less" in value else "sent")
    if kind not in _KINDS:
        raise MappingError(path, f"{key}.as", f"this must be one of {', '.join(_KINDS)}")
    for name in ("sum", "less"):
        if name in value and kind != "count":
            raise MappingError(path, f"{key}.{name}", "only counts are added up")
    for name in ("words", "omit", "join"):
        if name in value and kind != "sent":
            raise MappingError(path, f"{key}.{name}", f"this is for texts, and the field is read as {kind}")
    if "by" in value and "join" not in value:
        raise MappingError(path, f"{key}.by", "this goes with `join`")
    way = ways[0]
    terms: tuple[tuple[Where, ...], ...] = ()
    if way == "from":
        terms = (_places(path, f"{key}.from", value["from"]),)
    elif way != "value":
        terms = _terms(path, f"{key}.{way}", value[way])
    constant = value.get("value")
    if way == "value" and (not isinstance(constant, str | int | bool) or constant == ""):
        raise MappingError(path, f"{key}.value", "this must be a text, a whole number, or true or false")
    words = value.get("words", {})
    if not isinstance(words, dict) or not all(isinstance(one, str) and one for one in words.values()):
        raise MappingError(path, f"{key}.words", 'this must be a table of texts, such as { default = "standard" }')
    return Source(
        target,
        terms,
        _terms(path, f"{key}.less", value["less"]) if "less" in value else (),
        kind,
        constant,
        dict(words),
        _words(path, f"{key}.omit", value.get("omit", [])),
        _truth(path, f"{key}.required", value.get("required", False)),
        _truth(path, f"{key}.detail", value.get("detail", False)),
        _word(path, f"{key}.by", value.get("by", "/")) if way == "join" else None,
        _truth(path, f"{key}.any", value.get("any", False)),
    )


def _rows(path: str, key: str, value: object, known: tuple[str, ...], needed: tuple[str, ...]) -> list[Table]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise MappingError(path, key, f"this must be a list of tables, [[{key}]]")
    for row in value:
        for name in row:
            if name not in known:
                raise MappingError(path, f"{key}.{name}", f"there is no such key{_near(name, known)}")
        for name in needed:
            if name not in row:
                raise MappingError(path, f"{key}.{name}", "this is missing")
    return value


def _made(path: str, found: Table) -> UsageMapping:
    raw_fields = found.get("fields", {})
    assert isinstance(raw_fields, dict)
    sources = [_source(path, name, value) for name, value in raw_fields.items() if value is not False]
    if not sources and "rest" not in found:
        raise MappingError(path, "fields", "no field is mapped")
    targets = {one.target for one in sources}
    counts = {one.target for one in sources if one.kind == "count"}

    def named(key: str, name: str, among: set[str] = targets) -> str:
        if name not in raw_fields or (name in targets and name not in among):
            kind = "a count under" if among is counts else "a field under"
            raise MappingError(path, key, f"{quoted(name)} is not {kind} [fields]")
        return name

    parts = _parts(path, found, named, counts)
    totals, overlaps = _totals(path, found, named, counts), _overlaps(path, found, named, counts)
    rest = _where(path, "rest", _word(path, "rest", found["rest"])) if "rest" in found else None
    known = {where.told for one in sources for where in one.places()}
    for total in totals:
        known |= {where.told for where in total.stated}
        known |= {one.told for one in total.of if isinstance(one, Where)}
        known |= {where.told for _, places in total.add for where in places}
    known |= {where.told for one in overlaps for where in one.split}
    made = UsageMapping(
        path,
        _word(path, "title", found.get("title", path)),
        tuple(sources),
        tuple(_each(path, text) for text in _words(path, "each", found.get("each", []))),
        glob(_words(path, "only", found["only"])) if "only" in found else None,
        tuple(_where(path, "lift", one).path for one in _words(path, "lift", found.get("lift", []))),
        _bare(path, found.get("bare")),
        rest,
        _encoded(path, found.get("encoded")),
        _words(path, "watch", found.get("watch", [])),
        glob(_words(path, "ignore", found.get("ignore", []))),
        parts,
        frozenset(named("apart", one) for one in _words(path, "apart", found.get("apart", []))),
        frozenset(named("within", one) for one in _words(path, "within", found.get("within", []))),
        tuple(named("needs", one) for one in _words(path, "needs", found.get("needs", []))),
        totals,
        overlaps,
        _refuse(path, found.get("refuse", {})),
        frozenset(known),
        also=tuple(
            (named("also", name), _words(path, f"also.{name}", others))
            for name, others in _table(found, "also").items()
        ),
    )
    both = made.apart & made.within
    if both:
        raise MappingError(path, "apart", f"{quoted(min(both))} stands under `within` too")
    return _renamed(path, made, found.get("rename", {}))


def _table(found: Table, key: str) -> Table:
    value = found.get(key, {})
    assert isinstance(value, dict)
    return value


def _refuse(path: str, value: object) -> tuple[tuple[Where, tuple[str, ...]], ...]:
    assert isinstance(value, dict)
    return tuple((_where(path, "refuse", key), _words(path, f"refuse.{key}", words)) for key, words in value.items())


def _each(path: str, text: str) -> tuple[str, ...]:
    where = _where(path, "each", text)
    if where.outer or any(one.startswith("*[") for one in where.path):
        raise MappingError(path, "each", f"{quoted(text)} is no path of names and *")
    return where.path


def _bare(path: str, value: object) -> tuple[str, re.Pattern[str]] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"into", "keys"}:
        raise MappingError(path, "bare", 'this must be a table such as { into = "usage", keys = ["*_tokens"] }')
    return _word(path, "bare.into", value["into"]), glob(_words(path, "bare.keys", value["keys"]))


def _encoded(path: str, value: object) -> tuple[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"into", "from"}:
        raise MappingError(path, "encoded", 'this must be a table such as { into = "data", from = "data_base64" }')
    return _word(path, "encoded.into", value["into"]), _word(path, "encoded.from", value["from"])


def _parts(path: str, found: Table, named, counts: set[str]) -> tuple[tuple[str, str], ...]:  # type: ignore[no-untyped-def]
    raw = found.get("parts", {})
    assert isinstance(raw, dict)
    pairs: list[tuple[str, str]] = []
    for whole, value in raw.items():
        named("parts", whole, counts)
        pairs += [(named(f"parts.{whole}", part, counts), whole) for part in _words(path, f"parts.{whole}", value)]
    above: dict[str, list[str]] = {}
    for part, whole in pairs:
        above.setdefault(part, []).append(whole)
    for part in above:
        if part in all_above(part, above):
            raise MappingError(path, "parts", f"{quoted(part)} would be a part of itself")
    return tuple(pairs)


def _totals(path: str, found: Table, named, counts: set[str]) -> tuple[Total, ...]:  # type: ignore[no-untyped-def]
    made = []
    for row in _rows(path, "totals", found.get("totals", []), ("is", "of", "add"), ("is", "of")):
        of: list[str | Where] = []
        for one in _words(path, "totals.of", row["of"]):
            of.append(_where(path, "totals.of", one) if "." in one else named("totals.of", one, counts))
        add = row.get("add", {})
        if not isinstance(add, dict):
            raise MappingError(path, "totals.add", "this must be a table of fields and paths")
        added = tuple((named("totals.add", k, counts), _places(path, f"totals.add.{k}", v)) for k, v in add.items())
        made.append(Total(_places(path, "totals.is", row["is"]), tuple(of), added))
    return tuple(made)


def _overlaps(path: str, found: Table, named, counts: set[str]) -> tuple[Overlap, ...]:  # type: ignore[no-untyped-def]
    made = []
    for row in _rows(path, "overlaps", found.get("overlaps", []), ("of", "split"), ("of",)):
        of = _words(path, "overlaps.of", row["of"])
        if len(of) != 2:
            raise MappingError(path, "overlaps.of", "this must be two fields")
        one, other = (named("overlaps.of", name, counts) for name in of)
        split = _places(path, "overlaps.split", row["split"]) if "split" in row else ()
        made.append(Overlap((one, other), split))
    return tuple(made)


def _renamed(path: str, made: UsageMapping, value: object) -> UsageMapping:
    """The same mapping with other names for its fields."""
    from dataclasses import replace

    assert isinstance(value, Mapping)
    new: dict[str, str] = {}
    targets = {one.target for one in made.fields}
    for old, name in value.items():
        if old not in targets:
            raise MappingError(path, f"rename.{old}", f"{quoted(old)} is not a field under [fields]")
        new[old] = _target(path, f"rename.{old}", _word(path, f"rename.{old}", name))

    def to(name: str) -> str:
        return new.get(name, name)

    after = [to(name) for name in targets]
    twice = next((name for name in after if after.count(name) > 1), None)
    if twice is not None:
        raise MappingError(path, "rename", f"two fields would be called {quoted(twice)}")
    return replace(
        made,
        fields=tuple(replace(one, target=to(one.target)) for one in made.fields),
        parts=tuple((to(part), to(whole)) for part, whole in made.parts),
        also=tuple((to(name), () if name in new else others) for name, others in made.also),
        apart=frozenset(map(to, made.apart)),
        within=frozenset(map(to, made.within)),
        needs=tuple(map(to, made.needs)),
        totals=tuple(
            replace(
                one,
                of=tuple(to(each) if isinstance(each, str) else each for each in one.of),
                add=tuple((to(name), places) for name, places in one.add),
            )
            for one in made.totals
        ),
        overlaps=tuple(replace(one, of=(to(one.of[0]), to(one.of[1]))) for one in made.overlaps),
    )

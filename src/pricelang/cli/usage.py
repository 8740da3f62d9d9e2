"""Usage files as commands take them: opened, read as JSON lines or CSV; and the accounts that go with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import BinaryIO

import click

from pricelang.cli.rules import Unreadable

if TYPE_CHECKING:
    from pricelang.engine.formats import Item
    from pricelang.library import Ruleset
    from pricelang.maps.mapping import UsageMapping

FORMATS = ("jsonl", "csv", "parquet")
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def format_of(path: str) -> str | None:
    """The format that a file's name tells; None for another name and for `-`."""
    return _SUFFIXES.get(os.path.splitext(path)[1].lower())


def source_format(path: str, given: str | None, parquet: bool = False) -> str:
    """The format of a file that is read."""
    if path != "-" and not os.path.exists(path):
        raise Unreadable(f"{path or 'a file without a name'} does not exist")
    if os.path.isdir(path):
        raise Unreadable(f"{path} is a folder; name a file of usage records")
    found = chosen_format(path, given, parquet)
    if found == "parquet" and path == "-":
        raise click.UsageError("Parquet is read from a file, not from standard input")
    return found


def chosen_format(path: str, given: str | None, parquet: bool = False) -> str:
    """The format of a file: what its name tells, else what was given. `-` is JSON lines unless something was given."""
    found = format_of(path) or given or ("jsonl" if path == "-" else None)
    if found == "parquet" and not parquet:
        raise click.UsageError(f"{path}: this command takes JSON lines or CSV; `pricelang rate` takes Parquet, too")
    if found is None:
        raise click.UsageError(f"{path}: the name does not tell the format (.jsonl or .csv); say it with --format")
    return found


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A file to be read, or standard input."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        if os.path.isdir(path):
            raise Unreadable(f"{path} is a folder; name a file of usage records")
        stream = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {(error.strerror or 'error').lower()}") from None
    except ValueError:
        raise Unreadable("a path holds characters that no path has") from None
    with stream:
        yield stream


def records(stream: BinaryIO, kind: str, usage: str | None) -> Iterator[Item]:
    """The records of a file with their lines. Raises `FileError` for a CSV file whose header will not do."""
    from pricelang.engine.formats import read_csv
    from pricelang.engine.formats import read_jsonl

    if kind == "csv":
        start = _first(stream)
        if start is None:
            return iter(())
        return read_csv(start, usage)
    return read_jsonl(stream)


def _first(stream: BinaryIO) -> BinaryIO | None:
    """A CSV file from its first line that is not blank; None where there is none."""
    import io

    if not isinstance(stream, io.BufferedReader):
        return stream
    while head := stream.peek(1):
        blank = len(head) - len(head.lstrip(b"\xef\xbb\xbf \t\r\n"))
        if blank < len(head):
            return stream
        stream.read(len(head))
    return None


def check_type(rules: Ruleset, kind: str, usage: str | None) -> None:
    """Refuses a `--type` that the ruleset does not have, or that has no use."""
    if usage is None:
        return
    if kind != "csv":
        raise click.UsageError("--type is for CSV files without a column `type`; JSON records have theirs")
    if usage not in rules.program.usages:
        from difflib import get_close_matches

        from pricelang.number import quoted

        known = list(rules.program.usages)
        near = get_close_matches(usage[:60], known, 1, 0.5)
        advice = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
        raise click.UsageError(f"the ruleset has no usage {quoted(usage)}; {advice}")


def accounts_of(path: str | None, rules: Ruleset) -> tuple[dict[str, dict[str, object]], dict[str, str]]:
    """The attributes and signups of the accounts in a file, if there is one; each line of it validated."""
    if path is None:
        return {}, {}
    from pricelang.cli.accounts import read_accounts

    found = read_accounts(path, rules)
    return found.attributes, found.signups


def mapping_of(name: str | None, given: tuple[str, ...], rules: Ruleset, kind: str) -> UsageMapping | None:
    """The mapping of `--map` with the values of `--set`, if there is one."""
    if name is None:
        if given:
            raise click.UsageError("--set gives what the objects of --map lack; name a mapping with --map")
        return None
    if kind != "jsonl":
        raise click.UsageError("--map is for JSON lines; the columns of a file are the record's fields")
    from pricelang.maps.mapping import UsageMapping
    from pricelang.maps.reading import MappingError

    values: dict[str, object] = {}
    fields = {one.name for usage in rules.program.usages.values() for one in usage.inputs}
    for text in given:
        field, sign, value = text.partition("=")
        if not sign or not field or not value:
            raise click.UsageError(f"--set takes FIELD=VALUE, such as account=acme, and not {text!r}")
        if field in values:
            raise click.UsageError(f"--set gives {field} twice")
        if field not in ("id", "type", "at", "started", "stopped", "account", *fields):
            raise click.UsageError(f"--set: no usage of the ruleset has a field {field!r}")
        if field == "type" and value not in rules.program.usages:
            raise click.UsageError(
                f"--set: the ruleset has no usage {value!r}; it has {', '.join(rules.program.usages)}"
            )
        values[field] = value
    try:
        return UsageMapping.load(name).fitted(rules.program, values)
    except MappingError as error:
        raise Unreadable(str(error)) from None

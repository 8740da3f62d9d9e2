"""Rule files as commands take them: found, read, and refused with every finding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pricelang.files import NotReadable
from pricelang.files import ruleset_files

if TYPE_CHECKING:
    from pricelang.library import Ruleset


class Unreadable(click.ClickException):
    """A file that cannot be read: exit code 2."""

    exit_code = 2


class Stopped(click.exceptions.Exit):
    """The command ends here with this exit code; everything has been said."""


def rule_files(paths: tuple[str, ...]) -> Iterator[Path | Unreadable]:
    """Every ruleset at the paths, each once, and what is wrong with a path where there is none."""
    seen: set[Path] = set()
    for path in paths:
        try:
            for file in ruleset_files(path):
                real = file.resolve()
                if real not in seen:
                    seen.add(real)
                    file.open("rb").close()
                    yield file
        except NotReadable as error:
            yield Unreadable(str(error))
        except OSError as error:
            yield Unreadable(f"{path} cannot be read: {(error.strerror or 'error').lower()}")
        except ValueError:
            yield Unreadable("a path holds characters that no path has")


def loaded(path: str) -> Ruleset:
    """The ruleset at a path; one with errors ends the command with exit code 2, its findings on stderr."""
    from pricelang.cli.findings import show_errors
    from pricelang.cli.findings import summed
    from pricelang.files import ruleset_file
    from pricelang.library import RulesetError
    from pricelang.library import load

    try:
        file = ruleset_file(path)
        file.open("rb").close()
        return load(file)
    except RulesetError as error:
        show_errors(error.findings, file, error.sources)
        click.echo(f"{file}: {summed(error.findings)}; nothing was done", err=True)
        raise Stopped(2) from None
    except NotReadable as error:
        raise Unreadable(str(error)) from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {(error.strerror or 'error').lower()}") from None
    except ValueError:
        raise Unreadable("the path of the rules holds characters that no path has") from None

"""`pricelang fmt`: the one layout."""

from __future__ import annotations

from pathlib import Path

import click

from pricelang.cli.findings import counted
from pricelang.cli.findings import show_errors
from pricelang.cli.rules import Unreadable
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.files import SUFFIX
from pricelang.files import read_text


@click.command("fmt", short_help="Bring rule files into the one layout.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; show what would change, and exit with 1.")
@click.pass_context
def command(ctx: click.Context, paths: tuple[str, ...], only_check: bool) -> None:
    """Bring rule files, or all of them in folders, into the one layout. Comments are kept, the meaning too.

    A file with errors is left as it is.

    Exit code 0: done. 1: a file has errors, or with --check: a file would change. 2: a path that cannot be read.
    """
    from pricelang.syntax.layout import layout
    from pricelang.syntax.parser import parse

    changed = kept = broken = 0
    unreadable: list[Unreadable] = []
    for file in _files(paths):
        if isinstance(file, Unreadable):
            unreadable.append(file)
            continue
        source = read_text(file, file.name)
        if isinstance(source, Finding):
            show_errors([source], file, {})
            broken += 1
            continue
        findings = Findings()
        parse(source, findings)
        if findings.has_errors:
            show_errors(findings.listed, file, {source.path: source})
            broken += 1
            continue
        text = layout(source)
        if text == source.text:
            kept += 1
            continue
        changed += 1
        if only_check:
            _show_difference(file, source.text, text)
        else:
            from pricelang.cli.writing import write_text

            write_text(str(file), text)
    told = [f"{counted(changed, 'file')} {'would change' if only_check else 'changed'}"] if changed else []
    told += [f"{counted(kept, 'file')} in the layout already"] if kept else []
    told += (
        [f"{counted(broken, 'file')} with errors left as {'it is' if broken == 1 else 'they are'}"] if broken else []
    )
    if told:
        click.echo(", ".join(told), err=True)
    for error in unreadable:
        error.show()
    if unreadable:
        ctx.exit(2)
    if broken or (only_check and changed):
        ctx.exit(1)


def _files(paths: tuple[str, ...]) -> list[Path | Unreadable]:
    found: dict[Path, Path | Unreadable] = {}
    for path in paths:
        given = Path(path)
        try:
            files = sorted(given.rglob(f"*{SUFFIX}")) if given.is_dir() else [given]
            files = [one for one in files if not any(part.startswith(".") for part in one.parts[len(given.parts) :])]
            for file in files:
                file.open("rb").close()
                found.setdefault(file.resolve(), file)
            if not files:
                found[given] = Unreadable(f"the folder {path} has no rule files (they end in {SUFFIX})")
        except OSError as error:
            found[given] = Unreadable(f"{path} cannot be read: {(error.strerror or 'error').lower()}")
        except ValueError:
            found[given] = Unreadable("a path holds characters that no path has")
    return list(found.values())


def _show_difference(file: Path, old: str, new: str) -> None:
    from difflib import unified_diff

    for line in unified_diff(old.splitlines(), new.splitlines(), str(file), f"{file} (laid out)", lineterm="", n=1):
        click.echo(line)
    if old.splitlines() == new.splitlines():
        click.echo(f"--- {file}\n+++ {file} (laid out)\n only line ends differ")

"""`pricelang check`: every ruleset at some paths, its findings, and how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pricelang.cli.findings import as_dict
from pricelang.cli.findings import as_github
from pricelang.cli.findings import as_text
from pricelang.cli.findings import colored
from pricelang.cli.findings import counted
from pricelang.cli.findings import summed
from pricelang.cli.rules import Unreadable
from pricelang.cli.rules import rule_files
from pricelang.reading import reading_of

if TYPE_CHECKING:
    from pricelang.core.reading import Reading


@click.command("check", short_help="Check rule files or folders of them.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Warnings fail the check too.")
@click.option("--quick", is_flag=True, help="Read and check alone: run no examples, stories and proofs.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="text for people, json for programs, github for annotations in GitHub Actions.",
)
@click.pass_context
def command(ctx: click.Context, paths: tuple[str, ...], strict: bool, quick: bool, output_format: str) -> None:
    """Check rule files, or every ruleset in folders, and list what is wrong with them.

    Each finding has its place, a code and a way out; `pricelang rule CODE` tells more about it.

    Exit code 0: no errors. 1: errors (with --strict also warnings). 2: a path that cannot be read.
    """
    done: list[tuple[Path, Reading]] = []
    unreadable: list[Unreadable] = []
    for file in rule_files(paths):
        if isinstance(file, Unreadable):
            unreadable.append(file)
        else:
            done.append((file, reading_of(file, examples=not quick, proofs=not quick)))
    findings = [(finding, file, one) for file, one in done for finding in one.findings]
    more = sum(one.more for _, one in done)
    if output_format == "json":
        import json

        listed = [as_dict(finding, file) for finding, file, _ in findings]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    elif output_format == "github":
        for finding, file, _ in findings:
            click.echo(as_github(finding, file))
    else:
        color = colored()
        for finding, file, one in findings:
            click.echo(as_text(finding, file, one.sources, color) + "\n", color=color)
        if done:
            click.echo(f"{counted(len(done), 'ruleset')} checked: {summed([f for f, _, _ in findings], more)}")
    if output_format != "text" and more:
        click.echo(f"{more} more findings are not listed", err=True)
    for error in unreadable:
        error.show()
    if unreadable:
        ctx.exit(2)
    doubtful = more or any(finding.severity != "note" for finding, _, _ in findings)
    if any(one.has_errors or one.program is None for _, one in done) or (strict and doubtful):
        ctx.exit(1)

"""`pricelang check`: every ruleset at some paths, its findings, and how many there are."""

from __future__ import annotations

import click

from pricelang.cli.outputs import CHECK_FORMATS
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.cli.outputs import show
from pricelang.cli.rules import Unreadable
from pricelang.cli.rules import rule_files
from pricelang.reading import reading_of


@click.command("check", short_help="Check rule files or folders of them.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Warnings fail the check too.")
@click.option("--quick", is_flag=True, help="Read and check alone: run no examples and no stories.")
@click.option(
    "--output-format",
    type=click.Choice(CHECK_FORMATS),
    default="text",
    show_default=True,
    help="text is for people; the others are for CI systems and other programs.",
)
@click.pass_context
def command(ctx: click.Context, paths: tuple[str, ...], strict: bool, quick: bool, output_format: str) -> None:
    """Check rule files, or every ruleset in folders, and list what is wrong with them.

    Each finding has its place, a code and a way out; `pricelang rule CODE` tells more about it.

    Exit code 0: no errors. 1: errors (with --strict also warnings). 2: a path that cannot be read.
    """
    done: list[Ruleset] = []
    unreadable: list[Unreadable] = []
    for file in rule_files(paths):
        if isinstance(file, Unreadable):
            unreadable.append(file)
        else:
            done.append(Ruleset(file, reading_of(file, examples=not quick)))
    report = Report(done, [error.message for error in unreadable], strict)
    show(output_format, report)
    for error in unreadable:
        error.show()
    if unreadable:
        ctx.exit(2)
    readings = [one.reading for one in done]
    doubtful = report.more or any(finding.severity != "note" for one in readings for finding in one.findings)
    if any(one.has_errors or one.program is None for one in readings) or (strict and doubtful):
        ctx.exit(1)

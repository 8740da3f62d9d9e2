"""`pricelang check`: every ruleset at some paths, its findings, and how many there are."""

from __future__ import annotations

import re
from datetime import UTC
from datetime import date
from datetime import datetime
from fractions import Fraction
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
@click.option("--expiring", metavar="DAYS", help="Tell too what ends within so many days, such as 30d.")
@click.option("--today", metavar="DATE", help="The day that --expiring counts from, where it is not this one.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="text for people, json for programs, github for annotations in GitHub Actions.",
)
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[str, ...],
    strict: bool,
    quick: bool,
    expiring: str | None,
    today: str | None,
    output_format: str,
) -> None:
    """Check rule files, or every ruleset in folders, and list what is wrong with them.

    Each finding has its place, a code and a way out; `pricelang rule CODE` tells more about it.

    Exit code 0: no errors. 1: errors (with --strict also warnings). 2: a path that cannot be read.
    """
    window = _window(expiring, today)
    done: list[tuple[Path, Reading]] = []
    unreadable: list[Unreadable] = []
    for file in rule_files(paths):
        if isinstance(file, Unreadable):
            unreadable.append(file)
        else:
            reading = reading_of(file, examples=not quick, proofs=not quick)
            if window is not None and reading.program is not None:
                from pricelang.proofs.run import expiring as ending

                reading.findings += ending(reading, *window)
            done.append((file, reading))
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


def _window(expiring: str | None, today: str | None) -> tuple[Fraction, Fraction] | None:
    """The two instants between which `--expiring` looks."""
    if expiring is None:
        if today is not None:
            raise click.UsageError("--today belongs to --expiring")
        return None
    asked = re.fullmatch(r"(\d{1,5})\s*(d|days?|w|weeks?)?", expiring.strip())
    if asked is None:
        raise click.UsageError(
            f"--expiring wants a number of days such as 30d, or of weeks such as 4w, not `{expiring}`"
        )
    days = int(asked[1]) * (7 if (asked[2] or "d").startswith("w") else 1)
    if today is not None:
        try:
            day = date.fromisoformat(today)
        except ValueError:
            raise click.UsageError(f"--today wants a date such as 2026-03-01, not `{today}`") from None
        now = Fraction((day - date(1970, 1, 1)).days * 86_400)
    else:
        now = Fraction(int(datetime.now(UTC).timestamp()))
    return now, now + days * 86_400

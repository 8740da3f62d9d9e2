"""`pricelang check`: every ruleset at some paths, its findings, and how many there are."""

from __future__ import annotations

import re
from datetime import UTC
from datetime import date
from datetime import datetime
from fractions import Fraction

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
@click.option("--quick", is_flag=True, help="Read and check alone: run no examples, stories and proofs.")
@click.option("--expiring", metavar="DAYS", help="Tell too what ends within so many days, such as 30d.")
@click.option("--today", metavar="DATE", help="The day that --expiring counts from, where it is not this one.")
@click.option(
    "--output-format",
    type=click.Choice(CHECK_FORMATS),
    default="text",
    show_default=True,
    help="text is for people; the others are for CI systems and other programs.",
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
    done: list[Ruleset] = []
    unreadable: list[Unreadable] = []
    for file in rule_files(paths):
        if isinstance(file, Unreadable):
            unreadable.append(file)
        else:
            reading = reading_of(file, examples=not quick, proofs=not quick)
            if window is not None and reading.program is not None:
                from pricelang.proofs.run import expiring as ending

                reading.findings += ending(reading, *window)
            done.append(Ruleset(file, reading))
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

"""`pricelang test`: the examples that stand beside the rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pricelang.cli.findings import as_text
from pricelang.cli.findings import colored
from pricelang.cli.findings import counted
from pricelang.cli.findings import show_errors
from pricelang.cli.outputs import TEST_FORMATS
from pricelang.cli.outputs import Report
from pricelang.cli.outputs import Ruleset
from pricelang.cli.outputs import show_examples
from pricelang.cli.rules import Unreadable
from pricelang.cli.rules import rule_files
from pricelang.reading import reading_of

if TYPE_CHECKING:
    from pricelang.cli.exercise import Exercise


@click.command("test", short_help="Run the examples that stand beside the rules.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--coverage", is_flag=True, help="Tell what of the rules no example touches.")
@click.option("--mutate", is_flag=True, help="Tell which small changes of the rules no example notices.")
@click.option("--fail-under", type=click.IntRange(0, 100), metavar="PERCENT", help="Exit code 1 below this.")
@click.option("--most", type=click.IntRange(1), metavar="N", help="Try so many changes at most, drawn at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="What they are drawn by.")
@click.option(
    "--output-format",
    type=click.Choice(TEST_FORMATS),
    default="text",
    show_default=True,
    help="text is for people; the others are for CI systems and other programs.",
)
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[str, ...],
    coverage: bool,
    mutate: bool,
    fail_under: int | None,
    most: int | None,
    seed: int,
    output_format: str,
) -> None:
    """Run the examples of rule files, or of every ruleset in folders, and tell which do not hold.

    Stories of accounts (top-ups, limits, grants) run in a ledger that is kept in memory alone.

    Exit code 0: all hold. 1: one fails, or less is covered or noticed than --fail-under says. 2: a path that cannot be
    read, or rules with errors.
    """
    from pricelang.trial import outcomes

    exercise: Exercise | None = None
    if coverage or mutate:
        from pricelang.cli.exercise import Exercise

        if output_format not in ("text", "json"):
            raise click.UsageError("--coverage and --mutate are told as text or json")
        exercise = Exercise(coverage, mutate, fail_under, most, seed, output_format == "json")
    elif fail_under is not None:
        raise click.UsageError("--fail-under is for --coverage and --mutate")
    if most is not None and not mutate:
        raise click.UsageError("--most is for --mutate")
    to_stderr = exercise is not None and output_format == "json"

    rulesets = passed = failed = 0
    wrong = False
    report = Report()
    for file in rule_files(paths):
        if isinstance(file, Unreadable):
            file.show()
            report.unreadable.append(file.message)
            wrong = True
            continue
        one = reading_of(file, examples=False)
        if one.program is None or one.has_errors:
            show_errors(one.findings, file, one.sources)
            click.echo(f"{file}: not run, the rules have errors", err=True)
            report.rulesets.append(Ruleset(file, one))
            wrong = True
            continue
        rulesets += 1
        results = outcomes(one.program)
        bad = [result for result in results if result.failures]
        good = len(results) - len(bad)
        passed, failed = passed + good, failed + len(bad)
        report.rulesets.append(Ruleset(file, one, results))
        if exercise is None and output_format != "text":
            continue
        click.echo(f"{file}: {_told(good, len(bad))}", err=to_stderr)
        color = colored(sys.stderr if to_stderr else sys.stdout)
        for result in bad:
            click.echo(f"\nFAILED {result.example.name}", err=to_stderr, color=color)
            for finding in result.failures:
                click.echo(as_text(finding, file, one.sources, color), err=to_stderr, color=color)
        if bad:
            click.echo(err=to_stderr)
        if exercise is not None:
            exercise.add(file, one)
    if exercise is None and output_format != "text":
        show_examples(output_format, report)
    elif rulesets > 1:
        click.echo(f"{counted(rulesets, 'ruleset')}: {_told(passed, failed)}", err=to_stderr)
    if exercise is not None:
        exercise.finish()
    if wrong:
        ctx.exit(2)
    if failed or (exercise is not None and exercise.short):
        ctx.exit(1)


def _told(passed: int, failed: int) -> str:
    return f"{passed} passed, {failed} failed" if passed + failed else "no examples"

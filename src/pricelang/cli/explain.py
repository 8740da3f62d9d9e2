"""`pricelang explain`: one charge, told step by step."""

from __future__ import annotations

import json

import click

from pricelang.cli.rules import Stopped
from pricelang.cli.rules import Unreadable
from pricelang.cli.usage import FORMATS
from pricelang.cli.usage import accounts_of
from pricelang.cli.usage import check_type
from pricelang.cli.usage import opened
from pricelang.cli.usage import records
from pricelang.cli.usage import source_format


@click.command("explain", short_help="Tell one charge, step by step.")
@click.argument("rules", metavar="RULES")
@click.argument("usage", metavar="USAGE")
@click.option(
    "--id", "name", metavar="ID", required=True, help="The id of the record, or of a charge at a period's end."
)
@click.option(
    "--accounts", metavar="FILE", help='JSON lines of {"account", "signup", "attributes"} for prices that ask.'
)
@click.option(
    "--format", "given", type=click.Choice(FORMATS), help="The format of USAGE, where its name does not tell it."
)
@click.option("--type", "kind", metavar="NAME", help="The usage of a CSV file without a column `type`.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text for people, json for programs.",
)
def command(
    rules: str, usage: str, name: str, accounts: str | None, given: str | None, kind: str | None, output_format: str
) -> None:
    """Tell how one record of USAGE was charged: quantities, the prices that applied, each step, down to file and line.

    The records before it count, where prices depend on them.

    Exit code 0: done. 1: the record was rejected. 2: there is no such record, or a file cannot be read.
    """
    source = source_format(usage, given)
    if usage == "-" and accounts == "-":
        raise click.UsageError("usage and accounts cannot both come from standard input; name a file")

    from pricelang.cli.rules import loaded
    from pricelang.engine.charge import Rejection
    from pricelang.engine.formats import FileError
    from pricelang.number import quoted

    ruleset = loaded(rules)
    check_type(ruleset, source, kind)
    with opened(usage) as stream:
        attributes, signups = accounts_of(accounts, ruleset)
        try:
            items = records(stream, source, kind)
        except FileError as error:
            raise Unreadable(f"{usage}: {error.message} ({error.code})") from None
        found = ruleset.explain_stream(items, name, accounts=attributes, signups=signups)
    if found is None:
        raise Unreadable(f"{usage} has no record with the id {quoted(name)}")
    if isinstance(found, Rejection):
        if output_format == "json":
            click.echo(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
        click.echo(f"{quoted(name)} was not charged: {found.message} ({found.code})", err=True)
        raise Stopped(1)
    if output_format == "json":
        click.echo(json.dumps(ruleset.explain_data(found), ensure_ascii=False, indent=2))
    else:
        click.echo(found.explain().rstrip("\n"))

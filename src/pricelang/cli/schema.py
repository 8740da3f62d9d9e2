"""`pricelang schema`: the JSON Schema of usage records."""

from __future__ import annotations

import json

import click


@click.command("schema", short_help="Print the JSON Schema of the usage records a ruleset takes.")
@click.argument("rules", metavar="RULES")
def command(rules: str) -> None:
    """Print the JSON Schema (2020-12) of the usage records that a ruleset takes.

    Exit code 0: done. 2: the rules cannot be read, or have errors.
    """
    from pricelang.cli.rules import loaded
    from pricelang.schema import schema

    click.echo(json.dumps(schema(loaded(rules).program), indent=2, ensure_ascii=False))

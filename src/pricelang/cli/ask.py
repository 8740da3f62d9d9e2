"""`pricelang ask`: questions about a ruleset in words."""

from __future__ import annotations

import json

import click

from pricelang.cli.rules import loaded


@click.command("ask", short_help="Ask what can be bought, when a limit comes, which plan is cheapest.")
@click.argument("rules", metavar="RULES")
@click.argument("question", metavar="QUESTION", nargs=-1, required=True)
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text for people, json for programs.",
)
def command(rules: str, question: tuple[str, ...], output_format: str) -> None:
    """Ask a question the other way round.

    \b
    how many FIELD for AMOUNT [on MODEL] [with FIELD NUMBER] [at DATE]
    what do NUMBER FIELD cost [on MODEL] [at DATE]
    when does 402 come [on PLAN]
    which plan is cheapest from how many FIELD [on MODEL] [at DATE]

    Exit code 0: answered. 2: rules that cannot be read or have errors, or a question that is not understood.
    """
    from pricelang.proofs.ask import ask
    from pricelang.proofs.where import NotUnderstood

    ruleset = loaded(rules)
    try:
        reply = ask(ruleset.program, " ".join(question))
    except NotUnderstood as error:
        raise click.UsageError(str(error)) from None
    if output_format == "json":
        click.echo(
            json.dumps({"question": " ".join(question), "said": reply.said, **reply.data}, indent=2, ensure_ascii=False)
        )
        return
    for line in reply.said:
        click.echo(line)

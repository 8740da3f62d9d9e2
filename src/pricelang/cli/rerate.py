"""`pricelang rerate`: posted usage priced again by the rules as they are, and the difference posted."""

from __future__ import annotations

import sys

import click

from pricelang.cli.rules import Stopped


@click.command("rerate", short_help="Price posted usage again and post the difference.")
@click.argument("rules", metavar="RULES")
@click.option("--ledger", "url", metavar="URL", required=True, help="The ledger: sqlite:///FILE, postgresql://….")
@click.option("--account", metavar="NAME", help="Only this account; without it, all.")
@click.option("--from", "start", metavar="INSTANT", help="Only usage from this instant or day on.")
@click.option("--to", "stop", metavar="INSTANT", help="Only usage before this instant, or up to the end of this day.")
@click.option(
    "--at", "at", metavar="INSTANT", help="When the differences are posted; the account's last event if not said."
)
@click.option("--id", "id", metavar="ID", help="The id of this re-rating; the same id does nothing a second time.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be posted.")
def command(
    rules: str,
    url: str,
    account: str | None,
    start: str | None,
    stop: str | None,
    at: str | None,
    id: str | None,
    dry_run: bool,
) -> None:
    """Price usage that a ledger has posted again by RULES, and post the difference to each account.

    A new rule file never changes what was charged before; this command does, and leaves an entry in the journal.

    Exit code 0: done. 1: some usage could not be priced. 2: the ledger cannot be used, or the rules have errors.
    """
    from pricelang.account.rerun import rerated
    from pricelang.cli.ledgers import existing_ledger
    from pricelang.cli.rules import loaded
    from pricelang.engine.intake import RecordError

    ruleset = loaded(rules)
    try:
        with existing_ledger(url, ruleset) as ledger:
            results = rerated(ledger, account, start, stop, at, id, dry_run)
    except RecordError as error:
        raise click.UsageError(error.message) from None
    failed = 0
    for line, unpriced in results:
        failed += unpriced
        click.echo(line)
    sys.stdout.flush()
    if failed:
        raise Stopped(1)

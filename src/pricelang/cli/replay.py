"""`pricelang replay`: a stream of events through accounts, an outcome for each, and a count of what became of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import BinaryIO

import click

from pricelang.cli.rules import Stopped
from pricelang.cli.rules import Unreadable
from pricelang.cli.usage import opened
from pricelang.cli.usage import records
from pricelang.cli.usage import source_format
from pricelang.cli.writing import Written

if TYPE_CHECKING:
    from pricelang.account.ledger import Ledger
    from pricelang.account.outcome import Outcome
    from pricelang.engine.formats import Item
    from pricelang.library import Ruleset


@click.command("replay", short_help="Run events through accounts.")
@click.argument("rules", metavar="RULES")
@click.argument("events", metavar="EVENTS")
@click.option(
    "--ledger",
    "url",
    metavar="URL",
    default="memory://",
    help="Where accounts are kept: sqlite:///FILE, postgresql://…; without it they are gone at the end.",
)
@click.option(
    "-o", "--output", "out", metavar="OUT", help="Write the outcomes here as JSON lines; - is standard output."
)
@click.option("--text", is_flag=True, help="Tell the outcomes in words, a line each (as on a terminal).")
def command(rules: str, events: str, url: str, out: str | None, text: bool) -> None:
    """Run events through accounts: an outcome for each. EVENTS is a file of JSON lines; - is standard input.

    Events are usage records and signup, set, topup, payment, redeem, subscribe, start, change, stop, authorize, settle,
    release, refund, correct and clock, applied in the order in which they stand. What was applied before – by the same
    id and content – gets the same outcome and does nothing.

    Exit code 0: done, whatever was refused. 1: events were rejected as bad input. 2: a file or the ledger cannot be
    used, or the rules have errors. 130: interrupted.
    """
    source = source_format(events, "jsonl")
    if source != "jsonl":
        raise click.UsageError(f"{events}: events are JSON lines (.jsonl)")

    from pricelang.account.journal import LedgerError
    from pricelang.account.ledger import Ledger
    from pricelang.cli.rate import distinct
    from pricelang.cli.rules import loaded

    kept = url.partition("///")[2] if url.startswith("sqlite:///") else None
    distinct([rules, events, kept], [out])

    ruleset = loaded(rules)
    counts = Counts()
    words = text or (out is None and sys.stdout.isatty())
    try:
        with opened(events) as stream, ExitStack() as stack:
            target = _target(out, stack)
            ledger = stack.enter_context(Ledger.open(url, ruleset))
            write = _words(target, ruleset) if words else _lines(target)
            try:
                _run(ledger, records(stream, "jsonl", None), counts, write)
                target.flush()
            except KeyboardInterrupt:
                counts.interrupted = True
                raise
    except LedgerError as error:
        raise Unreadable(f"the ledger cannot be used: {error}") from None
    finally:
        if counts.taken or not sys.exc_info()[0]:
            click.echo(counts.text(), err=True)
    if counts.rejected:
        raise Stopped(1)


def _target(out: str | None, stack: ExitStack) -> BinaryIO:
    if out is None or out == "-":
        return sys.stdout.buffer
    return stack.enter_context(Written(out)).stream


@dataclass(slots=True)
class Counts:
    """What became of the events."""

    taken: int = 0
    accepted: int = 0
    refused: int = 0
    rejected: int = 0
    repeated: int = 0
    interrupted: bool = False

    def text(self) -> str:
        """A sentence whose parts add up."""
        done = self.accepted + self.refused + self.rejected + self.repeated
        parts = (
            f"{self.accepted} accepted + {self.refused} refused + {self.rejected} rejected + {self.repeated} repeated"
        )
        text = f"{done} events in = {parts}"
        if self.interrupted:
            return f"interrupted: {text}"
        return text if done else f"{text}: there are no events"


def _run(ledger: Ledger, items: Iterator[Item], counts: Counts, write: Callable[[Outcome], None]) -> None:
    def counted() -> Iterator[Item]:
        for item in items:
            counts.taken += 1
            yield item

    for _, outcome in ledger.apply_items(counted()):
        write(outcome)
        if outcome.repeated:
            counts.repeated += 1
        elif outcome.decision == "accepted":
            counts.accepted += 1
        elif outcome.decision == "refused":
            counts.refused += 1
        else:
            counts.rejected += 1


def _lines(stream: BinaryIO) -> Callable[[Outcome], None]:
    encode = json.JSONEncoder(ensure_ascii=False).encode

    def write(outcome: Outcome) -> None:
        stream.write(f"{encode(outcome.as_dict())}\n".encode(errors="backslashreplace"))

    return write


def _words(stream: BinaryIO, rules: Ruleset) -> Callable[[Outcome], None]:
    from pricelang.account.telling import told

    program = rules.program
    funds = program.policy.takes_funds

    def write(outcome: Outcome) -> None:
        stream.write(f"{told(outcome, program.currency, program.zone, funds)}\n".encode(errors="backslashreplace"))

    return write

"""`pricelang diff`: what changed between two versions of rules, in words, and what it comes to in money."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from pricelang.cli.rules import Stopped
from pricelang.cli.rules import Unreadable
from pricelang.cli.usage import FORMATS
from pricelang.cli.writing import Written

if TYPE_CHECKING:
    from pricelang.compare.changes import Compared
    from pricelang.compare.changes import Result
    from pricelang.compare.gates import Gate
    from pricelang.compare.revisions import Named

RENDERED = ("text", "json", "markdown", "html")
_SUFFIXES = {".json": "json", ".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html"}


@click.command("diff", short_help="Tell what changed between two versions of rules, in rules and in money.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--usage", metavar="FILE", help="Charge these usage records by both: JSON lines, CSV or Parquet.")
@click.option("--format", "given", type=click.Choice(FORMATS), help="The format of --usage, where no name tells it.")
@click.option(
    "--accounts", metavar="FILE", help='JSON lines of {"account", "signup", "attributes"} for prices that ask.'
)
@click.option("--by", metavar="FIELD", multiple=True, help="Tell the money by this field too; may be repeated.")
@click.option("--ids-unique", is_flag=True, help="No id occurs twice in a Parquet file: it is not looked for.")
@click.option("--events", metavar="FILE", help="Replay these events through accounts of both.")
@click.option(
    "--fail-if",
    "gates",
    metavar="GATE",
    multiple=True,
    help='Exit with 1 if so: "total > +1%", "any account > +10%", "unpriced > 0"; may be repeated.',
)
@click.option(
    "--output-format",
    type=click.Choice(RENDERED),
    help="text for people (the default), json for programs, markdown for CI, html for one page.",
)
@click.option("-o", "--output", "out", metavar="FILE", help="Write it here; .json, .md and .html tell the format.")
@click.pass_context
def command(
    ctx: click.Context,
    old: str,
    new: str,
    usage: str | None,
    given: str | None,
    accounts: str | None,
    by: tuple[str, ...],
    ids_unique: bool,
    events: str | None,
    gates: tuple[str, ...],
    output_format: str | None,
    out: str | None,
) -> None:
    """Tell what changed from OLD to NEW: rule files, folders of them, or git revisions such as HEAD~1:rulesets/acme.

    Formatting and renaming are no changes. With --usage, the same records are charged by both. In a folder of several
    rulesets {name} in FILE stands for each one's name.

    Exit code 0: done, whether or not something changed. 1: a gate did not hold. 2: rules with errors, or a file or
    revision that cannot be read.
    """
    kind = output_format or _SUFFIXES.get(os.path.splitext(out or "")[1].lower(), "text")
    _check_options(usage, {"--format": given, "--accounts": accounts, "--by": by, "--ids-unique": ids_unique})
    if gates and usage is None and events is None:
        raise click.UsageError("--fail-if judges what usage comes to; name records with --usage, or --events")
    if [usage, accounts, events].count("-") > 1:
        raise click.UsageError("only one file can come from standard input")
    parsed = _parsed(gates)
    compared = _compared(old, new, _Asked(usage, given, accounts, by, ids_unique, events, parsed))
    _write(compared, kind, out)
    if kind != "text" or out not in (None, "-"):
        from pricelang.compare.outline import clean

        for one in compared.results:
            for gate in one.gates:
                if not gate.held:
                    click.echo(clean(f"{one.rules.name}: {gate.gate} did not hold: {gate.said}"), err=True)
    if not compared.held:
        ctx.exit(1)


def _check_options(usage: str | None, of_usage: dict[str, object]) -> None:
    """Options that have no use without usage, before any work."""
    for name, value in of_usage.items():
        if value and usage is None:
            raise click.UsageError(f"{name} is for usage records; name them with --usage")


def _parsed(gates: tuple[str, ...]) -> tuple[Gate, ...]:
    if not gates:
        return ()
    from pricelang.compare.gates import GateError
    from pricelang.compare.gates import parse_gate

    try:
        found = tuple(parse_gate(one) for one in gates)
    except GateError as error:
        raise click.UsageError(str(error)) from None
    return found


class _Asked:
    """What is wanted beside the changes of rules."""

    def __init__(
        self,
        usage: str | None,
        given: str | None,
        accounts: str | None,
        by: tuple[str, ...],
        ids_unique: bool,
        events: str | None,
        gates: tuple[Gate, ...],
    ) -> None:
        self.usage = usage
        self.given = given
        self.accounts = accounts
        self.by = by
        self.more = {"ids_unique": True} if ids_unique else {}
        self.events = events
        self.gates = gates

    @property
    def money(self) -> bool:
        return self.usage is not None or self.events is not None


# --- comparing ------------------------------------------------------------------------------------------------------


def _compared(old: str, new: str, asked: _Asked) -> Compared:
    from pricelang.compare.changes import Compared
    from pricelang.compare.changes import Result
    from pricelang.compare.changes import RulesDiff

    left, right = _opened(old), _opened(new)
    pairs = _pairs(left, right)
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    many = len(pairs) > 1
    for path in (asked.usage, asked.events, asked.accounts):
        if many and path is not None and "{name}" not in path:
            raise click.UsageError(
                f"there are {len(pairs)} rulesets, and one file of records; write {{name}} where the ruleset's name "
                "stands, such as rulesets/{name}/usage.jsonl"
            )
    for before, after in both:
        _check_shared(before, after)
    results = []
    for one, other in pairs:
        if one is not None and other is not None:
            results.append(_result(one, other, asked, many))
        else:
            there = one or other
            assert there is not None
            status = "removed" if other is None else "added"
            files = (there.file, "") if other is None else ("", there.file)
            results.append(Result(RulesDiff(there.path or there.rules.name, there.rules.title, status, *files)))
    return Compared(old, new, tuple(results))


def _opened(spec: str) -> list[Named]:
    """The rulesets that a path or a revision names; those with errors end the command, their findings on stderr."""
    from pathlib import Path

    from pricelang.cli.findings import show_errors
    from pricelang.cli.findings import summed
    from pricelang.compare.revisions import WithErrors
    from pricelang.compare.revisions import open_rules
    from pricelang.files import NotReadable

    try:
        return open_rules(spec)
    except WithErrors as wrong:
        at, _, name = wrong.file.rpartition(":")
        file = f"{at}:./{name}" if at and "/" not in name and not os.path.exists(wrong.file) else wrong.file
        show_errors(wrong.error.findings, Path(file), wrong.error.sources)
        click.echo(f"{wrong.file}: {summed(wrong.error.findings)}; nothing was compared", err=True)
        raise Stopped(2) from None
    except NotReadable as error:
        raise Unreadable(str(error)) from None
    except OSError as error:
        raise Unreadable(f"{spec} cannot be read: {(error.strerror or 'error').lower()}") from None


def _pairs(old: list[Named], new: list[Named]) -> list[tuple[Named | None, Named | None]]:
    """Which ruleset became which: by their place in the folders, then by their names."""
    if len(old) == len(new) == 1:
        return [(old[0], new[0])]
    left = list(old)
    pairs: list[tuple[Named | None, Named | None]] = []
    for same in (_same_path, _same_name):
        rest = []
        for one in new:
            match = next((other for other in left if same(other, one)), None)
            if match is None:
                rest.append(one)
            else:
                left = [other for other in left if other is not match]
                pairs.append((match, one))
        new = rest
    pairs += [(None, one) for one in new]
    pairs += [(one, None) for one in left]
    return sorted(pairs, key=lambda pair: next(one.path for one in reversed(pair) if one is not None))


def _same_path(old: Named, new: Named) -> bool:
    return bool(old.path) and old.path == new.path


def _same_name(old: Named, new: Named) -> bool:
    return old.rules.name == new.rules.name


def _check_shared(old: Named, new: Named) -> None:
    left, right = (list(one.rules.program.usages) for one in (old, new))
    if left and right and not set(left) & set(right):
        raise Unreadable(
            f"{old.file} and {new.file} share no usage type, so there is nothing to compare: the one has "
            f"{', '.join(left)}, the other {', '.join(right)}"
        )


def _result(old: Named, new: Named, asked: _Asked, many: bool) -> Result:
    from pricelang.compare.changes import Result
    from pricelang.compare.rules import compare_rules

    rules = compare_rules(old.rules, new.rules, old.file, new.file, new.path or new.rules.name)
    if not asked.money:
        return Result(rules)
    from pricelang.columns import MissingExtra
    from pricelang.compare.gates import fields_of
    from pricelang.compare.gates import judge

    name = new.rules.name
    usage, events, accounts = (
        path.replace("{name}", name) if many and path is not None else path
        for path in (asked.usage, asked.events, asked.accounts)
    )
    money = replayed = None
    try:
        if usage is not None:
            from pricelang.compare.money import compare_usage

            by = tuple(dict.fromkeys((*asked.by, *fields_of(asked.gates))))
            money = compare_usage(
                old.rules, new.rules, usage, by=by, format=asked.given, accounts=accounts, **asked.more
            )
        if asked.gates and money is not None and not money.charged_both + money.newly_refused + money.newly_priced:
            raise ValueError(f"no gate can be judged: neither side charges any record of {usage}")
        if events is not None:
            from pricelang.compare.events import compare_events

            replayed = compare_events(old.rules, new.rules, events)
        gates = tuple(judge(gate, money, replayed) for gate in asked.gates)
    except MissingExtra as missing:
        raise click.UsageError(str(missing)) from None
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return Result(rules, money, replayed, gates)


# --- writing --------------------------------------------------------------------------------------------------------


def _rendered(compared: Compared, kind: str) -> str:
    match kind:
        case "json":
            from pricelang.compare.data import as_data

            return json.dumps(as_data(compared), indent=2, ensure_ascii=False) + "\n"
        case "markdown":
            from pricelang.compare.markdown import as_markdown

            return as_markdown(compared)
        case "html":
            from pricelang.compare.page import MissingExtra
            from pricelang.compare.page import as_page

            try:
                return as_page(compared)
            except MissingExtra as missing:
                raise click.UsageError(str(missing)) from None
    from pricelang.compare.text import as_text

    return as_text(compared)


def _write(compared: Compared, kind: str, out: str | None) -> None:
    text = _rendered(compared, kind)
    if out in (None, "-"):
        click.echo(text, nl=False)
        return
    with Written(str(out)) as file:
        file.stream.write(text.encode("utf-8", "backslashreplace"))

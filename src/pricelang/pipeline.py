"""START HERE: a rule file becomes a program in these steps, each a function in a file of its own.

    text → parse → lay on what it is based on → header, units → fields → tables → prices → doubts → examples → program

Every step adds to one list of findings; the program is there only when none of them is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from pricelang.check.accounts import read_policy
from pricelang.check.bounds import bounded
from pricelang.check.doubts import check_doubts
from pricelang.check.echoes import without_echoes
from pricelang.check.examples import read_examples
from pricelang.check.header import Header
from pricelang.check.header import read_header
from pricelang.check.header import read_hours
from pricelang.check.header import read_units
from pricelang.check.keys import key_words
from pricelang.check.layers import read_table
from pricelang.check.overlay import lay_on
from pricelang.check.partition import check_partition
from pricelang.check.prices import read_allowances
from pricelang.check.prices import read_prices
from pricelang.check.reach import check_unlimited
from pricelang.check.reach import check_used_cells
from pricelang.check.scope import Scope
from pricelang.check.scope import UsageInfo
from pricelang.check.spreadsheet import with_csv
from pricelang.check.stories import check_stories
from pricelang.check.unused import check_unused
from pricelang.check.usages import read_account
from pricelang.check.usages import read_usage
from pricelang.core.program import Program
from pricelang.core.reading import Reading
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.diagnostics.finding import Waived
from pricelang.source import Place
from pricelang.source import Source
from pricelang.syntax import nodes as n
from pricelang.syntax.parser import parse

Loader = Callable[[str, str], Source | str]
"""Reads a file that a rule file names: (the name as written, the path of the rule file) gives its text, or why not."""

MOST_BASES = 8
_B = TypeVar("_B")


def read(source: Source, load: Loader, let: frozenset[str] = frozenset()) -> Reading:
    """Parses and checks a rule file. Errors of the codes in `let` are told and let through: the program is there, and
    records show what they come to."""
    findings = Findings(let=let)
    sources = {source.path: source}
    file = bounded(_with_base(source, load, findings, sources, 0), findings)
    findings.waivers = [Waived(one.slug, one.place.path, one.first, one.last, one.place) for one in file.waivers]
    scope = Scope(findings)
    program = _check(file, scope, load, sources)
    if not _has(file, n.RulesetBlock):
        program = None
    _check_waivers(file, findings)
    if findings.has_errors:
        program = None
    kept = without_echoes(sorted(findings, key=_order), sources)
    return Reading(program, kept, findings.more, sources, waivers=_left_to_proofs(findings))


def _left_to_proofs(findings: Findings) -> tuple[Waived, ...]:
    """The waivers of what only proofs find."""
    proved = {rule.slug for rule in codes.RULES.values() if rule.proved}
    return tuple(
        replace(one, used=index in findings.waivers_used)
        for index, one in enumerate(findings.waivers)
        if one.slug in proved
    )


def _order(finding: Finding) -> tuple[str, int, int, str]:
    return finding.place.path, finding.place.line, finding.place.column, finding.code


def _has(file: n.File, kind: type) -> bool:
    return any(isinstance(block, kind) for block in file.blocks)


def _with_base(source: Source, load: Loader, findings: Findings, sources: dict[str, Source], depth: int) -> n.File:
    """The syntax tree of a file, laid on the tree of the file it is based on."""
    file = parse(source, findings)
    header = next((block for block in file.blocks if isinstance(block, n.RulesetBlock)), None)
    if header is None or header.based_on is None:
        return file
    name, place = header.based_on.text, header.based_on.place
    if depth >= MOST_BASES:
        findings.add(codes.NO_BASE, place, "", path=name, why=f"lies more than {MOST_BASES} files deep")
        return file
    loaded = load(name, source.path)
    if isinstance(loaded, str):
        findings.add(codes.NO_BASE, place, "", path=name, why=loaded)
        return file
    if loaded.path in sources:
        findings.add(codes.NO_BASE, place, "", path=name, why="is based on this one")
        return file
    sources[loaded.path] = loaded
    base = _with_base(loaded, load, findings, sources, depth + 1)
    return lay_on(base, file)


def _check(file: n.File, scope: Scope, load: Loader, sources: dict[str, Source]) -> Program | None:
    blocks = file.blocks

    def of(kind: type[_B]) -> list[_B]:
        return [block for block in blocks if isinstance(block, kind)]

    _find_repeated(blocks, scope)
    headers = of(n.RulesetBlock)
    read_header_first = headers[0] if headers else None
    if read_header_first is not None:
        _currency_first(read_header_first, scope)
    read_units(of(n.UnitBlock), scope)
    header = read_header(read_header_first, scope) if read_header_first is not None else Header()
    tables = [with_csv(table, load, sources, scope) for table in of(n.TableBlock)]
    words = _key_words(tables)
    read_hours(of(n.HoursBlock), scope)
    account = [read_account(block, scope, words) for block in of(n.AccountBlock)[:1]]
    for usage in of(n.UsageBlock):
        read_usage(usage, scope, words)
    users = _users(of(n.PriceBlock), scope)
    for table in tables:
        if table.name in scope.tables:
            continue
        everyone = tuple(scope.usages.values())
        scope.tables[table.name] = read_table(table, scope, users.get(table.name, everyone) or everyone)
    read_allowances(of(n.AllowanceBlock), scope)
    prices = read_prices(of(n.PriceBlock), scope)
    policy = read_policy(blocks, header, scope)
    check_used_cells(scope)
    check_unlimited(scope)
    check_partition(prices, scope)
    check_doubts(prices, header, scope)
    check_unused(blocks, scope)
    examples = read_examples(of(n.ExampleBlock), scope)
    check_stories(blocks, scope)
    if scope.findings.has_errors or read_header_first is None:
        return None
    return Program(
        name=read_header_first.name,
        title=read_header_first.title,
        currency=scope.currency,
        zone=scope.zone,
        bill=header.bill,
        usages={name: info.usage for name, info in scope.usages.items() if info.usage is not None},
        account=account[0] if account else (),
        hours=scope.hours,
        tables={name: info.table for name, info in scope.tables.items() if info.table is not None},
        prices=tuple(lowered.price for lowered in prices),
        allowances=scope.allowances,
        round_line=header.round_line,
        round_charge=header.round_charge,
        round_bill=header.round_bill,
        show_to=header.show_to,
        show_place=header.show_place,
        sources=tuple(
            (note.url, note.checked)
            for notes in (read_header_first.sources, *(table.sources for table in tables))
            for note in notes
        ),
        examples=examples,
        policy=policy,
    )


def _currency_first(block: n.RulesetBlock, scope: Scope) -> None:
    """The currency is needed to read units and figures."""
    for setting in block.settings:
        if setting.kind == "currency":
            quiet = Scope(Findings())
            read_header(n.RulesetBlock("", "", None, (setting,), ()), quiet)
            scope.currency = quiet.currency


def _find_repeated(blocks: tuple[n.Block, ...], scope: Scope) -> None:
    """Two blocks of one name; usages, allowances and examples look for themselves."""
    seen: dict[tuple[str, str], Place] = {}
    one_of = {n.RulesetBlock: "ruleset", n.AccountBlock: "account", n.FundsBlock: "funds", n.RefillBlock: "refill"}
    named = {n.TableBlock: "table", n.HoursBlock: "hours", n.LimitBlock: "limit", n.GrantBlock: "grant"}
    for block in blocks:
        what = one_of.get(type(block)) or named.get(type(block))
        if what is None:
            continue
        name = getattr(block, "name", "") if type(block) in named else ""
        if (what, name) in seen:
            said, line = f"the {what}" if name else "the block", seen[what, name].line
            scope.findings.add(codes.REPEATED, block.place, what=said, name=name or what, line=line)
        seen.setdefault((what, name), block.place)


def _key_words(tables: list[n.TableBlock]) -> dict[str, tuple[str, ...]]:
    """For each table the words of its first key, for fields that are `one of TABLE`."""
    found: dict[str, tuple[str, ...]] = {}
    for table in tables:
        if table.header is None or not table.keys:
            continue
        names = [word.text.strip().lower() for word in table.header.cells]
        key = table.keys[0].text.lower()
        if key not in names:
            continue
        index = names.index(key)
        words: dict[str, None] = {}
        rows = [*table.rows]
        for layer in table.layers:
            if layer.new_rows and layer.header is not None:
                theirs = [word.text.strip().lower() for word in layer.header.cells]
                if key in theirs:
                    at = theirs.index(key)
                    for row in layer.rows:
                        if len(row.cells) > at:
                            words[row.cells[at].text.strip()] = None
        for row in rows:
            if len(row.cells) > index:
                cell = row.cells[index]
                for word in key_words(cell, None) if "," not in cell.text else _cut(cell):
                    if word.text.strip() and word.text.strip().lower() != "any":
                        words[word.text.strip()] = None
        found[table.name] = tuple(words)
    return found


def _cut(word: n.Word) -> list[n.Word]:
    return [n.Word(part.strip(), word.place) for part in word.text.split(",")]


def _users(blocks: list[n.PriceBlock], scope: Scope) -> dict[str, tuple[UsageInfo, ...]]:
    """For each table the usages whose prices name it."""
    found: dict[str, list[UsageInfo]] = {}
    for block in blocks:
        usage = scope.usages.get(block.usage.text)
        if usage is None:
            continue
        for name in _members(block):
            users = found.setdefault(name, [])
            if usage not in users:
                users.append(usage)
    return {name: tuple(users) for name, users in found.items()}


def _members(node: object) -> set[str]:
    """The tables whose columns are named anywhere beneath a node."""
    found: set[str] = set()
    todo: list[object] = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, n.Member):
            found.add(one.of)
        elif isinstance(one, tuple):
            todo.extend(one)
        elif hasattr(one, "__dataclass_fields__") and not isinstance(one, Place):
            todo.extend(getattr(one, name) for name in one.__dataclass_fields__)
    return found


def _check_waivers(file: n.File, findings: Findings) -> None:
    """Waivers of nothing: of a slug that is none, of an error, or where no such warning stands."""
    slugs = {rule.slug: rule for rule in codes.RULES.values()}
    failed = findings.has_errors
    for index, waiver in enumerate(file.waivers):
        rule = slugs.get(waiver.slug)
        if rule is None:
            near = get_close_matches(waiver.slug, list(slugs), 1, 0.5)
            advice = f"did you mean `{near[0]}`?" if near else ""
            findings.add(codes.UNKNOWN_WAIVER, waiver.place, advice, slug=waiver.slug, why="is no finding")
        elif rule.severity == "error":
            why = "is an error, and only warnings can be waived"
            findings.add(codes.UNKNOWN_WAIVER, waiver.place, "mend it instead", slug=waiver.slug, why=why)
        elif index not in findings.waivers_used and not failed and not rule.proved:
            findings.add(codes.UNUSED_WAIVER, waiver.place, slug=waiver.slug)

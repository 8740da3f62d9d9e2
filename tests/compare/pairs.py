"""Pairs of rulesets, the NEW one made of the OLD one's text, and what their usage comes to, reckoned plainly: each
record charged by `rate_items` under both, put beside itself in a list."""

from __future__ import annotations

import re
from collections import Counter
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pricelang
from pricelang.compare.told import MoneyDiff

NONE, ENDS = "(none)", "(ends of periods)"


# --- a NEW ruleset of an OLD one's text


def mutated(text: str, rng: Random) -> str:
    """The same rules with other figures, edges or rows."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        text = rng.choice((_money, _money, _money, _percent, _edge, _row, _more, _more, _zone, _nothing))(text, rng)
    return text


def _swap(text: str, found: list[re.Match[str]], rng: Random, other: Any) -> str:
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + other(one) + text[one.end() :]


def _money(text: str, rng: Random) -> str:
    def other(one: re.Match[str]) -> str:
        return rng.choice(("$0.01", "$7", f"{one.group()}1", "$0.333", "$1000000", "$1.10"))

    return _swap(text, list(re.finditer(r"\$[0-9]+(\.[0-9]+)?(?![0-9.])", text)), rng, other)


def _percent(text: str, rng: Random) -> str:
    found = list(re.finditer(r"(?<![0-9.])[0-9]+(\.[0-9]+)?%", text))
    return _swap(text, found, rng, lambda one: rng.choice(("5%", "12.5%", "33.3%", "100%")))


def _edge(text: str, rng: Random) -> str:
    """An edge becomes another wherever it stands."""
    edge = rng.choice(sorted({one.group(1) for one in re.finditer(r"(?:up to|above|below|from|least) ([0-9]+)\b(?!-)", text)}) or ["0"])  # fmt: skip
    return re.sub(rf"(up to|above|below|from|at least) {edge}\b(?!-)", lambda one: f"{one[1]} {int(edge) + 1}", text)


def _row(text: str, rng: Random) -> str:
    """A row goes."""
    lines = text.splitlines(keepends=True)
    rows = [at for at, line in enumerate(lines) if line.lstrip().startswith("| ") and "$" in line]
    if rows:
        del lines[rng.choice(rows)]
    return "".join(lines)


def _more(text: str, rng: Random) -> str:
    """A row comes, for one of the models that `any` or nothing fitted before."""
    heads = list(re.finditer(r"^  \| model \| inp \| out \|\n  \|[-|]*\n", text, flags=re.MULTILINE))
    if not heads:
        return text
    at = rng.choice(heads).end()
    return f"{text[:at]}  | {rng.choice(('GPT 4o', 'other', 'mix-8x7b', 'GPT 4o, other'))} | $3 | $0.25 |\n{text[at:]}"


def _zone(text: str, rng: Random) -> str:
    return re.sub(r"^  timezone .*$", f"  timezone {rng.choice(('UTC', 'Asia/Tokyo'))}", text, flags=re.MULTILINE)


def _nothing(text: str, rng: Random) -> str:
    return f"# the same\n\n{text}"


def loaded(text: str, files: dict[str, str] | None = None) -> pricelang.Ruleset | None:
    try:
        return pricelang.load_text(text, name="x.price", files=files)
    except pricelang.RulesetError:
        return None


# --- what is to be expected


@dataclass
class Expected:
    """A comparison, reckoned plainly."""

    records: int = 0
    charged_both: int = 0
    newly_refused: int = 0
    newly_priced: int = 0
    refused_both: int = 0
    duplicates: int = 0
    moved_rows: int = 0
    old_total: Fraction = Fraction(0)
    new_total: Fraction = Fraction(0)
    changes: list[Fraction] = field(default_factory=list)
    by: dict[str, dict[str, list[Any]]] = field(default_factory=dict)


def expected(
    old: pricelang.Ruleset,
    new: pricelang.Ruleset,
    records: list[Any],
    fields: list[str],
    known: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
) -> Expected:
    """Each record under both rulesets. `records` are as sent, or errors of reading."""
    found = Expected(by={name: defaultdict(lambda: [Fraction(0), Fraction(0), 0]) for name in fields})
    results = [results_of(one, records, told) for one, told in zip((old, new), known, strict=True)]
    for raw, was, now in zip(records, results[0][: len(records)], results[1][: len(records)], strict=True):
        found.records += 1
        amounts = [one.exact_amount if isinstance(one, pricelang.Charge) else None for one in (was, now)]
        if amounts == [None, None]:
            again = "duplicate" in (was.code, now.code)
            found.duplicates += again
            found.refused_both += not again
            continue
        before, after = amounts
        found.newly_refused += after is None
        found.newly_priced += before is None
        if before is not None and after is not None:
            found.charged_both += 1
            found.changes.append(abs(after - before))
            found.moved_rows += has_moved(old, new, was, now)
        found.old_total += before or 0
        found.new_total += after or 0
        at = (was if before is not None else now).at
        for name in fields:
            kept = found.by[name][value_of(old, new, raw, name, at)]
            kept[0] += before or 0
            kept[1] += after or 0
            kept[2] += 1
    for side, rest in enumerate(result[len(records) :] for result in results):
        for one in rest:
            if isinstance(one, pricelang.Charge):
                setattr(found, total := ("old_total", "new_total")[side], getattr(found, total) + one.exact_amount)
                for name in fields:
                    value = {"account": one.account, "type": one.type}.get(name, ENDS)
                    found.by[name][value][side] += one.exact_amount
    found.changes.sort(reverse=True)
    return found


def results_of(rules: pricelang.Ruleset, records: list[Any], known: dict[str, Any]) -> list[Any]:
    """A charge or a rejection for each record, then those of the ends of periods."""
    return list(rules.rate_items(iter(list(enumerate(records, start=1))), **known))


def value_of(old: pricelang.Ruleset, new: pricelang.Ruleset, raw: Any, name: str, at: Fraction) -> str:
    """What a record says of a field."""
    if name == "day":
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at * 10**6 // 1))
        return str(moment.astimezone(ZoneInfo(old.program.zone)).date())
    value = raw.get(name)
    if name in ("account", "type"):
        return str(value)
    for rules in (old, new):
        usage = rules.program.usages.get(raw["type"])
        mine = next((one for one in usage.inputs if one.name == name), None) if usage is not None else None
        if mine is not None:
            break
    if mine is None:
        return NONE
    if value is None:
        value = mine.default
    if value is None:
        return NONE
    if mine.type.kind == "truth":
        return "yes" if str(value) in ("True", "true", "TRUE") else "no"
    if mine.type.kind == "number":
        figure = Fraction(str(value))
        assert mine.type.factor == 1
        return str(figure.numerator) if figure.denominator == 1 else f"{float(figure):f}".rstrip("0")
    return str(value)


def has_moved(old: pricelang.Ruleset, new: pricelang.Ruleset, was: Any, now: Any) -> bool:
    """Whether a row of other keys, or of another table, prices a line; edges may differ."""
    before = {line.name: keys_of(old, str(line.row)) for line in was.lines if line.row is not None}
    return any(line.name in before and before[line.name] != keys_of(new, str(line.row))
               for line in now.lines if line.row is not None)  # fmt: skip


def keys_of(rules: pricelang.Ruleset, place: str) -> tuple[str, str]:
    """The table and the keys of a row as written, edges without their figures."""
    for table in rules.program.tables.values():
        for layer in table.layers:
            for (row, _), (_, cell) in layer.cells.items():
                if str(cell) == place:
                    return table.name, re.sub(r"(up to|above|below|from|least) [0-9]+", r"\1 #", table.rows[row].shown)
    raise AssertionError(place)


def differences(found: MoneyDiff, wanted: Expected) -> list[str]:
    """What is not as it should be, in words."""
    wrong = []
    names = ("records", "charged_both", "newly_refused", "newly_priced", "refused_both", "duplicates", "moved_rows", "old_total", "new_total")  # fmt: skip
    for name in names:
        if getattr(found, name) != getattr(wanted, name):
            wrong.append(f"{name}: {getattr(found, name)}, and it should be {getattr(wanted, name)}")
    parts = found.charged_both + found.newly_refused + found.newly_priced + found.refused_both + found.duplicates
    if parts != found.records:
        wrong.append(f"the counts do not add up: {parts} of {found.records}")
    for name, sums in wanted.by.items():
        mine = {one.value: [one.old, one.new, one.records] for one in found.by[name]}
        if mine != dict(sums):
            values = [value for value in {*mine, *sums} if mine.get(value) != sums.get(value)]
            wrong.append(
                f"by {name}: " + "; ".join(f"{one}: {mine.get(one)} not {sums.get(one)}" for one in values[:3])
            )
        order = [-abs(one.new - one.old) for one in found.by[name]]
        if order != sorted(order):
            wrong.append(f"by {name}: the greatest change does not stand first")
        if sum(one.old for one in found.by[name]) != found.old_total or sum(one.new for one in found.by[name]) != found.new_total:  # fmt: skip
            wrong.append(f"by {name}: the sums do not add up to the totals")
    largest = [abs(one.new - one.old) for one in found.largest]
    if largest != [one for one in wanted.changes[: len(largest)] if one] or len(largest) != min(
        20, sum(one > 0 for one in wanted.changes)
    ):
        wrong.append(f"largest: {largest[:3]} not {wanted.changes[:3]}")
    accounts = wanted.by["account"].values()
    ways = Counter((new > old) - (new < old) for old, new, _ in accounts)
    if [found.accounts_up, found.accounts_down, found.accounts_same] != [ways[1], ways[-1], ways[0]]:
        wrong.append("accounts up, down or the same")
    if sum(count for _, count in found.distribution) != len(accounts):
        wrong.append("the distribution has not each account once")
    for many, few in ((found.newly_refused, found.refused_examples), (found.newly_priced, found.priced_examples), (found.moved_rows, found.moved_examples)):  # fmt: skip
        if bool(many) != bool(few) or len(few) > many:
            wrong.append(f"{len(few)} examples of {many}")
    return wrong


@contextmanager
def batches_of(size: int | None, in_memory: int | None = None) -> Any:
    """Batches of this many records, and this many sorted in memory."""
    from columnar.proof import batches_of as of
    from pricelang.engine.columnar import run

    kept = run.IN_MEMORY
    try:
        run.IN_MEMORY = in_memory or kept
        with of(size):
            yield
    finally:
        run.IN_MEMORY = kept

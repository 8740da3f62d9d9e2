"""The same usage under two rulesets, in money: START HERE.

A Parquet file is charged in columns under both, batch by batch (`columns`); other files, and pairs of rulesets that
columns cannot take, record by record (`records`). Both count into one `Tally`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from pricelang.compare.accounts import Known
from pricelang.compare.accounts import read_accounts
from pricelang.compare.errors import CompareError
from pricelang.compare.errors import NothingShared
from pricelang.compare.fields import Fields
from pricelang.compare.records import by_records
from pricelang.compare.rows import rows_of
from pricelang.compare.tally import ZERO
from pricelang.compare.tally import Record
from pricelang.compare.tally import Tally
from pricelang.compare.tally import amount_text
from pricelang.compare.tally import counted
from pricelang.compare.told import MoneyDiff
from pricelang.compare.usage import format_of
from pricelang.compare.usage import items_of
from pricelang.compare.usage import opened
from pricelang.engine.charge import Charge
from pricelang.engine.intake import RecordError
from pricelang.library import Ruleset

MOST_LINES = 4
"""Lines of a record whose change is told, and codes of rejections."""


def compare_usage(
    old: Ruleset,
    new: Ruleset,
    usage: str,
    *,
    by: Sequence[str] = (),
    format: str | None = None,
    accounts: str | None = None,
    ids_unique: bool = False,
) -> MoneyDiff:
    """What a file of usage comes to under two rulesets: JSON lines, CSV, or Parquet (which needs the extra `columnar`).

    Sums are made by account, type, model, the fields that tables are looked up by, and those of `by`: fields of a
    record, or hour, day, week, month, quarter and year. `accounts` is a file of JSON lines with what is known of them;
    `ids_unique` declares that no id of a Parquet file occurs twice, so that it is not looked for.
    Raises NothingShared, CompareError (both ValueErrors) with a sentence; MissingExtra.
    """
    comparable(old, new)
    kind = format_of(usage, format)
    fields = Fields(old.program, new.program, by)
    *known, said = read_accounts(accounts, old, new)
    before, after = known
    rows = rows_of(old.program, new.program)
    tally = Tally(fields.names)
    if kind == "parquet":
        old.columnar()  # or what has to be installed
        from pricelang.compare.columns import by_columns

        by_columns((old, new), (before, after), usage, fields, rows, tally, ids_unique)
    else:
        with opened(usage) as stream:
            by_records((old, new), (before, after), items_of(stream, usage, kind), fields, rows, tally)

    def why(raw: Record, was: Fraction, now: Fraction) -> str:
        return lines_text((old, new), (before, after), raw, was, now)

    return tally.told(old.currency, why, [*said, *left_out(old, new, fields, tally)])


def comparable(old: Ruleset, new: Ruleset) -> None:
    """Raises a sentence where two rulesets have nothing that could be compared."""
    if old.currency != new.currency:
        raise CompareError(
            f"the old rules charge in {old.currency} and the new ones in {new.currency}: amounts of two currencies"
            " cannot be compared"
        )
    if not set(old.program.usages) & set(new.program.usages):
        names = [", ".join(one.program.usages) or "nothing" for one in (old, new)]
        raise NothingShared(
            f"no usage stands in both rulesets, so there is nothing to compare: {old.name} prices {names[0]},"
            f" {new.name} prices {names[1]}"
        )


def left_out(old: Ruleset, new: Ruleset, fields: Fields, tally: Tally) -> list[str]:
    """What a reader of the figures has to know of records without a counterpart. Asked before sums are told."""
    found: list[str] = []
    tally.flush()
    for name in (*old.program.usages, *new.program.usages):
        mine, other = name in old.program.usages, name in new.program.usages
        if mine and other:
            continue
        whose, become = ("old", "newly refused") if mine else ("new", "newly priced")
        sums = tally.apart["type"].get(name)
        if sums is not None:
            amount = amount_text(sums[0] if mine else sums[1], old.currency)
            found.append(
                f"Only the {whose} rules price `{name}`: {counted(sums[2], 'record')} of it, {amount}, count as"
                f" {become}."
            )
    if tally.newly_refused:
        found.append(
            f"The old total has {amount_text(tally.lost, old.currency)} for {counted(tally.newly_refused, 'record')}"
            " that the new rules refuse; the new total has nothing for them."
        )
    if tally.newly_priced:
        found.append(
            f"The new total has {amount_text(tally.gained, old.currency)} for {counted(tally.newly_priced, 'record')}"
            " that the old rules refuse; the old total has nothing for them."
        )
    if tally.refused_both:
        codes = ", ".join(f"{code} {count:,}" for code, count in tally.codes.most_common(MOST_LINES))
        more = ", …" if len(tally.codes) > MOST_LINES else ""
        records = counted(tally.refused_both, "record")
        found.append(f"{records} cannot be charged under either ruleset ({codes}{more}).")
    for name, side in (("old", 0), ("new", 1)):
        ends = tally.ends[side]
        if ends.count:
            found.append(
                f"The {name} total has {amount_text(ends.amount, old.currency)} of minimums, charged at"
                f" {counted(ends.count, 'end of a period', 'ends of periods')} and in no record."
            )
        if ends.refused:
            found.append(
                f"{counted(ends.refused, 'end of a period', 'ends of periods')} cannot be charged under the {name}"
                " rules."
            )
    if tally.records and not tally.charged_both:
        found.append("No record is charged under both rulesets: there is no change in price to tell.")
    if old.program.zone != new.program.zone and any(fields.is_period(name) for name in fields.names):
        found.append(
            f"Periods are those of {old.program.zone}, the old rules' time zone; the new ones' is {new.program.zone}."
        )
    return found


def lines_text(
    rules: tuple[Ruleset, Ruleset], known: tuple[Known, Known], raw: Record, was: Fraction, now: Fraction
) -> str:
    """Which lines of a record change, and by how much; where that hangs on other records, so much is said."""
    charges: list[Charge] = []
    for one, told in zip(rules, known, strict=True):
        account = str(raw.get("account"))
        try:
            charge = one.rate(raw, account=told.attributes.get(account), signup=told.signups.get(account))
        except RecordError:
            return _ALONE
        charges.append(charge)
    old, new = charges
    if old.exact_amount != was or new.exact_amount != now:
        return _ALONE
    before = {line.name: line.exact_amount for line in old.lines}
    after = {line.name: line.exact_amount for line in new.lines}
    said: list[tuple[Fraction, str]] = []
    for name in dict.fromkeys([*before, *after]):
        left, right = before.get(name), after.get(name)
        if left == right:
            continue
        texts = ["nothing" if one is None else amount_text(one, rules[0].currency) for one in (left, right)]
        said.append((abs((right or ZERO) - (left or ZERO)), f"{name} from {texts[0]} to {texts[1]}"))
    said.sort(key=lambda one: -one[0])
    more = [f"and {counted(len(said) - MOST_LINES, 'more line')}"] if len(said) > MOST_LINES else []
    return "; ".join([text for _, text in said[:MOST_LINES]] + more)


_ALONE = "what it costs hangs on the records before it in its period"

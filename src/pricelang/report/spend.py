"""What was spent until now: windows of days, the month and where it leads, day by day, and the dearest records."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from pricelang.number import decimal_text
from pricelang.number import round_to
from pricelang.period import add_duration
from pricelang.period import instant_text
from pricelang.period import local_clock
from pricelang.period import next_period
from pricelang.period import period_name
from pricelang.period import period_start
from pricelang.period import period_stop
from pricelang.period import previous_period
from pricelang.report.contents import Contents
from pricelang.report.groups import day_span
from pricelang.report.groups import summed
from pricelang.report.groups import within
from pricelang.report.rows import BILL
from pricelang.report.rows import FEES
from pricelang.report.rows import ZERO
from pricelang.report.rows import ReportError
from pricelang.report.rows import Row
from pricelang.report.rows import total
from pricelang.report.tokens import Counter

DAYS = 30
MOST_DAYS = 3700
ESTIMATE = Fraction(1, 10**6)


def spent(rows: list[Row]) -> dict[str, str]:
    """What rows come to: usage, fees, steps on whole bills, and all of these."""
    fees = total([row for row in rows if row.type == FEES])
    bill = total([row for row in rows if row.type == BILL])
    whole = total(rows)
    return {
        "usage": decimal_text(whole - fees - bill),
        "fees": decimal_text(fees),
        "bill": decimal_text(bill),
        "total": decimal_text(whole),
    }


def windows(now: Fraction, zone: str) -> dict[str, tuple[Fraction, Fraction]]:
    """From when to when each window reaches: calendar days in the zone, the one of `now` among them.

    A window's end is not included, and lies where its last day ends; nothing after `now` is in the rows.
    """
    day = period_start(now, "day", zone)
    stop = period_stop(now, "day", zone)
    month = period_start(now, "month", zone)
    found = {"today": (day, stop)}
    for days in (7, 14, 30):
        found[f"last_{days}_days"] = (_days_before(day, days - 1, zone), stop)
    found["month_to_date"] = (month, period_stop(now, "month", zone))
    found["previous_month"] = (previous_period(month, "month", zone), month)
    return found


def _days_before(day: Fraction, days: int, zone: str) -> Fraction:
    """The start of the day that lies so many days before one."""
    return period_start(add_duration(day, -days, "day", zone), "day", zone)


def spend(rows: Iterable[Row], now: Fraction, zone: str) -> dict[str, object]:
    """What was spent in each window."""
    rows = list(rows)
    return {
        name: {"from": _day(start, zone), **spent(within(rows, start, stop))}
        for name, (start, stop) in windows(now, zone).items()
    }


def projection(rows: Iterable[Row], now: Fraction, zone: str, since: Fraction | None = None) -> Fraction:
    """What the calendar month will come to if usage goes on as it did, to six decimals: an estimate, and no charge.

    Usage to date ÷ the time of the month gone by × the length of the month; the fees and steps on bills that were
    charged for the month are added as they are. For an account that signed up within the month (`since`) the time
    begins there, and what is still to come is reckoned from that.
    """
    start, stop = period_start(now, "month", zone), period_stop(now, "month", zone)
    month = within(rows, start, stop)
    used = total([row for row in month if row.type not in (FEES, BILL)])
    rest = total(month) - used
    begun = max(start, since) if since is not None else start
    gone = now - begun
    ahead = used * (stop - now) / gone if gone > 0 else ZERO
    return round_to(used + ahead + rest, ESTIMATE, "half even")


def daily(
    rows: Iterable[Row],
    contents: Contents,
    now: Fraction,
    first: str | None = None,
    last: str | None = None,
    zone: str | None = None,
) -> dict[str, object]:
    """An entry for each day between two (both included), days without usage too: date, charges, tokens and cost.

    Without days, the last thirty up to the one of `now`. `ReportError` for days that are none, or more than ten years.
    """
    where = zone or contents.program.zone
    start, stop = day_span(first, last, where)
    if stop is None:
        stop = period_stop(max(now, start) if start is not None else now, "day", where)
    if start is None:
        start = _days_before(period_start(stop - 1, "day", where), DAYS - 1, where)
    if (stop - start) / 86400 > MOST_DAYS:
        raise ReportError("these are more than ten years of days; give a first and a last day")
    days: dict[Fraction, list[Row]] = {}
    at = start
    while at < stop:
        days[at] = []
        at = next_period(at, "day", where)
    chosen = within(rows, start, stop)
    for row in chosen:
        days[period_start(row.belongs, "day", where)].append(row)
    counter = Counter(contents)
    return {
        "zone": where,
        "currency": contents.program.currency,
        "daily": [{"date": _day(day, where), **_entry(held, counter)} for day, held in days.items()],
        "total": _entry(chosen, counter),
    }


def _entry(rows: list[Row], counter: Counter) -> dict[str, object]:
    return {
        "count": decimal_text(summed(rows).count),
        "total_tokens": decimal_text(counter.of(rows).total),
        "cost": decimal_text(total(rows)),
    }


def _day(at: Fraction, zone: str) -> str:
    return period_name(at, "day", zone)


def top(rows: Iterable[Row], contents: Contents, most: int = 10) -> dict[str, object]:
    """The dearest records, and what ran, with all that was charged and given back for each; dearest first."""
    held: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.type not in (FEES, BILL) and row.kind != "true-up":
            held.setdefault((row.account, row.type, row.id), []).append(row)
    ranked = sorted(held.items(), key=lambda one: (-total(one[1]), one[1][0].at, one[0]))
    return {
        "currency": contents.program.currency,
        "records": [_record(key, found) for key, found in ranked[:most]],
    }


def _record(key: tuple[str, str, str], rows: list[Row]) -> dict[str, object]:
    account, type, id = key
    found = summed(rows)
    return {
        "id": id,
        "type": type,
        "account": account,
        "at": instant_text(rows[0].at),
        "fields": dict(rows[-1].fields),
        "quantities": {name: decimal_text(value) for name, value in found.quantities.items()},
        "amount": decimal_text(found.amount),
    }


def shown(contents: Contents, amount: Fraction) -> str:
    """An amount as the ruleset shows it, to four decimals where it does not say: for people, no amount is changed."""
    size = contents.program.show_to or Fraction(1, 10**4)
    text = decimal_text(round_to(amount, size, "half up"))
    places = len(decimal_text(size).partition(".")[2])
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(places, '0')}" if places else whole


def records(rows: Iterable[Row], contents: Contents, most: int | None = None) -> dict[str, object]:
    """Billing records: one for each row, the newest first, with the record's own fields beside its cost.

    `cost` is as the ruleset shows amounts, `amount` is exact.
    """
    ranked = sorted(enumerate(rows), key=lambda one: (one[1].at, one[0]), reverse=True)
    found = [_billing(row, contents) for _, row in ranked[:most]]
    return {"currency": contents.program.currency, "records": found}


def _billing(row: Row, contents: Contents) -> dict[str, object]:
    own: dict[str, object] = {"id": row.id, "type": row.type, "kind": row.kind, "account": row.account}
    fields = {**row.fields, **{name: decimal_text(value) for name, value in row.quantities.items()}}
    after = {"cost": shown(contents, row.amount), "amount": decimal_text(row.amount), "timestamp": instant_text(row.at)}
    rest = {name: value for name, value in fields.items() if name not in own and name not in after}
    return {**own, **rest, **after}


def date_of(at: Fraction, zone: str) -> str:
    """The date of an instant on the zone's clock."""
    return local_clock(at, zone).date().isoformat()

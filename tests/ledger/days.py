"""Days and months are the account's own: limits reset at local midnight, months from signup return to their day."""

from __future__ import annotations

from functools import cache
from random import Random
from zoneinfo import available_timezones

import pricelang
from ledger.model import Calendar
from ledger.replay import instant

_TEXT = """\
ruleset days "Days"
  currency USD
  timezone {zone}
  bill every month from signup

usage chat "Chat"
  tokens  tokens

price chat
  tokens:  tokens at $1 per token

price account
  plan:  $31 every month from signup in advance

limit daily_spend
  spend each day may reach $2
  refuse with 402
"""
_FIRST = 1_104_537_600  # 2005-01-01
_LAST = 2_051_222_400  # 2035-01-01


@cache
def _rules(zone: str) -> pricelang.Ruleset:
    return pricelang.load_text(_TEXT.format(zone=zone), name="days.price")


def _long_days(random: Random, calendar: Calendar, tries: int = 40) -> list[int]:
    """Days of other than 24 hours, from a random year."""
    found = []
    begin = random.randrange(_FIRST, _LAST - 370 * 86400)
    ahead = calendar.local(begin).utcoffset()
    for at in range(begin, begin + 366 * 86400, 86400 * 3):
        now = calendar.local(at).utcoffset()
        if now != ahead:
            start, stop = calendar.day(at)
            while stop - start == 86400 and at > begin:
                at -= 86400
                start, stop = calendar.day(at)
            found.append(start)
        ahead = now
    return found[:tries]


def day(seed: int) -> tuple[int, list[str]]:
    """One zone and one instant: the length of its day in seconds, and what is wrong."""
    random = Random(seed)
    zone = random.choice(sorted(available_timezones() - {"Factory", "localtime", "posixrules"}))
    calendar = Calendar(zone)
    at = random.randrange(_FIRST, _LAST)
    changed = _long_days(random, calendar) if seed % 2 else []
    if changed:
        start, stop = calendar.day(random.choice(changed))
        at = random.choice((start, stop - 1, random.randrange(start, stop)))
    start, stop = calendar.day(at)
    wrong = []
    with pricelang.Ledger.open("memory://", _rules(zone)) as ledger:
        ledger.apply({"id": "s", "type": "signup", "at": instant(start - 86400 * 3), "account": "acme"})

        def ask(id: str, when: int) -> pricelang.Outcome:
            return ledger.apply({"id": id, "type": "chat", "at": instant(when), "account": "acme", "tokens": 2})

        for id, when, decision in (
            ("before", start - 1, "accepted"),
            ("on", at, "accepted"),
            ("after", max(at, stop - 1), "refused"),
            ("next", stop, "accepted"),
        ):
            outcome = ask(id, when)
            if outcome.decision != decision:
                wrong.append(f"seed {seed}, {zone}, {instant(at)}: {id} was {outcome.decision}, not {decision}")
            elif isinstance(outcome, pricelang.Refused) and outcome.retry_at != stop:
                wrong.append(f"seed {seed}, {zone}: retry_at {outcome.retry_at}, the day ends at {stop}")
    return stop - start, wrong


def months(seed: int) -> list[str]:
    """A signup near a month's end: its months begin on its day, or on the last of a shorter month."""
    random = Random(seed)
    zone = random.choice(
        ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "America/Santiago")
    )
    calendar = Calendar(zone)
    wall = calendar.local(random.randrange(_FIRST, _LAST)).replace(day=1, tzinfo=None)
    signup = calendar.instant(wall)
    number = random.choice((1, 28, 29, 30, 31))
    while calendar.local(signup).day != number:
        signup += 86400 // 2
    expected = [signup]
    first = calendar.local(signup).replace(tzinfo=None)
    for count in range(1, 15):
        year, month = divmod(first.year * 12 + first.month - 1 + count, 12)
        start = calendar.instant(first.replace(year=year, month=month + 1, day=1, hour=12))
        last = calendar.local(calendar.month(start)[1] - 1).day
        expected.append(calendar.day(start + 86400 * (min(number, last) - 1))[0])
    found = []
    with pricelang.Ledger.open("memory://", _rules(zone)) as ledger:
        ledger.apply({"id": "s", "type": "signup", "at": instant(signup), "account": "acme"})
        ledger.apply({"id": "c", "type": "clock", "at": instant(expected[-1] + 3600), "account": "acme"})
        for entry in ledger.history():
            found += [one["at"] for one in entry.outcome["postings"]]  # type: ignore[attr-defined]
    wanted = [instant(at) for at in expected]
    return [] if found == wanted else [f"seed {seed}, {zone}: fees at {found}, expected {wanted}"]


def run(first: int, last: int) -> tuple[int, int, list[str]]:
    """How many seeds, how many of them on days of other than 24 hours, and what is wrong."""
    odd, wrong = 0, []
    for seed in range(first, last):
        length, found = day(seed)
        odd += length != 86400
        wrong += found
        if seed % 5 == 0:
            wrong += months(seed)
    return last - first, odd, wrong

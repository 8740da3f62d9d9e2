"""Eight processes at one ledger: who is granted what, how fairly, and what is left when they are killed."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pricelang
from ledger import faulty
from ledger import rules
from ledger.replay import replayed
from ledger.replay import texts
from pricelang.account.codec import Codec
from pricelang.account.terms import Terms

PROCESSES = 8
NOON = "2026-02-17T12:00:00Z"
_STORES = {"naive": faulty.ReadThenWrite, "split": faulty.Split, "split, state first": faulty.SplitStateFirst}
Reply = tuple[str, str]  # the decision, and the whole outcome as text


def opened(kind: str, url: str, given: pricelang.Ruleset) -> pricelang.Ledger:
    """A ledger; `kind` names a store that is wrong on purpose, or is empty."""
    if not kind:
        return pricelang.Ledger.open(url, given)
    terms = Terms(given.program)
    codec = Codec(terms)
    store = _STORES[kind](url.removeprefix("sqlite:///"), codec.encode, codec.decode)
    return pricelang.Ledger(given.program, given.fingerprint, store, terms)


@dataclass(frozen=True)
class Task:
    """What a process is to do: the ledger, its rules, and what of it."""

    work: str
    kind: str
    url: str
    limit: str
    size: int = 0
    number: int = 0
    count: int = 0
    seconds: float = 0
    start: float = 0


def chat(id: str, tokens: int = 1) -> dict:
    return {"id": id, "type": "chat", "at": NOON, "account": "acme", "tokens": tokens}


# --- what a process does --------------------------------------------------------------------------------------------


def _wait(task: Task) -> None:
    time.sleep(max(0.0, task.start - time.monotonic()))


def charges(task: Task, ledger: pricelang.Ledger) -> list[Reply]:
    """Charges of a dollar each, with ids of its own."""
    return _replies(ledger, (chat(f"{task.number}-{n}") for n in range(task.count)))


def identical(task: Task, ledger: pricelang.Ledger) -> list[Reply]:
    """The same request again and again."""
    return _replies(ledger, (chat("same") for _ in range(task.count)))


def codes(task: Task, ledger: pricelang.Ledger) -> list[Reply]:
    made = (
        {"id": f"{task.number}-{n}", "type": "redeem", "at": NOON, "account": "acme", "code": "HELLO"}
        for n in range(task.count)
    )
    return _replies(ledger, made)


def refills(task: Task, ledger: pricelang.Ledger) -> list[Reply]:
    """Charges, and payments of every order that is heard of; the odd processes send one common id, as webhooks do."""
    found: list[Reply] = []
    order = 1
    for n in range(task.count):
        found += _replies(ledger, [chat(f"{task.number}-{n}")])
        opened_now = ledger.state("acme").orders
        while order <= opened_now:
            id = f"pay-{order}" if task.number % 2 else f"pay-{order}-{task.number}"
            payment = {"id": id, "type": "payment", "at": NOON, "account": "acme", "order": f"acme/refill/{order}"}
            found += _replies(ledger, [payment])
            order += 1
    return found


def _replies(ledger: pricelang.Ledger, events: Iterator[dict] | list[dict]) -> list[Reply]:
    found = []
    for event in events:
        try:
            outcome = ledger.apply(event)
        except pricelang.LedgerError as error:
            found.append(("error", str(error)))
            continue
        found.append((outcome.decision, texts(outcome)))
    return found


def race(task: Task, ledger: pricelang.Ledger) -> tuple[int, float]:
    """As many charges as can be had in a time, and the longest wait for one."""
    done, worst = 0, 0.0
    end = time.monotonic() + task.seconds
    while (begun := time.monotonic()) < end:
        ledger.apply(chat(f"{task.number}-{done}"))
        done += 1
        worst = max(worst, time.monotonic() - begun)
    return done, worst


def pound(task: Task, ledger: pricelang.Ledger, told: Connection) -> None:
    """Charges for ever; each is acknowledged after it was answered."""
    for n in range(10**9):
        made = chat(f"{task.number}-{n}", 1 + n % 3)
        if n % 7 == 3:
            made = {**made, "id": f"{task.number}-{n}", "type": "topup", "amount": 20}
            del made["tokens"]
        outcome = ledger.apply(made)
        told.send_bytes(f"{outcome.id} {outcome.decision}".encode())


_WORK: dict[str, Callable] = {
    one.__name__: one for one in (charges, identical, codes, refills, race)
}  # by name: what is sent to a process is data


def _process(pipe: Connection) -> None:
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            if task.work == "pound":
                with opened(task.kind, task.url, rules.bank(task.limit, task.size)) as ledger:
                    pound(task, ledger, pipe)
            with opened(task.kind, task.url, rules.bank(task.limit, task.size)) as ledger:
                _wait(task)
                pipe.send(_WORK[task.work](task, ledger))
        except Exception as error:
            pipe.send(error)


class Crowd:
    """Processes that wait for tasks."""

    def __init__(self, count: int = PROCESSES) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["ledger.crowd"])
        here = str(Path(__file__).resolve().parent.parent)
        kept = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([here, *([kept] if kept else [])])
        try:
            self.members = [self.member() for _ in range(count)]
        finally:
            if kept is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = kept

    def member(self) -> tuple[multiprocessing.process.BaseProcess, Connection]:
        mine, theirs = self.context.Pipe()
        process = self.context.Process(target=_process, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        return process, mine

    def all(self, task: Task) -> list:
        """What each process comes to, all begun at one moment."""
        start = time.monotonic() + 0.3
        for number, (_, pipe) in enumerate(self.members):
            pipe.send(Task(**{**vars(task), "number": number, "start": start}))
        found = [pipe.recv() for _, pipe in self.members]
        for one in found:
            if isinstance(one, Exception):
                raise one
        return found

    def close(self) -> None:
        for process, pipe in self.members:
            pipe.close()
            process.join(10)


@contextmanager
def crowd(count: int = PROCESSES) -> Iterator[Crowd]:
    made = Crowd(count)
    try:
        yield made
    finally:
        made.close()


# --- nobody is granted what is not there ----------------------------------------------------------------------------


@dataclass
class Found:
    """What one run came to: a figure to print, and what is wrong."""

    figure: str
    wrong: list[str]


def _begin(task: Task, each: int, limit: int) -> None:
    """An account for a scenario."""
    attributes: dict[str, object] = {}
    money = each * PROCESSES * 2
    if task.work == "refills":
        attributes, money = {"refill_below": 5, "refill_amount": 10}, 10
    elif task.limit == "spend":
        attributes = {"daily_limit": limit}
    elif task.limit == "balance" and task.work == "charges":
        money = limit
    with pricelang.Ledger.open(task.url, rules.bank(task.limit, task.size)) as ledger:
        ledger.apply({"id": "s", "type": "signup", "at": NOON, "account": "acme", "attributes": attributes})
        ledger.apply({"id": "t", "type": "topup", "at": NOON, "account": "acme", "amount": money})


def grants(people: Crowd, url: str, limit: str, each: int, kind: str = "") -> Found:
    """A balance, a day's spending, requests or tokens a minute for exactly half of what is asked."""
    half = each * PROCESSES // 2
    task = Task("charges", kind, url, limit, half if limit in ("rpm", "tpm") else 0, count=each)
    _begin(task, each, half)
    begun = time.monotonic()
    replies = [one for some in people.all(task) for one in some]
    seconds = time.monotonic() - begun - 0.3
    granted = sum(decision == "accepted" for decision, _ in replies)
    refused = sum(decision == "refused" for decision, _ in replies)
    figure = f"{limit}: {granted} of {len(replies)} granted, {half} to be had, {len(replies) / seconds:.0f} a second"
    wrong = []
    if (granted, refused) != (half, len(replies) - half):
        wrong.append(f"granted {granted}, refused {refused}, there were {half} for {len(replies)}")
    return Found(figure, wrong + _books(task, granted))


def same(people: Crowd, url: str, each: int, kind: str = "") -> Found:
    """One request, sent by all again and again: one charge, and one reply."""
    task = Task("identical", kind, url, "balance", count=each)
    _begin(task, each, 0)
    replies = [one for some in people.all(task) for one in some]
    different = len(set(replies))
    wrong = [] if different == 1 and replies[0][0] == "accepted" else [f"{different} different replies: {set(replies)}"]
    wrong += _books(task, 1)
    return Found(f"identical: {len(replies)} requests, 1 charge, {different} reply", wrong)


def code(people: Crowd, url: str, each: int, kind: str = "") -> Found:
    """A code that can be redeemed once."""
    task = Task("codes", kind, url, "balance", count=each)
    _begin(task, each, 0)
    replies = [one for some in people.all(task) for one in some]
    granted = sum(decision == "accepted" for decision, _ in replies)
    wrong = [] if granted == 1 else [f"redeemed {granted} times"]
    with pricelang.Ledger.open(url, rules.bank(task.limit)) as ledger:
        if ledger.balance("acme") != each * PROCESSES * 2 + 10:
            wrong.append(f"the balance is {ledger.balance('acme')}")
        wrong += replayed(ledger, rules.bank(task.limit))
    return Found(f"code: redeemed {granted} time in {len(replies)} tries", wrong)


def refill(people: Crowd, url: str, each: int, kind: str = "") -> Found:
    """Refills under load: each order made once, each paid once, whoever sends the payment."""
    task = Task("refills", kind, url, "refill", count=each)
    _begin(task, each, 0)
    people.all(task)
    given = rules.bank("refill")
    wrong = []
    with pricelang.Ledger.open(url, given) as ledger:
        ordered: list[str] = []
        paid: list[str] = []
        spent = money = Fraction(0)
        open_now = 0
        for entry in ledger.history("acme"):
            if entry.outcome["decision"] != "accepted":
                continue
            if entry.event["type"] == "payment":
                paid.append(str(entry.event["order"]))
                open_now -= 1
            now = [one["order"] for one in entry.outcome["notices"] if one["kind"] == "refill"]  # type: ignore[attr-defined]
            ordered += now
            open_now += len(now)
            if open_now not in (0, 1):
                wrong.append(f"{open_now} orders are open after {entry.id}")
            for one in entry.outcome["postings"]:  # type: ignore[attr-defined]
                amount = Fraction(one["amount"])
                money += amount if one["from"] == "payments" else 0
                spent += amount if one["to"] == "revenue/chat" else 0
        if len(set(ordered)) < len(ordered) or len(set(paid)) < len(paid) or not set(paid) <= set(ordered):
            wrong.append(f"orders {ordered}, paid {paid}")
        if len(ordered) < 2:
            wrong.append("nothing was ordered")
        if Fraction(ledger.balance("acme")) != money - spent:
            wrong.append(f"paid in {money}, spent {spent}, and there are {ledger.balance('acme')}")
        wrong += replayed(ledger, given)
    return Found(f"refill: {len(ordered)} orders, {len(paid)} paid, each once", wrong)


def _books(task: Task, granted: int) -> list[str]:
    """The journal and the balance after charges of a dollar each."""
    wrong = []
    given = rules.bank(task.limit, task.size)
    with pricelang.Ledger.open(task.url, given) as ledger:
        entries = ledger.history("acme")
        charged = [one for one in entries if one.event["type"] == "chat" and one.outcome["decision"] == "accepted"]
        money = next(Fraction(str(one.event["amount"])) for one in entries if one.event["type"] == "topup")
        if len(charged) != granted:
            wrong.append(f"{len(charged)} charges in the journal, {granted} were granted")
        if Fraction(ledger.balance("acme")) != money - len(charged):
            wrong.append(f"the balance is {ledger.balance('acme')}, of {money} with {len(charged)} charges")
        wrong += replayed(ledger, given)
    return wrong


# --- everybody gets a turn ------------------------------------------------------------------------------------------


def fairness(people: Crowd, url: str, seconds: float) -> tuple[str, float, float]:
    """How much of its fair share the slowest gets, and the worst wait in seconds."""
    task = Task("race", "", url, "balance", seconds=seconds)
    with pricelang.Ledger.open(url, rules.bank()) as ledger:
        ledger.apply({"id": "s", "type": "signup", "at": NOON, "account": "acme"})
        ledger.apply({"id": "t", "type": "topup", "at": NOON, "account": "acme", "amount": 10**9})
    found = people.all(task)
    done = [count for count, _ in found]
    share = min(done) / (sum(done) / len(done)) if sum(done) else 0.0
    worst = max(wait for _, wait in found)
    figure = (
        f"{sum(done) / seconds:.0f} a second by {len(done)}, slowest {share:.0%} of its share, worst wait {worst:.3f} s"
    )
    return figure, share, worst


# --- killed at any moment -------------------------------------------------------------------------------------------


def kills(
    url: str, count: int, seed: int, kind: str = "", people: int = 2, fresh: Callable[[], str] | None = None
) -> Found:
    """Kills processes at random moments; nothing acknowledged is lost, and nothing is half done.

    `fresh` gives the address of a new ledger, for every ten kills.
    """
    random = Random(seed)
    given = rules.bank()
    acknowledged: set[str] = set()
    wrong: list[str] = []
    kept = killed = 0  # charges acknowledged, processes killed
    made = Crowd(0)
    while killed < count and not wrong:
        if killed % (10 * people) == 0:
            url = fresh() if fresh is not None and killed else url
            acknowledged = set()
            with opened(kind, url, given) as ledger:
                ledger.apply({"id": "s", "type": "signup", "at": NOON, "account": "acme"})
                ledger.apply({"id": "t", "type": "topup", "at": NOON, "account": "acme", "amount": 30})
        before = len(acknowledged)
        members = [made.member() for _ in range(people)]
        for _, pipe in members:
            pipe.send(Task("pound", kind, url, "balance", number=killed))
            killed += 1
        for process, pipe in members:
            acknowledged.add(pipe.recv_bytes().decode())
            time.sleep(random.random() * 0.03)
            process.kill()  # type: ignore[attr-defined]
        for process, pipe in members:
            process.join()
            try:
                while True:
                    acknowledged.add(pipe.recv_bytes().decode())
            except (EOFError, OSError):
                pipe.close()
        wrong = _after(url, acknowledged, given)
        kept += len(acknowledged) - before
    return Found(f"{killed} kills, {kept} events acknowledged: {len(wrong)} wrong", wrong)


def _after(url: str, acknowledged: set[str], given: pricelang.Ruleset) -> list[str]:
    """What is wrong with a ledger whose writers were killed."""
    wrong = []
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        (said,) = connection.execute("PRAGMA integrity_check").fetchone()
        connection.close()
        if said != "ok":
            wrong.append(said)
    with pricelang.Ledger.open(url, given) as ledger:
        entries = ledger.history()
        journal = {f"{one.id} {one.outcome['decision']}" for one in entries}
        lost = {one for one in acknowledged if not one.endswith("rejected")} - journal
        if lost:
            wrong.append(f"acknowledged and lost: {sorted(lost)[:5]}")
        money = spent = Fraction(0)
        for entry in entries:
            amounts = [(one["from"], one["to"], Fraction(one["amount"])) for one in entry.outcome["postings"]]  # type: ignore[attr-defined]
            mine = sum((amount for _, to, amount in amounts if to == "revenue/chat"), Fraction(0))
            spent += mine
            money += sum((amount for source, _, amount in amounts if source == "payments"), Fraction(0))
            if mine != Fraction(str(entry.outcome["amount"])):
                wrong.append(f"{entry.id} is half done: {mine} posted of {entry.outcome['amount']}")
        if Fraction(ledger.balance("acme")) != money - spent:
            wrong.append(f"the balance is {ledger.balance('acme')}; by the journal it is {money - spent}")
        wrong += replayed(ledger, given)
    return wrong


if __name__ == "__main__":
    sys.exit("this is run by tests/ledger/run.py and the tests")

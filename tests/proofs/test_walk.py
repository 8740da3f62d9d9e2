"""A walk against the record engine: every record lies on one way, and what is left there charges what the engine does."""

from __future__ import annotations

from random import Random

import pytest

import pricelang
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import RecordError
from pricelang.engine.record import Engine
from pricelang.proofs.walk import Refused
from pricelang.proofs.walk import Walker
from proofs.points import left
from proofs.points import point
from reference.generate import Generator
from reference.generate import text
from reference.write import write

CHUNK = 100


def differences(seed: int) -> tuple[int, list[str]]:
    """Records that were compared, and where a walk and the engine differ."""
    case = Generator(seed).case()
    written = write(case.rules, Random(seed))
    try:
        rules = pricelang.load_text(written.text, name="x.price", files=written.files)
    except pricelang.RulesetError:
        return 0, []
    program = rules.program
    engine, intake = Engine(program), Intake(program)
    found: list[str] = []
    tried = 0
    for raw in case.records:
        signup = case.signups.get(raw["account"])
        account = rules._account(raw["account"], case.accounts[raw["account"]], text(signup) if signup else None)
        try:
            record = intake.read(raw)
        except RecordError:
            continue
        usage = program.usages[record.type]
        if usage.is_resource:
            continue  # it runs over many instants, and a box has one
        try:
            expected: object = engine.rate(record, account, Counts())
        except RecordError as error:
            expected = error
        tried += 1
        walker = Walker(program, usage)
        worlds = list(walker.worlds(point(walker, record, account)))
        if not isinstance(expected, RecordError):
            if len(worlds) != 1:
                found.append(f"seed {seed}, {raw}: {len(worlds)} ways")
                continue
            rest = left(program, worlds[0])
            if isinstance(rest, Refused):
                # a line that is refused for more than nothing, and is nothing here
                continue
            got = Engine(rest).rate(record, account, Counts())
            if (got.amount, got.exact) != (expected.amount, expected.exact):
                found.append(f"seed {seed}, {raw}: {got.amount} is not {expected.amount}")
        elif len(worlds) == 1 and expected.code not in ("too-many-instants", "not-a-number", "missing-attribute"):
            rest = left(program, worlds[0])
            if not isinstance(rest, Refused):
                try:
                    Engine(rest).rate(record, account, Counts())
                    found.append(f"seed {seed}, {raw}: is refused with {expected.code}, {expected.message}")
                except RecordError:
                    pass
    return tried, found


@pytest.mark.parametrize("first", range(0, 600, CHUNK))
def test_what_is_left_of_a_price_charges_the_same(first: int) -> None:
    tried, found = 0, []
    for seed in range(first, first + CHUNK):
        number, wrong = differences(seed)
        tried += number
        found += wrong
    assert not found, "\n".join(found[:3])
    assert tried > CHUNK

"""A box with one record in it, and a program with what a walk left of a price in its place."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pricelang.core.program import Price
from pricelang.core.program import Program
from pricelang.engine.account import Account
from pricelang.engine.intake import Record
from pricelang.proofs.box import AT
from pricelang.proofs.box import SIGNUP
from pricelang.proofs.box import Box
from pricelang.proofs.box import Known
from pricelang.proofs.rows import Refused
from pricelang.proofs.spans import Moment
from pricelang.proofs.spans import Span
from pricelang.proofs.spans import Words
from pricelang.proofs.walk import Walker
from pricelang.proofs.walk import World


def point(walker: Walker, record: Record, account: Account) -> Box:
    """The box of this record alone."""
    known: dict[str, Known] = {AT: Moment(record.at, record.at + Fraction(1, 10**9))}
    values = {name: record.values.get(name) for name in record.values}
    values |= {f"account.{name}": value for name, value in attributes(walker, account).items()}
    for name, value in values.items():
        if value is None:
            known[f"{name}?"] = False
            continue
        known[f"{name}?"] = True
        known[name] = Span(value, True, value, True) if isinstance(value, Fraction) else Words(frozenset((value,)))
    if account.signup is not None:
        known[SIGNUP] = Moment(account.signup, account.signup + Fraction(1, 10**9))
    else:
        known[SIGNUP] = Moment(None, -(Fraction(10) ** 15))
    return Box(known)


def attributes(walker: Walker, account: Account) -> dict[str, object]:
    """What is known of the account, defaults included."""
    return {**{one.name: one.default for one in walker.program.account}, **account.values}


def left(program: Program, world: World) -> Program | Refused:
    """The program with what is left of a price in place of all prices of the usage."""
    for one in (*world.lines, world.together):
        if isinstance(one, Refused):
            return one
    price = Price(world.price.usage, None, world.lines, world.together, world.price.place)
    others = tuple(one for one in program.prices if one.usage != price.usage)
    return replace(program, prices=(*others, price))

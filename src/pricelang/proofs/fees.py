"""What accounts owe without use has a price for every account, and goes on having one."""

from __future__ import annotations

from pricelang.core.policy import Fee
from pricelang.core.program import UsageType
from pricelang.diagnostics import codes
from pricelang.period import instant_text
from pricelang.proofs.box import AT
from pricelang.proofs.box import room_of
from pricelang.proofs.rows import Refused
from pricelang.proofs.spans import Moment
from pricelang.proofs.spans import Words
from pricelang.proofs.study import PROVED
from pricelang.proofs.study import REFUTED
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.unpriced import end_of
from pricelang.proofs.walk import TooMany
from pricelang.proofs.walk import Walker
from pricelang.source import Place

NO_USAGE = UsageType("account", "", False, (), (), (), Place("", 1))


def prove_fees(study: Study) -> None:
    """Finds accounts whose fee has no figure, and fees that end without a word."""
    if not study.program.policy.fees:
        return
    before = len(study.findings.listed)
    for fee in study.program.policy.fees:
        try:
            _fee(study, fee)
        except TooMany:
            study.undecided(fee.place, f"`{fee.label}` has a figure for every account", "it turns on too much")
    found = study.findings.listed[before:]
    said = "; ".join(one.message for one in found) or "each fee has a figure for every account, at every date"
    study.claims.append(Claim("fees", study.program.name, REFUTED if found else PROVED, said, tuple(found)))


def _fee(study: Study, fee: Fee) -> None:
    walker = Walker(study.program, NO_USAGE, room_of(study.program, NO_USAGE))
    for box, met in walker.test(fee.when, walker.room.start()):
        for inner, of in walker.expr(fee.of, box, fee.place) if met else ():
            if not isinstance(of, Refused):
                continue
            who = ", ".join(
                f"{name.removeprefix('account.')} {known.some()}"
                for name, known in inner.known.items()
                if isinstance(known, Words) and name.startswith("account.")
            )
            at = inner.known.get(AT)
            if of.code in ("not-offered", "share-of-dash"):
                what = f"an account with {who}" if who else "an account"
                study.add(codes.UNPRICED, of.place, what=what, why=f"its fee `{fee.label}` is not offered")
            elif (
                of.code == "no-price-in-force"
                and isinstance(at, Moment)
                and at.start is not None
                and of.row is not None
            ):
                table = study.program.tables[of.table]
                row = table.rows[of.row].shown
                day = instant_text(at.start).removesuffix("T00:00:00Z")
                place = end_of(table, of, at.start)
                study.add(codes.PRICE_ENDS, place, column=of.column, row=row or of.table, day=day)

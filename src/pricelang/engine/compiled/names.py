"""What generated code calls by name, beside what each function is bound to."""

from __future__ import annotations

from fractions import Fraction

from pricelang.engine.charge import Charge
from pricelang.engine.charge import ChargeLine
from pricelang.engine.compiled import tables
from pricelang.engine.compiled.scales import exact
from pricelang.engine.compiled.scales import fraction
from pricelang.engine.compiled.scales import scaled
from pricelang.engine.lookup import like
from pricelang.number import round_to
from pricelang.period import in_window

NAMES: dict[str, object] = {
    "Charge": Charge,
    "ChargeLine": ChargeLine,
    "Fraction": Fraction,
    "exact": exact,
    "fraction": fraction,
    "in_window": in_window,
    "like": like,
    "round_to": round_to,
    "scaled": scaled,
    "ONE": Fraction(1),
    "ZERO": Fraction(0),
    "OWN": tables.OWN,
    "NO_LIMIT": tables.NO_LIMIT,
}

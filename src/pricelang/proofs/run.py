"""START HERE: the proofs that `check` runs, each a function in a file of its own, over one study of the program."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pricelang.core.reading import Reading
from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Finding
from pricelang.diagnostics.finding import Findings
from pricelang.proofs.charged import prove_charged
from pricelang.proofs.cliffs import prove_no_cliffs
from pricelang.proofs.fees import prove_fees
from pricelang.proofs.idle import prove_matters
from pricelang.proofs.limits import prove_limits
from pricelang.proofs.plans import prove_plans
from pricelang.proofs.reach import prove_reached
from pricelang.proofs.rounding import prove_rounding
from pricelang.proofs.study import Claim
from pricelang.proofs.study import Study
from pricelang.proofs.times import find_expiring
from pricelang.proofs.times import prove_offers
from pricelang.proofs.topups import prove_topups
from pricelang.proofs.unpriced import prove_priced

LATER = (codes.EXPIRES.slug, codes.UNDECIDED.slug)
"""What depends on the day, or on how much can be told: a waiver of it may stand without need."""
PROOFS = (
    prove_priced,
    prove_charged,
    prove_no_cliffs,
    prove_offers,
    prove_reached,
    prove_matters,
    prove_fees,
    prove_limits,
    prove_topups,
    prove_plans,
    prove_rounding,
)


def proofs_of(reading: Reading) -> list[Finding]:
    """What proofs find in a rule file that was read, without what its waivers allow."""
    assert reading.program is not None
    findings = Findings(waivers=list(reading.waivers))
    known = frozenset((one.place.path, one.place.line) for one in reading.findings)
    study = Study(reading.program, findings, known, _bases(reading))
    for prove in PROOFS:
        prove(study)
    for index, waiver in enumerate(findings.waivers):
        if index not in findings.waivers_used and not waiver.used and waiver.slug not in LATER:
            findings.add(codes.UNUSED_WAIVER, waiver.place, slug=waiver.slug)
    for number, one in enumerate(reading.findings):
        record = study.shown.get((one.place.path, one.place.line))
        if record and not one.record:
            reading.findings[number] = replace(one, record=record)
    return list(findings)


def _bases(reading: Reading) -> frozenset[str]:
    """The rule files among what was read, without the first, which is the one that is proved."""
    return frozenset(path for path in list(reading.sources)[1:] if path.endswith(".price"))


def claims_of(reading: Reading) -> list[Claim]:
    """Everything that is proved of a rule file, refuted or not decided; what waivers allow is not told, but counted."""
    assert reading.program is not None
    findings = Findings(waivers=list(reading.waivers))
    study = Study(reading.program, findings, bases=_bases(reading))
    claims: list[Claim] = []
    for prove in PROOFS:
        before = set(findings.waivers_used)
        prove(study)
        allowed = sorted({findings.waivers[index].slug for index in findings.waivers_used - before})
        for claim in study.claims[len(claims) :]:
            said = f"{claim.said} (but for what `allow {', '.join(allowed)}` lets pass)" if allowed else claim.said
            claims.append(replace(claim, said=said))
        study.claims = list(claims)
    return claims


def expiring(reading: Reading, now: Fraction, until: Fraction) -> list[Finding]:
    """What ends between two instants."""
    assert reading.program is not None
    findings = Findings(waivers=list(reading.waivers))
    find_expiring(Study(reading.program, findings), now, until)
    return list(findings)

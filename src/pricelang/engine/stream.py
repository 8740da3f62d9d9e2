"""A stream of records: each charged, rejected or a duplicate; what counts over a period counted in order of time."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from pricelang.core import ops
from pricelang.core.program import Program
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.counts import Counts
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import Seen
from pricelang.engine.intake import record_id
from pricelang.engine.record import Engine
from pricelang.plain import dataclass

Item = Mapping[str, object] | RecordError
Rate = Callable[[Record, Account, Counts], Charge]


def counts_over_time(program: Program) -> bool:
    """Whether anything in a program depends on the records before: then order matters, and records are sorted."""
    steps = [step for price in program.prices for line in price.lines for step in line.steps]
    steps += [step for price in program.prices for step in price.together]
    return any(isinstance(step, ops.Beyond) or getattr(step, "each", None) is not None for step in steps)


@dataclass(slots=True)
class _Waiting:
    index: int
    record: Record
    line: int | None


def rate_stream(
    engine: Engine,
    rate: Rate,
    intake: Intake,
    records: Iterable[tuple[int | None, Item]],
    account_of: Callable[[str], Account],
) -> Iterator[Charge | Rejection]:
    """Charges and rejections in the order of the records; what periods' ends charge comes after the last.

    Where something counts over a period, all records are read first and charged in order of `at`, then `id` (R2).
    """
    counts = Counts()
    seen = Seen()
    in_order = not counts_over_time(engine.program)
    waiting: list[_Waiting] = []
    results: list[Charge | Rejection | None] = []

    def charged(record: Record, line: int | None) -> Charge | Rejection:
        """The record's charge; only a record that is charged uses up its id."""
        try:
            if seen.look(record) == "duplicate":
                message = f"the record `{record.id}` is there already, alike"
                return Rejection(record.id, "duplicate", "id", message, line)
            charge = rate(record, account_of(record.account), counts)
        except RecordError as error:
            return Rejection(record.id, error.code, error.field, error.message, line)
        seen.keep(record)
        return charge

    for line, raw in records:
        try:
            if isinstance(raw, RecordError):
                raise raw
            record = intake.read(raw)
        except RecordError as error:
            name = raw.id if isinstance(raw, RecordError) else record_id(raw)
            rejection = Rejection(name, error.code, error.field, error.message, line)
            if in_order:
                yield rejection
            else:
                results.append(rejection)
            continue
        if in_order:
            yield charged(record, line)
        else:
            waiting.append(_Waiting(len(results), record, line))
            results.append(None)
    waiting.sort(key=lambda one: (one.record.at, one.record.id))
    for one in waiting:
        results[one.index] = charged(one.record, one.line)
    for result in results:
        assert result is not None
        yield result
    yield from true_ups(engine, counts, account_of)


def true_ups(engine: Engine, counts: Counts, account_of: Callable[[str], Account]) -> Iterator[Charge | Rejection]:
    """What the ends of all periods that were counted charge, in order of account, period and line."""
    for minimum in sorted(counts.minimums.values(), key=lambda one: (one.account, one.start, one.line.place.line)):
        try:
            charge = engine.true_up(minimum, account_of(minimum.account), counts)
        except RecordError as error:
            name = engine.true_up_id(minimum)
            yield Rejection(name, error.code, error.field, error.message)
            continue
        if charge is not None:
            yield charge


def no_signup(name: str) -> Account:
    """An account of which nothing is known."""
    return Account(name)


def numbered(records: Iterable[Mapping[str, object]]) -> Iterator[tuple[int | None, Item]]:
    """Records of a program, which stand in no file."""
    for record in records:
        yield None, record

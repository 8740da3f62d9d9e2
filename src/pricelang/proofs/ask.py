"""Questions the other way round: how much for an amount, when a limit comes, which plan is cheapest from where on.

A question is read by its words. What it names – a usage, a model, a plan, a date – cuts the records it is about; the
answer is searched by charging records with the record engine, and says what it took for granted.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from collections.abc import Iterator
from datetime import UTC
from datetime import date
from datetime import datetime
from fractions import Fraction

from pricelang.core import ops
from pricelang.core.policy import Limit
from pricelang.core.policy import Quantity
from pricelang.core.policy import Running
from pricelang.core.policy import Spend
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.program import UsageType
from pricelang.diagnostics.shown import amount
from pricelang.diagnostics.shown import counted
from pricelang.diagnostics.shown import quantity
from pricelang.engine.charge import Charge
from pricelang.engine.counts import Counts
from pricelang.engine.intake import RecordError
from pricelang.plain import dataclass
from pricelang.proofs.box import AT
from pricelang.proofs.box import Box
from pricelang.proofs.box import Room
from pricelang.proofs.box import room_of
from pricelang.proofs.forms import edges
from pricelang.proofs.forms import form_of
from pricelang.proofs.linear import linear
from pricelang.proofs.rows import Refused
from pricelang.proofs.rows import named_words
from pricelang.proofs.same import nodes_in
from pricelang.proofs.sample import Bench
from pricelang.proofs.sample import Sample
from pricelang.proofs.sample import sample_of
from pricelang.proofs.spans import Moment
from pricelang.proofs.spans import Words
from pricelang.proofs.walk import TooMany
from pricelang.proofs.walk import Walker
from pricelang.proofs.where import NotUnderstood
from pricelang.proofs.where import instant
from pricelang.proofs.where import number_of

ZERO = Fraction(0)
ONE = Fraction(1)
MOST = Fraction(10) ** 15
MOST_COUNTED = 20_000
"""Records of a period that are counted one by one."""
CAN = """what can be asked:
  how many FIELD for AMOUNT [on MODEL] [with FIELD NUMBER] [at DATE]   how many output_tokens for $100 on large-1
  what do NUMBER FIELD cost [on MODEL] [at DATE]                       what do 1M input_tokens cost on large-1
  when does 402 come [on PLAN] [for USAGE]                             when does 429 come on Developer
  which plan is cheapest from how many FIELD [on MODEL] [at DATE]      which plan is cheapest from how many requests"""

_HOW_MANY = re.compile(
    r"how (?:many|much) (?P<field>[\w.]+)(?: .*?)? for (?P<amount>\S*\d\S*(?: [A-Z]{3})?)\s*(?P<rest>.*)", re.I
)
_COST = re.compile(
    r"(?:what|how much) (?:do|does|is|are|for) (?P<number>[\d.,]+\s?[KMB]?) (?P<field>[\w.]+)(?: cost)?\s*(?P<rest>.*)",
    re.I,
)
_WHEN = re.compile(r"when (?:does|do|will|is)(?: an?)? (?P<status>402|429|\w+)(?: come| reached)?\s*(?P<rest>.*)", re.I)
_WHICH = re.compile(
    r"which (?P<plan>\w+) is (?:the )?cheapest(?: from how many (?P<field>[\w.]+))?\s*(?P<rest>.*)", re.I
)
_LITTLE = {
    "on",
    "for",
    "with",
    "at",
    "and",
    "of",
    "in",
    "a",
    "an",
    "the",
    "by",
    "when",
    "is",
    "using",
    "model",
    "plan",
    "each",
    "month",
    "come",
    "cost",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in words, as data, and what was taken for granted."""

    said: tuple[str, ...]
    data: dict[str, object]
    record: Sample | None = None


def ask(program: Program, question: str) -> Reply:
    """The answer to a question in words. Raises NotUnderstood, whose message says what can be asked."""
    text = " ".join(question.strip().rstrip("?").split())
    for pattern, answer in ((_WHICH, _which), (_HOW_MANY, _how_many), (_COST, _cost), (_WHEN, _when)):
        asked = pattern.fullmatch(text)
        if asked is not None:
            return answer(program, asked)
    raise NotUnderstood(f"`{text}` is not understood; {CAN}")


# --- what a question is about ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _About:
    """A usage, the box of its records that a question names, quantities that it fixes, and what it leaves open."""

    room: Room
    box: Box
    fixed: dict[str, Fraction]
    assumed: list[str]
    free: list[str]


def _about(program: Program, usage: UsageType, rest: str, but: str = "") -> _About:
    """Reads `on large-1 with input_tokens 1,000 at 2026-03-01`. Raises NotUnderstood for a word that is nothing."""
    room = room_of(program, usage)
    box = room.start()
    fixed: dict[str, Fraction] = {}
    words = re.findall(r"\"[^\"]*\"|`[^`]*`|\S+", rest)
    words = [word.strip('`",') for word in words if word.strip('`",')]
    names = {**{one.name: one for one in usage.inputs}, **{f"account.{one.name}": one for one in program.account}}
    known = {name: set(found) for name, found in named_words(program, usage).items()}
    position = 0
    dated = False
    while position < len(words):
        word = words[position]
        position += 1
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\S+)?", word):
            at = instant(word)
            box, dated = box.with_(AT, Moment(at, at + 1)), True
            continue
        short = word if word in names else f"account.{word}" if f"account.{word}" in names else ""
        if short and position < len(words):
            one, value = names[short], words[position]
            if one.type.kind == "number":
                number = number_of(value)
                if number is None:
                    raise NotUnderstood(f"`{word}` wants a number, not `{value}`")
                fixed[short] = number * one.type.factor
                position += 1
                continue
            if value.lower() not in _LITTLE or value in known.get(short, ()):
                box = box.with_(short, _words(one, short, value, known))
                position += 1
                continue
        is_value = position > 1 and words[position - 2] in ("on", "for") and _owner(word, names, known) is not None
        if not is_value and (word.lower() in _LITTLE or word == usage.name):
            continue
        several = " ".join(words[position - 1 :])
        named = next((n for n in _longest(several) if _owner(n, names, known)), None)
        if named is None:
            raise NotUnderstood(f"`{word}` is no field, value or date of `{usage.name}`; {CAN}")
        owner = _owner(named, names, known)
        assert owner is not None
        kind = names[owner].type.kind
        value_: str | bool = named
        box = box.with_(owner, Words(frozenset((value_,)))) if kind != "number" else box
        position += len(named.split()) - 1
    assumed = []
    if not dated:
        day = datetime.now(UTC).date()
        noon = Fraction((day - date(1970, 1, 1)).days * 86_400 + 43_200)
        box, assumed = box.with_(AT, Moment(noon, noon + 1)), [f"at {day}, 12:00 UTC"]
    free = [
        name.removeprefix("account.")
        for name, one in names.items()
        if one.type.kind in ("text", "choice") and name in known and name not in box.known and name != but
    ]
    return _About(room, box, fixed, assumed, free)


def _longest(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[:count]) for count in range(len(words), 0, -1)]


def _owner(word: str, names: dict[str, Input], known: dict[str, set[str]]) -> str | None:
    """The field that has a value."""
    for name, found in known.items():
        if word in found and name in names:
            return name
    return next((name for name, one in names.items() if word in one.type.choices), None)


def _words(one: Input, name: str, value: str, known: dict[str, set[str]]) -> Words:
    if one.type.kind == "truth":
        return Words(frozenset((value in ("yes", "true"),)))
    if one.type.kind == "choice" and value not in one.type.choices:
        raise NotUnderstood(f"`{value}` is not one of the values of `{name}`: {', '.join(one.type.choices[:12])}")
    if name in known and known[name] and value not in known[name] and one.type.kind == "text":
        raise NotUnderstood(f"no rule names the {name} `{value}`; some that are: {', '.join(sorted(known[name])[:8])}")
    return Words(frozenset((value,)))


def _usage(program: Program, field: str, rest: str) -> UsageType:
    """The usage that has a field, and that the rest of the question fits."""
    having = [one for one in program.usages.values() if _has(one, field)]
    named = [one for one in having if re.search(rf"\b{re.escape(one.name)}\b", rest)]
    if not having:
        known = sorted(
            {each.name for one in program.usages.values() for each in one.inputs if each.type.kind == "number"}
        )
        raise NotUnderstood(f"no usage has a quantity `{field}`; there are: {', '.join(known)}")
    problems = []
    for one in named or having:
        try:
            _about(program, one, rest)
            return one
        except NotUnderstood as error:
            problems.append(error)
    raise problems[0]


def _has(usage: UsageType, field: str) -> bool:
    return any(one.name == field and one.type.kind == "number" for one in usage.inputs) or (
        field in ("requests", usage.name) and not usage.is_resource
    )


def _field(usage: UsageType, field: str) -> tuple[str, str, Fraction, Fraction]:
    """Its name, unit, base units in one, and the step in which it is counted."""
    for one in usage.inputs:
        if one.name == field:
            step = one.type.factor if one.type.whole else one.type.factor / 100
            return one.name, one.type.unit, one.type.factor, step
    return "requests", "request", ONE, ONE


# --- how many for an amount -----------------------------------------------------------------------------------------


def _ways(about: _About, program: Program) -> tuple[str, list[tuple[str, Box]]]:
    """The boxes to answer for: one, or one for each value of what a question left open."""
    if not about.free:
        return "", [("", about.box)]
    name = about.free[0]
    full = name if name in about.room.inputs else f"account.{name}"
    known = about.room.of(about.box, full)
    words = named_words(program, about.room.usage).get(full, ())
    if isinstance(known, Words) and known.allowed is not None:
        words = tuple(sorted(str(word) for word in known.allowed))
    one = about.room.inputs.get(full)
    if one is not None and one.default is not None:
        return "", [("", about.box)]
    return name, [(word, about.box.with_(full, Words(frozenset((word,))))) for word in words]


def _cost_of(
    bench: Bench, about: _About, box: Box, name: str, custom: set[str]
) -> Callable[[Fraction], Fraction | None]:
    together: list[Fraction] = [ZERO]
    counts = Counts()

    def of_many(number: int, sample: Sample) -> Fraction | None:
        """So many equal records of one period, one after another."""
        if number > MOST_COUNTED:
            raise NotUnderstood(
                f"what one more costs turns on how many came before, and more than {MOST_COUNTED:,} are not counted"
            )
        while len(together) <= number:
            try:
                charge = bench.engine.rate(bench.intake.read(sample.raw), sample.account, counts)
            except RecordError:
                return None
            together.append(together[-1] + charge.exact_amount)
        return together[number]

    def cost(value: Fraction) -> Fraction | None:
        if name == "requests" and _is_counted(bench.program, about.room.usage):
            sample = sample_of(about.room, box, custom, (), about.fixed)
            return of_many(int(value), sample) if sample is not None else None
        if name == "requests":
            sample = sample_of(about.room, box, custom, (), about.fixed)
            charge = bench.charge(sample) if sample is not None else None
            return charge.exact_amount * value if isinstance(charge, Charge) else None
        sample = sample_of(about.room, box, custom, (), {**about.fixed, name: value})
        charge = bench.charge(sample) if sample is not None else None
        return charge.exact_amount if isinstance(charge, Charge) else None

    return cost


def _is_counted(program: Program, usage: UsageType) -> bool:
    """Whether what a record costs turns on those before it."""
    prices = tuple(one for one in program.prices if one.usage == usage.name)
    return any(isinstance(one, ops.Beyond | ops.Period) for one in nodes_in(prices))


def _custom(program: Program, usage: UsageType) -> set[str]:
    walker = Walker(program, usage)
    try:
        for _ in walker.worlds(walker.room.start()):
            pass
    except TooMany:
        pass
    return walker.custom


def _how_many(program: Program, asked: re.Match[str]) -> Reply:
    money = asked["amount"].replace(program.currency, "").strip()
    budget = number_of(money, program.currency)
    if budget is None or budget < 0:
        raise NotUnderstood(f"`{asked['amount']}` is no amount; {CAN}")
    usage = _usage(program, asked["field"], asked["rest"])
    name, unit, factor, step = _field(usage, asked["field"])
    about = _about(program, usage, asked["rest"])
    bench, custom = Bench(program), _custom(program, usage)
    said, rows = [], []
    of, ways = _ways(about, program)
    for label, box in ways:
        cost = _cost_of(bench, about, box, name, custom)
        most = _most(cost, budget, step)
        head = f"{label}: " if label else ""
        row: dict[str, object] = {of: label} if label else {}
        if most is None:
            said.append(f"{head}refused, or no price")
            row["quantity"] = None
        elif most >= MOST:
            said.append(f"{head}any number: {asked['field']} cost nothing there")
            row["quantity"] = "unlimited"
        else:
            paid, more = cost(most), cost(most + step)
            beyond = f"; one step more costs {amount(more, program.currency)}" if more is not None else ""
            said.append(f"{head}{quantity(most, unit, factor)}, for {amount(paid or ZERO, program.currency)}{beyond}")
            row |= {"quantity": str(most / factor), "amount": str(paid or ZERO)}
        rows.append(row)
    notes = [*about.assumed, *_others(usage, name, about)]
    kind = "equal records of one period" if name == "requests" else "one record, all counts at zero"
    return Reply((*said, f"taken for granted: {', '.join([*notes, kind])}"), {"answers": rows})


def _others(usage: UsageType, name: str, about: _About) -> Iterator[str]:
    """What the other quantities of a record are: as many where the asked one is a part of them, else none."""
    for each in usage.inputs:
        if _is_idle(each, name, about):
            is_whole = any(whole.of == each.name and name in whole.parts for whole in usage.wholes)
            yield f"{each.name} as many" if is_whole else f"{each.name} 0"


def _is_idle(one: Input, name: str, about: _About) -> bool:
    return (
        one.type.kind == "number"
        and one.name not in (name, "requests")
        and one.name not in about.fixed
        and not one.optional
    )


def _most(cost: Callable[[Fraction], Fraction | None], budget: Fraction, step: Fraction) -> Fraction | None:
    """The largest quantity that costs no more than a budget; None where even the least is refused."""
    first = cost(step)
    if first is None:
        return None
    if first > budget:
        return ZERO
    low, count = step, ONE
    while low + count * step < MOST:
        high = low + count * step
        found = cost(high)
        if found is None or found > budget:
            break
        low, count = high, count * 2
    else:
        return MOST
    high = low + count * step
    while high - low > step:
        middle = low + (high - low) // step // 2 * step
        found = cost(middle)
        if found is not None and found <= budget:
            low = middle
        else:
            high = middle
    return low


def _cost(program: Program, asked: re.Match[str]) -> Reply:
    usage = _usage(program, asked["field"], asked["rest"])
    name, unit, factor, _ = _field(usage, asked["field"])
    number = number_of(asked["number"])
    if number is None:
        raise NotUnderstood(f"`{asked['number']}` is no number; {CAN}")
    about = _about(program, usage, asked["rest"])
    bench, custom = Bench(program), _custom(program, usage)
    said, rows = [], []
    of, ways = _ways(about, program)
    for label, box in ways:
        found = _cost_of(bench, about, box, name, custom)(number * factor)
        told = amount(found, program.currency) if found is not None else "refused, or no price"
        said.append(f"{label}: {told}" if label else told)
        row: dict[str, object] = {of: label} if label else {}
        rows.append(row | {"amount": str(found) if found is not None else None})
    head = f"{quantity(number * factor, unit, factor)} cost"
    notes = [*about.assumed, *_others(usage, name, about)]
    kind = "equal records of one period" if name == "requests" else "one record, all counts at zero"
    return Reply(
        (head, *said, f"taken for granted: {', '.join([*notes, kind])}"),
        {"answers": rows},
    )


# --- when a limit comes ---------------------------------------------------------------------------------------------


def _when(program: Program, asked: re.Match[str]) -> Reply:
    status = asked["status"]
    limits = program.policy.limits
    if status in ("402", "429"):
        limits = tuple(one for one in limits if any(str(each.status) == status for each in one.refusals))
    else:
        limits = tuple(one for one in limits if one.name == status)
        if not limits:
            known = ", ".join(one.name for one in program.policy.limits) or "none"
            raise NotUnderstood(f"`{status}` is no limit of these rules; there are: {known}")
    if not limits:
        return Reply((f"never: no limit refuses with {status}",), {"limits": []})
    rest = asked["rest"]
    named = [name for name in program.usages if re.search(rf"\bfor {re.escape(name)}\b", rest)]
    for name in named:
        rest = re.sub(rf"\bfor {re.escape(name)}\b", " ", rest)
    if named:
        limits = tuple(one for one in limits if set(named) & _refused(program, one, status))
        if not limits:
            return Reply((f"never: no limit refuses {' or '.join(named)} with {status}",), {"limits": []})
    said, rows = [], []
    for limit in limits:
        for label, told in _limit_said(program, limit, rest):
            said.append(f"{limit.name}{f' ({label})' if label else ''}: {told}")
            rows.append({"limit": limit.name, "of": label, "said": told})
    return Reply(tuple(said), {"limits": rows})


def _refused(program: Program, limit: Limit, status: str) -> set[str]:
    """The usages that a limit refuses (with a status, where one is asked for)."""
    told = [one for one in limit.refusals if status not in ("402", "429") or str(one.status) == status]
    return {name for one in told for name in (one.usages or tuple(program.usages))}


def _limit_said(program: Program, limit: Limit, rest: str) -> list[tuple[str, str]]:
    question = limit.question
    names = question.about or tuple(program.usages)
    usage = next((program.usages[name] for name in names if name in program.usages), None)
    if usage is None:
        return []
    try:
        about = _about(program, usage, rest)
    except NotUnderstood:
        if not re.search(rf"\b({'|'.join(map(re.escape, program.usages))})\b", rest) and rest:
            raise
        about = _about(program, usage, "")
    walker = Walker(program, usage)
    box = Box({key: value for key, value in about.box.known.items() if key != AT})
    if question.word == "be":
        wanted = " or ".join("yes" if one is True else "no" if one is False else str(one) for one in question.values)
        return [("", f"while {_measured(program, limit)} is not {wanted}")]
    found: dict[str, str] = {}
    assert question.bound is not None
    for inner, bound in walker.expr(question.bound, box, limit.place):
        label = ", ".join(
            str(known.some())
            for name, known in inner.known.items()
            if isinstance(known, Words) and known.allowed is not None and name not in box.known
        )
        if isinstance(bound, Refused):
            if bound.code == "unlimited":
                found[label] = "never: it is unlimited"
            elif bound.code == "missing-attribute":
                found[label or "without the figure"] = "never: an account that has no such figure has no limit"
            continue
        value = bound.value if isinstance(bound, ops.Const) else None
        own = f"the account's {bound.name}" if isinstance(bound, ops.Attribute) else "what the account has"
        found[label] = _comes(program, limit, value, own)
    return list(found.items())


def _measured(program: Program, limit: Limit) -> str:
    measure = limit.question.measure
    match measure:
        case Spend():
            return "spend"
        case Running(resource=resource, field=field):
            return f"`{field}` of running {resource}" if field else f"running {resource}"
        case Quantity(of=ops.Field(name=name)):
            return name
        case Quantity():
            return "what is counted"
    of = getattr(measure, "of", None)
    return f"account.{of.name}" if isinstance(of, ops.Attribute) else "the balance"


def _comes(program: Program, limit: Limit, value: Fraction | None, own: str) -> str:
    question = limit.question
    money = isinstance(question.measure, Spend) or question.word == "fall"
    if value is None:
        shown = own
    elif money:
        shown = amount(value, program.currency)
    else:
        shown = quantity(value, question.unit, question.factor)
    window = f" in one {question.each.unit}" if question.each is not None else ""
    if question.rolling is not None:
        window = (
            f" in any {counted(question.rolling.of.value)} seconds"
            if isinstance(question.rolling.of, ops.Const)
            else " in its window"
        )
    what = _measured(program, limit)
    if question.word == "fall":
        return f"when no more than {shown} is left"
    if question.word == "reach":
        return f"when {what}{window} has come to {shown}; what reaches it still goes through"
    if isinstance(question.measure, Quantity) and question.unit == "request" and value is not None:
        return f"at request {counted(Fraction(value // 1 + 1))}{window}"
    return f"when {what}{window} would go past {shown}"


# --- which plan -----------------------------------------------------------------------------------------------------


def _which(program: Program, asked: re.Match[str]) -> Reply:
    plan = next((one for one in program.account if one.name == asked["plan"]), None)
    if plan is None or plan.type.kind != "choice":
        known = ", ".join(one.name for one in program.account if one.type.kind == "choice") or "none"
        raise NotUnderstood(f"the account has no `{asked['plan']}` to choose; what it has: {known}")
    field = asked["field"] or "requests"
    usage = _usage(program, field, asked["rest"])
    name, unit, factor, step = _field(usage, field)
    about = _about(program, usage, asked["rest"], but=f"account.{plan.name}")
    bench, custom = Bench(program), _custom(program, usage)
    by_request = name == "requests"
    costs: dict[str, Callable[[Fraction], Fraction | None]] = {}
    marks: set[Fraction] = {ZERO}
    left_out = []
    for choice in plan.type.choices:
        fee = _fee(program, plan.name, choice)
        if fee is None:
            left_out.append(f"{choice} has no fee that can be told")
            continue
        box = about.box.with_(f"account.{plan.name}", Words(frozenset((choice,))))
        inner = _cost_of(bench, about, box, name, custom)
        costs[choice] = lambda value, fee=fee, inner=inner: _added(fee, inner(value) if value else ZERO)  # type: ignore[misc]
        marks |= _edges(program, usage, box, name, step)
    if not costs:
        raise NotUnderstood("no plan has a fee that can be told")
    found = _cheapest(costs, sorted(marks), step)
    said, rows = [], []
    for start, names in found:
        head = "at once" if not start else f"from {quantity(start, unit, factor)} a month"
        which = " and ".join(names)
        total = costs[names[0]](start)
        price = f" ({amount(total, program.currency)})" if total is not None else ""
        said.append(f"{head}: {which or 'none, it is refused there'}{price}")
        rows.append({"from": str(start / factor), "plans": list(names)})
    notes = [*about.assumed, *(f"{word} not named" for word in about.free if word != plan.name)]
    notes.append(
        "each request as small as can be" if by_request and not about.fixed else "all of a month in one record"
    )
    return Reply((*said, *left_out, f"taken for granted: {', '.join(notes)}"), {"plans": rows})


def _added(fee: Fraction, cost: Fraction | None) -> Fraction | None:
    return None if cost is None else fee + cost


def _fee(program: Program, attribute: str, choice: str) -> Fraction | None:
    """What a plan costs a month by itself."""
    none = UsageType("account", "", False, (), (), (), next(iter(program.usages.values())).place)
    walker = Walker(program, none)
    box = walker.room.start().with_(f"account.{attribute}", Words(frozenset((choice,))))
    times = {
        "month": ONE,
        "year": Fraction(1, 12),
        "quarter": Fraction(1, 3),
        "week": Fraction(52, 12),
        "day": Fraction(365, 12),
    }
    total = ZERO
    for fee in program.policy.fees:
        ways = [
            of for inner, met in walker.test(fee.when, box) if met for _, of in walker.expr(fee.of, inner, fee.place)
        ]
        figures = {of.value if isinstance(of, ops.Const) else None for of in ways}
        if len(figures) > 1 or None in figures:
            return None
        unit = program.bill.removesuffix(" from signup") if fee.every.unit == "bill" else fee.every.unit
        for value in figures:
            assert value is not None
            total += value * times.get(unit, ONE)
    return total


def _edges(program: Program, usage: UsageType, box: Box, name: str, step: Fraction) -> set[Fraction]:
    """The quantities at which what a plan costs can bend."""
    walker = Walker(program, usage)
    found: set[Fraction] = set()
    try:
        for world in walker.worlds(box):
            for line in world.lines:
                total = linear(line.of) if not isinstance(line, Refused) else None
                form = form_of(line.steps) if not isinstance(line, Refused) else None
                if total is None or form is None:
                    continue
                factor = dict(total.of).get(name)
                for block in form.blocks if factor else ():
                    found |= {edge / factor // step * step for edge in edges(block) if factor}
    except TooMany:
        pass
    for allowance in program.allowances.values():
        for _, size in walker.expr(allowance.size, box, allowance.place):
            if isinstance(size, ops.Const):
                found.add(size.value // step * step)
    return found


def _cheapest(
    costs: dict[str, Callable[[Fraction], Fraction | None]], marks: list[Fraction], step: Fraction
) -> list[tuple[Fraction, tuple[str, ...]]]:
    """From which quantity on which plans cost least: looked at on both sides of every edge and in ever larger steps,
    and between two that differ searched for the first that does."""
    known: dict[Fraction, tuple[str, ...]] = {}

    def best(value: Fraction) -> tuple[str, ...]:
        if value not in known:
            told = {name: cost(value) for name, cost in costs.items()}
            least = min((one for one in told.values() if one is not None), default=None)
            known[value] = tuple(name for name, one in told.items() if one is not None and one == least)
        return known[value]

    points = {ZERO, *marks, *(mark + step for mark in marks)}
    points |= {step * 2**power for power in range(50) if step * 2**power < MOST}
    ordered = sorted(points)
    found: list[tuple[Fraction, tuple[str, ...]]] = [(ZERO, best(ZERO))]

    def search(low: Fraction, high: Fraction) -> None:
        if best(low) == best(high):
            return
        if high - low <= step:
            found.append((high, best(high)))
            return
        middle = low + (high - low) // step // 2 * step
        search(low, middle)
        search(middle, high)

    for low, high in itertools.pairwise(ordered):
        search(low, high)
    return found

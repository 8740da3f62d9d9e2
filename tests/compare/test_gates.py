"""Gates: what can be written, what is said of what cannot, and what holds."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricelang.compare.gates import COUNTS
from pricelang.compare.gates import GateError
from pricelang.compare.gates import fields_of
from pricelang.compare.gates import judge
from pricelang.compare.gates import parse_gate
from pricelang.compare.told import EventsDiff
from pricelang.compare.told import Group
from pricelang.compare.told import MoneyDiff


def money(**changed: Any) -> MoneyDiff:
    found: dict[str, Any] = {
        "currency": "USD", "records": 400, "charged_both": 380, "old_total": Fraction(100), "new_total": Fraction(103),
        "by": {
            "account": [Group("ada", Fraction(10), Fraction(15), 9), Group("bob", Fraction(90), Fraction(88), 371)],
            "type": [Group("chat", Fraction(100), Fraction(103), 380)],
            "Region": [Group("eu", Fraction(0), Fraction(3), 1), Group("us", Fraction(100), Fraction(100), 379)],
        },
        "accounts_up": 1, "accounts_down": 1, "accounts_same": 0, "distribution": [], "moved_rows": 7,
        "newly_refused": 3, "newly_priced": 2, "refused_both": 10, "duplicates": 5, "refused_examples": [],
        "priced_examples": [], "moved_examples": [], "largest": [], "left_out": [],
    }  # fmt: skip
    return MoneyDiff(**{**found, **changed})


EVENTS = EventsDiff(
    events=50,
    accounts=2,
    refused=[],
    balances=[Group("ada", Fraction(5), Fraction(-1), 20), Group("bob", Fraction(5), Fraction(5), 30)],
    bills=[Group("ada", Fraction(20), Fraction(26), 20), Group("bob", Fraction(0), Fraction(0), 30)],
    newly_refused=2,
    newly_accepted=1,
    left_out=[],
)


@pytest.mark.parametrize(
    ("gate", "held", "said"),
    [
        ("total > +1%", False, "the total goes from 100 USD to 103 USD, +3 %"),
        ("total > +3%", True, "the total goes from 100 USD to 103 USD, +3 %"),
        ("total >= +3%", False, "the total goes from 100 USD to 103 USD, +3 %"),
        ("TOTAL>2.999%", False, "the total goes from 100 USD to 103 USD, +3 %"),
        ("total < -5%", True, "the total goes from 100 USD to 103 USD, +3 %"),
        ("total > +100 USD", True, "the total goes from 100 USD to 103 USD, +3 USD"),
        ("total > +$2.99", False, "the total goes from 100 USD to 103 USD, +3 USD"),
        ("total > +3", True, "the total goes from 100 USD to 103 USD, +3 USD"),
        ("total > 102 usd", False, "the total is 103 USD under the new rules"),
        ("total >= 1,000,000", True, "the total is 103 USD under the new rules"),
        ("any account > +10%", False, "1 of 2 accounts: ada goes from 10 USD to 15 USD, +50 %"),
        ("any account > +50%", True, "none of 2 accounts"),
        ("any account < -2%", False, "1 of 2 accounts: bob goes from 90 USD to 88 USD, about -2.2222 %"),
        ("any account < \u22122 $", True, "none of 2 accounts"),
        ("any account <= -2 USD", False, "1 of 2 accounts: bob goes from 90 USD to 88 USD, -2 USD"),
        ("any region > 1000%", False, "1 of 2 regions: eu goes from 0 USD to 3 USD: any increase from nothing is beyond every percentage"),
        ("any Region < -1000%", True, "none of 2 Regions"),
        ("unpriced > 0", False, "3 of 400 records are priced by the old rules and not by the new ones"),
        ("Newly  Refused >= 3", False, "3 of 400 records are newly refused"),
        ("newly refused > 0.75%", True, "3 of 400 records are newly refused, 0.75 %"),
        ("newly priced > 2", True, "2 of 400 records are newly priced"),
        ("refused > 12", False, "13 of 400 records cannot be charged under the new rules"),
        ("moved > 1%", False, "7 of 400 records are priced by another row of a table, 1.75 %"),
        ("duplicates > 5", True, "5 of 400 records are duplicates"),
        ("accounts up > 3", True, "1 of 2 accounts pay more"),
        ("accounts down >= 50%", False, "1 of 2 accounts pay less, 50 %"),
        ("accounts same < 1", False, "0 of 2 accounts pay the same"),
    ],
)  # fmt: skip
def test_gates_on_money(gate: str, held: bool, said: str) -> None:
    found = judge(parse_gate(gate), money(), None)
    assert (found.gate, found.held, found.said) == (gate.strip(), held, said)


@pytest.mark.parametrize(
    ("gate", "held", "said"),
    [
        ("any balance < 0", False, "1 of 2 balances: ada is -1 under the new rules"),
        ("any balance < -6", True, "none of 2 balances"),
        ("any bill > +20%", False, "1 of 2 bills: ada goes from 20 to 26, +30 %"),
        ("newly accepted > 0", False, "1 of 50 events are newly accepted"),
        ("newly refused > 2", True, "2 of 50 events are newly refused"),
    ],
)
def test_gates_on_events(gate: str, held: bool, said: str) -> None:
    found = judge(parse_gate(gate), None, EVENTS)
    assert (found.held, found.said) == (held, said)


def test_a_count_of_both() -> None:
    found = judge(parse_gate("newly refused > 4"), money(), EVENTS)
    assert (found.held, found.said) == (False, "3 of 400 records and 2 of 50 events are newly refused")


def test_from_nothing() -> None:
    none = money(old_total=Fraction(0), new_total=Fraction(1, 10**9))
    assert not judge(parse_gate("total > +1000000%"), none, None).held
    assert judge(parse_gate("total < -1%"), none, None).held
    nothing = money(old_total=Fraction(0), new_total=Fraction(0))
    assert judge(parse_gate("total > 0%"), nothing, None).held
    fell = money(old_total=Fraction(0), new_total=Fraction(-1))
    assert not judge(parse_gate("total < -99%"), fell, None).held
    assert judge(parse_gate("unpriced > 0%"), money(records=0, newly_refused=0), None).held


def test_a_hair_over() -> None:
    over = money(new_total=Fraction(101) + Fraction(1, 10**30))
    found = judge(parse_gate("total > +1%"), over, None)
    assert not found.held
    assert found.said.endswith("about +1 %")


@pytest.mark.parametrize(
    ("gate", "column", "said"),
    [
        ("", 1, "a gate compares by"),
        ("total", 6, "a gate compares by"),
        ("total +1%", 10, "a gate compares by"),
        ("total => 1%", 7, "`=>` is no comparison"),
        ("total != 1%", 7, "`!=` is no comparison"),
        ("totl > 1%", 1, "did you mean total?"),
        ("  the lot > 1%", 3, "`the lot` is nothing that a gate compares; there are total"),
        ("> 1%", 1, "it does not say what is compared"),
        ("any > 1%", 4, "`any` needs a field"),
        ("any model name > 1%", 11, "a field is one word"),
        ("any any any > 1%", 9, "a field is one word"),
        ("total >", 8, "it ends without a threshold"),
        ("total > much", 9, "a number belongs here"),
        ("total > +", 10, "a number belongs here"),
        ("total > 1.2.3", 12, "this is no number"),
        ("total > 1,00", 10, "this is no number"),
        ("total > 1_000", 10, "this is no number"),
        ("total > 1 percent", 11, "`percent` is no unit"),
        ("total > $5%", 11, "a percentage has no currency"),
        ("total > 5 USDX", 11, "`USDX` is no unit"),
        ("moved > +1", 9, "moved is counted: write the count without a sign"),
        ("moved > 1 USD", 9, "moved is counted: write a count or a percentage"),
        ("unprised > 0", 1, "did you mean unpriced?"),
    ],
)
def test_what_cannot_be_read(gate: str, column: int, said: str) -> None:
    with pytest.raises(GateError) as caught:
        parse_gate(gate)
    assert caught.value.column == column
    assert said in str(caught.value)
    assert f"at column {column}" in str(caught.value)


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("any plan > 1%", "there are no sums by plan; there are those by account, type, Region"),
        ("total > +5 EUR", "the rulesets charge in USD, not in EUR"),
        ("total > +€5", "not in €"),
        ("any balance < 0", "give events, too"),
        ("newly accepted > 0", "needs replayed events"),
    ],
)
def test_what_cannot_be_judged_of_money(gate: str, said: str) -> None:
    with pytest.raises(GateError, match=said):
        judge(parse_gate(gate), money(), None)


@pytest.mark.parametrize("gate", ["total > 1%", "any account > 1%", "unpriced > 0", "accounts up > 0"])
def test_what_needs_usage(gate: str) -> None:
    with pytest.raises(GateError, match="usage"):
        judge(parse_gate(gate), None, EVENTS)


def test_fields_that_sums_are_needed_by() -> None:
    gates = [
        parse_gate(one)
        for one in (
            "any Region > 1%",
            "total > 1%",
            "any account > 1",
            "any balance < 0",
            "any Region < 1",
            "any team > 1%",
        )
    ]
    assert fields_of(gates) == ("Region", "team")


amounts = st.fractions(min_value=-1000, max_value=1000, max_denominator=10**6)
subjects = st.sampled_from(["total", "any account", *COUNTS])


@given(
    st.sampled_from([">", ">=", "<", "<="]),
    st.sampled_from(["+", "-", ""]),
    st.decimals(0, 10**6, places=3),
    st.sampled_from(["%", " USD", "$", ""]),
    amounts,
    amounts,
)
def test_what_is_read_is_judged_as_written(
    op: str, sign: str, number: Any, unit: str, old: Fraction, new: Fraction
) -> None:
    gate = parse_gate(f"total {op} {sign}{number:,}{unit}")
    limit = Fraction(number) * (-1 if sign == "-" else 1)
    if unit == "%":
        if not old and new:
            met = (new > 0) == (">" in op)
        else:
            left, right = (new - old) * 100, limit * abs(old) if old else limit
            met = {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[op]
    else:
        left = new - old if sign else new
        met = {">": left > limit, ">=": left >= limit, "<": left < limit, "<=": left <= limit}[op]
    assert judge(gate, money(old_total=old, new_total=new), None).held is not met


WORDS = [
    "total",
    "any ",
    "account",
    "moved",
    " ",
    ">",
    ">=",
    "<",
    "+",
    "-",
    "%",
    "$",
    "USD",
    "1",
    "0",
    ",",
    ".",
    "−",
    "é",
]


def column_of(text: str) -> int:
    """Where a gate cannot be read; 1 where it can."""
    try:
        parse_gate(text)
    except GateError as error:
        return error.column
    return 1


@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(WORDS), max_size=9).map("".join)))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert 1 <= column_of(text) <= len(text) + 1

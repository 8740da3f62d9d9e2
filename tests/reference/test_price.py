"""The reference against figures worked out by hand: who guards the guard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from datetime import date
from datetime import datetime
from fractions import Fraction as F

import pytest

from reference import describe as d
from reference.price import Book
from reference.price import Rejected
from reference.price import anchored
from reference.price import charge
from reference.price import charge_all
from reference.price import merged
from reference.price import open_at
from reference.price import period
from reference.price import rounded
from reference.price import true_ups


def usd(number) -> d.Figure:
    return d.Figure(F(str(number)), "USD")


def per(price, unit: str, size: int = 1) -> d.Rate:
    return d.Rate(F(str(price)), "USD", F(size), unit)


def at(rate) -> d.At:
    return d.At(((None, rate),))


def rules(*steps, unit: str = "page", of=None, fields=(), zone: str = "UTC", **more) -> d.Ruleset:
    units = {"page": None} if unit == "page" else {}
    fields = (d.Field("model", "text", optional=True), d.Field("n", "number", unit, default=F(0)), *fields)
    line = d.Line("l", of or d.Get("n"), steps)
    return d.Ruleset("r", "USD", zone, (d.Usage("call", fields),), (d.Price("call", (line,)),), units=units, **more)


def record(n=1, at: str = "2026-02-17T10:00:00Z", id: str = "r-1", **more) -> dict:
    return {"id": id, "type": "call", "at": at, "account": "a-1", "n": n, **more}


def amount(of: d.Ruleset, *args, account=None, signup=None, **more) -> F:
    return charge(of, record(*args, **more), Book({"a-1": account or {}}, {"a-1": signup})).amount


def bands(*edges_and_prices) -> tuple[d.Tier, ...]:
    found, low = [], None
    for edge, rate, flat in edges_and_prices:
        high = None if edge is None else (F(edge), True)
        found.append(d.Tier(d.Band(low, high, "page"), rate, flat))
        low = None if edge is None else (F(edge), False)
    return tuple(found)


STRIPE = bands((5, per(7, "page"), None), (10, per("6.5", "page"), None), (None, per(6, "page"), None))


@pytest.mark.parametrize(("n", "graduated", "volume"), [(1, 7, 7), (5, 35, 35), (6, "41.5", 39), (20, "127.5", 120)])
def test_graduated_and_volume(n, graduated, volume) -> None:
    assert amount(rules(d.Tiers(True, STRIPE)), n) == F(str(graduated))
    assert amount(rules(d.Tiers(False, STRIPE)), n) == F(str(volume))


def test_a_flat_amount_is_charged_once_a_period() -> None:
    tiers = d.Tiers(True, bands((10, None, usd(50)), (None, per(4, "page"), None)), d.Each("month"))
    records = [record(n, id=f"r-{n}", at=f"2026-02-0{n}T00:00:00Z") for n in (6, 5, 7)]
    found = charge_all(rules(tiers), records, Book())
    assert [one.amount for one in found] == [4, 50, 28]  # 5 enter the band, 6 pass it by 1, 7 lie above


def test_volume_credits_what_became_cheaper() -> None:
    tiers = d.Tiers(False, bands((10, per(2, "page"), None), (None, per(1, "page"), None)), d.Each("month"))
    records = [record(10, id="a"), record(1, id="b"), record(1, id="c", at="2026-03-01T00:00:00Z")]
    assert [one.amount for one in charge_all(rules(tiers), records, Book())] == [20, -9, 2]


def test_steps_are_read_from_top_to_bottom() -> None:
    steps = (
        d.AtLeast(d.Figure(F(30), "second")),
        d.InSteps(d.Figure(F(6), "second")),
        at(per("0.05", "minute")),
        d.Adjust(-1, d.Figure(F(10), "percent"), True),
        d.Adjust(-1, d.Figure(F(7), "percent"), True),
        d.AtLeast(usd("0.01")),
        d.Rounded(F(1, 1000), "half even"),
    )
    assert amount(rules(*steps, unit="second"), 61) == F("0.046")  # 66 s: 0.055 x 0.837 = 0.046035
    assert amount(rules(*steps, unit="second"), 1) == F("0.021")  # 30 s: 0.025 x 0.837 = 0.020925
    assert amount(rules(*steps, unit="second"), 0) == 0


def test_a_cap_of_the_month_and_its_exact_figure() -> None:
    steps = (at(per("0.333", "page")), d.AtMost(usd(1), d.Each("month")), d.Rounded(F(1, 100), "half up"))
    found = charge_all(rules(*steps), [record(2, id="a"), record(2, id="b")], Book())
    assert [(one.amount, one.exact) for one in found] == [(F("0.67"), F("0.666")), (F("0.33"), F("0.334"))]


def test_packages_each_month() -> None:
    of = rules(d.InPackages(d.Figure(F(100), "page"), d.Each("month")), at(per(4, "package")))
    found = charge_all(of, [record(n, id=str(n)) for n in (60, 61, 130)], Book())
    # in order of id: 130 begin two packages, 60 stay within, 61 begin a third
    assert [one.amount for one in found] == [0, 4, 8]


def test_kept_units_of_an_allowance_go_first() -> None:
    free = d.Allowance("free", d.Figure(F(10), "page"), "page", d.Each("month"), 1, d.Figure(F(5), "page"))
    of = rules(d.Beyond("free"), at(per(1, "page")), allowances=(free,))
    records = [
        record(n, f"2026-0{month}-01T00:00:00Z", f"r-{month}") for n, month in ((2, 1), (16, 2), (11, 3), (40, 6))
    ]
    assert [one.amount for one in charge_all(of, records, Book())] == [0, 1, 1, 25]


def model_table(*layers: d.Layer) -> d.Table:
    column = d.Column("price", "rate", "USD", F(1), "page")
    rows = (
        d.Row((("large", "large-latest"),), {"price": per(2, "page")}),
        d.Row((("small",),), {"price": per(1, "page")}),
        d.Row((("none",),), {"price": "—"}),
        d.Row(((d.Pattern("open-*"),),), {"price": "free"}),
        d.Row(((d.Anything(),),), {"price": "custom"}),
    )
    return d.Table("models", ("model",), (column,), rows, layers)


def one_layer(price, **more) -> d.Layer:
    return d.Layer((d.Row((("large-latest",),), {"price": per(price, "page")}),), **more)


def test_rows_and_special_cells() -> None:
    of = rules(at(d.Cell("models", "price")), tables=(model_table(),))
    assert amount(of, 3, model="large") == amount(of, 3, model="large-latest") == 6
    assert amount(of, 3, model="open-7b") == 0
    assert amount(of, 3, model="Large", account={"models.price": "0.5"}) == F("1.5")
    for model, code in (("none", "not-offered"), ("else", "missing-attribute")):
        with pytest.raises(Rejected) as rejected:
            amount(of, 3, model=model)
        assert rejected.value.code == code


def test_layers_lie_in_their_order() -> None:
    zone = "Europe/Berlin"
    table = model_table(
        one_layer(3, start=date(2026, 3, 1)),
        one_layer(5, start=date(2026, 4, 1), until=date(2026, 4, 30)),
        one_layer(4, start=date(2026, 4, 10)),
        one_layer(7, start=date(2026, 6, 1), new_customers=True),
    )
    of = rules(at(d.Cell("models", "price")), tables=(table,), zone=zone)
    expected = {
        "2026-02-28T22:59:59Z": 2,
        "2026-02-28T23:00:00Z": 3,
        "2026-03-31T21:59:59Z": 3,
        "2026-03-31T22:00:00Z": 5,
        "2026-04-30T21:59:59Z": 5,
        "2026-04-30T22:00:00Z": 4,
        "2026-07-01T00:00:00Z": 4,
    }
    assert {when: amount(of, 1, when, model="large") for when in expected} == expected
    joined = datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert amount(of, 1, "2026-07-01T00:00:00Z", model="large", signup=joined) == 7


def test_parts_of_parts() -> None:
    fields = (
        d.Field("cached", "number", "page", part_of=("n",)),
        d.Field("audio", "number", "page", part_of=("n",)),
        d.Field("both", "number", "page", part_of=("cached", "audio")),
    )
    of = rules(at(per(1, "page")), of=d.Rest("n"), fields=fields)
    assert amount(of, 100, cached=50, audio=40, both=30) == 40
    with pytest.raises(Rejected):
        amount(of, 100, cached=20, audio=40, both=30)


def machine(*steps, every=None, by=None, of=None, zone: str = "UTC", **more) -> d.Ruleset:
    line = d.Line("l", of or d.Get("size"), steps, every=every, by=by)
    usage = d.Usage("disk", (d.Field("size", "number", "GB"),), True)
    return d.Ruleset("r", "USD", zone, (usage,), (d.Price("disk", (line,)),), **more)


def run(of: d.Ruleset, started: str, stopped: str, size=1) -> F:
    given = {"id": "r-1", "type": "disk", "started": started, "stopped": stopped, "size": size}
    return charge(of, given, Book()).amount


def test_started_hours() -> None:
    of = machine(every="hour", of=usd(3))
    start = "2026-02-17T10:00:30Z"
    for stop, hours in (("10:00:30", 1), ("10:30:00", 1), ("11:00:30", 1), ("11:00:31", 2), ("12:00:30", 2)):
        assert run(of, start, f"2026-02-17T{stop}Z") == 3 * hours


def test_a_month_has_its_own_length() -> None:
    of = machine(at(per(1, "GB-month")), by="month")
    assert run(of, "2026-02-01T00:00:00Z", "2026-02-15T00:00:00Z", 10) == 5
    assert run(of, "2026-01-31T00:00:00Z", "2026-02-02T00:00:00Z", 1) == F(1, 31) + F(1, 28)
    berlin = machine(at(per(1, "GB-month")), by="month", zone="Europe/Berlin")
    assert run(berlin, "2026-02-28T23:00:00Z", "2026-03-01T23:00:00Z") == F(24, 31 * 24 - 1)
    fixed = d.Rate(F(1), "USD", F(1), "GB-month", 730)
    assert run(machine(at(fixed), by="second"), "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z") == F(24, 730)


def test_a_run_is_split_where_its_price_changes() -> None:
    hours = d.Hours("night", "Europe/Berlin", (((0, 1, 2, 3, 4, 5, 6), 22 * 60, 6 * 60),))
    cases = d.At(((d.During("night"), per(1, "GB-hour")), (None, per(3, "GB-hour"))))
    of = machine(cases, by="second", hours=(hours,))
    # Berlin 21:00 to 07:00: one hour at 3, eight at 1, one at 3
    assert run(of, "2026-02-17T20:00:00Z", "2026-02-18T06:00:00Z") == 14


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("half up", [3, -3, 2]),
        ("half down", [2, -2, 2]),
        ("half even", [2, -2, 2]),
        ("up", [3, -3, 3]),
        ("down", [2, -2, 2]),
    ],
)
def test_rounding_is_mirrored(mode, expected) -> None:
    assert [rounded(value, F(1), mode) for value in (F(5, 2), F(-5, 2), F(9, 4))] == expected


def test_windows_past_midnight_belong_to_the_day_they_start() -> None:
    friday = (((4,), 22 * 60, 6 * 60),)
    opens = {"2026-02-20T21:59:59": False, "2026-02-20T22:00:00": True, "2026-02-21T05:59:59": True}
    opens |= {"2026-02-21T06:00:00": False, "2026-02-20T05:00:00": False}
    for when, expected in opens.items():
        assert open_at(friday, datetime.fromisoformat(when).replace(tzinfo=UTC), "UTC") is expected


def test_periods() -> None:
    late = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # 1 April in Berlin
    assert period(late, "quarter", "Europe/Berlin") == datetime(2026, 4, 1)
    assert period(late, "week", "UTC") == datetime(2026, 3, 30)
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]  # both are half past two in Berlin
    assert period(twice[0], "hour", "Europe/Berlin") != period(twice[1], "hour", "Europe/Berlin")


def test_what_is_finished_together() -> None:
    together = (d.AtLeast(usd(5)), d.Adjust(1, d.Figure(F(20), "percent"), True, None, "VAT"), d.Rounded(F(4), "down"))
    of = rules(at(per("1.1", "page")), round_charge=d.Rounded(F(5), "half up"))
    of = replace(of, prices=(replace(of.prices[0], together=together),))
    found = charge(of, record(2), Book())
    lines = [("l", F("2.2")), ("minimum", F("2.8")), ("VAT", 1), ("rounding", -2), ("rounding", 1)]
    assert [(line.name, line.amount) for line in found.lines] == lines
    assert (found.amount, found.exact) == (5, 6)
    assert charge(of, record(0), Book()).lines == []


def test_a_minimum_of_the_month_is_asked_for_at_its_end() -> None:
    steps = (at(per(2, "page")), d.AtLeast(usd(10), d.Each("month")), d.Adjust(1, d.Figure(F(10), "percent"), True))
    book = Book()
    of = rules(*steps)
    found = charge_all(of, [record(1, id="a"), record(3, id="b"), record(9, "2026-03-05T00:00:00Z", "c")], book)
    assert [one.amount for one in found] == [F("2.2"), F("6.6"), F("19.8")]
    assert [(one.id, one.amount) for one in true_ups(of, book)] == [("a-1/2026-02/l", F("2.2"))]


def test_months_from_signup_return_to_their_day() -> None:
    signup = datetime(2026, 1, 31, 9, tzinfo=UTC)
    starts = {
        "2026-02-27": "2026-01-31",
        "2026-02-28": "2026-02-28",
        "2026-03-30": "2026-02-28",
        "2026-03-31": "2026-03-31",
    }
    for day, start in starts.items():
        assert anchored(datetime.fromisoformat(day).replace(tzinfo=UTC), signup, "UTC") == datetime.fromisoformat(start)


def test_credits() -> None:
    credit = d.Rate(F(2), "credit", F(1), "page")
    worth = rules(at(credit))
    worth.units["credit"] = usd("0.01")
    assert amount(worth, 50) == 1
    lines = (
        d.Line("used", d.Get("n"), (at(credit),), charged=False),
        d.Line("l", d.Result("used"), (at(per(3, "credit")),)),
    )
    fed = rules()
    fed = replace(fed, prices=(d.Price("call", lines),), units={"page": None, "credit": None})
    found = charge(fed, record(5), Book()).lines
    assert [(line.name, line.quantity, line.amount) for line in found] == [("l", 10, 30)]


def test_what_lies_on_top() -> None:
    table = model_table(one_layer(9, start=date(2026, 1, 1)))
    top = (d.Row((("large",),), {"price": per(4, "page")}),)
    new = (d.Row((("brand-new",),), {"price": per(5, "page")}),)
    line = d.Line("l", d.Get("n"), (at(d.Cell("models", "price")), d.Adjust(1, usd("0.5"), False)))
    of = rules(at(d.Cell("models", "price")), tables=(table,))
    of = merged(replace(of, overlay=d.Overlay({"models": top}, {"models": new}, {("call", "l"): line})))
    assert amount(of, 1, model="large-latest") == F("4.5")
    assert amount(of, 1, model="brand-new") == F("5.5")


def test_steps_of_time_move_the_end_of_a_run() -> None:
    hours = d.Hours("night", "UTC", (((0, 1, 2, 3, 4, 5, 6), 22 * 60, 6 * 60),))
    cases = d.At(((d.During("night"), per(1, "hour")), (None, per(4, "hour"))))
    steps = (d.InSteps(d.Figure(F(1), "hour")), cases)
    of = machine(*steps, of=d.Get("duration"), by="second", hours=(hours,))
    assert run(of, "2026-02-17T21:30:00Z", "2026-02-17T21:50:00Z") == F("2.5")  # an hour: half by day, half by night


def test_the_row_that_gave_the_price() -> None:
    layer = one_layer(3, start=date(2026, 3, 1))
    of = rules(at(d.Cell("models", "price")), tables=(model_table(layer),))
    before, after = (
        charge(of, record(1, day, model="large"), Book()) for day in ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")
    )
    assert before.lines[0].row is of.tables[0].rows[0]
    assert after.lines[0].row is layer.rows[0]

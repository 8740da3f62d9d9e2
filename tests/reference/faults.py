"""Thirty faults to seed in the engine, each a patch of one place: the differential test is there to catch them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from pricelang.core import ops
from pricelang.core.program import KeyAny
from pricelang.engine import allowances
from pricelang.engine import evaluation
from pricelang.engine import intake
from pricelang.engine import lookup
from pricelang.engine import record
from pricelang.engine import running
from pricelang.engine import stream
from pricelang.engine import tiers
from pricelang.engine.pieces import Amount

Patch = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Patch] = {}
Pricing = record.Pricing


def fault(patch: Patch) -> Patch:
    FAULTS[patch.__name__.replace("_", " ")] = patch
    return patch


def around(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, fake: Callable) -> None:
    """Puts a function in another's place; it is given the one that stood there first."""
    true = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **named: fake(true, *args, **named))


def of_step(monkeypatch: pytest.MonkeyPatch, kind: type, fake: Callable) -> None:
    """Another meaning for one kind of step on a figure: (what it should be, pricing, step, figure)."""

    def one(true: Callable, self: Pricing, step: ops.Step, value: Fraction, rounding: bool) -> Fraction:
        right = true(self, step, value, rounding)
        return (
            fake(right, self, step, value) if isinstance(step, kind) and (rounding or kind is not ops.Round) else right
        )

    around(monkeypatch, Pricing, "one", one)


def of_rounding(monkeypatch: pytest.MonkeyPatch, fake: Callable) -> None:
    around(monkeypatch, evaluation, "round_to", fake)


# --- tiers and bands ----------------------------------------------------------------------------------------------


@fault
def a_graduated_edge_is_off_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(true: Callable, reached, before, after):
        for step in reached.bands:
            band = step.band
            low = band.low + 1 if band.low else band.low
            step.band = replace(band, low=low, high=band.high + 1 if band.high is not None else None)
        return true(reached, before, after)

    around(monkeypatch, record, "graduated", moved)


@fault
def a_volume_band_ends_before_its_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(true: Callable, band, value):
        return true(replace(band, high_included=False, low_included=True), value)

    around(monkeypatch, tiers, "in_band", shifted)


@fault
def a_band_of_a_key_excludes_its_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(true: Callable, band, value):
        return true(replace(band, high_included=not band.high_included, low_included=not band.low_included), value)

    around(monkeypatch, lookup, "in_band", shifted)


@fault
def the_flat_amount_of_a_band_is_charged_on_every_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(true: Callable, reached, before, after):
        return true(reached, before, after) + sum(
            reached.flat(one)
            for one in reached.bands
            if (one.band.low or 0) < before and (one.band.high is None or before < one.band.high)
        )

    around(monkeypatch, record, "graduated", again)


@fault
def volume_does_not_credit_what_became_cheaper(monkeypatch: pytest.MonkeyPatch) -> None:
    around(monkeypatch, record, "volume", lambda true, *args: max(true(*args), Fraction(0)))


# --- numbers ------------------------------------------------------------------------------------------------------


@fault
def half_even_rounds_half_up(monkeypatch: pytest.MonkeyPatch) -> None:
    of_rounding(monkeypatch, lambda true, value, size, mode: true(value, size, mode.replace("half even", "half up")))


@fault
def rounding_is_not_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    def upward(true: Callable, value, size, mode):
        return true(value, size, {"up": "down", "down": "up"}.get(mode, mode) if value < 0 else mode)

    of_rounding(monkeypatch, upward)


@fault
def amounts_are_rounded_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    of_rounding(monkeypatch, lambda true, value, size, mode: true(true(value, size / 10, mode), size, mode))


@fault
def a_share_is_worked_out_in_floats(monkeypatch: pytest.MonkeyPatch) -> None:
    of_step(monkeypatch, ops.Adjust, lambda right, *_: Fraction(float(right)))


# --- steps --------------------------------------------------------------------------------------------------------


@fault
def packages_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    of_step(monkeypatch, ops.Packages, lambda right, self, step, value: Fraction(value // self.size(step.size, None)))


@fault
def less_is_taken_off_the_price_before_other_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def priced(true: Callable, self: Pricing, step: ops.Rate, piece) -> None:
        true(self, step, piece)
        self.lines["first price"] = Amount(piece.value.rounded, piece.value.exact)

    def off(right: Fraction, self: Pricing, step: ops.Adjust, value: Fraction) -> Fraction:
        first = self.lines.get("first price")
        if first is None or not step.share:
            return right
        of = first.exact if self.exactly else first.rounded
        return value + step.sign * of * self.number(step.by, step.place)

    around(monkeypatch, Pricing, "_rate", priced)
    of_step(monkeypatch, ops.Adjust, off)


@fault
def a_cap_forgets_what_the_period_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(true: Callable, self: Pricing, step, value, each, key):
        return self.money_step(step, value) if isinstance(step, ops.AtMost) else true(self, step, value, each, key)

    around(monkeypatch, Pricing, "counted", alone)


@fault
def nothing_is_charged_a_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(true: Callable, self: Pricing, step, value, *told):
        if isinstance(step, ops.AtLeast) and not value.rounded:
            bound = self.number(step.bound, step.place)
            return Amount(bound, bound)
        return true(self, step, value, *told)

    around(monkeypatch, Pricing, "money_step", always)


@fault
def the_last_case_that_holds_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def reversed_cases(true: Callable, self: Pricing, step: ops.Rate, piece) -> None:
        true(self, replace(step, cases=step.cases[::-1]), piece)

    around(monkeypatch, Pricing, "_rate", reversed_cases)


@fault
def the_rest_forgets_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(true: Callable, self: Pricing, expr, place):
        if isinstance(expr, ops.Sum) and len(expr.terms) > 2 and expr.terms[2][0] < 0:
            expr = ops.Sum(expr.terms[:2])
        return true(self, expr, place)

    around(monkeypatch, Pricing, "value", short)


# --- tables and layers --------------------------------------------------------------------------------------------


@fault
def layers_lie_the_other_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(true: Callable, self: Pricing, table, *args):
        return true(self, replace(table, layers=table.layers[-2::-1] + table.layers[-1:]), *args)

    around(monkeypatch, Pricing, "cell_of_row", turned)


@fault
def an_offer_lasts_a_second_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def longer(true: Callable, self: Pricing, cond):
        if isinstance(cond, ops.InForce) and cond.stop is not None:
            cond = replace(cond, stop=cond.stop + 1)
        return true(self, cond)

    around(monkeypatch, Pricing, "holds", longer)


@fault
def until_leaves_its_day_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def shorter(true: Callable, self: Pricing, cond):
        if isinstance(cond, ops.InForce) and cond.stop is not None:
            cond = replace(cond, stop=cond.stop - 86_400)
        return true(self, cond)

    around(monkeypatch, Pricing, "holds", shorter)


@fault
def as_input_follows_the_price_beneath(monkeypatch: pytest.MonkeyPatch) -> None:
    def beneath(true: Callable, self: Pricing, table, row, column, shares=0):
        return true(self, replace(table, layers=table.layers[-1:]) if shares else table, row, column, shares)

    around(monkeypatch, Pricing, "cell_of_row", beneath)


@fault
def any_is_taken_before_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def loosest(true: Callable, self: lookup.Rows, values, but=None):
        rows = self.table.rows
        fit = [n for n, row in enumerate(rows) if self._fits(row, values, but)]
        count = {n: sum(isinstance(key[0], KeyAny) for key in rows[n].keys) for n in fit}
        return [n for n in fit if count[n] == max(count.values())]

    around(monkeypatch, lookup.Rows, "find", loosest)


# --- time ---------------------------------------------------------------------------------------------------------


@fault
def periods_are_those_of_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    around(monkeypatch, evaluation, "period_of", lambda true, at, unit, zone, *rest: true(at, unit, "UTC", *rest))


@fault
def a_window_includes_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    around(monkeypatch, evaluation, "in_window", lambda true, at, *rest: true(at, *rest) or true(at - 1, *rest))


@fault
def a_month_has_thirty_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "month_seconds", lambda *_: 30 * 86_400)


@fault
def a_stop_on_the_hour_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def later(true: Callable, pricing, line, every, start, stop):
        return true(pricing, line, every, start, stop + 1)

    around(monkeypatch, running, "_starts", later)


# --- counts -------------------------------------------------------------------------------------------------------


@fault
def for_each_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def together(true: Callable, self: Pricing, each, *args):
        return true(self, replace(each, apart=()), *args)

    around(monkeypatch, Pricing, "total_key", together)


@fault
def each_line_has_an_allowance_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def line(true: Callable, self: Pricing, price, of):
        self.line_at_hand = of.label
        return true(self, price, of)

    def own(true: Callable, pricing: Pricing, name, quantity):
        here = pricing.record
        pricing.record = replace(here, account=f"{here.account} {pricing.line_at_hand}")
        try:
            return true(pricing, name, quantity)
        finally:
            pricing.record = here

    around(monkeypatch, Pricing, "line", line)
    around(monkeypatch, record, "take_from", own)


@fault
def an_allowance_is_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def more(true: Callable, pricing: Pricing, allowance, lots, start):
        return true(pricing, replace(allowance, kept=allowance.kept + 1, kept_at_most=None), lots, start)

    around(monkeypatch, allowances, "_kept", more)


@fault
def records_are_counted_as_they_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "counts_over_time", lambda _: False)


@fault
def a_repeated_record_is_charged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake.Seen, "look", lambda self, record: "new")


@fault
def letters_are_counted_as_they_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "normalize", lambda form, text: text)

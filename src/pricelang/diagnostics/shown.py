"""Amounts and quantities as findings print them."""

from __future__ import annotations

from fractions import Fraction

from pricelang.number import decimal_text
from pricelang.units import SIGNS
from pricelang.units import Unit


def amount(value: Fraction, currency: str) -> str:
    """An amount of money: `$0.0001`, `12 CNY`; one whose decimals do not end is cut, with a dot for the rest."""
    sign = next((sign for sign, meanings in SIGNS.items() if meanings[0] == currency and len(sign) == 1), "")
    text = counted(abs(value))
    minus = "-" if value < 0 else ""
    if len(text.partition(".")[2]) == 1:
        text += "0"
    return f"{minus}{sign}{text}" if sign else f"{minus}{text} {currency}"


def counted(value: Fraction) -> str:
    """A number with its thousands set apart."""
    text = decimal_text(value)
    if "/" in text:
        text = decimal_text(Fraction(round(value * 10**6), 10**6)) + "…"
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.lstrip("-").isdigit() else text


def quantity(value: Fraction, unit: str, factor: Fraction) -> str:
    """A quantity in the unit of its line: `10,001 tokens`, `1 GB`."""
    number = value / factor if factor else value
    name = unit if number == 1 or not unit else Unit((), Fraction(1), unit).plural
    return f"{counted(number)} {name}".strip()

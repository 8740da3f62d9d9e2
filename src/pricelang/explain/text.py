"""A story as text: at most 100 columns wide, amounts of money one below the other, to the point."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from pricelang.core.program import Program
from pricelang.engine.charge import Charge
from pricelang.explain.data import LineStory
from pricelang.explain.data import Part
from pricelang.explain.data import Story
from pricelang.explain.story import story_of
from pricelang.number import printable
from pricelang.source import Source

WIDTH = 100
MOST_PARTS = 60
_LEAST_WORDS = 44


def explain(charge: Charge, program: Program, sources: Mapping[str, Source]) -> str:
    """The charge in words that a customer-support person can read out."""
    return told(story_of(charge, program, sources))


def told(story: Story) -> str:
    """The text of a story."""
    return "\n".join(_Page(story).lines()) + "\n"


class _Page:
    def __init__(self, story: Story) -> None:
        self.story = story
        self.words = story.words
        amounts = [story.charge.exact_amount, *(line.line.exact_amount for line in story.lines)]
        for line in story.lines:
            amounts += [part.amount for part in line.parts if part.money]
        texts = [self.words.money(amount) for amount in amounts]
        heads, tails = zip(*(_point(text) for text in texts), strict=True)
        self.head = max(len(one) for one in heads)
        self.tail = max(len(one) for one in tails)
        self.room = WIDTH - self.head - self.tail - 2
        self.apart = self.room < _LEAST_WORDS  # amounts so long that each takes a line of its own

    def lines(self) -> list[str]:
        story, charge = self.story, self.story.charge
        what = f"{charge.type} ({story.title})" if story.title else charge.type
        time = self.words.instant(charge.at)
        if charge.stopped is not None:
            time = f"{self.words.instant(charge.at, False)} to {self.words.instant(charge.stopped)}"
        total = f"{self.words.money(charge.exact_amount)} ({charge.currency})"
        head = f"{printable(charge.id)} of account {printable(charge.account)}: {what}, {time}, costs {total}."
        found = _wrap(head, WIDTH)
        for line in story.lines:
            found += ["", *self.line(line)]
        found.append("")
        if story.left_out:
            found += ["nothing to charge", *(row for line in story.left_out for row in self.free(line)), ""]
        total = self.words.money(charge.exact_amount)
        found += self.row("total", "", total)
        if self.words.said(charge.exact_amount) != total:
            about = self.words.said(charge.exact_amount)[len(total) :].strip(" ()")
            found += self.row(f"the total is {about}", "", "")
        if story.shown is not None:
            found += self.row("shown as", "", self.words.money(story.shown))
        return found

    def line(self, line: LineStory) -> list[str]:
        found = self.row(line.line.name, "", self.words.money(line.line.exact_amount))
        hidden = line.parts[MOST_PARTS - 10 : -10] if len(line.parts) > MOST_PARTS else ()
        if hidden:
            amount = sum(part.amount for part in hidden)
            middle = Part("more", f"… {len(hidden):,} more steps, together", amount, True)  # type: ignore[arg-type]
            shown = (*line.parts[: MOST_PARTS - 10], middle, *line.parts[-10:])
        else:
            shown = line.parts
        for part in shown:
            found += self.row(part.words, "  ", self.words.money(part.amount) if part.money else "")
            for detail in part.details:
                place = f" ({detail.place})" if detail.place is not None else ""
                found += _wrap(detail.words + place, WIDTH, initial_indent="    ", subsequent_indent="      ")
        if line.when is not None:
            found += _wrap(f"charged when {line.when}", WIDTH, initial_indent="  ", subsequent_indent="    ")
        rule = f"{line.line.rule}  {line.text}" if line.text else str(line.line.rule)
        return found + _wrap(rule, WIDTH, initial_indent="  ", subsequent_indent="    ")

    def free(self, line: LineStory) -> list[str]:
        """A line that charges nothing, in one sentence."""
        told = "; ".join(dict.fromkeys(part.words for part in line.parts[:MOST_PARTS]))
        words = f"{line.line.name}: {told} ({line.line.rule})" if told else f"{line.line.name} ({line.line.rule})"
        return _wrap(words, WIDTH, initial_indent="  ", subsequent_indent="    ")

    def row(self, words: str, indent: str, amount: str) -> list[str]:
        """Words on the left, wrapped; an amount on the right, in the last of their lines."""
        room = self.room if amount and not self.apart else WIDTH
        found = _wrap(words, room, initial_indent=indent, subsequent_indent=indent + "  ")
        if not amount:
            return found
        if self.apart:
            return found + _wrap(amount, WIDTH, initial_indent=indent + "  ", subsequent_indent=indent + "  ")
        head, tail = _point(amount)
        aligned = f"{head:>{self.head}}{tail:<{self.tail}}"
        last = found[-1] if found else ""
        return [*found[:-1], f"{last:<{self.room}}  {aligned}".rstrip()]


def _point(amount: str) -> tuple[str, str]:
    """An amount cut before its decimal point."""
    head, point, tail = amount.partition(".")
    return head, point + tail


def _wrap(text: str, width: int, initial_indent: str = "", subsequent_indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=initial_indent, subsequent_indent=subsequent_indent, break_on_hyphens=False
    )

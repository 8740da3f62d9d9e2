"""The outline of a text: its lines, each with what is indented beneath it. Knows indentation and comments, no words."""

from __future__ import annotations

import re
import unicodedata

from pricelang.diagnostics import codes
from pricelang.diagnostics.finding import Findings
from pricelang.plain import dataclass
from pricelang.plain import field
from pricelang.source import Source

MOST_CHARACTERS = 2_000_000
MOST_LINE = 4_000
MOST_DEPTH = 12

_SAME_WIDTH = str.maketrans({"\u00a0": " ", "\u202f": " ", "“": '"', "”": '"', "„": '"', "−": "-", "‑": "-"})
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SUSPECT = re.compile(r"[^\x20-\x7e\n]")
_ROW_COMMENT = re.compile(r"(?:[^|\\]|\\.|\|(?!\s*#))*\|\s*(?=#)")  # up to the first `#` right after a `|`
_WORD = re.compile(r"[\w.-]+")
_LATIN = re.compile(r"[A-Za-z]")


@dataclass(slots=True)
class Line:
    """One line that is not blank: its text without indentation, comment and trailing space, and its place."""

    number: int
    indent: int
    text: str
    start: int  # offset of the text in the source
    comment: str  # with its `#`, or empty
    children: list[Line] = field(default_factory=list)

    @property
    def stop(self) -> int:
        return self.start + len(self.text)


@dataclass(slots=True)
class Outline:
    """The lines of a text as a tree, and the comments and blank lines between them as the formatter needs them."""

    source: Source
    lines: list[Line]  # the top ones
    every: list[Line] = field(default_factory=list)
    loose: dict[int, tuple[int, str]] = field(default_factory=dict)  # line number: (indent, comment) on its own


def clean(source: Source, findings: Findings) -> str:
    """The text with look-alikes of plain signs mapped one to one; characters that deceive a reader are findings."""
    text = source.text
    if len(text) > MOST_CHARACTERS:
        findings.add(codes.FILE_TOO_LARGE, source.place(0, 1), what="rule file", most=f"{MOST_CHARACTERS:,} characters")
        return ""
    return without_deceit(text, source, findings)


def without_deceit(text: str, source: Source, findings: Findings, meant: str = "") -> str:
    """The text of a source with hidden characters replaced by spaces, each a finding (but `meant`), and look-alikes."""
    text = text.replace("\r\n", " \n") if "\r\n" in text else text
    text = text.translate(_SAME_WIDTH)
    if text.startswith("\ufeff"):
        text = " " + text[1:]
    if text.isascii() and not any(ord(char) < 32 for char in set(text) - {"\n"}):
        return text
    chars: list[str] | None = None
    for match in _SUSPECT.finditer(text):
        char = match.group()
        name = _refused(char)
        if name is None or char in meant:
            continue
        rule = codes.TAB if char == "\t" else codes.HIDDEN_CHARACTER
        findings.add(rule, source.place(match.start(), match.end()), code=f"U+{ord(char):04X}", name=name)
        chars = chars if chars is not None else list(text)
        chars[match.start()] = " "
    text = "".join(chars) if chars is not None else text
    _refuse_mixed_scripts(text, source, findings)
    return text


def _refused(char: str) -> str | None:
    """The name of a character that may not stand in a rule file, or None for one that may."""
    category = unicodedata.category(char)
    if char in _BIDI or category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return unicodedata.name(char, "a control character" if category == "Cc" else "an unassigned character").lower()
    if category == "Zs":
        return unicodedata.name(char, "a space").lower()
    if unicodedata.category(char) == "Lo" and char in "\u115f\u1160\u3164\uffa0":
        return unicodedata.name(char, "an invisible letter").lower()
    if 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF:
        return "a variation selector"
    return None


def _refuse_mixed_scripts(text: str, source: Source, findings: Findings) -> None:
    """A Cyrillic or Greek letter inside a Latin word looks like another one: refused, with its name."""
    for match in _WORD.finditer(text):
        word = match.group()
        if word.isascii() or not _LATIN.search(word):
            continue
        for offset, char in enumerate(word):
            if char.isascii() or not char.isalpha():
                continue
            name = unicodedata.name(char, "")
            if name.startswith(("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH", "MATHEMATICAL")):
                at = match.start() + offset
                findings.add(codes.LOOK_ALIKE, source.place(at, at + 1), code=f"U+{ord(char):04X}", name=name.lower())
                break


def outline(source: Source, findings: Findings) -> Outline:
    """Cuts a text into lines and puts each under the line it is indented beneath."""
    text = clean(source, findings)
    found = Outline(source, [])
    stack: list[Line] = []
    too_deep = False
    start = 0
    for number, raw in enumerate(text.split("\n"), start=1):
        body, comment = _split_comment(raw)
        stripped = body.strip()
        indent = len(body) - len(body.lstrip()) if stripped else len(raw) - len(raw.lstrip())
        if not stripped:
            if comment:
                found.loose[number] = (indent, comment)
            start += len(raw) + 1
            continue
        at = start + indent
        indent += source.text.count("\t", start, at)  # a tab is refused, and read as two spaces
        line = Line(number, indent, stripped, at, comment)
        if number == 1 and source.text.startswith("\ufeff"):
            line.indent = indent = indent - 1
        if len(stripped) > MOST_LINE:
            findings.add(codes.LINE_TOO_LONG, source.place(line.start, line.start + 40), most=f"{MOST_LINE:,}")
            start += len(raw) + 1
            continue
        left = bool(stack) and stack[-1].indent > indent
        while stack and stack[-1].indent >= indent:
            stack.pop()
        siblings = stack[-1].children if stack else found.lines
        if (left and siblings and siblings[0].indent != indent) or (not stack and indent and found.lines):
            findings.add(codes.INDENTATION, source.place(line.start, line.stop))
        if len(stack) >= MOST_DEPTH:
            if not too_deep:
                findings.add(codes.TOO_DEEP, source.place(line.start, line.stop), most=MOST_DEPTH)
            too_deep = True
            start += len(raw) + 1
            continue
        siblings.append(line)
        found.every.append(line)
        stack.append(line)
        start += len(raw) + 1
    return found


def _split_comment(raw: str) -> tuple[str, str]:
    """A line without its comment, and the comment. In a table row only what follows a `|` can be one."""
    if "#" not in raw:
        return raw, ""
    if raw.lstrip().startswith("|"):
        row = _ROW_COMMENT.match(raw)
        return (raw[: row.end()], raw[row.end() :].rstrip()) if row else (raw, "")
    quoted = False
    for index, char in enumerate(raw):
        if char == '"' and (index == 0 or raw[index - 1] != "\\"):
            quoted = not quoted
        elif char == "#" and not quoted and (index == 0 or raw[index - 1] in " \t|"):
            return raw[:index], raw[index:].rstrip()
    return raw, ""

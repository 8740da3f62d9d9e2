"""The formatter keeps what a file says and every comment, has nothing left to do a second time, and makes one layout of
all layouts."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from pricelang.check import cells as check_cells
from pricelang.check import written
from pricelang.diagnostics.finding import Findings
from pricelang.source import Source
from pricelang.syntax import cells
from pricelang.syntax import nodes as n
from pricelang.syntax import reader
from pricelang.syntax.driver import parse_line
from pricelang.syntax.layout import COMMENTS_AT
from pricelang.syntax.layout import layout
from pricelang.syntax.layout import width
from pricelang.syntax.outline import MOST_LINE
from pricelang.syntax.outline import Line
from pricelang.syntax.outline import outline
from pricelang.syntax.parser import parse
from pricelang.syntax.trees import Tree
from reference.generate import Generator
from reference.write import write

HERE = Path(__file__).parent
SHIPPED = sorted([*HERE.parent.glob("rulesets/**/*.price"), *HERE.glob("cases/*.price")])

EVERYTHING = """\
ruleset everything "Every construct once" based on "base.price"
  source "https://acme.example/pricing", checked 2026-02-10
  currency USD
  timezone Europe/Berlin
  bill every month from signup
  round each line to $0.01, half up
  round charge half even to $0.01
  round bill to $0.05, up
  round charge down to $0.05
  show to $0.0001
  late usage accepted for 3 days
  allow unused-field "kept for later"
unit page
unit credit = 0.01 USD
unit dozen = 12 page
usage chat "Chat completions"
  model text
  region one of eu, us or cn, default eu
  plan one of plans
  input_tokens tokens
  cached_tokens tokens, part of input_tokens, default 0
  audio_tokens tokens, part of input_tokens and cached_tokens, optional
  rate USD per 1M tokens
  big USD per million tokens
  batch yes or no, default no
  day date
  share percent
  letters characters of letters without spaces
  words characters of words
  compute GB-seconds = memory*duration÷2
  total = ( a+b )/( c - d )
  source "https://acme.example/fields"
resource disk "Block storage"
  size GB, may change
    allow unused-field "why not"
hours off_peak, UTC
  Monday to Friday 00:00 to 06:00, 22:00 to 24:00
  Saturday, Sunday all day
  every day 16:30 to 00:30
  Wednesday 12:00:00 to 13:00:30
table models by model and region, per 1M tokens
  source "https://acme.example/models"
  model | region | input (per 1K tokens) | cached | output
  --- | --- | --- | --- | ---
  small-1, small-1-latest | eu | $0.05 | as input | free
  like claude-* | any | $0.20 | 50% of input | —
  模型 | 中国 | custom | unlimited | up to 200K
  a \\| b | é | $1 | |
  from 2026-03-01 until 2026-03-31 in Europe/Berlin "spring offer"
    | model | input |
    |:---|---:|
    | large-1 | $0.10 |
    during off_peak and when region is us
      | model | input |
      | large-1 | $0.11 |
  from 2026-04-01 until further notice, for new customers only
    | model | input |
    | -- | -- |
    | -- | $0.10 |
  from 2026-05-01T12:30 in Europe/Berlin, immediately, prorated
    | model | input |
    | large-1 | $0.10 |
  until 2025-01-01, from the next period
    | model | input |
    | large-1 | $0.10 |
  during off_peak "night"
    | model | input |
    | large-1 | $0.10 |
  when batch is yes and not(region is cn or region is not one of eu, us) "batch"
    | model | input |
    | large-1 | $0.10 |
  new rows
    | model | input |
    | large-2 | $0.10 |
table bands by requests, from "bands.csv"
table bands_again by requests from "bands.csv", per request
  | requests | price |
allowance searches "Free searches"
  2,000 requests every month for each models.group
  unused kept 2 months, at most 4,000 requests
price chat when account.plan is Pro
  input: rest of input_tokens at models.input when region is eu
  cached:cached_tokens at models.cached
  output: output_tokens at
    when input_tokens above 200K: models.long
    when input_tokens above 100K up to 200K: $ 5 per 1M tokens
    when input_tokens from 10 below 20: 5 USD per 1M tokens
    when input_tokens from 10 up to 20: 5USD per 1M tokens
    when input_tokens below 5 and input_tokens at least 2: US$ 5 per K tokens
    when input_tokens at most 5 or input_tokens up to 7: $1 per 1K tokens
    when model is like gpt-4* and model is not like *-mini: free
    when region is given and plan is not given: unlimited
    when region is not eu: not offered
    during off_peak: models.output
    from 2026-01-01 until 2026-02-01: models.output
    otherwise: models.output
  calls: requests at graduated each month in Europe/Berlin for each model and region
    up to 10K: free
    below 20K: $0.003 per request
    above 20K up to 100K: $0.002 per request
    at least 100K: $50 plus $1 per request
    from 200K below 300K: $4 per request
    from 300K up to 400K: $4 per request
    above 400K: not offered
  stored: disk at volume bands.price plus bands.flat each month
  pages: pages in packages of 100 at $4 per package
  search: requests beyond searches at $1 per request
  ratio: 2.9 % of amount × 3 - 5 pages
    in steps of 6 seconds
    at $0.10 per GB-month of 730 hours
    less 50 % "half" when batch is yes
    plus 10% during off_peak
    plus $0.30 from 2026-01-01
    at least $0.01
    at least $5 each month, prorated by day
    at most $50 each day for each model
    rounded to $0.000001, half even
    allow tier-cliff "the page says so"
  free_of_charge: letters not charged "a gift"
  seats: seats in packages of 5 each month at models.seat
price disk
  hours: instances.hourly every started hour
  space: size at $0.10 per GB-month during off_peak
price account
  plan: plans.fee every month from signup in advance, prorated by day
price bill
  together
    at least account.commitment, prorated by day
    plus 20% "VAT"
account
  plan one of plans
  daily_limit USD, optional
funds
  pay for chat, disk and page
  spend promotional first, then soonest to expire, then oldest
  reservations expire after 15 minutes
topup "Add funds"
  | pay | bonus |
  | $10 | 0% |
  | any from $5 | 0% |
refill account.refill_amount when balance below account.refill_below, at most 3 each day
refill to $100 when balance below $5
grant trial $1 on signup for chat, expires after 30 days
grant WELCOME $10 on code WELCOME, once for each account, until 2026-12-31
grant compute $10 every month for disk, expires at the end of the month, from 2026-01-01
grant first $10 on first topup, never expires
limit daily_spend "Daily spending limit"
  spend each day may reach account.daily_limit
  alert at 80 %,100 %
  refuse with 402
limit tpm
  ( input_tokens+output_tokens ) in any 60 seconds for each model may not exceed plans.tpm when plan is Pro
  refuse chat and disk with 429
limit left
  balance may fall to $0
  suspend disk after 7 days
  alert
limit paid_only
  paid balance may fall to $0
  refuse with 402

limit card
  account.card must be yes
  suspend disk
limit running
  running disk may not exceed plans.disks
  refuse with 402
limit size
  size of running disk may not exceed 5 TB
  refuse with 402
example "a story"
  given account a-1: plan Pro, daily_limit $10, name "Ann  Lee, jr."
  2026-02-17 09:00 topup $50
  2026-02-17T10:00:30 chat: model large  1, input_tokens 1,000, output_tokens 500
  2026-02-17 10:00 to 2026-02-17 19:01 disk: size 5 GB
  2026-02-17 11:00 start disk d-1: size 5
  expect charge $0.0005
  expect charge 48.57% less than "a  thing", rounded to 0.01%
  expect charge 10% more than "a thing"
  expect total $1.00
  expect balance $49
  expect refused 402 by daily_spend
  expect refused 402
  expect accepted
  expect rejected no-row
  expect rejected
  expect alert by low
  expect input $0.0002
  expect input - $0.0002
  expect charge −( $8-$5 )
"""


@cache
def texts() -> dict[str, str]:
    """Every rule file at hand."""
    found = {str(path.relative_to(HERE.parent)): path.read_text(encoding="utf-8") for path in SHIPPED}
    return {"everything": EVERYTHING, **found}


def read(text: str) -> tuple[n.File, list[str], bool]:
    """What a text says, its comments, and whether it has errors."""
    findings = Findings()
    source = Source("x.price", text)
    file = parse(source, findings)
    found = outline(source, Findings())
    comments = {line.number: line.comment for line in found.every if line.comment}
    comments |= {number: comment for number, (_, comment) in found.loose.items()}
    return file, [comments[number] for number in sorted(comments)], findings.has_errors


def laid(text: str) -> str:
    return layout(Source("x.price", text))


def assert_laws(text: str) -> str:
    """The laws for one text; gives its layout."""
    made = laid(text)
    file, comments, wrong = read(text)
    if wrong:
        assert made == text
        return made
    again, comments_again, wrong_again = read(made)
    assert not wrong_again
    assert again == file
    assert comments_again == comments
    assert covered(again, made) == covered(file, text)
    assert laid(made) == made
    lines = made.split("\n")
    assert lines.pop() == ""
    assert lines[-1]
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n\n" not in made
    assert all((len(line) - len(line.lstrip(" "))) % 2 == 0 for line in lines)
    return made


def covered(file: n.File, text: str) -> list[tuple[int, int]]:
    """The lines that each waiver covers, counted without blank lines, comments and rows of dashes."""
    lines = outline(Source("x.price", text), Findings()).every
    counted = [line.number for line in lines if not cells.is_rule(line.text)]
    return [
        (sum(number < waiver.first for number in counted), sum(number <= waiver.last for number in counted))
        for waiver in file.waivers
    ]


# --- texts as they are ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", texts())
def test_the_laws_hold_on_every_rule_file(name: str) -> None:
    assert not read(texts()[name])[2]
    assert_laws(texts()[name])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_laid_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert laid(text) == text


def test_everything_hits_every_construct(monkeypatch: pytest.MonkeyPatch) -> None:
    """A construct without a line in EVERYTHING would be one that no law is tried on."""
    met: set[str] = set()

    def watched(text: str, start: str) -> Tree | None:
        tree = parse_line(text, start)
        met.update(part.data for part in tree.iter_subtrees() if tree is not None)
        return tree

    for module in (reader, check_cells, written):
        monkeypatch.setattr(module, "parse_line", watched)
    read(EVERYTHING)
    grammar = files("pricelang.syntax").joinpath("grammar.lark").read_text(encoding="utf-8")
    rules = set(re.findall(r"-> (\w+)", grammar))
    assert len(rules) > 100
    assert rules <= met, sorted(rules - met)


def test_the_laws_hold_on_random_rulesets() -> None:
    for seed in range(300):
        written = write(Generator(seed).case().rules, Random(seed))
        for text in [written.text, *(text for name, text in written.files.items() if name.endswith(".price"))]:
            assert not read(text)[2]
            assert_laws(text)


# --- one thing at a time ----------------------------------------------------------------------------------------------

HEAD = "ruleset acme\n"


def part(text: str) -> str:
    """The layout of some blocks under a header of their own, without it."""
    made = assert_laws(HEAD + text)
    assert not read(made)[2]
    return made.removeprefix(HEAD).removeprefix("\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("$ 5", "$5"),
        ("US$ 5M", "US$5M"),
        ("5USD", "5 USD"),
        ("USD 5", "USD 5"),
        ("USD   5", "USD 5"),
        ("5K  USD", "5K USD"),
        ("$  5K", "$5K"),
        ("5  %", "5%"),
        ("5 %", "5%"),
        ("1,000", "1,000"),
        ("1000", "1000"),
        ("1K", "1K"),
        ("10GB", "10 GB"),
        ("5 million tokens", "5 million tokens"),
        ("a*b ÷ c/d", "a × b / c / d"),
        ("( a+b )-(c − d)", "(a + b) - (c - d)"),
        ("2.9%of amount", "2.9% of amount"),
        ("models . input", "models.input"),
        ("$5  per 1K\u00a0tokens", "$5 per 1K tokens"),
    ],
)
def test_signs_and_figures(before: str, after: str) -> None:
    assert part(f"unit x = {before}") == f"unit x = {after}\n"


def test_a_minus_is_a_sign_or_stands_between_two_figures() -> None:
    text = 'example "x"\n  expect charge - $5\n  expect fee −$5 - $2\n  expect fee -( a -b )\n  expect fee a-b - c\n'
    assert part(text) == (
        'example "x"\n  expect charge -$5\n  expect fee -$5 - $2\n  expect fee -(a - b)\n  expect fee a-b - c\n'
    )


def test_texts_and_values_stay_as_they_are() -> None:
    text = 'example “ten\u00a0thousand  (“\n  2026-02-17T10:00 chat :model GPT  4 ( new ) ,agent "A,  B",tokens 1,000\n'
    assert part(text) == (
        'example "ten\u00a0thousand  ("\n  2026-02-17 10:00 chat: model GPT  4 ( new ), agent "A,  B", tokens 1,000\n'
    )


def test_a_table_is_padded_by_its_width_on_the_screen() -> None:
    text = "table t by model\n  model | price\n  模型 | $1\n  cafe\u0301 | $10\n  a \\| b | \n"
    assert part(text) == (
        "table t by model\n"
        "  | model  | price |\n"
        "  |--------|-------|\n"
        "  | 模型   | $1    |\n"
        "  | cafe\u0301   | $10   |\n"
        "  | a \\| b |\n"
    )
    assert width("模型") == 4
    assert width("cafe\u0301") == 4


def test_bars_and_comments_in_rows() -> None:
    text = "table t by model\n a|b # one\n ---|---\n x|y# z\n | p | q |# two | # three\n |r|s\\\n"
    assert part(text) == (
        "table t by model\n"
        f"  | a | b    |{' ' * 25}# one\n"
        "  |---|------|\n"
        "  | x | y# z |\n"
        f"  | p | q    |{' ' * 25}# two | # three\n"
        "  | r | s\\   |\n"
    )


def test_the_row_of_dashes_stands_under_the_header_and_what_belongs_to_it() -> None:
    text = 'table t by a\n  | a |\n    allow x "y"\n  | b |\n  from 2026-01-01\n    | a |\n    |---|\n    | c |\n'
    assert part(text) == (
        'table t by a\n  | a |\n    allow x "y"\n  |---|\n  | b |\n  from 2026-01-01\n    | a |\n    | c |\n'
    )


def test_a_row_of_dashes_that_hides_another_or_has_a_comment_stays() -> None:
    layer = "table t by a\n  | a |\n  |---|\n  | b |\n  from 2026-01-01\n    | a  |\n    |----|"
    assert part(f"{layer}\n    | -- |\n") == f"{layer}\n    | -- |\n"
    assert part(f"{layer} # why\n    | c |\n").count("---|") == 2


def test_blank_lines() -> None:
    text = (
        "unit a\nunit b\n\n\nunit c\n# of d\nunit d\nusage e\n\n\n  # first\n\n  x text\n\n\n  y text\n"
        "# of f\n\n\nusage f\n\n# Heading\n\n# of g\nusage g\n\n# End\n\n\n"
    )
    assert part(text) == (
        "unit a\nunit b\n\nunit c\n# of d\nunit d\n\nusage e\n  # first\n\n  x  text\n\n  y  text\n"
        "# of f\n\nusage f\n\n\n# Heading\n\n# of g\nusage g\n\n# End\n"
    )


def test_comments_stay_in_the_block_they_stand_in() -> None:
    text = (
        "usage a\n    x text\n    # y text\n\n  # closes a\n# of b\nprice b\n# of x\n x: x at\n"
        "   when y is z: $1\n      # deeper\n   # z\n  # w\n# end\n   # no deeper\n"
    )
    assert part(text) == (
        "usage a\n  x  text\n  # y text\n\n  # closes a\n\n# of b\nprice b\n  # of x\n  x:  x at\n"
        "    when y is z: $1\n      # deeper\n    # z\n    # w\n# end\n# no deeper\n"
    )


def test_comments_at_the_ends_of_lines() -> None:
    text = (
        "usage a # at 40\n\n  b tokens # two\n  bb tokens\n  c tokens, optional, part of bb, default 0 #three\n\n"
        f"  d tokens # at 40 again\n  e tokens, default {'x' * 60} # far\n"
    )
    ends = [line.index("#") for line in part(text).split("\n") if "#" in line]
    widest = len("  c   tokens, optional, part of bb, default 0")
    assert ends == [widest + 2] * 3 + [COMMENTS_AT, len("  e   tokens, default ") + 60 + 2]


def test_columns() -> None:
    text = (
        "hours h, UTC\n  Monday to Friday 00:00 to 06:00\n  Sunday all day\n"
        "grant a $1 on signup\ngrant long $1 on signup\n\ngrant apart $1 on signup\n"
        'price p\n  a: b at $1 per page\n    at least $1\n  longer: b not charged "x"\n  source "x"\n'
    )
    assert part(text) == (
        "hours h, UTC\n  Monday to Friday  00:00 to 06:00\n  Sunday            all day\n\n"
        "grant a     $1 on signup\ngrant long  $1 on signup\n\ngrant apart $1 on signup\n\n"
        'price p\n  a:       b at $1 per page\n    at least $1\n  longer:  b not charged "x"\n  source "x"\n'
    )


@pytest.mark.parametrize(
    "text", ["", "\n", "# x", "usage  a", "ruleset  x\n  currency  ???\n", "ruleset x\n\tbill every month"]
)
def test_a_file_with_errors_stays_as_it_is(text: str) -> None:
    assert laid(text) == text


def test_a_row_that_would_become_too_long_leaves_the_file_as_it_is() -> None:
    text = f"{HEAD}table t by a\n  a | b\n  {'x' * (MOST_LINE - 4)} | 1\n"
    assert not read(text)[2]
    assert assert_laws(text) == text


def test_a_grant_with_a_waiver_stands_alone() -> None:
    text = 'grant a $1 on signup\ngrant long $1 on signup\n  allow x "y"\ngrant c $1 on signup\ngrant dd $1 on signup\n'
    assert part(text) == (
        'grant a $1 on signup\n\ngrant long $1 on signup\n  allow x "y"\n\n'
        "grant c   $1 on signup\ngrant dd  $1 on signup\n"
    )


def test_a_value_that_begins_like_a_comment() -> None:
    text = "usage a\n  b one of x,#y\n"
    assert part(text) == "usage a\n  b  one of x,#y\n"


def test_a_row_of_dashes_may_be_wider_than_its_table() -> None:
    assert part("table t by a\n  a | b\n  --|--|--\n  c | d\n").endswith("|---|---|\n  | c | d |\n")


# --- what one layout needs of the parser ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["5K USD", "5K  USD", "USD 5K", "USD  5K", "5000 USD", "5000USD"])
def test_an_amount_is_the_same_in_every_spelling(text: str) -> None:
    file, _, wrong = read(f"{HEAD}unit x = {text}\n")
    assert not wrong
    assert file.blocks[1] == n.UnitBlock("x", n.Money(Fraction(5000), "USD"))


def test_only_without_spaces_is_without_spaces() -> None:
    file, _, wrong = read(f"{HEAD}usage a\n  b characters of spaces\n  c characters of c without\u00a0 spaces\n")
    assert not wrong
    usage = file.blocks[1]
    assert isinstance(usage, n.UsageBlock)
    assert [field.without_spaces for field in usage.fields if isinstance(field, n.FieldDecl)] == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        'usage a\n  b text\n    allow x "y"\n      c text\n',
        'price a\n  b: c at\n    allow x "y"\n      otherwise: $1\n    otherwise: $1\n',
    ],
)
def test_no_line_beneath_a_waiver_is_passed_over(text: str) -> None:
    assert read(HEAD + text)[2]


# --- texts in any layout ----------------------------------------------------------------------------------------------


def scrambled(text: str, rng: Random, *, spaces: bool, between: bool) -> str:
    """The same lines in another layout: indentation, ends of lines, cells, bars; `spaces` also within lines, and
    `between` also blank lines and comments."""
    source = Source("x.price", text)
    found = outline(source, Findings())
    above: dict[int, str] = dict.fromkeys(range(1, len(source.starts) + 1), "")
    shifts: dict[int, int] = {}

    def indent(lines: list[Line], at: int) -> None:
        for line in lines:
            shifts[line.number] = at
        for line in lines:
            if line.children:
                indent(line.children, at + rng.randint(1, 6))

    indent(found.lines, 0)
    lines = {line.number: line for line in found.every}
    result: list[str] = []
    for number in above:
        if between and rng.random() < 0.1:
            result.extend(rng.choice([[""], ["", " "], [" " * rng.randint(0, 8) + "# new, “quoted” | x"]]))
        if number in found.loose:
            below = next((shifts[other] for other in range(number, len(above) + 1) if other in lines), 0)
            at = rng.randint(0, 9) if between else below
            result.append(" " * at + found.loose[number][1])
        elif number in lines:
            line = lines[number]
            words = line.text
            if cells.is_row(words) and " | " in words and not words.startswith("price"):
                words = row(words, rng)
                if line.comment and words.startswith("|") and not words.endswith("|"):
                    words += " |"  # without its last bar a row takes the comment into its last cell
            elif spaces:
                words = "".join(rng.choice([" ", "  ", "\u00a0", "\u202f "]) if c == " " else c for c in words)
                words = "".join(rng.choice("“”„") if c == '"' and rng.random() < 0.2 else c for c in words)
                if '"' not in words:
                    words = _SIGN.sub(lambda sign: rng.choice(["", " "]) + sign[1] + rng.choice(["", " "]), words)
                    words = words.strip()
            comment = line.comment
            if between and not comment and rng.random() < 0.1:
                comment = rng.choice(["# a note", "#note", '# "', "# 注 | # x"])
            if comment:
                words += " " * rng.randint(1, 5) + comment
            result.append(" " * shifts[number] + words + " " * rng.choice([0, 0, 3]))
        elif not between or rng.random() < 0.7:
            result.append(" " * rng.choice([0, 0, 5]))
    end = rng.choice(["\n", "\r\n"])
    return rng.choice(["", "\ufeff"]) + end.join(result) + end * rng.randint(0, 3)


def row(text: str, rng: Random) -> str:
    """A row of a table with other padding, or without its outer bars where they can be left out."""
    if cells.is_rule(text):
        columns = text.strip("|").count("|") + 1
        dashes = [rng.choice(["--", ":---", "---:", " -- "]) for _ in range(columns)]
        return rng.choice(["|" + "|".join(dashes) + "|", "|".join(dashes).strip()]) if columns > 1 else "|---|"
    inner = [word.text.replace("|", "\\|") for word in cells.cut(Line(1, 0, text, 0, ""), Source("x", text)).cells]
    padded = [" " * rng.randint(0, 3) + cell + " " * rng.randint(0, 3) for cell in inner]
    if len(inner) > 1 and inner[0] and inner[-1] and '"' not in inner[0] and rng.random() < 0.5:
        return rng.choice(["{}", "| {}", "{} |"]).format(" | ".join(padded)).strip()
    return f"|{'|'.join(padded)}|"


_SIGN = re.compile(r" ?(?<!\d)([,:()=×])(?!\d) ?")
CHOSEN = st.sampled_from(sorted(texts()))
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=150, deadline=None)
@given(CHOSEN, SEEDS)
def test_one_layout_comes_of_all_layouts(name: str, seed: int) -> None:
    text = laid(texts()[name])
    other = scrambled(text, Random(seed), spaces=False, between=False)
    assert not read(other)[2]
    assert laid(other) == text


@settings(max_examples=300, deadline=None)
@given(CHOSEN, SEEDS)
@example("everything", 0)
def test_the_laws_hold_on_any_layout(name: str, seed: int) -> None:
    rng = Random(seed)
    assert_laws(scrambled(texts()[name], rng, spaces=rng.random() < 0.5, between=True))

"""What is told of changed rules: nothing of formatting and names, something of every difference in meaning."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import cast

import pytest

import pricelang
from compare.mutate import Rules
from compare.mutate import changed
from compare.mutate import mutations
from compare.mutate import shuffled
from compare.samples import ACME
from compare.samples import PLAIN
from compare.samples import REGIONS
from compare.samples import changes
from compare.samples import edited
from compare.samples import flat
from compare.samples import told
from pricelang.compare import shape
from pricelang.compare.changes import GROUPS
from pricelang.compare.rules import COMPARED
from pricelang.compare.rules import compare_rules
from pricelang.core.program import Program
from pricelang.library import Ruleset
from pricelang.source import Source
from pricelang.syntax.layout import layout
from reference.generate import Generator
from reference.write import write

ROOT = Path(__file__).parent.parent.parent
RULES = sorted([*ROOT.glob("rulesets/*/*.price"), *ROOT.glob("tests/cases/*.price")])
EXAMPLE = ("  expect input $0.05\n", "")


def compared(old: Program, new: Program, sources: dict[str, Source]) -> list[str]:
    left, right = (cast(Ruleset, Rules(one, sources)) for one in (old, new))
    return told(list(compare_rules(left, right).changes))


# --- nothing --------------------------------------------------------------------------------------------------------


def untidy(text: str, random: Random) -> str:
    """The same rules in another layout: spaces in tables, blank lines, comments."""
    lines = []
    for line in text.splitlines():
        if line.lstrip().startswith("|") and "---" not in line:
            indent = line[: len(line) - len(line.lstrip())]
            row = line.split("   # ")[0].strip()
            cells = [
                f"{' ' * random.randrange(4)}{cell.strip()}{' ' * random.randrange(4)}" for cell in row[1:-1].split("|")
            ]
            line = f"{indent}|{'|'.join(cells)}|" if row.endswith("|") else line
        elif not line.strip() or (line and line[0].isalpha()):
            lines += ["", "# " + random.choice(("a word", "$5 per 1M tokens", "table"))][: random.randrange(3)]
        lines.append(line)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_another_layout_is_no_change(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    files = {one.name: one.read_text(encoding="utf-8") for one in path.parent.glob("*.csv")}
    rough = untidy(text, Random(path.stem))
    assert rough != text
    assert told(changes(text, rough, files)) == []
    tidy = layout(Source("rules.price", rough))
    assert tidy is not None
    assert told(changes(text, tidy, files)) == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_another_order_of_rows_tables_prices_and_fields_is_no_change(path: Path) -> None:
    rules = pricelang.load(path)
    for seed in range(3):
        other = shuffled(rules.program, Random(seed))
        assert compared(rules.program, other, rules.sources) == []


def blocks(text: str) -> list[str]:
    """The blocks of a rule file, the first its header."""
    return [one.strip("\n") for one in re.split(r"\n(?=[a-z])", text)]


def test_another_order_of_blocks_is_no_change_but_that_of_limits() -> None:
    header, *rest = blocks(ACME)
    limits = [one for one in rest if one.startswith("limit")]
    for seed in range(5):
        mixed = [one for one in rest if not one.startswith("limit")]
        Random(seed).shuffle(mixed)
        assert told(changes(ACME, "\n\n".join([header, *mixed, *limits]) + "\n")) == []
    mixed = [one for one in rest if not one.startswith("limit")]
    found = told(changes(ACME, "\n\n".join([header, *mixed, *reversed(limits)]) + "\n"))
    assert found == ["accounts | limits | limits are asked in another order: rate_limit, daily_spend"]


def test_another_order_of_layers_is_no_change() -> None:
    old = edited(
        (
            "  when tier is batch and during night\n",
            "  when tier is standard and during night\n    | model   | input |\n    | large-1 | $0.12 |\n\n"
            "  when tier is batch and during night\n",
        )
    )
    one = "  when tier is standard and during night\n    | model   | input |\n    | large-1 | $0.12 |\n"
    other = "  when tier is batch and during night\n    | model   | input |\n    | large-1 | $0.15 |\n"
    assert f"{one}\n{other}" in old
    assert told(changes(old, old.replace(f"{one}\n{other}", f"{other}\n{one}"))) == []


@pytest.mark.parametrize(
    "names",
    [
        [("night", "dark")],
        [("models", "catalog")],
        [("instances", "machines")],
        [("| input | cached ", "| prompt | cached "), ("models.input", "models.prompt"), ("| input |", "| prompt |"), ("as input", "as prompt"), ("of input |", "of prompt |")],
        [("hourly", "price")],
        [("compute", "gb_seconds")],
        [("beyond calls", "beyond free_calls"), ('allowance calls "', 'allowance free_calls "')],
        [("night", "dark"), ("models", "catalog"), ("hourly", "rate_of_it"), ("compute", "used")],
        [("ruleset acme", "ruleset beacon")],
    ],
    ids=lambda names: "+".join(old for old, _ in names),
)  # fmt: skip
def test_another_name_of_what_only_the_rules_name_is_no_change(names: list[tuple[str, str]]) -> None:
    assert told(changes(ACME, edited(*names))) == []
    assert told(changes(edited(*names), ACME)) == []


def test_a_renamed_table_is_the_same_table_and_its_changes_are_told() -> None:
    found = told(changes(ACME, edited(("models", "catalog"), ("| large-1 | $0.20 |", "| large-1 | $0.18 |"))))
    assert found == [
        "down | catalog: large-1, input | $0.20 → $0.18 per 1M tokens (-10 %) | until 2026-02-28 and from 2026-04-01"
    ]


def test_a_table_from_a_spreadsheet_is_the_same_table() -> None:
    inline = edited(("\n  when tier is batch and during night\n    | model   | input |\n    | large-1 | $0.15 |\n", ""))
    head = inline.index("  from 2026-03-01")
    start = inline.index("  | model   | input | cached       |")
    apart = (
        inline[:start].replace("per 1M tokens\n  source", 'per 1M tokens, from "models.csv"\n  source') + inline[head:]
    )
    csv = "cached,model,input\n50% of input,large-1,$0.20\n—,old-1,—\nas input,small-1,$0.05\n"
    assert told(changes(inline, apart, {"models.csv": csv})) == []
    cheaper = {"models.csv": csv.replace("$0.05", "$0.04")}
    (found,) = changes(edited(EXAMPLE, text=inline), edited(EXAMPLE, text=apart), {}, cheaper)
    assert (found.subject, found.item, found.place) == ("models: small-1", "input", "models.csv:4")


def test_a_contract_laid_on_a_price_list_is_the_same_as_one_file() -> None:
    contract = """\
ruleset bigco "Acme AI" based on "acme.price"

table models
  | model   | input |
  | small-1 | $0.03 |

price chat
  memory:  compute at $0.05 per GB-hour
"""
    flat_ = edited(
        ("| small-1 | $0.05 |", "| small-1 | $0.03 |"),
        ("compute at $0.06 per GB-hour\n    rounded to $0.001, half up", "compute at $0.05 per GB-hour"),
        text=PLAIN,
    )
    base = {"acme.price": PLAIN}
    assert told(changes(flat_, contract, base)) == []
    assert told(changes(contract, flat_, base)) == []
    found = told(changes(PLAIN, contract, base))
    assert "down | models: small-1, input | $0.05 → $0.03 per 1M tokens (-40 %)" in found


@pytest.mark.parametrize("seed", range(30))
def test_another_spelling_of_a_random_ruleset_is_no_change(seed: int) -> None:
    """Columns in another order, other suffixes, other separators, tables from CSV: one description, written twice."""
    case = Generator(seed).case()
    one, other = (write(case.rules, Random(at)) for at in (seed, seed + 1))
    assert one.text != other.text
    old, new = (pricelang.load_text(each.text, "x.price", each.files) for each in (one, other))
    found = [one for one in told(list(compare_rules(old, new).changes)) if "| sources |" not in one]
    assert found == []
    for what, program in mutations(old.program, Random(seed), 5):
        if not what.startswith(("InForce", "Layer")):  # these may be hidden by others on top of them
            assert compared(old.program, program, old.sources), what


def test_names_of_one_row_or_of_several_rows_are_the_same() -> None:
    one = edited(("| small-1 |", "| small-1, tiny-1 |"))
    two = edited(
        (
            "  | small-1 | $0.05 | as input     |\n",
            "  | tiny-1 | $0.05 | as input |\n  | small-1 | $0.05 | as input |\n",
        )
    )
    assert told(changes(one, two)) == []
    assert told(changes(ACME, one)) == ["other | models: tiny-1 | new row: input $0.05 per 1M tokens, cached as input"]


def test_dates_cut_otherwise_are_the_same() -> None:
    """An offer in two parts gives the same price at every time."""
    cut = edited(
        (
            '  from 2026-03-01 until 2026-03-31 "spring"\n    | model   | input |\n    | large-1 | $0.10 |\n',
            '  from 2026-03-01 until 2026-03-14 "spring"\n    | model   | input |\n    | large-1 | $0.10 |\n\n'
            '  from 2026-03-15 until 2026-03-31 "spring"\n    | model   | input |\n    | large-1 | $0.10 |\n',
        )
    )
    assert told(changes(ACME, cut)) == []


# --- something ------------------------------------------------------------------------------------------------------

SAID = [
    ([("| large-1 | $0.20 |", "| large-1 | $0.18 |")],
     ["down | models: large-1, input | $0.20 → $0.18 per 1M tokens (-10 %) | until 2026-02-28 and from 2026-04-01"]),
    ([("$0.15", "$0.12")],
     ["down | models: large-1, input | $0.15 → $0.12 per 1M tokens (-20 %) | during night when tier is batch"]),
    ([("until 2026-03-31", "until 2026-04-30")],
     ['down | models | offer "spring" ends 2026-04-30 instead of 2026-03-31',
      'down | models: large-1, input | $0.20 → $0.10 per 1M tokens (-50 %) | from 2026-04-01 until 2026-04-30 ("spring")']),
    ([("from 2026-03-01 until", "from 2026-02-15 until")],
     ['down | models | offer "spring" begins 2026-02-15 instead of 2026-03-01',
      'down | models: large-1, input | $0.20 → $0.10 per 1M tokens (-50 %) | from 2026-02-15 until 2026-02-28 ("spring")']),
    ([('"spring"', '"summer"')], ['wording | models | offer "summer" was called "spring"']),
    ([("| small-1 | $0.05 |", "| small-1 | $0.04 |"), EXAMPLE, ("example \"a million\"\n  given account a: plan Pro\n  2026-02-17 10:00 chat: model small-1, input_tokens 1M, memory 1 GB, duration 1 hour\n", "")],
     ["down | models: small-1, input | $0.05 → $0.04 per 1M tokens (-20 %)",
      "down | models: small-1, cached | as input: $0.05 → $0.04 per 1M tokens (-20 %)",
      "wording | examples | 1 gone", 'wording | "a million" | gone']),
    ([("as input     |", "$0.01 |")],
     ["down | models: small-1, cached | as input ($0.05 per 1M tokens) → $0.01 per 1M tokens (-80 %)"]),
    ([("as input     |", "40% of input |")], ["down | models: small-1, cached | as input → 40% of input (-60 %)"]),
    ([("| old-1   | —     | —            |", "| old-1 | $1 | free |")],
     ["other | models: old-1, input | now offered: $1.00 per 1M tokens",
      "other | models: old-1, cached | now offered: free"]),
    ([("  | small-1 | $0.05 |", "  | any | $0.01 | $0.01 |\n  | small-1 | $0.05 |")],
     ["other | models: any | new row: input $0.01 per 1M tokens, cached $0.01 per 1M tokens"]),
    ([("| GPU S ", "| GPU XS ")],
     ["other | instances: GPU XS | new row: hourly $0.60; same prices as GPU S, which is gone",
      "other | instances: GPU S | no longer offered; it was hourly $0.60"]),
    ([("| Developer | $29 | 600", "| Developer | $35 | 300")],
     ["up | plans: Developer, fee | $29.00 → $35.00 (+20.7 %)", "accounts | plans: Developer, rpm | 600 → 300"]),
    ([("$0.06 per GB-hour", "$0.05 per GB-hour")],
     ["down | chat: memory | $0.06 → $0.05 per GB-hour (-16.7 %)"]),
    ([("less 50%", "less 40%")], ["up | chat: input | less 50% during night → less 40% during night"]),
    ([("    less 50% during night\n", "")], ["up | chat: input | no longer: less 50% during night"]),
    ([("packages of 100 at", "packages of 200 at")],
     ["other | chat: search | in packages of 100 → in packages of 200"]),
    ([("$0.50 per package", "$0.60 per package")], ["up | chat: search | $0.50 → $0.60 per package (+20 %)"]),
    ([("at least $0.001", "at least $0.002")], ["up | chat: together | at least $0.001 → at least $0.002 (+100 %)"]),
    ([("rounded to $0.001, half up", "rounded to $0.001, half even")],
     ["other | chat: memory | rounded to $0.001, half up → rounded to $0.001, half even"]),
    ([("$0.002 per request", "$0.003 per request")],
     ["up | chat: calls, above 10,000 requests up to 100,000 requests | $0.002 → $0.003 per request (+50 %)"]),
    ([("unit credit = 0.01", "unit credit = 0.02")],
     ["up | chat: calls, above 100,000 requests | $0.01 → $0.02 per request (+100 %)"]),
    ([("up to 10K", "up to 20K")],
     ["other | chat: calls, up to 20,000 requests | the band is up to 20,000 requests instead of up to 10,000 requests",
      "other | chat: calls, above 20,000 requests up to 100,000 requests | the band is above 20,000 requests up to "
      "100,000 requests instead of above 10,000 requests up to 100,000 requests"]),
    ([("each month\n    up to", "each day\n    up to")], ["other | chat: calls | counted each day instead of month"]),
    ([("package when tier is batch", "package when tier is standard")],
     ["other | chat: search | charged when tier is standard instead of when tier is batch"]),
    ([("  calls:   requests", "  per_call:   requests")], ["wording | chat: per_call | the line was called `calls`"]),
    ([("every started hour", "every started day")],
     ["other | deployment: hours | charged every started day instead of every started hour"]),
    ([("22:00 to", "21:00 to")],
     ["other | hours night | every day 21:00 to 06:00 UTC instead of every day 22:00 to 06:00 UTC"]),
    ([("2,000 requests", "1,000 requests")], ["accounts | allowance calls | 2,000 requests → 1,000 requests (-50 %)"]),
    ([("in advance, prorated by day", "in advance")], ["accounts | fee plan | prorated by day: no instead of yes"]),
    ([('plus 20% "VAT"', 'plus 21% "VAT"')], ['up | bill | plus 20% "VAT" → plus 21% "VAT"']),
    ([("| $50         | 5%", "| $50         | 6%")], ["accounts | top-up, $50.00 | bonus 5% → bonus 6%"]),
    ([("  | $50         | 5%    |\n", "")], ["accounts | top-up, $50.00 | no longer offered; it was bonus 5%"]),
    ([("refill $20", "refill $30")], ["accounts | refill | amount: $30.00 instead of $20.00"]),
    ([("after 30 days", "after 60 days")], ["accounts | grant trial | expires: 60 days instead of 30 days"]),
    ([("refuse chat with 429", "refuse chat with 402")],
     ["accounts | limit rate_limit | refuses chat with 402 instead of refuses chat with 429"]),
    ([("spend each day may", "spend each week may")],
     ["accounts | limit daily_spend | spend each day may reach account.daily_limit → spend each week may reach "
      "account.daily_limit"]),
    ([("accepted for 3 days", "accepted for 5 days")],
     ["accounts | late usage | late usage is accepted for 5 days instead of 3 days"]),
    ([("limit rate_limit", "limit rpm")], ["wording | limit rpm | was called `rate_limit`"]),
    ([("  tier           one of standard or batch, default standard", "  tier           one of standard or batch")],
     ["records | chat, tier | one of standard, batch instead of one of standard, batch, default standard; "
      "records without it are rejected",
      "wording | examples | 1 stating something else", 'wording | "a million" | states something else']),
    ([("  model          text\n", "  model          text\n  user  text, optional\n")],
     ["records | chat, user | new field: text, optional"]),
    ([("show to $0.01", "show to $0.0001")],
     ["wording | ruleset, show to | amounts are shown to $0.0001 instead of $0.01"]),
    ([("bill every month", "bill every week")],
     ["accounts | ruleset, bill | a bill every week instead of every month"]),
    ([("$0.0001, half up", "$0.0001, half even")],
     ["other | ruleset, round each line | rounded to $0.0001, half even instead of rounded to $0.0001, half up"]),
    ([("USD", "EUR"), ("$", "€")], ["other | ruleset, currency | all amounts are in EUR instead of USD"]),
    ([("memory × duration", "memory × duration × 2")],
     ["other | chat, compute | computed as memory × duration × 2 instead of memory × duration"]),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "expected"), SAID, ids=[edits[0][1].strip()[:40] for edits, _ in SAID])
def test_a_change_is_told_in_words(edits: list[tuple[str, str]], expected: list[str]) -> None:
    text = edited(*edits)
    if "tier           one of standard or batch\n" in text:
        text = text.replace("model small-1, input", "model small-1, tier batch, input")
    assert told(changes(ACME, text)) == expected


def test_a_row_that_another_row_prices_now_is_told_with_its_prices() -> None:
    old = edited(
        ("  | small-1 | $0.05 |", "  | any | $0.01 | $0.01 |\n  | mini-1 | $0.07 | free |\n  | small-1 | $0.05 |")
    )
    found = told(changes(old, edited(("  | mini-1 | $0.07 | free |\n", ""), text=old)))
    assert (
        found
        == [
            "other | models: mini-1 | no row of its own any more; the row any prices it",
            "down | models: mini-1, input | $0.07 → $0.01 per 1M tokens (-85.7 %)",
            "other | models: mini-1, cached | free → $0.01 per 1M tokens",
        ]
        or found[2] == "up | models: mini-1, cached | free → $0.01 per 1M tokens"
    )
    back = told(changes(edited(("  | mini-1 | $0.07 | free |\n", ""), text=old), old))
    assert back[0] == "other | models: mini-1 | a row of its own; it was priced by the row any"


def test_another_time_zone_moves_days_and_is_told_once() -> None:
    found = told(changes(PLAIN, edited(("timezone UTC", "timezone Asia/Shanghai"), text=PLAIN)))
    assert found == ["other | ruleset, timezone | days, months and dates begin in Asia/Shanghai instead of UTC"]


def test_places_are_those_of_the_new_rules_or_of_the_old_where_something_is_gone() -> None:
    (one,) = changes(ACME, edited(("$0.06 per", "$0.05 per")))
    assert one.place == f"new.price:{ACME[: ACME.index('$0.06 per')].count(chr(10)) + 1}"
    gone = changes(
        ACME, edited(("  search:  requests in packages of 100 at $0.50 per package when tier is batch\n", ""))
    )
    assert [one.place for one in gone] == [f"old.price:{ACME[: ACME.index('  search:')].count(chr(10)) + 1}"]


def test_ratios_are_exact() -> None:
    (one,) = changes(ACME, edited(("$0.06 per", "$0.05 per")))
    assert one.ratio == Fraction(-1, 6)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_random_change_of_a_core_is_told(path: Path) -> None:
    rules = pricelang.load(path)
    random = Random(path.stem)
    seen = 0
    for what, other in mutations(rules.program, random, 40):
        for old, new in ((rules.program, other), (other, rules.program)):
            left, right = (cast(Ruleset, Rules(one, rules.sources)) for one in (old, new))
            found = list(compare_rules(left, right).changes)
            assert found, what
            for one in flat(found):
                assert one.said, what
                assert one.group in GROUPS
                assert not one.old or one.old != one.new, f"{what}: {one.said}"
        seen += 1
    assert seen == 40


def test_random_changes_reach_the_whole_of_the_sample() -> None:
    """Every field of every node of the sample is changed at least once, and told."""
    rules = pricelang.load_text(ACME)
    seen = set()
    for what, other in mutations(rules.program, Random(7), 600):
        seen.add(what.split(":")[0])
        assert compared(rules.program, other, rules.sources), what
    assert len(seen) > 90


def test_a_program_compared_with_itself_changed_nowhere() -> None:
    rules = pricelang.load_text(ACME)
    assert changed(rules.program, (), rules.program) is rules.program
    assert compared(rules.program, rules.program, rules.sources) == []


def test_no_field_of_a_program_is_forgotten() -> None:
    assert set(COMPARED) == set(Program.__match_args__)


def test_what_takes_no_part_is_there() -> None:
    """Names in the lists of what is silent or without order are fields of the core."""
    from pricelang import period
    from pricelang.core import ops
    from pricelang.core import policy
    from pricelang.core import program

    for one in (*shape.SILENT, *shape.UNORDERED):
        kind, _, name = one.rpartition(".")
        if kind:
            node = next(getattr(room, kind) for room in (ops, policy, program, period) if hasattr(room, kind))
            assert name in node.__match_args__, one


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_any_two_rulesets_can_be_compared(path: Path) -> None:
    """However little they share, there are words for it; and the same number of changes each time."""
    new = pricelang.load(path)
    for other in RULES:
        old = pricelang.load(other)
        found = list(compare_rules(old, new, str(other), str(path)).changes)
        assert bool(found) == (other != path)
        for one in flat(found):
            assert one.said
            assert one.place
            assert "None" not in one.said
            assert "Fraction(" not in one.said


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("$1 per", "$2 per"), "up | chat: all when account.region is us | $1 → $2 per 1M tokens (+100 %)"),
        (("$2 per", "$3 per"), "up | chat: all when account.region is eu | $2 → $3 per 1M tokens (+50 %)"),
        (("$29", "$30"), "up | fee plan when account.region is us | $29.00 → $30.00 (+3.4 %)"),
        (("$39", "$38"), "down | fee plan when account.region is eu | $39.00 → $38.00 (-2.6 %)"),
        (("plus 20%", "plus 21%"), 'up | bill when account.region is us | plus 20% "VAT" → plus 21% "VAT"'),
        (("plus 19%", "plus 18%"), 'down | bill when account.region is eu | plus 19% "VAT" → plus 18% "VAT"'),
        (
            ("10% of all", "12% of all"),
            "other | chat: tax when account.region is eu | charges 0.12 × all instead of 0.1 × all",
        ),
    ],
)
def test_what_has_one_name_under_several_conditions_is_told_apart(edit: tuple[str, str], expected: str) -> None:
    assert told(changes(REGIONS, edited(edit, text=REGIONS))) == [expected]


def test_blocks_under_conditions_in_another_order_are_no_change() -> None:
    header, *rest = blocks(REGIONS)
    for seed in range(5):
        Random(seed).shuffle(rest)
        assert told(changes(REGIONS, "\n\n".join([header, *rest]) + "\n")) == []


def test_random_changes_under_conditions_are_told() -> None:
    rules = pricelang.load_text(REGIONS)
    for what, other in mutations(rules.program, Random(3), 200):
        assert compared(rules.program, other, rules.sources), what


def test_a_renamed_line_is_told_once_wherever_others_name_it() -> None:
    text = edited(("  all:  tokens at $2", "  base:  tokens at $2"), ("10% of all", "10% of base"), text=REGIONS)
    assert told(changes(REGIONS, text)) == [
        "wording | chat: base when account.region is eu | the line was called `all`"
    ]


@pytest.mark.parametrize(
    ("other", "group"),
    [
        ("10% of base", "up"),
        ("base", "up"),
        ("base + $1", "up"),
        ("$100 - base", "other"),
        ("$1\n    less 10% when base above $1", "other"),
    ],
)
def test_which_way_a_line_that_others_name_goes(other: str, group: str) -> None:
    text = f"""\
ruleset r
  currency USD

usage chat
  tokens  tokens

price chat
  base:  tokens at $1 per 1M tokens
  more:  {other}
"""
    assert [one.group for one in changes(text, edited(("at $1", "at $2"), text=text))] == [group]


def charges(text: str) -> list[Fraction]:
    """What records of many kinds come to, each by itself."""
    rules = pricelang.load_text(text)
    found = []
    for at in ("2026-02-17T10:00", "2026-02-17T23:30", "2026-03-10T10:00", "2026-04-10T23:30", "2026-12-24T10:00"):
        for model in ("small-1", "large-1"):
            for tier in ("standard", "batch"):
                for tokens in (0, 1, 100_000, 3_000_000):
                    record: dict[str, object] = {"id": "r", "type": "chat", "at": f"{at}:00Z", "account": "a"}
                    record |= {"model": model, "tier": tier, "input_tokens": tokens, "cached_tokens": tokens // 3}
                    charge = rules.rate({**record, "memory": 3, "duration": 5000})
                    found.append(Fraction(charge.amount))
    return found


@pytest.mark.parametrize("direction", ["up", "down"])
def test_prices_told_to_go_up_never_charge_less(direction: str) -> None:
    """All edits of which only one direction is told: no record is charged the other way."""
    seen = 0
    before = charges(PLAIN)
    for edits, expected in SAID:
        if {one.split(" ")[0] for one in expected} != {direction} or EXAMPLE in edits:
            continue
        try:
            after = charges(edited(*edits, text=PLAIN))
        except AssertionError:
            continue
        seen += 1
        for old, new in zip(before, after, strict=True):
            assert new >= old if direction == "up" else new <= old, edits
    assert seen >= 5


def test_a_table_that_is_looked_up_by_one_key_more_is_compared_row_by_row() -> None:
    old = edited(
        ("| GPU S    | $0.60  |", "| GPU S    | $0.60  |\n  | GPU M    | $1.80  |"),
        ("  instance  text", "  instance  text\n  region  one of us or eu"),
        text=PLAIN,
    )
    table = old[old.index("table instances") : old.index("table plans")]
    new = old.replace(
        table,
        """\
table instances by instance and region
  | instance | region | hourly |
  |----------|--------|--------|
  | GPU S    | us     | $0.60  |
  | GPU S    | eu     | $0.70  |
  | GPU L    | any    | $3.50  |

""",
    )
    assert told(changes(old, new)) == [
        "up | instances: GPU S / eu, hourly | $0.60 → $0.70 (+16.7 %)",
        "other | instances | rows are found by instance and region instead of instance",
        "other | instances: GPU M | no longer offered; it was hourly $1.80",
        "other | instances: GPU L / any | new row: hourly $3.50",
    ]
    assert told(changes(new, old))[:2] == [
        "down | instances: GPU S / eu, hourly | $0.70 → $0.60 (-14.3 %)",
        "other | instances | rows are found by instance instead of instance and region",
    ]

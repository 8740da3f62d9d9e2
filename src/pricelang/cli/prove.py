"""`pricelang prove`: what holds for every record of a ruleset, or of two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pricelang.cli.findings import path_of
from pricelang.cli.rules import Stopped
from pricelang.cli.rules import Unreadable
from pricelang.cli.rules import rule_files

if TYPE_CHECKING:
    from pricelang.compare.revisions import Named
    from pricelang.library import Ruleset
    from pricelang.proofs.same import Answer

COMPARISONS = ("same", "never-dearer")
_MARKS = {"proved": "✓", "refuted": "✗", "not decided": "?"}


@click.command("prove", short_help="Prove what holds for every record, or refute it with one.")
@click.argument("words", metavar="[same|never-dearer] RULES...", nargs=-1, required=True)
@click.option("--where", default="", metavar="CONDITION", help="Only records such as `model is large-1`.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text for people, json for programs.",
)
def command(words: tuple[str, ...], where: str, output_format: str) -> None:
    """Prove what holds for every record that fits, at every date; or refute it with the smallest record that shows it.

    \b
    prove RULES...               nothing unpriced or charged twice, no cliffs, all reached, limits, plans, rounding
    prove same OLD NEW           each record is charged the same by both
    prove never-dearer OLD NEW   no record is charged more by NEW

    Exit code 0: proved. 1: refuted, or not decided. 2: rules that cannot be read or have errors, or a condition that
    cannot be understood.
    """
    if words[0] in COMPARISONS and not (len(words) == 1 and Path(words[0]).exists()):
        if len(words) != 3:
            raise click.UsageError(f"`prove {words[0]}` takes two rulesets, OLD and NEW")
        _compared(words[0], words[1], words[2], where, output_format)
        return
    if where:
        raise click.UsageError("--where belongs to `prove same` and `prove never-dearer`")
    _proved(words, output_format)


def _proved(paths: tuple[str, ...], output_format: str) -> None:
    from pricelang.cli.findings import counted
    from pricelang.cli.findings import show_errors
    from pricelang.proofs.run import claims_of
    from pricelang.reading import reading_of

    told: list[dict[str, object]] = []
    wrong = False
    answers: dict[str, int] = {}
    for file in rule_files(paths):
        if isinstance(file, Unreadable):
            file.show()
            wrong = True
            continue
        reading = reading_of(file, examples=False)
        if reading.program is None or reading.has_errors:
            show_errors(reading.findings, file, reading.sources)
            click.echo(f"{file}: nothing is proved of rules with errors", err=True)
            wrong = True
            continue
        if output_format == "text":
            click.echo(f"{file}")
        told_of: dict[tuple[str, str, str], list[str]] = {}
        claims = claims_of(reading)
        for claim in claims:
            told_of.setdefault((claim.kind, claim.answer, claim.said), []).append(claim.about)
        for claim in claims:
            answers[claim.answer] = answers.get(claim.answer, 0) + 1
            about = told_of[claim.kind, claim.answer, claim.said]
            if output_format == "text" and claim.about == about[0]:
                names = ", ".join(about)
                click.echo(f"  {_MARKS[claim.answer]} {claim.answer} {claim.kind} of {names}: {claim.said}")
                for finding in claim.findings:
                    click.echo(
                        f"      {path_of(file, finding.place.path)}:{finding.place.line} {finding.record}".rstrip()
                    )
                continue
            told.append(
                {
                    "path": str(file),
                    "claim": claim.kind,
                    "about": claim.about,
                    "answer": claim.answer,
                    "said": claim.said,
                    "findings": [
                        {
                            "path": path_of(file, one.place.path),
                            "line": one.place.line,
                            "code": one.code,
                            "message": one.message,
                            "record": json.loads(one.record) if one.record else None,
                        }
                        for one in claim.findings
                    ],
                }
            )
    if output_format == "json":
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif answers:
        click.echo(
            ", ".join(f"{number} {answer}" for answer, number in answers.items())
            + f" of {counted(sum(answers.values()), 'claim')}"
        )
    if wrong:
        raise Stopped(2)
    if set(answers) - {"proved"}:
        raise Stopped(1)


def _compared(claim: str, old: str, new: str, where: str, output_format: str) -> None:
    from pricelang.proofs.same import compare
    from pricelang.proofs.where import NotUnderstood

    told: list[dict[str, object]] = []
    is_proved, last = True, ""
    pairs, alone = _pairs(_opened(old), _opened(new))
    for name, before, after in pairs:
        try:
            answer = compare(before.program, after.program, claim, where)
        except NotUnderstood as error:
            last = str(error)
            continue
        except ValueError as error:
            raise Unreadable(f"{name}: {error}" if name else str(error)) from None
        is_proved = is_proved and answer.answer == "proved"
        if output_format == "json":
            told.append({"ruleset": name or after.name, **_as_dict(answer, (before, after))})
        else:
            _tell(name, answer, (before, after))
        last = last if where and not last else ""
    if last and not told and len(pairs) == 1:
        raise click.UsageError(last)
    for name, side in alone:
        click.echo(f"{name} is in the {side} rules alone, and was compared with nothing", err=True)
    if output_format == "json":
        click.echo(json.dumps(told[0] if len(pairs) == 1 and told else told, indent=2, ensure_ascii=False))
    if not is_proved or alone:
        raise Stopped(1)


def _opened(spec: str) -> list[Named]:
    """The rulesets that a path or a revision (`HEAD~1:rulesets/acme`) names."""
    from pricelang.cli.findings import show_errors
    from pricelang.compare.revisions import WithErrors
    from pricelang.compare.revisions import open_rules
    from pricelang.files import NotReadable

    try:
        return open_rules(spec)
    except NotReadable as error:
        raise Unreadable(str(error)) from None
    except WithErrors as error:
        show_errors(error.error.findings, Path(error.file), error.error.sources)
        click.echo(f"{error.file}: nothing is proved of rules with errors", err=True)
        raise Stopped(2) from None


def _pairs(old: list[Named], new: list[Named]) -> tuple[list[tuple[str, Ruleset, Ruleset]], list[tuple[str, str]]]:
    """Rulesets of two sides by their paths, and those that only one side has."""
    if len(old) == len(new) == 1:
        return [("", old[0].rules, new[0].rules)], []
    before, after = ({one.path: one.rules for one in side} for side in (old, new))
    pairs = [(path, before[path], after[path]) for path in sorted(before.keys() & after.keys())]
    if not pairs:
        raise Unreadable("the two sides have no ruleset of the same path, so there is nothing to compare")
    alone = [(path, "old") for path in sorted(before.keys() - after.keys())]
    return pairs, alone + [(path, "new") for path in sorted(after.keys() - before.keys())]


def _tell(name: str, answer: Answer, rules: tuple[Ruleset, Ruleset]) -> None:
    head = f"{name}: " if name else ""
    click.echo(f"{head}{_MARKS[answer.answer]} {answer.answer}: {answer.said}")
    for note in answer.notes:
        click.echo(f"  {note}")
    if answer.sample is None:
        return
    click.echo(f"\n{answer.sample.text()}")
    for side, story in _stories(answer, rules).items():
        click.echo(f"\n--- {side} ---\n{story}")


def _stories(answer: Answer, rules: tuple[Ruleset, Ruleset]) -> dict[str, str]:
    """What each ruleset says of the record, step by step."""
    from pricelang.engine.charge import Charge
    from pricelang.proofs.sample import Bench

    told: dict[str, str] = {}
    assert answer.sample is not None
    for name, ruleset in zip(("old", "new"), rules, strict=True):
        one = Bench(ruleset.program).explain(answer.sample)
        if isinstance(one, Charge):
            told[name] = ruleset.with_story(one).explain().rstrip("\n")
        else:
            told[name] = f"refused: {one.message}"
    return told


def _as_dict(answer: Answer, rules: tuple[Ruleset, Ruleset]) -> dict[str, object]:
    told: dict[str, object] = {"claim": answer.claim, "answer": answer.answer, "said": answer.said}
    told["notes"] = list(answer.notes)
    if answer.sample is not None:
        told["record"] = json.loads(answer.sample.text())
        told["explanations"] = _stories(answer, rules)
    return told

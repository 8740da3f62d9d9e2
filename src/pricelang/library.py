"""The library that programs call: load a ruleset, rate a record or a stream, explain a charge."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping

from pricelang.core.program import FieldType
from pricelang.core.program import Input
from pricelang.core.program import Program
from pricelang.core.reading import Reading
from pricelang.diagnostics.finding import Finding
from pricelang.engine.account import Account
from pricelang.engine.charge import Charge
from pricelang.engine.charge import Rejection
from pricelang.engine.compiled import Compiled
from pricelang.engine.compiled import Made
from pricelang.engine.counts import Counts
from pricelang.engine.direct import Direct
from pricelang.engine.intake import Intake
from pricelang.engine.intake import Record
from pricelang.engine.intake import RecordError
from pricelang.engine.intake import value_reader
from pricelang.engine.lookup import Value
from pricelang.engine.record import Engine
from pricelang.engine.stream import Item
from pricelang.engine.stream import counts_over_time
from pricelang.engine.stream import numbered
from pricelang.engine.stream import rate_stream
from pricelang.files import Folder
from pricelang.files import NotReadable
from pricelang.files import ruleset_path
from pricelang.light import TYPE_CHECKING
from pricelang.period import parse_instant
from pricelang.reading import checked as checked
from pricelang.reading import reading_of as reading_of
from pricelang.source import Source

if TYPE_CHECKING:
    from pricelang.columns import Rated
    from pricelang.engine.columnar.run import Columnar
    from pricelang.maps.mapping import UsageMapping

Accounts = Mapping[str, Mapping[str, object]]


class RulesetError(Exception):
    """A ruleset with errors. `findings` has all of them, in order of place; `sources` the texts they stand in."""

    def __init__(self, findings: list[Finding], sources: Mapping[str, Source]) -> None:
        self.findings = findings
        self.sources = dict(sources)
        first = next((one for one in findings if one.is_error), None)
        more = len([one for one in findings if one.is_error]) - 1
        text = f"{first.place}: {first.message} ({first.code} {first.slug})" if first else "the ruleset has errors"
        super().__init__(text + (f", and {more} more" if more > 0 else ""))


class Ruleset:
    """A checked ruleset, ready to price. Made by `load` or `load_text`; does not change.

    `compiled=False` prices by the definition alone: the same charges, more slowly.
    """

    def __init__(
        self,
        program: Program,
        sources: Mapping[str, Source],
        findings: list[Finding],
        compiled: bool = True,
        code: Mapping[tuple[str, str], Made | str] | None = None,
    ) -> None:
        self.program = program
        self.sources = dict(sources)
        self.findings = findings
        self._engine = Engine(program)
        self._compiled = Compiled(self._engine, code) if compiled else None
        self._direct = Direct(self._compiled) if self._compiled is not None else None
        self._intake = Intake(program)
        self._attributes = {one.name: value_reader(one) for one in program.account}

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def title(self) -> str:
        return self.program.title

    @property
    def currency(self) -> str:
        """The currency code of every amount."""
        return self.program.currency

    @property
    def fingerprint(self) -> str:
        """A digest of every text the ruleset was read from: equal fingerprints price alike."""
        import hashlib

        digest = hashlib.sha256()
        for name, text in sorted((os.path.basename(path), source.text) for path, source in self.sources.items()):
            digest.update(f"{name}\0{len(text)}\0{text}\0".encode())
        return digest.hexdigest()[:32]

    def rate(
        self, record: Mapping[str, object], *, account: Mapping[str, object] | None = None, signup: str | None = None
    ) -> Charge:
        """The charge of one usage record, every count starting at zero.

        `record` has `id`, `type`, `at` (or `started` and `stopped`), `account` and the usage's fields, in their units.
        `account` gives the account's attributes where prices ask for them; `signup` is an instant with its offset.
        Raises `RecordError` with a code, the field and a sentence.
        """
        if self._direct is not None and type(record) is dict:
            charge = self._plain(record, account, signup)
            if charge is not None:
                return charge
        made = self._intake.read(record)
        known = self._account(made.account, account, signup)
        if self._compiled is not None:
            return self._compiled.rate(made, known)
        return self._engine.rate(made, known, Counts())

    def _plain(
        self, record: dict[str, object], account: Mapping[str, object] | None, signup: str | None
    ) -> Charge | None:
        """The charge of a record in which nothing is unusual or wrong; None where it has to be looked at closely."""
        assert self._direct is not None
        if account is None and signup is None:
            return self._direct.rate(record)
        try:
            return self._direct.rate(record, self._account("", account, signup))
        except RecordError:
            return None

    def rate_stream(
        self,
        records: Iterable[Mapping[str, object]],
        *,
        accounts: Accounts | None = None,
        signups: Mapping[str, str] | None = None,
    ) -> Iterator[Charge | Rejection]:
        """A charge or a rejection for each record, in their order, then what the ends of periods charge.

        Counts (`each month`, allowances) run over the stream, each account apart; where there are any, all records are
        read before the first charge, and counted in order of `at`, then `id`. `accounts` maps a name to attributes.
        """
        return self.rate_items(numbered(records), accounts=accounts, signups=signups)

    def rate_items(
        self,
        items: Iterable[tuple[int | None, Item]],
        *,
        accounts: Accounts | None = None,
        signups: Mapping[str, str] | None = None,
        tell: str | None = None,
    ) -> Iterator[Charge | Rejection]:
        """Like `rate_stream`, of records with their line in a file; an item may be an error of reading.

        The record with the id `tell` keeps what its explanation needs.
        """
        known: dict[str, Account] = {}

        def account_of(name: str) -> Account:
            if name not in known:
                values = (accounts or {}).get(name)
                known[name] = self._account(name, values, (signups or {}).get(name))
            return known[name]

        compiled = None if counts_over_time(self.program) else self._compiled

        def rate(record: Record, account: Account, counts: Counts) -> Charge:
            if compiled is not None and record.id != tell:
                return compiled.rate(record, account)
            return self._engine.rate(record, account, counts, record.id == tell)

        return rate_stream(self._engine, rate, Intake(self.program), items, account_of)

    def rate_many(
        self,
        usage: object,
        *,
        accounts: Accounts | None = None,
        signups: Mapping[str, str] | None = None,
        out: str | os.PathLike[str] | None = None,
        total_by: Iterable[str] | None = None,
        ids_unique: bool = False,
        workers: int = 2,
        compiled: bool | None = None,
    ) -> Rated:
        """Charges many records at once, in columns: a path of a Parquet file, or a table of Arrow.

        The same charges as `rate_stream` gives, to the last digit; records that are not charged are `.rejects`. With
        `out`, charges are written to that Parquet file; with `total_by` (names such as account, model, day) only exact
        sums are made. `ids_unique` declares that no id occurs twice, so that it is not looked for. `compiled` says
        whether loops are compiled by numba (the extra `numba`); unasked, they are where it is installed and records are
        many. Needs the extra `columnar`. Raises FileNotFoundError, ValueError where a file cannot be read, KeyError for
        an unknown key.
        """
        from pricelang.columns import rate_many

        return rate_many(self.columnar(accounts, signups), usage, out, total_by, ids_unique, workers, compiled)

    def columnar(self, accounts: Accounts | None = None, signups: Mapping[str, str] | None = None) -> Columnar:
        """The ruleset over columns, which `rate_many` and commands run. Needs the extra `columnar`."""
        from pricelang.columns import columnar_of

        return columnar_of(self._engine, self._compiled, self.accounts_of(accounts, signups))

    def accounts_of(
        self, accounts: Accounts | None = None, signups: Mapping[str, str] | None = None
    ) -> dict[str, Account]:
        """The accounts of which attributes or a signup are given, by name. Raises `RecordError`."""
        names = {*(accounts or {}), *(signups or {})}
        return {
            name: self._account(name, (accounts or {}).get(name), (signups or {}).get(name)) for name in sorted(names)
        }

    def explain(
        self, record: Mapping[str, object], *, account: Mapping[str, object] | None = None, signup: str | None = None
    ) -> Charge:
        """The charge of one record with its story: `.explain()` tells it in words, step by step."""
        made = self._intake.read(record)
        charge = self._engine.rate(made, self._account(made.account, account, signup), Counts(), tell=True)
        return self.with_story(charge)

    def explain_stream(
        self,
        items: Iterable[tuple[int | None, Item]],
        id: str,
        *,
        accounts: Accounts | None = None,
        signups: Mapping[str, str] | None = None,
    ) -> Charge | Rejection | None:
        """One charge of a stream with its story, or why its record was rejected; what came before it counts.

        `id` is a record's, or that of a charge at a period's end; None where the stream has no such record.
        """
        rejected: Rejection | None = None
        for result in self.rate_items(items, accounts=accounts, signups=signups, tell=id):
            if result.id != id:
                continue
            if isinstance(result, Charge):
                return self.with_story(result)
            rejected = rejected or result
        return rejected

    def explain_data(self, charge: Charge) -> dict[str, object]:
        """The story of a charge of `explain` or `explain_stream` as plain data; all figures are texts.

        The amounts of a line's `parts` add up to its `amount`, the lines' to the charge's, exactly.
        """
        from pricelang.explain.story import story_of

        return story_of(charge, self.program, self.sources).as_dict()

    def with_story(self, charge: Charge) -> Charge:
        """The same charge, able to tell its story."""
        from dataclasses import replace

        from pricelang.explain.text import explain

        return replace(charge, story=lambda one: explain(one, self.program, self.sources))

    def _account(self, name: str, values: Mapping[str, object] | None, signup: str | None) -> Account:
        found: dict[str, Value] = {}
        for key, raw in (values or {}).items():
            if raw is None:
                continue
            found[key] = self._attribute(key, raw)
        at = None
        if signup is not None:
            if not isinstance(signup, str):
                raise RecordError(
                    "bad-time", "signup", f"the signup of `{name}` is no text such as 2026-02-01T12:00:00Z"
                )
            try:
                at = parse_instant(signup)
            except ValueError as error:
                raise RecordError("bad-time", "signup", f"the signup of `{name}`: {error}") from None
        return Account(name, found, at)

    def _attribute(self, key: str, raw: object) -> Value:
        reader = self._attributes.get(key)
        if reader is not None:
            return reader(raw)
        table, _, column = key.partition(".")
        known = self.program.tables.get(table)
        if known is None or column not in known.columns:
            raise RecordError("unknown-field", key, f"the account has no field `{key}`")
        kind = known.columns[column]
        if kind.kind in ("text", "date"):
            return str(raw)
        reader = value_reader(Input(key, FieldType("number", (), kind.factor, kind.unit)))
        return reader(raw)


def load(path: str | os.PathLike[str]) -> Ruleset:
    """The ruleset at a path: a `.price` file, or a folder with a file named after it.

    Raises `RulesetError` with every finding where the rules have errors, `FileNotFoundError` where nothing is there.
    """
    try:
        file = ruleset_path(path)
    except NotReadable as error:
        raise FileNotFoundError(str(error)) from None
    return _made(reading_of(file, code=True))


def load_text(text: str, name: str = "rules.price", files: dict[str, str] | None = None) -> Ruleset:
    """A ruleset from its text; `files` are the tables and base rulesets it may name, by name."""
    return _made(checked(Source(name, text), Folder(name, files or {})))


def mapping(
    name_or_path: str | os.PathLike[str], rules: Ruleset | None = None, given: Mapping[str, object] | None = None
) -> UsageMapping:
    """How others' usage objects become records: `openai`, `anthropic`, `otel`, …, or a TOML file of your own.

    With `rules` its records fit the fields which that ruleset has; `given` are values for what the objects lack.
    Raises `MappingError` with the file and the key.
    """
    from pricelang.maps.mapping import UsageMapping

    found = UsageMapping.load(os.fspath(name_or_path))
    return found if rules is None and not given else found.fitted(None if rules is None else rules.program, given)


def _made(reading: Reading) -> Ruleset:
    if reading.program is None or reading.has_errors:
        raise RulesetError(reading.findings, reading.sources)
    return Ruleset(reading.program, reading.sources, reading.findings, code=reading.code)

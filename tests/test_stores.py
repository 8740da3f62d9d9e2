"""The three stores: one contract for all of them, and what is each one's own."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pricelang.account.journal import Books
from pricelang.account.journal import Entry
from pricelang.account.journal import LedgerError
from pricelang.account.stores import sqlite as sqlite_module
from pricelang.account.stores.memory import MemoryStore
from pricelang.account.stores.memory import Recent
from pricelang.account.stores.opening import open_store
from pricelang.account.stores.sqlite import SqliteStore

# a store does not look into a state: here it is a tuple, of one number as a rule
State = tuple[int, ...]
Open = Callable[[], Any]


def encode(state: Any) -> str:
    return json.dumps(state)


def decode(text: str) -> Any:
    return tuple(json.loads(text))


def entry(id: str, account: str = "ada", **outcome: object) -> Entry:
    return Entry(id, account, {"id": id}, outcome or {"ok": True})


def add(store: Any, id: str, account: str = "ada", amount: int = 1) -> int:
    """One event: reads the account, adds to it, and notes that."""

    def work(books: Books) -> int:
        if books.entry(id) is not None:
            return -1
        total: int = (books.state(account) or (0,))[0] + amount  # type: ignore[index]
        made = entry(id, account, total=total)
        books.write(account, (total,), made)  # type: ignore[arg-type]
        return made.seq

    return store.transact([account], work)  # type: ignore[no-any-return]


def total(store: Any, account: str = "ada") -> Any:
    return store.view(lambda books: books.state(account))


def ids(store: Any, account: str | None = None, after: int = 0) -> list[str]:
    return store.view(lambda books: [e.id for e in books.entries(account, after)])  # type: ignore[no-any-return]


_schemas = itertools.count()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same books each time; those in memory only once."""
    opened: list[Any] = []
    kind = request.param
    if kind == "memory":
        url = "memory://"
    elif kind == "sqlite":
        url = f"sqlite:///{tmp_path}/ledger.db"
    else:
        url = own_schema(request.getfixturevalue("postgres_url"))

    def opens() -> Any:
        if kind == "memory" and opened:
            return opened[0]
        opened.append(open_store(url, encode, decode))
        return opened[-1]

    yield opens
    for store in opened:
        store.close()


def own_schema(url: str) -> str:
    """The address of an empty schema of its own."""
    import psycopg

    name = f"s{os.getpid()}_{next(_schemas)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[arg-type]
    return f"{url}&options=-csearch_path%3D{name}"


@pytest.fixture
def store(opener: Open) -> Any:
    return opener()


# --- the contract ----------------------------------------------------------------------------------------------------


def test_a_new_ledger_is_empty(store: Any) -> None:
    assert store.meta() == {}
    assert total(store) is None
    assert ids(store) == []
    assert store.view(lambda books: books.accounts()) == []
    assert store.view(lambda books: books.entry("e1")) is None


def test_what_is_written_is_read_by_the_next_who_opens(opener: Open) -> None:
    one = opener()
    one.keep_meta({"ruleset": "abc", "currency": "EUR"})
    one.keep_meta({"ruleset": "def"})
    assert 0 < add(one, "e1", amount=2) < add(one, "e2", amount=3)
    add(one, "e3", "bob", 7)
    two = opener()
    assert two.meta() == {"ruleset": "def", "currency": "EUR"}
    assert (total(two), total(two, "bob")) == ((5,), (7,))
    found = two.view(lambda books: books.entry("e2"))
    assert (found.id, found.account) == ("e2", "ada")
    assert (found.event, found.outcome) == ({"id": "e2"}, {"total": 5})
    assert found.seq > 0


def test_stores_of_one_ledger_see_each_other(opener: Open) -> None:
    one, two = opener(), opener()
    for i in range(6):
        add((one, two)[i % 2], f"e{i}")
        assert total(one) == total(two) == (i + 1,)


def test_accounts_are_in_order_of_code_points(store: Any) -> None:
    for i, name in enumerate(["b", "Z", "a", "ä", "B", "a b", "😀", "\uffff", "1", "a'b\"%s"]):
        add(store, f"e{i}", name)
    names = store.view(lambda books: books.accounts())
    assert names == sorted(names)
    assert len(names) == 10


def test_entries_by_account_and_from_a_place_on(store: Any) -> None:
    seqs = [add(store, f"e{i}", "ada" if i % 2 else "bob") for i in range(6)]
    assert seqs == sorted(set(seqs))
    assert ids(store) == [f"e{i}" for i in range(6)]
    assert ids(store, "ada") == ["e1", "e3", "e5"]
    assert ids(store, "ada", seqs[1]) == ["e3", "e5"]
    assert ids(store, None, seqs[3]) == ["e4", "e5"]
    assert ids(store, "carl") == []
    assert ids(store, None, seqs[-1]) == []


def test_work_sees_what_it_wrote_itself(store: Any) -> None:
    add(store, "old")

    def work(books: Books) -> list[str]:
        books.write("bob", (1,), entry("n1", "bob"))  # type: ignore[arg-type]
        books.write("bob", (2,), entry("n2", "bob"))  # type: ignore[arg-type]
        assert books.state("bob") == (2,)
        assert books.state("ada") == (1,)
        found = books.entry("n1")
        assert found is not None
        assert found.seq > 0
        assert books.accounts() == ["ada", "bob"]
        assert [e.id for e in books.entries("bob")] == ["n1", "n2"]
        assert [e.id for e in books.entries("bob", found.seq)] == ["n2"]
        again = books.entry("n2")
        assert again is not None
        books.write("bob", (3,), None)  # type: ignore[arg-type]
        books.write("carl", (9,), entry("n3", "carl"))  # type: ignore[arg-type]
        return [e.id for e in books.entries()]

    assert store.transact(["bob", "carl"], work) == ["old", "n1", "n2", "n3"]
    assert (total(store, "bob"), total(store, "carl")) == ((3,), (9,))
    assert ids(store) == ["old", "n1", "n2", "n3"]


def test_an_empty_state_is_a_state(opener: Open) -> None:
    def work(books: Books) -> None:
        books.write("ada", (), None)  # type: ignore[arg-type]
        assert books.state("ada") == ()

    opener().transact(["ada"], work)
    assert total(opener()) == ()


def test_entries_that_are_added_while_reading_do_not_end_in_a_circle(store: Any) -> None:
    add(store, "e0")

    def work(books: Books) -> None:
        for i, _ in enumerate(books.entries("ada")):
            books.write("ada", (i,), entry(f"more{i}"))  # type: ignore[arg-type]
            assert i < 5

    store.transact(["ada"], work)
    assert ids(store) == ["e0", "more0"]


class Stop(Exception):
    pass


def test_an_exception_undoes_everything(opener: Open) -> None:
    store = opener()
    add(store, "e1")
    made = [entry(f"x{i}") for i in range(3)]

    def work(books: Books) -> None:
        for i, one in enumerate(made):
            books.write("ada", (100 + i,), one)  # type: ignore[arg-type]
            books.write("new", (1,), None)  # type: ignore[arg-type]
        list(books.entries())
        raise Stop

    with pytest.raises(Stop):
        store.transact(["ada", "new"], work)
    assert [one.seq for one in made] == [0, 0, 0]
    for each in (store, opener()):
        assert total(each) == (1,)
        assert total(each, "new") is None
        assert ids(each) == ["e1"]
        assert each.view(lambda books: books.accounts()) == ["ada"]
    assert add(store, "x0") > 0
    assert total(store) == (2,)


def test_an_encoder_that_fails_undoes_everything(store: Any) -> None:
    add(store, "e1")
    if isinstance(store, MemoryStore):
        pytest.skip("nothing is encoded")
    with pytest.raises(TypeError):
        store.transact(["ada"], lambda books: books.write("ada", {1, 2}, entry("e2")))
    assert total(store) == (1,)
    assert ids(store) == ["e1"]


@pytest.mark.parametrize("swallowed", [False, True])
def test_an_id_that_is_used_undoes_everything(store: Any, swallowed: bool) -> None:
    add(store, "e1")

    def work(books: Books) -> None:
        books.write("ada", (50,), entry("new"))  # type: ignore[arg-type]
        try:
            books.write("ada", (60,), entry("e1"))  # type: ignore[arg-type]
        except LedgerError:
            if not swallowed:
                raise

    with pytest.raises(LedgerError, match="e1"):
        store.transact(["ada"], work)
    assert (total(store), ids(store)) == ((1,), ["e1"])


@pytest.mark.parametrize("swallowed", [False, True])
def test_an_id_twice_in_one_work_undoes_everything(store: Any, swallowed: bool) -> None:
    def work(books: Books) -> None:
        books.write("ada", (50,), entry("new"))  # type: ignore[arg-type]
        try:
            books.write("ada", (60,), entry("new"))  # type: ignore[arg-type]
        except LedgerError:
            if not swallowed:
                raise

    with pytest.raises(LedgerError, match='"new" has an entry already'):
        store.transact(["ada"], work)
    assert (total(store), ids(store)) == (None, [])


def test_books_are_closed_when_the_work_is_over(store: Any) -> None:
    add(store, "e1")
    books, entries = store.view(lambda books: (books, books.entries()))
    with pytest.raises(LedgerError, match="closed"):
        books.state("ada")
    with pytest.raises(LedgerError, match="closed"):
        next(entries)
    written = store.transact(["ada"], lambda books: books)
    with pytest.raises(LedgerError, match="closed"):
        written.write("ada", (2,), entry("e2"))
    assert ids(store) == ["e1"]


def test_a_view_only_reads(store: Any) -> None:
    with pytest.raises(LedgerError, match="reading only"):
        store.view(lambda books: books.write("ada", (1,), entry("e1")))
    assert ids(store) == []


def test_a_view_inside_of_work_sees_what_was_before(store: Any) -> None:
    add(store, "e1")

    def work(books: Books) -> Any:
        books.write("ada", (7,), entry("e2"))  # type: ignore[arg-type]
        return total(store), ids(store)

    assert store.transact(["ada"], work) == ((1,), ["e1"])
    assert total(store) == (7,)


def test_all_accounts_at_once(store: Any) -> None:
    for i in range(5):
        add(store, f"e{i}", f"a{i}")

    def work(books: Books) -> None:
        for name in books.accounts():
            state: Any = books.state(name)
            books.write(name, (state[0] * 10,), entry(f"z-{name}", name))  # type: ignore[arg-type]
        books.write("new", (1,), entry("z-new", "new"))  # type: ignore[arg-type]

    store.transact(None, work)
    assert [total(store, f"a{i}") for i in range(5)] == [(10,)] * 5
    assert total(store, "new") == (1,)


def test_accounts_that_were_not_named_can_be_written_too(store: Any) -> None:
    add(store, "e1", "bob")

    def work(books: Books) -> None:
        assert books.state("bob") == (1,)
        assert books.state("carl") is None
        books.write("bob", (2,), entry("e2", "bob"))  # type: ignore[arg-type]
        books.write("dora", (3,), entry("e3", "dora"))  # type: ignore[arg-type]

    store.transact([], work)
    assert (total(store, "bob"), total(store, "dora")) == ((2,), (3,))
    assert store.view(lambda books: books.accounts()) == ["bob", "dora"]


def test_a_large_batch(opener: Open) -> None:
    store = opener()

    def work(books: Books) -> list[int]:
        seqs = []
        for i in range(2500):
            name = f"a{i % 10}"
            assert books.entry(f"e{i}") is None
            state: Any = books.state(name) or (0,)
            made = entry(f"e{i}", name)
            books.write(name, (state[0] + 1,), made)  # type: ignore[arg-type]
            seqs.append(made.seq)
        assert books.entry("e3") is not None
        return seqs

    seqs = store.transact([f"a{i}" for i in range(10)], work)
    assert seqs == sorted(set(seqs))
    assert 0 not in seqs
    for each in (store, opener()):
        assert [total(each, f"a{i}") for i in range(10)] == [(250,)] * 10
        found = each.view(lambda books: [(e.seq, e.id) for e in books.entries()])
        assert found == [(seq, f"e{i}") for i, seq in enumerate(seqs)]


def test_threads_do_not_lose_what_others_wrote(opener: Open) -> None:
    one, two = opener(), opener()

    def run(worker: int) -> None:
        for i in range(15):
            add((one, two)[worker % 2], f"w{worker}-{i}", f"a{i % 2}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    assert (total(one, "a0"), total(two, "a1")) == ((48,), (42,))
    assert len(ids(one)) == 90
    # each account's entries are in the order in which it went up
    for name in ("a0", "a1"):
        totals = one.view(lambda books, name=name: [e.outcome["total"] for e in books.entries(name)])
        assert totals == list(range(1, len(totals) + 1))


def test_one_id_sent_by_many_at_once_is_written_once(opener: Open) -> None:
    one, two = opener(), opener()
    for i in range(8):
        with ThreadPoolExecutor(4) as pool:
            # for different accounts, so that no account's lock keeps them apart
            seqs = list(pool.map(lambda k, i=i: add((one, two)[k % 2], f"e{i}", f"a{k}"), range(4)))
        assert sorted(seqs)[:3] == [-1, -1, -1], seqs
    assert ids(one) == [f"e{i}" for i in range(8)]


def test_moves_between_accounts_in_both_directions_add_up(opener: Open) -> None:
    one, two = opener(), opener()
    for name in ("a", "b"):
        add(one, name, name, 100)

    def move(i: int) -> None:
        names = ["a", "b"] if i % 2 else ["b", "a"]

        def work(books: Books) -> None:
            first: Any = books.state(names[0])
            second: Any = books.state(names[1])
            books.write(names[0], (first[0] - 1,), entry(f"m{i}", names[0]))  # type: ignore[arg-type]
            books.write(names[1], (second[0] + 1,), entry(f"n{i}", names[1]))  # type: ignore[arg-type]

        (one, two)[i % 2].transact(None if i % 5 == 0 else names, work)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(move, range(40)))
    assert (total(one, "a"), total(one, "b")) == ((100,), (100,))


def test_a_view_is_one_picture(opener: Open) -> None:
    store = opener()
    if isinstance(store, MemoryStore):
        pytest.skip("a view in memory keeps writers out")
    add(store, "e1")

    def work(books: Books) -> Any:
        before = books.state("ada")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(add, store, "e2").result()
        return before, books.state("ada"), [e.id for e in books.entries()]

    assert store.view(work) == ((1,), (1,), ["e1"])
    assert total(store) == (2,)


def test_texts_of_all_kinds_come_back(opener: Open) -> None:
    name = "Zoë 😀 \\ ' \" % \n\t"
    made = Entry("id " + name, name, {"text": name}, {"of": [1, None, "\u0000"]})
    opener().transact([name], lambda books: books.write(name, (1,), made))
    found = opener().view(lambda books: books.entry("id " + name))
    assert (found.account, found.event, found.outcome) == (
        name,
        {"text": name},
        {"of": [1, None, "\u0000"]},
    )


def test_a_text_that_cannot_be_kept_is_an_error_of_the_ledger(store: Any) -> None:
    if isinstance(store, MemoryStore):
        pytest.skip("memory keeps every text")
    with pytest.raises(LedgerError, match="no Unicode text"):
        add(store, "\ud800")
    assert add(store, "e1") > 0


def test_work_is_not_run_within_work(store: Any, request: pytest.FixtureRequest) -> None:
    if "postgres" in request.node.name:
        pytest.skip("a second connection can do it")
    with pytest.raises(LedgerError, match="other work"):
        store.transact(["ada"], lambda books: add(store, "e1"))
    assert add(store, "e1") == 1


def test_a_closed_store_is_not_used(store: Any) -> None:
    add(store, "e1")
    store.close()
    store.close()
    with pytest.raises(LedgerError, match="closed"):
        total(store)
    with pytest.raises(LedgerError, match="closed"):
        add(store, "e2")


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///:memory:", "memory://"),
        ("sqlite://ledger.db", "sqlite:///relative.db"),
        ("sqlite:///", "sqlite:///relative.db"),
        ("sqlite:////", "sqlite:///relative.db"),
        ("sqlite:///a.db?mode=ro", "question mark"),
        ("memory://x", "no name"),
        ("mysql://root:secret@host/db", "there are: memory://, sqlite:///relative.db"),
        ("ledger.db", "there are: memory://"),
        ("", "there are: memory://"),
    ],
)
def test_addresses_that_are_none(url: str, said: str) -> None:
    with pytest.raises(LedgerError) as told:
        open_store(url, encode, decode)
    assert said in str(told.value)
    assert "secret" not in str(told.value)


def test_a_relative_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///my ledger%20#1.db", encode, decode)
    monkeypatch.chdir("/")
    add(store, "e1")
    store.close()
    assert (tmp_path / "my ledger%20#1.db").is_file()


def test_opening_imports_only_what_is_asked_for() -> None:
    script = """
import sys
from pricelang.account.stores.opening import open_store
assert not {"sqlite3", "psycopg"} & set(sys.modules)
open_store("memory://", str, str)
assert not {"sqlite3", "psycopg"} & set(sys.modules)
sys.modules["psycopg"] = None
try:
    open_store("postgresql:///x", str, str)
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith('LedgerError a ledger in Postgres needs psycopg: pip install "pricelang[postgres]"')


# --- states kept at hand ---------------------------------------------------------------------------------------------


def test_recent_states_are_bounded_and_never_go_back() -> None:
    recent = Recent(most=2)
    for i, name in enumerate("abc"):
        recent.keep(name, i, (i,))  # type: ignore[arg-type]
    assert recent.get("a") is None
    recent.get("b")
    recent.keep("d", 1, (1,))  # type: ignore[arg-type]
    assert recent.get("c") is None
    recent.keep("b", 0, (0,))  # type: ignore[arg-type]
    assert recent.get("b") == (1, (1,))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_state_is_read_from_text_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    decoded: list[str] = []

    def counting(text: str) -> Any:
        decoded.append(text)
        return decode(text)

    url = f"sqlite:///{tmp_path}/a.db" if kind == "sqlite" else own_schema(request.getfixturevalue("postgres_url"))
    store, other = open_store(url, encode, counting), open_store(url, encode, decode)
    add(store, "e1")
    for i in range(5):
        add(store, f"f{i}")
        assert total(store) == (i + 2,)
    assert decoded == []
    with pytest.raises(Stop):
        store.transact(["ada"], lambda books: (books.write("ada", (99,), None), stop()))  # type: ignore[func-returns-value,arg-type]
    assert total(store) == (6,)
    add(other, "x")
    for _ in range(3):
        assert total(store) == (7,)
    assert decoded == ["[7]"]
    store.close()
    other.close()


def stop() -> None:
    raise Stop


# --- SQLite ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db")


def sqlite_store(path: str) -> Any:
    return SqliteStore(path, encode, decode)


def files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def refuse(path: str, said: str) -> None:
    """What is refused stays as it is, and nothing is made beside it."""
    before = files(Path(path).parent)
    with pytest.raises(LedgerError, match=said):
        SqliteStore(path, encode, decode)
    assert files(Path(path).parent) == before


def test_sqlite_refuses_what_is_no_database(path: str) -> None:
    Path(path).write_bytes(b"this is a letter to my aunt, and not a database. " * 100)
    refuse(path, "is no database")


def test_sqlite_refuses_another_programs_database(path: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t(x)")
    connection.close()
    refuse(path, "another program")


def test_sqlite_refuses_a_database_marked_by_another_program(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("pragma application_id = 7")
    connection.close()
    refuse(path, "another program")


def test_sqlite_refuses_another_programs_log(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute("create table t(x)")
    with pytest.raises(LedgerError, match="another program"):
        SqliteStore(path, encode, decode)
    assert connection.execute("select name from sqlite_master").fetchall() == [("t",)]
    connection.close()


@pytest.mark.parametrize(("version", "said"), [(2, "a newer pricelang"), (0, "does not know")])
def test_sqlite_refuses_other_versions(path: str, version: int, said: str) -> None:
    sqlite_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"pragma user_version = {version}")
    connection.close()
    refuse(path, said)


def test_sqlite_takes_an_empty_file(path: str) -> None:
    Path(path).touch()
    store = sqlite_store(path)
    assert add(store, "e1") == 1
    store.close()


@pytest.mark.parametrize(
    ("name", "said"), [("missing/a.db", "there is no folder"), (".", "is no file"), ("file/a.db", "there is no folder")]
)
def test_sqlite_refuses_paths_that_are_none(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match=said):
        SqliteStore(tmp_path / name, encode, decode)
    assert sorted(files(tmp_path)) == ["file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder where nobody can write")
def test_sqlite_refuses_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(LedgerError, match="cannot be used"):
        SqliteStore("/proc/self/ledger.db", encode, decode)


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")
def test_sqlite_refuses_files_that_may_not_be_written(path: str) -> None:
    sqlite_store(path).close()
    folder = Path(path).parent
    os.chmod(path, 0o444)
    os.chmod(path + "-lock", 0o666)
    os.chmod(folder, 0o777)
    for each in folder.parents:
        if each.stat().st_uid == os.geteuid() and each != Path("/"):
            os.chmod(each, each.stat().st_mode | 0o055)
    script = f"""
import sys
from pricelang.account.stores.sqlite import SqliteStore
try:
    SqliteStore({path!r}, str, str)
except Exception as error:
    print(type(error).__name__, error)
"""
    as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    before = Path(path).read_bytes()
    done = subprocess.run([*as_nobody, sys.executable, "-c", script], capture_output=True, text=True)
    if "Permission denied" in done.stderr or "No module" in done.stderr:
        pytest.skip("the interpreter itself cannot be used by others")
    assert done.stdout.startswith("LedgerError"), done.stderr
    assert "may not be read and written" in done.stdout
    assert Path(path).read_bytes() == before
    assert sorted(each.name for each in folder.iterdir()) == ["ledger.db", "ledger.db-lock"]


def test_sqlite_journal_is_only_added_to(path: str) -> None:
    store = sqlite_store(path)
    add(store, "e1")
    store.close()
    connection = sqlite3.connect(path)
    for statement in ("update journal set outcome = '{}'", "delete from journal"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            connection.execute(statement)
    connection.close()


def test_sqlite_numbers_have_no_gaps(path: str) -> None:
    store = sqlite_store(path)
    add(store, "e1")
    with pytest.raises(Stop):
        store.transact([], lambda books: (books.write("ada", (9,), entry("e2")), stop()))
    assert add(store, "e3") == 2
    store.close()


def test_sqlite_settings(path: str) -> None:
    for durable, level in ((True, 2), (False, 1)):
        store = SqliteStore(path, encode, decode, durable=durable)
        connection = store._writer
        assert connection is not None
        assert connection.execute("pragma synchronous").fetchone() == (level,)
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
        assert any("not kept durable" in note for note in store.notes()) is not durable
        store.close()


def test_sqlite_out_of_room(path: str) -> None:
    store = sqlite_store(path)
    add(store, "e1")
    (pages,) = store._writer.execute("pragma page_count").fetchone()
    store._writer.execute(f"pragma max_page_count = {pages + 3}")
    big = Entry("big", "ada", {"x": "y" * 100_000}, {})

    def swallowing(books: Books) -> None:
        books.write("ada", (77,), big)  # type: ignore[arg-type]
        try:
            list(books.entries())
        except LedgerError:
            # SQLite may have undone the transaction by now: nothing more may be written, alone
            books.write("ada", (78,), entry("e2"))  # type: ignore[arg-type]

    for work in (lambda books: books.write("ada", (77,), big), swallowing):
        with pytest.raises(LedgerError, match="no room left"):
            store.transact(["ada"], work)
        assert (total(store), ids(store), big.seq) == ((1,), ["e1"], 0)
    store._writer.execute("pragma max_page_count = 100000")
    assert add(store, "e2") == 2
    store.close()


def test_sqlite_a_damaged_file(path: str) -> None:
    store = sqlite_store(path)
    for i in range(200):
        add(store, f"e{i}", f"a{i}")
    store.close()
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 8)
    store = sqlite_store(path)
    with pytest.raises(LedgerError, match="damaged"):
        add(store, "new")
    with pytest.raises(LedgerError, match="damaged"):
        ids(store)
    store.close()


def test_sqlite_waits_for_a_program_that_takes_no_turns(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = sqlite_store(path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    timer = threading.Timer(0.2, lambda: other.execute("rollback"))
    timer.start()
    assert add(store, "e1") == 1
    timer.join()
    other.execute("begin immediate")
    monkeypatch.setattr(sqlite_module, "PATIENCE", 0.1)
    with pytest.raises(LedgerError, match="kept it locked"):
        add(store, "e2")
    other.execute("rollback")
    other.close()
    assert add(store, "e2") == 2
    store.close()


def test_sqlite_gives_up_waiting_for_its_turn(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = sqlite_store(path), sqlite_store(path)
    monkeypatch.setattr(sqlite_module, "PATIENCE", 0.1)

    def hold(books: Books) -> None:
        with pytest.raises(LedgerError, match="locked"):
            add(two, "e1")
        with ThreadPoolExecutor(1) as pool, pytest.raises(LedgerError, match="no turn"):
            pool.submit(add, one, "e1").result()

    one.transact([], hold)
    assert add(two, "e1") == 1
    assert add(one, "e2") == 2
    one.close()
    two.close()


def test_sqlite_a_lock_that_was_cleared_away(path: str) -> None:
    one, two = sqlite_store(path), sqlite_store(path)
    os.unlink(path + "-lock")
    for i in range(4):
        add((one, two)[i % 2], f"e{i}")
    assert total(one) == (4,)
    assert os.path.exists(path + "-lock")
    one.close()
    two.close()


def test_sqlite_a_file_that_was_replaced_is_not_written(path: str) -> None:
    store = sqlite_store(path)
    add(store, "e1")
    os.rename(path, path + "-old")
    for _ in range(2):
        with pytest.raises(LedgerError, match="removed or replaced"):
            add(store, "e2")
        with pytest.raises(LedgerError, match="removed or replaced"):
            total(store)
    if hasattr(os, "fork"):
        # a fork closes the connections: the ledger is not begun anew by those opened after it
        assert fork(lambda: None)
        with pytest.raises(LedgerError, match="removed or replaced"):
            add(store, "e2")
        assert not os.path.exists(path)
    shutil.copy(path + "-old", path)
    with pytest.raises(LedgerError, match="removed or replaced"):
        add(store, "e2")
    store.close()


def test_sqlite_threads_wait_in_order() -> None:
    queue = sqlite_module._Queue()
    assert queue.take()
    came: list[int] = []

    def wait(i: int) -> None:
        assert queue.take()
        came.append(i)
        queue.give()

    threads = []
    for i in range(5):
        threads.append(threading.Thread(target=wait, args=(i,)))
        threads[-1].start()
        while len(queue._waiting) <= i:
            time.sleep(0.001)
    queue.give()
    for thread in threads:
        thread.join()
    assert came == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_sqlite_releases_that_can_damage_a_file(
    version: tuple[int, int, int], affected: bool, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store(path)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    notes = store.notes()
    assert any("WAL-reset" in note for note in notes) is affected
    store.close()


def test_sqlite_without_file_locks(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_module, "fcntl", None)
    with ThreadPoolExecutor(4) as pool:
        one, two, *more = pool.map(sqlite_store, [path] * 4)
    for each in more:
        each.close()
    assert any("fcntl" in note for note in one.notes())

    def run(worker: int) -> None:
        for i in range(10):
            add((one, two)[worker % 2], f"w{worker}-{i}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert total(one) == (40,)
    one.close()
    two.close()


_WRITER = """
import json, sys, time
from pricelang.account.journal import Entry
from pricelang.account.stores.sqlite import SqliteStore
path, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
store = SqliteStore(path, json.dumps, lambda text: tuple(json.loads(text)), durable=False)
done, worst, end = 0, 0.0, time.monotonic() + seconds
while (start := time.monotonic()) < end:
    def work(books):
        total = (books.state("ada") or (0,))[0] + 1
        books.write("ada", (total,), Entry(f"{name}-{done}", "ada", {"n": done}, {"total": total}))
    store.transact(["ada"], work)
    worst = max(worst, time.monotonic() - start)
    done += 1
store.close()
print(done, worst)
"""


def test_sqlite_programs_that_write_at_once_lose_nothing_and_starve_nobody(path: str) -> None:
    command = [sys.executable, "-c", _WRITER, path]
    running = [subprocess.Popen([*command, str(i), "1.5"], stdout=subprocess.PIPE, text=True) for i in range(4)]
    told = [process.communicate()[0].split() for process in running]
    done = [int(each[0]) for each in told]
    store = sqlite_store(path)
    assert total(store) == (sum(done),)
    assert store.view(lambda books: [e.seq for e in books.entries()]) == list(range(1, sum(done) + 1))
    # loose bounds: this machine runs other tests meanwhile
    assert min(done) > sum(done) / 4 * 0.2
    store.close()


def test_sqlite_a_program_that_is_killed_holds_nobody_up(path: str) -> None:
    command = [sys.executable, "-c", _WRITER, path, "a", "60"]
    store = sqlite_store(path)
    for i in range(3):
        process = subprocess.Popen([*command[:-2], f"k{i}", "60"])
        before = store.view(lambda books: books.state("ada")) or (0,)
        while (total(store) or (0,))[0] < before[0] + 5:
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert add(store, f"mine{i}") == total(store)[0]
        assert len(ids(store)) == total(store)[0]
    store.close()


def fork(child: Callable[[], object]) -> bool:
    """Runs something in a child; whether it went well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_store_is_used_on_both_sides_of_a_fork(opener: Open, request: pytest.FixtureRequest) -> None:
    store = opener()
    add(store, "before")
    total(store)

    def child() -> None:
        for i in range(20):
            assert add(store, f"child{i}") > 0
        assert ids(store)

    def parent() -> None:
        for i in range(20):
            assert add(store, f"parent{i}") > 0

    with ThreadPoolExecutor(1) as pool:
        assert total(store) is not None
        future = pool.submit(parent)
        assert fork(child)
        future.result()
    if not isinstance(store, MemoryStore):
        assert total(store) == (41,)
        assert len(ids(opener())) == 41


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_sqlite_a_fork_in_the_midst_of_work_leaves_the_child_without(path: str) -> None:
    store = sqlite_store(path)

    def child() -> None:
        with pytest.raises(LedgerError, match="forked"):
            add(store, "child")
        with pytest.raises(LedgerError, match="forked"):
            total(store)
        store.close()

    def work(books: Books) -> bool:
        books.write("ada", (1,), entry("e1"))  # type: ignore[arg-type]
        return fork(child)

    assert store.transact(["ada"], work)
    assert (total(store), ids(store)) == ((1,), ["e1"])
    store.close()


# --- Postgres --------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_url(postgres_url: str) -> str:
    return own_schema(postgres_url)


def postgres_store(url: str) -> Any:
    return open_store(url, encode, decode)


def say(url: str, statement: str) -> list[Any]:
    """Says something to the server on a connection of its own."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def test_postgres_made_by_many_at_once(postgres_url: str) -> None:
    for _ in range(5):
        url = own_schema(postgres_url)
        with ThreadPoolExecutor(6) as pool:
            stores = list(pool.map(postgres_store, [url] * 6))
        for i, store in enumerate(stores):
            add(store, f"e{i}")
        assert total(stores[0]) == (6,)
        for store in stores:
            store.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("create table pricelang_meta(name text, value text)", "not a ledger's"),
        ("create table pricelang_meta(x int)", "does not exist"),
        ("create table pricelang_journal(x int)", "already exists"),
    ],
)
def test_postgres_refuses_tables_of_others(own_url: str, statement: str, said: str) -> None:
    say(own_url, statement)
    tables = "select table_name from information_schema.tables where table_schema = current_schema()"
    before = say(own_url, tables)
    with pytest.raises(LedgerError, match=said):
        postgres_store(own_url)
    assert say(own_url, tables) == before


def test_postgres_refuses_other_versions(own_url: str) -> None:
    postgres_store(own_url).close()
    say(own_url, "update pricelang_meta set value = '2'")
    with pytest.raises(LedgerError, match="version 2"):
        postgres_store(own_url)


def test_postgres_journal_is_only_added_to(own_url: str) -> None:
    import psycopg

    store = postgres_store(own_url)
    add(store, "e1")
    for statement in (
        "update pricelang_journal set outcome = ''",
        "delete from pricelang_journal",
        "truncate pricelang_journal",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="only ever added to"):
            say(own_url, statement)
    store.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql:///x?host=/nowhere", "cannot be reached"),
        ("postgresql://u:secret@h:notaport%ZZ/x", "cannot be read"),
    ],
)
def test_postgres_that_is_not_there(url: str, said: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError, match=said) as told:
        postgres_store(url)
    assert "secret" not in str(told.value)


def test_postgres_commits_are_durable_whatever_the_server_does_by_default(own_url: str) -> None:
    store = postgres_store(own_url + "%20-csynchronous_commit%3Doff")
    assert store.view(lambda books: books.run("show synchronous_commit").fetchone()) == ("on",)
    store.close()


def _terminate(url: str, books: Any) -> None:
    say(url, f"select pg_terminate_backend({books._connection.info.backend_pid}, 5000)")


def test_postgres_a_connection_that_was_lost_idly_is_no_matter(own_url: str) -> None:
    store = postgres_store(own_url)
    add(store, "e1")
    for use in (lambda: add(store, "e2"), lambda: total(store)):
        store.view(lambda books: _terminate_later.append(books._connection.info.backend_pid))
        say(own_url, f"select pg_terminate_backend({_terminate_later.pop()}, 5000)")
        use()
    assert total(store) == (2,)
    store.close()


_terminate_later: list[int] = []


def test_postgres_a_connection_lost_in_the_midst_of_work_runs_the_work_again(own_url: str) -> None:
    store = postgres_store(own_url)
    runs: list[int] = []

    def work(books: Any) -> None:
        runs.append(1)
        books.write("ada", ((books.state("ada") or (0,))[0] + 1,), entry("e1"))
        if len(runs) == 1:
            _terminate(own_url, books)
        books.entry("other")

    store.transact(["ada"], work)
    assert (len(runs), total(store), ids(store)) == (2, (1,), ["e1"])
    store.close()


def test_postgres_a_connection_lost_at_the_commit_says_to_send_it_again(own_url: str) -> None:
    store = postgres_store(own_url)
    # the server breaks off when it is told to commit
    say(
        own_url,
        """
        create function die() returns trigger language plpgsql as
        $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
        create constraint trigger die after insert on pricelang_journal deferrable initially deferred
        for each row execute function die();
        """,
    )
    with pytest.raises(LedgerError, match="Send it again with the same id"):
        add(store, "e1")
    say(own_url, "drop trigger die on pricelang_journal")
    assert add(store, "e1") > 0
    assert total(store) == (1,)
    store.close()


def test_postgres_that_keeps_going_away_is_given_up(own_url: str) -> None:
    store = postgres_store(own_url)
    runs: list[int] = []

    def work(books: Any) -> None:
        runs.append(1)
        books.write("ada", (1,), entry("e1"))
        _terminate(own_url, books)

    with pytest.raises(LedgerError, match="the ledger's Postgres"):
        store.transact(["ada"], work)
    assert len(runs) == 4
    assert (total(store), ids(store)) == (None, [])
    store.close()


def test_postgres_a_deadlock_is_run_again(own_url: str) -> None:
    one, two = postgres_store(own_url), postgres_store(own_url)
    for name in ("a", "b"):
        add(one, f"new-{name}", name)
    both = threading.Barrier(2)

    def crossing(store: Any, first: str, second: str) -> int:
        runs: list[int] = []

        def work(books: Books) -> None:
            runs.append(1)
            # the second account was not named, so it is locked only here
            state: Any = books.state(second)
            books.write(second, (state[0] + 1,), entry(f"{first}{second}", second))  # type: ignore[arg-type]

        def waiting(books: Books) -> None:
            if not runs:
                both.wait()
            work(books)

        store.transact([first], waiting)
        return len(runs)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(crossing, one, "a", "b"), pool.submit(crossing, two, "b", "a")]
    assert sum(each.result() for each in runs) >= 3
    assert (total(one, "a"), total(one, "b")) == ((2,), (2,))
    one.close()
    two.close()


def test_postgres_different_accounts_do_not_wait_for_each_other(own_url: str) -> None:
    one, two = postgres_store(own_url), postgres_store(own_url)
    for name in ("a", "b"):
        add(one, f"new-{name}", name)

    def work(books: Books) -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(add, two, "e1", "b").result(timeout=10)

    assert one.transact(["a"], work) > 0
    one.close()
    two.close()


def test_postgres_refused_work_leaves_no_account_behind(own_url: str) -> None:
    store = postgres_store(own_url)
    store.transact(["ada"], lambda books: books.state("ada"))
    assert say(own_url, "select * from pricelang_account") == []
    store.close()


def test_postgres_a_zero_in_an_id_is_an_error_of_the_ledger(own_url: str) -> None:
    store = postgres_store(own_url)
    with pytest.raises(LedgerError, match="NUL"):
        add(store, "a\0b")
    assert add(store, "e1") > 0
    store.close()

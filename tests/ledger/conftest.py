"""Processes and addresses that the tests of a ledger share."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import crowd

Url = Callable[[], str]


@pytest.fixture(scope="session")
def people() -> Iterator[crowd.Crowd]:
    """Eight processes."""
    with crowd.crowd() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Url:
    """Addresses of new ledgers."""
    if request.param == "postgres":
        return schemas(request.getfixturevalue("postgres_url"))
    return files(tmp_path)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Url:
    return files(tmp_path)


def files(folder: Path) -> Url:
    numbers = itertools.count()
    return lambda: f"sqlite:///{folder}/{next(numbers)}.db"


_numbers = itertools.count()


def schemas(url: str) -> Url:
    """Addresses of empty schemas of their own in one database."""
    import psycopg

    def made() -> str:
        name = f"l{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[arg-type]
        return f"{url}&options=-csearch_path%3D{name}"

    return made

"""What holds for all tests: one database of time zones, and patience on busy machines."""

from __future__ import annotations

import os
import tempfile
import zoneinfo
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings

import servers

# zones come from the package that the library reads them from, not from the machine's own copy
zoneinfo.reset_tzpath(to=())

# what tests keep is kept for this run alone, and not beside what the user has
if "PRICELANG_CACHE" not in os.environ:
    os.environ["PRICELANG_CACHE"] = tempfile.mkdtemp(prefix="pricelang-tests-")

# a slow machine is no fault of the code: nothing is told of time, and no input is refused for how long it took to make
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


# the rule files here are what tests are about, and no tests themselves
collect_ignore_glob = ["*.price", "*/*.price", "*/*/*.price"]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Postgres server for as long as this worker's tests run."""
    pytest.importorskip("psycopg")
    with servers.postgres(tmp_path_factory.mktemp("postgres") / "data") as url:
        yield url

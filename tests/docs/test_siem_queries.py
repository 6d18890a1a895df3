"""Every query of docs/integrate/siem.md, run by an engine over records with gaps, copies, two epochs and heartbeats."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from tests.docs.search_languages import esql, spl
from tests.docs.siem_records import (
    COMPLETE,
    DEAD_AGENTS,
    GAP,
    LAST,
    LOST_LAST,
    MISSING,
    SCENE,
    Arrived,
    encoded,
    numbers,
)  # fmt: skip
from tests.support import npm
from tests.support.opensearch.server import running
from tests.support.requirements import ROOT, program

PAGE: Final = (ROOT / "docs/integrate/siem.md").read_text()
BLOCKS: Final = [(match[1], match[2], match.start()) for match in re.finditer(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)]
CREATE: Final = next(text for _, text, _ in BLOCKS if text.startswith("CREATE TABLE findings"))
HEADINGS: Final = ("**Is anything missing?**", "**Dead agents**", "**A lost last alert**")
Rows = set[tuple[Any, ...]]


def query(heading: str, language: str) -> str:
    """Return the query of a language between a heading and the next heading."""
    places = [found.start() for found in re.finditer(re.escape(heading), PAGE)]
    others = [found.start() for name in HEADINGS for found in re.finditer(re.escape(name), PAGE)]
    for place in places:
        end = min((other for other in others if other > place), default=len(PAGE))
        for found, text, start in BLOCKS:
            if found == language and place < start < end and text != CREATE:
                return text
    raise AssertionError(f"no {language} behind {heading}")


def flat(document: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return the document's leaves by their dotted names."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        found.update(flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value})
    return found


def table_of(rows: Iterable[dict[str, Any]], folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database whose table `records` has the rows."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    database = duckdb.connect()
    database.execute(f"CREATE TABLE records AS SELECT * FROM read_json('{path}', format = 'newline_delimited')")
    return database


def in_sql(heading: str, records: Iterable[Arrived], folder: Path) -> Rows:
    lines = "".join(json.dumps(one) + "\n" for one in encoded("ocsf", records))
    (folder / "findings.jsonl").write_text(lines)
    database = duckdb.connect()
    database.execute(CREATE.replace("findings.jsonl", str(folder / "findings.jsonl")))
    return set(database.execute(query(heading, "sql")).fetchall())


def in_esql(heading: str, records: Iterable[Arrived], folder: Path) -> Rows:
    database = table_of((flat(one) for one in encoded("ecs", records)), folder)
    return {row[: _keys(heading)] for row in database.execute(esql(query(heading, "esql"), "records")).fetchall()}


def in_spl(heading: str, records: Iterable[Arrived], folder: Path) -> Rows:
    rows = (
        {
            "sourcetype": "mozu:alert", "_time": time.time() - one.seconds_ago, "rule": made.rule,
            "provider": made.source, "agent": one.stream[0], "sink": one.stream[1], "epoch": one.stream[2],
            "sequence": one.number, "output_fields.interval": 60 if one.heartbeat else None,
        }
        for one in records
        for made in [one.alert()]
    )  # fmt: skip
    database = table_of(rows, folder)
    return {row[: _keys(heading)] for row in database.execute(spl(query(heading, "spl"), "records")).fetchall()}


def _keys(heading: str) -> int:
    return 2 if heading == "**Dead agents**" else 3


RANGES: Final[dict[str, AbstractSet[tuple[Any, ...]]]] = dict(
    zip(HEADINGS, (MISSING, DEAD_AGENTS, LOST_LAST), strict=True)
)


@pytest.mark.parametrize("heading", HEADINGS)
def test_sql_over_ocsf_names_what_is_missing(heading: str, tmp_path: Path) -> None:
    found = in_sql(heading, SCENE, tmp_path)
    assert RANGES[heading] == {row[: _keys(heading)] if heading == "**Dead agents**" else row for row in found}


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("ask", [in_esql, in_spl], ids=["esql", "spl"])
def test_a_search_names_the_streams(ask: Any, heading: str, tmp_path: Path) -> None:
    assert {row[: _keys(heading)] for row in RANGES[heading]} == ask(heading, SCENE, tmp_path)


@pytest.mark.parametrize("heading", HEADINGS)
@pytest.mark.parametrize("ask", [in_sql, in_esql, in_spl], ids=["sql", "esql", "spl"])
def test_no_query_finds_anything_where_nothing_is_missing(ask: Any, heading: str, tmp_path: Path) -> None:
    whole = [*numbers(COMPLETE, 3, 1, 2, 2, beats=(3,)), *numbers((*COMPLETE[:2], "e2"), 1, 2, beats=(2,))]
    assert set() == ask(heading, whole, tmp_path)


def test_a_gap_of_one_among_many_numbers_is_found(tmp_path: Path) -> None:
    """An estimate of distinct numbers is off by one or two from some 5,000 on."""
    stream = (*GAP[:2], "e9")
    many = list(numbers(stream, *(number for number in range(1, 6_001) if number != 777)))
    assert {stream} == in_esql("**Is anything missing?**", many, tmp_path)
    assert {(*stream, 777, 777)} == in_sql("**Is anything missing?**", many, tmp_path)


def test_an_index_that_begins_at_0_would_hide_every_gap_between_epochs(tmp_path: Path) -> None:
    """`loggers[0]` is NULL in DuckDB: the page says how to notice it."""
    lines = "".join(json.dumps(one) + "\n" for one in encoded("ocsf", SCENE))
    (tmp_path / "findings.jsonl").write_text(lines)
    database = duckdb.connect()
    database.execute(CREATE.replace("findings.jsonl", str(tmp_path / "findings.jsonl")))
    check = re.search(r"`(SELECT count\(\*\) FROM findings WHERE [^`]*)`", PAGE)
    assert check is not None
    assert [(0,)] == database.execute(check[1]).fetchall()
    assert [(len(SCENE),)] == database.execute(check[1].replace("[1]", "[0]")).fetchall()


@pytest.mark.live
@pytest.mark.parametrize("heading", HEADINGS[1:])
def test_jq_names_what_is_missing(heading: str, tmp_path: Path) -> None:
    program("jq")
    (tmp_path / "alerts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in encoded("json", SCENE)))
    found = subprocess.run(
        ["sh", "-c", query(heading, "sh")], cwd=tmp_path, check=True, capture_output=True, text=True,
        env={**os.environ, "NOW": str(int(time.time()))},
    )  # fmt: skip
    if heading == "**Dead agents**":
        assert {tuple(line.split()[1:3]) for line in found.stdout.replace(",", "").splitlines()} == DEAD_AGENTS
    else:
        assert f"lost last {' '.join(LAST)} 3 to 5\n" == found.stdout


@pytest.mark.live
def test_opensearch_takes_the_template_and_names_the_streams(tmp_path: Path) -> None:
    search = json.loads(query("**Is anything missing?**", "json"))
    program("jq")
    command = next(text for _, text, _ in BLOCKS if text.startswith("jq") and "index-template.json" in text)
    made = subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True, text=True)
    template = json.loads(made.stdout)
    many = list(numbers((*GAP[:2], "e9"), *(number for number in range(1, 6_001) if number != 777)))
    with running(tmp_path) as server:
        server.call("PUT", "/_index_template/mozu-alerts", template)
        documents = encoded("ecs", [*SCENE, *many])
        lines = [line for one in documents for line in ({"create": {"_index": "mozu-alerts-2026.12"}}, one)]
        assert not server.call("POST", "/_bulk?refresh=true", lines)["errors"]
        found = server.call("POST", "/mozu-alerts*/_search", search)
        buckets = found["aggregations"]["stream"]["buckets"]
        assert {row[:3] for row in MISSING} | {(*GAP[:2], "e9")} == {tuple(one["key"].values()) for one in buckets}


@pytest.mark.live
def test_esql_has_the_commands_and_functions_that_the_page_uses() -> None:
    package = npm.package("@elastic/monaco-esql", "3.1.13")
    texts = "\n".join(path.read_text() for path in package.rglob("*.js")).lower()
    for text in (text for language, text, _ in BLOCKS if language == "esql"):
        commands = re.findall(r"^\|? ?([A-Z]+) ", text, re.MULTILINE)
        functions = re.findall(r"\b([A-Z_]+)\(", text)
        assert commands
        assert functions
        for word in {*commands, *functions}:
            assert re.search(rf"""['"`\s]{word.lower()}['"`\s]""", texts), f"ES|QL has no {word}"

"""Alerts in a real OpenSearch, by the sink `webhook` and its template `elasticsearch`."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mozu.core.delivery.spool import Spool
from tests.delivery.site import Site
from tests.support.opensearch.server import OpenSearch, running
from tests.support.requirements import ROOT
from tests.support.split import needs_live

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
@needs_live
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearch]:
    with running(tmp_path_factory.mktemp("opensearch")) as made:
        text = (ROOT / "schemas/elasticsearch/index-template.json").read_text()
        template = json.loads(text.replace('"constant_keyword"', '"keyword"'))  # as docs/integrate/siem.md says
        made.call("PUT", "/_index_template/mozu-alerts", template)
        yield made


class Index:
    """An index as a destination of mozu."""

    kind = "webhook"

    def __init__(self, server: OpenSearch, name: str) -> None:
        self._server, self._name = server, name
        self.settings: Json = {
            "url": f"{server.url}/_bulk?filter_path=errors,items.*.status,items.*.error",
            "template": "elasticsearch", "format": "ecs", "index": name, "response_bytes": 1_000_000,
            "allow_private": True,
        }  # fmt: skip

    def size(self) -> int:
        """Return the count of documents."""
        self._server.call("POST", f"/{self._name}/_refresh")
        found: int = self._server.call("GET", f"/{self._name}/_count")["count"]
        return found

    def documents(self) -> Iterator[Json]:
        """Yield the documents, in no order."""
        yield from self._server.documents(self._name)


def site(folder: Path, server: OpenSearch, index: str) -> tuple[Site, Index]:
    destination = Index(server, index)
    return Site(folder, destination), destination


def found_by(server: OpenSearch, index: str, **terms: Any) -> list[str]:
    """Return the numbers of the alerts that a search finds."""
    wanted = [{"term": {name: value}} for name, value in terms.items()]
    body = {"size": 1000, "query": {"bool": {"filter": wanted}}}
    hits = server.call("POST", f"/{index}/_search", body)["hits"]["hits"]
    return sorted(hit["_source"]["labels"]["number"] for hit in hits)


def open_connections(server: OpenSearch) -> int:
    (node,) = server.call("GET", "/_nodes/stats/http")["nodes"].values()
    found: int = node["http"]["current_open"]
    return found


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)  # a search shows a document once the index was refreshed


def test_alerts_are_found_by_search_in_the_default_index(server: OpenSearch, tmp_path: Path) -> None:
    made, index = site(tmp_path, server, "mozu-alerts")
    sink = made.finish(made.begin(300))
    assert (index.size(), 0) == (sink["delivered"], sink["dead_lettered"])
    expected = sorted(map(str, range(300)))
    assert expected == found_by(server, "mozu-alerts*", **{"rule.name": "number", "event.kind": "alert"})
    assert ["17"] == found_by(server, "mozu-alerts*", **{"rule.name": "number", "labels.number": "17"})
    mapping = server.call("GET", "/mozu-alerts/_mapping")["mozu-alerts"]["mappings"]
    assert "false" == mapping["dynamic"]  # the template's


def test_one_alert_among_many_that_does_not_fit_the_mapping_is_a_dead_letter(
    server: OpenSearch, tmp_path: Path
) -> None:
    small = {"labels": {"properties": {"number": {"type": "byte"}}}}
    strict = {"index.mapping.ignore_malformed": False}
    server.call("PUT", "/mozu-alerts-conflict", {"mappings": {"properties": small}, "settings": strict})
    made, index = site(tmp_path, server, "mozu-alerts-conflict")
    sink = made.finish(made.begin(129))  # numbers 0 to 128, of which the last is no byte
    assert (1, index.size()) == (sink["dead_lettered"], sink["delivered"])
    arrived = {document["labels"].get("number") for document in index.documents()} - {None}
    assert {*map(str, range(128))} == arrived
    with closing(Spool(made.spool)) as spool:
        (letter,) = spool.dead(most=10)
    assert (128, True) == (
        letter.alert.values["number"], letter.reason.startswith("the index answered 400: mapper_parsing_exception"),
    )  # fmt: skip


@pytest.mark.parametrize("block", ["write", "read_only_allow_delete"])
def test_alerts_wait_while_the_index_takes_no_writes(server: OpenSearch, tmp_path: Path, block: str) -> None:
    """Writes are blocked for a shrink (403), or because the disk is full (429)."""
    name = f"mozu-alerts-blocked.{block}"
    server.call("PUT", f"/{name}", {"settings": {f"index.blocks.{block}": True}})
    made, index = site(tmp_path, server, name)
    process = made.begin(50)
    until(lambda: open_connections(server) > 1)  # the test's own connection, and mozu's
    assert 0 == index.size()
    server.call("PUT", f"/{name}/_settings", {f"index.blocks.{block}": None})
    sink = made.finish(process)
    assert (index.size(), 0) == (sink["delivered"], sink["dead_lettered"])
    assert sorted(map(str, range(50))) == found_by(server, name, **{"rule.name": "number"})

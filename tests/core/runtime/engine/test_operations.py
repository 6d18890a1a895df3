"""The HTTP listener of a run, asked by clients."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mozu.core.errors import MozuError
from mozu.core.runtime.config.http import HttpSettings
from mozu.core.runtime.operations.client import RunNotFound, ask, parsed
from tests.core.runtime.engine.scene import Scene
from tests.support.https import Certificates

Get = Callable[..., Awaitable[tuple[int, str, str]]]


def look(scene: Scene, scenario: Callable[[Get], Awaitable[None]], **http: Any) -> None:
    """Run the scenario, which gets a page as (status, media type, text)."""
    path = scene.folder / "http.sock"
    scene.tree["http"] = {"listen": f"unix:{path}", **http}

    async def play(scene: Scene) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:

            async def get(page: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
                async with session.request(method, f"http://localhost{page}", headers=headers) as response:
                    return response.status, response.content_type, await response.text()

            await scenario(get)

    scene.play(play)
    assert not path.exists()


def test_a_run_that_does_what_it_should_is_ready(scene: Scene) -> None:
    async def scenario(get: Get) -> None:
        assert (200, "application/json", '{"status": "ok"}') == await get("/healthz")
        status, _, text = await get("/readyz")
        assert (200, {"status": "ready", "findings": []}) == (status, json.loads(text))
        _, _, text = await get("/versions")
        assert {"mozu", "python", "kernel", "rule_language", "rules_digest", "plugins"} == json.loads(text).keys()

    look(scene, scenario)


def test_a_sink_whose_destination_is_away_makes_it_degraded(scene: Scene) -> None:
    (scene.folder / "nowhere.jsonl").mkdir()
    scene.tree["sinks"] = [scene.sink("one", to="nowhere", retry={"first": 60.0, "longest": 3600.0})]

    async def scenario(get: Get) -> None:
        scene.emit(1)
        while (found := json.loads((await get("/readyz"))[2]))["status"] == "ready":
            await asyncio.sleep(0)
        assert ("degraded", "sink one") == (found["status"], found["findings"][0]["subject"])

    look(scene, scenario)


def test_metrics_come_in_both_formats(scene: Scene) -> None:
    async def scenario(get: Get) -> None:
        scene.emit(3)
        status, kind, text = await get("/metrics")
        assert (200, "text/plain") == (status, kind)
        assert 'mozu_sink_alerts_accepted_total{id="one",kind="sink"} 4' in text.splitlines()
        assert "falcosecurity" not in text
        _, kind, text = await get("/metrics", Accept="application/openmetrics-text;version=1.0.0")
        assert "application/openmetrics-text" == kind
        assert text.endswith("# EOF\n")

    look(scene, scenario)


def test_names_of_falco_come_where_they_are_wanted(scene: Scene) -> None:
    async def scenario(get: Get) -> None:
        assert "falcosecurity_scap_n_evts_total 0" in (await get("/metrics"))[2].splitlines()

    look(scene, scenario, falco_names=True)


def test_the_number_of_series_is_bounded_whatever_rules_are_called(scene: Scene) -> None:
    for number in range(40):
        scene.rule(f'A "{number}" \\ ' + "x" * 400, file=f"{number}.yaml")

    async def scenario(get: Get) -> None:
        rows = [row for row in (await get("/metrics"))[2].splitlines() if row.startswith("mozu_rule_matches_total")]
        assert 11 == len(rows)
        assert all(len(row) < 400 for row in rows)
        assert 'rule="(others)"' in rows[-1]

    look(scene, scenario, max_series=10)


def test_a_token_is_asked_for_except_where_containers_are_restarted(scene: Scene) -> None:
    async def scenario(get: Get) -> None:
        for page in ("/metrics", "/status", "/versions", "/other"):
            assert 401 == (await get(page))[0]
            assert 401 == (await get(page, Authorization="Bearer wrong"))[0]
        assert 200 == (await get("/healthz"))[0]
        assert {"status": "ready"} == json.loads((await get("/readyz"))[2])
        status, _, text = await get("/metrics", Authorization="Bearer right")
        assert 200 == status
        assert 'mozu_operations_requests_refused_total{reason="401"} 8' in text.splitlines()

    look(scene, scenario, token="right")


def test_only_pages_that_exist_are_read_and_nothing_is_written(scene: Scene) -> None:
    async def scenario(get: Get) -> None:
        assert 404 == (await get("/"))[0]
        assert 405 == (await get("/metrics", "POST"))[0]
        assert (200, "") == (await get("/metrics", "HEAD"))[::2]

    look(scene, scenario)


def test_a_name_that_a_page_in_a_browser_has_made_resolve_to_this_machine_is_refused(scene: Scene) -> None:
    scene.tree["http"] = {"listen": "127.0.0.1:0"}

    async def play(scene: Scene) -> None:
        port = scene.engine._operations.port
        statuses = {}
        async with aiohttp.ClientSession() as session:
            for host in ("127.0.0.1", "[::1]:5", "localhost:18765", "evil.example", "evil.example:1", "", "a:b:c"):
                url = f"http://127.0.0.1:{port}/metrics"
                async with session.get(url, headers={"Host": host}) as response:
                    statuses[host] = response.status
        assert {200: 3, 403: 4} == {code: list(statuses.values()).count(code) for code in set(statuses.values())}

    scene.play(play)


def test_an_address_that_is_taken_refuses_the_start(scene: Scene) -> None:
    (scene.folder / "taken").write_text("")
    scene.tree["http"] = {"listen": f"unix:{scene.folder / 'taken'}"}

    with pytest.raises((MozuError, ExceptionGroup)) as refused:
        scene.play(lambda scene: asyncio.sleep(0))

    assert "no socket" in str(refused.value)


def asks(settings: HttpSettings) -> str:
    """Return the answer that a client gets."""
    try:
        return parsed(ask(settings)).status
    except RunNotFound:
        return "none"


async def gone(path: Path) -> None:
    """Wait until a replaced listener has closed in the background."""
    while await asyncio.to_thread(path.exists):
        await asyncio.sleep(0)


def test_a_reload_listens_where_the_configuration_says_now(scene: Scene) -> None:
    paths = scene.folder / "first.sock", scene.folder / "second.sock"
    first, second = (HttpSettings(listen=f"unix:{path}") for path in paths)

    async def play(scene: Scene) -> None:
        async def answers() -> tuple[str, str]:
            return await asyncio.to_thread(asks, first), await asyncio.to_thread(asks, second)

        assert ("none", "none") == await answers()
        scene.tree["http"] = {"listen": first.listen}
        assert "setting http.listen" in (await scene.reload())["changes"]
        assert ("ready", "none") == await answers()
        scene.tree["http"] = {"listen": second.listen}
        await scene.reload()
        await gone(paths[0])
        assert ("none", "ready") == await answers()
        del scene.tree["http"]
        await scene.reload()
        await gone(paths[1])
        assert ("none", "none") == await answers()

    scene.play(play)


def test_a_reload_changes_token_and_metrics_where_the_address_stays(scene: Scene) -> None:
    async def scenario(get: Get) -> None:
        listen = scene.tree["http"]["listen"]
        scene.tree["http"] = {"listen": listen, "token": "new", "falco_names": True}
        assert "setting http.token" in (await scene.reload())["changes"]
        assert 401 == (await get("/metrics", Authorization="Bearer old"))[0]
        status, _, text = await get("/metrics", Authorization="Bearer new")
        assert 200 == status
        assert "falcosecurity_scap_n_evts_total" in text

    look(scene, scenario, token="old")


def test_a_renewed_token_in_a_file_comes_into_force_with_a_reload(scene: Scene) -> None:
    (scene.folder / "token").write_text("old")

    async def scenario(get: Get) -> None:
        assert scene.folder / "token" in scene.assembly.watched
        (scene.folder / "token").write_text("new")
        await scene.reload()
        assert (401, 200) == tuple(
            [(await get("/metrics", Authorization=f"Bearer {one}"))[0] for one in ("old", "new")]
        )

    look(scene, scenario, token={"file": str(scene.folder / "token")})


def test_renewed_certificates_come_into_force_with_a_reload(scene: Scene) -> None:
    for name in ("old", "new"):
        (scene.folder / name).mkdir()
    old, new = (Certificates(scene.folder / name) for name in ("old", "new"))
    certificate, key = old.server, old.server_key
    scene.tree["http"] = {"listen": "127.0.0.1:0", "tls": {"certificate": str(certificate), "key": str(key)}}

    async def play(scene: Scene) -> None:
        async def trusts(certificates: Certificates) -> bool:
            context = ssl.create_default_context(cafile=certificates.ca)
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", scene.engine._operations.port, ssl=context)
            except ssl.SSLError:
                return False
            writer.close()
            return True

        port = scene.engine._operations.port
        assert (True, False) == (await trusts(old), await trusts(new))
        certificate.write_bytes(new.server.read_bytes())
        key.write_bytes(new.server_key.read_bytes())
        await scene.reload()
        assert (False, True) == (await trusts(old), await trusts(new))
        key.write_text("no key")
        assert "http: cannot listen" in (await scene.reload())["error"]
        assert (False, True) == (await trusts(old), await trusts(new))
        assert port == scene.engine._operations.port

    scene.play(play)


def test_a_listener_that_cannot_be_opened_refuses_the_reload_and_changes_nothing(scene: Scene) -> None:
    (scene.folder / "taken").write_text("")

    async def scenario(get: Get) -> None:
        before = scene.tree["http"]
        scene.tree["http"] = {"listen": f"unix:{scene.folder / 'taken'}"}
        scene.tree["sinks"] = [scene.sink("two")]
        refused = (await scene.reload())["error"]
        assert f"http: cannot listen on unix:{scene.folder / 'taken'}: there is a file that is no socket" in refused
        assert 200 == (await get("/readyz"))[0]
        assert ["one"] == [worker.name for worker in scene.engine._sinks.workers]
        scene.tree["http"] = before
        assert "sink two added" in (await scene.reload())["changes"]
        assert 200 == (await get("/readyz"))[0]

    look(scene, scenario)


def test_a_reload_that_fails_elsewhere_leaves_no_listener_behind(scene: Scene) -> None:
    async def play(scene: Scene) -> None:
        path = scene.folder / "new.sock"
        scene.tree["http"] = {"listen": f"unix:{path}"}

        async def refuse(demand: object) -> str:
            return "it cannot" if path.exists() else ""

        setattr(scene.engine._pumps[0], "update", refuse)  # noqa: B010  a source that cannot take its demand
        scene.rule("B", path="/other", file="b.yaml")
        assert "it cannot" in (await scene.reload())["error"]
        assert not path.exists()

    scene.play(play)


def test_a_client_gets_the_status_and_says_where_none_answers(scene: Scene, tmp_path: Path) -> None:
    path = scene.folder / "http.sock"
    settings = HttpSettings(listen=f"unix:{path}")

    async def scenario(get: Get) -> None:
        found = parsed(await asyncio.to_thread(ask, settings))
        assert ("ready", ["falco_http"]) == (found.status, list(found.statistics.sources))

    look(scene, scenario)
    with pytest.raises(RunNotFound, match="no run answers at"):
        ask(settings)
    with pytest.raises(RunNotFound, match="has no listener"):
        ask(HttpSettings())

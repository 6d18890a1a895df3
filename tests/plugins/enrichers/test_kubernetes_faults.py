"""The enricher `kubernetes` if the API server is absent, refuses, forgets, breaks off, or changes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mozu.core.api import Context
from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings
from tests.plugins.enrichers.actors import reported, until, working
from tests.plugins.enrichers.kubernetes_pods import account, fields_of, in_pod
from tests.plugins.enrichers.test_kubernetes_replay import replaying, uid_of
from tests.support.https import Certificates, listening
from tests.support.kube_replay import replayed
from tests.support.kube_scenario import NODE
from tests.support.ports import free_port

UID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def said(caplog: pytest.LogCaptureFixture, part: str) -> list[str]:
    return [text for text in caplog.messages if part in text]


def settings(folder: Path, server: str, **given: Any) -> KubernetesSettings:
    return KubernetesSettings(**{"node": NODE, "server": server, "service_account": account(folder), **given})


def test_a_kind_that_may_not_be_read_costs_its_fields_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fields = ("pod.name", "rs.label[tier]", "deployment.name", "deployment.labels", "svc.name", "ns.label[team]")

    async def main() -> None:
        async with replayed() as api:
            api.reach("deployed")
            uid = uid_of(api, "web-5d8f-x1")
            api.refused = {"/deployments": (403, "forbidden: cannot list deployments"), "/services": (403, "")}
            async with working(KubernetesEnricher, settings(tmp_path, api.url)) as enricher:
                await until(lambda: enricher.known(uid), "the rest is known")
                values = fields_of(enricher, uid, *fields)
                assert ["web-5d8f-x1", "front", "web", None, None, "sales"] == values
                api.refused = {}
                everything = ["web-5d8f-x1", "front", "web", ("app:web", "owner:sales"), ("web", "web-front"), "sales"]
                await until(lambda: fields_of(enricher, uid, *fields) == everything, "permissions were given")

    run(main())
    (first,) = said(caplog, "does not let mozu read deployments.apps")
    assert "(it answers with status 403: forbidden: cannot list deployments)" in first
    assert "get, list and watch for deployments.apps" in first
    assert len(said(caplog, "does not let mozu read")) == 2
    assert len(said(caplog, "lets mozu read deployments.apps")) == 1


def test_a_watch_that_breaks_goes_on_where_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> tuple[int, int]:
        async with replaying(tmp_path, "deployed") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            watches = api.watched("/pods")
            api.break_watches()
            await until(lambda: api.watched("/pods") > watches, "the watch is open again")
            api.reach("relabelled")
            await until(lambda: fields_of(enricher, uid, "pod.label[tier]") == ["back"], "changes are seen")
            return api.listed("/pods"), api.listed("/services")

    assert run(main()) == (1, 1)
    assert said(caplog, "Kubernetes") == []


def test_a_version_that_the_server_has_forgotten_takes_a_new_list(tmp_path: Path) -> None:
    """The new list contains the changes meanwhile: a pod was deleted, labels changed."""
    fields = ("deployment.label[owner]", "ns.label[team]", "svc.name")

    async def main() -> None:
        async with replaying(tmp_path, "others") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            api.expired = 20
            api.reach("removed", quietly=True)
            api.break_watches()
            await until(lambda: api.listed("/pods") > 1 and api.listed("/services") > 1, "there are new lists")
            changed = ["logistics", "logistics", ("web", "web-front")]
            await until(lambda: fields_of(enricher, uid, *fields) == changed, "the changes were listed")

    run(main())


def test_a_token_that_is_replaced_is_used_from_the_next_request_on(tmp_path: Path) -> None:
    async def main() -> tuple[str, str]:
        async with replaying(tmp_path, "deployed") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            first = api.requests[0][1]
            api.token = "new"
            (tmp_path / "token").write_text("new\n")
            api.break_watches()
            api.reach("relabelled")
            await until(lambda: fields_of(enricher, uid, "pod.label[tier]") == ["back"], "changes are seen")
            return first, api.requests[-1][1]

    assert run(main()) == ("abc", "new")


def test_an_expired_token_is_said_once_and_tried_until_it_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with replaying(tmp_path, "deployed") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            api.token = "new"
            api.break_watches()
            tries = len(api.requests)
            await until(lambda: len(api.requests) > tries + 10, "it tries again")
            assert fields_of(enricher, uid, "pod.name") == ["web-5d8f-x1"]
            (tmp_path / "token").write_text("new")
            api.reach("relabelled")
            await until(lambda: fields_of(enricher, uid, "pod.label[tier]") == ["back"], "changes are seen")

    run(main())
    (absent,) = said(caplog, "does not answer")
    assert "it answers with status 401: Unauthorized): what is known of pods is that of before" in absent
    assert len(said(caplog, "the Kubernetes API answers")) == 1


async def judged(enricher: KubernetesEnricher) -> list[Any]:
    """Return the fields of a pod's event, which is not held for long and has none."""
    event = in_pod(UID)
    await reported(enricher, event)
    return fields_of(enricher, UID, "pod.name", "svc.name")


def test_an_absent_server_is_said_once_and_found_when_it_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()

    async def main() -> None:
        async with working(KubernetesEnricher, settings(tmp_path, f"http://127.0.0.1:{port}")) as enricher:
            assert await judged(enricher) == [None, None]
            assert enricher.is_unanswered(UID)
            async with replayed(port=port) as api:
                api.reach("deployed")
                uid = uid_of(api, "web-5d8f-x1")
                await until(lambda: enricher.known(uid), "the server was found")
                assert not enricher.is_unanswered(uid)
                (absent,) = said(caplog, "does not answer")  # the server stops first, and may be missed once more
                assert "(no connection: " in absent
                assert "): nothing is known of pods; trying again until it does" in absent
                assert len(said(caplog, "the Kubernetes API answers")) == 1

    run(main())


def test_a_service_account_that_comes_later_is_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with replayed() as api:
            api.reach("deployed")
            uid = uid_of(api, "web-5d8f-x1")
            later = settings(tmp_path, api.url, service_account=tmp_path / "later")
            async with working(KubernetesEnricher, later) as enricher:
                assert await judged(enricher) == [None, None]
                (tmp_path / "later").mkdir()
                account(tmp_path / "later")
                await until(lambda: enricher.known(uid), "the account was found")

    run(main())
    (absent,) = said(caplog, "is not asked")
    assert "no service account in" in absent


async def _garbage(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>a portal</html>")


async def _silence(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (_garbage, "its answer is none of the Kubernetes API"),
        (_silence, "no answer within 0.2 s"),
        (_elsewhere, "it answers with status 302"),
    ],
)
def test_a_server_that_is_none_is_said_so(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    text: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", handler)

    async def main() -> None:
        async with listening(app) as port:
            given = settings(tmp_path, f"http://127.0.0.1:{port}", timeout=0.2)
            async with working(KubernetesEnricher, given) as enricher:
                await until(lambda: said(caplog, "does not answer"), "it is said")
                assert await judged(enricher) == [None, None]

    run(main())
    (absent,) = said(caplog, "does not answer")
    assert text in absent


@pytest.mark.parametrize(("names", "works"), [(("127.0.0.1",), True), (("elsewhere.example",), False)])
def test_the_server_is_verified(
    names: tuple[str, ...], works: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Certificates(tmp_path, names=names)
    (tmp_path / "ca.crt").write_bytes(made.ca.read_bytes())

    async def main() -> None:
        async with replayed(context=made.context()) as api:
            api.reach("deployed")
            async with working(KubernetesEnricher, settings(tmp_path, api.url)) as enricher:
                uid = uid_of(api, "web-5d8f-x1")
                if works:
                    await until(lambda: enricher.known(uid), "its certificate is accepted")
                    return
                await until(lambda: said(caplog, "its certificate is refused"), "it is said")
                assert api.requests == []

    run(main())


def test_objects_beyond_the_bound_are_counted_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    contexts: list[Context] = []

    def build(given: KubernetesSettings, context: Context) -> KubernetesEnricher:
        contexts.append(context)
        return KubernetesEnricher(given, context)

    async def main() -> None:
        async with replayed() as api:
            api.reach("others")
            async with working(build, settings(tmp_path, api.url, max_objects=2)):
                pass

    run(main())
    found = {(name, labels["resource"]): value for name, labels, value in contexts[0].metrics.collect()}
    assert found["kubernetes_objects", "pods"] == 2
    assert found["kubernetes_objects_refused_total", "pods"] == 5
    assert found["kubernetes_objects", "services"] == 2
    (pods,) = said(caplog, "more than 2 pods")
    assert "raise max_objects" in pods


def test_a_node_without_pods_is_doubted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with replaying(tmp_path, "", node="typo"):
            await until(lambda: said(caplog, "there are no pods with spec.nodeName=typo"), "it is said")

    run(main())

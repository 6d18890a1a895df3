"""The enricher `kubernetes` against a real API server, if one has been built (tests/support/kube_apiserver.py)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Context
from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings
from tests.plugins.enrichers.actors import read, until, working
from tests.plugins.enrichers.kubernetes_pods import fields_of, in_pod
from tests.plugins.enrichers.test_kubernetes_replay import DEPLOYED, WEB
from tests.support.kube_apiserver import KubeApiserver, kube_apiserver
from tests.support.kube_scenario import NODE, SPACE, STATIC, deployed, others, pod

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApiserver]:
    with kube_apiserver(tmp_path_factory.mktemp("kubernetes")) as made:
        yield made


@pytest.fixture(scope="module")
def web(server: KubeApiserver) -> str:
    """Return the uid of the deployment's pod."""
    return str(deployed(server)["metadata"]["uid"])


@asynccontextmanager
async def watching(running: KubeApiserver, **given: Any) -> AsyncIterator[KubernetesEnricher]:
    """Yield an enricher that uses the service account and the role of the docs, or `given` settings."""
    fixed = {"node": NODE, "server": running.url, "service_account": running.account()} if not given else {"node": NODE}
    async with working(KubernetesEnricher, KubernetesSettings(**{**fixed, **given})) as enricher:
        yield enricher


async def labelled(server: KubeApiserver, enricher: KubernetesEnricher, uid: str, value: str) -> None:
    """Check that a change of the deployment's label, and of the pod's, is seen."""
    change = {"metadata": {"labels": {"round": value}}}
    for path in (f"/apis/apps/v1/namespaces/{SPACE}/deployments/web", f"/api/v1/namespaces/{SPACE}/pods/web-5d8f-x1"):
        await asyncio.to_thread(server.call, "PATCH", path, change)
    fields = ("deployment.label[round]", "pod.label[round]")
    await until(lambda: fields_of(enricher, uid, *fields) == [value, value], f"round {value} is seen")


def test_the_role_of_the_docs_is_enough_for_every_field(server: KubeApiserver, web: str) -> None:
    async def main() -> list[Any]:
        async with watching(server) as enricher:
            assert enricher.known(web)
            return fields_of(enricher, web, *WEB)

    assert run(main()) == DEPLOYED


def test_a_kubeconfig_with_a_client_certificate_will_do(server: KubeApiserver, web: str) -> None:
    async def main() -> list[Any]:
        async with watching(server, kubeconfig=server.kubeconfig()) as enricher:
            return fields_of(enricher, web, "pod.name", "deployment.name")

    assert run(main()) == ["web-5d8f-x1", "web"]


def test_every_workload_of_a_node_is_reported_as_it_comes(server: KubeApiserver, web: str) -> None:
    async def main() -> None:
        async with watching(server) as enricher:
            made = await asyncio.to_thread(others, server)
            for kind, document in made.items():
                uid = document["metadata"]["uid"]
                await enricher.resolve(uid)
                assert fields_of(enricher, uid, "pod.name", "workload.kind") == [
                    document["metadata"]["name"], kind or None,
                ]  # fmt: skip
            assert fields_of(enricher, STATIC, "pod.name") == ["static-node-1"]

    run(main())


def test_a_pod_is_known_before_the_one_who_made_it_could_start_it(server: KubeApiserver, web: str) -> None:
    """Make twenty pods at once, and look each up as soon as the server has answered its maker."""

    async def one(enricher: KubernetesEnricher, number: int) -> Any:
        made = await asyncio.to_thread(pod, server, f"crowd-{number}")
        event = in_pod(made["metadata"]["uid"])
        await enricher.resolve(enricher.key(event) or "")
        return read(enricher, event, "k8smeta.pod.name")

    async def main() -> list[Any]:
        async with watching(server) as enricher:
            return await asyncio.gather(*(one(enricher, number) for number in range(20)))

    assert [f"crowd-{number}" for number in range(20)] == run(main())


def test_a_server_that_is_killed_and_comes_back_is_watched_again(server: KubeApiserver, web: str) -> None:
    async def main() -> None:
        async with watching(server) as enricher:
            await labelled(server, enricher, web, "before")
            await asyncio.to_thread(server.stop_api)
            assert fields_of(enricher, web, "deployment.label[round]") == ["before"]
            await asyncio.to_thread(server.start_api)
            await labelled(server, enricher, web, "after")

    run(main())


def test_a_history_that_was_compacted_takes_a_new_list(server: KubeApiserver, web: str) -> None:
    """410 Gone: the server cannot continue from the version of the watch."""
    contexts: list[Context] = []

    def build(settings: KubernetesSettings, context: Context) -> KubernetesEnricher:
        contexts.append(context)
        return KubernetesEnricher(settings, context)

    async def main() -> None:
        settings = KubernetesSettings(node=NODE, kubeconfig=server.kubeconfig())
        async with working(build, settings) as enricher:
            await asyncio.to_thread(server.stop_api)
            await asyncio.to_thread(server.forget_history)
            await asyncio.to_thread(server.start_api)
            await labelled(server, enricher, web, "compacted")

    run(main())
    (context,) = contexts
    lists = context.metrics.counter("kubernetes_lists_total", resource="pods").value
    assert lists > 1


def test_a_token_that_is_replaced_and_withdrawn_does_not_end_the_watches(
    server: KubeApiserver, web: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        first = await asyncio.to_thread(server.account, "first")
        async with watching(server, server=server.url, service_account=first) as enricher:
            assert enricher.known(web)
            await asyncio.to_thread(server.account, "second")
            await asyncio.to_thread(server.call, "DELETE", "/api/v1/namespaces/mozu/secrets/first")
            await asyncio.to_thread(server.stop_api)
            await asyncio.to_thread(server.start_api)
            await labelled(server, enricher, web, "token")
            await asyncio.to_thread(server.call, "DELETE", "/api/v1/namespaces/mozu/secrets/second")
            await asyncio.to_thread(server.stop_api)
            await asyncio.to_thread(server.start_api)
            await until(lambda: "status 401" in caplog.text, "the token is refused")
            await asyncio.to_thread(server.account, "third")
            await labelled(server, enricher, web, "third")

    run(main())


def test_a_kind_that_the_role_lacks_is_named_and_found_once_it_is_there(
    server: KubeApiserver, web: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/mozu"
    role = server.call("GET", path)
    poorer = [rule for rule in role["rules"] if rule["apiGroups"] != ["apps"]]

    async def main() -> None:
        await asyncio.to_thread(server.call, "PATCH", path, {"rules": poorer})
        await asyncio.sleep(1)  # the authorizer has the role from a watch of its own
        async with watching(server) as enricher:
            await until(lambda: enricher.known(web), "the rest is known")
            assert fields_of(enricher, web, "pod.name", "rs.name", "rs.labels") == ["web-5d8f-x1", "web-5d8f", None]
            assert "does not let mozu read replicasets.apps (it answers with status 403" in caplog.text
            await asyncio.to_thread(server.call, "PATCH", path, {"rules": role["rules"]})
            await until(lambda: fields_of(enricher, web, "deployment.name") == ["web"], "the role is whole again")

    run(main())


def test_lists_come_in_pages(server: KubeApiserver, tmp_path: Path) -> None:
    """600 pods of a node come in three pages."""

    async def main() -> int:
        made = [asyncio.to_thread(pod, server, f"many-{number}", node="big") for number in range(600)]
        uids = [one["metadata"]["uid"] for one in await asyncio.gather(*made)]
        given = {"node": "big", "kubeconfig": server.kubeconfig()}
        async with working(KubernetesEnricher, KubernetesSettings(**given)) as enricher:
            await until(lambda: all(map(enricher.known, uids)), "all are known")
            return len(uids)

    assert run(main()) == 600

"""The enricher `kubernetes` against recorded answers of a real API server (tests/data/kubernetes)."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Context
from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.runtime.loop import run
from mozu.core.testing import check_enricher
from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings
from tests.plugins.enrichers.actors import context_of, event_of, read, reported, until, working
from tests.plugins.enrichers.kubernetes_pods import ID, account, fields_of, in_pod
from tests.support.kube_replay import ReplayedApi, replayed
from tests.support.kube_scenario import NODE, STATIC

WEB = (
    "pod.name", "pod.ip", "pod.label[app]", "pod.labels", "ns.name", "ns.label[team]", "ns.labels", "rs.name",
    "rs.label[tier]", "deployment.name", "deployment.label[owner]", "deployment.labels", "svc.name",
    "svc.label[service]", "svc.labels", "rc.name", "workload.kind", "workload.name", "workload.labels",
)  # fmt: skip
DEPLOYED = [
    "web-5d8f-x1", "10.1.2.3", "web", ("app:web", "tier:front"), "shop", "sales",
    ("kubernetes.io/metadata.name:shop", "team:sales"), "web-5d8f", "front", "web", "sales",
    ("app:web", "owner:sales"), ("web", "web-front"), ("web", "web-front"), ("service:web", "service:web-front"),
    None, "Deployment", "web", ("app:web", "owner:sales"),
]  # fmt: skip


@asynccontextmanager
async def replaying(folder: Path, step: str, **settings: Any) -> AsyncIterator[tuple[ReplayedApi, KubernetesEnricher]]:
    """Yield the API after a step, and an enricher that uses it."""
    async with replayed() as api:
        if step:
            api.reach(step)
        given = {"node": NODE, "server": api.url, "service_account": account(folder), **settings}
        async with working(KubernetesEnricher, KubernetesSettings(**given)) as enricher:
            yield api, enricher


def uid_of(api: ReplayedApi, name: str) -> str:
    """Return the uid of a pod as the server reported it."""
    return str(next(line["object"]["metadata"]["uid"] for line in api.lines("pods") if _name(line) == name))


def _name(line: dict[str, Any]) -> str:
    return str(line["object"]["metadata"].get("name", ""))


def test_pods_that_are_there_at_the_start_are_known_with_all_that_they_belong_to(tmp_path: Path) -> None:
    async def main() -> tuple[bool, list[Any]]:
        async with replaying(tmp_path, "deployed") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            return enricher.known(uid), fields_of(enricher, uid, *WEB)

    assert run(main()) == (True, DEPLOYED)


def test_pods_that_come_later_are_reported_of_by_the_watch(tmp_path: Path) -> None:
    async def main() -> tuple[bool, list[Any], int]:
        async with replaying(tmp_path, "") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            before = enricher.known(uid)
            waiting = asyncio.ensure_future(enricher.resolve(uid))
            await asyncio.sleep(0)
            api.reach("deployed")
            await waiting
            return before, fields_of(enricher, uid, *WEB), api.listed("/pods")

    assert run(main()) == (False, DEPLOYED, 1)


def test_uids_are_those_of_the_api(tmp_path: Path) -> None:
    async def main() -> tuple[list[Any], list[Any]]:
        async with replaying(tmp_path, "deployed") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            names = ("pod.uid", "rs.uid", "deployment.uid", "ns.uid", "svc.uid", "workload.uid")
            said = [api.said(f"/{one}")["metadata"]["uid"] for one in ("web-5d8f", "web", "shop")]
            services = [api.said_in("/services", one)["metadata"]["uid"] for one in ("web", "web-front")]
            return fields_of(enricher, uid, *names), [uid, *said, tuple(services), said[1]]

    found, expected = run(main())
    assert expected == found


@pytest.mark.parametrize(
    ("pod", "fields", "values"),
    [
        ("log-1", ("workload.kind", "workload.name", "workload.labels"), ["DaemonSet", "log", ("of:ds",)]),
        ("db-0", ("workload.kind", "workload.name", "workload.labels"), ["StatefulSet", "db", ("of:ss",)]),
        ("old-1", ("workload.kind", "rc.name", "rc.label[of]"), ["ReplicationController", "old", "rc"]),
        ("nightly-1-a", ("workload.kind", "workload.name", "workload.label[of]"), ["CronJob", "nightly", "cj"]),
        (
            "q-1",
            ("workload.kind", "workload.name", "workload.uid", "workload.labels", "deployment.name"),
            ["Deployment", "q", "u-1", None, None],
        ),
        ("db-0", ("svc.name", "rs.name", "deployment.name", "pod.label[app]"), [("other",), None, None, "db"]),
        ("log-1", ("svc.name", "svc.label[service]", "pod.labels", "pod.label[app]"), [None, None, None, None]),
    ],
)
def test_every_kind_of_workload_is_reported(tmp_path: Path, pod: str, fields: Iterable[str], values: list[Any]) -> None:
    """Workloads include a controller of another group, which has only its reference, and a pod without labels."""

    async def main() -> list[Any]:
        async with replaying(tmp_path, "others") as (api, enricher):
            uid = uid_of(api, pod)
            assert enricher.known(uid)
            return fields_of(enricher, uid, *fields)

    assert values == run(main())


def test_a_static_pod_is_known_by_the_uid_that_its_cgroup_has(tmp_path: Path) -> None:
    async def main() -> tuple[list[Any], str]:
        async with replaying(tmp_path, "others") as (api, enricher):
            return fields_of(enricher, STATIC, "pod.name", "pod.uid"), uid_of(api, "static-node-1")

    (name, uid), expected = run(main())
    assert (name, uid) == ("static-node-1", expected)
    assert uid != STATIC


def test_changes_of_labels_and_selections_are_seen(tmp_path: Path) -> None:
    fields = ("pod.label[tier]", "ns.label[team]", "deployment.label[owner]", "svc.name", "svc.label[service]")

    async def main() -> list[Any]:
        async with replaying(tmp_path, "deployed") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            api.reach("relabelled")
            changed = ["back", "logistics", "logistics", ("web",), ("renamed",)]
            await until(lambda: fields_of(enricher, uid, *fields) == changed, "the changes are seen")
            return [api.listed("/pods"), api.listed("/services")]

    assert [1, 1] == run(main())


def test_a_deleted_pod_is_known_to_its_last_events(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with replaying(tmp_path, "others") as (api, enricher):
            uid = uid_of(api, "web-5d8f-x1")
            api.reach("removed")
            await until(lambda: fields_of(enricher, uid, "pod.label[tier]") == ["back"], "the changes before are seen")
            return fields_of(enricher, uid, "pod.name", "deployment.name")

    assert ["web-5d8f-x1", "web"] == run(main())


def test_only_kinds_that_a_pod_of_the_node_leads_to_are_asked_for(tmp_path: Path) -> None:
    async def main() -> set[str]:
        async with replaying(tmp_path, "deployed") as (api, enricher):
            assert enricher.known(uid_of(api, "web-5d8f-x1"))
            paths = [path.partition("?")[0].split("/") for path, _ in api.requests]
            return {part for path in paths for part in path if part.endswith("s") and part not in ("apis", "apps")}

    assert {"pods", "services", "namespaces", "replicasets", "deployments"} == run(main())


def test_processes_of_the_host_and_of_other_containers_have_no_pod(tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with replaying(tmp_path, "deployed") as (_, enricher):
            events = (event_of(), event_of(ID, cgroups=(("memory", f"/docker/{ID}"),)))
            readers = enricher.readers()
            return [enricher.key(event) for event in events] + [readers["k8smeta.pod.name"](None)(events[0])]

    assert [None, None, None] == run(main())


def test_a_container_in_another_cgroup_is_in_the_pod_that_its_label_names(tmp_path: Path) -> None:
    """The pod is known as soon as the enricher of the container's runtime knows the container."""
    contexts: list[Context] = []

    def build(settings: KubernetesSettings, context: Context) -> KubernetesEnricher:
        contexts.append(context)
        return KubernetesEnricher(settings, context)

    async def main() -> list[Any]:
        async with replayed() as api:
            api.reach("deployed")
            settings = KubernetesSettings(node=NODE, server=api.url, service_account=account(tmp_path))
            async with working(build, settings) as enricher:
                event = event_of(ID, cgroups=(("memory", f"/elsewhere/{ID}"),))
                before = enricher.key(event)
                labels = {"io.kubernetes.pod.uid": uid_of(api, "web-5d8f-x1")}
                known = ContainerMetadata(full_id=ID, labels=labels)
                contexts[0].fields.lookups.container = lambda full_id: known if full_id == ID else None
                return [before, enricher.key(event) in labels.values(), read(enricher, event, "k8smeta.pod.name")]

    assert [None, True, "web-5d8f-x1"] == run(main())


def test_a_pod_of_another_node_is_not_known_and_is_not_waited_for_again(tmp_path: Path) -> None:
    async def main() -> tuple[bool, list[Any]]:
        async with replaying(tmp_path, "others") as (_, enricher):
            event = in_pod("00000000-0000-4000-8000-000000000000")
            await reported(enricher, event)
            return enricher.known(enricher.key(event) or ""), fields_of(enricher, enricher.key(event) or "", "pod.name")

    assert run(main()) == (True, [None])


def test_a_recording_asks_no_server() -> None:
    enricher = KubernetesEnricher(KubernetesSettings(server="http://127.0.0.1:9"), context_of(offline=True))
    event = in_pod(STATIC)

    async def main() -> bool:
        await enricher.start()
        found = enricher.known(enricher.key(event) or "")
        await enricher.stop()
        return found

    assert run(main())


def test_it_fills_every_field_of_the_cluster() -> None:
    fields = {field.name for field in builtin_fields() if field.name.startswith("k8smeta.")}
    enricher = KubernetesEnricher(KubernetesSettings(), context_of())
    assert fields == set(enricher.readers())


def test_it_keeps_the_contract_of_enrichers(tmp_path: Path) -> None:
    fields = [field for field in builtin_fields() if field.name.startswith("k8smeta.")]

    async def main() -> None:
        async with replayed() as api:
            api.reach("others")
            settings = KubernetesSettings(node=NODE, server=api.url, service_account=account(tmp_path))
            events = [in_pod(uid_of(api, "web-5d8f-x1")), in_pod(STATIC), event_of()]
            async with asyncio.TaskGroup() as group:

                async def owned(work: Any) -> None:
                    await work

                def spawn(work: Any, name: str) -> None:
                    group.create_task(owned(work), name=name)

                await check_enricher(
                    lambda: KubernetesEnricher(settings, context_of(spawn=spawn)), events, fields=fields
                )

    run(main())

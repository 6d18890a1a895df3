"""Owners of pods: fetched beside a watch, so that no change is missed and none is undone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from mozu.plugins.enrichers.kubernetes.objects import Metadata, ObjectMeta, OwnerReference, PodObject
from mozu.plugins.enrichers.kubernetes.owners import Owners
from mozu.plugins.enrichers.kubernetes.resources import Resource
from mozu.plugins.enrichers.kubernetes.server_log import ServerLog
from tests.plugins.enrichers.actors import context_of

SET = OwnerReference("apps/v1", "ReplicaSet", "web-1", "set", controller=True)
POD = PodObject(name="web-1-a", namespace="shop", uid="pod", labels={}, owner=SET, ip="", mirrored="")


def replica_set(label: str, *, owner: OwnerReference | None = None, uid: str = "set") -> Metadata:
    owners = () if owner is None else (owner,)
    return Metadata(ObjectMeta("web-1", "shop", uid, "7", {"round": label}, owners))


class Server:
    """Server that answers for replica sets on the test's command, for namespaces at once; a watch is the lines of a
    queue.
    """

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[Metadata | None]] = []
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.versions = 0

    async def get(self, resource: Resource, namespace: str, name: str) -> Metadata | None:
        if resource.kind == "Namespace":
            return Metadata(ObjectMeta("shop", "", "ns", "1", {}))
        asked: asyncio.Future[Metadata | None] = asyncio.get_running_loop().create_future()
        self.asked.append(asked)
        return await asked

    async def version(self, resource: Resource) -> str:
        self.versions += resource.kind == "ReplicaSet"
        return "5"

    @asynccontextmanager
    async def watch(self, resource: Resource, version: str, selector: str, seconds: int) -> AsyncIterator[Any]:
        async def lines() -> AsyncIterator[bytes]:
            while (line := await self.lines.get()) is not None:
                yield line

        async def none() -> AsyncIterator[bytes]:
            await asyncio.Event().wait()
            yield b""

        yield lines() if resource.kind == "ReplicaSet" else none()


async def settled() -> None:
    """Wait until everything has gone on that can without the test."""
    for _ in range(50):
        await asyncio.sleep(0)


def labels(owners: Owners) -> list[Any]:
    return [one.labels for one in owners.controllers(POD)]


def check(test: Callable[[Server, Owners], Awaitable[None]]) -> None:
    """Run the test with the owners of one pod, whose replica set is being fetched."""

    async def main() -> None:
        server, context = Server(), context_of()
        log = ServerLog(context.log, lambda: None)
        owners = Owners(server, log, context, lambda: None)  # type: ignore[arg-type]  # the methods of an API that it calls
        try:
            async with asyncio.TaskGroup() as group:
                owners.use(group)
                owners.want(POD)
                await settled()
                await test(server, owners)
                raise asyncio.CancelledError
        except asyncio.CancelledError:
            pass

    asyncio.run(main())


def test_what_is_not_fetched_yet_is_known_by_its_reference() -> None:
    async def test(server: Server, owners: Owners) -> None:
        assert not owners.is_known(POD)
        assert [(one.name, one.uid, one.labels) for one in owners.controllers(POD)] == [("web-1", "set", None)]
        server.asked[0].set_result(replica_set("one"))
        await settled()
        assert owners.is_known(POD)
        assert labels(owners) == [{"round": "one"}]

    check(test)


def test_a_change_that_the_watch_reported_is_not_undone_by_an_older_answer() -> None:
    async def test(server: Server, owners: Owners) -> None:
        line = b'{"type": "MODIFIED", "object": {"metadata": {"name": "web-1", "namespace": "shop", "uid": "set",'
        server.lines.put_nowait(line + b' "resourceVersion": "9", "labels": {"round": "two"}}}}')
        await settled()
        assert labels(owners) == [{"round": "two"}]
        server.asked[0].set_result(replica_set("one"))
        await settled()
        assert labels(owners) == [{"round": "two"}]

    check(test)


def test_after_a_version_that_was_forgotten_only_what_is_fetched_from_then_on_counts() -> None:
    """An answer under way may be older than the new version, after which changes are reported."""

    async def test(server: Server, owners: Owners) -> None:
        gone = b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}'
        server.lines.put_nowait(gone)
        while server.versions < 2:
            await asyncio.sleep(0.01)
        await settled()
        old, new = server.asked
        old.set_result(replica_set("old"))
        await settled()
        assert not owners.is_known(POD)
        new.set_result(replica_set("new"))
        await settled()
        assert labels(owners) == [{"round": "new"}]

    check(test)


def test_another_object_of_the_same_name_is_not_the_one_that_is_referred_to() -> None:
    async def test(server: Server, owners: Owners) -> None:
        server.asked[0].set_result(replica_set("other", uid="another"))
        await settled()
        assert owners.is_known(POD)
        assert [(one.name, one.uid, one.labels) for one in owners.controllers(POD)] == [("web-1", "set", None)]

    check(test)


def test_references_in_a_circle_end() -> None:
    async def test(server: Server, owners: Owners) -> None:
        server.asked[0].set_result(replica_set("own", owner=SET))
        await settled()
        assert owners.is_known(POD)
        assert len(list(owners.controllers(POD))) == 4

    check(test)


def test_what_no_pod_refers_to_is_forgotten() -> None:
    async def test(server: Server, owners: Owners) -> None:
        server.asked[0].set_result(replica_set("one"))
        await settled()
        owners.keep([POD])
        assert labels(owners) == [{"round": "one"}]
        owners.keep([])
        assert labels(owners) == [None]
        owners.want(POD)
        await settled()
        assert len(server.asked) == 2

    check(test)

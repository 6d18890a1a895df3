"""Records the answers of a real API server to the enricher `kubernetes`, for `kube_replay`:

    python -m tests.support.kube_recording

An enricher watches from before the first step on; after each step another one begins, which has to list. Objects are
kept without `managedFields`, which are the largest part and which no field needs.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import aiohttp
import orjson
from aiohttp import web

from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings
from tests.plugins.enrichers.actors import working
from tests.support.https import listening
from tests.support.kube_apiserver import KubeApiserver, kube_apiserver
from tests.support.kube_replay import RECORDING
from tests.support.kube_scenario import NODE, STEPS

_SETTLED = 1.0
"""Seconds after the last answer until a step counts as complete; only recordings are made in this way."""


class Recorder:
    """A proxy in front of a server, which keeps answers."""

    def __init__(self, server: KubeApiserver, target: TextIO) -> None:
        self._server, self._target = server, target
        self._session = aiohttp.ClientSession()
        self._last = 0.0
        self.url = ""

    def keep(self, **item: Any) -> None:
        """Write a line of the recording."""
        self._last = asyncio.get_running_loop().time()
        self._target.write(json.dumps(_stripped(item), separators=(",", ":")) + "\n")

    async def settled(self) -> None:
        """Wait until nothing is answered any more."""
        while asyncio.get_running_loop().time() - self._last < _SETTLED:
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Stop making requests."""
        await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on to the server and keep its answer."""
        url, headers = f"{self._server.url}{request.path_qs}", {"Accept": request.headers["Accept"]}
        async with self._session.get(url, headers=headers, ssl=self._server.tls) as answer:
            if request.query.get("watch") != "true":
                body = orjson.loads(await answer.read())
                self.keep(get=request.path, status=answer.status, body=body)
                return web.Response(body=orjson.dumps(body), status=answer.status, content_type="application/json")
            response = web.StreamResponse()
            await response.prepare(request)
            with suppress(ConnectionResetError):  # the enricher closed the connection
                async for line in answer.content:
                    await response.write(line)
                    self.keep(watch=request.path, line=orjson.loads(line))
            return response


def _stripped(value: Any) -> Any:
    if isinstance(value, list):
        return [_stripped(one) for one in value]
    if isinstance(value, dict):
        return {key: _stripped(one) for key, one in value.items() if key != "managedFields"}
    return value


@asynccontextmanager
async def _recording(server: KubeApiserver, target: TextIO) -> AsyncIterator[Recorder]:
    recorder = Recorder(server, target)
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", recorder.handle)
    async with listening(app) as port:
        recorder.url = f"http://127.0.0.1:{port}"
        yield recorder
    await recorder.close()


async def record(server: KubeApiserver, target: TextIO) -> None:
    """Record all steps of the scenario."""
    async with _recording(server, target) as recorder:
        account = server.account()
        settings = KubernetesSettings(node=NODE, server=recorder.url, service_account=account)
        async with working(KubernetesEnricher, settings):
            for name, step in STEPS:
                recorder.keep(step=name)
                await asyncio.to_thread(step, server)
                await recorder.settled()
                async with working(KubernetesEnricher, settings):
                    await recorder.settled()


if __name__ == "__main__":
    RECORDING.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, RECORDING.open("w") as file, kube_apiserver(Path(folder)) as running:
        asyncio.run(record(running, file))
    sys.stdout.write(f"{RECORDING}: {RECORDING.stat().st_size} bytes\n")

"""Runtimes that the enricher `containers` looks for."""

import asyncio
import logging
from pathlib import Path

import pytest

from mozu.plugins.enrichers.containers import build
from mozu.plugins.enrichers.containers.settings import (
    ContainerdSettings,
    ContainersSettings,
    CriSettings,
    DockerSettings,
    PodmanSettings,
)
from tests.plugins.enrichers.actors import context_of, event_of, reported, until, working


def settings_in(folder: Path) -> ContainersSettings:
    """Return settings in which every runtime is below this folder."""
    return ContainersSettings(
        docker=DockerSettings(socket=folder / "docker.sock", data_root=folder / "docker"),
        containerd=ContainerdSettings(state=folder / "containerd", socket=folder / "containerd.sock"),
        cri=CriSettings(sockets=(folder / "cri.sock",)),
        podman=PodmanSettings(storage=(str(folder / "storage"),)),
    )


def test_on_a_machine_without_containers_it_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with working(build, settings_in(tmp_path)) as enricher:
            await reported(enricher, event_of("a" * 64, runtime="k8s"))

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    assert "" == caplog.text


def test_a_runtime_that_appears_is_found_and_no_other_is_spoken_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with working(build, settings_in(tmp_path)):
            (tmp_path / "storage").mkdir()
            await until(lambda: caplog.text, "podman's storage is found")

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    assert [f"reading containers of podman: {tmp_path / 'storage'}"] == [one.getMessage() for one in caplog.records]


def test_a_runtime_can_be_left_out(tmp_path: Path) -> None:
    settings = settings_in(tmp_path).model_copy(update={"podman": None, "cri": None})
    enricher = build(settings, context_of())
    events = [event_of("a" * 64, runtime=runtime) for runtime in ("podman", "cri-o", "docker", "containerd", "k8s")]
    assert [None, None, "a" * 64, "a" * 64, "a" * 64] == [enricher.key(event) for event in events]

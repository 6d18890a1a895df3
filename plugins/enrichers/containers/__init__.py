"""The enrichers of container runtimes: `containers` reads every runtime of this machine with one cache; `docker`,
`containerd`, `cri` and `podman` read one each.

    enricher     the enricher: one cache for all of its runtimes, each of which is detected
    lookups      the look-ups of that enricher: which runtimes are asked, what is kept
    runtime      the interface of a runtime
    docker, containerd, cri, podman   the runtimes
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mozu.core.api import Context, EnricherDeclaration, Privilege, Settings, hookimpl
from mozu.core.common.live_enricher import live_enricher
from mozu.plugins.enrichers.containers import privileges
from mozu.plugins.enrichers.containers.settings import (
    ContainerdSettings,
    ContainersSettings,
    CriSettings,
    DockerSettings,
    PodmanSettings,
)

if TYPE_CHECKING:
    from mozu.plugins.enrichers.containers.enricher import ContainerEnricher, MakeRuntime

S = TypeVar("S", bound=Settings)

_RUNTIMES: Final = {
    "docker": "DockerRuntime",
    "containerd": "ContainerdRuntime",
    "cri": "CriRuntime",
    "podman": "PodmanRuntime",
}
"""Runtime → its class, in the module `runtime` of the package of that name."""


def build(settings: ContainersSettings, context: Context) -> "ContainerEnricher":
    """Build an enricher of the runtimes whose settings are not None."""
    given = {name: getattr(settings, name) for name in _RUNTIMES}
    return _built({name: own for name, own in given.items() if own is not None}, context)


def builder(runtime: str) -> Callable[[Settings, Context], "ContainerEnricher"]:
    """Return the function that builds an enricher of one runtime from the settings of that runtime."""
    return lambda settings, context: _built({runtime: settings}, context)


def _built(settings: Mapping[str, Settings], context: Context) -> "ContainerEnricher":
    from mozu.plugins.enrichers.containers.enricher import ContainerEnricher  # only where it is used

    return ContainerEnricher(context, [_maker(name, own) for name, own in settings.items()])


def _maker(name: str, settings: Settings) -> "MakeRuntime":
    return partial(getattr(import_module(f"{__name__}.{name}.runtime"), _RUNTIMES[name]), settings)


def _of_one(
    name: str, settings: type[S], needs: Callable[[S], Iterable[Privilege]], summary: str
) -> EnricherDeclaration[S]:
    return live_enricher(name, settings, builder(name), needs, summary)


@hookimpl
def mozu_components() -> Sequence[EnricherDeclaration[Any]]:
    """Declare the enricher of all runtimes, and one enricher for each of them."""
    summary = "What every container runtime of this machine says of containers: docker, containerd, CRI, podman."
    return [
        live_enricher("containers", ContainersSettings, build, privileges.containers_privileges, summary),
        _of_one(
            "docker",
            DockerSettings,
            privileges.docker_privileges,
            "Names, images, labels and mounts of containers, from a docker engine's files and API.",
        ),
        _of_one(
            "containerd",
            ContainerdSettings,
            privileges.containerd_privileges,
            "Names, images, labels, mounts and pods of containers, from containerd's state directory and API.",
        ),
        _of_one(
            "cri",
            CriSettings,
            privileges.cri_privileges,
            "Names, images, labels, addresses and sandboxes of pods and their containers, by CRI.",
        ),
        _of_one(
            "podman",
            PodmanSettings,
            privileges.podman_privileges,
            "Names, images, mounts and privileges of podman's containers, from its storage.",
        ),
    ]

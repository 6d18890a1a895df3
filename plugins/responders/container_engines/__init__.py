"""The responders `pause` and `kill_container`: the engine of an alert's container (docker, containerd, podman) pauses
or kills it.

    responder   both responders, their settings, the choice of the engine and the proof of the container
    control     the requests that an engine takes
    docker, containerd, podman   the clients of the engines
"""

from collections.abc import Sequence

from mozu.core.api import ResponderDeclaration, hookimpl
from mozu.plugins.responders.container_engines.responder import (
    EngineSettings,
    KillContainerResponder,
    PauseResponder,
)


@hookimpl
def mozu_components() -> Sequence[ResponderDeclaration[EngineSettings]]:
    """Declare both responders."""
    return [
        ResponderDeclaration(
            name="pause",
            build=PauseResponder,
            settings=EngineSettings,
            summary="Pauses the container of an alert through its engine: docker, containerd, podman.",
        ),
        ResponderDeclaration(
            name="kill_container",
            build=KillContainerResponder,
            settings=EngineSettings,
            summary="Kills the container of an alert through its engine, so that it is not started again.",
        ),
    ]

"""The core's settings for responses: the key `respond` of the configuration."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from mozu.core.api import Settings


class AllowSettings(Settings):
    """Exceptions: processes that no responder acts on."""

    executables: tuple[Path, ...] = Field(
        (), description="Executables on the host that are never acted on where root runs them."
    )
    containers: tuple[str, ...] = Field((), description="Containers: id (12 digits at least), name, or image.")
    namespaces: tuple[str, ...] = Field((), description="Namespaces of Kubernetes.")
    users: tuple[int, ...] = Field((), description="Ids of users.")


class RespondSettings(Settings):
    """Limits of all responders; see docs/operate/responders.md."""

    allow: AllowSettings = Field(AllowSettings(), description="What is never acted on.")
    unprotect: tuple[Path, ...] = Field(
        (), description="Protected executables that a responder may act on if its own `unprotect` has them, too."
    )
    on_death: Literal["stop", "go_on"] = Field(
        "stop", description="Whether what the kernel itself kills and denies ends when mozu is killed, or goes on."
    )
    per_minute: int = Field(30, ge=1, description="The most acts in a minute on containers, and on users.")
    per_account: int = Field(5, ge=1, description="Of these, for one rule in one container, or of one user.")

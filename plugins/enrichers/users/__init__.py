"""The enricher `users`: names of users and groups, the host's and each container's own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, Privilege, hookimpl
from mozu.core.common.live_enricher import live_enricher
from mozu.plugins.enrichers.users.settings import UsersSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.users.enricher import UsersEnricher


def build(settings: UsersSettings, context: Context) -> "UsersEnricher":
    """Build the enricher."""
    from mozu.plugins.enrichers.users.enricher import UsersEnricher  # only where it is used

    return UsersEnricher(settings, context)


def privileges(settings: UsersSettings) -> Iterator[Privilege]:
    """Yield the privilege to read the root directories of containers."""
    yield Privilege(
        capability="CAP_SYS_PTRACE",
        purpose="read /etc/passwd and /etc/group of containers, through /proc",
        without="users and groups of containers of other users have no names",
    )


@hookimpl
def mozu_components() -> EnricherDeclaration[UsersSettings]:
    """Declare the enricher `users`."""
    summary = "Names of users and groups, from the files of the host and of each container, and from name services."
    return live_enricher("users", UsersSettings, build, privileges, summary, provides="users")

"""The enricher `users`: names of users and groups, the host's and each container's own."""

from collections.abc import Iterator

from mozu.core.api import EnricherDeclaration, LookupLimits, Privilege, hookimpl
from mozu.plugins.enrichers.users.enricher import UsersEnricher, UsersSettings


def privileges(settings: UsersSettings) -> Iterator[Privilege]:
    """The root directories of containers."""
    yield Privilege(
        capability="CAP_SYS_PTRACE",
        purpose="read /etc/passwd and /etc/group of containers, through /proc",
        without="users and groups of containers of other users have no names",
    )


@hookimpl
def mozu_components() -> EnricherDeclaration[UsersSettings]:
    """Declare the enricher `users`."""
    return EnricherDeclaration(
        name="users",
        build=UsersEnricher,
        summary="Names of users and groups, from the files of the host and of each container, and from name services.",
        settings=UsersSettings,
        provides=("users",),
        lookups=LookupLimits(ttl=0, negative_ttl=1),
        privileges=privileges,
    )

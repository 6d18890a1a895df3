"""Source `syscalls`: live system calls of this machine, by the best means that it allows (docs/operate/sources.md)."""

from typing import Final

from pydantic import Field

from mozu.core.api import NO_SOURCE, Settings, SourceChoice, SourceChoiceDeclaration, hookimpl

_ONLY_ITS_OWN: Final[SourceChoice] = {"ptrace": {"others": "refused"}}


class SyscallsSettings(Settings):
    """Settings of the source `syscalls`."""

    source: SourceChoice = Field(
        "ebpf", description="The source to take, by its name or as a mapping from the name to its settings."
    )
    fallback: SourceChoice = Field(
        _ONLY_ITS_OWN,
        description="The source that takes its place where it cannot start; written in the same way. By default "
        f"ptrace, unless that would trace processes of other users or all of the machine. `{NO_SOURCE}`: mozu ends.",
    )


@hookimpl
def mozu_components() -> SourceChoiceDeclaration[SyscallsSettings]:
    """The source `syscalls`."""
    return SourceChoiceDeclaration(
        name="syscalls",
        summary="Live system calls of this machine, by the best means that it allows: ebpf, or else ptrace.",
        settings=SyscallsSettings,
        choices=("source", "fallback"),
    )

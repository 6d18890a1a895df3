"""Source `syscalls`: live system calls of this machine, by the best means that it allows (docs/sources.md)."""

from pydantic import Field

from mozu.core.api import NO_SOURCE, Settings, SourceChoice, SourceChoiceDeclaration, hookimpl


class SyscallsSettings(Settings):
    """Settings of the source `syscalls`."""

    source: SourceChoice = Field(
        "ebpf", description="The source to take, by its name or as a mapping from the name to its settings."
    )
    fallback: SourceChoice = Field(
        "ptrace",
        description="The source that takes its place where it cannot start; written in the same way. "
        f"`{NO_SOURCE}`: mozu then ends.",
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

"""Source `ptrace`: system calls of a command, of a process, or of a whole pid namespace, without a kernel program.

What is seen, at what price, and what is not: docs/trace.md.
"""

from collections.abc import Iterator
from typing import Self

from pydantic import ByteSize, Field, model_validator

from mozu.core.abi.limits import DATA_MAX, TEXT_MAX
from mozu.core.api import Context, Privilege, Settings, Source, SourceDeclaration, hookimpl
from mozu.plugins.sources.ptrace.capability import problem, visibility


class PtraceSettings(Settings):
    """Settings of the source `ptrace`."""

    command: tuple[str, ...] = Field((), description="The program to run and its arguments.")
    pid: int | None = Field(None, ge=1, description="A running process to attach to, with its descendants.")
    job_control: bool = Field(
        False, description="Stop mozu together with a command that is stopped from the terminal, as a shell expects."
    )
    deny: bool = Field(
        False, description="Calls of `command` that a rule with the response `deny` matches fail with EPERM, not run."
    )

    snaplen: ByteSize = Field(
        ByteSize(DATA_MAX), ge=0, le=TEXT_MAX,
        description="Bytes of what was read or written that an event carries, at most.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.command and self.pid is not None:
            raise ValueError("takes `command` or `pid`, not both; without either it follows its whole pid namespace")
        if self.deny and not self.command:
            raise ValueError("`deny` needs `command`: what runs already, mozu may itself have to wait for")
        return self


def _build(settings: PtraceSettings, context: Context) -> Source:
    from mozu.plugins.sources.ptrace.source import PtraceSource  # seldom used: it need not be in memory before

    return PtraceSource(
        settings.command, settings.pid, job_control=settings.job_control, deny=settings.deny,
        snaplen=settings.snaplen, context=context,
    )  # fmt: skip


def _privileges(settings: PtraceSettings) -> Iterator[Privilege]:
    if settings.command:
        yield Privilege(
            capability="CAP_SYS_ADMIN",
            purpose="stop the command at the wanted calls without no_new_privs",
            without="set-uid programs of the command run without their privilege",
        )
        return
    yield Privilege(
        capability="CAP_SYS_PTRACE",
        purpose="attach to processes of other users, and where kernel.yama.ptrace_scope asks for it",
        without="only processes of mozu's own user are seen; a set-uid program is let go before it is executed",
    )


@hookimpl
def mozu_components() -> SourceDeclaration[PtraceSettings]:
    """Declare the source `ptrace`."""
    return SourceDeclaration(
        name="ptrace",
        build=_build,
        summary="System calls of a command, a process, or a whole pid namespace, traced without a kernel program.",
        settings=PtraceSettings,
        event_source="syscall",
        live=True,
        ends=True,
        visibility=visibility,
        start_problem=lambda settings: problem(attaches=not settings.command),
        privileges=_privileges,
    )

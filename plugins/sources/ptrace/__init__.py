"""Source `ptrace`: system calls of a command, of a process, or of a whole pid namespace, without a kernel program.

See docs/operate/trace.md for its coverage, its costs and its gaps.
"""

from collections.abc import Iterator
from typing import Literal, Self

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

    others: Literal["traced", "refused"] = Field(
        "traced",
        description="Without `command` and `pid`: `refused` does not start where processes of other users, or all of "
        "the machine, would be traced.",
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
        snaplen=settings.snaplen, refuses_others=settings.others == "refused", context=context,
    )  # fmt: skip


def _start_problem(settings: PtraceSettings) -> str | None:
    """Return the reason for which nothing could be traced, or for which other users' processes would be traced unasked;
    None if there is none."""
    found = problem(attaches=not settings.command)
    if found is None and settings.others == "refused" and not settings.command and settings.pid is None:
        from mozu.plugins.sources.ptrace.others import unasked  # seldom used

        found = unasked()
    return found


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
        start_problem=_start_problem,
        privileges=_privileges,
    )

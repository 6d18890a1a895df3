"""Source `ptrace`: system calls of a command that mozu starts, or of a process; no privilege, no kernel program.

What is seen, at what price, and what is not: docs/trace.md.
"""

from typing import Self

from pydantic import Field, model_validator

from mozu.core.api import Context, Settings, SourceDeclaration, hookimpl
from mozu.plugins.sources.ptrace.capability import visibility
from mozu.plugins.sources.ptrace.source import PtraceSource


class PtraceSettings(Settings):
    """Settings of the source `ptrace`."""

    command: tuple[str, ...] = Field((), description="The program to run and its arguments; give this or `pid`.")
    pid: int | None = Field(None, ge=1, description="A running process to attach to, with its future descendants.")
    job_control: bool = Field(
        False, description="Stop mozu together with a command that is stopped from the terminal, as a shell expects."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.command) == (self.pid is not None):
            raise ValueError("needs either `command` or `pid`")
        return self


def _build(settings: PtraceSettings, context: Context) -> PtraceSource:
    return PtraceSource(settings.command, settings.pid, job_control=settings.job_control, context=context)


@hookimpl
def mozu_components() -> SourceDeclaration[PtraceSettings]:
    """Declare the source `ptrace`."""
    return SourceDeclaration(
        name="ptrace",
        build=_build,
        summary="System calls of a command and its descendants, traced without any privilege.",
        settings=PtraceSettings,
        event_source="syscall",
        live=True,
        visibility=visibility,
    )

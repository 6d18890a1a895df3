"""The responder `run`: a program with the alert as one line of JSON on its standard input; never a shell."""

import shutil
from collections.abc import Sequence
from typing import Final

from pydantic import Field

from mozu.core.api import (
    ChecksStart,
    Context,
    Incident,
    Obstacle,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    StatelessResponder,
    hookimpl,
)
from mozu.core.common.control_chars import visible
from mozu.core.common.programs import run_program
from mozu.core.delivery.encode.incident import incident_line

_MAX_OUTPUT: Final = 4096


class RunSettings(ResponderSettings):
    """Settings of the responder `run`."""

    command: tuple[str, ...] = Field(min_length=1, description="The program and its arguments, as a list.")
    timeout: float = Field(20.0, gt=0, le=25, description="Seconds in which it must end; then it is killed.")


class RunResponder(ChecksStart, StatelessResponder):
    """Responder that runs a program; its arguments contain nothing of the alert."""

    def __init__(self, settings: RunSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle if the program is missing or may not be executed."""
        program = self._settings.command[0]
        if shutil.which(program) is not None:
            return []
        return [Obstacle(f"the program {program} is not there, or may not be executed; set `command`")]

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan, for any alert."""
        return ResponsePlan(text=f"run {self._settings.command[0]}")

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Run the program. Raises OSError, TimeoutError, and RuntimeError for an exit code other than 0."""
        line = incident_line(incident) + b"\n"
        done = await run_program(self._settings.command, stdin=line, seconds=self._settings.timeout)
        for text in (done.output[:_MAX_OUTPUT] + done.errors[:_MAX_OUTPUT]).splitlines():
            self._log.info("%s", visible(text))
        if done.code:
            raise RuntimeError(f"{self._settings.command[0]} ended with exit code {done.code}")


@hookimpl
def mozu_components() -> ResponderDeclaration[RunSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="run",
        build=RunResponder,
        settings=RunSettings,
        summary="Runs a program with the alert on its standard input.",
    )

"""The responder `deny`: a call fails with EPERM before it has any effect. The kernel denies it, by BPF LSM."""

from collections.abc import Sequence

from mozu.core.api import (
    Context,
    Incident,
    KernelAction,
    KillPlace,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    StatelessResponder,
    hookimpl,
)


class DenyResponder(StatelessResponder):
    """Responder that acts in the kernel only: an alert comes after its call, when it is too late to deny it."""

    def __init__(self, settings: ResponderSettings, context: Context) -> None:
        pass

    def kill_place(self) -> KillPlace:
        """Return `kernel`; see `ActsInKernel`. mozu itself cannot deny, because an alert comes after its call."""
        return "kernel"

    def kernel_action(self) -> KernelAction:
        """Return `deny`; see `ActsInKernel`."""
        return "deny"

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return None: there is nothing to do after the call."""
        return None

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Do nothing; never called, since nothing is planned."""


@hookimpl
def mozu_components() -> ResponderDeclaration[ResponderSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="deny",
        build=DenyResponder,
        settings=ResponderSettings,
        summary="Has calls fail with EPERM before they do anything, by BPF LSM.",
    )

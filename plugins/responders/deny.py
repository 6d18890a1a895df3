"""The responder `deny`: a call fails with EPERM before it does anything. It is the kernel that denies, by BPF LSM."""

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
    """An alert comes after its call: there is nothing left to deny then."""

    def __init__(self, settings: ResponderSettings, context: Context) -> None:
        pass

    def kill_place(self) -> KillPlace:
        """See `ActsInKernel`: mozu itself cannot, an alert comes after its call."""
        return "kernel"

    def kernel_action(self) -> KernelAction:
        """See `ActsInKernel`."""
        return "deny"

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Nothing."""
        return None

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Not called: nothing is planned."""


@hookimpl
def mozu_components() -> ResponderDeclaration[ResponderSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="deny",
        build=DenyResponder,
        settings=ResponderSettings,
        summary="Has calls fail with EPERM before they do anything, by BPF LSM.",
    )

"""The enricher `cri`: pods and their containers, by the Container Runtime Interface of containerd, CRI-O and others."""

from functools import partial
from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, hookimpl
from mozu.core.common.containers.cri.privileges import cri_privileges
from mozu.core.common.containers.cri.settings import CriSettings
from mozu.core.common.live_enricher import live_enricher

if TYPE_CHECKING:
    from mozu.core.common.containers.container_enricher import ContainerEnricher


def build(settings: CriSettings, context: Context) -> "ContainerEnricher":
    """Build the enricher."""
    from mozu.core.common.containers.container_enricher import ContainerEnricher  # only where it is used
    from mozu.core.common.containers.cri.runtime import CriRuntime

    return ContainerEnricher(context, [partial(CriRuntime, settings)])


@hookimpl
def mozu_components() -> EnricherDeclaration[CriSettings]:
    """Declare the enricher `cri`."""
    summary = "Names, images, labels, addresses and sandboxes of pods and their containers, by CRI."
    return live_enricher("cri", CriSettings, build, cri_privileges, summary)

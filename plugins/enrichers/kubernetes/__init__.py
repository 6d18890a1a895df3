"""The enricher `kubernetes`: pods with their workloads, services and namespaces, from the Kubernetes API."""

from typing import TYPE_CHECKING

from mozu.core.api import Context, EnricherDeclaration, LookupLimits, hookimpl
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings

if TYPE_CHECKING:
    from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher


def build(settings: KubernetesSettings, context: Context) -> "KubernetesEnricher":
    """Build the enricher."""
    from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher  # only where it is used

    return KubernetesEnricher(settings, context)


@hookimpl
def mozu_components() -> EnricherDeclaration[KubernetesSettings]:
    """Declare the enricher `kubernetes`."""
    return EnricherDeclaration(
        name="kubernetes",
        build=build,
        summary="Pods with their workloads, services and namespaces, from the Kubernetes API.",
        settings=KubernetesSettings,
        provides=("kubernetes",),
        lookups=LookupLimits(ttl=0, negative_ttl=1, parallel=256),  # each only waits for the watch
    )

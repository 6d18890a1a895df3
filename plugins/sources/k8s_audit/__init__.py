"""Source `k8s_audit`: the audit log of a Kubernetes API server, by webhook, from files or from standard input.

    settings        the configuration
    remembered      identities of events, to drop those that come twice
    webhook         events that are posted
    files           lines of files and of standard input, with their positions
    source          the component

mozu.core.common.k8s_audit decodes the events, mozu.core.common.http receives them, and
mozu.core.common.followed_file follows files.
"""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SourceDeclaration, hookimpl
from mozu.core.common.http.bind_privilege import bind_privilege
from mozu.plugins.sources.k8s_audit.settings import K8sAuditSettings

if TYPE_CHECKING:
    from mozu.plugins.sources.k8s_audit.source import K8sAuditSource


def build(settings: K8sAuditSettings, context: Context) -> "K8sAuditSource":
    """Build the source."""
    from mozu.plugins.sources.k8s_audit.source import K8sAuditSource  # imports aiohttp: only where it is used

    return K8sAuditSource(settings, context)


@hookimpl
def mozu_components() -> SourceDeclaration[K8sAuditSettings]:
    """Declare the source."""
    return SourceDeclaration(
        name="k8s_audit",
        build=build,
        settings=K8sAuditSettings,
        event_source="k8s_audit",
        live=False,
        summary="The audit log of a Kubernetes API server, of EKS, GKE and AKS too: by webhook, from files or stdin.",
        changeable=frozenset({"token", "tokens", "max_bytes", "response_timeout", "rate", "quota"}),
        privileges=bind_privilege,
    )

"""Settings of the enricher `kubernetes`."""

from pathlib import Path

from pydantic import Field, model_validator

from mozu.core.api import Settings


class KubernetesSettings(Settings):
    """Settings of the enricher `kubernetes`."""

    node: str = Field(
        "", description="This machine's name in Kubernetes, whose pods are read; empty: `$NODE_NAME`, else the host's."
    )
    kubeconfig: Path | None = Field(
        None, description="How the API server is reached, in kubectl's format; by default by the service account."
    )
    context: str = Field("", description="Which context of `kubeconfig`; empty: its current one.")
    service_account: Path = Field(
        Path("/var/run/secrets/kubernetes.io/serviceaccount"),
        description="Directory with `token` and `ca.crt`, used without `kubeconfig`.",
    )
    server: str = Field(
        "", description="The API server's URL for the service account; empty: `$KUBERNETES_SERVICE_HOST` and `_PORT`."
    )
    timeout: float = Field(
        5.0,
        gt=0,
        le=20,
        description="Seconds within which the API server must answer a request, and tell of a pod that runs.",
    )
    max_objects: int = Field(
        10_000, ge=1, le=1_000_000, description="Objects of each kind that are kept; further ones are counted."
    )

    @model_validator(mode="after")
    def _one_way(self) -> "KubernetesSettings":
        if self.kubeconfig is None and self.context:
            raise ValueError("context needs kubeconfig")
        if self.kubeconfig is not None and self.server:
            raise ValueError("server is for the service account; kubeconfig names its own")
        return self

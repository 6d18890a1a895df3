"""Pods of the scenario, as processes in them are seen."""

from pathlib import Path
from typing import Any

from mozu.core.model.event import SyscallEvent
from mozu.plugins.enrichers.kubernetes.enricher import KubernetesEnricher
from tests.plugins.enrichers.actors import event_of, read

ID = "ab" * 32


def in_pod(uid: str) -> SyscallEvent:
    """Return an event of a process in a pod."""
    return event_of(ID, runtime="k8s", cgroups=(("memory", f"/kubepods/burstable/pod{uid}/{ID}"),))


def fields_of(enricher: KubernetesEnricher, uid: str, *names: str) -> list[Any]:
    """Return values of `k8smeta.` fields of a pod; `pod.label[app]` has an argument."""
    found = []
    for name in names:
        plain, _, argument = name.partition("[")
        found.append(read(enricher, in_pod(uid), f"k8smeta.{plain}", argument.rstrip("]") or None))
    return found


def account(folder: Path, token: str = "abc") -> Path:
    """Make a service account's directory without an authority; return its path."""
    (folder / "token").write_text(token)
    return folder

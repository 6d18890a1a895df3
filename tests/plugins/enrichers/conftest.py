"""Fixtures of the enrichers' tests."""

from tests.support.containerd import containerd, own_containerd
from tests.support.cri import own_pods, pods
from tests.support.docker import docker, own_docker
from tests.support.podman import podman

__all__ = ["containerd", "docker", "own_containerd", "own_docker", "own_pods", "podman", "pods"]

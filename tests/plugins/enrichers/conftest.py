"""Fixtures of the enrichers' tests."""

from tests.support.docker import docker, own_docker

__all__ = ["docker", "own_docker"]

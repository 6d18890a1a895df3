"""Containers that are acted on through their engine, which then knows what they are: docker, containerd, podman.

    control         what an engine is asked for
    settings        where the engines are
    docker          over the socket of its API
    containerd      the same
    podman          by its command line: its API is seldom there
    responder       what the responders that go through an engine have in common
"""

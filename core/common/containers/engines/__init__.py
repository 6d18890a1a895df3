"""Control of containers through their engine, which then knows about the acts: docker, containerd, podman.

    control         the interface of an engine
    settings        the addresses of the engines
    docker          through the socket of its API
    containerd      through the socket of its API
    podman          by its command line: its API is seldom present
    responder       the common part of responders that act through an engine
"""

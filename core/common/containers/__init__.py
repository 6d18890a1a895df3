"""Container runtimes, as far as enrichers read them; one enricher runs any number of them.

    container_enricher   the enricher: one cache for all of its runtimes, each of which is detected
    container_lookups    the look-ups of that enricher: who is asked, what is kept
    container_runtime    what a runtime is to it
    docker, containerd, cri, podman   the runtimes
"""

"""Container runtimes, as far as enrichers read them; one enricher runs any number of them.

    container_enricher   the enricher: one cache for all of its runtimes, each of which is detected
    container_lookups    the look-ups of that enricher: which runtimes are asked, what is kept
    container_runtime    the interface of a runtime
    docker, containerd, cri, podman   the runtimes
"""

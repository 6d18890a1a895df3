"""What is known of containers, whoever found out: facts, image references, and the fields made of them.

Enrichers of container engines and sources of recordings fill in `ContainerFacts`; `container_readers` makes every field
of containers and pods from a look-up.
"""

from mozu.core.containers.facts import HOST, ContainerFacts, Mount
from mozu.core.containers.fields import Binder, Lookup, container_readers
from mozu.core.containers.image import Image, ImageNames, identify, parse

__all__ = [
    "HOST",
    "Binder",
    "ContainerFacts",
    "Image",
    "ImageNames",
    "Lookup",
    "Mount",
    "container_readers",
    "identify",
    "parse",
]

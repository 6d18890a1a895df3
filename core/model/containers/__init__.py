"""Container metadata, image references, and the fields made of them.

Enrichers of container engines and sources of recordings fill in `ContainerMetadata`; `container_readers` makes every
field of containers and pods from a look-up.
"""

from mozu.core.model.containers.fields import Binder, Lookup, container_readers
from mozu.core.model.containers.image import Image, ImageNames, identify, parse
from mozu.core.model.containers.metadata import HOST, ContainerMetadata, Mount

__all__ = [
    "HOST",
    "Binder",
    "ContainerMetadata",
    "Image",
    "ImageNames",
    "Lookup",
    "Mount",
    "container_readers",
    "identify",
    "parse",
]

"""The runtime containerd: the bundles below its state directory, its images, its API."""

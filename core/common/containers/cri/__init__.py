"""The Container Runtime Interface (CRI) of Kubernetes: containerd's plugin, CRI-O, and whatever else serves it."""
